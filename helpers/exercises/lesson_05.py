"""The checks of lesson 05, Visualization.

Each recomputes its truth from its arguments: it holds for any reviews, any model and any machine's maps.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from helpers import projection
from helpers.exercises.core import (
    Verdict,
    ask,
    close,
    exercise,
    kind_of,
    number,
    right,
    unless_mistaken,
    whole_number,
    wrong,
)

ROUNDED = 6e-4  # an answer may be rounded to three decimals
TOO_CLOSE = 0.02  # distances that differ by less, relatively, decide no claim

# ----------------------------------------------------------------------------- 5.1


@exercise
def share_of_variance(answer: Any, vectors: np.ndarray, places: np.ndarray) -> Verdict:
    """The share of the vectors' variance that a PCA map holds, to three decimals."""
    value = number(answer)
    vectors, places = (np.asarray(points, dtype=float) for points in (vectors, places))
    held, total = places.var(axis=0), vectors.var(axis=0).sum()
    truth = held.sum() / total
    if abs(value - truth) < ROUNDED:
        return right("Whatever the map shows, the rest of the variance it cannot show.")
    unless_mistaken(
        value,
        {
            "That is in per cent. A share is wanted, between 0 and 1.": 100 * truth,
            "That is the first direction alone. The map has two.": held[0] / total,
            "That is what the map loses. What it holds is asked for.": 1 - truth,
            "That is the variance on the map. Divide it by the variance of the vectors.": held.sum(),
            "That is the variance of the vectors. How much of it is on the map?": total,
            "A mean over columns makes two of them look like all: add the variances of the columns.": (
                held.mean() / vectors.var(axis=0).mean()
            ),
            "`.var()` without an axis mixes the columns: take each one's (axis=0) and add them up.": (
                places.var() / vectors.var()
            ),
            "That is a ratio of standard deviations. Variances are wanted: no root.": np.sqrt(truth),
            "You added standard deviations. Variances add up, their roots do not.": (
                places.std(axis=0).sum() / vectors.std(axis=0).sum()
            ),
            "That is the number of dimensions compared, 2 in d. Do all directions spread alike?": (
                places.shape[1] / vectors.shape[1]
            ),
        },
        ROUNDED,
    )
    if not 0 <= value <= 1:
        raise wrong("A share lies between 0 and 1.")
    if close(value, round(truth, 2)):
        raise wrong("That is rounded to two decimals. Three are asked for.")
    raise wrong("Add up the variances of the map's columns, and divide by the sum over the vectors' columns.")


# ----------------------------------------------------------------------------- 5.2


@exercise
def overlap(answer: Any, vectors: np.ndarray, places: np.ndarray) -> Verdict:
    """A function (true, shown) of neighbour tables, (n, k) each, that gives the share they have in common."""
    same = np.array([[1, 2], [0, 2], [0, 1]])
    if not close(_share(answer, same, same), 1):
        raise wrong(
            "Equal tables have all neighbours in common: that is 1. "
            f"But yours gives {_share(answer, same, same):g}. Divide by rows times k, whatever k is: is a "
            "fixed number of neighbours left in it?"
        )
    turned = same[:, ::-1]
    if not close(_share(answer, same, turned), 1):
        raise wrong("The order within a row must not count: [1, 2] and [2, 1] are the same two neighbours.")
    swapped = np.array([[3, 4], [1, 2], [3, 4]])
    other = np.array([[1, 2], [3, 4], [1, 2]])
    if not close(_share(answer, swapped, other), 0):
        raise wrong(
            "A neighbour counts only in its own row: row 0 of one table belongs to row 0 of the other."
        )
    half = np.array([[1, 3], [0, 3], [0, 3]])
    value = _share(answer, same, half)
    if close(value, 1):
        raise wrong("One neighbour of two is shared in each row, but yours gives 1. Count how many are.")
    if value > 1:
        raise wrong(
            f"A share is at most 1, but yours gives {value:g}. Divide by all neighbours: rows times k."
        )
    if close(value, 1 / 3):
        raise wrong("That is common by all that occur in either row. Divide by k, the length of one row.")
    if not close(value, 0.5):
        raise wrong(f"One neighbour of two is shared in each of three rows, but yours gives {value:g}.")
    for k in (5, 10):
        true, shown = projection.neighbours(vectors, k), projection.neighbours(places, k)
        if not close(_share(answer, true, shown), projection.neighbour_overlap(vectors, places, k)):
            raise wrong(
                f"Right on three short rows, but not on the reviews with k = {k}. Is a 2 or 3 left in it?"
            )
    return right("This number needs no labels and no taste, and every map can be asked for it.")


def _share(function: Callable, true: np.ndarray, shown: np.ndarray) -> float:
    return number(ask(function, true.copy(), shown.copy()), "What your function gives")


# ----------------------------------------------------------------------------- 5.3


