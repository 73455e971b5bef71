"""Writing files so that nobody ever meets half of one, and folders that one run has to itself.

A file is written under a temporary name in the same folder and renamed when it is complete;
`os.replace` is atomic on Windows, macOS and Linux. What fails in between leaves the old file as it was.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from helpers.errors import DataError

LOCK = ".run.lock"


@contextlib.contextmanager
def atomic_path(target: Path | str) -> Iterator[Path]:
    """A temporary path beside `target` to write to; it becomes `target` when the block ends well.

    Missing folders are made. When the block raises, the temporary file is removed and `target` is untouched.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """One run at a time on a folder, which is made if need be.

    The system gives the lock back when a process dies, however it dies. Raises DataError when another run is
    at work there.
    """
    import filelock  # here, because the launcher writes files before any package is installed

    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise DataError(
            f"Another run is at work in the folder {folder.name}. Wait for it, or end it."
        ) from error
    try:
        yield
    finally:
        lock.release()
