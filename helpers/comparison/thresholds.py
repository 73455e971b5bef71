"""Where to cut the probability of two classes: chosen on the training rows, for every way alike.

A model that has learnt from lopsided classes, and from few rows, may put the rows in a good order and hardly
ever pass one half. Cut at one half, it looks poor; that says where it was cut and not what it knows.
Left out: more than two classes, where the likeliest class is the answer.
"""

import numpy as np

from helpers.comparison.tasks import Task
from helpers.comparison.ways import Way

FOLDS = 3
LEAST = 5  # rows of a class; with fewer, one row decides where the cut is
LEAST_FILE = 10  # rows that a training file must have


def threshold(task: Task, way: Way, train: np.ndarray, folds: int = FOLDS) -> float:
    """The probability of `task.classes[1]` from which on to say that class, from the training rows alone.

    Each fold of `train` is answered after learning from the others (rows of one group together); taken is the
    cut with the highest macro F1 on these answers, of equal ones the one nearest to one half. It is one half
    where there are not two classes, too few rows, or no order to cut (AUROC of one half or less).
    """
    from sklearn.metrics import roc_auc_score

    truth = task.labels[train] == task.classes[-1]
    parts = _folds(task, train, truth, folds)
    if len(task.classes) != 2 or not parts:
        return 0.5
    found = np.empty(len(train))
    for learnt, asked in parts:
        found[asked] = way(task, train[learnt], train[asked])[:, 1]
    found = found.round(6)
    if roc_auc_score(truth, found) <= 0.5:
        return 0.5
    return best_cut(truth, found)


def best_cut(truth: np.ndarray, found: np.ndarray) -> float:
    """The cut of `found`, (n,), that gives the highest macro F1 for `truth`, bool (n,)."""
    values = np.unique(found)
    cuts = np.append((values[1:] + values[:-1]) / 2, 0.5)
    said = found > cuts[:, None]  # (cuts, n)
    both = (said & truth).sum(axis=1), (~said & ~truth).sum(axis=1)
    wrong = (said != truth).sum(axis=1)
    f1 = sum(2 * right / np.maximum(2 * right + wrong, 1) for right in both) / 2
    order = np.lexsort((cuts, np.abs(cuts - 0.5).round(9), -f1.round(9)))
    return float(cuts[order[0]])


def moved(probabilities: np.ndarray, cut: float) -> np.ndarray:
    """Probabilities of two classes, (n, 2), stretched so that `cut` comes to lie at one half; order stays."""
    second = probabilities[:, 1]
    low, high = 0.5 * second / cut, 1 - 0.5 * (1 - second) / (1 - cut)
    result = np.where(second < cut, low, high)
    return np.column_stack([1 - result, result])


def _folds(task: Task, train: np.ndarray, truth: np.ndarray, folds: int) -> list[tuple[np.ndarray, ...]]:
    """(learnt, asked) positions in `train`; none where a part would be too small to learn from."""
    from sklearn.model_selection import StratifiedGroupKFold

    if min(truth.sum(), (~truth).sum()) < LEAST:
        return []
    groups = np.arange(len(train)) if task.groups is None else task.groups[train]
    if len(np.unique(groups)) < folds:
        return []
    drawn = StratifiedGroupKFold(folds, shuffle=True, random_state=0).split(train, truth, groups)
    parts = [(learnt, asked) for learnt, asked in drawn]
    usable = all(len(learnt) >= LEAST_FILE and 0 < truth[learnt].mean() < 1 for learnt, _ in parts)
    return parts if usable else []
