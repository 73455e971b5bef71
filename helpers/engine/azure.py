"""What is different where the engine plays an Azure OpenAI resource: keys, versions, deployments, errors.

Azure has two kinds of paths. The v1 ones (`/openai/v1/...`) are OpenAI's own. The older ones
(`/openai/deployments/NAME/...`, `/openai/files`, ...) want the query `api-version=YYYY-MM-DD`, with or
without `-preview` behind it. On both a model is called by its deployment's name, which its owner made up,
and the answer's `model` is the model behind it.

The answers to mistakes, with the codes that Azure sends; the sentences are our own. Microsoft documents
none of them, so the sources are reports, GitHub issues:
- no `api-version` on an older path, or no date: 404, code "404" (MicrosoftDocs/azure-docs 114602);
- a date that is no version: 400, code "BadRequest" (hotovo/aider-desk 460);
- a deployment that does not exist: 404, code "DeploymentNotFound" (MicrosoftDocs/azure-docs 114013);
- a wrong key: 401, code "401" (SciSharp/BotSharp 386).

Which dates are versions changes from month to month; here any day from the first version on (2022-12-01) to
today is one. Left out: Microsoft Entra ID (tokens instead of keys), regions, content filters.
"""

import datetime
import hmac
import re
from collections.abc import Collection, Mapping
from typing import Any

from flask import Flask, Request, current_app, request

from helpers.engine.errors import ApiError

FIRST_VERSION = datetime.date(2022, 12, 1)
VERSION = re.compile(r"(\d{4}-\d{2}-\d{2})(?:-preview)?", re.ASCII)


class AzureError(ApiError):
    """An error in Azure's shorter form: a code and a sentence."""

    def body(self) -> dict[str, Any]:
        """The JSON to send."""
        return {"error": {"code": self.code, "message": self.message}}


def is_azure(path: str) -> bool:
    """Whether a request's path is one of Azure's."""
    return path.startswith("/openai/")


def guard(app: Flask, *, keys: Collection[str] = (), deployments: Mapping[str, str] | None = None) -> Flask:
    """Make `app` accept these keys only, and on Azure's paths these deployments only; returns `app`.

    `deployments`: their names to the engine's models. Without keys every request may pass; without
    deployments every model counts as deployed under its own name.
    """
    app.extensions["keys"] = tuple(keys)
    app.extensions["deployments"] = dict(deployments or {})
    return app


def check_request(request: Request) -> None:
    """Raise ApiError for what Azure would turn away before any route: the key, the version."""
    check_key(request.path, request.headers, current_app.extensions.get("keys", ()))
    check_version(request.path, request.args.get("api-version"))


def check_version(path: str, version: str | None) -> None:
    """Raise AzureError when an older path comes without a version, or with something that is none."""
    if not is_azure(path) or path.startswith("/openai/v1/"):
        return
    match = VERSION.fullmatch(version or "")
    if match is None:
        raise AzureError(
            "Resource not found: this path needs ?api-version=YYYY-MM-DD.", status=404, code="404"
        )
    try:
        day = datetime.date.fromisoformat(match.group(1))
    except ValueError:
        day = datetime.date.min
    if not FIRST_VERSION <= day <= datetime.datetime.now(datetime.UTC).date():
        raise AzureError(f"API version not supported: {version}.", code="BadRequest")


def check_key(path: str, headers: Mapping[str, str], keys: Collection[str]) -> None:
    """Raise ApiError (401) unless the request carries one of `keys`; without `keys` any request may pass.

    OpenAI's clients send `Authorization: Bearer KEY`, AzureOpenAI's `api-key: KEY`; Azure's v1 paths take
    both. The sentence never repeats what was sent.
    """
    if not keys:
        return
    given = [headers.get("Authorization", "").removeprefix("Bearer ").strip()]
    if is_azure(path):
        given.append(headers.get("api-key", "").strip())
    if any(hmac.compare_digest(one.encode(), key.encode()) for one in given for key in keys):
        return
    if is_azure(path):
        raise AzureError(
            "Access denied: wrong key, or the address of another resource.", status=401, code="401"
        )
    raise ApiError("Incorrect API key provided.", status=401, code="invalid_api_key")


def model_behind(name: str) -> str:
    """The model that `name` stands for in this request: on Azure's paths a deployment, otherwise itself.

    Raises AzureError (404) where there is no such deployment.
    """
    deployments = current_app.extensions.get("deployments")
    if not deployments or not is_azure(request.path):
        return name
    if name not in deployments:
        raise AzureError(
            f"The deployment {name!r} does not exist. This resource has: {', '.join(sorted(deployments))}.",
            status=404,
            code="DeploymentNotFound",
        )
    return deployments[name]
