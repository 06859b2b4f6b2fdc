"""Making vectors: no text twice, nothing lost whatever happens meanwhile, and other writers go on."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest

from indexer import (
    Article,
    ConfigError,
    EmbedReport,
    Index,
    IndexDamaged,
    IndexLocked,
    IndexMissing,
    ModelFailed,
    StorageFailed,
    VectorStatus,
    open_index,
)
from indexer.store import generations
from indexer.store.embed import embed
from indexer.store.folder import WritableFolder
from indexer.store.lock import lock_for_writing
from indexer.store.reader import open_snapshot
from indexer.vectors import Matrix, TextRefused
from tests.fixtures.folders import Archive, contents
from tests.fixtures.models import make_tiny_model

DIMENSIONS = 8
FEW = 1
"""Bytes of memory, so few that each round ends after the first texts that are read together."""


class Model:
    """A `Model` whose vectors follow from the texts; it keeps what it was given, and tells a test of each."""

    def __init__(
        self,
        fingerprint: str = "0" * 32,
        meanwhile: Callable[[Sequence[str]], object] = lambda _: None,
        dimensions: int = DIMENSIONS,
    ) -> None:
        self.fingerprint, self.dimensions = fingerprint, dimensions
        self.given: list[str] = []
        self._meanwhile = meanwhile

    def embed_texts(self, texts: Sequence[str]) -> Matrix:
        self._meanwhile(texts)
        self.given += texts
        return np.array([_draw(self.fingerprint + text, self.dimensions) for text in texts], np.float32)

    def embed_query(self, text: str, seconds: float = float("inf")) -> Matrix:
        return self.embed_texts([text])


def _draw(seed: str, dimensions: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.random.default_rng(crc32(seed.encode())).standard_normal(dimensions)


class Count:
    """Progress that counts; `starts` has the number of paragraphs at each start."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.advanced = 0

    def start(self, files: int, size: int) -> None:
        self.starts.append(files)

    def advance(self, size: int) -> None:
        self.advanced += size


def make_articles(count: int, start: int = 0) -> list[Article]:
    """Articles of three paragraphs, of which one stands in all of them, and a custom text in no paragraph."""
    return [
        Article(f"a{n}", f"Title {n}", [f"Paragraph {n} of the tide.", f"Crane {n}.", "It is the same."])
        for n in range(start, start + count)
    ]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """An index of 300 articles in two segments."""
    with Archive(tmp_path).open() as made:
        made.put(make_articles(250))
        made.put(make_articles(50, 250))
        yield made


PARAGRAPHS, TEXTS = 900, 601


def run(index: Index, model: Model, **options: object) -> EmbedReport:
    given = {"progress": None, "stop": None} | options
    return embed(WritableFolder(index.config, index.config.today), model, **given)  # type: ignore[arg-type]


def stored(index: Index, model: Model) -> int:
    """How many paragraphs have a vector of a model; all files with vectors are intact."""
    snapshot = open_snapshot(generations.live_folder(index.config.index))
    assert snapshot.vector_problems() == []
    return snapshot.vector_models().get(model.fingerprint, 0)


def counts(report: EmbedReport) -> tuple[int, int, int, int]:
    return report.embedded, report.reused, report.unchanged, report.remaining


def stop_after(count: int) -> Callable[[], bool]:
    """A function that says to stop when it has been asked so many times."""
    asked = iter(range(count))
    return lambda: next(asked, None) is None


# What is embedded


def test_each_text_is_embedded_once_and_a_second_pass_writes_nothing(index: Index, tmp_path: Path) -> None:
    model, progress = Model(), Count()
    report = run(index, model, progress=progress)
    assert counts(report) == (TEXTS, PARAGRAPHS - TEXTS, 0, 0)
    assert not report.interrupted
    assert sorted(model.given) == sorted({text for a in index.articles() for text in a.paragraphs})
    assert stored(index, model) == PARAGRAPHS
    assert (progress.starts, progress.advanced) == ([PARAGRAPHS], PARAGRAPHS)
    before = contents(tmp_path)
    assert counts(run(index, model)) == (0, 0, PARAGRAPHS, 0)
    assert contents(tmp_path) == before
    assert len(model.given) == TEXTS


