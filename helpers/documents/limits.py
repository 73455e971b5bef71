"""How much a document may ask for: file size, unpacked size, pages, characters, cells.

A document comes from anywhere, so each reader stops at a limit with a DataError and never fills the memory.
The sizes that a zip archive (DOCX, XLSX) states are checked before anything is unpacked, and again while it
is: an archive can lie. Files are only ever read; nothing is written or unpacked to disk.

Left out: what PDFium itself needs for one page; it has limits of its own, of about a gigabyte for a stream.
"""

import io
import os
import stat
import zipfile
import zlib
from pathlib import Path

from helpers.errors import DataError

MEGABYTE = 1_000_000
FILE_LIMIT = 50 * MEGABYTE
UNPACKED_LIMIT = 100 * MEGABYTE  # all parts of an archive that are read, together
RATIO_LIMIT = 200  # XML packs to a tenth or a fiftieth; a bomb to a thousandth
RATIO_FREE = MEGABYTE  # below this size the ratio does not matter
MEMBERS = 10_000
PAGES = 2_000
CHARACTERS = 20_000_000
RUNS = 20_000  # separate pieces of text on one page of a PDF; a page of a book has a hundred
MARKUP_CHARACTERS = 5_000_000  # HTML and Markdown; parsing takes seconds for a million
CELLS = 1_000_000


def read_bytes(path: str | os.PathLike[str], limit: int = FILE_LIMIT) -> bytes:
    """The content of a file of at most `limit` bytes.

    Raises DataError when there is no such file, it is a folder or a device, empty, unreadable or larger; the
    size is looked at before the first byte is read.
    """
    path = Path(path)
    try:
        state = path.stat()
        if stat.S_ISDIR(state.st_mode):
            raise DataError(f"{path} is a folder, not a document: give the path of one file in it.")
        if not stat.S_ISREG(state.st_mode):
            raise DataError(f"{path} is not an ordinary file: give the path of a document on disk.")
        if state.st_size > limit:
            raise too_large(path, state.st_size, limit)
        with path.open("rb") as file:
            content = file.read(limit + 1)  # it may have grown
    except FileNotFoundError as error:
        raise DataError(f"There is no file {path}: check the name and the folder.") from error
    except (OSError, ValueError) as error:  # a path with a NUL is a ValueError
        reason = getattr(error, "strerror", None) or "it is no valid path"
        raise DataError(f"{str(path)!r} cannot be read: {reason}.") from error
    if len(content) > limit:
        raise too_large(path, len(content), limit)
    if not content:
        raise DataError(f"{path} is empty (0 bytes): it was perhaps not downloaded or saved completely.")
    return content


def too_large(path: Path, size: int, limit: int) -> DataError:
    return DataError(
        f"{path} has {size / MEGABYTE:,.1f} MB, and the limit is {limit / MEGABYTE:,.1f} MB: split it, or "
        "give a higher limit, as in read(path, limit=200_000_000)."
    )


class Archive:
    """The parts of a zip archive (DOCX, XLSX), in memory. Raises DataError for a bomb or damage."""

    def __init__(self, content: bytes, limit: int = UNPACKED_LIMIT):
        self.left = limit
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError) as error:
            raise DataError("the archive inside it is damaged or incomplete") from error
        infos = self._zip.infolist()
        self.names = {info.filename for info in infos}
        if len(infos) > MEMBERS or len(self.names) < len(infos):
            raise DataError(f"it holds {len(infos):,} parts, or two of the same name, which no document does")
        for info in infos:
            if info.flag_bits & 1:
                raise DataError("a part of it is encrypted")
            self._check_ratio(info, info.file_size)
        stated = sum(info.file_size for info in infos if _is_text(info.filename))
        if stated > limit:
            raise DataError(
                f"it unpacks to {stated / MEGABYTE:,.0f} MB, over the limit of {limit / MEGABYTE:,.0f} MB"
            )

    def read(self, name: str) -> bytes:
        """A part, unpacked piece by piece: the limits hold even where the archive lies about its size."""
        parts = []
        try:
            info = self._zip.getinfo(name)
            with self._zip.open(info) as member:
                size = 0
                while piece := member.read(65_536):
                    size += len(piece)
                    self.left -= len(piece)
                    self._check_ratio(info, size)
                    if self.left < 0:
                        raise DataError("it unpacks to more than the limit allows")
                    parts.append(piece)
        except KeyError as error:
            raise DataError(f"its part {name} is missing") from error
        except (
            zipfile.BadZipFile,
            zlib.error,
            NotImplementedError,
            EOFError,
            OSError,
            ValueError,
            RuntimeError,
        ) as error:
            raise DataError(f"its part {name} is damaged") from error
        return b"".join(parts)

    def read_text_parts(self) -> dict[str, bytes]:
        """Every XML part, by name; images, fonts and macros are left out."""
        return {name: self.read(name) for name in sorted(self.names) if _is_text(name)}

    @staticmethod
    def _check_ratio(info: zipfile.ZipInfo, size: int) -> None:
        if size > RATIO_FREE and size > RATIO_LIMIT * max(info.compress_size, 1):
            raise DataError(
                f"its part {info.filename[:80]!r} unpacks to more than {RATIO_LIMIT} times its size, as only "
                "a file that is made to do harm does"
            )


def _is_text(name: str) -> bool:
    return name.lower().endswith((".xml", ".rels"))
