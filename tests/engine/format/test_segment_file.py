"""A segment's file: what is written is read back, and a damaged file is refused."""

from __future__ import annotations

import itertools
import json
import os
import re
import zlib
from collections.abc import Iterator
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.engine.format.lexicon import Lexicon, encode_lexicon, merge_lexicons, sort_words
from indexer.engine.format.segment_file import MAGIC, SegmentFile, encode_segment
from indexer.engine.read.segment import SegmentView
from indexer.errors import IndexDamaged
from tests.engine.bare_index import BareIndex
from tests.engine.segments import MANY, SMALL, segment_bytes

KINDS = (np.uint8, np.uint16, np.uint32, np.uint64, np.int32, np.int64)


def with_directory(directory: Any, data: bytes = b"") -> bytes:
    """A segment file with this directory, whose checksum is right."""
    text = directory if isinstance(directory, bytes) else json.dumps(directory).encode()
    return b"".join(
        (
            MAGIC,
            data,
            text,
            (len(MAGIC) + len(data)).to_bytes(8, "little"),
            len(text).to_bytes(4, "little"),
            zlib.crc32(text).to_bytes(4, "little"),
            MAGIC,
        )
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "segment.nut"


@pytest.fixture(scope="module")
def whole() -> bytes:
    return segment_bytes(SMALL)


def refusal(path: Path, data: bytes) -> IndexDamaged | None:
    """The error of opening and verifying a file with this content."""
    path.write_bytes(data)
    try:
        SegmentView(path).file.verify()
    except IndexDamaged as error:
        return error if str(path) in str(error) else None
    return None


# The container


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [0, 1, 2, 63, 64, 65, 1000])
def test_arrays_of_every_kind_and_size_come_back(path: Path, kind: type[Any], size: int) -> None:
    edges = np.iinfo(kind)
    values = np.array([[edges.min, edges.max, 0, 1, 77][place % 5] for place in range(size)], kind)
    sections: dict[str, Any] = {"before": b"x", "values": values, "after": b"", "none": np.empty(0, kind)}
    path.write_bytes(b"".join(encode_segment(sections, {"documents": 3})))
    file = SegmentFile(path)
    file.verify()
    assert file.read_facts() == {"documents": 3}
    assert file.sections["values"].dtype == np.dtype(kind)
    assert file.sections["values"].tolist() == values.tolist()
    assert file.sections["none"].tolist() == []
    assert file.sections["none"].dtype == np.dtype(kind)
    assert (file.sections["before"].tobytes(), file.sections["after"].tobytes()) == (b"x", b"")


def test_arrays_of_another_byte_order_or_with_gaps_come_back(path: Path) -> None:
    numbers = np.arange(20, dtype=np.uint32)
    path.write_bytes(b"".join(encode_segment({"big": numbers.astype(">u4"), "gaps": numbers[::3]}, {})))
    sections = SegmentFile(path).sections
    assert sections["big"].tolist() == numbers.tolist()
    assert sections["gaps"].tolist() == numbers[::3].tolist()


def test_arrays_of_other_kinds_are_not_written() -> None:
    for values in (np.zeros(2, np.float32), np.zeros(2, np.bool_), np.zeros(2, np.int16)):
        with pytest.raises(TypeError, match="must be one of"):
            b"".join(encode_segment({"values": values}, {}))


def test_mapped_arrays_cannot_be_changed_and_outlive_their_file(path: Path, whole: bytes) -> None:
    path.write_bytes(whole)
    lengths = SegmentFile(path).sections["doc.terms"]
    wanted = SegmentFile(path).sections["doc.terms"].tolist()
    path.unlink()
    assert lengths.tolist() == wanted
    with pytest.raises(ValueError, match="read-only"):
        lengths[0] = 1


def test_a_file_is_closed_as_soon_as_nobody_uses_it(path: Path, whole: bytes) -> None:
    path.write_bytes(whole)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(50):
        SegmentFile(path).verify()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


# Damage


def regions(data: bytes) -> Iterator[tuple[str, int, int]]:
    """The parts of a segment file: their names, first bytes and ends."""
    offset = int.from_bytes(data[-24:-16], "little")
    size = int.from_bytes(data[-16:-12], "little")
    place = 0
    yield "magic", 0, len(MAGIC)
    place = len(MAGIC)
    for name, (_, start, length, _) in json.loads(data[offset : offset + size]).items():
        if start > place:
            yield f"before {name}", place, start
        if length:
            yield name, start, start + length
        place = start + length
    yield "directory", offset, offset + size
    yield "trailer", offset + size, len(data)


