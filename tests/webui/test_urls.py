from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from indexer.errors import InvalidRequest
from webui.parameters import whole_number
from webui.urls import Search, article_id, article_url, linkable_url, pager

# What an id may hold: anything that UTF-8 can write, without control characters.
identifiers = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(
    lambda s: s == s.strip()
)


def test_an_address_says_only_what_is_not_at_its_default() -> None:
    assert Search().query_string() == ""
    assert Search("a b&c").query_string() == "?q=a+b%26c"
    full = Search("x", "2021", "2022-03", "newest", 3)
    assert full.query_string() == "?q=x&since=2021&until=2022-03&sort=newest&page=3"
    assert Search("x", meaning=0.0).query_string() == "?q=x&meaning=0"
    assert (
        full.with_collapsing(False).query_string() == "?q=x&since=2021&until=2022-03&sort=newest&collapse=0"
    )


@given(
    st.builds(
        Search,
        st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
        st.sampled_from(["", "2021", "2021-11-05"]),
        st.sampled_from(["", "2022"]),
        st.sampled_from(["relevance", "newest", "oldest", "title"]),
        st.integers(1, 999),
        st.booleans(),
        meaning=st.sampled_from([None, 0.0, 0.25, 1.0]),
    )
)
def test_a_search_survives_its_address(search: Search) -> None:
    args = {name: values[0] for name, values in parse_qs(search.query_string()[1:]).items()}
    assert Search.parse(MultiDict(args)) == search


@pytest.mark.parametrize(
    "args",
    [
        {"page": "0"},
        {"page": "-1"},
        {"page": "one"},
        {"page": "1_0"},
        {"page": "٣"},
        {"page": "9" * 5000},
        {"page": "1e3"},
        {"collapse": "2"},
        {"sort": "random"},
        {"meaning": "2"},
        {"meaning": "nan"},
        {"q": "x" * 4001},
    ],
)
def test_a_parameter_without_meaning_is_refused_by_its_name(args: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest, match=f"^{next(iter(args))}: must "):
        Search.parse(MultiDict(args))


def test_an_empty_number_is_the_default() -> None:
    assert whole_number(MultiDict({"limit": " "}), "limit", 10) == 10
    assert whole_number(MultiDict({}), "limit", 10) == 10
    assert whole_number(MultiDict({"limit": "7"}), "limit", 10) == 7


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("a1", "/a/a1?q=x#p-1"),
        ("news/2021/a1.txt", "/a/news/2021/a1.txt?q=x#p-1"),
        ("what? #1 100%.txt", "/a/what%3F%20%231%20100%25.txt?q=x#p-1"),
        ("東京", "/a/%E6%9D%B1%E4%BA%AC?q=x#p-1"),
        ("../etc/passwd", "/a/?id=..%2Fetc%2Fpasswd&q=x#p-1"),
        ("/absolute", "/a/?id=%2Fabsolute&q=x#p-1"),
        ("a//b", "/a/?id=a%2F%2Fb&q=x#p-1"),
        ("a/./b", "/a/?id=a%2F.%2Fb&q=x#p-1"),
        (".", "/a/?id=.&q=x#p-1"),
        ("folder/", "/a/?id=folder%2F&q=x#p-1"),
        ("x/..hidden", "/a/x/..hidden?q=x#p-1"),
        ("cite.x/y", "/a/cite.x/y?q=x#p-1"),
        ("x/cite.bib", "/a/?id=x%2Fcite.bib&q=x#p-1"),
        ("http://x.org/a?b=c&d", "/a/?id=http%3A%2F%2Fx.org%2Fa%3Fb%3Dc%26d&q=x#p-1"),
    ],
)
def test_an_article_has_an_address_that_nothing_on_the_way_changes(name: str, url: str) -> None:
    assert article_url("/", name, "?q=x", "p-1") == url


@given(identifiers)
def test_every_id_can_be_read_back_from_its_address(name: str) -> None:
    parts = urlsplit(article_url("/search/", name))
    args = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
    path = unquote(parts.path.removeprefix("/search/a/"))
    assert article_id(MultiDict(args), path or None) == name
    assert not parts.fragment


def test_an_article_without_an_id_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="id"):
        article_id(MultiDict(), None)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://www.example.org/a?b=1", ("https://www.example.org/a?b=1", "example.org")),
        ("HTTP://EXAMPLE.org", ("HTTP://EXAMPLE.org", "example.org")),
        (None, None),
        ("", None),
        ("javascript:alert(1)", None),
        ("JavaScript://example.org/%0aalert(1)", None),
        ("data:text/html,x", None),
        ("//example.org/", None),
        ("/local", None),
        ("file:///etc/passwd", None),
        ("ftp://example.org", None),
        ("http://", None),
        ("http://[::1", None),
        ("http://example.org:99999/", None),
        ("http://example.org:abc/", None),
        ("http://example.org:-1/", None),
        ("http://example.org:٣/", None),
        ("http://a b/", None),
        ("http://example\x00.org/", None),
        ("http://example\x9b.org/", None),
        ("http://example\u2028.org/", None),
    ],
)
def test_only_addresses_of_the_web_become_links(url: str | None, found: tuple[str, str] | None) -> None:
    assert linkable_url(url) == found


def test_a_pager_knows_its_neighbours() -> None:
    found = pager(Search("x", page=5), "/", 95, 10)
    assert (found.number, found.last) == (5, 10)
    assert (found.previous, found.next) == ("/?q=x&page=4", "/?q=x&page=6")
    assert [entry and entry[0] for entry in found.pages] == [1, None, 3, 4, 5, 6, 7, None, 10]


@pytest.mark.parametrize(
    ("page", "results", "last", "previous", "following"),
    [
        (1, 0, 1, None, None),
        (1, 10, 1, None, None),
        (1, 11, 2, None, "/?q=x&page=2"),
        (2, 11, 2, "/?q=x", None),
        (7, 11, 2, "/?q=x&page=2", None),
        (1, 1_000_000, 1000, None, "/?q=x&page=2"),
    ],
)
def test_a_pager_offers_only_pages_that_exist(
    page: int, results: int, last: int, previous: str | None, following: str | None
) -> None:
    found = pager(Search("x", page=page), "/", results, 10)
    assert (found.last, found.previous, found.next) == (last, previous, following)
