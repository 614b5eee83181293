"""What is counted and timed for Prometheus: every metric of Duban with its name, labels and meaning.

The objects live at the bottom of the house, so that each room counts where it knows something; `workers.bootstrap`
serves them. Labels are words of the models, the API or the engine: never a number of a case, never a person, so the
number of series has a bound. docs/metrics.md is compared with this file by a test.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily

disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY: Final = CollectorRegistry()
"""What this process counts. Not the library's own registry: that one is anybody's."""
ProcessCollector(registry=REGISTRY)

_CALLS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)
_WORK: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300)
_ACKNOWLEDGE: Final = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 15, 60, 600, 3600)
_MESSAGES: Final = (0.5, 1, 2.5, 5, 15, 60, 300, 900, 3600, 21600, 86400)
_PAGES: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


def _counter(name: str, says: str, labels: Sequence[str] = ()) -> Counter:
    return Counter(name, says, labels, registry=REGISTRY)


def _histogram(name: str, says: str, labels: Sequence[str], buckets: Sequence[float]) -> Histogram:
    return Histogram(name, says, labels, buckets=buckets, registry=REGISTRY)


# Workers
JOBS: Final = _counter(
    "duban_jobs_total",
    "Jobs that ended, by job type and outcome: completed, thrown (business error), failed (tried again, or an "
    "incident), gone (done already or taken back), unheard (the engine did not hear in time), expired (waited too long "
    "for a thread), returned (handed back by a worker that stops)",
    ["type", "outcome"],
)
JOB_DURATION: Final = _histogram(
    "duban_job_duration_seconds",
    "From when the engine handed out a job until it knew what became of it",
    ["type"],
    _WORK,
)
ENGINE_CALL_DURATION: Final = _histogram(
    "duban_engine_call_duration_seconds",
    "Calls of the engine; activate-jobs waits up to 10 s where there is no job",
    ["call"],
    _CALLS,
)
ENGINE_CALL_ERRORS: Final = _counter(
    "duban_engine_call_errors_total", "Calls of the engine that failed, by gRPC status", ["call", "code"]
)
ENGINE_REQUESTS: Final = _counter(
    "duban_engine_requests_total",
    "Messages that the store owed the engine, by BPMN message name and outcome: sent, refused",
    ["name", "outcome"],
)

# Business
COMPLAINTS: Final = _counter("duban_complaints_received_total", "Complaints taken in, by policy", ["policy"])
ACKNOWLEDGE: Final = _histogram(
    "duban_complaint_acknowledge_seconds",
    "From when a complaint was taken in until it had an owner and was in handling",
    [],
    _ACKNOWLEDGE,
)

# Messages
MESSAGES: Final = _counter(
    "duban_messages_total",
    "Tries to deliver a message, by kind of address and outcome: sent, delayed (tried again), dead (given up), lost "
    "(another sender had it meanwhile)",
    ["channel", "outcome"],
)
MESSAGE_DELIVERY: Final = _histogram(
    "duban_message_delivery_seconds", "How long the channel took for one try", ["channel"], _CALLS
)
MESSAGE_WAIT: Final = _histogram(
    "duban_message_wait_seconds",
    "From when a message was written until it was delivered",
    ["channel"],
    _MESSAGES,
)

# Record stream
RECORDS: Final = _counter(
    "duban_records_total",
    "Records of the engine, by outcome: applied, repeated (had been applied before)",
    ["outcome"],
)
RECORD_BATCHES: Final = _counter(
    "duban_record_batches_total", "Batches of records, by outcome: taken, refused", ["outcome"]
)
RECORD_BATCH_DURATION: Final = _histogram(
    "duban_record_batch_duration_seconds", "How long a batch of records took to be kept", [], _CALLS
)
RECORDS_LAG: Final = _histogram(
    "duban_records_lag_seconds",
    "From when the engine wrote the newest record of a batch until it was in the tables",
    [],
    _CALLS,
)

# Pages and API
HTTP_REQUESTS: Final = _counter(
    "duban_http_requests_total",
    "Answered requests, by method, route (its template, never the address) and status",
    ["method", "route", "status"],
)
HTTP_DURATION: Final = _histogram(
    "duban_http_request_duration_seconds",
    "Until the answer began, by method and route",
    ["method", "route"],
    _PAGES,
)

COUNTED: Final[tuple[Counter | Histogram, ...]] = (
    *(JOBS, JOB_DURATION, ENGINE_CALL_DURATION, ENGINE_CALL_ERRORS, ENGINE_REQUESTS),
    *(COMPLAINTS, ACKNOWLEDGE, MESSAGES, MESSAGE_DELIVERY, MESSAGE_WAIT),
    *(RECORDS, RECORD_BATCHES, RECORD_BATCH_DURATION, RECORDS_LAG, HTTP_REQUESTS, HTTP_DURATION),
)
"""All that is counted as it happens."""


@dataclass(frozen=True)
class Gauge:
    """A figure that is looked up when somebody asks; where it cannot be known, it is not there."""

    name: str
    says: str
    labels: tuple[str, ...] = ()

    def of(self, values: Iterable[tuple[Sequence[str], float]]) -> GaugeMetricFamily:
        """The figure with its values, by the values of its labels."""
        family = GaugeMetricFamily(self.name, self.says, labels=self.labels)
        for labels, value in values:
            family.add_metric(labels, value)
        return family

    def is_(self, value: float) -> GaugeMetricFamily:
        """The figure where it has no labels."""
        return self.of([((), value)])


# Every part
BUILD_INFO: Final = Gauge(
    "duban_build_info", "1; the version and the part of this process", ("version", "part")
)
LOOP_LAG: Final = Gauge("duban_event_loop_lag_seconds", "How late the event loop answers")
STORE_CONNECTIONS: Final = Gauge(
    "duban_store_connections", "Connections of this process to the store, by state: used, idle", ("state",)
)
STORE_CONNECTIONS_LIMIT: Final = Gauge(
    "duban_store_connections_limit", "How many connections to the store this process may have"
)

# Workers
WORKER_HEALTHY: Final = Gauge(
    "duban_worker_healthy", "1: this process works; 0: /healthz says why it does not"
)
JOBS_HELD: Final = Gauge(
    "duban_jobs_held", "Jobs that this process holds: running, or waiting for a thread", ("type",)
)
JOBS_STUCK: Final = Gauge("duban_jobs_stuck", "Tasks that run longer than a job may take")
POLL_AGE: Final = Gauge(
    "duban_job_poll_age_seconds", "Since the engine last answered when it was asked for such jobs", ("type",)
)

# The whole instance, told by the record stream's part alone
STORE_UP: Final = Gauge(
    "duban_store_up", "1: the store answered; 0: it did not, and what it would tell is missing"
)
COMPLAINTS_OPEN: Final = Gauge(
    "duban_complaints_open", "Complaints that are not closed, by status", ("status",)
)
COMPLAINTS_OVERDUE: Final = Gauge(
    "duban_complaints_overdue", "Complaints past a statutory deadline, by the level that has them", ("tier",)
)
TASKS_OPEN: Final = Gauge(
    "duban_tasks_open", "Open user tasks, by the group that they are offered to", ("group",)
)
TASKS_OVERDUE: Final = Gauge("duban_tasks_overdue", "Of these, past their due time", ("group",))
OUTBOX: Final = Gauge(
    "duban_outbox_messages", "Messages not delivered, by state: pending, dead (given up)", ("state",)
)
OUTBOX_AGE: Final = Gauge(
    "duban_outbox_oldest_seconds", "How long the message is owed that is owed longest; 0: none is"
)
OWED: Final = Gauge("duban_engine_requests_waiting", "Messages that the store owes the engine")
OWED_AGE: Final = Gauge(
    "duban_engine_requests_oldest_seconds", "How long it owes the oldest; 0: it owes none"
)
INCIDENTS: Final = Gauge(
    "duban_engine_incidents_open", "Open incidents of the engine: stuck work, by process", ("process",)
)
WORKERS_ALIVE: Final = Gauge(
    "duban_workers_alive", "Processes that said within 45 s that they work on a job type", ("type",)
)
NEWEST_RECORD: Final = Gauge(
    "duban_records_newest_timestamp_seconds",
    "When the engine wrote the newest record that is in the tables, by partition",
    ("partition",),
)

LOOKED_UP: Final[tuple[Gauge, ...]] = (
    *(BUILD_INFO, LOOP_LAG, STORE_CONNECTIONS, STORE_CONNECTIONS_LIMIT),
    *(WORKER_HEALTHY, JOBS_HELD, JOBS_STUCK, POLL_AGE),
    *(
        STORE_UP,
        COMPLAINTS_OPEN,
        COMPLAINTS_OVERDUE,
        TASKS_OPEN,
        TASKS_OVERDUE,
        OUTBOX,
        OUTBOX_AGE,
        OWED,
        OWED_AGE,
    ),
    *(INCIDENTS, WORKERS_ALIVE, NEWEST_RECORD),
)
"""All that is looked up when somebody asks."""
