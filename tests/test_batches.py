"""Batches from the caller's side: files within the limits, answers in place, nothing sent twice."""

import itertools
import json

import httpx2
import numpy as np
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import batches, embeddings
from helpers.engine.app import create_app
from helpers.engine.store import Store
from helpers.engine.transport import EngineTransport
from helpers.errors import DataError, HostError

MODEL = "wordllama-256"
EMBEDDINGS = "/v1/embeddings"


@pytest.fixture
def app(tmp_path):
    return create_app(store=Store(tmp_path / "store"))


@pytest.fixture
def client(app):
    http = httpx2.Client(transport=EngineTransport(app))
    return openai.OpenAI(base_url="http://engine.invalid/v1", api_key="sk-secret-key-1234", http_client=http)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "batches"


def bodies(texts) -> list:
    return [(f"r{i}", {"model": MODEL, "input": text}) for i, text in enumerate(texts)]


def begun(client) -> int:
    return len(list(client.batches.list(limit=100)))


class TestFiles:
    @given(
        st.lists(st.integers(1, 5), max_size=40), st.integers(1, 9), st.integers(5, 12), st.integers(150, 900)
    )
    def test_are_within_all_limits_and_hold_everything(self, sizes, most_requests, most_inputs, most_bytes):
        requests = [(str(i), {"input": ["한국"] * size}) for i, size in enumerate(sizes)]
        limits = {"most_requests": most_requests, "most_inputs": most_inputs, "most_bytes": most_bytes}
        files = list(batches.files_of(requests, EMBEDDINGS, **limits))
        found = [[json.loads(line) for line in file.splitlines()] for file in files]
        assert [(r["custom_id"], r["body"]) for file in found for r in file] == requests
        for file, content in zip(found, files):
            assert 0 < len(file) <= most_requests and len(content) <= most_bytes
            assert sum(len(r["body"]["input"]) for r in file) <= most_inputs
        for file, nxt in itertools.pairwise(found):  # none is smaller than it had to be
            first = batches.line(nxt[0]["custom_id"], nxt[0]["body"], EMBEDDINGS)
            size = sum(len(batches.line(r["custom_id"], r["body"], EMBEDDINGS)) for r in file)
            inputs = sum(len(r["body"]["input"]) for r in [*file, nxt[0]])
            assert len(file) == most_requests or inputs > most_inputs or size + len(first) > most_bytes

    def test_fifty_thousand(self):
        requests = ((str(i), {"input": "x"}) for i in range(120_001))
        assert [file.count(b"\n") for file in batches.files_of(requests, EMBEDDINGS)] == [
            50_000,
            50_000,
            20_001,
        ]

    def test_what_cannot_be_sent(self):
        with pytest.raises(DataError, match="comes twice"):
            list(batches.files_of([("a", {}), ("a", {})], EMBEDDINGS))
        with pytest.raises(DataError, match="larger than a whole file"):
            list(batches.files_of([("a", {"input": "x" * 300})], EMBEDDINGS, most_bytes=200))


class TestTokens:
    def test_of_all_kinds_of_bodies(self):
        one = batches.tokens_of({"model": MODEL, "input": "green tea"})
        assert one > 1 and batches.tokens_of({"model": MODEL, "input": ["green tea", "green tea"]}) == 2 * one
        chat = {"model": MODEL, "messages": [{"role": "user", "content": "green tea"}]}
        assert batches.tokens_of(chat) == one == batches.tokens_of({"model": MODEL, "prompt": "green tea"})
        assert batches.tokens_of({"model": MODEL}) == 0

    def test_files_keep_to_a_number(self):
        requests = [(str(i), {"model": MODEL, "input": "green tea"}) for i in range(10)]
        one = batches.tokens_of(requests[0][1])
        found = list(batches.files_of(requests, EMBEDDINGS, most_tokens=3 * one))
        assert [file.count(b"\n") for file in found] == [3, 3, 3, 1]
        with pytest.raises(DataError, match="larger than a whole file"):
            list(batches.files_of(requests, EMBEDDINGS, most_tokens=one - 1))


