"""A table too long for memory, as a folder of numbered Parquet files: rows, and their vectors.

    parts = split("Reviews.csv", "all")          # all/rows/00000.parquet, 00001.parquet, ...
    parts.write_vectors(0, vectors)              # all/vectors/00000.parquet
    parts.missing()                              # [1, 2, ...]: what is still to do

A file has its name when it is whole and not before. So what is there is done, what is not there is to do, and
a killed run goes on where it was: nothing is lost but the part under way, and nothing can be there twice,
because a part that is made again replaces itself. Each file of vectors also says which model made them, how
many numbers they have and of which kind; a mixture is refused. One run at a time works on a folder (it may
have many workers, see `cluster`), so that no part is paid for twice.

Vectors are a column of fixed-size lists, float32 or half as large float16, uncompressed: compressing saves
some 8 % and doubles the time of writing (tests/benchmarks/scale.py). Row i of part p is row
`p * rows_per_part + i` of the whole.

Left out: changing rows. The rows' text is the recipe of lessons 03 to 06, made once while splitting.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from helpers import reviews
from helpers.errors import DataError
from helpers.files import alone_in, atomic_path

if TYPE_CHECKING:
    import pandas as pd

ROWS_PER_PART = 10_000  # vectors of 1,536 dimensions: 61 MB
KEPT = ["Id", "ProductId", "UserId", "Score", "Time"]  # and the column "text"
ABOUT = "about.json"
MODEL = b"model"  # the key of a model's name in a file of vectors

Kind = Literal["rows", "vectors"]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How vectors were made. `model` is None where a function without a name made them."""

    model: str | None
    dimensions: int
    kind: str  # "float32" or "float16"

    def fits(self, other: "Recipe") -> bool:
        """Whether vectors of both may stand in one folder: a model that is not known may be any."""
        known = None not in (self.model, other.model)
        return (self.dimensions, self.kind) == (other.dimensions, other.kind) and (
            self.model == other.model or not known
        )

    def __str__(self) -> str:
        return f"{self.model or 'a function'} ({self.dimensions:,} dimensions, {self.kind})"


