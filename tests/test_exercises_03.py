import numpy as np
import pandas as pd
import pytest
from exercise_cases import Case, make_tests

from helpers.exercises import lesson_03 as check

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(60, 8))
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)
QUERY = VECTORS[7]
FACTORS = RNG.uniform(0.5, 2, size=60)

GRADES = [[0, 0, 1, 2], [1, 0, 2, 0], [0, 0, 0, 0], [0, 2, 0, 0]]  # 1/3, 1, 0, 1/2: .458

STARS = [5, 4, 5, 1, 5, 2, 1, 3, 5, 5, 4, 1]
PRODUCTS = list("aaabbbccdddx")
USERS = list("uuvwvwuvwxyz")
ROWS = pd.DataFrame({"Score": STARS, "ProductId": PRODUCTS, "UserId": USERS})


def precision(found, relevant, k):
    return sum(i in relevant for i in found[:k]) / k


def rrf(rankings, k):
    scores = {}
    for ranking in rankings:
        for rank, name in enumerate(ranking, start=1):
            scores[name] = scores.get(name, 0) + 1 / (k + rank)
    return sorted(scores, key=scores.get, reverse=True)


def rrf_by(weight, *, falling=True):
    def fuse(rankings, k):
        scores = {}
        for ranking in rankings:
            for rank, name in enumerate(ranking, start=1):
                scores[name] = scores.get(name, 0) + weight(rank, k)
        return sorted(scores, key=scores.get, reverse=falling)

    return fuse


def rrf_joined(join):
    def fuse(rankings, k):
        scores = {}
        for ranking in rankings:
            for rank, name in enumerate(ranking, start=1):
                scores[name] = join(scores.get(name, 0), 1 / (k + rank))
        return sorted(scores, key=scores.get, reverse=True)

    return fuse


def only_common(rankings, k):
    return [name for name in rrf(rankings, k) if all(name in ranking for ranking in rankings)]


def stars_of_others():
    groups = ROWS.groupby("ProductId").Score
    counts = groups.transform("count")
    others = (groups.transform("sum") - ROWS.Score) / (counts - 1)
    return others, counts


def with_own(which=slice(None)):
    return np.corrcoef(ROWS.groupby("ProductId").Score.transform("mean")[which], ROWS.Score[which])[0, 1]


OTHERS, COUNTS = stars_of_others()
TRUE = np.corrcoef(OTHERS[COUNTS > 1], ROWS.Score[COUNTS > 1])[0, 1]
BY_USER = ROWS.groupby("UserId").Score
USER_OTHERS = (BY_USER.transform("sum") - ROWS.Score) / (BY_USER.transform("count") - 1)
KNOWN = BY_USER.transform("count") > 1

