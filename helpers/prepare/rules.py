"""The list of checks, and what each of them is given.

A check is a function of a `Case` that returns a `Finding`, several, or None. `@check` puts it on the list;
the list's order is the report's. Left out: the checks (`checks_file`, `checks_rows`, `checks_pairs`,
`checks_classes`).
"""

import dataclasses
from array import array
from collections.abc import Callable, Iterable

import numpy as np

from helpers.prepare.facts import Facts
from helpers.prepare.repairs import Drop
from helpers.prepare.report import Finding
from helpers.prepare.source import Source
from helpers.prepare.token_counts import Limit

CLASSIFICATION, CONDITIONAL, OPEN_ENDED = "classification", "conditional generation", "open-ended generation"


@dataclasses.dataclass
class Case:
    """What is checked: where it comes from, what one pass has found, the model that it is for.

    `aside`: the numbers of the examples that a split keeps for validation.
    """

    source: Source
    facts: Facts
    limit: Limit
    aside: np.ndarray | None = None

    @property
    def task(self) -> str:
        """As the old tool saw it: fewer different completions than a third of the rows are classes."""
        if self.facts.open_ended:
            return OPEN_ENDED
        return CLASSIFICATION if self.facts.distinct < self.facts.rows / 3 else CONDITIONAL

    @property
    def pairs(self) -> bool:
        return self.source.to == "pairs"

    @property
    def comparable(self) -> bool:
        """Whether there are examples to compare with each other."""
        return self.facts.rows > 1


Check = Callable[[Case], Iterable[Finding] | Finding | None]
CHECKS: list[Check] = []


def check(function: Check) -> Check:
    """Put a check on the list."""
    CHECKS.append(function)
    return function


def findings(case: Case) -> list[Finding]:
    """What all checks say, errors first, then in the order of the list."""
    from helpers.prepare.report import LEVELS

    found: list[Finding] = []
    for each in CHECKS:
        said = each(case)
        found += [said] if isinstance(said, Finding) else said or []
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))


def dropping(numbers: array | np.ndarray) -> Drop:
    """The repair that leaves these examples out."""
    marks = bytearray(int(max(numbers)) + 1)
    np.frombuffer(marks, dtype=np.uint8)[np.asarray(numbers, dtype=np.int64)] = 1
    return Drop(marks)


def shown(text: str) -> str:
    """A text with its line ends visible, in quotation marks."""
    return '"' + text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t") + '"'


def some(count: int, one: str, many: str = "") -> str:
    """`1 example`, `1,200 examples`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
