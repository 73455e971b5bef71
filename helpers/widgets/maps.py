"""The widget of lesson 05: a map of reviews to hover over, zoom into and select from, their words beside it.

The map is plotly's `FigureWidget`, with all it needs in the installed package: it works without a network.
Its JavaScript (5 MB) would be stored in every notebook that shows it; so a button builds it.
Up to SVG_POINTS points it is drawn as SVG, which needs no graphics card; above, by WebGL. What the mouse
does can be done by keyboard: number box and word search are ordinary inputs, the panel is ordinary text.
`tests/benchmarks/interactive_maps.py` compares it with other packages. Left out: three dimensions.
"""

import html
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from helpers.errors import DataError
from helpers.plots.core import COLOURS

if TYPE_CHECKING:
    import ipywidgets

SVG_POINTS = 5_000
SYMBOLS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x")  # as on the figures
LISTED = 8  # reviews shown of a selection
HELP = (
    "Hover: the review. Click: the review in full, below. Wheel: zoom. Lasso or box, from the bar above the "
    "map: select; begin the next one outside the last, and clear with a double-click. While lasso or box is "
    "chosen, hovering rests; choose the hand to get it back. A click on a name below hides that group."
)


def review_map(
    places: np.ndarray,
    texts: Sequence[str],
    stars: Sequence[int],
    labels: Sequence[int],
    names: Mapping[int, str],
) -> "ipywidgets.VBox":
    """A button that draws the map of `places`, shape (n, 2); a number box, a word search, a panel of text.

    `labels`: a group number per review; `names`: for each its name. `box.map` of the result is None until the
    button is pressed, then plotly's FigureWidget. Raises DataError when a label has no name, or places,
    texts, stars and labels differ in number.
    """
    import ipywidgets

    texts, stars, labels = list(texts), np.asarray(stars), np.asarray(labels)
    if not len(places) == len(texts) == len(stars) == len(labels):
        raise DataError("A map of reviews needs one place, text, number of stars and label per review.")
    if nameless := sorted(set(labels.tolist()) - set(names)):
        raise DataError(f"These labels have no name: {', '.join(map(str, nameless))}. Give each one.")

    button = ipywidgets.Button(description="Draw the map", button_style="primary")
    number = ipywidgets.BoundedIntText(value=0, max=len(texts) - 1, description="Review:")
    search = ipywidgets.Text(description="With word:", placeholder="a word", continuous_update=False)
    panel = ipywidgets.HTML(value=one_review(0, texts, stars, labels, names))
    box = ipywidgets.VBox([button, ipywidgets.HBox([number, search]), panel])
    box.map = None

    def mark(positions: Sequence[int]) -> None:
        if box.map is not None:
            chosen = np.asarray(places)[list(positions)].reshape(-1, 2)
            box.map.data[-1].update(x=chosen[:, 0], y=chosen[:, 1])

    def show_one(*_: object) -> None:
        panel.value = one_review(number.value, texts, stars, labels, names)
        mark([number.value])

    def show_many(positions: Sequence[int]) -> None:
        panel.value = several_reviews(positions, texts, stars)
        mark(positions)

    def find(_change: object = None) -> None:
        if word := search.value.strip():
            whole = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)  # "tea", not "instead"
            show_many([i for i, text in enumerate(texts) if whole.search(text)])
        else:
            show_one()

    def rest_hovering(_layout: object, mode: str) -> None:
        """While the kernel is busy, a hover message would overwrite the selection that waits before it."""
        box.map.update_layout(hovermode=False if mode in ("lasso", "select") else "closest")

    def draw(_button: object = None) -> None:
        box.map = _figure(np.asarray(places), texts, stars, labels, names)
        for trace in box.map.data[:-1]:
            trace.on_click(lambda trace, points, _state: _set_number(trace, points))
        # Plotly tells trace after trace what was selected: after the last group's turn, all is known.
        box.map.data[-2].on_selection(lambda *_: show_many(_selected(box.map)))
        box.map.data[-2].on_deselect(show_one)
        box.map.layout.on_change(rest_hovering, "dragmode")
        box.children = [ipywidgets.HTML(HELP), box.map, *box.children[1:]]
        mark([number.value])

    def _set_number(trace: object, points: object) -> None:
        if points.point_inds:
            number.value = int(trace.customdata[points.point_inds[0]])

    number.observe(show_one, names="value")
    search.observe(find, names="value")
    button.on_click(draw)
    return box


