import json
import unicodedata

import httpx2
import numpy as np
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from helpers import cluster_names, clustering
from helpers.errors import DataError

SPREAD = 0.05


@pytest.fixture(scope="module")
def clumps():
    """Three clumps of 40, 30 and 20 unit vectors in 12 dimensions, shuffled, and which each belongs to."""
    rng = np.random.default_rng(1)
    kinds = rng.permutation(np.repeat([0, 1, 2], [40, 30, 20]))
    vectors = np.eye(12)[kinds] + SPREAD * rng.standard_normal((90, 12))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), kinds


class TestKmeans:
    def test_finds_clumps_numbered_by_size(self, clumps):
        vectors, kinds = clumps
        groups = clustering.kmeans(vectors, 3)
        assert np.array_equal(groups.labels, kinds)
        assert groups.sizes.tolist() == [40, 30, 20]

    def test_centres_are_the_means_in_the_order_of_the_labels(self, clumps):
        vectors, _ = clumps
        groups = clustering.kmeans(vectors, 5)
        for group, centre in enumerate(groups.centres):
            assert np.allclose(centre, vectors[groups.labels == group].mean(axis=0))
        expected = sum(((vectors[i] - groups.centres[g]) ** 2).sum() for i, g in enumerate(groups.labels))
        assert groups.inertia == pytest.approx(expected)

    def test_is_the_same_each_time_and_takes_float32(self, clumps):
        vectors, _ = clumps
        one, other = (clustering.kmeans(v, 7) for v in (vectors.astype(np.float32), vectors))
        assert np.array_equal(one.labels, other.labels)

    @pytest.mark.parametrize("k", [0, 91])
    def test_a_k_that_cannot_be(self, clumps, k):
        with pytest.raises(DataError, match="choose k from 1 to 90"):
            clustering.kmeans(clumps[0], k)

    def test_a_value_that_is_no_number(self, clumps):
        broken = clumps[0].copy()
        broken[4, 2] = np.nan
        with pytest.raises(DataError, match="position 4"):
            clustering.kmeans(broken, 2)

    def test_needs_a_matrix(self):
        with pytest.raises(DataError, match=r"shape \(3,\)"):
            clustering.kmeans([1, 2, 3], 1)


class TestBySize:
    def test_ties_go_to_the_earlier_and_noise_stays(self):
        assert clustering.by_size([7, -1, 3, 3, 7, 5, 5, 5]).tolist() == [1, -1, 2, 2, 1, 0, 0, 0]

    @given(st.lists(st.integers(-1, 6), min_size=1, max_size=30))
    def test_keeps_the_groups_and_orders_them(self, labels):
        new = clustering.by_size(labels)
        old = np.array(labels)
        assert np.array_equal(new == -1, old == -1)
        assert np.array_equal(new[:, None] == new, old[:, None] == old)
        sizes = np.bincount(new[new >= 0])
        assert all(sizes[:-1] >= sizes[1:]) and all(sizes)


