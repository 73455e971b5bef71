"""The model that fine-tuning trains: prompts taken apart, features, training, answers, the file."""

import dataclasses
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.engine import classifier_answers, classifier_features, classifier_layout, vectors
from helpers.engine.classifier import Classifier, prompt_of_messages
from helpers.engine.classifier_training import (
    MAX_LABELS,
    PATIENCE,
    Example,
    Hyperparameters,
    Training,
    TuningError,
    choose,
)
from helpers.engine.errors import ApiError
from helpers.engine.generation import Generation
from helpers.errors import WorkbookError

ROOT = Path(__file__).resolve().parents[1]
END = "\n\n###\n\n"
THINGS = ["tea", "rice", "bread", "honey", "soup", "jam", "cheese", "oats", "cocoa", "pasta"]
GOOD = ["lovely {}, I buy it again", "the {} is delicious", "fresh {} and a great price", "best {} ever"]
BAD = ["awful {}, never again", "the {} was stale", "mouldy {} and a broken jar", "worst {} ever"]
REVIEWS = [
    Example(text.format(thing) + END, label)
    for thing in THINGS
    for texts, label in ((GOOD, " positive"), (BAD, " negative"))
    for text in texts
]
QUICK = Hyperparameters(5, 8, 1.0)


def trained(examples=REVIEWS, validation=None, hyperparameters=QUICK, seed=1) -> Training:
    training = Training(examples, validation, hyperparameters, seed)
    for _ in training:
        pass
    return training


@pytest.fixture(scope="module")
def model() -> Classifier:
    return trained().model()


@pytest.fixture(scope="module")
def many() -> Classifier:
    """Labels that share their first token, one that begins another, and Korean ones."""
    labels = [" gift card", " gift", " account", "배송", "positive"]
    examples = [Example(f"{word} number {i}", label) for i in range(6) for word, label in zip(THINGS, labels)]
    many = trained(examples).model()
    many.name = "ft:many"
    return many


# ----------------------------------------------------------------------------- prompts taken apart


class TestLayout:
    def test_a_separator_is_cut_off(self):
        layout = classifier_layout.find([example.prompt for example in REVIEWS])
        assert layout.split(["good tea" + END, "good tea"]) == [["good tea", "good tea"]]

    @pytest.mark.parametrize("ending", [" ->", "\n\n###\n\n", "\nSentiment:", " =>\n", ""])
    def test_any_ending_leaves_the_same_fields(self, ending):
        texts = [f"{a} is {b}" for a in THINGS for b in ("good", "bad.", "so-so?")]
        layout = classifier_layout.find([text + ending for text in texts])
        assert layout.split([text + ending for text in texts]) == [texts]

    def test_more_than_the_separator_may_be_shared_by_chance(self):
        layout = classifier_layout.find([f"{a} {b} from here ->" for a in THINGS for b in ("red", "blue")])
        assert layout.split(["tea from here ->", "tea ->", "tea where"]) == [["tea", "tea", "tea where"]]

    def test_labelled_lines_are_fields_and_constant_ones_go(self):
        prompts = [
            f"Shop: ours\nCompany: {a}\nAd: the best {b}\nand more {b}\nSupported:"
            for a in THINGS
            for b in ("jam", "oil")
        ]
        layout = classifier_layout.find(prompts)
        assert layout.fields == 2
        assert layout.split(prompts[1:2]) == [["tea"], ["oil\nand more oil"]]
        assert layout.split(["Ad: no company"]) == [[""], ["no company"]]

    def test_a_title_is_a_field_where_nearly_all_have_one(self):
        prompts = [f"{a}\nIt is {b}." for a in THINGS for b in ("good", "bad")]
        layout = classifier_layout.find(prompts)
        fields = layout.split(["tea\nIt is odd", "It is untitled", ""])
        assert fields == [["tea", "", ""], ["It is odd", "It is untitled", ""]]

    def test_colons_inside_a_text_make_no_fields(self):
        layout = classifier_layout.find(
            [f"{a}\nNote: {b}" if b else a for a in THINGS for b in ("", "x", "y z")]
        )
        assert layout.labels == ()

    def test_a_shared_instruction_goes(self):
        prompts = [
            f"Say whether the customer is content. {a} was {b}" for a in THINGS for b in ("good", "bad")
        ]
        assert classifier_layout.find(prompts).split(prompts[:1]) == [["tea was good"]]

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.text(max_size=40), min_size=1, max_size=12), st.text(max_size=40))
    def test_every_prompt_can_be_taken_apart(self, prompts, other):
        layout = classifier_layout.find(prompts)
        fields = layout.split([*prompts, other])
        assert len(fields) == layout.fields
        assert {len(field) for field in fields} == {len(prompts) + 1}

    def test_messages(self):
        one = [{"role": "user", "content": "Is it kosher?"}]
        assert prompt_of_messages(one) == "Is it kosher?"
        two = [{"role": "system", "content": "Be brief."}, *one]
        assert prompt_of_messages(two) == "System: Be brief.\n\nIs it kosher?"
        parts = [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]
        assert prompt_of_messages(parts) == "ab"
        assert prompt_of_messages([*one, {"role": "assistant", "content": None}]) == (
            "User: Is it kosher?\n\nAssistant: \n\n"
        )
        with pytest.raises(TuningError, match="must be text"):
            prompt_of_messages([{"role": "user", "content": [{"type": "image_url"}]}])

    def test_chat_rows_train_the_same_model_as_prompts(self):
        chats = []
        for example in REVIEWS:
            messages = [{"role": "system", "content": "Judge the review."}]
            messages.append({"role": "user", "content": example.prompt})
            chats.append(Example(prompt_of_messages(messages), example.label))
        asked = REVIEWS[3].prompt
        plain = trained().model().log_probabilities([asked])
        chat = trained(chats).model()
        message = [{"role": "system", "content": "Judge the review."}, {"role": "user", "content": asked}]
        np.testing.assert_array_equal(chat.log_probabilities([prompt_of_messages(message)]), plain)


