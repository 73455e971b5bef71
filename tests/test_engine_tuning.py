"""Fine-tuning jobs of the engine: requests, checks of files, the background, what a dead process leaves."""

import csv
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import anyio
import httpx2
import openai
import pytest
from safetensors.numpy import load_file
from tuning_fakes import FakeTraining, client_on, fake_choice

from helpers import engine
from helpers.engine import (
    classifier_layout,
    classifier_training,
    registry,
    tuning,
    tuning_events,
    tuning_rows,
    tuning_run,
)
from helpers.engine.app import create_app
from helpers.engine.registry import CLASSIFIER
from helpers.engine.store import Store
from helpers.engine.transport import EngineTransport
from helpers.errors import DataError

RATE = "method.supervised.hyperparameters.learning_rate_multiplier"
ENDED = ("succeeded", "failed", "cancelled")
HALF = "\ud800"  # of a surrogate pair
PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
PAIRS = [{"prompt": f"Tea number {i} ->", "completion": [" positive", " negative"][i % 2]} for i in range(12)]


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "engine", synced=False)


@pytest.fixture
def client(store) -> openai.OpenAI:
    return client_on(store)


@pytest.fixture
def fake(monkeypatch) -> type[FakeTraining]:
    """A training without learning; each test has a class of its own to set speeds on."""
    own = type("OwnFakeTraining", (FakeTraining,), {"began": []})
    monkeypatch.setattr(classifier_training, "Training", own)
    monkeypatch.setattr(classifier_training, "choose", fake_choice, raising=False)
    return own


def lines(rows) -> bytes:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()


def upload(client, content=None) -> str:
    content = lines(PAIRS) if content is None else content
    return client.files.create(file=("rows.jsonl", content), purpose="fine-tune").id


def create(client, content=None, **options):
    options = {"model": CLASSIFIER, "seed": 7, "hyperparameters": {"n_epochs": 2}} | options
    return client.fine_tuning.jobs.create(training_file=upload(client, content), **options)


def until(client, id, wanted=ENDED, seconds=20):
    """The job once its status is one of `wanted`."""
    give_up = time.monotonic() + seconds
    while (job := client.fine_tuning.jobs.retrieve(id)).status not in wanted:
        assert time.monotonic() < give_up, f"still {job.status}"
        time.sleep(0.01)
    return job


def message(role: str, content: object = "tea") -> dict:
    return {"role": role, "content": content}


def supervised(**hyperparameters) -> dict:
    return {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}


def messages(client, id) -> list[str]:
    return [event.message for event in client.fine_tuning.jobs.list_events(id, limit=100)][::-1]


