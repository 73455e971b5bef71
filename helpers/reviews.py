"""The Amazon Fine Food Reviews: find them, load them, see what is wrong with them.

`load` gives one DataFrame, in Kaggle's ten columns and fixed types, from any of
- the sample bundled with this workbook, or any CSV file with Kaggle's columns (`Reviews.csv`);
- the 1,000 reviews of the openai-cookbook (CSV, seven of the columns);
- SNAP's `finefoods.txt`, packed or not: ISO-8859-1, eight `product/...: ` and `review/...: ` lines a review.

The bytes tell which, not the file's name. Files are read one record at a time (`review_files`), so that
`chunks` needs as much memory for half a million reviews as for fifty thousand. A record that cannot be used
is skipped, counted and listed (`skipped`), so that rows kept + rows skipped = records in the file; a file
that cannot be used is a DataError. Values are taken as they stand: a reviewer called "None" is not missing.

The data: J. McAuley and J. Leskovec, "From amateurs to connoisseurs: modeling the evolution of user
expertise through online reviews", WWW 2013. https://snap.stanford.edu/data/web-FineFoods.html

Left out: zip archives and Kaggle's SQLite file; data sets other than this one.
"""

import contextlib
import html
import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from helpers import review_files, settings
from helpers.download import Remote, fetch
from helpers.errors import DataError, WorkbookError
from helpers.files import atomic_path
from helpers.review_files import COLUMNS, DTYPES, Skip

__all__ = [
    "COLUMNS",
    "DTYPES",
    "chunks",
    "clean_text",
    "combine",
    "data_command",
    "dates",
    "download",
    "find",
    "load",
    "normalised",
    "problems",
    "skipped",
    "summary",
    "without_repeats",
]

ROWS_PER_CHUNK = 50_000
LISTED = 20  # skipped records that are named one by one; all are counted
SNAP_RECORDS = 568_454  # as https://snap.stanford.edu/data/web-FineFoods.html states it

# ----------------------------------------------------------------------------- which file


def find(source: str | os.PathLike[str] | None = None) -> Path:
    """The path of the file that `load(source)` reads.

    `source` is "sample", "1k", "full" or a path. None means the setting WORKBOOK_DATA (same values); if that
    is not set either, the real 1,000 when they are downloaded, else the sample. A relative path is looked for
    in the current folder and then in the project's.

    Raises DataError, which lists what there is, if there is no such file.
    """
    return _find(source)[1]


def _find(source: str | os.PathLike[str] | None) -> tuple[str, Path]:
    """(label, path): the label is the name of a known source, else the file's name."""
    known, origin = _known(), ""
    if source is None and (source := settings.get("WORKBOOK_DATA")):
        origin = " (the setting WORKBOOK_DATA says so)"
    if source is None:
        source = "1k" if known["1k"] else "sample"
    name = os.fspath(source).strip().strip("\"'")  # Windows' "Copy as path" adds quotation marks
    if name.lower() in known:
        if path := known[name.lower()]:
            return name.lower(), path
        raise DataError(f"The {name.lower()} reviews are not here yet{origin}. {_what_there_is(known)}")
    for path in (Path(name).expanduser(), settings.ROOT / name):
        if name and path.exists():
            labels = {known_path: label for label, known_path in known.items()}
            return labels.get(path, path.name), path.resolve()
    raise DataError(f"There is no file {name!r}{origin}. {_what_there_is(known)}")


def _known() -> dict[str, Path | None]:
    """Where the known sources are, None for those that are not there."""
    places = {
        "sample": [settings.DATA / "reviews_sample.csv"],
        "1k": [settings.DOWNLOADS / REMOTES["1k"].name],
        "full": [
            settings.DOWNLOADS / name for name in (REMOTES["full"].name, "finefoods.txt", "Reviews.csv")
        ],
    }
    return {name: next(filter(Path.is_file, paths), None) for name, paths in places.items()}


def _what_there_is(known: dict[str, Path | None]) -> str:
    here = [name for name, path in known.items() if path]
    absent = [
        f"`python -m helpers data {name}`" for name, path in known.items() if not path and name != "sample"
    ]
    text = f"There is: {', '.join(here) or 'nothing'}, or the path of a file of yours."
    return text + (f" To download: {' or '.join(absent)}." if absent else "")


# ----------------------------------------------------------------------------- loading