class TestHowMany:
    def test_stand_ins_keep_mean_and_covariance(self):
        rng = np.random.default_rng(0)
        vectors = np.array([3.0, 1, 0]) + rng.standard_normal((2000, 3)) * [0.5, 0.2, 0.1]
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        stand_ins = clustering.without_groups(vectors)
        assert np.allclose(np.linalg.norm(stand_ins, axis=1), 1)
        assert np.allclose(stand_ins.mean(axis=0), vectors.mean(axis=0), atol=0.02)
        assert np.allclose(np.cov(stand_ins.T), np.cov(vectors.T), atol=0.004)

    def test_stand_ins_have_no_groups(self, clumps):
        vectors, _ = clumps
        table = clustering.compare_k(
            {"clumps": [vectors], "none": [clustering.without_groups(vectors, seed=s) for s in (0, 1)]},
            [3, 4],
            starts=4,
            pairs=3,
        )
        assert table["data"].tolist() == ["clumps"] * 2 + ["none"] * 4
        assert table["draw"].tolist() == [0, 0, 0, 0, 1, 1]
        clear, _, unclear, *_ = table.itertuples()
        assert clear.silhouette > 0.9 and clear.halves == 1
        assert unclear.silhouette < 0.6 and unclear.halves < 0.7

    def test_shuffled_columns_shuffles_each_alone(self):
        signs = np.sign(np.random.default_rng(0).standard_normal((50, 4)))  # all of length 2
        shuffled = clustering.shuffled_columns(signs)
        assert np.allclose(shuffled.sum(axis=0) * 2, signs.sum(axis=0))
        assert not np.allclose(shuffled * 2, signs)

    def test_stability_counts_pairs(self, clumps):
        assert clustering.stability_over_halves(clumps[0], 2, pairs=3).shape == (3,)

    @pytest.mark.parametrize("d", [40, 600])
    def test_planted_groups_are_found_although_their_silhouette_is_small(self, d):
        rng = np.random.default_rng(0)
        vectors = rng.standard_normal((320, d)) + 0.8 * rng.standard_normal((4, d)).repeat(80, axis=0) + 1
        planted = clustering.planted_groups(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), 4)
        assert np.allclose(np.linalg.norm(planted, axis=1), 1)
        found = clustering.kmeans(planted, 4)
        assert adjusted_rand_score(np.arange(320) % 4, found.labels) > 0.98
        assert clustering.stability_over_halves(planted, 4).mean() > 0.9
        table = clustering.compare_k({"planted": [planted]}, [4], starts=2, pairs=2)
        assert table["silhouette"].max() < 0.4

    def test_planted_groups_keep_mean_and_tightness(self, clumps):
        vectors, _ = clumps
        planted = clustering.planted_groups(vectors, 3)
        assert np.allclose(planted.mean(axis=0), vectors.mean(axis=0), atol=0.15)
        assert clustering.kmeans(planted, 3).inertia < 3 * clustering.kmeans(vectors, 3).inertia

    def test_what_cannot_be_compared(self, clumps):
        with pytest.raises(DataError, match="from 2 upwards"):
            clustering.compare_k({"clumps": [clumps[0]]}, [1, 2])
        for rows, k in ((1, 1), (10, 6), (10, 0)):
            with pytest.raises(DataError, match=f"Half of {rows} vectors cannot make {k} groups"):
                clustering.stability_over_halves(clumps[0][:rows], k)

    def test_without_structure_halves_do_not_agree(self):
        cloud = np.random.default_rng(3).standard_normal((200, 40))
        assert clustering.stability_over_halves(cloud, 6).mean() < 0.1


class TestDenseGroups:
    def test_finds_clumps_and_calls_the_rest_noise(self, clumps):
        vectors, kinds = clumps
        rng = np.random.default_rng(5)
        strays = rng.standard_normal((15, 12))
        labels = clustering.dense_groups(np.vstack([vectors, strays]))
        assert adjusted_rand_score(labels[:90], kinds) > 0.95
        assert (labels[90:] == -1).mean() > 0.8

    def test_principal_directions_keep_what_differs(self):
        vectors = np.random.default_rng(0).standard_normal((60, 4)) * [5, 3, 0.1, 0]
        reduced, kept = clustering.principal_directions(vectors, 2)
        assert reduced.shape == (60, 2) and 0.999 < kept < 1
        assert np.allclose(reduced.var(axis=0), np.linalg.eigvalsh(np.cov(vectors.T, ddof=0))[:1:-1])
        assert clustering.principal_directions(vectors[:3], 9)[0].shape == (3, 3)

    @pytest.mark.parametrize("rows", [1, 3])
    def test_too_few_vectors(self, clumps, rows):
        with pytest.raises(DataError, match=f"{rows} vectors cannot make a dense group of 10"):
            clustering.dense_groups(clumps[0][:rows])

    def test_one_cloud_is_noise(self):
        labels = clustering.dense_groups(np.random.default_rng(0).standard_normal((150, 30)))
        assert set(labels) == {-1}


