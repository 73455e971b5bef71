"""Where tests and benchmarks find the real reviews: they are read there, never copied into the project."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME = "fine_food_reviews_1k.csv"


def real_reviews() -> Path | None:
    """The cookbook's 1,000: by `WORKBOOK_REAL_REVIEWS`, downloaded, or beside the project; else None."""
    places = (
        Path(os.environ.get("WORKBOOK_REAL_REVIEWS", "none")),
        ROOT / "data" / "downloads" / NAME,
        ROOT.parent / "shared" / "data" / NAME,
    )
    return next(filter(Path.is_file, places), None)


def reviews_to_measure(arguments: list[str]) -> Path:
    """The file that a benchmark's command line names, else the real reviews, else the sample."""
    return Path(arguments[0]) if arguments else real_reviews() or ROOT / "data" / "reviews_sample.csv"
