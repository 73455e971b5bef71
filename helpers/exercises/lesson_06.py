"""The checks of lesson 06: macro F1, balancing without a leak, AUROC, a threshold, the median of stars.

Each works out the truth from what it is given, so that it fits any reviews and any host, and knows the
mistakes that are near at hand. The functions are tried on small cases before they meet the reviews.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

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
from helpers.scores import THRESHOLDS, costs

ROUNDED = 0.0051  # an answer rounded to so much is precise enough

# ----------------------------------------------------------------------------- 6.1


@exercise
def macro_f1(answer: Any, table: ArrayLike) -> Verdict:
    """The macro F1 of a table of counts, shape (k, k): true classes in rows, predicted ones in columns."""
    value = number(answer)
    counts = np.asarray(table, dtype=float)
    hits, true, said = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    precision, recall = hits / np.maximum(said, 1), hits / true
    f1 = 2 * hits / (true + said)
    truth, accuracy = f1.mean(), hits.sum() / counts.sum()
    if close(value, truth, ROUNDED):
        return right(
            f"The accuracy of the same table is {accuracy:.2f}. It counts reviews; macro F1 counts "
            "classes: each weighs the same, however rare it is."
        )
    both = 2 * precision.mean() * recall.mean() / (precision.mean() + recall.mean())
    mistakes = {
        "That is the accuracy: the diagonal divided by all. Work out an F1 for each class first.": accuracy,
        "That is the mean of the recalls. F1 wants the columns as well.": recall.mean(),
        "That is the mean of the precisions. F1 wants the rows as well.": precision.mean(),
        "That weighs each class by its reviews. In a macro mean all classes weigh the same.": (
            np.average(f1, weights=true)
        ),
        "That is the F1 of mean precision and mean recall. Take each class's F1, then their mean.": both,
        "Half of it is missing: F1 is twice the hits divided by row sum plus column sum.": truth / 2,
        "That is the sum over the classes. Divide by how many classes there are.": f1.sum(),
        "That leaves out the classes of which nothing was found. Their F1 is 0, and it counts.": (
            f1.sum() / max((hits > 0).sum(), 1)
        ),
        "That is a percentage. Give it as a number between 0 and 1.": 100 * truth,
        "Those are products: take hits / row sum and hits / column sum, and then their harmonic mean.": (
            (precision * recall).mean()
        ),
        "That takes the root of precision times recall. F1 is their harmonic mean, which is lower.": (
            np.sqrt(precision * recall).mean()
        ),
        "That is the middle of precision and recall. F1 is their harmonic mean, nearer the lower one.": (
            (precision + recall).mean() / 2
        ),
    }
    unless_mistaken(value, _told_apart(mistakes, truth), ROUNDED)
    raise wrong(
        "For each class, take its hits on the diagonal, the sum of its row and the sum of its column; twice "
        "the hits divided by both sums is its F1. Then take the plain mean."
    )


def _told_apart(mistakes: Mapping[str, float], truth: float) -> dict[str, float]:
    """Those mistakes whose number is not, within the tolerance, the right answer's neighbour."""
    return {hint: value for hint, value in mistakes.items() if not close(value, truth, ROUNDED)}


# ----------------------------------------------------------------------------- 6.2

SMALL = np.array([5, 5, 4, 5, 5, 1, 5, 4, 5, 5, 1, 5, 5, 4, 5, 5, 5, 1, 4, 5])


@exercise
def balanced_split(answer: Any, stars: ArrayLike) -> Verdict:
    """A function (stars, seed) to positions (train, test): train with every star as often, test untouched."""
    for about, case in (("20 stars", SMALL), ("the stars of the reviews", np.asarray(stars))):
        sides = ask(answer, case.copy(), 0)
        train, test = _sides(sides, len(case))
        _check_sides(train, test, case, about)
    if np.array_equal(np.sort(test), np.sort(_sides(ask(answer, case.copy(), 1), len(case))[1])):
        raise wrong("Seed 0 and seed 1 give the same test set. Use the seed where the rows are split.")
    times = len(train) / len(np.unique(train))
    return right(
        f"The training side holds each of its reviews {times:.1f} times on average, and no test review even "
        "once. What is copied, balanced or fitted belongs after the split, on the training side."
    )


