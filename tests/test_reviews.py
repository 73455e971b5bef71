"""`helpers.reviews`, `helpers.review_files`: the same frame from every source, no review lost silently."""

import codecs
import csv
import gzip
import io
import itertools
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from servers import Answer, FileServer

from helpers import review_files, reviews, settings
from helpers.errors import DataError
from helpers.review_files import COLUMNS, RECORD_LIMIT, Skip

NASTY = "He said \"wow\", twice:\n50 % 'off' 김치 라면 🍜 a\0b <br /> &amp; =1+1\tend\\"
ROWS = [
    (1, "B001", "A1", "Ann", 1, 1, 5, 1303862400, "Good", "I like this tea."),
    (2, "B002", "A2", None, 0, 2, 1, 1346976000, None, NASTY),
    (3, "B001", "A3", "None", 3, 1, 3, 939340800, "N/A", "null"),
    (4, "B003", "A1", "김철수", 0, 0, 4, 1351209600, "Wie? 'So'", "Naïve café, 100% ok; see http://x.y/?a=b"),
]
COOKBOOK = ("Id", "Time", "ProductId", "UserId", "Score", "Summary", "Text")
SNAP_COLUMNS = ("ProductId", "UserId", "ProfileName", "helpfulness", "Score", "Time", "Summary", "Text")


def as_csv(rows=ROWS, columns=COLUMNS, **options) -> bytes:
    out = io.StringIO(newline="")
    table = csv.writer(out, **options)
    table.writerow(columns)
    table.writerows([dict(zip(COLUMNS, row)).get(name) for name in columns] for row in rows)
    return out.getvalue().encode("utf-8")


def as_snap(rows=ROWS, newline="\n", encoding="iso-8859-1") -> bytes:
    keys = ("productId", "userId", "profileName", "helpfulness", "score", "time", "summary", "text")
    blocks = []
    for row in rows:
        _, product, user, name, helpful, votes, stars, seconds, summary, text = row
        values = (product, user, name, f"{helpful}/{votes}", f"{stars}.0", seconds, summary, text)
        blocks += [
            f"{'product' if key == 'productId' else 'review'}/{key}: {'' if value is None else value}"
            for key, value in zip(keys, values)
        ]
        blocks.append("")
    return newline.join([*blocks, ""]).encode(encoding)


def packed_bytes(content: bytes) -> bytes:
    return gzip.compress(content, compresslevel=1, mtime=0)  # the same each time: test names depend on it


