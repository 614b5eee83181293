"""How a worker host is doing: what probes, the operations page and metrics are told. Numbers and names only."""

from __future__ import annotations

from dataclasses import dataclass, field

from workers import metrics


@dataclass(frozen=True)
class TypeReport:
    """How one job type was doing at one moment.

    Attributes:
        polled_seconds_ago: since the engine last answered when it was asked for such jobs; None: it never did.
        running: jobs that are held: running, or waiting for a thread.
        done: jobs completed or ended with a business error, since the host began.
        failed: jobs failed: tried again later, or an incident.
        error: the status code of the last time the engine was asked, when that failed; None when it answered.
    """

    type: str
    polled_seconds_ago: float | None
    running: int
    done: int
    failed: int
    error: str | None


@dataclass(frozen=True)
class HostReport:
    """How a worker host was doing at one moment; `dataclasses.asdict` of it is plain JSON.

    Attributes:
        name: what the engine's records call this worker.
        trouble: a sentence that says why the host is not alive; None when it is.
        loop_lag_seconds: how late the event loop answers.
        stuck: tasks that run longer than a job may take.
    """

    name: str
    trouble: str | None
    loop_lag_seconds: float
    stuck: int
    types: tuple[TypeReport, ...]

    @property
    def is_alive(self) -> bool:
        """Whether this host works; one that does not is best started again."""
        return self.trouble is None


@dataclass
class TypeStatus:
    """How one job type is doing now; the host's own, changed on its loop only.

    `last_poll_at` is the `time.monotonic` of the last answered poll, None before it. `error` says why the last
    poll failed.
    """

    type: str
    last_poll_at: float | None = None
    running: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    error: str | None = None

    def count(self, outcome: str) -> None:
        """One more job that ended so: completed, thrown, failed, gone, unheard, expired, returned."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        metrics.JOBS.labels(self.type, outcome).inc()

    def silent_seconds(self, now: float) -> float | None:
        """Since the last answered poll; None before the first."""
        return None if self.last_poll_at is None else now - self.last_poll_at

    def report(self, now: float) -> TypeReport:
        """These numbers, as they are now."""
        counts = dict(self.outcomes)
        return TypeReport(
            type=self.type,
            polled_seconds_ago=self.silent_seconds(now),
            running=self.running,
            done=counts.get("completed", 0) + counts.get("thrown", 0),
            failed=counts.get("failed", 0),
            error=self.error,
        )
