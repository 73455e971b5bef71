"""helpers.embeddings against a server that counts and misbehaves: right vectors, and nothing asked twice."""

import email.utils
import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

import numpy as np
import openai
import pandas as pd
import pytest
from api_server import BROKEN, VARIANTS, WRONG, WRONG_WIDTH, ApiServer, Refusal
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import embedding_answers, embedding_plan, embedding_requests, tokens
from helpers.embeddings import about, embed, embed_with_report, load, save
from helpers.errors import DataError, HostError
from helpers.vector_cache import cache_info

ROOT = Path(__file__).resolve().parents[1]
MODEL = "text-embedding-3-small"
KEY = "sk-test-0123456789"
TEXTS = [f"review number {i}" for i in range(100)]


@pytest.fixture
def server():
    with ApiServer() as running:
        yield running


@pytest.fixture(scope="module")
def any_client():
    with openai.OpenAI(api_key=KEY) as client:  # made once: reading the certificates takes its time
        yield client


@pytest.fixture
def client(any_client, server):
    return any_client.with_options(base_url=server.url)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr(embedding_answers, "FIRST_WAIT", 0.005)
    monkeypatch.setattr(embedding_answers, "LONGEST_WAIT", 0.02)
    yield
    assert not [thread for thread in threading.enumerate() if "_work" in thread.name]


@pytest.fixture
def small_requests(monkeypatch):
    monkeypatch.setattr(embedding_plan, "INPUTS_PER_REQUEST", 10)


def close(vectors: np.ndarray, expected: np.ndarray) -> bool:
    return vectors.shape == expected.shape and bool(np.abs(vectors - expected).max() < 1e-6)


# What comes out


def test_vectors_are_right_in_order_and_of_unit_length(server, client):
    vectors = embed(TEXTS, client, MODEL)
    assert vectors.dtype == np.float32
    assert close(vectors, server.unit(TEXTS))
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert server.sizes == [100]


def test_equal_texts_are_asked_once(server, client):
    texts = [f"text {i % 7}" for i in range(5_000)]
    vectors, report = embed_with_report(texts, client, MODEL)
    assert close(vectors, server.unit(texts))
    assert set(server.asked.values()) == {1}
    assert (report.texts, report.distinct, report.asked, report.requests) == (5_000, 7, 7, 1)


@pytest.mark.parametrize("kind", [list, tuple, np.array, pd.Series, iter])
def test_any_sequence_of_texts_will_do(kind, server, client):
    assert close(embed(kind(TEXTS[:5]), client, MODEL), server.unit(TEXTS[:5]))


def test_series_with_any_index(server, client):
    series = pd.Series(TEXTS[:3], index=[7, 7, 0])
    assert close(embed(series, client, MODEL), server.unit(TEXTS[:3]))


def test_no_texts_no_requests(server, client):
    assert embed([], client, MODEL).shape == (0, 0)
    assert embed([], client, MODEL, dimensions=64).shape == (0, 64)
    assert server.requests == 0


@pytest.mark.parametrize("variant", VARIANTS)
def test_unusual_but_right_answers_are_taken(variant, server, client):
    server.then(variant)
    vectors, report = embed_with_report(TEXTS, client, MODEL)
    assert close(vectors, server.unit(TEXTS))
    assert report.requests == 1
    assert report.tokens == (0 if variant == "no usage" else 300)


def test_dimensions_are_asked_for(server, client):
    assert embed(TEXTS, client, MODEL, dimensions=5).shape == (100, 5)
    assert server.bodies == [{"model": MODEL, "encoding_format": "base64", "dimensions": 5}]


def test_report_reads_well(server, client):
    embedded = embed_with_report([*TEXTS, "review number 1"], client, MODEL)
    assert repr(embedded).startswith(
        "101 vectors of 8 dimensions. 101 texts, 100 different; 100 asked for in 1 request; "
        "0 from the cache; 0 retries; 300 tokens; "
    )


def test_azure_client(server):
    with openai.AzureOpenAI(
        azure_endpoint=f"http://127.0.0.1:{server.port}", api_key=KEY, api_version="2024-10-21"
    ) as client:
        assert close(embed(TEXTS, client, "my-deployment"), server.unit(TEXTS))
    assert server.paths == ["/openai/deployments/my-deployment/embeddings?api-version=2024-10-21"]


