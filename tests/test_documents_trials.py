"""The measurements of lesson 07, on pieces so small that one can count along."""

import numpy as np
import pandas as pd
import pytest

from helpers import documents
from helpers.documents import Block, Document, trials
from helpers.settings import DATA

SAMPLES = DATA / "documents"
MODEL = "text-embedding-3-small"
PIECES = ["one two three", "four five\nsix", "seven"]
COSTS = np.array([3, 3, 1])


def test_sentences_and_their_neighbours():
    document = Document(
        "a",
        "X",
        (Block("paragraph", "One is.  Two is. Three is."), Block("heading", "No."), Block("paragraph", "A.")),
    )
    single, double = trials.sentence_pairs(document)
    assert single == ["One is.", "Two is.", "Three is.", "A."]
    assert double == ["One is. Two is.", "Two is. Three is."]
    assert trials.whole(double, ["One is.\nTwo is. Three", "is."]) == 1


def test_tokens_to_the_answer_end_with_it():
    needs = trials.tokens_to_answer(["two", "five six", "eight"], PIECES, MODEL)
    assert needs.tolist() == [[2, np.inf, np.inf], [np.inf, 3, np.inf], [np.inf] * 3]


@pytest.mark.parametrize(
    ("room", "found"), [(1, [False, False]), (2, [True, False]), (6, [True, False]), (7, [True, True])]
)
def test_the_last_piece_is_read_up_to_where_the_room_ends(room, found):
    needs = np.array([[2, np.inf, np.inf], [np.inf, 3, np.inf]])
    scores = np.array(
        [[0.9, 0.2, 0.1], [0.8, 0.1, 0.5]]
    )  # the second: pieces of 3 and 1, then 3 of the answer's
    assert trials.answered(scores, needs, COSTS, room).tolist() == found


def test_equal_scores_keep_the_order():
    needs = np.array([[np.inf, 1.0, np.inf]])
    assert not trials.best_holds(np.zeros((1, 3)), needs)[0]
    assert trials.best_holds(np.array([[0.1, 0.1 + 1e-3, 0]]), needs)[0]
    assert not trials.best_holds(np.array([[0.1, 0.1 + 1e-9, 0]]), needs)[0]


def test_luck_is_about_the_share_of_pieces_with_the_answer():
    needs = np.full((40, 4), np.inf)
    needs[:, 2] = 1
    assert trials.lucky(needs, np.ones(4)).sum() == pytest.approx(10, abs=1)
    assert trials.lucky(needs, np.ones(4), room=2).sum() == pytest.approx(20, abs=1)


def test_the_sign_test_counts_questions_on_which_two_ways_differ():
    ours, theirs = np.array([1] * 10 + [0] * 4, bool), np.array([1] * 2 + [0] * 10 + [1] * 2, bool)
    assert trials.won_and_lost(ours, theirs) == (8, 2, pytest.approx(0.109, abs=1e-3))
    assert trials.won_and_lost(ours, ours) == (0, 0, 1.0)


def test_what_is_possible_bounds_what_is_found():
    text = "The red tin costs five euros. The blue tin is empty. Nobody counts the green ones."
    section = documents.Section("a", ("A",), (Block("paragraph", text),))

    def forwards(texts):
        return {"forwards": -np.arange(len(texts), dtype=float)[None, :].repeat(2, axis=0)}

    found = trials.by_size([section], ["five euros", "empty. Nobody"], forwards, (8, 40), MODEL, 40)
    assert found["first", "forwards", 8].tolist() == [True, False]
    assert found["first", "possible", 8].tolist() == [True, False]
    assert found["context", "forwards", 40].tolist() == [True, True]
    assert np.allclose(found["context", "chance", 40], 1)


def test_korean_breaks_know_where_a_space_was():
    breaks = trials.korean_breaks(["가나 다라 마바 사아", "다라 마바 가나"], 4)
    assert breaks.before.tolist() == ["다", "마바", "마"]
    assert breaks.after.tolist() == ["라", "사아", "바"]
    assert breaks.space.tolist() == [False, True, False]
    assert not breaks.known.any()  # words at a line's border may be cut, so they are not known
    assert trials.korean_breaks(["가나 다라 마바", "하 다라 하하하하하하"], 7).known.tolist() == [
        False,
        False,
    ]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_each_paragraph_of_the_sources_is_in_the_handbook(language):
    paragraphs = trials.source_paragraphs(SAMPLES / "sources" / f"handbook_{language}.txt")
    document = documents.read(SAMPLES / f"handbook_{language}.pdf")
    assert len(paragraphs) > 30 and trials.whole(paragraphs, [document.text]) == len(paragraphs)


def test_each_answer_stands_once_in_the_chapters_that_are_searched():
    questions = pd.read_csv(SAMPLES / "handbook_questions.csv")
    handbook = documents.sections(documents.read(SAMPLES / "handbook_en.pdf"))
    chapters = [trials.one_line(each.text) for each in handbook if "7 Questions and answers" not in each.path]
    assert len(questions) == 20 and questions.question.is_unique
    for words in questions.words_of_answer:
        assert sum(words in text for text in chapters) == 1
