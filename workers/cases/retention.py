"""How long records are kept, and what is left of them afterwards (rule C10)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

import isodate
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from workers.errors import Broken
from workers.names import SHANGHAI

GONE: Final = "[已匿名]"
"""Stands where something personal was."""
MARK: Final = "anonymised"
"""The fact that says that the others were replaced; the database lets an entry be changed only this way, once."""

_WORD = re.compile(r"[a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII)
_KEPT: Final = frozenset({"task", "form", "event"})
"""Facts whose texts are the diagram's own words."""


class Rule(BaseModel):
    """One row of decision `retention-rule`.

    Attributes:
        keep_time: ISO 8601, from the day the complaint was closed, e.g. P3Y.
        confirm_time: how long a person has to confirm, e.g. P10D.
        batch: complaints anonymised in one go.
    """

    model_config = ConfigDict(frozen=True)

    policy: str
    keep_time: str
    confirm_time: str
    batch: Annotated[int, Field(ge=1, le=1000)]

    def cutoff(self, now: datetime) -> datetime:
        """Closed before this instant: expired.

        Raises:
            Broken: keep_time is no time of at least a day.
        """
        return _back(now, self.keep_time)

    def confirm_due_at(self, now: datetime) -> datetime:
        """By when a person must have confirmed. Raises Broken when confirm_time is no time."""
        return now + (now - _back(now, self.confirm_time))


_RULES = TypeAdapter(list[Rule])


def read_rules(rows: object) -> list[Rule]:
    """The rows that the decision gave, one per policy.

    Raises:
        Broken: there is none, one is incomplete, or a policy has two.
    """
    try:
        rules = _RULES.validate_python(rows)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Broken(f"the table retention-rule gives no usable rows: {where} {first['msg']}") from error
    if not rules or len({rule.policy for rule in rules}) != len(rules):
        raise Broken("the table retention-rule must give exactly one row per policy")
    for rule in rules:
        rule.cutoff(datetime.now(SHANGHAI))
    return rules


def anonymised_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a timeline entry without anything personal: numbers, instants and words of the process stay."""
    return {name: _plain(name, value) for name, value in facts.items()} | {MARK: True}


def _plain(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float) or name in _KEPT:
        return value
    if isinstance(value, str):
        return value if _WORD.fullmatch(value) or _INSTANT.fullmatch(value) else GONE
    if isinstance(value, list):
        return [_plain("", each) for each in value]
    return {key: _plain(key, each) for key, each in value.items()} if isinstance(value, dict) else GONE


def _back(now: datetime, time: str) -> datetime:
    try:
        found = isodate.parse_duration(time)
        earlier = now.astimezone(SHANGHAI) - found
    except (isodate.ISO8601Error, TypeError, ValueError, ArithmeticError) as error:
        raise Broken(f"{time!r} is no time to keep records; write P3Y or P1096D") from error
    if not isinstance(earlier, datetime) or (now - earlier).days < 1:
        raise Broken(f"{time!r} is shorter than a day")
    return earlier
