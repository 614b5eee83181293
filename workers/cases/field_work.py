"""Field work in numbers: the rule's row, which window can be kept, and the instants that follow from it (rule B11)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from workers.cases.policy import Duration
from workers.errors import Broken
from workers.names import SHANGHAI


def _hour(value: object) -> time:
    try:
        return time.fromisoformat(str(value))
    except ValueError as error:
        raise ValueError("an hour of the day is text such as 20:00") from error


class FieldServiceRule(BaseModel):
    """The row of decision `field-service-rule` that applies, as far as workers need it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    engineer_group: str
    contact_time: Duration
    contact_overdue_time: Duration
    contact_retry_time: Duration
    late_notice_time: Duration
    announce_time: Duration
    grace_time: Duration
    closing_hour: Annotated[time, BeforeValidator(_hour)]
    farthest_time: Duration

    @classmethod
    def from_decision(cls, result: object) -> FieldServiceRule:
        """Reads the decision's result. Raises Broken naming what the table lacks."""
        try:
            return cls.model_validate(result)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise Broken(
                f"the table field-service-rule gives a result that workers cannot use: {where}: {first['msg']}"
            ) from error


@dataclass(frozen=True)
class Window:
    """An appointment that can be kept, and what it sets off. All zone-aware."""

    from_at: datetime
    to_at: datetime
    late_notice_at: datetime
    """Not there by now: the engineer is asked for the new time."""
    announce_due_at: datetime
    """No answer by now: the customer is told all the same; still before the window ends."""
    visit_overdue_at: datetime
    """Nobody came."""
    closing_at: datetime
    """End of the day of the visit, or of the window where that is later."""
    abandoned_at: datetime
    """Nobody reported a result."""


def window(rule: FieldServiceRule, from_at: datetime, to_at: datetime, now: datetime) -> Window | None:
    """The appointment's instants; None where the window cannot be kept.

    A window begins before it ends, has not begun to end already, and is not farther away than the rule allows.
    """
    if not (from_at < to_at and now < to_at and from_at - now <= rule.farthest_time):
        return None
    notice = max(now, to_at - rule.late_notice_time)
    announce = max(notice, min(notice + rule.announce_time, to_at))
    closing = datetime.combine(from_at.astimezone(SHANGHAI).date(), rule.closing_hour, SHANGHAI)
    closing = max(closing, to_at)
    overdue = to_at + rule.grace_time
    return Window(from_at, to_at, notice, announce, overdue, closing, max(closing, overdue) + rule.grace_time)


def is_same_day(one: datetime, other: datetime) -> bool:
    """Whether two instants are on the same day in Shanghai."""
    return one.astimezone(SHANGHAI).date() == other.astimezone(SHANGHAI).date()
