"""Widgets of lesson 07: a document in coloured chunks, with sliders for their size and overlap.

`chunk_page` makes the HTML that also stands still. Left out: cutting (`helpers.documents`).
"""

import html
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from helpers.documents import Chunk, Section, chunks, sentences

if TYPE_CHECKING:
    import ipywidgets

CHUNK_COLOURS = ("#cfe6f7", "#ffe3a6")  # neighbours differ; each begins with its number, for grey
HEIGHT = "24em"


def repeated(found: Sequence[Chunk]) -> list[str]:
    """What each chunk repeats of the one before: the beginning that is the other's end, or nothing.

    Only whole sentences or lines count, and only within one section.
    """
    return ["", *(_repeated(before, chunk) for before, chunk in pairwise(found))][: len(found)]


def _repeated(before: Chunk, chunk: Chunk) -> str:
    if before.path != chunk.path or before.document != chunk.document:
        return ""
    longest, start = "", ""
    for line in chunk.text.splitlines(keepends=True):
        for sentence in sentences(line):
            start += sentence
            if before.text.endswith(start.rstrip()):
                longest = start.rstrip()
    return longest if longest != chunk.text else ""


def chunk_page(found: Sequence[Chunk], start: int = 1) -> str:
    """HTML: the chunks one after another, neighbours in two colours, what is repeated underlined.

    They are numbered from `start`; headings stand where a section begins.
    """
    parts, path = [], None
    for number, (chunk, again) in enumerate(zip(found, repeated(found)), start=start):
        if chunk.path != path and chunk.path:
            parts.append(f"<div><strong>{html.escape(chunk.path[-1])}</strong></div>")
        path = chunk.path
        mark = f'<u style="text-decoration-style: double"><em>{html.escape(again)}</em></u>' if again else ""
        parts.append(
            f'<div style="background: {CHUNK_COLOURS[number % 2]}; color: #111; white-space: pre-wrap; '
            f'border-left: 3px solid #555; margin: 2px 0; padding: 1px 6px"><small>{number} · '
            f"{chunk.tokens} tokens</small> {mark}{html.escape(chunk.text[len(again) :])}</div>"
        )
    return "".join(parts)


def chunk_summary(found: Sequence[Chunk]) -> str:
    """One sentence: how many chunks, their largest, how many tokens in all, how many begin with a repeat."""
    again = sum(map(bool, repeated(found)))
    total = sum(chunk.tokens for chunk in found)
    largest = max((chunk.tokens for chunk in found), default=0)
    return (
        f"{len(found)} chunks, the largest of {largest} tokens, {total:,} tokens in all; "
        f"{again} {'begins' if again == 1 else 'begin'} with something repeated."
    )


def chunk_explorer(
    sections: Sequence[Section], model: str, *, limit: int = 80, overlap: int = 20, most: int = 300
) -> "ipywidgets.VBox":
    """Two sliders, tokens per chunk and overlap, and below them the chunks of `sections` in colours.

    Tokens are counted as `model` counts them. The overlap is kept at half the limit or less.
    """
    import ipywidgets

    sections = list(sections)
    layout = ipywidgets.Layout(width="32em")
    budget = ipywidgets.IntSlider(limit, 20, most, 10, description="Tokens:", layout=layout)
    shared = ipywidgets.IntSlider(overlap, 0, limit // 2, 5, description="Overlap:", layout=layout)
    budget.continuous_update = shared.continuous_update = False
    result = ipywidgets.HTML()

    def update(_change: object = None) -> None:
        shared.max = budget.value // 2  # ipywidgets lowers the value with it
        found = chunks(sections, budget.value, shared.value, model)
        result.value = (
            f"<p>{html.escape(chunk_summary(found))}</p>"
            f'<div style="max-height: {HEIGHT}; overflow-y: auto">{chunk_page(found)}</div>'
        )

    budget.observe(update, names="value")
    shared.observe(update, names="value")
    update()
    return ipywidgets.VBox([budget, shared, result])
