"""What differs between hosts, what a response says about limits, and how alike OpenAI's a host is: lesson 12.

The differences are a file (data/hosts.csv), so that each fact has one place, with its date and its source:
- code: read in the code of the SDK, openai 3.54.0;
- documentation: OpenAI's or Microsoft's, in a copy that was read;
- reports: third parties only; look again before you rely on it.
Where the page is known, its address stands beside it (`where`), so that one can look again.

Also here: `play`, which has the embedded engine play a host on a real socket, with keys, deployments and
limits of its own, so that every client and every error can be met without an account; and `compatibility`,
which asks a host for what it may answer with 200 and yet not do. Left out: prices (`prices`).
"""

import functools
import html
import math
import re
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from helpers import settings
from helpers.connect import Host
from helpers.errors import DataError

if TYPE_CHECKING:
    import openai
    from flask import Flask
    from openai.types import CompletionChoice

FACTS = settings.DATA / "hosts.csv"
SOURCES = ("code", "documentation", "reports")
COLUMNS = ("topic", "about", "openai", "azure", "compatible", "source", "as_of", "where")

SHOWN_NAMES = {
    "about": "",
    "openai": "OpenAI",
    "azure": "Azure",
    "compatible": "a compatible server",
    "as_of": "as of",
}
LEFT = 'style="text-align: left; vertical-align: top"'
UNBROKEN = ("2026-", "2026\u2011")  # a date is not broken into two lines

RESULTS = settings.DATA / "local_llm_results.csv"
REFUSALS = {400, 404, 405, 422, 501}  # what was asked is not done here; other statuses have other causes
PROMPT = "My dog loves these"  # what `compatibility` has completed


@functools.cache
def _facts() -> pd.DataFrame:
    try:
        table = pd.read_csv(FACTS, dtype=str, keep_default_na=False, encoding="utf-8")
    except (OSError, ValueError) as error:
        raise DataError(f"The file {FACTS.name} cannot be read ({type(error).__name__}).") from None
    if tuple(table.columns) != COLUMNS:
        raise DataError(f"{FACTS.name} must have the columns {', '.join(COLUMNS)}.")
    return table


def facts(topic: str) -> pd.DataFrame:
    """The dated facts on `topic`: a row each, columns openai, azure, compatible, source, as_of, where.

    Columns in which no row says anything are left out. Raises ValueError for an unknown topic.
    """
    table = _facts()
    if topic not in set(table.topic):
        raise ValueError(f"There are no facts on {topic!r}: topics are {', '.join(sorted(set(table.topic)))}")
    chosen = table[table.topic == topic].drop(columns="topic").set_index("about")
    return chosen.loc[:, (chosen != "").any()]