@dataclasses.dataclass(frozen=True)
class Parts:
    """A folder of parts. `rows`: in all of them together."""

    folder: Path
    rows: int
    rows_per_part: int
    source: str

    def __len__(self) -> int:
        return -(-self.rows // self.rows_per_part)

    def __repr__(self) -> str:
        done = len(self) - len(self.missing())
        return f"{self.rows:,} rows in {len(self):,} parts; {done:,} parts have their vectors"

    def path(self, number: int, kind: Kind) -> Path:
        """The file of a part. Its name sorts as its number does."""
        return _path(self.folder, number, kind)

    def missing(self) -> list[int]:
        """Numbers of the parts whose vectors are not there."""
        return [number for number in range(len(self)) if not self.path(number, "vectors").exists()]

    def complete(self) -> None:
        """Raises DataError unless all parts have vectors, all made in the same way."""
        if missing := self.missing():
            raise DataError(f"{len(missing):,} of {len(self):,} parts have no vectors yet: embed them first.")
        self.made_by()

    def start(self, number: int) -> int:
        """The position, in the whole, of a part's first row."""
        return number * self.rows_per_part

    def frame(self, number: int, columns: list[str] | None = None) -> "pd.DataFrame":
        """A part's rows: KEPT and "text", or some of these columns."""
        return _read(self.path(number, "rows"), columns).to_pandas()

    def texts(self, number: int) -> list[str]:
        """A part's texts."""
        return _read(self.path(number, "rows"), ["text"]).column(0).to_pylist()

    def vectors(self, number: int) -> np.ndarray:
        """A part's vectors, float32 (rows, d)."""
        column = _read(self.path(number, "vectors"), ["embedding"]).column(0).combine_chunks()
        flat = column.flatten().to_numpy()
        return flat.reshape(len(column), -1).astype(np.float32, copy=False)

    def matrix(self) -> np.ndarray:
        """All vectors, float32 (rows, d), for tables that fit into memory after all."""
        self.complete()
        return np.concatenate([self.vectors(number) for number in range(len(self))])

    def recipe(self, number: int) -> Recipe:
        """How the vectors of a part were made, as their file says."""
        schema = _schema(self.path(number, "vectors"))
        lists = schema.field("embedding").type
        model = (schema.metadata or {}).get(MODEL)
        kind = {"halffloat": "float16", "float": "float32"}[str(lists.value_type)]
        return Recipe(model.decode() if model else None, lists.list_size, kind)

    def made_by(self) -> Recipe | None:
        """How all vectors that are there were made. Raises DataError when not all in the same way."""
        found: Recipe | None = None
        for number in sorted(set(range(len(self))).difference(self.missing())):
            recipe = self.recipe(number)
            if found and not found.fits(recipe):
                raise mixture(self.folder, found, recipe)
            found = recipe if found is None or found.model is None else found
        return found

    def write_vectors(
        self, number: int, vectors: np.ndarray, kind: type = np.float32, *, model: str | None = None
    ) -> None:
        """Keep a part's vectors (rows, d) as float32 or float16, all or nothing, with the model's name.

        Raises DataError when there is not one vector per row, when parts are there that were made otherwise,
        and when the file cannot be written.
        """
        import pyarrow as pa

        wanted = min(self.rows_per_part, self.rows - self.start(number))
        if vectors.ndim != 2 or len(vectors) != wanted:
            raise DataError(f"Part {number} has {wanted:,} rows, but the vectors have shape {vectors.shape}.")
        recipe = Recipe(model, vectors.shape[1], np.dtype(kind).name)
        there = next((n for n in range(len(self)) if self.path(n, "vectors").exists()), None)
        if there is not None and not (old := self.recipe(there)).fits(recipe):
            raise mixture(self.folder, old, recipe)
        flat = pa.array(np.ascontiguousarray(vectors, dtype=kind).ravel())
        table = pa.table({"embedding": pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])})
        if model:
            table = table.replace_schema_metadata({MODEL: model})
        _write(table, self.path(number, "vectors"), "none")

    def forget_vectors(self) -> None:
        """Delete all vectors; the rows stay. Raises DataError when the system does not let go of a file."""
        try:
            shutil.rmtree(self.folder / "vectors")
        except FileNotFoundError:
            pass
        except OSError as error:  # on Windows: somebody has one open
            raise DataError(
                f"The vectors cannot be deleted: {error.strerror}. Close what uses them."
            ) from error

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """While the block lasts, no other run works on this folder; what a killed one left is tidied up.

        Raises DataError when another run is at work.
        """
        with _alone(self.folder):
            yield

    def take(self, positions: np.ndarray) -> "pd.DataFrame":
        """The rows at these positions of the whole, in that order; reads only the parts that hold them."""
        import pandas as pd

        positions = np.asarray(positions, dtype=np.int64)
        if not len(positions):
            return self.frame(0).head(0)
        numbers, inside = np.divmod(positions, self.rows_per_part)
        found = {
            number: self.frame(int(number)).iloc[inside[numbers == number]] for number in np.unique(numbers)
        }
        table = pd.concat(found.values()).set_axis(np.concatenate([positions[numbers == n] for n in found]))
        return table[~table.index.duplicated()].loc[positions]

    def vectors_at(self, positions: np.ndarray) -> np.ndarray:
        """The vectors at these positions of the whole, in that order, float32 (n, d)."""
        positions = np.asarray(positions, dtype=np.int64)
        numbers, inside = np.divmod(positions, self.rows_per_part)
        found: np.ndarray | None = None
        for number in np.unique(numbers):
            vectors = self.vectors(int(number))
            if found is None:
                found = np.empty((len(positions), vectors.shape[1]), dtype=np.float32)
            here = numbers == number
            found[here] = vectors[inside[here]]
        if found is None:
            raise ValueError("positions must name at least one row")
        return found

    def sample(self, count: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Positions, sorted, of `count` rows drawn from all without repeats, and their vectors (count, d)."""
        drawn = np.random.default_rng(seed).choice(self.rows, size=min(count, self.rows), replace=False)
        positions = np.sort(drawn)
        return positions, self.vectors_at(positions)


def split(
    source: Path | str,
    folder: Path | str,
    *,
    rows_per_part: int = ROWS_PER_PART,
    limit: int | None = None,
    progress: bool = False,
) -> Parts:
    """Read a file of reviews once, from its first record to its last, and keep it as parts in `folder`.

    Parts that are there already are not written again, so a split that was broken off goes on. `limit`: the
    first so many rows. In memory are two parts at most. Raises DataError when the file cannot be read, or
    the folder was made from another one or with other settings.
    """
    source, folder = reviews.find(source), Path(folder)
    wanted = {"source": source.name, "mark": _mark(source), "rows_per_part": rows_per_part, "limit": limit}
    about = _about(folder)
    if about and {name: about.get(name) for name in wanted} != wanted:
        raise DataError(
            f"The folder {folder.name} holds the parts of {about.get('source')}, split another "
            "way. Choose another folder, or delete it."
        )
    if "rows" not in about:
        with _alone(folder):
            _write_about(folder, wanted)
            rows = _write_parts(source, folder, rows_per_part, limit, progress)
            if not rows:
                raise DataError(f"{source.name} holds no reviews.")
            _write_about(folder, wanted | {"rows": rows})
    return open_parts(folder)


def open_parts(folder: Path | str) -> Parts:
    """The parts that `split` has made. Raises DataError when it has not, or was broken off."""
    about = _about(Path(folder))
    if "rows" not in about:
        state = "was broken off: run it again" if about else "has not been made yet"
        raise DataError(f"The split in the folder {Path(folder).name} {state}.")
    return Parts(Path(folder).resolve(), about["rows"], about["rows_per_part"], about["source"])


def _write_parts(source: Path, folder: Path, size: int, limit: int | None, progress: bool) -> int:
    from tqdm.auto import tqdm

    rows = 0
    with tqdm(total=limit, unit="row", desc="Reading", disable=not progress) as bar:
        for number, frame in enumerate(_chunks(source, size, limit)):
            path = _path(folder, number, "rows")
            if not path.exists():
                _write_rows(frame, path)
            rows += len(frame)
            bar.update(len(frame))
    return rows


def _chunks(source: Path, size: int, limit: int | None) -> Iterator["pd.DataFrame"]:
    left = limit
    with contextlib.closing(reviews.chunks(source, size)) as chunks:
        for frame in chunks:
            yield frame if left is None else frame.head(left)
            if left is not None:
                left -= len(frame)
                if left <= 0:
                    return


def _write_rows(frame: "pd.DataFrame", path: Path) -> None:
    import pyarrow as pa

    summary = frame["Summary"].map(reviews.clean_text, na_action="ignore")
    clean = frame.assign(Summary=summary, Text=frame["Text"].map(reviews.clean_text))
    kept = frame[KEPT].assign(text=reviews.combine(clean, labels=False))
    kept.attrs = {}
    _write(pa.Table.from_pandas(kept, preserve_index=False).replace_schema_metadata(None), path, "zstd")


def _path(folder: Path, number: int, kind: Kind) -> Path:
    return folder / kind / f"{number:05d}.parquet"


def _write(table: Any, path: Path, compression: str) -> None:
    import pyarrow.parquet as pq

    try:
        with atomic_path(path) as temporary:
            pq.write_table(
                table, temporary, compression=compression, use_dictionary=False, write_page_checksum=True
            )
            with temporary.open("r+b") as file:  # on the disk before it has its name
                os.fsync(file.fileno())
    except OSError as error:
        raise DataError(f"The part {path.name} could not be written: {error.strerror or error}.") from error


def _read(path: Path, columns: list[str] | None) -> Any:
    return _opened(path, lambda file: file.read(columns=columns, use_threads=False))


def _schema(path: Path) -> Any:
    return _opened(path, lambda file: file.schema_arrow)


def _opened(path: Path, read: Callable[[Any], Any]) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return read(file)
    except FileNotFoundError as error:
        raise DataError(
            f"The part {path.parent.name}/{path.name} is not there: make the missing parts."
        ) from error
    except (pa.ArrowException, OSError, ValueError) as error:
        first = (str(error).splitlines() or ["unreadable"])[0]
        raise DataError(
            f"The part {path.parent.name}/{path.name} is damaged ({first}). Delete it and run this again."
        ) from error


def mixture(folder: Path, there: Recipe, new: Recipe) -> DataError:
    """The error for vectors that are to stand beside others they cannot be compared with."""
    return DataError(
        f"The folder {folder.name} holds vectors of {there}; these are of {new}, and the two cannot be "
        "compared. Delete the old ones with forget_vectors(), or split into another folder."
    )


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One run at a time, on a folder without what dead ones have left."""
    with alone_in(folder):
        _tidy(folder)  # what a run that was killed has left
        yield
        _tidy(folder)  # what a worker that was killed has left


def _tidy(folder: Path) -> None:
    """Delete files that were begun and never finished."""
    for left in [*folder.glob(".*.part"), *folder.glob("*/.*.part")]:
        with contextlib.suppress(OSError):
            left.unlink()


def _mark(path: Path) -> str:
    """What tells one file from another without reading all of it: its size, its beginning and its end."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(1 << 16)
        file.seek(max(0, size - (1 << 16)))
        return hashlib.sha256(f"{size} ".encode() + head + file.read()).hexdigest()[:16]


def _about(folder: Path) -> dict[str, Any]:
    path = folder / ABOUT
    if not path.exists():
        if any(not other.name.startswith(".") for other in folder.glob("*")):
            raise DataError(f"The folder {folder.name} holds other files. Choose a new one for the parts.")
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{folder.name}/{ABOUT} is damaged. Delete the folder and split again.") from error


def _write_about(folder: Path, facts: dict[str, Any]) -> None:
    with atomic_path(folder / ABOUT) as temporary:
        temporary.write_text(json.dumps(facts, indent=1), encoding="utf-8")
