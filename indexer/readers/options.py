"""What a reader may be told, nothing else reaches it, no disk, no clock; and how long a text it may make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from indexer.allowance import MOST_TEXT
from indexer.errors import InvalidArticle


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How documents are read.

    `day_first` decides `05/03/2024`. Date-times with an offset are moved to `timezone`; empty keeps the
    publisher's wall time. `today` is the clock, for refusing future dates; None asks the system. `max_bytes`
    bounds a document after unpacking.
    """

    day_first: bool = True
    timezone: str = ""
    today: date | None = None
    max_bytes: int = 64 * 2**20

    def now(self) -> date:
        """The day after which a date is in the future."""
        return self.today or date.today()


def check_length(size: int) -> None:
    """Raise InvalidArticle when a text of so many bytes is too long for one article."""
    if size > MOST_TEXT:
        raise InvalidArticle(
            f"at most {MOST_TEXT >> 20} MB of text are wanted in one article, it has {size / 2**20:.1f}: "
            "divide it"
        )
