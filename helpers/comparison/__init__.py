"""Embedding or fine-tuning, measured: the same tasks, rows and splits for every way to answer (lesson 10).

A `Task` (`tasks`) has texts, labels, splits and vectors; `ways` has the ways that read words and kept
vectors, `models` those that call a model. `measuring` asks and scores them, `thresholds` chooses where two
classes are cut, `decisions` says what the scores settle and what not, `trials` has the further experiments.
"""

from helpers.comparison.decisions import MARGIN, decide, difference
from helpers.comparison.measuring import (
    Answers,
    answers,
    ask,
    intervals,
    nested_order,
    right_by_kind,
    right_once,
    said,
    score,
    scored,
)
from helpers.comparison.tasks import Task, claims, crossed, sentiment, topics
from helpers.comparison.thresholds import moved, threshold
from helpers.comparison.ways import (
    EFFORT,
    WAYS,
    Way,
    majority,
    nearest,
    on_fields,
    on_vectors,
    words,
    words_and_vectors,
)

__all__ = [
    "EFFORT",
    "MARGIN",
    "WAYS",
    "Answers",
    "Task",
    "Way",
    "answers",
    "ask",
    "claims",
    "crossed",
    "decide",
    "difference",
    "intervals",
    "majority",
    "moved",
    "nearest",
    "nested_order",
    "on_fields",
    "on_vectors",
    "right_by_kind",
    "right_once",
    "said",
    "score",
    "scored",
    "sentiment",
    "threshold",
    "topics",
    "words",
    "words_and_vectors",
]
