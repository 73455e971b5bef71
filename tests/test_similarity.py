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


# ----------------------------------------------------------------------------- the best of many


def by_sorting(queries, vectors, k):
    cosines = similarity.cosine_matrix(queries, vectors)
    return np.argsort(-cosines.round(9), axis=1, kind="stable")[:, :k], cosines


@pytest.mark.parametrize("count, dimensions, k", [(1, 3, 1), (7, 2, 9), (500, 16, 10), (3_001, 64, 5)])
@pytest.mark.parametrize("unit", [True, False])
def test_top_k_is_what_sorting_all_cosines_gives(count, dimensions, k, unit):
    rng = np.random.default_rng(count)
    vectors = rng.normal(size=(count, dimensions)).astype(np.float32)
    queries = rng.normal(size=(40, dimensions))
    if unit:
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    else:
        vectors *= rng.uniform(0.01, 100, size=(count, 1)).astype(np.float32)
    positions, cosines = similarity.cosine_top_k(queries, vectors, k, unit=unit)
    expected, all_cosines = by_sorting(queries, vectors, k)
    assert positions.shape == cosines.shape == (40, min(k, count))
    assert np.array_equal(positions, expected)
    assert np.allclose(cosines, np.take_along_axis(all_cosines, expected, axis=1), atol=1e-12)


@given(st.integers(1, 60), st.integers(1, 8), st.integers(0, 1000), st.sampled_from([1, 3, 64]))
def test_top_k_of_many_equal_vectors_and_zeros(count, k, seed, group):
    """Few different vectors, so that nearly all is tied: the earlier position must win in every case."""
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-1, 2, size=(count, 2)).astype(float)
    queries = rng.integers(-1, 2, size=(5, 2)).astype(float)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(similarity, "GROUP", group)
        patch.setattr(similarity, "SCORES_AT_ONCE", 2 * count)  # several batches
        positions, _ = similarity.cosine_top_k(queries, vectors, k)
    assert np.array_equal(positions, by_sorting(queries, vectors, k)[0])


def test_top_k_tells_apart_what_float32_cannot():
    angles = np.array([3e-4, 1e-4, 2e-4, 0.5])  # cosines that differ by less than float32's rounding
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for unit in (True, False):
        assert similarity.cosine_top_k([[1, 0]], vectors, 2, unit=unit)[0].tolist() == [[1, 2]]


def test_top_k_with_tiny_and_huge_lengths():
    vectors = np.array([[1e-30, 1e-30], [1e30, 0], [0, 1e-42]], dtype=np.float32)
    assert similarity.cosine_top_k([[1, 0.1]], vectors, 3)[0].tolist() == [[1, 0, 2]]


def test_nearest_finds_the_same_with_and_without_unit():
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(300, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[40] = vectors[7]
    for query in (vectors[7], rng.normal(size=16)):
        plain, fast = (similarity.nearest(query, vectors, 12, unit=unit) for unit in (False, True))
        assert np.array_equal(plain[0], fast[0])
        assert np.allclose(plain[1], fast[1], atol=1e-12)
    with pytest.raises(DataError, match="not all of length 1"):
        similarity.nearest(vectors[0], 2 * vectors, 1, unit=True)


def test_top_k_of_nothing():
    assert similarity.cosine_top_k(np.empty((2, 0)), np.empty((3, 0)), 2)[0].tolist() == [[0, 1]] * 2
    assert similarity.cosine_top_k(np.empty((0, 3)), np.ones((4, 3)), 2)[0].shape == (0, 2)
    assert similarity.cosine_top_k(np.ones((2, 3)), np.empty((0, 3)), 2)[0].shape == (2, 0)


def test_top_k_refuses_what_would_give_wrong_answers():
    vectors = np.eye(4, dtype=np.float32)
    with pytest.raises(DataError, match="not all of length 1"):
        similarity.cosine_top_k([[1, 0, 0, 0]], 3 * vectors, 1, unit=True)
    vectors[2, 1] = np.nan
    for unit in (True, False):
        with pytest.raises(DataError, match="NaN or infinite"):
            similarity.cosine_top_k([[1, 0, 0, 0]], vectors, 1, unit=unit)
    with pytest.raises(DataError, match="Vectors of 3 and of 4"):
        similarity.cosine_top_k([[1, 0, 0]], np.eye(4), 1)
    with pytest.raises(ValueError, match="at least 1"):
        similarity.cosine_top_k(np.eye(4), np.eye(4), 0)