def test_the_embedded_engine():
    from helpers import engine
    from helpers.engine import vectors

    texts = ["Good coffee.", "Bad tea, 맛없는 차", "word " * 9_000]
    embedded = embed_with_report(texts, engine.client(), vectors.MODEL, dimensions=64)
    cut = tokens.truncate(texts[2], 8_192, vectors.MODEL)
    assert np.abs(embedded.vectors - vectors.load().embed([*texts[:2], cut], 64)).max() < 1e-6
    assert embedded.report.truncated == (2,)
    assert embedded.report.tokens == tokens.count([*texts[:2], cut], vectors.MODEL).sum()


# Requests


def test_ten_thousand_short_texts_are_five_requests(server, client):
    report = embed_with_report([f"text {i}" for i in range(10_000)], client, MODEL).report
    assert sorted(server.sizes) == [1_808, 2_048, 2_048, 2_048, 2_048]
    assert report.requests == 5


def packed_tokens(texts: list[str], model: str) -> list[int]:
    requests = list(embedding_plan.packed(texts, range(len(texts)), model))
    assert [i for request in requests for i in request] == list(range(len(texts)))
    return [int(tokens.count([texts[i] for i in request], model).sum()) for request in requests]


def test_requests_are_filled_up_to_the_tokens_allowed():
    texts = ["coffee " * (900 + i % 200) + str(i) for i in range(1_500)]
    packed = packed_tokens(texts, MODEL)
    assert max(packed) <= 300_000
    assert min(packed[:-1]) > 298_000


def test_estimated_counts_leave_a_margin():
    texts = ["coffee " * 1_000 + str(i) for i in range(700)]
    packed = packed_tokens(texts, "some-open-model")
    assert max(packed) <= 200_000
    assert min(packed[:-1]) > 198_000


def test_korean_is_counted_and_not_guessed():
    texts = ["똠방각하 " * 40 + str(i) for i in range(2_048)]
    packed = packed_tokens(texts, MODEL)
    assert len(packed) > 2
    assert max(packed) <= 300_000


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=80),
    limit=st.integers(20, 200),
    inputs=st.integers(1, 30),
)
def test_packing_keeps_order_and_limits(sizes, limit, inputs):
    texts = ["tea " * size for size in sizes]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedding_plan, "TOKENS_PER_REQUEST", limit)
        patch.setattr(embedding_plan, "INPUTS_PER_REQUEST", inputs)
        requests = list(embedding_plan.packed(texts, range(len(texts)), MODEL))
    assert [i for request in requests for i in request] == list(range(len(texts)))
    for request in requests:
        total = tokens.count([texts[i] for i in request], MODEL).sum()
        assert len(request) <= inputs
        assert total <= limit or len(request) == 1


def test_never_more_requests_at_once_than_concurrency(server, client, small_requests):
    server.delay = 0.02
    embed(TEXTS, client, MODEL, concurrency=3)
    assert server.most_busy == 3
    assert server.requests == 10


# A sample that misleads, and hosts with lower limits


def test_misleading_sample_costs_a_refusal_and_no_more(server, client, monkeypatch):
    monkeypatch.setattr(embedding_plan, "TOKENS_PER_REQUEST", 5_000)
    texts = [f"short {i}" if i % 10 == 0 else f"long {i} " * 10 for i in range(320)]

    def rule(texts):
        total = int(tokens.count(texts, MODEL).sum())
        message = f"Requested {total} tokens, max 5000 tokens per request"
        return Refusal(400, message=message, code="max_tokens_per_request") if total > 5_000 else None

    server.rule = rule
    vectors, report = embed_with_report(texts, client, MODEL)
    assert close(vectors, server.unit(texts))
    assert set(server.answered.values()) == {1}
    assert report.requests > report.retries == 0


@pytest.mark.parametrize("status", [400, 413, 422])
def test_host_with_fewer_inputs_a_request(status, server, client):
    server.rule = lambda texts: Refusal(status, message="batch too large") if len(texts) > 32 else None
    texts = [f"text {i}" for i in range(4_000)]
    assert close(embed(texts, client, MODEL, concurrency=2), server.unit(texts))
    assert set(server.answered.values()) == {1}
    refused = sum(size > 32 for size in server.sizes)
    assert refused <= 40  # the ways down from 2,048 to 32; then the limit is known (without that: 126)
    assert server.requests - refused < 160  # 125, were all of them full


def test_one_bad_text_is_named_and_the_others_are_kept(server, client, tmp_path, small_requests):
    texts = [*TEXTS[:57], "a bad one", *TEXTS[57:]]
    server.rule = lambda texts: (
        Refusal(400, message="not allowed", param="input") if "a bad one" in texts else None
    )
    with pytest.raises(HostError, match=r"not allowed\. That was for the text at position 57 alone\. What"):
        embed(texts, client, MODEL, cache=tmp_path / "c.sqlite", concurrency=1)
    assert server.requests < 20
    assert cache_info(tmp_path / "c.sqlite")["vectors"].sum() == len(server.answered) >= 50


