"""Working on a batch: a thread that checks its file, answers its lines, and gives out the results in the end.

The states are OpenAI's: validating, in_progress, finalizing, completed; or failed (the file is wrong),
expired (not done within its window), cancelling and cancelled. Answers with a status below 400 go to the
output file, all others to the error file. Within every thousand lines the order is that of chance, because
OpenAI's is not to be relied on either. Twice a second the counts are written down, and whether the batch was
cancelled is read.
"""

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from helpers.engine import batch_request, files
from helpers.engine.store import Object, Store, new_id, now
from helpers.files import atomic_path

BATCH = "batch"  # kind of the store's objects
UNFINISHED = ("validating", "in_progress", "finalizing", "cancelling")
LOOK_EVERY = 0.5  # seconds
SHUFFLED = 1_000  # lines
EXPIRED = {
    "code": "batch_expired",
    "message": "This request could not be executed before the completion window expired.",
}
CANCELLED = {
    "code": "batch_cancelled",
    "message": "The batch was cancelled before this request was executed.",
}

Answer = Callable[[str, dict[str, Any]], tuple[int, str, dict[str, Any], float]]
"""(endpoint, body) -> (status, request id, body, seconds to wait before another try)"""

log = logging.getLogger(__name__)
_own: set[str] = set()
_lock = threading.Lock()


class Stopped(Exception):
    """The batch is not there any more."""


def is_own(id: str) -> bool:
    """Whether a thread of this process has the batch."""
    return id in _own


def start(
    store: Store, id: str, answer: Answer, release: Callable[[], None], queue_tokens: int | None = None
) -> None:
    """Work on a batch whose lock is held; `release` gives it back. `queue_tokens`: of unfinished batches."""
    with _lock:
        _own.add(id)

    def run() -> None:
        try:
            _Run(store, id, answer, queue_tokens).go()
        except Stopped:
            pass
        except Exception:
            log.exception("The embedded engine failed to work on %s", id)
            _fail(store, id)
        finally:
            release()
            with _lock:
                _own.discard(id)

    threading.Thread(target=run, name=f"batch-{id}", daemon=True).start()


def _fail(store: Store, id: str) -> None:
    error = {"code": "server_error", "message": "The embedded engine failed: a bug of the workbook."}

    def change(batch: Object) -> None:
        batch |= {"status": "failed", "failed_at": now()}
        batch["errors"] = {"object": "list", "data": [error | {"line": None, "param": None}]}

    try:
        store.change(BATCH, id, change)
    except Exception:  # the store itself: the next reader tries again
        log.exception("The embedded engine cannot write down how %s ended", id)


