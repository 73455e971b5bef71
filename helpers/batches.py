"""Many requests by the Batch API of any host: written, uploaded, waited for, matched, tried again.

    answers = run(requests, client, endpoint="/v1/embeddings", folder="out/batch")
    vectors = embed(texts, client, model, folder="out/batch")      # float32 (n, d)

Requests are split into files within the limits. What has been sent is noted in `folder` before and after it
is sent, so that a run that is broken off goes on: with the same requests and the same folder nothing is sent
twice, and what was downloaded is not asked for again. Two runs at once on one folder are refused. An account
may have only so many tokens waiting in batches: with `queue_tokens` the next file is sent when there is room,
and a file that the host's queue has no room for is sent again later. Answers come in any order and are put
in place by their `custom_id`; requests that failed for no fault of their own are sent again, alone. Once the
answers are on disk, the host's copies of the files are deleted.

Left out: making the waiting shorter. A batch may take a day.
"""

import contextlib
import dataclasses
import hashlib
import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers import embedding_plan
from helpers.connect import explain
from helpers.errors import DataError, HostError
from helpers.files import alone_in, atomic_path

if TYPE_CHECKING:
    import openai

# OpenAI's limits (openai 3.54, `batches.create`).
REQUESTS_PER_FILE = 50_000
INPUTS_PER_FILE = 50_000  # of embeddings
BYTES_PER_FILE = 200 * 10**6

QUEUE_FULL = "token_limit_exceeded"  # the code of a batch that failed because others of the account wait
TRIES_IN_QUEUE = 100
LONGEST_PAUSE = 60.0  # seconds

ROUNDS = 3  # what fails so often is given up
MARK, RUN = "workbook_file", "workbook_run"  # the keys of our marks in a batch's metadata
ENDED = ("completed", "failed", "expired", "cancelled")
WORTH_ANOTHER_TRY = (408, 409, 429)  # and all from 500 on


@dataclasses.dataclass(frozen=True)
class Answer:
    """What became of one request: its answer's status and body, or why there is none."""

    custom_id: str
    status: int | None  # None: it was never executed
    body: dict[str, Any] | None
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether there is an answer to use."""
        return self.status is not None and self.status < 400

    @property
    def again(self) -> bool:
        """Whether it failed for no fault of its own."""
        return self.status is None or self.status in WORTH_ANOTHER_TRY or self.status >= 500


# ----------------------------------------------------------------------------- requests and files


def line(custom_id: str, body: Mapping[str, Any], endpoint: str) -> bytes:
    """One request as a line of a batch's input file."""
    request = {"custom_id": custom_id, "method": "POST", "url": endpoint, "body": body}
    return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def files_of(
    requests: Iterable[tuple[str, Mapping[str, Any]]],
    endpoint: str,
    *,
    most_requests: int = REQUESTS_PER_FILE,
    most_inputs: int = INPUTS_PER_FILE,
    most_bytes: int = BYTES_PER_FILE,
    most_tokens: int | None = None,
) -> Iterator[bytes]:
    """The contents of input files, each within the limits, for requests (custom_id, body) in their order.

    `most_tokens`: of the texts in one file (`tokens_of`); None: any number. Raises DataError for a custom_id
    that comes twice, and for a request that is too large for any file.
    """
    lines: list[bytes] = []
    inputs = size = used = 0
    seen: set[str] = set()
    for custom_id, body in requests:
        if custom_id in seen:
            raise DataError(f"The custom_id {custom_id!r} comes twice: answers could not be told apart.")
        seen.add(custom_id)
        new, count = line(custom_id, body, endpoint), _inputs(body)
        cost = tokens_of(body) if most_tokens else 0
        if len(new) > most_bytes or count > most_inputs or cost > (most_tokens or 0):
            raise DataError(f"The request {custom_id!r} is larger than a whole file may be: split it.")
        if lines and (
            len(lines) == most_requests
            or inputs + count > most_inputs
            or size + len(new) > most_bytes
            or used + cost > (most_tokens or 0)
        ):
            yield b"".join(lines)
            lines, inputs, size, used = [], 0, 0, 0
        lines.append(new)
        inputs, size, used = inputs + count, size + len(new), used + cost
    if lines:
        yield b"".join(lines)


