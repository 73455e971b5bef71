"""What every lesson must have, read off its stored file; and its solutions, run in place of the answers."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from store_notebooks import problems

from helpers.settings import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SOLUTION = re.compile(
    r"<details>\s*<summary>Solution</summary>\s*```python\n(.*?)```.*?</details>", re.DOTALL
)
FEWEST_EXERCISES = 3

every_lesson = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def exercise_cells(notebook: nbformat.NotebookNode) -> list[tuple[nbformat.NotebookNode, str | None]]:
    """Each exercise's code cell with the solution that the next cell holds."""
    found = []
    for cell, following in zip(notebook.cells, [*notebook.cells[1:], None]):
        if "exercise" in cell.metadata.get("tags", []):
            solution = SOLUTION.search(following.source) if following else None
            found.append((cell, solution.group(1) if solution else None))
    return found


def solved(cell: nbformat.NotebookNode, solution: str) -> str:
    """The cell with the solution in place of everything above the check, its imports kept."""
    lines = cell.source.splitlines()
    imports = [line for line in lines if re.match(r"(from|import) ", line)]
    return "\n".join([*imports, solution, lines[-1]])


def verdict(cell: nbformat.NotebookNode) -> str:
    return cell.outputs[-1]["data"]["text/plain"]


def test_there_are_lessons():
    assert NOTEBOOKS


@every_lesson
class TestStored:
    def test_is_a_valid_notebook_with_ids_of_its_own(self, path):
        notebook = read(path)
        nbformat.validate(notebook)
        ids = [cell.id for cell in notebook.cells]
        assert len(ids) == len(set(ids))

    def test_is_executed_in_order_without_complaints(self, path):
        notebook = read(path)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
        assert problems(notebook) == []

    def test_has_objectives_and_says_them_again(self, path):
        text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
        assert "**Objectives**" in text
        assert re.search(r"^#+ Wrap-up", text, re.MULTILINE)
        assert re.search("[가-힣]", text.split("Wrap-up")[-1]), "the wrap-up names the terms in Korean"

    def test_begins_with_the_workbooks_first_cell(self, path):
        first = next(cell for cell in read(path).cells if cell.cell_type == "code")
        assert first.source == "from helpers import workbook\n\nlesson = workbook.start()\nlesson"
        assert "nbval-ignore-output" in first.metadata.tags

    def test_exercises_are_unanswered_and_have_solutions(self, path):
        found = exercise_cells(read(path))
        assert len(found) >= FEWEST_EXERCISES
        for cell, solution in found:
            assert solution, f"no solution follows {cell.id}"
            assert verdict(cell).startswith("… Not answered yet."), cell.id

    def test_links_lead_somewhere(self, path):
        text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
        for target in re.findall(r"\]\(([^)#\s]+)", text):
            if not target.startswith(("http://", "https://")):
                assert (path.parent / target).exists(), target

    def test_holds_no_key_and_no_path_of_a_machine(self, path):
        text = json.dumps(read(path), ensure_ascii=False)
        assert not re.search(r"sk-[A-Za-z0-9_-]{20,}", text)
        assert str(ROOT) not in text
        assert str(Path.home()) not in text or str(Path.home()) == "/"


@every_lesson
def test_solutions_are_accepted(path, tmp_path):
    """In a folder of its own: nbval may run the same lesson in notebooks/ at the same time."""
    notebook = read(path)
    found = exercise_cells(notebook)
    for cell, solution in found:
        cell.source = solved(cell, solution)
    where = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, kernel_name="python3", resources=where).execute()
    for cell, _ in found:
        assert verdict(cell).startswith("✔ Right."), f"{cell.id}: {verdict(cell)}"
