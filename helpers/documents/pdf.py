"""PDF to blocks: paragraphs, headings, list items, tables and footnotes, each with its page.

`pdf_pages` says which letters stand where, `pdf_lines` makes lines of them, `pdf_heads` takes the running
heads out, `pdf_tables` finds tables; here lines become blocks. Larger letters than the text's are headings,
smaller ones at the foot of a page that begin with a mark are footnotes, a wider space or an indent begins a
paragraph. Words that a line end divides are joined again where the whole word is plausible. What was taken
out, and what was guessed about divided words, is told in the notes.

Left out: scanned pages (use a program for text recognition first), forms, annotations, bold headings in the
text's size.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

from helpers.documents import pdf_heads
from helpers.documents.pdf_lines import BULLET, MARK_END, MARK_START, Line, columns_of
from helpers.documents.pdf_pages import Page, read_pages
from helpers.documents.pdf_tables import Grid, with_tables
from helpers.documents.structure import FOOTNOTE, HEADING, ITEM, PARAGRAPH, Block, table_block
from helpers.errors import DataError

HEADING_RATIO, FOOTNOTE_RATIO = 1.12, 0.92
NOTE = re.compile(rf"{MARK_START}?(\d{{1,2}}|[*†‡§]{{1,2}})(?:{MARK_END}\s*|[.)]?\s+)(?=\S)")
MARKS = re.compile(f"{MARK_START}([^{MARK_END}]*){MARK_END}")
LIST_MARK = re.compile(rf"(?:{BULLET.pattern})\s+(?=\S)")
SIGN_MARK = re.compile(r"[-•‣▪○●·–*]\s+(?=\S)")  # a list's, never a heading's
NUMBERED = re.compile(
    r"(?:\d{1,2}\.)+(?:\d{1,2})?\)?\s|\d{1,2}\)\s|제\s?\d{1,3}\s?[장절조]"
)  # a heading begins
QUESTION = re.compile(r"(?:Q|A|Question|Answer|질문|답변|문|답)\s?\d{0,3}\s?[.:：]\s", re.IGNORECASE)
SENTENCE_END = re.compile(r"[.!?…。:：;]['\")\]’”]*$")
DIVIDED = re.compile(r"([^\W\d_]+)[-\u00ad\u2010]$")
HYPHENATED = re.compile(r"[^\W\d_]-[^\W\d_]+$")  # a word with a hyphen in it already: "state-of-the"
FIRST_WORD = re.compile(r"[^\W\d_]+")
WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
HANGUL = re.compile(r"[가-힣]")
UNSPACED = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")  # Japanese and Chinese are written without blanks


def read_pdf(content: bytes) -> tuple[list[Block], tuple[str, ...]]:
    """The blocks of a PDF, and notes. Raises DataError when it is encrypted, scanned, damaged, too large."""
    pages = read_pages(content)
    if not any(page.runs for page in pages):
        raise DataError(_why_empty(pages))
    body_size = _body_size(pages)
    heads = pdf_heads.running_heads(pages, body_size)
    clean = pdf_heads.without(pages, heads)
    vocabulary = Words(
        word.lower() for page in clean for run in page.runs for word in WORD.findall(run.text.strip()[:-1])
    )
    sizes = _heading_sizes(clean, body_size)
    blocks: list[Block] = []
    for page in clean:
        _append(blocks, _page_blocks(page, body_size, sizes, vocabulary), vocabulary)
    return blocks, (*_notes(pages), *pdf_heads.told(heads), *_divided(vocabulary))


class Words(Counter):
    """How often each word of a document occurs, and what was decided about hyphens at its lines' ends."""

    def __init__(self, words: Iterable[str] = ()):
        super().__init__(words)
        self.joined: list[str] = []
        self.kept: list[str] = []


def _divided(words: Words) -> list[str]:
    decided = (("joined again", words.joined), ("left with their hyphen", words.kept))
    parts = [f"{len(found):,} {what} ({_listed(found)})" for what, found in decided if found]
    return [f"Words divided at a line's end, by guess: {'; '.join(parts)}."] if parts else []


def _listed(found: list[str], most: int = 6) -> str:
    return ", ".join(found[:most]) + (", …" if len(found) > most else "")


def _why_empty(pages: Sequence[Page]) -> str:
    if any(page.images for page in pages):
        return (
            "its pages are pictures without a text layer, so it was scanned: run text recognition (OCR) over "
            "it first, for example with OCRmyPDF"
        )
    return "it holds no text"


