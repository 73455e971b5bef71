"""A first look at many texts at once, as bytes: capitals, digits, control characters.

Left out: where they stand; only texts that have something to find are looked at one by one.
"""

from typing import NamedTuple

import numpy as np

from helpers.prepare import repairs


class Signs(NamedTuple):
    """How many of some ASCII characters texts have; `controls` without "\\0", tab and line feed."""

    upper: int
    lower: int
    digits: int
    controls: int
    line_ends: int
    zeros: int


def signs_of(data: bytes) -> Signs:
    """Count them in UTF-8, where every ASCII byte is a character."""
    codes = np.frombuffer(data, dtype=np.uint8)

    def between(first: int, size: int) -> int:  # one comparison: what is below `first` wraps around
        return int(np.count_nonzero(codes - np.uint8(first) < size))

    low = between(0, 32)
    zeros = between(0, 1)
    tabs, line_ends = (data.count(one) if low > zeros else 0 for one in (b"\t", b"\n"))
    controls = low - zeros - tabs - line_ends + data.count(b"\x7f")
    return Signs(between(65, 26), between(97, 26), between(48, 10), controls, line_ends, zeros)


def odd_characters(signs: Signs, joined: str, texts: int) -> bool:
    """Whether so many texts, joined with "\\0", have control characters in them; perhaps, if true."""
    if signs.controls or signs.zeros >= texts:
        return True
    return not joined.isascii() and bool(repairs.CONTROLS.search(joined.replace("\0", "")))