def facts_html(topic: str, **names: str) -> str:
    """`facts` as an HTML table, every text whole and to the left, a source linked to its page where known.

    `names`: other names for its columns.
    """
    table = facts(topic).reset_index()
    addresses = table.pop("where") if "where" in table else [""] * len(table)
    shown = SHOWN_NAMES | names
    head = "".join(f"<th {LEFT}>{html.escape(shown.get(name, name))}</th>" for name in table)
    rows = "".join(
        f"<tr>{''.join(f'<td {LEFT}>{_cell(name, row[name], where)}</td>' for name in table)}</tr>"
        for row, where in zip(table.to_dict("records"), addresses, strict=True)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cell(column: str, text: str, where: str) -> str:
    shown = html.escape(text).replace(*UNBROKEN)
    return f'<a href="{html.escape(where)}">{shown}</a>' if column == "source" and where else shown


def local_llm_results(data: str = "sample") -> pd.DataFrame:
    """What Gemma 3 270M reached at telling good reviews from bad, beside others: recorded, one row a method.

    Columns: method, labelled reviews (learned from, or shown), tested on, accuracy, AUROC, the ends of its
    interval; the share called positive; the difference in AUROC to the trained words on the same reviews, and
    the ends of its interval.
    `data`: "sample" or "1k", the reviews they were measured on. Made by local_llm_sentiment.py and
    lora_on_our_file.py in tests/benchmarks.
    """
    table = pd.read_csv(RESULTS, encoding="utf-8")
    return table[table.data == data].drop(columns="data").reset_index(drop=True)


def beside_words(results: pd.DataFrame) -> list[str]:
    """For each method of `local_llm_results` but the trained words: a better order than theirs?

    A difference is told where its interval does not hold 0.
    """
    said = []
    for row in results[results["difference"] != 0].to_dict("records"):
        low, high = row["difference from"], row["difference to"]
        if pd.isna(low):
            continue
        verdict = "cannot be told apart" if low <= 0 <= high else "better" if low > 0 else "worse"
        said.append(f"{row['method']}: {verdict}, {row['difference']:+.2f} ({low:+.2f} to {high:+.2f})")
    return said


# ----------------------------------------------------------------------------- what a response says

HEADERS = ("limit", "remaining", "reset")
WAIT = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?", re.ASCII)


def seconds(wait: str) -> float:
    """A wait as hosts write it, in seconds: `20ms` is 0.02, `6s` is 6, `1m30s` is 90, a bare `2` is 2.

    Raises ValueError for anything else.
    """
    text = wait.strip()
    if re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII):
        return float(text)
    match = WAIT.fullmatch(text)
    if not text or match is None:
        raise ValueError(f"{wait!r} is no wait like 20ms, 6s or 1m30s")
    hours, minutes, whole, thousandths = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + whole + thousandths / 1000


def allowance(headers: Mapping[str, str]) -> pd.DataFrame:
    """What is left of the minute's allowance, from a response's headers.

    Index: requests, tokens (those of which the host says what remains); columns: limit, remaining, reset (s),
    the seconds until the allowance is full again; NaN where the host does not say. Azure often sends
    `remaining` only, or -1 (openai-dotnet 838, azure-rest-api-specs 26884): then only a 429 tells. Empty
    where there are no such headers, as with many servers.
    """
    rows = {}
    for what in ("requests", "tokens"):
        limit, remaining, reset = (headers.get(f"x-ratelimit-{kind}-{what}", "") for kind in HEADERS)
        if (left := _at_least_0(int, remaining)) is not None:
            rows[what] = [_at_least_0(int, limit), left, _at_least_0(seconds, reset)]
            if rows[what][0] is None:  # no limit of -1 or unknown, so `reset` means nothing either
                rows[what][2] = None
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["limit", "remaining", "reset (s)"])
    return table.fillna(math.nan).infer_objects()


def _at_least_0(read: Callable[[str], float], text: str) -> float | None:
    try:
        value = read(text)
    except ValueError:
        return None
    return value if value >= 0 else None


# ----------------------------------------------------------------------------- the engine on a stage


class Stage:
    """The embedded engine on a socket of this machine, until `stop()` or the end of the `with` block.

    `address` is what a client's base URL begins with: `/v1` behind it is OpenAI's path, `/openai/v1` Azure's,
    and an `AzureOpenAI` client takes it bare, as its endpoint. Its port is another each time.
    """

    def __init__(self, app: "Flask", folder: "tempfile.TemporaryDirectory | None" = None):
        from helpers.engine import serve

        self._folder = folder
        self._server = serve.start_in_background(app=app)
        self.address = f"http://{serve.ADDRESS}:{self._server.server_port}"

    def stop(self) -> None:
        """Close the socket. A second call does nothing."""
        self._server.shutdown()
        self._server.server_close()
        if self._folder:
            self._folder.cleanup()

    def __enter__(self) -> str:
        return self.address

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return "the embedded engine on a socket of this machine"


def play(
    *,
    keys: Collection[str] = (),
    deployments: Mapping[str, str] | None = None,
    requests_per_minute: int | None = None,
) -> Stage:
    """Have the embedded engine play OpenAI and an Azure resource at once.

    Without `keys` it takes any; without `deployments` every model is deployed under its own name, with them
    (names to models) Azure's paths know no other. It has files and trained models of its own, none at first.
    """
    from helpers.engine import azure, limits
    from helpers.engine.app import create_app
    from helpers.engine.store import Store

    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)  # Windows keeps what is still open
    app = create_app(
        requests_per_minute=requests_per_minute or limits.REQUESTS_PER_MINUTE, store=Store(Path(folder.name))
    )
    return Stage(azure.guard(app, keys=keys, deployments=deployments), folder)


