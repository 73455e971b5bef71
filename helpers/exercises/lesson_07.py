"""The checks of lesson 07: divided words, chunks with overlap, templates for a table, a leak between rows.

Three of the four try the learner's function on small cases, each of which catches a mistake near at hand;
the templates are tried on the table itself.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from helpers import documents
from helpers.documents import Document
from helpers.errors import DataError
from helpers.exercises.core import Verdict, ask, exercise, kind_of, right, wrong

# ----------------------------------------------------------------------------- 7.1

WORDS = frozenset({"shipping", "usually", "packed", "prices", "customer", "well", "known", "half", "price"})

# (lines, the text, {a likely wrong text: what went wrong})
HYPHEN_CASES: tuple[tuple[list[str], str, Mapping[str, str]], ...] = (
    (
        ["It is usu-", "ally packed."],
        "It is usually packed.",
        {
            "It is usu-ally packed.": "The two halves are a word of the set, so the hyphen only divides it.",
            "It is usu- ally packed.": "A divided word needs joining, not a space.",
            "It is usu ally packed.": "The hyphen is gone, but a space divides the word still.",
        },
    ),
    (
        ["A well-", "known price."],
        "A well-known price.",
        {
            "A wellknown price.": "The halves together are no word of the set: this hyphen is a real one.",
            "A well- known price.": "A real hyphen stays, but no space comes after it.",
            "A well known price.": "This hyphen is a real one: the halves together are no word of the set.",
        },
    ),
    (
        ["The ship-", "ping, mostly"],
        "The shipping, mostly",
        {"The ship-ping, mostly": "Marks are no part of a word: look at the letters alone."},
    ),
    (
        ['"Usu-', 'ally," they say'],
        '"Usually," they say',
        {'"Usu-ally," they say': "Marks and capitals are no part of a word: compare small letters only."},
    ),
    (
        ["All prices", "are half-price", "here."],
        "All prices are half-price here.",
        {
            "All pricesare half-pricehere.": "A line without a hyphen ends in a space.",
            "All prices are halfprice here.": "A hyphen inside a line is none of your business.",
        },
    ),
    (["Pre-", "packed or not"], "Pre-packed or not", {}),
    (
        ["A pre- and post-", "war price"],
        "A pre- and post-war price",
        {
            "A pre-and post-war price": "A hyphen inside a line is none of your business, space or not.",
            "A preand post-war price": "A hyphen inside a line is none of your business, space or not.",
        },
    ),
    (
        ["Here is a dash -", "and here it ends"],
        "Here is a dash - and here it ends",
        {"Here is a dash -and here it ends": "It ends in a space and a dash, not in a letter and a hyphen."},
    ),
    (["What a line without an end-"], "What a line without an end-", {}),
)


@exercise
def mend(answer: Any) -> Verdict:
    """A function from lines and a set of words to one text, divided words joined, real hyphens kept."""
    for lines, wanted, mistakes in HYPHEN_CASES:
        got = ask(answer, list(lines), set(WORDS))
        if not isinstance(got, str):
            raise wrong(f"Your function should give a text, but for {lines} it gives {kind_of(got)}.")
        if got != wanted:
            hint = mistakes.get(got) or _hyphen_hint(got, wanted)
            raise wrong(f"From {lines} it makes {got!r}. {hint}")
    return right(
        "This is half of the rule, on purpose: a word that stands in the document only once, divided, keeps "
        "its hyphen. `documents.read` then looks at the halves, too."
    )


def _hyphen_hint(got: str, wanted: str) -> str:
    if got.split() == wanted.split():
        return "The words are right, the spaces are not: one between two lines, none at the ends."
    if re.sub(r"[\s-]", "", got) != re.sub(r"[\s-]", "", wanted):
        return "Letters or marks have gone or come: every one should stay."
    if got.count("-") > wanted.count("-"):
        return "A hyphen is left that only divides a word of the set."
    return (
        "Decide at each line's end alone: are the letters before the hyphen and after it a word of the set?"
    )


# ----------------------------------------------------------------------------- 7.2

# (tokens of each sentence, limit, the chunks)
PACK_CASES: tuple[tuple[list[int], int, list[list[int]]], ...] = (
    ([10, 10, 10], 40, [[0, 1, 2]]),
    ([10, 20, 10, 15], 40, [[0, 1, 2], [2, 3]]),
    ([10, 10, 10, 10, 10], 20, [[0, 1], [1, 2], [2, 3], [3, 4]]),
    ([10, 30, 30, 5], 40, [[0, 1], [2, 3]]),
    ([40, 40, 1], 40, [[0], [1], [2]]),
    ([7], 40, [[0]]),
)


@exercise
def pack(answer: Any) -> Verdict:
    """A function from token counts and a limit to chunks of positions, with an overlap of one sentence."""
    for counts, limit, wanted in PACK_CASES:
        got = _chunks_of(ask(answer, list(counts), limit), counts)
        if got == wanted:
            continue
        raise wrong(
            f"For counts {counts} and the limit {limit} it makes {got}. {_pack_hint(got, counts, limit)}"
        )
    return right(
        "What an overlap costs: each repeated sentence is embedded, stored and paid for twice. The check of "
        "whether there is room for it kept your function from going round for ever."
    )


def _chunks_of(value: Any, counts: Sequence[int]) -> list[list[int]]:
    try:
        found = [[int(i) for i in chunk] for chunk in value]
    except (TypeError, ValueError):
        raise wrong(
            f"A list of lists of positions is wanted, such as [[0, 1], [1, 2]], not {kind_of(value)}."
        ) from None
    if any(not 0 <= i < len(counts) for chunk in found for i in chunk):
        raise wrong(f"For {len(counts)} sentences the positions go from 0 to {len(counts) - 1}.")
    return found


def _pack_hint(got: list[list[int]], counts: Sequence[int], limit: int) -> str:
    if not all(got) or not got:
        return "No chunk should be empty, and there should be at least one."
    missing = sorted(set(range(len(counts))) - {i for chunk in got for i in chunk})
    if missing:
        return f"Position {missing[0]} is in no chunk. Is the last chunk added when the sentences end?"
    if any(sum(counts[i] for i in chunk) > limit for chunk in got):
        return (
            "A chunk exceeds the limit. The repeated sentence counts, too: drop it where it leaves no room."
        )
    if any(later != earlier + 1 for chunk in got for earlier, later in pairwise(chunk)):
        return "The sentences of a chunk follow one another."
    for before, chunk in pairwise(got):
        if set(chunk) <= set(before):
            return "A chunk holds nothing that the one before has not got."
        if sum(counts[i] for i in before) + counts[before[-1] + 1] <= limit:
            return "A chunk ends too early: it may have exactly as many tokens as the limit says."
        if chunk[0] > before[-1]:
            if counts[before[-1]] + counts[chunk[0]] <= limit:
                return "A chunk begins with the last sentence of the one before, where there is room for it."
        elif chunk[0] < before[-1]:
            return "Only one sentence is repeated, the last."
    return "Fill each chunk as far as the limit allows before you begin the next."


# ----------------------------------------------------------------------------- 7.3


@exercise
def allergen_templates(answer: Any, sheet: Document) -> Verdict:
    """Templates for the product sheet: prompts that differ, completions with allergens and date."""
    prompt, completion = _templates(answer)
    try:
        pairs = documents.table_pairs(sheet, prompt, completion)
    except DataError as error:
        raise wrong(str(error)) from None
    table = next(block for block in sheet.of_kind("table") if block.rows and "Allergens" in block.rows[0])
    asked, told = _fields(prompt), _fields(completion)
    for field in ("Allergens", "Checked on"):
        if field in asked:
            raise wrong(f"The prompt holds {{{field}}}: the question gives its own answer away.")
        if field not in told:
            raise wrong(
                f"The completion should hold {{{field}}}: the handbook wants the sheet quoted with its date."
            )
    for field in ("Description", "Price (€)"):
        if field in asked:
            raise wrong(f"The prompt holds {{{field}}}. How would a customer name this product?")
    if "Product" not in asked:
        raise wrong("The prompt should name the product, as a customer would: they do not know its number.")
    prompts = [pair.prompt for pair in pairs]
    if len(set(prompts)) < len(prompts):
        twice = next(text for text in prompts if prompts.count(text) > 1)
        raise wrong(
            f"A prompt comes twice, such as {twice!r}. The same question "
            "with two dates teaches nothing certain: which column tells these rows apart?"
        )
    if any(sign in text for pair in pairs for text in (pair.prompt, pair.completion) for sign in "{}"):
        raise wrong("Braces are left in the pairs: one pair of braces around each column's name is enough.")
    if len(pairs) < len(table.rows) - 1:
        raise wrong(
            f"{len(pairs)} of {len(table.rows) - 1} rows become a pair; the others have an empty field. Use "
            "columns that are always filled."
        )
    if _bare(prompt) < 2 or _bare(completion) < 1:
        raise wrong(
            "Put words of your own around the fields: a question in the prompt, a sentence in the answer."
        )
    if not re.search(r"[?？]|allerg|알레르", prompt, re.IGNORECASE):
        raise wrong("The prompt should be what a customer asks about allergens; it asks nothing.")
    return right(
        f"{len(pairs)} pairs, no prompt twice. They teach how an answer about allergens is worded. The facts "
        "in them belong into a look-up at the time of the question, because the sheet changes."
    )


def _templates(value: Any) -> tuple[str, str]:
    if (
        not isinstance(value, tuple | list)
        or len(value) != 2
        or not all(isinstance(part, str) and part.strip() for part in value)
    ):
        raise wrong(f"Two texts are wanted, (prompt, completion), but this is {kind_of(value)}.")
    return value[0], value[1]


def _fields(template: str) -> list[str]:
    return re.findall(r"\{([^{}]*)\}", template)


def _bare(template: str) -> int:
    """How many words a template has besides its fields."""
    return len(re.findall(r"\w+", re.sub(r"\{[^{}]*\}", " ", template)))


# ----------------------------------------------------------------------------- 7.4


def _row(prompt: str, completion: str, passage: str) -> dict[str, str]:
    return {"prompt": prompt, "completion": completion, "passage": passage}


TRAIN = [
    _row("Gift cards", "Valid for three years.", "en 6.1"),
    _row("What is rooibos?", "A red tea.", "sheet 9"),
    _row("Shipping prices", "They depend on the weight.", "en 2.1"),
]
LEAKING = [
    _row("How long is my gift card valid?", "Valid for  three years.\n", "en 7"),
    _row("Storing coffee", "In a cupboard.", "en 4.1"),
    _row("What does a parcel cost?", "Look at its weight.", "en 2.1"),
    _row("What is rooibos?", "See the sheet.", "de 7"),
    _row("Name a red one.", "a red tea.", "faq"),
    _row("What does the post charge?", "They depend on the weight.", "faq"),
]
CLEAN = [_row("Tone", "Plainly.", "en 8.1"), _row("Jokes", "None about complaints.", "en 8.3")]


@exercise
def leaks(answer: Any) -> Verdict:
    """A function from training and test rows to the positions of test rows that training gives away."""
    got = _positions(ask(answer, [*TRAIN], [*LEAKING]), len(LEAKING))
    wanted = _leaks(LEAKING, ("passage", "completion"))
    mistakes: dict[str, Iterable[int]] = {
        "It finds nothing. Compare with the passages and the completions of the training rows, not with the "
        "rows themselves.": [],
        "It finds rows from a passage that training has too. The same completion can come from elsewhere.": (
            _leaks(LEAKING, ("passage",))
        ),
        "It finds completions that training has too. A passage can also be asked twice, in other words.": (
            _leaks(LEAKING, ("completion",))
        ),
        "It compares completions letter by letter: capitals and white space should not count.": (
            _leaks(LEAKING, ("passage", "completion"), plain=str)
        ),
        "Spaces inside a text count still: two in a row should be as one.": (
            _leaks(LEAKING, ("passage", "completion"), plain=lambda text: text.lower().strip())
        ),
        "Capitals count still: 'A red tea.' and 'a red tea.' are the same answer.": (
            _leaks(LEAKING, ("passage", "completion"), plain=lambda text: " ".join(text.split()))
        ),
        "The same prompt alone gives no answer away: look at passages and completions.": (
            _leaks(LEAKING, ("prompt", "passage", "completion"))
        ),
        "It finds prompts that come again. The answer is what leaks: compare passages and completions.": (
            _leaks(LEAKING, ("prompt",))
        ),
        "Those are the rows that do not leak.": sorted(set(range(len(LEAKING))) - set(wanted)),
        "A row leaks if its passage or its completion is known, one of them is enough.": [
            i for i in _leaks(LEAKING, ("passage",)) if i in _leaks(LEAKING, ("completion",))
        ],
        "Those are positions in the training rows. Wanted are the test rows that leak.": [0, 1, 2],
    }
    if got != wanted:
        hint = next((hint for hint, value in mistakes.items() if list(value) == got), None)
        raise wrong(
            hint
            or "A test row leaks if a training row has its passage, or its completion but for capitals and "
            "white space."
        )
    if _positions(ask(answer, [*TRAIN], [*CLEAN]), len(CLEAN)):
        raise wrong("Where no passage and no completion is shared, nothing leaks, and the list is empty.")
    if _positions(ask(answer, [], [*LEAKING]), len(LEAKING)):
        raise wrong("Without training rows nothing can leak. Does your function look at what it is given?")
    return right("What it cannot see: the same fact in other words, or in the Korean twin of a section.")


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _leaks(test: Sequence[dict], keys: Sequence[str], plain: Callable[[str], str] = _plain) -> list[int]:
    known = {key: {plain(row[key]) for row in TRAIN} for key in keys}
    return [i for i, row in enumerate(test) if any(plain(row[key]) in known[key] for key in keys)]


def _positions(value: Any, count: int) -> list[int]:
    if not isinstance(value, list | tuple | set | np.ndarray | range | pd.Index):
        raise wrong(f"A list of positions in the test rows is wanted, but this is {kind_of(value)}.")
    values = list(value)
    if not all(isinstance(i, int | np.integer) and not isinstance(i, bool | np.bool_) for i in values):
        raise wrong("The list should hold positions, whole numbers from 0, and nothing else.")
    if any(not 0 <= i < count for i in values) or len(set(values)) < len(values):
        raise wrong(f"Each position from 0 to {count - 1} can stand in the list once at most.")
    return sorted(map(int, values))
