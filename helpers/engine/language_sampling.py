"""Drawing texts from the n-gram model: temperature, top_p, penalties, bias, stop sequences, best of several.

A text ends with "stop" at its own end, at a stop sequence or where it joins its suffix
(`language_insertion`), and with "length" where it is cut off. While a suffix is due, the end of a text is
never drawn. A prompt that ends in a blank is answered with a word without its blank, which is how the model
spells words otherwise.

The random numbers of a text depend on the seed and on which of the n texts it is. So a text under a larger
`max_tokens` begins as it does under a smaller one, and the first of five is the one that would come alone.
Penalties and bias act first, then temperature, then top_p; reported log-probabilities are the model's own,
before all of these.
"""

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from helpers.engine.choices import cut, first_stop, likeliest
from helpers.engine.generation import Choice, FinishReason, Generation, Token
from helpers.engine.language_insertion import Seam
from helpers.engine.language_training import END, ORDER

if TYPE_CHECKING:
    from helpers.engine.language import LanguageModel

START = (END,) * (ORDER - 1)
BAN = -100.0  # a bias so low that the token is never drawn
STRONGEST = 300.0  # what penalties may add to a logit, so that nothing overflows


def generate(model: "LanguageModel", request: Generation) -> list[Choice]:
    """The answers: of `best_of` drawn the `n` likeliest, or all when that is no more than `n`."""
    writer = _Writer(model, request)
    seed = random.randrange(2**63) if request.seed is None else request.seed
    drawn = [writer.text(random.Random(f"{seed} {i}")) for i in range(max(request.n, request.best_of))]
    return likeliest(drawn, request.n) if request.n < len(drawn) else drawn


class _Writer:
    """One request, prepared once for all of its texts."""

    def __init__(self, model: "LanguageModel", request: Generation):
        self.model, self.request = model, request
        self.context = [*START, *model.encode(request.prompt)]
        self.after_blank = len(self.context) > len(START) and model.text_of(self.context[-1]) == " "
        if self.after_blank:
            self.context.pop()
        self.seam = Seam(model, request.suffix) if request.suffix else None
        self.bias = {token: -math.inf if value <= BAN else value for token, value in request.logit_bias}

    def text(self, numbers: random.Random) -> Choice:
        """One text, drawn with these random numbers."""
        tokens: Sequence[Token] = []
        text = ""
        reason: FinishReason = "stop"
        for step in self._steps(numbers):
            if not isinstance(step, Token):
                reason = step
                break
            tokens.append(step)
            text += step.text
            stop = first_stop(text, self.request.stop)
            if stop is not None:
                text, tokens = text[:stop], cut(tokens, stop)
                break
        return Choice(text, tuple(tokens), reason)

    def _steps(self, numbers: random.Random) -> Iterator[Token | FinishReason]:
        """The tokens as they are drawn, and then why there are no more."""
        context = list(self.context)
        drawn: Counter[int] = Counter()
        for number in range(self.request.max_tokens + 1):
            if number and self.seam and self.seam.joins(context, self.request.temperature, numbers):
                if not self.seam.blank:
                    yield "stop"
                    return
                if number < self.request.max_tokens:
                    yield self._blank(context)
                    yield "stop"
                    return
            if number == self.request.max_tokens:
                break
            trimmed = self.after_blank and not number
            probabilities = self._probabilities(context, trimmed)
            token = self._draw(self._adjusted(probabilities, drawn), numbers)
            if token == END:
                yield "stop"
                return
            yield self._reported(token, probabilities, trimmed)
            context.append(token)
            drawn[token] += 1
        yield "length"

    def _probabilities(self, context: Sequence[int], trimmed: bool) -> np.ndarray:
        """What the model says; for the word after a blank, what it says of words that begin with one."""
        probabilities = self.model.distribution(context)
        if trimmed:
            probabilities[~self.model.after_blank] = 0
            probabilities /= probabilities.sum()
        return probabilities

    def _adjusted(self, probabilities: np.ndarray, drawn: Counter[int]) -> np.ndarray:
        """Weights: the probabilities as penalties, bias and a suffix that is due would have them."""
        request = self.request
        changes = dict(self.bias)  # of logits, as it is for OpenAI
        if request.presence_penalty or request.frequency_penalty:
            for token, times in drawn.items():
                penalty = request.presence_penalty + times * request.frequency_penalty
                changes[token] = changes.get(token, 0.0) - penalty
        if self.seam:
            changes[END] = -math.inf
        if not changes:
            return probabilities
        adjusted = probabilities.copy()
        for token, change in changes.items():
            adjusted[token] *= math.exp(min(change, STRONGEST))
        return adjusted if adjusted.any() else probabilities

    def _draw(self, weights: np.ndarray, numbers: random.Random) -> int:
        number = numbers.random()
        if self.request.temperature == 0:
            return int(weights.argmax())
        by_likelihood = weights  # powers of equal numbers need not be equal on every machine; ranks are
        if self.request.temperature != 1:
            weights = sharpened(weights, self.request.temperature)
        if self.request.top_p < 1:
            candidates = nucleus(weights, self.request.top_p, by_likelihood)
            return int(candidates[_place(weights[candidates], number)])
        return _place(weights, number)

    def _reported(self, token: int, probabilities: np.ndarray, trimmed: bool) -> Token:
        skip = int(trimmed)
        top = ()
        if self.request.top_logprobs:
            likeliest = self.model.likeliest(probabilities, self.request.top_logprobs)
            top = tuple((text[skip:], logprob) for text, logprob in likeliest)
        return Token(self.model.text_of(token)[skip:], math.log(probabilities[token]), top)

    def _blank(self, context: Sequence[int]) -> Token:
        """The blank before a suffix that has none: as likely as any word that begins with one."""
        share = float(self.model.distribution(context)[self.model.after_blank].sum())
        return Token(" ", math.log(share), ((" ", math.log(share)),) if self.request.top_logprobs else ())


def nucleus(weights: np.ndarray, top_p: float, ranks: np.ndarray) -> np.ndarray:
    """The fewest tokens that hold a share of `top_p` of the weights, at least one; ties by id.

    `ranks` orders them, highest first, and must rise with `weights`.
    """
    total = weights.sum()
    # All tokens below this floor together hold less than what may be left out: sorting the others is enough.
    possible = np.flatnonzero(weights >= (1 - top_p) * total / len(weights))
    order = possible[np.argsort(-ranks[possible], kind="stable")]
    enough = int(weights[order].cumsum().searchsorted(top_p * total)) + 1
    return order[:enough]


def _place(weights: np.ndarray, number: float) -> int:
    """The place that a number from 0 to 1 falls on, each as wide as its weight."""
    sums = weights.cumsum()
    place = int(sums.searchsorted(number * sums[-1], side="right"))
    return min(place, int(np.flatnonzero(weights)[-1]))  # should rounding lead past the last one


def sharpened(weights: np.ndarray, temperature: float) -> np.ndarray:
    """Weights to the power of 1 / temperature, the largest of them scaled to 1 so that nothing overflows."""
    with np.errstate(under="ignore"):
        return (weights / weights.max()) ** (1 / temperature)
