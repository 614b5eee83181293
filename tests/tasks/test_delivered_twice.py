"""The engine delivers at least once: every job delivered a second time, later, changes nothing and answers the same."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from tests.tasks import field_rows, refund_rows, retention_rows
from workers.cases.calendar import WorkingCalendar
from workers.classification import Classifier
from workers.clock import Clock, MovedClock
from workers.engine.jobs import Job, Task, bind
from workers.errors import BusinessError
from workers.notifications.channels.spool import Spool
from workers.notifications.messenger import Messenger
from workers.store import appeals, complaints, incidents, work_orders
from workers.store.database import Base, Database
from workers.store.tables import Complaint, Deadline, Staff
from workers.tasks import TASKS

NUMBER = "TS20260301-000001"
RECEIVED = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)
INSTANTS = {
    f"{stage}_{what}_at": "2026-03-03T09:00:00+08:00"
    for stage in ("investigation", "result")
    for what in ("due", "first_warning", "second_warning")
}
POLICY = {"required_fields": ["customer_name"], "repeat_window": "P30D", "warning_shares": [0.5, 0.75]}
PATH = {
    "owner_group": "branch-management",
    "next_tier": "city",
    "next_group": "city-management",
    "time_allowed": "PT8H",
}
APPEAL_RULE = {
    "window": "P60D",
    "appeal_group": "billing",
    "handle_time": "PT72H",
    "calendar": "clock",
    "authority": "telecom-complaint-centre",
}
VARIABLES: dict[str, Any] = {
    "number": NUMBER,
    "received_at": RECEIVED.isoformat(),
    "complaint_policy": POLICY,
    "complaint_deadlines": [{"kind": "result", "time": "PT48H", "calendar": "clock"}],
    "complaint_priority": "ordinary",
    "category": "tariff-billing",
    "classified_by": "model",
    "confidence": 0.8,
    "escalation_path": PATH,
    "callback_hours": {"earliest": "09:00", "latest": "20:00", "on_holidays": False},
    "owner": "wang.fang",
    "owner_group": "billing",
    "tier": "branch",
    "satisfaction": "satisfied",
    "is_solved": True,
    "reopen_count": 0,
    "extension_rule": {"decide_time": "PT4H", "longest": 24, "calendar": "clock", "limit": 1},
    "extension_count": 1,
    "extension_amount": 8,
    "is_in_time": True,
    "policy": "petition",
    "finding": "upheld",
    "deadline_kind": "preliminary",
    "due_at": "2026-03-03T09:00:00+08:00",
    "first_warning_at": "2026-03-02T09:00:00+08:00",
    "second_warning_at": None,
    "appeal_rule": APPEAL_RULE,
    "appeal_path": PATH | {"owner_group": None, "time_allowed": None},
    "appeal_owner": "wang.fang",
    "appeal_group": "billing",
    "is_appeal_upheld": True,
    "decided_by": "li.na",
    "cluster_threshold": {
        "window": "PT1H",
        "count": 2,
        "place_level": "branch",
        "incident_kind": "cluster-complaints",
        "reassess_every": 10,
    },
    "to": ["person:wang.fang", "group:branch-management", "watchers"],
    **INSTANTS,
    **field_rows.VARIABLES,
    **refund_rows.VARIABLES,
}
HEADERS = {
    "close-appeal": {"outcome": "solved"},
    "register-complaint": {"owner_group": "billing", "tier": "front-desk"},
    "notify-customer": {"event": "complaint-registered"},
    "notify-staff": {"event": "complaint-assigned"},
    "notify-authority": {"event": "extension-reported"},
    "find-deadline": {"kind": "reply"},
    "meet-deadline": {"kind": "reply"},
    "miss-deadline": {"kind": "reply"},
    **refund_rows.HEADERS,
}
ABOUT_INCIDENTS = (
    "declare_incident", "handle_incident", "watch_growth", "report_incident", "end_incident",
)  # fmt: skip
"""Modules of tasks whose case is an event: see test_incident_delivered_twice.py."""
INCIDENT_TASKS = [task for task in TASKS if task.handler.__module__.endswith(ABOUT_INCIDENTS)]
COMPLAINT_TASKS = [task for task in TASKS if task not in INCIDENT_TASKS]
ENDING = ("archive-complaint", "withdraw-complaint")


@pytest.fixture
def store(database: Database) -> Database:
    with database.begin() as tx:
        tx.execute(
            insert(Complaint).values(
                number=NUMBER,
                policy="petition",
                channel="phone",
                text="这个月账单多扣了三十元，要求核查。",
                customer_phone="+8613900001001",
                customer_key="+8613900001001",
                received_at=RECEIVED,
                flags=[],
                missing_fields=[],
            )
        )
        for username, group in (
            ("wang.fang", "billing"),
            ("li.na", "branch-management"),
            ("zhao.min", "billing"),
        ):
            tx.add(Staff(username=username, name=username, groups=[group], email=f"{username}@example.com"))
        tx.flush()
        appeals.add(tx, NUMBER, "filed", RECEIVED + timedelta(hours=29))
        field_rows.add(tx, NUMBER, "1001", RECEIVED)
        for kind, hours in (("preliminary", 24), ("result", 72)):
            tx.add(Deadline(number=NUMBER, kind=kind, due_at=RECEIVED + timedelta(hours=hours)))
        tx.add(Deadline(number=NUMBER, kind="reply", due_at=RECEIVED + timedelta(hours=20)))

        refund_rows.put(tx, NUMBER)
        retention_rows.add(tx, RECEIVED)
    return database


def job_of(task: Task) -> Job:
    headers, variables = HEADERS.get(task.type, {}), VARIABLES | refund_rows.variables(task.type)
    variables |= retention_rows.VARIABLES if task.type in retention_rows.JOBS else {}
    return Job(7, task.type, "1001", "complaint-handling", "Task_X", "2002", headers, 3, variables)


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables."""
    with database.read() as tx:
        return {
            table.name: sorted((tuple(row) for row in tx.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
        }


@pytest.mark.parametrize("task", COMPLAINT_TASKS, ids=lambda task: task.type)
def test_a_job_delivered_twice_changes_nothing(
    task: Task,
    store: Database,
    messenger: Messenger,
    classifier: Classifier,
    calendar: WorkingCalendar,
    case_writing: dict[type, object],
    tmp_path: Path,
) -> None:
    clock = MovedClock(RECEIVED + timedelta(hours=30) - datetime.now(UTC))
    services = {
        Database: store,
        Clock: clock,
        Messenger: messenger,
        Classifier: classifier,
        WorkingCalendar: calendar,
        **case_writing,
        **refund_rows.services(store, clock),
        Spool: Spool(tmp_path, "Duban <duban@example.com>"),
    }
    bound = bind(task, services)
    if task.type == "anonymise-complaints":
        with store.begin() as tx:
            retention_rows.list_with_the_run(tx)
    before = everything(store)

    first = bound.call(job_of(task))
    after_first = everything(store)
    clock.advance(timedelta(hours=1))
    second = bound.call(job_of(task))

    assert second == first
    assert everything(store) == after_first
    if task.type not in (
        "classify-complaint",
        "start-tier-clock",
        "check-deadline",
        "find-deadline",
        "detect-cluster",
    ):
        assert after_first != before, "the job should have had an effect to repeat"


def test_a_second_process_instance_is_refused_and_leaves_the_first_its_case(store: Database) -> None:
    register = next(task for task in TASKS if task.type == "register-complaint")
    bound = bind(register, {Database: store, Clock: MovedClock()})
    bound.call(job_of(register))
    before = everything(store)
    other = Job(
        8, register.type, "9999", "complaint-handling", "Task_X", "3003", HEADERS[register.type], 3, VARIABLES
    )

    with pytest.raises(BusinessError) as refusal:
        bound.call(other)

    assert refusal.value.code == "ALREADY_REGISTERED"
    assert everything(store) == before


@pytest.mark.parametrize(
    "task", [task for task in COMPLAINT_TASKS if task.type not in ENDING], ids=lambda task: task.type
)
def test_a_job_that_was_still_running_when_the_customer_withdrew_does_not_open_the_case_again(
    task: Task,
    store: Database,
    messenger: Messenger,
    classifier: Classifier,
    calendar: WorkingCalendar,
    case_writing: dict[type, object],
    tmp_path: Path,
) -> None:
    clock = MovedClock()
    services = {
        Database: store,
        Clock: clock,
        Messenger: messenger,
        Classifier: classifier,
        WorkingCalendar: calendar,
        **case_writing,
        **refund_rows.services(store, clock),
        Spool: Spool(tmp_path, "Duban <duban@example.com>"),
    }
    withdraw = next(each for each in TASKS if each.type == "withdraw-complaint")
    bind(withdraw, services).call(job_of(withdraw))

    with suppress(BusinessError):  # a refund says that it was cancelled
        bind(task, services).call(job_of(task))

    with store.read() as tx:
        assert complaints.get(tx, NUMBER).status == "withdrawn"
        assert appeals.get(tx, NUMBER).outcome == "withdrawn", "the appeal has ended with its complaint"
        running = {"open", "appointed", "arrived", "not-done"}
        assert not [each for each in work_orders.of(tx, NUMBER) if each.status in running]
        assert incidents.of_complaint(tx, NUMBER) is None
