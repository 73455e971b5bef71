"""Completions: draw several samples, prefer those that stopped of themselves, take the best, say why.

    best = sampling.best_completion(client, model, "My dog", suffix=" and I recommend it.")
    best.text, best.reason, best.samples, best.usage

Works with any host that has `POST /completions`; with `suffix` (insertion) only where the model takes one.
What a drawn text is worth is measured in `sampling_trials`. Left out: chat, streaming, and trying again:
a request that is refused is reported, and what the client itself retries is its own setting `max_retries`.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from helpers.errors import HostError

if TYPE_CHECKING:
    import openai
    from openai.types import Completion, CompletionChoice

INSERTION = (
    " Does this model take a suffix? Few do: of OpenAI's own none that is known; the embedded engine's does."
)


@dataclasses.dataclass(frozen=True)
class Sample:
    """One text that was drawn."""

    text: str
    finish_reason: str | None  # "stop", "length", or a word of the host's
    logprobs: tuple[float, ...] = ()  # of its tokens; empty where the host tells none

    @property
    def stopped(self) -> bool:
        """It ended of itself (with a suffix: joined it), and there is something in it."""
        return self.finish_reason == "stop" and bool(self.text.strip())


@dataclasses.dataclass(frozen=True)
class Usage:
    """Tokens that a host counted: None where it counted none."""

    prompt_tokens: int | None
    completion_tokens: int | None


@dataclasses.dataclass(frozen=True)
class Best:
    """The sample that was chosen, all that were drawn, and what they cost."""

    chosen: Sample
    reason: str  # a sentence: why this one, or that none is good
    samples: tuple[Sample, ...]  # in the order in which they were drawn
    requests: int
    usage: Usage

    @property
    def text(self) -> str:
        """What to put behind the prompt (and before the suffix)."""
        return self.chosen.text

    @property
    def stopped(self) -> bool:
        """Whether the chosen sample ended of itself. If not, look at `reason` before using it."""
        return self.chosen.stopped


Score = Callable[[Sample], float | None]
"""How good a sample is, higher for better; None where that cannot be said."""


def mean_logprob(sample: Sample) -> float | None:
    """The mean log-probability per token: what OpenAI's `best_of` chooses by. Prefers the expected."""
    return math.fsum(sample.logprobs) / len(sample.logprobs) if sample.logprobs else None


def total_logprob(sample: Sample) -> float | None:
    """The log-probability of the whole sample: each further token lowers it, so it prefers short ones."""
    return math.fsum(sample.logprobs) if sample.logprobs else None


def draw_order(sample: Sample) -> float | None:
    """No preference: the first that stopped is taken."""
    return None


def best_completion(
    client: "openai.OpenAI",
    model: str,
    prompt: str,
    *,
    suffix: str | None = None,
    samples: int = 5,
    max_tokens: int = 256,
    temperature: float = 1.0,
    stop: str | Sequence[str] | None = None,
    seed: int | None = None,
    score: Score = mean_logprob,
    early_exit: bool = False,
    **options: Any,
) -> Best:
    """Draw up to `samples` texts; choose among those that stopped, or say that none did.

    A sample that stopped comes before one that was cut off; of equals the one with the higher `score`, then
    the earlier. All are drawn in one request; with `early_exit` one at a time (seeds `seed`, `seed + 1`, ...)
    until one stopped, and that one is taken. `options` go to `completions.create` (say `top_p`).

    With both `suffix` and `stop`, a text that met a stop sequence counts as stopped, too: the API does not
    tell the two apart. A suffix of white space alone counts as none. Samples at temperature 0 are all the
    same, so that draws only one.

    Raises ValueError when `samples` or `max_tokens` is below 1 or `n` is among the options, and HostError
    when the host refuses a request: nothing is tried again.
    """
    if "n" in options:
        raise ValueError("best_completion draws several itself: say samples=..., not n=...")
    if samples < 1 or max_tokens < 1:
        raise ValueError("samples and max_tokens must be 1 or more")
    suffix = suffix if suffix and suffix.strip() else None
    asked = 1 if temperature == 0 else samples
    request = {"max_tokens": max_tokens, "temperature": temperature, "suffix": suffix, "stop": stop} | options
    drawn: list[Sample] = []
    used: list[Usage] = []
    for i in range(asked if early_exit else 1):
        own_seed = None if seed is None else seed + i
        found, usage = draw(client, model, prompt, n=1 if early_exit else asked, seed=own_seed, **request)
        drawn += found
        used.append(usage)
        if early_exit and found[0].stopped:
            break
    chosen = max(range(len(drawn)), key=lambda i: (*rank(drawn[i], score), -i))
    reason = _reason(drawn, chosen, asked, max_tokens, bool(suffix and not stop), early_exit, score)
    return Best(drawn[chosen], reason, tuple(drawn), len(used), total(used))


