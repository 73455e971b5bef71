import re

import httpx2
import numpy as np
import openai
import pytest

from helpers import widgets
from helpers.errors import DataError

SENTENCES = ["green tea", "dog food", "a & <b>bold</b> claim"]
DIRECTIONS = {"green tea": [1, 0, 0], "dog food": [0, 1, 0], "puppy": [0.1, 1, 0]}


def embed(texts):
    return np.array([DIRECTIONS.get(text, [0, 0, 1]) for text in texts], dtype=np.float32)


def sentences_in(markup):
    """The last cell of each row, in order."""
    return re.findall(r'<td style="text-align: left">([^<]*)</td></tr>', markup)


def test_the_ranking_follows_the_text_box():
    box, result = widgets.sentence_ranker(SENTENCES, embed, query="green tea").children
    assert sentences_in(result.value)[0] == "green tea"
    assert "1.00" in result.value
    box.value = "puppy"
    assert sentences_in(result.value)[:2] == ["dog food", "green tea"]
    assert ">0.10<" in result.value
    box.value = "  "
    assert "empty text" in result.value
    assert "<table" not in result.value


def test_texts_are_shown_and_never_run():
    _, result = widgets.sentence_ranker(SENTENCES, embed, query="<script>alert(1)</script>").children
    assert "<script" not in result.value
    assert "a &amp; &lt;b&gt;bold&lt;/b&gt; claim" in result.value
    strips = widgets.token_strips([("<i>", ["<img src=x>", "&"])]).data
    assert "<img" not in strips
    assert "<i>" not in strips
    assert "&lt;img·src=x&gt;" in strips


def test_equal_cosines_stay_in_the_given_order_and_no_zero_is_negative():
    vectors = -embed(["dog food", "green tea"])
    markup = widgets.ranking(np.array([0, 0, 1]), vectors, ["dog food", "green tea"])
    assert sentences_in(markup) == ["dog food", "green tea"]
    assert "-0.00" not in markup


def test_the_sentences_are_embedded_once():
    calls = []

    def counting(texts):
        calls.append(texts)
        return embed(texts)

    box, _ = widgets.sentence_ranker(SENTENCES, counting, query="tea").children
    box.value = "puppy"
    assert calls == [SENTENCES, ["tea"], ["puppy"]]


def test_live_or_on_enter():
    assert widgets.sentence_ranker(SENTENCES, embed, query="x").children[0].continuous_update
    assert not widgets.sentence_ranker(SENTENCES, embed, query="x", live=False).children[0].continuous_update


@pytest.mark.parametrize(
    "error, words",
    [
        (openai.APIConnectionError(request=httpx2.Request("POST", "http://x.invalid")), "cannot be reached"),
        (DataError("Texts <are> missing."), "Texts &lt;are&gt; missing."),
    ],
)
def test_a_failing_host_shows_as_a_sentence(error, words):
    def fail_on_bad(texts):
        if "bad" in texts:
            raise error
        return embed(texts)

    box, result = widgets.sentence_ranker(SENTENCES, fail_on_bad, query="tea").children
    box.value = "bad"
    assert words in result.value
    assert "<table" not in result.value
    box.value = "tea"
    assert "<table" in result.value


def test_a_mistake_in_the_code_is_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        widgets.sentence_ranker(SENTENCES, lambda texts: 1 / 0, query="tea")


def test_each_token_has_a_box_and_blanks_show():
    strips = widgets.token_strips([("English", ["Green", " tea", "\n"]), ("Korean", ["<0xEB>", "차"])]).data
    assert strips.count("<span") == 5
    assert "·tea" in strips
    assert "⏎" in strips
    assert "&lt;0xEB&gt;" in strips
    assert re.findall(r'right">(\d+)</td>', strips) == ["3", "2"]
