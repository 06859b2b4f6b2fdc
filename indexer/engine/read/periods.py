"""Dates as periods: the day, week, month or year of each article, and how much was published then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.record import NO_DATE
from indexer.results import GRAINS, Grain

UNDATED, INEXACT = -1, -2  # codes of articles without a period
SPECIAL = 2
"""The number of these codes, which are negative."""
DAY = 86400
# The longest span of a date that is exact enough for a grain, in seconds.
_MAX_SPAN: Mapping[Grain, int] = {"day": DAY, "week": DAY, "month": 31 * DAY, "year": 366 * DAY}
_MONDAY = 3  # days from a Monday to the first day of 1970
Moments = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Periods:
    """The periods of one grain in which anything was published.

    `numbers` (int32, ascending) count from the period of 1970-01-01; `articles` and `paragraphs` (int64, one
    of each period) are how many were published in it. `codes` (int32, one of each article) are indices of
    periods, UNDATED, or INEXACT where the date is less exact than the grain.
    """

    numbers: NDArray[np.int32]
    codes: NDArray[np.int32]
    articles: NDArray[np.int64]
    paragraphs: NDArray[np.int64]


def find_periods(starts: Moments, finest: NDArray[np.int8], counts: NDArray[Any], grain: Grain) -> Periods:
    """The periods of articles by the starts and the finest grains of their dates.

    `counts` are the numbers of their paragraphs.
    """
    exact = finest <= GRAINS.index(grain)
    numbers, own = np.unique(number_periods(starts[exact], grain), return_inverse=True)
    codes = np.full(len(starts), UNDATED, np.int32)
    codes[starts != NO_DATE] = INEXACT
    codes[exact] = own
    return Periods(
        numbers.astype(np.int32),
        codes,
        np.bincount(own, minlength=len(numbers)),
        np.bincount(own, counts[exact], len(numbers)).astype(np.int64),
    )


def find_finest_grains(starts: Moments, ends: Moments) -> NDArray[np.int8]:
    """The finest grain that each date is exact enough for, as its number in GRAINS: int8, one of each.

    It is `len(GRAINS)` for a date that is less exact than any grain, and one more for no date.
    """
    finest = np.searchsorted([_MAX_SPAN[grain] for grain in GRAINS], ends - starts).astype(np.int8)
    finest[starts == NO_DATE] = len(GRAINS) + 1
    return finest


def number_periods(moments: Moments, grain: Grain) -> Moments:
    """The number of the period of each moment, counted from the period of 1970-01-01: int64."""
    if grain in ("month", "year"):
        return moments.astype("M8[s]").astype(f"M8[{grain[0].upper()}]").astype(np.int64)
    days = moments // DAY
    return (days + _MONDAY) // 7 if grain == "week" else days


def format_period(number: int, grain: Grain) -> str:
    """A period as in ISO 8601: "2021", "2021-11", "2021-11-05"; a week by its Monday."""
    if grain == "year":
        return f"{1970 + number:04}"
    if grain == "month":
        return f"{1970 + number // 12:04}-{number % 12 + 1:02}"
    return (date(1970, 1, 1) + timedelta(number * 7 - _MONDAY if grain == "week" else number)).isoformat()


def format_date(start: int, end: int) -> str:
    """A date in ISO 8601, as exact as it is known, but not more exact than a day."""
    width = end - start
    grain: Grain = "day" if width <= DAY else "month" if width <= _MAX_SPAN["month"] else "year"
    return format_period(int(number_periods(np.array([start]), grain)[0]), grain)


def compute_ages(
    starts: Moments, ends: Moments, newest: float | None = None, median: float | None = None
) -> NDArray[np.float32]:
    """Days by which each article is older than the newest (float32), by the middle of the span of its date.

    An article without a date gets the median of the others. Of a part of a collection, `newest` is the middle
    of the newest date of all and `median` the median age.
    """
    dated = starts != NO_DATE
    ages = np.zeros(len(starts), np.float32)
    if dated.any():
        middles = starts[dated] / 2 + ends[dated] / 2
        ages[dated] = ((middles.max() if newest is None else newest) - middles) / DAY
    if not dated.all() and (median is not None or dated.any()):
        ages[~dated] = np.median(ages[dated]) if median is None else median
    return ages
