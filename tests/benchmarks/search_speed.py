"""How fast exact top-k search is, beside the bare matrix product that it cannot do without.

    python tests/benchmarks/search_speed.py [vectors] [dimensions]

100,000 vectors of 256 dimensions unless told; the best 10, for one query and for 1,000 at once. Beside
`cosine_top_k` stand the ways one would try first: a full sort, and `argpartition`, over all scores.
The sides take turns and the median of the ratios counts, so that a machine that speeds up or slows down in
between does not tilt it. Two products are measured: `queries @ vectors.T` as one writes it, which also pays
for fresh memory, and one into memory that is already there. The bar we set is 1.3 times the first, "/ fresh";
against the second, "/ reused", many queries take more than that. `nearest` stands beside them for one query:
without `unit` it computes all lengths first. Prints seconds, ratios and the most memory that each way takes
beside vectors and queries; judges nothing.
"""

import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from helpers.similarity import cosine_top_k, nearest

K = 10
ROUNDS = {1: 51, 1_000: 11}


def main(count: int = 100_000, dimensions: int = 256) -> None:
    generator = np.random.default_rng(seed=0)
    vectors = unit(generator.normal(size=(count, dimensions)))
    print(f"{count:,} vectors of {dimensions} dimensions, float32; the best {K}")
    for number, rounds in ROUNDS.items():
        queries = unit(generator.normal(size=(number, dimensions)))
        compare(queries, vectors, rounds)


def compare(queries: np.ndarray, vectors: np.ndarray, rounds: int) -> None:
    room = np.zeros((len(queries), len(vectors)), np.float32)
    product = lambda: queries @ vectors.T  # noqa: E731
    ways: dict[str, Callable[[], object]] = {
        "product, fresh memory": product,
        "product, memory reused": lambda: np.matmul(queries, vectors.T, out=room),
        "cosine_top_k, unit": lambda: cosine_top_k(queries, vectors, K, unit=True),
        "cosine_top_k": lambda: cosine_top_k(queries, vectors, K),
        "argpartition": lambda: by_argpartition(product()),
        "argsort": lambda: np.argsort(-product(), axis=1)[:, :K],
    }
    if len(queries) == 1:
        ways["nearest, unit"] = lambda: nearest(queries[0], vectors, K, unit=True)
        ways["nearest"] = lambda: nearest(queries[0], vectors, K)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            slow = len(queries) > 1 and name.startswith("arg")
            if slow and turn > 2:
                continue
            started = time.perf_counter()
            way()
            if turn:  # the first is for warming up
                seconds[name].append(time.perf_counter() - started)
    fresh, reused = seconds["product, fresh memory"], seconds["product, memory reused"]
    print(f"\n{len(queries):,} queries at once{'seconds':>22}{'/ fresh':>9}{'/ reused':>10}{'MB more':>9}")
    for name, taken in seconds.items():
        ratios = [statistics.median(a / b for a, b in zip(taken, other)) for other in (fresh, reused)]
        print(
            f"{name:26}{statistics.median(taken):12.4f}{ratios[0]:9.2f}{ratios[1]:10.2f}{memory(ways[name]):9.0f}"
        )
    found, _ = cosine_top_k(queries, vectors, K, unit=True)
    same = (np.sort(found) == np.sort(by_argpartition(product()))).all(axis=1).mean()
    print(f"the same {K} as argpartition finds: {same:.1%} of the queries")


def by_argpartition(scores: np.ndarray) -> np.ndarray:
    best = np.argpartition(-scores, K, axis=1)[:, :K]
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
    return np.take_along_axis(best, order, axis=1)


def memory(way: Callable[[], object]) -> float:
    """The most memory that `way` holds at a time, in MB, as numpy reports it to tracemalloc."""
    tracemalloc.start()
    way()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / 1e6


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
