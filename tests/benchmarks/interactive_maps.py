"""Packages for an interactive map: time to build one of 100,000 points, and the size of their JavaScript.

    python tests/benchmarks/interactive_maps.py

Compares what is installed of plotly (the workbook's), jupyter-scatter and bokeh; nothing is drawn here.
Found in JupyterLab 4.6 in Chromium, with every host but this one out of reach, on two cores (November 2026):

                      new       installed  run all,         stored   without  ready-made builds
                      packages  MB         100,000 points   MB       WebGL    for all our systems
    plotly+anywidget  3         73         5.2 s            5.1      draws    yes
    jupyter-scatter   5         31         2.1 s            2.3      nothing  no: Windows and Linux on ARM
    jupyter_bokeh     3         39         2.3 s            8.0      untried  yes
    ipympl            1         3          1.7 s            0.3      draws    yes; zooms in the kernel
    embedding-atlas   71, among them PyTorch with CUDA and an older openai: not tried further

None of the four asked the network for anything.
"""

import importlib
import importlib.util
import json
import time
from types import ModuleType

import numpy as np
import pandas as pd

POINTS = 100_000
MODULES = {  # what each needs; all but plotly are no requirement of the workbook, so imported by name
    "plotly": "plotly.graph_objects",
    "jscatter": "jscatter",
    "jupyter_bokeh": "jupyter_bokeh",
    "bokeh": "bokeh.plotting",
}


def load(name: str) -> ModuleType:
    return importlib.import_module(MODULES[name])


def plotly(places: np.ndarray, groups: np.ndarray) -> object:
    go = load("plotly")
    marker = {"color": groups, "size": 3}
    return go.FigureWidget(go.Scattergl(x=places[:, 0], y=places[:, 1], mode="markers", marker=marker))


def jscatter(places: np.ndarray, groups: np.ndarray) -> object:
    table = pd.DataFrame({"x": places[:, 0], "y": places[:, 1], "group": pd.Categorical(groups.astype(str))})
    return load("jscatter").Scatter(data=table, x="x", y="y", color_by="group").widget


def jupyter_bokeh(places: np.ndarray, groups: np.ndarray) -> object:
    plot = load("bokeh").figure(output_backend="webgl")
    plot.scatter(places[:, 0], places[:, 1], size=3)
    return load("jupyter_bokeh").BokehModel(plot)


def main() -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 12, POINTS)
    places = rng.normal(0, 3, (12, 2))[groups] + rng.normal(0, 0.6, (POINTS, 2))
    seconds = {}
    for build in (plotly, jscatter, jupyter_bokeh):
        name = build.__name__
        if importlib.util.find_spec(name) is None:
            print(f"{name:14} not installed")
            continue
        build(places[:10], groups[:10])  # imports are not counted
        started = time.perf_counter()
        widget = build(places, groups)
        seconds[name] = time.perf_counter() - started
        script = len(json.dumps(getattr(widget, "_esm", "")))
        ratio = seconds[name] / seconds.get("plotly", seconds[name])
        print(f"{name:14} {seconds[name]:.2f} s, {ratio:.2f} of plotly's; JavaScript {script / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
