"""DOCX, XLSX, HTML, Markdown, CSV, TSV and TXT to blocks: the samples, and what these formats are odd in."""

from pathlib import Path

import document_files as make
import pytest

from helpers import documents
from helpers.documents import limits
from helpers.errors import DataError

SAMPLES = Path(__file__).parent.parent / "data" / "documents"


def read(content: str | bytes, name: str) -> documents.Document:
    return documents.read_bytes(content.encode() if isinstance(content, str) else content, name)


def shape(document: documents.Document) -> list[tuple]:
    """Each block as (kind, level if any, text or rows)."""
    return [(b.kind, b.rows or b.text) if not b.level else (b.kind, b.level, b.text) for b in document.blocks]


# ----------------------------------------------------------------------------- Word

STYLES = f"""<w:styles xmlns:w="{make.W}">
<w:style w:styleId="1"><w:name w:val="heading 1"/></w:style>
<w:style w:styleId="Mine"><w:name w:val="My Heading"/><w:basedOn w:val="1"/></w:style>
<w:style w:styleId="Loop"><w:name w:val="Loop"/><w:basedOn w:val="Loop"/></w:style>
<w:style w:styleId="Bul2"><w:name w:val="List Bullet 2"/></w:style>
</w:styles>"""


def test_the_word_sample():
    document = documents.read(SAMPLES / "tasting_notes.docx")
    headings = [(b.level, b.text) for b in document.of_kind("heading")]
    assert headings[0] == (1, "Tasting Notes for New Colleagues") and headings[-1] == (3, "Words we use")
    assert [b.level for b in document.of_kind("list item")] == [1, 1, 1, 1, 1, 1, 2]
    assert document.of_kind("table")[0].rows[1] == ("Bright", "Pleasantly acid", "Fresh, a little like lemon")
    assert [b.kind for b in document.blocks][-2:] == ["table", "paragraph"]  # in the document's order


def test_word_styles_are_known_by_their_names_and_what_they_build_on():
    body = (
        make.paragraph("제목", '<w:pStyle w:val="1"/>')
        + make.paragraph("Sub", '<w:pStyle w:val="Mine"/>')
        + make.paragraph("Outline", '<w:outlineLvl w:val="2"/>')
        + make.paragraph("Round", '<w:pStyle w:val="Loop"/>')
        + make.paragraph("Item", '<w:pStyle w:val="Bul2"/>')
        + make.paragraph("Numbered", '<w:numPr><w:ilvl w:val="1"/><w:numId w:val="4"/></w:numPr>')
        + make.paragraph("Not listed", '<w:numPr><w:numId w:val="0"/></w:numPr>')
    )
    assert shape(read(make.docx(body, styles=STYLES), "a.docx")) == [
        ("heading", 1, "제목"),
        ("heading", 1, "Sub"),
        ("heading", 3, "Outline"),
        ("paragraph", "Round"),
        ("list item", 2, "Item"),
        ("list item", 2, "Numbered"),
        ("paragraph", "Not listed"),
    ]


def test_word_text_in_pieces_changes_and_boxes():
    body = (
        "<w:p><w:r><w:t>Free </w:t></w:r><w:hyperlink><w:r><w:t>ship</w:t></w:r></w:hyperlink>"
        "<w:ins><w:r><w:t>ping</w:t><w:br/><w:t>today</w:t></w:r></w:ins><w:del><w:r><w:delText>not</w:delText></w:r></w:del>"
        "<w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom>"
        "<w:r><w:txbxContent><w:p><w:r><w:t>In a box</w:t></w:r></w:p></w:txbxContent></w:r></w:p>"
        "<w:sdt><w:sdtContent><w:p><w:r><w:t>In a control</w:t></w:r></w:p></w:sdtContent></w:sdt>"
    )
    assert [b.text for b in read(make.docx(body), "a.docx").blocks] == [
        "Free shipping\ntoday",
        "In a box",
        "In a control",
    ]


def test_word_tables_with_merged_cells():
    def cell(text, properties=""):
        return f"<w:tc><w:tcPr>{properties}</w:tcPr><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>"

    rows = (
        cell("A", '<w:gridSpan w:val="2"/>') + cell("B"),
        cell("1", '<w:vMerge w:val="restart"/>') + cell("2") + cell("3"),
        cell("", "<w:vMerge/>") + cell("4") + cell("5"),
    )
    table = "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"
    assert read(make.docx(table), "a.docx").blocks[0].rows == (
        ("A", "A", "B"),
        ("1", "2", "3"),
        ("1", "4", "5"),
    )


