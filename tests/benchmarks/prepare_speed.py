"""Preparing 200,000 rows: time and memory beside the tool that left the openai package; 5,000,000 rows alone.

    python -m venv OLD && OLD/bin/python -m pip install openai==2.34.0 pandas openpyxl
    python tests/benchmarks/prepare_speed.py OLD/bin/openai [--long]

Writes a classification CSV of invented reviews (two classes, prompts of 12 to 39 words) and prepares it with
both tools, each in its own process and by turns. Prints the least seconds (on the clock, and of the
processor, which other programs disturb less) and the peak memory. Both tools accept every repair and split.
With `--long`, 5,000,000 rows as well.
"""

import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
ROWS, MANY, ROUNDS = 200_000, 5_000_000, 3
WORDS = """
    the coffee tea dog food taste flavour good great bag box price very not like love but with product
    buy they have just sweet one will from cup chips sauce chocolate really would order again store more
    than healthy organic salt sugar best ever tried fresh arrived late broken stale
"""


class Cost(NamedTuple):
    """Of one run: seconds on the clock, seconds of the processor, bytes at the peak."""

    clock: float
    processor: float
    memory: int


def write(path: Path, rows: int) -> Path:
    dice, words = random.Random(7), WORDS.split()
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["prompt", "completion"])
        for _ in range(rows):
            text = " ".join(dice.choices(words, k=dice.randrange(12, 40))).capitalize()
            table.writerow([text + dice.choice(".!?"), dice.choice(["positive", "negative"])])
    return path


def cost(command: list[str], folder: Path) -> Cost:
    """Run a command to its end, and take away what it wrote. POSIX only: Windows does not tell the peak."""
    start = time.perf_counter()
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 (a device)
        child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=nowhere, stderr=nowhere)
        _, status, used = os.wait4(child.pid, 0)
    clock = time.perf_counter() - start
    written = list(folder.glob("*_prepared*"))
    if status or not written:
        raise SystemExit(f"{' '.join(command)} failed")
    for path in written:
        path.unlink()
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(clock, used.ru_utime + used.ru_stime, used.ru_maxrss * unit)


def least(costs: list[Cost]) -> Cost:
    return Cost(*map(min, zip(*costs)))


def show(name: str, rows: int, found: Cost, old: Cost | None = None) -> None:
    against = ""
    if old is not None:
        clock, processor, memory = (
            old.clock / found.clock,
            old.processor / found.processor,
            found.memory / old.memory,
        )
        against = f"  {clock:4.1f} x  {processor:4.1f} x  {memory:4.0%}"
    seconds = f"{found.clock:7.2f} s {found.processor:7.2f} s"
    print(f"{name:34}{rows:>10,} rows {seconds} {found.memory / 1e6:6,.0f} MB{against}")


def main() -> None:
    arguments = [argument for argument in sys.argv[1:] if argument != "--long"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = write(folder / "reviews.csv", ROWS)
        ours = [sys.executable, "-m", "helpers", "prepare", str(source), "--yes", "--split", "0.2"]
        commands = {
            "helpers prepare": ours,
            "helpers prepare, all tokens": [*ours, "--tokens", "babbage-002"],
        }
        if arguments:
            command = [arguments[0], "tools", "fine_tunes.prepare_data", "-f", str(source), "-q"]
            commands = {"openai 2.34.0": command} | commands
        runs = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                runs[name].append(cost(command, folder))
        old = least(runs["openai 2.34.0"]) if arguments else None
        print(f"{'':51}clock   processor   peak  old / ours (memory: ours / old)")
        for name, costs in runs.items():
            show(name, ROWS, least(costs), old)
        if "--long" in sys.argv:
            many = write(folder / "many.csv", MANY)
            show("helpers prepare", MANY, cost([*ours[:4], str(many), *ours[5:]], folder))


if __name__ == "__main__":
    main()
