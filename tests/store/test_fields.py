"""Custom fields through files, rebuilds and other declarations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from indexer import Article, FieldType, Index, IndexOutdated, InvalidRequest, load_config, open_index

DESK = {"desk": FieldType("keyword", facet=True)}
EDITION = {"edition": FieldType("integer")}


def test_a_record_of_a_file_keeps_declared_values_and_says_which_it_cannot(tmp_path: Path) -> None:
    records = [
        {"id": "a", "title": "Kettle", "desk": "world", "edition": "3", "colour": "red"},
        {"id": "b", "title": "Kettle", "desk": ["sport", "world"], "edition": "many"},
    ]
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "a.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    with open_index(tmp_path / "index", fields=DESK | EDITION) as index:
        assert index.sync(tmp_path / "seeds").added == 2
        first, second = (index.get_article(name) for name in ("a", "b"))
        assert (first.fields, first.notes) == ({"desk": ("world",), "edition": 3}, ())
        assert second.fields == {"desk": ("sport", "world")}
        assert second.notes == ("skipped edition: must be a whole number, not “many”",)
        assert index.search("desk:world edition:3").total == 1
        assert not index.verify(deep=True).differences
        assert index.sync(tmp_path / "seeds").unchanged == 2


def test_texts_of_files_are_searched_once_they_are_declared_and_weighed_as_they_are_now(
    tmp_path: Path,
) -> None:
    (tmp_path / "seeds").mkdir()
    record = {"id": "a", "title": "Kettle", "text": "A quay.", "abstract": "Herons."}
    lines = [json.dumps(record | {"id": name}) + "\n" for name in ("a", "b")]
    (tmp_path / "seeds" / "a.jsonl").write_text("".join([*lines, '{"id": "c", "title": "C", "abstract": 7}']))
    config = tmp_path / "nutgraf.toml"

    def opened(declared: str) -> Index:
        config.write_text(
            f'[fields]\n{declared}\n[sources.wire]\npath = "{tmp_path / "seeds"}"\n'
            'record = { summary = "abstract" }'
        )
        return open_index(load_config(tmp_path, index=tmp_path / "index"))

    with opened('summary = { type = "keyword" }') as index:
        assert index.sync().added == 3
        assert index.search("heron").total == 0
    with opened('summary = { type = "text", weight = 2.5 }') as index:
        with pytest.raises(IndexOutdated, match="was made with other fields"):
            index.sync()
        index.rebuild()
        assert index.search("summary:heron").total == index.search("heron").total == 2
        notes = index.get_article("c").notes
        assert notes == ("skipped summary: must be text, not 7",)
        assert not index.verify(deep=True).differences
    with opened('summary = { type = "text", weight = 5 }') as index:
        assert index.sync().unchanged == 3
        assert index.fields == {"summary": FieldType("text", weight=5)}
        assert index.diagnose().findings == ()
        index.rebuild()
        assert not index.verify(deep=True).differences


def test_another_declaration_asks_for_a_rebuild_which_loses_no_value(tmp_path: Path) -> None:
    with open_index(tmp_path / "index", fields=DESK | EDITION) as index:
        index.put([Article("a", "Kettle", fields={"desk": "world", "edition": 3})])
        values = index.get_article("a").fields
    with open_index(tmp_path / "index", fields=EDITION) as index:
        # Readers go on with the fields that the index was made with.
        assert index.search("kettle", filters={"desk": "world"}).total == 1
        assert index.get_status().fields == DESK | EDITION
        with pytest.raises(IndexOutdated, match="was made with other fields"):
            index.put([Article("b", "Kettle", fields={"edition": 4})])
        index.rebuild()
        assert index.get_article("a").fields == values
        assert index.search("edition:3").total == 1
        with pytest.raises(InvalidRequest, match="not “desk”"):
            index.search("kettle", filters={"desk": "world"})
        assert not index.verify(deep=True).differences
    with open_index(tmp_path / "index", fields=DESK | {"edition": FieldType("boolean")}) as index:
        index.rebuild()
        # A value that does not have the new type is kept, and in no filter.
        assert index.get_article("a").fields == values
        assert index.search("desk:world").total == 1
        assert index.search("edition:true OR edition:false").total == 0
        assert not index.verify(deep=True).differences
