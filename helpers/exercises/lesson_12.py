"""The checks of lesson 12: an Azure address, the time that retries take, the wait for tokens, a safe log.

`mend` and `wait` work out the truth from what they are given; `longest_wait` and `hide` try the learner's
function on cases of their own.
"""

import re
from collections.abc import Mapping
from typing import Any

from helpers.exercises.core import (
    Verdict,
    ask,
    close,
    exercise,
    kind_of,
    number,
    right,
    unless_mistaken,
    wrong,
)

# ----------------------------------------------------------------------------- 12.1


@exercise
def mend(answer: Any, resource: str, deployments: Mapping[str, str], model: str) -> Verdict:
    """A dict with base_url and model, for an `OpenAI` client on the v1 URL of the Azure `resource`.

    `deployments`: their names to models; the one that serves `model` is wanted.
    """
    if not isinstance(answer, dict) or set(answer) != {"base_url", "model"}:
        keys = f" with the keys {sorted(map(str, answer))}" if isinstance(answer, dict) else ""
        raise wrong(f"A dict with base_url and model is wanted, but this is {kind_of(answer)}{keys}.")
    url, name = answer["base_url"], answer["model"]
    if not isinstance(url, str) or not isinstance(name, str):
        raise wrong("Both base_url and model are texts.")
    _check_url(url.strip(), resource.lower())
    serving = [known for known, behind in deployments.items() if behind == model]
    if name in serving:
        return right(
            "The rest of the program stays as it is: the v1 URL takes OpenAI's own client and paths. "
            f"The answer's `model` field will say {model}."
        )
    if name == model:
        raise wrong(
            "On Azure `model` is not the model's own name. What did the owner of the resource choose?"
        )
    if name in deployments:
        raise wrong(
            f"That deployment exists, but {deployments[name]} is behind it. Is that the model wanted?"
        )
    raise wrong("The resource has no deployment of that name. They are the keys of `deployments`.")


def _check_url(url: str, resource: str) -> None:
    host = f"{resource}.openai.azure.com"
    scheme, slashes, rest = url.partition("://")
    name, slash, path = rest.partition("/")
    url = scheme.lower() + slashes + name.lower() + slash + path  # the host's name may be in capitals
    if url.rstrip("/") == f"https://{host}/openai/v1":
        return
    if url.startswith("http://"):
        raise wrong("With http:// the key travels for everybody to read. Which address is safe?")
    if "api.openai.com" in url:
        raise wrong("That address is OpenAI's own. The key is Azure's, and fits the resource only.")
    if f"{resource}.services.ai.azure.com" in url:
        raise wrong("Some resources have that address too. Here the form that the table gives is wanted.")
    if host not in url:
        raise wrong("The address begins with https:// and the resource's name, then .openai.azure.com.")
    if "api-version" in url or "/deployments/" in url:
        raise wrong("That is the older, dated path, for `AzureOpenAI`. An `OpenAI` client wants the v1 URL.")
    if url.rstrip("/").endswith(("/embeddings", "/completions")):
        raise wrong("The client adds the call's own path. A base URL ends before it.")
    path = url.split(host, 1)[1].strip("/")
    if path == "v1":
        raise wrong("On Azure the v1 path does not stand at the root. What is before it?")
    raise wrong("The resource is right. What path does the table give behind it, for the v1 URL?")


# ----------------------------------------------------------------------------- 12.2

FIRST_WAIT, LONGEST_WAIT = 0.5, 8.0  # seconds: openai 3.54, `_constants.py`


def _waits(retries: int) -> float:
    return sum(min(LONGEST_WAIT, FIRST_WAIT * 2**number) for number in range(retries))


@exercise
def longest_wait(answer: Any) -> Verdict:
    """A function from the number of retries to the most seconds that the SDK spends waiting between them."""
    for retries in (0, 1, 4, 6, 2, 5, 10):
        value = number(ask(answer, retries), f"For {retries} retries your function's answer")
        if close(value, _waits(retries), 1e-6):
            continue
        where = f"For max_retries={retries} your function gives {value:g}."
        mistakes = {
            f"{where} Waits double each time, but none is longer than the longest.": FIRST_WAIT
            * (2**retries - 1),
            f"{where} That is the last wait alone. Add all of them.": (
                min(LONGEST_WAIT, FIRST_WAIT * 2 ** (retries - 1)) if retries else -1
            ),
            f"{where} The first wait is half a second, not one.": sum(
                min(LONGEST_WAIT, 2.0**number) for number in range(retries)
            ),
            f"{where} Every retry has one wait before it: count them from 0.": _waits(retries + 1),
            f"{where} A wait is missing: there is one before each retry.": _waits(retries - 1),
            f"{where} The waits do not stay the same: each is twice the one before.": FIRST_WAIT * retries,
            f"{where} The first waits are shorter than the longest.": LONGEST_WAIT * retries,
            f"{where} By chance a wait can be shorter. The most is wanted: chance shortens nothing.": (
                0.75 * _waits(retries)
            ),
            f"{where} No header names a wait here, so the longest that a header may name says nothing.": (
                120 * retries
            ),
            f"{where} That is the time of the requests. The waits between them are wanted.": (
                600 * (retries + 1)
            ),
        }
        unless_mistaken(value, mistakes, 1e-6)
        raise wrong(f"{where} Write out the first waits on paper: 0.5, 1, 2, ... and where it stops growing.")
    return right(
        f"With the usual 2 retries at most {_waits(2):g} s; with 10 it is {_waits(10):g} s, more than most "
        "people wait for a page. The requests themselves come on top, each up to the client's time-out."
    )


