"""The checks of lesson 11: perplexity, how many samples, unlike prompts, choosing, and what patience costs.

Each works out the truth from what it is given, and knows the mistakes that are near at hand.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

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
from helpers.sampling import Sample, mean_logprob

ROUNDED = 0.0051  # an answer rounded to two decimals is precise enough
NEAR = 0.051  # one rounded to one decimal is told so
TWO_DECIMALS = "That is near. Give it to two decimals."

# ----------------------------------------------------------------------------- 11.1


@exercise
def perplexity(answer: Any, logprobs: Sequence[float]) -> Verdict:
    """exp of minus the mean log-probability of some tokens."""
    value = number(answer)
    listed = np.asarray(logprobs, dtype=float)
    truth = math.exp(-listed.mean())
    if close(value, truth, ROUNDED):
        return right(
            f"On average the model hesitated as if between {truth:.1f} equally likely tokens. The least "
            f"likely one alone had a probability of {math.exp(listed.min()):.3f}."
        )
    mistakes = {
        "That is the mean log-probability. e to the power of minus it is asked for.": listed.mean(),
        "That is minus the mean log-probability. One step is missing: e to the power of it.": -listed.mean(),
        "That is a typical probability, below 1. Perplexity is 1 divided by it: mind the minus.": (
            math.exp(listed.mean())
        ),
        "That takes the sum of the log-probabilities. Divide by the number of tokens first.": (
            math.exp(-listed.sum())
        ),
        "That is the sum of the log-probabilities: not yet per token.": listed.sum(),
        "These logarithms are natural ones: take e, not 2, to the power.": 2 ** -listed.mean(),
        "That is the mean of 1 / probability. Take the mean of the logarithms, and only then exp.": (
            float(np.exp(-listed).mean())
        ),
        "That is 1 divided by the mean probability. Take the mean of the logarithms instead.": (
            1 / float(np.exp(listed).mean())
        ),
    }
    unless_mistaken(value, mistakes, ROUNDED)
    if abs(value - truth) <= NEAR:
        raise wrong(TWO_DECIMALS)
    raise wrong(
        "Which of the steps from log-probabilities to a perplexity have you done? The text above names them."
    )


# ----------------------------------------------------------------------------- 11.2


@exercise
def samples_needed(answer: Any, p: float, wanted: float) -> Verdict:
    """The smallest k for which 1 - (1 - p)^k reaches `wanted`."""
    value = whole_number(answer)
    truth = _needed(p, wanted)
    if value == truth:
        return right(
            f"With {truth} samples the chance is {1 - (1 - p) ** truth:.2f}; with one less it would be "
            f"{1 - (1 - p) ** (truth - 1):.2f}."
        )
    mistakes = {
        "Nearly: that many do not quite reach it. Round up.": truth - 1,
        "That many do, but one less would be enough.": truth + 1,
        "That adds the chances up. Then enough samples would make more than 1: multiply the failures.": (
            math.ceil(wanted / p)
        ),
        "That is how many it takes on average until the first one joins.": math.ceil(1 / p),
        "The chances of joining and of not joining are exchanged.": _needed(1 - p, wanted),
        "That is when ALL of them would join. At least one is enough.": (
            math.ceil(math.log(wanted) / math.log(p))
        ),
    }
    unless_mistaken(value, {hint: n for hint, n in mistakes.items() if n != truth}, 1e-9)
    raise wrong(
        "What is the chance that none of k samples joins? Find the first k for which that falls to "
        f"{1 - wanted:.2f} or less."
    )


def _needed(p: float, wanted: float) -> int:
    k = 1
    while 1 - (1 - p) ** k < wanted:
        k += 1
    return k


# ----------------------------------------------------------------------------- 11.3

CASES: tuple[tuple[tuple[float, ...], int], ...] = (
    ((0.5, 0.3), 2),
    ((1.0, 0.0), 3),
    ((0.9, 0.4, 0.2), 1),
    ((0.6, 0.3, 0.1), 4),
)


@exercise
def average_chance(answer: Any) -> Verdict:
    """A function (chances, k): the mean over prompts of the chance that one of k samples joins."""
    for chances, k in CASES:
        p = np.array(chances)
        value = number(ask(answer, p.copy(), k), "What your function gives")
        truth = float((1 - (1 - p) ** k).mean())
        if close(value, truth, ROUNDED):
            continue
        where = f"With the chances {list(chances)} and k = {k}"
        mistakes = {
            f"{where}: that is the formula at the mean chance. Each prompt keeps its own.": (
                1 - (1 - p.mean()) ** k
            ),
            f"{where}: that is the chance that at least one PROMPT has a text. Take the mean over prompts.": 1
            - float(np.prod((1 - p) ** k)),
            f"{where}: that is how often none joins. Take it from 1.": float(((1 - p) ** k).mean()),
            f"{where}: that is how often all k join. At least one is enough.": float((p**k).mean()),
            f"{where}: that adds the chances of the k samples up.": float((k * p).mean()),
            f"{where}: that is the sum over prompts. Divide by how many there are.": (
                float((1 - (1 - p) ** k).sum())
            ),
            f"{where}: that is one sample's chance. What do k of them do?": float(p.mean()),
        }
        apart = {hint: number_ for hint, number_ in mistakes.items() if not close(number_, truth, ROUNDED)}
        unless_mistaken(value, apart)
        raise wrong(
            f"{where}, your function gives {value:.3f}. What does one prompt with chance p contribute? Work "
            "that out for each before you average."
        )
    return right(
        "Whenever the chances differ and k is above 1, this is below the formula at their mean: what a sure "
        "prompt gains from more samples is nothing, and an impossible one gains nothing either."
    )


# ----------------------------------------------------------------------------- 11.4


@exercise
def samples_drawn(answer: Any, p: float, most: int) -> Verdict:
    """How many samples are drawn on average, one at a time, until one joins, at most `most`."""
    value = number(answer)
    truth = sum((1 - p) ** i for i in range(most))
    if close(value, truth, ROUNDED):
        return right(
            f"Instead of {most} in any case: {truth / most:.0%} of the samples, and the same chance. "
            "The price is waiting: the requests come one after another."
        )
    chance = 1 - (1 - p) ** most
    successful = sum(i * p * (1 - p) ** (i - 1) for i in range(1, most + 1))
    mistakes = {
        "That is without a limit: nobody draws for ever.": 1 / p,
        "That is how many are drawn at once. How often is the second one drawn at all?": float(most),
        "That is the chance that one of them joins. How many are drawn?": chance,
        "That is how many of them would join, were all drawn.": most * p,
        "That leaves out the rounds in which none joins: all are drawn then.": successful,
        "That leaves out the rounds in which none joins: all are drawn then, too.": successful / chance,
        "That begins with the second sample. What about the one before it?": truth - 1,
        "That draws one more than allowed. The last one is number k.": truth + (1 - p) ** most,
    }
    unless_mistaken(value, {hint: n for hint, n in mistakes.items() if not close(n, truth, ROUNDED)}, ROUNDED)
    if abs(value - truth) <= NEAR:
        raise wrong(TWO_DECIMALS)
    raise wrong(
        "In how many of 100 rounds is the second sample drawn? The third? What does each add to the average?"
    )


# ----------------------------------------------------------------------------- 11.5

SHORT_STOP = Sample(" at once", "stop", (-3.0, -3.0))
LONG_STOP = Sample(" after a while and then some", "stop", (-1.0, -2.0, -1.5, -2.5, -1.0, -2.0))
BLANK_STOP = Sample(" ", "stop", (-0.1,))
LIKELY_CUT = Sample(" the the the", "length", (-0.1, -0.1, -0.1))
UNLIKELY_CUT = Sample(" a lexicographer's quagmire", "length", (-6.0,))
DULL_STOP = Sample(" again and again and again and again", "stop", (-3.0,) * 6)
TWIN_STOP = Sample(" a twin that comes later", "stop", (-1.5, -2.0, -1.0, -2.0, -1.5, -2.0))
ALL_CUT = "all were cut off"


@exercise
def pick(answer: Any) -> Verdict:
    """A function from a list of Samples to the one to use: stopped first, then mean log-probability."""
    cases = (
        ([LIKELY_CUT, SHORT_STOP], "one was cut off and one stopped"),
        ([UNLIKELY_CUT, LIKELY_CUT], ALL_CUT),
        ([DULL_STOP, LIKELY_CUT, LONG_STOP], "two stopped, equally long"),
        ([SHORT_STOP, LIKELY_CUT, LONG_STOP], "two stopped, a short and a long one"),
        ([LONG_STOP, UNLIKELY_CUT, TWIN_STOP], "two stopped and are equally likely per token"),
        ([BLANK_STOP, SHORT_STOP], "one has nothing in it"),
        ([SHORT_STOP], "there is one sample only"),
    )
    for samples, about in cases:
        found = _of_cut(answer, samples) if about == ALL_CUT else ask(answer, list(samples))
        if isinstance(found, str):
            raise wrong("Your function should give the sample itself, not its text.")
        if not isinstance(found, Sample) or found not in samples:
            raise wrong(f"Where {about}, your function should give one of the samples, not {kind_of(found)}.")
        best = max(samples, key=lambda s: (s.stopped, mean_logprob(s)))  # the first of equals
        if found == best:
            continue
        where = f"Where {about}"
        if found == BLANK_STOP:
            raise wrong(f'{where}, it ended with "stop" and is still of no use: ask it for `.stopped`.')
        if best.stopped and not found.stopped:
            raise wrong(
                f"{where}, you took one that was cut off, perhaps since it is likelier. Stopped first."
            )
        if found == TWIN_STOP:
            raise wrong(f"{where}, take the earlier one, so that the same call gives the same text.")
        if sum(found.logprobs) > sum(best.logprobs):
            raise wrong(f"{where}, you took the shorter one: compare the MEAN log-probability, not the sum.")
        raise wrong(f"{where}, you took the one that is less likely per token.")
    return right(
        "That is what `best_completion` does. Keep an eye on the case in which all were cut off: a program "
        "should be told, and not get the text as if nothing had happened."
    )


def _of_cut(answer: Any, samples: Sequence[Sample]) -> Any:
    """What a function chooses where none stopped. By now it has chosen once, so it gives something back."""
    try:
        found = answer(list(samples))
    except Exception:  # as max() and next() of nothing raise
        found = None
    if found is None:
        raise wrong(
            f"Where {ALL_CUT}, your function found none to choose from. The task says what holds then."
        )
    return found
