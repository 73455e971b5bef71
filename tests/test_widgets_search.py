import re

import httpx2
import numpy as np
import openai
import pandas as pd
import pytest

from helpers import search, widgets
from helpers.widgets.search import mark_words

TEXTS = ["green tea <b>", "black tea\nwith milk", "dog food & more"]
STARS = np.array([5, 4, 1])
VECTORS = np.eye(3, dtype=np.float32)


def embed(texts):
    if "fail" in texts:
        raise openai.APIConnectionError(request=httpx2.Request("POST", "http://x.invalid"))
    return np.array([VECTORS[{"puppy": 2, "tea": 1}.get(text, 0)] for text in texts])


@pytest.fixture
def index():
    return search.TextIndex(TEXTS, VECTORS, embed)


def rows_of(markup):
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in markup.split("<tr>")[2:]]


def plain(markup):
    return re.sub(r"</?(mark|strong)[^>]*>", "", markup)


def test_results_have_rank_stars_and_marked_words(index):
    rows = rows_of(widgets.search_results(index, "tea", STARS, way="vectors", k=2))
    assert [row[:2] for row in rows] == [["1", "4 ★"], ["2", "5 ★"]]
    assert re.search(r"<mark[^>]*><strong>tea</strong></mark><br>with milk", rows[0][2])
    assert plain(rows[1][2]) == "green tea &lt;b&gt;"


def test_a_score_stands_beside_each_result_but_the_hybrids(index):
    by_vectors = rows_of(widgets.search_results(index, "puppy", STARS, way="vectors", k=2))
    assert [row[3] for row in by_vectors] == ["1.00", "0.00"]
    assert [row[3] for row in rows_of(widgets.search_results(index, "tea", STARS, k=2))] == ["", ""]
    assert "by vectors alone" in widgets.search_results(index, "puppy", STARS)
    assert "alone" not in widgets.search_results(index, "tea", STARS)


def test_words_show_only_what_they_find(index):
    assert len(rows_of(widgets.search_results(index, "milk", STARS, way="words", k=3))) == 1
    assert "No review has any" in widgets.search_results(index, "puppy", STARS, way="words")
    assert len(rows_of(widgets.search_results(index, "puppy", STARS, way="hybrid", k=9))) == 3


def test_only_whole_words_are_marked_and_all_is_escaped():
    marked = mark_words("Tea, TEAPOT & <script>", "tea <script> & a")
    assert re.findall(r"<strong>(.*?)</strong>", marked) == ["Tea", "script"]
    assert "<script" not in marked
    assert plain(marked) == "Tea, TEAPOT &amp; &lt;script&gt;"
    assert mark_words("a b", "") == "a b"


def test_the_box_and_the_buttons_change_the_results(index):
    box, ways, result = widgets.search_box(index, STARS, "milk", way="words").children
    assert len(rows_of(result.value)) == 1
    ways.value = "vectors"
    assert len(rows_of(result.value)) == 3
    box.value = "puppy"
    assert rows_of(result.value)[0][2] == "dog food &amp; more"
    box.value = "  "
    assert "empty text" in result.value
    box.value = "fail"
    assert "cannot be reached" in result.value
    assert "<table" not in result.value


def test_live_or_on_enter(index):
    assert widgets.search_box(index, STARS, "tea").children[0].continuous_update
    assert not widgets.search_box(index, STARS, "tea", live=False).children[0].continuous_update


def test_a_long_text_is_shortened_at_a_word():
    texts = ["word " * 200, "b"]
    index = search.TextIndex(texts, np.eye(2), lambda texts: np.eye(2)[:1])
    cell = rows_of(widgets.search_results(index, "word", [1, 2]))[0][2]
    assert plain(cell).endswith("word ...")
    assert len(plain(cell)) <= 310


def test_pairs_side_by_side_mark_what_differs():
    pairs = pd.DataFrame({"first": [0], "second": [1], "cosine": [0.98765]})
    texts = ["Good <i>tea</i>, cheap", "Good tea now"]
    markup = widgets.side_by_side(pairs, texts, names=["Id 1 & 2", "Id 3"]).data
    assert "0.988" in markup
    assert "Id 1 &amp; 2" in markup
    assert "<i>" not in markup
    marked = re.findall(r"<strong>(.*?)</strong>", markup)
    assert "cheap" in marked
    assert "now" in marked
    assert "Good" not in marked


def test_no_pairs_and_no_score():
    none = pd.DataFrame({"first": [], "second": []}, dtype=int)
    assert "no such pair" in widgets.side_by_side(none, [], []).data
    one = pd.DataFrame({"first": [0], "second": [1]})
    assert widgets.side_by_side(one, ["a", "a"], ["x", "y"]).data.count("<td") == 3
