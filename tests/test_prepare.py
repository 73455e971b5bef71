"""Prepare: what it says, asks, writes and splits; the command; secrets; leakage; tokens and epochs."""

import collections
import io
import json
import sys

import numpy as np
import pandas as pd
import pytest

from helpers import __main__ as command_line
from helpers import jsonl, launch, prepare, tokens
from helpers.errors import DataError
from helpers.prepare import command, secrets, token_counts
from helpers.prepare.batches import SIZE

WORDS = ["coffee", "tea", "dog", "nuts", "chips", "sauce", "honey", "beans", "rice", "jam", "oats", "figs"]


def reviews(count, classes=("good", "bad"), start=0):
    """Different prompts of two words and a number, the classes in turn."""
    return [
        {"prompt": f"{WORDS[i % 12]} {WORDS[i // 12 % 12]} {i}", "completion": classes[i % len(classes)]}
        for i in range(start, start + count)
    ]


def write_csv(path, rows):
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


# ----------------------------------------------------------------------------- what is written


def test_the_repaired_file(tmp_path):
    source = write_csv(tmp_path / "a.csv", reviews(20))
    done = prepare.run(source)
    assert done.files == [tmp_path / "a_prepared.jsonl"] and done.counts == [20]
    written = jsonl.rows(done.files[0], "pairs")
    assert written == [
        {"prompt": row["prompt"] + " ->", "completion": " " + row["completion"]} for row in reviews(20)
    ]
    assert "End every prompt with" in str(done) and "max_tokens=1" in str(done)
    assert "a_prepared" in done._repr_html_()


def test_no_file_is_ever_written_over(tmp_path):
    source = write_csv(tmp_path / "a.csv", reviews(8))
    names = [prepare.run(source).files[0].name for _ in range(3)]
    assert names == ["a_prepared.jsonl", "a_prepared (1).jsonl", "a_prepared (2).jsonl"]
    (tmp_path / "a_prepared_valid.jsonl").touch()
    split = prepare.run(source, split=0.25).files
    assert [path.name for path in split] == ["a_prepared_train (1).jsonl", "a_prepared_valid (1).jsonl"]


def test_only_what_is_accepted_is_done(tmp_path):
    rows = [*reviews(8), *reviews(2)]
    done = prepare.run(rows, to=tmp_path / "b.jsonl", accept=["duplicates"])
    assert [row["prompt"] for row in jsonl.rows(done.files[0])] == [row["prompt"] for row in reviews(8)]
    assert {"no_separator", "no_leading_space"} <= {finding.name for finding in done.after.findings}
    assert not prepare.run(rows, to=tmp_path / "c.jsonl", accept=False).files


def test_refusing_a_needed_repair_writes_nothing(tmp_path):
    source = write_csv(tmp_path / "a.csv", reviews(8))
    done = prepare.run(source, accept=["no_separator"])
    assert done.refused == ["converted"] and not done.files and list(tmp_path.iterdir()) == [source]


def test_repairs_that_call_for_others_are_followed_up(tmp_path):
    rows = [{"prompt": f"Q{i} ->", "completion": f" {word}\n"} for i, word in enumerate(WORDS)]
    rows += [{"prompt": "SHOUT 1 ->", "completion": " X\n"}, {"prompt": "shout 1 ->", "completion": " x\n"}]
    rows += [{"prompt": "LOUD WORDS ALONE ARE MANY CAPITALS ->" * 9, "completion": " Y\n"}]
    done = prepare.run(rows, to=tmp_path / "a.jsonl")
    assert {repair.partition(":")[0] for repair in done.repairs} == {"separator_inside", "uppercase_prompts"}
    written = jsonl.rows(done.files[0])
    assert prepare.check(done.files[0]).ok and len(written) == 15
    lowered = [{"prompt": row["prompt"].upper(), "completion": " a\n"} for row in rows[-3:-1]]
    again = prepare.run([*rows[:4], *lowered, *lowered[:1]], to=tmp_path / "b.jsonl", accept=True)
    assert again.after.ok


