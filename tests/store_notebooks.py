"""For authors: run the lessons on the bundled sample and the embedded engine, and store them executed.

    python tests/store_notebooks.py            every lesson
    python tests/store_notebooks.py 02         those whose file name begins so

A notebook is stored only if it ran to its end, wrote nothing to stderr and kept within its limits.
"""

import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
MOST_CODE_CELLS = 25
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def main(prefixes: list[str]) -> int:
    os.environ["WORKBOOK_HOST"], os.environ["WORKBOOK_DATA"] = "embedded", "sample"
    paths = [path for path in sorted(NOTEBOOKS.glob("*.ipynb")) if path.name.startswith(tuple(prefixes))]
    for path in paths:
        started = time.perf_counter()
        notebook = nbformat.read(path, as_version=4)
        where = {"metadata": {"path": str(NOTEBOOKS)}}
        NotebookClient(notebook, kernel_name="python3", resources=where).execute()
        tidy(notebook)
        complaints = problems(notebook)
        if complaints:
            print(f"{path.name}: not stored", *complaints, sep="\n  ")
            return 1
        nbformat.write(notebook, path)
        seconds, size = time.perf_counter() - started, path.stat().st_size
        print(f"{path.name}: stored, {seconds:.1f} s, {size / 1e3:.0f} kB")
    return 0


def tidy(notebook: nbformat.NotebookNode) -> None:
    """Keep what is the lesson's; drop times and versions that change from run to run."""
    widgets = notebook.metadata.get("widgets")
    notebook.metadata = nbformat.from_dict(METADATA | ({"widgets": widgets} if widgets else {}))
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)


def problems(notebook: nbformat.NotebookNode) -> list[str]:
    """What a stored lesson must not have."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    found = [f"{len(code)} code cells; at most {MOST_CODE_CELLS}"] if len(code) > MOST_CODE_CELLS else []
    for cell in code:
        for output in cell.outputs:
            if output.get("name") == "stderr":
                found.append(f"cell {cell.id} wrote to stderr: {output.text[:200]!r}")
            if "image/png" in output.get("data", {}) and not output.metadata.get("image/png", {}).get("alt"):
                found.append(f"cell {cell.id} shows a figure without alternative text: use plots.show")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or [""]))
