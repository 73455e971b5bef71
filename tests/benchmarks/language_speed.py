"""How fast the n-gram model is, and how often its insertions join their suffix, here and when resampled.

    python tests/benchmarks/language_speed.py [reviews.csv]

Uses the real 1,000 reviews where they are, else the bundled sample. For insertion, reviews are cut in three:
the first third is the prompt, the last the suffix. A fifth of the reviews is held out and the model trained
on the others; beside it the model that saw them all. A sampled text joined "within k" when it ended in "stop"
after at most k tokens. The seam is the three tokens before the join and the three after it; its mean
log-probability a token is told by the model itself and by one trained on another file of reviews (the sample
or the real ones), which had no say in the joining. Prompts differ in how hard they are, so the difference
between "stop" and "length" is also taken within the prompts that had both. Prints figures; judges nothing.
"""

import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from real_data import real_reviews, reviews_to_measure  # noqa: E402

from helpers import reviews  # noqa: E402
from helpers.engine import language, language_training  # noqa: E402
from helpers.engine.generation import Choice, Generation  # noqa: E402

SAMPLE = ROOT / "data" / "reviews_sample.csv"
ROUNDS = 5
LIMITS = (4, 16, 64, 128, 256)
SAMPLES = 8  # texts drawn a prompt
LEAST = 40  # tokens a review must have to be cut in three
PROMPTS = 150


def main() -> None:
    path = reviews_to_measure(sys.argv[1:]).resolve()
    texts = texts_of(path)
    print(f"{len(texts):,} reviews of {path.name}")
    speed(texts)
    other = SAMPLE if path != SAMPLE else real_reviews()
    judge = language.train(texts_of(other)) if other else None
    random.Random(0).shuffle(texts)
    held_out, rest = texts[: len(texts) // 5], texts[len(texts) // 5 :]
    cases = [cut_in_three(text) for text in held_out if len(language_training.pieces(text)) >= LEAST][
        :PROMPTS
    ]
    for name, model in (("not in training", language.train(rest)), ("in training", language.train(texts))):
        for temperature in (1.0, 0.7):
            insertion(f"{name}, temperature {temperature}", model, judge, cases, temperature)


def texts_of(path: Path) -> list[str]:
    return [text for text in reviews.tidy(reviews.load(path))["Text"].fillna("") if text]


def cut_in_three(text: str) -> tuple[str, str]:
    pieces = language_training.pieces(text)
    third = len(pieces) // 3
    return "".join(pieces[:third]), "".join(pieces[2 * third :])


# ----------------------------------------------------------------------------- speed


def speed(texts: list[str]) -> None:
    model = language.train(texts)
    tokens = sum(map(model.count, texts))
    print(f"\n{tokens:,} tokens, {model.words:,} different")
    print(f"train                {seconds(lambda: language.train(texts)):8.3f} s")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "counts.npz"
        language_training.write(language_training.count(texts), path)
        load = seconds(lambda: language.LanguageModel(language_training.read(path)))
        print(f"load                 {load:8.3f} s  ({path.stat().st_size / 1e6:.1f} MB)")
    joined = "\n".join(texts)
    print(f"tokenise             {tokens / seconds(lambda: model.count(joined)):8,.0f} tokens/s")
    few = joined[:20_000]
    print(f"score                {model.count(few) / seconds(lambda: model.score(few)):8,.0f} tokens/s")
    for name, options in {
        "draw": {},
        "draw, temperature 0.7": {"temperature": 0.7},
        "draw, top_p 0.9": {"top_p": 0.9},
        "draw, 5 logprobs": {"top_logprobs": 5},
        "draw, greedy": {"temperature": 0.0},
        "insert": {"suffix": " and I will buy it again."},
    }.items():
        print(f"{name:21}{rate(model, options):8,.0f} tokens/s")


def rate(model: language.LanguageModel, options: dict) -> float:
    request = Generation("I opened the", max_tokens=256, seed=1, n=10, **options)
    drawn = sum(len(choice.tokens) for choice in model.generate(request))
    return drawn / seconds(lambda: model.generate(request))


def seconds(work: Callable[[], object]) -> float:
    """The median time of ROUNDS runs."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


# ----------------------------------------------------------------------------- insertion


def insertion(
    name: str,
    model: language.LanguageModel,
    judge: language.LanguageModel | None,
    cases: Sequence[tuple[str, str]],
    temperature: float,
) -> None:
    print(f"\nInsertion, {len(cases)} reviews {name}, {SAMPLES} samples each")
    drawn = [
        model.generate(
            Generation(
                prompt, suffix=suffix, max_tokens=max(LIMITS), n=SAMPLES, seed=i, temperature=temperature
            )
        )
        for i, (prompt, suffix) in enumerate(cases)
    ]
    ends = [[len(c.tokens) if c.finish_reason == "stop" else math.inf for c in choices] for choices in drawn]
    shares = [statistics.mean(end <= limit for row in ends for end in row) for limit in LIMITS]
    print("  joined within " + "  ".join(f"{k}: {share:.1%}" for k, share in zip(LIMITS, shares)))
    print("  samples   joined at least once within 256   1 - (1 - p)^k")
    for k in (1, 2, 3, 5, 8):
        measured = statistics.mean(any(end <= max(LIMITS) for end in row[:k]) for row in ends)
        print(f"  {k:7}   {measured:31.1%}   {1 - (1 - shares[-1]) ** k:13.1%}")
    for who, scorer in (("itself", model), ("the other model", judge)):
        if scorer is not None:
            seams(who, scorer, cases, drawn)


def seams(who: str, scorer: language.LanguageModel, cases, drawn: Sequence[Sequence[Choice]]) -> None:
    by_reason: dict[str, list[float]] = {"stop": [], "length": []}
    differences = []
    for (prompt, suffix), choices in zip(cases, drawn):
        own: dict[str, list[float]] = {"stop": [], "length": []}
        for choice in choices:
            own[choice.finish_reason].append(seam(scorer, prompt + choice.text, suffix))
        for reason, values in own.items():
            by_reason[reason] += values
        if own["stop"] and own["length"]:
            differences.append(statistics.mean(own["stop"]) - statistics.mean(own["length"]))
    stop, length = (statistics.mean(by_reason[reason]) for reason in ("stop", "length"))
    error = statistics.stdev(differences) / math.sqrt(len(differences))
    print(
        f"  seam by {who}: stop {stop:.2f}, length {length:.2f}; within {len(differences)} prompts "
        f"{statistics.mean(differences):+.2f} (standard error {error:.2f})"
    )


def seam(scorer: language.LanguageModel, before: str, suffix: str) -> float:
    """Mean log-probability of the last three tokens of `before` and the first three of the suffix."""
    ids = [*language.START, *scorer.encode(before)]
    join = len(ids)
    ids += scorer.encode(suffix)[:3]
    first = max(join - 3, len(language.START))
    return statistics.mean(
        math.log(scorer.probability(ids[i], ids[i - 3 : i])) for i in range(first, len(ids))
    )


if __name__ == "__main__":
    main()
