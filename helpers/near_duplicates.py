"""Texts that repeat others: exactly, but for their dress, in shared runs of words, and by their vectors.

Each way gives a table of pairs, columns first, second (positions, first < second) and, where there is one, a
score; the greatest score first, then by position. `differences` shows what sets two texts apart. `planted`
makes repeats of known origin, so that one can count what a way misses, and `threshold_costs` counts it.
Shingles, runs of neighbouring words, are compared by the Jaccard index, as in A. Z. Broder, "On the
resemblance and containment of documents", SEQUENCES 1997.
Left out: hashing (MinHash, SimHash), without which millions of texts cannot all be compared.
"""

import difflib
import re
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from helpers import reviews
from helpers.errors import DataError

SHINGLE = 3  # words
VECTORS_AT_ONCE = 1_000
SCORES_THAT_COUNT = 5  # digits; what differs less is a tie, as float32 vectors are no more precise

# ----------------------------------------------------------------------------- finding


def exact(texts: Sequence[str]) -> pd.DataFrame:
    """All pairs of equal texts."""
    return _pairs_within(list(texts))


def normalised(texts: Sequence[str]) -> pd.DataFrame:
    """All pairs of texts that are equal to `reviews.normalised`: but for markup, case, marks and spaces."""
    return _pairs_within([reviews.normalised(text) for text in texts])


def by_vector(vectors: np.ndarray, threshold: float) -> pd.DataFrame:
    """All pairs whose vectors, shape (n, d) and of unit length, have a cosine of `threshold` or more.

    A column "cosine". Looks at all n (n - 1) / 2 pairs, a block of rows at a time. Raises DataError when the
    vectors are not of unit length.
    """
    vectors = np.asarray(vectors, dtype=float)
    if not (np.abs(np.linalg.norm(vectors, axis=1) - 1) <= 1e-3).all():  # NaN is not either
        raise DataError("These vectors are not all of length 1: divide each by its length first.")
    found = []
    for start in range(0, len(vectors), VECTORS_AT_ONCE):
        cosines = vectors[start : start + VECTORS_AT_ONCE] @ vectors[start:].T
        first, second = np.nonzero(np.triu(cosines >= threshold - 1e-9, k=1))
        found.append((first + start, second + start, cosines[first, second]))
    return _table(found, "cosine")


def by_shingles(texts: Sequence[str], threshold: float, *, size: int = SHINGLE) -> pd.DataFrame:
    """All pairs that share at least `threshold` of their runs of `size` words: column "jaccard".

    The Jaccard index: runs in both texts / runs in either. Texts shorter than `size` words are one run.
    Only pairs that share a run are looked at, so `threshold` must be above 0 (else ValueError).
    """
    from scipy import sparse

    if threshold <= 0:
        raise ValueError(f"threshold must be above 0, not {threshold}")
    sets = [shingles(text, size) for text in texts]
    number: dict[str, int] = {}
    columns = [number.setdefault(run, len(number)) for runs in sets for run in sorted(runs)]
    counts = np.array([len(runs) for runs in sets])
    starts = np.concatenate([[0], np.cumsum(counts)])
    has = sparse.csr_matrix(
        (np.ones(len(columns), np.int64), columns, starts), shape=(len(sets), max(len(number), 1))
    )
    shared = sparse.triu(has @ has.T, k=1).tocoo()
    either = counts[shared.row] + counts[shared.col] - shared.data
    index = shared.data / either
    kept = index >= threshold - 1e-9
    return _table([(shared.row[kept], shared.col[kept], index[kept])], "jaccard")


def words(text: str) -> str:
    """The words of a text as `reviews.normalised` has them, one space between them; "" for marks alone."""
    return " ".join(re.findall(r"[^\W_]+", reviews.normalised(text)))


def shingles(text: str, size: int = SHINGLE) -> set[str]:
    """The different runs of `size` neighbouring words; a shorter text is one run, an empty one has none."""
    listed = words(text).split()
    runs = {" ".join(listed[i : i + size]) for i in range(len(listed) - size + 1)}
    return runs or ({" ".join(listed)} if listed else set())


def jaccard(left: str, right: str, size: int = SHINGLE) -> float:
    """The share of their runs of words that two texts have in common: 0 for none, 1 for the same runs."""
    a, b = shingles(left, size), shingles(right, size)
    return len(a & b) / len(a | b) if a or b else 1.0


