"""A restricted index answers as an index does that has no other articles than those that it shows.

`tests.fixtures.restricted` makes the two. Of what they answer, only this differs: how long it took, the
cursor and the revision (which are bound to the restriction), and of the status the folder, the time of the
last commit and the size, which a restricted index does not give. Scores are the same: the statistics are
those of the visible articles.
"""

from __future__ import annotations

import contextlib
import pickle
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from indexer import (
    Article,
    ArticleMissing,
    Config,
    Index,
    IndexMissing,
    IndexReader,
    InvalidRequest,
    open_index,
)
from indexer.fields import FieldType
from indexer.limits import RESTRICTIONS
from tests.fixtures.folders import truncate_files
from tests.fixtures.restricted import OPEN, SECRET, SHARED, Pair, make_pair

SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))]
QUESTIONS = 150
EVERY = pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.slow)], ids=["some", "all"])


@pytest.fixture(params=SEEDS, scope="module")
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with make_pair(tmp_path_factory.mktemp("pair"), request.param) as made:
        yield made


def ask(reader: IndexReader, method: str, *values: Any, **named: Any) -> Any:
    """Return what a method answers, or that there is no such article, without what differs each time."""
    try:
        answer = msgspec.to_builtins(getattr(reader, method)(*values, **named))
    except ArticleMissing as error:
        return f"missing: {error}"
    if isinstance(answer, dict):
        return {**answer, "took_ms": 0, "cursor": bool(answer.get("cursor"))}
    return answer


def compare(pair: Pair, method: str, *values: Any, **named: Any) -> Any:
    """Return what both answer, which is the same."""
    answer = ask(pair.restricted, method, *values, **named)
    assert answer == ask(pair.alone, method, *values, **named)
    return answer


def make_queries(seed: int) -> Iterator[str]:
    chance = random.Random(seed)
    words = [*SHARED, *OPEN, *SECRET, "nowhere"]

    def word() -> str:
        return chance.choice(words)

    def misspell(text: str) -> str:
        place = chance.randrange(len(text))
        return text[:place] + chance.choice("aeioust") + text[place + chance.choice((0, 1)) :]

    kinds: list[Callable[[], str]] = [
        word,
        lambda: f"{word()} {word()}",
        lambda: f"{word()} {word()} {word()} {word()}",
        lambda: f'"{word()} {word()}"',
        lambda: f"{misspell(word())} {word()}",
        lambda: misspell(word()),
        lambda: f"{word()[: chance.randint(1, 5)]}*",
        lambda: f"{word()[:1]}*{word()[-1:]}",
        lambda: f"*{word()[-3:]}",
        lambda: f"{word()}~",
        lambda: f"{word()}~2 OR {word()}",
        lambda: f"{word()} NEAR/4 {word()}",
        lambda: f"={word()}",
        lambda: f"{chance.choice(('summary', 'minutes', 'file_note'))}:{word()}",
        lambda: f'summary:"{word()} {word()}" OR summary:{word()[:4]}*',
        lambda: f"text:{word()} -summary:{word()}",
        lambda: f"title:{word()} -{word()}",
        lambda: f"{word()} source:{chance.choice(('open', 'secret', 'vault', 'desk', 'secret1.txt'))}",
        lambda: f"id:{chance.choice(('open', 'secret', 'records'))}*",
        lambda: f"lang:{chance.choice(('en', 'es', 'ru', 'de'))} {word()}",
        lambda: f"site:{chance.choice(('open', 'secret'))}.example",
        lambda: f"{word().capitalize()} {word().capitalize()}",
        lambda: word().upper(),
        lambda: f"{word()}{word()}",
        lambda: f"date:{chance.choice((1999, 2019, 2020, 2024))} {word()}",
        lambda: chance.choice("hz東京"),
    ]
    for number in range(QUESTIONS):
        yield kinds[number % len(kinds)]()


