"""Sources with a name and options: which tables are accepted, and what the messages say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from indexer import Config
from indexer.config import load_config
from indexer.errors import ConfigError
from indexer.sources import Source

TABLE = """
[fields]
desk = { type = "keyword" }

[sources.wire]
path = "wire"
include = ["*.csv"]
exclude = "drafts/"
language = "fr"
day_first = false
timezone = "Europe/Paris"
record = { title = "headline", date = "pubDate", author = "by.line", desk = "meta.desk" }
url = "https://paper.example/{path}"
section = "World"

[sources."The Paper"]
path = "/srv/paper"
"""


def load(folder: Path, **environment: str) -> Config:
    return load_config(folder, environment=environment)


def test_a_table_names_sources_with_their_options_and_its_paths_are_relative_to_the_file(
    tmp_path: Path,
) -> None:
    (tmp_path / "nutgraf.toml").write_text(TABLE)
    config = load(tmp_path)
    assert config.sources == (tmp_path / "wire", Path("/srv/paper"))
    assert config.source_at((tmp_path / "wire").resolve()) == Source(
        (tmp_path / "wire").resolve(),
        "wire",
        include=("*.csv",),
        exclude=("drafts/",),
        language="fr",
        day_first=False,
        timezone="Europe/Paris",
        record={"title": "headline", "published": "pubDate", "authors": "by.line", "desk": "meta.desk"},
        url="https://paper.example/{path}",
        section="World",
    )
    assert config.source_at(Path("/srv/other")) == Source(Path("/srv/other"))


def test_the_environment_chooses_among_the_sources_and_their_options_stay(tmp_path: Path) -> None:
    (tmp_path / "nutgraf.toml").write_text(TABLE)
    config = load(tmp_path, NUTGRAF_SOURCES="/srv/paper")
    assert config.sources == (Path("/srv/paper"),)
    assert set(config.named_sources) == {"wire", "The Paper"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"wire": {"path": "a", "timezone": "CET+"}},
            "sources.wire.timezone: must be a name such as Europe/Paris, not “CET+”",
        ),
        (
            {"wire": {"path": "a", "language": "english"}},
            "sources.wire.language: must be the code of a language",
        ),
        ({"wire": {"path": "a", "day_first": "yes"}}, "sources.wire.day_first: must be true or false"),
        (
            {"wire": {"path": "a", "includes": []}},
            "sources.wire.includes: is no option of a source; known: path, include,",
        ),
        ({"wire": {"include": []}}, "sources.wire.path: is missing: name the folder or file"),
        ({"wire": {"path": ""}}, "sources.wire.path: must be a path"),
        ({"wire": {"path": "a", "exclude": [1]}}, "sources.wire.exclude: must be a list of texts"),
        (
            {"wire": {"path": "a", "exclude": ["!"]}},
            "sources.wire.exclude: must be patterns as in .gitignore",
        ),
        ({"wire": {"path": "a", "record": {"titel": "x"}}}, "(not titel)"),
        (
            {"wire": {"path": "a", "record": {"title": 5}}},
            "sources.wire.record: must be a table of names, such as",
        ),
        (
            {"wire": {"path": "a", "url": "paper.example"}},
            "sources.wire.url: must be an http or https address",
        ),
        ({"wire": {"path": "a", "url": "https://{path}/"}}, "sources.wire.url: must be"),
        (
            {"wire": {"path": "a", "url": "https://x.example/{name}"}},
            "only {path}, {stem}, {id} are in braces",
        ),
        ({"wire": {"path": "a", "url": "https://x.example/{"}}, "sources.wire.url: must be"),
        ({"wire": {"path": "a", "section": ""}}, "sources.wire.section: must be text"),
        ({"a/b": {"path": "a"}}, "sources.a/b: must be a name of at most 64 characters"),
        ({"wire": ["a"]}, "sources.wire: must be a table with a path"),
        ({"a": {"path": "x"}, "b": {"path": "./x"}}, "sources.b.path: is that of a, too: x"),
    ],
)
def test_an_option_that_cannot_be_used_is_named_by_its_key(options: Any, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        Config().with_options({"sources": options})
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("one", "two", "is_same"),
    [
        (Source(Path("a")), Source(Path("b")), True),
        (Source(Path("a"), include=("x",)), Source(Path("a"), exclude=("y",)), True),
        (Source(Path("a"), language="de"), Source(Path("a")), False),
        (Source(Path("a"), day_first=False), Source(Path("a")), False),
        (Source(Path("a"), "wire"), Source(Path("a"), "other"), False),
        (Source(Path("a"), record={"title": "x"}), Source(Path("a"), record={"title": "y"}), False),
    ],
)
def test_only_options_that_change_articles_change_the_fingerprint(
    one: Source, two: Source, is_same: bool
) -> None:
    assert (one.fingerprint == two.fingerprint) is is_same