# ----------------------------------------------------------------------------- features


class TestFeatures:
    def test_negation_changes_the_word(self):
        assert classifier_features.mark_negation("Not so good") == "not so not_good"
        assert (
            classifier_features.mark_negation("I don\N{RIGHT SINGLE QUOTATION MARK}t like it")
            == "i don't not_like it"
        )

    def test_words_and_pairs_by_hand(self):
        prompts = ["red tea", "red tea", "green tea tea"]
        layout = classifier_layout.Layout((), (("", ""),), (0,), 1)
        reader, seen = classifier_features.fit(layout, prompts, np.array([0, 1, 0]))
        assert len(reader.keys) == 3  # red, tea, and "red tea": what two prompts have
        idf = {"red": math.log(4 / 3) + 1, "tea": 1.0, "red tea": math.log(4 / 3) + 1}
        length = math.sqrt(sum(value**2 for value in idf.values()))
        expected = sorted(value / length for value in idf.values())
        assert sorted(seen.words.toarray()[0]) == pytest.approx(expected, rel=1e-6)
        assert seen.words.toarray()[2].sum() == pytest.approx(1.0)  # only "tea" is known

    def test_vectors_are_those_of_the_embedding_model(self):
        texts = ["a cup of tea", "rice", ""]
        tokens, base = classifier_features._token_rows(texts)
        np.testing.assert_allclose(base, vectors.load().embed(texts), atol=1e-6)
        np.testing.assert_allclose(tokens @ vectors.load().table, base, atol=1e-6)

    def test_reading_again_gives_what_fitting_saw(self):
        prompts = [f"Product: {a} in a jar\nAd: {b} for you" for a in THINGS for b in THINGS[:4]]
        layout = classifier_layout.find(prompts)
        classes = np.array([i % 4 == 0 for i in range(len(prompts))]).astype(int)
        reader, seen = classifier_features.fit(layout, prompts, classes)
        again = reader.read(prompts)
        assert (again.words != seen.words).nnz == 0
        np.testing.assert_array_equal(again.alike, seen.alike)
        for one, other in zip(again.tokens, seen.tokens):
            assert (one != other).nnz == 0

    def test_likeness_that_tells_nothing_is_left_out(self):
        values = np.array([[0.0, 1.0], [0.1, 0.2], [1.0, 0.9], [0.9, 0.1]] * 5)
        told = classifier_features._told(values, np.array([0, 0, 1, 1] * 5))
        assert told[0] > 0.9
        assert told[1] == 0

    def test_features_of_groups_count_as_they_tell_of_others(self):
        groups = np.repeat(np.arange(10), 4)
        classes = np.tile([0, 0, 1, 1], 10)
        useful = np.column_stack([classes, 1 - classes]).astype(float)
        own = (
            np.eye(10)[groups] * np.where(classes, 1.0, -1.0)[:, None]
        )  # says something of its own group only
        one, other = (
            classifier_features._told_of_other(scipy.sparse.csr_matrix(rows), classes, groups)
            for rows in (useful, own)
        )
        assert one == pytest.approx(1)
        assert other == classifier_features.LEAST