@exercise
def best_setting(
    answer: Any, vectors: np.ndarray, maps: Mapping[float, np.ndarray], counts: Sequence[int]
) -> Verdict:
    """For each k of `counts`, the key of the map that keeps most of the k nearest: a dict {k: key}."""
    if not isinstance(answer, dict):
        raise wrong(f"A dict is wanted, from each k to a perplexity, but this is {kind_of(answer)}.")
    if set(answer) != set(counts):
        wanted = " and ".join(map(str, counts))
        if {str(key) for key in answer} == {str(k) for k in counts}:
            raise wrong(f"The keys of the dict should be numbers, {wanted}, and not text.")
        raise wrong(f"The keys of the dict should be {wanted}: how many neighbours are counted.")
    for k in counts:
        kept = {key: projection.neighbour_overlap(vectors, places, k) for key, places in maps.items()}
        value = number(answer[k], f"The perplexity for k = {k}")
        if value not in kept:
            raise wrong(f"For k = {k} you give {value:g}, but no map was made with that perplexity.")
        if kept[value] < max(kept.values()) - 1e-9:
            if value == min(kept, key=kept.get):
                raise wrong(
                    f"For k = {k} no map keeps fewer neighbours than that one. Higher is better here."
                )
            raise wrong(
                f"For k = {k} another map keeps more. Is that k the third argument of `neighbour_overlap`?"
            )
    return right("What counts as the best setting depends on how far you look. So say which k you mean.")


# ----------------------------------------------------------------------------- 5.4


@exercise
def least_supported(answer: Any, vectors: np.ndarray, islands: Sequence[int], k: int) -> Verdict:
    """The island of a map whose members have the fewest of their true neighbours on it, chance subtracted."""
    value = whole_number(answer)
    table = projection.island_support(vectors, islands, k)
    names, share, size = table.index.to_numpy(), table.share.to_numpy(), table.chance.to_numpy()
    if value not in names:
        raise wrong(f"There is no island {value}: they are numbered from {names.min()} to {names.max()}.")
    beyond = share - size
    mine = beyond[names == value][0]
    if mine < beyond.min() + 1e-9:
        found, chance = share[names == value][0], size[names == value][0]
        known = " The least supported is not unsupported." if found > 1.5 * chance else ""
        return right(
            f"Here {found:.0%} of the true neighbours are on the island, {chance:.0%} by chance.{known}"
        )
    if mine > beyond.max() - 1e-9:
        raise wrong("That is the island the vectors know best. The one they know least is asked for.")
    if value == names[size.argmin()]:
        raise wrong("That is the smallest island. Small is not unsupported: ask the vectors.")
    if value == names[share.argmin()]:
        raise wrong("Its share is the lowest, but did you subtract what chance gives an island so small?")
    if value == names[size.argmax()]:
        raise wrong(
            "That is the largest island. Ask the vectors where the true neighbours of its members are."
        )
    raise wrong(
        "For each island: of all true neighbours of its members, the share that is on it too, less the "
        "island's share of all reviews. Take the neighbours in the vectors, and the lowest result."
    )


# ----------------------------------------------------------------------------- 5.5


@exercise
def claims_that_hold(
    answer: Any, vectors: np.ndarray, labels: Sequence[int], claims: Sequence[tuple[int, int, int]]
) -> Verdict:
    """For each claim (a, b, c), whether group a's mean vector is nearer to b's than to c's, as bools.

    By Euclidean distance. Where the two distances differ by less than TOO_CLOSE, either entry will do.
    """
    given = _truth_values(answer, len(claims))
    centre = dict(zip(np.unique(labels).tolist(), projection.middles(vectors, labels)))
    truth, clear = _hold(centre, claims)
    if _agree(given, truth, clear):
        held = sum(one for one, counts in zip(truth, clear) if counts)
        close_ones = len(clear) - sum(clear)
        told = f" ({close_ones} too close to call left out)" if close_ones else ""
        return right(
            f"{held} of {sum(clear)} claims hold{told}. With so few, and each between close rivals, this is "
            "no score for the map; it says which claims you may repeat."
        )
    if _agree(given, [not value for value in truth], clear):
        raise wrong("Every one is the wrong way round: a small distance means near.")
    if all(given):
        raise wrong("You believe every claim, as the map would have it. Measure each in the vectors.")
    if not any(given):
        raise wrong("You believe no claim at all. Some do hold: measure each in the vectors.")
    unit = {name: mean / max(np.linalg.norm(mean), 1e-300) for name, mean in centre.items()}
    if given == _hold(unit, claims)[0]:
        raise wrong(
            "That is what the cosine of the means gives. Their lengths count here: take the Euclidean "
            "distance between the means as they are."
        )
    off = sum(one != other for one, other, counts in zip(given, truth, clear) if counts)
    raise wrong(
        f"{off} of {sum(clear)} clear entries differ. For each claim take the mean vectors of a, b and c "
        "(not their places) and compare the two distances from a."
    )


def _truth_values(answer: Any, count: int) -> list[bool]:
    if isinstance(answer, np.ndarray):
        answer = answer.tolist()
    if not isinstance(answer, list | tuple):
        raise wrong(f"A list of True and False is wanted, one per claim, but this is {kind_of(answer)}.")
    if not all(isinstance(value, bool | np.bool_) for value in answer):
        raise wrong("The entries of the list must be True or False, one per claim.")
    if len(answer) != count:
        raise wrong(f"There are {count} claims, but your list has {len(answer)} entries.")
    return [bool(value) for value in answer]


def _hold(
    centre: Mapping[int, np.ndarray], claims: Sequence[tuple[int, int, int]]
) -> tuple[list[bool], list[bool]]:
    """For each claim whether it holds, and whether its two distances differ enough to say so."""
    near, far = (
        np.array([np.linalg.norm(centre[claim[0]] - centre[claim[i]]) for claim in claims]) for i in (1, 2)
    )
    return (near < far).tolist(), (abs(near - far) >= TOO_CLOSE * np.maximum(near, far)).tolist()


def _agree(given: Sequence[bool], truth: Sequence[bool], clear: Sequence[bool]) -> bool:
    return all(one == other for one, other, counts in zip(given, truth, clear) if counts)
