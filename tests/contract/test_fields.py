"""Filters and facets on authors, sections, tags, publishers and custom fields, against plain loops."""

from __future__ import annotations

import random
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import Article, FieldType, Index, InvalidArticle, InvalidRequest, Published
from tests.contract.answers import facet, found, search
from tests.contract.engines import Engine
from tests.contract.strategies import EXAMPLES

FIELDS = {
    "desk": FieldType("keyword", facet=True),
    "edition": FieldType("integer", facet=True),
    "price": FieldType("number"),
    "embargo": FieldType("date", facet=True),
    "breaking": FieldType("boolean", facet=True),
}
AUTHORS = ("Ada Berg", "ada berg", "Bergson", "Jörg Ada Weiß", "O’Hara & Sons")
SECTIONS = ("World", "world", "Wörld news", "Sport")
TAGS = ("sea", "Sea", "storm", "salt sea")
PUBLISHERS = ("Port Post", "Hill Herald")
DESKS = ("world", "World", "foreign affairs", "sport")
DATES = ("2023", "2024-05", "2024-05-03", "2024-05-03T09:30", "2024-12-31", "2025-01")


def _make_articles() -> list[Article]:
    chance = random.Random(7)

    def some(values: tuple[str, ...]) -> list[str]:
        return chance.sample(values, chance.choice((0, 0, 1, 1, 2)))

    def one(values: Iterable[Any]) -> Any:
        return chance.choice((None, *values))

    return [
        Article(
            f"a{number}",
            f"Note {number}",
            ["A kettle sings."],
            chance.choice((None, "2021", "2021-03")),
            "en",
            authors=some(AUTHORS),
            section=one(SECTIONS),
            tags=some(TAGS),
            publisher=one(PUBLISHERS),
            fields={
                "desk": some(DESKS) or None,
                "edition": one((-2, 0, 1, 3, 7, 2**40)),
                "price": one((-1.5, 0.0, 0.25, 3.0)),
                "embargo": one(DATES),
                "breaking": one((True, False)),
            },
        )
        for number in range(80)
    ]


ARTICLES = _make_articles()


@pytest.fixture(scope="module")
def notes(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """The articles in an index that grew by several commits, with changes and removals."""
    folder = tmp_path_factory.mktemp("notes") / "index"
    with engine.open(folder, fields=FIELDS) as index:
        index.put([*ARTICLES[::3], Article("gone", "Kettle", tags=["gone"], fields={"desk": "gone"})])
        index.put([*ARTICLES[1::3], Article("a0", "Kettle", authors=["Nobody"], fields={"edition": 99})])
        index.put([ARTICLES[0], *ARTICLES[2::3]])
        index.remove(["gone"])
    # Without the declaration: an index knows its fields.
    with engine.open(folder) as index:
        yield index


def plain(text: str) -> str:
    """A name as it is compared."""
    bare = unicodedata.normalize("NFD", text.casefold())
    return "".join(character for character in bare if not unicodedata.combining(character))


def names(article: Article, name: str) -> list[str]:
    """The names of an article under a property or in a field of keywords."""
    known: dict[str, Any] = {
        "author": article.authors,
        "section": [article.section] if article.section else [],
        "tag": article.tags,
        "publisher": [article.publisher] if article.publisher else [],
    }
    own: Any = article.fields.get(name, ())
    return [*known.get(name, own)]


def has_name(article: Article, name: str, wanted: str) -> bool:
    return any(plain(own) == plain(wanted) for own in names(article, name))


def has_number(article: Article, name: str, low: float | None, high: float | None) -> bool:
    value: Any = article.fields.get(name)
    return value is not None and (low is None or value >= low) and (high is None or value <= high)


def has_date(article: Article, low: str | None, high: str | None) -> bool:
    if "embargo" not in article.fields:
        return False
    own = Published.parse(str(article.fields["embargo"]))
    is_late = low is None or own.start >= Published.parse(low).start
    return is_late and (high is None or own.end <= Published.parse(high).end)


def passing(passes: Callable[[Article], bool]) -> set[str]:
    return {article.id for article in ARTICLES if passes(article)}


VALUES = {"author": AUTHORS, "section": SECTIONS, "tag": TAGS, "publisher": PUBLISHERS, "desk": DESKS}
NAMES = st.sampled_from([(name, value) for name, values in VALUES.items() for value in (*values, "none")])
EDGES = st.one_of(st.none(), st.sampled_from([-2, -1.5, 0, 0.25, 1, 3, 5, 2**40]))


@settings(max_examples=EXAMPLES)
@given(NAMES)
def test_a_name_finds_the_articles_that_have_it_whatever_its_case_and_accents(
    notes: Index, chosen: tuple[str, str]
) -> None:
    name, value = chosen
    expected = passing(lambda article: has_name(article, name, value))
    assert found(notes, filters={name: [value]}) == expected
    assert found(notes, filters={name: plain(value).upper()}) == expected
    if name != "author":
        assert found(notes, f'{name}:"{value}"') == expected
    if name != "desk":
        assert found(notes, **{name: value}) == expected


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("author:berg", {"Ada Berg", "ada berg"}),
        ("author:ada", {"Ada Berg", "ada berg", "Jörg Ada Weiß"}),
        ('author:"ada weiss"', {"Jörg Ada Weiß"}),
        ("author:BERG*", {"Ada Berg", "ada berg", "Bergson"}),
        ('author:"berg ada"', set()),
        ('author:"hara"', {"O’Hara & Sons"}),
        ("author:!", set()),
    ],
)
def test_an_author_is_also_found_by_a_part_of_the_name_in_whole_words(
    notes: Index, query: str, wanted: set[str]
) -> None:
    assert found(notes, query) == passing(lambda article: not wanted.isdisjoint(article.authors))


