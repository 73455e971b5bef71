"""Groups of texts by their vectors: KMeans, how many groups, HDBSCAN, and what a group holds.

    groups = clustering.kmeans(vectors, k=8)
    clustering.compare_k({"the reviews": [vectors], "one cloud": [without_groups(vectors)]}, ks)
    clustering.describe(groups, texts, stars)

Everything is computed in float64 and follows from the seeds alone. Groups are numbered by size, the largest
is 0, and of equal ones the one whose first text stands earlier. What a group is about and called is in
`cluster_words` and `cluster_names`, its stars in `cluster_stars`; the lesson finds their functions here too.
Left out: other ways of grouping, UMAP before HDBSCAN (its compile time), millions of vectors.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, silhouette_score
from threadpoolctl import ThreadpoolController

from helpers.cluster_names import Names, name_clusters
from helpers.cluster_stars import chance_means, intervals
from helpers.cluster_words import class_tfidf, distinctive, word_counts
from helpers.errors import DataError

if TYPE_CHECKING:
    import openai

__all__ = [
    "Groups",
    "borderline",
    "by_size",
    "chance_means",
    "class_tfidf",
    "compare_k",
    "dense_groups",
    "describe",
    "distinctive",
    "intervals",
    "kmeans",
    "name_clusters",
    "name_groups",
    "planted_groups",
    "principal_directions",
    "same_group_share",
    "shuffled_columns",
    "stability_over_halves",
    "typical",
    "without_groups",
    "word_counts",
]

NOISE = -1  # HDBSCAN's label of what belongs to no group
DIGITS_THAT_COUNT = 9  # distances that agree to so many digits are ties


@dataclasses.dataclass(frozen=True)
class Groups:
    """What `kmeans` found: a group number per vector, the groups' means, and how far all are from them."""

    labels: np.ndarray  # (n,), int
    centres: np.ndarray  # (k, d), float64; the mean of each group
    inertia: float  # sum of the squared distances to the own centre

    @property
    def sizes(self) -> np.ndarray:
        """How many vectors each group has, shape (k,); they do not increase."""
        return np.bincount(self.labels, minlength=len(self.centres))


def kmeans(vectors: ArrayLike, k: int, *, starts: int = 50, seed: int = 0) -> Groups:
    """`k` groups of `vectors`, shape (n, d), by scikit-learn's KMeans: the best of so many `starts`.

    "Best" is the least inertia. Vectors with fewer than `k` different values give fewer groups, with
    scikit-learn's warning. Raises DataError when there are fewer vectors than groups.
    """
    matrix = _matrix(vectors)
    if not 1 <= k <= len(matrix):
        raise DataError(f"{len(matrix)} vectors cannot make {k} groups: choose k from 1 to {len(matrix)}.")
    return _groups(_fit(matrix, k, starts, seed))


def _fit(matrix: np.ndarray, k: int, starts: int, seed: int) -> KMeans:
    """On one thread: for a few thousand rows, threads wait for each other longer than they work."""
    with _threads().limit(limits=1):
        return KMeans(k, n_init=starts, random_state=seed).fit(matrix)


@functools.cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


def _groups(model: KMeans) -> Groups:
    labels = by_size(model.labels_)
    first = [int(np.flatnonzero(labels == group)[0]) for group in range(labels.max() + 1)]
    return Groups(labels, model.cluster_centers_[model.labels_[first]], float(model.inertia_))


def by_size(labels: ArrayLike) -> np.ndarray:
    """`labels`, shape (n,), renumbered: 0 for the largest group; of equal ones the earlier first.

    -1, which means no group, stays -1.
    """
    labels = np.asarray(labels, dtype=int)
    names, first, counts = np.unique(labels[labels != NOISE], return_index=True, return_counts=True)
    order = np.lexsort((first, -counts))
    new = {int(names[old]): number for number, old in enumerate(order)} | {NOISE: NOISE}
    return np.array([new[int(label)] for label in labels], dtype=int)


# ----------------------------------------------------------------------------- how many


def without_groups(vectors: ArrayLike, *, seed: int = 0) -> np.ndarray:
    """Stand-ins for `vectors`, shape (n, d), with their mean, spread and correlations and no groups in them.

    Each is the mean plus a random mixture of all vectors' deviations from it, scaled to length 1: a Gaussian
    cloud with the same covariance, made without a decomposition, whose signs differ between machines.
    """
    matrix = _matrix(vectors)
    weights = np.random.default_rng(seed).standard_normal((len(matrix), len(matrix)))
    mean = matrix.mean(axis=0)
    return _unit(mean + weights @ (matrix - mean) / np.sqrt(len(matrix) - 1))


