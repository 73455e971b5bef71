import re

import pandas as pd
import pytest
from exercise_cases import Case, make_tests

from helpers import documents
from helpers.documents import Document, table_block
from helpers.exercises import lesson_07 as check
from helpers.settings import DATA


def mend(lines, words):
    text = lines[0]
    for line in lines[1:]:
        start, end = re.search(r"(\w+)-$", text), re.match(r"\w+", line)
        if start is None or end is None:
            text += " " + line
        elif (start[1] + end[0]).lower() in words:
            text = text[:-1] + line
        else:
            text += line
    return text


def joined_then_mended(lines, words):
    """Joins all lines by spaces first, so that hyphens inside a line suffer too."""
    return re.sub(
        r"(\w+)- (\w+)",
        lambda m: m[1] + m[2] if (m[1] + m[2]).lower() in words else f"{m[1]}-{m[2]}",
        " ".join(lines),
    )


def split_words(lines, words):
    """The solution of a learner who goes by the line's words rather than by a pattern."""
    text = ""
    for line in lines:
        if text.endswith("-") and not text.endswith(" -"):
            half, rest = text.split()[-1][:-1].strip('",.'), line.split()[0].strip('",.')
            text = text[:-1] + line if (half + rest).lower() in words else text + line
        else:
            text = f"{text} {line}".strip()
    return text


def dash_joined(lines, words):
    text = lines[0]
    for line in lines[1:]:
        start, end = re.search(r"(\w*)\s?-$", text), re.match(r"\w+", line)
        if start is None:
            text += " " + line
        elif (start[1] + end[0]).lower() in words:
            text = text[:-1] + line
        else:
            text += line
    return text


def with_marks(lines, words):
    text = lines[0]
    for line in lines[1:]:
        if text.endswith("-") and (text.split()[-1][:-1] + line.split()[0]) in words:
            text = text[:-1] + line
        else:
            text += line if text.endswith("-") else " " + line
    return text


def pack(counts, limit):
    chunks = [[0]]
    for i in range(1, len(counts)):
        if sum(counts[j] for j in chunks[-1]) + counts[i] <= limit:
            chunks[-1].append(i)
        elif counts[i - 1] + counts[i] <= limit:
            chunks.append([i - 1, i])
        else:
            chunks.append([i])
    return chunks


def pack_plain(counts, limit, *, strict=False):
    chunks, total = [[]], 0
    for i, count in enumerate(counts):
        if chunks[-1] and (total + count > limit or (strict and total + count == limit)):
            chunks.append([])
            total = 0
        chunks[-1].append(i)
        total += count
    return chunks


def overlap_always(counts, limit):
    plain = pack_plain(counts, limit)
    return [plain[0], *([chunk[0] - 1, *chunk] for chunk in plain[1:])]


SHEET = documents.read(DATA / "documents" / "products.xlsx")
ASK, TELL = "Which allergens are in {Product}, {Size}?", "Allergens: {Allergens}. Checked on {Checked on}."


def leaks(train, test):
    def plain(text):
        return " ".join(text.lower().split())

    passages = {row["passage"] for row in train}
    answers = {plain(row["completion"]) for row in train}
    return [
        i for i, row in enumerate(test) if row["passage"] in passages or plain(row["completion"]) in answers
    ]


def same(key, plain=str):
    return lambda train, test: [
        i for i, row in enumerate(test) if plain(row[key]) in {plain(other[key]) for other in train}
    ]


def exact(train, test):
    return sorted({*same("passage")(train, test), *same("completion")(train, test)})


def either(plain):
    return lambda train, test: sorted(
        {*same("passage")(train, test), *same("completion", plain)(train, test)}
    )


