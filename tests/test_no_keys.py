"""No notebook, log, error or representation holds a key: false ones are sent down every path that fails."""

import io
import json
import logging
import os
import subprocess
import sys
import threading
import traceback
from pathlib import Path

import nbformat
import openai
import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from helpers import embeddings, hosts, leaks, workbook
from helpers.connect import check, connect, explain
from helpers.errors import HostError, WorkbookError
from helpers.settings import ROOT

# Of the shapes that are in use, none of them anybody's.
KEYS = {
    "openai": "sk-proj-" + "Ab3dEf6hIj9l" * 4,
    "azure, old": "0123456789abcdef" * 2,
    "azure, new": "A1b2C3d4E5f6" * 7,
    "unusual": "correct.horse.battery.staple",
}
STATUSES = (400, 401, 403, 404, 409, 422, 429, 500, 503)


@pytest.fixture(params=KEYS.values(), ids=KEYS)
def key(request) -> str:
    return request.param


@pytest.fixture
def rude_server():
    """A server that repeats the key in the body of its refusal; `.status` chooses which."""

    class Server:
        status = 401

    @Request.application
    def app(request: Request) -> Response:
        request.get_data()
        given = request.headers.get("Authorization", "") or request.headers.get("api-key", "")
        said = f"Your key {given.removeprefix('Bearer ')} is not welcome, {given}"
        body = {"error": {"message": said, "type": said, "param": None, "code": None}}
        return Response(json.dumps(body), Server.status, mimetype="application/json")

    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    Server.root = f"http://127.0.0.1:{server.server_port}"
    yield Server
    server.shutdown()
    server.server_close()


