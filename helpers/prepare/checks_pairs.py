"""Checks of prompts and completions as columns: separator, stop, common beginnings, case, leading space."""

import re
from collections.abc import Iterator

from helpers.prepare.columns import Column
from helpers.prepare.repairs import Append, Lower, Replace, Space, Strip
from helpers.prepare.report import ERROR, NOTE, RECOMMENDED, WARNING, Finding
from helpers.prepare.rules import CLASSIFICATION, CONDITIONAL, Case, check, shown, some

LONG_ENDING = 10
LONG_PROMPT_BEGINNING, LONG_COMPLETION_BEGINNING = 12, 5
SIGN = re.compile(r"[^\w\s.,;?!'\"()…。？！]|\n")  # what does not occur in ordinary sentences

PROMPTS, COMPLETIONS = "prompts", "completions"


@check
def task(case: Case) -> Finding | None:
    if not case.facts.rows or case.task != CLASSIFICATION:
        return None
    return Finding(
        "classification",
        NOTE,
        f"This looks like classification: {some(case.facts.distinct, 'different completion')}.",
        "A small model is enough for it. Keep examples aside (--split 0.2) to see how good it is.",
    )


@check
def all_the_same(case: Case) -> Iterator[Finding]:
    if not case.comparable:
        return
    if case.pairs and not case.facts.open_ended and same(case.facts.prompts):
        message = "All prompts are the same. Leave them empty for open-ended generation."
        yield Finding("identical_prompts", ERROR, message, "From equal prompts no rule can be learned.")
    if case.facts.distinct == 1:
        why = "The model would always say this, whatever it is asked."
        yield Finding("identical_completions", ERROR, "All completions are the same.", why)


@check
def letter_case(case: Case) -> Iterator[Finding]:
    if not case.pairs:
        return
    for name, column in ((PROMPTS, case.facts.prompts), (COMPLETIONS, case.facts.completions)):
        if column.upper * 2 > column.lower:
            yield Finding(
                f"uppercase_{name}",
                RECOMMENDED,
                f"More than a third of the letters in the {name} are capitals.",
                "Models know ordinary writing best; words in capitals are cut into more and rarer tokens.",
                repair=f"Write the {name} in small letters, if that makes sense for the task.",
                steps=[Lower(name)],
            )


@check
def separator(case: Case) -> Finding | None:
    column = case.facts.prompts
    if not case.pairs or not case.comparable or case.facts.open_ended or same(column):
        return None
    why = "A fixed ending, found nowhere else, tells the model where the prompt ends and its answer begins."
    new = free_separator(column)
    if not separates(column.mark):
        also = f" ({shown(column.mark)} is ordinary text.)" if column.mark.strip() else ""
        message = f"The prompts do not end with a common separator.{also}"
        return ending("no_separator", message, why, PROMPTS, column, new)
    if column.inside.count:
        message = (
            f"The separator {shown(column.mark)} also occurs inside {some(column.inside.count, 'prompt')}."
        )
        return ending("separator_inside", message, why, PROMPTS, column, new)
    message = f"All prompts end with {shown(column.mark)}."
    if len(column.mark) > LONG_ENDING:
        message += " That is long; a shorter separator" + (
            f" such as {shown(new)} would do." if new else " would do."
        )
        return Finding("long_separator", NOTE, message, why)
    return Finding("separator", NOTE, message, why)


@check
def stop(case: Case) -> Finding | None:
    column = case.facts.completions
    if not case.pairs or not case.comparable or case.task != CONDITIONAL or case.facts.distinct == 1:
        return None
    why = "A fixed ending, found nowhere else, shows that the answer is done: name it as stop when calling."
    new = next(iter(column.free), None)
    if not stops(column):
        return ending("no_stop", "The completions have no common ending.", why, COMPLETIONS, column, new)
    if column.inside.count:
        inside = some(column.inside.count, "completion")
        message = f"The ending {shown(column.mark)} also occurs inside {inside}: the answer would stop there."
        return ending("stop_inside", message, why, COMPLETIONS, column, new)
    message = f"All completions end with {shown(column.mark)}."
    if len(column.mark) > LONG_ENDING:
        return Finding("long_stop", NOTE, f"{message} That is long; a shorter ending would do.", why)
    return Finding("stop", NOTE, message, why)


