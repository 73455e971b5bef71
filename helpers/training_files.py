"""What lesson 08 measures: how many examples are enough, rare classes, contradictions, leaks.

Each experiment trains a logistic regression on some rows and tests it on others, split by split, and gives
accuracies; nothing is drawn or printed. The same rows always give the same numbers. `first_token_answers`
works out what a model that writes class names token by token would say.
Left out: fine-tuning (lesson 09), and checking files (`helpers.prepare`).
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GroupShuffleSplit,
    StratifiedKFold,
    StratifiedShuffleSplit,
    cross_val_predict,
)
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from helpers import prepare, scores, tokens
from helpers.errors import DataError

OUT = Path("out")
ONE_THREAD = threadpool_limits.wrap(limits=1)  # for problems so small, several threads wait for one another

Split = tuple[np.ndarray, np.ndarray]  # positions for training, for testing


def fresh(name: str, folder: Path = OUT) -> Path:
    """`folder`/`name`.jsonl, without the files of that name that an earlier run of the lesson left there."""
    folder.mkdir(exist_ok=True)
    for ending in ("", "_train", "_valid"):
        (folder / f"{name}{ending}.jsonl").unlink(missing_ok=True)
    return folder / f"{name}.jsonl"


def model_on(inputs: np.ndarray) -> BaseEstimator:
    """Logistic regression, not trained yet: on vectors (n, d), or on the TF-IDF of texts (n,).

    It is trained until nothing moves, so that another machine's rounding changes no prediction.
    """
    model = LogisticRegression(C=10, tol=1e-7, max_iter=5000)
    return model if inputs.ndim == 2 else make_pipeline(TfidfVectorizer(), model)


def _exact(inputs: np.ndarray) -> np.ndarray:
    """Vectors in double precision, without which training stops early; texts as they are."""
    return inputs.astype(np.float64) if inputs.ndim == 2 else inputs


def _right(inputs: np.ndarray, classes: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Which test rows a model trained on `train` gets right: bool, (len(test),)."""
    fitted = model_on(inputs).fit(inputs[train], classes[train])
    return fitted.predict(inputs[test]) == classes[test]


def _first_of_each(order: np.ndarray, classes: np.ndarray, most: Callable[[str], int]) -> np.ndarray:
    """Positions of the first `most(name)` rows of each class, in an order. DataError if there are fewer."""
    found = []
    for name in np.unique(classes):
        own = order[classes[order] == name]
        if len(own) < most(name):
            raise DataError(f"{most(name)} examples of {str(name)!r} are wanted, and there are {len(own)}.")
        found.append(own[: most(name)])
    return np.concatenate(found)


def growth(text: str, model: str, steps: int = 8) -> tuple[list[int], list[int]]:
    """Characters of longer and longer beginnings of a text, and their tokens for a model, both (steps,)."""
    places = [round(len(text) * step / steps) for step in range(1, steps + 1)]
    return places, [int(count) for count in tokens.count([text[:place] for place in places], model)]


# ----------------------------------------------------------------------------- classes and first tokens


