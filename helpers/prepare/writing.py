"""New files for prepared examples: never over another file, and all at once or not at all.

Left out: what is in the examples.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from operator import not_
from pathlib import Path

import numpy as np
import orjson

from helpers.files import atomic_path
from helpers.prepare.batches import Batch


class TakeBack(Exception):
    """Raised inside `writer` to leave no file behind; `writer` lets it through."""


class Writer:
    """Writes batches to the training file, and those kept aside to the validation file."""

    def __init__(self, train, valid, aside: bytearray | None):
        self.train, self.valid, self.aside = train, valid, aside
        self.counts = [0, 0]

    def write(self, batch: Batch) -> None:
        text = _lines(batch)
        flags = self._flags(batch)
        count = sum(flags)
        if count:
            lines = text.splitlines(keepends=True)  # JSON has no other line ends of one byte
            self.valid.write(b"".join(compress(lines, flags)))
            text = b"".join(compress(lines, map(not_, flags)))
        self.train.write(text)
        self.counts[0] += len(batch) - count
        self.counts[1] += count

    def _flags(self, batch: Batch) -> Sequence[int]:
        """For each example, whether it is kept aside."""
        if self.aside is None:
            return b""
        size, numbers = len(self.aside), batch.numbers
        if isinstance(numbers, range) and numbers.stop <= size:
            return self.aside[numbers.start : numbers.stop]
        return [number < size and self.aside[number] for number in numbers]

    def through(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The batches themselves, each written before it is given on."""
        for batch in batches:
            self.write(batch)
            yield batch


@contextlib.contextmanager
def writer(paths: list[Path], aside: np.ndarray | None) -> Iterator[Writer]:
    """A Writer for one path, or two with the numbers of the examples for the second.

    The files appear when the block ends well. Raises FileExistsError if one has come into being meanwhile.
    """
    marks = None
    if aside is not None:
        marks = bytearray(int(aside[-1]) + 1 if len(aside) else 1)
        np.frombuffer(marks, dtype=np.uint8)[aside] = 1
    with contextlib.ExitStack() as stack:
        temporary = [stack.enter_context(atomic_path(path)) for path in paths]
        with contextlib.ExitStack() as files:
            opened = [files.enter_context(path.open("wb")) for path in temporary]
            yield Writer(opened[0], opened[-1], marks)
        for path in paths:
            if os.path.lexists(path):
                raise FileExistsError(17, "the file has come into being meanwhile", str(path))


def free_paths(target: Path, split: bool) -> list[Path]:
    """`target`, or its two halves `_train` and `_valid`, with the first number that makes all of them new."""
    names = ["_train", "_valid"] if split else [""]
    i = 0
    while True:
        number = f" ({i})" if i else ""
        paths = [target.with_name(f"{target.stem}{name}{number}.jsonl") for name in names]
        if not any(os.path.lexists(path) for path in paths):
            return paths
        i += 1


def _lines(batch: Batch) -> bytes:
    """The examples as JSON lines. Those of `pairs` are written as one list, which is then cut up."""
    if batch.rows is not None:
        return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in batch.rows)
    if not len(batch):
        return b""
    rows = [{"prompt": p, "completion": c} for p, c in zip(batch.prompts, batch.completions)]
    # Inside a text every quotation mark has a backslash before it, so that this stands only between two rows.
    return orjson.dumps(rows)[1:-1].replace(b'},{"prompt":', b'}\n{"prompt":') + b"\n"
