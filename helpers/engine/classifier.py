"""The model that fine-tuning makes: it answers a prompt with one of the completions seen in training.

A softmax over everything that `classifier_features` sees of a prompt, with a token table of which the rows
met in training were trained. It writes as a language model does: a completion's WordLlama tokens one by one,
each with the probability of all completions that go on with it. So `logprobs` are real, completions that
begin alike share their first token, and a completion cut off by `max_tokens` says so.

One file holds a model: only the trained rows (as differences to WordLlama's table, in half precision), the
words' hashes and weights, and the layout of the prompts.

Left out: training (`classifier_training`), and writing anything that is no completion of the training file.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from helpers.engine import classifier_answers, vectors
from helpers.engine.classifier_features import ARRAYS, Reader
from helpers.engine.classifier_layout import Layout, TuningError, prompt_of_messages
from helpers.engine.errors import ApiError
from helpers.engine.generation import Choice, Generation, Token
from helpers.errors import WorkbookError
from helpers.files import atomic_path

__all__ = ["Classifier", "TuningError", "Weights", "log_softmax", "prompt_of_messages"]

FORMAT = "1"
BATCH = 1_024  # prompts read together


@dataclasses.dataclass
class Weights:
    """Everything that is trained, with k classes."""

    table: np.ndarray  # (rows in use, 256): what is added to WordLlama's vectors
    head: np.ndarray  # (fields, 256, k): of each field's vector
    words: np.ndarray  # (words, k): of the words and pairs
    alike: np.ndarray  # (curves, k): of the likenesses of fields
    bias: np.ndarray  # (k,)

    def rounded(self) -> "Weights":
        """As a file keeps them: tables of many rows in half precision. So saving changes no answer."""
        halves = {name: getattr(self, name).astype(np.float16) for name in ("table", "words")}
        others = {name: getattr(self, name).astype(np.float32) for name in ("head", "alike", "bias")}
        return Weights(**halves, **others)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """The logarithms of the probabilities: (n, k) of (n, k)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


class Classifier:
    """A trained model. Never changed, so safe to use from several threads."""

    def __init__(self, name: str, labels: Sequence[str], reader: Reader, rows: np.ndarray, weights: Weights):
        """`rows`: which tokens `weights.table` belongs to, ascending. The weights are rounded and copied."""
        self.name, self.labels = name, tuple(labels)
        self._reader, self._rows, self._weights = reader, rows, weights.rounded()
        exact = {field.name: getattr(self._weights, field.name).astype(np.float64) for field in _FIELDS}
        self._table = exact["table"]
        self._head, self._words, self._alike, self._bias = (
            exact[name] for name in ("head", "words", "alike", "bias")
        )
        self._of_tokens = [self._table @ head for head in self._head]  # each token's say, a field: (rows, k)
        self._tree = classifier_answers.tree(self.labels)

    # ------------------------------------------------------------------------- classes

    def log_probabilities(self, prompts: Sequence[str]) -> np.ndarray:
        """The natural logarithm of each completion's probability, float64 (n, labels), in their order."""
        found = [self._logits(prompts[i : i + BATCH]) for i in range(0, len(prompts), BATCH)]
        return log_softmax(np.concatenate(found)) if found else np.zeros((0, len(self.labels)))

    def _logits(self, prompts: Sequence[str]) -> np.ndarray:
        seen = self._reader.read(prompts)
        total = seen.words @ self._words + seen.alike @ self._alike + self._bias
        for tokens, base, head, said in zip(seen.tokens, seen.base, self._head, self._of_tokens, strict=True):
            total += base @ head + tokens[:, self._rows] @ said
        return total

    # ------------------------------------------------------------------------- text

    def count(self, text: str) -> int:
        """How many WordLlama tokens a text has."""
        return vectors.load().count([text])[0]

    def generate(self, request: Generation) -> list[Choice]:
        """`request.n` completions. Raises ApiError (400) for a suffix: there is nothing to insert."""
        if request.suffix:
            raise ApiError(
                f"{self.name} chooses among {len(self.labels)} completions; it cannot insert text before a "
                "suffix.",
                param="suffix",
            )
        return classifier_answers.write(self._tree, self.log_probabilities([request.prompt])[0], request)

    def score(self, text: str, top_logprobs: int) -> list[Token]:
        """Raises ApiError (400): a classifier does not know how likely a prompt is."""
        raise ApiError(f"{self.name} cannot say how likely a prompt is: leave out 'echo'.", param="echo")

    # ------------------------------------------------------------------------- embeddings

    def sums_and_counts(
        self, inputs: Sequence[str] | Sequence[Sequence[int]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """As `vectors.TokenVectors.sums_and_counts`, trained: float32 (n, 256), int64 (n,)."""
        model = vectors.load()
        sums, counts = model.sums_and_counts(inputs)
        ids = model.encode(inputs) if inputs and isinstance(inputs[0], str) else inputs
        flat, lengths = vectors._flat(ids)
        members = vectors._counts(flat, lengths, columns=model.vocabulary_size)
        added = members[:, self._rows] @ self._table
        return (sums + added).astype(np.float32), counts

    # ------------------------------------------------------------------------- the file

    def save(self, path: Path | str) -> None:
        """Write the model to one file (safetensors)."""
        reader, layout = self._reader, self._reader.layout
        arrays = {f"reader.{name}": getattr(reader, name) for name in ARRAYS}
        arrays |= {f"weights.{field.name}": getattr(self._weights, field.name) for field in _FIELDS}
        arrays["rows"] = self._rows.astype(np.int32)
        text = {"labels": self.labels, "rarest": reader.rarest, "layout": dataclasses.asdict(layout)}
        metadata = {"model": json.dumps({"format": FORMAT} | text)}  # one entry: several come in any order
        with atomic_path(path) as part:
            save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, part, metadata)

    @classmethod
    def load(cls, path: Path | str, name: str) -> "Classifier":
        """Read a model that `save` wrote, to be known as `name`.

        Raises FileNotFoundError when there is none, WorkbookError when the file is no model or damaged.
        """
        if not Path(path).is_file():
            raise FileNotFoundError(path)
        try:
            with safe_open(path, framework="numpy") as file:
                text = json.loads((file.metadata() or {})["model"])
                arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            if text["format"] != FORMAT:
                raise ValueError("another format")
            return cls._of(name, text, arrays)
        except (SafetensorError, ValueError, KeyError, TypeError, OSError) as error:
            raise WorkbookError(
                f"The file of the model {name} is damaged or was written by another version of the workbook "
                f"({type(error).__name__}): train the model again."
            ) from None

    @classmethod
    def _of(cls, name: str, text: Mapping, arrays: Mapping[str, np.ndarray]) -> "Classifier":
        layout = text["layout"]
        shared = tuple((begin, end) for begin, end in layout["shared"])
        layout = Layout(tuple(layout["labels"]), shared, tuple(layout["kept"]), layout["lines"])
        kept = {key: arrays[f"reader.{key}"] for key in ARRAYS}
        reader = Reader(layout=layout, rarest=text["rarest"], **kept)
        weights = Weights(**{field.name: arrays[f"weights.{field.name}"] for field in _FIELDS})
        return cls(name, text["labels"], reader, arrays["rows"], weights)


_FIELDS = dataclasses.fields(Weights)
