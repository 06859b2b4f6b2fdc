"""A problem is described in a sentence, readers get an intact generation, and a repair loses nothing."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import unicodedata
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from indexer import (
    Article,
    Config,
    ConfigError,
    Index,
    IndexDamaged,
    IndexLocked,
    IndexOutdated,
    SourceMissing,
    open_index,
)
from indexer.cli import run_cli
from indexer.files.names import SETTINGS
from indexer.store import generations
from indexer.store.lock import lock_for_writing
from tests.engine.embedding import add_vectors, side_files
from tests.fixtures.commits import open_commit
from tests.fixtures.folders import (
    Archive,
    change_settings,
    contents,
    state,
    three_articles,
    truncate_files,
)

PUT_IN = Article(id="x", paragraphs=["A heron."])


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An index of two generations, with an article added through the API."""
    made = three_articles(tmp_path)
    made.sync()
    with made.open() as index:
        index.put([PUT_IN])
        index.rebuild()
    return made


def kinds(index: Index) -> list[str]:
    return [finding.kind for finding in index.diagnose().findings]


def record(archive: Archive, **settings: object) -> None:
    """Record these settings in the live generation, as a writer does; None for one that is not recorded."""
    path = archive.live / SETTINGS
    words = json.loads(path.read_text()) | settings | {"checksum": None}
    words = {name: value for name, value in words.items() if value is not None}
    path.write_text(json.dumps(words | {"checksum": zlib.crc32(json.dumps(words).encode())}))


def test_an_intact_index_has_no_findings_and_a_diagnosis_changes_nothing(archive: Archive) -> None:
    before = contents(archive.folder)
    with archive.open() as index:
        found = index.diagnose()
    assert found.is_well
    assert str(found) == f"All is well with the index in {archive.folder}."
    assert contents(archive.folder) == before


def test_no_index_is_missing(tmp_path: Path) -> None:
    with open_index(tmp_path / "none") as index:
        (finding,) = index.repair().findings
    assert (finding.kind, finding.remedy) == ("missing", "`nutgraf index FOLDER` makes one.")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("pattern", ["*.nut", "*.toc", "settings.json"])
def test_the_previous_generation_answers_for_a_damaged_one_and_says_so(
    archive: Archive, pattern: str
) -> None:
    truncate_files(archive.live, pattern)
    with archive.open() as index:
        page = index.search("crane")
        assert page.total == 2
        assert "`nutgraf doctor --fix`" in page.notes[0].message
        assert index.get_article("x").paragraphs == PUT_IN.paragraphs
        assert index.get_status().generation == "g000001"
        assert index.get_status().damage
        with pytest.raises(IndexDamaged):
            index.verify()
        writes: list[Callable[[], object]] = [index.sync, lambda: index.put([PUT_IN])]
        for write in writes:
            with pytest.raises(IndexDamaged):
                write()
        found = index.diagnose()
        assert [finding.kind for finding in found.findings] == ["damaged"]
        assert found.answers == "g000001"


def flip_text(segment: Path) -> None:
    """Flip a bit in the stored articles of a segment."""
    data = bytearray(segment.read_bytes())
    directory = json.loads(data[int.from_bytes(data[-24:-16], "little") : -24])
    data[directory["text.data"][1] + 5] ^= 1
    segment.write_bytes(data)


def test_damage_found_by_a_query_makes_the_previous_generation_answer(archive: Archive) -> None:
    (path,) = archive.live.glob("*.nut")
    flip_text(path)
    with archive.open() as index:
        index.suggest("cra")
        page = index.search("crane")
        assert (page.total, index.get_status().generation) == (2, "g000001")
        assert "is damaged" in page.notes[0].message


def test_a_file_truncated_under_a_reader_is_not_read_further(archive: Archive) -> None:
    with archive.open() as index:
        assert index.search("crane").notes == ()
        (path,) = archive.live.glob("*.nut")
        os.truncate(path, 100)
        page = index.search("crane")
        assert (page.total, len(page.notes)) == (2, 1)


@pytest.mark.parametrize("pattern", ["*.nut", "*.toc", "settings.json", "catalog-*.json"])
def test_a_repair_rebuilds_a_damaged_generation_with_the_articles_of_apps(
    archive: Archive, pattern: str
) -> None:
    with archive.open() as index:
        before = state(index)
        truncate_files(archive.live, pattern)
        found = index.repair()
        assert found.is_well
        assert state(index) == before
        assert index.get_article("x").paragraphs == PUT_IN.paragraphs
        assert index.search("crane").notes == ()
        assert index.sync().unchanged == 3


