"""The figures of lesson 10 draw without a warning, and their words are true to the numbers."""

import matplotlib
import numpy as np
import pytest

from helpers import plots
from helpers.errors import DataError


def texts_in(figure):
    return " | ".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def ends_inside(figure):
    """Whether nothing drawn is cut off at the figure's border."""
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    return box.x0 >= -0.01 and box.y0 >= -0.01 and box.x1 <= width + 0.01 and box.y1 <= height + 0.01


def test_ways_compared_fills_the_highest_and_marks_the_baseline(shown):
    tasks = {
        "topics": {"majority": (0.1, 0.1, 0.1), "words": (0.8, 0.7, 0.9), "tuned": (0.9, 0.85, 0.95)},
        "claims": {"majority": (0.3, 0.3, 0.3), "words": (0.5, 0.4, 0.6)},
    }
    plots.ways_compared(tasks, "majority", metric="macro F1")
    figure, alt = shown[0]
    assert "topics: majority 0.10, words 0.80, tuned 0.90; highest: tuned" in alt
    assert "claims: majority 0.30, words 0.50; highest: words" in alt
    first = figure.axes[0]
    dots = [bars.lines[0] for bars in first.containers]
    assert [dot.get_markerfacecolor() == "white" for dot in dots] == [True, True, False]
    assert first.get_lines()[0].get_xdata()[0] == 0.1
    assert [label.get_text() for label in first.get_yticklabels()] == ["tuned", "words", "majority"]
    assert ends_inside(figure)


def test_ways_compared_wants_the_baseline_everywhere():
    with pytest.raises(DataError, match="not among the ways of 'b'"):
        plots.ways_compared({"a": {"x": (1, 1, 1)}, "b": {"y": (1, 1, 1)}}, "x", metric="F1")


def test_by_examples_tells_ends_and_keeps_a_ways_look(shown):
    tasks = {
        "topics": ("macro F1", {"words": ([10, 80], [(0.5, 0.4, 0.6), (0.8, 0.7, 0.9)])}),
        "claims": (
            "AUROC",
            {
                "fields": ([10, 40], [(0.7, 0.6, 0.8), (0.8, 0.7, 0.9)]),
                "words": ([10, 40], [(0.4, -0.5, 1.3), (0.5, 0.4, 0.6)]),
            },
        ),
    }
    plots.by_examples(tasks)
    figure, alt = shown[0]
    assert "topics, macro F1: words 0.50 at 10 to 0.80 at 80" in alt
    assert "claims, AUROC: fields 0.70 at 10 to 0.80 at 40; words 0.40 at 10 to 0.50 at 40" in alt
    looks = [[(line.get_marker(), line.get_linestyle()) for line in axes.get_lines()] for axes in figure.axes]
    assert looks[0][0] == looks[1][1] != looks[1][0], "a way looks alike in all panels, in grey too"
    low, high = figure.axes[0].get_ylim()
    assert 0 <= low < 0.4 and high < 1.05, "a band that leaves the scale does not stretch it"
    assert ends_inside(figure)


def test_before_after_has_the_same_axes_and_marks_the_held_out(shown):
    random = np.random.default_rng(0)
    places = {"before": random.standard_normal((20, 2)), "after": 3 * random.standard_normal((20, 2))}
    labels, held = np.array(["no", "yes"] * 10), np.arange(20) >= 15
    plots.before_after(places, labels, held)
    figure, alt = shown[0]
    left, right = figure.axes
    assert left.get_xlim() == right.get_xlim() and left.get_ylim() == right.get_ylim()
    assert "5 held-out texts have a black edge" in alt and "no, yes" in alt
    assert sum(len(group.get_offsets()) for group in left.collections) == 20
    assert "held out" in texts_in(figure) and ends_inside(figure)
    with pytest.raises(DataError, match="two numbers for each of the 20"):
        plots.before_after({"flat": np.zeros((20, 3))}, labels, held)


def test_crossed_tells_the_diagonal_from_the_rest(shown):
    plots.crossed({"sees": np.eye(4), "blind": np.full((4, 4), 0.5)})
    figure, alt = shown[0]
    assert "4 products (rows) by 4 ads" in alt
    assert "sees: mean 1.00 on the diagonal, 0.00 off it" in alt
    assert "blind: mean 0.50 on the diagonal, 0.50 off it" in alt
    assert "probability of yes" in texts_in(figure) and ends_inside(figure)
