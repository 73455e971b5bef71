"""Fetch a file over HTTP so that nobody ever meets half of it.

A file grows under a hidden name ending in `.part`, beside the place where it will be. It takes its final
name only after it has been checked: size and SHA-256 where they are known, else whatever `Remote.check`
looks at. What is killed, unplugged or cut off leaves the `.part` file, and the next call goes on from
there. (That is why `files.atomic_path`, which throws away what is unfinished, does not serve here.) A lock
beside it keeps two processes apart; the system frees it when a process dies.

The transfer itself is pooch's (`pooch.HTTPDownloader`, on requests). Left out: several connections at
once, logging in, and anything that is not HTTP.
"""

import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from helpers.errors import DataError
from helpers.files import atomic_path

TRIES = 3  # attempts in a row that bring nothing new
WAIT = 1.0  # seconds before the second attempt, doubled each time
LONGEST_WAIT = 15.0  # seconds; a server that asks for more is left alone
BLOCK = 1 << 14  # bytes; at most so many are lost when a connection breaks


@dataclass(frozen=True)
class Remote:
    """A file that can be fetched, and how to know that it is whole.

    `name` is its name on disk. `size` (bytes) and `sha256` are checked where given. `check` is called with
    the path of a complete-looking file and raises a DataError if it is not what it should be; a DataError
    whose cause is an EOFError means that only the rest is missing.
    """

    name: str
    url: str
    size: int | None = None
    sha256: str | None = None
    check: Callable[[Path], object] | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or self.url


class _Unfinished(Exception):
    """What is there is the beginning of the file, as far as one can see."""


class _Wrong(Exception):
    """What is there is not the file, and more bytes will not mend it."""


def fetch(remote: Remote, folder: Path | str, *, timeout: float = 20.0, progress: bool = False) -> Path:
    """The path of the whole, checked file in `folder` (made if need be), fetched only if it is not there.

    `timeout` in seconds bounds connecting (to each of the host's addresses in turn) and every pause of the
    server: a stall is no byte for so long. A slow but steady transfer may take its time. `progress` shows a
    tqdm bar.

    Raises DataError, in one sentence: no network, a server that stalls, refuses or breaks off, other bytes
    than expected, a full disk, a folder that cannot be written, another process at the same download.
    """
    folder = Path(folder).expanduser()
    target = folder / remote.name
    try:
        if _is_whole(remote, target):
            return target
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(target, timeout):
            if not _is_whole(remote, target):  # another process may have fetched it meanwhile
                part = target.with_name(f".{target.name}.part")
                _fill(remote, part, timeout, progress)
                _install(remote, part, target)
    except OSError as error:
        raise DataError(f"{remote.name} was not downloaded: {_explain_disk(error, target)}") from error
    return target


def sidecar(target: Path) -> Path:
    """The file beside `target` that records its SHA-256, in the format of `sha256sum`."""
    return target.with_name(target.name + ".sha256")


def _is_whole(remote: Remote, target: Path) -> bool:
    if not target.is_file():
        return False
    recorded = remote.sha256 or _recorded(target)
    if recorded:
        return _digest(target) == recorded
    try:  # put there by hand: worth as much as a download if it passes the same checks
        _verify(remote, target)
    except (_Unfinished, _Wrong):
        return False
    with contextlib.suppress(OSError):  # a folder that can only be read
        _record(target, _digest(target))
    return True


def _install(remote: Remote, part: Path, target: Path) -> None:
    """Give the checked `part` its final name, and note its hash if nobody told us which to expect."""
    digest, before = _digest(part), _recorded(target)
    if not remote.sha256 and before not in (None, digest):
        raise DataError(
            f"{remote.name} was not replaced: what {remote.host} sends today (SHA-256 {digest}) is not what "
            f"it sent before ({before}); if you trust it, delete {sidecar(target)} and run this again."
        )
    with part.open("rb+") as file:
        os.fsync(file.fileno())  # a name must not outlive a power cut that its bytes did not
    part.replace(target)
    if not remote.sha256:
        _record(target, digest)


