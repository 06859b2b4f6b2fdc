"""What is wrong with a mount is said plainly, and the application loses nothing by it."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

import webui
from indexer import Article, ConfigError
from tests.fixtures.archives import archive

ZEBRA = (Article(id="a", title="Zebra", paragraphs=("A zebra.",)),)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"index": "index_data"}, "index must be an open index, not 'index_data'"),
        ({"url_prefix": "search"}, "url_prefix must begin with a slash, as in /search, not 'search'"),
        ({"url_prefix": None}, "url_prefix must begin with a slash, as in /search, not None"),
        ({"url_prefix": "/one"}, "the index 'one' is mounted at /one/ already"),
        ({"url_prefix": "/one/"}, "the index 'one' is mounted at /one/ already"),
        ({"name": "one"}, "a blueprint called 'one' already; .* name=…"),
        ({"name": ""}, "name must be a name without dots"),
        ({"name": "a.b"}, "name must be a name without dots"),
        ({"nonce": "abc"}, "nonce must be a function"),
    ],
)
def test_a_mount_that_would_not_work_is_refused_and_the_application_is_as_it_was(
    options: dict[str, Any], says: str
) -> None:
    app = Flask("host")
    webui.init_app(app, archive(*ZEBRA), url_prefix="/one", name="one")
    given: dict[str, Any] = {"index": archive(*ZEBRA), "name": "two", "url_prefix": "/two"} | options
    rules, blueprints = {*map(str, app.url_map.iter_rules())}, set(app.blueprints)
    with pytest.raises(ConfigError, match=says):
        webui.init_app(app, **given)
    assert {*map(str, app.url_map.iter_rules())} == rules
    assert set(app.blueprints) == blueprints
    assert set(app.extensions["nutgraf"]) == {"one"}
    assert app.test_client().get("/one/?q=zebra").status_code == 200
