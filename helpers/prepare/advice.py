"""How to train with a file and to call the model: separator, stop, max_tokens, logprobs; epochs and cost.

The rule for epochs is that of OpenAI's cookbook. No price for training is given: none with a dependable
source is known here, and hosted fine-tuning is closing (lesson 12). Left out: training times, which depend
on the host.
"""

from helpers import tokens
from helpers.prepare.checks_classes import class_tokens, classes, same_beginning
from helpers.prepare.checks_pairs import separates, stops
from helpers.prepare.rules import CLASSIFICATION, CONDITIONAL, OPEN_ENDED, Case, shown
from helpers.prepare.token_counts import surely_one

EPOCHS, FEWEST, MOST = 3, 100, 25_000
MOST_LOGPROBS = 5


def epochs(examples: int) -> int:
    """How often a host would go over the examples if not told: 3 times, more for few, fewer for many.

    Raises ValueError for fewer than one example.

    >>> [epochs(n) for n in (10, 50, 1000, 20_000)]
    [10, 3, 3, 1]
    """
    if examples < 1:
        raise ValueError(f"there must be at least one example, not {examples}")
    if examples * EPOCHS < FEWEST:
        return min(25, FEWEST // examples)
    return max(1, MOST // examples) if examples * EPOCHS > MOST else EPOCHS


def usage(case: Case) -> list[str]:
    """Sentences on how to use the examples; empty when there are none."""
    if not case.facts.rows:
        return []
    lines = _calling(case) if case.pairs else _chatting()
    return [*lines, _training(case)]


def _calling(case: Case) -> list[str]:
    facts, lines = case.facts, []
    mark, stop = facts.prompts.mark, facts.completions
    if case.comparable and case.task != OPEN_ENDED and separates(mark):
        lines.append(f"End every prompt with {shown(mark)} when you call the model too.")
    if case.task == OPEN_ENDED:
        lines.append("Call the model with an empty prompt, or with the beginning of a text.")
    if case.task == CLASSIFICATION:
        lines.append(_classifying(case))
    if case.task == CONDITIONAL and case.comparable and stops(stop):
        lines.append(
            f"Call it with stop=[{shown(stop.mark)}], and max_tokens as large as the longest answer needs."
        )
    return lines


def _classifying(case: Case) -> str:
    names = classes(case) or {}
    if not all(surely_one(name, case.limit.model) for name in names):
        ids = class_tokens(names, case.limit.model)
        if same_beginning(ids):
            longest = max(map(len, ids.values()))
            return (
                f"Call it with max_tokens={longest} and temperature=0: some classes begin with the same "
                "token, so the first one does not decide."
            )
    number = min(case.facts.distinct, MOST_LOGPROBS)
    return (
        f"Call it with max_tokens=1, temperature=0 and logprobs={number}: the first token is the class, "
        "and the log probabilities say how sure it is."
    )


def _chatting() -> list[str]:
    return [
        "Call the model with the same system message, and messages in the same order, as in the examples."
    ]


def _training(case: Case) -> str:
    times = epochs(case.facts.rows)
    often = f"{times} epoch{'s' * (times != 1)}"
    if case.facts.tokens is None:
        return (
            f"A host's usual choice for so many examples: {often}. (--tokens MODEL counts what is paid for.)"
        )
    paid = times * case.facts.tokens
    model = case.limit.model
    estimate = " (an estimate: its tokenizer is not known here)" if tokens.is_estimate(model) else ""
    return (
        f"A host's usual choice for so many examples: {often}, so {case.facts.tokens:,} tokens x {times} = "
        f"{paid:,} tokens to pay for, counted for {model}{estimate}. Look up the host's price for training."
    )
