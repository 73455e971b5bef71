"""Whether `serve` keeps its answers apart when several clients ask at once, and how many it gives a second.

    python tests/benchmarks/serve_load.py [seconds] [clients]

Starts `serve` on a store of its own, trains a model there, and lets 8 client processes ask for 30 seconds,
each about things that only it asks about: embeddings, files up and down (five requests, counted as one),
completions and chat with the trained model. Every answer is compared with what it must be. Prints the counts
by kind and the rate; ends with an error when an answer was wrong or lost. `hammer` with threads instead of
processes is also a test.
"""

import collections
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import numpy as np  # noqa: E402
import openai  # noqa: E402

from helpers.engine import vectors  # noqa: E402

MARKS = (
    "apple",
    "banana",
    "cherry",
    "fig",
    "grape",
    "lemon",
    "mango",
    "plum",
    "quince",
    "walnut",
    "honey",
    "mint",
)
OPINIONS = ("fresh", "stale", "lovely", "bitter", "broken", "late")


def main(seconds: float = 30, clients: int = 8) -> int:
    with serving() as url:
        model = train(url)
        began = time.perf_counter()
        with ProcessPoolExecutor(clients) as pool:
            counts = hammer(url, model, seconds, clients, pool)
        took = time.perf_counter() - began
    for kind, count in sorted(counts.items()):
        print(f"{kind:12} {count:7,}")
    total = sum(counts.values())
    print(f"{total:,} answers to {clients} clients in {took:.0f} s ({total / seconds:,.0f} a second)")
    wrong = counts["wrong"] + counts["failed"]
    print("none lost, none mixed up" if not wrong else f"{wrong} lost or wrong")
    return int(bool(wrong))


@contextmanager
def serving() -> Iterator[str]:
    """The address of a `serve` in a process of its own, with a store of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", "from helpers.engine import serve; serve.main(0)"]
        environment = os.environ | {"WORKBOOK_CACHE": folder}
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as server:
            try:
                yield next(word for word in server.stdout.readline().split() if word.startswith("http"))
            finally:
                server.kill()


def train(url: str) -> str:
    """A model that tells the marks apart, trained at the server."""
    rows = [
        {"prompt": f"{opinion} {mark} ->", "completion": f" {mark}"} for mark in MARKS for opinion in OPINIONS
    ]
    with client_of(url) as client:
        content = "\n".join(map(json.dumps, rows)).encode()
        file = client.files.create(file=("marks.jsonl", content), purpose="fine-tune")
        job = client.fine_tuning.jobs.create(model="wordllama-classifier", training_file=file.id, seed=1)
        while job.status not in ("succeeded", "failed", "cancelled"):
            time.sleep(0.1)
            job = client.fine_tuning.jobs.retrieve(job.id)
    if job.status != "succeeded":
        raise RuntimeError(f"the job has {job.status}: {job.error}")
    return job.fine_tuned_model


def hammer(url: str, model: str | None, seconds: float, clients: int, pool: Executor) -> collections.Counter:
    """What `clients` got in so many seconds: answers by kind, `wrong` and `failed` among them."""
    work = [pool.submit(ask, url, model, number, seconds) for number in range(clients)]
    return sum((each.result() for each in work), collections.Counter())


def ask(url: str, model: str | None, number: int, seconds: float) -> collections.Counter:
    """One client's questions, in turn until the time is over."""
    counts: collections.Counter = collections.Counter()
    mark = MARKS[number % len(MARKS)]
    with client_of(url) as client:
        questions: dict[str, Callable[[], bool]] = {
            "embeddings": embeddings(client, mark),
            "files": files(client, mark),
            "models": lambda: client.models.retrieve("wordllama-256").id == "wordllama-256",
        }
        if model:
            questions |= {"completions": completions(client, model, mark)}
            questions |= {"chat": chat(client, model, mark)}
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for kind, question in questions.items():
                try:
                    counts[kind if question() else "wrong"] += 1
                except openai.OpenAIError:
                    counts["failed"] += 1
    return counts


def client_of(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key="none", max_retries=0)


def embeddings(client: openai.OpenAI, mark: str) -> Callable[[], bool]:
    texts = [f"{mark} {opinion}" for opinion in OPINIONS]
    expected = vectors.load().embed(texts)

    def question() -> bool:
        data = client.embeddings.create(model="wordllama-256", input=texts).data
        return np.allclose([entry.embedding for entry in data], expected, atol=1e-6)

    return question


def files(client: openai.OpenAI, mark: str) -> Callable[[], bool]:
    """Upload, find in the list, read, delete; what is deleted is gone."""
    content = f"{mark}\n".encode() * 3_000

    def question() -> bool:
        file = client.files.create(file=(f"{mark}.txt", content), purpose="user_data")
        read = client.files.content(file.id).read()
        listed = {each.id: each.filename for each in client.files.list(purpose="user_data")}
        client.files.delete(file.id)
        try:
            client.files.retrieve(file.id)
        except openai.NotFoundError:
            return read == content and listed.get(file.id) == f"{mark}.txt" == file.filename
        return False

    return question


def completions(client: openai.OpenAI, model: str, mark: str) -> Callable[[], bool]:
    prompts = [f"{opinion} {mark} ->" for opinion in OPINIONS]

    def question() -> bool:
        answer = client.completions.create(model=model, prompt=prompts, max_tokens=10, temperature=0)
        return [choice.text for choice in answer.choices] == [f" {mark}"] * len(prompts)

    return question


def chat(client: openai.OpenAI, model: str, mark: str) -> Callable[[], bool]:
    messages = [{"role": "user", "content": f"fresh {mark} ->"}]

    def question() -> bool:
        answer = client.chat.completions.create(model=model, messages=messages, max_tokens=10, temperature=0)
        return answer.choices[0].message.content.strip() == mark

    return question


def threads(clients: int) -> ThreadPoolExecutor:
    """Clients that are threads of this process."""
    return ThreadPoolExecutor(clients)


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