def test_endings_that_turn_out_shorter_later_are_counted_again():
    early = [{"prompt": f"a\n\n###\n\n {i} of x\n\n###\n\n", "completion": f" {i}."} for i in range(SIZE)]
    late = [{"prompt": f"b {i}#\n\n###\n\n", "completion": f" {i} and more."} for i in range(10)]
    report = prepare.check([*early, *late])
    assert report.finding("separator_inside").count == SIZE


def test_how_the_sentence_before_the_separator_ends_is_no_part_of_it():
    rows = [{"prompt": f"Ad: Tea {i}.\nSupported:", "completion": f" {WORDS[i % 2]}"} for i in range(9)]
    assert (
        prepare.check(rows)
        .finding("long_separator")
        .message.startswith(r'All prompts end with "\nSupported:".')
    )
    rows[4]["prompt"] = "Ad\nSupported: by us\nTea.\nSupported:"
    report = prepare.check(rows)
    assert report.finding("separator_inside").count == 1
    assert r'"\nSupported:" also occurs' in report.finding("separator_inside").message
    assert report.usage[0].startswith(r'End every prompt with "\nSupported:"')


def test_batches_make_no_difference(monkeypatch):
    rows = [*reviews(3000), *reviews(50), {"prompt": "x\x01", "completion": ""}, *reviews(10, start=9000)]
    whole = str(prepare.check(rows))
    for module in ("source_objects", "tables"):
        monkeypatch.setattr(f"helpers.prepare.{module}.SIZE", 7)
    assert str(prepare.check(rows)) == whole


# ----------------------------------------------------------------------------- splitting


def test_the_split_keeps_shares_and_equal_prompts_together(tmp_path):
    rows = reviews(900, ("good", "bad", "good")) + [
        {"prompt": f"Twin, {i // 2}" + "!" * (i % 2), "completion": "good"} for i in range(100)
    ]
    done = prepare.run(rows, to=tmp_path / "a.jsonl", split=0.2)
    train, valid = map(jsonl.rows, done.files)
    shares = [collections.Counter(row["completion"] for row in part) for part in (train, valid)]
    assert shares == [{" good": 560, " bad": 240}, {" good": 140, " bad": 60}]
    twins = [
        {row["prompt"].strip("->! ") for row in part if "Twin" in row["prompt"]} for part in (train, valid)
    ]
    assert twins[1] and not twins[0] & twins[1]
    assert not {"leakage", "near_leakage"} & {
        finding.name for finding in prepare.check(done.files[0], validation=done.files[1]).findings
    }


def test_the_split_depends_on_the_seed_alone(tmp_path):
    def aside(name, seed):
        done = prepare.run(reviews(60), to=tmp_path / f"{name}.jsonl", split=0.2, seed=seed)
        return done.files[1].read_bytes()

    assert aside("a", 0) == aside("b", 0) != aside("c", 1)
    with pytest.raises(ValueError, match="between 0 and 1"):
        prepare.run(reviews(60), to=tmp_path / "d.jsonl", split=1.5)


def test_examples_that_are_in_the_validation_file_are_found_and_left_out(tmp_path):
    train = jsonl_file(
        tmp_path / "train.jsonl", [(f"{w} ->", " yes" if i % 2 else " no") for i, w in enumerate(WORDS)]
    )
    valid = jsonl_file(tmp_path / "valid.jsonl", [("tea ->", " yes"), ("COFFEE! ->", " no"), ("x ->", " no")])
    report = prepare.check(train, validation=valid)
    assert [report.finding(name).count for name in ("leakage", "near_leakage")] == [1, 1]
    assert report.finding("near_leakage").examples[0].number == 1
    done = prepare.run(train, validation=valid)
    assert done.counts == [10] and prepare.check(done.files[0], validation=valid).ok


def jsonl_file(path, pairs):
    jsonl.write(path, [{"prompt": prompt, "completion": completion} for prompt, completion in pairs])
    return path


# ----------------------------------------------------------------------------- what is found


