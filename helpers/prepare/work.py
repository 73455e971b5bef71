"""Checking and repairing, from the source to the new file.

Repairs can call for others (what is written in small letters may repeat another example), so what is
written is checked while it is written, and taken back and repaired further until there is nothing left to
repair.
"""

import dataclasses
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from helpers import jsonl
from helpers.errors import DataError

# Each of the modules checks_... puts its checks on the list.
from helpers.prepare import advice, checks_classes, checks_file, checks_pairs, checks_rows, rules  # noqa: F401
from helpers.prepare.batches import Batch
from helpers.prepare.facts import Facts, gather
from helpers.prepare.repairs import Append, Drop, Nothing, Repair, Space, apply
from helpers.prepare.report import ERROR, NEEDED, Finding, Report
from helpers.prepare.source import Source
from helpers.prepare.sources import open_source
from helpers.prepare.splitting import allot
from helpers.prepare.token_counts import limit_for
from helpers.prepare.writing import TakeBack, free_paths, writer

HARMLESS = (Append, Drop, Space)  # repairs that bring no secrets or control characters into a text
ROUNDS = 50  # more rounds of repairs than any file should need

Accept = bool | Collection[str] | Callable[[Finding], bool]


@dataclasses.dataclass
class Prepared:
    """What `run` has done: the report before, the repairs made, the files written, the report after.

    `files` is empty when there was nothing to do or it could not be done (`after.errors`, `refused`).
    `counts`: the examples in each file. `refused`: names of the needed repairs that were not accepted.
    """

    before: Report
    after: Report
    repairs: list[str]
    files: list[Path]
    counts: list[int]
    refused: list[str]

    def __str__(self) -> str:
        if not self.files:
            return f"No file was written.\n\n{self.after}"
        written = [f"Wrote {path} ({count:,} examples)." for path, count in zip(self.files, self.counts)]
        return "\n".join([*written, *(f"- {repair}" for repair in self.repairs), "", str(self.after)])

    def _repr_html_(self) -> str:
        import html

        done = "".join(f"<li>{html.escape(repair)}</li>" for repair in self.repairs)
        written = " ".join(f"Wrote {path} ({n:,} examples)." for path, n in zip(self.files, self.counts))
        said = html.escape(written or "No file was written.")
        return f"<p>{said}</p><ul>{done}</ul>{self.after._repr_html_()}"


def check(
    source: Any,
    *,
    form: str | None = None,
    tokens: str | None = None,
    validation: Any = None,
    encoding: str = "utf-8",
    columns: Mapping[str, str] | None = None,
) -> Report:
    """Read examples and say what is wrong with them; nothing is changed.

    `source`: a .csv, .tsv, .xlsx, .txt, .json or .jsonl file, a list of objects, or a pandas table. `form`:
    what the examples are to become (`jsonl.FORMS`). `tokens`: a model for which all tokens are counted.
    `validation`: a second source, with which the first should have nothing in common. `columns`: the
    columns that are prompt and completion, if they are called otherwise: {"prompt": "Text", "completion":
    "Stars"}. Raises DataError for a source that cannot be read; ValueError for an unknown form.
    """
    work = _Work(source, form, tokens, validation, encoding, columns)
    return work.look(count_tokens=tokens is not None, groups=False)


def run(
    source: Any,
    *,
    accept: Accept = True,
    to: Path | str | None = None,
    form: str | None = None,
    tokens: str | None = None,
    split: float | None = None,
    seed: int = 0,
    validation: Any = None,
    encoding: str = "utf-8",
    columns: Mapping[str, str] | None = None,
    report: Callable[[Report], float | None] | None = None,
) -> Prepared:
    """Repair examples and write them to a new JSONL file, or two.

    `accept`: True for every repair, False for none, the names of the findings whose repair is wanted, or a
    function of a finding. `to`: the path to write, which gets a number if there is such a file already; by
    default FILE_prepared.jsonl beside the source. `split`: the share that goes into a validation file, such
    as 0.2. `report`: is called with the report before anything is asked, and may return a share to split off.
    Otherwise as `check`. Nothing is written when an error is found or a needed repair is refused, and when
    there is nothing to do. Raises DataError as `check` does, and when a file cannot be written.
    """
    if split is not None and not 0 < split < 1:
        raise ValueError(f"split must lie between 0 and 1, but is {split}")
    target = _target(source, to)
    work = _Work(source, form, tokens, validation, encoding, columns)
    before = work.look(groups=True)
    if report is not None:
        split = report(before) or split
    if not before.errors:
        work.decide(before, accept)
    if before.errors or work.refused:
        return Prepared(before, before, [], [], [], work.refused)
    if not work.accepted and split is None:
        after = work.look(count_tokens=True) if tokens else before
        return Prepared(before, after, [], [], [], [])
    for _ in range(ROUNDS):
        done = _attempt(work, target, split, seed, accept, before, tokens is not None)
        if done is not None:
            return done
    raise DataError(f"{before.name}: the repairs do not come to an end. Accept fewer of them.")


