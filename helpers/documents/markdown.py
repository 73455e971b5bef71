"""Markdown to blocks, through mistune (CommonMark with tables, footnotes and definition lists).

Emphasis, links and images become their words; code stays as it stands, in one block. HTML inside is read as
HTML. Left out: the metadata between `---` lines at the top (YAML), which is dropped with a note; mathematics.
"""

import html
import re

from helpers.documents.structure import (
    CODE,
    DEFINITION,
    FOOTNOTE,
    HEADING,
    ITEM,
    PARAGRAPH,
    TERM,
    Block,
    table_block,
)
from helpers.documents.web import check_length, read_html

PLUGINS = ["table", "footnotes", "def_list", "strikethrough"]
FRONT_MATTER = re.compile(r"---[ \t]*\n(?:[^\n]{0,1000}\n){0,100}?---[ \t]*\n")
DEPTH = 50


def read_markdown(text: str) -> tuple[list[Block], tuple[str, ...]]:
    """The blocks of a Markdown text, and notes. Raises DataError when it is too long."""
    import mistune

    check_length(text)
    notes: tuple[str, ...] = ()
    if front := FRONT_MATTER.match(text):
        text = text[front.end() :]
        notes = ("The metadata at the top (between the --- lines) was left out.",)
    tokens = mistune.create_markdown(renderer=None, plugins=PLUGINS)(text)
    return _blocks(tokens, 0), notes


def _blocks(tokens: list[dict], depth: int, kind: str = PARAGRAPH, level: int = 0) -> list[Block]:
    """The blocks of mistune's tokens; the first text block takes `kind` and `level`, as in a list item."""
    blocks: list[Block] = []
    for token in tokens:
        name, children = token["type"], token.get("children", [])
        if name == "heading":
            blocks += _text_block(HEADING, children, token["attrs"]["level"])
        elif name in ("paragraph", "block_text"):
            first = not blocks or kind == DEFINITION
            blocks += _text_block(kind if first else PARAGRAPH, children, level if first else 0)
        elif name == "block_code":
            blocks.append(Block(CODE, token["raw"].rstrip("\n")))
        elif name == "table":
            blocks.append(table_block(_rows(children)))
        elif name == "list":
            items = [] if depth > DEPTH else children
            inner = 1 + token["attrs"]["depth"]
            blocks += [b for item in items for b in _blocks(item["children"], depth + 1, ITEM, inner)]
        elif name == "def_list_head":
            blocks += _text_block(TERM, children)
        elif name == "def_list_item":
            blocks += _blocks(children, depth + 1, DEFINITION)
        elif name == "footnote_item":
            label = token["attrs"]["key"]
            notes = " ".join(block.text for block in _blocks(children, depth + 1))
            blocks.append(Block(FOOTNOTE, f"{label} {notes}"))
        elif name == "block_html":
            blocks += read_html(token["raw"])[0]
        elif children and depth <= DEPTH:  # quotations, the list of footnotes
            blocks += _blocks(children, depth + 1)
    return blocks


def _text_block(kind: str, children: list[dict], level: int = 0) -> list[Block]:
    lines = "".join(_words(children, 0)).split("\n")
    text = "\n".join(" ".join(line.split()) for line in lines).strip()
    return [Block(kind, text, level=level)] if text else []


def _words(tokens: list[dict], depth: int) -> list[str]:
    """The words of inline tokens; a line end in the source is a blank, a forced one a line end."""
    words: list[str] = []
    for token in tokens:
        name = token["type"]
        if name == "softbreak":
            words.append(" ")
        elif name == "linebreak" or (name == "inline_html" and token["raw"].lower().startswith("<br")):
            words.append("\n")
        elif name in ("inline_html", "footnote_ref"):
            continue
        elif "children" in token:
            words += _words(token["children"], depth + 1) if depth <= DEPTH else []
        else:
            raw = token.get("raw", "")
            words.append(raw if name == "codespan" else html.unescape(raw))
    return words


def _rows(parts: list[dict]) -> list[list[str]]:
    rows = []
    for part in parts:
        holders = [part] if part["type"] == "table_head" else part.get("children", [])
        rows += [
            ["".join(_words(cell["children"], 0)).strip() for cell in row["children"]] for row in holders
        ]
    return rows
