"""Figures of lesson 04: KMeans step by step, how many groups, the stars of groups, differences by chance."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from helpers.plots import core
from helpers.plots.core import BLACK, BLUE, COLOURS, MARKERS, ORANGE

GREY = "#bbbbbb"
LINES = ("-", "--", ":", "-.")


def kmeans_steps(
    points: np.ndarray, steps: Mapping[str, tuple[Sequence[int] | None, np.ndarray]], columns: int = 4
) -> None:
    """Points in the plane, one panel per step: each point marked by its group, each centre by a large mark.

    `points`: shape (n, 2). `steps`: for each panel's title the labels, (n,), or None as long as there are
    none, and the centres, (k, 2). A centre has the shape and colour of its points, with a black edge.
    """
    points = np.asarray(points)
    rows = -(-len(steps) // columns)
    width = min(len(steps), columns)
    figure, panels = plt.subplots(
        rows, width, figsize=(max(7, 2.2 * width), 2.4 * rows), sharex=True, sharey=True, squeeze=False
    )
    told = []
    for axes, (title, (labels, centres)) in zip(panels.flat, steps.items()):
        labels = np.full(len(points), -1) if labels is None else np.asarray(labels)
        _panel(axes, points, labels, np.asarray(centres))
        axes.set_title(title, fontsize=10)
        sizes = " and ".join(str((labels == group).sum()) for group in range(len(centres)))
        places = ", ".join(f"({x:z.1f}, {y:z.1f})" for x, y in centres)
        told.append(
            f"{title}: centres at {places}" + (f"; groups of {sizes} points" if max(labels) >= 0 else "")
        )
    for axes in list(panels.flat)[len(steps) :]:
        axes.set_visible(False)
    core.show(figure, f"{len(points)} points in the plane, one panel per step. {'. '.join(told)}.")


def _panel(axes: plt.Axes, points: np.ndarray, labels: np.ndarray, centres: np.ndarray) -> None:
    alone = labels < 0
    axes.scatter(*points[alone].T, s=14, marker=".", color="#777777")
    for group, (x, y) in enumerate(centres):
        colour, mark = COLOURS[group % len(COLOURS)], MARKERS[group % len(MARKERS)]
        inside = points[labels == group]
        axes.scatter(*inside.T, s=18, marker=mark, color=colour, alpha=0.65, linewidths=0)
        axes.scatter(x, y, s=130, marker=mark, color=colour, edgecolor=BLACK, linewidth=1.6, zorder=3)
    axes.set(xticks=[], yticks=[], aspect="equal")
    axes.margins(0.1)
    axes.spines[["top", "right"]].set_visible(True)


def choosing_k(table: pd.DataFrame) -> None:
    """Three panels over the number of groups: inertia, silhouette, agreement of halves; a line per data set.

    `table`: as `clustering.compare_k` gives it. Where a data set has several draws, the line is their mean
    and a grey band goes from the lowest to the highest; where it has one, the bars on the agreement are one
    standard deviation over the pairs of halves.
    """
    wanted = (
        ("inertia", "inertia (less: tighter)"),
        ("silhouette", "silhouette (more: clearer)"),
        ("halves", "agreement of halves"),
    )
    figure, panels = plt.subplots(1, 3, figsize=(9, 3.2))
    told = []
    for axes, (column, title) in zip(panels, wanted):
        for i, (name, part) in enumerate(table.groupby("data", sort=False)):
            over_draws = part.groupby("k")[column].agg(["mean", "min", "max"])
            several = part["draw"].nunique() > 1
            style = {
                "color": COLOURS[i % len(COLOURS)], "linestyle": LINES[i % len(LINES)], "linewidth": 1.6,
                "marker": MARKERS[i % len(MARKERS)], "markersize": 5, "label": str(name),
            }  # fmt: skip
            error = part["halves_sd"].to_numpy() if column == "halves" and not several else None
            if several:
                axes.fill_between(over_draws.index, over_draws["min"], over_draws["max"], color=GREY, lw=0)
            axes.errorbar(
                over_draws.index, over_draws["mean"], yerr=error, capsize=2, elinewidth=0.8, **style
            )
            told.append(_told_over_k(column, str(name), over_draws))
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("k, groups")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if column != "inertia":
            axes.set_ylim(min(0, float(table[column].min())), None)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False)
    core.show(figure, f"Three panels over the number of groups. {'; '.join(told)}.")


def _told_over_k(column: str, name: str, over_draws: pd.DataFrame) -> str:
    """The first, the last and the highest value of a line, in words."""
    means, digits = over_draws["mean"], 0 if column == "inertia" else 2
    first, last, top = means.index[0], means.index[-1], means.round(6).idxmax()
    shown = means.map(lambda value: f"{value:z.{digits}f}")
    told = f"{column} of {name}: {shown[first]} at {first} groups, {shown[last]} at {last}"
    return told if top in (first, last) else f"{told}, highest {shown[top]} at {top}"


def group_stars(table: pd.DataFrame, chance: np.ndarray, overall: float) -> None:
    """Each group's mean stars with a 95 % interval, over the range that chance gives groups of its size.

    `table`: as `clustering.describe` gives it, a row per group. `chance`: means by chance, shape (draws,
    groups), in the same order. `overall`: the mean of all reviews, a dashed line. Thin whiskers on the bars
    are for all groups at once: 5 % divided by their number (Bonferroni).
    """
    low, high = np.quantile(chance, [0.025, 0.975], axis=0)
    lowest, highest = np.quantile(chance, [0.025 / len(table), 1 - 0.025 / len(table)], axis=0)
    places = np.arange(len(table))
    figure, axes = plt.subplots(figsize=(7, 0.38 * len(table) + 1.3))
    axes.barh(
        places, high - low, left=low, height=0.62, color=GREY, label="95 % of shuffled groups of this size"
    )
    axes.hlines(places, lowest, highest, color="#777777", linewidth=1, label="allowing for all groups")
    axes.plot([lowest, highest], [places, places], "|", color="#777777", markersize=9)
    means = table["stars"].to_numpy()
    errors = np.nan_to_num(np.array([means - table["low"], table["high"] - means])).clip(0)
    axes.errorbar(
        means, places, xerr=errors, fmt="o", color=BLUE, capsize=3, linewidth=1.6, label="mean, 95 % interval"
    )
    axes.axvline(overall, color=BLACK, linestyle="--", linewidth=1, label="all reviews")
    names = [
        f"{group}: {words}  ({size:,})"
        for group, words, size in zip(table.index, table["words"].map(_first_words), table["reviews"])
    ]
    axes.set_yticks(places, names, fontsize=9, parse_math=False)
    axes.set(xlabel="mean stars", ylim=(len(table) - 0.5, -0.5))
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    outside, far_outside = (
        ", ".join(str(group) for group in table.index[np.maximum(under - means, means - over) > 1e-9])
        for under, over in ((low, high), (lowest, highest))
    )
    listed = ", ".join(f"group {group} {mean:.2f}" for group, mean in zip(table.index, means))
    core.show(
        figure,
        f"Mean stars of {len(table)} groups with intervals, each over the range of shuffled groups of its "
        f"size. {listed}; all reviews {overall:.2f}. Outside that range: {outside or 'none'}; outside it "
        f"when all groups are allowed for: {far_outside or 'none'}.",
    )


def _first_words(words: str) -> str:
    return ", ".join(words.split(", ")[:3])


def chance_range(ranges: Sequence[float], marked: Mapping[str, float]) -> None:
    """How far the highest and lowest mean are apart when groups are made by chance, and measured differences.

    `ranges`: one per shuffle. `marked`: differences to compare, each with its name.
    """
    ranges = np.asarray(ranges)
    figure, axes = plt.subplots(figsize=(7, 2.8))
    axes.hist(ranges, bins=40, color=GREY, edgecolor="white", linewidth=0.3)
    top = axes.get_ylim()[1]
    told = []
    for i, (name, value) in enumerate(marked.items()):
        axes.axvline(value, color=(BLUE, ORANGE)[i % 2], linestyle=LINES[i % len(LINES)], linewidth=2)
        axes.annotate(
            f"{name}: {value:.2f}",
            (value, top * (0.95 - 0.14 * i)),
            (5, 0),
            textcoords="offset points",
            va="top",
        )
        told.append(f"{name} {value:.2f}, reached by {(ranges >= value - 1e-9).mean():.0%} of the shuffles")
    axes.set(xlabel="stars between the highest and the lowest mean", ylabel="shuffles", ylim=(0, top))
    axes.set_xlim(0, 1.45 * max(*marked.values(), ranges.max() / 1.2))
    core.show(
        figure,
        f"Histogram of the difference between the highest and the lowest mean in {len(ranges):,} shuffles: "
        f"half of them are above {np.median(ranges):.2f}. Marked: {'; '.join(told)}.",
    )
