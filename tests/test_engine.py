"""The embedded engine through the real SDK: shapes, encodings, limits, errors, headers, all three clients."""

import asyncio
import json

import anyio
import httpx2
import numpy as np
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import engine
from helpers.engine import limits, registry, serve, vectors
from helpers.engine.app import create_app, shared_app
from helpers.engine.errors import ApiError
from helpers.engine.transport import EngineTransport

MODEL = vectors.MODEL


@pytest.fixture(scope="module")
def client() -> openai.OpenAI:
    return engine.client(max_retries=0)


@pytest.fixture(scope="module")
def strict_client() -> openai.OpenAI:
    """Refuses a response that lacks a field. (It cannot be used with base64, which the SDK decodes later.)"""
    return engine.client(max_retries=0, _strict_response_validation=True)


@pytest.fixture(scope="module")
def url():
    server = serve.start_in_background()
    yield f"http://{serve.ADDRESS}:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def wordllama():
    """WordLlama's own inference on the same two files (its loader looks for them in another folder)."""
    from tokenizers import Tokenizer
    from wordllama.inference import WordLlamaInference

    folder = vectors._model_folder()
    tokenizer = Tokenizer.from_file(str(folder / vectors.TOKENIZER_FILE))
    return WordLlamaInference(vectors.load().table, tokenizer)


def refused(client: openai.OpenAI, **request) -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as caught:
        client.embeddings.create(**({"model": MODEL} | request))
    return caught.value


def client_of(app, **options) -> openai.OpenAI:
    http_client = httpx2.Client(transport=EngineTransport(app))
    options = {"base_url": engine.BASE_URL, "max_retries": 0} | options
    return openai.OpenAI(api_key="none", http_client=http_client, **options)


class TestModels:
    def test_list_and_retrieve_agree(self, strict_client):
        listed = list(strict_client.models.list())
        assert [model.id for model in listed][:3] == list(registry.BASES)  # trained ones may follow
        assert strict_client.models.retrieve(MODEL) == listed[0]

    def test_a_hosted_model_is_not_pretended(self, client):
        with pytest.raises(openai.NotFoundError) as caught:
            client.models.retrieve("text-embedding-3-small")
        assert caught.value.code == "model_not_found"
        assert MODEL in caught.value.message


