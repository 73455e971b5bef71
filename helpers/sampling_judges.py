"""How texts look to a model and to a reader of counts: likely, varied, copied, at home before a suffix.

`token_logprobs` asks a host how likely it finds texts that are there already; `unread_logprobs` and
`second_opinion` ask an n-gram model that has read only what it is given, where the writer itself would be no
fair judge. The rest counts words. Left out: drawing texts (`sampling`), trials of many (`sampling_trials`).
"""

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers import sampling, settings
from helpers.errors import DataError, HostError
from helpers.scores import Interval

if TYPE_CHECKING:
    import openai

SEAM = 3  # tokens of a suffix
TEXTS_PER_REQUEST = 50
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def token_logprobs(
    client: "openai.OpenAI", model: str, texts: Sequence[str]
) -> list[list[tuple[int, str, float | None]]]:
    """How likely the model finds each token of texts that are there already, without writing anything.

    For each text its tokens as (offset in characters, token, log-probability); the first one follows nothing
    and has None. Asks for `echo` with `max_tokens=0`. Raises HostError when the host refuses.
    """
    found: list[list[tuple[int, str, float | None]]] = []
    for start in range(0, len(texts), TEXTS_PER_REQUEST):
        part = list(texts[start : start + TEXTS_PER_REQUEST])
        answer = sampling.ask(client, model=model, prompt=part, echo=True, max_tokens=0, logprobs=1)
        for choice in sorted(answer.choices, key=lambda choice: choice.index):
            told = choice.logprobs
            if told is None or told.token_logprobs is None or told.text_offset is None:
                raise HostError("The host does not tell the log-probabilities of the prompt's own tokens.")
            values = [None if v is None or math.isnan(v) else float(v) for v in told.token_logprobs]
            found.append(list(zip(told.text_offset, told.tokens or [], values)))
    if len(found) != len(texts):
        raise HostError(f"The host was asked about {len(texts)} texts and answered about {len(found)}.")
    return found


def known_logprobs(client: "openai.OpenAI", model: str, texts: Sequence[str]) -> list[list[float]]:
    """The log-probabilities of each text's tokens, but for the first one, which follows nothing."""
    scored = token_logprobs(client, model, texts)
    return [[value for _, _, value in tokens if value is not None] for tokens in scored]


def perplexity(logprobs: Sequence[float]) -> float:
    """exp of minus the mean log-probability: among how many equally likely tokens the model hesitated."""
    if not len(logprobs):
        raise ValueError("no token has no perplexity")
    return math.exp(-math.fsum(logprobs) / len(logprobs))


def less_likely_shuffled(client: "openai.OpenAI", model: str, texts: Sequence[str], seed: int = 0) -> int:
    """How many of the texts are less likely once their words stand in another order, drawn at random.

    Likely is the sum of the tokens' log-probabilities; the first token of each is not counted.
    """
    random = np.random.default_rng(seed)
    mixed = [" ".join(random.permutation(text.split()).tolist()) for text in texts]
    before, after = (known_logprobs(client, model, some) for some in (list(texts), mixed))
    return sum(math.fsum(new) < math.fsum(old) for old, new in zip(before, after))


def other_texts() -> list[str]:
    """Texts of the workbook that are no reviews: customers' questions, products and advertisements."""
    claims = pd.read_csv(settings.DATA / "ad_claims.csv", encoding="utf-8")
    questions = pd.read_csv(settings.DATA / "support_questions.csv", encoding="utf-8")
    return [*questions["question"], *claims["product"], *claims["ad"]]


def unread_logprobs(read: Sequence[str], texts: Sequence[str]) -> list[list[float]]:
    """`known_logprobs` by an n-gram model like the engine's that has read `read` and nothing else."""
    from helpers.engine import language

    judge = language.train(read)
    return [[token.logprob for token in judge.score(text)][1:] for text in texts]


def seam_scores(
    client: "openai.OpenAI", model: str, befores: Sequence[str], suffixes: Sequence[str], width: int = SEAM
) -> np.ndarray:
    """The mean log-probability of each suffix's first tokens behind a text, (n,): how expected it is there.

    `befores`: all that stands before the suffix (prefix and inserted text). Counted are the first `width`
    tokens that begin at the seam or after it. What stands before is not counted: it ends as the inserted text
    ends, whatever follows. Higher is more expected, in the eyes of `model`.
    """
    scored = token_logprobs(client, model, [b + s for b, s in zip(befores, suffixes, strict=True)])
    return np.array([_seam(tokens, len(before), width) for tokens, before in zip(scored, befores)])


