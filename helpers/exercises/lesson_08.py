"""The checks of lesson 08: a separator, class names, a budget, balance, leaking rows, broken lines.

Each works out the truth from what it is given, and knows the mistakes that are near at hand.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from helpers import jsonl, prepare, tokens
from helpers.exercises.core import (
    Verdict,
    ask,
    exercise,
    kind_of,
    right,
    unless_mistaken,
    whole_number,
    wrong,
)

MODELS = ("babbage-002", "gpt-4o-mini")
LONGEST = 6  # tokens of a separator: more would only cost
SHORT_LABELS = np.array(["tea"] * 7 + ["jam"] * 2 + ["oil"] * 4)

# ----------------------------------------------------------------------------- 8.1


@exercise
def separator(answer: Any, prompts: Sequence[str]) -> Verdict:
    """A text that stands at the end of every prompt, and would be found nowhere else."""
    if not isinstance(answer, str):
        raise wrong(f"A separator is a text, but this is {kind_of(answer)}.")
    if not answer.strip():
        raise wrong("Of spaces and line ends alone a reader sees nothing, and they occur everywhere.")
    inside = [i for i, prompt in enumerate(prompts) if answer in prompt]
    if inside:
        raise wrong(
            f"It already stands inside {len(inside)} of the prompts, the first at position {inside[0]}. "
            "Where would such a prompt end?"
        )
    early = [i for i, prompt in enumerate(prompts) if (prompt + answer).find(answer) < len(prompt)]
    if early:
        raise wrong(
            f"Joined to the prompt at position {early[0]}, it is found one step too early: that prompt ends "
            "with a part of it. Choose one that begins with something else."
        )
    if not re.search(r"[^\w\s.,;?!'\"()]", answer):
        raise wrong(
            "That consists of letters and ordinary punctuation: the next customer may type it. Put signs "
            "into it that hardly anyone types."
        )
    if len(answer.strip()) < 2:
        raise wrong("One sign alone is soon typed. Put a second one beside it.")
    if answer.endswith(" "):
        raise wrong("It ends with a space, and the completion begins with one. What becomes of two spaces?")
    cost = len(tokens.encode(answer, MODELS[0]))
    if cost > LONGEST:
        raise wrong(f"It works, but costs {cost} tokens in every example and in every call. Make it shorter.")
    return right(
        f"It costs {cost} token{'s' * (cost != 1)} per prompt. The tool tries a list of them in this way."
    )


# ----------------------------------------------------------------------------- 8.2


@exercise
def labels(answer: Any, old: Sequence[str]) -> Verdict:
    """A dict from each old class name to a new one: one token each with a space before it, all different."""
    if not isinstance(answer, dict):
        raise wrong(f"A dict from old names to new ones is wanted, but this is {kind_of(answer)}.")
    if missing := [name for name in old if name not in answer]:
        raise wrong(f"The class {missing[0]!r} has no new name: use the old names as keys, as they stand.")
    new = [answer[name] for name in old]
    if odd := [name for name in new if not isinstance(name, str)]:
        raise wrong(f"Each new name should be a text, but one is {kind_of(odd[0])}.")
    if any(not name.strip() for name in new):
        raise wrong("One of the new names has nothing in it.")
    spaced = [f" {name.strip()}" for name in new]
    if twice := [name for name, n in Counter(name.casefold() for name in spaced).items() if n > 1]:
        raise wrong(
            f"Two classes are now called {twice[0].strip()!r}, if one leaves capitals aside: after training "
            "nobody can part them again."
        )
    for model in MODELS:
        cut = {name: tokens.pieces(name, model) for name in spaced}
        alike = Counter(tokens.encode(name, model)[0] for name in spaced).most_common(1)[0]
        if alike[1] > 1:
            both = [name.strip() for name in spaced if tokens.encode(name, model)[0] == alike[0]]
            raise wrong(f"{' and '.join(map(repr, both))} still begin with the same token for {model}.")
        if long := [name for name, parts in cut.items() if len(parts) > 1]:
            raise wrong(
                f"For {model}, {long[0].strip()!r} is {len(cut[long[0]])} tokens: {cut[long[0]]}. Look for a "
                "plainer word."
            )
    return right(
        "One token each for both tokenizers, so max_tokens=1 returns the whole answer. Keep the dict: your "
        "program needs it to turn the token back into the class."
    )


# ----------------------------------------------------------------------------- 8.3


@exercise
def examples_for(answer: Any, rows: Sequence[Mapping[str, str]], budget: int, model: str) -> Verdict:
    """The largest n for which the tokens of the first n rows, times the epochs, stay within a budget."""
    value = whole_number(answer)
    prompts = tokens.count([row["prompt"] for row in rows], model)
    both = prompts + tokens.count([row["completion"] for row in rows], model)
    truth = _affordable(both, budget)
    if value == truth:
        paid = int(both[:truth].sum()) * prepare.epochs(truth)
        return right(
            f"{truth} examples cost {paid:,} of {budget:,} tokens. Whether the money is better spent on more "
            "examples or on more epochs is for the validation set to say."
        )
    once = int((both.cumsum() <= budget).sum())
    mistakes = {
        "That counts each example once. In how many epochs does a host go over them?": once,
        "That counts the prompts alone. The completions are paid for, too.": _affordable(prompts, budget),
        "That is one too many: with it, the budget is passed. Positions count from 0, examples from 1.": (
            truth + 1
        ),
        "That is the position of the last example. How many are there up to it?": truth - 1,
        "That is the mean applied to all. Add up the first ones as they stand: texts differ in length.": int(
            budget / (both.mean() * 3)
        ),
        "That is how many there are in all. Do they fit the budget?": len(rows),
    }
    unless_mistaken(value, mistakes)
    raise wrong(
        "For each n: tokens of the first n prompts and completions, times prepare.epochs(n). Which is the "
        "largest n that stays within the budget?"
    )


def _affordable(counts: np.ndarray, budget: int) -> int:
    totals = counts.cumsum()
    fits = [n for n in range(1, len(counts) + 1) if int(totals[n - 1]) * prepare.epochs(n) <= budget]
    return max(fits, default=0)


# ----------------------------------------------------------------------------- 8.4


@exercise
def balanced(answer: Any, classes: Sequence[str], most: int) -> Verdict:
    """A function (labels, most, seed) to positions: of each class at most so many, chosen at random."""
    for about, names, limit in (
        ("13 rows", SHORT_LABELS, 4),
        ("your rows", np.asarray(classes, dtype=object), most),
    ):
        chosen = _positions(ask(answer, names.copy(), limit, 0), len(names), f"With {about}: what it gives")
        if len(set(chosen)) < len(chosen):
            raise wrong(f"With {about}: some rows are chosen twice. A copy teaches nothing new.")
        counts, had = Counter(names[i] for i in chosen), Counter(names)
        for name, there in had.items():
            wanted = min(there, limit)
            if counts[name] > wanted:
                raise wrong(
                    f"With {about}: {counts[name]} rows of {str(name)!r}, where {limit} are the most."
                )
            if counts[name] < wanted:
                raise wrong(
                    f"With {about}: {counts[name]} rows of {str(name)!r}: there are {there}, and {limit} "
                    "are allowed. Are rare classes cut, too?"
                )
    again = [
        set(_positions(ask(answer, names.copy(), limit, seed), len(names), "What it gives"))
        for seed in (0, 0, 1, 2)
    ]
    if again[0] != again[1]:
        raise wrong(
            "The same seed gives other rows the second time. Make the generator inside, from the seed."
        )
    if again[0] == again[2] == again[3] and len(again[0]) < len(names):
        raise wrong(
            "Every seed gives the same rows. Are they the first of each class? A file is often in the order "
            "of time, and then you would train on the past alone."
        )
    return right(
        f"{len(again[0])} of {len(names)} rows remain. What was left out is not lost: it can serve as a "
        "further test."
    )


def _positions(value: Any, n: int, name: str) -> list[int]:
    """A list, set or array of whole numbers from 0 to n - 1."""
    if getattr(value, "ndim", 0) == 1 and hasattr(value, "tolist"):  # an array, or pandas' Series and Index
        value = value.tolist()
    if not isinstance(value, list | tuple | set | frozenset | range):
        raise wrong(f"{name} should be a list of positions, but it is {kind_of(value)}.")
    listed = list(value)
    if listed and all(isinstance(each, bool) for each in listed):
        raise wrong(f"{name} should hold positions, but holds True and False: np.flatnonzero converts.")
    if bad := [each for each in listed if isinstance(each, bool) or not isinstance(each, int | np.integer)]:
        raise wrong(f"{name} should hold whole numbers, but holds {kind_of(bad[0])}.")
    if bad := [int(each) for each in listed if not 0 <= each < n]:
        raise wrong(f"{name} should hold positions from 0 to {n - 1}, but holds {bad[0]}.")
    return [int(each) for each in listed]


# ----------------------------------------------------------------------------- 8.5


@exercise
def leaking(
    answer: Any, train: Sequence[Mapping[str, str]], validation: Sequence[Mapping[str, str]]
) -> Verdict:
    """The positions of training rows whose prompt is in the validation set, but for case and punctuation."""
    value = set(_positions(answer, len(train), "The answer"))
    known = {_plain(row["prompt"]) for row in validation}
    truth = {i for i, row in enumerate(train) if _plain(row["prompt"]) in known}
    if value == truth:
        return right(
            "All of them are known to the model before it is tested, whichever completion they have. Taking "
            "them out of training leaves the test as it is."
        )
    exact = {(row["prompt"], row["completion"]) for row in validation}
    same = {i for i, row in enumerate(train) if (row["prompt"], row["completion"]) in exact}
    prompts = {row["prompt"] for row in validation}
    as_written = {i for i, row in enumerate(train) if row["prompt"] in prompts}
    here = {_plain(row["prompt"]) for row in train}
    positions = {i for i, row in enumerate(validation) if _plain(row["prompt"]) in here}
    for mistake, hint in (
        (
            same,
            "Those are the rows that are wholly the same. A known question with another answer leaks, too.",
        ),
        (as_written, "Those are the prompts that are written the same. What if somebody shouts?"),
        ({i + 1 for i in truth}, "Positions count from 0."),
        (set(range(len(train))) - truth, "Those are the rows that do not leak."),
        (positions, "Those are positions in the validation set. The training rows are asked for."),
    ):
        if value == mistake:
            raise wrong(hint)
    if not value:
        raise wrong("You found none, and some leak. Look at the prompts of the validation rows one by one.")
    if value < truth:
        raise wrong(f"These leak, but {len(truth - value)} more do. Compare letters and digits alone.")
    if value > truth:
        raise wrong(f"{len(value - truth)} of these prompts cannot be found in the validation set.")
    raise wrong("Some of these leak and some do not, and some are missing. Compare letters and digits alone.")


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


# ----------------------------------------------------------------------------- 8.6


@exercise
def mended(answer: Any, lines: Sequence[str]) -> Verdict:
    """The broken lines, repaired: each one JSON object with prompt and completion, nothing of it lost."""
    if not isinstance(answer, list | tuple) or len(answer) != len(lines):
        raise wrong(
            f"A list of {len(lines)} texts is wanted, one for each line, but this is {kind_of(answer)}."
        )
    for position, (line, old) in enumerate(zip(answer, lines)):
        where = f"Line at position {position}:"
        if not isinstance(line, str):
            raise wrong(f"{where} a text is wanted, as it would stand in the file, not {kind_of(line)}.")
        row = _row(line, where)
        if faults := jsonl.problems(row, "pairs"):
            raise wrong(f"{where} it is JSON now, but {faults[0]}.")
        if not row["completion"].strip():
            raise wrong(f"{where} there is nothing in the completion.")
        said = " ".join(row.values()).split()
        if lost := [word for word in _words(old) if word not in " ".join(said)]:
            raise wrong(f"{where} the word {lost[0]!r} of the old line is gone.")
        first = _words(row["prompt"])
        if first and 0 <= old.find(row["completion"].strip()) < old.find(first[0]):
            raise wrong(f"{where} prompt and completion have changed places.")
        if added := [word for word in _words(" ".join(said)) if word not in old]:
            raise wrong(f"{where} the word {added[0]!r} was not in the old line.")
    return right("Each of them counts as an example again. Now think of the program that wrote such lines.")


def _row(line: str, where: str) -> dict:
    import orjson

    if "\n" in line.strip():
        raise wrong(
            f"{where} it has a line end in it. A row stands in one line, and in it \\n: write the text "
            "as r'...', so that Python leaves it as it is."
        )
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise wrong(f"{where} not JSON yet. {jsonl.explain(line.encode())}") from None
    if not isinstance(row, dict):
        raise wrong(f"{where} it is JSON, but {kind_of(row)}, and a row is an object: {{...}}.")
    return row


def _words(text: str) -> list[str]:
    found = re.findall(r"[^\W\d_]+", text.replace("\\n", " "))
    return [word for word in found if word.casefold() not in ("prompt", "completion")]
