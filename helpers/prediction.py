"""Stars and sentiment from words and vectors: models, each beside its baseline, on splits without leakage.

`inputs` puts a review's words and vectors into one table; a method (`majority`, `forest`, `linear`, `best`)
makes a scikit-learn model that takes that table; `evaluate` trains and scores it on each split;
`evaluate_all` does so for several methods. Everything that is learnt, the vocabulary too, is
learnt from the training rows alone, because it is a part of the model.

The splits are in `splits`, the scores in `scores`, the features and the ordinal model in `prediction_models`.
Left out: fine-tuning (lessons 09 and 10), deep models, a search for the best settings.
"""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_limits

from helpers import scores
from helpers.errors import DataError
from helpers.prediction_models import (
    Ordinal,
    best,
    chosen,
    forest,
    forest_on_vectors,
    linear,
    majority,
    ordinal,
)
from helpers.splits import Split

__all__ = [
    "METHODS",
    "STARS",
    "Ordinal",
    "best",
    "chosen",
    "embed_part",
    "engine_scores",
    "evaluate",
    "evaluate_all",
    "forest",
    "forest_on_vectors",
    "inputs",
    "is_positive",
    "linear",
    "majority",
    "mean_stars",
    "median_stars",
    "ordinal",
    "positive_probability",
    "review_inputs",
    "star_probabilities",
    "zero_shot",
]

STARS = np.arange(1, 6)
Method = Callable[[], BaseEstimator]

# ----------------------------------------------------------------------------- what a model gets to see


def embed_part(texts: pd.Series, embed: Callable[[Sequence[str]], np.ndarray]) -> np.ndarray:
    """Vectors of one part of the reviews, the summary say, where some are empty: those get zeros.

    `embed`: texts to vectors, such as `lesson.embed`. Returns float32 (n, d).
    Raises DataError when all are empty.
    """
    written = texts.fillna("").str.strip()
    there = np.flatnonzero(written != "")
    if len(there) == 0:
        raise DataError("None of these texts has anything to embed.")
    found = embed(written.iloc[there].tolist())
    result = np.zeros((len(texts), found.shape[1]), dtype=np.float32)
    result[there] = found
    return result


def inputs(rows: pd.DataFrame, **vectors: np.ndarray) -> pd.DataFrame:
    """One table of all that models may use: columns Summary, Text, Both, and each matrix as `name 0`, ...

        table = inputs(rows, whole=vectors, summary=summary_vectors, text=text_vectors)

    Each matrix (n, d) with a d of its own. Raises DataError when its rows are not as many as the reviews.
    """
    words = rows[["Summary", "Text"]].fillna("").reset_index(drop=True)
    blocks = [words.assign(Both=words["Summary"] + "\n" + words["Text"])]
    for name, matrix in vectors.items():
        if name in ("words", "marks"):
            raise DataError(f"Vectors cannot be called {name!r}: models use that name for what they count.")
        if np.ndim(matrix) != 2 or len(matrix) != len(rows):
            raise DataError(
                f"The vectors {name!r} have the shape {np.shape(matrix)}, but there are {len(rows)} reviews: "
                "there must be one vector a review, (n, d). Embed the same rows."
            )
        blocks.append(
            pd.DataFrame(
                np.asarray(matrix, dtype=np.float64),
                columns=[f"{name} {i}" for i in range(np.shape(matrix)[1])],
            )
        )
    return pd.concat(blocks, axis=1)


def review_inputs(
    rows: pd.DataFrame, embed: Callable[[Sequence[str]], np.ndarray], **vectors: np.ndarray
) -> pd.DataFrame:
    """`inputs` with the vectors of summary and of text, embedded apart, and whatever `vectors` there are."""
    apart = {name.lower(): embed_part(rows[name], embed) for name in ("Summary", "Text")}
    return inputs(rows, **vectors, **apart)


def is_positive(stars: pd.Series) -> pd.Series:
    """True for 4 and 5 stars, False for 1 and 2; missing for 3, which are neither. dtype boolean."""
    return (stars > 3).astype("boolean").mask((stars == 3) | stars.isna())


# ----------------------------------------------------------------------------- predictions


def star_probabilities(model: BaseEstimator, table: pd.DataFrame) -> np.ndarray:
    """The fitted model's probabilities of 1 to 5 stars: (n, 5); 0 for a star it has never seen.

    Raises DataError when `table` has other columns than the one the model was trained on, as it has when its
    vectors are of another model.
    """
    known = getattr(model, "feature_names_in_", None)
    if known is not None and list(known) != list(table.columns):
        raise DataError(
            f"The model was trained on {len(known)} columns, and this table has {table.shape[1]} or others: "
            "its vectors come from another embedding model, or it was made with other parts. Make both alike."
        )
    result = np.zeros((len(table), 5))
    result[:, np.asarray(model.classes_) - 1] = model.predict_proba(table)
    return result


def positive_probability(probabilities: np.ndarray) -> np.ndarray:
    """From probabilities of 1 to 5 stars, (n, 5): that of 4 or 5 when it is known not to be 3, (n,)."""
    negative, positive = probabilities[:, :2].sum(axis=1), probabilities[:, 3:].sum(axis=1)
    clear = negative + positive
    return np.divide(positive, clear, out=np.full(len(clear), 0.5), where=clear > 0)


