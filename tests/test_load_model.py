"""Models are loaded before the first search, where a program has the time for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from indexer import Index, IndexMissing
from tests.fixtures.embedded import embed_articles
from tests.fixtures.folders import Archive


def test_a_model_that_is_loaded_needs_its_files_no_more(tmp_path: Path, tiny_model: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_model, model)
    with embed_articles(tmp_path / "index", model) as index:
        config = index.config
    with Index(config) as loaded:
        loaded.load_model()
        shutil.rmtree(model)
        assert loaded.search("ferry").by_meaning > 0


def test_a_model_that_cannot_be_loaded_is_said_by_the_search(tmp_path: Path, tiny_model: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_model, model)
    with embed_articles(tmp_path / "index", model) as index:
        config = index.config
    (model / "tokenizer.json").write_text("{}")
    with Index(config) as broken:
        broken.load_model()
        page = broken.search("ferry")
        assert (page.total, page.by_meaning, len(page.notes)) == (1, 0, 1)


def test_an_index_without_vectors_has_no_model_to_load(archive: Archive, tiny_model: Path) -> None:
    with archive.open(model=str(tiny_model)) as index:
        with pytest.raises(IndexMissing):
            index.load_model()
        index.sync()
        index.load_model()
        assert not index.can_use_meaning("ferry")


def test_the_address_of_a_service_is_not_asked(embedded: Index) -> None:
    # Nothing listens there, and an attempt would be repeated for a while.
    with Index(embedded.config.with_options({"model": "http://127.0.0.1:9/v1#none"})) as index:
        index.load_model()
        assert index.can_use_meaning("ferry")
