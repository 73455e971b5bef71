"""`helpers.documents.read`: what a file is, its encoding, and each kind of bad file refused with a reason."""

import base64
import io
import os
import time
import tracemalloc
import zipfile
from pathlib import Path

import document_files as make
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from helpers import documents
from helpers.documents import encodings, limits
from helpers.errors import DataError

SAMPLES = Path(__file__).parent.parent / "data" / "documents"
WORD_BOMB = make.docx(make.paragraph("a" * 8_000_000))
SHEET_BOMB = make.zipped({"xl/workbook.xml": "<workbook/>", "xl/worksheets/sheet1.xml": b"<c>" * 3_000_000})
LAUGHS = make.zipped(
    {
        "word/document.xml": '<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
        f'<w:document xmlns:w="{make.W}"><w:body><w:p><w:r><w:t>&b;</w:t></w:r></w:p></w:body></w:document>'
    }
)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


def message(path: Path, **options) -> str:
    """The error for a file: one line, with the path in it."""
    with pytest.raises(DataError) as caught:
        documents.read(path, **options)
    assert path.name in str(caught.value) and "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.pdf", b"", "is empty"),
        ("locked.pdf", make.encrypted_pdf(), "it is encrypted"),
        ("scan.pdf", make.scanned_pdf(), "text recognition"),
        ("blank.pdf", make.pdf([]), "holds no text"),
        ("half.pdf", b"%PDF-1.7\n" + os.urandom(64), "damaged or incomplete"),
        ("locked.docx", OLE + "EncryptedPackage".encode("utf-16-le"), "it is encrypted"),
        ("old.doc", OLE + "WordDocument".encode("utf-16-le"), "old Word format"),
        ("old.hwp", OLE + "HwpSummaryInformation".encode("utf-16-le"), "old HWP format"),
        ("bomb.docx", WORD_BOMB, "200 times"),
        ("bomb.xlsx", SHEET_BOMB, "200 times"),
        ("laughs.docx", LAUGHS, "declares entities"),
        ("cut.docx", make.docx(make.paragraph("text"))[:-30], "damaged"),
        ("noxml.docx", make.zipped({"word/document.xml": "<w:document"}), "no valid XML"),
        ("slides.docx", make.zipped({"ppt/presentation.xml": "<p/>"}), "PowerPoint"),
        ("book.zip", make.zipped({"a.txt": "text"}), "zip archive"),
        ("photo.pdf", b"\x89PNG\r\n\x1a\n" + bytes(50), "PNG picture"),
        ("data.txt", b"ab\0cd\0\0", "NUL bytes"),
        ("blank.txt", b" \n\n ", "holds no text"),
        ("rows.jsonl", b'{"a": 1}\n', "helpers.jsonl"),
        ("quote.csv", b'a,b\n"' + b"x" * 200_000, "cannot be told apart"),
        ("wide.csv", b"," * (limits.CELLS + 1), "cells"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # encrypted bytes differ from run to run
)
def test_bad_files_are_refused_with_a_reason(tmp_path, name, content, reason):
    path = tmp_path / name
    path.write_bytes(content)
    assert reason in message(path)
    assert [p.name for p in tmp_path.iterdir()] == [name]  # nothing is written


def test_what_is_no_file_is_refused(tmp_path):
    assert "There is no file" in message(tmp_path / "missing.pdf")
    assert "is a folder" in message(tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        documents.read("a\0b.pdf")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        assert "not an ordinary file" in message(tmp_path / "pipe")


def test_a_gigabyte_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(1_000_000_000)  # sparse: it takes no room
    tracemalloc.start()
    begun = time.perf_counter()
    assert "1,000.0 MB" in message(path)
    assert time.perf_counter() - begun < 1 and tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_the_limit_is_an_argument(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("ten bytes.", encoding="utf-8")
    assert documents.read(path, limit=10).text == "ten bytes."
    assert "limit" in message(path, limit=9)


@pytest.mark.parametrize("content", [WORD_BOMB, SHEET_BOMB])
def test_bombs_are_not_unpacked(tmp_path, content):
    tracemalloc.start()
    with pytest.raises(DataError):
        documents.read_bytes(content, "bomb")
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_an_archive_that_lies_about_its_sizes_is_stopped_while_it_is_read():
    liar = make.lying(WORD_BOMB, "word/document.xml", 1_000)
    assert zipfile.ZipFile(io.BytesIO(liar)).getinfo("word/document.xml").file_size == 1_000
    tracemalloc.start()
    with pytest.raises(DataError, match=r"damaged|times"):
        documents.read_bytes(liar, "liar.docx")
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_many_parts_together_count_as_one_size(monkeypatch):
    noise = base64.b64encode(os.urandom(600_000))
    archive = make.zipped({"word/document.xml": noise, "word/styles.xml": noise})
    with pytest.raises(DataError, match="over the limit"):
        limits.Archive(archive, limit=1_000_000)
    opened = limits.Archive(archive, limit=2_000_000)
    opened.left = 1_000_000  # as if the directory had stated less
    opened.read("word/document.xml")
    with pytest.raises(DataError, match="more than the limit"):
        opened.read("word/styles.xml")


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("report.pdf", b"<!doctype html><p>Please log in", "HTML"),
        ("table.xls", b"a\tb\n1\t2\n", "TSV"),
        ("letter.docx", b"Dear Sir", "TXT"),
        ("notes.txt", make.pdf(make.lines(["hello there"])), "PDF"),
        ("sheet.docx", make.xlsx({"S": [["a", "b"], [1, 2]]}), "XLSX"),
    ],
)
def test_a_wrong_extension_is_noted_and_the_content_decides(name, content, kind):
    document = documents.read_bytes(content, name)
    assert document.kind == kind
    assert any(kind in note for note in document.notes)


