"""Figures of lesson 11: the likeliest next tokens, and how well inserted texts meet their suffix.

They draw numbers that were computed elsewhere (`sampling_trials`). Left out: shares and their intervals, for
which `score_curves` serves.
"""

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import ArrayLike

from helpers.errors import DataError
from helpers.plots import core
from helpers.plots.core import BLACK, BLUE, COLOURS, MARKERS, ORANGE


def next_tokens(places: Mapping[str, Mapping[str, float]]) -> None:
    """The likeliest next tokens after some texts, one panel a text, and what is left for all others.

    `places`: for each text its likeliest tokens with their log-probabilities, as `top_logprobs` gives them.
    """
    if not places or not all(places.values()):
        raise DataError("Each text needs at least one token with its log-probability.")
    rows = max(map(len, places.values())) + 1
    size = (4.2 * len(places), 0.34 * rows + 1.0)
    figure, all_axes = plt.subplots(1, len(places), figsize=size, sharex=True, squeeze=False)
    told = []
    for axes, (text, top) in zip(all_axes[0], places.items()):
        listed = sorted(top.items(), key=lambda pair: -pair[1])  # stable: equals stay as given
        shares = {quoted(token): math.exp(value) for token, value in listed}
        shares["all others"] = max(0.0, 1 - sum(shares.values()))
        _bars(axes, shares)
        axes.set_title(f"after {quoted(text)}", fontsize=10)
        axes.set(xlim=(0, 1.12), xlabel="probability", xticks=[0, 0.25, 0.5, 0.75, 1])
        named = ", ".join(f"{token} {share:.2f}" for token, share in shares.items())
        told.append(f"After {quoted(text)}: {named}")
    core.show(figure, f"Bars: the probability of the likeliest next tokens. {'. '.join(told)}.")


def quoted(text: str) -> str:
    """A text as it is shown: within quotation marks, so that its spaces are seen, and on one line."""
    return '"' + text.replace("\n", "\\n") + '"'


def _bars(axes: plt.Axes, shares: Mapping[str, float]) -> None:
    for row, (name, share) in enumerate(shares.items()):
        rest = name == "all others"
        axes.barh(
            row,
            share,
            color=ORANGE if rest else BLUE,
            hatch="///" if rest else "",
            edgecolor="white",
            height=0.7,
        )
        axes.text(share + 0.015, row, f"{share:.2f}", va="center", fontsize=9)
    axes.set(yticks=range(len(shares)), yticklabels=list(shares))
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)


def seam_quality(groups: Mapping[str, ArrayLike], what: str) -> None:
    """Gains of several groups, one row each: a faint dot per value, the mean as an upright mark, a line at 0.

    `groups`: for each name values (n,), where NaN counts as none. Groups without a value say so. `what`: the
    values' name, for the axis.
    """
    figure, axes = plt.subplots(figsize=(7, 0.62 * len(groups) + 0.9))
    axes.axvline(0, color=BLACK, linewidth=0.8, linestyle=":")
    random = np.random.default_rng(0)
    told = []
    for row, (name, values) in enumerate(groups.items()):
        known = np.asarray(values, dtype=float)
        known = known[np.isfinite(known)]
        if not len(known):
            axes.text(0.5, row, "none", transform=axes.get_yaxis_transform(), va="center", ha="center")
            told.append(f"{name}: none")
            continue
        heights = row + random.uniform(-0.22, 0.22, len(known))
        colour = COLOURS[row % len(COLOURS)]
        axes.plot(known, heights, MARKERS[row % len(MARKERS)], color=colour, markersize=4.5, alpha=0.6, mew=0)
        middle = float(np.mean(known))
        axes.plot([middle, middle], [row - 0.34, row + 0.34], color=BLACK, linewidth=2)
        axes.annotate(
            f"{middle:+.2f}",
            (middle, row - 0.34),
            (0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=9,
        )
        told.append(f"{name}: mean {middle:+.2f}, {len(known)} values")
    labels = _with_counts(groups)
    axes.set(yticks=range(len(groups)), yticklabels=labels, ylim=(len(groups) - 0.45, -0.65), xlabel=what)
    axes.tick_params(axis="y", length=0)
    core.show(
        figure, f"{what[0].upper()}{what[1:]}, a dot per value and a mark at the mean. {'; '.join(told)}."
    )


def _with_counts(groups: Mapping[str, ArrayLike]) -> Sequence[str]:
    return [f"{name}\n({np.isfinite(np.asarray(values, float)).sum()})" for name, values in groups.items()]
