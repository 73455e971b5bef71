"""Messages to a prompt: what chat and responses do before a model of plain text can answer.

A fine-tuned classifier gets the whole conversation in the form in which it was trained
(`classifier_layout.prompt_of_messages`). The n-gram model knows no conversations: it continues the last
message of the user, and that is all its chat is.
"""

from typing import Any

from helpers.engine import parameters
from helpers.engine.errors import ApiError
from helpers.engine.generation import TextModel

ROLES = ("developer", "system", "user", "assistant")
TEXT_PARTS = ("text", "input_text", "output_text")


def checked(value: Any, parameter: str) -> list[dict[str, str]]:
    """Messages with their role and their text alone. Raises ApiError (400) for anything else."""
    if not isinstance(value, list) or not value:
        raise ApiError(f"{parameter!r} must be a list of messages, not empty.", param=parameter)
    return [_message(entry, f"{parameter}[{i}]") for i, entry in enumerate(value)]


def prompt_for(model: TextModel, messages: list[dict[str, str]], parameter: str) -> str:
    """The text that a model is to answer. Raises ApiError (400) when there is no message of the user."""
    if hasattr(model, "labels"):
        from helpers.engine.classifier_layout import prompt_of_messages

        return prompt_of_messages(messages)
    for message in reversed(messages):
        if message["role"] == "user":
            return message["content"]
    raise ApiError(f"{parameter!r} has no message of the user to continue.", param=parameter)


def _message(entry: Any, where: str) -> dict[str, str]:
    if not isinstance(entry, dict):
        raise ApiError(f"{where!r} is no message: an object with 'role' and 'content'.", param=where)
    role = entry.get("role")
    if role not in ROLES:
        raise ApiError(
            f"'{where}.role' must be one of {', '.join(ROLES)}, not {role!r}.", param=f"{where}.role"
        )
    if entry.get("type") not in (None, "message"):
        raise ApiError(f"{where!r} is not a message; other items are not supported here.", param=where)
    return {"role": role, "content": _text(entry.get("content"), f"{where}.content")}


def _text(content: Any, where: str) -> str:
    if isinstance(content, list):
        for i, part in enumerate(content):
            if not isinstance(part, dict) or part.get("type") not in TEXT_PARTS:
                raise ApiError(f"'{where}[{i}]' is not text, and the engine reads nothing else.", param=where)
            parameters.check_text(part.get("text"), f"{where}[{i}].text")
        return "".join(part["text"] for part in content)
    parameters.check_text(content, where)
    return content