def test_request_that_is_too_large_for_a_minute_is_halved(server, client):
    server.rule = lambda texts: (
        Refusal(429, message="Request too large ... Limit 40") if len(texts) > 40 else None
    )
    assert close(embed(TEXTS, client, MODEL), server.unit(TEXTS))
    assert max(size for size in server.sizes if size <= 40) == 25


def test_server_that_knows_no_base64_is_asked_for_numbers(server, client, small_requests):
    original = server.behaviour

    def behaviour(texts, body, path):
        refuse = body["encoding_format"] == "base64"
        return (
            Refusal(422, message="encoding_format must be float") if refuse else original(texts, body, path)
        )

    server.behaviour = behaviour
    assert close(embed(TEXTS, client, MODEL), server.unit(TEXTS))
    assert {body["encoding_format"] for body in server.bodies} == {"float"}


# What is wrong with the texts is said before any request


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        ("", "empty"),
        (" \n\t\u3000", "only blanks"),
        (None, "missing"),
        (float("nan"), "missing"),
        (pd.NA, "missing"),
        (np.float64("nan"), "missing"),
        (5, "int"),
        (b"bytes", "bytes"),
        (["nested"], "list"),
    ],
)
def test_what_cannot_be_embedded_is_named(bad, kind, server, client):
    with pytest.raises(DataError, match=rf"nothing to embed at position 1 \({kind}\), position 3 \({kind}\)"):
        embed(["fine", bad, "good", bad], client, MODEL)
    assert server.requests == 0


def test_many_bad_texts_are_summed_up(server, client):
    with pytest.raises(DataError, match=r"position 4 \(empty\) and 95 more"):
        embed([""] * 100, client, MODEL)
    with pytest.raises(DataError, match="brackets"):
        embed("one text", client, MODEL)
    for table in (pd.DataFrame({"Text": TEXTS}), {"Text": TEXTS}):
        with pytest.raises(DataError, match="choose a column"):
            embed(table, client, MODEL)
    assert server.requests == 0


def test_lone_surrogates_are_named(server, client):
    with pytest.raises(DataError, match="positions 1, 2 have half a character"):
        embed(["é", "caf\udce9", "\ud83d"], client, MODEL)
    assert server.requests == 0


def test_wrong_options_are_refused(client):
    with pytest.raises(ValueError, match="truncate"):
        embed(TEXTS, client, MODEL, long="cut")
    with pytest.raises(ValueError, match="concurrency"):
        embed(TEXTS, client, MODEL, concurrency=0)
    with pytest.raises(ValueError, match="AsyncOpenAI"):
        embed(TEXTS, openai.AsyncOpenAI(api_key=KEY), MODEL)


# Long texts


@pytest.fixture
def short_inputs(monkeypatch):
    monkeypatch.setattr(embedding_plan, "TOKENS_PER_INPUT", 20)


LONG = [
    "short",
    "The coffee was cold and the tea was warm. " * 5,
    "also short",
    " ".join(f"This is sentence {i}." for i in range(12)) + " The end.",
]


def test_long_texts_are_truncated_and_counted(server, client, short_inputs):
    vectors, report = embed_with_report([*LONG, LONG[1]], client, MODEL)
    cut = [tokens.truncate(text, 20, MODEL) for text in LONG]
    assert cut[::2] == LONG[::2]
    assert close(vectors, server.unit([*cut, cut[1]]))
    assert set(server.asked) == set(cut)
    assert report.truncated == (1, 3, 4)
    assert report.averaged == ()
    assert "; 3 truncated; " in repr(report)


def test_long_texts_are_averaged_by_their_tokens(server, client, short_inputs):
    vectors, report = embed_with_report([*LONG, LONG[1]], client, MODEL, long="average")
    parts = [part for part in tokens.split(LONG[3], 20, model=MODEL) if part.strip()]
    assert len(set(tokens.count(parts, MODEL))) > 1
    mean = np.average(server.unit(parts), axis=0, weights=tokens.count(parts, MODEL))
    assert close(vectors[3], mean / np.linalg.norm(mean))
    assert close(vectors[[0, 2]], server.unit([LONG[0], LONG[2]]))
    assert np.array_equal(vectors[1], vectors[4])
    assert vectors.shape == (5, 8)
    assert report.averaged == (1, 3, 4)