class TestAJob:
    def test_from_file_to_model(self, client, fake):
        validation = upload(client, lines(PAIRS[:2]))
        created = create(client, validation_file=validation, suffix="tea", metadata={"lesson": "09"})
        assert created.status == "validating_files"
        assert created.hyperparameters.n_epochs == 2
        assert created.hyperparameters.batch_size == "auto"
        assert created.fine_tuned_model is created.finished_at is created.trained_tokens is None
        job = until(client, created.id)
        assert job.status == "succeeded", job.error
        assert job.error is None
        name = job.fine_tuned_model
        assert name.startswith(f"ft:{CLASSIFIER}:personal:tea:")
        assert len(name.rsplit(":", 1)[1]) == 8
        assert job.trained_tokens == 24
        assert job.estimated_finish is None
        assert job.finished_at >= job.created_at
        assert (job.seed, job.metadata) == (7, {"lesson": "09"})
        assert isinstance(job.hyperparameters.batch_size, int)
        assert job.method.supervised.hyperparameters.n_epochs == 2
        assert messages(client, job.id) == [
            f"Created fine-tuning job: {job.id}",
            f"Validating training file: {job.training_file}",
            f"Validating validation file: {validation}",
            "Files validated, moving job to queued state",
            "Fine-tuning job started",
            "Step 1/8: training loss=1.00",
            "Step 2/8: training loss=0.50",
            "Step 3/8: training loss=0.33",
            "Step 4/8: training loss=0.25, full validation loss=0.50",
            "Step 5/8: training loss=0.20",
            "Step 6/8: training loss=0.17",
            "Step 7/8: training loss=0.14",
            "Step 8/8: training loss=0.12, full validation loss=0.50",
            f"Checkpoint created at step 4: {name}:ckpt-step-4",
            f"Checkpoint created at step 8: {name}:ckpt-step-8",
            f"New fine-tuned model created: {name}",
            "The job has successfully completed",
        ]
        metrics = [event for event in client.fine_tuning.jobs.list_events(job.id) if event.type == "metrics"]
        assert metrics[0].data == {
            "step": 8, "total_steps": 8, "train_loss": 0.125, "train_mean_token_accuracy": 0.5,
            "full_valid_loss": 0.5, "full_valid_mean_token_accuracy": 0.5,
        }  # fmt: skip

    def test_checkpoints_models_and_results(self, client, store, fake):
        job = until(client, create(client, hyperparameters={"n_epochs": 5}).id)
        checkpoints = list(client.fine_tuning.jobs.checkpoints.list(job.id, limit=2))
        names = [checkpoint.fine_tuned_model_checkpoint for checkpoint in checkpoints]
        assert names == [f"{job.fine_tuned_model}:ckpt-step-{step}" for step in (20, 16, 12)]
        assert [checkpoint.step_number for checkpoint in checkpoints] == [20, 16, 12]
        assert checkpoints[0].metrics.train_loss == 0.05
        assert checkpoints[0].metrics.full_valid_loss is None
        listed = [model.id for model in client.models.list()]
        assert {job.fine_tuned_model, *names} < set(listed)
        with store.reading() as transaction:
            blobs = [transaction.blob("model", name) for name in (job.fine_tuned_model, *names)]
        assert [store.blob_path(blob).read_text() for blob in blobs] == ["7 20", "7 20", "7 16", "7 12"]
        (results,) = job.result_files
        assert client.files.retrieve(results).purpose == "fine-tune-results"
        text = client.files.content(results).text
        rows = list(csv.DictReader(io.StringIO(text)))
        assert text.splitlines()[0] == "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy"
        assert [row["step"] for row in rows] == [str(step) for step in range(1, 21)]
        assert rows[3]["train_loss"] == "0.25"
        assert rows[3]["valid_loss"] == ""

    def test_deleting_models(self, client, fake, store):
        job = until(client, create(client, hyperparameters={"n_epochs": 3}).id)
        model = client.models.retrieve(job.fine_tuned_model)
        assert (model.owned_by, model.object) == ("personal", "model")
        assert client.models.delete(model.id).deleted
        for call in (client.models.delete, client.models.retrieve):
            with pytest.raises(openai.NotFoundError) as caught:
                call(model.id)
            assert caught.value.code == "model_not_found"
        left = list(client.fine_tuning.jobs.checkpoints.list(job.id))
        assert len(left) == 3
        for checkpoint in left:
            client.models.delete(checkpoint.fine_tuned_model_checkpoint)
        assert list(client.fine_tuning.jobs.checkpoints.list(job.id)) == []
        assert len(list(store.blob_path("").iterdir())) == 2  # the file and the results
        with pytest.raises(openai.PermissionDeniedError):
            client.models.delete(CLASSIFIER)

    def test_a_model_without_a_suffix_and_a_seed_of_its_own(self, client, fake):
        job = until(client, create(client, seed=None).id)
        assert job.fine_tuned_model.startswith(f"ft:{CLASSIFIER}:personal::")
        assert 0 <= job.seed < 2**31

    def test_a_file_may_go_once_it_was_read(self, client, fake):
        fake.seconds = 0.02
        job = create(client)
        until(client, job.id, ("queued", "running"))
        client.files.delete(job.training_file)
        assert until(client, job.id).status == "succeeded"

    def test_estimated_finish_while_running(self, client, fake):
        fake.seconds, fake.steps = 0.05, 100
        job = create(client)
        give_up = time.monotonic() + 10
        while not (found := until(client, job.id, ("running",))).estimated_finish:
            assert time.monotonic() < give_up
        assert time.time() + 3 < found.estimated_finish < time.time() + 600
        assert client.fine_tuning.jobs.cancel(job.id).estimated_finish is None

    def test_async_client(self, store, fake):
        http_client = httpx2.AsyncClient(transport=EngineTransport(create_app(store=store)))

        async def use():
            options = {"http_client": http_client, "_strict_response_validation": True}
            async with openai.AsyncOpenAI(base_url=engine.BASE_URL, api_key="none", **options) as client:
                file = await client.files.create(file=("rows.jsonl", lines(PAIRS)), purpose="fine-tune")
                jobs = client.fine_tuning.jobs
                job = await jobs.create(model=CLASSIFIER, training_file=file.id)
                while job.status not in ENDED:
                    await anyio.sleep(0.01)
                    job = await jobs.retrieve(job.id)
                told = [event.message async for event in jobs.list_events(job.id, limit=3)]
                checkpoints = [each.step_number async for each in jobs.checkpoints.list(job.id)]
                assert (await client.models.delete(job.fine_tuned_model)).deleted
                return job, told, checkpoints

        job, told, checkpoints = anyio.run(use)
        assert job.status == "succeeded"
        assert told[-1] == f"Created fine-tuning job: {job.id}"
        assert checkpoints == [4]

    def test_azure_client(self, store, fake):
        client = openai.AzureOpenAI(
            azure_endpoint="https://example.openai.azure.com",
            api_key="none",
            api_version="2024-10-21",
            http_client=httpx2.Client(transport=EngineTransport(create_app(store=store))),
        )
        job = until(client, create(client, extra_body={"trainingType": "Standard"}).id)
        assert job.status == "succeeded"

    def test_events_in_pages_newest_first(self, client, fake):
        job = until(client, create(client).id)
        page = client.fine_tuning.jobs.list_events(job.id, limit=5)
        assert page.has_more
        assert page.data[0].message == "The job has successfully completed"
        ids = [event.id for event in page]
        assert len(ids) == len(set(ids)) == len(messages(client, job.id))

    def test_long_trainings_tell_about_a_hundredth_of_their_steps(self):
        def step(number, ended=None):
            return classifier_training.Step(number, 12_345, 1.0, 0.5, None, None, ended, None, None)

        told = [n for n in range(1, 12_346) if tuning_events.is_told(step(n))]
        assert told[0] == 1
        assert told[-1] == 12_345
        assert len(told) == 101
        assert tuning_events.is_told(step(50, ended=1))

    def test_early_stopping_and_what_is_no_number(self, client, fake):
        fake.stops = 6
        job = until(client, create(client).id)
        told = messages(client, job.id)
        assert told[-4].startswith("Stopped early at step 6: ")
        assert len(client.files.content(job.result_files[0]).text.splitlines()) == 7
        step = classifier_training.Step(1, 1, float("nan"), float("inf"), None, 0.123456, 1, None, None)
        assert tuning_events.metrics(step) == {"step": 1, "valid_mean_token_accuracy": 0.12346}
        assert tuning_events.results([step]).decode().splitlines()[1] == "1,,,,0.12346"

    def test_list_by_metadata(self, client, fake):
        jobs = [create(client, metadata=m) for m in (None, {"a": "1"}, {"a": "1", "b": ""}, {"a": "2"})]
        ids = [job.id for job in jobs]
        listed = client.fine_tuning.jobs.list

        assert [job.id for job in listed()] == ids[::-1]
        assert [job.id for job in listed(limit=1)] == ids[::-1]
        assert [job.id for job in listed(metadata={"a": "1"})] == [ids[2], ids[1]]
        assert [job.id for job in listed(metadata={"a": "1", "b": ""})] == [ids[2]]
        assert [job.id for job in listed(extra_query={"metadata": "null"})] == [ids[0]]
        with pytest.raises(openai.BadRequestError):
            listed(extra_query={"metadata": "none"})
        for id in ids:
            until(client, id)

    def test_old_jobs_are_forgotten_their_models_not(self, client, fake, monkeypatch):
        first = until(client, create(client).id)
        monkeypatch.setattr(tuning, "KEPT", 1)
        second = until(client, create(client).id)
        assert [job.id for job in client.fine_tuning.jobs.list()] == [second.id]
        assert client.models.retrieve(first.fine_tuned_model)


