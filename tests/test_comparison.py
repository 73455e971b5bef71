"""Ways to answer are measured on the same rows, and the rule takes the least effort that is not beaten."""

import dataclasses
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import numpy as np
import openai
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import comparison, engine, reviews
from helpers.comparison import models, thresholds, trials
from helpers.engine import registry
from helpers.errors import DataError, HostError
from helpers.splits import Split

# ----------------------------------------------------------------------------- a task with known answers

WORDS = {"hot": ["tea", "soup", "stew"], "cold": ["ice", "snow", "frost"]}


@pytest.fixture(scope="module")
def task():
    """60 texts of two classes that differ in one word; vectors (60, 4) that show the class, with noise."""
    random = np.random.default_rng(0)
    labels = np.array(["cold", "hot"] * 30)
    texts = np.array(
        [f"{random.choice(WORDS[one])} number {i}" for i, one in enumerate(labels)], dtype=object
    )
    vectors = np.eye(4)[[["cold", "hot"].index(one) for one in labels]] + 0.3 * random.standard_normal(
        (60, 4)
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    orders = [random.permutation(60) for _ in range(3)]
    parts = tuple(Split(np.sort(order[:48]), np.sort(order[48:])) for order in orders)
    return comparison.Task("toy", texts, labels, vectors, parts, "Hot or cold?")


def embed(texts):
    from helpers import embeddings

    return embeddings.embed(list(texts), engine.client(), registry.EMBEDDINGS)


@pytest.fixture(scope="module")
def claims():
    return comparison.claims(embed, range(2))


# ----------------------------------------------------------------------------- the three tasks


def test_reviews_are_split_by_text_and_three_stars_left_out():
    rows = reviews.tidy(reviews.load("sample"))
    task = comparison.sentiment(rows, lambda texts: np.ones((len(texts), 2)), range(2), most=200)
    assert len(task.texts) == (rows["Score"] != 3).sum() and set(task.classes) == {"negative", "positive"}
    for train, test in task.parts:
        assert len(train) == 200 and len(test) == 177 and task.ratio == pytest.approx(0.25, abs=0.01)
        known = {reviews.normalised(text) for text in task.texts[train]}
        assert not known & {reviews.normalised(text) for text in task.texts[test]}
        assert (np.diff(train) > 0).all() and (np.diff(test) > 0).all()


def test_of_very_many_reviews_some_are_drawn():
    rows = reviews.tidy(reviews.load("sample"))
    task = comparison.sentiment(rows, lambda texts: np.ones((len(texts), 2)), range(1), most=20)
    assert len(task.texts) == 100


def test_topics_are_in_english_and_in_equal_shares():
    task = comparison.topics(lambda texts: np.ones((len(texts), 2)), range(2))
    train, test = task.parts[0]
    assert len(task.classes) == 5 and len(task.texts) == 390
    assert np.ptp(np.unique(task.labels[test], return_counts=True)[1]) <= 1
    assert task.prompts(train[:1])[0].endswith("\n\n###\n\n")
    assert len(comparison.topics(lambda t: np.ones((len(t), 2)), range(1), language="").texts) == 410


def test_a_company_is_on_one_side(claims):
    for train, test in claims.parts:
        companies = [{text.split("\n")[0] for text in claims.texts[side]} for side in (train, test)]
        assert not companies[0] & companies[1]
    assert claims.prompts(np.array([0]))[0].endswith("\nSupported:")
    assert claims.fields.shape == (283, 1) and claims.kinds.shape == (283,)


def test_crossed_puts_every_product_beside_every_ad(claims):
    test = claims.parts[0].test
    more, table = comparison.crossed(claims, test, embed)
    c = len(table)
    assert table.shape == (c, c) and len(more.texts) == len(claims.texts) + c * c == len(more.vectors)
    fields = [[text.split("\n") for text in more.texts[row]] for row in table]
    assert len({fields[0][j][1] for j in range(c)}) == 1, "one product a row"
    assert len({fields[i][0][2] for i in range(c)}) == 1, "one ad a column"
    own = set(claims.texts[test])
    assert all(more.texts[table[i, i]] in own and more.labels[table[i, i]] == "yes" for i in range(c))
    assert (more.labels[table[~np.eye(c, dtype=bool)]] == "no").all()


# ----------------------------------------------------------------------------- ways


@pytest.mark.parametrize("name", comparison.WAYS)
def test_every_way_gives_probabilities_and_beats_nothing_unread(task, name):
    found = comparison.answers(task, {name: comparison.WAYS[name]})[name]
    for p, (_, test) in zip(found, task.parts, strict=True):
        assert p.shape == (len(test), 2) and np.allclose(p.sum(axis=1), 1)
    accuracy = comparison.scored(task, {name: found})[name]["accuracy"].mean()
    assert accuracy > 0.85 or name == "majority class"


def test_no_way_looks_at_the_test_labels(task):
    train, test = task.parts[0]
    labels = task.labels.copy()
    labels[test] = np.where(labels[test] == "hot", "cold", "hot")
    turned = dataclasses.replace(task, labels=labels)
    for way in comparison.WAYS.values():
        assert np.allclose(way(task, train, test), way(turned, train, test))


def test_neighbours_vote_with_their_cosine():
    vectors = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1.0]])
    labels = np.array(["a", "b", "b", "a"])
    task = comparison.Task("t", np.array(list("wxyz"), dtype=object), labels, vectors, (), "?")
    p = comparison.nearest(task, np.array([1, 2, 3]), np.array([0]), k=2)
    assert p.tolist() == [[0.0, 1.0]]
    p = comparison.nearest(task, np.array([1, 3]), np.array([0]), k=5)
    assert p[0, 1] == pytest.approx(1, abs=1e-5), "a cosine of 0 has no weight to speak of"


