"""Maps of vectors: t-SNE and UMAP, kept on disk, and how much of the vectors a map keeps.

    places = projection.umap_map(vectors)  # (n, 2)
    projection.quality(vectors, {"UMAP": places, "at random": projection.random_map(len(vectors))})

A map that took seconds to compute can be kept as a Parquet file, named after a hash of the vectors, the
settings and the package's version, so that the next run reads it. The same call gives the same map on one
machine; elsewhere the processor rounds differently, and both methods let such differences grow: other places,
much the same quality. Left out: PCA (scikit-learn's is used as it is), pictures (`plots`), maps to hover over
(`widgets`), data too large for all n x n distances (`quality` is for a few thousand vectors).
"""

import contextlib
import hashlib
import importlib.metadata
import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from threadpoolctl import threadpool_limits

from helpers.errors import DataError
from helpers.files import atomic_path

DIGITS_THAT_COUNT = 9  # distances that agree to so many digits are ties
FEWEST = 10  # vectors; with fewer there is no map worth the name

# ----------------------------------------------------------------------------- maps


def tsne_map(
    vectors: ArrayLike,
    *,
    perplexity: float = 30,
    dimensions: int = 2,
    seed: int = 0,
    start: str = "pca",
    iterations: int = 500,
    folder: Path | str | None = None,
) -> np.ndarray:
    """Places of `vectors`, shape (n, d), on a t-SNE map by cosine: float32 (n, dimensions).

    `perplexity`: about how many neighbours each vector tries to keep; it must be below n. `dimensions`: 1 to
    3. `start`: "pca", places computed from the vectors, or "random" (D. Kobak and G. Linderman,
    "Initialization is critical for preserving global data structure", Nature Biotechnology 39, 2021).
    `iterations`: rounds of moving them (scikit-learn takes 1,000; 500 are about as good for a thousand
    vectors). `folder`: where to keep the map and to look for it. Raises DataError when vectors or settings
    allow no map.
    L. van der Maaten and G. Hinton, "Visualizing data using t-SNE", JMLR 9, 2008; scikit-learn's `TSNE`.
    """
    matrix = _matrix(vectors)
    if not 1 <= perplexity < len(matrix):
        raise DataError(
            f"The perplexity is {perplexity:g}: choose it from 1 to below the {len(matrix)} vectors."
        )
    if dimensions not in (1, 2, 3) or start not in ("pca", "random"):
        raise DataError(
            f'dimensions is {dimensions} and start is {start!r}: choose 1, 2 or 3, and "pca" or "random".'
        )

    def make() -> np.ndarray:
        from sklearn.manifold import TSNE

        model = TSNE(
            dimensions, perplexity=perplexity, metric="cosine", init=start, random_state=seed,
            max_iter=iterations,
        )  # fmt: skip
        # One thread: for a few thousand rows, threads wait for each other longer than they work.
        with threadpool_limits(1):
            return model.fit_transform(matrix)

    settings = {
        "perplexity": float(perplexity),
        "dimensions": dimensions,
        "seed": seed,
        "start": start,
        "iterations": iterations,
    }
    return _kept("scikit-learn", matrix, settings, folder, make)


def umap_map(
    vectors: ArrayLike,
    *,
    neighbours: int = 15,
    gap: float = 0.1,
    dimensions: int = 2,
    seed: int = 0,
    epochs: int = 200,
    folder: Path | str | None = None,
) -> np.ndarray:
    """Places of `vectors`, shape (n, d), on a UMAP map by cosine: float32 (n, dimensions).

    `neighbours`: how many neighbours each vector is tied to, at least 2, below n (the package's
    `n_neighbors`); `gap`: how near points may lie (`min_dist`); `epochs`: rounds of moving them (the package
    takes 500 for small data; 200 are nearly as good). The first call in a process compiles for some ten
    seconds. `folder`: where to keep the map and to look for it. Raises DataError when the vectors or
    `neighbours` allow no map.
    L. McInnes, J. Healy and J. Melville, "UMAP", 2018, https://arxiv.org/abs/1802.03426; `umap-learn`.
    """
    matrix = _matrix(vectors)
    if not 2 <= neighbours < len(matrix):
        raise DataError(f"neighbours is {neighbours}: choose it from 2 to below the {len(matrix)} vectors.")

    def make() -> np.ndarray:
        model = _umap_class()(
            n_components=dimensions, n_neighbors=neighbours, min_dist=gap, metric="cosine", n_epochs=epochs,
            random_state=seed, n_jobs=1,  # a seed allows one thread only
        )  # fmt: skip
        return model.fit_transform(matrix)

    settings = {
        "neighbours": neighbours,
        "gap": gap,
        "dimensions": dimensions,
        "seed": seed,
        "epochs": epochs,
    }
    return _kept("umap-learn", matrix, settings, folder, make)


def random_map(count: int, dimensions: int = 2, *, seed: int = 0) -> np.ndarray:
    """Places that no vector has a say in, shape (count, dimensions): the baseline of every map."""
    return np.random.default_rng(seed).random((count, dimensions))


