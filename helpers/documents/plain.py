"""Plain text to paragraphs, list items and question-and-answer lines.

Paragraphs are what empty lines separate; the lines inside one are kept as they are. Lines that begin with a
bullet are list items. Left out: guessing which lines are headings; a text that wants them can be saved as
Markdown.
"""

import re
from itertools import groupby

from helpers.documents.structure import ITEM, PARAGRAPH, Block

BULLET = re.compile(r"(?P<indent>[ \t]*)(?:[-*•·‣▪○●–]|\d{1,3}[.)])[ \t]+(?=\S)")


def read_plain(text: str) -> list[Block]:
    """The paragraphs and list items of a text."""
    lines = [line.rstrip() for line in text.replace("\f", "\n\n").split("\n")]
    groups = (list(group) for filled, group in groupby(lines, key=bool) if filled)
    return [block for group in groups for block in _blocks(group)]


def _blocks(lines: list[str]) -> list[Block]:
    """A paragraph; each bullet begins an item, to which the lines after it belong."""
    blocks: list[Block] = []
    parts: list[list[str]] = []
    for line in lines:
        if BULLET.match(line) or not parts:
            parts.append([])
        parts[-1].append(line)
    for part in parts:
        bullet = BULLET.match(part[0])
        text = "\n".join(line.strip() for line in part)
        if bullet:
            level = 1 + len(bullet["indent"].expandtabs(4)) // 2
            blocks.append(Block(ITEM, text[bullet.end() - len(bullet["indent"]) :], level=level))
        else:
            blocks.append(Block(PARAGRAPH, text))
    return blocks
