"""helpers.prices: dollars are tokens times the dated price, and an unknown model has no price."""

import numpy as np
import pytest

from helpers import prices


@pytest.mark.parametrize(
    ("model", "dollars"),
    [("text-embedding-3-small", 0.02), ("text-embedding-3-large", 0.13), ("text-embedding-ada-002", 0.10)],
)
def test_a_million_tokens_cost_the_price(model, dollars):
    assert prices.embedding_cost(1_000_000, model) == pytest.approx(dollars)
    assert prices.embedding_cost(1_000_000, model, batch=True) == pytest.approx(dollars / 2)
    assert prices.embedding_cost(500, model) == pytest.approx(dollars / 2_000)


def test_the_engine_costs_nothing_and_an_unknown_model_has_no_price():
    assert prices.embedding_cost(10**9, "wordllama-256") == 0
    assert prices.embedding_cost(10**9, "my-deployment") is None


def test_numpy_counts_are_welcome_and_negative_ones_are_not():
    cost = prices.embedding_cost(np.int64(2_000_000), "text-embedding-3-small")
    assert type(cost) is float
    assert cost == pytest.approx(0.04)
    with pytest.raises(ValueError, match="negative"):
        prices.embedding_cost(-1, "text-embedding-3-small")


def test_a_price_that_was_looked_up_can_be_used():
    assert prices.cost(500_000, 3.0) == pytest.approx(1.5)
    assert prices.cost(0, 3.0) == 0
    for bad in ((-1, 3.0), (1, -3.0)):
        with pytest.raises(ValueError, match="negative"):
            prices.cost(*bad)


def test_table_says_where_and_when():
    table = prices.table().set_index("model")
    assert table.loc["text-embedding-3-small", "source"] == prices.DOCUMENTED
    assert table.loc["text-embedding-ada-002", "source"] == prices.REPORTED
    assert table.loc["text-embedding-3-large", "usd_per_million_batch"] == pytest.approx(0.065)
    hosted = table.drop("wordllama-256")
    assert hosted["as_of"].str.fullmatch(r"\d{4}-\d{2}").all()
    assert (hosted["batch_source"] == prices.REPORTED).all()
    assert table.loc["wordllama-256", ["as_of", "batch_source"]].eq("").all()
    assert table.notna().all(axis=None)
