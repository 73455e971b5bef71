"""The routes of the Files API; what they do is in `files`."""

import re

from flask import Blueprint, Response, jsonify, request, send_file

from helpers.engine import files as api
from helpers.engine.errors import ApiError
from helpers.engine.http import page, store
from helpers.engine.store import public

files = Blueprint("files", __name__)

LARGEST_PAGE = 10_000  # and the default (openai 3.54, `files.list`)
REST_OF_BODY = 2**20  # bytes that the other parts of an upload may take


@files.post("/files")
def create_file() -> Response:
    request.max_content_length = api.LARGEST + REST_OF_BODY
    upload = request.files.get("file")
    if upload is None:
        raise ApiError("'file' is missing: send the file as a part of multipart/form-data.", param="file")
    form = request.form
    expiry = {
        name: value for key, value in form.items() for name in re.findall(r"^expires_after\[(\w+)\]$", key)
    }
    created = api.create(store(), upload.stream, upload.filename or "", form.get("purpose"), expiry)
    return jsonify(public(created))


@files.get("/files")
def list_files() -> Response:
    found = api.listed(store(), request.args.get("purpose"), request.args.get("order"))
    return page([public(file) for file in found], default=LARGEST_PAGE, largest=LARGEST_PAGE)


@files.get("/files/<id>")
def retrieve_file(id: str) -> Response:
    return jsonify(public(api.retrieve(store(), id)))


@files.get("/files/<id>/content")
def file_content(id: str) -> Response:
    name = api.retrieve(store(), id)["filename"]
    try:
        return send_file(api.content(store(), id), "application/octet-stream", True, name, max_age=0)
    except FileNotFoundError:  # deleted at this very moment
        raise api.not_found(id) from None


@files.delete("/files/<id>")
def delete_file(id: str) -> Response:
    return jsonify(api.delete(store(), id))
