"""Choosing among samples, against a host on loopback that answers as each test wants it."""

import contextlib
import math
from collections.abc import Iterator

import openai
import pytest
from completions_server import CompletionsServer, answer_of, text_choice
from hypothesis import given
from hypothesis import strategies as st

from helpers import engine, sampling
from helpers.engine import registry
from helpers.errors import HostError
from helpers.sampling import Sample, best_completion


@contextlib.contextmanager
def host(*bodies: dict, status: int = 200) -> Iterator[tuple[openai.OpenAI, list]]:
    """A client, and the list of what it asks; the bodies are sent in turn, the last one again and again."""
    left = list(bodies)

    def answer(_body: dict) -> tuple[int, dict]:
        return status, left.pop(0) if len(left) > 1 else left[0]

    with CompletionsServer(answer) as server, server.client() as client:
        yield client, server.asked


def test_takes_the_likeliest_of_those_that_stopped():
    choices = [
        text_choice(" cut", "length", [-0.1]),
        text_choice(" dull", "stop", [-2.0, -2.0]),
        text_choice(" good", "stop", [-1.0, -1.5]),
    ]
    with host(answer_of(choices)) as (client, asked):
        best = best_completion(client, "m", "It was", suffix=" in the end.", samples=3, seed=4)
    assert best.text == " good" and best.stopped
    assert best.reason == "2 of 3 samples joined the suffix; sample 3 has the highest mean logprob of them."
    assert [sample.text for sample in best.samples] == [" cut", " dull", " good"]
    assert (best.requests, best.usage) == (1, sampling.Usage(7, 10))
    wanted = {"model": "m", "prompt": "It was", "suffix": " in the end.", "n": 3, "logprobs": 1, "seed": 4}
    assert asked == [wanted | {"max_tokens": 256, "temperature": 1.0}]


def test_says_when_none_stopped_and_gives_the_best_all_the_same():
    choices = [text_choice(" a", "length", [-3.0]), text_choice(" b", "length", [-1.0])]
    with host(answer_of(choices)) as (client, _):
        best = best_completion(client, "m", "p", suffix=" s", samples=2, max_tokens=4)
        plain = best_completion(client, "m", "p", samples=2, max_tokens=4)
    assert not best.stopped and best.text == " b"
    assert best.reason.startswith("None of 2 samples joined the suffix within 4 tokens.")
    assert "does not reach the suffix" in best.reason and "Raise max_tokens first" in best.reason
    assert "it breaks off" in plain.reason and "suffix" not in plain.reason


def test_a_stop_sequence_beside_a_suffix_is_not_called_a_join():
    with host(answer_of([text_choice(" a", "stop", [-3.0])])) as (client, _):
        best = best_completion(client, "m", "p", suffix=" s", stop=".", samples=1)
    assert best.reason == "The only sample stopped."


def test_what_ended_at_once_is_not_cured_by_room():
    with host(answer_of([text_choice(" ", "stop", [-0.1])] * 2)) as (client, _):
        best = best_completion(client, "m", "p", suffix=" s", samples=2)
    assert best.reason.startswith("None of 2 samples has written anything: the model ended at once.")
    assert not best.stopped and "max_tokens" not in best.reason


def test_a_suffix_of_white_space_is_none():
    with host(answer_of([text_choice(" a", "stop", [-3.0])])) as (client, asked):
        best = best_completion(client, "m", "p", suffix="  ", samples=1)
    assert "suffix" not in asked[0] and best.reason == "The only sample stopped."


def test_n_is_called_samples():
    with pytest.raises(ValueError, match="say samples="):
        best_completion(None, "m", "p", n=3)


def test_an_empty_insertion_is_not_preferred():
    with host(answer_of([text_choice("  ", "stop", [-0.1]), text_choice(" b", "stop", [-2.0])])) as (
        client,
        _,
    ):
        assert best_completion(client, "m", "p", suffix=" s", samples=2).text == " b"


def test_early_exit_asks_until_one_stops():
    cut, good = (answer_of([text_choice(*what, [-1.0])]) for what in ((" cut", "length"), (" ok", "stop")))
    with host(cut, good) as (client, asked):
        best = best_completion(client, "m", "p", samples=5, early_exit=True, seed=10, stop=["\n"], top_p=0.9)
    assert best.text == " ok" and best.requests == 2
    assert best.reason == "Sample 2 stopped; 3 more were not needed."
    assert [(body["n"], body["seed"], body["stop"], body["top_p"]) for body in asked] == [
        (1, 10, ["\n"], 0.9),
        (1, 11, ["\n"], 0.9),
    ]
    assert best.usage == sampling.Usage(14, 20)


def test_early_exit_gives_up_after_all():
    with host(answer_of([text_choice(" cut", "length")])) as (client, asked):
        best = best_completion(client, "m", "p", suffix=" s", samples=3, early_exit=True)
    assert len(asked) == best.requests == 3
    assert best.reason.startswith("None of 3")


