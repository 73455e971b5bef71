"""Widgets of lesson 09: the loss of a job as it trains, and a text box that asks the trained model.

`loss_page` and `class_bars` make the HTML that also stands still; `live_loss` and `model_box` let it follow a
job's events and a text box. They know neither hosts nor models: they get events, and a function from texts to
probabilities. Left out: following the job (`tuning`), the figure of the whole training (`plots.tuning`).
"""

import html
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers.plots.core import BLUE, ORANGE
from helpers.widgets import core

if TYPE_CHECKING:
    import ipywidgets

Predict = Callable[[list[str]], np.ndarray]
"""Texts to probabilities: n texts in, shape (n, classes) out."""

WIDTH, HEIGHT, LEFT, BELOW = 560, 220, 46, 34  # of the drawing, and its margins, in pixels
GREY = "#777777"


class LiveLoss:
    """A drawing of a job's loss that grows with each event given to `add`. Show `widget`."""

    def __init__(self, level: float | None = None, level_name: str = "knows only the shares"):
        import ipywidgets

        self.train: list[tuple[float, float]] = []  # (step, loss)
        self.valid: list[tuple[float, float]] = []
        self.steps = 1.0
        self._level = (level, level_name)
        self.widget: ipywidgets.HTML = ipywidgets.HTML()
        self._draw()

    def add(self, event: Any) -> None:
        """Take an event of a job; those without metrics change nothing."""
        data = getattr(event, "data", None)
        if not isinstance(data, dict) or not _is_number(data.get("step")):
            return
        self.steps = max(self.steps, float(data.get("total_steps") or 0), float(data["step"]))
        whole = data.get("full_valid_loss")  # of the whole validation file; else of a part of it
        for line, loss in (
            (self.train, data.get("train_loss")),
            (self.valid, whole if _is_number(whole) else data.get("valid_loss")),
        ):
            if _is_number(loss):
                line.append((float(data["step"]), float(loss)))
        self._draw()

    def _draw(self) -> None:
        self.widget.value = loss_page(self.train, self.valid, self.steps, *self._level)


def live_loss(level: float | None = None, level_name: str = "knows only the shares") -> LiveLoss:
    """A `LiveLoss`, empty yet. `level`: a loss to compare with, as a level line."""
    return LiveLoss(level, level_name)


def loss_page(
    train: Sequence[tuple[float, float]],
    valid: Sequence[tuple[float, float]],
    steps: float,
    level: float | None = None,
    level_name: str = "",
) -> str:
    """HTML: loss against step, up to `steps`, as an SVG with its words beneath.

    `train`, `valid`: (step, loss), in the order of the steps.
    """
    values = [loss for _, loss in [*train, *valid]] + ([level] if level is not None else [])
    top = max([*values, 0.1]) * 1.1

    def place(step: float, loss: float) -> tuple[float, float]:
        across = LEFT + (WIDTH - LEFT - 10) * step / max(steps, 1)
        return across, (HEIGHT - BELOW) * (1 - loss / top) + 6

    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>', _axes(place, steps, top)]
    if level is not None:
        (x0, y), (x1, _) = place(0, level), place(steps, level)
        parts.append(_line([(x0, y), (x1, y)], GREY, 'stroke-dasharray="2 3"'))
        parts.append(_text(x1, y - 4, level_name, GREY, "end"))
    parts.append(_line([place(*point) for point in train], BLUE))
    parts.append(_line([place(*point) for point in valid], ORANGE, 'stroke-dasharray="7 4"'))
    parts += [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{ORANGE}"/>' for x, y in (place(*p) for p in valid)
    ]
    told = _told(train, valid, steps)
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{html.escape(told)}">'
        f"{''.join(parts)}</svg><p>{html.escape(told)}</p>"
    )


def _axes(place: Callable[[float, float], tuple[float, float]], steps: float, top: float) -> str:
    corner, right, upper = place(0, 0), place(steps, 0), place(0, top)
    parts = [_line([upper, corner, right], "#111111")]
    for share in (0, 0.5, 1):
        x, y = place(share * steps, 0)
        parts.append(_text(x, y + 14, f"{share * steps:.0f}", "#111111", "end" if share == 1 else "middle"))
        x, y = place(0, share * top)
        parts.append(_text(x - 5, y + 5, f"{share * top:.2f}", "#111111", "end"))
    parts.append(_text((corner[0] + right[0]) / 2, HEIGHT - 4, "step", "#111111", "middle"))
    parts.append(_text(corner[0] + 5, 14, "loss", "#111111", "start"))
    return "".join(parts)


def _line(points: Sequence[tuple[float, float]], colour: str, more: str = "") -> str:
    if not points:
        return ""
    listed = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{listed}" fill="none" stroke="{colour}" stroke-width="1.6" {more}/>'


def _text(x: float, y: float, words: str, colour: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" fill="{colour}" text-anchor="{anchor}">'
        f"{html.escape(words)}</text>"
    )


def _told(train: Sequence[tuple[float, float]], valid: Sequence[tuple[float, float]], steps: float) -> str:
    if not train:
        return "No step yet."
    said = f"Step {train[-1][0]:.0f} of {steps:.0f}: training loss {train[-1][1]:.3f} (blue, solid)"
    return said + (f", validation loss {valid[-1][1]:.3f} (orange, dashed)." if valid else ".")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


# ----------------------------------------------------------------------------- asking the model


def class_bars(text: str, labels: Sequence[str], predict: Predict) -> str:
    """HTML: the probability of each class for one text, as bars, the likeliest in bold."""
    probabilities = np.asarray(predict([text]), dtype=float)[0]
    if not np.isfinite(probabilities).all():
        return "<em>The model gives no probability for this text.</em>"
    best = int(probabilities.argmax())
    rows = "".join(
        f'<tr><td style="text-align: left">{_bold(html.escape(label.strip()), i == best)}</td>'
        f'<td style="text-align: right">{share:.0%}</td>'
        f'<td style="width: 16em; text-align: left">{core.bar(share)}</td></tr>'
        for i, (label, share) in enumerate(zip(labels, probabilities, strict=True))
    )
    return f"<table>{rows}</table>"


def _bold(words: str, yes: bool) -> str:
    return f"<strong>{words}</strong>" if yes else words


def model_box(text: str, labels: Sequence[str], predict: Predict, *, live: bool = True) -> "ipywidgets.VBox":
    """A box to type into, and below it what `class_bars` makes of it.

    `live`: ask while one types; otherwise on leaving the box, for hosts that are paid. When the host fails,
    or the model is deleted, the reason stands in place of the result.
    """
    import ipywidgets

    box = ipywidgets.Textarea(
        value=text,
        description="Text:",
        placeholder="type a review",
        continuous_update=live,
        layout=ipywidgets.Layout(width="44em", height="5em"),
    )
    result = ipywidgets.HTML()

    def update(_change: object = None) -> None:
        if not box.value.strip():
            result.value = "<em>Type something: there is nothing to classify.</em>"
            return
        result.value = core.html_or_why_not(lambda: class_bars(box.value, labels, predict), box.value)

    box.observe(update, names="value")
    update()
    return ipywidgets.VBox([box, result])
