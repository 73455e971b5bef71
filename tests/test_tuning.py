"""Following a job, reading its results, asking its model, cleaning up: on a host that plays a script."""

import base64
import json
import math

import httpx2
import numpy as np
import openai
import pytest

from helpers import tuning
from helpers.errors import DataError, HostError

JOB = {
    "id": "ftjob-1", "object": "fine_tuning.job", "created_at": 1, "error": None, "fine_tuned_model": None,
    "finished_at": None, "hyperparameters": {"n_epochs": 2}, "model": "base", "organization_id": "o",
    "result_files": [], "seed": 1, "status": "running", "trained_tokens": None, "training_file": "file-1",
    "validation_file": None,
}  # fmt: skip
CSV = b"step,train_loss,valid_loss\n1,0.7,0.8\n2,0.5,\n"
LABELS = (" no", " yes")


def event(i: int) -> dict:
    return {
        "id": f"ftevent-{i}", "object": "fine_tuning.job.event", "created_at": i, "level": "info",
        "message": f"event {i}", "data": None, "type": "message",
    }  # fmt: skip


CHECKPOINTS = [
    {
        "id": f"ftckpt-{step}", "object": "fine_tuning.job.checkpoint", "created_at": step,
        "fine_tuned_model_checkpoint": f"ft:base:me::x:ckpt-step-{step}", "fine_tuning_job_id": "ftjob-1",
        "step_number": step, "metrics": metrics,
    }
    for step, metrics in [
        (20, {"train_loss": 0.1, "full_valid_loss": 0.4, "full_valid_mean_token_accuracy": 0.9}),
        (10, {"train_loss": 0.3, "valid_loss": 0.5}),
    ]
]  # fmt: skip


class Host:
    """Answers from a script: at each look at the job the next (status, number of events so far)."""

    def __init__(self, looks=(("succeeded", 3),), **job):
        self.looks, self.job = list(looks), JOB | job
        self.status, self.events = self.looks[0]
        self.requests: list[tuple[str, str]] = []
        self.bodies: list[dict] = []
        self.lists, self.broken_after = True, None
        self.first = {}  # prompt to the log-probabilities of its first token
        self.gone: set[str] = set()
        self.lost_at: set[int] = set()  # numbers of the requests, from 1, at which the connection fails
        self.files = {"file-r": CSV}

    @property
    def client(self) -> openai.OpenAI:
        transport = httpx2.MockTransport(self.answer)
        return openai.OpenAI(
            base_url="http://host.invalid/v1",
            api_key="none",
            http_client=httpx2.Client(transport=transport),
            max_retries=0,
            _strict_response_validation=True,
        )

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.removeprefix("/v1")
        self.requests.append((request.method, path))
        if len(self.requests) in self.lost_at:
            raise httpx2.ConnectError("lost")
        if path.rsplit("/", 1)[-1] in self.gone:
            return self.error(404, "gone")
        if request.method == "DELETE":
            name = path.rsplit("/", 1)[-1]
            self.gone.add(name)
            kind = path.split("/")[1].rstrip("s")
            return httpx2.Response(200, json={"id": name, "object": kind, "deleted": True})
        if path.endswith("/events"):
            return self.page(request, [event(i) for i in range(self.events, 0, -1)])
        if path.endswith("/cancel"):
            self.status = "cancelled"
            return httpx2.Response(200, json=self.job | {"status": self.status})
        if path.endswith("/checkpoints"):
            return self.page(request, CHECKPOINTS)
        if path.endswith("/content"):
            return httpx2.Response(200, content=self.files[path.split("/")[2]])
        if path.startswith("/fine_tuning/jobs/"):
            if self.looks:
                self.status, self.events = self.looks.pop(0)
            return httpx2.Response(200, json=self.job | {"status": self.status})
        return self.complete(json.loads(request.content), chat=path.startswith("/chat"))

    def page(self, request: httpx2.Request, found: list[dict]) -> httpx2.Response:
        after, limit = request.url.params.get("after"), int(request.url.params.get("limit", 20))
        start = [one["id"] for one in found].index(after) + 1 if after else 0
        more = start + limit < len(found)
        body = {"object": "list", "data": found[start : start + limit], "has_more": more}
        return httpx2.Response(200, json=body)

    def complete(self, body: dict, chat: bool) -> httpx2.Response:
        self.bodies.append(body)
        if self.broken_after is not None and len(self.bodies) > self.broken_after:
            return self.error(503, "busy")
        if chat:
            top = self.first[body["messages"][-1]["content"]]
            said = [{"token": t, "logprob": p, "bytes": None, "top_logprobs": []} for t, p in top.items()]
            logprobs = {"content": [said[0] | {"top_logprobs": said}], "refusal": None}
            message = {"role": "assistant", "content": said[0]["token"], "refusal": None}
            choice = {"index": 0, "finish_reason": "length", "logprobs": logprobs, "message": message}
            return self.completion("chat.completion", [choice])
        prompts = body["prompt"]
        if isinstance(prompts, list) and not self.lists:
            return self.error(400, "prompt must be a string")
        choices = []
        for i, prompt in enumerate([prompts] if isinstance(prompts, str) else prompts):
            top = self.first[prompt]
            token, value = max(top.items(), key=lambda one: one[1])
            logprobs = {
                "tokens": [token],
                "token_logprobs": [value],
                "top_logprobs": [top],
                "text_offset": [0],
            }
            choices.append({"index": i, "text": token, "finish_reason": "length", "logprobs": logprobs})
        return self.completion("text_completion", choices[::-1])  # a host may give them in any order

    def completion(self, kind: str, choices: list[dict]) -> httpx2.Response:
        body = {"id": "c", "object": kind, "created": 1, "model": "m", "choices": choices}
        return httpx2.Response(200, json=body)

    def error(self, status: int, message: str) -> httpx2.Response:
        return httpx2.Response(status, json={"error": {"message": message, "type": "x", "code": None}})


