"""Every figure draws without a warning, and its alternative text is true to the data."""

import matplotlib
import numpy as np
import pytest

from helpers import plots
from helpers.plots import core


def texts_in(figure):
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_text()]


def ends_inside(figure):
    """Whether nothing drawn is cut off at the figure's border."""
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()  # both in inches
    return box.x0 >= -0.01 and box.y0 >= -0.01 and box.x1 <= width + 0.01 and box.y1 <= height + 0.01


# ----------------------------------------------------------------------------- lesson 01: vectors


def test_arrows_name_their_tips_and_magnitudes(shown):
    drinks = {"cocoa": np.array([4.0, 3.0]), "coffee": [0, 5], "lemonade": [3, -4], "espresso": [-4, -3]}
    plots.arrows(drinks, ("sweet", "warm"))
    figure, alt = shown[0]
    assert "cocoa to (4, 3), magnitude 5" in alt
    assert "lemonade to (3, -4), magnitude 5" in alt
    assert "sweet to the right, warm upwards" in alt
    assert "circle" not in alt
    assert {"cocoa", "coffee", "lemonade", "espresso", "sweet", "warm"} <= set(texts_in(figure))
    assert ends_inside(figure)


def test_arrows_that_end_together_share_a_label_on_the_circle(shown):
    plots.arrows({"small": [0.8, 0.6], "large": [0.8, 0.6], "other": [-1, 0]}, ("x", "y"), unit_circle=True)
    figure, alt = shown[0]
    assert "small and large to (0.8, 0.6), magnitude 1; other to (-1, 0), magnitude 1" in alt
    assert "dashed circle" in alt
    assert "small, large" in texts_in(figure)
    left, right = figure.axes[0].get_xlim()
    assert left < -1
    assert right > 1


def test_the_similarity_map_tells_its_highest_and_lowest_pair(shown):
    matrix = np.array([[1, 0.94, -0.07], [0.94, 1, -0.001], [-0.07, -0.001, 1]])
    plots.similarity_map(matrix, ["good", "not good", "parcel"])
    figure, alt = shown[0]
    assert "highest is 0.94, between “good” and “not good”" in alt
    assert "lowest is -0.07, between “good” and “parcel”" in alt
    assert texts_in(figure).count("0.94") == 2
    assert "0.00" in texts_in(figure)
    assert "-0.00" not in texts_in(figure)
    assert ends_inside(figure)


def test_the_spread_of_cosines_gives_each_groups_mean(shown):
    groups = {"short": np.linspace(-0.1, 0.1, 41), "equal": np.ones(5)}
    plots.cosine_spread(groups)
    figure, alt = shown[0]
    assert "short: mean 0.00, middle 90 % from -0.09 to 0.09" in alt
    assert "equal: mean 1.00, middle 90 % from 1.00 to 1.00" in alt
    heights = [patch.get_data().values.sum() for patch in figure.axes[0].patches]
    assert heights == pytest.approx([100, 100])  # nothing falls outside the bins


def test_quality_by_dimensions_tells_every_number(shown):
    measured = [(0.75, 0.62, 0.87), (0.73, 0.6, 0.85), (1.0, 1.0, 1.0)]
    plots.quality_by_dimensions(
        [64, 128, 256],
        {"Triples": (measured, {"overlap": 0.57, "chance": 0.5}), "Own": (measured, {"chance": 0.025})},
    )
    figure, alt = shown[0]
    assert "Triples: 0.75 at 64, 0.73 at 128, 1.00 at 256; overlap 0.57, chance 0.50" in alt
    assert alt.endswith("Own: 0.75 at 64, 0.73 at 128, 1.00 at 256; chance 0.025.")
    assert len(figure.axes) == 2
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["64", "128", "256"]
    assert ends_inside(figure)


# ----------------------------------------------------------------------------- showing


def test_show_gives_a_picture_and_its_words_whatever_the_backend(monkeypatch):
    matplotlib.use("agg")
    displayed = []
    monkeypatch.setattr(core, "display", displayed.append)
    figure, axes = core.plt.subplots()
    axes.plot([1, 2])
    plots.show(figure, "A line <rises>.")
    picture, words = displayed
    data, metadata = picture._repr_mimebundle_()
    assert data["image/png"].startswith("iVBOR")  # PNG, in base64
    assert metadata["image/png"]["alt"] == "A line <rises>."
    assert "A line &lt;rises&gt;." in words.data
    assert not core.plt.fignum_exists(figure.number)


def test_a_figure_without_words_is_refused():
    figure, _ = core.plt.subplots()
    with pytest.raises(ValueError, match="alternative text"):
        plots.show(figure, "  ")
    core.plt.close(figure)
