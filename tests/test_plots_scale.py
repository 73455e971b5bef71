"""The figures of lesson 13: drawn, and truly described."""

import numpy as np
import pandas as pd

from helpers import plots
from helpers.scale import plan


def test_over_rows_names_every_value(shown):
    table = pd.DataFrame(
        {"way": ["a", "a", "b"], "rows": [10_000, 500_000, 10_000], "seconds": [1.5, 70.0, 3.0]}
    )
    plots.over_rows(table, "seconds", "seconds")
    ((figure, alt),) = shown
    assert "a: 1.5 at 10,000, 70 at 500,000; b: 3 at 10,000." in alt
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["10,000", "500,000"]
    assert {line.get_linestyle() for line in axes.lines} == {"-", "--"}


def test_many_places_says_where_they_are(shown):
    rng = np.random.default_rng(0)
    places = rng.uniform(-1, 1, (3_000, 2))
    stars = np.where(places[:, 0] < 0, 1, 5)
    plots.many_places(places, stars)
    ((figure, alt),) = shown
    assert "3,000 reviews" in alt and "between -0.9 and 0.9 from left to right" in alt
    left, middle, right = map(float, alt.split("the mean is ")[1].rstrip(".").split(", "))
    assert left == 1 and right == 5 and 2 < middle < 4
    assert len(figure.axes) == 4  # two maps, two colour bars


def test_found_and_time(shown):
    table = pd.DataFrame({"milliseconds": [0.1, 0.4], "recall": [0.91, 0.99]})
    plots.found_and_time({"1,000 vectors": table, "2,000 vectors": table * [2, 1]})
    ((_, alt),) = shown
    assert "1,000 vectors: from 0.910 in 0.1 ms to 0.990 in 0.4 ms" in alt and "2,000 vectors" in alt


def test_what_was_measured_can_be_drawn(shown):
    for task, column in (("embed", "peak_megabytes"), ("dask", "seconds")):
        plots.over_rows(plan.recorded([task]), column, column)
    assert len(shown) == 2