def _notes(pages: Sequence[Page]) -> list[str]:
    notes = []
    if empty := [str(page.number) for page in pages if not page.runs]:
        listed = ", ".join(empty[:10]) + (", …" if len(empty) > 10 else "")
        notes.append(f"Pages without text, perhaps scanned or empty: {listed}.")
    if rotated := sum(page.rotated for page in pages):
        notes.append(f"{rotated:,} letters of rotated text were left out.")
    letters = sum(len(run.text) for page in pages for run in page.runs)
    if (unknown := sum(page.unknown for page in pages)) > 0.05 * letters:
        notes.append(
            f"For {unknown:,} of {letters:,} letters the file does not say which they are: look at the text "
            "before you use it, or run text recognition (OCR) over the pages."
        )
    return notes


def _body_size(pages: Sequence[Page]) -> float:
    """The size in which most letters are set."""
    letters: Counter[float] = Counter()
    for page in pages:
        for run in page.runs:
            letters[round(run.size * 2) / 2] += len(run.text)
    return max(letters, key=lambda size: (letters[size], size))


def _heading_sizes(pages: Sequence[Page], body_size: float) -> list[float]:
    """The sizes of headings, largest first, up to six."""
    sizes = {run.size for page in pages for run in page.runs if run.size >= HEADING_RATIO * body_size}
    distinct: list[float] = []
    for size in sorted(sizes, reverse=True):
        if not distinct or distinct[-1] - size > 0.6:
            distinct.append(size)
    return distinct[:6]


# ----------------------------------------------------------------------------- lines to blocks


def _page_blocks(page: Page, body_size: float, sizes: list[float], vocabulary: Counter) -> list[Block]:
    items = [item for group in columns_of(page, page.runs) for item in with_tables(page, group)]
    items, notes = _split_notes(items, body_size)
    labels = {NOTE.match(lines[0].text)[1] for lines in notes}
    blocks: list[Block] = []
    for lines in _paragraphs(items, body_size):
        if isinstance(lines, Grid):
            rows = [[_joined(cell, labels, vocabulary) for cell in row] for row in lines.rows]
            blocks.append(table_block(rows, page.number))
        else:
            blocks.append(_block(lines, sizes, labels, vocabulary))
    for lines in notes:
        text = _joined([line.text for line in lines], set(), vocabulary)
        blocks.append(Block(FOOTNOTE, NOTE.sub(r"\1 ", text, count=1), page=page.number))
    return [block for block in blocks if block.text]


def _split_notes(items: list[Line | Grid], body_size: float) -> tuple[list[Line | Grid], list[list[Line]]]:
    """The footnotes at the end of a page, each as its lines, apart from the rest.

    The first must have a mark that is raised, there or in the text, or a star or dagger: small print that
    begins with a number is not enough.
    """
    start = len(items)
    cells = [item.text for item in items if isinstance(item, Line)]
    cells += [
        text for item in items if isinstance(item, Grid) for row in item.rows for c in row for text in c
    ]
    raised = {mark for text in cells for mark in MARKS.findall(text)}
    while (
        start and isinstance(items[start - 1], Line) and items[start - 1].size <= FOOTNOTE_RATIO * body_size
    ):
        start -= 1
    while start < len(items) and not _is_note(items[start].text, raised):
        start += 1
    notes: list[list[Line]] = []
    for line in items[start:]:
        if NOTE.match(line.text):
            notes.append([])
        notes[-1].append(line)
    return items[:start], notes


def _is_note(text: str, raised: set[str]) -> bool:
    mark = NOTE.match(text)
    return bool(mark) and (mark[1] in raised or not mark[1].isdigit())


def _paragraphs(items: list[Line | Grid], body_size: float) -> list[list[Line] | Grid]:
    """Lines that belong together; tables as they are."""
    steps = [
        a.base - b.base
        for a, b in pairwise(items)
        if isinstance(a, Line)
        and isinstance(b, Line)
        and a.size == b.size
        and 0 < a.base - b.base < 3 * a.size
    ]
    leading = median(steps) if steps else 1.4 * body_size
    leading = min(leading, 1.8 * body_size)
    groups: list[list[Line] | Grid] = []
    for item in items:
        last = groups[-1] if groups else None
        if isinstance(item, Line) and isinstance(last, list) and _goes_on(last, item, leading, body_size):
            last.append(item)
        else:
            groups.append([item] if isinstance(item, Line) else item)
    return groups


def _goes_on(lines: list[Line], line: Line, leading: float, body_size: float) -> bool:
    before = lines[-1]
    step = before.base - line.base
    if abs(before.size - line.size) > 0.6 or step < 0:
        return (
            step < -3 * body_size and abs(before.size - line.size) <= 0.6 and _unfinished(before.text)
        )  # next column
    if line.size >= HEADING_RATIO * body_size:
        begins = NUMBERED.match(line.text) or SIGN_MARK.match(line.text)
        return step < 1.5 * line.size and not begins
    if step > 1.3 * max(leading, 1.1 * line.size) or before.bold != line.bold:
        return False
    if LIST_MARK.match(line.text) or QUESTION.match(line.text):
        return False
    indent = line.left - lines[0].left
    if LIST_MARK.match(lines[0].text):
        return indent > 0.5 * line.size  # what follows an item stands under its text
    return not (
        len(lines) >= 1 and indent > 0.8 * line.size and before.left - lines[0].left <= 0.8 * line.size
    )


