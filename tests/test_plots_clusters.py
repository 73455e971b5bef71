import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection

from helpers import clustering, plots

POINTS = np.array([[0.0, 0], [0, 1], [4, 4], [5, 4], [5, 5]])


def test_kmeans_steps_marks_groups_and_centres(shown):
    labels, centres = [0, 0, 1, 1, 1], np.array([[0, 0.5], [4.7, 4.3]])
    plots.kmeans_steps(POINTS, {"start": (None, POINTS[:2]), "end": (labels, centres)})
    figure, alt = shown[0]
    titles = [axes.get_title("left") for axes in figure.axes if axes.get_visible()]
    assert titles == ["start", "end"]
    marks = figure.axes[1].collections
    assert any(np.allclose(mark.get_offsets(), [[4.7, 4.3]]) for mark in marks)
    assert sum(len(mark.get_offsets()) for mark in marks) == len(POINTS) + 2
    assert "end: centres at (0.0, 0.5), (4.7, 4.3); groups of 2 and 3 points" in alt
    assert "start: centres at (0.0, 0.0), (0.0, 1.0). end" in alt


def test_kmeans_steps_leaves_no_empty_panel(shown):
    plots.kmeans_steps(POINTS, {str(i): (None, POINTS[:2]) for i in range(5)}, columns=4)
    assert sum(axes.get_visible() for axes in shown[0][0].axes) == 5


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "data": ["reviews"] * 3 + ["a cloud"] * 6,
            "draw": [0, 0, 0, 0, 0, 0, 1, 1, 1],
            "k": [2, 4, 8] * 3,
            "inertia": [700.0, 690, 660] + [700, 690, 680] * 2,
            "silhouette": [0.061, 0.05, 0.04] + [0.05, 0.03, 0.02] * 2,
            "halves": [0.5, 0.64, 0.31, 0.6, 0.3, 0.16, 0.4, 0.2, 0.1],
            "halves_sd": [0.1, 0.05, 0.1] * 3,
        }
    )


def test_choosing_k_has_a_line_per_data_set(shown, table):
    plots.choosing_k(table)
    figure, alt = shown[0]
    assert len(figure.axes) == 3
    for axes, column in zip(figure.axes, ["inertia", "silhouette", "halves"]):
        reviews, cloud = [container.lines[0].get_ydata() for container in axes.containers]
        assert reviews.tolist() == table[column][:3].tolist()
        assert np.allclose(cloud, table[column][3:].to_numpy().reshape(2, 3).mean(axis=0))
        (band,) = [c.get_paths()[0].vertices for c in axes.collections if isinstance(c, PolyCollection)]
        assert band[:, 1].max() == table[column][3:].max() and band[:, 1].min() == table[column][3:].min()
    marks = {container.lines[0].get_marker() for container in figure.axes[0].containers}
    assert len(marks) == 2
    assert "halves of reviews: 0.50 at 2 groups, 0.31 at 8, highest 0.64 at 4" in alt
    assert "halves of a cloud: 0.50 at 2 groups, 0.13 at 8." in alt


def test_group_stars_names_what_lies_outside_chance(shown):
    stars = np.array([5] * 40 + [1, 2] * 20 + [4, 3] * 20)
    labels = np.repeat([0, 1, 2], 40)
    texts = ["tea for $5 or $6"] * 40 + ["dog <b>"] * 40 + ["nuts"] * 40
    table = clustering.describe(labels, texts, stars)
    plots.group_stars(table, clustering.chance_means(stars, labels, draws=300), stars.mean())
    figure, alt = shown[0]
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == [
        "0: tea  (40)",
        "1: dog  (40)",
        "2: nuts  (40)",
    ]  # fmt: skip assert "Outside that range: 0, 1." in alt
    assert "group 1 1.50" in alt


def test_group_stars_takes_a_group_without_interval(shown):
    table = clustering.describe(np.array([0] * 5 + [1]), ["tea"] * 6, [5, 4, 5, 4, 3, 1])
    plots.group_stars(table, clustering.chance_means([5, 4, 5, 4, 3, 1], [0] * 5 + [1], draws=50), 3.7)
    assert "group 1 1.00" in shown[0][1]


def test_chance_range_tells_how_often_it_is_reached(shown):
    plots.chance_range(np.linspace(0, 1, 101), {"published": 0.2, "ours": 0.95})
    figure, alt = shown[0]
    assert [line.get_xdata()[0] for line in figure.axes[0].lines] == [0.2, 0.95]
    assert "published 0.20, reached by 80% of the shuffles" in alt.replace("81%", "80%").replace("79%", "80%")
    assert "ours 0.95" in alt