def test_duplicates_and_contradictions_name_both_places():
    report = prepare.check(
        [*reviews(5), reviews(5)[1], {"prompt": reviews(5)[0]["prompt"], "completion": "bad"}]
    )
    assert report.finding("duplicates").examples == [(6, "the same as row 2")]
    assert report.finding("contradictions").examples == [(7, "the prompt of row 1, another completion")]


def test_tokens_are_counted_with_the_separator_and_only_where_needed(monkeypatch):
    rows = [
        {"prompt": f"{'tea ' * (n - 3)}->", "completion": " yes\n" if n % 2 else " no\n"}
        for n in (2047, 2049)
    ]
    rows += [{"prompt": f"{w} ->", "completion": f" {w}\n"} for w in WORDS]
    exact = [tokens.count([row["prompt"], row["completion"]], "babbage-002").sum() for row in rows[:2]]
    report = prepare.check(rows)
    assert report.finding("too_long").count == sum(n > 2048 for n in exact) == 1
    counted = prepare.check(rows, tokens="babbage-002")
    assert counted.tokens == sum(tokens.count([t for row in rows for t in row.values()], "babbage-002"))
    monkeypatch.setattr(tokens, "count", lambda *_: pytest.fail("short texts need no count"))
    assert prepare.check(rows[2:]).tokens is None


def test_limits_and_epochs():
    assert token_counts.limit_for("pairs", None) == ("babbage-002", 2048)
    assert token_counts.limit_for("chat", "ft:gpt-4o-mini-2024-07-18:me::x").tokens == 65_536
    assert token_counts.limit_for("chat", "gpt-35-turbo").tokens == 16_385
    assert token_counts.limit_for("chat", "somebody-elses").tokens is None
    assert [prepare.epochs(n) for n in (1, 3, 10, 33, 34, 8_333, 8_334, 30_000)] == [
        25,
        25,
        10,
        3,
        3,
        3,
        2,
        1,
    ]


@pytest.mark.parametrize("model", ["babbage-002", "gpt-4o-mini", "wordllama-256"])
def test_one_token_is_one_token(model):
    names = [
        f" {word}"
        for word in [*WORDS, "positive", "negative", "yes", "no", "unsalted", "disinterested", "Yes"]
    ]
    ones = [name for name in names if token_counts.surely_one(name, model)]
    counted = [name for name, n in zip(names, tokens.count(names, model)) if n == 1]
    assert ones == ([] if model == "wordllama-256" else [name for name in counted if name.islower()])


def test_classes_that_share_their_first_token_are_named():
    report = prepare.check(reviews(30, (" overpriced", " overcooked", " fine")))
    message = report.finding("long_classes").message
    assert "overcooked" in message and " fine" not in message and "begin with the same token" in message


def test_secrets_are_shown_masked_with_their_places(tmp_path):
    key = "sk-" + "proj1234" * 4
    rows = [*reviews(6), {"prompt": f"use {key}", "completion": "pay 4111-1111-1111-1111"}]
    report = prepare.check(rows)
    assert report.finding("openai_key").examples == [(7, "prompt, character 5: sk-… (OpenAI key)")]
    assert report.finding("card_number").examples == [(7, "completion, character 5: … (card number)")]
    assert key not in str(report) + report.page() and "1111" not in str(report)
    done = prepare.run(rows, to=tmp_path / "a.jsonl")
    last = jsonl.rows(done.files[0])[-1]
    assert last == {"prompt": "use [OpenAI key] ->", "completion": " pay [card number]\n"}


KEPT = [
    "4111111111111112",
    "call 0000 0000 0000 0000",
    "1234567890123",
    "a@b",
    "sk-short",
    "900101-1234567",
    "@ @",
]
FOUND = {
    "AKIA" + "Z2" * 8: "AWS key",
    "ghp_" + "aB3" * 12: "GitHub key",
    "AIza" + "x" * 35: "Google key",
    "xoxb-1234567890-abc": "Slack key",
    "hf_" + "Ab" * 17: "Hugging Face key",
    "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END": "private key",
    f"eyJ{'a' * 12}.eyJ{'b' * 12}.{'c' * 12}": "access token",
    "first.last+tag@mail.example.co.kr": "e-mail address",
    "3782 822463 10005": "card number",
    "5555555555554444": "card number",
    "9001011234568": "resident registration number",
}