def test_word_footnotes_come_last():
    note = f'<w:footnotes xmlns:w="{make.W}"><w:footnote w:id="-1" w:type="separator"/>'
    note += f'<w:footnote w:id="2">{make.paragraph("A note.")}</w:footnote></w:footnotes>'
    assert shape(read(make.docx(make.paragraph("Text."), footnotes=note), "a.docx"))[-1] == (
        "footnote",
        "2 A note.",
    )


def test_nesting_without_end_is_refused():
    with pytest.raises(DataError, match="cannot be read as a DOCX"):
        read(make.docx("<w:sdt>" * 5_000 + "</w:sdt>" * 5_000), "a.docx")


# ----------------------------------------------------------------------------- Excel


def test_the_excel_sample():
    document = documents.read(SAMPLES / "products.xlsx")
    products, answers = document.of_kind("table")
    assert [b.text for b in document.of_kind("heading")] == ["Products", "Answers"]
    assert products.rows[1][:6] == ("C-101", "Harbour Espresso", "Coffee", "250 g", "7.90", "none")
    assert products.rows[1][-1] == "2026-02-02" and len(products.rows) == 37 and len(answers.rows) == 9
    assert document.notes == ("All sheets were read: Products (38 rows), Answers (9 rows).",)


def test_excel_sheets_tables_and_values():
    import datetime

    rows = [
        ["A title"],
        [],
        [None, "Name", "Sold"],
        [None, "Tea", 3.0],
        [None, "Jam", True],
        [],
        ["x", "y"],
        [0.1 + 0.2, "z"],
    ]
    when = datetime.datetime.fromisoformat("2026-01-02T03:04:05")
    document = read(make.xlsx({"One": rows, "Two": [["a", when]]}, Two="hidden"), "a.xlsx")
    assert shape(document) == [
        ("heading", 1, "One"),
        ("paragraph", "A title"),
        ("table", (("Name", "Sold"), ("Tea", "3"), ("Jam", "TRUE"))),
        ("table", (("x", "y"), ("0.3", "z"))),
        ("heading", 1, "Two"),
        ("table", (("a", "2026-01-02 03:04:05"),)),
    ]
    assert "Two (1 rows, hidden)" in document.notes[0]


def test_a_sheet_that_claims_to_be_endless_is_refused(monkeypatch):
    import openpyxl

    monkeypatch.setattr(limits, "CELLS", 10_000)
    book = openpyxl.Workbook()
    book.active["A1"], book.active["A900000"] = 1, 2
    import io

    out = io.BytesIO()
    book.save(out)
    with pytest.raises(DataError, match="more than 10,000 cells"):
        read(out.getvalue(), "a.xlsx")


# ----------------------------------------------------------------------------- HTML


def test_the_html_sample():
    document = documents.read(SAMPLES / "brewing_guide.html")
    for dropped in ("cookies", "Basket", "basket", "Home", "Imprint", "also like", "Share", "85 °C", "track"):
        assert dropped not in document.text
    table = document.of_kind("table")[0]
    assert table.rows[0] == ("Way", "Grind", "Time") and table.rows[4][0] == "Filter" and len(table.rows) == 6
    assert len(document.of_kind("term")) == 3 and len(document.of_kind("definition")) == 4
    assert "<plus or minus a little>" in document.text and "92 °C and 96 °C" in document.text
    assert "navig" not in document.notes[0] and "nav" in document.notes[0]