def messages(host: Host, **options) -> list[str]:
    return [one.message for one in tuning.follow(host.client, "ftjob-1", pause=0.001, **options)]


class TestFollow:
    def test_gives_each_event_once_and_in_order(self):
        host = Host([("queued", 1), ("running", 1), ("running", 4), ("running", 250), ("succeeded", 251)])
        assert messages(host) == [f"event {i}" for i in range(1, 252)]

    def test_waits_for_events_that_come_after_the_status(self):
        host = Host([("running", 1), ("succeeded", 2), ("succeeded", 3), ("succeeded", 4)])
        assert messages(host)[-1] == "event 4"

    def test_an_ended_job_gives_all_its_events_again(self):
        for status in tuning.ENDED:
            assert len(messages(Host([(status, 5)]))) == 5

    def test_stops_asking_after_its_time(self):
        with pytest.raises(HostError, match=r"has not ended after 0\.05 seconds. It goes on"):
            messages(Host([("running", 1)]), timeout=0.05)

    def test_a_job_that_waits_is_not_over(self):
        host = Host([("validating_files", 1), ("queued", 1), ("running", 2), ("succeeded", 2)])
        assert messages(host) == ["event 1", "event 2"]

    def test_asks_less_often_while_nothing_happens(self, monkeypatch):
        waits = []
        monkeypatch.setattr(tuning.time, "sleep", waits.append)
        list(tuning.follow(Host([("running", 1)] * 30 + [("succeeded", 2)]).client, "ftjob-1", pause=0.1))
        assert waits[0] == 0.1 and max(waits) == tuning.LONGEST_PAUSE and waits[-1] == 0.1

    def test_a_lost_connection_is_waited_for(self):
        host = Host([("running", 1), ("running", 2), ("succeeded", 3)])
        host.lost_at = {4, 5, 9}
        assert messages(host) == ["event 1", "event 2", "event 3"]
        assert len(host.requests) > 9

    def test_a_host_that_was_never_there_or_stays_away_is_not(self):
        for lost, options in (({1}, {}), (set(range(4, 10_000)), {"timeout": 0.05})):
            host = Host([("running", 1)])
            host.lost_at = lost
            with pytest.raises((openai.APIConnectionError, HostError)):
                messages(host, **options)

    def test_an_unknown_job_is_said_in_a_sentence(self):
        host = Host()
        host.gone.add("ftjob-1")
        with pytest.raises(HostError, match="no fine-tuning job of this id"):
            messages(host)


