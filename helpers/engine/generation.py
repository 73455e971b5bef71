"""What every model of the engine that writes text has in common: the request, the token, the choice.

`language` (the n-gram model) and `classifier` (what fine-tuning trains) each have a class that fulfils
`TextModel`; the routes turn its choices into completions, chat messages, responses or streams of them.
"""

import dataclasses
from typing import Literal, Protocol

FinishReason = Literal["stop", "length"]


@dataclasses.dataclass(frozen=True)
class Generation:
    """What is asked of a model, checked and with every default filled in."""

    prompt: str
    suffix: str | None = None  # the text that must follow: insertion
    max_tokens: int = 16
    temperature: float = 1.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    n: int = 1
    best_of: int = 1  # at least n: this many are drawn, the n likeliest a token are returned
    seed: int | None = None  # None: another result each time
    top_logprobs: int = 0  # how many alternatives to report a token
    presence_penalty: float = 0.0  # taken off the logit of every token that has been drawn
    frequency_penalty: float = 0.0  # the same, once for each time it has been drawn
    logit_bias: tuple[tuple[int, float], ...] = ()  # (token id, what is added to its logit)


@dataclasses.dataclass(frozen=True)
class Token:
    """One token of an answer: its text, its log-probability, and the likeliest tokens at its place."""

    text: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()  # (text, logprob), likeliest first


@dataclasses.dataclass(frozen=True)
class Choice:
    """One answer. `text` is the tokens' texts joined, cut before a stop sequence."""

    text: str
    tokens: tuple[Token, ...]
    finish_reason: FinishReason  # "stop": a stop sequence, the end, or the suffix joined; "length": cut off


class TextModel(Protocol):
    """A model that writes text."""

    name: str

    def count(self, text: str) -> int:
        """How many of the model's tokens a text has."""

    def generate(self, request: Generation) -> list[Choice]:
        """`request.n` answers. Raises ApiError (400) for what this model cannot do."""

    def score(self, text: str, top_logprobs: int) -> list[Token]:
        """The tokens of a text itself, for `echo`; a first one's logprob may be nan: nothing precedes it."""
