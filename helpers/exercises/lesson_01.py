"""The checks of lesson 01: tokens, direction, cosine, the odd one out, shorter vectors."""

from typing import Any

import numpy as np

from helpers import similarity, tokens
from helpers.exercises.core import (
    Verdict,
    ask,
    close,
    exercise,
    number,
    right,
    unless_mistaken,
    vector,
    whole_number,
    wrong,
)


@exercise
def token_ratio(answer: Any, english: str, korean: str, model: str) -> Verdict:
    """`answer`: how many times as many of `model`'s tokens `korean` has as `english`."""
    ratio = number(answer)
    few, many = (int(count) for count in tokens.count([english, korean], model))
    truth = many / few
    if close(ratio, truth, 0.006):  # two digits are enough
        return right("The same message, and the bill and the limit count it so many times.")
    other = "gpt-4o" if tokens.encoding_name(model) != tokens.O200K else "text-embedding-3-small"
    elsewhere = {name: tokens.count([english, korean], name) for name in (other, "wordllama-256")}
    mistakes = {
        "That is the English count divided by the Korean one: turn it round.": few / many,
        "That is the difference. How many TIMES as many asks for a quotient.": many - few,
        "That is the Korean count alone. Divide it by the English one.": many,
        "That compares characters. Count tokens: `tokens.count`.": len(korean) / len(english),
        "That compares bytes. Count tokens: `tokens.count`.": len(korean.encode()) / len(english.encode()),
        "That compares words. Count tokens: `tokens.count`.": len(korean.split()) / len(english.split()),
    } | {
        f"That is the ratio for {name}, another tokenizer. Count for {model}.": counts[1] / counts[0]
        for name, counts in elsewhere.items()
    }
    unless_mistaken(ratio, mistakes, 0.006)
    raise wrong(f"Count both sentences' tokens for {model}, and divide the Korean count by the English.")


@exercise
def direction(answer: Any, of: Any) -> Verdict:
    """`answer`: the vector `of`, shape (d,), scaled to length 1."""
    of = np.asarray(of, dtype=float)
    if isinstance(answer, int | float | np.number) and close(answer, _length(of), 0.006):
        raise wrong("That is the length. The direction is the vector divided by it: as many numbers again.")
    unit = vector(answer, len(of))
    if close(unit, of / _length(of), 0.006):
        return right("Same direction, length 1.")
    if close(unit, -of / _length(of), 0.006):
        raise wrong("The length is 1, but it points the opposite way. Length is never negative.")
    mistakes = {
        "That is the vector as it was: divide it by its length.": 1,
        "You divided by the sum. The length is the root of the sum of the squares.": of.sum() or np.nan,
        "You divided by the sum of the absolute values. Square first, and take the root.": abs(of).sum(),
        "You divided by the largest number. All numbers make up the length.": abs(of).max(),
        "You divided by the square of the length: take the root first.": of @ of,
        "You multiplied by the length. Divide by it.": 1 / _length(of),
    }
    for hint, divisor in mistakes.items():
        if close(unit, of / divisor, 0.006):
            raise wrong(hint)
    if close(_length(unit), 1, 0.006):
        raise wrong("Its length is 1, but it points elsewhere. Divide every number by the same length.")
    raise wrong(f"Its length is {_length(unit):.3g} and should be 1. Divide every number by the length.")


@exercise
def cosine_function(answer: Any) -> Verdict:
    """`answer`: a function of two vectors that gives their cosine, 0.0 where one of them is all zeros."""
    for a, b in (([1.0, 2.0, 2.0], [2.0, -1.0, 2.0]), ([4.0, 3.0], [8.0, 6.0]), ([0.0, 2.0], [0.0, -3.0])):
        _cosine_is_right(answer, np.array(a), np.array(b))
    for a, b in (([0.0, 0.0], [3.0, 4.0]), ([3.0, 4.0], [0.0, 0.0]), ([0.0, 0.0], [0.0, 0.0])):
        _zero_is_survived(answer, np.array(a), np.array(b))
    return right("It agrees with the library, and a text without a vector no longer stops it.")


