"""The options, and one loader for them: nutgraf.toml < NUTGRAF_* in the environment < the caller."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self

from msgspec import to_builtins

from indexer.address import ClusterAddress, is_address, is_service
from indexer.article import LANGUAGE_TAG, is_language
from indexer.errors import ConfigError, quote_value
from indexer.fields import FieldType, parse_fields
from indexer.files.regular import open_regular, translate_read_errors
from indexer.limits import CHARACTERS, HITS, MOST_CHARACTERS, PASSAGES, PROCESSES, QUERY_SECONDS
from indexer.sources import InvalidSource, Source, check_timezone, parse_sources

__all__ = [
    "Config",
    "load_config",
]

FILE_NAME = "nutgraf.toml"
ENVIRONMENT, ENVIRONMENT_PREFIX = "environment", "NUTGRAF_"

# What options set besides themselves.
_DERIVED = frozenset({"named_sources", "cluster"})
# They are options of the environment only, and messages do not quote them.
_SECRETS = ("opensearch_password", "model_key")

# The options that change the stored index; only these decide whether it must be rebuilt.
_STORED = ("fields", "language", "day_first", "timezone")

# The kind of value that an option takes, for messages. It follows from the type of the default, unless the
# option has an entry of its own.
_KINDS: tuple[tuple[type, str], ...] = (
    (tuple, "a list of paths"),
    (Path, "a path"),
    (bool, "true or false"),
    (int, "a whole number, 0 or more"),
    (float, "a number, 0 or more"),
    (str, "text"),
    (type(None), "a path"),
)
_BOUNDS: dict[str, tuple[float, float]] = {
    "max_file_mb": (1, math.inf),
    "page_size": (1, HITS),
    "passages": (0, PASSAGES),
    "query_characters": (1, MOST_CHARACTERS),
    "query_seconds": (0, QUERY_SECONDS),
    "meaning": (0, 1),
    "processes": (0, PROCESSES),
    "port": (0, 65535),
}

# Lists of words, with the pattern of each word: they end up in headers, where others could do harm.
_ORIGIN = r"https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?|https?://\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?"
_WORDS = {
    "cors_origins": (rf"{_ORIGIN}|\*", "a list of origins such as https://news.example, or *"),
    "frame_ancestors": (rf"{_ORIGIN}|self", "a list of origins such as https://news.example, or self"),
    "trusted_hosts": (
        r"\.?[A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\]",
        "a list of host names without a port (.news.example: with all subdomains)",
    ),
}


@dataclass(frozen=True, slots=True)
class Config:
    """All options."""

    index: Path = Path("index_data")
    """The folder of the index, unless `cluster` has it.

    Given as the address opensearch+https://user@search.example:9200/archive, the option sets that instead.
    """
    opensearch_password: str = field(default="", repr=False)
    """The password of the user in the address of a cluster; not an option of the file, which others read."""
    sources: tuple[Path, ...] = ()
    """The folders and files that are indexed besides those that the index has; if it has none, `seeds`.

    A table of sources, such as `{"wire": {"path": "wire", "language": "fr"}}`, gives them names and options.
    """
    fields: Mapping[str, FieldType] = field(default_factory=dict)
    """Custom fields that articles have, by name: `desk = { type = "keyword", facet = true }`."""
    language: str = "en"
    day_first: bool = True
    timezone: str = ""
    """Times with an offset are converted to this zone; empty keeps the publisher's local time.

    It also decides which day "today" is in a query; if empty, the zone of the machine does.
    """
    max_file_mb: int = 64
    jobs: int = 0
    """How many processes read files; 0 for one per core."""
    max_memory_mb: int = 512
    """About how much memory the writer may use; a segment is written when it is used up."""
    lock_timeout: float = 10.0
    synonyms: Path | None = None
    """A file of synonyms in Solr's format, which are applied to queries."""
    variants: bool = True
    """Whether words are also found in other spellings and forms: color for colour, email for e-mail."""
    page_size: int = 10
    """Hits a page, from 1 to 1,000."""
    passages: int = 3
    """Passages a hit, up to 100."""
    query_characters: int = CHARACTERS
    """How many characters of a query are read, from 1 to 4,000; a note says if it was longer."""
    model: str = ""
    """The model that makes vectors of texts, to search by meaning; empty for none.

    A folder with a model, the name of a model for sentence-transformers, or the address of a service such as
    https://models.example/v1#name, which then gets the texts of the archive and all queries.
    """
    model_key: str = field(default="", repr=False)
    """The key for that service; not an option of the file, which others read."""
    meaning: float = 0.4
    """How much the meaning counts in the score, from 0 (only words) to 1, if the index has vectors."""
    query_seconds: float = 1.0
    """Seconds that a query may take, above 0 and up to 60; then the page has some of the hits, and a note."""
    host: str = "127.0.0.1"
    port: int = 8765
    processes: int = 0
    """How many processes of `serve` answer requests, up to 64; 0 for one per core, four at most."""
    cors_origins: tuple[str, ...] = ()
    """The origins of the web pages whose scripts may read the API; * for all."""
    frame_ancestors: tuple[str, ...] = ()
    """The origins of the sites that may show the pages in a frame."""
    trusted_hosts: tuple[str, ...] = ()
    """The host names that requests may be addressed to; empty for any."""
    log_queries: bool = False
    """Whether the log of `serve` contains queries and the ids of the articles that were read."""
    metrics: bool = True
    """Whether /metrics serves counts of requests, seconds and articles."""
    named_sources: Mapping[str, Source] = field(default_factory=dict)
    """The sources that have a name and options of their own; given as a table of `sources`."""
    cluster: ClusterAddress | None = None
    """The OpenSearch cluster that has the index; None if it is in a folder."""

    def today(self, now: datetime | None = None) -> date:
        """Return the date in the configured zone, else in the machine's, now or at an aware time."""
        zone = None
        if self.timezone:
            # Imported here, since most configurations name no zone.
            from zoneinfo import ZoneInfo

            zone = ZoneInfo(self.timezone)
        return (now.astimezone(zone) if now else datetime.now(zone)).date()

    def source_at(self, path: Path) -> Source:
        """Return the source at an absolute path, with its options if it has a name."""
        for source in self.named_sources.values():
            if source.path.resolve() == path:
                return replace(source, path=path)
        return Source(path)

    def fingerprint(self) -> str:
        """Return a short hash of the options that change the stored index."""
        given = {name: getattr(self, name) for name in _STORED}
        given["fields"] = {name: kind.without_weight() for name, kind in self.fields.items()}
        values = to_builtins({name: value for name, value in given.items() if value != {}})
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]

    def with_options(self, options: Mapping[str, Any], origin: str = "") -> Self:
        """Return this configuration with `options` over it; None means not given.

        Raises ConfigError, naming the option and the `origin`, for an unknown option or an invalid value.
        """
        known = {option.name for option in fields(self)} - _DERIVED
        prefix = f"{origin}: " if origin and origin != ENVIRONMENT else ""
        changed: dict[str, Any] = {}
        for key, value in options.items():
            name = f"{ENVIRONMENT_PREFIX}{key.upper()}" if origin == ENVIRONMENT else key
            if key not in known:
                raise ConfigError(f"{prefix}unknown option: {name}; known: {', '.join(sorted(known))}")
            if value is None:
                continue
            try:
                if key == "index" and is_address(value):
                    changed["cluster"] = ClusterAddress.parse(str(value))
                    continue
                if key == "index":
                    changed["cluster"] = None
                if key in _SECRETS and prefix:
                    raise ValueError(
                        "must not be in the file, which others read: set the environment variable "
                        f"{ENVIRONMENT_PREFIX}{key.upper()}"
                    )
                if key == "sources" and isinstance(value, Mapping):
                    named = changed["named_sources"] = _parse_sources(value, options, self)
                    value = [source.path for source in named.values()]
                changed[key] = _convert(key, value, getattr(self, key))
            except InvalidSource as error:
                raise ConfigError(str(error), f"{prefix}{name}.{error.key}") from error
            except _Invalid as error:
                found = type(value).__name__ if key in _SECRETS else quote_value(value)
                problem = f"must be {error}, not {found}"
                raise ConfigError(problem, f"{prefix}{name}") from error
            except ValueError as error:
                raise ConfigError(str(error), f"{prefix}{name}") from error
        return replace(self, **changed)


