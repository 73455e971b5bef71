"""The whole data set's size: embedding beside tokenising alone, memory, Dask, search, groups, the index.

    python tests/benchmarks/scale.py                 568,454 rows; the index of 100,000
    python tests/benchmarks/scale.py --keep          and writes data/scale_results.csv, which lesson 13 shows
    python tests/benchmarks/scale.py --rows 50000    smaller
    python tests/benchmarks/scale.py --only embed dask

It takes some ten minutes on two quiet cores. A stand-in of the whole data set is made from the bundled
sample. Every task runs in a process of its own, so that its peak of memory is its own. What is compared is
measured in turns, twice (once from 200,000 rows on, Dask twice); median, least and most are kept. With
--keep the lines of the tasks that were measured replace those in the file. Judges nothing.
"""

import argparse
import csv
import functools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

COLUMNS = [
    "task", "way", "rows", "rounds", "seconds", "low", "high", "peak_megabytes", "size_megabytes",
    "value", "unit",
]  # fmt: skip
NUMBERS = ("seconds", "low", "high", "peak_megabytes", "size_megabytes", "value")
SIZES = (10_000, 100_000, 568_454)
LARGE = 200_000  # from so many rows on, one round
INDEXED = 100_000
QUERIES, K = 200, 10
WIDTHS = (16, 64, 256, 1_024, 4_096)
MODEL = "wordllama-256"
TASKS = ("formats", "embed", "dask", "work", "index", "umap")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=SIZES[-1])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--only", nargs="*", choices=TASKS, default=TASKS)
    parser.add_argument("--folder", help="where to put the stand-in and the parts (default: a temporary one)")
    parser.add_argument("--task", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        print(json.dumps(TASK[options.task[0]](*options.task[1:])))
        return
    sizes = [size for size in SIZES if size < options.rows] + [options.rows]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.folder or temporary)
        found = prepare(folder, sizes)
        for name in TASKS:
            if name in options.only:
                found += COMPARE[name](folder, sizes, options.rounds)
    if options.keep:
        keep(found)


def measured(task: str, *arguments: object) -> dict:
    """A task in its own process: what it returns, and the seconds from its start to its end."""
    command = [sys.executable, __file__, "--task", task, *map(str, arguments)]
    started = time.perf_counter()
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    whole = time.perf_counter() - started
    return json.loads(answer.splitlines()[-1]) | {"whole": whole}


def timed(work: Callable[[], object]) -> dict:
    started = time.perf_counter()
    value = work()
    return {"seconds": time.perf_counter() - started, "peak_megabytes": peak_megabytes(), "value": value}