class TestWait:
    def test_gives_the_job_that_succeeded(self):
        host = Host([("running", 1), ("succeeded", 2)], fine_tuned_model="ft:base:me::abc")
        assert tuning.wait(host.client, "ftjob-1", pause=0.001).fine_tuned_model == "ft:base:me::abc"

    def test_says_why_a_job_failed(self):
        reason = {
            "code": "invalid_training_file",
            "message": "file-abc: line 3 is bad.",
            "param": "training_file",
        }
        with pytest.raises(HostError, match=r"job has failed: file-…: line 3 is bad\.$"):
            tuning.wait(Host([("failed", 1)], error=reason).client, "ftjob-1", pause=0.001)
        with pytest.raises(HostError, match="gives no reason"):
            tuning.wait(Host([("failed", 1)]).client, "ftjob-1", pause=0.001)
        with pytest.raises(HostError, match="been cancelled"):
            tuning.wait(Host([("cancelled", 1)]).client, "ftjob-1", pause=0.001)


def test_ids_are_left_out_of_messages():
    said = "Created: ftjob-aB1_c. Validating file: file-x9. New model: ft:base:me:good:Xy1 (ft:b:o::Q)"
    assert tuning.without_ids(said) == (
        "Created: ftjob-…. Validating file: file-…. New model: ft:base:me:good:… (ft:b:o::…)"
    )
    assert tuning.without_ids("checkpoint ft:b:o:s:Q1:ckpt-step-10.") == "checkpoint ft:b:o:s:…:ckpt-step-10."
    assert (
        tuning.without_ids("Step 3/9: training loss=0.51, profile-x")
        == "Step 3/9: training loss=0.51, profile-x"
    )


class TestResults:
    def test_reads_plain_and_encoded_files(self):
        for content in (
            CSV,
            base64.b64encode(CSV),
            base64.encodebytes(CSV + 40 * b"3,0.1,0.2\n"),
            b"\xef\xbb\xbf" + CSV,
            CSV.replace(b"step", b'"step"'),
        ):
            table = tuning.read_results(content)
            assert list(table.columns) == ["step", "train_loss", "valid_loss"]
            assert table.iloc[0].tolist() == [1, 0.7, 0.8]
            assert np.isnan(table["valid_loss"].iloc[1])

    def test_takes_a_job_or_its_id(self):
        host = Host(result_files=["file-r"])
        assert len(tuning.results(host.client, "ftjob-1")) == 2
        assert len(tuning.results(host.client, tuning.wait(host.client, "ftjob-1", pause=0.001))) == 2

    def test_says_what_is_wrong(self):
        with pytest.raises(HostError, match="no result file: its status is 'running'"):
            tuning.results(Host([("running", 1)]).client, "ftjob-1")
        for content, reason in (
            (b"<html>", "neither"),
            (base64.b64encode(b"a,b\n1,2\n"), "no column 'step', only a, b"),
            (b"", "no table"),
        ):
            with pytest.raises(HostError, match=reason):
                tuning.read_results(content)


def test_checkpoints_come_earliest_first_with_the_loss_over_the_whole_file():
    early, late = tuning.checkpoints(Host().client, "ftjob-1")
    assert early == (10, "ft:base:me::x:ckpt-step-10", 0.3, 0.5, None)
    assert late == (20, "ft:base:me::x:ckpt-step-20", 0.1, 0.4, 0.9)


def asked_about(count: int) -> Host:
    host = Host()
    for i in range(count):
        p = (i + 1) / (count + 1)
        host.first[f"text {i}"] = {
            " yes": math.log(0.8 * p),
            " no": math.log(0.8 * (1 - p)),
            "x": math.log(0.1),
        }
    return host


