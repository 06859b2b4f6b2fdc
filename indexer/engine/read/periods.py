"""Dates as periods: the day, week, month or year of each article, and how much was published then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.record import NO_DATE

Grain = Literal["day", "week", "month", "year"]
GRAINS: tuple[Grain, ...] = get_args(Grain)
"""From the finest to the coarsest."""
UNDATED, INEXACT = -1, -2
DAY = 86400
# The longest time that a date may mean and still be exact enough, in seconds.
_EXACT: Mapping[Grain, int] = MappingProxyType(
    {"day": DAY, "week": DAY, "month": 31 * DAY, "year": 366 * DAY}
)
_MONDAY = 3  # days from a Monday to the first day of 1970
Moments = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Periods:
    """The periods of one grain in which anything was published.

    `numbers` (int32, ascending) count from the period that 1970-01-01 is in; `articles` and `paragraphs`
    (int64, one of each) say how much was published then. `codes` (int32, one of each article) are places
    among them, UNDATED, or INEXACT where the date is not as exact as the grain.
    """

    numbers: NDArray[np.int32]
    codes: NDArray[np.int32]
    articles: NDArray[np.int64]
    paragraphs: NDArray[np.int64]


def periods_of(begins: Moments, ends: Moments, counts: NDArray[Any], grain: Grain) -> Periods:
    """The periods of articles by their dates; `counts` are paragraphs of each article."""
    dated = begins != NO_DATE
    exact = dated & is_exact(begins, ends, grain)
    numbers, own = np.unique(number_of(begins[exact], grain), return_inverse=True)
    codes = np.full(len(begins), UNDATED, np.int32)
    codes[dated] = INEXACT
    codes[exact] = own
    return Periods(
        numbers.astype(np.int32),
        codes,
        np.bincount(own, minlength=len(numbers)),
        np.bincount(own, counts[exact], len(numbers)).astype(np.int64),
    )


def is_exact(begins: Moments, ends: Moments, grain: Grain) -> NDArray[np.bool_]:
    """Whether dates are as exact as a grain: bool, one of each."""
    exact: NDArray[np.bool_] = ends - begins <= _EXACT[grain]
    return exact


def number_of(begins: Moments, grain: Grain) -> Moments:
    """The periods of moments, counted from that of 1970-01-01: int64, one of each."""
    if grain in ("month", "year"):
        return begins.astype("M8[s]").astype(f"M8[{grain[0].upper()}]").astype(np.int64)
    days = begins // DAY
    return (days + _MONDAY) // 7 if grain == "week" else days


def period_name(number: int, grain: Grain) -> str:
    """A period as in ISO 8601: "2021", "2021-11", "2021-11-05"; a week by its Monday."""
    if grain == "year":
        return f"{1970 + number:04}"
    if grain == "month":
        return f"{1970 + number // 12:04}-{number % 12 + 1:02}"
    return (date(1970, 1, 1) + timedelta(number * 7 - _MONDAY if grain == "week" else number)).isoformat()


def day_name(begin: int, end: int) -> str:
    """A date, as exactly as it is known and no more exactly than to the day."""
    width = end - begin
    grain: Grain = "day" if width <= DAY else "month" if width <= _EXACT["month"] else "year"
    return period_name(int(number_of(np.array([begin]), grain)[0]), grain)


def ages_of(begins: Moments, ends: Moments) -> NDArray[np.float32]:
    """Days by which each article is older than the newest, from the middle of what its date may mean.

    One without a date counts as old as the median of the others. float32, one of each.
    """
    dated = begins != NO_DATE
    ages = np.zeros(len(begins), np.float32)
    if dated.any():
        middles = begins[dated] / 2 + ends[dated] / 2
        ages[dated] = (middles.max() - middles) / DAY
        ages[~dated] = np.median(ages[dated])
    return ages