# ----------------------------------------------------------------------------- training


class TestTraining:
    def test_it_learns_and_says_so_step_by_step(self):
        steps = list(training := Training(REVIEWS, None, QUICK, 1))
        assert [step.step for step in steps] == list(range(1, 51))
        assert {step.total_steps for step in steps} == {50}
        assert [step.epoch_ended for step in steps if step.epoch_ended] == [1, 2, 3, 4, 5]
        first, last = (np.mean([step.train_loss for step in some]) for some in (steps[:5], steps[-5:]))
        assert last < first / 3
        assert steps[-1].train_accuracy == 1
        assert {step.valid_loss for step in steps} == {None}
        assert training.stopped_early_at is None
        counts = vectors.load().count([f"{example.prompt}{example.label}" for example in REVIEWS])
        assert training.trained_tokens == 5 * sum(counts)

    def test_words_not_met_are_understood_by_their_vectors(self, model):
        likely = np.exp(
            model.log_probabilities(["tasty, excellent, wonderful" + END, "disgusting, horrible" + END])
        )
        assert model.labels == (" negative", " positive")
        assert likely[0, 1] > 0.5 > likely[1, 1]
        np.testing.assert_allclose(likely.sum(axis=1), 1)

    def test_the_same_seed_gives_the_same_model_to_the_bit(self, model, tmp_path):
        model.save(tmp_path / "one")
        trained().model().save(tmp_path / "two")
        trained(seed=2).model().save(tmp_path / "three")
        one, two, three = ((tmp_path / name).read_bytes() for name in ("one", "two", "three"))
        assert one == two
        assert one != three

    def test_another_process_gives_the_same_model(self, model, tmp_path):
        model.save(tmp_path / "one")
        code = (
            "import json, sys\n"
            "from helpers.engine.classifier_training import Example, Hyperparameters, Training\n"
            "examples = [Example(*pair) for pair in json.load(sys.stdin)]\n"
            "training = Training(examples, None, Hyperparameters(5, 8, 1.0), 1)\n"
            "for _ in training: pass\n"
            "training.model().save(sys.argv[1])"
        )
        rows = json.dumps([(example.prompt, example.label) for example in REVIEWS])
        command = [sys.executable, "-c", code, str(tmp_path / "two")]
        subprocess.run(command, input=rows, text=True, check=True, cwd=ROOT, timeout=60)
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()

    def test_it_stops_early_and_returns_the_best_epoch(self):
        wrong = {" positive": " negative", " negative": " positive"}
        validation = [Example(example.prompt, wrong[example.label]) for example in REVIEWS[:20]]
        steps = list(training := Training(REVIEWS, validation, Hyperparameters(20, 8, 1.0), 1))
        ends = [step for step in steps if step.epoch_ended]
        assert len(ends) == 1 + PATIENCE
        assert training.stopped_early_at == steps[-1].step < steps[-1].total_steps
        assert min(ends, key=lambda step: step.full_valid_loss) is ends[0]
        prompts = [example.prompt for example in validation]
        logs = training.model().log_probabilities(prompts)
        places = [training.labels.index(example.label) for example in validation]
        loss = -logs[np.arange(len(places)), places].mean()
        assert loss == pytest.approx(ends[0].full_valid_loss, rel=1e-3)  # rounded, as files keep it

    def test_validation_is_measured_on_batches_and_whole(self):
        steps = list(Training(REVIEWS[16:], REVIEWS[:16], QUICK, 1))
        assert all(step.valid_loss > 0 for step in steps)
        ends = [step for step in steps if step.epoch_ended]
        assert ends[-1].full_valid_loss < ends[0].full_valid_loss
        assert ends[-1].full_valid_accuracy == 1

    def test_a_checkpoint_is_whole_and_does_not_change(self):
        training = Training(REVIEWS, None, QUICK, 1)
        steps = iter(training)
        for _ in range(10):
            next(steps)
        early = training.model()
        before = early.log_probabilities([REVIEWS[0].prompt])
        for _ in steps:
            pass
        np.testing.assert_array_equal(early.log_probabilities([REVIEWS[0].prompt]), before)
        assert (training.model().log_probabilities([REVIEWS[0].prompt]) != before).all()

    def test_two_fields_are_compared(self):
        """Whether the second line is about the first: no word tells, only their likeness."""
        foods = {
            "tea": "a hot drink of leaves",
            "bread": "a loaf from the oven",
            "cheese": "milk made to last",
        }
        foods |= {"honey": "sweet, from bees", "soup": "vegetables in broth", "beer": "brewed from malt"}
        names = list(foods)
        examples = [
            Example(f"Product: {a}\nAd: {a} is {foods[b]}. Buy {b}\nSupported:", " yes" if a == b else " no")
            for a in names
            for b in names
        ]
        examples = [e for e in examples if e.label == " no"] + [e for e in examples if e.label == " yes"] * 5
        right = trained(examples).model()
        asked = [f"Product: {a}\nAd: {b} {foods[b]}. Buy {b}\nSupported:" for a in names for b in names]
        likely = np.exp(right.log_probabilities(asked))[:, right.labels.index(" yes")].reshape(6, 6)
        assert np.diag(likely).min() > likely[~np.eye(6, dtype=bool)].mean()

    def test_a_huge_step_breaks_nothing(self):
        wild = trained(hyperparameters=Hyperparameters(3, 8, 100.0)).model()
        assert np.isfinite(np.exp(wild.log_probabilities([REVIEWS[0].prompt]))).all()

    def test_what_all_examples_have_alike_does_not_decide_about_others(self):
        examples = [
            Example(f"{good} {thing} ->", label)
            for thing in THINGS
            for good, label in (("lovely", " yes"), ("awful", " no"), ("fresh", " yes"), ("stale", " no"))
        ]
        model = trained(examples).model()
        for prompt in ("awful, STALE! old soup ->", "awful " + "and stale tea " * 300):
            assert model.generate(Generation(prompt, temperature=0))[0].text == " no"

    def test_prompts_may_be_empty_or_odd(self):
        examples = [Example(text, label) for text in ("", "?", "배송", "<s> \x00") for label in (" a", " b")]
        assert np.isfinite(trained(examples).model().log_probabilities(["", "\n\n", "x" * 5000])).all()

    def test_numbers_of_the_table_that_move_by_rounding_move_nothing(self, model, monkeypatch):
        table = vectors.load().table
        moved = table + np.random.default_rng(0).normal(0, 3e-7, table.shape).astype(np.float32)
        prompts = [example.prompt for example in REVIEWS]
        before = model.log_probabilities(prompts)
        monkeypatch.setattr(vectors.load(), "table", moved)
        np.testing.assert_allclose(trained().model().log_probabilities(prompts), before, atol=2e-3)


