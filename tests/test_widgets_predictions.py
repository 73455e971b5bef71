import re

import numpy as np
import pytest

from helpers import widgets
from helpers.errors import DataError
from helpers.widgets.predictions import MOST_WORDS, at_threshold, pushes

TRUTH = [True, True, False, False, False]
RISK = [0.9, 0.2, 0.5, 0.1, 0.05]


def predict(texts):
    """All on 5 stars, but "stale" takes half of it to 1 star."""
    rows = np.zeros((len(texts), 5))
    stale = np.array(["stale" in text for text in texts])
    rows[:, 4], rows[:, 0] = 1 - stale / 2, stale / 2
    return rows


def test_a_word_adds_what_the_mean_loses_without_it():
    probabilities, words, added = pushes("very  stale\ntea", predict)
    assert words == ["very", "stale", "tea"]
    assert probabilities.tolist() == [0.5, 0, 0, 0, 0.5]
    assert added.tolist() == [0, -2, 0]


def test_all_texts_go_to_the_model_in_one_call():
    calls = []

    def counting(texts):
        calls.append(texts)
        return predict(texts)

    pushes("a b c", counting)
    assert calls == [["a b c", "b c", "a c", "a b"]]


def test_one_word_and_very_many():
    assert pushes("stale", predict)[2].tolist() == [0]
    _, words, added = pushes("stale " + "tea " * 2 * MOST_WORDS, predict)
    assert len(words) == len(added) == 2 * MOST_WORDS + 1
    assert added[0] == -2


def test_star_guess_shows_bars_and_marks_words_with_their_sign():
    markup = widgets.star_guess("stale <b>tea</b>", predict)
    assert re.findall(r"right\">(\d+)%", markup) == ["50", "0", "0", "0", "50"]
    assert "3.0 stars" in markup
    assert "stale <small>-2.0</small>" in markup
    assert "&lt;b&gt;tea&lt;/b&gt;" in markup
    assert "<b>" not in markup


def test_the_guess_follows_the_box():
    box, result = widgets.star_guesser(predict, "fresh tea").children
    assert "5.0 stars" in result.value
    box.value = "stale tea"
    assert "3.0 stars" in result.value
    box.value = " \n"
    assert "empty text" in result.value
    assert box.continuous_update
    assert not widgets.star_guesser(predict, "tea", live=False).children[0].continuous_update


def test_a_failing_host_shows_as_a_sentence():
    def fail(texts):
        if "bad" in texts[0]:
            raise DataError("No <vectors>.")
        return predict(texts)

    box, result = widgets.star_guesser(fail, "tea").children
    box.value = "bad tea"
    assert "No &lt;vectors&gt;." in result.value


@pytest.mark.parametrize(
    ("threshold", "flagged", "found", "missed", "precision", "recall", "cost"),
    [
        (0.5, 2, 1, 1, 0.5, 0.5, 12),
        (0.2, 3, 2, 0, 2 / 3, 1, 3),
        (0.95, 0, 0, 2, 0, 0, 20),
        (0, 5, 2, 0, 0.4, 1, 5),
    ],
)
def test_at_threshold(threshold, flagged, found, missed, precision, recall, cost):
    assert at_threshold(TRUTH, RISK, threshold, read=1, miss=10) == {
        "flagged": flagged,
        "found": found,
        "missed": missed,
        "precision": precision,
        "recall": recall,
        "cost": cost,
    }


def test_the_table_has_a_line_a_threshold_and_the_slider_one_of_them():
    table = widgets.threshold_table(TRUTH, RISK, [0.2, 0.5], 1, 10)
    lines = [re.findall(r"<td>([\d.,]+)</td>", row) for row in table.split("<tr>")[2:]]
    assert lines == [
        ["0.20", "3", "2", "0", "0.67", "1.00", "3"],
        ["0.50", "2", "1", "1", "0.50", "0.50", "12"],
    ]
    slider, price, result = widgets.threshold_slider(TRUTH, RISK, threshold=0.5).children
    assert ">12<" in result.value
    slider.value = 0.2
    assert ">3<" in result.value
    slider.value, price.value = 0.95, 30
    assert ">60<" in result.value


def test_bars_stay_within_their_cell():
    for threshold in (0.0, 0.3, 1.0):
        table = widgets.threshold_table(TRUTH, RISK, [threshold], 1, 30)
        assert all(0 <= int(width) <= 100 for width in re.findall(r"width: (\d+)%", table))
