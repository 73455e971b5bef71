"""Figures of lesson 03: search quality by kind of query, what a threshold costs, values with intervals."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from helpers.plots import core
from helpers.plots.core import BLACK, BLUE, COLOURS, MARKERS

LINES = ("-", "--", ":", "-.")


def search_quality(table: pd.DataFrame, measure: str) -> None:
    """A measure from 0 to 1 for several ways of searching, by kind of query: one mark per way and kind.

    `table`: one row per kind, one column per way. `measure` is its name, for the axis.
    """
    figure, axes = plt.subplots(figsize=(7, 0.5 * len(table) + 1.1))
    places = np.arange(len(table))
    height = 0.22
    for i, way in enumerate(table.columns):
        at = places + (i - (len(table.columns) - 1) / 2) * height
        colour = COLOURS[i % len(COLOURS)]
        axes.hlines(at, 0, table[way], color=colour, linewidth=1)
        axes.plot(table[way], at, MARKERS[i % len(MARKERS)], color=colour, markersize=7, label=way)
    axes.set(yticks=places, yticklabels=table.index, xlim=(0, 1.05), xlabel=measure)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside upper left", ncols=len(table.columns), frameon=False)
    listed = "; ".join(
        f"{kind}: {', '.join(f'{way} {value:z.2f}' for way, value in row.items())}"
        for kind, row in table.iterrows()
    )
    core.show(figure, f"{measure} on an axis from 0 to 1, by kind of query and way of searching. {listed}.")


def threshold_cost(costs: Mapping[str, pd.DataFrame]) -> None:
    """What thresholds find and what they cost: share of repeats found over the pairs that are none, by way.

    `costs`: for each way a table with columns threshold, found (a share) and others (a count), as
    `near_duplicates.threshold_costs` gives it. One line per way, one mark per threshold; the lowest and the
    highest threshold stand beside their marks.
    """
    figure, axes = plt.subplots(figsize=(7, 3.6))
    told = []
    for i, (way, table) in enumerate(costs.items()):
        colour, mark, line = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)], LINES[i % len(LINES)]
        hollow = {"markerfacecolor": "none", "markersize": 9} if i % 2 else {"markersize": 6}  # both show
        axes.plot(table.others, table.found, line, marker=mark, color=colour, label=way, **hollow)
        for end, offset in ((0, (-2, 9)), (-1, (9, -3))):
            axes.annotate(
                f"from {table.threshold.iloc[end]:.2f}",
                (table.others.iloc[end], table.found.iloc[end]),
                xytext=offset,
                textcoords="offset points",
                fontsize=8,
            )
        listed = ", ".join(
            f"{row.found:.2f} and {row.others:,} from {row.threshold:.2f}" for row in table.itertuples()
        )
        told.append(f"{way}: {listed}")
    axes.set_xscale("symlog", linthresh=1)
    most = max(int(table.others.max()) for table in costs.values())
    ticks = [0, *(10**power for power in range(len(str(most)) + 1))]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.set(xlim=(-0.3, 4 * max(most, 1)), ylim=(-0.05, 1.12))
    axes.set(
        xlabel="pairs of different texts that reach the threshold", ylabel="planted repeats found (share)"
    )
    axes.legend(frameon=False, loc="lower right")
    core.show(
        figure,
        "Share of planted repeats found, over the number of pairs of different texts that reach the same "
        f"threshold (logarithmic axis), one line per way. {'; '.join(told)}.",
    )


def intervals(
    values: Mapping[str, tuple[float, float, float]], label: str, *, reference: float = 0.0
) -> None:
    """Values with their intervals, one line each: (value, low, high), beside a line at `reference`.

    NaN leaves a line empty, with "cannot be computed" in its place.
    """
    figure, axes = plt.subplots(figsize=(7, 0.42 * len(values) + 0.9))
    told = []
    for place, (name, (value, low, high)) in enumerate(values.items()):
        if np.isfinite([value, low, high]).all():
            axes.hlines(place, low, high, color=BLUE, linewidth=2)
            axes.plot(value, place, "o", color=BLUE, markersize=7)
            told.append(f"{name}: {value:z.2f}, from {low:z.2f} to {high:z.2f}")
        else:
            axes.annotate("  cannot be computed", (reference, place), va="center")
            told.append(f"{name}: cannot be computed")
    axes.axvline(reference, color=BLACK, linestyle="--", linewidth=1)
    axes.set(yticks=range(len(values)), yticklabels=list(values), xlabel=label)
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    core.show(figure, f"{label}: dots with 95 % intervals, and a line at {reference:g}. {'; '.join(told)}.")
