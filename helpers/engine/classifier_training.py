"""Training the classifier: batches, gradient descent, the best epoch by validation.

The loss is the cross-entropy of a softmax over the completions seen in training, on everything that
`classifier_features` sees; rarer classes count more, by the root of how much rarer they are. Each step takes
a batch, measures loss and accuracy on it, and changes the rows in use of the token table and of the words'
weights, and all of the rest. The step size falls to zero along a straight line. All changes start at zero, so
the seed only orders the examples; the same seed and data give the same model to the bit on one machine.

There is no weight decay: few steps keep the weights small. Adagrad, which steps further where there was
little to learn from, was tried and left: it let rare words speak too loudly (sentiment on the real reviews,
an early version: AUROC .85 where plain steps had .89).

Left out: files, jobs, events (`tuning`), and using the trained model (`classifier`).
"""

import copy
import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse

from helpers.engine import classifier_features, classifier_layout, vectors
from helpers.engine.classifier import Classifier, Weights, log_softmax
from helpers.engine.classifier_layout import TuningError, prompt_of_messages

__all__ = ["Example", "Hyperparameters", "Step", "Training", "TuningError", "choose", "prompt_of_messages"]

MAX_LABELS = 100
PATIENCE = 3  # epochs without a better validation loss before training stops
RATE, OF_BATCH, LARGEST_RATE = 1.0, 8, 4.0  # the first step's size; it grows with the batch, so far
BALANCE = 0.5  # how much rarer classes count more: 0 not at all, 1 so that all classes count the same
FARTHEST = 4.0  # no number of a token's vector moves farther, however large the multiplier
TABLE, BIAS = 0.5, 0.5  # step sizes of the token table and of the classes' constants, of RATE


@dataclasses.dataclass(frozen=True)
class Example:
    """One row of a training file."""

    prompt: str
    label: str  # the completion, exactly as written


@dataclasses.dataclass(frozen=True)
class Hyperparameters:
    """As OpenAI's: passes over the data, examples a step, and a factor for the step size."""

    n_epochs: int
    batch_size: int
    learning_rate_multiplier: float


@dataclasses.dataclass(frozen=True)
class Step:
    """What one optimisation step did. Losses in nats, on a batch that this step had not learnt from yet."""

    step: int  # from 1
    total_steps: int  # if training is not stopped early
    train_loss: float
    train_accuracy: float
    valid_loss: float | None  # on a batch of the validation examples
    valid_accuracy: float | None
    epoch_ended: int | None  # from 1; None in mid-epoch
    full_valid_loss: float | None  # on all validation examples, at the end of an epoch
    full_valid_accuracy: float | None


LIMITS = {"n_epochs": (1, 50), "batch_size": (1, 256), "learning_rate_multiplier": (1e-9, 100.0)}


def choose(asked: Mapping[str, Any] | None, n_examples: int) -> Hyperparameters:
    """Hyperparameters with every "auto", None and missing one chosen for so many examples.

    Raises TuningError for one that is unknown, of the wrong kind or outside LIMITS.
    """
    epochs, batch = _auto(n_examples)
    chosen: dict[str, Any] = {"n_epochs": epochs, "batch_size": batch, "learning_rate_multiplier": 1.0}
    for name, value in (asked or {}).items():
        if name not in LIMITS:
            raise TuningError(f"There is no hyperparameter {name!r}: there are {', '.join(LIMITS)}.")
        if value in ("auto", None):
            continue
        low, high = LIMITS[name]
        kinds = (int,) if isinstance(low, int) else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
            number = "a whole number" if isinstance(low, int) else "a number"
            raise TuningError(f'{name} must be "auto" or {number} from {low} to {high}, not {value!r}.')
        chosen[name] = type(chosen[name])(value)
    return Hyperparameters(**chosen)


def _auto(n: int) -> tuple[int, int]:
    """Epochs and batch size."""
    for most, epochs, batch in ((100, 30, 4), (400, 20, 8), (2_000, 10, 8), (10_000, 5, 16)):
        if n <= most:
            return epochs, batch
    return 3, 32


