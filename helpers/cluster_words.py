"""What groups of texts are about, in words: counts per group, class-based TF-IDF, the most distinctive words.

Class-based TF-IDF: M. Grootendorst, "BERTopic: Neural topic modeling with a class-based TF-IDF procedure",
2022, https://arxiv.org/abs/2203.05794. As in his package, a word's count is divided by the group's words,
so that large groups do not win by size; unlike there, the mean number of words A is not rounded down.
Left out: runs of words, word forms (dog and dogs are two words), languages other than English.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from helpers.errors import DataError

FEWEST_TEXTS = 5  # a word in fewer texts may be one writer's, and says little about a group
# two letters or more, no digits; of "don't" and "they've" nothing, for "don" and "ve" are no words
WORD = r"(?u)(?<!['’])\b[^\W\d_]{2,}\b(?!['’]t\b)"
DIGITS_THAT_COUNT = 12


def word_counts(
    texts: Sequence[str], labels: ArrayLike, *, fewest: int = FEWEST_TEXTS
) -> tuple[np.ndarray, np.ndarray]:
    """How often each word occurs in each group of texts.

    Returns the words, shape (m,), in alphabetical order, and their counts, int (k, m), a row per group in the
    order of the groups' numbers. Words are small letters; scikit-learn's English stop words (the, and, ...)
    and words in fewer than `fewest` texts are left out. Raises DataError when no word is left.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    texts, labels = list(texts), np.asarray(labels, dtype=int)
    if len(texts) != len(labels):
        raise DataError(
            f"There are {len(texts)} texts and {len(labels)} labels: one label is needed per text."
        )
    vectorizer = CountVectorizer(stop_words="english", min_df=min(fewest, len(texts)), token_pattern=WORD)
    try:
        counts = vectorizer.fit_transform(texts)  # (n, m)
    except ValueError as error:  # scikit-learn: empty vocabulary, or none left
        raise DataError(
            f"No word is in {fewest} of the {len(texts)} texts or more, stop words aside: give more texts, "
            "or a smaller `fewest`."
        ) from error
    per_group = [np.asarray(counts[labels == group].sum(axis=0)).ravel() for group in np.unique(labels)]
    return vectorizer.get_feature_names_out(), np.array(per_group)


def class_tfidf(counts: ArrayLike, *, damped: bool = False) -> np.ndarray:
    """Class-based TF-IDF of every word in every group, shape (k, m), from its `counts`, (k, m).

    A word's share of the group's words, times log(1 + A / f): A is the mean number of words per group, f how
    often the word occurs in all groups. `damped` takes the root of the share, so that words which are
    frequent everywhere weigh less (BERTopic's `reduce_frequent_words`). A word that never occurs gets 0.
    """
    counts = np.asarray(counts, dtype=float)
    totals, often = counts.sum(axis=1, keepdims=True), counts.sum(axis=0)
    shares = counts / np.where(totals == 0, 1, totals)
    shares = np.sqrt(shares) if damped else shares
    return shares * np.log1p(totals.mean() / np.where(often == 0, np.inf, often))


def distinctive(texts: Sequence[str], labels: ArrayLike, count: int = 6) -> dict[int, list[str]]:
    """The `count` words of each group with the greatest damped class-based TF-IDF, ties by alphabet.

    Only words that are more frequent in the group than in the rest: "good" is in every group, and its being
    somewhat rarer in one is not what that group is about. A group may thus have fewer words, or none.
    """
    words, counts = word_counts(texts, labels)
    weights = class_tfidf(counts, damped=True)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rest = counts.sum(axis=0) - counts
    elsewhere = rest / np.maximum(rest.sum(axis=1, keepdims=True), 1)
    weights = np.where(shares > elsewhere, weights, 0).round(DIGITS_THAT_COUNT)
    order = np.argsort(-weights, axis=1, kind="stable")[:, :count]
    return {
        int(group): [str(words[i]) for i in places if row[i] > 0]
        for group, places, row in zip(np.unique(np.asarray(labels, dtype=int)), order, weights)
    }