def peak_megabytes() -> float | None:
    """The most memory this process has had; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    return (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    )


def put_together(results: list[dict]) -> dict:
    """Of several rounds: the median, the least and the most seconds, and the highest peak."""
    seconds = [result["seconds"] for result in results]
    peak = max(result["peak_megabytes"] or 0 for result in results)
    return results[0] | {
        "rounds": len(results), "seconds": statistics.median(seconds), "low": min(seconds),
        "high": max(seconds), "peak_megabytes": peak,
    }  # fmt: skip


def row(task: str, way: str, rows: int, result: dict) -> dict:
    line = {"rounds": 1, "low": result["seconds"], "high": result["seconds"]} | result
    line |= {"task": task, "way": way, "rows": rows}
    value = "" if line.get("value") is None else f"  {line['value']:.4g} {line.get('unit', '')}"
    print(
        f"{task:10} {way:28} {rows:>9,} rows {line['seconds']:9.4f} s "
        f"({line['low']:.4f} to {line['high']:.4f}) "
        f"{line.get('peak_megabytes') or 0:7,.0f} MB{value}",
        flush=True,
    )
    return line


def keep(found: list[dict]) -> None:
    """Write what was measured, and leave the lines of other tasks in the file."""
    from helpers.scale.plan import RESULTS

    measured_now = {line["task"] for line in found}
    old = []
    if RESULTS.exists():
        with RESULTS.open(encoding="utf-8", newline="") as file:
            old = [line for line in csv.DictReader(file) if line["task"] not in measured_now]
    new = []
    for line in found:
        digits = {name: f"{line[name]:.4g}" for name in NUMBERS if line.get(name) is not None}
        new.append({name: line[name] for name in COLUMNS if name not in NUMBERS and name in line} | digits)
    with RESULTS.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(old + new)
    print(f"kept in {RESULTS}")


# ----------------------------------------------------------------------------- the comparisons


def prepare(folder: Path, sizes: list[int]) -> list[dict]:
    found = []
    for size in sizes:
        if not (folder / f"{size}" / "about.json").exists():
            found.append(row("make", "stand-in as CSV", size, measured("make", folder, size)))
            found.append(row("read", "CSV to parts", size, measured("split", folder, size)))
    return found


def compare_embedding(folder: Path, sizes: list[int], rounds: int) -> list[dict]:
    """Embedding and writing beside WordLlama's tokenizer alone and beside everything at once, in turns."""
    ways = {"tokenise": "tokenised, nothing else", "embed": "part by part, written", "plain": "all at once"}
    found = []
    for size in sizes:
        turns = [
            [measured(task, folder, size) for task in ways] for _ in range(rounds if size < LARGE else 1)
        ]
        sides = [put_together(list(side)) for side in zip(*turns)]
        found += [row("embed", way, size, side) for way, side in zip(ways.values(), sides)]
        print(f"  embedded / tokenised {sides[1]['seconds'] / sides[0]['seconds']:.2f}")
    return found


def compare_dask(folder: Path, sizes: list[int], rounds: int) -> list[dict]:
    """One process beside two workers, each from the start of the process to its end, nothing warm."""
    found = []
    for size in sizes:
        sides: dict[str, list[dict]] = {"one process": [], "two workers": []}
        for _ in range(rounds if size < LARGE else 2):
            for way, task in (("one process", "embed_cold"), ("two workers", "dask")):
                result = measured(task, folder, size)
                sides[way].append(result | {"seconds": result["whole"]})
        for way, results in sides.items():
            found.append(row("dask", way, size, put_together(results)))
        ratios = [two["seconds"] / one["seconds"] for one, two in zip(*sides.values())]
        print(f"  two workers / one process {min(ratios):.2f} to {max(ratios):.2f}")
    return found


def compare_work(folder: Path, sizes: list[int], rounds: int) -> list[dict]:
    found = []
    for size in sizes[-1:]:
        embed_once(folder, size)
        for task, way in (
            ("search", f"exact, {QUERIES} queries"), ("groups", "MiniBatchKMeans, 8 groups"),
            ("pass", "one exact pass"), ("directions", "PCA from sums"), ("places", "places on the map"),
        ):  # fmt: skip
            results = [measured(task, folder, size) for _ in range(rounds if size < LARGE else 1)]
            found.append(row(task, way, size, put_together(results)))
    return found


def compare_umap(folder: Path, sizes: list[int], rounds: int) -> list[dict]:
    embed_once(folder, sizes[0])
    return [row("umap", "2,000 fitted, rest put in", sizes[0], measured("umap", folder, sizes[0]))]


def compare_index(folder: Path, sizes: list[int], rounds: int) -> list[dict]:
    """usearch beside exact search in memory, both with one thread and one query at a time."""
    size = INDEXED if INDEXED in sizes else sizes[-1]
    embed_once(folder, size)
    lines = measured("index", folder, size)["lines"]
    return [row("index", line.pop("way"), size, line) for line in lines]


def embed_once(folder: Path, size: int) -> None:
    from helpers import scale

    if scale.open_parts(folder / f"{size}").missing():
        measured("embed", folder, size)


