"""A widget of lesson 08: class names, cut into their tokens, and which of them begin alike."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from helpers import tokens
from helpers.widgets.texts import _boxes

if TYPE_CHECKING:
    import ipywidgets

MODELS = ("babbage-002", "gpt-4o-mini")


def label_tokens(labels: Sequence[str], model: str = MODELS[0]) -> str:
    """HTML: each class name with one space before it, its tokens, and what `max_tokens=1` would show of it.

    The verdict is "one token", "several, the first one is its own", or "begins as ..." with the other names.
    Empty names are left out, and each name stands once; without any, a sentence says so.
    """
    names = list(dict.fromkeys(f" {label.strip()}" for label in labels if label.strip()))
    if not names:
        return "<p>No class yet: write names, with commas between them.</p>"
    firsts = {name: tokens.encode(name, model)[0] for name in names}
    rows = "".join(
        f'<tr><td style="text-align: left; line-height: 1.8">{_boxes(tokens.pieces(name, model))}</td>'
        f'<td style="text-align: left">{html.escape(_verdict(name, names, firsts, model))}</td></tr>'
        for name in names
    )
    return f"<table><tr><th>tokens ({html.escape(model)})</th><th>with max_tokens=1</th></tr>{rows}</table>"


def _verdict(name: str, names: list[str], firsts: dict[str, int], model: str) -> str:
    alike = [other.strip() for other in names if other != name and firsts[other] == firsts[name]]
    if alike:
        return f"begins as {', '.join(alike)}: cannot be told apart"
    count = len(tokens.encode(name, model))
    return "one token" if count == 1 else f"{count} tokens; the first is no other's"


def label_box(labels: Sequence[str], model: str = MODELS[0]) -> "ipywidgets.VBox":
    """A box for class names, separated by commas, a choice of tokenizer, and below them `label_tokens`."""
    import ipywidgets

    box = ipywidgets.Text(
        value=", ".join(labels),
        description="Classes:",
        placeholder="names, separated by commas",
        layout=ipywidgets.Layout(width="44em"),
    )
    choice = ipywidgets.Dropdown(options=MODELS, value=model, description="Model:")
    result = ipywidgets.HTML()

    def update(_change: object = None) -> None:
        result.value = label_tokens(box.value.split(","), choice.value)

    box.observe(update, names="value")
    choice.observe(update, names="value")
    update()
    return ipywidgets.VBox([box, choice, result])
