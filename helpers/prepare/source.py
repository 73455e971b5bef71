"""What all sources of examples are: batches that can be read again and again, in the form that is wanted.

Left out: reading (`source_tables`, `source_objects`).
"""

import codecs
import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from helpers import jsonl
from helpers.errors import DataError
from helpers.prepare.batches import Bad, Batch, from_rows

SURROGATE = re.compile("[\ud800-\udfff]")


@dataclasses.dataclass
class Source:
    """Where examples come from. Made by `open_source`.

    `form`: of the examples as they are read; `to`: as they are given on. `unit`: what the numbers count.
    `renamed`, `extra`, `missing`: columns (or keys) that must be renamed, that nobody needs, that are not
    there. `notes`: what the reader noticed, by name. `plain`: whether the file is JSONL already.
    """

    name: str
    unit: str
    form: str
    to: str
    plain: bool
    columns: dict[str, Any]
    renamed: dict[str, str]
    extra: list[str]
    missing: list[str]
    notes: dict[str, str]
    _read: Any  # () -> iterator of batches

    def batches(self) -> Iterator[Batch]:
        """The examples and the bad records in batches. Raises DataError when the file cannot be read."""
        for batch in self._read():
            batch = without_half_characters(batch)
            yield batch if self.to == self.form else converted(batch, self.form, self.to)


def converted(batch: Batch, form: str, to: str) -> Batch:
    """A batch in another form; examples for which that is not possible become bad records."""
    rows = batch.rows or [
        {"prompt": p, "completion": c} for p, c in zip(batch.prompts, batch.completions, strict=True)
    ]
    numbers, made, bad = [], [], list(batch.bad)
    for number, row in zip(batch.numbers, rows, strict=True):
        try:
            made.append(jsonl.convert(row, to))
            numbers.append(number)
        except DataError as error:
            bad.append(Bad(number, "form", str(error)))
    if to != "pairs":
        return from_rows(numbers, made, to, bad)
    return Batch(numbers, [row["prompt"] for row in made], [row["completion"] for row in made], None, bad)


def without_half_characters(batch: Batch) -> Batch:
    """Texts with a lone surrogate, which bytes that are not UTF-8 become, make bad records."""
    for column in (batch.prompts, batch.completions):
        text = "".join(column)
        if not text.isascii() and SURROGATE.search(text):
            break
    else:
        if batch.rows is None:
            return batch
    texts: Iterable[str] = map(str.__add__, batch.prompts, batch.completions)
    if batch.rows is not None:
        texts = map(_everything, batch.rows)
    half = [SURROGATE.search(text) for text in texts]
    if not any(half):
        return batch
    bad = [Bad(n, "utf8", _half(found[0])) for n, found in zip(batch.numbers, half) if found]
    good = batch.kept(found is None for found in half)
    good.bad = sorted([*batch.bad, *bad])
    return good


def _everything(row: dict) -> str:
    try:
        orjson.dumps(row)
        return ""
    except TypeError:
        return repr(row) if SURROGATE.search(repr(row)) else "\ud800"


def _half(character: str) -> str:
    if "\udc80" <= character <= "\udcff":
        return (
            f"the byte 0x{ord(character) - 0xDC00:02X} is not UTF-8. Save the file as UTF-8 (in a "
            'spreadsheet: "CSV UTF-8"), or name its encoding, such as cp949 or cp1252'
        )
    return "half a character (a lone surrogate), or something else that JSON cannot hold"


def meaning(key: Any, columns: Mapping) -> str:
    """What a key stands for: as told, else itself in small letters, if no other was told to."""
    name = columns.get(key, str(key).strip().lower())
    return f"another {name}" if key not in columns and name in columns.values() else name


def need_columns(name: str, columns: Mapping[str, str], there: Sequence[Any]) -> None:
    """Raise DataError when a column that the caller named is not there; `there`: the columns that are."""
    absent = [column for column in columns if column not in there]
    if absent:
        names = ", ".join(repr(str(column)) for column in there[:8]) or "none"
        raise DataError(f"{name} has no column {absent[0]!r}. Its columns are {names}.")


def byte_order_mark(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        start = file.read(3)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return {"bom": "The file is UTF-16; what is written is UTF-8."}
    if start == codecs.BOM_UTF8:
        return {"bom": "The file begins with a byte-order mark, which training tools do not expect."}
    return {}
