"""The n-gram model: tokens, probabilities against a slow formula, drawing, insertion, the kept file."""

import collections
import functools
import math
import os
import random
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import reviews
from helpers import settings as workbook_settings
from helpers.engine import choices, language, language_insertion, language_sampling, language_training
from helpers.engine.generation import Choice, Generation, Token
from helpers.engine.language_training import END, ORDER

TEXTS = (
    "The tea is good. The tea is cheap, and I like the tea.",
    "I like the coffee. The coffee is good, and the tin is good!!",
    "The tin is dented. I don't like the tin, but the tea is good.",
    "We like the 12 biscuits...\nThe biscuits are good.",
    "My cat likes the tin. My cat does not like the tea.",
)
WORDS = ["the", "tea", "is", "good", "I", "like", "coffee", "The", ".", ",", "tin"]


@pytest.fixture(scope="module")
def small() -> language.LanguageModel:
    return language.train(TEXTS)


@pytest.fixture(scope="module")
def model() -> language.LanguageModel:
    """Trained on 800 reviews of the sample."""
    return language.train(list(_sample())[:800])


@functools.cache
def _sample() -> tuple[str, ...]:
    return tuple(reviews.tidy(reviews.load("sample"))["Text"])


def written(model, prompt="The tea", **options) -> Choice:
    return model.generate(Generation(prompt, **({"seed": 1} | options)))[0]


class TestTokens:
    @given(st.text())
    def test_joined_they_are_the_text(self, text):
        model = language.train(TEXTS)
        assert "".join(language_training.pieces(text)) == text
        assert model.decode(model.encode(text)) == text
        assert model.count(text) == len(model.encode(text))

    @pytest.mark.parametrize(
        "text", ["좋은 차예요", "tea 🍵👍🏽", "  two  blanks\t\r\n", "naïve xyzzy", "\0\ud800"]
    )
    def test_what_was_never_seen_is_spelled(self, small, text):
        ids = small.encode(text)
        assert small.decode(ids) == text
        assert all(token >= small.words or small.text_of(token) in small.texts for token in ids)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("I don't like 12 tins.", ["I", " don't", " like", " 12", " tins", "."]),
            ("Good!!! (really)", ["Good", "!!!", " (", "really", ")"]),
            ("a  b\n\nc_d", ["a", " ", " b", "\n", "\n", "c", "_", "d"]),
        ],
    )
    def test_where_tokens_begin(self, text, expected):
        assert language_training.pieces(text) == expected

    @pytest.mark.parametrize("token", [-1, 10**9])
    def test_no_token_id(self, small, token):
        with pytest.raises(ValueError, match="no token id"):
            small.decode([token])

    def test_nothing_to_learn_from(self):
        with pytest.raises(ValueError, match="at least one text"):
            language.train(["", ""])


def slow_runs() -> list[collections.Counter]:
    """For n = 1 ... ORDER the Kneser-Ney counts of runs of n tokens, as tuples of texts; "" is the end."""
    whole: collections.Counter = collections.Counter()
    for text in TEXTS:
        tokens = [""] * (ORDER - 1) + language_training.pieces(text) + [""]
        for i in range(ORDER - 1, len(tokens)):
            whole[tuple(tokens[i - ORDER + 1 : i + 1])] += 1
    counts = [whole]
    while len(counts) < ORDER:
        counts.insert(0, collections.Counter(run[1:] for run in counts[0]))
    return counts


def slow_probability(counts: list[collections.Counter], context: tuple[str, ...], word: str) -> float:
    """Chen and Goodman's recursion for interpolated Kneser-Ney, run by run, without spelling."""
    if len(context) == 1:
        shorter = slow_after_form(counts, context[0], word)
    else:
        shorter = slow_probability(counts, context[1:], word) if context else 1 / len(counts[0])
    runs = counts[len(context)]
    followers = collections.Counter({run[-1]: times for run, times in runs.items() if run[:-1] == context})
    return lowered_and_mixed(followers, list(runs.values()), word, shorter)


def slow_after_form(counts: list[collections.Counter], last: str, word: str) -> float:
    kinds = {a: "blank" if not a.strip() else "word" if a[-1].isalnum() else "mark" for a, _ in counts[1]}
    pairs = collections.Counter((kinds[a], b) for a, b in counts[1])
    followers = collections.Counter({b: times for (kind, b), times in pairs.items() if kind == kinds[last]})
    return lowered_and_mixed(followers, list(pairs.values()), word, slow_probability(counts, (), word))


