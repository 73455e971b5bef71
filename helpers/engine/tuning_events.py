"""A job's state and its log: what the API and the training thread write, and how a step is told.

Events follow OpenAI's order: created; validating the files; files validated; started; steps; checkpoints; the
new model; completed. A step is told as a "metrics" event at every hundredth part of the training and at the
end of every epoch, the first and the last step included; every step is a line of the result file.
"""

import csv
import io
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from helpers.engine.store import Object, Transaction, new_id, now

if TYPE_CHECKING:
    from helpers.engine.classifier import Step

JOB = "job"  # kinds of the store's objects
EVENT = "event"

UNFINISHED = ("validating_files", "queued", "running")
RESULT_COLUMNS = ("step", "train_loss", "train_accuracy", "valid_loss", "valid_mean_token_accuracy")
PARTS = 100  # of a training, each told at least once


def event(message: str, *, level: str = "info", data: dict[str, Any] | None = None) -> Object:
    """An event: a message, or the metrics of a step when it has data."""
    return {
        "object": "fine_tuning.job.event",
        "id": new_id("ftevent-"),
        "created_at": now(),
        "level": level,
        "message": message,
        "data": data,
        "type": "message" if data is None else "metrics",
    }


def add_event(transaction: Transaction, job: str, message: str, *, level: str = "info") -> None:
    """Write down what happened to a job."""
    transaction.add(EVENT, event(message, level=level), parent=job)


def finish(job: Object, status: str, *, error: dict[str, Any] | None = None) -> None:
    """The end of a job, in place."""
    job |= {
        "status": status, "error": error, "finished_at": now(), "estimated_finish": None, "_paused": False,
    }  # fmt: skip


def is_told(step: "Step") -> bool:
    """Whether a step becomes an event."""
    part, before = (number * PARTS // step.total_steps for number in (step.step, step.step - 1))
    return step.step == 1 or part > before or step.epoch_ended is not None


def step_event(step: "Step") -> Object:
    """A step's event."""
    message = f"Step {step.step}/{step.total_steps}: training loss={step.train_loss:.2f}"
    if step.valid_loss is not None:
        message += f", validation loss={step.valid_loss:.2f}"
    if step.full_valid_loss is not None:
        message += f", full validation loss={step.full_valid_loss:.2f}"
    return event(message, data=metrics(step) | {"total_steps": step.total_steps})


def metrics(step: "Step") -> dict[str, Any]:
    """What is known of a step, under the API's names; those that were not measured are left out."""
    values = {
        "step": step.step,
        "train_loss": step.train_loss,
        "train_mean_token_accuracy": step.train_accuracy,
        "valid_loss": step.valid_loss,
        "valid_mean_token_accuracy": step.valid_accuracy,
        "full_valid_loss": step.full_valid_loss,
        "full_valid_mean_token_accuracy": step.full_valid_accuracy,
    }
    rounded = {name: _rounded(value) for name, value in values.items()}
    return {name: value for name, value in rounded.items() if value is not None}


def results(steps: Iterable["Step"]) -> bytes:
    """The result file: CSV, a line a step, empty where nothing was measured."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(RESULT_COLUMNS)
    for step in steps:
        measured = (step.train_loss, step.train_accuracy, step.valid_loss, step.valid_accuracy)
        writer.writerow([step.step, *map(_rounded, measured)])
    return text.getvalue().encode("utf-8")


def _rounded(value: float | None) -> float | int | None:
    """Five decimals; None for what JSON has no number for."""
    if value is None or not math.isfinite(value):
        return None
    return value if isinstance(value, int) else round(float(value), 5)