CASES = [
    Case(
        "orders",
        lambda answer: check.orders_that_change(answer, QUERY, VECTORS, FACTORS),
        solutions=[{"dot", "distance"}, ["distance", "dot"], ("dot", "distance")],
        wrong=[
            ({"cosine"}, "divides by both lengths"),
            ({"cosine", "dot", "distance"}, "divides by both lengths"),
            ({"dot"}, "tip of an arrow"),
            ({"distance"}, "q @ (factor * v)"),
            (set(), "At least one order"),
            ("dot", "A set of names"),
            ({"dots"}, "none of the three names"),
        ],
    ),
    Case(
        "mean_reciprocal_rank",
        lambda answer: check.mean_reciprocal_rank(answer, GRADES),
        solutions=[0.4583, 0.46, np.float64(11 / 24)],
        wrong=[
            (2, "1 / rank of each first, then the mean"),
            (0.5, "1 / the mean of the ranks"),
            (0.6111, "leaves out the queries"),
            (1.8333, "Divide by how many"),
            (0.2708, "Grade 1 counts"),
            (0.3125, "share of relevant results"),
            (0.375, "ranks from 0"),
            (0.25, "in first place"),
            (46, "not a percentage"),
            (0.9, "For each query"),
        ],
        secret="0.46",
    ),
    Case(
        "precision_at_k",
        check.precision_at_k,
        solutions=[precision, lambda found, relevant, k: len(set(found[:k]) & relevant) / k],
        wrong=[
            (lambda found, relevant, k: sum(i in relevant for i in found[:k]), "a count"),
            (lambda found, relevant, k: precision(found, relevant, k) * k / len(found), "divides by all"),
            (lambda found, relevant, k: sum(i in relevant for i in found) / k, "beyond the first k"),
            (
                lambda found, relevant, k: sum(i in relevant for i in found[:k]) / min(k, len(found)),
                "An empty place",
            ),
            (lambda found, relevant, k: precision(found, relevant, k) * k / (len(relevant) + 0), "recall"),
            (lambda found, relevant, k: "0.4", "should be one number"),
            (lambda found, relevant, k: None, "gives nothing back"),
            (lambda found, relevant, k: found[99], "IndexError"),
        ],
    ),
    Case(
        "fuse",
        check.fuse,
        solutions=[rrf, lambda rankings, k: np.array(rrf(rankings, k))],
        wrong=[
            (rrf_by(lambda rank, k: 1 / (k + rank), falling=False), "worst comes first"),
            (only_common, "only one ranking has must stay"),
            (rrf_by(lambda rank, k: k + rank), "adds ranks"),
            (rrf_by(lambda rank, k: 1 / rank), "is k added"),
            (rrf_by(lambda rank, k: 1 / (60 + rank)), "Use the k that is handed in"),
            (rrf_joined(lambda before, now: now), "do not overwrite"),
            (rrf_joined(max), "do not overwrite"),
            (rrf_by(lambda rank, k: 1 / (k + rank - 1)), "rank 1 (not 0)"),
            (rrf_by(lambda rank, k: 1), "counts how many"),
            (lambda rankings, k: rankings[0], "only one ranking has must stay"),
            (lambda rankings, k: {"a": 1}, "dictionary"),
            (lambda rankings, k: [(name, 1) for name in rrf(rankings, k)], "Ids alone"),
            (lambda rankings, k: [name for ranking in rankings for name in ranking], "once"),
        ],
    ),
    Case(
        "without_own_stars",
        lambda answer: check.without_own_stars(answer, ROWS),
        solutions=[TRUE, round(TRUE, 2)],
        wrong=[
            (with_own(), "still in the mean: take them"),
            (with_own(COUNTS > 1), "only the products with one review are gone"),
            (np.corrcoef(OTHERS.fillna(0), ROWS.Score)[0, 1], "do not fill them with 0"),
            (np.corrcoef(OTHERS.fillna(ROWS.Score.mean()), ROWS.Score)[0, 1], "instead of filling"),
            (
                np.corrcoef((OTHERS * (COUNTS - 1) / COUNTS)[COUNTS > 1], ROWS.Score[COUNTS > 1])[0, 1],
                "divide by one less",
            ),
            (
                np.corrcoef(OTHERS.fillna(0) * (COUNTS - 1) / COUNTS, ROWS.Score)[0, 1],
                "and products with one",
            ),
            (np.corrcoef(USER_OTHERS[KNOWN], ROWS.Score[KNOWN])[0, 1], "Group by ProductId"),
            (17.0, "between -1 and 1"),
            (0.987, "For each review"),
        ],
    ),
]


def test_a_mistake_that_rounds_to_the_truth_is_seen_in_its_further_digits(monkeypatch):
    """Where a mistake comes to the truth's two decimals, only an answer rounded to them passes."""
    slip = np.corrcoef((OTHERS * (COUNTS - 1) / COUNTS)[COUNTS > 1], ROWS.Score[COUNTS > 1])[0, 1]
    monkeypatch.setattr(check, "ROUNDED", abs(slip - TRUE) * 1.01)
    assert "divide by one less" in check.without_own_stars(slip, ROWS).message
    assert check.without_own_stars(TRUE, ROWS)
    assert "For each review" in check.without_own_stars(with_own() + 0.000123, ROWS).message


TestExercises = make_tests(CASES)


@pytest.mark.parametrize(
    "exercise", [check.orders_that_change, check.mean_reciprocal_rank, check.without_own_stars]
)
def test_an_answer_not_given_needs_no_data(exercise):
    assert exercise(...).status == "unanswered"


def test_the_leak_is_named_once_it_is_out():
    assert f"the same mean reaches {with_own(COUNTS > 1):.2f}" in check.without_own_stars(TRUE, ROWS).message


def test_the_order_check_follows_the_data():
    """With one common factor the dot product's order stays, and the check knows."""
    doubled = np.full(60, 2.0)
    assert check.orders_that_change({"distance"}, QUERY * 0.1, VECTORS * FACTORS[:, None], doubled)
    verdict = check.orders_that_change({"dot", "distance"}, QUERY * 0.1, VECTORS * FACTORS[:, None], doubled)
    assert "stays" in verdict.message or "stayed" in verdict.message