def ask_everything(chance: random.Random, query: str) -> dict[str, Any]:
    """The arguments of a search whose answer shows as much as one can."""
    return {
        "query": query,
        "facets": ["year", "month", "source", "site", "language"],
        "timeline": True,
        "explain": True,
        "seconds": 60,
        "sort": chance.choice(("relevance", "relevance", "newest", "title")),
        "collapse": chance.random() < 0.7,
        "prefix": chance.random() < 0.3,
        "limit": chance.choice((3, 10, 100)),
    }


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_every_search_answers_alike(pair: Pair, seed: int) -> None:
    chance = random.Random(seed)
    for query in make_queries(seed):
        asked = ask_everything(chance, query)
        assert ask(pair.restricted, "search", **asked) == ask(pair.alone, "search", **asked)


FILTERS: list[dict[str, Any]] = [
    {"source": "secret"},
    {"source": ["open", "secret"]},
    {"source": "vault"},
    {"source": "records.jsonl"},
    {"site": "secret.example"},
    {"site": "example"},
    {"language": "es"},
    {"language": ["en", "ru"]},
    {"undated": True},
    {"source": []},
    {"since": "2024"},
    {"until": "1999"},
    {"half_life": 30},
]


@pytest.mark.parametrize("filters", FILTERS)
def test_a_filter_of_a_search_only_narrows_the_restriction(pair: Pair, filters: dict[str, Any]) -> None:
    for query in ("", "harbour", "zeppelin", "*"):
        compare(pair, "search", query, limit=100, **filters)


@EVERY
def test_every_suggestion_is_alike(pair: Pair, every: int) -> None:
    words = [*SHARED, *OPEN, *SECRET]
    texts = [word[:length] for word in words for length in (1, 2, 4, len(word))]
    texts += [f"{first} {second[:2]}" for first, second in zip(words, reversed(words), strict=True)]
    texts += [f'"{first} ' for first in words] + [f"-{word[:3]}" for word in words]
    for text in texts[::every]:
        compare(pair, "suggest", text, 20)


ABOUT_AN_ARTICLE: list[tuple[str, tuple[str, ...]]] = [
    ("resolve_id", ()),
    ("get_article", ()),
    ("mark_article", ("harbour heron zeppelin",)),
    ("find_similar", ()),
    ("find_duplicates", ()),
]


@pytest.mark.parametrize(("method", "more"), ABOUT_AN_ARTICLE)
def test_an_article_is_found_alike_and_a_hidden_one_is_missing(
    pair: Pair, method: str, more: tuple[str, ...]
) -> None:
    stated = ["r1", "r2", "same", "secret-record", "open-record"]
    for name in [*pair.visible, *pair.hidden, *stated, "nobody"]:
        answer = compare(pair, method, name, *more)
        if name in pair.hidden or name == "secret-record":
            assert answer == f"missing: no article with the id {name!r}"


@EVERY
def test_every_quotation_is_verified_alike(pair: Pair, every: int) -> None:
    for name in [*pair.visible, *pair.hidden][::every]:
        compare(pair, "verify_quote", "harbour crane", name)
        with contextlib.suppress(ArticleMissing):
            for text in pair.whole.get_article(name).paragraphs:
                compare(pair, "verify_quote", text[:200])


def test_the_status_tells_of_visible_articles_alone(pair: Pair) -> None:
    found, alone = (
        msgspec.to_builtins(reader.get_status()) | {"path": "", "committed": "", "size": 0}
        for reader in (pair.restricted, pair.alone)
    )
    assert found | {"generation": ""} == alone | {"generation": ""}
    assert pair.restricted.get_status().size == 0