CASES = [
    Case(
        "mend",
        check.mend,
        solutions=[mend, split_words],
        wrong=[
            (lambda lines, words: " ".join(lines), "needs joining, not a space"),
            (lambda lines, words: " ".join(lines).replace("- ", ""), "this hyphen is a real one"),
            (lambda lines, words: " ".join(lines).replace("- ", "-"), "only divides it"),
            (lambda lines, words: "".join(lines).replace("-", ""), "real one"),
            (lambda lines, words: " ".join(lines).replace("-", ""), "a space divides"),
            (with_marks, "Marks are no part"),
            (joined_then_mended, "inside a line is none of your business"),
            (dash_joined, "a space and a dash"),
            (lambda lines, words: mend([line.lower() for line in lines], words), "Letters or marks"),
            (lambda lines, words: mend(lines, words) + " ", "the spaces are not"),
            (lambda lines, words: lines, "should give a text"),
            (lambda lines, words: None, "gives nothing back"),
        ],
    ),
    Case(
        "pack",
        check.pack,
        solutions=[pack, lambda counts, limit: tuple(map(tuple, pack(counts, limit)))],
        wrong=[
            (pack_plain, "begins with the last sentence"),
            (overlap_always, "drop it where it leaves no room"),
            (lambda counts, limit: [list(range(len(counts)))], "exceeds the limit"),
            (lambda counts, limit: [[i] for i in range(len(counts))], "ends too early"),
            (lambda counts, limit: pack(counts, limit)[:-1] or [[0]], "is in no chunk"),
            (lambda counts, limit: pack(counts, limit - 1), "ends too early"),
            (lambda counts, limit: [*pack(counts, limit), []], "No chunk should be empty"),
            (lambda counts, limit: [*pack(counts, limit), [len(counts) - 1]], "nothing that the one before"),
            (lambda counts, limit: [[str(i) for i in [99]]], "the positions go from 0"),
            (lambda counts, limit: 3, "A list of lists"),
        ],
    ),
    Case(
        "allergen_templates",
        lambda answer: check.allergen_templates(answer, SHEET),
        solutions=[
            (ASK, TELL),
            [ASK, TELL],
            ("Does {Product} ({Number}) have allergens?", "The sheet of {Checked on} says: {Allergens}."),
        ],
        wrong=[
            ((ASK, "{Allergens}"), "with its date"),
            ((ASK, "Checked on {Checked on}."), "{Allergens}"),
            (("What is in {Product}?", TELL), "comes twice"),
            (("Is {Product}, {Size}, of {Checked on} safe?", TELL), "gives its own answer away"),
            (("Does {Product}, {Size}, hold {Allergens}?", TELL), "gives its own answer away"),
            (("Which allergens are in {Number}?", TELL), "do not know its number"),
            (("Which allergens are in {product}?", TELL), "'product' is missing"),
            (("{Product} {Size}", TELL), "words of your own"),
            (("Hello there {Product}, {Size}", TELL), "asks nothing"),
            (("Is {Product} for {Price (€)} safe?", TELL), "How would a customer name"),
            (("Is {Product}, {Size}: {Description} safe?", TELL), "How would a customer name"),
            ((ASK, "{{Allergens}} on {Checked on}."), "Braces are left"),
            (ASK, "Two texts are wanted"),
            ((ASK, "Nothing"), "braces"),
        ],
    ),
    Case(
        "leaks",
        check.leaks,
        solutions=[
            leaks,
            lambda train, test: set(leaks(train, test)),
            lambda train, test: pd.Index(leaks(train, test)),
        ],
        wrong=[
            (same("prompt"), "It finds prompts"),
            (same("passage"), "finds rows from a passage"),
            (same("completion", check._plain), "finds completions"),
            (exact, "letter by letter"),
            (
                lambda train, test: [i for i, row in enumerate(test) if row["passage"] in train],
                "finds nothing",
            ),
            (either(lambda text: text.lower().strip()), "Spaces inside a text"),
            (either(lambda text: " ".join(text.split())), "Capitals count still"),
            (
                lambda train, test: sorted({*leaks(train, test), *same("prompt")(train, test)}),
                "same prompt alone",
            ),
            (
                lambda train, test: [i for i in range(len(test)) if i not in leaks(train, test)],
                "do not leak",
            ),
            (lambda train, test: leaks(train, test) if train and len(test) > 2 else [0], "nothing leaks"),
            (lambda train, test: [0, 2, 4, 5] if len(test) > 2 else [], "Without training rows"),
            (lambda train, test: len(leaks(train, test)), "A list of positions"),
            (lambda train, test: [test[i] for i in leaks(train, test)], "whole numbers"),
            (lambda train, test: [*leaks(train, test), 0], "once at most"),
        ],
    ),
]

TestExercises = make_tests(CASES)


def test_rows_with_an_empty_field_are_missed():
    rows = (("Product", "Size", "Allergens", "Checked on"), ("Tea", "80 g", "none", "today"))
    sheet = Document("a", "XLSX", (table_block([*rows, ("Jam", "1 kg", "", "")]),))
    verdict = check.allergen_templates((ASK, TELL), sheet)
    assert verdict.status == "wrong" and "1 of 2 rows" in verdict.message


def test_the_leak_has_each_kind():
    """Each of the likely mistakes gives another list, so that its hint is its own."""
    found = [exact, leaks, same("passage"), same("completion"), same("prompt")]
    lists = [tuple(function(check.TRAIN, check.LEAKING)) for function in found]
    assert len(set(lists)) == len(lists)


@pytest.mark.parametrize("counts, limit, wanted", check.PACK_CASES)
def test_the_chunks_of_the_cases_fit(counts, limit, wanted):
    assert all(sum(counts[i] for i in chunk) <= limit for chunk in wanted)
    assert {i for chunk in wanted for i in chunk} == set(range(len(counts)))