@exercise
def odd_one_out(answer: Any, vectors: Any) -> Verdict:
    """`answer`: position of the vector, in shape (n, d), with the lowest mean cosine to the others."""
    if isinstance(answer, str):
        raise wrong("The sentence's number is wanted, counted from 0, not the sentence.")
    position = whole_number(answer)
    cosines = similarity.cosine_matrix(vectors)
    count = len(cosines)
    if not 0 <= position < count:
        raise wrong(f"There are {count} sentences, with the numbers 0 to {count - 1}.")
    means = (cosines.sum(axis=1) - cosines.diagonal()) / (count - 1)
    odd = int(means.argmin())
    if position == odd:
        return right("On average it lies farthest from the others.")
    if position == int(means.argmax()):
        raise wrong("That one is nearest to the others on average. The odd one has the LOWEST mean cosine.")
    if position - 1 == odd:
        raise wrong("Python counts from 0: have you counted from 1?")
    raise wrong("Another sentence has a lower mean cosine with the rest: the mean along each row tells.")


@exercise
def shortened(answer: Any, full: Any, count: int) -> Verdict:
    """`answer`: the first `count` numbers of the vector `full`, scaled to length 1 again."""
    full = np.asarray(full, dtype=float)
    size = answer.size if isinstance(answer, np.ndarray) else len(answer) if isinstance(answer, list) else 0
    if size == len(full):
        raise wrong(f"Still all {len(full)} numbers. A slice, `[:n]`, keeps the first n.")
    short = vector(answer, count)
    truth = full[:count] / _length(full[:count])
    if close(short, truth):
        return right("This is what `dimensions` asks the host to do.")
    first, last, spread = full[:count], full[-count:], full[:: max(1, len(full) // count)][:count]
    mistakes = {
        "These are the right numbers, as they were. Their length is no longer 1: divide by it.": first,
        "You divided by the full vector's length. The cut one is shorter.": first / _length(full),
        "You divided by the sum, not by the length.": first / (first.sum() or np.nan),
        "These are the LAST numbers. The model puts what matters most first.": last,
        "These are the last numbers, scaled. The model puts what matters most first.": last / _length(last),
        "These numbers are picked from all over the vector. The first ones are wanted: `[:n]`.": spread,
        "These are picked from all over the vector, and scaled. The first ones are wanted: `[:n]`.": (
            spread / _length(spread)
        ),
    }
    for hint, value in mistakes.items():
        if close(short, value):
            raise wrong(hint)
    if not close(_length(short), 1):
        raise wrong(f"Its length is {_length(short):.3g} and should be 1 after the cut.")
    raise wrong("The length is 1, but the direction is not that of the first numbers. Cut first, then scale.")


def _length(values: np.ndarray) -> float:
    return float(np.linalg.norm(values))


def _cosine_is_right(function: Any, a: np.ndarray, b: np.ndarray) -> None:
    value = number(ask(function, a.copy(), b.copy()), "Its result")
    truth = similarity.cosine(a, b)
    if close(value, truth):
        return
    about = f"For {a.tolist()} and {b.tolist()} it"
    unless_mistaken(
        value,
        {
            f"{about} gives the dot product. Divide by both lengths.": float(a @ b),
            f"{about} gives the distance. A cosine is the dot product over the lengths.": _length(a - b),
            f"{about} gives one minus the cosine: a distance, 0 for the same direction.": 1 - truth,
            f"{about} is divided by one length only. Divide by both.": float(a @ b) / _length(a),
            f"{about} is divided by one length only: divide by both.": float(a @ b) / _length(b),
            f"{about} gives the angle. The cosine itself is wanted.": float(np.arccos(np.clip(truth, -1, 1))),
            f"{about} is divided by the squares of the lengths: take the roots.": float(a @ b)
            / ((a @ a) * (b @ b)),
            f"{about} has lost its sign: opposite directions have a cosine of -1.": abs(truth),
        },
    )
    if abs(value) > 1:
        raise wrong(f"{about} gives {value:.3g}, but a cosine lies between -1 and 1.")
    raise wrong(f"{about} is not the cosine. Dot product, divided by the product of both lengths.")


def _zero_is_survived(function: Any, a: np.ndarray, b: np.ndarray) -> None:
    with np.errstate(all="ignore"):  # the verdict says it; a warning would only say it twice
        result = ask(function, a.copy(), b.copy())
    about = f"for {a.tolist()} and {b.tolist()}"
    if isinstance(result, float | np.floating) and not np.isfinite(result):
        raise wrong(f"The ordinary cosines are right, but {about} it gives {result}: a length is zero there.")
    value = number(result, "Its result")
    if value != 0:
        raise wrong(f"The ordinary cosines are right, but {about} it gives {value:.3g}. Agree on 0.0 there.")
