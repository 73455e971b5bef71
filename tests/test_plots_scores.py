"""The figures of lesson 06 draw without a warning, and their words are true to the numbers."""

import matplotlib
import numpy as np
import pytest

from helpers import plots
from helpers.errors import DataError
from helpers.plots.scores import wilson


def texts_in(figure):
    return " | ".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def ends_inside(figure):
    """Whether nothing drawn is cut off at the figure's border."""
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()  # both in inches
    return box.x0 >= -0.01 and box.y0 >= -0.01 and box.x1 <= width + 0.01 and box.y1 <= height + 0.01


def test_confusion_names_the_most_frequent_mistake(shown):
    plots.confusion([[3, 0, 1], [0, 0, 0], [2, 5, 9]], [1, 4, 5])
    figure, alt = shown[0]
    assert "12 of 20 lie on the diagonal" in alt
    assert "true 5 taken for 4, 5 times" in alt
    assert "1: 75%, 4: 0%, 5: 56%" in alt
    assert "9\n56%" in texts_in(figure)
    assert ends_inside(figure)


def test_confusion_without_a_mistake(shown):
    plots.confusion(np.diag([2, 3]), ["bad", "good"], what="mood")
    assert "mistake" not in shown[0][1]
    assert "predicted mood" in texts_in(shown[0][0])


def test_confusion_wants_a_label_a_row():
    with pytest.raises(DataError, match="2 labels"):
        plots.confusion(np.eye(3), [1, 2])


def test_reliability_has_groups_of_equal_number_by_rising_probability(shown):
    stated = [0.9, 0.5, 0.95, 0.6]
    plots.reliability({"a": (stated, [True, False, True, True])}, bins=2)
    figure, alt = shown[0]
    assert "a: 0.55 said and 0.50 happened, 0.93 said and 1.00 happened" in alt
    assert ends_inside(figure)


def test_reliability_with_fewer_cases_than_bins(shown):
    plots.reliability({"a": ([0.8, 0.7], [True, True])}, bins=6, event="so")
    assert shown[0][1].count("said") == 2
    assert "share so" in texts_in(shown[0][0])


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0)]
)
def test_wilsons_interval_as_tabulated(successes, n, low, high):
    assert wilson(successes, n) == pytest.approx((low, high), abs=1e-4)


def test_score_curves_draws_each_line_and_level(shown):
    curves = {"all": [(0.5, 0.4, 0.6), (0.7, 0.6, 0.8)], "new": [(0.5, 0.5, 0.5), (0.4, 0.3, 0.5)]}
    plots.score_curves([0, 0.24], curves, {"coin": 0.45}, x_label="dose", y_label="accuracy", percent=True)
    figure, alt = shown[0]
    assert "all: 0.50 at 0%, 0.70 at 24%; new: 0.50 at 0%, 0.40 at 24%; coin, a level line: 0.45" in alt
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["0%", "24%"]
    lines = figure.axes[0].get_lines()
    assert len({line.get_linestyle() for line in lines[:2]}) == 2, "grey prints need different lines"
    assert ends_inside(figure)


def test_score_curves_by_doubling(shown):
    curve = {"few": [(0.5, 0.4, 0.6)] * 3}
    plots.score_curves([75, 150, 1200], curve, x_label="labels", y_label="F1", log=True)
    figure, alt = shown[0]
    assert figure.axes[0].get_xscale() == "log"
    assert "0.50 at 1,200" in alt


def test_score_intervals_has_the_best_on_top(shown):
    scores = {"base": (0.2, 0.2, 0.2), "good": (0.6, 0.5, 0.7), "fair": (0.4, 0.3, 0.5)}
    plots.score_intervals(scores, "base", metric="macro F1")
    figure, alt = shown[0]
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["good", "fair", "base"]
    assert list(figure.axes[0].get_yticks()) == [2, 1, 0]
    assert "the highest on top" in alt
    assert "good 0.60 (0.50 to 0.70); fair 0.40 (0.30 to 0.50); base" in alt
    assert ends_inside(figure)


def test_score_intervals_where_less_is_better(shown):
    scores = {"base": (0.8, 0.8, 0.8), "good": (0.5, 0.4, 0.6)}
    plots.score_intervals(scores, "base", metric="MAE", lower_is_better=True)
    assert "the lowest on top" in shown[0][1]
    assert [tick.get_text() for tick in shown[0][0].axes[0].get_yticklabels()] == ["good", "base"]


def test_score_intervals_without_its_baseline():
    with pytest.raises(DataError, match="'base' is not among"):
        plots.score_intervals({"a": (1, 1, 1)}, "base", metric="x")


def test_roc_states_the_area_and_what_is_found_early(shown):
    truth = np.array([True, True, False, False])
    plots.roc(truth, {"perfect": [0.9, 0.8, 0.2, 0.1], "half": [0.9, 0.1, 0.8, 0.2]}, "unhappy", "happy")
    figure, alt = shown[0]
    assert "2 unhappy and 2 happy" in alt
    assert "perfect: area 1.00; 100% found" in alt
    assert "half: area 0.50; 50% found" in alt
    assert "share of the happy wrongly flagged" in texts_in(figure)
    assert ends_inside(figure)
