"""What is done to parts one by one, and how the results come together: vectors, search, groups, directions.

Each step is a function of one part, and what it gives can be put together in any order (the best of the best,
sums of sums). So the same functions run in a loop here, or on a cluster (`cluster`): pass its `each_part` as
`run`. In memory are one part and one result, however many parts there are.

Left out: an approximate index (`index`), UMAP and MiniBatchKMeans, which see part after part (`models`).
"""

import dataclasses
import functools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers.errors import DataError
from helpers.scale.parts import Parts, Recipe, mixture
from helpers.similarity import DIGITS_THAT_COUNT, cosine_top_k

if TYPE_CHECKING:
    from helpers.connect import Host

Run = Callable[..., Iterator[Any]]


def each_part(
    step: Callable[..., Any], parts: Parts, *arguments: Any, numbers: Sequence[int]
) -> Iterator[Any]:
    """`step(parts, number, *arguments)` for each of `numbers`, one after the other."""
    for number in numbers:
        yield step(parts, number, *arguments)


# ----------------------------------------------------------------------------- vectors


@dataclasses.dataclass(frozen=True)
class Embedder:
    """Texts to vectors by a host, as a small thing that can be sent to another process.

    `host` is a name that `connect` knows, or None for what the settings there say: keys do not travel.
    """

    model: str
    host: str | None = None
    dimensions: int | None = None

    def __call__(self, texts: list[str]) -> np.ndarray:
        """One unit-length vector per text, float32 (n, d)."""
        from helpers import embeddings

        host = _connected(self.host)
        return embeddings.embed(
            texts, host.client, self.model, dimensions=self.dimensions, cache=host.cache, progress=False
        )


@functools.cache
def _connected(host: str | None) -> "Host":
    from helpers.connect import connect

    return connect(host)


@dataclasses.dataclass(frozen=True)
class Done:
    """What `embed` did in one call."""

    rows: int
    parts: int
    parts_there: int  # before this call
    seconds: float

    def __repr__(self) -> str:
        return (
            f"{self.rows:,} rows in {self.parts:,} parts embedded, {self.parts_there:,} parts were there; "
            f"{self.seconds:.1f} s"
        )


def embed(
    parts: Parts,
    embedder: Callable[[list[str]], np.ndarray],
    *,
    run: Run = each_part,
    kind: type = np.float32,
    most: int | None = None,
    progress: bool = False,
) -> Done:
    """Give every part that has none its vectors; those that are there stay.

    Start it again after whatever ended it, and it goes on. `kind`: float32 or float16 on the disk. `most`:
    no more than so many parts in this call. Raises DataError when the vectors that are there are another
    model's, have another width or kind, or another run is at work here; and what the host or disk raises.
    """
    from tqdm.auto import tqdm

    started = time.perf_counter()
    rows = 0
    with (
        parts.alone(),
        tqdm(total=parts.rows, unit="row", desc="Embedding", disable=not progress) as bar,
    ):
        _refuse_mixture(parts, embedder, kind)
        missing = parts.missing()
        todo = missing[:most]
        bar.update(parts.rows - sum(_length(parts, number) for number in missing))
        for count in run(embed_part, parts, embedder, kind, numbers=todo):
            rows += count
            bar.update(count)
    return Done(rows, len(todo), len(parts) - len(missing), time.perf_counter() - started)


def _refuse_mixture(parts: Parts, embedder: Callable[[list[str]], np.ndarray], kind: type) -> None:
    """Before anything is paid for: hold what the embedder says of itself against the vectors there are."""
    if there := parts.made_by():
        dimensions = getattr(embedder, "dimensions", None) or there.dimensions
        wanted = Recipe(getattr(embedder, "model", None), dimensions, np.dtype(kind).name)
        if not there.fits(wanted):
            raise mixture(parts.folder, there, wanted)


def embed_part(parts: Parts, number: int, embedder: Callable[[list[str]], np.ndarray], kind: type) -> int:
    """The vectors of one part, made and kept; returns the number of rows."""
    vectors = embedder(parts.texts(number))
    parts.write_vectors(number, vectors, kind, model=getattr(embedder, "model", None))
    return len(vectors)


def _length(parts: Parts, number: int) -> int:
    return min(parts.rows_per_part, parts.rows - parts.start(number))


# ----------------------------------------------------------------------------- search


def search(
    parts: Parts, queries: np.ndarray, k: int = 10, *, run: Run = each_part
) -> tuple[np.ndarray, np.ndarray]:
    """The `k` rows whose vectors are nearest to each of `queries`, (m, d), by the cosine: exact.

    Returns positions in the whole, int64 (m, k), and cosines, float64 (m, k), the best first; of equal ones
    the earlier. The best of all are among the best of each part.
    """
    found = list(run(search_part, parts, queries, k, numbers=_all(parts)))
    positions = np.concatenate([part for part, _ in found], axis=1)
    cosines = np.concatenate([part for _, part in found], axis=1)
    order = np.lexsort((positions, -cosines.round(DIGITS_THAT_COUNT)), axis=1)[:, :k]
    return np.take_along_axis(positions, order, axis=1), np.take_along_axis(cosines, order, axis=1)