def _sides(sides: Any, n: int) -> tuple[np.ndarray, np.ndarray]:
    if not isinstance(sides, tuple | list) or len(sides) != 2:
        raise wrong(f"Your function should give two arrays, train and test, but gives {kind_of(sides)}.")
    found = []
    for name, side in zip(("train", "test"), sides):
        try:
            positions = np.asarray(side)
        except ValueError:
            raise wrong(f"{name} should be an array of positions, but it is {kind_of(side)}.") from None
        if positions.ndim != 1 or not len(positions) or not np.issubdtype(positions.dtype, np.integer):
            raise wrong(f"{name} should be an array of positions, whole numbers, but it is {kind_of(side)}.")
        if positions.min() < 0 or positions.max() >= n:
            raise wrong(f"{name} should hold positions from 0 to {n - 1}, but reaches {positions.max()}.")
        found.append(positions)
    return found[0], found[1]


def _check_sides(train: np.ndarray, test: np.ndarray, stars: np.ndarray, about: str) -> None:
    where = f"With {about}:"
    if both := len(np.intersect1d(train, test)):
        raise wrong(
            f"{where} {both} reviews are on both sides. Either copying comes before splitting, or what is "
            "copied is not taken from train: np.flatnonzero(stars[train] == star) counts positions within "
            "train, and np.flatnonzero(stars == star) finds reviews of both sides."
        )
    if len(test) != len(np.unique(test)):
        raise wrong(
            f"{where} the test side holds copies. It stands for what will come, so it stays as it is: "
            "copy only what is for training."
        )
    if missing := len(stars) - len(np.unique(train)) - len(test):
        raise wrong(
            f"{where} {missing} reviews are on neither side. Keep all training reviews and add copies of the "
            "rare stars, instead of dropping frequent ones."
        )
    if not 0.1 <= len(test) / len(stars) <= 0.3:
        raise wrong(f"{where} the test side has {len(test)} of {len(stars)} reviews. A fifth is wanted.")
    names, counts = np.unique(stars[train], return_counts=True)
    if counts.min() != counts.max():
        rare, common = counts.argmin(), counts.argmax()
        raise wrong(
            f"{where} in training, {names[rare]} stars occur {counts[rare]} times and {names[common]} stars "
            f"{counts[common]} times. After copying, all should occur equally often."
        )


# ----------------------------------------------------------------------------- 6.3


