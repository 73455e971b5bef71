"""What PDFium knows of a page: pieces of text with their places and sizes, and ruled lines.

A PDF has no paragraphs, lines or even words: it says "put these letters there". PDFium (through pypdfium2)
tells each letter's place; here letters that follow each other on one base line become a `Run`. What runs mean
is decided in `pdf_layout`. Coordinates are points (1/72 inch), x to the right and y upwards, of the page as
it is shown.

Left out: rotated text (labels, watermarks), which is counted; text in images.
"""

import ctypes
import itertools
import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from helpers.documents import limits
from helpers.errors import DataError

if TYPE_CHECKING:
    import pypdfium2

COLUMN_GAP = 1.4  # of the letter size: wider gaps are between columns, not between words
HYPHENS = {"\x02": "-", "\ufffe": "-"}  # PDFium's own signs for a hyphen at the end of a line
SHORTEST_RULE = 20.0
RULE_THICKNESS = 2.0
SEGMENTS = 2_000  # of a path; more is a drawing
PATHS = 5_000
BORDERS = 300  # vertical rules; a page with more is a drawing
WHOLE = 0.95  # of the page's width or height: so long a rule near the page's edge is its background or frame

pdfium_lock = threading.RLock()  # PDFium must not be called by two threads at once


@dataclass
class Run:
    """Letters that stand side by side on one base line, in one size."""

    text: str
    left: float
    right: float
    base: float
    size: float
    bold: bool

    @property
    def top(self) -> float:
        return self.base + 0.75 * self.size


@dataclass(frozen=True)
class Rule:
    """A straight line: horizontal from `start` to `end` at the height `at`, or vertical likewise."""

    start: float
    end: float
    at: float
    horizontal: bool


@dataclass
class Page:
    """A page: its number from 1, its runs in the order of the file, its rules."""

    number: int
    width: float
    height: float
    runs: list[Run] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    rotated: int = 0  # letters that were left out
    unknown: int = 0  # letters whose character the file does not tell
    images: int = 0


def read_pages(content: bytes) -> list[Page]:
    """The pages of a PDF. Raises DataError when it is encrypted, damaged or too large."""
    import pypdfium2

    with pdfium_lock:
        try:
            pdf = pypdfium2.PdfDocument(content)
        except pypdfium2.PdfiumError as error:
            raise _why_not(pypdfium2, error) from error
        try:
            if len(pdf) > limits.PAGES:
                raise DataError(f"it has {len(pdf):,} pages, over the limit of {limits.PAGES:,}")
            pages, letters = [], 0
            for number in range(1, len(pdf) + 1):
                page = _read_page(pypdfium2, pdf, number)
                letters += sum(len(run.text) for run in page.runs)
                if letters > limits.CHARACTERS:
                    raise DataError(f"it has more than {limits.CHARACTERS:,} letters")
                pages.append(page)
            return pages
        finally:
            pdf.close()


def _why_not(pypdfium2, error: Exception) -> DataError:
    code = getattr(error, "err_code", None)
    if code == pypdfium2.raw.FPDF_ERR_PASSWORD:
        return DataError("it is encrypted: open it with its password and save a copy without one")
    if code == pypdfium2.raw.FPDF_ERR_SECURITY:
        return DataError("it is encrypted in a way that cannot be read: save a copy without protection")
    return DataError("it is damaged or incomplete: download it or save it again")


