"""What hosted embeddings cost, with the date and the source of every price.

Prices change: look at the host's own price page before you spend money. Left out: Azure's prices, which
differ by region and are charged to a deployment whose name says nothing; and training, fine-tuned and chat
models, of whose prices no source was read: `cost` takes a price that you have looked up yourself.
"""

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

DOCUMENTED = "OpenAI's documentation"
REPORTED = "third parties only"
AS_OF = "2026-09"  # the month of the documentation that was read

BATCH_DISCOUNT = 0.5  # the Batch API at half price: third parties only, 2026-09


@dataclasses.dataclass(frozen=True)
class Price:
    """What a model costs: US dollars for a million tokens of input."""

    model: str
    dimensions: int
    usd_per_million: float
    source: str
    as_of: str = AS_OF  # empty where nobody charges


PRICES = (
    Price("text-embedding-3-small", 1536, 0.02, DOCUMENTED),
    Price("text-embedding-3-large", 3072, 0.13, DOCUMENTED),
    Price("text-embedding-ada-002", 1536, 0.10, REPORTED),
    Price("wordllama-256", 256, 0.0, "runs on your own computer", as_of=""),
)


def embedding_cost(tokens: int, model: str, batch: bool = False) -> float | None:
    """US dollars for embedding that many tokens; None for a model whose price is not known here.

    `batch`: at the Batch API's price. Raises ValueError for a negative number of tokens.
    """
    if tokens < 0:
        raise ValueError(f"tokens must not be negative, but is {tokens}")
    price = next((price for price in PRICES if price.model == model), None)
    if price is None:
        return None
    return cost(tokens, price.usd_per_million) * (BATCH_DISCOUNT if batch else 1)


def cost(tokens: float, usd_per_million: float) -> float:
    """US dollars for that many tokens at a price of your own. Raises ValueError when one is negative."""
    if tokens < 0 or usd_per_million < 0:
        raise ValueError(f"tokens and price must not be negative, but are {tokens} and {usd_per_million}")
    return float(tokens) / 1e6 * usd_per_million


def table() -> "pd.DataFrame":
    """All prices: model, dimensions, US dollars per million tokens, source, month; the same by batch.

    For a model that runs on your own computer there is no month and no source of a batch price.
    """
    import pandas as pd

    prices = pd.DataFrame([dataclasses.asdict(price) for price in PRICES])
    prices["usd_per_million_batch"] = prices["usd_per_million"] * BATCH_DISCOUNT
    prices["batch_source"] = [REPORTED if price.usd_per_million else "" for price in PRICES]
    return prices
