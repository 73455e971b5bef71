"""A fine-tuning job from the outside: follow it, read its results, ask its model, clean up behind it.

Everything here is made of the ordinary calls of OpenAI's API (`fine_tuning.jobs`, `files`, `completions`,
`chat.completions`, `models`), so it works at any host that has them. Uploading a file and creating a job are
one call each, and left to the caller.
Left out: checking the training file (`helpers.prepare`), figures (`plots.tuning`), text that is no class.
"""

import base64
import binascii
import io
import math
import re
import time
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from helpers.errors import DataError, HostError

if TYPE_CHECKING:
    import openai
    from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent

ENDED = ("succeeded", "failed", "cancelled")
LONGEST_PAUSE = 10.0  # seconds between two looks at a job in which nothing happens
MOST_LOGPROBS = 5  # alternatives per token that `completions` report (openai 3.54, `completions.create`)
MOST_CHAT_LOGPROBS = 20  # and `chat.completions`
PROMPTS_PER_REQUEST = 20
WORKERS = 4
IDS = (
    (re.compile(r"\b(ftjob|file|ftevent|ftckpt)-[\w-]+"), r"\1-…"),
    (re.compile(r"\b(ft:[^:\s]+:[^:\s]*:[^:\s]*):[\w-]+"), r"\1:…"),
)

Answers = MutableMapping[tuple[str, bool, str | None, str], dict[str, float]]
"""What is known already: (model, chat, system, prompt) to the log-probabilities of the first tokens."""

# ----------------------------------------------------------------------------- following a job


def follow(
    client: "openai.OpenAI", job_id: str, *, pause: float = 0.1, timeout: float = 3600
) -> Iterator["FineTuningJobEvent"]:
    """The events of a job, each once, the oldest first, as they happen; ends when the job has ended.

    Asks every `pause` seconds, less and less often (up to LONGEST_PAUSE) while nothing happens. A job that
    has ended gives all its events at once. Leaving the loop leaves the job alone: it goes on at the host.
    A connection that is lost on the way is waited for, one that is not there at the start is not.
    Raises HostError when there is no such job, or after `timeout` seconds without its end.
    """
    import openai

    seen: set[str] = set()
    give_up, wait_for, looks_at_end, ended = time.monotonic() + timeout, pause, 0, False
    while looks_at_end < 2:  # a last event may be listed a moment after the status has changed
        new = []
        try:
            ended = _retrieve(client, job_id).status in ENDED
            new = _new_events(client, job_id, seen)
        except openai.APIConnectionError:
            if not seen or time.monotonic() > give_up:
                raise
            ended = False
        yield from new
        looks_at_end = looks_at_end + 1 if ended and not new else int(ended)
        if looks_at_end < 2:
            wait_for = pause if new or ended else min(wait_for * 1.5, LONGEST_PAUSE)
            if time.monotonic() + wait_for > give_up and not ended:
                raise HostError(
                    f"The job has not ended after {timeout:g} seconds. It goes on at the host: follow it "
                    "again, or cancel it with client.fine_tuning.jobs.cancel."
                )
            time.sleep(wait_for)


def _retrieve(client: "openai.OpenAI", job_id: str) -> "FineTuningJob":
    import openai

    try:
        return client.fine_tuning.jobs.retrieve(job_id)
    except openai.NotFoundError as error:
        raise HostError(
            "The host knows no fine-tuning job of this id. Was it created at this host?"
        ) from error


def _new_events(client: "openai.OpenAI", job_id: str, seen: set[str]) -> list["FineTuningJobEvent"]:
    """Events not in `seen`, oldest first; `seen` then has them. Pages from the newest to the first known."""
    new: dict[str, FineTuningJobEvent] = {}
    for event in client.fine_tuning.jobs.list_events(job_id, limit=100):
        if event.id in seen:
            break
        new[event.id] = event
    seen.update(new)  # only now: a connection may be lost between two pages
    return list(new.values())[::-1]


def wait(
    client: "openai.OpenAI", job_id: str, *, pause: float = 0.1, timeout: float = 3600
) -> "FineTuningJob":
    """The job, when it has succeeded.

    Raises HostError as `follow` does, and when the job failed or was cancelled, with the host's reason.
    """
    for _ in follow(client, job_id, pause=pause, timeout=timeout):
        pass
    job = _retrieve(client, job_id)
    if job.status != "succeeded":
        raise HostError(f"The fine-tuning job has {_told_end(job)}")
    return job


def _told_end(job: "FineTuningJob") -> str:
    if job.status == "cancelled":
        return "been cancelled."
    reason = (job.error and job.error.message) or "the host gives no reason"
    return f"failed: {without_ids(reason).rstrip('.')}."


