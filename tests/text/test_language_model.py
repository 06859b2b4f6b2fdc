"""The unpacked copy of the model that detects languages: made once, whole or not at all, and not needed."""

from __future__ import annotations

from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from indexer.files.cache import find_cache
from indexer.text.language_model import load_model

LANGUAGES = ("de", "en", "fr", "no", "sr")  # two scripts of Serbian have one label
TEXTS = (
    "Die Fähren verlassen jeden Morgen den Hafen.",
    "Les navires quittent le port chaque matin.",
    "THE FERRIES LEAVE",
    "Рибари крпе мреже поред светионика.",
    "1234",
    "",
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return find_cache()


def rank(model: Any) -> list[Any]:
    return [model.rank(text) for text in TEXTS]


def test_the_copy_ranks_every_language_as_the_model_does(cache: Path) -> None:
    unpacked = rank(load_model(LANGUAGES))
    (copy,) = cache.iterdir()
    made = copy.stat().st_mtime_ns
    assert rank(load_model(LANGUAGES)) == unpacked
    assert copy.stat().st_mtime_ns == made


def test_another_choice_of_languages_has_a_copy_of_its_own(cache: Path) -> None:
    assert dict(load_model(("de", "en")).rank(TEXTS[0])).keys() == {"de", "en"}
    assert dict(load_model(("en", "fr")).rank(TEXTS[0])).keys() == {"en", "fr"}
    assert len(list(cache.iterdir())) == 2


def test_a_cache_that_cannot_be_written_is_done_without(cache: Path) -> None:
    cache.parent.mkdir()
    cache.write_text("not a folder")
    assert load_model(LANGUAGES).rank(TEXTS[0])[0][0] == "de"
    assert cache.read_text() == "not a folder"


@pytest.mark.parametrize("cut", [0, 100, 10_000], ids=["empty", "in the header", "in the numbers"])
def test_a_copy_that_was_cut_is_made_again(cache: Path, cut: int) -> None:
    expected = rank(load_model(LANGUAGES))
    (array,) = cache.glob("*/nb_ptc.npy")
    size = array.stat().st_size
    with array.open("r+b") as file:
        file.truncate(cut)
    assert rank(load_model(LANGUAGES)) == expected
    assert array.stat().st_size == size


def test_processes_that_need_it_at_once_leave_one_copy(cache: Path) -> None:
    with get_context("spawn").Pool(2) as pool:
        first, second = pool.map(_load_and_rank, range(2), chunksize=1)
    assert first == second == rank(load_model(LANGUAGES))
    assert len(list(cache.iterdir())) == 1


def _load_and_rank(_: int) -> list[Any]:
    return rank(load_model(LANGUAGES))
