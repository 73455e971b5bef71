"""What the n-gram model is made of: texts taken apart into tokens, runs of tokens counted, the counts kept.

A token is a word with the blank before it, a number, a mark (repeated ones are one token) or a single blank
or line end; a piece of text that the training never saw is spelled, a token a character. So every text has
tokens, and their texts joined are the text.

Counted are runs of up to ORDER tokens. Shorter runs are counted as Kneser-Ney smoothing wants them: not how
often a run occurs but after how many different tokens ("San Francisco" may be frequent, yet "Francisco"
alone is no likely next word). R. Kneser and H. Ney, "Improved backing-off for m-gram language modeling",
ICASSP 1995; S. Chen and J. Goodman, "An empirical study of smoothing techniques for language modeling",
Computer Speech and Language 13, 1999.

`load_counts` trains at first use and keeps the result in the cache, by the content of the file of reviews.
Left out: probabilities (in `language`).
"""

import collections
import contextlib
import dataclasses
import functools
import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from helpers import settings
from helpers.files import atomic_path

ORDER = 4
END = 0  # the token that ends a text; ORDER - 1 of them stand before its first token
TEXTS = 3_000  # so many reviews are read at most: about a quarter of a million tokens
FORMAT = 1  # raise it whenever tokens or counts change: older files in the cache are then left alone

BASE = 2**15  # a run of tokens is one number, its tokens being the digits to this base: 60 bits for four
UNKNOWN = BASE - 1  # stands for a piece beyond the vocabulary while counting; never predicted
READ = 8 * 2**20  # bytes of the reviews' file that the cache's key is made from

split = re.compile(r" ?[^\W\d_]+(?:['’][^\W\d_]+)*| ?\d+| ?([^\w\s])\1*| ?_+|\s").finditer


@dataclasses.dataclass(frozen=True)
class Counts:
    """Everything that is learned from the texts."""

    vocabulary: tuple[str, ...]  # the text of each token; that of END is empty
    characters: tuple[str, ...]  # every character seen, most frequent first
    character_counts: np.ndarray  # int64
    # [n]: runs of n + 1 tokens as numbers, int64, ascending; and their Kneser-Ney counts, int64
    runs: tuple[np.ndarray, ...]
    run_counts: tuple[np.ndarray, ...]

    def fingerprint(self) -> int:
        """A number that other texts would hardly give: the CRC-32 of all that was counted."""
        result = zlib.crc32("\0".join(self.vocabulary).encode("utf-8", errors="replace"))
        for array in (*self.runs, *self.run_counts):
            result = zlib.crc32(array.astype("<i8").tobytes(), result)
        return result


def pieces(text: str) -> list[str]:
    """A text cut where tokens begin; joined again it is the text."""
    return [found[0] for found in split(text)]


def count(texts: Iterable[str]) -> Counts:
    """Count the runs of tokens in some texts. Raises ValueError when there is no text with a token."""
    cut = [found for found in map(pieces, texts) if found]
    if not cut:
        raise ValueError("a language model needs at least one text to learn from")
    frequency = collections.Counter(piece for text in cut for piece in text)
    by_frequency = sorted(frequency, key=lambda piece: (-frequency[piece], piece))
    vocabulary = ("", *by_frequency[: UNKNOWN - 1])
    letters: collections.Counter[str] = collections.Counter()
    for piece, times in frequency.items():
        for character in piece:
            letters[character] += times
    characters = sorted(letters, key=lambda character: (-letters[character], character))
    runs, run_counts = _runs(cut, {piece: i for i, piece in enumerate(vocabulary)})
    return Counts(
        vocabulary,
        tuple(characters),
        np.array([letters[character] for character in characters], dtype=np.int64),
        runs,
        run_counts,
    )


def _runs(cut: list[list[str]], ids: dict[str, int]) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    tokens: list[int] = []
    predicted: list[bool] = []
    for text in cut:
        tokens += [END] * (ORDER - 1)
        tokens += [ids.get(piece, UNKNOWN) for piece in text]
        tokens.append(END)
        predicted += [False] * (ORDER - 1) + [True] * (len(text) + 1)
    flat = np.array(tokens, dtype=np.int64)
    ends = np.flatnonzero(np.array(predicted) & (flat != UNKNOWN))
    codes = np.zeros(len(ends), dtype=np.int64)
    for back in reversed(range(ORDER)):
        codes = codes * BASE + flat[ends - back]
    found, times = np.unique(codes, return_counts=True)
    runs, run_counts = [found], [times]
    for length in reversed(range(1, ORDER)):  # each longer run, once, counts for its last `length` tokens
        found, times = np.unique(found % BASE**length, return_counts=True)
        runs.insert(0, found)
        run_counts.insert(0, times)
    return tuple(runs), tuple(run_counts)


def load_counts(path: Path) -> Counts:
    """The counts kept at `path`, or else counted now from the reviews in use and put there (`cache_path`).

    Two processes may do this at once: each writes a whole file. Raises DataError when there are no reviews.
    """
    try:
        return read(path)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        counts = count(_texts())
    with contextlib.suppress(
        OSError
    ):  # a full disk, or Windows while another process reads: it works without
        write(counts, path)
    return counts


def cache_path() -> Path:
    """Where the counts of the reviews in use are kept; the name tells which texts they were counted from.

    Raises DataError when the reviews cannot be found.
    """
    from helpers import reviews

    source = reviews.find()
    known = source.stat()
    name = _digest(source, known.st_size, known.st_mtime_ns)
    return settings.cache_folder() / "language" / f"{name}.npz"


@functools.lru_cache(maxsize=8)
def _digest(source: Path, size: int, _changed: int) -> str:
    digest = hashlib.sha256(f"{FORMAT} {ORDER} {TEXTS} {size} ".encode())
    with source.open("rb") as stream:
        digest.update(stream.read(READ))
    return digest.hexdigest()[:24]


def _texts() -> list[str]:
    from helpers import reviews

    rows = reviews.tidy(reviews.load(rows=TEXTS))
    return [text for text in rows["Text"].fillna("") if text]


def write(counts: Counts, path: Path) -> None:
    """Keep counts in a file. Raises OSError."""
    texts = json.dumps([counts.vocabulary, counts.characters]).encode("ascii")
    arrays = {"texts": np.frombuffer(texts, dtype=np.uint8), "character_counts": counts.character_counts}
    for n in range(ORDER):
        arrays[f"runs_{n}"], arrays[f"run_counts_{n}"] = counts.runs[n], counts.run_counts[n]
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **arrays)


def read(path: Path) -> Counts:
    """What `write` kept. Raises OSError, ValueError, KeyError, EOFError or BadZipFile: missing or damaged."""
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        vocabulary, characters = json.loads(arrays["texts"].tobytes())
        return Counts(
            tuple(vocabulary),
            tuple(characters),
            arrays["character_counts"],
            tuple(arrays[f"runs_{n}"] for n in range(ORDER)),
            tuple(arrays[f"run_counts_{n}"] for n in range(ORDER)),
        )
