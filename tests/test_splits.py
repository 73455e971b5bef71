"""Splits for prediction: nothing joined is parted, every star is on both sides in its share."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import splits
from helpers.errors import DataError


def frame(texts, users=None, products=None, stars=None) -> pd.DataFrame:
    n = len(texts)
    return pd.DataFrame(
        {
            "Text": texts,
            "UserId": users if users is not None else [f"u{i}" for i in range(n)],
            "ProductId": products if products is not None else [f"p{i}" for i in range(n)],
            "Score": stars if stars is not None else np.arange(n) % 5 + 1,
        }
    )


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=150, max_size=250),
    st.sampled_from([("text",), ("user",), ("product",), ("text", "user"), ("text", "user", "product")]),
    st.integers(0, 2**32 - 1),
)
def test_nothing_that_is_kept_apart_is_on_both_sides(keys, apart, seed):
    rows = frame([f"Text {a}" for a, _ in keys], [f"u{b}" for _, b in keys], [f"p{a * b}" for a, b in keys])
    try:
        (split,) = splits.splits(rows, seeds=[seed], apart=apart)
    except DataError as error:
        assert "there are too few of them" in str(error)
        return
    for by in apart:
        assert not splits.shared(rows, split, by).any()
    assert sorted([*split.train, *split.test]) == list(range(len(rows)))


@given(
    st.lists(st.sampled_from([1, 2, 3, 4, 5]), min_size=60, max_size=150), st.sampled_from([0.2, 0.25, 0.5])
)
@settings(max_examples=40, deadline=None)
def test_single_texts_are_shared_out_star_by_star(stars, test):
    rows = frame([f"text {i}" for i in range(len(stars))], stars=stars)
    try:
        (split,) = splits.splits(rows, test, [3])
    except DataError:
        assert min(np.unique(stars, return_counts=True)[1]) <= 1 / test
        return
    for star, count in zip(*np.unique(stars, return_counts=True)):
        held_out = (rows["Score"].iloc[split.test] == star).sum()
        assert abs(held_out - test * count) <= 0.5 + 1e-9


def test_texts_that_differ_in_markup_and_case_only_stay_together():
    texts = [f"{i % 30}<br />Good, really" if i < 30 else f"{i % 30} GOOD really" for i in range(60)]
    rows = frame(texts, stars=[i % 5 + 1 for i in range(60)])
    assert len(np.unique(splits.groups_of(rows))) == 30
    (split,) = splits.splits(rows, seeds=[0])
    assert not splits.shared(rows, split).any()
    (random,) = splits.random_splits(rows)
    assert splits.shared(rows, random).any()


def test_groups_join_through_others():
    rows = frame(["a", "b", "c", "d"], ["x", "x", "y", "z"], ["p", "q", "q", "r"])
    assert splits.groups_of(rows, ("user", "product")).tolist() == [0, 0, 0, 1]
    assert splits.groups_of(rows, ("user",)).tolist() == [0, 0, 1, 2]


def test_a_missing_user_joins_nobody():
    rows = frame(["a", "b", "c"], [None, None, "x"])
    assert len(set(splits.groups_of(rows, ("user",)))) == 3
    split = splits.Split(np.array([0, 2]), np.array([1]))
    assert splits.shared(rows, split, "user").tolist() == [False]


def test_a_seed_gives_one_split_and_another_seed_another():
    rows = frame([f"text {i}" for i in range(100)])
    first, again, other = (next(splits.splits(rows, seeds=[seed])) for seed in (1, 1, 2))
    assert np.array_equal(first.test, again.test)
    assert not np.array_equal(first.test, other.test)


def test_labels_of_the_rows_do_not_matter():
    rows = frame([f"text {i}" for i in range(50)])
    moved = rows.set_axis(range(1000, 1050))
    for one, two in zip(splits.splits(rows), splits.splits(moved)):
        assert np.array_equal(one.test, two.test)


def test_the_tutorials_split_is_scikit_learns():
    from sklearn.model_selection import train_test_split

    rows = frame([f"text {i}" for i in range(50)])
    (split,) = splits.random_splits(rows)
    expected = train_test_split(np.arange(50), test_size=0.2, random_state=42)[1]
    assert split.test.tolist() == sorted(expected)


def test_too_few_rows_of_a_star_are_named():
    rows = frame([f"text {i}" for i in range(40)], stars=[5] * 39 + [1])
    with pytest.raises(DataError, match="No review with 1 stars is on the test side"):
        list(splits.splits(rows))


@pytest.mark.parametrize("test", [0, 1, -0.2, 5])
def test_a_share_that_is_none_is_refused(test):
    with pytest.raises(DataError, match="between 0 and 1"):
        list(splits.splits(frame(["a"] * 10), test))


def test_unknown_names_and_too_few_rows_are_refused():
    with pytest.raises(DataError, match="not by 'time'"):
        splits.groups_of(frame(["a", "b"]), ("time",))
    with pytest.raises(DataError, match="1 rows cannot be split"):
        list(splits.random_splits(frame(["a"])))


def test_three_sides_share_neither_row_nor_text():
    rows = frame([f"Text {i // 2}" for i in range(200)])
    sides = splits.three_sides(rows, seed=1)
    assert [len(sides[name]) for name in ("training", "validation", "test")] == pytest.approx(
        [100, 50, 50], abs=4
    )
    assert sorted(np.concatenate(list(sides.values()))) == list(range(200))
    words = [set(rows["Text"].iloc[side]) for side in sides.values()]
    assert not (words[0] & words[1] or words[0] & words[2] or words[1] & words[2])


def test_no_rows_cannot_be_split():
    with pytest.raises(DataError, match="no rows"):
        next(splits.splits(frame([])))