def compare_formats(folder: Path, sizes: list[int], rounds: int) -> list[dict]:
    embed_once(folder, sizes[0])
    return [
        row("format", line.pop("way"), sizes[0], line)
        for line in measured("formats", folder, sizes[0], rounds)["lines"]
    ]


# ----------------------------------------------------------------------------- the tasks, each in its process


def make(folder: str, size: str) -> dict:
    from helpers import reviews, scale

    frame = reviews.load("sample")
    return timed(lambda: scale.standin.write(Path(folder) / f"{size}.csv", frame, int(size)) and None)


def split(folder: str, size: str) -> dict:
    from helpers import scale

    return timed(lambda: scale.split(Path(folder) / f"{size}.csv", Path(folder) / size) and None)


def opened(folder: str, size: str):
    from helpers import scale

    return scale.open_parts(Path(folder) / size)


def tokenise(folder: str, size: str) -> dict:
    """All texts through WordLlama's own tokenizer, a batch per part, nothing kept."""
    from helpers.engine import vectors

    tokenizer, parts = vectors.load().tokenizer, opened(folder, size)

    def work() -> None:
        for number in range(len(parts)):
            tokenizer.encode_batch_fast(parts.texts(number), add_special_tokens=False)

    return timed(work) | {"value": None}


def embed(folder: str, size: str, warm: bool = True) -> dict:
    from helpers import scale

    parts = opened(folder, size)
    parts.forget_vectors()
    embedder = scale.Embedder(MODEL, "embedded")
    if warm:  # loading the model is no part of the time per row
        embedder(["warm"])
    return timed(lambda: scale.embed(parts, embedder) and None)


def embed_cold(folder: str, size: str) -> dict:
    return embed(folder, size, warm=False)


def plain(folder: str, size: str) -> dict:
    """The way of the first lessons: one list of all texts, one call, one matrix; nothing written."""
    from helpers import scale

    parts = opened(folder, size)
    embedder = scale.Embedder(MODEL, "embedded")
    embedder(["warm"])

    def work() -> None:
        texts = [text for number in range(len(parts)) for text in parts.texts(number)]
        assert len(embedder(texts)) == parts.rows

    return timed(work)


def dask(folder: str, size: str) -> dict:
    from helpers import scale
    from helpers.scale import cluster

    parts = opened(folder, size)
    parts.forget_vectors()

    def work() -> None:
        with cluster.connected(workers=2) as found:
            scale.embed(parts, scale.Embedder(MODEL, "embedded"), run=found.each_part)

    return timed(work)


def search(folder: str, size: str) -> dict:
    from helpers import scale

    parts = opened(folder, size)
    queries = parts.sample(QUERIES, seed=1)[1]
    return timed(lambda: scale.search(parts, queries, K) and None)


def groups(folder: str, size: str) -> dict:
    from helpers.scale import models

    return timed(lambda: models.minibatch_centres(opened(folder, size), 8) is None or None)


def one_pass(folder: str, size: str) -> dict:
    from helpers import scale

    parts = opened(folder, size)
    centres = parts.sample(8)[1].astype(float)
    return timed(lambda: scale.kmeans_pass(parts, centres) and None)


def find_directions(folder: str, size: str) -> dict:
    from helpers import scale

    return timed(lambda: scale.directions(scale.moments(opened(folder, size))) and None)


def places(folder: str, size: str) -> dict:
    from helpers import scale

    parts = opened(folder, size)
    of = scale.moments(parts)
    axes, _ = scale.directions(of)

    def work() -> None:
        for number in range(len(parts)):
            scale.places_part(parts, number, of.mean, axes)

    return timed(work)


def umap(folder: str, size: str) -> dict:
    from helpers.scale import models

    return timed(lambda: sum(1 for _ in models.umap_places(opened(folder, size))) and None)


