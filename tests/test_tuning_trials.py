"""Sides, loss, the rival and the comparison of lesson 09."""

import math
import types

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import prediction, tuning_trials
from helpers.errors import DataError


def reviews_of(n: int) -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "Text": [f"review number {i}" for i in range(n)],
            "Summary": "",
            "Score": random.choice([1, 2, 4, 5], n, p=[0.1, 0.1, 0.2, 0.6]),
            "UserId": "u",
            "ProductId": "p",
        }
    )


def test_sides_hold_every_row_once_with_like_shares():
    rows = reviews_of(500)
    sides = tuning_trials.sides(rows)
    assert set(sides) == {"training", "validation", "test", "pool"}
    assert sorted(np.concatenate(list(sides.values()))) == list(range(500))
    assert len(sides["training"]) == pytest.approx(200, abs=6)
    for name in ("validation", "test", "pool"):
        assert len(sides[name]) == pytest.approx(100, abs=6)
    shares = [(rows.Score.iloc[side] > 3).mean() for side in sides.values()]
    assert np.ptp(shares) < 0.03
    again = tuning_trials.sides(rows)
    assert all((sides[name] == again[name]).all() for name in sides)


def test_the_same_text_is_on_one_side_only():
    rows = reviews_of(400)
    rows["Text"] = [f"Review number {i // 2}{'!' * (i % 2)}" for i in range(400)]
    sides = tuning_trials.sides(rows)
    assert all((np.unique(side // 2, return_counts=True)[1] == 2).all() for side in sides.values())


def test_loss_is_the_mean_of_minus_ln_p():
    assert tuning_trials.loss([1, 1]) == 0
    assert tuning_trials.loss([0.5]) == pytest.approx(math.log(2))
    assert tuning_trials.loss([0.1, 0.4]) == pytest.approx(-(math.log(0.1) + math.log(0.4)) / 2)
    assert math.isfinite(tuning_trials.loss([0.0]))
    for bad in ([], [math.nan, 0.5], [-0.5], [1.5]):
        with pytest.raises(DataError):
            tuning_trials.loss(bad)
    assert tuning_trials.loss([1 + 1e-12]) == 0, "rounding is no mistake"


def test_loss_of_takes_the_probability_of_the_right_class():
    assert tuning_trials.loss_of([True, False], [0.9, 0.2]) == tuning_trials.loss([0.9, 0.8])
    with pytest.raises(DataError, match="2 rows and 1"):
        tuning_trials.loss_of([True, False], [0.9])


def test_nearest_takes_the_nearest_of_the_pool_and_of_equals_the_first():
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8], [0.8, 0.6], [0.8, 0.6], [-1, 0]], dtype=np.float32)
    assert tuning_trials.nearest(vectors, [5, 2, 4, 3], [0], 3).tolist() == [4, 3, 2]
    assert tuning_trials.nearest(vectors, [5, 2, 4, 3], [0, 5], 1).tolist() == [5]
    with pytest.raises(DataError, match="no mistake"):
        tuning_trials.nearest(vectors, [1, 2], [], 1)


def test_a_rival_learns_from_training_rows_and_is_set_by_validation_rows():
    random = np.random.default_rng(1)
    rows, vectors = reviews_of(300), random.normal(size=(300, 8))
    positive = vectors[:, 0] + 0.3 * random.normal(size=300) > 0
    table = prediction.inputs(rows, whole=vectors)

    def rival(answers, **options):
        sides = (np.arange(150), np.arange(150, 220))
        return tuning_trials.linear_rival(table, answers, *sides, parts=["whole"], **options)

    p = rival(positive).probability
    assert p.shape == (300,) and ((p > 0) & (p < 1)).all()
    assert ((p > 0.5) == positive)[220:].mean() > 0.8
    flipped = positive.copy()
    flipped[220:] = ~flipped[220:]
    assert (p == rival(flipped).probability).all(), "the other rows' answers change nothing"
    best = min(
        (rival(positive, weights=[name]) for name in tuning_trials.WEIGHTS),
        key=lambda one: tuning_trials.loss_of(positive[150:220], one.probability[150:220]),
    )
    assert best.weights == rival(positive).weights, "of the weights, those with the lowest validation loss"


