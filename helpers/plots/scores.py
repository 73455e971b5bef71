"""Figures of lesson 06: which mistakes, how sure, how many labels, which model, which threshold.

They draw numbers that were computed elsewhere (`prediction`, scikit-learn); only `reliability` counts for
itself. Every interval is drawn as it was given. Left out: the scores themselves.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import ArrayLike

from helpers.errors import DataError
from helpers.plots import core
from helpers.plots.core import BLACK, BLUE, COLOURS, MARKERS

Interval = tuple[float, float, float]
"""A score with its interval: (mean, lower end, upper end)."""

LINES = ("-", "--", ":", "-.")
Z = 1.96  # standard errors of a 95 % interval


def confusion(counts: ArrayLike, labels: Sequence[str | int], what: str = "stars") -> None:
    """How often each class was taken for which: true classes in rows, predicted ones in columns.

    `counts`: shape (k, k), as `sklearn.metrics.confusion_matrix` gives it. Squares are shaded by their share
    of the row and hold the count and that share.
    """
    counts = np.asarray(counts)
    if counts.shape != (len(labels), len(labels)):
        raise DataError(f"{len(labels)} labels need {len(labels)} rows and columns, not {counts.shape}.")
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = plt.subplots(figsize=(6.4, 0.62 * len(labels) + 1.1))
    image = axes.imshow(shares, vmin=0, vmax=1, aspect="auto")
    for i, j in np.ndindex(counts.shape):
        ink = "black" if shares[i, j] > 0.5 else "white"
        weight = "bold" if i == j else "normal"
        axes.text(
            j, i, f"{counts[i, j]:,}\n{shares[i, j]:.0%}", ha="center", va="center", fontsize=9, color=ink,
            fontweight=weight,
        )  # fmt: skip
    axes.set(xticks=range(len(labels)), xticklabels=labels, xlabel=f"predicted {what}")
    axes.set(yticks=range(len(labels)), yticklabels=labels, ylabel=f"true {what}")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, label="share of the row").ax.yaxis.set_major_formatter("{x:.0%}")
    wrong = counts - np.diag(np.diag(counts))
    right = f"{np.trace(counts):,} of {counts.sum():,} lie on the diagonal, where both agree"
    worst = ""
    if wrong.any():
        i, j = np.unravel_index(wrong.argmax(), wrong.shape)
        worst = f" The most frequent mistake: true {labels[i]} taken for {labels[j]}, {counts[i, j]:,} times."
    found = ", ".join(f"{label}: {share:.0%}" for label, share in zip(labels, np.diag(shares)))
    core.show(
        figure,
        f"Table of true {what} (rows) against predicted {what} (columns). {right}. Share found of each: "
        f"{found}.{worst}",
    )


def reliability(
    models: Mapping[str, tuple[ArrayLike, ArrayLike]], bins: int = 6, event: str = "right"
) -> None:
    """How often something happened against how probable it was called, with 95 % intervals.

    `models`: for each name, the stated probabilities, shape (n,), and whether it happened, bool (n,). Each
    model's cases are sorted by probability and cut into `bins` groups of equal number. The intervals are
    Wilson's (1927), which stay within 0 and 1.
    """
    figure, axes = plt.subplots(figsize=(5.6, 4))
    axes.plot([0, 1], [0, 1], color="#777777", linewidth=1, zorder=0, label="what it should be")
    told, lowest = [], 1.0
    for i, (name, (stated, happened)) in enumerate(models.items()):
        points = _groups(np.asarray(stated, float), np.asarray(happened, bool), bins)
        said, share, low, high = np.array(points).T
        lowest = min(lowest, said.min(), low.min())
        axes.errorbar(
            said + 0.004 * i, share, yerr=[share - low, high - share], fmt=MARKERS[i] + LINES[i % 4],
            color=COLOURS[i], capsize=3, linewidth=1.4, markersize=6, label=name,
        )  # fmt: skip
        listed = ", ".join(f"{p:.2f} said and {s:.2f} happened" for p, s in zip(said, share))
        told.append(f"{name}: {listed}")
    start = max(0.0, np.floor(10 * lowest) / 10 - 0.02)
    axes.set(xlabel="probability stated", ylabel=f"share {event} (95 % interval)")
    axes.set(xlim=(start, 1.02), ylim=(start, 1.02))
    axes.legend(frameon=False, loc="lower right")
    core.show(
        figure,
        f"How often it was {event} against the probability stated; on the diagonal both agree. "
        f"{'. '.join(told)}.",
    )


def _groups(stated: np.ndarray, happened: np.ndarray, bins: int) -> list[tuple[float, float, float, float]]:
    """(mean stated, share happened, low, high) of each group, by rising probability."""
    order = np.argsort(stated, kind="stable")
    return [
        (stated[part].mean(), happened[part].mean(), *wilson(happened[part].sum(), len(part)))
        for part in np.array_split(order, bins)
        if len(part)
    ]


def wilson(successes: float, n: int) -> tuple[float, float]:
    """95 % interval of a share, by E. B. Wilson (1927), "Probable inference, the law of succession"."""
    if n < 1:
        raise DataError("A share of no cases has no interval.")
    share, square = successes / n, Z * Z / n
    middle = (share + square / 2) / (1 + square)
    half = Z / (1 + square) * np.sqrt(share * (1 - share) / n + square / (4 * n))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def score_curves(
    places: Sequence[float],
    curves: Mapping[str, Sequence[Interval]],
    levels: Mapping[str, float] | None = None,
    *,
    x_label: str,
    y_label: str,
    log: bool = False,
    percent: bool = False,
    bands: str = "95 % interval",
) -> None:
    """Scores against something that was varied (labels, repeats), one line a model, with intervals.

    `places`: shape (m,), where along the horizontal axis; `curves`: for each name, m times (mean, lower end,
    upper end); `levels`: scores that do not vary, as horizontal lines. `log` spaces the places by their
    ratio; `percent` writes them as percentages; `bands` says what the two ends are.
    """
    figure, axes = plt.subplots(figsize=(7, 3.7))
    xs = np.asarray(places, dtype=float)
    for i, (name, measured) in enumerate(curves.items()):
        mean, low, high = np.array(measured, dtype=float).T
        axes.fill_between(xs, low, high, color=COLOURS[i], alpha=0.15, linewidth=0)
        axes.plot(
            xs, mean, MARKERS[i] + LINES[i % 4], color=COLOURS[i], linewidth=1.7, markersize=6, label=name
        )
    for i, (name, level) in enumerate((levels or {}).items()):
        axes.axhline(
            level, color=BLACK, linestyle=LINES[(i + 1) % 4], linewidth=1.2, label=f"{name}: {level:.2f}"
        )
    if log:
        axes.set_xscale("log", base=2)
    written = [f"{place:.0%}" if percent else f"{place:,g}" for place in places]
    axes.minorticks_off()
    axes.set(xlabel=x_label, ylabel=f"{y_label} (bands: {bands})", xticks=xs, xticklabels=written)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    told = [
        f"{name}: " + ", ".join(f"{mean:.2f} at {place}" for (mean, _, _), place in zip(measured, written))
        for name, measured in curves.items()
    ]
    told += [f"{name}, a level line: {level:.2f}" for name, level in (levels or {}).items()]
    core.show(figure, f"Lines of {y_label} against {x_label}; bands: {bands}. {'; '.join(told)}.")


def score_intervals(
    scores: Mapping[str, Interval], baseline: str, *, metric: str, lower_is_better: bool = False
) -> None:
    """Each model's score as a dot with its interval, the best on top, and the baseline as a line through all.

    `scores`: the name of each model and its (mean, lower end, upper end); `baseline`: one of the names.
    """
    if baseline not in scores:
        raise DataError(f"The baseline {baseline!r} is not among the scores: {', '.join(scores)}.")
    sign = 1 if lower_is_better else -1
    names = sorted(scores, key=lambda name: sign * scores[name][0])  # stable: ties stay in the given order
    mean, low, high = np.array([scores[name] for name in names], dtype=float).T
    figure, axes = plt.subplots(figsize=(7, 0.34 * len(names) + 1.0))
    rows = np.arange(len(names))[::-1]
    axes.axvline(scores[baseline][0], color=BLACK, linestyle="--", linewidth=1.2, zorder=0)
    for row, name, middle, start, end in zip(rows, names, mean, low, high):
        own = name == baseline
        axes.errorbar(
            middle, row, xerr=[[max(middle - start, 0)], [max(end - middle, 0)]], fmt="D" if own else "o",
            color=BLACK if own else BLUE, mfc="white" if own else BLUE, capsize=3, linewidth=1.5,
        )  # fmt: skip
        axes.annotate(
            f"{middle:.2f}", (middle, row), (0, 6), textcoords="offset points", ha="center", fontsize=8,
            bbox={"color": "white", "pad": 0.5},
        )  # fmt: skip
    axes.set(yticks=rows, yticklabels=names, ylim=(-0.6, len(names) - 0.2))
    axes.set_xlabel(f"{metric} (bars: 95 % interval; dashed: {baseline})")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#dddddd", linewidth=0.7)
    listed = "; ".join(
        f"{name} {m:.2f} ({a:.2f} to {b:.2f})" for name, m, a, b in zip(names, mean, low, high)
    )
    best = "lowest" if lower_is_better else "highest"
    core.show(
        figure,
        f"Dots with 95 % intervals: {metric} of {len(names)} models, the {best} on top, with a dashed line "
        f"at {baseline}. {listed}.",
    )


def roc(
    truth: ArrayLike, models: Mapping[str, ArrayLike], positive: str = "positive", negative: str = "negative"
) -> None:
    """The share of positive cases found against that of negative ones wrongly flagged, at all thresholds.

    `truth`: bool (n,), true for the class that is looked for; `models`: for each name, scores (n,), higher
    meaning more like that class. `positive`, `negative`: what the two classes are called.
    """
    from sklearn.metrics import roc_auc_score, roc_curve

    truth = np.asarray(truth, dtype=bool)
    figure, axes = plt.subplots(figsize=(5.8, 4))
    axes.plot([0, 1], [0, 1], color="#777777", linewidth=1, label="a coin: 0.50")
    told = []
    for i, (name, scores) in enumerate(models.items()):
        wrongly, found, _ = roc_curve(truth, scores, drop_intermediate=False)
        area = roc_auc_score(truth, scores)
        axes.plot(wrongly, found, LINES[i % 4], color=COLOURS[i], linewidth=1.7, label=f"{name}: {area:.2f}")
        tenth = found[wrongly <= 0.1].max()
        told.append(f"{name}: area {area:.2f}; {tenth:.0%} found while at most 10% are wrongly flagged")
    axes.set(xlabel=f"share of the {negative} wrongly flagged", ylabel=f"share of the {positive} found")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.legend(frameon=False, loc="lower right", title="area under the curve", alignment="left")
    core.show(
        figure,
        f"ROC curves of {truth.sum()} {positive} and {(~truth).sum()} {negative} cases; the diagonal is what "
        f"chance gives. {'. '.join(told)}.",
    )
