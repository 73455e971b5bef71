"""PDF: the handbooks come out as they were written, and each rule of the layout on pages made for it."""

import random
import re
import threading
import time
from pathlib import Path

import document_files as make
import pytest

from helpers import documents

SAMPLES = Path(__file__).parent.parent / "data" / "documents"


def blocks(*pages, **options):
    return documents.read_bytes(make.pdf(*pages, **options), "a.pdf").blocks


def texts(*pages, kind=None, **options):
    return [block.text for block in blocks(*pages, **options) if kind in (None, block.kind)]


# ----------------------------------------------------------------------------- the handbooks


def source(name: str) -> dict:
    """What the script was given: (page, kind, text or row), from the text that the handbook is made of."""
    found = {"heading": [], "paragraph": [], "list item": [], "footnote": [], "rows": []}
    pages = (SAMPLES / "sources" / name).read_text(encoding="utf-8").partition("\n\n")[2].split("\n=\n")
    for page in pages:
        for line in filter(None, page.splitlines()):
            mark, _, rest = line.partition(" ")
            text = re.sub(r"\{\d\}", "", rest if mark in ("#", "##", "-", "gaps:", "grid:") else line)
            if mark in ("gaps:", "grid:"):
                found["rows"].append(tuple(text.split(" | ")))
            elif line.startswith("{"):
                found["footnote"].append(f"{line[1]} {line[3:].strip()}")
            else:
                kind = {"#": "heading", "##": "heading", "-": "list item"}.get(mark, "paragraph")
                found[kind].append(text)
    return found


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_handbook_comes_out_word_for_word(language):
    document = documents.read(SAMPLES / f"handbook_{language}.pdf")
    wanted = source(f"handbook_{language}.txt")
    assert document.pages == 8
    assert document.notes[0].startswith("Taken out as running heads")
    assert document.notes[0].count("(8 times)") == 2
    assert {"en": "'Page # of #'", "ko": "'# / #쪽'"}[language] in document.notes[0]
    assert len(document.notes) == (2 if language == "en" else 1)
    assert [b.text for b in document.of_kind("heading")][1:] == wanted["heading"]
    assert [b.text for b in document.of_kind("paragraph")][1:] == wanted["paragraph"]
    assert [b.text for b in document.of_kind("list item")] == wanted["list item"]
    assert [b.text for b in document.of_kind("footnote")] == wanted["footnote"]
    assert [row for b in document.of_kind("table") for row in b.rows] == wanted["rows"]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_handbook_knows_levels_and_pages(language):
    document = documents.read(SAMPLES / f"handbook_{language}.pdf")
    headings = document.of_kind("heading")
    assert headings[0].level == 1 and headings[0].page == 1
    assert {b.level for b in headings[1:] if re.match(r"\d ", b.text)} == {2}
    assert {b.level for b in headings[1:] if re.match(r"\d\.\d ", b.text)} == {3}
    assert [b.page for b in document.of_kind("footnote")] == [1, 2, 3, 5, 6, 8]
    assert [b.page for b in document.of_kind("table")] == [2, 4]
    pages = [b.page for b in document.blocks]
    assert pages == sorted(pages)


def test_the_samples_are_small_and_made_by_the_script():
    for path in SAMPLES.iterdir():
        if path.is_file():
            assert path.stat().st_size < 300_000
    assert (
        b"2026"
        not in re.findall(rb"/CreationDate \(([^)]*)\)", (SAMPLES / "handbook_en.pdf").read_bytes())[0]
    )


# ----------------------------------------------------------------------------- running heads

BODY = [
    "This is the first line of an ordinary paragraph of text on",
    "the page, and this is the second and last one.",
]


def page_with(head: str, foot: str, number: int) -> list:
    return [
        (72, 800, 9, head),
        (280, 40, 9, foot.format(number)),
        *make.lines([f"Page text {number}.", *BODY]),
    ]


def test_running_heads_and_page_numbers_go():
    pages = [page_with("My Book" if n % 2 else "Chapter One", "- {} -", n) for n in range(1, 7)]
    assert not any("Book" in t or "Chapter" in t or "-" in t for t in texts(*pages))
    assert sum("Page text" in t for t in texts(*pages)) == 6


def test_heads_that_change_with_the_chapter_go_by_their_page_number():
    heads = [f"{'abcdefgh'[n]} part {n + 5}" for n in range(8)]
    pages = [[(72, 800, 9, head), *make.lines([f"Text of {head}.", *BODY])] for head in heads]
    assert not any(t.startswith(head) for head in heads for t in texts(*pages))


def test_what_repeats_at_another_height_stays():
    pages = [[*make.lines(["Dear reader,"], y=700 - 20 * n), *make.lines(BODY, y=400)] for n in range(4)]
    pages += [make.lines(BODY)]
    assert texts(*pages).count("Dear reader,") == 4