def shuffled_columns(vectors: ArrayLike, *, seed: int = 0) -> np.ndarray:
    """Stand-ins for `vectors`, shape (n, d): each coordinate shuffled on its own, scaled to length 1.

    Groups are gone, and so are all correlations between coordinates.
    """
    shuffled = np.random.default_rng(seed).permuted(_matrix(vectors), axis=0)
    return _unit(shuffled)


def planted_groups(vectors: ArrayLike, k: int, *, seed: int = 0) -> np.ndarray:
    """Stand-ins for `vectors`, shape (n, d), that do fall into `k` groups, which KMeans may find or not.

    All have the mean of `vectors`; group 0 has rows 0, k, 2k, ..., group 1 the next ones, and so on. Between
    the groups lies the share of the spread that KMeans finds between `k` groups of `vectors`; the rest goes
    in all directions alike.
    """
    matrix, rng = _matrix(vectors), np.random.default_rng(seed)
    mean = matrix.mean(axis=0)
    spread = ((matrix - mean) ** 2).sum(axis=1).mean()
    within = kmeans(matrix, k, starts=5).inertia / len(matrix)
    places = rng.standard_normal((k, matrix.shape[1]))
    places -= places.mean(axis=0)
    places /= np.sqrt((places**2).sum(axis=1).mean())
    deviations = rng.standard_normal(matrix.shape) / np.sqrt(matrix.shape[1])
    planted = np.sqrt(spread - within) * places[np.arange(len(matrix)) % k] + np.sqrt(within) * deviations
    return _unit(mean + planted)


