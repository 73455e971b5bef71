"""The engine's application: routes, error bodies and headers of OpenAI's REST API.

The same routes stand under OpenAI's path (`/v1`), Azure's (`/openai/v1`) and Azure's older one, which names
the deployment in the path (`/openai/deployments/NAME/...`). Keys are neither needed nor looked at, unless
`azure.guard` says so; what else Azure wants is in that module.
Here: models and embeddings; files, fine-tuning and text have route modules of their own. What a route does is
in a module that knows no HTTP.
"""

import functools
import time
import uuid
from typing import Any

from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from helpers import settings
from helpers.engine import azure, embeddings, limits
from helpers.engine.errors import ApiError
from helpers.engine.http import bucket, json_body, model_of, registry, spend_tokens
from helpers.engine.registry import Registry
from helpers.engine.routes_batches import batches, make_batches
from helpers.engine.routes_files import files
from helpers.engine.routes_text import text
from helpers.engine.routes_tuning import tuning
from helpers.engine.store import Store
from helpers.engine.tuning import Jobs

PREFIXES = ("/v1", "/openai/v1", "/openai", "/openai/deployments/<deployment>")
LARGEST_BODY = 64 * 2**20  # bytes

api = Blueprint("api", __name__)
ROUTES = (api, files, batches, tuning, text)  # each under every prefix


def create_app(
    requests_per_minute: int = limits.REQUESTS_PER_MINUTE,
    tokens_per_minute: int = limits.TOKENS_PER_MINUTE,
    store: Store | None = None,
) -> Flask:
    """A new application with rate limits of its own.

    It keeps files, jobs and trained models in `store`; by default in the workbook's cache folder, which every
    process of the workbook shares.
    """
    store = store or Store(settings.cache_folder() / "engine")
    app = Flask("embedded_engine", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.json.sort_keys = False
    app.extensions["requests"] = limits.Bucket("requests", requests_per_minute)
    app.extensions["tokens"] = limits.Bucket("tokens", tokens_per_minute)
    app.extensions["store"] = store
    app.extensions["jobs"] = Jobs(store)
    app.extensions["batches"] = make_batches(app, store)
    app.extensions["registry"] = Registry(store)
    for prefix in PREFIXES:
        for routes in ROUTES:
            app.register_blueprint(routes, url_prefix=prefix, name=f"{routes.name}{prefix.replace('/', '_')}")
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
    models = registry()
    return jsonify({"object": "list", "data": [models.describe(name) for name in models.names()]})


@api.get("/models/<path:name>")
def retrieve_model(name: str) -> Response:
    return jsonify(registry().describe(name))


@api.delete("/models/<path:name>")
def delete_model(name: str) -> Response:
    return jsonify(registry().delete(name))


@api.post("/embeddings")
def create_embeddings() -> Response:
    body = json_body()
    name = model_of(body)
    answer = embeddings.create(body, name, registry().embedder(name))
    spend_tokens(answer["usage"]["total_tokens"])
    return jsonify(answer)


def _take_deployment(endpoint: str | None, values: dict[str, Any] | None) -> None:
    g.deployment = (values or {}).pop("deployment", None)


def _begin() -> None:
    g.started = time.perf_counter()
    g.request_id = f"req_{uuid.uuid4().hex}"
    bucket("requests").take(1)
    azure.check_request(request)


def _add_headers(response: Response) -> Response:
    response.headers["x-request-id"] = g.request_id
    response.headers["openai-processing-ms"] = str(round((time.perf_counter() - g.started) * 1000))
    for name in ("requests", "tokens"):
        response.headers.update(bucket(name).headers())
    return response


def _answer_api_error(error: ApiError) -> tuple[Response, int, dict[str, str]]:
    return jsonify(error.body()), error.status, error.headers


def _answer_any_error(error: Exception) -> tuple[Response, int, dict[str, str]]:
    """What no route foresaw: unknown paths and methods as the API's own errors, bugs as its 500."""
    if isinstance(error, RequestEntityTooLarge):
        return _answer_api_error(
            ApiError(f"The body is larger than {request.max_content_length:,} bytes.", status=413)
        )
    if isinstance(error, HTTPException):
        what = f"{error.name} ({request.method} {request.path})."
        return _answer_api_error(ApiError(what, status=error.code or 500))
    current_app.logger.exception("The embedded engine failed on %s %s", request.method, request.path)
    return _answer_api_error(
        ApiError("The embedded engine failed: a bug of the workbook.", status=500, type="server_error")
    )
