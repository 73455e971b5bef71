"""A loopback server for files that misbehaves as told.

    with FileServer(body, [Answer(status=503), Answer(send=100, then="stall"), Answer()]) as server:
        fetch(server.url("file.csv"))
    assert server.ranges == [None, None, "bytes=100-"]

Each request gets the next answer of the plan, and the last one again and again. An answer follows the
request's Range unless it says otherwise. Everything is over within milliseconds of leaving the block.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal


@dataclass(frozen=True)
class Answer:
    """What a request gets.

    `body` None is the server's. `send` bytes of it are really sent, None is all. `length` is about the
    Content-Length claimed: None is the truth, "none" leaves it out, a number is added to the truth. `then`
    says what follows the last byte: "close", "stall" (silence until the server stops) or "reset" (the
    connection is torn). `silent` stalls before the first byte, `drop` closes before it. `ranges` False
    ignores the request's Range. `pause` is the seconds between blocks of 16 KB.
    """

    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    length: int | Literal["none"] | None = None
    send: int | None = None
    then: Literal["close", "stall", "reset"] = "close"
    silent: bool = False
    drop: bool = False
    ranges: bool = True
    pause: float = 0.0


class FileServer:
    """Serves `body` on 127.0.0.1 after the plan; `requests` and `ranges` keep what was asked for."""

    def __init__(self, body: bytes = b"", plan: Sequence[Answer] = (Answer(),)) -> None:
        self.body, self.plan = body, list(plan)
        self.requests: list[str] = []
        self.ranges: list[str | None] = []
        self.over = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False  # so that closing waits for them and leaves no socket open
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def url(self, name: str = "file.bin") -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/{name}"

    def next_answer(self, handler: BaseHTTPRequestHandler) -> Answer:
        with self._lock:
            answer = self.plan[min(len(self.requests), len(self.plan) - 1)]
            self.requests.append(handler.path)
            self.ranges.append(handler.headers.get("Range"))
            return answer

    def __enter__(self) -> "FileServer":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.close_connection = True
                with contextlib.suppress(OSError):  # the client has gone
                    _reply(self, owner.next_answer(self), owner)

            def log_message(self, *_args: object) -> None:
                pass

        return Handler


def _reply(handler: BaseHTTPRequestHandler, answer: Answer, owner: FileServer) -> None:
    if answer.drop:
        return
    if answer.silent:
        owner.over.wait()
        return
    body = owner.body if answer.body is None else answer.body
    status, headers = answer.status, dict(answer.headers)
    asked = handler.headers.get("Range")
    if asked and answer.ranges and status == 200:
        start, size = int(asked.removeprefix("bytes=").rstrip("-")), len(body)
        status, body = (206, body[start:]) if start < size else (416, b"")
        headers.setdefault("Content-Range", f"bytes {start}-{size - 1}/{size}")
    if answer.length != "none":
        headers["Content-Length"] = str(len(body) + (answer.length or 0))
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    _send(handler, body[: answer.send], answer.pause, owner.over)
    if answer.then == "stall":
        owner.over.wait()
    elif answer.then == "reset":  # close with linger 0 sends RST
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _send(handler: BaseHTTPRequestHandler, body: bytes, pause: float, over: threading.Event) -> None:
    for start in range(0, len(body), 1 << 14):
        handler.wfile.write(body[start : start + (1 << 14)])
        handler.wfile.flush()
        if pause and over.wait(pause):
            return
