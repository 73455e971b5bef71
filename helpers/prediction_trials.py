"""The experiments of lesson 06 that repeat something: copies in the data, fewer labels, other answers.

Each takes vectors or a table, the stars and the splits, and gives numbers; nothing is drawn or printed. The
models are in `prediction_models`, one round of training and scoring in `prediction`.
Left out: a choice of settings (`prediction.chosen`).
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict, train_test_split
from threadpoolctl import threadpool_limits

from helpers import prediction, scores, settings
from helpers.errors import DataError
from helpers.prediction import Method
from helpers.splits import Split

RECORDED = settings.DATA / "prediction_results.csv"

Embed = Callable[[Sequence[str]], np.ndarray]


def recorded(data: str, methods: Sequence[str], shown: Sequence[str]) -> pd.DataFrame:
    """What tests/benchmarks/prediction_quality.py has measured on `data`, "sample" or "real 1,000".

    A row per method and a column per score, as text: the mean and half of its 95 % interval.
    """
    table = pd.read_csv(RECORDED, encoding="utf-8").query("data == @data")
    table["text"] = [f"{mean:.2f} ± {half:.2f}" for mean, half in zip(table["mean"], table["half"])]
    return table.pivot(index="method", columns="score", values="text").loc[list(methods), list(shown)]


def with_copies(n: int, share: float, seed: int) -> np.ndarray:
    """Positions 0 to n - 1, and behind them copies at random, until `share` of all repeat another: int64."""
    if not 0 <= share < 1:
        raise DataError(f"The share of copies must be at least 0 and below 1, for example 0.24, not {share}.")
    copies = np.random.default_rng(seed).choice(n, round(share / (1 - share) * n))
    return np.concatenate([np.arange(n), copies])


def accuracy_with_copies(
    vectors: np.ndarray, stars: np.ndarray, share: float, seed: int
) -> tuple[float, float]:
    """Accuracy of a forest when `share` of the rows are copies and rows are split at random, as in tutorials.

    On all test rows, and on those that training has no copy of. `vectors` (n, d), `stars` (n,).
    """
    positions = with_copies(len(stars), share, seed)
    train, test = train_test_split(positions, test_size=0.2, random_state=seed, stratify=stars[positions])
    forest = prediction.forest_on_vectors(10).fit(vectors[train], stars[train])
    right = forest.predict(vectors[test]) == stars[test]
    return float(right.mean()), float(right[~np.isin(test, train)].mean())


def out_of_fold(method: Method, table: pd.DataFrame, stars: np.ndarray, folds: int = 5) -> np.ndarray:
    """Probabilities of 1 to 5 stars, (n, 5), each row's from a model that was trained without its fold."""
    parts = StratifiedKFold(folds, shuffle=True, random_state=0)
    present = np.unique(stars)
    result = np.zeros((len(table), 5))
    with threadpool_limits(1):
        found = cross_val_predict(method(), table, stars, cv=parts, method="predict_proba")
    result[:, present - 1] = found
    return result


def learning_curve(
    method: Method, table: pd.DataFrame, stars: np.ndarray, parts: Sequence[Split], sizes: Sequence[int]
) -> pd.DataFrame:
    """Macro F1 on each split's test rows (rows) after training on so many of its training rows (columns)."""
    curve = {}
    for size in sizes:
        fewer = [
            Split(np.random.default_rng(seed).permutation(train)[:size], test)
            for seed, (train, test) in enumerate(parts)
        ]
        curve[size] = prediction.evaluate(method, table, stars, fewer)["macro F1"]
    return pd.DataFrame(curve)


def numeric_answers(
    method: Method, table: pd.DataFrame, vectors: np.ndarray, stars: np.ndarray, parts: Sequence[Split]
) -> dict[str, pd.DataFrame]:
    """MAE and MSE on each split (rows) of constants, of regressions, and of `method`'s mean and median."""
    measured: dict[str, list[dict[str, float]]] = {}
    for train, test in parts:
        with threadpool_limits(1):
            model = method().fit(table.iloc[train], stars[train])
            probabilities = prediction.star_probabilities(model, table.iloc[test])  # (n_test, 5)
            answers = {
                "always the median": np.full(len(test), np.median(stars[train])),
                "always the mean": np.full(len(test), stars[train].mean()),
                "linear regression": _fitted(LinearRegression(), vectors, stars, train, test),
                "ridge regression": _fitted(Ridge(alpha=1), vectors, stars, train, test),
                "mean of probabilities": prediction.mean_stars(probabilities),
                "median of probabilities": prediction.median_stars(probabilities),
            }
        for name, answer in answers.items():
            misses = answer - stars[test]
            both = {"MAE": abs(misses).mean(), "MSE": (misses**2).mean()}
            measured.setdefault(name, []).append(both)
    return {name: pd.DataFrame(values) for name, values in measured.items()}


