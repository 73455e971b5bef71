"""Widgets of lesson 11: a prefix and a suffix to type, and below them what is inserted, with seam and reason.

`insertion_page` makes the HTML that also stands still. Left out: choosing among the samples (`sampling`).
"""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from helpers import sampling
from helpers.sampling import Sample
from helpers.widgets import core

if TYPE_CHECKING:
    import ipywidgets
    import openai

INSERTED = '<span style="background: #cfe6f7; color: #111">'
JOINED, CUT, EMPTY = "|", "cut", "empty"  # the seams: joined, cut off, ended at once
SHOWN = 400  # characters of an inserted text; of a longer one its two ends


def insertion_page(prefix: str, suffix: str, samples: Sequence[Sample], best: int | None = None) -> str:
    """HTML: one row per sample with its finish reason, tokens and text, the inserted part coloured.

    A bar stands at the seam of a sample that joined its suffix, the word "cut" at that of one that did not,
    and "empty" where one ended at once. `best`: the position of the sample whose number has a star.
    """
    rows = ""
    for i, sample in enumerate(samples):
        count = str(len(sample.logprobs)) if sample.logprobs else ""
        reason = html.escape(str(sample.finish_reason))
        number = f"<strong>{i + 1} ★</strong>" if i == best else str(i + 1)
        rows += (
            f'<tr><td style="vertical-align: top">{number}</td>'
            f'<td style="text-align: left; vertical-align: top">{reason}</td>'
            f'<td style="text-align: right; vertical-align: top">{count}</td>'
            f'<td style="text-align: left">{_joined(prefix, sample, suffix)}</td></tr>'
        )
    return f"<table><tr><th></th><th>finish reason</th><th>tokens</th><th>text</th></tr>{rows}</table>"


def _joined(prefix: str, sample: Sample, suffix: str) -> str:
    before, text, after = map(_safe, (prefix, _shortened(sample.text), suffix))
    if sample.stopped:
        return f"{before}{INSERTED}{text}</span><strong>{JOINED}</strong>{after}"
    seam = EMPTY if sample.finish_reason == "stop" else CUT
    return f"{before}{INSERTED}{text}</span><strong>&nbsp;[{seam}]</strong>{after}"


def _safe(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN // 2]} [...] {text[-SHOWN // 2 :]}"


def insertion_box(
    client: "openai.OpenAI",
    model: str,
    prefix: str,
    suffix: str,
    *,
    samples: int = 5,
    max_tokens: int = 64,
    temperature: float = 0.7,
    seed: int = 0,
) -> "ipywidgets.VBox":
    """Boxes for prefix and suffix, sliders for max_tokens and seed, and `insertion_page` of what is drawn.

    It draws on Enter or on leaving a box, and when a slider is let go: each time one request for `samples`
    samples. What `best_completion` would take has a star. When the host fails, the reason stands there.
    """
    import ipywidgets

    wide, narrow = ipywidgets.Layout(width="44em"), ipywidgets.Layout(width="28em")
    boxes = [
        ipywidgets.Text(value, description=name, continuous_update=False, layout=wide)
        for name, value in (("Prefix:", prefix), ("Suffix:", suffix))
    ]
    lengths = (4, 8, 16, 32, 64, 128, 256)
    nearest = min(lengths, key=lambda length: abs(length - max_tokens))
    length = ipywidgets.SelectionSlider(
        options=lengths, value=nearest, description="max_tokens:", continuous_update=False, layout=narrow,
        style={"description_width": "initial"},
    )  # fmt: skip
    dice = ipywidgets.IntSlider(seed, 0, 99, description="seed:", continuous_update=False, layout=narrow)
    result = ipywidgets.HTML()

    def page() -> str:
        before, after = boxes[0].value, boxes[1].value
        best = sampling.best_completion(
            client, model, before, suffix=after, samples=samples, max_tokens=length.value, seed=dice.value,
            temperature=temperature,
        )  # fmt: skip
        chosen = best.samples.index(best.chosen) if best.stopped else None
        return insertion_page(before, after, best.samples, chosen) + f"<p>{html.escape(best.reason)}</p>"

    def update(_change: object = None) -> None:
        if not (boxes[0].value.strip() and boxes[1].value.strip()):
            result.value = "<em>Type something into both boxes: an insertion stands between two texts.</em>"
            return
        result.value = core.html_or_why_not(page, boxes[0].value)

    for control in (*boxes, length, dice):
        control.observe(update, names="value")
    update()
    return ipywidgets.VBox([*boxes, length, dice, result])
