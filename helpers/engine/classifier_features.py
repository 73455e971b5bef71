"""What the classifier sees of a prompt: token vectors, words and word pairs, and how alike the fields are.

Per field (see `classifier_layout`):
1. its token counts, scaled so that their product with the untrained token table has length 1. The table
   itself is trained, so this stays a matrix of counts;
2. its words and word pairs, by a 64-bit hash instead of the text (as fastText does: A. Joulin et al., "Bag of
   tricks for efficient text classification", EACL 2017), weighted by 1 + log(count) and by rarity (TF-IDF);
Per pair of fields:
3. the cosine of their untrained vectors, and the share of each one's words that the other has. A bag of
   words cannot say whether an advertisement says what its product is; these can. Each is given as a
   piecewise linear curve (hinges at quantiles), because "alike enough" has a threshold.
And of each field, 4. its length, exclamation and question marks, and words in capitals.

Two measurements on the training rows decide what counts. Likenesses count as much as they differ between the
classes (`_told`). Where examples come in groups, by company for instance, words and vectors count as much as
they tell about a group from the others (`_told_of_others`): a model that knows companies by heart is of no
use for the next company. How large each part is otherwise was chosen on the seeds 100 to 111 of the data sets
in tests/benchmarks/tuning_quality.py, which reports others.

Left out: characters, and word order beyond pairs.
"""

import dataclasses
import hashlib
import itertools
import re
from collections.abc import Sequence

import numpy as np
import scipy.sparse

from helpers.engine import vectors
from helpers.engine.classifier_layout import Layout

WORD = re.compile(r"\w+|[!?]")
NEGATED = re.compile(
    r"\b(not|no|never|without|\w+n't)\s+"
    r"((?:(?:a|an|the|so|very|really|that|too|be|have|get|any|all|as|it|this)\s+)*)(?=\w)"
)
STEM = 4  # letters: enough to see that "fermented" and "ferments" belong together
RARE = 2  # a word is used when at least so many training prompts have it
MOST_WORDS = 1_500_000  # weights for words, over all classes: at most 3 MB of a model's file
VECTOR, WORDS = 1.4, 1.0  # lengths of a field's vector and of its words
FEWEST_GROUPS, PER_GROUP = 8, 1.5  # so many groups, of so many examples on average, and more
LEAST = 0.2  # of these lengths, where they tell nothing of groups not seen
ALIKE = 2.0  # size of a likeness that tells much
MARKS, LEAST_DEVIATION = 0.2, 0.1  # size of what `_marks` counts; what hardly varies stays small
MOST_COMPARED = 4  # fields compared with one another, the last ones
CHANCE = 8.0  # an F below that is put down to chance
KNOTS = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])  # quantiles: a likeness's curve is straight between them

_PAIR, _FIELD = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)  # odd numbers that mix bits


@dataclasses.dataclass
class Seen:
    """What the classifier sees of n prompts."""

    tokens: list[scipy.sparse.csr_matrix]  # one a field: (n, 32000) float64
    base: list[np.ndarray]  # one a field: their product with the untrained table, (n, 256) float64
    words: scipy.sparse.csr_matrix  # (n, words) float64
    alike: np.ndarray  # (n, curves and marks) float64

    def __len__(self) -> int:
        return len(self.alike)


ARRAYS = ("keys", "rarity", "stem_keys", "stem_rarity", "knots", "centre", "scale", "sizes")  # of a Reader


@dataclasses.dataclass
class Reader:
    """Turns prompts into features, the same ones at training and afterwards."""

    layout: Layout
    keys: np.ndarray  # uint64 (words,), ascending: hashes of the words and pairs in use
    rarity: np.ndarray  # float32 (words,): their weights
    stem_keys: np.ndarray  # uint64, ascending: hashes of the words' stems
    stem_rarity: np.ndarray  # float32; a stem not in the list counts as `rarest`
    rarest: float
    knots: np.ndarray  # float64 (likenesses, len(KNOTS)): where each likeness bends
    centre: np.ndarray  # float64 (curves and marks,): their means in training
    scale: np.ndarray  # float64 (curves and marks,): their sizes, 0 where they tell nothing about the classes
    sizes: np.ndarray  # float64 (2,): lengths of a field's vector and of its words

    def read(self, prompts: Sequence[str]) -> Seen:
        """The features of prompts."""
        fields = self.layout.split(prompts)
        tokens, base = zip(*map(_token_rows, fields), strict=True)
        bags = [_Bag(texts) for texts in fields]
        words = _tfidf(_hashes(bags), len(prompts), self.keys, self.rarity)
        likeness = _likeness(base, bags, self.stem_keys, self.stem_rarity, self.rarest)
        plain = np.hstack([_curves(likeness, self.knots), _marks(fields)])
        return _sized(tokens, base, words, (plain - self.centre) * self.scale, self.sizes)


