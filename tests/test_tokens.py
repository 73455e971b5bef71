"""helpers.tokens: counts are tiktoken's and the engine's own; cuts lose nothing and break no character."""

import gzip
import itertools
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import tokens
from helpers.errors import DataError

MODELS = ["text-embedding-3-small", "gpt-4o", "wordllama-256"]

SMALL_ALPHABETS = st.one_of(
    st.text(alphabet="안녕하세요똠방각하 커피가 ", max_size=60),
    st.text(alphabet="👩‍👧🏽🇰🇷😀☕️ a", max_size=40),
    st.text(alphabet="éàü\u0301\u0308\u0345 eo", max_size=60),
    st.text(alphabet="ab .!?\n\t", max_size=120),
    st.text(alphabet="x", max_size=400),
)
TEXTS = st.one_of(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=80), SMALL_ALPHABETS)
models = pytest.mark.parametrize("model", MODELS)
quick = settings(max_examples=60, deadline=None)


def test_known_counts_of_both_encodings():
    assert tokens.encode("hello world", "text-embedding-3-small") == [15339, 1917]
    assert tokens.encode("hello world", "gpt-4o") == [24912, 2375]
    assert tokens.count(["hello world", "", "hello"], "gpt-4o").tolist() == [2, 0, 1]


def test_counts_are_integers_even_for_no_texts():
    assert tokens.count([], "wordllama-256").dtype == np.int64
    assert tokens.count([], "gpt-4").shape == (0,)


def test_engine_counts_are_its_own():
    from helpers.engine import vectors

    texts = ["Good coffee.", "맛있는 커피 ☕", ""]
    assert tokens.count(texts, "wordllama-256").tolist() == list(vectors.load().count(texts))


@pytest.mark.parametrize(
    ("model", "encoding", "estimate"),
    [
        ("text-embedding-3-large", "cl100k_base", False),
        ("text-embedding-ada-002", "cl100k_base", False),
        ("gpt-4", "cl100k_base", False),
        ("gpt-4-turbo-2024-04-09", "cl100k_base", False),
        ("gpt-3.5-turbo", "cl100k_base", False),
        ("babbage-002", "cl100k_base", False),
        ("gpt-4o-mini", "o200k_base", False),
        ("gpt-4.1-nano", "o200k_base", False),
        ("gpt-5.1", "o200k_base", False),
        ("o1", "o200k_base", False),
        ("o4-mini-2025-04-16", "o200k_base", False),
        ("ft:gpt-4o-mini-2024-07-18:acme::abc123", "o200k_base", False),
        ("ft:gpt-3.5-turbo:acme::abc123:ckpt-step-10", "cl100k_base", False),
        ("ft:wordllama-classifier:acme::abc", "wordllama", False),
        ("wordllama-256", "wordllama", False),
        ("reviews-ngram", "wordllama", False),
        ("my-azure-deployment", "cl100k_base", True),
        ("omni-moderation-latest", "cl100k_base", True),
        ("ft:", "cl100k_base", True),
        ("", "cl100k_base", True),
    ],
)
def test_encoding_of_a_model(model, encoding, estimate):
    assert tokens.encoding_name(model) == encoding
    assert tokens.is_estimate(model) is estimate


def test_model_map_agrees_with_tiktokens_own():
    import tiktoken.model

    offline = {"cl100k_base", "o200k_base"}
    known = {m: e for m, e in tiktoken.model.MODEL_TO_ENCODING.items() if e in offline}
    assert len(known) > 10
    assert {model: tokens.encoding_name(model) for model in known} == known


@models
def test_control_tokens_in_a_review_are_ordinary_text(model):
    text = "Great <|endoftext|> coffee <|fim_prefix|> </s>"
    assert len(tokens.encode(text, model)) > 10
    assert tokens.decode(tokens.encode(text, model), model) == text


@models
@quick
@given(text=TEXTS)
def test_decode_turns_encode_back(model, text):
    assert tokens.decode(tokens.encode(text, model), model) == text


@models
@quick
@given(text=TEXTS)
def test_one_piece_a_token_and_whole_pieces_come_from_the_text(model, text):
    pieces = tokens.pieces(text, model)
    assert len(pieces) == tokens.count([text], model)[0]
    assert all("\ufffd" not in piece for piece in pieces) or "\ufffd" in text
    if text.isascii() and pieces[:1] != ["▁"]:
        assert "".join(pieces) == text


