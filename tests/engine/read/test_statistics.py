"""Statistics of each language: articles and lengths of one never count for another."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from indexer import Article
from indexer.engine.read.statistics import measure_languages
from tests.engine.bare_index import BareIndex


def test_regions_count_for_their_language_and_removed_articles_for_none(tmp_path: Path) -> None:
    index = BareIndex(tmp_path / "index")
    languages = ["en", "en-GB", "de", "de", "fr"]
    index.put(
        Article(f"a{n}", "Sea", ["boat"] * (n + 1), language=language) for n, language in enumerate(languages)
    )
    index.remove(["a4"])
    index.put([Article("a5", "", ["a long boat"], language="de")])
    found = index.snapshot.statistics
    assert found.languages == ("de", "en")
    assert found.articles.tolist() == [3, 2]
    assert found.paragraphs.tolist() == [3 + 4 + 1, 1 + 2]
    assert found.average["title"].tolist() == [2 / 3, 1]
    assert found.average["paragraph"].tolist() == [(3 + 4 + 3) / 3, (1 + 2) / 2]
    english = np.flatnonzero(found.select([1])).astype(np.int32)
    assert {index.snapshot.id_of(number) for number in english.tolist()} == {"a0", "a1"}
    assert found.count(english).tolist() == [0, 2]
    every = np.arange(5, dtype=np.int32)
    places = found.split(every)
    assert {number: own.tolist() for number, own in places.items()} == {
        number: np.flatnonzero(found.language_of == number).tolist() for number in (0, 1)
    }


def test_an_empty_index_and_articles_without_a_language_have_one() -> None:
    none = np.empty(0, np.int64)
    empty = measure_languages((), none, none, {"title": np.empty(0)})
    assert (empty.languages, empty.articles.tolist(), empty.average["title"].tolist()) == (("",), [0], [1.0])
    codes = np.array([-1, 0])
    mixed = measure_languages(("de",), codes, np.array([1, 1]), {"title": np.array([2.0, 4.0])})
    assert mixed.languages == ("", "de")
    assert mixed.language_of.tolist() == [0, 1]