def without_ids(text: str) -> str:
    """`text` with `…` in place of the ids of jobs, files and models, which are other ones in each run.

    >>> without_ids("Created fine-tuning job: ftjob-a1B2")
    'Created fine-tuning job: ftjob-…'
    """
    for pattern, put in IDS:
        text = pattern.sub(put, text)
    return text


# ----------------------------------------------------------------------------- reading its results


def results(client: "openai.OpenAI", job: "FineTuningJob | str") -> pd.DataFrame:
    """The job's result file: one row per step, columns as the host names them (`step`, `train_loss`, ...).

    Some hosts send the file as it is and some encoded in base64; both are read. What was not measured at a
    step is NaN. Raises HostError when the job has no result file yet, or it is no such table.
    """
    job = _retrieve(client, job) if isinstance(job, str) else job
    if not job.result_files:
        raise HostError(f"The job has no result file: its status is {job.status!r}.")
    return read_results(client.files.content(job.result_files[0]).read())


def read_results(content: bytes) -> pd.DataFrame:
    """As `results`, from the bytes of the file."""
    heading = content.removeprefix(b"\xef\xbb\xbf").lstrip(b"\"' ")
    plain = content if heading.startswith(b"step") else _from_base64(content)
    try:
        table = pd.read_csv(io.BytesIO(plain), encoding="utf-8-sig")
    except (ValueError, pd.errors.ParserError) as error:
        raise HostError("The result file is no table of numbers with a heading.") from error
    if "step" not in table:
        raise HostError(f"The result file has no column 'step', only {', '.join(map(str, table.columns))}.")
    return table


def _from_base64(content: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(content.split()), validate=True)
    except binascii.Error as error:
        raise HostError("The result file is neither a table nor one encoded in base64.") from error


class Checkpoint(NamedTuple):
    """A state of the model that the host has kept, and what it measured there (None: not measured)."""

    step: int
    model: str
    train_loss: float | None
    valid_loss: float | None  # over the whole validation file where the host says so
    valid_accuracy: float | None


def checkpoints(client: "openai.OpenAI", job_id: str) -> list[Checkpoint]:
    """The checkpoints of a job, the earliest first."""
    found = []
    for one in client.fine_tuning.jobs.checkpoints.list(job_id):
        said = one.metrics
        loss, accuracy = said.full_valid_loss, said.full_valid_mean_token_accuracy
        if loss is None:
            loss, accuracy = said.valid_loss, said.valid_mean_token_accuracy
        name = one.fine_tuned_model_checkpoint
        found.append(Checkpoint(one.step_number, name, said.train_loss, loss, accuracy))
    return sorted(found)


# ----------------------------------------------------------------------------- asking its model


def classify(
    client: "openai.OpenAI",
    model: str,
    prompts: Iterable[str],
    labels: Sequence[str],
    *,
    chat: bool = False,
    system: str | None = None,
    answers: Answers | None = None,
    workers: int = WORKERS,
) -> pd.DataFrame:
    """The class of each prompt, read from the first token of the answer: a row per prompt, in their order.

    `labels`: the completions as they were trained (" positive"); for `chat` (prompts are sent as a user's
    message, after `system` if that is given) without the space. A reported token counts for the label
    that begins with it. Columns: "label", the likeliest; "probability", of that label; then one per label,
    scaled to sum to 1; "on labels", the probability that lay on the labels before scaling: a low one says
    that the model wants to say something else. A label beyond the reported alternatives gets 0, so as many
    are asked for as the API allows.

    Plain completions go PROMPTS_PER_REQUEST at a time (one by one where the host takes no lists), `workers`
    requests at once. `answers` keeps what has come in: pass the same dict again after an interruption, and
    only the rest is asked. Raises DataError when labels cannot be told apart by their first letters, or
    HostError when the host sends no log-probabilities, or none on any label.
    """
    prompts, answers = list(prompts), {} if answers is None else answers
    _check_labels(labels)
    asked = [text for text in dict.fromkeys(prompts) if (model, chat, system, text) not in answers]
    size = 1 if chat else PROMPTS_PER_REQUEST
    batches = [asked[start : start + size] for start in range(0, len(asked), size)]

    def ask(batch: list[str]) -> None:
        tops = [_chat(client, model, batch[0], system)] if chat else _complete(client, model, batch)
        known = {(model, chat, system, text): top for text, top in zip(batch, tops, strict=True)}
        answers.update(known)

    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        for _ in pool.map(ask, batches):  # raises what a request raised
            pass
    rows = [_row(answers[model, chat, system, text], labels) for text in prompts]
    return pd.DataFrame(rows, columns=["label", "probability", *labels, "on labels"])


def _check_labels(labels: Sequence[str]) -> None:
    if (
        len(labels) < 2
        or len(set(labels)) < len(labels)
        or not all(isinstance(name, str) and name.strip() for name in labels)
    ):
        raise DataError("classify needs two or more labels, all different, each with something in it.")
    for one in labels:
        for other in labels:
            if one is not other and other.startswith(one):
                raise DataError(
                    f"The label {one!r} is the beginning of {other!r}: a first token cannot tell them apart."
                )