@pytest.fixture
def all_that_is_logged():
    """Everything that any logger says, at every level, as one text to read at the end."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


def settings_for(monkeypatch, kind: str, root: str, key: str) -> None:
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.001)
    monkeypatch.setattr("openai._base_client.MAX_RETRY_DELAY", 0.001)
    monkeypatch.setenv("WORKBOOK_EMBEDDING_MODEL", "m")
    if kind.startswith("azure"):
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", root)
        monkeypatch.setenv("AZURE_OPENAI_API_KEY", key)
        if kind == "azure dated":
            monkeypatch.setenv("AZURE_OPENAI_API_VERSION", "2024-10-21")
    else:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{root}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", key)


every_kind = pytest.mark.parametrize("kind", ["compatible", "azure", "azure dated"])


class TestErrors:
    @every_kind
    def test_whatever_a_host_says(self, no_settings, monkeypatch, rude_server, all_that_is_logged, kind, key):
        settings_for(monkeypatch, kind, rude_server.root, key)
        said = [repr(connect()), str(connect()), repr(workbook.Lesson(connect(), Path("x.csv")))]
        for rude_server.status in STATUSES:
            with pytest.raises(HostError) as caught:
                check(connect())
            said += [str(caught.value), repr(caught.value), *caught.value._render_traceback_()]
        assert not [text for text in said if key in text]
        assert key not in all_that_is_logged.getvalue()

    @every_kind
    def test_embedding_many_texts(self, no_settings, monkeypatch, rude_server, all_that_is_logged, kind, key):
        settings_for(monkeypatch, kind, rude_server.root, key)
        host = connect()
        for rude_server.status in (400, 401, 403, 404):
            with pytest.raises((WorkbookError, openai.OpenAIError)) as caught:
                embeddings.embed(["a", "b"], host.client, "m", cache=no_settings / "c.sqlite")
            if isinstance(caught.value, WorkbookError):
                assert key not in str(caught.value)
            else:
                assert key not in explain(caught.value, host)
        assert key not in all_that_is_logged.getvalue()
        assert not [
            path for path in no_settings.rglob("*") if path.is_file() and key.encode() in path.read_bytes()
        ]

    def test_the_engines_own_refusals_repeat_nothing(self, key):
        with hosts.play(keys=["another-key"]) as root:
            for make in (
                lambda: openai.OpenAI(base_url=f"{root}/v1", api_key=key, max_retries=0),
                lambda: openai.OpenAI(base_url=f"{root}/openai/v1", api_key=key, max_retries=0),
                lambda: openai.AzureOpenAI(
                    azure_endpoint=root, api_key=key, api_version="2024-10-21", max_retries=0
                ),
            ):
                with make() as client, pytest.raises(openai.AuthenticationError) as caught:
                    client.embeddings.create(model="m", input="tea")
                assert key not in "".join(traceback.format_exception(caught.value))
                assert key not in caught.value.response.text

    @every_kind
    def test_no_server_at_all(self, no_settings, monkeypatch, kind, key):
        settings_for(monkeypatch, kind, "http://127.0.0.1:9", key)
        with pytest.raises(HostError) as caught:
            check(connect())
        assert key not in "".join(traceback.format_exception_only(caught.value))

    @pytest.mark.parametrize("name", ["OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_VERSION"])
    def test_a_key_in_the_wrong_setting(self, no_settings, monkeypatch, name, key):
        settings_for(monkeypatch, "azure", "http://127.0.0.1:9", "something-else")
        monkeypatch.setenv(name, key)
        with pytest.raises(HostError) as caught:
            check(connect())
        assert key not in str(caught.value)


class TestWhatIsStored:
    @pytest.mark.parametrize("folder", ["notebooks", "helpers", "tests", "data"])
    def test_nothing_in_the_project_looks_like_a_key(self, folder):
        ours = {Path(__file__).name, "test_connect.py"}  # these two hold false ones
        found = [leak for leak in leaks.in_folder(ROOT / folder, known=[]) if leak.where not in ours]
        assert [str(leak) for leak in found] == []

    def test_git_ignores_env(self):
        assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()

    def test_a_run_with_a_key_set_leaves_none_in_the_notebook(self, tmp_path, key):
        code = (
            "from helpers.connect import connect, explain\nimport openai\nhost = connect()\nhost",
            "openai.OpenAI",
            "try:\n    host.client.with_options(max_retries=0).models.list()\n"
            "except openai.OpenAIError as error:\n    print(explain(error, host), repr(error))",
            "connect('azure')",
        )
        cells = [nbformat.v4.new_code_cell(source) for source in code]
        for cell in cells:
            cell.metadata["tags"] = ["raises-exception"]
        path = tmp_path / "run.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
        script = (
            "import sys, nbformat, nbclient\n"
            "notebook = nbformat.read(sys.argv[1], as_version=4)\n"
            "nbclient.NotebookClient(notebook, kernel_name='python3',\n"
            "    resources={'metadata': {'path': sys.argv[2]}}).execute()\n"
            "nbformat.write(notebook, sys.argv[1])\n"
        )
        environ = {name: value for name, value in os.environ.items() if not name.startswith("WORKBOOK_HOST")}
        environ |= {
            "OPENAI_API_KEY": key,
            "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
            "WORKBOOK_EMBEDDING_MODEL": "m",
        }
        subprocess.run(
            [sys.executable, "-c", script, str(path), str(ROOT)], env=environ, check=True, timeout=60
        )
        assert key not in path.read_text(encoding="utf-8")
        assert "cannot be reached" in path.read_text(encoding="utf-8")


class TestTheCheck:
    def notebook(self, folder: Path, source: str, output: str) -> Path:
        cell = nbformat.v4.new_code_cell(source)
        cell.outputs = [nbformat.v4.new_output("stream", text=output)]
        path = folder / "lesson.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# x"), cell]), path)
        return path

    def test_finds_keys_in_cells_and_in_outputs(self, tmp_path):
        openai_key, azure_key = KEYS["openai"], KEYS["azure, new"]
        self.notebook(tmp_path, f'client = OpenAI(api_key="{openai_key}")', f'{{"api-key": "{azure_key}"}}')
        found = [str(leak) for leak in leaks.in_folder(tmp_path, known=[])]
        assert found == [
            "lesson.ipynb, cell 2: looks like a key of OpenAI (sk-p...)",
            "lesson.ipynb, cell 2, its output: looks like a key of Azure (A1b2...)",
        ]

    def test_finds_a_key_that_is_set_whatever_it_looks_like(self, tmp_path, no_settings, monkeypatch):
        monkeypatch.setenv("OPENAI_API_KEY", KEYS["unusual"])
        (tmp_path / "run.log").write_text(f"sent {KEYS['unusual']}", encoding="utf-8")
        assert [leak.kind for leak in leaks.in_folder(tmp_path)] == ["yours, as it is set"]

    def test_finds_a_header_in_a_log(self, tmp_path):
        (tmp_path / "debug.log").write_text(f"authorization: Bearer {'x9' * 20}", encoding="utf-8")
        assert len(list(leaks.in_folder(tmp_path, known=[]))) == 1

    @pytest.mark.parametrize(
        "shape",
        [
            "(b'api-key', b'{}')",
            "api_key = '{}'",
            "Ocp-Apim-Subscription-Key: {}",
            '"subscription-key": "{}"',
        ],
    )
    def test_azures_key_as_logs_and_code_write_it(self, shape):
        for key in ("0f" * 16, "0F" * 16):
            assert [leak.kind for leak in leaks.in_text(shape.format(key))] == ["Azure"]

    @pytest.mark.parametrize("name", ["run.sh", "run.ps1", "setup.cfg", "a.ini", "a.svg", "inner/.env"])
    def test_files_of_many_kinds(self, tmp_path, name):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"api-key: {KEYS['azure, new']}", encoding="utf-8")
        assert len(list(leaks.in_folder(tmp_path, known=[]))) == 1

    def test_never_says_a_key(self, tmp_path):
        for name, key in KEYS.items():
            for leak in leaks.in_text(f"api_key = '{key}'", known=[key]):
                assert key not in str(leak) and key not in repr(leak), name

    @pytest.mark.parametrize(
        "text",
        ["sk-learn", "OPENAI_API_KEY=...", "api_key=os.environ['OPENAI_API_KEY']",
         "ask-" + "me-anything-about-it",
         "sha256 " + "0f" * 32, "req_" + "ab" * 16, "risk-" + "averse-people-who-drink-green-tea",
         "sk-" + "learn-is-a-nice-package-for-all"],
    )  # fmt: skip
    def test_leaves_ordinary_text_alone(self, text):
        assert leaks.in_text(text) == []

    def test_a_file_that_is_no_notebook(self, tmp_path):
        (tmp_path / "a.ipynb").write_text("{", encoding="utf-8")
        (tmp_path / "b.ipynb").write_text("[1]", encoding="utf-8")
        assert list(leaks.in_folder(tmp_path, known=[])) == []
