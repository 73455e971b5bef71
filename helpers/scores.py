"""How good predictions are, and how sure one can be of it.

`of_stars`, `of_sentiment` score one test side; `interval`, `summary` and `difference` put the scores of
several splits together, `compare` says it in a sentence; `costs` weighs mistakes. What is not scikit-learn's,
such as `calibration`, is written out here.

The splits of one data set share most of their rows, so their scores are not independent: the usual standard
error (deviation / root of the number of splits) is too small, however many splits one takes. The interval
here has the correction of C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine
Learning 52 (2003), which adds the ratio of test rows to training rows. It is an approximation: about 95 %.

Left out: tests over several data sets.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.errors import DataError

RATIO = 0.25  # test rows to training rows when a fifth is held out
TINY = 1e-9  # what rounding alone may leave of a zero
THRESHOLDS = np.arange(1, 100) / 100
LOWER_IS_BETTER = ("MAE", "MSE", "Brier", "ECE", "sentiment Brier", "sentiment ECE")


class Interval(NamedTuple):
    """A mean over splits, or another estimate, and the bounds of its interval."""

    mean: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """Half the interval's width: what stands behind the ±."""
        return (self.high - self.low) / 2

    def __str__(self) -> str:
        """For differences: signs, and three decimals, as zero is the question."""
        mean, low, high = (value + 0.0 for value in self)  # -0.0 becomes 0.0
        return f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"


def of_stars(
    stars: ArrayLike,
    predicted: ArrayLike,
    probabilities: ArrayLike | None = None,
    middle: ArrayLike | None = None,
) -> dict[str, float]:
    """Scores of predicted stars: accuracy, macro F1, MAE, kappa, and with probabilities Brier and ECE.

    `stars`, `predicted`: (n,), stars from 1 to 5. `probabilities`: (n, 5), of stars 1 to 5. `middle`: (n,),
    what the MAE is of when another prediction than the likeliest star is made for it (see
    `prediction.median_stars`); without it, of `predicted`.

    accuracy: share of rows that are right. macro F1: F1 of each star that is there, averaged, so that each
    star counts the same. MAE: mean distance in stars. kappa: Cohen's, weighted by squared distance; 0 is what
    chance gives, 1 is perfect. Brier: squared distance of probabilities to the truth, 0 best, 2 worst.
    ECE: see `calibration`. Raises DataError when lengths differ or a row is empty.
    """
    from sklearn import metrics

    stars, predicted = _same_length(stars, predicted)
    present = np.unique(stars)
    result = {
        "accuracy": metrics.accuracy_score(stars, predicted),
        "macro F1": metrics.f1_score(stars, predicted, labels=present, average="macro", zero_division=0),
        "MAE": metrics.mean_absolute_error(stars, predicted if middle is None else middle),
        "kappa": metrics.cohen_kappa_score(stars, predicted, labels=np.arange(1, 6), weights="quadratic"),
    }
    if probabilities is not None:
        stars, probabilities = _same_length(stars, probabilities)
        best = probabilities.argmax(axis=1)
        result["Brier"] = brier(probabilities, stars)
        result["ECE"] = calibration_error(best + 1 == stars, probabilities.max(axis=1))
    return {name: float(value) for name, value in result.items()}


def of_sentiment(positive: ArrayLike, probability: ArrayLike) -> dict[str, float]:
    """Scores of the probability (n,) that a review is positive, against the truth `positive`, bool (n,).

    AUROC: how often a positive review is above a negative one; needs no threshold, .5 is chance. AP: average
    precision of finding the NEGATIVE ones, the rare class. accuracy and macro F1 at probability .5. Brier:
    mean squared error, 0 to 1. ECE: see `calibration`. Any number can stand for a probability in AUROC and
    AP; numbers outside 0 to 1 give no Brier and ECE (NaN), and are cut at 0.
    Raises DataError when lengths differ or one of the two classes is missing.
    """
    from sklearn import metrics

    truth, value = _same_length(np.asarray(positive, dtype=bool), probability)
    if truth.all() or not truth.any():
        raise DataError("Sentiment can be scored only where there are both positive and negative reviews.")
    proper = value.min() >= 0 and value.max() <= 1
    said = value > (0.5 if proper else 0)
    return {
        "AUROC": float(metrics.roc_auc_score(truth, value)),
        "AP negative": float(metrics.average_precision_score(~truth, -value)),
        "accuracy": float(metrics.accuracy_score(truth, said)),
        "macro F1": float(metrics.f1_score(truth, said, average="macro", zero_division=0)),
        "Brier": float(((value - truth) ** 2).mean()) if proper else float("nan"),
        "ECE": calibration_error(truth, value) if proper else float("nan"),
    }