def test_a_flip_in_every_region_is_found_and_a_flipped_array_is_named_with_its_offset(
    path: Path, whole: bytes
) -> None:
    found = [*regions(whole)]
    assert len(found) > 60
    for name, start, end in found:
        for place, bit in itertools.product({start, (start + end) // 2, end - 1}, (0, 7)):
            altered = bytearray(whole)
            altered[place] ^= 1 << bit
            is_array = name not in ("magic", "directory", "trailer", "facts") and not name.startswith(
                "before"
            )
            said = f"at byte {start} ({name} " if is_array else "at byte "
            assert said in str(refusal(path, bytes(altered))), (name, place)


@MANY
@given(data=st.data())
def test_any_flipped_byte_is_found(path: Path, whole: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(whole) - 1))
    altered = bytearray(whole)
    altered[place] ^= data.draw(st.integers(1, 255))
    assert refusal(path, bytes(altered)) is not None


def test_a_file_that_is_cut_off_too_long_or_foreign_is_refused_on_opening(path: Path, whole: bytes) -> None:
    ends = {*range(0, len(whole), 17), *range(80), *range(len(whole) - 80, len(whole))}
    foreign = [b"PK\x03\x04" + bytes(100), bytes(4096), b"\xff" * 4096, MAGIC * 4, MAGIC + b"\xff" * 60]
    for content in [
        *(whole[:end] for end in ends),
        *(whole + more for more in (b"\0", MAGIC, whole)),
        *foreign,
    ]:
        path.write_bytes(content)
        with pytest.raises(IndexDamaged, match=re.escape(str(path))):
            SegmentFile(path)
    for place in (path.parent, path.with_name("none")):
        with pytest.raises(IndexDamaged, match="cannot be read"):
            SegmentFile(place)


def test_a_file_that_is_exchanged_for_another_segment_is_refused(tmp_path: Path) -> None:
    index = BareIndex(tmp_path / "index")
    index.put(SMALL)
    (file,) = index.snapshot.folder.glob("*.nut")
    for articles in (SMALL[:1], SMALL[1:]):
        file.unlink()
        file.write_bytes(segment_bytes(articles))
        with pytest.raises(IndexDamaged, match="not the file that was committed"):
            index.close()


def test_a_file_cut_off_while_it_is_open_is_refused_when_verified(path: Path, whole: bytes) -> None:
    path.write_bytes(whole)
    file = SegmentFile(path)
    os.truncate(path, 10)
    with pytest.raises(IndexDamaged, match="at byte 10"):
        file.verify()
    path.unlink()
    with pytest.raises(IndexDamaged, match="cannot be read"):
        file.verify()


@pytest.mark.parametrize(
    "directory",
    [
        b"",
        b"[]",
        b"7",
        b"{",
        b"\xff\xff",
        b"[" * 100_000,
        {"facts": ["u1", 0, 1_000_000, 0]},
        {"facts": ["u1", 1_000_000, 1, 0]},
        {"facts": ["u1", 2**70, 1, 0]},
        {"facts": ["u1", 0, 2**70, 0]},
        {"facts": ["u1", -1, 1, 0]},
        {"facts": ["u1", 8, -8, 0]},
        {"facts": ["u8", 8, -8, 0]},
        {"facts": ["u8", 8, 7, 0]},
        {"facts": ["f4", 8, 8, 0]},
        {"facts": ["O", 8, 8, 0]},
        {"facts": ["u1", 8.0, 8, 0]},
        {"facts": ["u1", "8", 8, 0]},
        {"facts": ["u1", None, 8, 0]},
        {"facts": [["u1"], 8, 8, 0]},
        {"facts": [1, 8, 8, 0]},
        {"facts": ["u1", True, 8, 0]},
        {"facts": ["u1", 8, 8]},
        {"facts": ["u1", 8, 8, 0, 0]},
        {"facts": None},
        {"facts": 5},
        {"facts": "u1"},
    ],
)
def test_an_invalid_directory_is_refused(path: Path, directory: Any) -> None:
    path.write_bytes(with_directory(directory, bytes(8)))
    with pytest.raises(IndexDamaged, match="damaged at byte"):
        SegmentFile(path)


@pytest.mark.parametrize("facts", [b"", b"{", b"[]", b"\xff", b'{"documents": 3}'])
def test_facts_that_were_altered_are_refused_on_opening(path: Path, facts: bytes) -> None:
    path.write_bytes(with_directory({"facts": ["u1", 8, len(facts), 1]}, facts))
    with pytest.raises(IndexDamaged, match=r"at byte 8 \(facts"):
        SegmentView(path)


def test_a_segment_without_one_of_its_arrays_is_refused(path: Path, whole: bytes) -> None:
    offset = int.from_bytes(whole[-24:-16], "little")
    size = int.from_bytes(whole[-16:-12], "little")
    directory = json.loads(whole[offset : offset + size])
    for name in directory:
        left = {key: value for key, value in directory.items() if key != name}
        path.write_bytes(with_directory(left, whole[len(MAGIC) : offset]))
        with pytest.raises(IndexDamaged, match=re.escape(name)):
            SegmentView(path).file.sections[name]


# Words


WORDS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=6)
    | st.sampled_from(["crane", "cranes", "Zürich", "東京", "😀", "\x00", "", "é", "e\u0301", "\u2028"]),
    unique=True,
    max_size=40,
)


