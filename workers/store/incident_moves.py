"""An event that somebody hands to another tier from outside its tasks: up, or back down, with a reason (rule E3)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from workers.clock import Clock
from workers.errors import Conflict
from workers.names import Message
from workers.store import answers, engine_requests, incidents, timeline
from workers.store.database import Database
from workers.store.incident_tables import MajorIncident
from workers.store.tables import TimelineEntry

REASON_FIELD: Final = "move_reason"
"""Under this name the reason is kept with the answers of the event; it never gets into the process."""
CALLED: Final = "duty-called"
"""Timeline code: a tier was called. Whoever moves the event moves what they saw since the last one."""
_FORM: Final = "move-incident"
_PATIENCE: Final = timedelta(minutes=10)
"""So long a move that was asked for counts as under way; the process normally takes it within a second."""


@dataclass(frozen=True)
class Move:
    """A way to another tier: message of the process, what the timeline says, variables."""

    message: Message
    code: str
    variables: Mapping[str, Any]
    zh: str
    en: str


UP: Final = Move(Message.INCIDENT_RAISED, "raise-asked", {"raised_to": None}, "升级", "raised")
DOWN: Final = Move(Message.INCIDENT_HANDED_BACK, "hand-back-asked", {}, "退回", "handed back")


def round_of(entries: list[TimelineEntry]) -> int:
    """How many times a tier was called so far; grows with every move."""
    return sum(each.code == CALLED for each in entries)


def asked(entries: list[TimelineEntry], now: datetime) -> TimelineEntry | None:
    """The move that somebody asked for and that the process has not made yet; None: there is none."""
    since = _since_called(entries)
    return next((each for each in reversed(since) if now - each.at < _PATIENCE), None)


def ask(
    database: Database,
    clock: Clock,
    number: str,
    move: Move,
    *,
    who: str,
    reason: str | None = None,
    seen: int | None = None,
    wake: Callable[[], None] | None = None,
) -> None:
    """Somebody moves the event to the next tier (`UP`) or back to the lower one (`DOWN`), at once.

    Args:
        reason: what they write about it, kept with the answers.
        seen: the round that they saw (see `round_of`): another one meanwhile is refused. None: whichever it is.

    Raises:
        NotFound: no such event. Conflict: it is no longer being decided or carried out, it has moved or is moving
            already, or it is with the lowest tier and is to go down.
    """
    now = clock.now()
    with database.begin() as tx:
        incident = incidents.get(tx, number)
        entries = timeline.of(tx, number)
        _refuse(incident, entries, move, seen, now)
        key = f"{number}:{move.message}:by-hand:{round_of(entries)}:{len(_since_called(entries))}"
        engine_requests.add(tx, move.message, number, key, move.variables, now)
        timeline.add(tx, number, now, who, move.code, key, tier=incident.tier)
        if reason:
            _keep(tx, number, key, reason, who, now)
    if wake is not None:
        wake()


def _refuse(
    incident: MajorIncident, entries: list[TimelineEntry], move: Move, seen: int | None, now: datetime
) -> None:
    number = incident.number
    if incident.status not in incidents.OPEN or incident.tier is None:
        raise Conflict(
            f"事件当前状态不能{move.zh}。 Event {number} cannot be {move.en}: it is {incident.status}."
        )
    if move is DOWN and incidents.rank(incident.tier) == 1:
        raise Conflict("分公司没有下一级，不能退回。 The branch has nobody below: it cannot be handed back.")
    if (under_way := asked(entries, now)) is not None:
        raise Conflict(
            f"{under_way.who} 刚刚已提出变更层级，正在执行。 "
            f"{under_way.who} has just asked for another tier; it is under way already."
        )
    if seen is not None and seen != round_of(entries):
        raise Conflict(
            "事件刚刚已转到另一层级，请核对后再操作。 Another tier has been called meanwhile: look again first."
        )


def _since_called(entries: list[TimelineEntry]) -> list[TimelineEntry]:
    """The moves asked for since a tier was called last."""
    last = max((at for at, each in enumerate(entries) if each.code == CALLED), default=-1)
    return [each for each in entries[last + 1 :] if each.code in {UP.code, DOWN.code}]


def _keep(tx: Session, number: str, key: str, reason: str, who: str, now: datetime) -> None:
    word = hashlib.sha256(key.encode()).hexdigest()[:24]
    answers.keep(tx, number, f"move-{word}", _FORM, {REASON_FIELD: reason}, who, now)
