"""The table of what each way says, standing still and under a text box."""

import numpy as np
import pytest

from helpers import widgets
from helpers.errors import HostError


def ask(text):
    if text == "fail":
        raise HostError("The host is gone.")
    hot = 0.8 if "tea" in text else 0.3
    return {"words": np.array([1 - hot, hot]), "tuned": np.array([hot, 1 - hot])}


def test_the_table_has_a_row_a_class_and_the_likeliest_in_bold():
    markup = widgets.ways_table("tea", ["cold", "hot"], ask)
    assert markup.count("<tr>") == 3 and "<th>words</th><th>tuned</th>" in markup
    assert markup.count("<strong>0.80</strong>") == 2 and "<strong>0.20</strong>" not in markup
    assert "width: 80%" in markup


def test_what_is_typed_is_shown_and_never_run():
    assert "<b>" not in widgets.ways_table("<b>tea</b>", ["<i>", "hot"], ask)


def test_the_table_follows_the_box():
    box, result = widgets.ways_box("tea", ["cold", "hot"], ask).children
    assert "0.80" in result.value
    box.value = "ice"
    assert "0.70" in result.value and "0.80" not in result.value


@pytest.mark.parametrize(("text", "said"), [("", "empty text"), ("fail", "The host is gone.")])
def test_what_goes_wrong_stands_in_place_of_the_table(text, said):
    _, result = widgets.ways_box(text, ["cold", "hot"], ask).children
    assert said in result.value and "<table>" not in result.value
