"""Which host answers the SDK's calls: the embedded engine, OpenAI, Azure, or any compatible server.

| setting (environment or `.env`)                    | host                                      |
|----------------------------------------------------|-------------------------------------------|
| `OPENAI_BASE_URL` (and `OPENAI_API_KEY` if needed) | a server that speaks OpenAI's API         |
| `OPENAI_API_KEY`                                   | OpenAI                                    |
| `AZURE_OPENAI_ENDPOINT`, `AZURE_OPENAI_API_KEY`    | Azure OpenAI, through its v1 URL          |
| none of them                                       | the embedded engine: no key, no network   |

The first row that fits wins; `WORKBOOK_HOST` = embedded, openai, azure or compatible overrides it.
`WORKBOOK_EMBEDDING_MODEL`, `WORKBOOK_CHAT_MODEL`, `WORKBOOK_COMPLETION_MODEL` (for `completions.create`)
and `WORKBOOK_TUNING_MODEL` (what fine-tuning starts from) name models; on Azure the first three deployments.
`AZURE_OPENAI_API_VERSION` (a date) is for Azure resources or gateways without the v1 URL: then the client
is an `AzureOpenAI`, which talks to the older paths. Better is to leave it out: the v1 URL needs no version.

Left out: anything that a call does. The topic modules get `Host.client` and a model's name, no more.
"""

import dataclasses
import re
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from helpers import settings
from helpers.errors import HostError

if TYPE_CHECKING:
    import openai

Kind = Literal["embedded", "openai", "azure", "compatible"]
KINDS: tuple[Kind, ...] = ("embedded", "openai", "azure", "compatible")

OPENAI_URL = "https://api.openai.com/v1"
DEFAULT_EMBEDDING_MODEL = "text-embedding-3-small"
KEY_SETTINGS = ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY")
LIKE_A_KEY = re.compile(r"\b(?:sk|pk|key)-[\w-]{6,}|\b[0-9a-fA-F]{32,}\b")
API_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?", re.ASCII)
SECONDS_TO_ASK = 10  # for the small calls that only look whether a host is there


@dataclasses.dataclass(frozen=True)
class Host:
    """A host that serves models, and the names under which it serves them. Shows itself without the key."""

    kind: Kind
    label: str
    base_url: str
    embedding_model: str
    chat_model: str | None
    client: "openai.OpenAI" = dataclasses.field(repr=False)
    completion_model: str | None = dataclasses.field(default=None, repr=False)
    tuning_model: str | None = dataclasses.field(default=None, repr=False)
    # Where embeddings that were paid for are kept. Not shown: outputs travel, and a path tells a user's name.
    cache: Path | None = dataclasses.field(default=None, repr=False)


def connect(host: str | None = None) -> Host:
    """The host to use: `host`, else the setting `WORKBOOK_HOST`, else what the table above finds.

    Nothing is sent yet, but to a compatible server whose embedding model no setting names: it is asked.
    Raises HostError when the name is unknown, a setting is missing or that server does not answer.
    """
    kind = host or settings.get("WORKBOOK_HOST") or _kind_from_settings()
    if kind not in KINDS:
        raise HostError(f"Unknown host {kind!r}: WORKBOOK_HOST is one of {', '.join(KINDS)}.")
    makers = {"embedded": _embedded, "openai": _openai, "azure": _azure, "compatible": _compatible}
    return makers[kind]()


def check(host: Host) -> None:
    """Embed one word, so that a wrong key, URL or model shows now and not in the middle of a lesson.

    Raises HostError with one sentence that says what is wrong.
    """
    import openai

    client = host.client.with_options(max_retries=1, timeout=SECONDS_TO_ASK)
    try:
        client.embeddings.create(model=host.embedding_model, input="hello")
    except (openai.OpenAIError, ValueError) as error:
        raise HostError(explain(error, host)) from error