def test_equal_cuts_and_parts_are_asked_once(server, client, short_inputs):
    cut = tokens.truncate(LONG[1], 20, MODEL)
    texts = [LONG[1], LONG[1] + "More.", cut, "short"]
    vectors = embed(texts, client, MODEL)
    assert close(vectors, server.unit([cut, cut, cut, "short"]))
    assert set(server.asked) == {cut, "short"}
    again = embed([*texts, tokens.split(LONG[1], 20, model=MODEL)[0]], client, MODEL, long="average")
    assert close(again[2:], server.unit([cut, "short", tokens.split(LONG[1], 20, model=MODEL)[0]]))
    assert set(server.asked.values()) == {1, 2}


def test_long_texts_are_refused_before_any_request(server, client, short_inputs):
    with pytest.raises(DataError, match="positions 1, 3 have more than 20 tokens"):
        embed(LONG, client, MODEL, long="error")
    assert server.requests == 0
    assert close(embed(LONG[::2], client, MODEL, long="error"), server.unit(LONG[::2]))


def test_the_real_limit_is_kept_to_the_token(server, client):
    exact, over = "tea " * 8_191 + "x", "tea " * 8_200
    assert tokens.count([exact], MODEL)[0] == 8_192
    report = embed_with_report([exact, over], client, MODEL).report
    assert report.truncated == (1,)
    assert sorted(tokens.count(list(server.asked), MODEL)) == [8_192, 8_192]


def test_parts_and_cuts_have_their_own_place_in_the_cache(server, client, short_inputs, tmp_path):
    cache = tmp_path / "c.sqlite"
    ways = ("truncate", "average")
    fresh = [embed(LONG, client, MODEL, long=long, cache=cache) for long in ways]
    assert set(server.asked.values()) == {1}
    asked = server.requests
    again = [embed(LONG, client, MODEL, long=long, cache=cache) for long in ways]
    assert server.requests == asked
    assert all(np.array_equal(a, b) for a, b in zip(fresh, again))
    assert not np.allclose(again[0][1], again[1][1])


# The cache


def test_second_run_asks_for_nothing_and_gives_the_same_bits(server, client, tmp_path):
    first = embed(TEXTS, client, MODEL, cache=tmp_path / "c.sqlite")
    second, report = embed_with_report(TEXTS[::-1], client, MODEL, cache=tmp_path / "c.sqlite")
    assert np.array_equal(first[::-1], second)
    assert server.requests == 1
    assert (report.from_cache, report.asked, report.requests, report.tokens) == (100, 0, 0, 0)


def test_only_what_is_new_is_asked(server, client, tmp_path):
    embed(TEXTS[:60], client, MODEL, cache=tmp_path / "c.sqlite")
    vectors, report = embed_with_report(TEXTS, client, MODEL, cache=tmp_path / "c.sqlite")
    assert close(vectors, server.unit(TEXTS))
    assert server.sizes == [60, 40]
    assert (report.from_cache, report.asked) == (60, 40)


def test_other_model_dimensions_or_host_is_asked_again(server, client, tmp_path):
    cache = tmp_path / "c.sqlite"
    embed(TEXTS, client, MODEL, cache=cache)
    embed(TEXTS, client, "text-embedding-3-large", cache=cache)
    embed(TEXTS, client, MODEL, dimensions=4, cache=cache)
    with ApiServer() as other:
        embed(TEXTS, client.with_options(base_url=other.url), MODEL, cache=cache)
        assert other.requests == 1
    assert server.requests == 3
    assert cache_info(cache)["vectors"].tolist() == [100] * 4


def test_host_whose_vectors_have_changed_in_length_is_told(server, client, tmp_path):
    embed(TEXTS[:50], client, MODEL, cache=tmp_path / "c.sqlite")
    server.dimensions = 6
    with pytest.raises(HostError, match="6 dimensions instead of 8"):
        embed(TEXTS, client, MODEL, cache=tmp_path / "c.sqlite")
    assert cache_info(tmp_path / "c.sqlite")["vectors"].tolist() == [50]


def test_no_key_is_in_the_cache(tmp_path, server, client):
    url = server.url.replace("http://", "http://user:secret-word@")
    embed(TEXTS, client.with_options(base_url=url), MODEL, cache=tmp_path / "c.sqlite")
    content = (tmp_path / "c.sqlite").read_bytes()
    assert b"secret-word" not in content
    assert KEY.encode() not in content


