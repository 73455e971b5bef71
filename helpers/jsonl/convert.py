"""From one form of row to another, where it is possible; where it is not, why.

Every form is taken apart into the messages before the answer, the answer, and the worse answer if
there is one, and put together again. Left out: inventing what is not there (a worse answer, a question).
"""

from typing import Any, NamedTuple

from helpers.errors import DataError
from helpers.jsonl.forms import FORMS, form_of, problems


class _Parts(NamedTuple):
    before: list[dict]
    answer: list[dict]
    worse: list[dict] | None = None
    tools: dict = {}  # noqa: RUF012 (never changed)


def convert(row: dict, to: str, *, separator: str = "", stop: str = "") -> dict:
    """A row in another form; the row itself if it has that form already.

    `separator` and `stop` end the prompt and the completion of `pairs`: they are put there, or taken away.
    A preference becomes an example with its better answer. Raises DataError where it is not possible, saying
    why; ValueError for an unknown form.

    >>> convert({"prompt": "Good ->", "completion": " yes"}, "chat", separator=" ->")["messages"][0]
    {'role': 'user', 'content': 'Good'}
    """
    if to not in FORMS:
        raise ValueError(f"to must be one of {', '.join(FORMS)}, not {to!r}")
    if wrong := problems(row):
        raise DataError(f"The row cannot be converted: {'; '.join(wrong[:3])}.")
    form = form_of(row)
    if form == to:
        return row
    parts = _APART[form](row, separator, stop)
    converted = _TOGETHER[to](parts, separator, stop) | (parts.tools if to != "openai-preference" else {})
    if wrong := problems(converted, to):
        raise DataError(f"A row of the form {form} cannot become {to}: {wrong[0]}.")
    return converted


# ----------------------------------------------------------------------------- apart


def _said(role: str, content: str) -> list[dict]:
    return [{"role": role, "content": content}]


def _from_pairs(row: dict, separator: str, stop: str) -> _Parts:
    prompt = row["prompt"].removesuffix(separator)
    answer = row["completion"].removesuffix(stop).removeprefix(" ")
    return _Parts(_said("user", prompt) if prompt else [], _said("assistant", answer))


def _from_chat(row: dict, separator: str, stop: str) -> _Parts:
    *before, last = row["messages"]
    if last.get("role") != "assistant":
        raise DataError(
            "The conversation does not end with the assistant's message, so there is no answer to take."
        )
    tools = {key: row[key] for key in ("tools",) if key in row}
    return _Parts(before, [last], None, tools)


def _from_dialogue(row: dict, separator: str, stop: str) -> _Parts:
    return _Parts(row["prompt"], row["completion"], None, {k: row[k] for k in ("tools",) if k in row})


def _from_preference(row: dict, separator: str, stop: str) -> _Parts:
    if isinstance(row["prompt"], str):
        answers = (_said("assistant", row[key].removesuffix(stop)) for key in ("chosen", "rejected"))
        return _Parts(_said("user", row["prompt"].removesuffix(separator)), *answers)
    return _Parts(row["prompt"], row["chosen"], row["rejected"], {k: row[k] for k in ("tools",) if k in row})


def _from_openai_preference(row: dict, separator: str, stop: str) -> _Parts:
    return _Parts(row["input"]["messages"], row["preferred_output"], row["non_preferred_output"])


_APART: dict[Any, Any] = {
    "pairs": _from_pairs,
    "chat": _from_chat,
    "dialogue": _from_dialogue,
    "preference": _from_preference,
    "openai-preference": _from_openai_preference,
}


# ----------------------------------------------------------------------------- together


def _plain(messages: list[dict], role: str, what: str) -> str:
    """The one plain text among messages. Raises DataError when there is more than that."""
    if len(messages) > 1:
        raise DataError(
            f"The {what} has {len(messages)} messages, and "
            "prompt and completion are one text each. Join them into one text first, or use a chat form."
        )
    message = messages[0] if messages else {"role": role, "content": ""}
    if message.get("tool_calls") or message.get("function_call"):
        raise DataError("The answer calls a tool, and a plain completion cannot. Use a chat form.")
    if message.get("role") != role:
        raise DataError(f"The {what} is by the {message.get('role')}, where one by the {role} is needed.")
    if not isinstance(message.get("content"), str):
        raise DataError(f"The {what} is not plain text: it has parts such as pictures. Use a chat form.")
    return message["content"]


def _to_pairs(parts: _Parts, separator: str, stop: str) -> dict:
    if parts.answer[-1].get("weight") == 0:
        raise DataError("The answer has weight 0, so it is not to be learned, and pairs cannot say so.")
    if parts.tools:
        raise DataError("The row offers tools, which pairs cannot. Use a chat form.")
    answer = _plain(parts.answer, "assistant", "answer")
    spaced = answer if answer.startswith(" ") else f" {answer}"
    return {"prompt": _plain(parts.before, "user", "prompt") + separator, "completion": spaced + stop}


def _to_chat(parts: _Parts, separator: str, stop: str) -> dict:
    return {"messages": [*parts.before, *parts.answer]}


def _to_dialogue(parts: _Parts, separator: str, stop: str) -> dict:
    if not parts.before:
        raise DataError("There is nothing before the answer, and a dialogue needs a prompt.")
    return {"prompt": parts.before, "completion": parts.answer}


def _worse(parts: _Parts) -> list[dict]:
    if parts.worse is None:
        raise DataError("A preference needs a second, worse answer to each prompt, and the row has only one.")
    return parts.worse


def _to_preference(parts: _Parts, separator: str, stop: str) -> dict:
    return {"prompt": parts.before, "chosen": parts.answer, "rejected": _worse(parts)}


def _to_openai_preference(parts: _Parts, separator: str, stop: str) -> dict:
    worse = _worse(parts)
    if parts.tools:
        return {"input": {"messages": parts.before} | parts.tools, "preferred_output": parts.answer} | {
            "non_preferred_output": worse
        }
    return {
        "input": {"messages": parts.before},
        "preferred_output": parts.answer,
        "non_preferred_output": worse,
    }


_TOGETHER: dict[str, Any] = {
    "pairs": _to_pairs,
    "chat": _to_chat,
    "dialogue": _to_dialogue,
    "preference": _to_preference,
    "openai-preference": _to_openai_preference,
}
