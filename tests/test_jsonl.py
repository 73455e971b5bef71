"""JSONL: every bad line named and none hidden, the forms, converting between them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import jsonl, prepare
from helpers.errors import DataError

USER = {"role": "user", "content": "Is it dark?"}
ANSWER = {"role": "assistant", "content": "Medium."}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"roast": 3}'}}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "content": "medium", "tool_call_id": "c1"}

GOOD = {
    "pairs": {"prompt": "Is it dark? ->", "completion": " Medium."},
    "chat": {"messages": [{"role": "system", "content": "Be brief."}, USER, CALLING, RESULT, ANSWER]},
    "dialogue": {"prompt": [USER], "completion": [ANSWER]},
    "preference": {
        "prompt": [USER],
        "chosen": [ANSWER],
        "rejected": [{"role": "assistant", "content": "No."}],
    },
    "openai-preference": {
        "input": {"messages": [USER]},
        "preferred_output": [ANSWER],
        "non_preferred_output": [{"role": "assistant", "content": "No."}],
    },
}


@pytest.mark.parametrize("form", jsonl.FORMS)
def test_a_good_row_has_no_problems(form):
    assert jsonl.form_of(GOOD[form]) == form
    assert jsonl.problems(GOOD[form]) == jsonl.problems(GOOD[form], form) == []


BAD = {
    "not an object": ([1], "a list, not an object"),
    "no known keys": ({"text": "a"}, "no known form"),
    "no completion": ({"prompt": "a"}, "completion is missing"),
    "a number": ({"prompt": "a", "completion": 4}, "completion is a number"),
    "no messages": ({"messages": []}, "messages is empty"),
    "messages as text": ({"messages": "hi"}, "not a list of messages"),
    "message as text": ({"messages": ["hi"]}, r"messages\[0\] is a text"),
    "no role": ({"messages": [{"content": "a"}, ANSWER]}, r"messages\[0\] has no role"),
    "unknown role": ({"messages": [{"role": "human", "content": "a"}, ANSWER]}, "unknown role 'human'"),
    "unknown key": ({"messages": [USER | {"mood": 1}, ANSWER]}, "unknown key 'mood'"),
    "no content": ({"messages": [{"role": "user"}, ANSWER]}, "has no content"),
    "null content": ({"messages": [USER, {"role": "assistant", "content": None}]}, "beside tool_calls"),
    "content as number": ({"messages": [USER, ANSWER | {"content": 3}]}, "content is a number"),
    "parts without type": ({"messages": [USER | {"content": [{}]}, ANSWER]}, "parts that each have a type"),
    "no answer": ({"messages": [USER]}, "none by the assistant"),
    "weight of a user": ({"messages": [USER | {"weight": 1}, ANSWER]}, "weight must be 0 or 1"),
    "weight of 2": ({"messages": [USER, ANSWER | {"weight": 2}]}, "weight must be 0 or 1"),
    "all weights 0": ({"messages": [USER, ANSWER | {"weight": 0}]}, "nothing to learn"),
    "no arguments": (
        {"messages": [USER, CALLING | {"tool_calls": [CALL | {"function": {"name": "x"}}]}]},
        "arguments that are JSON",
    ),
    "unasked result": ({"messages": [USER, RESULT, ANSWER]}, "which no message before it makes"),
    "nested too deep": ({"messages": [USER, ANSWER], "tools": json.loads("[" * 900 + "]" * 900)}, "50 deep"),
    "equal answers": ({"prompt": "a", "chosen": "b", "rejected": "b"}, "there is no preference"),
    "mixed kinds": ({"prompt": "a", "chosen": [ANSWER], "rejected": "b"}, "three texts or three lists"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_told_what_is_wrong(name):
    row, said = BAD[name]
    with pytest.raises(AssertionError, match=said):
        raise AssertionError("; ".join(jsonl.problems(row)))


def test_the_calls_of_tools_that_the_cookbook_refuses_are_right():
    assert jsonl.problems({"messages": [USER, CALLING, RESULT, ANSWER]}) == []
    assert jsonl.problems({"messages": [USER, ANSWER | {"weight": 0}, USER, ANSWER | {"weight": 1}]}) == []
    assert jsonl.problems({"messages": [USER | {"content": [{"type": "text", "text": "a"}]}, ANSWER]}) == []


MISTAKES = {
    b"{'prompt': 'a'}": "double quotation marks",
    b'{"a": 1,}': "comma stands before",
    b'{"a": 1}{"b": 2}': "second object",
    b'{"a": 1},': "comma stands after",
    b'{"a": "x': "not closed",
    b'{"a": True}': "Write true",
    b'{"a": None}': "Write null",
    b'{"a": "b"c"}': 'not written as \\"',
    b'{a: "b"}': '"a"',
    '{"a": “b”}'.encode(): "typographic",
    b'{"a": "\xff"}': "0xFF",
    b'{"a": "\\ud800"}': "half a character",
    b'{"a": "x\ty"}': "control character",
    b'{"a": "\\q"}': "escape",
    b"{": "} or ] is missing",
    b"hello": "not JSON",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_each_mistake_is_explained(line):
    assert MISTAKES[line] in jsonl.explain(line)


@given(st.binary(max_size=30))
def test_explaining_never_fails(line):
    try:
        assert jsonl.explain(line)
    except ValueError as error:
        assert str(error) == "the line is JSON"


def test_a_bad_line_is_named_and_hides_no_other(tmp_path):
    path = tmp_path / "a.jsonl"
    good = json.dumps(GOOD["pairs"]).encode()
    path.write_bytes(b"\xef\xbb\xbf" + b"\n".join([good, b"{'a'}", b"", b"[1]", b"\xff", good]) + b"\r\n")
    found = list(jsonl.read(path))
    assert [line.number for line in found] == [1, 2, 4, 5, 6]
    assert [isinstance(line, jsonl.BadLine) for line in found] == [False, True, True, True, False]
    assert found[0].row == found[-1].row == GOOD["pairs"]
    with pytest.raises(DataError, match="line 2: character 2"):
        jsonl.rows(path)


def test_overlong_lines_are_passed_over_in_little_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(jsonl.files, "LONGEST", 1000)
    path = tmp_path / "a.jsonl"
    good = json.dumps(GOOD["pairs"])
    path.write_text(f'{{"prompt": "{"x" * 5000}"}}\n{good}\n', encoding="utf-8")
    bad, line = jsonl.read(path)
    assert bad == (1, "it is over 1,000 bytes long") and line == (2, GOOD["pairs"])


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        list(jsonl.read(tmp_path / "none.jsonl"))
    (tmp_path / "a.jsonl").write_text("{}", encoding="utf-16")
    with pytest.raises(DataError, match="UTF-16"):
        list(jsonl.read(tmp_path / "a.jsonl"))


def test_writing_is_all_or_nothing(tmp_path):
    path = tmp_path / "new" / "a.jsonl"
    rows = [GOOD["pairs"], {"prompt": "한국어/слово", "completion": " \u2028"}]
    assert jsonl.write(path, rows, "pairs") == 2
    assert jsonl.rows(path, "pairs") == rows and "한국어/слово".encode() in path.read_bytes()
    for wrong in ({"prompt": "a"}, {"prompt": "\ud800", "completion": "b"}):
        with pytest.raises(DataError, match="position 1"):
            jsonl.write(path, [GOOD["pairs"], wrong])
    assert jsonl.rows(path) == rows and len(list(path.parent.iterdir())) == 1


def test_pairs_become_chat_and_come_back():
    made = jsonl.convert(GOOD["pairs"], "chat", separator=" ->", stop="")
    assert made == {"messages": [USER, ANSWER]}
    assert jsonl.convert(made, "pairs", separator=" ->") == GOOD["pairs"]


@pytest.mark.parametrize("form", ["dialogue", "preference", "openai-preference"])
def test_other_forms_become_chat(form):
    assert jsonl.convert(GOOD[form], "chat") == {"messages": [USER, ANSWER]}


def test_preferences_change_their_keys():
    assert jsonl.convert(GOOD["preference"], "openai-preference") == GOOD["openai-preference"]
    assert jsonl.convert(GOOD["openai-preference"], "preference") == GOOD["preference"]


REFUSED = [
    (GOOD["chat"], "pairs", "4 messages"),
    (GOOD["pairs"], "preference", "worse answer"),
    ({"messages": [USER, ANSWER, USER]}, "dialogue", "does not end with the assistant"),
    ({"messages": [USER, CALLING]}, "pairs", "calls a tool"),
    ({"messages": [ANSWER, ANSWER]}, "pairs", "by the assistant"),
    ({"messages": [USER, ANSWER | {"weight": 1}, USER, ANSWER]}, "pairs", "3 messages"),
    ({"messages": [USER, ANSWER], "tools": [{}]}, "pairs", "offers tools"),
    ({"messages": [ANSWER]}, "dialogue", "nothing before"),
    ({"prompt": 1, "completion": "a"}, "chat", "prompt is a number"),
]


@pytest.mark.parametrize("row, to, said", REFUSED)
def test_what_cannot_be_converted_says_why(row, to, said):
    with pytest.raises(DataError, match=said):
        jsonl.convert(row, to)


def test_unknown_forms_are_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="pairs, chat"):
        jsonl.convert(GOOD["pairs"], "xml")
    with pytest.raises(ValueError, match="pairs, chat"):
        jsonl.problems(GOOD["pairs"], "xml")


def test_a_list_of_texts_is_a_broken_pair_and_not_a_dialogue(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"prompt": ["Rye", "bread?"], "completion": " yes"}\n', encoding="utf-8")
    (line,) = jsonl.read(path, "pairs")
    assert line.problem == "prompt is a list, not a text"
    assert line.problem in prepare.check(path).finding("unreadable").examples[0].text
    assert jsonl.form_of({"prompt": [], "completion": []}) == "dialogue"