class TestEmbeddings:
    def test_strict_response_with_floats(self, strict_client):
        response = strict_client.embeddings.create(model=MODEL, input=["tea", "tin"], encoding_format="float")
        assert [entry.index for entry in response.data] == [0, 1]
        assert response.model == MODEL
        assert (
            response.usage.prompt_tokens
            == response.usage.total_tokens
            == sum(vectors.load().count(["tea", "tin"]))
        )

    def test_base64_and_float_are_the_same_numbers(self, client):
        by_base64 = client.embeddings.create(model=MODEL, input="sour cherries").data[0].embedding
        by_float = client.embeddings.create(model=MODEL, input="sour cherries", encoding_format="float")
        assert by_base64 == by_float.data[0].embedding

    def test_explicit_base64_stays_text(self, client):
        response = client.embeddings.create(model=MODEL, input="x", encoding_format="base64")
        assert isinstance(response.data[0].embedding, str)

    @pytest.mark.parametrize("dimensions", [64, 128, 256])
    def test_fewer_dimensions_are_the_first_ones_at_unit_length(self, client, dimensions):
        full = np.array(client.embeddings.create(model=MODEL, input="plum jam").data[0].embedding)
        short = client.embeddings.create(model=MODEL, input="plum jam", dimensions=dimensions)
        expected = full[:dimensions] / np.linalg.norm(full[:dimensions])
        assert np.allclose(short.data[0].embedding, expected, atol=1e-6)

    def test_text_and_its_token_ids_give_the_same_vector(self, client):
        model = vectors.load()
        ids = model.encode(["green tea"])[0]
        answers = [client.embeddings.create(model=MODEL, input=entry) for entry in ("green tea", ids, [ids])]
        assert answers[0].data[0].embedding == pytest.approx(answers[1].data[0].embedding, abs=1e-6)
        assert answers[1].data[0].embedding == answers[2].data[0].embedding

    def test_order_is_kept_over_many_inputs(self, client):
        texts = [f"jar number {i}" for i in range(2_048)]
        response = client.embeddings.create(model=MODEL, input=texts)
        assert np.allclose(response.data[1_234].embedding, vectors.load().embed([texts[1_234]])[0], atol=1e-6)

    def test_async_client(self):
        async def ask():
            async with engine.async_client(_strict_response_validation=True) as client:
                texts = ["one", "two", "three"]
                calls = [
                    client.embeddings.create(model=MODEL, input=t, encoding_format="float") for t in texts
                ]
                return await asyncio.gather(*calls)

        answers = anyio.run(ask)
        expected = vectors.load().embed(["one", "two", "three"])
        assert np.allclose([answer.data[0].embedding for answer in answers], expected, atol=1e-6)

    @pytest.mark.parametrize("deployment", [None, MODEL])
    def test_azure_client_with_a_dated_version(self, deployment):
        client = openai.AzureOpenAI(
            azure_endpoint="https://example.openai.azure.com",
            azure_deployment=deployment,
            api_key="none",
            api_version="2024-10-21",
            http_client=httpx2.Client(transport=EngineTransport(shared_app())),
        )
        assert len(client.embeddings.create(model=MODEL, input="tea").data[0].embedding) == 256

    def test_azure_v1_url(self):
        client = client_of(shared_app(), base_url="https://example.openai.azure.com/openai/v1/")
        assert len(client.embeddings.create(model=MODEL, input="tea").data[0].embedding) == 256

    def test_raw_response_carries_the_headers(self, client):
        raw = client.embeddings.with_raw_response.create(model=MODEL, input="tea")
        assert raw.headers["x-request-id"].startswith("req_")
        assert raw.headers["openai-processing-ms"].isdigit()
        for what in ("requests", "tokens"):
            remaining = int(raw.headers[f"x-ratelimit-remaining-{what}"])
            assert 0 < remaining <= int(raw.headers[f"x-ratelimit-limit-{what}"])
            assert raw.headers[f"x-ratelimit-reset-{what}"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("request_", "param", "says"),
        [
            ({"input": ""}, "input", "empty string at entry 0"),
            ({"input": ["tea", ""]}, "input", "empty string at entry 1"),
            ({"input": []}, "input", "must be a string"),
            ({"input": ["tea", 3]}, "input", "entry 1 is not"),
            ({"input": [[1, 2], "tea"]}, "input", "entry 1"),
            ({"input": [[1], []]}, "input", "empty list at entry 1"),
            ({"input": [True, False]}, "input", "entry 0"),
            ({"input": [1, 32_000]}, "input", "32000"),
            ({"input": [[-1]]}, "input", "-1"),
            ({"input": ["a"] * 2_049}, "input", "2049"),
            ({"input": "word " * 9_000}, "input", "at most 8192"),
            ({"input": ["word " * 8_000] * 40}, "input", "at most 300000"),
            ({"input": "half \ud83d"}, "input", "surrogate"),
            ({"input": "a", "dimensions": 100}, "dimensions", "64, 128, 256"),
            ({"input": "a", "dimensions": True}, "dimensions", "64, 128, 256"),
            ({"input": "a", "encoding_format": "hex"}, "encoding_format", "'hex'"),
            ({"input": "a", "colour": "red"}, "colour", "colour"),
        ],
    )
    def test_bad_request_names_parameter_and_reason(self, client, request_, param, says):
        body = {"model": MODEL, "encoding_format": "float"} | request_
        # Straight to the transport: the SDK cannot even write half a surrogate pair.
        with httpx2.Client(transport=EngineTransport(shared_app())) as http:
            response = http.post(f"{engine.BASE_URL}/embeddings", content=json.dumps(body))
        error = response.json()["error"]
        assert response.status_code == 400
        assert error["type"] in ("invalid_request_error", "max_tokens_per_request")
        assert error["param"] == param
        assert says in error["message"]

    def test_missing_input_and_model(self, client):
        with httpx2.Client(transport=EngineTransport(shared_app())) as http:
            for body, param in (
                ({"model": MODEL}, "input"),
                ({"input": "a"}, "model"),
                ({"model": 3}, "model"),
            ):
                error = http.post(f"{engine.BASE_URL}/embeddings", json=body).json()["error"]
                assert error["param"] == param

    def test_unknown_model_lists_what_there_is(self, client):
        error = refused(client, model="nope", input="a")
        assert isinstance(error, openai.NotFoundError)
        assert error.code == "model_not_found"
        assert MODEL in error.message

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"text"', b"\xff\xfe", b"null"])
    def test_a_body_that_is_no_json_object(self, content):
        with httpx2.Client(transport=EngineTransport(shared_app())) as http:
            response = http.post(f"{engine.BASE_URL}/embeddings", content=content)
        assert response.status_code == 400
        assert "JSON object" in response.json()["error"]["message"]

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [("GET", "/nowhere", 404), ("GET", "/embeddings", 405), ("DELETE", "/models", 405)],
    )
    def test_unknown_paths_and_methods_answer_in_the_apis_shape(self, method, path, status):
        with httpx2.Client(transport=EngineTransport(shared_app())) as http:
            response = http.request(method, engine.BASE_URL + path)
        assert response.status_code == status
        assert response.json()["error"]["type"] == "invalid_request_error"
        assert response.headers["x-request-id"]

    def test_a_bug_becomes_a_500_body(self, monkeypatch, caplog):
        def fail(*_):
            raise RuntimeError("boom")

        monkeypatch.setattr("helpers.engine.embeddings.create", fail)
        error = refused(engine.client(max_retries=0), input="a")
        assert isinstance(error, openai.InternalServerError)
        assert "bug of the workbook" in error.message
        assert "boom" in caplog.text

    def test_too_large_a_body(self, monkeypatch):
        app = create_app()
        app.config["MAX_CONTENT_LENGTH"] = 100
        error = refused(client_of(app), input="a" * 200)
        assert error.status_code == 413