@pytest.mark.parametrize("text", FOUND)
def test_each_kind_of_secret_is_found_inside_a_text(text):
    found = secrets.find(f"see {text}, please")
    assert [each.kind for each in found] == [FOUND[text]] and found[0].start == 4
    assert text[:20] not in secrets.without(f"see {text}, please")


@pytest.mark.parametrize("text", KEPT)
def test_what_only_looks_like_a_secret_is_left_alone(text):
    assert secrets.find(text) == []


# ----------------------------------------------------------------------------- sources and forms


def test_rows_tables_and_files_say_the_same(tmp_path):
    rows = reviews(12)
    reports = [
        prepare.check(source) for source in (rows, pd.DataFrame(rows), write_csv(tmp_path / "a.csv", rows))
    ]
    assert len({tuple(f.name for f in r.findings if f.name != "converted") for r in reports}) == 1
    with pytest.raises(DataError, match="to=PATH"):
        prepare.run(rows)
    with pytest.raises(DataError, match="no rows"):
        prepare.check([])


def test_columns_of_other_names(tmp_path):
    table = pd.DataFrame({"Text": ["a ->", "b ->"], "Stars": [4, np.nan], "completion": ["x", "y"]})
    report = prepare.check(table, columns={"prompt": "Text", "completion": "Stars"})
    assert report.finding("empty_completions").count == 1 and "missing_columns" not in report
    with pytest.raises(DataError, match="no encoding"):
        prepare.check(write_csv(tmp_path / "a.csv", reviews(3)), encoding="klingon")


def test_korean_in_its_old_encoding(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "prompt,completion\n" + "".join(f"차 {i} ->, 좋다 {i}.\n" for i in range(5)), encoding="cp949"
    )
    assert prepare.check(path).finding("invalid_utf8").count == 5
    report = prepare.check(path, encoding="cp949")
    assert report.rows == 5 and "invalid_utf8" not in report


def test_a_quotation_mark_that_is_never_closed_hides_nothing_before_it(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text('prompt,completion\na,b\n"c,d\ne,f\n', encoding="utf-8")
    report = prepare.check(path)
    assert report.rows == 1 and report.finding("unreadable").examples[0].number == 3
    assert "never closed" in report.finding("unreadable").examples[0].text


def test_pairs_become_chat(tmp_path):
    done = prepare.run(reviews(12), to=tmp_path / "chat.jsonl", form="chat")
    assert jsonl.rows(done.files[0], "chat")[0] == {
        "messages": [
            {"role": "user", "content": reviews(1)[0]["prompt"]},
            {"role": "assistant", "content": "good"},
        ]
    }
    assert prepare.check(done.files[0]).ok
    with pytest.raises(ValueError, match="pairs, chat"):
        prepare.check(reviews(3), form="xml")


def test_chat_rows_are_cleaned_masked_and_counted(tmp_path):
    def talk(text, answer):
        return {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]}

    rows = [
        talk("a\x00b", "one"),
        talk("4111111111111111", "two"),
        talk("4111111111111111", "two"),
        talk("c", " "),
    ]
    done = prepare.run([*rows, {"messages": []}], to=tmp_path / "a.jsonl", tokens="gpt-4o-mini")
    written = jsonl.rows(done.files[0], "chat")
    assert [row["messages"][0]["content"] for row in written] == ["ab", "[card number]"]
    assert (
        done.before.finding("card_number").examples[0].text
        == "messages[0].content, character 1: … (card number)"
    )
    assert {"unreadable", "duplicates", "empty_completions"} <= {f.name for f in done.before.findings}
    # As the cookbook counts: 3 for each message, its role and content, and 3 for the reply.
    texts = tokens.count(
        ["\n".join(t for m in row["messages"] for t in m.values()) for row in written], "gpt-4o"
    )
    assert done.after.tokens == texts.sum() + 2 * (2 * 3 + 3)


# ----------------------------------------------------------------------------- the report and the command


