import json
from pathlib import Path

import openai
import pytest
from exercise_cases import Case, make_tests

from helpers import engine
from helpers.connect import Host
from helpers.exercises import lesson_00 as check
from helpers.workbook import Lesson

MODEL = "wordllama-256"
CLIENT = engine.client()
HOST = Host("embedded", "The embedded engine", engine.BASE_URL, MODEL, None, CLIENT)
LESSON = Lesson(HOST, Path("reviews.csv"))
RESPONSE = CLIENT.embeddings.create(model=MODEL, input="The green tea tastes great.")
OPINIONS = [
    "My dog loves these biscuits and begs for more.",
    "The tea tastes of grass and I poured it away.",
    "The box came crushed and half the chips were crumbs.",
]
REVIEW, LABEL = "Stale crackers, and the tin was dented.", "negative"
USER, ASSISTANT = {"role": "user", "content": REVIEW}, {"role": "assistant", "content": LABEL}


def row(*messages, **more):
    return json.dumps({"messages": list(messages), **more})


CASES = [
    Case(
        "numbers_in_vector",
        lambda answer: check.numbers_in_vector(answer, RESPONSE),
        solutions=[256, 256.0, len(RESPONSE.data[0].embedding)],
        wrong=[
            (1, "one text, one vector"),
            (RESPONSE.usage.prompt_tokens, "how many tokens"),
            (255, "There are more"),
            (len(str(RESPONSE.data[0].embedding)), "not the characters"),
            ("256", "this is the text '256'"),
            (RESPONSE.data[0].embedding, "a list of 256"),
            (256.5, "a whole number"),
        ],
    ),
    Case(
        "question_that_finds",
        lambda answer: check.question_that_finds(answer, OPINIONS[2], OPINIONS, LESSON),
        solutions=["Was the parcel damaged in the mail?", "broken in shipping"],
        wrong=[
            ("Do dogs like it?", "nearest to 'My dog loves"),
            ("How does it taste?", "nearest to 'The tea tastes"),
            ("Were the chips crushed?", "says 'chips' and 'crushed'"),
            ("box", "says 'box'"),
            ("the boxes", "says 'box'"),
            ("chip", "says 'chips'"),
            ("crush crumb", "says 'crumbs' and 'crushed'"),
            ("과자가 부서졌나요?", "hardly reads Korean"),
            (OPINIONS[2], "Spelling finds that without vectors"),
            ("   ", "an empty text has no vector"),
            (2, "a text in quotation marks"),
            (["damaged?"], "a list of 1"),
        ],
    ),
    Case(
        "chat_row",
        lambda answer: check.chat_row(answer, REVIEW, LABEL),
        solutions=[
            row(USER, ASSISTANT),
            row(USER, ASSISTANT) + "\n",
            row({"role": "system", "content": "Is the review positive or negative?"}, USER, ASSISTANT),
        ],
        wrong=[
            ({"messages": [USER, ASSISTANT]}, "a file holds text"),
            (str({"messages": [USER, ASSISTANT]}), "JSON quotes with"),
            (json.dumps({"messages": [USER, ASSISTANT]}, indent=1), "several lines"),
            (row(USER, ASSISTANT)[:-1], "not JSON (at character"),
            (json.dumps({"prompt": REVIEW, "completion": LABEL}), "prompt/completion format"),
            (json.dumps([USER, ASSISTANT]), "A row is a JSON object"),
            (json.dumps({"message": [USER, ASSISTANT]}), "one key, `messages`"),
            (row(USER, ASSISTANT, label=LABEL), "has the keys ['label', 'messages']"),
            (row(USER), "Nothing to learn from"),
            (row(ASSISTANT, USER), "the user first"),
            (row(ASSISTANT), "The roles are ['assistant']"),
            (row(USER, USER, ASSISTANT), "The roles are"),
            (row({"role": "user", "content": "Stale crackers"}, ASSISTANT), "letter for letter"),
            (row(USER, {"role": "assistant", "content": "positive"}), "the label that the model is to learn"),
            (row({"role": "user", "text": REVIEW}, ASSISTANT), "it needs `role` and `content`"),
            (row("user", "assistant"), "of objects with"),
            (json.dumps({"messages": REVIEW}), "should be a list"),
        ],
    ),
]

TestExercises = make_tests(CASES)


def test_a_host_that_reports_no_tokens():
    response = RESPONSE.model_copy(update={"usage": None})
    assert check.numbers_in_vector(256, response)
    assert "There are more" in check.numbers_in_vector(8, response).message


def test_a_host_that_fails_is_explained(monkeypatch):
    def refuse(**_):
        raise openai.APIConnectionError(request=None)

    monkeypatch.setattr(CLIENT.embeddings, "create", refuse)
    verdict = check.question_that_finds("Was it damaged?", OPINIONS[2], OPINIONS, LESSON)
    assert not verdict
    assert "cannot be reached" in verdict.message


@pytest.mark.parametrize("vectors", [64, 128])
def test_the_number_of_numbers_is_the_hosts(vectors):
    response = CLIENT.embeddings.create(model=MODEL, input="tea", dimensions=vectors)
    assert check.numbers_in_vector(vectors, response)
    assert not check.numbers_in_vector(256, response)
