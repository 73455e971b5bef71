"""The exercise data of lessons 07 to 10: whole, balanced, without repeats, and as hard as their card says."""

import csv
import difflib
import io
import itertools
import json
import re
import unicodedata

import exercise_data_figures as figures
import make_broken_files
import numpy as np
import pandas as pd
import pytest

from helpers import settings
from helpers.engine import vectors

YES_KINDS = {"plain yes", "paraphrase"}
HARD_NO_KINDS = {"exaggeration", "contradiction", "unsupported addition"}
NO_KINDS = HARD_NO_KINDS | {"plain no", "wrong company's product"}
TOPICS = {"delivery", "returns", "product", "account", "gift cards"}
KEY = re.compile(r"sk-[A-Za-z0-9_-]{20,}")
HANGUL = re.compile("[가-힣]")
ONE_SEED = range(1)


@pytest.fixture(scope="module")
def claims() -> pd.DataFrame:
    return figures.ad_claims()


@pytest.fixture(scope="module")
def asked() -> pd.DataFrame:
    return figures.questions()


def normalised(text: str) -> str:
    """Letters and digits only, lower case, one form of each accent."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def likeness_of_nearest(texts: pd.Series) -> float:
    """The highest cosine between two of the texts."""
    embedded = vectors.load().embed(texts.tolist())
    return float(np.triu(embedded @ embedded.T, k=1).max())


def numbered(data: pd.DataFrame, prefix: str) -> bool:
    return data["id"].tolist() == [f"{prefix}{number:03}" for number in range(1, len(data) + 1)]


# --- ad claims ---


def test_the_claims_are_complete_and_numbered(claims):
    assert list(claims.columns) == ["id", "company", "product", "ad", "supported", "kind"]
    assert not claims.isna().any().any()
    assert numbered(claims, "c")
    assert len(claims) >= 260
    texts = claims[["company", "product", "ad"]]
    assert (texts == texts.apply(lambda column: column.str.strip())).all().all()
    assert not texts.apply(lambda column: column.str.contains("\n|  ")).any().any()


def test_the_kinds_go_with_the_answers(claims):
    assert set(claims.loc[claims["supported"] == "yes", "kind"]) == YES_KINDS
    assert set(claims.loc[claims["supported"] == "no", "kind"]) == NO_KINDS
    hard = claims["kind"].isin(HARD_NO_KINDS).sum() / (claims["supported"] == "no").sum()
    assert 0.2 < hard < 0.35


def test_the_answers_are_balanced_in_all_and_in_each_company(claims):
    assert claims["supported"].value_counts().min() >= 125
    assert 0.48 < (claims["supported"] == "yes").mean() < 0.52
    companies = (claims["supported"] == "yes").groupby(claims["company"])
    assert companies.ngroups >= 60
    assert companies.size().between(3, 6).all()
    assert companies.mean().between(0.3, 0.7).all()


def test_no_claim_comes_twice_and_no_company_has_two_spellings(claims):
    assert claims["ad"].map(normalised).is_unique
    assert (claims["ad"].map(normalised) != claims["product"].map(normalised)).all()
    companies = [normalised(name) for name in claims["company"].unique()]
    for one, other in itertools.combinations(companies, 2):
        assert difflib.SequenceMatcher(None, one, other).ratio() < 0.8, (one, other)


def test_the_rows_of_a_company_stand_together(claims):
    assert (claims["company"] != claims["company"].shift()).sum() == claims["company"].nunique()


@pytest.mark.parametrize("field", ["ad", "product"])
def test_one_field_alone_gives_nothing_away(claims, field):
    right = figures.right_by_company(figures.words(), claims[field], claims, ONE_SEED).mean()
    assert 0.35 < right < 0.6


def test_the_length_of_the_ad_gives_nothing_away(claims):
    right = figures.right_by_company(figures.numbers(), figures.lengths(claims), claims, ONE_SEED).mean()
    assert right < 0.6


def test_comparing_the_fields_answers_most_and_not_all(claims):
    cosine = figures.cosines(claims)
    assert 0.85 < figures.auroc(claims, cosine) < 0.97
    both = np.column_stack([cosine, figures.shared_words(claims)])
    right = figures.right_by_company(figures.numbers(), both, claims, ONE_SEED)
    assert 0.8 < right.mean() < 0.93
    hard = claims["kind"].isin(HARD_NO_KINDS)
    assert right[hard].mean() < 0.3, "likeness must not suffice for the hard ones"


# --- support questions ---


def test_the_questions_are_complete_and_numbered(asked):
    assert list(asked.columns) == ["id", "question", "topic", "alternative", "language"]
    assert numbered(asked, "s")
    assert len(asked) >= 320
    assert set(asked["topic"]) == TOPICS
    assert asked["topic"].value_counts().min() >= 55
    assert (asked["question"].str.strip() == asked["question"]).all() and (asked["question"] != "").all()


def test_languages_and_second_topics_are_marked(asked):
    assert (asked["question"].str.contains(HANGUL) == (asked["language"] == "ko")).all()
    assert set(asked["language"]) == {"en", "ko"}
    assert (asked.loc[asked["language"] == "ko", "topic"].value_counts() == 4).all()
    second = asked[asked["alternative"] != ""]
    assert len(second) >= 40
    assert set(second["alternative"]) <= TOPICS
    assert (second["alternative"] != second["topic"]).all()


def test_no_question_is_asked_twice(asked):
    assert asked["question"].map(normalised).is_unique
    assert likeness_of_nearest(asked["question"]) < 0.92


def test_one_topic_is_two_tokens_and_the_others_one():
    model = vectors.load()
    assert {topic for topic in TOPICS if len(model.pieces(topic)) > 1} == {"gift cards"}


def test_words_find_most_topics_and_not_all(asked):
    right = figures.right_topic(figures.words(), asked["question"], asked, ONE_SEED)
    assert 0.75 < right.mean() < 0.9
    ambiguous = asked["alternative"] != ""
    assert right[ambiguous].mean() < right[~ambiguous & (asked["language"] == "en")].mean()


# --- files broken on purpose ---


@pytest.fixture(scope="module")
def broken() -> dict[str, str]:
    return make_broken_files.files()


def pairs(text: str) -> list[tuple[str, str]]:
    return [(row["prompt"], row["completion"]) for row in map(json.loads, text.splitlines())]


def test_the_stored_files_are_what_the_script_writes(broken):
    folder = settings.DATA / "broken"
    assert {path.name for path in folder.iterdir()} == set(broken)
    for name, text in broken.items():
        stored = (folder / name).read_bytes().decode("utf-8")
        assert stored.replace("\r\n", "\n") == text.replace("\r\n", "\n"), name


def test_each_file_has_its_line_in_the_card(broken):
    card = (settings.DATA / "README.md").read_text(encoding="utf-8")
    assert [name for name in broken if f"| `{name}` |" not in card] == []


def test_the_windows_file_is_one():
    data = (settings.DATA / "broken" / "windows.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\r\n") == 1 + 12


def test_the_bad_lines_are_bad_each_in_its_way(broken):
    lines = broken["bad_lines.jsonl"].splitlines()
    parsed = [json.loads(line) for line in lines if is_json(line)]
    good = [
        row
        for row in parsed
        if isinstance(row, dict) and [*map(type, row.values())] == [str, str] and "prompt" in row
    ]
    assert (len(lines), len(parsed), len(good)) == (15, 11, 5)


def is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def test_the_chats_lack_roles_and_answers(broken):
    chats = [json.loads(line) for line in broken["bad_chat.jsonl"].splitlines()]
    roles = [[message["role"] for message in chat.get("messages", [])] for chat in chats]
    assert sum("assistant" not in of_one for of_one in roles) == 4
    assert {"customer", "shop"} <= set(itertools.chain.from_iterable(roles))


def test_prompts_lack_what_their_file_is_there_for(broken):
    claims, answers = (
        list(csv.DictReader(io.StringIO(broken[name]))) for name in ("no_separator.csv", "no_stop.csv")
    )
    assert len({row["prompt"][-3:] for row in claims}) > 1
    assert not any(row["completion"].startswith(" ") for row in claims)
    assert len({row["completion"][-1] for row in answers}) > 1
    inside = pairs(broken["separator_inside.jsonl"])
    assert all(prompt.endswith("\nSupported:") for prompt, _ in inside)
    assert sum(prompt.count("\nSupported:") == 2 for prompt, _ in inside) == 2


def test_classes_are_rare_repeated_or_long(broken):
    rare = pd.Series([answer for _, answer in pairs(broken["rare_class.jsonl"])]).value_counts()
    assert rare.to_dict() == {" delivery": 14, " returns": 14, " product": 14, " account": 3}
    repeated = pd.DataFrame(pairs(broken["duplicates.jsonl"]), columns=["prompt", "completion"])
    assert repeated.duplicated().sum() == 3
    assert (repeated.groupby("prompt")["completion"].nunique() > 1).sum() == 2
    classes = {answer for _, answer in pairs(broken["long_classes.jsonl"])}
    assert len(classes) == 5 and all(len(name.split()) > 1 for name in classes)
    assert len({name.split()[0] for name in classes}) == 4


def test_nothing_in_them_is_a_real_secret(broken):
    everything = "\n".join(broken.values())
    assert not KEY.search(everything)
    domains = {domain.rstrip(".") for domain in re.findall(r"@([\w.]+)", everything)}
    assert domains == {"example.org"}