def _fitted(model, vectors: np.ndarray, stars: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    vectors = np.asarray(vectors, dtype=np.float64)
    return model.fit(vectors[train], stars[train]).predict(vectors[test])


def sentiment_risk(
    part: str, table: pd.DataFrame, stars: np.ndarray, sides: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """On each side the probability of 1 or 2 stars, by logistic regression of `part` on `sides["training"]`.

    `sides`: a name to positions in `table`, without reviews of 3 stars.
    """
    train = sides["training"]
    with threadpool_limits(1):
        model = prediction.linear(part).fit(table.iloc[train], stars[train] < 3)
        return {name: model.predict_proba(table.iloc[side])[:, 1] for name, side in sides.items()}


def leans(
    vectors: np.ndarray, embed: Embed, phrasings: Mapping[str, tuple[str, str]]
) -> dict[str, np.ndarray]:
    """How far each review leans to the second phrase of each pair, (n,), and to all of them together.

    `phrasings`: a name to (phrase to lean away from, phrase to lean towards). Rounded, so that ties are ties.
    """
    away, towards = (embed([pair[side] for pair in phrasings.values()]) for side in (0, 1))  # (m, d) each
    found = {
        name: prediction.zero_shot(vectors, away[i], towards[i]).round(6) for i, name in enumerate(phrasings)
    }
    return found | {"all of them": prediction.zero_shot(vectors, away, towards).round(6)}


def sign_and_order(truth: np.ndarray, values: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """For each name, AUROC of its values (n,) and the accuracy of their sign, against `truth`, bool (n,)."""
    rows = {
        name: {"AUROC": roc_auc_score(truth, value), "accuracy": ((value > 0) == truth).mean()}
        for name, value in values.items()
    }
    return pd.DataFrame(rows).T


def few_shot(
    vectors: np.ndarray, stars: np.ndarray, parts: Sequence[Split], per_class: Sequence[int], draws: int = 10
) -> pd.DataFrame:
    """AUROC of finding 1 and 2 stars among 1, 2, 4 and 5, by a few labelled reviews, as many of each class.

    Columns: split, draw (which labels), labels (of both classes together), AUROC on the split's test rows.
    """
    measured = []
    with threadpool_limits(1):
        for number, (train, test) in enumerate(parts):
            test = test[stars[test] != 3]
            for draw in range(draws):
                random = np.random.default_rng([number, draw])
                bad, good = (
                    random.permutation(train[stars[train] < 3]),
                    random.permutation(train[stars[train] > 3]),
                )
                for count in per_class:
                    some = np.concatenate([bad[:count], good[:count]])
                    model = LogisticRegression(C=10, tol=1e-6, max_iter=3000)
                    model.fit(vectors[some].astype(np.float64), stars[some] < 3)
                    area = roc_auc_score(stars[test] < 3, model.decision_function(vectors[test]).round(6))
                    measured.append({"split": number, "draw": draw, "labels": 2 * count, "AUROC": area})
    return pd.DataFrame(measured)


def tuned(
    truth: np.ndarray, probability: np.ndarray, read: float, miss: float, times: int = 200
) -> dict[str, float]:
    """What one review costs when a threshold is chosen on one random half, and paid for on the other.

    Beside it: chosen where it is paid for; and not chosen at all but worked out from the two costs.
    """
    random = np.random.default_rng(0)
    by_costs = int(np.abs(scores.THRESHOLDS - read / miss).argmin())
    paid = []
    for _ in range(times):
        one, other = np.array_split(random.permutation(len(truth)), 2)
        on_one, on_other = (
            scores.costs(truth[half], probability[half], scores.THRESHOLDS, read, miss)
            for half in (one, other)
        )
        choices = np.array([on_other[on_one.argmin()], on_other.min(), on_other[by_costs]])
        paid.append(choices / len(other))
    names = ("chosen on other reviews", "tuned on the test set", "from the costs alone")
    return dict(zip(names, np.mean(paid, axis=0).tolist()))
