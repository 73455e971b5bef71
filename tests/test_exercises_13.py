"""The checks of lesson 13: right answers, the mistakes that are near at hand, and nonsense."""

import numpy as np
from exercise_cases import Case, make_tests

from helpers.exercises import lesson_13 as check

ROWS = 568_454


def spread(triples):
    n, total, squares = np.sum(triples, axis=0)
    return np.sqrt(squares / n - (total / n) ** 2)


def in_order(count, results):
    found = {}
    for result in results:
        response = result["response"]
        if response and response["status_code"] < 400:
            found[result["custom_id"]] = response["body"]["data"][0]["embedding"]
    return [found.get(f"review-{i}") for i in range(count)]


def embeddings_of(results):
    return [r["response"]["body"]["data"][0]["embedding"] for r in results]


CASES = [
    Case(
        "gigabytes_saved",
        lambda answer: check.gigabytes_saved(answer, ROWS),
        solutions=[ROWS * 3_072 * 3 / 1e9, 5.2, np.float64(5.2389)],
        wrong=[
            (ROWS * 3_072 * 4 / 1e9, "as float32"),
            (ROWS * 3_072 / 1e9, "as int8"),
            (3.5, "float16 saves"),
            (ROWS * 1_536 * 3 / 1e9, "1,536"),
            (5_238.9, "megabytes"),
            (41.9, "bits"),
            (ROWS * 3_072 * 3, "in bytes"),
            (ROWS * 3_072 * 3 / 2**30, "1,024"),
            (12, "each of them lose"),
        ],
    ),
    Case(
        "spread",
        check.spread,
        solutions=[spread, lambda t: float(spread(np.array(t)))],
        wrong=[
            (lambda t: spread(t) ** 2, "variance"),
            (lambda t: np.mean([spread([one]) for one in t]), "mean of the parts' spreads"),
            (lambda t: np.sum(t, axis=0)[1] / np.sum(t, axis=0)[0], "the mean, not the spread"),
            (lambda t: np.std([s / n for n, s, _ in t]), "spread of the parts' means"),
            (lambda t: np.sqrt(np.sum(t, axis=0)[2] / np.sum(t, axis=0)[0]), "take the squared mean away"),
            (lambda t: spread(t) * np.sqrt(np.sum(t, axis=0)[0] / (np.sum(t, axis=0)[0] - 1)), "n - 1"),
            (
                lambda t: np.average([spread([one]) for one in t], weights=[one[0] for one in t]),
                "weights the parts' spreads",
            ),
            (
                lambda t: np.sqrt(np.average([spread([o]) ** 2 for o in t], weights=[o[0] for o in t])),
                "inside the parts",
            ),
            (lambda t: sum(spread([one]) for one in t), "sum of the spreads"),
            (lambda t: spread(t) + 1, "use the formula once"),
            (lambda t: t[9], "stopped with IndexError"),
        ],
    ),
    Case(
        "in_order",
        check.in_order,
        solutions=[in_order],
        wrong=[
            (lambda count, results: embeddings_of(results), "another request"),
            (
                lambda count, results: embeddings_of(sorted(results, key=lambda r: r["custom_id"])),
                "another request",
            ),
            (
                lambda count, results: embeddings_of(
                    sorted(results, key=lambda r: int(r["custom_id"].split("-")[1]))
                ),
                "stopped with KeyError",
            ),
            (lambda count, results: [e for e in in_order(count, results) if e], "entries for"),
            (
                lambda count, results: [[0.0] if e is None else e for e in in_order(count, results)],
                "should be None",
            ),
            (lambda count, results: dict(enumerate(in_order(count, results))), "A list with one entry"),
            (lambda count, results: [None] * count, "has an answer"),
            (lambda count, results: ["x"] * count, "first entry, embedding"),
        ],
    ),
    Case(
        "input_files",
        lambda answer: check.input_files(answer, ROWS),
        solutions=[15, 15.0, np.int64(15)],
        wrong=[
            (12, "number of requests only"),
            (14, "Round up"),
            (38_461, "go into one file"),
            (2_956, "megabytes in all"),
            (14.78, "whole number"),
            (1, "fit into 200 MB"),
        ],
    ),
]

TestExercises = make_tests(CASES)
