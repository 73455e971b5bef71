"""Figures of lesson 08: labels and their first tokens, characters and tokens, how many examples are enough.

They draw numbers that were computed elsewhere. Left out: the checks themselves (`prepare`).
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import ArrayLike

from helpers.errors import DataError
from helpers.plots import core
from helpers.plots.core import BLACK, BLUE, COLOURS, MARKERS, ORANGE
from helpers.plots.scores import LINES, Interval


def first_tokens(probabilities: ArrayLike, labels: Sequence[str], firsts: Sequence[str]) -> None:
    """The probability of each label, and that of each first token: the sum over labels that share it.

    `probabilities`: shape (k,), of `labels`; `firsts`: the first token of each. Bars of labels whose first
    token is another label's, too, are hatched.
    """
    values = np.asarray(probabilities, dtype=float)
    if not len(values) == len(labels) == len(firsts):
        raise DataError("There must be one probability and one first token for each label.")
    sums = {first: values[[f == first for f in firsts]].sum() for first in firsts}
    shared = {first for first in firsts if list(firsts).count(first) > 1}
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 0.42 * len(labels) + 1.3), sharex=True)
    _bars(left, list(labels), values, [first in shared for first in firsts])
    _bars(right, [f'"{first}"' for first in sums], np.array(list(sums.values())), [f in shared for f in sums])
    left.set_title("the labels")
    right.set_title("their first tokens")
    for axes in (left, right):
        axes.set(xlim=(0, 1), xlabel="probability")
    likely, token = labels[int(values.argmax())], max(sums, key=sums.__getitem__)
    told = ", ".join(f"{label.strip()} {value:.2f}" for label, value in zip(labels, values))
    core.show(
        figure,
        f"Two bar charts. Left, the probability of each label: {told}; the likeliest is {likely.strip()}. "
        "Right, that of each first token: "
        + ", ".join(f'"{first}" {value:.2f}' for first, value in sums.items())
        + f'; the likeliest is "{token}".',
    )


def _bars(axes: plt.Axes, names: list[str], values: np.ndarray, hatched: list[bool]) -> None:
    rows = np.arange(len(names))[::-1]
    for row, value, marked in zip(rows, values, hatched):
        colour = ORANGE if marked else BLUE
        axes.barh(row, value, color=colour, hatch="///" if marked else "", edgecolor="white", height=0.7)
        axes.text(value + 0.02, row, f"{value:.2f}", va="center", fontsize=9)
    axes.set(yticks=rows, yticklabels=names)
    axes.tick_params(axis="y", length=0)


def token_growth(
    growth: Mapping[str, tuple[Sequence[int], Sequence[int]]], limit: int, characters: int | None = None
) -> None:
    """How many tokens the first so many characters of texts have, with the limit as a line.

    `growth`: for each name, (characters, tokens), both of shape (m,), rising. `characters`: a limit in
    characters to compare with, as an upright line.
    """
    figure, axes = plt.subplots(figsize=(7, 3.7))
    told = []
    for i, (name, (places, counts)) in enumerate(growth.items()):
        axes.plot(
            places,
            counts,
            MARKERS[i] + LINES[i % 4],
            color=COLOURS[i],
            markersize=4,
            linewidth=1.5,
            label=name,
        )
        told.append(f"{name}: {counts[-1]:,} tokens in {places[-1]:,} characters")
    axes.axhline(limit, color=BLACK, linewidth=1.2, label=f"{limit:,} tokens")
    if characters is not None:
        axes.axvline(
            characters, color="#777777", linewidth=1.2, linestyle="--", label=f"{characters:,} characters"
        )
    axes.set(xlabel="characters", ylabel="tokens", xlim=(0, None), ylim=(0, None))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    beyond = f" and an upright one at {characters:,} characters" if characters is not None else ""
    core.show(
        figure,
        f"Lines of tokens against characters, with a level line at {limit:,} tokens{beyond}. "
        f"{'; '.join(told)}.",
    )


def learning_curves(
    curves: Mapping[str, tuple[Sequence[int], Sequence[Interval]]],
    levels: Mapping[str, float] | None = None,
    *,
    mark: int | None = None,
    y_label: str = "accuracy",
) -> None:
    """Scores against examples per class, spaced by their ratio, one line a task, with intervals.

    `curves`: for each name, the numbers of examples per class, shape (m,), and m times (mean, lower end,
    upper end): lines may have different numbers of places. `levels`: scores of baselines. `mark`: a number of
    examples to show as an upright line.
    """
    figure, axes = plt.subplots(figsize=(7.2, 3.7))
    told, every = [], sorted({place for places, _ in curves.values() for place in places})
    for i, (name, (places, measured)) in enumerate(curves.items()):
        mean, low, high = np.array(measured, dtype=float).T
        axes.fill_between(places, low, high, color=COLOURS[i], alpha=0.15, linewidth=0)
        axes.plot(places, mean, MARKERS[i] + LINES[i % 4], color=COLOURS[i], linewidth=1.7, label=name)
        told.append(f"{name}: " + ", ".join(f"{m:.2f} at {place}" for m, place in zip(mean, places)))
    for i, (name, level) in enumerate((levels or {}).items()):
        axes.axhline(
            level, color=BLACK, linestyle=LINES[(i + 1) % 4], linewidth=1, label=f"{name}: {level:.2f}"
        )
        told.append(f"{name}, a level line: {level:.2f}")
    axes.set_xscale("log", base=2)
    axes.minorticks_off()
    if mark is not None:
        axes.axvline(mark, color="#777777", linewidth=1, linestyle=":")
    axes.set(xlabel="examples per class", ylabel=f"{y_label} (bands: 95 % interval)")
    axes.set(xticks=every, xticklabels=[f"{place:,}" for place in every])
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    core.show(
        figure, f"Lines of {y_label} against examples per class, with 95 % intervals. {'; '.join(told)}."
    )