class TestRun:
    def test_answers_are_in_the_order_of_the_requests(self, client, folder):
        texts = [f"tea number {i}" for i in range(25)]
        answers = batches.run(
            bodies(texts), client, endpoint=EMBEDDINGS, folder=folder, most_requests=10, wait=0.01
        )
        assert list(answers) == [f"r{i}" for i in range(25)] and begun(client) == 3
        assert all(answer.ok and answer.custom_id == id for id, answer in answers.items())
        assert list(client.files.list()) == []  # ours are on disk

    def test_a_bad_request_does_not_spoil_the_others_and_is_not_sent_again(self, client, folder):
        answers = batches.run(bodies(["a", "", "b"]), client, endpoint=EMBEDDINGS, folder=folder, wait=0.01)
        assert [answer.status for answer in answers.values()] == [200, 400, 200]
        assert "empty string" in answers["r1"].error and not answers["r1"].again
        assert begun(client) == 1

    def test_only_what_failed_is_sent_again(self, client, folder, app):
        asked = spoil(app, lambda text, times: 503 if text == "b" and times == 1 else None)
        told = []
        answers = batches.run(
            bodies(["a", "b", "c"]), client, endpoint=EMBEDDINGS, folder=folder, wait=0.01, tell=told.append
        )
        assert all(answer.ok for answer in answers.values())
        assert asked == {"a": 1, "b": 2, "c": 1}
        assert told[-1] == "round-2, file 1: completed, 1 answered, 0 failed"

    def test_gives_up_after_some_rounds(self, client, folder, app):
        asked = spoil(app, lambda text, times: 500 if text == "b" else None)
        answers = batches.run(
            bodies(["a", "b"]), client, endpoint=EMBEDDINGS, folder=folder, wait=0.01, rounds=2
        )
        assert asked == {"a": 1, "b": 2} and answers["r0"].ok and answers["r1"].status == 500

    def test_what_ran_out_of_time_is_sent_again(self, client, folder, app):
        # the first round's batch expires at once
        app.extensions["batches"].window_seconds = -1
        seen = []

        def tell(told):
            seen.append(told)
            app.extensions["batches"].window_seconds = 86_400

        answers = batches.run(
            bodies(["a", "b"]), client, endpoint=EMBEDDINGS, folder=folder, wait=0.01, tell=tell
        )
        assert all(answer.ok for answer in answers.values())
        assert any("expired" in told for told in seen)

    def test_a_second_run_asks_the_host_for_nothing(self, client, folder):
        options = {"endpoint": EMBEDDINGS, "folder": folder, "wait": 0.01}
        first = batches.run(bodies(["a", "b"]), client, **options)
        silent = client.with_options(
            base_url="http://nowhere.invalid/v1", max_retries=0, http_client=failing()
        )
        assert batches.run(bodies(["a", "b"]), silent, **options) == first

    @pytest.mark.parametrize("moment", ["uploaded", "begun", "answered"])
    def test_broken_off_at_any_moment_nothing_is_sent_twice(self, client, folder, moment, monkeypatch):
        options = {"endpoint": EMBEDDINGS, "folder": folder, "wait": 0.01, "most_requests": 2}
        requests = bodies(["a", "b", "c", "d", "e"])
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            if moment == "uploaded":
                patch.setattr(type(client.batches), "create", interrupted(before=1))
            elif moment == "begun":  # the batch was made, but we never heard of it
                patch.setattr(type(client.batches), "create", interrupted(after=type(client.batches).create))
            else:
                options["tell"] = lambda told: interrupted(before=1)(None) if "answered" in told else None
            batches.run(requests, client, **options)
        options.pop("tell", None)
        answers = batches.run(requests, client, **options)
        assert all(answer.ok for answer in answers.values()) and len(answers) == 5
        assert begun(client) == 3

    def test_other_requests_are_sent_although_the_folder_is_the_same(self, client, folder):
        options = {"endpoint": EMBEDDINGS, "folder": folder, "wait": 0.01}
        batches.run(bodies(["a"]), client, **options)
        batches.run(bodies(["b"]), client, **options)
        assert begun(client) == 2

    def test_files_are_sent_within_the_queue(self, client, folder, app):
        """The host refuses what is above its queue's limit; with the limit told, nothing is refused."""
        texts = [f"tea number {i} is good" for i in range(24)]
        most = 3 * max(batches.tokens_of(body) for _, body in bodies(texts))
        app.extensions["batches"].queue_tokens = most
        told = []
        answers = batches.run(
            bodies(texts), client, endpoint=EMBEDDINGS, folder=folder, wait=0.01, queue_tokens=most,
            tell=told.append,
        )  # fmt: skip
        assert all(answer.ok for answer in answers.values()) and len(answers) == 24
        assert begun(client) >= 8 and not any("queue is full" in one for one in told)
        assert {batch.status for batch in client.batches.list()} == {"completed"}

    def test_a_full_queue_is_waited_for(self, client, folder, app):
        app.extensions["batches"].queue_tokens = 12
        told = []
        answers = batches.run(
            bodies(["green tea", "black tea", "dog food", "cat food"]), client, endpoint=EMBEDDINGS,
            folder=folder, wait=0.01, most_requests=2, tell=lambda one: full(told, one, app),
        )  # fmt: skip
        assert [answer.ok for answer in answers.values()] == [True] * 4
        refused = [batch for batch in client.batches.list() if batch.status == "failed"]
        assert all(batch.errors.data[0].code == "token_limit_exceeded" for batch in refused)

    def test_a_file_that_never_fits_is_given_up(self, client, folder, app, monkeypatch):
        monkeypatch.setattr(batches, "TRIES_IN_QUEUE", 3)
        app.extensions["batches"].queue_tokens = 1
        told = []
        with pytest.raises(HostError, match="Enqueued token limit"):
            batches.run(bodies(["green tea"]), client, endpoint=EMBEDDINGS, folder=folder, wait=0.01,
                        tell=told.append)  # fmt: skip
        assert sum("sent again later" in one for one in told) >= 2
        app.extensions["batches"].queue_tokens = None
        answers = batches.run(bodies(["green tea"]), client, endpoint=EMBEDDINGS, folder=folder, wait=0.01)
        assert answers["r0"].ok

    def test_two_runs_on_one_folder_are_refused(self, client, folder):
        options = {"endpoint": EMBEDDINGS, "folder": folder, "wait": 0.01}
        errors = []

        def tell(_):
            with pytest.raises(DataError, match="Another run is at work in the folder batches") as error:
                batches.run(bodies(["a"]), client, **options)
            errors.append(error)

        assert batches.run(bodies(["a"]), client, tell=tell, **options)["r0"].ok
        assert errors and begun(client) == 1

    def test_a_batch_of_another_folder_is_not_taken_for_ours(self, client, tmp_path, monkeypatch):
        options = {"endpoint": EMBEDDINGS, "wait": 0.01}
        batches.run(bodies(["a"]), client, folder=tmp_path / "first", **options)  # its files are deleted
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(type(client.batches), "create", interrupted(before=1))
            batches.run(bodies(["a"]), client, folder=tmp_path / "second", **options)
        assert batches.run(bodies(["a"]), client, folder=tmp_path / "second", **options)["r0"].ok
        assert begun(client) == 2

    def test_no_answer_to_the_making_of_a_batch(self, client, folder, monkeypatch):
        """The host has made it, we have not heard of it: it is looked up, and not made a second time."""
        real = type(client.batches).create

        def lost(self, **named):
            real(self, **named)
            raise openai.APITimeoutError(request=httpx2.Request("POST", "http://engine.invalid/v1/batches"))

        monkeypatch.setattr(type(client.batches), "create", lost)
        answers = batches.run(bodies(["a"]), client, endpoint=EMBEDDINGS, folder=folder, wait=0.01)
        assert answers["r0"].ok and begun(client) == 1

    def test_a_damaged_note_is_named(self, client, folder):
        batches.run(bodies(["a"]), client, endpoint=EMBEDDINGS, folder=folder, wait=0.01)
        (note,) = (folder / "round-1").glob("*.json")
        note.write_text('{"batch', encoding="utf-8")
        with pytest.raises(DataError, match=rf"round-1/{note.name} is damaged"):
            batches.run(bodies(["a"]), client, endpoint=EMBEDDINGS, folder=folder)

    def test_a_refused_file(self, client, folder):
        requests = [("a", {"model": MODEL, "input": "x"}), ("b", {"model": "other", "input": "x"})]
        with pytest.raises(HostError, match=r"refused the file: One batch is for one model.*\(line 2\)"):
            batches.run(requests, client, endpoint=EMBEDDINGS, folder=folder, wait=0.01)
        with pytest.raises(DataError, match="comes twice"):
            batches.run([("a", {}), ("a", {})], client, endpoint=EMBEDDINGS, folder=folder)

    def test_no_host(self, client, folder):
        silent = client.with_options(max_retries=0, http_client=failing())
        with pytest.raises(HostError, match="run this again") as error:
            batches.run(bodies(["a"]), silent, endpoint=EMBEDDINGS, folder=folder)
        assert "sk-secret" not in str(error.value)

    def test_lines_that_are_none(self):
        for line in (b"no", b"[]", b"{}", b'{"custom_id":"a","response":{"x":1}}'):
            with pytest.raises(DataError, match="as the API documents"):
                batches.read(line)
        never = batches.read('{"custom_id":"a","response":null,"error":{"code":"x","message":"late"}}')
        assert (never.status, never.error, never.ok, never.again) == (None, "late", False, True)


