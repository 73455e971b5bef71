"""How `embed` sends what `embedding_plan` has packed: several requests at once, with patience.

Worker threads take requests from one `Desk`; each writes its answer to the cache and to its rows of the
matrix. What fails goes back to the desk: later, in halves, or as the error that ends it all.
"""

import dataclasses
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from helpers import embedding_answers as answers
from helpers import embedding_plan
from helpers.connect import explain
from helpers.embedding_answers import Nonsense
from helpers.embedding_plan import Plan
from helpers.errors import DataError, HostError
from helpers.vector_cache import VectorCache, key

if TYPE_CHECKING:
    import openai
    import tqdm

TRIES = 6  # for a request that fails by no fault of its own
TRIES_AT_NONSENSE = 3  # for one whose answer cannot be used: each answer is paid
LONGEST_SERVER_WAIT = 300.0  # seconds; a host that asks for more is left alone
PATIENCE = 600.0  # seconds of failures without one answer
GRACE = 10.0  # seconds to wait for answers under way when the work ends early: they are paid
BAR_FROM = 5  # requests

UNCHANGEABLE = {"model", "dimensions", "user"}  # parameters that no splitting of the texts can put right


@dataclasses.dataclass(eq=False)
class Request:
    units: Sequence[int]
    tries: int = 0
    nonsense: int = 0
    failing_since: float | None = None
    not_before: float = 0.0
    sent_at: float = 0.0
    encoding: str = "base64"
    parent: "Request | None" = None
    answered_halves: int = 0

    def pieces(self, size: int, parent: "Request | None" = None) -> list["Request"]:
        starts = range(0, len(self.units), size)
        return [Request(self.units[start : start + size], parent=parent) for start in starts]


