"""Documents to text, to chunks, and to rows for fine-tuning.

    document = documents.read("data/documents/handbook_en.pdf")   # headings, paragraphs, tables, notes
    documents.sections(document)                                  # what stands under each heading
    documents.chunks(document, 200, 40, model)                    # at most 200 tokens, 40 repeated
    pairs = documents.question_pairs(document)                    # prompts and completions
    documents.prompt_rows(pairs); documents.chat_rows(pairs)      # rows, as helpers.jsonl writes them

One module a format (`pdf`, `office`, `web`, `markdown`, `tables`, `plain`), `read` to choose among them by
content, `limits` for what a file may ask for, `sections` and `pairs` for what comes after. PDF, Office and
web packages are imported when such a file is read.
"""

from helpers.documents.pairs import (
    Pair,
    chat_rows,
    heading_pairs,
    prompt_rows,
    question_pairs,
    table_pairs,
    without_number,
)
from helpers.documents.read import read, read_bytes
from helpers.documents.sections import Chunk, Section, chunks, sections, sentences
from helpers.documents.structure import Block, Document, table_block

__all__ = [
    "Block",
    "Chunk",
    "Document",
    "Pair",
    "Section",
    "chat_rows",
    "chunks",
    "heading_pairs",
    "prompt_rows",
    "question_pairs",
    "read",
    "read_bytes",
    "sections",
    "sentences",
    "table_block",
    "table_pairs",
    "without_number",
]
