"""How good and how fast is a host? The workbook's own questions, put to it and to the embedded engine.

    python3 -m helpers bench-host                  the host that the settings name
    host_bench.quality({"mine": host, ...}, rows)  the same figures in a notebook, without the times

Quality: search over the reviews with the judged queries (`search.judged`), mean reciprocal rank, nDCG at 10;
sentiment from the reviews' vectors (logistic regression, 8 splits without a text on both sides), AUROC. Each
with a 95 % interval, and the difference to the first host, pair by pair. Words alone (BM25, TF-IDF) stand
beside them as the baseline. Times: medians of requests with one text and with 64, one after another.
Left out: models that write (lesson 11 looks at those), prices (`prices`), any verdict on what is enough.
"""

import dataclasses
import functools
import statistics
import time
from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers import connect, embeddings, prediction, reviews, scores, search, splits
from helpers.connect import Host

SEEDS = range(8)
ONE_BY_ONE, BATCHES, BATCH = 20, 5, 64
WORDS = "words alone (baseline)"


@dataclasses.dataclass(frozen=True)
class Quality:
    """What was measured: `search` and `sentiment`, each name to one row a query, or a split."""

    search: Mapping[str, pd.DataFrame]
    sentiment: Mapping[str, pd.DataFrame]
    note: str

    def table(self) -> pd.DataFrame:
        """One row a host: MRR, nDCG at 10 and AUROC, each "mean ± half the interval"."""
        rows = {}
        for name in self.search:
            areas = scores.interval(self.sentiment[name]["AUROC"])
            rows[name] = {
                "search MRR": _shown(self.search[name].reciprocal_rank),
                "search nDCG@10": _shown(self.search[name].ndcg_at_10),
                "sentiment AUROC": f"{areas.mean:.2f} ± {areas.half:.2f}",
            }
        return pd.DataFrame.from_dict(rows, orient="index")

    def differences(self, first: str) -> list[str]:
        """A sentence for each other name and each task: does it beat `first`, or cannot one tell?"""
        said = []
        for name in self.search:
            if name != first:
                equal = self.search[name].equals(self.search[first])
                said.append(
                    f"Search: {name} finds exactly what {first} finds"
                    if equal
                    else search.compared(self.search, name, first)
                )
                said.append(scores.compare(self.sentiment, name, first, "AUROC"))
        return said


def quality(hosts: Mapping[str, Host], rows: pd.DataFrame) -> Quality:
    """The figures of each of `hosts`, and of words alone, on `rows` (`reviews.tidy`).

    Embeds the reviews and the judged queries with each host, once: what its cache has is not paid for again.
    Raises HostError as `embeddings.embed` does.
    """
    judged = search.judged(rows)
    parts = list(splits.splits(rows, seeds=SEEDS))
    found, felt = {}, {}
    for name, host in {WORDS: None, **hosts}.items():
        embed = _embed(host) if host else None
        found[name] = _search(judged, embed)
        felt[name] = _sentiment(rows, parts, embed)
    return Quality(found, felt, judged.note)


def latency(host: Host, texts: list[str]) -> pd.DataFrame:
    """Milliseconds of a request, one after another: columns texts, requests, median, slowest.

    Never cached, never the same text twice. What a notebook compares must not hold these numbers.
    """
    different = [
        f"{number} {text}" for number, text in enumerate(texts * (1 + BATCH * BATCHES // len(texts)))
    ]
    measured = []
    for size, count in ((1, ONE_BY_ONE), (BATCH, BATCHES)):
        times = []
        for number in range(count):
            some = different[number * size : (number + 1) * size]
            started = time.perf_counter()
            host.client.embeddings.create(model=host.embedding_model, input=some)
            times.append((time.perf_counter() - started) * 1000)
        measured.append((size, count, round(statistics.median(times), 1), round(max(times), 1)))
    return pd.DataFrame(measured, columns=["texts", "requests", "median ms", "slowest ms"])


def main(sample: bool = False) -> int:
    """`python3 -m helpers bench-host`: print all of it for the host in use; returns the exit code."""
    host, engine = connect.connect(), connect.connect("embedded")
    connect.check(host)
    rows = reviews.tidy(reviews.load("sample") if sample else reviews.load(reviews.find()))
    ours = "the embedded engine"
    hosts = {ours: engine} if host.kind == "embedded" else {ours: engine, host.label: host}
    measured = quality(hosts, rows)
    print(f"{len(rows):,} reviews. {measured.note}\n")
    print(measured.table().to_string(), *measured.differences(ours), sep="\n")
    texts = reviews.combine(rows, labels=False).tolist()
    for name, one in hosts.items():
        print(f"\n{name}, {one.embedding_model}:")
        print(latency(one, texts).to_string(index=False))
    return 0


def _embed(host: Host):
    return functools.partial(
        embeddings.embed, client=host.client, model=host.embedding_model, cache=host.cache
    )


def _search(judged: search.Judged, embed) -> pd.DataFrame:
    texts = reviews.combine(judged.rows, labels=False).tolist()
    vectors = embed(texts) if embed else np.zeros((len(texts), 1))
    index = search.TextIndex(texts, vectors, embed)
    found, _ = index.top(judged.queries["query"], len(texts), "vectors" if embed else "bm25")
    ids = judged.rows["Id"].to_numpy()[found]
    return search.evaluate(dict(zip(judged.queries.query_id, ids)), judged.grades)


def _sentiment(rows: pd.DataFrame, parts: list[splits.Split], embed) -> pd.DataFrame:
    if embed is None:
        table, method = prediction.inputs(rows), functools.partial(prediction.linear, "words")
    else:
        whole = embed(reviews.combine(rows, labels=False).tolist())
        table, method = prediction.inputs(rows, whole=whole), functools.partial(prediction.linear, "whole")
    return prediction.evaluate(method, table, rows["Score"], parts, "sentiment")


def _shown(values: pd.Series) -> str:
    """Mean, and half of a 95 % bootstrap interval over queries."""
    _, low, high = search.paired_difference(values, np.zeros(len(values)))
    return f"{values.mean():.2f} ± {(high - low) / 2:.2f}"