def flip(path: Path, place: float) -> None:
    """Flip a bit of the byte at a place of a file, from 0 to 1."""
    data = bytearray(path.read_bytes())
    data[int(place * (len(data) - 1))] ^= 1
    path.write_bytes(data)


# What happens to a catalog, and whether its first line, which readers need, remains.
CATALOG_DAMAGE: dict[str, tuple[Callable[[Path], object], bool]] = {
    "truncated": (lambda path: os.truncate(path, path.stat().st_size - 9), True),
    "truncated early": (lambda path: os.truncate(path, 30), False),
    "empty": (lambda path: os.truncate(path, 0), False),
    "missing": (Path.unlink, False),
    "a bit of the first line": (lambda path: flip(path, 0.05), False),
    "a bit of the last line": (lambda path: flip(path, 0.9), True),
    "other bytes": (lambda path: path.write_bytes(os.urandom(500)), False),
}


@pytest.fixture
def young(tmp_path: Path) -> Archive:
    """An index of one generation, with an article added through the API, and an alias."""
    made = three_articles(tmp_path)
    made.sync()
    (made.seeds / "b.jsonl").rename(made.seeds / "c.jsonl")
    made.sync()
    with made.open() as index:
        index.put([PUT_IN])
    return made


@pytest.mark.parametrize("harm", CATALOG_DAMAGE)
def test_the_doctor_restores_a_damaged_catalog_from_the_articles(
    young: Archive, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    doctor = ["doctor", "--index", str(young.folder)]
    with young.open() as index:
        before = state(index)
    damage, is_searchable = CATALOG_DAMAGE[harm]
    (catalog,) = young.live.glob("catalog-*.json")
    damage(catalog)
    assert run_cli(doctor) == 5
    out = capsys.readouterr().out
    assert ("its articles are intact, and can be searched meanwhile" in out) == is_searchable
    assert ("nothing can be searched meanwhile" in out) == (not is_searchable)
    assert "restores its catalog from its articles" in out
    with young.open() as index:
        with contextlib.nullcontext() if is_searchable else pytest.raises(IndexDamaged):
            assert index.search("crane").total == 2
        with pytest.raises(IndexDamaged, match="doctor --fix"):
            index.put([PUT_IN])
    assert run_cli([*doctor, "--fix"]) == 0
    assert "is restored from its 4 articles, 1 of them added through the API" in capsys.readouterr().out
    with young.open() as index:
        assert state(index) == before
        assert index.get_article("x").paragraphs == PUT_IN.paragraphs
        report = index.sync()
        assert (report.changes, report.unchanged, report.files) == ([], 3, 2)
        assert index.verify(deep=True).differences == ()
        assert index.remove(["x"]).removed == 1


@pytest.mark.parametrize("harm", CATALOG_DAMAGE)
def test_a_catalog_is_restored_although_its_sources_are_missing(
    young: Archive, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with young.open() as index:
        before = state(index)
    (catalog,) = young.live.glob("catalog-*.json")
    CATALOG_DAMAGE[harm][0](catalog)
    young.seeds.rename(young.root / "unmounted")
    assert run_cli(["doctor", "--index", str(young.folder), "--fix", "--json"]) == 1
    assert [finding["kind"] for finding in json.loads(capsys.readouterr().out)["findings"]] == ["source"]
    with young.open() as index:
        assert state(index) == before
        (young.root / "unmounted").rename(young.seeds)
        assert index.sync().unchanged == 3


def test_a_restored_catalog_has_the_aliases_of_the_generation_before(archive: Archive) -> None:
    with archive.open() as index:
        old = index.resolve_id("one")
        (archive.seeds / "b.jsonl").rename(archive.seeds / "c.jsonl")
        index.sync()
        index.rebuild()
        truncate_files(archive.live, "catalog-*.json")
        assert index.repair().is_well
        assert index.get_article(old).source == "c.jsonl"


def test_two_sources_of_one_name_are_told_apart_in_a_restored_catalog(tmp_path: Path) -> None:
    one, other = three_articles(tmp_path / "one"), three_articles(tmp_path / "other")
    with one.open() as index:
        index.sync(one.seeds, other.seeds)
        before = state(index)
        truncate_files(one.live, "catalog-*.json")
        assert index.repair().is_well
        report = index.sync(one.seeds, other.seeds)
        assert (report.changes, report.failed, report.unchanged) == ([], [], 6)
        assert state(index) == before


def test_damaged_articles_without_a_catalog_are_read_again_from_their_sources(young: Archive) -> None:
    truncate_files(young.live, "catalog-*.json")
    for segment in young.live.glob("*.nut"):
        flip_text(segment)
    with young.open() as index:
        (finding,) = index.diagnose().findings
        assert "rebuilds it from its sources" in finding.remedy
        assert "its articles are intact" not in finding.what
        found = index.repair()
        assert found.is_well
        assert "cannot be read: x" in " ".join(found.done)
        assert index.search("crane").total == 2


def test_a_repair_keeps_the_only_copy_of_what_it_cannot_read(archive: Archive) -> None:
    with archive.open() as index:
        index.put([Article(id="y", paragraphs=["An egret."]), Article(id="x", paragraphs=["Two herons."])])
    for path in archive.live.glob("*.nut"):
        path.write_bytes(b"damaged" + path.read_bytes()[7:])
    with archive.open() as index:
        found = index.repair()
        assert found.is_well
        assert "g000002.damaged" in " ".join(found.done)
        assert any("x" in act and "previous generation" in act for act in found.done)
        assert any("y" in act and "cannot be read" in act for act in found.done)
        assert index.get_article("x").paragraphs == PUT_IN.paragraphs
        assert list((archive.folder / "g000002.damaged").glob("*.nut"))
        index.rebuild()
        assert list((archive.folder / "g000002.damaged").glob("*.nut"))


def test_a_repair_of_the_pointer_switches_to_the_newest_intact_generation(archive: Archive) -> None:
    (archive.folder / "current").write_text("g000009")
    with archive.open() as index:
        assert kinds(index) == ["damaged"]
        assert index.repair().done == ("g000002 is live again.",)
        assert index.search("heron").total == 1


def test_a_flipped_bit_in_the_pointer_does_not_switch_generations(archive: Archive) -> None:
    pointer = archive.folder / "current"
    pointer.write_bytes(pointer.read_bytes().replace(b"g000002", b"g000001"))
    with archive.open() as index, pytest.raises(IndexDamaged):
        index.search("crane")


@pytest.mark.parametrize("number", [generations.FORMAT - 1, generations.FORMAT + 1])
@pytest.mark.parametrize("act", [Index.repair, Index.rebuild])
def test_another_format_says_to_rebuild_and_a_repair_does_it(
    archive: Archive, number: int, act: Callable[[Index], object]
) -> None:
    with archive.open() as index:
        index.remove(["x"])
    change_settings(archive.live, format=number)
    with archive.open() as index:
        for use in (index.sync, index.get_status, lambda: index.search("crane")):
            with pytest.raises(IndexOutdated, match=f"has format {number}, .* run `nutgraf doctor --fix`"):
                use()
        assert kinds(index) == ["outdated"]
        act(index)
        assert index.diagnose().is_well
        assert index.search("crane").total == 2


@pytest.mark.parametrize(
    "kept", sorted(Path(__file__).parent.glob("format_*.zip")), ids=lambda path: path.stem
)
def test_an_index_of_each_released_format_opens_or_says_to_rebuild(tmp_path: Path, kept: Path) -> None:
    shutil.unpack_archive(kept, tmp_path)
    with open_index(tmp_path / "index") as index:
        if kept.stem == f"format_{generations.FORMAT}":
            assert [hit.article.id for hit in index.search("crane").hits] == ["a"]
            assert index.verify().articles == 1
        else:
            with pytest.raises(IndexOutdated, match="run `nutgraf doctor --fix`"):
                index.search("crane")


def test_an_index_of_the_current_format_is_kept_for_later_versions() -> None:
    assert (Path(__file__).parent / f"format_{generations.FORMAT}.zip").exists()


def test_other_options_are_reported_and_a_repair_rebuilds_with_them(archive: Archive) -> None:
    with archive.open(language="de") as index:
        assert kinds(index) == ["options"]
        assert index.repair().is_well
        assert index.sync().unchanged == 3


def test_an_active_writer_is_named_and_a_repair_beside_it_is_refused(archive: Archive) -> None:
    with lock_for_writing(archive.folder, 0), archive.open(lock_timeout=0.0) as index:
        assert kinds(index) == ["locked"]
        assert f"process {os.getpid()} " in str(index.diagnose())
        truncate_files(archive.live, "*.toc")
        with pytest.raises(IndexLocked):
            index.repair()


def test_leftovers_of_a_dead_writer_are_reported_and_removed(archive: Archive) -> None:
    (archive.folder / "g000009.building").mkdir()
    (archive.folder / "writer.json").write_text("{}")
    with archive.open() as index:
        assert kinds(index) == ["leftovers"]
        found = index.repair()
    assert (found.is_well, found.done) == (True, ("The leftovers of an interrupted write are removed.",))


def test_a_missing_source_is_reported_and_a_repair_without_it_is_refused(archive: Archive) -> None:
    archive.seeds.rename(archive.root / "elsewhere")
    with archive.open() as index:
        assert kinds(index) == ["source"]
        assert not index.repair().done
        truncate_files(archive.live, "*.toc")
        before = contents(archive.folder)
        with pytest.raises(SourceMissing, match="with `nutgraf doctor --fix --allow-mass-delete`"):
            index.repair()
        after = contents(archive.folder)
        assert {name: data for name, (_, data) in after.items()} == {
            name: data for name, (_, data) in before.items()
        }


def test_a_repair_that_may_skip_a_missing_source_keeps_the_damaged_generation(archive: Archive) -> None:
    other = archive.beside("other", "A quiet egret.")
    with archive.open() as index:
        index.sync(archive.seeds, other.seeds)
        index.rebuild()
        shutil.rmtree(other.root)
        truncate_files(archive.live, "*.nut")
        found = index.repair(allow_mass_delete=True)
        assert found.is_well
        assert f"The source {other.seeds} is missing; its articles are removed." in found.done
        assert index.get_status().sources == (str(archive.seeds),)
        assert (index.search("egret").total, index.search("crane OR heron").total) == (0, 3)
    # Both may have articles of the source: the generation before, and the damaged one.
    with open_index(archive.root / "elsewhere") as before:
        shutil.copytree(archive.folder / "g000002", archive.root / "elsewhere/g000002")
        assert before.search("egret").total == 1
    assert list((archive.folder / "g000003.damaged").glob("*.nut"))


def test_a_repair_waits_for_the_lock_and_does_not_report_the_next_writer(archive: Archive) -> None:
    def come_after() -> bool:
        with lock_for_writing(archive.folder, 60), archive.open() as index:
            return index.exists

    for _ in range(5):
        truncate_files(archive.live, "*.toc")
        with archive.open(lock_timeout=60.0) as index, ThreadPoolExecutor(3) as threads:
            with lock_for_writing(archive.folder, 0):
                repaired = threads.submit(index.repair)
                others = [threads.submit(come_after) for _ in range(2)]
            assert repaired.result().findings == ()
            assert all(other.result() for other in others)
            assert index.verify().articles == 4


def test_too_little_room_on_the_disk_is_reported(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(archive.folder)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with archive.open() as index:
        assert kinds(index) == ["disk"]


# The command


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (lambda archive: None, 0),
        (lambda archive: truncate_files(archive.live, "*.toc"), 5),
        (lambda archive: (archive.folder / "writer.json").touch(), 1),
    ],
    ids=["well", "damaged", "leftovers"],
)
def test_the_exit_code_of_the_doctor_says_what_is_wrong(
    archive: Archive, harm: Callable[[Archive], None], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    harm(archive)
    where = ["--index", str(archive.folder)]
    assert run_cli(["doctor", *where, "--json"]) == code
    said = json.loads(capsys.readouterr().out)
    assert (not said["findings"]) == (code == 0)
    assert run_cli(["doctor", *where]) == code
    out = capsys.readouterr().out
    assert all(finding["what"] in out for finding in said["findings"])
    assert run_cli(["doctor", *where, "--fix"]) == 0


# Verifying against the sources


def test_an_index_that_is_up_to_date_has_the_digest_of_its_sources_whatever_its_history(
    archive: Archive,
) -> None:
    with archive.open() as index:
        found = index.verify(deep=True)
        assert (found.differences, found.files, found.articles) == ((), 2, 4)
        assert found.digest == found.sources_digest
    with open_index(Config(index=archive.root / "other", sources=(archive.seeds,))) as other:
        other.put([PUT_IN])
        other.sync()
        assert other.verify(deep=True).digest == found.digest


def test_each_difference_from_the_sources_is_named(archive: Archive) -> None:
    archive.text("a.txt", "Another crane.")
    (archive.seeds / "b.jsonl").unlink()
    archive.text("c.txt", "A new crane.")
    with archive.open() as index:
        found = index.verify(deep=True)
    assert [(d.kind, Path(d.place).name) for d in found.differences] == [
        ("changed", "a.txt"),
        ("missing", "b.jsonl"),
        ("new", "c.txt"),
    ]
    assert found.digest != found.sources_digest
    assert run_cli(["verify", "--deep", "--index", str(archive.folder)]) == 1


def test_another_version_of_the_readers_is_named(archive: Archive) -> None:
    record(archive, versions=generations.VERSIONS | {"extractor": 0})
    with archive.open() as index:
        assert [d.kind for d in index.verify(deep=True).differences] == ["version"]


def test_an_index_made_with_another_stemmer_answers_and_asks_for_a_rebuild(archive: Archive) -> None:
    with archive.open() as index:
        libraries = index.get_status().libraries
        assert libraries["Unicode"] == unicodedata.unidata_version
        assert index.get_status().library_changes is None
    record(archive, libraries=libraries | {"stemmer": "1.9.9"})
    changes = f"the index was made with stemmer 1.9.9, and this program has {libraries['stemmer']}"
    with archive.open() as index:
        assert (index.get_status().libraries["stemmer"], index.get_status().library_changes) == (
            "1.9.9",
            changes,
        )
        for found in (index.diagnose(), index.repair()):
            (finding,) = found.findings
            assert (finding.kind, changes in finding.what) == ("libraries", True)
            assert "`nutgraf rebuild`" in finding.remedy
        assert index.search("crane").total == 2
        index.put([Article(id="y", paragraphs=["Another crane."])])
        assert index.search("crane").total == 3
        index.rebuild()
        assert index.diagnose().is_well
        assert (index.get_status().libraries, index.get_status().library_changes) == (libraries, None)


def test_an_index_without_recorded_libraries_has_no_findings(
    archive: Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    record(archive, libraries=None)
    with archive.open() as index:
        assert index.diagnose().is_well
        assert (index.get_status().libraries, index.get_status().library_changes) == ({}, None)
        assert index.search("crane").total == 2
    assert run_cli(["status", "--index", str(archive.folder)]) == 0
    assert "libraries  not recorded when the index was made\n" in capsys.readouterr().out


def test_the_status_of_an_index_made_with_other_unicode_tables_says_what_to_do(
    archive: Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    record(archive, libraries={"Unicode": "1.0.0"})
    assert run_cli(["status", "--index", str(archive.folder)]) == 0
    assert (
        f"outdated   the index was made with Unicode 1.0.0, and this program has "
        f"{unicodedata.unidata_version}: run `nutgraf rebuild`\n"
    ) in capsys.readouterr().out


def test_a_missing_source_is_one_difference(archive: Archive) -> None:
    archive.seeds.rename(archive.root / "elsewhere")
    with archive.open() as index:
        (difference,) = index.verify(deep=True).differences
    assert (difference.kind, difference.place) == ("missing", str(archive.seeds))


def test_bad_synonyms_are_not_damage_and_cause_no_rebuild(archive: Archive) -> None:
    words = archive.root / "synonyms.txt"
    words.write_text("alone\n")
    before = contents(archive.folder)
    with archive.open(synonyms=words) as index:
        for act in (index.diagnose, index.repair):
            with pytest.raises(ConfigError, match="line 1"):
                act()
    assert contents(archive.folder) == before


def test_a_source_that_has_become_a_pipe_is_reported_without_waiting_for_it(archive: Archive) -> None:
    single = archive.root / "single.txt"
    single.write_text("Single\n\nA single crane.\n")
    with archive.open() as index:
        index.sync(single)
        single.unlink()
        os.mkfifo(single)
        (finding,) = index.diagnose().findings
    assert (finding.kind, "it is a pipe, not a regular file" in finding.what) == ("source", True)


def test_damaged_vectors_are_listed_and_answers_stay_as_they_are(
    archive: Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    with archive.open() as index:
        snapshot = open_commit(index).snapshot
        add_vectors(snapshot)
        path = side_files(snapshot)[0]
        assert index.verify().differences == ()
    size = path.stat().st_size
    data = bytearray(path.read_bytes())
    data[size // 2] ^= 1
    path.write_bytes(data)
    with archive.open() as index:
        (difference,) = index.verify().differences
        assert (difference.kind, difference.place) == ("vectors", str(path.parent))
        assert str(path) in difference.what
        assert "nutgraf embed" in difference.what
        assert index.search("heron").total == 1
        assert index.get_status().damage is None
        assert [one.kind for one in index.verify(deep=True).differences] == ["vectors"]
    assert run_cli(["verify", "--index", str(archive.folder)]) == 1
    out = capsys.readouterr().out
    assert out.startswith("vectors ")
    assert "\n1 difference: 4 articles" in out
