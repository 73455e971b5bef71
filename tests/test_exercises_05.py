"""The checks of lesson 05 accept their solutions and say what is wrong with other answers."""

import numpy as np
from exercise_cases import Case, make_tests

from helpers import projection
from helpers.exercises import lesson_05 as check

RNG = np.random.default_rng(5)
CENTRES = np.array([[8, 0, 0, 0], [0, 6, 0, 0], [0, 0, 5, 0], [0, 0, 0, 9]])
LABELS = np.repeat([0, 1, 2, 3], [40, 30, 20, 10])
VECTORS = np.hstack([CENTRES[LABELS] + RNG.standard_normal((100, 4)), RNG.standard_normal((100, 6))])
PLACES = VECTORS[:, :2] - VECTORS[:, :2].mean(axis=0)
HELD, TOTAL = PLACES.var(axis=0), VECTORS.var(axis=0).sum()
SHARE = HELD.sum() / TOTAL


def overlap(true, shown):
    return sum(len(set(a) & set(b)) for a, b in zip(true, shown)) / true.size


def overlap_not_divided(true, shown):
    return sum(len(set(a) & set(b)) for a, b in zip(true, shown))


def overlap_per_row(true, shown):
    return overlap_not_divided(true, shown) / len(true)


def overlap_any(true, shown):
    return np.mean([bool(set(a) & set(b)) for a, b in zip(true, shown)])


def overlap_pooled(true, shown):
    return len(set(true.flat) & set(shown.flat)) / len(set(true.flat))


def overlap_for_ten(true, shown):
    return np.mean([len(set(a) & set(b)) / 10 for a, b in zip(true, shown)])


def overlap_by_union(true, shown):
    return np.mean([len(set(a) & set(b)) / len(set(a) | set(b)) for a, b in zip(true, shown)])


def overlap_for_two(true, shown):
    return np.mean([len(set(a) & set(b)) / 2 for a, b in zip(true, shown)])


MAPS = {5: VECTORS[:, [0, 1]], 30: VECTORS[:, [0, 3]], 100: RNG.standard_normal((100, 2))}
KEPT = {k: {key: projection.neighbour_overlap(VECTORS, m, k) for key, m in MAPS.items()} for k in (5, 40)}
RANKED = {k: sorted(kept, key=kept.get) for k, kept in KEPT.items()}
BEST = {k: ranked[-1] for k, ranked in RANKED.items()}

# 0 to 3 are real groups, of 3 a part; 4 mixes all, 5 is small and real.
ISLANDS = LABELS.copy()
ISLANDS[[0, 1, 2, 3, 40, 41, 42, 43, 70, 71, 72, 90]] = 4
ISLANDS[96:] = 5
NEAR = ISLANDS[projection.neighbours(VECTORS, 5)]
BEYOND = [(NEAR[i == ISLANDS] == i).mean() - (i == ISLANDS).mean() for i in range(6)]
REAL = int(np.argmax(BEYOND))
LARGEST = 0

CLAIMS = [(0, 1, 2), (1, 2, 3), (2, 3, 1), (3, 0, 1)]
MEANS = [VECTORS[i == LABELS].mean(axis=0) for i in range(4)]
HOLD = [bool(np.linalg.norm(MEANS[a] - MEANS[b]) < np.linalg.norm(MEANS[a] - MEANS[c])) for a, b, c in CLAIMS]
ONE_OFF = [not HOLD[0], *HOLD[1:]]

# Means of different lengths: by distance 0 is nearer to 1, by cosine to 2.
MEANS_OF_FOUR = np.array([[1.0, 0.1], [2.0, 1.5], [5.0, 0.2], [1.5, 0.8]])
OF_FOUR = [0, 1, 2, 3]
CLEAR = [(0, 1, 2), (2, 1, 0), (1, 0, 2)]

