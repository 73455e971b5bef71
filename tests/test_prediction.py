"""Features, models and evaluation: nothing from the test side is learnt, and the arithmetic is right."""

import functools

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from helpers import prediction, prediction_models, splits
from helpers.errors import DataError


def made(n: int = 200, d: int = 6, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Reviews whose stars show in one word and, with noise, in the vectors."""
    random = np.random.default_rng(seed)
    stars = np.tile([1, 2, 3, 4, 5, 5, 5, 5], n // 8 + 1)[:n]
    words = np.array(["awful", "weak", "middling", "decent", "wonderful"])
    vectors = random.normal(size=(n, d)) + 0.8 * (stars[:, None] - 3)
    rows = pd.DataFrame(
        {
            "Score": stars,
            "Summary": [words[star - 1] for star in stars],
            "Text": [f"It is number {i} and {words[star - 1]}" for i, star in enumerate(stars)],
            "UserId": [f"user {i // 2}" for i in range(n)],
            "ProductId": "one",
        }
    )
    return rows, vectors.astype(np.float32)


@pytest.fixture(scope="module")
def small() -> tuple[pd.DataFrame, pd.DataFrame, list[splits.Split]]:
    rows, vectors = made()
    table = prediction.inputs(rows, whole=vectors, summary=vectors[:, :2], text=vectors[:, 2:])
    return rows, table, list(splits.splits(rows, seeds=range(3)))


# ----------------------------------------------------------------------------- the table


def test_inputs_put_words_and_vectors_side_by_side():
    rows, vectors = made(16, 3)
    rows.index = range(100, 116)  # labels must not matter
    table = prediction.inputs(rows, whole=vectors)
    assert list(table) == ["Summary", "Text", "Both", "whole 0", "whole 1", "whole 2"]
    assert (table[["whole 0", "whole 1", "whole 2"]].to_numpy() == vectors).all()
    assert table["Both"][0] == rows["Summary"].iloc[0] + "\n" + rows["Text"].iloc[0]


@pytest.mark.parametrize("matrix", [np.ones((15, 3)), np.ones(16)])
def test_vectors_of_other_rows_are_refused(matrix):
    with pytest.raises(DataError, match="16 reviews"):
        prediction.inputs(made(16)[0], whole=matrix)


@pytest.mark.parametrize("name", ["words", "marks"])
def test_names_that_mean_features_are_no_names_of_vectors(name):
    with pytest.raises(DataError, match=name):
        prediction.inputs(made(16)[0], **{name: np.ones((16, 3))})


def test_empty_parts_get_zeros_and_are_not_sent():
    sent = []

    def embed(texts):
        sent.extend(texts)
        return np.ones((len(texts), 4), dtype=np.float32)

    found = prediction.embed_part(pd.Series(["a", " ", None, "b"], index=[5, 5, 6, 7]), embed)
    assert sent == ["a", "b"]
    assert found.tolist() == [[1] * 4, [0] * 4, [0] * 4, [1] * 4]
    with pytest.raises(DataError, match="anything to embed"):
        prediction.embed_part(pd.Series(["", None]), embed)


def test_three_stars_are_neither_positive_nor_negative():
    found = prediction.is_positive(pd.Series([1, 2, 3, 4, 5]))
    assert found.tolist() == [False, False, pd.NA, True, True]


# ----------------------------------------------------------------------------- features


def test_a_word_that_only_test_reviews_have_gets_no_column(small):
    _, table, _ = small
    features = prediction_models.features("words").fit(table.iloc[:50])
    changed = table.iloc[50:60].assign(Text="zebra zebra", Both="zebra zebra")
    names = set(features.get_feature_names_out())
    assert "words of Text__decent" in names
    assert not any("zebra" in name for name in names)
    assert features.transform(changed).shape[1] == len(names)


@pytest.mark.parametrize("method", list(prediction.METHODS.values()), ids=list(prediction.METHODS))
def test_what_test_rows_say_does_not_change_the_model(small, method):
    rows, table, parts = small
    train, test = parts[0]
    model = method().fit(table.iloc[train], rows["Score"].iloc[train])
    other = table.copy()
    other.loc[test, ["Summary", "Text", "Both"]] = "quite other words"
    again = method().fit(other.iloc[train], rows["Score"].iloc[train])
    assert np.array_equal(model.predict_proba(table.iloc[test]), again.predict_proba(table.iloc[test]))


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("Not good", "not not_good"),
        ("I did not really like it", "i did not not_like it"),
        ("It wasn\u2019t the best", "it wasn't not_best"),
        ("didnt work", "didnt not_work"),
        ("nothing to note", "nothing to note"),
    ],
)
def test_negated_words_become_words_of_their_own(text, marked):
    assert prediction_models.mark_negation(text) == marked


def test_marks_count_what_they_say():
    table = pd.DataFrame({"Summary": ["WOW!"], "Text": ["NEVER again! Why? I am OK"]})
    found = prediction_models.marks(table)[0]
    assert found.tolist() == pytest.approx([np.log(7), 1, 1, 1, np.log(2), 1, 1])


def test_vectors_that_are_not_there_are_named(small):
    rows, table, _ = small
    with pytest.raises(DataError, match="'body', only summary, text, whole"):
        prediction.linear("body").fit(table, rows["Score"])
    with pytest.raises(DataError, match="Name what"):
        prediction.linear()


def test_a_name_is_not_taken_for_another_that_begins_alike():
    table = pd.DataFrame({"a 0": [1], "ab 0": [1], "a.c 0": [1]})
    assert prediction_models.vector_columns(table, "a") == ["a 0"]
    assert prediction_models.vector_columns(table, "a.c") == ["a.c 0"]


# ----------------------------------------------------------------------------- models


def test_ordinal_with_two_classes_is_logistic_regression():
    rows, vectors = made()
    vectors, above = vectors.astype(np.float64), rows["Score"].to_numpy() > 4
    ours = prediction.Ordinal(C=1, balance=0).fit(vectors, above).predict_proba(vectors)
    plain = LogisticRegression(C=1, tol=1e-6, max_iter=3000).fit(vectors, above).predict_proba(vectors)
    assert ours == pytest.approx(plain, abs=1e-9)


def test_ordinal_gives_probabilities_also_when_a_star_is_missing():
    rows, vectors = made()
    some = rows["Score"].to_numpy() != 2
    model = prediction.Ordinal().fit(vectors[some], rows["Score"].to_numpy()[some])
    p = model.predict_proba(vectors)
    assert p.shape == (len(rows), 4)
    assert p.min() >= 0
    assert p.sum(axis=1) == pytest.approx(np.ones(len(rows)))
    assert set(model.predict(vectors)) <= {1, 3, 4, 5}


def test_ordinal_can_be_cloned():
    assert clone(prediction.best()).get_params()["ordinal__balance"] == 0.75


def test_star_probabilities_have_five_columns(small):
    rows, table, _ = small
    some = (rows["Score"] != 2).to_numpy()
    model = prediction.linear("whole").fit(table[some], rows["Score"][some])
    p = prediction.star_probabilities(model, table)
    assert p.shape == (len(rows), 5)
    assert (p[:, 1] == 0).all()


def test_vectors_of_another_model_are_refused(small):
    rows, table, _ = small
    model = prediction.linear("whole").fit(table, rows["Score"])
    wider = prediction.inputs(rows, whole=np.ones((len(rows), 9)))
    with pytest.raises(DataError, match="another embedding model"):
        prediction.star_probabilities(model, wider)


# ----------------------------------------------------------------------------- predictions


def test_the_median_has_the_least_expected_absolute_error():
    p = np.random.default_rng(1).dirichlet(np.full(5, 0.5), size=300)
    cost = np.abs(prediction.STARS[:, None] - prediction.STARS)  # (answer, truth)
    expected = p @ cost.T
    chosen = expected[np.arange(300), prediction.median_stars(p) - 1]
    assert chosen == pytest.approx(expected.min(axis=1))


def test_half_reached_by_rounding_alone_is_half():
    assert prediction.median_stars(np.array([[0.1, 0.2, 0.2 - 1e-12, 0.5, 0]])).tolist() == [3]
    assert prediction.mean_stars(np.array([[0.5, 0, 0, 0, 0.5]])).tolist() == [3.0]


def test_positive_probability_leaves_three_stars_out():
    p = np.array([[0.1, 0.1, 0.4, 0.2, 0.2], [0, 0, 1, 0, 0]])
    assert prediction.positive_probability(p) == pytest.approx([2 / 3, 0.5])


def test_zero_shot_is_the_difference_of_cosines():
    vectors = np.array([[1.0, 0], [0, 2], [1, 1]])
    found = prediction.zero_shot(vectors, np.array([1.0, 0]), np.array([0, 1.0]))
    assert found == pytest.approx([-1, 1, 0])


def test_label_phrases_are_averaged():
    vectors = np.random.default_rng(2).normal(size=(5, 4))
    negative, positive = np.eye(4)[:2], np.eye(4)[2:]
    several = prediction.zero_shot(vectors, negative, positive)
    assert several == pytest.approx(
        prediction.zero_shot(vectors, negative.mean(axis=0), positive.mean(axis=0))
    )


def test_labels_of_another_model_are_refused():
    with pytest.raises(DataError, match="different models"):
        prediction.zero_shot(np.ones((3, 4)), np.ones(5), np.ones(5))
    with pytest.raises(DataError, match="one model"):
        prediction.zero_shot(np.ones((3, 4)), np.ones(4), np.ones(5))


# ----------------------------------------------------------------------------- evaluation


@pytest.mark.parametrize("task", ["stars", "sentiment", "both"])
def test_evaluation_is_repeatable_and_better_than_the_majority(small, task):
    rows, table, parts = small
    method = functools.partial(prediction.linear, "whole")
    found = prediction.evaluate(method, table, rows["Score"], parts, task)
    assert len(found) == 3
    pd.testing.assert_frame_equal(found, prediction.evaluate(method, table, rows["Score"], parts, task))
    base = prediction.evaluate(prediction.majority, table, rows["Score"], parts, task)
    measure = {"stars": "macro F1", "sentiment": "AUROC", "both": "sentiment AUROC"}[task]
    assert found[measure].mean() > base[measure].mean() + 0.1


def test_the_majority_scores_its_share(small):
    rows, table, parts = small
    found = prediction.evaluate(prediction.majority, table, rows["Score"], parts)
    assert found["accuracy"].tolist() == [0.5] * 3
    assert found["kappa"].tolist() == [0] * 3


def test_evaluation_refuses_what_does_not_fit(small):
    rows, table, parts = small
    with pytest.raises(DataError, match="199 stars for 200 reviews"):
        prediction.evaluate(prediction.majority, table, rows["Score"][:199], parts)
    with pytest.raises(DataError, match="stars, sentiment, both"):
        prediction.evaluate(prediction.majority, table, rows["Score"], parts, "mood")


def test_sentiment_needs_both_classes(small):
    rows, table, _ = small
    happy = np.flatnonzero(rows["Score"] > 3)
    split = splits.Split(happy[:50], happy[50:])
    with pytest.raises(DataError, match="all positive or all negative"):
        prediction.evaluate(prediction.majority, table, rows["Score"], [split], "sentiment")


def test_all_methods_meet_the_same_splits(small):
    rows, table, parts = small
    methods = {"majority": prediction.majority, "vectors": functools.partial(prediction.linear, "whole")}
    found = prediction.evaluate_all(methods, table, rows["Score"], parts)
    assert list(found) == ["majority", "vectors"]
    assert found["vectors"].equals(
        prediction.evaluate(methods["vectors"], table, rows["Score"], parts, "both")
    )


def test_the_engines_own_vectors_can_stand_beside_a_hosts():
    rows, _ = made(80)
    parts = list(splits.splits(rows, seeds=range(2)))
    found = prediction.engine_scores(rows, parts, {"vectors": prediction.METHODS["vectors"]})
    assert found["vectors"]["accuracy"].mean() > 0.8


def test_settings_are_chosen_inside_the_training_rows(small):
    rows, table, parts = small
    train, test = parts[0]
    model = prediction.chosen("whole").fit(table.iloc[train], rows["Score"].iloc[train])
    setting = model[-1].best_params_
    assert setting["C"] in prediction_models.SETTINGS["C"]
    assert setting["balance"] in prediction_models.SETTINGS["balance"]
    plain = prediction.ordinal("whole", **setting).fit(table.iloc[train], rows["Score"].iloc[train])
    assert np.array_equal(
        prediction.star_probabilities(model, table.iloc[test]),
        prediction.star_probabilities(plain, table.iloc[test]),
    )


def test_no_median_without_probabilities():
    with pytest.raises(DataError, match="sum to 1"):
        prediction.median_stars(np.zeros((1, 5)))
    with pytest.raises(DataError, match="sum to 1"):
        prediction.median_stars(np.full((1, 5), np.nan))


def test_opposite_phrases_are_no_label():
    with pytest.raises(DataError, match="opposite"):
        prediction.zero_shot(np.ones((1, 2)), np.array([[1.0, 0], [-1, 0]]), np.ones(2))
