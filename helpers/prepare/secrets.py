"""Keys and personal data in texts: where they stand, and what to put in their place.

Known are the shapes that can be told from ordinary text: keys of well-known services, private keys, e-mail
addresses, card numbers (with Luhn's check digit) and Korean resident registration numbers (with theirs).
Left out: names, addresses, telephone numbers: no pattern finds them without many false alarms.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple


class Found(NamedTuple):
    """What was found (`kind`) in text[start:end]."""

    kind: str
    start: int
    end: int


KEYS = {
    "OpenAI key": (("sk-",), r"(?<![\w-])sk-[A-Za-z0-9_-]{12,200}"),
    "AWS key": (("AKIA", "ASIA"), r"(?<!\w)A[KS]IA[A-Z0-9]{16}(?!\w)"),
    "GitHub key": (("ghp_", "gho_", "ghs_", "github_pat_"), r"(?<!\w)(?:gh[pos]_|github_pat_)\w{20,200}"),
    "Google key": (("AIza",), r"(?<!\w)AIza[\w-]{35}"),
    "Slack key": (("xox",), r"(?<!\w)xox[abpr]-[\w-]{10,200}"),
    "Hugging Face key": (("hf_",), r"(?<!\w)hf_[A-Za-z]{30,60}"),
    "private key": (("-----BEGIN",), r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:[^-\0]|-(?!----END))*"),
    "access token": (("eyJ",), r"(?<!\w)eyJ[\w-]{10,4000}\.eyJ[\w-]{10,4000}\.[\w-]{10,4000}"),
}
"""Kinds of keys: what must occur for the pattern to be worth trying, and the pattern."""

KEY_PATTERNS = {kind: re.compile(pattern) for kind, (_, pattern) in KEYS.items()}
ADDRESS = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])"
)
CARD = re.compile(
    r"(?<![\w.-])(?:(?:[0-9]{4}[ -]?){3}[0-9]{1,7}|3[47][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{5})(?![\w-])"
)
RESIDENT = re.compile(
    r"(?<![\w-])[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])-?[1-8][0-9]{6}(?![\w-])"
)

E_MAIL, CARD_NUMBER, RESIDENT_NUMBER = "e-mail address", "card number", "resident registration number"

DIGITS = bytes(48 if 48 <= byte <= 57 else 32 for byte in range(256))


def find(text: str, numbers: bool = True) -> list[Found]:
    """All that is known to be a secret or personal, in the order of their places, without overlaps.

    `numbers`: false for a text of which it is known that it has too few digits for a card.
    """
    found = [*_keys(text), *_addresses(text), *(_numbers(text) if numbers else ())]
    kept: list[Found] = []
    for each in sorted(found, key=lambda one: (one.start, -one.end)):
        if not kept or each.start >= kept[-1].end:
            kept.append(each)
    return kept


def masked(kind: str, text: str) -> str:
    """What may be shown of a secret: its kind, and of its characters the first three at most."""
    return f"{text[:3] if kind not in (CARD_NUMBER, RESIDENT_NUMBER) and len(text) > 8 else ''}… ({kind})"


def without(text: str, kinds: frozenset[str] | None = None) -> str:
    """The text with each secret (of these kinds) replaced by its kind in brackets: `[card number]`."""
    for each in reversed(find(text)):
        if kinds is None or each.kind in kinds:
            text = f"{text[: each.start]}[{each.kind}]{text[each.end :]}"
    return text


def _keys(text: str) -> Iterator[Found]:
    there = {sign: sign in text for sign in "-_"}  # one character is found ten times faster than a word
    for kind, (beginnings, _) in KEYS.items():
        if any(
            there.get(each[-1], True) and there.get(each[0], True) and each in text for each in beginnings
        ):
            for match in KEY_PATTERNS[kind].finditer(text):
                yield Found(kind, *match.span())


def _addresses(text: str) -> Iterator[Found]:
    at = text.find("@")
    while at >= 0:  # from each @ back and forth: the pattern alone would try every word of the text
        match = ADDRESS.search(text, max(0, at - 65), min(len(text), at + 300))
        if match and match.start() < at < match.end():
            yield Found(E_MAIL, *match.span())
        at = text.find("@", at + 1)


def _numbers(text: str) -> Iterator[Found]:
    data = text.encode("utf-8", "replace")
    if b"0000" in data.translate(DIGITS):  # four digits in a row, as in every card number
        for match in CARD.finditer(text):
            digits = re.sub("[ -]", "", match[0])
            if 13 <= len(digits) <= 19 and len(set(digits)) > 1 and _luhn(digits):
                yield Found(CARD_NUMBER, *match.span())
        for match in RESIDENT.finditer(text):
            if _resident(match[0].replace("-", "")):
                yield Found(RESIDENT_NUMBER, *match.span())


def _luhn(digits: str) -> bool:
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _resident(digits: str) -> bool:
    weighted = sum(int(d) * w for d, w in zip(digits, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)))
    return (11 - weighted % 11) % 10 == int(digits[12])
