"""What all widgets share: colours, the type of an embedding function, a reason in place of a result."""

import html
from collections.abc import Callable

import numpy as np

Embed = Callable[[list[str]], np.ndarray]
"""Texts to vectors: n texts in, shape (n, d) out."""

BAR_COLOUR = "#56b4e9"


def bar(share: float) -> str:
    """A bar, as HTML, as long as `share` of its cell: from 0 to 1, and cut there."""
    width = round(100 * min(max(share, 0), 1))
    return f'<div style="background: {BAR_COLOUR}; height: 0.8em; width: {width}%"></div>'


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