def _pairs_within(keys: Sequence[str]) -> pd.DataFrame:
    groups: dict[str, list[int]] = {}
    for position, key in enumerate(keys):
        groups.setdefault(key, []).append(position)
    pairs = sorted(
        (a, b) for members in groups.values() for i, a in enumerate(members) for b in members[i + 1 :]
    )
    return pd.DataFrame(pairs, columns=["first", "second"], dtype="int64")


def _table(found: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], score: str) -> pd.DataFrame:
    parts = [np.concatenate(column) if found else np.empty(0) for column in zip(*found)] or [np.empty(0)] * 3
    table = pd.DataFrame({"first": parts[0], "second": parts[1], score: parts[2]})
    table = table.astype({"first": "int64", "second": "int64", score: float})
    order = np.lexsort((table["second"], table["first"], -table[score].round(SCORES_THAT_COUNT)))
    return table.iloc[order].reset_index(drop=True)


# ----------------------------------------------------------------------------- looking


def differences(left: str, right: str) -> tuple[list[tuple[str, bool]], list[tuple[str, bool]]]:
    """The words of two texts in order, each with whether it is missing from its place in the other text.

    Words are compared as `words` reduces them: case and punctuation make no difference.
    """
    listed = left.split(), right.split()
    reduced = [[words(word) or word for word in text] for text in listed]
    matcher = difflib.SequenceMatcher(None, *reduced, autojunk=False)
    marks = [[True] * len(text) for text in listed]
    for block in matcher.get_matching_blocks():
        for side, start in enumerate((block.a, block.b)):
            marks[side][start : start + block.size] = [False] * block.size
    return list(zip(listed[0], marks[0])), list(zip(listed[1], marks[1]))


# ----------------------------------------------------------------------------- testing


def planted(texts: Sequence[str], generator: np.random.Generator, *, most: int = 150) -> pd.DataFrame:
    """Changed copies of at most `most` texts, drawn by chance: three rows per text (see `disturb`).

    Columns original (position in `texts`), kind, text, and jaccard, the share of runs of words that the copy
    has in common with its original. All three kinds keep the words: a paraphrase is not among them.
    """
    drawn = generator.choice(len(texts), size=min(most, len(texts)), replace=False)
    listed = list(texts)
    rows = [
        (int(i), kind, copy, jaccard(listed[i], copy))
        for i in drawn
        for kind, copy in disturb(listed[i], generator)
    ]
    return pd.DataFrame(rows, columns=["original", "kind", "text", "jaccard"])


def threshold_costs(
    copies: Sequence[float], others: Sequence[float], thresholds: Sequence[float]
) -> pd.DataFrame:
    """What each threshold finds, and what it costs: columns threshold, found, others; the lowest first.

    `copies`: the scores of true repeats with their originals; `others`: those of pairs of different texts.
    `found`: the share of `copies` that reach the threshold; `others`: how many of the other pairs do.
    """
    copies, others = np.asarray(copies, dtype=float), np.asarray(others, dtype=float)
    rows = [
        (float(t), float((copies >= t - 1e-9).mean()), int((others >= t - 1e-9).sum()))
        for t in sorted(thresholds)
    ]
    return pd.DataFrame(rows, columns=["threshold", "found", "others"])


def disturb(text: str, generator: np.random.Generator) -> Iterator[tuple[str, str]]:
    """Repeats of `text` as they occur in the wild, made by chance: (kind, text) one after the other.

    "typing errors": in one word of ten, two neighbouring letters change places; "a third missing": a third of
    the words, in one run, is gone; "other words around": as many words of greeting before and after as make a
    fifth of the text.
    """
    listed = text.split()
    slips = [_slip(word, generator) if generator.random() < 0.1 else word for word in listed]
    yield "typing errors", " ".join(slips)
    gone = len(listed) // 3
    start = int(generator.integers(0, len(listed) - gone + 1))
    yield "a third missing", " ".join(listed[:start] + listed[start + gone :])
    frame = ("Hello everybody, here is what I think of this after some weeks. " * 20).split()
    extra = max(1, len(listed) // 10)
    yield "other words around", " ".join([*frame[:extra], *listed, *frame[::-1][:extra]])


def _slip(word: str, generator: np.random.Generator) -> str:
    if len(word) < 2:
        return word
    i = int(generator.integers(0, len(word) - 1))
    return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
