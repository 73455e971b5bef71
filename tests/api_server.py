"""An embeddings API on 127.0.0.1 that counts what it is asked and misbehaves on demand.

    with ApiServer() as server:
        server.then(Refusal(429, {"retry-after-ms": "50"}), "not json")   # the next two requests
        client = openai.OpenAI(base_url=server.url, api_key="key")

Vectors follow from the text alone and are not of unit length. Run as a program it prints its port and serves
until it is ended: `python tests/api_server.py --delay 0.2 --dimensions 1536`; `GET /counts` tells the counts.
"""

import argparse
import base64
import collections
import dataclasses
import functools
import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np


@dataclasses.dataclass(frozen=True)
class Refusal:
    """An answer with an error status, as OpenAI words it."""

    status: int
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    code: str | None = None
    message: str = "refused by the test"
    param: str | None = None

    def body(self) -> bytes:
        error = {"message": self.message, "type": "test", "param": self.param, "code": self.code}
        return json.dumps({"error": error}).encode()


# Ways to go wrong besides a Refusal.
BROKEN = ("hang", "drop", "cut", "not json")
WRONG = ("no data", "too few", "too many", "no index", "same index", "bad base64", "nan", "zero")
WRONG_WIDTH = ("one shorter", "all shorter")
# Unusual, but right.
VARIANTS = ("shuffled", "floats", "no usage")

Behaviour = Refusal | str | None


@functools.cache
def _tables(dimensions: int) -> np.ndarray:
    return np.random.default_rng(7).standard_normal((4, 256, dimensions)).astype(np.float32)


def vectors(texts: list[str], dimensions: int) -> np.ndarray:
    """What the server answers: float32 (n, dimensions), the same for the same text, in any company."""
    digests = b"".join(hashlib.sha256(text.encode()).digest()[:4] for text in texts)
    rows = np.frombuffer(digests, dtype=np.uint8).reshape(-1, 4)
    tables = _tables(dimensions)
    return tables[0][rows[:, 0]] + tables[1][rows[:, 1]] + tables[2][rows[:, 2]] + tables[3][rows[:, 3]]


