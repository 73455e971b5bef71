"""Training in the background: a thread for each unfinished job of this process, one training at a time.

A thread reads the files, waits for its turn, trains, and publishes everything that came of it (model,
checkpoints, result file, last events, the job's success) in one transaction; until then nobody sees any of
it. Between two steps it looks, ten times a second, whether the job was cancelled or paused, and writes down,
four times a second, what happened. The threads are daemons: when the interpreter ends, they end, their locks
are free, and the next reader of the job finds that out (`tuning`). The last three epochs' models are kept as
checkpoints, as OpenAI's guide to fine-tuning says of its own.
"""

import collections
import dataclasses
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import filelock

from helpers.engine import files, tuning_rows
from helpers.engine.registry import CHECKPOINT, KIND, OWNER
from helpers.engine.store import Object, Store, Transaction, new_id, now
from helpers.engine.tuning_events import (
    EVENT,
    JOB,
    UNFINISHED,
    add_event,
    event,
    finish,
    is_told,
    metrics,
    results,
    step_event,
)  # fmt: skip
from helpers.files import atomic_path

if TYPE_CHECKING:
    from helpers.engine.classifier import Classifier
    from helpers.engine.classifier_training import Example, Step, Training

LOOK_EVERY = 0.08  # seconds, while training, whether to stop or to pause
WRITE_EVERY = 0.25  # seconds, while training: a change takes 1 to 20 ms
CHECKPOINTS = 3
RESULTS_NAME = "step_metrics.csv"

log = logging.getLogger(__name__)


class _Line:
    """The unfinished jobs of this process, in the order in which they may train; not the paused ones."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[str] = []
        self.own: set[str] = set()

    def join(self, id: str) -> None:
        with self._changed:
            if id not in self._waiting:
                self._waiting.append(id)

    def leave(self, id: str) -> None:
        with self._changed:
            if id in self._waiting:  # else nothing changes: paused jobs would wake one another without end
                self._waiting.remove(id)
                self._changed.notify_all()

    def is_first(self, id: str, seconds: float) -> bool:
        """Whether it is this job's turn, now or within so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._waiting[0] == id, seconds)

    def sleep(self, seconds: float) -> None:
        """Until something changes, or so many seconds."""
        with self._changed:
            self._changed.wait(seconds)

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


_LINE = _Line()
wake = _LINE.wake


class Stopped(Exception):
    """The job was cancelled, or is not there any more."""


class Failed(Exception):
    """The job cannot be done."""

    def __init__(self, code: str, message: str, param: str | None = None):
        super().__init__(message)
        self.error = {"code": code, "message": message, "param": param}


def unfinished() -> int:
    """How many jobs of this process have not finished."""
    return len(_LINE.own)


def is_own(id: str) -> bool:
    """Whether a thread of this process has the job."""
    return id in _LINE.own


def start(store: Store, id: str, lock: filelock.BaseFileLock, release: Callable[[Any], None]) -> None:
    """Begin with a job that is in the store, and whose lock is held; `release` gives the lock back."""
    _LINE.own.add(id)
    _LINE.join(id)  # in the order of their creation

    def run() -> None:
        try:
            _run(store, id)
        finally:
            end()

    def end() -> None:
        _LINE.leave(id)
        release(lock)
        _LINE.own.discard(id)

    try:
        threading.Thread(target=run, name=f"fine-tuning-{id}", daemon=True).start()
    except RuntimeError:  # no more threads: the next reader finds the job dead
        end()
        raise


def _run(store: Store, id: str) -> None:
    """The whole of a job, from its files to its end, whichever it is."""
    try:
        try:
            _Run(store, id).go()
        except Failed as error:
            _fail(store, id, error.error)
        except Stopped:
            pass
        except Exception as error:
            log.exception("The embedded engine failed to train %s", id)
            what = f"The embedded engine failed to train ({type(error).__name__}): a bug of the workbook."
            _fail(store, id, {"code": "server_error", "message": what, "param": None})
    except Exception:  # the store itself: the next reader of the job finds its lock free
        log.exception("The embedded engine cannot write down how %s ended", id)


def _fail(store: Store, id: str, error: dict[str, Any]) -> None:
    with store.writing() as transaction:
        job = transaction.get(JOB, id)
        if job and job["status"] in UNFINISHED:
            finish(job, "failed", error=error)
            transaction.replace(JOB, job)
            add_event(transaction, id, f"The job failed: {error['message']}", level="error")