def test_removed_articles_custom_texts_and_titles_of_paragraphs_are_not_embedded(tmp_path: Path) -> None:
    with Archive(tmp_path).open(fields={"summary": {"type": "text"}}) as index:
        index.put(
            [
                Article("a", "A", ["One."], fields={"summary": "Not a paragraph."}),
                Article("b", "B", fields={"summary": "Not a title."}),
            ]
        )
        index.put([Article("c", "C", ["Two."])])
        index.put([Article("d", "D", ["Three."])])
        index.remove(["c"])
        model = Model()
        assert counts(run(index, model)) == (3, 0, 0, 0)
        assert sorted(model.given) == ["B", "One.", "Three."]
        assert counts(run(index, model)) == (0, 0, 3, 0)


def test_articles_with_a_title_only_count_as_one_paragraph_each_and_nothing_is_embedded_again(
    tmp_path: Path, tiny_model: Path
) -> None:
    articles = [
        Article("ship", "The ferries leave"),
        Article("again", "", ["The ferries leave", "A jab."]),
        Article("unknown", "Of nothing that is known"),
        Article("nothing", ""),
    ]
    with open_index(tmp_path / "index", model=str(tiny_model)) as index:
        index.put(articles)
        assert index.get_status().vectors == VectorStatus(str(tiny_model), 0, 5)
        (finding,) = index.diagnose().findings
        assert finding.what.startswith("5 of 5 texts have no vector")
        assert counts(index.embed()) == (4, 1, 0, 0)
        assert index.get_status().vectors == VectorStatus(str(tiny_model), 5, 5, 64)
        assert index.diagnose().findings == ()
        revision = index.get_revision()
        assert counts(index.embed()) == (0, 0, 5, 0)
        assert index.get_revision() == revision
        for name, count in (("ship", 1), ("again", 2), ("unknown", 1), ("nothing", 1)):
            status = index.restricted({"filter": f"id:{name}"}).get_status()
            assert status.vectors == VectorStatus(tiny_model.name, count, count, 64)
        index.put([Article("ship", "The freighter leaves")])
        assert counts(index.embed()) == (1, 0, 4, 0)
        index.rebuild()
        assert counts(index.embed()) == (0, 0, 5, 0)


def test_a_changed_article_and_rebuilds_embed_only_what_is_new(index: Index) -> None:
    model = Model()
    run(index, model)
    model.given.clear()
    index.put([Article("a7", "Title", ["Crane 7.", "A new one.", "It is the same."])])
    report = run(index, model)
    assert (model.given, report.embedded, report.reused, report.remaining) == (["A new one."], 1, 2, 0)
    for _ in range(3):
        index.rebuild()
        assert stored(index, model) == PARAGRAPHS
    revision = index.get_revision()
    assert counts(run(index, model)) == (0, 0, PARAGRAPHS, 0)
    assert model.given == ["A new one."]
    assert index.get_revision() == revision


def test_a_rebuild_of_an_index_that_is_partly_embedded_keeps_what_it_has(index: Index) -> None:
    model = Model()
    report = run(index, model, stop=stop_after(4))
    index.put([Article("b", "Title", ["A new one."])])
    index.rebuild()
    index.rebuild()
    # The same text stands in many articles.
    assert report.embedded + report.reused <= stored(index, model) < PARAGRAPHS
    assert run(index, model).remaining == 0
    assert len(model.given) == len({*model.given}) == TEXTS + 1


def test_a_copy_has_the_vectors_of_the_index(index: Index, tmp_path: Path) -> None:
    model = Model()
    run(index, model)
    index.remove(["a3"])
    with open_index(tmp_path / "copy") as other:
        index.copy(other)
        assert stored(other, model) == PARAGRAPHS - 3
        assert counts(run(other, Model(meanwhile=fail))) == (0, 0, PARAGRAPHS - 3, 0)


