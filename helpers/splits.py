"""Splitting reviews for a fair test: nothing of a test review may be known from training.

A split by rows is fair only when rows have nothing to do with one another. Reviews do: the same text stands
under several products, one user writes many, one product gets many. `splits` keeps such rows together, and
every star in the same share on both sides. `random_splits` is the split of most tutorials, to compare with.

Left out: splits by time, and cross-validation within the training part (scikit-learn's).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse
from scipy.sparse.csgraph import connected_components

from helpers import reviews
from helpers.errors import DataError

Apart = Literal["text", "user", "product"]


class Split(NamedTuple):
    """Positions (not index labels) of the rows to learn from and of those to be tested on, each ascending."""

    train: np.ndarray  # int64 (n_train,)
    test: np.ndarray  # int64 (n_test,)


def random_splits(rows: pd.DataFrame, test: float = 0.2, seeds: Iterable[int] = (42,)) -> Iterator[Split]:
    """The usual split, one a seed: scikit-learn's `train_test_split` over rows, whatever they say.

    Raises DataError when `test` leaves a side without a row.
    """
    from sklearn.model_selection import train_test_split

    for seed in seeds:
        try:
            train, held_out = train_test_split(np.arange(len(rows)), test_size=test, random_state=seed)
        except ValueError as error:
            raise DataError(f"{len(rows)} rows cannot be split with a test share of {test}.") from error
        yield Split(np.sort(train), np.sort(held_out))


def splits(
    rows: pd.DataFrame,
    test: float = 0.2,
    seeds: Iterable[int] = range(8),
    *,
    apart: Sequence[Apart] = ("text",),
) -> Iterator[Split]:
    """One split a seed; rows that share what `apart` names are on one side, stars have one share on both.

    "text": the letters and digits of the text (`reviews.without_repeats(normalised=True)` counts the same
    way); "user": UserId; "product": ProductId. Rows joined through others count as joined: with ("user",
    "product"), a user's products with all their users. The groups come in random order; one goes to the test
    side when that brings the counts of its stars nearer to `test` of each star's rows. So with large groups
    the shares are only nearly the same, and a group that is larger than the test side is always for training.

    Raises DataError when a star has too few rows or groups to be on both sides, naming it.
    """
    if not 0 < test < 1:
        raise DataError(f"The test share must be between 0 and 1, for example 0.2, not {test}.")
    if rows.empty:
        raise DataError("There are no rows to split.")
    groups = groups_of(rows, apart)
    stars, star_of_row = np.unique(rows["Score"].to_numpy(), return_inverse=True)
    counts = np.zeros((groups.max(initial=-1) + 1, len(stars)), dtype=np.int64)  # rows of each star a group
    np.add.at(counts, (groups, star_of_row), 1)
    target = test * counts.sum(axis=0)
    for seed in seeds:
        in_test = _filled(counts, target, np.random.default_rng(seed))
        split = Split(np.flatnonzero(~in_test[groups]), np.flatnonzero(in_test[groups]))
        _check(split, star_of_row, stars, apart)
        yield split


def _filled(counts: np.ndarray, target: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Which groups, (n_groups,) bool, make the test side: each that brings it nearer to `target`."""
    chosen = np.zeros(len(counts), dtype=bool)
    missing = target.copy()
    for group in random.permutation(len(counts)):
        # nearer: |missing - counts|^2 < |missing|^2
        if counts[group] @ (2 * missing - counts[group]) > 0:
            chosen[group] = True
            missing -= counts[group]
    return chosen


def _check(split: Split, star_of_row: np.ndarray, stars: np.ndarray, apart: Sequence[Apart]) -> None:
    for name, side in zip(("training", "test"), split):
        if absent := sorted(set(range(len(stars))) - set(star_of_row[side])):
            raise DataError(
                f"No review with {stars[absent[0]]} stars is on the {name} side: there are too few of them, "
                f"or they are joined by {' and '.join(apart)}. Take more reviews, another test share, or "
                "keep less apart."
            )


def three_sides(rows: pd.DataFrame, seed: int = 0) -> dict[str, np.ndarray]:
    """Positions of training (half of the rows), validation, test (a quarter each); no text on two sides."""
    half, rest = next(splits(rows, test=0.5, seeds=[seed]))
    second = next(splits(rows.iloc[rest], test=0.5, seeds=[seed]))
    return {"training": half, "validation": rest[second.train], "test": rest[second.test]}


def groups_of(rows: pd.DataFrame, apart: Sequence[Apart] = ("text",)) -> np.ndarray:
    """The number of each row's group, int64 (n,): rows that share something that `apart` names have the same.

    A missing user or product joins nobody. Raises DataError for a name that is not text, user or product.
    """
    n = len(rows)
    links = [np.empty((0, 2), dtype=np.int64)]
    for what in apart:  # each row is linked to the first one with the same key
        key = _keys(rows, what)
        there = np.flatnonzero(key >= 0)
        _, first, inverse = np.unique(key[there], return_index=True, return_inverse=True)
        links.append(np.column_stack([there, there[first[inverse]]]))
    source, target = np.concatenate(links).T
    graph = scipy.sparse.coo_array((np.ones(len(source)), (source, target)), shape=(n, n))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def shared(rows: pd.DataFrame, split: Split, by: Apart = "text") -> np.ndarray:
    """Which test rows share their text, user or product with a training row: bool (n_test,)."""
    key = _keys(rows, by)
    return np.isin(key[split.test], key[split.train]) & (key[split.test] >= 0)


def _keys(rows: pd.DataFrame, by: Apart) -> np.ndarray:
    """An integer for each different text, user or product, (n,); -1 where it is missing."""
    columns = {"text": "Text", "user": "UserId", "product": "ProductId"}
    if by not in columns:
        raise DataError(f"Rows can be kept apart by text, user or product, not by {by!r}.")
    values = rows[columns[by]]
    if by == "text":
        values = values.map(reviews.normalised, na_action="ignore")
    return pd.factorize(values)[0].astype(np.int64)