@pytest.mark.parametrize(
    ("html", "blocks"),
    [
        ("<p>a<p>b", [("paragraph", "a"), ("paragraph", "b")]),
        ("<h2>T<p>text", [("heading", 2, "T"), ("paragraph", "text")]),
        (
            "<ul><li>a<ul><li>b</ul><li>c</ul>d",
            [("list item", 1, "a"), ("list item", 2, "b"), ("list item", 1, "c"), ("paragraph", "d")],
        ),
        ("<ul><li><p>a</p><p>b</p></ul>", [("list item", 1, "a"), ("paragraph", "b")]),
        ("<p>a <b>b</b>\n c&nbsp;d<br>e", [("paragraph", "a b c d\ne")]),
        ("<pre>a\n  b\n</pre>", [("code", "a\n  b")]),
        ("<table><tr><td>one</table>", [("paragraph", "one")]),
        ("<table><tr><td><table><tr><td>a<td>b</table></table>", [("table", (("a", "b"),))]),
        ("<table><tr><td colspan=2>a<td>b<tr><td>c</table>", [("table", (("a", "a", "b"), ("c", "", "")))]),
        (
            "<main><header><h1>T</h1></header>x</main><header>y</header>",
            [("heading", 1, "T"), ("paragraph", "x")],
        ),
        ("x<!-- <p>no --><!-- never closed <p>y", [("paragraph", "x<!-- never closed"), ("paragraph", "y")]),
        ("a < b & c > d", [("paragraph", "a < b & c > d")]),
        ("<div class=menu>Soup</div>", [("paragraph", "Soup")]),
        ("<p>unclosed <a href='x", [("paragraph", "unclosed <a href='x")]),
    ],
)  # fmt: skip
def test_html_broken_or_not(html, blocks):
    assert shape(read(html, "a.html")) == blocks


def test_thousands_of_unclosed_paragraphs_stay_paragraphs():
    assert len(read("<p>text " * 3_000, "a.html").blocks) == 3_000


# ----------------------------------------------------------------------------- Markdown


def test_the_markdown_sample():
    document = documents.read(SAMPLES / "style_guide.md")
    assert [b.level for b in document.of_kind("heading")] == [1, 2, 2, 2, 2]
    assert len(document.of_kind("code")) == 1 and "\n\n" in document.of_kind("code")[0].text
    assert document.of_kind("table")[0].rows[2] == ("100 % natural", "nothing", "means nothing precise")
    assert document.of_kind("footnote")[0].text.startswith("1 Measured")
    assert "[^1]" not in document.text


@pytest.mark.parametrize(
    ("markdown", "blocks"),
    [
        ("T\n=\n\na\nb", [("heading", 1, "T"), ("paragraph", "a b")]),
        ("~~~\n# no\n\n~~~", [("code", "# no\n")]),
        ("- a\n  - b\n\n> q", [("list item", 1, "a"), ("list item", 2, "b"), ("paragraph", "q")]),
        ("*a* **b** `c_d` [e](http://x) ![f](g) &amp; \\*", [("paragraph", "a b c_d e f & *")]),
        ("<div>x <b>y</b></div>\n\nz", [("paragraph", "x y"), ("paragraph", "z")]),
        ("T\n: D", [("term", "T"), ("definition", "D")]),
        ("#Not a heading", [("paragraph", "#Not a heading")]),
        ("a  \nb", [("paragraph", "a\nb")]),
    ],
)
def test_markdown(markdown, blocks):
    assert shape(read(markdown, "a.md")) == [
        b if b[0] != "code" else ("code", b[1].rstrip("\n")) for b in blocks
    ]


# ----------------------------------------------------------------------------- CSV, TSV, TXT


@pytest.mark.parametrize(
    ("text", "name", "rows"),
    [
        ("a,b\n1,2\n", "a.csv", (("a", "b"), ("1", "2"))),
        ("a;b\n1,5;2,5\n", "a.csv", (("a", "b"), ("1,5", "2,5"))),
        ('a\tb\n1\t"x\ny"\n', "a.tsv", (("a", "b"), ("1", "x\ny"))),
        ("word\nother\n", "a.csv", (("word",), ("other",))),
        ("a,b\n\n1\n2,3,4\n", "a.csv", (("a", "b", ""), ("1", "", ""), ("2", "3", "4"))),
        ("이름,값\n김치,NA\n", "a.csv", (("이름", "값"), ("김치", "NA"))),
    ],
)
def test_tables_of_text(text, name, rows):
    assert read(text, name).blocks[0].rows == rows


def test_uneven_rows_and_stray_quotes_are_noted():
    assert "2 of 3 rows have not 2 cells" in read("a,b\n1\n2,3,4\n", "a.csv").notes[0]
    assert "line 2" in read('a,b\n"x"y,2\n3,4\n', "a.csv").notes[0]


def test_plain_text():
    text = "A paragraph\nof two lines.\n\n- one\n- two\n  more\n\n1. first\n\f다음 쪽"
    assert shape(read(text, "a.txt")) == [
        ("paragraph", "A paragraph\nof two lines."),
        ("list item", 1, "one"),
        ("list item", 1, "two\nmore"),
        ("list item", 1, "first"),
        ("paragraph", "다음 쪽"),
    ]
