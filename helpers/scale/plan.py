"""What a large run will cost, computed before it: requests, hours, dollars, bytes, by each way of sending.

Arithmetic on limits and prices, so it is as good as they are: put in your own account's limits. Left out:
failures, and how long a host really takes; lesson 13 holds what happened beside what was planned.
"""

import dataclasses
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from helpers import prices, settings
from helpers.batches import BYTES_PER_FILE, INPUTS_PER_FILE
from helpers.embedding_plan import INPUTS_PER_REQUEST, TOKENS_PER_REQUEST

if TYPE_CHECKING:
    import openai
    import pandas as pd

RESULTS = settings.DATA / "scale_results.csv"


@dataclasses.dataclass(frozen=True)
class Limits:
    """What an account may send. The defaults are those of a new one that has paid once (OpenAI's tier 1) for
    text-embedding-3-small, as users report them (community.openai.com, thread 1028595, November 2024): look
    up yours under Settings, Limits."""

    requests_per_minute: int = 3_000
    tokens_per_minute: int = 1_000_000
    batch_queue_tokens: int = 3_000_000  # in batches that have not finished
    seconds_per_request: float = 0.3  # an assumption, for requests one after the other
    hours_per_batch: float = 24.0  # at the latest; often much sooner, and nobody promises that


def table(rows: int, tokens: int, model: str, limits: Limits | None = None) -> "pd.DataFrame":
    """Ways to embed `rows` texts of `tokens` tokens together with a hosted model: one row per way.

    Columns: calls (requests; for the Batch API files), hours (at the limit that bites first; for the Batch
    API if every load takes its whole window), limit (which), dollars (NaN where the price is not known).
    """
    import pandas as pd

    limits = limits or Limits()
    packed = max(math.ceil(rows / INPUTS_PER_REQUEST), math.ceil(tokens / TOKENS_PER_REQUEST))
    ways = {
        "one request per row, one at a time": _live(rows, rows, tokens, limits, 1),
        "one request per row, 8 at a time": _live(rows, rows, tokens, limits, 8),
        "one request per row, 32 at a time": _live(rows, rows, tokens, limits, 32),
        "packed requests, 8 at a time": _live(packed, rows, tokens, limits, 8),
    }
    rounds = math.ceil(tokens / limits.batch_queue_tokens)
    files = math.ceil(rows / INPUTS_PER_FILE)
    waits = max(rounds, 1) * limits.hours_per_batch
    ways["Batch API"] = (max(files, rounds), waits, "batch queue" if rounds > 1 else "window")
    result = pd.DataFrame.from_dict(ways, orient="index", columns=["calls", "hours", "limit"])
    result["dollars"] = [prices.embedding_cost(tokens, model, batch=way == "Batch API") for way in ways]
    return result.astype({"dollars": float})


def _live(requests: int, rows: int, tokens: int, limits: Limits, at_once: int) -> tuple[int, float, str]:
    """Requests, hours and the limit that bites, for requests that are answered at once."""
    minutes = {
        "waiting for answers": requests * limits.seconds_per_request / at_once / 60,
        "requests per minute": requests / limits.requests_per_minute,
        "tokens per minute": tokens / limits.tokens_per_minute,
    }
    limit = max(minutes, key=lambda name: minutes[name])
    return requests, minutes[limit] / 60, limit


def seconds_held_up(tokens: int, tokens_per_minute: int) -> float:
    """How long so many tokens take at the least, with a full minute's allowance at the start."""
    return max(0.0, (tokens - tokens_per_minute) / tokens_per_minute * 60)


def limited_client(tokens_per_minute: int) -> "openai.OpenAI":
    """A client of the embedded engine with an account's limit, to try a plan on: beyond it, a real 429."""
    import httpx2
    import openai

    from helpers import engine
    from helpers.engine.app import create_app
    from helpers.engine.transport import EngineTransport

    app = create_app(tokens_per_minute=tokens_per_minute)
    http = httpx2.Client(transport=EngineTransport(app))
    return openai.OpenAI(base_url=engine.BASE_URL, api_key="not-needed", http_client=http)


def gigabytes(rows: int, dimensions: int, bytes_per_number: int = 4) -> float:
    """What the vectors take, on the disk or in memory."""
    return rows * dimensions * bytes_per_number / 1e9


def batch_files(rows: int, bytes_per_request: float) -> int:
    """How many input files a Batch API run of `rows` texts, one per request, is split into."""
    by_size = math.floor(BYTES_PER_FILE / bytes_per_request)
    return math.ceil(rows / min(INPUTS_PER_FILE, by_size))


def recorded(tasks: Iterable[str] | None = None, path: Path | None = None) -> "pd.DataFrame":
    """What tests/benchmarks/scale.py measured when it last ran, one row per task, way and number of rows.

    Columns: task, way, rows, rounds, seconds (the median of the rounds), low and high (their range),
    peak_megabytes (of the process's memory), size_megabytes (of the file, graph or matrix), value and its
    unit. What does not apply is NaN.
    """
    import pandas as pd

    found = pd.read_csv(path or RESULTS)
    return found if tasks is None else found[found.task.isin(list(tasks))].reset_index(drop=True)
