"""Good or bad? A small base model that is shown six examples, beside models that are trained.

    python -m pip install -r requirements-llm.txt
    python tests/benchmarks/local_llm_sentiment.py [--store]

For the bundled sample and, where they are, the real 1,000 reviews: each text once, reviews with three stars
left out; 100 of the others, as many bad as good, are the test, and the rest is there to learn from. Gemma 3
270M is asked for the next word after six examples and the review, with two draws of the six: how much
likelier is " positive" than " negative"? Then the same with the labels of the first six swapped, and without
examples.

Beside it: always the same answer; words (TF-IDF) and vectors of the embedded engine, each with a logistic
regression on the rest; the vectors with six labels only (20 draws); the embedded engine's fine-tuning on the
rest, with its usual settings. AUROC with a 95 % bootstrap interval over the test's reviews, and its
difference to the words' on the same reviews. No text is both learned from and tested; near-duplicates were
not looked for. `--store` writes data/local_llm_results.csv, which lesson 12 shows. It takes many minutes on
two cores; `--threads N` for fewer, `--only swapped` for some of the methods.
"""

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import openai
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from real_data import real_reviews  # noqa: E402

from helpers import embeddings, engine, hosts, local_llm, reviews, tuning  # noqa: E402
from helpers.comparison import models  # noqa: E402
from helpers.engine.vectors import MODEL  # noqa: E402
from helpers.files import atomic_path  # noqa: E402

TESTED, DRAWS, DRAWS_OF_VECTORS, SEED = 100, 2, 20, 0
WORDS = 40  # of a review that are shown to the base model, so that seven fit into its context with ease
SEPARATOR = "\n\n###\n\n"  # of the rows for fine-tuning, as in lesson 08
LABELS = (" negative", " positive")

TRAINED_WORDS = "words, trained"  # what the others are compared with
METHODS = (
    "always the same answer",
    TRAINED_WORDS,
    "vectors of the embedded engine, trained",
    "embedded engine, fine-tuned",
    "vectors of the embedded engine, six labels",
    "Gemma 3 270M, six examples in the prompt",
    "Gemma 3 270M, the six with swapped labels",
    "Gemma 3 270M, no examples",
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int)
    parser.add_argument("--only", nargs="*", default=[""], help="parts of methods' names; others stay")
    parser.add_argument("--store", action="store_true")
    options = parser.parse_args()
    chosen = [name for name in METHODS if any(part in name for part in options.only)]
    with contextlib.ExitStack() as stack:
        client = None
        if any("Gemma" in name for name in chosen):
            server = stack.enter_context(local_llm.running(threads=options.threads))
            client = openai.OpenAI(base_url=server.url, api_key="none", timeout=120)
        for name, source in {"sample": "sample", "1k": real_reviews()}.items():
            if source is None:
                continue
            for table in measure(client, parts(reviews.load(source)), chosen):
                print(f"{name}: {table.iloc[0].to_dict()}", flush=True)
                if options.store:
                    store(table.assign(data=name))


