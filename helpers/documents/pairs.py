"""Pairs of prompt and completion from a document, three ways, and rows for fine-tuning from pairs.

- `heading_pairs`: the heading asks, the text below it answers. - `question_pairs`: questions and answers that
stand in the document as such ("Q:" and "A:", "질문" and "답변", terms and definitions, headings that end in a
question mark). - `table_pairs`: two templates turn each row of a table into a pair.

Nothing is invented: each word of a pair stands in the document or in your template. Left out: separators,
stop sequences and the blank before a completion, which lesson 08 adds and explains; questions written by a
model.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from helpers.documents.sections import PATH_SIGN, Section, sections
from helpers.documents.structure import DEFINITION, FOOTNOTE, TABLE, TERM, Block, Document, row_text
from helpers.errors import DataError

QUESTION = re.compile(
    r"^\s*(?:[*_]{0,2})(?:Q|Question|질문|문의?|물음)\s?\d{0,3}\s?[.:：)]\s*", re.IGNORECASE | re.MULTILINE
)
ANSWER = re.compile(
    r"(?:^|(?<=[?？.!])\s+)(?:A|Answer|답변|답)\s?\d{0,3}\s?[.:：)]\s*", re.IGNORECASE | re.MULTILINE
)
ASKS = re.compile(r"[?？]['\"’”)\]]*$")
NUMBER = re.compile(r"^\s*(?:\d{1,3}(?:\.\d{1,3})*\.?|[IVX]{1,5}\.)\s+")
FIELD = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Pair:
    """A prompt, its completion, and where they are from: document, page, headings, and which way."""

    prompt: str
    completion: str
    document: str
    page: int | None
    path: tuple[str, ...]
    how: str


def heading_pairs(document: Document, prompt: str = "{heading}", *, footnotes: bool = False) -> list[Pair]:
    """One pair a section: its heading and the text below it.

    `prompt` is a template with the fields {heading} (without its number), {path} and {document}; `footnotes`
    keeps them at the end of the completion. Sections without a heading or a text are left out. Raises
    DataError for a field that there is not.
    """
    _check_fields(prompt, ("heading", "path", "document"), "prompt")
    pairs = []
    for section in sections(document):
        blocks = [block for block in section.blocks if footnotes or block.kind != FOOTNOTE]
        text = "\n\n".join(block.text for block in blocks)
        if section.path and text:
            titles = tuple(without_number(title) for title in section.path)
            fields = {"heading": titles[-1], "path": PATH_SIGN.join(titles), "document": document.name}
            pairs.append(
                Pair(_filled(prompt, fields), text, document.name, section.page, section.path, "heading")
            )
    return pairs


def question_pairs(document: Document) -> list[Pair]:
    """The questions and answers that stand in a document as such, in order.

    Found are paragraphs that begin with Q: and A:, Question and Answer, 질문 and 답변 (numbered or
    not), terms with their definitions, and headings that end in a question mark with what is below them.
    A question without an answer makes no pair.
    """
    return [pair for section in sections(document) for pair in _questions(document.name, section)]


def table_pairs(source: Document | Block, prompt: str, completion: str) -> list[Pair]:
    """One pair a row: the templates' fields, such as {Product}, are the table's columns (its first row).

    `source` is one table, or a document: then each table that has all these columns is used. Rows that leave
    the prompt's or the completion's fields all empty are left out. Raises DataError when no table has the
    columns, listing those there are.
    """
    tables = [source] if isinstance(source, Block) else source.of_kind(TABLE)
    tables = [table for table in tables if table.rows]
    name = source.name if isinstance(source, Document) else ""
    wanted = [*FIELD.findall(prompt), *FIELD.findall(completion)]
    if not FIELD.search(prompt) or not FIELD.search(completion):
        raise DataError("Both templates need a column's name in braces, as in 'What is {Product}?'.")
    usable = [table for table in tables if set(wanted) <= set(table.rows[0])]
    if not usable:
        there = "; ".join(row_text(table.rows[0]) for table in tables[:5]) or "none"
        missing = next((field for field in wanted if not any(field in t.rows[0] for t in tables)), wanted[0])
        raise DataError(
            f"No table has all the columns of the templates ({missing!r} is missing). Columns: {there}."
        )
    return [pair for table in usable for pair in _row_pairs(name, table, prompt, completion)]


def prompt_rows(pairs: Iterable[Pair]) -> list[dict[str, str]]:
    """Rows for prompt/completion files: {"prompt": ..., "completion": ...}."""
    return [{"prompt": pair.prompt, "completion": pair.completion} for pair in pairs]


def chat_rows(pairs: Iterable[Pair], system: str | None = None) -> list[dict[str, list[dict[str, str]]]]:
    """Rows for chat files: {"messages": [...]} with the roles system (if given), user and assistant."""
    first = [{"role": "system", "content": system}] if system else []
    return [
        {
            "messages": [
                *(dict(message) for message in first),
                {"role": "user", "content": pair.prompt},
                {"role": "assistant", "content": pair.completion},
            ]
        }
        for pair in pairs
    ]


def without_number(heading: str) -> str:
    """A heading without the number before it: "3.2 Refunds" is "Refunds"."""
    return NUMBER.sub("", heading, count=1) or heading


# ----------------------------------------------------------------------------- questions


def _questions(name: str, section: Section) -> Iterator[Pair]:
    asked: list[str] = []
    page: int | None = None
    answer: list[str] = []

    def pair() -> Iterator[Pair]:
        if asked and any(answer):
            text = "\n\n".join(part for part in answer if part)
            yield Pair("\n".join(asked), text, name, page, section.path, "question")
        asked.clear()
        answer.clear()

    marked = any(QUESTION.match(block.text) for block in section.blocks)
    if section.path and ASKS.search(section.heading) and not marked:
        asked, page = [without_number(section.heading)], section.page
    in_heading = bool(asked)
    for block in section.blocks:
        if block.kind == FOOTNOTE:
            continue
        if block.kind == TERM and not in_heading:
            if answer:
                yield from pair()
            page = page if asked else block.page
            asked.append(block.text)  # several terms may share a definition
        elif block.kind == DEFINITION and not in_heading:
            answer += [block.text] if asked else []
        elif marked and block.kind != TABLE:
            for is_question, text in _marked_parts(block.text):
                if is_question:
                    yield from pair()
                    asked, page = [text], block.page
                elif is_question is False or answer:
                    answer += [text] if asked else []
        elif in_heading:
            answer.append(block.text)
        else:
            yield from pair()
    yield from pair()


def _marked_parts(text: str) -> Iterator[tuple[bool | None, str]]:
    """The parts of a text that begin with a question's mark (True), an answer's (False) or neither (None)."""
    marks = sorted(
        [(m.start(), m.end(), True) for m in QUESTION.finditer(text)]
        + [(m.start(), m.end(), False) for m in ANSWER.finditer(text)]
    )
    if before := text[: marks[0][0] if marks else len(text)].strip():
        yield None, before
    stops = [start for start, _, _ in marks[1:]] + [len(text)]
    for (_, begin, is_question), stop in zip(marks, stops):
        if part := text[begin:stop].strip().strip("*_").strip():
            yield is_question, part


# ----------------------------------------------------------------------------- tables


def _row_pairs(name: str, table: Block, prompt: str, completion: str) -> Iterator[Pair]:
    header = table.rows[0]
    for row in table.rows[1:]:
        fields = dict(zip(header, row))
        if all(any(fields[field] for field in FIELD.findall(template)) for template in (prompt, completion)):
            yield Pair(_filled(prompt, fields), _filled(completion, fields), name, table.page, (), "table")


def _filled(template: str, fields: dict[str, str]) -> str:
    # not str.format, whose templates can reach into objects: {heading.__class__}
    return FIELD.sub(lambda field: fields[field[1]], template)


def _check_fields(template: str, known: Sequence[str], what: str) -> None:
    for field in FIELD.findall(template):
        if field not in known:
            names = ", ".join("{" + name + "}" for name in known)
            raise DataError(f"The {what} template has no field {{{field}}}; there are {names}.")