def median_stars(probabilities: np.ndarray) -> np.ndarray:
    """The median of each predicted distribution, int64 (n,): the star that brings the probability to half.

    Of all single answers it has the least expected absolute error, as the mean has the least squared error.
    Raises DataError when a row does not sum to 1.
    """
    if not np.allclose(probabilities.sum(axis=1), 1, atol=1e-3):
        raise DataError(
            "The probabilities of each review must sum to 1; a row does not, or one is missing (NaN)."
        )
    return 1 + (probabilities.cumsum(axis=1) < 0.5 - 1e-9).sum(axis=1)


def mean_stars(probabilities: np.ndarray) -> np.ndarray:
    """The mean of each predicted distribution, (n,)."""
    return probabilities @ STARS


def zero_shot(vectors: np.ndarray, away: np.ndarray, towards: np.ndarray) -> np.ndarray:
    """Cosine with the label `towards` minus cosine with the label `away`, (n,): above 0 says `towards`.

    Both: vectors of label phrases, (d,) or (m, d); several are averaged to one direction.
    Raises DataError when the numbers of dimensions differ, or phrases average to no direction at all.
    """
    from helpers.similarity import cosine_matrix

    poles = [np.atleast_2d(label).mean(axis=0) for label in (away, towards)]
    if len(poles[0]) != len(poles[1]):
        raise DataError("The two labels' vectors differ in length: embed both with one model.")
    if min(np.linalg.norm(pole) for pole in poles) < 1e-6:
        raise DataError("Phrases of one label point in opposite directions: their mean is zero.")
    return cosine_matrix(vectors, poles) @ [-1.0, 1.0]


# ----------------------------------------------------------------------------- evaluation


def evaluate(
    method: Method, table: pd.DataFrame, stars: ArrayLike, parts: Iterable[Split], task: str = "stars"
) -> pd.DataFrame:
    """Train on each split's training rows, score on its test rows: one row a split, one column a score.

    `task`: "stars" (`scores.of_stars`; its MAE is of the median of the predicted distribution); "sentiment"
    (`scores.of_sentiment` of a model that learns positive or negative; reviews with 3 stars are left out on
    both sides); "both" (one model of the stars gives both: the stars' scores, and the sentiment's, named
    "sentiment AUROC" and so on, of `positive_probability` on the test reviews without 3 stars).
    Raises DataError when `stars` and `table` are not of the same rows or `task` is none of these.
    """
    if task not in _TASKS:
        raise DataError(f"The task is one of {', '.join(_TASKS)}, not {task!r}.")
    stars = pd.Series(np.asarray(stars))
    if len(stars) != len(table):
        raise DataError(
            f"There are {len(stars)} stars for {len(table)} reviews: take both from the same rows."
        )
    with threadpool_limits(1):  # the matrices are small: more threads would only wait for one another
        return pd.DataFrame([_TASKS[task](method, table, stars, split) for split in parts])


def _stars(method: Method, table: pd.DataFrame, stars: pd.Series, split: Split) -> dict[str, float]:
    return _both(method, table, stars, split, sentiment=False)


def _both(
    method: Method, table: pd.DataFrame, stars: pd.Series, split: Split, sentiment: bool = True
) -> dict[str, float]:
    train, test = split
    model = method().fit(table.iloc[train], stars.iloc[train])
    truth, p = stars.iloc[test].to_numpy(), star_probabilities(model, table.iloc[test])
    result = scores.of_stars(truth, p.argmax(axis=1) + 1, p, median_stars(p))
    if not sentiment:
        return result
    clear = truth != 3
    second = scores.of_sentiment(truth[clear] > 3, positive_probability(p)[clear])
    return result | {f"sentiment {name}": value for name, value in second.items()}


def _sentiment(method: Method, table: pd.DataFrame, stars: pd.Series, split: Split) -> dict[str, float]:
    clear = (stars != 3).to_numpy()
    train, test = (side[clear[side]] for side in split)
    model = method().fit(table.iloc[train], stars.iloc[train] > 3)
    if len(model.classes_) < 2:
        raise DataError("The training rows are all positive or all negative: take more reviews.")
    return scores.of_sentiment(stars.iloc[test] > 3, model.predict_proba(table.iloc[test])[:, 1])


_TASKS = {"stars": _stars, "sentiment": _sentiment, "both": _both}

METHODS: dict[str, Method] = {
    "majority class": majority,
    "vectors": functools.partial(ordinal, "whole", C=10.0, balance=0.0),
    "vectors, chosen inside": functools.partial(chosen, "whole"),
    "summary, text apart": functools.partial(ordinal, "summary", "text"),
    "words": functools.partial(ordinal, "words", C=10.0),
    "words and vectors": best,
}
"""The models of lesson 06. How their settings were chosen is told in `prediction_models`."""


def evaluate_all(
    methods: Mapping[str, Method],
    table: pd.DataFrame,
    stars: ArrayLike,
    parts: Sequence[Split],
    task: str = "both",
) -> dict[str, pd.DataFrame]:
    """`evaluate` of each method, all on the same splits: its name to one row a split, one column a score."""
    return {name: evaluate(method, table, stars, parts, task) for name, method in methods.items()}


def engine_scores(
    rows: pd.DataFrame, parts: Sequence[Split], methods: Mapping[str, Method] = METHODS
) -> dict[str, pd.DataFrame]:
    """`evaluate_all` with the embedded engine's own vectors, whichever host answers in the lesson."""
    from helpers import embeddings, engine, reviews
    from helpers.engine.vectors import MODEL

    embed = functools.partial(embeddings.embed, client=engine.client(), model=MODEL)
    whole = embed(reviews.combine(rows, labels=False).tolist())
    return evaluate_all(methods, review_inputs(rows, embed, whole=whole), rows["Score"], parts)
