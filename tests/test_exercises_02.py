import html
import re

import numpy as np
import pandas as pd
import pytest
from exercise_cases import Case, make_tests

from helpers.exercises import lesson_02 as check

STARS = np.array([5, 5, 5, 4, 1, 5, 2, 5])  # misses 0 0 0 1 4 0 3 0
MISSES = 5 - STARS

TEXTS = [
    "Good tea.",
    "Good tea.",
    "GOOD   tea",
    "Good<br />tea!",
    "Not good tea.",
    "Crisp.",
    "Crisp.",
    "Soggy.",
]
FRAME = pd.DataFrame({"Id": range(1, 9), "Text": TEXTS})

COUNTS = np.array([40, 60, 80, 220])  # mean 100, median 70
OTHER_COUNTS = [50, 70, 100, 260]  # mean 120
TOTAL = 1_000_000  # so 100 million tokens: 13 dollars with the larger model, 6.50 by batch


def plain(text):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def plain_by_other_means(text):
    for entity, character in {
        "&amp;": "&",
        "&quot;": '"',
        "&lt;": "\x01",
        "&gt;": "\x02",
        "&nbsp;": " ",
    }.items():
        text = text.replace(entity, character)
    text = re.sub("<.*?>", " ", text).replace("\x01", "<").replace("\x02", ">")
    return re.sub(r"\s+", " ", text).strip()


def pack(counts, most_texts, most_tokens, *, exactly_full=True):
    requests, tokens_in_last = [], 0
    for position, count in enumerate(counts):
        room = most_tokens - tokens_in_last if exactly_full else most_tokens - tokens_in_last - 1
        if not requests or len(requests[-1]) == most_texts or count > room:
            requests.append([])
            tokens_in_last = 0
        requests[-1].append(position)
        tokens_in_last += count
    return requests


def pack_with_a_current_list(counts, most_texts, most_tokens):
    done, current = [], []
    while counts:
        position = sum(map(len, done)) + len(current)
        count = counts.pop(0)
        if current and (len(current) >= most_texts or sum(c for _, c in current) + count > most_tokens):
            done.append(current)
            current = []
            position = sum(map(len, done))
        current.append((position, count))
    done += [current] if current else []
    return [tuple(position for position, _ in request) for request in done]


def forgets_the_last(*case):
    return pack(*case)[:-1]


def looks_after_adding(counts, most_texts, most_tokens):
    requests, tokens = [], 0
    for position, count in enumerate(counts):
        if not requests or tokens > most_tokens or len(requests[-1]) >= most_texts:
            requests.append([])
            tokens = 0
        requests[-1].append(position)
        tokens += count
    return requests


def drops_what_did_not_fit(counts, most_texts, most_tokens):
    requests, tokens = [[]], 0
    for position, count in enumerate(counts):
        if tokens + count > most_tokens or len(requests[-1]) == most_texts:
            requests.append([])
            tokens = 0
        else:
            requests[-1].append(position)
            tokens += count
    return requests


def never_resets_the_sum(counts, most_texts, most_tokens):
    requests, tokens = [], 0
    for position, count in enumerate(counts):
        tokens += count
        if not requests or tokens > most_tokens or len(requests[-1]) == most_texts:
            requests.append([])
        requests[-1].append(position)
    return requests