def test_pages_follow_each_other_alike(pair: Pair) -> None:
    cursors: list[str | None] = [None, None]
    while True:
        pages = [
            reader.search("harbour OR heron", limit=7, cursor=cursor)
            for reader, cursor in zip((pair.restricted, pair.alone), cursors, strict=True)
        ]
        assert pages[0].hits == pages[1].hits
        cursors = [page.cursor for page in pages]
        if None in cursors:
            break
    assert cursors == [None, None]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index with articles of the sources `news` and `desk`, one after the other."""
    with open_index(tmp_path_factory.mktemp("index") / "index") as made:
        made.put(
            Article(f"{number}", title=f"Heron {number}", paragraphs=["A museum."], source=source)
            for number, source in enumerate(["news", "desk"] * 5)
        )
        yield made


@pytest.mark.parametrize(
    ("filters", "problem"),
    [
        ({"sources": "news"}, "filters: must be one or more of source"),
        ({"source": None}, "source: must have a value (an empty list to show nothing)"),
        ({"source": " "}, "source: must have a value"),
        ({"undated": False}, "undated: must have a value"),
        ({"undated": "yes"}, "undated: must be True or False"),
        ({"language": "no language"}, "language: must be"),
        ({"source": [1]}, "source: must be text"),
        (None, "filters: must be a mapping"),
        ("news", "filters: must be a mapping"),
    ],
)
def test_an_invalid_restriction_is_refused_at_once(index: Index, filters: Any, problem: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        index.restricted(filters)
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("filters", "problem"),
    [
        ({"edition": "third"}, "edition: must be a whole number, or a range such as 3..7"),
        ({"edition": [3, "x"]}, "edition: must be a whole number"),
        ({"embargo": {"min": "soon"}}, "embargo: must be an ISO date"),
        ({"breaking": "perhaps"}, "breaking: must be true or false; not “perhaps”"),
        ({"filter": "crane"}, "filter: must have nothing but filters"),
        ({"filter": ["edition:3", "edition:third"]}, "filter: must have nothing but filters"),
    ],
)
def test_a_value_without_a_meaning_is_refused_before_there_is_an_index(
    tmp_path: Path, filters: dict[str, Any], problem: str
) -> None:
    fields = {
        "edition": FieldType("integer"),
        "embargo": FieldType("date"),
        "breaking": FieldType("boolean"),
    }
    index = Index(Config(index=tmp_path / "index", fields=fields))
    with pytest.raises(InvalidRequest) as refused:
        index.restricted(filters)
    assert str(refused.value).startswith(problem)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index of the sources `public`, which has a name, and `later`, which has folders of such names."""
    root = tmp_path_factory.mktemp("folders")
    for file in ("open/a.txt", "later/public/b.txt", "later/empty/c.txt", "later/public.txt"):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(f"Heron\n\nThe heron of {file}.\n")
    (root / "none").mkdir()
    sources = {"public": root / "open", "empty": root / "none", "later": root / "later"}
    config = Config(index=root / "index").with_options({"sources": sources})
    with Index(config) as made:
        made.sync()
        yield made


def read_paths(reader: IndexReader, query: str = "heron", **filters: Any) -> set[str]:
    return {hit.article.source or "" for hit in reader.search(query, collapse=False, **filters).hits}


@pytest.mark.parametrize(
    ("filters", "paths"),
    [
        ({"source": "public"}, {"a.txt"}),
        ({"filter": "source:public"}, {"a.txt"}),
        ({"source": "empty"}, set()),
        ({"filter": "source:empty"}, set()),
        ({"source": ["empty", "public"]}, {"a.txt"}),
        ({"source": "later"}, {"public/b.txt", "empty/c.txt", "public.txt"}),
        ({"source": "public/b"}, {"public/b.txt"}),
    ],
)
def test_the_name_of_a_configured_source_means_no_folder_of_another_source(
    folders: Index, filters: dict[str, Any], paths: set[str]
) -> None:
    assert read_paths(folders.restricted(filters)) == read_paths(folders, **filters) == paths


def test_a_name_means_one_source_also_where_only_the_index_knows_it(folders: Index) -> None:
    with open_index(folders.config.index) as index:
        assert read_paths(index.restricted({"source": "public"})) == {"a.txt"}
        assert read_paths(index.restricted({"source": "empty"})) == set()


