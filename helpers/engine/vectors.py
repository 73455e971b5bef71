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
        flat, lengths = _flat(ids)
        return _counts(flat, lengths, columns=len(self.table)) @ self.table, lengths


class _Words:
    """What each different word adds to a text: the sum of its token vectors, and how many tokens it has.

    A word is its leading blanks and what follows up to the next blank; blanks at the end of a text go with
    its last word. The tokenizer writes a blank as `▁`, and puts one in front of every text.
    """

    split = staticmethod(re.compile(r"[ ▁]*[^ ▁]+(?:[ ▁]+$)?|[ ▁]+$").findall)
    has_one_blank = staticmethod(re.compile(r" [^ ▁]+").fullmatch)

    def __init__(self, model: TokenVectors):
        self.model = model
        self.lock = threading.Lock()
        self.sums = np.zeros((WORDS_KEPT, model.table.shape[1]), dtype=np.float32)
        self.counts = np.zeros(WORDS_KEPT, dtype=np.int64)
        self.rows: dict[str, int] = {}
        tokens = map(model.tokenizer.id_to_token, range(model.vocabulary_size))
        self.begins_word = np.array([token.startswith("▁") for token in tokens])

    def sums_and_counts(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        words_of_texts = [self.split(f" {text}") for text in texts]
        different = set(itertools.chain.from_iterable(words_of_texts))
        if len(different) > WORDS_KEPT:
            return self.model.sums_of_ids(self.model.encode(texts))
        with self.lock:
            self._learn(different)
            rows = self.rows
            flat, lengths = _flat([[rows[word] for word in words] for words in words_of_texts])
            members = _counts(flat, lengths, columns=len(rows))
            return members @ self.sums[: len(rows)], members @ self.counts[: len(rows)]

    def _learn(self, words: set[str]) -> None:
        new = words - self.rows.keys()
        if len(self.rows) + len(new) > WORDS_KEPT:
            self.rows.clear()
            new = words
        usual = sorted(filter(self.has_one_blank, new))  # sorted: the same input adds up in the same order
        if usual:
            self._store(usual, *self._tokens_of_joined(usual))
        unusual = sorted(new.difference(usual))
        if unusual:
            self._store(unusual, *_flat(self.model.encode([word[1:] for word in unusual])))

    def _tokens_of_joined(self, words: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Token ids of all words, one behind the other, and how many each has.

        Faster than one by one, and no harder to take apart: a word begins at each token that begins with `▁`.
        """
        joined = ["".join(words[start : start + 500])[1:] for start in range(0, len(words), 500)]
        flat, _ = _flat(self.model.encode(joined))
        begins = np.flatnonzero(self.begins_word[flat])
        return flat, np.diff(begins, append=len(flat))

    def _store(self, words: list[str], flat: np.ndarray, lengths: np.ndarray) -> None:
        rows = slice(len(self.rows), len(self.rows) + len(words))
        self.sums[rows] = _counts(flat, lengths, columns=self.model.vocabulary_size) @ self.model.table
        self.counts[rows] = lengths
        self.rows.update(zip(words, range(rows.start, rows.stop), strict=True))


def _flat(lists: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Lists of numbers one behind the other, int32, and their lengths, int64."""
    lengths = np.fromiter(map(len, lists), dtype=np.int64, count=len(lists))
    total = int(lengths.sum())
    return np.fromiter(itertools.chain.from_iterable(lists), dtype=np.int32, count=total), lengths


def _counts(flat: np.ndarray, lengths: np.ndarray, columns: int) -> scipy.sparse.csr_matrix:
    """Row i counts the numbers of list i: float32 (len(lengths), columns)."""
    ends = np.concatenate([[0], np.cumsum(lengths)])
    ones = np.ones(len(flat), dtype=np.float32)
    return scipy.sparse.csr_matrix((ones, flat, ends), shape=(len(lengths), columns))


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