CASES = [
    Case(
        "mean_error_of_five",
        lambda answer: check.mean_error_of_five(answer, STARS),
        solutions=[1.0, MISSES.mean(), np.float32(1), 1],
        wrong=[
            (-1.0, "without its sign"),
            ((MISSES**2).mean(), "has no square"),
            (np.sqrt((MISSES**2).mean()), "root of the mean square"),
            ((STARS != 5).mean(), "how often always 5 is wrong"),
            ((STARS == 5).mean(), "how often always 5 is right"),
            (STARS.mean(), "the mean of the stars"),
            (abs(STARS - STARS.mean()).mean(), "always saying the mean"),
            (8 / 3, "leaves out the reviews with 5 stars"),
            (8, "sum of all misses"),
            (0.2, "distance of each review's stars from 5"),
            (abs(MISSES), "one number"),
            (float("nan"), "no ordinary number"),
        ],
        secret="1.00",
    ),
    Case(
        "plain",
        check.plain,
        solutions=[plain, plain_by_other_means],
        wrong=[
            (lambda text: re.sub(r"<[^>]+>", "", text), "grown together"),
            (lambda text: " ".join(text.split()), "A tag is left"),
            (lambda text: plain(text.replace("<br />", " ")) if "<a" not in text else text, "A tag is left"),
            (
                lambda text: " ".join(re.sub(r"<br ?/>|</?a>", " ", text).split()),
                "attributes, and closing tags",
            ),
            (lambda text: plain(re.sub(r"<.*>", " ", text)), "Only the tags should go"),
            (lambda text: html.unescape(re.sub("<.*>", " ", text)).strip(), "runs on to the last >"),
            (lambda text: plain(text)[5:], "words, in the order"),
            (lambda text: plain(re.sub(r"<a.*/a>", " ", text)), "the words between"),
            (lambda text: " ".join(re.sub(r"<[^>]+>", " ", text).split()), "An entity is left"),
            (lambda text: plain(re.sub(r"&\w+;", " ", text)), "html.unescape keeps it"),
            (
                lambda text: " ".join(re.sub(r"<[^>]+>", " ", html.unescape(text)).split()),
                "Which comes first",
            ),
            (lambda text: html.unescape(re.sub(r"<[^>]+>", " ", text)).strip(), "becomes one space"),
            (lambda text: " " + plain(text), "at an end"),
            (lambda text: plain(text).lower(), "Capitals should stay"),
            (lambda text: re.sub(r"[^\w ]", "", plain(text)), "Punctuation should stay"),
            (str.split, "a list of"),
            (lambda text: text + 1, "stopped with TypeError"),
            (print, "gives nothing back"),
            ("Good tea. Hot, too.", "A function is wanted"),
        ],
    ),
    Case(
        "repeats",
        lambda answer: check.repeats(answer, FRAME),
        solutions=[4, np.int64(4), 4.0],
        wrong=[
            (2, "That many are alike letter by letter"),
            (6, "differ letter by letter"),
            (8, "the number of all rows"),
            (0, "compare whole rows"),
            (7, "Reduce each text"),
            (0.5, "a whole number"),
            (FRAME.Text.duplicated(), "one number"),
            (-4, "Reduce each text"),
        ],
    ),
    Case(
        "dollars",
        lambda answer: check.dollars(answer, COUNTS, TOTAL, OTHER_COUNTS),
        solutions=[6.5, 6.51, np.float64(6.5)],
        wrong=[
            (13, "without the batch's discount"),
            (3.25, "taken twice"),
            (6.5e6, "for a million tokens, not for one"),
            (6500, "not for a thousand"),
            (1, "text-embedding-3-small, not of"),
            (2, "text-embedding-3-small, and without"),
            (6.5 * 4 / TOTAL, "for the 4 reviews here; the question"),
            (13 * 4 / TOTAL, "for the 4 reviews here, without"),
            (0, "more than 0 dollars"),
            (6.5 * 4, "dearer"),
            (6.5 * 70 / 100, "the median"),
            (6.5 / 100, "one token per review"),
            (650, "in cents"),
            (100, "millions of tokens"),
            (6.5 * 1.2, "another tokenizer; the bill is in `hosted_counts`"),
            (13 * 1.2, "without discount"),
            (1_000, "Estimate the tokens of all reviews first"),
            ("13 / 2", "one number"),
        ],
        secret="6.5",
    ),
    Case(
        "pack",
        lambda answer: check.pack(answer, np.array([5, 6, 7, 8, 9]), 3, 15),
        solutions=[pack, pack_with_a_current_list],
        wrong=[
            (forgets_the_last, "when the loop ends"),
            (looks_after_adding, "before adding it"),
            (drops_what_did_not_fit, "is in no request"),
            (never_resets_the_sum, "would do"),
            (lambda *case: pack(*case, exactly_full=False), "exactly as full"),
            (lambda counts, texts, tokens: [[i] for i in range(len(counts))], "each text goes alone"),
            (lambda counts, texts, tokens: pack(counts, 10**6, tokens), "has a limit as well"),
            (lambda counts, texts, tokens: pack(counts, texts, 10**6), "before adding it"),
            (lambda *case: [[], *pack(*case)], "is empty"),
            (lambda *case: [[i + 1 for i in request] for request in pack(*case)], "start at 1"),
            (lambda *case: [[case[0][i] for i in request] for request in pack(*case)], "token counts"),
            (lambda *case: pack(*case)[::-1], "change their order"),
            (lambda *case: [request[::-1] for request in pack(*case)], "change their order"),
            (lambda *case: [*pack(*case), *pack(*case)], "paid for, twice"),
            (lambda *case: len(pack(*case)), "Give the requests"),
            (lambda *case: [i for request in pack(*case) for i in request], "list of lists"),
            (lambda counts, *limits: counts[100], "stopped with IndexError"),
            ([[0, 1, 2]], "A function is wanted"),
        ],
    ),
]

