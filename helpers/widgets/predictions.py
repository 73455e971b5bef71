"""Widgets of lesson 06: a review as one types it with its predicted stars, and a threshold to move.

`star_guess` and `threshold_table` make the HTML that also stands still; `star_guesser` and
`threshold_slider` let it follow a text box and a slider. They know neither models nor hosts: they get a
function from texts to probabilities, or the probabilities. Left out: training (`prediction`).
"""

import html
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from helpers.widgets import core

if TYPE_CHECKING:
    import ipywidgets

Predict = Callable[[list[str]], np.ndarray]
"""Texts to the probabilities of 1 to 5 stars: n texts in, shape (n, 5) out."""

STARS = np.arange(1, 6)
MOST_WORDS = 60  # of a text, to ask the model what it says without each of them
UP, DOWN = "#9fd0ee", "#f3bd7e"  # pushes up, pushes down; a sign stands beside the word, for grey


def pushes(text: str, predict: Predict) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Probabilities of the stars, (5,), the text's words, and how many stars each of them adds, (words,).

    What a word adds is the mean of the predicted stars with it minus the mean without it. All texts, the
    whole one and those that lack a word, go to `predict` in one call. Words beyond MOST_WORDS are not tried,
    and a text of one word has nothing left without it: they add 0.
    """
    words = text.split()
    tried = min(len(words), MOST_WORDS) if len(words) > 1 else 0
    lacking = [" ".join(words[:i] + words[i + 1 :]) for i in range(tried)]
    probabilities = np.asarray(predict([" ".join(words), *lacking]))  # (1 + tried, 5)
    means = probabilities @ STARS
    added = np.zeros(len(words))
    added[:tried] = means[0] - means[1:]
    return probabilities[0], words, added


def star_guess(text: str, predict: Predict) -> str:
    """HTML: the probability of each number of stars as a bar, and the words, those that push most marked.

    Marked are the words that move the mean by a tenth of a star or more, with sign and amount.
    """
    probabilities, words, added = pushes(text, predict)
    rows = "".join(
        f'<tr><td style="text-align: left; white-space: nowrap">{star} ★</td>'
        f'<td style="text-align: right">{share:.0%}</td>'
        f'<td style="width: 14em; text-align: left">{core.bar(share)}</td></tr>'
        for star, share in zip(STARS[::-1], probabilities[::-1])
    )
    marked = " ".join(_word(word, amount) for word, amount in zip(words, added))
    return (
        f"<table>{rows}</table><p>Mean: {probabilities @ STARS:.1f} stars. Marked: how much a word changes "
        "it, against the text without that word.</p>"
        f'<p style="line-height: 2">{marked}</p>'
    )


def star_guesser(predict: Predict, text: str, *, live: bool = True) -> "ipywidgets.VBox":
    """A box to type a review into, and below it what `star_guess` makes of it.

    `live`: predict while one types; otherwise on leaving the box, for hosts that are paid. When the host
    fails, the reason stands in place of the result.
    """
    import ipywidgets

    box = ipywidgets.Textarea(
        value=text,
        description="Review:",
        placeholder="type a review",
        continuous_update=live,
        layout=ipywidgets.Layout(width="44em", height="5em"),
    )
    result = ipywidgets.HTML()

    def update(_change: object = None) -> None:
        result.value = core.html_or_why_not(lambda: star_guess(box.value, predict), box.value)

    box.observe(update, names="value")
    update()
    return ipywidgets.VBox([box, result])


def _word(word: str, amount: float) -> str:
    shown = html.escape(word)
    if abs(amount) < 0.1 or not re.search(r"\w", word):
        return shown
    return (
        f'<span style="background: {UP if amount > 0 else DOWN}; color: #111; border-radius: 3px; '
        f'padding: 0 3px">{shown} <small>{amount:+.1f}</small></span>'
    )


def at_threshold(
    truth: ArrayLike, probability: ArrayLike, threshold: float, read: float, miss: float
) -> dict[str, float]:
    """What calling every case at or above `threshold` positive comes to.

    `truth`: bool (n,); `probability`: (n,). Gives flagged, found, missed (counts), precision (0 when nothing
    is flagged), recall, and cost: `read` for each flagged case, `miss` for each positive one not flagged.
    """
    truth, flagged = np.asarray(truth, dtype=bool), np.asarray(probability) >= threshold
    found, positives = int((truth & flagged).sum()), int(truth.sum())
    return {
        "flagged": int(flagged.sum()),
        "found": found,
        "missed": positives - found,
        "precision": found / max(int(flagged.sum()), 1),
        "recall": found / max(positives, 1),
        "cost": read * int(flagged.sum()) + miss * (positives - found),
    }


def threshold_table(
    truth: ArrayLike, probability: ArrayLike, thresholds: Sequence[float], read: float, miss: float
) -> str:
    """HTML: one line a threshold with what `at_threshold` gives, the cost as a bar as well."""
    truth = np.asarray(truth, dtype=bool)
    lines = [at_threshold(truth, probability, threshold, read, miss) for threshold in thresholds]
    widest = max(read * len(truth), miss * truth.sum(), *(line["cost"] for line in lines), 1e-9)
    rows = "".join(
        f"<tr><td>{threshold:.2f}</td><td>{line['flagged']}</td><td>{line['found']}</td>"
        f"<td>{line['missed']}</td><td>{line['precision']:.2f}</td><td>{line['recall']:.2f}</td>"
        f"<td>{line['cost']:,g}</td>"
        f'<td style="width: 10em; text-align: left">{core.bar(line["cost"] / widest)}</td></tr>'
        for threshold, line in zip(thresholds, lines)
    )
    heads = ("threshold", "flagged", "found", "missed", "precision", "recall", "cost", "")
    return f"<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>{rows}</table>"


def threshold_slider(
    truth: ArrayLike,
    probability: ArrayLike,
    *,
    threshold: float = 0.5,
    read: float = 1.0,
    miss: float = 10.0,
) -> "ipywidgets.VBox":
    """Sliders for the threshold and for what a miss costs, and below them that line of `threshold_table`."""
    import ipywidgets

    layout = ipywidgets.Layout(width="36em")
    slider = ipywidgets.FloatSlider(
        value=threshold, min=0.01, max=0.99, step=0.01, description="Threshold:", layout=layout
    )
    price = ipywidgets.FloatSlider(
        value=miss, min=1, max=30, step=1, description="Miss costs:", readout_format=".0f", layout=layout
    )
    result = ipywidgets.HTML()

    def update(_change: object = None) -> None:
        result.value = threshold_table(truth, probability, [slider.value], read, price.value)

    for moved in (slider, price):
        moved.observe(update, names="value")
    update()
    return ipywidgets.VBox([slider, price, result])
