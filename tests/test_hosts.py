"""The same calls through a real socket, by each kind of client: OpenAI, Azure's v1 URL, AzureOpenAI.

The engine plays the hosts (`azure.guard`). A server that nobody here wrote is in test_local_llm.py.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator

import anyio
import httpx2
import numpy as np
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import hosts
from helpers.connect import check, connect, explain
from helpers.engine import azure, limits, serve, vectors
from helpers.engine.app import create_app
from helpers.errors import DataError, HostError

KEY = "resource-key-0123456789"
DEPLOYMENT, MODEL = "my-embeddings", vectors.MODEL
VERSION = "2024-10-21"


@pytest.fixture(scope="module")
def root() -> Iterator[str]:
    """The address of an engine that plays an OpenAI account and an Azure resource, with one key for both."""
    app = azure.guard(create_app(), keys=[KEY], deployments={DEPLOYMENT: MODEL})
    with listening(app) as address:
        yield address


@contextlib.contextmanager
def listening(app) -> Iterator[str]:
    server = serve.start_in_background(app=app)
    yield f"http://{serve.ADDRESS}:{server.server_port}"
    server.shutdown()
    server.server_close()


def openai_(root: str, asynchronous: bool = False, key: str = KEY, **options):
    make = openai.AsyncOpenAI if asynchronous else openai.OpenAI
    return make(base_url=f"{root}/v1", api_key=key, max_retries=0, **options)


def azure_v1(root: str, asynchronous: bool = False, key: str = KEY, **options):
    make = openai.AsyncOpenAI if asynchronous else openai.OpenAI
    return make(base_url=f"{root}/openai/v1/", api_key=key, max_retries=0, **options)


def azure_dated(root: str, asynchronous: bool = False, key: str = KEY, **options):
    make = openai.AsyncAzureOpenAI if asynchronous else openai.AzureOpenAI
    options = {"api_version": VERSION} | options
    return make(azure_endpoint=root, api_key=key, max_retries=0, **options)


CLIENTS: list[tuple[Callable, str]] = [(openai_, MODEL), (azure_v1, DEPLOYMENT), (azure_dated, DEPLOYMENT)]
every_client = pytest.mark.parametrize(("make", "model"), CLIENTS, ids=["openai", "azure v1", "azure dated"])


def raised(client, model: str, error: type = openai.APIStatusError) -> openai.APIStatusError:
    with client, pytest.raises(error) as caught:
        client.embeddings.create(model=model, input="tea")
    return caught.value


class TestTheSameCall:
    @every_client
    def test_embeddings(self, root, make, model):
        with make(root) as client:
            answer = client.embeddings.create(model=model, input=["figs", "flour"])
        assert answer.model == MODEL  # on Azure: the model behind the deployment
        expected = vectors.load().embed(["figs", "flour"])
        assert np.allclose([entry.embedding for entry in answer.data], expected, atol=1e-6)

    @every_client
    def test_asynchronous(self, root, make, model):
        async def ask():
            async with make(root, asynchronous=True) as client:
                calls = [client.embeddings.create(model=model, input=text) for text in ("figs", "flour")]
                return await asyncio.gather(*calls)

        answers = anyio.run(ask)
        expected = vectors.load().embed(["figs", "flour"])
        assert np.allclose([answer.data[0].embedding for answer in answers], expected, atol=1e-6)

    @every_client
    def test_rate_limit_headers(self, root, make, model):
        with make(root) as client:
            raw = client.embeddings.with_raw_response.create(model=model, input="tea")
        shown = hosts.allowance(raw.headers)
        assert {"limit", "remaining", "reset (s)"} == set(shown.columns)
        assert list(shown.index) == ["requests", "tokens"]

    @every_client
    def test_lists_of_models(self, root, make, model):
        with make(root) as client:
            assert MODEL in {listed.id for listed in client.models.list()}

    @every_client
    def test_files_from_upload_to_deletion(self, root, make, model):
        content = b'{"prompt": "a ->", "completion": " b"}\n'
        with make(root) as client:
            sent = client.files.create(file=("rows.jsonl", content), purpose="fine-tune")
            try:
                assert client.files.content(sent.id).read() == content
                assert sent.id in {file.id for file in client.files.list()}
            finally:
                client.files.delete(sent.id)
            with pytest.raises(openai.NotFoundError):
                client.files.retrieve(sent.id)

    @every_client
    def test_completions_stream(self, root, make, model, monkeypatch):
        del model
        app = azure.guard(create_app(), keys=[KEY], deployments={"writer": "reviews-ngram"})
        name = "reviews-ngram" if make is openai_ else "writer"
        with listening(app) as address, make(address) as client:
            asked = {"model": name, "prompt": "The tea", "max_tokens": 5, "temperature": 0}
            whole = client.completions.create(**asked).choices[0].text
            pieces = [piece.choices[0].text for piece in client.completions.create(**asked, stream=True)]
        assert "".join(pieces) == whole and len(pieces) > 1

    def test_a_deployment_in_the_client_itself(self, root):
        client = azure_dated(root, azure_deployment=DEPLOYMENT)
        with client:
            assert client.embeddings.create(model="ignored", input="tea").model == MODEL


class TestMistakes:
    @every_client
    @pytest.mark.parametrize("key", ["wrong-key", KEY.upper(), KEY[:-1]])
    def test_a_wrong_key(self, root, make, model, key):
        error = raised(make(root, key=key), model, openai.AuthenticationError)
        assert error.code == ("invalid_api_key" if make is openai_ else "401")
        assert key not in str(error)

    def test_no_key_at_all(self, root):
        for path in ("/v1/models", "/openai/v1/models", f"/openai/models?api-version={VERSION}"):
            assert httpx2.get(root + path).status_code == 401

    @every_client
    def test_an_unknown_name(self, root, make, model):
        error = raised(make(root), "text-embedding-3-small", openai.NotFoundError)
        if make is openai_:
            assert error.code == "model_not_found" and MODEL in error.message
        else:
            assert error.code == "DeploymentNotFound" and DEPLOYMENT in error.message
            assert error.body == {"code": error.code, "message": error.body["message"]}  # Azure's short form

    def test_on_azure_the_models_own_name_is_no_deployment(self, root):
        assert raised(azure_v1(root), MODEL).code == "DeploymentNotFound"

    def test_without_an_api_version(self, root):
        address = f"{root}/openai/deployments/{DEPLOYMENT}/embeddings"
        answer = httpx2.post(address, json={"input": "tea"}, headers={"api-key": KEY})
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "404"

    @pytest.mark.parametrize("version", ["", "latest", "0613", "2024-10", "2024/10/21", "2024-10-21-beta"])
    def test_an_api_version_that_is_no_date(self, root, version):
        address = f"{root}/openai/deployments/{DEPLOYMENT}/embeddings"
        answer = httpx2.post(
            address, params={"api-version": version}, json={"input": "tea"}, headers={"api-key": KEY}
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "404")

    @pytest.mark.parametrize("version", ["2099-01-01", "2021-01-01", "2024-02-31", "2099-01-01-preview"])
    def test_an_api_version_that_does_not_exist(self, root, version):
        error = raised(azure_dated(root, api_version=version), DEPLOYMENT, openai.BadRequestError)
        assert "API version not supported" in error.message

    @pytest.mark.parametrize("version", ["2022-12-01", VERSION, "2025-04-01-preview"])
    def test_api_versions_that_are_taken(self, root, version):
        with azure_dated(root, api_version=version) as client:
            assert client.embeddings.create(model=DEPLOYMENT, input="tea").data

    def test_the_v1_url_asks_for_no_version(self, root):
        with azure_v1(root, default_query={"api-version": "preview"}) as client:
            assert client.embeddings.create(model=DEPLOYMENT, input="tea").data

    @every_client
    def test_too_many_requests(self, make, model):
        app = azure.guard(create_app(requests_per_minute=1), keys=[KEY], deployments={DEPLOYMENT: MODEL})
        with listening(app) as address, make(address) as client:
            client.embeddings.create(model=model, input="tea")
            with pytest.raises(openai.RateLimitError) as caught:
                client.embeddings.create(model=model, input="tea")
        assert int(caught.value.response.headers["retry-after-ms"]) > 0
        assert "slower" in explain(caught.value)


class TestConnected:
    """`connect` on the same hosts, chosen by settings as a reader would."""

    @pytest.fixture
    def on_azure(self, no_settings, monkeypatch, root):
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", root)
        monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
        monkeypatch.setenv("WORKBOOK_EMBEDDING_MODEL", DEPLOYMENT)

    def test_azure_by_the_v1_url(self, on_azure, root):
        host = connect()
        check(host)
        assert (host.kind, host.base_url) == ("azure", f"{root}/openai/v1")
        assert not isinstance(host.client, openai.AzureOpenAI)

    def test_azure_by_a_dated_version(self, on_azure, monkeypatch, root):
        monkeypatch.setenv("AZURE_OPENAI_API_VERSION", VERSION)
        host = connect()
        check(host)
        assert isinstance(host.client, openai.AzureOpenAI)
        assert (host.kind, host.base_url) == ("azure", f"{root}/openai")
        assert VERSION in host.label
        assert KEY not in repr(host)

    def test_the_sdks_own_variables_change_nothing(self, on_azure, monkeypatch):
        monkeypatch.setenv("OPENAI_API_VERSION", "2020-01-01")
        monkeypatch.setenv("AZURE_OPENAI_AD_TOKEN", "a-token")
        check(connect())
        monkeypatch.setenv("AZURE_OPENAI_API_VERSION", VERSION)
        check(connect())

    @pytest.mark.parametrize("version", ["v1", "2024", "latest", "2024-10-21 "[:-2]])
    def test_a_version_that_is_no_date(self, on_azure, monkeypatch, version):
        monkeypatch.setenv("AZURE_OPENAI_API_VERSION", version)
        with pytest.raises(HostError, match="must be a date like"):
            connect()

    def test_a_version_that_does_not_exist(self, on_azure, monkeypatch):
        monkeypatch.setenv("AZURE_OPENAI_API_VERSION", "2099-01-01")
        with pytest.raises(HostError, match="API version not supported"):
            check(connect())

    def test_a_key_of_another_resource(self, on_azure, monkeypatch):
        monkeypatch.setenv("AZURE_OPENAI_API_KEY", "key-of-another-resource")
        with pytest.raises(HostError, match=r"AZURE_OPENAI_API_KEY.*is AZURE_OPENAI_ENDPOINT the one"):
            check(connect())

    def test_a_deployment_that_is_not_there(self, on_azure, monkeypatch):
        monkeypatch.setenv("WORKBOOK_EMBEDDING_MODEL", "other")
        with pytest.raises(HostError, match=r"This resource has: my-embeddings.*deployment's name"):
            check(connect())

    def test_an_endpoint_with_a_wrong_path_behind_a_gateway(self, on_azure):
        request = httpx2.Request("POST", "https://x")
        body = {"code": "404", "message": "Resource not found"}
        error = openai.NotFoundError("", response=httpx2.Response(404, request=request), body=body)
        assert "AZURE_OPENAI_ENDPOINT" in explain(error, connect())

    def test_openai_and_a_compatible_server(self, no_settings, monkeypatch, root):
        monkeypatch.setenv("OPENAI_BASE_URL", f"{root}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("WORKBOOK_EMBEDDING_MODEL", MODEL)
        check(connect())


class TestFacts:
    @pytest.mark.parametrize("topic", ["calls", "fine-tuning", "retired", "relation"])
    def test_every_fact_has_a_source_and_a_date(self, topic):
        table = hosts.facts(topic)
        assert len(table) and table.index.is_unique
        assert set(table["source"]) <= set(hosts.SOURCES)
        assert table["as_of"].str.match(r"\d{4}-\d{2}( to \d{4}-\d{2})?$").all()
        if "where" in table:
            assert table["where"].str.match(r"(https://[\w./-]+)?$").all()
        said = table.drop(columns=["source", "as_of", "where"], errors="ignore")
        assert (said != "").any(axis=1).all() and (said != "").any(axis=0).all()

    def test_what_only_third_parties_say_is_marked(self):
        assert set(hosts.facts("relation")["source"]) == {"reports"}

    def test_unknown_topic(self):
        with pytest.raises(ValueError, match="topics are calls, fine-tuning, relation, retired"):
            hosts.facts("weather")

    def test_the_html_shows_all_text_and_escapes_it(self):
        html = hosts.facts_html("relation", azure="<Microsoft>")
        assert "&lt;Microsoft&gt;" in html and "..." not in html
        assert "ships first unless Microsoft cannot or will not support it" in html

    def test_a_source_is_linked_where_its_page_is_known(self):
        html = hosts.facts_html("calls")
        assert html.count('<a href="https://') == (hosts.facts("calls")["where"] != "").sum() > 0
        assert "<th" in html and ">where<" not in html

    def test_a_damaged_file(self, monkeypatch, tmp_path):
        hosts._facts.cache_clear()
        monkeypatch.setattr(hosts, "FACTS", tmp_path / "hosts.csv")
        try:
            with pytest.raises(DataError, match=r"hosts\.csv cannot be read"):
                hosts.facts("calls")
            (tmp_path / "hosts.csv").write_text("a,b\n1,2\n", encoding="utf-8")
            with pytest.raises(DataError, match="must have the columns"):
                hosts.facts("calls")
        finally:
            hosts._facts.cache_clear()

    def test_recorded_results(self):
        for data in ("sample", "1k"):
            table = hosts.local_llm_results(data)
            assert "always the same answer" in set(table["method"])
            assert table["method"].is_unique
            assert table[["accuracy", "AUROC"]].stack().between(0, 1).all()
            assert (table["AUROC from"] <= table["AUROC"]).all() and (
                table["AUROC"] <= table["AUROC to"]
            ).all()

    def test_differences_in_words(self):
        import pandas as pd

        names = ["method", "difference", "difference from", "difference to"]
        rows = [
            ("words", 0.0, 0.0, 0.0),
            ("a", 0.1, 0.05, 0.2),
            ("b", 0.1, -0.05, 0.2),
            ("c", -0.1, -0.2, -0.05),
        ]
        said = hosts.beside_words(pd.DataFrame([*rows, ("d", None, None, None)], columns=names))
        assert said == [
            "a: better, +0.10 (+0.05 to +0.20)",
            "b: cannot be told apart, +0.10 (-0.05 to +0.20)",
            "c: worse, -0.10 (-0.20 to -0.05)",
        ]


class TestWhatAResponseSays:
    @pytest.mark.parametrize(
        ("text", "wait"),
        [
            ("20ms", 0.02),
            ("6s", 6),
            ("1m30s", 90),
            ("58.8s", 58.8),
            ("1h2m3s", 3723),
            ("2", 2),
            ("0s", 0),
            ("1m", 60),
        ],
    )
    def test_waits(self, text, wait):
        assert hosts.seconds(text) == pytest.approx(wait)

    @given(st.floats(0, 7200))
    def test_waits_as_the_engine_writes_them(self, wait):
        assert hosts.seconds(limits.in_words(wait)) == pytest.approx(wait, abs=0.51)

    @pytest.mark.parametrize("text", ["", "soon", "s", "-1", "5 minutes", "1s1m"])
    def test_what_is_no_wait(self, text):
        with pytest.raises(ValueError, match="no wait"):
            hosts.seconds(text)

    def test_no_headers_and_headers_that_say_nothing(self):
        assert hosts.allowance({}).empty
        odd = {f"x-ratelimit-{kind}-tokens": "unknown" for kind in ("limit", "remaining", "reset")}
        assert hosts.allowance(odd).empty
        none_left = {"limit": "-1", "remaining": "-1", "reset": "0"}  # as Azure sends them
        assert hosts.allowance({f"x-ratelimit-{kind}-tokens": said for kind, said in none_left.items()}).empty

    def test_azure_often_says_only_what_remains(self):
        shown = hosts.allowance({"x-ratelimit-remaining-requests": "7"})
        assert shown.loc["requests", "remaining"] == 7
        assert shown.loc["requests", ["limit", "reset (s)"]].isna().all()


class TestCompatibility:
    def test_the_engine_does_all_of_it(self, root):
        with openai_(root) as client:
            table = hosts.compatibility(client, MODEL, "reviews-ngram")
            assert hosts.completes_as_openai(client, "reviews-ngram")
        assert set(table["does"]) == {"as OpenAI"} and len(table) == 11

    def test_a_server_that_ignores_and_one_that_refuses(self):
        def careless(request: httpx2.Request) -> httpx2.Response:
            if "embeddings" in request.url.path:
                entry = {"object": "embedding", "index": 0, "embedding": [1.0, 0.0]}
                return httpx2.Response(200, json={"object": "list", "model": "m", "data": [entry]})
            if "completions" in request.url.path:
                choice = {
                    "index": 0,
                    "text": " toys.",
                    "finish_reason": "length",
                    "logprobs": {"content": []},
                }
                return httpx2.Response(200, json={"choices": [choice], "usage": {"prompt_tokens": 4}})
            return httpx2.Response(404, json={"error": {"message": "no"}})

        http = httpx2.Client(transport=httpx2.MockTransport(careless))
        client = openai.OpenAI(base_url="http://x/v1", api_key="none", http_client=http)
        does = hosts.compatibility(client, "m", "m")["does"]
        assert set(does[["an unknown model is an error", "dimensions=64", "echo=True", "stop"]]) == {
            "ignores"
        }
        assert does["suffix (insertion)"] == does["logprobs=3 of a completion"] == "ignores"
        assert does["files"] == does["an address for models"] == "refuses"
        assert does["completions"] == "as OpenAI"
        assert not hosts.completes_as_openai(client, "m")

    def test_a_wrong_key_answers_no_question(self, root):
        with openai_(root, key="another-key") as client:
            table = hosts.compatibility(client, MODEL, "reviews-ngram")
            assert not hosts.completes_as_openai(client, "reviews-ngram")
        assert set(table["does"]) == {"not known (401)"}

    def test_too_many_requests_are_no_refusal(self):
        with hosts.play(requests_per_minute=2) as address, openai_(address) as client:
            does = hosts.compatibility(client, MODEL, None)["does"]
        assert does["an address for models"] == "as OpenAI"
        assert set(does.iloc[2:]) == {"not known (429)"}

    def test_without_models_their_questions_are_left_out(self, root):
        with openai_(root) as client:
            assert len(hosts.compatibility(client, None, None)) == 3


class TestStage:
    def test_it_has_nothing_of_anybody_elses(self):
        with hosts.play() as address, openai_(address) as client:
            assert not [model.id for model in client.models.list() if model.id.startswith("ft:")]
            assert list(client.files.list()) == []

    def test_its_end_and_its_name(self):
        stage = hosts.play()
        assert stage.address not in repr(stage)
        stage.stop()
        with openai_(stage.address) as client, pytest.raises(openai.APIConnectionError):
            client.models.list()
