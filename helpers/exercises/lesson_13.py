"""The checks of lesson 13: bytes saved, a spread from sums, answers in their places, files of a batch.

Truths are worked out from the arguments; the functions are tried on small cases that show the near mistakes.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from helpers.batches import BYTES_PER_FILE, REQUESTS_PER_FILE
from helpers.exercises.core import (
    Verdict,
    ask,
    close,
    exercise,
    kind_of,
    number,
    right,
    unless_mistaken,
    whole_number,
    wrong,
)

LARGE = 3_072  # dimensions of text-embedding-3-large
BYTES_OF_LINE = 5_200

# ----------------------------------------------------------------------------- 13.1


@exercise
def gigabytes_saved(answer: Any, rows: int) -> Verdict:
    """How many gigabytes `rows` vectors of 3,072 numbers shrink by when each takes 1 byte instead of 4."""
    value = number(answer)
    numbers = rows * LARGE
    truth = numbers * 3 / 1e9
    if close(value, truth, 0.06 / truth):
        return right("And as much less to read, each time somebody searches.")
    mistakes = {
        "That is bits: a byte has eight of them.": truth * 8,
        "That is how many megabytes. One gigabyte has a thousand of them.": truth * 1e3,
        "That is in bytes. A gigabyte has a thousand million of them.": truth * 1e9,
        "That is what the vectors take as float32. By how much do they shrink?": numbers * 4 / 1e9,
        "That is what the vectors take as int8. By how much do they shrink?": numbers / 1e9,
        "That is what float16 saves, with two bytes. Here one byte is left.": numbers * 2 / 1e9,
        "That is for vectors of 1,536 dimensions. This model's have twice as many.": truth / 2,
        "That divides by 1,024 three times. A gigabyte here is a thousand million bytes.": numbers
        * 3
        / 2**30,
    }
    unless_mistaken(value, mistakes, 0.015)
    raise wrong("Rows times dimensions is how many numbers there are. How many bytes does each of them lose?")


# ----------------------------------------------------------------------------- 13.2


@exercise
def spread(answer: Any) -> Verdict:
    """A function from (count, sum, sum of squares) per part to the standard deviation over all."""
    for lengths in ([[4, 6], [10, 12, 14]], [[1, 2, 3, 4]], [[5], [5, 5], [80]]):
        triples = [(len(part), sum(part), sum(x * x for x in part)) for part in lengths]
        value = number(ask(answer, triples), "The spread")
        every = np.concatenate(lengths)
        truth = float(every.std())
        if close(value, truth):
            continue
        means = [np.mean(part) for part in lengths]
        of_parts = [np.std(part) for part in lengths]
        counts = [len(part) for part in lengths]
        weighted = float(np.average(of_parts, weights=counts))
        pooled = float(np.sqrt(np.average(np.square(of_parts), weights=counts)))
        mistakes = {
            "That is the variance. The standard deviation is its root.": truth**2,
            "That is the mean, not the spread.": float(every.mean()),
            "That divides by n - 1. Here divide by n.": float(every.std(ddof=1))
            if len(every) > 1
            else math.nan,
            "That is the mean of the parts' spreads. How far the parts lie from each other is lost.": float(
                np.mean(of_parts)
            ),
            "That weights the parts' spreads by their counts. How far apart the parts lie is lost.": (
                weighted
            ),
            "That is the spread inside the parts. How far the parts lie from each other is lost.": pooled,
            "That is the spread of the parts' means. What varies inside the parts is lost.": (
                float(np.std(means))
            ),
            "Before the root, take the squared mean away.": float(np.sqrt((every**2.0).mean())),
            "That is the sum of the spreads. Add up the three numbers first, over all parts.": float(
                sum(of_parts)
            ),
        }
        known = {hint: v for hint, v in mistakes.items() if math.isfinite(v) and not close(v, truth)}
        unless_mistaken(value, known)
        raise wrong(
            f"For parts with the lengths {lengths} your function gives {value:.3f}. First add up the "
            "counts, sums and the squares over all parts, then use the formula once."
        )
    return right("Three numbers per part, however long the parts are, and they can be added in any order.")


# ----------------------------------------------------------------------------- 13.3


@exercise
def in_order(answer: Any) -> Verdict:
    """A function that puts the embeddings of result lines at the places their custom_ids name."""
    lines = [_result(2, [2.0]), _result(0, [0.0]), _result(1, [1.0])]
    _compare(answer, 3, lines, [[0.0], [1.0], [2.0]], "answers in another order than the requests")
    lines = [_result(i, [float(i)]) for i in (10, 2, 0, 1, 3, 4, 5, 6, 7, 8, 9)]
    _compare(answer, 11, lines, [[float(i)] for i in range(11)], "eleven requests")
    refused = {
        "custom_id": "review-0",
        "response": {"status_code": 400, "body": {"error": {"message": "no"}}},
    }
    _compare(
        answer, 2, [refused | {"error": None}, _result(1, [1.0])], [None, [1.0]], "a request refused with 400"
    )
    never = {
        "custom_id": "review-1",
        "response": None,
        "error": {"code": "batch_expired", "message": "too late"},
    }
    _compare(answer, 2, [_result(0, [0.5]), never], [[0.5], None], "a request that was never carried out")
    _compare(answer, 3, [_result(2, [2.0])], [None, None, [2.0]], "lines that are missing")
    return right("No answer can end up with another one's question, whatever the host leaves out.")


def _result(i: int, embedding: list[float]) -> dict[str, Any]:
    body = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": embedding}]}
    response = {"status_code": 200, "request_id": f"req_{i}", "body": body}
    return {"id": f"batch_req_{i}", "custom_id": f"review-{i}", "response": response, "error": None}


def _compare(answer: Any, count: int, lines: list[dict], truth: list, case: str) -> None:
    given = ask(answer, count, lines)
    if not isinstance(given, list | tuple | np.ndarray):
        raise wrong(f"A list with one entry per request is wanted, but your function gave {kind_of(given)}.")
    if len(given) != count:
        raise wrong(f"With {case}, your list has {len(given)} entries for {count} requests.")
    for i, (mine, true) in enumerate(zip(given, truth)):
        if true is None and mine is not None:
            raise wrong(f"With {case}, place {i} should be None: there is no embedding for it.")
        if true is not None and mine is None:
            raise wrong(f"With {case}, place {i} is None, though review-{i} has an answer.")
        if true is not None and not _same(mine, true):
            if any(other is not None and _same(mine, other) for other in truth):
                raise wrong(
                    f"With {case}, place {i} holds the embedding of another request. Go by custom_id."
                )
            raise wrong(
                f"With {case}, place {i} should hold the numbers at body, data, first entry, embedding; "
                f"yours is {kind_of(mine)}."
            )


def _same(mine: Any, true: Sequence[float]) -> bool:
    try:
        return np.asarray(mine, dtype=float).shape == (len(true),) and bool(np.allclose(mine, true))
    except (TypeError, ValueError):
        return False


# ----------------------------------------------------------------------------- 13.4


@exercise
def input_files(answer: Any, rows: int) -> Verdict:
    """How many input files `rows` chat requests of 5,200 bytes each need."""
    value = whole_number(answer)
    per_file = min(REQUESTS_PER_FILE, BYTES_PER_FILE // BYTES_OF_LINE)
    truth = math.ceil(rows / per_file)
    if value == truth:
        return right("The limit that bites first is the size, here before the number of requests.")
    mistakes = {
        "That minds the number of requests only. How large is a file of 50,000 such lines?": math.ceil(
            rows / REQUESTS_PER_FILE
        ),
        "Almost: the last file is not full, but it is a file. Round up.": rows // per_file,
        "That is how many lines go into one file. How many files are there?": per_file,
        "That is megabytes in all. How many of them go into one file?": round(rows * BYTES_OF_LINE / 1e6),
        "That counts a megabyte as 2 to the power of 20 bytes.": math.ceil(
            rows / (200 * 2**20 // BYTES_OF_LINE)
        ),
    }
    unless_mistaken(value, {hint: number for hint, number in mistakes.items() if number != truth}, 1e-9)
    raise wrong(
        "How many lines of 5,200 bytes fit into 200 MB? Take the smaller of that and 50,000 per file."
    )
