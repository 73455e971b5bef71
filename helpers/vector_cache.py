"""Vectors that have been paid for, kept in one SQLite file so that no text is ever paid for twice.

A vector is found again by host, model, dimensions and the SHA-256 of the text exactly as it was sent (a text
that was truncated or split is another text). The texts themselves are not stored. That keeps reviews out of
the file, but is no secrecy: who has a text can look whether it is there, and an embedding gives much of its
text away (Morris et al., 2023, "Text Embeddings Reveal (Almost) As Much As Text").

Every batch is one transaction, and every call opens and closes the file. A killed process leaves the file as
it was before the batch that it was writing. The journal is SQLite's ordinary one: for batches of vectors it
is quicker than a write-ahead log (tests/benchmarks/hosted_embedding.py), it works on network drives, where
the other does not, and it leaves a single file that can be copied. Nothing is ever deleted here, least of all
a file that cannot be read.
"""

import contextlib
import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

APPLICATION_ID = 0x57425643  # "WBVC": tells our files from other programs' databases
VERSION = 1
LOOK_UP = 500  # keys in one query; old SQLite allows 999 parameters
SECONDS_TO_WAIT = 60  # for another process that is writing
PAGE_BYTES = 16_384  # two vectors of 1,536 numbers fit a page

SPACES = """CREATE TABLE spaces (
    id INTEGER PRIMARY KEY,
    host TEXT NOT NULL,
    model TEXT NOT NULL,
    dimensions INTEGER NOT NULL,  -- as asked for; 0 means that the model's own number was wanted
    UNIQUE (host, model, dimensions)
)"""
VECTORS = """CREATE TABLE vectors (
    space INTEGER NOT NULL REFERENCES spaces,
    text BLOB NOT NULL,           -- SHA-256 of the text, 32 bytes
    vector BLOB NOT NULL,         -- float32, little-endian, unit length
    PRIMARY KEY (space, text)
)"""


def key(text: str) -> bytes:
    """What a text is found by: its SHA-256, 32 bytes."""
    return hashlib.sha256(text.encode("utf-8")).digest()


class VectorCache:
    """The vectors of one host, model and number of dimensions in the file `path`. Threads may share it."""

    def __init__(self, path: Path | str, host: str, model: str, dimensions: int | None = None):
        """Makes the file and its folder where they do not exist.

        Raises DataError when the file is damaged, not a cache of ours, or cannot be opened or made.
        """
        self.path = Path(path)
        self._space = (host, model, dimensions or 0)
        self._lock = threading.Lock()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(
                f"The cache's folder {self.path.parent} cannot be made: {error.strerror}."
            ) from error
        with _opened(self.path) as connection:
            if not _is_ours(connection, self.path):
                _create(connection, self.path)

    def get(self, keys: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
        """The vectors that are there: positions in `keys` (k,), int64, and their vectors (k, d), float32.

        Raises DataError when what is stored cannot be read or is no unit-length vector.
        """
        blobs: dict[bytes, bytes] = {}
        with _opened(self.path) as connection:
            for start in range(0, len(keys), LOOK_UP):
                some = keys[start : start + LOOK_UP]
                blobs.update(connection.execute(_query(len(some)), (*self._space, *some)))
        positions = [i for i, k in enumerate(keys) if k in blobs]
        return np.array(positions, dtype=np.int64), self._vectors([blobs[keys[i]] for i in positions])

    def put(self, keys: Sequence[bytes], vectors: np.ndarray) -> None:
        """Stores vectors (len(keys), d), all or none of them; on return they are on the disk.

        A key that is already there keeps its vector. Raises DataError when they cannot be written.
        """
        little_endian = np.ascontiguousarray(vectors, dtype="<f4")
        with self._lock, _opened(self.path) as connection, _transaction(connection):
            connection.execute(
                "INSERT OR IGNORE INTO spaces (host, model, dimensions) VALUES (?, ?, ?)", self._space
            )
            (space,) = connection.execute(
                "SELECT id FROM spaces WHERE (host, model, dimensions) = (?, ?, ?)", self._space
            ).fetchone()
            connection.executemany(
                "INSERT OR IGNORE INTO vectors VALUES (?, ?, ?)",
                ((space, k, row.data) for k, row in zip(keys, little_endian, strict=True)),
            )

    def _vectors(self, blobs: list[bytes]) -> np.ndarray:
        sizes = {len(blob) for blob in blobs}
        if not sizes:
            return np.empty((0, 0), dtype=np.float32)
        if len(sizes) > 1 or sizes.pop() % 4:
            raise _damaged(self.path, "it holds vectors of different lengths for one model")
        vectors = (
            np.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(blobs), -1).astype(np.float32, copy=False)
        )
        lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        if not (np.abs(lengths - 1) < 1e-3).all():
            raise _damaged(self.path, "it holds a vector that does not have length 1")
        return vectors


