"""The figures of lesson 09 draw without a warning, and their words are true to the numbers."""

import math

import numpy as np
import pandas as pd
import pytest

from helpers import plots
from helpers.errors import DataError
from helpers.plots.tuning import stretches

STEPS = pd.DataFrame(
    {
        "step": range(1, 101),
        "train_loss": np.linspace(0.7, 0.1, 100),
        "valid_loss": [0.6 if i % 10 == 0 else math.nan for i in range(100)],
    }
)
SAVED = [(50, "a", 0.4, 0.45, 0.8), (100, "b", 0.1, 0.5, 0.8)]


def ends_inside(figure):
    """Whether nothing drawn is cut off at the figure's border."""
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    return box.x0 >= -0.01 and box.y0 >= -0.01 and box.x1 <= width + 0.01 and box.y1 <= height + 0.01


def test_training_curves_tell_both_lines_checkpoints_and_level(shown):
    plots.training_curves(STEPS, SAVED, level=0.51, mark=50)
    figure, alt = shown[0]
    assert "training: from 0.68 to 0.12" in alt and "validation: from 0.60 to 0.60" in alt
    assert "0.45 at step 50, 0.50 at step 100" in alt
    assert "0.51" in alt and "an upright line at step 50" in alt
    assert ends_inside(figure)


def test_training_curves_without_a_validation_file(shown):
    plots.training_curves(STEPS[["step", "train_loss"]])
    plots.training_curves(STEPS.assign(valid_loss=math.nan), [(3, "a", 0.1, None, None)])
    assert all("validation" not in alt and "checkpoints" not in alt for _, alt in shown)


def test_training_curves_need_steps():
    with pytest.raises(DataError, match="no column 'train_loss'"):
        plots.training_curves(pd.DataFrame({"step": [1]}))
    with pytest.raises(DataError, match="no row"):
        plots.training_curves(STEPS.iloc[:0])


def test_stretches_are_means_in_order():
    at, mean = stretches(np.arange(6.0), np.array([1.0, 3, 5, 7, 9, 11]), 3)
    assert at.tolist() == [0.5, 2.5, 4.5] and mean.tolist() == [2, 6, 10]
    at, mean = stretches(np.arange(2.0), np.array([1.0, 3]))
    assert mean.tolist() == [1, 3]


def test_loss_by_epoch_rings_the_lowest_validation_loss(shown):
    run = {"epoch": [1, 2, 3, 4], "training": [0.7, 0.5, 0.3, 0.1], "validation": [0.7, 0.5, 0.55, 0.9]}
    plots.loss_by_epoch({"slow": run, "fast": run}, level=0.45)
    figure, alt = shown[0]
    assert alt.count("lowest 0.50 after epoch 2, at the end 0.90") == 2
    assert "A level line at 0.45" in alt
    rings = [line.get_xydata().tolist() for line in figure.axes[0].lines if line.get_label() == "lowest"]
    assert rings == [[[2, 0.5]]]
    assert ends_inside(figure)
