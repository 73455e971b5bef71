"""How prompts are built: their fields, and what all of them share.

A prompt may be one text, a title and a text, or labelled lines ("Product: ...", "Ad: ..."), with a separator
behind. What every training prompt has at the same place tells the classes nothing; it is found and cut off
here, without being told what it is: labels, instructions, a constant system message, the separator.

Left out: nesting (JSON inside a prompt is one text).
"""

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from helpers.errors import WorkbookError

SHARE = 0.9  # a structure is one when at least this share of the training prompts has it
MOST_FIELDS = 8
MOST_LINES = 6  # prompts of always that many lines are fields by position
SAMPLE = 2_000  # prompts looked at to find the structure

_LABEL = re.compile(r"^[ \t]*([^\s:][^\n:]{0,39}):(?=\s|$)", re.MULTILINE)
_ROLES = {"system": "System", "developer": "System", "user": "User", "assistant": "Assistant", "tool": "Tool"}


class TuningError(WorkbookError):
    """Why a file cannot be trained on; `param` says which: "training_file" or "validation_file"."""

    def __init__(self, message: str, param: str = "training_file"):
        super().__init__(message)
        self.param = param


def prompt_of_messages(messages: Sequence[Mapping]) -> str:
    """Chat messages before the answer as one prompt.

    The last message stands as it is if it is the user's; those before it follow their role and a colon. So a
    file of one user message a row trains the same model as the same texts as prompts, and a system message
    that all rows share is cut off like any other instruction. `content` is a text, None or a list of parts
    with a "text". Raises TuningError for content of another kind.
    """
    parts = [(str(message.get("role")), _text(message.get("content"))) for message in messages]
    last = parts.pop()[1] if parts and parts[-1][0] == "user" else ""
    before = [f"{_ROLES.get(role, role)}: {text}" for role, text in parts]
    return "\n\n".join([*before, last])


def _text(content: object) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list) and all(
        isinstance(p, Mapping) and isinstance(p.get("text"), str) for p in content
    ):
        return "".join(part["text"] for part in content)
    raise TuningError("A message's content must be text: the engine's classifier reads nothing else.")


@dataclasses.dataclass(frozen=True)
class Layout:
    """The fields of a prompt. Keep it, or the trained model's file, and every prompt is read the same way."""

    labels: tuple[str, ...]  # "Product" for lines that begin with "Product:"
    shared: tuple[
        tuple[str, str], ...
    ]  # what every value of each label begins and ends with; first: no label
    kept: tuple[int, ...]  # the labels (0: what stands before the first one) whose values differ
    lines: int  # into how many fields the lines of a single value go: 1 none, 2 first and rest, m: m lines

    @property
    def fields(self) -> int:
        """How many fields a prompt has, at least 1."""
        return self.lines if len(self.kept) == 1 else len(self.kept)

    def split(self, prompts: Sequence[str]) -> list[list[str]]:
        """The fields of each prompt: `fields` lists of len(prompts) texts; what is missing is ""."""
        rows = [self._row(prompt) for prompt in prompts]
        return (
            [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(self.fields)]
        )

    def _row(self, prompt: str) -> list[str]:
        values = _by_label(prompt, self.labels)
        found = [_without(values[i], *self.shared[i]) for i in self.kept]
        return found if self.lines == 1 else _by_line(found[0], self.lines)


def find(prompts: Sequence[str]) -> Layout:
    """The layout that training prompts share. Never fails: at worst a prompt is one field."""
    prompts = list(dict.fromkeys(prompts[:SAMPLE]))
    labels = _labels(prompts)
    columns = list(zip(*(_by_label(prompt, labels) for prompt in prompts), strict=True))
    shared = tuple(_shared(column) for column in columns)
    different = [i for i, column in enumerate(columns) if any(_without(v, *shared[i]) for v in column)]
    kept = tuple(different) or (0,)
    lines = 1
    if len(kept) == 1:
        lines = _lines([_without(value, *shared[kept[0]]) for value in columns[kept[0]]])
    return Layout(labels, shared, kept, lines)


def _labels(prompts: Sequence[str]) -> tuple[str, ...]:
    """Labels that nearly all prompts have, in their usual order."""
    where: dict[str, list[int]] = {}
    for prompt in prompts:
        for place, label in enumerate(dict.fromkeys(_LABEL.findall(prompt))):
            where.setdefault(label, []).append(place)
    usual = [label for label, places in where.items() if len(places) >= SHARE * len(prompts)]
    return tuple(sorted(usual, key=lambda label: sum(where[label]) / len(where[label]))[:MOST_FIELDS])


def _by_label(prompt: str, labels: Sequence[str]) -> list[str]:
    """What stands before the first known label, then each label's value; "" for a label that is not there."""
    values = dict.fromkeys(labels, "")
    found = [match for match in _LABEL.finditer(prompt) if match[1] in values] if labels else []
    seen: set[str] = set()
    starts = [m for m in found if not (m[1] in seen or seen.add(m[1]))]  # the first of each label
    ends = [match.start() for match in starts[1:]] + [len(prompt)]
    for match, end in zip(starts, ends if starts else (), strict=True):
        values[match[1]] = prompt[match.end() : end].strip()
    return [prompt[: starts[0].start()].strip() if starts else prompt.strip(), *values.values()]


def _shared(values: Sequence[str]) -> tuple[str, str]:
    """What all values begin with and what all end with, without cutting words; all of it if equal."""
    if len(set(values)) == 1:
        return values[0], ""
    begin = _common(values)
    rest = [value[len(begin) :] for value in values]
    end = _common([value[::-1] for value in rest])[::-1]
    begin = re.sub(r"\w+$", "", begin)
    end = re.sub(r"^\w+", "", end) if any(len(value) > len(end) for value in rest) else end
    return begin.strip(), end.strip()


def _common(values: Sequence[str]) -> str:
    """What all values begin with."""
    first, last = min(values), max(values)  # the two that differ earliest
    return first[: next((i for i, (a, b) in enumerate(zip(first, last)) if a != b), len(first))]


def _without(value: str, begin: str, end: str) -> str:
    """A value without what all begin with, and without as much of what all end with as it has."""
    value = value.strip().removeprefix(begin)
    same = _common([value[::-1], end[::-1]])[::-1]
    if len(same) < len(end):
        same = re.sub(r"^\w+", "", same)  # no part of a word
    return value.removesuffix(same).strip()


def _lines(values: Sequence[str]) -> int:
    counts = Counter(len(_filled(value)) for value in values)
    most = max(range(2, MOST_LINES + 1), key=lambda m: counts[m])
    if counts[most] >= SHARE * len(values):
        return most
    return 2 if sum(counts[m] for m in counts if m >= 2) >= SHARE * len(values) else 1


def _filled(value: str) -> list[str]:
    return [line.strip() for line in value.split("\n") if line.strip()]


def _by_line(value: str, lines: int) -> list[str]:
    """The value's lines as `lines` fields: one more than there is goes, with the rest, into the last.

    A value of one line is the last field: where titles are usual, it is a text without one.
    """
    filled = _filled(value)
    head = filled[: min(lines - 1, len(filled) - 1)] if filled else []
    head += [""] * (lines - 1 - len(head))
    return [*head, "\n".join(filled[min(lines - 1, max(len(filled) - 1, 0)) :])]
