"""The bench on hosts: figures, verdicts, times; and that a host is not asked for the same text twice."""

import numpy as np
import pytest

from helpers import connect, host_bench, launch, reviews
from helpers.errors import HostError


@pytest.fixture(scope="module")
def rows():
    return reviews.tidy(reviews.load("sample"))


@pytest.fixture(scope="module")
def measured(rows):
    host_bench.SEEDS, before = range(3), host_bench.SEEDS  # enough for what is tested here
    yield _measured(rows)
    host_bench.SEEDS = before


def _measured(rows):
    engine = connect.connect("embedded")
    return host_bench.quality({"one": engine, "the same again": engine}, rows)


class TestQuality:
    def test_one_row_a_host_and_the_baseline(self, measured):
        table = measured.table()
        assert list(table.index) == [host_bench.WORDS, "one", "the same again"]
        assert table.loc["one"].equals(table.loc["the same again"].rename("one"))
        assert all("±" in cell for cell in table.to_numpy().ravel())

    def test_the_engine_beats_chance(self, measured):
        assert measured.sentiment["one"]["AUROC"].mean() > 0.75
        assert measured.search["one"].reciprocal_rank.mean() > 0.5

    def test_equal_hosts_are_told_to_be_equal(self, measured):
        said = measured.differences("one")
        assert len(said) == 4
        assert "finds exactly what one finds" in said[-2]
        assert "exactly as well" in said[-1]


class TestLatency:
    def test_two_sizes_and_no_text_twice(self, rows):
        asked = []

        class Client:
            class embeddings:
                @staticmethod
                def create(*, model, input):
                    asked.extend(input)

        host = connect.Host("compatible", "x", "", "m", None, Client())
        table = host_bench.latency(host, ["tea", "figs"])
        assert table["texts"].tolist() == [1, host_bench.BATCH]
        assert (table["median ms"] <= table["slowest ms"]).all()
        assert np.unique(asked[host_bench.ONE_BY_ONE :]).size == host_bench.BATCH * host_bench.BATCHES


class TestCommand:
    def test_it_prints_both_parts(self, capsys, monkeypatch):
        monkeypatch.setattr(host_bench, "SEEDS", range(2))
        assert launch.bench_host(sample=True) == 0
        said = capsys.readouterr().out
        assert "search MRR" in said and "median ms" in said and host_bench.WORDS in said

    def test_a_host_that_is_not_there(self, no_settings, monkeypatch):
        monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
        monkeypatch.setenv("WORKBOOK_EMBEDDING_MODEL", "m")
        monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.001)
        with pytest.raises(HostError, match="cannot be reached"):
            launch.bench_host()
