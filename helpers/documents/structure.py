"""What every reader makes of a file: a document, which is a list of blocks in reading order.

A block is a heading, a paragraph, an item of a list, a term or its definition, a table, a piece of code or a
footnote. That is all that sections and pairs need; fonts, colours, images and links are left out.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass, field

HEADING, PARAGRAPH, ITEM, TABLE, FOOTNOTE = "heading", "paragraph", "list item", "table", "footnote"
TERM, DEFINITION, CODE = "term", "definition", "code"

SHOWN_BLOCKS = 200  # in a notebook; a book would fill the page
SHOWN_ROWS = 10
SHOWN_CHARACTERS = 600


@dataclass(frozen=True)
class Block:
    """One piece of a document.

    kind   "heading", "paragraph", "list item", "term", "definition", "table", "code" or "footnote"
    text   its text; of a table, its rows as lines with " | " between the cells
    level  1, 2, ... of a heading (1 is the highest) and of a list item (1 is the outermost); else 0
    page   the page on which it begins, from 1; None where the format has no pages
    rows   the cells of a table, row by row, all rows equally long; the first row is usually the header
    """

    kind: str
    text: str
    level: int = 0
    page: int | None = None
    rows: tuple[tuple[str, ...], ...] | None = None

    def _repr_html_(self) -> str:
        return _block_html(self)


def table_block(rows: Sequence[Sequence[str]], page: int | None = None) -> Block:
    """A table block; short rows are filled up with empty cells."""
    width = max((len(row) for row in rows), default=0)
    cells = tuple(tuple(row) + ("",) * (width - len(row)) for row in rows)
    return Block(TABLE, "\n".join(map(row_text, cells)), page=page, rows=cells)


def row_text(row: Sequence[str]) -> str:
    """A table's row as one line."""
    return " | ".join(" ".join(cell.split()) for cell in row)


@dataclass(frozen=True)
class Document:
    """A file that has been read: its name, what it was, its blocks, and what the reader should know about it.

    `notes` are sentences such as "The encoding is CP949, assumed." Nothing in the blocks depends on them.
    """

    name: str
    kind: str
    blocks: tuple[Block, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def text(self) -> str:
        """All blocks' texts, with an empty line between two; footnotes stand where they stood in the file."""
        return "\n\n".join(block.text for block in self.blocks)

    @property
    def pages(self) -> int:
        """The highest page number of a block; 0 where the format has no pages."""
        return max((block.page or 0 for block in self.blocks), default=0)

    def of_kind(self, kind: str) -> list[Block]:
        """The blocks of one kind, in order: `document.of_kind("heading")`."""
        return [block for block in self.blocks if block.kind == kind]

    def __repr__(self) -> str:
        pages = f", {_counted(self.pages, 'page')}" if self.pages else ""
        return f"<Document {self.name!r}: {self.kind}{pages}, {_counted(len(self.blocks), 'block')}>"

    def _repr_html_(self) -> str:
        pages = f", {_counted(self.pages, 'page')}" if self.pages else ""
        title = f"<b>{html.escape(self.name)}</b> ({html.escape(self.kind)}{pages})"
        notes = "".join(f"<br><em>{html.escape(note)}</em>" for note in self.notes)
        rows = "".join(
            f"<tr><td>{block.page or ''}</td><td>{html.escape(_kind(block))}</td>"
            f'<td style="text-align:left">{_block_html(block)}</td></tr>'
            for block in self.blocks[:SHOWN_BLOCKS]
        )
        left = len(self.blocks) - SHOWN_BLOCKS
        more = f"<p>… and {_counted(left, 'more block')}</p>" if left > 0 else ""
        head = "<tr><th>page</th><th>kind</th><th>text</th></tr>"
        return f"<div><p>{title}{notes}</p><table>{head}{rows}</table>{more}</div>"


def _kind(block: Block) -> str:
    return f"{block.kind} {block.level}" if block.level else block.kind


def _block_html(block: Block) -> str:
    if block.rows is not None:
        rows = "".join(
            "<tr>" + "".join(f"<td>{_escaped(cell)}</td>" for cell in row) + "</tr>"
            for row in block.rows[:SHOWN_ROWS]
        )
        left = len(block.rows) - SHOWN_ROWS
        more = f"… and {_counted(left, 'more row')}" if left > 0 else ""
        return f"<table>{rows}</table>{more}"
    if block.kind == HEADING:
        return f"<b>{_escaped(block.text)}</b>"
    if block.kind == CODE:
        return f"<pre>{_escaped(block.text)}</pre>"
    return _escaped(block.text).replace("\n", "<br>")


def _escaped(text: str) -> str:
    shown = text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + " …"
    return html.escape(shown)


def _counted(n: int, name: str) -> str:
    return f"{n:,} {name}" if n == 1 else f"{n:,} {name}s"
