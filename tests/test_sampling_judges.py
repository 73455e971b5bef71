"""How texts are judged: seams, perplexity, repetition, copying, and by a model that has not read them."""

import itertools
import math
import re

import numpy as np
import pytest
from completions_server import CompletionsServer, answer_of, text_choice

from helpers import sampling_judges
from helpers.errors import DataError, HostError


def echoing(body: dict) -> tuple[int, dict]:
    """Scores words by their length: the log-probability is minus the number of letters."""
    choices = []
    for text in body["prompt"]:
        pieces = re.findall(r"\s*\S+", text)
        offsets = [0, *np.cumsum([len(piece) for piece in pieces])[:-1].tolist()]
        values = [None, *(-float(len(piece.strip())) for piece in pieces[1:])]
        told = {"tokens": pieces, "token_logprobs": values, "top_logprobs": None, "text_offset": offsets}
        choices.append(text_choice(text, "length") | {"logprobs": told})
    assert (body["echo"], body["max_tokens"]) == (True, 0)
    return 200, answer_of(choices)


class TestSeams:
    def test_the_first_three_tokens_of_the_suffix(self):
        befores = ["a bbbbbbbb cc ddd eeee", "x", "y"]
        suffixes = [" f gg hhh iiiiiiiii", " yy", ""]
        with CompletionsServer(echoing) as server, server.client() as client:
            scores = sampling_judges.seam_scores(client, "m", befores, suffixes)
            inside = sampling_judges.seam_scores(client, "m", ["aa b"], ["bb cc"], width=1)
        assert scores[:2].tolist() == pytest.approx([-2.0, -2.0])
        assert math.isnan(scores[2])
        assert inside.tolist() == pytest.approx([-2.0]), "a token across the seam is not counted"

    def test_known_logprobs_leave_out_the_first(self):
        with CompletionsServer(echoing) as server, server.client() as client:
            assert sampling_judges.known_logprobs(client, "m", ["a bb ccc", "d"]) == [[-2.0, -3.0], []]

    def test_shuffled_texts_are_compared_by_their_sums(self):
        def by_place(body):  # likely are texts in the order of the alphabet
            choices = []
            for text in body["prompt"]:
                words = text.split()
                values = [None, *(-0.5 if a < b else -3.0 for a, b in itertools.pairwise(words))]
                told = {"tokens": words, "token_logprobs": values, "top_logprobs": None}
                choices.append(text_choice(text) | {"logprobs": told | {"text_offset": [0] * len(words)}})
            return 200, answer_of(choices)

        with CompletionsServer(by_place) as server, server.client() as client:
            count = sampling_judges.less_likely_shuffled(client, "m", ["a b c d e f g", "g f e d c b a", "a"])
        assert count == 1

    def test_many_texts_are_asked_in_parts_and_keep_their_order(self):
        texts = ["a " + "b" * (i % 7 + 1) for i in range(120)]
        with CompletionsServer(echoing) as server, server.client() as client:
            found = sampling_judges.token_logprobs(client, "m", texts)
        assert [tokens[1][2] for tokens in found] == [-float(i % 7 + 1) for i in range(120)]
        assert [len(body["prompt"]) for body in server.asked] == [50, 50, 20]

    def test_a_host_that_tells_nothing_of_the_prompt(self):
        def silent(body):
            return 200, answer_of([text_choice(text) for text in body["prompt"]])

        with (
            CompletionsServer(silent) as server,
            server.client() as client,
            pytest.raises(HostError, match="prompt's own tokens"),
        ):
            sampling_judges.token_logprobs(client, "m", ["a b"])


def test_perplexity():
    assert sampling_judges.perplexity([math.log(1 / 8)] * 5) == pytest.approx(8)
    assert sampling_judges.perplexity([math.log(0.5), math.log(0.125)]) == pytest.approx(4)
    with pytest.raises(ValueError, match="no token"):
        sampling_judges.perplexity([])


def test_different_words():
    assert sampling_judges.different_words(["a b a b a b"], 2) == pytest.approx(2 / 5)
    assert sampling_judges.different_words(["Good tea, good tea"], 1) == pytest.approx(0.5)
    assert sampling_judges.different_words(["don't stop"], 1) == 1
    assert math.isnan(sampling_judges.different_words(["one"], 2))


def test_copied_counts_runs_that_stand_in_a_source():
    sources = ["I like green tea a lot", "no"]
    assert sampling_judges.copied(["You like green TEA a bit"], sources, 3) == pytest.approx(2 / 4)
    assert sampling_judges.copied(["like green. Tea lot"], sources, 3) == pytest.approx(1 / 2)
    assert math.isnan(sampling_judges.copied(["two words"], sources, 3))


def test_a_second_opinion_prefers_what_it_has_read():
    texts = ["we like the tea and the cake"] * 5 + ["the dog sleeps"]
    seams = sampling_judges.second_opinion(texts, ["we like the", "we like dog"], [" tea and"] * 2)
    assert seams[0] > seams[1] + 1


def test_what_was_not_read_is_less_likely():
    texts = ["we like the tea and the cake"] * 5
    read, unread = sampling_judges.unread_logprobs(texts, ["we like the tea", "we sell the car"])
    assert len(read) == 3, "the first token is not counted"
    assert sampling_judges.perplexity(read) < sampling_judges.perplexity(unread)


def test_other_texts_are_no_reviews():
    texts = sampling_judges.other_texts()
    assert len(texts) > 300 and all(isinstance(text, str) and text for text in texts)


def test_copied_gain_is_a_difference_of_shares():
    sources = ["I like green tea a lot"]
    chosen, others = ["like green tea", "green tea a lot"], ["no green tea", "what is this now"]
    gain = sampling_judges.copied_gain(chosen, others, sources, n=3)
    shares = [sampling_judges.copied(texts, sources, 3) for texts in (chosen, others)]
    assert gain.mean == pytest.approx(shares[0] - shares[1]) == pytest.approx(1)
    assert gain.low <= gain.mean <= gain.high
    same = sampling_judges.copied_gain(chosen, chosen, sources, n=3)
    assert (same.mean, same.low, same.high) == (0, 0, 0)
    with pytest.raises(DataError, match="2 texts against 1"):
        sampling_judges.copied_gain(chosen, chosen[:1], sources)
    with pytest.raises(DataError, match="No text has 9 words"):
        sampling_judges.copied_gain(chosen, others, sources, n=9)


def test_longest_shared_run():
    longest = sampling_judges.longest_shared
    assert longest(["I like the TEA a lot.", "the tea", "We like the tea a bit"]) == "like the tea a"
    assert longest(["a b", "c d", "d c"]) == "d"
    assert longest(["a a a", "b"]) == longest([]) == longest(["", ""]) == ""
