"""JSON, JSONL, and rows from memory as sources of examples in any form.

A .jsonl file may hold one JSON value, and a .json file lines: what counts is what is inside. Left out:
files of one JSON value that are too large to read whole.
"""

import codecs
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from helpers import jsonl
from helpers.errors import DataError
from helpers.jsonl import files as jsonl_files
from helpers.prepare.batches import SIZE, Bad, Batch, from_rows
from helpers.prepare.source import Source, byte_order_mark, meaning, need_columns

WHOLE = 500 * 2**20  # bytes of a .json file, which is read whole


def json_source(path: Path, ending: str, to: str | None, columns: dict) -> Source:
    """JSON lines or one JSON value, whatever the ending says."""
    head = next((line for _, line in jsonl_files.raw_lines(path) if line.strip()), b"")
    if not head:
        raise DataError(f"{path} is empty.")
    whole = _is_whole(path, head)
    notes = byte_order_mark(path)
    unit = "entry" if whole else "line"
    if whole:
        found = _whole(path)
        read = lambda: enumerate(found, 1)  # noqa: E731
        kind = "one JSON value" if ending == ".jsonl" else "JSON"
        notes["converted"] = f"The file is {kind} and becomes JSONL, an object a line."
    else:
        read = lambda: jsonl_files.values(path)  # noqa: E731
        if ending == ".json":
            notes["converted"] = "The file is called JSON and holds JSON lines; it becomes .jsonl."
    return objects_source(path.name, unit, read, to, columns, plain=not notes, notes=notes)


def _is_whole(path: Path, head: bytes) -> bool:
    """Whether a file is one JSON value: a list, or an object over several lines or of columns."""
    if head.lstrip().startswith(b"["):
        return True
    try:
        value = orjson.loads(head)
    except orjson.JSONDecodeError:
        return head.strip() == b"{" or (head.strip().startswith(b"{") and path.suffix.lower() == ".json")
    return isinstance(value, dict) and _as_columns(value) is not None


def _whole(path: Path) -> list[Any]:
    if path.stat().st_size > WHOLE:
        raise DataError(
            f"{path} is over {WHOLE:,} bytes, too much to read whole. Save it as JSONL, a row a line."
        )
    text = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if re.search(rb"}\s*{", text[max(error.pos - 20, 0) : error.pos + 2]):
            raise DataError(
                f"{path}, line {error.lineno}: a second object begins, and each is spread over several "
                "lines. Put each object into one line (JSONL), or all into one list: [{...}, {...}]."
            ) from error
        raise DataError(f"{path}, line {error.lineno}, is not JSON: {jsonl.explain(text)}") from error
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and (rows := _as_columns(value)) is not None:
        return rows
    return [value]


def _as_columns(value: dict) -> list[dict] | None:
    """The rows of an object of columns, as pandas writes it: {"prompt": [...]} or {"prompt": {"0": ...}}."""
    if not value or not {"prompt", "completion"} <= {str(key).lower() for key in value}:
        return None
    if all(isinstance(column, dict) for column in value.values()):
        places = dict.fromkeys(place for column in value.values() for place in column)
        return [{key: column.get(place) for key, column in value.items()} for place in places]
    lists = all(isinstance(column, list) for column in value.values())
    if lists and not any(isinstance(each, dict) for column in value.values() for each in column):
        return [dict(zip(value, cells)) for cells in itertools.zip_longest(*value.values())]
    return None


def memory_reader(source: Any) -> Any:
    """() -> (position from 1, row), for rows in memory."""
    if hasattr(source, "to_dict") and hasattr(source, "columns"):
        table = source.astype(object).where(source.notna(), None)
        rows = table.to_dict("records")
    elif isinstance(source, Iterable) and not isinstance(source, Mapping | bytes):
        rows = list(source)
    else:
        raise DataError(f"Examples come from a file, a list of objects or a table, not from {source!r:.40}.")
    return lambda: enumerate(rows, 1)


