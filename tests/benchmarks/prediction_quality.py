"""How well stars and sentiment are predicted, with the embedded engine's vectors, beside their baselines.

    python tests/benchmarks/prediction_quality.py [first seed] [number of seeds] [--store]

Prints one table for the bundled sample and one for the real 1,000 reviews where they are: each text once, a
fifth held out, no text on both sides, mean and corrected interval over ten splits (seeds 200 to 209; the
models' settings were chosen on 100 to 123 of the real rows; those "chosen inside" choose on the training rows
of each split). Then the differences of the lesson's model to the others, split by split, regressions beside
constants, zero-shot, and the seconds. Takes some minutes. Judges nothing. `--store` writes the means and
intervals into data/prediction_results.csv, which lesson 06 shows beside the reader's own.
"""

import functools
import sys
import time
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from real_data import real_reviews  # noqa: E402

from helpers import embeddings, engine, prediction, prediction_trials, reviews, scores, splits  # noqa: E402
from helpers.engine import vectors  # noqa: E402
from helpers.files import atomic_path  # noqa: E402

SHOWN = ["accuracy", "macro F1", "MAE", "kappa", "Brier", "ECE", "sentiment AUROC", "sentiment AP negative"]
OURS = "words and vectors"
METHODS = prediction.METHODS | {
    "words, chosen inside": functools.partial(prediction.chosen, "words"),
    "words and vectors, chosen inside": functools.partial(
        prediction.chosen, "words", "marks", "summary", "text"
    ),
    "forest on vectors": prediction.forest,
    "logistic on vectors": functools.partial(prediction.linear, "whole"),
    "logistic on words": functools.partial(prediction.linear, "words"),
    "logistic on words and vectors": functools.partial(prediction.linear, "words", "summary", "text"),
}
NEGATIVE = ["a negative review", "I am disappointed and would not buy this again.", "bad, awful, terrible"]
POSITIVE = ["a positive review", "I am delighted and would buy this again.", "good, great, delicious"]


def main() -> None:
    arguments = [value for value in sys.argv[1:] if value != "--store"]
    given = [int(value) for value in arguments[:2]]
    first, count = given + [200, 10][len(given) :]
    pd.set_option("display.width", 200, "display.max_columns", 20)
    sources = {"sample": "sample", "real 1,000": real_reviews()}
    results = [
        measure(source, range(first, first + count)).assign(data=name)
        for name, source in sources.items()
        if source is not None
    ]
    if "--store" in sys.argv and len(results) == len(sources):
        store(pd.concat(results).assign(model=vectors.MODEL, first_seed=first, seeds=count))


def store(results: pd.DataFrame) -> None:
    """Write what was measured where `prediction_trials.recorded` finds it."""
    first = ["data", "model", "first_seed", "seeds"]
    with atomic_path(prediction_trials.RECORDED) as path:
        results[[*first, *results.columns.drop(first)]].round(4).to_csv(
            path, index=False, encoding="utf-8", lineterminator="\n"
        )


def measure(source: str | Path, seeds: range) -> pd.DataFrame:
    """Print everything for one file of reviews; returns method, score, mean and half an interval."""
    embed = functools.partial(embeddings.embed, client=engine.client(), model=vectors.MODEL)
    every = reviews.load(source)
    rows = reviews.tidy(every)
    counts = f"{len(every):,} rows, {len(reviews.without_repeats(every)):,} without exact repeats"
    print(f"\n{Path(source).name}: {counts}, {len(rows):,} tidied; seeds {seeds.start} to {seeds.stop - 1}")
    whole = embed(reviews.combine(rows, labels=False).tolist())
    parts = {name.lower(): prediction.embed_part(rows[name], embed) for name in ("Summary", "Text")}
    table = prediction.inputs(rows, whole=whole, **parts)
    held_out = list(splits.splits(rows, seeds=seeds))
    found, means, results = {}, {}, []
    for name, method in METHODS.items():
        started, worked = time.perf_counter(), time.process_time()
        found[name] = prediction.evaluate(method, table, rows["Score"], held_out, "both")
        interval = scores.summary(found[name]).loc[SHOWN]
        half = (interval["high"] - interval["low"]) / 2
        results += [(name, score, interval["mean"][score], half[score]) for score in SHOWN]
        means[name] = {score: f"{interval['mean'][score]:.3f} ± {half[score]:.3f}" for score in SHOWN}
        means[name]["seconds"] = f"{time.perf_counter() - started:.1f}"
        means[name]["of processor"] = f"{time.process_time() - worked:.1f}"
    print(pd.DataFrame(means).T.to_string())
    baseline = found["majority class"]["MAE"].mean()
    print(f"MAE below always the median, 5: {1 - found[OURS]['MAE'].mean() / baseline:.0%}")
    for other in found:
        if other != OURS:
            compared = scores.difference(found[OURS], found[other]).loc[["accuracy", "macro F1", "MAE"]]
            text = [
                f"{score} {mean:+.3f} ({low:+.3f} to {high:+.3f})"
                for score, mean, low, high in compared.itertuples()
            ]
            print(f"  {OURS} - {other}: {'   '.join(text)}")
    answers = prediction_trials.numeric_answers(
        METHODS["vectors"], table, whole, rows["Score"].to_numpy(), held_out
    )
    for name, measured in answers.items():
        print(f"  {name}, vectors: MAE {measured['MAE'].mean():.3f}, MSE {measured['MSE'].mean():.3f}")
    zero_shot(rows["Score"], whole, embed)
    return pd.DataFrame(results, columns=["method", "score", "mean", "half"])


def zero_shot(stars: pd.Series, whole, embed) -> None:
    """Sentiment without any label: each phrasing, and their average."""
    clear = (stars != 3).to_numpy()
    negative, positive = embed(NEGATIVE), embed(POSITIVE)
    pairs = {label: (negative[i], positive[i]) for i, label in enumerate(POSITIVE)}
    for label, (low, high) in (pairs | {"all averaged": (negative, positive)}).items():
        found = scores.of_sentiment(stars[clear] > 3, prediction.zero_shot(whole[clear], low, high))
        print(f"  zero-shot, {label}: AUROC {found['AUROC']:.3f}, accuracy by sign {found['accuracy']:.3f}")


if __name__ == "__main__":
    main()