def _fill(remote: Remote, part: Path, timeout: float, progress: bool) -> None:
    """Make `part` the whole, checked file, in as many attempts as bring it forward and TRIES that do not."""
    import requests

    best = before = _size(part)
    idle, anew = 0, False
    with _bar(remote, progress) as bar:
        while True:
            start = _size(part)
            try:
                _attempt(remote, part, timeout, bar)
                _verify(remote, part)
                return
            except _Wrong as error:
                part.unlink()
                if start == 0 or anew:
                    raise DataError(f"{remote.name} was not downloaded: {error}") from error
                reason, wait = error, 0.0  # its first half may be of another time: once more from the start
                best, anew = 0, True
            except (requests.RequestException, _Unfinished) as error:
                reason, wait = error, _wait(error, idle)
                if _status(error) == 416:  # the server has nothing after our last byte
                    if _passes(remote, part):
                        return
                    part.unlink(missing_ok=True)
            idle = 0 if _size(part) > best else idle + 1
            best = max(best, _size(part))
            if idle >= TRIES or wait > LONGEST_WAIT or not _worth_another(reason, best > before):
                if _passes(remote, part):  # a server that announces too much leaves a whole file and an error
                    return
                raise DataError(
                    f"{remote.name} was not downloaded: {_explain(reason, remote, part, timeout)}"
                ) from reason
            time.sleep(wait)


def _attempt(remote: Remote, part: Path, timeout: float, bar: Any) -> None:
    """One request, from where `part` ends."""
    import pooch

    with part.open("ab") as file:
        sink = _Sink(file, bar, remote)
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={sink.start}-"} if sink.start else {})
        get = pooch.HTTPDownloader(
            chunk_size=BLOCK, timeout=timeout, headers=headers, hooks={"response": sink.begin}
        )
        with contextlib.closing(sink):
            get(remote.url, sink, None)
        if file.tell() < sink.end:
            raise _Unfinished


class _Sink:
    """The open file that pooch writes to. It hears of the answer first, to know what the bytes are."""

    def __init__(self, file: Any, bar: Any, remote: Remote) -> None:
        self.file, self.bar, self.remote = file, bar, remote
        self.start = self.end = file.tell()
        self.response: Any = None

    def begin(self, response: Any, *_args: object, **_options: object) -> None:
        """A hook of requests: prepare for this answer's body."""
        import requests

        self.response = response
        if response.status_code == 206:
            if not response.headers.get("Content-Range", "").startswith(f"bytes {self.start}-"):
                self.restart()
                raise requests.ConnectionError("the answer is another part of the file than was asked for")
        elif response.status_code == 200:
            self.restart()  # a server that knows no ranges sends everything again
        if self.remote.name.endswith(".gz"):  # some servers call the file an encoding of the text inside
            response.raw.headers.discard("Content-Encoding")
        # We look at the length ourselves: urllib3 would throw the last block away with its error.
        response.raw.enforce_content_length = False
        length = response.raw.headers.get("Content-Length", "")
        unpacked = response.raw.headers.get("Content-Encoding", "identity") != "identity"
        self.end = self.start + int(length) if length.isdigit() and not unpacked else self.start
        self.bar.total = max(self.end, self.remote.size or 0) or None
        self.bar.n = self.start
        self.bar.refresh()

    def restart(self) -> None:
        self.file.truncate(0)
        self.file.seek(0)
        self.start = 0

    def write(self, block: bytes) -> None:
        self.file.write(block)
        if self.remote.size is not None and self.file.tell() > self.remote.size:
            self.file.flush()
            raise _Wrong(_what_came(Path(self.file.name), self.remote))
        self.bar.update(len(block))

    def flush(self) -> None:
        self.file.flush()

    def close(self) -> None:
        if self.response is not None:
            self.response.close()


def _verify(remote: Remote, path: Path) -> None:
    """Raise _Unfinished or _Wrong unless `path` is the whole file."""
    size = _size(path)
    if size == 0 or (remote.size is not None and size < remote.size):
        raise _Unfinished
    if remote.sha256 and _digest(path) != remote.sha256:
        raise _Wrong(_what_came(path, remote))
    if remote.check:
        try:
            remote.check(path)
        except DataError as error:
            if isinstance(error.__cause__, EOFError):
                raise _Unfinished from error
            raise _Wrong(_what_came(path, remote, str(error).rstrip("."))) from error


def _passes(remote: Remote, path: Path) -> bool:
    try:
        _verify(remote, path)
    except (_Unfinished, _Wrong):
        return False
    return True


def _what_came(path: Path, remote: Remote, finding: str = "wrong bytes, wrong hash") -> str:
    with path.open("rb") as file:
        start = file.read(200).lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<"):
        return (
            f"{remote.host} answered with a web page instead, perhaps the log-in page of this network: "
            "open any page in a browser first, then try again."
        )
    return f"what {remote.host} sent is not the file expected ({finding}); try again later."


def _worth_another(error: Exception, received: bool) -> bool:
    """Whether to ask again: after a hiccup; where there is no network, only if there was one just now."""
    import requests

    status = _status(error)
    if status is not None:
        return status in (408, 416, 429) or status >= 500
    if isinstance(error, ValueError | requests.TooManyRedirects):  # ValueError: not an address
        return False
    return received or not (_stalled(error) or _unreached(error))


