"""What all exercise checks share: verdicts, unfilled answers, errors in the learner's code."""

import numpy as np
import pytest

from helpers.exercises import core
from helpers.exercises.core import Verdict, exercise, right, wrong


@exercise
def double(answer, of):
    """A check to try the machinery on: the answer is twice `of`, or a function that doubles."""
    value = core.number(core.ask(answer, of) if callable(answer) else answer)
    core.unless_mistaken(value, {"That is the number itself.": of})
    if not core.close(value, 2 * of):
        raise wrong("Think of adding it to itself.")
    return right("Doubling adds a number to itself.")


def test_right():
    verdict = double(6, 3)
    assert verdict
    assert repr(verdict) == "✔ Right. Doubling adds a number to itself."


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (3, "the number itself"),
        (7, "adding it to itself"),
        ("6", "should be one number, but this is the text '6'"),
        ([6], "a list of 1"),
        (None, "a NoneType"),
        (True, "a bool"),
        (float("nan"), "no ordinary number"),
        (np.array([6, 6]), r"an array of shape (2,)"),
        (lambda: 6, "stopped with TypeError"),
        (lambda of: of / 0, "stopped with ZeroDivisionError: division by zero (line"),
        (lambda of: np.array([of]) @ np.ones(2), "stopped with ValueError"),
        (lambda of: None, "Does it end with `return`?"),
    ],
)
def test_wrong_with_a_hint(answer, says):
    verdict = double(answer, 3)
    assert verdict.status == "wrong"
    assert not verdict
    assert says in verdict.message


@pytest.mark.parametrize("answer", [..., lambda of: ...])
def test_unanswered_does_not_stop_the_notebook(answer):
    verdict = double(answer, 3)
    assert verdict.status == "unanswered"
    assert "Replace the ..." in verdict.message


@pytest.mark.parametrize("answer", [6, 6.0, np.float32(6), np.array(6), lambda of: of * 2])
def test_numbers_of_every_kind(answer):
    assert double(answer, 3)


def test_html_is_escaped_and_says_the_status_in_words():
    page = Verdict("wrong", "<b>not</b> & this")._repr_html_()
    assert "Not yet." in page
    assert "&lt;b&gt;not&lt;/b&gt; &amp; this" in page


def test_whole_number_and_vector():
    with pytest.raises(core._Stop, match="whole number"):
        core.whole_number(2.5)
    assert core.whole_number(np.int64(3)) == 3
    with pytest.raises(core._Stop, match=r"shape \(3,\)"):
        core.vector([1, 2], 3)
    with pytest.raises(core._Stop, match="3 numbers"):
        core.vector("abc", 3)
    assert core.vector((1, 2, 3), 3).tolist() == [1, 2, 3]


def test_a_bug_in_a_check_is_not_hidden():
    @exercise
    def broken(answer):
        return answer.no_such_thing

    with pytest.raises(AttributeError):
        broken(1)


def test_ask_wants_a_function():
    with pytest.raises(core._Stop, match="A function is wanted here, but this is a list of 2"):
        core.ask([1, 2])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("x" * 50, "a text"),
        ({1: 2}, "a dict of 1"),
        (len, "call it?"),
        (1j, "complex"),
        (7, "an int"),
        (0.5, "a float"),
        (object(), "an object"),
    ],
)
def test_kind_of(value, words):
    assert words in core.kind_of(value)
