"""How an exercise is checked: an answer goes in, a verdict comes out that says what to look at again.

A check is a function with `@exercise` that takes the answer (and what it is about) and ends with
`return right(...)` or stops with `raise wrong(...)`. The decorator deals with what all exercises share:
an answer still `...`, a function still without a body, an error in the learner's own code.
A check never raises and never ends the notebook. The checks themselves are in one module a lesson.
"""

import dataclasses
import functools
import html
import math
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

Status = Literal["right", "wrong", "unanswered"]
WORDS: dict[Status, str] = {"right": "Right.", "wrong": "Not yet.", "unanswered": "Not answered yet."}
SIGNS: dict[Status, str] = {"right": "✔", "wrong": "✘", "unanswered": "…"}
COLOURS: dict[Status, str] = {"right": "#0072b2", "wrong": "#d55e00", "unanswered": "#767676"}


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a check says. True where it is right; shown as text, in a notebook as a marked line."""

    status: Status
    message: str

    def __bool__(self) -> bool:
        return self.status == "right"

    def __repr__(self) -> str:
        return f"{SIGNS[self.status]} {WORDS[self.status]} {self.message}".rstrip()

    def _repr_html_(self) -> str:
        colour = COLOURS[self.status]
        return (
            f'<div style="border-left: 4px solid {colour}; padding: 4px 10px">'
            f'<strong style="color: {colour}">{SIGNS[self.status]} {WORDS[self.status]}</strong> '
            f"{html.escape(self.message)}</div>"
        )


class _Stop(Exception):
    def __init__(self, verdict: Verdict):
        super().__init__(verdict.message)
        self.verdict = verdict


def right(message: str = "") -> Verdict:
    """The answer is right; `message` says what to take from it."""
    return Verdict("right", message)


def wrong(message: str) -> _Stop:
    """`raise wrong(hint)`: the answer is not right, and `hint` says why or where to look."""
    return _Stop(Verdict("wrong", message))


def exercise(check: Callable[..., Verdict]) -> Callable[..., Verdict]:
    """Make a check safe to call in a notebook: it always returns a `Verdict`."""

    @functools.wraps(check)
    def checked(answer: Any, *about: Any, **named: Any) -> Verdict:
        if answer is ...:
            return Verdict("unanswered", "Replace the ... in this cell with your answer and run it again.")
        try:
            return check(answer, *about, **named)
        except _Stop as stop:
            return stop.verdict

    checked.is_exercise = True  # type: ignore[attr-defined]
    return checked


def ask(function: Any, *arguments: Any) -> Any:
    """Call the learner's function; what it raises or forgets to return becomes a verdict."""
    if not callable(function):
        raise wrong(f"A function is wanted here, but this is {kind_of(function)}.")
    try:
        result = function(*arguments)
    except Exception as error:  # whatever the learner's code raises is for the learner to read
        where = _line_in(function, error)
        raise wrong(f"Your function stopped with {type(error).__name__}: {error}{where}.") from error
    if result is ...:
        raise _Stop(Verdict("unanswered", "Replace the ... in the function and run the cell again."))
    if result is None:
        raise wrong("Your function gives nothing back. Does it end with `return`?")
    return result


def _line_in(function: Any, error: Exception) -> str:
    """The line of the learner's own function, not that of the library which it called."""
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == file]
    return f" (line {lines[-1]})" if lines else ""


def number(value: Any, name: str = "The answer") -> float:
    """`value` as a float, or a verdict: it must be one ordinary number."""
    if isinstance(value, np.ndarray | np.generic) and np.ndim(value) == 0:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong(f"{name} should be one number, but this is {kind_of(value)}.")
    if not math.isfinite(value):
        raise wrong(f"{name} is {value}: no ordinary number. Was something divided by zero?")
    return float(value)


def whole_number(value: Any, name: str = "The answer") -> int:
    """`value` as an int, or a verdict: it must be a count."""
    result = number(value, name)
    if result != int(result):
        raise wrong(f"{name} counts something, so it should be a whole number, but this is {result:g}.")
    return int(result)


def vector(value: Any, length: int, name: str = "The answer") -> np.ndarray:
    """`value` as a float array of shape (length,), or a verdict."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise wrong(f"{name} should be {length} numbers, but this is {kind_of(value)}.") from None
    if array.shape != (length,):
        raise wrong(f"{name} should have the shape ({length},), but yours has {array.shape}.")
    return array


def close(left: Any, right_: Any, tolerance: float = 1e-4) -> bool:
    """Whether numbers or arrays agree to within `tolerance` (absolute, or relative when large)."""
    return bool(np.allclose(left, right_, rtol=tolerance, atol=tolerance))


def unless_mistaken(answer: float, mistakes: Mapping[str, float], tolerance: float = 1e-4) -> None:
    """Stop with the hint whose number the answer is: `mistakes` maps hints to what each mistake gives."""
    for hint, value in mistakes.items():
        if close(answer, value, tolerance):
            raise wrong(hint)


def kind_of(value: Any) -> str:
    """What a value is, in words for a learner: "a list of 3", "text", "an array of shape (2, 256)"."""
    if isinstance(value, str):
        return f"the text {value!r}" if len(value) <= 30 else "a text"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, list | tuple | set | dict):
        return f"a {type(value).__name__} of {len(value)}"
    if callable(value):
        return "a function (call it?)"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeioAEIO' else 'a'} {name}"