def _wait(error: Exception, idle: int) -> float:
    """Seconds until the next attempt: what the server asks for, or twice as long each time."""
    asked = getattr(getattr(error, "response", None), "headers", {}).get("Retry-After", "")
    return float(asked) if asked.isdigit() else WAIT * 2**idle


def _status(error: Exception) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and what is wrapped in it: requests keeps urllib3's errors in `args`, urllib3 in `reason`."""
    yield error
    for inner in (*error.args, getattr(error, "reason", None)):
        if isinstance(inner, BaseException):
            yield from _causes(inner)


def _stalled(error: Exception) -> bool:
    import requests
    import urllib3

    # requests raises ReadTimeout before the body and a ConnectionError around urllib3's error inside it
    return any(
        isinstance(e, requests.ReadTimeout | urllib3.exceptions.ReadTimeoutError) for e in _causes(error)
    )


def _unreached(error: Exception) -> bool:
    import requests
    import urllib3

    kinds = requests.ConnectTimeout | requests.exceptions.ProxyError | requests.exceptions.SSLError
    return any(isinstance(e, kinds | urllib3.exceptions.NewConnectionError) for e in _causes(error))


def _explain(error: Exception, remote: Remote, part: Path, timeout: float) -> str:
    """One sentence on why the network did not deliver."""
    import requests

    host, again = remote.host, "try again"
    if size := _size(part):
        again = f"run it again and it goes on after the {size:,} bytes that are there"
    if isinstance(error, _Wrong):
        return str(error)
    if isinstance(error, requests.TooManyRedirects):
        return f"{host} sends the request round in circles (too many redirects); try again later."
    if status := _status(error):
        if status in (404, 410):
            return f"{host} has no such file any more ({status} for {remote.url})."
        if status == 429 or status >= 500:
            return f"{host} is busy or being repaired (it answered {status}); try again later."
        return f"{host} refuses it (it answered {status} for {remote.url})."
    if isinstance(error, requests.exceptions.SSLError):
        return (
            f"no safe connection to {host} could be made; a proxy or virus scanner may stand in between, "
            "or this computer's clock be wrong."
        )
    if _stalled(error):
        return f"{host} sent nothing for {timeout:g} seconds; {again}."
    if _unreached(error):
        return f"{host} cannot be reached; check the network connection, then {again}."
    if isinstance(error, ValueError):  # requests' errors for an address that is none
        return f"{remote.url!r} is not an address that can be fetched."
    return f"{host} broke off the connection; {again}."


def _explain_disk(error: OSError, target: Path) -> str:
    """One sentence on why the disk did not take the file."""
    folder = target.parent
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
        return f"the disk is full; make room in {folder} or choose another folder."
    if isinstance(error, FileExistsError | NotADirectoryError):
        return f"{error.filename or folder} is a file, not a folder; choose another folder."
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return (
            f"no permission to write in {folder}; choose another folder, "
            f"or close the program that has {target.name} open."
        )
    return f"the disk reported an error in {folder}: {error.strerror or error}."


@contextlib.contextmanager
def _alone(target: Path, timeout: float) -> Iterator[None]:
    """Hold the lock beside `target`; DataError if another process does for `timeout` seconds."""
    import filelock

    lock = filelock.FileLock(target.with_name(f".{target.name}.lock"))
    try:
        lock.acquire(timeout=timeout)
    except filelock.Timeout as error:
        raise DataError(
            f"Another process is downloading {target.name} into {target.parent}: "
            "let it finish, then run this again."
        ) from error
    try:
        yield
        with contextlib.suppress(OSError):  # not on Windows, where filelock does it
            Path(lock.lock_file).unlink()
    finally:
        lock.release()


def _bar(remote: Remote, progress: bool) -> Any:
    from tqdm.auto import tqdm

    return tqdm(desc=remote.name, unit="B", unit_scale=True, unit_divisor=1000, disable=not progress)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _digest(path: Path) -> str:
    import pooch

    return pooch.file_hash(str(path), alg="sha256")


def _recorded(target: Path) -> str | None:
    """The SHA-256 in the sidecar, if there is one."""
    path = sidecar(target)
    words = path.read_text(encoding="utf-8", errors="replace").split() if path.is_file() else []
    return words[0] if words else None


def _record(target: Path, digest: str) -> None:
    with atomic_path(sidecar(target)) as path:
        path.write_text(f"{digest}  {target.name}\n", encoding="utf-8", newline="\n")