def stability_over_halves(vectors: ArrayLike, k: int, *, pairs: int = 6, starts: int = 2) -> np.ndarray:
    """Adjusted Rand index of groups found in one random half and in the other, shape (pairs,).

    Each half's centres then group all vectors, so that the two can be compared. No vector is in both halves:
    what they agree on is not due to single reviews. Raises DataError when a half has fewer than `k` vectors.
    """
    matrix = _matrix(vectors)
    if not 1 <= k <= len(matrix) // 2:
        raise DataError(f"Half of {len(matrix)} vectors cannot make {k} groups: choose a smaller k, from 1.")
    rng = np.random.default_rng(0)
    agreements = []
    for seed in range(pairs):
        order = rng.permutation(len(matrix))
        halves = order[: len(order) // 2], order[len(order) // 2 :]
        models = [_fit(matrix[half], k, starts, seed) for half in halves]
        agreements.append(adjusted_rand_score(*(model.predict(matrix) for model in models)))
    return np.array(agreements)


def compare_k(
    data: Mapping[str, Sequence[ArrayLike]], ks: Sequence[int], *, starts: int = 3, pairs: int = 6
) -> pd.DataFrame:
    """How well each number of groups fits each kind of data: one row per kind, draw and k.

    `data`: for each kind its draws, matrices of shape (n, d): one for measured vectors, several for stand-ins
    made by chance. Columns: data, draw (from 0), k (from 2), inertia and silhouette (its mean, by cosine) of
    the best of `starts`, halves (mean adjusted Rand index over `pairs` of halves, `stability_over_halves`),
    halves_sd (its standard deviation over the pairs).
    """
    if min(ks) < 2:
        raise DataError("Nothing can be compared in one group: choose every k from 2 upwards.")
    rows = []
    for name, draws in data.items():
        for draw, vectors in enumerate(draws):
            matrix = _matrix(vectors)
            for k in ks:
                halves = stability_over_halves(matrix, k, pairs=pairs)
                groups = kmeans(matrix, k, starts=starts)
                silhouette = silhouette_score(matrix, groups.labels, metric="cosine")
                agreement = halves.mean(), halves.std(ddof=1)
                rows.append((name, draw, k, groups.inertia, silhouette, *agreement))
    columns = ["data", "draw", "k", "inertia", "silhouette", "halves", "halves_sd"]
    return pd.DataFrame(rows, columns=columns)


def dense_groups(
    vectors: ArrayLike, *, smallest: int = 10, neighbours: int = 5, dimensions: int = 15
) -> np.ndarray:
    """Group numbers by HDBSCAN, shape (n,); -1 is noise: where vectors lie too thinly for a group.

    `vectors`, shape (n, d), go to their first `dimensions` principal components before: in hundreds of
    dimensions distances differ little, and so does density. `smallest`: how many make a group;
    `neighbours`: how many must be near for a place to count as dense (scikit-learn's `min_samples`).
    """
    if len(vectors) < max(smallest, neighbours):
        raise DataError(f"{len(vectors)} vectors cannot make a dense group of {max(smallest, neighbours)}.")
    reduced, _ = principal_directions(vectors, dimensions)
    model = HDBSCAN(min_cluster_size=smallest, min_samples=neighbours, copy=True)
    with _threads().limit(limits=1):
        return by_size(model.fit_predict(reduced))


def principal_directions(vectors: ArrayLike, dimensions: int) -> tuple[np.ndarray, float]:
    """`vectors`, shape (n, d), on the `dimensions` directions in which they differ most, and what is kept.

    Returns an array of shape (n, dimensions), or fewer columns when n or d is less, and the share of the
    variance that it keeps.
    """
    matrix = _matrix(vectors)
    model = PCA(min(dimensions, *matrix.shape), svd_solver="covariance_eigh")
    with _threads().limit(limits=1):
        reduced = model.fit_transform(matrix)
    return reduced, float(model.explained_variance_ratio_.sum())


# ----------------------------------------------------------------------------- what is in a group


def typical(vectors: ArrayLike, groups: Groups, group: int, count: int = 3) -> np.ndarray:
    """Positions of the `count` vectors of a group that are nearest to its centre, the nearest first."""
    return _ordered(_distances(vectors, groups)[:, group], groups.labels == group, count)


def borderline(vectors: ArrayLike, groups: Groups, group: int, count: int = 3) -> np.ndarray:
    """Positions of the `count` vectors of a group that are almost as near to another centre.

    The least margin comes first: the distance to the next nearest centre less that to the own. Empty when
    there is one group.
    """
    distances = _distances(vectors, groups)
    if distances.shape[1] < 2:
        return np.array([], dtype=int)
    others = np.delete(distances, group, axis=1).min(axis=1)
    return _ordered(others - distances[:, group], groups.labels == group, count)


def describe(
    groups: Groups | ArrayLike, texts: Sequence[str], stars: Sequence[float], *, words: int = 6
) -> pd.DataFrame:
    """What each group holds: one row per group, in their order, its number as the index "group".

    Columns: reviews (how many), share (of all), words (the most distinctive), stars (their mean), low and
    high (95 % interval, `intervals`). `groups` may be labels; noise (-1) then comes last.
    """
    labels = groups.labels if isinstance(groups, Groups) else np.asarray(groups, dtype=int)
    if not len(labels) == len(texts) == len(stars):
        raise DataError(
            f"There are {len(labels)} labels, {len(texts)} texts and {len(stars)} stars: one of each is "
            "needed per review."
        )
    table = intervals(stars, labels)
    found = distinctive(texts, labels, words)
    sizes = [int((labels == group).sum()) for group in table.index]
    table.insert(0, "reviews", sizes)
    table.insert(1, "share", [size / len(labels) for size in sizes])
    table.insert(2, "words", [", ".join(found[group]) for group in table.index])
    order = sorted(table.index, key=lambda group: (group == NOISE, group))
    return table.loc[order]


def name_groups(
    groups: Groups,
    vectors: ArrayLike,
    texts: Sequence[str],
    client: "openai.OpenAI | None" = None,
    model: str | None = None,
) -> Names:
    """A name for each group (see `name_clusters`), from eight distinctive words and three typical texts."""
    middle = {group: typical(vectors, groups, group) for group in range(len(groups.centres))}
    examples = {group: [texts[i] for i in positions] for group, positions in middle.items()}
    return name_clusters(distinctive(texts, groups.labels, 8), examples, client, model)


def same_group_share(labels: ArrayLike, kinds: ArrayLike) -> float:
    """Of all pairs of texts of the same kind, the share that is in the same group; NaN without such pairs."""
    group_names, groups = np.unique(np.asarray(labels), return_inverse=True)
    _, codes = np.unique(np.asarray(kinds), return_inverse=True)
    pairs_of_a_kind = _pairs(np.bincount(codes))
    if not pairs_of_a_kind:
        return float("nan")
    return _pairs(np.bincount(codes * len(group_names) + groups)) / pairs_of_a_kind


def _pairs(sizes: np.ndarray) -> int:
    """How many pairs there are within groups of these sizes."""
    return int((sizes * (sizes - 1) // 2).sum())


def _distances(vectors: ArrayLike, groups: Groups) -> np.ndarray:
    """Euclidean distance of each vector to each centre, shape (n, k)."""
    matrix = _matrix(vectors)
    return np.column_stack([np.linalg.norm(matrix - centre, axis=1) for centre in groups.centres])


def _ordered(values: np.ndarray, mask: np.ndarray, count: int) -> np.ndarray:
    """Positions where `mask` holds, the least of `values` first, ties by position."""
    inside = np.flatnonzero(mask)
    return inside[np.argsort(values[inside].round(DIGITS_THAT_COUNT), kind="stable")[:count]]


def _matrix(vectors: ArrayLike) -> np.ndarray:
    array = np.asarray(vectors, dtype=np.float64)
    if array.ndim != 2 or not len(array):
        raise DataError(f"A matrix of shape (n, d) is wanted, but this has the shape {array.shape}.")
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise DataError(f"The vector at position {row} has a value that is no number: make it anew.")
    return array


def _unit(matrix: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix / np.where(lengths == 0, 1, lengths)
