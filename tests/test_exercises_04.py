import itertools

import numpy as np
import pandas as pd
from exercise_cases import Case, make_tests
from sklearn.metrics import adjusted_rand_score, silhouette_score

from helpers.exercises import lesson_04 as check

POINTS, START = [0, 1, 5, 7, 20], [1, 5]  # (0.5, 10.67), (2, 13.5), (3.25, 20)

RNG = np.random.default_rng(4)
KINDS = np.repeat([0, 1, 2], [6, 5, 4])
VECTORS = np.eye(5)[KINDS] + 0.5 * RNG.standard_normal((15, 5))
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)
POSITION = 2
DISTANCES = 1 - VECTORS @ VECTORS[POSITION]
WITHIN = DISTANCES[[0, 1, 3, 4, 5]].mean()
TO_OTHERS = [DISTANCES[KINDS == 1].mean(), DISTANCES[KINDS == 2].mean()]


def score(a, b):
    return (b - a) / max(a, b)


def straight_score():
    lengths = np.linalg.norm(VECTORS - VECTORS[POSITION], axis=1)
    return score(lengths[[0, 1, 3, 4, 5]].mean(), min(lengths[KINDS == 1].mean(), lengths[KINDS == 2].mean()))


RUN = np.repeat([0, 1, 2, 3], 20)
OTHER_RUN = np.roll(RUN, 7)


def rand(first, second):
    above = np.triu_indices(len(first), k=1)
    return ((first[:, None] == first) == (second[:, None] == second))[above].mean()


def rand_with_loops(first, second):
    pairs = list(itertools.combinations(range(len(first)), 2))
    return sum((first[i] == first[j]) == (second[i] == second[j]) for i, j in pairs) / len(pairs)


def both_together(first, second):
    pairs = list(itertools.combinations(range(len(first)), 2))
    return sum(first[i] == first[j] and second[i] == second[j] for i, j in pairs) / len(pairs)


def with_itself(first, second):
    return ((first[:, None] == first) == (second[:, None] == second)).mean()


def over_all_cells(first, second):
    return np.triu((first[:, None] == first) == (second[:, None] == second), k=1).mean()


COUNTS = RNG.integers(1, 30, (4, 9))


def weights(counts):
    shares = counts / counts.sum(axis=1, keepdims=True)
    return shares * np.log(1 + counts.sum(axis=1).mean() / counts.sum(axis=0))


def weights_with_loops(counts):
    mean = counts.sum() / len(counts)
    return [
        [c / sum(row) * np.log(1 + mean / counts[:, t].sum()) for t, c in enumerate(row)] for row in counts
    ]


def of_counts(counts):
    return counts * np.log(1 + counts.sum(axis=1).mean() / counts.sum(axis=0))


def document_idf(counts):
    shares = counts / counts.sum(axis=1, keepdims=True)
    return shares * np.log(1 + counts.sum(axis=1).mean() / (counts > 0).sum(axis=0))


def total_words(counts):
    shares = counts / counts.sum(axis=1, keepdims=True)
    return shares * np.log(1 + counts.sum() / counts.sum(axis=0))


def without_one(counts):
    shares = counts / counts.sum(axis=1, keepdims=True)
    return shares * np.log(counts.sum(axis=1).mean() / counts.sum(axis=0))


def base_ten(counts):
    shares = counts / counts.sum(axis=1, keepdims=True)
    return shares * np.log10(1 + counts.sum(axis=1).mean() / counts.sum(axis=0))


# groups of 60: 0 is low, 1 far too high, 2 a little high (about p = .03), 3 as all
LABELS = np.repeat([0, 1, 2, 3], 60)
STARS = 6 - np.concatenate(
    [
        np.repeat([5, 4, 3], [54, 4, 2]),
        np.repeat([5, 4, 3, 2, 1], [16, 10, 8, 6, 20]),
        np.repeat([5, 4, 3, 1], [22, 14, 11, 13]),
        np.repeat([5, 4, 1], [37, 13, 10]),
    ]
)