class ApiServer:
    """Serves `POST .../embeddings`. Its attributes may be changed while it runs."""

    def __init__(self, dimensions: int = 8, delay: float = 0.0):
        self.dimensions = dimensions
        self.delay = delay  # seconds from a request's arrival to its answer
        self.max_inputs: int | None = None  # more are refused with 413
        self.rule: Callable[[list[str]], Behaviour] = lambda texts: (
            None
        )  # for every request with no other plan
        self.remember = False  # answer the same request with the same bytes, without counting its texts again
        self.remembered: dict[bytes, bytes] = {}
        self.hold_after: int | None = None  # answer so many requests, and let the others wait for `release`
        self.release = threading.Event()
        self.asked: collections.Counter[str] = collections.Counter()
        self.answered: collections.Counter[str] = collections.Counter()
        self.arrivals: list[float] = []  # time.monotonic() of each request
        self.sizes: list[int] = []  # texts in each request
        self.bodies: list[dict] = []  # without their inputs
        self.paths: list[str] = []
        self.busy = self.most_busy = 0
        self._plan: collections.deque[Behaviour] = collections.deque()
        self._lock = threading.Lock()
        self._http = _Server(("127.0.0.1", 0), functools.partial(_Handler, self))
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def port(self) -> int:
        return self._http.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def requests(self) -> int:
        return len(self.arrivals)

    def then(self, *behaviours: Behaviour) -> None:
        """What to do with the next requests, one each; None is to answer."""
        self._plan.extend(behaviours)

    def unit(self, texts: list[str], dimensions: int | None = None) -> np.ndarray:
        """What a client should make of the answers: the vectors with length 1."""
        rows = vectors(texts, dimensions or self.dimensions)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def __enter__(self) -> "ApiServer":
        self._thread.start()
        return self

    def __exit__(self, *_exc) -> None:
        self.release.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def serve_forever(self) -> None:
        self._http.serve_forever()

    def behaviour(self, texts: list[str], body: dict, path: str) -> Behaviour:
        """Counts a request and says how to treat it."""
        with self._lock:
            self.arrivals.append(time.monotonic())
            self.sizes.append(len(texts))
            self.bodies.append({name: value for name, value in body.items() if name != "input"})
            self.paths.append(path)
            self.asked.update(texts)
            if self._plan:
                return self._plan.popleft()
            if self.max_inputs is not None and len(texts) > self.max_inputs:
                return Refusal(413, message=f"batch size {len(texts)} > maximum allowed {self.max_inputs}")
            return self.rule(texts)

    def may_answer(self) -> bool:
        with self._lock:
            if self.hold_after is None:
                return True
            self.hold_after -= 1
            return self.hold_after >= 0

    def enter(self, by: int) -> None:
        with self._lock:
            self.busy += by
            self.most_busy = max(self.busy, self.most_busy)

    def count_answer(self, texts: list[str]) -> None:
        with self._lock:
            self.answered.update(texts)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address) -> None:
        """A client that was killed or gave up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 20

    def __init__(self, server: ApiServer, *args):
        self.api = server
        super().__init__(*args)

    def log_message(self, *_args) -> None:
        pass

    def do_GET(self) -> None:
        counts = {"requests": self.api.requests, "asked": self.api.asked.total(), "sizes": self.api.sizes}
        self._send(200, json.dumps(counts).encode())

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        arrived = time.monotonic()
        if (answer := self.api.remembered.get(raw)) is not None:
            self.api.arrivals.append(arrived)
            return self._late(answer, arrived)
        body = json.loads(raw)
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        self.api.enter(1)
        try:
            return self._answer(texts, body, raw, arrived)
        finally:
            self.api.enter(-1)

    def _answer(self, texts: list[str], body: dict, raw: bytes, arrived: float) -> None:
        behaviour = self.api.behaviour(texts, body, self.path)
        if isinstance(behaviour, Refusal):
            return self._send(behaviour.status, behaviour.body(), behaviour.headers)
        if behaviour == "hang":
            self.api.release.wait(30)
        if behaviour in ("hang", "drop"):
            return self._break_off()
        if behaviour == "not json":
            return self._send(200, b"<html>Bad gateway</html>")
        answer = _answer_body(texts, body, behaviour, self.api.dimensions)
        if behaviour == "cut":
            self._send(200, answer[: len(answer) // 2], {"content-length": str(len(answer))})
            return self._break_off()
        if not self.api.may_answer():
            self.api.release.wait(60)
            return self._break_off()
        if behaviour is None or behaviour in VARIANTS:
            self.api.count_answer(texts)
        if self.api.remember:
            self.api.remembered[raw] = answer
        return self._late(answer, arrived)

    def _late(self, answer: bytes, arrived: float) -> None:
        time.sleep(max(0.0, arrived + self.api.delay - time.monotonic()))
        self._send(200, answer)

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {
            "content-type": "application/json",
            "content-length": str(len(body)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _break_off(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


def _answer_body(texts: list[str], body: dict, behaviour: Behaviour, dimensions: int) -> bytes:
    rows = vectors(texts, body.get("dimensions") or dimensions)
    if behaviour == "nan":
        rows[-1, 0] = np.nan
    if behaviour == "zero":
        rows[-1] = 0
    if behaviour == "all shorter":
        rows = rows[:, :-1]
    as_floats = body.get("encoding_format") != "base64" or behaviour == "floats"
    indexes = [0] * len(rows) if behaviour == "same index" else range(len(rows))
    items = [
        f'{{"object":"embedding","index":{i},"embedding":{_number(row, as_floats)}}}'
        for i, row in zip(indexes, rows)
    ]
    if behaviour == "one shorter":
        items[-1] = items[-1].replace(_number(rows[-1], as_floats), _number(rows[-1][:-1], as_floats))
    if behaviour == "no index":
        items = [item.replace('"index":', '"place":') for item in items]
    if behaviour == "bad base64":
        items[-1] = items[-1].replace('"embedding":"', '"embedding":"*')
    if behaviour == "too few":
        items = items[:-1]
    if behaviour == "too many":
        items += items[-1:]
    if behaviour == "shuffled":
        items = items[::-2] + items[-2::-2]
    tokens = sum(len(text.split()) for text in texts)
    usage = (
        "" if behaviour == "no usage" else f',"usage":{{"prompt_tokens":{tokens},"total_tokens":{tokens}}}'
    )
    name = "rows" if behaviour == "no data" else "data"
    return f'{{"object":"list","model":"test","{name}":[{",".join(items)}]{usage}}}'.encode()


def _number(row: np.ndarray, as_floats: bool) -> str:
    if as_floats:
        return json.dumps(row.astype(float).tolist())
    return f'"{base64.b64encode(row.astype("<f4").tobytes()).decode()}"'


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--dimensions", type=int, default=8)
    parser.add_argument("--remember", action="store_true")
    options = parser.parse_args()
    server = ApiServer(options.dimensions, options.delay)
    server.remember = options.remember
    print(server.port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