def rank(sample: Sample, score: Score = mean_logprob) -> tuple[bool, float]:
    """The key to sort by, higher for better: stopped before cut off, then the score; unknown scores last."""
    value = score(sample)
    return sample.stopped, -math.inf if value is None or math.isnan(value) else value


def draw(
    client: "openai.OpenAI", model: str, prompt: str, *, n: int, **request: Any
) -> tuple[list[Sample], Usage]:
    """One request for `n` samples with their log-probabilities. What is None in `request` is not sent.

    A host may give fewer than `n`. Raises HostError when it refuses, or gives none.
    """
    answer = ask(client, model=model, prompt=prompt, n=n, **({"logprobs": 1} | request))
    if not answer.choices:
        raise HostError("The host answered without a single sample.")
    choices = sorted(answer.choices, key=lambda choice: choice.index or 0)
    usage = answer.usage
    counted = (usage.prompt_tokens, usage.completion_tokens) if usage else (None, None)
    return [Sample(choice.text or "", choice.finish_reason, _logprobs(choice)) for choice in choices], Usage(
        *counted
    )


def total(usages: Iterable[Usage]) -> Usage:
    """The sum; None where one of them is None."""
    prompts, completions = zip(*((usage.prompt_tokens, usage.completion_tokens) for usage in usages))
    return Usage(*(None if None in counts else sum(counts) for counts in (prompts, completions)))


def ask(client: "openai.OpenAI", **request: Any) -> "Completion":
    """`completions.create` without what is None; a refusal becomes a HostError of one or two sentences."""
    import openai

    from helpers.connect import explain

    request = {name: value for name, value in request.items() if value is not None}
    try:
        return client.completions.create(**request)
    except openai.OpenAIError as error:
        refused = isinstance(error, openai.BadRequestError | openai.UnprocessableEntityError)
        hint = INSERTION if refused and "suffix" in request else ""
        raise HostError(explain(error) + hint) from error


def _logprobs(choice: "CompletionChoice") -> tuple[float, ...]:
    listed = getattr(choice.logprobs, "token_logprobs", None) or ()
    return tuple(float(value) for value in listed if value is not None)


def _reason(
    drawn: Sequence[Sample],
    chosen: int,
    asked: int,
    max_tokens: int,
    insertion: bool,
    early_exit: bool,
    score: Score,
) -> str:
    stopped = sum(sample.stopped for sample in drawn)
    did = "joined the suffix" if insertion else "stopped"
    if not stopped:
        return _none_good(drawn, did, max_tokens, insertion)
    fewer = f" The host gave {len(drawn)} of {asked}." if not early_exit and len(drawn) < asked else ""
    if early_exit:
        left = asked - chosen - 1
        spared = f"; {left} more {'was' if left == 1 else 'were'} not needed" if left else ""
        return f"Sample {chosen + 1} {did}{spared}."
    if len(drawn) == 1:
        return f"The only sample {did}.{fewer}"
    if stopped == 1:
        return f"1 of {len(drawn)} samples {did}: sample {chosen + 1}.{fewer}"
    counted = f"{stopped} of {len(drawn)} samples {did}"
    if score is draw_order:
        return f"{counted}; the first of them is taken.{fewer}"
    if rank(drawn[chosen], score)[1] == -math.inf:
        return f"{counted}; the first is taken, for none has a score.{fewer}"
    name = getattr(score, "__name__", "score").replace("_", " ")
    name = "score" if name == "<lambda>" else name
    return f"{counted}; sample {chosen + 1} has the highest {name} of them.{fewer}"


def _none_good(drawn: Sequence[Sample], did: str, max_tokens: int, insertion: bool) -> str:
    who = f"None of {len(drawn)} samples" if len(drawn) > 1 else "The only sample has not"
    if all(sample.finish_reason == "stop" for sample in drawn):  # at once: else it would have stopped
        wrote = "has written anything" if len(drawn) > 1 else "written anything"
        return f"{who} {wrote}: the model ended at once. Draw more, or change the prompt."
    what = "it does not reach the suffix" if insertion else "it breaks off"
    return (
        f"{who} {did} within {max_tokens} tokens. Do not use the text as it is: "
        f"{what}. Raise max_tokens first; then draw more, or write a prompt that is nearer to the end."
    )
