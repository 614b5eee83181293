"""What a watched deadline asks for next: a warning, the end of the time, or waiting (rules A9, C6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Step(StrEnum):
    """What is to be done now."""

    WAIT = "wait"
    FIRST_WARNING = "first-warning"
    SECOND_WARNING = "second-warning"
    OVERDUE = "overdue"


@dataclass(frozen=True)
class Watch:
    """Instants of a deadline; a warning that nobody wants is None."""

    first: datetime | None
    second: datetime | None
    due: datetime

    def extended_to(self, due: datetime, received: datetime) -> Watch:
        """The watch when the deadline was extended: the later of both instants counts.

        Each warning keeps its share of the time: it moves away from `received` as the deadline does.

        Args:
            due: of the extended statutory deadline.
            received: when the statutory clock began.
        """
        if due <= self.due:
            return self
        stretch = (due - received) / (self.due - received) if self.due > received else 1.0

        def moved(warning: datetime | None) -> datetime | None:
            if warning is None or warning <= received:
                return warning
            return (received + (warning - received) * stretch).replace(microsecond=0)

        return Watch(moved(self.first), moved(self.second), due)

    def step(self, now: datetime, warned: datetime | None) -> tuple[Step, datetime]:
        """What to do now, and the instant that asks for it; for `wait`, the instant to wait for.

        Of two warnings that have both passed only the second is given, and none once the time is over.

        Args:
            warned: the instant of the last warning that was given.
        """
        if self.due <= now:
            return Step.OVERDUE, self.due
        warnings = ((Step.SECOND_WARNING, self.second), (Step.FIRST_WARNING, self.first))
        for step, at in warnings:
            if at is not None and at <= now:
                if warned is None or at > warned:
                    return step, at
                break
        ahead = [at for at in (self.first, self.second) if at is not None and now < at < self.due]
        return Step.WAIT, min([*ahead, self.due])
