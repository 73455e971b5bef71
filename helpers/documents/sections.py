"""A document in sections (at its headings) and in chunks of at most so many tokens.

A chunk ends where a sentence ends, if any does within the limit; a table is cut between rows, with its header
again on top, and code between lines. With an overlap each chunk begins with the last sentences of the one
before, so that what stands at a border is whole in one of the two. Each knows the headings it stands under
and its pages.

Left out: splitting by meaning. Footnotes follow the section on whose page they stand.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from helpers import tokens
from helpers.documents.structure import CODE, HEADING, TABLE, Block, Document, row_text
from helpers.errors import DataError

BETWEEN_BLOCKS = "\n\n"
# A sentence ends at a mark and white space; not after initials, numbers of a list or common abbreviations.
END = re.compile(r"(?<=[.!?…。！？])['\")\]’”]*(?:\s+|(?<=[。！？])(?=\S))")
NO_END = re.compile(
    r"^\d{1,2}\.$|(?:^|[\s(])"
    r"(?:[A-Z]|[Nn]o|[Mm]rs?|[Dd]r|[Pp]rof|St|vs|etc|cf|[Ff]ig|[Cc]h|[Vv]ol|pp?|e\.g|i\.e|approx)\.$"
)
PATH_SIGN = " > "


@dataclass(frozen=True)
class Section:
    """What stands under one heading, up to the next: `path` is its headings from the top down."""

    document: str
    path: tuple[str, ...]
    blocks: tuple[Block, ...]
    page: int | None = None  # of the heading

    @property
    def heading(self) -> str:
        """The section's own heading; empty before the first."""
        return self.path[-1] if self.path else ""

    @property
    def text(self) -> str:
        """The blocks' texts without the headings, with an empty line between two."""
        return BETWEEN_BLOCKS.join(block.text for block in self.blocks)

    @property
    def pages(self) -> tuple[int, ...]:
        """The pages on which the heading and the blocks begin, in order; empty where there are none."""
        numbers = {block.page for block in self.blocks} | {self.page}
        return tuple(sorted(number for number in numbers if number is not None))


@dataclass(frozen=True)
class Chunk:
    """A piece of a section that fits a budget of tokens."""

    document: str
    path: tuple[str, ...]
    pages: tuple[int, ...]
    text: str
    tokens: int


def sections(document: Document) -> list[Section]:
    """The sections of a document in order; those without any text are left out.

    What stands before the first heading is a section with an empty path.
    """
    found: list[Section] = []
    path: list[tuple[int, str]] = []
    page: int | None = None
    blocks: list[Block] = []

    def close() -> None:
        if blocks:
            found.append(Section(document.name, tuple(title for _, title in path), tuple(blocks), page))
            blocks.clear()

    for block in document.blocks:
        if block.kind == HEADING:
            close()
            path = [(level, title) for level, title in path if level < block.level]
            path.append((block.level, block.text))
            page = block.page
        else:
            blocks.append(block)
    close()
    return found


def chunks(
    source: Document | Iterable[Section],
    limit: int,
    overlap: int = 0,
    model: str = "text-embedding-3-small",
    *,
    with_path: bool = False,
) -> list[Chunk]:
    """The sections of a document in chunks of at most `limit` tokens, as `model` counts them
    (`helpers.tokens`).

    A chunk never spans two sections. From the second of a section on, each begins with the last sentences of
    the one before, of at most `overlap` tokens together. Only a sentence that alone exceeds the limit is cut
    inside. `with_path` puts the headings ("Returns > Refunds") on top of each chunk, counted too. Raises
    ValueError unless limit >= 1 and 0 <= overlap <= limit / 2, DataError when the headings or one character
    do not fit.
    """
    if limit < 1 or not 0 <= overlap <= limit // 2:
        raise ValueError(
            f"limit must be at least 1 and overlap at most half of it, not {limit} and {overlap}"
        )
    found = sections(source) if isinstance(source, Document) else source
    return [
        chunk for section in found for chunk in _section_chunks(section, limit, overlap, model, with_path)
    ]


def sentences(text: str) -> list[str]:
    """A text in sentences, with the white space that follows each: joined they are the text."""
    parts, start = [], 0
    for match in END.finditer(text):
        if not NO_END.search(text[max(start, match.start() - 12) : match.start()]):
            parts.append(text[start : match.end()])
            start = match.end()
    return [*parts, text[start:]] if text[start:] else parts


