"""Ways to answer that call a model: fine-tuning a small one through the API, and prompting a chat model.

`fine_tune` is lesson 09's path in one call: upload, job, wait. `FineTuned` and `prompted` make ways of
`comparison` of it and of a chat model. The engine's matrices are small: it computes on one thread here.
Training files are deleted at once, models by `delete`.
Left out: events, checkpoints and result files (lesson 09), and prompts that were tuned to a task.
"""

import hashlib
import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from helpers import embeddings, tokens, tuning
from helpers.comparison.measuring import Answers, nested_order, said
from helpers.comparison.tasks import Task
from helpers.comparison.ways import ONE_THREAD, Way
from helpers.errors import HostError

if TYPE_CHECKING:
    import openai
    from openai.types.fine_tuning import FineTuningJob

Row = dict[str, str]
WORD = re.compile(r"[^\W_]+")
NEGATIONS = {"not", "no", "isn", "doesn", "neither", "nor", "cannot", "never"}
PAUSE, LONGEST_PAUSE = 0.05, 5.0  # seconds between two looks at a job

# ----------------------------------------------------------------------------- fine-tuning


def training_rows(task: Task, positions: np.ndarray) -> list[Row]:
    """The rows of a training file, prompt and completion, for rows of a task."""
    pairs = zip(task.prompts(positions), task.labels[positions], strict=True)
    return [{"prompt": prompt, "completion": f" {label}"} for prompt, label in pairs]


@ONE_THREAD
def fine_tune(
    client: "openai.OpenAI",
    base: str,
    rows: Iterable[Row],
    *,
    seed: int = 0,
    rate: float | None = None,
    suffix: str = "lesson-10",
) -> "FineTuningJob":
    """Upload `rows`, train `base` on them, wait; returns the finished job (its model: `fine_tuned_model`).

    `rate`: the learning-rate multiplier; without it the host chooses all hyperparameters. The uploaded file
    is deleted again. Raises HostError with the host's reason when the job fails.
    """
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    file = client.files.create(file=(f"{suffix}.jsonl", lines.encode("utf-8")), purpose="fine-tune")
    try:
        chosen = {} if rate is None else {"hyperparameters": {"learning_rate_multiplier": rate}}
        job = client.fine_tuning.jobs.create(
            model=base,
            training_file=file.id,
            seed=seed,
            suffix=suffix,
            method={"type": "supervised", "supervised": chosen},
        )
        return _ended(client, job.id)
    finally:
        tuning.clean_up(client, files=[file.id])


def _ended(client: "openai.OpenAI", job_id: str) -> "FineTuningJob":
    """The job when it has succeeded. Reads no events, unlike `tuning.wait`: here are many short jobs."""
    pause = PAUSE
    while (job := client.fine_tuning.jobs.retrieve(job_id)).status not in tuning.ENDED:
        time.sleep(pause)
        pause = min(1.2 * pause, LONGEST_PAUSE)
    return job if job.status == "succeeded" else tuning.wait(client, job_id)  # which says what happened


