"""Completions, chat and responses through the real SDK, on the n-gram model and on a fine-tuned classifier.

Every answer passes the SDK's strict validation but one kind: the pieces of a streamed legacy completion have
`finish_reason` null until the last one, as OpenAI sends them, and the SDK's type knows no null there.
"""

import contextlib
import itertools
import json
import math
import threading

import anyio
import httpx2
import openai
import pytest

from helpers import engine
from helpers.engine import language, parameters, serve
from helpers.engine.app import create_app
from helpers.engine.classifier_training import Example, Hyperparameters, Training
from helpers.engine.store import Store
from helpers.engine.transport import EngineTransport

TEXT = "reviews-ngram"
TUNED = "ft:wordllama-classifier:personal:test:abcdefgh"
LABELS = (" positive", " negative")
END = "\n\n###\n\n"
USER = [{"role": "user", "content": "This tea is"}]


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """An application with a small classifier, as if fine-tuning had made it."""
    application = create_app(store=Store(tmp_path_factory.mktemp("store")))
    rows = [
        Example(f"{word} tea {i}\n\n###\n\n", LABELS[word == "stale"])
        for word in ("fine", "stale")
        for i in range(8)
    ]
    training = Training(
        rows, [], Hyperparameters(n_epochs=3, batch_size=4, learning_rate_multiplier=1.0), seed=1
    )
    for _ in training:
        pass
    tuned = training.model()
    tuned.name = TUNED
    registry = application.extensions["registry"]
    ordinary = registry.text_model
    registry.text_model = lambda name: tuned if name == TUNED else ordinary(name)
    return application


def connected(app, **options) -> openai.OpenAI:
    http_client = httpx2.Client(transport=EngineTransport(app))
    options = {"max_retries": 0, "_strict_response_validation": True} | options
    return openai.OpenAI(base_url=engine.BASE_URL, api_key="none", http_client=http_client, **options)


@pytest.fixture
def client(app) -> openai.OpenAI:
    return connected(app)


@pytest.fixture
def loose(app) -> openai.OpenAI:
    """Without strict validation, for streamed legacy completions."""
    return connected(app, _strict_response_validation=False)


@contextlib.asynccontextmanager
async def connected_async(app, **options):
    http_client = httpx2.AsyncClient(transport=EngineTransport(app))
    options = {"base_url": engine.BASE_URL, "api_key": "none", "_strict_response_validation": True} | options
    async with openai.AsyncOpenAI(http_client=http_client, **options) as client:
        yield client


def complete(client, **options):
    return client.completions.create(**({"model": TEXT, "prompt": "This tea is", "seed": 1} | options))


def chat(client, **options):
    return client.chat.completions.create(**({"model": TEXT, "messages": USER, "seed": 1} | options))


def respond(client, **options):
    return client.responses.create(**({"model": TEXT, "input": "This tea is", "temperature": 0} | options))


def refused(call, *arguments, **options) -> openai.BadRequestError:
    with pytest.raises(openai.BadRequestError) as caught:
        call(*arguments, **options)
    return caught.value


