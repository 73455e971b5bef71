"""A server that nobody here wrote, as a host: what of OpenAI's API it speaks, and what it does otherwise.

Skipped where requirements-llm.txt is not installed; `.ci/run` installs it and runs this file by itself.
What is asserted is the contract (shapes, counts, sums of probabilities), never what the model says.
"""

import asyncio
import hashlib
import math
import subprocess
import sys

import anyio
import openai
import pytest

from helpers import hosts, local_llm, settings
from helpers.connect import check, connect, explain
from helpers.errors import HostError

installed = pytest.mark.skipif(
    bool(local_llm.missing()),
    reason=f"requirements-llm.txt is not installed ({', '.join(local_llm.missing())}): {local_llm.HOW}",
)
KEY = "local-key-0123456789"
PROMPT = "One, two, three, four,"


@pytest.fixture(scope="module")
def server():
    with local_llm.running(threads=2, key=KEY) as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    with openai.OpenAI(base_url=server.url, api_key=KEY, max_retries=0) as made:
        yield made


def complete(client, **asked):
    asked = {"model": local_llm.MODEL, "prompt": PROMPT, "max_tokens": 6, "temperature": 0} | asked
    return client.completions.create(**asked)


def chat(client, **asked):
    messages = [{"role": "user", "content": "Say a word."}]
    asked = {"model": local_llm.MODEL, "messages": messages, "max_tokens": 4, "temperature": 0} | asked
    return client.chat.completions.create(**asked)


class TestWithoutThePackages:
    def test_it_says_what_is_missing_and_how_to_get_it(self, monkeypatch, tmp_path):
        monkeypatch.setattr(local_llm, "missing", lambda: ["xllamacpp", local_llm.PARTS[0]])
        with pytest.raises(HostError, match=r"xllamacpp.*lab --llm"):
            local_llm.start()
        with pytest.raises(HostError, match=rf"{local_llm.PARTS[0]}.*lab --llm"):
            local_llm.assemble(tmp_path)

    def test_the_launcher_can_import_it_without_any_package(self):
        code = "import sys; sys.path.insert(0, sys.argv[1]); from helpers import local_llm"
        ended = subprocess.run(
            [sys.executable, "-I", "-S", "-c", code, str(settings.ROOT)], capture_output=True
        )
        assert (ended.returncode, ended.stderr) == (0, b"")

    def test_parts_that_are_not_the_right_ones(self, monkeypatch, tmp_path):
        wrong = tmp_path / "part"
        wrong.write_bytes(b"not a model")
        monkeypatch.setattr(local_llm, "missing", list)
        monkeypatch.setattr(local_llm, "_parts", lambda: [wrong])
        with pytest.raises(HostError, match="do not make the right file"):
            local_llm.assemble(tmp_path / "models")
        assert list((tmp_path / "models").iterdir()) == []


@installed
class TestServer:
    def test_the_model_is_assembled_whole(self, tmp_path):
        path = local_llm.assemble(tmp_path)
        assert path.stat().st_size == local_llm.SIZE
        with path.open("rb") as stream:
            assert hashlib.file_digest(stream, "sha256").hexdigest() == local_llm.SHA256

    def test_only_this_machine_can_reach_it(self, server):
        assert server.url.startswith("http://127.0.0.1:")

    def test_the_key_is_in_no_list_of_processes(self, server):
        assert KEY not in " ".join(server._process.args)
        assert KEY not in repr(server)

    def test_a_second_one_beside_it_and_its_end(self):
        with local_llm.running(threads=1) as other:
            client = openai.OpenAI(base_url=other.url, api_key="none", max_retries=0)
            assert [model.id for model in client.models.list()] == [local_llm.MODEL]
        assert other._process.returncode is not None
        other.stop()
        with pytest.raises(openai.APIConnectionError):
            client.models.list()
        client.close()

    def test_a_port_that_is_taken(self, server):
        port = int(server.url.split(":")[2].split("/")[0])
        with pytest.raises(HostError, match="did not start"):
            local_llm.start(port=port)


