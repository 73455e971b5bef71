"""An approximate index: the nearest of half a million vectors without looking at all of them.

    index = build(parts, "reviews.index")
    positions, cosines = index.search(queries, k=10)
    recall(parts, queries, positions, exact_cosines)

HNSW, the graph in which every vector knows some near and some far ones and a search walks from one to the
next (Malkov and Yashunin, 2018, arXiv:1603.09320). The library is usearch: of those with ready-made builds
for Python 3.11 to 3.14 on Windows, macOS and Linux its packages are the smallest (about 1 MB to download on
Windows and macOS and 13 on Linux; faiss-cpu has 5 to 18, lancedb 65 to 80, and hnswlib has none ready-made).
It keeps numbers as float16 and searches its file where it lies (`view`), so that an index larger than memory
can be used. Nothing is claimed about its speed beside theirs.

What is found is nearly always, not always, what an exact search finds. `wide` is how many candidates a walk
keeps: more find more and take longer. Left out: deleting, filters, and stronger compression.
"""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.errors import DataError
from helpers.files import atomic_path
from helpers.scale.parts import Parts

if TYPE_CHECKING:
    from usearch.index import Index as Graph

NEIGHBOURS = 16  # of each vector in the graph
WIDE_WHILE_BUILDING = 128
WIDE = 64
ROUNDING = 1e-6  # of a cosine, in float32


@dataclasses.dataclass(frozen=True)
class Index:
    """A graph over the vectors of some parts; `positions` are those in the whole."""

    graph: "Graph"

    def __len__(self) -> int:
        return len(self.graph)

    def search(self, queries: np.ndarray, k: int = 10, *, wide: int = WIDE) -> tuple[np.ndarray, np.ndarray]:
        """The `k` vectors that a walk finds nearest to each of `queries`, (m, d), by the cosine.

        Returns positions, int64 (m, k), and cosines, float32 (m, k), the best first; where fewer are found,
        position -1 and cosine NaN. Raises ValueError for queries that are no table of numbers.
        """
        if queries.ndim != 2 or not np.isfinite(queries).all():
            raise ValueError(f"queries must be numbers of shape (m, d), not {queries.shape} or NaN")
        k = min(k, len(self))
        self.graph.expansion_search = max(wide, k)
        matches = self.graph.search(np.ascontiguousarray(queries, dtype=np.float32), k, threads=1)
        positions = np.asarray(matches.keys).reshape(len(queries), -1).astype(np.int64)
        cosines = 1 - np.asarray(matches.distances).reshape(len(queries), -1)
        return positions, cosines.astype(np.float32)

    @property
    def megabytes(self) -> float:
        """What the index takes in memory when it is there whole."""
        return self.graph.memory_usage / 1e6


def build(
    parts: Parts,
    path: Path | str,
    *,
    neighbours: int = NEIGHBOURS,
    wide: int = WIDE_WHILE_BUILDING,
    numbers: str = "f16",
    threads: int = 1,
    progress: bool = False,
) -> Index:
    """Puts the vectors of all parts into a graph, one part after the other, and keeps it in the file `path`.

    `neighbours` and `wide` make a better graph, for more time and memory. `numbers`: "f32", "f16" (half the
    size) or "i8" (a quarter). With one thread the same vectors give the same graph on the same machine.
    Raises DataError when parts have no vectors yet.
    """
    from tqdm.auto import tqdm
    from usearch.index import Index as Graph

    parts.complete()
    graph: Graph | None = None
    with tqdm(total=parts.rows, unit="row", desc="Indexing", disable=not progress) as bar:
        for number in range(len(parts)):
            vectors = parts.vectors(number)
            if graph is None:
                graph = Graph(
                    ndim=vectors.shape[1],
                    metric="cos",
                    dtype=numbers,
                    connectivity=neighbours,
                    expansion_add=wide,
                )
            keys = parts.start(number) + np.arange(len(vectors), dtype=np.uint64)
            graph.add(keys, vectors, threads=threads)
            bar.update(len(vectors))
    assert graph is not None  # a folder of parts has one at least
    try:
        with atomic_path(path) as temporary:
            temporary.write_bytes(graph.save())  # by Python: any name of a folder will do
    except OSError as error:
        raise DataError(
            f"The index {Path(path).name} could not be written ({error.strerror}): close what uses it."
        ) from error
    return Index(graph)


def open_index(path: Path | str, *, in_memory: bool = False) -> Index:
    """An index that `build` has kept: read where it lies on the disk, or `in_memory`.

    Raises DataError when the file is missing or no index.
    """
    from usearch.index import Index as Graph

    if not Path(path).is_file():
        raise DataError(f"There is no index {Path(path).name}: build it first.")
    try:
        graph = Graph.restore(str(path), view=not in_memory)
    except (RuntimeError, ValueError) as error:
        raise DataError(f"{Path(path).name} is damaged or no index: build it again.") from error
    if graph is None:
        raise DataError(f"{Path(path).name} is damaged or no index: build it again.")
    return Index(graph)


def recall(parts: Parts, queries: np.ndarray, positions: np.ndarray, exact: np.ndarray) -> float:
    """The share of found rows that belong to the exact nearest: 0 to 1.

    `queries` (m, d); `positions` (m, k) of the rows that were found; `exact`: cosines (m, k) of an exact
    search, best first. A found row belongs when its own cosine, worked out anew from the vectors of `parts`,
    is no less than the last of the exact ones: of equal vectors any will do. Position -1: nothing was found.
    """
    there = positions >= 0
    queries = np.repeat(queries.astype(np.float64), positions.shape[1], axis=0)
    vectors = parts.vectors_at(np.where(there, positions, 0).ravel()).astype(np.float64)
    lengths = np.linalg.norm(queries, axis=1) * np.linalg.norm(vectors, axis=1)
    cosines = (np.einsum("ij,ij->i", queries, vectors) / lengths).reshape(positions.shape)
    return float((there & (cosines >= exact[:, -1:] - ROUNDING)).mean())


def headlines(parts: Parts, count: int, *, seed: int = 0) -> list[str]:
    """The first lines of `count` rows, each once, to search with: short, as what somebody types.

    A row as its own query would find itself, which is no feat and no search.
    """
    positions = np.random.default_rng(seed).permutation(parts.rows)[: 4 * count]
    lines = dict.fromkeys(text.split("\n", 1)[0] for text in parts.take(positions).text)
    return list(lines)[:count]
