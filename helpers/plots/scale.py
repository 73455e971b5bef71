"""Figures of lesson 13: time and memory over the number of rows, a map of very many, what an index finds."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from helpers.plots import core
from helpers.plots.core import COLOURS, MARKERS

LINES = ("-", "--", ":", "-.")


def over_rows(table: pd.DataFrame, column: str, label: str) -> None:
    """A measure over the number of rows, one line per way, both axes logarithmic.

    `table` has columns way, rows and `column`. Where it has low and high too, the range of seconds is shaded.
    """
    figure, axes = plt.subplots()
    told = []
    for i, (way, some) in enumerate(table.groupby("way", sort=False)):
        style = {"color": COLOURS[i % 7], "marker": MARKERS[i % 7], "linestyle": LINES[i % 4]}
        axes.plot(some.rows, some[column], label=way, **style)
        if column == "seconds" and {"low", "high"} <= set(some.columns):
            axes.fill_between(some.rows, some.low, some.high, color=style["color"], alpha=0.25, linewidth=0)
        listed = ", ".join(
            f"{float(f'{value:.3g}'):,g} at {rows:,}" for rows, value in zip(some.rows, some[column])
        )
        told.append(f"{way}: {listed}")
    axes.set(xscale="log", yscale="log", xlabel="rows", ylabel=label)
    _plain_ticks(axes, sorted(table.rows.unique()))
    axes.legend(frameon=False)
    core.show(figure, f"{label} over the number of rows, both axes logarithmic. {'; '.join(told)}.")


def _plain_ticks(axes: plt.Axes, rows: list[int]) -> None:
    axes.set_xticks(rows, [f"{number:,}" for number in rows])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.minorticks_off()


def many_places(places: np.ndarray, stars: np.ndarray, *, cells: int = 32) -> None:
    """Very many places (n, 2) as cells: one map of how many are in each, one of their mean stars (n,).

    Dots would lie on each other. Cells with fewer than five places have no colour on the right.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.5, 3.2), sharex=True, sharey=True)
    shape = (cells, cells * 3 // 4)
    count = left.hexbin(*places.T, gridsize=shape, mincnt=1, bins="log")
    mean = right.hexbin(*places.T, C=stars, gridsize=shape, mincnt=5, vmin=1, vmax=5)
    figure.colorbar(count, ax=left, label="reviews per cell")
    figure.colorbar(mean, ax=right, label="mean stars")
    for axes in (left, right):
        axes.set(xticks=[], yticks=[])
    # In words: what no rounding on another machine can change, so no counts of single cells.
    thirds = np.array_split(np.argsort(places[:, 0], kind="stable"), 3)
    listed = ", ".join(f"{stars[third].mean():.1f}" for third in thirds)
    inside = np.quantile(places, (0.05, 0.95), axis=0).round(1) + 0.0
    core.show(
        figure,
        f"Two maps of {len(places):,} reviews in cells. Left: reviews per cell; nine in ten reviews lie "
        f"between {inside[0, 0]:g} and {inside[1, 0]:g} from left to right, and between {inside[0, 1]:g} and "
        f"{inside[1, 1]:g} from bottom to top. Right: mean stars per cell; by thirds of the reviews, from "
        f"left to right, the mean is {listed}.",
    )


def found_and_time(curves: Mapping[str, pd.DataFrame]) -> None:
    """What an approximate index finds over the time of one query: one line per collection of vectors.

    Each table has columns milliseconds and recall (0 to 1); rows are settings, from quick to thorough.
    A column wide, where there is one, is written at the points.
    """
    figure, axes = plt.subplots()
    told = []
    for i, (name, table) in enumerate(curves.items()):
        style = {"color": COLOURS[i % 7], "marker": MARKERS[i % 7], "linestyle": LINES[i % 4]}
        axes.plot(table.milliseconds, table.recall, label=name, **style)
        for row in table.itertuples():
            if hasattr(row, "wide"):
                at = (row.milliseconds, row.recall)
                axes.annotate(row.wide, at, (5, -11), textcoords="offset points", fontsize=8)
        first, last = table.iloc[0], table.iloc[-1]
        told.append(
            f"{name}: from {first.recall:.3f} in {first.milliseconds:.2g} ms to {last.recall:.3f} in "
            f"{last.milliseconds:.2g} ms"
        )
    axes.set(xscale="log", xlabel="milliseconds per query", ylabel="recall at 10")
    axes.set_ylim(top=1.005)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend(frameon=False, loc="lower right")
    core.show(figure, f"Recall at 10 over milliseconds per query (logarithmic axis). {'; '.join(told)}.")
