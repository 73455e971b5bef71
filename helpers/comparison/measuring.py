"""Asking ways on every split of a task, and scoring what they say."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from helpers import scores
from helpers.comparison.tasks import Embed, Task
from helpers.comparison.ways import Way
from helpers.errors import DataError


def ask(task: Task, ways: Mapping[str, Way], text: str, embed: Embed) -> dict[str, np.ndarray]:
    """Each way's probabilities of the classes for a text of one's own, (k,), learnt from the first split."""
    more = dataclasses.replace(
        task,
        texts=np.append(task.texts, np.array([text], dtype=object)),
        labels=np.append(task.labels, task.classes[0]),  # not looked at: the row is not learnt from
        vectors=np.vstack([task.vectors, np.asarray(embed([text]), dtype=np.float64)]),
    )
    return {
        name: way(more, task.parts[0].train, np.array([len(task.texts)]))[0] for name, way in ways.items()
    }


def said(task: Task, probabilities: np.ndarray) -> np.ndarray:
    """The likeliest class of each row, str (n,); "" where a row is all zeros: no answer that fits.

    Probabilities that agree to 9 decimals are equal, and the class that comes first in `task.classes` wins.
    """
    best = task.classes[probabilities.round(9).argmax(axis=1)]
    return np.where(probabilities.sum(axis=1) > 0, best, "")


def score(task: Task, probabilities: np.ndarray, test: np.ndarray) -> dict[str, float]:
    """accuracy, macro F1 (each class counts the same), and AUROC: of each class against the rest, averaged.

    `probabilities`: (n_test, k), for the rows `test`. Raises DataError when a class is missing there.
    """
    from sklearn.metrics import f1_score, roc_auc_score

    truth, given = task.labels[test], said(task, probabilities)
    if missing := sorted(set(task.classes) - set(truth)):
        raise DataError(f"No test row has the class {missing[0]!r}: take other seeds or a larger test side.")
    areas = [
        roc_auc_score(truth == name, column)
        for name, column in zip(task.classes, probabilities.round(9).T, strict=True)
    ]
    return {
        "accuracy": float((given == truth).mean()),
        "macro F1": float(f1_score(truth, given, labels=task.classes, average="macro", zero_division=0)),
        "AUROC": float(np.mean(areas)),
    }


Answers = dict[str, list[np.ndarray]]
"""Each way's probabilities, (n_test, k), one array a split."""


def answers(task: Task, ways: Mapping[str, Way]) -> Answers:
    """What each way says on each of the task's splits; every way learns from the same rows."""
    return {name: [way(task, *split) for split in task.parts] for name, way in ways.items()}


def scored(task: Task, given: Answers) -> dict[str, pd.DataFrame]:
    """`score` of answers: for each way one row a split, one column a score."""
    return {
        name: pd.DataFrame([score(task, p, test) for p, (_, test) in zip(found, task.parts, strict=True)])
        for name, found in given.items()
    }


def intervals(found: Mapping[str, pd.DataFrame], score_name: str, ratio: float) -> dict[str, scores.Interval]:
    """Each way's mean score over the splits with its interval; `found` as `scored` gives it."""
    return {name: scores.interval(table[score_name], ratio) for name, table in found.items()}


def right_once(task: Task, given: Answers, kinds: Sequence[str]) -> pd.DataFrame:
    """How many held-out rows of these kinds each way gets right, each row counted once (first split with it).

    Columns right, rows, and "low" and "high": Wilson's 95 % interval of the share. What chance gives is one
    half where there are two classes.
    """
    from helpers.plots.scores import wilson  # brings matplotlib along

    tests = np.concatenate([test for _, test in task.parts])
    rows, first = np.unique(tests, return_index=True)
    first = first[np.isin(task.kinds[rows], kinds)]
    table = {}
    for name, found in given.items():
        right = (said(task, np.concatenate(found)) == task.labels[tests])[first]
        low, high = wilson(int(right.sum()), len(right))
        table[name] = {"right": int(right.sum()), "rows": len(right), "low": low, "high": high}
    return pd.DataFrame(table).T.astype({"right": int, "rows": int})


def right_by_kind(task: Task, given: Answers) -> pd.DataFrame:
    """The share of test rows of each kind that each way gets right, all splits together; and how many."""
    if task.kinds is None:
        raise DataError(f"Of the task {task.name!r} it is not known what kinds of rows there are.")
    tests = np.concatenate([test for _, test in task.parts])
    table = {
        name: [said(task, p) == task.labels[test] for p, (_, test) in zip(found, task.parts, strict=True)]
        for name, found in given.items()
    }
    right = pd.DataFrame({name: np.concatenate(parts) for name, parts in table.items()})
    grouped = right.groupby(task.kinds[tests])
    return grouped.mean().assign(**{"test rows": grouped.size()}).rename_axis("kind")


def nested_order(labels: np.ndarray, seed: int) -> np.ndarray:
    """An order of the rows, int64 (n,), whose every beginning has the classes in nearly their shares.

    So the first 10 are a part of the first 20, and so on: a longer beginning is the same examples and some
    more. Within a class the order is random. The first of each class come as early as its share allows.
    """
    random = np.random.default_rng(seed)
    shuffled = random.permutation(len(labels))
    place = np.empty(len(labels))
    for name in np.unique(labels):
        own = shuffled[labels[shuffled] == name]
        place[own] = (np.arange(len(own)) + 0.5) / len(own)
    return np.lexsort((np.argsort(shuffled), place))
