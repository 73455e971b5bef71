"""HTML to blocks: Beautiful Soup with Python's own parser mends broken mark-up, then the tree is walked once.

Scripts, styles, controls, navigation and what is marked as hidden or as a banner are dropped, and so are
headers, footers and asides outside the main part. Left out: what only a style sheet hides, and boilerplate
that is not marked as such; images and the addresses of links.
"""

import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from helpers.documents import limits
from helpers.documents.structure import (
    CODE,
    DEFINITION,
    HEADING,
    ITEM,
    PARAGRAPH,
    TERM,
    Block,
    table_block,
)
from helpers.errors import DataError

if TYPE_CHECKING:
    from bs4 import PageElement, Tag

CONTROLS = {"button", "input", "select", "option", "textarea", "datalist"}
UNSEEN = {
    "head",
    "script",
    "style",
    "noscript",
    "template",
    "iframe",
    "object",
    "embed",
    "svg",
    "canvas",
    "audio",
    "video",
}
FRAME = {"header", "footer", "aside"}  # dropped unless inside <main> or <article>
ROLES = {"navigation", "banner", "contentinfo", "search", "dialog", "alertdialog", "complementary"}
MARKED = {
    "nav", "navbar", "navigation", "breadcrumb", "breadcrumbs", "pagination", "sidebar", "skip-link",
    "cookie", "cookies", "cookie-banner", "cookie-notice", "consent", "popup", "modal", "ad", "ads",
    "advert", "advertisement", "newsletter", "newsletter-signup", "share", "share-buttons", "social",
    "social-links",
}  # fmt: skip
KINDS = {f"h{level}": (HEADING, level) for level in range(1, 7)}
KINDS |= {"li": (ITEM, 1), "dt": (TERM, 0), "dd": (DEFINITION, 0)}
LISTS = {"ul", "ol", "menu"}
BLOCKS = {
    "p", "div", "section", "article", "main", "body", "html", "ul", "ol", "menu", "dl", "blockquote",
    "figure", "figcaption", "address", "details", "summary", "fieldset", "form", "center", "header",
    "footer", "aside", "hgroup", "caption", "table", "thead", "tbody", "tfoot", "tr", "td", "th", "pre",
    "hr",
}  # fmt: skip
UNCLOSED_LIMIT = 30_000_000  # characters that a parser without memory would go over again and again; 1 to 2 s


def read_html(text: str) -> tuple[list[Block], tuple[str, ...]]:
    """The blocks of a web page, and a note on what was dropped. Raises DataError: too long or too broken."""
    from bs4 import BeautifulSoup
    from bs4.exceptions import ParserRejectedMarkup

    check_length(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", UserWarning
            )  # "looks like a file name", "looks like XML": we know
            soup = BeautifulSoup(_closed(text), "html.parser")
    except (ParserRejectedMarkup, AssertionError, ValueError) as error:  # html.parser's ways to give up
        raise DataError("its mark-up is too broken to be read") from error
    walker = _Walker()
    walker.walk(soup.body or soup)
    dropped = ", ".join(sorted(walker.dropped))
    return walker.blocks, (f"Dropped as no part of the text: {dropped}.",) if dropped else ()


def check_length(text: str) -> None:
    """Mark-up takes longer to parse than plain text to read, so its limit is lower."""
    if len(text) > limits.MARKUP_CHARACTERS:
        raise DataError(
            f"it has {len(text):,} characters, over the limit of {limits.MARKUP_CHARACTERS:,} for mark-up"
        )


