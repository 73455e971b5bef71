"""What every test runs with: the embedded engine, the bundled sample, no keys."""

import os
from pathlib import Path

import pytest
import real_data

from helpers.settings import HOST_SETTINGS

for name in list(os.environ):
    if name.startswith(HOST_SETTINGS):
        del os.environ[name]
os.environ["WORKBOOK_HOST"] = "embedded"
os.environ["WORKBOOK_DATA"] = "sample"


@pytest.fixture
def real_reviews() -> Path:
    """The cookbook's 1,000 real reviews, or a skip: they are read where they are and never copied."""
    path = real_data.real_reviews()
    if path is None:
        pytest.skip("the real reviews are not here: python3 -m helpers data 1k")
    return path


@pytest.fixture
def no_settings(monkeypatch, tmp_path) -> Path:
    """A project folder without a `.env` and an environment without a setting; returns the folder."""
    from helpers import settings

    for name in list(os.environ):
        if name.startswith(("OPENAI_", "AZURE_", "WORKBOOK_")):
            monkeypatch.delenv(name)
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    monkeypatch.setenv("WORKBOOK_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def shown(monkeypatch) -> list:
    """What `plots.show` was given, drawn to its pixels: a list of (figure, alternative text)."""
    import matplotlib

    matplotlib.use("agg")  # no windows
    from helpers.plots import core

    seen = []

    def draw(figure, alt):
        figure.canvas.draw()
        seen.append((figure, alt))
        core.plt.close(figure)

    monkeypatch.setattr(core, "show", draw)
    return seen
