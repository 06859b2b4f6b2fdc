"""One loader for every option: nutgraf.toml, then NUTGRAF_* in the environment, then the caller."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

from indexer.errors import ConfigError, quote_value
from indexer.files.regular import open_regular, translate_read_errors
from indexer.limits import CHARACTERS, HITS, MOST_CHARACTERS, PASSAGES, SECONDS

__all__ = [
    "Config",
    "load_config",
]

FILE_NAME = "nutgraf.toml"
ENVIRONMENT_PREFIX = "NUTGRAF_"

PROCESSES = 64
"""Processes of `serve` at most."""

# The options that change what is stored; only these decide whether an index must be rebuilt.
_STORED = ("language", "day_first", "timezone")

# Lists of words rather than of paths, by what each word must look like: they end up in headers.
_ORIGIN = r"https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?|https?://\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?"
_WORDS = {
    "cors_origins": (rf"{_ORIGIN}|\*", "a list of origins such as https://news.example, or *"),
    "frame_ancestors": (rf"{_ORIGIN}|self", "a list of origins such as https://news.example, or self"),
    "trusted_hosts": (
        r"\.?[A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\]",
        "a list of host names without a port (.news.example: with all below it)",
    ),
}

_BOUNDS = {
    "page_size": (1, HITS),
    "passages": (0, PASSAGES),
    "query_characters": (1, MOST_CHARACTERS),
    "processes": (0, PROCESSES),
}

_WANTED: tuple[tuple[type, str], ...] = (
    (tuple, "a list of paths"),
    (Path, "a path"),
    (bool, "true or false"),
    (int, "a whole number, 0 or more"),
    (float, "a number, 0 or more"),
    (str, "text"),
    (type(None), "a path"),
)


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that can be set; the defaults serve a folder `seeds` beside an index in `index_data`."""

    index: Path = Path("index_data")
    sources: tuple[Path, ...] = (Path("seeds"),)
    language: str = "en"
    day_first: bool = True
    timezone: str = ""
    """Date-times with an offset are moved to this zone; empty keeps the wall time that the publisher gave.

    "Today" and "last week" in a query are told by the clock of this zone; of the machine's, when empty.
    """
    max_file_mb: int = 64
    jobs: int = 0
    """How many processes read files; 0 takes one for each core."""
    max_memory_mb: int = 512
    """About how much memory the writer may take; when it is used up, a segment is written."""
    lock_timeout: float = 10.0
    synonyms: Path | None = None
    """A file of words that mean the same, in Solr's format; read by searches only."""
    page_size: int = 10
    """Hits a page, from 1 to 1,000."""
    passages: int = 3
    """Passages a hit, up to 100."""
    query_characters: int = CHARACTERS
    """How much of a query is read, from 1 to 4,000 characters; a note says when there was more."""
    query_seconds: float = 1.0
    """How long a query may take, above 0 and up to 60; what was found by then is the answer, and says so."""
    host: str = "127.0.0.1"
    port: int = 8765
    processes: int = 0
    """How many processes of `serve` answer requests; 0 takes one for each core, four at most."""
    cors_origins: tuple[str, ...] = ()
    """The web pages, by their origins, whose scripts may read the API; * for all."""
    frame_ancestors: tuple[str, ...] = ()
    """The sites, by their origins, that may show the pages in a frame."""
    trusted_hosts: tuple[str, ...] = ()
    """The host names that requests may be made to; none named: any."""
    log_queries: bool = False
    """Whether the log of `serve` has what was searched for, and which article was read."""
    metrics: bool = True
    """Whether /metrics tells counts: requests, seconds, articles."""

    def today(self, now: datetime | None = None) -> date:
        """What day it is in the configured zone (else where this machine is), now or at an aware moment."""
        zone = ZoneInfo(self.timezone) if self.timezone else None
        return (now.astimezone(zone) if now else datetime.now(zone)).date()

    def fingerprint(self) -> str:
        """A short hash of the options that change the stored index."""
        values = {name: getattr(self, name) for name in _STORED}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]

    def with_options(self, options: Mapping[str, Any], origin: str) -> Self:
        """This configuration with `options` over it; None means not given.

        Raises ConfigError, naming `origin` and the key, for an unknown key or a value of another kind.
        """
        known = {option.name: option for option in fields(self)}
        changed: dict[str, Any] = {}
        for key, value in options.items():
            if key not in known:
                raise ConfigError(
                    f"{origin}: unknown option {key!r}; the options are {', '.join(sorted(known))}"
                )
            if value is not None:
                changed[key] = _convert(key, value, getattr(self, key), origin)
        return replace(self, **changed)


