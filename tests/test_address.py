"""Addresses of indexes on OpenSearch."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer import ClusterAddress
from indexer.address import is_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "opensearch+https://user@search.example:9200/archive",
            ClusterAddress("https", "search.example", 9200, "archive", "user"),
        ),
        ("opensearch+https://search.example/a", ClusterAddress("https", "search.example", 443, "a")),
        ("opensearch+http://localhost/news-2", ClusterAddress("http", "localhost", 9200, "news-2")),
        ("opensearch+http://127.0.0.1:19200/0.a_b", ClusterAddress("http", "127.0.0.1", 19200, "0.a_b")),
        ("opensearch+http://[::1]:9200/a", ClusterAddress("http", "::1", 9200, "a")),
        (
            "opensearch+https://j%C3%BCrgen%40desk@h.example/a",
            ClusterAddress("https", "h.example", 443, "a", "jürgen@desk"),
        ),
    ],
)
def test_an_address_has_the_cluster_the_user_and_the_name_of_the_index(
    text: str, expected: ClusterAddress
) -> None:
    address = ClusterAddress.parse(text)
    assert address == expected
    assert ClusterAddress.parse(str(address)) == address


def test_the_address_of_the_cluster_has_no_user() -> None:
    assert ClusterAddress.parse("opensearch+https://user@[::1]/archive").url == "https://[::1]:443"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("opensearch+ftp://h/a", "must begin with opensearch\\+https:// or opensearch\\+http://"),
        ("opensearch+https:/h/a", "must begin with"),
        ("OpenSearch+https://h/a", "must begin with"),
        ("opensearch+https://h", "must end with the name of the index"),
        ("opensearch+https://h/", "must end with the name of the index"),
        ("opensearch+https://h/a/b", "must end with the name of the index"),
        ("opensearch+https://h/Archive", "lower-case letters"),
        ("opensearch+https://h/-a", "with a letter or digit first"),
        ("opensearch+https://h/.a", "must end with"),
        ("opensearch+https://h/a*", "must end with"),
        ("opensearch+https://h/a,b", "must end with"),
        ("opensearch+https://h/a%2Fb", "must end with"),
        (f"opensearch+https://h/{'a' * 201}", "must end with"),
        ("opensearch+https://h/a?x=1", "must end with"),
        ("opensearch+https://h/a#x", "must end with"),
        ("opensearch+https:///a", "no valid host and port"),
        ("opensearch+https://h:x/a", "no valid host and port"),
        ("opensearch+https://h:65536/a", "no valid host and port"),
        ("opensearch+https://h:0/a", "no valid host and port"),
        ("opensearch+https://[::1/a", "no valid host and port"),
        ("opensearch+https://a_b-/a", "no valid host and port"),
        ("opensearch+https://h/a b", "characters that an address cannot have"),
        ("opensearch+https://h/a\n", "characters that an address cannot have"),
        ("opensearch+https://münchen.example/a", "characters that an address cannot have"),
        ("opensearch+https://a%3Ab@h/a", "a user with a colon"),
        ("opensearch+https://a%0Ab@h/a", "a control character"),
    ],
)
def test_an_address_that_is_invalid_is_refused_with_the_reason(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        ClusterAddress.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "opensearch+https://user:geheim@search.example/archive",
        "opensearch+https://:geheim@search.example/archive",
        "opensearch+https://user:geheim@search.example:x/archive",
        "opensearch+https://user:geheim @search.example/archive",
        "opensearch+ftp://user:geheim@search.example/archive",
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(?!.*geheim)"):
        ClusterAddress.parse(text)
    with pytest.raises(ValueError, match="NUTGRAF_OPENSEARCH_PASSWORD"):
        ClusterAddress.parse("opensearch+https://user:geheim@search.example/archive")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("opensearch+https://h/a", True),
        ("OPENSEARCH+HTTPS://h/a", True),
        (Path("opensearch+https://h/a"), True),
        ("opensearch+ftp://h/a", True),
        ("opensearch", False),
        ("opensearch+https", False),
        ("./opensearch+https://h/a", False),
        ("/srv/opensearch+https:", False),
        ("https://h/a", False),
        (3, False),
    ],
)
def test_what_begins_as_an_address_is_one_and_anything_else_is_a_path(value: object, expected: bool) -> None:
    assert is_address(value) is expected
