"""CSV, TSV, XLSX and TXT as sources of prompts and completions. Left out: taking records apart (`tables`)."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from helpers.errors import DataError
from helpers.prepare import tables
from helpers.prepare.batches import Bad, Batch
from helpers.prepare.source import Source, byte_order_mark, meaning, need_columns


def table_source(path: Path, ending: str, to: str | None, columns: dict, encoding: str) -> Source:
    notes = {"converted": f"The file is {ending[1:].upper()} and becomes JSONL."}
    if ending == ".txt":
        notes |= byte_order_mark(path)
        return Source(
            path.name, "line", "pairs", to or "pairs", False, {}, {}, [], [], notes, lambda: _lines(path)
        )
    if ending == ".xlsx":
        names = tables.sheets(path)
        if len(names) > 1:
            notes["sheets"] = f"The first sheet, {names[0]!r}, is read; the workbook has {len(names)}."
        if cell := tables.formula_without_value(path):
            notes["formulas"] = (
                f"Cell {cell} holds a formula whose result is not in the file, and is read as empty. Open "
                "the workbook in a spreadsheet program, save it, and start again."
            )
        read = lambda: tables.records_xlsx(path)  # noqa: E731
    else:
        notes |= byte_order_mark(path)
        mark = "\t" if ending == ".tsv" else tables.delimiter_of(path, encoding)
        if ending == ".csv" and mark != ",":
            notes["delimiter"] = (
                f"The columns are separated by {'a tab' if mark == chr(9) else mark}, not by commas."
            )
        read = lambda: tables.records_csv(path, mark, encoding)  # noqa: E731
    header = _header(path, read)
    need_columns(path.name, columns, header)
    layout = _layout(header, columns)
    renamed, extra, missing = _names(header, layout, columns)
    return Source(
        path.name,
        "row",
        "pairs",
        to or "pairs",
        False,
        layout,
        renamed,
        extra,
        missing,
        notes,
        lambda: _rows(read(), layout, len(header)),
    )


def _header(path: Path, read: Any) -> list[str]:
    records = itertools.chain.from_iterable(records for _, records, _ in read())
    header = next((record for record in records if any(record)), None)
    if header is None:
        raise DataError(f"{path} has no rows.")
    return header


def _layout(header: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Where the prompt and the completion stand: by their names, in any case, the first of equals."""
    layout: dict[str, int] = {}
    for exact in (True, False):
        for i, name in enumerate(header):
            wanted = meaning(name, columns)
            if exact and wanted != columns.get(name, name):
                continue
            if wanted in ("prompt", "completion"):
                layout.setdefault(wanted, i)
    return layout


def _names(header: Sequence[str], layout: dict, columns: Mapping) -> tuple[dict, list[str], list[str]]:
    renamed = {
        header[i]: name for name, i in layout.items() if header[i] != name and header[i] not in columns
    }
    extra = [name for i, name in enumerate(header) if i not in layout.values()]
    return renamed, extra, [name for name in ("prompt", "completion") if name not in layout]


def _rows(records: tables.Records, layout: dict[str, int], width: int) -> Iterator[Batch]:
    """Records as batches, without the header, blank ones, and those with too many fields."""
    header_seen = False
    for first, found, bad in records:
        numbers: Sequence[int] = range(first, first + len(found))
        if not header_seen:
            at = next((i for i, record in enumerate(found) if any(record)), len(found))
            header_seen = at < len(found)
            numbers, found = numbers[at + 1 :], found[at + 1 :]
        if not set(map(len, found)) <= {width}:
            numbers, found, long = _ragged(numbers, found, width)
            bad = [*bad, *long]
        prompts, completions = (
            list(map(itemgetter(layout[name]), found)) if name in layout else [""] * len(found)
            for name in ("prompt", "completion")
        )
        yield Batch(numbers, prompts, completions, bad=sorted(bad))


def _ragged(numbers: Sequence[int], records: list, width: int) -> tuple[list[int], list, list[Bad]]:
    good = [(n, r + [""] * (width - len(r))) for n, r in zip(numbers, records) if r and not any(r[width:])]
    long = [
        Bad(
            n,
            "fields",
            f"it has {len(r)} fields and the header {width}: put texts with the separator in quotes",
        )
        for n, r in zip(numbers, records)
        if any(r[width:])
    ]
    return [n for n, _ in good], [r[:width] for _, r in good], long


def _lines(path: Path) -> Iterator[Batch]:
    for first, records, _ in tables.records_txt(path):
        lines = [record[0] for record in records]
        yield Batch(range(first, first + len(lines)), [""] * len(lines), lines)
