"""One embeddings request and its answer: sent, checked, decoded; and what a failure asks of us.

Left out: which request is sent when, and what is tried again (`embedding_requests`).
"""

import email.utils
import functools
import math
import random
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NotRequired

import numpy as np

if TYPE_CHECKING:
    import openai
    import pydantic

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0  # seconds; doubling, when the host names no time


class Nonsense(ValueError):
    """An answer that cannot be used."""


def post(client: "openai.OpenAI", body: dict[str, Any]) -> bytes:
    """The answer to an embeddings request, as it came.

    `client.embeddings.create` looks for parameters to rename in every text, and makes every vector a list of
    floats. This is several times as fast (tests/benchmarks/hosted_embedding.py prints both).
    """
    import openai
    from pydantic_core import to_json

    if isinstance(client, openai.AzureOpenAI):  # it wants to see the model's name, to put it into the URL
        return client.post("/embeddings", cast_to=bytes, body=body)
    headers = {"content-type": "application/json"}
    return client.post("/embeddings", cast_to=bytes, content=to_json(body), options={"headers": headers})


def read(content: bytes, number: int) -> tuple[list[int], np.ndarray, int]:
    """An answer: for each vector the place of its text, the vectors (number, d), and the tokens billed.

    The vectors are float32 and of unit length. Raises Nonsense when the answer is not what the API
    documents, or not usable.
    """
    try:
        answer = _schema().validate_json(content)
        order = [item["index"] for item in answer["data"]]
        rows = _rows([item["embedding"] for item in answer["data"]])
    except ValueError as error:  # pydantic's is one
        raise Nonsense("it is not JSON as OpenAI's API sends it, or its vectors are damaged") from error
    if sorted(order) != list(range(number)):
        raise Nonsense(f"it holds {len(order):,} vectors for {number:,} texts, or numbers them wrongly")
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        raise Nonsense("a vector is all zeros, or holds NaN or infinite numbers")
    rows /= lengths[:, None]
    usage = answer.get("usage")
    billed = (usage.get("total_tokens") or usage.get("prompt_tokens")) if isinstance(usage, dict) else 0
    return order, rows, billed if isinstance(billed, int) else 0


@functools.cache
def _schema() -> "pydantic.TypeAdapter":
    """What we need of an answer. pydantic checks the JSON and decodes base64 on the way, in one go."""
    import pydantic
    from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

    class Item(TypedDict):
        __pydantic_config__ = pydantic.ConfigDict(val_json_bytes="base64")
        index: int
        embedding: (
            bytes | list[float]
        )  # base64 of little-endian float32, or numbers where a server ignores that

    class Answer(TypedDict):
        data: list[Item]
        usage: NotRequired[Any]

    return pydantic.TypeAdapter(Answer)


def _rows(vectors: list[bytes] | list[list[float]]) -> np.ndarray:
    """Vectors as they came, as float32 (n, d). Raises ValueError when they differ in length or have none."""
    if len({len(vector) for vector in vectors}) != 1 or not vectors[0]:
        raise ValueError("vectors of different lengths, or without numbers")
    if all(isinstance(vector, bytes) for vector in vectors):
        return np.frombuffer(bytearray().join(vectors), dtype="<f4").reshape(len(vectors), -1)
    with np.errstate(over="ignore"):
        return np.array(vectors, dtype=np.float64).astype(np.float32)


def server_wait(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """The seconds that an answer's headers ask to wait: `retry-after-ms`, else `retry-after`.

    The latter may be seconds or a date. None when the headers do not say, or nothing sensible. `now`: the
    time as `time.time()` gives it.
    """
    for name, seconds in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            wait = float(headers[name]) * seconds
        except (KeyError, ValueError):
            continue
        if math.isfinite(wait) and wait > 0:
            return wait
    try:
        date = email.utils.parsedate_to_datetime(headers["retry-after"])
        wait = date.timestamp() - (time.time() if now is None else now)
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    return wait if wait > 0 else None


def backoff(failures: int) -> float:
    """Seconds: doubling with each failure, up to a limit, and not the same for everyone."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2 ** (failures - 1)) * random.uniform(0.75, 1.25)


def is_hopeless(error: "openai.APIStatusError") -> bool:
    """The account is out of credit: waiting does not help."""
    return "insufficient_quota" in (error.code, error.type) or error.code == "billing_hard_limit_reached"


def is_too_large(error: "openai.APIStatusError") -> bool:
    """OpenAI says with 429 that a single request has more tokens than a minute allows."""
    return error.status_code == 429 and "too large" in error.message.lower()