class TestCompletions:
    def test_whole(self, client):
        answer = complete(client)
        assert answer.object == "text_completion" and answer.model == TEXT and answer.id.startswith("cmpl-")
        assert answer.system_fingerprint == f"fp_{language.load().fingerprint}"
        (choice,) = answer.choices
        assert choice.finish_reason == "length" and choice.logprobs is None
        assert answer.usage.prompt_tokens == 3
        assert answer.usage.completion_tokens == 16
        assert answer.usage.total_tokens == 19
        assert language.load().count(choice.text) == 16

    def test_several_prompts_and_answers(self, client):
        answer = complete(client, prompt=["The tea", "I like"], n=2, max_tokens=5, logprobs=0)
        assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
        alone = complete(client, prompt="I like", n=2, max_tokens=5)
        assert [c.text for c in answer.choices[2:]] == [c.text for c in alone.choices]
        assert answer.usage.completion_tokens == sum(len(c.logprobs.tokens) for c in answer.choices)

    def test_token_ids(self, client):
        texts = ["The tea", "I like"]
        ids = [language.load().encode(text) for text in texts]
        expected = [choice.text for choice in complete(client, prompt=texts).choices]
        assert [choice.text for choice in complete(client, prompt=ids).choices] == expected
        assert complete(client, prompt=ids[0]).choices[0].text == expected[0]

    def test_no_prompt_begins_a_text(self, client):
        assert complete(client, prompt=None).choices[0].text == complete(client, prompt="").choices[0].text

    def test_logprobs(self, client):
        logprobs = complete(client, logprobs=3, max_tokens=8).choices[0].logprobs
        assert len(logprobs.tokens) == len(logprobs.token_logprobs) == len(logprobs.text_offset) == 8
        assert logprobs.text_offset[0] == len("This tea is")
        for token, logprob, top in zip(
            logprobs.tokens, logprobs.token_logprobs, logprobs.top_logprobs, strict=True
        ):
            assert top[token] == logprob
            assert 3 <= len(top) <= 4
            assert list(top.values())[:3] == sorted(top.values(), reverse=True)[:3]

    def test_logprobs_without_alternatives(self, client):
        logprobs = complete(client, logprobs=0).choices[0].logprobs
        assert logprobs.top_logprobs is None and len(logprobs.token_logprobs) == 16

    def test_echo_scores_the_prompt(self, client):
        (choice,) = complete(client, prompt="This tea 漢", echo=True, logprobs=1, max_tokens=2).choices
        assert choice.text.startswith("This tea 漢")
        assert "".join(choice.logprobs.tokens) == choice.text
        assert choice.logprobs.text_offset[:4] == [0, 4, 8, 9]
        expected = [token.logprob for token in language.load().score("This tea 漢")]
        assert choice.logprobs.token_logprobs[: len(expected)] == expected

    def test_only_score(self, client):
        answer = complete(client, max_tokens=0, echo=True, logprobs=0)
        assert answer.choices[0].text == "This tea is" and answer.usage.completion_tokens == 0
        assert len(answer.choices[0].logprobs.tokens) == 3

    def test_best_of(self, client):
        every = complete(client, n=6, logprobs=0)
        best = complete(client, n=1, best_of=6)
        means = [math.fsum(c.logprobs.token_logprobs) / len(c.logprobs.tokens) for c in every.choices]
        assert best.choices[0].text == every.choices[means.index(max(means))].text
        assert best.usage.completion_tokens == every.usage.completion_tokens

    def test_stop(self, client):
        free = complete(client, max_tokens=40).choices[0].text
        stopped = complete(client, max_tokens=40, stop=[free[10:14]], logprobs=0).choices[0]
        assert stopped.finish_reason == "stop"
        assert stopped.text == free[: free.index(free[10:14])] == "".join(stopped.logprobs.tokens)

    def test_insertion(self, client):
        asked = {"prompt": "I opened the", "suffix": " and I would buy it again.", "max_tokens": 256, "n": 10}
        answer = complete(client, **asked)
        reasons = {choice.finish_reason for choice in answer.choices}
        assert "stop" in reasons
        assert answer.usage.prompt_tokens == language.load().count("I opened the and I would buy it again.")
        assert complete(client, **asked, stop=None).choices == answer.choices

    def test_controls(self, client):
        token = language.load().encode(" cat")[0]
        assert complete(client, logit_bias={str(token): 100}, max_tokens=2).choices[0].text == " cat cat"
        plain, cold, narrow = (
            complete(client, **o).choices[0].text for o in ({}, {"temperature": 0}, {"top_p": 0.0})
        )
        assert cold == narrow != plain
        punished = complete(client, presence_penalty=2, frequency_penalty=2, temperature=0, max_tokens=60)
        assert punished.choices[0].text != complete(client, temperature=0, max_tokens=60).choices[0].text

    def test_streamed_pieces_are_the_whole(self, loose):
        asked = {"n": 2, "max_tokens": 6, "logprobs": 2, "echo": True}
        whole = complete(loose, **asked)
        pieces = list(complete(loose, **asked, stream=True, stream_options={"include_usage": True}))
        assert pieces[-1].choices == [] and pieces[-1].usage == whole.usage
        assert len({piece.id for piece in pieces}) == 1
        for choice in whole.choices:
            mine = [p.choices[0] for p in pieces[:-1] if p.choices[0].index == choice.index]
            assert "".join(piece.text for piece in mine) == choice.text
            assert [p.finish_reason for p in mine] == [None] * (len(mine) - 1) + [choice.finish_reason]
            for name in ("tokens", "token_logprobs", "text_offset", "top_logprobs"):
                joined = [entry for piece in mine for entry in getattr(piece.logprobs, name)]
                assert joined == getattr(choice.logprobs, name)

    def test_a_tuned_classifier(self, client):
        answer = complete(
            client, model=TUNED, prompt="fine tea 3\n\n###\n\n", temperature=0, max_tokens=5, logprobs=2
        )
        (choice,) = answer.choices
        assert choice.text == " positive" and choice.finish_reason == "stop"
        assert set(choice.logprobs.top_logprobs[0]) == set(LABELS)
        assert sum(map(math.exp, choice.logprobs.top_logprobs[0].values())) == pytest.approx(1)

    @pytest.mark.parametrize(
        ("options", "param"),
        [
            ({"extra_body": {"colour": 1}}, "colour"),
            ({"prompt": []}, "prompt"),
            ({"prompt": [1, "a"]}, "prompt"),
            ({"prompt": ["a", 1]}, "prompt"),
            ({"prompt": [10**9]}, "prompt"),
            ({"prompt": {"a": 1}}, "prompt"),
            ({"prompt": ["a"] * 2049}, "prompt"),
            ({"max_tokens": -1}, "max_tokens"),
            ({"max_tokens": 2.5}, "max_tokens"),
            ({"max_tokens": True}, "max_tokens"),
            ({"max_tokens": 8192}, "max_tokens"),
            ({"max_tokens": 5000, "n": 128}, "max_tokens"),
            ({"temperature": 2.1}, "temperature"),
            ({"temperature": "hot"}, "temperature"),
            ({"top_p": -0.1}, "top_p"),
            ({"n": 0}, "n"),
            ({"n": 3, "best_of": 2}, "best_of"),
            ({"best_of": 21}, "best_of"),
            ({"best_of": 2, "stream": True}, "best_of"),
            ({"stop": ["a"] * 5}, "stop"),
            ({"stop": ""}, "stop"),
            ({"stop": 5}, "stop"),
            ({"logprobs": 6}, "logprobs"),
            ({"logprobs": True}, "logprobs"),
            ({"echo": "yes"}, "echo"),
            ({"echo": True, "suffix": "x"}, "echo"),
            ({"suffix": 5}, "suffix"),
            ({"seed": "one"}, "seed"),
            ({"seed": 2**63}, "seed"),
            ({"presence_penalty": 3}, "presence_penalty"),
            ({"frequency_penalty": -3}, "frequency_penalty"),
            ({"logit_bias": {"x": 1}}, "logit_bias"),
            ({"logit_bias": {"1": 101}}, "logit_bias"),
            ({"logit_bias": {"999999": 1}}, "logit_bias"),
            ({"logit_bias": [1]}, "logit_bias"),
            ({"stream_options": {"include_usage": True}}, "stream_options"),
            ({"stream": True, "stream_options": {"colour": 1}}, "colour"),
            ({"model": TUNED, "logit_bias": {"1": 1}}, "logit_bias"),
            ({"model": TUNED, "frequency_penalty": 1}, "frequency_penalty"),
            ({"model": TUNED, "suffix": "x"}, "suffix"),
            ({"model": TUNED, "prompt": [1, 2]}, "prompt"),
            ({"model": "wordllama-256"}, "model"),
            ({"model": "wordllama-classifier"}, "model"),
        ],
    )
    def test_mistakes_are_named(self, client, options, param):
        error = refused(complete, client, **options)
        assert error.param == param
        assert len(error.message) < 400

    def test_half_a_surrogate_pair(self, app):
        body = json.dumps({"model": TEXT, "prompt": "\ud800"})
        answer = app.test_client().post("/v1/completions", data=body, content_type="application/json")
        assert answer.status_code == 400 and "surrogate" in answer.json["error"]["message"]

    def test_half_a_surrogate_pair_as_a_token_id(self, client):
        half = language.load().encode("☕")[0] - ord("☕") + 0xD800
        error = refused(complete, client, prompt=[half], echo=True)
        assert error.param == "prompt" and "surrogate" in error.message

    def test_no_such_model(self, client):
        with pytest.raises(openai.NotFoundError, match=TEXT):
            complete(client, model="davinci-002")

    def test_reviews_that_are_not_there(self, client, monkeypatch):
        monkeypatch.setenv("WORKBOOK_DATA", "no-such-file.csv")
        assert "no-such-file.csv" in refused(complete, client).message

    def test_the_token_allowance_is_spent(self, tmp_path):
        client = connected(create_app(tokens_per_minute=30, store=Store(tmp_path)))
        complete(client)
        with pytest.raises(openai.RateLimitError):
            complete(client)


