"""One pass over all examples: what the checks need to know, in bounded memory.

Of every example three hashes of eight bytes are kept (the prompt, the completion, the prompt's letters and
digits) and its number: 28 bytes; everything else is counts and the first few examples. Two different texts
with the same hash would be taken for equal: for five million rows the odds of one such pair are under one
in a million (n * n / 2 ** 65). Left out: what follows from the facts (`checks`).
"""

import contextlib
import dataclasses
import functools
import gc
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import compress

import numpy as np

from helpers.jsonl.forms import text_of
from helpers.prepare import repairs, secrets, token_counts
from helpers.prepare.batches import Batch, places
from helpers.prepare.columns import SEPARATORS, STOPS, Column, Tally, shortened
from helpers.prepare.signs import Signs, odd_characters, signs_of
from helpers.prepare.token_counts import Limit

SENTENCES = 300  # characters that are shown of what is wrong with a record
CLASSES = 1000  # more different completions than that are not counted one by one

# For the prompt's letters and digits: capitals to small letters, and all other ASCII away.
SMALL = bytes(byte + 32 if 65 <= byte <= 90 else byte for byte in range(256))
MARKS = bytes(byte for byte in range(1, 128) if not chr(byte).isalnum())
NO_LETTER = re.compile(r"[^\w\0]+|_+")


@dataclasses.dataclass
class Facts:
    """What one pass has found. The arrays have an entry for every example, in order."""

    rows: int = 0
    prompts: Column = dataclasses.field(default_factory=lambda: Column(SEPARATORS))
    completions: Column = dataclasses.field(default_factory=lambda: Column(STOPS))
    bad: dict[str, Tally] = dataclasses.field(default_factory=dict)
    empty: Tally = dataclasses.field(default_factory=Tally)
    empty_numbers: array = dataclasses.field(default_factory=lambda: array("I"))
    unspaced: Tally = dataclasses.field(default_factory=Tally)
    controls: Tally = dataclasses.field(default_factory=Tally)
    answer_first: Tally = dataclasses.field(default_factory=Tally)
    found: dict[str, Tally] = dataclasses.field(default_factory=dict)
    long: Tally = dataclasses.field(default_factory=Tally)
    long_numbers: array = dataclasses.field(default_factory=lambda: array("I"))
    classes: Counter | None = dataclasses.field(default_factory=Counter)
    tokens: int | None = None
    longest: int = 0
    leaked: Tally = dataclasses.field(default_factory=Tally)
    leaked_nearly: Tally = dataclasses.field(default_factory=Tally)
    leaked_numbers: array = dataclasses.field(default_factory=lambda: array("I"))
    numbers: array = dataclasses.field(default_factory=lambda: array("I"))
    prompt_hashes: array = dataclasses.field(default_factory=lambda: array("q"))
    completion_hashes: array = dataclasses.field(default_factory=lambda: array("q"))
    group_hashes: array = dataclasses.field(default_factory=lambda: array("q"))

    repeated: tuple[np.ndarray, np.ndarray] | None = None  # filled by `checks_rows.repetitions`

    @property
    def open_ended(self) -> bool:
        return self.prompts.filled == 0

    @property
    def distinct(self) -> int:
        """How many different completions there are."""
        if self.classes is not None:
            return len(self.classes)
        return len(np.unique(np.frombuffer(self.completion_hashes, dtype=np.int64)))

    @functools.cached_property
    def sets(self) -> tuple[set, set]:
        """All examples, and all groups of equal letters and digits, as sets of hashes."""
        return set(zip(self.prompt_hashes, self.completion_hashes)), set(self.group_hashes)


def gather(
    batches: Callable[[], Iterable[Batch]],
    limit: Limit,
    *,
    count_tokens: bool = False,
    groups: bool = True,
    scan: bool = True,
    other: "Facts | None" = None,
) -> Facts:
    """Read everything once (and its beginning again where an ending turned out to be shorter).

    `batches`: gives the examples, repaired as far as decided, from the start each time. `limit`: of tokens
    in an example. `count_tokens`: all of them, not only where the limit may be passed. `groups`: whether to
    keep what splitting needs. `scan`: whether to look for control characters and secrets. `other`: of the
    validation file, to look for the same examples in both.
    """
    facts = Facts(tokens=0 if count_tokens else None)
    with _no_collection():
        for batch in batches():
            add(facts, batch, limit, groups, scan, other)
    for column, get in ((facts.prompts, _prompts), (facts.completions, _completions)):
        if column.counted_from and column.mark:
            for batch in _until(batches(), column.counted_from):
                if texts := get(batch):
                    column.count_inside(batch.numbers, texts, "\0".join(texts))
    return facts


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Python looks for cycles after every 700 new lists; the reader makes one a row, and none has a cycle."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def add(facts: Facts, batch: Batch, limit: Limit, groups: bool, scan: bool, other: "Facts | None") -> None:
    for number, kind, problem in batch.bad:
        facts.bad.setdefault(kind, Tally()).add(number, problem, SENTENCES)
    if blank := [not text.strip() for text in batch.completions] if _has_blank(batch) else None:
        for number, _ in compress(zip(batch.numbers, batch.completions), blank):
            facts.empty.add(number, "")
            facts.empty_numbers.append(number)
        batch = batch.kept(not each for each in blank)  # as the old tool: the other checks do not see them
    if not len(batch):
        return
    numbers, prompts, completions = batch.numbers, batch.prompts, batch.completions
    joined, answers = "\0".join(prompts), "\0".join(completions)
    data, answer_data = joined.encode(), answers.encode()
    facts.rows += len(batch)
    facts.numbers.extend(numbers)
    signs, answer_signs = signs_of(data), signs_of(answer_data)
    facts.prompts.add(numbers, prompts, joined, signs)
    facts.completions.add(numbers, completions, answers, answer_signs)
    _hash(facts, batch, joined, data, groups or other is not None)
    _look_at_completions(facts, batch)
    _look_at_order(facts, batch)
    if scan and batch.rows is not None:
        _scan(facts, batch, "text", batch.everything())
    elif scan:
        _scan(facts, batch, "prompt", prompts, joined, signs)
        _scan(facts, batch, "completion", completions, answers, answer_signs)
    _look_at_lengths(facts, batch, limit, len(data) + len(answer_data))
    if other is not None:
        _look_for_leaks(facts, batch, other)


