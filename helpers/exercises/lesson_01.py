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
    wrong,
)
from helpers.similarity import magnitude

TWO_DECIMALS = 0.006  # what an answer rounded to two decimals may be off by
NOT_ALLOWED = {"cosine", "cosine_matrix", "cosine_similarity"}  # what the exercise asks to write out


@exercise
def token_ratio(answer: Any, english: str, korean: str, model: str) -> Verdict:
    """`answer`: how many times as many of `model`'s tokens `korean` has as `english`."""
    ratio = number(answer)
    few, many = (int(count) for count in tokens.count([english, korean], model))
    truth = many / few
    if close(ratio, truth, TWO_DECIMALS):  # two digits are enough
        return right("The same message, and the bill and the limit count it that many times.")
    other = "gpt-4o" if tokens.encoding_name(model) != tokens.O200K else "text-embedding-3-small"
    elsewhere = {name: tokens.count([english, korean], name) for name in (other, "wordllama-256")}
    mistakes = {
        "That is the English count divided by the Korean one: turn it round.": few / many,
        "That is the difference. Divide one count by the other.": many - few,
        "That is the Korean count alone. Divide it by the English one.": many,
        "That compares characters. Count tokens: `tokens.count`.": len(korean) / len(english),
        "That compares bytes. Count tokens: `tokens.count`.": len(korean.encode()) / len(english.encode()),
        "That compares words. Count tokens: `tokens.count`.": len(korean.split()) / len(english.split()),
    } | {
        f"That is the ratio for {name}, another tokenizer. Count for {model}.": counts[1] / counts[0]
        for name, counts in elsewhere.items()
    }
    unless_mistaken(ratio, mistakes, TWO_DECIMALS)
    raise wrong(f"Count both sentences' tokens for {model}, and divide the Korean count by the English.")


@exercise
def direction(answer: Any, of: Any) -> Verdict:
    """`answer`: the vector `of`, shape (d,), scaled to magnitude 1."""
    of = np.asarray(of, dtype=float)
    if isinstance(answer, int | float | np.number) and close(answer, magnitude(of), TWO_DECIMALS):
        raise wrong(
            "That is the magnitude. The direction is the vector divided by it: as many numbers again."
        )
    unit = vector(answer, len(of))
    if close(unit, of / magnitude(of), TWO_DECIMALS):
        return right("Same direction, magnitude 1.")
    if close(unit, -of / magnitude(of), TWO_DECIMALS):
        raise wrong("The magnitude is 1, but it points the opposite way. Magnitude is never negative.")
    mistakes = {
        "That is the vector as it was: divide it by its magnitude.": 1,
        "You divided by the sum. The magnitude is the root of the sum of the squares.": of.sum() or np.nan,
        "You divided by the sum of the absolute values. Square first, and take the root.": abs(of).sum(),
        "You divided by the largest number. All numbers make up the magnitude.": abs(of).max(),
        "You divided by the square of the magnitude: take the root first.": of @ of,
        "You multiplied by the magnitude. Divide by it.": 1 / magnitude(of),
    }
    for hint, divisor in mistakes.items():
        if close(unit, of / divisor, TWO_DECIMALS):
            raise wrong(hint)
    if close(magnitude(unit), 1, TWO_DECIMALS):
        raise wrong("Its magnitude is 1, but it points elsewhere. Divide every number by the same magnitude.")
    raise wrong(
        f"Its magnitude is {magnitude(unit):.3g} and should be 1. Divide every number by the magnitude."
    )


ORDINARY = (  # pairs of vectors, none of them all zeros
    ([1.0, 2.0, 2.0], [2.0, -1.0, 2.0]),
    ([4.0, 3.0], [8.0, 6.0]),
    ([0.0, 2.0], [0.0, -3.0]),
    ([1.0, -1.0], [1.0, -1.0]),  # the numbers add up to 0, and yet it has a direction
    ([0.01, 0.0], [0.01, 0.0]),  # short, and yet it has a direction
)


@exercise
def cosine_function(answer: Any) -> Verdict:
    """`answer`: a function of two vectors that gives their cosine, 0.0 where one of them is all zeros."""
    if called := NOT_ALLOWED & {getattr(answer, "__name__", ""), *_names_in(answer)}:
        raise wrong(f"`{min(called)}` has the guard already. Write the formula out, without calling it.")
    for a, b in ORDINARY:
        _cosine_is_right(answer, np.array(a), np.array(b))
    for a, b in (([0.0, 0.0], [3.0, 4.0]), ([3.0, 4.0], [0.0, 0.0]), ([0.0, 0.0], [0.0, 0.0])):
        _zero_is_survived(answer, np.array(a), np.array(b))
    return right("It agrees with the library, and a text without a vector no longer stops it.")


