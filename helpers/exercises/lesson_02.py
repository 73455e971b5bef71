"""The checks of lesson 02: a baseline's error, plain text, repeats, dollars, requests.

Each works out the truth from what it is given, so that it fits any reviews and any host, and knows the
mistakes that are near at hand. `plain` and `pack` try the learner's function on small cases first.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from helpers import prices, reviews
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

ROUNDED = 0.005  # an answer rounded to so much is precise enough

# ----------------------------------------------------------------------------- 2.1


@exercise
def mean_error_of_five(answer: Any, stars: Sequence[int]) -> Verdict:
    """The mean of |stars - 5| over all reviews."""
    value = number(answer)
    scores = np.asarray(stars, dtype=float)
    misses = 5 - scores
    truth = misses.mean()
    of_the_mean = np.abs(scores - scores.mean()).mean()
    if close(value, truth, ROUNDED):
        return right(
            f"Always 5 misses by {truth:.2f} stars on average; always the mean, {scores.mean():.2f}, by "
            f"{of_the_mean:.2f}. The lower of the two is the number that a model has to beat."
        )
    missed = misses > 0
    mistakes = {
        "It is negative: take the size of each miss, without its sign.": -truth,
        "That is the mean of the squared misses. Mean absolute error has no square.": (misses**2).mean(),
        "That is the root of the mean square. Mean absolute error has neither.": (misses**2).mean() ** 0.5,
        "That is how often always 5 is wrong. A miss by four stars should weigh more.": missed.mean(),
        "That is how often always 5 is right, not by how much it misses.": 1 - missed.mean(),
        "That is the mean of the stars. You want the mean of their distances from 5.": scores.mean(),
        "That is the error of always saying the mean. Here the guess is always 5.": of_the_mean,
        "That leaves out the reviews with 5 stars. They count too: there the miss is 0.": (
            misses.sum() / max(missed.sum(), 1)
        ),
        "That is the sum of all misses. Divide it by the number of reviews.": misses.sum(),
    }
    unless_mistaken(value, mistakes, ROUNDED)
    raise wrong("Take the distance of each review's stars from 5, then the mean of those distances.")


# ----------------------------------------------------------------------------- 2.2

TOO_EARLY = "Words have gone with the tags. Which comes first: taking out tags, or turning &lt; into <?"
LOST = "The entities are gone, and with them what they stand for: html.unescape keeps it."

# (raw, plain, {a likely wrong result, its spaces aside: what went wrong})
PLAIN_CASES: tuple[tuple[str, str, Mapping[str, str]], ...] = (
    (
        "Good tea.<br /><br />Hot, too.",
        "Good tea. Hot, too.",
        {"Good tea.Hot, too.": "Two sentences have grown together: a tag should become a space."},
    ),
    (
        'See <a href="https://example.org/tea">this tea</a> instead.',
        "See this tea instead.",
        {
            "See instead.": "Only the tags should go; the words between <a ...> and </a> are the reviewer's. "
            "In a pattern, .* runs on to the last > of the text."
        },
    ),
    (
        "Salt &amp; vinegar, &quot;hand cooked&quot;",
        'Salt & vinegar, "hand cooked"',
        {"Salt vinegar, hand cooked": LOST},
    ),
    (
        "Tea &lt; coffee, but coffee &gt; milk",
        "Tea < coffee, but coffee > milk",
        {"Tea milk": TOO_EARLY},
    ),
    ("  two   spaces,\n a line \t and&nbsp;more ", "two spaces, a line and more", {}),
    ("I LOVE it!!! 5 stars :)", "I LOVE it!!! 5 stars :)", {}),
)


@exercise
def plain(answer: Any) -> Verdict:
    """A function from a raw text to one line: tags to spaces, entities to characters, single spaces."""
    for raw, wanted, mistakes in PLAIN_CASES:
        got = ask(answer, raw)
        if not isinstance(got, str):
            raise wrong(f"Your function should give a text, but for {raw!r} it gives {kind_of(got)}.")
        if got != wanted:
            hint = mistakes.get(" ".join(got.split())) or _plain_hint(got, wanted)
            raise wrong(f"From {raw!r} it makes {got!r}. {hint}")
    return right(
        "One thing to know: here anything between < and > is a tag, so that a heart, <3, takes the words up "
        "to the next > with it. clean_text takes out only the tags that it knows by name."
    )


def _plain_hint(got: str, wanted: str) -> str:
    if got.split() == wanted.split():
        if got != got.strip():
            return "A space or a line end is left at an end: strip it."
        return "The words are right, the spaces are not: each run of spaces and line ends becomes one space."
    if got.casefold() == wanted.casefold():
        return "Capitals should stay: shouting says something about the feeling."
    if "<" in got and "<" not in wanted:
        return "A tag is left. Does your pattern take tags with attributes, and closing tags?"
    if "&" in got and ";" in got:
        return "An entity is left: html.unescape turns every kind of them into characters."
    if _letters(got) == _letters(wanted):
        return "Punctuation should stay: it is part of what was written."
    return f"It should have {len(wanted.split())} words, in the order in which they were written."


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


# ----------------------------------------------------------------------------- 2.3


@exercise
def repeats(answer: Any, frame: pd.DataFrame) -> Verdict:
    """How many rows repeat an earlier row's text when markup, case, punctuation and spaces do not count.

    The texts are reduced as the exercise prescribes; `reviews.without_repeats` does a little more.
    """
    value = whole_number(answer)
    texts = frame["Text"]
    reduced = texts.map(reviews.clean_text).str.lower().str.replace(r"\W+", " ", regex=True).str.strip()
    truth, exact = int(reduced.duplicated().sum()), int(texts.duplicated().sum())
    if value == truth:
        also = "just as many" if exact == truth else f"{exact}"
        return right(f"{truth} of {len(frame):,} rows bring nothing new; letter by letter it is {also}.")
    mistakes = {
        "That many are alike letter by letter. Some differ only in markup, capitals, marks or spaces.": exact,
        "That is the number of different texts. You want the rows that are left over.": reduced.nunique(),
        "That is the number of texts that differ letter by letter.": texts.nunique(),
        "That counts the first of each group too. It is no repeat yet; the ones after it are.": (
            reduced.duplicated(keep=False).sum()
        ),
        "That compares letter by letter, and counts the first of each group too. It is no repeat yet.": (
            texts.duplicated(keep=False).sum()
        ),
        "Did you compare whole rows? Each has an Id of its own. Compare the texts alone.": 0,
        "That is the number of all rows. Count only those that repeat an earlier one.": len(frame),
    }
    if (once := reduced[reduced.duplicated()].nunique()) != truth:
        mistakes["That counts each repeated text once. Some occur more than twice: count rows."] = once
    if (once := texts[texts.duplicated()].nunique()) != exact:
        mistakes["That counts each repeated text once, and compares letter by letter."] = once
    unless_mistaken(value, mistakes, tolerance=0)
    raise wrong(
        "Reduce each text to its letters and digits, in small letters and with single spaces. Then count the "
        "rows whose reduced text an earlier row has already."
    )


# ----------------------------------------------------------------------------- 2.4

ASKED_MODEL, CHEAPER_MODEL = "text-embedding-3-large", "text-embedding-3-small"


@exercise
def dollars(
    answer: Any, counts: Sequence[int], total: int, other_counts: Sequence[int] | None = None
) -> Verdict:
    """US dollars to embed `total` texts with ASKED_MODEL by batch; `counts` are the tokens of some.

    `other_counts`: the same texts counted with another tokenizer, which the learner may take by mistake.
    """
    if (value := number(answer)) <= 0:
        raise wrong("Somebody has to pay: the answer should be more than 0 dollars.")
    counts = np.asarray(counts, dtype=float)
    millions = counts.mean() * total / 1e6
    per_million = {model: prices.embedding_cost(1_000_000, model) for model in (ASKED_MODEL, CHEAPER_MODEL)}
    batch, cheaper = prices.BATCH_DISCOUNT, per_million[CHEAPER_MODEL] / per_million[ASKED_MODEL]
    truth = millions * per_million[ASKED_MODEL] * batch
    times = value / truth
    if close(times, 1, ROUNDED) or abs(value - truth) < 0.00501:  # to the cent
        return right(
            f"About {truth:.2f} dollars, and {truth / batch:.2f} if you cannot wait a day. {CHEAPER_MODEL} "
            f"costs {1 / cheaper:.1f} times less."
        )
    part = len(counts) / total
    mistakes = {
        "That is the price without the batch's discount.": 1 / batch,
        "The discount has made it dearer. Multiply by it instead of dividing.": 1 / batch**2,
        "Was the discount taken twice? The table's batch column has it already.": batch,
        "The price is for a million tokens, not for one.": 1e6,
        "The price is for a million tokens, not for a thousand.": 1e3,
        f"That is the price of {CHEAPER_MODEL}, not of {ASKED_MODEL}.": cheaper,
        f"That is the price of {CHEAPER_MODEL}, and without the discount.": cheaper / batch,
        f"That is for the {len(counts):,} reviews here; the question is about {total:,}.": part,
        f"That is for the {len(counts):,} reviews here, without the discount.": part / batch,
        "You took all tokens times the number of reviews. Take the tokens of one review, on average.": len(
            counts
        ),
        "Did you take the median? Some reviews are very long: only the mean scales up to a sum.": (
            np.median(counts) / counts.mean()
        ),
        "That counts one token per review. Multiply by the tokens that a review has on average.": 1
        / counts.mean(),
        "That is in cents. Give it in dollars.": 100,
        "That is in millions of tokens, not yet in dollars. Multiply by the price.": millions / truth,
    }
    if other_counts is not None:
        other = np.mean(other_counts) / counts.mean()
        mistakes |= {
            "Those are the tokens of another tokenizer; the bill is in `hosted_counts`.": other,
            "Those are another tokenizer's tokens (the bill is in `hosted_counts`), without discount.": (
                other / batch
            ),
        }
    # In logarithms, so that the tolerance is relative: some mistakes are factors of a million.
    unless_mistaken(math.log(times), {hint: math.log(factor) for hint, factor in mistakes.items()}, ROUNDED)
    raise wrong(
        "Estimate the tokens of all reviews first. Then look in the table for what the price is a price of, "
        "and for which model and which way of asking you need it."
    )


# ----------------------------------------------------------------------------- 2.5

# (tokens of each text, most texts in a request, most tokens in a request)
PACKING_CASES: tuple[tuple[list[int], int, int], ...] = (
    ([3, 2, 4], 10, 100),
    ([1, 1, 1, 1, 1], 2, 100),
    ([5, 2, 6, 2, 3], 10, 7),
    ([4, 4, 4, 4], 10, 8),
    ([9, 9, 9], 10, 9),
    ([2, 2, 2, 2, 2, 2], 3, 5),
    ([], 3, 5),
)


@exercise
def pack(answer: Any, counts: Sequence[int], most_texts: int, most_tokens: int) -> Verdict:
    """A function (counts, most_texts, most_tokens) to requests: lists of positions in order."""
    all_counts = [int(count) for count in counts]
    for case in (*PACKING_CASES, (all_counts, most_texts, most_tokens)):
        case_counts, *limits = case
        packed = ask(answer, list(case_counts), *limits)  # a copy: the learner's function may empty its list
        _check_packing(packed, *case)
    return right(
        f"The {len(all_counts):,} texts fit into {_plural(len(packed), 'request')}; one by one it would be "
        f"{_plural(len(all_counts), 'request')}."
    )


def _check_packing(packed: Any, counts: list[int], most_texts: int, most_tokens: int) -> None:
    shown = counts if len(counts) <= 8 else f"the {len(counts):,} counts of the reviews"
    where = f"For pack({shown}, {most_texts}, {most_tokens})"
    if isinstance(packed, int | float | np.number):
        raise wrong(
            f"{where} you give the number {packed}. Give the requests, a list of lists; len counts them."
        )
    if not isinstance(packed, list | tuple) or not all(isinstance(one, list | tuple) for one in packed):
        raise wrong(f"{where} you give {kind_of(packed)}. A list of lists is wanted, such as [[0, 1], [2]].")
    positions = [position for request in packed for position in request]
    if positions != list(range(len(counts))):
        raise wrong(f"{where} {_misplaced(positions, counts)}")
    for request in packed:
        if not request:
            raise wrong(
                f"{where} a request is empty, which the host refuses. Close one only when it has texts."
            )
        if (tokens := sum(counts[position] for position in request)) > most_tokens:
            raise wrong(
                f"{where} a request has {tokens} tokens. See whether a text still fits before adding it."
            )
        if len(request) > most_texts:
            raise wrong(f"{where} a request has {len(request)} texts. Their number has a limit as well.")
    fewest = _fewest_requests(counts, most_texts, most_tokens)
    if len(packed) == len(counts) > fewest:
        raise wrong(
            f"{where} each text goes alone. Go on filling a request until the next text does not fit."
        )
    if len(packed) > fewest:
        raise wrong(
            f"{where} you send {_plural(len(packed), 'request')}; {fewest} would do. May a request be "
            "exactly as full as the limit says? Does a new one start counting at the text that did not fit?"
        )


def _misplaced(positions: list[Any], counts: list[int]) -> str:
    wanted = list(range(len(counts)))
    if positions == counts:
        return "the requests hold token counts. They should hold the positions of the texts, from 0."
    if positions == [position + 1 for position in wanted]:
        return "the positions start at 1. Python counts from 0."
    if positions == wanted[: len(positions)]:
        lost = _plural(len(wanted) - len(positions), "text")
        return f"the last {lost} went missing. What becomes of the request that is open when the loop ends?"
    if missing := [position for position in wanted if position not in positions]:
        return (
            f"the text at position {missing[0]} is in no request. Does a new one begin with what did not fit?"
        )
    if len(positions) > len(wanted):
        return "a text is sent, and paid for, twice. Does a new request begin with that one text alone?"
    return "the texts change their order. Vectors come back in the order of the request: keep it."


def _fewest_requests(counts: Sequence[int], most_texts: int, most_tokens: int) -> int:
    """As long as the order is kept, filling each request as far as it goes is best."""
    requests = texts = tokens = 0
    for count in counts:
        if not requests or texts == most_texts or tokens + count > most_tokens:
            requests, texts, tokens = requests + 1, 0, 0
        texts, tokens = texts + 1, tokens + count
    return requests


def _plural(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")
