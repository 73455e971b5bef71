"""The checks of lesson 10: solutions are accepted, likely mistakes get a fitting hint."""

import numpy as np
import pandas as pd
import pytest
from exercise_cases import Case, make_tests

from helpers import scores
from helpers.exercises import lesson_10 as check

RANDOM = np.random.default_rng(0)
VECTORS = RANDOM.standard_normal((40, 8))
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)
LABELS = np.array(["tea", "rice", "jam", "oil"] * 10)


def vote(vector, vectors, labels, k):
    order = np.argsort(-(vectors @ vector))[:k]
    names, first, counts = np.unique(labels[order], return_index=True, return_counts=True)
    return names[np.lexsort((first, -counts))[0]]


def vote_with_counter(vector, vectors, labels, k):
    from collections import Counter

    order = np.argsort(vectors @ vector)[::-1][:k]
    return Counter(labels[order].tolist()).most_common(1)[0][0]


def farthest(vector, vectors, labels, k):
    return vote(-vector, vectors, labels, k)


def only_nearest(vector, vectors, labels, k):
    return vote(vector, vectors, labels, 1)


def everybody(vector, vectors, labels, k):
    return vote(vector, vectors, labels, len(labels))


def first_by_name(vector, vectors, labels, k):
    names, counts = np.unique(labels[np.argsort(-(vectors @ vector))[:k]], return_counts=True)
    return names[counts.argmax()]


def weighed(vector, vectors, labels, k):
    cosines = vectors @ vector
    order = np.argsort(-cosines)[:k]
    names = np.unique(labels[order])
    return names[np.argmax([cosines[order][labels[order] == name].sum() for name in names])]


def any_of_the_commonest(vector, vectors, labels, k):
    found = labels[np.argsort(-(vectors @ vector))[:k]].tolist()
    return max(set(found), key=found.count)


def farthest_of_the_nearest_first(vector, vectors, labels, k):
    from collections import Counter

    return Counter(labels[np.argsort(vectors @ vector)[-k:]].tolist()).most_common(1)[0][0]


def the_positions(vector, vectors, labels, k):
    return np.argsort(-(vectors @ vector))[:k]


def first_rows(vector, vectors, labels, k):
    return vote(vector, vectors[:k], labels[:k], k)


FOUND = {
    "majority class": pd.DataFrame({"macro F1": [0.1, 0.1, 0.1, 0.1, 0.1]}),
    "frozen vectors": pd.DataFrame({"macro F1": [0.9, 0.85, 0.95, 0.8, 0.9]}),
    "fine-tuned": pd.DataFrame({"macro F1": [0.95, 0.8, 0.95, 0.85, 0.9]}),
}


def best_of(values):
    return max(values, key=lambda name: values[name].mean())


def good_enough(values, ratio, margin):
    best = best_of(values)
    for name, own in values.items():
        if name == best or scores.interval(values[best] - own, ratio).high < margin:
            return name
    return None


def highest_mean(values, ratio, margin):
    return best_of(values)


def not_beaten(values, ratio, margin):
    best = best_of(values)
    return next(n for n in values if n == best or scores.interval(values[best] - values[n], ratio).low <= 0)


def close_mean(values, ratio, margin):
    best = best_of(values)
    return next(n for n in values if values[best].mean() - values[n].mean() < margin)


def cheapest(values, ratio, margin):
    return next(iter(values))


def sign_turned(values, ratio, margin):
    best = best_of(values)
    return next(
        n for n in values if n == best or scores.interval(values[n] - values[best], ratio).high < margin
    )


def list_of_names(values, ratio, margin):
    return [best_of(values)]


def cut(n, sizes, seed):
    order = np.random.default_rng(seed).permutation(n)
    return [order[:size] for size in sizes]


def anew_each_time(n, sizes, seed):
    generator = np.random.default_rng(seed)
    return [generator.choice(n, size, replace=False) for size in sizes]


def first_of_the_table(n, sizes, seed):
    return [np.arange(size) for size in sizes]


def with_putting_back(n, sizes, seed):
    order = np.random.default_rng(seed).integers(n, size=n)
    return [order[:size] for size in sizes]


def one_seed(n, sizes, seed):
    return cut(n, sizes, 0)


def no_seed(n, sizes, seed):
    return cut(n, sizes, None)


def one_array(n, sizes, seed):
    return cut(n, sizes, seed)[-1]


def one_missing(n, sizes, seed):
    return cut(n, sizes, seed)[:2]


