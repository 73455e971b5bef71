"""The map to explore: drawn when asked for, the same by mouse and by keyboard, and nobody's text is run."""

import numpy as np
import pytest

from helpers import widgets
from helpers.errors import DataError
from helpers.widgets import maps

TEXTS = [
    "green tea\nfine",
    "steak, dog <b>food</b>",
    "Tea & cake",
    *[f"stale crackers {i}" for i in range(9)],
]
STARS = [5, 1, 3, *[2] * 9]
LABELS = [0, 1, 0, *[1] * 9]
PLACES = np.arange(24, dtype=float).reshape(12, 2)
NAMES = {0: "tea", 1: "dogs & crackers"}


@pytest.fixture
def box():
    return widgets.review_map(PLACES, TEXTS, STARS, LABELS, NAMES)


def press(box):
    box.children[0].click()
    return box.map


def panel(box):
    return box.children[-1].value


def inputs(box):
    return box.children[-2].children


def test_nothing_is_drawn_before_the_button_is_pressed(box):
    assert box.map is None
    assert box.children[0].description == "Draw the map"
    assert "Review 0, 5 ★, group tea" in panel(box)
    assert len(repr(box)) < 1_000


def test_the_map_has_a_trace_per_group_and_escaped_texts(box):
    figure = press(box)
    tea, dogs, ring = figure.data
    assert (tea.name, dogs.name) == ("tea", "dogs &amp; crackers")
    assert list(tea.customdata) == [0, 2]
    assert list(tea.x) == [0, 4]
    assert "&lt;b&gt;" in dogs.text[0]
    assert tea.marker.symbol != dogs.marker.symbol
    assert list(ring.x) == [0]
    assert tea.type == "scatter"


def test_many_points_are_drawn_by_webgl(monkeypatch, box):
    monkeypatch.setattr(maps, "SVG_POINTS", 5)
    assert press(box).data[0].type == "scattergl"


def test_the_number_box_shows_a_review_and_rings_it(box):
    figure = press(box)
    number, _ = inputs(box)
    number.value = 1
    assert "dog &lt;b&gt;food&lt;/b&gt;" in panel(box)
    assert "dogs &amp; crackers" in panel(box)
    assert list(figure.data[-1].x) == [2]


def test_the_search_works_before_and_after_drawing(box):
    _, search = inputs(box)
    search.value = "TEA"
    assert "2 reviews, 4.0 stars" in panel(box)  # and not the steak
    figure = press(box)
    search.value = "stale"
    assert "9 reviews, 2.0 stars" in panel(box)
    assert "the first 8" in panel(box)
    assert panel(box).count("<tr>") == 8
    assert len(figure.data[-1].x) == 9
    search.value = "nowhere"
    assert "No review was chosen" in panel(box)
    assert len(figure.data[-1].x) == 0
    search.value = " "
    assert "Review 0," in panel(box)
    assert len(figure.data[-1].x) == 1


def test_a_click_and_a_lasso_reach_the_panel(box):
    figure = press(box)
    figure.data[1]._dispatch_on_click(maps_points([0]), None)
    assert "Review 1," in panel(box)
    figure.data[0].selectedpoints = [1]
    figure.data[1].selectedpoints = [0]
    figure.data[1]._dispatch_on_selection(maps_points([0]), None)
    assert "2 reviews, 2.0 stars" in panel(box)
    figure.data[1]._dispatch_on_deselect(maps_points([]))
    assert "Review 1," in panel(box)
    assert list(figure.data[-1].x) == [2]


def test_hovering_rests_while_a_lasso_is_drawn(box):
    figure = press(box)
    assert figure.layout.hovermode == "closest"
    for mode in ("lasso", "select"):
        figure.update_layout(dragmode=mode)
        assert figure.layout.hovermode is False
    figure.update_layout(dragmode="pan")
    assert figure.layout.hovermode == "closest"


def test_every_review_needs_a_place_and_its_label_a_name():
    with pytest.raises(DataError, match="no name: -1"):
        widgets.review_map(PLACES, TEXTS, STARS, [-1, *LABELS[1:]], NAMES)
    with pytest.raises(DataError, match="one place"):
        widgets.review_map(PLACES[1:], TEXTS, STARS, LABELS, NAMES)


def maps_points(indices):
    from plotly.callbacks import Points

    return Points(point_inds=indices, xs=[0], ys=[0], trace_name="", trace_index=0)
