"""What can be changed in a batch: each repair is a small object with a label, applied batch by batch.

`step` orders the repairs that are accepted together: what is taken away goes before what is put on. Every
repair applied twice does the same as once, except `Append`, which is proposed only where the ending is
missing. Left out: asking (`command`), and finding out what is needed (`checks`).
"""

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from helpers.jsonl.forms import form_of, problems
from helpers.prepare import secrets
from helpers.prepare.batches import Bad, Batch, from_rows

# Control characters but tab and line feed; U+FEFF, a byte-order mark; U+200B, a space of no width; Unicode's
# own line ends. Not U+200C and U+200D: Persian, Hindi and many emoji need them.
LINE_ENDS = re.compile("\r\n|[\r\x85\u2028\u2029]")
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028\u2029\ufeff]")


class Repair(Protocol):
    """A change to a batch."""

    step: int

    def __call__(self, batch: Batch) -> Batch: ...


class Nothing:
    """Stands for changes that reading and writing make anyway, such as CSV to JSONL."""

    step = 0

    def __call__(self, batch: Batch) -> Batch:
        return batch


@dataclasses.dataclass
class Drop:
    """Leave out the examples with these numbers (`marks[number]` is 1)."""

    marks: bytearray
    step: int = 0

    def __call__(self, batch: Batch) -> Batch:
        numbers = batch.numbers
        if not len(numbers) or not any(self.marks[numbers[0] : numbers[-1] + 1]):
            return batch
        size = len(self.marks)
        return batch.kept(number >= size or not self.marks[number] for number in numbers)


@dataclasses.dataclass
class Strip:
    """Take a beginning away from a column; a completion keeps one leading space if it had one."""

    column: str
    prefix: str
    step: int = 1

    def __call__(self, batch: Batch) -> Batch:
        size, prefix = len(self.prefix), self.prefix
        completion = self.column == "completions"
        put = " " if completion and prefix.startswith(" ") else ""

        def stripped(text: str) -> str:
            rest = text[size:]
            keep = not text.startswith(prefix) or (completion and not rest.strip())
            return text if keep else put + rest

        return _on(batch, self.column, stripped)


@dataclasses.dataclass
class Replace:
    """Put another ending in the place of a column's common one."""

    column: str
    old: str
    new: str
    step: int = 1

    def __call__(self, batch: Batch) -> Batch:
        return _on(batch, self.column, lambda text: text.removesuffix(self.old) + self.new)


@dataclasses.dataclass
class Clean:
    """Line ends become line feeds; other control characters and byte-order marks go."""

    step: int = 2

    def __call__(self, batch: Batch) -> Batch:
        return _everywhere(batch, cleaned)


@dataclasses.dataclass
class Mask:
    """Put its kind in brackets in the place of each secret of these kinds."""

    kinds: frozenset[str]
    step: int = 3

    def __call__(self, batch: Batch) -> Batch:
        return _everywhere(batch, lambda text: secrets.without(text, self.kinds))


@dataclasses.dataclass
class Lower:
    """Write a column in lower case."""

    column: str
    step: int = 4

    def __call__(self, batch: Batch) -> Batch:
        return _on(batch, self.column, str.lower)


@dataclasses.dataclass
class Append:
    """End every text of a column with this."""

    column: str
    ending: str
    step: int = 5

    def __call__(self, batch: Batch) -> Batch:
        ending = self.ending
        return dataclasses.replace(
            batch, **{self.column: [text + ending for text in getattr(batch, self.column)]}
        )


@dataclasses.dataclass
class Space:
    """Let every completion begin with a space."""

    step: int = 6

    def __call__(self, batch: Batch) -> Batch:
        spaced = [text if text[:1] == " " else " " + text for text in batch.completions]
        return dataclasses.replace(batch, completions=spaced)


def cleaned(text: str) -> str:
    """A text without control characters; every kind of line end as a line feed."""
    return CONTROLS.sub("", LINE_ENDS.sub("\n", text))


def apply(batch: Batch, plan: Sequence[Repair]) -> Batch:
    """A batch after all repairs of a plan, in its order."""
    for repair in plan:
        batch = repair(batch)
    return batch


def _on(batch: Batch, column: str, change: Callable[[str], str]) -> Batch:
    return dataclasses.replace(batch, **{column: list(map(change, getattr(batch, column)))})


def _everywhere(batch: Batch, change: Callable[[str], str]) -> Batch:
    """Change both columns, or every text of the rows."""
    if batch.rows is None:
        return _on(_on(batch, "prompts", change), "completions", change)
    if not batch.rows:
        return batch
    form = form_of(batch.rows[0])
    rows = [_inside(row, change) for row in batch.rows]
    wrong = [problems(row, form) for row in rows]  # two answers may have become the same
    bad = [Bad(number, "form", found[0]) for number, found in zip(batch.numbers, wrong) if found]
    good = [(number, row) for number, row, found in zip(batch.numbers, rows, wrong) if not found]
    return from_rows([n for n, _ in good], [row for _, row in good], form, [*batch.bad, *bad])


def _inside(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_inside(each, change) for each in value]
    if isinstance(value, dict):
        return {key: _member(key, each, change) for key, each in value.items()}
    return value


def _member(key: str, value: Any, change: Callable[[str], str]) -> Any:
    if key in ("role", "type"):
        return value
    if key == "arguments" and isinstance(value, str) and change is cleaned:
        return CONTROLS.sub("", value)  # JSON in a text, where a plain line end is not allowed
    return _inside(value, change)
