"""CSV and TSV to one table.

The delimiter is the one that splits the first lines into the same number of cells most often; Python's own
`csv.Sniffer` is not used, because it guesses letters as delimiters and can take very long. Cells stay texts:
no number, date or "N/A" is interpreted. Left out: several tables in one file.
"""

import csv
import io
import itertools
from collections import Counter

from helpers.documents import limits
from helpers.documents.structure import Block, table_block
from helpers.errors import DataError

DELIMITERS = ",\t;|"
SAMPLE_ROWS = 50
SAMPLE_CHARACTERS = 100_000
LISTED = 5


def read_delimited(text: str, delimiter: str | None = None) -> tuple[list[Block], tuple[str, ...]]:
    """The rows of a CSV or TSV text as one table block, and notes. Raises DataError for too many cells."""
    delimiter = delimiter or guess_delimiter(text)
    notes = [] if delimiter == "," else [f"The cells are separated by {_named(delimiter)}."]
    try:
        rows = _rows(text, delimiter, strict=True)
    except csv.Error as error:
        rows = _rows_loosely(text, delimiter)
        notes.append(f"A quotation mark is out of place or never closed ({error}): look at the cells there.")
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    if not filled:
        raise DataError("it holds no row with anything in it")
    notes += _uneven(filled)
    return [table_block(filled)], tuple(notes)


def guess_delimiter(text: str) -> str:
    """The delimiter of a table's text: of `,` tab `;` `|`, the one with the most equally long rows."""
    sample = text[:SAMPLE_CHARACTERS]

    def score(delimiter: str) -> tuple[int, int]:
        reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
        try:
            widths = Counter(len(row) for row in itertools.islice(reader, SAMPLE_ROWS) if row)
        except csv.Error:
            return 0, 0
        wide = [(count, width) for width, count in widths.items() if width > 1]
        return max(wide, default=(0, 0))

    return max(DELIMITERS, key=score)  # the first of equals, so a comma when nothing splits


def _rows(text: str, delimiter: str, strict: bool) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict)
    rows, cells = [], 0
    try:
        for row in reader:
            cells += len(row)
            if cells > limits.CELLS:
                raise DataError(f"it has more than {limits.CELLS:,} cells")
            rows.append([cell.strip() for cell in row])
    except csv.Error as error:
        raise csv.Error(f"line {reader.line_num}: {error}") from error
    return rows


def _rows_loosely(text: str, delimiter: str) -> list[list[str]]:
    try:
        return _rows(text, delimiter, strict=False)
    except csv.Error as error:
        raise DataError(f"its rows cannot be told apart ({error})") from error


def _uneven(rows: list[list[str]]) -> list[str]:
    """A note on rows that have more or fewer cells than the first."""
    odd = [i for i, row in enumerate(rows, start=1) if len(row) != len(rows[0])]
    if not odd:
        return []
    listed = ", ".join(map(str, odd[:LISTED])) + (", …" if len(odd) > LISTED else "")
    return [
        f"{len(odd):,} of {len(rows):,} rows have not {len(rows[0])} cells as the first row has (rows "
        f"{listed}): short rows are filled up with empty cells."
    ]


def _named(delimiter: str) -> str:
    return {"\t": "tabs", ";": "semicolons", "|": "vertical bars"}.get(delimiter, repr(delimiter))
