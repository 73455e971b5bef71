"""Errors as OpenAI's API sends them: a status, and `{"error": {message, type, param, code}}`.

The SDK turns the status into its exception: 400 BadRequestError, 404 NotFoundError, 429 RateLimitError
and so on (openai 3.54, `_exceptions.py`). The messages are the engine's own.
"""

from typing import Any


class ApiError(Exception):
    """Raise it anywhere below a route; the application turns it into the answer."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ):
        super().__init__(message)
        self.message, self.status, self.type, self.param, self.code = message, status, type, param, code
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """The JSON to send."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


def model_not_found(name: object, available: list[str]) -> ApiError:
    """404 for a model that the engine does not have, naming those that it has, its own first."""
    offered = ", ".join(sorted(available, key=lambda known: (known.startswith("ft:"), known)))
    return ApiError(
        f"The model {name!r} does not exist here. The embedded engine offers: {offered}.",
        status=404,
        param="model",
        code="model_not_found",
    )
