"""Prepare, as a newcomer meets it: files from Excel and other tools, and whether what is said helps."""

import io
import json
import sys

import pandas as pd
import pytest

from helpers import jsonl, prepare
from helpers.errors import DataError
from helpers.prepare import command

WORDS = ["coffee", "tea", "dog", "nuts", "chips", "sauce", "honey", "beans", "rice", "jam", "oats", "figs"]


def reviews(count, classes=("good", "bad")):
    """Different prompts, the classes in turn."""
    return [
        {"prompt": f"{WORDS[i % 12]} of kind {i}", "completion": classes[i % len(classes)]}
        for i in range(count)
    ]


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    pd.DataFrame(reviews(12)).to_csv(tmp_path / "a.csv", index=False)
    return tmp_path / "a.csv"


def test_other_column_names_are_one_clear_error(tmp_path):
    source = tmp_path / "a.csv"
    source.write_text("Text,Stars\ngood tea,5\nbad tea,1\n", encoding="utf-8")
    report = prepare.check(source)
    assert [finding.name for finding in report.errors] == ["missing_columns"] and not report.usage
    assert {"empty_completions", "extra_columns"}.isdisjoint(each.name for each in report.findings)
    assert "'Text', 'Stars'" in report.errors[0].message and "--prompt" in report.errors[0].message
    with pytest.raises(DataError, match=r"no column 'text'\. Its columns are 'Text', 'Stars'"):
        prepare.check(source, columns={"prompt": "text", "completion": "Stars"})
    shared = [{"conversations": [{"from": "human", "value": "x"}]}] * 3
    assert "ShareGPT" in prepare.check(shared).errors[0].message


@pytest.mark.parametrize("header", ["질문,답변", "prompt,completion"])
def test_another_encoding_is_an_error_and_not_left_out(header, tmp_path):
    source = tmp_path / "a.csv"
    rows = "".join(f"향이 좋은 커피 {i},긍정\n" for i in range(9))
    source.write_bytes(f"{header}\n{rows}tea,good\n".encode("cp949"))
    report = prepare.check(source)
    said = " ".join(finding.message + finding.why for finding in report.errors)
    assert "--encoding cp949" in said and "\\udc" not in said
    assert prepare.run(source).files == []


def test_what_is_wrong_with_a_line_is_said_in_full(tmp_path):
    source = tmp_path / "a.jsonl"
    good = [
        {"messages": [{"role": "user", "content": f"{i}?"}, {"role": "assistant", "content": "a"}]}
        for i in range(3)
    ]
    lines = [
        *map(json.dumps, good),
        '{"messages": [{"role": "human", "content": "x"}]}',
        '{"prompt": "a", "completion": "b"}',
    ]
    source.write_text("\n".join(lines), encoding="utf-8")
    report = prepare.check(source)
    assert "nothing to learn" in report.finding("unreadable").examples[0].text
    assert "the file has the form chat" in report.finding("unreadable").examples[1].text
    assert "extra_columns" not in report  # the keys of a row of another form are no columns


def test_objects_over_several_lines_are_named(tmp_path):
    source = tmp_path / "a.jsonl"
    source.write_text("\n".join(json.dumps(row, indent=2) for row in reviews(3)), encoding="utf-8")
    with pytest.raises(DataError, match="line 5: a second object begins, and each is spread over several"):
        prepare.check(source)
    source.write_text("prompt,completion\ngood tea,yes\n", encoding="utf-8")
    assert [finding.name for finding in prepare.check(source).errors] == ["no_examples"]


def test_documents_and_old_workbooks_are_sent_on(tmp_path):
    for name, advice in (("a.pdf", "helpers.documents"), ("a.xls", "Save it as .xlsx")):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(DataError, match=advice):
            prepare.check(tmp_path / name)


