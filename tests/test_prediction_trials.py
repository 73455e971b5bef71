"""The repeated experiments of lesson 06: what is copied, drawn and chosen, on small made-up reviews."""

import functools
import re

import numpy as np
import pandas as pd
import pytest

from helpers import prediction, splits
from helpers import prediction_trials as trials
from helpers.errors import DataError

METHOD = functools.partial(prediction.linear, "whole")


@pytest.fixture(scope="module")
def small():
    random = np.random.default_rng(0)
    stars = np.tile([1, 2, 3, 4, 5, 5, 5, 5], 25)
    vectors = random.normal(size=(200, 6)) + 0.8 * (stars[:, None] - 3)
    rows = pd.DataFrame({"Score": stars, "Summary": "", "Text": [f"Number {i}" for i in range(200)]})
    parts = list(splits.splits(rows, seeds=range(2)))
    return vectors.astype(np.float32), stars, prediction.inputs(rows, whole=vectors), parts


@pytest.mark.parametrize("share", [0, 0.12, 0.48])
def test_copies_make_their_share_of_all_rows(share):
    positions = trials.with_copies(300, share, seed=3)
    assert positions[:300].tolist() == list(range(300))
    assert 1 - 300 / len(positions) == pytest.approx(share, abs=0.002)


def test_all_rows_cannot_be_copies():
    with pytest.raises(DataError, match="below 1"):
        trials.with_copies(10, 1.0, 0)


def test_copies_help_only_on_what_was_copied():
    random = np.random.default_rng(1)
    noise, stars = random.normal(size=(200, 5)), random.integers(1, 6, 200)
    without = trials.accuracy_with_copies(noise, stars, 0, 0)
    assert without[0] == without[1]
    copied = trials.accuracy_with_copies(noise, stars, 0.5, 0)
    assert copied[0] > copied[1] + 0.2


def test_out_of_fold_predicts_each_row_without_itself(small):
    _, stars, table, _ = small
    found = trials.out_of_fold(METHOD, table, stars)
    assert found.shape == (200, 5)
    assert found.sum(axis=1) == pytest.approx(np.ones(200))
    assert (1 + found.argmax(axis=1) == stars).mean() > 0.6
    some = stars != 2
    assert (trials.out_of_fold(METHOD, table[some], stars[some])[:, 1] == 0).all()


def test_the_learning_curve_trains_on_so_many(small):
    _, stars, table, parts = small
    seen = []

    class Counting(type(prediction.majority())):
        def fit(self, X, y):
            seen.append(len(X))
            return super().fit(X, y)

    curve = trials.learning_curve(lambda: Counting(strategy="prior"), table, stars, parts, [40, 80])
    assert curve.shape == (2, 2) and list(curve) == [40, 80]
    assert seen == [40, 40, 80, 80]


def test_the_best_constant_depends_on_the_error(small):
    vectors, stars, table, parts = small
    found = trials.numeric_answers(METHOD, table, vectors, stars, parts)
    mean = {name: one.mean() for name, one in found.items()}
    assert mean["always the median"]["MAE"] < mean["always the mean"]["MAE"]
    assert mean["always the mean"]["MSE"] < mean["always the median"]["MSE"]
    assert mean["ridge regression"]["MSE"] < mean["always the mean"]["MSE"]
    train, test = parts[0]
    by_hand = abs(stars[test] - np.median(stars[train])).mean()
    assert found["always the median"]["MAE"][0] == pytest.approx(by_hand)


def test_risk_is_learnt_on_the_training_side(small):
    _, stars, table, _ = small
    clear = np.flatnonzero(stars != 3)
    sides = {"training": clear[:100], "validation": clear[100:]}
    risk = trials.sentiment_risk("whole", table, stars, sides)
    assert [len(risk[name]) for name in sides] == [100, len(clear) - 100]
    model = prediction.linear("whole").fit(table.iloc[clear[:100]], stars[clear[:100]] < 3)
    assert np.array_equal(risk["validation"], model.predict_proba(table.iloc[clear[100:]])[:, 1])


def test_leans_are_differences_of_cosines():
    directions = {"good": [1.0, 0], "bad": [0, 1.0], "fine": [1.0, 0.1], "poor": [0.1, 1.0]}

    def embed(texts):
        return np.array([directions[text] for text in texts])

    vectors = np.array([[1.0, 0], [0, 1], [1, 1]])
    found = trials.leans(vectors, embed, {"a": ("good", "bad"), "b": ("fine", "poor")})
    assert list(found) == ["a", "b", "all of them"]
    assert found["a"] == pytest.approx([-1, 1, 0])
    table = trials.sign_and_order(np.array([False, True, False]), found)
    assert table.loc["all of them"].tolist() == [1, 1]


def test_few_shot_draws_as_many_of_both(small):
    vectors, stars, _, parts = small
    found = trials.few_shot(vectors, stars, parts, [1, 8], draws=3)
    assert len(found) == 2 * 3 * 2
    assert sorted(set(found["labels"])) == [2, 16]
    means = found.groupby("labels")["AUROC"].mean()
    assert means[16] > means[2] - 0.05 and means[16] > 0.8
    assert found.equals(trials.few_shot(vectors, stars, parts, [1, 8], draws=3))


def test_tuning_on_the_test_set_is_never_dearer():
    random = np.random.default_rng(0)
    truth = random.random(120) < 0.2
    probability = np.clip(truth * 0.2 + random.random(120) * 0.6, 0.01, 0.99)
    paid = trials.tuned(truth, probability, read=1, miss=10, times=20)
    assert paid["tuned on the test set"] < min(paid["chosen on other reviews"], paid["from the costs alone"])
    everybody = trials.tuned(truth, np.ones(120), read=1, miss=10, times=5)
    assert list(everybody.values()) == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("data", ["sample", "real 1,000"])
def test_the_recorded_figures_are_of_the_lessons_methods(data):
    methods = [*prediction.METHODS, "words and vectors, chosen inside"]
    shown = ["accuracy", "macro F1", "MAE", "sentiment AUROC"]
    found = trials.recorded(data, methods, shown)
    assert list(found.index) == methods and list(found) == shown
    assert all(re.fullmatch(r"0\.\d\d ± 0\.\d\d", cell) for cell in found.to_numpy().ravel())
    assert found.loc["majority class", "sentiment AUROC"] == "0.50 ± 0.00"  # a constant orders nothing
