"""Where things are, and what the environment or a `.env` file says.

`get` looks into the environment first and into the project's `.env` second, and never writes to
either. What a setting means is documented where it is used: in `connect` and `reviews`.
"""

import functools
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
DOWNLOADS = DATA / "downloads"

# How the names begin that choose a host, its models, its keys, or a cluster. Tests run without any of them.
HOST_SETTINGS = (
    "OPENAI_", "AZURE_", "WORKBOOK_EMBEDDING", "WORKBOOK_CHAT", "WORKBOOK_COMPLETION", "WORKBOOK_TUNING",
    "WORKBOOK_DASK",
)  # fmt: skip


def cache_folder() -> Path:
    """The folder for what can be made again: `WORKBOOK_CACHE`, or `data/cache` in the project."""
    return Path(get("WORKBOOK_CACHE") or DATA / "cache")


def get(name: str) -> str | None:
    """The setting `name`, stripped, from the environment or else from `.env`; None if unset or blank."""
    value = os.environ.get(name)
    if value is None:
        value = _dotenv(ROOT / ".env").get(name)
    return (value or "").strip() or None


def _dotenv(path: Path) -> dict[str, str | None]:
    if not path.is_file():
        return {}
    return _read_dotenv(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=4)
def _read_dotenv(path: Path, _mtime_ns: int) -> dict[str, str | None]:
    from dotenv import dotenv_values  # here, so that the launcher needs no package

    return dict(dotenv_values(path, encoding="utf-8-sig"))
