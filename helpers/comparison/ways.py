"""Ways to answer that read words and kept vectors; `models` has those that call a model.

A way is a function (task, train, test) that learns from the training rows and gives the probability of each
class for the test rows. Left out: a search for the best settings, which would have to be as thorough for
every way; each has those that its own lesson gives reasons for. (The settings with which the engine
fine-tunes were chosen on other splits of these same tasks, which favours it a little.)
"""

from collections.abc import Callable

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from helpers import prediction_models
from helpers.comparison.tasks import Task
from helpers.errors import DataError

ONE_THREAD = threadpool_limits.wrap(limits=1)  # for problems so small, several threads wait for one another
NEIGHBOURS = 5
BALANCE = 0.5  # how much rarer classes count more: 0 not at all, 1 so that all classes count the same

Way = Callable[[Task, np.ndarray, np.ndarray], np.ndarray]
"""(task, training rows, test rows) to the probabilities of `task.classes`, (n_test, k)."""


def majority(task: Task, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """The share of each class in the training rows, whatever the text says."""
    shares = (task.labels[train][:, None] == task.classes).mean(axis=0)
    return np.tile(shares, (len(test), 1))


def nearest(task: Task, train: np.ndarray, test: np.ndarray, k: int = NEIGHBOURS) -> np.ndarray:
    """The `k` training rows with the largest cosine vote, each with its cosine (0 where below).

    Cosines that agree to 5 decimals are equal, and the earlier row counts as the nearer one.
    """
    found = task.vectors[test] @ task.vectors[train].T
    order = np.argsort(-found.round(5), axis=1, kind="stable")[:, :k]
    weights = np.take_along_axis(found, order, axis=1).clip(1e-6)  # (n_test, k)
    voted = task.labels[train][order]
    votes = np.stack([np.where(voted == name, weights, 0).sum(axis=1) for name in task.classes], axis=1)
    return votes / votes.sum(axis=1, keepdims=True)


def on_vectors(task: Task, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Logistic regression on the vectors as the embedding model gave them: frozen."""
    return _logistic(task, train, task.vectors[train], task.vectors[test])


def words_and_vectors(task: Task, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Logistic regression on the TF-IDF of words and word pairs, side by side with the vectors."""
    from scipy.sparse import csr_matrix, hstack

    counts = _tfidf().fit(task.texts[train])  # the vocabulary of the training rows alone
    sides = [
        hstack([counts.transform(task.texts[rows]), csr_matrix(task.vectors[rows])]) for rows in (train, test)
    ]
    return _logistic(task, train, *(side.tocsr() for side in sides))


def words(task: Task, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Logistic regression on the TF-IDF of words and word pairs."""
    counts = _tfidf().fit(task.texts[train])
    return _logistic(task, train, counts.transform(task.texts[train]), counts.transform(task.texts[test]))


def on_fields(task: Task, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Logistic regression on one number: the cosine of the two fields' vectors. DataError without fields."""
    if task.fields is None:
        raise DataError(f"The texts of the task {task.name!r} have no two fields to compare.")
    return _logistic(task, train, task.fields[train], task.fields[test], C=1e3)


def _tfidf() -> TfidfVectorizer:
    return TfidfVectorizer(
        preprocessor=prediction_models.mark_negation,
        token_pattern=r"\b\w+\b|!",
        ngram_range=(1, 2),
        sublinear_tf=True,
    )


@ONE_THREAD
def _logistic(task: Task, train: np.ndarray, seen, asked, C: float = 10.0) -> np.ndarray:
    """Trained until nothing moves, so that another machine's rounding changes no answer.

    Rarer classes count more, as they do when the engine fine-tunes: else that alone could decide on macro F1.
    """
    solver = "lbfgs" if isinstance(seen, np.ndarray) else "newton-cg"  # one optimum, each the faster there
    names, counts = np.unique(task.labels[train], return_counts=True)
    weights = dict(zip(names, (len(train) / len(names) / counts) ** BALANCE))
    model = LogisticRegression(C=C, tol=1e-7, max_iter=5000, solver=solver, class_weight=weights)
    model.fit(seen, task.labels[train])
    result = np.zeros((asked.shape[0], len(task.classes)))
    result[:, np.searchsorted(task.classes, model.classes_)] = model.predict_proba(asked)
    return result


WAYS: dict[str, Way] = {
    "majority class": majority,
    "words": words,
    "nearest examples": nearest,
    "frozen vectors": on_vectors,
    "words and vectors": words_and_vectors,
}
"""What can be had without training a language model, by growing effort."""

EFFORT = (*list(WAYS)[:4], "fields compared", "words and vectors", "fine-tuned")
"""All ways of lesson 10, by growing effort to set up and to keep: a judgement, not a measurement."""
