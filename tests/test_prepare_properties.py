"""No input crashes the reader or the checks, and what prepare writes it finds nothing to do with."""

import contextlib
import csv
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import jsonl, prepare
from helpers.errors import DataError

FAST = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)

# Texts of few letters, so that they repeat, share their ends and hold every mark that matters.
PIECES = [
    "a",
    "b",
    "A",
    "É",
    " ",
    "\n",
    "->",
    " ->",
    "\n\n###\n\n",
    "END",
    ".",
    "?",
    "\x00",
    "\r\n",
    "\u2028",
]
PIECES += [
    "\ufeff",
    "차",
    "x@y.org",
    "4111111111111111",
    "sk-" + "abcdefghijklmnopqrstuvw",
    "instruction: ",
    "İ",
    "𝐀",
]
texts = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
pairs = st.lists(st.fixed_dictionaries({"prompt": texts, "completion": texts}), min_size=1, max_size=8)

said = st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": texts})
chats = st.lists(st.builds(lambda m: {"messages": m}, st.lists(said, max_size=3)), min_size=1, max_size=6)
talk = st.lists(said, min_size=1, max_size=2)
preferences = st.lists(
    st.one_of(
        st.fixed_dictionaries({"prompt": texts, "chosen": texts, "rejected": texts}),
        st.fixed_dictionaries({"prompt": talk, "chosen": talk, "rejected": talk}),
    ),
    min_size=1,
    max_size=5,
)
values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from([*(key for form in jsonl.FORMS.values() for key in form), "Prompt", "role", "x"])
objects = st.lists(st.dictionaries(keys, values | talk | texts, max_size=4) | values, min_size=1, max_size=5)


def fresh(tmp_path):
    """A folder without files, for each example."""
    folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    return folder


def prepared_well(rows, folder, **options):
    """Prepare rows; whatever is written passes, and preparing it again writes nothing."""
    done = prepare.run(rows, to=folder / "out.jsonl", **options)
    if not done.files:
        assert done.after.errors or not done.before.repairs
        assert not list(folder.iterdir())
        return
    again = prepare.run(done.files[0])
    assert again.before.ok, str(again.before)
    assert again.files == [] and len(list(folder.iterdir())) == 1
    assert not [line for line in jsonl.read(done.files[0]) if isinstance(line, jsonl.BadLine)]


@FAST
@given(pairs)
def test_pairs_are_prepared_once_and_for_all(tmp_path, rows):
    prepared_well(rows, fresh(tmp_path))


@FAST
@given(pairs)
def test_repeated_pairs_too(tmp_path, rows):
    rows = [dict(row, prompt=f"{i} {row['prompt']}") for i in range(4) for row in rows]  # few classes
    prepared_well(rows, fresh(tmp_path))


@FAST
@given(chats | preferences)
def test_messages_and_preferences_too(tmp_path, rows):
    with contextlib.suppress(DataError):
        prepared_well(rows, fresh(tmp_path))


@FAST
@given(objects, st.sampled_from([None, *jsonl.FORMS]))
def test_any_objects_are_prepared_or_refused(tmp_path, rows, form):
    with contextlib.suppress(DataError):
        prepared_well(rows, fresh(tmp_path), form=form)


@FAST
@given(st.binary(max_size=80), st.sampled_from(["csv", "tsv", "txt", "json", "jsonl", "xlsx"]))
def test_any_bytes_are_read_or_refused(tmp_path, content, ending):
    path = fresh(tmp_path) / f"a.{ending}"
    path.write_bytes(content)
    try:
        prepare.check(path)
        prepare.run(path)
    except DataError:
        pass


MARKS = st.text(alphabet="{}[]\":,\\ \n\r'abtn0-", max_size=40)


@FAST
@given(st.lists(MARKS, max_size=4), st.sampled_from(["jsonl", "json"]))
def test_anything_like_json_is_read_or_refused(tmp_path, found, ending):
    path = fresh(tmp_path) / f"a.{ending}"
    good = json.dumps({"prompt": "a ->", "completion": " b"})
    path.write_text("\n".join([good, *found, good]), encoding="utf-8")
    with contextlib.suppress(DataError):
        prepare.run(path)


FIELDS = st.text(alphabet='a,"\n\r;\t\u00e9', max_size=8)


@FAST
@given(st.lists(st.lists(FIELDS, max_size=3), max_size=5))
def test_anything_like_csv_is_read_or_refused(tmp_path, records):
    path = fresh(tmp_path) / "a.csv"
    text = "prompt,completion\n" + "\n".join(map(",".join, records))
    path.write_text(text, encoding="utf-8", newline="")
    with contextlib.suppress(DataError):
        prepare.run(path)


@FAST
@given(pairs)
def test_csv_says_the_same_as_the_rows(tmp_path, rows):
    path = fresh(tmp_path) / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, ["prompt", "completion"], quoting=csv.QUOTE_ALL)
        table.writeheader()
        table.writerows(rows)
    from_file, from_rows = prepare.check(path), prepare.check(rows)
    named = [
        {(f.name, f.count) for f in report.findings} - {("converted", 0)} for report in (from_file, from_rows)
    ]
    assert named[0] == named[1] and from_file.rows == from_rows.rows


@FAST
@given(pairs, st.integers(0, 3))
def test_a_split_keeps_equal_prompts_together(tmp_path, rows, seed):
    try:
        done = prepare.run(rows, to=fresh(tmp_path) / "out.jsonl", split=0.3, seed=seed)
    except DataError as error:
        assert "too few different prompts" in str(error)
        return
    if done.files:
        train, valid = (jsonl.rows(path) for path in done.files)
        assert len(train) + len(valid) == sum(done.counts) == done.after.rows
        assert len(valid) <= 0.3 * sum(done.counts) + 2 * done.before.rows**0.5
        plain = [
            {"".join(filter(str.isalnum, row["prompt"].casefold())) for row in part}
            for part in (train, valid)
        ]
        assert not (plain[0] & plain[1]) - {""}