CASES = [
    Case(
        "settled_centres",
        lambda answer: check.settled_centres(answer, POINTS, START),
        solutions=[(3.25, 20), [3.2, 20], np.array([3.25, 20.0])],
        wrong=[
            ((0.5, 10.67), "after round 1"),
            ((2, 13.5), "after round 2"),
            ((1, 5), "where they start"),
            ((20, 3.25), "wrong order"),
            ((3, 20), "middle values"),
            ((13, 20), "sums of the groups"),
            ((4, 1), "sizes"),
            ((3.25, 33), "outside the points"),
            ((2.5, 11), "one round on paper"),
            (3.25, "shape (2,)"),
        ],
        secret="3.25",
    ),
    Case(
        "silhouette",
        lambda answer: check.silhouette(answer, VECTORS, KINDS, POSITION),
        solutions=[score(WITHIN, min(TO_OTHERS)), round(score(WITHIN, min(TO_OTHERS)), 3)],
        wrong=[
            (score(WITHIN * 5 / 6, min(TO_OTHERS)), "the review itself"),
            (-score(WITHIN, min(TO_OTHERS)), "sign is turned"),
            (min(TO_OTHERS) - WITHIN, "Divide it by the larger"),
            (score(WITHIN, max(TO_OTHERS)), "farthest away"),
            (score(WITHIN, DISTANCES[KINDS != 0].mean()), "each other group by itself"),
            (score(WITHIN, DISTANCES[KINDS != 0].min()), "one single review"),
            (straight_score(), "Euclidean"),
            (score(1 - WITHIN, 1 - min(TO_OTHERS)), "cosines"),
            ((min(TO_OTHERS) - WITHIN) / (WITHIN + min(TO_OTHERS)), "a + b"),
            (WITHIN, "alone"),
            (silhouette_score(VECTORS, KINDS, metric="cosine"), "mean silhouette of all"),
            (3.0, "between -1 and 1"),
            (0.0123, "Compute a first"),
        ],
        secret=f"{score(WITHIN, min(TO_OTHERS)):.3f}",
    ),
    Case(
        "pair_agreement",
        lambda answer: check.pair_agreement(answer, RUN, OTHER_RUN),
        solutions=[rand, rand_with_loops],
        wrong=[
            (lambda first, second: (first == second).mean(), "share of equal labels"),
            (with_itself, "paired with itself"),
            (adjusted_rand_score, "the adjusted index"),
            (over_all_cells, "all n x n cells"),
            (both_together, "keep apart agree as well"),
            (lambda first, second: 1 - rand(first, second), "disagree"),
            (lambda first, second: rand(first, second) / 2, "half of it"),
            (lambda first, second: rand(first, second) * len(first) * (len(first) - 1) / 2, "Divide by the"),
            (lambda first, second: first[99], "stopped with IndexError"),
            (lambda first, second: rand(first[:6], second[:6]), "not the two runs"),
            (lambda first, second: 0.123, "together or apart"),
        ],
    ),
    Case(
        "class_weights",
        lambda answer: check.class_weights(answer, COUNTS),
        solutions=[weights, weights_with_loops],
        wrong=[
            (of_counts, "number of words of its group"),
            (document_idf, "in how many groups"),
            (total_words, "not the number of all words"),
            (without_one, "1 + inside the logarithm"),
            (base_ten, "base 10"),
            (lambda counts: np.sqrt(counts / counts.sum(axis=1, keepdims=True)), "the numbers differ"),
            (lambda counts: weights(counts)[0], "shape"),
            (lambda counts: "weights", "One number per group"),
        ],
    ),
    Case(
        "high_groups",
        lambda answer: check.high_groups(answer, STARS, LABELS),
        solutions=[[1], {1}, np.array([1]), (np.int64(1),), pd.Index([1]), pd.Series([1])],
        wrong=[
            ([0, 1], "lower than chance are among"),
            ([0], "Those are lower than chance"),
            ([0, 2, 3], "Those are the others"),
            ([1, 2], "each group 5 %"),
            ([1, 3], "Not every group"),
            ([], "There is at least one"),
            ([3], "compare its mean"),
            ([9], "There is no group 9"),
            ([False, True, False, False], "True and False"),
            (1, "A list of group numbers"),
        ],
    ),
]

TestExercises04 = make_tests(CASES)


class TestHighGroups:
    def test_no_high_group_is_an_answer(self):
        stars = np.tile([5, 4, 3, 1], 30)
        assert check.high_groups([], stars, np.repeat([0, 1, 2], 40)).status == "right"
