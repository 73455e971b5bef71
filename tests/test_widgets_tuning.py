"""The widgets of lesson 09."""

import types

import numpy as np
import pytest

from helpers import widgets
from helpers.errors import HostError


def told(**data):
    return types.SimpleNamespace(data=data or None)


def test_the_drawing_grows_with_the_events():
    live = widgets.live_loss(level=0.4)
    assert "No step yet." in live.widget.value and "knows only the shares" in live.widget.value
    live.add(told(step=1, total_steps=40, train_loss=0.7))
    live.add(told(step=20, total_steps=40, train_loss=0.35, valid_loss=0.6, full_valid_loss=0.5))
    assert "Step 20 of 40: training loss 0.350 (blue, solid), validation loss 0.500" in live.widget.value
    assert live.train == [(1, 0.7), (20, 0.35)] and live.valid == [(20, 0.5)]
    assert live.widget.value.count("<circle") == 1


@pytest.mark.parametrize(
    "data", [{}, {"step": None}, {"train_loss": 1}, {"step": 3, "train_loss": float("nan")}]
)
def test_an_event_without_a_loss_changes_nothing(data):
    live = widgets.live_loss()
    live.add(told(**data))
    assert live.train == [] and "No step yet." in live.widget.value


def test_hosts_that_say_less_do():
    live = widgets.live_loss()
    live.add(told(step=7, train_loss=2))
    assert "Step 7 of 7: training loss 2.000 (blue, solid)." in live.widget.value


def bars(values):
    return lambda texts: np.array([values] * len(texts))


def test_class_bars_show_each_class_and_the_likeliest_in_bold():
    page = widgets.class_bars("text", [" no", " <yes>"], bars([0.25, 0.75]))
    assert "<strong>&lt;yes&gt;</strong>" in page and "25%" in page and "width: 75%" in page


def test_no_probability_is_said_in_words():
    assert "no probability" in widgets.class_bars("text", ["a", "b"], bars([float("nan"), 1.0]))


def test_the_box_asks_the_model_and_says_why_not():
    asked = []

    def predict(texts):
        asked.extend(texts)
        if "bad" in texts[0]:
            raise HostError("The model <is> gone.")
        return np.array([[0.5, 0.5]])

    box = widgets.model_box("first", ["a", "b"], predict)
    text, result = box.children
    assert "50%" in result.value
    text.value = "bad"
    assert "The model &lt;is&gt; gone." in result.value
    text.value = "  "
    assert "nothing to classify" in result.value and asked == ["first", "bad"]
