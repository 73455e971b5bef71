"""What the engine's routes share: reading a JSON body, spending the token allowance, pages and streams.

A route takes what it needs from here and hands plain dictionaries to a module that knows no HTTP.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from flask import Response, current_app, g, jsonify, request

from helpers.engine import azure, limits
from helpers.engine.errors import ApiError
from helpers.engine.registry import Registry
from helpers.engine.store import Store

LARGEST_PAGE = 100


def json_body() -> dict[str, Any]:
    """The request's JSON object. Raises ApiError (400) when it is something else."""
    try:
        body = request.get_json(force=True, silent=True)
    except RecursionError:  # brackets in brackets, a thousand deep
        body = None
    if not isinstance(body, dict):
        raise ApiError("The body of the request is not a JSON object.")
    return body


def model_of(body: dict[str, Any]) -> str:
    """The model that a request names: in Azure's older paths the deployment, otherwise the field `model`.

    Where the application has deployments (`azure.guard`), Azure's paths name one of them. Raises ApiError.
    """
    model = g.deployment or body.get("model")
    if not isinstance(model, str):
        raise ApiError("'model' is missing: name the model to use.", param="model")
    return azure.model_behind(model)


def registry() -> Registry:
    """The models of the application that answers."""
    return current_app.extensions["registry"]


def store() -> Store:
    """What the application that answers keeps on disk."""
    return current_app.extensions["store"]


def bucket(name: str) -> limits.Bucket:
    """The allowance of "requests" or of "tokens"."""
    return current_app.extensions[name]


def spend_tokens(amount: int) -> None:
    """Take `amount` from the minute's allowance. Raises ApiError (429) when it is used up."""
    bucket("tokens").take(amount)


def page(objects: Sequence[dict[str, Any]], default: int = 20, largest: int = LARGEST_PAGE) -> Response:
    """A cursor page of `objects` (in the order to list them) as the query's `after` and `limit` ask.

    Raises ApiError (400) for a limit that is no number from 1 to `largest`, or an `after` that is not in the
    list.
    """
    limit = _limit(request.args.get("limit"), default, largest)
    after = request.args.get("after")
    ids = [entry["id"] for entry in objects]
    if after is not None and after not in ids:
        raise ApiError(f"'after' names no object of this list: {after!r}.", param="after")
    start = ids.index(after) + 1 if after is not None else 0
    shown = list(objects[start : start + limit])
    return jsonify(
        {
            "object": "list",
            "data": shown,
            "first_id": shown[0]["id"] if shown else None,
            "last_id": shown[-1]["id"] if shown else None,
            "has_more": start + limit < len(objects),
        }
    )


def event_stream(chunks: Iterable[dict[str, Any]], *, named: bool = False) -> Response:
    """Server-sent events, one a dictionary, closed by `[DONE]`; `named` sends each one's `type` as its event
    and no closing mark, as the Responses API does."""
    return Response(_events(chunks, named), mimetype="text/event-stream")


def _events(chunks: Iterable[dict[str, Any]], named: bool) -> Iterable[str]:
    for chunk in chunks:
        head = f"event: {chunk['type']}\n" if named else ""
        yield f"{head}data: {json.dumps(chunk, ensure_ascii=False)}\n\n"
    if not named:
        yield "data: [DONE]\n\n"


def _limit(given: str | None, default: int, largest: int) -> int:
    if given is None:
        return default
    if not given.isascii() or not given.isdigit() or not 1 <= int(given[:20]) <= largest:
        raise ApiError(f"'limit' must be a number from 1 to {largest}, not {given!r:.40}.", param="limit")
    return int(given)
