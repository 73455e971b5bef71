"""Text to vectors with WordLlama's token table: look up each token's vector, average, scale to length 1.

The table (32,000 tokens x 256, MIT licence) and its tokenizer are two files of the `wordllama` package;
the package itself is not imported. The text vector is the mean of its tokens' vectors, so word order
is lost: "dog bites man" and "man bites dog" get the same vector. Cutting a vector to its first 64 or 128
numbers works because the table was trained for that (Matryoshka representation learning,
Kusupati et al., 2022).

Speed comes from one fact about this vocabulary: no token continues across a blank. So a text's tokens are the
tokens of its words, each different word is tokenised once, and the sum over a text's tokens is a product of a
sparse matrix of word counts with the words' own sums (measured in tests/benchmarks/engine_speed.py).

Left out: limits and error bodies (in `app`), and every model that learns.
"""

import functools
import hashlib
import importlib.util
import itertools
import re
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.sparse
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from helpers import settings
from helpers.errors import WorkbookError

MODEL = "wordllama-256"
DIMENSIONS = (64, 128, 256)

TABLE_FILE = "weights/l2_supercat_256.safetensors"
TOKENIZER_FILE = "tokenizers/l2_supercat_tokenizer_config.json"

BATCH = 2_048  # texts handled together
WORDS_KEPT = 65_536  # different words remembered: at most 64 MiB of sums