def fit(layout: Layout, prompts: Sequence[str], classes: np.ndarray) -> tuple[Reader, Seen]:
    """A reader for training prompts (n,) of `classes`, int (n,), and what it sees of them."""
    n = len(prompts)
    fields = layout.split(prompts)
    tokens, base = zip(*map(_token_rows, fields), strict=True)
    bags = [_Bag(texts) for texts in fields]
    hashes = _hashes(bags)
    keys, rarity = _vocabulary(hashes, n, MOST_WORDS // (int(classes.max()) + 1), RARE)
    stems = [bag.stems() for bag in bags]
    joined = (np.concatenate([r for r, _ in stems]), np.concatenate([h for _, h in stems]))
    stem_keys, stem_rarity = _vocabulary(joined, n, 50_000, RARE)
    rarest = float(np.log((1 + n) / 2) + 1)
    likeness = _likeness(base, bags, stem_keys, stem_rarity, rarest)
    knots = np.quantile(likeness, KNOTS, axis=0).T if likeness.shape[1] else np.zeros((0, len(KNOTS)))
    words = _tfidf(hashes, n, keys, rarity)
    told = _told_of_others(base, words, classes, _groups(fields))
    curves, marks = _curves(likeness, knots), _marks(fields)
    deviation = np.maximum(marks.std(axis=0), LEAST_DEVIATION)
    scale = np.append(ALIKE * _told(curves, classes), MARKS * told[1] / deviation)
    plain = np.hstack([curves, marks])
    centre, sizes = plain.mean(axis=0), np.array([VECTOR, WORDS]) * told
    reader = Reader(layout, keys, rarity, stem_keys, stem_rarity, rarest, knots, centre, scale, sizes)
    return reader, _sized(tokens, base, words, (plain - centre) * scale, sizes)


def _sized(tokens, base, words, alike, sizes: np.ndarray) -> Seen:
    vector, word = sizes
    alike = np.clip(alike, -ALIKE, ALIKE)  # a text ten times as long as any in training must not decide alone
    return Seen([part * vector for part in tokens], [part * vector for part in base], words * word, alike)


# ----------------------------------------------------------------------------- tokens


def _token_rows(texts: Sequence[str]) -> tuple[scipy.sparse.csr_matrix, np.ndarray]:
    model = vectors.load()
    flat, lengths = vectors._flat(model.encode(texts))
    counts = vectors._counts(flat, lengths, columns=model.vocabulary_size)
    counts.sum_duplicates()
    sums = (counts @ model.table).astype(np.float64)
    size = np.sqrt((sums * sums).sum(axis=1))
    scale = 1 / np.where(size == 0, 1, size)
    rows = counts.astype(np.float64)
    rows.data *= np.repeat(scale, np.diff(rows.indptr))
    return rows, sums * scale[:, None]


# ----------------------------------------------------------------------------- words


class _Bag:
    """The words of some texts, one behind the other."""

    def __init__(self, texts: Sequence[str]):
        lists = [WORD.findall(mark_negation(text)) for text in texts]
        self.different = list(dict.fromkeys(itertools.chain.from_iterable(lists)))
        number = {word: i for i, word in enumerate(self.different)}
        self.lengths = np.fromiter(map(len, lists), dtype=np.int64, count=len(lists))
        words = (number[word] for word in itertools.chain.from_iterable(lists))
        self.words = np.fromiter(words, dtype=np.int64, count=int(self.lengths.sum()))
        self.rows = np.repeat(np.arange(len(lists)), self.lengths)

    def hashes(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and hashes of the words and of the pairs."""
        if not len(self.words):
            return self.rows, np.zeros(0, dtype=np.uint64)
        single = _hash(self.different)[self.words]
        follows = self.rows[1:] == self.rows[:-1]
        pairs = (single[:-1] * _PAIR + single[1:])[follows]
        return np.concatenate([self.rows, self.rows[1:][follows]]), np.concatenate([single, pairs])

    def stems(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and hashes of the words' first letters, each once a row."""
        if not len(self.words):
            return self.rows, np.zeros(0, dtype=np.uint64)
        return _once(self.rows, _hash([word[:STEM] for word in self.different])[self.words])


def mark_negation(text: str) -> str:
    """In lower case; what a "not" is about is another word: "not so good" becomes "not so not_good"."""
    return NEGATED.sub(r"\1 \2not_", text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))


def _hash(words: Sequence[str]) -> np.ndarray:
    """The same 64 bits for the same word on every machine."""
    digests = b"".join(
        hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest() for word in words
    )
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def _once(rows: np.ndarray, hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.lexsort((hashes, rows))
    rows, hashes = rows[order], hashes[order]
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (rows[1:] != rows[:-1]) | (hashes[1:] != hashes[:-1])
    return rows[first], hashes[first]


def _hashes(bags: Sequence[_Bag]) -> list[tuple[np.ndarray, np.ndarray]]:
    """(rows, hashes) of each view of a prompt: all fields together and, if there are several, each alone."""
    found = [bag.hashes() for bag in bags]
    if len(found) == 1:
        return found
    rows, hashes = (np.concatenate(parts) for parts in zip(*found, strict=True))
    marks = np.arange(1, len(found) + 1, dtype=np.uint64) * _FIELD
    own = [(r, h ^ mark) for mark, (r, h) in zip(marks, found, strict=True)]
    return [(rows, hashes), *own]


def _vocabulary(views, n: int, most: int, rare: int) -> tuple[np.ndarray, np.ndarray]:
    """Hashes in `rare` prompts or more, ascending, at most `most` (the commonest), and their rarity."""
    views = views if isinstance(views, list) else [views]
    hashes = np.concatenate([_once(*view)[1] for view in views])
    keys, counts = np.unique(hashes, return_counts=True)
    kept = counts >= rare
    keys, counts = keys[kept], counts[kept]
    if len(keys) > most:
        commonest = np.sort(np.argsort(-counts, kind="stable")[:most])
        keys, counts = keys[commonest], counts[commonest]
    return keys, (np.log((1 + n) / (1 + counts)) + 1).astype(np.float32)  # scikit-learn's smooth idf


def _tfidf(views, n: int, keys: np.ndarray, rarity: np.ndarray) -> scipy.sparse.csr_matrix:
    """Weights of the known words, (n, len(keys)); each view of a prompt has length 1."""
    parts = []
    for rows, hashes in views:
        place = np.minimum(np.searchsorted(keys, hashes), max(len(keys) - 1, 0))
        known = keys[place] == hashes if len(keys) else np.zeros(len(hashes), dtype=bool)
        ones = np.ones(int(known.sum()))
        counts = scipy.sparse.csr_matrix((ones, (rows[known], place[known])), shape=(n, len(keys)))
        counts.sum_duplicates()
        counts.data = (1 + np.log(counts.data)) * rarity[counts.indices]
        size = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1)).ravel())
        counts.data /= np.repeat(np.where(size == 0, 1, size), np.diff(counts.indptr))
        parts.append(counts)
    total = parts[0]
    for part in parts[1:]:
        total = total + part  # no key is in two views
    return total.tocsr()