def _umap_class() -> type:
    with warnings.catch_warnings():
        # On import the package warns that it lacks TensorFlow, for a kind of map that is not used here.
        warnings.filterwarnings("ignore", "Tensorflow not installed", ImportWarning)
        from umap import UMAP
    return UMAP


def _kept(
    package: str,
    matrix: np.ndarray,
    settings: Mapping,
    folder: Path | str | None,
    make: Callable[[], np.ndarray],
) -> np.ndarray:
    """The map from its file in `folder`, or made now and kept there; an unreadable file is made anew."""
    if folder is None:
        return np.asarray(make(), dtype=np.float32)
    facts = {"package": package, "version": importlib.metadata.version(package), **settings}
    key = hashlib.sha256(
        json.dumps(facts, sort_keys=True).encode() + str(matrix.shape).encode() + matrix.tobytes()
    )
    path = Path(folder) / f"map_{key.hexdigest()[:20]}.parquet"
    with contextlib.suppress(OSError, ValueError):  # pyarrow's errors are ValueErrors
        places = pd.read_parquet(path).to_numpy(np.float32)
        if places.shape == (len(matrix), settings["dimensions"]):
            return places
    places = np.asarray(make(), dtype=np.float32)
    with contextlib.suppress(OSError), atomic_path(path) as temporary:  # a full disk costs time, not the map
        pd.DataFrame(places, columns=[f"x{i}" for i in range(places.shape[1])]).to_parquet(temporary)
    return places


# ----------------------------------------------------------------------------- what a map keeps


def neighbours(points: ArrayLike, k: int) -> np.ndarray:
    """Positions of the `k` nearest others of each of `points`, shape (n, d), the nearest first: int (n, k).

    By Euclidean distance, which for vectors of length 1 gives the same order as the cosine; ties by position.
    Raises DataError unless 1 <= k < n.
    """
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or not 1 <= k < len(points):
        raise DataError(f"k is {k} for points of shape {points.shape}: a matrix and 1 <= k < n are needed.")
    points = points - points.mean(axis=0)  # far from the origin, the squares would swallow the differences
    squares = (points**2).sum(axis=1)
    distances = squares[:, None] + squares - 2 * points @ points.T  # squared
    scale = max(float(squares.max()), 1e-300)
    distances = (distances / scale).round(DIGITS_THAT_COUNT)
    np.fill_diagonal(distances, np.inf)  # nobody is their own neighbour
    return np.argsort(distances, axis=1, kind="stable")[:, :k]


def neighbour_overlap(vectors: ArrayLike, places: ArrayLike, k: int = 10) -> float:
    """The share of each vector's `k` nearest that are among its `k` nearest on the map too: 0 to 1.

    Places at random reach k / (n - 1). See `kept_neighbours`.
    """
    return float(kept_neighbours(vectors, places, k).mean() / k)


def kept_neighbours(vectors: ArrayLike, places: ArrayLike, k: int = 10) -> np.ndarray:
    """How many of each vector's `k` nearest are among its `k` nearest on the map too: int (n,), 0 to `k`.

    Of places at the same distance the earlier counts as nearer; so a map with all in one place keeps a few.
    Raises DataError when there is not one place per vector, or a number is not finite.
    """
    _check_pairs(vectors, places)
    true, shown = neighbours(vectors, k), neighbours(places, k)
    return (true[:, :, None] == shown[:, None, :]).sum(axis=(1, 2))


def trustworthiness(vectors: ArrayLike, places: ArrayLike, k: int = 10) -> float:
    """How far the `k` nearest on the map can be trusted to be near in truth: 1 fully, about 0.5 at random.

    Punishes each false neighbour by how far down the true ranking it stands. Raises DataError unless
    1 <= k < n / 2, one place per vector, all finite.
    J. Venna and S. Kaski, "Neighborhood preservation in nonlinear projection methods: an experimental study",
    ICANN 2001; scikit-learn's `trustworthiness`.
    """
    from sklearn.manifold import trustworthiness as of

    _check_pairs(vectors, places)
    if not 1 <= k < len(vectors) / 2:
        raise DataError(f"k is {k} for {len(vectors)} vectors: trustworthiness needs 1 <= k < n / 2.")
    return float(
        of(np.asarray(vectors, dtype=np.float64), np.asarray(places, dtype=np.float64), n_neighbors=k)
    )


def distance_correlation(vectors: ArrayLike, places: ArrayLike) -> float:
    """Spearman's rank correlation of all pairs' distances, in the vectors and on the map: the large picture.

    1: farther apart on the map is always farther apart in truth; about 0: distances on the map mean nothing.
    Raises DataError when all distances are equal: then there is no order to compare.
    """
    from scipy.spatial.distance import pdist
    from scipy.stats import spearmanr

    _check_pairs(vectors, places)
    true, shown = (pdist(np.asarray(points, dtype=np.float64)) for points in (vectors, places))
    true, shown = true.round(DIGITS_THAT_COUNT), shown.round(DIGITS_THAT_COUNT)
    if min(np.ptp(true), np.ptp(shown)) == 0:
        raise DataError(
            "All distances are equal, in the vectors or on the map: there is no order to compare."
        )
    return float(spearmanr(true, shown).statistic)


