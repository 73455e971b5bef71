"""How good fine-tuning in the embedded engine is, beside its baselines, and how long it takes.

    python tests/benchmarks/tuning_quality.py [first seed] [number of seeds] [--times]

Tasks: sentiment of the real 1,000 reviews (where they are) and of the bundled sample, 3 stars left out, split
by text; ad claims, split by company; topics of support questions. A fifth is held out; every method gets the
same rows, the baselines without the separator, and nobody a validation file. Seeds 200 to 204 unless told
otherwise; everything in the classifier was chosen on the seeds 100 to 111 of the same data, so some of that
choice still flatters it. Prints means with corrected intervals (Nadeau and Bengio 2003), the paired
differences of fine-tuning to each other method, what noise of 3e-7 on the token table changes, and the
processor's seconds for growing files (with `--times` these alone).
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import GroupShuffleSplit, StratifiedShuffleSplit

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from real_data import real_reviews  # noqa: E402

from helpers import prediction_models, reviews, scores, settings, splits  # noqa: E402
from helpers.engine import vectors  # noqa: E402
from helpers.engine.classifier_training import Example, Training, choose  # noqa: E402

OURS = "fine-tuned"
SEPARATOR = "\n\n###\n\n"
Split = tuple[np.ndarray, np.ndarray]
Method = Callable[[list[str], np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def sentiment(source: str | Path, seeds: range) -> tuple[list[str], np.ndarray, list[Split]]:
    rows = reviews.tidy(reviews.load(source))
    rows = rows[rows["Score"] != 3].reset_index(drop=True)
    texts = reviews.combine(rows, labels=False) + SEPARATOR
    labels = np.where(rows["Score"] > 3, " positive", " negative")
    return texts.tolist(), labels, list(splits.splits(rows, seeds=seeds))


def ad_claims(seeds: range) -> tuple[list[str], np.ndarray, list[Split]]:
    rows = pd.read_csv(settings.DATA / "ad_claims.csv", encoding="utf-8", dtype=str)
    prompts = "Company: " + rows["company"] + "\nProduct: " + rows["product"] + "\nAd: " + rows["ad"]
    parts = [_split(GroupShuffleSplit, rows, rows["supported"], seed, rows["company"]) for seed in seeds]
    return (prompts + "\nSupported:").tolist(), (" " + rows["supported"]).to_numpy(str), parts


def topics(seeds: range) -> tuple[list[str], np.ndarray, list[Split]]:
    rows = pd.read_csv(
        settings.DATA / "support_questions.csv", encoding="utf-8", dtype=str, keep_default_na=False
    )
    parts = [_split(StratifiedShuffleSplit, rows, rows["topic"], seed) for seed in seeds]
    return (rows["question"] + SEPARATOR).tolist(), (" " + rows["topic"]).to_numpy(str), parts


def _split(splitter, rows, classes, seed: int, groups=None) -> Split:
    return next(splitter(1, test_size=0.2, random_state=seed).split(rows, classes, groups))


# ----------------------------------------------------------------------------- methods


def fine_tuned(prompts: list[str], labels: np.ndarray, train: np.ndarray):
    examples = [Example(prompts[i], str(labels[i])) for i in train]
    training = Training(examples, None, choose({}, len(examples)), seed=0)
    for _ in training:
        pass
    model = training.model()
    return np.exp(model.log_probabilities(prompts)), np.array(model.labels)


def linear(vectors_too: bool, words_too: bool) -> Method:
    """Logistic regression as lesson 06 has it: on the frozen vectors of the prompts, TF-IDF, or both."""

    def method(prompts: list[str], labels: np.ndarray, train: np.ndarray):
        blocks = []
        prompts = [prompt.removesuffix(SEPARATOR) for prompt in prompts]
        if words_too:
            words = TfidfVectorizer(
                preprocessor=prediction_models.mark_negation,
                token_pattern=r"\b\w+\b|!",
                ngram_range=(1, 2),
                min_df=2,
                sublinear_tf=True,
            ).fit([prompts[i] for i in train])
            blocks.append(words.transform(prompts))
        if vectors_too:
            blocks.append(scipy.sparse.csr_matrix(vectors.load().embed(prompts).astype(np.float64)))
        return _fitted(LogisticRegression(C=10, tol=1e-6, max_iter=3000), blocks, labels, train)

    return method


def fields_apart(prompts: list[str], labels: np.ndarray, train: np.ndarray):
    """Lesson 06's `linear("words", "summary", "text")`: title and text as columns of their own."""
    from helpers import prediction

    rows = [prompt.removesuffix(SEPARATOR).split("\n", 1) for prompt in prompts]
    rows = [row if len(row) == 2 else ["", *row] for row in rows]
    frame = pd.DataFrame(rows, columns=["Summary", "Text"])
    parts = {
        name.lower(): vectors.load().embed(frame[name].tolist()).astype(np.float64) for name in frame.columns
    }
    table = prediction.inputs(frame, **parts)
    model = prediction_models.linear("words", "summary", "text").fit(table.iloc[train], labels[train])
    return model.predict_proba(table), model.classes_