def explain(error: Exception, host: Host | None = None) -> str:
    """One plain sentence for an exception of the SDK, without any key that is set or looks like one.

    `host` lets it name the setting to look at; without it the sentence speaks of "the host".
    """
    import openai

    who = host.label if host else "The host"
    match error:
        case openai.AuthenticationError():
            what = f"{who} refused the key. Check {_key_setting(host)} for a missing or extra character."
            return f"{what}{_or_whose(host)}"
        case openai.PermissionDeniedError():
            return f"{who} does not allow this key to do that: {_said(error, host)}"
        case openai.NotFoundError():
            hint = _hint_on_names(host, error.code)
            return f"{who} has no such model or address: {_said(error, host)} {hint}"
        case openai.RateLimitError() if error.code == "insufficient_quota":
            return f"{who} says that the account's credit is used up; waiting does not help."
        case openai.RateLimitError():
            return f"{who} asks for slower requests: {_said(error, host)}"
        case openai.APITimeoutError():
            return f"{who} did not answer in time. Is the network slow, or the address wrong? {OFFLINE}"
        case openai.APIConnectionError():
            where = f" ({host.base_url})" if host else ""
            return f"{who} cannot be reached{where}. Is there a network, and is the address right? {OFFLINE}"
        case openai.InternalServerError():
            return f"{who} failed (status {error.status_code}). Try again later."
        case openai.APIStatusError():
            return f"{who} refused the request (status {error.status_code}): {_said(error, host)}"
    return (
        f"{who} sent something that is not OpenAI's API. Is {host.base_url if host else 'the address'} right?"
    )


OFFLINE = "Without one, set WORKBOOK_HOST=embedded."


def _kind_from_settings() -> Kind:
    if settings.get("OPENAI_BASE_URL"):
        return "compatible"
    if settings.get("OPENAI_API_KEY"):
        return "openai"
    if settings.get("AZURE_OPENAI_ENDPOINT") and settings.get("AZURE_OPENAI_API_KEY"):
        return "azure"
    return "embedded"


def _embedded() -> Host:
    from helpers import engine
    from helpers.engine import registry

    return Host(
        kind="embedded",
        label="The embedded engine",
        base_url=engine.BASE_URL,
        embedding_model=registry.EMBEDDINGS,
        chat_model=None,  # its text model is a toy: no lesson should send it a prompt unasked
        completion_model=registry.TEXT,
        tuning_model=registry.CLASSIFIER,
        client=engine.client(),
    )


def _openai() -> Host:
    return _remote("openai", "OpenAI", OPENAI_URL, _required("OPENAI_API_KEY", "openai"))


def _azure() -> Host:
    import openai

    v1 = _azure_v1_url(_required("AZURE_OPENAI_ENDPOINT", "azure"))
    key = _required("AZURE_OPENAI_API_KEY", "azure")
    host = _remote("azure", "Azure OpenAI", v1, key)
    version = settings.get("AZURE_OPENAI_API_VERSION")
    if version is None:
        return host
    if not API_VERSION.fullmatch(version):
        raise HostError(
            "AZURE_OPENAI_API_VERSION must be a date like 2024-10-21, with or without -preview behind it. "
            "Without that setting the v1 URL is used, which needs no version."
        )
    endpoint = v1.removesuffix("/openai/v1")
    client = openai.AzureOpenAI(azure_endpoint=endpoint, api_key=key, api_version=version)
    return dataclasses.replace(
        host,
        label=f"Azure OpenAI (api-version {version})",
        base_url=f"{endpoint}/openai",
        client=client,
    )


def _compatible() -> Host:
    url = _checked_url("OPENAI_BASE_URL", _required("OPENAI_BASE_URL", "compatible"))
    key = settings.get("OPENAI_API_KEY") or "no-key"
    host = _remote("compatible", f"The server at {urllib.parse.urlsplit(url).netloc}", url, key)
    if settings.get("WORKBOOK_EMBEDDING_MODEL"):
        return host
    return dataclasses.replace(host, embedding_model=_ask_for_embedding_model(host))


