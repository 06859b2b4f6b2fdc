"""Dates as numbers: whole seconds since 1970, negative before."""

from __future__ import annotations

from datetime import datetime, timedelta

NO_MOMENT = -(2**62)
"""What stands for an article without a date."""

_EPOCH = datetime(1970, 1, 1)
EPOCH = (datetime.min - _EPOCH) // timedelta(seconds=1)
"""The moment from which Whoosh counts its dates."""


def moment(when: datetime) -> int:
    """Whole seconds from 1970-01-01 to a naive date-time, negative before."""
    return (when - _EPOCH) // timedelta(seconds=1)


def from_moment(seconds: int) -> datetime:
    """The naive date-time of a moment."""
    return _EPOCH + timedelta(seconds=seconds)
