"""Checks of single examples, and of examples against each other: empty, repeated, contradictory, too long,
with control characters, secrets, or in the validation file too."""

from collections.abc import Iterator

import numpy as np

from helpers.prepare import secrets
from helpers.prepare.columns import FIRST, Example
from helpers.prepare.facts import Facts
from helpers.prepare.repairs import Clean, Mask
from helpers.prepare.report import NEEDED, RECOMMENDED, WARNING, Finding
from helpers.prepare.rules import Case, check, dropping, some

MIX = np.int64(0x1E3779B97F4A7C15)  # an odd number with its bits well mixed


@check
def empty_completions(case: Case) -> Finding | None:
    empty = case.facts.empty
    if not empty.count or case.source.missing:
        return None
    return Finding(
        "empty_completions",
        NEEDED,
        f"{some(empty.count, 'completion')} with nothing in it, or only spaces.",
        "There is nothing to learn from an example without an answer.",
        empty.count,
        empty.first,
        "Leave them out.",
        [dropping(case.facts.empty_numbers)],
    )


@check
def duplicates(case: Case) -> Finding | None:
    facts = case.facts
    repeated, _ = repetitions(facts)
    if not len(repeated):
        return None
    keys = pair_keys(facts)
    numbers = np.asarray(facts.numbers)
    first = [(i, int(np.flatnonzero(keys == keys[i])[0])) for i in repeated[:FIRST]]
    return Finding(
        "duplicates",
        RECOMMENDED,
        f"{some(len(repeated), 'example')} {'repeats' if len(repeated) == 1 else 'repeat'} an earlier one.",
        "A repeated example counts double, and in a validation set it is known from training.",
        len(repeated),
        [Example(int(numbers[i]), f"the same as {case.source.unit} {numbers[j]}") for i, j in first],
        "Keep the first of each.",
        [dropping(numbers[repeated])],
    )


@check
def contradictions(case: Case) -> Finding | None:
    """The same prompt with different completions."""
    facts = case.facts
    if facts.open_ended or not facts.rows:
        return None
    _, firsts = repetitions(facts)
    prompts = np.frombuffer(facts.prompt_hashes, dtype=np.int64)
    if not has_equal(prompts[firsts]):
        return None
    firsts = np.sort(firsts)[prompts[np.sort(firsts)] != hash("")]
    order = firsts[np.argsort(prompts[firsts], kind="stable")]
    again = np.flatnonzero(prompts[order[1:]] == prompts[order[:-1]])
    if not len(again):
        return None
    count = len(np.unique(prompts[order[1:]][again]))
    pairs = sorted((int(order[i + 1]), int(order[i])) for i in again)[:FIRST]
    unit, numbers = case.source.unit, facts.numbers
    return Finding(
        "contradictions",
        WARNING,
        f"{some(count, 'prompt')} with more than one completion.",
        "Where an answer is open that is right; where there is one right answer, one of them is wrong.",
        count,
        [Example(numbers[i], f"the prompt of {unit} {numbers[j]}, another completion") for i, j in pairs],
    )


@check
def too_long(case: Case) -> Finding | None:
    long = case.facts.long
    if not long.count:
        return None
    return Finding(
        "too_long",
        RECOMMENDED,
        f"{some(long.count, 'example')} over {case.limit.tokens:,} tokens, as {case.limit.model} counts.",
        "What is over the limit is cut off or refused. Prompt, separator and completion count together.",
        long.count,
        long.first,
        "Leave them out.",
        [dropping(case.facts.long_numbers)],
    )


@check
def control_characters(case: Case) -> Finding | None:
    controls = case.facts.controls
    if not controls.count:
        return None
    return Finding(
        "control_characters",
        RECOMMENDED,
        f"{some(controls.count, 'text')} with control characters, zero-width spaces, a byte-order mark "
        "inside, or line ends other than \\n.",
        "They cannot be seen, and each costs a token or more and makes equal texts differ.",
        controls.count,
        controls.first,
        "Write every line end as \\n, and take the others out.",
        [Clean()],
    )


@check
def answer_first(case: Case) -> Finding | None:
    """Conversations in which the assistant speaks before any user."""
    first = case.facts.answer_first
    if not first.count or case.facts.open_ended:
        return None
    return Finding(
        "answer_first",
        WARNING,
        f"{some(first.count, 'conversation')} in which the assistant speaks before any user.",
        "A greeting may come first. An answer that does is learnt without its question.",
        first.count,
        first.first,
    )


@check
def private_data(case: Case) -> Iterator[Finding]:
    for kind, tally in case.facts.found.items():
        message = (
            f"{some(tally.count, kind, kind + 'es' if kind.endswith('s') else kind + 's')} in the texts."
        )
        why = "What a model was trained on it may repeat to anyone."
        if kind == secrets.E_MAIL:
            why += " An address that is meant to be known may stay."
            yield Finding("e_mail_addresses", WARNING, message, why, tally.count, tally.first)
            continue
        if kind not in (secrets.CARD_NUMBER, secrets.RESIDENT_NUMBER):
            why += " Withdraw the key at once: a file is copied more often than one thinks."
        steps = [Mask(frozenset({kind}))]
        name = kind.lower().replace(" ", "_")
        repair = f"Write [{kind}] in its place."
        yield Finding(name, RECOMMENDED, message, why, tally.count, tally.first, repair, steps)


@check
def leakage(case: Case) -> Iterator[Finding]:
    kinds = (
        ("leakage", case.facts.leaked, "also in the validation file"),
        (
            "near_leakage",
            case.facts.leaked_nearly,
            "almost so in the validation file (the same letters and digits)",
        ),
    )
    steps = [dropping(case.facts.leaked_numbers)] if case.facts.leaked_numbers else []
    for name, tally, where in kinds:
        if tally.count:
            yield Finding(
                name,
                RECOMMENDED,
                f"{some(tally.count, 'example')} {'is' if tally.count == 1 else 'are'} {where}.",
                "What was seen in training is answered from memory: the validation looks better than it is.",
                tally.count,
                tally.first,
                "Leave out both kinds of them here.",
                steps,
            )


def pair_keys(facts: Facts) -> np.ndarray:
    """A number for each example that is the same for the same prompt and completion: int64, shape (rows,)."""
    prompts = np.frombuffer(facts.prompt_hashes, dtype=np.int64)
    with np.errstate(over="ignore"):
        return prompts * MIX + np.frombuffer(facts.completion_hashes, dtype=np.int64)


def has_equal(hashes: np.ndarray) -> bool:
    """Whether any two are equal; much faster than finding out which."""
    ordered = np.sort(hashes)
    return bool((ordered[1:] == ordered[:-1]).any())


def repetitions(facts: Facts) -> tuple[np.ndarray, np.ndarray]:
    """The positions of examples that repeat an earlier one, in order, and those of all others."""
    if not facts.rows:
        return np.array([], dtype=np.int64), np.array([], dtype=np.int64)
    if facts.repeated is None:
        facts.repeated = _repetitions(facts)
    return facts.repeated


def _repetitions(facts: Facts) -> tuple[np.ndarray, np.ndarray]:
    keys = pair_keys(facts)
    if not has_equal(keys):
        return np.array([], dtype=np.int64), np.arange(len(keys))
    order = np.argsort(keys, kind="stable")
    again = np.zeros(len(keys), dtype=bool)
    again[1:] = keys[order[1:]] == keys[order[:-1]]
    return np.sort(order[again]), order[~again]
