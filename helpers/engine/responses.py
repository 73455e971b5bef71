"""`POST /responses`: text in, text out, whole or as the Responses API's own kind of stream.

The engine keeps no responses: they cannot be retrieved, continued (`previous_response_id`) or run in the
background. What becomes of the input is in `messages`. Works on plain dictionaries; HTTP is `routes_text`'s
business.
"""

import dataclasses
import time
import uuid
from collections.abc import Iterator
from typing import Any

from helpers.engine import chat, choices, messages, parameters
from helpers.engine.errors import ApiError
from helpers.engine.generation import Choice, Generation, TextModel

PARAMETERS = {
    "model", "input", "instructions", "max_output_tokens", "temperature", "top_p", "top_logprobs", "include",
    "stream", "stream_options", "metadata",
    # these ask for nothing that would change an answer of the engine
    "store", "user", "safety_identifier", "prompt_cache_key", "parallel_tool_calls", "truncation",
    "service_tier",
}  # fmt: skip
NOTHING: dict[str, tuple[Any, ...]] = {
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "text": ({}, {"format": {"type": "text"}}),
    "reasoning": (),
    "background": (False,),
    "conversation": (),
    "previous_response_id": (),
    "prompt": (),
    "max_tool_calls": (),
    "context_management": ([],),
    "moderation": (),
}
LOGPROBS = "message.output_text.logprobs"  # the one thing that `include` may ask for


@dataclasses.dataclass(frozen=True)
class Answered:
    """The answer to one request, ready to be sent whole or as events."""

    base: dict[str, Any]  # all of the response object that does not depend on the answer
    answer: Choice
    logprobs: bool
    usage: dict[str, Any]
    item: str  # the id of the one output message

    def whole(self) -> dict[str, Any]:
        """The response object."""
        cut_off = self.answer.finish_reason == "length"
        return self.base | {
            "status": "incomplete" if cut_off else "completed",
            "completed_at": None if cut_off else int(time.time()),
            "incomplete_details": {"reason": "max_output_tokens"} if cut_off else None,
            "output": [self._message(self.answer.text, "incomplete" if cut_off else "completed")],
            "usage": self.usage,
        }

    def events(self) -> Iterator[dict[str, Any]]:
        """The stream: created, in progress, the message, its text token by token, and all closed again."""
        for number, event in enumerate(self._events()):
            yield {"type": event.pop("type"), "sequence_number": number} | event

    def _events(self) -> Iterator[dict[str, Any]]:
        begun = self.base | {"status": "in_progress", "incomplete_details": None, "output": [], "usage": None}
        yield {"type": "response.created", "response": begun}
        yield {"type": "response.in_progress", "response": begun}
        empty = self._message("", "in_progress") | {"content": []}
        yield {"type": "response.output_item.added", "output_index": 0, "item": empty}
        at = {"item_id": self.item, "output_index": 0, "content_index": 0}
        yield {"type": "response.content_part.added"} | at | {"part": self._part("")}
        for token in self.answer.tokens:
            scored = [chat.logprob_of(token)] if self.logprobs else []
            yield {"type": "response.output_text.delta"} | at | {"delta": token.text, "logprobs": scored}
        part = self._part(self.answer.text)
        yield (
            {"type": "response.output_text.done"}
            | at
            | {"text": self.answer.text, "logprobs": part["logprobs"]}
        )
        yield {"type": "response.content_part.done"} | at | {"part": part}
        whole = self.whole()
        yield {"type": "response.output_item.done", "output_index": 0, "item": whole["output"][0]}
        yield {"type": f"response.{whole['status']}", "response": whole}

    def _message(self, text: str, status: str) -> dict[str, Any]:
        return {
            "id": self.item,
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": [self._part(text)],
        }

    def _part(self, text: str) -> dict[str, Any]:
        tokens = self.answer.tokens if self.logprobs and text else ()
        return {
            "type": "output_text",
            "text": text,
            "annotations": [],
            "logprobs": [chat.logprob_of(token) for token in tokens],
        }


def create(body: dict[str, Any], name: str, model: TextModel) -> Answered:
    """The answer to a request. Raises ApiError (400) that names what is wrong."""
    parameters.refuse_unknown(body, PARAMETERS | NOTHING.keys())
    for parameter, nothing in NOTHING.items():
        parameters.refuse(body, parameter, nothing, "the engine's models write plain text and keep nothing")
    logprobs = _wants_logprobs(body)
    instructions = parameters.text(body, "instructions")
    prompt = messages.prompt_for(model, _messages(body.get("input"), instructions), "input")
    sampling = parameters.sampling({name: body.get(name) for name in ("temperature", "top_p")})
    asked = model.count(prompt)
    unasked = chat.longest_unasked(asked)
    request = Generation(
        prompt=prompt,
        max_tokens=parameters.whole(body, "max_output_tokens", unasked, 1, parameters.CONTEXT),
        top_logprobs=parameters.whole(body, "top_logprobs", 0, 0, chat.LARGEST_LOGPROBS),
        **sampling,
    )
    parameters.check_room(asked, request.max_tokens, "max_output_tokens")
    answer = choices.draw(model, request)[0]
    base = {
        "id": f"resp_{uuid.uuid4().hex}",
        "object": "response",
        "created_at": int(time.time()),
        "error": None,
        "instructions": instructions,
        "max_output_tokens": body.get("max_output_tokens"),
        "metadata": parameters.metadata(body.get("metadata")) or {},
        "model": name,
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "previous_response_id": None,
        "store": False,
        "temperature": request.temperature,
        "text": {"format": {"type": "text"}},
        "tool_choice": "none",
        "tools": [],
        "top_logprobs": request.top_logprobs,
        "top_p": request.top_p,
        "truncation": "disabled",
    }
    return Answered(base, answer, logprobs, _usage(asked, len(answer.tokens)), f"msg_{uuid.uuid4().hex}")


def _wants_logprobs(body: dict[str, Any]) -> bool:
    include = body.get("include") or []
    if not isinstance(include, list) or any(entry != LOGPROBS for entry in include):
        raise ApiError(f"'include' may hold {LOGPROBS!r} here and nothing else.", param="include")
    if body.get("top_logprobs") and not include:
        raise ApiError(f"'top_logprobs' needs {LOGPROBS!r} in 'include'.", param="top_logprobs")
    return bool(include)


def _messages(value: Any, instructions: str | None) -> list[dict[str, str]]:
    asked = [{"role": "user", "content": value}] if isinstance(value, str) else value
    first = [{"role": "system", "content": instructions}] if instructions else []
    return first + messages.checked(asked, "input")


def _usage(asked: int, drawn: int) -> dict[str, Any]:
    return {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": drawn,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": asked + drawn,
    }
