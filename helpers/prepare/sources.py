"""Any file of examples, or rows from memory, opened: what it is, is found out from its beginning.

CSV, TSV, XLSX, TXT, JSON, JSONL; rows from memory: a list of objects, or a pandas table. Every value is
read as a text, a missing one as "". Left out: PDF and other documents (`helpers.documents`).
"""

import codecs
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers.errors import DataError
from helpers.prepare.source import Source
from helpers.prepare.source_objects import json_source, memory_reader, objects_source
from helpers.prepare.source_tables import table_source

ENDINGS = (".csv", ".tsv", ".xlsx", ".txt", ".json", ".jsonl")


def open_source(
    source: Any, *, to: str | None = None, encoding: str = "utf-8", columns: Mapping[str, str] | None = None
) -> Source:
    """Look at the beginning of `source` and find out what it is.

    `source`: a path, a list of objects, or a pandas table. `to`: the form to give on (`jsonl.FORMS`); None
    for that of the source. `columns`: which columns are the prompt and the completion, if they are called
    otherwise. Raises DataError for a file that is missing, empty, of an unknown kind or unreadable.
    """
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise DataError(f"There is no encoding {encoding!r}. Try utf-8, cp949 or cp1252.") from None
    encoding = codecs.lookup(encoding).name
    columns = {value: key for key, value in (columns or {}).items()}
    if not isinstance(source, str | Path):
        return objects_source("the rows", "row", memory_reader(source), to, columns, plain=False)
    path = Path(source)
    ending = path.suffix.lower()
    if not path.is_file():
        raise DataError(f"{path} does not exist or is no file.")
    if ending not in ENDINGS:
        raise DataError(
            f"{path} ends in {ending or 'nothing'}; known are {', '.join(ENDINGS)}.{_advice(ending)}"
        )
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty.")
    if ending in (".json", ".jsonl"):
        return json_source(path, ending, to, columns)
    return table_source(path, ending, to, columns, encoding)


def _advice(ending: str) -> str:
    if ending in (".pdf", ".docx", ".html", ".htm", ".md"):
        return " A document must become examples first: lesson 07 and helpers.documents show how."
    if ending in (".xls", ".xlsm", ".xlsb", ".ods", ".numbers"):
        return " Save it as .xlsx or as CSV UTF-8 from the spreadsheet program."
    return ""