class _Run:
    """A job on its way. Each method raises Stopped when it finds that the job was cancelled."""

    def __init__(self, store: Store, id: str):
        self._store, self._id = store, id
        self._steps: list[Step] = []
        self._events: list[Object] = []  # not yet written down
        self._epochs: collections.deque[tuple[Step, Classifier]] = collections.deque(maxlen=CHECKPOINTS)
        self._began = self._looked = self._wrote = 0.0

    def go(self) -> None:
        job = self._look()
        examples = self._examples(job, "training_file")
        validation = self._examples(job, "validation_file") if job["validation_file"] else []
        self._tell("Files validated, moving job to queued state", status="queued")
        self._wait_for_turn()
        training = self._training(job, examples, validation)
        self._train(training)
        self._publish(training)

    # ------------------------------------------------------------------------- before the training

    def _examples(self, job: Object, param: str) -> list["Example"]:
        what = "training" if param == "training_file" else "validation"
        self._tell(f"Validating {what} file: {job[param]}")
        with self._store.reading() as transaction:
            blob = transaction.blob(files.KIND, job[param])
        try:
            if blob is None:
                raise FileNotFoundError
            fewest = tuning_rows.FEWEST if param == "training_file" else 1
            return tuning_rows.read(self._store.blob_path(blob), fewest=fewest)
        except FileNotFoundError:
            raise Failed("file_not_found", f"The file {job[param]} has been deleted.", param) from None
        except tuning_rows.InvalidFile as error:
            raise Failed(f"invalid_{param}", f"The {what} file cannot be used. {error}", param) from None

    def _wait_for_turn(self) -> None:
        """Until no other job of this process trains and this one is not paused."""
        while True:
            while self._look()["_paused"]:
                _LINE.leave(self._id)
                _LINE.sleep(LOOK_EVERY)
            _LINE.join(self._id)
            while not _LINE.is_first(self._id, seconds=1):
                self._look()
            if not self._look()["_paused"]:
                return

    def _training(self, job: Object, examples: list["Example"], validation: list["Example"]) -> "Training":
        from helpers.engine.classifier_layout import TuningError
        from helpers.engine.classifier_training import Training, choose

        chosen = choose(job["hyperparameters"], len(examples))
        used = dataclasses.asdict(chosen)
        method = {"type": "supervised", "supervised": {"hyperparameters": used}}
        self._tell("Fine-tuning job started", status="running", hyperparameters=used, method=method)
        try:
            return Training(examples, validation, chosen, job["seed"])
        except TuningError as error:
            raise Failed(f"invalid_{error.param}", str(error), error.param) from None

    # ------------------------------------------------------------------------- the training

    def _train(self, training: "Training") -> None:
        self._began = self._looked = time.monotonic()
        for step in training:
            self._steps.append(step)
            if is_told(step):
                self._events.append(step_event(step))
            if step.epoch_ended is not None:
                self._epochs.append((step, training.model()))
            if time.monotonic() - self._looked > LOOK_EVERY:
                self._heed(step)
                self._looked = time.monotonic()
        if training.stopped_early_at:
            what = "the validation loss has not fallen for some epochs; the model is that of the best one"
            self._events.append(event(f"Stopped early at step {training.stopped_early_at}: {what}"))
        self._wrote = 0.0
        self._heed(step)

    def _heed(self, step: "Step") -> None:
        """Rest if the job is paused, and now and then write down what is new."""
        if self._look()["_paused"]:
            paused = time.monotonic()
            self._update(status="queued", estimated_finish=None)
            self._wait_for_turn()
            self._update(status="running")
            self._began += time.monotonic() - paused
        if time.monotonic() - self._wrote > WRITE_EVERY:
            left = (time.monotonic() - self._began) / step.step * (step.total_steps - step.step)
            self._update(estimated_finish=now() + round(left))
            self._wrote = time.monotonic()

    def _publish(self, training: "Training") -> None:
        with self._store.new_blobs() as new_blob:
            model = self._saved(training.model(), new_blob())
            epochs = [(step, self._saved(each, new_blob())) for step, each in self._epochs]
            written = self._written(results(self._steps), new_blob())
            with self._store.writing() as transaction:
                job = self._unfinished(transaction)
                self._write_events(transaction)
                suffix = job["_suffix"]
                name = f"ft:{job['model']}:{OWNER}:{suffix}:{new_id('', 8)}"
                for step, blob in epochs:
                    self._add_checkpoint(transaction, name, step, blob)
                self._add_model(transaction, name, model)
                add_event(transaction, self._id, f"New fine-tuned model created: {name}")
                add_event(transaction, self._id, "The job has successfully completed")
                finish(job, "succeeded")
                found = files.add(transaction, self._store, written, RESULTS_NAME, "fine-tune-results")
                job |= {
                    "fine_tuned_model": name,
                    "result_files": [found["id"]],
                    "trained_tokens": training.trained_tokens,
                }
                transaction.replace(JOB, job)

    def _add_checkpoint(self, transaction: Transaction, model: str, step: "Step", blob: str) -> None:
        name = f"{model}:ckpt-step-{step.step}"
        checkpoint = {
            "id": new_id("ftckpt_"),
            "object": "fine_tuning.job.checkpoint",
            "created_at": now(),
            "fine_tuned_model_checkpoint": name,
            "fine_tuning_job_id": self._id,
            "metrics": metrics(step),
            "step_number": step.step,
        }
        transaction.add(CHECKPOINT, checkpoint, parent=self._id)
        self._add_model(transaction, name, blob, _checkpoint=checkpoint["id"])
        add_event(transaction, self._id, f"Checkpoint created at step {step.step}: {name}")

    def _add_model(self, transaction: Transaction, name: str, blob: str, **private: str) -> None:
        new = {"id": name, "object": "model", "created": now(), "owned_by": OWNER}
        transaction.add(KIND, new | private, blob=blob)

    def _saved(self, model: "Classifier", blob: str) -> str:
        model.save(self._store.blob_path(blob))
        return blob

    def _written(self, content: bytes, blob: str) -> str:
        with atomic_path(self._store.blob_path(blob)) as path:
            path.write_bytes(content)
        return blob

    # ------------------------------------------------------------------------- the stored job

    def _look(self) -> Object:
        with self._store.reading() as transaction:
            return self._unfinished(transaction)

    def _tell(self, message: str, **changes: Any) -> None:
        self._events.append(event(message))
        self._update(**changes)

    def _update(self, **changes: Any) -> Object:
        """Change the job and write down its new events."""
        with self._store.writing() as transaction:
            job = self._unfinished(transaction)
            self._write_events(transaction)
            job |= changes
            transaction.replace(JOB, job)
        self._events.clear()
        return job

    def _write_events(self, transaction: Transaction) -> None:
        for each in self._events:
            transaction.add(EVENT, each, parent=self._id)

    def _unfinished(self, transaction: Transaction) -> Object:
        job = transaction.get(JOB, self._id)
        if job is None or job["status"] not in UNFINISHED:
            raise Stopped
        return job