class TestEmbed:
    def test_is_what_embed_gives(self, client, folder):
        texts = ["tea", "coffee", "tea", "한국 라면", "dog food"] * 5
        expected = embeddings.embed(texts, client, MODEL)
        for number in (1, 4):
            found = batches.embed(
                texts,
                client,
                MODEL,
                folder=folder / str(number),
                texts_per_request=number,
                wait=0.01,
                most_requests=3,
            )
            assert found.dtype == np.float32 and np.allclose(found, expected, atol=1e-6)
        short = batches.embed(texts, client, MODEL, folder=folder / "64", dimensions=64, wait=0.01)
        assert short.shape == (25, 64)

    def test_one_more_than_a_file_takes(self, client, folder):
        texts = [f"tea {i}" for i in range(50_001)]
        found = batches.embed(
            texts, client, MODEL, folder=folder, texts_per_request=1_000, dimensions=64, wait=0.05
        )
        assert found.shape == (50_001, 64) and begun(client) == 2
        assert sorted(batch.request_counts.total for batch in client.batches.list()) == [1, 50]
        some = [0, 999, 1_000, 49_999, 50_000]
        expected = embeddings.embed([texts[i] for i in some], client, MODEL, dimensions=64)
        assert np.allclose(found[some], expected, atol=1e-6)

    def test_no_texts(self, client, folder):
        with pytest.raises(DataError, match="no texts"):
            batches.embed([], client, MODEL, folder=folder)

    def test_names_the_text_that_cannot_be_embedded(self, client, folder):
        with pytest.raises(DataError, match="position 1"):
            batches.embed(["a", " "], client, MODEL, folder=folder)
        with pytest.raises(DataError, match=r"1 of 2 requests.*position 1: An input takes at most"):
            batches.embed(["a", "tea " * 9_000], client, MODEL, folder=folder, wait=0.01)


def full(told: list, one: str, app) -> None:
    """Note what was told, and make room once the host has refused a file."""
    told.append(one)
    if "queue is full" in one:
        app.extensions["batches"].queue_tokens = None


def spoil(app, rule) -> dict:
    """Makes the engine's batches answer with a status that `rule(text, how often asked)` names."""
    asked: dict[str, int] = {}
    maker = app.extensions["batches"]
    quick = maker._answer

    def answer(endpoint, body):
        text = body["input"]
        asked[text] = asked.get(text, 0) + 1
        status = rule(text, asked[text])
        if status:
            return (
                status,
                "req_1",
                {"error": {"message": "busy", "type": "t", "param": None, "code": None}},
                0.0,
            )
        return quick(endpoint, body)

    maker._answer = answer
    return asked


def interrupted(before=0, after=None):
    def call(*arguments, **named):
        if after:
            after(*arguments, **named)
        raise KeyboardInterrupt

    return call


def failing() -> httpx2.Client:
    def handler(request):
        raise httpx2.ConnectError("no network")

    return httpx2.Client(transport=httpx2.MockTransport(handler))
