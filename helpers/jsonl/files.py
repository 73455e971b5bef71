"""JSONL files as a stream: a line at a time, in bounded memory, past every bad line.

Left out: packed files. UTF-8 only, as the format demands; a byte-order mark is passed over.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from helpers.errors import DataError
from helpers.files import atomic_path
from helpers.jsonl.explain import explain
from helpers.jsonl.forms import problems

LONGEST = 64 * 2**20  # bytes in a line; a longer one is reported as bad, not held in memory
BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """A row and the number of its line, from 1."""

    number: int
    row: dict


class BadLine(NamedTuple):
    """A line that is no row: its number, and what is wrong with it and how to mend it."""

    number: int
    problem: str


def read(path: Path | str, form: str | None = None) -> Iterator[Line | BadLine]:
    """Every line of a file, good or bad, in order. Blank lines are passed over.

    `form`: what every row should be (`FORMS`); else each row may have any. Raises DataError when the file
    cannot be read at all; ValueError for an unknown form.
    """
    for number, value in values(path):
        if isinstance(value, BadLine):
            yield value
        elif wrong := problems(value, form):
            yield BadLine(number, "; ".join(wrong[:3]))
        else:
            yield Line(number, value)


def rows(path: Path | str, form: str | None = None) -> list[dict]:
    """All rows of a file. Raises DataError at the first bad line, naming its number."""
    found = []
    for line in read(path, form):
        if isinstance(line, BadLine):
            raise DataError(f"{path}, line {line.number}: {line.problem}")
        found.append(line.row)
    return found


def write(path: Path | str, rows: Iterable[dict], form: str | None = None) -> int:
    """Write rows, a line each, all of them or none; returns how many.

    Raises DataError for a row that is not what its form demands, naming its position.
    """
    count = 0
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        for count, row in enumerate(rows, 1):
            if wrong := problems(row, form):
                raise DataError(f"The row at position {count - 1} cannot be written: {'; '.join(wrong[:3])}.")
            file.write(dumped(row, count - 1))
    return count


def dumped(row: Any, position: int) -> bytes:
    """A row as a line. Raises DataError, naming the row's position, for what JSON cannot hold."""
    try:
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError as error:
        raise DataError(
            f"The row at position {position} cannot be written as JSON: {error}. A row holds texts, numbers, "
            "lists and objects, and each text whole characters."
        ) from error


def values(path: Path | str) -> Iterator[tuple[int, Any]]:
    """The number of each line that is not blank, and its JSON value or a BadLine."""
    for number, line in raw_lines(Path(path)):
        if len(line) > LONGEST:
            yield number, BadLine(number, f"it is over {LONGEST:,} bytes long")
            continue
        try:
            yield number, orjson.loads(line)
        except orjson.JSONDecodeError:
            if line.strip():
                yield number, BadLine(number, explain(line))


def raw_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(number, bytes) of each line without its end; of an overlong line, its first `LONGEST` + 1 bytes."""
    try:
        with path.open("rb") as file:
            if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
                raise DataError(f"{path} is UTF-16. Save it as UTF-8.")
            file.seek(0)
            if file.read(3) != BOM:
                file.seek(0)
            number = 0
            while line := file.readline(LONGEST + 1):
                number += 1
                whole = line
                while len(whole) > LONGEST and not whole.endswith(b"\n"):
                    whole = file.readline(LONGEST + 1)  # the rest of an overlong line
                    if not whole:
                        break
                yield number, line.rstrip(b"\r\n")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
