import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import ndcg_score

from helpers import reviews, search
from helpers.errors import DataError

TEXTS = ["green tea", "black tea with milk", "dog food", "cat food, my cat is glad", "green green beans"]
VECTORS = np.eye(5, dtype=np.float32)


def embed(texts):
    """Each text points at one of TEXTS; "puppy" at the dog's, though they share no word."""
    known = {"puppy": 2, "green tea": 0, "milk": 1}
    return np.array([VECTORS[known.get(text, 4)] for text in texts])


@pytest.fixture
def index():
    return search.TextIndex(TEXTS, VECTORS, embed)


def test_words_are_scikit_learns_cosines(index):
    vectorizer = TfidfVectorizer(sublinear_tf=True).fit(TEXTS)
    expected = (vectorizer.transform(["green tea", "puppy"]) @ vectorizer.transform(TEXTS).T).toarray()
    scores = index.scores(["green tea", "puppy"], "words")
    assert np.allclose(scores, expected)
    assert scores[1].tolist() == [0] * 5
    assert scores[0].argmax() == 0


def test_vectors_find_without_a_shared_word(index):
    found, scores = index.top(["puppy"], k=2, way="vectors")
    assert found.tolist() == [[2, 0]]  # the rest are tied: the earliest comes first
    assert scores.tolist() == [[1, 0]]


def test_the_hybrid_adds_reciprocal_ranks_and_no_rank_where_no_word_is_found(index):
    scores = index.scores(["puppy", "milk"], "hybrid")
    assert scores[0].tolist() == pytest.approx([1 / (60 + rank) for rank in (2, 3, 1, 4, 5)])
    assert scores[1][1] == pytest.approx(2 / 61)
    assert index.top(["puppy"], k=1)[0].tolist() == [[2]]


def test_bm25_by_hand(index):
    scores = index.scores(["cat", "green tea", "puppy"], "bm25")
    lengths = [len(text.replace(",", "").split()) for text in TEXTS]
    room = 1.2 * (0.25 + 0.75 * np.array(lengths) / np.mean(lengths))
    rarity = lambda texts_with: np.log(1 + (5 - texts_with + 0.5) / (texts_with + 0.5))  # noqa: E731
    assert scores[0].tolist() == pytest.approx([0, 0, 0, rarity(1) * 2 * 2.2 / (2 + room[3]), 0])
    assert scores[1, 0] == pytest.approx(2 * rarity(2) * 2.2 / (1 + room[0]))
    assert scores[2].tolist() == [0] * 5
    assert index.top(["green tea"], k=1, way="bm25")[0].tolist() == [[0]]


def test_the_best_by_vectors_are_those_of_all_scores_in_order():
    rng = np.random.default_rng(0)
    for scale in (1, 3):  # of unit length, and not
        vectors = rng.normal(size=(80, 6)).astype(np.float32)
        vectors *= scale / np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors[50] = vectors[20]
        index = search.TextIndex(["text"] * 80, vectors, lambda texts, queries=vectors[[20, 3]]: queries)
        found, scores = index.top(["a", "b"], k=7, way="vectors")
        everything = index.scores(["a", "b"], "vectors")
        assert np.array_equal(found, search.order(everything)[:, :7])
        assert np.allclose(scores, np.take_along_axis(everything, found, axis=1))


@pytest.mark.parametrize("texts", [[], ["?!", ""]])
def test_texts_without_a_word_are_said_to_be(texts):
    index = search.TextIndex(texts, np.ones((len(texts), 2)), embed)
    with pytest.raises(DataError, match="no word to search for"):
        index.top(["tea"], k=1, way="words")


def test_ranks_by_hand():
    assert search.ranks(np.array([[0.5, 0.0, 0.9, 0.5]]), above=0).tolist() == [[2, np.inf, 1, 3]]
    assert search.order(np.array([[1, 2, 2, 3]])).tolist() == [[3, 1, 2, 0]]
    assert search.fuse(np.array([[1, np.inf]]), np.array([[2, 1]]), k=0).tolist() == [[1.5, 1]]


def test_an_index_that_cannot_be(index):
    with pytest.raises(DataError, match="5 texts and 4 vectors"):
        search.TextIndex(TEXTS, VECTORS[:4], embed)
    with pytest.raises(ValueError, match="no way 'magic'"):
        index.top(["x"], k=1, way="magic")
    with pytest.raises(ValueError, match="at least 1"):
        index.top(["x"], k=0)


def test_measures_by_hand():
    grades = {"a": {1: 2, 2: 0, 3: 1}, "b": {7: 1}}
    table = search.evaluate({"a": [2, 3, 9, 1, 8, 5], "b": [4, 5, 6, 8, 9, 7]}, grades)
    assert table.precision_at_5.tolist() == [0.4, 0]
    assert table.reciprocal_rank.tolist() == [0.5, pytest.approx(1 / 6)]
    assert table.judged_at_5.tolist() == [0.6, 0]
    strict = search.evaluate({"a": [2, 3, 9, 1, 8]}, grades, relevant_from=2)
    assert strict.precision_at_5.tolist() == [0.2]
    assert strict.reciprocal_rank.tolist() == [0.25]
    assert search.evaluate({"b": [1, 2]}, grades).reciprocal_rank.tolist() == [0]
    with pytest.raises(DataError, match="no judgements for the query 'c'"):
        search.evaluate({"c": [1]}, grades)


