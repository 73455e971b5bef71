"""`python3 -m helpers prepare FILE`: shows the report, asks, writes. Left out: everything else (`work`)."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from helpers.files import atomic_path
from helpers.prepare import work
from helpers.prepare.report import NEEDED, RECOMMENDED, Finding, Report
from helpers.prepare.rules import CLASSIFICATION

SHARE = 0.2
TRIES = 3
INTERRUPTED = 130  # the exit code of a program stopped with Ctrl-C
ANSWERS = {"": True, "y": True, "yes": True, "n": False, "no": False}


def main(
    file: str,
    *,
    yes: bool = False,
    check: bool = False,
    report: str | None = None,
    split: float | None = None,
    ask: Callable[[str], str] | None = None,
    **options: Any,
) -> int:
    """Prepare a file; returns the exit code: 0; 1 for an error and, with `check`, for anything to repair; 130
    when stopped.

    Without `yes`, questions are asked where someone can answer them (`ask`; a terminal); else nothing is
    written, and 1 is returned if there was something to do.
    """
    if check:
        found = work.check(file, **_checking(options))
        _say(str(found))
        _save(found, report)
        return 0 if found.ok else 1
    if ask is None and sys.stdin is not None and sys.stdin.isatty():
        ask = input
    if ask is None and not yes:
        return _look_only(file, report, split, options)

    def show(found: Report) -> float | None:
        _say(str(found) + "\n")
        if yes or split is not None or found.errors or found.task != CLASSIFICATION:
            return None
        question = f"Keep {SHARE:.0%} of the examples aside in a validation file?"
        return SHARE if _agreed(ask, question) else None

    accept = True if yes else lambda finding: _accepted(ask, finding)
    try:
        done = work.run(file, accept=accept, split=split, report=show, **options)
    except KeyboardInterrupt:
        _say("\nStopped: no file was written.")
        return INTERRUPTED
    _save(done.after, report)
    return _conclude(done)


def _look_only(file: str, report: str | None, split: float | None, options: dict) -> int:
    found = work.check(file, **_checking(options))
    _say(str(found))
    _save(found, report)
    if found.ok and split is None:
        return 0
    _say("\nNothing was changed: nobody can be asked here. Add --yes to accept every repair.")
    return 1


def _conclude(done: work.Prepared) -> int:
    if done.after.errors:
        for error in done.after.errors:
            _say(f"[{error.level}] {error.message}")
        _say("No file was written.")
        return 1
    if done.refused:
        _say(f"No file was written: without the needed repair of {', '.join(done.refused)} none can be.")
        return 1
    if not done.files:
        _say("There is nothing to do: no file was written.")
        return 0
    for repair in done.repairs:
        _say(f"- {repair}")
    for path, count in zip(done.files, done.counts):
        _say(f"Wrote {path} ({count:,} examples).")
    remaining = [finding for finding in done.after.findings if finding.level not in ("note",)]
    if remaining:
        _say("What remains to look at: " + ", ".join(finding.name for finding in remaining) + ".")
    _say("\n".join(["", *done.after.usage]))
    return 0


def _accepted(ask: Callable[[str], str] | None, finding: Finding) -> bool:
    kind = {NEEDED: "Needed", RECOMMENDED: "Recommended"}[finding.level]
    return _agreed(ask, f"[{kind}] {finding.message} {finding.repair}")


def _agreed(ask: Callable[[str], str] | None, question: str) -> bool:
    """Whether the answer is yes; Enter is yes, the end of the input is no, anything else is asked again."""
    for _ in range(TRIES if ask is not None else 0):
        try:
            answer = ask(f"{question} [Y/n] ").strip().lower()
        except EOFError:
            return False
        if answer in ANSWERS:
            return ANSWERS[answer]
        _say("Please answer y or n.")
    return False


def _checking(options: dict) -> dict:
    return {name: value for name, value in options.items() if name not in ("to", "seed")}


def _save(found: Report, path: str | None) -> None:
    if path:
        with atomic_path(Path(path)) as temporary:
            temporary.write_text(found.page(), encoding="utf-8")
        _say(f"Report: {path}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