def _block(lines: list[Line], sizes: list[float], labels: set[str], vocabulary: Counter) -> Block:
    text = _joined([line.text for line in lines], labels, vocabulary)
    page, size = lines[0].page, lines[0].size
    level = next((i for i, known in enumerate(sizes, start=1) if abs(size - known) <= 0.6), 0)
    if level and len(text) < 300 and not SIGN_MARK.match(text):
        return Block(HEADING, text, level=level, page=page)
    if mark := LIST_MARK.match(text):
        numbered = mark[0].strip() if mark[0].strip()[0].isalnum() or mark[0][0] == "(" else ""
        return Block(ITEM, f"{numbered} {text[mark.end() :]}".strip(), level=1, page=page)
    return Block(PARAGRAPH, text, page=page)


def _append(blocks: list[Block], more: list[Block], vocabulary: Counter) -> None:
    """Add a page's blocks; a paragraph that the page's end has cut goes on where it began."""
    kinds = (PARAGRAPH, ITEM)
    last = next((i for i in range(len(blocks) - 1, -1, -1) if blocks[i].kind != FOOTNOTE), None)
    if more and last is not None and more[0].kind == PARAGRAPH and blocks[last].kind in kinds:
        old, new = blocks[last], more[0]
        starts_low = not new.text[0].isupper() and not QUESTION.match(new.text)
        if _unfinished(old.text) and starts_low:
            text = _joined([old.text, new.text], set(), vocabulary)
            blocks[last] = Block(old.kind, text, old.level, old.page)
            more = more[1:]
    blocks += more


def _unfinished(text: str) -> bool:
    return not SENTENCE_END.search(MARKS.sub("", text).rstrip())


# ----------------------------------------------------------------------------- lines to text


def _joined(lines: Sequence[str], labels: set[str], vocabulary: Counter) -> str:
    """Lines as one text: divided words mended, references to footnotes (`labels`) taken out."""
    text = ""
    for line in lines:
        ended_in_blank, line = line.endswith(" "), _plain(line, labels)
        text = _join(text, line, vocabulary) if text else line
        text += " " if ended_in_blank and HANGUL.search(text[-1:]) else ""
    return " ".join(text.replace("\u00ad", "").split())


def _plain(line: str, labels: set[str]) -> str:
    line = MARKS.sub(lambda mark: "" if mark[1] in labels else mark[1], line)
    line = "".join(" " if unicodedata.category(character) == "Cc" else character for character in line)
    return line.strip()


def _join(text: str, line: str, vocabulary: Counter) -> str:
    if not line:
        return text
    divided, first = DIVIDED.search(text), FIRST_WORD.match(line)
    if divided and first:
        apart = was_divided(divided[1], first[0], vocabulary, text[-1], text[:-1])
        if isinstance(vocabulary, Words):
            (vocabulary.joined if apart else vocabulary.kept).append(f"{divided[1]}-{first[0]}")
        return text[:-1] + line if apart else text + line
    if UNSPACED.match(text[-1]) and UNSPACED.match(line):
        return text + line
    if HANGUL.match(text[-1]) and HANGUL.match(line) and _is_cut(text, line, vocabulary):
        return text + line
    return f"{text.rstrip()} {line}"


def was_divided(start: str, end: str, vocabulary: Counter, hyphen: str = "-", before: str = "") -> bool:
    """Whether a hyphen at a line's end only divides a word ("ship-ping"), or is its own ("well-known").

    A guess: `start` and `end` are the letters on both sides, `vocabulary` counts the document's words in
    small letters, `before` is the text up to the hyphen.
    """
    if vocabulary[f"{start}-{end}".lower()] or HYPHENATED.search(before):
        return False
    if vocabulary[f"{start}{end}".lower()] or hyphen == "\u00ad":
        return True
    if not end[0].islower() or start.isupper():
        return False
    both_are_words = min(len(start), len(end)) >= 4 and _met_elsewhere(start, end, vocabulary)
    return not both_are_words and start.lower() not in {"self", "non", "well", "half", "all", "semi"}


def _is_cut(text: str, line: str, vocabulary: Counter) -> bool:
    """Whether a line's end cut a Korean word: the whole is a word of the document, the halves are not."""
    start, end = re.search(r"[가-힣]+$", text)[0], re.match(r"[가-힣]+", line)[0]
    return bool(vocabulary[start + end]) and not _met_elsewhere(start, end, vocabulary)


def _met_elsewhere(start: str, end: str, vocabulary: Counter) -> bool:
    """Whether both halves are words elsewhere in the document; here each has been counted once."""
    return min(vocabulary[start.lower()], vocabulary[end.lower()]) > 1