def test_damaged_cache_is_told_before_any_request(server, client, tmp_path):
    (tmp_path / "c.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(DataError, match="damaged"):
        embed(TEXTS, client, MODEL, cache=tmp_path / "c.sqlite")
    assert server.requests == 0


def test_full_disk_ends_the_run_and_keeps_what_was_stored(
    server, client, tmp_path, monkeypatch, small_requests
):
    server.dimensions = 2_000
    connect = sqlite3.connect

    def connect_to_small_disk(*args, **kwargs):
        connection = connect(*args, **kwargs)
        connection.execute("PRAGMA max_page_count = 30")
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect_to_small_disk)
    with pytest.raises(DataError, match="disk is full"):
        embed(TEXTS, client, MODEL, cache=tmp_path / "c.sqlite", concurrency=2)
    assert server.requests < 8
    monkeypatch.undo()
    stored = int(cache_info(tmp_path / "c.sqlite")["vectors"].sum())
    assert stored >= 20
    before = server.asked.total()
    embed(TEXTS, client, MODEL, cache=tmp_path / "c.sqlite")
    assert server.asked.total() - before == 100 - stored


def test_two_runs_at_once_share_a_cache(server, client, tmp_path, small_requests):
    results = []
    threads = [
        threading.Thread(
            target=lambda: results.append(embed(TEXTS, client, MODEL, cache=tmp_path / "c.sqlite"))
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(close(vectors, server.unit(TEXTS)) for vectors in results)
    assert cache_info(tmp_path / "c.sqlite")["vectors"].tolist() == [100]


# Hosts that fail


@pytest.mark.parametrize(
    "fault",
    [*BROKEN, *WRONG, *WRONG_WIDTH, *(Refusal(status) for status in (408, 409, 429, 500, 502, 503, 504))],
    ids=str,
)
def test_passing_fault_is_tried_again(fault, server, client, small_requests):
    server.then(None, None, fault)
    vectors, report = embed_with_report(
        TEXTS, client.with_options(timeout=0.3), MODEL, dimensions=8, concurrency=2
    )
    assert close(vectors, server.unit(TEXTS))
    assert (report.requests, report.retries) == (11, 1)
    assert server.requests == 11  # the SDK's own retries are switched off


@pytest.mark.parametrize(
    ("fault", "requests", "words"),
    [
        ("drop", 6, "cannot be reached"),
        (Refusal(500), 6, "status 500"),
        ("not json", 3, "not JSON as OpenAI's API sends it"),
        ("nan", 3, "NaN"),
        ("zero", 3, "all zeros"),
        ("too few", 3, "99 vectors for 100 texts"),
        ("same index", 3, "numbers them wrongly"),
    ],
    ids=str,
)
def test_lasting_fault_ends_in_a_sentence(fault, requests, words, server, client):
    server.rule = lambda texts: fault
    with pytest.raises(HostError, match=words):
        embed(TEXTS, client, MODEL)
    assert server.requests == requests


def test_host_that_ignores_dimensions_is_told(server, client):
    server.rule = lambda texts: "all shorter"
    with pytest.raises(HostError, match="7 dimensions instead of 8"):
        embed(TEXTS, client, MODEL, dimensions=8)


def test_server_that_is_not_there(any_client):
    nowhere = any_client.with_options(base_url=f"http://127.0.0.1:{free_port()}/v1")
    with pytest.raises(HostError, match="cannot be reached"):
        embed(TEXTS, nowhere, MODEL)


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (Refusal(401, code="invalid_api_key"), "refused the key"),
        (Refusal(403, message="no access"), "no access"),
        (Refusal(404, code="model_not_found", message="The model x does not exist"), "no such model"),
        (Refusal(429, code="insufficient_quota"), "credit is used up"),
        (Refusal(400, message="dimensions too large", param="dimensions"), "dimensions too large"),
        (Refusal(402, message="pay first"), "pay first"),
    ],
    ids=str,
)
def test_hopeless_refusal_ends_at_once(refusal, words, server, client, small_requests):
    server.rule = lambda texts: refusal
    with pytest.raises(HostError, match=words) as caught:
        embed(TEXTS, client, MODEL, concurrency=3)
    assert server.requests <= 3
    assert "\n" not in str(caught.value)


def test_no_key_in_any_error(server, client):
    server.rule = lambda texts: Refusal(400, message=f"Bearer {KEY} is not welcome")
    with pytest.raises(HostError, match=r"Bearer \[key\] is not welcome") as caught:
        embed(TEXTS[:1], client, MODEL)
    assert KEY not in "".join(traceback.format_exception(caught.value))


