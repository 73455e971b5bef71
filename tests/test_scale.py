"""Large tables in parts: nothing lost or doubled, results equal to those of one matrix, runs that go on."""

import inspect
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from helpers import reviews, scale
from helpers.errors import DataError
from helpers.scale import index, models, plan, standin
from helpers.scale import parts as parts_module
from helpers.similarity import cosine_top_k

ROWS, PER_PART = 230, 50


@pytest.fixture(scope="module")
def sample() -> pd.DataFrame:
    return reviews.load("sample")


@pytest.fixture(scope="module")
def source(sample, tmp_path_factory) -> Path:
    return standin.write(tmp_path_factory.mktemp("scale") / "standin.csv", sample, ROWS)


@pytest.fixture
def parts(source, tmp_path) -> scale.Parts:
    return scale.split(source, tmp_path / "parts", rows_per_part=PER_PART)


def invented(texts: list[str], width: int = 12) -> np.ndarray:
    """Unit vectors that follow from the texts; equal texts have equal ones."""
    seeds = [sum(text.encode()) for text in texts]
    rows = np.stack([np.random.default_rng(seed).standard_normal(width) for seed in seeds])
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


class Named:
    """An embedder with a name."""

    def __init__(self, model: str, width: int):
        self.model, self.width = model, width

    def __call__(self, texts: list[str]) -> np.ndarray:
        return invented(texts, self.width)


def matrix_of(parts: scale.Parts) -> np.ndarray:
    return np.concatenate([parts.vectors(number) for number in range(len(parts))])


class TestStandIn:
    def test_has_the_data_sets_shape(self, source, sample):
        frame = reviews.load(source)
        assert len(frame) == ROWS and frame.attrs["skipped_count"] == 0
        assert frame.Id.tolist() == list(range(1, ROWS + 1))
        assert set(frame.Score) <= {1, 2, 3, 4, 5}
        assert (frame.HelpfulnessNumerator <= frame.HelpfulnessDenominator).all()

    def test_is_like_the_reviews_it_is_made_from(self, sample, tmp_path):
        frame = reviews.load(standin.write(tmp_path / "s.csv", sample, 4_000))
        assert abs(frame.Score.mean() - sample.Score.mean()) < 0.12
        words, model = (f.Text.str.split().str.len() for f in (frame, sample))
        assert 0.8 < words.mean() / model.mean() < 1.25
        assert 0.2 < frame.Text.duplicated().mean() < 0.3
        assert frame[frame.Text.duplicated(keep=False)].groupby("Text").Score.nunique().max() == 1

    def test_a_short_one_is_the_beginning_of_a_long_one(self, sample, tmp_path):
        short = standin.write(tmp_path / "a.csv", sample, 1_200).read_text(encoding="utf-8")
        long = standin.write(tmp_path / "b.csv", sample, 2_500).read_text(encoding="utf-8")
        assert long.startswith(short)
        other = standin.write(tmp_path / "c.csv", sample, 1_200, seed=1).read_text(encoding="utf-8")
        assert other != short

    def test_is_made_only_where_the_file_is_too_short(self, source, tmp_path):
        path, what = standin.source(source, tmp_path, ROWS)
        assert (path, what) == (source, "the file of reviews in use")
        path, what = standin.source(source, tmp_path, ROWS + 1, made_from=100)
        assert what == "a stand-in made from 100 reviews" and len(reviews.load(path)) == ROWS + 1

    def test_needs_something_to_be_made_from(self, sample, tmp_path):
        with pytest.raises(DataError, match="too few"):
            standin.write(tmp_path / "s.csv", sample.head(1), 10)
        with pytest.raises(ValueError, match="at least 1"):
            standin.write(tmp_path / "s.csv", sample, 0)


