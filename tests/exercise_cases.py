"""What every exercise's check must do, as tests that a lesson's test module fills with its own cases.

    from exercise_cases import Case, make_tests

    CASES = [Case("ratio", lambda answer: check.ratio(answer, 1, 2), solutions=[0.5], wrong=[(2, "turn it")])]
    TestExercises = make_tests(CASES)

`check` takes the answer alone. A wrong answer comes with a telling fragment of the hint that it must get.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

from helpers.exercises.core import Verdict

FEWEST_WRONG = 5

# What no exercise asks for: a check must answer it with a sentence and never fall over it.
NONSENSE = (
    None, "", "   ", "words", b"bytes", True, -1, 0, 10**30, float("nan"), float("inf"), 1j, object(), print,
    [], (), {}, set(), [None], ["a", "b"], [[1], [2, 3]], {"a": 1}, np.array([]), np.zeros((2, 3)),
    np.array(["a"]), np.array(7), np.float32(0.1), lambda: 1, lambda *_: None, lambda *_: "text", int,
)  # fmt: skip


class Case(NamedTuple):
    """One exercise: its check with all but the answer filled in, right answers, and wrong ones with hints."""

    name: str
    check: Callable[[Any], Verdict]
    solutions: Sequence[Any]
    wrong: Sequence[tuple[Any, str]]
    secret: str = ""  # words of the solution that no hint may hold


def make_tests(cases: Sequence[Case]) -> type:
    """A class of tests over `cases`; bind it to a name that begins with `Test`."""
    every_case = pytest.mark.parametrize("case", cases, ids=[case.name for case in cases])

    class TestExercises:
        @every_case
        def test_accepts_its_solutions(self, case: Case) -> None:
            for solution in case.solutions:
                verdict = case.check(solution)
                assert verdict.status == "right", f"{solution!r}: {verdict.message}"

        @every_case
        def test_says_what_is_wrong(self, case: Case) -> None:
            assert len(case.wrong) >= FEWEST_WRONG
            for answer, fragment in case.wrong:
                verdict = case.check(answer)
                assert verdict.status == "wrong", f"{answer!r} was accepted"
                assert fragment in verdict.message, f"{answer!r}: {verdict.message}"

        @every_case
        def test_gives_no_answer_away(self, case: Case) -> None:
            hints = [case.check(answer).message for answer, _ in case.wrong]
            assert all(not case.secret or case.secret not in hint for hint in hints)

        @every_case
        def test_an_answer_not_given_is_not_wrong(self, case: Case) -> None:
            assert case.check(...).status == "unanswered"

        @every_case
        def test_nonsense_gets_a_sentence(self, case: Case) -> None:
            for answer in NONSENSE:
                verdict = case.check(answer)
                assert verdict.status == "wrong", f"{answer!r} was accepted: {verdict.message}"
                assert verdict.message.endswith((".", "?", ")")), verdict.message

    return TestExercises
