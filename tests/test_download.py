"""`helpers.download`: whatever the server or the disk does, a file with its final name is whole."""

import errno
import gzip
import hashlib
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from servers import Answer, FileServer

from helpers import download, reviews
from helpers.download import Remote, fetch, sidecar
from helpers.errors import DataError

BODY = random.Random(3).randbytes(300_000)
HALF = 150_000
SHA256 = hashlib.sha256(BODY).hexdigest()
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr(download, "WAIT", 0.01)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def remote(server: FileServer, **changes) -> Remote:
    """A file of known size and hash."""
    return Remote(**{"name": "file.bin", "url": server.url(), "size": len(BODY), "sha256": SHA256} | changes)


def unknown(server: FileServer, name: str = "file.gz") -> Remote:
    """A packed file whose hash nobody knows: it is whole if gzip says so."""
    return Remote(name=name, url=server.url(), check=unpack)


def unpack(path: Path) -> None:
    try:
        gzip.decompress(path.read_bytes())
    except (EOFError, gzip.BadGzipFile) as error:
        raise DataError("it cannot be unpacked") from error


def failure(remote: Remote, folder: Path, **options) -> str:
    """The sentence that a failing download gives; checks that no file with the final name is there."""
    with pytest.raises(DataError) as caught:
        fetch(remote, folder, **{"timeout": 5.0} | options)
    assert not (folder / remote.name).exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_is_fetched_once(tmp_path):
    with FileServer(BODY) as server:
        path = fetch(remote(server), tmp_path / "made" / "for it")
        again = fetch(remote(server), tmp_path / "made" / "for it")
    assert path == again and path.read_bytes() == BODY
    assert len(server.requests) == 1
    assert [entry.name for entry in path.parent.iterdir()] == ["file.bin"]  # nothing else is left there


def test_a_present_file_needs_no_network_and_no_right_to_write(tmp_path, monkeypatch):
    (tmp_path / "file.bin").write_bytes(BODY)
    monkeypatch.setattr(Path, "mkdir", lambda *_a, **_k: pytest.fail("touches the folder"))
    assert fetch(Remote("file.bin", "http://127.0.0.1:9/", sha256=SHA256), tmp_path).read_bytes() == BODY


@pytest.mark.parametrize("content", [BODY[:HALF], b"", b"<html>error</html>"], ids=["half", "empty", "html"])
def test_a_damaged_present_file_is_replaced(tmp_path, content):
    (tmp_path / "file.bin").write_bytes(content)
    with FileServer(BODY) as server:
        assert fetch(remote(server), tmp_path).read_bytes() == BODY


@pytest.mark.parametrize(
    "answer",
    [
        Answer(send=HALF),
        Answer(send=HALF, then="reset"),
        Answer(send=HALF, length="none"),
        Answer(send=HALF, then="stall"),
        Answer(length=-HALF),
        Answer(send=0),
    ],
    ids=["truncated", "reset", "truncated without length", "stalled", "claims half", "nothing"],
)
def test_what_breaks_off_goes_on_where_it_stopped(tmp_path, answer):
    with FileServer(BODY, [answer, Answer()]) as server:
        timeout = 0.5 if answer.then == "stall" else 5
        assert fetch(remote(server), tmp_path, timeout=timeout).read_bytes() == BODY
    assert len(server.requests) == 2
    assert server.ranges[0] is None
    if answer.send != 0 and answer.then != "reset":  # what a torn connection still delivers is not certain
        start = int(server.ranges[1].removeprefix("bytes=").rstrip("-"))
        assert start == HALF if answer.then == "close" else HALF - download.BLOCK <= start <= HALF


def test_a_server_that_knows_no_ranges_is_asked_again_from_the_start(tmp_path):
    with FileServer(BODY, [Answer(send=HALF), Answer(ranges=False)]) as server:
        assert fetch(remote(server), tmp_path).read_bytes() == BODY


