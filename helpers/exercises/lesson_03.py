"""The checks of lesson 03: which orders change, a mean reciprocal rank, precision, fusion, a leak.

Each works out the truth from what it is given, so that it fits any reviews and any host, and knows the
mistakes that are near at hand. `precision_at_k` and `fuse` try the learner's function on small cases.
"""

import itertools
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from helpers import recommendation
from helpers.exercises.core import (
    Verdict,
    ask,
    close,
    exercise,
    kind_of,
    number,
    right,
    unless_mistaken,
    wrong,
)

ROUNDED = 0.0051  # an answer rounded to two decimals is precise enough
EXACT = 1e-6

# ----------------------------------------------------------------------------- 3.1

NAMES = ("cosine", "dot", "distance")


@exercise
def orders_that_change(answer: Any, query: np.ndarray, vectors: np.ndarray, factors: np.ndarray) -> Verdict:
    """The set of those of NAMES by which `vectors` come in another order once scaled by `factors`, (n,)."""
    if isinstance(answer, str) or not isinstance(answer, set | list | tuple | frozenset):
        raise wrong(f"A set of names is wanted, such as {{{NAMES[0]!r}}}, but this is {kind_of(answer)}.")
    if unknown := [name for name in answer if not isinstance(name, str) or name not in NAMES]:
        raise wrong(f"{str(unknown[0])!r} is none of the three names: {', '.join(map(repr, NAMES))}.")
    given, scaled = np.asarray(vectors, float), np.asarray(vectors, float) * np.asarray(factors)[:, None]
    before, after = _orders(np.asarray(query, float), given), _orders(np.asarray(query, float), scaled)
    truth = {name for name in NAMES if (before[name] != after[name]).any()}
    if set(answer) == truth:
        return right("A measure that divides by the lengths does not see them; the other two do.")
    if not answer:
        raise wrong("At least one order does change. Compute the three orders before and after, and compare.")
    if "cosine" in set(answer) - truth:
        raise wrong("The formula of the cosine divides by both lengths. What does a factor do to it?")
    if set(answer) - truth:
        raise wrong("One of these orders stays as it was. Compare both orders with np.array_equal.")
    missing = truth - set(answer)
    if "distance" in missing:
        raise wrong("One is missing. How far is the tip of an arrow from another's, when it gets longer?")
    raise wrong("One is missing. What does q @ (factor * v) come to?")


def _orders(query: np.ndarray, vectors: np.ndarray) -> dict[str, np.ndarray]:
    lengths = np.linalg.norm(vectors, axis=1)
    values = {
        "cosine": -(vectors @ query) / np.where(lengths == 0, 1, lengths),
        "dot": -(vectors @ query),
        "distance": np.linalg.norm(vectors - query, axis=1),
    }
    return {name: np.argsort(value.round(9), kind="stable") for name, value in values.items()}


# ----------------------------------------------------------------------------- 3.2


@exercise
def mean_reciprocal_rank(answer: Any, grades: Sequence[Sequence[int]]) -> Verdict:
    """The mean of 1 / rank of the first relevant result, over queries; `grades`: of each query's results."""
    value = number(answer)
    ranks = [next((rank for rank, grade in enumerate(row, 1) if grade >= 1), None) for row in grades]
    reciprocal = [1 / rank if rank else 0.0 for rank in ranks]
    truth = float(np.mean(reciprocal))
    if close(value, truth, ROUNDED):
        return right("A query whose results hold nothing relevant counts as 0, and it counts.")
    found = [rank for rank in ranks if rank] or [float("nan")]
    strict = [next((1 / r for r, grade in enumerate(row, 1) if grade >= 2), 0.0) for row in grades]
    mistakes = {
        "That is the mean of the ranks. Take 1 / rank of each first, then the mean.": np.mean(found),
        "That is 1 / the mean of the ranks. Take 1 / rank of each query first.": 1 / np.mean(found),
        "That leaves out the queries without anything relevant. They count as 0.": np.mean(
            [r for r in reciprocal if r] or [float("nan")]
        ),
        "That is the sum over the queries. Divide by how many there are.": sum(reciprocal),
        "Give a share from 0 to 1, not a percentage.": 100 * truth,
        "Grade 1 counts as relevant here too.": np.mean(strict),
        "That is the share of relevant results, whatever their rank.": np.mean(
            [grade >= 1 for row in grades for grade in row]
        ),
        "That counts ranks from 0. The first result has rank 1.": np.mean(
            [1 / (rank - 1) if rank and rank > 1 else 0.0 for rank in ranks]
        ),
        "That is how many queries have something relevant in first place.": np.mean([r == 1 for r in ranks]),
    }
    unless_mistaken(value, mistakes, ROUNDED)
    raise wrong("For each query take 1 / rank of its first relevant result; then the mean of these.")


