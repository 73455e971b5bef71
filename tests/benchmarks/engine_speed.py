"""How fast the embedded engine is, beside WordLlama's own `embed` and beside tokenising alone.

    python tests/benchmarks/engine_speed.py [reviews.csv]

Uses the real 1,000 reviews where they are, else the bundled sample, repeated 20 times, and once unrepeated.
Every comparison takes the two sides in turn and gives the median of the ratios, so that a machine that
speeds up or slows down in between does not tilt it. Prints seconds, rates and ratios; judges nothing.
"""

import csv
import logging
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from real_data import reviews_to_measure  # noqa: E402

from helpers import engine  # noqa: E402
from helpers.engine import vectors  # noqa: E402

REPEATS = 20
ROUNDS = 5


def main() -> None:
    path = reviews_to_measure(sys.argv[1:])
    with path.open(encoding="utf-8", newline="") as stream:
        texts = [row["Text"] for row in csv.DictReader(stream)]
    print(f"{len(texts):,} reviews of {path.name}")
    one_call()
    compare_with_wordllama(texts * REPEATS, f"x {REPEATS}")
    compare_with_wordllama(texts, "once, every word new", forget=True)
    compare_reduceat(texts)
    start_up()


def compare_with_wordllama(texts: list[str], name: str, forget: bool = False) -> None:
    from tokenizers import Tokenizer
    from wordllama.inference import WordLlamaInference

    logging.getLogger().setLevel(logging.WARNING)  # importing wordllama switches everybody's INFO on
    model = vectors.load()
    tokenizer = Tokenizer.from_file(str(vectors._model_folder() / vectors.TOKENIZER_FILE))
    reference = WordLlamaInference(model.table, tokenizer)

    def ours() -> np.ndarray:
        if forget:
            model._words.rows.clear()
        return model.embed(texts)

    theirs = lambda: reference.embed(texts, norm=True)  # noqa: E731
    plain = lambda: model.tokenizer.encode_batch(texts, add_special_tokens=False)  # noqa: E731
    fast = lambda: model.tokenizer.encode_batch_fast(texts, add_special_tokens=False)  # noqa: E731

    difference = np.abs(ours() - theirs()).max()
    print(f"\nembedding, {name}: {len(texts):,} texts; largest difference from WordLlama {difference:.1e}")
    for label, other in (
        ("WordLlama's embed", theirs),
        ("tokenising alone (encode_batch)", plain),
        ("tokenising alone (encode_batch_fast)", fast),
    ):
        seconds, other_seconds, ratio = side_by_side(ours, other)
        print(
            f"  {label:37} {len(texts) / other_seconds:8,.0f} /s   engine {len(texts) / seconds:8,.0f} /s"
            f"   engine / other {ratio:5.2f}"
        )


def compare_reduceat(texts: list[str]) -> None:
    """The two obvious ways to add up token vectors."""
    model = vectors.load()
    ids = model.encode(texts)
    starts = np.concatenate([[0], np.cumsum([len(entry) for entry in ids])[:-1]])
    flat = np.concatenate([np.array(entry) for entry in ids])
    seconds, other, ratio = side_by_side(
        lambda: model.sums_of_ids(ids), lambda: np.add.reduceat(model.table[flat], starts, axis=0)
    )
    times = f"sparse product {seconds * 1e3:.0f} ms, reduceat {other * 1e3:.0f} ms"
    print(f"\nsumming token vectors: {times}, ratio {ratio:.0f}")


def one_call() -> None:
    client = engine.client()
    call = lambda: client.embeddings.create(model=vectors.MODEL, input="green tea")  # noqa: E731
    call()
    times = sorted(seconds_of(call) for _ in range(300))
    print(f"\none-text SDK call: median {times[150] * 1e3:.2f} ms, 95 % under {times[285] * 1e3:.2f} ms")


def start_up() -> None:
    code = {
        "import helpers": "import helpers",
        "import and first embedding": (
            "from helpers import engine; "
            f"engine.client().embeddings.create(model='{vectors.MODEL}', input='green tea')"
        ),
    }
    print()
    for name, statement in code.items():
        program = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
        runs = [
            float(
                subprocess.run(
                    [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True
                ).stdout
            )
            for _ in range(ROUNDS)
        ]
        print(f"{name}, in a new process: median {statistics.median(runs):.3f} s")


def side_by_side(ours: Callable, other: Callable) -> tuple[float, float, float]:
    """Median seconds of each, and the median of how many times faster the first was, round by round."""
    pairs = [(seconds_of(ours), seconds_of(other)) for _ in range(ROUNDS)]
    ratio = statistics.median(theirs / mine for mine, theirs in pairs)
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs), ratio


def seconds_of(function: Callable) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
