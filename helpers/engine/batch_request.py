"""What the Batch API accepts: the body that creates a batch, and the lines of its input file.

A line is one request: `{"custom_id": ..., "method": "POST", "url": the batch's endpoint, "body": {...}}`. All
lines are looked at before the first is answered, and a file with a wrong line fails whole, as at OpenAI's;
what is wrong inside a body is an error of that request alone. Limits (openai 3.54, `batches.create`): 50,000
requests and 200 MB a file, for embeddings 50,000 inputs in all its requests, one window of 24 hours.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from helpers.engine import files
from helpers.engine.errors import ApiError
from helpers.engine.store import Object, Store, new_id, now
from helpers.engine.tuning_request import metadata

MOST_REQUESTS = 50_000
MOST_INPUTS = 50_000
LARGEST = 200 * 10**6  # bytes
WINDOW = "24h"
WINDOW_SECONDS = 86_400
MOST_ERRORS = 100  # told; one more says that there are others
EMBEDDINGS = "/v1/embeddings"
ENDPOINTS = (EMBEDDINGS, "/v1/completions", "/v1/chat/completions", "/v1/responses")
PARAMETERS = {"input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after"}


def batch_of(body: dict[str, Any], store: Store, seconds: int = WINDOW_SECONDS) -> Object:
    """The batch that a body asks for, not yet begun. Raises ApiError (400, 404) that names the parameter."""
    for name in sorted(body.keys() - PARAMETERS):
        raise ApiError(f"Unrecognized parameter: {name!r}.", param=name, code="unknown_parameter")
    endpoint, window = body.get("endpoint"), body.get("completion_window")
    if endpoint not in ENDPOINTS:
        raise ApiError(
            f"'endpoint' must be one of {', '.join(ENDPOINTS)}, not {endpoint!r}.", param="endpoint"
        )
    if window != WINDOW:
        raise ApiError(f"'completion_window' must be {WINDOW!r}, not {window!r}.", param="completion_window")
    created = now()
    return {
        "id": new_id("batch_"),
        "object": "batch",
        "endpoint": endpoint,
        "model": None,
        "errors": None,
        "input_file_id": _input_file(body.get("input_file_id"), store),
        "completion_window": window,
        "status": "validating",
        "output_file_id": None,
        "error_file_id": None,
        "created_at": created,
        "in_progress_at": None,
        "expires_at": created + seconds,
        "finalizing_at": None,
        "completed_at": None,
        "failed_at": None,
        "expired_at": None,
        "cancelling_at": None,
        "cancelled_at": None,
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
        "usage": None,
        "metadata": metadata(body.get("metadata")),
        "_keep": _keep(body.get("output_expires_after")),
    }


def _input_file(id: Any, store: Store) -> str:
    if not isinstance(id, str):
        raise ApiError("'input_file_id' is missing: upload a file and name its id.", param="input_file_id")
    found = store.get(files.KIND, id)
    if found is None:
        raise files.not_found(id, "input_file_id")
    if found["purpose"] != "batch":
        raise ApiError(
            f"The file {id} was uploaded with the purpose {found['purpose']!r}: a batch needs 'batch'.",
            param="input_file_id",
        )
    return id


def _keep(expiry: Any) -> int:
    """For how many seconds the outputs are kept."""
    if expiry is None:
        return files.BATCH_KEPT
    seconds = expiry.get("seconds") if isinstance(expiry, dict) else None
    whole = type(seconds) is int and files.SHORTEST <= seconds <= files.LONGEST
    if not whole or expiry.get("anchor") != "created_at":
        raise ApiError(
            "'output_expires_after' must hold 'anchor': 'created_at' and 'seconds' from "
            f"{files.SHORTEST} to {files.LONGEST}.",
            param="output_expires_after",
        )
    return seconds


# ----------------------------------------------------------------------------- the lines


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line


def check(path: Path, endpoint: str) -> tuple[list[dict[str, Any]], int, str | None]:
    """What is wrong with an input file, as the API's errors; how many requests it has; for which model."""
    checker = _Checker(endpoint)
    size = path.stat().st_size
    if size > LARGEST:
        checker.complain("file_too_large", f"The file has {size:,} bytes; a batch takes at most {LARGEST:,}.")
    else:
        for number, line in lines(path):
            checker.look(number, line)
            if len(checker.errors) > MOST_ERRORS:
                checker.errors[-1] = _error("too_many_errors", f"There are more than {MOST_ERRORS} errors.")
                break
        checker.look_at_whole()
    return checker.errors, checker.requests, checker.model


