"""What all widgets share: colours, the type of an embedding function, a reason in place of a result."""

import html
from collections.abc import Callable

import numpy as np

Embed = Callable[[list[str]], np.ndarray]
"""Texts to vectors: n texts in, shape (n, d) out."""

BAR_COLOUR = "#56b4e9"


def html_or_why_not(make: Callable[[], str], text: str) -> str:
    """What `make` gives, or the reason why not, as HTML: `text` is empty, or the host failed."""
    import openai

    from helpers.connect import explain
    from helpers.errors import WorkbookError

    if not text.strip():
        return "<em>Type something: an empty text has no vector.</em>"
    try:
        return make()
    except openai.OpenAIError as error:
        return f"<em>{html.escape(explain(error))}</em>"
    except WorkbookError as error:
        return f"<em>{html.escape(str(error))}</em>"