class TestChat:
    def test_whole(self, client):
        answer = chat(client, max_completion_tokens=10)
        assert answer.object == "chat.completion" and answer.id.startswith("chatcmpl-")
        (choice,) = answer.choices
        assert choice.message.role == "assistant" and choice.finish_reason == "length"
        assert choice.message.content == complete(client, max_tokens=10).choices[0].text
        assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (3, 10)

    def test_the_last_user_message_is_continued(self, client):
        parts = [{"type": "text", "text": "This "}, {"type": "text", "text": "tea is"}]
        talk = [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "I like"},
            {"role": "assistant", "content": "tea."},
            {"role": "user", "content": parts},
        ]
        assert chat(client, messages=talk).choices == chat(client).choices

    def test_without_a_limit_it_ends_by_itself(self, client):
        assert chat(client).choices[0].finish_reason == "stop"

    def test_logprobs(self, client):
        answer = chat(client, logprobs=True, top_logprobs=20, max_tokens=4, n=2)
        for choice in answer.choices:
            content = choice.logprobs.content
            assert "".join(entry.token for entry in content) == choice.message.content
            for entry in content:
                assert bytes(entry.bytes).decode() == entry.token
                assert len(entry.top_logprobs) == 20

    def test_streamed_pieces_are_the_whole(self, client):
        asked = {"n": 2, "max_tokens": 6, "logprobs": True, "top_logprobs": 1}
        whole = chat(client, **asked)
        pieces = list(chat(client, **asked, stream=True, stream_options={"include_usage": True}))
        assert pieces[-1].choices == [] and pieces[-1].usage == whole.usage
        for choice in whole.choices:
            mine = [p.choices[0] for p in pieces[:-1] if p.choices[0].index == choice.index]
            assert mine[0].delta.role == "assistant"
            assert "".join(piece.delta.content or "" for piece in mine) == choice.message.content
            assert [p.finish_reason for p in mine] == [None] * (len(mine) - 1) + ["length"]
            scored = [entry for piece in mine if piece.logprobs for entry in piece.logprobs.content]
            assert scored == choice.logprobs.content

    def test_a_tuned_classifier(self, client):
        talk = [{"role": "user", "content": f"stale tea 2{END}"}]
        answer = chat(client, model=TUNED, messages=talk, temperature=0, logprobs=True, top_logprobs=2)
        (choice,) = answer.choices
        assert choice.message.content == " negative" and choice.finish_reason == "stop"
        pieces = chat(client, model=TUNED, messages=talk, temperature=0, stream=True)
        assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == " negative"

    @pytest.mark.parametrize(
        ("options", "param"),
        [
            ({"messages": []}, "messages"),
            ({"messages": ["Hello"]}, "messages[0]"),
            ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
            ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
            ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content"),
            ({"messages": [{"role": "system", "content": "x"}]}, "messages"),
            ({"max_tokens": 1, "max_completion_tokens": 1}, "max_tokens"),
            ({"max_completion_tokens": 0}, "max_completion_tokens"),
            ({"top_logprobs": 2}, "top_logprobs"),
            ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
            ({"response_format": {"type": "json_object"}}, "response_format"),
            ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
            ({"reasoning_effort": "low"}, "reasoning_effort"),
            ({"extra_body": {"suffix": "x"}}, "suffix"),
            ({"model": TUNED, "presence_penalty": 1}, "presence_penalty"),
        ],
    )
    def test_mistakes_are_named(self, client, options, param):
        assert refused(chat, client, **options).param == param

    def test_what_asks_for_nothing_is_allowed(self, client):
        options = {"temperature": 0, "max_tokens": 5}
        plain = chat(client, **options)
        nothing = {"response_format": {"type": "text"}, "tools": [], "tool_choice": "none", "user": "me"}
        assert chat(client, **options, **nothing, store=False).choices == plain.choices