class TestLimits:
    def test_requests_a_minute(self):
        client = client_of(create_app(requests_per_minute=2))
        for _ in range(2):
            client.models.list()
        with pytest.raises(openai.RateLimitError) as caught:
            client.models.list()
        assert caught.value.code == "rate_limit_exceeded"
        assert 0 < int(caught.value.response.headers["retry-after-ms"]) <= 30_001

    def test_tokens_a_minute(self):
        client = client_of(create_app(tokens_per_minute=5))
        client.embeddings.create(model=MODEL, input="tea")
        error = refused(client, input="a somewhat longer text about tea")
        assert isinstance(error, openai.RateLimitError)
        assert error.type == "tokens"

    def test_the_sdk_waits_as_told_and_succeeds(self):
        client = client_of(create_app(requests_per_minute=600), max_retries=2)
        for _ in range(601):
            client.models.list()

    def test_a_bucket_fills_again(self):
        now = [0.0]
        bucket = limits.Bucket("requests", 60, clock=lambda: now[0])
        bucket.take(60)
        with pytest.raises(ApiError):
            bucket.take(1)
        now[0] = 1.0
        bucket.take(1)
        assert bucket.headers()["x-ratelimit-remaining-requests"] == "0"
        now[0] = 100.0
        assert bucket.headers()["x-ratelimit-remaining-requests"] == "60"

    @pytest.mark.parametrize(
        ("seconds", "words"), [(0, "0s"), (0.0201, "20ms"), (6, "6s"), (90, "1m30s"), (59.9, "1m0s")]
    )
    def test_waits_in_words(self, seconds, words):
        assert limits.in_words(seconds) == words