def _closed(text: str) -> str:
    """The page without tags and comments that never end; Python's parser looks for their ends again and
    again.

    (Up to Python 3.13.5: 60 kB of `<a ` took 30 s. https://github.com/python/cpython/issues/135462)
    """
    comment_end = text.rfind("-->") + 3 if "-->" in text else 0
    text = text[:comment_end] + text[comment_end:].replace("<!--", "&lt;!--")
    tag_end = text.rfind(">") + 1
    text = text[:tag_end] + text[tag_end:].replace("<", "&lt;")
    work, end = 0, -1
    for match in re.finditer("<", text):
        start = match.start()
        end = text.find(">", start) if end < start else end
        work += end - start
    if work > UNCLOSED_LIMIT:
        raise DataError("its mark-up is too broken to be read: thousands of tags are not closed")
    return text


class _Frame(NamedTuple):
    """An element that the walk is inside of: its children still to come, and what holds in it."""

    children: Iterator["PageElement"]
    in_main: bool
    lists: int  # around it
    is_block: bool
    before: tuple[str, int] | None  # kind and level around it, where it has its own


class _Walker:
    """Goes through the tree and gathers running text until a block begins or ends.

    Without recursion: where paragraphs are never closed, each lies inside the one before, thousands deep.
    """

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.dropped: set[str] = set()
        self._running: list[str] = []
        self._kind, self._level = PARAGRAPH, 0
        self._layouts: set[int] = set()

    def walk(self, root: "Tag") -> None:
        """Make the blocks of what is inside `root`."""
        from bs4 import NavigableString, Tag
        from bs4.element import PreformattedString

        self._layouts = _layouts(root)
        stack = [_Frame(iter(root.children), False, 0, True, None)]
        while stack:
            frame = stack[-1]
            child = next(frame.children, None)
            if child is None:
                stack.pop()
                if frame.is_block:
                    self._end()
                if frame.before:
                    self._kind, self._level = frame.before
            elif isinstance(child, Tag):
                if inner := self._enter(child, frame):
                    stack.append(inner)
            elif isinstance(child, NavigableString) and not isinstance(
                child, PreformattedString
            ):  # no comments
                self._running.append(re.sub(r"\s+", " ", child))

    def _enter(self, tag: "Tag", frame: _Frame) -> _Frame | None:
        """What to visit inside a tag, if anything."""
        name = tag.name.lower()
        if dropped := _why_dropped(tag, name, frame.in_main):
            self.dropped.add(dropped)
            return None
        if name == "br":
            self._running.append("\n")
            return None
        is_block = name in BLOCKS or name in KINDS
        if not is_block:
            return frame._replace(children=iter(tag.children), is_block=False, before=None)
        self._end()
        before = (self._kind, self._level) if name in KINDS else None
        if name == "pre" or (name == "table" and (rows := self._rows(tag))):
            self.blocks += _code(tag) if name == "pre" else _table(tag, rows)
            return None
        if name in KINDS:
            self._kind, self._level = KINDS[name]
            self._level = max(frame.lists, 1) if name == "li" else self._level
        in_main = frame.in_main or name in ("main", "article")
        return _Frame(iter(tag.children), in_main, frame.lists + (name in LISTS), True, before)

    def _rows(self, table: "Tag") -> list[list[str]]:
        return [] if id(table) in self._layouts else _rows(table)

    def _end(self) -> None:
        """Close the block that is being gathered."""
        text = _tidy("".join(self._running))
        self._running = []
        if text:
            self.blocks.append(Block(self._kind, text, level=self._level))
            if self._kind != DEFINITION:  # the second paragraph of an item is not a second item
                self._kind, self._level = PARAGRAPH, 0


def _layouts(root: "Tag") -> set[int]:
    """The tables that hold tables (their `id`): frames for the layout of a page, not tables of data."""
    from bs4 import Tag

    found: set[int] = set()
    stack = [(iter(root.children), None)]
    while stack:
        children, table = stack[-1]
        child = next(children, None)
        if child is None:
            stack.pop()
        elif isinstance(child, Tag):
            if child.name == "table" and table is not None:
                found.add(id(table))
            stack.append((iter(child.children), child if child.name == "table" else table))
    return found


