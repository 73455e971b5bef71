"""Which host is chosen, what it is told, and that no error or representation shows a key."""

import json
import threading
from pathlib import Path

import openai
import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from helpers import connect as connect_module
from helpers import settings, workbook
from helpers.connect import Host, check, connect, explain
from helpers.engine import serve
from helpers.errors import DataError, HostError

KEY = "not-a-real-key-0123456789"


@pytest.fixture
def answering():
    """`answering(status, body)` starts a server that always answers so, and returns its base URL."""
    servers = []

    def start(status: int, body: object) -> str:
        @Request.application
        def app(request: Request) -> Response:
            request.get_data()
            seen.append((request.method, request.path, request.headers.get("Authorization")))
            return Response(
                body if isinstance(body, str) else json.dumps(body), status, mimetype="application/json"
            )

        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/v1"

    seen: list[tuple] = []
    start.seen = seen
    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def error_body(message: str, code: str | None = None) -> dict:
    return {"error": {"message": message, "type": "some_error", "param": None, "code": code}}


class TestWhichHost:
    def test_nothing_set_is_the_embedded_engine(self, no_settings):
        host = connect()
        assert (host.kind, host.embedding_model, host.cache) == ("embedded", "wordllama-256", None)
        check(host)

    def test_openai_by_its_key(self, no_settings, monkeypatch):
        monkeypatch.setenv("OPENAI_API_KEY", f"  {KEY}\n")
        host = connect()
        assert (host.kind, host.base_url) == ("openai", "https://api.openai.com/v1")
        assert host.embedding_model == "text-embedding-3-small"
        assert host.client.api_key == KEY
        assert host.cache == no_settings / "cache" / "embeddings.sqlite"

    @pytest.mark.parametrize(
        "endpoint",
        [
            "https://mine.openai.azure.com",
            "https://mine.openai.azure.com/",
            "https://mine.openai.azure.com/openai/v1/",
            "https://mine.openai.azure.com/openai/deployments/x/embeddings?api-version=2024-10-21",
        ],
    )
    def test_azure_by_endpoint_and_key(self, no_settings, monkeypatch, endpoint):
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", endpoint)
        monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
        monkeypatch.setenv("WORKBOOK_EMBEDDING_MODEL", "my-deployment")
        host = connect()
        assert (host.kind, host.embedding_model) == ("azure", "my-deployment")
        assert str(host.client.base_url) == "https://mine.openai.azure.com/openai/v1/"

    def test_azure_endpoint_without_key_is_not_enough(self, no_settings, monkeypatch):
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://mine.openai.azure.com")
        assert connect().kind == "embedded"
        with pytest.raises(HostError, match="needs AZURE_OPENAI_API_KEY"):
            connect("azure")

    def test_a_key_never_goes_over_plain_http_to_azure(self, no_settings, monkeypatch):
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "http://mine.openai.azure.com")
        monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
        with pytest.raises(HostError, match="https://"):
            connect()

    def test_compatible_server_by_its_url(self, no_settings, monkeypatch):
        monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1/")
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("WORKBOOK_EMBEDDING_MODEL", "tiny")
        host = connect()
        assert (host.kind, host.base_url, host.embedding_model) == (
            "compatible",
            "http://127.0.0.1:9/v1",
            "tiny",
        )

    def test_compatible_server_is_asked_for_its_embedding_model(self, no_settings, monkeypatch, answering):
        models = [
            {"id": name, "object": "model", "created": 0, "owned_by": "x"} for name in ("chat", "my-embed")
        ]
        monkeypatch.setenv("OPENAI_BASE_URL", answering(200, {"object": "list", "data": models}))
        assert connect().embedding_model == "my-embed"

    def test_several_models_and_none_named(self, no_settings, monkeypatch, answering):
        models = [{"id": name, "object": "model", "created": 0, "owned_by": "x"} for name in ("b", "a")]
        monkeypatch.setenv("OPENAI_BASE_URL", answering(200, {"object": "list", "data": models}))
        with pytest.raises(HostError, match=r"offers a, b\. Set WORKBOOK_EMBEDDING_MODEL"):
            connect()

    def test_the_engine_served_on_loopback_is_a_compatible_host(self, no_settings, monkeypatch):
        server = serve.start_in_background()
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1")
        host = connect()
        check(host)
        assert (host.kind, host.embedding_model) == ("compatible", "wordllama-256")
        server.shutdown()
        server.server_close()

    def test_workbook_host_overrides(self, no_settings, monkeypatch):
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("WORKBOOK_HOST", "embedded")
        assert connect().kind == "embedded"
        assert connect("openai").kind == "openai"

    def test_unknown_host(self, no_settings):
        with pytest.raises(HostError, match=r"'openia'.*one of embedded, openai, azure, compatible"):
            connect("openia")

    def test_missing_key_names_the_setting_and_the_file(self, no_settings):
        with pytest.raises(HostError, match=r"needs OPENAI_API_KEY.*\.env"):
            connect("openai")

    @pytest.mark.parametrize("key", ["sk-two words", "sk-열쇠", "sk-line\nbreak"])
    def test_a_key_pasted_badly(self, no_settings, monkeypatch, key):
        monkeypatch.setenv("OPENAI_API_KEY", key)
        with pytest.raises(HostError, match="OPENAI_API_KEY holds a blank") as caught:
            connect()
        assert key not in str(caught.value)

    @pytest.mark.parametrize(
        "url",
        ["localhost:8000", "ftp://host/v1", "https://", "https://user:pw@host/v1", "https://host/v1?key=pw"],
    )
    def test_a_base_url_that_is_none(self, no_settings, monkeypatch, url):
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        with pytest.raises(HostError, match="OPENAI_BASE_URL") as caught:
            connect()
        assert "pw" not in str(caught.value)

    def test_dotenv_is_read_and_the_environment_wins(self, no_settings, monkeypatch):
        (no_settings / ".env").write_text(
            f"\ufeffOPENAI_API_KEY='{KEY}'\nWORKBOOK_EMBEDDING_MODEL=from-file\n", encoding="utf-8"
        )
        assert (connect().kind, connect().embedding_model) == ("openai", "from-file")
        monkeypatch.setenv("WORKBOOK_EMBEDDING_MODEL", "from-environment")
        assert connect().embedding_model == "from-environment"
        monkeypatch.setenv("OPENAI_API_KEY", "")  # an empty variable switches the file's key off
        assert connect().kind == "embedded"


