"""What a search that asks for the meaning gets from an index without vectors."""

from __future__ import annotations

import pytest

from indexer import ConfigError, Index
from tests.contract.answers import search


def test_an_index_without_vectors_answers_by_words_and_says_so(archive: Index) -> None:
    for query in ("ferry harbour", '"the ferry"', "storm -gale"):
        by_words, asked = search(archive, query), search(archive, query, meaning=0.5)
        assert asked.hits == by_words.hits
        assert (asked.total, asked.partial, asked.by_meaning) == (by_words.total, by_words.partial, 0)
        assert [note.code for note in asked.notes if note not in by_words.notes] == ["no_vectors"]
        assert not any(hit.by_meaning for hit in asked.hits)
        without = search(archive, query, meaning=0)
        assert (without.hits, without.notes) == (by_words.hits, by_words.notes)


def test_texts_are_not_embedded_without_a_model(archive: Index) -> None:
    with pytest.raises(ConfigError, match=r"model|needs an index in a folder"):
        archive.embed_texts(["The ferry left."])