def load(source: str | os.PathLike[str] | None = None, *, rows: int | None = None) -> pd.DataFrame:
    """The reviews of `source` (see `find`), shape (reviews, 10), columns and types as in `DTYPES`.

    `rows` keeps the first so many reviews and reads no further. SNAP's file has no Ids: its reviews are
    numbered from 1 in the file's order, which gives Kaggle's Ids. The cookbook's file has no names and no
    helpfulness: those are missing values.

    `frame.attrs` holds what `skipped` and `summary` show: "source", "path", "skipped_count", and "skipped",
    the first LISTED skipped records as [line, field, why]. It survives copies, selections and Parquet.

    Raises DataError if the file is not there, is damaged, or is not a file of reviews.
    """
    if rows is not None and rows < 1:
        raise ValueError(f"rows must be at least 1, not {rows}")
    label, path = _find(source)
    parts = list(_chunks(label, path, ROWS_PER_CHUNK, rows))
    frame = pd.concat(parts, ignore_index=True)
    listed = [entry for part in parts for entry in part.attrs["skipped"]]
    frame.attrs = parts[0].attrs | {
        "skipped": listed[:LISTED],
        "skipped_count": sum(part.attrs["skipped_count"] for part in parts),
    }
    return frame


def chunks(
    source: str | os.PathLike[str] | None = None, rows_per_chunk: int = ROWS_PER_CHUNK
) -> Iterator[pd.DataFrame]:
    """The reviews of `source` (see `find`), `rows_per_chunk` at a time, as frames like `load`'s.

    Besides the chunk that you hold, only the one being read is in memory, however long the file is, packed
    or not. Each chunk's `attrs` are about the records read for it; its index starts at 0. Raises DataError as
    `load` does, when it gets there: a damaged file gives the chunks before the damage first.
    """
    if rows_per_chunk < 1:
        raise ValueError(f"rows_per_chunk must be at least 1, not {rows_per_chunk}")
    label, path = _find(source)
    return _chunks(label, path, rows_per_chunk)


def _chunks(label: str, path: Path, size: int, limit: int | None = None) -> Iterator[pd.DataFrame]:
    rows: list[tuple] = []
    skips: list[Skip] = []
    lost = kept = 0

    def take() -> pd.DataFrame:
        nonlocal lost
        frame = _frame(rows)
        frame.attrs = {
            "source": label,
            "path": str(path),
            "skipped": [list(skip) for skip in skips],
            "skipped_count": lost,
        }
        lost = 0
        skips.clear()
        rows.clear()  # before the chunk is handed over, so that it is not in memory twice
        return frame

    first_skip: Skip | None = None
    records = 0
    with contextlib.closing(review_files.read(path)) as found:
        for row in found:
            records += 1
            if isinstance(row, Skip):
                first_skip = first_skip or row
                lost += 1
                if len(skips) < LISTED:
                    skips.append(row)
                continue
            if len(rows) == size:  # only now, so that what is skipped at the end belongs to the last chunk
                yield take()
            rows.append(row)
            kept += 1
            if kept == limit:
                break
    if first_skip and not kept:
        raise DataError(
            f"{path}: none of its {records:,} reviews can be used. The first, in line {first_skip.line}: "
            f"{first_skip.field} {first_skip.why}."
        )
    if not kept:
        raise DataError(f"{path} has a first line and no reviews after it: get the file again.")
    yield take()


def _frame(rows: list[tuple]) -> pd.DataFrame:
    columns = zip(*rows)
    return pd.DataFrame(
        {name: pd.array(list(values), dtype=DTYPES[name]) for name, values in zip(DTYPES, columns)}
    )


def skipped(frame: pd.DataFrame) -> pd.DataFrame:
    """What `load` could not use, columns line, field, why: the first LISTED of `attrs["skipped_count"]`."""
    return pd.DataFrame(frame.attrs.get("skipped", []), columns=["line", "field", "why"])


# ----------------------------------------------------------------------------- looking at the reviews


def dates(frame: pd.DataFrame) -> pd.Series:
    """`Time` as dates: one UTC datetime a review."""
    return pd.to_datetime(frame["Time"], unit="s", utc=True)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """What was loaded, as a small table: one row a fact, one column "value" (text)."""
    days = dates(frame).dt.strftime("%Y-%m-%d")
    missing = {f"missing {name}": f"{count:,}" for name, count in frame.isna().sum().items() if count}
    facts = {
        "source": str(frame.attrs.get("source", "")),
        "reviews": f"{len(frame):,}",
        "different texts": f"{frame['Text'].nunique():,}",
        "products": f"{frame['ProductId'].nunique():,}",
        "users": f"{frame['UserId'].nunique():,}",
        "first day": days.min() if len(days) else "",
        "last day": days.max() if len(days) else "",
        "mean score": f"{frame['Score'].mean():.2f}",
        "skipped while reading": f"{frame.attrs.get('skipped_count', 0):,}",
    }
    return pd.DataFrame({"value": facts | (missing or {"missing values": "none"})})