def majority(prompts: list[str], labels: np.ndarray, train: np.ndarray):
    return _fitted(DummyClassifier(), [scipy.sparse.csr_matrix((len(prompts), 1))], labels, train)


def _fitted(model: BaseEstimator, blocks: list, labels: np.ndarray, train: np.ndarray):
    features = scipy.sparse.hstack(blocks).tocsr()
    model.fit(features[train], labels[train])
    return model.predict_proba(features), model.classes_


METHODS: dict[str, Method] = {
    OURS: fine_tuned,
    "frozen vectors": linear(vectors_too=True, words_too=False),
    "words and vectors": linear(vectors_too=True, words_too=True),
    "words": linear(vectors_too=False, words_too=True),
    "majority": majority,
}


# ----------------------------------------------------------------------------- scores


def score(truth: np.ndarray, probability: np.ndarray, classes: np.ndarray) -> dict[str, float]:
    """Accuracy, macro F1, AUROC (two classes only), Brier (0 to 2), ECE, log loss."""
    number = np.searchsorted(classes, truth)
    said = probability.argmax(axis=1)
    found = {
        "accuracy": (said == number).mean(),
        "macro F1": f1_score(number, said, average="macro", zero_division=0),
    }
    if len(classes) == 2:
        found["AUROC"] = roc_auc_score(number, probability[:, 1])
    found["Brier"] = ((probability - np.eye(len(classes))[number]) ** 2).sum(axis=1).mean()
    found["ECE"] = scores.calibration_error(said == number, probability.max(axis=1))
    found["log loss"] = -np.log(np.maximum(probability[np.arange(len(said)), number], 1e-9)).mean()
    return found


def measure(name: str, task: tuple[list[str], np.ndarray, list[Split]], methods: dict[str, Method]) -> None:
    """Print one task's table and paired differences."""
    prompts, labels, parts = task
    train, test = parts[0]
    print(f"\n{name}: {len(train)} for training, {len(test)} held out, {len(parts)} splits")
    found, seconds = {}, {}
    for method_name, method in methods.items():
        started, rows = time.process_time(), []
        for train, test in parts:
            probability, classes = method(prompts, labels, train)
            rows.append(score(labels[test], probability[test], classes))
        found[method_name] = pd.DataFrame(rows)
        seconds[method_name] = (time.process_time() - started) / len(parts)
    table = {}
    for method_name, frame in found.items():
        summary = scores.summary(frame)
        table[method_name] = {
            row: f"{mean:.3f} ± {(high - low) / 2:.3f}" for row, mean, low, high in summary.itertuples()
        } | {"seconds": f"{seconds[method_name]:.2f}"}
    print(pd.DataFrame(table).T.to_string())
    for other in found:
        if other != OURS:
            gaps = (found[OURS] - found[other])[
                [c for c in ("accuracy", "macro F1", "AUROC") if c in found[OURS]]
            ]
            said = "   ".join(f"{column} {scores.interval(gaps[column])}" for column in gaps)
            print(f"  {OURS} - {other}: {said}")


