"""The one source of time. Nothing else in the package asks the system for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time; injected wherever time matters."""

    def now(self) -> datetime:
        """The present instant, zone-aware, in UTC."""
        ...


class SystemClock:
    """The computer's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class MovedClock:
    """The computer's clock plus an offset that only grows: the engine's controlled clock as this process sees it."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def advance(self, by: timedelta) -> None:
        """Move forward. Raises ValueError when `by` is negative: engine timers cannot run backwards."""
        if by < timedelta():
            raise ValueError("a clock is only moved forward")
        self.offset += by