def test_formulas_without_results_are_named(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    for row in [("prompt", "completion"), ("tea", "good"), ("nuts", '="b"&"ad"'), ("jam", "good")]:
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    assert "Cell B3" in prepare.check(tmp_path / "a.xlsx").finding("formulas").message
    book.active["B3"] = "bad"
    book.save(tmp_path / "a.xlsx")
    assert "formulas" not in prepare.check(tmp_path / "a.xlsx")


def test_no_key_stands_in_the_examples_of_other_findings():
    key = "sk-proj-" + "a1B2" * 12
    rows = [*reviews(4), {"prompt": f"my key {key}", "completion": key}]
    report = prepare.check(rows)
    assert "openai_key" in report and "no_leading_space" in report
    assert key[:12] not in str(report) and "[OpenAI key]" in str(report)


def test_beginnings_end_with_a_word():
    rows = [
        {"prompt": f"w{i} tea ->", "completion": f" unsatis{'fied' if i % 2 else 'factory'}"}
        for i in range(20)
    ]
    report = prepare.check(rows)
    assert "completion_beginning" not in report
    assert report.usage[1].startswith("Call it with max_tokens=")
    assert "max_tokens=1 " not in report.usage[1] and "does not decide" in report.usage[1]


def test_classes_written_in_several_ways():
    rows = reviews(30, classes=("good", "bad", "Good", "good "))
    finding = prepare.check(rows).finding("class_spellings")
    assert finding.count == 1 and '"good" and "Good" and "good "' in finding.message
    assert "class_spellings" not in prepare.check(reviews(20, classes=("good", " good", "bad")))


def test_figures_are_one_token_without_the_space():
    report = prepare.check(
        [{"prompt": f"{row['prompt']} ->", "completion": str(i % 3)} for i, row in enumerate(reviews(30))]
    )
    assert "Without a space before it each is one token" in report.finding("long_classes").message


def test_a_validation_file_that_cannot_be_compared_is_an_error():
    with pytest.raises(DataError, match="can be compared"):
        prepare.check(reviews(4), validation=[{"Text": "tea", "Stars": "5"}])
    named = [{"Text": row["prompt"], "Stars": row["completion"]} for row in reviews(4)]
    columns = {"prompt": "Text", "completion": "Stars"}
    assert prepare.check(named, columns=columns, validation=reviews(2)).finding("leakage").count == 2


def test_other_answers_are_asked_again_and_ctrl_c_writes_nothing(source, capsys):
    answers = iter(["what", "n"] + ["y"] * 9)
    assert command.main(str(source), ask=lambda question: next(answers)) == 0
    assert "answer y or n" in capsys.readouterr().out

    def stop(question):
        raise KeyboardInterrupt

    before = sorted(source.parent.iterdir())
    assert command.main(str(source), ask=stop) == 130
    assert "no file was written" in capsys.readouterr().out and sorted(source.parent.iterdir()) == before


def said(role, content):
    return {"role": role, "content": content}


def test_an_answer_before_its_question_is_a_warning():
    in_order = [said("system", "Be brief."), said("user", "Rye?"), said("assistant", "Yes.")]
    turned = [said("system", "Be brief."), said("assistant", "Closed on Mondays."), said("user", "When?")]
    finding = prepare.check([{"messages": in_order}, {"messages": turned}]).finding("answer_first")
    assert (finding.level, finding.count) == ("warning", 1)
    assert finding.examples[0].number == 2 and "Closed on Mondays" in finding.examples[0].text
    assert "answer_first" not in prepare.check([{"messages": in_order}] * 2)


@pytest.mark.parametrize("form", ["dialogue", "preference", "openai-preference"])
def test_the_order_is_looked_at_in_every_form_of_messages(form):
    prompt, good, bad = (
        [said("assistant", "Hello."), said("user", "Rye?")],
        *([said("assistant", text)] for text in ("Yes.", "No.")),
    )
    row = {
        "dialogue": {"prompt": prompt, "completion": good},
        "preference": {"prompt": prompt, "chosen": good, "rejected": bad},
        "openai-preference": {
            "input": {"messages": prompt},
            "preferred_output": good,
            "non_preferred_output": bad,
        },
    }[form]
    assert prepare.check([row]).finding("answer_first").count == 1
    assert "answer_first" not in prepare.check([{"prompt": "", "chosen": "Yes.", "rejected": "No."}])


def test_after_a_split_the_training_half_is_counted(tmp_path):
    rows = [
        {"prompt": f"Question {i} ->", "completion": " yes" if i < 110 else " no"} for i in range(110 + 140)
    ]
    assert "small_classes" not in prepare.check(rows)
    done = prepare.run(rows, to=tmp_path / "a.jsonl", split=0.2)
    written = [row["completion"] for row in jsonl.rows(done.files[0])]
    message = done.after.finding("small_classes").message
    assert f'in the training file: " yes" {written.count(" yes")}.' in message
    assert written.count(" no") >= 100 > written.count(" yes")


def test_a_space_of_no_width_is_found_and_joiners_stay(tmp_path):
    rows = [{"prompt": f"Question {i} ->", "completion": f" {'abcd'[i]}"} for i in range(4)]
    rows[1]["prompt"] = "Ques\u200btion \U0001f469\u200d\U0001f373 1 ->"
    assert prepare.check(rows).finding("control_characters").count == 1
    done = prepare.run(rows, to=tmp_path / "a.jsonl")
    assert jsonl.rows(done.files[0])[1]["prompt"].startswith("Question \U0001f469\u200d\U0001f373 1")
    del rows[1]
    assert "control_characters" not in prepare.check(rows)


def test_a_finding_can_be_printed_alone():
    report = prepare.check([{"prompt": "Rye?", "completion": ""}, {"prompt": "Oats?", "completion": " yes"}])
    text = str(report.finding("empty_completions"))
    assert text.splitlines()[0] == "[needed] 1 completion with nothing in it, or only spaces."
    assert "Why: " in text and text.endswith("Repair: Leave them out.")
    assert str(report.finding("few_examples")).endswith("this is yours to decide")