class Training:
    """One training run. Iterate over it to train; each step is done when it is handed out."""

    def __init__(
        self,
        examples: Sequence[Example],
        validation: Sequence[Example] | None,
        hyperparameters: Hyperparameters,
        seed: int = 0,
    ):
        """Reads the examples; nothing is learnt yet.

        Raises TuningError when there is nothing to tell apart, when the completions look like free text, or
        when the validation examples have a completion that training never saw.
        """
        self.labels = _labels(examples)
        self.hyperparameters, self.seed = hyperparameters, seed
        self.stopped_early_at: int | None = None  # the step
        self.trained_tokens = 0
        texts = [f"{example.prompt}{example.label}" for example in examples]
        self._tokens_an_epoch = int(vectors.load().sums_and_counts(texts)[1].sum())
        number = {label: i for i, label in enumerate(self.labels)}
        self._classes = np.array([number[example.label] for example in examples])
        prompts = [example.prompt for example in examples]
        layout = classifier_layout.find(prompts)
        self._reader, seen = classifier_features.fit(layout, prompts, self._classes)
        self._rows = np.unique(np.concatenate([tokens.indices for tokens in seen.tokens]))
        self._seen = _Inputs.of(seen, self._rows)
        self._validation = self._read_validation(validation or (), number)
        self._finished, self._best = False, (math.inf, None)
        self._prepare_weights(layout.fields)

    def _read_validation(self, examples: Sequence[Example], number: Mapping[str, int]):
        for label in sorted({example.label for example in examples} - number.keys()):
            raise TuningError(
                f"The validation file has the completion {label!r:.80}, which the training file has not: "
                "the model could never write it. Add examples of it for training, or leave it out.",
                param="validation_file",
            )
        if not examples:
            return None
        seen = self._reader.read([example.prompt for example in examples])
        return _Inputs.of(seen, self._rows), np.array([number[example.label] for example in examples])

    def _prepare_weights(self, fields: int) -> None:
        n, k, d = len(self._classes), len(self.labels), vectors.load().table.shape[1]
        counts = np.bincount(self._classes)
        weight = (n / counts) ** BALANCE
        self._class_weights = weight / weight[self._classes].mean()
        self._weights = Weights(
            table=np.zeros((len(self._rows), d)),
            head=np.zeros((fields, d, k)),
            words=np.zeros((len(self._reader.keys), k)),
            alike=np.zeros((self._seen.alike.shape[1], k)),
            bias=np.log(counts * self._class_weights / n),
        )

    def __iter__(self) -> Iterator[Step]:
        """One Step an optimisation step. Stop between two steps as you like; `model` is whole at any time."""
        h = self.hyperparameters
        n, size = len(self._classes), h.batch_size
        total = -(-n // size) * h.n_epochs
        random = np.random.default_rng(self.seed)
        first_rate = min(RATE * size / OF_BATCH, LARGEST_RATE) * h.learning_rate_multiplier
        number = since_best = 0
        for epoch in range(1, h.n_epochs + 1):
            order = random.permutation(n)
            inputs, classes = self._seen.take(order), self._classes[order]
            for start in range(0, n, size):
                rate = first_rate * (1 - number / total)
                batch = slice(start, min(start + size, n))
                loss, accuracy = self._learn(inputs, batch, classes[batch], rate)
                valid = self._on_batch_of_validation(number)
                number += 1
                ended = epoch if batch.stop == n else None
                full: Score = (None, None)
                if ended:
                    self.trained_tokens += self._tokens_an_epoch
                    full = self._on_all_of_validation()
                    since_best = 0 if self._keep_if_best(full[0]) else since_best + 1
                    if since_best == PATIENCE and epoch < h.n_epochs:
                        self.stopped_early_at = number
                yield Step(number, total, loss, accuracy, *valid, ended, *full)
            if self.stopped_early_at:
                break
        self._finished = True

    def model(self) -> Classifier:
        """The model as it stands; after the last step, or an early stop, the best epoch's by validation."""
        best = self._best[1] if self._finished else None
        return Classifier("", self.labels, self._reader, self._rows, best or self._weights)

    # ------------------------------------------------------------------------- one step

    def _learn(
        self, inputs: "_Inputs", batch: slice, classes: np.ndarray, rate: float
    ) -> tuple[float, float]:
        """Loss and accuracy on a batch, and then the change."""
        weights, rows = self._weights, np.arange(len(classes))
        words, used = inputs.part(inputs.words, batch)
        fields = [inputs.part(tokens, batch) for tokens in inputs.tokens]
        means = [
            base[batch] + part @ weights.table[of]
            for base, (part, of) in zip(inputs.base, fields, strict=True)
        ]
        logits = words @ weights.words[used] + inputs.alike[batch] @ weights.alike + weights.bias
        for mean, head in zip(means, weights.head, strict=True):
            logits += mean @ head
        logs = log_softmax(logits)
        loss, accuracy = _score(logs, classes)
        wrong = np.exp(logs)  # becomes the loss's gradient by the logits
        wrong[rows, classes] -= 1
        wrong *= (rate * self._class_weights[classes] / len(classes))[:, None]
        weights.words[used] -= words.T @ wrong
        weights.alike -= inputs.alike[batch].T @ wrong
        weights.bias -= BIAS * wrong.sum(axis=0)
        for i, (mean, (part, of)) in enumerate(zip(means, fields, strict=True)):
            moved = weights.table[of] - TABLE * (part.T @ (wrong @ weights.head[i].T))
            weights.table[of] = np.clip(moved, -FARTHEST, FARTHEST)
            weights.head[i] -= mean.T @ wrong
        return loss, accuracy

    # ------------------------------------------------------------------------- validation

    def _on_batch_of_validation(self, number: int) -> "Score":
        """Loss and accuracy on the validation examples that are this step's turn."""
        if not self._validation:
            return None, None
        inputs, classes = self._validation
        size = min(self.hyperparameters.batch_size, len(classes))
        turn = (number * size + np.arange(size)) % len(classes)
        return _score(log_softmax(inputs.take(turn).logits(self._weights)), classes[turn])

    def _on_all_of_validation(self) -> "Score":
        if not self._validation:
            return None, None
        inputs, classes = self._validation
        return _score(log_softmax(inputs.logits(self._weights)), classes)

    def _keep_if_best(self, loss: float | None) -> bool:
        if loss is None:
            return True
        if loss >= self._best[0]:
            return False
        self._best = loss, copy.deepcopy(self._weights)
        return True


Score = tuple[float, float] | tuple[None, None]


@dataclasses.dataclass
class _Inputs:
    """What the classifier sees of n examples, the tokens numbered by the rows in use."""

    tokens: list[scipy.sparse.csr_matrix]  # one a field: (n, rows)
    base: list[np.ndarray]  # one a field: (n, 256)
    words: scipy.sparse.csr_matrix  # (n, words)
    alike: np.ndarray  # (n, curves)

    @classmethod
    def of(cls, seen: classifier_features.Seen, rows: np.ndarray) -> "_Inputs":
        return cls([tokens[:, rows].tocsr() for tokens in seen.tokens], seen.base, seen.words, seen.alike)

    def take(self, order: np.ndarray) -> "_Inputs":
        tokens, base = [part[order] for part in self.tokens], [part[order] for part in self.base]
        return _Inputs(tokens, base, self.words[order], self.alike[order])

    @staticmethod
    def part(matrix: scipy.sparse.csr_matrix, rows: slice) -> tuple[scipy.sparse.csr_matrix, np.ndarray]:
        """Some rows, of the columns that are not empty there; and which columns these are."""
        first, last = matrix.indptr[rows.start], matrix.indptr[rows.stop]
        used, place = np.unique(matrix.indices[first:last], return_inverse=True)
        ends = matrix.indptr[rows.start : rows.stop + 1] - first
        shape = (rows.stop - rows.start, len(used))
        return scipy.sparse.csr_matrix((matrix.data[first:last], place, ends), shape=shape), used

    def logits(self, weights: Weights) -> np.ndarray:
        total = self.words @ weights.words + self.alike @ weights.alike + weights.bias
        for tokens, base, head in zip(self.tokens, self.base, weights.head, strict=True):
            total += (base + tokens @ weights.table) @ head
        return total


def _score(logs: np.ndarray, classes: np.ndarray) -> tuple[float, float]:
    """Mean loss, and share right."""
    right = logs.argmax(axis=1) == classes
    return float(-logs[np.arange(len(classes)), classes].mean()), float(right.mean())


def _labels(examples: Sequence[Example]) -> tuple[str, ...]:
    """The different completions, sorted. Raises TuningError when a classifier cannot learn them."""
    labels = sorted({example.label for example in examples})
    if len(labels) < 2:
        only = f"All completions are {labels[0]!r:.80}" if labels else "There are no examples"
        raise TuningError(
            f"{only}: there is nothing to tell apart. Give examples of two or more completions."
        )
    most = min(MAX_LABELS, max(2, len(examples) // 2))
    if len(labels) > most:
        raise TuningError(
            f"There are {len(labels)} different completions in {len(examples)} examples, for example "
            f"{labels[0]!r:.60}. This looks like free text. The embedded engine trains a classifier, which "
            f"chooses among completions it has seen: at most {MAX_LABELS}, each in two examples or more on "
            "average. For text, use reviews-ngram or a host with a language model."
        )
    return tuple(labels)
