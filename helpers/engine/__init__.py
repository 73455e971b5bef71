"""The embedded engine: OpenAI's REST API answered inside this process by small real models.

`client()` gives an ordinary `openai.OpenAI` whose calls never leave the process; `serve` offers the same
application on loopback to other programs. The engine knows nothing of the lessons, and never claims to
be a hosted model: its models have names of their own, and any other name is an error that lists them.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import openai

# A name that cannot resolve: a call that misses the engine's transport fails instead of leaving the machine.
BASE_URL = "http://embedded.invalid/v1"


def client(**options: Any) -> "openai.OpenAI":
    """A real SDK client on the engine. `options` go to `openai.OpenAI` (say `max_retries=0`)."""
    import httpx2
    import openai

    return openai.OpenAI(**_defaults(), http_client=httpx2.Client(transport=_transport()), **options)


def async_client(**options: Any) -> "openai.AsyncOpenAI":
    """As `client`, for `await`."""
    import httpx2
    import openai

    return openai.AsyncOpenAI(
        **_defaults(), http_client=httpx2.AsyncClient(transport=_transport()), **options
    )


def _defaults() -> dict[str, str]:
    return {"base_url": BASE_URL, "api_key": "the-embedded-engine-needs-no-key"}


def _transport() -> Any:
    from helpers.engine.app import shared_app
    from helpers.engine.transport import EngineTransport

    return EngineTransport(shared_app())
