"""What lesson 10 tries with the ways of `comparison`: fewer examples, a class added, fields exchanged, maps.

Each experiment gives numbers; nothing is drawn or printed. `recorded` reads what
tests/benchmarks/comparison_quality.py has measured and kept, because it takes minutes.
Left out: the ways and the scores themselves (`comparison`).
"""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers import scores, settings
from helpers.comparison.decisions import decide
from helpers.comparison.measuring import nested_order, said, score
from helpers.comparison.tasks import Task
from helpers.comparison.thresholds import moved, threshold
from helpers.comparison.ways import EFFORT, Way
from helpers.errors import DataError

RECORDED = settings.DATA / "comparison_results.csv"
AT_HALF = "macro F1, cut at one half"
SCORES = ("accuracy", "macro F1", "AUROC", AT_HALF)

# ----------------------------------------------------------------------------- leaks


def on_both_sides(task: Task, parts: Sequence[Sequence[np.ndarray]], key: Callable[[str], str]) -> float:
    """How many different keys of texts (a company, the text itself) a split has on both sides, on average."""
    sides = [[{key(task.texts[i]) for i in side} for side in split] for split in parts]
    return float(np.mean([len(train & test) for train, test in sides]))


def highest_cosine(task: Task) -> float:
    """How alike a test row and a training row are at most, over all splits: 1 would be the same text."""
    return max(float((task.vectors[test] @ task.vectors[train].T).max()) for train, test in task.parts)


# ----------------------------------------------------------------------------- fewer examples


def curve(task: Task, ways: Mapping[str, Way], sizes: Sequence[int]) -> pd.DataFrame:
    """Scores after training on the first `sizes` examples of each split's training rows, in nested order.

    One row for each split, size and way: columns way, examples, split, test (rows), and the scores, those of
    two classes cut where the training rows say (`threshold`), macro F1 also cut at one half. A size
    beyond the training rows is left out. Raises DataError when so few examples lack a class.
    """
    found = []
    for number, (train, test) in enumerate(task.parts):
        order = train[nested_order(task.labels[train], number)]
        for size in sizes:
            if size > len(train):
                continue
            if len(np.unique(task.labels[order[:size]])) < len(task.classes):
                raise DataError(f"{size} examples are too few to have one of each class of {task.name}.")
            for name, way in ways.items():
                given = way(task, order[:size], test)
                one = score(task, given, test)
                if len(task.classes) == 2:
                    cut = threshold(task, way, order[:size])
                    one = {
                        **score(task, moved(given, cut), test),
                        "AUROC": one["AUROC"],
                        AT_HALF: one["macro F1"],
                    }
                else:
                    one[AT_HALF] = one["macro F1"]  # more classes have no cut
                found.append({"way": name, "examples": size, "split": number, "test": len(test), **one})
    return pd.DataFrame(found)


def recorded(**wanted: str) -> pd.DataFrame:
    """What tests/benchmarks/comparison_quality.py has measured: a row for each data, task, way, size, split.

    Columns data ("sample" or "real 1,000"), task, way, examples, split, test (rows), and the scores.
    `wanted`: keep the rows in which these columns have these values.
    """
    table = pd.read_csv(RECORDED, encoding="utf-8")
    for column, value in wanted.items():
        table = table[table[column] == value]
    return table.reset_index(drop=True)


def bands(table: pd.DataFrame, score_name: str) -> dict[str, tuple[list[int], list[scores.Interval]]]:
    """Of each way in a table as `curve` gives it: the numbers of examples, and there the score's interval."""
    found: dict[str, tuple[list[int], list[scores.Interval]]] = {}
    ratio = _ratio(table)
    for name in dict.fromkeys(table["way"]):
        of_way = table[table["way"] == name].groupby("examples")
        places = [int(size) for size, _ in of_way]
        found[name] = places, [scores.interval(rows[score_name], ratio) for _, rows in of_way]
    return found


def _ratio(table: pd.DataFrame) -> float:
    """Test rows to all training rows: how much the splits overlap, whatever part of them is learnt from."""
    return float(table["test"].mean() / table["examples"].max())


