import matplotlib
import numpy as np
import pandas as pd
from test_plots_reviews import ends_inside, texts_in

from helpers import plots


def test_search_quality_has_a_mark_for_each_way_and_kind(shown):
    table = pd.DataFrame(
        {"words": [0.5, 0.25], "vectors": [1.0, 0.0], "hybrid": [0.75, 0.5]}, index=["meaning", "all 12"]
    )
    plots.search_quality(table, "mean reciprocal rank")
    figure, alt = shown[0]
    marks = [line.get_xdata().tolist() for line in figure.axes[0].lines]
    assert marks == [[0.5, 0.25], [1.0, 0.0], [0.75, 0.5]]
    assert len({line.get_marker() for line in figure.axes[0].lines}) == 3
    assert alt.endswith(
        "meaning: words 0.50, vectors 1.00, hybrid 0.75; all 12: words 0.25, vectors 0.00, hybrid 0.50."
    )
    assert {"meaning", "all 12", "hybrid"} <= set(texts_in(figure).split(" | "))
    assert ends_inside(figure)


def test_threshold_cost_draws_gains_over_costs(shown):
    vectors = pd.DataFrame({"threshold": [0.7, 0.9], "found": [1.0, 0.5], "others": [1200, 0]})
    shingles = pd.DataFrame({"threshold": [0.1, 0.5], "found": [0.9, 0.8], "others": [3, 0]})
    plots.threshold_cost({"vectors": vectors, "shingles": shingles})
    figure, alt = shown[0]
    lines = figure.axes[0].lines
    assert [(x.tolist(), y.tolist()) for x, y in (line.get_data() for line in lines)] == [
        ([1200, 0], [1.0, 0.5]),
        ([3, 0], [0.9, 0.8]),
    ]
    assert len({(line.get_marker(), line.get_linestyle()) for line in lines}) == 2
    assert "vectors: 1.00 and 1,200 from 0.70, 0.50 and 0 from 0.90; shingles: 0.90 and 3 from 0.10" in alt
    assert {"0", "10", "1,000", "from 0.70", "from 0.90", "shingles"} <= set(texts_in(figure).split(" | "))
    assert ends_inside(figure)


def test_intervals_and_what_cannot_be_computed(shown):
    nan = float("nan")
    plots.intervals({"with its own text": (0.4, 0.2, 0.6), "without": (nan, nan, nan)}, "correlation")
    figure, alt = shown[0]
    assert "with its own text: 0.40, from 0.20 to 0.60; without: cannot be computed" in alt
    assert "cannot be computed" in texts_in(figure)
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [np.asarray(dot.get_xdata()).item() for dot in dots] == [0.4]
    assert isinstance(figure, matplotlib.figure.Figure)
    assert ends_inside(figure)