def test_a_right_extension_is_not_noted():
    assert documents.read_bytes(b"# T\n\ntext", "a.md").notes == ()


# ----------------------------------------------------------------------------- encodings

KOREAN = "안녕하세요. 커피는 서늘한 곳에 보관하세요."


@pytest.mark.parametrize(
    ("content", "text", "note"),
    [
        (KOREAN.encode(), KOREAN, None),
        (KOREAN.encode("utf-8-sig"), KOREAN, None),
        (KOREAN.encode("utf-16"), KOREAN, "UTF-16"),
        ("\ufeffplain".encode("utf-16-be"), "plain", "UTF-16-BE"),
        ("plain text".encode("utf-16-le"), "plain text", "UTF-16-LE"),
        (KOREAN.encode("euc-kr"), KOREAN, "CP949"),
        ("똠방각하 커피 펲시콜라 주문".encode("cp949"), "똠방각하 커피 펲시콜라 주문", "CP949"),
        ("café crème, naïve".encode("latin-1"), "café crème, naïve", "assumed to be Windows-1252"),
        ("Ägypten, Käse und Öl".encode("cp1252"), "Ägypten, Käse und Öl", "assumed to be Windows-1252"),
        ("“quoted” – 5 €".encode("cp1252"), "“quoted” – 5 €", "assumed to be Windows-1252"),
        ((KOREAN * 4).encode()[:-2], (KOREAN * 4)[:-2] + "�", "damaged"),
    ],
)
def test_encodings(content, text, note):
    found, notes = encodings.decode(content)
    assert found == text
    assert (note is None and notes == ()) or note in notes[0]


def test_a_given_encoding_is_used_or_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("日本語".encode("shift-jis"))
    assert documents.read(path, encoding="shift-jis").text == "日本語"
    assert "not valid UTF-8" in message(path, encoding="utf-8")
    assert "no encoding" in message(path, encoding="klingon")


def test_a_page_may_declare_its_encoding():
    page = '<html><meta charset="euc-kr"><p>커피'.encode("cp949")
    assert documents.read_bytes(page, "a.html").text == "커피"


def test_line_ends_become_one_sign():
    assert encodings.decode(b"a\r\nb\rc\n")[0] == "a\nb\nc\n"


# ----------------------------------------------------------------------------- anything at all

NAMES = ["a.pdf", "a.docx", "a.xlsx", "a.html", "a.md", "a.txt", "a.csv", "a.tsv", "a.xls", "a"]
STARTS = [b"", b"%PDF-1.7\n", b"PK\x03\x04", b"<html>", b"# ", b"\xff\xfe", b"a,b\n", OLE[:8]]
GOOD = {path.name: path.read_bytes() for path in SAMPLES.iterdir() if path.is_file() and path.suffix != ".py"}
SMALL = [
    make.pdf(make.lines(["one", "two"])),
    make.docx(make.paragraph("text")),
    make.xlsx({"S": [["a", "b"], [1, 2]]}),
    GOOD["brewing_guide.html"],
    GOOD["style_guide.md"],
]


def read_or_refuse(content: bytes, name: str) -> None:
    try:
        document = documents.read_bytes(content, name)
    except DataError as error:
        assert "\n" not in str(error)
    else:
        assert document.text.strip() and document._repr_html_()


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(STARTS), st.binary(max_size=300), st.sampled_from(NAMES))
@example(b"", b"<table><caption>", "a.html")
@example(b"", b"<![x]><![CDATA[<?", "a.html")
@example(b"", b"+AGE-\x80", "a.txt")
def test_no_bytes_raise_anything_but_a_data_error(start, rest, name):
    read_or_refuse(start + rest, name)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SMALL), st.data())
def test_damaged_documents_are_read_or_refused(content, data):
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del damaged[data.draw(st.integers(1, len(content))) :]
    read_or_refuse(bytes(damaged), data.draw(st.sampled_from(NAMES)))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), st.sampled_from(["a.html", "a.md", "a.txt", "a.csv", "a.tsv"]))
def test_any_text_is_read_or_refused(text, name):
    read_or_refuse(text.encode("utf-8", "surrogatepass"), name)


@pytest.mark.parametrize(
    "piece", ["<a ", "<!--", "<a b='", "<table><tr><td>x", "<li>x", "<div>", "<![CDATA[>"]
)
def test_broken_mark_up_takes_no_more_than_moments(piece):
    begun = time.perf_counter()
    read_or_refuse((piece * 2_500).encode(), "a.html")
    read_or_refuse((piece * 2_500).encode(), "a.md")
    assert time.perf_counter() - begun < 20  # without care, minutes


# ----------------------------------------------------------------------------- in a notebook


def test_a_document_shows_itself_escaped():
    document = documents.read_bytes(b"# <script>x</script> & co\n\n| a<b | c |\n|-|-|\n| 1 | 2 |", "<i>.md")
    shown = document._repr_html_()
    assert "<script" not in shown and "&lt;i&gt;.md" in shown and "a&lt;b" in shown
    assert repr(document) == "<Document '<i>.md': Markdown, 2 blocks>"
    assert document.of_kind("table")[0]._repr_html_().startswith("<table>")


def test_long_documents_show_their_beginning():
    shown = documents.read_bytes(b"paragraph\n\n" * 5_000, "a.txt")._repr_html_()
    assert "and 4,800 more blocks" in shown and len(shown) < 30_000