def test_pieces_of_korean_and_emoji_show_bytes_for_broken_characters():
    assert tokens.pieces("안녕", "gpt-4") == ["<0xEC><0x95>", "<0x88>", "<0xEB><0x85>", "<0x95>"]
    assert tokens.pieces("맛있는 커피", "gpt-4o") == ["맛", "있는", " 커", "피"]
    assert tokens.pieces("I love tea", "gpt-4") == ["I", " love", " tea"]
    assert tokens.pieces("안녕\n a", "wordllama-256") == ["▁", "안", "<0xEB>", "<0x85>", "<0x95>", "\n", " a"]


@models
@quick
@given(text=TEXTS, limit=st.integers(0, 30))
def test_truncate_keeps_a_prefix_within_the_limit(model, text, limit):
    short = tokens.truncate(text, limit, model)
    assert text.startswith(short)
    assert tokens.count([short], model)[0] <= limit
    if tokens.count([text], model)[0] <= limit:
        assert short == text


@models
@quick
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=80))
def test_truncate_does_not_waste_the_limit(model, text):
    limit = int(tokens.count([text], model)[0]) - 1
    if limit >= 40:
        assert tokens.count([tokens.truncate(text, limit, model)], model)[0] >= limit - 30


@models
def test_truncate_keeps_accents_and_joined_emoji_together(model):
    family = "👨‍👩‍👧‍👦"
    whole = {family * n for n in range(4)}
    size = int(tokens.count([family], model)[0])
    for limit in range(size, 4 * size):
        assert tokens.truncate(family * 3, limit, model) in whole
    assert not tokens.truncate("cafe\u0301 " * 50, 60, model).endswith("e")


@models
@quick
@given(text=TEXTS, limit=st.integers(12, 40))
def test_split_is_lossless_and_within_the_limit(model, text, limit):
    chunks = tokens.split(text, limit, model=model)
    assert "".join(chunks) == text
    assert all(chunks)
    assert (tokens.count(chunks, model) <= limit).all()


