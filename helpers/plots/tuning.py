"""Figures of lesson 09: what a job measured step by step, and what more epochs do.

They draw what a host reports (`tuning.results`, `tuning.checkpoints`). Left out: the figure that grows while
the job runs (`widgets.tuning`), and comparisons of models (`plots.scores`).
"""

from collections.abc import Iterable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from helpers.errors import DataError
from helpers.plots import core
from helpers.plots.core import BLACK, BLUE, COLOURS, MARKERS, ORANGE

LINES = ("-", "--", ":", "-.")
GREY = "#777777"
SMOOTHED = 12  # parts into which the steps are cut for the mean line


def training_curves(
    steps: pd.DataFrame,
    checkpoints: Iterable[tuple] = (),
    *,
    level: float | None = None,
    level_name: str = "knows only the shares",
    mark: int | None = None,
) -> None:
    """Loss against step, for training and validation, with what the checkpoints measured.

    `steps`: the result file, with columns step, train_loss and, if there was a validation file, valid_loss
    (NaN where it was not measured). `checkpoints`: (step, model, train loss, validation loss, ...), as
    `tuning.checkpoints` gives them. `level`: a loss to compare with. `mark`: a step, as an upright line.
    Each step's own loss is of few examples and jumps about: it is drawn pale, its mean over stretches strong.
    Raises DataError when the table has no such columns, or no row.
    """
    if missing := {"step", "train_loss"} - set(steps):
        raise DataError(f"The table of steps has no column {sorted(missing)[0]!r}.")
    if steps.empty:
        raise DataError("The table of steps has no row.")
    figure, axes = plt.subplots(figsize=(7, 3.9))
    told, top = [], 1.2 * (level or 0)
    for name, column, colour, line in (
        ("training", "train_loss", BLUE, "-"),
        ("validation", "valid_loss", ORANGE, "--"),
    ):
        if column not in steps or steps[column].isna().all():
            continue
        known = steps[["step", column]].dropna()
        axes.plot(known["step"], known[column], color=colour, alpha=0.2, linewidth=0.7)
        at, mean = stretches(known["step"].to_numpy(), known[column].to_numpy())
        axes.plot(at, mean, line, color=colour, linewidth=1.9, label=f"{name}, a few examples per step")
        told.append(f"{name}: from {mean[0]:.2f} to {mean[-1]:.2f}")
        top = max(top, 1.6 * mean.max())
    whole = [(one[0], one[3]) for one in checkpoints if one[3] is not None]
    if whole:
        axes.plot(*zip(*whole), "D", color=BLACK, markersize=6, label="checkpoint, all validation examples")
        told.append("checkpoints: " + ", ".join(f"{loss:.2f} at step {step}" for step, loss in whole))
    if level is not None:
        axes.axhline(level, color=GREY, linestyle=":", linewidth=1.4, label=f"{level_name}: {level:.2f}")
        told.append(f"{level_name}, a level line: {level:.2f}")
    if mark is not None:
        axes.axvline(mark, color=GREY, linewidth=1)
        told.append(f"an upright line at step {mark}")
    axes.set(xlabel="step", ylabel="loss", ylim=(0, top or None))  # single steps may jump beyond
    figure.legend(frameon=False, loc="outside lower left", ncols=2)
    core.show(figure, f"Lines of loss against step, as means over stretches of steps. {'; '.join(told)}.")


def stretches(steps: np.ndarray, values: np.ndarray, parts: int = SMOOTHED) -> tuple[np.ndarray, np.ndarray]:
    """The means of `steps` and of `values`, both (n,), over `parts` stretches of equal length or fewer."""
    cut = min(parts, len(steps))
    return tuple(np.array([part.mean() for part in np.array_split(one, cut)]) for one in (steps, values))


def loss_by_epoch(
    runs: Mapping[str, Mapping[str, Sequence[float]]],
    *,
    level: float | None = None,
    level_name: str = "knows only the shares",
) -> None:
    """Training and validation loss at the end of each epoch, one panel per run: does it learn, or memorise?

    `runs`: for each name "epoch", "training" and "validation", all of shape (m,). The lowest validation loss
    is ringed: left of it the model learns too little, right of it by heart. The panels reach to the highest
    loss at which a run ends, and to twice the `level`; what lies above is only told in words.
    """
    figure, panels = plt.subplots(
        1, len(runs), figsize=(2.9 * len(runs) + 0.6, 3.5), sharey=True, squeeze=False
    )
    told = []
    for axes, (name, run) in zip(panels[0], runs.items()):
        epoch = np.asarray(run["epoch"], dtype=float)
        for i, side in enumerate(("training", "validation")):
            axes.plot(
                epoch,
                run[side],
                MARKERS[i] + LINES[i],
                color=COLOURS[i],
                markersize=3.5,
                linewidth=1.6,
                label=side,
            )
        best = int(np.argmin(run["validation"]))
        axes.plot(
            epoch[best], run["validation"][best], "o", color=BLACK, markersize=12, mfc="none", label="lowest"
        )
        if level is not None:
            axes.axhline(level, color=GREY, linestyle=":", linewidth=1.4, label=level_name)
        axes.set(title=name, xlabel="epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        train, valid = run["training"], run["validation"]
        told.append(
            f"{name}: training loss from {train[0]:.2f} to {train[-1]:.2f}; validation loss from "
            f"{valid[0]:.2f}, lowest {valid[best]:.2f} after epoch {epoch[best]:.0f}, "
            f"at the end {valid[-1]:.2f}"
        )
    ends = max(run[side][-1] for run in runs.values() for side in ("training", "validation"))
    highest = max(max(run[side]) for run in runs.values() for side in ("training", "validation"))
    panels[0][0].set(ylabel="loss", ylim=(0, min(1.05 * highest, max(1.25 * ends, 2 * (level or highest)))))
    handles, names = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, names, frameon=False, loc="outside lower center", ncols=len(names))
    levelled = f" A level line at {level:.2f} ({level_name})." if level is not None else ""
    core.show(figure, f"Lines of loss against epoch, {len(runs)} panels. {'. '.join(told)}.{levelled}")
