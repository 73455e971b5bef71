"""Settings, errors, atomic writing, and what importing the package costs."""

import subprocess
import sys

import pytest

from helpers import settings
from helpers.errors import DataError, HostError, WorkbookError
from helpers.files import atomic_path


def printed_by(code: str) -> str:
    """What a Python of its own prints when it runs `code`."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=settings.ROOT, check=True)
    return done.stdout.strip()


def test_import_helpers_imports_nothing_else():
    code = (
        "import sys; before = set(sys.modules); import helpers; "
        "print(sorted(m for m in set(sys.modules) - before if not m.startswith('helpers')))"
    )
    printed = printed_by(code)
    assert printed == "[]"


def test_first_embedding_does_not_load_the_heavy_libraries():
    code = (
        "import sys; from helpers import engine; "
        "engine.client().embeddings.create(model='wordllama-256', input='tea'); "
        "print({'pandas', 'matplotlib', 'sklearn', 'umap', 'IPython'} & set(sys.modules))"
    )
    printed = printed_by(code)
    assert printed == "set()"


class TestAtomicPath:
    def test_makes_folders_and_replaces(self, tmp_path):
        target = tmp_path / "new" / "file.txt"
        for text in ("one", "두 번째"):
            with atomic_path(target) as temporary:
                temporary.write_text(text, encoding="utf-8")
                assert temporary.parent == target.parent
            assert target.read_text(encoding="utf-8") == text
        assert list(target.parent.iterdir()) == [target]

    def test_a_failure_leaves_the_old_file_and_no_other(self, tmp_path):
        target = tmp_path / "file.txt"
        target.write_text("old", encoding="utf-8")
        with pytest.raises(RuntimeError, match="halfway"), atomic_path(target) as temporary:
            temporary.write_text("ne", encoding="utf-8")
            raise RuntimeError("halfway")
        assert target.read_text(encoding="utf-8") == "old"
        assert list(tmp_path.iterdir()) == [target]


class TestErrors:
    @pytest.mark.parametrize("kind", [WorkbookError, DataError, HostError])
    def test_a_notebook_shows_the_sentence_alone(self, kind):
        from IPython.core.interactiveshell import InteractiveShell

        error = kind("The file is empty.")
        assert error._render_traceback_() == [f"{kind.__name__}: The file is empty."]
        assert hasattr(InteractiveShell, "showtraceback")

    def test_ipython_really_asks_for_it(self):
        code = (
            "from IPython.core.interactiveshell import InteractiveShell\n"
            "shell = InteractiveShell.instance()\n"
            "shell.run_cell(\"from helpers.errors import DataError\\nraise DataError('No such file.')\")\n"
        )
        printed = printed_by(code)
        assert printed == "DataError: No such file."


class TestSettings:
    def test_blank_is_unset(self, no_settings, monkeypatch):
        monkeypatch.setenv("WORKBOOK_HOST", "   ")
        assert settings.get("WORKBOOK_HOST") is None

    def test_the_file_is_read_again_when_it_changes(self, no_settings):
        import os

        file = no_settings / ".env"
        file.write_text("SOME_SETTING=one\n", encoding="utf-8")
        assert settings.get("SOME_SETTING") == "one"
        file.write_text("SOME_SETTING=둘\n", encoding="utf-8")
        os.utime(file, ns=(1, 1))
        assert settings.get("SOME_SETTING") == "둘"
        assert "SOME_SETTING" not in os.environ

    def test_cache_folder(self, no_settings, monkeypatch):
        assert settings.cache_folder() == no_settings / "cache"
        monkeypatch.delenv("WORKBOOK_CACHE")
        assert settings.cache_folder() == settings.DATA / "cache"