# Waiting


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("headers", [{"retry-after-ms": "300", "retry-after": "60"}, {"retry-after": "0.3"}])
def test_servers_wait_holds_back_all_workers(status, headers, server, client, small_requests):
    server.then(Refusal(status, headers))
    server.delay = 0.1
    vectors, report = embed_with_report(TEXTS, client, MODEL, concurrency=4)
    assert close(vectors, server.unit(TEXTS))
    assert report.retries == 1
    waits = np.array(server.arrivals) - server.arrivals[0]
    assert (waits < 0.29).sum() <= 4  # what was under way when the refusal came
    assert (waits >= 0.29).sum() >= 7


def test_host_that_bears_one_request_at_a_time_is_not_hammered(server, client, small_requests):
    server.delay = 0.01
    server.rule = lambda texts: Refusal(429, {"retry-after-ms": "20"}) if server.busy > 1 else None
    vectors, report = embed_with_report([f"t {i}" for i in range(300)], client, MODEL, concurrency=8)
    assert vectors.shape == (300, 8)
    assert report.requests == server.requests
    assert report.retries < 45  # 30 requests; without slowing down there are several refusals to each


def test_wait_that_is_too_long_is_not_waited_for(server, client):
    server.then(Refusal(429, {"retry-after": "3600"}))
    started = time.monotonic()
    with pytest.raises(HostError, match="wants 3,600 s more"):
        embed(TEXTS, client, MODEL)
    assert time.monotonic() - started < 2
    assert server.requests == 1


def test_patience_ends(server, client, monkeypatch):
    monkeypatch.setattr(embedding_requests, "PATIENCE", 0.4)
    server.rule = lambda texts: Refusal(429, {"retry-after-ms": "50"})
    started = time.monotonic()
    with pytest.raises(HostError, match="asks for slower requests"):
        embed(TEXTS, client, MODEL)
    assert 0.2 < time.monotonic() - started < 3
    assert server.requests < 12


def test_patience_starts_anew_with_every_answer(server, client, monkeypatch, small_requests):
    monkeypatch.setattr(embedding_requests, "PATIENCE", 0.3)
    server.delay = 0.05
    server.then(*[Refusal(429, {"retry-after-ms": "10"}), None] * 10)
    assert close(embed(TEXTS, client, MODEL, concurrency=1), server.unit(TEXTS))
    assert server.requests == 20


def test_stop_does_not_wait_for_a_backoff(server, client, monkeypatch, small_requests):
    monkeypatch.setattr(embedding_answers, "FIRST_WAIT", 60)
    monkeypatch.setattr(embedding_answers, "LONGEST_WAIT", 60)
    server.then(Refusal(500))
    server.rule = lambda texts: Refusal(401) if server.requests > 4 else None
    started = time.monotonic()
    with pytest.raises(HostError, match="refused the key"):
        embed(TEXTS, client, MODEL, concurrency=2)
    assert time.monotonic() - started < 5


NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": email.utils.formatdate(NOW + 30, usegmt=True)}, 30),
        ({"retry-after": email.utils.formatdate(NOW - 30, usegmt=True)}, None),
        ({"retry-after": "0"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "tomorrow"}, None),
    ],
)
def test_what_a_server_says_about_waiting(headers, seconds):
    assert embedding_answers.server_wait(headers, NOW) == seconds


@settings(max_examples=200, deadline=None)
@given(value=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40))
def test_no_header_is_too_strange(value):
    wait = embedding_answers.server_wait({"retry-after": value}, NOW)
    assert wait is None or wait > 0


def test_backoff_grows_and_is_bounded(monkeypatch):
    monkeypatch.undo()
    waits = [embedding_answers.backoff(failures) for failures in range(1, 12)]
    assert waits[0] < 0.7
    assert waits[3] > 2
    assert max(waits) <= embedding_answers.LONGEST_WAIT * 1.25


# Reading answers


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["data", "index", "embedding", "usage", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)
ITEM = st.fixed_dictionaries(
    {}, optional={"index": JSON, "embedding": JSON | st.lists(st.floats(), max_size=4)}
)


@settings(max_examples=300, deadline=None)
@given(
    answer=st.one_of(
        JSON.map(json.dumps),
        st.fixed_dictionaries({"data": st.lists(ITEM, max_size=3)}, optional={"usage": JSON}).map(json.dumps),
        st.text(max_size=20),
    ),
    number=st.integers(1, 3),
)
def test_any_answer_is_read_or_called_nonsense(answer, number):
    try:
        order, vectors, billed = embedding_answers.read(answer.encode("utf-8", "surrogatepass"), number)
    except embedding_answers.Nonsense:
        return
    assert sorted(order) == list(range(number))
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert isinstance(billed, int)


# The bar