class TestWhatCannotBeTrained:
    def test_one_class(self):
        with pytest.raises(TuningError, match=r"All completions are ' yes'"):
            Training([Example("a", " yes")] * 12, None, QUICK, 0)

    def test_no_examples(self):
        with pytest.raises(TuningError, match="no examples"):
            Training([], None, QUICK, 0)

    def test_free_text(self):
        with pytest.raises(TuningError, match="looks like free text"):
            Training([Example(str(i), f" answer {i}") for i in range(12)], None, QUICK, 0)
        with pytest.raises(TuningError, match=f"at most {MAX_LABELS}"):
            Training([Example(str(i), f" {i % 101}") for i in range(1_000)], None, QUICK, 0)

    def test_validation_of_a_class_never_seen(self):
        with pytest.raises(TuningError, match="' mixed'") as caught:
            Training(REVIEWS, [Example("so so", " mixed")], QUICK, 0)
        assert caught.value.param == "validation_file"


class TestChoose:
    @pytest.mark.parametrize("count", [10, 100, 101, 400, 2_000, 2_001, 100_000])
    def test_auto(self, count):
        chosen = choose({"n_epochs": "auto", "batch_size": None}, count)
        assert 3 <= chosen.n_epochs <= 30
        assert 4 <= chosen.batch_size <= 32
        assert chosen.learning_rate_multiplier == 1.0
        assert chosen == choose(None, count)

    def test_what_is_asked_for_is_taken(self):
        asked = {"n_epochs": 2, "batch_size": 5, "learning_rate_multiplier": 3}
        assert choose(asked, 800) == Hyperparameters(2, 5, 3.0)

    @pytest.mark.parametrize(
        ("asked", "said"),
        [
            ({"n_epochs": 0}, "n_epochs must be"),
            ({"n_epochs": 1.5}, "a whole number"),
            ({"batch_size": True}, "batch_size must be"),
            ({"learning_rate_multiplier": 0}, "a number from"),
            ({"beta": 1}, "no hyperparameter 'beta'"),
        ],
    )
    def test_what_is_wrong_is_said(self, asked, said):
        with pytest.raises(TuningError, match=said):
            choose(asked, 100)