def test_fields_are_wanted_where_they_are_compared(task):
    with pytest.raises(DataError, match="no two fields"):
        comparison.on_fields(task, *task.parts[0])


def test_a_class_unseen_in_training_gets_nothing(task):
    train, test = task.parts[0]
    three = dataclasses.replace(task, labels=np.append(task.labels[:-1], "lukewarm"))
    rows = train[train < 59]
    p = comparison.on_vectors(three, rows, test)
    assert p.shape == (len(test), 3) and (p[:, 2] == 0).all()


def test_a_text_of_ones_own_is_answered_from_the_first_split(task):
    found = comparison.ask(task, comparison.WAYS, "frost everywhere", lambda texts: task.vectors[:1])
    assert list(found) == list(comparison.WAYS)
    assert found["words"].shape == (2,) and found["words"].argmax() == 0


# ----------------------------------------------------------------------------- scores, subsets, the rule


def test_scores_of_a_perfect_a_reversed_and_a_silent_way(task):
    test = task.parts[0].test
    perfect = (task.labels[test][:, None] == task.classes).astype(float)
    assert comparison.score(task, perfect, test) == {"accuracy": 1.0, "macro F1": 1.0, "AUROC": 1.0}
    assert comparison.score(task, 1 - perfect, test) == {"accuracy": 0.0, "macro F1": 0.0, "AUROC": 0.0}
    silent = comparison.score(task, np.zeros_like(perfect), test)
    assert silent == {"accuracy": 0.0, "macro F1": 0.0, "AUROC": 0.5}


def test_a_test_side_without_a_class_is_refused(task):
    hot = np.flatnonzero(task.labels == "hot")
    with pytest.raises(DataError, match="'cold'"):
        comparison.score(task, np.ones((len(hot), 2)), hot)


def test_right_by_kind_counts_rows(claims, task):
    found = comparison.answers(claims, {"majority": comparison.majority})
    table = comparison.right_by_kind(claims, found)
    assert table["test rows"].sum() == sum(len(test) for _, test in claims.parts)
    assert table["majority"].between(0, 1).all()
    with pytest.raises(DataError, match="kinds"):
        comparison.right_by_kind(task, {})
    tests = np.concatenate([test for _, test in claims.parts])
    once = comparison.right_once(claims, found, ["contradiction", "exaggeration"])
    distinct = np.isin(claims.kinds[np.unique(tests)], ["contradiction", "exaggeration"]).sum()
    assert once.loc["majority", "rows"] == distinct and once.loc["majority", "low"] <= 0.5