SHORT, LONG = 5, 500  # words

_TAG = re.compile(
    r"</?(?:a|b|big|blockquote|br|center|div|em|font|h[1-6]|hr|i|img|li|ol|p|pre|small|span|strike|strong|su[bp]"
    r"|table|tbody|td|th|tr|tt|u|ul)\b[^<>]*>",
    re.IGNORECASE,
)
_BREAK = re.compile(r"</?(?:br|p|div|li|tr|hr|h[1-6])\b[^<>]*>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")


def problems(frame: pd.DataFrame) -> pd.DataFrame:
    """What is wrong or odd in the reviews: one row a kind of problem, whether it occurs or not.

    Columns: problem; count (rows; missing where the file cannot tell); percent (of all rows); examples (the
    first three Ids). A repeat is a row whose text an earlier Id has already; the first of them is no repeat.
    """
    frame = frame.sort_values("Id", kind="stable", ignore_index=True)
    rows = []
    for problem, found in _problem_masks(frame).items():
        known = found is not None
        count = int(found.sum()) if known else pd.NA
        percent = round(100 * count / max(len(frame), 1), 1) if known else pd.NA
        examples = ", ".join(map(str, frame.loc[found, "Id"].head(3))) if known else "not in this file"
        rows.append((problem, count, percent, examples))
    table = pd.DataFrame(rows, columns=["problem", "count", "percent", "examples"])
    return table.astype({"count": "Int64", "percent": "Float64"})


def _problem_masks(frame: pd.DataFrame) -> dict[str, pd.Series | None]:
    """For each problem, which rows of `frame` (sorted by Id) have it; None if the columns are empty."""
    texts, written = frame["Text"].fillna(""), frame["Text"].notna()
    words = texts.str.split().str.len()
    helpful, votes = frame["HelpfulnessNumerator"], frame["HelpfulnessDenominator"]
    return {
        "HTML tags in the text": _matches(texts, _TAG),
        "HTML entities in the text": _matches(texts, _ENTITY),
        "text repeats an earlier one": texts.duplicated() & written,
        "text repeats, markup, case and marks aside": texts.map(normalised).duplicated() & written,
        "more helpful votes than votes": (helpful > votes).fillna(False).astype(bool)
        if votes.notna().any()
        else None,
        "no summary": frame["Summary"].fillna("").str.strip() == "",
        f"text under {SHORT} words": words < SHORT,
        f"text over {LONG} words": words > LONG,
        "Id repeats an earlier one": frame["Id"].duplicated(),
    }


def _matches(texts: pd.Series, pattern: re.Pattern[str]) -> pd.Series:
    return texts.map(lambda text: pattern.search(text) is not None).astype(bool)


