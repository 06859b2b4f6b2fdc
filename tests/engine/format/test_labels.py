"""Source, site and language of every article: as names and numbers, whatever happened to the index."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from indexer import Article, Config, open_index
from indexer.article import record_name
from indexer.engine.format.labels import shorten_sources
from indexer.engine.read.snapshot import Snapshot
from tests.engine.bare_index import BareIndex
from tests.fixtures.commits import open_commit
from tests.fixtures.folders import Archive


def labelled(snapshot: Snapshot, label: str) -> dict[str, str | None]:
    """The label of each article, by id."""
    names, codes = snapshot.labels(label)
    assert list(names) == sorted(set(names))
    assert codes.dtype == np.dtype(np.int32)
    assert len(codes) == snapshot.articles
    return {
        snapshot.id_of(number): names[code] if code >= 0 else None
        for number, code in enumerate(codes.tolist())
    }


def by_name(found: dict[str, str | None]) -> dict[str, str | None]:
    """The labels by the ids that records state."""
    return {record_name(name) or name: label for name, label in found.items()}


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://www.example.org/a?b#c", "example.org"),
        ("http://News.Example.org:8080/", "news.example.org"),
        ("https://user@www.www.example/", "www.example"),
        ("mailto:someone@example.org", None),
        ("example.org/a", None),
        ("http://[", None),
        ("https://www./", None),
        (None, None),
    ],
)
def test_a_site_is_the_host_of_the_address(tmp_path: Path, url: str | None, site: str | None) -> None:
    with open_index(tmp_path / "index") as index:
        index.put([Article(id="a", title="A", url=url)])
        assert labelled(open_commit(index).snapshot, "site") == {"a": site}


def test_a_source_is_named_by_the_end_of_its_path_or_as_the_app_gave_it(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.text("deep/a.txt", "One.")
    archive.lines("b.jsonl", {"id": "b", "text": "Two.", "language": "de"})
    single = archive.write("../alone.jsonl", '{"id": "c", "text": "Three."}\n')
    with archive.open() as index:
        index.sync(archive.seeds, single)
        index.put([Article(id="d", title="D", source=" the\nwire "), Article(id="e", title="E")])
        found = labelled(open_commit(index).snapshot, "source")
        assert found.pop(next(name for name in found if name.startswith("a-"))) == "seeds"
        assert by_name(found) == {"b": "seeds", "c": "alone.jsonl", "d": "the wire", "e": None}
        assert Counter(labelled(open_commit(index).snapshot, "language").values()) == {
            "de": 1,
            "en": 4,
        }
        paths = sorted(labelled(open_commit(index).snapshot, "path").values(), key=str)
        assert paths == [None, None, "alone.jsonl", "b.jsonl", "deep/a.txt"]
        for name, found_by in (("seeds", 2), ("deep", 1), ("deep/a", 1), ("alone", 1), ("wire", 0)):
            assert index.search(f"source:{name}").total == index.search("", source=name).total == found_by
        index.rebuild()
        assert labelled(open_commit(index).snapshot, "source")["d"] == "the wire"


@pytest.mark.parametrize(
    ("names", "texts"),
    [
        (["file:///data/news"], ["news"]),
        (["", "wire"], ["", "wire"]),
        (["file:///a/news", "file:///b/news"], ["a/news", "b/news"]),
        (["file:///a/x/news", "file:///b/x/news", "file:///b/blog"], ["a/x/news", "b/x/news", "blog"]),
        (["file:///news", "file:///b/news"], ["/news", "b/news"]),
        (["file:///a/wire", "wire"], ["a/wire", "wire"]),
        (["file:///a/wire", "a/wire", "wire"], ["/a/wire", "a/wire", "wire"]),
        (["file:///wire", "wire"], ["/wire", "wire"]),
        (["file:///"], ["file:///"]),
        (["file:///a%20b/%C3%A9t%C3%A9", "file:///%FF"], ["été", "\ufffd"]),
        (["https://example.org/feed"], ["https://example.org/feed"]),
    ],
)
def test_sources_are_shown_by_the_shortest_distinct_path_endings(names: list[str], texts: list[str]) -> None:
    assert shorten_sources(names) == texts


def test_an_article_that_moves_to_another_source_gets_its_label(tmp_path: Path) -> None:
    line = '{"id": "a", "text": "The same."}\n'
    roots = [tmp_path / "one", tmp_path / "two"]
    for root in roots:
        root.mkdir()
    (roots[1] / "x.jsonl").write_text(line)
    (roots[0] / "y.jsonl").write_text('{"id": "b", "text": "Another."}\n')
    with open_index(Config(index=tmp_path / "index", sources=tuple(roots))) as index:
        index.sync()
        assert by_name(labelled(open_commit(index).snapshot, "source")) == {"a": "two", "b": "one"}
        (roots[1] / "x.jsonl").write_text('{"id": "c", "text": "Else."}\n')
        (roots[0] / "x.jsonl").write_text(line)
        index.sync()
        assert by_name(labelled(open_commit(index).snapshot, "source")) == {
            "a": "one",
            "b": "one",
            "c": "two",
        }


def test_a_label_that_the_index_does_not_have_is_refused_by_name(tmp_path: Path) -> None:
    index = BareIndex(tmp_path / "index")
    with pytest.raises(ValueError, match="there is no label 'author'"):
        index.snapshot.labels("author")
