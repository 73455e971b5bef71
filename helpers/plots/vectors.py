"""Figures of lesson 01: vectors as arrows, cosines as a heat map and as outlines, quality by dimensions."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np

from helpers.plots import core
from helpers.plots.core import BLACK, BLUE, COLOURS, MARKERS


def arrows(
    vectors: Mapping[str, Sequence[float]], meaning: tuple[str, str], *, unit_circle: bool = False
) -> None:
    """Vectors of two numbers as arrows from the origin, each with its name at its tip.

    `meaning` says what the two numbers stand for. Arrows that end in one place share a label.
    `unit_circle` adds the circle on which all vectors of length 1 end.
    """
    tips: dict[tuple[float, float], list[str]] = {}
    for name, (x, y) in vectors.items():
        tips.setdefault((round(float(x), 6), round(float(y), 6)), []).append(name)
    points = np.array([(0.0, 0.0), *tips] + [(-1, -1), (1, 1)] * unit_circle)
    low, high = points.min(axis=0), points.max(axis=0)
    room = (high - low).max() * np.array([0.4, 0.1])  # for the names beside the tips
    figure, axes = plt.subplots(figsize=(6, 4))
    if unit_circle:
        axes.add_patch(plt.Circle((0, 0), 1, fill=False, linestyle="--", color="#777777"))
    style = {"arrowstyle": "-|>", "color": BLUE, "lw": 1.8, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 14}
    for (x, y), names in tips.items():
        axes.annotate("", (x, y), (0, 0), arrowprops=style)
        if abs(x) < 0.1 * np.hypot(x, y):  # upright: the name above the tip, or below it
            place = {"xytext": (0, 9 if y > 0 else -9), "ha": "center"}
        else:
            place = {"xytext": (7 if x > 0 else -7, 0), "ha": "left" if x > 0 else "right"}
        axes.annotate(", ".join(names), (x, y), textcoords="offset points", va="center_baseline", **place)
    for line in (axes.axhline, axes.axvline):
        line(0, color="#999999", linewidth=0.8, zorder=0)
    axes.set(xlabel=meaning[0], ylabel=meaning[1], aspect="equal")
    axes.locator_params(steps=[1, 2, 5, 10])
    axes.set(xlim=(low[0] - room[0], high[0] + room[0]), ylim=(low[1] - room[1], high[1] + room[1]))
    listed = "; ".join(
        f"{' and '.join(names)} to ({x:zg}, {y:zg}), magnitude {np.hypot(x, y):.3g}"
        for (x, y), names in tips.items()
    )
    circle = " The dashed circle holds the tips of all vectors of magnitude 1." if unit_circle else ""
    core.show(
        figure, f"Arrows from the origin; {meaning[0]} to the right, {meaning[1]} upwards: {listed}.{circle}"
    )


def similarity_map(matrix: np.ndarray, labels: Sequence[str]) -> None:
    """A heat map of the cosines between texts, shape (n, n), each number written into its square.

    `labels`: one a text, written beside the rows; the columns carry the rows' numbers.
    """
    matrix = np.asarray(matrix)
    count = len(labels)
    lowest = min(0.0, float(matrix.min()))
    figure, axes = plt.subplots(figsize=(7, 0.36 * count + 0.9))
    image = axes.imshow(matrix, vmin=lowest, vmax=1, aspect="auto")
    for i, j in np.ndindex(matrix.shape):
        light = (matrix[i, j] - lowest) / (1 - lowest) > 0.5
        ink = "black" if light else "white"
        axes.text(j, i, f"{matrix[i, j]:z.2f}", ha="center", va="center", fontsize=8, color=ink)
    axes.set(yticks=range(count), yticklabels=[f"{label}  {i}" for i, label in enumerate(labels)])
    axes.set(xticks=range(count), xticklabels=range(count))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, label="cosine")
    above = [(matrix[i, j], i, j) for i in range(count) for j in range(i + 1, count)]
    (high, i, j), (low, k, m) = max(above), min(above)
    core.show(
        figure,
        f"Heat map of the cosines between {count} texts. Apart from the diagonal, where each text meets "
        f"itself, the highest is {high:z.2f}, between “{labels[i]}” and “{labels[j]}”; the lowest is "
        f"{low:z.2f}, between “{labels[k]}” and “{labels[m]}”.",
    )


def cosine_spread(groups: Mapping[str, Sequence[float]]) -> None:
    """How cosines are spread in several groups: one outline each on a common axis, with its mean marked.

    `groups`: the label of each group and its cosines.
    """
    lowest = np.floor(20 * min(np.min(values) for values in groups.values())) / 20
    bins = np.linspace(lowest, 1, round((1 - lowest) * 40) + 1)  # 0.025 wide
    figure, axes = plt.subplots(figsize=(7, 3.2))
    lines = ("-", "--", ":", "-.")
    for i, (label, values) in enumerate(groups.items()):
        shares = 100 * np.histogram(values, bins)[0] / len(values)
        colour, line = COLOURS[i % len(COLOURS)], lines[i % len(lines)]
        axes.stairs(shares, bins, color=colour, linestyle=line, linewidth=1.8, label=label)
        mark = MARKERS[i % len(MARKERS)]
        axes.plot(np.mean(values), 0, mark, color=colour, markersize=8, clip_on=False, zorder=3)
    axes.set(xlabel="cosine of two texts (marks: the means)", ylabel="per cent of pairs", ylim=(0, None))
    axes.legend(frameon=False)
    listed = "; ".join(
        f"{label}: mean {np.mean(values):z.2f}, middle 90 % from {np.quantile(values, 0.05):z.2f} to "
        f"{np.quantile(values, 0.95):z.2f}"
        for label, values in groups.items()
    )
    core.show(figure, f"Outlines of {len(groups)} histograms of cosines on one axis. {listed}.")


def quality_by_dimensions(
    dimensions: Sequence[int],
    tasks: Mapping[str, tuple[Sequence[tuple[float, float, float]], Mapping[str, float]]],
) -> None:
    """Quality against the number of dimensions, one panel a task, with levels to compare with.

    `tasks`: for each title, the measured (share, lower end, upper end) at each of `dimensions`, and the named
    shares of what it is compared with (a baseline, chance), drawn as horizontal lines.
    """
    figure, panels = plt.subplots(1, len(tasks), figsize=(7, 3.3), sharey=True, squeeze=False)
    told = []
    for axes, (title, (measured, levels)) in zip(panels[0], tasks.items()):
        shares, low, high = np.array(measured).T
        places = range(len(dimensions))
        axes.errorbar(
            places, shares, yerr=np.maximum([shares - low, high - shares], 0), fmt="o-", color=BLUE,
            capsize=4, linewidth=1.6,
        )  # fmt: skip
        for (name, level), line in zip(levels.items(), ("--", ":", "-.")):
            axes.axhline(level, color=BLACK, linestyle=line, linewidth=1.2)
            below = 0.1 < level == min(levels.values())
            axes.annotate(
                f"{name} {_share(level)}", (0.02, level), (0, -3 if below else 2), textcoords="offset points",
                xycoords=("axes fraction", "data"), va="top" if below else "bottom", fontsize=9,
            )  # fmt: skip
        axes.set(title=title, xlabel="dimensions", xticks=places, xticklabels=dimensions, ylim=(0, 1))
        axes.set_xlim(-0.6 * len(dimensions), len(dimensions) - 0.6)  # room for the levels' names
        steps = ", ".join(f"{share:.2f} at {d}" for d, share in zip(dimensions, shares))
        told.append(
            f"{title}: {steps}; {', '.join(f'{name} {_share(level)}' for name, level in levels.items())}"
        )
    panels[0][0].set_ylabel("share right (bars: 95 % interval)")
    core.show(
        figure, f"Share right against the number of dimensions, with 95 % intervals. {'. '.join(told)}."
    )


def _share(level: float) -> str:
    """A share with two decimals, and three where two would leave little of it: 0.025."""
    return f"{level:.2f}" if level >= 0.1 or level == 0 else f"{level:.3f}"
