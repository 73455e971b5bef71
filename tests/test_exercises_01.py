import re

import numpy as np
import pandas as pd
from exercise_cases import Case, make_tests

from helpers import settings, similarity, tokens
from helpers.engine import vectors as engine_vectors
from helpers.exercises import lesson_01 as check

ENGLISH, KOREAN = "My dog loves these biscuits.", "우리 강아지는 이 비스킷을 좋아해요."
MODEL = "text-embedding-3-small"
SHORT, LONG = (int(count) for count in tokens.count([ENGLISH, KOREAN], MODEL))
ENGINE = [int(count) for count in tokens.count([ENGLISH, KOREAN], "wordllama-256")]

OF = np.array([2.0, -3.0, 6.0])

SHELF = [
    "My dog loves these biscuits.",
    "The puppy begs for another treat.",
    "A strong black tea with milk.",
    "Crunchy snacks for a big dog.",
    "Our old hound chews them slowly.",
]
SHELF_VECTORS = engine_vectors.load().embed(SHELF)
SHELF_COSINES = similarity.cosine_matrix(SHELF_VECTORS)  # (5, 5)
MEANS = (SHELF_COSINES.sum(axis=1) - 1) / 4
ODD = int(MEANS.argmin())

FULL = engine_vectors.load().embed(["The green tea tastes great."])[0].astype(float)
CUT = FULL[:64]


def safe(a, b):
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / lengths) if lengths else 0.0


def with_a_loop(a, b):
    dot = sum(x * y for x, y in zip(a, b))
    lengths = sum(x * x for x in a) ** 0.5 * sum(y * y for y in b) ** 0.5
    if lengths == 0:
        return 0
    return dot / lengths


def unguarded(a, b):
    return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))


def guards_by_the_sum(a, b):
    return 0.0 if sum(a) == 0 or sum(b) == 0 else safe(a, b)


def divides_in_python(a, b):
    return float(a @ b) / float(np.linalg.norm(a) * np.linalg.norm(b))


