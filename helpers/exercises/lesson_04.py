"""The checks of lesson 04, Clustering.

Each recomputes its truth from its arguments, so that it holds for any reviews and any model.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from helpers.exercises.core import (
    Verdict,
    ask,
    close,
    exercise,
    kind_of,
    number,
    right,
    unless_mistaken,
    vector,
    wrong,
)

ROUNDED = 6e-4  # an answer may be rounded to three decimals
TO_ONE_DECIMAL = 0.051

# ----------------------------------------------------------------------------- 4.1


@exercise
def settled_centres(answer: Any, points: Sequence[float], start: Sequence[float]) -> Verdict:
    """Where KMeans on a line comes to rest from `start`: the centres, in the order of `start`."""
    values = vector(answer, len(start))
    history = _settle(np.asarray(points, dtype=float), np.asarray(start, dtype=float))
    truth = history[-1]
    if np.allclose(values, truth, atol=TO_ONE_DECIMAL, rtol=0):
        return right(
            f"After {len(history) - 1} rounds nothing moved any more. One far-off point ended up with a "
            "centre of its own: a mean is pulled by whatever lies far away, and KMeans pays squared "
            "distances for it."
        )
    if np.allclose(sorted(values), sorted(truth), atol=TO_ONE_DECIMAL, rtol=0):
        raise wrong("These are the right places in the wrong order. Keep the order of the starting centres.")
    for rounds, centres in enumerate(history[:-1]):
        if np.allclose(values, centres, atol=TO_ONE_DECIMAL, rtol=0):
            stage = "where they start" if rounds == 0 else f"where they are after round {rounds}"
            raise wrong(f"That is {stage}. Assign the points anew and see whether any changes its group.")
    groups = _nearest(np.asarray(points, dtype=float), truth)
    medians = [np.median(np.asarray(points)[groups == group]) for group in range(len(start))]
    if np.allclose(values, medians, atol=TO_ONE_DECIMAL, rtol=0):
        raise wrong("Those are the middle values of the groups. KMeans takes their means.")
    sums = [np.asarray(points)[groups == group].sum() for group in range(len(start))]
    if np.allclose(values, sums, atol=TO_ONE_DECIMAL, rtol=0):
        raise wrong("Those are the sums of the groups. Divide each by how many points it has.")
    if np.allclose(values, np.bincount(groups, minlength=len(start))):
        raise wrong("Those are the groups' sizes. The centres are wanted: the mean of each group's points.")
    for group, value in enumerate(values):
        if not min(points) <= value <= max(points):
            raise wrong(f"Centre {group} lies outside the points. A mean never does.")
    raise wrong(
        "Do one round on paper: give every point to the nearer centre, then move each centre to the mean of "
        "its points. Go on until no point changes its group."
    )


def _nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    return np.abs(points[:, None] - centres).argmin(axis=1)


def _settle(points: np.ndarray, centres: np.ndarray) -> list[np.ndarray]:
    """The centres at the start and after each round that moves them."""
    history, before = [centres], None
    while True:
        groups = _nearest(points, history[-1])
        if np.array_equal(groups, before):
            return history
        centres = [points[groups == i].mean() if i in groups else old for i, old in enumerate(history[-1])]
        history.append(np.array(centres))
        before = groups


# ----------------------------------------------------------------------------- 4.3


@exercise
def silhouette(answer: Any, vectors: np.ndarray, labels: np.ndarray, position: int) -> Verdict:
    """The silhouette of the review at `position`, by cosine distance, to three decimals."""
    value = number(answer)
    vectors, labels = np.asarray(vectors, dtype=float), np.asarray(labels)
    distances = 1 - vectors @ vectors[position]  # (n,)
    own = labels[position]
    alike = (labels == own) & (np.arange(len(labels)) != position)
    a = distances[alike].mean()
    others = {group: distances[labels == group].mean() for group in np.unique(labels) if group != own}
    b = min(others.values())
    truth = (b - a) / max(a, b)
    if close(value, truth, ROUNDED):
        side = (
            "nearer to its own group than to any other" if truth > 0 else "nearer to another group on average"
        )
        return right(f"This review is {side}. How clearly, tell the scale: it goes from -1 to 1.")
    with_itself = distances[labels == own].mean()
    straight = np.linalg.norm(vectors - vectors[position], axis=1)
    straight_b = min(straight[labels == group].mean() for group in others)
    straight_a = straight[alike].mean()
    rest, one = distances[labels != own].mean(), distances[labels != own].min()
    similar_a, similar_b = 1 - a, max(1 - other for other in others.values())
    mistakes = {
        "That is the mean silhouette of all reviews. Only the one at the position is asked for.": (
            _mean_silhouette(vectors, labels)
        ),
        "Does your mean within the group count the review itself? Its distance of 0 does not belong there.": (
            (b - with_itself) / max(b, with_itself)
        ),
        "The sign is turned: b comes first, so that being near to one's own group is positive.": -truth,
        "That is b - a. Divide it by the larger of the two.": b - a,
        "That is a, the mean distance within the group, alone.": a,
        "That is b, the mean distance to the nearest other group, alone.": b,
        "Your b is the mean over all reviews outside. Take each other group by itself, and the nearest.": (
            (rest - a) / max(rest, a)
        ),
        "Your b is the distance to one single review. It is the mean over all of a group.": (
            (one - a) / max(one, a)
        ),
        "Those are Euclidean distances. Use 1 - cosine.": (
            (straight_b - straight_a) / max(straight_a, straight_b)
        ),
        "Those are cosines. They grow as reviews get closer; use 1 - cosine.": (
            (similar_b - similar_a) / max(similar_a, similar_b)
        ),
        "Your b is the group farthest away. Take the nearest of the others.": (
            (max(others.values()) - a) / max(max(others.values()), a)
        ),
        "You divide by a + b. Divide by the larger of the two.": (b - a) / (a + b),
    }
    unless_mistaken(value, mistakes, ROUNDED)
    if abs(value) > 1:
        raise wrong("A silhouette lies between -1 and 1. Did you divide by the larger of a and b?")
    raise wrong(
        "Compute a first: the mean distance to the other reviews of its own group. Then the mean distance to "
        "each other group; b is the smallest of them. Then (b - a) / max(a, b)."
    )


def _mean_silhouette(vectors: np.ndarray, labels: np.ndarray) -> float:
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(vectors, labels, metric="cosine"))


# ----------------------------------------------------------------------------- 4.2

# (labels of one run, labels of another, what is tried)
LABELINGS: tuple[tuple[list[int], list[int], str], ...] = (
    ([0, 0, 0, 1, 1], [1, 1, 2, 0, 2], "groups that agree in part"),  # each mistake gives another number
    ([0, 0, 1, 1], [1, 1, 0, 0], "the same groups under other numbers"),
    ([0, 0, 1, 1], [0, 1, 0, 1], "groups that have nothing in common"),
    ([0, 1, 2], [2, 0, 1], "each text alone in its group"),
    ([0, 0, 0, 0, 0], [3, 3, 3, 3, 3], "one group for all"),
    ([5, 5, 7, 7, 7, 9], [0, 1, 1, 2, 2, 2], "other numbers and another split"),
)


@exercise
def pair_agreement(answer: Any, first: Sequence[int], second: Sequence[int]) -> Verdict:
    """A function (labels, labels) to the share of pairs on which they agree: the Rand index."""
    for one, other, what in LABELINGS:
        given = ask(answer, np.array(one), np.array(other))
        _check_agreement(number(given, "What it gives"), one, other, what)
    first, second = np.asarray(first), np.asarray(second)
    got = number(ask(answer, first.copy(), second.copy()), "What it gives")
    truth = _rand(first, second)
    if not close(got, truth, 1e-6):
        raise wrong("The small cases are right, but not the two runs above. Does it look at every pair?")
    shuffled = np.random.default_rng(0).permutation(second)
    return right(
        f"The two runs agree on {truth:.0%} of the pairs. But shuffle the second run's labels, and it is "
        f"still {_rand(first, shuffled):.0%}: most pairs are apart in any grouping. The adjusted index takes "
        "that off."
    )


def _check_agreement(got: float, one: list[int], other: list[int], what: str) -> None:
    a, b = np.array(one), np.array(other)
    if close(got, _rand(a, b), 1e-6):
        return
    where = f"For {one} and {other} ({what}) you give {got:.3g}."
    together_a, together_b = a[:, None] == a, b[:, None] == b
    above = np.triu_indices(len(a), k=1)
    agree = together_a == together_b
    both = (together_a & together_b)[above]
    either = (together_a | together_b)[above]
    mistakes: dict[str, float] = {
        "That is the share of equal labels. A label is a mere number: compare pairs.": float((a == b).mean()),
        "That is the adjusted index. Here the plain share of pairs is asked for.": _adjusted(a, b),
        "You divide by all n x n cells, not by the number of pairs.": float(np.triu(agree, k=1).mean()),
        "Every item is paired with itself there, and always agrees. Take pairs of two.": float(agree.mean()),
        "Pairs that both runs keep apart agree as well.": float(both.mean()),
        "That is the share among pairs that one of the runs puts together. Take all pairs.": float(
            both.sum() / max(either.sum(), 1)
        ),
        "That is how many pairs agree. Divide by the number of pairs.": float(agree[above].sum()),
        "That is the share of pairs on which they disagree.": float(1 - agree[above].mean()),
        "That is half of it: each pair once above, and each pair once below.": float(agree[above].mean() / 2),
    }
    for hint, value in mistakes.items():
        if close(got, value, 1e-6):
            raise wrong(f"{where} {hint}")
    raise wrong(
        f"{where} For every pair of items, ask in each run: together or apart? Then count how often the two "
        "answers are the same."
    )


def _adjusted(a: np.ndarray, b: np.ndarray) -> float:
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(a, b))


def _rand(a: np.ndarray, b: np.ndarray) -> float:
    above = np.triu_indices(len(a), k=1)
    return float(((a[:, None] == a) == (b[:, None] == b))[above].mean())


# ----------------------------------------------------------------------------- 4.4

CountsToWeights = Callable[[np.ndarray], np.ndarray]


def _variants() -> dict[str, CountsToWeights]:
    """What likely mistakes make of the counts, each with its hint."""

    def weigh(
        counts: np.ndarray,
        *,
        share: Callable[[np.ndarray], np.ndarray] = lambda c: c / c.sum(axis=1, keepdims=True),
        size: Callable[[np.ndarray], Any] = lambda c: c.sum(axis=1).mean(),
        often: Callable[[np.ndarray], Any] = lambda c: c.sum(axis=0),
        log: Callable[[Any], Any] = np.log1p,
    ) -> np.ndarray:
        return share(counts) * log(size(counts) / often(counts))

    return {
        "": weigh,
        "Each count must be divided by the number of words of its group, that is of its row.": lambda c: (
            weigh(c, share=lambda c: c)
        ),
        "You divide by the columns' sums. A share of the group's words divides by the row's sum.": (
            lambda c: weigh(c, share=lambda c: c / c.sum(axis=0))
        ),
        "You divide by the sum of all counts. A share of the group's words divides by the row's sum.": (
            lambda c: weigh(c, share=lambda c: c / c.sum())
        ),
        "A is the mean number of words per group, not the number of all words.": lambda c: weigh(
            c, size=lambda c: c.sum()
        ),
        "A is the mean number of words per group. Did you take the mean of all counts?": lambda c: weigh(
            c, size=lambda c: c.mean()
        ),
        "A is one number for all groups. You take each group's own number of words.": lambda c: weigh(
            c, size=lambda c: c.sum(axis=1, keepdims=True)
        ),
        "f is how often a word occurs in all groups, not in how many groups it occurs.": lambda c: weigh(
            c, often=lambda c: (c > 0).sum(axis=0)
        ),
        "The 1 + inside the logarithm is missing; without it a frequent word gets less than nothing.": (
            lambda c: weigh(c, log=np.log)
        ),
        "That is a logarithm to base 2. np.log is the natural one.": lambda c: weigh(
            c, log=lambda x: np.log2(1 + x)
        ),
        "That is a logarithm to base 10. np.log is the natural one.": lambda c: weigh(
            c, log=lambda x: np.log10(1 + x)
        ),
        "The 1 + belongs inside the logarithm.": lambda c: weigh(c, log=lambda x: 1 + np.log(x)),
        "That is the root of the share. The damped form comes later; here take the share itself.": (
            lambda c: weigh(c, share=lambda c: np.sqrt(c / c.sum(axis=1, keepdims=True)))
        ),
    }


SMALL_COUNTS = np.array([[6, 1, 0, 5], [1, 2, 4, 9], [2, 3, 1, 2]])


@exercise
def class_weights(answer: Any, counts: np.ndarray) -> Verdict:
    """A function from counts (k, m) to class-based TF-IDF (k, m)."""
    variants = _variants()
    for case, where in (
        (SMALL_COUNTS, f"For the counts {SMALL_COUNTS.tolist()}"),
        (counts, "For the reviews"),
    ):
        case = np.asarray(case)
        given = ask(answer, case.copy())
        try:
            got = np.asarray(given, dtype=float)
        except (TypeError, ValueError):
            raise wrong(
                f"{where} it gives {kind_of(given)}. One number per group and word is wanted."
            ) from None
        if got.shape != case.shape:
            raise wrong(
                f"{where} the result has the shape {got.shape}, not {case.shape}: one row per group, one "
                "column per word. Does keepdims=True keep a sum upright?"
            )
        with np.errstate(divide="ignore", invalid="ignore"):
            for hint, make in variants.items():
                if np.allclose(got, make(case), rtol=1e-6, atol=1e-9, equal_nan=True):
                    if not hint:
                        break
                    raise wrong(f"{where} something is off. {hint}")
            else:
                raise wrong(
                    f"{where} the numbers differ. Check the three parts one by one: the share of each word "
                    "in its group, A (one number), and f (one number per word)."
                )
    return right("The same as BERTopic's, but that the package rounds A down to a whole number.")


# ----------------------------------------------------------------------------- 4.5

DRAWS = 20_000  # more than the lesson's, so that few groups lie too near to the limit to be judged
SHUFFLES = 4000  # the lesson's


@exercise
def high_groups(answer: Any, stars: Sequence[float], labels: Sequence[int]) -> Verdict:
    """The numbers of the groups whose mean stars are higher than chance, all comparisons considered."""
    from helpers.cluster_stars import chance_means, intervals

    given = _group_numbers(answer, labels)
    by_chance = chance_means(stars, labels, draws=DRAWS, seed=1)
    table = intervals(stars, labels, draws=500)
    means = table["stars"].to_numpy()
    as_high = ((by_chance >= means - 1e-9).sum(axis=0) + 1) / (DRAWS + 1)  # (k,)
    as_low = ((by_chance <= means + 1e-9).sum(axis=0) + 1) / (DRAWS + 1)
    limit = 0.05 / len(means)
    # shuffles differ: what is so close to the limit may be in or out
    spread = 2.5 * np.sqrt(limit * (1 / DRAWS + 1 / SHUFFLES))
    truth = {i for i, p in enumerate(as_high) if p < limit}
    unclear = {i for i, p in enumerate(as_high) if abs(p - limit) < spread and p > 0.1 * limit}
    if given - unclear == truth - unclear:
        found = (
            f"Fewer than {limit:.2%} of the shuffles come so high. Now read it: what is it about?"
            if given
            else "No group is so high that chance could not do it. That is a result, too."
        )
        return right(found)
    everything = set(range(len(means)))
    loose = {i for i, p in enumerate(as_high) if p < 0.05}
    either_side = {i for i, p in enumerate(np.minimum(as_low, as_high)) if p < limit}
    above_all = {i for i in everything if means[i] > np.mean(stars)}
    low = {i for i, p in enumerate(as_low) if p < limit}
    mistakes = (
        (
            loose,
            "You allow each group 5 %. With so many groups, one can come above that by chance: divide the 5 "
            "% by the number of groups.",
        ),
        (either_side, "Groups that are lower than chance are among them. Only the high ones are asked for."),
        (low, "Those are lower than chance. The high ones are asked for."),
        (
            {i for i in everything if table["low"].iloc[i] > np.mean(stars)},
            "Those are the groups whose own interval lies above the mean. The question is what chance alone "
            "does to groups of that size: use the shuffles.",
        ),
        (
            above_all,
            "Those are all groups above the mean. Some always are; which of them are higher than chance?",
        ),
        (everything - truth, "Those are the others. A group is high when few of the shuffles come as high."),
    )
    for groups, hint in mistakes:
        if given == groups and groups:
            raise wrong(hint)
    if not given:
        raise wrong(
            "There is at least one. For each group, count the shuffles that come as high as its mean."
        )
    if given < truth:
        raise wrong("What you name is high indeed, but it is not alone.")
    if given > truth:
        raise wrong(
            "Not every group that you name is higher than chance, when 5 % is shared among all groups."
        )
    raise wrong(
        "For each group, compare its mean with the column of shuffled means: in what share of the shuffles "
        "is it as high or higher? High is a share below 5 % divided by the number of groups."
    )


def _group_numbers(answer: Any, labels: Sequence[int]) -> set[int]:
    if hasattr(answer, "tolist"):  # an array, or an index or a column of pandas
        answer = answer.tolist()
    if not isinstance(answer, list | tuple | set | range):
        raise wrong(f"A list of group numbers is wanted, such as [0, 2], but this is {kind_of(answer)}.")
    items = list(answer)
    if any(isinstance(item, bool | np.bool_) for item in items):
        raise wrong("That is a list of True and False. Give the numbers of the groups, such as [0, 2].")
    if not all(isinstance(item, int | np.integer) for item in items):
        raise wrong("Group numbers are whole numbers: give a list such as [0, 2].")
    known = {int(label) for label in labels}
    if strange := [int(item) for item in items if int(item) not in known]:
        raise wrong(f"There is no group {strange[0]}: they are numbered from 0 to {max(known)}.")
    return {int(item) for item in items}
