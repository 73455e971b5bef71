"""Half a million reviews where there are none: a stand-in in the shape of the whole data set.

Every row is put together from the sentences of a few reviews with the same number of stars, so that stars,
lengths and words are those of the reviews it is made from. One row in four repeats an earlier text under
another product, about as many as in the real 1,000; one word in a hundred or so has a slip, so that new words
keep coming as they do in real texts. Row i follows from the seed and the reviews alone, in blocks of 1,000:
the first 10,000 of a long stand-in are the rows of a short one.

Left out: anything to learn about food. It is a load to carry and no data to draw conclusions from.
"""

import contextlib
import csv
import itertools
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.errors import DataError
from helpers.files import atomic_path
from helpers.review_files import COLUMNS

if TYPE_CHECKING:
    import pandas as pd

ALL_ROWS = 568_454  # reviews, products and users of the data set, as SNAP's page states them
PRODUCTS, USERS = 74_258, 256_059
FIRST_DAY, DAYS = 939_340_800, 4_757  # October 1999 to October 2012

BLOCK = 1_000
REPEATS = 0.25
SLIPS = 1 / 100  # of all words
SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+")

Review = tuple[str, list[str]]  # summary, sentences


def write(path: Path | str, frame: "pd.DataFrame", rows: int = ALL_ROWS, *, seed: int = 0) -> Path:
    """A CSV file of so many rows in Kaggle's columns, made from the reviews `frame`; returns its path.

    It is written row by row, under another name until it is whole. Raises DataError for fewer than two
    reviews, and ValueError for fewer than one row.
    """
    if rows < 1:
        raise ValueError(f"rows must be at least 1, not {rows}")
    by_stars = _by_stars(frame)
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(itertools.islice(_rows(by_stars, seed), rows))
    return Path(path)


def source(path: Path | str, folder: Path | str, rows: int, *, made_from: int = BLOCK) -> tuple[Path, str]:
    """A file with at least so many rows, and what it is: `path` itself, or else a stand-in in `folder` made
    from its first reviews. Never holds more of the file than `made_from` rows. Raises as `write` does.
    """
    from helpers import reviews

    first, found = None, 0
    with contextlib.closing(reviews.chunks(path, made_from)) as chunks:
        for chunk in chunks:
            first = chunk if first is None else first
            found += len(chunk)
            if found >= rows:
                return Path(path), "the file of reviews in use"
    if first is None:
        raise DataError(f"{Path(path).name} holds no reviews.")
    return write(Path(folder) / "standin.csv", first, rows), f"a stand-in made from {len(first):,} reviews"


def _by_stars(frame: "pd.DataFrame") -> list[tuple[int, Review, list[Review]]]:
    """For each review its stars, itself, and all reviews with as many stars."""
    if len(frame) < 2:
        raise DataError(f"{len(frame)} reviews are too few to make others from: 2 are needed.")
    same: dict[int, list[Review]] = {}
    found = []
    for stars, summary, text in zip(frame["Score"], frame["Summary"].fillna("").astype(str), frame["Text"]):
        review = summary, SENTENCE_ENDS.split(text)
        same.setdefault(int(stars), []).append(review)
        found.append((int(stars), review))
    return [(stars, review, same[stars]) for stars, review in found]


def _rows(by_stars: list[tuple[int, Review, list[Review]]], seed: int) -> Iterator[tuple]:
    for block in itertools.count():
        yield from _block(by_stars, block, random.Random(f"{seed} {block}"))


def _block(
    by_stars: list[tuple[int, Review, list[Review]]], block: int, dice: random.Random
) -> Iterator[tuple]:
    written: list[tuple[int, str, str]] = []  # stars, summary, text
    for number in range(block * BLOCK + 1, block * BLOCK + BLOCK + 1):
        if written and dice.random() < REPEATS:
            review = dice.choice(written)
        else:
            review = _review(*dice.choice(by_stars), dice)
            written.append(review)
        votes = dice.randrange(4)
        yield (
            number,
            f"B{int(PRODUCTS * dice.random() ** 3):09d}",  # a few products have many reviews
            f"A{int(USERS * dice.random() ** 2):013d}",
            "",
            dice.randint(0, votes),
            votes,
            review[0],
            FIRST_DAY + 86_400 * dice.randrange(DAYS),
            *review[1:],
        )


def _review(stars: int, model: Review, others: list[Review], dice: random.Random) -> tuple[int, str, str]:
    """As many sentences as the review `model` has: half its own, half anybody's with as many stars."""
    sentences = [own if dice.random() < 0.5 else dice.choice(dice.choice(others)[1]) for own in model[1]]
    return stars, dice.choice(others)[0], " ".join(_with_a_slip(sentence, dice) for sentence in sentences)


def _with_a_slip(sentence: str, dice: random.Random) -> str:
    words = sentence.split(" ")
    if dice.random() < SLIPS * len(words):
        at = dice.randrange(len(words))
        word = words[at]
        if len(word) > 3:  # two letters change places, or one is written twice
            i = dice.randrange(1, len(word) - 1)
            swapped = word[:i] + word[i + 1] + word[i] + word[i + 2 :]
            words[at] = swapped if dice.random() < 0.5 else word[:i] + word[i] + word[i:]
            return " ".join(words)
    return sentence
