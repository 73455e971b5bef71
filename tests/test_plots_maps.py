"""The figures of lesson 05: names on a map never touch, and the words beside the figures are true."""

import itertools

import matplotlib
import numpy as np
import pandas as pd
import pytest

from helpers import plots
from helpers.plots.maps import place_names

RNG = np.random.default_rng(0)
PLACES = RNG.standard_normal((90, 2))
LABELS = np.repeat([0, 1, 2], [40, 30, 20])


def titles(figure):
    return [axes.get_title(loc="left") or axes.get_title() for axes in figure.axes]


@pytest.mark.parametrize("spread", [0.0, 0.01, 1.0])
def test_names_never_touch_and_stay_inside(spread):
    matplotlib.use("agg")
    figure, axes = matplotlib.pyplot.subplots(figsize=(8, 6))
    axes.set(xlim=(-3, 3), ylim=(-3, 3))
    anchors = {f"group number {i}, with a name": spread * RNG.standard_normal(2) for i in range(12)}
    texts = place_names(axes, anchors)
    figure.canvas.draw()
    inside = axes.get_window_extent()
    boxes = [text.get_bbox_patch().get_window_extent() for text in texts]
    assert [text.get_text() for text in texts] == list(anchors)
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    assert all(inside.contains(*box.min) and inside.contains(*box.max) for box in boxes)
    lines = len(axes.lines)
    assert lines == sum(
        not np.allclose(text.get_position(), anchor) for text, anchor in zip(texts, anchors.values())
    )
    matplotlib.pyplot.close(figure)


def test_a_labelled_map_tells_its_names_and_sizes(shown):
    plots.labelled_map(PLACES, LABELS, {0: "tea", 1: "dogs", 2: "parcels"})
    figure, alt = shown[0]
    assert "tea (40), dogs (30), parcels (20)" in alt
    assert {text.get_text() for text in figure.axes[0].texts} == {"tea (40)", "dogs (30)", "parcels (20)"}


def test_the_direction_of_most_spread(shown):
    along = np.radians(30)
    line = RNG.standard_normal(200)[:, None] * [np.cos(along), np.sin(along)]
    variances = [(line @ [np.cos(a), np.sin(a)]).var() for a in np.radians(range(180))]
    plots.most_spread(line, variances, ("first", "second"))
    figure, alt = shown[0]
    assert "peak at 30 degrees" in alt
    solid, dashed = figure.axes[0].lines
    slope = np.diff(solid.get_ydata()) / np.diff(solid.get_xdata())
    assert slope == pytest.approx(np.tan(along))
    assert dashed.get_linestyle() == "--"


def test_explained_variance_tells_shares(shown):
    plots.explained_variance({"data": [0.4, 0.3, 0.2, 0.1], "flat": [0.25] * 4})
    figure, alt = shown[0]
    assert "data: 2 hold 70.0%, 3 hold 90.0%; half is reached with 2" in alt
    assert "flat: 2 hold 50.0%" in alt
    assert figure.axes[0].lines[0].get_ydata()[-1] == pytest.approx(100)


def test_a_grid_of_maps_has_a_panel_each_and_no_axes_to_read(shown):
    plots.map_grid({f"map {i}\nnote": PLACES for i in range(4)}, LABELS, columns=3, words="More words.")
    figure, alt = shown[0]
    visible = [axes for axes in figure.axes if axes.get_visible()]
    assert len(visible) == 4
    assert all(len(axes.get_xticks()) == 0 for axes in visible)
    assert (
        alt
        == "4 maps of 90 points each: map 0; map 1; map 2; map 3. Colour and mark show 3 groups. More words."
    )
    marks = {tuple(map(tuple, points.get_paths()[0].vertices)) for points in visible[0].collections}
    assert len(marks) == 3  # groups differ by shape as well


def test_a_legend_names_the_groups(shown):
    names = {0: "tea", 1: "dogs", 2: "parcels"}
    plots.map_grid({"one": PLACES, "two": PLACES}, LABELS, names=names)
    figure, alt = shown[0]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["tea", "dogs", "parcels"]
    assert alt == "2 maps of 90 points each: one; two. Colour and mark show 3 groups: tea; dogs; parcels."
    colours = [mark.get_color() for mark in legend.legend_handles]
    drawn = [matplotlib.colors.to_hex(points.get_facecolor()[0]) for points in figure.axes[0].collections]
    assert colours == drawn


def test_kept_neighbours_on_a_map(shown):
    true = np.tile([1, 2, 3, 4], (90, 1))
    kept = np.arange(90) % 5
    plots.kept_on_map(PLACES, true, kept, 0)
    figure, alt = shown[0]
    left, right, _ = figure.axes
    ends = [tuple(line.get_xydata()[1]) for line in left.lines[:4]]
    assert ends == [tuple(PLACES[i]) for i in (1, 2, 3, 4)]
    assert np.array_equal(np.sort(right.collections[0].get_array()), np.sort(kept))
    assert "its 4 nearest in the vectors" in alt


def test_stars_on_a_map_are_counted(shown):
    plots.stars_on_map(PLACES, np.repeat([1, 2, 3, 4, 5], [5, 5, 10, 20, 50]))
    figure, alt = shown[0]
    assert titles(figure) == ["1 or 2 stars: 10", "3 or 4 stars: 30", "5 stars: 50"]
    assert "10 with 1 or 2 stars, 30 with 3 or 4 stars, 50 with 5 stars" in alt


@pytest.mark.parametrize(("value", "lowest"), [(0.2, True), (0.9, False)])
def test_quality_says_whether_the_baseline_is_lowest(shown, value, lowest):
    rows = {"at random": [value] * 3, "PCA": [0.5] * 3}
    columns = ["trustworthiness", "overlap", "distances"]
    plots.map_quality(pd.DataFrame.from_dict(rows, orient="index", columns=columns), "at random")
    figure, alt = shown[0]
    assert ("“at random” is lowest" in alt) == lowest
    assert "0.50" in [text.get_text() for text in figure.axes[0].texts]


def test_a_map_in_three_dimensions_is_seen_from_two_sides(shown):
    places = np.random.default_rng(0).normal(size=(30, 3))
    plots.map_from_sides(places, np.arange(30) % 2, {0: "tea", 1: "dogs"})
    figure, alt = shown[0]
    turns = [axes.azim for axes in figure.axes]
    assert abs(turns[0] - turns[1]) == 90
    assert "30 points in three dimensions" in alt and "2 groups: tea; dogs" in alt