@check
def prompt_beginning(case: Case) -> Finding | None:
    column = case.facts.prompts
    if not case.pairs or not case.comparable or same(column) or column.prefix is None:
        return None
    room = column.shortest - (len(column.mark) if separates(column.mark) else 0)
    prefix = whole_words(column.prefix[: max(room, 0)])
    if len(prefix) <= LONG_PROMPT_BEGINNING:
        return None
    return Finding(
        "prompt_beginning",
        RECOMMENDED,
        f"All prompts begin with {shown(prefix)}.",
        "Training teaches the task: an instruction that is always the same costs tokens and says nothing.",
        repair="Take it away (and leave it out when you call the model).",
        steps=[Strip(PROMPTS, prefix)],
    )


@check
def completion_beginning(case: Case) -> Finding | None:
    column = case.facts.completions
    if not case.pairs or not case.comparable or case.facts.distinct == 1 or column.prefix is None:
        return None
    room = column.shortest - (len(column.mark) if case.task == CONDITIONAL and stops(column) else 0)
    prefix = whole_words(column.prefix)
    if len(prefix) < LONG_COMPLETION_BEGINNING or room <= len(prefix):
        return None
    return Finding(
        "completion_beginning",
        RECOMMENDED,
        f"All completions begin with {shown(prefix)}.",
        "The first token should already say something; what is always the same need not be generated.",
        repair="Take it away.",
        steps=[Strip(COMPLETIONS, prefix)],
    )


@check
def leading_space(case: Case) -> Finding | None:
    unspaced = case.facts.unspaced
    if not case.pairs or not unspaced.count:
        return None
    return Finding(
        "no_leading_space",
        RECOMMENDED,
        f"{some(unspaced.count, 'completion')} without a space at the beginning.",
        "Most words are one token together with the space before them.",
        unspaced.count,
        unspaced.first,
        "Put a space before them.",
        [Space()],
    )


# ----------------------------------------------------------------------------- endings


def whole_words(prefix: str) -> str:
    """A common beginning up to its last whole word: " unsatisf" of " unsatisfied" is none."""
    return re.sub(r"\w+\Z", "", prefix)


def same(column: Column) -> bool:
    """Whether all texts of a column are equal."""
    return column.longest == column.shortest == len(column.prefix or "")


def separates(mark: str) -> bool:
    """Whether a common ending is a mark, and not just how sentences or words end."""
    return SIGN.search(mark) is not None


def stops(column: Column) -> bool:
    """Whether the completions' common ending is a mark: the full stop is one too, if it occurs only there."""
    return column.mark in column.known or re.search(r"[^\w\s]|\n", column.mark) is not None


def free_separator(column: Column) -> str | None:
    """The first separator that occurs in no prompt; one without line ends only for prompts without them."""
    fitting = (ending for ending in column.free if "\n" in ending or not column.lines)
    return next(fitting, None)


def ending(name: str, message: str, why: str, which: str, column: Column, new: str | None) -> Finding:
    """The finding that a column needs another ending, with the repair if there is one that is free."""
    inside = column.inside
    if new is None:
        message += " All that we would propose occur in the texts: choose an ending of your own."
        return Finding(name, WARNING, message, why, inside.count, inside.first)
    known = column.mark in column.known and column.mark != "." and name.endswith("inside")
    step = Replace(which, column.mark, new) if known else Append(which, new)
    repair = f"{'Replace it by' if known else 'Append'} {shown(new)} {'in' if known else 'to'} all {which}."
    examples = inside.first if name.endswith("inside") else ()
    count = inside.count if name.endswith("inside") else 0
    return Finding(name, RECOMMENDED, message, why, count, examples, repair, [step])