def test_fewer_rows_are_learnt_from_and_all_test_rows_stay():
    for make in (comparison.topics, comparison.claims):
        few, all_ = (make(lambda t: np.ones((len(t), 2)), range(2), most=most) for most in (50, 1000))
        for (some, test), (train, same) in zip(few.parts, all_.parts):
            assert len(some) == 50 and set(some) <= set(train) and (test == same).all()


@given(st.lists(st.sampled_from("aaaab"), min_size=10, max_size=80), st.integers(0, 5))
def test_every_beginning_has_the_shares(labels, seed):
    labels = np.array(labels)
    order = comparison.nested_order(labels, seed)
    assert sorted(order) == list(range(len(labels)))
    share = (labels == "b").mean()
    for size in (1, 5, len(labels) // 2, len(labels)):
        assert abs((labels[order[:size]] == "b").sum() - size * share) <= 1


def test_another_seed_is_another_order():
    labels = np.array(["a", "b"] * 20)
    assert not np.array_equal(comparison.nested_order(labels, 0), comparison.nested_order(labels, 1))


def table_of(**ways):
    return {name: pd.DataFrame({"AUROC": values}) for name, values in ways.items()}


EFFORT = ["majority class", "cheap", "middle", "dear"]


def test_taken_is_the_first_within_the_margin():
    nothing = [0.5, 0.5, 0.5, 0.5]
    close = table_of(cheap=[0.7, 0.8, 0.75, 0.8], dear=[0.71, 0.8, 0.76, 0.81])
    chosen = comparison.decide(close | table_of(**{"majority class": nothing}), "AUROC", 0.25, EFFORT)
    assert chosen == {"take": "cheap", "best": "dear", "as good": "cheap", "surely worse": "", "open": ""}
    clear = table_of(cheap=[0.7, 0.8, 0.75, 0.8], dear=[0.8, 0.9, 0.85, 0.9])
    chosen = comparison.decide(clear | table_of(**{"majority class": nothing}), "AUROC", 0.25, EFFORT)
    assert chosen["take"] == "dear" and chosen["surely worse"] == "cheap"


def test_noise_is_not_rewarded_but_left_open():
    ways = table_of(
        **{"majority class": [0.5] * 4},
        cheap=[0.4, 0.9, 0.6, 0.95],  # not beaten, only because it varies
        middle=[0.8, 0.81, 0.79, 0.8],
        dear=[0.81, 0.82, 0.8, 0.81],
    )
    chosen = comparison.decide(ways, "AUROC", 0.25, EFFORT)
    assert chosen["take"] == "middle" and chosen["open"] == "cheap" and chosen["best"] == "dear"


def test_nothing_is_taken_that_does_not_beat_the_baseline():
    ways = table_of(**{"majority class": [0.5] * 4}, cheap=[0.3, 0.7, 0.4, 0.7], dear=[0.4, 0.7, 0.5, 0.6])
    assert comparison.decide(ways, "AUROC", 0.25, EFFORT)["take"] == "none yet: label more"


# ----------------------------------------------------------------------------- the cut


def test_the_best_cut_is_found_and_the_nearest_to_one_half_among_equals():
    truth = np.array([False, False, True, True, True])
    assert thresholds.best_cut(truth, np.array([0.7, 0.8, 0.9, 0.95, 0.97])) == pytest.approx(0.85)
    assert thresholds.best_cut(truth, np.array([0.1, 0.2, 0.8, 0.9, 0.9])) == 0.5
    shy = np.array([[0.3, 0.7], [0.1, 0.9], [0.5, 0.5]])
    moved = comparison.moved(shy, 0.8)
    assert (moved[:, 1] > 0.5).tolist() == [False, True, False]
    assert np.allclose(moved.sum(axis=1), 1) and np.argsort(moved[:, 1]).tolist() == [2, 0, 1]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 100)), min_size=2, max_size=30))