def test_numbered_headings_are_no_running_heads():
    pages = [[(72, 780, 20, f"Chapter {n}"), *make.lines([f"Text {n}.", *BODY])] for n in range(1, 5)]
    assert texts(*pages, kind="heading") == ["Chapter 1", "Chapter 2", "Chapter 3", "Chapter 4"]


def test_what_was_taken_out_is_told():
    pages = [page_with("My Book", "- {} -", n) for n in range(1, 7)]
    assert documents.read_bytes(make.pdf(*pages), "a.pdf").notes == (
        "Taken out as running heads (# for figures): 'My Book' (6 times), '- # -' (6 times).",
    )
    form = [[(72, 800, 11, "Claim by the customer"), *make.lines([f"Case {c}.", *BODY])] for c in "ABC"]
    (note,) = documents.read_bytes(make.pdf(*form), "a.pdf").notes
    assert "'Claim by the customer' (3 times)" in note


def test_figures_that_do_not_count_the_pages_are_what_a_form_says():
    sums = [40, 15, 62, 8]
    pages = [
        [(72, 800, 11, f"Order {n * 37}"), *make.lines(BODY), (72, 40, 11, f"Refunded: {n} euros")]
        for n in sums
    ]
    document = documents.read_bytes(make.pdf(*pages), "a.pdf")
    for n in sums:
        assert f"Order {n * 37}" in document.text and f"Refunded: {n} euros" in document.text
    assert document.notes == ()


def test_page_numbers_go_though_they_begin_again_or_stand_beside_a_constant():
    pages = [page_with("Terms of 2026", f"Page {1 + n % 2} of 2", n) for n in range(6)]
    assert not any("2026" in t or "Page 1" in t or "Page 2 of" in t for t in texts(*pages))
    books = [page_with(f"Edition 3, page {340 + n}, of 2026", "", n) for n in range(6)]
    assert not any("Edition" in t for t in texts(*books))


# ----------------------------------------------------------------------------- words at line ends


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["we will send a replace-", "ment at once"], "we will send a replacement at once"),
        (["a well-", "known shop"], "a well-known shop"),
        (["the half-price bag is a half-", "price bag"], "the half-price bag is a half-price bag"),
        (["the North-", "East corner"], "the North-East corner"),
        (["a state-of-the-", "art mill"], "a state-of-the-art mill"),
        (["pages 10-", "12 and 15"], "pages 10- 12 and 15"),
        (["the packaging of the pack-", "aging team"], "the packaging of the packaging team"),
        (["gift cards and", "gift boxes"], "gift cards and gift boxes"),
        (["store and room: the store-", "room is cold"], "store and room: the store-room is cold"),
    ],
)
def test_divided_words(lines, text):
    assert texts(make.lines(lines)) == [text]


def test_divided_words_are_told():
    lines = make.lines(["we will send a replace-", "ment to a well-", "known shop"])
    assert documents.read_bytes(make.pdf(lines), "a.pdf").notes == (
        "Words divided at a line's end, by guess: 1 joined again (replace-ment); "
        "1 left with their hyphen (well-known).",
    )


def test_korean_words_cut_by_the_line_are_joined_where_the_document_knows_them():
    from collections import Counter

    from helpers.documents.pdf import _joined

    vocabulary = Counter({"보관하세요": 2, "커피를": 1, "커피": 3})
    assert _joined(["서늘한 곳에 보관", "하세요."], set(), vocabulary) == "서늘한 곳에 보관하세요."
    assert _joined(["맛있는 커피", "를 마십니다"], set(), vocabulary) == "맛있는 커피를 마십니다"
    assert _joined(["원두와 커피", "보관하세요"], set(), vocabulary) == "원두와 커피 보관하세요"


# ----------------------------------------------------------------------------- paragraphs and their like


def test_gaps_and_indents_begin_paragraphs():
    spaced = [*make.lines(["One begins here", "and ends here."]), *make.lines(["Two is here."], y=655)]
    assert texts(spaced) == ["One begins here and ends here.", "Two is here."]
    indented = [(72, 760, 11, "One begins and"), (72, 746, 11, "goes on."), (90, 732, 11, "Two.")]
    assert texts(indented) == ["One begins and goes on.", "Two."]


def test_a_paragraph_goes_on_over_the_page():
    assert [
        (b.text, b.page) for b in blocks(make.lines(["It is cut by"]), make.lines(["the end of the page."]))
    ] == [("It is cut by the end of the page.", 1)]
    assert len(blocks(make.lines(["It is whole."]), make.lines(["this is another."]))) == 2


