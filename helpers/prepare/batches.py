"""A few thousand examples at a time, in columns: what the reader gives and the checks and repairs take.

Columns, because Python's own loops over a list (`map`, `set`, `join`) cost a tenth of a loop written out.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from typing import Any, NamedTuple

from helpers.jsonl.forms import text_of

SIZE = 2048  # examples in a batch: their texts fit into a processor's cache


class Bad(NamedTuple):
    """A record that is no example: its number, a word for what is wrong ("utf8", "json" ...), a sentence."""

    number: int
    kind: str
    problem: str


@dataclasses.dataclass(slots=True)
class Batch:
    """Examples in the order of the file.

    `numbers`: where each stands, as the reader's `unit` counts. `prompts` and `completions`: their texts; of
    messages, the words. `rows`: the examples as they are written, for every form but `pairs`.
    """

    numbers: Sequence[int]
    prompts: list[str]
    completions: list[str]
    rows: list[dict] | None = None
    bad: Sequence[Bad] = ()

    def __len__(self) -> int:
        return len(self.prompts)

    def everything(self) -> list[str]:
        """Of each example in `rows`, every text in it, one after another."""
        return ["\n".join(text for _, text in places(row)) for row in self.rows or ()]

    def kept(self, keep: Iterable[Any]) -> "Batch":
        """Without the examples for which `keep` is false."""
        keep = list(keep)
        return Batch(
            list(compress(self.numbers, keep)),
            list(compress(self.prompts, keep)),
            list(compress(self.completions, keep)),
            None if self.rows is None else list(compress(self.rows, keep)),
            self.bad,
        )


def from_rows(numbers: Sequence[int], rows: list[dict], form: str, bad: Sequence[Bad] = ()) -> Batch:
    """A batch of examples of a form other than `pairs`, whose problems are already sorted out."""
    texts = [words(row, form) for row in rows]
    return Batch(numbers, [before for before, _ in texts], [answer for _, answer in texts], rows, bad)


def places(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a row and where it stands: ("messages[0].content", "Is it dark?")."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from places(each, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list):
        for i, each in enumerate(value):
            yield from places(each, f"{where}[{i}]")


def words(row: dict, form: str) -> tuple[str, str]:
    """The text before the answer, and the answer, of a row that has no problems."""
    if form == "chat":
        messages = row["messages"]
        last = max(i for i, message in enumerate(messages) if message["role"] == "assistant")
        return text_of(messages[:last]), text_of(messages[last : last + 1])
    if form == "dialogue":
        return text_of(row["prompt"]), text_of(row["completion"])
    if form == "preference":
        return text_of(row["prompt"]), text_of(row["chosen"])
    return text_of(row["input"]["messages"]), text_of(row["preferred_output"])
