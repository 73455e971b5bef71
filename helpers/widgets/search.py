"""Widgets of lesson 03: a search box over reviews, and repeats side by side with their differences marked."""

import html
import itertools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from helpers.near_duplicates import differences
from helpers.search import WAYS, TextIndex, Way
from helpers.widgets import core

if TYPE_CHECKING:
    import ipywidgets
    from IPython.display import HTML

MARK = '<mark style="background: #ffe3a6; color: #111">'  # bold as well, so that it shows in grey
LEFT = 'style="text-align: left; vertical-align: top'
SHOWN = 300  # characters of a text


def search_results(
    index: TextIndex, query: str, stars: Sequence[int], *, way: Way = "hybrid", k: int = 5
) -> str:
    """HTML: the best `k` texts for a query, each with its score and stars, the query's words marked.

    `stars`: one per text of `index`. The score is the cosine by vectors, the TF-IDF cosine by words; a hybrid
    has none to show, its sum of ranks says nothing by itself. Texts that the words do not find at all are
    left out; when the words find no text, a sentence says so.
    """
    positions, scores = index.top([query], k, way)
    shown = [(i, score) for i, score in zip(positions[0], scores[0]) if way != "words" or score > 0]
    unknown = way != "vectors" and not (index.scores([query], "words") > 0).any()
    if unknown and way == "words":
        return "<em>No review has any of these words.</em>"
    note = "<em>No review has any of these words: by vectors alone.</em>" if unknown else ""
    rows = "".join(
        f'<tr><td style="text-align: right; vertical-align: top">{rank}</td>'
        f'<td {LEFT}; white-space: nowrap">{stars[i]} ★</td>'
        f'<td {LEFT}">{mark_words(_shortened(index.texts[i]), query)}</td>'
        f'<td {LEFT}">{"" if way == "hybrid" else f"{score:z.2f}"}</td></tr>'
        for rank, (i, score) in enumerate(shown, start=1)
    )
    heading = "" if way == "hybrid" else "score"
    return f"{note}<table><tr><th></th><th></th><th></th><th>{heading}</th></tr>{rows}</table>"


def search_box(
    index: TextIndex,
    stars: Sequence[int],
    query: str,
    *,
    way: Way = "hybrid",
    k: int = 5,
    live: bool = True,
) -> "ipywidgets.VBox":
    """A text box and three buttons, and below them the best `k` texts of `index` (see `search_results`).

    `live`: search while one types; otherwise on Enter or on leaving the box, for hosts that are paid. When
    the host fails later on, the reason stands in place of the results.
    """
    import ipywidgets

    stars = list(stars)
    box = ipywidgets.Text(
        value=query,
        description="Search:",
        placeholder="type a word or a sentence",
        continuous_update=live,
        layout=ipywidgets.Layout(width="36em"),
    )
    ways = ipywidgets.ToggleButtons(options=WAYS, value=way, description="by:")
    result = ipywidgets.HTML()

    def update(_change: object = None) -> None:
        result.value = core.html_or_why_not(
            lambda: search_results(index, box.value, stars, way=ways.value, k=k), box.value
        )

    box.observe(update, names="value")
    ways.observe(update, names="value")
    update()
    return ipywidgets.VBox([box, ways, result])


def mark_words(text: str, query: str) -> str:
    """`text` as HTML, with the whole words that `query` has too (of two letters and more) marked."""
    wanted = {word.casefold() for word in re.findall(r"\w\w+", query)}
    parts = re.split(r"(\w+)", text)  # every other part is a word
    return "".join(
        f"{MARK}<strong>{html.escape(part)}</strong></mark>"
        if part.casefold() in wanted
        else html.escape(part)
        for part in parts
    ).replace("\n", "<br>")


def side_by_side(pairs: pd.DataFrame, texts: Sequence[str], names: Sequence[object]) -> "HTML":
    """Pairs of texts in two columns; words without a counterpart in the other text are marked.

    `pairs`: columns first, second (positions in `texts` and `names`) and, if there is one, a score as the
    third. `names` says what stands above each text, an Id for instance. All words of both are shown.
    """
    from IPython.display import HTML

    score = pairs.columns[2] if len(pairs.columns) > 2 else None
    rows = ""
    for pair in pairs.itertuples(index=False):
        first, second = int(pair[0]), int(pair[1])
        value = f"{pair[2]:z.3f}" if score else ""
        cells = "".join(
            f'<td {LEFT}; width: 45%"><small>{html.escape(str(names[i]))}</small><br>{_marked(listed)}</td>'
            for i, listed in zip((first, second), differences(texts[first], texts[second]))
        )
        rows += f'<tr><td style="vertical-align: top">{value}</td>{cells}</tr>'
    heading = f"<tr><th>{html.escape(str(score or ''))}</th><th></th><th></th></tr>"
    return HTML(f"<table>{heading}{rows}</table>" if rows else "<em>There is no such pair.</em>")


def _marked(listed: Sequence[tuple[str, bool]]) -> str:
    runs = []
    for differs, run in itertools.groupby(listed, key=lambda pair: pair[1]):
        text = html.escape(" ".join(word for word, _ in run))
        runs.append(f"{MARK}<strong>{text}</strong></mark>" if differs else text)
    return " ".join(runs)


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN else text[:SHOWN].rsplit(" ", 1)[0] + " ..."
