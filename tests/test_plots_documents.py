"""The figures of lesson 07 draw without a warning, and their words are true to what they were given."""

import numpy as np
import pytest
from test_plots_reviews import ends_inside, texts_in

from helpers import plots
from helpers.plots.documents import too_early, wilson

HEAD, FOOT, FIRST, SECOND = (40, 560, 170, 570), (40, 22, 90, 30), (40, 530, 300, 545), (40, 500, 300, 510)


def test_a_piece_before_a_higher_one_is_out_of_order():
    assert too_early([HEAD, FOOT, FIRST, SECOND]) == [1]
    assert too_early([HEAD, FIRST, SECOND, FOOT]) == []
    assert too_early([FIRST, HEAD, FOOT, SECOND]) == [0, 2]
    raised = (300, 505, 304, 512)
    assert too_early([SECOND, raised]) == []  # a raised figure is on the same line
    assert too_early([]) == []


def test_page_pieces_numbers_each_box_in_the_order_of_the_file(shown):
    plots.page_pieces([HEAD, FOOT, FIRST, SECOND], 420, 595)
    figure, alt = shown[0]
    boxes = figure.axes[0].patches
    assert [box.get_xy() for box in boxes] == [(40, 560), (40, 22), (40, 530), (40, 500)]
    assert [bool(box.get_hatch()) for box in boxes] == [False, True, False, False]
    assert [text.get_text() for text in figure.axes[0].texts] == ["1", "2", "3", "4"]
    assert "each of its 4 pieces" in alt and alt.endswith("comes after them: 2.")
    assert ends_inside(figure)


def test_page_pieces_in_order_says_so(shown):
    plots.page_pieces([HEAD, FIRST, FOOT], 420, 595)
    assert shown[0][1].endswith("after them: none.")


def test_page_pieces_stand_on_the_page_itself(shown):
    plots.page_pieces([HEAD, FIRST], 420, 595, np.full((59, 42), 255, np.uint8))
    (axes,) = shown[0][0].axes
    assert axes.images[0].get_extent() == [0, 420, 0, 595] and axes.get_ylim() == (0, 595)
    assert all(box.get_alpha() < 1 for box in axes.patches)


def test_chunk_sizes_has_a_bar_for_each_piece_and_marks_those_over_the_limit(shown):
    plots.chunk_sizes({"sections": [30, 120, 80], "chunks": [30, 60, 60, 80]}, 80)
    figure, alt = shown[0]
    heights = [sorted(bar.get_height() for bar in axes.patches) for axes in figure.axes]
    assert heights == [[30, 80, 120], [30, 60, 60, 80]]
    assert [bar.get_height() for bar in figure.axes[0].patches if bar.get_hatch()] == [120]
    assert "sections: 3, from 30 to 120, 1 over it; chunks: 4, from 30 to 80, 0 over it." in alt
    assert ends_inside(figure)


def test_answers_found_draws_shares_with_intervals(shown):
    panels = {
        "first": {"vectors": [5, 10], "chance": [1, 2]},
        "in 160 tokens": {"vectors": [10, 10], "TF-IDF": [0, 20]},
    }
    plots.answers_found(panels, [25, 80], 20)
    figure, alt = shown[0]
    assert len(figure.axes) == 2
    drawn = figure.axes[0].containers[0].lines[0].get_ydata()
    assert np.allclose(drawn, [0.25, 0.5])
    assert "first, vectors: 0.25, 0.50; first, chance: 0.05, 0.10" in alt
    assert "in 160 tokens, TF-IDF: 0.00, 1.00." in alt
    assert {"vectors", "TF-IDF", "chance"} <= set(texts_in(figure).split(" | "))
    assert ends_inside(figure)


@pytest.mark.parametrize(("found", "low", "high"), [(0, 0.0, 0.161), (10, 0.299, 0.701), (20, 0.839, 1.0)])
def test_wilsons_interval_of_20(found, low, high):
    assert wilson(found, 20) == pytest.approx((low, high), abs=5e-4)