def _has_blank(batch: Batch) -> bool:
    return not all(map(str.strip, batch.completions))


def group_keys(joined: str, data: bytes, prompts: list[str]) -> list[bytes]:
    """Each prompt's letters and digits, in lower case: the same for prompts that differ only in the rest."""
    if not joined.isascii():
        data = NO_LETTER.sub("", joined.casefold()).encode()
    keys = data.translate(SMALL, MARKS).split(b"\0")
    if len(keys) != len(prompts):  # a text has the character between the texts in it
        return [NO_LETTER.sub("", text.casefold()).replace("\0", "").encode() for text in prompts]
    return keys


def _hash(facts: Facts, batch: Batch, joined: str, data: bytes, groups: bool) -> None:
    facts.prompt_hashes.extend(map(hash, batch.prompts))
    facts.completion_hashes.extend(map(hash, batch.completions))
    if groups:
        keys = group_keys(joined, data, batch.prompts)
        if all(keys):
            facts.group_hashes.extend(map(hash, keys))
        else:  # an empty prompt, or one of marks only, is told from others by the texts themselves
            pairs = zip(keys, batch.prompts, batch.completions)
            facts.group_hashes.extend(hash(key or (prompt, completion)) for key, prompt, completion in pairs)


def _look_at_completions(facts: Facts, batch: Batch) -> None:
    counted = Counter(batch.completions)
    if facts.classes is not None:
        facts.classes.update(counted)
        if len(facts.classes) > CLASSES:
            facts.classes = None
    unspaced = {text: n for text, n in counted.items() if text[:1] != " "}
    if unspaced:
        places = (place for place in zip(batch.numbers, batch.completions) if place[1] in unspaced)
        facts.unspaced.add_many(sum(unspaced.values()), places)


def _look_at_order(facts: Facts, batch: Batch) -> None:
    for number, row in zip(batch.numbers, batch.rows or ()):
        messages = row["input"]["messages"] if "input" in row else row.get("messages", row.get("prompt"))
        if not isinstance(messages, list):
            continue
        speaking = (message for message in messages if message["role"] in ("user", "assistant"))
        first = next(speaking, None)
        if first is not None and first["role"] == "assistant":
            facts.answer_first.add(number, text_of([first]))


def _scan(
    facts: Facts,
    batch: Batch,
    name: str,
    texts: list[str],
    joined: str | None = None,
    signs: Signs | None = None,
) -> None:
    """Control characters and secrets in a column. One look is enough for almost every batch."""
    joined = "\0".join(texts) if joined is None else joined
    signs = signs_of(joined.encode()) if signs is None else signs
    if odd_characters(signs, joined, len(texts)):
        for number, text in zip(batch.numbers, texts):
            if repairs.CONTROLS.search(text):
                facts.controls.add(number, text)
    if not secrets.find(joined, numbers=signs.digits >= 13):
        return
    for i, text in enumerate(texts):
        if secrets.find(text):
            for where, part in [(name, text)] if batch.rows is None else places(batch.rows[i]):
                _note_secrets(facts, batch.numbers[i], where, part)


def _note_secrets(facts: Facts, number: int, where: str, text: str) -> None:
    for each in secrets.find(text):
        shown = secrets.masked(each.kind, text[each.start : each.end])
        tally = facts.found.setdefault(each.kind, Tally())
        tally.add(number, f"{where}, character {each.start + 1}: {shown}")


def _look_at_lengths(facts: Facts, batch: Batch, limit: Limit, size: int) -> None:
    counts = token_counts.counts(batch, limit, every=facts.tokens is not None, size=size)
    if counts is None:
        return
    for number, prompt, tokens in zip(batch.numbers, batch.prompts, counts):
        if limit.tokens is not None and tokens > limit.tokens:
            facts.long.add(number, f"{tokens:,} tokens: {shortened(prompt, 40)}")
            facts.long_numbers.append(number)
    facts.longest = max(facts.longest, int(max(counts)))
    if facts.tokens is not None:
        facts.tokens += int(sum(counts))


def _look_for_leaks(facts: Facts, batch: Batch, other: Facts) -> None:
    exact, near = other.sets
    start = len(facts.prompt_hashes) - len(batch)
    for i, number in enumerate(batch.numbers, start):
        if facts.group_hashes[i] not in near:
            continue
        same = (facts.prompt_hashes[i], facts.completion_hashes[i]) in exact
        text = batch.prompts[i - start] or batch.completions[i - start]
        (facts.leaked if same else facts.leaked_nearly).add(number, text)
        facts.leaked_numbers.append(number)


def _until(batches: Iterable[Batch], rows: int) -> Iterator[Batch]:
    seen = 0
    for batch in batches:
        if seen >= rows:
            return
        yield batch
        seen += len(batch)


def _prompts(batch: Batch) -> list[str]:
    return batch.prompts


def _completions(batch: Batch) -> list[str]:
    return batch.completions