class TestResponses:
    def test_whole(self, client):
        answer = respond(client)
        assert answer.status == "completed" and answer.incomplete_details is None and answer.error is None
        assert answer.output_text == complete(client, temperature=0, max_tokens=1000).choices[0].text
        assert answer.usage.input_tokens == 3
        assert answer.usage.total_tokens == 3 + answer.usage.output_tokens

    def test_cut_off(self, client):
        answer = respond(client, max_output_tokens=3, metadata={"a": "b"})
        assert answer.status == answer.output[0].status == "incomplete"
        assert answer.incomplete_details.reason == "max_output_tokens"
        assert answer.metadata == {"a": "b"} and answer.usage.output_tokens == 3

    def test_metadata_is_checked_and_null_is_not_given(self, client):
        answer = respond(client, metadata=None, parallel_tool_calls=None)
        assert answer.metadata == {} and answer.parallel_tool_calls is True
        assert refused(respond, client, metadata={"a": 1}).param == "metadata"

    def test_a_prompt_that_leaves_little_room(self, client):
        long = " tea" * (parameters.CONTEXT - 5)
        assert respond(client, input=long).usage.output_tokens <= 5
        chat = client.chat.completions.create(model=TEXT, messages=[{"role": "user", "content": long}])
        assert chat.usage.completion_tokens <= 5
        with pytest.raises(openai.BadRequestError, match="at most 8192 tokens"):
            respond(client, input=long + " tea" * 5)

    def test_instructions_and_items(self, client):
        talk = [
            {"role": "user", "content": "I like"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "tea"}]},
            {"role": "user", "content": [{"type": "input_text", "text": "This tea is"}]},
        ]
        answer = respond(client, input=talk, instructions="Be brief.")
        assert answer.output_text == respond(client).output_text
        assert answer.instructions == "Be brief."

    def test_logprobs(self, client):
        asked = {"include": ["message.output_text.logprobs"], "top_logprobs": 2, "max_output_tokens": 4}
        (part,) = respond(client, **asked).output[0].content
        assert "".join(entry.token for entry in part.logprobs) == part.text
        assert all(len(entry.top_logprobs) == 2 for entry in part.logprobs)

    @pytest.mark.parametrize(("limit", "end"), [(3, "incomplete"), (500, "completed")])
    def test_events_in_order(self, client, limit, end):
        events = list(respond(client, max_output_tokens=limit, stream=True))
        assert [event.sequence_number for event in events] == list(range(len(events)))
        kinds = [kind.removeprefix("response.") for kind, _ in itertools.groupby(e.type for e in events)]
        assert kinds == [
            "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta",
            "output_text.done", "content_part.done", "output_item.done", end,
        ]  # fmt: skip
        whole = events[-1].response
        text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
        assert (
            text
            == whole.output_text
            == events[-4].text
            == respond(client, max_output_tokens=limit).output_text
        )
        assert {e.item_id for e in events if hasattr(e, "item_id")} == {whole.output[0].id}
        assert events[0].response.id == whole.id and events[0].response.status == "in_progress"

    def test_the_sdks_own_stream_reader(self, client):
        with client.responses.stream(model=TEXT, input="This tea is", temperature=0) as stream:
            for _ in stream:
                pass
            assert stream.get_final_response().output_text == respond(client).output_text

    def test_a_tuned_classifier(self, client):
        assert respond(client, model=TUNED, input=f"fine tea 1{END}").output_text == " positive"

    @pytest.mark.parametrize(
        ("options", "param"),
        [
            ({"input": []}, "input"),
            ({"input": [{"type": "function_call_output", "role": "user", "content": "x"}]}, "input[0]"),
            ({"previous_response_id": "resp_1"}, "previous_response_id"),
            ({"text": {"format": {"type": "json_object"}}}, "text"),
            ({"tools": [{"type": "web_search"}]}, "tools"),
            ({"background": True}, "background"),
            ({"include": ["reasoning.encrypted_content"]}, "include"),
            ({"top_logprobs": 3}, "top_logprobs"),
            ({"max_output_tokens": 0}, "max_output_tokens"),
            ({"instructions": 7}, "instructions"),
            ({"extra_body": {"seed": 7}}, "seed"),
        ],
    )
    def test_mistakes_are_named(self, client, options, param):
        assert refused(respond, client, **options).param == param


