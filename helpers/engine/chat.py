"""`POST /chat/completions`: checks a request as OpenAI does, asks a model of plain text, forms the answer.

What becomes of the messages is in `messages`. Tools, images, audio and formats other than text get a clear
400. Works on plain dictionaries; HTTP is `routes_text`'s business. A stream's pieces are single tokens of
an answer that is already complete.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from helpers.engine import choices, messages, parameters
from helpers.engine.errors import ApiError
from helpers.engine.generation import Choice, Generation, TextModel, Token

PARAMETERS = {
    "model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "n", "stop", "seed",
    "logprobs", "top_logprobs", "presence_penalty", "frequency_penalty", "logit_bias", "stream",
    "stream_options", "user",
    # these ask for nothing that would change an answer of the engine
    "metadata", "store", "safety_identifier", "prompt_cache_key", "parallel_tool_calls", "service_tier",
}  # fmt: skip
# Accepted only with a value that asks for nothing: anything else would be ignored, which nobody wants.
NOTHING: dict[str, tuple[Any, ...]] = {
    "response_format": ({"type": "text"},),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "modalities": (["text"],),
    "audio": (),
    "prediction": (),
    "reasoning_effort": (),
    "verbosity": (),
    "web_search_options": (),
    "moderation": (),
}
LARGEST_N = 128
LARGEST_LOGPROBS = 20
LONGEST_UNASKED = 1_024  # tokens, when the request names no limit


@dataclasses.dataclass(frozen=True)
class Chat:
    """The answers to one request, ready to be sent whole or in pieces."""

    head: dict[str, Any]
    answers: tuple[Choice, ...]
    logprobs: bool
    usage: dict[str, int]

    def whole(self) -> dict[str, Any]:
        """The answer in one body."""
        return self.head | {
            "object": "chat.completion",
            "choices": [
                {
                    "index": i,
                    "message": {
                        "role": "assistant", "content": answer.text, "refusal": None, "annotations": [],
                    },
                    "logprobs": self._logprobs(answer.tokens),
                    "finish_reason": answer.finish_reason,
                }
                for i, answer in enumerate(self.answers)
            ],
            "usage": self.usage,
        }  # fmt: skip

    def chunks(self, include_usage: bool) -> Iterator[dict[str, Any]]:
        """The answer as a stream: for each choice the role, its tokens one by one, and why it ended."""
        no_usage = {"usage": None} if include_usage else {}
        for i, answer in enumerate(self.answers):
            for delta, tokens, reason in self._deltas(answer):
                choice = {"index": i, "delta": delta, "logprobs": tokens, "finish_reason": reason}
                yield self.head | {"choices": [choice]} | no_usage
        if include_usage:
            yield self.head | {"choices": [], "usage": self.usage}

    def _deltas(self, answer: Choice) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None, str | None]]:
        yield {"role": "assistant", "content": "", "refusal": None}, None, None
        for token in answer.tokens:
            yield {"content": token.text}, self._logprobs([token]), None
        yield {}, None, answer.finish_reason

    def _logprobs(self, tokens: Sequence[Token]) -> dict[str, Any] | None:
        return (
            {"content": [logprob_of(token) for token in tokens], "refusal": None} if self.logprobs else None
        )


def create(body: dict[str, Any], name: str, model: TextModel) -> Chat:
    """The answers to a chat request. Raises ApiError (400) that names what is wrong."""
    parameters.refuse_unknown(body, PARAMETERS | NOTHING.keys())
    for parameter, nothing in NOTHING.items():
        parameters.refuse(body, parameter, nothing, "the engine's models write plain text and call nothing")
    prompt = messages.prompt_for(model, messages.checked(body.get("messages"), "messages"), "messages")
    logprobs = parameters.flag(body, "logprobs")
    top = parameters.whole(body, "top_logprobs", 0, 0, LARGEST_LOGPROBS)
    if top and not logprobs:
        raise ApiError("'top_logprobs' needs 'logprobs' to be true.", param="top_logprobs")
    asked = model.count(prompt)
    request = Generation(
        prompt=prompt,
        max_tokens=_max_tokens(body, asked),
        n=parameters.whole(body, "n", 1, 1, LARGEST_N),
        top_logprobs=top,
        **parameters.sampling(body),
    )
    request = dataclasses.replace(request, best_of=request.n)
    choices.check_controls(model, request)
    parameters.check_room(asked, request.max_tokens, "max_completion_tokens")
    parameters.check_total(request.n * request.max_tokens)
    answers = choices.draw(model, request)
    usage = choices.usage(asked, sum(len(answer.tokens) for answer in answers)) | {
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }
    head = choices.head("chatcmpl", "chat.completion.chunk", name, model) | {"service_tier": "default"}
    return Chat(head, tuple(answers), logprobs, usage)


def logprob_of(token: Token) -> dict[str, Any]:
    """A token as chat and responses show it: with its UTF-8 bytes and the likeliest tokens at its place."""
    return _scored(token.text, token.logprob) | {"top_logprobs": [_scored(*entry) for entry in token.top]}


def _scored(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode("utf-8"))}


def longest_unasked(prompt_tokens: int) -> int:
    """How many tokens an answer may have when the request names no limit: what the prompt leaves, at most."""
    return max(1, min(LONGEST_UNASKED, parameters.CONTEXT - prompt_tokens))


def _max_tokens(body: dict[str, Any], prompt_tokens: int) -> int:
    names = [name for name in ("max_completion_tokens", "max_tokens") if body.get(name) is not None]
    if len(names) == 2:
        raise ApiError("'max_tokens' and 'max_completion_tokens' exclude each other.", param="max_tokens")
    unasked = longest_unasked(prompt_tokens)
    return parameters.whole(body, names[0] if names else "max_tokens", unasked, 1, parameters.CONTEXT)
