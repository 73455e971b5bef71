"""Any document to blocks: what a file is, its content tells; its name is only a hint.

PDF, DOCX and XLSX are known by their first bytes and parts, web pages by their mark-up. Only among plain
texts (Markdown, CSV, TSV, TXT) does the extension decide. A file that is not what its name says is read as
what it is, with a note; one that is no text at all is refused, by name where it is known.

Left out: old Office files (.doc, .xls), HWP, EPUB, e-mail: save or export them as DOCX, XLSX or PDF first.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

from helpers.documents import encodings, limits
from helpers.documents.structure import Block, Document
from helpers.errors import DataError

Read = tuple[list[Block], tuple[str, ...]]

SIGNATURES = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"II*\0": "a TIFF picture",
    b"MM\0*": "a TIFF picture",
    b"\x1f\x8b": "packed with gzip",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"{\\rtf": "an RTF document",
    b"%!PS": "a PostScript file",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "an SQLite database",
    b"MZ": "a program",
    b"\x7fELF": "a program",
}
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # Office before 2007, HWP, and Office files with a password
ZIPPED = {
    "ppt/": "a PowerPoint presentation: save it as PDF",
    "META-INF/container.xml": "an EPUB book: convert it to DOCX or HTML",
    "Contents/section0.xml": "an HWPX document: save it as DOCX or PDF in Hancom Office",
    "content.xml": "an OpenDocument file: save it as DOCX, XLSX or PDF",
    "xl/workbook.bin": "an XLSB workbook: save it as XLSX",
}
PAGE = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body)\b",
    re.I | re.S,
)
EXTENSIONS = {
    "PDF": (".pdf",),
    "DOCX": (".docx", ".docm", ".dotx"),
    "XLSX": (".xlsx", ".xlsm", ".xltx"),
    "HTML": (".html", ".htm", ".xhtml"),
    "Markdown": (".md", ".markdown", ".mdown"),
    "CSV": (".csv",),
    "TSV": (".tsv", ".tab"),
    "TXT": (".txt", ".text", ".log", ""),
}
OTHERS = {
    ".jsonl": "holds JSON lines, which are rows already: read it with helpers.jsonl",
    ".json": "holds JSON, which is data and no document: read it with Python's json",
}


def read(
    path: str | os.PathLike[str], *, limit: int = limits.FILE_LIMIT, encoding: str | None = None
) -> Document:
    """The document in a file: PDF, DOCX, XLSX, HTML, Markdown, TXT, CSV or TSV.

    `limit` is the largest file that is opened, in bytes; `encoding` is that of a text file, where the guess
    is wrong. The file is only read. Raises DataError, with the path and what to do, for a file that is
    missing, empty, too large, encrypted, scanned, damaged, packed to do harm, or of another kind.
    """
    path = Path(path)
    content = limits.read_bytes(path, limit)
    return read_bytes(content, path.name, encoding=encoding, shown=str(path))


def read_bytes(
    content: bytes, name: str, *, encoding: str | None = None, shown: str | None = None
) -> Document:
    """The same from bytes, as from an upload; `name` is the file's, and `shown` what errors call it."""
    shown = shown or name
    kind = "document"
    try:
        kind, reader = _reader(content, name, encoding)
        blocks, notes = reader()
        if not any(block.text.strip() for block in blocks):
            raise DataError("it holds no text")
    except DataError as error:
        raise DataError(f"{shown} cannot be read as {_article(kind)}: {error}.") from error
    except Exception as error:  # whatever a parser stumbles over, the file is what is wrong
        raise DataError(
            f"{shown} cannot be read as {_article(kind)}: it is damaged ({type(error).__name__})."
        ) from error
    return Document(name, kind, tuple(blocks), (*_misnamed(name, kind), *notes))


def _reader(content: bytes, name: str, encoding: str | None) -> tuple[str, Callable[[], Read]]:
    """The kind of a file, and what reads it."""
    if b"%PDF-" in content[:1024]:
        from helpers.documents.pdf import read_pdf

        return "PDF", lambda: read_pdf(content)
    if content[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _zipped(content)
    if content.startswith(OLE):
        raise DataError(_old_office(content))
    for signature, what in SIGNATURES.items():
        if content.startswith(signature):
            raise DataError(f"it is {what}, not a text")
    text, notes = encodings.decode(content, encoding)
    if len(text) > limits.CHARACTERS:
        raise DataError(f"it has {len(text):,} characters, over the limit of {limits.CHARACTERS:,}")
    kind = _text_kind(text, Path(name).suffix.lower())
    return kind, lambda: _with_notes(_read_text(kind, text), notes)


def _zipped(content: bytes) -> tuple[str, Callable[[], Read]]:
    from helpers.documents import office

    names = limits.Archive(content).names
    if "word/document.xml" in names:
        return "DOCX", lambda: office.read_docx(content)
    if "xl/workbook.xml" in names:
        return "XLSX", lambda: office.read_xlsx(content)
    for start, what in ZIPPED.items():
        if any(part.startswith(start) for part in names):
            raise DataError(f"it is {what}")
    raise DataError("it is a zip archive: unpack it and read the documents in it one by one")


def _old_office(content: bytes) -> str:
    names = {
        "EncryptedPackage": None,
        "WordDocument": "Word",
        "Workbook": "Excel",
        "HwpSummaryInformation": "HWP",
    }
    for name, program in names.items():
        if name.encode("utf-16-le") in content:
            if program is None:
                return "it is encrypted: open it with its password and save a copy without one"
            return f"it is in an old {program} format: save it as DOCX, XLSX or PDF"
    return "it is in an old Office or HWP format: save it as DOCX, XLSX or PDF"


def _text_kind(text: str, suffix: str) -> str:
    if suffix in OTHERS:
        raise DataError(f"it {OTHERS[suffix]}")
    if PAGE.match(text[:10_000]):
        return "HTML"
    if suffix == ".xls":  # many programs write a table as text and call it .xls
        return "TSV" if "\t" in text[:10_000] else "CSV"
    named = next((kind for kind, suffixes in EXTENSIONS.items() if suffix in suffixes), "TXT")
    return named if named not in ("PDF", "DOCX", "XLSX") else "TXT"


def _read_text(kind: str, text: str) -> Read:
    if kind == "HTML":
        from helpers.documents.web import read_html

        return read_html(text)
    if kind == "Markdown":
        from helpers.documents.markdown import read_markdown

        return read_markdown(text)
    if kind in ("CSV", "TSV"):
        from helpers.documents.tables import read_delimited

        return read_delimited(text)
    from helpers.documents.plain import read_plain

    return read_plain(text), ()


def _with_notes(read: Read, notes: tuple[str, ...]) -> Read:
    return read[0], (*notes, *read[1])


def _misnamed(name: str, kind: str) -> list[str]:
    suffix = Path(name).suffix.lower()
    if suffix in EXTENSIONS[kind]:
        return []
    known = any(suffix in suffixes for suffixes in EXTENSIONS.values())
    return [
        f"Its name ends in {suffix!r}, but its content is {kind}." if known else f"It was read as {kind}."
    ]


def _article(kind: str) -> str:
    return f"an {kind}" if kind in ("XLSX", "HTML") else f"a {kind}"
