"""Is the bundled sample as hard as the real reviews? Figures of both, side by side, with the range wanted.

    python tests/sample_figures.py [real_reviews.csv]

The sample was written to stand in for the Amazon Fine Food Reviews. A stand-in that is cleaner, more varied
or easier to classify than the real thing would teach something false; this script is how we look.
Everything but the share of repeats is measured without repeated texts. Exits 1 if a figure is out of range.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, silhouette_score
from sklearn.model_selection import GroupShuffleSplit, StratifiedKFold, cross_val_predict

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from real_data import real_reviews  # noqa: E402

from helpers import reviews  # noqa: E402
from helpers.engine import vectors  # noqa: E402

STARS = (0.08, 0.05, 0.07, 0.14, 0.65)  # shares in the real 1,000 of late 2012, repeats removed
SEEDS = range(10)
SINGLE_WORD = re.compile(r"[a-z']+")


def words_of(text: str) -> list[str]:
    """Lower-case words, markup left out."""
    return SINGLE_WORD.findall(re.sub(r"<[^>]*>", " ", text.lower()))


def length_quantile(share: float) -> Callable[[pd.DataFrame], float]:
    return lambda frame: float(np.quantile(frame["Text"].str.split().str.len(), share))


def share_of_stars(stars: int) -> Callable[[pd.DataFrame], float]:
    return lambda frame: float((frame["Score"] == stars).mean())


def different_words(frame: pd.DataFrame) -> float:
    """Different words among the first 50,000, or as many as there are scaled by Heaps' law (exponent 0.6)."""
    running = [word for text in frame["Text"] for word in words_of(text)][:50_000]
    return len(set(running)) * (50_000 / len(running)) ** 0.6


def distinct_runs(frame: pd.DataFrame) -> float:
    """Different 3-word runs / all of them."""
    runs = [run for text in frame["Text"].map(words_of) for run in zip(text, text[1:], text[2:])]
    return len(set(runs)) / len(runs)


def sentences_seen_before(frame: pd.DataFrame) -> float:
    """The share of sentences of four or more words that stood in the data before."""
    seen, repeated, total = set(), 0, 0
    for text in frame["Text"]:
        for sentence in re.split(r"(?<=[.!?])\s+|<br\s*/?>", text):
            words = tuple(words_of(sentence))
            if len(words) >= 4:
                total += 1
                repeated += words in seen
                seen.add(words)
    return repeated / total


def embedded(frame: pd.DataFrame) -> np.ndarray:
    """Unit-length vectors of the texts as a lesson embeds them, float32 (n, 256)."""
    return vectors.load().embed(reviews.combine(frame).tolist())


def sentiment_auroc(frame: pd.DataFrame) -> float:
    """Positive (4, 5) against negative (1, 2) stars: logistic regression on frozen vectors, 5 folds."""
    frame = frame[frame["Score"] != 3]
    positive = (frame["Score"] > 3).to_numpy()
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    model = LogisticRegression(max_iter=2_000, class_weight="balanced")
    scores = cross_val_predict(model, embedded(frame), positive, cv=folds, method="decision_function")
    return float(roc_auc_score(positive, scores))


def nearest_cosine(frame: pd.DataFrame) -> float:
    """Median cosine of a review and its nearest neighbour."""
    rows = embedded(frame)
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -1)
    return float(np.median(cosines.max(axis=1)))


def silhouette(frame: pd.DataFrame) -> float:
    """Silhouette (cosine) of KMeans with eight groups."""
    rows = embedded(frame)
    groups = KMeans(8, n_init=10, random_state=0).fit_predict(rows)
    return float(silhouette_score(rows, groups, metric="cosine"))


def forest_gain(frame: pd.DataFrame) -> float:
    """A random forest's accuracy on five stars minus that of always saying five, 5 folds."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    forest = RandomForestClassifier(100, random_state=0)
    guessed = cross_val_predict(forest, embedded(frame), frame["Score"], cv=folds)
    return float((guessed == frame["Score"]).mean() - (frame["Score"] == 5).mean())


def taste_signal(frame: pd.DataFrame) -> float:
    """Do a user's and a product's other reviews say something about a held-out score?

    The mean of both averages over training reviews (the overall mean where there is none), correlated with
    the held-out fifth's scores; averaged over ten splits.
    """
    found = []
    for seed in SEEDS:
        split = GroupShuffleSplit(1, test_size=0.2, random_state=seed)
        train, test = next(split.split(frame, groups=frame["Text"]))
        train, test = frame.iloc[train], frame.iloc[test]
        averages = [
            test[key].map(train.groupby(key)["Score"].mean()).fillna(train["Score"].mean())
            for key in ("UserId", "ProductId")
        ]
        found.append(np.corrcoef(sum(averages), test["Score"])[0, 1])
    return float(np.mean(found))


FIGURES: list[tuple[str, Callable[[pd.DataFrame], float], float, float]] = [
    ("words per text, 5 %", length_quantile(0.05), 22 * 0.75, 22 * 1.25),
    ("words per text, median", length_quantile(0.5), 50 * 0.75, 50 * 1.25),
    ("words per text, 95 %", length_quantile(0.95), 170 * 0.75, 170 * 1.25),
    *(
        (f"share of {stars} stars", share_of_stars(stars), share - 0.03, share + 0.03)
        for stars, share in enumerate(STARS, 1)
    ),
    ("different words per 50,000", different_words, 4_500, 9_999),
    ("3-word runs that are distinct", distinct_runs, 0.85, 1),
    ("sentences seen before", sentences_seen_before, 0, 0.015),
    ("sentiment AUROC, frozen vectors", sentiment_auroc, 0.80, 0.92),
    ("nearest neighbour's cosine, median", nearest_cosine, 0.52, 0.68),
    ("silhouette of 8 groups", silhouette, 0.03, 0.12),
    ("forest minus majority, accuracy", forest_gain, -0.03, 0.03),
    ("user and product signal", taste_signal, 0.15, 0.45),
]


def measure(frame: pd.DataFrame) -> dict[str, float]:
    """Every figure of a file of reviews; the share of repeated texts first."""
    unique = reviews.without_repeats(frame, normalised=True)
    repeated = {"rows that repeat a text": 1 - len(unique) / len(frame)}
    return repeated | {name: figure(unique) for name, figure, _, _ in FIGURES}


def ranges() -> dict[str, tuple[float, float]]:
    """Where each figure of the sample must lie."""
    return {"rows that repeat a text": (0.04, 0.08)} | {name: (low, high) for name, _, low, high in FIGURES}


def main() -> int:
    real = Path(sys.argv[1]) if sys.argv[1:] else real_reviews()
    sample_figures = measure(reviews.load("sample"))
    real_figures = measure(reviews.load(real)) if real else {}
    print(f"{'':36} {'sample':>9} {'real':>9}   wanted of the sample")
    outside = 0
    for name, (low, high) in ranges().items():
        value = sample_figures[name]
        fits = low <= value <= high
        outside += not fits
        real_value = f"{real_figures[name]:9.3f}" if real else "        -"
        print(f"{name:36} {value:9.3f} {real_value}   {low:g} to {high:g}{'' if fits else '   OUT OF RANGE'}")
    print(f"{len(ranges()) - outside} of {len(ranges())} in range")
    return 1 if outside else 0


if __name__ == "__main__":
    sys.exit(main())