@ONE_THREAD
def out_of_fold(vectors: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Probabilities of the classes in the order of their names, (n, k): each row's from a model without it.

    Five folds, drawn by class with a fixed seed.
    """
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    vectors = _exact(vectors)
    found = cross_val_predict(model_on(vectors), vectors, classes, cv=folds, method="predict_proba")
    return found.round(5)  # so that a tie is one on every machine


def first_token_answers(probability: ArrayLike, names: Sequence[str], firsts: Sequence[str]) -> pd.DataFrame:
    """What one hears of probabilities (n, k) of k classes, in three ways: n rows of class names.

    `firsts`: the first token of each class's name. The probability of a first token is the sum over the
    names that begin with it. Columns: "likeliest class"; "one token": the likeliest first token, read as the
    first class that has it; "greedy": the likeliest class among all that begin with that token.
    """
    values, names = np.asarray(probability, dtype=float), np.asarray(names, dtype=object)
    if values.ndim != 2 or not values.shape[1] == len(names) == len(firsts):
        raise DataError("There must be one column of probabilities and one first token for each class.")
    same = np.equal.outer(np.asarray(firsts), np.asarray(firsts))  # (k, k)
    of_first = (values @ same).round(9)  # (n, k): of each class, the probability of its first token
    begins = of_first == of_first.max(axis=1, keepdims=True)  # (n, k)
    begins &= same[begins.argmax(axis=1)]  # where two first tokens are as likely, the first of them
    return pd.DataFrame(
        {
            "likeliest class": names[values.argmax(axis=1)],
            "one token": names[begins.argmax(axis=1)],
            "greedy": names[np.where(begins, values, -1.0).argmax(axis=1)],
        }
    )


# ----------------------------------------------------------------------------- how many


def parts(classes: np.ndarray, groups: ArrayLike | None = None) -> list[Split]:
    """Ten times (train, test): positions, about a fifth for testing, the same on every call.

    The same share of each class on both sides; with `groups` (n,), instead, no group on both sides.
    """
    splitter = StratifiedShuffleSplit if groups is None else GroupShuffleSplit
    return list(splitter(10, test_size=0.2, random_state=0).split(classes, classes, groups))


@ONE_THREAD
def learning_curve(
    inputs: np.ndarray, classes: np.ndarray, splits: Sequence[Split], places: Sequence[int]
) -> pd.DataFrame:
    """Accuracy on each split's test rows (rows) after training on so many examples per class (columns).

    `inputs`: vectors (n, d), or texts (n,). Raises DataError when a class has fewer training examples.
    """
    inputs = _exact(inputs)
    table: dict[int, list[float]] = {place: [] for place in places}
    for seed, (train, test) in enumerate(splits):
        order = np.random.default_rng(seed).permutation(train)
        for place, found in table.items():
            few = _first_of_each(order, classes, lambda _, place=place: place)
            found.append(float(_right(inputs, classes, few, test).mean()))
    return pd.DataFrame(table)


def last_step(table: pd.DataFrame) -> scores.Interval:
    """What the last column has above the one before it, on the same splits: the mean, and its interval."""
    return scores.interval(table.iloc[:, -1] - table.iloc[:, -2])


def band(table: pd.DataFrame) -> tuple[list[int], list[scores.Interval]]:
    """The columns of a table of scores, and for each its mean over the splits with an interval."""
    return list(table), [scores.interval(table[place]) for place in table]


@ONE_THREAD
def rare_class(
    vectors: np.ndarray,
    classes: np.ndarray,
    splits: Sequence[Split],
    rare: str,
    counts: Sequence[int],
    others: int,
) -> dict[str, pd.DataFrame]:
    """Scores when one class has so few training examples (columns) and each other class has `others`.

    Tables as of `learning_curve`: "accuracy", where the test rows are weighted to the mix of the training
    rows; "recall of <rare>"; "recall of the others". Raises DataError when there are fewer examples.
    """
    names = ("accuracy", f"recall of {rare}", "recall of the others")
    vectors = _exact(vectors)
    found: dict[str, dict[int, list[float]]] = {name: {count: [] for count in counts} for name in names}
    for seed, (train, test) in enumerate(splits):
        order = np.random.default_rng(seed).permutation(train)
        is_rare = classes[test] == rare
        for count in counts:
            kept = _first_of_each(order, classes, lambda name, count=count: count if name == rare else others)
            right = _right(vectors, classes, kept, test)
            accuracy = np.average(right, weights=np.where(is_rare, count / others, 1))
            for name, value in zip(names, (accuracy, right[is_rare].mean(), right[~is_rare].mean())):
                found[name][count].append(float(value))
    return {name: pd.DataFrame(table) for name, table in found.items()}


# ----------------------------------------------------------------------------- rows that harm


@ONE_THREAD
def contradicted(
    vectors: np.ndarray, classes: np.ndarray, splits: Sequence[Split], share: float
) -> np.ndarray:
    """Accuracy on each split when a share of its training rows comes again with another class, at random."""
    vectors, names, accuracies = _exact(vectors), np.unique(classes), []
    for seed, (train, test) in enumerate(splits):
        generator = np.random.default_rng(seed)
        again = generator.choice(train, round(share * len(train)), replace=False)
        untrue = np.array([generator.choice(names[names != classes[i]]) for i in again], dtype=classes.dtype)
        fitted = model_on(vectors).fit(vectors[np.append(train, again)], np.append(classes[train], untrue))
        accuracies.append((fitted.predict(vectors[test]) == classes[test]).mean())
    return np.array(accuracies)


@ONE_THREAD
def with_copies(
    vectors: np.ndarray, classes: np.ndarray, splits: Sequence[Split], copies: np.ndarray, leak: bool
) -> np.ndarray:
    """Accuracy on each split when copies of half as many rows as it has test rows are added to training.

    `copies`: the vectors of all rows in other dress, (n, d). `leak`: copies of every second test row; else
    of the first training rows, which tells the model nothing of the test.
    """
    vectors, copies, accuracies = _exact(vectors), _exact(copies), []
    for train, test in splits:
        source = copied_rows(train, test, leak)
        inputs = np.vstack([vectors[train], copies[source]])
        fitted = model_on(vectors).fit(inputs, np.append(classes[train], classes[source]))
        accuracies.append((fitted.predict(vectors[test]) == classes[test]).mean())
    return np.array(accuracies)


def copied_rows(train: np.ndarray, test: np.ndarray, leak: bool) -> np.ndarray:
    """The positions that `with_copies` copies: every second test row, or as many training rows."""
    return test[::2] if leak else train[: len(test[::2])]


def found_by_tool(
    texts: Sequence[str], copies: Sequence[str], classes: np.ndarray, split: Split
) -> tuple[int, int]:
    """Of the rows that `with_copies` leaks on a split, how many `prepare.check` reports; how many there are.

    `texts`, `copies`: all rows as they are, and in other dress, both (n,).
    """
    train, test = split
    source = copied_rows(train, test, leak=True)
    texts, copies = np.asarray(texts, dtype=object), np.asarray(copies, dtype=object)
    added = pd.DataFrame({"prompt": copies[source], "completion": classes[source]})
    aside = pd.DataFrame({"prompt": texts[test], "completion": classes[test]})
    report = prepare.check(added, validation=aside)
    findings = map(report.finding, ("leakage", "near_leakage"))
    return sum(finding.count for finding in findings if finding), len(added)
