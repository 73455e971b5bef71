"""Figures of lesson 10: ways beside each other, quality against examples, vectors before and after training.

They draw numbers that were computed elsewhere (`helpers.comparison`). Every interval is drawn as it was
given. Left out: the scores themselves, and the axes of the map, which the lesson fixes and hands over.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import ArrayLike

from helpers.errors import DataError
from helpers.plots import core
from helpers.plots.core import BLACK, BLUE, COLOURS, MARKERS
from helpers.plots.scores import LINES, Interval


def ways_compared(tasks: Mapping[str, Mapping[str, Interval]], baseline: str, *, metric: str) -> None:
    """A panel for each task: every way's score as a dot with its interval, the baseline as a line through.

    `tasks`: for each task and each of its ways (mean, lower end, upper end). Not every task needs every way;
    the ways stand in the order in which they first come, from the top.
    """
    names = list(dict.fromkeys(name for ways in tasks.values() for name in ways))
    if missing := [task for task, ways in tasks.items() if baseline not in ways]:
        raise DataError(f"The baseline {baseline!r} is not among the ways of {missing[0]!r}.")
    size = (1.9 + 2.2 * len(tasks), 0.36 * len(names) + 1.0)
    figure, panels = plt.subplots(1, len(tasks), figsize=size, sharey=True, squeeze=False)
    told = []
    for axes, (task, ways) in zip(panels.flat, tasks.items()):
        best = max(ways, key=lambda name: ways[name][0])
        axes.axvline(ways[baseline][0], color=BLACK, linestyle="--", linewidth=1.1, zorder=0)
        for name, (mean, low, high) in ways.items():
            row, first = len(names) - 1 - names.index(name), name == best
            axes.errorbar(
                mean, row, xerr=[[max(mean - low, 0)], [max(high - mean, 0)]], color=BLUE, capsize=3,
                fmt="o", markersize=7 if first else 6, mfc=BLUE if first else "white", linewidth=1.4,
            )  # fmt: skip
        axes.set_title(task, fontsize=10)
        axes.grid(axis="x", color="#dddddd", linewidth=0.7)
        axes.tick_params(axis="y", length=0)
        listed = ", ".join(f"{name} {mean:.2f}" for name, (mean, _, _) in ways.items())
        told.append(f"{task}: {listed}; highest: {best}")
    panels[0, 0].set(yticks=range(len(names)), yticklabels=names[::-1], ylim=(-0.6, len(names) - 0.4))
    figure.supxlabel(f"{metric} (bars: 95 % interval; dashed: {baseline}; filled: highest)", fontsize=10)
    core.show(figure, f"Dots with 95 % intervals, a panel for each task: {metric}. {'. '.join(told)}.")


def by_examples(
    tasks: Mapping[str, tuple[str, Mapping[str, tuple[Sequence[int], Sequence[Interval]]]]],
) -> None:
    """A panel for each task: a score against the number of examples, one line a way, with bands.

    `tasks`: for each task the name of its score, and for each way the numbers of examples, shape (m,), and m
    times (mean, lower, upper). A way has one colour, mark and line in all panels.
    """
    names = list(dict.fromkeys(name for _, ways in tasks.values() for name in ways))
    figure, panels = plt.subplots(1, len(tasks), figsize=(2.9 * len(tasks), 3.9), sharey=True, squeeze=False)
    told, handles, lowest = [], {}, 1.0
    for axes, (task, (metric, ways)) in zip(panels.flat, tasks.items()):
        listed = []
        for name, (places, measured) in ways.items():
            i = names.index(name)
            mean, low, high = np.array(measured, dtype=float).T
            lowest = min(lowest, mean.min())
            axes.fill_between(places, low, high, color=COLOURS[i], alpha=0.12, linewidth=0)
            (handles[name],) = axes.plot(
                places, mean, MARKERS[i] + LINES[i % 4], color=COLOURS[i], linewidth=1.6, markersize=5
            )
            ends = f"{mean[0]:.2f} at {places[0]:,} to {mean[-1]:.2f} at {places[-1]:,}"
            listed.append(f"{name} {ends}")
        every = sorted({place for places, _ in ways.values() for place in places})
        axes.set_xscale("log", base=2)
        axes.minorticks_off()
        axes.set(xticks=every, xticklabels=[f"{place:,}" for place in every], xlabel="examples")
        axes.tick_params(axis="x", labelsize=8)
        axes.set_title(f"{task}: {metric}", fontsize=9)
        axes.grid(axis="y", color="#dddddd", linewidth=0.7)
        told.append(f"{task}, {metric}: {'; '.join(listed)}")
    panels[0, 0].set(ylim=(max(lowest - 0.03, 0), 1.02), ylabel="score (bands: 95 % interval)")
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=4, frameon=False, fontsize=9
    )
    core.show(
        figure,
        "Lines of a score against the number of examples, a panel for each task, with 95 % bands. "
        f"{'. '.join(told)}.",
    )


def before_after(
    places: Mapping[str, np.ndarray], labels: Sequence[str], held_out: ArrayLike, words: str = ""
) -> None:
    """Maps of the same texts with the same axes, one panel each; colour and mark show the class.

    `places`: for each title, shape (n, 2); `labels`: (n,); `held_out`: bool (n,), drawn larger, filled and
    with a black edge, over the others, which are hollow. `words`: what to add to the alternative text.
    """
    labels, held_out = np.asarray(labels), np.asarray(held_out, dtype=bool)
    stacked = np.concatenate(list(places.values()))
    if any(np.shape(points) != (len(labels), 2) for points in places.values()):
        raise DataError(f"Every map needs two numbers for each of the {len(labels)} texts.")
    figure, panels = plt.subplots(
        1, len(places), figsize=(4.1 * len(places), 4.3), sharex=True, sharey=True, squeeze=False
    )
    names = np.unique(labels)
    for axes, (title, points) in zip(panels.flat, places.items()):
        for i, name in enumerate(names):
            seen, new = (points[(labels == name) & side] for side in (~held_out, held_out))
            colour, mark = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
            axes.scatter(
                *seen.T, s=22, marker=mark, facecolors="none", edgecolors=colour, alpha=0.6, linewidths=1
            )
            axes.scatter(*new.T, s=34, marker=mark, color=colour, edgecolors=BLACK, linewidths=0.9, zorder=3)
        axes.set_title(title, fontsize=10)
        axes.set(xlabel="first component", aspect="equal")
    margin = 0.05 * np.ptp(stacked, axis=0).max()
    (left, low), (right, high) = stacked.min(axis=0) - margin, stacked.max(axis=0) + margin
    panels[0, 0].set(xlim=(left, right), ylim=(low, high), ylabel="second component")
    handles = [
        plt.Line2D([], [], linestyle="", marker=MARKERS[i % 7], color=COLOURS[i % 7], label=name)
        for i, name in enumerate(names)
    ]
    handles.append(
        plt.Line2D([], [], linestyle="", marker="o", mfc="#999999", mec=BLACK, label="filled: held out")
    )
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    apart = [f"{title} {_apart(points[held_out], labels[held_out]):.1f}" for title, points in places.items()]
    core.show(
        figure,
        f"Maps of the same {len(labels)} texts with the same axes; colour and mark show {', '.join(names)}; "
        f"{held_out.sum()} held-out texts have a black edge, the others are hollow. Distance of the middles "
        f"of the held-out classes, in standard deviations: {', '.join(apart)}. {words}".rstrip(),
    )


def _apart(points: np.ndarray, labels: np.ndarray) -> float:
    """How far the middles of the first and the last class lie apart, in their mean standard deviation."""
    names = np.unique(labels)
    ends = [points[labels == name] for name in (names[0], names[-1])]
    spread = np.mean([np.sqrt(end.var(axis=0).sum()) for end in ends])
    return float(np.linalg.norm(ends[0].mean(axis=0) - ends[1].mean(axis=0)) / max(spread, 1e-9))


def crossed(tables: Mapping[str, ArrayLike], what: str = "probability of yes") -> None:
    """Every product with every ad, a panel for each way: bright where it says yes.

    `tables`: for each way, probabilities of shape (c, c): product i (row) with ad j (column). Only the
    diagonal, marked by small circles, belongs together.
    """
    size = len(next(iter(tables.values())))
    figure, panels = plt.subplots(1, len(tables), figsize=(2.75 * len(tables) + 0.7, 3.1), squeeze=False)
    told = []
    for axes, (name, values) in zip(panels.flat, tables.items()):
        values = np.asarray(values, dtype=float)
        image = axes.imshow(values, vmin=0, vmax=1, interpolation="nearest")
        axes.plot(range(size), range(size), "o", mfc="none", mec="white", markersize=5, markeredgewidth=0.9)
        axes.set(xlabel="ad of company", ylabel="product of company" if axes is panels[0, 0] else "")
        axes.set(xticks=[], yticks=[])
        axes.set_title(name, fontsize=10)
        own = np.eye(size, dtype=bool)
        told.append(
            f"{name}: mean {values[own].mean():.2f} on the diagonal, {values[~own].mean():.2f} off it"
        )
    figure.colorbar(image, ax=panels, label=what, shrink=0.85)
    core.show(
        figure,
        f"Squares of {size} products (rows) by {size} ads (columns), shaded by {what}; on the diagonal "
        f"product and ad belong together. {'; '.join(told)}.",
    )