CASES = [
    Case(
        "token_ratio",
        lambda answer: check.token_ratio(answer, ENGLISH, KOREAN, MODEL),
        solutions=[LONG / SHORT, round(LONG / SHORT, 2), np.float64(LONG / SHORT)],
        wrong=[
            (SHORT / LONG, "turn it round"),
            (LONG - SHORT, "Divide one count by the other"),
            (LONG, "the Korean count alone"),
            (len(KOREAN) / len(ENGLISH), "compares characters"),
            (len(KOREAN.encode()) / len(ENGLISH.encode()), "compares bytes"),
            (len(KOREAN.split()) / len(ENGLISH.split()), "compares words"),
            (ENGINE[1] / ENGINE[0], "ratio for wordllama-256"),
            (99.5, "Count both sentences' tokens"),
            ([SHORT, LONG], "a list of 2"),
            ("three times", "this is the text"),
        ],
        secret=f"{LONG / SHORT:.2f}",
    ),
    Case(
        "direction",
        lambda answer: check.direction(answer, OF),
        solutions=[OF / 7, list(OF / 7), (0.29, -0.43, 0.86)],
        wrong=[
            (7.0, "That is the magnitude"),
            (OF, "as it was"),
            (OF / OF.sum(), "divided by the sum."),
            (OF / abs(OF).sum(), "absolute values"),
            (OF / abs(OF).max(), "the largest number"),
            (OF / 49, "take the root first"),
            (OF * 7, "Divide by it"),
            (-OF / 7, "opposite way"),
            (abs(OF) / 7, "points elsewhere"),
            ([1.0, 1.0, 1.0], "Its magnitude is 1.73"),
            ([0.29, -0.43], "the shape (3,)"),
            ("0.29, -0.43, 0.86", "should be 3 numbers"),
        ],
    ),
    Case(
        "cosine_function",
        check.cosine_function,
        solutions=[safe, with_a_loop],
        wrong=[
            (lambda a, b: a @ b, "the dot product. Divide by both"),
            (lambda a, b: np.linalg.norm(a - b), "gives the distance"),
            (lambda a, b: 1 - safe(a, b), "one minus the cosine"),
            (lambda a, b: a @ b / np.linalg.norm(a), "one magnitude only"),
            (lambda a, b: np.arccos(np.clip(safe(a, b), -1, 1)), "gives the angle"),
            (lambda a, b: a @ b / ((a @ a) * (b @ b)), "squares of the magnitudes"),
            (lambda a, b: abs(safe(a, b)), "lost its sign"),
            (lambda a, b: a @ b / np.linalg.norm(a) ** 2, "between -1 and 1"),
            (lambda a, b: 0.1, "is not the cosine"),
            (unguarded, "it gives nan"),
            (similarity.cosine, "without calling it"),
            (lambda a, b: similarity.cosine(a, b), "without calling it"),
            (guards_by_the_sum, "For [1.0, -1.0]"),
            (lambda a, b: a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-3), "is not the cosine"),
            (divides_in_python, "stopped with ZeroDivisionError"),
            (lambda a, b: safe(a, b) if a.any() or b.any() else 1.0, "it gives 1"),
            (lambda a, b: safe(a, b) if a.any() else None, "nothing back"),
            (lambda a, b: a * b, "an array of shape"),
            (0.6, "A function is wanted"),
            (lambda a: 0.0, "stopped with TypeError"),
        ],
    ),
    Case(
        "odd_one_out",
        lambda answer: check.odd_one_out(answer, SHELF_VECTORS),
        solutions=[MEANS.min(), round(float(MEANS.min()), 2), np.float32(MEANS.min())],
        wrong=[
            (SHELF_COSINES.mean(axis=1).min(), "includes the 1 of the sentence with itself"),
            (SHELF_COSINES.sum(axis=1).min() / 4, "still holds the sentence with itself"),
            (MEANS.max(), "the highest mean. "),
            (SHELF_COSINES.mean(axis=1).max(), "the highest mean, and it includes"),
            (SHELF_COSINES.min(), "lowest single cosine"),
            (MEANS.mean(), "the mean over all sentences"),
            (MEANS.min() * 4, "the sum of the cosines"),
            (ODD, "looks like a sentence's number"),
            (0.55, "mean along each row"),
            (SHELF[ODD], "this is the text"),
            (MEANS, "an array of shape (5,)"),
        ],
    ),
    Case(
        "shortened",
        lambda answer: check.shortened(answer, FULL, 64),
        solutions=[CUT / np.linalg.norm(CUT), list(CUT / np.linalg.norm(CUT))],
        wrong=[
            (CUT, "changes nothing"),
            (CUT / 1.5, "should be 1 after the cut"),
            (FULL[-64:], "These are the LAST numbers"),
            (FULL[-64:] / np.linalg.norm(FULL[-64:]), "last numbers, scaled"),
            (FULL[::4], "picked from all over the vector. "),
            (FULL[::4] / np.linalg.norm(FULL[::4]), "all over the vector, and scaled"),
            (CUT / CUT.sum(), "by the sum"),
            (FULL, "Still all 256 numbers"),
            (CUT[:63], "the shape (64,)"),
            (np.sort(CUT) / np.linalg.norm(CUT), "the direction is not"),
            (0.25, "the shape (64,)"),
        ],
    ),
]

TestExercises = make_tests(CASES)


def test_a_function_without_a_body_is_unanswered():
    assert check.cosine_function(lambda a, b: ...).status == "unanswered"


def test_a_longer_vector_cut_by_the_wrong_length():
    full = np.array([3.0, 4.0, 12.0, 0.0])  # length 13, and 5 after the cut
    assert check.shortened([0.6, 0.8], full, 2)
    assert "full vector's magnitude" in check.shortened([3 / 13, 4 / 13], full, 2).message


def test_the_triples_are_what_their_kinds_say():
    triples = pd.read_csv(settings.DATA / "triples.csv", encoding="utf-8")
    bags = triples[["anchor", "related", "unrelated"]].map(lambda text: set(re.findall(r"\w+", text.lower())))
    assert triples["kind"].value_counts().to_dict() == {"shared": 15, "paraphrase": 15, "decoy": 15}
    assert not pd.concat([triples["anchor"], triples["related"], triples["unrelated"]]).duplicated().any()
    for kind, (anchor, related, unrelated) in zip(triples["kind"], bags.to_numpy()):
        in_related, in_unrelated = len(anchor & related), len(anchor & unrelated)
        if kind == "shared":
            assert in_related > in_unrelated
        elif kind == "decoy":
            assert in_unrelated > in_related
        else:
            assert not {word for word in anchor & related if len(word) > 4}