def _read_page(pypdfium2, pdf: "pypdfium2.PdfDocument", number: int) -> Page:
    raw = pypdfium2.raw
    try:
        page = pdf[number - 1]
    except pypdfium2.PdfiumError as error:
        raise DataError(f"its page {number} is damaged") from error
    try:
        textpage = page.get_textpage()
    except pypdfium2.PdfiumError as error:
        page.close()
        raise DataError(f"the text of its page {number} is damaged") from error
    try:
        turns = page.get_rotation() // 90 % 4
        width, height = page.get_size()
        read = Page(number, width, height)
        objects = itertools.islice(page.get_objects(max_depth=3), PATHS)
        for item in objects:
            if item.type == raw.FPDF_PAGEOBJ_PATH:
                read.rules += _rules(raw, item, turns)
            elif item.type == raw.FPDF_PAGEOBJ_IMAGE:
                read.images += 1
        read.rules = [rule for rule in read.rules if not _is_frame(rule, width, height)]
        letters = list(_letters(raw, textpage, turns, read))
        read.runs = list(_runs(letters, [rule for rule in read.rules if not rule.horizontal][:BORDERS]))
        if len(read.runs) > limits.RUNS:
            raise DataError(f"its page {number} is a drawing with {len(read.runs):,} separate pieces of text")
        return read
    finally:
        textpage.close()
        page.close()


# ----------------------------------------------------------------------------- letters to runs


@dataclass(frozen=True)
class _Letter:
    text: str
    left: float
    right: float
    base: float
    size: float
    bold: bool


def _letters(raw, textpage, turns: int, page: Page) -> Iterator[_Letter | None]:
    """The letters of a page; None where PDFium sees a gap between words."""
    count = textpage.count_chars()
    if count > limits.CHARACTERS:
        raise DataError(f"its page {page.number} has {count:,} letters")
    box, x, y = raw.FS_RECTF(), ctypes.c_double(), ctypes.c_double()
    styles: dict[int, tuple[float, bool, bool]] = {}
    high = 0
    for i in range(count):
        code = raw.FPDFText_GetUnicode(textpage, i)
        if 0xD800 <= code < 0xDC00:  # the first half of a character beyond U+FFFF
            high = code
            continue
        if 0xDC00 <= code < 0xE000:
            code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00) if high else 0xFFFD
        high = 0
        if raw.FPDFText_IsGenerated(textpage, i) == 1:
            yield None
            continue
        text = HYPHENS.get(chr(code), chr(code)) if code else "\ufffd"
        if text == "\ufffd" or 0xE000 <= code < 0xF900:  # private use: a symbol of that font
            page.unknown += 1
        handle = ctypes.cast(raw.FPDFText_GetTextObject(textpage, i), ctypes.c_void_p).value or -i
        if handle not in styles:
            styles[handle] = _style(raw, textpage, i, turns)
        size, bold, upright = styles[handle]
        if not upright:
            page.rotated += not text.isspace()
            continue
        raw.FPDFText_GetLooseCharBox(textpage, i, box)
        raw.FPDFText_GetCharOrigin(textpage, i, x, y)
        corners = [
            _turned(cx, cy, turns, page) for cx in (box.left, box.right) for cy in (box.bottom, box.top)
        ]
        base = _turned(x.value, y.value, turns, page)[1]
        edges = [corner[0] for corner in corners]
        if all(map(math.isfinite, (*edges, base, size))):
            yield _Letter(text, min(edges), max(edges), base, size, bold)


def _style(raw, textpage, i: int, turns: int) -> tuple[float, bool, bool]:
    """The size in points, whether it is bold, and whether it is upright on the page as shown."""
    matrix = raw.FS_MATRIX()
    raw.FPDFText_GetMatrix(textpage, i, matrix)
    scale = math.hypot(matrix.c, matrix.d)
    size = abs(raw.FPDFText_GetFontSize(textpage, i)) * scale
    angle = math.degrees(math.atan2(matrix.b, matrix.a)) - 90 * turns
    upright = abs((angle + 180) % 360 - 180) < 5
    name = ctypes.create_string_buffer(256)
    raw.FPDFText_GetFontInfo(textpage, i, name, 256, None)
    bold = raw.FPDFText_GetFontWeight(textpage, i) >= 600 or b"bold" in name.value.lower()
    return round(size, 1), bold, upright


