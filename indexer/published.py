"""When an article was published: as exactly as its source says, and where the source says it."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, Self

from msgspec import Struct

from indexer.errors import InvalidArticle
from indexer.texts import check_text

Precision = Literal["year", "month", "day", "minute"]

# How much of an ISO date-time each precision keeps.
_FORMATS: dict[Precision, str] = {
    "year": "%Y",
    "month": "%Y-%m",
    "day": "%Y-%m-%d",
    "minute": "%Y-%m-%dT%H:%M",
}
_BY_LENGTH: dict[int, Precision] = {4: "year", 7: "month", 10: "day", 16: "minute"}
_LENGTHS = {precision: length for length, precision in _BY_LENGTH.items()}
# Narrower than what datetime reads: "20211105" and "2021-W44" would come out with a time that nobody gave.
_ISO = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T[0-9]{2}:[0-9]{2}.*)?)?)?", re.DOTALL)


class Published(Struct, frozen=True):
    """When an article was published, as exactly as its source says and no more exactly.

    `value` is ISO 8601 cut to the precision ("2021", "2021-11", "2021-11-05", "2021-11-05T21:01"): the wall
    time that the publisher stated. `provenance` names the place where it was found ("json-ld", "meta",
    "time", "url", "dateline", "file name", "given"). `others` are the candidates that disagreed, best
    first, each as (value, provenance). `note` says what had to be assumed, such as the order of day and
    month.
    """

    value: str
    precision: Precision
    provenance: str = "given"
    others: tuple[tuple[str, str], ...] = ()
    note: str | None = None

    @classmethod
    def at(cls, moment: date, precision: Precision, provenance: str = "given", **more: Any) -> Self:
        """The publication date `moment`, cut to `precision`."""
        # Not strftime: it does not pad years below 1000 on every platform.
        text = moment.isoformat()[: _LENGTHS[precision]]
        if precision == "minute" and not isinstance(moment, datetime):
            raise ValueError(f"minute precision needs a date with a time, got {moment!r}")
        return cls(text, precision, provenance, **more)

    @classmethod
    def parse(cls, value: str, provenance: str = "given") -> Self:
        """A publication date from ISO 8601: a year, month, day, or day with a time (seconds are dropped).

        Raises ValueError for anything else.
        """
        return cls(*_cut(value), provenance)

    @property
    def start(self) -> datetime:
        """The first moment that the value may mean; naive."""
        return datetime.fromisoformat(self.value + "-01-01"[len(self.value) - len("2021") :])

    @property
    def end(self) -> datetime:
        """The first moment after everything that the value may mean; naive."""
        start = self.start
        if self.precision in ("minute", "day"):
            step = timedelta(minutes=1) if self.precision == "minute" else timedelta(days=1)
            return start + step if start < datetime.max - step else datetime.max
        if self.precision == "month" and start.month < 12:
            return start.replace(month=start.month + 1)
        return start.replace(year=start.year + 1, month=1) if start.year < 9999 else datetime.max

    def __str__(self) -> str:
        return self.value

    def as_json(self) -> dict[str, Any]:
        """The date as in every JSON answer: value, precision, from; others and note where there are any."""
        answer: dict[str, Any] = {"value": self.value, "precision": self.precision, "from": self.provenance}
        if self.others:
            answer["others"] = [{"value": value, "from": place} for value, place in self.others]
        if self.note:
            answer["note"] = self.note
        return answer


def published_from(value: object) -> Published | None:
    """The publication date that was given as a Published, an ISO string, a date or a datetime.

    Raises InvalidArticle for anything else.
    """
    if value is None:
        return value
    try:
        if isinstance(value, Published):
            _check_published(value)
            return value
        if isinstance(value, datetime):
            return Published.at(value, "minute")
        if isinstance(value, date):
            return Published.at(value, "day")
        if isinstance(value, str):
            return Published.parse(value)
    except ValueError as error:
        raise InvalidArticle(
            f"published: an ISO date (2021, 2021-11, 2021-11-05 or 2021-11-05T21:01) is wanted, "
            f"{value!r} was found"
        ) from error
    raise InvalidArticle(f"published: a date or an ISO string is wanted, {type(value).__name__} was found")


@lru_cache(1024)
def _cut(value: str) -> tuple[str, Precision]:
    """An ISO 8601 date cut to the precision that it has; see `Published.parse`."""
    text = value.strip().replace(" ", "T", 1)
    if not _ISO.fullmatch(text):
        raise ValueError(f"a date in ISO 8601 is wanted, {value!r} was found")
    precision = _BY_LENGTH.get(len(text), "minute")
    if precision in ("year", "month"):
        moment = datetime.strptime(text, _FORMATS[precision])
    else:
        moment = datetime.fromisoformat(text)
    return moment.isoformat()[: _LENGTHS[precision]], precision


def _check_published(value: Published) -> None:
    others = [part for pair in value.others for part in pair]
    for text in (value.value, value.provenance, value.note or "", *others):
        check_text("published", text)
    if _cut(value.value) != (value.value, value.precision):
        raise ValueError(f"{value.value!r} has another precision than {value.precision}")
