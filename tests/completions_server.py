"""`POST /v1/completions` on 127.0.0.1, answered by a function: for tests of what draws and compares texts.

    with CompletionsServer(answer) as server:      # answer: the request's body to (status, the body to send)
        client = server.client()

`text_choice` and `answer_of` make the usual bodies. `server.asked` keeps what was asked.
"""

import json
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import openai

Answer = Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]


def text_choice(text: str, reason: str = "stop", logprobs: Sequence[float | None] | None = None) -> dict:
    """A choice of a completion, with log-probabilities of tokens that nobody looks at."""
    told = None
    if logprobs is not None:
        tokens = ["x"] * len(logprobs)
        told = {"tokens": tokens, "token_logprobs": list(logprobs), "top_logprobs": None, "text_offset": None}
    return {"text": text, "index": 0, "finish_reason": reason, "logprobs": told}


def answer_of(choices: Sequence[dict], usage: tuple[int, int] | None = (7, 10)) -> dict[str, Any]:
    """The body of a completion; the choices get their indexes."""
    listed = [choice | {"index": i} for i, choice in enumerate(choices)]
    body = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "stub", "choices": listed}
    if usage:
        prompt, completion = usage
        total = prompt + completion
        counts = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}
        body["usage"] = counts
    return body


class CompletionsServer:
    """Serves until the block ends."""

    def __init__(self, answer: Answer):
        self.asked: list[dict[str, Any]] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                owner.asked.append(body)
                status, reply = answer(body)
                raw = json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def client(self) -> openai.OpenAI:
        url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"
        return openai.OpenAI(base_url=url, api_key="none", max_retries=0)

    def __enter__(self) -> "CompletionsServer":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