def index(folder: str, size: str) -> dict:
    """Time per query (best of three, after a warm-up) and recall at 10, for each width of the walk."""
    from threadpoolctl import threadpool_limits

    from helpers import scale
    from helpers.scale import index as indexes
    from helpers.similarity import cosine_top_k

    parts = opened(folder, size)
    queries = scale.Embedder(MODEL, "embedded")(indexes.headlines(parts, QUERIES))
    _, exact = scale.search(parts, queries, K)
    path = Path(folder) / f"{size}.index"
    built = timed(lambda: indexes.build(parts, path, threads=2) and None)
    lines = [built | {"way": "usearch, built", "size_megabytes": path.stat().st_size / 1e6}]
    found, matrix = indexes.open_index(path, in_memory=True), parts.matrix()

    def line(way: str, megabytes: float, search: Callable, some) -> dict:
        search(some[:1])
        rounds = [timed(lambda: [search(query[None]) for query in some] and None) for _ in range(3)]
        seconds = [result["seconds"] / len(some) for result in rounds]
        return {"way": way, "rounds": 3, "seconds": min(seconds), "low": min(seconds), "high": max(seconds),
                "size_megabytes": megabytes, "unit": "recall at 10"}  # fmt: skip

    with threadpool_limits(1):
        for wide in WIDTHS:
            walk = functools.partial(found.search, k=K, wide=wide)
            measured_now = line(f"usearch, wide {wide}", found.megabytes, walk, queries)
            positions, _ = found.search(queries, K, wide=wide)
            lines.append(measured_now | {"value": indexes.recall(parts, queries, positions, exact)})
        alone = line("exact, in memory", matrix.nbytes / 1e6,
                     lambda query: cosine_top_k(query, matrix, K, unit=True), queries[:20])  # fmt: skip
    return {"lines": [*lines, alone | {"value": 1.0}]}


def formats(folder: str, size: str, rounds: str) -> dict:
    """The same vectors kept in several forms: seconds to write and read them, `value` is bytes per vector."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    parts = opened(folder, size)
    vectors = parts.vectors(0)
    width = vectors.shape[1]
    half = vectors.astype(np.float16)

    def fixed(rows):
        return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), width)

    ends = pa.array(np.arange(0, vectors.size + 1, width, dtype=np.int32))
    lists = pa.ListArray.from_arrays(ends, pa.array(vectors.ravel()))
    cases = {
        "list, float32": (lists, "none"),
        "fixed list, float32": (fixed(vectors), "none"),
        "fixed list, float32, zstd": (fixed(vectors), "zstd"),
        "fixed list, float16": (fixed(half), "none"),
        "fixed list, float16, zstd": (fixed(half), "zstd"),
    }
    lines = []
    for way, (column, compression) in cases.items():
        path = Path(folder) / "format.parquet"
        table = pa.table({"embedding": column})
        options = {"compression": compression, "use_dictionary": False}
        writes = [
            timed(lambda t=table, p=path, o=options: pq.write_table(t, p, **o))["seconds"]
            for _ in range(int(rounds))
        ]
        reads = [timed(lambda p=path: pq.read_table(p) and None)["seconds"] for _ in range(int(rounds))]
        size_of_one = path.stat().st_size / len(vectors)
        for what, times in (("written", writes), ("read", reads)):
            lines.append({"way": f"{way}, {what}", "rounds": len(times), "seconds": min(times),
                          "low": min(times), "high": max(times), "value": size_of_one,
                          "unit": "bytes per vector"})  # fmt: skip
    return {"lines": lines}


TASK = {
    "make": make, "split": split, "tokenise": tokenise, "embed": embed, "embed_cold": embed_cold,
    "plain": plain, "dask": dask,
    "search": search,
    "groups": groups, "pass": one_pass, "directions": find_directions, "places": places, "umap": umap,
    "index": index, "formats": formats,
}  # fmt: skip
COMPARE = {
    "formats": compare_formats, "embed": compare_embedding, "dask": compare_dask, "work": compare_work,
    "index": compare_index, "umap": compare_umap,
}  # fmt: skip

if __name__ == "__main__":
    main()
