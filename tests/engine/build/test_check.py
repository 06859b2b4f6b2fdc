"""Invalid content with valid checksums: most is found in use, the rest by verify."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard

from indexer import Article, Index, IndexDamaged, InvalidArticle, open_index
from indexer.article import check_text
from indexer.engine.build.check import check_segment, find_differences
from indexer.engine.build.merge import merge
from indexer.engine.format.segment_file import DamageReporter, encode_segment
from indexer.engine.format.text_store import TextStore, TextWriter
from indexer.engine.read.segment import SegmentView
from indexer.limits import STORED_TEXT
from tests.engine.segments import DETAILS, FIELDS, SMALL, segment_bytes
from tests.stress.harms import read, write

ARTICLES = [
    *SMALL,
    Article(id="long", title="Long", paragraphs=["tide " * 280 + "crane", "A sea.", "A crane."]),
    Article(
        id="d", title="Sea", url="https://news.example/1", source="app", paragraphs=["The cranes. A sea."]
    ),
    *(Article(f"f{place}", "Sea", ["A sea."], **details) for place, details in enumerate(DETAILS[:5])),
    Article("t", "Sea", ["A sea."], fields={"lead": "The tide of a crane.", "abstract": "Cranes."}),
    Article("u", "", fields={"lead": "A crane."}),
    Article(id="m", paragraphs=["The tide in the US, the tide in the UK."]),
    *(Article(id=f"n{number}", paragraphs=[f"Tide {number} {number}."]) for number in range(300)),
    Article(id="last", published="9999-12-31", paragraphs=["A crane by the sea."]),
]


@pytest.fixture(scope="module")
def whole() -> bytes:
    return segment_bytes(ARTICLES)


@pytest.fixture
def path(tmp_path: Path, whole: bytes) -> Path:
    path = tmp_path / "MAIN_0.nut"
    path.write_bytes(whole)
    return path


def change(path: Path, changes: dict[str, Any]) -> SegmentView:
    """The segment with other numbers in some sections, under right checksums."""
    sections, facts = read(path)
    path.write_bytes(b"".join(encode_segment(sections | changes, facts)))
    return SegmentView(path)


def refusal(path: Path, changes: dict[str, Any]) -> str:
    """The error of checking a whole segment that has other numbers in some sections."""
    with pytest.raises(IndexDamaged) as raised:
        check_segment(change(path, changes))
    assert str(path) in str(raised.value)
    return str(raised.value)


def test_a_written_segment_passes_all_checks(path: Path) -> None:
    view = SegmentView(path)
    check_segment(view)
    assert find_differences(view, "en", lambda name: None, FIELDS) == []
    path.write_bytes(segment_bytes([]))
    check_segment(SegmentView(path))


def test_the_examples_have_exceptions_of_every_packed_section(path: Path) -> None:
    sections, _ = read(path)
    assert all(len(sections[f"paragraph.{name}.at"]) for name in ("gaps", "freqs", "positions"))


Change = Callable[[Any], Any]


def _put(place: int, number: int) -> Change:
    def alter(values: Any) -> Any:
        altered = values.copy()
        altered[place] = number
        return altered

    return alter


def _swapped(values: Any) -> Any:
    return np.append(values[1::-1], values[2:])


FIRST = [
    ("article.languages", _put(0, 99), "has the number 99, but there are 2 languages"),
    ("field.site.codes", _put(0, 99), "has the number 99, but there are 1 names of field.site"),
    ("field.tag.codes", _put(0, 2), "has the number 2, but there are 2 names of field.tag"),
    ("field.tag.owners", _put(0, 250), "does not ascend"),
    ("field.tag.owners", lambda values: values.astype(np.uint16) + 5000, "has the number 50"),
    ("field.price.values", lambda values: values[1:], "should have"),
    ("field.price.values", lambda values: values * np.nan, "has a value that is not a number"),
    ("field.edition.values", lambda values: values.astype(np.float64), "should be i8, but is f8"),
    ("field.embargo.starts", _put(0, 2**61), "has a date outside the years 1 to 9999"),
    ("field.embargo.stops", _put(0, 0), "has a date that ends before it starts"),
    ("field.embargo.stops", _put(0, 2**60), "has a date after the year 9999"),
    ("article.counts", _put(0, 7), "makes"),
    ("article.title_terms", _put(0, 1), "adds up to"),
    ("article.text_terms", _put(0, 2), "adds up to"),
    ("doc.terms", _put(0, 2), "adds up to"),
    ("article.date_starts", _put(0, 2**62), "has a date outside the years 1 to 9999"),
    ("article.date_starts", _put(0, -(2**61)), "has a date outside the years 1 to 9999"),
    ("article.date_ends", _put(0, 0), "has a date that ends before it starts"),
    ("article.date_ends", _put(-1, 2**60), "has a date after the year 9999"),
    ("word.ends", _swapped, "does not ascend"),
    ("word.ends", _put(0, 0), "does not agree with the line breaks"),
    ("stem.starts", _put(0, 1), "does not start with 0"),
    ("paragraph.starts", _put(-1, 1), "does not ascend"),
    ("title.occurrences", _put(0, 1), "does not start with 0"),
    ("word.variants", _put(0, 200), "has a variant that its stem does not have"),
    ("paragraph.capitals", _put(0, 2000), "does not ascend"),
    ("paragraph.capitals", _put(-1, 60_000), "has the number 60000, but there are"),
    ("text.ends", _put(0, 0), "has an empty first group"),
    ("text.items", _put(-1, 2**31), "ends with 2147483648"),
    ("paragraph.freqs.at", _put(0, 0), "has other indices than those of the marked numbers"),
    ("paragraph.positions.wide", lambda values: values.astype(np.uint32) + 2**31, "has a number that would"),
    ("paragraph.variants", lambda values: values[1:], "should have"),
    ("doc.terms", lambda values: values.astype(np.uint64), "is wider than its numbers need"),
    ("doc.terms", lambda values: values.astype(np.int64), "should be u1 or u2 or u4 or u8, but is i8"),
    ("doc.anchors", lambda values: values[1:], "should have"),
    ("doc.fields", _put(0, 1), "begins with a text of no article"),
    ("doc.fields", lambda values: 2 * values, "has the number 4, but there are 2 texts"),
    ("doc.fields", lambda values: values[1:], "should have"),
    ("phrase.sizes", _put(0, 9), "adds up to"),
    ("phrase.sizes", lambda values: values[1:], "should have"),
    ("phrase.lengths", _put(0, 0), "has a phrase without words, or one of more than 3"),
    ("phrase.lengths", _put(0, 4), "has a phrase without words, or one of more than 3"),
    ("phrase.lengths", _put(0, 3), "adds up to"),
    ("phrase.forms", _put(0, 60_000), "has the number"),
    ("phrase.counts.narrow", lambda values: values[1:], "should have"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "alter", "what"), FIRST)
def test_an_invalid_section_raises_when_it_is_first_used(
    path: Path, name: str, alter: Change, what: str
) -> None:
    altered = {name: alter(read(path)[0][name])}
    with pytest.raises(IndexDamaged) as raised:
        change(path, altered).file.sections[name]
    assert f"{name} {what}" in str(raised.value)
    assert str(path) in str(raised.value)


def test_a_section_that_is_unknown_is_ignored_if_it_is_optional_and_refused_if_not(path: Path) -> None:
    whole = path.read_bytes()
    view = change(path, {"optional.vectors.data": np.arange(9)})
    view.file.verify()
    check_segment(view)
    assert b"".join(merge([(view, None)])[0]).count(b"optional.") == 0
    path.write_bytes(whole)
    with pytest.raises(IndexDamaged, match=r"vectors\.data is not a section of a segment"):
        change(path, {"vectors.data": np.arange(9)})


TOGETHER = [
    ("stem.text", lambda values: values[::-1].copy(), "stem."),
    ("word.stems", _swapped, "word."),
    ("field.author.text", lambda values: values[::-1].copy(), "field.author."),
    ("article.by_id", _swapped, "article.by_id does not agree"),
    (
        "paragraph.gaps.narrow",
        _put(0, 255),
        "paragraph.gaps.at does not have one index for each marked number",
    ),
    ("paragraph.gaps.narrow", lambda values: np.maximum(values, 254), "leads beyond the"),
    ("title.positions.narrow", lambda values: values + 1, "title.positions.narrow"),
    ("title.freqs.narrow", lambda values: np.zeros_like(values), "title.freqs.narrow does not agree"),
    ("paragraph.positions.narrow", lambda values: np.zeros_like(values), "paragraph.positions."),
    ("article.text_terms", lambda values: values[::-1].copy(), "article.text_terms does not agree"),
    ("paragraph.variants", lambda values: np.full_like(values, 3), "paragraph.variants has a variant"),
    # The texts of an article in another order, and a text that is another article's.
    ("doc.fields", lambda values: np.where(values, 3 - values, 0), "doc.fields is not sorted"),
    ("doc.fields", lambda values: np.roll(values, 1), "article.text_terms does not agree"),
    ("doc.fields", lambda values: np.where(values == 2, 0, values), "makes"),
    ("phrase.sizes", lambda values: values[::-1].copy(), "phrase.sizes does not agree with the positions"),
    ("phrase.counts.narrow", _put(0, 7), "phrase.counts.narrow does not agree with the positions"),
    ("phrase.forms", lambda values: values[::-1].copy(), "phrase.forms does not agree with the positions"),
]


@pytest.mark.parametrize(("name", "alter", "what"), TOGETHER)
def test_sections_that_do_not_agree_are_found_by_verify(
    path: Path, name: str, alter: Change, what: str
) -> None:
    assert what in refusal(path, {name: alter(read(path)[0][name])})


def test_the_words_of_a_stem_are_in_order(path: Path) -> None:
    sections, _ = read(path)
    # "crane" and "cranes" in each other's places, and all that is said of them with it.
    words, variants = sections["stem.words"].copy(), sections["word.variants"].copy()
    crane, cranes = (bytes(sections["word.text"]).split(b"\n").index(word) for word in (b"crane", b"cranes"))
    places = [*map(int, (np.flatnonzero(words == crane)[0], np.flatnonzero(words == cranes)[0]))]
    assert places[1] == places[0] + 1
    words[places] = words[places[::-1]]
    of_both = [int(sections["word.starts"][word]) for word in (crane, cranes)]
    variants[of_both] = variants[of_both[::-1]]
    assert "stem.words is not sorted" in refusal(path, {"stem.words": words, "word.variants": variants})


def test_words_that_are_not_sorted_or_not_text_are_found_by_verify(path: Path) -> None:
    sections, _ = read(path)
    letters = sections["word.text"].copy()
    letters[bytes(letters).index(b"tide")] = ord("z")
    assert "word.text is not sorted" in refusal(path, {"word.text": letters})
    letters[0] = 0xFF
    assert "is invalid" in refusal(path, {"word.text": letters})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("documents", -1), ("documents", 2**31), ("documents", "7"), ("documents", 1), ("articles", 2**40),
        ("articles", 1), ("languages", "en"), ("languages", [1]), ("languages", []), ("languages", None),
        ("fields", None), ("fields", {}), ("fields", {"tag": "text"}), ("fields", {"colour": "keyword"}),
        ("texts", None), ("texts", []), ("texts", "lead"),
    ],
)  # fmt: skip
def test_invalid_facts_are_refused(path: Path, name: str, value: Any) -> None:
    sections, facts = read(path)
    path.write_bytes(b"".join(encode_segment(sections, facts | {name: value})))
    with pytest.raises(IndexDamaged, match="damaged at byte"):
        SegmentView(path).file.sections["article.languages"]


@pytest.mark.parametrize(
    "names", [["abstract", "other"], ["lead", "abstract"], ["lead", "lead"], ["", "lead"]]
)
def test_texts_in_fields_that_their_articles_do_not_have_are_found_by_verify(
    path: Path, names: list[str]
) -> None:
    sections, facts = read(path)
    path.write_bytes(b"".join(encode_segment(sections, facts | {"texts": names})))
    with pytest.raises(IndexDamaged, match=r"doc\.fields|facts have fields"):
        check_segment(SegmentView(path))


# Stored texts


def stored(frame: bytes, lengths: list[int]) -> TextStore:
    """A store of one block."""
    data, none = np.frombuffer(frame, np.uint8), np.empty(0, np.uint8)
    ends, items = np.array([len(frame)], np.uint64), np.array([len(lengths)], np.uint32)
    sizes = np.array(lengths, np.uint32)
    return TextStore({"dictionary": none, "data": data, "ends": ends, "items": items, "lengths": sizes})


@pytest.mark.parametrize("size", [2**20, 2**31, 2**40, 2**63])
def test_no_memory_is_allocated_for_the_size_that_a_frame_states(size: int) -> None:
    frame = zstandard.ZstdCompressor().compress(b"a text of some words")
    header = frame[:4] + b"\xe0" + size.to_bytes(8, "little")
    with pytest.raises(IndexDamaged, match="by its frame"):
        stored(header + frame[6:], [20]).read([0])


def test_a_text_longer_than_any_article_is_not_decompressed() -> None:
    frame = zstandard.ZstdCompressor().compress(bytes(2 * STORED_TEXT + 1))
    with pytest.raises(IndexDamaged, match="by its frame"):
        stored(frame, [2 * STORED_TEXT + 1]).read([0])
    with pytest.raises(InvalidArticle, match="split it"):
        check_text("paragraphs", "x" * (STORED_TEXT + 1))


def test_bytes_after_a_frame_are_refused() -> None:
    frame = zstandard.ZstdCompressor().compress(b"a text")
    with pytest.raises(IndexDamaged, match="unused data"):
        stored(frame + frame, [6]).read([0])


def test_the_longest_text_of_one_letter_can_be_stored() -> None:
    writer = TextWriter()
    writer.add([b"a" * 10**7])
    assert TextStore(writer.make_sections()).read([0]) == [b"a" * 10**7]


# The index


@pytest.fixture
def index(tmp_path: Path) -> Index:
    with open_index(tmp_path / "index", fields=FIELDS) as index:
        index.put(ARTICLES)
        index.remove(["b"])
    return index


def harmed(index: Index, alter: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Change some sections of the index's segment: `alter` takes all sections, and returns the new ones."""
    (path,) = Path(index.path).glob("*.nut")
    sections, facts = read(path)
    write(path, sections | alter(sections), facts)