@models
@quick
@given(text=TEXTS, limit=st.integers(12, 40), share=st.floats(0, 1))
def test_split_with_overlap_covers_the_text_in_order(model, text, limit, share):
    chunks = tokens.split(text, limit, int(share * (limit // 2)), model)
    assert (tokens.count(chunks, model) <= limit).all()
    covered = 0
    for chunk in chunks:
        start = next(
            s for s in range(covered, -1, -1) if text.startswith(chunk, s) and s + len(chunk) > covered
        )
        covered = start + len(chunk)
    assert covered == len(text)


@models
def test_split_prefers_the_end_of_a_sentence_then_of_a_word(model):
    sentences = "The coffee was cold. I asked for 3.5 stars! They said no? " * 8
    chunks = tokens.split(sentences, 40, model=model)
    assert len(chunks) > 2
    assert all(chunk.rstrip()[-1] in ".!?" for chunk in chunks)
    words = "coffee tea milk sugar honey bread " * 20
    assert all(set(chunk.split()) <= set(words.split()) for chunk in tokens.split(words, 30, model=model))


@models
def test_overlap_repeats_the_end_of_the_chunk_before(model):
    text = " ".join(f"word{i}" for i in range(300))
    chunks = tokens.split(text, 60, 15, model)
    assert len(chunks) > 5
    for before, after in itertools.pairwise(chunks):
        shared = max(n for n in range(len(after) + 1) if before.endswith(after[:n]))
        assert 3 <= tokens.count([after[:shared]], model)[0] <= 16


def test_split_says_when_a_character_does_not_fit():
    with pytest.raises(DataError, match="'😀' at position 3 has more than 1 token"):
        tokens.split("hey😀", 1, model="gpt-4")
    with pytest.raises(ValueError, match="overlap"):
        tokens.split("text", 10, 6)
    with pytest.raises(ValueError, match="negative"):
        tokens.truncate("text", -1, "gpt-4")


@pytest.mark.parametrize("function", [tokens.count, tokens.encode, tokens.pieces])
@models
def test_lone_surrogate_is_a_clear_error(function, model):
    text = "caf\udce9 au lait"
    with pytest.raises(DataError, match=r"position 0 has half a character \(U\+DCE9.*at its place 3"):
        function([text] if function is tokens.count else text, model)


@pytest.mark.parametrize("wrong", [None, float("nan"), 7, b"bytes"])
def test_what_is_no_text_is_named(wrong):
    with pytest.raises(DataError, match="position 1 is no text"):
        tokens.count(["fine", wrong], "gpt-4")


def test_a_single_text_for_a_list_is_named():
    with pytest.raises(DataError, match="brackets"):
        tokens.count("a text", "gpt-4")


@models
def test_unknown_token_ids_are_named(model):
    for ids in ([10**7], [-1]):
        with pytest.raises(DataError, match=r"no .*token"):
            tokens.decode(ids, model)


@pytest.mark.parametrize("run", ["a", " ", "가", "😀", " \t", "ab"])
@models
def test_long_runs_are_bounded_in_time_and_do_not_fail(run, model):
    """tiktoken 0.14 panics from 600,000 blanks on; earlier versions were quadratic on letters (issue 195)."""
    text = run * (700_000 // len(run))
    started = time.perf_counter()
    count = tokens.count([text], model)[0]
    assert 0 < count <= 4 * len(text) + 1
    assert time.perf_counter() - started < 5


def test_slices_of_a_long_text_have_the_same_tokens():
    prose = "The coffee isn't bad: 12 cups, 안녕 friends… at $3.99!  Really\n\ngood <br /> stuff " * 4_000
    assert len(prose) > 3 * tokens.SLICE
    for model in ("gpt-4", "gpt-4o"):
        whole = tokens._tokenizer(model)._encoding.encode_ordinary(prose)
        assert tokens.encode(prose, model) == whole


def test_long_truncate_and_split_are_quick():
    text = "The coffee isn't bad at all. " * 20_000
    started = time.perf_counter()
    short = tokens.truncate(text, 8_192, "text-embedding-3-small")
    chunks = tokens.split(text, 8_192, model="text-embedding-3-small")
    assert time.perf_counter() - started < 3
    assert 8_180 < tokens.count([short], "text-embedding-3-small")[0] <= 8_192
    assert "".join(chunks) == text


# The vocabulary files


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """An empty cache folder and a tiktoken that has loaded nothing yet and may not use the network."""
    import requests
    import tiktoken.registry

    def no_network(*_args, **_kwargs):
        raise requests.exceptions.ConnectionError("no network in tests")

    monkeypatch.setenv("WORKBOOK_CACHE", str(tmp_path))
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    monkeypatch.delenv("DATA_GYM_CACHE_DIR", raising=False)
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})
    monkeypatch.setattr(requests, "get", no_network)
    tokens._load.cache_clear()
    yield tmp_path / "tiktoken"
    tokens._load.cache_clear()


def test_vocabulary_is_unpacked_once_and_the_environment_left_alone(fresh):
    assert tokens.encode("hello world", "gpt-4") == [15339, 1917]
    (file,) = fresh.iterdir()
    assert file.name == tokens.VOCABULARIES["cl100k_base"].file
    assert "TIKTOKEN_CACHE_DIR" not in os.environ
    written = file.stat().st_mtime_ns
    tokens._load.cache_clear()
    tokens.count(["again"], "gpt-4")
    assert file.stat().st_mtime_ns == written


def test_damaged_vocabulary_is_unpacked_again(fresh):
    fresh.mkdir()
    file = fresh / tokens.VOCABULARIES["cl100k_base"].file
    file.write_bytes(b"half a fi")
    assert tokens.encode("hello world", "gpt-4") == [15339, 1917]
    assert file.stat().st_size > 1_000_000


def test_users_own_folder_is_used_and_its_lack_is_explained(fresh, monkeypatch):
    empty = fresh.parent / "mine"
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(empty))
    with pytest.raises(DataError, match="TIKTOKEN_CACHE_DIR names a folder that lacks it"):
        tokens.count(["x"], "gpt-4")
    assert os.environ["TIKTOKEN_CACHE_DIR"] == str(empty)
    assert not fresh.exists()


def test_folder_that_cannot_be_written_is_explained(fresh):
    fresh.write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(DataError, match="set WORKBOOK_CACHE"):
        tokens.count(["x"], "gpt-4")


def test_package_with_other_vocabulary_is_refused(fresh, monkeypatch):
    monkeypatch.setattr(gzip, "decompress", lambda _packed: b"something else")
    with pytest.raises(DataError, match="another cl100k_base"):
        tokens.count(["x"], "gpt-4")


def test_threads_that_load_at_once_agree(fresh):
    results = []
    threads = [
        threading.Thread(target=lambda m=model: results.append(tokens.count(["hello world"], m)[0]))
        for model in ["gpt-4", "gpt-4o", "wordllama-256"] * 4
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [2] * 12
    assert len(list(fresh.iterdir())) == 2
    assert "TIKTOKEN_CACHE_DIR" not in os.environ


def test_import_is_light():
    code = "import sys, helpers.tokens; sys.exit('tiktoken' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
