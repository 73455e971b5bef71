"""Reading half a million reviews in a stream: speed, and memory against the file's size.

    python tests/benchmarks/reviews_stream.py

Writes stand-ins of 50,000 and 568,454 invented reviews (SNAP's text packed with gzip, and Kaggle's CSV) into
a temporary folder, reads each in its own process through `reviews.chunks`, and prints rows a second, peak
memory above that of the imported module, and the ratio of the two peaks: about 1 if memory does not depend
on the file's size. The last line reads the long CSV whole with `reviews.load` and with `pandas.read_csv`.
"""

import csv
import gzip
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

SHORT, FULL = 50_000, 568_454
TEXT = """the a and I it of to my is this for in was coffee tea dog food taste flavor good great bag box price
    very not like love but with product buy they them so have on just you sweet one will from cup chips sauce,
    chocolate. really would order again! store more than healthy organic salt, sugar. best ever tried<br />
    "fresh" arrived late, broken; stale"""
WORDS = TEXT.split()
SNAP = (
    "product/productId: {ProductId}\nreview/userId: {UserId}\nreview/profileName: {ProfileName}\n"
    "review/helpfulness: {HelpfulnessNumerator}/{HelpfulnessDenominator}\nreview/score: {Score}.0\n"
    "review/time: {Time}\nreview/summary: {Summary}\nreview/text: {Text}\n\n"
)


def invented(count: int):
    """Reviews as dictionaries, as long as the real ones (median 50 words, some hundreds at the end)."""
    dice = random.Random(7)
    for number in range(1, count + 1):
        yield {
            "Id": number,
            "ProductId": f"B{dice.randrange(74_258):09d}",
            "UserId": f"A{dice.randrange(256_059):013d}",
            "ProfileName": f"Reader {dice.randrange(200_000)}",
            "HelpfulnessNumerator": dice.randrange(3),
            "HelpfulnessDenominator": 2,
            "Score": dice.choice((1, 2, 3, 4, 5, 5, 5, 5)),
            "Time": 939_340_800 + 86_400 * dice.randrange(4_700),
            "Summary": " ".join(dice.choices(WORDS, k=4)),
            "Text": " ".join(dice.choices(WORDS, k=min(int(dice.lognormvariate(4.0, 0.75)), 3_000))),
        }


def write(folder: Path, count: int) -> dict[str, Path]:
    paths = {"SNAP gz": folder / f"{count}.txt.gz", "CSV": folder / f"{count}.csv"}
    with (
        gzip.open(paths["SNAP gz"], "wt", encoding="iso-8859-1", newline="\n", compresslevel=1) as packed,
        paths["CSV"].open("w", encoding="utf-8", newline="") as plain,
    ):
        for row in invented(count):
            if row["Id"] == 1:
                table = csv.DictWriter(plain, list(row), lineterminator="\n")
                table.writeheader()
            table.writerow(row)
            packed.write(SNAP.format(**row))
    return paths


def peak_bytes() -> int | None:
    """The most memory this process has had so far; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def measure(how: str, path: str) -> dict:
    """Rows, seconds and memory of reading `path` in this process."""
    import pandas as pd

    from helpers import reviews

    before, start = peak_bytes(), time.perf_counter()
    if how == "chunks":
        rows = sum(map(len, reviews.chunks(path)))  # holds no chunk while the next is made
    elif how == "load":
        rows = len(reviews.load(path))
    else:
        rows = len(pd.read_csv(path))
    seconds = time.perf_counter() - start
    after = peak_bytes()
    return {"rows": rows, "seconds": seconds, "bytes": None if after is None else after - before}


def measured(how: str, path: Path) -> dict:
    """`measure` in a process of its own: a peak of memory never goes down again."""
    command = [sys.executable, __file__, how, str(path)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def line(name: str, result: dict) -> str:
    memory = "unknown" if result["bytes"] is None else f"{result['bytes'] / 1e6:,.0f} MB"
    rate = result["rows"] / result["seconds"]
    return f"{name:30} {result['rows']:>9,} rows {result['seconds']:6.1f} s {rate:>9,.0f} rows/s  {memory:>9}"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        short, full = write(Path(folder), SHORT), write(Path(folder), FULL)
        for kind in short:
            few, many = measured("chunks", short[kind]), measured("chunks", full[kind])
            size = full[kind].stat().st_size / 1e6
            print(line(f"chunks, {kind}", few))
            print(line(f"chunks, {kind} ({size:,.0f} MB)", many))
            if few["bytes"]:
                ratio = many["bytes"] / few["bytes"]
                print(f"  {FULL / SHORT:.1f} times the rows, {ratio:.2f} times the peak memory")
        ours, theirs = measured("load", full["CSV"]), measured("pandas", full["CSV"])
        print(line("load, CSV", ours))
        print(line("pandas.read_csv (no checks)", theirs))
        print(f"  load's time / read_csv's: {ours['seconds'] / theirs['seconds']:.1f}")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(measure(*sys.argv[1:])))
    else:
        main()