def test_a_copy_is_made_without_vectors_that_are_damaged(index: Index, tmp_path: Path) -> None:
    model = Model()
    run(index, model)
    for path in Path(index.path).glob("*.vectors.nut"):
        path.write_bytes(path.read_bytes()[:-30])
    with open_index(tmp_path / "copy") as other:
        index.copy(other)
        assert stored(other, model) == 0
        assert other.get_status().articles == 300


def test_another_model_replaces_the_vectors_of_the_first(index: Index) -> None:
    first, second = Model(), Model("1" * 32)
    run(index, first)
    assert counts(run(index, second)) == (TEXTS, PARAGRAPHS - TEXTS, 0, 0)
    assert (stored(index, first), stored(index, second)) == (0, PARAGRAPHS)


def test_damaged_vectors_are_made_again(index: Index) -> None:
    model = Model()
    run(index, model)
    path = max(Path(index.path).glob("*.vectors.nut"), key=lambda path: path.stat().st_size)
    path.write_bytes(path.read_bytes()[:-30])
    model.given.clear()
    report = run(index, model)
    assert (report.remaining, report.unchanged) == (0, 150)
    assert len(model.given) == 500  # of 750 paragraphs, without the text that the other segment has
    assert stored(index, model) == PARAGRAPHS


# What ends a pass


def test_a_pass_that_is_stopped_keeps_what_was_embedded(index: Index) -> None:
    model, embedded = Model(), 0
    for _ in range(100):
        report = run(index, model, stop=stop_after(4))
        embedded += report.embedded
        assert stored(index, model) == report.unchanged + report.embedded + report.reused
        assert report.interrupted == (report.remaining > 0)
        if not report.remaining:
            break
    assert embedded == len(model.given) == TEXTS


def test_a_pass_that_is_stopped_at_once_writes_nothing(index: Index, tmp_path: Path) -> None:
    before = contents(tmp_path)
    report = run(index, Model(), stop=lambda: True)
    assert (counts(report), report.interrupted) == ((0, 0, 0, PARAGRAPHS), True)
    assert contents(tmp_path) == before


def test_a_pass_that_is_stopped_does_not_wait_for_a_service_that_is_slow(index: Index) -> None:
    index = Index(index.config.with_options({"model": "http://127.0.0.1:9/v1#slow"}))
    is_asked, is_over = threading.Event(), threading.Event()
    model = Model()

    def hang(_: Sequence[str]) -> None:
        if len(model.given) >= 300:
            is_asked.set()
            is_over.wait()

    model._meanwhile = hang
    report = run(index, model, stop=is_asked.is_set)
    embedded = len(model.given)
    is_over.set()
    assert (report.interrupted, report.failure) == (True, "")
    assert report.embedded == embedded
    assert stored(index, model) == PARAGRAPHS - report.remaining == report.embedded + report.reused
    assert run(index, Model()).remaining == 0


def fail(texts: Sequence[str]) -> None:
    raise ModelFailed("the service does not answer")


def test_a_model_that_fails_in_the_middle_ends_the_pass_without_losing_anything(index: Index) -> None:
    model = Model()
    model._meanwhile = lambda _: fail([]) if len(model.given) >= 300 else None
    report = run(index, model)
    assert report.failure == "the service does not answer"
    assert not report.interrupted
    assert report.embedded == len(model.given)
    assert stored(index, model) == PARAGRAPHS - report.remaining == report.embedded + report.reused
    report = run(index, rest := Model())
    assert (report.remaining, report.failure) == (0, "")
    assert len(model.given) + len(rest.given) == TEXTS


def refuse(*refused: str) -> Callable[[Sequence[str]], None]:
    """A model's refusal of texts in which any of these stands; "" stands in all."""

    def check(texts: Sequence[str]) -> None:
        if any(part in text for part in refused for text in texts):
            raise TextRefused("the service refuses a text")

    return check


