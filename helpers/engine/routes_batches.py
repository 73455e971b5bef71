"""The routes of the Batch API; what they do is in `batches`."""

from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify

from helpers.engine.batches import Batches
from helpers.engine.http import json_body, page
from helpers.engine.store import Store

batches = Blueprint("batches", __name__)


@batches.post("/batches")
def create_batch() -> Response:
    return jsonify(_batches().create(json_body()))


@batches.get("/batches")
def list_batches() -> Response:
    return page(_batches().all())


@batches.get("/batches/<id>")
def retrieve_batch(id: str) -> Response:
    return jsonify(_batches().retrieve(id))


@batches.post("/batches/<id>/cancel")
def cancel_batch(id: str) -> Response:
    return jsonify(_batches().cancel(id))


def make_batches(app: Flask, store: Store) -> Batches:
    """The batches of an application, which answers their requests itself."""

    def answer(endpoint: str, body: dict[str, Any]) -> tuple[int, str, dict[str, Any], float]:
        keys = app.extensions.get("keys") or ("",)
        response = app.test_client().post(endpoint, json=body, headers={"authorization": f"Bearer {keys[0]}"})
        wait = float(response.headers.get("retry-after-ms", 0)) / 1000
        return response.status_code, response.headers["x-request-id"], response.get_json(), wait

    return Batches(store, answer)


def _batches() -> Batches:
    return current_app.extensions["batches"]
