"""Widgets of lesson 10: a text as one types it, and what each way to answer makes of it.

`ways_table` makes the HTML that also stands still; `ways_box` lets it follow a text box. They know neither
models nor hosts: they get a function from a text to each way's probabilities. Left out: the ways.
"""

import html
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from helpers.widgets import core

if TYPE_CHECKING:
    import ipywidgets

Ask = Callable[[str], Mapping[str, np.ndarray]]
"""A text to each way's probabilities of the classes, (k,)."""


def ways_table(text: str, classes: Sequence[str], ask: Ask) -> str:
    """HTML: one row a class, one column a way, the probabilities as bars, each way's likeliest in bold."""
    found = {name: np.asarray(values, dtype=float).round(6) for name, values in ask(text).items()}
    heads = "".join(f"<th>{html.escape(name)}</th>" for name in found)
    rows = "".join(
        f'<tr><td style="text-align: left">{html.escape(str(name))}</td>'
        + "".join(_cell(values[i], i == values.argmax()) for values in found.values())
        + "</tr>"
        for i, name in enumerate(classes)
    )
    return f"<p>{html.escape(text)}</p><table><tr><th></th>{heads}</tr>{rows}</table>"


def _cell(share: float, likeliest: bool) -> str:
    number = f"<strong>{share:.2f}</strong>" if likeliest else f"{share:.2f}"
    bar = f'<div style="background: {core.BAR_COLOUR}; height: 0.5em; width: {round(100 * share)}%"></div>'
    return f'<td style="text-align: left; width: 9em">{number}{bar}</td>'


def ways_box(text: str, classes: Sequence[str], ask: Ask) -> "ipywidgets.VBox":
    """A box to type a text into, and below it `ways_table`, made anew on leaving the box.

    When the host fails, the reason stands in place of the table.
    """
    import ipywidgets

    box = ipywidgets.Text(
        value=text,
        description="Text:",
        placeholder="type a text, then Enter",
        continuous_update=False,
        layout=ipywidgets.Layout(width="44em"),
    )
    result = ipywidgets.HTML()

    def update(_change: object = None) -> None:
        result.value = core.html_or_why_not(lambda: ways_table(box.value, classes, ask), box.value)

    box.observe(update, names="value")
    update()
    return ipywidgets.VBox([box, result])
