"""Widgets of lessons 00 to 02: tokens in boxes, sentences ranked as one types, a review with its like."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from helpers.similarity import nearest
from helpers.widgets import core
from helpers.widgets.core import Embed

if TYPE_CHECKING:
    import ipywidgets
    from IPython.display import HTML

TOKEN_COLOURS = ("#cfe6f7", "#ffe3a6")  # neighbours differ; the frame around each shows in grey too


def token_strips(strips: Sequence[tuple[str, Sequence[str]]]) -> "HTML":
    """Texts cut into their tokens: one line each, every token in a box of its own.

    `strips`: (label, tokens as `tokens.pieces` gives them). A blank shows as `·`, a line end as `⏎`.
    """
    from IPython.display import HTML

    rows = "".join(
        f'<tr><th style="text-align: left; white-space: nowrap">{html.escape(label)}</th>'
        f'<td style="text-align: right">{len(pieces)}</td>'
        f'<td style="text-align: left; line-height: 1.8">{_boxes(pieces)}</td></tr>'
        for label, pieces in strips
    )
    return HTML(f"<table><tr><th></th><th>tokens</th><th></th></tr>{rows}</table>")


def ranking(query: np.ndarray, vectors: np.ndarray, sentences: Sequence[str]) -> str:
    """HTML: all `sentences`, the one nearest to the query first, each with its cosine and a bar.

    `query`: shape (d,); `vectors`: (n, d), one a sentence. Equal cosines stay in the given order.
    """
    order, cosines = nearest(query, vectors, k=len(sentences))
    rows = "".join(_ranked_row(sentences[i], cosine) for i, cosine in zip(order, cosines))
    return f"<table><tr><th>cosine</th><th></th><th></th></tr>{rows}</table>"


def sentence_ranker(
    sentences: Sequence[str], embed: Embed, query: str, *, live: bool = True
) -> "ipywidgets.VBox":
    """A text box, and below it `sentences` ranked by their cosine with what stands in the box.

    `live`: rank while one types; otherwise on Enter or on leaving the box, for hosts that are paid.
    The sentences are embedded once. When the host fails later on, the reason stands in place of the ranking.
    """
    import ipywidgets

    vectors = embed(list(sentences))  # (n, d)

    box = ipywidgets.Text(
        value=query,
        description="Nearest to:",
        placeholder="type a word or a sentence",
        continuous_update=live,
        layout=ipywidgets.Layout(width="36em"),
    )
    result = ipywidgets.HTML()

    def update(_change: object = None) -> None:
        result.value = core.html_or_why_not(
            lambda: ranking(embed([box.value])[0], vectors, sentences), box.value
        )

    box.observe(update, names="value")
    update()
    return ipywidgets.VBox([box, result])


def _ranked_row(sentence: str, cosine: float) -> str:
    percent = round(100 * max(0.0, cosine))
    return (
        f'<tr><td style="text-align: right">{cosine:z.2f}</td>'
        f'<td style="width: 8em; text-align: left"><div style="background: {core.BAR_COLOUR}; height: 0.8em; '
        f'width: {percent}%"></div></td>'
        f'<td style="text-align: left">{html.escape(sentence)}</td></tr>'
    )


def _boxes(pieces: Sequence[str]) -> str:
    return " ".join(
        f'<span style="background: {TOKEN_COLOURS[i % 2]}; color: #111; border: 1px solid #777; '
        f'border-radius: 3px; padding: 0 2px; white-space: pre">{_visible(piece)}</span>'
        for i, piece in enumerate(pieces)
    )


def _visible(piece: str) -> str:
    return html.escape(piece.replace(" ", "·").replace("▁", "·").replace("\n", "⏎"))


def neighbours(
    position: int, vectors: np.ndarray, texts: Sequence[str], stars: Sequence[int], k: int = 5
) -> str:
    """HTML: the text at `position`, and the `k` nearest to it by cosine, each with its stars.

    `vectors`: shape (n, d), one a text.
    """
    found, cosines = nearest(vectors[position], vectors, k=min(k + 1, len(texts)))
    others = [(i, cosine) for i, cosine in zip(found, cosines) if i != position][:k]
    rows = "".join(
        f'<tr><td style="text-align: right">{label}</td><td style="text-align: left">{stars[i]} ★</td>'
        f'<td style="text-align: left">{html.escape(texts[i])}</td></tr>'
        for label, i in [("", position), *((f"{cosine:z.2f}", i) for i, cosine in others)]
    )
    return f"<table><tr><th>cosine</th><th></th><th></th></tr>{rows}</table>"


def neighbour_browser(
    vectors: np.ndarray, texts: Sequence[str], stars: Sequence[int], *, position: int = 0, k: int = 5
) -> "ipywidgets.VBox":
    """A slider that picks a text, and below it that text with the `k` nearest to it (see `neighbours`)."""
    import ipywidgets

    texts, stars = list(texts), list(stars)
    slider = ipywidgets.IntSlider(
        value=position,
        max=len(texts) - 1,
        description="Review:",
        continuous_update=False,
        layout=ipywidgets.Layout(width="36em"),
    )
    result = ipywidgets.HTML()

    def update(_change: object = None) -> None:
        result.value = neighbours(slider.value, vectors, texts, stars, k)

    slider.observe(update, names="value")
    update()
    return ipywidgets.VBox([slider, result])
