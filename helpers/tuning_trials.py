"""What lesson 09 measures a fine-tuned model with: sides of the data, rivals, two models on the same rows.

`sides` cuts the reviews in four, `by_epoch` puts a job's measurements together, `nearest` picks what to label
next, `linear_rival` is what a fine-tuned model has to beat; `judged`, `loss_difference` and `pairs` compare
models on the same rows. Nothing here knows a host. Left out: the job itself (`tuning`), scores (`scores`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from threadpoolctl import threadpool_limits

from helpers import prediction, scores, similarity, splits
from helpers.errors import DataError

SETTINGS = (0.3, 1.0, 3.0, 10.0, 30.0)  # of C, among which the validation rows choose
WEIGHTS = {
    "equal rows": 0.0,
    "root": 0.5,
    "equal classes": 1.0,
}  # power of the rarity by which a class counts
SMALLEST = 1e-12  # of a probability, before its logarithm is taken
ROUNDING = 1e-9  # by which a probability may be beyond 1


def sides(rows: pd.DataFrame, seed: int = 0) -> dict[str, np.ndarray]:
    """Positions of training (two fifths of the rows), validation, test and pool (a fifth each), ascending.

    No text is on two sides, and stars have about the same share on each. "pool" is kept back for later.
    """
    left = np.arange(len(rows))
    found = {}
    for name, share in (("test", 1 / 5), ("validation", 1 / 4), ("pool", 1 / 3)):
        rest, taken = next(splits.splits(rows.iloc[left], test=share, seeds=[seed]))
        found[name], left = left[taken], left[rest]
    return {"training": left, **found}


def loss(probability: ArrayLike) -> float:
    """The mean of -ln p, with p (n,) the probability that a model gave to what is right: 0 is perfect.

    A p of 0 counts as SMALLEST. Raises DataError when there is no row, or a number is not between 0 and 1.
    """
    return float(_losses(probability).mean())


def loss_of(positive: ArrayLike, probability: ArrayLike) -> float:
    """`loss` of the probability (n,) that a review is positive, with the truth `positive`, bool (n,)."""
    return loss(_of_the_right(positive, probability))


def _of_the_right(positive: ArrayLike, probability: ArrayLike) -> np.ndarray:
    """The probability (n,) that each row's own class was given."""
    truth, p = np.asarray(positive, dtype=bool), np.asarray(probability, dtype=float)
    if truth.shape != p.shape:
        raise DataError(f"There are {truth.size} rows and {p.size} probabilities.")
    return np.where(truth, p, 1 - p)


def _losses(probability: ArrayLike) -> np.ndarray:
    """-ln p for each row, (n,)."""
    p = np.asarray(probability, dtype=float)
    if not len(p):
        raise DataError("There is no row, so there is no loss.")
    if not ((p >= 0) & (p <= 1 + ROUNDING)).all():
        raise DataError("A loss needs probabilities: numbers from 0 to 1, and none missing.")
    return -np.log(np.clip(p, SMALLEST, 1))


def by_epoch(steps: pd.DataFrame, events: Iterable[Any]) -> dict[str, list[float]]:
    """The losses of each epoch: "epoch" from 1, "step" at its end, "training", "validation": all (epochs,).

    `steps`: the result file, with columns step and train_loss; `events`: of the same job. An epoch ends where
    an event has `full_valid_loss`, the loss over the whole validation file; its training loss is the mean
    over its steps. Raises DataError when no event has it, as when the job had no validation file.
    """
    found: dict[str, list[float]] = {"epoch": [], "step": [], "training": [], "validation": []}
    before = 0
    for event in events:
        said = event.data if isinstance(event.data, dict) else {}
        if said.get("full_valid_loss") is None:
            continue
        own = steps[(steps["step"] > before) & (steps["step"] <= said["step"])]
        found["epoch"].append(len(found["epoch"]) + 1)
        found["step"].append(said["step"])
        found["training"].append(float(own["train_loss"].mean()))
        found["validation"].append(float(said["full_valid_loss"]))
        before = said["step"]
    if not found["epoch"]:
        raise DataError("No event of the job has full_valid_loss: was there a validation file?")
    return found


def nearest(vectors: np.ndarray, among: ArrayLike, to: ArrayLike, count: int) -> np.ndarray:
    """The `count` positions of `among` whose vectors are nearest to one of `to`, the nearest first.

    `vectors`: (n, d); `among`, `to`: positions in it. Near is a high cosine with the nearest of `to`; of
    equals (to five decimals) that comes first which is first in `among`. Raises DataError when `to` is empty.
    """
    among, to = np.asarray(among), np.asarray(to)
    if not len(to):
        raise DataError("There is no row to be near to: the model made no mistake there.")
    nearness = similarity.cosine_matrix(vectors[among], vectors[to]).max(axis=1).round(5)
    return among[np.argsort(-nearness, kind="stable")[:count]]


class Rival(NamedTuple):
    """A linear model's probability that each row is positive, (n,), and the settings the validation chose."""

    probability: np.ndarray
    C: float
    weights: str  # of the classes: a name of WEIGHTS