@exercise
def auroc(answer: Any, positive: Sequence[float], negative: Sequence[float]) -> Verdict:
    """The share of pairs of a positive and a negative score that are in order; a tie counts one half."""
    value = number(answer)
    high, low = np.asarray(positive, dtype=float)[:, None], np.asarray(negative, dtype=float)[None, :]
    above, ties, pairs = (high > low).sum(), (high == low).sum(), high.size * low.size
    truth = (above + ties / 2) / pairs
    if close(value, truth, ROUNDED):
        return right(
            f"{above} of {pairs} pairs are in order and {ties} tie. No threshold was needed, and nothing "
            "would change if every score were squared: only the order counts."
        )
    half = 0.5
    everything = np.concatenate([high.ravel(), low.ravel()])
    truths = np.arange(len(everything)) < high.size
    mistakes = {
        "A tie counts one half; you have counted it as in order.": (above + ties) / pairs,
        "A tie counts one half; you have counted it as out of order.": above / pairs,
        "A tie stays a pair and counts one half; you have left it out of the number of pairs.": (
            above / max(pairs - ties, 1)
        ),
        "That is the wrong way round: a pair is in order when the unhappy review has the higher one.": (
            1 - truth
        ),
        "That is the accuracy at the threshold 0.5. AUROC has no threshold: count pairs.": (
            ((everything >= half) == truths).mean()
        ),
        "That is the share of unhappy reviews above 0.5, or the pairs without a tie divided by all. Count "
        "the pairs in order, and each tie as one half.": (high >= half).mean(),
        "That is how far the two means are apart. Count pairs instead.": high.mean() - low.mean(),
        "That is a number of pairs. Divide it by the number of all pairs.": above + ties / 2,
        "That is a number of pairs. Divide it by that of all pairs, and mind the ties.": above,
        "Divide by the pairs of one unhappy and one happy review, not by the number of reviews.": (
            (above + ties / 2) / len(everything)
        ),
        "Divide by the pairs of one unhappy and one happy review, not by all pairs of reviews.": (
            (above + ties / 2) / (len(everything) * (len(everything) - 1) / 2)
        ),
        "That is a percentage. Give it as a number between 0 and 1.": 100 * truth,
    }
    unless_mistaken(value, _told_apart(mistakes, truth), ROUNDED)
    raise wrong(
        "Put each unhappy review beside each happy one. Count the pairs in which the unhappy one has the "
        "higher probability, a tie as one half, and divide by the number of pairs."
    )


# ----------------------------------------------------------------------------- 6.4


@exercise
def cost_of_choice(
    answer: Any,
    validation: tuple[ArrayLike, ArrayLike],
    test: tuple[ArrayLike, ArrayLike],
    read: float,
    miss: float,
) -> Verdict:
    """The cost on `test` of the cheapest threshold on `validation`, the lowest such of THRESHOLDS.

    Each of the two: (truth, bool (n,); probability (n,)).
    """
    value = number(answer)
    on_validation, on_test = (costs(*side, THRESHOLDS, read, miss) for side in (validation, test))
    chosen = int(on_validation.argmin())  # the first of equal ones
    truth, best = on_test[chosen], on_test.min()
    if close(value, truth):
        gap = truth - best
        told = (
            f"Chosen on the test side itself it would be {best:g}: {gap:g} less, none of which a new review "
            "would ever see."
            if gap
            else "Chosen on the test side itself it would be the same this time. The next cell repeats it."
        )
        return right(f"The threshold {THRESHOLDS[chosen]:.2f} costs {truth:g} on the test side. {told}")
    at_half = int(np.flatnonzero(THRESHOLDS == 0.5)[0])
    last = int(np.flatnonzero(on_validation == on_validation.min())[-1])
    joined = on_validation + on_test
    swapped, exchanged = costs(*test, THRESHOLDS, miss, read), costs(*validation, THRESHOLDS, miss, read)
    by_rule = int(np.abs(THRESHOLDS - read / miss).argmin())
    mistakes = {
        "That threshold was chosen on the test side. Choose it before you look at that side.": best,
        "That is the cost on the validation side, where you chose. Use the other to test it.": (
            on_validation.min()
        ),
        "That threshold was chosen on both sides together: the test side had a say in it.": (
            on_test[joined.argmin()]
        ),
        "That is the cost of both sides together. Only the test side is asked for.": joined[chosen],
        "That is the threshold. What does it cost on the test side?": THRESHOLDS[chosen],
        "That is the cost at the threshold 0.5. Which one is cheapest on the validation side?": on_test[
            at_half
        ],
        "Several thresholds are equally cheap on the validation side; take the lowest of them.": on_test[
            last
        ],
        "That is the number of cases flagged. Add what the missed ones cost.": (
            np.asarray(test[1]) >= THRESHOLDS[chosen]
        ).sum()
        * read,
        "That is the position of the threshold in the list. What does it cost on the test side?": chosen,
        "That is the highest cost: argmin finds the lowest.": on_test[on_validation.argmax()],
        "That is the cost of the threshold that the rule gives. Which one is cheapest on validation?": (
            on_test[by_rule]
        ),
        "The sides are the wrong way round: choose on validation, pay on test.": (
            on_validation[on_test.argmin()]
        ),
        "Reading and missing are the wrong way round.": swapped[exchanged.argmin()],
        "That is the cost of one review. Give it for the whole test side.": truth / len(np.asarray(test[0])),
    }
    unless_mistaken(value, {hint: cost for hint, cost in mistakes.items() if not close(cost, truth)})
    raise wrong(
        "Work out the cost of every threshold on the validation side, take the cheapest, and then use that "
        "one threshold on the test side."
    )


