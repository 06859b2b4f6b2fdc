"""The side file with vectors: what is written is read back, and any altered byte is noticed."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from indexer.engine.format.segment_file import encode_segment
from indexer.engine.format.vectors import (
    MAX_DIMENSIONS,
    Columns,
    VectorFile,
    encode_vectors,
    hash_texts,
    make_signs,
    quantize,
    vectors_path,
)
from indexer.errors import IndexDamaged
from tests.engine.embedding import MODEL
from tests.engine.segments import MANY

SEAL = bytes(range(24))
IS_PARAGRAPH = np.array([True, True, False, True, True])
MATRICES = arrays.arrays(
    np.float32,
    st.tuples(st.integers(0, 5), st.integers(1, 130)),
    elements=st.floats(-(2.0**100), 2.0**100, width=32),
)


def write(path: Path, dimensions: int = 70, docs: Iterable[int] = (0, 3, 4)) -> bytes:
    """Write a side file, and return its content."""
    numbers = np.array([*docs], np.uint32)
    rows = quantize(np.random.default_rng(7).normal(size=(len(numbers), dimensions)))
    texts = hash_texts(map(str, numbers))
    data = b"".join(encode_vectors(Columns(numbers, rows, texts), MODEL, SEAL, np.empty))
    path.write_bytes(data)
    return data


def read(path: Path) -> VectorFile:
    """Open a side file and read all of it."""
    file = VectorFile(path, SEAL, IS_PARAGRAPH)
    file.read()
    file.verify()
    return file


def rewrite(path: Path, facts: dict[str, Any] | None = None, **sections: Any) -> None:
    """Write a side file again with other facts and sections and right checksums; None leaves one out."""
    file = VectorFile(path, SEAL, IS_PARAGRAPH)
    every = {name: file.file.sections[name].copy() for name in file.file.directory if name != "facts"}
    every |= sections
    own = {**file.file.read_facts(), **(facts or {})}
    known = {name: value for name, value in every.items() if value is not None}
    path.write_bytes(b"".join(encode_segment(known, {k: v for k, v in own.items() if v is not None})))


def test_a_side_file_is_named_after_its_segment() -> None:
    assert vectors_path(Path("/g/MAIN_0123456789abcdef.nut")) == Path("/g/MAIN_0123456789abcdef.vectors.nut")


@pytest.mark.parametrize("dimensions", [1, 63, 64, 65, 70, MAX_DIMENSIONS])
def test_what_is_written_is_read_back(tmp_path: Path, dimensions: int) -> None:
    write(tmp_path / "file", dimensions)
    file = read(tmp_path / "file")
    assert (file.model, file.dimensions, len(file)) == (MODEL, dimensions, 3)
    assert file.docs.tolist() == [0, 3, 4]
    assert file.rows.shape == (3, dimensions)
    assert (np.abs(file.rows).max(axis=1) == 127).all()
    assert file.norms.tolist() == [sum(n * n for n in row) for row in file.rows.tolist()]
    assert file.texts.tolist() == hash_texts(["0", "3", "4"]).tolist()
    texts, order = file.sorted_texts
    assert texts.tolist() == sorted(file.texts.tolist()) == file.texts[order].tolist()


def test_a_file_without_rows_is_valid(tmp_path: Path) -> None:
    write(tmp_path / "file", docs=())
    assert len(read(tmp_path / "file")) == 0


def test_every_altered_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    data = write(path, 3)
    for place in range(len(data)):
        altered = bytearray(data)
        altered[place] ^= 1 << place % 8
        path.write_bytes(altered)
        with pytest.raises(IndexDamaged):
            read(path)


@pytest.mark.parametrize("end", [0, 1, 8, 100, 200, -25, -1])
def test_a_truncated_file_is_noticed(tmp_path: Path, end: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(write(path)[:end])
    with pytest.raises(IndexDamaged):
        read(path)


def test_a_file_that_is_truncated_while_it_is_open_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    data = write(path)
    file = VectorFile(path, SEAL, IS_PARAGRAPH)
    with path.open("r+b") as opened:
        opened.truncate(len(data) // 2)
    with pytest.raises(IndexDamaged, match="bytes when it was opened"):
        file.read()


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"segment": "00" * 24}, "of another segment"),
        ({"segment": None}, "facts are invalid"),
        ({"segment": 5}, "facts are invalid"),
        ({"model": ""}, "facts are invalid"),
        ({"model": None}, "facts are invalid"),
        ({"dimensions": 0}, "facts are invalid"),
        ({"dimensions": MAX_DIMENSIONS + 1}, "facts are invalid"),
        ({"dimensions": 70.5}, "facts are invalid"),
        ({"dimensions": 69}, "rows should have 207 numbers, but has 210"),
        ({"dimensions": 2**70}, "facts are invalid"),
    ],
)
def test_invalid_facts_are_refused(tmp_path: Path, facts: dict[str, Any], problem: str) -> None:
    write(tmp_path / "file")
    rewrite(tmp_path / "file", facts)
    with pytest.raises(IndexDamaged, match=problem):
        read(tmp_path / "file")


@pytest.mark.parametrize(
    ("sections", "problem"),
    [
        ({"docs": np.array([0, 3, 3], np.uint32)}, "docs does not ascend"),
        ({"docs": np.array([3, 0, 4], np.uint32)}, "docs does not ascend"),
        ({"docs": np.array([0, 3, 5], np.uint32)}, "docs has the number 5, but there are 5 documents"),
        ({"docs": np.array([0, 3, 2**32 - 1], np.uint32)}, "there are 5 documents"),
        ({"docs": np.array([0, 2, 3], np.uint32)}, "docs has the document of a custom text"),
        ({"docs": np.array([0, 3], np.uint32)}, "rows should have 140 numbers, but has 210"),
        ({"docs": np.array([0, 3, 4], np.int32)}, "docs should be u4, but is i4"),
        ({"docs": None}, "docs should be u4, but is nothing"),
        ({"rows": np.zeros(209, np.uint8)}, "rows should have 210 numbers, but has 209"),
        ({"rows": np.full(210, 128, np.uint8)}, "rows has a vector that is not scaled"),
        ({"rows": np.full(210, 5, np.uint8)}, "rows has a vector that is not scaled"),
        ({"norms": np.array([1, 2, 3], np.uint32)}, "norms does not agree with rows"),
        ({"norms": np.array([1, 2, 2**32 - 1], np.uint32)}, "norms has the number 4294967295"),
        ({"norms": None}, "norms should be u4, but is nothing"),
        ({"signs": np.zeros(6, np.uint64)}, "signs does not agree with rows"),
        ({"signs": np.zeros(3, np.uint64)}, "signs should have 6 numbers, but has 3"),
        ({"texts": np.zeros(4, np.uint64)}, "texts should have 3 numbers, but has 4"),
        ({"later": np.zeros(4, np.uint64)}, "later is not a section of a file with vectors"),
    ],
)
def test_invalid_sections_are_refused(tmp_path: Path, sections: dict[str, Any], problem: str) -> None:
    write(tmp_path / "file")
    rewrite(tmp_path / "file", **sections)
    with pytest.raises(IndexDamaged, match=problem):
        read(tmp_path / "file")


def test_an_optional_section_is_ignored(tmp_path: Path) -> None:
    write(tmp_path / "file")
    later: dict[str, Any] = {"optional.later": np.zeros(4, np.uint64)}
    rewrite(tmp_path / "file", **later)
    assert len(read(tmp_path / "file")) == 3


@pytest.mark.parametrize("facts", [b"", b"{", b"[]", b"\xff", json.dumps("x").encode()])
def test_facts_that_are_not_an_object_are_refused(tmp_path: Path, facts: bytes) -> None:
    path = tmp_path / "file"
    data = b"".join(encode_segment({}, {}))
    directory = json.loads(data[data.index(b'{"facts"') : -24])
    offset = directory["facts"][1]
    text = json.dumps({"facts": ["u1", offset, len(facts), zlib.crc32(facts)]}).encode()
    head = data[:offset] + facts
    end = len(head).to_bytes(8, "little") + len(text).to_bytes(4, "little")
    path.write_bytes(head + text + end + zlib.crc32(text).to_bytes(4, "little") + data[-8:])
    with pytest.raises(IndexDamaged):
        read(path)


@MANY
@given(matrix=MATRICES)
def test_stored_vectors_point_the_same_way(matrix: Any) -> None:
    rows = quantize(matrix)
    assert (rows.dtype.name, rows.shape) == ("int8", matrix.shape)
    assert quantize(rows).tolist() == quantize(rows.astype(np.float32)).tolist() == rows.tolist()
    for row, vector in zip(rows.astype(np.float64), matrix.astype(np.float64), strict=True):
        assert np.abs(row).max() == (127 if vector.any() else 0)
        largest = np.abs(vector).max() or 1.0
        assert np.abs(row / 127 - vector / largest).max() <= 0.5 / 127 + 1e-9


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        quantize(np.array([[1.0, number]]))


@pytest.mark.parametrize("dimensions", [0, 8193])
def test_vectors_that_no_file_can_have_are_refused(dimensions: int) -> None:
    with pytest.raises(ValueError, match="numbers, not 1 to 8,192"):
        quantize(np.ones((2, dimensions)))


@MANY
@given(matrix=MATRICES)
def test_signs_are_bits(matrix: Any) -> None:
    count, dimensions = matrix.shape
    signs = make_signs(matrix)
    assert (signs.dtype.name, signs.shape) == ("uint64", (-(-dimensions // 64), count))
    for number, vector in enumerate(matrix.tolist()):
        bits = sum(1 << place for place, value in enumerate(vector) if value > 0)
        assert [bits >> 64 * word & 2**64 - 1 for word in range(len(signs))] == signs[:, number].tolist()


def test_texts_are_known_by_a_hash_that_never_changes() -> None:
    texts = ["", "A crane.", "東京都"]
    digests = [hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts]
    assert hash_texts(texts).tolist() == [int.from_bytes(digest, "little") for digest in digests]
    assert hash_texts(["A crane."]).tolist() == [0xB6E6953F01C9E30C]
    assert hash_texts([]).dtype == np.uint64