def load_config(
    folder: Path | None = None, *, environment: Mapping[str, str] | None = None, **options: Any
) -> Config:
    """The configuration for a run in `folder` (default: the working directory).

    `nutgraf.toml` in that folder, if there is one, then the environment, then `options`. Paths in the file
    are relative to the file; others to the working directory. Raises ConfigError, and StorageFailed when the
    file cannot be read for now.
    """
    config = Config()
    path = (folder or Path()) / FILE_NAME
    try:
        with translate_read_errors(path), open_regular(path, links=True) as file:
            settings = tomllib.load(file)
    except FileNotFoundError:
        settings = {}
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read as TOML: {error.strerror or error}") from error
    except ValueError as error:
        # No TOML, no UTF-8, or a number of more digits than are read.
        raise ConfigError(f"{path}: cannot be read as TOML: {error}") from error
    except RecursionError:
        raise ConfigError(
            f"{path}: cannot be read as TOML: options are wanted, brackets within brackets too deep to be "
            "read were found"
        ) from None
    config = config.with_options(settings, str(path))
    if folder is not None:
        config = replace(
            config,
            index=folder / config.index,
            sources=tuple(folder / source for source in config.sources),
            synonyms=config.synonyms and folder / config.synonyms,
        )
    variables = os.environ if environment is None else environment
    given = {
        name.removeprefix(ENVIRONMENT_PREFIX).lower(): value
        for name, value in variables.items()
        if name.startswith(ENVIRONMENT_PREFIX)
    }
    return config.with_options(given, "environment").with_options(options, "call")


def _convert(key: str, value: Any, default: Any, origin: str) -> Any:
    wanted = next(words for kind, words in _WANTED if isinstance(default, kind))
    refusal = ConfigError(f"{origin}: option {key!r} wants {wanted}, {quote_value(value)} was found")
    text = isinstance(value, str)
    if key in _WORDS:
        return _words(key, value, origin)
    if isinstance(default, tuple):
        parts = value.split(os.pathsep) if text else [value] if isinstance(value, os.PathLike) else value
        if not isinstance(parts, (list, tuple)) or not all(_is_path(part) for part in parts):
            raise refusal
        return tuple(Path(part) for part in parts)
    if default is None or isinstance(default, Path):
        if not _is_path(value):
            raise refusal
        return Path(value)
    if isinstance(default, bool):
        if isinstance(value, bool):
            return value
        word = value.strip().lower() if text else None
        if word not in ("true", "false", "1", "0", "yes", "no"):
            raise refusal
        return word in ("true", "1", "yes")
    if isinstance(default, (int, float)):
        try:
            number = type(default)(value)
        except (TypeError, ValueError, OverflowError):
            raise refusal from None
        # A fraction must not be cut to a whole number; "not >= 0" refuses what is no number at all, too.
        if isinstance(value, bool) or (not text and number != value) or not number >= 0:
            raise refusal
        if key == "port" and number > 65535:
            raise ConfigError(
                f"{origin}: option 'port' wants a number up to 65535, {quote_value(value)} was found"
            )
        if key == "query_seconds" and not 0 < number <= SECONDS:
            raise ConfigError(
                f"{origin}: option 'query_seconds' wants a number above 0, up to {SECONDS:g}, "
                f"{quote_value(value)} was found"
            )
        least, most = _BOUNDS.get(key, (0, number))
        if not least <= number <= most:
            raise ConfigError(
                f"{origin}: option {key!r} wants a whole number from {least} to {most:,}, "
                f"{quote_value(value)} was found"
            )
        return number
    if not text:
        raise refusal
    if key == "timezone" and value:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ConfigError(
                f"{origin}: option 'timezone' wants a name such as Europe/Paris, "
                f"{quote_value(value)} was found"
            ) from None
    return value


def _words(key: str, value: Any, origin: str) -> tuple[str, ...]:
    pattern, wanted = _WORDS[key]
    parts = re.split(r"[,\s]+", value.strip()) if isinstance(value, str) and value.strip() else value or ()
    if not isinstance(parts, (list, tuple)) or not all(
        isinstance(part, str) and re.fullmatch(pattern, part) for part in parts
    ):
        raise ConfigError(f"{origin}: option {key!r} wants {wanted}; {quote_value(value)} was found")
    return tuple(part.lower() for part in parts)


def _is_path(value: Any) -> bool:
    # An empty one would mean the working directory, which nobody asked for.
    return isinstance(value, (str, os.PathLike)) and os.fspath(value) != "" and "\0" not in str(value)
