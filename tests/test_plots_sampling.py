"""The figures of lesson 11 draw without a warning, and their words are true to the numbers."""

import math

import numpy as np
import pytest
from test_plots_reviews import ends_inside, texts_in

from helpers import plots
from helpers.errors import DataError


def test_next_tokens_and_what_is_left(shown):
    top = {" tea": math.log(0.25), ".": math.log(0.5)}
    plots.next_tokens({"I like": top, "no\n": {" way": 0.0}})
    figure, alt = shown[0]
    left, right = figure.axes
    assert [bar.get_width() for bar in left.patches] == pytest.approx([0.5, 0.25, 0.25])
    assert [bool(bar.get_hatch()) for bar in left.patches] == [False, False, True], "grey prints need it"
    assert right.patches[-1].get_width() == 0
    assert 'After "I like": "." 0.50, " tea" 0.25, all others 0.25' in alt
    assert 'After "no\\n": " way" 1.00' in alt
    assert '" tea"' in texts_in(figure)
    assert ends_inside(figure)


@pytest.mark.parametrize("places", [{}, {"a": {}}])
def test_next_tokens_wants_tokens(places):
    with pytest.raises(DataError, match="at least one token"):
        plots.next_tokens(places)


def test_seam_quality_marks_means_and_says_none(shown):
    plots.seam_quality({"stop": [-1.0, -3.0, -2.0, np.nan], "length": [-6.0, -4.0], "nothing": []}, "gain")
    figure, alt = shown[0]
    assert "stop: mean -2.00, 3 values; length: mean -5.00, 2 values; nothing: none" in alt
    dots = [line for line in figure.axes[0].lines if line.get_marker() not in ("None", "", None)]
    assert [sorted(line.get_xdata()) for line in dots] == [[-3, -2, -1], [-6, -4]]
    assert len({line.get_marker() for line in dots}) == 2
    assert {"stop\n(3)", "nothing\n(0)", "none"} <= set(texts_in(figure).split(" | "))
    assert ends_inside(figure)