class TestClassify:
    def test_gives_probabilities_in_the_order_of_the_prompts(self):
        host = asked_about(45)
        prompts = [f"text {i}" for i in (7, 44, 0, 7, *range(45))]
        table = tuning.classify(host.client, "m", prompts, LABELS)
        assert table[" yes"].tolist() == pytest.approx([(int(text[5:]) + 1) / 46 for text in prompts])
        assert (table[" yes"] + table[" no"]).to_numpy() == pytest.approx(1)
        assert table["label"].tolist() == [
            " yes" if y > n else " no" for y, n in zip(table[" yes"], table[" no"])
        ]
        assert table["probability"].tolist() == table[[" yes", " no"]].max(axis=1).tolist()
        assert table["on labels"].tolist() == pytest.approx([0.8] * len(prompts))
        assert len(host.bodies) == 3, "45 different prompts, 20 at a time"
        assert all(body["max_tokens"] == 1 and body["temperature"] == 0 for body in host.bodies)

    def test_goes_one_by_one_where_lists_are_refused(self):
        host = asked_about(5)
        host.lists = False
        table = tuning.classify(host.client, "m", list(host.first), LABELS, workers=1)
        assert table[" yes"].tolist() == pytest.approx([i / 6 for i in range(1, 6)])

    def test_asks_a_chat_model_too(self):
        host = asked_about(4)
        host.first = {
            text: {token.strip(): value for token, value in top.items()} for text, top in host.first.items()
        }
        table = tuning.classify(
            host.client, "m", list(host.first), ("no", "yes"), chat=True, system="Be brief."
        )
        assert table["yes"].tolist() == pytest.approx([i / 5 for i in range(1, 5)])
        assert host.bodies[0]["messages"][0] == {"role": "system", "content": "Be brief."}

    def test_asks_for_as_many_alternatives_as_the_api_gives(self):
        host = asked_about(1)
        tuning.classify(host.client, "m", ["text 0"], LABELS)
        tuning.classify(host.client, "m", ["text 0"], LABELS, chat=True)
        assert host.bodies[0]["logprobs"] == 5 and host.bodies[1]["top_logprobs"] == 20

    def test_known_answers_are_of_the_same_way_of_asking(self):
        host, answers = asked_about(1), {}
        for options in ({}, {"chat": True}, {"chat": True, "system": "Be brief."}):
            for _ in range(2):
                tuning.classify(host.client, "m", ["text 0"], LABELS, answers=answers, **options)
        assert len(host.bodies) == len(answers) == 3

    def test_goes_on_where_it_was_interrupted(self):
        host, answers = asked_about(60), {}
        host.broken_after = 2
        with pytest.raises(openai.InternalServerError):
            tuning.classify(host.client, "m", list(host.first), LABELS, answers=answers, workers=1)
        assert len(answers) == 40
        host.broken_after, host.bodies = None, []
        whole = tuning.classify(host.client, "m", list(host.first), LABELS, answers=answers)
        assert len(host.bodies) == 1 and len(whole) == 60
        assert tuning.classify(host.client, "m", ["text 3"], LABELS, answers=answers).equals(
            whole.iloc[[3]].reset_index(drop=True)
        )

    def test_reads_the_first_token_of_a_longer_label(self):
        host = Host()
        host.first["a"] = {" gift": math.log(0.7), " del": math.log(0.2), " go": math.log(0.1)}
        table = tuning.classify(host.client, "m", ["a"], (" delivery", " gift cards"))
        assert table[" gift cards"].tolist() == pytest.approx([7 / 9])
        assert table["on labels"].tolist() == pytest.approx([0.9])

    def test_a_label_that_was_not_offered_has_no_probability(self):
        host = Host()
        host.first["a"] = {" a": math.log(0.9)}
        table = tuning.classify(host.client, "m", ["a"], (" a", " b", " c"))
        assert table.loc[0, [" a", " b", " c"]].tolist() == [1, 0, 0]

    def test_no_prompts_no_rows(self):
        assert tuning.classify(Host().client, "m", [], LABELS).shape == (0, 5)

    def test_says_what_is_wrong(self):
        host = Host()
        host.first = {"a": {"The": -0.1}, "b": {" ": -0.1}, "c": {" b": -0.1}}
        for prompt in host.first:
            with pytest.raises(HostError, match="begin none of the labels or several"):
                tuning.classify(host.client, "m", [prompt], (" bad", " boring"))
        for labels in ((" one",), (" a", " a"), (" a", " ")):
            with pytest.raises(DataError, match="two or more labels, all different"):
                tuning.classify(host.client, "m", ["a"], labels)
        with pytest.raises(DataError, match="' no' is the beginning of ' not'"):
            tuning.classify(host.client, "m", ["a"], (" not", " no"))


