"""`POST /embeddings`: checks a request as OpenAI does, and answers it.

Limits as documented for OpenAI's embedding models (openai 3.54, `embeddings.create`): 2,048 inputs and
300,000 tokens a request, 8,192 tokens an input, no empty string. Works on plain dictionaries; HTTP is
`app`'s business.
"""

import base64
from typing import Any

import numpy as np

from helpers.engine import vectors
from helpers.engine.errors import ApiError

INPUTS_PER_REQUEST = 2_048
TOKENS_PER_REQUEST = 300_000
TOKENS_PER_INPUT = 8_192

PARAMETERS = {"input", "model", "dimensions", "encoding_format", "user"}


def create(body: dict[str, Any], name: str, model: vectors.TokenVectors) -> dict[str, Any]:
    """The answer to an embeddings request to `model`, which the engine offers as `name`.

    Raises ApiError (400) that names the parameter and what is wrong with it.
    """
    for name in sorted(body.keys() - PARAMETERS):
        raise ApiError(f"Unrecognized parameter: {name!r}.", param=name, code="unknown_parameter")
    dimensions = _dimensions(body.get("dimensions"))
    encoding = _encoding_format(body.get("encoding_format"))
    inputs = _inputs(body.get("input"))
    sums, counts = model.sums_and_counts(inputs)
    _check_counts(counts)
    rows = vectors.unit_length(sums[:, :dimensions])
    tokens = int(counts.sum())
    return {
        "object": "list",
        "model": name,
        "data": [
            {"object": "embedding", "index": i, "embedding": row}
            for i, row in enumerate(_encoded(rows, encoding))
        ],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _dimensions(value: Any) -> int:
    if value is None:
        return vectors.DIMENSIONS[-1]
    if type(value) is not int or value not in vectors.DIMENSIONS:
        choices = ", ".join(map(str, vectors.DIMENSIONS))
        raise ApiError(f"'dimensions' must be one of {choices}, not {value!r}.", param="dimensions")
    return value


def _encoding_format(value: Any) -> str:
    if value not in (None, "float", "base64"):
        raise ApiError(
            f"'encoding_format' must be 'float' or 'base64', not {value!r}.", param="encoding_format"
        )
    return value or "float"


def _inputs(value: Any) -> list[str] | list[list[int]]:
    """The inputs as a list of texts or of lists of token ids."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not value:
        raise _bad_input("must be a string, or a list of strings, of token ids or of lists of token ids")
    if _are_token_ids(value):
        value = [value]
    if len(value) > INPUTS_PER_REQUEST:
        raise _bad_input(f"has {len(value)} entries; a request takes at most {INPUTS_PER_REQUEST}")
    check = _check_text if isinstance(value[0], str) else _check_token_ids
    for i, entry in enumerate(value):
        check(i, entry)
    return value


def _are_token_ids(value: Any) -> bool:
    return isinstance(value, list) and all(type(entry) is int for entry in value)


def _check_text(i: int, text: Any) -> None:
    if not isinstance(text, str):
        raise _bad_input(f"mixes kinds: entry 0 is a string and entry {i} is not")
    if not text:
        raise _bad_input(f"has an empty string at entry {i}")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise _bad_input(f"has half of a surrogate pair at entry {i}, which is no character") from None


def _check_token_ids(i: int, ids: Any) -> None:
    if not _are_token_ids(ids):
        raise _bad_input(f"has neither a string nor a list of token ids at entry {i}")
    if not ids:
        raise _bad_input(f"has an empty list at entry {i}")
    size = vectors.load().vocabulary_size
    for token in ids:
        if not 0 <= token < size:
            raise _bad_input(
                f"has the token id {token} at entry {i}; {vectors.MODEL} knows 0 to {size - 1}. "
                "Ids from another model's tokenizer (tiktoken's, say) mean nothing here"
            )


def _check_counts(counts: np.ndarray) -> None:
    for i in np.flatnonzero(counts > TOKENS_PER_INPUT)[:1]:
        raise ApiError(
            f"An input takes at most {TOKENS_PER_INPUT} tokens, but entry {i} of 'input' has {counts[i]}.",
            param="input",
            code="context_length_exceeded",
        )
    if counts.sum() > TOKENS_PER_REQUEST:
        raise ApiError(
            f"A request takes at most {TOKENS_PER_REQUEST} tokens in all, but this one has {counts.sum()}.",
            type="max_tokens_per_request",
            param="input",
            code="max_tokens_per_request",
        )


def _bad_input(what: str) -> ApiError:
    return ApiError(f"'input' {what}.", param="input", code="invalid_input")


def _encoded(rows: np.ndarray, encoding: str) -> list[Any]:
    if encoding == "float":
        return rows.tolist()
    little_endian = rows.astype("<f4", copy=False)
    return [base64.b64encode(row.tobytes()).decode("ascii") for row in little_endian]
