"""From a file's bytes to checked reviews, one record at a time: what `reviews.load` and `chunks` stand on.

Two formats, told apart by their first line: CSV with Kaggle's columns, and SNAP's text; either may be packed
with gzip. `read` gives a tuple of ten values for a good record and a `Skip` for one that cannot be used, so
that nothing is lost silently; a file that cannot be used is a DataError with its line. The CSV reader is
Python's, because it alone says where a record starts: that makes line numbers and a new start after a
broken quotation mark possible.

Left out: whether Ids are unique (that would need memory), and guessing encodings, separators or columns.
"""

import contextlib
import csv
import functools
import gzip
import io
import itertools
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from helpers.errors import DataError

DTYPES = {
    "Id": "int64",
    "ProductId": "str",
    "UserId": "str",
    "ProfileName": "str",  # missing in a few reviews, and in the cookbook's file
    "HelpfulnessNumerator": "Int64",  # missing in the cookbook's file
    "HelpfulnessDenominator": "Int64",
    "Score": "int64",  # stars, 1 to 5
    "Time": "int64",  # Unix seconds, at midnight UTC
    "Summary": "str",  # missing in a few reviews
    "Text": "str",  # never missing
}
COLUMNS = tuple(DTYPES)
OPTIONAL_COLUMNS = ("ProfileName", "HelpfulnessNumerator", "HelpfulnessDenominator")

RECORD_LIMIT = 131_072  # characters; beyond it a quotation mark is open, or this is no review
LINE_LIMIT = 1_000_000  # bytes; beyond it this is no file of reviews
LAST_TIME = 4_102_444_800  # the year 2100, in Unix seconds


class Skip(NamedTuple):
    """A record that cannot be used: its first line (from 1), the column, and why (continues "Score ...")."""

    line: int
    field: str
    why: str


def read(path: Path) -> Iterator[tuple | Skip]:
    """For every record of the file, in its order: the ten values (COLUMNS; None where missing), or a Skip.

    Raises DataError where the file is damaged or is no file of reviews, after the records before that.
    """
    with contextlib.closing(_records(path)) as records:
        for record in records:
            yield record if isinstance(record, Skip) else _checked(*record)


def count(path: Path | str) -> int:
    """How many records the file has, good or bad. Reads it to its end; raises DataError as `read` does."""
    return sum(1 for _ in _records(Path(path)))


# ----------------------------------------------------------------------------- one record


class _Bad(Exception):
    """(field, why)"""


def _checked(line: int, raw: Iterable[str]) -> tuple | Skip:
    """The ten values of a review from their texts ("" where there is none), or why not."""
    number, product, user, name, helpful, votes, stars, seconds, summary, text = raw
    try:
        return (
            _whole("Id", number),
            _present("ProductId", product),
            _present("UserId", user),
            name or None,
            _whole("HelpfulnessNumerator", helpful) if helpful else None,
            _whole("HelpfulnessDenominator", votes) if votes else None,
            _stars(stars),
            _seconds(seconds),
            summary or None,
            _present("Text", text),
        )
    except _Bad as bad:
        return Skip(line, *bad.args)


_WHOLE = re.compile(r"\s*([0-9]{1,18})(?:\.0*)?\s*").fullmatch  # SNAP writes 5.0, and so does pandas at times


def _whole(field: str, text: str) -> int:
    if match := _WHOLE(text):
        return int(match[1])
    raise _Bad(field, f"is {_short(text)}, not a whole number" if text.strip() else "is missing")


@functools.lru_cache(1024)
def _stars(text: str) -> int:
    stars = _whole("Score", text)
    if not 1 <= stars <= 5:
        raise _Bad("Score", f"is {_short(text)}, not 1 to 5")
    return stars


@functools.lru_cache(16_384)  # thirteen years have 4,750 days
def _seconds(text: str) -> int:
    seconds = _whole("Time", text)
    if seconds >= LAST_TIME:
        raise _Bad("Time", f"is {_short(text)}, which in Unix seconds is after the year 2100")
    return seconds


def _present(field: str, text: str) -> str:
    if text and not text.isspace():
        return text
    raise _Bad(field, "is missing")


def _short(text: str, limit: int = 40) -> str:
    return repr(text if len(text) <= limit else text[: limit - 3] + "...")


# ----------------------------------------------------------------------------- from bytes to records

Numbered = Iterator[tuple[int, bytes]]  # (line number from 1, the line with its newline)
BOM = b"\xef\xbb\xbf"