def linear_rival(
    table: pd.DataFrame,
    positive: ArrayLike,
    train: ArrayLike,
    validation: ArrayLike,
    *,
    parts: Sequence[str],
    weights: Iterable[str] = WEIGHTS,
) -> Rival:
    """Logistic regression on `parts` of `table` (see `prediction.inputs`), trained on the rows `train`.

    `positive`: bool (n,); `train`, `validation`: positions. Of the settings SETTINGS of `C` and the class
    `weights`, those with the lowest loss on the validation rows are taken, of equals the first: so it has
    from each side what a fine-tuned model has that stops early by a validation file.
    """
    positive, train, validation = (np.asarray(one) for one in (positive, train, validation))
    best: tuple[float, Rival] | None = None
    features, model = prediction.linear(*parts)
    with threadpool_limits(1):  # small matrices: more threads would only wait for one another
        known = features.fit_transform(table.iloc[train], positive[train])
        seen = features.transform(table)
        for weight in weights:
            for C in SETTINGS:
                model.set_params(C=C, class_weight=_class_weight(weight, positive[train]))
                p = model.fit(known, positive[train]).predict_proba(seen)[:, 1]
                lost = loss_of(positive[validation], p[validation])
                if best is None or lost < best[0] - 1e-6:
                    best = (lost, Rival(p, C, weight))
    return best[1]


def _class_weight(name: str, positive: np.ndarray) -> dict[bool, float]:
    """How much a row of each class counts: its rarity to the power that `name` stands for."""
    shares = {kind: float((positive == kind).mean()) for kind in (False, True)}
    return {kind: share ** -WEIGHTS[name] / 2 ** WEIGHTS[name] for kind, share in shares.items()}


def judged(positive: ArrayLike, probabilities: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Each model's AUROC, accuracy, negatives found (recall at one half), loss and mean p: a row per model.

    `positive`: bool (n,), `probabilities`: for each name those of positive, (n,). "mean p": the mean of the
    probabilities, which is near the share of positive rows if they can be taken at their word.
    """
    truth, table = np.asarray(positive, dtype=bool), {}
    for name, p in probabilities.items():
        said = scores.of_sentiment(truth, p)
        table[name] = {
            "AUROC": said["AUROC"],
            "accuracy": said["accuracy"],
            "negatives found": float((np.asarray(p)[~truth] <= 0.5).mean()),
            "loss": loss_of(truth, p),
            "mean p": float(np.mean(p)),
        }
    return pd.DataFrame(table).T


def loss_difference(
    truth: ArrayLike, first: ArrayLike, second: ArrayLike, draws: int = 2000, seed: int = 0
) -> scores.Interval:
    """Loss of `first` minus that of `second` on the same rows, with a 95 % bootstrap interval.

    `truth`: bool (n,), `first`, `second`: (n,), probabilities of true. Rows of the two classes are redrawn
    separately, each with both its losses, as in `scores.auroc_difference`. Raises DataError when lengths
    differ, a class is missing, or a number is no probability.
    """
    truth = np.asarray(truth, dtype=bool)
    if truth.all() or not truth.any():
        raise DataError("A comparison needs rows of both classes.")
    gain = _losses(_of_the_right(truth, first)) - _losses(_of_the_right(truth, second))
    random, drawn = np.random.default_rng(seed), np.zeros(draws)
    for kind in (True, False):
        own = gain[truth == kind]
        drawn += random.multinomial(len(own), np.full(len(own), 1 / len(own)), size=draws) @ own
    return scores.Interval(float(gain.mean()), *map(float, np.quantile(drawn / len(truth), [0.025, 0.975])))


def told(difference: scores.Interval) -> str:
    """A difference with its interval, and in words whether the interval leaves out zero.

    >>> told(scores.Interval(-0.03, -0.05, -0.01))
    '-0.030 (-0.050 to -0.010): lower'
    """
    word = "higher" if difference.low > 0 else "lower" if difference.high < 0 else "cannot tell"
    return f"{difference}: {word}"


class Pairs(NamedTuple):
    """Two models on the same rows: on how many only the first, or only the second, is right; and chance.

    `chance`: how often equally good models would be divided at least as unevenly: a binomial test of the
    rows on which exactly one is right, the exact form of McNemar's test (Psychometrika 12, 1947).
    """

    only_first: int
    only_second: int
    chance: float


def pairs(first_right: Sequence[bool], second_right: Sequence[bool]) -> Pairs:
    """`Pairs` of two models: was each right, row by row? Both (n,). Raises DataError when lengths differ."""
    from scipy.stats import binomtest

    first, second = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    if first.shape != second.shape or first.ndim != 1:
        raise DataError(f"Both must be about the same rows, but there are {first.size} and {second.size}.")
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    uneven = only_first + only_second
    return Pairs(only_first, only_second, float(binomtest(only_first, uneven).pvalue) if uneven else 1.0)
