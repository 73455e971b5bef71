"""A training that learns nothing, as fast or slow as a test wants; and clients on stores of their own."""

import time
from pathlib import Path

import httpx2
import openai

from helpers import engine
from helpers.engine.app import create_app
from helpers.engine.classifier_training import Hyperparameters, Step
from helpers.engine.store import Store
from helpers.engine.transport import EngineTransport
from helpers.files import atomic_path


class FakeModel:
    """What `Training.model` gives: something that can be saved."""

    def __init__(self, text: str):
        self.text = text

    def save(self, path: Path) -> None:
        with atomic_path(path) as temporary:
            temporary.write_text(self.text, encoding="utf-8")


class FakeTraining:
    """`seconds` a step, `steps` an epoch: class attributes, which a test sets. `began` tells who trained."""

    seconds = 0.0
    steps = 4
    stops: int | None = None  # early, after this step
    fails: Exception | None = None
    began: list[int] = []  # noqa: RUF012

    def __init__(self, examples, validation, hyperparameters, seed):
        self.examples, self.validation, self.epochs, self.seed = (
            examples,
            validation,
            hyperparameters.n_epochs,
            seed,
        )
        self.pace, self.length = self.seconds, self.steps
        self.trained_tokens = len(examples) * self.epochs
        self.stopped_early_at = None
        self.began.append(seed)

    def __iter__(self):
        total = self.length * self.epochs
        for number in range(1, total + 1):
            time.sleep(self.pace)
            if self.fails and number == 3:
                raise self.fails
            self.number = number
            epoch, rest = divmod(number, self.length)
            full = None if rest or not self.validation else 0.5
            self.stopped_early_at = self.stops if number == self.stops else None
            yield Step(number, total, 1 / number, 0.5, None, None, None if rest else epoch, full, full)
            if self.stopped_early_at:
                return

    def model(self):
        return FakeModel(f"{self.seed} {self.number}")


def fake_choice(asked: dict, n_examples: int) -> Hyperparameters:
    """One epoch unless another number is asked for."""
    epochs = asked["n_epochs"]
    return Hyperparameters(1 if epochs == "auto" else epochs, 1, 1.0)


def client_on(store: Store | Path, **options) -> openai.OpenAI:
    """An SDK client, strict, on an application of its own that keeps its things in `store`."""
    store = store if isinstance(store, Store) else Store(store, synced=False)
    http_client = httpx2.Client(transport=EngineTransport(create_app(store=store)))
    options = {"max_retries": 0, "_strict_response_validation": True} | options
    return openai.OpenAI(base_url=engine.BASE_URL, api_key="none", http_client=http_client, **options)
