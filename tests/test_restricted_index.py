"""A restricted index answers as an index does that has no other articles than those that it shows.

`tests.fixtures.restricted` makes the two. Of what they answer, only this differs: how long it took, the
cursor and the revision (which are bound to the restriction), and of the status the folder, the time of the
last commit and the size, which a restricted index does not give. Scores are the same: the statistics are
those of the visible articles.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from indexer import ArticleMissing, IndexReader
from tests.fixtures.restricted import OPEN, SECRET, SHARED, Pair, make_pair

SEEDS = range(4)
QUESTIONS = 150


@pytest.fixture(params=SEEDS, scope="module")
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with make_pair(tmp_path_factory.mktemp("pair"), request.param) as made:
        yield made


def compare(pair: Pair, ask: Callable[[IndexReader], Any]) -> Any:
    """Ask both, and return what both answer, or raise."""
    found = []
    for reader in (pair.restricted, pair.alone):
        try:
            answer = msgspec.to_builtins(ask(reader))
        except ArticleMissing as error:
            answer = f"missing: {error}"
        if isinstance(answer, dict):
            answer = {**answer, "took_ms": 0, "cursor": bool(answer.get("cursor"))}
        found.append(answer)
    assert found[0] == found[1]
    return found[0]


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


@pytest.mark.parametrize("seed", range(3))
def test_every_search_answers_alike(pair: Pair, seed: int) -> None:
    chance = random.Random(seed)
    for query in make_queries(seed):
        asked = ask_everything(chance, query)
        compare(pair, lambda reader, asked=asked: reader.search(**asked))


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
        compare(pair, lambda reader, query=query: reader.search(query, limit=100, **filters))


def test_every_suggestion_is_alike(pair: Pair) -> None:
    words = [*SHARED, *OPEN, *SECRET]
    texts = [word[:length] for word in words for length in (1, 2, 4, len(word))]
    texts += [f"{first} {second[:2]}" for first, second in zip(words, reversed(words), strict=True)]
    texts += [f'"{first} ' for first in words] + [f"-{word[:3]}" for word in words]
    for text in texts:
        compare(pair, lambda reader, text=text: reader.suggest(text, 20))


def test_an_article_is_found_alike_and_a_hidden_one_is_missing(pair: Pair) -> None:
    questions: list[Callable[[IndexReader, str], Any]] = [
        lambda reader, name: reader.resolve_id(name),
        lambda reader, name: reader.mark_article(name, "harbour heron zeppelin"),
        lambda reader, name: str(reader.get_article(name)),
        lambda reader, name: list(reader.find_similar(name)),
        lambda reader, name: reader.find_similar(name).notes,
        lambda reader, name: reader.find_duplicates(name),
        lambda reader, name: reader.verify_quote("harbour crane", name),
    ]
    stated = ["r1", "r2", "same", "secret-record", "open-record"]
    for name in [*pair.visible, *pair.hidden, *stated, "nobody"]:
        for ask in questions:
            answer = compare(pair, lambda reader, ask=ask, name=name: ask(reader, name))
            if name in pair.hidden or name == "secret-record":
                assert answer == f"missing: no article with the id {name!r}"


def test_every_quotation_is_verified_alike(pair: Pair) -> None:
    for name in [*pair.visible, *pair.hidden]:
        try:
            paragraphs = pair.whole.get_article(name).paragraphs
        except ArticleMissing:
            continue
        for text in paragraphs:
            compare(pair, lambda reader, text=text: reader.verify_quote(text[:200]))


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