def _complete(client: "openai.OpenAI", model: str, batch: list[str]) -> list[dict[str, float]]:
    """Log-probabilities of the first token after each prompt."""
    import openai

    asked: dict[str, Any] = {"model": model, "max_tokens": 1, "temperature": 0}
    asked["logprobs"] = MOST_LOGPROBS
    try:
        choices = client.completions.create(prompt=batch if len(batch) > 1 else batch[0], **asked).choices
    except (openai.BadRequestError, openai.UnprocessableEntityError):
        if len(batch) == 1:
            raise
        return [top for text in batch for top in _complete(client, model, [text])]  # no lists there
    if len(choices) != len(batch):
        raise HostError(f"The host gave {len(choices)} answers to {len(batch)} prompts.")
    tops = []
    for choice in sorted(choices, key=lambda choice: choice.index):
        said = choice.logprobs
        if said is None or not said.top_logprobs:
            raise HostError("The host sends no log-probabilities, so there are no probabilities of classes.")
        tops.append(dict(said.top_logprobs[0]))
    return tops


def _chat(client: "openai.OpenAI", model: str, prompt: str, system: str | None) -> dict[str, float]:
    """As `_complete`, of a chat model's answer to one message."""
    messages: list[Any] = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": prompt})
    asked: dict[str, Any] = {"max_tokens": 1, "temperature": 0, "logprobs": True}
    asked["top_logprobs"] = MOST_CHAT_LOGPROBS
    said = client.chat.completions.create(model=model, messages=messages, **asked).choices[0].logprobs
    if said is None or not said.content:
        raise HostError("The host sends no log-probabilities, so there are no probabilities of classes.")
    return {top.token: top.logprob for top in said.content[0].top_logprobs}


def _row(top: dict[str, float], labels: Sequence[str]) -> list[Any]:
    of_label = dict.fromkeys(labels, 0.0)
    for token, logprob in top.items():
        owners = [label for label in labels if token.strip() and label.startswith(token)]
        if len(owners) == 1:  # a token that begins two labels tells nothing
            of_label[owners[0]] += math.exp(logprob)
    total = sum(of_label.values())
    if total == 0:
        raise HostError(
            f"The model's likeliest first tokens ({', '.join(map(repr, top))}) begin none of the labels or "
            "several. Are the labels written as in training, and does the prompt end with the separator?"
        )
    likeliest = max(labels, key=of_label.__getitem__)  # the first of equals
    shares = [of_label[label] / total for label in labels]
    return [likeliest, of_label[likeliest] / total, *shares, min(total, 1.0)]


# ----------------------------------------------------------------------------- cleaning up


def clean_up(
    client: "openai.OpenAI",
    *,
    jobs: Iterable[str] = (),
    models: Iterable[str] = (),
    files: Iterable[str] = (),
) -> pd.DataFrame:
    """Cancel jobs that still run; delete what jobs have made (models, checkpoints, result files), and more.

    `models`, `files`: what else is to go, such as training files. Gives a row for each thing, in order: kind,
    id, result. What is no longer there counts as done ("was gone"), so it can be called twice; where a host
    refuses, the row says so and the rest is cleaned all the same. The records of jobs stay: the API has no
    call to delete them.
    """
    jobs = list(jobs)
    found = [_made_by(client, one) for one in jobs]
    models = [name for made in found for name in made[0]] + list(models)
    files = [name for made in found for name in made[1]] + list(files)
    running = [one for one, made in zip(jobs, found) if made[2]]
    steps = (
        ("job", running, client.fine_tuning.jobs.cancel, "cancelled"),
        ("model", models, client.models.delete, "deleted"),
        ("file", files, client.files.delete, "deleted"),
    )
    done = [
        (kind, one, _tried(call, one, word)) for kind, ids, call, word in steps for one in dict.fromkeys(ids)
    ]
    return pd.DataFrame(done, columns=["kind", "id", "result"])


def _made_by(client: "openai.OpenAI", job_id: str) -> tuple[list[str], list[str], bool]:
    """The models and files of a job, and whether it still runs. Nothing of a job that is not there."""
    import openai

    try:
        job = client.fine_tuning.jobs.retrieve(job_id)
        models = [one.model for one in checkpoints(client, job_id)]
    except openai.NotFoundError:
        return [], [], False
    return [*filter(None, [job.fine_tuned_model]), *models], list(job.result_files), job.status not in ENDED


def _tried(call: Callable[[str], Any], one: str, word: str) -> str:
    import openai

    try:
        call(one)
    except openai.NotFoundError:
        return "was gone"
    except openai.APIStatusError as error:
        return f"refused (status {error.status_code})"
    return word
