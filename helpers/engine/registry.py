"""Which models the engine has: three of its own, and those that fine-tuning made.

Names of trained models begin with `ft:`; they are kept in the store, and a checkpoint is a model like any
other. What a model can do decides which routes take it; a wrong route says what the model is for.
"""

import dataclasses
import threading
from typing import TYPE_CHECKING, Any

from helpers.engine import vectors
from helpers.engine.errors import ApiError, model_not_found
from helpers.engine.generation import TextModel
from helpers.engine.store import Store, public
from helpers.errors import WorkbookError

if TYPE_CHECKING:
    from helpers.engine.classifier import Classifier

EMBEDDINGS = vectors.MODEL
CLASSIFIER = "wordllama-classifier"
TEXT = "reviews-ngram"

KIND = "model"  # of the store's objects
CHECKPOINT = "checkpoint"  # as a job lists it; as a model it is an object of its own
OWNER = "personal"  # whose trained models are: there is one user
KEPT_LOADED = 8  # trained models, a few MB each

JULY_2024 = 1_721_001_600  # WordLlama's first release
NOVEMBER_2026 = 1_793_491_200


@dataclasses.dataclass(frozen=True)
class Base:
    """A model that is always there."""

    name: str
    created: int
    owned_by: str
    use: str  # completes "NAME is for ..."


BASES = {
    base.name: base
    for base in [
        Base(EMBEDDINGS, JULY_2024, "wordllama", "embeddings"),
        Base(CLASSIFIER, JULY_2024, "wordllama", "fine-tuning"),
        Base(TEXT, NOVEMBER_2026, "workbook", "text"),
    ]
}


class Registry:
    """The models that one application offers. Safe to use from several threads."""

    def __init__(self, store: Store):
        self._store = store
        self._loaded: dict[str, Classifier] = {}  # by the name of the blob, which never changes
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Every model's name, the engine's own first."""
        return [*BASES, *(model["id"] for model in self._store.all(KIND))]

    def describe(self, name: str) -> dict[str, Any]:
        """The API's model object. Raises ApiError (404) for a name that is not here."""
        if name in BASES:
            base = BASES[name]
            return {"id": name, "object": "model", "created": base.created, "owned_by": base.owned_by}
        trained = self._store.get(KIND, name)
        if trained is None:
            raise model_not_found(name, self.names())
        return public(trained)

    def delete(self, name: str) -> dict[str, Any]:
        """The API's answer. Checkpoints of a model stay, as models of their own.

        Raises ApiError: 403 for the engine's own models, 404 for a name that is not here.
        """
        if name in BASES:
            raise ApiError(f"{name} belongs to the engine and cannot be deleted.", status=403, param="model")
        with self._store.writing() as transaction:
            trained = transaction.get(KIND, name)
            if trained is not None:
                transaction.delete(KIND, name)
                transaction.delete(CHECKPOINT, trained.get("_checkpoint", ""))
        if trained is None:
            raise model_not_found(name, self.names())
        return {"id": name, "object": "model", "deleted": True}

    def embedder(self, name: str) -> "vectors.TokenVectors | Classifier":
        """The model that makes embeddings under this name; a trained one with the vectors that it learnt.

        Raises ApiError: 404 unknown, 400 not for that.
        """
        if name == EMBEDDINGS:
            return vectors.load()
        if name in BASES:
            raise ApiError(
                f"{name} is for {BASES[name].use}, not for embeddings: use {EMBEDDINGS}.", param="model"
            )
        return self._trained(name)

    def text_model(self, name: str) -> TextModel:
        """The model that writes text under this name. Raises ApiError: 404 unknown, 400 not for that."""
        if name == TEXT:
            from helpers.engine import language  # trained at first use

            return language.load()
        if name == CLASSIFIER:
            raise ApiError(
                f"{name} has no classes yet: fine-tune it and use the ft: model, or use {TEXT} for text.",
                param="model",
            )
        if name in BASES:
            raise ApiError(f"{name} is for {BASES[name].use}, not for text: use {TEXT}.", param="model")
        return self._trained(name)

    def _trained(self, name: str) -> "Classifier":
        with self._store.reading() as transaction:
            blob = transaction.blob(KIND, name)
        if blob is None:
            raise model_not_found(name, self.names())
        with self._lock:
            if blob not in self._loaded:
                self._loaded[blob] = self._load(blob, name)
                while len(self._loaded) > KEPT_LOADED:
                    self._loaded.pop(next(iter(self._loaded)))
            return self._loaded[blob]

    def _load(self, blob: str, name: str) -> "Classifier":
        from helpers.engine.classifier import Classifier

        try:
            return Classifier.load(self._store.blob_path(blob), name)
        except FileNotFoundError:  # deleted at this very moment
            raise model_not_found(name, self.names()) from None
        except WorkbookError as error:  # the file is damaged
            raise ApiError(str(error), param="model") from None
