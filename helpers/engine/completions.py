"""`POST /completions`: checks a request as OpenAI's legacy endpoint does, asks a model, and forms the answer.

Works on plain dictionaries and any `generation.TextModel`; HTTP is `routes_text`'s business. Token ids in a
prompt are the model's own. `text_offset` counts from the beginning of the prompt, whether it is echoed or
not. A stream's pieces are single tokens; the answer is complete before the first one leaves, for the
engine's models take less than a millisecond a token.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any

from helpers.engine import choices, parameters
from helpers.engine.errors import ApiError
from helpers.engine.generation import Choice, Generation, TextModel, Token

PARAMETERS = {
    "model", "prompt", "suffix", "max_tokens", "temperature", "top_p", "n", "best_of", "stop", "seed",
    "logprobs", "echo", "presence_penalty", "frequency_penalty", "logit_bias", "stream", "stream_options",
    "user",
}  # fmt: skip
PROMPTS = 2_048
LARGEST_N = 128
LARGEST_BEST_OF = 20
LARGEST_LOGPROBS = 5


@dataclasses.dataclass(frozen=True)
class Completions:
    """The answers to one request, ready to be sent whole or in pieces."""

    head: dict[str, Any]
    answers: tuple["Answer", ...]
    usage: dict[str, int]

    def whole(self) -> dict[str, Any]:
        """The answer in one body."""
        return self.head | {"choices": [answer.choice() for answer in self.answers], "usage": self.usage}

    def chunks(self, include_usage: bool) -> Iterator[dict[str, Any]]:
        """The answer as a stream: a piece for each token, the last of a choice with its finish reason."""
        no_usage = {"usage": None} if include_usage else {}
        for answer in self.answers:
            for piece in answer.pieces():
                yield self.head | {"choices": [piece]} | no_usage
        if include_usage:
            yield self.head | {"choices": [], "usage": self.usage}


@dataclasses.dataclass(frozen=True)
class Answer:
    """One choice, and what the request wants to see of it."""

    index: int
    prompt: str
    drawn: Choice
    echo: bool
    echoed: tuple[Token, ...]  # the prompt's tokens, where they are wanted
    logprobs: int | None

    def choice(self) -> dict[str, Any]:
        """The choice in the API's form."""
        text = (self.prompt if self.echo else "") + self.drawn.text
        offset = 0 if self.echo else len(self.prompt)
        return self._form(text, [*self.echoed, *self.drawn.tokens], offset, self.drawn.finish_reason)

    def pieces(self) -> Iterator[dict[str, Any]]:
        """The choice token by token; the last piece is empty and says why it ended."""
        if self.echo and self.prompt:
            yield self._form(self.prompt, self.echoed, 0, None)
        offset = len(self.prompt)
        for token in self.drawn.tokens:
            yield self._form(token.text, [token], offset, None)
            offset += len(token.text)
        yield self._form("", [], offset, self.drawn.finish_reason)

    def _form(self, text: str, tokens: Sequence[Token], offset: int, reason: str | None) -> dict[str, Any]:
        return {
            "index": self.index,
            "text": text,
            "logprobs": None if self.logprobs is None else logprobs_of(tokens, offset, self.logprobs),
            "finish_reason": reason,
        }


def create(body: dict[str, Any], name: str, model: TextModel) -> Completions:
    """The answers to a completion request. Raises ApiError (400) that names what is wrong."""
    parameters.refuse_unknown(body, PARAMETERS)
    prompts = _prompts(body.get("prompt"), model)
    count = parameters.whole(body, "n", 1, 1, LARGEST_N)
    request = _request(body, count)
    logprobs = parameters.whole(body, "logprobs", 0, 0, LARGEST_LOGPROBS)
    logprobs = None if body.get("logprobs") is None else logprobs
    echo = parameters.flag(body, "echo")
    if echo and request.suffix:
        raise ApiError("'echo' and 'suffix' exclude each other.", param="echo")
    choices.check_controls(model, request)
    asked = _check_size(prompts, request, model)
    answers, drawn = [], 0
    for prompt in prompts:
        found = choices.draw(model, dataclasses.replace(request, prompt=prompt))
        drawn += sum(len(choice.tokens) for choice in found)
        echoed = tuple(model.score(prompt, logprobs or 0)) if echo and logprobs is not None else ()
        for choice in choices.likeliest(found, count) if count < len(found) else found:
            answers.append(Answer(len(answers), prompt, choice, echo, echoed, logprobs))
    head = choices.head("cmpl", "text_completion", name, model)
    return Completions(head, tuple(answers), choices.usage(asked, drawn))


