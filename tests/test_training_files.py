"""The experiments of lesson 08 on data whose answers are known."""

import numpy as np
import pandas as pd
import pytest

from helpers import tokens, training_files
from helpers.errors import DataError


@pytest.fixture(scope="module")
def task():
    """Three classes that lie apart but for some noise: vectors (90, 4), classes (90,), two splits."""
    generator = np.random.default_rng(0)
    classes = np.array(["a", "b", "c"] * 30)
    vectors = np.eye(4)[[ord(name) - ord("a") for name in classes]] + 0.25 * generator.standard_normal(
        (90, 4)
    )
    orders = [generator.permutation(90) for _ in range(3)]
    return vectors, classes, [(order[:72], order[72:]) for order in orders]


def test_fresh_paths(tmp_path):
    folder = tmp_path / "out"
    path = training_files.fresh("08_a", folder)
    assert path == folder / "08_a.jsonl" and folder.is_dir()
    for name in ("08_a.jsonl", "08_a_train.jsonl", "08_a_valid.jsonl", "08_abc.jsonl"):
        (folder / name).touch()
    training_files.fresh("08_a", folder)
    assert [each.name for each in folder.iterdir()] == ["08_abc.jsonl"]


def test_two_names_that_begin_alike_outvote_the_likeliest():
    probability = [[0.4, 0.35, 0.25], [0.2, 0.1, 0.7], [0.9, 0.06, 0.04]]
    said = training_files.first_token_answers(
        probability, ["product", "delivery", "returns"], [" p", " d", " d"]
    )
    assert list(said["likeliest class"]) == ["product", "returns", "product"]
    assert list(said["one token"]) == ["delivery", "delivery", "product"]
    assert list(said["greedy"]) == ["delivery", "returns", "product"]


def test_ties_go_to_the_class_that_comes_first():
    said = training_files.first_token_answers([[0.5, 0.3, 0.2]], ["a", "b", "c"], [" x", " y", " y"])
    assert list(said.iloc[0]) == ["a", "a", "a"]
    with pytest.raises(DataError):
        training_files.first_token_answers([[0.5, 0.5]], ["a", "b"], [" x"])


def test_names_with_first_tokens_of_their_own_change_nothing(task):
    vectors, classes, _ = task
    probability = training_files.out_of_fold(vectors, classes)
    assert probability.shape == (90, 3) and np.allclose(probability.sum(axis=1), 1, atol=1e-4)
    said = training_files.first_token_answers(probability, ["a", "b", "c"], [" a", " b", " c"])
    assert (said["likeliest class"] == said["one token"]).all()
    assert (said["likeliest class"] == said["greedy"]).all()


def test_more_examples_help(task):
    vectors, classes, parts = task
    table = training_files.learning_curve(vectors, classes, parts, [1, 15])
    assert table.shape == (3, 2) and table[15].mean() > table[1].mean() > 1 / 3
    places, measured = training_files.band(table)
    assert places == [1, 15] and measured[1].mean == pytest.approx(table[15].mean())
    with pytest.raises(DataError, match="500 examples"):
        training_files.learning_curve(vectors, classes, parts, [500])


def test_texts_are_learnt_from_their_words(task):
    _, classes, parts = task
    texts = np.array([f"word of {name * 3} number {i}" for i, name in enumerate(classes)])
    assert training_files.learning_curve(texts, classes, parts, [15])[15].min() == 1


def test_a_rare_class_is_lost_and_the_accuracy_does_not_tell(task):
    vectors, classes, parts = task
    found = training_files.rare_class(vectors, classes, parts, "c", [15, 1], others=15)
    assert list(found) == ["accuracy", "recall of c", "recall of the others"]
    recall, accuracy = found["recall of c"].mean(), found["accuracy"].mean()
    assert recall[1] < recall[15] and accuracy[1] > recall[1]


def test_contradictions_cost_and_none_changes_nothing(task):
    vectors, classes, parts = task
    clean = training_files.contradicted(vectors, classes, parts, 0)
    assert clean.shape == (3,)
    assert training_files.contradicted(vectors, classes, parts, 1.0).mean() < clean.mean()


def test_a_leak_raises_the_score_of_labels_that_nobody_could_know(task):
    _, _, parts = task
    wide = np.random.default_rng(1).standard_normal((90, 60))
    by_chance = np.random.default_rng(2).choice(["a", "b"], 90)
    honest = training_files.with_copies(wide, by_chance, parts, wide, leak=False)
    leaked = training_files.with_copies(wide, by_chance, parts, wide, leak=True)
    assert leaked.mean() > honest.mean() + 0.2
    train, test = parts[0]
    assert set(training_files.copied_rows(train, test, True)) <= set(test)
    assert set(training_files.copied_rows(train, test, False)) <= set(train)
    assert len(training_files.copied_rows(train, test, False)) == len(test[::2])


@pytest.mark.parametrize(
    ("change", "all_found"), [(str, True), (str.upper, True), ("Hello, {}".format, False)]
)
def test_the_tool_finds_copies_in_other_letters_and_not_in_other_words(change, all_found):
    texts = [f"Question number {i} of many" for i in range(20)]
    classes = np.array(["a", "b"] * 10)
    split = np.arange(12), np.arange(12, 20)
    assert training_files.found_by_tool(texts, list(map(change, texts)), classes, split) == (4 * all_found, 4)


def test_the_splits_keep_groups_together_or_shares_equal():
    classes, groups = np.array(["a", "b"] * 50), np.arange(100) // 4
    by_class, by_group = training_files.parts(classes), training_files.parts(classes, groups)
    assert len(by_class) == len(by_group) == 10
    assert all((classes[test] == "a").sum() == 10 for _, test in by_class)
    assert not any(set(groups[train]) & set(groups[test]) for train, test in by_group)


def test_the_last_step_is_measured_on_the_same_splits():
    table = pd.DataFrame({5: [0.1, 0.2, 0.3], 10: [0.5, 0.7, 0.9], 20: [0.6, 0.8, 1.0]})
    assert training_files.last_step(table).mean == pytest.approx(0.1)
    assert training_files.last_step(table).half == pytest.approx(0)


def test_the_tokens_of_longer_and_longer_beginnings():
    places, counts = training_files.growth("tea and bread " * 10, "babbage-002", steps=4)
    assert places == [35, 70, 105, 140] and counts == sorted(counts)
    assert counts[-1] == tokens.count(["tea and bread " * 10], "babbage-002")[0]
