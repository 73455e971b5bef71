"""Embedding or fine-tuning: the ways of lesson 10 against the number of examples, with the embedded engine.

    python tests/benchmarks/comparison_quality.py [first seed] [number of seeds] [--store]

For the sentiment of the bundled sample and of the real 1,000 reviews (where they are), the topics and the
claims: every way of `comparison` on nested subsets of 10 to all training rows, on ten splits (seeds 300 to
309). 80 reviews are held out for the sentiment, a fifth of the rows elsewhere; no text, and no company, is on
both sides. Then the paired differences of the fine-tuned model to its rivals with all rows, and the seconds.
Takes some minutes. Judges nothing. `--store` writes one row for each split into data/comparison_results.csv,
of which lesson 10 draws its curves.
"""

import functools
import sys
import time
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from real_data import real_reviews  # noqa: E402

from helpers import comparison, embeddings, engine, reviews, scores  # noqa: E402
from helpers.comparison import models, trials  # noqa: E402
from helpers.engine import registry  # noqa: E402
from helpers.files import atomic_path  # noqa: E402

SIZES = (10, 20, 40, 80, 160, 320)
HELD_OUT = 80  # reviews, so that 800 of the sample's are left to learn from
FINE_TUNED = "fine-tuned"
SCORES = list(trials.SCORES)


def main() -> None:
    arguments = [value for value in sys.argv[1:] if value != "--store"]
    given = [int(value) for value in arguments[:2]]
    first, count = given + [300, 10][len(given) :]
    pd.set_option("display.width", 200, "display.max_columns", 20)
    client = engine.client()
    tuned = models.FineTuned(client, registry.CLASSIFIER)
    ways = comparison.WAYS | {FINE_TUNED: tuned}
    embed = functools.partial(embeddings.embed, client=client, model=registry.EMBEDDINGS)
    tables = []
    for data, task in tasks(embed, range(first, first + count)):
        more = {"fields compared": comparison.on_fields} if task.fields is not None else {}
        sizes = [size for size in SIZES if size < smallest(task)] + [smallest(task)]
        started = time.perf_counter()
        table = trials.curve(task, ways | more, sizes)
        tables.append(table.assign(data=data, task=task.name))
        show(data, task, table, time.perf_counter() - started)
        tuned.delete()
    if "--store" in sys.argv and len(tables) == 4:
        store(pd.concat(tables).assign(model=registry.EMBEDDINGS, first_seed=first))


def tasks(embed, seeds: range):
    """(data, task) of everything that is measured."""
    for data, source in {"sample": "sample", "real 1,000": real_reviews()}.items():
        if source is not None:
            rows = reviews.tidy(reviews.load(source))
            share = HELD_OUT / (rows["Score"] != 3).sum()
            yield data, comparison.sentiment(rows, embed, seeds, test=share)
    yield "sample", comparison.topics(embed, seeds)
    yield "sample", comparison.claims(embed, seeds)


def smallest(task: comparison.Task) -> int:
    """How many training rows every split has."""
    return min(len(train) for train, _ in task.parts)


def show(data: str, task: comparison.Task, table: pd.DataFrame, seconds: float) -> None:
    """Print means by size, and the differences with all rows."""
    print(f"\n{task.name}, {data}: {len(task.texts)} rows, {len(task.parts)} splits, {seconds:.0f} s")
    for score in SCORES:
        print(score)
        print(
            table.pivot_table(index="way", columns="examples", values=score, sort=False).round(3).to_string()
        )
    largest = int(table["examples"].max())
    for size in (20, 80, largest):
        found, ratio = trials.at_size(table, size)
        for score in ("macro F1", "AUROC"):
            for rival in found:
                if rival not in (FINE_TUNED, "majority class"):
                    told = scores.compare(found, FINE_TUNED, rival, score, ratio)
                    print(f"  {size} examples, {told}")
        for line in trials.decide_at(table, size, "macro F1").items():
            print(f"    {line[0]}: {line[1]}")


def store(table: pd.DataFrame) -> None:
    """Write what was measured where `comparison.trials.recorded` finds it."""
    first = ["data", "task", "way", "examples", "split", "test"]
    with atomic_path(trials.RECORDED) as path:
        table[[*first, *SCORES, "model", "first_seed"]].round(4).to_csv(
            path, index=False, encoding="utf-8", lineterminator="\n"
        )


if __name__ == "__main__":
    main()
