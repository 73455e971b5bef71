"""helpers.vector_cache: what was put is found by whoever asks for the same; damage is told, not mended."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import vector_cache
from helpers.errors import DataError
from helpers.vector_cache import VectorCache, cache_info, key

ROOT = Path(__file__).resolve().parents[1]
HOST, MODEL = "https://api.example/v1/", "text-embedding-3-small"


def unit(n: int, d: int = 8, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def cache(tmp_path) -> VectorCache:
    return VectorCache(tmp_path / "deep" / "cache.sqlite", HOST, MODEL)


def test_what_was_put_is_found_to_the_bit_and_in_place(cache):
    keys, vectors = [key(f"text {i}") for i in range(5)], unit(5)
    cache.put(keys[:3], vectors[:3])
    positions, found = cache.get([keys[4], keys[2], keys[0], keys[2]])
    assert positions.tolist() == [1, 2, 3]
    assert positions.dtype == np.int64
    assert found.dtype == np.float32
    assert np.array_equal(found, vectors[[2, 0, 2]])


def test_empty_cache_finds_nothing(cache):
    for keys in ([], [key("a")]):
        positions, vectors = cache.get(keys)
        assert len(positions) == len(vectors) == 0


def test_many_more_keys_than_sqlite_has_parameters(cache):
    keys, vectors = [key(str(i)) for i in range(3_001)], unit(3_001, 2)
    cache.put(keys, vectors)
    positions, found = cache.get(keys)
    assert len(positions) == 3_001
    assert np.array_equal(found, vectors)


def test_hosts_models_and_dimensions_are_kept_apart(tmp_path):
    path = tmp_path / "cache.sqlite"
    spaces = [
        (HOST, MODEL, None),
        (HOST, MODEL, 8),
        (HOST, "other", None),
        ("http://127.0.0.1/v1/", MODEL, None),
    ]
    for i, space in enumerate(spaces):
        VectorCache(path, *space).put([key("same text")], unit(1, seed=i))
    for i, space in enumerate(spaces):
        assert np.array_equal(VectorCache(path, *space).get([key("same text")])[1], unit(1, seed=i))
    info = cache_info(path)
    assert info[["host", "model", "dimensions"]].values.tolist() == [
        ["http://127.0.0.1/v1/", MODEL, 0],
        [HOST, "other", 0],
        [HOST, MODEL, 0],
        [HOST, MODEL, 8],
    ]
    assert info["vectors"].tolist() == [1, 1, 1, 1]
    assert info["megabytes"].tolist() == [32e-6] * 4


def test_first_answer_is_kept(cache):
    cache.put([key("a")], unit(1, seed=1))
    cache.put([key("a"), key("b")], unit(2, seed=2))
    assert np.array_equal(cache.get([key("a")])[1], unit(1, seed=1))
    assert len(cache.get([key("b")])[0]) == 1


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), unique=True, max_size=8))
def test_any_text_has_its_own_key(texts):
    assert len({key(text) for text in texts}) == len(texts)
    assert all(len(key(text)) == 32 for text in texts)


def test_no_text_is_in_the_file(cache):
    cache.put([key("a very private review")], unit(1))
    assert b"private" not in cache.path.read_bytes()


def test_nothing_but_the_one_file_is_left(cache):
    cache.put([key("a")], unit(1))
    assert [p.name for p in cache.path.parent.iterdir()] == ["cache.sqlite"]


def test_failed_put_stores_nothing(cache):
    with pytest.raises(ValueError, match="argument"):
        cache.put([key("a"), key("b")], unit(1))
    assert len(cache.get([key("a"), key("b")])[0]) == 0


def test_no_file_has_no_information_and_is_not_made(tmp_path):
    info = cache_info(tmp_path / "none.sqlite")
    assert info.empty
    assert info.columns.tolist() == ["host", "model", "dimensions", "vectors", "megabytes"]
    assert not (tmp_path / "none.sqlite").exists()
    (tmp_path / "empty.sqlite").touch()
    assert cache_info(tmp_path / "empty.sqlite").empty


# Files that are no caches


def test_other_file_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_bytes(b"these are notes and no database " * 50)
    for use in (lambda: VectorCache(path, HOST, MODEL), lambda: cache_info(path)):
        with pytest.raises(DataError, match=r"damaged: file is not a database\. Move it away"):
            use()
    assert path.read_bytes() == b"these are notes and no database " * 50


def test_other_programs_database_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "theirs.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE vectors (a)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    for use in (lambda: VectorCache(path, HOST, MODEL), lambda: cache_info(path)):
        with pytest.raises(DataError, match="database of another program"):
            use()
    assert path.read_bytes() == before


def test_newer_cache_is_refused(cache):
    connection = sqlite3.connect(cache.path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(DataError, match="newer workbook"):
        VectorCache(cache.path, HOST, MODEL)


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.9])
def test_truncated_cache_is_explained(cache, cut):
    keys = [key(str(i)) for i in range(500)]
    cache.put(keys, unit(500, 64))
    whole = cache.path.read_bytes()
    cache.path.write_bytes(whole[: int(len(whole) * cut)])
    with pytest.raises(DataError, match=r"cache\.sqlite is damaged.*Move it away"):
        cache.get(keys)


def test_changed_vector_is_noticed(cache):
    vectors = unit(1, 64)
    cache.put([key("a")], vectors)
    content = cache.path.read_bytes()
    assert vectors.tobytes() in content
    cache.path.write_bytes(content.replace(vectors.tobytes(), (vectors * 1.5).tobytes()))
    with pytest.raises(DataError, match="does not have length 1"):
        cache.get([key("a")])


def test_vectors_of_different_lengths_are_noticed(cache):
    cache.put([key("a")], unit(1, 8))
    cache.put([key("b")], unit(1, 16))
    with pytest.raises(DataError, match="different lengths"):
        cache.get([key("a"), key("b")])


def test_folder_in_place_of_the_file_is_explained(tmp_path):
    with pytest.raises(DataError, match="Is it a folder"):
        VectorCache(tmp_path, HOST, MODEL)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"folder .* cannot be made"):
        VectorCache(tmp_path / "file" / "cache.sqlite", HOST, MODEL)


def test_full_disk_keeps_what_was_stored(cache, monkeypatch):
    keys, vectors = [key(str(i)) for i in range(2_000)], unit(2_000, 256)
    cache.put(keys[:100], vectors[:100])
    connect = sqlite3.connect

    def connect_to_small_disk(*args, **kwargs):
        connection = connect(*args, **kwargs)
        connection.execute("PRAGMA max_page_count = 40")
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect_to_small_disk)
    with pytest.raises(DataError, match=r"disk is full\. Make room"):
        cache.put(keys[100:], vectors[100:])
    monkeypatch.undo()
    assert len(cache.get(keys)[0]) == 100
    cache.put(keys[100:], vectors[100:])
    assert np.array_equal(cache.get(keys)[1], vectors)


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX file-size limits")
def test_file_size_limit_of_the_system_is_explained(tmp_path):
    code = f"""