# ----------------------------------------------------------------------------- 12.3


@exercise
def wait(answer: Any, limit: int, remaining: int, needed: int) -> Verdict:
    """Seconds until `needed` tokens are there, of `limit` a minute, when `remaining` are left now."""
    value = number(answer)
    truth = max(0.0, (needed - remaining) / (limit / 60))
    if close(value, truth, 0.005):
        return right(
            f"{truth:.1f} s for {needed - remaining:,} tokens at {limit / 60:,.0f} a second. The header "
            "`reset` would make you wait until all is full again, which is longer than needed."
        )
    mistakes = {
        "That is the wait for all the tokens it needs. Some are there already.": needed / limit * 60,
        "That is the wait until everything is full again. You need only some of it.": (
            (limit - remaining) / limit * 60
        ),
        "That is in minutes. How many seconds has one?": truth / 60,
        "That is the number of tokens that are missing, not yet the time in which they come.": needed
        - remaining,
        "It is negative: tokens that are missing take time, so turn the difference around.": -truth,
        "That divides by the minute's whole allowance as if it came each second.": (needed - remaining)
        / limit,
        "A minute is more than is needed: the allowance comes back bit by bit, not all at the end.": 60,
        "No time at all? More is needed than is left.": 0,
    }
    unless_mistaken(value, {hint: wrong_ for hint, wrong_ in mistakes.items() if wrong_ != truth}, 0.005)
    if abs(value - truth) < 0.5:
        raise wrong("Nearly. One decimal is wanted.")
    if close(value, (limit - needed) / (limit / 60), 0.005):
        raise wrong("That compares the need with the limit. Compare it with what is left now.")
    raise wrong("How many tokens are missing, and how many come back each second?")


# ----------------------------------------------------------------------------- 12.4

A, B = "sk-" + "Ab3" * 8, "sk-proj-" + "Z_9-x" * 9  # nobody's; put together so that no scan finds them here
HIDDEN = "[key]"
# (line, safe line)
LINES = (
    (f"key {A} refused", f"key {HIDDEN} refused"),
    (f"tried {A}, then {B}.", f"tried {HIDDEN}, then {HIDDEN}."),
    (f'{{"Authorization": "Bearer {B}"}}', f'{{"Authorization": "Bearer {HIDDEN}"}}'),
    ("we ask-and answer; sk-ip this", "we ask-and answer; sk-ip this"),
    ("no key in here", "no key in here"),
    (f"{B}\n{A}\n", f"{HIDDEN}\n{HIDDEN}\n"),
)


@exercise
def hide(answer: Any) -> Verdict:
    """A function that puts [key] in place of every key of OpenAI's look, and leaves all else alone."""
    for line, safe in LINES:
        got = ask(answer, line)
        if not isinstance(got, str):
            raise wrong(f"Your function should give the line back as text, but gives {kind_of(got)}.")
        if got != safe:
            raise wrong(_what_is_wrong(line, safe, got))
    return right(
        "It catches what it knows by sight. A key of another shape passes, so the first rule stands: do not "
        "write keys into lines at all."
    )


def _what_is_wrong(line: str, safe: str, got: str) -> str:
    shown = line.replace(A, "sk-Ab3...").replace(B, "sk-proj-Z_9...")
    where = f"For the line {shown!r}:"
    if HIDDEN not in safe:
        return f"{where} it holds no key, and your function changes it. A key has twenty characters or more."
    if A in got or B in got:
        left = "the second key is still there" if HIDDEN in got else "the key is still there, whole"
        return f"{where} {left}. Does your pattern know digits, - and _, and take every key of the line?"
    if re.search(r"Ab3|9-x|proj", got):
        return f"{where} a part of the key is still there. Keys hold letters, digits, - and _."
    if got.count(HIDDEN) != safe.count(HIDDEN):
        return f"{where} it should say {HIDDEN} once for each key, and it says so {got.count(HIDDEN)} times."
    return f"{where} something else than the key has changed. All other characters should stay."
