"""Trials of many drawn texts: how many join their suffix, what k of them promise, keep and cost.

Prompts for insertion are rows of prefix, middle and suffix. `load_prompts` reads those that come with the
workbook; they are in no review, so a model trained on the reviews has not seen them. `prompts_from_texts`
cuts open texts of one's own. Left out: drawing for one prompt (`sampling`), and how likely or how much alike
texts are (`sampling_judges`).
"""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers import sampling, sampling_judges, settings
from helpers.errors import DataError, HostError
from helpers.scores import Interval

if TYPE_CHECKING:
    import openai

PARTS = ["prefix", "middle", "suffix"]
PROMPTS = settings.DATA / "insertion_prompts.csv"


def load_prompts(path: Path | str = PROMPTS) -> pd.DataFrame:
    """The prompts of a CSV file: columns id, prefix, middle, suffix and what else it has.

    Raises DataError when the file or one of the columns is missing.
    """
    try:
        prompts = pd.read_csv(path, encoding="utf-8", dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise DataError(f"There is no file {Path(path).name} with prompts.") from None
    if missing := [name for name in PARTS if name not in prompts]:
        raise DataError(f"{Path(path).name} has no column {missing[0]!r}.")
    return prompts


def prompts_from_texts(
    texts: Sequence[str], *, words: tuple[int, int] = (4, 12), seed: int = 0
) -> pd.DataFrame:
    """One row per text: its prefix, a middle of `words` (fewest, most) words cut from it, its suffix.

    Joined, the three are the text. Cuts are where white space begins, which goes to what follows; at least
    three words stay on both sides, and texts too short for that are left out. Columns: text (position),
    prefix, middle, suffix. Raises DataError when every text is too short.
    """
    random = np.random.default_rng(seed)
    fewest, most = words
    rows = []
    for position, text in enumerate(texts):
        ends = [match.end() for match in re.finditer(r"\S+", text)]  # of each word
        if len(ends) < fewest + 6:
            continue
        length = int(random.integers(fewest, min(most, len(ends) - 6) + 1))
        start = int(random.integers(3, len(ends) - length - 2))
        first, last = ends[start - 1], ends[start + length - 1]
        rows.append((position, text[:first], text[first:last], text[last:]))
    if not rows:
        raise DataError(f"No text has {fewest + 6} words, so none can be cut open.")
    return pd.DataFrame(rows, columns=["text", *PARTS])


def other_suffixes(prompts: pd.DataFrame) -> pd.Series:
    """For each prompt the suffix of the next one of its kind (`suffix_begins`); the last gets the first's.

    A control: what is true of a text before this suffix, too, has nothing to do with its own.
    """
    return prompts.groupby("suffix_begins")["suffix"].transform(lambda some: np.roll(some.to_numpy(), -1))


def draws(
    client: "openai.OpenAI",
    model: str,
    prompts: pd.DataFrame,
    *,
    samples: int,
    max_tokens: int = 256,
    seed: int = 0,
    **options: Any,
) -> pd.DataFrame:
    """`samples` insertions for each prompt: one row per sample, one request per prompt.

    Columns: prompt (position), sample, text, finish_reason, stopped, tokens and logprob (mean per token; both
    NaN where the host tells no log-probabilities). The prompt at position i has the seed `seed + i`.
    Raises HostError when the host refuses, or gives another number of samples.
    """
    rows = []
    for i, (prefix, suffix) in enumerate(zip(prompts["prefix"], prompts["suffix"])):
        found, _ = sampling.draw(
            client, model, prefix, n=samples, suffix=suffix, max_tokens=max_tokens, seed=seed + i, **options
        )
        if len(found) != samples:
            raise HostError(f"The host was asked for {samples} samples and gave {len(found)}.")
        for j, sample in enumerate(found):
            mean = sampling.mean_logprob(sample)
            tokens = len(sample.logprobs) if sample.logprobs else math.nan
            rows.append((i, j, sample.text, sample.finish_reason, sample.stopped, tokens, mean))
    names = ["prompt", "sample", "text", "finish_reason", "stopped", "tokens", "logprob"]
    return pd.DataFrame(rows, columns=names).astype({"logprob": float})


def share_joined(stopped: Mapping[int, ArrayLike]) -> pd.DataFrame:
    """The share that joined at each `max_tokens`, with Wilson's 95 % interval (1927).

    `stopped`: for each max_tokens bool (prompts,), ONE sample per prompt: several samples of a prompt are
    several looks at the same prompt, and counted like prompts they would make the interval too narrow.
    Index max_tokens; columns prompts, joined, share, low, high. Raises DataError for a limit of no prompts.
    """
    from helpers.plots.scores import wilson  # brings matplotlib along

    rows = {}
    for max_tokens, joined in stopped.items():
        joined = np.asarray(joined, dtype=bool)
        if not len(joined):
            raise DataError(f"A share of no prompts cannot be had (max_tokens {max_tokens}).")
        rows[max_tokens] = (len(joined), int(joined.sum()), joined.mean(), *wilson(joined.sum(), len(joined)))
    table = pd.DataFrame.from_dict(
        rows, orient="index", columns=["prompts", "joined", "share", "low", "high"]
    )
    return table.astype({"prompts": int, "joined": int}).rename_axis("max_tokens")


def stopped_of(drawn: pd.DataFrame) -> np.ndarray:
    """What `draws` found as bool (prompts, samples): which of them stopped."""
    return drawn.pivot(index="prompt", columns="sample", values="stopped").to_numpy(dtype=bool)


def at_least_one(stopped: ArrayLike, k: int) -> np.ndarray:
    """For each prompt (p,), how often k of its samples, taken at random, hold one that stopped.

    `stopped`: bool (p, N). Exact: 1 - C(N - c, k) / C(N, k), with c of the N that stopped. This is the
    unbiased estimate known as pass@k (M. Chen and others, "Evaluating Large Language Models Trained on
    Code", 2021); 1 - (1 - c/N)^k would be too low. Raises ValueError when k is not from 1 to N.
    """
    stopped = np.asarray(stopped, dtype=bool)
    n = stopped.shape[1]
    if not 1 <= k <= n:
        raise ValueError(f"k must be from 1 to the {n} samples per prompt, not {k}")
    return np.array([1 - math.comb(n - int(c), k) / math.comb(n, k) for c in stopped.sum(axis=1)])


def formula(p: ArrayLike, k: int) -> ArrayLike:
    """The chance that at least one of k independent samples joins, when each does with chance p."""
    return 1 - (1 - p) ** k


def resampling(
    stopped: ArrayLike,
    kinds: Sequence[str] | None = None,
    *,
    most: int = 8,
    draws: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """At least one of k that stopped, for k = 1 to `most`: as measured, and by the formula.

    `stopped`: bool (p, N). Index k; columns measured, low, high; one p (the formula at the mean p); gap low,
    gap high (of one p minus measured). Intervals are of 95 %, prompts drawn again with repetition; the gap's
    is paired: both sides of the same prompts. With `kinds`, (p,), a last column p per kind: the formula at
    each kind's mean p, averaged over prompts. Raises DataError for no prompts, ValueError when `most` is
    more than N.
    """
    stopped = np.asarray(stopped, dtype=bool)
    if not stopped.size:
        raise DataError("There are no prompts to draw for.")
    if most > stopped.shape[1]:
        raise ValueError(f"most={most} is more than the {stopped.shape[1]} samples per prompt")
    chances = stopped.mean(axis=1)  # (p,)
    again = np.random.default_rng(seed).integers(len(stopped), size=(draws, len(stopped)))
    again_p = chances[again].mean(axis=1)
    rows = {}
    for k in range(1, most + 1):
        of_prompt = at_least_one(stopped, k)
        measured = of_prompt[again].mean(axis=1)
        rows[k] = {"measured": of_prompt.mean()} | _ends(measured, "low", "high")
        rows[k]["one p"] = formula(chances.mean(), k)
        rows[k] |= _ends(formula(again_p, k) - measured, "gap low", "gap high")
        if kinds is not None:
            of_kind = pd.Series(chances).groupby(np.asarray(kinds)).transform("mean")
            rows[k]["p per kind"] = formula(of_kind, k).mean()
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("k")


def _ends(values: np.ndarray, low: str, high: str) -> dict[str, float]:
    """The ends of a 95 % interval under these names; what rounding leaves of a zero is made one."""
    ends = np.round(np.quantile(values, [0.025, 0.975]), 12) + 0.0
    return {low: float(ends[0]), high: float(ends[1])}


def curve(table: pd.DataFrame, mean: str, low: str | None = None, high: str | None = None) -> np.ndarray:
    """Three columns of a table as `plots.score_curves` wants them, (rows, 3); without an interval a line."""
    return table[[mean, low or mean, high or mean]].to_numpy(dtype=float)


def at_limit(drawn: pd.DataFrame, max_tokens: int) -> pd.DataFrame:
    """What `draws` found, as it would have been under a smaller limit (`text` is left out, `logprob` too).

    Right where a text under a small limit is the beginning of the one under a large limit: a model does not
    know its limit, so in distribution it is so everywhere, and with the embedded engine word for word.
    """
    cut = drawn.drop(columns=["text", "logprob", "finish_reason"])
    return cut.assign(
        stopped=drawn["stopped"] & (drawn["tokens"] <= max_tokens),
        tokens=drawn["tokens"].clip(upper=max_tokens),
    )


def tries(drawn: pd.DataFrame, k: int, max_tokens: int, early_exit: bool = False) -> tuple[float, float]:
    """(share of prompts with a text that joined, tokens written per prompt) of k samples.

    Each of up to `max_tokens`; of each prompt the first k that were drawn. With `early_exit` those after the
    first that joined are not drawn. NaN where the host does not tell how many tokens it wrote.
    """
    cut = at_limit(drawn[drawn["sample"] < k], max_tokens).sort_values(["prompt", "sample"])
    if early_exit:
        before = cut.groupby("prompt")["stopped"].cumsum() - cut["stopped"]
        cut = cut[before == 0]
    of_prompt = cut.groupby("prompt")
    return float(of_prompt["stopped"].any().mean()), float(of_prompt["tokens"].sum(min_count=1).mean())


def plan_costs(drawn: pd.DataFrame, plans: Sequence[tuple[int, int, bool]]) -> pd.DataFrame:
    """`tries` for each plan of (samples, max_tokens, one at a time): share joined, tokens per prompt."""
    rows = {}
    for k, max_tokens, early_exit in plans:
        name = f"{k} sample{'s' if k > 1 else ''} of up to {max_tokens}"
        name = f"up to {name}, one at a time" if early_exit else name
        rows[name] = tries(drawn, k, max_tokens, early_exit)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["share joined", "tokens per prompt"])


def after_failure(drawn: pd.DataFrame, first: int, limit: int, room: int) -> tuple[pd.DataFrame, int]:
    """What helps prompts of which the first samples were all cut off at a limit; how many those prompts are.

    Three ways: the samples after the `first` as further ones at `limit`; one of them (the mean over them)
    with `room`; the first ones again with `room`. Columns share joined, tokens per prompt (written anew).
    Raises DataError when no prompt failed so, or none has further samples.
    """
    narrow, wide = at_limit(drawn, limit), at_limit(drawn, room)
    early = narrow["sample"] < first
    failed = ~narrow[early].groupby("prompt")["stopped"].any()
    left = narrow["prompt"].map(failed)
    if not left.any() or early.all():
        raise DataError(f"No prompt has {first} samples that were cut off and further ones.")
    more = int(narrow["sample"].max()) + 1 - first
    further, again = wide[left & ~early].groupby("prompt"), wide[left & early].groupby("prompt")
    at_narrow = narrow[left & ~early].groupby("prompt")
    rows = {
        f"{more} further of up to {limit}": (at_narrow["stopped"].any(), at_narrow["tokens"].sum()),
        f"1 further of up to {room}": (further["stopped"].mean(), further["tokens"].mean()),
        f"the first {first} again, up to {room}": (again["stopped"].any(), again["tokens"].sum()),
    }
    means = {name: (float(share.mean()), float(tokens.mean())) for name, (share, tokens) in rows.items()}
    columns = ["share joined", "tokens per prompt"]
    return pd.DataFrame.from_dict(means, orient="index", columns=columns), int(failed.sum())


def choose(drawn: pd.DataFrame, *by: str) -> pd.DataFrame:
    """One row per prompt: the sample that is highest in the columns `by`, of equals the first drawn."""
    columns, ascending = ["prompt", *by, "sample"], [True, *(False for _ in by), True]
    return drawn.sort_values(columns, ascending=ascending, kind="stable").groupby("prompt").head(1)


def described(texts: pd.DataFrame, sources: Sequence[str]) -> dict[str, float]:
    """What a choice of samples (rows as of `draws`) is like.

    stopped: share; tokens: median; log-probability: mean of the texts' means; copied: see
    `sampling_judges.copied`, from `sources`.
    """
    return {
        "stopped": float(texts["stopped"].mean()),
        "tokens": float(texts["tokens"].median()),
        "log-probability": float(texts["logprob"].mean()),
        "copied": sampling_judges.copied(texts["text"].tolist(), sources),
    }


def compare_choices(
    drawn: pd.DataFrame, ways: Mapping[str, Sequence[str]], sources: Sequence[str]
) -> pd.DataFrame:
    """One row per way to choose (the columns for `choose`, by name): what its choice is like, `described`."""
    rows = {name: described(choose(drawn, *by), sources) for name, by in ways.items()}
    return pd.DataFrame.from_dict(rows, orient="index")


def spread_by_length(drawn: pd.DataFrame, tokens: int) -> pd.DataFrame:
    """Of texts of up to so many tokens and of longer ones: count, mean and std of the log-probabilities.

    A log-probability is a text's mean, so it scatters the more, the fewer tokens there are.
    """
    short = drawn["tokens"] <= tokens
    rows = {f"up to {tokens} tokens": drawn[short], "longer": drawn[~short]}
    spread = {name: some["logprob"].agg(["count", "mean", "std"]) for name, some in rows.items()}
    return pd.DataFrame(spread).T.astype({"count": int})


def gains(drawn: pd.DataFrame, value: str) -> pd.Series:
    """Per prompt, how much higher a column is on average where a sample stopped than where it was cut off.

    Of the prompts that have both kinds of samples. Raises DataError when none has.
    """
    means = drawn.dropna(subset=value).pivot_table(index="prompt", columns="stopped", values=value)
    both = means.dropna()
    if means.shape[1] < 2 or not len(both):
        raise DataError("No prompt has both samples that stopped and samples that were cut off.")
    return both[True] - both[False]


def paired_gain(drawn: pd.DataFrame, value: str, draws: int = 2000, seed: int = 0) -> tuple[Interval, int]:
    """The mean of `gains` with a 95 % bootstrap interval over the prompts, and how many prompts there are.

    Prompts that nearly always stop are easier: comparing all with all would mix that in.
    """
    gain = gains(drawn, value).to_numpy()
    again = np.random.default_rng(seed).integers(len(gain), size=(draws, len(gain)))
    low, high = np.quantile(gain[again].mean(axis=1), [0.025, 0.975])
    return Interval(float(gain.mean()), float(low), float(high)), len(gain)
