"""The checks of lesson 09: a loss to beat, a probability from tokens, the step to keep, two models compared.

Each works out the truth from what it is given, and knows the mistakes that are near at hand.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from helpers.exercises.core import (
    Verdict,
    ask,
    close,
    exercise,
    number,
    right,
    unless_mistaken,
    whole_number,
    wrong,
)

# ----------------------------------------------------------------------------- 9.1


UNLIKE_SIDES = (({"bad": 10, "good": 90}, {"bad": 30, "good": 70}), ({"a": 60, "b": 20}, {"a": 5, "b": 15}))


@exercise
def loss_of_shares(answer: Any, trained_on: Mapping[str, int], tested_on: Mapping[str, int]) -> Verdict:
    """A function of the counts of both sides: the loss of giving every row the shares in training."""
    for trained, tested in (*UNLIKE_SIDES, (trained_on, tested_on)):
        given = ask(answer, dict(trained), dict(tested))
        _check_loss(number(given, "The loss"), trained, tested)
    return right(
        "A trained model has to come below this. If it does not, it has learnt nothing but the shares."
    )


def _check_loss(value: float, trained: Mapping[str, int], tested: Mapping[str, int]) -> None:
    costs, own = _costs(trained), _costs(tested)
    rows = sum(tested.values())
    total = sum(count * costs[name] for name, count in tested.items())
    truth = total / rows
    if close(value, truth):
        return
    share = {name: count / sum(trained.values()) for name, count in trained.items()}
    commonest = max(tested, key=tested.__getitem__)
    about = f"Trained on {dict(trained)} and tested on {dict(tested)}:"
    mistakes = {
        "That is the sum over all rows. A loss is their mean.": total,
        "The sign is wrong: ln of a probability is negative, and a loss is not.": -truth,
        "That is with another logarithm. The loss takes the natural one, np.log.": truth / math.log(10),
        "That takes the logarithm to base 2. The loss takes the natural one, np.log.": truth / math.log(2),
        "You give the shares of the tested rows as probabilities. Does the model know those?": (
            sum(count * own[name] for name, count in tested.items()) / rows
        ),
        "That is the loss on the rows it was trained on. How many of each class are tested?": (
            sum(trained[name] * costs[name] for name in trained) / sum(trained.values())
        ),
        "The two sides are exchanged: whose shares does the model know, and whose rows are counted?": (
            sum(trained[name] * own[name] for name in trained) / sum(trained.values())
        ),
        "The classes are exchanged: each row gets the share of the other class.": (
            sum(count * costs[other] for count, other in zip(tested.values(), reversed(list(tested)))) / rows
        ),
        "Every row has the loss of the commonest class there. What does a row of the other class cost?": (
            costs[commonest]
        ),
        "Both classes count the same in that mean. How many rows has each?": (
            sum(costs[name] for name in tested) / len(tested)
        ),
        "That is the loss of a coin, which does not even know the shares.": math.log(len(trained)),
        "That is the logarithm of the mean. Take the logarithm for each row first, then the mean.": (
            -math.log(sum(count * share[name] for name, count in tested.items()) / rows)
        ),
    }
    unless_mistaken(
        value, {f"{about} {said[0].lower()}{said[1:]}": mistaken for said, mistaken in mistakes.items()}
    )
    if abs(value - truth) <= 0.006:
        raise wrong(f"{about} very near. Do not round inside the function.")
    raise wrong(
        f"{about} each row costs -ln of the probability that its own class gets, its share in training."
    )


def _costs(counts: Mapping[str, int]) -> dict[str, float]:
    """What a row of each class costs when the shares of `counts` are the probabilities."""
    return {name: -math.log(count / sum(counts.values())) for name, count in counts.items()}


# ----------------------------------------------------------------------------- 9.2

LABELS = (" negative", " positive")
TOPS = (
    {" positive": math.log(0.7), " negative": math.log(0.3)},
    {" negative": math.log(0.5), " positive": math.log(0.05), " neutral": math.log(0.3)},
    {" positive": math.log(0.9), "\n": math.log(0.06), " good": math.log(0.04)},
    {" negative": math.log(0.2), " the": math.log(0.8)},
)
EXPECTED = (0.7, 0.05 / 0.55, 1.0, 0.0)


@exercise
def probability_of_positive(answer: Any) -> Verdict:
    """A function from a dict of log-probabilities to p(positive) / (p(positive) + p(negative))."""
    for top, truth in zip(TOPS, EXPECTED):
        p = {token: math.exp(value) for token, value in top.items()}
        value = number(ask(answer, dict(top)), "The probability")
        if close(value, truth):
            continue
        about = f"For the tokens {', '.join(map(repr, top))}"
        if value < 0:
            raise wrong(f"{about} you give a negative number. What makes a probability of a logarithm?")
        positive, negative = p.get(LABELS[1], 0.0), p.get(LABELS[0], 0.0)
        if value > 1:
            raise wrong(f"{about} you give {value:.2f}, and a probability is at most 1.")
        unless_mistaken(
            value,
            {
                f"{about} that is the probability of negative.": negative / (positive + negative),
                f"{about} you give what the model gave to the token. It also gave something to other words: "
                "what remains if only the two classes count?": positive,
                f"{about} you count all tokens that were reported, and not the two classes alone.": positive
                / sum(p.values()),
                f"{about} you give 0, as if the class were not among them. Does its token begin with a "
                "space?": 0.0,
                f"{about} a class was not reported, so its probability is 0. What does exp make of your "
                "default?": _with_one_for_missing(p),
                f"{about} you count all that is not negative as positive. It is not all positive.": 1
                - negative,
            },
        )
        raise wrong(
            f"{about} you give {value:.3f}. Only the two classes' probabilities matter, and their sum is 1."
        )
    return right(
        "This is what `tuning.classify` does with each answer; it keeps the sum, too, as `on labels`."
    )


def _with_one_for_missing(p: Mapping[str, float]) -> float:
    """What comes of exp(top.get(class, 0)): a missing class has probability 1."""
    negative, positive = (p.get(label, 1.0) for label in LABELS)
    return positive / (positive + negative)


# ----------------------------------------------------------------------------- 9.3

STEPS = pd.DataFrame(
    {
        "step": [10, 20, 30, 40, 50, 60],
        "training": [0.69, 0.41, 0.30, 0.22, 0.09, 0.10],
        "validation": [0.70, math.nan, 0.42, 0.40, math.nan, 0.51],
    }
)
TIED = STEPS.assign(validation=[0.70, 0.40, 0.42, 0.40, math.nan, 0.51])
SHUFFLED = TIED.iloc[[3, 5, 1, 0, 4, 2]]  # as a table looks that somebody has sorted otherwise
UNLIKE = STEPS.assign(validation=[0.30, 0.41, 0.45, 0.48, 0.55, math.nan])


@exercise
def best_step(answer: Any, table: pd.DataFrame) -> Verdict:
    """A function from a table to the step with the lowest validation loss, the earliest of equals."""
    for steps in (STEPS, UNLIKE, TIED, SHUFFLED, table):
        _check_best(ask(answer, steps.copy()), steps)
    return right("Of equals the earliest: it has had the least time to learn by heart, and cost the least.")


def _check_best(given: Any, steps: pd.DataFrame) -> None:
    value = whole_number(given, "The step")
    known = steps.dropna(subset="validation")
    lowest = known.loc[known["validation"] == known["validation"].min(), "step"]
    if value == lowest.min():
        return
    if value in lowest.to_numpy():
        raise wrong(
            f"Two steps have the same lowest validation loss, and you took {value}. Which came first?"
        )
    if value not in steps["step"].to_numpy():
        raise wrong(
            f"There is no step {value} in the table. Is that a position or an index label? Look at `step`."
        )
    if not steps["step"].is_monotonic_increasing:
        raise wrong(
            "In one table the rows are in another order, and there you give a step that is not the best. Do "
            "you mix positions and index labels?"
        )
    if value == steps.loc[steps["training"].idxmin(), "step"]:
        raise wrong(
            "That is where the training loss is lowest. Of which rows do you want to know how well it does?"
        )
    if value == steps["step"].max():
        raise wrong("That is the last step. Training longer can make a model worse.")
    if value == known.loc[known["validation"].idxmax(), "step"]:
        raise wrong("There the validation loss is highest. Is a loss better high or low?")
    raise wrong(f"At step {value} the validation loss is not the lowest of the table.")


# ----------------------------------------------------------------------------- 9.4

CASES = (
    ([1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1], [1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1]),
    ([1, 0, 1, 0], [0, 1, 0, 1]),
    ([1, 1, 1, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 0, 0, 0]),
    ([1, 0, 1], [1, 0, 1]),
)


@exercise
def chance_of(answer: Any, first_right: Sequence[bool], second_right: Sequence[bool]) -> Verdict:
    """A function of two arrays of truth values: how often a fair coin divides the uneven rows as unevenly."""
    from scipy.stats import binomtest

    real = (np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool))
    for one, other in [*CASES, real]:
        first, second = np.array(one, dtype=bool), np.array(other, dtype=bool)
        value = number(ask(answer, first.copy(), second.copy()), "The result")
        up, down = int((first & ~second).sum()), int((second & ~first).sum())
        truth = binomtest(up, up + down).pvalue if up + down else 1.0
        if close(value, truth):
            continue
        about = f"With {up} rows that only the first gets right and {down} that only the second does"
        if not up + down:
            raise wrong(
                "Both are right on the same rows there: nothing speaks against their being equally good."
            )
        if not 0 <= value <= 1.0000001:
            raise wrong(f"{about} you give {value:g}. How often something happens lies between 0 and 1.")
        one_side = sum(math.comb(up + down, k) for k in range(max(up, down), up + down + 1)) / 2 ** (
            up + down
        )
        exactly = math.comb(up + down, up) / 2 ** (up + down)
        mistakes = {
            f"{about} you count divisions in favour of one model only. Who knew which?": one_side,
            f"{about} that is how often exactly this one comes. And more uneven ones?": exactly,
            f"{about} you count rows on which both do the same. What do they tell?": (
                binomtest(int(first.sum()), len(first)).pvalue
            ),
        }
        unless_mistaken(value, mistakes)
        raise wrong(
            f"{about} you give {value:.3f}. It is about those {up + down} rows alone: how often would a fair "
            "coin divide them at least as unevenly, either way?"
        )
    return right(
        "The smaller, the harder to explain by chance. Where few rows differ, nothing can come of it."
    )
