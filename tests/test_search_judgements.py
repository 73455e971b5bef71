"""The judged queries of lesson 03: whole, and about reviews that are there."""

import pandas as pd
import pytest

from helpers import reviews, settings

KINDS = ["words", "meaning", "opinion", "need"]
SETS = ["sample", "1k"]


@pytest.fixture(scope="module")
def queries() -> pd.DataFrame:
    return pd.read_csv(settings.DATA / "search_queries.csv", encoding="utf-8", dtype=str)


@pytest.fixture(scope="module")
def judgements() -> pd.DataFrame:
    return pd.read_csv(settings.DATA / "search_judgements.csv", encoding="utf-8")


def test_the_queries_are_complete_and_different(queries):
    assert list(queries.columns) == ["query_id", "query", "kind", "wanted"]
    assert not queries.isna().any().any()
    assert list(queries["query_id"]) == [f"q{number:02}" for number in range(1, len(queries) + 1)]
    assert queries["query"].str.lower().is_unique
    assert queries["wanted"].str.match("2: .+; 1: .+").all()
    assert queries["kind"].value_counts().to_dict() == dict.fromkeys(KINDS, 8)


def test_the_judgements_hold_only_ids_and_grades(judgements):
    assert list(judgements.columns) == ["query_id", "data", "review_id", "grade"]
    assert set(judgements["data"]) == set(SETS)
    assert set(judgements["grade"]) == {0, 1, 2}
    assert pd.api.types.is_integer_dtype(judgements["review_id"])


def test_no_review_is_judged_twice_and_all_is_sorted(judgements):
    keys = ["query_id", "data", "review_id"]
    assert not judgements.duplicated(keys).any()
    in_order = judgements.sort_values(
        keys, key=lambda column: column.map(SETS.index) if column.name == "data" else column
    )
    assert in_order.index.is_monotonic_increasing


def test_every_query_is_judged_and_has_something_to_find(queries, judgements):
    pairs = judgements.groupby(["query_id", "data"])["grade"]
    assert (pairs.apply(lambda grades: (grades > 0).sum()) >= 2).all()
    assert (pairs.size() >= 20).all()
    assert set(judgements["query_id"]) == set(queries["query_id"])
    assert {query for query, data in pairs.groups if data == "sample"} == set(queries["query_id"])


def test_relevant_reviews_are_the_smaller_part(judgements):
    """A pool of nothing but hits could not tell one system from another."""
    share = (judgements["grade"] > 0).groupby(judgements["query_id"]).mean()
    assert share.max() < 0.9 and (judgements["grade"] > 0).mean() < 0.5


def test_the_judged_reviews_are_in_the_sample_after_tidying(judgements):
    ids = set(reviews.tidy(reviews.load("sample"))["Id"])
    assert set(judgements.loc[judgements["data"] == "sample", "review_id"]) <= ids


def test_the_judged_reviews_are_in_the_real_file_after_tidying(judgements, real_reviews):
    rows = reviews.tidy(reviews.load(real_reviews))
    assert rows["Id"].is_unique
    assert set(judgements.loc[judgements["data"] == "1k", "review_id"]) <= set(rows["Id"])


def test_a_known_answer_in_the_sample(queries, judgements):
    """Ids that shifted against their reviews would show here: a product's name stands in its review."""
    rows = reviews.load("sample").set_index("Id")
    words = {"salt and vinegar chips": "vinegar", "green tea": "tea|matcha", "dark chocolate": "choc|dark"}
    for query, pattern in words.items():
        number = queries.loc[queries["query"] == query, "query_id"].item()
        answers = judgements[(judgements["query_id"] == number) & (judgements["data"] == "sample")]
        chosen = answers.loc[answers["grade"] == 2, "review_id"]
        texts = rows.loc[chosen, "Summary"] + " " + rows.loc[chosen, "Text"]
        assert len(texts) and texts.str.lower().str.contains(pattern).all()