def cache_info(path: Path | str) -> "pd.DataFrame":
    """What a cache holds, one row for each host, model and dimensions: vectors, megabytes.

    `dimensions` 0 stands for the model's own number. No rows when there is no file.
    Raises DataError when the file is damaged or not a cache of ours.
    """
    import pandas as pd

    path, rows = Path(path), []
    if path.exists():
        with _opened(path) as connection:
            if _is_ours(connection, path):
                rows = connection.execute(
                    "SELECT host, model, dimensions, count(*), sum(length(vector)) / 1e6 "
                    "FROM vectors JOIN spaces ON spaces.id = space GROUP BY space ORDER BY 1, 2, 3"
                ).fetchall()
    return pd.DataFrame(rows, columns=["host", "model", "dimensions", "vectors", "megabytes"])


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection for one piece of work. SQLite's errors come out as DataError, in plain words."""
    try:
        connection = sqlite3.connect(path, timeout=SECONDS_TO_WAIT, isolation_level=None)
        with contextlib.closing(connection):
            connection.execute("PRAGMA synchronous = FULL")  # a batch is on the disk before its put returns
            yield connection
    except sqlite3.DatabaseError as error:
        raise _explained(path, error) from error


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing. Asks for the right to write at once, so that it waits for others instead of failing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # SQLite has rolled back by itself when the disk is full
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _query(number: int) -> str:
    marks = ", ".join("?" * number)
    return (
        "SELECT text, vector FROM vectors JOIN spaces ON spaces.id = space "
        f"WHERE (host, model, dimensions) = (?, ?, ?) AND text IN ({marks})"
    )


def _is_ours(connection: sqlite3.Connection, path: Path) -> bool:
    """True for a cache that can be used, False for an empty file. Raises DataError for anything else."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application == 0 and tables == 0:
        return False
    if application != APPLICATION_ID:
        raise DataError(
            f"{path} is a database of another program, not a cache of vectors. Choose another file."
        )
    if version > VERSION:
        raise DataError(f"{path} was made by a newer workbook. Update the workbook, or choose another file.")
    return True


def _create(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    with _transaction(connection):
        if _is_ours(connection, path):  # another process was quicker
            return
        connection.execute(SPACES)
        connection.execute(VECTORS)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _damaged(path: Path, what: str) -> DataError:
    return DataError(
        f"The cache {path} is damaged: {what}. Move it away or delete it; its vectors are then asked for "
        "(and paid) again."
    )


def _explained(path: Path, error: sqlite3.DatabaseError) -> DataError:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return _damaged(path, str(error))
    advice = {
        "SQLITE_FULL": "The disk is full. Make room and run this again: what was stored before is kept.",
        "SQLITE_BUSY": f"Another program has been writing to it for {SECONDS_TO_WAIT} seconds. Close it.",
        "SQLITE_READONLY": "It may not be written to. Change its permissions, or choose another file.",
        "SQLITE_CANTOPEN": "It cannot be opened. Is it a folder, or do you lack permission?",
        "SQLITE_IOERR": "Reading or writing failed. Is the disk full, or a network drive gone?",
    }
    reason = next(
        (text for start, text in advice.items() if name.startswith(start)), f"SQLite says: {error}."
    )
    return DataError(f"The cache {path} cannot be used. {reason}")