class TestCarriers:
    def test_async_whole_and_streamed(self, app, client):
        async def ask():
            async with connected_async(app) as asking:
                whole = await asking.chat.completions.create(model=TEXT, messages=USER, seed=1, max_tokens=9)
                streamed = await asking.chat.completions.create(
                    model=TEXT, messages=USER, seed=1, max_tokens=9, stream=True
                )
                pieces = [piece.choices[0].delta.content or "" async for piece in streamed]
                events = await asking.responses.create(model=TEXT, input="x", stream=True, temperature=0)
                types = [event.type async for event in events]
                return whole, pieces, types

        whole, pieces, types = anyio.run(ask)
        expected = chat(client, max_tokens=9).choices[0].message.content
        assert whole.choices[0].message.content == "".join(pieces) == expected
        assert len(pieces) == 11
        assert types[0] == "response.created" and types[-1] == "response.completed"

    def test_an_async_stream_comes_piece_by_piece(self):
        made = []

        def application(environment, start_response):
            start_response("200 OK", [("Content-Type", "text/event-stream")])

            def body():
                for i in range(5):
                    made.append((i, threading.current_thread() is threading.main_thread()))
                    yield b"data: %d\n\n" % i

            return body()

        async def read():
            async with (
                httpx2.AsyncClient(transport=EngineTransport(application)) as client,
                client.stream("GET", "http://engine.invalid/") as response,
            ):
                pieces = response.aiter_bytes()
                first = await anext(pieces)
                so_far = len(made)
                return first, so_far, [piece async for piece in pieces]

        first, so_far, rest = anyio.run(read)
        assert first == b"data: 0\n\n" and so_far < 5 and len(rest) == 4
        assert not any(in_main for _, in_main in made)

    def test_a_stream_that_is_left_early(self, app, client):
        with chat(client, max_tokens=50, stream=True) as stream:
            next(iter(stream))

        async def leave():
            async with connected_async(app) as asking:
                stream = await asking.chat.completions.create(model=TEXT, messages=USER, stream=True)
                async for _ in stream:
                    break
                await stream.close()

        anyio.run(leave)
        assert chat(client, max_tokens=1).usage.completion_tokens == 1

    def test_over_a_socket(self):
        server = serve.start_in_background()
        url = f"http://{serve.ADDRESS}:{server.server_port}/v1"
        try:
            with openai.OpenAI(
                base_url=url, api_key="none", max_retries=0, _strict_response_validation=True
            ) as client:
                whole = chat(client, max_tokens=9).choices[0].message.content
                pieces = [p.choices[0].delta.content or "" for p in chat(client, max_tokens=9, stream=True)]
                assert "".join(pieces) == whole == complete(client, max_tokens=9).choices[0].text
                assert [e.type for e in respond(client, stream=True)][-1] == "response.completed"
                assert refused(chat, client, n=0).param == "n"
        finally:
            server.shutdown()
            server.server_close()

    def test_azures_paths(self, app):
        client = openai.AzureOpenAI(
            azure_endpoint="https://example.openai.azure.com",
            api_key="none",
            api_version="2024-10-21",
            http_client=httpx2.Client(transport=EngineTransport(app)),
        )
        assert chat(client, max_tokens=3).choices[0].message.content
        assert complete(client, max_tokens=3).choices[0].text

    def test_many_threads_get_their_own_answers(self, app):
        expected = {seed: complete(connected(app), seed=seed).choices[0].text for seed in range(6)}
        found = {}

        def ask(seed):
            found[seed] = [complete(connected(app), seed=seed).choices[0].text for _ in range(4)]

        threads = [threading.Thread(target=ask, args=(seed,)) for seed in expected]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == {seed: [text] * 4 for seed, text in expected.items()}


def test_stops_and_seeds_are_read_as_given():
    assert parameters.sampling({"stop": "x", "seed": -1})["stop"] == ("x",)
    assert parameters.sampling({"seed": -1})["seed"] == 2**64 - 1
    assert parameters.sampling({})["seed"] is None