def test_no_cut_is_better(rows):
    from sklearn.metrics import f1_score

    truth, found = np.array([t for t, _ in rows]), np.array([v for _, v in rows]) / 100

    def macro(cut):
        return f1_score(truth, found > cut, labels=[False, True], average="macro", zero_division=0)

    chosen = macro(thresholds.best_cut(truth, found))
    assert all(chosen >= macro(cut) - 1e-9 for cut in (*(np.unique(found) + 1e-6)[:-1], 0.5))


def test_the_cut_is_chosen_on_training_rows_with_groups_together(task, claims):
    seen = []

    def shy(task, train, test):
        seen.append((set(train), set(test)))
        return comparison.moved(comparison.on_vectors(task, train, test), 0.2)

    train, test = task.parts[0]
    assert comparison.threshold(task, shy, train) > 0.6, "it says hot too readily"
    assert len(seen) == 3 and not any(set(test) & (a | b) for a, b in seen)
    seen.clear()
    comparison.threshold(claims, shy, claims.parts[0].train)
    for learnt, asked in seen:
        assert not set(claims.groups[list(learnt)]) & set(claims.groups[list(asked)])


def test_there_is_no_cut_without_rows_order_or_two_classes(task):
    train = task.parts[0].train
    assert comparison.threshold(task, comparison.on_vectors, train[:8]) == 0.5
    assert comparison.threshold(task, comparison.majority, train) == 0.5
    three = dataclasses.replace(task, labels=np.append(task.labels[:-1], "lukewarm"))
    assert comparison.threshold(three, comparison.on_vectors, train) == 0.5


# ----------------------------------------------------------------------------- trials


def test_the_highest_cosine_is_between_the_sides(task):
    train, test = task.parts[0]
    one = dataclasses.replace(task, parts=task.parts[:1])
    assert trials.highest_cosine(one) == pytest.approx((task.vectors[test] @ task.vectors[train].T).max())


def test_what_is_on_both_sides_is_counted(task):
    halves = [(np.arange(30), np.arange(30, 60))]
    assert trials.on_both_sides(task, halves, str) == 0, "every text has its own number"
    assert trials.on_both_sides(task, halves, lambda text: text.split()[0]) == 6, "each word is on both"


def test_the_curve_learns_from_the_first_rows_of_one_order(task):
    seen = []

    def spy(task, train, test):
        if tuple(test) in asked:  # and not for the cut, which is chosen on training rows
            seen.append(set(train))
        return comparison.majority(task, train, test)

    asked = {tuple(part.test) for part in task.parts}
    table = trials.curve(task, {"spy": spy}, [4, 8, 48, 49])
    assert len(table) == 9 and set(table["examples"]) == {4, 8, 48}, "49 are more than there are"
    for few, more, all_ in zip(seen[::3], seen[1::3], seen[2::3]):
        assert few < more < all_
    with pytest.raises(DataError, match="too few"):
        trials.curve(task, {"spy": spy}, [1])
    bands = trials.bands(table, "accuracy")
    assert bands["spy"][0] == [4, 8, 48] and len(bands["spy"][1]) == 3
    with pytest.raises(DataError, match="with 5 examples"):
        trials.decide_at(table, 5, "accuracy")


def test_a_class_without_examples_is_never_recognised(task):
    three = dataclasses.replace(task, labels=np.where(np.arange(60) % 6 == 0, "mild", task.labels))
    table = trials.added_class(three, {"words": comparison.words}, "hot", (0, 20), splits=2)
    assert table.loc[0, ("words", "new")] == 0 < table.loc[0, ("words", "others")]
    assert table.loc[20, ("words", "new")] > 0.5


def test_labels_needed_are_those_of_the_mean_and_of_the_best_and_worst_split():
    rows = [
        {"way": way, "examples": size, "split": split, "AUROC": value}
        for way, values in {"quick": [(0.7, 0.9), (0.9, 0.95)], "slow": [(0.5, 0.6), (0.6, 0.9)]}.items()
        for size, of_size in zip((10, 1000), values)
        for split, value in enumerate(of_size)
    ]
    needed = trials.labels_needed(pd.DataFrame(rows), "AUROC", 0.8)
    assert needed == {"quick": "10 (10 to 1,000)", "slow": "never (1,000 to never)"}