def logprobs_of(tokens: Sequence[Token], offset: int, alternatives: int) -> dict[str, Any]:
    """The legacy form: four lists side by side. `offset` is where the first token begins.

    The likeliest tokens include the one that was drawn, so there may be one more than asked for.
    """
    offsets = []
    for token in tokens:
        offsets.append(offset)
        offset += len(token.text)
    return {
        "tokens": [token.text for token in tokens],
        "token_logprobs": [_number(token.logprob) for token in tokens],
        "top_logprobs": [_top(token) for token in tokens] if alternatives else None,
        "text_offset": offsets,
    }


def _top(token: Token) -> dict[str, float] | None:
    if math.isnan(token.logprob):
        return None
    top: dict[str, float] = {}
    for text, logprob in (*token.top, (token.text, token.logprob)):
        top.setdefault(text, logprob)  # two tokens may have the same text: the likelier one is shown
    return top


def _number(logprob: float) -> float | None:
    return None if math.isnan(logprob) else logprob


def _request(body: dict[str, Any], count: int) -> Generation:
    best_of = parameters.whole(body, "best_of", count, 1, max(LARGEST_BEST_OF, count))
    if best_of < count:
        raise ApiError(f"'best_of' ({best_of}) must not be less than 'n' ({count}).", param="best_of")
    if parameters.flag(body, "stream") and best_of > count:
        raise ApiError("'best_of' greater than 'n' cannot be streamed.", param="best_of")
    return Generation(
        prompt="",
        suffix=parameters.text(body, "suffix") or None,
        max_tokens=parameters.whole(body, "max_tokens", 16, 0, parameters.CONTEXT),
        n=best_of,  # all of them: `create` chooses, and counts them all
        best_of=best_of,
        top_logprobs=body.get("logprobs") or 0,
        **parameters.sampling(body),
    )


def _prompts(value: Any, model: TextModel) -> list[str]:
    """The prompts as texts; none given is the beginning of a text."""
    if value is None:
        return [""]
    if isinstance(value, str) or _are_ids(value):
        value = [value]
    if not isinstance(value, list) or not value:
        raise _bad_prompt("must be a string, a list of strings, of token ids or of lists of token ids")
    if len(value) > PROMPTS:
        raise _bad_prompt(f"has {len(value)} entries; a request takes at most {PROMPTS}")
    return [_prompt(entry, model) for entry in value]


def _prompt(entry: Any, model: TextModel) -> str:
    if not _are_ids(entry):
        parameters.check_text(entry, "prompt")
        return entry
    decode = getattr(model, "decode", None)
    if decode is None:
        raise _bad_prompt(f"must be text for {model.name}, not token ids")
    try:
        text = decode(entry)
    except ValueError as error:
        raise _bad_prompt(f"has a wrong token id: {error}. Ids of other models mean nothing here") from None
    parameters.check_text(text, "prompt")
    return text


def _are_ids(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(entry) is int for entry in value)


def _check_size(prompts: list[str], request: Generation, model: TextModel) -> int:
    """How many tokens the prompts and suffixes have. Raises ApiError (400) when it is too much."""
    counts = [model.count(prompt) + model.count(request.suffix or "") for prompt in prompts]
    parameters.check_room(max(counts), request.max_tokens, "max_tokens")
    parameters.check_total(len(prompts) * request.n * request.max_tokens)
    return sum(counts)


def _bad_prompt(what: str) -> ApiError:
    return ApiError(f"'prompt' {what}.", param="prompt", code="invalid_prompt")
