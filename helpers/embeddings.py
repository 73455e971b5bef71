"""Texts to a matrix of vectors, through any client: few requests, many at once, none paid twice.

`embed` sends each different text once, in requests as large as the API allows, several at a time; it waits
when the host asks for it, tries again what failed, and keeps every answer in a cache (`vector_cache`) the
moment it arrives. `save`, `load` and `about` (`vector_files`) keep reviews and vectors together in a file.

How it is done: `embedding_plan` decides what to send, `embedding_requests` sends it, `embedding_answers`
reads what comes back. Left out: the Batch API, and anything that depends on which host answers.
"""

import dataclasses
import inspect
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import urlsplit

import numpy as np

from helpers.embedding_plan import INPUTS_PER_REQUEST, TOKENS_PER_INPUT, TOKENS_PER_REQUEST, Plan, checked
from helpers.embedding_requests import Run, many
from helpers.vector_cache import VectorCache
from helpers.vector_files import about, load, save

if TYPE_CHECKING:
    import openai

__all__ = [
    "INPUTS_PER_REQUEST",
    "TOKENS_PER_INPUT",
    "TOKENS_PER_REQUEST",
    "Embedded",
    "Report",
    "about",
    "embed",
    "embed_with_report",
    "load",
    "save",
]


@dataclasses.dataclass(frozen=True)
class Report:
    """What `embed` did. `truncated` and `averaged` are positions of texts with more than 8,192 tokens."""

    texts: int
    distinct: int  # different texts
    asked: int  # texts (or parts of long ones) that the host was asked for
    from_cache: int
    requests: int
    retries: int  # requests that were sent again
    tokens: int  # as the host counts and bills them
    truncated: tuple[int, ...]
    averaged: tuple[int, ...]
    seconds: float

    def __repr__(self) -> str:
        facts = [
            f"{self.texts:,} texts, {self.distinct:,} different",
            f"{self.asked:,} asked for in {many(self.requests, 'request')}",
            f"{self.from_cache:,} from the cache",
            many(self.retries, "retry", "retries"),
            f"{len(self.truncated):,} truncated" if self.truncated else "",
            f"{len(self.averaged):,} averaged" if self.averaged else "",
            f"{self.tokens:,} tokens",
            f"{self.seconds:.1f} s",
        ]
        return "; ".join(filter(None, facts))


class Embedded(NamedTuple):
    """Vectors (n, d) and the report on how they were made."""

    vectors: np.ndarray
    report: Report

    def __repr__(self) -> str:
        n, d = self.vectors.shape
        return f"{n:,} vectors of {d:,} dimensions. {self.report}"


def embed(
    texts: Sequence[str],
    client: "openai.OpenAI",
    model: str,
    *,
    dimensions: int | None = None,
    long: Literal["truncate", "average", "error"] = "truncate",
    cache: Path | str | None = None,
    concurrency: int = 8,
    progress: bool | None = None,
) -> np.ndarray:
    """One unit-length vector a text, in the order of the texts: float32 of shape (n, d).

    `dimensions`: asks the host for shorter vectors. `long`: what to do with texts over 8,192 tokens: cut
    them, average the vectors of their parts (weighted by tokens), or refuse. `cache`: a file to keep answers
    in and to look them up. `concurrency`: requests at a time. `progress`: a bar; None: from 5 requests on.

    Raises DataError before any request when a text is empty, missing or no text, naming the positions, or
    when the cache cannot be used; HostError when the host refuses or keeps failing. What was answered by then
    is in the cache, and is not asked for again.
    """
    return embed_with_report(
        texts,
        client,
        model,
        dimensions=dimensions,
        long=long,
        cache=cache,
        concurrency=concurrency,
        progress=progress,
    ).vectors


def embed_with_report(
    texts: Sequence[str],
    client: "openai.OpenAI",
    model: str,
    *,
    dimensions: int | None = None,
    long: Literal["truncate", "average", "error"] = "truncate",
    cache: Path | str | None = None,
    concurrency: int = 8,
    progress: bool | None = None,
) -> Embedded:
    """The same as `embed`, with a report: requests, retries, tokens, what was cut or came from the cache."""
    started = time.monotonic()
    if long not in ("truncate", "average", "error") or concurrency < 1:
        raise ValueError(
            f"long must be truncate, average or error, concurrency positive: {long}, {concurrency}"
        )
    if inspect.iscoroutinefunction(client.post):
        raise ValueError("embed takes an openai.OpenAI client, not an AsyncOpenAI: it has threads of its own")
    plan = Plan(checked(texts), model, long)
    store = VectorCache(cache, _host_name(client), model, dimensions) if cache is not None else None
    run = Run(plan, client, model, dimensions, store)
    run.look_up()
    run.ask(concurrency, progress)
    report = Report(
        texts=len(plan.sources),
        distinct=plan.distinct,
        asked=len(run.todo),
        from_cache=len(plan.units) - len(run.todo),
        requests=run.requests,
        retries=run.retries,
        tokens=run.tokens,
        truncated=plan.positions_of_long if long == "truncate" else (),
        averaged=plan.positions_of_long if long == "average" else (),
        seconds=time.monotonic() - started,
    )
    return Embedded(run.result(), report)


def _host_name(client: "openai.OpenAI") -> str:
    """The client's address, which is a part of the cache's key, without a user name, password or query."""
    url = urlsplit(str(client.base_url))
    port = f":{url.port}" if url.port else ""
    return f"{url.scheme}://{url.hostname}{port}{url.path}"