class Bar:
    made: list["Bar"]

    def __init__(self, total, **_options):
        self.total, self.n, self.closed = total, 0, False
        Bar.made.append(self)

    def update(self, by):
        self.n += by

    def close(self):
        self.closed = True


@pytest.mark.parametrize(
    ("texts", "progress", "bars"),
    [(40, None, 0), (50, None, 1), (100, None, 1), (100, False, 0), (10, True, 1)],
)
def test_bar_from_five_requests_on(texts, progress, bars, server, client, small_requests, monkeypatch):
    import tqdm.auto

    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    Bar.made = []
    server.delay = 0.02
    embed(TEXTS[:texts], client, MODEL, progress=progress)
    assert len(Bar.made) == bars
    assert all(bar.n == bar.total == texts and bar.closed for bar in Bar.made)


# Interrupted and killed


def test_interrupt_keeps_what_was_answered_and_what_was_under_way(
    server, client, tmp_path, monkeypatch, small_requests
):
    server.delay = 0.15

    def interrupted(_desk):
        wait_until(lambda: server.busy == 4)
        raise KeyboardInterrupt

    monkeypatch.setattr(embedding_requests.Desk, "somebody_works", interrupted)
    with pytest.raises(KeyboardInterrupt):
        embed(TEXTS, client, MODEL, cache=tmp_path / "c.sqlite", concurrency=4, progress=False)
    assert server.requests == 4
    assert cache_info(tmp_path / "c.sqlite")["vectors"].tolist() == [40]


RUN = """
import sys
import openai
from helpers.embeddings import embed_with_report
url, cache = sys.argv[1:]
texts = [f"review number {i} of many" for i in range(20_000)]
client = openai.OpenAI(base_url=url, api_key="none", timeout=1)
print(embed_with_report(texts, client, "text-embedding-3-small", cache=cache, concurrency=4, progress=False))
"""


@pytest.fixture
def start(server):
    """Starts a process that embeds 20,000 texts."""
    processes = []

    def start(cache: Path) -> subprocess.Popen:
        command = [sys.executable, "-c", RUN, server.url, str(cache)]
        pipe = subprocess.PIPE
        processes.append(subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def wait_until(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def stored(cache: Path) -> int:
    return int(cache_info(cache)["vectors"].sum())


def test_killed_run_goes_on_and_asks_for_nothing_that_was_answered(server, start, tmp_path):
    """20,000 texts, a host with every kind of fault, kill -9 when the answers so far have been received."""
    cache = tmp_path / "c.sqlite"
    server.then(None, Refusal(429, {"retry-after-ms": "30"}), "not json", Refusal(500), None, "hang", "cut")
    server.hold_after = 6
    killed = start(cache)
    wait_until(lambda: server.hold_after < 0 and stored(cache) == server.answered.total())
    killed.kill()
    killed.communicate()
    kept = server.answered.total()
    assert kept in (6 * 2_048, 5 * 2_048 + 20_000 % 2_048)

    server.hold_after = None
    server.then(Refusal(503), "not json")
    again = start(cache)
    output, errors = again.communicate(timeout=30)
    assert again.returncode == 0, errors
    assert f"{kept:,} from the cache" in output
    assert set(server.answered.values()) == {1}
    assert len(server.answered) == stored(cache) == 20_000


def test_run_killed_at_any_moment_never_asks_again_for_what_is_stored(server, client, start, tmp_path):
    cache = tmp_path / "c.sqlite"
    server.delay = 0.05
    killed = start(cache)
    wait_until(lambda: server.answered.total() > 4_096)
    killed.kill()
    killed.communicate()
    kept, sent = stored(cache), server.answered.total()
    assert sent - kept <= 4 * 2_048  # no more than was under way
    before = server.asked.total()
    texts = [f"review number {i} of many" for i in range(20_000)]
    vectors, report = embed_with_report(texts, client, MODEL, cache=cache)
    assert server.asked.total() - before == 20_000 - kept == report.asked
    assert close(vectors, server.unit(texts))


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_ctrl_c_in_a_real_process(server, start, tmp_path):
    cache = tmp_path / "c.sqlite"
    server.delay = 0.3
    process = start(cache)
    wait_until(lambda: server.busy == 4)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode != 0
    assert server.requests == 4
    assert stored(cache) == server.answered.total() == 4 * 2_048


# Reviews and vectors in one file


@pytest.fixture
def reviews() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Id": np.array([3, 1, 2], dtype=np.int64),
            "Score": np.array([5, 1, 3], dtype=np.int8),
            "Summary": ["좋아요 👍", None, "\x00 odd"],
            "Kind": pd.Categorical(["tea", "coffee", "tea"]),
            "When": pd.to_datetime(["2012-10-26", None, "1999-12-31"]),
            "Price": [1.5, np.nan, -0.0],
        },
        index=pd.Index([10, 20, 10], name="row"),
    )


