"""The bundled sample is what its data card says, and keeps within the ranges of `sample_figures`."""

import re

import pandas as pd
import pytest
import sample_figures

from helpers import reviews, settings

DAY = 24 * 3600


@pytest.fixture(scope="module")
def sample() -> pd.DataFrame:
    return reviews.load("sample")


def test_kaggles_columns_to_the_letter(sample):
    header = (settings.DATA / "reviews_sample.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == ",".join(reviews.COLUMNS)
    assert len(sample) == 1_000
    assert sample.attrs["skipped_count"] == 0
    assert sample["Id"].tolist() == list(range(1, 1_001))


def test_identifiers_are_invented_and_consistent(sample):
    assert sample["ProductId"].str.fullmatch(r"B0W[A-Z0-9]{7}").all()
    assert sample["UserId"].str.fullmatch(r"A[A-Z0-9]{13}").all()
    assert (sample.groupby("UserId")["ProfileName"].nunique() == 1).all()


def test_days(sample):
    assert (sample["Time"] % DAY == 0).all()
    years = reviews.dates(sample).dt.year
    assert (years.min(), years.max()) == (1999, 2012)


def test_products_and_users_are_as_many_as_the_card_says(sample):
    assert 170 <= sample["ProductId"].nunique() <= 210
    assert 550 <= sample["UserId"].nunique() <= 620
    often = sample.groupby("UserId").size()
    assert (often >= 4).sum() >= 50


def test_some_products_divide_their_buyers(sample):
    scores = sample.groupby("ProductId")["Score"]
    divided = (scores.size() >= 8) & (scores.min() <= 2) & (scores.max() == 5)
    assert divided.sum() >= 15


def test_oddities_are_there_and_rare(sample):
    counts = reviews.problems(sample).set_index("problem")["count"]
    assert 5 <= counts["more helpful votes than votes"] <= 10
    assert 5 <= counts["HTML entities in the text"] <= 15
    assert 150 <= counts["HTML tags in the text"] <= 300
    assert counts["no summary"] == 2
    exact, nearly = (
        counts["text repeats an earlier one"],
        counts["text repeats, markup, case and marks aside"],
    )
    assert 3 <= nearly - exact <= 10
    repeated = sample[sample["Text"].duplicated(keep=False)].groupby("Text")
    assert (repeated["ProductId"].nunique() > 1).all()
    assert (repeated["UserId"].nunique() == 1).all()


def test_only_characters_that_a_keyboard_has(sample):
    texts = sample["Summary"].fillna("") + " " + sample["Text"]
    assert not texts.str.contains("[\u2013\u2014\u2018\u2019\u201c\u201d\u2026\x00-\x1f\x7f]").any()
    assert not texts.str.contains(r"https?://|www\.|@\w").any()


def test_integrity_figures(sample):
    unique = reviews.without_repeats(sample, normalised=True)
    slow = {"sentiment", "nearest", "silhouette", "forest"}
    for name, figure, low, high in sample_figures.FIGURES:
        if not any(word in name for word in slow):
            assert low <= figure(unique) <= high, name


def test_as_hard_as_the_real_reviews(sample):
    """Sentiment must be learnable from frozen vectors, and not easy."""
    unique = reviews.without_repeats(sample, normalised=True)
    assert 0.80 <= sample_figures.sentiment_auroc(unique) <= 0.92
    assert 0.52 <= sample_figures.nearest_cosine(unique) <= 0.68


def test_nothing_is_copied_from_the_real_reviews(sample, real_reviews):
    """Ordinary turns of phrase are shared by all who write English; ten words in a row are not."""

    def runs(texts: pd.Series) -> set[tuple[str, ...]]:
        found = set()
        for text in texts:
            words = re.findall(r"[a-z0-9']+", re.sub(r"<[^>]*>", " ", text.lower()))
            found.update(zip(*(words[i:] for i in range(10))))
        return found

    assert runs(sample["Text"]) & runs(reviews.load(real_reviews)["Text"]) == set()
