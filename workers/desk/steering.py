"""Who may steer a major event: asked by its page and by the API, in this one place (rules E2, E3)."""

from __future__ import annotations

from dataclasses import dataclass

from workers.cases.region import is_within
from workers.cases.rights import Rights
from workers.desk.people import Actor, actor
from workers.desk.services import DeskServices
from workers.errors import Forbidden, Refused
from workers.store import incidents
from workers.store.incident_tables import MajorIncident


@dataclass(frozen=True)
class Steering:
    """What a person may do with an event; each is None, or the sentence that says why not.

    Attributes:
        steer: raise it, tie complaints to it or let them go, tell its customers, read what was written about it.
        hand_back: hand it to the lower tier: only whoever has it now.
    """

    steer: str | None
    hand_back: str | None


def steering(rights: Rights, who: Actor, incident: MajorIncident) -> Steering:
    """What a person may do with an event."""
    if who.groups is None or who.name == incident.owner_person:
        return Steering(None, None)
    elsewhere = None
    if not is_within(incidents.region(incident), who.region):
        elsewhere = f"事件属于其他地区。 {who.name} may not do this: the event belongs to another region."
    return Steering(elsewhere or _refusal(rights, who), elsewhere or _not_theirs(who, incident))


def check_steering(services: DeskServices, number: str, person: str, *, hand_back: bool = False) -> Actor:
    """The person, if they may do this.

    Raises:
        NotFound: no such event. Refused: nobody may act by this name. Forbidden: they may not.
    """
    with services.database.read() as tx:
        who = actor(tx, person, is_sample_staff=services.is_sample_staff)
        may = steering(services.rights, who, incidents.get(tx, number))
    refusal = may.hand_back if hand_back else may.steer
    if refusal:
        raise Forbidden(refusal)
    return who


def _refusal(rights: Rights, who: Actor) -> str | None:
    try:
        rights.check("steer-event", who.name, who.groups)
    except Refused as error:
        return str(error)
    return None


def _not_theirs(who: Actor, incident: MajorIncident) -> str | None:
    if who.groups is None or incident.owner_group in who.groups:
        return None
    return (
        f"事件由 {incident.owner_group} 处置，只有其可以退回。 Only {incident.owner_group} has the event and "
        "may hand it back."
    )
