"""The commands of `python3 -m helpers`: set up, then hand over to JupyterLab, to pytest or to a helper.

Standard library only; whatever needs a package runs in `.venv`, which `install` makes. `data`, `serve` and
`prepare` run at once where their packages are already there (a developer's own environment, conda, Colab).

Left out: what the helpers behind them do.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from helpers.errors import WorkbookError
from helpers.install import WINDOWS, LaunchError, Place, check_files, environment, explain, say, set_up
from helpers.settings import HOST_SETTINGS

LESSON = "notebooks/00_start_here.ipynb"
REVIEWS = "data/downloads/fine_food_reviews_1k.csv"
REVIEWS_SECONDS = 10  # what one start may spend on fetching the real reviews ...
REVIEWS_AGAIN = 24 * 3600  # ... and the seconds after a failure in which no other start tries
FAILED = "no-reviews"  # the file in .venv whose date is that of the failure

# What `data`, `serve` and `prepare` need, wherever they run.
MODULES = ("dotenv", "filelock", "flask", "httpx2", "openai", "openpyxl", "orjson", "pandas", "pooch")
MODULES += ("safetensors", "scipy", "tokenizers")
INSIDE = "WORKBOOK_INSIDE"  # set for a command handed over to .venv, so that it is not handed over again

SNAPS = ("/snap/bin/firefox", "/snap/bin/chromium")  # Ubuntu's browsers, which see no hidden files
NO_HABITS = ("MPLBACKEND", "PYTHONWARNINGS")  # the reader's, which would show in the notebooks' outputs

# pytest's options with a value of their own, which is not a file to test.
WITH_VALUE = {"-k", "-m", "-n", "-p", "-c", "-o", "-W", "-r", "--dist", "--durations", "--maxfail", "--tb"}
WITH_VALUE |= {"--basetemp", "--deselect", "--ignore", "--rootdir"}

COMMAND = "py -m helpers" if WINDOWS else "python3 -m helpers"


def guarded(run, argv: list[str]) -> int:
    """`run(argv)`, where what the reader can mend becomes a sentence on stderr and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a path may hold letters that the console cannot show
            stream.reconfigure(errors="replace")
    try:
        return run(argv)
    except KeyboardInterrupt:
        print("\nStopped. The same command takes it up again.", file=sys.stderr)
        return 130
    except (WorkbookError, OSError) as error:
        sentence = str(error) if isinstance(error, WorkbookError) else explain(error)
        if sentence is None:
            raise
        print(sentence, file=sys.stderr)
        return 1


def lab(
    browser: bool = True,
    port: int | None = None,
    offline: bool = False,
    llm: bool = False,
    place: Place | None = None,
) -> int:
    """Set up, try to fetch the real reviews, and become JupyterLab on the first lesson.

    `llm` adds the small language model of lesson 12; once it is there, it stays.
    """
    place = place or Place()
    check_files(place, [LESSON])
    check_port(port)
    set_up(place, ("lab", "llm") if llm else ("lab",))
    if not offline:
        fetch_reviews(place)
    say("JupyterLab starts, and its address follows. Ctrl-C in this window stops it.")
    return hand_over(lab_command(place, browser, port), environment(place), place)


def test(arguments: list[str], place: Place | None = None) -> int:
    """Set up, and become pytest, on everything or on what `arguments` name."""
    place = place or Place()
    set_up(place, ("lab", "test"))
    return hand_over(test_command(place, arguments), test_environment(place), place)


def data(which: str, to: str | None = None, place: Place | None = None) -> int:
    """`helpers.reviews.data_command`, here if the packages are here, else in `.venv`."""
    to = str(Path(to).expanduser().absolute()) if to else None
    if missing_here():
        return run_inside(place or Place(), ["data", which, *(["--to", to] if to else [])])
    from helpers import reviews

    return reviews.data_command(which, to)


def serve(port: int | None = None, place: Place | None = None) -> int:
    """`helpers.engine.serve.main`, here if the packages are here, else in `.venv`."""
    if missing_here():
        return run_inside(place or Place(), ["serve", *([] if port is None else ["--port", str(port)])])
    from helpers.engine import serve as engine

    return engine.main(engine.PORT if port is None else port)


def serve_llm(port: int | None = None, place: Place | None = None) -> int:
    """`helpers.local_llm.serve_until_stopped`, here if its packages are here, else in `.venv`."""
    from helpers import local_llm

    if local_llm.missing():
        place = place or Place()
        if os.environ.get(INSIDE):
            raise LaunchError(f"{place.venv} lacks the language model's packages: {COMMAND} lab --llm")
        set_up(place, ("lab", "llm"))
        arguments = ["serve", "--llm", *([] if port is None else ["--port", str(port)])]
        return hand_over(inside_command(place, arguments), environment(place) | {INSIDE: "1"}, place)
    return local_llm.serve_until_stopped(0 if port is None else port)


def bench_host(sample: bool = False) -> int:
    """`helpers.host_bench.main`, here if the packages are here, else in `.venv`."""
    if missing_here():
        return run_inside(Place(), ["bench-host", *(["--sample"] if sample else [])])
    from helpers import host_bench

    return host_bench.main(sample)


def prepare(file: str, **options) -> int:
    """`helpers.prepare.command.main`, here if the packages are here, else in `.venv`."""
    for name in ("file", "to", "report", "validation"):  # the other Python starts in another folder
        value = file if name == "file" else options.get(name)
        if value:
            options[name] = str(Path(value).expanduser().absolute())
    if missing_here():
        return run_inside(Place(), ["prepare", *prepare_arguments(options)])
    from helpers.prepare import command

    return command.main(**options)