def clean_text(text: str) -> str:
    """`text` without its markup: line breaks become newlines, other tags go, entities become characters.

    Runs of blanks become one blank, three or more newlines two. Only known tags go, so "I <3 it" stays.
    """
    text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    text = _TAG.sub("", _BREAK.sub("\n", text))
    text = re.sub(r"[^\S\n]+", " ", text.replace("\r\n", "\n"))
    text = re.sub(r" ?\n ?", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def normalised(text: str) -> str:
    """What stays the same when a review is posted again in another dress: its letters and digits.

    Without markup, in lower case, with one blank for whatever stood between; a text of marks alone stays.
    """
    plain = unicodedata.normalize("NFKC", clean_text(text)).casefold()
    return re.sub(r"[\W_]+", " ", plain).strip() or plain


def _texts_normalised(frame: pd.DataFrame) -> pd.Series:
    return frame["Text"].map(normalised, na_action="ignore")


def without_repeats(frame: pd.DataFrame, *, normalised: bool = False) -> pd.DataFrame:
    """`frame` without reviews whose Text another review with a smaller Id has already; index from 0.

    `normalised` counts texts as equal that differ in markup, case and punctuation only. The order of the rows
    stays. `attrs["repeats_removed"]` of the result says how many rows went.
    """
    ordered = frame.reset_index(drop=True).sort_values("Id", kind="stable")
    texts = _texts_normalised(ordered) if normalised else ordered["Text"]
    kept = ordered[~texts.duplicated() | texts.isna()].sort_index().reset_index(drop=True)
    kept.attrs["repeats_removed"] = len(frame) - len(kept)
    return kept


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """What lesson 02 arrives at: each text once (see `without_repeats`), Summary and Text without markup."""
    unique = without_repeats(frame, normalised=True)
    return unique.assign(
        Summary=unique["Summary"].map(clean_text, na_action="ignore"),
        Text=unique["Text"].map(clean_text, na_action="ignore"),
    )


def combine(frame: pd.DataFrame, *, labels: bool = True) -> pd.Series:
    """Summary and text of each review as one string, `Title: ...; Content: ...`; a missing part is left out.

    The form is that of OpenAI's cookbook. Without `labels` the text stands in the line below the summary: the
    same words in every text make all vectors more alike (lesson 02). Same index as `frame`.
    Raises DataError if a review has neither.
    """
    title = frame["Summary"].fillna("").str.strip()
    content = frame["Text"].fillna("").str.strip()
    if (neither := (title == "") & (content == "")).any():
        raise DataError(
            f"The review with Id {frame.loc[neither, 'Id'].iloc[0]} has neither Summary nor Text."
        )
    before_title, between, before_content = ("Title: ", "; ", "Content: ") if labels else ("", "\n", "")
    both = before_title + title + between + before_content + content
    both = both.mask(title == "", before_content + content)
    return both.mask(content == "", before_title + title).rename("combined")


# ----------------------------------------------------------------------------- downloading


def _check_full(path: Path) -> None:
    if (count := review_files.count(path)) != SNAP_RECORDS:
        raise DataError(f"it has {count:,} reviews instead of {SNAP_RECORDS:,}")


REMOTES = {
    "1k": Remote(
        name="fine_food_reviews_1k.csv",
        url="https://raw.githubusercontent.com/openai/openai-cookbook/"
        "627fdd8c840d51e7196ba9c7538d0dfa5fb4bf7e/examples/data/fine_food_reviews_1k.csv",
        size=436_150,
        sha256="2bff43cb0fecb3ff64662f71f3131c2e09d0b866e666df6bd844054ef1815d3e",
    ),
    # SNAP publishes no hash and we know none. So the file is unpacked to its end (gzip has checksums) and its
    # records are counted; the hash found is kept beside it, and a later download with another one is refused.
    "full": Remote(
        name="finefoods.txt.gz", url="https://snap.stanford.edu/data/finefoods.txt.gz", check=_check_full
    ),
}


def download(
    which: str, folder: Path | str | None = None, *, timeout: float = 20.0, progress: bool = False
) -> Path:
    """The path of the real reviews, "1k" or "full", downloaded into `folder` (or data/downloads) if need be.

    A file is whole and checked before it has its name; what was broken off goes on where it stopped.
    `timeout` (seconds) is how long the server may keep silent; `progress` shows a bar. Raises DataError.
    """
    if which not in REMOTES:
        raise DataError(f"There is no download {which!r}: choose one of {', '.join(REMOTES)}.")
    return fetch(REMOTES[which], folder or settings.DOWNLOADS, timeout=timeout, progress=progress)


def data_command(which: str = "1k", to: Path | str | None = None) -> int:
    """`python -m helpers data [sample|1k|full] [--to DIR]`: do it and say so; 0, or 1 after an error."""
    try:
        for line in _data_command(which, Path(to).expanduser() if to else None):
            print(line)
    except KeyboardInterrupt:
        print("Stopped. Run the same command again: a download goes on where it stopped.", file=sys.stderr)
        return 130
    except WorkbookError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _data_command(which: str, to: Path | None) -> Iterator[str]:
    if which == "sample":
        path = find("sample")
        if to is None:
            yield f"The sample comes with the workbook: {path}"
            return
        yield f"The sample, copied: {_copy(path, to / path.name)}"
        return
    if which not in REMOTES:
        raise DataError(f"There is no data {which!r}: choose one of sample, {', '.join(REMOTES)}.")
    target = (to or settings.DOWNLOADS) / REMOTES[which].name
    there = target.is_file() and target.stat().st_mtime_ns
    path = download(which, to, progress=sys.stderr.isatty()).resolve()
    fetched = path.stat().st_mtime_ns != there
    done = "Downloaded" if fetched else "Already there"
    yield f"{done}, whole and checked: {path} ({path.stat().st_size:,} bytes)"
    if to is not None:
        yield f"To use it in the notebooks, write into the file .env:  WORKBOOK_DATA={path}"
    elif which == "1k":
        yield "The notebooks use it from now on, unless the setting WORKBOOK_DATA names something else."
    else:
        yield f"To use it in the notebooks, write into the file .env:  WORKBOOK_DATA={which}"


def _copy(path: Path, target: Path) -> Path:
    try:
        with atomic_path(target) as temporary:
            shutil.copyfile(path, temporary)
    except OSError as error:
        raise DataError(
            f"The sample cannot be copied to {target.parent}: {error.strerror or error}."
        ) from error
    return target.resolve()