def lowered_and_mixed(followers, times: list[int], word: str, shorter: float) -> float:
    lowered = min(max(times.count(1) / (times.count(1) + 2 * times.count(2)), 0.1), 0.95)
    if not followers:
        return shorter
    own = max(followers[word] - lowered, 0)
    return (own + lowered * len(followers) * shorter) / followers.total()


class TestProbabilities:
    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join), st.sampled_from(WORDS))
    def test_they_are_what_the_formula_says(self, text, word):
        model, counts = language.train(TEXTS), slow_runs()
        context = [*language.START, *model.encode(text)]
        assume_known = [token for token in context if token < model.words]
        if len(assume_known) < len(context):
            return
        before = tuple(model.text_of(token) for token in context[-3:])
        for token in model.encode(f" {word}")[:1]:
            if token < model.words:
                expected = (1 - language.SPELL) * slow_probability(counts, before, model.text_of(token))
                assert model.probability(token, context) == pytest.approx(expected, rel=1e-12)

    @settings(max_examples=60, deadline=None)
    @given(st.text(alphabet="aeit .T漢", max_size=12) | st.sampled_from(TEXTS))
    def test_they_add_up_to_one(self, text):
        model = language.train(TEXTS)
        context = [*language.START, *model.encode(text)]
        known = model.distribution(context)
        never_seen = language.CODE_POINTS - (model.size - model.words)
        one_of_them = model.probability(model.size + 0x1F600, context)
        assert known.min() >= 0
        assert known.sum() + never_seen * one_of_them == pytest.approx(1, abs=1e-12)

    @pytest.mark.parametrize("text", ["", "The tea", "I like", "My xyz", "... 漢"])
    def test_one_is_the_same_as_all(self, small, text):
        context = [*language.START, *small.encode(text)]
        every = small.distribution(context)
        one_by_one = [small.probability(token, context) for token in range(small.size)]
        assert every == pytest.approx(one_by_one, rel=1e-12)

    def test_what_was_seen_is_likelier(self, small):
        context = [*language.START, *small.encode("the tea is")]
        likeliest = small.likeliest(small.distribution(context), 3)
        assert likeliest[0][0] == " good"
        assert [p for _, p in likeliest] == sorted((p for _, p in likeliest), reverse=True)

    def test_score_is_made_of_them(self, small):
        tokens = small.score("The tea was 漢", 2)
        ids = small.encode("The tea was 漢")
        assert "".join(token.text for token in tokens) == "The tea was 漢"
        before = list(language.START)
        for token, i in zip(tokens, ids, strict=True):
            assert token.logprob == pytest.approx(math.log(small.probability(i, before)))
            assert token.top == small.likeliest(small.distribution(before), 2)
            before.append(i)

    def test_text_like_the_training_scores_higher(self, model):
        held_out = _sample()[900]
        words = held_out.split()
        random.Random(0).shuffle(words)
        total = lambda text: sum(token.logprob for token in model.score(text))  # noqa: E731
        assert total(held_out) > total(" ".join(words))

    def test_a_text_that_is_only_known_by_its_end(self, small):
        assert (
            small.likeliest(small.distribution(small.encode("the tea is good.")), 50)[0][0]
            == choices.END_SHOWN
        )