def one_review(
    position: int, texts: Sequence[str], stars: Sequence[int], labels: Sequence[int], names: Mapping[int, str]
) -> str:
    """HTML: the review at `position` with its stars and its group."""
    words = html.escape(texts[position]).replace("\n", "<br>")
    group = html.escape(names[int(labels[position])])
    return f"<p><strong>Review {position}, {stars[position]} ★, group {group}</strong></p><p>{words}</p>"


def several_reviews(positions: Sequence[int], texts: Sequence[str], stars: Sequence[int]) -> str:
    """HTML: how many reviews were chosen, their mean stars, and the first LISTED of them."""
    positions = list(positions)
    if not positions:
        return "<em>No review was chosen.</em>"
    mean = np.mean([stars[i] for i in positions])
    rows = "".join(_row(i, texts[i], stars[i]) for i in positions[:LISTED])
    more = f"; the first {LISTED}:" if len(positions) > LISTED else ":"
    head = f"<p><strong>{len(positions)} reviews, {mean:.1f} stars on average</strong>{more}</p>"
    return f"{head}<table>{rows}</table>"


def _row(position: int, text: str, stars: int) -> str:
    short = html.escape(textwrap.shorten(text, 150, placeholder=" ..."))
    left = 'style="text-align: left"'
    return f"<tr><td>{position}</td><td {left}>{stars} ★</td><td {left}>{short}</td></tr>"


def _figure(
    places: np.ndarray, texts: Sequence[str], stars: np.ndarray, labels: np.ndarray, names: Mapping[int, str]
) -> "object":
    """Plotly's FigureWidget: a trace per group, and last the ring around what is chosen."""
    import plotly.graph_objects as go

    kind = go.Scatter if len(places) <= SVG_POINTS else go.Scattergl
    size = 7 if len(places) <= SVG_POINTS else 3
    traces = []
    for group in sorted(names):
        inside = np.flatnonzero(labels == group)
        style = {
            "color": COLOURS[group % len(COLOURS)], "symbol": SYMBOLS[group % len(SYMBOLS)], "size": size,
            "opacity": 0.75,
        }  # fmt: skip
        words = [_hover(texts[i], stars[i]) for i in inside]
        traces.append(
            kind(
                x=places[inside, 0], y=places[inside, 1], mode="markers", name=html.escape(names[group]),
                marker=style, text=words, hoverinfo="text", customdata=inside,
            )
        )  # fmt: skip
    ring = {"color": "rgba(0,0,0,0)", "size": 14, "line": {"color": "#000000", "width": 2}}
    always = {"marker": {"opacity": 1}}  # a selection leaves the ring as it is
    traces.append(
        kind(
            x=[], y=[], mode="markers", marker=ring, hoverinfo="skip", showlegend=False, selected=always,
            unselected=always,
        )
    )  # fmt: skip
    figure = go.FigureWidget(traces)
    bare = {"showticklabels": False, "showgrid": False, "zeroline": False}
    figure.update_layout(
        height=520, template="plotly_white", dragmode="pan", hovermode="closest", xaxis=bare, yaxis=bare,
        margin={"l": 10, "r": 10, "t": 30, "b": 10}, hoverlabel={"align": "left", "bgcolor": "white"},
        legend={"orientation": "h", "y": -0.02},
    )  # fmt: skip
    figure._config = {"scrollZoom": True, "displaylogo": False}
    return figure


def _hover(text: str, stars: int) -> str:
    lines = textwrap.wrap(textwrap.shorten(text, 300, placeholder=" ..."), 60)
    return f"{stars} ★<br>" + "<br>".join(html.escape(line) for line in lines)


def _selected(figure: "object") -> list[int]:
    """Positions of the selected reviews over all groups, in order."""
    found = [int(trace.customdata[i]) for trace in figure.data[:-1] for i in trace.selectedpoints or ()]
    return sorted(found)