@dataclass(frozen=True)
class _Unit:
    """What is not cut: a sentence, a table's row, a line of code; and what separates it from the last."""

    text: str
    page: int | None
    separator: str
    header: str = ""  # of the table, if the unit is a row below it


def _section_chunks(
    section: Section, limit: int, overlap: int, model: str, with_path: bool
) -> Iterator[Chunk]:
    head = PATH_SIGN.join(section.path) + BETWEEN_BLOCKS if with_path and section.path else ""
    room = limit - int(tokens.count([head], model)[0]) if head else limit
    if room < limit / 2:
        raise DataError(
            f"The headings {head.strip()!r:.80} take up {limit - room} of {limit} tokens: raise the limit, "
            "or leave with_path off."
        )
    units = list(_small_enough([unit for block in section.blocks for unit in _units(block)], room, model))
    counts = [int(n) for n in tokens.count([unit.separator + unit.text for unit in units], model)]
    start, first = 0, 0  # the first unit of the chunk, the first that no chunk has had
    while first < len(units):
        stop = _fitting(units, counts, start, first, head, limit, model)
        if stop <= first:  # the repeated sentences leave no room for the next one
            start = first
            stop = _fitting(units, counts, start, first, head, limit, model)
        text = head + _text(units[start:stop])
        pages = tuple(sorted({unit.page for unit in units[start:stop] if unit.page is not None}))
        yield Chunk(section.document, section.path, pages, text, int(tokens.count([text], model)[0]))
        first = stop
        start = _back(counts, stop, overlap)


def _fitting(
    units: Sequence[_Unit], counts: Sequence[int], start: int, first: int, head: str, limit: int, model: str
) -> int:
    """Behind the last unit that fits with those from `start` on."""
    stop, total = start, 0
    while stop < len(units) and (stop == start or total + counts[stop] <= limit):
        total += counts[stop]
        stop += 1
    # The sum is only about right: tokens may join across a border, and a header may come on top.
    while stop > first and tokens.count([head + _text(units[start:stop])], model)[0] > limit:
        stop -= 1
    # A table's header at the end of a chunk says nothing: it stands again on top of the next.
    if start < stop - 1 and stop < len(units) and units[stop].header == units[stop - 1].text:
        stop -= 1
    if stop == first == start:  # cannot be: each unit was cut to fit alone
        return first + 1
    return stop


def _back(counts: Sequence[int], stop: int, overlap: int) -> int:
    """Where the next chunk begins: before the units that are repeated."""
    total = 0
    while stop > 0 and total + counts[stop - 1] <= overlap:
        stop -= 1
        total += counts[stop]
    return stop


def _units(block: Block) -> Iterator[_Unit]:
    separator = BETWEEN_BLOCKS
    if block.kind == TABLE and block.rows:
        lines = [row_text(row) for row in block.rows]
        header = lines[0] if len(lines) > 1 else ""
        for line in lines:
            yield _Unit(line, block.page, separator, header if separator == "\n" else "")
            separator = "\n"
        return
    parts = block.text.split("\n") if block.kind == CODE else sentences(block.text)
    for part in parts:
        text = part if block.kind == CODE else part.rstrip()
        yield _Unit(text, block.page, separator)
        separator = "\n" if block.kind == CODE else part[len(text) :] or " "


def _small_enough(units: Sequence[_Unit], room: int, model: str) -> Iterator[_Unit]:
    """The units; those that alone exceed the room are cut, and a header that leaves no room is dropped."""
    alone = tokens.count([unit.text for unit in units], model)
    below_header = tokens.count([f"{unit.header}\n{unit.text}" for unit in units], model)
    for unit, count, count_below in zip(units, alone, below_header):
        if count <= room:
            yield unit if count_below <= room else replace(unit, header="")
            continue
        separator = unit.separator
        for part in tokens.split(unit.text, room, 0, model):
            if part.strip():
                yield _Unit(part.strip(), unit.page, separator)
            separator = " " if part[-1:].isspace() else ""


def _text(units: Sequence[_Unit]) -> str:
    """The units as text; a table that goes on from the chunk before gets its header again."""
    if not units:
        return ""
    header = f"{units[0].header}\n" if units[0].header else ""
    rest = "".join(unit.separator + unit.text for unit in units[1:])
    return header + units[0].text + rest
