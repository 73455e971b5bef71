"""The figures of lesson 08 draw without a warning, and their words are true to the numbers."""

import matplotlib
import pytest

from helpers import plots
from helpers.errors import DataError


def texts_in(figure):
    return " | ".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def ends_inside(figure):
    """Whether nothing drawn is cut off at the figure's border."""
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    return box.x0 >= -0.01 and box.y0 >= -0.01 and box.x1 <= width + 0.01 and box.y1 <= height + 0.01


def test_first_tokens_adds_up_labels_that_begin_alike(shown):
    plots.first_tokens([0.4, 0.35, 0.25], [" tea", " oat milk", " oat bread"], [" tea", " oat", " oat"])
    figure, alt = shown[0]
    assert "tea 0.40, oat milk 0.35, oat bread 0.25; the likeliest is tea" in alt
    assert '" tea" 0.40, " oat" 0.60; the likeliest is " oat"' in alt
    left, right = figure.axes
    assert [bar.get_width() for bar in right.patches] == pytest.approx([0.4, 0.6])
    assert [bool(bar.get_hatch()) for bar in left.patches] == [False, True, True], "grey prints need it"
    assert ends_inside(figure)


def test_first_tokens_wants_one_of_each():
    with pytest.raises(DataError, match="one probability and one first token"):
        plots.first_tokens([0.4, 0.6], ["a", "b"], ["a"])


def test_token_growth_names_the_ends_and_the_limits(shown):
    growth = {"en": ([100, 400], [25, 100]), "ko": ([50, 200], [60, 2400])}
    plots.token_growth(growth, limit=2048, characters=10_000)
    figure, alt = shown[0]
    assert "level line at 2,048 tokens and an upright one at 10,000 characters" in alt
    assert "en: 100 tokens in 400 characters; ko: 2,400 tokens in 200 characters" in alt
    assert "2,048 tokens" in texts_in(figure)
    assert len({line.get_linestyle() for line in figure.axes[0].get_lines()[:2]}) == 2
    assert ends_inside(figure)


def test_token_growth_without_a_limit_in_characters(shown):
    plots.token_growth({"en": ([100], [25])}, limit=30)
    assert "upright" not in shown[0][1]


def test_learning_curves_may_have_places_of_their_own(shown):
    curves = {
        "topics": ([5, 60], [(0.8, 0.7, 0.9), (0.9, 0.85, 0.95)]),
        "claims": ([5, 100], [(0.5, 0.4, 0.6), (0.6, 0.5, 0.7)]),
    }
    plots.learning_curves(curves, {"chance": 0.5}, mark=100)
    figure, alt = shown[0]
    assert "topics: 0.80 at 5, 0.90 at 60; claims: 0.50 at 5, 0.60 at 100; chance, a level line: 0.50" in alt
    axes = figure.axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["5", "60", "100"]
    assert axes.get_xscale() == "log"
    assert ends_inside(figure)
