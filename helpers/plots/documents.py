"""Figures of lesson 07: a page's pieces of text as boxes, sizes of chunks, answers found by chunk size."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from helpers.plots import core
from helpers.plots.core import BLACK, BLUE, COLOURS, MARKERS, ORANGE
from helpers.plots.scores import wilson

LABEL_ROOM = 14.0  # points to the left of a box that its number takes up
HIGHER = 8.0  # points; what stands so much higher stands on a line above
LIMITS = {"chance": ":", "possible": "--"}  # lines below and above what a search can reach
Box = tuple[float, float, float, float]


def too_early(boxes: Sequence[Box]) -> list[int]:
    """Positions of the boxes (left, bottom, right, top) after which one follows that stands on a line above.

    A reader from top to bottom meets these too late or too early: they are out of order.
    """
    highest_after = -np.inf
    found = []
    for i in range(len(boxes) - 1, -1, -1):
        if highest_after > boxes[i][1] + HIGHER:
            found.append(i)
        highest_after = max(highest_after, boxes[i][1])
    return found[::-1]


def page_pieces(boxes: Sequence[Box], width: float, height: float, picture: np.ndarray | None = None) -> None:
    """A page with a box around each piece of text, numbered from 1 in the order of the file.

    `picture` is the page as it looks, (rows, columns) of grey from 0 to 255, shown behind the boxes.

    `boxes`: (left, bottom, right, top) in points, from the page's lower left corner. Pieces that come before
    one on a line above are filled and hatched: they are out of reading order.
    """
    early = set(too_early(boxes))
    figure, axes = plt.subplots(figsize=(5.6, 5.6 * height / width * 0.93))
    if picture is not None:
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255, extent=(0, width, 0, height))
    for i, (left, bottom, right, top) in enumerate(boxes):
        style = {"facecolor": "#fbe3b5", "hatch": "///"} if i in early else {"facecolor": "#dcebf7"}
        if picture is not None:  # the letters are to be read through the box
            style["alpha"] = 0.45
        edge = ORANGE if i in early else BLUE
        axes.add_patch(Rectangle((left, bottom), right - left, top - bottom, edgecolor=edge, **style))
        beside = any(0 < left - b[2] < LABEL_ROOM and b[1] < top and b[3] > bottom for b in boxes)
        place, side = ((right + 3), "left") if beside else (left - 3, "right")
        weight = "bold" if i in early else "normal"
        axes.annotate(
            str(i + 1), (place, (bottom + top) / 2), ha=side, va="center", fontsize=7, fontweight=weight
        )
    axes.set(xlim=(0, width), ylim=(0, height), aspect="equal", xlabel="points from the left")
    axes.set_ylabel("points from the bottom")
    listed = ", ".join(str(i + 1) for i in sorted(early)) or "none"
    core.show(
        figure,
        f"A page with a box around each of its {len(boxes)} pieces of text, numbered in the order of the "
        f"file. Hatched, because a piece that stands higher comes after them: {listed}.",
    )


def chunk_sizes(sizes: Mapping[str, Sequence[int]], limit: int) -> None:
    """Tokens of each piece in the document's order, a row of bars per way of cutting, beside the limit.

    Bars over the limit are hatched.
    """
    figure, rows = plt.subplots(
        len(sizes), 1, figsize=(7, 1.7 * len(sizes) + 0.4), sharey=True, squeeze=False
    )
    told = []
    for axes, (way, counts) in zip(rows[:, 0], sizes.items()):
        counts = np.asarray(counts)
        over = counts > limit
        places = np.arange(1, len(counts) + 1)
        axes.bar(places[~over], counts[~over], color=BLUE)
        axes.bar(places[over], counts[over], color=ORANGE, hatch="///", edgecolor=BLACK, linewidth=0.5)
        axes.axhline(limit, color=BLACK, linestyle="--", linewidth=1)
        axes.set(title=f"{way}: {len(counts)}", ylabel="tokens", xlim=(0.3, len(counts) + 0.7))
        told.append(f"{way}: {len(counts)}, from {counts.min()} to {counts.max()}, {over.sum()} over it")
    rows[-1, 0].set_xlabel("place in the document")
    core.show(
        figure, f"Bars with the tokens of each piece, and a line at the limit of {limit}. {'; '.join(told)}."
    )


def answers_found(
    panels: Mapping[str, Mapping[str, Sequence[float]]], sizes: Sequence[int], questions: int
) -> None:
    """For each way of searching the share of questions answered, by chunk size, with 95 % intervals (Wilson).

    `panels`: title -> way -> how many questions were answered at each of `sizes` (tokens). A way whose name
    is "chance" or "possible" (the most that any search could find) is drawn as a line without intervals.
    """
    figure, rows = plt.subplots(1, len(panels), figsize=(7.4, 3.4), sharey=True, squeeze=False)
    places, told = np.arange(len(sizes)), []
    for axes, (title, ways) in zip(rows[0], panels.items()):
        for i, (way, found) in enumerate(ways.items()):
            shares = np.asarray(found, float) / questions
            beside = [name for name in ways if name not in LIMITS]
            at = places + 0.12 * (i - (len(beside) - 1) / 2)
            colour, mark = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
            if way in LIMITS:
                axes.plot(places, shares, LIMITS[way], color=BLACK, label=way)
            else:
                ends = np.array([wilson(f, questions) for f in found]).T  # (2, sizes)
                axes.errorbar(at, shares, abs(ends - shares), fmt=mark + "-", color=colour, label=way)
            told.append(f"{title}, {way}: {', '.join(f'{share:.2f}' for share in shares)}")
        axes.set(title=title, xticks=places, xticklabels=sizes, ylim=(0, 1.03), xlabel="tokens per chunk")
    rows[0, 0].set_ylabel("share of the questions")
    handles = {}
    for axes in rows[0]:
        handles |= dict(zip(*axes.get_legend_handles_labels()[::-1]))
    figure.legend(
        handles.values(), handles.keys(), loc="outside upper left", ncols=len(handles), frameon=False
    )
    core.show(
        figure,
        f"Share of {questions} questions answered with chunks of {', '.join(map(str, sizes))} tokens, with "
        f"95 % intervals. {'; '.join(told)}.",
    )
