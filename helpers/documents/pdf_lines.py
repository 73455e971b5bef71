"""From runs of a page to lines in reading order.

The page is cut into columns, and each column into lines; `pdf_heads` takes the running heads out before. Left
out: columns of unlike width in a newspaper's manner; text set in circles and the like.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from helpers.documents.pdf_pages import COLUMN_GAP, Page, Run

MARK_START, MARK_END = "\ue000", "\ue001"  # around raised figures: they may be references to footnotes
RAISED_LETTERS = 3
NEAR = 300  # pieces of text below a raised figure that are looked at
BULLET = re.compile(r"[-•‣▪○●·–*]|\(?\d{1,2}[.)]|\(?[a-z][.)]|[①-⑳]")


@dataclass
class Line:
    """A line of text: its cells from left to right (one, unless wide gaps divide it)."""

    cells: list[Run]
    page: int

    @property
    def text(self) -> str:
        return " ".join(cell.text.strip() for cell in self.cells)

    @property
    def left(self) -> float:
        return self.cells[0].left

    @property
    def right(self) -> float:
        return max(cell.right for cell in self.cells)

    @property
    def base(self) -> float:
        return self.cells[0].base

    @property
    def size(self) -> float:
        return max(self.cells, key=lambda cell: len(cell.text)).size

    @property
    def bold(self) -> bool:
        return all(cell.bold for cell in self.cells)


# ----------------------------------------------------------------------------- lines


@dataclass
class Cell(Run):
    """Runs with no wide gap between them."""

    parts: list[Run] = field(default_factory=list)


def parts_of(cell: Run) -> list[Run]:
    """The runs that a cell is made of."""
    return cell.parts if isinstance(cell, Cell) else [cell]


def lines_of(runs: Sequence[Run], page: int) -> list[Line]:
    """Runs gathered to lines, from the top down; raised figures stand between marks."""
    raised = _raised(runs)
    rows: list[list[Run]] = []
    height = largest = 0.0
    for run in sorted(runs, key=lambda run: (-raised.get(id(run), run.base), run.left)):
        base = raised.get(id(run), run.base)
        if rows and height - base < 0.4 * max(run.size, largest):
            rows[-1].append(run)
            largest = max(run.size, largest)
        else:
            rows.append([run])
            height, largest = base, run.size
    return [Line(_cells(row, raised), page) for row in rows]


def _raised(runs: Sequence[Run]) -> dict[int, float]:
    """Small raised figures (their `id`), and the base line of the text that each belongs to."""
    found: dict[int, float] = {}
    ordered = sorted(runs, key=lambda run: run.base)
    bases = [run.base for run in ordered]
    largest = max((run.size for run in runs), default=0.0)
    for run in runs:
        if len(run.text.strip()) > RAISED_LETTERS:
            continue
        below = slice(bisect_left(bases, run.base - 0.7 * largest), bisect_left(bases, run.base))
        for other in ordered[below][-NEAR:]:
            apart = min(abs(run.left - other.right), abs(other.left - run.right))
            rise = run.base - other.base
            if other.size > 1.1 * run.size and 0.2 < rise / other.size < 0.7 and apart < 0.5 * other.size:
                found[id(run)] = other.base
                break
    return found


def _cells(row: list[Run], raised: dict[int, float]) -> list[Run]:
    size = max(run.size for run in row)
    cells: list[Cell] = []
    for run in sorted(row, key=lambda run: run.left):
        is_raised = id(run) in raised
        blank = " " if run.text.endswith(" ") else ""
        text = f"{MARK_START}{run.text.strip()}{MARK_END}{blank}" if is_raised else run.text
        before = cells[-1] if cells else None
        if before and run.left - before.right < COLUMN_GAP * size:
            gap = run.left - before.right > 0.15 * size and not is_raised
            before.text += (" " if gap and not before.text.endswith(" ") else "") + text
            before.right = max(before.right, run.right)
            before.bold = before.bold and (run.bold or is_raised)
            before.parts.append(run)
            before.size = max(before.size, run.size)
        else:
            base = raised.get(id(run), run.base)
            cells.append(Cell(text, run.left, run.right, base, run.size, run.bold, [run]))
    return _without_bullet_gap(cells)


def _without_bullet_gap(cells: list[Cell]) -> list[Run]:
    """A bullet or a number is no column of its own."""
    if len(cells) == 2 and (
        BULLET.fullmatch(cells[0].text.strip()) or re.fullmatch(r"[\d.]{1,8}", cells[0].text.strip())
    ):
        first, second = cells
        text = f"{first.text.strip()} {second.text}"
        parts = first.parts + second.parts
        return [Cell(text, first.left, second.right, second.base, second.size, second.bold, parts)]
    return list(cells)


# ----------------------------------------------------------------------------- columns


def columns_of(page: Page, runs: list[Run], depth: int = 0) -> list[list[Run]]:
    """The runs in groups in reading order: one group, or those of a page set in columns."""
    gutter = _gutter(page, runs) if depth < 3 else None
    if gutter is None:
        return [runs]
    groups: list[list[Run]] = []
    stretch: list[Run] = []

    def close() -> None:
        left = [run for run in stretch if run.right <= gutter]
        right = [run for run in stretch if run.right > gutter]
        for side in (left, right):
            groups.extend(columns_of(page, side, depth + 1) if side else [])
        stretch.clear()

    for line in lines_of(runs, page.number):
        parts = [part for cell in line.cells for part in parts_of(cell)]
        if any(part.left < gutter < part.right for part in parts):  # a title across the columns
            close()
            groups.append(parts)
        else:
            stretch.extend(parts)
    close()
    return groups


def _gutter(page: Page, runs: list[Run]) -> float | None:
    """Where a page is divided into columns of running text: x of the gap, or None."""
    if len(runs) < 12:
        return None
    left, right = min(run.left for run in runs), max(run.right for run in runs)
    low, high = min(run.base for run in runs), max(run.base for run in runs)
    # a rule above or below all of the text frames it; one between the lines may be a table's
    within = [rule for rule in page.rules if rule.horizontal and low < rule.at < high]
    size = median(run.size for run in runs)
    best = None
    for x in sorted({round(run.left, 0) - 0.5 * size for run in runs}):
        if not left + 0.25 * (right - left) < x < left + 0.75 * (right - left):
            continue
        crossing = sum(run.left < x < run.right for run in runs)
        if crossing > 0.15 * len(runs) or (best and crossing >= best[0]):
            continue
        if any(rule.start < x - 5 and rule.end > x + 5 for rule in within):
            continue
        if _is_column([run for run in runs if run.right <= x], size) and _is_column(
            [run for run in runs if run.left >= x], size
        ):
            best = crossing, x
    return best[1] if best else None


def _is_column(runs: list[Run], size: float) -> bool:
    """Whether runs are the lines of a column of text rather than the cells of a table."""
    lines = lines_of(runs, 0)
    if len(lines) < 5 or sum(len(line.cells) == 1 for line in lines) < 0.7 * len(lines):
        return False
    widths = [line.right - line.left for line in lines]
    column = max(line.right for line in lines) - min(line.left for line in lines)
    return median(widths) > 0.7 * column > 8 * size
