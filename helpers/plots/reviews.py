"""Figures of lesson 02: the stars, the seen and the unseen, how long texts are."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np

from helpers.plots import core
from helpers.plots.core import BLACK, BLUE, SKY


def stars(scores: Sequence[int]) -> None:
    """How many reviews have 1, 2, 3, 4 and 5 stars: a bar each, with its share; the longest stands out."""
    counts = np.bincount(np.asarray(scores, dtype=int), minlength=6)[1:6]
    shares = counts / counts.sum()
    figure, axes = plt.subplots(figsize=(7, 2.6))
    colours = [BLUE if count == counts.max() else SKY for count in counts]
    bars = axes.barh(range(1, 6), counts, color=colours, edgecolor=BLACK, linewidth=0.5)
    axes.bar_label(bars, [f" {count:,}  ({share:.1%})" for count, share in zip(counts, shares)])
    axes.set(yticks=range(1, 6), ylabel="stars", xlabel="reviews", xlim=(0, 1.25 * counts.max()))
    axes.tick_params(axis="y", length=0)
    listed = ", ".join(f"{share:.1%} have {i}" for i, share in enumerate(shares, start=1))
    core.show(figure, f"Bars: how many of {counts.sum():,} reviews have each number of stars. {listed}.")


def seen_before(seen: Sequence[bool], columns: int = 40) -> None:
    """The rows of a test set as a grid of squares; filled are those whose text the training set has too."""
    seen = np.asarray(seen, dtype=bool)
    y, x = np.divmod(np.arange(len(seen)), columns)
    figure, axes = plt.subplots(figsize=(7, 0.17 * (y.max() + 1) + 0.6))
    kinds = ((False, "white", "text is new"), (True, BLUE, "text is in the training set too"))
    for known, colour, label in kinds:
        chosen = seen == known
        axes.scatter(
            x[chosen], y[chosen], s=70, marker="s", color=colour, edgecolor="#555555", linewidth=0.6,
            label=f"{label}: {chosen.sum()}",
        )  # fmt: skip
    axes.set(xlim=(-1, columns), ylim=(y.max() + 0.8, -0.8))
    axes.axis("off")
    figure.legend(loc="outside lower left", ncols=2, frameon=False)
    core.show(
        figure,
        f"{len(seen)} small squares, one for each row of the test set. {seen.sum()} of them, "
        f"{seen.mean():.0%}, are filled: their text is in the training set too.",
    )


def token_counts(counts: Sequence[int], limit: int) -> None:
    """How long texts are in tokens: a histogram, the median marked, and in words how far off `limit` is."""
    counts = np.asarray(counts)
    median, longest, over = float(np.median(counts)), int(counts.max()), int((counts > limit).sum())
    times = f"{limit / longest:.1f} times the longest" if not over else f"{over:,} texts are longer"
    figure, axes = plt.subplots(figsize=(7, 2.8))
    axes.hist(counts, bins=40, color=SKY, edgecolor=BLACK, linewidth=0.4)
    axes.axvline(median, color=BLACK, linestyle="--", linewidth=1.2)
    axes.annotate(
        f"median: {median:,.0f}", (median, 1), (5, -2), xycoords=("data", "axes fraction"),
        textcoords="offset points", va="top",
    )  # fmt: skip
    axes.annotate(
        f"longest: {longest:,}", (longest, 0), (0, 32), textcoords="offset points", ha="right",
        arrowprops={"arrowstyle": "->"},
    )  # fmt: skip
    axes.text(
        0.99, 0.8, f"limit: {limit:,} tokens, far off to the right\n({times})" if not over else
        f"limit: {limit:,} tokens ({times})", transform=axes.transAxes, ha="right", va="center",
    )  # fmt: skip
    axes.set(xlabel="tokens in a text", ylabel="texts", xlim=(0, None))
    core.show(
        figure,
        f"Histogram of the tokens in {len(counts):,} texts. The median is {median:,.0f}; a long tail on the "
        f"right ends at {longest:,}. The limit of {limit:,} tokens: {times}.",
    )