def test_weights_of_classes_are_those_of_scikit_learn_and_the_root_between():
    positive = np.array([True] * 90 + [False] * 10)
    equal, root, rows = (
        tuning_trials._class_weight(name, positive) for name in ("equal classes", "root", "equal rows")
    )
    assert equal == pytest.approx({False: 100 / 20, True: 100 / 180})
    assert rows == {False: 1, True: 1}
    assert root == pytest.approx({kind: math.sqrt(equal[kind]) for kind in equal})


def test_by_epoch_gathers_the_steps_between_two_full_validations():
    steps = pd.DataFrame({"step": [1, 2, 3, 4], "train_loss": [0.8, 0.6, 0.4, 0.2]})
    told = [None, {"step": 1}, {"step": 2, "full_valid_loss": 0.5}, {"step": 4, "full_valid_loss": 0.45}]
    events = [types.SimpleNamespace(data=data) for data in told]
    found = tuning_trials.by_epoch(steps, events)
    assert found["epoch"] == [1, 2] and found["step"] == [2, 4] and found["validation"] == [0.5, 0.45]
    assert found["training"] == pytest.approx([0.7, 0.3])
    with pytest.raises(DataError, match="was there a validation file"):
        tuning_trials.by_epoch(steps, events[:2])


def test_judged_has_a_row_per_model():
    truth = np.array([True, True, True, False, False])
    p = np.array([0.9, 0.8, 0.4, 0.6, 0.1])
    table = tuning_trials.judged(truth, {"a": p, "always": np.full(5, 0.75)})
    assert table.loc["a"].tolist() == pytest.approx(
        [5 / 6, 3 / 5, 1 / 2, -np.log([0.9, 0.8, 0.4, 0.4, 0.9]).mean(), 0.56]
    )
    assert table.loc["always", ["AUROC", "accuracy", "negatives found"]].tolist() == [0.5, 0.6, 0]


class TestLossDifference:
    truth = np.array([True] * 40 + [False] * 10)

    def test_tells_a_better_model_from_an_equal_one(self):
        random = np.random.default_rng(2)
        noise = random.uniform(0, 0.3, 50)
        second = np.where(self.truth, 1 - noise, noise)
        better = tuning_trials.loss_difference(self.truth, np.where(self.truth, 0.99, 0.01), second)
        assert better.low < better.mean < better.high < 0
        mean = tuning_trials.loss([0.99] * 50) - tuning_trials.loss(1 - noise)
        assert better.mean == pytest.approx(mean)
        assert tuning_trials.told(better).endswith(": lower")
        same = tuning_trials.loss_difference(self.truth, second, second)
        assert same == (0, 0, 0) and tuning_trials.told(same).endswith("cannot tell")

    def test_is_turned_round_with_the_models(self):
        random = np.random.default_rng(3)
        first, second = random.uniform(0.1, 0.9, (2, 50))
        one = tuning_trials.loss_difference(self.truth, first, second)
        other = tuning_trials.loss_difference(self.truth, second, first)
        assert (one.mean, one.low, one.high) == pytest.approx((-other.mean, -other.high, -other.low))

    def test_says_what_is_wrong(self):
        with pytest.raises(DataError, match="both classes"):
            tuning_trials.loss_difference([True], [0.5], [0.5])
        with pytest.raises(DataError, match="2 rows and 1"):
            tuning_trials.loss_difference([True, False], [0.5], [0.5, 0.5])
        with pytest.raises(DataError, match="probabilities"):
            tuning_trials.loss_difference([True, False], [0.5, np.nan], [0.5, 0.5])


class TestPairs:
    def test_counts_the_rows_on_which_exactly_one_is_right(self):
        first, second = [1, 1, 1, 0, 0, 1], [1, 0, 0, 0, 1, 0]
        found = tuning_trials.pairs(first, second)
        assert (found.only_first, found.only_second) == (3, 1)
        assert found.chance == pytest.approx(2 * (1 + 4) / 16)
        assert tuning_trials.pairs([1, 0], [1, 0]) == (0, 0, 1.0)

    @given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
    def test_is_the_same_whichever_model_comes_first(self, rows):
        first, second = map(list, zip(*rows))
        one, other = tuning_trials.pairs(first, second), tuning_trials.pairs(second, first)
        assert one.chance == pytest.approx(other.chance)
        assert (one.only_first, one.only_second) == (other.only_second, other.only_first)
        assert 0 < one.chance <= 1

    def test_needs_the_same_rows(self):
        with pytest.raises(DataError, match="3 and 2"):
            tuning_trials.pairs([True] * 3, [True] * 2)