class TestNoKeyShows:
    def test_in_representations(self, no_settings, monkeypatch):
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        host = connect()
        lesson = workbook.Lesson(host, Path("reviews.csv"))
        for text in (repr(host), str(host), repr(lesson), lesson._repr_html_()):
            assert KEY not in text
            assert str(no_settings) not in text

    def test_in_errors(self, no_settings, monkeypatch, answering):
        monkeypatch.setenv("WORKBOOK_EMBEDDING_MODEL", "m")
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        for status in (400, 401, 403, 404, 422):
            monkeypatch.setenv("OPENAI_BASE_URL", answering(status, error_body(f"Your key {KEY} is odd")))
            with pytest.raises(HostError) as caught:
                check(connect())
            assert KEY not in str(caught.value)
            assert "\n" not in str(caught.value)


class TestExplanations:
    @pytest.mark.parametrize(
        ("status", "body", "says"),
        [
            (401, error_body("Incorrect API key"), "refused the key. Check OPENAI_API_KEY"),
            (403, error_body("Country not supported"), "does not allow this key to do that: Country"),
            (404, error_body("The model `m` does not exist"), "no such model or address: The model `m`"),
            (429, error_body("You exceeded your quota", "insufficient_quota"), "credit is used up"),
            (429, error_body("Slow down", "rate_limit_exceeded"), "asks for slower requests: Slow down"),
            (500, error_body("oops"), "failed (status 500)"),
            (418, error_body("teapot"), "refused the request (status 418): teapot"),
            (200, "<html>a router's login page</html>", "not OpenAI's API"),
        ],
    )
    def test_one_plain_sentence_each(self, no_settings, monkeypatch, answering, status, body, says):
        monkeypatch.setenv("OPENAI_BASE_URL", answering(status, body))
        monkeypatch.setenv("WORKBOOK_EMBEDDING_MODEL", "m")
        monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.001)
        with pytest.raises(HostError) as caught:
            check(connect())
        assert says in str(caught.value)
        assert str(caught.value).endswith((".", "?"))

    def test_no_network(self, no_settings, monkeypatch):
        monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
        monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.001)
        with pytest.raises(HostError, match=r"cannot be reached .*WORKBOOK_HOST=embedded"):
            connect()

    def test_time_out(self, no_settings):
        import httpx2

        error = openai.APITimeoutError(request=httpx2.Request("POST", "http://x"))
        assert "did not answer in time" in explain(error, connect())

    def test_azure_speaks_of_deployments(self, no_settings, monkeypatch):
        import httpx2

        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://mine.openai.azure.com")
        monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
        request = httpx2.Request("POST", "https://mine.openai.azure.com")
        response = httpx2.Response(404, request=request)
        sentence = explain(openai.NotFoundError("gone", response=response, body=None), connect())
        assert "deployment's name" in sentence
        response = httpx2.Response(401, request=request)
        sentence = explain(openai.AuthenticationError("no", response=response, body=None), connect())
        assert "AZURE_OPENAI_API_KEY" in sentence

    def test_no_key_even_without_a_host(self, no_settings, monkeypatch):
        import httpx2

        monkeypatch.setenv("AZURE_OPENAI_API_KEY", "an-unusual-key")
        response = httpx2.Response(403, request=httpx2.Request("POST", "http://x"))
        for key in ("an-unusual-key", "sk-proj-abcdefgh", "0123456789abcdef" * 2):
            error = openai.PermissionDeniedError("", response=response, body={"message": f"Key {key} is off"})
            assert key not in explain(error)
            assert "[key] is off" in explain(error)

    def test_without_a_host(self):
        assert explain(ValueError("x")).startswith("The host sent something")

    def test_kinds_and_makers_agree(self):
        assert set(connect_module.KINDS) == set(Host.__annotations__["kind"].__args__)