def _code(tag: "Tag") -> list[Block]:
    code = tag.get_text().strip("\n")
    return [Block(CODE, code)] if code.strip() else []


def _table(tag: "Tag", rows: list[list[str]]) -> list[Block]:
    caption = tag.find("caption")
    title = " ".join(caption.get_text(" ").split()) if caption else ""
    return [Block(PARAGRAPH, title)] * bool(title) + [table_block(rows)]


def _why_dropped(tag: "Tag", name: str, in_main: bool) -> str | None:
    if name in UNSEEN or name == "nav":
        return name
    if name in CONTROLS:
        return "form controls"
    if name in FRAME and not in_main:
        return name
    if tag.get("role") in ROLES:
        return f"role {tag['role']}"
    style = str(tag.get("style", "")).replace(" ", "").lower()
    if tag.has_attr("hidden") or tag.get("aria-hidden") == "true" or "display:none" in style:
        return "hidden parts"
    labels = {str(label).lower() for label in [*tag.get_attribute_list("class"), tag.get("id")]}
    if name not in ("html", "body", "main", "article") and labels & MARKED:
        return f"parts marked {min(labels & MARKED)!r}"
    return None


def _rows(table: "Tag") -> list[list[str]]:
    """The cells of a table of data; a cell that spans columns or rows stands in each of them.

    Empty for a table of one column, which only serves the layout.
    """
    rows: list[list[str]] = []
    from_above: dict[int, tuple[int, str]] = {}  # column: in how many more rows, which text
    cells = 0
    for line in _lines(table):
        row: list[str] = []
        below: dict[int, tuple[int, str]] = {}

        def put(text: str, times: int, row=row, below=below) -> None:
            if times > 1:
                below[len(row)] = times - 1, text
            row.append(text)

        for cell, parts in line:
            while len(row) in from_above:
                put(from_above[len(row)][1], from_above[len(row)][0])
            for _ in range(_span(cell, "colspan")):
                put(_tidy("".join(parts)), _span(cell, "rowspan"))
        while len(row) in from_above:
            put(from_above[len(row)][1], from_above[len(row)][0])
        from_above = below
        rows += [row] if any(row) else []
        cells += len(row)
        if cells > limits.CELLS:
            raise DataError(f"it has more than {limits.CELLS:,} cells")
    return rows if max(map(len, rows), default=0) > 1 else []


Cell = tuple["Tag", list[str]]


def _lines(table: "Tag") -> list[list[Cell]]:
    """The rows of a table as lists of (cell, its text in parts), in one pass without recursion.

    Where a cell or a row was never closed the next one lies inside it; it counts as the next one all the
    same.
    """
    from bs4 import NavigableString, Tag
    from bs4.element import PreformattedString

    lines: list[list[Cell]] = []
    stack = [(iter(table.children), None)]  # what is still to be visited, and the cell it belongs to
    while stack:
        children, cell = stack[-1]
        child = next(children, None)
        if child is None:
            stack.pop()
        elif isinstance(child, Tag) and child.name not in UNSEEN:
            if child.name == "tr":
                lines.append([])
                cell = None
            elif child.name in ("td", "th"):
                cell = (child, [])
                lines = lines or [[]]
                lines[-1].append(cell)
            elif child.name == "br" and cell:
                cell[1].append("\n")
            if child.name != "caption":
                stack.append((iter(child.children), cell))
        elif cell and isinstance(child, NavigableString) and not isinstance(child, PreformattedString):
            cell[1].append(re.sub(r"\s+", " ", child))
    return lines


def _span(cell: "Tag", name: str) -> int:
    value = str(cell.get(name, "1"))
    return min(max(int(value), 1), 50) if value.isascii() and value.isdecimal() and len(value) < 5 else 1


def _tidy(text: str) -> str:
    """No blanks around line ends, and one at most elsewhere."""
    return re.sub(r" *\n *", "\n", re.sub(r" +", " ", text)).strip()