def prepare_arguments(options: dict) -> list[str]:
    """The options of `prepare` as they stand on a command line."""
    options = dict(options)
    arguments = [options.pop("file")]
    options |= options.pop("columns", {})
    if "form" in options:
        options["format"] = options.pop("form")
    for name, value in options.items():
        arguments += [f"--{name}"] if value is True else [f"--{name}={value}"]
    return arguments


# ----------------------------------------------------------------------------- handing over


def hand_over(command: list[str], environ: dict[str, str], place: Place) -> int:
    """Become `command`, run in the project's folder; on Windows, wait for it and return its exit code."""
    os.chdir(place.root)
    sys.stdout.flush()
    if not WINDOWS:
        os.execve(command[0], command, environ)  # so signals and the exit code need no forwarding
    process = subprocess.Popen(command, env=environ)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the whole window gets it: leave it to the other process to close down
            continue


def missing_here() -> list[str]:
    """Which of `MODULES` the Python that runs this does not have."""
    return [name for name in MODULES if importlib.util.find_spec(name) is None]


def run_inside(place: Place, arguments: list[str]) -> int:
    """Set up, and become `python -m helpers ...` in `.venv`."""
    if os.environ.get(INSIDE):
        raise LaunchError(
            f"{place.venv} lacks packages ({', '.join(missing_here())}). Delete that folder and start again."
        )
    set_up(place)
    return hand_over(inside_command(place, arguments), environment(place) | {INSIDE: "1"}, place)


def inside_command(place: Place, arguments: list[str]) -> list[str]:
    return [str(place.python), "-m", "helpers", *arguments]


def lab_command(place: Place, browser: bool, port: int | None) -> list[str]:
    """JupyterLab on the first lesson, with the whole project in its file browser, and few words."""
    command = [str(place.python), "-m", "jupyterlab", f"--ServerApp.root_dir={place.root}"]
    command += [f"--LabApp.default_url=/lab/tree/{LESSON}", "--ServerApp.answer_yes=True"]
    command += [
        f"--LabApp.workspaces_dir={place.root / 'data' / 'cache' / 'workspaces'}"
    ]  # not other work's tabs
    command += ["--ServerApp.log_level=ERROR", "--LabApp.log_level=ERROR"]
    if not browser:
        command.append("--no-browser")
    if port is not None:
        command.append(f"--ServerApp.port={port}")
    if port:
        command.append("--ServerApp.port_retries=0")
    if "WSL_DISTRO_NAME" in os.environ or any(map(os.path.exists, SNAPS)):
        # Such a browser cannot read the file with the address, so it gets the address itself, although other
        # people who work on this machine at the same time could see it in the list of processes.
        command.append("--ServerApp.use_redirect_file=False")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # as in a container; it listens on this machine only
    return command


def check_port(port: int | None) -> None:
    """Raise LaunchError if the port asked for cannot be had. None and 0 ask for none in particular."""
    if not port:
        return
    with socket.socket() as probe:
        if not WINDOWS:  # there it would mean that even a port in use can be had
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            why = "is in use by another program" if error.errno == errno.EADDRINUSE else "cannot be used here"
            raise LaunchError(
                f"Port {port} {why}. Name another one, or leave out --port to have a free one chosen."
            ) from None


def test_command(place: Place, arguments: list[str]) -> list[str]:
    """pytest on the tests and the notebooks, or on the files and folders among `arguments`."""
    command = [str(place.python), "-m", "pytest", "-n", "auto", "--dist", "loadfile"]
    command += [] if "--nbval-lax" in arguments else ["--nbval"]
    return command + arguments + ([] if names_tests(place, arguments) else ["tests", "notebooks"])


def names_tests(place: Place, arguments: list[str]) -> bool:
    """Whether `arguments` name a file or folder to test."""
    return any(
        before not in WITH_VALUE
        and not argument.startswith("-")
        and (place.root / argument.split("::")[0]).exists()
        for before, argument in zip(["", *arguments], arguments)
    )


def test_environment(place: Place) -> dict[str, str]:
    """For the tests: the embedded engine, the bundled sample, no keys, nothing of the reader's own habits."""
    unwanted = HOST_SETTINGS + NO_HABITS
    environ = {name: value for name, value in environment(place).items() if not name.startswith(unwanted)}
    environ.update(WORKBOOK_HOST="embedded", WORKBOOK_DATA="sample", IPYTHONDIR=str(place.venv / "ipython"))
    return environ


# ----------------------------------------------------------------------------- the real reviews


def fetch_reviews(place: Place) -> None:
    """Try to fetch the real 1,000 reviews, in one line and never with an error."""
    if (place.root / REVIEWS).is_file():
        return
    failed = place.venv / FAILED
    later = f"the lessons use the bundled sample. To try again: {COMMAND} data 1k"
    if failed.is_file() and 0 <= time.time() - failed.stat().st_mtime < REVIEWS_AGAIN:
        say(f"The 1,000 real reviews are not here yet; {later}")
        return
    say("The 1,000 real reviews: ", end="")
    why = why_no_reviews(place)
    if why:
        with contextlib.suppress(OSError):
            failed.touch()
    say(f"not fetched ({why}); {later}" if why else "fetched; the lessons use them.")


def why_no_reviews(place: Place) -> str:
    """Run `data 1k`; "" if that worked, else why not."""
    try:
        ended = subprocess.run(
            inside_command(place, ["data", "1k"]),
            cwd=place.root,
            env=environment(place) | {INSIDE: "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=REVIEWS_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"not complete within {REVIEWS_SECONDS} seconds"
    except OSError as error:
        return error.strerror or str(error)
    if ended.returncode == 0:
        return ""
    said = ended.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit code {ended.returncode}"]
    return said[-1].rpartition(" was not downloaded: ")[2].partition(";")[0].rstrip(".")