FOREIGN = (
    (b"PK\x03\x04", "is a zip archive or an Excel file: unpack it, or save it as CSV, and name that file"),
    (b"SQLite format 3", "is an SQLite database: name Reviews.csv from the same archive"),
    (b"PAR1", "is a Parquet file: read it with pandas.read_parquet"),
    (b"%PDF", "is a PDF document, not a file of reviews"),
    (b"BZh", "is packed with bzip2: unpack it first"),
    (b"\xfd7zXZ", "is packed with xz: unpack it first"),
    (
        b"version https://git-lfs",
        "is only Git LFS's pointer to the file: run `git lfs pull`, or download it",
    ),
    (b"<", "is a web page, not a file of reviews: the download gave an error page; download it again"),
    (b"{", "is JSON, not a CSV file or SNAP's text"),
    (b"[", "is JSON, not a CSV file or SNAP's text"),
)


def _lines(path: Path) -> Iterator[bytes]:
    """The lines of the file, unpacked if it is gzip. What goes wrong while reading is a DataError."""
    number = 0
    try:
        with path.open("rb") as file, contextlib.ExitStack() as stack:
            if file.peek(2)[:2] == b"\x1f\x8b":
                file = stack.enter_context(io.BufferedReader(gzip.GzipFile(fileobj=file), 1 << 18))
            for number, line in enumerate(iter(functools.partial(file.readline, LINE_LIMIT), b""), 1):
                if number == 1:
                    _refuse_foreign(path, line)
                if len(line) == LINE_LIMIT:
                    raise DataError(
                        f"{path}, line {number}, is over {LINE_LIMIT:,} bytes long: no file of reviews."
                    )
                yield line
    except EOFError as error:
        raise DataError(
            f"{path} breaks off after line {number:,}: it was not downloaded to its end. Download it again."
        ) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is damaged after line {number:,} ({error}). Download it again.") from error
    except PermissionError as error:
        raise DataError(f"{path} may not be read: its permissions, or another program, forbid it.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read after line {number:,}: {error.strerror or error}.") from error


def _refuse_foreign(path: Path, line: bytes) -> None:
    """Raise DataError for the files that people are most likely to name by mistake."""
    if line.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in line[:8]:
        raise DataError(f"{path}, line 1, is in UTF-16: save the file as UTF-8 (in Excel: 'CSV UTF-8').")
    start = line.removeprefix(BOM).lstrip()
    for mark, what in FOREIGN:
        if start.startswith(mark):
            raise DataError(f"{path} {what}.")


def _records(path: Path) -> Iterator[tuple[int, Iterable[str]] | Skip]:
    """(first line, the ten texts of a record) for every record of the file, or a Skip."""
    if path.is_dir():
        raise DataError(f"{path} is a folder: name the file in it.{_files_in(path)}")
    with contextlib.closing(_lines(path)) as raw:  # at once: on Windows an open file cannot be replaced
        lines: Numbered = enumerate(raw, 1)
        for number, line in lines:
            first = line.removeprefix(BOM)
            if first.strip():
                _refuse_foreign(path, first)
                rest = itertools.chain([(number, first)], lines)
                if first.partition(b":")[0] in SNAP_FIELDS:
                    yield from _snap(path, rest, "iso-8859-1" if first == line else "utf-8")
                else:
                    yield from _csv(path, rest)
                return
    raise DataError(f"{path} is empty: get the file again.")


def _files_in(folder: Path) -> str:
    with contextlib.suppress(OSError):
        names = sorted(entry.name for entry in folder.iterdir() if entry.suffix in (".csv", ".gz", ".txt"))
        return f" It has {', '.join(names[:5])}." if names else ""
    return ""


# ----------------------------------------------------------------------------- SNAP's text

SNAP_FIELDS = {  # in the order in which they stand in a record
    name: place
    for place, name in enumerate(
        b"product/productId review/userId review/profileName review/helpfulness "
        b"review/score review/time review/summary review/text".split()
    )
}


def _snap(path: Path, lines: Numbered, encoding: str) -> Iterator[tuple[int, Iterable[str]] | Skip]:
    """SNAP's records. Values are stripped, as in Kaggle's file, which was made from this one.

    A blank line between records is no safe border: in the real file a few names go on in a second line (see
    src/process.py in github.com/benhamner/snap-amazon-fine-foods, which made Kaggle's file). So a record ends
    before a field that does not stand after the last one, or that skips some after a blank line. Any other
    line goes on with the field before it.
    """
    record = start = 0
    values: list[bytes] = []
    last, blank = len(SNAP_FIELDS), False
    for number, line in lines:
        name, _, value = line.partition(b":")
        place = SNAP_FIELDS.get(name)
        if place is None:
            blank = not line.strip()
            if len(values[last]) <= RECORD_LIMIT:  # what is longer is skipped anyway
                values[last] += line
        else:
            if place <= last or (blank and place != last + 1):
                if record:
                    yield _snap_record(path, record, start, values, encoding)
                record, start, values = record + 1, number, [b""] * len(SNAP_FIELDS)
            values[place] = value
            last, blank = place, False
    yield _snap_record(path, record, start, values, encoding)


