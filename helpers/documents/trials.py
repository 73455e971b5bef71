"""Lesson 07's measurements: what comes back from a PDF, what cutting keeps whole, what a search finds.

A question counts as answered when the words that only the right passage has stand in what the reader gets.
All sizes of pieces give the reader equally many tokens: pieces are taken from the best down, and the last one
is cut where the room ends.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from helpers import tokens
from helpers.documents.sections import Section, chunks, sentences
from helpers.documents.structure import PARAGRAPH, Document

NOT_TEXT = ("gaps:", "grid:")  # a table's rows in the sources of the handbooks


def one_line(text: str) -> str:
    """A text with one space wherever it has white space."""
    return " ".join(text.split())


def source_paragraphs(path: Path) -> list[str]:
    """The paragraphs of a handbook's source (`data/documents/sources`), without the marks of footnotes."""
    lines = path.read_text(encoding="utf-8").partition("\n\n")[2].splitlines()
    text = [line for line in lines if line[:1].isalnum() and not line.startswith(NOT_TEXT)]
    return [re.sub(r"\{\d\}", "", line) for line in text]


def korean_breaks(paragraphs: Sequence[str], width: int) -> pd.DataFrame:
    """What joining lines would have to decide if paragraphs were broken after every `width` characters.

    One row per break: `before` and `after`, the letters on both sides; `space`, whether there was a space;
    `known`, whether the two together are a word that stands inside some line.
    """
    lines = [[text[i : i + width] for i in range(0, len(text), width)] for text in paragraphs]
    inside = {
        word for each in lines for line in each for word in re.findall("[가-힣]+", line)[1:-1]
    }  # the first and the last of a line may be cut
    breaks = [
        (re.search("[가-힣]*$", a.rstrip())[0], re.match("[가-힣]*", b.lstrip())[0], f"{a[-1]}{b[0]}")
        for each in lines
        for a, b in pairwise(each)
    ]
    return pd.DataFrame(
        [(a, b, " " in border, a + b in inside) for a, b, border in breaks],
        columns=["before", "after", "space", "known"],
    )


def sentence_pairs(document: Document) -> tuple[list[str], list[str]]:
    """The sentences of a document's paragraphs, and each two that follow each other in one, as one text."""
    paragraphs = [[one_line(s) for s in sentences(block.text)] for block in document.of_kind(PARAGRAPH)]
    single = [sentence for each in paragraphs for sentence in each]
    return single, [f"{one} {two}" for each in paragraphs for one, two in pairwise(each)]


def whole(wanted: Sequence[str], pieces: Sequence[str]) -> int:
    """How many of the wanted texts stand in one of the pieces, white space aside."""
    lines = [one_line(piece) for piece in pieces]
    return sum(any(text in line for line in lines) for text in wanted)


def tokens_to_answer(answers: Sequence[str], pieces: Sequence[str], model: str) -> np.ndarray:
    """How many tokens of each piece a reader needs to meet each answer: (answers, pieces); inf: never."""
    needs = np.full((len(answers), len(pieces)), np.inf)
    for i, answer in enumerate(answers):
        for j, piece in enumerate(map(one_line, pieces)):
            if answer in piece:
                read = piece[: piece.index(answer) + len(answer)]
                needs[i, j] = tokens.count([read], model)[0]
    return needs


def answered(scores: np.ndarray, needs: np.ndarray, costs: np.ndarray, room: float) -> np.ndarray:
    """Which questions (n,) are answered by the best pieces, read until `room` tokens are full.

    `scores` and `needs` are (n, pieces), `costs` the tokens of each piece. Scores that are equal to six
    decimals keep the pieces' order. The piece in which the room ends is read up to there.
    """
    order = np.argsort(-scores.round(6), axis=1, kind="stable")
    before = np.cumsum(costs[order], axis=1) - costs[order]  # tokens read when a piece begins
    return (before + np.take_along_axis(needs, order, axis=1) <= room).any(axis=1)


def best_holds(scores: np.ndarray, needs: np.ndarray) -> np.ndarray:
    """Which questions (n,) have their answer in the piece with the best score."""
    return answered(scores, np.where(np.isfinite(needs), 0.5, np.inf), np.ones(needs.shape[1]), 0.5)


def lucky(needs: np.ndarray, costs: np.ndarray, room: float | None = None, draws: int = 200) -> np.ndarray:
    """How often rankings drawn at random answer each question; without `room`, by the first piece."""
    random = np.random.default_rng(0)
    drawn = (random.random(needs.shape) for _ in range(draws))
    found = [
        best_holds(scores, needs) if room is None else answered(scores, needs, costs, room)
        for scores in drawn
    ]
    return np.mean(found, axis=0)


def won_and_lost(ours: np.ndarray, theirs: np.ndarray) -> tuple[int, int, float]:
    """Of the same questions: answered by us alone, by them alone, and the p of a two-sided sign test.

    p is how often chance makes so great a difference, or a greater one, when both are equally good.
    """
    from scipy.stats import binomtest

    won, lost = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    return won, lost, float(binomtest(won, won + lost).pvalue) if won + lost else 1.0


def by_size(
    sections: Sequence[Section],
    answers: Sequence[str],
    scores_by_way: Callable[[list[str]], Mapping[str, np.ndarray]],
    sizes: Sequence[int],
    model: str,
    room: int,
) -> dict[tuple[str, str, int], np.ndarray]:
    """Which questions are answered with chunks of each size: (measure, way, size) -> 0 to 1 per question.

    `scores_by_way` gives for a list of texts the scores (questions, texts) of each way of searching. The
    measures are "first" (the best chunk holds the answer) and "context" (it is met within `room` tokens).
    The further ways are "chance" (how often a ranking drawn at random finds it) and "possible" (whether any
    chunk holds it whole).
    """
    found: dict[tuple[str, str, int], np.ndarray] = {}
    for size in sizes:
        cut = [one_line(chunk.text) for chunk in chunks(sections, size, 0, model)]
        needs, costs = tokens_to_answer(answers, cut, model), tokens.count(cut, model)
        for way, scores in scores_by_way(cut).items():
            found["first", way, size] = best_holds(scores, needs)
            found["context", way, size] = answered(scores, needs, costs, room)
        for measure, tokens_read in (("first", None), ("context", room)):
            found[measure, "chance", size] = lucky(needs, costs, tokens_read)
            found[measure, "possible", size] = np.isfinite(needs).any(axis=1)
    return found
