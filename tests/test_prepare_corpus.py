# ruff: noqa: E501
"""Small files that each trigger one check: what is found in them, and whether the old tool found it too.

`OLD` was recorded by running `openai tools fine_tunes.prepare_data` of openai 2.34.0 on the same files. Where
the two differ, the case says why. Every file is made here by code.
"""

import csv
import io
import json
from typing import NamedTuple

import openpyxl
import pytest

from helpers import prepare
from helpers.errors import DataError

# Eight answers to questions, and twelve judgements in two classes: nothing to remark but that they are few.
TALK = [
    ("Is the roast dark? ->", " Medium, with some oil\n"),
    ("what about the tin ->", " It closes well\n"),
    ("How long does tea keep ->", " Two years in the dark\n"),
    ("Can dogs eat it ->", " Better not\n"),
    ("Any sugar inside ->", " None is added\n"),
    ("Which size to order ->", " A pound is enough\n"),
    ("Does it ship abroad ->", " Only by sea\n"),
    ("Were the beans fresh ->", " Roasted last week\n"),
]
GOOD = ["rich taste", "fine tea", "lovely nuts", "a real treat", "we order again", "crisp and light"]
POOR = ["stale crumbs", "too salty", "broken jar", "no aroma at all", "mouldy lid", "it leaked"]
JUDGED = [(f"{t} ->", " yes") for t in GOOD] + [(f"{t} ->", " no") for t in POOR]
CONTEXT = {
    "few_examples",
    "small_classes",
    "classification",
    "separator",
    "stop",
}  # in nearly all these files


class Sample(NamedTuple):
    """A file, the findings expected in it (of `CONTEXT` only those named), the old tool's, why they differ."""

    name: str
    content: bytes
    found: set[str]
    old: set[str]
    why: str = ""


def lines(rows, *names) -> bytes:
    names = names or ("prompt", "completion")
    return "".join(json.dumps(dict(zip(names, row)), ensure_ascii=False) + "\n" for row in rows).encode()


def table(rows, *names, delimiter=",") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([names or ("prompt", "completion"), *rows])
    return text.getvalue().encode()


def workbook(rows, sheets=1) -> bytes:
    book = openpyxl.Workbook()
    for row in [("prompt", "completion"), *rows]:
        book.worksheets[0].append(row)
    for i in range(1, sheets):
        book.create_sheet(f"more {i}")
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def prompts(change, rows=TALK):
    return [(change(prompt), completion) for prompt, completion in rows]


def completions(change, rows=TALK):
    return [(prompt, change(completion)) for prompt, completion in rows]


def bare(prompt):
    return prompt.removesuffix(" ->")


def chat(*messages, **more) -> bytes:
    good = {
        "messages": [{"role": "user", "content": "Is it dark?"}, {"role": "assistant", "content": "Medium"}]
    }
    other = {
        "messages": [{"role": "user", "content": "Any sugar?"}, {"role": "assistant", "content": "None"}]
    }
    return b"".join(json.dumps(row).encode() + b"\n" for row in (good, other, {"messages": messages, **more}))