def stage_host(kind: str, client: "openai.OpenAI", model: str) -> Host:
    """What `connect.explain` needs to know of a host that is played: `kind` is "openai" or "azure"."""
    label = {"openai": "OpenAI", "azure": "Azure OpenAI"}[kind]
    return Host(kind, label, "", model, None, client)


# ----------------------------------------------------------------------------- how alike OpenAI's a host is


def compatibility(client: "openai.OpenAI", embeddings: str | None, completions: str | None) -> pd.DataFrame:
    """What a host does with requests that some answer without doing what they say; a row each.

    Column `does`: "as OpenAI", "refuses" (an error, so that one notices), "ignores" (an answer as if nothing
    had been asked: nobody notices), "not known (401)" where a status has nothing to do with what was asked: a
    wrong key, too many requests, a host that is down. The two models are names; None leaves their questions
    out. About ten short requests.
    """
    asked = {"an address for models": lambda: bool(list(client.models.list()))}
    if embeddings:
        asked |= _about_embeddings(client, embeddings)
    if completions:
        asked |= _about_completions(client, completions)
    asked["files"] = lambda: client.files.list() is not None
    asked["fine-tuning"] = lambda: client.fine_tuning.jobs.list() is not None
    return pd.DataFrame({"does": {name: _does(ask) for name, ask in asked.items()}})


def completes_as_openai(client: "openai.OpenAI", model: str) -> bool:
    """Whether a host's completions do all that is asked of them: log-probabilities, echo, suffix, stop.

    Where not, a lesson that needs them does better with the embedded engine than with answers that mislead.
    """
    return all(_does(ask) == "as OpenAI" for ask in _about_completions(client, model).values())


def _does(ask: Callable[[], bool]) -> str:
    import openai

    try:
        return "as OpenAI" if ask() else "ignores"
    except openai.APIStatusError as error:
        return "refuses" if error.status_code in REFUSALS else f"not known ({error.status_code})"


def _refused(ask: Callable[[], object]) -> bool:
    """Whether the host turns this down. Raises what says nothing about it, such as a wrong key."""
    import openai

    try:
        ask()
    except openai.APIStatusError as error:
        if error.status_code in REFUSALS:
            return True
        raise
    return False


def _about_embeddings(client: "openai.OpenAI", model: str) -> dict[str, Callable[[], bool]]:
    def embed(text: str, name: str = model, **more: int) -> int:
        return len(client.embeddings.create(model=name, input=text, **more).data[0].embedding)

    return {
        "an unknown model is an error": lambda: _refused(lambda: embed("tea", "no-such-model")),
        "an empty text is an error": lambda: _refused(lambda: embed("")),
        "dimensions=64": lambda: embed("tea", dimensions=64) == 64,
    }


def _about_completions(client: "openai.OpenAI", model: str) -> dict[str, Callable[[], bool]]:
    def complete(**more: object) -> "CompletionChoice":
        asked = {"model": model, "prompt": PROMPT, "max_tokens": 4, "temperature": 0} | more
        return client.completions.create(**asked).choices[0]

    def counted(**more: object) -> int:  # a model that reads the suffix counts its tokens
        return client.completions.create(model=model, prompt=PROMPT, max_tokens=4, **more).usage.prompt_tokens

    return {
        "completions": lambda: bool(complete().text),
        "logprobs=3 of a completion": lambda: bool(
            getattr(complete(logprobs=3).logprobs, "token_logprobs", 0)
        ),
        "echo=True": lambda: complete(echo=True).text.startswith(PROMPT),
        "suffix (insertion)": lambda: counted(suffix=" and nothing else.") > counted(),
        "stop": lambda: complete(stop=[complete().text[-1]]).finish_reason == "stop",
    }