def _inputs(body: Mapping[str, Any]) -> int:
    given = body.get("input")
    return len(given) if isinstance(given, list) else 1


def tokens_of(body: Mapping[str, Any]) -> int:
    """The tokens of all texts in a request's body, by its model's tokenizer as far as that is known here."""
    from helpers import tokens

    texts = [text for name in ("input", "prompt", "messages") for text in _texts(body.get(name))]
    return int(tokens.count(texts, str(body.get("model"))).sum()) if texts else 0


def _texts(given: Any) -> Iterator[str]:
    if isinstance(given, str):
        yield given
    elif isinstance(given, Mapping):
        yield from _texts(given.get("content"))
    elif isinstance(given, Sequence):
        for entry in given:
            yield from _texts(entry)


# ----------------------------------------------------------------------------- running them


def run(
    requests: Iterable[tuple[str, Mapping[str, Any]]],
    client: "openai.OpenAI",
    *,
    endpoint: str,
    folder: Path | str,
    wait: float | None = None,
    rounds: int = ROUNDS,
    tell: Callable[[str], object] | None = None,
    queue_tokens: int | None = None,
    **limits: int,
) -> dict[str, Answer]:
    """An answer for every request (custom_id, body), good or bad, by its custom_id, in the requests' order.

    `folder` remembers: start it again with the same requests after whatever broke it off. `wait`: seconds
    between two looks (None: from a tenth of a second, growing to a minute). `rounds`: how often a request is
    sent at most. `tell` is called with a sentence when something has happened. `queue_tokens`: how many
    tokens the account may have in unfinished batches; files are sent one after the other within it. None: all
    files are sent at once. `limits`: as in `files_of`. Raises HostError when the host refuses a file or keeps
    failing, DataError when another run is at work in the folder or a note in it is damaged.
    """
    all_requests = dict(_once(requests))
    answers: dict[str, Answer] = {}
    if queue_tokens:
        limits = {"most_tokens": queue_tokens} | limits
    with alone_in(Path(folder)):  # two runs would both send, and both pay
        for number in range(rounds):
            todo = [(id, body) for id, body in all_requests.items() if id not in answers or answers[id].again]
            if not todo:
                break
            folder_of_round = Path(folder) / f"round-{number + 1}"
            tells = tell or (lambda _: None)
            answers |= _round(todo, client, endpoint, folder_of_round, wait, tells, queue_tokens, limits)
    missing = Answer("", None, None, "The host gave no answer to this request.")
    return {id: answers.get(id) or dataclasses.replace(missing, custom_id=id) for id in all_requests}