def test_an_answer_with_another_range_is_not_glued_on(tmp_path):
    other = Answer(status=206, headers={"Content-Range": f"bytes 0-{len(BODY) - 1}/{len(BODY)}"})
    with FileServer(BODY, [Answer(send=HALF), other, Answer()]) as server:
        assert fetch(remote(server), tmp_path).read_bytes() == BODY


def test_a_server_that_packs_what_it_sends(tmp_path):
    packed = Answer(body=gzip.compress(BODY), headers={"Content-Encoding": "gzip"})
    with FileServer(plan=[packed]) as server:
        assert fetch(remote(server), tmp_path).read_bytes() == BODY


def test_many_breaks_are_no_failure_while_each_brings_something(tmp_path):
    plan = [Answer(send=70_000)] * 4 + [Answer()]
    with FileServer(BODY, plan) as server:
        assert fetch(remote(server), tmp_path).read_bytes() == BODY
    assert len(server.requests) == 5


def test_a_server_that_claims_too_much_still_gives_the_file(tmp_path):
    with FileServer(BODY, [Answer(length=500)]) as server:
        assert fetch(remote(server), tmp_path).read_bytes() == BODY
    packed = gzip.compress(BODY)
    with FileServer(packed, [Answer(length=500, ranges=False)]) as server:
        assert fetch(unknown(server), tmp_path).read_bytes() == packed


def test_busy_servers_are_asked_again(tmp_path):
    plan = [Answer(status=503), Answer(status=429, headers={"Retry-After": "0"}), Answer()]
    with FileServer(BODY, plan) as server:
        assert fetch(remote(server), tmp_path).read_bytes() == BODY
    with FileServer(BODY, [Answer(status=503)]) as server:
        assert "busy or being repaired (it answered 503)" in failure(remote(server), tmp_path / "2")
    assert len(server.requests) == download.TRIES


def test_a_server_that_asks_for_an_hour_is_left_alone(tmp_path):
    with FileServer(BODY, [Answer(status=503, headers={"Retry-After": "3600"})]) as server:
        assert "try again later" in failure(remote(server), tmp_path)
    assert len(server.requests) == 1


def test_redirects_are_followed_but_not_round_in_circles(tmp_path):
    with FileServer(BODY) as there:
        moved = Answer(status=302, headers={"Location": there.url("elsewhere")}, body=b"moved")
        with FileServer(BODY, [moved]) as server:
            assert fetch(remote(server), tmp_path).read_bytes() == BODY
        assert there.requests == ["/elsewhere"]
    circle = Answer(status=302, headers={"Location": "/file.bin"}, body=b"")
    with FileServer(BODY, [circle]) as server:
        assert "round in circles" in failure(remote(server), tmp_path / "2")


@pytest.mark.parametrize(
    ("answer", "words", "asked"),
    [
        (Answer(status=404, body=b"none"), "has no such file any more (404", 1),
        (Answer(status=403, body=b"no"), "refuses it (it answered 403", 1),
        (Answer(silent=True), "sent nothing for 0.3 seconds; try again", 1),
        (Answer(drop=True), "broke off the connection; try again", 3),
        (Answer(body=b"x" * len(BODY)), "is not the file expected", 1),
        (Answer(body=BODY + b"more"), "is not the file expected", 1),
        (Answer(body=b"<!DOCTYPE html><title>Log in</title>" + b" " * len(BODY)), "web page", 1),
        (Answer(send=HALF, ranges=False), "goes on after the 150,000 bytes that are there", 4),
        (Answer(send=HALF, ranges=False, then="stall"), "sent nothing for 0.3 seconds", 4),
    ],
    ids=["404", "403", "silent", "drop", "wrong", "longer", "html", "cut", "stall"],
)
def test_failures_are_a_sentence_and_leave_no_file(tmp_path, answer, words, asked):
    with FileServer(BODY, [answer]) as server:
        start = time.monotonic()
        sentence = failure(remote(server), tmp_path, timeout=0.3 if "sent nothing" in words else 5)
        assert time.monotonic() - start < 4
    assert words in sentence and "127.0.0.1" in sentence and "file.bin was not downloaded" in sentence
    assert len(server.requests) == asked


