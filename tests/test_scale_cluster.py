"""The steps on a Dask cluster of real processes: the same results, and nothing lost when a worker dies."""

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from helpers import reviews, scale
from helpers.errors import HostError
from helpers.scale import cluster, standin

ROWS, PER_PART = 600, 20


def slow(texts: list[str]) -> np.ndarray:
    """Vectors that follow from the texts, after a while."""
    time.sleep(0.05)
    return np.array([[len(text), sum(text.encode()) % 997, 1.0] for text in texts], dtype=np.float32) / 5_000


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    return standin.write(tmp_path_factory.mktemp("cluster") / "s.csv", reviews.load("sample"), ROWS)


@pytest.fixture
def parts(source, tmp_path) -> scale.Parts:
    return scale.split(source, tmp_path / "parts", rows_per_part=PER_PART)


@pytest.fixture(scope="module")
def dask():
    with cluster.connected(workers=2) as found:
        yield found


def matrix_of(parts: scale.Parts) -> np.ndarray:
    return np.concatenate([parts.vectors(number) for number in range(len(parts))])


def texts_of(parts: scale.Parts) -> list[str]:
    return [text for number in range(len(parts)) for text in parts.texts(number)]


class TestSameResults:
    def test_vectors(self, parts, dask):
        done = scale.embed(parts, slow, run=dask.each_part)
        assert (done.rows, done.parts) == (ROWS, 30)
        assert np.array_equal(matrix_of(parts), slow(texts_of(parts)))
        assert scale.embed(parts, slow, run=dask.each_part).parts_there == 30

    def test_search_groups_and_directions(self, parts, dask):
        scale.embed(parts, scale.Embedder("wordllama-256", "embedded"))
        queries = parts.sample(5)[1]
        here, there = scale.search(parts, queries), scale.search(parts, queries, run=dask.each_part)
        assert np.array_equal(here[0], there[0]) and np.array_equal(here[1], there[1])
        centres = queries.astype(float)
        one, many = scale.kmeans_pass(parts, centres), scale.kmeans_pass(parts, centres, run=dask.each_part)
        assert one.counts.tolist() == many.counts.tolist() and np.allclose(one.sums, many.sums)
        assert np.allclose(
            scale.moments(parts).covariance, scale.moments(parts, run=dask.each_part).covariance
        )

    def test_a_frame(self, parts, dask):
        table = cluster.frame(parts)
        assert len(table) == ROWS and table.npartitions == 30
        counts = table.groupby("Score").Id.count().compute()
        assert counts.sum() == ROWS
        assert table.Id.compute().tolist() == list(range(1, ROWS + 1))

    def test_what_fails_in_a_worker_is_raised_here(self, parts, dask):
        def fails(texts):
            raise ValueError("no such model")

        with pytest.raises(ValueError, match="no such model"):
            scale.embed(parts, fails, run=dask.each_part)
        assert len(parts.missing()) == 30

    def test_an_address_instead(self, parts, dask):
        address = dask.client.scheduler.address
        with cluster.connected(address) as other:
            assert scale.embed(parts, slow, run=other.each_part).rows == ROWS
            assert other.workers == 2
        assert dask.workers == 2  # somebody else's cluster is left running

    def test_the_setting_names_the_address(self, dask, monkeypatch):
        monkeypatch.setenv("WORKBOOK_DASK", dask.client.scheduler.address)
        with cluster.connected() as other:
            assert other.client.scheduler.address == dask.client.scheduler.address


class TestDeath:
    @pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
    def test_nothing_is_lost_or_doubled(self, parts, dask, how):
        """A worker's process is ended in the middle of the work; a new one takes its place."""
        victim = sorted(dask.client.run(os.getpid).values())[0]

        def kill() -> None:
            while len(parts) - len(parts.missing()) < 5:
                time.sleep(0.01)
            os.kill(victim, getattr(signal, how, signal.SIGTERM))

        killer = threading.Thread(target=kill)
        killer.start()
        done = scale.embed(parts, slow, run=dask.each_part)
        killer.join()
        assert done.rows == ROWS
        assert np.array_equal(matrix_of(parts), slow(texts_of(parts)))
        assert sorted(p.name for p in (parts.folder / "vectors").iterdir()) == [
            f"{number:05d}.parquet" for number in range(30)
        ]
        give_up = time.monotonic() + 20
        while dask.workers < 2 and time.monotonic() < give_up:
            time.sleep(0.05)
        assert victim not in dask.client.run(os.getpid).values() and dask.workers == 2


def test_nobody_at_the_address(monkeypatch):
    monkeypatch.setattr(cluster, "SECONDS_TO_CONNECT", 0.3)
    with (
        pytest.raises(HostError, match="No Dask cluster answers at tcp"),
        cluster.connected("tcp://127.0.0.1:9"),
    ):
        pass