def calibration(right: ArrayLike, confidence: ArrayLike, bins: int = 10) -> pd.DataFrame:
    """Of predictions that claim p, how many are right? One row for each of `bins` ranges of p that has any.

    `right`: bool (n,), `confidence`: (n,) in 0 to 1. Columns: low, high, reviews, confidence (mean), right
    (share). A range holds its upper bound; the first also 0.
    """
    right, confidence = _same_length(np.asarray(right, dtype=bool), confidence)
    if not np.isfinite(confidence).all():
        raise DataError("A probability is missing (NaN): calibration needs one for each prediction.")
    bin_of = np.clip(np.ceil(confidence.round(9) * bins).astype(int) - 1, 0, bins - 1)
    table = pd.DataFrame({"bin": bin_of, "confidence": confidence, "right": right.astype(float)})
    grouped = table.groupby("bin").agg(
        reviews=("right", "size"), confidence=("confidence", "mean"), right=("right", "mean")
    )
    bounds = {"low": grouped.index / bins, "high": (grouped.index + 1) / bins}
    return grouped.assign(**bounds).reset_index()[["low", "high", "reviews", "confidence", "right"]]


def calibration_error(right: ArrayLike, confidence: ArrayLike, bins: int = 10) -> float:
    """Expected calibration error: the mean gap between confidence and share right, weighted by reviews."""
    table = calibration(right, confidence, bins)
    gaps = (table["confidence"] - table["right"]).abs()
    return float(np.average(gaps, weights=table["reviews"]))


def confusion(stars: ArrayLike, predicted: ArrayLike) -> pd.DataFrame:
    """How often each true star (row) was predicted as each star (column): (5, 5), counts."""
    from sklearn import metrics

    stars, predicted = _same_length(stars, predicted)
    labels = np.arange(1, 6)
    return pd.DataFrame(
        metrics.confusion_matrix(stars, predicted, labels=labels),
        index=pd.Index(labels, name="true"),
        columns=pd.Index(labels, name="predicted"),
    )


def brier(probabilities: np.ndarray, stars: ArrayLike) -> float:
    """Squared distance of the probabilities (n, 5) to the truth, averaged over reviews: 0 best, 2 worst."""
    truth = np.arange(1, 6) == np.asarray(stars)[:, None]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def costs(
    truth: ArrayLike, probability: ArrayLike, thresholds: ArrayLike, read: float, miss: float
) -> np.ndarray:
    """The cost of each threshold, (m,): `read` for each case flagged, `miss` for each positive one not."""
    truth, probability = np.asarray(truth, dtype=bool), np.asarray(probability, dtype=float)
    flagged = probability >= np.asarray(thresholds, dtype=float)[:, None]  # (m, n)
    return read * flagged.sum(axis=1) + miss * (truth & ~flagged).sum(axis=1)


def auroc_difference(
    truth: ArrayLike, first: ArrayLike, second: ArrayLike, draws: int = 2000, seed: int = 0
) -> Interval:
    """AUROC of `first` minus that of `second` on the same cases, with a 95 % bootstrap interval.

    `truth`: bool (n,), `first`, `second`: (n,), higher for true. Positive and negative cases are redrawn
    separately, each case with both its numbers. Raises DataError when lengths differ or a class is missing.
    """
    truth = np.asarray(truth, dtype=bool)
    if truth.all() or not truth.any():
        raise DataError("An AUROC needs cases of both classes.")
    gain = _wins(truth, first) - _wins(truth, second)  # (positives, negatives)
    random = np.random.default_rng(seed)
    high, low = (random.multinomial(n, np.full(n, 1 / n), size=draws) for n in gain.shape)  # (draws, n)
    areas = ((high @ gain) * low).sum(axis=1) / gain.size
    return Interval(float(gain.mean()), *map(float, np.quantile(areas, [0.025, 0.975])))


