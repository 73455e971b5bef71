"""The first cell of every notebook: connect to a host, choose the data, show what is in use.

    from helpers import workbook

    lesson = workbook.start()

Left out: everything that a lesson teaches. This only saves each lesson from repeating its set-up.
"""

import dataclasses
import functools
import html
import importlib.metadata
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from helpers import reviews, settings
from helpers.connect import Host, check, connect

if TYPE_CHECKING:
    import numpy as np
    import openai
    import pandas as pd

PACKAGES = ("openai", "pandas", "numpy", "scikit-learn", "matplotlib")


@dataclasses.dataclass(frozen=True)
class Lesson:
    """What a lesson works with. In a notebook it shows itself as a small table, without any key."""

    host: Host
    reviews_path: Path

    @property
    def client(self) -> "openai.OpenAI":
        """The SDK's client for the host."""
        return self.host.client

    @property
    def embedding_model(self) -> str:
        """The name under which the host serves embeddings."""
        return self.host.embedding_model

    @property
    def completion_model(self) -> str | None:
        """The name under which the host completes texts, or None."""
        return self.host.completion_model

    @property
    def tuning_model(self) -> str | None:
        """The name of the model that fine-tuning at this host starts from, or None."""
        return self.host.tuning_model

    @functools.cached_property
    def reviews(self) -> "pd.DataFrame":
        """The food reviews: what `WORKBOOK_DATA` names, else the real 1,000 if there, else the sample."""
        return reviews.load(self.reviews_path)

    def embed(self, texts: Sequence[str]) -> "np.ndarray":
        """Vectors of unit length for texts, float32 (n, d): from the host, or its cache (`embeddings`)."""
        from helpers import embeddings

        return embeddings.embed(texts, self.client, self.embedding_model, cache=self.host.cache)

    def rows(self) -> list[tuple[str, str]]:
        """What the table shows: (what, which)."""
        return [
            ("host", self.host.label),
            ("embedding model", self.host.embedding_model),
            ("reviews", _which_reviews(self.reviews_path)),
            ("versions", _versions()),
        ]

    def __repr__(self) -> str:
        return "\n".join(f"{name:16} {value}" for name, value in self.rows())

    def _repr_html_(self) -> str:
        cells = "".join(
            f'<tr><th style="text-align: left">{html.escape(name)}</th>'
            f'<td style="text-align: left">{html.escape(value)}</td></tr>'
            for name, value in self.rows()
        )
        return f"<table>{cells}</table>"


def start() -> Lesson:
    """Connect, look whether the host answers, and find the reviews.

    Raises HostError or DataError: one sentence that says what is wrong and what to do.
    """
    host = connect()
    if host.kind != "embedded":
        check(host)
    return Lesson(host, reviews.find())


def _which_reviews(path: Path) -> str:
    if path == settings.DATA / "reviews_sample.csv":
        return "the bundled sample, written for this workbook"
    names = {
        reviews.REMOTES["1k"].name: "real: the 1,000 of OpenAI's cookbook",
        reviews.REMOTES["full"].name: "real: the whole data set",
    }
    return names.get(path.name, f"the file {path.name}")


def _versions() -> str:
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return f"Python {platform.python_version()}, {packages}"
