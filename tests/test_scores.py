"""Scores and their intervals, against values worked out by hand and against scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics

from helpers import scores
from helpers.errors import DataError

STARS = np.array([5, 5, 5, 1, 4])


def test_scores_of_stars_by_hand():
    found = scores.of_stars(STARS, [5, 5, 5, 5, 5])
    assert found["accuracy"] == pytest.approx(0.6)
    assert found["macro F1"] == pytest.approx(0.75 / 3)  # F1 of 5 is 2*.6*1/1.6, of 1 and 4 it is 0
    assert found["MAE"] == pytest.approx(1)
    assert found["kappa"] == 0


def test_probabilities_add_brier_and_calibration():
    p = np.tile([0, 0, 0, 0, 1.0], (5, 1))
    found = scores.of_stars(STARS, [5] * 5, p, middle=[5, 5, 5, 3, 4])
    assert found["Brier"] == pytest.approx(2 * 0.4)
    assert found["ECE"] == pytest.approx(0.4)
    assert found["MAE"] == pytest.approx(2 / 5)


def test_kappa_is_weighted_by_the_squared_distance():
    random = np.random.default_rng(0)
    truth, said = random.integers(1, 6, size=(2, 50))
    observed = scores.confusion(truth, said).to_numpy() / 50
    chance = np.outer(observed.sum(axis=1), observed.sum(axis=0))
    weights = (np.arange(5)[:, None] - np.arange(5)) ** 2
    by_hand = 1 - (weights * observed).sum() / (weights * chance).sum()
    assert scores.of_stars(truth, said)["kappa"] == pytest.approx(by_hand)


def test_scores_of_sentiment():
    truth = np.array([True, True, True, False, False])
    p = np.array([0.9, 0.6, 0.2, 0.4, 0.1])
    found = scores.of_sentiment(truth, p)
    assert found["AUROC"] == pytest.approx(5 / 6)  # of six pairs one is the wrong way round
    assert found["AP negative"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["accuracy"] == pytest.approx(0.8)
    assert found["Brier"] == pytest.approx(metrics.brier_score_loss(truth, p))


def test_differences_of_cosines_are_cut_at_zero_and_are_no_probabilities():
    found = scores.of_sentiment([True, True, False], [0.1, -0.1, -0.2])
    assert found["AUROC"] == 1
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert np.isnan(found["Brier"])


def test_calibration_by_hand():
    table = scores.calibration([True, False, True, True], [0.1, 0.1, 0.95, 1.0])
    assert table["reviews"].tolist() == [2, 2]
    assert table["low"].tolist() == pytest.approx([0, 0.9])
    assert table["high"].tolist() == pytest.approx([0.1, 1])
    assert table["right"].tolist() == [0.5, 1]
    error = scores.calibration_error([True, False, True, True], [0.1, 0.1, 0.95, 1.0])
    assert error == pytest.approx(0.4 / 2 + 0.025 / 2)


def test_the_interval_has_the_correction_of_nadeau_and_bengio():
    values = [0.6, 0.7, 0.8]
    found = scores.interval(values, ratio=0.25)
    half = stats.t.ppf(0.975, 2) * 0.1 * np.sqrt(1 / 3 + 0.25)  # deviation .1, 20 / 80 = .25
    assert found.mean == pytest.approx(0.7)
    assert found.half == pytest.approx(half)
    assert found.high - found.mean == pytest.approx(found.mean - found.low)


def test_more_splits_cannot_make_the_interval_vanish():
    many = scores.interval(np.tile([0.6, 0.8], 5000))
    assert many.half == pytest.approx(1.96 * 0.1 * 0.5, rel=0.01)


def test_an_interval_needs_two_splits():
    with pytest.raises(DataError, match="two or more splits"):
        scores.interval([0.7])


def test_fewer_training_rows_make_the_interval_wider():
    values = [0.6, 0.7, 0.8]
    widened = scores.interval(values, ratio=191 / 75).half / scores.interval(values).half
    assert widened == pytest.approx(np.sqrt((1 / 3 + 191 / 75) / (1 / 3 + 0.25)))


@pytest.mark.parametrize("ratio", [0, -1, float("nan")])
def test_an_interval_needs_test_rows(ratio):
    with pytest.raises(DataError, match="above 0"):
        scores.interval([0.7, 0.8], ratio)


def test_a_missing_score_is_said():
    with pytest.raises(DataError, match="NaN"):
        scores.interval([0.7, np.nan])
    with pytest.raises(DataError, match="NaN"):
        scores.calibration([True, False], [0.7, np.nan])


def test_a_lower_end_below_zero_keeps_its_sign():
    assert str(scores.Interval(0.07, -0.0023, 0.1344)) == "+0.070 (-0.002 to +0.134)"
    assert str(scores.Interval(0.0, -0.0, 0.0)) == "+0.000 (+0.000 to +0.000)"


@pytest.mark.parametrize(
    ("score", "gain", "verdict"),
    [
        ("accuracy", [0.1, 0.11], "beats"),
        ("accuracy", [-0.1, -0.11], "loses to"),
        ("MAE", [-0.1, -0.11], "beats"),
        ("MAE", [0.1, 0.11], "loses to"),
        ("MAE", [0.1, -0.11], "cannot be told apart from"),
        ("MAE", [1e-14, -1e-14], "does exactly as well as"),
    ],
)
def test_the_verdict_follows_the_interval_and_the_score(score, gain, verdict):
    second = pd.DataFrame({score: [0.5, 0.6]})
    said = scores.compare({"new": second + np.array(gain)[:, None], "old": second}, "new", "old", score)
    assert said.startswith(f"{score}: new {verdict} old")


def test_the_table_shows_means_and_half_intervals():
    found = {
        "a": pd.DataFrame({"accuracy": [0.5, 0.7], "MAE": 1.0}),
        "b": pd.DataFrame({"accuracy": [0.5, 0.5]}),
    }
    table = scores.shown(found, ["b", "a"], ["accuracy"])
    assert list(table.index) == ["b", "a"]
    assert table.loc["b", "accuracy"] == "0.50 ± 0.00"
    assert table.loc["a", "accuracy"] == f"0.60 ± {scores.interval([0.5, 0.7]).half:.2f}"


def test_costs_add_reading_and_missing():
    truth = np.array([1, 1, 0, 0, 0, 0, 0], bool)
    probability = [0.9, 0.25, 0.6, 0.32, 0.28, 0.1, 0.05]
    assert scores.costs(truth, probability, [0.0, 0.3, 1.0], read=1, miss=10).tolist() == [7, 13, 20]
    assert len(scores.THRESHOLDS) == 99


def test_the_difference_of_two_areas_by_hand_and_by_redrawing():
    random = np.random.default_rng(0)
    truth = np.arange(120) < 30
    good, bad = truth + random.normal(size=120), random.normal(size=120).round(1)
    found = scores.auroc_difference(truth, good, bad)
    exact = metrics.roc_auc_score(truth, good) - metrics.roc_auc_score(truth, bad)
    assert found.mean == pytest.approx(exact)
    assert found.low < exact < found.high
    again = []
    for _ in range(300):
        some = np.concatenate([random.choice(30, 30), random.choice(np.arange(30, 120), 90)])
        areas = [metrics.roc_auc_score(truth[some], value[some]) for value in (good, bad)]
        again.append(areas[0] - areas[1])
    assert np.quantile(again, [0.025, 0.975]) == pytest.approx([found.low, found.high], abs=0.03)
    with pytest.raises(DataError, match="both classes"):
        scores.auroc_difference([True], [1], [1])


def test_differences_are_taken_pair_by_pair():
    easy_and_hard = np.array([0.5, 0.7, 0.9])
    first = pd.DataFrame({"accuracy": easy_and_hard + 0.05, "only here": 1.0})
    second = pd.DataFrame({"accuracy": easy_and_hard})
    found = scores.difference(first, second)
    assert list(found.index) == ["accuracy"]
    assert found.loc["accuracy"].tolist() == pytest.approx([0.05] * 3)
    assert scores.summary(second).loc["accuracy", "high"] > 0.9


def test_scores_of_other_splits_are_not_compared():
    with pytest.raises(DataError, match="same splits"):
        scores.difference(pd.DataFrame({"a": [1.0, 2]}), pd.DataFrame({"a": [1.0]}))


@pytest.mark.parametrize("call", [scores.of_stars, scores.confusion, scores.of_sentiment, scores.calibration])
def test_lengths_must_agree(call):
    with pytest.raises(DataError, match="2 true values and 3 predictions"):
        call([True, False], [1, 0, 1])
    with pytest.raises(DataError, match="at least one"):
        call([], [])


def test_sentiment_needs_both_classes():
    with pytest.raises(DataError, match="both positive and negative"):
        scores.of_sentiment([True, True], [0.5, 0.6])


def test_confusion_has_all_stars():
    found = scores.confusion([5, 5, 1], [5, 4, 5])
    assert found.shape == (5, 5)
    assert found.loc[5, 4] == found.loc[5, 5] == found.loc[1, 5] == 1