def test_at_temperature_0_one_sample_suffices():
    with host(answer_of([text_choice(" a", "stop", [-1.0])])) as (client, asked):
        best = best_completion(client, "m", "p", samples=5, temperature=0)
        early = best_completion(client, "m", "p", samples=5, temperature=0, early_exit=True)
    assert asked[0]["n"] == 1
    assert best.reason == "The only sample stopped."
    assert early.reason == "Sample 1 stopped."


def test_a_host_without_logprobs_and_usage():
    with host(answer_of([text_choice(" a", "length"), text_choice(" b"), text_choice(" c")], None)) as (
        client,
        _,
    ):
        best = best_completion(client, "m", "p", samples=3)
    assert best.text == " b"
    assert best.reason == "2 of 3 samples stopped; the first is taken, for none has a score."
    assert best.usage == sampling.Usage(None, None)


def test_a_host_that_ignores_n_is_found_out():
    with host(answer_of([text_choice(" a", "stop", [-1.0])])) as (client, asked):
        best = best_completion(client, "m", "p", samples=5)
    assert best.reason == "The only sample stopped. The host gave 1 of 5."
    assert len(asked) == 1, "nothing is asked again unseen"


def test_other_scores_choose_others():
    long, short = text_choice(" long text", "stop", [-1.0] * 4), text_choice(" x", "stop", [-1.5])
    with host(answer_of([long, short])) as (client, _):
        assert best_completion(client, "m", "p").text == " long text"
        assert best_completion(client, "m", "p", score=sampling.total_logprob).text == " x"
        first = best_completion(client, "m", "p", score=sampling.draw_order)
        rare = best_completion(client, "m", "p", score=lambda sample: -len(sample.text))
    assert first.text == " long text"
    assert first.reason == "2 of 2 samples stopped; the first of them is taken. The host gave 2 of 5."
    assert rare.text == " x" and "has the highest score of them" in rare.reason


def test_a_refusal_is_one_sentence_and_not_repeated():
    refusal = {"error": {"message": "suffix is not supported", "type": "e", "param": None, "code": None}}
    with host(refusal, status=400) as (client, asked):
        with pytest.raises(HostError, match=r"suffix is not supported\. Does this model take a suffix"):
            best_completion(client, "m", "p", suffix=" s")
        with pytest.raises(HostError) as plain:
            best_completion(client, "m", "p")
    assert "Does this model" not in str(plain.value)
    assert len(asked) == 2
    with host(answer_of([])) as (client, _), pytest.raises(HostError, match="without a single sample"):
        best_completion(client, "m", "p")


@pytest.mark.parametrize("wrong", [{"samples": 0}, {"max_tokens": 0}])
def test_at_least_one_sample_and_one_token(wrong):
    with pytest.raises(ValueError, match="1 or more"):
        best_completion(None, "m", "p", **wrong)


def test_scores():
    sample = Sample(" a b", "stop", (-1.0, -3.0))
    assert (sampling.mean_logprob(sample), sampling.total_logprob(sample)) == (-2.0, -4.0)
    assert sampling.draw_order(sample) is sampling.mean_logprob(Sample("", "stop")) is None
    assert sampling.rank(Sample("a", "length", (-0.1,))) < sampling.rank(Sample("a", "stop"))
    assert sampling.rank(sample, lambda _: math.nan) == (True, -math.inf)


SAMPLES = st.builds(
    Sample,
    st.sampled_from([" a", "", " b c"]),
    st.sampled_from(["stop", "length", "content_filter"]),
    st.lists(st.floats(-9, 0), max_size=3).map(tuple),
)


@given(st.lists(SAMPLES, min_size=1, max_size=6))
def test_no_cut_sample_is_ranked_above_one_that_stopped(samples):
    best = max(samples, key=sampling.rank)
    assert best.stopped == any(sample.stopped for sample in samples)
    rivals = [sample for sample in samples if sample.stopped == best.stopped and sample.logprobs]
    assert all(sampling.mean_logprob(rival) <= sampling.rank(best)[1] for rival in rivals)


ASKED = {"suffix": " I am very happy with this order.", "temperature": 0.7, "seed": 2}


class TestOnTheEngine:
    def test_a_sample_that_joined_is_taken_and_counted(self):
        best = best_completion(engine.client(), registry.TEXT, "The box", **ASKED)
        assert best.stopped and len(best.samples) == 5 and best.requests == 1
        assert best.usage.completion_tokens == sum(len(sample.logprobs) for sample in best.samples)
        assert best == best_completion(engine.client(), registry.TEXT, "The box", **ASKED)

    def test_early_exit_ends_with_the_first_that_joined(self):
        best = best_completion(engine.client(), registry.TEXT, "The box", early_exit=True, **ASKED)
        assert [sample.stopped for sample in best.samples] == [False] * (best.requests - 1) + [True]

    def test_another_model_refuses(self):
        with pytest.raises(HostError, match=registry.EMBEDDINGS):
            best_completion(engine.client(), registry.EMBEDDINGS, "The box", **ASKED)