class TokenVectors:
    """A tokenizer and its table of token vectors. Safe to use from several threads."""

    def __init__(self, tokenizer: Tokenizer, table: np.ndarray):
        """`table` has shape (vocabulary, dimensions), float32; row i belongs to token i."""
        tokenizer.no_padding()
        tokenizer.no_truncation()
        tokenizer.encode_special_tokens = True  # "<s>" in a review is three characters, not a control token
        self.tokenizer = tokenizer
        self.table = table
        self._words = _Words(self)

    @property
    def vocabulary_size(self) -> int:
        """How many tokens there are; token ids go from 0 to one less."""
        return len(self.table)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text."""
        encodings = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def count(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has."""
        encodings = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in encodings]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of token ids (Llama's tokenizer drops one leading blank)."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=False)

    def pieces(self, text: str) -> list[str]:
        """The tokens of a text as the vocabulary spells them; `▁` stands for a blank."""
        return self.tokenizer.encode(text, add_special_tokens=False).tokens

    def embed(self, inputs: Sequence[str] | Sequence[Sequence[int]], dimensions: int = 256) -> np.ndarray:
        """One unit-length vector an input.

        `inputs`: texts, or lists of token ids below `vocabulary_size`.
        Returns float32 of shape (len(inputs), dimensions). An input without tokens gets a zero vector.
        Raises ValueError for `dimensions` other than 64, 128 or 256.
        """
        if dimensions not in DIMENSIONS:
            raise ValueError(f"dimensions must be one of {DIMENSIONS}, not {dimensions}")
        sums, _ = self.sums_and_counts(inputs)
        return unit_length(sums[:, :dimensions])  # the mean and the sum point the same way

    def sums_and_counts(
        self, inputs: Sequence[str] | Sequence[Sequence[int]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """The sum of each input's token vectors, float32 (n, 256), and its number of tokens, int64 (n,)."""
        sums = np.zeros((len(inputs), self.table.shape[1]), dtype=np.float32)
        counts = np.zeros(len(inputs), dtype=np.int64)
        add_up = self._words.sums_and_counts if inputs and isinstance(inputs[0], str) else self.sums_of_ids
        for start in range(0, len(inputs), BATCH):
            rows = slice(start, start + BATCH)
            sums[rows], counts[rows] = add_up(inputs[rows])
        return sums, counts

    def sums_of_ids(self, ids: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
        """As `sums_and_counts`, from lists of token ids."""
        members, lengths = _counting_matrix(ids, columns=len(self.table))
        return members @ self.table, lengths


class _Words:
    """What each different word adds to a text: the sum of its token vectors, and how many tokens it has."""

    # A word is its leading blanks and what follows up to the next blank; the tokenizer writes a blank as `▁`.
    # Blanks at the end of a text go with its last word.
    split = staticmethod(re.compile(r"[ ▁]*[^ ▁]+(?:[ ▁]+$)?|[ ▁]+$").findall)

    def __init__(self, model: TokenVectors):
        self.model = model
        self.lock = threading.Lock()
        self.sums = np.zeros((WORDS_KEPT, model.table.shape[1]), dtype=np.float32)
        self.counts = np.zeros(WORDS_KEPT, dtype=np.int64)
        self.rows: dict[str, int] = {}

    def sums_and_counts(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        words_of_texts = [self.split(f" {text}") for text in texts]  # the tokenizer too puts a blank first
        different = set(itertools.chain.from_iterable(words_of_texts))
        if len(different) > WORDS_KEPT:
            return self.model.sums_of_ids(self.model.encode(texts))
        with self.lock:
            self._learn(different)
            rows_of_texts = [[self.rows[word] for word in words] for words in words_of_texts]
            members, _ = _counting_matrix(rows_of_texts, columns=len(self.rows))
            return members @ self.sums[: len(self.rows)], members @ self.counts[: len(self.rows)]

    def _learn(self, words: set[str]) -> None:
        new = sorted(words - self.rows.keys())  # sorted: the same input always adds up in the same order
        if len(self.rows) + len(new) > WORDS_KEPT:
            self.rows.clear()
            new = sorted(words)
        if new:
            start, end = len(self.rows), len(self.rows) + len(new)
            ids = self.model.encode([word[1:] for word in new])  # the tokenizer puts the first blank back
            self.sums[start:end], self.counts[start:end] = self.model.sums_of_ids(ids)
            self.rows.update(zip(new, range(start, end)))


def _counting_matrix(
    lists: Sequence[Sequence[int]], columns: int
) -> tuple[scipy.sparse.csr_matrix, np.ndarray]:
    """Row i counts the numbers in list i: float32 (len(lists), columns); and the lists' lengths."""
    lengths = np.fromiter(map(len, lists), dtype=np.int64, count=len(lists))
    ends = np.concatenate([[0], np.cumsum(lengths)])
    flat = np.fromiter(itertools.chain.from_iterable(lists), dtype=np.int32, count=int(ends[-1]))
    ones = np.ones(len(flat), dtype=np.float32)
    return scipy.sparse.csr_matrix((ones, flat, ends), shape=(len(lists), columns)), lengths


def unit_length(vectors: np.ndarray) -> np.ndarray:
    """Rows scaled to Euclidean length 1; rows of zeros stay zeros. Shape and dtype as given."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths == 0, 1, lengths).astype(vectors.dtype)


@functools.cache
def load() -> TokenVectors:
    """The bundled model, read once a process (about 0.2 s).

    Raises WorkbookError when its two files are nowhere to be found.
    """
    folder = _model_folder()
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    table = load_file(folder / TABLE_FILE)["embedding.weight"].astype(np.float32)
    return TokenVectors(tokenizer, table)


def _model_folder() -> Path:
    """Where the files are: the installed package, or what `helpers lab` took out of its wheel.

    The wheel is taken apart where no ready-made one exists for the machine (see `launch`).
    """
    package = importlib.util.find_spec("wordllama")
    folders = [Path(place) for place in package.submodule_search_locations or ()] if package else []
    folders.append(settings.DATA / "cache" / "models")
    for folder in folders:
        if (folder / TABLE_FILE).is_file() and (folder / TOKENIZER_FILE).is_file():
            return folder
    raise WorkbookError(
        "The embedding model's files are missing: the package wordllama is not installed. "
        "Run `python3 -m helpers lab` once; it puts them in place."
    )


def fingerprint() -> str:
    """First 12 hex digits of the table's SHA-256: says which model made a stored matrix."""
    return hashlib.sha256((_model_folder() / TABLE_FILE).read_bytes()).hexdigest()[:12]
