"""Sections, chunks and pairs: nothing lost, nothing over the limit, nothing invented."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import documents, tokens
from helpers.documents.structure import Block, Document
from helpers.errors import DataError

SAMPLES = Path(__file__).parent.parent / "data" / "documents"
MODEL = "text-embedding-3-small"


def read(text: str, name: str = "a.md") -> Document:
    return documents.read_bytes(text.encode(), name)


@pytest.fixture(scope="module")
def handbook() -> Document:
    return documents.read(SAMPLES / "handbook_en.pdf")


@pytest.fixture(scope="module")
def korean() -> Document:
    return documents.read(SAMPLES / "handbook_ko.pdf")


# ----------------------------------------------------------------------------- sections


def test_sections_know_their_headings_and_pages():
    blocks = (
        Block("paragraph", "before", page=1),
        Block("heading", "A", 1, 1),
        Block("heading", "B", 2, 2),
        Block("paragraph", "b", page=3),
        Block("heading", "C", 2, 3),
        Block("paragraph", "c", page=3),
        Block("heading", "D", 1, 4),
    )
    found = documents.sections(Document("x", "PDF", blocks))
    assert [(s.path, s.text, s.pages) for s in found] == [
        ((), "before", (1,)),
        (("A", "B"), "b", (2, 3)),
        (("A", "C"), "c", (3,)),
    ]


def test_headings_may_skip_levels():
    found = documents.sections(read("### Deep\n\na\n\n# Top\n\nb\n\n### Low\n\nc"))
    assert [s.path for s in found] == [("Deep",), ("Top",), ("Top", "Low")]


# ----------------------------------------------------------------------------- sentences


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two! Three?", 3),
        ("커피입니다. 맛있어요! 그런가요?", 3),
        ("It costs 3.50 euros. Cheap.", 2),
        ("See e.g. page 3. Mr. Kim and Dr. Lee agree.", 2),
        ('He said "No." Then he left.', 2),
        ("これは文です。次の文です。", 2),
        ("no end", 1),
        ("", 0),
    ],
)
def test_sentences(text, count):
    parts = documents.sentences(text)
    assert "".join(parts) == text and len(parts) == count


# ----------------------------------------------------------------------------- chunks


@pytest.mark.parametrize("model", [MODEL, "gpt-4o", "wordllama-256"])
@pytest.mark.parametrize("with_path", [False, True])
def test_chunks_keep_to_the_limit_and_lose_nothing(handbook, korean, model, with_path):
    for document in (handbook, korean):
        found = documents.chunks(document, 150, 30, model, with_path=with_path)
        assert [c.tokens for c in found] == tokens.count([c.text for c in found], model).tolist()
        assert max(c.tokens for c in found) <= 150
        joined = "".join("".join(c.text for c in found).split())
        for block in document.blocks:
            if block.kind not in ("heading", "table"):
                for sentence in documents.sentences(block.text):
                    assert "".join(sentence.split()) in joined


def test_chunks_end_with_sentences(handbook):
    for chunk in documents.chunks(handbook, 100, 20, MODEL):
        if " | " not in chunk.text and len(chunk.path) > 1:  # all but the subtitle
            assert chunk.text.rstrip()[-1] in ".!?:"


def test_chunks_know_where_they_are_from(handbook):
    found = documents.chunks(handbook, 60, 0, MODEL)
    late = next(c for c in found if c.text.startswith("Refunds always"))
    assert late.path == ("Support Handbook", "3 Returns and refunds", "3.3 How the money goes back")
    assert late.pages == (3,) and late.document == "handbook_en.pdf"


def test_overlap_repeats_whole_sentences():
    text = " ".join(f"This is sentence number {n}." for n in range(40))
    found = documents.chunks(read(text), 40, 15, MODEL)
    for before, after in pairwise(found):
        repeated = documents.sentences(after.text)[0].strip()
        assert repeated in before.text and before.text.endswith(documents.sentences(after.text)[1].strip())
    assert documents.chunks(read(text), 10_000)[0].text == text


def test_a_table_is_cut_between_rows_under_its_header():
    rows = "\n".join(f"| product {n} | a text about it |" for n in range(60))
    found = documents.chunks(read(f"| Name | Text |\n|---|---|\n{rows}"), 80, 0, MODEL)
    assert len(found) > 5 and all(c.text.startswith("Name | Text\nproduct") for c in found)
    assert sum(c.text.count("product") for c in found) == 60


def test_code_is_not_cut_where_it_fits():
    code = "```\nline one\n\nline two\n```"
    found = documents.chunks(read(f"{'Some words here. ' * 5}\n\n{code}"), 60, 0, MODEL)
    assert any("line one\n\nline two" in c.text for c in found)


def test_a_sentence_over_the_limit_is_cut_between_words():
    found = documents.chunks(read("word " * 300), 50, 0, MODEL)
    assert all(c.tokens <= 50 for c in found) and " ".join(c.text for c in found).split() == ["word"] * 300


def test_wrong_limits_are_refused(handbook):
    for limit, overlap in ((0, 0), (10, 6), (10, -1)):
        with pytest.raises(ValueError, match="limit"):
            documents.chunks(handbook, limit, overlap, MODEL)
    with pytest.raises(DataError, match="with_path"):
        documents.chunks(handbook, 12, 0, MODEL, with_path=True)


WORDS = st.sampled_from(
    ["tea", "coffee.", "커피", "맛있어요.", "Is it?", "1", "e.g.", "\n\n", "# H\n\n", "- ", "| a | b |", "🍜"]
)


@settings(max_examples=100, deadline=None)
@given(st.lists(WORDS, max_size=60), st.integers(20, 60), st.integers(0, 10))
def test_chunks_of_anything(words, limit, overlap):
    try:
        document = read(" ".join(words))
    except DataError:
        return
    found = documents.chunks(document, limit, overlap, MODEL)
    assert all(0 < c.tokens <= limit and c.text.strip() for c in found)
    joined = " ".join(c.text for c in found)
    for block in document.blocks:
        if block.kind != "heading":
            assert all(word in joined for word in block.text.split())


# ----------------------------------------------------------------------------- pairs


def test_heading_pairs(handbook):
    pairs = documents.heading_pairs(handbook)
    gift = next(p for p in pairs if p.prompt == "Gift cards")
    assert gift.completion.startswith("A gift card is a code") and gift.page == 6 and gift.how == "heading"
    assert not any("Except for a remainder" in p.completion for p in pairs)
    assert any(
        "Except for a remainder" in p.completion for p in documents.heading_pairs(handbook, footnotes=True)
    )
    named = documents.heading_pairs(handbook, "What does {document} say on {path}?")
    assert named[1].prompt == "What does handbook_en.pdf say on Support Handbook > About this handbook?"
    with pytest.raises(DataError, match=r"no field \{title\}"):
        documents.heading_pairs(handbook, "{title}")


def test_question_pairs_of_the_handbooks(handbook, korean):
    english, hangul = documents.question_pairs(handbook), documents.question_pairs(korean)
    assert len(english) == len(hangul) == 7
    assert english[2].prompt == "My coffee tastes sour. Is it off?" and english[2].page == 7
    assert hangul[3].completion.startswith("두 가지가 있습니다.")
    assert not any(
        mark in p.completion for p in (*english, *hangul) for mark in ("A:", "Q:", "질문:", "답변:")
    )


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("Q: a?\nA: b.", [("a?", "b.")]),
        ("Q1. a?\n\nA1. b.\n\nmore\n\nQ2. c?\n\nA2. d.", [("a?", "b.\n\nmore"), ("c?", "d.")]),
        ("Question: a? Answer: b.", [("a?", "b.")]),
        ("질문 1: 가?\n답변 1: 나.", [("가?", "나.")]),
        ("문: 가?\n\n답: 나.", [("가?", "나.")]),
        ("**Q: a?**\n\nA: b.", [("a?", "b.")]),
        ("Q: no answer?\n\nQ: a?\n\nA: b.", [("a?", "b.")]),
        ("# Can I?\n\nYes.\n\n- and how\n\n# Other\n\ntext", [("Can I?", "Yes.\n\nand how")]),
        ("# 3.1 왜 그런가요?\n\n그래서.", [("왜 그런가요?", "그래서.")]),
        ("T\n: D\n: E", [("T", "D\n\nE")]),
        ("A paragraph. Quarterly: no.\n\nAnswers vary.", []),
        ("intro\n\nQ: a?\n\nA: Vitamin A: good. Plan A: done.", [("a?", "Vitamin A: good. Plan A: done.")]),
    ],
)
def test_question_pairs(text, pairs):
    assert [(p.prompt, p.completion) for p in documents.question_pairs(read(text))] == pairs


def test_terms_that_share_a_definition():
    document = read("<dl><dt>a<dt>b<dd>c</dl>", "a.html")
    assert [(p.prompt, p.completion) for p in documents.question_pairs(document)] == [("a\nb", "c")]


def test_table_pairs():
    document = documents.read(SAMPLES / "products.xlsx")
    pairs = documents.table_pairs(document, "What is {Product} ({Size})?", "{Description}")
    assert len(pairs) == 36 and pairs[0].prompt == "What is Harbour Espresso (250 g)?"
    assert pairs[0].completion.startswith("Dark roast") and pairs[0].how == "table"
    assert len(documents.table_pairs(document, "{Question}", "{Answer} See {Products}.")) == 8
    table = document.of_kind("table")[1]
    assert documents.table_pairs(table, "{Question}", "{Answer}")[0].document == ""


def test_table_pairs_say_what_is_wrong():
    document = read("a,b\n1,2\n,\n3,\n{b},4\n", "a.csv")
    with pytest.raises(DataError, match=r"'c' is missing.*a \| b"):
        documents.table_pairs(document, "{a}", "{c}")
    with pytest.raises(DataError, match="braces"):
        documents.table_pairs(document, "a", "{b}")
    with pytest.raises(DataError, match="none"):
        documents.table_pairs(read("text"), "{a}", "{b}")
    pairs = documents.table_pairs(document, "{a}", "{b}")
    assert [(p.prompt, p.completion) for p in pairs] == [("1", "2"), ("{b}", "4")]  # cells are no templates


def test_rows():
    pairs = documents.question_pairs(read("Q: a?\n\nA: b."))
    assert documents.prompt_rows(pairs) == [{"prompt": "a?", "completion": "b."}]
    user, assistant = {"role": "user", "content": "a?"}, {"role": "assistant", "content": "b."}
    assert documents.chat_rows(pairs) == [{"messages": [user, assistant]}]
    system = {"role": "system", "content": "Be kind."}
    assert documents.chat_rows(pairs, "Be kind.") == [{"messages": [system, user, assistant]}]