# ----------------------------------------------------------------------------- 6.5

DISTRIBUTIONS: tuple[tuple[float, ...], ...] = (  # the first two tell the likely mistakes apart
    (0.0, 0.0, 0.0, 1.0, 0.0),
    (0.45, 0.0, 0.0, 0.0, 0.55),
    (0.3, 0.0, 0.0, 0.3, 0.4),
    (0.4, 0.0, 0.1, 0.2, 0.3),
    (0.05, 0.05, 0.35, 0.3, 0.25),
    (0.6, 0.0, 0.0, 0.0, 0.4),
    (0.1, 0.1, 0.1, 0.1, 0.6),
)


@exercise
def median_star(answer: Any, probabilities: ArrayLike) -> Verdict:
    """A function from the probabilities of 1 to 5 stars, (5,), to the star with the least expected error."""
    stars = np.arange(1, 6)
    rows = np.asarray(probabilities, dtype=float)  # (n, 5)
    for case in (*np.array(DISTRIBUTIONS), *rows):
        errors = np.abs(stars[:, None] - stars[None, :]) @ case  # (5,): of answering each star
        got = number(ask(answer, case.copy()), "What your function gives")
        shown = "[" + ", ".join(f"{p:.2f}" for p in case) + "]"
        if got not in stars:
            raise wrong(_no_star(got, case, shown))
        if errors[int(got) - 1] > errors.min() + 1e-6:
            raise wrong(f"For {shown} you say {got:g}. {_why_not(got, case, errors)}")
    moved = int((rows.argmax(axis=1) + 1 != _medians(rows)).sum())
    return right(
        f"For {moved} of the {len(rows)} reviews it says another star than the most probable one. Which "
        "answer is best depends on what a mistake costs, not on the model alone."
    )


def _medians(rows: np.ndarray) -> np.ndarray:
    return 1 + (rows.cumsum(axis=1) < 0.5 - 1e-9).sum(axis=1)


def _no_star(got: float, case: np.ndarray, shown: str) -> str:
    if close(got, case @ np.arange(1, 6), 1e-3):
        return (
            f"For {shown} you give the mean, {got:.2f}. The mean is best for squared errors, not for these."
        )
    if close(got, float(np.median(case))):
        return (
            f"For {shown} you give {got:.4g}, the median of the five probabilities. Wanted is a star, "
            "1 to 5: where, added up, do the probabilities reach one half?"
        )
    if got == 0:
        return f"For {shown} you say 0. Positions count from 0, stars from 1."
    return f"For {shown} you give {got:.4g}, but an answer should be one of the stars 1 to 5."


def _why_not(got: float, case: np.ndarray, errors: np.ndarray) -> str:
    mean = case @ np.arange(1, 6)
    told = f"Its expected error is {errors[int(got) - 1]:.2f}; another star has {errors.min():.2f}."
    if got == np.argmax(case) + 1:
        return f"That is the most probable star, which is best when all mistakes cost the same. {told}"
    if got == round(float(mean)):
        return f"That is the mean, rounded: one far-off star pulls it too far. {told}"
    if got == _medians(case[None])[0] - 1:
        return f"It is one too low: positions count from 0, stars from 1. {told}"
    return f"Add up the probabilities from 1 star upwards: where do they reach one half? {told}"