def _snap_record(
    path: Path, record: int, line: int, values: list[bytes], encoding: str
) -> tuple[int, Iterable[str]] | Skip:
    if sum(map(len, values)) > RECORD_LIMIT:
        return Skip(line, "the record", f"is over {RECORD_LIMIT:,} characters long")
    try:
        texts = [value.decode(encoding).strip().replace("\r\n", "\n") for value in values]
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: the review at line {line} is not UTF-8, as the file's first bytes claim."
        ) from error
    product, user, name, helpfulness, stars, seconds, summary, text = texts
    helpful, slash, votes = helpfulness.partition("/")
    if helpful and not slash:
        return Skip(line, "review/helpfulness", f"is {_short(helpfulness)}, not like 3/4")
    return line, (str(record), product, user, name, helpful, votes, stars, seconds, summary, text)


# ----------------------------------------------------------------------------- CSV


class _Feed:
    """Lines of text for csv.reader, to be given back when their quotation marks turn out to be wrong."""

    def __init__(self, path: Path, lines: Numbered) -> None:
        self.path, self.lines = path, lines
        self.back: deque[tuple[int, str]] = deque()
        self.taken: list[tuple[int, str]] = []  # of the record being read
        self.length = 0

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        number, text = self.back.popleft() if self.back else self._decoded()
        self.taken.append((number, text))
        self.length += len(text)
        if self.length > RECORD_LIMIT:  # one open quotation mark must not swallow the rest of the file
            raise csv.Error("field larger than field limit")
        return text

    def _decoded(self) -> tuple[int, str]:
        number, line = next(self.lines)
        try:
            return number, line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{self.path}, line {number}, byte {error.start + 1}: not UTF-8. "
                "Save the file as UTF-8 (in Excel: 'CSV UTF-8'), or get the original."
            ) from error

    def begin(self) -> None:
        self.taken, self.length = [], 0

    def give_back(self) -> None:
        """All lines of this record but the first, for a new start behind it."""
        self.back.extendleft(reversed(self.taken[1:]))


def _csv(path: Path, lines: Numbered) -> Iterator[tuple[int, Iterable[str]] | Skip]:
    """The records of a CSV file. Where quotation marks are broken, a line is skipped and the next tried."""
    feed = _Feed(path, lines)
    reader = csv.reader(feed, strict=True)
    try:
        header = next(reader)
    except csv.Error as error:
        raise DataError(
            f"{path}, line {feed.taken[0][0]}: the header cannot be read ({_csv_reason(error)})."
        ) from error
    pick = _columns(path, header)
    while True:
        feed.begin()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Skip(feed.taken[0][0], "the row", _csv_reason(error))
            feed.give_back()
            reader = csv.reader(feed, strict=True)
            continue
        if len(fields) == len(header):
            yield feed.taken[0][0], pick(fields)
        elif fields:  # a blank line has none
            yield Skip(feed.taken[0][0], "the row", f"has {len(fields)} fields instead of {len(header)}")
            feed.give_back()


def _columns(path: Path, header: list[str]) -> Callable[[list[str]], Iterable[str]]:
    """A function from a row to its ten texts, "" for a column that the file may lack; else a DataError."""
    names = [name.strip() for name in header]
    if names[0] == "" and "Id" not in names:
        names[0] = "Id"  # pandas writes an unnamed index so
    shown = _short(", ".join(names), 200)
    missing = [name for name in COLUMNS if name not in names and name not in OPTIONAL_COLUMNS]
    for mark, word in ((";", "semicolons"), ("\t", "tabs")):
        if len(names) == 1 and mark in names[0]:
            raise DataError(
                f"{path}, line 1: the columns are separated by {word}; save the file with commas."
            )
    if not set(COLUMNS) & set(names):
        raise DataError(
            f"{path} is no file of reviews: line 1 has none of the columns {', '.join(COLUMNS)} ({shown})."
        )
    if missing:
        raise DataError(
            f"{path}, line 1: the column{'s' * (len(missing) > 1)} {', '.join(missing)} "
            f"{'are' if len(missing) > 1 else 'is'} missing; the header has {shown}."
        )
    for name in COLUMNS:
        if names.count(name) > 1:
            raise DataError(f"{path}, line 1: the column {name} stands there {names.count(name)} times.")
    places = [names.index(name) if name in names else None for name in COLUMNS]
    return lambda fields: ["" if place is None else fields[place] for place in places]


def _csv_reason(error: csv.Error) -> str:
    """csv's message in plain words."""
    if "larger than" in str(error):
        return f"is over {RECORD_LIMIT:,} characters long: is a quotation mark never closed?"
    if "new-line" in str(error):
        return "has a carriage return outside quotation marks"
    return "has quotation marks that do not match"
