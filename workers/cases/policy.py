"""What the decision tables return, checked and typed: a table that lacks a column is told, not guessed around."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

import isodate
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from workers.errors import Broken


def _duration(value: object) -> timedelta:
    if not isinstance(value, str):
        raise ValueError("a duration is ISO 8601 text such as P30D")
    try:
        found = isodate.parse_duration(value)
    except isodate.ISO8601Error as error:
        raise ValueError(f"'{value}' is no ISO 8601 duration") from error
    if not isinstance(found, timedelta):
        raise ValueError(f"'{value}' has months or years, whose length varies; use days")
    return found


Duration = Annotated[timedelta, BeforeValidator(_duration)]


class ComplaintPolicy(BaseModel):
    """The row of decision `complaint-policy` that applies to a complaint, as far as workers need it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    required_fields: list[str]
    repeat_window: Duration
    warning_shares: tuple[float, float]

    @classmethod
    def from_decision(cls, result: object) -> ComplaintPolicy:
        """Reads the decision's result. Raises Broken naming what the table lacks."""
        try:
            return cls.model_validate(result)
        except ValidationError as error:
            raise Broken(_sentence("complaint-policy", error)) from error


class AppealRule(BaseModel):
    """The row of decision `appeal-rule` that applies to a complaint (rule B7)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    window: Duration
    appeal_group: str
    handle_time: str
    calendar: str
    authority: str

    @classmethod
    def from_decision(cls, result: object) -> AppealRule:
        """Reads the decision's result. Raises Broken naming what the table lacks."""
        try:
            return cls.model_validate(result)
        except ValidationError as error:
            raise Broken(_sentence("appeal-rule", error)) from error


class PolicyDeadline(BaseModel):
    """A row of decision `complaint-deadlines`: an amount of time on a calendar, and from when it counts."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: str
    time: str
    calendar: str
    counted_from: Literal["receipt", "acceptance"] = "receipt"

    @classmethod
    def from_decision(cls, result: Any) -> list[PolicyDeadline]:
        """Reads the collected rows. Raises Broken naming what the table lacks."""
        if not isinstance(result, list):
            raise Broken("the table complaint-deadlines must collect a list of rows")
        try:
            return [cls.model_validate(row) for row in result]
        except ValidationError as error:
            raise Broken(_sentence("complaint-deadlines", error)) from error


class CallbackHours(BaseModel):
    """The result of decision `callback-hours`: when a customer may be called (rules A8, C8)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    earliest: str
    latest: str
    on_holidays: bool

    @classmethod
    def from_decision(cls, result: object) -> CallbackHours:
        """Reads the decision's result. Raises Broken naming what the table lacks."""
        try:
            return cls.model_validate(result)
        except ValidationError as error:
            raise Broken(_sentence("callback-hours", error)) from error


def contact_time(complaint_policy: object) -> timedelta:
    """How soon the customer is contacted about the result (rule C8); nothing where the policy says none."""
    found = complaint_policy.get("contact_time") if isinstance(complaint_policy, dict) else None
    try:
        return timedelta() if found is None else _duration(found)
    except ValueError as error:
        raise Broken(
            f"the table complaint-policy gives a contact_time that workers cannot use: {error}"
        ) from error


def _sentence(decision: str, error: ValidationError) -> str:
    problems = "; ".join(
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}" for problem in error.errors()
    )
    return f"the table {decision} gives a result that workers cannot use: {problems}"