def load_config(
    folder: Path | None = None, *, environment: Mapping[str, str] | None = None, **options: Any
) -> Config:
    """Return the configuration for a run in `folder` (default: the working directory).

    `nutgraf.toml` in that folder, if there is one, is overridden by the environment, and that by `options`.
    Paths in the file are relative to the file, others to the working directory. Raises ConfigError, and
    StorageFailed if the system refuses to read the file for now.
    """
    config = Config()
    path = (folder or Path()) / FILE_NAME
    try:
        with translate_read_errors(path), open_regular(path, links=True) as file:
            # Imported here, since many folders have no such file.
            import tomllib

            settings = tomllib.load(file)
    except FileNotFoundError:
        settings = {}
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read as TOML: {error.strerror or error}") from error
    except ValueError as error:
        # Not TOML, not UTF-8, or a number with too many digits for Python to parse.
        raise ConfigError(f"{path}: cannot be read as TOML: {error}") from error
    except RecursionError:
        raise ConfigError(f"{path}: cannot be read as TOML: brackets are nested too deeply") from None
    config = config.with_options(settings, str(path))
    if folder is not None:
        config = replace(
            config,
            index=folder / config.index,
            sources=tuple(folder / source for source in config.sources),
            synonyms=config.synonyms and folder / config.synonyms,
            model=_resolve_model(config.model, folder),
            named_sources={
                name: replace(source, path=folder / source.path)
                for name, source in config.named_sources.items()
            },
        )
    variables = os.environ if environment is None else environment
    given = {
        name.removeprefix(ENVIRONMENT_PREFIX).lower(): value
        for name, value in variables.items()
        if name.startswith(ENVIRONMENT_PREFIX)
    }
    return config.with_options(given, ENVIRONMENT).with_options(options)


