"""Passages as LangChain's documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from indexer import Article, FieldType, Index, InvalidRequest, open_index
from indexer.article import make_anchors

pytest.importorskip("langchain_core", reason="the extra langchain is not installed")

import anyio

from indexer.integrations.langchain import NutgrafRetriever

PARAGRAPHS = ("A heron by the harbour.", "Nothing.", "Another heron.")


def test_every_passage_is_a_document_that_says_where_it_is_from(tmp_path: Path) -> None:
    with open_index(tmp_path / "index", fields={"desk": FieldType("keyword")}) as index:
        index.put(
            [
                Article(
                    id="a",
                    title="Birds",
                    paragraphs=PARAGRAPHS,
                    published="2021-11",
                    url="https://b.example",
                    authors=["Ada Berg"],
                    section="Ponds",
                    tags=["birds"],
                    publisher="Pond Post",
                    page_numbers=range(6, 6 + len(PARAGRAPHS)),
                    fields={"desk": "nature"},
                ),
                Article(id="b", title="Late", paragraphs=["A heron, late."], published="2022"),
                Article(id="c", title="The heron of the title"),
            ]
        )
        retriever = NutgrafRetriever(index=index, options={"until": "2021"})
        found = retriever.invoke("heron harbour")
        names = make_anchors(PARAGRAPHS)
        assert [(one.id, one.page_content) for one in found] == [
            (f"a#{names[0]}", PARAGRAPHS[0]),
            (f"a#{names[2]}", PARAGRAPHS[2]),
        ]
        hit = index.search("heron harbour", until="2021").hits[0]
        assert found[1].metadata == {
            "article": "a",
            "title": "Birds",
            "published": "2021-11",
            "url": "https://b.example",
            "authors": ["Ada Berg"],
            "section": "Ponds",
            "tags": ["birds"],
            "publisher": "Pond Post",
            "fields": {"desk": ("nature",)},
            "number": 3,
            "field": None,
            "page_number": 8,
            "anchor": names[2],
            "score": hit.score,
            "by_meaning": False,
        }
        assert len(NutgrafRetriever(index=index, limit=1, options={"sort": "newest"}).invoke("heron")) == 1


def test_it_is_asked_as_any_runnable_is_at_once_in_a_batch_or_later(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as index:
        index.put([Article(id="a", paragraphs=PARAGRAPHS)])
        retriever = NutgrafRetriever(index=index)
        wanted = retriever.invoke("heron")
        assert len(wanted) == 2
        assert retriever.batch(["heron"] * 8) == [wanted] * 8
        assert anyio.run(retriever.ainvoke, "heron") == wanted


@pytest.mark.parametrize(
    ("options", "kind", "says"),
    [
        ({"index": "index_data"}, ValueError, "index\n.*instance of Index"),
        # An argument of the search beside, not in, `options` narrows nothing: it must not be taken for one.
        ({"since": "2021"}, ValueError, "since\n.*not permitted"),
        ({"options": {"afetr": "2021"}}, TypeError, "'afetr'"),
        ({"options": {"since": "then"}}, InvalidRequest, "then"),
    ],
)
def test_what_would_narrow_nothing_is_refused(
    tmp_path: Path, options: dict[str, Any], kind: type[Exception], says: str
) -> None:
    with open_index(tmp_path / "index") as index:
        index.put([Article(id="a", paragraphs=PARAGRAPHS)])
        with pytest.raises(kind, match=says):
            NutgrafRetriever(**{"index": index} | options).invoke("heron")


def test_a_retriever_over_a_restricted_view_gives_nothing_else(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as index:
        index.put(
            Article(source, paragraphs=["A heron stands."], source=source) for source in ("news", "desk")
        )
        retriever = NutgrafRetriever(index=index.restricted({"source": "news"}))
        assert [document.metadata["article"] for document in retriever.invoke("heron")] == ["news"]


def test_documents_say_whether_they_are_found_by_their_meaning(embedded: Index) -> None:
    found = NutgrafRetriever(index=embedded).invoke("ferry")
    assert {one.metadata["article"]: one.metadata["by_meaning"] for one in found} == {
        "ferry": False,
        "boats": True,
        "schiff": True,
    }
    assert len(NutgrafRetriever(index=embedded, options={"meaning": 0}).invoke("ferry")) == 1
