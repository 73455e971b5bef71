"""The routes of fine-tuning; what they do is in `tuning`."""

import re

from flask import Blueprint, Response, current_app, jsonify, request

from helpers.engine.errors import ApiError
from helpers.engine.http import json_body, page
from helpers.engine.tuning import Jobs

tuning = Blueprint("tuning", __name__)


@tuning.post("/fine_tuning/jobs")
def create_job() -> Response:
    return jsonify(_jobs().create(json_body()))


@tuning.get("/fine_tuning/jobs")
def list_jobs() -> Response:
    """All jobs; with `metadata[key]=value` those that have it, with `metadata=null` those without any."""
    query = request.args
    wanted = {name: value for key, value in query.items() for name in re.findall(r"^metadata\[(.+)\]$", key)}
    plain = query.get("metadata")
    if plain not in (None, "null") or (plain and wanted):
        raise ApiError("Write metadata[key]=value, or else metadata=null.", param="metadata")
    return page(_jobs().all(wanted, without_metadata=plain is not None))


@tuning.get("/fine_tuning/jobs/<id>")
def retrieve_job(id: str) -> Response:
    return jsonify(_jobs().retrieve(id))


@tuning.post("/fine_tuning/jobs/<id>/cancel")
def cancel_job(id: str) -> Response:
    return jsonify(_jobs().cancel(id))


@tuning.post("/fine_tuning/jobs/<id>/pause")
def pause_job(id: str) -> Response:
    return jsonify(_jobs().pause(id))


@tuning.post("/fine_tuning/jobs/<id>/resume")
def resume_job(id: str) -> Response:
    return jsonify(_jobs().resume(id))


@tuning.get("/fine_tuning/jobs/<id>/events")
def list_events(id: str) -> Response:
    return page(_jobs().events(id))


@tuning.get("/fine_tuning/jobs/<id>/checkpoints")
def list_checkpoints(id: str) -> Response:
    return page(_jobs().checkpoints(id), default=10)


def _jobs() -> Jobs:
    return current_app.extensions["jobs"]
