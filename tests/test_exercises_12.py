import re

from exercise_cases import Case, make_tests

from helpers.exercises import lesson_12 as check

RESOURCE, MODEL = "tea-shop", "text-embedding-3-small"
DEPLOYMENTS = {"search-vectors": MODEL, "writer": "gpt-4.1-mini"}
URL = "https://tea-shop.openai.azure.com/openai/v1/"


def mend(answer):
    return check.mend(answer, RESOURCE, DEPLOYMENTS, MODEL)


def both(base_url, model="search-vectors"):
    return {"base_url": base_url, "model": model}


def waits(retries):
    return sum(min(8, 0.5 * 2**number) for number in range(retries))


def waits_in_a_loop(retries):
    total, wait = 0, 0.5
    for _ in range(retries):
        total += wait
        wait = min(8, wait * 2)
    return total


def hide(line):
    return re.sub(r"\bsk-[\w-]{20,}", "[key]", line)


CASES = [
    Case(
        "mend",
        mend,
        solutions=[both(URL), both(URL.rstrip("/")), both(URL.replace("tea-shop", "TEA-Shop"))],
        wrong=[
            (both(URL, MODEL), "not the model's own name"),
            (both(URL, "writer"), "gpt-4.1-mini is behind it"),
            (both(URL, "search"), "no deployment of that name"),
            (both("https://tea-shop.openai.azure.com/"), "What path"),
            (both("https://tea-shop.openai.azure.com/v1"), "What is before it"),
            (both(URL.replace("https", "http")), "for everybody to read"),
            (both("https://api.openai.com/v1"), "OpenAI's own"),
            (
                both("https://tea-shop.openai.azure.com/openai/deployments/search-vectors"),
                "older, dated path",
            ),
            (both(URL + "embeddings"), "ends before it"),
            (both("https://tea.openai.azure.com/openai/v1/"), "resource's name"),
            (both("https://tea-shop.services.ai.azure.com/openai/v1/"), "that address too"),
            ({"base_url": URL}, "base_url and model"),
            (URL, "a text"),
        ],
        secret="/openai/v1",
    ),
    Case(
        "longest_wait",
        check.longest_wait,
        solutions=[waits, waits_in_a_loop],
        wrong=[
            (lambda n: 0.5 * (2**n - 1), "none is longer"),
            (lambda n: min(8, 0.5 * 2 ** (n - 1)) if n else 0, "Add all of them"),
            (lambda n: sum(min(8, 2**i) for i in range(n)), "half a second"),
            (lambda n: waits(n + 1), "from 0"),
            (lambda n: waits(max(0, n - 1)), "A wait is missing"),
            (lambda n: 0.5 * n, "twice the one before"),
            (lambda n: 8 * n, "shorter than the longest"),
            (lambda n: 120 * n, "No header names"),
            (lambda n: 600 * (n + 1), "time of the requests"),
            (lambda n: 0.75 * waits(n), "chance shortens nothing"),
            (lambda n: 7 * n, "on paper"),
            (15.5, "A function is wanted"),
        ],
    ),
    Case(
        "wait",
        lambda answer: check.wait(answer, 60_000, 1_200, 9_000),
        solutions=[7.8, 7.801],
        wrong=[
            (9.0, "there already"),
            (58.8, "full again"),
            (0.13, "in minutes"),
            (7_800, "not yet the time"),
            (-7.8, "negative"),
            (60, "bit by bit"),
            (0, "More is needed"),
            (12, "each second"),
            (8, "One decimal"),
            (51.0, "Compare it with what is left"),
        ],
        secret="7.8",
    ),
    Case(
        "hide",
        check.hide,
        solutions=[hide, lambda line: re.sub(r"(?<!\w)sk-[A-Za-z0-9_-]{20,}", "[key]", line)],
        wrong=[
            (lambda line: line, "still there, whole"),
            (lambda line: re.sub(r"sk-\w{20,}", "[key]", line), "second key is still there"),
            (lambda line: re.sub(r"sk-[\w-]+", "[key]", line), "it holds no key"),
            (lambda line: re.sub(r"sk-[\w-]{20,}", "[key]", line, count=1), "second key"),
            (lambda line: re.sub(r"sk-[\w-]{20}", "[key]", line), "a part of the key"),
            (lambda line: re.sub(r"\S*sk-[\w-]{20,}\S*", "[key]", line), "something else"),
            (lambda line: "[key]" if "sk-" in line else line, "something else"),
            (lambda line: None, "gives nothing back"),
        ],
    ),
]

TestExercises = make_tests(CASES)