# ----------------------------------------------------------------------------- 3.3

# (found, relevant, k, precision)
PRECISION_CASES: tuple[tuple[list[int], set[int], int, float], ...] = (
    ([7, 3, 9, 4, 1], {3, 4}, 5, 0.4),
    ([7, 3, 9, 4, 1], {3, 4, 1}, 2, 0.5),
    ([7, 3, 9, 4, 1, 8], {8, 20}, 5, 0.0),
    ([7, 3, 9, 4, 1], {7, 3, 9, 4, 1, 30, 31}, 4, 1.0),
    ([5, 6], {5, 6, 8}, 5, 0.4),
)


@exercise
def precision_at_k(answer: Any) -> Verdict:
    """A function of (found, relevant, k): the share of the first k places that hold something relevant."""
    for found, relevant, k, wanted in PRECISION_CASES:
        got = number(ask(answer, list(found), set(relevant), k), "What your function gives")
        if close(got, wanted):
            continue
        hits = len([i for i in found[:k] if i in relevant])
        case = f"For found={found}, relevant={relevant}, k={k} it gives {got:g}. "
        everywhere = len([i for i in found if i in relevant])
        mistakes = {
            "That is a count: divide it.": hits,
            "That divides by the number of results. An empty place among the first k is no hit either.": (
                hits / len(found[:k])
            ),
            "That divides by how many relevant ones there are. That is called recall.": hits / len(relevant),
            "That looks beyond the first k.": everywhere / k,
            "That divides by all results instead of k, and looks at all of them.": everywhere / len(found),
            "That divides by all results instead of k.": hits / len(found),
        }
        for hint, value in mistakes.items():
            if close(got, value):
                raise wrong(case + hint)
        raise wrong(case + "Of the first k results, how many are in the set? Which share of k is that?")
    return right("Dividing by k makes an empty place a miss: five places were on offer.")


# ----------------------------------------------------------------------------- 3.4


@exercise
def fuse(answer: Any) -> Verdict:
    """A function of (rankings, k): Ids by falling sum of 1 / (k + rank), from lists of Ids, best first."""
    cases = (
        ([["a", "b", "c"], ["b", "e", "d"]], 60),
        ([["x", "y"], ["y", "x", "z"], ["y"]], 60),
        ([["p", "q", "r", "s"], ["s", "r", "q"]], 0.5),
        ([["m", "u", "n"], ["o", "v", "n"]], 0.5),  # m and o before n; with k = 60 n would be first
    )
    for rankings, k in cases:
        scores = _fused(rankings, lambda rank, k=k: 1 / (k + rank))
        got = ask(answer, [list(ranking) for ranking in rankings], k)
        if isinstance(got, dict):
            raise wrong("It gives a dictionary. Wanted is a list of the Ids, the best first.")
        if isinstance(got, str) or not isinstance(got, list | tuple | np.ndarray):
            raise wrong(f"It should give a list of Ids, but gives {kind_of(got)}.")
        got = [item.item() if isinstance(item, np.generic) else item for item in got]
        case = f"For {rankings} and k={k} it gives {got}. "
        if any(not isinstance(item, str) for item in got):
            raise wrong(case + "Give the Ids alone, without their scores.")
        if sorted(got) != sorted(scores):
            lost = set(scores) - set(got)
            raise wrong(
                case
                + ("An Id that only one ranking has must stay." if lost else "Each Id should be there once.")
            )
        wanted = [scores[name] for name in got]
        if all(a >= b - 1e-12 for a, b in itertools.pairwise(wanted)):
            continue
        if all(a <= b + 1e-12 for a, b in itertools.pairwise(wanted)):
            raise wrong(case + "The worst comes first: sort by falling score.")
        for hint, (weight, join) in _FUSION_MISTAKES.items():
            theirs = _fused(rankings, lambda rank, k=k, weight=weight: weight(rank, k), join)
            values = [theirs[name] for name in got]
            if all(a >= b - 1e-12 for a, b in itertools.pairwise(values)):
                raise wrong(case + hint)
        raise wrong(case + "Add 1 / (k + rank) for each ranking that has the Id, the first rank being 1.")
    return right("No score of either search was used, only ranks: so nothing had to be put on one scale.")


def _last(before: float, now: float) -> float:
    return now


