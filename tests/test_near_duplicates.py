import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import near_duplicates
from helpers.errors import DataError

TEXTS = [
    "I like this tea very much indeed",
    "i LIKE this tea,<br />very much indeed!",
    "I like this tea very much indeed",
    "I like this coffee very much indeed",
    "Dogs hate it",
]


def pairs(table):
    return list(zip(table["first"], table["second"]))


def test_exact_and_normalised_give_every_pair():
    assert pairs(near_duplicates.exact(TEXTS)) == [(0, 2)]
    assert pairs(near_duplicates.normalised(TEXTS)) == [(0, 1), (0, 2), (1, 2)]
    assert pairs(near_duplicates.exact(["a", "b"])) == []
    assert pairs(near_duplicates.exact([])) == []


def test_shingles_by_hand():
    assert near_duplicates.shingles("Good, green tea!") == {"good green tea"}
    assert near_duplicates.shingles("a b c d", size=2) == {"a b", "b c", "c d"}
    assert near_duplicates.shingles("tea") == {"tea"}
    assert near_duplicates.shingles("!") == set()
    assert near_duplicates.jaccard("a b c d", "b c d e", size=2) == 0.5
    assert near_duplicates.jaccard("", "") == 1


@given(st.lists(st.text(alphabet="ab c", max_size=14), max_size=9), st.sampled_from([0.2, 0.5, 1.0]))
def test_the_sparse_product_is_the_formula(texts, threshold):
    table = near_duplicates.by_shingles(texts, threshold, size=2)
    expected = {
        (i, j): near_duplicates.jaccard(texts[i], texts[j], size=2)
        for j in range(len(texts))
        for i in range(j)
        if near_duplicates.shingles(texts[i]) and near_duplicates.shingles(texts[j])
    }
    expected = {pair: value for pair, value in expected.items() if value >= threshold - 1e-9}
    assert dict(zip(pairs(table), table.jaccard)) == pytest.approx(expected)
    assert table.jaccard.is_monotonic_decreasing


@pytest.mark.parametrize("block", [1, 7, 1_000])
def test_by_vector_is_every_pair_above_the_threshold(monkeypatch, block):
    monkeypatch.setattr(near_duplicates, "VECTORS_AT_ONCE", block)
    vectors = np.random.default_rng(0).normal(size=(40, 4))
    vectors[9] = vectors[30]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    table = near_duplicates.by_vector(vectors.astype(np.float32), 0.8)
    cosines = vectors @ vectors.T
    expected = {(i, j) for i in range(40) for j in range(i + 1, 40) if cosines[i, j] >= 0.8}
    assert set(pairs(table)) == expected
    assert pairs(table)[0] == (9, 30)
    assert table.cosine.round(5).is_monotonic_decreasing
    assert len(near_duplicates.by_vector(vectors[:1], 0.5)) == 0
    assert len(near_duplicates.by_vector(np.empty((0, 4)), 0.5)) == 0


def test_what_cannot_be_asked_for():
    with pytest.raises(DataError, match="length 1"):
        near_duplicates.by_vector(np.ones((2, 3)), 0.9)
    with pytest.raises(DataError, match="length 1"):
        near_duplicates.by_vector(np.array([[np.nan, 1], [1, 0], [1, 0]]), 0.5)
    with pytest.raises(ValueError, match="above 0"):
        near_duplicates.by_shingles(TEXTS, 0)


def test_differences_marks_words_and_not_case_or_punctuation():
    left, right = near_duplicates.differences(TEXTS[0], "I LIKE this green coffee, very much")
    assert [word for word, differs in left if differs] == ["tea", "indeed"]
    assert [word for word, differs in right if differs] == ["green", "coffee,"]
    assert " ".join(word for word, _ in left) == TEXTS[0]
    assert near_duplicates.differences("", "a") == ([], [("a", True)])


def test_disturbed_texts_are_near_and_not_equal():
    text = " ".join(f"word{i}" for i in range(30))
    made = dict(near_duplicates.disturb(text, np.random.default_rng(0)))
    assert set(made) == {"typing errors", "a third missing", "other words around"}
    assert all(text != other and near_duplicates.jaccard(text, other) > 0.2 for other in made.values())
    assert len(made["a third missing"].split()) == 20
    assert text in made["other words around"]
    assert made == dict(near_duplicates.disturb(text, np.random.default_rng(0)))
    assert dict(near_duplicates.disturb("a", np.random.default_rng(0)))["typing errors"] == "a"


def test_planted_copies_know_their_originals():
    texts = [" ".join(f"word{i}{j}" for j in range(12)) for i in range(5)]
    made = near_duplicates.planted(texts, np.random.default_rng(1), most=3)
    assert len(made) == 9
    assert made.original.nunique() == 3
    assert made.groupby("original").kind.nunique().tolist() == [3, 3, 3]
    for row in made.itertuples():
        assert row.jaccard == near_duplicates.jaccard(texts[row.original], row.text)
    assert len(near_duplicates.planted(texts, np.random.default_rng(1))) == 15


def test_threshold_costs_by_hand():
    table = near_duplicates.threshold_costs([0.9, 0.5, 0.7, 0.7], [0.6, 0.7], [0.7, 0.95, 0.6])
    assert table.threshold.tolist() == [0.6, 0.7, 0.95]
    assert table.found.tolist() == [0.75, 0.75, 0]
    assert table.others.tolist() == [2, 1, 0]
