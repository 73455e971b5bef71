"""The engine's Batch API through the real SDK, which checks every field of the answers."""

import json
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import openai
import pytest

from helpers.engine import batch_request
from helpers.engine import batches as engine_batches
from helpers.engine.app import create_app
from helpers.engine.store import Store
from helpers.engine.transport import EngineTransport

MODEL = "wordllama-256"
EMBEDDINGS = "/v1/embeddings"
ENDED = ("completed", "failed", "expired", "cancelled")


def client_of(app, **options) -> openai.OpenAI:
    return openai.OpenAI(
        base_url="http://engine.invalid/v1",
        api_key="none",
        http_client=httpx2.Client(transport=EngineTransport(app)),
        _strict_response_validation=True,
        max_retries=0,
        **options,
    )


@pytest.fixture
def app(tmp_path):
    return create_app(store=Store(tmp_path / "store"))


@pytest.fixture
def client(app):
    return client_of(app)


def request_line(i, text="green tea", **changes) -> dict:
    body = {"model": MODEL, "input": text}
    return {"custom_id": f"r{i}", "method": "POST", "url": EMBEDDINGS, "body": body} | changes


def upload(client, lines, purpose="batch") -> str:
    content = lines if isinstance(lines, bytes) else b"".join(json.dumps(x).encode() + b"\n" for x in lines)
    return client.files.create(file=("in.jsonl", content), purpose=purpose).id


def begin(client, lines, endpoint=EMBEDDINGS, **options):
    return client.batches.create(
        input_file_id=upload(client, lines), endpoint=endpoint, completion_window="24h", **options
    )


def ended(client, batch, seconds=20):
    give_up = time.monotonic() + seconds
    while (batch := client.batches.retrieve(batch.id)).status not in ENDED:
        assert time.monotonic() < give_up, batch.status
        time.sleep(0.01)
    return batch


def results(client, file_id) -> dict:
    lines = client.files.content(file_id).text.splitlines()
    return {line["custom_id"]: line for line in map(json.loads, lines)}


def run(client, lines, **options):
    return ended(client, begin(client, lines, **options))


class TestLife:
    def test_from_upload_to_answers(self, client):
        begun = begin(client, [request_line(i, f"tea {i}") for i in range(30)], metadata={"part": "1"})
        assert begun.status == "validating" and begun.object == "batch" and begun.id.startswith("batch_")
        assert begun.expires_at - begun.created_at == 86_400
        batch = ended(client, begun)
        assert batch.status == "completed" and batch.metadata == {"part": "1"} and batch.model == MODEL
        counts = batch.request_counts
        assert (counts.total, counts.completed, counts.failed) == (30, 30, 0)
        assert batch.error_file_id is None
        times = [batch.created_at, batch.in_progress_at, batch.finalizing_at, batch.completed_at]
        assert times == sorted(times)
        found = results(client, batch.output_file_id)
        assert set(found) == {f"r{i}" for i in range(30)}
        line = found["r7"]
        assert line["id"].startswith("batch_req_") and line["error"] is None
        assert line["response"]["status_code"] == 200 and line["response"]["request_id"].startswith("req_")
        alone = (
            client.embeddings.create(model=MODEL, input="tea 7", encoding_format="float").data[0].embedding
        )
        assert line["response"]["body"]["data"][0]["embedding"] == pytest.approx(alone, abs=1e-6)
        used = sum(line["response"]["body"]["usage"]["total_tokens"] for line in found.values())
        assert batch.usage.total_tokens == batch.usage.input_tokens == used

    def test_the_output_is_a_file_like_others(self, client):
        batch = run(client, [request_line(0)])
        file = client.files.retrieve(batch.output_file_id)
        assert file.purpose == "batch_output" and file.filename == f"{batch.id}_output.jsonl"
        assert file.expires_at - file.created_at == 30 * 86_400
        assert [f.id for f in client.files.list(purpose="batch_output")] == [file.id]
        kept = run(client, [request_line(0)], output_expires_after={"anchor": "created_at", "seconds": 3_600})
        file = client.files.retrieve(kept.output_file_id)
        assert file.expires_at - file.created_at == 3_600

    def test_the_order_is_not_kept(self, client):
        batch = run(client, [request_line(i) for i in range(40)])
        order = [
            json.loads(x)["custom_id"] for x in client.files.content(batch.output_file_id).text.splitlines()
        ]
        assert order != [f"r{i}" for i in range(40)] and len(set(order)) == 40

    def test_a_request_that_fails_is_in_the_error_file(self, client):
        batch = run(client, [request_line(0), request_line(1, "")])
        assert batch.status == "completed"
        assert (batch.request_counts.completed, batch.request_counts.failed) == (1, 1)
        assert set(results(client, batch.output_file_id)) == {"r0"}
        line = results(client, batch.error_file_id)["r1"]
        assert line["response"]["status_code"] == 400 and line["error"] is None
        assert "empty string" in line["response"]["body"]["error"]["message"]

    def test_when_all_fail_there_is_no_output(self, client):
        batch = run(client, [request_line(0, "")])
        assert batch.output_file_id is None and batch.error_file_id

    def test_other_endpoints(self, client):
        completion = {"model": "reviews-ngram", "prompt": "I like", "max_tokens": 3, "seed": 1}
        line = request_line(0, url="/v1/completions", body=completion)
        batch = run(client, [line], endpoint="/v1/completions")
        body = results(client, batch.output_file_id)["r0"]["response"]["body"]
        assert body["object"] == "text_completion" and batch.usage.output_tokens > 0
        chat = {"model": "reviews-ngram", "messages": [{"role": "user", "content": "tea"}], "max_tokens": 3}
        line = request_line(0, url="/v1/chat/completions", body=chat)
        batch = run(client, [line], endpoint="/v1/chat/completions")
        found = batch.output_file_id or batch.error_file_id
        assert results(client, found)["r0"]["response"]["body"]

    def test_list_pages(self, client):
        made = [run(client, [request_line(0)]).id for _ in range(3)]
        assert [batch.id for batch in client.batches.list(limit=2)] == made[::-1]
        page = client.batches.list(limit=2)
        assert len(page.data) == 2 and page.has_more

    def test_old_ones_are_forgotten(self, client, monkeypatch):
        monkeypatch.setattr(engine_batches, "KEPT", 2)
        made = [run(client, [request_line(0)]).id for _ in range(4)]
        assert [batch.id for batch in client.batches.list()] == made[:1:-1]

    def test_not_too_many_at_once(self, client, monkeypatch):
        monkeypatch.setattr(engine_batches, "MOST_UNFINISHED", 0)
        with pytest.raises(openai.RateLimitError):
            begin(client, [request_line(0)])

    async def _ask(self, app):
        http = httpx2.AsyncClient(transport=EngineTransport(app))
        client = openai.AsyncOpenAI(base_url="http://e.invalid/v1", api_key="none", http_client=http)
        return await client.batches.list()

    def test_async(self, app, client):
        import asyncio

        made = run(client, [request_line(0)])
        assert [batch.id for batch in asyncio.run(self._ask(app)).data] == [made.id]


