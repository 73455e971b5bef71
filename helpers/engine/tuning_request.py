"""A request for a fine-tuning job: checked as OpenAI does, and turned into the job's object.

The bounds of the hyperparameters are the engine's (openai 3.54 names none): epochs 1 to 50, batches 1 to 256
examples, learning-rate multiplier above 0 up to 100; `"auto"` leaves the choice to the training. Methods
other than supervised, and integrations, are refused; Azure's `trainingType` is taken and makes no difference.
What is in the files is looked at later, by the job.
"""

import re
import secrets
from typing import Any

from helpers.engine import files
from helpers.engine.errors import ApiError, model_not_found
from helpers.engine.parameters import metadata
from helpers.engine.registry import BASES, CLASSIFIER, KIND
from helpers.engine.store import Object, Store, new_id, now

PARAMETERS = {
    "model", "training_file", "validation_file", "hyperparameters", "method", "seed", "suffix", "metadata",
    "integrations", "trainingType",
}  # fmt: skip
MOST_EPOCHS = 50
LARGEST_BATCH = 256
LARGEST_MULTIPLIER = 100
LARGEST_SEED = 2**31 - 1

SUFFIX = re.compile(r"[A-Za-z0-9._-]{1,64}")


def job_of(body: dict[str, Any], store: Store) -> Object:
    """The new job's object. Raises ApiError that names the parameter and what is wrong with it."""
    for name in sorted(body.keys() - PARAMETERS):
        raise ApiError(f"Unrecognized parameter: {name!r}.", param=name, code="unknown_parameter")
    if body.get("integrations"):
        raise ApiError("The embedded engine reports to no other service.", param="integrations")
    asked = _hyperparameters(body)
    return {
        "id": new_id("ftjob-"),
        "object": "fine_tuning.job",
        "created_at": now(),
        "error": None,
        "fine_tuned_model": None,
        "finished_at": None,
        "hyperparameters": asked,
        "model": _model(body.get("model"), store),
        "organization_id": "org-embedded",
        "result_files": [],
        "seed": _seed(body.get("seed")),
        "status": "validating_files",
        "trained_tokens": None,
        "training_file": _file(body, "training_file", store),
        "validation_file": _file(body, "validation_file", store) if body.get("validation_file") else None,
        "estimated_finish": None,
        "integrations": [],
        "metadata": metadata(body.get("metadata")),
        "method": {"type": "supervised", "supervised": {"hyperparameters": asked}},
        "_suffix": _suffix(body.get("suffix")),
        "_paused": False,
    }


def _model(name: Any, store: Store) -> str:
    if name == CLASSIFIER:
        return name
    if not isinstance(name, str):
        raise ApiError("'model' is missing: name the model to start from.", param="model")
    if name not in BASES and store.get(KIND, name) is None:
        raise model_not_found(name, [CLASSIFIER])
    raise ApiError(
        f"{name} cannot be fine-tuned; {CLASSIFIER} can.", param="model", code="model_not_available"
    )


def _file(body: dict[str, Any], param: str, store: Store) -> str:
    id = body.get(param)
    if not isinstance(id, str):
        raise ApiError(f"'{param}' must be the id of an uploaded file, not {id!r:.80}.", param=param)
    found = store.get(files.KIND, id)
    if found is None:
        raise ApiError(files.not_found(id).message, param=param, code="file_not_found")
    if found["purpose"] != "fine-tune":
        raise ApiError(
            f"The file {id} was uploaded for {found['purpose']!r}; upload it with purpose 'fine-tune'.",
            param=param,
        )
    return id


def _seed(value: Any) -> int:
    if value is None:
        return secrets.randbelow(LARGEST_SEED + 1)
    if type(value) is not int or not 0 <= value <= LARGEST_SEED:
        raise ApiError(
            f"'seed' must be a whole number from 0 to {LARGEST_SEED}, not {value!r:.40}.", param="seed"
        )
    return value


def _suffix(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or not SUFFIX.fullmatch(value):
        raise ApiError(
            "'suffix' must have 1 to 64 letters of the English alphabet, digits, dots, dashes or underscores,"
            f" not {value!r:.80}: it becomes part of the model's name.",
            param="suffix",
        )
    return value


# ----------------------------------------------------------------------------- method and hyperparameters


def _hyperparameters(body: dict[str, Any]) -> dict[str, Any]:
    """What is asked for: each of the three a number or "auto"."""
    of_method = _of_method(body.get("method"))
    deprecated = _settings(body.get("hyperparameters"), "hyperparameters")
    if of_method and deprecated and of_method != deprecated:
        raise ApiError(
            "'hyperparameters' and 'method' contradict each other: use 'method' alone.",
            param="hyperparameters",
        )
    return {"batch_size": "auto", "learning_rate_multiplier": "auto", "n_epochs": "auto"} | (
        of_method or deprecated
    )


def _of_method(method: Any) -> dict[str, Any]:
    if method is None:
        return {}
    kind = method.get("type") if isinstance(method, dict) else None
    if kind != "supervised":
        raise ApiError(
            f"The embedded engine trains with the method 'supervised', not {kind!r:.40}.", param="method"
        )
    supervised = method.get("supervised") or {}
    if not isinstance(supervised, dict) or method.keys() - {"type", "supervised"}:
        raise ApiError("'method' must have a type, and what is set for that type.", param="method")
    return _settings(supervised.get("hyperparameters"), "method.supervised.hyperparameters")


def _settings(given: Any, where: str) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise ApiError(f"'{where}' must be an object.", param=where)
    for name, value in given.items():
        if name not in _RANGES:
            raise ApiError(
                f"'{where}' knows {', '.join(_RANGES)}, not {name!r:.40}.", param=f"{where}.{name}"
            )
        kinds, lowest, highest = _RANGES[name]
        if value not in ("auto", None) and not (
            type(value) in kinds and max(lowest, 1e-9) <= value <= highest
        ):
            what = "a whole number from 1" if lowest else "a number above 0"
            raise ApiError(
                f"'{where}.{name}' must be \"auto\" or {what} up to {highest}, not {value!r:.40}.",
                param=f"{where}.{name}",
            )
    return {name: value for name, value in given.items() if value is not None}


_RANGES: dict[str, tuple[tuple[type, ...], float, int]] = {
    "batch_size": ((int,), 1, LARGEST_BATCH),
    "learning_rate_multiplier": ((int, float), 0, LARGEST_MULTIPLIER),
    "n_epochs": ((int,), 1, MOST_EPOCHS),
}
