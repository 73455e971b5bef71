"""How long a hosted embedding takes: beside one request a row, and beside what the host's delay allows.

    python tests/benchmarks/hosted_embedding.py [reviews.csv]

A server of our own on 127.0.0.1 (tests/api_server.py, a process by itself) answers every request 200 ms after
it has arrived, and remembers its answers, so as not to compete for the processor. 10,000 different texts are
made from the reviews (the real 1,000 where they are, else the sample). One request a row is measured on 50
rows and multiplied. The bound is what the delay alone costs: the number of requests divided by the
concurrency, rounded up, times 200 ms. Medians of 5 rounds after one to warm up. Judges nothing.
"""

import csv
import itertools
import json
import math
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import openai

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from real_data import reviews_to_measure  # noqa: E402

from helpers import embedding_answers, embedding_plan, embeddings, tokens  # noqa: E402
from helpers.vector_cache import VectorCache, key  # noqa: E402

MODEL = "text-embedding-3-small"
TEXTS = 10_000
DELAY = 0.2
ROUNDS = 5
ONE_BY_ONE = 50


def main() -> None:
    path = reviews_to_measure(sys.argv[1:])
    texts = make_texts(path)
    counts = tokens.count(texts[:1_000], MODEL)
    print(f"{len(texts):,} texts from {path.name}, about {counts.mean():.0f} tokens each, delay {DELAY} s")
    for dimensions in (256, 1536):
        with server(dimensions) as url:
            compare(texts, openai.OpenAI(base_url=url, api_key="none"), url, dimensions)
    convert()
    count(texts)
    journals()


def make_texts(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as stream:
        reviews = sorted({row["Text"] for row in csv.DictReader(stream)})
    return [f"{review} ({i})" for i, review in enumerate(itertools.islice(itertools.cycle(reviews), TEXTS))]


@contextmanager
def server(dimensions: int) -> Iterator[str]:
    command = [sys.executable, str(ROOT / "tests" / "api_server.py")]
    command += ["--delay", str(DELAY), "--dimensions", str(dimensions), "--remember"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.kill()
        process.wait()


def compare(texts: list[str], client: openai.OpenAI, url: str, dimensions: int) -> None:
    """One request a row, then packed requests at several concurrencies, then with the cache."""

    def one_by_one() -> None:
        for text in texts[:ONE_BY_ONE]:
            client.embeddings.create(model=MODEL, input=text)

    a_row = seconds(one_by_one, rounds=1) / ONE_BY_ONE
    print(
        f"\n{dimensions} dimensions. One request a row: {a_row * TEXTS:,.0f} s ({ONE_BY_ONE} rows measured)"
    )
    for concurrency in (1, 2, 4, 8):
        packed(texts, client, concurrency, a_row)
    if dimensions == 256:
        packed([f"{text} {i}" for i in range(10) for text in texts], client, 8, a_row)
    with tempfile.TemporaryDirectory() as folder:
        files = (Path(folder) / f"{i}.sqlite" for i in itertools.count())
        first = seconds(lambda: embeddings.embed(texts, client, MODEL, cache=next(files), progress=False))
        file = next(files)
        embeddings.embed(texts, client, MODEL, cache=file, progress=False)
        before = requests(url)
        again = seconds(lambda: embeddings.embed(texts, client, MODEL, cache=file, progress=False))
        print(
            f"  8 at a time with a cache: first run {first:.3f} s, second {again:.3f} s with "
            f"{requests(url) - before} requests"
        )


def packed(texts: list[str], client: openai.OpenAI, concurrency: int, a_row: float) -> None:
    def run() -> embeddings.Report:
        options = {"concurrency": concurrency, "progress": False}
        return embeddings.embed_with_report(texts, client, MODEL, **options).report

    bound = math.ceil(run().requests / concurrency) * DELAY
    taken = seconds(run)
    print(
        f"  {len(texts):,} texts in {run().requests} requests, {concurrency} at a time: {taken:.3f} s; bound "
        f"{bound:.1f} s, ratio {taken / bound:.2f}; {a_row * len(texts) / taken:,.0f} x one a row"
    )


def requests(url: str) -> int:
    with urllib.request.urlopen(url.replace("/v1", "/counts")) as answer:
        return json.load(answer)["requests"]


def convert() -> None:
    """What the SDK and we do with a request of 2,048 texts and its answer, without the delay."""
    with server_without_delay(1536) as url:
        client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
        texts = [f"a review of some length, number {i}" for i in range(2_048)]
        body = {"input": texts, "model": MODEL, "encoding_format": "base64"}

        def sdk(**options) -> np.ndarray:
            answer = client.embeddings.create(model=MODEL, input=texts, **options)
            return np.array([item.embedding for item in answer.data], dtype=np.float32)

        def ours() -> np.ndarray:
            return embedding_answers.read(embedding_answers.post(client, body), 2_048)[1]

        floats = seconds(lambda: sdk(encoding_format="float"), rounds=2)
        base64, own = seconds(sdk), seconds(ours)
        content = embedding_answers.post(client, body)
        reading = seconds(lambda: embedding_answers.read(content, 2_048))
    print("\n2,048 texts, 1,536 dimensions, no delay, from texts to matrix, the server's work included:")
    print(f"  SDK with floats {floats:.2f} s, SDK with base64 {base64:.3f} s, ours {own:.3f} s")
    print(f"  SDK with base64 / ours {base64 / own:.1f}; of ours, reading the answer takes {reading:.3f} s")


def server_without_delay(dimensions: int):
    global DELAY
    DELAY = 0.0
    return server(dimensions)


def count(texts: list[str]) -> None:
    """Packing with a sample beside counting every text."""
    packed = lambda: list(embedding_plan.packed(texts, range(len(texts)), MODEL))  # noqa: E731
    every = seconds(lambda: tokens.count(texts, MODEL))
    print(f"\npacking: by sample {seconds(packed) * 1e3:.0f} ms, counting all texts {every * 1e3:.0f} ms")


def journals() -> None:
    """A batch of vectors into SQLite: the ordinary journal, as in `vector_cache`, and a write-ahead log."""
    vectors = np.full((2_048, 1_536), 1_536**-0.5, dtype=np.float32)
    numbers = itertools.count()

    def put(cache: VectorCache) -> None:
        batch = next(numbers)
        cache.put([key(f"{batch} {i}") for i in range(len(vectors))], vectors)

    with tempfile.TemporaryDirectory() as folder:
        times = []
        for mode in ("DELETE", "WAL"):
            cache = VectorCache(Path(folder) / f"{mode}.sqlite", "host", MODEL)
            with closing(
                sqlite3.connect(cache.path)
            ) as connection:  # kept open, or WAL would pay for closing
                connection.execute(f"PRAGMA journal_mode = {mode}")
                times.append(seconds(lambda cache=cache: put(cache)))
    plain, ahead = (f"{taken * 1e3:.0f} ms" for taken in times)
    print(f"cache, 2,048 x 1,536 a batch: ordinary journal {plain}, write-ahead log {ahead}")


def seconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    taken = []
    for _ in range(rounds + (rounds > 1)):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken[rounds > 1 :])


if __name__ == "__main__":
    main()
