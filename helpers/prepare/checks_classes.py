"""Checks of classes: enough of each, not too unequal, one token each."""

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from helpers import tokens
from helpers.prepare import token_counts
from helpers.prepare.report import WARNING, Finding
from helpers.prepare.rules import CLASSIFICATION, Case, check, shown, some

A_CLASS = 100  # examples at least: OpenAI's historic guide
UNEQUAL = 10  # times as many examples in the largest class as in the smallest: our own line, not a law
LISTED = 8


def classes(case: Case, counts: Mapping[str, int] | None = None) -> Counter | None:
    """The classes as they will be, each with one leading space, and their examples; None for other tasks.

    `counts`: examples of each completion, if not those of all examples (`in_training`).
    """
    facts = case.facts
    if case.task != CLASSIFICATION or facts.classes is None or facts.distinct == 1:
        return None
    lower = case.pairs and facts.completions.upper * 2 > facts.completions.lower
    merged: Counter = Counter()
    for text, count in (facts.classes if counts is None else counts).items():
        if text.strip():
            name = " " + text.strip()
            merged[name.lower() if lower else name] += count
    return merged if len(merged) > 1 else None


def in_training(case: Case) -> dict[str, int]:
    """How many examples of each completion stay for training when `case.aside` is kept for validation."""
    facts = case.facts
    stays = ~np.isin(np.asarray(facts.numbers, dtype=np.int64), case.aside)
    counted = Counter(np.frombuffer(facts.completion_hashes, dtype=np.int64)[stays].tolist())
    return {text: counted[hash(text)] for text in facts.classes or ()}


@check
def small_classes(case: Case) -> Finding | None:
    """Of all examples; after a split, of those for training."""
    where = "" if case.aside is None else " in the training file"
    counted = classes(case, None if case.aside is None else in_training(case))
    small = {name: n for name, n in (counted or {}).items() if n < A_CLASS}
    if not small:
        return None
    return Finding(
        "small_classes",
        WARNING,
        f"{some(len(small), 'class', 'classes')} with fewer than {A_CLASS} examples{where}: {listed(small)}.",
        f"About {A_CLASS} examples a class is the least to aim for.",
        len(small),
    )


@check
def imbalance(case: Case) -> Finding | None:
    counted = classes(case)
    if not counted or max(counted.values()) < UNEQUAL * min(counted.values()):
        return None
    (largest, n), (smallest, m) = counted.most_common()[0], counted.most_common()[-1]
    share = n / sum(counted.values())
    return Finding(
        "imbalance",
        WARNING,
        f"The classes are unequal: {shown(largest)} has {n:,} examples, {shown(smallest)} {m:,}.",
        f"Always saying {shown(largest)} is right {share:.0%} of the time: judge the model by each class.",
    )


@check
def long_classes(case: Case) -> Finding | None:
    """Classes of more than one token, and those that begin with the same token."""
    counted = classes(case) if case.pairs else None
    if not counted:
        return None
    if all(token_counts.surely_one(name, case.limit.model) for name in counted):
        return None
    ids = class_tokens(counted, case.limit.model)
    long = [(name, len(of_name)) for name, of_name in ids.items() if len(of_name) > 1]
    if not long:
        return None
    names = ", ".join(f"{shown(name)} has {n}" for name, n in long[:LISTED])
    clash = same_beginning(ids)
    worse = f" {' and '.join(map(shown, clash[:3]))} begin with the same token." if clash else ""
    bare = class_tokens([name.strip() for name in counted], case.limit.model)
    if clash and all(len(of_name) == 1 for of_name in bare.values()):
        worse += " Without a space before it each is one token: refuse that repair, or choose other names."
    return Finding(
        "long_classes",
        WARNING,
        f"{some(len(long), 'class', 'classes')} of more than one token ({case.limit.model}): {names}.{worse}",
        "With max_tokens=1 the first token decides, and logprobs gives its probability only: choose names of "
        "one token each, or at least with different first tokens.",
        len(long),
    )


@check
def class_spellings(case: Case) -> Finding | None:
    """Classes that differ only in spaces around them or in capitals."""
    facts = case.facts
    if case.task != CLASSIFICATION or facts.classes is None:
        return None
    spelt: dict[str, list[str]] = {}
    for text in facts.classes:
        spelt.setdefault(text.strip().casefold(), []).append(text)
    # a missing leading space, and capitals everywhere, have findings of their own, whose repairs mend them
    several = [texts for texts in spelt.values() if len({text.removeprefix(" ") for text in texts}) > 1]
    if not several:
        return None
    return Finding(
        "class_spellings",
        WARNING,
        f"{some(len(several), 'class', 'classes')} written in more than one way: "
        + "; ".join(" and ".join(map(shown, texts[:3])) for texts in several[:LISTED])
        + ".",
        "To the model they are different answers. Write each class in one way, in the file that this one is "
        "made from.",
        len(several),
    )


def class_tokens(names: Iterable[str], model: str) -> dict[str, list[int]]:
    """Each class's tokens."""
    return {name: list(tokens.encode(name[:1000], model)) for name in names}


def same_beginning(ids: dict[str, list[int]]) -> list[str]:
    """The first group of classes that begin with the same token; empty if there is none."""
    firsts: dict[int, list[str]] = {}
    for name, of_name in ids.items():
        firsts.setdefault(of_name[0], []).append(name)
    return next((names for names in firsts.values() if len(names) > 1), [])


def listed(counts: dict[str, int]) -> str:
    names = ", ".join(f"{shown(name)} {n:,}" for name, n in list(counts.items())[:LISTED])
    return names + (" and others" if len(counts) > LISTED else "")
