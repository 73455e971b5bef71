"""Insertion: when does a drawn text run into its suffix?

Before each token but the first, two explanations compete: the suffix comes now, or the text goes on. By
Bayes' rule the odds for "now" are the odds SEAM that any place is the seam, times the lift: how many times
likelier the model finds the suffix after the text so far than after nothing known,

    lift = p(first three tokens of the suffix | last three tokens) / p(first three tokens of the suffix).

With these odds it is drawn whether the text joins its suffix here; never where the lift is 1 or less, for
there what stands before speaks against the suffix. Later tokens of the suffix need no look: the model looks
back three tokens, so they do not see past the seam, and the lift is that of the whole suffix. At
temperature 0 nothing is drawn: the text joins as soon as the odds are above 1.

A suffix that begins with a letter or a digit is joined by a blank, which then ends the insertion. A word
that the training never saw is taken for any word that it saw once: it fits where those fit.
"""

import itertools
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from helpers.engine.language_training import ORDER

if TYPE_CHECKING:
    from helpers.engine.language import LanguageModel

SEAM = 1 / 100  # the odds that any place is the seam, before the suffix is looked at


class Seam:
    """What the model knows of one suffix."""

    def __init__(self, model: "LanguageModel", suffix: str):
        self.model = model
        self.blank = " " if suffix[0].isalnum() else ""
        beginning = model.encode(self.blank + suffix)[: ORDER - 1]
        self.beginning = list(itertools.takewhile(lambda token: token < model.words, beginning))
        self.alone = self.probability(())

    def probability(self, context: Sequence[int]) -> float:
        """How likely the suffix's first tokens are, one after the other, after these."""
        if not self.beginning:
            return float(self.model.distribution(context)[self.model.rare].sum())
        before = [*context[-ORDER + 1 :]]
        result = 1.0
        for token in self.beginning:
            result *= self.model.probability(token, before)
            before.append(token)
        return result

    def lift(self, context: Sequence[int]) -> float:
        """How many times likelier the suffix is after these tokens than after nothing known."""
        return self.probability(context) / self.alone

    def joins(self, context: Sequence[int], temperature: float, numbers: random.Random) -> bool:
        """Whether a text that ends with these tokens joins its suffix here. Takes one random number."""
        number = numbers.random()
        lift = self.lift(context)
        odds = lift * SEAM
        if temperature == 0:
            return odds > 1
        return lift > 1 and number < odds / (1 + odds)
