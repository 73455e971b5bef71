"""The chunk explorer shows what `documents.chunks` makes, marks what is repeated, and escapes it."""

import re

import pytest

from helpers import documents, widgets
from helpers.documents import Block, Chunk, Document
from helpers.settings import DATA
from helpers.widgets.documents import repeated

MODEL = "text-embedding-3-small"
TEXT = " ".join(f"This is sentence number {i} of a text." for i in range(12))
SECTIONS = documents.sections(
    Document("a.md", "Markdown", (Block("heading", "Tea & <milk>", 1), Block("paragraph", TEXT)))
)


def chunk(text, path=("A",)):
    return Chunk("a", path, (), text, len(text.split()))


def test_what_is_repeated_is_the_end_of_the_chunk_before():
    found = documents.chunks(SECTIONS, 40, 20, MODEL)
    again = repeated(found)
    assert again[0] == "" and all(again[1:])
    for before, this, text in zip(found, found[1:], again[1:]):
        assert before.text.endswith(text) and this.text.startswith(text)


def test_without_overlap_nothing_is_repeated():
    assert not any(repeated(documents.chunks(SECTIONS, 40, 0, MODEL)))
    assert repeated([]) == []


def test_without_overlap_no_table_begins_with_what_the_chunk_before_ends_with():
    sections = documents.sections(documents.read(DATA / "documents" / "handbook_en.pdf"))
    for limit in range(20, 301, 10):
        assert not any(repeated(documents.chunks(sections, limit, 0, MODEL))), limit


def test_the_numbers_can_begin_anywhere():
    page = widgets.chunk_page(documents.chunks(SECTIONS, 40, 20, MODEL), start=7)
    assert re.findall(r"<small>(\d+) ·", page)[:2] == ["7", "8"]


def test_another_section_repeats_nothing():
    assert repeated([chunk("Yes. Never."), chunk("Never. Maybe.", path=("B",))]) == ["", ""]
    assert repeated([chunk("Yes. Never."), chunk("Never. Maybe.")]) == ["", "Never."]


def test_the_page_escapes_and_numbers():
    page = widgets.chunk_page(documents.chunks(SECTIONS, 40, 20, MODEL))
    assert "Tea &amp; &lt;milk&gt;" in page and "<milk>" not in page
    assert re.findall(r"<small>(\d+) ·", page) == [str(i + 1) for i in range(page.count("<small>"))]
    assert page.count("<u ") == page.count("<small>") - 1


def test_the_summary_counts():
    assert widgets.chunk_summary([chunk("Yes. Never."), chunk("Never. Maybe so.")]) == (
        "2 chunks, the largest of 3 tokens, 5 tokens in all; 1 begins with something repeated."
    )
    assert widgets.chunk_summary([]).startswith("0 chunks")


def test_the_sliders_cut_again_and_keep_the_overlap_within_half():
    box = widgets.chunk_explorer(SECTIONS, MODEL, limit=60, overlap=30)
    budget, shared, result = box.children
    before = result.value
    assert f"<p>{len(documents.chunks(SECTIONS, 60, 30, MODEL))} chunks" in before
    budget.value = 40
    assert shared.max == 20 and shared.value == 20
    assert f"<p>{len(documents.chunks(SECTIONS, 40, 20, MODEL))} chunks" in result.value
    shared.value = 0
    assert "0 begin with something repeated" in result.value


@pytest.mark.parametrize("limit", range(20, 61, 10))
def test_no_slider_position_fails(limit):
    budget, shared, result = widgets.chunk_explorer(SECTIONS, MODEL).children
    budget.value = limit
    shared.value = shared.max
    assert "chunks" in result.value