# ----------------------------------------------------------------------------- fields compared


def _likeness(base, bags, stem_keys, stem_rarity, rarest: float) -> np.ndarray:
    """For each pair of fields: cosine, share of the first one's words in the second, and the other way."""
    fields = range(len(bags))[-MOST_COMPARED:]
    stems = {field: bags[field].stems() for field in fields} if len(fields) > 1 else {}
    columns = []
    for one, other in itertools.combinations(fields, 2):
        columns.append((base[one] * base[other]).sum(axis=1))
        for inside, within in ((one, other), (other, one)):
            columns.append(_share(stems[inside], stems[within], len(base[0]), stem_keys, stem_rarity, rarest))
    return np.column_stack(columns) if columns else np.zeros((len(base[0]), 0))


def _share(inside, within, n: int, keys, rarity, rarest: float) -> np.ndarray:
    rows, hashes = inside
    if not len(keys):
        weight = np.full(len(hashes), rarest)
    else:
        place = np.minimum(np.searchsorted(keys, hashes), len(keys) - 1)
        weight = np.where(keys[place] == hashes, rarity[place].astype(np.float64), rarest)
    mixed = hashes ^ (rows.astype(np.uint64) * _FIELD)
    there = np.isin(mixed, within[1] ^ (within[0].astype(np.uint64) * _FIELD))
    total = np.bincount(rows, weights=weight, minlength=n)
    return np.bincount(rows, weights=weight * there, minlength=n) / np.where(total == 0, 1, total)


