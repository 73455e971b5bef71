import numpy as np
import pandas as pd
import pytest

from helpers import recommendation
from helpers.errors import DataError


def test_means_by_hand():
    keys, values = ["a", "b", "a", "a"], [1.0, 5.0, 2.0, 6.0]
    assert recommendation.mean_of_all(values, keys).tolist() == [3, 5, 3, 3]
    others = recommendation.mean_of_others(values, keys)
    assert others[[0, 2, 3]].tolist() == [4, 3.5, 1.5]
    assert np.isnan(others[1])


def test_means_of_vectors_are_pandas_means():
    rng = np.random.default_rng(0)
    vectors, keys = rng.normal(size=(50, 3)), rng.integers(0, 12, size=50)
    expected = pd.DataFrame(vectors).groupby(keys).transform("mean").to_numpy()
    assert np.allclose(recommendation.mean_of_all(vectors, keys), expected)
    for i, other in enumerate(recommendation.mean_of_others(vectors, keys)):
        rest = (keys == keys[i]) & (np.arange(50) != i)
        if rest.any():
            assert np.allclose(other, vectors[rest].mean(axis=0))
        else:
            assert np.isnan(other).all()
    with pytest.raises(DataError, match="50 values and 49 keys"):
        recommendation.mean_of_all(vectors, keys[:49])


def test_row_cosines():
    left = np.array([[1, 0], [2, 0], [0, 0], [np.nan, 1]])
    right = np.array([[0, 3], [1, 1], [1, 1], [1, 1]])
    cosines = recommendation.row_cosines(left, right)
    assert cosines[:3].tolist() == pytest.approx([0, 0.5**0.5, 0])
    assert np.isnan(cosines[3])


class TestCorrelation:
    def test_is_that_of_percentile_and_stars(self):
        rng = np.random.default_rng(0)
        stars = rng.integers(1, 6, size=200)
        scores = stars + rng.normal(size=200)
        users = rng.integers(0, 90, size=200)
        result = recommendation.correlation(scores, stars, users)
        expected = pd.Series(scores).rank(pct=True).corr(pd.Series(stars, dtype=float))
        assert result["correlation"] == pytest.approx(expected)
        assert result["low"] < expected < result["high"]
        assert result["reviews"] == 200
        assert result == recommendation.correlation(scores, stars, users)

    def test_leaves_out_what_has_no_score(self):
        result = recommendation.correlation([1, 2, np.nan, 3], [1, 2, 5, 3], list("abcd"), draws=50)
        assert (result["reviews"], result["groups"]) == (3, 3)
        assert result["correlation"] == pytest.approx(1)

    @pytest.mark.parametrize("scores", [[], [1.0], [2.0, 2.0, 2.0]])
    def test_is_nan_where_nothing_varies(self, scores):
        stars = [1, 2, 3][: len(scores)]
        result = recommendation.correlation(scores, stars, stars, draws=20)
        assert np.isnan([result["correlation"], result["low"], result["high"]]).all()

    def test_a_difference_is_paired(self):
        rng = np.random.default_rng(3)
        stars = rng.integers(1, 6, size=300)
        users = rng.integers(0, 120, size=300)
        theirs = stars + 3 * rng.normal(size=300)
        ours = theirs + 0.5 * stars
        ours[:5] = np.nan
        mean, low, high = recommendation.correlation_difference(ours, theirs, stars, users, draws=300)
        kept = slice(5, None)
        both = [recommendation.correlation(x[kept], stars[kept], users[kept]) for x in (ours, theirs)]
        assert mean == pytest.approx(both[0]["correlation"] - both[1]["correlation"])
        assert 0 < low < mean < high
        assert high - low < both[0]["high"] - both[0]["low"]
        assert recommendation.correlation_difference(ours, ours, stars, users, draws=20) == (0, 0, 0)


def test_correlations_in_words_warn_where_there_is_little(monkeypatch):
    rng = np.random.default_rng(0)
    stars = rng.integers(1, 6, size=300)
    users = np.arange(300) % 150
    noise = rng.normal(size=300)
    results = {"some": recommendation.correlation(stars + noise, stars, users, draws=100)}
    low, high = results["some"]["low"], results["some"]["high"]
    assert recommendation.with_intervals(results) == {"some": (results["some"]["correlation"], low, high)}
    assert recommendation.in_words(results).endswith("300 reviews, 150 groups")
    assert "The review foretells itself" in recommendation.leak_in_words(stars + noise, noise, stars, users)
    assert "does not show" in recommendation.leak_in_words(noise, stars + noise, stars, users)
    monkeypatch.setattr(recommendation, "FEWEST", 151)
    assert "too few to conclude" in recommendation.in_words(results)
    assert "too few users" in recommendation.leak_in_words(stars + noise, noise, stars, users)


def rows_of(entries):
    """Reviews from (user, product, stars), a day apart."""
    frame = pd.DataFrame(entries, columns=["UserId", "ProductId", "Score"])
    return frame.assign(Id=range(1, len(frame) + 1), Time=range(len(frame)))


def test_the_last_liked_review_is_hidden_and_another_one_stays():
    rows = rows_of(
        [
            ("a", "p", 5),
            ("a", "q", 4),
            ("a", "r", 2),
            ("b", "p", 5),
            ("c", "p", 5),
            ("c", "p", 5),
            ("c", "q", 5),
        ]
    )
    assert recommendation.held_out(rows).tolist() == [False, True, False, False, False, False, True]
    twice = rows_of([("a", "p", 5), ("a", "q", 1), ("a", "q", 5)])
    assert not recommendation.held_out(twice).any(), "q is not new to the user"
    assert recommendation.held_out(rows.iloc[::-1]).tolist() == [True, *[False] * 4, True, False]