SAMPLES = {
    "clean": Sample("a.jsonl", lines(TALK), {"few_examples", "separator", "stop"}, {"few_examples", "separator", "stop"}),
    "classes": Sample("a.jsonl", lines(JUDGED), {"classification", "small_classes"}, {"classification"}, "the old tool does not count examples per class"),
    "csv": Sample("a.csv", table(TALK), {"converted"}, {"converted"}),
    "tsv": Sample("a.tsv", table(TALK, delimiter="\t"), {"converted"}, {"converted"}),
    "semicolons": Sample("a.csv", table(TALK, delimiter=";"), {"converted", "delimiter"}, {"error"}, "a spreadsheet with another language setting writes semicolons"),
    "xlsx": Sample("a.xlsx", workbook(TALK), {"converted"}, {"converted"}),
    "xlsx, two sheets": Sample("a.xlsx", workbook(TALK, 2), {"converted", "sheets"}, {"converted", "sheets"}),
    "txt": Sample("a.txt", b" Once there was a cook\n The second had no salt\n A third came late", {"converted"}, {"converted"}),
    "txt, last line ended": Sample("a.txt", b" Once there was a cook\n The second had no salt\n A third came late\n", {"converted"}, {"converted", "empty_completions"}, "the end of the last line is not an empty example"),
    "json": Sample("a.json", json.dumps([dict(zip(("prompt", "completion"), row)) for row in TALK]).encode(), {"converted"}, set(), "the old tool writes no JSONL where nothing else is to do"),
    "json called jsonl": Sample("a.jsonl", json.dumps([dict(zip(("prompt", "completion"), row)) for row in TALK]).encode(), {"converted"}, {"converted"}),
    "jsonl called json": Sample("a.json", lines(TALK), {"converted"}, {"converted"}),
    "byte-order mark": Sample("a.jsonl", b"\xef\xbb\xbf" + lines(TALK), {"bom"}, {"error"}, "the old tool's reader fails"),
    "capital column": Sample("a.jsonl", lines(TALK, "Prompt", "completion"), {"renamed_columns"}, {"renamed_columns"}),
    "missing column": Sample("a.jsonl", lines(TALK, "question", "completion"), {"missing_columns"}, {"missing_columns"}),
    "extra column": Sample("a.jsonl", lines([(*row, "x") for row in TALK], "prompt", "completion", "source"), {"extra_columns"}, {"extra_columns"}),
    "empty completion": Sample("a.jsonl", lines([*TALK, ("And this ->", "")]), {"empty_completions"}, {"empty_completions"}),
    "blank completion": Sample("a.jsonl", lines([*TALK, ("And this ->", "  \n")]), {"empty_completions"}, set(), "blanks teach nothing either"),
    "duplicates": Sample("a.jsonl", lines([*TALK, TALK[2]]), {"duplicates"}, {"duplicates"}),
    "over 2,048 tokens": Sample("a.jsonl", lines([*TALK, ("a b c " * 800 + "->", " Much of it\n")]), {"too_long"}, set(), "2,400 tokens are 4,800 characters, which the old tool takes for short"),
    "10,000 characters, few tokens": Sample("a.jsonl", lines([*TALK, ("a" + " " * 10_500 + "->", " Much of it\n")]), set(), {"too_long"}, "it is 150 tokens: blanks in a row share tokens"),
    "long by both": Sample("a.jsonl", lines([*TALK, ("word after word " * 1_000 + "->", " Much\n")]), {"too_long"}, {"too_long"}),
    "capital prompts": Sample("a.jsonl", lines(prompts(str.upper)), {"uppercase_prompts"}, {"uppercase_prompts"}),
    "capital completions": Sample("a.jsonl", lines(completions(str.upper)), {"uppercase_completions"}, {"uppercase_completions"}),
    "same prompts": Sample("a.jsonl", lines(prompts(lambda _: "Tell me ->")), {"identical_prompts", "contradictions"}, {"identical_prompts"}, "we also say that the answers differ"),
    "no separator": Sample("a.jsonl", lines(prompts(bare)), {"no_separator"}, {"no_separator"}),
    "no separator, line ends": Sample("a.jsonl", lines(prompts(lambda p: bare(p).replace(" ", "\n", 1))), {"no_separator"}, {"no_separator"}),
    "question marks": Sample("a.jsonl", lines(prompts(lambda p: bare(p).removesuffix("?") + "?")), {"no_separator"}, {"separator"}, "a question mark is how questions end, inside a prompt too"),
    "separator inside": Sample("a.jsonl", lines([*TALK, ("A -> or B ->", " Either\n")]), {"separator_inside"}, {"separator_inside"}),
    "long separator": Sample("a.jsonl", lines(prompts(lambda p: bare(p) + "\n\n======>>======\n\n")), {"long_separator"}, {"long_separator"}),
    "prompt beginning": Sample("a.jsonl", lines(prompts(lambda p: "Answer this question: " + p)), {"prompt_beginning"}, {"prompt_beginning"}),
    "completion beginning": Sample("a.jsonl", lines(completions(lambda c: " Well:" + c)), {"completion_beginning"}, {"completion_beginning"}),
    "same completions": Sample("a.jsonl", lines([(p, " Yes\n") for p, _ in TALK[:2]]), {"identical_completions"}, {"identical_completions"}),
    "one class": Sample("a.jsonl", lines([(p, " yes") for p, _ in JUDGED]), {"identical_completions"}, set(), "with four rows or more the old tool takes it for classification, with one class"),
    "no stop": Sample("a.jsonl", lines(completions(str.rstrip)), {"no_stop"}, {"no_stop"}),
    "letters as stop": Sample("a.jsonl", lines(completions(lambda c: c.rstrip() + " indeed")), {"no_stop"}, {"stop"}, "a word that answers end with is no stop sequence"),
    "stop inside": Sample("a.jsonl", lines([*TALK, ("And then ->", " One\nTwo\n")]), {"stop_inside"}, {"stop_inside"}),
    "no leading space": Sample("a.jsonl", lines(completions(str.lstrip)), {"no_leading_space"}, {"no_leading_space"}),
    "open-ended": Sample("a.jsonl", lines([("", c) for _, c in TALK]), set(), set()),
    "long class names": Sample("a.jsonl", lines(completions(lambda c: {" yes": " dissatisfied", " no": " unsalted"}[c], JUDGED)), {"long_classes"}, set(), "the old tool does not count tokens"),
    "unequal classes": Sample("a.jsonl", lines([(f"{GOOD[i % 6]} {i} ->", " yes") for i in range(40)] + [("bad ->", " no")]), {"imbalance"}, set(), "new"),
    "contradiction": Sample("a.jsonl", lines([*TALK, (TALK[0][0], " Very dark\n")]), {"contradictions"}, set(), "new"),
    "control characters": Sample("a.jsonl", lines([*TALK, ("Any\x07 bell ->", " None\n")]), {"control_characters"}, set(), "new"),
    "carriage returns": Sample("a.jsonl", lines([*TALK, ("Two\r\nlines ->", " None\n")]), {"control_characters"}, set(), "new"),
    "e-mail address": Sample("a.jsonl", lines([*TALK, ("Write to jan.park@example.com ->", " I did\n")]), {"e_mail_addresses"}, set(), "new"),
    "key": Sample("a.jsonl", lines([*TALK, ("My key is sk-" + "a1B2" * 8 + " ->", " Withdraw it\n")]), {"openai_key"}, set(), "new"),
    "card number": Sample("a.jsonl", lines([*TALK, ("Charge 4111 1111 1111 1111 ->", " Done\n")]), {"card_number"}, set(), "new"),
    "resident number": Sample("a.jsonl", lines([*TALK, ("번호 900101-1234568 ->", " Stored\n")]), {"resident_registration_number"}, set(), "new"),
    "bytes not UTF-8": Sample("a.csv", table(TALK) + b"caf\xe9 ->, Good\n", {"converted", "invalid_utf8"}, {"error"}, "one bad row must not hide the others"),
    "bad line": Sample("a.jsonl", lines(TALK) + b"{'prompt': 'x'}\n" + lines([("One more ->", " Last\n")]), {"unreadable"}, {"error"}, "one bad line must not hide the others"),
    "too many fields": Sample("a.csv", table(TALK) + b"a ->, b, c\n", {"converted", "unreadable"}, {"error"}, "one bad row must not hide the others"),
    "a list in a cell": Sample("a.jsonl", lines([*TALK, ("And ->", {"a": 1})]), {"unreadable"}, {"no_leading_space", "no_stop"}, "the old tool writes Python's notation of the object"),
    "chat": Sample("a.jsonl", chat({"role": "user", "content": "Is it?"}, {"role": "assistant", "content": "It is"}), set(), {"missing_columns"}, "the old tool does not know chat"),
    "chat without answer": Sample("a.jsonl", chat({"role": "user", "content": "Is it?"}), {"unreadable"}, {"missing_columns"}, "the old tool does not know chat"),
    "chat with an extra key": Sample("a.jsonl", chat({"role": "user", "content": "Is it?"}, {"role": "assistant", "content": "It is"}, id=7), {"extra_columns"}, {"missing_columns"}, "the old tool does not know chat"),
    "chat with a tool call": Sample("a.jsonl", chat({"role": "user", "content": "Is it?"}, {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]}), set(), {"missing_columns"}, "the old tool does not know chat; the cookbook's check refuses tool_calls and null content"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_findings(name, tmp_path):
    sample = SAMPLES[name]
    path = tmp_path / sample.name
    path.write_bytes(sample.content)
    report = prepare.check(path)
    found = {finding.name for finding in report.findings}
    assert found - (CONTEXT - sample.found) == sample.found
    assert str(report) and report._repr_html_() and report.page()


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_written_passes(name, tmp_path):
    sample = SAMPLES[name]
    path = tmp_path / sample.name
    path.write_bytes(sample.content)
    done = prepare.run(path)
    assert path.read_bytes() == sample.content
    if done.after.errors:
        assert not done.files and list(tmp_path.iterdir()) == [path]
        return
    assert bool(done.files) == bool(done.before.repairs)
    for file in done.files:
        again = prepare.check(file)
        assert again.ok, str(again)
        assert again.rows == done.counts[0] > 0


@pytest.mark.parametrize("name", SAMPLES)
def test_differences_from_the_old_tool_have_a_reason(name):
    sample = SAMPLES[name]
    if sample.found - CONTEXT != sample.old - CONTEXT:
        assert sample.why


def test_there_are_enough_samples():
    assert len(SAMPLES) >= 40


def test_files_that_cannot_be_read(tmp_path):
    cases = {
        "no.csv": (None, "does not exist"),
        "a.pdf": (b"%PDF", "known are"),
        "empty.jsonl": (b"", "is empty"),
        "blank.csv": (b"\n\n", "no rows"),
        "damaged.xlsx": (b"PK\x03\x04 and nothing else", "no .xlsx workbook"),
        "damaged.json": (b'[{"prompt": "a", }]', "is not JSON"),
        "utf16.jsonl": ('{"prompt": "a"}'.encode("utf-16"), "UTF-16"),
    }
    for name, (content, said) in cases.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=said):
            prepare.check(tmp_path / name)
