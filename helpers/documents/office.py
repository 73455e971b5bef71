"""DOCX and XLSX to blocks.

A DOCX is a zip archive of XML parts; its body is walked in document order. defusedxml refuses the tricks that
XML allows (entities that multiply, files from elsewhere). python-docx would read the same files, but it needs
lxml, unpacks every part, images too, and has no footnotes and no levels of list items. XLSX goes through
openpyxl, row by row.

Left out of DOCX: text boxes' places, comments, headers and footers, deleted text, the numbers that Word puts
before list items. Left out of XLSX: formats beyond decimals and per cent, charts, merged cells' extent; of
formulas the value that was last saved.
"""

import datetime
import io
import re
import warnings
from collections.abc import Iterator
from itertools import groupby
from xml.etree.ElementTree import Element

from helpers.documents import limits
from helpers.documents.structure import FOOTNOTE, HEADING, ITEM, PARAGRAPH, Block, table_block
from helpers.errors import DataError

CONTAINERS = {
    "sdt",
    "sdtContent",
    "ins",
    "moveTo",
    "smartTag",
    "customXml",
    "hyperlink",
    "fldSimple",
    "dir",
    "bdo",
}
SKIPPED = {
    "del",
    "moveFrom",
    "Fallback",
    "instrText",
    "delText",
    "pPr",
    "rPr",
    "tblPr",
    "tcPr",
    "trPr",
    "sdtPr",
}
NUMBER_FORMAT = re.compile(r"(#,##)?0(?:\.(0{1,9}))?(%)?")
DEPTH = 100


def read_docx(content: bytes) -> tuple[list[Block], tuple[str, ...]]:
    """The blocks of a Word document; footnotes and endnotes at the end. Raises DataError."""
    archive = limits.Archive(content)
    body = _xml(archive, "word/document.xml")
    styles = _styles(_xml(archive, "word/styles.xml")) if "word/styles.xml" in archive.names else {}
    blocks = list(_blocks(body, styles, 0))
    for part in ("word/footnotes.xml", "word/endnotes.xml"):
        if part in archive.names:
            blocks += _footnotes(_xml(archive, part))
    return _below_title(blocks), ()


def _xml(archive: limits.Archive, name: str) -> Element:
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        return fromstring(archive.read(name), forbid_dtd=True)
    except DefusedXmlException as error:
        raise DataError(f"its part {name} declares entities, which no document does") from error
    except (ParseError, ValueError, LookupError) as error:
        raise DataError(f"its part {name} is no valid XML") from error


def _name(element: Element) -> str:
    """The name without its namespace: transitional and strict documents differ in that only."""
    return element.tag.rpartition("}")[2]


def _child(element: Element | None, *names: str) -> Element | None:
    """The first child of that name, then its child, and so on."""
    for name in names:
        element = next((c for c in element if _name(c) == name), None) if element is not None else None
    return element


def _value(element: Element | None, name: str = "val") -> str | None:
    if element is None:
        return None
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), None)


# ----------------------------------------------------------------------------- Word: styles

Style = tuple[str, int]  # kind of block, level; ("title", 0) is the document's title


def _styles(root: Element) -> dict[str, Style]:
    """What each paragraph style makes of a paragraph, by the style's id; a style may build on another."""
    found = {_value(style, "styleId"): style for style in root if _name(style) == "style"}
    return {key: _style(found, key, 0) for key in found if key is not None}


def _style(found: dict, key: str | None, depth: int) -> Style:
    style = found.get(key)
    if style is None or depth > 20:  # styles that build on each other in a circle
        return PARAGRAPH, 0
    name = (_value(_child(style, "name")) or "").lower()
    if name == "title":
        return "title", 0
    properties = _child(style, "pPr")
    number = name.removeprefix("heading ") if name.startswith("heading ") else None
    number = number or _outline(properties)
    if number and number.isdecimal() and 1 <= int(number) <= 9:
        return HEADING, int(number)
    if _child(properties, "numPr") is not None or name.startswith(("list bullet", "list number")):
        last = name.rpartition(" ")[2]
        return ITEM, int(last) if last in set("23456789") else 1 + _number(
            _child(properties, "numPr", "ilvl")
        )
    return _style(found, _value(_child(style, "basedOn")), depth + 1)


def _outline(properties: Element | None) -> str | None:
    level = _value(_child(properties, "outlineLvl"))
    return str(int(level) + 1) if level in set("012345678") else None


def _number(element: Element | None) -> int:
    value = _value(element) or ""
    return int(value) if value in set("012345678") else 0


# ----------------------------------------------------------------------------- Word: the body


def _blocks(parent: Element, styles: dict[str, Style], depth: int) -> Iterator[Block]:
    if depth > DEPTH:
        raise DataError("its parts are nested too deeply")
    for element in parent:
        name = _name(element)
        if name == "p":
            yield from _paragraph(element, styles, depth)
        elif name == "tbl":
            rows = _rows(element, depth)
            if any(any(row) for row in rows):
                yield table_block(rows)
        elif name in CONTAINERS or name in ("body", "AlternateContent", "Choice"):
            yield from _blocks(element, styles, depth + 1)