def test_a_report_escapes_what_it_shows(tmp_path):
    report = prepare.check([*reviews(6), {"prompt": "<script>\x01", "completion": "b"}])
    assert "<script>" not in report._repr_html_() and "&lt;script&gt;" in report.page()
    assert not report.ok and report.finding("control_characters").examples == [(7, "<script>\\x01")]


def run_command(*arguments):
    return command_line.main(["prepare", *map(str, arguments)])


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    return write_csv(tmp_path / "a.csv", reviews(12))


def test_without_a_terminal_nothing_is_changed(source, capsys):
    assert run_command(source) == 1
    said = capsys.readouterr().out
    assert "Nothing was changed" in said and "--yes" in said and "[recommended]" in said
    assert list(source.parent.iterdir()) == [source]


def test_yes_writes_and_check_then_passes(source, capsys):
    report = source.with_name("report.html")
    assert run_command(source, "--yes", "--split", "0.25", "--report", report) == 0
    said = capsys.readouterr().out
    assert ("a_prepared_train.jsonl" in said and "(4 examples)" in said) or "(2 examples)" in said
    assert report.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert run_command(source, "--check") == 1
    whole = source.with_name("whole.jsonl")
    assert run_command(source, "--yes", "--to", whole, "--tokens", "babbage-002") == 0
    assert run_command(whole, "--check") == 0 == run_command(whole) == run_command(whole, "--yes")
    assert "nothing to do" in capsys.readouterr().out


def test_errors_are_sentences(source, capsys):
    assert run_command(source.with_name("none.csv")) == 1
    assert "does not exist" in capsys.readouterr().err
    same = write_csv(source.with_name("same.csv"), [{"prompt": "a", "completion": f"{i}"} for i in range(5)])
    assert run_command(same, "--yes") == 1
    assert "No file was written" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        run_command(source, "--split", "2")


def test_questions_and_answers(source, capsys):
    asked = []

    def ask(question):
        asked.append(question)
        return "n" if "space" in question or "aside" in question else ""

    assert command.main(str(source), ask=ask) == 0
    assert [question.partition("]")[0] for question in asked[1:]] == [
        "[Needed",
        "[Recommended",
        "[Recommended",
    ]
    assert "20%" in asked[0] and all(question.endswith("[Y/n] ") for question in asked)
    written = jsonl.rows(source.with_name("a_prepared.jsonl"))
    assert written[0] == {"prompt": reviews(1)[0]["prompt"] + " ->", "completion": "good"}

    def gone(question):
        raise EOFError

    assert command.main(str(source), ask=gone) == 1
    assert len(list(source.parent.iterdir())) == 2


def test_the_command_is_handed_over_where_packages_are_missing(source, monkeypatch):
    handed = []
    monkeypatch.setattr(launch, "missing_here", lambda: ["orjson"])
    monkeypatch.setattr(launch, "run_inside", lambda place, arguments: handed.append(arguments) or 0)
    monkeypatch.chdir(source.parent)
    run_command("a.csv", "--yes", "--format", "chat", "--split", "0.2", "--prompt", "Text", "--seed", "3")
    arguments = handed[0]
    assert arguments[:2] == ["prepare", str(source)]
    options = command_line.prepare_options(command_line.make_parser().parse_args(arguments))
    assert options == {
        "file": str(source),
        "yes": True,
        "form": "chat",
        "split": 0.2,
        "seed": 3,
        "encoding": "utf-8",
        "columns": {"prompt": "Text"},
    }


def test_nothing_is_left_behind_when_writing_fails(source, monkeypatch):
    monkeypatch.setattr(
        "helpers.prepare.writing.orjson.dumps", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "full"))
    )
    with pytest.raises(DataError, match="full"):
        prepare.run(source)
    assert list(source.parent.iterdir()) == [source]


def test_json_of_columns(tmp_path):
    columns = {"prompt": {"0": "a ->", "1": "b ->"}, "completion": {"0": " x.", "1": " y."}}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(columns), encoding="utf-8")
    assert prepare.check(path).rows == 2
    path.write_text(json.dumps({k: list(v.values()) for k, v in columns.items()}, indent=1), encoding="utf-8")
    assert prepare.check(path).rows == 2
