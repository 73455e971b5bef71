"""Reviews and their vectors in one Parquet file, which gives back every bit.

Left out: an index for search in millions of vectors.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers.errors import DataError
from helpers.files import atomic_path

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow.parquet as pq

VECTOR_COLUMN = "embedding"
METADATA = b"embeddings-workbook"


def save(
    path: Path | str, frame: "pd.DataFrame", vectors: np.ndarray, *, model: str = "", host: str = ""
) -> None:
    """Writes the rows of `frame` and their vectors (len(frame), d) to one Parquet file, all or nothing.

    The vectors become a column `embedding` of fixed-size float32 lists; `model`, `host` (a label for people)
    and the dimensions go into the file's metadata (`about`). What `frame.attrs` holds is not kept.
    Raises DataError when the lengths differ, a column cannot be stored, or the file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path, vectors = Path(path), np.ascontiguousarray(vectors, dtype=np.float32)
    if vectors.ndim != 2 or len(vectors) != len(frame):
        raise DataError(
            f"{len(frame):,} rows and vectors of shape {vectors.shape} do not belong together: there must be "
            "one vector a row. Were rows dropped after embedding?"
        )
    if VECTOR_COLUMN in frame.columns:
        raise DataError(f"The table has a column {VECTOR_COLUMN!r} already. Drop or rename it.")
    bare = frame.copy(deep=False)
    bare.attrs = {}  # Arrow would fail on attributes that are no JSON
    try:
        table = pa.Table.from_pandas(bare)
        rows = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
        table = table.append_column(VECTOR_COLUMN, rows)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise DataError(f"The table cannot be stored: {_first_line(error)}") from error
    facts = {"model": model, "host": host, "dimensions": vectors.shape[1]}
    metadata = {**(table.schema.metadata or {}), METADATA: json.dumps(facts).encode()}
    words = [name for name in table.column_names if name != VECTOR_COLUMN]  # vectors have no repeated values
    try:
        with atomic_path(path) as temporary:
            pq.write_table(
                table.replace_schema_metadata(metadata),
                temporary,
                compression="zstd",
                use_dictionary=words,
                write_page_checksum=True,
            )
    except OSError as error:
        raise DataError(f"{path} could not be written: {_first_line(error)}") from error


def load(path: Path | str) -> tuple["pd.DataFrame", np.ndarray]:
    """The rows and their vectors (n, d), float32, exactly as they were saved.

    Raises DataError when the file is missing, damaged or not written by `save`.
    """
    with _parquet(path) as file:
        names = [name for name in file.schema_arrow.names if name != VECTOR_COLUMN]
        frame = file.read(columns=names).to_pandas()
        vectors = np.empty((file.metadata.num_rows, _facts(file, path)["dimensions"]), dtype=np.float32)
        start = 0
        for batch in file.iter_batches(columns=[VECTOR_COLUMN]):
            rows = batch.column(0).flatten().to_numpy()
            vectors[start : start + len(batch)] = rows.reshape(len(batch), vectors.shape[1])
            start += len(batch)
    return frame, vectors


def about(path: Path | str) -> dict[str, Any]:
    """What a file of `save` says of its vectors: model, host, dimensions. Raises DataError like `load`."""
    with _parquet(path) as file:
        return _facts(file, path)


@contextlib.contextmanager
def _parquet(path: Path | str) -> Iterator["pq.ParquetFile"]:
    """The file opened for reading. What goes wrong with it comes out as DataError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except FileNotFoundError as error:
        raise DataError(
            f"There is no file {path}. Save the vectors first, or look for a wrong path."
        ) from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read: it is damaged or no Parquet file ({_first_line(error)}). Make it again."
        ) from error


def _facts(file: "pq.ParquetFile", path: Path | str) -> dict[str, Any]:
    metadata = file.schema_arrow.metadata or {}
    if METADATA not in metadata or VECTOR_COLUMN not in file.schema_arrow.names:
        raise DataError(f"{path} is a Parquet file, but holds no vectors that `save` wrote.")
    return json.loads(metadata[METADATA])


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
