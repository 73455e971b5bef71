"""Which models the engine has: three of its own, and those that fine-tuning made.

Names of trained models begin with `ft:`; they are kept in the store, and a checkpoint is a model like any
other. What a model can do decides which routes take it; a wrong route says what the model is for.
"""

import dataclasses
from typing import Any

from helpers.engine import vectors
from helpers.engine.errors import ApiError, model_not_found

EMBEDDINGS = vectors.MODEL
CLASSIFIER = "wordllama-classifier"
TEXT = "reviews-ngram"

JULY_2024 = 1_721_001_600  # WordLlama's first release


@dataclasses.dataclass(frozen=True)
class Base:
    """A model that is always there."""

    name: str
    created: int
    owned_by: str
    use: str  # completes "NAME is for ..."


BASES = {base.name: base for base in [Base(EMBEDDINGS, JULY_2024, "wordllama", "embeddings")]}


class Registry:
    """The models that one application offers."""

    def names(self) -> list[str]:
        """Every model's name, the engine's own first."""
        return list(BASES)

    def describe(self, name: str) -> dict[str, Any]:
        """The API's model object. Raises ApiError (404) for a name that is not here."""
        if name not in BASES:
            raise model_not_found(name, sorted(self.names()))
        base = BASES[name]
        return {"id": name, "object": "model", "created": base.created, "owned_by": base.owned_by}

    def embedder(self, name: str) -> vectors.TokenVectors:
        """The model that makes embeddings under this name. Raises ApiError: 404 unknown, 400 not for that."""
        self.describe(name)
        if name == EMBEDDINGS:
            return vectors.load()
        raise ApiError(
            f"{name} is for {BASES[name].use}, not for embeddings: use {EMBEDDINGS}.", param="model"
        )
