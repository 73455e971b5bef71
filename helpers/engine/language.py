"""The engine's language model: which token comes next, from counts of runs of up to four tokens.

An interpolated Kneser-Ney model (sources in `language_training`): what followed the last three tokens in
the training counts, each count lowered by a discount D; the share thus saved goes to what followed the last
two, then the last one, then any token of its form (a word, a mark or a blank: "catWe" is no English), then
to the words' own frequency and in the end to all words alike. One discount a length, D = n1 / (n1 + 2 n2)
with n1, n2 the runs counted once and twice (Ney, Essen and Kneser 1994, as in Chen and Goodman 1999). The
step by form is our addition.

What the vocabulary lacks is spelled: once in ten thousand tokens the model turns to spelling, and goes on
with it four times out of five. A character is as likely as it was frequent; one never seen shares a
thousandth with all the others of Unicode. So every text has a probability, and all tokens' add up to 1.

Only plain float64 additions and multiplications in a fixed order, so that the same seed gives the same text
on every machine. Trained on a thousand reviews, it is a toy: fluent for four words, and about nothing.

Left out: drawing tokens, stops and insertion (in `language_sampling`); a trained model is never changed.
"""

import functools
import math
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from helpers.engine import language_sampling, language_training
from helpers.engine.choices import END_SHOWN
from helpers.engine.generation import Choice, Generation, Token
from helpers.engine.language_training import BASE, END, ORDER, Counts

NAME = "reviews-ngram"
START = (END,) * (ORDER - 1)  # what stands before a text's first token

SPELL = 1e-4  # how often a token that is not spelled is followed by one that is
SPELL_ON = 0.8  # how often a spelled token is
NEW_CHARACTER = 1e-3  # the share of spelled characters that training never saw
CODE_POINTS = 0x110000

AFTER_WORD, AFTER_MARK, AFTER_BLANK = 0, 1, 2  # what the last token may be


class LanguageModel:
    """A trained model; fulfils `generation.TextModel`. Safe to use from several threads.

    Token ids: END is 0, then the vocabulary, then each character seen in training, then Unicode.
    """

    def __init__(self, counts: Counts, name: str = NAME):
        self.name = name
        self.texts = [*counts.vocabulary, *counts.characters]
        self.words = len(counts.vocabulary)
        self.size = len(self.texts)  # ids below this one may be drawn
        self._ids = {text: i for i, text in enumerate(counts.vocabulary) if text}
        self._character_ids = {text: self.words + i for i, text in enumerate(counts.characters)}
        self._letters = counts.character_counts / counts.character_counts.sum() * (1 - NEW_CHARACTER)
        self._new_letter = NEW_CHARACTER / (CODE_POINTS - len(counts.characters))
        self._unigrams = _unigrams(counts)
        self._forms = [form(text) for text in self.texts]
        self._after_forms = _after_forms(counts, self._forms, self._unigrams)
        self._levels = [_Level(counts.runs[n], counts.run_counts[n]) for n in range(1, ORDER)]
        self.fingerprint = f"{counts.fingerprint():08x}"
        self.rare = np.flatnonzero(self._unigrams == self._unigrams.min())  # words seen after one other only
        self.after_blank = np.array([len(text) > 1 and text[0] == " " for text in self.texts])

    # ------------------------------------------------------------------------- tokens

    def encode(self, text: str) -> list[int]:
        """The token ids of a text."""
        ids: list[int] = []
        for piece in language_training.pieces(text):
            known = self._ids.get(piece)
            if known is None:
                ids += [self._character_ids.get(c, self.size + ord(c)) for c in piece]
            else:
                ids.append(known)
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """The text of token ids. Raises ValueError for a number that is no token id."""
        return "".join(map(self.text_of, ids))

    def text_of(self, token: int) -> str:
        """One token's text; that of END is empty. Raises ValueError for a number that is no token id."""
        if not 0 <= token < self.size + CODE_POINTS:
            raise ValueError(f"{token} is no token id: they go from 0 to {self.size + CODE_POINTS - 1}")
        return self.texts[token] if token < self.size else chr(token - self.size)

    def count(self, text: str) -> int:
        """How many tokens a text has."""
        return len(self.encode(text))

    # ------------------------------------------------------------------------- probabilities

    def distribution(self, context: Sequence[int]) -> np.ndarray:
        """How likely each id below `size` comes next: float64 (size,), 1 less what new characters get.

        `context`: the token ids before; the last three matter. A text begins with `START`.
        """
        spell = self._spell(context)
        rows = self._rows(context)
        scale = 1 - spell
        parts = []
        for level, row in reversed(rows):
            parts.append((*level.followers(row), scale))
            scale *= level.saved[row]
        result = np.empty(self.size)
        np.multiply(self._first(context), scale, out=result[: self.words])
        np.multiply(self._letters, spell, out=result[self.words :])
        for tokens, weights, share in reversed(parts):
            result[tokens] += weights * share
        return result

    def probability(self, token: int, context: Sequence[int]) -> float:
        """How likely one token id comes next: what `distribution` says, for any id, and sooner."""
        spell = self._spell(context)
        if token >= self.words:
            letter = token - self.words
            return spell * (float(self._letters[letter]) if token < self.size else self._new_letter)
        result = float(self._first(context)[token])
        for level, row in self._rows(context):
            result = result * level.saved[row] + level.weight(row, token)
        return (1 - spell) * result

    def _first(self, context: Sequence[int]) -> np.ndarray:
        """The words' probabilities from the form of the last token alone: float64 (words,)."""
        if not context:
            return self._unigrams
        last = context[-1]
        return self._after_forms[self._forms[last] if last < self.size else form(self.text_of(last))]

    def _spell(self, context: Sequence[int]) -> float:
        return SPELL_ON if context and context[-1] >= self.words else SPELL

    def _rows(self, context: Sequence[int]) -> list[tuple["_Level", int]]:
        """The levels that saw the end of `context`, shortest first, each with its row."""
        found: list[tuple[_Level, int]] = []
        code, digit = 0, 1
        for level, token in zip(self._levels, reversed(context[-ORDER + 1 :])):
            if token >= self.words:
                break
            code += token * digit
            digit *= BASE
            row = level.rows.get(code)
            if row is None:
                break
            found.append((level, row))
        return found

    # ------------------------------------------------------------------------- what the routes ask

    def score(self, text: str, top_logprobs: int = 0) -> list[Token]:
        """The tokens of a text with their log-probabilities, the first one's given that a text begins."""
        ids = [*START, *self.encode(text)]
        tokens = []
        for i in range(len(START), len(ids)):
            before = ids[i - len(START) : i]
            top = self.likeliest(self.distribution(before), top_logprobs) if top_logprobs else ()
            tokens.append(Token(self.text_of(ids[i]), math.log(self.probability(ids[i], before)), top))
        return tokens

    def likeliest(self, probabilities: np.ndarray, count: int) -> tuple[tuple[str, float], ...]:
        """(text, log-probability) of the `count` likeliest tokens, ties by id. END shows as END_SHOWN."""
        count = min(count, len(probabilities))
        least = np.partition(probabilities, -count)[-count]
        candidates = np.flatnonzero(probabilities >= least)
        order = candidates[np.argsort(-probabilities[candidates], kind="stable")][:count]
        return tuple(
            (self.texts[i] or END_SHOWN, math.log(probabilities[i])) for i in order if probabilities[i] > 0
        )

    def generate(self, request: Generation) -> list[Choice]:
        """`request.n` texts that continue the prompt."""
        return language_sampling.generate(self, request)


