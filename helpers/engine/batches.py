"""The Batch API: many requests in one file, answered when there is time, in any order.

A batch is worked on by a thread of one process, which holds the batch's lock (`batch_run`). When that process
ends, the batch stays, and the next process that reads it works on it from the start: nothing is given out
before all of it is done, so nothing is answered twice. Limits and checks are in `batch_request`.
"""

from collections.abc import Callable
from typing import Any

import filelock

from helpers.engine import batch_run
from helpers.engine.batch_request import WINDOW_SECONDS, batch_of
from helpers.engine.batch_run import BATCH, UNFINISHED, Answer
from helpers.engine.errors import ApiError
from helpers.engine.store import Object, Store, now, public
from helpers.engine.tuning import lock_of, release

MOST_UNFINISHED = 100
KEPT = 1_000  # the newest; older finished ones are forgotten, their files expire by themselves


class Batches:
    """The batches in `store`; `answer` sends one request to the application and gives its answer."""

    def __init__(self, store: Store, answer: Answer, window_seconds: int = WINDOW_SECONDS):
        self._store, self._answer = store, answer
        self.window_seconds = window_seconds  # from its making to its expiry; tests shorten it
        self.queue_tokens: int | None = None  # in unfinished batches, as an account's limit; None: any number

    def create(self, body: dict[str, Any]) -> Object:
        """Begin a batch; the API's object. Raises ApiError: 400 for a bad request, 404, 429."""
        new = batch_of(body, self._store, self.window_seconds)
        unfinished = sum(batch["status"] in UNFINISHED for batch in self._store.all(BATCH))
        if unfinished >= MOST_UNFINISHED:
            raise ApiError(
                f"{unfinished} batches are unfinished: wait for some, or cancel them.",
                status=429,
                code="too_many_batches",
            )
        with self._store.writing() as transaction:
            transaction.add(BATCH, new)
            for old in transaction.all(BATCH, newest_first=True)[KEPT:]:
                if old["status"] not in UNFINISHED:
                    transaction.delete(BATCH, old["id"])
        self._work_on(new)
        return public(new)

    def all(self) -> list[Object]:
        """All batches, newest first."""
        return [public(self._alive(batch)) for batch in self._store.all(BATCH, newest_first=True)]

    def retrieve(self, id: str) -> Object:
        """A batch. Raises ApiError (404)."""
        return public(self._alive(self._store.get(BATCH, id) or _raise_not_found(id)))

    def cancel(self, id: str) -> Object:
        """Stop a batch; what was answered is given out. Raises ApiError: 404; 409 when it has finished."""

        def change(batch: Object) -> None:
            if batch["status"] not in UNFINISHED:
                raise ApiError(f"The batch {id} is {batch['status']} and cannot be cancelled.", status=409)
            if batch["status"] != "cancelling":
                batch |= {"status": "cancelling", "cancelling_at": now()}

        changed = self._store.change(BATCH, id, change) or _raise_not_found(id)
        return public(self._alive(changed))

    def _alive(self, batch: Object) -> Object:
        """The batch; taken up by this process, if it is unfinished and no process has it."""
        if batch["status"] in UNFINISHED and not batch_run.is_own(batch["id"]):
            self._work_on(batch)
        return batch

    def _work_on(self, batch: Object) -> None:
        """Start a thread for a batch, unless another process has its lock."""
        lock = lock_of(self._store, batch["id"])
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            return
        batch_run.start(self._store, batch["id"], self._answer, _giving_back(lock), self.queue_tokens)


def _giving_back(lock: filelock.BaseFileLock) -> Callable[[], None]:
    return lambda: release(lock)


def _raise_not_found(id: str) -> Any:
    raise ApiError(f"There is no batch {id!r}.", status=404, param="id")
