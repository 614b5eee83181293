"""What operations see, as JSON: pages and API show the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from workers.cases.stuck_words import why
from workers.desk.services import DeskServices
from workers.desk.words import iso, span
from workers.engine.topology import Topology
from workers.errors import NotFound, Refused, Unavailable
from workers.names import SHANGHAI
from workers.store import alert_view, beats, element_times, outbox, outbox_view, running_versions, stuck
from workers.store.outbox import Transaction
from workers.store.outbox_view import State

PERIODS: Final = (7, 30, 90)
_LATE: Final = timedelta(minutes=1)
"""A timer that is due for longer should have fired: the engine is behind."""
_SHARES: Final = ((0.5, 5), (0.25, 4), (0.1, 3), (0.03, 2))
_WORTH_SHOWING: Final = 0.005


def causes(tx: Transaction) -> list[dict[str, Any]]:
    """Stuck work by cause."""
    return [
        {
            "cause_id": each.id,
            "process": each.process_id,
            "process_name": each.process_name,
            "element": each.element_id,
            "name": each.name,
            "error_type": each.error_type,
            "why": why(each.error_type),
            "cause": each.message,
            "count": each.count,
            "since": iso(each.since),
        }
        for each in stuck.causes(tx)
    ]


def stuck_line(each: stuck.Stuck) -> dict[str, Any]:
    """One piece of stuck work."""
    return {
        "key": each.key,
        "cause_id": each.cause,
        "number": each.number,
        "process": each.process_id,
        "element": each.element_id,
        "name": each.name,
        "error_type": each.error_type,
        "why": why(each.error_type),
        "cause": each.message,
        "since": iso(each.since),
        "same": each.same,
        "instance": each.process_instance_key,
        "diagram": each.definition_key,
    }


def stuck_one(services: DeskServices, tx: Transaction, key: str) -> dict[str, Any]:
    """One piece of stuck work with the variables that it sees. Raises NotFound."""
    found = stuck.one(tx, key)
    dictionary = services.engine_room.dictionary
    variables = stuck.variables(tx, found)
    return stuck_line(found) | {
        "variables": {each.name: each.value for each in variables},
        "known": [
            {"name": each.name, "says": dictionary.says(each.name), "element": each.element_id}
            for each in variables
        ],
    }


def letters(
    tx: Transaction, state: State, number: str | None = None, after: int | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """Messages that are owed or were given up; times as text."""
    return [
        each | {"created_at": iso(each["created_at"]), "next_attempt_at": iso(each["next_attempt_at"])}
        for each in outbox_view.letters(tx, state, number=number, after=after, limit=limit)
    ]


def mail(tx: Transaction) -> dict[str, Any]:
    """The outbox in figures, and why messages were given up."""
    return {
        "counts": outbox.counts(tx),
        "oldest_pending": iso(outbox_view.oldest_pending(tx)),
        "causes": [
            {"channel": each.channel, "error": each.error, "count": each.count, "since": iso(each.since)}
            for each in outbox_view.causes(tx)
        ],
    }


def timers(tx: Transaction, now: datetime, number: str | None = None, limit: int = 100) -> dict[str, Any]:
    """What fires next."""
    waiting, late = running_versions.count_timers(tx, now - _LATE)
    found = running_versions.next_timers(tx, now - _LATE, number=number, limit=limit)
    return {
        "waiting": waiting,
        "late": late,
        "timers": [each | {"due_at": iso(each["due_at"])} for each in found],
    }


def versions(tx: Transaction) -> dict[str, Any]:
    """What is deployed, and how much of it runs."""
    return {
        "processes": [
            each | {"deployed_at": iso(each["deployed_at"])} for each in running_versions.processes(tx)
        ],
        "others": [
            each | {"deployed_at": iso(each["deployed_at"])} for each in running_versions.decisions(tx)
        ],
    }


def heat(tx: Transaction, process: str, days: int, now: datetime) -> dict[str, Any]:
    """Where cases of a process spent their time in the last days, today included.

    Raises:
        NotFound: no such process is deployed.
    """
    newest = next(
        (each for each in running_versions.processes(tx) if each["process"] == process and each["is_newest"]),
        None,
    )
    if newest is None:
        raise NotFound(f"没有流程 {process[:60]}。 No process {process[:60]!a} is deployed.")
    if not 1 <= days <= 3660:
        raise Refused("days must be 1 to 3660")
    last = now.astimezone(SHANGHAI).date()
    found = element_times.heat(tx, process, last - timedelta(days=days - 1), last)
    names = stuck.newest_names(tx).get(process, {})
    most = max((each.total for each in found), default=0)
    return {
        "process": process,
        "name": newest["name"],
        "diagram": newest["key"],
        "days": days,
        "elements": [
            {
                "element": each.element_id,
                "name": names.get(each.element_id, each.element_id),
                "level": _level(each.total, most),
                "ended": each.ended,
                "mean_seconds": round(each.mean, 1),
                "median_seconds": round(each.median, 1),
                "total_seconds": each.total,
                "here": each.here,
                "oldest_at": iso(each.oldest_at),
            }
            for each in found
            if each.here or (most and each.total >= most * _WORTH_SHOWING)
        ],
    }


def heat_marks(elements: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The same for the diagram (docs/frontend.md)."""
    marks = {}
    for each in elements:
        parts = [f"中位 {span(each['median_seconds'])}"] if each["ended"] else []
        parts += [f"{each['here']} 件在此"] if each["here"] else []
        marks[each["element"]] = {"level": each["level"], "says": " · ".join(parts)}
    return marks