def test_heading_levels_follow_the_sizes():
    page = [
        (72, 790, 24, "Title"),
        (72, 750, 16, "Part"),
        *make.lines(BODY, y=720),
        (72, 650, 13, "Section"),
        *make.lines(BODY, y=630),
    ]
    assert [(b.text, b.level) for b in blocks(page) if b.kind == "heading"] == [
        ("Title", 1),
        ("Part", 2),
        ("Section", 3),
    ]


def test_list_items():
    page = make.lines(["• first item", "• second item that", "   goes on"], y=700)
    page[-1] = (82, *page[-1][1:3], "goes on")
    items = [b for b in blocks([*make.lines(BODY, y=740), *page]) if b.kind == "list item"]
    assert [b.text for b in items] == ["first item", "second item that goes on"]


def test_numbered_items_keep_their_numbers():
    page = [*make.lines(BODY, y=740), *make.lines(["1. Grind.", "2. Pour."], y=700)]
    assert texts(page, kind="list item") == ["1. Grind.", "2. Pour."]


def test_footnotes_stand_apart_and_their_marks_go():
    page = [
        *make.lines(BODY, y=740),
        (72, 700, 11, "It costs 40 euros"),
        (159, 705, 7, "1"),
        (165, 700, 11, "in all, for 5 m"),
        (239, 705, 7, "2"),
        (245, 700, 11, "of room."),
        (72, 80, 8, "1 With postage, as the"),
        (72, 70, 8, "price list says."),
    ]
    found = blocks(page)
    assert [b.text for b in found if b.kind == "footnote"] == ["1 With postage, as the price list says."]
    assert "It costs 40 euros in all, for 5 m2 of room." in [
        b.text for b in found
    ]  # 2 is no note, so it stays


def test_small_print_with_numbers_is_no_footnote():
    page = [
        *make.lines(BODY * 3),
        (72, 80, 8, "4 bytes for the version"),
        (72, 70, 8, "4 bytes for the size"),
    ]
    assert not any(b.kind == "footnote" for b in blocks(page))


# ----------------------------------------------------------------------------- order and tables


def test_two_columns_are_read_one_after_the_other():
    left = [f"left column line {n} has enough words" for n in range(12)]
    right = [f"right column line {n} has enough words" for n in range(12)]
    page = [
        (72, 790, 20, "A title across both of the columns"),
        *make.lines(left, x=60),
        *make.lines(right, x=320),
    ]
    text = " ".join(texts(page))
    assert text.index("line 11 has") < text.index("right column line 0")
    assert text.startswith("A title")


@pytest.mark.parametrize(
    "frame",
    [[0, 0, 595, 842], [10, 12, 585, 830], [40, 400, 560, 815]],
    ids=["background", "nearly the page", "a frame around the text"],
)
@pytest.mark.parametrize("apart", [0, 4])
def test_a_background_does_not_hide_the_columns(frame, apart):
    left, low, right, high = frame
    edges = [
        (left, low, right, low),
        (left, high, right, high),
        (left, low, left, high),
        (right, low, right, high),
    ]
    columns = [
        *make.lines([f"left column line {n} has enough words" for n in range(20)], x=60),
        *make.lines([f"right column line {n} has enough words" for n in range(20)], x=320, y=700 - apart),
    ]
    found = blocks([*edges, *columns])
    assert {block.kind for block in found} == {"paragraph"}
    text = " ".join(block.text for block in found)
    assert text.index("left column line 19") < text.index("right column line 0")


def test_a_background_and_a_rule_below_the_head_are_no_table():
    background = [(0, 0, 595, 0), (0, 842, 595, 842), (0, 0, 0, 842), (595, 0, 595, 842)]
    page = [
        *background,
        (0, 780, 595, 780),
        (72, 790, 9, "Head"),
        (400, 790, 9, "2026"),
        *make.lines(BODY * 3),
    ]
    assert "table" not in {block.kind for block in blocks(page)}


def test_the_order_in_the_file_does_not_matter():
    page = make.lines([f"line number {n}" for n in range(20)])
    shuffled = random.Random(3).sample(page, len(page))
    assert texts(shuffled) == texts(page)


ROWS = [
    ("Product", "Price", "Weight"),
    ("Tea", "5.20", "100 g"),
    ("Coffee", "7.90", "250 g"),
    ("Jam", "4.90", "320 g"),
]


def cells(rows, y=700, xs=(72, 220, 330), step=16):
    return [(x, y - i * step, 10, cell) for i, row in enumerate(rows) for x, cell in zip(xs, row) if cell]


def test_a_table_by_gaps():
    page = [*make.lines(BODY, y=740), *cells(ROWS), *make.lines(["After the table."], y=600)]
    found = blocks(page)
    assert [b.kind for b in found] == ["paragraph", "table", "paragraph"]
    assert found[1].rows == tuple(ROWS) and found[1].page == 1