class TestSplit:
    def test_keeps_every_row_in_order(self, source, parts):
        frame = pd.concat([parts.frame(number) for number in range(len(parts))], ignore_index=True)
        whole = reviews.load(source)
        assert (len(parts), parts.rows) == (5, ROWS)
        assert frame.Id.tolist() == whole.Id.tolist()
        assert [len(parts.frame(number)) for number in range(len(parts))] == [50, 50, 50, 50, 30]
        clean = whole.assign(
            Summary=whole.Summary.map(reviews.clean_text, na_action="ignore"),
            Text=whole.Text.map(reviews.clean_text),
        )
        assert frame.text.tolist() == reviews.combine(clean, labels=False).tolist()

    @pytest.mark.parametrize("limit", [1, 50, 51, 229, 230, 400])
    def test_takes_the_first_rows(self, source, tmp_path, limit):
        parts = scale.split(source, tmp_path / "parts", rows_per_part=PER_PART, limit=limit)
        assert parts.rows == min(limit, ROWS) == sum(len(parts.frame(n)) for n in range(len(parts)))

    def test_goes_on_where_it_was_broken_off(self, source, parts, tmp_path, monkeypatch):
        written = []
        real = parts_module._write_rows

        def breaks(frame, path):
            if len(written) == 2:
                raise KeyboardInterrupt
            written.append(path.name)
            real(frame, path)

        monkeypatch.setattr(parts_module, "_write_rows", breaks)
        folder = tmp_path / "again"
        with pytest.raises(KeyboardInterrupt):
            scale.split(source, folder, rows_per_part=PER_PART)
        with pytest.raises(DataError, match="broken off"):
            scale.open_parts(folder)
        before = {path.name: path.stat().st_mtime_ns for path in (folder / "rows").iterdir()}
        monkeypatch.setattr(parts_module, "_write_rows", real)
        again = scale.split(source, folder, rows_per_part=PER_PART)
        assert sorted(before) == ["00000.parquet", "00001.parquet"]
        assert all((folder / "rows" / name).stat().st_mtime_ns == when for name, when in before.items())
        for number in range(len(parts)):
            assert parts.frame(number).equals(again.frame(number))

    def test_refuses_another_file_or_other_settings(self, source, parts, sample, tmp_path):
        with pytest.raises(DataError, match="split another way"):
            scale.split(source, parts.folder, rows_per_part=PER_PART + 1)
        other = standin.write(tmp_path / source.name, sample, ROWS, seed=5)
        with pytest.raises(DataError, match="split another way"):
            scale.split(other, parts.folder, rows_per_part=PER_PART)

    def test_refuses_a_folder_of_other_things(self, source, tmp_path):
        (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
        with pytest.raises(DataError, match="other files"):
            scale.split(source, tmp_path)
        with pytest.raises(DataError, match="not been made"):
            scale.open_parts(tmp_path / "nothing")

    def test_damage_is_named(self, parts):
        path = parts.path(1, "rows")
        path.write_bytes(path.read_bytes()[:-200])
        with pytest.raises(DataError, match=r"rows/00001\.parquet is damaged"):
            parts.texts(1)
        with pytest.raises(DataError, match=r"vectors/00000\.parquet is not there"):
            parts.vectors(0)
        (parts.folder / "about.json").write_text("{", encoding="utf-8")
        with pytest.raises(DataError, match=r"about\.json is damaged"):
            scale.open_parts(parts.folder)


class TestEmbed:
    def test_gives_every_row_its_vector(self, parts):
        done = scale.embed(parts, invented)
        assert (done.rows, done.parts, done.parts_there) == (ROWS, 5, 0)
        texts = [text for number in range(len(parts)) for text in parts.texts(number)]
        assert np.array_equal(matrix_of(parts), invented(texts))

    def test_goes_on_and_does_nothing_twice(self, parts):
        asked = []

        def breaks(texts):
            if len(asked) == 3:
                raise OSError("no network")
            asked.append(texts[0])
            return invented(texts)

        with pytest.raises(OSError, match="no network"):
            scale.embed(parts, breaks)
        assert parts.missing() == [3, 4]
        done = scale.embed(parts, invented, most=1)
        assert (done.rows, done.parts_there, parts.missing()) == (50, 3, [4])
        assert scale.embed(parts, invented).rows == 30
        assert scale.embed(parts, invented).rows == 0

    def test_another_model_is_refused(self, parts):
        """Vectors of two models in one folder would be compared as if they were one's."""
        first = scale.Embedder("wordllama-256", "embedded")
        scale.embed(parts, first, most=3)
        assert str(parts.made_by()) == "wordllama-256 (256 dimensions, float32)"
        with pytest.raises(DataError, match=r"holds vectors of wordllama-256 .* another \("):
            scale.embed(parts, Named("another", 256))
        with pytest.raises(DataError, match=r"64 dimensions.*cannot be compared"):
            scale.embed(parts, scale.Embedder("wordllama-256", "embedded", dimensions=64))
        with pytest.raises(DataError, match="float16"):
            scale.embed(parts, first, kind=np.float16)
        with pytest.raises(DataError, match="12 dimensions"):  # a function without a name: by what it gives
            scale.embed(parts, invented)
        assert parts.missing() == [3, 4]
        assert scale.embed(parts, first).parts == 2
        with pytest.raises(DataError, match="forget_vectors"):  # although nothing would be embedded
            scale.embed(parts, Named("another", 256))
        parts.forget_vectors()
        assert scale.embed(parts, Named("another", 256)).parts == 5

    def test_a_mixture_is_found_however_it_came(self, parts):
        scale.embed(parts, Named("one", 12))
        parts.path(2, "vectors").unlink()
        kept = {n: parts.path(n, "vectors").read_bytes() for n in (0, 1, 3, 4)}
        parts.forget_vectors()
        parts.write_vectors(2, invented(parts.texts(2)), model="two")
        for number, content in kept.items():
            parts.path(number, "vectors").write_bytes(content)
        for use in (
            parts.matrix,
            lambda: scale.search(parts, np.ones((1, 12))),
            lambda: scale.moments(parts),
        ):
            with pytest.raises(DataError, match=r"of one .* of two"):
                use()

    def test_two_runs_at_once_are_refused(self, parts):
        """Both would embed, and pay for, every part."""
        asked = []

        def meets_another(texts):
            asked.append(len(texts))
            with pytest.raises(DataError, match="Another run is at work in the folder parts"):
                scale.embed(parts, invented)
            return invented(texts)

        assert scale.embed(parts, meets_another).parts == 5 and sum(asked) == ROWS

    def test_what_a_killed_run_left_is_tidied_up(self, source, parts, tmp_path):
        left = parts.folder / "vectors" / ".00000.parquet.abc.part"
        left.parent.mkdir()
        left.write_bytes(b"half")
        scale.embed(parts, invented)
        assert not left.exists()
        begun = tmp_path / "begun"  # killed while the first file of a split was written
        begun.mkdir()
        (begun / ".about.json.xyz.part").write_text("{", encoding="utf-8")
        (begun / ".DS_Store").write_bytes(b"macOS")
        assert scale.split(source, begun, rows_per_part=PER_PART).rows == ROWS
        assert sorted(path.name for path in begun.glob(".*")) in ([".DS_Store"], [".DS_Store", ".run.lock"])

    def test_float16_is_half_as_large(self, parts):
        scale.embed(parts, lambda texts: invented(texts, 64))
        size, exact = parts.path(0, "vectors").stat().st_size, matrix_of(parts)
        parts.forget_vectors()
        scale.embed(parts, lambda texts: invented(texts, 64), kind=np.float16)
        half = matrix_of(parts)
        assert parts.path(0, "vectors").stat().st_size < 0.65 * size
        assert half.dtype == np.float32 and 0 < np.abs(half - exact).max() < 1e-3

    def test_refuses_vectors_that_do_not_fit(self, parts):
        with pytest.raises(DataError, match="Part 0 has 50 rows"):
            scale.embed(parts, lambda texts: invented(texts)[1:])
        assert parts.missing() == list(range(5))
        assert (
            list((parts.folder / "vectors").glob("*")) == [] if (parts.folder / "vectors").exists() else True
        )

    def test_with_the_engine(self, parts):
        done = scale.embed(parts, scale.Embedder("wordllama-256", "embedded", dimensions=64), progress=False)
        assert done.rows == ROWS and matrix_of(parts).shape == (ROWS, 64)
        assert np.allclose(np.linalg.norm(matrix_of(parts), axis=1), 1, atol=1e-5)

    def test_survives_being_killed(self, source, tmp_path):
        """A real process, ended in the middle without warning, again and again."""
        whole = scale.split(source, tmp_path / "whole", rows_per_part=10)
        scale.embed(whole, by_length)
        folder = tmp_path / "killed"
        parts = scale.split(source, folder, rows_per_part=10)
        for wanted in (3, 9):
            process = start_slow_run(folder)
            give_up = time.monotonic() + 30
            while len(parts) - len(parts.missing()) < wanted and time.monotonic() < give_up:
                time.sleep(0.005)
            process.kill()
            process.communicate()
            done = len(parts) - len(parts.missing())
            assert wanted <= done < len(parts)
        assert start_slow_run(folder).wait(60) == 0
        assert np.array_equal(matrix_of(parts), matrix_of(whole))
        assert sorted(path.name for path in (folder / "vectors").glob("*.parquet")) == sorted(
            path.name for path in (tmp_path / "whole" / "vectors").glob("*.parquet")
        )


SLOW_RUN = """
import sys, time
import numpy as np
sys.path.insert(0, {root!r})
from helpers.scale import parts, steps
def slow(texts):
    time.sleep(0.03)
    return by_length(texts)
{function}
steps.embed(parts.open_parts({folder!r}), slow)
"""


def by_length(texts: list[str]) -> np.ndarray:
    """Vectors that need nothing to be imported, so that the process starts soon."""
    return np.array([[len(text), sum(text.encode()) % 1000] for text in texts], dtype=np.float32)


def start_slow_run(folder: Path) -> subprocess.Popen:
    root = str(Path(__file__).resolve().parents[1])
    code = SLOW_RUN.format(root=root, folder=str(folder), function=inspect.getsource(by_length))
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.DEVNULL)


