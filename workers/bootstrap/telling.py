"""What workers tell at their probe, and who tells how the whole instance is."""

from __future__ import annotations

from workers.bootstrap.probe import Told
from workers.bootstrap.telemetry import InstanceFigures, of_workers
from workers.clock import Clock, SystemClock
from workers.engine.host import WorkerHost
from workers.store.database import Database
from workers.tasks import TASKS


def told_of_host(host: WorkerHost, database: Database) -> Told:
    """What a process tells that works off jobs."""
    return Told(
        "work",
        database,
        trouble=lambda: host.report().trouble,
        lag=lambda: host.report().loop_lag_seconds,
        sources=(of_workers(host.report),),
    )


def instance_figures(database: Database, clock: Clock | None = None) -> InstanceFigures:
    """The figures of the whole instance. Told by the part that takes the record stream: there is always one of it."""
    return InstanceFigures(database, clock or SystemClock(), (task.type for task in TASKS))
