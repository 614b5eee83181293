"""What operations need of the engine, put together for the desk."""

from __future__ import annotations

from workers.bootstrap.parts import Parts
from workers.cases.dictionary import Dictionary
from workers.desk.engine_room import EngineRoom
from workers.engine import topology
from workers.engine.gateway import Gateway
from workers.engine.incidents import Incidents
from workers.engine.models import Models
from workers.engine.moving import Moving


def engine_room(parts: Parts, models: Models, gateway: Gateway, incidents: Incidents) -> EngineRoom:
    """Through one gateway."""
    return EngineRoom(
        set_variables=incidents.set_variables,
        move=Moving(gateway).move,
        look=lambda: topology.look(gateway),
        wake_sender=parts.sender.wake,
        dictionary=Dictionary(models.variables),
    )