def second_opinion(
    read: Sequence[str], befores: Sequence[str], suffixes: Sequence[str], width: int = SEAM
) -> np.ndarray:
    """`seam_scores` by an n-gram model that has read `read` and nothing else, (n,).

    For a judge that is not the writer: one that joins where it finds the suffix likely would praise itself.
    """
    from helpers.engine import language

    judge = language.train(read)
    scores = []
    for before, suffix in zip(befores, suffixes, strict=True):
        tokens = judge.score(before + suffix)
        offsets = np.cumsum([0, *(len(token.text) for token in tokens)])
        listed = [(int(offset), token.text, token.logprob) for offset, token in zip(offsets, tokens)]
        scores.append(_seam(listed, len(before), width))
    return np.array(scores)


def _seam(tokens: Sequence[tuple[int, str, float | None]], seam: int, width: int) -> float:
    after = [value for offset, _, value in tokens if offset >= seam][:width]
    known = [value for value in after if value is not None]
    return math.fsum(known) / len(known) if known else math.nan


def different_words(texts: Sequence[str], n: int = 2, most: int | None = None) -> float:
    """The share of different runs of `n` words among the runs in `texts`: 1 is no repetition at all.

    Known as distinct-n (J. Li and others, "A Diversity-Promoting Objective Function for Neural Conversation
    Models", 2016). It falls with the amount of text, so compare like amounts: `most` counts only so many
    runs, the first ones. NaN without a run.
    """
    runs = [run for text in texts for run in _runs(text, n)][:most]
    return len(set(runs)) / len(runs) if runs else math.nan


def _runs(text: str, n: int) -> list[tuple[str, ...]]:
    words = [word.casefold() for word in WORD.findall(text)]
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def copied(texts: Sequence[str], sources: Sequence[str], n: int = 5) -> float:
    """The share of runs of `n` words in `texts` that stand so in one of `sources`. NaN without a run."""
    known = {run for source in sources for run in _runs(source, n)}
    runs = [run for text in texts for run in _runs(text, n)]
    return sum(run in known for run in runs) / len(runs) if runs else math.nan


def copied_gain(
    chosen: Sequence[str],
    others: Sequence[str],
    sources: Sequence[str],
    n: int = 5,
    draws: int = 2000,
    seed: int = 0,
) -> Interval:
    """How much more of `chosen` than of `others` is copied (see `copied`), with a 95 % bootstrap interval.

    The texts are pairs, one of each for every prompt; prompts are drawn again with repetition. Raises
    DataError when the two differ in number, or one of them has no run of `n` words.
    """
    if len(chosen) != len(others):
        raise DataError(f"{len(chosen)} texts against {len(others)}: one of each per prompt is needed.")
    known = {run for source in sources for run in _runs(source, n)}
    counts = np.array([[_counted(text, known, n) for text in texts] for texts in (chosen, others)])
    totals = counts.sum(axis=1)
    if not counts.size or not totals[:, 1].all():
        raise DataError(f"No text has {n} words, so nothing can be called copied.")
    again = np.random.default_rng(seed).integers(len(chosen), size=(draws, len(chosen)))
    drawn = counts[:, again].sum(axis=2)  # (2, draws, 2)
    shares = drawn[..., 0] / np.maximum(drawn[..., 1], 1)
    low, high = np.quantile(shares[0] - shares[1], [0.025, 0.975])
    first, second = totals[:, 0] / totals[:, 1]
    return Interval(float(first - second), float(low), float(high))


def _counted(text: str, known: set[tuple[str, ...]], n: int) -> tuple[int, int]:
    runs = _runs(text, n)
    return sum(run in known for run in runs), len(runs)


def longest_shared(texts: Sequence[str]) -> str:
    """The longest run of words that stands in two of the texts, in small letters; the first of equals.

    Empty where no two of them share a word.
    """
    for n in range(max((len(WORD.findall(text)) for text in texts), default=0), 0, -1):
        seen: set[tuple[str, ...]] = set()
        for text in texts:
            runs = _runs(text, n)
            if shared := next((run for run in runs if run in seen), None):
                return " ".join(shared)
            seen.update(runs)
    return ""