class FineTuned:
    """A way of `comparison`: a job for each set of training rows. Its models stay until `delete`.

    The same rows are not trained on twice: their model is there. The probabilities are those of the first
    token of the answer (`tuning.classify`), scaled to sum to 1.
    """

    def __init__(self, client: "openai.OpenAI", base: str, seed: int = 0):
        self.client, self.base, self.seed = client, base, seed
        self._jobs: dict[str, FineTuningJob] = {}
        self._deleted = False

    def job(self, task: Task, train: np.ndarray) -> "FineTuningJob":
        """The finished job for these training rows, run now if it was not yet. HostError after `close`."""
        if self._deleted:
            raise HostError("Its models were deleted. Run the cells from the comparison on once more.")
        rows = training_rows(task, train)
        key = hashlib.sha256(repr(rows).encode("utf-8")).hexdigest()
        if key not in self._jobs:
            self._jobs[key] = fine_tune(self.client, self.base, rows, seed=self.seed)
        return self._jobs[key]

    def __call__(self, task: Task, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        """The probabilities of `task.classes` for the rows `test`, (n_test, k)."""
        return class_probabilities(self.client, self.job(task, train).fine_tuned_model, task, test)

    def delete(self) -> None:
        """Delete at the host what is left of all jobs; more can be trained after that."""
        delete(self.client, *self._jobs.values())
        self._jobs.clear()

    def close(self) -> None:
        """`delete`, and train no more: who asks then, as a widget may, is told so."""
        self.delete()
        self._deleted = True


@ONE_THREAD
def class_probabilities(client: "openai.OpenAI", model: str, task: Task, positions: np.ndarray) -> np.ndarray:
    """What a fine-tuned model says about rows of a task: the probability of each class, (n, k)."""
    labels = [f" {name}" for name in task.classes]
    return tuning.classify(client, model, task.prompts(positions), labels)[labels].to_numpy()


def delete(client: "openai.OpenAI", *jobs: "FineTuningJob") -> None:
    """Delete what finished jobs have left at the host: their models, checkpoints and result files."""
    for job in jobs:
        models = [one.model for one in tuning.checkpoints(client, job.id)]
        models = [*dict.fromkeys([*models, job.fine_tuned_model])]
        tuning.clean_up(client, models=models, files=job.result_files)


@ONE_THREAD
def vectors_of(client: "openai.OpenAI", model: str, texts: Sequence[str]) -> np.ndarray:
    """The vectors of texts from a model of the embedded engine: float64 (n, d), unit length.

    That a fine-tuned model gives vectors, those of its trained tokens, is the engine's own addition.
    """
    return embeddings.embed(list(texts), client, model).astype(np.float64)


# ----------------------------------------------------------------------------- prompting


def messages(
    question: str, classes: Sequence[str], text: str, examples: Sequence[tuple[str, str]] = ()
) -> list[dict[str, str]]:
    """A chat that asks for the class of `text`: the task, solved `examples` (text, class), and the text."""
    names = ", ".join(classes[:-1]) + f" or {classes[-1]}"
    task = f"{question} Answer with {names}, and write nothing else."
    chat = [{"role": "system", "content": task}]
    for shown, label in examples:
        chat += [{"role": "user", "content": shown}, {"role": "assistant", "content": label}]
    return [*chat, {"role": "user", "content": text}]


def class_named(answer: str | None, classes: Sequence[str]) -> str | None:
    """The one class that a model's answer names, whatever stands around it; None if none or several.

    Case, punctuation and line ends do not matter; a class must stand there as whole words. "not positive"
    names a class and means another: an answer with a negation in it names none. A class that is itself a
    negation ("no") counts only as the first word; "No, it is not" says no, "There is no doubt" does not.
    """
    said = _plain(answer or "")
    negations = NEGATIONS.intersection(said.split())
    named = [name for name in classes if _plain(name) in said]
    if len(named) != 1:
        return None
    clear = said.startswith(_plain(named[0])) if named[0].lower() in NEGATIONS else not negations
    return named[0] if clear else None


def _plain(text: str) -> str:
    """Its words in lower case, a space before and after each."""
    return f" {' '.join(WORD.findall(text.lower()))} "


def prompted(client: "openai.OpenAI", model: str, shots: int = 6) -> Way:
    """A way of `comparison`: a chat model that is told the task and shown `shots` training rows.

    Probabilities are 1 for the class that it names; a row of zeros is an answer that names none. No setting
    of randomness or length is sent, as some models refuse them, so another run may get other answers.
    Raises HostError when the host refuses.
    """

    def way(task: Task, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        shown = train[nested_order(task.labels[train], 0)][:shots]
        examples = [(task.texts[i], task.labels[i]) for i in shown]
        result = np.zeros((len(test), len(task.classes)))
        for row, position in enumerate(test):
            chat = messages(task.question, list(task.classes), task.texts[position], examples)
            name = class_named(_answer(client, model, chat), list(task.classes))
            if name is not None:
                result[row, list(task.classes).index(name)] = 1
        return result

    return way


def prompting_trial(
    client: "openai.OpenAI",
    model: str | None,
    tasks: Mapping[str, Task],
    given: Mapping[str, Answers],
    most: int = 40,
) -> Iterator[str]:
    """Lines to print: on the first split's test rows, at most `most`, what share each way gets right.

    `given`: what the other ways said (`comparison.answers`). Without a chat model one line says so. A task
    whose calls fail gets the reason.
    """
    if model is None:
        yield "This host has no chat model (WORKBOOK_CHAT_MODEL names one), so prompting is not measured."
        return
    for name, task in tasks.items():
        train, test = task.parts[0]
        chosen = np.sort(np.random.default_rng(0).permutation(len(test))[:most])
        truth = task.labels[test][chosen]
        try:
            prompting = prompted(client, model)(task, train, test[chosen])
        except HostError as error:
            yield f"{name}: not measured. {error}"
            continue
        shares = {"prompting": prompting} | {way: found[0][chosen] for way, found in given[name].items()}
        parts = [f"{way} {(said(task, p) == truth).mean():.2f}" for way, p in shares.items()]
        unread = int((prompting.sum(axis=1) == 0).sum())
        yield f"{name}, accuracy on {len(chosen)} rows: {', '.join(parts)}; {unread} answers named no class."


def prompt_sizes(task: Task, model: str, shots: int = 6) -> tuple[int, int, int]:
    """Tokens of a training file of the first split; of a prompt with `shots` examples, and of the bare text.

    The last two are means over the test rows, rounded. Counted are the contents, without the few tokens that
    a host puts around each message.
    """
    train, test = task.parts[0]
    classes = list(task.classes)
    rows = [row["prompt"] + row["completion"] for row in training_rows(task, train)]
    shown = train[nested_order(task.labels[train], 0)][:shots]
    examples = [(task.texts[i], task.labels[i]) for i in shown]
    frame = [message["content"] for message in messages(task.question, classes, "", examples)[:-1]]
    bare = float(tokens.count(list(task.texts[test]), model).mean())
    return (
        int(tokens.count(rows, model).sum()),
        round(bare + float(tokens.count(frame, model).sum())),
        round(bare),
    )


def _answer(client: "openai.OpenAI", model: str, chat: list[dict[str, str]]) -> str | None:
    import openai

    from helpers.connect import explain

    try:
        answer = client.chat.completions.create(model=model, messages=chat)
    except openai.OpenAIError as error:
        raise HostError(explain(error)) from error
    return answer.choices[0].message.content if answer.choices else None