class TestDrawing:
    def test_the_seed_decides(self, model):
        one, same, other = (written(model, seed=seed, max_tokens=30) for seed in (7, 7, 8))
        assert one == same
        assert one.text != other.text
        assert written(model, seed=None, max_tokens=30).text != written(model, seed=None, max_tokens=30).text

    def test_a_text_that_is_the_same_on_every_machine(self, small):
        assert written(small, seed=3, max_tokens=12).text == EXPECTED

    def test_more_tokens_or_more_texts_leave_the_beginning_as_it_was(self, model):
        short = written(model, max_tokens=10)
        long = model.generate(Generation("The tea", max_tokens=40, seed=1, n=3))
        assert long[0].tokens[:10] == short.tokens
        assert len({choice.text for choice in long}) == 3

    def test_tokens_joined_are_the_text(self, model):
        for choice in model.generate(Generation("I bought", max_tokens=60, n=5, seed=2)):
            assert "".join(token.text for token in choice.tokens) == choice.text
            assert choice.finish_reason == ("length" if len(choice.tokens) == 60 else "stop")

    def test_frequencies_are_probabilities(self, small):
        probabilities = small.distribution(small.encode("the tea is"))
        writer = language_sampling._Writer(small, Generation("the tea is"))
        numbers = random.Random(1)
        drawn = collections.Counter(writer._draw(probabilities, numbers) for _ in range(4_000))
        for token in np.flatnonzero(probabilities > 0.02):
            spread = math.sqrt(probabilities[token] / 4_000)
            assert drawn[int(token)] / 4_000 == pytest.approx(probabilities[token], abs=4.5 * spread)

    def test_temperature_0_takes_the_likeliest_and_ends(self, model):
        choice = written(model, temperature=0, max_tokens=200, top_logprobs=1)
        assert all(token.top[0] == (token.text, token.logprob) for token in choice.tokens)
        assert len(choice.tokens) <= 200
        assert choice == written(model, temperature=0, max_tokens=200, top_logprobs=1, seed=99)

    def test_a_higher_temperature_is_more_varied(self, model):
        def different(temperature):
            drawn = model.generate(Generation("The", max_tokens=20, n=20, seed=1, temperature=temperature))
            return len({token.text for choice in drawn for token in choice.tokens})

        assert different(0.2) < different(0.7) < different(1.0) < different(2.0)

    def test_reported_logprobs_are_before_temperature(self, small):
        cold, warm = (written(small, temperature=t, max_tokens=1) for t in (0, 1))
        alone = dict(small.likeliest(small.distribution([*language.START, *small.encode("The tea")]), 99))
        assert cold.tokens[0].logprob == alone[cold.tokens[0].text]
        assert warm.tokens[0].logprob == alone[warm.tokens[0].text]

    @given(
        st.lists(st.floats(0, 1), min_size=1, max_size=40).filter(any),
        st.floats(0, 1, exclude_max=True),
    )
    def test_nucleus_is_the_fewest_that_hold_top_p(self, weights, top_p):
        weights = np.array(weights) / sum(weights)
        kept = list(language_sampling.nucleus(weights, top_p, weights))
        by_weight = sorted(range(len(weights)), key=lambda i: (-weights[i], i))
        assert kept == by_weight[: len(kept)]
        assert weights[kept].sum() >= top_p - 1e-9
        assert len(kept) == 1 or weights[kept[:-1]].sum() < top_p + 1e-9

    def test_a_stop_sequence_is_left_out(self, model):
        free = written(model, max_tokens=60)
        stop = free.text[17:20]
        choice = written(model, max_tokens=60, stop=("never this", stop))
        assert choice.text == free.text[: free.text.find(stop)]
        assert choice.finish_reason == "stop"
        assert "".join(token.text for token in choice.tokens) == choice.text

    def test_of_two_stops_the_first_in_the_text_counts(self):
        assert choices.first_stop("one two three", ("three", "two")) == 4
        assert choices.first_stop("one", ("two",)) is None

    def test_best_of_keeps_the_likeliest_a_token(self, model):
        every = model.generate(Generation("The", max_tokens=15, n=8, seed=4))
        best = model.generate(Generation("The", max_tokens=15, n=2, best_of=8, seed=4))
        means = sorted((choices.mean_logprob(choice) for choice in every), reverse=True)
        assert [choices.mean_logprob(choice) for choice in best] == means[:2]
        assert choices.mean_logprob(Choice("", (), "stop")) == -math.inf

    def test_penalties_make_repetition_rarer(self, model):
        def most(**penalties):
            choice = written(model, max_tokens=120, stop=(), temperature=0.3, seed=5, **penalties)
            return max(collections.Counter(token.text for token in choice.tokens).values())

        plain = most()
        assert most(frequency_penalty=2.0) < plain
        assert most(presence_penalty=2.0) <= plain
        assert most(frequency_penalty=-2.0) > plain

    def test_a_reward_for_repetition_does_not_overflow(self, small):
        asked = {"frequency_penalty": -2.0, "presence_penalty": -2.0, "max_tokens": 600, "suffix": "漢"}
        choice = written(small, **asked, temperature=0.1)
        words = collections.Counter(token.text for token in choice.tokens)
        assert words.most_common(1)[0][1] > 0.9 * len(choice.tokens)
        cat = small.encode(" cat")[0]
        assert " cat" not in written(small, **asked, logit_bias=((cat, -100.0),)).text

    def test_top_p_comes_after_temperature(self, small):
        probabilities = small.distribution([*language.START, *small.encode("the tea is")])
        sizes = []
        for temperature in (0.5, 1.0, 2.0):
            kept = language_sampling.nucleus(probabilities ** (1 / temperature), 0.8, probabilities)
            asked = Generation("the tea is", max_tokens=1, n=200, seed=1, top_p=0.8, temperature=temperature)
            assert {c.text for c in small.generate(asked)} <= {small.text_of(token) for token in kept}
            sizes.append(len(kept))
        assert sizes[0] < sizes[1] < sizes[2]

    def test_a_bias_forbids_and_forces(self, small):
        good = small.encode(" good")[0]
        forced = written(small, max_tokens=3, logit_bias=((good, 100.0),))
        assert forced.text == " good good good"
        forbidden = written(small, "the tea is", temperature=0, max_tokens=1, logit_bias=((good, -100.0),))
        assert forbidden.text != " good" == written(small, "the tea is", temperature=0, max_tokens=1).text

    def test_a_prompt_with_a_blank_at_its_end(self, small):
        assert written(small, "the tea is ", temperature=0, max_tokens=1).text == "good"
        tokens = written(small, "the tea is ", max_tokens=1, top_logprobs=3).tokens
        assert sum(math.exp(logprob) for _, logprob in tokens[0].top) <= 1
        assert not any(text.startswith(" ") for text, _ in tokens[0].top)

    def test_an_empty_prompt_begins_a_text(self, small):
        assert written(small, "", temperature=0, max_tokens=1).text in {text.split()[0] for text in TEXTS}


