"""Figures of lesson 05: the direction of most spread, explained variance, maps and what they keep.

Places on a t-SNE or UMAP map differ from machine to machine. So the pictures carry two decimals and the words
beside them only what stays: tenths, and what was given. Left out: computing maps (`helpers.projection`), maps
to hover over (`helpers.widgets.maps`).
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from helpers.plots import core
from helpers.plots.core import BLACK, BLUE, COLOURS, MARKERS

GREY = "#c4c4c4"
MEASURES = {
    "trustworthiness": "trustworthiness",
    "overlap": "overlap of neighbours",
    "distances": "rank correlation of distances",
}

# ----------------------------------------------------------------------------- PCA


def most_spread(points: np.ndarray, variances: Sequence[float], names: tuple[str, str]) -> None:
    """Points in the plane with the direction of most spread, and the spread in every direction as a curve.

    `points`: shape (n, 2); `variances`: the variance along 0, 1, 2, ... degrees from the first axis, to 179.
    """
    points, variances = np.asarray(points), np.asarray(variances)
    angles = np.arange(len(variances))
    best = int(variances.argmax())
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), width_ratios=(1, 1.1))
    left.scatter(*points.T, s=8, color=BLUE, alpha=0.5, linewidths=0)
    centre = points.mean(axis=0)
    for angle, line in ((best, "-"), (best + 90, "--")):
        direction = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        reach = 2.5 * np.sqrt(variances[angle % 180])
        left.plot(
            *np.array([centre - reach * direction, centre + reach * direction]).T, line, color=BLACK, lw=2
        )
    left.set(xlabel=names[0], ylabel=names[1], aspect="equal")
    right.plot(angles, variances, color=BLUE)
    right.plot(best, variances[best], "o", color=BLACK, markersize=8)
    right.annotate(f"most: {best}°", (best, variances[best]), (0, 8), textcoords="offset points", ha="center")
    right.set(
        xlabel="direction (degrees)",
        ylabel="variance along it",
        xlim=(0, 180),
        ylim=(0, 1.18 * variances.max()),
    )
    right.set_xticks(range(0, 181, 30))
    core.show(
        figure,
        f"Left: {len(points)} points; {names[0]} to the right, {names[1]} upwards. A solid line shows the "
        "direction in which they spread most, a dashed one the direction across. Right: the variance along "
        f"each direction from 0 to 180 degrees, a smooth curve with its peak at {best} degrees.",
    )


def explained_variance(shares: Mapping[str, Sequence[float]], marked: Sequence[int] = (2, 3)) -> None:
    """How much of the variance the first components hold together: a line per data set, some counts marked.

    `shares`: for each name the share of each component, the largest first.
    """
    figure, axes = plt.subplots(figsize=(7, 3.2))
    told = []
    for i, (name, values) in enumerate(shares.items()):
        total = np.cumsum(values)
        counts = np.arange(1, len(total) + 1)
        axes.plot(
            counts, 100 * total, ("-", "--", ":")[i % 3], color=COLOURS[i % len(COLOURS)], lw=1.8, label=name
        )
        steps = ", ".join(f"{count} hold {total[count - 1]:.1%}" for count in marked)
        told.append(f"{name}: {steps}; half is reached with {int(np.searchsorted(total, 0.5)) + 1}")
        if i == 0:
            for count in marked[:1]:
                axes.plot(count, 100 * total[count - 1], "o", color=BLACK, markersize=7)
                axes.annotate(
                    f"{count} components: {total[count - 1]:.1%}", (count, 100 * total[count - 1]), (16, 18),
                    textcoords="offset points", arrowprops={"arrowstyle": "-", "color": BLACK},
                )  # fmt: skip
    axes.set(xlabel="components", ylabel="per cent of the variance", ylim=(0, 102), xlim=(0, None))
    axes.legend(frameon=False, loc="lower right")
    core.show(figure, f"Lines that rise: variance held together by the first components. {'. '.join(told)}.")


# ----------------------------------------------------------------------------- maps


def map_grid(
    places: Mapping[str, np.ndarray],
    labels: Sequence[int] | None = None,
    *,
    columns: int = 3,
    names: Mapping[int, str] | None = None,
    words: str = "",
) -> None:
    """Several maps beside each other, a panel each with its title; points of one group share colour and mark.

    `places`: for each title the places, shape (n, 2). A map has no axes to read: up and right mean nothing.
    `names`: a name per label, for one legend below. `words`: what to add to the alternative text.
    """
    rows, width = -(-len(places) // columns), min(columns, len(places))
    size = (max(2.75 * width, 8 if names else 0), 2.85 * rows + (0.7 if names else 0))
    figure, panels = plt.subplots(rows, width, figsize=size, squeeze=False)
    for axes, (title, points) in zip(panels.flat, places.items()):
        _points(axes, np.asarray(points), labels, size=9)
        axes.set_title(title, fontsize=9)
    for axes in list(panels.flat)[len(places) :]:
        axes.set_visible(False)
    marked = f" Colour and mark show {len(np.unique(labels))} groups" if labels is not None else ""
    if names:
        _legend(figure, names)
        marked += ": " + "; ".join(names[group] for group in sorted(names))
    marked += "." if marked else ""
    titles = "; ".join(" ".join(title.splitlines()[0].split()) for title in places)
    count = len(next(iter(places.values())))
    core.show(figure, f"{len(places)} maps of {count} points each: {titles}.{marked} {words}".strip())


def map_from_sides(places: np.ndarray, labels: Sequence[int], names: Mapping[int, str]) -> None:
    """A map in three dimensions from two sides, a quarter turn apart, with one legend below.

    `places`: shape (n, 3); points of one group share colour and mark; `names`: a name per label.
    """
    places, labels = np.asarray(places), np.asarray(labels)
    figure, panels = plt.subplots(1, 2, figsize=(8.5, 4.6), subplot_kw={"projection": "3d"})
    for axes, turn in zip(panels, (-60, 30)):
        for group in np.unique(labels):
            axes.scatter(*places[labels == group].T, s=8, linewidths=0, depthshade=False, **_style(group))
        axes.view_init(elev=20, azim=turn)
        axes.set(xticklabels=[], yticklabels=[], zticklabels=[])
        axes.set_title("from one side" if turn < 0 else "turned by a quarter", fontsize=9)
    _legend(figure, names)
    core.show(
        figure,
        f"A map of {len(places)} points in three dimensions, seen from two sides a quarter turn apart. "
        f"Colour and mark show {len(names)} groups: {'; '.join(names[group] for group in sorted(names))}.",
    )


def kept_on_map(places: np.ndarray, true: np.ndarray, kept: np.ndarray, review: int) -> None:
    """Where one review's true neighbours are on the map, and how many neighbours every point keeps there.

    `places`: shape (n, 2); `true`: the positions of each point's k nearest in the vectors, shape (n, k);
    `kept`: how many of them are among its k nearest on the map, shape (n,); `review`: whose are drawn.
    """
    places, k = np.asarray(places), true.shape[1]
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.9), width_ratios=(1, 1.2))
    left.scatter(*places.T, s=6, color=GREY, linewidths=0)
    for other in true[review]:
        left.plot(*places[[review, other]].T, color=BLUE, lw=1)
    left.plot(*places[true[review]].T, "o", color=BLUE, markersize=5)
    left.plot(*places[review], "*", color=BLACK, markersize=13)
    left.set_title(f"one review and its {k} neighbours in the vectors", fontsize=9)
    order = np.argsort(-kept, kind="stable")  # the poorly kept on top
    dots = right.scatter(*places[order].T, c=kept[order], s=9, cmap="cividis", vmin=0, vmax=k, linewidths=0)
    figure.colorbar(dots, ax=right, label=f"of its {k} neighbours, kept on the map", ticks=range(0, k + 1, 2))
    right.set_title("how many each review keeps", fontsize=9)
    for axes in (left, right):
        _frame(axes)
    core.show(
        figure,
        f"A map of {len(places)} reviews twice. Left: lines from one review to its {k} nearest in the "
        f"vectors. Right: each point the lighter, the more of its {k} nearest in the vectors are among "
        f"its {k} nearest on the map.",
    )


def stars_on_map(places: np.ndarray, stars: Sequence[int]) -> None:
    """Where reviews with few and with many stars lie: a panel each, the others in grey behind them."""
    places, stars = np.asarray(places), np.asarray(stars)
    kinds = {"1 or 2 stars": stars <= 2, "3 or 4 stars": (stars > 2) & (stars < 5), "5 stars": stars == 5}
    figure, panels = plt.subplots(1, 3, figsize=(8.25, 2.9))
    for axes, (name, chosen) in zip(panels, kinds.items()):
        axes.scatter(*places[~chosen].T, s=6, color=GREY, linewidths=0)
        axes.scatter(*places[chosen].T, s=9, color=BLACK, linewidths=0)
        axes.set_title(f"{name}: {chosen.sum()}", fontsize=10)
        _frame(axes)
    counts = ", ".join(f"{chosen.sum()} with {name}" for name, chosen in kinds.items())
    core.show(
        figure,
        f"The same map of {len(places)} reviews three times; black are {counts}, one kind per panel, the "
        "others grey. The words beside the figure say how far the stars lie apart.",
    )


def map_quality(table: pd.DataFrame, baseline: str) -> None:
    """What each map keeps: a panel per measure, a dot per map with its number, the baseline as a dashed line.

    `table`: from `projection.quality`; `baseline`: the row that is the least to beat.
    """
    figure, panels = plt.subplots(1, len(MEASURES), figsize=(8.5, 0.34 * len(table) + 1.1), sharey=True)
    heights = np.arange(len(table))[::-1]
    for axes, (column, title) in zip(panels, MEASURES.items()):
        values = table[column].to_numpy()
        axes.axvline(values[table.index.get_loc(baseline)], color=BLACK, linestyle="--", lw=1)
        axes.hlines(heights, 0, values, color=GREY, lw=2)
        axes.plot(values, heights, "o", color=BLUE)
        for value, height in zip(values, heights):
            axes.annotate(f"{value:z.2f}", (value, height), (7, 0), textcoords="offset points", va="center")
        axes.set(
            title=title, xlim=(min(0, values.min()), 1.22), xticks=(0, 0.5, 1), ylim=(-0.6, len(table) - 0.4)
        )
        axes.title.set_fontsize(9.5)
    panels[0].set_yticks(heights, table.index)
    lowest = all(table[column].idxmin() == baseline for column in MEASURES)
    told = f" In each of them “{baseline}” is lowest." if lowest else ""
    core.show(
        figure,
        f"Dots: {', '.join(MEASURES.values())}, a panel each, for {', '.join(table.index)}.{told} The table "
        "beside the figure has the numbers.",
    )


def labelled_map(places: np.ndarray, labels: Sequence[int], names: Mapping[int, str]) -> None:
    """A map with the name of each group on it, no name over another; a line leads to a name that had to move.

    `places`: shape (n, 2); `names`: for each label its name.
    """
    places, labels = np.asarray(places), np.asarray(labels)
    figure, axes = plt.subplots(figsize=(8, 6))
    _points(axes, places, labels, size=16)
    axes.margins(0.08)
    sizes = {group: int((labels == group).sum()) for group in names}
    anchors = {
        group: _middle(places[labels == group]) for group in sorted(names, key=lambda g: (-sizes[g], g))
    }
    place_names(axes, {f"{names[group]} ({sizes[group]})": anchor for group, anchor in anchors.items()})
    listed = ", ".join(f"{names[group]} ({sizes[group]})" for group in sorted(names))
    core.show(
        figure,
        f"A map of {len(places)} reviews in {len(names)} groups, shown by colour and mark. Each group's name "
        f"stands near its middle, with its number of reviews: {listed}.",
    )


def place_names(axes: plt.Axes, anchors: Mapping[str, np.ndarray]) -> list[Text]:
    """Write each name at its anchor, or as near to it as it fits without touching an earlier one.

    Tries the anchor, then rings around it, each wider than the last, sixteen directions a ring; stays within
    the axes. Fixes the figure's layout: add nothing to it later. Gives the texts, in the order of `anchors`.
    """
    figure = axes.figure
    figure.canvas.draw()  # settles the layout, so that places in pixels are final
    figure.set_layout_engine("none")
    to_data = axes.transData.inverted()
    inside, taken, texts = axes.get_window_extent(), [], []
    for name, anchor in anchors.items():
        x, y = axes.transData.transform(anchor)
        text = axes.text(
            *anchor, name, ha="center", va="center", fontsize=9, zorder=5,
            bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "#555555", "alpha": 0.9},
        )  # fmt: skip
        size = text.get_window_extent().size + 12  # the frame around the words, and some air
        for dx, dy in _offsets():
            box = Bbox.from_bounds(x + dx - size[0] / 2, y + dy - size[1] / 2, *size)
            if _holds(inside, box) and not any(box.overlaps(other) for other in taken):
                break
        place = to_data.transform((x + dx, y + dy))
        text.set_position(place)
        if dx or dy:
            axes.plot(*np.array([anchor, place]).T, color=BLACK, lw=1, zorder=4)
        taken.append(box)
        texts.append(text)
    return texts


def _holds(outer: Bbox, inner: Bbox) -> bool:
    return bool((outer.min <= inner.min).all() and (inner.max <= outer.max).all())


def _offsets() -> list[tuple[float, float]]:
    """The places to try, in pixels from the anchor, the nearest first."""
    ring = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    return [(0.0, 0.0)] + [(r * np.cos(a), r * np.sin(a)) for r in range(12, 400, 12) for a in ring]


def _middle(points: np.ndarray) -> np.ndarray:
    """The point of a group with the least sum of distances to the others: always where the group is."""
    distances = np.linalg.norm(points[:, None] - points, axis=2).sum(axis=1)
    return points[distances.argmin()]


def _points(axes: plt.Axes, points: np.ndarray, labels: Sequence[int] | None, *, size: float) -> None:
    if labels is None:
        axes.scatter(*points.T, s=size, color=BLUE, linewidths=0)
    else:
        labels = np.asarray(labels)
        for group in np.unique(labels):
            axes.scatter(*points[labels == group].T, s=size, linewidths=0, **_style(group))
    _frame(axes)


def _legend(figure: plt.Figure, names: Mapping[int, str]) -> None:
    """One legend below all panels: each group's mark and colour with its name."""
    marks = [
        plt.Line2D([], [], linestyle="", markersize=6, label=names[group], **_style(group))
        for group in sorted(names)
    ]
    figure.legend(handles=marks, loc="outside lower center", ncols=4, frameon=False, fontsize=8)


def _style(group: int) -> dict[str, str]:
    return {"color": COLOURS[group % len(COLOURS)], "marker": MARKERS[group % len(MARKERS)]}


def _frame(axes: plt.Axes) -> None:
    """A frame and no ticks: the numbers on a map's axes mean nothing."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color("#999999")