class _Run:
    """A batch on its way."""

    def __init__(self, store: Store, id: str, answer: Answer, queue_tokens: int | None = None):
        self._store, self._id, self._answer = store, id, answer
        self._queue_tokens = queue_tokens
        self._counts = {"total": 0, "completed": 0, "failed": 0}
        self._tokens = {"input": 0, "output": 0}
        self._looked = 0.0
        self._ended: str | None = None  # "cancelled" or "expired", when it has ended early

    def go(self) -> None:
        batch = self._store.get(BATCH, self._id)
        if batch is None or batch["status"] not in UNFINISHED:
            return
        path = self._input(batch)
        errors, requests, model = self._checked(path, batch["endpoint"])
        if not errors and path and self._queue_tokens and batch["status"] == "validating":
            errors = self._queued(batch_request.tokens(path), self._queue_tokens)
        if errors:
            data = {"object": "list", "data": errors}
            self._change(status="failed", failed_at=now(), errors=data)
            return
        self._counts["total"] = requests
        begun = {"status": "in_progress", "in_progress_at": now()} if batch["status"] != "cancelling" else {}
        self._change(**begun, model=model, request_counts=self._counts)
        with self._store.new_blobs() as new_blob:
            output, failed = new_blob(), new_blob()
            self._write(path, batch, output, failed)
            if not self._ended:
                self._change(status="finalizing", finalizing_at=now(), request_counts=self._counts)
            self._publish(batch, output, failed)

    def _input(self, batch: Object) -> Path | None:
        with self._store.reading() as transaction:
            blob = transaction.blob(files.KIND, batch["input_file_id"])
        return self._store.blob_path(blob) if blob else None

    def _checked(self, path: Path | None, endpoint: str) -> tuple[list[dict[str, Any]], int, str | None]:
        if path is None or not path.exists():
            message = "The input file was deleted, or has expired."
            return (
                [{"code": "file_not_found", "message": message, "line": None, "param": "input_file_id"}],
                0,
                None,
            )
        return batch_request.check(path, endpoint)

    def _queued(self, tokens: int, limit: int) -> list[dict[str, Any]]:
        """Give the batch its place in the queue; an error when the account has no room for it."""
        with self._store.writing() as transaction:
            batches = transaction.all(BATCH)
            waiting = sum(b.get("_tokens", 0) for b in batches if b["status"] in UNFINISHED)
            found = transaction.get(BATCH, self._id)
            if found is None:
                raise Stopped
            if waiting + tokens <= limit:
                transaction.replace(BATCH, found | {"_tokens": tokens})
                return []
        message = (
            f"Enqueued token limit reached: {waiting:,} tokens wait and this batch has {tokens:,}; the limit "
            f"is {limit:,}. Try again when some of the batches have been completed."
        )
        return [{"code": "token_limit_exceeded", "message": message, "line": None, "param": None}]

    def _write(self, path: Path, batch: Object, output: str, failed: str) -> None:
        """Answer every line, into two blobs."""
        with (
            atomic_path(self._store.blob_path(output)) as good_path,
            atomic_path(self._store.blob_path(failed)) as bad_path,
            good_path.open("wb") as good,
            bad_path.open("wb") as bad,
        ):
            for request in _shuffled(path):
                self._look(batch["expires_at"])
                self._answer_one(request, good, bad, batch["expires_at"])

    def _answer_one(self, request: dict[str, Any], good: IO[bytes], bad: IO[bytes], expires: float) -> None:
        line = {
            "id": new_id("batch_req_"),
            "custom_id": request["custom_id"],
            "response": None,
            "error": None,
        }
        if self._ended:
            line["error"] = EXPIRED if self._ended == "expired" else CANCELLED
        else:
            line["response"] = self._response(request, expires)
        if line["response"] and line["response"]["status_code"] < 400:
            self._counts["completed"] += 1
            self._count_tokens(line["response"]["body"].get("usage"))
            _put(good, line)
        else:
            self._counts["failed"] += 1
            _put(bad, line)

    def _response(self, request: dict[str, Any], expires: float) -> dict[str, Any]:
        while True:
            status, id, body, wait = self._answer(request["url"], request["body"])
            if status != 429 or not wait or time.time() + wait > expires:
                return {"status_code": status, "request_id": id, "body": body}
            time.sleep(min(wait, 5.0))  # a batch is in no hurry

    def _count_tokens(self, usage: Any) -> None:
        if isinstance(usage, dict):
            self._tokens["input"] += usage.get("prompt_tokens") or usage.get("input_tokens") or 0
            self._tokens["output"] += usage.get("completion_tokens") or usage.get("output_tokens") or 0

    def _look(self, expires: float) -> None:
        """Write down how far it is; find out whether it is to end."""
        if self._ended or time.monotonic() - self._looked < LOOK_EVERY:
            return
        self._looked = time.monotonic()
        batch = self._change(request_counts=self._counts)
        if batch["status"] == "cancelling":
            self._ended = "cancelled"
        elif time.time() > expires:
            self._ended = "expired"

    def _publish(self, batch: Object, output: str, failed: str) -> None:
        """The files and the last state, in one transaction."""
        with self._store.writing() as transaction:
            found = transaction.get(BATCH, self._id)
            if found is None:
                raise Stopped
            cancelled = "cancelled" if found["status"] == "cancelling" else None
            status = self._ended or cancelled or "completed"
            found |= {f"{status}_at": now(), "status": status, "request_counts": self._counts}
            if self._counts["completed"]:
                name = f"{self._id}_output.jsonl"
                new = files.add(transaction, self._store, output, name, "batch_output", batch["_keep"])
                found["output_file_id"] = new["id"]
            if self._counts["failed"]:
                name = f"{self._id}_error.jsonl"
                new = files.add(transaction, self._store, failed, name, "batch_output", batch["_keep"])
                found["error_file_id"] = new["id"]
            found["usage"] = _usage(**self._tokens)
            transaction.replace(BATCH, found)
        for blob, count in ((output, "completed"), (failed, "failed")):
            if not self._counts[count]:
                self._store.blob_path(blob).unlink(missing_ok=True)

    def _change(self, **changes: Any) -> Object:
        def change(batch: Object) -> None:
            batch |= changes

        changed = self._store.change(BATCH, self._id, change)
        if changed is None:
            raise Stopped
        return changed


def _shuffled(path: Path) -> Iterator[dict[str, Any]]:
    waiting: list[dict[str, Any]] = []
    for _, line in batch_request.lines(path):
        waiting.append(json.loads(line))
        if len(waiting) == SHUFFLED:
            random.shuffle(waiting)
            yield from waiting
            waiting = []
    random.shuffle(waiting)
    yield from waiting


def _put(file: IO[bytes], line: dict[str, Any]) -> None:
    file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


def _usage(input: int, output: int) -> dict[str, Any]:
    return {
        "input_tokens": input,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": input + output,
    }