def test_no_network(tmp_path):
    with FileServer() as server:
        address = server.url()
    start = time.monotonic()
    assert "cannot be reached; check the network" in failure(Remote("file.bin", address), tmp_path)
    assert time.monotonic() - start < 1  # said at once, not after three tries
    assert "not an address" in failure(Remote("file.bin", "nonsense"), tmp_path)


def test_a_wrong_first_half_is_thrown_away(tmp_path):
    """What an older download left may be of another file: then all comes anew."""
    (tmp_path / ".file.bin.part").write_bytes(b"?" * HALF)
    with FileServer(BODY) as server:
        assert fetch(remote(server), tmp_path).read_bytes() == BODY
    assert server.ranges == [f"bytes={HALF}-", None]


def test_wrong_bytes_in_two_halves_are_fetched_twice_and_not_for_ever(tmp_path):
    wrong = b"x" * len(BODY)
    with FileServer(wrong, [Answer(send=HALF), Answer()] * 10) as server:
        assert "is not the file expected" in failure(remote(server), tmp_path)
    assert len(server.requests) == 4
    assert list(tmp_path.glob(".*.part")) == []


@pytest.mark.parametrize("left", [BODY, BODY + b"too much"], ids=["whole", "longer"])
def test_a_whole_part_is_taken_and_a_longer_one_is_not(tmp_path, left):
    (tmp_path / ".file.bin.part").write_bytes(left)
    with FileServer(BODY) as server:
        assert fetch(remote(server), tmp_path).read_bytes() == BODY
    assert len(server.requests) == (1 if left == BODY else 2)


class TestUnknownHash:
    packed = gzip.compress(BODY)

    def test_the_hash_found_is_kept_beside_the_file(self, tmp_path):
        with FileServer(self.packed) as server:
            path = fetch(unknown(server), tmp_path)
            digest = hashlib.sha256(self.packed).hexdigest()
            assert sidecar(path).read_text(encoding="utf-8") == f"{digest}  file.gz\n"
            fetch(unknown(server), tmp_path)
            assert len(server.requests) == 1
            path.write_bytes(self.packed[:-1])  # a later change is noticed and mended
            assert fetch(unknown(server), tmp_path).read_bytes() == self.packed

    def test_another_file_on_the_server_is_refused_until_the_reader_agrees(self, tmp_path):
        with FileServer(self.packed) as server:
            path = fetch(unknown(server), tmp_path)
        path.unlink()
        other = gzip.compress(b"another one")
        with FileServer(other) as server:
            sentence = failure(unknown(server), tmp_path)
            assert "is not what it sent before" in sentence and str(sidecar(path)) in sentence
            sidecar(path).unlink()
            assert fetch(unknown(server), tmp_path).read_bytes() == other

    def test_a_file_put_there_by_hand_is_checked_too(self, tmp_path):
        (tmp_path / "file.gz").write_bytes(self.packed)
        with FileServer() as server:
            path = fetch(unknown(server), tmp_path)
        assert server.requests == [] and sidecar(path).exists()

    def test_a_gzip_that_ends_early_without_a_word_is_fetched_further(self, tmp_path):
        with FileServer(self.packed, [Answer(send=HALF, length="none"), Answer()]) as server:
            assert fetch(unknown(server), tmp_path).read_bytes() == self.packed
        assert server.ranges == [None, f"bytes={HALF}-"]

    @pytest.mark.parametrize("encoding", ["gzip", "x-gzip"])
    def test_a_server_that_calls_the_file_an_encoding(self, tmp_path, encoding):
        named = {"Content-Encoding": encoding}
        plan = [Answer(send=HALF, headers=named), Answer(headers=named)]
        with FileServer(self.packed, plan) as server:
            assert fetch(unknown(server), tmp_path).read_bytes() == self.packed

    def test_an_error_page_is_no_file(self, tmp_path):
        with FileServer(b"<html>Please log in</html>") as server:
            assert "web page" in failure(unknown(server), tmp_path)


