"""What a reader may be told: nothing else reaches it, no disk, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


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
