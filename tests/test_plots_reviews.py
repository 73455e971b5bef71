"""The figures of lesson 02 draw without a warning, and their words are true to the data; so is its slider."""

import re

import matplotlib
import numpy as np
import pytest

from helpers import plots, widgets


def texts_in(figure):
    return " | ".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def ends_inside(figure):
    """Whether nothing drawn is cut off at the figure's border."""
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()  # both in inches
    return box.x0 >= -0.01 and box.y0 >= -0.01 and box.x1 <= width + 0.01 and box.y1 <= height + 0.01


def test_stars_has_a_bar_and_a_share_for_every_number(shown):
    plots.stars(np.array([5] * 13 + [4] * 4 + [1] * 3))
    figure, alt = shown[0]
    assert [bar.get_width() for bar in figure.axes[0].patches] == [3, 0, 0, 4, 13]
    assert alt.endswith("15.0% have 1, 0.0% have 2, 0.0% have 3, 20.0% have 4, 65.0% have 5.")
    assert "20 reviews" in alt
    assert "13  (65.0%)" in texts_in(figure)
    assert ends_inside(figure)


def test_only_the_longest_bar_stands_out(shown):
    plots.stars([5, 5, 4, 3, 2, 1])
    colours = {bar.get_facecolor() for bar in shown[0][0].axes[0].patches[:4]}
    assert len(colours) == 1
    assert shown[0][0].axes[0].patches[4].get_facecolor() not in colours


@pytest.mark.parametrize(("rows", "known"), [(200, 61), (190, 0), (7, 7), (1, 0)])
def test_seen_before_draws_each_row_once(shown, rows, known):
    plots.seen_before(np.arange(rows) < known)
    figure, alt = shown[0]
    new, old = (len(squares.get_offsets()) for squares in figure.axes[0].collections)
    assert (new, old) == (rows - known, known)
    places = np.vstack([squares.get_offsets() for squares in figure.axes[0].collections])
    assert len(np.unique(places, axis=0)) == rows
    assert f"{rows} small squares" in alt
    assert f"{known} of them, {known / rows:.0%}, are filled" in alt
    assert f"training set too: {known}" in texts_in(figure)
    assert ends_inside(figure)


def test_token_counts_says_how_far_the_limit_is(shown):
    plots.token_counts([40, 50, 60, 70, 800], limit=8192)
    figure, alt = shown[0]
    assert "5 texts. The median is 60" in alt
    assert "ends at 800. The limit of 8,192 tokens: 10.2 times the longest." in alt
    assert {"median: 60", "longest: 800"} <= set(texts_in(figure).split(" | "))
    assert figure.axes[0].get_xlim()[1] < 1_000, "the limit would squeeze the texts into one bar"
    assert ends_inside(figure)


def test_token_counts_says_how_many_are_over_the_limit(shown):
    plots.token_counts([10, 9000, 9001], limit=8192)
    figure, alt = shown[0]
    assert "8,192 tokens: 2 texts are longer." in alt
    assert "2 texts are longer" in texts_in(figure)
    assert "far off" not in texts_in(figure)


TEXTS = ["black tea", "green <b>tea</b>", "dog food", "cat food"]
VECTORS = np.array([[1, 0], [0.8, 0.6], [0, 1], [0, 1]], dtype=np.float32)
STARS = [5, 1, 4, 3]


def rows_of(markup):
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in markup.split("<tr>")[2:]]


def test_neighbours_are_the_others_nearest_first():
    assert rows_of(widgets.neighbours(0, VECTORS, TEXTS, STARS, k=2)) == [
        ["", "5 ★", "black tea"],
        ["0.80", "1 ★", "green &lt;b&gt;tea&lt;/b&gt;"],
        ["0.00", "4 ★", "dog food"],
    ]


def test_a_text_that_has_a_twin_is_not_its_own_neighbour():
    for position in (2, 3):  # their vectors are equal, so that either could come first
        shown_texts = [
            text for _, _, text in rows_of(widgets.neighbours(position, VECTORS, TEXTS, STARS, k=3))
        ]
        assert shown_texts[0] == TEXTS[position]
        assert len(set(shown_texts)) == 4


def test_more_neighbours_than_texts():
    assert len(rows_of(widgets.neighbours(1, VECTORS, TEXTS, STARS, k=50))) == 4


def test_the_slider_picks_the_review():
    slider, result = widgets.neighbour_browser(VECTORS, TEXTS, STARS, position=2).children
    assert (slider.min, slider.max, slider.value) == (0, 3, 2)
    assert rows_of(result.value)[0][2] == "dog food"
    slider.value = 1
    assert rows_of(result.value)[0][1:] == ["1 ★", "green &lt;b&gt;tea&lt;/b&gt;"]
