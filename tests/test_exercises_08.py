import numpy as np
import pandas as pd
from exercise_cases import Case, make_tests

from helpers import prepare, tokens
from helpers.exercises import lesson_08 as check

TYPED = ["### A heading?", "File -> Export", "a\n\n---\n\nb", "ends with =", "x => y", "and\n\n###\n\nmore #"]
OLD = ["very satisfied", "very dissatisfied", "so-so"]
ROWS = [
    {"prompt": f"Ad {i}: " + "tea and bread " * (1 + i % 5) + "\n\n###\n\n", "completion": " yes"}
    for i in range(150)
]
PROMPTS = tokens.count([row["prompt"] for row in ROWS], "babbage-002")
BOTH = PROMPTS + tokens.count([row["completion"] for row in ROWS], "babbage-002")
BUDGET = 2000
AFFORDABLE = max(n for n in range(1, 151) if BOTH[:n].sum() * prepare.epochs(n) <= BUDGET)

MIXED = np.array(["delivery"] * 50 + ["returns"] * 12 + ["product"] * 31)

TRAIN = [
    {"prompt": "Where is it?", "completion": " delivery"},
    {"prompt": "Is it sour?", "completion": " product"},
    {"prompt": "Money back!", "completion": " returns"},
    {"prompt": "A new one?", "completion": " returns"},
    {"prompt": "Which flour?", "completion": " product"},
]
VALIDATION = [
    {"prompt": "Open today?", "completion": " delivery"},
    {"prompt": "MONEY BACK", "completion": " returns"},
    {"prompt": "Where is it?", "completion": " delivery"},
    {"prompt": "A new one?", "completion": " delivery"},
]

LINES = [
    r"""{"prompt": "Goat's cheese\n\n###\n\n", "completion": " dairy" """.rstrip(),
    r"{'prompt': 'Ginger beer', 'completion': ' drinks'}",
]
MENDED = [
    r"""{"prompt": "Goat's cheese\n\n###\n\n", "completion": " dairy"}""",
    r"""{"prompt": "Ginger beer", "completion": " drinks"}""",
]


def choose(labels, most, seed):
    order = np.random.default_rng(seed).permutation(len(labels))
    return np.concatenate([order[labels[order] == name][:most] for name in np.unique(labels)])


def as_list(labels, most, seed):
    generator, chosen = np.random.default_rng(seed), []
    for name in np.unique(labels):
        own = np.flatnonzero(labels == name)
        chosen += list(generator.choice(own, min(most, len(own)), replace=False))
    return chosen


def the_first(labels, most, seed):
    return [i for name in np.unique(labels) for i in np.flatnonzero(labels == name)[:most]]


def with_copies(labels, most, seed):
    generator = np.random.default_rng(seed)
    return [i for name in np.unique(labels) for i in generator.choice(np.flatnonzero(labels == name), most)]


def to_the_rarest(labels, most, seed):
    return choose(labels, min(np.unique(labels, return_counts=True)[1]), seed)


def everything(labels, most, seed):
    return range(len(labels))


def gives_names(labels, most, seed):
    return labels[choose(labels, most, seed)]


GENERATOR = np.random.default_rng(3)


def another_each_time(labels, most, seed):
    return choose(labels, most, GENERATOR)


