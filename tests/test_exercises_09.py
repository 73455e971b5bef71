"""The checks of lesson 09."""

import math

import numpy as np
from exercise_cases import Case, make_tests
from scipy.stats import binomtest

from helpers.exercises import lesson_09 as check

TRAINED = {"positive": 300, "negative": 60}
TESTED = {"positive": 140, "negative": 35}


def loss(trained, tested):
    return mean(tested, costs(trained))


def costs(counts):
    return {name: -math.log(count / sum(counts.values())) for name, count in counts.items()}


def mean(counts, cost):
    return sum(count * cost[name] for name, count in counts.items()) / sum(counts.values())


def exchanged(trained, tested):
    return mean(tested, dict(zip(trained, reversed(list(costs(trained).values())))))


def of_the_mean(trained, tested):
    return -math.log(mean(tested, {name: math.exp(-cost) for name, cost in costs(trained).items()}))


FIRST = np.array([True] * 30 + [False] * 9 + [True] * 2)
SECOND = np.array([True] * 30 + [True] * 7 + [False] * 4)


def best(table):
    known = table.dropna(subset="validation").sort_values("step", kind="stable")
    return known["step"].iloc[known["validation"].argmin()]


def in_its_order(table):
    return table.loc[table["validation"].idxmin(), "step"]


def by_training(table):
    return table.loc[table["training"].idxmin(), "step"]


def last(table):
    return table["step"].max()


def position(table):
    return table.dropna()["validation"].argmin()


def highest(table):
    return table.loc[table["validation"].idxmax(), "step"]


def label_as_position(table):
    return table.iloc[table["validation"].idxmin()]["step"]


def position_as_label(table):
    return table["step"][table["validation"].argmin()]


def latest(table):
    known = table.dropna()
    return known.loc[known["validation"] == known["validation"].min(), "step"].max()


def share(top):
    p = {token: math.exp(value) for token, value in top.items()}
    positive, negative = p.get(" positive", 0), p.get(" negative", 0)
    return positive / (positive + negative)


def log_difference(top):
    """The same by the logistic function."""
    gap = top.get(" negative", -math.inf) - top.get(" positive", -math.inf)
    return 1 / (1 + math.exp(gap)) if gap < 700 else 0.0


def not_scaled(top):
    return math.exp(top.get(" positive", -math.inf))


def no_space(top):
    p = {token: math.exp(value) for token, value in top.items()}
    return p.get("positive", 0) / sum(p.values())


def the_logarithm(top):
    return top.get(" positive", -99.0)


def of_all(top):
    p = {token: math.exp(value) for token, value in top.items()}
    return p.get(" positive", 0) / sum(p.values())


def the_other(top):
    return 1 - share(top)


def exp_of_zero(top):
    good, bad = (math.exp(top.get(label, 0)) for label in (" positive", " negative"))
    return good / (good + bad)


def the_rest(top):
    return 1 - math.exp(top.get(" negative", -math.inf))


def falls_over(top):
    return math.exp(top[" positive"]) / (math.exp(top[" positive"]) + math.exp(top[" negative"]))


def chance(first, second):
    up, down = (first & ~second).sum(), (second & ~first).sum()
    return binomtest(up, up + down).pvalue if up + down else 1.0


def by_hand(first, second):
    up, down = int((first & ~second).sum()), int((second & ~first).sum())
    n = up + down
    return sum(math.comb(n, k) / 2**n for k in range(n + 1) if abs(k - n / 2) >= abs(up - n / 2))


def one_sided(first, second):
    up, down = int((first & ~second).sum()), int((second & ~first).sum())
    return sum(math.comb(up + down, k) for k in range(max(up, down), up + down + 1)) / 2 ** (up + down)


def just_this(first, second):
    up, down = int((first & ~second).sum()), int((second & ~first).sum())
    return math.comb(up + down, up) / 2 ** (up + down)


def all_rows(first, second):
    return binomtest(int(first.sum()), len(first)).pvalue


def difference(first, second):
    return float(first.mean() - second.mean())


def always_half(first, second):
    return 0.5


CASES = [
    Case(
        "loss_of_shares",
        lambda answer: check.loss_of_shares(answer, TRAINED, TESTED),
        solutions=[loss, lambda trained, tested: np.float64(loss(trained, tested))],
        wrong=[
            (lambda trained, tested: -loss(trained, tested), "sign"),
            (lambda trained, tested: loss(trained, tested) * sum(tested.values()), "the sum"),
            (lambda trained, tested: loss(trained, tested) / math.log(10), "another logarithm"),
            (lambda trained, tested: loss(trained, tested) / math.log(2), "base 2"),
            (lambda trained, tested: loss(tested, tested), "shares of the tested rows"),
            (lambda trained, tested: loss(trained, trained), "rows it was trained on"),
            (lambda trained, tested: loss(tested, trained), "two sides are exchanged"),
            (exchanged, "classes are exchanged"),
            (lambda trained, tested: costs(trained)[max(tested, key=tested.get)], "commonest"),
            (lambda trained, tested: sum(costs(trained).values()) / 2, "count the same"),
            (lambda trained, tested: math.log(2), "coin"),
            (of_the_mean, "logarithm of the mean"),
            (lambda trained, tested: round(loss(trained, tested), 2), "Do not round"),
            (lambda trained, tested: 3.3, "own class"),
            (0.42, "function"),
        ],
    ),
    Case(
        "best_step",
        lambda answer: check.best_step(answer, check.STEPS),
        solutions=[best],
        wrong=[
            (in_its_order, "came first"),
            (by_training, "training loss is lowest"),
            (last, "last step"),
            (position, "There is no step"),
            (highest, "highest"),
            (label_as_position, "another order"),
            (position_as_label, "another order"),
            (latest, "came first"),
            (lambda table: table["step"].iloc[2], "not the lowest"),
            (lambda table: table["steps"], "KeyError"),
        ],
    ),
    Case(
        "probability_of_positive",
        check.probability_of_positive,
        solutions=[share, log_difference],
        wrong=[
            (not_scaled, "what remains"),
            (no_space, "space"),
            (the_logarithm, "negative number"),
            (of_all, "reported"),
            (the_other, "of negative"),
            (falls_over, "KeyError"),
            (exp_of_zero, "your default"),
            (the_rest, "not all positive"),
            (lambda top: 7.0, "at most 1"),
            (lambda top: 0.123, "0.123"),
        ],
    ),
    Case(
        "chance_of",
        lambda answer: check.chance_of(answer, FIRST, SECOND),
        solutions=[chance, by_hand],
        wrong=[
            (one_sided, "one model only"),
            (just_this, "exactly"),
            (all_rows, "both do the same"),
            (lambda first, second: -difference(first, second) - 1, "between 0 and 1"),
            (always_half, "those"),
            (
                lambda first, second: chance(first, second) if (first != second).any() else 0.0,
                "nothing speaks",
            ),
        ],
    ),
]

TestExercises = make_tests(CASES)