class TestWorkbook:
    def test_start_shows_what_is_in_use(self):
        lesson = workbook.start()
        names = [name for name, _ in lesson.rows()]
        assert names == ["host", "embedding model", "reviews", "versions"]
        for text in (repr(lesson), lesson._repr_html_()):
            assert "wordllama-256" in text
            assert f"openai {openai.__version__}" in text
        assert lesson.client is lesson.host.client
        assert lesson.embedding_model == "wordllama-256"

    def test_start_stops_at_a_host_that_refuses(self, no_settings, monkeypatch, answering):
        monkeypatch.setenv("OPENAI_BASE_URL", answering(401, error_body("no")))
        monkeypatch.setenv("WORKBOOK_EMBEDDING_MODEL", "m")
        with pytest.raises(HostError, match="refused the key"):
            workbook.start()

    def test_start_stops_at_reviews_that_are_not_there(self, monkeypatch, tmp_path):
        monkeypatch.setenv("WORKBOOK_DATA", str(tmp_path / "none.csv"))
        with pytest.raises(DataError, match="There is no file"):
            workbook.start()

    def test_reviews_are_named_by_where_they_are(self, monkeypatch, tmp_path):
        assert "the bundled sample" in repr(workbook.start())
        mine = tmp_path / "reviews_sample.csv"
        mine.write_bytes((settings.DATA / "reviews_sample.csv").read_bytes())
        monkeypatch.setenv("WORKBOOK_DATA", str(mine))
        lesson = workbook.start()
        assert "the file reviews_sample.csv" in repr(lesson)
        assert len(lesson.reviews) == 1_000

    def test_embeds_with_the_hosts_model(self):
        vectors = workbook.start().embed(["green tea", "dog food"])
        assert vectors.shape == (2, 256) and vectors.dtype == "float32"