# ----------------------------------------------------------------------------- answers


class TestTokens:
    @pytest.mark.parametrize(
        "label", [" positive", "positive", "배송", " 환불!", "", "  two", "a\nb", "x ", "🙂 ok", "▁"]
    )
    def test_joined_they_are_the_label(self, label):
        assert "".join(classifier_answers.tokens_of(label)) == label

    def test_a_class_of_one_token(self):
        assert classifier_answers.tokens_of(" positive") == [" positive"]
        assert classifier_answers.tokens_of("positive") == ["positive"]

    @settings(max_examples=100, deadline=None)
    @given(st.text(max_size=20))
    def test_any_label(self, label):
        assert "".join(classifier_answers.tokens_of(label)) == label


class TestGenerate:
    def test_one_token_is_cut_off_and_two_are_not(self, model):
        asked = Generation(REVIEWS[0].prompt, max_tokens=1, temperature=0)
        choice = model.generate(asked)[0]
        assert (choice.text, choice.finish_reason) == (" positive", "length")
        assert model.generate(dataclasses.replace(asked, max_tokens=2))[0].finish_reason == "stop"

    def test_logprobs_are_those_of_the_classes(self, model):
        asked = Generation(REVIEWS[0].prompt, max_tokens=1, temperature=0, top_logprobs=5)
        token = model.generate(asked)[0].tokens[0]
        expected = model.log_probabilities([REVIEWS[0].prompt])[0]
        assert token.logprob == pytest.approx(expected[1])
        assert dict(token.top) == pytest.approx(dict(zip(model.labels, expected)))
        assert [text for text, _ in token.top] == [" positive", " negative"]

    def test_completions_that_begin_alike_share_a_token(self, many):
        likely = dict(zip(many.labels, np.exp(many.log_probabilities(["rice number 2"])[0])))
        first, second = classifier_answers.tokens_of(" gift card")[:2]
        asked = Generation("rice number 2", max_tokens=5, temperature=0, top_logprobs=10, stop=())
        top = dict(many.generate(asked)[0].tokens[0].top)
        assert math.exp(top[first]) == pytest.approx(likely[" gift"] + likely[" gift card"])
        answers = [
            many.generate(dataclasses.replace(asked, temperature=1, seed=seed))[0] for seed in range(200)
        ]
        assert {answer.text for answer in answers} <= set(many.labels)
        assert {answer.finish_reason for answer in answers} == {"stop"}
        of_two = next(answer for answer in answers if answer.text == " gift card")
        share = likely[" gift card"] / (likely[" gift"] + likely[" gift card"])
        assert math.exp(of_two.tokens[1].logprob) == pytest.approx(share)
        assert set(dict(of_two.tokens[1].top)) == {second, classifier_answers.END}

    def test_each_token_multiplies_to_the_class(self, many):
        asked = Generation("jam number 1", max_tokens=50, seed=3, n=40)
        likely = dict(zip(many.labels, many.log_probabilities([asked.prompt])[0]))
        for choice in many.generate(asked):
            if choice.text != " gift":  # its end is no token
                assert sum(token.logprob for token in choice.tokens) == pytest.approx(likely[choice.text])
            assert "".join(token.text for token in choice.tokens) == choice.text

    def test_a_label_cut_short(self, many):
        answers = many.generate(Generation("honey number 1", max_tokens=1, n=60, seed=1))
        reasons = {(answer.text, answer.finish_reason) for answer in answers}
        assert {reason for _, reason in reasons} == {"length"}
        assert {len(answer.tokens) for answer in answers} == {1}

    def test_temperature_seed_and_n(self, model):
        unsure = Generation("tea" + END, temperature=2.0, n=50, seed=4)
        one, two = model.generate(unsure), model.generate(unsure)
        assert one == two
        assert {choice.text for choice in one} == set(model.labels)
        assert one != model.generate(dataclasses.replace(unsure, seed=5))
        greedy = model.generate(dataclasses.replace(unsure, temperature=0))
        assert len({choice.text for choice in greedy}) == 1
        assert len({choice.text for choice in model.generate(dataclasses.replace(unsure, top_p=0.01))}) == 1

    def test_samples_come_as_often_as_they_are_likely(self, model):
        likely = np.exp(model.log_probabilities(["tea" + END])[0, 1])
        answers = model.generate(Generation("tea" + END, n=2_000, seed=0))
        share = np.mean([choice.text == " positive" for choice in answers])
        assert share == pytest.approx(likely, abs=4 * math.sqrt(likely * (1 - likely) / 2_000) + 1e-3)

    def test_best_of_returns_the_likeliest(self, model):
        answers = model.generate(Generation("tea" + END, n=2, best_of=30, seed=0, temperature=2.0))
        best = max(model.log_probabilities(["tea" + END])[0])
        assert [answer.tokens[0].logprob for answer in answers] == pytest.approx([best, best])

    def test_stop(self, many):
        answers = many.generate(Generation("rice number 2", n=100, seed=0, stop=("card", "ositive")))
        texts = {answer.text for answer in answers}
        assert {" gift ", "p"} <= texts
        assert not {" gift card", "positive"} & texts
        assert {answer.finish_reason for answer in answers} == {"stop"}

    def test_ties_go_to_the_first_label(self):
        tree = classifier_answers.tree([" a", " b", " c"])
        even = np.log(np.full(3, 1 / 3))
        assert classifier_answers.write(tree, even, Generation("", temperature=0))[0].text == " a"

    def test_what_a_classifier_cannot_do(self, many):
        with pytest.raises(ApiError, match="ft:many chooses among 5 completions") as error:
            many.generate(Generation("a", suffix="b"))
        assert error.value.param == "suffix"
        with pytest.raises(ApiError, match="echo"):
            many.score("a", 1)
        assert many.count("a cup of tea") == vectors.load().count(["a cup of tea"])[0]

    @settings(max_examples=50, deadline=None)
    @given(
        st.lists(st.text("ab c배", min_size=1, max_size=4), min_size=2, max_size=6, unique=True),
        st.integers(0, 2**31),
    )
    def test_any_labels(self, labels, seed):
        labels = sorted(labels)
        logs = np.log(np.random.default_rng(seed).dirichlet(np.ones(len(labels))))
        answers = classifier_answers.write(
            classifier_answers.tree(labels), logs, Generation("", seed=seed, n=5, max_tokens=99)
        )
        assert {answer.text for answer in answers} <= set(labels)