class TestOneAtATime:
    def test_jobs_wait_for_their_turn(self, client, fake):
        fake.seconds = 0.02
        jobs = [create(client, seed=seed) for seed in (1, 2, 3)]
        until(client, jobs[0].id, ("running",))
        until(client, jobs[1].id, ("queued",))
        assert len(fake.began) == 1
        for job in jobs:
            assert until(client, job.id).status == "succeeded"
        assert fake.began == [1, 2, 3]
        assert tuning_run.unfinished() == 0

    def test_a_paused_job_lets_the_next_one_train(self, client, fake):
        fake.seconds, fake.steps = 0.02, 30
        first = create(client)
        until(client, first.id, ("running",))
        assert client.fine_tuning.jobs.pause(first.id).status == "queued"
        fake.seconds = 0
        second = create(client)
        assert until(client, second.id).status == "succeeded"
        before = len(messages(client, first.id))
        time.sleep(0.3)
        assert len(messages(client, first.id)) == before
        assert client.fine_tuning.jobs.retrieve(first.id).status == "queued"
        with pytest.raises(openai.BadRequestError, match="paused already"):
            client.fine_tuning.jobs.pause(first.id)
        client.fine_tuning.jobs.resume(first.id)
        assert until(client, first.id).status == "succeeded"
        told = messages(client, first.id)
        assert told.index("The job has been paused") < told.index("The job has been resumed")
        steps = [message.split(":")[0] for message in told if message.startswith("Step")]
        assert len(steps) == len(set(steps)) == 60

    def test_paused_jobs_do_not_keep_one_another_awake(self, client, fake, store, monkeypatch):
        fake.seconds = 0.05
        jobs = [create(client) for _ in range(3)]
        for job in jobs:
            client.fine_tuning.jobs.pause(job.id)
        time.sleep(0.3)
        read, times = Store.reading, []
        monkeypatch.setattr(Store, "reading", lambda self: times.append(1) or read(self))
        time.sleep(0.5)
        assert 0 < len(times) < 100  # every job looks a dozen times a second; it was thousands
        for job in jobs:
            assert client.fine_tuning.jobs.cancel(job.id).status == "cancelled"

    def test_a_queued_job_can_be_paused_and_cancelled(self, client, fake):
        fake.seconds, fake.steps = 0.02, 500
        first = create(client)
        until(client, first.id, ("running",))
        second, third = create(client), create(client)
        for job in (second, third):
            until(client, job.id, ("queued",))
        client.fine_tuning.jobs.pause(second.id)
        assert client.fine_tuning.jobs.cancel(third.id).status == "cancelled"
        client.fine_tuning.jobs.cancel(first.id)
        time.sleep(0.3)
        assert client.fine_tuning.jobs.retrieve(second.id).status == "queued"
        fake.seconds, fake.steps = 0, 1
        client.fine_tuning.jobs.resume(second.id)
        assert until(client, second.id).status == "succeeded"

    def test_cancelling_stops_within_a_fifth_of_a_second(self, client, fake, store):
        fake.seconds, fake.steps = 0.01, 5_000
        job = create(client)
        until(client, job.id, ("running",))
        time.sleep(0.3)
        cancelled = client.fine_tuning.jobs.cancel(job.id)
        assert cancelled.status == "cancelled"
        assert cancelled.finished_at
        give_up = time.monotonic() + 1  # a fifth of that, where the processor is free
        while tuning_run.is_own(job.id):
            assert time.monotonic() < give_up
            time.sleep(0.005)
        assert messages(client, job.id)[-1] == "The job has been cancelled"
        assert [model.id for model in client.models.list() if model.id.startswith("ft:")] == []
        assert len(list(store.blob_path("").iterdir())) == 1  # the training file
        for call in (
            client.fine_tuning.jobs.cancel,
            client.fine_tuning.jobs.pause,
            client.fine_tuning.jobs.resume,
        ):
            with pytest.raises(openai.BadRequestError, match="has cancelled"):
                call(job.id)
        assert list((store.folder / "locks").iterdir()) == []

    def test_too_many(self, client, fake, monkeypatch):
        fake.seconds = 0.1
        monkeypatch.setattr(tuning, "MOST_UNFINISHED", 1)
        job = create(client)
        with pytest.raises(openai.RateLimitError) as caught:
            create(client)
        assert caught.value.code == "too_many_jobs"
        client.fine_tuning.jobs.cancel(job.id)