def test_a_gain_on_the_same_rows_has_an_interval():
    truth = np.array([True, False] * 20)
    noise = np.random.default_rng(0).random(40)
    same = trials.area_gain(noise, noise, truth)
    assert tuple(same) == (0, 0, 0)
    gain = trials.area_gain(noise, truth.astype(float), truth)
    assert 0 < gain.low < gain.mean < gain.high <= 1


def test_separation_names_what_has_moved(task):
    before = trials.separation(task, task.vectors, task.vectors)
    assert before["turned by (degrees)"] == "0.0" and before["gain"] == ""
    turned = trials.separation(task, task.vectors[:, ::-1], task.vectors)
    assert float(turned["turned by (degrees)"]) > 10
    assert trials.accuracy_with(task, comparison.nearest, task.vectors) > 0.85


def test_an_additive_model_never_gets_four_right():
    random = np.random.default_rng(0)
    products, ads = random.standard_normal((2, 12))
    plaid = 1 / (1 + np.exp(-(products[:, None] + ads)))
    assert trials.fours_right(plaid) == 0
    assert trials.fours_right(np.eye(5)) == 1
    half = np.eye(4)
    half[0, 1] = 1
    assert trials.fours_right(half) == pytest.approx(5 / 6)
    assert trials.diagonal_areas({"all": np.eye(5), "none": np.ones((3, 3))}) == {"all": 1.0, "none": 0.5}


def test_neighbourhoods_of_classes_that_lie_apart_are_sorted():
    labels = np.array(["a"] * 20 + ["b"] * 20)
    vectors = np.repeat(np.eye(2), 20, axis=0)
    learnt, held = np.arange(0, 40, 2), np.arange(1, 40, 2)
    assert trials.neighbourhood_area(vectors, labels, learnt, held, k=5) == 1
    alone = np.eye(40)  # nobody has a neighbour but itself, which does not count
    assert trials.neighbourhood_area(alone, labels, learnt, learnt, k=5) <= 0.5


def test_seconds_are_never_negative(task):
    assert all(value >= 0 for value in trials.seconds(task, comparison.majority))


def test_what_was_recorded_covers_all_tasks():
    table = trials.recorded()
    assert set(table["task"]) == {"sentiment", "topics", "claims"}
    assert {"sample", "real 1,000"} == set(table["data"]) == set(trials.recorded(task="sentiment")["data"])
    assert trials.recorded(task="sentiment", data="sample")["examples"].max() >= 800
    assert (trials.recorded(task="topics")["data"] == "sample").all()
    assert not table.drop(columns=["AUROC"]).isna().any(axis=None)
    counts = table.groupby(["data", "task", "way", "examples"]).size()
    assert counts.nunique() == 1, "every way on every split"


# ----------------------------------------------------------------------------- fine-tuning through the API


def test_fine_tuned_learns_answers_and_leaves_nothing(task):
    client = engine.client()
    way = models.FineTuned(client, registry.CLASSIFIER)
    train, test = task.parts[0]
    p = way(task, train, test)
    assert p.shape == (len(test), 2) and np.allclose(p.sum(axis=1), 1)
    assert comparison.score(task, p, test)["accuracy"] > 0.8
    job = way.job(task, train)
    assert job is way.job(task, train), "the same rows are not trained on twice"
    vectors = models.vectors_of(client, job.fine_tuned_model, ["hot tea", "ice"])
    assert vectors.shape[0] == 2 and np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    way.close()
    with pytest.raises(HostError, match="were deleted"):
        way(task, train, test)
    assert not [model for model in client.models.list() if model.id.startswith(job.fine_tuned_model)]
    assert not {file.id for file in client.files.list()} & {job.training_file, *job.result_files}


def test_a_job_that_fails_says_why():
    with pytest.raises(HostError, match="failed"):
        models.fine_tune(engine.client(), registry.CLASSIFIER, [{"prompt": "a", "completion": " b"}])


