"""The engine's application: routes, error bodies and headers of OpenAI's REST API.

The same routes stand under OpenAI's path (`/v1`), Azure's (`/openai/v1`) and Azure's older one, which names
the deployment in the path (`/openai/deployments/NAME/...`). Keys are neither needed nor looked at.
So far: models and embeddings. What a route does is in a module of its own that knows no HTTP.
"""

import functools
import time
import uuid
from typing import Any

from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from helpers.engine import embeddings, limits, vectors
from helpers.engine.errors import ApiError, model_not_found

MODELS = {vectors.MODEL: {"created": 1_721_001_600, "owned_by": "wordllama"}}  # its first release, July 2024

PREFIXES = ("/v1", "/openai/v1", "/openai", "/openai/deployments/<deployment>")
LARGEST_BODY = 64 * 2**20  # bytes

api = Blueprint("api", __name__)


def create_app(
    requests_per_minute: int = limits.REQUESTS_PER_MINUTE, tokens_per_minute: int = limits.TOKENS_PER_MINUTE
) -> Flask:
    """A new application with rate limits of its own."""
    app = Flask("embedded_engine", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.json.sort_keys = False
    app.extensions["requests"] = limits.Bucket("requests", requests_per_minute)
    app.extensions["tokens"] = limits.Bucket("tokens", tokens_per_minute)
    for prefix in PREFIXES:
        app.register_blueprint(api, url_prefix=prefix, name=f"api{prefix.replace('/', '_')}")
    app.before_request(_begin)
    app.after_request(_add_headers)
    app.register_error_handler(ApiError, _answer_api_error)
    app.register_error_handler(Exception, _answer_any_error)
    app.url_value_preprocessor(_take_deployment)
    return app


@functools.cache
def shared_app() -> Flask:
    """The one application that this process's clients talk to."""
    return create_app()


@api.get("/models")
def list_models() -> Response:
    return jsonify({"object": "list", "data": [_model(name) for name in MODELS]})


@api.get("/models/<path:name>")
def retrieve_model(name: str) -> Response:
    return jsonify(_model(name))


@api.post("/embeddings")
def create_embeddings() -> Response:
    body = _json_body()
    model = g.deployment or body.get("model")
    if not isinstance(model, str):
        raise ApiError("'model' is missing: name the model to use.", param="model")
    _model(model)
    answer = embeddings.create(body)
    _bucket("tokens").take(answer["usage"]["total_tokens"])
    return jsonify(answer)


def _model(name: str) -> dict[str, Any]:
    if name not in MODELS:
        raise model_not_found(name, sorted(MODELS))
    return {"id": name, "object": "model", **MODELS[name]}


def _json_body() -> dict[str, Any]:
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise ApiError("The body of the request is not a JSON object.")
    return body


def _bucket(name: str) -> limits.Bucket:
    return current_app.extensions[name]


def _take_deployment(endpoint: str | None, values: dict[str, Any] | None) -> None:
    g.deployment = (values or {}).pop("deployment", None)


def _begin() -> None:
    g.started = time.perf_counter()
    g.request_id = f"req_{uuid.uuid4().hex}"
    _bucket("requests").take(1)


def _add_headers(response: Response) -> Response:
    response.headers["x-request-id"] = g.request_id
    response.headers["openai-processing-ms"] = str(round((time.perf_counter() - g.started) * 1000))
    for name in ("requests", "tokens"):
        response.headers.update(_bucket(name).headers())
    return response


def _answer_api_error(error: ApiError) -> tuple[Response, int, dict[str, str]]:
    return jsonify(error.body()), error.status, error.headers


def _answer_any_error(error: Exception) -> tuple[Response, int, dict[str, str]]:
    """What no route foresaw: unknown paths and methods as the API's own errors, bugs as its 500."""
    if isinstance(error, RequestEntityTooLarge):
        return _answer_api_error(ApiError("The body is larger than 64 MiB.", status=413))
    if isinstance(error, HTTPException):
        what = f"{error.name} ({request.method} {request.path})."
        return _answer_api_error(ApiError(what, status=error.code or 500))
    current_app.logger.exception("The embedded engine failed on %s %s", request.method, request.path)
    return _answer_api_error(
        ApiError("The embedded engine failed: a bug of the workbook.", status=500, type="server_error")
    )