def test_the_name_of_a_hidden_source_means_what_it_would_without_that_source(folders: Index) -> None:
    later = folders.restricted({"source": "later"})
    assert read_paths(later, "heron source:public") == {"public/b.txt", "public.txt"}
    assert read_paths(later, source="empty") == {"empty/c.txt"}


@pytest.mark.parametrize(
    ("filters", "total"),
    [({"source": "news"}, 5), ({"source": ["news", "desk"]}, 10), ({"source": []}, 0), ({}, 10),
     ({"source": ["", " "]}, 0), ({"source": "news", "undated": True}, 5),
     ({"source": "news", "site": "a.example"}, 0)],
)  # fmt: skip
def test_a_restriction_shows_the_articles_that_pass_all_its_filters(
    index: Index, filters: dict[str, Any], total: int
) -> None:
    found = index.restricted(filters)
    assert found.search("museum").total == found.get_status().articles == total


def test_a_cursor_is_of_one_restriction(index: Index) -> None:
    readers = [index, *(index.restricted({"source": source}) for source in ("news", "desk"))]
    cursors = [reader.search("heron", limit=2).cursor for reader in readers]
    for own, reader in enumerate(readers):
        for number, cursor in enumerate(cursors):
            if own == number:
                assert len(reader.search("heron", limit=2, cursor=cursor).hits) == 2
                continue
            with pytest.raises(InvalidRequest, match="cursor"):
                reader.search("heron", limit=2, cursor=cursor)


def test_a_revision_is_of_one_restriction_however_its_values_are_ordered(index: Index) -> None:
    values = (["news", "desk"], ("desk", "news"), "news")
    one, same, other = (index.restricted({"source": own}).get_revision() for own in values)
    assert one == same
    assert len({index.get_revision(), one, other}) == 3
    assert other.startswith(f"{index.get_revision()}.")


def test_a_restricted_view_follows_the_commits_of_its_index(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as index:
        reader = index.restricted({"source": "news"})
        with pytest.raises(IndexMissing):
            reader.search("heron")
        index.put([Article("one", paragraphs=["A heron."], source="news")])
        assert reader.search("heron").total == 1
        index.put([Article("two", paragraphs=["A heron."], source="news")])
        index.put([Article("three", paragraphs=["A heron."], source="desk")])
        assert reader.search("heron").total == 2
        index.remove(["one"])
        assert [hit.article.id for hit in reader.search("heron").hits] == ["two"]


def test_more_restrictions_than_are_kept_open_are_answered(index: Index) -> None:
    readers = [index.restricted({"source": ["news", f"{number}"]}) for number in range(2 * RESTRICTIONS)]
    for _ in range(2):
        assert {reader.search("heron").total for reader in readers} == {5}


def test_threads_with_different_rights_are_answered_apart(index: Index) -> None:
    def ask(number: int) -> bool:
        source = ("news", "desk")[number % 2]
        hits = index.restricted({"source": source}).search("heron", collapse=False).hits
        return {hit.article.source for hit in hits} == {source}

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(200)))


