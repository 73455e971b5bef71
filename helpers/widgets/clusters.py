"""Widget of lesson 04: choose how many groups, choose one, read it."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from helpers.widgets.core import BAR_COLOUR

if TYPE_CHECKING:
    import ipywidgets

    from helpers.clustering import Groups

STARTS = 10  # of KMeans while the slider moves; fifty take seconds with a hosted model's vectors
LONGEST_TEXT = 320  # characters of a review that are shown


def group_page(
    groups: "Groups",
    group: int,
    vectors: np.ndarray,
    texts: Sequence[str],
    stars: Sequence[float],
    *,
    count: int = 3,
    seed: int = 0,
) -> str:
    """HTML: one group with its size, words and stars, and its typical, borderline and random reviews.

    `count`: how many of each; `seed` chooses the random ones. `vectors`: shape (n, d), one per text.
    """
    from helpers import clustering

    row = clustering.describe(groups, texts, stars, words=8).loc[group]
    inside = np.flatnonzero(groups.labels == group)
    drawn = np.random.default_rng(seed).choice(inside, min(count, len(inside)), replace=False)
    parts = {
        "Typical: nearest to the centre": clustering.typical(vectors, groups, group, count),
        "Borderline: another centre is almost as near": clustering.borderline(vectors, groups, group, count),
        "Drawn at random": drawn,
    }
    interval = "" if np.isnan(row["low"]) else f" (95 % interval {row['low']:.2f} to {row['high']:.2f})"
    bar = (
        f'<div style="background: {BAR_COLOUR}; height: 0.8em; width: {100 * row["share"]:.0f}%; '
        'min-width: 2px"></div>'
    )
    return (
        f"<p><strong>Group {group}</strong>: {row['reviews']:,} of {len(groups.labels):,} reviews{bar}"
        f"<strong>Words</strong>: {html.escape(row['words']) or 'none of its own'}<br>"
        f"<strong>Stars</strong>: {row['stars']:.2f}{interval}; all reviews: {np.mean(stars):.2f}</p>"
        + "".join(_reviews(title, positions, texts, stars) for title, positions in parts.items())
    )


def _reviews(title: str, positions: Sequence[int], texts: Sequence[str], stars: Sequence[float]) -> str:
    rows = "".join(
        f'<tr><td style="text-align: right; white-space: nowrap; vertical-align: top">{stars[i]:g} ★</td>'
        f'<td style="text-align: left">{html.escape(_cut(texts[i]))}</td></tr>'
        for i in positions
    )
    return f"<p><strong>{title}</strong></p><table>{rows or '<tr><td>none</td></tr>'}</table>"


def _cut(text: str) -> str:
    """Not `textwrap.shorten`, which makes nothing of one very long word."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 4].rstrip() + " ..."


def cluster_explorer(
    vectors: np.ndarray,
    texts: Sequence[str],
    stars: Sequence[float],
    *,
    k: int = 8,
    most: int = 12,
    names: dict[int, str] | None = None,
) -> "ipywidgets.VBox":
    """A slider for the number of groups, a list of them with their sizes, and the chosen one to read.

    `k`: where the slider starts, at most `most`. `names`: the groups' names at that k; elsewhere, and without
    them, a group shows its words. The groups of each k are found once. A button draws other random reviews.
    """
    import ipywidgets

    from helpers import clustering

    texts, stars = list(texts), np.asarray(stars, dtype=float)
    found: dict[int, Groups] = {}

    def groups_of(how_many: int) -> "Groups":
        if how_many not in found:
            starts = 50 if how_many == k else STARTS  # at k the same groups as everywhere in the lesson
            found[how_many] = clustering.kmeans(vectors, how_many, starts=starts)
        return found[how_many]

    slider = ipywidgets.IntSlider(
        value=k, min=2, max=max(most, k), description="Groups:", continuous_update=False
    )
    chosen = ipywidgets.Dropdown(description="Read:", layout=ipywidgets.Layout(width="36em"))
    others = ipywidgets.Button(description="Draw other reviews")
    result = ipywidgets.HTML()
    seed = 0

    def read(_change: object = None) -> None:
        if chosen.value is not None:
            result.value = group_page(groups_of(slider.value), chosen.value, vectors, texts, stars, seed=seed)

    def list_groups(_change: object = None) -> None:
        groups = groups_of(slider.value)
        known = names if names and slider.value == k else {}
        words = clustering.distinctive(texts, groups.labels, 4)
        chosen.options = [
            (f"{group}: {known.get(group) or ', '.join(words[group])} ({size:,})", group)
            for group, size in enumerate(groups.sizes)
        ]
        chosen.value = 0
        read()  # number 0 may have been chosen before: then no change says that it is another group now

    def draw_others(_button: object) -> None:
        nonlocal seed
        seed += 1
        read()

    chosen.observe(read, names="value")
    slider.observe(list_groups, names="value")
    others.on_click(draw_others)
    list_groups()
    return ipywidgets.VBox([slider, chosen, others, result])