def _remote(kind: Kind, label: str, base_url: str, key: str) -> Host:
    import openai

    return Host(
        kind=kind,
        label=label,
        base_url=base_url,
        embedding_model=settings.get("WORKBOOK_EMBEDDING_MODEL") or DEFAULT_EMBEDDING_MODEL,
        chat_model=settings.get("WORKBOOK_CHAT_MODEL"),
        completion_model=settings.get("WORKBOOK_COMPLETION_MODEL"),
        tuning_model=settings.get("WORKBOOK_TUNING_MODEL"),
        client=openai.OpenAI(base_url=base_url, api_key=key),
        cache=settings.cache_folder() / "embeddings.sqlite",
    )


def _required(name: str, kind: Kind) -> str:
    value = settings.get(name)
    if value is None:
        raise HostError(
            f"The host {kind!r} needs {name}. Set it in the environment, or write {name}=... into a file "
            f"named .env in {settings.ROOT}."
        )
    if not value.isascii() or any(character.isspace() for character in value):
        raise HostError(f"{name} holds a blank or a character that no key or address has. Copy it again.")
    return value


def _checked_url(name: str, url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        # What it holds instead is not said: it may be a key that went into the wrong line.
        raise HostError(f"{name} must be an address like https://host/v1, and what it holds is none.")
    if parts.username or parts.password:
        raise HostError(f"{name} holds a user name or password. Put the key into OPENAI_API_KEY instead.")
    if (parts.query or parts.fragment) and name == "OPENAI_BASE_URL":
        raise HostError(f"{name} must end before the `?` or `#`. A key belongs into OPENAI_API_KEY.")
    return url.rstrip("/")


def _azure_v1_url(endpoint: str) -> str:
    """`https://NAME.openai.azure.com`, with or without a path behind it, as the v1 base URL."""
    parts = urllib.parse.urlsplit(_checked_url("AZURE_OPENAI_ENDPOINT", endpoint))
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise HostError("AZURE_OPENAI_ENDPOINT must begin with https://, or the key is sent unprotected.")
    return f"{parts.scheme}://{parts.netloc}/openai/v1"


def _ask_for_embedding_model(host: Host) -> str:
    import openai

    from helpers.engine import registry

    try:
        models = host.client.with_options(max_retries=0, timeout=SECONDS_TO_ASK).models.list()
        names = sorted(model.id for model in models)
    except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
        raise HostError(explain(error, host)) from error
    candidates = [name for name in names if "embed" in name.lower() or name == registry.EMBEDDINGS] or names
    if len(candidates) == 1:
        return candidates[0]
    raise HostError(
        f"{host.label} offers {', '.join(names) or 'no models'}. "
        "Set WORKBOOK_EMBEDDING_MODEL to the one that makes embeddings."
    )


def _key_setting(host: Host | None) -> str:
    return "AZURE_OPENAI_API_KEY" if host and host.kind == "azure" else "OPENAI_API_KEY"


def _or_whose(host: Host | None) -> str:
    if host and host.kind == "azure":
        return " A key fits one resource only: is AZURE_OPENAI_ENDPOINT the one it belongs to?"
    return ""


def _hint_on_names(host: Host | None, code: str | None = None) -> str:
    if host and host.kind == "azure" and code == "404":  # not a word about a deployment: the path is wrong
        return "Check AZURE_OPENAI_ENDPOINT, and AZURE_OPENAI_API_VERSION if it is set."
    if host and host.kind == "azure":
        return "On Azure a model is called by its deployment's name; put that into WORKBOOK_EMBEDDING_MODEL."
    return "WORKBOOK_EMBEDDING_MODEL sets the model's name."


def _said(error: "openai.APIStatusError", host: Host | None) -> str:
    """The server's own words, in one line, cut, and without the key should they hold it."""
    body = error.body if isinstance(error.body, dict) else {}
    words = " ".join(str(body.get("message") or f"status {error.status_code}").split())
    keys = [host.client.api_key if host else None, *map(settings.get, KEY_SETTINGS)]
    for key in filter(None, keys):
        words = words.replace(key, "[key]")
    words = LIKE_A_KEY.sub("[key]", words)[:300]
    return words if words.endswith(".") else f"{words}."