def quality(vectors: ArrayLike, maps: Mapping[str, ArrayLike], k: int = 10) -> pd.DataFrame:
    """What each map keeps of `vectors`: one row per map.

    Columns: trustworthiness, overlap, distances (see `trustworthiness`, `neighbour_overlap`,
    `distance_correlation`). Needs all n x n distances: for a few thousand vectors.
    """
    rows = {
        name: (
            trustworthiness(vectors, places, k),
            neighbour_overlap(vectors, places, k),
            distance_correlation(vectors, places),
        )
        for name, places in maps.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["trustworthiness", "overlap", "distances"])


def label_agreement(points: ArrayLike, labels: ArrayLike, k: int = 10) -> tuple[float, float]:
    """How often a point has the label of its `k` nearest, and how often by chance: two shares.

    Chance: each point with everybody's neighbours, since some points are neighbours of many. Raises DataError
    unless there is one label per point.
    """
    labels = _labels(points, labels)
    near = labels[neighbours(points, k)]  # (n, k)
    names, own = np.unique(labels, return_inverse=True)
    shares = np.array([(near == name).mean() for name in names])
    return float((near == labels[:, None]).mean()), float(shares[own].mean())


def chance_agreement(
    points: ArrayLike, labels: ArrayLike, k: int = 10, *, shuffles: int = 200, seed: int = 0
) -> tuple[float, float]:
    """Between which shares `label_agreement` lies for labels that were shuffled: 95 % of the `shuffles`."""
    labels, near = _labels(points, labels), neighbours(points, k)
    rng = np.random.default_rng(seed)
    shares = []
    for _ in range(shuffles):
        shuffled = rng.permutation(labels)
        shares.append((shuffled[near] == shuffled[:, None]).mean())
    low, high = np.percentile(shares, [2.5, 97.5])
    return float(low), float(high)


def island_support(vectors: ArrayLike, islands: ArrayLike, k: int = 10) -> pd.DataFrame:
    """What the vectors say of each island of a map: one row per island, its number as the index "island".

    `islands`: a number per vector, shape (n,); -1 is no island. Columns: reviews (how many), share (of its
    members' `k` nearest in the vectors, how many are on it too), chance (its share of all).
    """
    islands = _labels(vectors, islands)
    near = islands[neighbours(vectors, k)]  # (n, k)
    names = np.unique(islands[islands != -1])
    rows = [
        ((islands == name).sum(), (near[islands == name] == name).mean(), (islands == name).mean())
        for name in names
    ]
    index = pd.Index(names, name="island")
    return pd.DataFrame(rows, index=index, columns=["reviews", "share", "chance"])


def middles(points: ArrayLike, labels: ArrayLike) -> np.ndarray:
    """The mean of each group's `points`, shape (n, d): (k, d), in the order of the sorted labels."""
    points, labels = np.asarray(points, dtype=np.float64), _labels(points, labels)
    return np.array([points[labels == name].mean(axis=0) for name in np.unique(labels)])


def claims(places: ArrayLike, labels: ArrayLike) -> list[tuple]:
    """What a map of labelled points seems to say: (a, b, c) for "group a is nearer to b than to c".

    One claim per group a: b is the group nearest to it on the map, by the groups' mean places, c the second
    nearest. Raises DataError for fewer than three groups, and unless there is one label per place.
    """
    names = np.unique(_labels(places, labels)).tolist()
    if len(names) < 3:
        raise DataError(f"Three groups or more are needed to compare distances; there are {len(names)}.")
    order = neighbours(middles(places, labels), 2)
    return [(a, names[b], names[c]) for a, (b, c) in zip(names, order)]


# ----------------------------------------------------------------------------- checks


def _matrix(vectors: ArrayLike) -> np.ndarray:
    matrix = np.ascontiguousarray(vectors, dtype=np.float32)
    if matrix.ndim != 2 or len(matrix) < FEWEST:
        raise DataError(
            f"A map needs a matrix of at least {FEWEST} vectors; this has the shape {matrix.shape}."
        )
    if not np.isfinite(matrix).all():
        raise DataError("Among the vectors are numbers that are NaN or infinite: embed those texts again.")
    return matrix


def _check_pairs(vectors: ArrayLike, places: ArrayLike) -> None:
    shapes = np.shape(vectors), np.shape(places)
    if len(shapes[0]) != 2 or len(shapes[1]) != 2 or shapes[0][0] != shapes[1][0]:
        raise DataError(f"One place per vector is needed, but the shapes are {shapes[0]} and {shapes[1]}.")
    if not (np.isfinite(vectors).all() and np.isfinite(places).all()):
        raise DataError("A place or a vector holds a number that is NaN or infinite: make the map again.")


def _labels(points: ArrayLike, labels: ArrayLike) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.shape != np.shape(points)[:1]:
        raise DataError(
            f"One label per point is needed, but the shapes are {np.shape(points)} and {labels.shape}."
        )
    return labels
