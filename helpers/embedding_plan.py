"""What `embed` sends: texts checked and cut, each different one once, packed into requests.

A *unit* is what is sent: a text, or what a text over 8,192 tokens was cut to. Here too is to which row of the
matrix each unit's answer belongs. Left out: sending (`embedding_requests`).
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from helpers import tokens
from helpers.errors import DataError

# OpenAI's limits for its embedding models (openai 3.54, `embeddings.create`); others have lower ones.
INPUTS_PER_REQUEST = 2_048
TOKENS_PER_REQUEST = 300_000
TOKENS_PER_INPUT = 8_192

ESTIMATE_SHARE = 2 / 3  # of the tokens a request may have, where counts are estimates
SAMPLE = 16  # texts of a request that are counted first
SAMPLE_MARGIN = 1.25  # when they say that this many times the request's size fits, the rest is not counted


def checked(texts: Iterable[str]) -> list[str]:
    """The texts as a list. Raises DataError naming the positions of everything that cannot be embedded."""
    if isinstance(texts, str):
        raise DataError("One text was given where a list of texts is needed: put it into brackets, [text].")
    if isinstance(texts, Mapping) or hasattr(texts, "columns"):
        raise DataError(
            "A table was given where a list of texts is needed: choose a column, reviews['Text']."
        )
    texts = list(texts)
    bad = [i for i, text in enumerate(texts) if not isinstance(text, str) or not text or text.isspace()]
    if bad:
        kinds = [_kind(texts[i]) for i in bad[:5]]
        shown = ", ".join(f"position {i} ({kind})" for i, kind in zip(bad, kinds))
        more = f" and {len(bad) - 5:,} more" if len(bad) > 5 else ""
        raise DataError(f"There is nothing to embed at {shown}{more}. Drop or fill these rows first.")
    broken = [i for i, text in enumerate(texts) if not text.isascii() and not _is_unicode(text)]
    if broken:
        raise DataError(
            f"{_positions(broken)} half a character (a lone surrogate): cut in two, or read with the wrong "
            "encoding. Read the file again with the right one, or drop these rows."
        )
    return [text if type(text) is str else str(text) for text in texts]  # NumPy's strings among them


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "only blanks" if value else "empty"
    kind = type(value).__name__
    no_number = isinstance(value, float) and math.isnan(value)
    return "missing" if no_number or kind in ("NoneType", "NAType", "NaTType") else kind


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _positions(positions: Sequence[int]) -> str:
    if len(positions) == 1:
        return f"The text at position {positions[0]} has"
    more = f" and {len(positions) - 5:,} more" if len(positions) > 5 else ""
    return f"The texts at positions {', '.join(map(str, positions[:5]))}{more} have"


class Plan:
    """What is sent for n texts, and to which row of the matrix each answer belongs.

    The matrix has a row for every text and, below them, one for every part of a long text to be averaged. A
    unit that several texts share is sent once, and its row copied in the end.
    """

    def __init__(self, texts: list[str], model: str, long: str):
        """Raises DataError when `long` is "error" and there are long texts."""
        too_long = _too_long(dict.fromkeys(texts), model)
        self.positions_of_long = tuple(i for i, text in enumerate(texts) if text in too_long)
        if too_long and long == "error":
            raise DataError(
                f"{_positions(self.positions_of_long)} more than {TOKENS_PER_INPUT:,} tokens, the most that "
                "can be sent. Shorten them, or choose long='truncate' or long='average'."
            )
        self.height = len(texts)
        self.parts: dict[int, tuple[list[int], np.ndarray]] = {}  # long text's row: its parts' rows, weights
        self._rows: dict[str, int] = {}  # of the units
        self.owners: list[int] = []  # for each unit, the position of a text it comes from
        sources = self._add_all(texts, model, too_long, long) if too_long else self._add_short(texts)
        self.units = list(self._rows)
        self.rows = np.array(list(self._rows.values()), dtype=np.int64)
        self.sources = np.array([sources[text] for text in texts], dtype=np.int64)  # the row to copy from
        self.distinct = len(sources)

    def _add_short(self, texts: list[str]) -> dict[str, int]:
        """Each different text is a unit, its row that of its first place. Half the time of `_add_all`."""
        first = dict(zip(reversed(texts), range(len(texts) - 1, -1, -1)))
        self._rows = {text: first[text] for text in dict.fromkeys(texts)}
        self.owners = list(self._rows.values())
        return self._rows

    def _add_all(self, texts: list[str], model: str, too_long: set[str], long: str) -> dict[str, int]:
        sources: dict[str, int] = {}
        for i, text in enumerate(texts):
            if text not in sources:
                add = self._add_parts if text in too_long and long == "average" else self._add
                sources[text] = add(i, text, model, text in too_long)
        return sources

    def _add(self, position: int, text: str, model: str, is_long: bool) -> int:
        unit = tokens.truncate(text, TOKENS_PER_INPUT, model) if is_long else text
        return self._row(unit, position, position)

    def _add_parts(self, position: int, text: str, model: str, _is_long: bool) -> int:
        parts = [part for part in tokens.split(text, TOKENS_PER_INPUT, model=model) if not part.isspace()]
        rows = []
        for part in parts:
            rows.append(self._row(part, self.height, position))
            self.height = max(self.height, rows[-1] + 1)
        self.parts[position] = rows, tokens.count(parts, model)
        return position

    def _row(self, unit: str, row: int, owner: int) -> int:
        if unit not in self._rows:
            self._rows[unit] = row
            self.owners.append(owner)
        return self._rows[unit]


def _too_long(texts: Iterable[str], model: str) -> set[str]:
    """The texts over the limit of one input. Only those are counted whose bytes leave it open."""
    # Every token stands for a byte or more, but for the one that the engine's tokenizer may put in front.
    suspects = [t for t in texts if len(t) * 4 >= TOKENS_PER_INPUT and len(t.encode()) >= TOKENS_PER_INPUT]
    counts = tokens.count(suspects, model)
    return {text for text, count in zip(suspects, counts) if count > TOKENS_PER_INPUT}


def packed(units: list[str], todo: Sequence[int], model: str) -> Iterator[Sequence[int]]:
    """Requests with as many of the units `todo` as the limits allow, in order."""
    limit = int(TOKENS_PER_REQUEST * (ESTIMATE_SHARE if tokens.is_estimate(model) else 1))
    start = 0
    while start < len(todo):
        some = todo[start : start + INPUTS_PER_REQUEST]
        number = _how_many_fit([units[i] for i in some], model, limit)
        yield some[:number]
        start += number


def _how_many_fit(texts: list[str], model: str, limit: int) -> int:
    """How many of the first texts have together at most `limit` tokens; at least 1.

    Counting costs as much time as a quick host takes to answer. So texts are counted only where their bytes
    leave it open and a sample of them does not settle it; should the sample mislead, the host says that the
    request is too large, and it is sent in halves.
    """
    size = _bytes(texts)
    if size + len(texts) <= limit:
        return len(texts)
    sample = texts[:: max(1, len(texts) // SAMPLE)]
    if tokens.count(sample, model).sum() / _bytes(sample) * size * SAMPLE_MARGIN <= limit:
        return len(texts)
    total = 0
    for start in range(0, len(texts), 32):
        ends = total + np.cumsum(tokens.count(texts[start : start + 32], model))
        fitting = int(np.searchsorted(ends, limit, side="right"))
        if fitting < len(ends):
            return max(1, start + fitting)
        total = ends[-1]
    return len(texts)


def _bytes(texts: Iterable[str]) -> int:
    return sum(len(text) if text.isascii() else len(text.encode()) for text in texts)
