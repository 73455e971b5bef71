"""Tokens of examples, and the limits of models.

A text has at most as many tokens as bytes, so an example shorter than the limit in bytes needs no count to be
known to fit. Left out: pictures and sound in chat messages, which have prices of their own.
"""

import base64
import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from helpers import tokens
from helpers.prepare.batches import Batch

PAIRS_LIMIT = 2048  # prompt and completion together: named by the old tool and its guide, for no one model
CHAT_LIMITS = {"gpt-4o": 65_536, "gpt-3.5-turbo": 16_385, "gpt-35-turbo": 16_385}
"""Tokens in a training example, by the beginning of the model's name: Microsoft's documentation of
fine-tuning (gpt-4o and gpt-4o-mini 65,536; gpt-35-turbo 16,385)."""

PAIRS_MODEL, CHAT_MODEL = "babbage-002", "gpt-4o-mini"
MESSAGE_TOKENS, REPLY_TOKENS = 3, 3  # around each message, and before the reply: OpenAI's cookbook


class Limit(NamedTuple):
    """The model that counts, and the most tokens that one example may have (None: not known)."""

    model: str
    tokens: int | None


def limit_for(form: str, model: str | None) -> Limit:
    """The limit of a model for examples of a form; without a model, that of the form's usual one."""
    if form == "pairs":
        return Limit(model or PAIRS_MODEL, PAIRS_LIMIT if not model or known(model) is None else known(model))
    return Limit(model or CHAT_MODEL, known(model or CHAT_MODEL))


def known(model: str) -> int | None:
    """A chat model's limit for one training example; None where no source for it is known."""
    base = model.split(":")[1] if model.startswith("ft:") else model
    return next((limit for name, limit in CHAT_LIMITS.items() if base.startswith(name)), None)


def counts(batch: Batch, limit: Limit, *, every: bool, size: int) -> Sequence[int] | None:
    """The tokens of each example; None when none is over the limit and `every` is false.

    `size`: bytes of all texts of the batch. Without `every`, examples that fit anyway count as 0.
    """
    overhead = 8 if batch.rows is None else 200
    if not every:
        if limit.tokens is None or size <= limit.tokens - overhead:
            return None
        most = 4 * (max(map(len, batch.prompts)) + max(map(len, batch.completions)))
        if batch.rows is None and most <= limit.tokens:
            return None
        return _where_needed(batch, limit)
    return _all(batch, limit.model)


def _where_needed(batch: Batch, limit: Limit) -> list[int] | None:
    if batch.rows is not None:
        sizes = [4 * len(text) + 8 * text.count("\n") + 200 for text in batch.everything()]
        needed = [size > (limit.tokens or 0) for size in sizes]
    else:
        needed = [
            len(p.encode()) + len(c.encode()) > (limit.tokens or 0)
            for p, c in zip(batch.prompts, batch.completions)
        ]
    if not any(needed):
        return None
    part = batch.kept(needed)
    counted = iter(_all(part, limit.model))
    return [int(next(counted)) if need else 0 for need in needed]


def _all(batch: Batch, model: str) -> Sequence[int]:
    if batch.rows is not None:
        return _of_rows(batch, model)
    return np.add(count(batch.prompts, model), count(batch.completions, model))


def surely_one(word: str, model: str) -> bool:
    """Whether a class such as " yes" is one token, as far as the vocabulary's file shows without being
    loaded.

    Small letters after a space are one piece for OpenAI's tokenizers, and a piece that is in the vocabulary
    is one token. Loading the vocabulary takes 40 MB and a tenth of a second; searching its file for a line
    does not.
    """
    name = tokens.encoding_name(model)
    letters = word[1:]
    if name not in tokens.VOCABULARIES or not (letters.isascii() and letters.isalpha() and letters.islower()):
        return False
    return b"\n" + base64.b64encode(word.encode()) + b" " in _vocabulary_file(name)


@functools.cache
def _vocabulary_file(name: str) -> bytes:
    return tokens._unpacked(name).read_bytes()


def count(texts: Sequence[str], model: str) -> np.ndarray:
    """`tokens.count`, each different text once where many are equal: int64 of shape (n,)."""
    different = list(set(texts))
    if len(different) < len(texts) / 2:
        numbers = dict(zip(different, map(int, count(different, model))))
        return np.array([numbers[text] for text in texts], dtype=np.int64)
    return tokens.count(texts, model)


def _of_rows(batch: Batch, model: str) -> list[int]:
    counted = tokens.count(batch.everything(), model)
    messages = [sum(map(_messages, row.values())) for row in batch.rows or ()]
    return [int(n) + MESSAGE_TOKENS * m + REPLY_TOKENS for n, m in zip(counted, messages)]


def _messages(value: object) -> int:
    if isinstance(value, dict):
        value = value.get("messages")
    return len(value) if isinstance(value, list) else 0