def _curves(likeness: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Piecewise linear: how far each likeness has come from one knot to the next, from 0 to 1."""
    columns = []
    for values, bends in zip(likeness.T, knots, strict=True):
        for low, high in itertools.pairwise(bends):
            columns.append(np.clip((values - low) / max(high - low, 1e-9), 0, 1))
    return np.column_stack(columns) if columns else np.zeros((len(likeness), 0))


def _marks(fields: Sequence[Sequence[str]]) -> np.ndarray:
    """What neither words nor vectors show: each field's length, !, ?, words in capitals, (n, 4 fields)."""
    return np.array(
        [[number for text in row for number in _marks_of(text)] for row in zip(*fields, strict=True)]
    )


def _marks_of(text: str) -> tuple[float, ...]:
    words = text.split()
    capitals = sum(word.isupper() and len(word) > 2 for word in words)
    return np.log1p(len(words)), min(text.count("!"), 4), min(text.count("?"), 3), min(capitals, 5)


def _groups(fields: Sequence[Sequence[str]]) -> np.ndarray | None:
    """The group of each example, int (n,), where examples come in groups: a field whose values come again.

    A company or a product of several examples, for instance; of several such fields the one with the fewest
    values. None where there is no such field.
    """
    different = [len(set(values)) for values in fields]
    usual = [count for count in different if FEWEST_GROUPS <= count <= len(fields[0]) / PER_GROUP]
    if not usual:
        return None
    return np.unique(fields[different.index(min(usual))], return_inverse=True)[1]


def _told_of_others(base, words, classes: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """How much vectors and words tell about groups not seen: (2,), LEAST to 1, or all 1."""
    if groups is None:
        return np.ones(2)
    blocks = (scipy.sparse.csr_matrix(np.hstack(base)), words)
    return np.array([_told_of_other(block, classes, groups) for block in blocks])


def _told_of_other(rows: scipy.sparse.csr_matrix, classes: np.ndarray, groups: np.ndarray) -> float:
    """How much features (n, m) tell about the classes of groups that were left out, from LEAST to 1.

    Each example is compared with the mean of each class over the other groups. That it is more like its own
    class's mean than like the others' must not be chance: 1 - 2 / t, with t the mean of the differences
    divided by its standard error over the groups. Words of companies in training say much about these, and
    nothing about new ones.
    """
    n, k, m = len(classes), int(classes.max()) + 1, int(groups.max()) + 1
    like = np.zeros((n, k))
    for c in range(k):
        own = np.flatnonzero(classes == c)
        member = scipy.sparse.csr_matrix((np.ones(len(own)), (groups[own], own)), shape=(m, n))
        sums = (member @ rows).tocsr()  # (groups, m)
        counts = np.bincount(groups[own], minlength=m)
        total = np.asarray(sums.sum(axis=0)).ravel()
        inside = np.asarray(rows.multiply(sums[groups]).sum(axis=1)).ravel()
        like[:, c] = (rows @ total - inside) / np.maximum(len(own) - counts[groups], 1)
    true = like[np.arange(n), classes]
    margin = np.bincount(groups, weights=true - (like.sum(axis=1) - true) / (k - 1), minlength=m)
    t = margin.mean() / max(margin.std() / np.sqrt(m), 1e-12)
    return float(np.clip(1 - 2 / max(t, 1e-9), LEAST, 1))


def _told(values: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """How much each column (n, m) tells about the classes: 1 - CHANCE / F (analysis of variance), or 0.

    Titles are more or less like their texts whatever the class; likeness that says nothing only disturbs.
    """
    n, k = len(values), int(classes.max()) + 1
    member = scipy.sparse.csr_matrix((np.ones(n), (classes, np.arange(n))), shape=(k, n))
    counts = np.bincount(classes, minlength=k)[:, None]
    means = (member @ values) / counts
    between = (counts * (means - values.mean(axis=0)) ** 2).sum(axis=0) / (k - 1)
    within = ((values - means[classes]) ** 2).sum(axis=0) / max(n - k, 1)
    ratio = between / np.maximum(within, 1e-9)
    return np.maximum(0, 1 - CHANCE / np.maximum(ratio, CHANCE))