def _once(requests: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    seen: set[str] = set()
    for custom_id, body in requests:
        if custom_id in seen:
            raise DataError(f"The custom_id {custom_id!r} comes twice: answers could not be told apart.")
        seen.add(custom_id)
        yield custom_id, body


def _round(
    todo: list[tuple[str, Mapping[str, Any]]],
    client: "openai.OpenAI",
    endpoint: str,
    folder: Path,
    wait: float | None,
    tell: Callable[[str], object],
    queue_tokens: int | None,
    limits: dict[str, int],
) -> dict[str, Answer]:
    """Send these requests once, as many files at a time as the queue takes, and read what comes of them."""
    files: list[_File] = []
    waiting: list[_File] = []  # sent, and not known to have ended

    def end_one() -> None:
        file = waiting.pop(0)
        file.wait(wait, tell)
        counts = file.state["counts"]
        tell(
            f"{file.name}: {file.state['status']}, {counts['completed']:,} answered, "
            f"{counts['failed']:,} failed"
        )

    try:
        for number, content in enumerate(files_of(todo, endpoint, **limits)):
            file = _File(content, number, folder, client, endpoint)
            if queue_tokens and not file.ended:
                file.tokens = sum(tokens_of(json.loads(one)["body"]) for one in content.splitlines())
                while waiting and file.tokens + sum(other.tokens for other in waiting) > queue_tokens:
                    end_one()
            file.send()
            files.append(file)
            waiting.append(file)
            tell(f"{file.name}: {file.state['status']}")
        while waiting:
            end_one()
        return {answer.custom_id: answer for file in files for answer in file.answers()}
    except _openai_error() as error:
        raise HostError(f"{explain(error)} What was sent is noted: run this again to go on.") from error


def _openai_error() -> type[Exception]:
    import openai

    return openai.OpenAIError


class _File:
    """One input file: what has become of it is noted in the folder at every step."""

    def __init__(self, content: bytes, number: int, folder: Path, client: "openai.OpenAI", endpoint: str):
        self.content, self.client, self.endpoint = content, client, endpoint
        self.tokens = 0  # where they are counted
        self.name = f"{folder.name}, file {number + 1}"
        self.mark = hashlib.sha256(endpoint.encode() + content).hexdigest()[:32]
        self.folder = folder
        self._note = folder / f"{self.mark}.json"
        self.state: dict[str, Any] = {
            "run": uuid.uuid4().hex,  # tells our batch from one with the same requests in another folder
            "batch": None,
            "status": "not sent",
            "counts": {},
            "downloaded": [],
        }
        if self._note.exists():
            self.state = self._read_note()

    @property
    def ended(self) -> bool:
        """Whether it was answered before, and the answers are here."""
        return self.state["status"] in ENDED and bool(self.state["downloaded"])

    def _read_note(self) -> dict[str, Any]:
        try:
            found = json.loads(self._note.read_text(encoding="utf-8"))
            return {name: found[name] for name in self.state}
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"The note {self.folder.name}/{self._note.name} is damaged: delete it to send these requests "
                "again, or look up the batch at the host first."
            ) from error

    def send(self) -> None:
        """Upload and begin, unless that was done: our notes tell, or the host's list of batches."""
        if self.state["batch"]:
            self.content = b""
            return
        batch = self._sent_before() or self._begin(self._upload())
        self._write(batch=batch.id, status=batch.status)
        self.content = b""  # all files together may be large

    def _sent_before(self) -> Any:
        """Our batch, for the case that we were stopped between sending and noting."""
        if not self._note.exists():
            self._write(status="being sent")
            return None
        return self._listed()

    def _listed(self) -> Any:
        ours = {MARK: self.mark, RUN: self.state["run"]}
        for batch in self.client.batches.list(limit=100):
            metadata = batch.metadata or {}
            if batch.status != "failed" and {name: metadata.get(name) for name in ours} == ours:
                return batch
        return None

    def _upload(self) -> str:
        return self.client.files.create(file=(f"{self.mark}.jsonl", self.content), purpose="batch").id

    def _begin(self, file_id: str) -> Any:
        """Make the batch. Not tried again blindly: the host may have made it although no answer came."""
        import openai

        try:
            return self.client.with_options(max_retries=0).batches.create(
                input_file_id=file_id,
                endpoint=self.endpoint,  # type: ignore[arg-type]
                completion_window="24h",
                metadata={MARK: self.mark, RUN: self.state["run"]},
            )
        except (openai.APIConnectionError, openai.InternalServerError):
            if batch := self._listed():
                return batch
            raise

    def wait(self, pause: float | None, tell: Callable[[str], object]) -> None:
        """Until the batch has ended; then its files are downloaded. Raises HostError when it failed whole."""
        if self.ended:
            return
        batch = self._when_ended(pause)
        for looks in range(TRIES_IN_QUEUE):
            if batch.status != "failed" or QUEUE_FULL not in _codes(batch):
                break
            tell(f"{self.name}: the host's queue is full, sent again later")
            time.sleep(pause if pause is not None else min(LONGEST_PAUSE, 2.0**looks))
            self._write(batch=None, status="being sent")
            begun = self._begin(batch.input_file_id)
            self._write(batch=begun.id, status=begun.status)
            batch = self._when_ended(pause)
        if batch.status == "failed":
            self._note.unlink(missing_ok=True)  # so that a mended file may be sent
            raise HostError(f"The host refused the file: {_reasons(batch)}")
        self._download(batch)

    def _when_ended(self, pause: float | None) -> Any:
        looks = 0
        while (batch := self.client.batches.retrieve(self.state["batch"])).status not in ENDED:
            time.sleep(pause if pause is not None else min(LONGEST_PAUSE, 0.1 * 1.2**looks))
            looks += 1
        return batch

    def _download(self, batch: Any) -> None:
        names = []
        for id in filter(None, (batch.output_file_id, batch.error_file_id)):
            name = f"{self.mark}-{len(names)}.jsonl"
            with atomic_path(self.folder / name) as path:
                self.client.files.content(id).write_to_file(path)
            names.append(name)
        counts = batch.request_counts
        told = (
            {"completed": counts.completed, "failed": counts.failed}
            if counts
            else {"completed": 0, "failed": 0}
        )
        self._write(status=batch.status, counts=told, downloaded=names)
        for id in filter(None, (batch.input_file_id, batch.output_file_id, batch.error_file_id)):
            with contextlib.suppress(_openai_error()):  # the host's copies; they would expire in a month
                self.client.files.delete(id)

    def answers(self) -> Iterator[Answer]:
        """What was downloaded, line by line."""
        for name in self.state["downloaded"]:
            with (self.folder / name).open("rb") as file:
                yield from (read(line) for line in file if line.strip())

    def _write(self, **changes: Any) -> None:
        self.state |= changes
        with atomic_path(self._note) as path:
            path.write_text(json.dumps(self.state, indent=1), encoding="utf-8")