def _resolve_model(model: str, folder: Path) -> str:
    """Return the option `model` of a file in `folder`, whose paths are relative to it.

    What has the form of a name is a path if there is something at it.
    """
    if not model or is_service(model):
        return model
    path = folder / Path(model).expanduser()
    return str(path) if model.startswith((".", "~")) or path.exists() else model


class _Invalid(Exception):
    """A value cannot be used; says what it must be."""


def _convert(key: str, value: Any, default: Any) -> Any:
    """Return the value of an option in the type of its default; raises _Invalid."""
    if key == "fields":
        return parse_fields(json.loads(value) if isinstance(value, str) else value)
    expected = _Invalid(next(words for kind, words in _KINDS if isinstance(default, kind)))
    if key in _WORDS:
        return _split_words(key, value)
    if isinstance(default, tuple):
        parts = (
            value.split(os.pathsep)
            if isinstance(value, str)
            else [value]
            if isinstance(value, os.PathLike)
            else value
        )
        if not isinstance(parts, (list, tuple)) or not all(_is_path(part) for part in parts):
            raise expected
        return tuple(Path(part) for part in parts)
    if default is None or isinstance(default, Path):
        if not _is_path(value):
            raise expected
        return Path(value)
    if isinstance(default, bool):
        word = str(value).strip().lower() if isinstance(value, (bool, str)) else ""
        if word not in ("true", "false", "1", "0", "yes", "no"):
            raise expected
        return word in ("true", "1", "yes")
    if isinstance(default, (int, float)):
        return _to_number(key, value, type(default), expected)
    if not isinstance(value, str):
        raise expected
    if key == "language" and not is_language(value):
        raise _Invalid(LANGUAGE_TAG)
    if key == "timezone" and value:
        try:
            check_timezone(value)
        except ValueError as error:
            raise _Invalid(str(error)) from None
    return value


def _parse_sources(given: Mapping[str, Any], options: Mapping[str, Any], config: Config) -> dict[str, Source]:
    """Return the sources that a table names; `options` are those given with it."""
    custom_fields = options.get("fields") or config.fields
    named = parse_sources(given, custom_fields if isinstance(custom_fields, Mapping) else {})
    names: dict[Path, str] = {}
    for name, source in named.items():
        if (other := names.setdefault(source.path.resolve(), name)) != name:
            raise InvalidSource(f"{name}.path", f"is that of {other}, too: {source.path}")
    return named


def _to_number(key: str, value: Any, kind: type[int] | type[float], expected: _Invalid) -> int | float:
    try:
        number = kind(value)
    except (TypeError, ValueError, OverflowError):
        raise expected from None
    # "not >= 0" is also true of NaN; a fraction must not be truncated to a whole number.
    if isinstance(value, bool) or (not isinstance(value, str) and number != value) or not number >= 0:
        raise expected
    least, most = _BOUNDS.get(key, (0, math.inf))
    if key == "query_seconds" and not 0 < number <= most:
        raise _Invalid(f"a number above 0, up to {most:g}")
    if not least <= number <= most:
        limits = f", {least} or more" if most == math.inf else f" from {least} to {most:,}"
        raise _Invalid(f"{'a whole number' if kind is int else 'a number'}{limits}")
    return number


def _split_words(key: str, value: Any) -> tuple[str, ...]:
    pattern, expected = _WORDS[key]
    parts = re.split(r"[,\s]+", value.strip()) if isinstance(value, str) and value.strip() else value or ()
    if not isinstance(parts, (list, tuple)) or not all(
        isinstance(part, str) and re.fullmatch(pattern, part) for part in parts
    ):
        raise _Invalid(expected)
    return tuple(part.lower() for part in parts)


def _is_path(value: Any) -> bool:
    # An empty path would silently mean the working directory.
    return isinstance(value, (str, os.PathLike)) and os.fspath(value) != "" and "\0" not in str(value)
