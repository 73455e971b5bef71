"""What the engine keeps: files, jobs, events, models, each an object of JSON, some with a blob of bytes.

Objects are rows of one SQLite file; blobs are files beside it, written whole before the row that names them.
Every change is one transaction, committed before the answer goes out, so a killed process leaves either the
old state or the new. Several threads and several processes (a lab's kernels, and `serve`) may use one folder
at once: SQLite's own locks put their changes in an order. The journal is SQLite's ordinary one, for the
reasons given in `helpers.vector_cache`.

A kind of object ("file", "job", "batch" ...) is whatever its module says; the store knows none of them. Keys
that begin with `_` are the engine's own and are not answered (`public`). Left out: HTTP, and any meaning.
"""

import contextlib
import json
import secrets
import sqlite3
import string
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from helpers.engine.errors import ApiError

VERSION = 1
SECONDS_TO_WAIT = 60  # for another process that is writing
ORPHANED_AFTER = 3_600  # seconds: a blob without a row may be one that is just being written

SCHEMA = """
CREATE TABLE objects (
    number INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order in which they were made
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    parent TEXT NOT NULL,                      -- the id of what it belongs to, or ''
    blob TEXT,                                 -- the name of its file
    expires INTEGER,                           -- Unix time from which it is gone
    json TEXT NOT NULL,
    UNIQUE (kind, id)
);
CREATE INDEX by_parent ON objects (kind, parent, number);
"""
ALIVE = "(expires IS NULL OR expires > CAST(strftime('%s', 'now') AS INTEGER))"

Object = dict[str, Any]


def new_id(prefix: str, length: int = 24) -> str:
    """A random id as OpenAI's look: the prefix and letters and digits."""
    letters = string.ascii_letters + string.digits
    return prefix + "".join(secrets.choice(letters) for _ in range(length))


def now() -> int:
    """Unix time in whole seconds, as the API writes it."""
    return int(time.time())


def public(found: Object) -> Object:
    """An object without the engine's own keys."""
    return {key: value for key, value in found.items() if not key.startswith("_")}


class Transaction:
    """Reads and changes that happen all at once or not at all; from `Store.reading` or `Store.writing`."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection
        self.blobs_to_delete: list[str] = []

    def get(self, kind: str, id: str) -> Object | None:
        """An object, or None when it is not there (any more)."""
        row = self._one("json", kind, id)
        return json.loads(row[0]) if row else None

    def blob(self, kind: str, id: str) -> str | None:
        """The name of an object's blob."""
        row = self._one("blob", kind, id)
        return row[0] if row else None

    def all(self, kind: str, parent: str | None = None, *, newest_first: bool = False) -> list[Object]:
        """Every object of a kind, or those that belong to `parent`, in the order in which they were made."""
        query = f"SELECT json FROM objects WHERE kind = ? AND {ALIVE}"
        query += " AND parent = ?" if parent is not None else ""
        query += f" ORDER BY number {'DESC' if newest_first else 'ASC'}"
        rows = self._connection.execute(query, (kind,) if parent is None else (kind, parent))
        return [json.loads(row[0]) for row in rows]

    def add(
        self, kind: str, new: Object, *, parent: str = "", blob: str | None = None, expires: int | None = None
    ) -> None:
        """A new object, found by its `id`."""
        self._connection.execute(
            "INSERT INTO objects (kind, id, parent, blob, expires, json) VALUES (?, ?, ?, ?, ?, ?)",
            (kind, new["id"], parent, blob, expires, _dumped(new)),
        )

    def replace(self, kind: str, changed: Object) -> None:
        """A new state of an object that is there."""
        self._connection.execute(
            "UPDATE objects SET json = ? WHERE kind = ? AND id = ?", (_dumped(changed), kind, changed["id"])
        )

    def delete(self, kind: str, id: str) -> bool:
        """Remove an object and its blob; whether it was there."""
        if self._one("1", kind, id) is None:
            return False
        self._delete("kind = ? AND id = ?", (kind, id))
        return True

    def delete_children(self, kind: str, parent: str) -> None:
        """Remove all objects of a kind that belong to `parent`."""
        self._delete("kind = ? AND parent = ?", (kind, parent))

    def delete_expired(self) -> None:
        self._delete(f"NOT {ALIVE}", ())

    def blobs(self) -> set[str]:
        """The names of all blobs that belong to an object."""
        return {row[0] for row in self._connection.execute("SELECT blob FROM objects WHERE blob NOT NULL")}

    def _one(self, column: str, kind: str, id: str) -> tuple | None:
        query = f"SELECT {column} FROM objects WHERE kind = ? AND id = ? AND {ALIVE}"
        try:
            return self._connection.execute(query, (kind, id)).fetchone()
        except UnicodeEncodeError:  # half of a surrogate pair: no object has such an id
            return None

    def _delete(self, where: str, values: tuple) -> None:
        rows = self._connection.execute(f"SELECT blob FROM objects WHERE blob NOT NULL AND {where}", values)
        self.blobs_to_delete += [row[0] for row in rows]
        self._connection.execute(f"DELETE FROM objects WHERE {where}", values)