@settings(max_examples=EXAMPLES)
@given(st.sampled_from(["edition", "price"]), EDGES, EDGES)
def test_a_range_finds_the_numbers_in_it(
    notes: Index, name: str, low: float | None, high: float | None
) -> None:
    if low is None and high is None:
        return
    edges = {edge: value for edge, value in (("min", low), ("max", high)) if value is not None}
    if low is None or high is None or low <= high:
        expected = passing(lambda article: has_number(article, name, low, high))
        assert found(notes, filters={name: edges}) == expected
        typed = "..".join("" if edge is None else str(edge) for edge in (low, high))
        assert found(notes, f"{name}:{typed}") == expected
    above = passing(lambda article: has_number(article, name, low, None))
    if low is not None:
        assert found(notes, f"{name}:>={low}") == above
        same = passing(lambda article: has_number(article, name, low, low))
        assert found(notes, f"{name}:{low}") == found(notes, filters={name: low}) == same
        assert found(notes, f"{name}:>{low}") == above - same
        below = passing(lambda article: has_number(article, name, None, low))
        assert found(notes, f"{name}:<={low}") == below
        assert found(notes, f"{name}:<{low}") == below - same


@settings(max_examples=EXAMPLES)
@given(*[st.one_of(st.none(), st.sampled_from(DATES))] * 2)
def test_a_range_finds_the_dates_in_it(notes: Index, low: str | None, high: str | None) -> None:
    if low is None and high is None:
        return
    if low and high and low > high:
        low, high = high, low
    expected = passing(lambda article: has_date(article, low, high))
    edges = {"min": low, "max": high}
    assert found(notes, filters={"embargo": edges}) == expected
    assert found(notes, f"embargo:{low or ''}..{high or ''}") == expected


@pytest.mark.parametrize(
    ("filters", "query"),
    [
        ({"breaking": True}, "breaking:true"),
        ({"breaking": False}, "breaking:no"),
        ({"edition": [3, {"min": 2**40}]}, "edition:(3 OR >=1099511627776)"),
        ({"filter": "tag:sea -desk:world"}, "tag:sea AND NOT desk:world"),
        ({"filter": ["tag:sea OR tag:storm", "edition:>0"]}, "(tag:sea OR tag:storm) AND edition:>0"),
        ({"filter": "date:2021-03", "desk": "sport"}, "date:2021-03 AND desk:sport"),
        ({"tag": ["sea", "storm"], "desk": ["world", "sport"]}, "tag:(sea OR storm) desk:(world OR sport)"),
    ],
)
def test_filters_mean_the_same_as_the_clauses_of_a_query(
    notes: Index, filters: dict[str, Any], query: str
) -> None:
    assert found(notes, filters=filters) == found(notes, query) != set()
    assert found(notes, "kettle", filters=filters) == found(notes, f"kettle AND ({query})")


@pytest.mark.parametrize("name", [*VALUES, "edition", "filter"])
def test_an_empty_list_finds_nothing_and_none_is_no_filter(notes: Index, name: str) -> None:
    assert found(notes, filters={name: []}) == set()
    assert found(notes, "kettle", filters={name: None}) == passing(lambda article: True)


@settings(max_examples=EXAMPLES)
@given(st.sampled_from(["kettle", "tag:sea", "edition:>0", "author:ada -tag:sea", "zeppelin"]))
def test_a_facet_counts_an_article_under_each_of_its_values(notes: Index, query: str) -> None:
    hits = found(notes, query)
    articles = [article for article in ARTICLES if article.id in hits]
    page = search(notes, query, facets=[*VALUES, "edition", "embargo", "breaking"])
    for name in VALUES:
        counts = Counter(key for article in articles for key in {plain(own) for own in names(article, name)})
        none = sum(not names(article, name) for article in articles)
        assert {plain(value): n for value, n in facet(page, name).items()} == {
            **counts,
            **({"none": none} if none else {}),
        }
    for name, write in (
        ("edition", str),
        ("breaking", lambda value: str(value).lower()),
        ("embargo", lambda value: value[:4]),
    ):
        own = Counter(
            write(article.fields[name]) if name in article.fields else "none" for article in articles
        )
        assert facet(page, name) == own


