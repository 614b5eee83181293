"""Find clusters in the data as complaints arrive, and tie complaints to the event they belong to (rules E6, E7, F2).

Job type: detect-cluster
Reads: number, cluster_threshold (window, count, place_level, incident_kind, reassess_every; window null: none).
Sets: nothing.
Throws: nothing.
Effect: where an event is open for its kind and place, the complaint belongs to it; where the window now holds enough
    complaints, a new event is opened and all of them belong to it. Event and complaints are told by messages owed to
    the engine in the same transaction.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workers.cases.policy import Duration
from workers.clock import Clock
from workers.errors import Broken
from workers.store import clusters, complaints
from workers.store.database import Database


class _Row(BaseModel):
    """The row of decision `cluster-threshold`, checked: a column that is missing is told, not guessed around."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    window: Duration
    count: int = Field(ge=2)
    place_level: str
    incident_kind: str
    reassess_every: int = Field(ge=1)


def detect_cluster(
    database: Database, clock: Clock, *, number: str, cluster_threshold: dict[str, Any] | None
) -> None:
    """Counts and ties; a second delivery finds the complaint tied."""
    with database.begin() as tx:
        complaint = complaints.look(tx, number)
        clusters.detect(tx, complaint, _threshold(cluster_threshold), clock.now())


def _threshold(found: dict[str, Any] | None) -> clusters.Threshold | None:
    if found is None or found.get("window") is None:
        return None
    try:
        row = _Row.model_validate(found)
    except ValidationError as error:
        columns = ", ".join(str(problem["loc"][0]) for problem in error.errors())
        raise Broken(
            f"the table cluster-threshold gives a result that workers cannot use: {columns}"
        ) from error
    return clusters.Threshold(**row.model_dump())