class Desk:
    """Hands requests to workers, no more at once than the host bears and none while it asks to wait.

    When the host refuses for too many requests, half as many are let through at once, and with every answer
    one more (as TCP does it). When a request is refused for its size and both its halves are answered, no
    later one is larger than they.
    """

    def __init__(self, fresh: Iterator[Sequence[int]], concurrency: int):
        self.changed = threading.Condition()
        self.workers = concurrency
        self.fresh = 0  # requests handed out for the first time
        self.answered = 0  # units
        self.error: BaseException | None = None
        self._fresh = map(Request, fresh)
        self._returned: list[Request] = []
        self._most = self._allowed = concurrency
        self._out = 0
        self._not_before = 0.0
        self._largest = embedding_plan.INPUTS_PER_REQUEST
        self._slowed_at = 0.0
        self._limited_since: float | None = None
        self._refusals = 0
        self._stopped = False

    def take(self) -> Request | None:
        """The next request as soon as it may be sent; None when there will be no more."""
        with self.changed:
            while not self._stopped:
                now = time.monotonic()
                wait = self._not_before - now
                if wait <= 0 and self._out < self._allowed:
                    if (request := self._next(now)) is not None:
                        self._out += 1
                        request.sent_at = now
                        return request
                    if not self._out and not self._returned:
                        break
                    wait = min((r.not_before for r in self._returned), default=now) - now
                self.changed.wait(wait if wait > 0 else None)
            self.changed.notify_all()
            return None

    def _next(self, now: float) -> Request | None:
        request = next((r for r in self._returned if r.not_before <= now), None)
        if request is not None:
            self._returned.remove(request)
        elif (request := next(self._fresh, None)) is not None:
            self.fresh += 1
        if request is not None and len(request.units) > self._largest:
            request, *rest = request.pieces(self._largest)
            self._returned[:0] = rest
        return request

    def answer(self, request: Request) -> None:
        """A request is done."""
        with self.changed:
            self._out -= 1
            self.answered += len(request.units)
            self._allowed = min(self._most, self._allowed + 1)
            self._limited_since, self._refusals = None, 0
            if (parent := request.parent) is not None:
                parent.answered_halves += 1
                if parent.answered_halves == 2:
                    self._largest = min(self._largest, (len(parent.units) + 1) // 2)
            self.changed.notify_all()

    def halve(self, request: Request) -> None:
        """A request was too large: send it as two."""
        self._put_back(*request.pieces((len(request.units) + 1) // 2, parent=request))

    def retry(self, request: Request, wait: float = 0.0) -> None:
        """Send a request again, in `wait` seconds."""
        request.not_before = time.monotonic() + wait
        self._put_back(request)

    def _put_back(self, *requests: Request) -> None:
        with self.changed:
            self._out -= 1
            self._returned[:0] = requests
            self.changed.notify_all()

    def hold(self, seconds: float) -> None:
        """Nobody sends anything for so long."""
        with self.changed:
            self._not_before = max(self._not_before, time.monotonic() + seconds)

    def slow_down(self, request: Request) -> tuple[int, float]:
        """Too many requests: how often in a row that was said, and for how many seconds."""
        with self.changed:
            now = time.monotonic()
            if request.sent_at >= self._slowed_at:  # one burst of refusals counts once
                self._allowed, self._slowed_at = max(1, self._allowed // 2), now
                self._refusals += 1
            self._limited_since = self._limited_since or now
            return self._refusals, now - self._limited_since

    def stop(self, error: BaseException | None = None) -> None:
        """No more requests. The first error is the one to raise."""
        with self.changed:
            self._stopped = True
            self.error = self.error or error
            self.changed.notify_all()

    def somebody_works(self) -> bool:
        """Waits until something has changed; False when all workers have gone, or there is an error."""
        with self.changed:
            if self.workers and self.error is None:
                self.changed.wait(0.2)  # a limit, so that Ctrl-C is heard on Windows too
            return self.workers > 0 and self.error is None

    def leave(self) -> None:
        """A worker goes home."""
        with self.changed:
            self.workers -= 1
            self.changed.notify_all()


class Run:
    """One call of `embed`: the matrix, and how it is filled."""

    def __init__(
        self,
        plan: Plan,
        client: "openai.OpenAI",
        model: str,
        dimensions: int | None,
        store: VectorCache | None,
    ):
        self.plan, self.model, self.dimensions, self.store = plan, model, dimensions, store
        self.client = client.with_options(max_retries=0)
        self.keys = [key(unit) for unit in plan.units] if store else []
        self.todo: Sequence[int] = range(len(plan.units))
        self.requests = self.retries = self.tokens = 0
        self._matrix: np.ndarray | None = None
        self._encoding = "base64"
        self._lock = threading.Lock()
        # Answers come in bursts. Read one after the other, the first is done soon and its thread is free
        # again; all at once, they take the interpreter from each other, and none is done before the last.
        self._reading = threading.Lock()

    def look_up(self) -> None:
        """Take from the cache what is there; the rest is `todo`."""
        if self.store is None:
            return
        missing: list[int] = []
        for start in range(0, len(self.keys), 4_096):  # so many vectors in memory twice
            keys = self.keys[start : start + 4_096]
            found, vectors = self.store.get(keys)
            if len(found):
                self._place_stored(start + found, vectors)
            there = set(found.tolist())
            missing += [start + i for i in range(len(keys)) if i not in there]
        self.todo = missing

    def _place_stored(self, units: np.ndarray, vectors: np.ndarray) -> None:
        try:
            self._make_room(vectors.shape[1])
        except Nonsense as error:
            raise DataError(
                f"The cache {self.store.path} is damaged: {error}. Move it away or delete it."
            ) from error
        self._matrix[self.plan.rows[units]] = vectors

    def ask(self, concurrency: int, progress: bool | None) -> None:
        """Get everything that is `todo` from the host. Raises what ended it early."""
        if not self.todo:
            return
        packed = embedding_plan.packed(self.plan.units, self.todo, self.model)
        self.desk = Desk(packed, min(concurrency, len(self.todo)))
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(self.desk.workers)]
        for thread in threads:
            thread.start()
        try:
            self._watch(progress)
        finally:
            self.desk.stop()
            deadline = time.monotonic() + GRACE
            for thread in threads:
                thread.join(max(0.0, deadline - time.monotonic()))
        if self.desk.error is not None:
            raise self.desk.error

    def _watch(self, progress: bool | None) -> None:
        """Wait for the workers; the bar moves in this thread alone, where notebooks can draw it."""
        bar = self._bar() if progress else None
        working = True
        try:
            while working:
                working = self.desk.somebody_works()
                if bar is None and progress is None and self.desk.fresh >= BAR_FROM:
                    bar = self._bar()
                if bar is not None:
                    bar.update(self.desk.answered - bar.n)
        finally:
            if bar is not None:
                bar.close()

    def _bar(self) -> "tqdm.tqdm":
        from tqdm.auto import tqdm

        return tqdm(total=len(self.todo), unit="text", desc="Embedding")

    def _work(self) -> None:
        try:
            while (request := self.desk.take()) is not None:
                try:
                    self._answer(request)
                except Exception as error:
                    self._failed(request, error)
        except BaseException as error:  # whatever it is, the caller must hear of it
            self.desk.stop(error)
        finally:
            self.desk.leave()

    def _answer(self, request: Request) -> None:
        """Send a request, keep its answer."""
        with self._lock:
            self.requests += 1
            request.encoding = self._encoding
        body = {
            "input": [self.plan.units[i] for i in request.units],
            "model": self.model,
            "encoding_format": request.encoding,
        }
        if self.dimensions is not None:
            body["dimensions"] = self.dimensions
        content = answers.post(self.client, body)
        with self._reading:
            order, vectors, billed = answers.read(content, len(request.units))
        units = [request.units[i] for i in order]
        self._make_room(vectors.shape[1])
        if self.store is not None:
            self.store.put([self.keys[i] for i in units], vectors)
        self._matrix[self.plan.rows[units]] = vectors
        with self._lock:
            self.tokens += billed
        self.desk.answer(request)

    def _make_room(self, width: int) -> None:
        with self._lock:
            wanted = self._matrix.shape[1] if self._matrix is not None else self.dimensions or width
            if width != wanted:
                raise Nonsense(f"its vectors have {width:,} dimensions instead of {wanted:,}")
            if self._matrix is None:
                self._matrix = np.empty((self.plan.height, width), dtype=np.float32)

    def _failed(self, request: Request, error: Exception) -> None:
        """Decide what becomes of a request that was not answered."""
        import openai

        now = time.monotonic()
        request.failing_since = request.failing_since or now
        if isinstance(error, Nonsense):
            request.nonsense += 1
            self._try_again(request, error)
        elif isinstance(error, openai.APIConnectionError):  # a time-out is one
            self._try_again(request, error)
        elif not isinstance(error, openai.APIStatusError):
            self.desk.stop(self._final(error) if isinstance(error, openai.OpenAIError) else error)
        elif error.status_code == 429 and not answers.is_hopeless(error) and not answers.is_too_large(error):
            self._slow_down(request, error)
        elif error.status_code in (408, 409) or error.status_code >= 500:
            self._try_again(request, error, answers.server_wait(error.response.headers))
        elif error.status_code in (400, 413, 422) or answers.is_too_large(error):
            self._refused(request, error)
        else:
            self.desk.stop(self._final(error))

    def _try_again(self, request: Request, error: Exception, server_says: float | None = None) -> None:
        request.tries += 1
        wait = server_says or answers.backoff(request.tries)
        often = request.tries >= TRIES or request.nonsense >= TRIES_AT_NONSENSE
        late = time.monotonic() + wait - request.failing_since > PATIENCE
        if often or late or wait > LONGEST_SERVER_WAIT:
            return self.desk.stop(self._final(error, f"It failed {many(request.tries, 'time')}."))
        if server_says:
            self.desk.hold(wait)
        return self._send_again(request, wait)

    def _slow_down(self, request: Request, error: "openai.APIStatusError") -> None:
        refusals, seconds = self.desk.slow_down(request)
        wait = answers.server_wait(error.response.headers) or answers.backoff(refusals)
        if wait > LONGEST_SERVER_WAIT or seconds + wait > PATIENCE:
            return self.desk.stop(self._final(error, f"It wants {wait:,.0f} s more. Try again later."))
        self.desk.hold(wait)
        return self._send_again(request, wait)

    def _send_again(self, request: Request, wait: float) -> None:
        with self._lock:
            self.retries += 1
        self.desk.retry(request, wait)

    def _refused(self, request: Request, error: "openai.APIStatusError") -> None:
        """Something in the request displeases the host: its encoding, its size, or one of its texts."""
        if request.encoding == "base64" and "encoding_format" in f"{error.param} {error.message}":
            self._encoding = "float"  # all SDKs ask for base64, but not all servers know it
            self._send_again(request, 0)
        elif error.param in UNCHANGEABLE:
            self.desk.stop(self._final(error))
        elif len(request.units) > 1:
            self.desk.halve(request)
        else:
            position = self.plan.owners[request.units[0]]
            self.desk.stop(self._final(error, f"That was for the text at position {position} alone."))

    def _final(self, error: Exception, more: str = "") -> HostError:
        """The error to show, without the key, which a host's own words may quote."""
        secret = self.client.api_key or "\n"
        said = f"The host's answer is of no use: {error}." if isinstance(error, Nonsense) else explain(error)
        kept = "What was answered is in the cache: run this again to go on from there." if self.store else ""
        final = HostError(" ".join(filter(None, [said.replace(secret, "[key]"), more, kept])))
        final.__cause__ = None if secret in str(error) else error
        return final

    def result(self) -> np.ndarray:
        """The matrix (n, d), when all units are in it: parts averaged, repeated texts filled in."""
        plan, matrix = self.plan, self._matrix
        if matrix is None:
            return np.empty((0, self.dimensions or 0), dtype=np.float32)
        for position, (rows, weights) in plan.parts.items():
            mean = np.average(matrix[rows], axis=0, weights=weights)
            matrix[position] = mean / np.linalg.norm(mean)
        copied = np.flatnonzero(plan.sources != np.arange(len(plan.sources)))
        for some in np.array_split(copied, len(copied) // 4_096 + 1):
            matrix[some] = matrix[plan.sources[some]]
        return matrix[: len(plan.sources)]


def many(number: int, thing: str, things: str = "") -> str:
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"