@settings(max_examples=EXAMPLES)
@given(st.sampled_from(["kettle", "tag:sea", "edition:>0"]))
def test_a_facet_count_is_the_number_of_hits_with_its_value_as_filter(notes: Index, query: str) -> None:
    page = search(notes, query, facets=[*VALUES, "edition", "embargo", "breaking"])
    for name, counts in page.facets.items():
        for count in counts:
            if count.value is not None:
                assert len(found(notes, query, filters={name: count.value})) == count.count


def test_the_most_common_form_of_a_name_is_shown(notes: Index) -> None:
    shown = {count.value for count in search(notes, "*", facets="desk").facets["desk"]} - {None}
    spellings = Counter(own for article in ARTICLES for own in names(article, "desk"))
    best = max(("world", "World"), key=lambda spelling: spellings[spelling])
    assert shown == {best, "foreign affairs", "sport"}


def test_a_hit_has_the_values_of_its_article(notes: Index) -> None:
    for hit in search(notes, "kettle", collapse=False).hits:
        article = notes.get_article(hit.article.id)
        assert article == next(own for own in ARTICLES if own.id == article.id)
        shown = hit.article
        assert (shown.authors, shown.section, shown.tags, shown.publisher, shown.fields) == (
            article.authors,
            article.section,
            article.tags,
            article.publisher,
            article.fields,
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filters": {"colour": "red"}}, "filters: must be one or more of source, .* breaking; not “colour”"),
        ({"filters": {"edition": "many"}}, "edition: must be a whole number, or a range .*; not “many”"),
        ({"filters": {"breaking": "maybe"}}, "breaking: must be true or false"),
        ({"filters": {"edition": {"least": 3}}}, 'edition: must have "min", "max" or both'),
        ({"filters": {"edition": {"min": None}}}, 'edition: must have a "min" or a "max"'),
        ({"filters": {"desk": [b"x"]}}, "desk: must be text"),
        ({"filters": ["desk"]}, "filters: must be a mapping of names to values"),
        (
            {"filters": {"tag": "sea"}, "tag": "storm"},
            "filters: must not have a filter that is given as a key",
        ),
        ({"filter": "sea"}, "filter: must have nothing but filters, .*; not “sea”"),
        ({"filter": "colour:red"}, "filter: .* There is no field “colour”; it was searched as text."),
        ({"filter": "tag:sea OR sea"}, "filter: must have nothing but filters"),
        ({"facets": "colour"}, "facets: must be one or more of year, .*, desk, edition, .*; not “colour”"),
        ({"facets": "price"}, "facets: price is no facet: declare it with facet = true"),
    ],
)
def test_what_an_index_does_not_have_is_refused_by_name(
    notes: Index, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message):
        search(notes, "kettle", **arguments)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"colour": "red"}, "article 'a': 'colour' is not declared: add it to .fields. in nutgraf.toml"),
        ({"edition": "many"}, "article 'a': fields: edition: must be a whole number, not “many”"),
        ({"embargo": "soon"}, "embargo: must be an ISO date"),
        ({"breaking": 2}, "breaking: must be true or false"),
    ],
)
def test_an_article_with_an_invalid_value_is_refused_before_anything_is_written(
    engine: Engine, tmp_path: Path, fields: dict[str, Any], message: str
) -> None:
    with engine.open(tmp_path / "index", fields=FIELDS) as index:
        index.put([Article("b", "Kettle")])
        with pytest.raises(InvalidArticle, match=message):
            index.put([Article("c", "Kettle"), Article("a", "Kettle", fields=fields)])
        assert found(index, "kettle") == {"b"}


def test_values_are_stored_in_the_type_of_their_field(engine: Engine, tmp_path: Path) -> None:
    given = {"desk": "world", "edition": "3", "price": 2, "embargo": "2024-05-03 09:30", "breaking": "yes"}
    with engine.open(tmp_path / "index", fields=FIELDS) as index:
        index.put([Article("a", "Kettle", fields=given)])
        assert index.get_article("a").fields == {
            "desk": ("world",),
            "edition": 3,
            "price": 2.0,
            "embargo": "2024-05-03T09:30",
            "breaking": True,
        }
        assert not index.verify(deep=True).differences


def test_a_passage_has_the_page_that_it_stands_on(engine: Engine, tmp_path: Path) -> None:
    with engine.open(tmp_path / "index") as index:
        texts = ["A kettle.", "A pier.", "Another kettle."]
        index.put(
            [
                Article("paged", "Notes", texts, page_numbers=[3, None, 12]),
                Article("plain", 'On "page_numbers":', ["The quay."]),
            ]
        )
        (hit,) = search(index, "kettle").hits
        assert [(passage.number, passage.page_number) for passage in hit.passages] == [(1, 3), (3, 12)]
        assert [own.page_number for own in index.mark_article("paged").paragraphs] == [3, None, 12]
        (hit,) = search(index, "quay").hits
        assert [passage.page_number for passage in hit.passages] == [None]