class TestFailures:
    def failed(self, client, content=None, **options):
        job = until(client, create(client, content, **options).id)
        assert job.status == "failed"
        assert job.fine_tuned_model is None
        last = client.fine_tuning.jobs.list_events(job.id).data[0]
        assert last.level == "error"
        assert job.error.message in last.message
        return job.error

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"", "empty"),
            (b"\n\n", "empty"),
            (lines(PAIRS[:9]), "9 examples, and must have at least 10"),
            (lines(PAIRS) + b"\n{'prompt': 1}", "Line 13"),
            (b"prompt,completion\na,b\n", "Line 1"),
            (lines([*PAIRS, ["a"]]), "Line 13: the line is a list"),
            (lines([*PAIRS, {"text": "a"}]), "Line 13: its keys"),
            (lines([*PAIRS, {"prompt": "a"}]), "Line 13: completion is missing"),
            (lines([*PAIRS, {"prompt": "a", "completion": 1}]), "Line 13: completion is a number"),
            (lines([*PAIRS, {"prompt": "a", "completion": " "}]), "Line 13: the completion is empty"),
            (lines([*PAIRS, {"prompt": "tea " * 9_000, "completion": "a"}]), "tokens, and may have 8,192"),
            (lines([*PAIRS, {"messages": [{"role": "user", "content": "a"}]}]), "Line 13: messages has none"),
            (
                lines([*PAIRS, {"messages": [message("user"), message("assistant")]}]),
                "Line 13: it is a row of the form chat, and line 1 is one of pairs",
            ),
            (lines([{"prompt": "a", "chosen": "b", "rejected": "c"}] * 10), "form preference"),
            (lines([{"messages": [{"content": "a"}]}]), "Line 1: messages[0] has no role"),
            (
                lines([{"messages": [message("assistant"), message("user")]}]),
                "Line 1: the last message is by 'user'",
            ),
            (lines([{"messages": [{"role": "assistant", "content": "a"}]}]), "there is no prompt"),
            (
                lines([{"messages": [message("user", [PICTURE]), message("assistant")]}]),
                "Line 1: a message has pictures or sound",
            ),
            ('{"prompt": "a"}'.encode("utf-16"), "UTF-16"),
        ],
    )  # fmt: skip
    def test_bad_training_files(self, client, fake, store, content, says):
        error = self.failed(client, content)
        assert error.code == "invalid_training_file"
        assert error.param == "training_file"
        assert says in error.message
        assert str(store.folder) not in error.message
        assert fake.began == []

    def test_a_bad_validation_file(self, client, fake):
        error = self.failed(client, validation_file=upload(client, b"{"))
        assert (error.code, error.param) == ("invalid_validation_file", "validation_file")

    def test_what_the_training_itself_refuses(self, client, monkeypatch):
        def refuse(*_):
            raise classifier_layout.TuningError("This looks like free text.", *where)

        where = ()
        monkeypatch.setattr(classifier_training, "Training", refuse)
        monkeypatch.setattr(classifier_training, "choose", fake_choice, raising=False)
        error = self.failed(client)
        assert (error.code, error.message) == ("invalid_training_file", "This looks like free text.")
        where = ("validation_file",)
        error = self.failed(client)
        assert (error.code, error.param) == ("invalid_validation_file", "validation_file")

    def test_a_bug_while_training(self, client, fake, store, caplog):
        fake.fails = ZeroDivisionError("boom")
        error = self.failed(client)
        assert error.code == "server_error"
        assert "bug of the workbook" in error.message
        assert "boom" in caplog.text
        assert len(list(store.blob_path("").iterdir())) == 1

    def test_a_file_deleted_before_it_is_read(self, client, fake, monkeypatch):
        read = tuning_rows.read

        def slow(path, **options):
            path.unlink()
            return read(path, **options)

        monkeypatch.setattr(tuning_rows, "read", slow)
        error = self.failed(client)
        assert error.code == "file_not_found"

    @pytest.mark.parametrize(
        ("options", "param"),
        [
            ({"model": "wordllama-256"}, "model"),
            ({"model": "gpt-4o"}, "model"),
            ({"training_file": "file-none"}, "training_file"),
            ({"validation_file": "file-none"}, "validation_file"),
            ({"validation_file": 3}, "validation_file"),
            ({"suffix": "a:b"}, "suffix"),
            ({"suffix": "x" * 65}, "suffix"),
            ({"seed": -1}, "seed"),
            ({"seed": 1.5}, "seed"),
            ({"metadata": {"a": 1}}, "metadata"),
            ({"metadata": {str(i): "" for i in range(17)}}, "metadata"),
            ({"integrations": [{"type": "wandb", "wandb": {"project": "p"}}]}, "integrations"),
            ({"method": {"type": "dpo"}}, "method"),
            ({"method": {"type": "reinforcement", "reinforcement": {}}}, "method"),
            ({"method": "supervised"}, "method"),
            ({"method": {"type": "supervised", "dpo": {}}}, "method"),
            ({"method": supervised(n_epochs=3)}, "hyperparameters"),
            ({"hyperparameters": {"n_epochs": 0}}, "hyperparameters.n_epochs"),
            ({"hyperparameters": {"n_epochs": 51}}, "hyperparameters.n_epochs"),
            ({"hyperparameters": {"n_epochs": 10**400}}, "hyperparameters.n_epochs"),
            ({"hyperparameters": {"batch_size": 2.0}}, "hyperparameters.batch_size"),
            ({"hyperparameters": None, "method": supervised(learning_rate_multiplier=0)}, RATE),
            ({"hyperparameters": {"epochs": 2}}, "hyperparameters.epochs"),
            ({"hyperparameters": "auto"}, "hyperparameters"),
            ({"extra_body": {"colour": "red"}}, "colour"),
        ],
    )  # fmt: skip
    def test_refused_requests_name_the_parameter(self, client, fake, options, param):
        request = {"model": CLASSIFIER, "training_file": upload(client), "hyperparameters": {"n_epochs": 2}}
        with pytest.raises((openai.BadRequestError, openai.NotFoundError)) as caught:
            client.fine_tuning.jobs.create(**request | options)
        assert caught.value.param == param
        assert list(client.fine_tuning.jobs.list()) == []

    @pytest.mark.parametrize(
        "wrong",
        [{"training_file": HALF}, {"model": HALF}, {"metadata": {"a": HALF}}, {"metadata": {HALF: "a"}}],
    )
    def test_half_a_surrogate_pair(self, client, store, wrong):
        good = {"model": CLASSIFIER, "training_file": upload(client)}
        http = create_app(store=store).test_client()  # the SDK cannot write it
        answer = http.post("/v1/fine_tuning/jobs", json=good | wrong)
        assert answer.status_code in (400, 404)
        assert answer.json["error"]["param"] == next(iter(wrong))

    def test_a_body_of_brackets(self, store):
        http = create_app(store=store).test_client()
        assert http.post("/v1/fine_tuning/jobs", data=b"[" * 100_000).status_code == 400

    def test_a_file_of_another_purpose(self, client):
        other = client.files.create(file=lines(PAIRS), purpose="batch").id
        with pytest.raises(openai.BadRequestError, match="purpose 'fine-tune'"):
            client.fine_tuning.jobs.create(model=CLASSIFIER, training_file=other)

    def test_a_trained_model_cannot_be_trained_further(self, client, fake):
        job = until(client, create(client).id)
        with pytest.raises(openai.BadRequestError) as caught:
            create(client, model=job.fine_tuned_model)
        assert caught.value.code == "model_not_available"

    def test_unknown_jobs(self, client):
        jobs = client.fine_tuning.jobs
        for call in (
            jobs.retrieve,
            jobs.cancel,
            jobs.pause,
            jobs.resume,
            jobs.list_events,
            jobs.checkpoints.list,
        ):
            with pytest.raises(openai.NotFoundError, match="ftjob-none"):
                call("ftjob-none")