def at_size(table: pd.DataFrame, size: int) -> tuple[dict[str, pd.DataFrame], float]:
    """Of a table as `curve` gives it, the scores at one number of examples: as `scored`, and the ratio.

    Raises DataError when nothing was measured there.
    """
    there = table[table["examples"] == size]
    if there.empty:
        raise DataError(f"Nothing was measured with {size} examples.")
    columns = [column for column in SCORES if column in table]
    found = {
        name: there[there["way"] == name].sort_values("split")[columns].reset_index(drop=True)
        for name in dict.fromkeys(there["way"])
    }
    return found, _ratio(table)


def decide_at(table: pd.DataFrame, size: int, score_name: str) -> dict[str, str]:
    """`comparison.decide` at one number of examples of a table as `curve` gives it."""
    found, ratio = at_size(table, size)
    return decide(found, score_name, ratio, EFFORT)


def labels_needed(table: pd.DataFrame, score_name: str, wanted: float) -> dict[str, str]:
    """For each way, the smallest measured number of examples whose mean score reaches `wanted`.

    With the same for its worst and its best split where they differ: "80 (40 to 160)"; "never" where it is
    not reached.
    """
    found = {}
    for name, rows in table.groupby("way", sort=False):
        of_split = rows.pivot(index="examples", columns="split", values=score_name).sort_index()
        mean, low, high = (
            _first(of, wanted) for of in (of_split.mean(axis=1), of_split.max(axis=1), of_split.min(axis=1))
        )
        found[name] = mean if low == high else f"{mean} ({low} to {high})"
    return found


def _first(of_size: pd.Series, wanted: float) -> str:
    reached = of_size.index[of_size.round(9) >= wanted]
    return f"{reached[0]:,}" if len(reached) else "never"


# ----------------------------------------------------------------------------- a class is added


def added_class(
    task: Task, ways: Mapping[str, Way], name: str, counts: Sequence[int], splits: int
) -> pd.DataFrame:
    """Learn from all rows of the other classes and the first few of one class that is new.

    For each way (first level of the columns), by the number of examples of the new class (rows): "new", the
    share of its test rows that are recognised, and "others", the accuracy on all other test rows; means over
    the first `splits` splits.
    """
    found: dict[tuple[str, str], dict[int, float]] = {}
    for way_name, way in ways.items():
        for count in counts:
            recognised, others = [], []
            for train, test in task.parts[:splits]:
                is_new = task.labels[train] == name
                rows = np.concatenate([train[~is_new], train[is_new][:count]])
                right = said(task, way(task, rows, test)) == task.labels[test]
                recognised.append(right[task.labels[test] == name].mean())
                others.append(right[task.labels[test] != name].mean())
            found.setdefault((way_name, "new"), {})[count] = float(np.mean(recognised))
            found.setdefault((way_name, "others"), {})[count] = float(np.mean(others))
    return pd.DataFrame(found).rename_axis(f"examples of {name}")


# ----------------------------------------------------------------------------- fields exchanged


def diagonal_areas(tables: Mapping[str, ArrayLike]) -> dict[str, float]:
    """Of each table of probabilities (c, c): how often a place on the diagonal is above one off it, AUROC."""
    from sklearn.metrics import roc_auc_score

    return {
        name: float(roc_auc_score(np.eye(len(values), dtype=bool).ravel(), np.round(values, 9).ravel()))
        for name, values in tables.items()
    }


def fours_right(table: ArrayLike) -> float:
    """Of all pairs of companies, how often all four answers are right: own ads yes, exchanged ones no.

    `table`: probabilities of yes, (c, c), product i with ad j.
    """
    yes = np.asarray(table).round(9) > 0.5
    own = np.diag(yes)
    both = own[:, None] & own & ~yes & ~yes.T
    return float(both[np.triu_indices(len(yes), 1)].mean())


# ----------------------------------------------------------------------------- before and after


