"""CSV, TSV, XLSX and TXT as records: lists of texts with their numbers, past every bad record.

Each `records_*` yields (number of the first, records, bad records) in batches; a record is a list of texts,
one a column; the first batch's first record is the header (not for TXT). Numbers count as a spreadsheet
does: the header is row 1. Left out: formulas and formatting in XLSX (the stored values are read), every
sheet but the first.
"""

import contextlib
import csv
import datetime
import io
import itertools
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

from helpers.errors import DataError
from helpers.jsonl.files import LONGEST, raw_lines
from helpers.prepare.batches import SIZE, Bad

LONGEST_FIELD = 2**22  # characters: where a quotation mark that is never closed must end
UNPACKED = 2**30  # bytes that a spreadsheet may unpack to
Records = Iterator[tuple[int, list[list[str]], list[Bad]]]


def records_csv(path: Path, delimiter: str, encoding: str) -> Records:
    """A file of separated values. Bytes that the encoding does not have become lone surrogates."""
    # newline="": csv decides itself what ends a record
    with opened(path, encoding) as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        number = 1
        while True:
            records: list[list[str]] = []
            bad: list[Bad] = []
            with long_fields():
                ended = _fill(records, bad, reader, number)
            if records or bad:
                yield number, records, bad
            if ended:
                return
            number += len(records)


def _fill(records: list[list[str]], bad: list[Bad], reader: Iterator[list[str]], number: int) -> bool:
    """Up to SIZE records more; those that csv refuses become empty ones and are named. True at the end."""
    try:
        records.extend(itertools.islice(reader, SIZE))  # keeps what came before an error
    except csv.Error as error:
        bad.append(Bad(number + len(records), "fields", _why(str(error))))
        records.append([])
        return False
    return len(records) < SIZE


def _why(said: str) -> str:
    if "field larger" in said:
        return f"a field is over {LONGEST_FIELD:,} characters long: a quotation mark is never closed"
    if "unexpected end" in said:
        return "the file ends inside quotation marks: one is never closed"
    if "expected after" in said:
        return 'a " stands inside a quoted field: write it twice, ""'
    return f"it cannot be taken apart into fields ({said})"


def delimiter_of(path: Path, encoding: str) -> str:
    """What separates a .csv file's columns: a comma, unless its first line has only semicolons or tabs."""
    with opened(path, encoding) as file:
        header = file.readline(LONGEST_FIELD)
    return next((mark for mark in ",;\t" if mark in header), ",")


def records_txt(path: Path) -> Records:
    """Every line is one text, to the line end."""
    numbers: list[int] = []
    records: list[list[str]] = []
    for number, line in raw_lines(path):
        numbers.append(number)
        records.append([line[:LONGEST].decode("utf-8", "surrogateescape")])
        if len(records) == SIZE:
            yield numbers[0], records, []
            numbers, records = [], []
    if records:
        yield numbers[0], records, []


def records_xlsx(path: Path) -> Records:
    """The first sheet. Raises DataError for what is no workbook, is locked, or unpacks to over 1 GB."""
    with _workbook(path) as book:
        number = 1
        records: list[list[str]] = []
        try:
            for cells in book.worksheets[0].iter_rows(values_only=True):
                records.append([_cell(value) for value in cells])
                if len(records) == SIZE:
                    yield number, records, []
                    number, records = number + SIZE, []
        except (ValueError, KeyError, TypeError, SyntaxError, OSError, zipfile.BadZipFile, EOFError) as error:
            raise DataError(f"{path} is damaged after row {number + len(records) - 1}.") from error
        if records:
            yield number, records, []


def sheets(path: Path) -> list[str]:
    """The names of a workbook's sheets."""
    with _workbook(path) as book:
        return [sheet.title for sheet in book.worksheets]


def formula_without_value(path: Path, rows: int = 100) -> str | None:
    """The first such cell in the first rows of the first sheet ("B2"): some programs leave them."""
    with _workbook(path) as book:
        values = [tuple(row) for row in book.worksheets[0].iter_rows(max_row=rows, values_only=True)]
    if not any(None in row for row in values):
        return None
    with _workbook(path, data_only=False) as book:
        for row, stored in zip(book.worksheets[0].iter_rows(max_row=rows), values):
            for cell, value in zip(row, stored):
                if value is None and cell.data_type == "f":
                    return cell.coordinate
    return None


@contextlib.contextmanager
def _workbook(path: Path, data_only: bool = True):
    import openpyxl

    try:
        with zipfile.ZipFile(path) as packed:
            if sum(part.file_size for part in packed.infolist()) > UNPACKED:
                raise DataError(f"{path} unpacks to over {UNPACKED / 1e9:.0f} GB. Save it as CSV.")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except zipfile.BadZipFile as error:
        raise DataError(
            f"{path} is no .xlsx workbook, is damaged, or is locked with a password. Save it from the "
            "spreadsheet program as .xlsx without a password, or as CSV."
        ) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about styles and print settings, which do not matter here
        try:
            book = openpyxl.load_workbook(path, read_only=True, data_only=data_only)
            if not book.worksheets:
                raise DataError(f"{path} has no sheet with cells.")
        except (ValueError, KeyError, TypeError, SyntaxError, AttributeError, zipfile.BadZipFile) as error:
            raise DataError(
                f"{path} is no .xlsx workbook or is damaged. Save it again, or as CSV."
            ) from error
        try:
            yield book
        finally:
            book.close()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


@contextlib.contextmanager
def opened(path: Path, encoding: str) -> Iterator[io.TextIOBase]:
    """A text file, its byte-order mark passed over. Raises DataError when it cannot be opened."""
    try:
        with path.open("rb") as raw:
            start = raw.read(4)
        if encoding == "utf-8" and start[:2] in (b"\xff\xfe", b"\xfe\xff"):
            encoding = "utf-16"
        codec = "utf-8-sig" if encoding == "utf-8" else encoding
        errors = "surrogateescape" if codec == "utf-8-sig" else "strict"
        with path.open(encoding=codec, errors=errors, newline="") as file:
            yield file
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (LookupError, UnicodeError) as error:
        raise DataError(f"{path} cannot be read as {encoding}: {error}.") from error


@contextlib.contextmanager
def long_fields() -> Iterator[None]:
    """csv's limit for a field, which is the whole program's, raised for a moment."""
    before = csv.field_size_limit(LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)