CHILD = """
import sys, time
sys.path.insert(0, sys.argv[2])
from tuning_fakes import FakeTraining, client_on, fake_choice
from helpers.engine import classifier_training
classifier_training.Training, classifier_training.choose = FakeTraining, fake_choice
FakeTraining.seconds, FakeTraining.steps = 0.02, 100_000
client = client_on(__import__("pathlib").Path(sys.argv[1]))
rows = open(sys.argv[3], "rb").read()
file = client.files.create(file=("rows.jsonl", rows), purpose="fine-tune")
job = client.fine_tuning.jobs.create(model="wordllama-classifier", training_file=file.id)
while client.fine_tuning.jobs.retrieve(job.id).status != "running":
    time.sleep(0.01)
time.sleep(0.2)
print(job.id, flush=True)
sys.stdin.readline()
"""


class TestOtherProcesses:
    @pytest.fixture
    def child(self, store, tmp_path):
        rows = tmp_path / "rows.jsonl"
        rows.write_bytes(lines(PAIRS))
        arguments = [sys.executable, "-c", CHILD, store.folder, Path(__file__).parent, rows]
        with subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
        ) as process:
            process.job = process.stdout.readline().strip()
            yield process
            process.kill()

    @pytest.mark.parametrize("how", ["killed", "ended"])
    def test_a_job_whose_process_is_gone_has_failed(self, client, store, child, how):
        assert client.fine_tuning.jobs.retrieve(child.job).status == "running"
        if how == "killed":
            child.kill()
        else:
            child.communicate("\n")  # it ends by itself, in mid-training
            assert child.returncode == 0
        child.wait()
        job = client.fine_tuning.jobs.retrieve(child.job)
        assert job.status == "failed"
        assert job.error.code == "process_ended"
        assert "Create the job again" in job.error.message
        assert messages(client, child.job)[-1] == job.error.message
        assert [model.id for model in client.models.list() if model.id.startswith("ft:")] == []
        assert list((store.folder / "locks").iterdir()) == []
        assert job == client.fine_tuning.jobs.retrieve(child.job)

    def test_another_process_sees_pauses_and_cancels(self, client, child):
        assert any(message.startswith("Step 1/") for message in messages(client, child.job))
        client.fine_tuning.jobs.pause(child.job)
        time.sleep(0.3)
        before = messages(client, child.job)
        time.sleep(0.3)
        assert messages(client, child.job) == before
        client.fine_tuning.jobs.resume(child.job)
        until(client, child.job, ("running",))
        client.fine_tuning.jobs.cancel(child.job)
        time.sleep(0.3)
        assert messages(client, child.job)[-1] == "The job has been cancelled"


