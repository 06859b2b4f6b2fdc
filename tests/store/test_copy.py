"""Copying an index that is damaged, or that an older program has read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import Article, CopyRefused, IndexDamaged, open_index
from indexer.store.generations import (
    VERSIONS,
    create_generation,
    live_commit,
    live_folder,
    publish_generation,
    read_settings,
)
from indexer.sync import Catalog
from indexer.sync import catalog as catalogs

KETTLE = Article("kettle", "A kettle", ["The kettle stood on the quay."])


def alter(catalog: Catalog) -> None:
    _, language = catalog.api_articles["kettle"]
    catalog.api_articles["kettle"] = "0" * 64, language


def drop(catalog: Catalog) -> None:
    del catalog.api_articles["kettle"]


def invent(catalog: Catalog) -> None:
    catalog.api_articles["swan"] = "0" * 64, "en"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (alter, "g000001 and its catalog disagree about the article 'kettle'; nothing was copied: run"),
        (drop, "g000001 and its catalog disagree about the article 'kettle'; nothing was copied: run"),
        (invent, "g000001 lacks the article 'swan' of its catalog; nothing was copied: run"),
    ],
)
def test_an_index_that_disagrees_with_its_catalog_is_not_copied(
    tmp_path: Path, damage: Callable[[Catalog], None], message: str
) -> None:
    with open_index(tmp_path / "index") as index, open_index(tmp_path / "other") as other:
        index.put([KETTLE])
        catalog = catalogs.load(*live_commit(index.config.index))
        damage(catalog)
        catalogs.save(*live_commit(index.config.index), catalog)
        with pytest.raises(IndexDamaged, match=message):
            index.copy(other)
        assert not other.exists


def test_a_damaged_index_is_replaced_only_if_told(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as index, open_index(tmp_path / "other") as other:
        index.put([KETTLE])
        other.put([KETTLE])
        for path in live_folder(other.config.index).glob("catalog-*"):
            path.write_text("")
        with pytest.raises(CopyRefused, match=r"nothing was copied: copy to another place, or replace it$"):
            index.copy(other)
        index.copy(other, replace=True)
        assert other.verify().articles == 1


def test_a_copy_says_which_version_of_the_program_has_read_the_articles(tmp_path: Path) -> None:
    old = VERSIONS | {name: number - 1 for name, number in VERSIONS.items()}
    with open_index(tmp_path / "index") as index, open_index(tmp_path / "other") as other:
        index.put([])
        folder = create_generation(index.config, old)
        catalogs.save(folder, 0, Catalog())
        publish_generation(index.config.index, folder)
        index.put([KETTLE])
        index.copy(other)
        assert read_settings(live_folder(other.config.index)).versions == VERSIONS | {
            "extractor": old["extractor"]
        }
