"""The rows of a training file as examples, or the reason why a job cannot train on them.

Two forms are taken, one in a file: prompt and completion, and chat messages of which the last is the
assistant's (it is the completion; what stands before it is the prompt). The engine's limits: 10 examples at
least, as OpenAI's; 100,000 at most, of 20,000,000 tokens together and 8,192 each (its own tokens, prompt and
completion). The first bad line is reported and the reading ends. What only the training can tell (a single
class, answers that are free text) is the training's to say. `helpers.jsonl` reads, and explains broken lines.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from helpers import jsonl
from helpers.engine import vectors
from helpers.errors import DataError

if TYPE_CHECKING:
    from helpers.engine.classifier_training import Example

FEWEST = 10
MOST = 100_000
TOKENS_PER_EXAMPLE = 8_192
TOKENS_PER_FILE = 20_000_000
FORMS = ("pairs", "chat")
BATCH = 2_048  # examples counted together

Row = tuple[int, "Example"]  # with the number of its line


class InvalidFile(Exception):
    """The file cannot be trained on; `str(error)` names the line and the reason."""


def read(path: Path, *, fewest: int = FEWEST) -> list["Example"]:
    """The examples of a file. Raises InvalidFile; FileNotFoundError when it is not there."""
    if not path.exists():
        raise FileNotFoundError(path)
    rows: list[Row] = []
    try:
        for row in _rows(path):
            rows.append(row)
            if len(rows) > MOST:
                raise InvalidFile(f"It has more than {MOST:,} examples, which is what the engine takes.")
    except DataError as error:  # of the file as a whole
        raise InvalidFile(str(error).replace(str(path), "It")) from None
    if not rows:
        raise InvalidFile("It is empty: it has no line with an example.")
    if len(rows) < fewest:
        raise InvalidFile(f"It has {_examples(len(rows))}, and must have at least {fewest}.")
    _check_tokens(rows)
    return [example for _, example in rows]


def _rows(path: Path) -> Iterator[Row]:
    from helpers.engine.classifier_training import Example

    first = None  # (form, number of the line)
    for line in jsonl.read(path):
        if isinstance(line, jsonl.BadLine):
            raise _bad(line.number, line.problem)
        form = jsonl.form_of(line.row)
        if form not in FORMS:
            raise _bad(
                line.number, f"it is a row of the form {form}; supervised training takes pairs or chat"
            )
        first = first or (form, line.number)
        if form != first[0]:
            raise _bad(
                line.number, f"it is a row of the form {form}, and line {first[1]} is one of {first[0]}"
            )
        prompt, label = _chat(line) if form == "chat" else (line.row["prompt"], line.row["completion"])
        if not label.strip():
            raise _bad(line.number, "the completion is empty: there is nothing to learn")
        yield line.number, Example(prompt, label)


def _chat(line: jsonl.Line) -> tuple[str, str]:
    from helpers.engine.classifier_layout import TuningError, prompt_of_messages

    messages = line.row["messages"]
    last = messages[-1]
    if last["role"] != "assistant":
        raise _bad(line.number, f"the last message is by {last['role']!r}, and must be by the assistant")
    if last.get("weight") == 0:
        raise _bad(line.number, "the last message has weight 0: there is nothing to learn")
    if last.get("tool_calls") or last.get("function_call"):
        raise _bad(line.number, "the last message calls a tool; the engine learns answers that are text")
    if len(messages) == 1:
        raise _bad(line.number, "nothing stands before the assistant's message: there is no prompt")
    content = last.get("content") or last.get("refusal") or ""
    if not isinstance(content, str):
        content = "".join(part.get("text", "") for part in content)
    try:
        return prompt_of_messages(messages[:-1]), content
    except TuningError:
        raise _bad(line.number, "a message has pictures or sound; the engine reads only text") from None


def _check_tokens(rows: list[Row]) -> None:
    model, total = vectors.load(), 0
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        counts = model.count([f"{example.prompt}{example.label}" for _, example in some])
        for (number, _), count in zip(some, counts):
            if count > TOKENS_PER_EXAMPLE:
                raise _bad(number, f"the example has {count:,} tokens, and may have {TOKENS_PER_EXAMPLE:,}")
        total += sum(counts)
    if total > TOKENS_PER_FILE:
        raise InvalidFile(f"It has {total:,} tokens, and may have {TOKENS_PER_FILE:,}.")


def _bad(number: int, problem: str) -> InvalidFile:
    return InvalidFile(f"Line {number}: {problem}.")


def _examples(count: int) -> str:
    return "1 example" if count == 1 else f"{count} examples"