CASES = [
    Case(
        "separator",
        lambda answer: check.separator(answer, TYPED),
        solutions=["\n\n===>\n\n", "\n\n---->\n\n", " @@>", "\n\n[[?]]\n\n"],
        wrong=[
            ("\n\n###\n\n", "1 of the prompts"),
            ("->", "stands inside 1"),
            (" ", "Of spaces"),
            ("\n\n", "line ends alone"),
            ("====", "one step too early"),
            ("Answer", "ordinary punctuation"),
            ("\n\n===> ", "ends with a space"),
            ("\n#~@~#~@~#~@~#\n", "tokens in every example"),
            (["##"], "a list of 1"),
            ("$", "One sign alone"),
        ],
        secret="\n\n===>",
    ),
    Case(
        "labels",
        lambda answer: check.labels(answer, OLD),
        solutions=[
            dict(zip(OLD, ("great", "terrible", "average"))),
            dict(zip(OLD, (" happy", " angry", " fine"))),
        ],
        wrong=[
            (["great", "terrible", "average"], "a list of 3"),
            ({"very satisfied": "great"}, "has no new name"),
            (dict(zip(OLD, ("great", "great", "average"))), "Two classes"),
            (dict(zip(OLD, ("great", "Great", "average"))), "leaves capitals aside"),
            (dict(zip(OLD, ("very good", "very bad", "average"))), "same token"),
            (dict(zip(OLD, ("great", "terrible", "in between"))), "is 2 tokens"),
            (dict(zip(OLD, ("great", "terrible", "좋아요"))), "tokens"),
            (dict(zip(OLD, (1, 2, 3))), "should be a text"),
            (dict(zip(OLD, ("great", "terrible", " "))), "nothing in it"),
        ],
        secret="average",
    ),
    Case(
        "examples_for",
        lambda answer: check.examples_for(answer, ROWS, BUDGET, "babbage-002"),
        solutions=[AFFORDABLE, np.int64(AFFORDABLE), float(AFFORDABLE)],
        wrong=[
            (int((BOTH.cumsum() <= BUDGET).sum()), "counts each example once"),
            (AFFORDABLE + 1, "one too many"),
            (AFFORDABLE - 1, "position of the last"),
            (len(ROWS), "how many there are in all"),
            (
                max(n for n in range(1, 151) if PROMPTS[:n].sum() * prepare.epochs(n) <= BUDGET),
                "prompts alone",
            ),
            (5, "For each n"),
            (2.5, "whole number"),
        ],
    ),
    Case(
        "balanced",
        lambda answer: check.balanced(answer, MIXED, 20),
        solutions=[choose, as_list, lambda *given: pd.Index(choose(*given))],
        wrong=[
            (the_first, "Every seed gives the same rows"),
            (with_copies, "chosen twice"),
            (to_the_rarest, "Are rare classes cut"),
            (everything, "are the most"),
            (gives_names, "whole numbers"),
            (another_each_time, "other rows the second time"),
            (lambda labels, most, seed: [len(labels)], "positions from 0"),
            (lambda labels: labels, "TypeError"),
            ([1, 2], "A function is wanted"),
            (lambda labels, most, seed: np.arange(len(labels)) < 9, "np.flatnonzero"),
        ],
    ),
    Case(
        "leaking",
        lambda answer: check.leaking(answer, TRAIN, VALIDATION),
        solutions=[[0, 2, 3], {3, 2, 0}, np.array([0, 2, 3]), (0, 2, 3)],
        wrong=[
            ([0], "wholly the same"),
            ([], "You found none"),
            ([0, 3], "written the same"),
            ([1, 3, 4], "count from 0"),
            ([1, 4], "do not leak"),
            ([1, 2, 3], "in the validation set"),
            ([2, 3], "1 more do"),
            ([0, 1, 2, 3], "1 of these prompts cannot"),
            ([0, 1], "some are missing"),
            ([0, 9], "from 0 to 4"),
            (["Where is it?"], "whole numbers"),
        ],
        secret="0, 2, 3",
    ),
    Case(
        "mended",
        lambda answer: check.mended(answer, LINES),
        solutions=[MENDED, tuple(MENDED), [line.replace(": ", ":") for line in MENDED]],
        wrong=[
            (LINES, "not JSON yet"),
            (MENDED[:1], "A list of 2 texts"),
            ([MENDED[0], MENDED[0]], "'Ginger' of the old line is gone"),
            ([MENDED[0], MENDED[1].replace("beer", "beer and ale")], "'and' was not in the old line"),
            ([MENDED[0], '["Ginger beer", " drinks"]'], "a row is an object"),
            ([MENDED[0], '{"prompt": "Ginger beer drinks"}'], "it is JSON now, but"),
            ([MENDED[0], '{"prompt": "Ginger beer drinks", "completion": " "}'], "nothing in the completion"),
            ([MENDED[0], MENDED[1].replace(", ", ",\n")], "line end in it"),
            ([{"prompt": "Goat's cheese"}, MENDED[1]], "a text is wanted"),
            ([MENDED[0], '{"prompt": " drinks", "completion": "Ginger beer"}'], "have changed places"),
        ],
    ),
]

TestExercises = make_tests(CASES)
