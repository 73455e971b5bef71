"""The routes that write text: completions, chat completions and responses, whole or streamed."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify

from helpers.engine import chat, completions, parameters, responses
from helpers.engine.errors import ApiError
from helpers.engine.generation import TextModel
from helpers.engine.http import event_stream, json_body, model_of, registry, spend_tokens
from helpers.errors import WorkbookError

text = Blueprint("text", __name__)


@text.post("/completions")
def create_completion() -> Response:
    return _written(completions.create)


@text.post("/chat/completions")
def create_chat_completion() -> Response:
    return _written(chat.create)


@text.post("/responses")
def create_response() -> Response:
    body = json_body()
    name = model_of(body)
    streamed = parameters.flag(body, "stream")
    parameters.include_usage(body)  # only checked: a response always tells its usage
    answer = responses.create(body, name, _model(name))
    spend_tokens(answer.usage["total_tokens"])
    return event_stream(answer.events(), named=True) if streamed else jsonify(answer.whole())


def _written(create: Callable[..., Any]) -> Response:
    """What `create` makes of the request's body, whole or in chunks."""
    body = json_body()
    name = model_of(body)
    streamed, with_usage = parameters.flag(body, "stream"), parameters.include_usage(body)
    answer = create(body, name, _model(name))
    spend_tokens(answer.usage["total_tokens"])
    return event_stream(answer.chunks(with_usage)) if streamed else jsonify(answer.whole())


def _model(name: str) -> TextModel:
    """The model of that name. What keeps it from loading (no reviews, say) is for the reader to mend: 400."""
    try:
        return registry().text_model(name)
    except WorkbookError as error:
        raise ApiError(f"{name} cannot be loaded: {error}", param="model") from error
