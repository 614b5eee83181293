"""Major incidents: reported or found, raised and lowered, and the complaints that belong to them (rules E1, E3, E6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, bindparam, func, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from workers.cases.incident import EventReport
from workers.cases.region import Region
from workers.clock import Clock
from workers.errors import NotFound
from workers.names import SHANGHAI, Message, Status
from workers.store import answers, engine_requests, timeline
from workers.store.database import Database
from workers.store.incident_tables import IncidentComplaint, MajorIncident
from workers.store.sight import EVERYTHING, Sight
from workers.store.statements import insert_if_absent, next_value
from workers.store.tables import Complaint

OPEN: Final = ("reported", "declared", "acknowledged", "decided")
"""An event that complaints may still join."""
RUNNING: Final = (*OPEN, "solved")
"""An event whose process has not ended."""
WORKING: Final = (Status.RECEIVED, Status.ACCEPTED, Status.IN_PROGRESS)
"""A complaint that is being handled, and can wait for the end of an event instead."""

REPLY_FIELD: Final = "customer_reply"
_TIERS: Final = (None, "branch", "city", "province")


def rank(tier: str | None) -> int:
    """How high a tier is: 0 none, 1 branch, 2 city, 3 province; as the column `rank` of the tables says it."""
    return _TIERS.index(tier)


def above(tier: str | None) -> str | None:
    """The tier that is called next; the province is asked again. None: nobody has it yet."""
    return _TIERS[min(rank(tier) + 1, len(_TIERS) - 1)] if tier else None


def below(tier: str | None) -> str | None:
    """The tier that it may be handed back to; None: there is none."""
    return _TIERS[rank(tier) - 1] if tier else None


def get(tx: Session, number: str) -> MajorIncident:
    """The incident, locked until the transaction ends where the session may write: who changes it takes turns.

    Raises:
        NotFound: no incident has this number.
    """
    statement = select(MajorIncident).where(MajorIncident.number == number)
    statement = statement.execution_options(populate_existing=True)
    if not tx.info.get("read_only"):
        statement = statement.with_for_update()
    found = tx.scalars(statement).one_or_none()
    if found is None:
        raise NotFound(f"There is no event {number[:40]!r}.")
    return found


def region(incident: MajorIncident) -> Region:
    """Where the incident belongs."""
    return Region(province=incident.province, city=incident.city, branch=incident.branch)


def report(
    database: Database,
    clock: Clock,
    told: EventReport,
    *,
    who: str,
    wake: Callable[[], None] | None = None,
    also: Callable[[Session, str], None] | None = None,
) -> tuple[str, bool]:
    """Keeps a report of an event and owes the engine its start, in one transaction (rule E1).

    Args:
        who: username of the reporter.
        also: done in the same transaction, with the number of a new event.

    Returns:
        Its number, and whether it is new: the same external_ref is the same event.
    """
    try:
        with database.begin() as tx:
            number = _known(tx, told)
            if number is not None:
                return number, False
            number = _reported(tx, told, who, clock.now())
            if also is not None:
                also(tx, number)
    except IntegrityError:
        with database.read() as tx:  # somebody else brought it in between
            number = _known(tx, told)
        if number is None:
            raise
        return number, False
    if wake is not None:
        wake()
    return number, True


def _known(tx: Session, told: EventReport) -> str | None:
    if told.external_ref is None:
        return None
    return tx.scalar(select(MajorIncident.number).where(MajorIncident.external_ref == told.external_ref))


def _reported(tx: Session, told: EventReport, who: str, now: datetime) -> str:
    columns = told.model_dump(include=set(EventReport.model_fields) - {"region"})
    return declare(tx, now, who=who, count=0, **columns, **told.region.model_dump())


def declare(tx: Session, now: datetime, *, who: str, count: int, **columns: Any) -> str:
    """A new incident, and its process owed to the engine.

    Args:
        who: username of the reporter, or `duban`.
        count: complaints that belong to it from the start.
        columns: of MajorIncident.

    Returns:
        E.g. `SJ20261122-0001`: 事件, the day in Shanghai, the event of the day.
    """
    day = now.astimezone(SHANGHAI).strftime("%Y%m%d")
    number = f"SJ{day}-{next_value(tx, f'incidents-{day}'):04}"
    incident = MajorIncident(number=number, source=who, declared_at=now, status="reported", **columns)
    tx.add(incident)
    tx.flush()
    timeline.add(tx, number, now, who, "incident-reported", f"{number}:reported", kind=incident.kind)
    name = Message.INCIDENT_DECLARED
    engine_requests.add(tx, name, number, f"{number}:{name}", _start_variables(incident, count), now)
    return number


def _start_variables(incident: MajorIncident, count: int) -> dict[str, Any]:
    """What the process needs to decide; nothing that a person wrote."""
    return {
        "number": incident.number,
        "policy": incident.policy,
        "incident_kind": incident.kind,
        **region(incident).model_dump(),
        "product": incident.product,
        "category": incident.category,
        "affected_users": incident.affected_users or 0,
        "outage_minutes": incident.outage_minutes or 0,
        "complaint_count": count,
        "flags": incident.flags,
        "declared_at": incident.declared_at.astimezone(SHANGHAI).isoformat(timespec="seconds"),
    }


def attach(tx: Session, incident: MajorIncident, complaint: Complaint, who: str, now: datetime) -> bool:
    """Ties a complaint to an incident and owes its process the news (rule E6).

    Returns:
        False when it belongs to an incident already, this one or another.
    """
    row = {"incident": incident.number, "attached_at": now, "attached_by": who}
    if not insert_if_absent(tx, IncidentComplaint, ["complaint"], complaint=complaint.number, **row):
        return False
    number = complaint.number
    timeline.add(
        tx, number, now, who, "attached", f"{number}:attached:{incident.number}", incident=incident.number
    )
    if complaint.status in WORKING:
        name = Message.COMPLAINT_ATTACHED
        engine_requests.add(tx, name, number, f"{number}:{name}:{incident.number}", {}, now)
    return True


def members(tx: Session, number: str) -> list[Complaint]:
    """The complaints that belong to an incident now, in the order of their numbers."""
    return list(tx.scalars(_members(number).order_by(Complaint.number)))


def count(tx: Session, number: str) -> int:
    """How many complaints belong to an incident now."""
    return int(tx.scalar(select(func.count()).select_from(_members(number).subquery())) or 0)


def _members(number: str) -> Select[Complaint]:
    return (
        select(Complaint)
        .join(IncidentComplaint, IncidentComplaint.complaint == Complaint.number)
        .where(IncidentComplaint.incident == number, IncidentComplaint.detached_at.is_(None))
    )


_OF_COMPLAINT: Final = (
    select(MajorIncident)
    .join(IncidentComplaint, IncidentComplaint.incident == MajorIncident.number)
    .where(IncidentComplaint.complaint == bindparam("of"), IncidentComplaint.detached_at.is_(None))
)


def of_complaint(tx: Session, complaint: str) -> MajorIncident | None:
    """The incident that a complaint belongs to; not locked."""
    return tx.scalars(_OF_COMPLAINT, {"of": complaint}).one_or_none()


def reply_for(tx: Session, complaint: str) -> str | None:
    """What the plan of a solved incident says to the customers of its complaints; None where there is none."""
    incident = of_complaint(tx, complaint)
    if incident is None or incident.solved_at is None:
        return None
    return answers.newest(tx, incident.number, [REPLY_FIELD])


def page(
    tx: Session,
    *,
    only_running: bool = False,
    limit: int = 100,
    after: tuple[datetime, str] | None = None,
    sight: Sight = EVERYTHING,
) -> list[MajorIncident]:
    """The newest incidents first, as far as `sight` reaches.

    Args:
        after: instant and number of the last one of the page before.
    """
    newest = (MajorIncident.declared_at.desc(), MajorIncident.number.desc())
    statement = select(MajorIncident).where(sight.shows(MajorIncident)).order_by(*newest)
    if only_running:
        statement = statement.where(MajorIncident.status.in_(RUNNING))
    if after is not None:
        statement = statement.where(tuple_(MajorIncident.declared_at, MajorIncident.number) < after)
    return list(tx.scalars(statement.limit(limit)))


def let_go_of(tx: Session, complaint: str, now: datetime) -> None:
    """A complaint that was withdrawn belongs no longer to an event that has not been solved yet (rule E6).

    One that was solved keeps it: its customer was told with the others.
    """
    incident = of_complaint(tx, complaint)
    if incident is None or incident.status not in OPEN:
        return
    key = f"{complaint}:detached:{incident.number}"
    timeline.add(tx, complaint, now, "duban", "detached", key, incident=incident.number)
    mine = (IncidentComplaint.complaint == complaint, IncidentComplaint.detached_at.is_(None))
    tx.execute(update(IncidentComplaint).where(*mine).values(detached_at=now))


def let_go(tx: Session, number: str, now: datetime) -> None:
    """The complaints of a false alarm belong to it no longer; they are not counted for another event."""
    for complaint in members(tx, number):
        key = f"{complaint.number}:detached:{number}"
        timeline.add(tx, complaint.number, now, "duban", "detached", key, incident=number)
    mine = (IncidentComplaint.incident == number, IncidentComplaint.detached_at.is_(None))
    tx.execute(update(IncidentComplaint).where(*mine).values(detached_at=now))