def _paragraph(paragraph: Element, styles: dict[str, Style], depth: int) -> Iterator[Block]:
    properties = _child(paragraph, "pPr")
    kind, level = styles.get(_value(_child(properties, "pStyle")) or "", (PARAGRAPH, 0))
    if number := _outline(properties):
        kind, level = HEADING, int(number)
    numbering = _child(properties, "numPr")
    if numbering is not None and kind in (PARAGRAPH, ITEM):
        listed = _value(_child(numbering, "numId")) != "0"
        kind, level = (ITEM, 1 + _number(_child(numbering, "ilvl"))) if listed else (PARAGRAPH, 0)
    boxes: list[Element] = []
    text = _tidy("".join(_words(paragraph, boxes, 0)))
    if text:
        yield Block(kind, text, level=level)
    for box in boxes:  # a text box is anchored in a paragraph; it is read after it
        yield from _blocks(box, styles, depth + 1)


def _words(element: Element, boxes: list[Element], depth: int) -> Iterator[str]:
    if depth > DEPTH:
        raise DataError("its parts are nested too deeply")
    for part in element:
        name = _name(part)
        if name == "t":
            yield part.text or ""
        elif name in ("tab", "ptab"):
            yield "\t"
        elif name == "cr" or (name == "br" and _value(part, "type") in (None, "textWrapping")):
            yield "\n"
        elif name == "noBreakHyphen":
            yield "-"
        elif name == "txbxContent":
            boxes.append(part)
        elif name not in SKIPPED:
            yield from _words(part, boxes, depth + 1)


def _rows(table: Element, depth: int) -> list[list[str]]:
    """The cells of a table; one that spans columns or rows stands in each of them."""
    rows: list[list[str]] = []
    for tr in _inside(table, "tr", 0):
        row: list[str] = []
        for cell in _inside(tr, "tc", 0):
            text = "\n".join(block.text for block in _blocks(cell, {}, depth + 1))
            merged = _child(cell, "tcPr", "vMerge")
            if merged is not None and _value(merged) != "restart" and rows and len(row) < len(rows[-1]):
                text = rows[-1][len(row)]
            span = _value(_child(cell, "tcPr", "gridSpan")) or "1"
            row += [text] * (
                int(span) if span.isascii() and span.isdecimal() and 0 < int(span[:3]) <= 63 else 1
            )
        rows.append(row)
    return rows


def _inside(element: Element, wanted: str, depth: int) -> Iterator[Element]:
    for part in element:
        if _name(part) == wanted:
            yield part
        elif _name(part) in CONTAINERS and depth < DEPTH:
            yield from _inside(part, wanted, depth + 1)


def _footnotes(root: Element) -> Iterator[Block]:
    for note in root:
        if _value(note, "type") in (None, "normal"):  # the others are the lines above the notes
            text = " ".join(block.text for block in _blocks(note, {}, 0))
            if text:
                yield Block(FOOTNOTE, f"{_value(note, 'id')} {text}")


def _below_title(blocks: list[Block]) -> list[Block]:
    """A title is a heading of level 1, and what was level 1 goes below it."""
    if not any(block.kind == "title" for block in blocks):
        return blocks
    lower = {"title": 1, HEADING: 1}
    return [
        Block(HEADING, block.text, level=block.level + lower[block.kind]) if block.kind in lower else block
        for block in blocks
    ]


def _tidy(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.split("\n")).strip()


# ----------------------------------------------------------------------------- Excel


def read_xlsx(content: bytes) -> tuple[list[Block], tuple[str, ...]]:
    """Each sheet as a heading (its name) and its tables, which empty rows separate. Raises DataError."""
    import openpyxl

    limits.Archive(content).read_text_parts()  # all sizes, for real; openpyxl unpacks without a limit
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # openpyxl warns of features that it leaves out
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        try:
            cells, blocks, sheets = 0, [], []
            for sheet in book.worksheets:
                rows = []
                sheet.reset_dimensions()  # what it says of its size may be wrong
                for line in sheet.iter_rows():
                    row = [_cell(cell.value, cell.number_format) for cell in line]
                    cells += max(len(row), 1)
                    if cells > limits.CELLS:
                        raise DataError(f"it has more than {limits.CELLS:,} cells, empty ones included")
                    rows.append(row)
                blocks += [Block(HEADING, sheet.title, level=1), *_tables(rows)]
                hidden = "" if sheet.sheet_state == "visible" else ", hidden"
                sheets.append(f"{sheet.title} ({sum(map(any, rows)):,} rows{hidden})")
        finally:
            book.close()
    return blocks, (f"All sheets were read: {', '.join(sheets)}.",)


def _tables(rows: list[list[str]]) -> Iterator[Block]:
    """Rows between empty rows are a table; a line of one cell, alone or on top, is a paragraph."""
    for filled, group in groupby(rows, key=any):
        lines = list(group)
        while (
            filled and lines and sum(map(bool, lines[0])) == 1 and (len(lines) == 1 or _width(lines[1:]) > 1)
        ):
            yield Block(PARAGRAPH, next(filter(None, lines.pop(0))))
        if filled and lines:
            first = min(next(i for i, cell in enumerate(line) if cell) for line in lines)
            last = _width(lines)
            yield table_block([line[first:last] for line in lines])


def _width(rows: list[list[str]]) -> int:
    return max(max((i for i, cell in enumerate(row, start=1) if cell), default=0) for row in rows)


def _cell(value: object, shown_as: str | None) -> str:
    """A cell's value as text: 3.0 as "3", with the format "0.00" as "3.00"; a day as "2026-11-22"."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float) and (form := NUMBER_FORMAT.fullmatch(shown_as or "")):
        return f"{value:{',' if form[1] else ''}.{len(form[2] or '')}{form[3] or 'f'}}"
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    return str(value).strip()
