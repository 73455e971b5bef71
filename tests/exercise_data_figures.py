"""Are the exercise data of lessons 07 to 10 as hard as they say? Their figures.

    python tests/exercise_data_figures.py

The ad claims ask whether a model compares two fields: the ad alone, the product alone and the length of
either must tell little, and how alike the two are must tell much. The questions ask for a topic: words
alone should get most, not all. Everything is cross-validated in 5 folds, the ad claims by company; the
figures are means over 5 seeds.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from helpers import settings  # noqa: E402
from helpers.engine import vectors  # noqa: E402

FOLDS = 5
SEEDS = range(5)
CONTENT_WORD = re.compile(r"\w+")


def ad_claims() -> pd.DataFrame:
    return pd.read_csv(settings.DATA / "ad_claims.csv", encoding="utf-8", dtype=str)


def questions() -> pd.DataFrame:
    return pd.read_csv(
        settings.DATA / "support_questions.csv", encoding="utf-8", dtype=str, keep_default_na=False
    )


def words(**options) -> Pipeline:
    """TF-IDF of words and logistic regression."""
    return make_pipeline(TfidfVectorizer(**options), LogisticRegression(C=10, max_iter=1_000))


def numbers() -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression())


def cosines(claims: pd.DataFrame) -> np.ndarray:
    """How alike product and ad are by their vectors, float32 (n,)."""
    model = vectors.load()
    product, ad = (model.embed(claims[field].tolist()) for field in ("product", "ad"))
    return (product * ad).sum(axis=1)


def content_words(text: str) -> set[str]:
    return set(CONTENT_WORD.findall(text.lower())) - ENGLISH_STOP_WORDS


def shared_words(claims: pd.DataFrame) -> np.ndarray:
    """Content words in both fields / in either (Jaccard's index), float64 (n,)."""
    pairs = [
        (content_words(product), content_words(ad)) for product, ad in zip(claims["product"], claims["ad"])
    ]
    return np.array([len(one & other) / len(one | other) for one, other in pairs])


def lengths(claims: pd.DataFrame) -> np.ndarray:
    """Words and characters of the ad, (n, 2)."""
    ads = claims["ad"]
    return np.column_stack([ads.str.split().str.len(), ads.str.len()])


def right_by_company(model, features, claims: pd.DataFrame, seeds: Iterable[int] = SEEDS) -> np.ndarray:
    """Share of the seeds in which each row is answered rightly, its company unseen in training: (n,)."""
    truth = claims["supported"]
    answers = [
        cross_val_predict(
            model,
            features,
            truth,
            groups=claims["company"],
            cv=StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed),
        )
        for seed in seeds
    ]
    return np.mean([answer == truth for answer in answers], axis=0)


def right_topic(model, features, asked: pd.DataFrame, seeds: Iterable[int] = SEEDS) -> np.ndarray:
    """Share of the seeds in which each question's topic is found: (n,)."""
    topics = asked["topic"]
    answers = [
        cross_val_predict(model, features, topics, cv=StratifiedKFold(FOLDS, shuffle=True, random_state=seed))
        for seed in seeds
    ]
    return np.mean([answer == topics for answer in answers], axis=0)


def auroc(claims: pd.DataFrame, score: np.ndarray) -> float:
    return roc_auc_score(claims["supported"] == "yes", score)


def claim_figures() -> Iterator[str]:
    claims = ad_claims()
    cosine, jaccard = cosines(claims), shared_words(claims)
    baselines = {
        "the ad alone: TF-IDF": (words(), claims["ad"]),
        "the ad alone: TF-IDF of words and pairs": (words(ngram_range=(1, 2)), claims["ad"]),
        "the ad alone: its vector": (
            LogisticRegression(C=10),
            vectors.load().embed(claims["ad"].tolist()),
        ),
        "the product alone: TF-IDF": (words(), claims["product"]),
        "the ad's length: logistic regression": (numbers(), lengths(claims)),
        "the ad's length: a tree of depth 3": (
            DecisionTreeClassifier(max_depth=3, random_state=0),
            lengths(claims),
        ),
        "cosine": (numbers(), cosine[:, None]),
        "cosine and shared words": (numbers(), np.column_stack([cosine, jaccard])),
    }
    yield f"ad claims: {len(claims)} rows, {claims['company'].nunique()} companies"
    yield f"  AUROC of the cosine {auroc(claims, cosine):.3f}"
    yield f"  AUROC of the shared words {auroc(claims, jaccard):.3f}"
    yield "  accuracy on companies not seen in training:"
    for name, (model, features) in baselines.items():
        yield f"    {right_by_company(model, features, claims).mean():.3f}  {name}"
    claims["right"] = right_by_company(numbers(), np.column_stack([cosine, jaccard]), claims)
    claims["cosine"] = cosine
    yield "  by kind (rows, mean cosine, accuracy of the last):"
    for kind, rows in claims.groupby("kind"):
        yield f"    {len(rows):3}  {rows['cosine'].mean():.2f}  {rows['right'].mean():.2f}  {kind}"


def question_figures() -> Iterator[str]:
    asked = questions()
    models = {
        "TF-IDF of words": (words(), asked["question"]),
        "TF-IDF of 2 to 5 characters": (words(analyzer="char_wb", ngram_range=(2, 5)), asked["question"]),
        "vectors": (
            LogisticRegression(C=10, max_iter=1_000),
            vectors.load().embed(asked["question"].tolist()),
        ),
    }
    yield f"support questions: {len(asked)}"
    yield "  accuracy: all, English, Korean, with an alternative"
    for name, (model, features) in models.items():
        right = right_topic(model, features, asked)
        parts = [
            right,
            right[asked["language"] == "en"],
            right[asked["language"] == "ko"],
            right[asked["alternative"] != ""],
        ]
        yield "    " + "  ".join(f"{part.mean():.3f}" for part in parts) + f"  {name}"


if __name__ == "__main__":
    for line in (*claim_figures(), *question_figures()):
        print(line)
