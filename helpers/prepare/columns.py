"""What is known of one column, the prompts or the completions, after each batch.

Beginnings and endings that all texts share, endings that none has inside, upper and lower case, control
characters: each with the few calls of `str` and `bytes` that a batch of thousands needs. Left out: what
concerns both columns together (`facts`).
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from helpers.prepare import secrets
from helpers.prepare.signs import Signs

FIRST = 5  # how many examples of a finding are kept
LONGEST_KEY = 300  # characters beyond those shown in which a key is still recognised as one

SEPARATORS = (
    " ->",
    "\n\n###\n\n",
    "\n\n===\n\n",
    "\n\n---\n\n",
    "\n\n===>\n\n",
    "\n\n--->\n\n",
    "\n\n### =>\n\n",
    "\n\n#######\n\n",
    "\n\n=======\n\n",
    "\n\n+++++++\n\n",
)
"""Endings for prompts, in the order in which they are tried: the old tool's seven, and three more."""

UNUSUAL = re.compile(r"[^\w\s.,;?!'\"()…。？！]")  # what does not occur in ordinary sentences

STOPS = (
    "\n",
    ".",
    " END",
    "***",
    "+++",
    "&&&",
    "$$$",
    "@@@",
    "%%%",
    " [END]",
    " [[END]]",
    " <<END>>",
    " {END}",
)
"""Endings for completions: the old tool's ten, and three more."""


class Example(NamedTuple):
    """One place of a finding: the record's number, and what is to be seen there."""

    number: int
    text: str


class Tally:
    """How many, and the first of them."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[Example] = []

    def add(self, number: int, text: str, size: int = 60) -> None:
        self.count += 1
        if len(self.first) < FIRST:
            self.first.append(Example(number, shortened(text, size)))

    def add_many(self, count: int, places: Iterable[tuple[int, str]]) -> None:
        """As many as `count`; of their places only the first are looked at."""
        self.count += count
        self.first += [Example(n, shortened(text)) for n, text in islice(places, FIRST - len(self.first))]


class Column:
    """Grows with `add`; `endings` are those to choose from."""

    def __init__(self, endings: Sequence[str]) -> None:
        self.rows = 0
        self.filled = 0  # rows with any text
        self.upper = self.lower = 0
        self.prefix: str | None = None
        self.suffix: str | None = None
        self.shortest = self.longest = 0  # characters
        self.known = endings
        self.free = list(endings)  # those seen in no text so far
        self.lines = False  # whether any text has a line end
        self.inside = Tally()  # texts with their common ending, `mark`, somewhere before the end too
        self.counted_from = 0  # before this row, `inside` was counted for a longer mark

    @property
    def mark(self) -> str:
        """The common ending as far as it looks like a mark: a known one, else all that is common.

        Of ".\\nSupported:" only "\\nSupported:" is the mark: how a sentence ends before it is ordinary text.
        """
        suffix = self.suffix or ""
        known = (ending for ending in self.known if ending != "." and suffix.endswith(ending))
        before, line_end, last = suffix.rpartition("\n")
        before = before.rstrip("\n")
        own_line = line_end and last.strip() and not UNUSUAL.search(before)
        return max(known, key=len, default=suffix[len(before) :] if own_line else suffix)

    def add(self, numbers: Sequence[int], texts: list[str], joined: str, signs: Signs) -> None:
        """One batch more; `joined` is its texts with "\\0" between them, `signs` what was counted in it."""
        shortest = min(map(len, texts))
        self.shortest = min(self.shortest, shortest) if self.rows else shortest
        self.longest = max(self.longest, max(map(len, texts)))
        self.filled += len(texts) - texts.count("")
        self.lines = self.lines or signs.line_ends > 0
        apart = signs.line_ends > 0 and "\n\n" in joined  # spares the look for most endings
        self.free = [each for each in self.free if ("\n\n" in each and not apart) or each not in joined]
        self._case(joined, signs)
        self._beginning(texts)
        before = self.mark if self.rows else None
        self._ending(texts)
        if before is not None and self.mark != before:
            self.inside, self.counted_from = Tally(), self.rows
        self.count_inside(numbers, texts, joined)
        self.rows += len(texts)

    def count_inside(self, numbers: Sequence[int], texts: list[str], joined: str) -> None:
        mark = self.mark
        if mark and joined.count(mark) > len(texts):
            size = len(mark)
            for number, text in zip(numbers, texts):
                if mark in text[:-size]:
                    self.inside.add(number, text)

    def _case(self, joined: str, signs: Signs) -> None:
        self.upper += signs.upper
        self.lower += signs.lower
        if not joined.isascii():
            for letter, times in Counter(re.sub("[\0-\x7f]+", "", joined)).items():
                self.upper += times * (letter.isupper() and letter != letter.lower())
                self.lower += times * letter.islower()

    def _beginning(self, texts: list[str]) -> None:
        if self.prefix != "":
            self.prefix = common_beginning([*texts, self.prefix] if self.prefix else texts)

    def _ending(self, texts: list[str]) -> None:
        if self.suffix is None:
            self.suffix = texts[0]
        if self.suffix:
            size = len(self.suffix)
            ends = {text[-size:] for text in texts} | {self.suffix}
            if len(ends) > 1:
                self.suffix = common_beginning([end[::-1] for end in ends])[::-1]


def common_beginning(texts: Sequence[str]) -> str:
    """What all texts begin with: what the first and the last in the order of the alphabet do."""
    first, last = min(texts), max(texts)
    size = next((i for i, (a, b) in enumerate(zip(first, last)) if a != b), min(len(first), len(last)))
    return first[:size]


def shortened(text: str, size: int = 60) -> str:
    """The beginning of a text for a list of examples, its line ends shown, keys and the like masked."""
    long = len(text) > size
    if secrets.find(text[: size + LONGEST_KEY]):
        text = secrets.without(text[: size + LONGEST_KEY])
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in islice(text, size + 1))
    return shown if not long and len(text) <= size else f"{shown[:size]}…"
