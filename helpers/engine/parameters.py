"""Checks that the routes share: each takes a value out of a request's body or says what is wrong.

Ranges are those that OpenAI documents (openai 3.54, the parameters of `completions`, `chat.completions` and
`responses`). A parameter that is null counts as not given.
"""

from collections.abc import Iterable
from typing import Any

from helpers.engine.errors import ApiError

STOPS = 4
CONTEXT = 8_192  # tokens of a prompt and its answer together
TOKENS_PER_REQUEST = 500_000  # that may be drawn
SEEDS = 2**63
PAIRS, KEY_LENGTH, VALUE_LENGTH = 16, 64, 512  # of metadata (openai 3.54, `shared.Metadata`)


def refuse_unknown(body: dict[str, Any], known: Iterable[str]) -> None:
    """Raises ApiError (400) for the first parameter that the route does not know."""
    for name in sorted(body.keys() - set(known)):
        raise ApiError(f"Unrecognized parameter: {name!r}.", param=name, code="unknown_parameter")


def refuse(body: dict[str, Any], name: str, allowed: tuple[Any, ...], why: str) -> None:
    """Raises ApiError (400) unless a parameter is not given or is one of the values that ask for nothing."""
    value = body.get(name)
    if value is not None and not any(type(value) is type(other) and value == other for other in allowed):
        raise ApiError(f"{name!r} is not supported here: {why}.", param=name, code="unsupported_parameter")


def whole(body: dict[str, Any], name: str, default: int, low: int, high: int) -> int:
    """A whole number from `low` to `high`."""
    value = body.get(name)
    if value is None:
        return default
    if type(value) is not int or not low <= value <= high:
        raise _wrong(name, f"a whole number from {low} to {high}", value)
    return value


def number(body: dict[str, Any], name: str, default: float, low: float, high: float) -> float:
    """A number from `low` to `high`."""
    value = body.get(name)
    if value is None:
        return default
    if type(value) not in (int, float) or not low <= value <= high:
        raise _wrong(name, f"a number from {low:g} to {high:g}", value)
    return float(value)


def flag(body: dict[str, Any], name: str) -> bool:
    """True or false; false if not given."""
    value = body.get(name)
    if value is not None and type(value) is not bool:
        raise _wrong(name, "true or false", value)
    return bool(value)


def text(body: dict[str, Any], name: str) -> str | None:
    """A string."""
    value = body.get(name)
    if value is not None:
        check_text(value, name)
    return value


def check_text(value: Any, name: str) -> None:
    """Raises ApiError (400) unless a value is a string of whole characters."""
    if not isinstance(value, str):
        raise _wrong(name, "a string", value)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ApiError(f"{name!r} has half of a surrogate pair, which is no character.", param=name) from None


def stops(body: dict[str, Any]) -> tuple[str, ...]:
    """The stop sequences: a string, or up to four."""
    value = body.get("stop")
    if value is None:
        return ()
    value = [value] if isinstance(value, str) else value
    if not isinstance(value, list) or len(value) > STOPS or not all(isinstance(s, str) and s for s in value):
        raise _wrong("stop", f"a string or a list of at most {STOPS} strings, none of them empty", value)
    return tuple(value)


def bias(body: dict[str, Any]) -> tuple[tuple[int, float], ...]:
    """`logit_bias` as (token id, bias), biases from -100 to 100."""
    value = body.get("logit_bias")
    if value is None:
        return ()
    if not isinstance(value, dict):
        raise _wrong("logit_bias", "an object of token ids and biases", value)
    pairs = []
    for token, amount in value.items():
        if not (token.isascii() and token.isdigit() and len(token) < 10):
            raise _wrong("logit_bias", "an object whose keys are token ids", token)
        if type(amount) not in (int, float) or not -100 <= amount <= 100:
            raise _wrong("logit_bias", "an object whose values are biases from -100 to 100", amount)
        pairs.append((int(token), float(amount)))
    return tuple(sorted(pairs))


def sampling(body: dict[str, Any]) -> dict[str, Any]:
    """What every text route understands of how tokens are chosen, as arguments of `generation.Generation`."""
    return {
        "temperature": number(body, "temperature", 1, 0, 2),
        "top_p": number(body, "top_p", 1, 0, 1),
        "seed": None if body.get("seed") is None else whole(body, "seed", 0, -SEEDS, SEEDS - 1) % 2**64,
        "stop": stops(body),
        "presence_penalty": number(body, "presence_penalty", 0, -2, 2),
        "frequency_penalty": number(body, "frequency_penalty", 0, -2, 2),
        "logit_bias": bias(body),
    }


def metadata(value: Any) -> dict[str, str] | None:
    """What may be attached to an object: up to 16 texts by name. Raises ApiError (400)."""
    if value is None:
        return None
    if not isinstance(value, dict) or len(value) > PAIRS:
        raise ApiError(f"'metadata' must be an object with at most {PAIRS} entries.", param="metadata")
    for key, entry in value.items():
        if len(key) > KEY_LENGTH or not isinstance(entry, str) or len(entry) > VALUE_LENGTH:
            raise ApiError(
                f"'metadata' has an entry {key!r:.80} that is not a text of at most {VALUE_LENGTH} "
                f"characters under a name of at most {KEY_LENGTH}.",
                param="metadata",
            )
        check_text(key, "metadata")
        check_text(entry, "metadata")
    return value


def include_usage(body: dict[str, Any]) -> bool:
    """Whether a stream is to end with the usage. Raises ApiError (400) for the option without a stream."""
    options = body.get("stream_options")
    if options is None:
        return False
    if not body.get("stream"):
        raise ApiError("'stream_options' needs 'stream' to be true.", param="stream_options")
    if not isinstance(options, dict):
        raise _wrong("stream_options", "an object", options)
    refuse_unknown(options, ("include_usage", "include_obfuscation"))
    return flag(options, "include_usage")


def check_room(prompt_tokens: int, max_tokens: int, parameter: str) -> None:
    """Raises ApiError (400) when a prompt and its answer are longer than CONTEXT."""
    if prompt_tokens + max_tokens > CONTEXT:
        raise ApiError(
            f"A prompt and its answer take at most {CONTEXT} tokens together; here {prompt_tokens} and "
            f"{max_tokens}. Shorten the prompt or lower {parameter!r}.",
            param=parameter,
            code="context_length_exceeded",
        )


def check_total(tokens: int) -> None:
    """Raises ApiError (400) when the answers to a request may take more than TOKENS_PER_REQUEST."""
    if tokens > TOKENS_PER_REQUEST:
        raise ApiError(
            f"The answers to a request take at most {TOKENS_PER_REQUEST} tokens; this one allows {tokens}. "
            "Ask for fewer or shorter answers at once.",
            param="max_tokens",
        )


def _wrong(name: str, expected: str, value: Any) -> ApiError:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return ApiError(f"{name!r} must be {expected}, not {shown}.", param=name, code="invalid_value")