def neighbourhood_area(
    vectors: np.ndarray, labels: np.ndarray, learnt: np.ndarray, asked: np.ndarray, k: int = 15
) -> float:
    """How well neighbourhoods sort two classes: AUROC, for the rows `asked`, of a share among neighbours.

    It is the share of the second class among the `k` rows of `learnt` that are nearest by cosine. A row is
    not its own neighbour. `vectors`: (n, d), unit length.
    """
    from sklearn.metrics import roc_auc_score

    second = labels == np.unique(labels)[-1]
    return float(roc_auc_score(second[asked], neighbour_shares(vectors, labels, learnt, asked, k)))


def neighbour_shares(
    vectors: np.ndarray, labels: np.ndarray, learnt: np.ndarray, asked: np.ndarray, k: int = 15
) -> np.ndarray:
    """For each row `asked`, the share of the second class among its `k` nearest rows of `learnt`."""
    cosines = (vectors[asked] @ vectors[learnt].T).round(5)
    cosines[asked[:, None] == learnt] = -2
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    return (labels == np.unique(labels)[-1])[learnt][order].mean(axis=1)


def separation(task: Task, vectors: np.ndarray, before: np.ndarray) -> dict[str, str]:
    """What other vectors of a task's texts, (n, d), do to the first split's neighbourhoods: text to show.

    How far the held-out ones are turned from `before`, on average; `neighbourhood_area` of the training rows
    and of the held-out rows; and what the latter gain (`area_gain`).
    """
    learnt, held = task.parts[0]
    cosines = (vectors[held] * before[held]).sum(axis=1).clip(-1, 1)
    truth = task.labels[held] == task.classes[-1]
    old, now = (neighbour_shares(which, task.labels, learnt, held) for which in (before, vectors))
    same = vectors is before
    return {
        "turned by (degrees)": "0.0" if same else f"{np.degrees(np.arccos(cosines)).mean():.1f}",
        "training reviews": f"{neighbourhood_area(vectors, task.labels, learnt, learnt):.2f}",
        "held-out reviews": f"{neighbourhood_area(vectors, task.labels, learnt, held):.2f}",
        "gain": "" if same else str(area_gain(old, now, truth)),
    }


def accuracy_with(task: Task, way: Way, vectors: np.ndarray) -> float:
    """The accuracy of a way, mean over the splits, when the task's texts have these vectors, (n, d)."""
    other = dataclasses.replace(task, vectors=vectors)
    right = [said(other, way(other, *part)) == task.labels[part.test] for part in task.parts]
    return float(np.mean([one.mean() for one in right]))


def area_gain(before: np.ndarray, after: np.ndarray, truth: np.ndarray, draws: int = 500) -> scores.Interval:
    """AUROC of the numbers `after` minus that of `before`, each (n,), on the same rows; `truth`: bool (n,).

    The interval is a bootstrap of the rows (percentiles, the classes' counts fixed, seed 0). It knows nothing
    of what another training side would have given.
    """
    random = np.random.default_rng(0)
    wins = [_wins(values, truth) for values in (before, after)]
    gains = wins[1] - wins[0]  # (positive, negative)
    sizes = gains.shape
    drawn = [
        gains[
            np.ix_(random.integers(sizes[0], size=sizes[0]), random.integers(sizes[1], size=sizes[1]))
        ].mean()
        for _ in range(draws)
    ]
    return scores.Interval(float(gains.mean()), *map(float, np.quantile(drawn, [0.025, 0.975])))


def _wins(values: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """1 where a row of the class is above one of the others, one half where level: (positive, negative)."""
    return (np.sign(values[truth][:, None] - values[~truth]) + 1) / 2


# ----------------------------------------------------------------------------- time


def seconds(task: Task, way: Way) -> tuple[float, float]:
    """How long a way takes on the first split: to learn, and to answer 1,000 texts after that.

    A way that has learnt from these rows before and remembers it shows nothing here: hand over a new one.
    """
    train, test = task.parts[0]
    taken = []
    for asked in (test[:1], test[:1], np.resize(test, 1001)):
        started = time.perf_counter()
        way(task, train, asked)
        taken.append(time.perf_counter() - started)
    return taken[0], max(taken[2] - taken[1], 0.0)