def _attempt(
    work: "_Work", target: Path, split: float | None, seed: int, accept: Accept, before: Report, count: bool
) -> Prepared | None:
    """Write, and check what is written; None if that calls for more repairs, which are now in the plan."""
    if split is not None and not work.has_groups:
        work.look(groups=True)
    by_class = before.task == rules.CLASSIFICATION
    aside = allot(work.facts, split, by_class, seed) if split is not None else None
    if aside is not None and not len(aside):
        raise DataError(
            f"{before.name}: too few different prompts to keep {split:.0%} of the examples aside."
        )
    paths = free_paths(target, split is not None)
    try:
        with writer(paths, aside) as file:
            after = work.look(count_tokens=count, through=file.through, aside=aside)
            if after.errors or work.decide(after, accept) or work.refused:
                raise TakeBack
            counts = file.counts
    except TakeBack:
        if after.errors or work.refused:
            return Prepared(before, after, work.accepted, [], [], work.refused)
        return None
    except OSError as error:
        raise DataError(
            f"{error.filename or paths[0]} cannot be written: {error.strerror or error}."
        ) from error
    return Prepared(before, after, work.accepted, paths, counts[: len(paths)], [])


class _Work:
    """A source, the repairs decided so far, and what the last look has found."""

    def __init__(self, source: Any, form: Any, tokens: Any, validation: Any, encoding: str, columns: Any):
        if form is not None and form not in jsonl.FORMS:
            raise ValueError(f"form must be one of {', '.join(jsonl.FORMS)}, not {form!r}")
        self.source = open_source(source, to=form, encoding=encoding, columns=columns)
        self.limit = limit_for(self.source.to, tokens)
        self.plan: list[Repair] = []
        self.accepted: list[str] = []
        self.settled: set[str] = set()  # repairs that were not accepted, and are not proposed again
        self.done: set[str] = set()  # repairs that reading and writing make
        self.refused: list[str] = []
        self.facts = Facts()
        self.has_groups = self.looked = False
        self.other = None
        if validation is not None:
            self.other = self._comparable(validation, encoding, columns)

    def _comparable(self, validation: Any, encoding: str, columns: Any) -> Facts:
        """What is known of the validation file, whose columns may have their proper names already."""
        try:
            other = open_source(validation, to=self.source.to, encoding=encoding, columns=columns)
        except DataError:
            if not columns:
                raise
            other = open_source(validation, to=self.source.to, encoding=encoding)
        facts = gather(other.batches, self.limit)
        if other.missing or not facts.rows:
            raise DataError(f"No example in {other.name} can be compared: check that file first.")
        return facts

    def look(
        self,
        *,
        count_tokens: bool = False,
        groups: bool = False,
        through: Callable[[Iterator[Batch]], Iterator[Batch]] | None = None,
        aside: np.ndarray | None = None,
    ) -> Report:
        """Read all examples as they are after the repairs so far; the first reading goes `through`.

        `aside`: the numbers of the examples that go into the validation file.
        """
        first = itertools.count()

        def batches() -> Iterator[Batch]:
            repaired = (apply(batch, self.plan) for batch in self.source.batches())
            return through(repaired) if through is not None and next(first) == 0 else repaired

        harmless = self.looked and all(isinstance(step, HARMLESS) for step in self.plan)
        scan = not harmless or bool(self.facts.found or self.facts.controls.count)
        self.facts = Facts()  # makes room for the next
        self.facts = gather(
            batches, self.limit, count_tokens=count_tokens, groups=groups, scan=scan, other=self.other
        )
        self.has_groups, self.looked = groups, True
        report = _report(self.source, self.facts, self.limit, aside)
        report.findings = [each for each in report.findings if each.name not in self.done]
        return report

    def decide(self, report: Report, accept: Accept) -> bool:
        """Take the repairs that are accepted into the plan; True if there are any that change examples."""
        steps: list[Repair] = []
        for finding in report.repairs:
            if finding.name in self.settled | self.done:
                continue
            changes = [step for step in finding.steps if not isinstance(step, Nothing)]
            if not _accepted(accept, finding):
                self.settled.add(finding.name)
                self.refused += [finding.name] * (finding.level == NEEDED)
                continue
            steps += changes
            self.accepted.append(f"{finding.name}: {finding.repair}")
            if not changes:
                self.done.add(finding.name)
        self.plan += sorted(steps, key=lambda step: step.step)
        return bool(steps)


def _accepted(accept: Accept, finding: Finding) -> bool:
    if isinstance(accept, bool):
        return accept
    return bool(accept(finding)) if callable(accept) else finding.name in accept


def _report(source: Source, facts: Facts, limit: Any, aside: np.ndarray | None) -> Report:
    case = rules.Case(source, facts, limit, aside)
    found = rules.findings(case)
    usable = not any(finding.level == ERROR for finding in found)
    return Report(
        source.name,
        source.to,
        case.task if facts.rows else "",
        source.unit,
        facts.rows,
        found,
        advice.usage(case) if usable else [],
        facts.tokens,
    )


def _target(source: Any, to: Path | str | None) -> Path:
    if to is not None:
        return Path(to)
    if not isinstance(source, str | Path):
        raise DataError("Say where to write: to=PATH is needed for examples that do not come from a file.")
    return Path(source).with_name(f"{Path(source).stem}_prepared.jsonl")