@pytest.mark.parametrize(
    ("refused", "texts", "paragraphs"),
    [
        (["Crane 7."], 1, 1),
        (["Paragraph 0 of"], 1, 1),  # the first
        (["the tide"], 300, 300),
        (["It is the same."], 1, 300),
        (["tide", "Crane", "same"], TEXTS, PARAGRAPHS),
    ],
)
def test_texts_that_a_model_refuses_are_passed_over_and_not_given_to_it_again(
    index: Index, refused: list[str], texts: int, paragraphs: int
) -> None:
    model, progress = Model(meanwhile=refuse(*refused)), Count()
    report = run(index, model, progress=progress, memory=FEW)
    rest = PARAGRAPHS - paragraphs
    assert (report.refused, report.embedded, report.remaining) == (paragraphs, TEXTS - texts, 0)
    assert (report.embedded + report.reused, report.failure) == (rest, "")
    assert sorted({*model.given} - {"test"}) == sorted(
        {text for a in index.articles() for text in a.paragraphs if not any(part in text for part in refused)}
    )
    assert (progress.starts, progress.advanced) == ([PARAGRAPHS], PARAGRAPHS)
    assert stored(index, model) == PARAGRAPHS
    again = Model(meanwhile=fail)
    assert counts(run(index, again)) == (0, 0, PARAGRAPHS, 0)


def test_a_model_that_refuses_everything_ends_the_pass(index: Index, tmp_path: Path) -> None:
    before = contents(tmp_path)
    report = run(index, Model(meanwhile=refuse("")))
    assert (report.failure, report.refused) == ("the service refuses a text", 0)
    assert counts(report) == (0, 0, 0, PARAGRAPHS)
    assert contents(tmp_path) == before


def test_a_model_that_begins_to_refuse_everything_loses_no_text(index: Index) -> None:
    model = Model()
    model._meanwhile = lambda texts: refuse("")(texts) if len(model.given) >= 200 else None
    report = run(index, model)
    assert (report.failure, report.refused) == ("the service refuses a text", 0)
    assert report.embedded == len(model.given)
    report = run(index, Model())
    assert (report.refused, report.remaining, report.failure) == (0, 0, "")


def test_a_pass_can_be_stopped_while_texts_are_refused(index: Index) -> None:
    report = run(index, Model(meanwhile=refuse("Paragraph")), stop=stop_after(6))
    assert report.interrupted
    assert 0 < report.refused + report.embedded < 64


def test_vectors_of_another_size_end_the_pass_with_what_to_do(index: Index, tmp_path: Path) -> None:
    """As of a service that has another model behind the same name."""
    run(index, Model())
    index.put(make_articles(5, 1000))
    states = []
    for _ in range(2):
        report = run(index, Model(dimensions=16), memory=FEW)
        assert (report.embedded, report.remaining) == (0, 10)
        assert "vectors of 8 and of 16 numbers" in report.failure
        assert f"delete the files *.vectors.nut below {index.config.index}" in report.failure
        states.append(contents(tmp_path))
    assert states[0] == states[1]
    for path in index.config.index.rglob("*.vectors.nut"):
        path.unlink()
    report = run(index, model := Model(dimensions=16))
    assert (report.remaining, report.failure) == (0, "")
    assert stored(index, model) == PARAGRAPHS + 15


def test_a_size_that_changes_while_another_pass_writes_ends_the_pass(index: Index) -> None:
    other = Model(dimensions=16)
    first = Model(meanwhile=lambda _: None if other.given else run(index, other))
    report = run(index, first, memory=FEW)
    assert "vectors of 8 and of 16 numbers" in report.failure


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (np.ones((1, 9000), np.float32), r"a vector has 9,000 numbers, not 1 to 8,192"),
        (np.ones((1, 0), np.float32), r"a vector has 0 numbers, not 1 to 8,192"),
        (np.full((1, 8), np.nan, np.float32), r"a vector has a number that is not finite"),
    ],
)
def test_vectors_that_cannot_be_stored_end_the_pass(
    index: Index, tmp_path: Path, made: Matrix, problem: str
) -> None:
    class Strange(Model):
        def embed_texts(self, texts: Sequence[str]) -> Matrix:
            return made.repeat(len(texts), axis=0)

    before = contents(tmp_path)
    report = run(index, Strange())
    assert report.failure == (
        f"the model gives vectors that cannot be stored ({problem}): configure another model"
    )
    assert report.remaining == PARAGRAPHS
    assert contents(tmp_path) == before