class _Level:
    """Runs of one length: for each context (all tokens but the last) what followed, and how often."""

    def __init__(self, runs: np.ndarray, counts: np.ndarray):
        contexts = runs // BASE
        starts = np.flatnonzero(np.diff(contexts, prepend=-1))
        kinds = np.diff(starts, append=len(runs))
        totals = np.add.reduceat(counts, starts)
        lowered = discount(counts)
        self.rows = dict(zip(contexts[starts].tolist(), range(len(starts))))
        self.saved = (lowered * kinds / totals).tolist()  # the share that goes to shorter contexts
        self._starts = [*starts.tolist(), len(runs)]
        self._tokens = runs % BASE
        self._weights = (counts - lowered) / np.repeat(totals, kinds)

    def followers(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """The tokens that followed the context of a row, and the share of each."""
        part = slice(self._starts[row], self._starts[row + 1])
        return self._tokens[part], self._weights[part]

    def weight(self, row: int, token: int) -> float:
        """The share of one token, 0 if it never followed."""
        tokens, weights = self.followers(row)
        place = int(tokens.searchsorted(token))
        return float(weights[place]) if place < len(tokens) and tokens[place] == token else 0.0


def discount(counts: np.ndarray) -> float:
    """What is taken off each count, between 0.1 and 0.95."""
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return min(max(once / (once + 2 * twice), 0.1), 0.95) if once else 0.1


def _unigrams(counts: Counts) -> np.ndarray:
    """The words' probabilities when nothing is known of what precedes: float64 (words,)."""
    times = np.zeros(len(counts.vocabulary))
    times[counts.runs[0]] = counts.run_counts[0]
    lowered = discount(counts.run_counts[0])
    saved = lowered * len(counts.runs[0]) / counts.run_counts[0].sum()
    return np.maximum(times - lowered, 0) / counts.run_counts[0].sum() + saved / len(times)


def form(text: str) -> int:
    """What a token leaves behind it: a word, a mark, or a blank (and so does the end of a text)."""
    if not text or text.isspace():
        return AFTER_BLANK
    return AFTER_WORD if text[-1].isalnum() else AFTER_MARK


def _after_forms(counts: Counts, forms: Sequence[int], unigrams: np.ndarray) -> np.ndarray:
    """The words' probabilities after a token of each form: float64 (3, words).

    A word counts once for each different token of that form that it followed.
    """
    before, after = counts.runs[1] // BASE, counts.runs[1] % BASE
    form_before = np.array([*forms, *[AFTER_WORD] * (BASE - len(forms))])[before]
    times = np.zeros((3, len(unigrams)))
    np.add.at(times, (form_before, after), 1)
    lowered = discount(times[times > 0])
    totals = np.maximum(times.sum(axis=1, keepdims=True), 1)
    saved = np.where(times.any(axis=1), lowered * (times > 0).sum(axis=1) / totals[:, 0], 1)
    return np.maximum(times - lowered, 0) / totals + saved[:, None] * unigrams


def train(texts: Iterable[str], name: str = NAME) -> LanguageModel:
    """A model that has learned from these texts and from nothing else. A thousand reviews take 0.5 s."""
    return LanguageModel(language_training.count(texts), name)


_loading = threading.Lock()


def load() -> LanguageModel:
    """The model of the reviews in use: trained at first use, then read from the cache, then kept in memory.

    Raises DataError when the reviews cannot be found or read.
    """
    path = language_training.cache_path()
    with _loading:
        return _load(path)


@functools.lru_cache(maxsize=2)
def _load(path: Path) -> LanguageModel:
    return LanguageModel(language_training.load_counts(path))
