"""The three tasks of lesson 10, with everything that any way to answer needs to be measured on them.

Every split is drawn before anything is learnt: reviews by text, claims by company, questions by topic in
equal shares (no two of them are the same). Left out: the ways to answer, and scores (`ways`, `measuring`).
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupShuffleSplit, StratifiedShuffleSplit

from helpers import reviews, scores, settings, splits
from helpers.splits import Split

Embed = Callable[[Sequence[str]], np.ndarray]
MOST = 10_000


@dataclasses.dataclass(frozen=True)
class Task:
    """A question to answer about texts, with everything that any way needs to be measured on it."""

    name: str
    texts: np.ndarray  # str (n,): what every way reads
    labels: np.ndarray  # str (n,): the true classes
    vectors: np.ndarray  # float64 (n, d): one for each text, from the host's embedding model
    parts: tuple[Split, ...]  # positions for training and for testing
    question: str  # what a model that only gets prompted is asked
    separator: str = "\n\n###\n\n"  # ends the prompts of a training file
    fields: np.ndarray | None = None  # float64 (n, 1): the cosine of the two fields, where there are two
    kinds: np.ndarray | None = None  # str (n,): what makes a row easy or hard, where that is known
    groups: np.ndarray | None = None  # str (n,): what must stay together in a split, where rows do
    ratio: float = scores.RATIO  # test rows to training rows as they were split: for intervals over splits

    @property
    def classes(self) -> np.ndarray:
        """The classes in the order of their names, str (k,)."""
        return np.unique(self.labels)

    def prompts(self, rows: np.ndarray) -> list[str]:
        """The texts at positions `rows`, with the separator behind them."""
        return [text + self.separator for text in self.texts[rows]]


def sentiment(
    rows: pd.DataFrame, embed: Embed, seeds: Sequence[int], test: float = 0.2, most: int = MOST
) -> Task:
    """Reviews: positive (4, 5 stars) or negative (1, 2); those with 3 stars are left out; split by text.

    Of each side at most `most` rows are used, drawn at random; of many more reviews, as many as that takes.
    """
    clear = rows[rows["Score"] != 3]
    if len(clear) > 5 * most:
        clear = clear.sample(5 * most, random_state=0).sort_index()
    clear = clear.reset_index(drop=True)
    texts = reviews.combine(clear, labels=False).to_numpy(dtype=object)
    labels = np.where(clear["Score"] > 3, "positive", "negative")
    drawn = list(splits.splits(clear, test, seeds))
    parts = _sorted([[_some(side, most, seed) for side in split] for seed, split in zip(seeds, drawn)])
    question = "Is this review of a food product positive or negative?"
    vectors = _embedded(embed, texts)
    return Task("sentiment", texts, labels, vectors, parts, question, ratio=_ratio(drawn))


def _ratio(drawn: Sequence[Sequence[np.ndarray]]) -> float:
    """Test rows to training rows, on average."""
    return float(np.mean([len(test) / len(train) for train, test in drawn]))


def _some(rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(rows)[:most]


def topics(
    embed: Embed, seeds: Sequence[int], test: float = 0.2, language: str = "en", most: int = MOST
) -> Task:
    """Questions to a shop: which of five topics. English ones, or all with `language=""`.

    At most `most` rows are learnt from.
    """
    table = pd.read_csv(settings.DATA / "support_questions.csv", keep_default_na=False, encoding="utf-8")
    table = table[table["language"].str.contains(language)].reset_index(drop=True)
    texts = table["question"].to_numpy(dtype=object)
    labels = table["topic"].to_numpy(dtype=str)
    drawn = [
        next(StratifiedShuffleSplit(1, test_size=test, random_state=s).split(texts, labels)) for s in seeds
    ]
    question = "What is this customer's question to a food shop about?"
    vectors = _embedded(embed, texts)
    parts = _sorted(_fewer(drawn, most, seeds))
    return Task("topics", texts, labels, vectors, parts, question, ratio=_ratio(drawn))


def claims(embed: Embed, seeds: Sequence[int], test: float = 0.2, most: int = MOST) -> Task:
    """Ads: does the description of the product support the ad? Split by company.

    At most `most` rows are learnt from.
    """
    table = pd.read_csv(settings.DATA / "ad_claims.csv", encoding="utf-8")
    texts = claim_texts(table["company"], table["product"], table["ad"])
    labels = table["supported"].to_numpy(dtype=str)
    groups = table["company"].to_numpy()
    drawn = [
        next(GroupShuffleSplit(1, test_size=test, random_state=s).split(texts, groups=groups)) for s in seeds
    ]
    cosine = _cosines(embed, table["product"], table["ad"])
    kinds = table["kind"].to_numpy(dtype=str)
    question = "Does the description of the product support what the ad claims?"
    parts, ratio = _sorted(_fewer(drawn, most, seeds)), _ratio(drawn)
    return Task(
        "claims", texts, labels, _embedded(embed, texts), parts, question, "\nSupported:", cosine, kinds,
        groups, ratio,
    )  # fmt: skip


def _fewer(drawn: Sequence[Sequence[np.ndarray]], most: int, seeds: Sequence[int]) -> list[list[np.ndarray]]:
    """The splits with at most `most` of the training rows, drawn at random; all test rows."""
    return [[_some(train, most, seed), test] for seed, (train, test) in zip(seeds, drawn, strict=True)]


def claim_texts(company: Sequence[str], product: Sequence[str], ad: Sequence[str]) -> np.ndarray:
    """The three fields of each claim as one text of three lines, (n,)."""
    fields = zip(company, product, ad, strict=True)
    return np.array([f"Company: {c}\nProduct: {p}\nAd: {a}" for c, p, a in fields], dtype=object)


def crossed(task: Task, rows: np.ndarray, embed: Embed) -> tuple[Task, np.ndarray]:
    """Claims: every product with every ad, among those of `rows` that are supported, one a company.

    Returns the task with these texts behind its own, and their positions as a table, int64 (c, c): product i
    with ad j; the diagonal is supported ("yes"), the rest is not, or hardly ever.
    """
    lines = pd.DataFrame(
        [[part.split(": ", 1)[1] for part in text.split("\n")] for text in task.texts[rows]],
        columns=["company", "product", "ad"],
    )
    true = lines[task.labels[rows] == "yes"].drop_duplicates("company")
    c, n = len(true), len(task.texts)
    left, right = true.iloc[np.repeat(np.arange(c), c)], true["ad"].iloc[np.tile(np.arange(c), c)]
    texts = claim_texts(left["company"], left["product"], right)
    cosine = _cosines(embed, left["product"], right)
    more = dataclasses.replace(
        task,
        texts=np.concatenate([task.texts, texts]),
        labels=np.concatenate([task.labels, np.where(np.eye(c, dtype=bool).ravel(), "yes", "no")]),
        vectors=np.vstack([task.vectors, _embedded(embed, texts)]),
        fields=np.vstack([task.fields, cosine]),
        kinds=None,
        groups=None,
    )
    return more, n + np.arange(c * c).reshape(c, c)


def _cosines(embed: Embed, first: Sequence[str], second: Sequence[str]) -> np.ndarray:
    return np.einsum("nd,nd->n", _embedded(embed, first), _embedded(embed, second))[:, None]


def _embedded(embed: Embed, texts: Sequence[str]) -> np.ndarray:
    return np.asarray(embed(list(texts)), dtype=np.float64)


def _sorted(drawn: Iterable[Sequence[np.ndarray]]) -> tuple[Split, ...]:
    return tuple(Split(np.sort(train), np.sort(test)) for train, test in drawn)