def test_a_wrong_but_valid_position_is_found_by_verify_deep(index: Index) -> None:
    assert index.verify(deep=True).differences == ()

    def alter(sections: dict[str, Any]) -> dict[str, Any]:
        # Two words have each other's positions: valid numbers that disagree with the stored article.
        places = sections["title.positions.narrow"].copy()
        cafe, zurich = np.flatnonzero(places == 1)[0], len(places) - 1
        places[[cafe, zurich]] = places[[zurich, cafe]]
        return {"title.positions.narrow": places}

    harmed(index, alter)
    index.verify()
    assert [each.what for each in index.verify(deep=True).differences] == [
        "title.positions.narrow differs from what its articles give"
    ]


def test_another_sites_name_is_found_by_verify_deep(index: Index) -> None:
    name = "field.site.text"
    harmed(index, lambda sections: {name: _put(-1, ord("z"))(sections[name])})
    index.verify()
    assert f"{name} differs" in index.verify(deep=True).differences[0].what


def test_an_article_under_another_id_is_found_by_verify(index: Index) -> None:
    def alter(sections: dict[str, Any]) -> dict[str, Any]:
        ids = np.arange(len(sections["article.by_id"]), dtype=sections["article.by_id"].dtype)
        return {"article.id_ranks": ids, "article.by_id": ids}

    harmed(index, alter)
    with pytest.raises(IndexDamaged, match="instead of"):
        index.verify()