def _wins(truth: np.ndarray, value: ArrayLike) -> np.ndarray:
    truth, value = _same_length(truth, value)
    high, low = value[truth][:, None], value[~truth]
    return (high > low) + 0.5 * (high == low)


def interval(values: Sequence[float], ratio: float = RATIO, level: float = 0.95) -> Interval:
    """Mean of one score over repeated splits, with the corrected interval of Nadeau and Bengio (2003).

    mean ± t * deviation * root(1/k + ratio), with k splits, `ratio` the number of test rows divided by that
    of training rows, and t of k - 1 degrees of freedom. Raises DataError when there are fewer than two
    splits, or a score is missing.
    """
    from scipy import stats

    if not ratio > 0:
        raise DataError(
            f"The ratio of test rows to training rows must be above 0, for example 0.25, not {ratio}."
        )
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise DataError("An interval needs the scores of two or more splits: give more seeds.")
    if not np.isfinite(values).all():
        raise DataError("The score of a split is missing (NaN), so there is no mean over the splits.")
    mean, k = float(values.mean()), len(values)
    error = float(values.std(ddof=1)) * np.sqrt(1 / k + ratio)
    half = float(stats.t.ppf((1 + level) / 2, k - 1) * error)
    return Interval(mean, mean - half, mean + half)


def summary(scores: pd.DataFrame, ratio: float = RATIO, level: float = 0.95) -> pd.DataFrame:
    """`interval` of each column of `scores` (one row a split): one row a score, columns mean, low, high."""
    return pd.DataFrame(
        [interval(scores[name].to_numpy(), ratio, level) for name in scores], index=list(scores.columns)
    )


def difference(
    first: pd.DataFrame, second: pd.DataFrame, ratio: float = RATIO, level: float = 0.95
) -> pd.DataFrame:
    """`summary` of first - second, split by split: only what both have, on the same splits.

    What made a test side hard for both drops out; how much narrower that makes the interval depends on how
    alike the methods err. Raises DataError when the splits are not the same.
    """
    if list(first.index) != list(second.index):
        raise DataError("Scores can be compared pair by pair only when both come from the same splits.")
    both = [name for name in first if name in second]
    return summary(first[both] - second[both], ratio, level)


def compare(
    found: Mapping[str, pd.DataFrame], first: str, second: str, score: str, ratio: float = RATIO
) -> str:
    """In a sentence: does `first` beat `second` in `score`? By the interval of the paired differences.

    `found`: each method's scores, one row a split, the same splits for all (`prediction.evaluate_all`).
    """
    gain = Interval(*difference(found[first], found[second], ratio).loc[score])
    if abs(gain.mean) < TINY and gain.half < TINY:
        return f"{score}: {first} does exactly as well as {second}"
    low, high = (-gain.high, -gain.low) if score in LOWER_IS_BETTER else (gain.low, gain.high)
    verdict = "beats" if low > TINY else "loses to" if high < -TINY else "cannot be told apart from"
    return f"{score}: {first} {verdict} {second}: {gain}"


def shown(
    found: Mapping[str, pd.DataFrame], kept: Sequence[str], columns: Sequence[str], ratio: float = RATIO
) -> pd.DataFrame:
    """Methods (rows `kept`) by scores (`columns`), each "mean ± half the interval"."""
    table = {}
    for score in columns:
        of_score = {name: interval(found[name][score], ratio) for name in kept}
        table[score] = {name: f"{one.mean:.2f} ± {one.half:.2f}" for name, one in of_score.items()}
    return pd.DataFrame(table)


def _same_length(first: ArrayLike, second: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.asarray(first), np.asarray(second)
    if len(first) != len(second) or len(first) == 0:
        raise DataError(
            f"There are {len(first)} true values and {len(second)} predictions: there must be as many, "
            "at least one. Were both taken at the same positions?"
        )
    return first, second