# ----------------------------------------------------------------------------- rounding and time


def noise(name: str, task: tuple[list[str], np.ndarray, list[Split]], size: float = 3e-7) -> None:
    """Print what noise on the token table, as large as between machines, does to the first split."""
    prompts, labels, parts = task
    train, test = parts[0]
    table = vectors.load().table
    before, _ = fine_tuned(prompts, labels, train)
    kept = table.copy()
    try:
        table += np.random.default_rng(0).normal(0, size, table.shape).astype(np.float32)
        after, _ = fine_tuned(prompts, labels, train)
    finally:
        table[:] = kept
    moved = np.abs(before - after)[test].max()
    changed = int((before.argmax(axis=1) != after.argmax(axis=1))[test].sum())
    print(f"  noise of {size} on {name}: probabilities move by at most {moved:.1e}, {changed} answers change")


def times() -> None:
    """Print the seconds that growing files of invented reviews take, and the model's size."""
    print("\ntime: seconds for reading, for training, per million tokens trained; megabytes of the file")
    for count, words in ((100, 80), (800, 80), (800, 20), (800, 400), (3_000, 80), (10_000, 80)):
        examples = list(_invented(count, words))
        started = time.process_time()
        training = Training(examples, None, choose({}, count), seed=0)
        read = time.process_time()
        for _ in training:
            pass
        done = time.process_time()
        path = ROOT / "data" / "cache" / "tuning_quality.safetensors"
        training.model().save(path)
        megabytes = path.stat().st_size / 1e6
        path.unlink()
        tokens = training.trained_tokens / training.hyperparameters.n_epochs
        print(
            f"  {count:6,} examples, {tokens:9,.0f} tokens, {training.hyperparameters.n_epochs:2} epochs of "
            f"batches of {training.hyperparameters.batch_size}: {read - started:.2f} + {done - read:.2f} s, "
            f"{1e6 * (done - read) / training.trained_tokens:.1f} s a million, {megabytes:.1f} MB"
        )


def _invented(count: int, words: int) -> Iterator[Example]:
    """Texts of a natural spread of words (Zipf's), with a few that say which class it is."""
    random = np.random.default_rng(0)
    vocabulary = [
        word for word in vectors.load().tokenizer.get_vocab() if word.startswith("▁") and len(word) > 3
    ]
    vocabulary = sorted(vocabulary)
    for _ in range(count):
        good = random.random() < 0.8
        places = np.minimum(random.zipf(1.3, words), len(vocabulary)) - 1
        text = "".join(vocabulary[i] for i in places).replace("▁", " ")
        yield Example(
            f"{text} {'lovely' if good else 'awful'}{SEPARATOR}", " positive" if good else " negative"
        )


def main() -> None:
    given = [int(value) for value in sys.argv[1:] if value != "--times"]
    first, count = given + [200, 5][len(given) :]
    seeds = range(first, first + count)
    pd.set_option("display.width", 200, "display.max_columns", 20)
    if "--times" not in sys.argv:
        with_fields = METHODS | {"words and vectors, title apart": fields_apart}
        tasks = {"sentiment, sample": (sentiment("sample", seeds), with_fields)}
        if real := real_reviews():
            tasks = {"sentiment, real": (sentiment(real, seeds), with_fields)} | tasks
        tasks |= {"ad claims": (ad_claims(seeds), METHODS), "topics": (topics(seeds), METHODS)}
        for name, (task, methods) in tasks.items():
            measure(name, task, methods)
            noise(name, task)
    times()


if __name__ == "__main__":
    main()