class TestInsertion:
    def test_lift_is_bayes(self, small):
        seam = language_insertion.Seam(small, " is good, and")
        context = small.encode("I like the tea")
        a, b, c = small.encode(" is good,")
        after = math.prod(
            small.probability(token, [*context, *before][-3:])
            for token, before in ((a, []), (b, [a]), (c, [a, b]))
        )
        alone = small.probability(a, []) * small.probability(b, [a]) * small.probability(c, [a, b])
        assert seam.lift(context) == pytest.approx(after / alone)
        assert seam.lift(context) > 1 > seam.lift(small.encode("I like the"))

    def test_joined_only_where_the_context_invites_the_suffix(self, model):
        suffix = " and I would buy it again."
        seam = language_insertion.Seam(model, suffix)
        drawn = model.generate(Generation("I opened the", suffix=suffix, max_tokens=80, n=20, seed=1))
        joined = [choice for choice in drawn if choice.finish_reason == "stop"]
        assert 5 < len(joined) < 20
        for choice in joined:
            assert choice.tokens
            assert seam.lift(model.encode("I opened the" + choice.text)) > 1
        assert all(len(choice.tokens) == 80 for choice in drawn if choice.finish_reason == "length")

    def test_a_suffix_without_a_blank_gets_one(self, model):
        drawn = model.generate(
            Generation("I opened the", suffix="and I would buy", max_tokens=60, n=10, seed=1)
        )
        joined = [choice for choice in drawn if choice.finish_reason == "stop"]
        assert joined
        assert all(choice.text.endswith(" ") and choice.tokens[-1].text == " " for choice in joined)
        assert all(len(choice.tokens) <= 60 for choice in joined)

    def test_the_share_of_joins_rises_with_max_tokens(self, model):
        ends = []
        for i, text in enumerate(_sample()[800:820]):
            cut = language_training.pieces(text)
            third = len(cut) // 3
            prompt, suffix = "".join(cut[:third]), "".join(cut[2 * third :])
            drawn = model.generate(Generation(prompt, suffix=suffix, max_tokens=256, n=5, seed=i))
            ends.append([len(c.tokens) if c.finish_reason == "stop" else math.inf for c in drawn])
        shares = [np.mean([end <= limit for text in ends for end in text]) for limit in (4, 16, 64, 256)]
        assert all(fewer < more for fewer, more in pairwise(shares))
        assert shares[0] < 0.15 and shares[-1] > 0.5
        assert np.mean([min(text) <= 256 for text in ends]) > 0.8

    @pytest.mark.parametrize("suffix", [" Xyzzyx is what I mean.", "좋아요", "🍵"])
    def test_a_suffix_that_begins_with_an_unknown_word(self, model, suffix):
        drawn = model.generate(Generation("I opened", suffix=suffix, max_tokens=200, n=10, seed=1))
        assert any(choice.finish_reason == "stop" for choice in drawn)

    def test_temperature_0(self, model):
        asked = Generation("I like the", suffix=" of the tea.", max_tokens=40, temperature=0)
        assert model.generate(asked) == model.generate(asked)

    def test_the_end_of_a_text_is_not_drawn(self, small):
        drawn = small.generate(Generation("My cat", suffix=" 漢 are", max_tokens=30, n=20, seed=1))
        assert all(len(c.tokens) == 30 for c in drawn if c.finish_reason == "length")
        assert any("." in choice.text[:-1] for choice in drawn)