@exercise
def odd_one_out(answer: Any, vectors: Any) -> Verdict:
    """`answer`: of the vectors, shape (n, d), the lowest mean cosine of one with the others."""
    value = number(answer)
    cosines = similarity.cosine_matrix(vectors)
    count = len(cosines)
    sums = cosines.sum(axis=1)
    means = (sums - cosines.diagonal()) / (count - 1)  # (n,): with the others
    if close(value, means.min(), TWO_DECIMALS):
        return right(f"On average sentence {means.argmin()}, counted from 0, lies farthest from the others.")
    with_itself = "That mean includes the 1 of the sentence with itself. Only the other four count."
    mistakes = {
        with_itself: sums.min() / count,
        "You took the 1 of the sentence with itself off, but divided as if it were still there.": (
            (sums.min() - 1) / count
        ),
        "You divided by the number of the others, but the sum still holds the sentence with itself.": (
            sums.min() / (count - 1)
        ),
        "That is the highest mean. The odd sentence has the lowest.": means.max(),
        "That is the highest mean, and it includes the sentence with itself.": sums.max() / count,
        "That is the lowest single cosine. Take the mean over each sentence's row first.": cosines.min(),
        "That is the mean over all sentences. Take one mean per sentence, then the lowest.": means.mean(),
        "That is the sum of the cosines. Divide it by how many there are.": sums.min() - 1,
        "That is the sum over the row. Divide it by how many others there are.": sums.min(),
        "That is the mean of the vector's own numbers. Compare the sentences first: `cosine_matrix`.": (
            np.mean(vectors, axis=1).min()
        ),
    }
    for tolerance in (1e-4, TWO_DECIMALS):  # two mistakes can lie close together: the closer one first
        unless_mistaken(value, mistakes, tolerance)
    if value == int(value) and 0 <= value <= count:
        raise wrong("That looks like a sentence's number. Its mean cosine with the others is wanted.")
    raise wrong(
        "No sentence has that as its lowest mean: mean along each row, without itself, then the lowest."
    )


@exercise
def shortened(answer: Any, full: Any, count: int) -> Verdict:
    """`answer`: the first `count` numbers of the vector `full`, scaled to magnitude 1 again."""
    full = np.asarray(full, dtype=float)
    size = answer.size if isinstance(answer, np.ndarray) else len(answer) if isinstance(answer, list) else 0
    if size == len(full):
        raise wrong(f"Still all {len(full)} numbers. A slice, `[:n]`, keeps the first n.")
    short = vector(answer, count)
    truth = full[:count] / magnitude(full[:count])
    if close(short, truth):
        return right("This is what `dimensions` asks the host to do.")
    first, last, spread = full[:count], full[-count:], full[:: max(1, len(full) // count)][:count]
    mistakes = {
        (
            "These are the first numbers, but their magnitude is not 1. Dividing by the magnitude of `full` "
            "changes nothing, because it is already 1: divide by the magnitude of the cut."
            if close(magnitude(full), 1)
            else "These are the right numbers, as they were. Their magnitude is no longer 1: divide by it."
        ): first,
        "You divided by the full vector's magnitude. The cut has a smaller one.": first / magnitude(full),
        "You divided by the sum, not by the magnitude.": first / (first.sum() or np.nan),
        "These are the LAST numbers. The model puts what matters most first.": last,
        "These are the last numbers, scaled. The model puts what matters most first.": last / magnitude(last),
        "These numbers are picked from all over the vector. The first ones are wanted: `[:n]`.": spread,
        "These are picked from all over the vector, and scaled. The first ones are wanted: `[:n]`.": (
            spread / magnitude(spread)
        ),
    }
    for hint, value in mistakes.items():
        if close(short, value):
            raise wrong(hint)
    if not close(magnitude(short), 1):
        raise wrong(f"Its magnitude is {magnitude(short):.3g} and should be 1 after the cut.")
    raise wrong(
        "The magnitude is 1, but the direction is not that of the first numbers. Cut first, then scale."
    )


def _names_in(function: Any) -> tuple[str, ...]:
    """The names that a function written in Python uses."""
    code = getattr(function, "__code__", None)
    return code.co_names if code else ()


def _cosine_is_right(function: Any, a: np.ndarray, b: np.ndarray) -> None:
    value = number(ask(function, a.copy(), b.copy()), "Its result")
    truth = similarity.cosine(a, b)
    if close(value, truth):
        return
    about = f"For {a.tolist()} and {b.tolist()} it"
    unless_mistaken(
        value,
        {
            f"{about} gives the dot product. Divide by both magnitudes.": float(a @ b),
            f"{about} gives the distance. A cosine is the dot product over the magnitudes.": magnitude(a - b),
            f"{about} gives one minus the cosine: a distance, 0 for the same direction.": 1 - truth,
            f"{about} is divided by one magnitude only. Divide by both.": float(a @ b) / magnitude(a),
            f"{about} is divided by one magnitude only: divide by both.": float(a @ b) / magnitude(b),
            f"{about} gives the angle. The cosine itself is wanted.": float(np.arccos(np.clip(truth, -1, 1))),
            f"{about} is divided by the squares of the magnitudes: take the roots.": float(a @ b)
            / ((a @ a) * (b @ b)),
            f"{about} has lost its sign: opposite directions have a cosine of -1.": abs(truth),
        },
    )
    if abs(value) > 1:
        raise wrong(f"{about} gives {value:.3g}, but a cosine lies between -1 and 1.")
    raise wrong(f"{about} is not the cosine. Dot product, divided by the product of both magnitudes.")


def _zero_is_survived(function: Any, a: np.ndarray, b: np.ndarray) -> None:
    with np.errstate(all="ignore"):  # the verdict says it; a warning would only say it twice
        result = ask(function, a.copy(), b.copy())
    about = f"for {a.tolist()} and {b.tolist()}"
    if isinstance(result, float | np.floating) and not np.isfinite(result):
        raise wrong(
            f"The ordinary cosines are right, but {about} it gives {result}: a magnitude is zero there."
        )
    value = number(result, "Its result")
    if value != 0:
        raise wrong(f"The ordinary cosines are right, but {about} it gives {value:.3g}. Agree on 0.0 there.")