def parts(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows to learn from and the balanced test: columns text, positive. No text is in both."""
    rows = reviews.tidy(frame)
    rows = pd.DataFrame({"text": reviews.combine(rows, labels=False), "stars": rows["Score"]})
    rows = rows[rows.stars != 3].assign(positive=lambda table: table.stars > 3).reset_index(drop=True)
    random = np.random.default_rng(SEED)
    test = np.concatenate(
        [random.permutation(np.flatnonzero(rows.positive == kind))[: TESTED // 2] for kind in (False, True)]
    )
    return rows.drop(index=test).reset_index(drop=True), rows.iloc[test].reset_index(drop=True)


def measure(
    client: openai.OpenAI | None, split: tuple[pd.DataFrame, pd.DataFrame], chosen: Sequence[str]
) -> Iterator[pd.DataFrame]:
    """One line of the table after the other, as they are ready."""
    train, test = split
    truth = test.positive.to_numpy()
    ours = [vectors(engine.client(), MODEL, table.text) for table in split]
    regression = LogisticRegression(C=10, class_weight="balanced", max_iter=3000)
    words = make_pipeline(TfidfVectorizer(sublinear_tf=True), regression)
    drawn = [six(train, seed) for seed in range(DRAWS_OF_VECTORS)]

    def of_vectors(rows: Sequence[int]) -> np.ndarray:
        return regression.fit(ours[0][rows], train.positive.iloc[rows]).decision_function(ours[1])

    ways = (
        (0, lambda: [np.zeros(len(test))]),
        (len(train), lambda: [words.fit(train.text, train.positive).decision_function(test.text)]),
        (len(train), lambda: [of_vectors(range(len(train)))]),
        (len(train), lambda: [fine_tuned(train, test)]),
        (6, lambda: [of_vectors(few) for few in drawn]),
        (6, lambda: [prompted(client, train.iloc[few], test) for few in drawn[:DRAWS]]),
        (6, lambda: [prompted(client, train.iloc[drawn[0]], test, swapped=True)]),
        (0, lambda: [prompted(client, train.iloc[:0], test)]),
    )
    plain = ways[1][1]()
    for name, (learnt, score) in zip(METHODS, ways, strict=True):
        if name in chosen:
            draws = score()
            yield pd.DataFrame([row(name, learnt, truth, draws) | difference_to(truth, draws, plain)])


def row(method: str, learnt: int, truth: np.ndarray, draws: list[np.ndarray]) -> dict:
    """One line of the table: means over draws, and a bootstrap interval of AUROC over the reviews."""
    wins = _mean_wins(truth, draws)
    low, high = np.quantile(_redrawn(wins), [0.025, 0.975])
    return {
        "method": method,
        "labelled reviews": learnt,
        "tested on": len(truth),
        "accuracy": round(float(np.mean([((values > 0) == truth).mean() for values in draws])), 3),
        "called positive": round(float(np.mean([(values > 0).mean() for values in draws])), 3),
        "AUROC": round(float(wins.mean()), 3),
        "AUROC from": round(float(low), 3),
        "AUROC to": round(float(high), 3),
    }


def difference_to(truth: np.ndarray, draws: list[np.ndarray], other: list[np.ndarray]) -> dict:
    """AUROC minus that of `other`, with an interval: both judged the same reviews, and these are drawn."""
    gain = _mean_wins(truth, draws) - _mean_wins(truth, other)
    low, high = np.quantile(_redrawn(gain), [0.025, 0.975])
    names = ("difference", "difference from", "difference to")
    return {name: round(float(value), 3) for name, value in zip(names, (gain.mean(), low, high))}


def _mean_wins(truth: np.ndarray, draws: list[np.ndarray]) -> np.ndarray:
    return np.mean([_wins(values[truth], values[~truth]) for values in draws], axis=0)  # (good, bad)


def _redrawn(wins: np.ndarray) -> list[float]:
    """The mean for 2,000 draws of the good reviews and of the bad ones."""
    random = np.random.default_rng(SEED)
    good, bad = (random.integers(size, size=(2000, size)) for size in wins.shape)
    return [wins[np.ix_(*some)].mean() for some in zip(good, bad)]


def _wins(good: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """1 where a good review has the higher score, a half where they are equal; the mean is the AUROC."""
    return (good[:, None] > bad) + (good[:, None] == bad) / 2


def six(train: pd.DataFrame, seed: int) -> np.ndarray:
    """The positions of three bad and three good reviews, mixed."""
    random = np.random.default_rng(seed)
    drawn = [random.permutation(np.flatnonzero(train.positive == kind))[:3] for kind in (0, 1)]
    return np.concatenate(drawn)[random.permutation(6)]


def fine_tuned(train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    """log P(" positive") - log P(" negative") of the embedded engine's classifier, trained on `train`."""
    rows = [
        {"prompt": text + SEPARATOR, "completion": LABELS[positive]}
        for text, positive in zip(train.text, train.positive)
    ]
    with hosts.play() as address, openai.OpenAI(base_url=f"{address}/v1", api_key="any") as client:
        model = models.fine_tune(client, "wordllama-classifier", rows).fine_tuned_model
        found = tuning.classify(client, model, [text + SEPARATOR for text in test.text], LABELS)
    negative, positive = np.log(np.maximum(found[list(LABELS)].to_numpy(), 1e-12)).T
    return positive - negative


def prompted(
    client: openai.OpenAI, shown: pd.DataFrame, test: pd.DataFrame, *, swapped: bool = False
) -> np.ndarray:
    """For each review of the test: log P(" positive") - log P(" negative"), after the examples `shown`.

    `swapped`: each example with the wrong label.
    """
    examples = "".join(
        f"Review: {shortened(text)}\nSentiment:{LABELS[positive != swapped]}\n\n"
        for text, positive in zip(shown.text, shown.positive)
    )
    prompts = [f"{examples}Review: {shortened(text)}\nSentiment:" for text in test.text]
    started = time.perf_counter()
    found = [difference(client, prompt) for prompt in prompts]
    print(f"{(time.perf_counter() - started) / len(prompts):.2f} s a review", flush=True)
    return np.array(found)


def shortened(text: str) -> str:
    return " ".join(text.split()[:WORDS])


def difference(client: openai.OpenAI, prompt: str) -> float:
    """log P(" positive") - log P(" negative") as the next token; an unreported one counts as the rarest."""
    answer = client.completions.create(
        model=local_llm.MODEL, prompt=prompt, max_tokens=1, temperature=0, logprobs=200
    )
    first = answer.choices[0].logprobs.content[0]["top_logprobs"]  # llama.cpp's form: see local_llm
    found = {each["token"]: each["logprob"] for each in first}
    least = min(found.values())
    return found.get(LABELS[1], least) - found.get(LABELS[0], least)


def vectors(client: openai.OpenAI, model: str, texts: pd.Series) -> np.ndarray:
    return embeddings.embed([" ".join(text.split()[:250]) for text in texts], client, model)


def store(table: pd.DataFrame) -> None:
    """Put these rows into the recorded table, in place of those of the same method and reviews."""
    table = table[["data", *(name for name in table.columns if name != "data")]]
    if hosts.RESULTS.is_file():
        before = pd.read_csv(hosts.RESULTS, encoding="utf-8")
        table = pd.concat([table, before]).drop_duplicates(["data", "method"])
    place = {method: number for number, method in enumerate(METHODS)}
    table = table.assign(place=table["method"].map(place).fillna(len(place)))
    table = table.sort_values(["data", "place"], ascending=[False, True], kind="stable").drop(columns="place")
    with atomic_path(hosts.RESULTS) as temporary:
        table.to_csv(temporary, index=False, encoding="utf-8", lineterminator="\n")


if __name__ == "__main__":
    main()
