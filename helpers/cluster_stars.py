"""The stars of groups: each group's mean with an interval, and the means that chance alone would give.

Left out: other tests than shuffling. It assumes nothing about how stars are distributed, but it takes the
reviews to be independent of one another: remove repeats first, and expect chance to go somewhat farther where
several reviews are of one product.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.errors import DataError

DRAWS = 4000


def intervals(stars: Sequence[float], labels: ArrayLike, *, draws: int = DRAWS) -> pd.DataFrame:
    """Mean stars of each group with a 95 % interval: the group's number as index, columns stars, low, high.

    The interval is from the 2.5th to the 97.5th percentile of the means of `draws` bootstrap samples. A group
    of one has no interval (NaN): one review says nothing about how much its like would differ.
    """
    scores, groups = _checked(stars, labels)
    rows = {}
    for group in np.unique(groups):
        inside = scores[groups == group]
        rng = np.random.default_rng(0)
        means = rng.choice(inside, (draws, len(inside))).mean(axis=1)
        low, high = np.quantile(means, [0.025, 0.975]) if len(inside) > 1 else (np.nan, np.nan)
        rows[int(group)] = (inside.mean(), low, high)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["stars", "low", "high"])
    return table.rename_axis("group")


def chance_means(
    stars: Sequence[float], labels: ArrayLike, *, draws: int = DRAWS, seed: int = 0
) -> np.ndarray:
    """What the groups' mean stars would be if the groups had nothing to do with stars: shape (draws, k).

    The stars are dealt out anew to the reviews, and each group keeps its size. The columns are in the order
    of the groups' numbers. A permutation test compares the true means with these.
    """
    scores, groups = _checked(stars, labels)
    _, codes = np.unique(groups, return_inverse=True)
    sizes = np.bincount(codes)
    rng = np.random.default_rng(seed)
    sums = [np.bincount(codes, weights=rng.permutation(scores)) for _ in range(draws)]
    return np.array(sums) / sizes


def _checked(stars: Sequence[float], labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    scores, groups = np.asarray(stars, dtype=float), np.asarray(labels, dtype=int)
    if scores.shape != groups.shape or scores.ndim != 1 or not len(scores):
        raise DataError(
            f"Stars and groups are wanted, one of each per review, but the shapes are {scores.shape} and "
            f"{groups.shape}."
        )
    if not np.isfinite(scores).all():
        row = int(np.flatnonzero(~np.isfinite(scores))[0])
        raise DataError(f"The stars at position {row} are no number: leave reviews without stars out.")
    return scores, groups
