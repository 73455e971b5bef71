"""The checks of lesson 10: nested examples, a vote of neighbours, a choice by a margin, a break-even.

Each works out the truth from what it is given and tries the learner's functions on cases made for the
mistakes that are near at hand, before they meet the lesson's own data.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers import scores
from helpers.exercises.core import (
    Verdict,
    ask,
    exercise,
    kind_of,
    number,
    right,
    unless_mistaken,
    wrong,
)

# ----------------------------------------------------------------------------- 10.1


@exercise
def nearest_label(answer: Any, vectors: ArrayLike, labels: Sequence[str]) -> Verdict:
    """A function (vector, vectors, labels, k) to the label that most of the k nearest rows have."""
    for about, (vector, rows, names, k), truth, mistakes in _votes():
        said = ask(answer, vector.copy(), rows.copy(), names.copy(), k)
        if isinstance(said, np.ndarray) and said.size == 1:
            said = said.item()
        if not isinstance(said, str):
            raise wrong(f"Your function should give one label, a text, but gives {kind_of(said)}.")
        if said != truth:
            raise wrong(f"{about} {mistakes.get(said, f'Your function says {said!r}. {HOW_TO_VOTE}')}")
    rows, names = np.asarray(vectors), np.asarray(labels, dtype=str)
    said = [str(ask(answer, rows[i], rows, names, 1)) for i in range(min(20, len(rows)))]
    if said != names[: len(said)].tolist():
        raise wrong(
            "With k = 1, a question that is among the rows should get its own label back: nothing is "
            "nearer to it."
        )
    return right(
        "There was nothing to train: this way knows a new label the moment its first row is added, and "
        "forgets "
        "one when its rows go."
    )


HOW_TO_VOTE = "Take the k rows with the largest cosines and count their labels."


def _votes() -> list[tuple[str, tuple[np.ndarray, np.ndarray, np.ndarray, int], str, dict[str, str]]]:
    """Cases on the circle: (what it is about, arguments, right label, hints for wrong labels)."""

    def at(*degrees: float) -> np.ndarray:
        angles = np.radians(degrees)
        return np.column_stack([np.cos(angles), np.sin(angles)])

    asked = at(0)[0]
    rows, names = at(170, 150, 100, 10, 5, 12), np.array(["far", "far", "side", "near", "near", "far"])
    farthest = {
        "far": "Your function prefers rows that are far away, takes the first rows, or lets all of them "
        "vote. A larger cosine is nearer.",
        "side": "Your function takes a row in the middle. Order the rows by their cosine, the largest first.",
    }
    two = at(3, 20, 25, 160, 165, 170), np.array(["one", "two", "two", "all", "all", "all"])
    crowd = {
        "one": "Your function asks only the nearest row. Let k rows vote.",
        "all": "All rows voted, or the farthest ones. Only the k nearest count.",
    }
    weighed = at(18, 66, 67, 120, 130), np.array(["one", "two", "two", "all", "all"])
    tie = at(8, 4, 12, 2, 90), np.array(["a", "b", "a", "b", "c"])
    by_cosine = {
        "one": "One near row stands against two farther ones. Count the rows, each the same: two beat one.",
        "all": HOW_TO_VOTE,
    }
    cases = [
        ("Six rows, k = 3:", (asked, rows, names, 3), "near", farthest),
        ("Six rows, k = 3:", (asked, *two, 3), "two", crowd),
        ("Five rows, k = 3:", (asked, *weighed, 3), "two", by_cosine),
    ]
    for first, second in itertools.permutations(("a", "b", "tea", "jam", "oil", "rice"), 2):
        swapped = np.array([{"a": second, "b": first}.get(name, name) for name in tie[1]])
        tied = {second: TIED, "c": HOW_TO_VOTE}
        cases.append(("Five rows, k = 4:", (asked, tie[0], swapped, 4), first, tied))
    return cases


TIED = (
    "Two labels have as many votes here. The one whose row is nearest should win. Are your k rows in order, "
    "nearest first? And it is not the first by name."
)


# ----------------------------------------------------------------------------- 10.2


@exercise
def choose(answer: Any, found: Mapping[str, pd.DataFrame], ratio: float, margin: float) -> Verdict:
    """A function (values, ratio, margin) to the first way, in the given order, that is as good as the best.

    `values`: each way's scores, one a split, in the order of growing effort. As good: the interval of the
    differences, best minus it, ends below `margin`.
    """
    for about, values in _choices():
        _compare_choice(answer, values, 0.25, 0.05, about)
    own = {name: table["macro F1"].to_numpy(dtype=float) for name, table in found.items()}
    truth = _compare_choice(answer, own, ratio, margin, "With the lesson's own scores:")
    means = {name: float(values.mean()) for name, values in own.items()}
    best = max(means, key=means.__getitem__)
    how = "has the highest mean itself" if truth == best else f"loses less than the margin to {best!r}"
    return right(
        f"Here you take {truth!r}, which {how}. A cheaper way may do as well: these splits do not show it "
        "unless its interval is narrow enough."
    )


def _chosen(values: Mapping[str, np.ndarray], ratio: float, margin: float) -> str:
    best = max(values, key=lambda name: values[name].mean())
    return next(
        name
        for name, own in values.items()
        if name == best or scores.interval(values[best] - own, ratio).high < margin
    )


def _compare_choice(
    answer: Any, values: Mapping[str, np.ndarray], ratio: float, margin: float, about: str
) -> str:
    truth = _chosen(values, ratio, margin)
    said = ask(answer, {name: own.copy() for name, own in values.items()}, ratio, margin)
    if not isinstance(said, str) or said not in values:
        raise wrong(f"Your function should give one of the names {', '.join(values)}, not {kind_of(said)}.")
    if said == truth:
        return truth
    best = max(values, key=lambda name: values[name].mean())
    gains = {name: scores.interval(values[best] - own, ratio) for name, own in values.items()}
    place, right_place = list(values).index(said), list(values).index(truth)
    if place > right_place and said == best:
        hint = "That is the highest mean. A way of less effort comes first if it loses less than the margin."
    elif place > right_place:
        hint = "A way of less effort is as good, too. Go through them in the given order."
    elif gains[said].low > scores.TINY:
        hint = "The best one beats that way, and perhaps by more than the margin."
    elif gains[said].mean < margin:
        hint = (
            "Its mean is close to the best, or it is not beaten; but it may lose more than the margin: "
            "look at the upper end of the interval."
        )
    else:
        hint = (
            "That way is not beaten only because its scores vary so. Look at the upper end of the interval."
        )
    raise wrong(f"{about} your function takes {said!r}. {hint}")


def _choices() -> list[tuple[str, dict[str, np.ndarray]]]:
    """Cases: a clear winner, within the margin though beaten, noise that is not beaten, and the reverse."""
    hard = np.array([0.60, 0.72, 0.66, 0.78, 0.54])  # how hard the five test sides are
    noise = np.array([0.02, -0.03, 0.01, 0.02, -0.02])
    return [
        (
            "A case with a clear winner:",
            {"guess": hard - 0.5, "plain": hard - 0.1, "dear": hard + noise / 10},
        ),
        (
            "A case where one way varies a great deal:",
            {"wild": hard - 0.04 + 5 * noise, "plain": hard - 0.01, "dear": hard + noise / 10},
        ),
        ("A case where the means are close:", {"plain": hard - 0.03 + 2 * noise, "dear": hard}),
        (
            "A case with a small but steady gain:",
            {"guess": hard - 0.5, "plain": hard, "dear": hard + 0.03 + noise / 10},
        ),
        ("A case where the dearest loses:", {"guess": hard - 0.5, "plain": hard + 0.09, "dear": hard}),
    ]


# ----------------------------------------------------------------------------- 10.3


@exercise
def beginnings(answer: Any, labels: Sequence[str]) -> Verdict:
    """A function (n, sizes, seed) to positions: one array for each size, each a part of the next "
    "larger one."""
    n = len(labels)
    sizes = [max(n // 8, 1), max(n // 4, 2), max(n // 2, 3)]
    drawn = _subsets(ask(answer, n, list(sizes), 0), n, sizes)
    for smaller, larger in itertools.pairwise(drawn):
        if not np.isin(smaller, larger).all():
            raise wrong(
                f"Of the {len(smaller)} examples, {np.isin(smaller, larger).sum()} are among the "
                f"{len(larger)}; all "
                "should be. Else a curve may rise or fall because other examples came, not because more came."
            )
    if np.array_equal(np.sort(drawn[0]), np.arange(sizes[0])):
        raise wrong(
            "Those are the first rows of the table. In many tables they have one class, or are the "
            "oldest: draw at "
            "random."
        )
    again = _subsets(ask(answer, n, list(sizes), 0), n, sizes)
    if any(not np.array_equal(np.sort(a), np.sort(b)) for a, b in zip(drawn, again)):
        raise wrong("The same seed gives other examples the second time. Make a generator from the seed.")
    other = _subsets(ask(answer, n, list(sizes), 1), n, sizes)
    if np.array_equal(np.sort(drawn[-1]), np.sort(other[-1])):
        raise wrong("Seeds 0 and 1 give the same examples. Then five seeds show nothing of the spread.")
    return right(
        "One shuffled order, cut at several places. Along it only the number of examples changes, and "
        "with other seeds "
        "you see how much it matters which examples you happen to have."
    )


def _subsets(drawn: Any, n: int, sizes: Sequence[int]) -> list[np.ndarray]:
    try:
        parts = [np.asarray(part) for part in drawn]
    except (TypeError, ValueError):
        raise wrong(f"A list of {len(sizes)} arrays is wanted, but this is {kind_of(drawn)}.") from None
    if len(parts) != len(sizes):
        raise wrong(f"There are {len(sizes)} sizes, but your function gives {len(parts)} arrays.")
    for part, size in zip(parts, sizes):
        if part.ndim != 1 or not np.issubdtype(part.dtype, np.integer):
            raise wrong(f"For the size {size} an array of positions is wanted, whole numbers.")
        if len(part) != size:
            raise wrong(f"For the size {size} your function gives {len(part)} positions.")
        if len(np.unique(part)) < size:
            raise wrong(
                f"For the size {size} a position comes twice. An example seen twice is not two "
                "examples: draw without "
                "putting back."
            )
        if part.min() < 0 or part.max() >= n:
            raise wrong(f"Positions go from 0 to {n - 1}; yours reach {part.max()}.")
    return parts


# ----------------------------------------------------------------------------- 10.4


@exercise
def break_even(
    answer: Any, training_tokens: int, prompt_tokens: tuple[float, float], prices: Mapping[str, float]
) -> Verdict:
    """From how many questions on is the fine-tuned model the cheaper one? A whole number.

    `training_tokens`: of one pass over the file; `prompt_tokens`: of one question with examples before it
    (for the prompted model) and without; `prices`: "epochs", and US dollars a million tokens for "training",
    "asking the fine-tuned model", "asking the prompted model".
    """
    value = number(answer)
    long, short = prompt_tokens
    training = training_tokens * prices["epochs"] * prices["training"]
    saved = long * prices["asking the prompted model"] - short * prices["asking the fine-tuned model"]
    if saved <= 0:
        if value == 0:
            return right("At these prices each question costs more with the fine-tuned model: never.")
        raise wrong("At these prices a question never costs less with the fine-tuned model: answer 0.")
    exact = training / saved
    truth = math.floor(exact) + 1
    if abs(value - truth) < 0.5 or abs(value - exact) < 0.5:
        return right(
            f"After about {truth:,} questions the training is paid for. It comes from shorter prompts: "
            "the examples that "
            "a prompted model has to be sent each time are in the fine-tuned model's numbers."
        )
    once = training_tokens * prices["training"]
    mistakes: dict[str, float] = {
        "Training reads the file once per epoch.": once / saved,
        "That is what training costs in dollars. Divide it by what one question saves.": training / 1e6,
        "Prices are for a million tokens. Divide all of them by a million, or none.": exact / 1e6,
        "Prices are for a million tokens, in the training as well as in the questions.": exact * 1e6,
        "The fine-tuned model is not free either: each question costs what its own tokens cost.": training
        / (long * prices["asking the prompted model"]),
        "That takes the short prompt for both. The prompted model also reads the examples.": _over(
            training, short * (prices["asking the prompted model"] - prices["asking the fine-tuned model"])
        ),
        "That takes the long prompt for both. The fine-tuned model needs no examples in its prompt.": _over(
            training, long * (prices["asking the prompted model"] - prices["asking the fine-tuned model"])
        ),
        "That takes one price for both models. Each has its own.": _over(
            training, (long - short) * prices["asking the fine-tuned model"]
        ),
        "That takes the prompted model's price for both. Each has its own.": _over(
            training, (long - short) * prices["asking the prompted model"]
        ),
        "The two prices are exchanged: the long prompt goes to the prompted model.": _over(
            training,
            long * prices["asking the fine-tuned model"] - short * prices["asking the prompted model"],
        ),
    }
    unless_mistaken(value, {hint: there for hint, there in mistakes.items() if there > 0}, 2e-3)
    where = "few" if value < truth else "many"
    raise wrong(
        f"That is too {where}. What does training cost? What does one question cost each way? The "
        "training is paid for "
        "when the differences add up to it."
    )


def _over(cost: float, saved: float) -> float:
    return cost / saved if saved else -1.0
