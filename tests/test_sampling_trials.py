"""What is measured about drawn texts: cutting, shares, at least one of k, seams, repetition."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from completions_server import CompletionsServer, answer_of, text_choice
from hypothesis import given
from hypothesis import strategies as st

from helpers import reviews, sampling_judges, sampling_trials, settings
from helpers.errors import DataError, HostError

PROMPTS = pd.DataFrame({"prefix": ["It", "We"], "middle": [" is", " are"], "suffix": [" tea.", " late."]})


class TestPrompts:
    def test_those_of_the_workbook(self):
        prompts = sampling_trials.load_prompts()
        assert list(prompts.columns) == ["id", "prefix", "middle", "suffix", "suffix_begins"]
        assert prompts["suffix_begins"].value_counts().to_dict() == {
            "sentence": 20,
            "clause": 20,
            "phrase": 20,
        }
        assert prompts["id"].is_unique and prompts["prefix"].is_unique
        assert not prompts["prefix"].str.endswith(" ").any()
        assert prompts[["middle", "suffix"]].map(lambda part: part.startswith(" ")).all(axis=None)
        whole = prompts["prefix"] + prompts["middle"] + prompts["suffix"]
        assert not whole.str.contains("  ").any() and whole.str.endswith(".").all()

    def test_they_are_in_no_review_of_the_sample(self):
        prompts = sampling_trials.load_prompts()
        whole = prompts["prefix"] + prompts["middle"] + prompts["suffix"]
        texts = reviews.load(settings.DATA / "reviews_sample.csv")["Text"]
        assert sampling_judges.copied(whole, texts, 7) == 0 < sampling_judges.copied(whole, texts, 3)

    def test_nor_in_a_real_one(self, real_reviews):
        prompts = sampling_trials.load_prompts()
        whole = prompts["prefix"] + prompts["middle"] + prompts["suffix"]
        assert sampling_judges.copied(whole, reviews.load(real_reviews)["Text"], 7) == 0

    def test_the_card_names_the_file(self):
        card = (settings.DATA / "README.md").read_text(encoding="utf-8")
        assert "`insertion_prompts.csv`" in card

    def test_what_is_wrong_with_a_file_is_said(self, tmp_path):
        with pytest.raises(DataError, match=r"no file none\.csv"):
            sampling_trials.load_prompts(tmp_path / "none.csv")
        (tmp_path / "half.csv").write_text("prefix,middle\na,b\n", encoding="utf-8")
        with pytest.raises(DataError, match=r"half\.csv has no column 'suffix'"):
            sampling_trials.load_prompts(tmp_path / "half.csv")

    @given(st.lists(st.text("ab \n차🍵", max_size=80), max_size=4), st.integers(0, 9))
    def test_the_parts_make_up_the_text(self, texts, seed):
        try:
            cut = sampling_trials.prompts_from_texts(texts, words=(2, 4), seed=seed)
        except DataError:
            assert all(len(text.split()) < 8 for text in texts)
            return
        for row in cut.itertuples():
            assert row.prefix + row.middle + row.suffix == texts[row.text]
            assert 2 <= len(row.middle.split()) <= 4
            assert min(len(row.prefix.split()), len(row.suffix.split())) >= 3
            assert row.middle[0].isspace() and row.suffix[0].isspace() and not row.prefix[-1].isspace()

    def test_the_seed_decides_the_cut(self):
        text = [" ".join(map(str, range(60)))]
        cuts = {sampling_trials.prompts_from_texts(text, seed=s)["middle"][0] for s in (0, 0, 1, 2, 3)}
        assert 2 <= len(cuts) <= 4


class TestDraws:
    def test_a_row_per_sample(self):
        choices = [text_choice(" a", "stop", [-1.0, -2.0]), text_choice(" b", "length")]
        with CompletionsServer(lambda _: (200, answer_of(choices))) as server, server.client() as client:
            drawn = sampling_trials.draws(client, "m", PROMPTS, samples=2, max_tokens=9, seed=5, top_p=0.5)
        assert [(body["prompt"], body["suffix"], body["seed"], body["n"]) for body in server.asked] == [
            ("It", " tea.", 5, 2),
            ("We", " late.", 6, 2),
        ]
        assert {(body["max_tokens"], body["top_p"]) for body in server.asked} == {(9, 0.5)}
        assert drawn[["prompt", "sample"]].to_numpy().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
        assert drawn["stopped"].tolist() == [True, False] * 2
        assert drawn["tokens"].isna().tolist() == drawn["logprob"].isna().tolist() == [False, True] * 2
        assert drawn["logprob"][0] == -1.5
        assert sampling_trials.stopped_of(drawn).tolist() == [[True, False]] * 2

    def test_too_few_samples_are_no_table(self):
        with (
            CompletionsServer(lambda _: (200, answer_of([text_choice(" a")]))) as server,
            server.client() as client,
            pytest.raises(HostError, match="asked for 3 samples and gave 1"),
        ):
            sampling_trials.draws(client, "m", PROMPTS, samples=3)


class TestShares:
    def test_share_and_interval(self):
        table = sampling_trials.share_joined({4: [False] * 20, 16: [True] * 5 + [False] * 15})
        assert table.index.tolist() == [4, 16]
        assert table.loc[16, ["prompts", "joined", "share"]].tolist() == [20, 5, 0.25]
        assert table.loc[16, ["low", "high"]].tolist() == pytest.approx([0.1119, 0.4687], abs=1e-4)
        assert table.loc[4, "low"] == 0 < table.loc[4, "high"]

    @given(st.lists(st.booleans(), min_size=1, max_size=7), st.data())
    def test_at_least_one_is_the_mean_over_all_choices_of_k(self, stopped, data):
        k = data.draw(st.integers(1, len(stopped)))
        chosen = [any(group) for group in itertools.combinations(stopped, k)]
        assert sampling_trials.at_least_one([stopped], k)[0] == pytest.approx(np.mean(chosen))

    @pytest.mark.parametrize("k", [0, 4])
    def test_k_within_the_samples(self, k):
        with pytest.raises(ValueError, match="from 1 to the 3 samples"):
            sampling_trials.at_least_one([[True, False, True]], k)

    def test_alike_prompts_follow_the_formula_and_unlike_ones_stay_below(self):
        random = np.random.default_rng(0)
        alike = random.random((4000, 10)) < 0.3
        unlike = random.random((4000, 10)) < np.tile([0.05, 0.55], 2000)[:, None]
        same, below = (sampling_trials.resampling(table, most=5, draws=50) for table in (alike, unlike))
        assert same["measured"].to_numpy() == pytest.approx(same["one p"].to_numpy(), abs=0.02)
        assert below.loc[1, "measured"] == pytest.approx(below.loc[1, "one p"])
        assert below.loc[5, "measured"] < below.loc[5, "one p"] - 0.15
        assert (below["low"] <= below["measured"]).all() and (below["measured"] <= below["high"]).all()
        assert below.loc[5, "measured"] == pytest.approx((1 - 0.95**5 + 1 - 0.45**5) / 2, abs=0.02)


DRAWN = pd.DataFrame(
    {
        "prompt": [0, 0, 0, 1, 1, 1],
        "sample": [0, 1, 2, 0, 1, 2],
        "text": ["a a", "b", "c c", "d", "e e", "f"],
        "finish_reason": ["length", "stop", "stop", "length", "length", "length"],
        "stopped": [False, True, True, False, False, False],
        "tokens": [9.0, 3.0, 6.0, 9.0, 9.0, 9.0],
        "logprob": [-1.0, -3.0, -2.0, -4.0, -4.0, -5.0],
    }
)


class TestChoosing:
    def test_a_smaller_limit_cuts_what_took_longer(self):
        cut = sampling_trials.at_limit(DRAWN, 3)
        assert cut["stopped"].tolist() == [False, True, False, False, False, False]
        assert cut["tokens"].tolist() == [3] * 6
        assert sampling_trials.at_limit(DRAWN, 2)["stopped"].sum() == 0
        assert sampling_trials.at_limit(DRAWN, 9)["stopped"].tolist() == DRAWN["stopped"].tolist()

    def test_what_tries_cost(self):
        assert sampling_trials.tries(DRAWN, 1, 9) == (0.0, 9.0)
        assert sampling_trials.tries(DRAWN, 3, 9) == (0.5, (18 + 27) / 2)
        assert sampling_trials.tries(DRAWN, 3, 9, early_exit=True) == (0.5, (12 + 27) / 2)
        assert sampling_trials.tries(DRAWN, 3, 2) == (0.0, 6.0)
        shuffled = DRAWN.sample(frac=1, random_state=1)
        assert sampling_trials.tries(shuffled, 3, 9, True) == sampling_trials.tries(DRAWN, 3, 9, True)

    def test_choose_by_columns_and_then_by_order(self):
        assert sampling_trials.choose(DRAWN)["text"].tolist() == ["a a", "d"]
        assert sampling_trials.choose(DRAWN, "logprob")["text"].tolist() == ["a a", "d"]
        assert sampling_trials.choose(DRAWN, "stopped", "logprob")["text"].tolist() == ["c c", "d"]

    def test_described(self):
        found = sampling_trials.described(DRAWN, ["b"])
        assert found["stopped"] == pytest.approx(1 / 3)
        assert found["tokens"] == 9.0
        assert found["log-probability"] == pytest.approx(-19 / 6)
        table = sampling_trials.compare_choices(DRAWN, {"first": [], "likely": ["logprob"]}, ["b"])
        assert table["tokens"].to_dict() == {"first": 9.0, "likely": 9.0}

    def test_spread_by_length(self):
        found = sampling_trials.spread_by_length(DRAWN, 6)
        assert found["count"].to_dict() == {"up to 6 tokens": 2, "longer": 4}
        assert found.loc["up to 6 tokens", ["mean", "std"]].tolist() == pytest.approx([-2.5, math.sqrt(0.5)])

    def test_what_helps_where_the_first_failed(self):
        table, prompts = sampling_trials.after_failure(DRAWN, first=1, limit=5, room=6)
        assert prompts == 2
        assert table.loc["2 further of up to 5"].tolist() == [0.5, (3 + 5 + 5 + 5) / 2]
        assert table.loc["1 further of up to 6"].tolist() == [0.5, (3 + 6 + 6 + 6) / 4]
        assert table.loc["the first 1 again, up to 6"].tolist() == [0.0, 6.0]
        for first, data in ((3, DRAWN), (1, DRAWN.assign(stopped=True))):
            with pytest.raises(DataError, match=f"No prompt has {first} samples"):
                sampling_trials.after_failure(data, first, 9, 9)

    def test_plans_are_named(self):
        table = sampling_trials.plan_costs(DRAWN, [(1, 9, False), (3, 9, True)])
        assert list(table.index) == ["1 sample of up to 9", "up to 3 samples of up to 9, one at a time"]
        assert table.iloc[1].tolist() == [0.5, (12 + 27) / 2]

    def test_gain_within_prompts_alone(self):
        gain, prompts = sampling_trials.paired_gain(DRAWN, "logprob")
        assert (gain.mean, gain.low, gain.high, prompts) == (-1.5, -1.5, -1.5, 1)
        with pytest.raises(DataError, match="No prompt has both"):
            sampling_trials.paired_gain(DRAWN[DRAWN["stopped"]], "logprob")
        with pytest.raises(DataError, match="No prompt has both"):
            sampling_trials.paired_gain(DRAWN.iloc[2:4], "logprob")


class TestControls:
    def test_the_suffix_of_the_next_prompt_of_the_kind(self):
        prompts = pd.DataFrame({"suffix": list("abcde"), "suffix_begins": list("xyxyx")})
        assert sampling_trials.other_suffixes(prompts).tolist() == ["c", "d", "e", "b", "a"]

    def test_a_p_per_kind_comes_near_and_the_gap_is_paired(self):
        random = np.random.default_rng(0)
        kinds = np.repeat(["sure", "rare"], 40)
        stopped = random.random((80, 8)) < np.where(kinds == "sure", 0.95, 0.1)[:, None]
        table = sampling_trials.resampling(stopped, kinds)
        assert table["p per kind"].to_numpy() == pytest.approx(table["measured"].to_numpy(), abs=0.05)
        assert table.loc[1, ["gap low", "gap high"]].tolist() == [0, 0]
        gap = table["one p"] - table["measured"]
        assert ((table["gap low"] <= gap + 1e-9) & (gap <= table["gap high"] + 1e-9)).all()
        assert sampling_trials.curve(table, "one p").shape == (8, 3)
        assert sampling_trials.curve(table, "measured", "low", "high")[:, 1].tolist() == table["low"].tolist()

    def test_nothing_to_draw_for(self):
        with pytest.raises(DataError, match="no prompts"):
            sampling_trials.resampling(np.ones((0, 8), bool))
        with pytest.raises(DataError, match="no prompts"):
            sampling_trials.share_joined({4: []})
        with pytest.raises(ValueError, match="most=8 is more than the 4 samples"):
            sampling_trials.resampling(np.ones((3, 4), bool))
