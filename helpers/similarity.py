"""How alike vectors are: length, cosine, and the nearest of many.

Works on arrays alone and knows neither texts nor hosts. Everything is computed in float64. A vector of zeros
has no direction; its cosine with anything is 0 here, where the formula would divide by zero.
Left out so far: searching in reviews, near-duplicates, recommendations, an index for millions of vectors.
"""

import numpy as np
from numpy.typing import ArrayLike

from helpers.errors import DataError

DIGITS_THAT_COUNT = 9  # cosines that agree to so many digits are ties


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
    if rows.shape[1] != columns.shape[1]:
        raise DataError(
            f"Vectors of {rows.shape[1]} and of {columns.shape[1]} numbers cannot be compared: they come "
            "from different models, or one was cut. Embed both with one model and one number of dimensions."
        )
    lengths = np.outer(np.linalg.norm(rows, axis=1), np.linalg.norm(columns, axis=1))
    return np.clip(rows @ columns.T / np.where(lengths == 0, 1, lengths), -1, 1)


def nearest(query: ArrayLike, vectors: ArrayLike, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The `k` of `vectors`, shape (n, d), whose cosine with `query`, (d,), is greatest, best first.

    Returns their positions, int64 (k,), and cosines, float64 (k,); fewer when n < k. Of equal ones the
    earlier comes first. Raises DataError when the shapes do not fit, ValueError when `k` is below 1.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    cosines = cosine_matrix(_vector(query)[None], vectors)[0]
    # Equal rows can differ in a product's last bits, by where they stand; rounding makes them ties again.
    positions = np.argsort(-cosines.round(DIGITS_THAT_COUNT), kind="stable")[:k]
    return positions, cosines[positions]


def _vector(value: ArrayLike) -> np.ndarray:
    array = np.asarray(value, dtype=np.float64)
    if array.ndim != 1:
        raise DataError(f"One vector, of shape (d,), is wanted, but this has the shape {array.shape}.")
    return array


def _matrix(value: ArrayLike) -> np.ndarray:
    array = np.asarray(value, dtype=np.float64)
    if array.ndim != 2:
        raise DataError(f"A matrix of shape (n, d) is wanted, but this has the shape {array.shape}.")
    return array