import resource, numpy as np
from helpers.vector_cache import VectorCache, key
cache = VectorCache({str(tmp_path / "c.sqlite")!r}, "h", "m")
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
cache.put([key(str(i)) for i in range(1000)], np.full((1000, 100), 0.1, np.float32))
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "DataError: The cache" in run.stderr
    assert "isk full" in run.stderr or "disk is full" in run.stderr
    assert len(VectorCache(tmp_path / "c.sqlite", "h", "m").get([key("1")])[0]) == 0


def test_locked_file_is_explained(cache, monkeypatch):
    monkeypatch.setattr(vector_cache, "SECONDS_TO_WAIT", 0.05)
    holder = sqlite3.connect(cache.path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DataError, match="Another program has been writing"):
        cache.put([key("a")], unit(1))
    holder.close()
    cache.put([key("a")], unit(1))


# Threads and processes


def test_threads_share_one_cache(cache):
    keys, vectors = [key(str(i)) for i in range(400)], unit(400)
    threads = [
        threading.Thread(target=cache.put, args=(keys[start : start + 20], vectors[start : start + 20]))
        for start in range(0, 400, 20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.array_equal(cache.get(keys)[1], vectors)


WRITER = """
import sys
import numpy as np
from helpers.vector_cache import VectorCache, key
path, name, batches = sys.argv[1:]
cache = VectorCache(path, "h", "m")
for b in range(int(batches)):
    texts = [f"{name}-{b}-{i}" for i in range(200)] + [f"both-{b}-{i}" for i in range(200)]
    cache.put([key(t) for t in texts], np.full((400, 256), 1 / 16, np.float32))
    print(b, flush=True)
"""


def writer(path: Path, name: str, batches: int) -> subprocess.Popen:
    command = [sys.executable, "-c", WRITER, str(path), name, str(batches)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ})


def test_two_processes_at_once_make_and_fill_one_cache(tmp_path):
    path = tmp_path / "cache.sqlite"
    writers = [writer(path, name, 10) for name in "ab"]
    assert [w.communicate(timeout=60)[0].count("\n") for w in writers] == [10, 10]
    assert [w.returncode for w in writers] == [0, 0]
    assert cache_info(path)["vectors"].tolist() == [10 * 200 * 3]


def test_killed_writer_loses_nothing_that_put_returned_from(tmp_path):
    path = tmp_path / "cache.sqlite"
    killed = writer(path, "a", 100_000)
    done = [int(killed.stdout.readline()) for _ in range(3)]
    time.sleep(0.01)
    killed.send_signal(signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
    done += [int(line) for line in killed.communicate()[0].split()]
    cache = VectorCache(path, "h", "m")
    texts = [key(f"a-{b}-{i}") for b in done for i in range(200)]
    assert len(cache.get(texts)[0]) == len(texts)
    cache.put([key("after")], unit(1, 256))
    stored = int(cache_info(path)["vectors"].iloc[0]) - 1
    assert stored % 400 == 0  # whole batches only