def _turned(x: float, y: float, turns: int, page: Page) -> tuple[float, float]:
    """A place on a page that is shown turned clockwise by `turns` quarters."""
    if turns == 0:
        return x, y
    if turns == 1:
        return y, page.height - x
    if turns == 2:
        return page.width - x, page.height - y
    return page.width - y, x


def _runs(letters: list[_Letter | None], borders: Sequence[Rule] = ()) -> Iterator[Run]:
    """Letters side by side; a vertical rule (`borders`) between them ends a run."""
    run: Run | None = None
    gap = False
    for letter in letters:
        if letter is None:
            gap = True
            continue
        if letter.text.isspace():
            gap = True
            if run is not None and 0 <= letter.left - run.right < run.size:
                run.right = max(run.right, letter.right)  # a blank is no gap
                run.text += " "
            continue
        if run is not None and _follows(run, letter) and not _bordered(run, letter, borders):
            if gap and not run.text.endswith(" "):
                run.text += " "
            run.text += letter.text
            run.right = max(run.right, letter.right)
        else:
            if run is not None:
                yield from _closed(run)
            run = Run(letter.text, letter.left, letter.right, letter.base, letter.size, letter.bold)
        gap = False
    if run is not None:
        yield from _closed(run)


def _closed(run: Run) -> Iterator[Run]:
    if run.text.strip() and run.size > 0.5:
        yield run


def _follows(run: Run, letter: _Letter) -> bool:
    return (
        abs(letter.base - run.base) < 0.15 * run.size
        and -0.5 * run.size < letter.left - run.right < COLUMN_GAP * run.size
        and abs(letter.size - run.size) < 0.05 * run.size
        and letter.bold == run.bold
    )


def _bordered(run: Run, letter: _Letter, borders: Sequence[Rule]) -> bool:
    """Whether a vertical rule stands in the gap before a letter: two cells of a table."""
    if letter.left - run.right < 0.4 * run.size:
        return False
    return any(run.right < rule.at < letter.left and rule.start < run.base < rule.end for rule in borders)


# ----------------------------------------------------------------------------- ruled lines


def _rules(raw, item, turns: int) -> Iterator[Rule]:
    """The straight lines of a path: strokes, edges of boxes, and boxes so thin that they are lines."""
    path = item.raw
    count = raw.FPDFPath_CountSegments(path)
    if not 2 <= count <= SEGMENTS or turns:
        return
    matrix = item.get_matrix()
    x, y = ctypes.c_float(), ctypes.c_float()
    before = start = None
    for i in range(count):
        segment = raw.FPDFPath_GetPathSegment(path, i)
        kind = raw.FPDFPathSegment_GetType(segment)
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        point = matrix.on_point(x.value, y.value)
        if kind == raw.FPDF_SEGMENT_LINETO and before is not None:
            yield from _rule(before, point)
        elif kind == raw.FPDF_SEGMENT_MOVETO:
            start = point
        before = point
        if raw.FPDFPathSegment_GetClose(segment) and start is not None:
            yield from _rule(point, start)


def _is_frame(rule: Rule, width: float, height: float) -> bool:
    """Whether a rule is an edge of a page's background or of a frame around the whole page."""
    along, across = (width, height) if rule.horizontal else (height, width)
    near_edge = not (1 - WHOLE) * across < rule.at < WHOLE * across
    return near_edge and rule.end - rule.start > WHOLE * along


def _rule(a: tuple[float, float], b: tuple[float, float]) -> Iterator[Rule]:
    (ax, ay), (bx, by) = a, b
    if not all(map(math.isfinite, (ax, ay, bx, by))):
        return
    if abs(ay - by) < RULE_THICKNESS and abs(ax - bx) > SHORTEST_RULE:
        yield Rule(min(ax, bx), max(ax, bx), (ay + by) / 2, True)
    elif abs(ax - bx) < RULE_THICKNESS and abs(ay - by) > SHORTEST_RULE / 3:
        yield Rule(min(ay, by), max(ay, by), (ax + bx) / 2, False)