class TestWhatIsInAGroup:
    def test_typical_and_borderline_agree_with_the_definition(self, clumps):
        vectors, _ = clumps
        groups = clustering.kmeans(vectors, 4)
        distances = np.linalg.norm(vectors[:, None] - groups.centres, axis=2)
        for group in range(4):
            inside = np.flatnonzero(groups.labels == group)
            nearest = sorted(inside, key=lambda i: distances[i, group])[:3]
            assert clustering.typical(vectors, groups, group).tolist() == nearest
            closest_call = sorted(inside, key=lambda i: np.diff(np.sort(distances[i])[:2])[0])[:2]
            assert clustering.borderline(vectors, groups, group, 2).tolist() == closest_call

    def test_one_group_has_no_border(self, clumps):
        assert len(clustering.borderline(clumps[0], clustering.kmeans(clumps[0], 1), 0)) == 0

    def test_describe(self):
        labels = [0] * 6 + [1] * 5 + [-1] * 5
        texts = ["dog treats"] * 6 + ["green tea"] * 5 + ["plain words"] * 5
        table = clustering.describe(np.array(labels), texts, [5, 4, 5, 4, 5, 4] + [1] * 5 + [3] * 5)
        assert table.index.tolist() == [0, 1, -1]
        assert table["reviews"].tolist() == [6, 5, 5]
        assert table["share"].sum() == pytest.approx(1)
        assert table.loc[1, "words"] == "green, tea"
        assert table.loc[0, "stars"] == 4.5
        assert 4 <= table.loc[0, "low"] < 4.5 < table.loc[0, "high"] <= 5

    def test_describe_wants_one_of_each(self):
        with pytest.raises(DataError, match="2 labels, 3 texts and 2 stars"):
            clustering.describe(np.array([0, 1]), ["a", "b", "c"], [1, 2])

    def test_pairs_of_a_kind(self):
        # pairs of kind "a": together, apart, apart; of kind "b": together
        assert clustering.same_group_share([0, 0, 1, 2, 2], list("aaabb")) == 0.5
        assert np.isnan(clustering.same_group_share([0, 1], ["a", "b"]))


class TestWords:
    def test_counts_per_group(self):
        texts = ["Tea, tea and a dog", "tea 42", "dog dog"]
        words, counts = clustering.word_counts(texts, [1, 0, 1], fewest=1)
        assert words.tolist() == ["dog", "tea"]
        assert counts.tolist() == [[0, 1], [3, 2]]

    def test_rare_words_are_left_out(self):
        words, _ = clustering.word_counts(["tea", "tea dog"], [0, 1], fewest=2)
        assert words.tolist() == ["tea"]

    def test_no_word_left(self):
        with pytest.raises(DataError, match="No word is in 5 of the 6 texts"):
            clustering.word_counts(["the and", "one", "cat", "dog", "sun", "sky"], [0] * 6)
        with pytest.raises(DataError, match="one label is needed"):
            clustering.word_counts(["tea"], [0, 1])

    @given(st.lists(st.lists(st.integers(0, 9), min_size=4, max_size=4), min_size=1, max_size=4))
    def test_class_tfidf_is_the_formula(self, counts):
        weights = clustering.class_tfidf(counts)
        mean = sum(map(sum, counts)) / len(counts)
        for row, weighed in zip(counts, weights):
            for t, count in enumerate(row):
                often = sum(other[t] for other in counts)
                expected = count / sum(row) * np.log(1 + mean / often) if count else 0
                assert weighed[t] == pytest.approx(expected)

    def test_damped_takes_the_root_of_the_share(self):
        weights, damped = (clustering.class_tfidf([[8, 1], [2, 4]], damped=d) for d in (False, True))
        assert np.allclose(damped / weights, 1 / np.sqrt([[8 / 9, 1 / 9], [2 / 6, 4 / 6]]))

    def test_a_word_that_is_rarer_than_elsewhere_sets_no_group_apart(self):
        texts = ["good good tea"] * 5 + ["good dog dog"] * 5
        assert clustering.distinctive(texts, [0] * 5 + [1] * 5) == {0: ["tea", "good"], 1: ["dog"]}

    def test_contractions_leave_no_remains(self):
        texts = ["I don't think they've dogs' food, dog’s tea don’t last"] * 5
        words, _ = clustering.word_counts(texts, [0] * 5)
        assert words.tolist() == ["dog", "dogs", "food", "tea", "think"]


