"""The forms of a training row, and what is wrong with one.

A problem is a sentence that names the field: `messages[2] has no role`. Left out: what only the whole file
shows (duplicates, separators, classes), which is `helpers.prepare`'s.

Where the rules come from: OpenAI's API for chat messages (`openai.types.chat`, SDK 3.54.0) and the checks of
its cookbook, with two corrections: `tool_calls` is a known key, and content may be null beside one.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

FORMS = {
    "pairs": ("prompt", "completion"),
    "chat": ("messages",),
    "dialogue": ("prompt", "completion"),
    "preference": ("prompt", "chosen", "rejected"),
    "openai-preference": ("input", "preferred_output", "non_preferred_output"),
}
"""Each form and the keys that a row of it must have."""

ALSO = {
    "pairs": (),
    "chat": ("tools", "functions", "parallel_tool_calls"),
    "dialogue": ("tools",),
    "preference": ("tools",),
    "openai-preference": (),
}
"""The keys that a row may have besides."""

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
DEEPEST = 50  # objects and lists in each other: far more than any training row has
MESSAGE_KEYS = {"role", "content", "name", "weight", "tool_calls", "tool_call_id", "function_call", "refusal"}


def form_of(row: Any) -> str | None:
    """The form whose keys a row has; None for none of them.

    >>> form_of({"prompt": "Good coffee ->", "completion": " positive"})
    'pairs'
    """
    if not isinstance(row, dict):
        return None
    if "messages" in row:
        return "chat"
    if "preferred_output" in row or "non_preferred_output" in row:
        return "openai-preference"
    if "chosen" in row or "rejected" in row:
        return "preference"
    if "prompt" in row or "completion" in row:
        parts = (row.get("prompt"), row.get("completion"))
        return "dialogue" if any(map(_may_be_messages, parts)) else "pairs"
    return None


def _may_be_messages(part: Any) -> bool:
    """A list, but not one of texts: that is a pair whose text was put in brackets or cut up."""
    return isinstance(part, list) and not (part and all(isinstance(each, str) for each in part))


def problems(row: Any, form: str | None = None) -> list[str]:
    """What is wrong with a row, a sentence each; empty if nothing is.

    `form`: the one that it should have; else the one that its keys show. Raises ValueError for an unknown
    one.
    """
    if form is not None and form not in FORMS:
        raise ValueError(f"form must be one of {', '.join(FORMS)}, not {form!r}")
    if not isinstance(row, dict):
        return [f"the line is {_kind(row)}, not an object: write it as {{...}}"]
    if _deep(row):
        return [f"it is nested more than {DEEPEST} deep"]
    found = form_of(row)
    if found is None:
        keys = ", ".join(map(repr, list(row)[:6])) or "none"
        return [f"its keys ({keys}) are those of no known form, such as prompt and completion, or messages"]
    if form is not None and found != form:
        return [f"it is a row of the form {found}, and the file has the form {form}"]
    missing = [key for key in FORMS[found] if row.get(key) is None]
    if missing:
        return [f"{key} is missing" for key in missing]
    return list(_CHECKS[found](row))


def text_of(messages: Any) -> str:
    """The words of messages (or of a plain text), one message after another; calls of tools as JSON."""
    if isinstance(messages, str):
        return messages
    return "\n".join(_words(message) for message in messages)


def _words(message: dict) -> str:
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(part["text"] for part in content if isinstance(part.get("text"), str))
    calls = message.get("tool_calls") or message.get("function_call")
    content = content or message.get("refusal") or ""
    return content + (json.dumps(calls, ensure_ascii=False, sort_keys=True) if calls else "")


# ----------------------------------------------------------------------------- form by form


def _pair(row: dict) -> Iterator[str]:
    for key in ("prompt", "completion"):
        if not isinstance(row[key], str):
            yield f"{key} is {_kind(row[key])}, not a text"


def _chat(row: dict) -> Iterator[str]:
    yield from _messages(row["messages"], "messages")
    if _is_list_of_objects(row["messages"]):
        answers = [message for message in row["messages"] if message.get("role") == "assistant"]
        if not answers:
            yield "messages has none by the assistant: there is nothing to learn"
        elif all(message.get("weight") == 0 and message.get("weight") is not False for message in answers):
            yield "every message by the assistant has weight 0: there is nothing to learn"


def _dialogue(row: dict) -> Iterator[str]:
    for key in ("prompt", "completion"):
        yield from _messages(row[key], key)


def _preference(row: dict) -> Iterator[str]:
    kinds = {type(row[key]) for key in FORMS["preference"]}
    if kinds not in ({str}, {list}):
        yield "prompt, chosen and rejected must be three texts or three lists of messages"
        return
    if kinds == {list}:
        for key in FORMS["preference"]:
            yield from _messages(row[key], key)
    if row["chosen"] == row["rejected"]:
        yield "chosen and rejected are the same: there is no preference"


def _openai_preference(row: dict) -> Iterator[str]:
    if not isinstance(row["input"], dict) or "messages" not in row["input"]:
        yield 'input must be an object with messages: {"messages": [...]}'
    else:
        yield from _messages(row["input"]["messages"], "input.messages")
    for key in ("preferred_output", "non_preferred_output"):
        yield from _messages(row[key], key)
    if row["preferred_output"] == row["non_preferred_output"]:
        yield "preferred_output and non_preferred_output are the same: there is no preference"


_CHECKS = {
    "pairs": _pair,
    "chat": _chat,
    "dialogue": _dialogue,
    "preference": _preference,
    "openai-preference": _openai_preference,
}


# ----------------------------------------------------------------------------- messages


def _messages(messages: Any, where: str) -> Iterator[str]:
    if not isinstance(messages, list):
        yield f"{where} is {_kind(messages)}, not a list of messages"
    elif not messages:
        yield f"{where} is empty"
    else:
        for i, message in enumerate(messages):
            if isinstance(message, dict):
                yield from _message(message, f"{where}[{i}]")
            else:
                yield f"{where}[{i}] is {_kind(message)}, not an object"
        if _is_list_of_objects(messages):
            yield from _unasked(messages, where)


def _message(message: dict, where: str) -> Iterator[str]:
    role = message.get("role")
    if role is None:
        yield f"{where} has no role"
    elif role not in ROLES:
        yield f"{where} has the unknown role {role!r:.40}; known are {', '.join(ROLES)}"
    for key in message:
        if key not in MESSAGE_KEYS:
            yield f"{where} has the unknown key {key!r:.40}"
    if message.get("weight") is not None and (
        role != "assistant" or isinstance(message["weight"], bool) or message["weight"] not in (0, 1)
    ):
        yield f"{where}.weight must be 0 or 1, and stand in a message by the assistant"
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        yield f"{where} is by a tool and has no tool_call_id"
    yield from _content(message, role, where)
    yield from _calls(message, role, where)


def _content(message: dict, role: Any, where: str) -> Iterator[str]:
    content = message.get("content")
    if not isinstance(message.get("refusal"), str | None):
        yield f"{where}.refusal is {_kind(message['refusal'])}, not a text"
    if isinstance(content, str):
        return
    if content is None:
        if role != "assistant" or not (
            message.get("tool_calls") or message.get("function_call") or message.get("refusal")
        ):
            yield f"{where} has no content; only the assistant may leave it out, beside tool_calls"
    elif not isinstance(content, list):
        yield f"{where}.content is {_kind(content)}, not a text"
    elif not content or not all(
        isinstance(part, dict) and isinstance(part.get("type"), str) for part in content
    ):
        yield f"{where}.content must be a text or a list of parts that each have a type"
    elif any(part["type"] == "text" and not isinstance(part.get("text"), str) for part in content):
        yield f"{where}.content has a part of type text without a text"


def _calls(message: dict, role: Any, where: str) -> Iterator[str]:
    calls = message.get("tool_calls")
    if calls is None:
        return
    if role != "assistant":
        yield f"{where} has tool_calls, which only the assistant makes"
    if not isinstance(calls, list) or not calls:
        yield f"{where}.tool_calls must be a list with at least one call"
        return
    for i, call in enumerate(calls):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(call.get("id"), str):
            yield f"{where}.tool_calls[{i}] must have an id and a function"
        elif not isinstance(function.get("name"), str) or not _is_json_object(function.get("arguments")):
            yield f"{where}.tool_calls[{i}].function must have a name, and arguments that are JSON in a text"


def _unasked(messages: Sequence[dict], where: str) -> Iterator[str]:
    """Answers of tools that nobody has called."""
    called: set[str] = set()
    for i, message in enumerate(messages):
        calls = message.get("tool_calls")
        if isinstance(calls, list):
            called.update(c["id"] for c in calls if isinstance(c, dict) and isinstance(c.get("id"), str))
        answered = message.get("tool_call_id")
        if message.get("role") == "tool" and isinstance(answered, str) and answered not in called:
            yield f"{where}[{i}] answers the call {answered!r:.40}, which no message before it makes"


def _deep(value: Any, levels: int = DEEPEST) -> bool:
    if not isinstance(value, dict | list):
        return False
    return levels == 0 or any(
        _deep(each, levels - 1) for each in (value.values() if isinstance(value, dict) else value)
    )


def _is_json_object(text: Any) -> bool:
    if not isinstance(text, str):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else type(value).__name__)
