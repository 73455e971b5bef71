"""The fine-tuning API: create, list, read, cancel, pause and resume jobs; their events and checkpoints.

A job is trained by a thread of the process that created it (`tuning_run`), which holds the job's lock for
as long as the job lives. Whoever reads a job that is not finished and whose lock nobody holds finds that its
process has ended, and writes down that the job has failed. Cancelling and pausing are changes of the stored
job, which its thread heeds between two steps; so they work from any process.

A paused job is shown as "queued": openai 3.54 knows no status for it. Limits: 100 unfinished jobs a process;
the 1,000 newest jobs are kept, older finished ones go with their events, but never with their models.
"""

import contextlib
from pathlib import Path
from typing import Any

import filelock

from helpers.engine import tuning_run
from helpers.engine.errors import ApiError
from helpers.engine.registry import CHECKPOINT
from helpers.engine.store import Object, Store, Transaction, public
from helpers.engine.tuning_events import EVENT, JOB, UNFINISHED, add_event, finish
from helpers.engine.tuning_request import job_of

MOST_UNFINISHED = 100  # a thread each
KEPT = 1_000

DIED = "The process that trained this job ended before the job did. Create the job again."


class Jobs:
    """The jobs in `store`. Safe to use from several threads."""

    def __init__(self, store: Store):
        self._store = store

    def create(self, body: dict[str, Any]) -> Object:
        """Start a job; the API's job object. Raises ApiError: 400 for a bad request, 404, 429."""
        if tuning_run.unfinished() >= MOST_UNFINISHED:
            raise ApiError(
                f"{MOST_UNFINISHED} jobs are unfinished: wait for some, or cancel them.",
                status=429,
                code="too_many_jobs",
            )
        job = job_of(body, self._store)
        lock = lock_of(self._store, job["id"])
        lock.acquire()
        try:
            with self._store.writing() as transaction:
                transaction.add(JOB, job)
                add_event(transaction, job["id"], f"Created fine-tuning job: {job['id']}")
                _forget_old(transaction)
        except BaseException:
            lock.release()
            raise
        tuning_run.start(self._store, job["id"], lock, release)
        return shown(job)

    def all(self, metadata: dict[str, str] | None = None, *, without_metadata: bool = False) -> list[Object]:
        """All jobs, newest first; those with all the pairs of `metadata`, or those without any."""
        found = [self._alive(job) for job in self._store.all(JOB, newest_first=True)]
        if without_metadata:
            found = [job for job in found if not job["metadata"]]
        wanted = (metadata or {}).items()
        return [shown(job) for job in found if wanted <= (job["metadata"] or {}).items()]

    def retrieve(self, id: str) -> Object:
        """A job. Raises ApiError (404)."""
        return shown(self._get(id))

    def events(self, id: str) -> list[Object]:
        """What happened to a job, newest first. Raises ApiError (404)."""
        self._get(id)
        return self._store.all(EVENT, id, newest_first=True)

    def checkpoints(self, id: str) -> list[Object]:
        """The checkpoints of a job whose models are still there, newest first. Raises ApiError (404)."""
        self._get(id)
        return self._store.all(CHECKPOINT, id, newest_first=True)

    def cancel(self, id: str) -> Object:
        """Stop a job for good. Raises ApiError: 404; 400 when it has finished."""

        def change(transaction: Transaction, job: Object) -> None:
            finish(job, "cancelled")
            add_event(transaction, id, "The job has been cancelled", level="warn")

        return self._change(id, change, "cancelled")

    def pause(self, id: str) -> Object:
        """Hold a job before its next step. Raises ApiError: 404; 400 when it has finished or is held."""

        def change(transaction: Transaction, job: Object) -> None:
            if job["_paused"]:
                raise ApiError(f"The job {id} is paused already.", param="id")
            job |= {"_paused": True, "estimated_finish": None}
            add_event(transaction, id, "The job has been paused")

        return self._change(id, change, "paused")

    def resume(self, id: str) -> Object:
        """Let a paused job go on. Raises ApiError: 404; 400 when it is not paused."""

        def change(transaction: Transaction, job: Object) -> None:
            if not job["_paused"]:
                raise ApiError(f"The job {id} is not paused.", param="id")
            job["_paused"] = False
            add_event(transaction, id, "The job has been resumed")

        return self._change(id, change, "resumed")

    def _change(self, id: str, change: Any, done: str) -> Object:
        self._get(id)  # it may have died
        with self._store.writing() as transaction:
            job = transaction.get(JOB, id) or _raise_not_found(id)
            if job["status"] not in UNFINISHED:
                raise ApiError(f"The job {id} has {job['status']} and cannot be {done}.", param="id")
            change(transaction, job)
            transaction.replace(JOB, job)
        tuning_run.wake()
        return shown(job)

    def _get(self, id: str) -> Object:
        job = self._store.get(JOB, id) or _raise_not_found(id)
        return self._alive(job)

    def _alive(self, job: Object) -> Object:
        """The job; failed, if it is unfinished and nobody holds its lock any more."""
        if job["status"] not in UNFINISHED or tuning_run.is_own(job["id"]):
            return job
        lock = lock_of(self._store, job["id"])
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            return job
        try:
            return self._died(job["id"])
        finally:
            release(lock)

    def _died(self, id: str) -> Object:
        with self._store.writing() as transaction:
            job = transaction.get(JOB, id) or _raise_not_found(id)
            if job["status"] in UNFINISHED:  # still, now that the lock is ours
                finish(job, "failed", error={"code": "process_ended", "message": DIED, "param": None})
                add_event(transaction, id, DIED, level="error")
                transaction.replace(JOB, job)
        return job


def shown(job: Object) -> Object:
    """A job as the API answers it."""
    paused = job["_paused"] and job["status"] == "running"
    return public(job | ({"status": "queued"} if paused else {}))


def release(lock: filelock.BaseFileLock) -> None:
    """Give a lock back, and remove its file: the job it stood for has finished, so nobody needs it."""
    lock.release(force=True)
    with contextlib.suppress(OSError):
        Path(lock.lock_file).unlink(missing_ok=True)


def lock_of(store: Store, id: str) -> filelock.BaseFileLock:
    """The lock of a job or a batch: who works on it holds it, and it is free when that process has died."""
    folder = store.folder / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return filelock.FileLock(folder / f"{id}.lock", thread_local=False)


def _forget_old(transaction: Transaction) -> None:
    finished = [
        job for job in transaction.all(JOB, newest_first=True)[KEPT:] if job["status"] not in UNFINISHED
    ]
    for job in finished:
        for kind in (EVENT, CHECKPOINT):
            transaction.delete_children(kind, job["id"])
        transaction.delete(JOB, job["id"])


def _raise_not_found(id: str) -> Any:
    raise ApiError(f"There is no fine-tuning job {id!r}.", status=404, param="id")