TestExercises = make_tests(CASES)


@pytest.mark.parametrize("exercise", [check.plain, lambda f: check.pack(f, [1], 2, 3)])
def test_a_function_without_a_body_is_unanswered(exercise):
    assert exercise(lambda *_: ...).status == "unanswered"


def test_repeats_tells_what_normalising_adds():
    assert "letter by letter it is 2" in check.repeats(4, FRAME).message
    exact = FRAME.iloc[[0, 1, 5, 6]]
    assert "letter by letter it is just as many" in check.repeats(2, exact).message


def test_repeats_knows_the_first_of_a_group_from_the_rest():
    thrice = pd.DataFrame({"Id": range(6), "Text": ["a b", "a b", "a b", "c", "d", "e"]})
    assert check.repeats(2, thrice)
    assert "first of each group too" in check.repeats(3, thrice).message
    assert "once" in check.repeats(1, thrice).message


def test_repeats_tells_the_likely_mistakes_apart():
    # 3 groups: "a" three times exactly, "b" twice exactly, "c" and "C!" only when normalised; 20 more
    texts = ["a", "a", "a", "b", "b", "c", "C!", *(f"word{i}" for i in range(20))]
    frame = pd.DataFrame({"Id": range(len(texts)), "Text": texts})
    assert check.repeats(4, frame)
    hints = {
        3: "alike letter by letter",  # the exact repeats; each normalised one once is 3 too
        7: "That counts the first of each group too",
        5: "compares letter by letter, and counts the first",
        2: "once, and compares letter by letter",
        23: "number of different texts",
        24: "texts that differ letter by letter",
        27: "the number of all rows",
    }
    for answer, fragment in hints.items():
        assert fragment in check.repeats(answer, frame).message, answer


def test_repeats_normalises_as_the_exercise_prescribes():
    frame = pd.DataFrame({"Id": range(4), "Text": ["so_so", "so so", "Straße", "STRASSE"]})
    assert check.repeats(0, frame)  # casefold, NFKC and `_` would make two repeats of these


def test_dollars_are_right_to_the_cent():
    assert check.dollars(0.07, np.array([100]), 10_000)  # 0.065


def test_packing_says_how_many_requests_it_takes():
    verdict = check.pack(pack, [10] * 100, 64, 300)
    assert "100 texts fit into 4 requests; one by one it would be 100 requests" in verdict.message
    assert "1 text fit" not in verdict.message


def test_all_five_stars_leave_nothing_to_divide_by():
    assert check.mean_error_of_five(0.0, [5, 5, 5])
    assert check.mean_error_of_five(3.0, [5, 5, 5]).status == "wrong"