_OVERWRITTEN = "An Id that stands in several rankings must get a part from each: add, do not overwrite."
# hint: (what a rank adds, how it is joined with what the Id has already)
_FUSION_MISTAKES: Mapping[str, tuple[Callable[[int, float], float], Callable[[float, float], float]]] = {
    "Use the k that is handed in, not a number of your own.": (lambda rank, k: 1 / (60 + rank), operator.add),
    "First places weigh too much. Is the first rank 1 (not 0), and is k added?": (
        lambda rank, k: 1 / rank,
        operator.add,
    ),
    _OVERWRITTEN: (lambda rank, k: 1 / (k + rank), _last),
    _OVERWRITTEN + " (Nor keep the greatest.)": (lambda rank, k: 1 / (k + rank), max),
    "That order adds ranks. The best rank should add most: add 1 / (k + rank).": (
        lambda rank, k: k + rank,
        operator.add,
    ),
    "That order counts how many rankings have the Id, not where.": (lambda rank, k: 1.0, operator.add),
}


def _fused(
    rankings: Sequence[Sequence[str]],
    weight: Callable[[int], float],
    join: Callable[[float, float], float] = operator.add,
) -> Mapping[str, float]:
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, name in enumerate(ranking, start=1):
            scores[name] = join(scores.get(name, 0.0), weight(rank))
    return scores


# ----------------------------------------------------------------------------- 3.5


@exercise
def without_own_stars(answer: Any, rows: pd.DataFrame) -> Verdict:
    """The correlation of each review's stars with the mean stars of its product's *other* reviews."""
    value = number(answer)
    stars = rows["Score"].to_numpy(float)
    products = rows["ProductId"].to_numpy()
    others = recommendation.mean_of_others(stars, products)
    known = np.isfinite(others)
    truth, leaky = _correlation(others[known], stars[known]), recommendation.mean_of_all(stars, products)
    if not -1 <= value <= 1:
        raise wrong("A correlation lies between -1 and 1. Use np.corrcoef(a, b)[0, 1].")
    sums = recommendation.mean_of_all(stars, products)
    counts = pd.Series(products).map(pd.Series(products).value_counts()).to_numpy(float)
    sums = sums * counts
    same_count = (sums - stars) / counts
    by_user = recommendation.mean_of_others(stars, rows["UserId"].to_numpy())
    mistakes = {
        "The review's own stars are still in the mean: take them out of the sum and of the count.": (
            _correlation(leaky, stars)
        ),
        "The review's own stars are still in the mean; only the products with one review are gone.": (
            _correlation(leaky[known], stars[known])
        ),
        "Products with one review have no other review: leave them out, do not fill them with 0.": (
            _correlation(np.nan_to_num(others), stars)
        ),
        "Products with one review have no other review: leave them out instead of filling in the mean.": (
            _correlation(np.where(known, others, stars.mean()), stars)
        ),
        "Own stars are out of the sum, but the count still has them: divide by one less.": (
            _correlation(same_count[known], stars[known])
        ),
        "Own stars are out of the sum, but the count still has them, and products with one review are in.": (
            _correlation(same_count, stars)
        ),
        "The count is one less, but the sum still has the review's own stars.": (
            _correlation((sums / np.maximum(counts - 1, 1))[known], stars[known])
        ),
        "That is by user. Group by ProductId.": _correlation(
            by_user[np.isfinite(by_user)], stars[np.isfinite(by_user)]
        ),
    }
    mistakes = {hint: v for hint, v in mistakes.items() if np.isfinite(v) and not close(v, truth, EXACT)}
    # A mistake can come to the truth's first two decimals: an answer with all its digits tells them apart.
    if not close(value, truth, EXACT):
        unless_mistaken(value, mistakes, EXACT)
    if close(value, truth, ROUNDED):
        inside = _correlation(leaky[known], stars[known])
        return right(
            f"With its own stars inside, the same mean reaches {inside:.2f} on these reviews. The "
            "difference is each review foretelling itself."
        )
    if close(value, round(value, 2), 1e-9):  # with more digits it would have matched exactly
        unless_mistaken(value, mistakes, ROUNDED)
    raise wrong(
        "For each review of the tidied `rows`: (sum of the product's stars - its own) / (number of reviews "
        "- 1). Keep products with two reviews or more, and correlate with the stars."
    )


def _correlation(left: np.ndarray, right_: np.ndarray) -> float:
    if len(left) < 2 or np.ptp(left) < 1e-12 or np.ptp(right_) < 1e-12:
        return float("nan")
    return float(np.corrcoef(left, right_)[0, 1])