def test_two_models_that_replace_the_vectors_of_each_other_come_to_an_end(index: Index) -> None:
    other = Model("1" * 32)
    model = Model(meanwhile=lambda _: run(index, other))
    report = run(index, model, memory=FEW)
    assert "are not there any more: make sure that no other model" in report.failure


def test_a_killed_pass_loses_at_most_a_round(index: Index, tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from tests.store.test_embed import FEW, Archive, Model, Path, run\n"
        "model = Model()\n"
        "model._meanwhile = lambda _: os.kill(os.getpid(), signal.SIGKILL) if len(model.given) > 500 else 0\n"
        "with Archive(Path(sys.argv[1])).open() as index:\n"
        "    run(index, model, memory=FEW)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=Path(__file__).parents[2])
    assert done.returncode == -signal.SIGKILL
    model = Model()
    kept = stored(index, model)
    assert kept >= 300
    report = run(index, model)
    assert (report.unchanged, report.remaining) == (kept, 0)
    assert len(model.given) < TEXTS - 300


def test_a_pass_that_died_before_its_commit_is_told_to_readers_by_the_next(
    index: Index, tmp_path: Path
) -> None:
    model, live, before = Model(), Path(index.path), tmp_path / "before"
    shutil.copytree(live, before)
    run(index, model)
    # As after the death: the files with vectors are there, and the commit is the one before.
    for path in live.glob("*.vectors.nut"):
        shutil.copyfile(path, before / path.name)
    shutil.rmtree(live)
    before.rename(live)
    with Archive(tmp_path).open() as reader:
        first = reader.get_revision()
        assert counts(run(index, model)) == (0, 0, PARAGRAPHS, 0)
        second = reader.get_revision()
        assert second != first
        run(index, model)
        assert reader.get_revision() == second


def test_a_file_from_the_future_does_not_make_a_commit_each_time(index: Index) -> None:
    model = Model()
    run(index, model)
    for path in Path(index.path).glob("*.vectors.nut"):
        os.utime(path, (2**32, 2**32))
    before = index.get_revision()
    run(index, model)
    assert index.get_revision() == before


def test_a_full_disk_is_an_error_and_what_was_written_before_stays(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    model = Model()
    with monkeypatch.context() as patch:
        model._meanwhile = lambda _: patch.setattr(os, "fsync", refuse) if len(model.given) > 500 else None
        with pytest.raises(StorageFailed, match="free space"):
            run(index, model, memory=FEW)
    kept = stored(index, model)
    assert 300 <= kept < PARAGRAPHS
    assert index.search("crane").total == 300
    report = run(index, Model())
    assert (report.unchanged, report.remaining) == (kept, 0)


def test_damage_of_the_articles_is_an_error_and_what_was_embedded_before_is_kept(index: Index) -> None:
    path = min(Path(index.path).glob("*.nut"), key=lambda path: path.stat().st_size)
    data = bytearray(path.read_bytes())
    directory = json.loads(data[int.from_bytes(data[-24:-16], "little") : -24])
    data[directory["text.data"][1] + 5] ^= 1
    path.write_bytes(data)
    model = Model()
    for _ in range(2):
        with pytest.raises(IndexDamaged, match=path.name):
            run(index, model)
        assert stored(index, model) == 750
        assert len(model.given) == 501


# What goes on meanwhile


def test_articles_that_are_put_and_merged_meanwhile_are_embedded_and_no_text_twice(index: Index) -> None:
    """Each commit adds a segment: the eighth merges all of them, and takes the first ones away."""
    rounds = iter(range(300, 310))

    def put(_: Sequence[str]) -> None:
        if (number := next(rounds, None)) is not None:
            index.put(make_articles(1, number))

    model, progress = Model(meanwhile=put), Count()
    report = run(index, model, progress=progress, memory=FEW)
    assert report.remaining == 0
    assert stored(index, model) == index.get_status().paragraphs == PARAGRAPHS + 30
    assert len(model.given) == len(set(model.given)) == report.embedded == TEXTS + 20
    assert len(progress.starts) > 1


def test_a_rebuild_meanwhile_loses_no_vector(index: Index) -> None:
    def rebuild(_: Sequence[str]) -> None:
        if len(model.given) > 300 and index.get_status().generation == "g000001":
            index.rebuild()

    model = Model(meanwhile=rebuild)
    report = run(index, model, memory=FEW)
    assert report.remaining == 0
    assert stored(index, model) == PARAGRAPHS
    assert len(model.given) == len(set(model.given)) == TEXTS


def test_an_article_that_is_removed_meanwhile_gets_no_vector(index: Index) -> None:
    model = Model(meanwhile=lambda _: index.remove(["a0", "a1"]))
    assert run(index, model).remaining == 0
    assert stored(index, model) == PARAGRAPHS - 6


def test_two_passes_at_once_leave_what_one_does(index: Index) -> None:
    second = Model()
    first = Model(meanwhile=lambda _: None if second.given else run(index, second))
    report = run(index, first, memory=FEW)
    assert report.remaining == 0
    assert stored(index, first) == PARAGRAPHS
    assert len(second.given) == TEXTS
    # The first one has only embedded what it was about to.
    assert len(first.given) < TEXTS


def test_vectors_that_cannot_be_written_for_now_are_kept_until_they_can(index: Index) -> None:
    index = Index(index.config.with_options({"lock_timeout": 0}))
    with ExitStack() as held:
        held.enter_context(lock_for_writing(index.config.index, 0))
        model = Model(meanwhile=lambda _: held.close() if len(model.given) > 400 else None)
        report = run(index, model, memory=2 * 100 * (DIMENSIONS + 300))
    assert report.remaining == 0
    assert len(model.given) == report.embedded == TEXTS


def test_a_lock_that_is_not_released_is_an_error_that_says_what_is_lost(index: Index) -> None:
    index = Index(index.config.with_options({"lock_timeout": 0}))
    model = Model()
    with lock_for_writing(index.config.index, 0):
        with pytest.raises(
            IndexLocked, match=r"is being written by .* \(601 new vectors could not be written"
        ):
            run(index, model)
        assert stored(index, model) == 0


def test_searches_are_answered_and_the_revision_tells_of_each_commit(index: Index) -> None:
    revisions: list[str] = []

    def look(_: Sequence[str]) -> None:
        revisions.append(index.get_revision())
        assert index.search("crane").total == 300

    run(index, Model(meanwhile=look), memory=FEW)
    revisions.append(index.get_revision())
    assert len(set(revisions)) >= 3
    committed = index.get_status()
    assert (committed.articles, committed.paragraphs) == (300, PARAGRAPHS)


# The index in whole


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An archive of two articles, whose language a tiny model knows."""
    made = Archive(tmp_path)
    made.text("a.txt", "The ferry left the harbour.\n\nThe boats are at the quay.")
    made.text("b.txt", "A physician in the storm.")
    made.sync()
    return made


def open_with_model(archive: Archive, model: Path | str, **options: Any) -> Index:
    return open_index(archive.folder, sources=[archive.seeds], model=str(model), **options)


def test_the_status_tells_how_much_has_vectors_before_and_after(archive: Archive, tiny_model: Path) -> None:
    with archive.open() as index:
        assert index.get_status().vectors is None
    with open_with_model(archive, tiny_model) as index:
        assert index.get_status().vectors == VectorStatus(str(tiny_model), 0, 3)
        revision = index.get_revision()
        assert counts(index.embed()) == (3, 0, 0, 0)
        assert index.get_revision() != revision
        assert index.get_status().vectors == VectorStatus(str(tiny_model), 3, 3, 64)


def test_a_restricted_status_counts_what_is_visible_and_hides_where_the_model_is(
    archive: Archive, tiny_model: Path
) -> None:
    with open_with_model(archive, tiny_model) as index:
        index.embed()
        index.put([Article("new", "New", ["A vessel."], section="world")])
        (hit,) = index.search("physician").hits
        for filters, found in (({"filter": f"id:{hit.article.id}"}, (1, 1)), ({"section": "world"}, (0, 1))):
            vectors = index.restricted(filters).get_status().vectors
            assert vectors is not None
            assert (vectors.paragraphs, vectors.of_paragraphs) == found
            assert vectors.model == tiny_model.name
        assert index.restricted({"section": "none"}).get_status().vectors == VectorStatus(
            tiny_model.name, 0, 0
        )


def test_an_index_whose_model_is_missing_answers_by_words_and_says_so(
    archive: Archive, tiny_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    with open_with_model(archive, folder) as index:
        assert index.search("ferry").total == 1
        vectors = index.get_status().vectors
        assert vectors is not None
        assert "does not exist" in vectors.problem
        assert "/" not in str(index.restricted({"section": "x"}).get_status().vectors)
        (finding,) = index.diagnose().findings
        assert finding.kind == "vectors"
        assert finding.what.startswith("Articles are found by words alone: model: ")
        with pytest.raises(ConfigError, match="does not exist"):
            index.embed()
        # The commit that it makes lets readers open the model, too.
        shutil.copytree(tiny_model, folder)
        assert index.embed().embedded == 3
        assert index.get_status().vectors == VectorStatus(str(folder), 3, 3, 64)


def test_without_a_model_embedding_is_refused_with_what_to_configure(archive: Archive) -> None:
    with archive.open() as index, pytest.raises(ConfigError, match=r"model: is not set.*nutgraf\[meaning\]"):
        index.embed()


def test_an_index_on_a_cluster_has_no_vectors() -> None:
    with (
        open_index("opensearch+http://search.example:9200/archive", model="x") as index,
        pytest.raises(ConfigError, match=r"needs an index in a folder, .*search\.example"),
    ):
        index.embed()


def test_a_missing_index_cannot_be_embedded_and_is_not_made(tmp_path: Path, tiny_model: Path) -> None:
    with open_index(tmp_path / "none", model=str(tiny_model)) as index, pytest.raises(IndexMissing):
        index.embed()
    assert not (tmp_path / "none").exists()


def find(index: Index) -> list[tuple[str, str]]:
    return [(finding.what, finding.remedy) for finding in index.diagnose().findings]


def test_a_diagnosis_tells_what_has_no_vector_and_what_cannot_be_used(
    archive: Archive, tiny_model: Path, tmp_path: Path
) -> None:
    other = make_tiny_model(tmp_path / "other", {"one": ["two"]})
    with open_with_model(archive, tiny_model) as index:
        ((what, remedy),) = find(index)
        assert what.startswith(f"3 of 3 texts have no vector of the model {tiny_model}, and are found by")
        assert remedy == "`nutgraf embed` makes the vectors."
        # Nothing that a repair does.
        assert index.repair().done == ()
        index.embed()
        assert index.diagnose().is_well
    with open_with_model(archive, other) as index:
        ((what, _),) = find(index)
        assert what.endswith("by words alone; 3 have one of another model, which is not used.")
    with open_with_model(archive, tiny_model) as index:
        (path,) = Path(index.path).glob("*.vectors.nut")
        path.write_bytes(path.read_bytes()[:-9])
        (damage, _), (lack, _) = find(index)
        assert str(path) in damage
        assert lack.startswith("3 of 3 texts")
        assert index.embed().remaining == 0
        assert index.diagnose().is_well
