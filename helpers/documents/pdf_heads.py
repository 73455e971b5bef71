"""Running heads and page numbers of a PDF: found, taken out, and told.

A line at the upper or lower edge goes when it comes again at the same height on several pages, or when it
begins or ends with the page's number. Figures may differ from page to page only where they count the pages:
"Page 2 of 8" goes; "Total: 40 euros", with another sum on each page, is what a form says, and stays.

Left out: page numbers in Roman figures. A form whose first line is the same on all pages loses it; `told`
says so, so that nothing goes unseen.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

from helpers.documents.pdf_lines import Line, lines_of, parts_of
from helpers.documents.pdf_pages import Page

EDGE_LINES = 3  # running heads are looked for among so many lines at the top and at the bottom,
EDGE = 0.12  # within this share of the page's height
SAME_HEIGHT = 4.0
LARGE = 1.1  # of the text's size: larger letters are a heading's
FIGURES = re.compile(r"\d+")
MOST_FIGURES = 4  # of a line that are tried as the page's number
NUMBERING = re.compile(r"(?:page|p\.|seite|of|von|쪽|페이지|[#\s/|–-])+", re.IGNORECASE)
TOLD = 5  # different heads in a note
SHOWN = 60  # letters of each


def running_heads(pages: Sequence[Page], body_size: float) -> list[list[Line]]:
    """For each page the lines that are running heads or page numbers."""
    edges = [_edge_lines(page) for page in pages]
    seen: Counter[tuple[str, int]] = Counter()
    for lines in edges:
        seen.update({(key, _place(line)) for line in lines for key in _keys(line, body_size)})
    found = [{offset for line in lines for offset in _offsets(line, body_size)} for lines in edges]
    offsets = Counter(offset for page_offsets in found for offset in page_offsets)
    needed = max(2, round(0.3 * len(pages)))
    numbering = {offset for offset, times in offsets.most_common(1) if times >= max(3, needed)}
    return [
        [
            line
            for line in lines
            if _times(seen, line, body_size) >= needed or _offsets(line, body_size) & numbering
        ]
        for lines in edges
    ]


def without_running_heads(pages: Sequence[Page], body_size: float) -> list[Page]:
    """The pages without their running heads."""
    return without(pages, running_heads(pages, body_size))


def without(pages: Sequence[Page], heads: Sequence[Sequence[Line]]) -> list[Page]:
    """The pages without those lines, a list of them for each page."""
    kept = []
    for page, lines in zip(pages, heads):
        gone = {id(part) for line in lines for cell in line.cells for part in parts_of(cell)}
        kept.append(replace(page, runs=[run for run in page.runs if id(run) not in gone]))
    return kept


def told(heads: Sequence[Sequence[Line]]) -> list[str]:
    """A note that says which lines were taken out, and how often; none where there were none."""
    seen = Counter(FIGURES.sub("#", _text(line)) for lines in heads for line in lines)
    if not seen:
        return []
    shown = [
        f"{_shortened(text)!r} ({times:,} {'time' if times == 1 else 'times'})"
        for text, times in seen.most_common(TOLD)
    ]
    more = f", and {len(seen) - TOLD:,} others" if len(seen) > TOLD else ""
    return [f"Taken out as running heads (# for figures): {', '.join(shown)}{more}."]


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN else text[:SHOWN] + " …"


def _edge_lines(page: Page) -> list[Line]:
    lines = lines_of(page.runs, page.number)
    upper = [line for line in lines[:EDGE_LINES] if line.base > (1 - EDGE) * page.height]
    return upper + [line for line in lines[-EDGE_LINES:] if line.base < EDGE * page.height]


def _text(line: Line) -> str:
    return " ".join(line.text.split())


def _place(line: Line) -> int:
    return round(line.base / SAME_HEIGHT)


def _keys(line: Line, body_size: float) -> set[str]:
    """What the line is called when it is counted: as it stands, and with figures as distances from the page.

    "Page 2 of 8" on page 2 is also "Page +0 of 8", as "Page 3 of 8" is on page 3.
    """
    text = _text(line)
    # "Chapter 1" and "Chapter 2" in large letters are headings, not one running head
    if line.size > LARGE * body_size:
        return {text}
    if NUMBERING.fullmatch(bare := FIGURES.sub("#", text)):
        return {bare}  # a page number that begins again with each part of the file
    return set(_numbered(text, line.page))


def _numbered(text: str, page: int) -> Iterator[str]:
    between, figures = FIGURES.split(text), FIGURES.findall(text)
    choices = [
        (figure, f"{int(figure) - page:+}") if i < MOST_FIGURES and len(figure) <= 4 else (figure,)
        for i, figure in enumerate(figures)
    ]
    for chosen in product(*choices):
        yield "".join(a + b for a, b in zip(between, (*chosen, "")))


def _times(seen: Counter, line: Line, body_size: float) -> int:
    place = _place(line)
    return max(seen[key, place + near] for key in _keys(line, body_size) for near in (-1, 0, 1))


def _offsets(line: Line, body_size: float) -> set[int]:
    """How far a number at the line's beginning or end is from the page's place in the file.

    A page number is equally far on all pages.
    """
    if line.size > LARGE * body_size:
        return set()
    numbers = re.findall(r"^\d{1,4}\b|\b\d{1,4}$", line.text.strip(" -–"))
    return {int(number) - line.page for number in numbers}