class TestStars:
    def test_intervals(self):
        rng = np.random.default_rng(0)
        stars = rng.integers(1, 6, 400)
        table = clustering.intervals(stars, [0] * 399 + [4])
        inside = stars[:399]
        error = inside.std() / np.sqrt(399)
        assert table.index.tolist() == [0, 4]
        assert table.loc[0, "high"] - table.loc[0, "low"] == pytest.approx(2 * 1.96 * error, rel=0.06)
        assert np.isnan(table.loc[4, "low"]) and table.loc[4, "stars"] == stars[399]

    def test_chance_means_deal_out_the_same_stars(self):
        stars = np.array([5, 5, 5, 4, 1, 2, 5, 3, 1, 5])
        labels = np.array([0] * 7 + [1] * 3)
        means = clustering.chance_means(stars, labels, draws=3000)
        assert means.shape == (3000, 2)
        assert np.allclose(means @ [7, 3], stars.sum())
        # the variance of a mean of m out of n without replacement
        assert means[:, 1].var() == pytest.approx(stars.var() / 3 * (10 - 3) / (10 - 1), rel=0.08)

    def test_stars_and_labels_must_fit(self):
        with pytest.raises(DataError, match="one of each per review"):
            clustering.chance_means([1, 2, 3], [0, 1])

    def test_stars_must_be_numbers(self):
        with pytest.raises(DataError, match="position 1"):
            clustering.intervals([1, np.nan, 3], [0, 0, 1])


class ChatHost:
    """A chat API in the process: answers, or refuses, as `reply` says, and keeps what it was asked."""

    def __init__(self, reply):
        self.reply, self.bodies = reply, []
        transport = httpx2.MockTransport(self._answer)
        self.client = openai.OpenAI(
            base_url="http://chat.test/v1",
            api_key="no-key",
            max_retries=0,
            http_client=httpx2.Client(transport=transport),
        )

    def _answer(self, request):
        assert request.url.path == "/v1/chat/completions"
        self.bodies.append(json.loads(request.content))
        given = self.reply(len(self.bodies), self.bodies[-1])
        if isinstance(given, httpx2.Response):
            return given
        message = {"role": "assistant", "content": given}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        whole = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
        return httpx2.Response(200, json=whole)


def refused(status, message="no", param=None, code=None):
    body = {"error": {"message": message, "type": "test", "param": param, "code": code}}
    return httpx2.Response(status, json=body)


WORDS = {0: ["coffee", "roast", "dark", "cup"], 1: ["dog", "treats"], 2: []}


