"""The Files API: upload, list, read, delete, expire. What is in a file is looked at by whoever uses it.

Limits: 512 MB a file, as OpenAI's; any number of files, as far as the disk goes. Purposes: "fine-tune",
"batch" and "user_data" are taken; "assistants", "vision" and "evals" are refused, because nothing here reads
such files (and openai 3.54 cannot read "evals" back: its `FileObject` does not know it). "fine-tune-results"
and "batch_output" are the engine's own. A file may be deleted at any time: a job reads it before it queues.
Content comes back byte by byte as it is, results of jobs too, so that a learner sees the CSV that OpenAI
documents; what OpenAI really sends is base64 of it (issues and forum threads), and code should take both.
"""

import shutil
from pathlib import Path
from typing import IO, Any

from helpers.engine.errors import ApiError
from helpers.engine.store import Object, Store, Transaction, new_id, now
from helpers.files import atomic_path

KIND = "file"
LARGEST = 512 * 10**6  # bytes (openai 3.54, `files.create`)
LONGEST_NAME = 255

PURPOSES = ("fine-tune", "batch", "user_data")
DAY = 86_400  # seconds
BATCH_KEPT = 30 * DAY  # files of the Batch API, unless their upload says otherwise (openai 3.54)
SHORTEST, LONGEST = 3_600, 30 * DAY  # what `expires_after` may ask for


def create(
    store: Store, stream: IO[bytes], name: str, purpose: Any, expires_after: dict[str, str] | None = None
) -> Object:
    """Keep an uploaded file; the API's file object. `expires_after`: its `anchor` and `seconds`, as sent.

    Raises ApiError (400) that names the parameter and what is wrong with it.
    """
    if purpose not in PURPOSES:
        raise ApiError(
            f"'purpose' must be one of {', '.join(PURPOSES)}, not {purpose!r}: the embedded engine has no "
            "use for other files.",
            param="purpose",
        )
    seconds = _seconds(expires_after) or (BATCH_KEPT if purpose == "batch" else None)
    with store.new_blobs() as new_blob:
        blob = new_blob()
        try:
            with atomic_path(store.blob_path(blob)) as path, path.open("wb") as file:
                shutil.copyfileobj(stream, file, 2**20)
        except OSError as error:  # the disk is full, for one
            raise store.unusable(error) from error
        with store.writing() as transaction:
            return add(transaction, store, blob, name, purpose, seconds)


def add(
    transaction: Transaction, store: Store, blob: str, name: str, purpose: str, seconds: int | None = None
) -> Object:
    """The file object of a blob that is already written, gone after so many seconds (None: never)."""
    created = now()
    new = {
        "id": new_id("file-"),
        "object": "file",
        "bytes": store.blob_path(blob).stat().st_size,
        "created_at": created,
        "expires_at": created + seconds if seconds else None,
        "filename": without_path(name),
        "purpose": purpose,
        "status": "processed",
        "status_details": None,
    }
    transaction.add(KIND, new, blob=blob, expires=new["expires_at"])
    return new


def listed(store: Store, purpose: str | None, order: str | None) -> list[Object]:
    """All files (of a purpose), newest first or, with `order` "asc", oldest first."""
    if order not in (None, "asc", "desc"):
        raise ApiError(f"'order' must be 'asc' or 'desc', not {order!r}.", param="order")
    found = store.all(KIND, newest_first=order != "asc")
    return [file for file in found if purpose in (None, file["purpose"])]


def retrieve(store: Store, id: str) -> Object:
    """A file object. Raises ApiError (404)."""
    found = store.get(KIND, id)
    if found is None:
        raise not_found(id)
    return found


def content(store: Store, id: str) -> Path:
    """Where the bytes of a file are. Raises ApiError (404)."""
    with store.reading() as transaction:
        blob = transaction.blob(KIND, id)
    if blob is None:
        raise not_found(id)
    return store.blob_path(blob)


def delete(store: Store, id: str) -> Object:
    """The API's answer. Raises ApiError (404)."""
    with store.writing() as transaction:
        if not transaction.delete(KIND, id):
            raise not_found(id)
    return {"id": id, "object": "file", "deleted": True}


def not_found(id: str, param: str = "id") -> ApiError:
    """404 for a file that is not there."""
    return ApiError(
        f"There is no file {id!r}: it was never uploaded here, was deleted, or has expired.",
        status=404,
        param=param,
    )


def without_path(name: str) -> str:
    """The last part of a name, whichever way its folders are separated; "upload" for none.

    >>> without_path("C:\\\\work\\\\train.jsonl")
    'train.jsonl'
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(letter for letter in last if letter.isprintable())[-LONGEST_NAME:]
    return "upload" if kept in ("", ".", "..") else kept


def _seconds(expires_after: dict[str, str] | None) -> int | None:
    if not expires_after:
        return None
    if expires_after.get("anchor") != "created_at":
        raise ApiError("'expires_after[anchor]' must be 'created_at'.", param="expires_after[anchor]")
    given = expires_after.get("seconds", "")
    if not given.isascii() or not given.isdigit() or not SHORTEST <= int(given[:20]) <= LONGEST:
        raise ApiError(
            f"'expires_after[seconds]' must be a number from {SHORTEST} to {LONGEST}, not {given!r:.40}.",
            param="expires_after[seconds]",
        )
    return int(given)