class _Checker:
    def __init__(self, endpoint: str):
        self.endpoint = endpoint
        self.errors: list[dict[str, Any]] = []
        self.requests = self.inputs = 0
        self.model: str | None = None
        self._ids: set[str] = set()

    def complain(self, code: str, message: str, line: int | None = None, param: str | None = None) -> None:
        self.errors.append(_error(code, message, line, param))

    def look(self, number: int, line: bytes) -> None:
        self.requests += 1
        try:
            request = json.loads(line)
        except ValueError:
            return self.complain("invalid_json_line", "This line is not valid JSON.", number)
        if not isinstance(request, dict):
            return self.complain("invalid_request", "This line is not a JSON object.", number)
        id, body = request.get("custom_id"), request.get("body")
        if not isinstance(id, str) or not id:
            self.complain("missing_required_parameter", "'custom_id' is missing.", number, "custom_id")
        elif id in self._ids:
            self.complain(
                "duplicate_custom_id",
                f"The custom_id {id!r} was used before in this file.",
                number,
                "custom_id",
            )
        else:
            self._ids.add(id)
        if request.get("method") != "POST":
            self.complain("invalid_method", "'method' must be 'POST'.", number, "method")
        if request.get("url") != self.endpoint:
            self.complain(
                "invalid_url", f"'url' must be the batch's endpoint, {self.endpoint!r}.", number, "url"
            )
        if not isinstance(body, dict):
            return self.complain("missing_required_parameter", "'body' is no JSON object.", number, "body")
        return self._look_at_body(number, body)

    def _look_at_body(self, number: int, body: dict[str, Any]) -> None:
        model = body.get("model")
        if not isinstance(model, str):
            return self.complain("missing_required_parameter", "'model' is missing.", number, "body.model")
        self.model = self.model or model
        if model != self.model:
            message = f"One batch is for one model: here {model!r}, before {self.model!r}."
            self.complain("mismatched_model", message, number, "body.model")
        if body.get("stream"):
            self.complain("invalid_request", "A batch cannot stream.", number, "body.stream")
        given = body.get("input")
        several = isinstance(given, list) and any(isinstance(entry, str | list) for entry in given)
        self.inputs += len(given) if several else 1
        return None

    def look_at_whole(self) -> None:
        if not self.requests:
            self.complain("empty_file", "The file has no requests.")
        if self.requests > MOST_REQUESTS:
            self.complain(
                "too_many_tasks", f"The file has {self.requests:,} requests; a batch takes {MOST_REQUESTS:,}."
            )
        if self.endpoint == EMBEDDINGS and self.inputs > MOST_INPUTS:
            self.complain(
                "too_many_inputs",
                f"The requests have {self.inputs:,} inputs together; a batch takes at most {MOST_INPUTS:,}.",
            )


def tokens(path: Path) -> int:
    """About how many tokens a file takes in the queue: those of its texts, else a fourth of its bytes."""
    from helpers.engine import vectors

    count, texts = 0, []
    for _, line in lines(path):
        given = json.loads(line)["body"].get("input")
        several = given if isinstance(given, list) else [given]
        if all(isinstance(text, str) for text in several):
            texts += several
        else:
            count += len(line) // 4
    return count + sum(vectors.load().count(texts))


def _error(code: str, message: str, line: int | None = None, param: str | None = None) -> dict[str, Any]:
    return {"code": code, "message": message, "line": line, "param": param}
