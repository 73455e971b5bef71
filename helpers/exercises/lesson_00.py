"""The checks of lesson 00: what a vector holds, a question that finds a review, a row to train on."""

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers.connect import explain
from helpers.exercises.core import Verdict, exercise, kind_of, right, unless_mistaken, whole_number, wrong
from helpers.similarity import nearest

if TYPE_CHECKING:
    from openai.types import CreateEmbeddingResponse

    from helpers.workbook import Lesson

FREE_WORDS = {"the", "and", "were"}  # these say nothing of what an opinion is about
STEM = 4  # words with these first letters in common count as one word in two forms


@exercise
def numbers_in_vector(answer: Any, response: "CreateEmbeddingResponse") -> Verdict:
    """`answer`: how many numbers the first vector of an embeddings response has."""
    count, length = whole_number(answer), len(response.data[0].embedding)
    tokens_sent = response.usage.prompt_tokens if response.usage else np.nan  # some hosts do not say
    unless_mistaken(
        count,
        {
            "That is how many vectors came back: one text, one vector. Count the numbers inside it.": len(
                response.data
            ),
            "That is how many tokens the text has. Count the numbers in the vector.": tokens_sent,
        },
    )
    if count < length:
        raise wrong("There are more. Find the list in `first_response`, and count its entries.")
    if count > length:
        raise wrong("There are fewer. Count the list's numbers, not the characters of its print.")
    return right("Every text gets that many numbers from this model, whether it is a word or a page.")


@exercise
def question_that_finds(answer: Any, wanted: str, opinions: Sequence[str], lesson: "Lesson") -> Verdict:
    """`answer`: a question, without the words of `wanted`, that is nearer to it than to the others."""
    if not isinstance(answer, str):
        raise wrong(f"A question is wanted, a text in quotation marks, but this is {kind_of(answer)}.")
    if not answer.strip():
        raise wrong("The text is empty, and an empty text has no vector.")
    if shared := sorted(word for word in _words(wanted) if any(_alike(word, own) for own in _words(answer))):
        words = " and ".join(repr(word) for word in shared)
        raise wrong(
            f"The opinion itself says {words}, and your question has that or begins a word like it. "
            "Spelling finds that without vectors: use other words."
        )
    if lesson.host.kind == "embedded" and re.search("[가-힣]", answer):
        raise wrong("This model hardly reads Korean (lesson 01): ask in English.")
    vectors = _embedded([answer, *opinions], lesson)  # (1 + n, d)
    first = opinions[nearest(vectors[0], vectors[1:], k=1)[0][0]]
    if first != wanted:
        raise wrong(
            f"Your question is nearest to {first!r}. What does the wanted opinion complain of? "
            "Name that, in words that mean the same."
        )
    return right("No word in common, and still the nearest: the vectors carry more than spelling.")


@exercise
def chat_row(answer: Any, review: str, label: str) -> Verdict:
    """`answer`: a training row, one line of chat JSON: the user says `review`, the assistant `label`."""
    row = _one_line_of_json(answer)
    if not isinstance(row, dict):
        raise wrong(f"A row is a JSON object, in braces, but this is {kind_of(row)}.")
    if "prompt" in row or "completion" in row:
        raise wrong("That is the prompt/completion format. The chat format has one key, `messages`.")
    if set(row) != {"messages"}:
        raise wrong(f"The object has the keys {sorted(row)}. The chat format has one key, `messages`.")
    said = _said(row["messages"])
    roles = [role for role, _ in said]
    if roles == ["assistant", "user"]:
        raise wrong("The messages stand in the order of the talk: the user first, then the assistant.")
    if "assistant" not in roles:
        raise wrong("Nothing to learn from: the answer to learn is a message of the role `assistant`.")
    if roles[-2:] != ["user", "assistant"] or roles[:-2] not in ([], ["system"]):
        raise wrong(f"The roles are {roles}. This row needs one `user` and then one `assistant`.")
    if said[-2][1] != review:
        raise wrong("The user's `content` should be the review, letter for letter.")
    if said[-1][1] != label:
        raise wrong("The assistant's `content` should be the label that the model is to learn, nothing else.")
    return right("One line, one example. A training file is some hundreds of such lines.")


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower())) - FREE_WORDS


def _alike(a: str, b: str) -> bool:
    """Whether two words are one, or begin alike: "box" and "boxes", "crumbs" and "crumbling"."""
    letters = min(len(a), len(b), STEM)
    return a == b or (letters > 2 and a[:letters] == b[:letters])


def _embedded(texts: list[str], lesson: "Lesson") -> np.ndarray:
    import openai

    try:
        response = lesson.client.embeddings.create(model=lesson.embedding_model, input=texts)
    except openai.OpenAIError as error:
        raise wrong(f"The question could not be embedded. {explain(error, lesson.host)}") from error
    return np.array([item.embedding for item in response.data])


def _one_line_of_json(answer: Any) -> Any:
    if isinstance(answer, dict | list):
        raise wrong(f"This is {kind_of(answer)} in Python; a file holds text. `json.dumps` makes it text.")
    if not isinstance(answer, str):
        raise wrong(f"One line of text is wanted, but this is {kind_of(answer)}.")
    try:
        row = json.loads(answer)
    except ValueError as error:
        reason = "JSON quotes with \" and not with '. " if "'" in answer and '"' not in answer else ""
        place = f" (at character {error.pos})" if isinstance(error, json.JSONDecodeError) else ""
        raise wrong(f"That is not JSON{place}. {reason}`json.dumps` writes it without such slips.") from error
    if len(answer.strip().splitlines()) > 1:
        raise wrong("It is JSON, but on several lines. In JSONL one line is one row: leave out `indent`.")
    return row


def _said(messages: Any) -> list[tuple[Any, Any]]:
    """(role, content) of each message, or a verdict."""
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise wrong("`messages` should be a list, in brackets, of objects with `role` and `content`.")
    for message in messages:
        if set(message) != {"role", "content"}:
            raise wrong(f"A message has the keys {sorted(message)}; it needs `role` and `content`.")
    return [(message["role"], message["content"]) for message in messages]
