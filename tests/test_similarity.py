import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity

from helpers import similarity
from helpers.errors import DataError

coordinates = st.floats(-1e3, 1e3, allow_subnormal=False).map(lambda x: round(x, 3))
pairs = st.integers(1, 6).flatmap(lambda d: st.tuples(*[st.lists(coordinates, min_size=d, max_size=d)] * 2))


def by_the_book(a, b):
    lengths = math.hypot(*a) * math.hypot(*b)
    return math.fsum(x * y for x, y in zip(a, b)) / lengths if lengths else 0.0


@given(pairs)
def test_cosine_is_the_formula_and_zero_for_zero_vectors(pair):
    a, b = pair
    assert similarity.cosine(a, b) == pytest.approx(by_the_book(a, b), abs=1e-9)
    assert similarity.cosine(a, b) == pytest.approx(similarity.cosine(b, a), abs=1e-12)
    assert -1 <= similarity.cosine(a, b) <= 1


@given(pairs, st.floats(0.01, 100))
def test_cosine_does_not_see_length(pair, factor):
    a, b = map(np.array, pair)
    assert similarity.cosine(a * factor, b) == pytest.approx(similarity.cosine(a, b), abs=1e-9)


def test_magnitude_and_the_angles_of_known_arrows():
    assert similarity.magnitude([4, 3]) == 5.0
    assert similarity.magnitude(np.zeros(3)) == 0.0
    assert similarity.cosine([4, 3], [8, 6]) == pytest.approx(1)
    assert similarity.cosine([4, 3], [3, -4]) == 0
    assert similarity.cosine([4, 3], [-4, -3]) == pytest.approx(-1)


def test_a_matrix_is_scikit_learns_in_float64_also_with_a_row_of_zeros():
    rng = np.random.default_rng(1)
    left = rng.normal(size=(7, 5)).astype(np.float32)
    left[3] = 0
    right = rng.normal(size=(4, 5)).astype(np.float32)
    both = similarity.cosine_matrix(left, right)
    assert both.shape == (7, 4)
    assert both.dtype == np.float64
    assert np.allclose(both, cosine_similarity(left.astype(float), right.astype(float)), atol=1e-12)
    assert np.allclose(similarity.cosine_matrix(left), cosine_similarity(left.astype(float)), atol=1e-12)


def test_nearest_sorts_best_first_and_breaks_ties_by_position():
    vectors = [[0, 1], [2, 0], [1, 1], [5, 0], [-1, 0], [1, 0]]
    positions, cosines = similarity.nearest([1, 0], vectors, k=5)
    assert positions.tolist() == [1, 3, 5, 2, 0]
    assert cosines.tolist() == pytest.approx([1, 1, 1, 0.5**0.5, 0])
    assert similarity.nearest([1, 0], vectors, k=99)[0].shape == (6,)
    assert similarity.nearest([0, 0], vectors, k=3)[0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("dimensions", [64, 256, 1536])
def test_equal_rows_stay_in_order_wherever_they_stand(dimensions):
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(997, dimensions)).astype(np.float32)
    same = np.sort(rng.choice(997, size=200, replace=False))
    vectors[same] = vectors[same[0]]
    positions, _ = similarity.nearest(vectors[same[0]], vectors, k=200)
    assert positions.tolist() == same.tolist()


def test_what_cannot_be_compared_says_so_in_a_sentence():
    with pytest.raises(DataError, match="256 and of 64 numbers cannot be compared"):
        similarity.cosine(np.ones(256), np.ones(64))
    with pytest.raises(DataError, match=r"One vector, .* shape \(1, 3\)"):
        similarity.magnitude([[1, 2, 3]])
    with pytest.raises(DataError, match=r"\(n, d\) is wanted"):
        similarity.nearest([1, 2], [1, 2], k=1)
    with pytest.raises(ValueError, match="at least 1"):
        similarity.nearest([1, 2], [[1, 2]], k=0)