def _codes(batch: Any) -> set[str]:
    return {error.code for error in (batch.errors.data if batch.errors else None) or []}


def _reasons(batch: Any) -> str:
    found = (batch.errors.data if batch.errors else None) or []
    told = [f"{e.message}" + (f" (line {e.line})" if e.line else "") for e in found[:3]]
    return " ".join(told) or "it does not say why."


def read(line: bytes | str) -> Answer:
    """A line of an output or error file. Raises DataError when it is none."""
    try:
        found = json.loads(line)
        response, error = found.get("response"), found.get("error")
        status = response["status_code"] if response else None
        body = response["body"] if response else None
        failed = (body or {}).get("error") if status and status >= 400 else error
        return Answer(found["custom_id"], status, body, (failed or {}).get("message"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError("A line of a batch's results is not as the API documents it.") from error


# ----------------------------------------------------------------------------- embeddings


def embedding_requests(
    texts: Sequence[str], model: str, *, dimensions: int | None = None, texts_per_request: int = 1
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Requests for the vectors of texts; the custom_id is the position of a request's first text.

    Vectors are asked for in base64, a quarter of the size of written numbers.
    """
    common = {"model": model, "encoding_format": "base64"} | (
        {"dimensions": dimensions} if dimensions else {}
    )
    for start in range(0, len(texts), texts_per_request):
        yield str(start), {"input": list(texts[start : start + texts_per_request])} | common


def embed(
    texts: Sequence[str],
    client: "openai.OpenAI",
    model: str,
    *,
    folder: Path | str,
    dimensions: int | None = None,
    texts_per_request: int = 1,
    **options: Any,
) -> np.ndarray:
    """One unit-length vector per text by the Batch API, float32 (n, d), in the order of the texts.

    All answers are in memory at once: for more than some 100,000 texts, call it once per part, with a folder
    each. `options`: as in `run`. Raises DataError when a text cannot be embedded, naming its position and the
    reason, HostError as `run` does.
    """
    from helpers import embedding_answers

    texts = embedding_plan.checked(texts)
    if not texts:
        raise DataError("There are no texts to embed.")
    requests = embedding_requests(texts, model, dimensions=dimensions, texts_per_request=texts_per_request)
    answers = run(requests, client, endpoint="/v1/embeddings", folder=folder, **options)
    bad = [answer for answer in answers.values() if not answer.ok]
    if bad:
        raise DataError(
            f"{len(bad):,} of {len(answers):,} requests have no vectors. The first, for the text at position "
            f"{bad[0].custom_id}: {bad[0].error} What was answered is kept in the folder."
        )
    found = []
    for id, answer in answers.items():
        number = min(texts_per_request, len(texts) - int(id))
        order, rows, _ = embedding_answers.read(json.dumps(answer.body).encode(), number)
        found.append(rows[np.argsort(order)])
    return np.concatenate(found)
