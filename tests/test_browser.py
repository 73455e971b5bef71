"""The lessons in JupyterLab in a real browser, as a learner meets them: run all, look at what there is.

Skipped where no Chromium, Chrome or Edge is installed, but not in CI (`CI` set): there it must run.
`WORKBOOK_BROWSER` names another browser; `WORKBOOK_SCREENSHOTS` a folder that keeps a picture of each lesson.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from helpers.settings import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SECONDS_FOR_A_LESSON = 180

pytestmark = pytest.mark.browser


def find_browser() -> str | None:
    named = os.environ.get("WORKBOOK_BROWSER")
    found = [shutil.which(name) for name in NAMES] + [place for place in PLACES if Path(place).is_file()]
    return named or next(filter(None, found), None)


@pytest.fixture(scope="module")
def browser() -> Iterator:
    path = find_browser()
    if path is None and not os.environ.get("CI"):
        pytest.skip("no Chromium, Chrome or Edge found")
    assert path, "CI must have a browser"
    from playwright.sync_api import sync_playwright

    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET, *as_root])
        yield browser
        browser.close()


class Lab:
    """A JupyterLab of its own on copies of the lessons without their outputs."""

    def __init__(self, folder: Path, data: str):
        self.root = folder / "lessons"
        self.root.mkdir()
        for path in NOTEBOOKS:
            nbformat.write(without_outputs(nbformat.read(path, as_version=4)), self.root / path.name)
        # Every cell in the page, not only those in view.
        settings = folder / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps({"windowingMode": "none"}), encoding="utf-8")
        self.log = (folder / "server.log").open("w+", encoding="utf-8")
        arguments = [
            "--no-browser",
            "--allow-root",
            "--ServerApp.port=0",
            "--IdentityProvider.token=test",
            f"--ServerApp.root_dir={self.root}",
            "--LabApp.expose_app_in_browser=True",
        ]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *arguments],
            env=os.environ
            | {
                "WORKBOOK_DATA": data,
                "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
                "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),  # open nothing from another run
            },
            stdout=self.log,
            stderr=self.log,
        )

    def url(self) -> str:
        """Where it answers: read from its log, for the port is its own choice."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            self.log.seek(0)
            found = re.search(r"http://(?:localhost|127\.0\.0\.1):\d+/", self.log.read())
            if found:
                return found.group()
            time.sleep(0.1)
        raise AssertionError("JupyterLab did not start")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


@pytest.fixture(scope="module")
def sample_lab(tmp_path_factory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab"), "sample")
    yield lab
    lab.stop()


def without_outputs(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def run_lesson(browser, lab: Lab, name: str):
    """Open a lesson, run all its cells, wait for the last one; gives the page."""
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    page.set_default_timeout(SECONDS_FOR_A_LESSON * 1000)
    page.goto(f"{lab.url()}lab/tree/{name}?token=test&reset")
    page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-CodeCell")
    page.wait_for_function(
        "() => { const c = window.jupyterapp.shell.currentWidget.context;"
        " return c && c.sessionContext.session?.kernel?.status === 'idle' }"
    )
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(
        "() => [...window.jupyterapp.shell.currentWidget.content.widgets]"
        ".filter(c => c.model.type === 'code' && c.model.sharedModel.source.trim())"
        ".every(c => c.model.executionCount)"
    )
    page.wait_for_timeout(500)  # the last outputs are drawn
    return page


def keep_screenshot(page, name: str) -> None:
    folder = os.environ.get("WORKBOOK_SCREENSHOTS")
    if folder:
        panel = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer"
        height = page.eval_on_selector(panel, "panel => panel.scrollHeight")
        page.set_viewport_size({"width": 1200, "height": max(1_000, min(height + 150, 16_000))})
        page.eval_on_selector(panel, "panel => { panel.scrollTop = 0 }")
        page.wait_for_timeout(500)
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def check_lesson(page, notebook: nbformat.NotebookNode) -> None:
    """Every figure is drawn and described, every widget stands, and nothing failed that was not meant to."""
    figures = page.eval_on_selector_all(
        ".jp-RenderedImage img", "images => images.map(image => [image.naturalWidth, image.naturalHeight])"
    )
    assert all(width > 200 and height > 100 for width, height in figures)
    words = page.locator(".jp-OutputArea-output details", has_text="Figure in words").all_text_contents()
    assert all(len(text) > len("Figure in words") + 20 for text in words)
    stored = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert len(figures) == len(words) == len(stored)
    outputs = page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.widgets"
        ".filter(c => c.model.type === 'code').flatMap(c => c.model.outputs.toJSON())"
    )
    meant = sum("raises-exception" in cell.metadata.get("tags", []) for cell in notebook.cells)
    assert sum(output["output_type"] == "error" for output in outputs) == meant
    assert [output["text"] for output in outputs if output.get("name") == "stderr"] == []
    assert page.locator("text=Error displaying widget").count() == 0


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_lesson_on_the_sample(browser, sample_lab, path):
    page = run_lesson(browser, sample_lab, path.name)
    check_lesson(page, nbformat.read(path, as_version=4))
    keep_screenshot(page, path.stem)
    page.close()


def test_food_reviews_on_the_real_data(browser, tmp_path, real_reviews):
    path = next(path for path in NOTEBOOKS if path.name.startswith("02"))
    lab = Lab(tmp_path, str(real_reviews))
    page = run_lesson(browser, lab, path.name)
    check_lesson(page, nbformat.read(path, as_version=4))
    keep_screenshot(page, f"{path.stem}_real")
    page.close()
    lab.stop()