LIKES = rows_of(
    [("x", "tea", 5), ("x", "cup", 5), ("y", "tea", 5), ("y", "cup", 4), ("z", "bone", 5), ("w", "bone", 5),
     ("v", "bone", 4), ("u", "toy", 3), ("me", "tea", 5), ("me", "cup", 5)]
)  # fmt: skip
DIRECTIONS = {"tea": [1, 0.0], "cup": [0.9, 0.1], "bone": [0, 1.0], "toy": [0.1, 1.0]}
LIKES_VECTORS = np.array([DIRECTIONS[product] for product in LIKES.ProductId])


def test_ranks_of_the_hidden_by_hand():
    hidden = (LIKES.UserId == "me") & (LIKES.ProductId == "cup")
    ranks = recommendation.ranks_of_hidden(LIKES, LIKES_VECTORS, hidden.to_numpy())
    row = ranks.iloc[0]
    assert (row["user"], row["product"], row.candidates) == ("me", "cup", 3)  # not tea: me has it
    assert (row["better_vectors"], row["ties_vectors"]) == (0, 1)
    assert (row["better_also liked"], row["ties_also liked"]) == (0, 1)
    assert (row["better_popular"], row["ties_popular"]) == (1, 1)  # bone 3, cup 2, toy 0
    assert recommendation.hits(ranks, "popular", k=1).tolist() == [0]
    assert recommendation.hits(ranks, "vectors", k=1).tolist() == [1]
    assert recommendation.hits(ranks, "chance", k=1).tolist() == pytest.approx([1 / 3])


def test_the_hidden_review_has_no_part_in_what_ranks_it():
    hidden = LIKES.Id.isin([4, 10]).to_numpy()  # the cups of y and me
    changed = LIKES_VECTORS.copy()
    changed[hidden] = [-5, -5]
    before = recommendation.ranks_of_hidden(LIKES, LIKES_VECTORS, hidden)
    assert before.equals(recommendation.ranks_of_hidden(LIKES, changed, hidden))
    assert before.user.tolist() == ["y", "me"]


def test_what_nobody_else_reviewed_cannot_be_found():
    rows = rows_of([("a", "p", 5), ("a", "only", 5), ("b", "p", 5)])
    ranks = recommendation.ranks_of_hidden(rows, np.eye(3), recommendation.held_out(rows))
    assert len(ranks) == 0
    assert ranks.attrs["unreachable"] == 1
    assert len(recommendation.hits(ranks, "vectors")) == 0


def test_ties_share_the_places():
    ranks = pd.DataFrame({"candidates": [20, 5], "better_popular": [8, 0], "ties_popular": [4, 5]})
    assert recommendation.hits(ranks, "popular", k=10).tolist() == [0.5, 1]
    assert recommendation.hits(ranks, "chance", k=10).tolist() == [0.5, 1]


def test_what_came_later_has_no_part_either():
    later = rows_of([("x", "tea", 5), ("me", "tea", 5), ("z", "cup", 5), ("me", "cup", 5), ("x", "cup", 5)])
    hidden = (later.UserId == "me") & (later.ProductId == "cup")
    ranks = recommendation.ranks_of_hidden(later, np.eye(5), hidden.to_numpy())
    assert ranks["candidates"].tolist() == [1]  # the cup, for z had reviewed it
    assert ranks["ties_also liked"].tolist() == [1]
    without_z = later[later.UserId != "z"]
    ranks = recommendation.ranks_of_hidden(without_z, np.eye(4), hidden[later.UserId != "z"].to_numpy())
    assert ranks.attrs["unreachable"] == 1


def test_user_and_product_are_compared_with_and_without_the_review():
    rows = rows_of([("a", "p", 5), ("a", "q", 5), ("b", "p", 4), ("c", "q", 1), ("d", "r", 2)])
    vectors = np.random.default_rng(0).normal(size=(5, 3))
    out = recommendation.user_product_cosines(rows, vectors, inside=False)
    inside = recommendation.user_product_cosines(rows, vectors, inside=True)
    cosine = lambda a, b: a @ b / np.linalg.norm(a) / np.linalg.norm(b)  # noqa: E731
    assert out[0] == pytest.approx(cosine(vectors[1], vectors[2]))
    assert inside[0] == pytest.approx(cosine(vectors[0] + vectors[1], vectors[0] + vectors[2]))
    assert np.isnan(out[2:]).all()  # b, c and d wrote nothing else
    assert np.isnan(inside[2:]).all()


def test_a_report_has_intervals_only_when_there_is_enough(monkeypatch):
    few = pd.DataFrame({"candidates": [20, 5]})
    for way in recommendation.WAYS:
        few = few.assign(**{f"better_{way}": [8, 0], f"ties_{way}": [4, 5]})
    text = recommendation.report(few)
    assert "popular    1.5 hits of 2" in text
    assert "too few users" in text
    assert "%" not in text
    monkeypatch.setattr(recommendation, "FEWEST", 2)
    lines = recommendation.report(few).splitlines()
    assert lines[0].endswith("75.0% hits; against popular +0.0 points, from +0.0 to +0.0")
    assert lines[2] == "popular     75.0% hits"
    assert lines[3].startswith("chance")
    assert len(lines) == 4