def test_a_restricted_view_of_a_damaged_index_shows_the_generation_before_it(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as index:
        index.put(Article(source, title="Heron", source=source) for source in ("news", "desk"))
        index.rebuild()
        reader = index.restricted({"source": "news"})
        assert reader.search("heron").total == 1
        truncate_files(Path(index.path), "*.nut")
        page = reader.search("heron")
        assert [hit.article.id for hit in page.hits] == ["news"]
        assert [note.code for note in page.notes] == ["index_damaged"]
        assert reader.damage == index.damage is not None


def test_a_restricted_view_can_be_sent_to_another_process(index: Index) -> None:
    reader = pickle.loads(pickle.dumps(index.restricted({"source": "news"})))
    assert reader.search("heron").total == 5


# Words of one stem, of which the more frequent one is hidden, and a word that is mistyped for a hidden one.
NEWS = Article("open", title="A museum", paragraphs=["The museum by the quay."], source="news")
DESK = [
    Article(f"{n}", title="Museums", paragraphs=["Museums and museums, zeppelins."], source="desk")
    for n in range(9)
]


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with open_index(tmp_path_factory.mktemp("forms") / "index") as made:
        made.put([NEWS, *DESK])
        yield made


@pytest.mark.parametrize(("text", "found"), [("muse", ["museum"]), ("museums", []), ("zep", [])])
def test_a_word_of_hidden_articles_is_not_suggested(forms: Index, text: str, found: list[str]) -> None:
    suggestions = forms.restricted({"source": "news"}).suggest(text)
    assert [suggestion.text for suggestion in suggestions if suggestion.kind == "word"] == found


def test_a_word_of_hidden_articles_is_no_better_spelling(forms: Index) -> None:
    assert forms.search("zepelins").did_you_mean == "zeppelins"
    assert forms.restricted({"source": "news"}).search("zepelins").did_you_mean is None


@pytest.mark.parametrize("query", ["zep*", "z?ppelins", "zeppelin~2", "zeppelins", "museums"])
def test_an_explanation_names_no_word_of_hidden_articles(forms: Index, query: str) -> None:
    page = forms.restricted({"source": "news"}).search(query, explain=True)
    assert page.explanation is not None
    words = {word for clause in page.explanation.clauses for word in clause.words}
    assert words <= {"museum"}


STORIES = [
    Article(name, title="Heron", authors=[author], tags=[tag], fields={"desk": desk, "embargo": embargo})
    for name, author, tag, desk, embargo in (
        ("one", "John Smith", "sea", "world", "2024-05-01"),
        ("two", "Ann", "sea", "city", "2024-05-03"),
        ("three", "Ann", "sea", "city", "2024-06"),
        ("hidden", "Smith", "secret", "vault", "2999"),
    )
]
FIELDS = {"desk": FieldType("keyword", facet=True), "embargo": FieldType("date")}


@pytest.fixture
def today() -> list[date]:
    """The day, which a test may change."""
    return [date(2024, 5, 2)]


@pytest.fixture
def stories(tmp_path: Path, today: list[date]) -> Iterator[Index]:
    with Index(Config(index=tmp_path / "index", fields=FIELDS), today=lambda: today[0]) as made:
        made.put(STORIES)
        yield made


@pytest.mark.parametrize("filters", [{"desk": ["world", "city"]}, {"tag": "sea"}, {"filter": "tag:sea"}])
def test_fields_and_tags_restrict_and_show_no_hidden_value(stories: Index, filters: dict[str, Any]) -> None:
    reader = stories.restricted(filters)
    page = reader.search("heron", facets=["desk", "tag", "author"])
    assert page.total == 3
    values = {count.value for facet in page.facets.values() for count in facet}
    assert values.isdisjoint({"vault", "secret", "Smith"})
    # The author of the hidden article has the whole name, that of the visible one only as a part.
    assert [hit.article.id for hit in reader.search("heron author:smith").hits] == ["one"]
    assert reader.search("heron", author="Smith").total == 1
    assert (
        reader.search("heron", tag="secret").total
        == reader.search("heron", filters={"desk": "vault"}).total
        == 0
    )


def test_a_restriction_by_day_changes_with_the_day(stories: Index, today: list[date]) -> None:
    reader = stories.restricted({"filter": "embargo:..today"})
    assert [hit.article.id for hit in reader.search("heron").hits] == ["one"]
    today[0] = date(2024, 5, 3)
    assert sorted(hit.article.id for hit in reader.search("heron").hits) == ["one", "two"]


def test_a_restriction_by_an_unknown_field_is_refused_at_once(stories: Index) -> None:
    with pytest.raises(InvalidRequest, match=r"filters: must be one or more of .*desk, embargo"):
        stories.restricted({"nothing": "x"})
