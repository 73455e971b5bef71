"""Tables on a page of a PDF: by the rules drawn around their cells, or by gaps that line up.

A cell may hold several lines; a row whose first cell is empty goes on with the row above it. Left out: cells
that span columns; a table that goes on on the next page is two tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from helpers.documents.pdf_lines import Line, lines_of, parts_of
from helpers.documents.pdf_pages import Page, Rule, Run


@dataclass
class Grid:
    """A table: its rows of cells, each cell the lines of text in it."""

    rows: list[list[list[str]]]
    page: int
    base: float


def with_tables(page: Page, runs: list[Run]) -> list[Line | Grid]:
    """The lines of a group of runs; where they form a table, the table."""
    items: list[Line | Grid] = []
    rest = list(runs)
    for rules in _boxes(page.rules):
        grid, used = _ruled(page, rest, rules)
        if grid:
            items.append(grid)
            rest = [run for run in rest if id(run) not in used]
    items += _by_gaps(lines_of(rest, page.number), page.number)
    return sorted(items, key=lambda item: -item.base)


def _boxes(rules: list[Rule]) -> list[list[Rule]]:
    """Groups of rules that touch each other; a group of three horizontal ones or more may be a table."""
    groups: list[list[Rule]] = []
    for rule in rules[:1_000]:
        touching = [group for group in groups if any(_touch(rule, other) for other in group)]
        groups = [group for group in groups if not any(group is t for t in touching)]
        groups.append([rule, *(other for group in touching for other in group)])
    return [group for group in groups if len({round(rule.at) for rule in group if rule.horizontal}) >= 3]


def _touch(a: Rule, b: Rule) -> bool:
    if a.horizontal == b.horizontal:
        if not a.horizontal:
            return False
        same_width = abs(a.start - b.start) < 6 and abs(a.end - b.end) < 6
        joined = abs(a.at - b.at) < 3 and a.start < b.end + 6 and b.start < a.end + 6
        return joined or (same_width and abs(a.at - b.at) < 200)
    across, down = (a, b) if a.horizontal else (b, a)
    return across.start - 3 <= down.at <= across.end + 3 and down.start - 3 <= across.at <= down.end + 3


def _ruled(page: Page, runs: list[Run], rules: list[Rule]) -> tuple[Grid | None, set[int]]:
    """The table that rules draw, and the runs (their `id`) in it."""
    across = [rule for rule in rules if rule.horizontal]
    heights = _distinct([rule.at for rule in across])[::-1]
    left, right = min(rule.start for rule in across), max(rule.end for rule in across)
    inside = [
        run
        for run in runs
        if left - 3 <= run.left and run.right <= right + 3 and heights[-1] < run.base < heights[0]
    ]
    bands = [[run for run in inside if low < run.base < high] for high, low in pairwise(heights)]
    bands = [band for band in bands if band]
    lines = [lines_of(band, page.number) for band in bands]
    if len(bands) <= 2 and sum(map(len, lines)) > len(bands) and bands:  # rules above and below only
        rows = [[line] for band in lines for line in band]
    else:
        rows = lines
    borders = _distinct([rule.at for rule in rules if not rule.horizontal])
    borders = (
        borders[1:-1]
        if len(borders) > 2
        else _gaps([cell for row in rows for line in row for cell in line.cells])
    )
    if not borders or len(rows) < 2:
        return None, set()
    cells = [_row(row, borders) for row in rows]
    if len(rows) != len(lines):
        cells = _continued(cells)
    return Grid(cells, page.number, heights[0]), {id(run) for run in inside}


def _row(lines: list[Line], borders: list[float]) -> list[list[str]]:
    row: list[list[str]] = [[] for _ in range(len(borders) + 1)]
    for line in lines:
        for cell in line.cells:
            pieces = parts_of(cell)
            # the gap at a border may be so narrow that two cells were read as one: take the runs one by one
            whole = all(_column(part, borders) == _column(pieces[0], borders) for part in pieces)
            for piece in [cell] if whole else pieces:
                row[_column(piece, borders)].append(piece.text.strip())
    return row


def _column(run: Run, borders: list[float]) -> int:
    middle = (run.left + min(run.right, run.left + 2 * run.size)) / 2
    return sum(border < middle for border in borders)


def _distinct(values: list[float]) -> list[float]:
    """The values in order, without those within 3 points of the one before."""
    kept: list[float] = []
    for value in sorted(values):
        if not kept or value - kept[-1] > 3:
            kept.append(value)
    return kept


def _gaps(cells: Sequence[Run]) -> list[float]:
    """The middles of the gaps that no cell reaches into."""
    borders: list[float] = []
    end = None
    for cell in sorted(cells, key=lambda cell: cell.left):
        if end is not None and cell.left - end > 0.6 * cell.size:
            borders.append((cell.left + end) / 2)
        end = cell.right if end is None else max(end, cell.right)
    return borders


def _by_gaps(lines: list[Line], page: int) -> list[Line | Grid]:
    """Lines of which three or more in a row have cells that line up become a table."""
    items: list[Line | Grid] = []
    i = 0
    while i < len(lines):
        stop = _table_end(lines, i)
        borders = _gaps([cell for line in lines[i:stop] for cell in line.cells])
        if sum(len(line.cells) > 1 for line in lines[i:stop]) >= 3 and borders:
            rows = _continued([_row([line], borders) for line in lines[i:stop]])
            items.append(Grid(rows, page, lines[i].base))
            i = stop
        else:
            items.append(lines[i])
            i += 1
    return items


def _table_end(lines: list[Line], start: int) -> int:
    """Behind the last line from `start` that may belong to one table."""
    first = lines[start]
    if len(first.cells) < 2:
        return start
    starts = [cell.left for cell in first.cells]
    stop = start + 1
    for i in range(start + 1, len(lines)):
        line = lines[i]
        if lines[i - 1].base - line.base > 3 * line.size:
            break
        aligned = sum(any(abs(cell.left - x) < 4 for x in starts) for cell in line.cells)
        if len(line.cells) > 1 and aligned >= min(2, len(line.cells)):
            stop = i + 1
        elif not (len(line.cells) == 1 and aligned and line.left > first.left + 10):
            break
        else:
            stop = i + 1
    return stop


def _continued(rows: list[list[list[str]]]) -> list[list[list[str]]]:
    """A row whose first cell is empty goes on with the row above it."""
    joined: list[list[list[str]]] = []
    for row in rows:
        if joined and not row[0]:
            for above, below in zip(joined[-1], row):
                above.extend(below)
        else:
            joined.append(row)
    return joined