class TestServe:
    def test_the_same_answer_through_a_socket(self, url, client):
        with openai.OpenAI(base_url=url, api_key="none") as remote:
            over_socket = remote.embeddings.create(model=MODEL, input=["figs", "flour"])
        assert over_socket.data == client.embeddings.create(model=MODEL, input=["figs", "flour"]).data

    def test_async_through_a_socket(self, url):
        async def ask():
            async with openai.AsyncOpenAI(base_url=url, api_key="none") as remote:
                calls = [remote.embeddings.create(model=MODEL, input=f"text {i}") for i in range(20)]
                return await asyncio.gather(*calls)

        answers = anyio.run(ask)
        expected = vectors.load().embed([f"text {i}" for i in range(20)])
        assert np.allclose([answer.data[0].embedding for answer in answers], expected, atol=1e-6)

    def test_a_taken_port_is_one_sentence(self, url, capfd):
        port = int(url.split(":")[2].split("/")[0])
        assert serve.main(port) == 1
        assert f"Port {port} cannot be used" in capfd.readouterr().err


class TestVectors:
    def test_equal_to_wordllama_itself(self, wordllama):
        texts = [
            "A tin of sardines, dented.",
            "커피 향이 좋아요",
            "  two  blanks ",
            "x",
            "🍜 noodles\n\nagain",
        ]
        assert np.abs(vectors.load().embed(texts) - wordllama.embed(texts, norm=True)).max() < 1e-6

    def test_equal_to_wordllama_on_real_reviews(self, wordllama, real_reviews):
        import pandas as pd

        texts = pd.read_csv(real_reviews)["Text"].tolist()
        assert np.abs(vectors.load().embed(texts) - wordllama.embed(texts, norm=True)).max() < 1e-6

    @settings(max_examples=300, deadline=None)
    @given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5))
    def test_summing_words_is_summing_tokens(self, texts):
        model = vectors.load()
        sums, counts = model.sums_and_counts(texts)
        sums_of_ids, lengths = model.sums_of_ids(model.encode(texts))
        assert (counts == lengths).all()
        assert counts.tolist() == model.count(texts)
        assert np.allclose(sums, sums_of_ids, atol=1e-4)

    def test_no_token_continues_across_a_blank(self):
        """What the words' sums rest on."""
        vocabulary = vectors.load().tokenizer.get_vocab()
        assert not [token for token in vocabulary if "▁" in token.lstrip("▁")]

    def test_more_words_than_are_kept(self, monkeypatch):
        texts = [f"alpha{i} beta{i} gamma{i % 7}" for i in range(60)]
        expected = vectors.load().embed(texts)
        monkeypatch.setattr(vectors, "WORDS_KEPT", 40)
        monkeypatch.setattr(vectors, "BATCH", 8)
        original = vectors.load()
        small = vectors.TokenVectors(original.tokenizer, original.table)
        assert np.allclose(small.embed(texts), expected, atol=1e-6)
        monkeypatch.setattr(vectors, "BATCH", 60)  # more different words in one batch than are kept
        assert np.allclose(small.embed(texts), expected, atol=1e-6)

    def test_control_tokens_are_ordinary_text(self):
        model = vectors.load()
        assert model.count(["<s>"])[0] > 1
        assert model.decode(model.encode(["<s> tea </s>"])[0]) == "<s> tea </s>"

    def test_pieces_and_decode(self):
        model = vectors.load()
        assert model.pieces("green tea") == ["▁green", "▁tea"]
        assert model.decode(model.encode(["차 한 잔 🍵"])[0]) == "차 한 잔 🍵"

    def test_nothing_in_nothing_out(self):
        model = vectors.load()
        assert model.embed([]).shape == (0, 256)
        assert not model.embed([""]).any()

    def test_unknown_dimensions(self):
        with pytest.raises(ValueError, match="64, 128, 256"):
            vectors.load().embed(["tea"], dimensions=100)

    def test_missing_model_files(self, monkeypatch, tmp_path):
        monkeypatch.setattr(vectors.importlib.util, "find_spec", lambda name: None)
        monkeypatch.setattr(vectors.settings, "DATA", tmp_path)
        with pytest.raises(vectors.WorkbookError, match="helpers lab"):
            vectors._model_folder()