class TestNames:
    def test_of_groups_by_words_and_typical_texts(self, clumps):
        vectors, kinds = clumps
        texts = [("coffee", "dog", "nuts")[kind] + f" number {i}" for i, kind in enumerate(kinds)]
        groups = clustering.kmeans(vectors, 3)
        host = ChatHost(lambda number, _: f"Name {number}")
        names, _ = clustering.name_groups(groups, vectors, texts, host.client, "a-model")
        assert names == {0: "Name 1", 1: "Name 2", 2: "Name 3"}
        nearest = clustering.typical(vectors, groups, 1, 1)[0]
        assert f"Words: dog\nReview: {texts[nearest]}\n" in host.bodies[1]["messages"][1]["content"]
        assert clustering.name_groups(groups, vectors, texts).names == {0: "coffee", 1: "dog", 2: "nuts"}

    def test_by_words_without_a_model(self):
        names, source = clustering.name_clusters(WORDS)
        assert names == {0: "coffee, roast, dark", 1: "dog, treats", 2: "no words of its own"}
        assert "no chat model" in source

    def test_asks_once_per_group(self):
        host = ChatHost(lambda number, _: f'"Name {number}."\nBecause of the words.')
        examples = {0: ["I like it. " * 100, "Ignore all that."]}
        names, source = clustering.name_clusters(WORDS, examples, host.client, "a-model")
        assert names == {0: "Name 1", 1: "Name 2", 2: "Name 3"}
        assert source == "by the chat model a-model"
        first = host.bodies[0]
        assert first["temperature"] == 0 and first["model"] == "a-model"
        asked = first["messages"][1]["content"]
        assert "coffee, roast, dark, cup" in asked and "Ignore all that." in asked
        assert len(asked) < 2 * cluster_names.LONGEST_EXAMPLE

    def test_a_model_without_temperature_is_asked_without(self):
        host = ChatHost(
            lambda _, body: refused(400, param="temperature") if "temperature" in body else "Coffee"
        )
        names, _ = clustering.name_clusters({0: ["coffee"]}, None, host.client, "a-model")
        assert names == {0: "Coffee"}

    @pytest.mark.parametrize(
        "reply, reason",
        [
            (refused(404), "no chat model 'a-model'; WORKBOOK_CHAT_MODEL"),
            (refused(401), "refused the key"),
            (refused(500), "failed"),
            (refused(400, "too long", "messages"), "too long"),
            (httpx2.Response(200, json={"object": "nothing"}), "not OpenAI's API"),
            (httpx2.Response(200, json={"choices": []}), "not OpenAI's API"),
        ],
    )
    def test_when_the_host_fails_words_do(self, reply, reason):
        host = ChatHost(lambda number, _: "Coffee" if number == 1 else reply)
        names, source = clustering.name_clusters(WORDS, None, host.client, "a-model")
        assert names[0] == "coffee, roast, dark"
        assert source.startswith("by their words. ") and reason in source

    def test_an_empty_answer_gets_words_and_equal_ones_a_number(self):
        answers = {1: "Snacks", 2: " ** ", 3: "snacks"}
        host = ChatHost(lambda number, _: answers[number])
        words = {0: ["chips"], 1: ["dog", "cat"], 2: ["nuts"]}
        names, source = clustering.name_clusters(words, None, host.client, "a-model")
        assert names == {0: "Snacks", 1: "dog, cat", 2: "snacks (2)"}
        assert "1 of 3 by their words" in source

    @pytest.mark.parametrize(
        "answer, name",
        [
            ("## Tea & honey", "Tea & honey"),
            ("\n\n- **Name:** Cat food\nmore", "Cat food"),
            ("Name: Cat food", "Cat food"),
            ("Tea\u202eeert\x00", "Tea eert"),
            ("x" * 90, "x" * 39 + "…"),
            ("", ""),
        ],
    )
    def test_tidies_what_comes_back(self, answer, name):
        assert cluster_names._tidy(answer) == name

    @settings(max_examples=60)
    @given(st.text())
    def test_a_name_is_one_short_visible_line(self, answer):
        name = cluster_names._tidy(answer)
        assert len(name) <= cluster_names.LONGEST_NAME and len(name.splitlines()) <= 1
        assert not any(unicodedata.category(character).startswith("C") for character in name)


def test_groups_of_the_sample_survive_rounding_noise():
    from helpers import reviews
    from helpers.connect import connect
    from helpers.embeddings import embed

    host = connect("embedded")
    rows = reviews.tidy(reviews.load("sample"))
    vectors = embed(reviews.combine(rows, labels=False), host.client, host.embedding_model)
    noise = 1 + 3e-7 * np.random.default_rng(0).standard_normal(vectors.shape)
    one, other = clustering.kmeans(vectors, 8), clustering.kmeans(vectors * noise, 8)
    assert np.array_equal(one.labels, other.labels)
