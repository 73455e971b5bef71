"""Checks of the file as a whole: can it be read, does it have the columns, are there enough examples."""

from collections.abc import Iterator

from helpers.prepare.repairs import Nothing
from helpers.prepare.report import ERROR, NEEDED, NOTE, WARNING, Finding
from helpers.prepare.rules import Case, check, some
from helpers.prepare.source import SURROGATE, Source

ENOUGH = 100
ENCODING = (
    "Save the file as UTF-8 (in a spreadsheet: CSV UTF-8), or name its encoding: --encoding cp949 for "
    "Korean, --encoding cp1252 for Western European languages."
)
READ_AS = (Nothing(),)


@check
def missing_columns(case: Case) -> Finding | None:
    if not case.source.missing:
        return None
    names = " and ".join(case.source.missing)
    return Finding(
        "missing_columns",
        ERROR,
        f"{names} {'are' if len(case.source.missing) > 1 else 'is'} missing. {_instead(case.source)}",
        "Every example is a prompt and the completion that should follow it.",
    )


def _instead(source: Source) -> str:
    """What is there in place of the columns that are missing, and what to do."""
    if any(SURROGATE.search(name) for name in source.extra):
        return f"The names of the columns are not UTF-8. {ENCODING}"
    if not source.extra:
        return "Name the columns prompt and completion."
    has = "Instead there " + ("is" if len(source.extra) == 1 else "are") + f" {_listed(source.extra)}."
    if "conversations" in source.extra:
        return (
            f"{has} That is ShareGPT's form, which is not read. Write each example as "
            '{"messages": [{"role": "user", "content": ...}, {"role": "assistant", "content": ...}]}.'
        )
    return f"{has} Rename them, or say which ones they are (--prompt NAME, --completion NAME)."


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names[:8])) + (" and others" if len(names) > 8 else "")


@check
def no_examples(case: Case) -> Finding | None:
    if case.facts.rows or case.source.missing:
        return None
    return Finding("no_examples", ERROR, "No example is left: there is nothing to train with.")


@check
def renamed_columns(case: Case) -> Finding | None:
    if not case.source.renamed:
        return None
    names = ", ".join(f"{old!r} to {new!r}" for old, new in case.source.renamed.items())
    why = "The names must be written exactly so."
    return Finding(
        "renamed_columns", NEEDED, f"Rename {names}.", why, repair=f"Rename {names}.", steps=READ_AS
    )


@check
def extra_columns(case: Case) -> Finding | None:
    extra = case.source.extra
    if not extra or case.source.missing:
        return None
    names = _listed(extra)
    return Finding(
        "extra_columns",
        NEEDED,
        f"{some(len(extra), 'column')} more than the form {case.source.form} has: {names}.",
        "Training reads only the form's own keys, and some hosts refuse others.",
        repair="Leave them out of the new file.",
        steps=READ_AS,
    )


@check
def how_it_was_read(case: Case) -> Iterator[Finding]:
    for name in ("converted", "bom"):
        if name in case.source.notes:
            why = "Training reads JSONL: UTF-8, one object a line."
            message = case.source.notes[name]
            yield Finding(name, NEEDED, message, why, repair="Write plain JSONL.", steps=READ_AS)
    for name, level in (("sheets", NOTE), ("delimiter", NOTE), ("formulas", WARNING)):
        if name in case.source.notes:
            yield Finding(name, level, case.source.notes[name])
    if case.source.form != case.source.to:
        message = f"The examples have the form {case.source.form} and become {case.source.to}."
        yield Finding("new_form", NEEDED, message, repair="Convert them.", steps=READ_AS)


@check
def few_examples(case: Case) -> Finding | None:
    if not 0 < case.facts.rows < ENOUGH:
        return None
    return Finding(
        "few_examples",
        WARNING,
        f"Only {some(case.facts.rows, 'example')}. Aim for a few hundred at least.",
        "Quality grows about linearly with each doubling of the examples (OpenAI's historic guide).",
    )


@check
def unreadable(case: Case) -> Finding | None:
    kinds = [kind for kind in case.facts.bad if kind != "utf8"]
    count = sum(case.facts.bad[kind].count for kind in kinds)
    if not count:
        return None
    examples = sorted(example for kind in kinds for example in case.facts.bad[kind].first)[:5]
    return Finding(
        "unreadable",
        NEEDED,
        f"{some(count, case.source.unit)} cannot be used as an example.",
        "One bad line makes a host refuse the whole file. Better than leaving it out is to mend it.",
        count,
        examples,
        "Leave them out.",
        READ_AS,
    )


@check
def invalid_utf8(case: Case) -> Finding | None:
    tally = case.facts.bad.get("utf8")
    if tally is None:
        return None
    if tally.count > case.facts.rows:  # to leave out most of a file is no repair
        return Finding(
            "invalid_utf8",
            ERROR,
            f"{some(tally.count, case.source.unit)} with bytes that are not UTF-8: the file has another "
            "encoding.",
            ENCODING,
            tally.count,
            tally.first,
        )
    return Finding(
        "invalid_utf8",
        NEEDED,
        f"{some(tally.count, case.source.unit)} with bytes that are not UTF-8.",
        "The file was saved in another encoding, or cut inside a character. JSONL is UTF-8.",
        tally.count,
        tally.first,
        "Leave them out.",
        READ_AS,
    )