class Memory:
    """Parts in memory, for tests of what is merged."""

    def __init__(self, matrices: list[np.ndarray]):
        self.matrices, self.rows = matrices, sum(map(len, matrices))
        self.starts = np.cumsum([0, *map(len, matrices)])

    def __len__(self) -> int:
        return len(self.matrices)

    def complete(self) -> None:
        pass

    def start(self, number: int) -> int:
        return int(self.starts[number])

    def vectors(self, number: int) -> np.ndarray:
        return self.matrices[number]


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@st.composite
def cut_vectors(draw) -> tuple[np.ndarray, list[int]]:
    """Unit vectors with repeats among them, and where to cut them."""
    number = draw(st.integers(2, 60))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    rows = unit(rng.standard_normal((number, 6)))[rng.integers(0, number, number)]
    cuts = draw(st.lists(st.integers(1, number - 1), unique=True, max_size=5))
    return rows, sorted(cuts)


class TestMerging:
    @given(cut_vectors(), st.integers(1, 12))
    @settings(max_examples=60, deadline=None)
    def test_search_is_that_in_one_matrix(self, rows_and_cuts, k):
        rows, cuts = rows_and_cuts
        parts = Memory(np.split(rows, cuts))
        queries = unit(np.random.default_rng(1).standard_normal((3, 6)))
        positions, cosines = scale.search(parts, queries, k)
        expected = cosine_top_k(queries, rows, k)
        assert np.array_equal(positions, expected[0])
        assert np.allclose(cosines, expected[1])

    @given(cut_vectors())
    @settings(max_examples=30, deadline=None)
    def test_directions_are_those_of_one_matrix(self, rows_and_cuts):
        rows, cuts = rows_and_cuts
        found = scale.moments(Memory(np.split(rows, cuts)))
        assert found.count == len(rows)
        assert np.allclose(found.mean, rows.mean(axis=0), atol=1e-7)
        assert np.allclose(found.covariance, np.cov(rows.T.astype(float)), atol=1e-7)

    def test_directions_are_scikit_learns(self):
        rows = unit(np.random.default_rng(0).standard_normal((300, 8)) * np.arange(1, 9))
        axes, shares = scale.directions(scale.moments(Memory(np.split(rows, [100, 101]))), 3)
        model = PCA(3, svd_solver="covariance_eigh").fit(rows.astype(float))
        assert np.allclose(axes, model.components_, atol=1e-6)
        assert np.allclose(shares, model.explained_variance_ratio_, atol=1e-6)
        places = scale.places_part(Memory([rows]), 0, rows.mean(axis=0), axes)
        assert np.allclose(places, model.transform(rows.astype(float)), atol=1e-5)

    def test_a_pass_is_a_step_of_kmeans(self):
        rows = unit(np.random.default_rng(3).standard_normal((200, 5)))
        start = rows[:4].astype(float)
        found = scale.kmeans_pass(Memory(np.split(rows, [7, 90])), start)
        model = KMeans(4, init=start, n_init=1, max_iter=1, algorithm="lloyd")
        labels = model.fit(start).predict(rows.astype(float))
        assert found.counts.tolist() == np.bincount(labels, minlength=4).tolist()
        means = np.stack([rows[labels == group].mean(axis=0) for group in range(4)])
        assert np.allclose(found.sums / found.counts[:, None], means, atol=1e-6)
        assert found.inertia == pytest.approx(((rows - start[labels]) ** 2).sum(), rel=1e-5)
        assert scale.labels_part(Memory([rows]), 0, start).tolist() == labels.tolist()

    def test_a_group_without_rows_keeps_its_centre(self):
        rows = unit(np.random.default_rng(3).standard_normal((50, 5)))
        old = np.vstack([rows[:2].astype(float), np.full((1, 5), 9.0)])
        new = scale.kmeans_pass(Memory([rows]), old).centres(old)
        assert np.array_equal(new[2], old[2]) and np.isfinite(new).all()
        with pytest.raises(ValueError, match="NaN"):
            scale.kmeans_pass(Memory([rows]), np.full((1, 5), np.nan))

    def test_nothing_is_merged_while_parts_are_missing(self, parts):
        with pytest.raises(DataError, match="5 of 5 parts have no vectors"):
            scale.search(parts, np.ones((1, 4)))
        with pytest.raises(DataError, match="no vectors yet"):
            index.build(parts, parts.folder / "x.index")

    def test_one_vector_has_no_directions(self):
        with pytest.raises(DataError, match="2 are needed"):
            scale.directions(scale.moments(Memory([np.ones((1, 3))])))