def test_a_wide_table_is_not_taken_for_columns_of_text():
    rows = [tuple(f"{r}.{c:02}" for c in range(9)) for r in range(100, 130)]
    assert blocks(cells(rows, xs=range(50, 500, 50)))[0].rows == tuple(rows)


def test_a_crowded_page_takes_no_more_than_moments():
    rows = [tuple(f"{r % 10}.{c}" for c in range(10)) for r in range(300)]
    begun = time.perf_counter()
    assert blocks(cells(rows, y=800, xs=range(50, 550, 50), step=2.6))
    assert time.perf_counter() - begun < 5  # the plain way, comparing all with all, took 9 s


def test_a_cell_of_two_lines_goes_on():
    rows = [*ROWS[:3], ("", "", "in a tin"), ROWS[3]]
    assert blocks(cells(rows))[0].rows[2] == ("Coffee", "7.90", "250 g in a tin")


def test_a_ruled_table_with_cells_of_several_lines():
    rules = [(60, y, 400, y) for y in (714, 694, 660, 640)] + [(x, 640, x, 714) for x in (60, 210, 320, 400)]
    row = [
        (72, 684, 10, "Coffee, dark"),
        (72, 671, 10, "roasted"),
        (220, 684, 10, "7.90"),
        (330, 684, 10, "250 g"),
    ]
    page = [*cells(ROWS[:1], y=702), *row, *cells(ROWS[3:], y=646), *rules]
    found = blocks([*make.lines(BODY, y=600), *page])
    assert [b.kind for b in found] == ["table", "paragraph"]
    assert found[0].rows == (ROWS[0], ("Coffee, dark roasted", "7.90", "250 g"), ROWS[3])


def test_a_table_with_rules_above_and_below_only():
    rules = [(60, y, 400, y) for y in (714, 694, 645)]
    assert blocks([*cells(ROWS, y=700), *rules])[0].rows == tuple(ROWS)


def test_ordinary_text_is_no_table():
    assert {b.kind for b in blocks(make.lines(BODY * 6))} == {"paragraph"}


# ----------------------------------------------------------------------------- oddities


def test_a_page_shown_turned_is_read_as_shown():
    turned = (
        b" q 0 1 -1 0 595 0 cm BT /F1 11 Tf 72 500 Td (Turned heading) Tj 0 -14 Td (and its text.) Tj ET Q"
    )
    assert texts([], extra=turned, rotate=90) == ["Turned heading and its text."]


def test_rotated_text_is_left_out_and_counted():
    stamp = b" BT /F1 40 Tf 0.7 0.7 -0.7 0.7 100 300 Tm (DRAFT) Tj ET"
    document = documents.read_bytes(make.pdf(make.lines(BODY), extra=stamp), "a.pdf")
    assert "DRAFT" not in document.text and "5 letters of rotated text" in document.notes[0]


def test_pages_without_text_are_named():
    document = documents.read_bytes(make.pdf(make.lines(BODY), [], make.lines(BODY, y=500)), "a.pdf")
    assert document.notes == ("Pages without text, perhaps scanned or empty: 2.",)


def test_pdfs_can_be_read_in_threads():
    found = []
    content = make.pdf(*[make.lines([f"page {n}", *BODY]) for n in range(3)])
    readers = [
        threading.Thread(target=lambda: found.append(documents.read_bytes(content, "a.pdf").text))
        for _ in range(6)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert len(found) == 6 and len(set(found)) == 1


def test_a_rule_between_narrow_cells_keeps_them_apart():
    rows = [(72, 680, 10, "Huila"), (131, 680, 10, "Colombia"), (186, 680, 10, "11.00")]
    rows += [(x, 662, 10, text) for x, text in ((72, "Yirga"), (131, "Ethiopia"), (186, "12.50"))]
    rules = [(66, y, 230, y) for y in (692, 674, 656)] + [(x, 656, x, 692) for x in (66, 125, 180, 230)]
    (table,) = [block for block in blocks([*make.lines(BODY, y=760), *rows, *rules]) if block.kind == "table"]
    assert table.rows == (("Huila", "Colombia", "11.00"), ("Yirga", "Ethiopia", "12.50"))


def test_large_bullets_are_no_headings_and_numbered_headings_stay_apart():
    page = [
        *make.lines(["Guide", "1. Keeping beans", "2.1 Keeping tea"], y=780, size=16, step=20),
        *make.lines(BODY, y=700),
        *make.lines(["• one", "• two"], y=600, size=14, step=20),
    ]
    found = [(block.kind, block.text) for block in blocks(page)]
    assert found[:3] == [
        ("heading", "Guide"),
        ("heading", "1. Keeping beans"),
        ("heading", "2.1 Keeping tea"),
    ]
    assert found[-2:] == [("list item", "one"), ("list item", "two")]