CASES = [
    Case(
        "share of variance",
        lambda answer: check.share_of_variance(answer, VECTORS, PLACES),
        solutions=[SHARE, round(SHARE, 3), np.float32(SHARE)],
        wrong=[
            (100 * SHARE, "per cent"),
            (HELD[0] / TOTAL, "first direction alone"),
            (1 - SHARE, "what the map loses"),
            (HELD.sum(), "variance on the map"),
            (TOTAL, "variance of the vectors"),
            (HELD.mean() / VECTORS.var(axis=0).mean(), "add the variances"),
            (np.sqrt(SHARE), "no root"),
            (PLACES.std(axis=0).sum() / VECTORS.std(axis=0).sum(), "You added standard deviations"),
            (round(SHARE, 2), "two decimals"),
            (2 / 10, "dimensions compared"),
            (0.999, "Add up the variances"),
        ],
        secret=f"{SHARE:.3f}",
    ),
    Case(
        "overlap",
        lambda answer: check.overlap(answer, VECTORS, PLACES),
        solutions=[overlap, lambda a, b: np.mean([len(np.intersect1d(x, y)) / len(x) for x, y in zip(a, b)])],
        wrong=[
            (lambda a, b: (a == b).mean(), "order within a row"),
            (overlap_not_divided, "yours gives 6"),
            (overlap_per_row, "yours gives 2"),
            (overlap_any, "yours gives 1"),
            (overlap_pooled, "own row"),
            (overlap_for_two, "not on the reviews"),
            (overlap_for_ten, "fixed number of neighbours"),
            (overlap_by_union, "Divide by k"),
            (lambda a, b: None, "gives nothing back"),
            (0.3, "function"),
        ],
    ),
    Case(
        "best setting",
        lambda answer: check.best_setting(answer, VECTORS, MAPS, (5, 40)),
        solutions=[BEST, {k: float(v) for k, v in BEST.items()}],
        wrong=[
            (30, "A dict is wanted"),
            ({5: 30}, "keys of the dict"),
            ({"5": 30, "40": 30}, "and not text"),
            ({5: 50, 40: BEST[40]}, "no map was made"),
            ({5: RANKED[5][0], 40: BEST[40]}, "keeps fewer"),
            ({5: BEST[5], 40: RANKED[40][0]}, "For k = 40 no map keeps fewer"),
            ({5: RANKED[5][1], 40: BEST[40]}, "another map keeps more"),
            ({5: KEPT[5][30], 40: KEPT[40][30]}, "no map was made"),
        ],
    ),
    Case(
        "least supported",
        lambda answer: check.least_supported(answer, VECTORS, ISLANDS, 5),
        solutions=[4, np.int64(4), 4.0],
        wrong=[
            (REAL, "know best"),
            (6, "no island 6"),
            (-1, "no island -1"),
            (5, "smallest island"),
            (0.2, "whole number"),
            (LARGEST, "largest island"),
        ],
    ),
    Case(
        "claims that hold",
        lambda answer: check.claims_that_hold(answer, VECTORS, LABELS, CLAIMS),
        solutions=[HOLD, tuple(HOLD), np.array(HOLD), [np.bool_(value) for value in HOLD]],
        wrong=[
            ([not value for value in HOLD], "wrong way round"),
            ([True] * 4, "every claim"),
            ([False] * 4, "no claim at all"),
            (HOLD[:3], "has 3 entries"),
            (ONE_OFF, "1 of 4 clear entries"),
            ([1, 0, 1, 0], "True or False"),
            (True, "A list"),
        ],
    ),
]  # fmt: skip

TestExercises = make_tests(CASES)


def test_cosine_is_recognised_and_close_claims_do_not_count():
    by_distance, by_cosine = [True, True, True], [False, False, True]
    assert check.claims_that_hold(by_distance, MEANS_OF_FOUR, OF_FOUR, CLEAR).status == "right"
    assert "cosine" in check.claims_that_hold(by_cosine, MEANS_OF_FOUR, OF_FOUR, CLEAR).message
    nearly = np.array([[0, 0], [1, 0], [-1.01, 0], [3, 0]])
    claims = [(0, 1, 2), (0, 1, 3), (3, 1, 0)]
    for first in (True, False):
        verdict = check.claims_that_hold([first, True, True], nearly, OF_FOUR, claims)
        assert verdict.status == "right"
        assert "2 of 2 claims hold (1 too close" in verdict.message


def test_the_least_supported_island_may_still_be_supported():
    assert "not unsupported" in check.least_supported(0, *three_islands(), 3).message
    high = RNG.standard_normal((60, 5))
    by_chance = np.arange(60) % 2
    worst = int(projection.island_support(high, by_chance, 3).share.idxmin())
    assert "not unsupported" not in check.least_supported(worst, high, by_chance, 3).message


def three_islands():
    labels = np.repeat([0, 1, 2], [30, 20, 10])
    return 50 * np.eye(3)[labels] + RNG.standard_normal((60, 3)), labels


def test_the_cases_are_what_they_claim():
    assert np.argmin(BEYOND) == 4
    assert len({REAL, LARGEST, 4, 5}) == 4
    assert any(HOLD)
    assert not all(HOLD)
