"""Writing a class's name token by token, as a language model would.

The completions' tokens form a tree (a trie). At each place the probability of a token is that of all
completions that go on with it, divided by that of all that are still possible; a completion that is the
beginning of another one ends with the probability that is its own. Temperature and `top_p` act on each
token's distribution, as in language models; the log-probabilities reported are those of the untouched one.

Left out: how likely a class is (`classifier`).
"""

import dataclasses
import math
import re
from collections.abc import Sequence

import numpy as np

from helpers.engine import vectors
from helpers.engine.generation import Choice, Generation, Token

END = "<|endoftext|>"  # how the end is called among the likeliest tokens
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


@dataclasses.dataclass
class Place:
    """A place in the tree of completions."""

    ends: int | None = None  # the completion that is complete here
    next: dict[str, "Place"] = dataclasses.field(default_factory=dict)
    all: list[int] = dataclasses.field(default_factory=list)  # completions that come through here


def tokens_of(label: str) -> list[str]:
    """A completion's WordLlama tokens as texts; joined they are the completion.

    Characters that the vocabulary spells in bytes are one token each.
    """
    blank = label.startswith(
        " "
    )  # the tokenizer puts a blank before every text; so here it is the label's own
    pieces = vectors.load().pieces(label[1:] if blank else label)
    texts, pending = [], b""
    for piece in pieces:
        byte = _BYTE.fullmatch(piece)
        if byte:
            pending += bytes.fromhex(byte[1])
            try:
                texts.append(pending.decode("utf-8"))
            except UnicodeDecodeError:
                continue
            pending = b""
        else:
            texts.append(piece.replace("▁", " "))
    if texts and not blank:
        texts[0] = texts[0].removeprefix(" ")
    texts = [text for text in texts if text]
    return texts if "".join(texts) == label else [label]


def tree(labels: Sequence[str]) -> Place:
    """The completions' tokens as a tree."""
    root = Place()
    for number, label in enumerate(labels):
        place = root
        place.all.append(number)
        for token in tokens_of(label):
            place = place.next.setdefault(token, Place())
            place.all.append(number)
        place.ends = number
    return root


def write(root: Place, log_probabilities: np.ndarray, request: Generation) -> list[Choice]:
    """`request.n` completions: the likeliest a token of `request.best_of`, if more are asked for.

    `log_probabilities`: (labels,). The same seed gives the same answers. At temperature 0, of two equally
    likely tokens the one of the first label is taken.
    """
    random = np.random.default_rng(request.seed)
    probability = np.exp(log_probabilities)
    count = max(request.n, request.best_of)
    choices = [_one(root, probability, request, random) for _ in range(count)]
    if count > request.n:
        choices.sort(key=lambda choice: -sum(t.logprob for t in choice.tokens) / max(len(choice.tokens), 1))
    return choices[: request.n]


def _one(root: Place, probability: np.ndarray, request: Generation, random: np.random.Generator) -> Choice:
    place, tokens, text = root, [], ""
    while place.next:
        options = list(place.next.items())
        share = [math.fsum(probability[there.all]) for _, there in options]
        if place.ends is not None:
            options.append((END, Place()))
            share.append(float(probability[place.ends]))
        logs = _log_shares(share)
        chosen = _draw(logs, request, random)
        if options[chosen][0] == END:
            break
        if len(tokens) == request.max_tokens:
            return Choice(text, tuple(tokens), "length")
        token, place = options[chosen]
        tokens.append(Token(token, float(logs[chosen]), _top(options, logs, request.top_logprobs)))
        text += token
        stops = [text.find(stop) for stop in request.stop if stop in text]
        if stops:
            return Choice(text[: min(stops)], tuple(tokens), "stop")
    return Choice(text, tuple(tokens), "length" if len(tokens) >= request.max_tokens else "stop")


def _log_shares(share: Sequence[float]) -> np.ndarray:
    values = np.maximum(np.asarray(share), 1e-300)
    return np.log(values / math.fsum(values))


def _draw(logs: np.ndarray, request: Generation, random: np.random.Generator) -> int:
    if request.temperature == 0 or len(logs) == 1:
        return int(np.argmax(logs))
    scaled = (logs - logs.max()) / request.temperature
    weights = np.exp(scaled)
    weights /= weights.sum()
    order = np.argsort(-weights, kind="stable")
    before = np.cumsum(weights[order]) - weights[order]
    kept = order[before < request.top_p]
    kept = kept if len(kept) else order[:1]
    sums = np.cumsum(weights[kept])
    return int(kept[min(np.searchsorted(sums, random.random() * sums[-1], side="right"), len(kept) - 1)])


def _top(options: Sequence[tuple[str, Place]], logs: np.ndarray, most: int) -> tuple[tuple[str, float], ...]:
    order = np.argsort(-logs, kind="stable")[:most]
    return tuple((options[i][0], float(logs[i])) for i in order)