@pytest.fixture
def written(tmp_path):
    def write(content: bytes | str, name: str = "reviews.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return path

    return write


def values(frame: pd.DataFrame) -> list[tuple]:
    """The rows with None for what is missing."""
    return [tuple(None if pd.isna(v) else v for v in row) for row in frame.itertuples(index=False)]


def message(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        reviews.load(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    return str(caught.value)


class TestSources:
    def test_kaggle(self, written):
        frame = reviews.load(written(as_csv()))
        assert values(frame) == ROWS
        assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == reviews.DTYPES
        assert list(frame.index) == [0, 1, 2, 3]

    def test_cookbook(self, written):
        frame = reviews.load(written(as_csv(columns=COOKBOOK)))
        assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == reviews.DTYPES
        absent = list(reviews.review_files.OPTIONAL_COLUMNS)
        assert frame[absent].isna().all(axis=None)
        assert frame[list(COOKBOOK)].equals(reviews.load(written(as_csv()))[list(COOKBOOK)])

    def test_an_unnamed_first_column_is_the_id(self, written):
        content = as_csv(columns=COOKBOOK).replace(b"Id,", b",", 1)
        assert list(reviews.load(written(content))["Id"]) == [1, 2, 3, 4]

    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    @pytest.mark.parametrize("packed", [False, True])
    def test_snap_gives_kaggles_frame(self, written, newline, packed):
        rows = [row for row in ROWS if row[0] != 4] + [(4, *ROWS[0][1:9], "Crème brûlée: 5 £, naïve")]
        rows[1] = (*rows[1][:9], "one line: of text, with a colon: and \x85 odd \xad bytes")
        content = as_snap(rows, newline)
        frame = reviews.load(written(packed_bytes(content) if packed else content, "any.name"))
        assert values(frame) == rows
        assert frame.equals(reviews.load(written(as_csv(rows))))

    def test_the_content_counts_not_the_name(self, written):
        plain = reviews.load(written(as_csv(), "plain.csv"))
        for content, name in [
            (as_csv(), "finefoods.txt.gz"),
            (packed_bytes(as_csv()), "Reviews.csv"),
            (codecs.BOM_UTF8 + as_csv(), "bom.csv"),
            (as_csv(quoting=csv.QUOTE_ALL), "quoted.csv"),
            (b"\n\n" + as_csv(lineterminator="\n") + b"\n\n", "blank lines.csv"),
        ]:
            assert reviews.load(written(content, name)).equals(plain)

    def test_columns_may_stand_in_any_order_among_others(self, written):
        columns = ("note", *reversed(COLUMNS), "Extra")
        assert reviews.load(written(as_csv(columns=columns))).equals(reviews.load(written(as_csv(), "b.csv")))

    def test_numbers_as_pandas_writes_them(self, written):
        frame = reviews.load(written(as_csv()))
        frame = frame.astype({"Score": float, "HelpfulnessNumerator": float})
        assert values(reviews.load(written(frame.to_csv(index=False), "again.csv"))) == ROWS

    def test_the_real_thousand(self, real_reviews):
        frame = reviews.load(real_reviews)
        reference = pd.read_csv(real_reviews, keep_default_na=False)
        assert len(frame) == 1_000 and frame["Text"].nunique() == 761
        assert frame[list(reference)].equals(reference)
        assert frame.attrs["skipped_count"] == 0

    def test_attrs_survive_copies_and_parquet(self, written, tmp_path):
        content = as_csv() + b"5,B,A,n,0,0,9,1,s,t\r\n"
        frame = reviews.load(written(content))
        frame.to_parquet(tmp_path / "reviews.parquet")
        again = pd.read_parquet(tmp_path / "reviews.parquet")
        assert again.equals(frame) and dict(again.dtypes) == dict(frame.dtypes)
        assert again.attrs == frame[frame["Score"] > 2].copy().attrs == frame.attrs
        assert again.attrs["source"] == "reviews.csv" and again.attrs["skipped_count"] == 1

    def test_names_that_look_like_missing_values_are_kept(self, written):
        rows = [
            (i, "NA", "nan", name, 0, 0, 5, 0, name, name) for i, name in enumerate(["NULL", "N/A", "None"])
        ]
        assert values(reviews.load(written(as_csv(rows)))) == rows


class TestChunks:
    def test_chunks_are_the_frame_in_pieces(self, written):
        rows = [(i, *ROWS[0][1:]) for i in range(1, 26)]
        path = written(as_csv(rows))
        pieces = list(reviews.chunks(path, 10))
        assert [len(piece) for piece in pieces] == [10, 10, 5]
        assert pd.concat(pieces, ignore_index=True).equals(reviews.load(path))
        assert [len(piece) for piece in reviews.chunks(path, 25)] == [25]

    def test_skips_belong_to_their_chunk_and_none_is_lost(self, written):
        rows = [(i, *ROWS[0][1:6], 9 if i % 5 == 0 else 5, *ROWS[0][7:]) for i in range(1, 21)]
        pieces = list(reviews.chunks(written(as_csv(rows)), 4))
        assert [len(piece) for piece in pieces] == [4, 4, 4, 4]
        assert [piece.attrs["skipped_count"] for piece in pieces] == [
            1,
            1,
            1,
            1,
        ]  # the last one is at the end

    def test_rows_reads_no_further(self, written):
        path = written(as_csv() + b"\xff\xff not UTF-8")
        assert values(reviews.load(path, rows=2)) == ROWS[:2]
        assert len(next(reviews.chunks(path, 2))) == 2
        with pytest.raises(ValueError, match="at least 1"):
            reviews.load(path, rows=0)
        with pytest.raises(ValueError, match="at least 1"):
            reviews.chunks(path, 0)

    def test_a_cut_gzip_gives_what_was_before_the_cut_and_then_an_error(self, written):
        rows = [(i, *ROWS[0][1:]) for i in range(1, 20_001)]
        path = written(packed_bytes(as_snap(rows))[:-3_000], "finefoods.txt.gz")
        pieces, got = reviews.chunks(path, 1_000), 0
        with pytest.raises(
            DataError, match=r"breaks off after line [\d,]+: it was not downloaded to its end"
        ):
            for piece in pieces:
                got += len(piece)
        assert 1_000 <= got < 20_000
        message(path)


HEADER = ",".join(COLUMNS) + "\n"
GOOD = "1,B1,A1,n,0,1,5,1303862400,s,fine tea\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n \r\n", "is empty"),
        (HEADER, "no reviews after it"),
        (packed_bytes(b""), "is empty"),
        (packed_bytes(as_csv() * 50)[:-12], "breaks off after line"),
        (packed_bytes(as_csv())[:4], "breaks off after line 0"),
        (packed_bytes(as_csv())[:-8] + bytes(8), "is damaged"),
        (b"\x1f\x8b" + b"nonsense" * 20, "is damaged"),
        ((HEADER + GOOD).encode("utf-16"), "UTF-16"),
        ((HEADER + GOOD).encode("utf-16-le"), "UTF-16"),
        ((HEADER + GOOD + GOOD.replace("fine", "crème")).encode("latin-1"), "line 3, byte 32: not UTF-8"),
        ((HEADER + GOOD.replace("fine", "김치")).encode("cp949"), "line 2, byte 30: not UTF-8"),
        ("<!DOCTYPE html>\n<html>404</html>", "is a web page"),
        ("\n  <html><body>Log in</body></html>", "is a web page"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS's pointer"),
        (b"PK\x03\x04rest", "zip archive"),
        (b"SQLite format 3\0rest", "SQLite"),
        (b"PAR1rest", "Parquet"),
        (b'{"Id": 1}', "is JSON"),
        (b"hello\nworld\n", "none of the columns"),
        (GOOD * 2, "none of the columns"),
        ((HEADER + GOOD).replace(",", ";"), "separated by semicolons"),
        ((HEADER + GOOD).replace(",", "\t"), "separated by tabs"),
        (HEADER.replace(",Score", "").replace(",Text", "") + GOOD, "columns Score, Text are missing"),
        (HEADER.replace("Score", "score") + GOOD, "column Score is missing; the header has"),
        (HEADER.replace("ProfileName", "Text") + GOOD, "column Text stands there 2 times"),
        (
            HEADER + GOOD.replace(",5,", ",9,") * 3,
            "none of its 3 reviews can be used. The first, in line 2: Score",
        ),
        ('"' + HEADER + GOOD, "line 1: the header cannot be read"),
        (HEADER + "x" * 1_000_001, "line 2, is over 1,000,000 bytes long"),
        (codecs.BOM_UTF8 + as_snap(ROWS[:1]) + b"review/text: \xff\n\n", "not UTF-8"),
    ],
    ids=itertools.count(),
)
def test_files_that_cannot_be_used(written, content, words):
    assert words in message(written(content))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux tells which files are open")
@pytest.mark.parametrize(
    "content",
    [HEADER + GOOD + "\xff", packed_bytes(as_csv())[:-9], as_csv()],
    ids=["encoding", "cut", "good"],
)
def test_no_file_stays_open(written, content):
    """On Windows, a file that is open can be neither replaced nor deleted: an error must not keep it open."""
    path = written(content if isinstance(content, bytes) else content.encode("latin-1"))
    failed = None
    try:
        next(iter(reviews.chunks(path, 1)))
        list(reviews.chunks(path, 1))
    except DataError as error:
        failed = error  # and with it the traceback, which refers to every generator
    open_files = [entry.readlink() for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    assert path not in open_files
    assert (failed is None) == (content == as_csv())


def test_folders_and_unreadable_files(tmp_path, written, monkeypatch):
    path = written(as_csv(), "Reviews.csv")
    assert "is a folder: name the file in it. It has Reviews.csv." in message(tmp_path)

    def forbidden(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)
    assert "may not be read" in message(path)


@pytest.mark.parametrize(
    ("line", "field", "why"),
    [
        (GOOD.replace(",5,", ",0,"), "Score", "is '0', not 1 to 5"),
        (GOOD.replace(",5,", ",6,"), "Score", "is '6', not 1 to 5"),
        (GOOD.replace(",5,", ",five,"), "Score", "is 'five', not a whole number"),
        (GOOD.replace(",5,", ",4.5,"), "Score", "is '4.5', not a whole number"),
        (GOOD.replace(",5,", ",-1,"), "Score", "is '-1', not a whole number"),
        (GOOD.replace(",5,", ",,"), "Score", "is missing"),
        (GOOD.replace("1,B1", "x,B1"), "Id", "is 'x', not a whole number"),
        (GOOD.replace("1,B1", "1,"), "ProductId", "is missing"),
        (GOOD.replace("fine tea", "  "), "Text", "is missing"),
        (GOOD.replace("1303862400", "2011-04-27"), "Time", "is '2011-04-27', not a whole number"),
        (GOOD.replace("1303862400", "1303862400000"), "Time", "is '1303862400000', which in Unix seconds"),
        (GOOD.replace(",0,1,", ",none,1,"), "HelpfulnessNumerator", "is 'none', not a whole number"),
        (GOOD.replace("fine tea", "fine, tea"), "the row", "has 11 fields instead of 10"),
        ("1,B1,A1\n", "the row", "has 3 fields instead of 10"),
        (GOOD.replace(",s,", ",a\rb,"), "the row", "has a carriage return outside quotation marks"),
        (GOOD.replace(",s,", ',"s" and more,'), "the row", "has quotation marks that do not match"),
        (GOOD.replace("fine tea", '"fine tea'), "the row", "has quotation marks that do not match"),
        (GOOD.replace("fine", "x" * RECORD_LIMIT), "the row", "is over 131,072 characters long"),
    ],
    ids=itertools.count(),
)
def test_single_bad_rows_are_skipped_and_listed(written, line, field, why):
    frame = reviews.load(written(HEADER + GOOD + line + GOOD.replace("1,B1", "9,B1")))
    assert list(frame["Id"]) == [1, 9]
    table = reviews.skipped(frame)
    assert list(table.columns) == ["line", "field", "why"]
    assert len(table) == frame.attrs["skipped_count"] == 1
    assert table["line"][0] == 3 and table["field"][0] == field and table["why"][0].startswith(why)


def test_the_list_of_skips_is_capped_and_the_count_is_not(written):
    frame = reviews.load(written(HEADER + GOOD + GOOD.replace(",5,", ",7,") * 300))
    assert frame.attrs["skipped_count"] == 300
    assert len(reviews.skipped(frame)) == reviews.LISTED
    assert reviews.summary(frame).loc["skipped while reading", "value"] == "300"


@pytest.mark.parametrize(
    "following", [GOOD, GOOD.replace("fine tea", '"fine, tea"')], ids=["plain", "quoted"]
)
def test_a_stray_quotation_mark_costs_one_row_not_the_rest_of_the_file(written, following):
    """The rows after it are read again from the next line, be the next quotation mark near or nowhere."""
    stray = GOOD.replace(",s,", ',"s,')
    frame = reviews.load(written(HEADER + GOOD + stray + following * 5_000))
    assert len(frame) == 5_001
    assert reviews.skipped(frame)["line"].tolist() == [3]
    assert frame["Text"].str.len().max() == len("fine, tea" if '"' in following else "fine tea")


def test_rows_of_several_lines_keep_their_line_numbers(written):
    rows = [(1, *ROWS[0][1:9], "two\nlines"), (2, *ROWS[0][1:6], 8, *ROWS[0][7:9], "three\n\nlines"), ROWS[2]]
    frame = reviews.load(written(as_csv(rows, lineterminator="\n")))
    assert list(frame["Id"]) == [1, 3] and reviews.skipped(frame)["line"].tolist() == [4]


class TestSnap:
    def records(self, written, text: str) -> list:
        return list(review_files.read(written(text, "finefoods.txt")))

    block = as_snap(ROWS[:1]).decode("latin-1")

    def test_a_lacking_field_is_a_missing_value_or_a_skip(self, written):
        for lacking, found in [
            ("review/profileName: Ann\n", None),
            ("review/helpfulness: 1/1\n", None),
            ("review/summary: Good\n", None),
            ("review/score: 5.0\n", Skip(10, "Score", "is missing")),
            ("review/text: I like this tea.\n", Skip(10, "Text", "is missing")),
            ("product/productId: B001\n", Skip(10, "ProductId", "is missing")),
        ]:
            text = self.block + self.block.replace(lacking, "") + self.block
            before, record, after = self.records(written, text)
            assert before[1:] == after[1:] == ROWS[0][1:] and after[0] == 3
            assert (
                record == found
                if found
                else (record[0] == 2 and None in record and record[-1] == ROWS[0][-1])
            )

    def test_a_field_may_go_on_in_other_lines(self, written):
        text = self.block.replace("Ann", "Ann\nSchool teacher: 88").replace(
            "tea.", "tea.\n\nAnd so: on.\r\nEnd"
        )
        first, second = self.records(written, text + self.block)
        assert first[3] == "Ann\nSchool teacher: 88"
        assert first[9] == "I like this tea.\n\nAnd so: on.\nEnd"
        assert second[1:] == ROWS[0][1:]

    def test_a_lost_blank_line_loses_no_record(self, written):
        assert len(self.records(written, self.block.rstrip("\n") + "\n" + self.block)) == 2

    def test_bad_helpfulness_and_endless_text(self, written):
        text = self.block + self.block.replace("1/1", "3") + self.block.replace("tea", "x" * RECORD_LIMIT)
        _, helpfulness, endless = self.records(
            written, text + self.block.strip() + "\n" + "more of it\n" * 20_000
        )[:3]
        assert helpfulness == Skip(10, "review/helpfulness", "is '3', not like 3/4")
        assert endless == Skip(19, "the record", "is over 131,072 characters long")

    def test_a_file_saved_anew_as_utf_8_with_its_mark(self, written):
        content = codecs.BOM_UTF8 + self.block.replace("tea", "김치").encode()
        assert reviews.load(written(content))["Text"][0] == "I like this 김치."


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.text(
    st.sampled_from("\"',;\n\r\t \0김🍜<br/>&=\ufeff\u2028"), max_size=15
)
filled = texts.filter(lambda text: text and not text.isspace())
numbers = st.integers(0, 10**6)
csv_rows = st.lists(
    st.tuples(
        st.integers(0, 10**17),
        filled,
        filled,
        texts,
        st.none() | numbers,
        st.none() | numbers,
        st.integers(-1, 7) | st.just("five"),
        st.integers(0, 2 * 10**9),
        texts,
        texts,
    ),
    min_size=1,
    max_size=8,
)
patient = hypothesis_settings(deadline=None)  # other programs may be busy
GOOD_ROW = (7, "B", "A", "n", 0, 1, 5, 0, "s", "t")


@pytest.fixture(scope="module")
def scratch(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("reviews") / "file"


@patient
@given(csv_rows, st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]), st.booleans(), st.integers(1, 5))
@example([(1, "B", "A", "", None, None, 5, 0, "", NASTY)], csv.QUOTE_MINIMAL, True, 1)
def test_any_csv_comes_back_or_is_counted(scratch, rows, quoting, packed, size):
    rows = [*rows, GOOD_ROW]
    content = as_csv(rows, quoting=quoting, lineterminator="\r\n")
    scratch.write_bytes(packed_bytes(content) if packed else content)
    kept = [row for row in rows if row[6] in (1, 2, 3, 4, 5) and row[9].strip()]
    expected = [tuple(None if value == "" else value for value in row) for row in kept]
    frame = reviews.load(scratch)
    assert values(frame) == expected
    assert len(frame) + frame.attrs["skipped_count"] == len(rows) == review_files.count(scratch)
    pieces = list(reviews.chunks(scratch, size))
    assert pd.concat(pieces, ignore_index=True).equals(frame)
    assert sum(piece.attrs["skipped_count"] for piece in pieces) == frame.attrs["skipped_count"]


latin = st.text(st.characters(max_codepoint=0xFF, exclude_characters="\n"), max_size=30)
snap_rows = st.lists(
    st.tuples(
        st.just(0),
        latin.filter(str.strip),
        latin.filter(str.strip),
        latin,
        numbers,
        numbers,
        st.integers(0, 7),
        numbers,
        latin,
        latin | st.just("review/score: 3"),
    ),
    min_size=1,
    max_size=6,
)


@patient
@given(snap_rows, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_any_snap_file_comes_back_or_is_counted(scratch, rows, newline, packed):
    rows = [(number, *row[1:]) for number, row in enumerate([*rows, GOOD_ROW], 1)]
    content = as_snap(rows, newline)
    scratch.write_bytes(packed_bytes(content) if packed else content)
    expected = [
        tuple((value.strip() or None) if isinstance(value, str) else value for value in row)
        for row in rows
        if 1 <= row[6] <= 5 and row[9].strip()
    ]
    frame = reviews.load(scratch)
    assert values(frame) == expected
    assert len(frame) + frame.attrs["skipped_count"] == len(rows) == review_files.count(scratch)


@patient
@given(
    st.binary(max_size=300)
    | st.text(st.sampled_from('",\nab1;5\r'), max_size=200).map(lambda t: (HEADER + t).encode())
)
def test_any_bytes_are_read_or_explained(scratch, content):
    scratch.write_bytes(content)
    try:
        frame = reviews.load(scratch)
    except DataError as error:
        assert str(scratch) in str(error)
    else:
        assert len(frame) and frame["Text"].notna().all()


@pytest.fixture
def folders(monkeypatch, tmp_path):
    """The project's folders, empty, and no setting."""
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    monkeypatch.setattr(settings, "DATA", tmp_path / "data")
    monkeypatch.setattr(settings, "DOWNLOADS", tmp_path / "data" / "downloads")
    monkeypatch.delenv("WORKBOOK_DATA", raising=False)
    settings.DOWNLOADS.mkdir(parents=True)
    return tmp_path


class TestFind:
    def test_the_real_reviews_come_before_the_sample(self, folders):
        sample, real = settings.DATA / "reviews_sample.csv", settings.DOWNLOADS / "fine_food_reviews_1k.csv"
        sample.write_bytes(as_csv())
        assert reviews.find() == reviews.find("sample") == sample
        real.write_bytes(as_csv(columns=COOKBOOK))
        assert reviews.find() == reviews.find("1k") == real
        assert reviews.load().attrs["source"] == "1k"

    def test_the_setting_names_a_source_or_a_path(self, folders, monkeypatch):
        (settings.DATA / "reviews_sample.csv").write_bytes(as_csv())
        own = folders / "my reviews.csv"
        own.write_bytes(as_csv())
        for value in ("my reviews.csv", f'"{own}"', f" {own} "):
            monkeypatch.setenv("WORKBOOK_DATA", value)
            assert reviews.find() == own
        monkeypatch.setenv("WORKBOOK_DATA", "Sample")
        assert reviews.load().attrs["source"] == "sample"
        monkeypatch.setenv("WORKBOOK_DATA", "gone.csv")
        with pytest.raises(DataError, match=r"no file 'gone.csv' \(the setting WORKBOOK_DATA says so\)"):
            reviews.find()

    @pytest.mark.parametrize("name", ["finefoods.txt.gz", "finefoods.txt", "Reviews.csv"])
    def test_the_full_set_in_any_of_its_forms(self, folders, name):
        (settings.DOWNLOADS / name).write_bytes(as_csv())
        assert reviews.find("full").name == name

    def test_what_is_not_there_is_explained(self, folders):
        (settings.DATA / "reviews_sample.csv").write_bytes(as_csv())
        with pytest.raises(DataError, match=r"The 1k reviews are not here yet.*`python -m helpers data 1k`"):
            reviews.find("1k")
        with pytest.raises(DataError, match=r"There is no file '2k'\. There is: sample, or the path"):
            reviews.find("2k")


class TestLooking:
    @pytest.fixture
    def frame(self, written) -> pd.DataFrame:
        made = [
            (9, 5, "Good", "Same text as another one here", 0, 1),
            (2, 4, "", "Same text as another one here", 0, 1),
            (3, 1, "Bad", "same TEXT, as<br />another one&nbsp;here!", 5, 2),
            (4, 2, "  ", "Short", 0, 0),
            (5, 3, "Long", "word " * 600, None, None),
        ]
        rows = [(i, "B", "A", None, h, v, s, 86_400 * i, title, text) for i, s, title, text, h, v in made]
        return reviews.load(written(as_csv(rows)))

    def test_problems(self, frame):
        table = reviews.problems(frame)
        found = {
            row.problem: (row.count_, row.examples)
            for row in table.rename(columns={"count": "count_"}).itertuples()
        }
        assert found == {
            "HTML tags in the text": (1, "3"),
            "HTML entities in the text": (1, "3"),
            "text repeats an earlier one": (1, "9"),  # by Id, not by place
            "text repeats, markup, case and marks aside": (2, "3, 9"),
            "more helpful votes than votes": (1, "3"),
            "no summary": (2, "2, 4"),
            "text under 5 words": (1, "4"),
            "text over 500 words": (1, "5"),
            "Id repeats an earlier one": (0, ""),
        }
        assert table["percent"].tolist()[:4] == [20.0, 20.0, 20.0, 40.0]

    def test_problems_of_the_real_thousand(self, real_reviews):
        frame = reviews.load(real_reviews)
        table = reviews.problems(frame).set_index("problem")
        assert table.loc["text repeats an earlier one", "count"] == 239
        assert pd.isna(table.loc["more helpful votes than votes", "count"])
        assert len(reviews.without_repeats(frame)) == 761
        assert reviews.combine(frame).str.startswith("Title: ").all()

    def test_without_repeats_keeps_the_first_by_id(self, frame):
        kept = reviews.without_repeats(frame)
        assert kept["Id"].tolist() == [2, 3, 4, 5] and list(kept.index) == [0, 1, 2, 3]
        assert kept.attrs["repeats_removed"] == 1 and "repeats_removed" not in frame.attrs
        assert reviews.without_repeats(frame, normalised=True)["Id"].tolist() == [2, 4, 5]
        assert reviews.without_repeats(kept).equals(kept)
        frame.loc[[0, 3], "Text"] = None  # what is missing is no repeat
        assert reviews.without_repeats(frame)["Id"].tolist() == [9, 2, 3, 4, 5]
        assert reviews.problems(frame)["count"][2] == 0

    def test_normalised_keeps_letters_and_digits(self):
        assert reviews.normalised("Great  TEA,<br />isn't it?") == "great tea isn t it"
        assert reviews.normalised("ﬁne &amp; 2\u00bd stars") == reviews.normalised("FINE, 21⁄2 stars!")
        assert reviews.normalised("차가 맛있어요!") == "차가 맛있어요"
        assert reviews.normalised("!!!") == "!!!" and reviews.normalised("") == ""

    def test_combine_without_labels(self, frame):
        frame = frame.assign(Summary=["Good"] + [None] * (len(frame) - 1))
        texts = reviews.combine(frame, labels=False)
        assert texts[0] == "Good\n" + frame.Text[0].strip()
        assert texts[1] == frame.Text[1].strip()

    def test_tidy_is_clean_and_has_each_text_once(self, frame):
        again = frame.head(1).assign(Id=10**6, Text="<br />" + frame.Text[0].upper() + "!")
        rows = reviews.tidy(pd.concat([again, frame]))
        assert len(rows) == len(reviews.tidy(frame)) and 10**6 not in set(rows.Id)
        assert not rows.Text.str.contains("<br").any()
        assert not rows.Summary.str.contains("<br", na=False).any()

    def test_combine(self, frame):
        texts = reviews.combine(frame)
        assert texts[0] == "Title: Good; Content: Same text as another one here"
        assert texts[1] == "Content: Same text as another one here"  # no summary
        assert texts[3] == "Content: Short"  # a blank one
        assert str(texts.dtype) == "str" and texts.index.equals(frame.index)
        frame.loc[0, "Text"] = None
        assert reviews.combine(frame)[0] == "Title: Good"
        frame.loc[0, "Summary"] = " "
        with pytest.raises(DataError, match="Id 9 has neither"):
            reviews.combine(frame)

    def test_summary(self, frame, written):
        facts = reviews.summary(frame)["value"]
        assert facts["reviews"] == "5" and facts["different texts"] == "4" and facts["products"] == "1"
        assert (facts["first day"], facts["last day"]) == ("1970-01-03", "1970-01-10")
        assert facts["missing ProfileName"] == "5" and facts["missing HelpfulnessNumerator"] == "1"
        assert facts["source"] == "reviews.csv" and "missing Text" not in facts
        whole = reviews.load(written(as_csv([GOOD_ROW]), "whole.csv"))
        assert reviews.summary(whole).loc["missing values", "value"] == "none"

    def test_dates(self, frame):
        days = reviews.dates(frame)
        assert str(days.dt.tz) == "UTC" and days[0] == pd.Timestamp("1970-01-10", tz="UTC")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("one<br />two<BR>three<br/><br /><br>four", "one\ntwo\nthree\n\nfour"),
        ("salt &amp; pepper &quot;x&quot; &#39;y&#39; 5&nbsp;g", "salt & pepper \"x\" 'y' 5 g"),
        ('see <a href="http://x.y">this <b>tea</b></a>', "see this tea"),
        ("&lt;br /&gt;escaped", "escaped"),
        (
            "I <3 it, 2 < 5 > 1, <very> good, R&D, AT&T; &nosuch;",
            "I <3 it, 2 < 5 > 1, <very> good, R&D, AT&T; &nosuch;",
        ),
        ("  a \t b \r\n c  ", "a b\nc"),
        ("김치  🍜<p>라면</p>", "김치 🍜\n라면"),
        ("", ""),
    ],
)
def test_clean_text(text, clean):
    assert reviews.clean_text(text) == clean


