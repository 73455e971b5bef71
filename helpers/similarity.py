"""How alike vectors are: length, cosine, and the nearest of many.

Works on arrays alone and knows neither texts nor hosts. What is returned is computed in float64. A vector of
zeros has no direction; its cosine with anything is 0 here, where the formula would divide by zero.
Left out: an approximate index for millions of vectors. `cosine_top_k` looks at every vector, so its answer is
exact; searching in texts is in `search`, repeats in `near_duplicates`.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike

from helpers.errors import DataError

DIGITS_THAT_COUNT = 9  # cosines that agree to so many digits are ties
SCORES_AT_ONCE = 2**25  # float32 scores held at a time: 128 MB, or one query's if that is more
NUMBERS_AT_ONCE = 2**22  # float64 numbers gathered at a time when candidates are scored again
GROUP = 64  # scores that share a maximum
THREADS = min(4, os.cpu_count() or 1)  # for what follows the product, which numpy does on one core
THREADS_FROM = 32  # queries; for fewer, starting a thread takes longer than it saves
NOT_FINITE = "Among the vectors are numbers that are NaN or infinite: embed those texts again."


def magnitude(vector: ArrayLike) -> float:
    """Euclidean length of a vector of shape (d,): the root of the sum of its squared coordinates.

    Raises DataError when it has another shape.
    """
    return float(np.linalg.norm(_vector(vector)))


def cosine(a: ArrayLike, b: ArrayLike) -> float:
    """Cosine of the angle between two vectors of shape (d,): from -1 (opposite) to 1 (same direction).

    0.0 when either is all zeros. Raises DataError when the shapes differ or are not (d,).
    """
    return float(cosine_matrix(_vector(a)[None], _vector(b)[None])[0, 0])


def cosine_matrix(vectors: ArrayLike, others: ArrayLike | None = None) -> np.ndarray:
    """Cosine of each of `vectors`, shape (n, d), with each of `others`, (m, d), or with one another.

    Returns float64 of shape (n, m), or (n, n) without `others`.
    Raises DataError when the shapes do not fit each other.
    """
    rows = _matrix(vectors)
    columns = rows if others is None else _matrix(others)
    _check_same_width(rows, columns)
    lengths = np.outer(np.linalg.norm(rows, axis=1), np.linalg.norm(columns, axis=1))
    return np.clip(rows @ columns.T / np.where(lengths == 0, 1, lengths), -1, 1)


def nearest(
    query: ArrayLike, vectors: ArrayLike, k: int, *, unit: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """The `k` of `vectors`, shape (n, d), whose cosine with `query`, (d,), is greatest, best first.

    Returns their positions, int64 (k,), and cosines, float64 (k,); fewer when n < k. Of equal ones the
    earlier comes first. `unit` promises that all `vectors` have length 1: the result is the same, many times
    sooner (see `cosine_top_k`). Raises DataError when the shapes do not fit or `unit` is seen to be untrue,
    ValueError when `k` is below 1.
    """
    positions, cosines = cosine_top_k(_vector(query)[None], vectors, k, unit=unit)
    return positions[0], cosines[0]


def cosine_top_k(
    queries: ArrayLike, vectors: ArrayLike, k: int, *, unit: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """For each of `queries`, (m, d), the `k` of `vectors`, (n, d), with the greatest cosine, best first.

    Returns their positions, int64 (m, k), and cosines, float64 (m, k); fewer columns when n < k. Exact: of
    cosines that agree to DIGITS_THAT_COUNT digits the earlier position comes first.
    `unit` promises that all `vectors` have length 1 (as `embeddings.embed` returns them): their lengths are
    then not computed, which for a single query takes longer than the search.

    How: float32 products find every vector that rounding could allow among the best, float64 decides. Sorting
    all scores, or even partitioning them, would take longer than the product. So first the maximum of each
    group of scores is taken: at least k scores reach the k-th greatest maximum, so that groups below it
    cannot hold one of the best. Beside the vectors this needs about 128 MB (see SCORES_AT_ONCE), and without
    `unit` a float32 copy of the vectors.

    Time, with `unit`, 100,000 vectors of 256 dimensions, two cores (`tests/benchmarks/search_speed.py`): one
    query takes 1.0 to 1.1 times the bare product `queries @ vectors.T`. 1,000 queries take 1.4 times that
    product, which also pays for fresh memory (0.6 to 1.2 times on busy cores), and 1.6 to 1.8 times one into
    memory that is already there. Without `unit` one query takes 14 times the product.

    Raises DataError when the shapes do not fit, a number is NaN or infinite, or `unit` is seen to be untrue
    among the best; ValueError when `k` is below 1.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    rows, table = _matrix(queries), _matrix(vectors, keep=np.float32)
    _check_same_width(rows, table)
    rows = _to_unit_length(rows, np.float64)
    plain = table.astype(np.float32, copy=False) if unit else _to_unit_length(table, np.float32)
    count, k = len(table), min(k, len(table))
    positions, cosines = np.empty((len(rows), k), np.int64), np.empty((len(rows), k))
    if not k or not len(rows):
        return positions, cosines
    batch = min(len(rows), max(1, SCORES_AT_ONCE // count))
    size = max(1, min(GROUP, count // (4 * k)))
    scores = np.empty((batch, -(-count // size) * size), np.float32)  # used again for every batch
    scores[:, count:] = -np.inf  # fills the last places, so that all groups are of one size

    def finish(part: range, at: int) -> None:
        """Find the best for the queries of `part`, whose scores begin in row `at` of `scores`."""
        which, where = _candidates(scores[at : at + len(part)], size, k, table.shape[1])
        some = rows[part.start : part.stop]
        exact = _cosines_of_pairs(some, table, which, where, unit=unit)
        # Equal rows can differ in a product's last bits, by where they stand; rounding makes them ties again.
        order = np.lexsort((where, -exact.round(DIGITS_THAT_COUNT), which))
        first = np.searchsorted(which[order], np.arange(len(part)))
        best = order[first[:, None] + np.arange(k)]  # (part, k)
        positions[part.start : part.stop], cosines[part.start : part.stop] = where[best], exact[best]

    workers = THREADS if len(rows) >= THREADS_FROM else 1
    with ThreadPoolExecutor(workers) as threads:  # starts a thread when it is first used
        for start in range(0, len(rows), batch):
            now = range(start, min(start + batch, len(rows)))
            some = rows[now.start : now.stop].astype(np.float32)
            np.matmul(some, plain.T, out=scores[: len(now), :count])
            step = -(-len(now) // workers)
            offsets = range(0, len(now), step)
            apply = map if workers == 1 else threads.map
            list(apply(finish, [now[at : at + step] for at in offsets], offsets))
    return positions, cosines


def _candidates(scores: np.ndarray, size: int, k: int, dimensions: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (query, vector) among which each query's best `k` are; `scores`: (queries, groups * size)."""
    groups = scores.shape[1] // size
    members = scores.reshape(len(scores), size, groups)  # group g: positions g, g + groups, g + 2 groups ...
    maxima = members.max(axis=1)
    if not np.isfinite(maxima).all():
        raise DataError(NOT_FINITE)
    # A product's error is at most about d roundings; the k-th best and a rival may be off both ways.
    slack = 2 * _rounding(dimensions)
    enough = np.partition(maxima, groups - k, axis=1)[:, groups - k] - slack  # (queries,)
    query, group = np.nonzero(maxima >= enough[:, None])
    pair, place = np.nonzero(members[query, :, group] >= enough[query, None])
    return query[pair], place * groups + group[pair]


def _cosines_of_pairs(
    queries: np.ndarray, vectors: np.ndarray, which: np.ndarray, where: np.ndarray, *, unit: bool
) -> np.ndarray:
    """float64 cosines of queries[which], of unit length, with vectors[where]; shape (pairs,)."""
    cosines = np.empty(len(which))
    step = max(1, NUMBERS_AT_ONCE // max(1, vectors.shape[1]))
    for start in range(0, len(which), step):
        part = slice(start, start + step)
        chosen = vectors[where[part]].astype(np.float64)
        lengths = np.linalg.norm(chosen, axis=1)
        if unit and np.abs(lengths - 1).max() > _rounding(vectors.shape[1]):
            raise DataError("The vectors are not all of length 1: call cosine_top_k without unit=True.")
        products = np.einsum("ij,ij->i", queries[which[part]], chosen)
        cosines[part] = products / np.where(lengths == 0, 1, lengths)
    return np.clip(cosines, -1, 1)


def _rounding(dimensions: int) -> float:
    """What float32 may add to or take from a product of unit vectors, with some room (Higham 2002, 3.1)."""
    return (dimensions + 8) * 2.0**-24


def _to_unit_length(vectors: np.ndarray, kind: type) -> np.ndarray:
    """Rows of zeros stay as they are. A few rows at a time, which stay in the processor's cache."""
    result = np.empty(vectors.shape, kind)
    step = max(1, 2**17 // max(1, vectors.shape[1]))
    for start in range(0, len(vectors), step):
        some = vectors[start : start + step].astype(np.float64)
        lengths = np.sqrt(np.einsum("ij,ij->i", some, some))[:, None]
        if not np.isfinite(lengths).all():
            raise DataError(NOT_FINITE)
        result[start : start + step] = some / np.where(lengths == 0, 1, lengths)
    return result


def _check_same_width(rows: np.ndarray, columns: np.ndarray) -> None:
    if rows.shape[1] != columns.shape[1]:
        raise DataError(
            f"Vectors of {rows.shape[1]} and of {columns.shape[1]} numbers cannot be compared: they come "
            "from different models, or one was cut. Embed both with one model and one number of dimensions."
        )


def _vector(value: ArrayLike) -> np.ndarray:
    array = np.asarray(value, dtype=np.float64)
    if array.ndim != 1:
        raise DataError(f"One vector, of shape (d,), is wanted, but this has the shape {array.shape}.")
    return array


def _matrix(value: ArrayLike, keep: type = np.float64) -> np.ndarray:
    """`value` as float64 of shape (n, d); as it is when its type is `keep`."""
    array = np.asarray(value)
    array = array if array.dtype == keep else array.astype(np.float64)
    if array.ndim != 2:
        raise DataError(f"A matrix of shape (n, d) is wanted, but this has the shape {array.shape}.")
    return array