def lexicon(words: list[str], path: Path) -> Lexicon:
    """A lexicon read back from the disk."""
    path.write_bytes(b"".join(encode_segment(encode_lexicon(words), {})))
    sections = SegmentFile(path).sections
    return Lexicon(sections["text"], sections["ends"])


@MANY
@given(words=WORDS, others=WORDS)
def test_words_are_found_by_text_and_by_number(path: Path, words: list[str], others: list[str]) -> None:
    ordered, places = sort_words(words)
    assert ordered == sorted(words, key=str.encode) == sorted(words)
    assert [ordered[place] for place in places] == words
    made = lexicon(ordered, path)
    assert len(made) == len(words)
    assert made.words() == ordered
    assert [made[number] for number in range(len(made))] == ordered
    for word in [*words, *others]:
        assert made.find(word) == (ordered.index(word) if word in words else None)
        first = sum(other.encode() < word.encode() for other in ordered)
        assert made.find_first_from(word.encode()) == first
    assert made.find_first_from(b"") == 0
    assert made.find_first_from(b"\xff" * 9) == len(words)


@MANY
@given(parts=st.lists(WORDS, max_size=4), batch=st.integers(1, 5), data=st.data())
def test_lexicons_are_merged(path: Path, parts: list[list[str]], batch: int, data: st.DataObject) -> None:
    lexicons = [lexicon(sorted(part), path.with_name(f"{n}.nut")) for n, part in enumerate(parts)]
    one, numbers = merge_lexicons(lexicons, batch=batch)
    every = sorted({word for part in parts for word in part})
    assert one.words() == every
    for part, own in zip(parts, numbers, strict=True):
        assert [every[number] for number in own] == sorted(part)
    wanted = data.draw(st.lists(st.booleans(), min_size=len(every), max_size=len(every)))
    kept = one.select(np.array(wanted, np.bool_), batch)
    expected = encode_lexicon([*compress(every, wanted)])
    assert kept.words() == [*compress(every, wanted)]
    assert np.array_equal(kept.make_sections()["text"], expected["text"])
    assert np.array_equal(kept.make_sections()["ends"], expected["ends"])
    assert kept.make_sections()["ends"].dtype == expected["ends"].dtype


def test_lexicons_that_are_altered_while_they_are_merged_are_refused(path: Path) -> None:
    words = [f"w{number:05}" for number in range(20_000)]
    one = lexicon(words, path)
    one.find_first_from(b"w10000")
    with path.open("r+b") as file:
        file.seek(path.read_bytes().index(b"w08192"))
        file.write(b"a00000")
    with pytest.raises(IndexDamaged, match="altered while it was read"):
        merge_lexicons([one])


def test_parts_of_an_encoded_letter_are_not_words(path: Path) -> None:
    path.write_bytes(
        b"".join(encode_segment([("text", b"a\xc3\n\xa9"), ("ends", np.array([2, 4], np.uint8))], {}))
    )
    sections = SegmentFile(path).sections
    with pytest.raises(IndexDamaged, match="is invalid"):
        Lexicon(sections["text"], sections["ends"], path).is_sorted()


def test_a_lone_surrogate_is_no_word(path: Path) -> None:
    assert lexicon(["a", "b"], path).find("\ud800") is None