def test_a_merged_segment_without_the_articles_of_a_language_equals_a_rebuilt_one(path: Path) -> None:
    view = SegmentView(path)
    languages = np.array([view.language(number) for number in range(view.articles)])
    live = (languages != "de").repeat(np.diff(view.doc_starts))
    assert not live.all()
    path.with_suffix(".merged").write_bytes(b"".join(merge([(view, live)])[0]))
    merged = SegmentView(path.with_suffix(".merged"))
    assert find_differences(merged, "en", lambda name: None, FIELDS) == []


def test_a_segment_with_invalid_content_is_not_merged(path: Path) -> None:
    view = change(path, {"title.freqs.narrow": np.zeros_like(read(path)[0]["title.freqs.narrow"])})
    with pytest.raises(IndexDamaged, match=r"title\.freqs\.narrow does not agree"):
        merge([(view, None)])


def test_decoding_errors_name_the_file_and_other_errors_pass(tmp_path: Path) -> None:
    for error in (IndexError("x"), ValueError("x"), OverflowError("x"), InvalidArticle("x")):
        with pytest.raises(IndexDamaged, match=str(tmp_path)), DamageReporter(tmp_path):
            raise error
    with pytest.raises(KeyError), DamageReporter(tmp_path):
        raise KeyError("x")


@pytest.mark.parametrize(
    ("name", "least", "what"),
    [
        ("paragraph.positions.narrow", 200, "leads beyond the end of a text"),
        ("paragraph.variants", 200, "has a variant that its stem does not have"),
    ],
)
def test_phrases_are_not_found_in_postings_that_lead_outside_of_the_texts(
    path: Path, name: str, least: int, what: str
) -> None:
    view = change(path, {name: np.maximum(read(path)[0][name], least)})
    with pytest.raises(IndexDamaged, match=what):
        view.find_phrases(np.ones(view.documents, np.bool_))