class TestRefused:
    @pytest.mark.parametrize(
        ("change", "code", "param"),
        [
            ({"custom_id": ""}, "missing_required_parameter", "custom_id"),
            ({"custom_id": 5}, "missing_required_parameter", "custom_id"),
            ({"custom_id": "r0"}, "duplicate_custom_id", "custom_id"),
            ({"method": "GET"}, "invalid_method", "method"),
            ({"url": "/v1/completions"}, "invalid_url", "url"),
            ({"url": None}, "invalid_url", "url"),
            ({"body": []}, "missing_required_parameter", "body"),
            ({"body": {"input": "x"}}, "missing_required_parameter", "body.model"),
            ({"body": {"model": "other", "input": "x"}}, "mismatched_model", "body.model"),
            ({"body": {"model": MODEL, "input": "x", "stream": True}}, "invalid_request", "body.stream"),
        ],
    )
    def test_a_wrong_line_fails_the_file(self, client, change, code, param):
        batch = run(client, [request_line(0), request_line(1, **change)])
        assert batch.status == "failed" and batch.failed_at and batch.output_file_id is None
        (error,) = batch.errors.data
        assert (error.code, error.line, error.param) == (code, 2, param)

    @pytest.mark.parametrize(
        ("content", "code", "line"),
        [
            (b"{not json\n", "invalid_json_line", 1),
            (b"[1]\n", "invalid_request", 1),
            (b"\n  \n", "empty_file", None),
            (b"\xff\xfe{}\n", "invalid_json_line", 1),
        ],
    )
    def test_content_that_is_none(self, client, content, code, line):
        (error,) = run(client, content).errors.data
        assert (error.code, error.line) == (code, line)

    def test_limits(self, client, monkeypatch):
        monkeypatch.setattr(batch_request, "MOST_REQUESTS", 3)
        assert run(client, [request_line(i) for i in range(3)]).status == "completed"
        assert run(client, [request_line(i) for i in range(4)]).errors.data[0].code == "too_many_tasks"
        monkeypatch.setattr(batch_request, "MOST_INPUTS", 5)
        assert run(client, [request_line(0, ["a"] * 5)]).status == "completed"
        several = [request_line(0, ["a"] * 5), request_line(1)]
        assert run(client, several).errors.data[0].code == "too_many_inputs"
        monkeypatch.setattr(batch_request, "LARGEST", 10)
        assert run(client, [request_line(0)]).errors.data[0].code == "file_too_large"

    def test_the_limits_are_openais(self):
        assert batch_request.MOST_REQUESTS == batch_request.MOST_INPUTS == 50_000
        assert batch_request.LARGEST == 200_000_000

    def test_many_errors_are_cut(self, client):
        batch = run(client, b"no\n" * 500)
        assert len(batch.errors.data) == batch_request.MOST_ERRORS + 1
        assert batch.errors.data[-1].code == "too_many_errors"

    def test_requests_for_a_batch(self, client):
        file = upload(client, [request_line(0)])
        other = upload(client, b"{}", purpose="user_data")
        good = {"input_file_id": file, "endpoint": EMBEDDINGS, "completion_window": "24h"}
        for change, param in (
            ({"endpoint": "/v1/images"}, "endpoint"),
            ({"completion_window": "1h"}, "completion_window"),
            ({"input_file_id": other}, "input_file_id"),
            ({"metadata": {"a": "x" * 600}}, "metadata"),
            ({"output_expires_after": {"anchor": "created_at", "seconds": 5}}, "output_expires_after"),
            ({"extra_body": {"speed": "fast"}}, "speed"),
        ):
            with pytest.raises(openai.BadRequestError) as refused:
                client.batches.create(**(good | change))
            assert refused.value.param == param
        with pytest.raises(openai.NotFoundError):
            client.batches.create(**(good | {"input_file_id": "file-none"}))
        with pytest.raises(openai.NotFoundError):
            client.batches.retrieve("batch_none")
        with pytest.raises(openai.NotFoundError):
            client.batches.cancel("batch_none")

    def test_a_file_that_is_gone(self, client, app):
        file = upload(client, [request_line(0)])
        app.extensions["batches"]._work_on = lambda batch: None  # as if nobody had time yet
        batch = client.batches.create(input_file_id=file, endpoint=EMBEDDINGS, completion_window="24h")
        del app.extensions["batches"]._work_on
        client.files.delete(file)
        assert ended(client, batch).errors.data[0].code == "file_not_found"