def search_part(parts: Parts, number: int, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The best of one part, as `search` returns them."""
    vectors = parts.vectors(number)
    exact = np.abs(np.einsum("ij,ij->i", vectors, vectors) - 1).max() < 1e-5  # float16 has rounded them
    positions, cosines = cosine_top_k(queries, vectors, k, unit=bool(exact))
    return positions + parts.start(number), cosines


# ----------------------------------------------------------------------------- groups


@dataclasses.dataclass(frozen=True)
class Sums:
    """What some vectors tell about groups around given centres: adding them up loses nothing."""

    counts: np.ndarray  # (k,)
    sums: np.ndarray  # (k, d), float64
    inertia: float  # sum of squared distances to the nearest centre

    def centres(self, old: np.ndarray) -> np.ndarray:
        """The next centres, (k, d): each group's mean, and the `old` centre of a group without rows."""
        counts = self.counts[:, None]
        return np.where(counts > 0, self.sums / np.maximum(counts, 1), old)

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(self.counts + other.counts, self.sums + other.sums, self.inertia + other.inertia)


def kmeans_pass(parts: Parts, centres: np.ndarray, *, run: Run = each_part) -> Sums:
    """Each vector to its nearest of `centres`, (k, d): counts, sums and inertia over all parts.

    `centres(old)` of the result are the next ones: one step of Lloyd's algorithm, exact, on any number of
    rows. Raises ValueError for centres that hold NaN.
    """
    if np.isnan(centres).any():
        raise ValueError("centres must be numbers, but some are NaN")
    return _total(run(sums_part, parts, centres, numbers=_all(parts)))


def sums_part(parts: Parts, number: int, centres: np.ndarray) -> Sums:
    """`kmeans_pass` on one part."""
    vectors = parts.vectors(number)
    labels, squares = nearest_centre(vectors, centres)
    sums = np.zeros(centres.shape)
    np.add.at(sums, labels, vectors)
    return Sums(np.bincount(labels, minlength=len(centres)), sums, float(squares.sum()))


def labels_part(parts: Parts, number: int, centres: np.ndarray) -> np.ndarray:
    """The number of the nearest centre for each row of a part, int64 (rows,)."""
    return nearest_centre(parts.vectors(number), centres)[0]


def nearest_centre(vectors: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each of `vectors`, (n, d), its nearest of `centres`, (k, d), and the squared distance to it."""
    squares = np.einsum("ij,ij->i", vectors, vectors)[:, None] - 2 * vectors @ centres.T.astype(np.float32)
    squares = squares + np.einsum("ij,ij->i", centres, centres)
    labels = squares.argmin(axis=1)
    return labels, np.maximum(squares[np.arange(len(labels)), labels], 0).astype(np.float64)


# ----------------------------------------------------------------------------- directions


@dataclasses.dataclass(frozen=True)
class Moments:
    """How many vectors, their sum, and the sum of their outer products: all that PCA needs of them."""

    count: int
    sum: np.ndarray  # (d,), float64
    products: np.ndarray  # (d, d), float64

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(self.count + other.count, self.sum + other.sum, self.products + other.products)

    @property
    def mean(self) -> np.ndarray:
        """The mean vector, (d,)."""
        return self.sum / self.count

    @property
    def covariance(self) -> np.ndarray:
        """(d, d), divided by n - 1."""
        return (self.products - np.outer(self.sum, self.mean)) / (self.count - 1)


def moments(parts: Parts, *, run: Run = each_part) -> Moments:
    """Count, sum and products over all parts."""
    return _total(run(moments_part, parts, numbers=_all(parts)))


def moments_part(parts: Parts, number: int) -> Moments:
    """`moments` of one part."""
    vectors = parts.vectors(number).astype(np.float64)
    return Moments(len(vectors), vectors.sum(axis=0), vectors.T @ vectors)


def directions(of: Moments, dimensions: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """The principal directions, (dimensions, d), and the share of the variance that each keeps.

    The same as scikit-learn's PCA on the whole matrix, to rounding; each direction's largest number is
    positive, as there. Raises DataError for fewer than two vectors.
    """
    if of.count < 2:
        raise DataError(f"{of.count} vector has no directions to differ in: 2 are needed.")
    values, vectors = np.linalg.eigh(of.covariance)
    axes = vectors[:, ::-1][:, :dimensions].T
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
    return axes * signs[:, None], values[::-1][:dimensions] / values.sum()


def places_part(parts: Parts, number: int, mean: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """A part's places on the map of `axes`, float32 (rows, dimensions)."""
    return ((parts.vectors(number) - mean) @ axes.T).astype(np.float32)


def _total(results: Iterator[Any]) -> Any:
    first = next(results)
    for result in results:
        first = first + result
    return first


def _all(parts: Parts) -> range:
    """All numbers. Raises DataError when parts have no vectors yet, or not all were made the same way."""
    parts.complete()
    return range(len(parts))
