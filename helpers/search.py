"""Search in texts by their words, by their vectors and by both, and say how good a search is.

    index = TextIndex(texts, vectors, lesson.embed)
    found, scores = index.top(["a warm drink"], k=5, way="hybrid")      # positions and scores, both (1, 5)

Three ways to search:
- words: cosine of TF-IDF vectors, rare words counting more (scikit-learn's `TfidfVectorizer`, its defaults
  but for a dampened count of repeated words, 1 + its logarithm);
- vectors: cosine of embeddings;
- hybrid: reciprocal rank fusion of both rankings (G. V. Cormack, C. L. A. Clarke and S. Büttcher, "Reciprocal
  rank fusion outperforms Condorcet and individual rank learning methods", SIGIR 2009), with their k of 60.
And a second baseline to measure them by:
- bm25: what most search engines rank words by (S. Robertson and H. Zaragoza, "The probabilistic relevance
  framework: BM25 and beyond", 2009), with its two constants at their usual values.

Quality is measured on queries with graded judgements (data/search_queries.csv, data/search_judgements.csv):
`judged` reads them, `evaluate` scores rankings, `paired_difference` compares two, `compared` says it
in words. One judge graded them, a language model (data/README.md).
Left out: stemming, spelling, an index on disk, learning to rank.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from helpers import reviews, settings
from helpers.errors import DataError
from helpers.similarity import DIGITS_THAT_COUNT, cosine_matrix, cosine_top_k

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer

Way = Literal["words", "vectors", "hybrid", "bm25"]
WAYS: tuple[Way, ...] = ("words", "vectors", "hybrid")
FUSION_K = 60  # Cormack et al. 2009, section 2: fixed in a pilot study, "not critical"
BM25_K1, BM25_B = 1.2, 0.75  # Lucene's defaults: how soon repeats stop counting, how much length does

QUERIES = settings.DATA / "search_queries.csv"
JUDGEMENTS = settings.DATA / "search_judgements.csv"
RELEVANT_FROM = 1  # the grade from which a review counts as relevant
SHOWN_KINDS = {"words": "product names"}  # so that a kind of query is not called like a way to search
JUDGED_ENOUGH = 0.95  # share of the first five that somebody judged, below which nothing is compared
HALF_WIDTH = 0.05  # of an interval that one would like to have, in mean reciprocal rank

# ----------------------------------------------------------------------------- searching


class TextIndex:
    """Texts that can be searched by words, by vectors and by both.

    `texts`: n of them; `vectors`: their embeddings, shape (n, d); `embed`: the same model for the queries.
    """

    def __init__(
        self, texts: Sequence[str], vectors: np.ndarray, embed: Callable[[Sequence[str]], np.ndarray]
    ):
        if len(texts) != len(vectors):
            raise DataError(f"There are {len(texts):,} texts and {len(vectors):,} vectors: one per text.")
        self.texts = list(texts)
        self.vectors = np.asarray(vectors)
        self.embed = embed

    @functools.cached_property
    def vectorizer(self) -> "TfidfVectorizer":
        """From texts to word weights; it knows the words of `texts`. DataError when there are none."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        try:
            return TfidfVectorizer(sublinear_tf=True).fit(self.texts)
        except ValueError:  # "empty vocabulary"
            raise DataError("There is no word to search for in these texts: are they all empty?") from None

    @functools.cached_property
    def _weights(self):
        return self.vectorizer.transform(self.texts)  # sparse, (n, different words), rows of length 1

    @functools.cached_property
    def _counter(self):
        from sklearn.feature_extraction.text import CountVectorizer

        return CountVectorizer(vocabulary=self.vectorizer.vocabulary_)

    @functools.cached_property
    def _bm25(self):
        counts = self._counter.transform(self.texts).astype(float)  # sparse, (n, different words)
        n, texts_with = counts.shape[0], counts.getnnz(axis=0)
        rarity = np.log(1 + (n - texts_with + 0.5) / (texts_with + 0.5))
        lengths = np.asarray(counts.sum(axis=1)).ravel()
        room = BM25_K1 * (1 - BM25_B + BM25_B * lengths / max(lengths.mean(), 1))
        text = np.repeat(np.arange(n), np.diff(counts.indptr))
        counts.data *= rarity[counts.indices] * (BM25_K1 + 1) / (counts.data + room[text])
        return counts

    @functools.cached_property
    def _unit(self) -> bool:
        """Whether all vectors have length 1, so that a search need not compute their lengths each time."""
        lengths = np.linalg.norm(self.vectors.astype(float), axis=1)
        return bool((np.abs(lengths - 1) < 5e-7).all())

    def scores(self, queries: Sequence[str], way: Way = "hybrid") -> np.ndarray:
        """The score of every text for every query, float64 (m, n); scores of different ways do not compare.

        0 for words and bm25: no word of the query is in the text. Raises ValueError for an unknown way,
        DataError when the texts have no word at all.
        """
        queries = list(queries)
        if way == "words":
            return (self.vectorizer.transform(queries) @ self._weights.T).toarray()
        if way == "bm25":
            return (self._counter.transform(queries) @ self._bm25.T).toarray()
        if way == "vectors":
            return cosine_matrix(self.embed(queries), self.vectors)
        if way == "hybrid":
            words, vectors = self.scores(queries, "words"), self.scores(queries, "vectors")
            return fuse(ranks(words, above=0.0), ranks(vectors))
        raise ValueError(f"There is no way {way!r}: choose one of {', '.join(get_args(Way))}.")

    def top(self, queries: Sequence[str], k: int, way: Way = "hybrid") -> tuple[np.ndarray, np.ndarray]:
        """The best `k` texts for each query, best first: positions, int64 (m, k), and scores, float64 (m, k).

        Of equal scores the earlier text comes first. Raises ValueError when `k` is below 1.
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, not {k}")
        if way == "vectors":  # the others need every score; here the best few can be had without sorting
            return cosine_top_k(self.embed(list(queries)), self.vectors, k, unit=self._unit)
        scores = self.scores(queries, way)
        positions = order(scores)[:, :k]
        return positions, np.take_along_axis(scores, positions, axis=1)


def order(scores: np.ndarray) -> np.ndarray:
    """Positions by falling score, shape as `scores`, (m, n); equal ones stay in their order."""
    return np.argsort(-np.asarray(scores).round(DIGITS_THAT_COUNT), axis=1, kind="stable")


def ranks(scores: np.ndarray, above: float = -np.inf) -> np.ndarray:
    """The rank of every text, 1 for the best, float64 (m, n); infinity for scores that are not above `above`.

    A text that a search did not find has no rank: the order among such texts would be an accident.
    """
    scores = np.asarray(scores, dtype=float)
    places = np.empty(scores.shape)
    np.put_along_axis(places, order(scores), np.arange(1, scores.shape[1] + 1.0)[None], axis=1)
    return np.where(scores > above, places, np.inf)


def fuse(*rankings: np.ndarray, k: float = FUSION_K) -> np.ndarray:
    """Reciprocal rank fusion: the sum over `rankings` of 1 / (k + rank), shape (m, n)."""
    return sum(1 / (k + np.asarray(ranking, dtype=float)) for ranking in rankings)


# ----------------------------------------------------------------------------- judgements


@dataclasses.dataclass(frozen=True)
class Judged:
    """Queries whose results have been graded, by one judge, a language model.

    `rows`: the reviews to search in; `queries`: columns query_id, query, kind (the file's, but "product
    names" where it has "words", which is also a way to search), wanted; `grades`: for each query_id,
    the grade (0 not relevant, 1 partly, 2 fully) of each judged review's Id; `note`: what is used.
    """

    rows: pd.DataFrame
    queries: pd.DataFrame
    grades: Mapping[str, Mapping[int, int]]
    note: str


def judged(rows: pd.DataFrame) -> Judged:
    """The judged queries for `rows`, as `reviews.tidy` gives them; for the sample where there are none.

    The judgements belong to the bundled sample and to the cookbook's 1,000, told apart by
    `rows.attrs["source"]`, by the file's name. For other reviews nobody has judged anything: then `rows` of
    the result are the sample's, and `note` says so. Raises DataError when a file is missing or damaged.
    """
    source = rows.attrs.get("source", "")
    name = "1k" if source in ("1k", reviews.REMOTES["1k"].name) else source
    table = _judgements()
    mine = table[(table.data == name) & table.review_id.isin(rows["Id"])]
    if name in ("sample", "1k") and len(mine):
        grades = _by_query(mine)
        note = f"{len(grades)} queries, {len(mine):,} judgements of the reviews in use."
    else:
        rows = reviews.tidy(reviews.load("sample"))
        mine = table[(table.data == "sample") & table.review_id.isin(rows["Id"])]
        grades = _by_query(mine)
        note = (
            f"Nobody has judged results in these reviews. The bundled sample stands in: {len(grades)} "
            f"queries, {len(mine):,} judgements."
        )
    queries = _read(QUERIES, ["query_id", "query", "kind", "wanted"])
    queries = queries[queries.query_id.isin(grades)].reset_index(drop=True)
    queries["kind"] = queries.kind.replace(SHOWN_KINDS)
    return Judged(rows, queries, grades, note)


def _judgements() -> pd.DataFrame:
    table = _read(JUDGEMENTS, ["query_id", "data", "review_id", "grade"])
    try:
        return table.astype({"review_id": int, "grade": int})
    except ValueError as error:
        raise DataError(f"{JUDGEMENTS.name}: review_id and grade must be whole numbers ({error}).") from None


def _read(path, columns: list[str]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except (OSError, ValueError) as error:
        raise DataError(
            f"The file {path.name} cannot be read ({type(error).__name__}): get it again."
        ) from None
    if missing := [name for name in columns if name not in table]:
        raise DataError(f"{path.name} has no column {missing[0]}.")
    return table[columns]


def _by_query(table: pd.DataFrame) -> dict[str, dict[int, int]]:
    """Queries for which at least one review is relevant: for the others every search scores 0."""
    grouped = table.groupby("query_id", sort=True)
    grades = {str(name): dict(zip(group.review_id, group.grade)) for name, group in grouped}
    return {name: known for name, known in grades.items() if max(known.values()) >= RELEVANT_FROM}


# ----------------------------------------------------------------------------- measuring


def evaluate(
    found: Mapping[str, Sequence[int]],
    grades: Mapping[str, Mapping[int, int]],
    *,
    relevant_from: int = RELEVANT_FROM,
) -> pd.DataFrame:
    """How good rankings are: one row per query of `grades`, in the order of `found`.

    `found`: for each query_id, the Ids of the reviews found, best first: at least ten, better all.
    A review that nobody judged counts as not relevant; `judged_at_5` shows how often that happened.
    Columns, each from 0 to 1:
    precision_at_5   share of the first five that are relevant (grade `relevant_from` or more);
    reciprocal_rank  1 / rank of the first relevant one, 0 without any; its mean over queries is MRR;
    ndcg_at_10       grades of the first ten, discounted by log2(rank + 1), as a share of the best possible
                     (Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002);
    judged_at_5      share of the first five that somebody judged.
    Raises DataError when a query of `found` has no judgements.
    """
    rows = {}
    for name, ids in found.items():
        if name not in grades:
            raise DataError(f"There are no judgements for the query {name!r}.")
        known = grades[name]
        gains = np.array([known.get(int(i), 0) for i in ids], dtype=float)
        hits = np.flatnonzero(gains >= relevant_from)
        rows[name] = {
            "precision_at_5": float((hits < 5).sum() / 5),
            "reciprocal_rank": float(1 / (hits[0] + 1)) if len(hits) else 0.0,
            "ndcg_at_10": _ndcg(gains, sorted(known.values(), reverse=True), 10),
            "judged_at_5": sum(int(i) in known for i in ids[:5]) / 5,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("query_id")


def _ndcg(gains: Sequence[float], ideal: Sequence[float], k: int) -> float:
    def discounted(values: Sequence[float]) -> float:
        values = np.asarray(values[:k], dtype=float)
        return float((values / np.log2(np.arange(2, len(values) + 2))).sum())

    best = discounted(ideal)
    return discounted(gains) / best if best else 0.0


def paired_difference(
    ours: Sequence[float], theirs: Sequence[float], *, draws: int = 10_000, seed: int = 0
) -> tuple[float, float, float]:
    """Mean of ours - theirs, query by query, with a 95 % interval: (mean, low, high).

    The interval is a bootstrap's over queries: it says how far the mean would move had other queries of the
    same kinds been asked. The pairing takes out that some queries are hard for every search.
    """
    differences = np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float)
    if not len(differences):
        raise ValueError("There must be at least one query")
    generator = np.random.default_rng(seed)
    means = generator.choice(differences, size=(draws, len(differences))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(differences.mean()), float(low), float(high)


def queries_needed(ours: Sequence[float], theirs: Sequence[float], half_width: float = HALF_WIDTH) -> int:
    """How many queries like these would bring the 95 % interval of the difference to about +- `half_width`.

    (1.96 standard deviations of the differences / half_width) squared, rounded up to tens; 0 when all
    differences are equal. Raises ValueError when there are fewer than two queries.
    """
    differences = np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float)
    if len(differences) < 2:
        raise ValueError("There must be at least two queries")
    return int(np.ceil(np.round((1.96 * differences.std(ddof=1) / half_width) ** 2, 6) / 10)) * 10


def compared(quality: Mapping[str, pd.DataFrame], one: str, other: str) -> str:
    """In words, whether `one` or `other` has the greater mean reciprocal rank; `quality`: see `evaluate`.

    No verdict where less than JUDGED_ENOUGH of what either shows first was judged: what nobody judged counts
    as a miss, and that wrongs a search unlike those whose results were judged.
    """
    ours, theirs = quality[one].reciprocal_rank, quality[other].reciprocal_rank
    mean, low, high = paired_difference(ours, theirs)
    text = f"{one} - {other}: {mean:+z.3f} in MRR, 95 % interval {low:+z.3f} to {high:+z.3f}\n"
    judged_share = min(quality[way].judged_at_5.mean() for way in (one, other))
    if judged_share < JUDGED_ENOUGH - 1e-9:
        return text + f"  Only {judged_share:.0%} of the first five were judged: too few to compare them."
    if low > 0 or high < 0:
        better = one if mean > 0 else other
        return text + f"  On these queries {better} is better, by more than the choice of queries explains."
    needed = queries_needed(ours, theirs)
    return text + (
        "  The interval holds 0: these queries do not tell which is better.\n"
        f"  About {needed:,} would bring it to ±{HALF_WIDTH}."
    )