VECTORS = np.array([[1, 0], [0.1, -0.2], [np.float32(1e-40), 3]], dtype=np.float32)


def test_round_trip_is_exact(reviews, tmp_path):
    save(tmp_path / "deep" / "r.parquet", reviews, VECTORS, model=MODEL, host="OpenAI")
    frame, vectors = load(tmp_path / "deep" / "r.parquet")
    pd.testing.assert_frame_equal(frame, reviews)
    assert vectors.dtype == np.float32
    assert vectors.tobytes() == VECTORS.tobytes()
    assert about(tmp_path / "deep" / "r.parquet") == {"model": MODEL, "host": "OpenAI", "dimensions": 2}


def test_file_is_plain_parquet_with_a_fixed_size_list(reviews, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    save(tmp_path / "r.parquet", reviews, VECTORS)
    column = pq.read_table(tmp_path / "r.parquet")["embedding"]
    assert column.type == pa.list_(pa.float32(), 2)
    assert column.to_pylist()[0] == [1.0, 0.0]


def test_frame_attributes_do_not_break_it_and_stay_where_they_are(reviews, tmp_path):
    reviews.attrs = {"loader": object(), "source": Path("x")}
    save(tmp_path / "r.parquet", reviews, VECTORS)
    assert set(reviews.attrs) == {"loader", "source"}
    pd.testing.assert_frame_equal(load(tmp_path / "r.parquet")[0], reviews)


@pytest.mark.parametrize("rows", [0, 1, 70_000])
def test_any_number_of_rows(rows, tmp_path):
    frame = pd.DataFrame({"Text": [f"text {i}" for i in range(rows)]}, dtype="str")
    vectors = np.random.default_rng(0).standard_normal((rows, 16)).astype(np.float32)
    save(tmp_path / "r.parquet", frame, vectors)
    found, again = load(tmp_path / "r.parquet")
    assert np.array_equal(again, vectors)
    pd.testing.assert_frame_equal(found, frame)


def test_lengths_that_differ_are_explained(reviews, tmp_path):
    for wrong in (VECTORS[:2], VECTORS.ravel()):
        with pytest.raises(DataError, match=r"3 rows and vectors of shape .* do not belong together"):
            save(tmp_path / "r.parquet", reviews, wrong)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_stored_is_explained(reviews, tmp_path):
    with pytest.raises(DataError, match="column 'embedding' already"):
        save(tmp_path / "r.parquet", reviews.assign(embedding=0), VECTORS)
    with pytest.raises(DataError, match="cannot be stored"):
        save(tmp_path / "r.parquet", reviews.assign(mixed=[1, "a", b"b"]), VECTORS)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="could not be written"):
        save(tmp_path / "file" / "r.parquet", reviews, VECTORS)


def test_failed_save_leaves_the_old_file(reviews, tmp_path, monkeypatch):
    import pyarrow.parquet as pq

    path = tmp_path / "r.parquet"
    save(path, reviews, VECTORS)
    before = path.read_bytes()

    def full_disk(_table, where, **_options):
        Path(where).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full_disk)
    with pytest.raises(DataError, match="No space left"):
        save(path, reviews, VECTORS * 2)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["r.parquet"]


def test_damaged_missing_and_foreign_files_are_explained(reviews, tmp_path):
    path = tmp_path / "r.parquet"
    with pytest.raises(DataError, match="There is no file"):
        load(path)
    save(path, reviews, VECTORS)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    for use in (load, about):
        with pytest.raises(DataError, match="damaged or no Parquet file"):
            use(path)
    path.write_bytes(whole.replace(VECTORS.tobytes(), VECTORS.tobytes()[::-1]))
    assert path.read_bytes() != whole or VECTORS.tobytes() not in whole
    reviews.to_parquet(path)
    with pytest.raises(DataError, match="no vectors that `save` wrote"):
        load(path)
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path)


def test_changed_bytes_are_noticed(tmp_path):
    path = tmp_path / "r.parquet"
    vectors = np.random.default_rng(0).standard_normal((2_000, 32)).astype(np.float32)
    save(path, pd.DataFrame({"Id": np.arange(2_000)}), vectors)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match="damaged"):
        load(path)


def test_import_is_light():
    heavy = ("openai", "pandas", "pyarrow", "tqdm", "pydantic", "tiktoken")
    code = f"import sys, helpers.embeddings; sys.exit(bool(set({heavy!r}) & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