class TestCleanUp:
    def test_deletes_what_is_there_and_minds_nothing_that_is_gone(self):
        host = Host([("running", 1)])
        host.gone.add("file-2")
        table = tuning.clean_up(host.client, jobs=["ftjob-1"], models=["ft:x"], files=["file-1", "file-2"])
        assert table["kind"].tolist() == ["job", "model", "model", "model", "file", "file"]
        assert table["result"].tolist() == ["cancelled", *["deleted"] * 4, "was gone"]
        again = tuning.clean_up(host.client, jobs=["ftjob-1"], models=["ft:x"], files=["file-1"])
        assert set(again["result"]) == {"was gone"}, "an ended job is not cancelled"

    def test_deletes_what_a_job_has_made(self):
        host = Host(fine_tuned_model="ft:base:me::x", result_files=["file-r"])
        table = tuning.clean_up(host.client, jobs=["ftjob-1"])
        assert table["id"].tolist() == [
            "ft:base:me::x", "ft:base:me::x:ckpt-step-10", "ft:base:me::x:ckpt-step-20", "file-r",
        ]  # fmt: skip
        assert set(table["result"]) == {"deleted"}

    def test_a_job_that_is_not_there_is_nothing(self):
        host = Host()
        host.gone.add("ftjob-1")
        assert tuning.clean_up(host.client, jobs=["ftjob-1"]).empty

    def test_a_refusal_stops_nothing(self, monkeypatch):
        host = Host()
        answer = host.answer

        def refusing(request):
            return host.error(409, "in use") if "file-1" in str(request.url) else answer(request)

        monkeypatch.setattr(host, "answer", refusing)
        table = tuning.clean_up(host.client, files=["file-1", "file-2"])
        assert table["result"].tolist() == ["refused (status 409)", "deleted"]


class TestOnTheEngine:
    """The same calls at a host that really trains."""

    ROWS = tuple(
        {"prompt": f"The {food} was {word} and {more}. ###", "completion": label}
        for food in ("tea", "soup", "bread", "jam", "cheese")
        for label, words in ((" yes", ("lovely", "fresh", "fine")), (" no", ("stale", "sour", "burnt")))
        for word in words
        for more in words
        if word != more
    )

    @pytest.fixture
    def client(self, tmp_path):
        from helpers.engine.app import create_app
        from helpers.engine.store import Store
        from helpers.engine.transport import EngineTransport

        app = create_app(store=Store(tmp_path))
        return openai.OpenAI(
            base_url="http://embedded.invalid/v1",
            api_key="none",
            http_client=httpx2.Client(transport=EngineTransport(app)),
            _strict_response_validation=True,
        )

    def test_from_the_file_to_the_model_and_back_to_nothing(self, client):
        lines = "\n".join(map(json.dumps, self.ROWS)).encode()
        file = client.files.create(file=("rows.jsonl", lines), purpose="fine-tune")
        job = client.fine_tuning.jobs.create(
            model="wordllama-classifier", training_file=file.id, validation_file=file.id, seed=1
        )
        events = list(tuning.follow(client, job.id, timeout=60))
        assert len({event.id for event in events}) == len(events)
        assert "Created" in events[0].message and "completed" in events[-1].message
        job = tuning.wait(client, job.id)
        table, saved = tuning.results(client, job), tuning.checkpoints(client, job.id)
        assert table["step"].is_monotonic_increasing and saved[0].step < saved[-1].step
        prompts = [row["prompt"] for row in self.ROWS]
        found = tuning.classify(client, job.fine_tuned_model, prompts, LABELS)
        assert found["label"].tolist() == [row["completion"] for row in self.ROWS]
        assert found["on labels"].to_numpy() == pytest.approx(1)
        gone = tuning.clean_up(client, jobs=[job.id], files=[file.id])
        assert gone["result"].tolist() == ["deleted"] * (1 + len(saved) + 1 + 1)
        assert not [model.id for model in client.models.list() if model.id.startswith("ft:")]
        assert not list(client.files.list())
        assert set(tuning.clean_up(client, jobs=[job.id], files=[file.id])["result"]) <= {"was gone"}