def test_ndcg_is_scikit_learns():
    rng = np.random.default_rng(0)
    for _ in range(20):
        grades = rng.integers(0, 3, size=15)
        if not grades.any():
            continue
        known = {"q": dict(enumerate(grades.tolist()))}
        ids = rng.permutation(15)
        scores = np.empty(15)
        scores[ids] = np.arange(15, 0, -1)
        expected = ndcg_score([grades], [scores], k=10)
        assert search.evaluate({"q": ids}, known).ndcg_at_10.item() == pytest.approx(expected)


def test_a_paired_interval_holds_the_mean_and_does_not_change():
    rng = np.random.default_rng(1)
    theirs = rng.random(40)
    ours = theirs + 0.2 + 0.05 * rng.normal(size=40)
    mean, low, high = search.paired_difference(ours, theirs)
    assert mean == pytest.approx(np.mean(ours - theirs))
    assert 0.15 < low < mean < high < 0.25
    assert (mean, low, high) == search.paired_difference(ours, theirs)
    assert search.paired_difference(theirs, theirs) == (0, 0, 0)
    with pytest.raises(ValueError, match="at least one query"):
        search.paired_difference([], [])


def tables(*values, judged=1.0):
    """Quality of two searches, "a" and "b", from their reciprocal ranks."""
    return {
        name: pd.DataFrame({"reciprocal_rank": ranks, "judged_at_5": judged})
        for name, ranks in zip("ab", values)
    }


def test_compared_says_which_way_it_went():
    high, low = [1.0, 0.5, 1.0, 1.0] * 5, [0.5, 0.2, 0.5, 0.25] * 5
    assert "a is better, by more" in search.compared(tables(high, low), "a", "b")
    assert "b is better, by more" in search.compared(tables(low, high), "a", "b")
    mixed = search.compared(tables(high, high[::-1]), "a", "b")
    assert "holds 0" in mixed
    assert f"About {search.queries_needed(high, high[::-1]):,} would" in mixed


def test_what_was_not_judged_is_not_compared():
    verdict = search.compared(tables([1.0] * 9, [0.2] * 9, judged=0.8), "a", "b")
    assert "Only 80% of the first five were judged" in verdict
    assert "better" not in verdict


def test_queries_needed_is_the_formula():
    assert search.queries_needed([1, 0] * 8, [0, 1] * 8, half_width=0.1) == 410  # 1.96² · (16 / 15) / 0.1²
    assert search.queries_needed([0.5, 0.5], [0.1, 0.1]) == 0
    with pytest.raises(ValueError, match="at least two"):
        search.queries_needed([1], [0])


class TestJudged:
    def test_the_samples_judgements_are_about_its_rows(self):
        rows = reviews.tidy(reviews.load("sample"))
        judged = search.judged(rows)
        assert judged.rows is rows
        assert len(judged.queries) == len(judged.grades) >= 30
        assert all(set(known) <= set(rows.Id) for known in judged.grades.values())
        assert all(max(known.values()) >= 1 for known in judged.grades.values())
        assert "reviews in use" in judged.note
        assert set(judged.queries.kind) == {"product names", "meaning", "opinion", "need"}

    def test_the_real_ones_have_their_own_wherever_they_lie(self, real_reviews):
        rows = reviews.tidy(reviews.load(real_reviews))
        judged = search.judged(rows)
        assert judged.rows is rows
        assert len(judged.grades) >= 20
        assert {i for known in judged.grades.values() for i in known} <= set(rows.Id)

    def test_other_reviews_get_the_sample_and_a_sentence(self):
        rows = reviews.tidy(reviews.load("sample")).head(50)
        rows.attrs["source"] = "mine.csv"
        judged = search.judged(rows)
        assert len(judged.rows) > 900
        assert "Nobody has judged results in these reviews" in judged.note

    def test_a_damaged_file_is_named(self, tmp_path, monkeypatch):
        rows = reviews.tidy(reviews.load("sample"))
        path = tmp_path / "search_judgements.csv"
        monkeypatch.setattr(search, "JUDGEMENTS", path)
        with pytest.raises(DataError, match=r"search_judgements.csv cannot be read"):
            search.judged(rows)
        pd.DataFrame({"query_id": ["q01"], "data": ["sample"], "review_id": ["1"]}).to_csv(path, index=False)
        with pytest.raises(DataError, match="no column grade"):
            search.judged(rows)
        path.write_text("query_id,data,review_id,grade\nq01,sample,one,2\n", encoding="utf-8")
        with pytest.raises(DataError, match="whole numbers"):
            search.judged(rows)
