"""Maps and what they keep: against the definition, in words of few lines, and against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.neighbors import NearestNeighbors

from helpers import projection
from helpers.errors import DataError

RNG = np.random.default_rng(0)
HIGH = RNG.standard_normal((60, 8))
FLAT = HIGH[:, :2]


def test_neighbours_are_scikit_learns():
    found = projection.neighbours(HIGH, 5)
    expected = NearestNeighbors(n_neighbors=5).fit(HIGH).kneighbors(return_distance=False)
    assert np.array_equal(found, expected)


def test_ties_go_to_the_earlier_and_nobody_is_their_own_neighbour():
    points = np.array([[0, 0], [1, 0], [-1, 0], [0, 0]])
    assert projection.neighbours(points, 2).tolist() == [[3, 1], [0, 3], [0, 3], [0, 1]]


@pytest.mark.parametrize("k", [0, 60, -1])
def test_neighbours_that_there_are_not(k):
    with pytest.raises(DataError, match="k is"):
        projection.neighbours(HIGH, k)


def test_overlap_by_its_definition():
    true, shown = projection.neighbours(HIGH, 7), projection.neighbours(FLAT, 7)
    by_hand = np.mean([len(set(a) & set(b)) / 7 for a, b in zip(true.tolist(), shown.tolist())])
    assert projection.neighbour_overlap(HIGH, FLAT, 7) == pytest.approx(by_hand)
    assert projection.neighbour_overlap(HIGH, 3 * HIGH + 1, 7) == 1


def test_neighbours_far_from_the_origin_stay_the_same():
    assert np.array_equal(projection.neighbours(HIGH + 10_000, 5), projection.neighbours(HIGH, 5))


def test_kept_neighbours_are_counted_one_by_one():
    kept = projection.kept_neighbours(HIGH, FLAT, 7)
    true, shown = projection.neighbours(HIGH, 7).tolist(), projection.neighbours(FLAT, 7).tolist()
    assert kept.tolist() == [len(set(a) & set(b)) for a, b in zip(true, shown)]


def test_island_support_by_its_definition():
    islands = np.array([-1] * 10 + [0] * 30 + [4] * 20)
    table = projection.island_support(HIGH, islands, 7)
    assert table.index.tolist() == [0, 4]
    assert table.reviews.tolist() == [30, 20]
    near = projection.neighbours(HIGH, 7)[islands == 4]
    assert table.share[4] == pytest.approx(np.mean([islands[i] == 4 for i in near.ravel()]))
    assert table.chance[4] == pytest.approx(1 / 3)


def test_the_interval_of_chance_holds_chance_and_not_a_real_agreement():
    labels = (HIGH[:, 0] > 0).astype(int)
    low, high = projection.chance_agreement(HIGH[:, :1], labels, 5)
    agree, chance = projection.label_agreement(HIGH[:, :1], labels, 5)
    assert low < chance < high < agree


def test_overlap_at_random_is_what_chance_gives():
    high = np.random.default_rng(1).standard_normal((400, 10))
    found = projection.neighbour_overlap(high, projection.random_map(400), 10)
    assert found == pytest.approx(10 / 399, abs=0.01)


@given(st.integers(0, 2**32 - 1), st.floats(0, 6.3), st.floats(0.1, 10))
def test_turning_moving_and_stretching_a_map_changes_no_measure(seed, angle, stretch):
    rng = np.random.default_rng(seed)
    high, flat = rng.standard_normal((20, 4)), rng.standard_normal((20, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    maps = {"as it is": flat, "turned": stretch * flat @ turn + 5}
    table = projection.quality(high, maps, k=3)
    assert np.allclose(table.loc["as it is"], table.loc["turned"], atol=0.02)


def test_quality_knows_a_perfect_map_and_a_useless_one():
    maps = {"same": HIGH, "random": projection.random_map(len(HIGH))}
    table = projection.quality(HIGH, maps, k=5)
    assert table.loc["same"].to_numpy() == pytest.approx([1, 1, 1])
    assert table.loc["random", "trustworthiness"] == pytest.approx(0.5, abs=0.1)
    assert abs(table.loc["random", "distances"]) < 0.1


def test_distance_correlation_is_spearmans():
    distances = [[np.linalg.norm(p[i] - p[j]) for i in range(60) for j in range(i)] for p in (HIGH, FLAT)]
    assert projection.distance_correlation(HIGH, FLAT) == pytest.approx(spearmanr(*distances).statistic)


def test_label_agreement_and_its_chance():
    points = np.vstack([RNG.standard_normal((30, 2)), RNG.standard_normal((10, 2)) + 50])
    labels = np.repeat(["a", "b"], [30, 10])
    agree, chance = projection.label_agreement(points, labels, 5)
    assert agree == 1
    assert chance == pytest.approx(0.75**2 + 0.25**2)


def test_claims_take_the_two_nearest_groups():
    places = np.array([[0, 0], [0.1, 0], [1, 0], [5, 0], [20, 0]])
    assert projection.claims(places, [0, 0, 1, 2, 7]) == [(0, 1, 2), (1, 0, 2), (2, 1, 0), (7, 2, 1)]
    named = projection.claims(places, ["a", "a", "b", "c", "d"])
    assert named[0] == ("a", "b", "c")
    with pytest.raises(DataError, match="Three groups"):
        projection.claims(places, [0, 0, 1, 1, 1])


def test_a_map_is_kept_and_read_again(tmp_path, monkeypatch):
    first = projection.tsne_map(HIGH, perplexity=5, iterations=250, folder=tmp_path)
    assert first.shape == (60, 2)
    assert first.dtype == np.float32
    assert np.array_equal(first, projection.tsne_map(HIGH, perplexity=5, iterations=250))
    monkeypatch.setattr("sklearn.manifold.TSNE", None)  # it cannot be made again
    assert np.array_equal(first, projection.tsne_map(HIGH, perplexity=5, iterations=250, folder=tmp_path))
    for other in ({"perplexity": 6}, {"perplexity": 5, "seed": 1}, {"perplexity": 5, "start": "random"}):
        with pytest.raises(TypeError):
            projection.tsne_map(HIGH, iterations=250, folder=tmp_path, **other)
    with pytest.raises(TypeError):
        projection.tsne_map(HIGH + 1, perplexity=5, iterations=250, folder=tmp_path)


def test_a_damaged_file_is_made_anew(tmp_path):
    first = projection.tsne_map(HIGH, perplexity=5, iterations=250, folder=tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"PAR1 no more")
    assert np.array_equal(first, projection.tsne_map(HIGH, perplexity=5, iterations=250, folder=tmp_path))


def test_umap_is_called_with_what_it_needs(monkeypatch):
    asked = {}

    class Fake:
        def __init__(self, **settings):
            asked.update(settings)

        def fit_transform(self, matrix):
            return matrix[:, :3]

    monkeypatch.setattr(projection, "_umap_class", lambda: Fake)
    places = projection.umap_map(HIGH, neighbours=4, gap=0.5, dimensions=3, seed=9)
    assert np.array_equal(places, HIGH[:, :3].astype(np.float32))
    assert asked["n_jobs"] == 1
    assert (asked["n_neighbors"], asked["min_dist"], asked["random_state"]) == (4, 0.5, 9)
    assert asked["metric"] == "cosine"


def test_umap_is_found_without_a_warning():
    assert projection._umap_class().__name__ == "UMAP"


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: projection.tsne_map(HIGH, perplexity=60), "perplexity is 60"),
        (lambda: projection.umap_map(HIGH, neighbours=1), "neighbours is 1"),
        (lambda: projection.tsne_map(HIGH[:5]), "at least 10 vectors"),
        (lambda: projection.umap_map(np.full((20, 3), np.nan)), "NaN"),
        (lambda: projection.tsne_map(HIGH, dimensions=4, perplexity=5), "choose 1, 2 or 3"),
        (lambda: projection.tsne_map(HIGH, start="middle", perplexity=5), "middle"),
        (lambda: projection.neighbour_overlap(HIGH, FLAT[:-1]), "One place per vector"),
        (lambda: projection.neighbour_overlap(HIGH, np.full((60, 2), np.nan)), "NaN"),
        (lambda: projection.quality(HIGH, {"all in one place": np.zeros((60, 2))}), "no order"),
        (lambda: projection.trustworthiness(HIGH, FLAT, 30), "k < n / 2"),
        (lambda: projection.label_agreement(HIGH, [1, 2]), "One label per point"),
        (lambda: projection.claims(FLAT, [1, 2, 3]), "One label per point"),
    ],
)
def test_what_cannot_be_mapped(call, complaint):
    with pytest.raises(DataError, match=complaint):
        call()