@installed
class TestWhatItSharesWithOpenAI:
    def test_models(self, client):
        assert [model.id for model in client.models.list()] == [local_llm.MODEL]

    def test_completions(self, client):
        answer = complete(client)
        choice = answer.choices[0]
        assert choice.finish_reason == "length"
        assert answer.usage.completion_tokens == 6
        assert answer.usage.total_tokens == answer.usage.prompt_tokens + 6
        assert complete(client).choices[0].text == choice.text  # temperature 0

    def test_stop_sequences(self, client):
        choice = complete(client, stop=[","], max_tokens=20).choices[0]
        assert (choice.finish_reason, "," in choice.text) == ("stop", False)

    def test_several_prompts_and_several_answers(self, client):
        answers = complete(client, prompt=[PROMPT, "Green tea"])
        assert [choice.index for choice in answers.choices] == [0, 1]
        assert len(complete(client, n=local_llm.SLOTS, temperature=1).choices) == local_llm.SLOTS

    def test_a_seed_repeats_an_answer(self, client):
        first, second = (complete(client, temperature=1, seed=7).choices[0].text for _ in range(2))
        assert first == second

    def test_streaming_brings_the_same_text(self, client):
        pieces = [chunk.choices[0].text for chunk in complete(client, stream=True) if chunk.choices]
        assert len(pieces) >= 6
        assert "".join(pieces) == complete(client).choices[0].text

    def test_chat(self, client):
        answer = chat(client)
        assert answer.choices[0].message.role == "assistant"
        assert answer.choices[0].message.content

    def test_chat_streaming(self, client):
        pieces = [chunk.choices[0].delta.content for chunk in chat(client, stream=True) if chunk.choices]
        assert "".join(filter(None, pieces)) == chat(client).choices[0].message.content

    def test_chat_logprobs(self, client):
        content = chat(client, logprobs=True, top_logprobs=5).choices[0].logprobs.content
        assert len(content) == 4
        for token in content:
            assert token.logprob <= 0 and len(token.top_logprobs) == 5
            assert sum(math.exp(each.logprob) for each in token.top_logprobs) <= 1 + 1e-6
            assert token.logprob == pytest.approx(max(each.logprob for each in token.top_logprobs))

    def test_embeddings_in_both_encodings(self, client):
        texts = ["green tea", "green tea", "a broken box"]
        answer = client.embeddings.create(model=local_llm.MODEL, input=texts)
        vectors = [entry.embedding for entry in answer.data]
        assert {len(vector) for vector in vectors} == {640}
        assert sum(value * value for value in vectors[0]) == pytest.approx(1, abs=1e-5)
        assert vectors[0] == pytest.approx(vectors[1], abs=1e-4) != pytest.approx(vectors[2], abs=1e-2)
        floats = client.embeddings.create(model=local_llm.MODEL, input=texts, encoding_format="float")
        assert floats.data[2].embedding == pytest.approx(vectors[2], abs=1e-4)

    def test_asynchronous(self, server):
        async def ask():
            async with openai.AsyncOpenAI(base_url=server.url, api_key=KEY, max_retries=0) as client:
                calls = [client.completions.create(model="m", prompt=PROMPT, max_tokens=2) for _ in range(6)]
                return await asyncio.gather(*calls)

        assert len(anyio.run(ask)) == 6

    def test_responses(self, client):
        assert client.responses.create(model=local_llm.MODEL, input="Say a word.", max_output_tokens=4).output

    def test_errors_become_the_sdks_exceptions(self, server, client):
        with openai.OpenAI(base_url=server.url, api_key="wrong", max_retries=0) as stranger:
            with pytest.raises(openai.AuthenticationError) as caught:
                complete(stranger)
            assert "refused the key" in explain(caught.value)
        with pytest.raises(openai.BadRequestError, match="context"):
            complete(client, prompt="tea " * (local_llm.CONTEXT + 100))


@installed
class TestWhatItDoesOtherwise:
    """Each of these would go unnoticed: the server answers 200. The lesson tells of them."""

    def test_it_answers_under_any_model_name(self, client):
        assert complete(client, model="gpt-none").choices[0].text == complete(client).choices[0].text

    def test_it_ignores_what_it_does_not_know(self, client):
        plain = complete(client).choices[0].text
        for extra in ({"suffix": " ten."}, {"echo": True}, {"best_of": 3}):
            assert complete(client, **extra).choices[0].text == plain, extra
        short = client.embeddings.create(model=local_llm.MODEL, input="tea", dimensions=64)
        assert len(short.data[0].embedding) == 640

    def test_a_completions_logprobs_have_the_form_of_a_chats(self, client):
        logprobs = complete(client, logprobs=3).choices[0].logprobs
        assert logprobs.token_logprobs is None
        assert len(logprobs.content) == 6

    def test_as_the_lesson_shows_it(self, client):
        does = hosts.compatibility(client, local_llm.MODEL, local_llm.MODEL)["does"]
        assert does["completions"] == does["stop"] == "as OpenAI"
        assert set(does[["dimensions=64", "echo=True", "suffix (insertion)"]]) == {"ignores"}
        assert set(does[["files", "fine-tuning"]]) == {"refuses"}
        assert not hosts.completes_as_openai(client, local_llm.MODEL)

    def test_no_files_and_no_fine_tuning(self, client):
        for ask in (client.files.list, client.fine_tuning.jobs.list):
            with pytest.raises(openai.NotFoundError):
                ask()

    def test_more_answers_than_slots(self, client):
        with pytest.raises(openai.BadRequestError, match="n"):
            complete(client, n=local_llm.SLOTS + 1)


@installed
class TestAsAHost:
    @pytest.fixture
    def chosen(self, no_settings, monkeypatch, server):
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("WORKBOOK_COMPLETION_MODEL", local_llm.MODEL)

    def test_connect_finds_its_model(self, chosen):
        host = connect()
        check(host)
        assert (host.kind, host.embedding_model) == ("compatible", local_llm.MODEL)
        assert host.completion_model == local_llm.MODEL
        assert KEY not in repr(host)

    def test_embeddings_through_the_workbook(self, chosen):
        from helpers import embeddings

        host = connect()
        vectors = embeddings.embed(["green tea", "dog food"], host.client, host.embedding_model)
        assert vectors.shape == (2, 640)