def workers(tx: Transaction) -> dict[str, Any]:
    """Who works on which job types, by the real clock."""
    now = datetime.now(UTC)
    return {
        "types": [
            {
                "type": each.job_type,
                "hosts": each.hosts,
                "is_alive": each.hosts > 0 and not each.errors,
                "polled_seconds_ago": _ago(each.polled_at, now),
                "seen_seconds_ago": _ago(each.last_seen_at, now),
                "running": each.running,
                "done": each.done,
                "failed": each.failed,
                "errors": list(each.errors),
            }
            for each in beats.by_type(tx, now)
        ],
        "hosts": [
            {
                **each,
                "started_at": iso(each["started_at"]),  # type: ignore[arg-type]
                "seen_at": iso(each["seen_at"]),  # type: ignore[arg-type]
            }
            for each in beats.hosts(tx, now)
        ],
        "records": [
            {
                "partition": partition,
                "newest_at": iso(at),
                "lag_seconds": None if lag is None else round(lag.total_seconds(), 1),
            }
            for partition, at, lag in beats.lag(tx)
        ],
    }


async def engine(services: DeskServices) -> dict[str, Any]:
    """The engine and the health of the parts."""
    try:
        found: Topology | None = await services.engine_room.look()
        trouble = None
    except Unavailable as error:
        found, trouble = None, str(error)
    health = await services.health()
    return {
        "trouble": trouble,
        "version": found.version if found else None,
        "partitions": found.partitions if found else None,
        "leaderless": list(found.leaderless) if found else [],
        "brokers": [
            {
                "id": broker.id,
                "address": broker.address,
                "version": broker.version,
                "partitions": [
                    {"id": each.id, "role": each.role, "health": each.health} for each in broker.partitions
                ],
            }
            for broker in (found.brokers if found else ())
        ],
        "parts": [{"part": name, "ok": part.is_ok, "says": part.says} for name, part in health.items()],
    }


def figures(tx: Transaction, now: datetime) -> dict[str, int]:
    """The figures above every page of operations."""
    types = beats.by_type(tx, datetime.now(UTC))
    waiting, late = running_versions.count_timers(tx, now - _LATE)
    return {
        "stuck": sum(each.count for each in stuck.causes(tx)),
        "dead": outbox.counts(tx)["dead"],
        "timers": waiting,
        "late": late,
        "old": sum(each["running"] for each in running_versions.processes(tx) if not each["is_newest"]),
        "silent": sum(1 for each in types if not each.hosts or each.errors),
        "types": len(types),
        "alerts": alert_view.open_count(tx),
    }


def _level(total: int, most: int) -> int:
    share = total / most if most else 0
    return next((level for limit, level in _SHARES if share > limit), 1)


def _ago(at: datetime | None, now: datetime) -> int | None:
    return None if at is None else max(0, round((now - at).total_seconds()))
