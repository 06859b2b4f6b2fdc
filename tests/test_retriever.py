"""Passages as LangChain's documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer import Article, open_index
from indexer.model import anchors

pytest.importorskip("langchain_core", reason="the extra langchain is not installed")

from indexer.retriever import NutgrafRetriever

ROOT = Path(__file__).parents[1]
PARAGRAPHS = ("A heron by the harbour.", "Nothing.", "Another heron.")


def test_every_passage_is_a_document_that_says_where_it_is_from(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as index:
        index.put(
            [
                Article(
                    id="a", title="Birds", paragraphs=PARAGRAPHS, published="2021-11", url="https://b.example"
                ),
                Article(id="b", title="Late", paragraphs=["A heron, late."], published="2022"),
                Article(id="c", title="The heron of the title"),
            ]
        )
        retriever = NutgrafRetriever(index=index, options={"before": "2022"})
        found = retriever.invoke("heron harbour")
        names = anchors(PARAGRAPHS)
        assert [(one.id, one.page_content) for one in found] == [
            (f"a#{names[0]}", PARAGRAPHS[0]),
            (f"a#{names[2]}", PARAGRAPHS[2]),
        ]
        hit = index.search("heron harbour", before="2022").hits[0]
        assert found[1].metadata == {
            "article": "a",
            "title": "Birds",
            "published": "2021-11",
            "url": "https://b.example",
            "number": 3,
            "anchor": names[2],
            "score": hit.score,
        }
        assert len(NutgrafRetriever(index=index, limit=1, options={"sort": "newest"}).invoke("heron")) == 1


def test_the_retriever_is_a_small_one() -> None:
    assert len((ROOT / "indexer" / "retriever.py").read_text(encoding="utf-8").splitlines()) < 50
