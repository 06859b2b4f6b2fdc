"""What a commit lists, what it leaves alone, and what it removes."""

from __future__ import annotations

import zlib
from pathlib import Path

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer import Article
from indexer.engine.read.contents import MAGIC, SegmentEntry
from tests.engine.bare_index import BareIndex


@given(documents=st.integers(1, 40), data=st.data())
def test_an_entry_knows_which_documents_are_removed(documents: int, data: st.DataObject) -> None:
    entry = SegmentEntry("0" * 16, documents, b"", b"seal")
    removed: set[int] = set()
    assert entry.live() is None
    for docs in data.draw(st.lists(st.sets(st.integers(0, documents - 1), min_size=1), max_size=3)):
        entry, removed = entry.remove(np.array(sorted(docs), np.int32)), removed | docs
        live = entry.live()
        assert live is not None
        assert set(np.flatnonzero(~live).tolist()) == removed
    assert (entry.removed_count, entry.live_count) == (len(removed), documents - len(removed))
    assert (entry.id, entry.documents, entry.seal) == ("0" * 16, documents, b"seal")


def test_a_side_file_stays_as_long_as_its_segment(tmp_path: Path) -> None:
    index = BareIndex(tmp_path / "index")
    index.put([Article("a", "Crane", ["A crane."])])
    (segment,) = index.snapshot.folder.glob("*.nut")
    side_file = segment.with_suffix(".vectors.nut")
    side_file.write_bytes(b"vectors")
    index.put([Article("b", "Tide", ["The tide."])])
    assert side_file.exists()
    index.remove(["a"])
    assert not segment.exists()
    assert not side_file.exists()


def test_a_field_that_a_later_program_added_to_a_commit_is_ignored(tmp_path: Path) -> None:
    index = BareIndex(tmp_path / "index")
    index.put([Article("a", "Crane", ["A crane."])])
    (path,) = index.snapshot.folder.glob("*.toc")
    data = path.read_bytes()
    length = int.from_bytes(data[-16:-12], "little")
    contents = msgspec.json.decode(data[-16 - length : -16])
    contents["model"] = contents["segments"][0]["model"] = "later"
    text = msgspec.json.encode(contents)
    data = data[: -16 - length] + text + len(text).to_bytes(4, "little")
    path.write_bytes(data + zlib.crc32(data).to_bytes(4, "little") + MAGIC)
    index.close()
    assert [hit.article.id for hit in index.search("crane").hits] == ["a"]