class TestKept:
    def test_written_and_read_again(self, small, tmp_path):
        counts = language_training.count(TEXTS)
        language_training.write(counts, tmp_path / "counts.npz")
        again = language_training.read(tmp_path / "counts.npz")
        assert again.vocabulary == counts.vocabulary
        assert language.LanguageModel(again).fingerprint == small.fingerprint
        assert written(language.LanguageModel(again), max_tokens=20) == written(small, max_tokens=20)

    def test_two_processes_at_once(self, tmp_path):
        program = "from helpers.engine import language; print(language.load().fingerprint)"
        environment = os.environ | {"WORKBOOK_CACHE": str(tmp_path), "WORKBOOK_DATA": "sample"}
        command = [sys.executable, "-c", program]
        both = [
            subprocess.Popen(
                command, cwd=workbook_settings.ROOT, env=environment, stdout=subprocess.PIPE, text=True
            )
            for _ in range(2)
        ]
        outputs = {process.communicate(timeout=60)[0] for process in both}
        assert len(outputs) == 1 and all(process.returncode == 0 for process in both)
        assert [path.suffix for path in (tmp_path / "language").iterdir()] == [".npz"]

    def test_trained_at_first_use_and_mended_when_damaged(self, monkeypatch, tmp_path):
        monkeypatch.setenv("WORKBOOK_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("WORKBOOK_DATA", str(_few_reviews(tmp_path, TEXTS)))
        first = language.load()
        assert language.load() is first
        path = language_training.cache_path()
        whole = path.read_bytes()
        for damaged in (whole[:500], b""):
            path.write_bytes(damaged)
            language._load.cache_clear()
            assert language.load().fingerprint == first.fingerprint
            assert path.stat().st_size == len(whole)

    def test_other_reviews_are_another_model(self, monkeypatch, tmp_path):
        monkeypatch.setenv("WORKBOOK_CACHE", str(tmp_path / "cache"))
        paths = []
        for name, texts in (("one", TEXTS), ("two", TEXTS[:3])):
            (tmp_path / name).mkdir()
            monkeypatch.setenv("WORKBOOK_DATA", str(_few_reviews(tmp_path / name, texts)))
            paths.append(language_training.cache_path())
            assert language.load().fingerprint == language.train(texts).fingerprint
        assert paths[0] != paths[1]

    def test_a_cache_that_cannot_be_written(self, monkeypatch, tmp_path):
        (tmp_path / "file").write_text("no folder", encoding="utf-8")
        monkeypatch.setenv("WORKBOOK_DATA", str(_few_reviews(tmp_path, TEXTS)))
        counts = language_training.load_counts(tmp_path / "file" / "counts.npz")
        assert counts.vocabulary == language_training.count(TEXTS).vocabulary


def _few_reviews(folder, texts):
    rows = reviews.load("sample", rows=len(texts)).assign(Text=list(texts))
    rows.to_csv(folder / "reviews.csv", index=False)
    return folder / "reviews.csv"


def test_cut_keeps_whole_and_halved_tokens():
    tokens = [Token("ab", -1), Token("cd", -2), Token("ef", -3)]
    assert [token.text for token in choices.cut(tokens, 3)] == ["ab", "c"]
    assert choices.cut(tokens, 0) == ()


EXPECTED = " is good, and I. The cat is catWe like"
assert END == 0
