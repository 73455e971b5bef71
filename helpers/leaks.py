"""Looks for keys where none should be: in notebooks, their outputs, logs, and other text files.

    for found in leaks.in_folder(Path("notebooks")):
        print(found)          # notebooks/x.ipynb, cell 4: looks like a key of OpenAI (sk-p...)

It knows keys by how they look (those of OpenAI, Azure and a few others), and those that are set by their
value. What it prints never holds more than a key's first four characters. Left out: keys that look like
ordinary words, pictures of keys, and a repository's past: a key that was committed must be replaced.
"""

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from helpers import settings
from helpers.connect import KEY_SETTINGS

# How keys look. Azure's older ones are 32 hexadecimal digits, its newer ones 84 letters and digits.
LOOKS = {
    "OpenAI": re.compile(r"(?<![\w-])sk-(?=[A-Za-z_-]*\d)(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}"),
    "Azure": re.compile(
        r"(?i:api[-_ ]?key|subscription(?:[-_ ]?key)?)\W{1,12}(?:b['\"])?"
        r"(?:[0-9a-fA-F]{32}|[A-Za-z0-9]{84})(?![A-Za-z0-9])"
    ),
    "Hugging Face": re.compile(r"(?<!\w)hf_[A-Za-z0-9]{30,}"),
    "GitHub": re.compile(r"(?<!\w)gh[pousr]_[A-Za-z0-9]{36,}"),
    "a request's header": re.compile(r"(?i:authorization\W{1,6}bearer\s+)[A-Za-z0-9._-]{20,}"),
}
SUFFIXES = {
    ".ipynb", ".py", ".md", ".txt", ".html", ".svg", ".json", ".jsonl", ".csv", ".log", ".toml", ".yml",
    ".yaml", ".cfg", ".ini", ".sh", ".ps1", ".bat",
}  # fmt: skip
SKIPPED = {".git", ".venv", "node_modules", "__pycache__", ".ipynb_checkpoints", "cache"}


@dataclasses.dataclass(frozen=True)
class Leak:
    """Where something like a key stands. Shows no more than the key's first four characters."""

    where: str
    kind: str
    start: str

    def __str__(self) -> str:
        return f"{self.where}: looks like a key of {self.kind} ({self.start}...)"


def known_keys() -> list[str]:
    """The keys that are set, in the environment or in `.env`; too short ones would be found everywhere."""
    return [key for key in map(settings.get, KEY_SETTINGS) if key and len(key) >= 8]


def in_text(text: str, where: str = "text", known: Iterable[str] = ()) -> list[Leak]:
    """The keys in `text`: those of `known` by their value, others by their looks. One of each, in order."""
    found = {}
    for key in known:
        if key in text:
            found[key] = Leak(where, "yours, as it is set", key[:4])
    for kind, looks in LOOKS.items():
        for match in looks.finditer(text):
            key = re.split(r"[^\w.-]", match.group())[-1] or match.group()
            found.setdefault(key, Leak(where, kind, key[:4]))
    return list(found.values())


def in_notebook(path: Path, known: Iterable[str] = ()) -> list[Leak]:
    """The keys in a notebook's cells and in their outputs, each with the number of its cell, from 1."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    found = []
    for number, cell in enumerate(notebook.get("cells", []), 1):
        for part in ("source", "outputs"):
            text = _words(cell.get(part, ""))
            what = f"{path.name}, cell {number}" + (", its output" if part == "outputs" else "")
            found += in_text(text, what, known)
    return found


def in_folder(folder: Path, known: Iterable[str] | None = None) -> Iterator[Leak]:
    """The keys in the text files under `folder`, by file name; `known` None: those that are set."""
    known = known_keys() if known is None else list(known)
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if SKIPPED & set(inside.parts) or not path.is_file() or not _is_read(inside):
            continue
        try:
            if path.suffix == ".ipynb":
                yield from in_notebook(path, known)
            else:
                yield from in_text(
                    path.read_text(encoding="utf-8", errors="replace"), inside.as_posix(), known
                )
        except (ValueError, AttributeError):  # no JSON, or not a notebook's: a text like any other
            yield from in_text(path.read_text(encoding="utf-8", errors="replace"), inside.as_posix(), known)


def _is_read(inside: Path) -> bool:
    """Text files; and `.env` except at the top, where it belongs and git ignores it."""
    return inside.suffix in SUFFIXES or (inside.name == ".env" and len(inside.parts) > 1)


def _words(value: object) -> str:
    """All text in a piece of a notebook. A picture's base64 is left out: it looks like everything."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        if all(isinstance(line, str) for line in value):
            return "".join(value)
        return "\n".join(map(_words, value))
    if isinstance(value, dict):
        return "\n".join(_words(part) for name, part in value.items() if not name.startswith("image/"))
    return ""