def one_too_few(n, sizes, seed):
    return [part[1:] for part in cut(n, sizes, seed)]


def floats(n, sizes, seed):
    return [part.astype(float) for part in cut(n, sizes, seed)]


def from_one(n, sizes, seed):
    return [part + n for part in cut(n, sizes, seed)]


PRICES = {
    "epochs": 3,
    "training": 8.0,
    "asking the fine-tuned model": 0.6,
    "asking the prompted model": 0.3,
}
TOKENS, LONG, SHORT = 40_000, 700, 100
TRAINING = TOKENS * 3 * 8.0
SAVED = LONG * 0.3 - SHORT * 0.6
TRUTH = TRAINING / SAVED

CASES = [
    Case(
        "nearest label",
        lambda answer: check.nearest_label(answer, VECTORS, LABELS),
        solutions=[vote, vote_with_counter],
        wrong=[
            (farthest, "far away"),
            (only_nearest, "only the nearest"),
            (everybody, "all of them vote"),
            (first_by_name, "as many votes"),
            (weighed, "each the same"),
            (any_of_the_commonest, "as many votes"),
            (farthest_of_the_nearest_first, "in order, nearest first"),
            (the_positions, "one label"),
            (first_rows, "takes the first rows"),
        ],
        secret="argsort",
    ),
    Case(
        "choose",
        lambda answer: check.choose(answer, FOUND, 0.25, 0.05),
        solutions=[good_enough],
        wrong=[
            (highest_mean, "highest mean"),
            (not_beaten, "upper end"),
            (close_mean, "upper end"),
            (cheapest, "beats that way"),
            (sign_turned, "beats that way"),
            (list_of_names, "one of the names"),
            (lambda values, ratio, margin: 3, "one of the names"),
        ],
        secret=".high",
    ),
    Case(
        "beginnings",
        lambda answer: check.beginnings(answer, np.tile(LABELS, 4)),
        solutions=[cut, lambda n, sizes, seed: [list(map(int, part)) for part in cut(n, sizes, seed)]],
        wrong=[
            (anew_each_time, "all should be"),
            (first_of_the_table, "first rows"),
            (with_putting_back, "comes twice"),
            (one_seed, "Seeds 0 and 1"),
            (no_seed, "second time"),
            (one_array, "3 sizes"),
            (one_missing, "gives 2 arrays"),
            (one_too_few, "gives 19"),
            (floats, "whole numbers"),
            (from_one, "Positions go from 0"),
        ],
        secret="permutation",
    ),
    Case(
        "break-even",
        lambda answer: check.break_even(answer, TOKENS, (LONG, SHORT), PRICES),
        solutions=[int(TRUTH) + 1, TRUTH],
        wrong=[
            (TRUTH / 3, "once per epoch"),
            (TRAINING / 1e6, "in dollars"),
            (TRUTH / 1e6, "Divide all of them"),
            (TRUTH * 1e6, "in the training as well"),
            (TRAINING / (LONG * 0.3), "not free either"),
            (TRAINING / ((LONG - SHORT) * 0.6), "Each has its own"),
            (TRAINING / ((LONG - SHORT) * 0.3), "prompted model's price for both"),
            (TRAINING / (LONG * 0.6 - SHORT * 0.3), "exchanged"),
            (2 * TRUTH, "too many"),
            (0.6 * TRUTH, "too few"),
        ],
        secret=f"{int(TRUTH) + 1:,}",
    ),
]
TestExercises = make_tests(CASES)


def test_a_question_that_never_gets_cheaper_never_pays():
    dear = PRICES | {"asking the fine-tuned model": 100.0}
    assert check.break_even(0, TOKENS, (LONG, SHORT), dear).status == "right"
    assert "never" in check.break_even(5, TOKENS, (LONG, SHORT), dear).message


@pytest.mark.parametrize("prices", [PRICES, PRICES | {"epochs": 1}])
def test_the_training_is_paid_for_at_that_number_and_not_before(prices):
    verdict = check.break_even(TRAINING / 3 * prices["epochs"] / SAVED, TOKENS, (LONG, SHORT), prices)
    assert verdict.status == "right"


def test_the_lessons_own_scores_are_asked_last():
    def knows_only_small_cases(values, ratio, margin):
        return good_enough(values, ratio, margin) if "majority class" not in values else "majority class"

    assert "own scores" in check.choose(knows_only_small_cases, FOUND, 0.25, 0.05).message