class Store:
    """The objects and blobs in `folder`, which is made when something is first kept.

    `synced`: every change of an object has reached the disk itself when it is answered, so that not even a
    power cut loses it. That takes 1 to 20 ms a change; tests, which only kill processes, do without. Blobs
    reach the disk when the operating system sees fit: a power cut may lose those of the last seconds.
    """

    def __init__(self, folder: Path | str, *, synced: bool = True):
        self.folder = Path(folder).absolute()  # wherever the program goes later
        self._synced = synced
        self._database = self.folder / "objects.sqlite"
        self._tidied = False

    @contextlib.contextmanager
    def reading(self) -> Iterator[Transaction]:
        """One state of the store, unmoved by what others write meanwhile. Keep it short."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            yield Transaction(connection)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Transaction]:
        """Changes that are kept when the block ends well, and forgotten when it raises. Keep it short."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self.unusable(error) from error
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            transaction = Transaction(connection)
            try:
                self._tidy(transaction)
                yield transaction
            except BaseException:
                if connection.in_transaction:  # SQLite may have taken it back itself: the disk is full
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        self._unlink(transaction.blobs_to_delete)

    def get(self, kind: str, id: str) -> Object | None:
        """As `Transaction.get`, alone."""
        with self.reading() as transaction:
            return transaction.get(kind, id)

    def all(self, kind: str, parent: str | None = None, *, newest_first: bool = False) -> list[Object]:
        """As `Transaction.all`, alone."""
        with self.reading() as transaction:
            return transaction.all(kind, parent, newest_first=newest_first)

    def change(self, kind: str, id: str, change: Callable[[Object], None]) -> Object | None:
        """Change an object in place; its new state, or None when it is not there."""
        with self.writing() as transaction:
            found = transaction.get(kind, id)
            if found is not None:
                change(found)
                transaction.replace(kind, found)
            return found

    def blob_path(self, name: str) -> Path:
        """Where a blob is. Write it through `atomic_path`."""
        return self.folder / "blobs" / name

    @contextlib.contextmanager
    def new_blobs(self) -> Iterator[Callable[[], str]]:
        """Gives a function that names new blobs; when the block raises, what was written there is removed."""
        names: list[str] = []

        def name() -> str:
            names.append(secrets.token_hex(16))
            return names[-1]

        try:
            yield name
        except BaseException:
            self._unlink(names)
            raise

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        path = self._database if self.folder.exists() else ":memory:"  # reading makes no folder
        try:
            with contextlib.closing(
                sqlite3.connect(path, timeout=SECONDS_TO_WAIT, isolation_level=None)
            ) as connection:
                connection.execute(f"PRAGMA synchronous = {'FULL' if self._synced else 'OFF'}")
                _prepare(connection)
                yield connection
        except sqlite3.Error as error:
            raise self.unusable(error) from error

    def unusable(self, error: Exception) -> ApiError:
        """500, for what the disk or SQLite says."""
        return ApiError(
            f"The engine's store in {self.folder} cannot be used ({error}). If that stays so, it may be "
            "deleted, with the uploaded files, jobs and trained models in it.",
            status=500,
            type="server_error",
        )

    def _tidy(self, transaction: Transaction) -> None:
        """Once a process: remove what has expired, and blobs that a killed process left without an object."""
        if self._tidied:
            return
        self._tidied = True
        transaction.delete_expired()
        wanted = transaction.blobs()
        for path in self.blob_path("").glob("*"):
            with contextlib.suppress(OSError):  # another process may tidy at the same moment
                if path.name not in wanted and time.time() - path.stat().st_mtime > ORPHANED_AFTER:
                    transaction.blobs_to_delete.append(path.name)

    def _unlink(self, names: list[str]) -> None:
        for name in names:
            with contextlib.suppress(OSError):  # on Windows, while it is being read: the next start tidies
                self.blob_path(name).unlink(missing_ok=True)


def _prepare(connection: sqlite3.Connection) -> None:
    """The table, where it is missing. Raises ApiError for a file of a later version."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == VERSION:
        return
    if version:
        raise sqlite3.DatabaseError(f"it has the form {version}, and this workbook knows {VERSION}")
    connection.execute("BEGIN IMMEDIATE")
    if not connection.execute("PRAGMA user_version").fetchone()[0]:  # no other process was quicker
        for statement in SCHEMA.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _dumped(new: Object) -> str:
    return json.dumps(new, ensure_ascii=False, separators=(",", ":"))