class TestDisk:
    def test_a_full_disk(self, tmp_path, monkeypatch):
        def full(*_args):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(download._Sink, "write", full)
        with FileServer(BODY) as server:
            assert f"the disk is full; make room in {tmp_path}" in failure(remote(server), tmp_path)

    def test_a_folder_that_may_not_be_written(self, tmp_path, monkeypatch):
        def forbidden(*_args, **_options):
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(Path, "mkdir", forbidden)
        assert "no permission to write in" in failure(
            Remote("file.bin", "http://127.0.0.1:9"), tmp_path / "x"
        )

    @pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere"
    )
    def test_a_folder_without_the_right_to_write(self, tmp_path):
        tmp_path.chmod(0o500)
        assert "no permission to write in" in failure(Remote("file.bin", "http://127.0.0.1:9"), tmp_path)

    def test_a_file_where_the_folder_should_be(self, tmp_path):
        (tmp_path / "taken").write_text("", encoding="utf-8")
        with pytest.raises(DataError, match="is a file, not a folder"):
            fetch(Remote("file.bin", "http://127.0.0.1:9"), tmp_path / "taken")


def script(server: FileServer, folder: Path, timeout: float = 20) -> list[str]:
    """A command that downloads in a process of its own."""
    code = (
        "from helpers.download import *\n"
        f"file = Remote('file.bin', {server.url()!r}, {len(BODY)}, {SHA256!r})\n"
        f"fetch(file, {str(folder)!r}, timeout={timeout})"
    )
    return [sys.executable, "-c", code]


def until(condition, seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def test_killed_in_the_middle_it_leaves_no_file_and_goes_on(tmp_path):
    part = tmp_path / ".file.bin.part"
    with FileServer(BODY, [Answer(send=HALF, then="stall"), Answer()]) as server:
        process = subprocess.Popen(script(server, tmp_path), cwd=ROOT)
        try:
            until(lambda: part.exists() and part.stat().st_size >= HALF - download.BLOCK > 0)
        finally:
            process.kill()  # SIGKILL: no clean-up of any kind
            process.wait()
        assert not (tmp_path / "file.bin").exists()
        got = part.stat().st_size
        assert 0 < got <= HALF
        assert fetch(remote(server), tmp_path).read_bytes() == BODY  # the dead process's lock does not hold
        assert server.ranges == [None, f"bytes={got}-"]
    assert not part.exists()


def test_two_processes_at_once_make_one_download(tmp_path):
    with FileServer(BODY, [Answer(pause=0.02)]) as server:
        both = [subprocess.Popen(script(server, tmp_path), cwd=ROOT) for _ in range(2)]
        assert [process.wait(timeout=30) for process in both] == [0, 0]
    assert (tmp_path / "file.bin").read_bytes() == BODY
    assert len(server.requests) == 1


def test_a_download_elsewhere_is_waited_for_and_then_named(tmp_path):
    with FileServer(BODY, [Answer(send=HALF, then="stall"), Answer(status=404)]) as server:
        other = threading.Thread(target=failure, args=(remote(server), tmp_path), kwargs={"timeout": 2})
        other.start()
        until(lambda: server.requests)
        sentence = failure(remote(server), tmp_path, timeout=0.2)
        assert "Another process is downloading file.bin" in sentence
        server.over.set()
        other.join()


def test_the_bar_ends_at_the_size(tmp_path, capsys):
    with FileServer(BODY, [Answer(send=HALF), Answer()]) as server:
        fetch(remote(server), tmp_path, progress=True)
    assert "300k/300k" in capsys.readouterr().err
    with FileServer(BODY) as server:
        fetch(remote(server), tmp_path / "2")
    assert capsys.readouterr() == ("", "")


def test_the_reviews_downloads_are_pinned():
    one, full = reviews.REMOTES["1k"], reviews.REMOTES["full"]
    assert one.sha256 and len(one.sha256) == 64 and one.size == 436_150
    assert "/627fdd8c840d51e7196ba9c7538d0dfa5fb4bf7e/" in one.url
    assert full.sha256 is None and full.check is not None
    assert all(r.url.startswith("https://") for r in (one, full))