@patient
@given(st.text(st.sampled_from("<>br/ &amp;#39;\n\ta5김"), max_size=60) | st.text(max_size=60))
def test_clean_text_folds_blanks_and_leaves_plain_words_alone(text):
    clean = reviews.clean_text(text)
    assert "  " not in clean and "\n\n\n" not in clean and clean == clean.strip()
    if "<" not in text and "&" not in text:
        assert clean.split() == text.split()


class TestDataCommand:
    @pytest.fixture
    def server(self, folders, monkeypatch):
        """Serves invented reviews as the cookbook's file."""
        import hashlib

        body = as_csv(columns=COOKBOOK)
        with FileServer(body) as server:
            one = replace(
                reviews.REMOTES["1k"],
                url=server.url(),
                size=len(body),
                sha256=hashlib.sha256(body).hexdigest(),
            )
            monkeypatch.setitem(reviews.REMOTES, "1k", one)
            monkeypatch.setenv("NO_PROXY", "127.0.0.1")
            yield server

    def test_download_and_use(self, server, capsys):
        assert reviews.data_command("1k", None) == 0
        said = capsys.readouterr()
        path = settings.DOWNLOADS / "fine_food_reviews_1k.csv"
        assert f"Downloaded, whole and checked: {path}" in said.out and said.err == ""
        assert reviews.load().attrs["path"] == str(path)
        assert reviews.data_command("1k", None) == 0
        assert "Already there" in capsys.readouterr().out and len(server.requests) == 1

    def test_another_folder(self, server, tmp_path, capsys):
        assert reviews.data_command("1k", tmp_path / "mine") == 0
        path = tmp_path / "mine" / "fine_food_reviews_1k.csv"
        assert path.is_file() and f"WORKBOOK_DATA={path}" in capsys.readouterr().out

    def test_an_error_is_a_sentence_on_stderr(self, server, capsys):
        server.plan[:] = [Answer(status=404)]
        assert reviews.data_command("1k", None) == 1
        said = capsys.readouterr()
        assert said.out == "" and "has no such file any more" in said.err
        assert reviews.data_command("2k", None) == 1
        assert "choose one of sample, 1k, full" in capsys.readouterr().err

    def test_the_sample(self, folders, tmp_path, capsys):
        assert reviews.data_command("sample", None) == 1  # it is not there in this test
        assert capsys.readouterr().err
        sample = settings.DATA / "reviews_sample.csv"
        sample.write_bytes(as_csv())
        assert reviews.data_command("sample", None) == 0
        assert str(sample) in capsys.readouterr().out
        assert reviews.data_command("sample", tmp_path / "copy") == 0
        assert (tmp_path / "copy" / "reviews_sample.csv").read_bytes() == sample.read_bytes()

    def test_the_full_set_is_counted_before_it_has_its_name(self, folders, monkeypatch, capsys):
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        rows = [(i, *ROWS[0][1:]) for i in range(1, 2_001)]
        body = packed_bytes(as_snap(rows))
        plan = [Answer(send=len(body) // 2, length="none"), Answer()]
        with FileServer(body, plan) as server:
            full = replace(reviews.REMOTES["full"], url=server.url())
            monkeypatch.setitem(reviews.REMOTES, "full", full)
            monkeypatch.setattr("helpers.download.WAIT", 0.01)
            assert reviews.data_command("full", None) == 1
            assert "it has 2,000 reviews instead of 568,454" in capsys.readouterr().err
            assert not (settings.DOWNLOADS / full.name).exists()
            monkeypatch.setattr(reviews, "SNAP_RECORDS", 2_000)
            server.requests.clear()
            assert reviews.data_command("full", None) == 0
        assert len(reviews.load("full")) == 2_000