# ----------------------------------------------------------------------------- prompting


def test_the_chat_holds_task_examples_and_text():
    chat = models.messages("Hot or cold?", ["cold", "hot", "mild"], "ice", [("tea", "hot")])
    assert [message["role"] for message in chat] == ["system", "user", "assistant", "user"]
    assert chat[0]["content"] == "Hot or cold? Answer with cold, hot or mild, and write nothing else."
    assert [message["content"] for message in chat[1:]] == ["tea", "hot", "ice"]


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ("positive", "positive"),
        (" Positive.\n", "positive"),
        ("**NEGATIVE**", "negative"),
        ("The sentiment is negative", "negative"),
        ("positive or negative", None),
        ("not positive", None),
        ("It isn't positive", None),
        ("positively", None),
        ("", None),
        (None, None),
        ("I cannot say", None),
    ],
)
def test_an_answer_names_one_class_or_none(answer, name):
    assert models.class_named(answer, ["negative", "positive"]) == name


def test_a_class_may_be_no_or_two_words():
    assert models.class_named("No, it does not.", ["no", "yes"]) == "no"
    assert models.class_named("Yes", ["no", "yes"]) == "yes"
    assert models.class_named("There is no doubt: the claim is supported", ["no", "yes"]) is None
    assert models.class_named("Gift-cards!", ["gift cards", "returns"]) == "gift cards"


@given(st.text(max_size=60))
def test_any_answer_is_read_without_falling(text):
    assert models.class_named(text, ["no", "yes"]) in (None, "no", "yes")


class Chat(BaseHTTPRequestHandler):
    """Answers chats by looking for a word; keeps what it was asked."""

    asked: ClassVar[list[dict]] = []
    status = 200

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append(body)
        text = body["messages"][-1]["content"]
        said = "Hot." if any(word in text for word in WORDS["hot"]) else "cold"
        said = "No idea" if "number 7" in text else said
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}
        answer = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        if self.status != 200:
            answer = {"error": {"message": "no", "type": "test", "param": None, "code": None}}
        data = json.dumps(answer).encode()
        self.send_response(self.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_args):
        pass


@pytest.fixture
def chat_host():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    Chat.asked, Chat.status = [], 200
    with openai.OpenAI(
        base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="none", max_retries=0
    ) as client:
        yield client
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_chat_model_is_shown_training_rows_alone(task, chat_host):
    train, test = task.parts[0]
    p = models.prompted(chat_host, "some-model", shots=4)(task, train, test)
    expected = (task.labels[test][:, None] == task.classes).astype(float)
    silent = np.array(["number 7" in text for text in task.texts[test]])
    assert (p[~silent] == expected[~silent]).all() and (p[silent] == 0).all()
    for body, text in zip(Chat.asked, task.texts[test], strict=True):
        assert set(body) == {"model", "messages"}, "some models refuse other settings"
        shown = [message["content"] for message in body["messages"][1:-1:2]]
        assert (
            len(shown) == 4
            and set(shown) <= set(task.texts[train])
            and body["messages"][-1]["content"] == text
        )


def test_the_trial_says_what_was_measured(task, chat_host):
    found = comparison.answers(task, {"words": comparison.words})
    lines = list(models.prompting_trial(chat_host, "m", {"toy": task}, {"toy": found}, most=10))
    assert len(lines) == 1 and lines[0].startswith("toy, accuracy on 10 rows: prompting ")
    assert "words " in lines[0] and "answers named no class" in lines[0]
    Chat.status = 404
    lines = list(models.prompting_trial(chat_host, "m", {"toy": task}, {"toy": found}))
    assert lines[0].startswith("toy: not measured. ")


def test_without_a_chat_model_the_trial_says_so():
    lines = list(models.prompting_trial(engine.client(), None, {}, {}))
    assert len(lines) == 1 and "no chat model" in lines[0]


def test_prompts_with_examples_are_longer(task):
    file, long, short = models.prompt_sizes(task, "gpt-4o-mini", shots=6)
    assert file > long > short > 0
    assert models.prompt_sizes(task, "gpt-4o-mini", shots=0)[1] < long