def objects_source(
    name: str, unit: str, read: Any, to: str | None, columns: dict, plain: bool, notes: dict | None = None
) -> Source:
    beginning = [value for _, value in itertools.islice(read(), 1000)]
    if not beginning:
        raise DataError(f"{name} has no rows.")
    objects = [_lowered(value, columns) for value in beginning if isinstance(value, dict)]
    form = next((found for value in objects if (found := jsonl.form_of(value))), "pairs")
    known = {*jsonl.FORMS[form], *jsonl.forms.ALSO[form]}
    own = [  # a row of another form is a bad row, and its keys are no columns
        value
        for value in beginning
        if isinstance(value, dict) and jsonl.form_of(_lowered(value, columns)) in (form, None)
    ]
    keys = list(dict.fromkeys(key for value in own for key in value))
    need_columns(name, columns, keys)
    lowered = {key: meaning(key, columns) for key in keys}
    renamed = {
        k: v for k, v in lowered.items() if v in known and k != v and k not in columns and v not in keys
    }
    extra = [key for key in keys if lowered[key] not in known]
    missing = [key for key in jsonl.FORMS[form] if key not in lowered.values()] if keys else []
    to = to or form

    def batches() -> Iterator[Batch]:
        pairs = iter(read())
        while chunk := list(itertools.islice(pairs, SIZE)):
            yield _pairs(chunk, columns) if form == "pairs" else _forms(chunk, form, columns)

    return Source(name, unit, form, to, plain, {}, renamed, extra, missing, notes or {}, batches)


def _lowered(row: dict, columns: Mapping) -> dict:
    """A row whose keys are in lower case; an exact key goes before one that only looks like it."""
    return {meaning(key, columns): value for key, value in row.items()} | {
        key: value for key, value in row.items() if meaning(key, columns) == key
    }


def _pairs(chunk: list[tuple[int, Any]], columns: Mapping) -> Batch:
    numbers, prompts, completions, bad = [], [], [], []
    for number, row in chunk:
        try:
            if columns:
                raise KeyError
            prompt, completion = row["prompt"], row["completion"]
        except (KeyError, TypeError):
            if not isinstance(row, dict):
                bad.append(_no_object(number, row))
                continue
            row = _lowered(row, columns)
            prompt, completion = row.get("prompt"), row.get("completion")
        if type(prompt) is not str or type(completion) is not str:
            try:
                prompt, completion = _text(prompt, "prompt"), _text(completion, "completion")
            except DataError as error:
                bad.append(Bad(number, "form", str(error)))
                continue
        numbers.append(number)
        prompts.append(prompt)
        completions.append(completion)
    return Batch(numbers, prompts, completions, bad=bad)


def _text(value: Any, key: str) -> str:
    if isinstance(value, str):
        return str(value)
    if value is None or value != value:  # NaN is the only value that differs from itself
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list | dict):
        raise DataError(f"{key} is {'a list' if isinstance(value, list) else 'an object'}, not a text")
    return str(value)


def _no_object(number: int, value: Any) -> Bad:
    if isinstance(value, jsonl.BadLine):
        return Bad(number, "utf8" if "not UTF-8" in value.problem else "json", value.problem)
    return Bad(number, "form", jsonl.problems(value)[0])


def _forms(chunk: list[tuple[int, Any]], form: str, columns: Mapping) -> Batch:
    numbers, rows, bad = [], [], []
    known = (*jsonl.FORMS[form], *jsonl.forms.ALSO[form])
    for number, row in chunk:
        if not isinstance(row, dict):
            bad.append(_no_object(number, row))
            continue
        row = _lowered(row, columns)
        if wrong := jsonl.problems(row, form):
            bad.append(Bad(number, "form", "; ".join(wrong[:3])))
            continue
        numbers.append(number)
        rows.append({key: row[key] for key in known if row.get(key) is not None})
    return from_rows(numbers, rows, form, bad)
