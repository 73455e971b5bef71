"""What is done with answers whoever wrote them: cut before a stop sequence, ranked, counted, stamped."""

import dataclasses
import math
import time
import uuid
import zlib
from collections.abc import Sequence
from typing import Any

from helpers.engine.errors import ApiError
from helpers.engine.generation import Choice, Generation, TextModel, Token

END_SHOWN = "<|endoftext|>"  # the end of a text, where it is among the likeliest tokens


def draw(model: TextModel, request: Generation) -> list[Choice]:
    """A model's answers, none of their tokens beyond the text. For `max_tokens` 0 empty ones, cut off."""
    if request.max_tokens == 0:
        return [Choice("", (), "length")] * request.n
    answers = model.generate(request)
    return [dataclasses.replace(a, tokens=cut(a.tokens, len(a.text))) for a in answers]


def check_controls(model: TextModel, request: Generation) -> None:
    """Raises ApiError (400) for penalties and biases that a model cannot honour."""
    size = getattr(model, "size", None)  # only the n-gram model says how many tokens may be drawn
    for name in ("presence_penalty", "frequency_penalty", "logit_bias"):
        asked = getattr(request, name)
        if asked and size is None:
            raise ApiError(
                f"{model.name} chooses among its classes: {name!r} has no meaning for it.",
                param=name,
                code="unsupported_parameter",
            )
    for token, _ in request.logit_bias:
        if token >= size:
            raise ApiError(
                f"'logit_bias' has the token id {token}; {model.name} draws 0 to {size - 1}.",
                param="logit_bias",
            )


def first_stop(text: str, stops: Sequence[str]) -> int | None:
    """Where the first stop sequence in a text begins, or None."""
    found = [place for place in (text.find(stop) for stop in stops) if place >= 0]
    return min(found, default=None)


def cut(tokens: Sequence[Token], length: int) -> tuple[Token, ...]:
    """The tokens of a text's first `length` characters; the last one may lose some."""
    kept = []
    for token in tokens:
        if length <= 0:
            break
        kept.append(
            token if len(token.text) <= length else dataclasses.replace(token, text=token.text[:length])
        )
        length -= len(token.text)
    return tuple(kept)


def likeliest(answers: Sequence[Choice], count: int) -> list[Choice]:
    """The `count` answers with the highest mean log-probability a token, likeliest first, equals in order."""
    return sorted(answers, key=mean_logprob, reverse=True)[:count]


def mean_logprob(answer: Choice) -> float:
    """The mean log-probability of an answer's tokens; minus infinity if it has none."""
    if not answer.tokens:
        return -math.inf
    return math.fsum(token.logprob for token in answer.tokens) / len(answer.tokens)


def head(prefix: str, kind: str, name: str, model: TextModel) -> dict[str, Any]:
    """What every answer and every piece of a stream begins with. Ids are random, as OpenAI's are."""
    fingerprint = getattr(model, "fingerprint", None) or f"{zlib.crc32(name.encode()):08x}"
    return {
        "id": f"{prefix}-{uuid.uuid4().hex[:24]}",
        "object": kind,
        "created": int(time.time()),
        "model": name,
        "system_fingerprint": f"fp_{fingerprint}",
    }


def usage(asked: int, drawn: int) -> dict[str, Any]:
    """The tokens of the prompts and of everything that was drawn for them."""
    return {"prompt_tokens": asked, "completion_tokens": drawn, "total_tokens": asked + drawn}