def opinions(count: int) -> list[dict]:
    """Rows that can be learnt, no two alike."""
    words = {
        " positive": ("lovely", "fresh", "fine", "tasty"),
        " negative": ("stale", "awful", "bitter", "broken"),
    }
    things = ("tea", "coffee", "bread", "honey", "rice", "jam", "salt", "cake")
    rows = [
        {"prompt": f"{word} {thing} from shop {i} ->", "completion": label}
        for i in range(count // 64 + 1)
        for thing in things
        for pair in zip(*words.values())
        for label, word in zip(words, pair)
    ]
    return rows[:count]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A store, a client on it, and three jobs that really trained: two of one seed, one of another."""
    store = Store(tmp_path_factory.mktemp("store") / "engine", synced=False)
    client = client_on(store)
    files = {"validation_file": upload(client, lines(opinions(80)[64:]))}
    jobs = [
        create(client, lines(opinions(64)), hyperparameters={"n_epochs": 10}, seed=seed, **files)
        for seed in (5, 5, 6)
    ]
    return store, client, [until(client, job.id) for job in jobs]


def numbers(path: Path) -> dict[str, bytes]:
    """All of a model's arrays, to the bit. (The order in which the file has its parts is that of chance.)"""
    return {name: array.tobytes() for name, array in load_file(path).items()}


class TestTheRealTraining:
    def test_same_seed_and_data_same_model_to_the_bit(self, trained):
        store, _, jobs = trained
        with store.reading() as transaction:
            blobs = [transaction.blob("model", job.fine_tuned_model) for job in jobs]
        first, again, other = (numbers(store.blob_path(blob)) for blob in blobs)
        assert first == again != other
        assert jobs[0].trained_tokens == jobs[1].trained_tokens > 64 * 5 * 5

    def test_it_learns_and_tells(self, trained):
        _, client, jobs = trained
        metrics = [
            event.data for event in client.fine_tuning.jobs.list_events(jobs[0].id, limit=100) if event.data
        ]
        assert metrics[0]["train_loss"] < metrics[-1]["train_loss"]  # newest first
        assert metrics[0]["full_valid_mean_token_accuracy"] == 1
        assert jobs[0].hyperparameters.learning_rate_multiplier == 1

    def test_the_model_and_its_checkpoints_answer(self, trained):
        _, client, jobs = trained
        checkpoints = list(client.fine_tuning.jobs.checkpoints.list(jobs[0].id))
        assert len(checkpoints) == 3
        names = [jobs[0].fine_tuned_model, *(each.fine_tuned_model_checkpoint for each in checkpoints)]
        found = []
        for name in names:
            prompts = ["lovely soup ->", "awful soup ->"]
            answer = client.completions.create(
                model=name, prompt=prompts, max_tokens=1, temperature=0, logprobs=1
            )
            assert [choice.text for choice in answer.choices] == [" positive", " negative"]
            found.append(answer.choices[0].logprobs.token_logprobs[0])
        assert len(set(found[1:])) == 3

    def test_embeddings_that_it_learnt(self, trained):
        _, client, jobs = trained
        options = {"input": ["lovely tea", "awful tea"], "encoding_format": "float"}
        before = client.embeddings.create(model="wordllama-256", **options)
        after = client.embeddings.create(model=jobs[0].fine_tuned_model, **options)
        assert after.model == jobs[0].fine_tuned_model
        assert after.usage == before.usage

        def cosine(answer):
            return sum(a * b for a, b in zip(answer.data[0].embedding, answer.data[1].embedding))

        assert cosine(after) < cosine(before)

    def test_more_models_than_are_kept_loaded(self, trained, monkeypatch):
        _, client, jobs = trained
        monkeypatch.setattr(registry, "KEPT_LOADED", 1)
        for job in jobs[:2] * 2:
            answer = client.completions.create(
                model=job.fine_tuned_model, prompt="awful soup ->", max_tokens=1
            )
            assert answer.model == job.fine_tuned_model

    def test_models_that_are_for_something_else(self, trained):
        _, client, _ = trained
        for call, says in (
            (lambda: client.completions.create(model=CLASSIFIER, prompt="a"), "no classes yet"),
            (lambda: client.completions.create(model="wordllama-256", prompt="a"), "is for embeddings"),
            (lambda: client.embeddings.create(model=CLASSIFIER, input="a"), "is for fine-tuning"),
            (lambda: client.embeddings.create(model="reviews-ngram", input="a"), "is for text"),
        ):
            with pytest.raises(openai.BadRequestError, match=says):
                call()
        with pytest.raises(openai.NotFoundError):
            client.completions.create(model=f"ft:{CLASSIFIER}:personal::none", prompt="a")

    def test_a_damaged_model_says_so(self, trained):
        store, client, jobs = trained
        name = next(iter(client.fine_tuning.jobs.checkpoints.list(jobs[1].id))).fine_tuned_model_checkpoint
        with store.reading() as transaction:
            store.blob_path(transaction.blob("model", name)).write_bytes(b"half a mod")
        for call in (
            lambda: client.completions.create(model=name, prompt="lovely soup ->"),
            lambda: client.embeddings.create(model=name, input="lovely soup"),
        ):
            with pytest.raises(openai.BadRequestError, match="train the model again") as caught:
                call()
            assert caught.value.param == "model"

    def test_a_deleted_model_answers_no_more(self, trained):
        _, client, jobs = trained
        ask = {"model": jobs[2].fine_tuned_model, "prompt": "lovely soup ->", "max_tokens": 1}
        client.completions.create(**ask)
        client.models.delete(jobs[2].fine_tuned_model)
        with pytest.raises(openai.NotFoundError):
            client.completions.create(**ask)

    def test_validation_that_training_cannot_know(self, client):
        other = upload(client, lines([{"prompt": "so so", "completion": " neutral"}]))
        job = until(client, create(client, lines(opinions(16)), validation_file=other).id)
        assert (job.error.code, job.error.param) == ("invalid_validation_file", "validation_file")
        assert "' neutral'" in job.error.message

    def test_free_text_is_refused(self, client):
        rows = [{"prompt": f"{i}", "completion": f" story number {i}"} for i in range(20)]
        job = until(client, create(client, lines(rows)).id)
        assert job.error.code == "invalid_training_file"
        assert "free text" in job.error.message


def test_eight_clients_at_once_lose_nothing_and_mix_nothing():
    """Three seconds of tests/benchmarks/serve_load.py, whose half minute is run by hand."""
    from benchmarks import serve_load

    with serve_load.serving() as url, serve_load.threads(8) as pool:
        counts = serve_load.hammer(url, serve_load.train(url), 3, 8, pool)
    assert counts["wrong"] == counts["failed"] == 0
    assert all(counts[kind] >= 8 for kind in ("embeddings", "files", "models", "completions", "chat"))


class TestRows:
    def test_pairs_and_chat(self, tmp_path):
        path = tmp_path / "rows.jsonl"
        path.write_bytes(lines(PAIRS))
        examples = tuning_rows.read(path)
        assert [(e.prompt, e.label) for e in examples] == [(r["prompt"], r["completion"]) for r in PAIRS]
        chat = [
            {"role": "system", "content": "Judge."},
            {"role": "user", "content": "Good tea"},
            {"role": "assistant", "content": "positive"},
        ]
        path.write_bytes(lines([{"messages": chat}]))
        (example,) = tuning_rows.read(path, fewest=1)
        assert example.label == "positive"
        assert example.prompt == classifier_layout.prompt_of_messages(chat[:2])

    def test_limits_of_the_whole_file(self, tmp_path, monkeypatch):
        path = tmp_path / "rows.jsonl"
        path.write_bytes(lines(PAIRS))
        for name, says in (("TOKENS_PER_FILE", "tokens"), ("MOST", "examples")):
            with monkeypatch.context() as patch:
                patch.setattr(tuning_rows, name, 11)
                with pytest.raises(tuning_rows.InvalidFile, match=says):
                    tuning_rows.read(path)

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            tuning_rows.read(tmp_path / "none")
        assert issubclass(classifier_layout.TuningError, Exception)
        assert not issubclass(tuning_rows.InvalidFile, DataError)