class TestParts:
    def test_take_gives_rows_in_the_order_asked_for(self, source, parts):
        positions = [200, 3, 229, 51, 3]
        assert parts.take(positions).Id.tolist() == [201, 4, 230, 52, 4]

    def test_sample_is_of_all_parts(self, parts):
        scale.embed(parts, invented)
        positions, vectors = parts.sample(60, seed=2)
        assert np.array_equal(vectors, matrix_of(parts)[positions])
        assert len(set(positions.tolist())) == 60 and (np.diff(positions) > 0).all()
        assert set(positions // PER_PART) == set(range(5))
        assert len(parts.sample(10_000)[0]) == ROWS

    def test_minibatch_comes_near_to_kmeans(self, parts):
        scale.embed(parts, scale.Embedder("wordllama-256", "embedded"))
        centres, found = models.by_size(parts, models.minibatch_centres(parts, 5, passes=3, batch=50))
        best = KMeans(5, n_init=5, random_state=0).fit(matrix_of(parts).astype(float))
        assert found.inertia < 1.05 * best.inertia_
        assert found.counts.sum() == ROWS and (np.diff(found.counts) <= 0).all()
        assert centres.shape == (5, 256)
        with pytest.raises(DataError, match="cannot make"):
            models.minibatch_centres(parts, ROWS + 1)


class TestIndex:
    @pytest.fixture
    def built(self, parts):
        scale.embed(parts, scale.Embedder("wordllama-256", "embedded"))
        return index.build(parts, parts.folder.parent / "a.index")

    def test_finds_what_exact_search_finds(self, parts, built):
        queries = parts.sample(50)[1]
        _, exact = scale.search(parts, queries, 10)
        positions, _ = built.search(queries, 10, wide=200)
        assert len(built) == ROWS and built.megabytes > 0
        assert index.recall(parts, queries, positions, exact) > 0.98
        assert positions.shape == (50, 10) and positions.max() < ROWS
        own = np.einsum("ij,ij->i", queries, matrix_of(parts)[positions[:, 0]])
        assert np.allclose(own, 1, atol=1e-3)

    def test_is_kept_and_read_again(self, parts, built):
        queries = parts.sample(20)[1]
        path = parts.folder.parent / "a.index"
        for in_memory in (True, False):
            again = index.open_index(path, in_memory=in_memory)
            assert np.array_equal(again.search(queries)[0], built.search(queries)[0])
        assert built.search(queries, k=1_000)[0].shape == (20, ROWS)

    def test_says_what_is_no_index(self, tmp_path):
        with pytest.raises(DataError, match="There is no index"):
            index.open_index(tmp_path / "none.index")
        (tmp_path / "bad.index").write_bytes(b"something else" * 100)
        with pytest.raises(DataError, match="damaged or no index"):
            index.open_index(tmp_path / "bad.index")

    def test_recall_counts_equal_vectors_as_found(self, parts, built):
        queries = scale.Embedder("wordllama-256", "embedded")(index.headlines(parts, 20))
        positions, exact = scale.search(parts, queries, 5)
        assert index.recall(parts, queries, positions, exact) == 1
        worst = cosine_top_k(-queries, matrix_of(parts), 5)[0]  # the farthest rows
        assert index.recall(parts, queries, worst, exact) == 0
        half = np.where(np.arange(5) < 3, positions, -1)
        assert index.recall(parts, queries, half, exact) == pytest.approx(0.6)
        texts = [parts.take([p]).text.item() for p in range(ROWS)]
        first = next(p for p in range(ROWS) if texts.count(texts[p]) > 1)  # another row has the same text
        other = texts.index(texts[first], first + 1)
        own = parts.vectors_at([first])
        assert index.recall(parts, own, np.array([[other]]), scale.search(parts, own, 1)[1]) == 1

    def test_headlines_are_short_and_different(self, parts):
        found = index.headlines(parts, 30)
        assert len(set(found)) == 30 and all(found) and max(map(len, found)) < 200

    def test_queries_that_are_none(self, built):
        for bad in (np.ones(256), np.full((1, 256), np.nan)):
            with pytest.raises(ValueError, match="queries must be"):
                built.search(bad)


class TestPlan:
    def test_the_limit_that_bites_is_named(self):
        table = plan.table(568_454, 50_000_000, "text-embedding-3-small")
        hours = table.hours.to_dict()
        assert table.loc["packed requests, 8 at a time", "limit"] == "tokens per minute"
        assert hours["packed requests, 8 at a time"] == pytest.approx(50 / 60)
        assert hours["one request per row, one at a time"] == pytest.approx(568_454 * 0.3 / 3600)
        assert table.loc["one request per row, 32 at a time", "limit"] == "requests per minute"
        assert table.loc["packed requests, 8 at a time", "calls"] == 278
        assert table.dollars.tolist() == pytest.approx([1.0, 1.0, 1.0, 1.0, 0.5])
        assert table.loc["Batch API", "calls"] == 17 and hours["Batch API"] == 17 * 24

    def test_limits_of_ones_own(self):
        rich = plan.Limits(requests_per_minute=10**6, tokens_per_minute=10**8, batch_queue_tokens=10**10)
        table = plan.table(120_000, 9_000_000, "something-else", rich)
        assert table.dollars.isna().all()
        assert table.loc["Batch API"].tolist()[:3] == [3, 24.0, "window"]
        slow = plan.Limits(requests_per_minute=60)
        assert plan.table(600, 600, "x", slow).limit.tolist()[1] == "requests per minute"

    def test_sizes(self):
        assert plan.gigabytes(1_000_000, 1_000) == 4.0
        assert plan.gigabytes(1_000_000, 1_000, 2) == 2.0
        assert plan.batch_files(100_001, 100) == 3
        assert plan.batch_files(568_454, 5_200) == 15

    def test_what_was_measured_is_there(self):
        found = plan.recorded()
        assert found.columns.tolist()[:7] == ["task", "way", "rows", "rounds", "seconds", "low", "high"]
        assert (found.low <= found.seconds).all() and (found.seconds <= found.high).all()
        assert {"embed", "dask", "index", "search", "groups", "directions"} <= set(found.task)
        assert set(plan.recorded(["dask"]).way) == {"one process", "two workers"}


def test_about_holds_no_path(parts):
    about = json.loads((parts.folder / "about.json").read_text(encoding="utf-8"))
    assert str(parts.folder.parent) not in json.dumps(about)
