"""Bytes to text: which encoding a text file has, and how sure that is.

A byte-order mark tells; else bytes that are valid UTF-8 are UTF-8 (other text almost never is, by chance);
else Korean text in CP949 (Windows) or EUC-KR shows in the bytes of its syllables. What is left is read as
Windows-1252, the Latin-1 of Windows, which fits any bytes: that is an assumption, and the note says so.

Left out: Japanese and Chinese encodings other than Unicode; give `encoding=` for them.
"""

import codecs
import re

from helpers.errors import DataError

MARKS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What a web page may declare; other names that Python knows ("unicode_escape") are not encodings of pages.
META = re.compile(
    rb"""<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}["']?((?:euc|iso|windows|cp|ks|shift|gb|big5|koi8|utf-8)[\w.:-]{0,30})""",
    re.IGNORECASE,
)
# Two bytes of CP949: the 2,350 usual syllables stand at B0A1 to C8FE, in EUC-KR as in CP949.
PAIR = re.compile(rb"[\x81-\xfe][\x41-\x5a\x61-\x7a\x81-\xfe]")
SYLLABLE = re.compile(rb"[\xb0-\xc8][\xa1-\xfe]")
USUAL_SHARE = 0.7
SAMPLE = 1_000_000


def decode(content: bytes, encoding: str | None = None) -> tuple[str, tuple[str, ...]]:
    """The text of a file and notes on its encoding; line ends become "\\n", a byte-order mark goes.

    Raises DataError when `encoding` is given and does not fit, and when the bytes are no text at all.
    """
    text, notes = _decode(content, encoding)
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        raise DataError("it holds NUL bytes, so it is no text file")
    return text.replace("\r\n", "\n").replace("\r", "\n"), notes


def _decode(content: bytes, encoding: str | None) -> tuple[str, tuple[str, ...]]:
    if encoding is not None:
        return _strictly(content, encoding), ()
    for mark, name in MARKS:
        if content.startswith(mark):
            note = (
                () if name == "utf-8" else (f"The encoding is {name.upper()}, as its byte-order mark says.",)
            )
            return _strictly(content[len(mark) :], name), note
    if name := _utf16_without_mark(content):
        return _strictly(content, name), (
            f"The encoding is taken to be {name.upper()}: every other byte is zero.",
        )
    try:
        return content.decode("utf-8"), ()
    except UnicodeDecodeError as error:
        broken = error
    if _mostly_utf8(content):
        text = content.decode("utf-8", errors="replace")
        return text, (
            f"The encoding is UTF-8 with damaged characters, the first at byte {broken.start:,}; each is "
            f"shown as \N{REPLACEMENT CHARACTER} ({text.count(chr(0xFFFD)):,} in all).",
        )
    if name := _declared(content):
        return content.decode(name), (f"The encoding is {name.upper()}, as the page itself says.",)
    if _is_korean(content):
        return content.decode("cp949"), (
            "The encoding is taken to be CP949 (EUC-KR): the text is not UTF-8, and its bytes are Korean "
            "syllables.",
        )
    return content.decode("cp1252", errors="replace"), (
        "The encoding is assumed to be Windows-1252 (Latin-1): the text is neither UTF-8 nor Korean CP949. "
        'Where letters look wrong, name the right one: read(path, encoding="...").',
    )


def _strictly(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except LookupError as error:
        raise DataError(f"there is no encoding called {encoding!r:.60}") from error
    except UnicodeError as error:
        where = f" at byte {error.start:,}" if isinstance(error, UnicodeDecodeError) else ""
        raise DataError(f"its text is not valid {encoding.upper()}{where}") from error


def _utf16_without_mark(content: bytes) -> str | None:
    """Text in Latin letters has a zero in every other byte. Korean text without a mark is not recognised."""
    sample = content[: SAMPLE // 2 * 2]
    if len(content) % 2 or len(content) < 4:
        return None
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) / 2
    if odd > 0.4 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.4 * half and odd < 0.05 * half:
        return "utf-16-be"
    return None


def _mostly_utf8(content: bytes) -> bool:
    """A few damaged characters in much UTF-8, as after a cut, are not another encoding."""
    text = content[:SAMPLE].decode("utf-8", errors="replace")
    damaged = text.count("\N{REPLACEMENT CHARACTER}")
    beyond_ascii = sum(1 for character in text if character > "\x7f") - damaged
    return beyond_ascii > 20 * damaged


def _declared(content: bytes) -> str | None:
    found = META.search(content[:4096])
    if not found:
        return None
    name = found[1].decode("ascii")
    name = "cp949" if name.lower().replace("-", "_") in {"euc_kr", "ks_c_5601_1987", "ksc5601"} else name
    try:
        content.decode(name)
    except (LookupError, UnicodeError):
        return None
    return name


def _is_korean(content: bytes) -> bool:
    try:
        content.decode("cp949")
    except UnicodeDecodeError:
        return False
    pairs = PAIR.findall(content[:SAMPLE])
    usual = sum(1 for pair in pairs if SYLLABLE.fullmatch(pair))
    return usual >= USUAL_SHARE * len(pairs) > 0