# ----------------------------------------------------------------------------- embeddings and the file


class TestEmbeddings:
    def test_trained_vectors_of_texts_and_of_tokens(self, model):
        texts = ["lovely tea", "aardvarks", ""]
        sums, counts = model.sums_and_counts(texts)
        frozen, same = vectors.load().sums_and_counts(texts)
        assert sums.dtype == np.float32
        np.testing.assert_array_equal(counts, same)
        assert np.abs(sums[0] - frozen[0]).max() > 1e-3
        ids = vectors.load().encode(texts[:2])
        np.testing.assert_allclose(model.sums_and_counts(ids)[0], sums[:2], atol=1e-5)

    def test_training_moves_opposite_words_apart(self, model):
        def cosine(source) -> float:
            one, other = vectors.unit_length(source.sums_and_counts(["lovely", "awful"])[0])
            return float(one @ other)

        assert cosine(model) < cosine(vectors.load())


class TestFile:
    def test_it_answers_the_same_after_loading(self, model, many, tmp_path):
        for one in (model, many):
            one.save(tmp_path / "model")
            again = Classifier.load(tmp_path / "model", "ft:again")
            prompts = ["lovely tea" + END, "배송", "", REVIEWS[5].prompt]
            np.testing.assert_array_equal(again.log_probabilities(prompts), one.log_probabilities(prompts))
            np.testing.assert_array_equal(again.sums_and_counts(prompts)[0], one.sums_and_counts(prompts)[0])
            assert (again.name, again.labels) == ("ft:again", one.labels)
        assert (tmp_path / "model").stat().st_size < 1_000_000
        assert [path.name for path in tmp_path.iterdir()] == ["model"]

    def test_damaged_and_missing_files(self, model, tmp_path):
        with pytest.raises(FileNotFoundError):
            Classifier.load(tmp_path / "none", "ft:x")
        model.save(tmp_path / "model")
        whole = (tmp_path / "model").read_bytes()
        for content in (
            b"",
            b"no model",
            whole[: len(whole) // 2],
            whole.replace(rb"{\"format\": \"1", rb"{\"format\": \"0"),
        ):
            (tmp_path / "model").write_bytes(content)
            with pytest.raises(WorkbookError, match="train the model again"):
                Classifier.load(tmp_path / "model", "ft:x")

    def test_no_prompts(self, model):
        assert model.log_probabilities([]).shape == (0, 2)