class TestEndingEarly:
    def test_cancelled(self, client, app):
        slow(app)
        batch = begin(client, [request_line(i) for i in range(400)])
        while client.batches.retrieve(batch.id).status == "validating":
            time.sleep(0.01)
        assert client.batches.cancel(batch.id).status == "cancelling"
        batch = ended(client, batch)
        assert batch.status == "cancelled" and batch.cancelling_at and batch.cancelled_at
        counts = batch.request_counts
        assert counts.completed + counts.failed == 400 and counts.failed > 0
        line = next(iter(results(client, batch.error_file_id).values()))
        assert line["response"] is None and line["error"]["code"] == "batch_cancelled"
        with pytest.raises(openai.ConflictError):
            client.batches.cancel(batch.id)

    def test_expired(self, client, app):
        slow(app)
        app.extensions["batches"].window_seconds = 1
        batch = run(client, [request_line(i) for i in range(600)])
        assert batch.status == "expired" and batch.expired_at
        found = results(client, batch.error_file_id)
        if batch.output_file_id:  # on a busy machine nothing may have been done in time
            found |= results(client, batch.output_file_id)
        assert len(found) == 600
        late = [line for line in found.values() if line["error"]]
        assert len(late) == batch.request_counts.failed > 0
        assert {line["error"]["code"] for line in late} == {"batch_expired"}

    def test_waits_when_the_allowance_is_used_up(self, tmp_path):
        app = create_app(store=Store(tmp_path / "s"), tokens_per_minute=6_000)  # 100 a second
        client = client_of(app)
        client.embeddings.create(model=MODEL, input="tea " * 5_900, encoding_format="float")
        batch = run(client, [request_line(i, "tea " * 40) for i in range(4)])
        assert batch.request_counts.completed == 4


def slow(app) -> None:
    """Each request takes 5 ms."""
    batches = app.extensions["batches"]
    quick = batches._answer

    def answer(*arguments):
        time.sleep(0.005)
        return quick(*arguments)

    batches._answer = answer


BEGIN_AND_DIE = """
import json, os, sys
sys.path.insert(0, {root!r})
sys.path.insert(0, {tests!r})
from test_engine_batches import begin, client_of, request_line, slow
from helpers.engine.app import create_app
from helpers.engine.store import Store
app = create_app(store=Store({store!r}))
slow(app)
batch = begin(client_of(app), [request_line(i) for i in range(300)])
print(batch.id, flush=True)
sys.stdin.read()
"""


def test_a_batch_outlives_its_process(tmp_path):
    """The process that began it is killed; the next one that asks goes on, and every answer is there once."""
    tests = Path(__file__).parent
    code = BEGIN_AND_DIE.format(root=str(tests.parent), tests=str(tests), store=str(tmp_path / "store"))
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    id = process.stdout.readline().strip()
    client = client_of(create_app(store=Store(tmp_path / "store")))
    while client.batches.retrieve(id).status == "validating":
        time.sleep(0.01)
    assert client.batches.retrieve(id).status == "in_progress"  # the other one still has it
    process.kill()
    process.communicate()
    batch = ended(client, client.batches.retrieve(id))
    assert batch.status == "completed" and batch.request_counts.completed == 300
    assert len(client.files.content(batch.output_file_id).text.splitlines()) == 300
    assert len(results(client, batch.output_file_id)) == 300
