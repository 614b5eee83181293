"""What the page, the commands and the monitor ask, answered from the real stream."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.records.streams import (
    apply_in_bulks,
    element,
    incident,
    instance,
    real_records,
    started_by_message,
    timer,
    user_task,
)
from workers.errors import NotFound
from workers.records.apply import apply_batch
from workers.store import record_queries
from workers.store.database import Database
from workers.store.tables import Complaint, EngineRequest, OutboxMessage

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def told(database: Database) -> Database:
    apply_in_bulks(database, real_records(), 20)
    return database


def test_open_tasks_carry_label_number_and_form(told: Database) -> None:
    with told.read() as tx:
        (task,) = record_queries.open_tasks(tx)
    assert (task.number, task.name, task.element_id) == ("C-6", "作出决定", "Task_Decide")
    assert (task.assignee, task.groups, task.form_id) == (
        "wang.fang",
        ("front-desk", "billing"),
        "record-form",
    )
    assert task.form_schema is not None
    assert [component["key"] for component in task.form_schema["components"]] == ["is_agreed"]
    assert task.due_at is not None
    assert task.due_at - task.created_at == pytest.approx(timedelta(hours=1), abs=timedelta(seconds=5))


def test_open_tasks_of_one_complaint(told: Database) -> None:
    with told.read() as tx:
        assert [task.number for task in record_queries.open_tasks(tx, "C-6")] == ["C-6"]
        assert record_queries.open_tasks(tx, "C-1") == []


def test_a_task_that_nobody_told_of(told: Database) -> None:
    with told.read() as tx, pytest.raises(NotFound, match="There is no task 1"):
        record_queries.task(tx, "1")


def test_the_task_due_first_comes_first_and_one_without_a_date_last(database: Database) -> None:
    dates = {70: "2026-11-22T12:00:00Z", 71: "", 72: "2026-11-21T12:00:00Z"}
    apply_batch(database, [user_task(at, key, dueDate=due) for at, (key, due) in enumerate(dates.items(), 1)])
    with database.read() as tx:
        assert [task.key for task in record_queries.open_tasks(tx)] == ["72", "70", "71"]


def test_timers_that_wait(told: Database) -> None:
    with told.read() as tx:
        waiting = record_queries.timers(tx, "C-6")
        assert record_queries.timers(tx, "C-1") == []
    assert [timer.name for timer in waiting] == ["将到期", "已超时"]
    assert waiting[1].due_at - waiting[0].due_at == pytest.approx(
        timedelta(minutes=30), abs=timedelta(seconds=5)
    )


def test_an_incident_two_processes_deep_has_the_number_and_the_label(database: Database) -> None:
    records = real_records()
    first = next(place for place, one in enumerate(records) if one.type == "INCIDENT")
    apply_in_bulks(database, records[: first + 1], 20)
    with database.read() as tx:
        (stuck,) = record_queries.open_incidents(tx)
        assert record_queries.open_incidents(tx, "C-2") == []
        marked = {view.element_id: view.is_stuck for view in record_queries.active_elements(tx, "C-1")}
    assert (stuck.number, stuck.name, stuck.error_type) == ("C-1", "最里面的任务", "JOB_NO_RETRIES")
    assert stuck.error_message == "something broke"
    assert stuck.job_key is not None
    assert marked == {"Call_Child": False, "Sub_Work": False, "Call_Grandchild": False, "Task_Deep": True}


def test_incidents_are_resolved_by_repair_and_by_cancelling(told: Database) -> None:
    with told.read() as tx:
        assert record_queries.open_incidents(tx) == []


def test_where_a_complaint_stands_and_the_way_it_went(told: Database) -> None:
    with told.read() as tx:
        stands = [view.name for view in record_queries.active_elements(tx, "C-6")]
        went = [(view.name, view.state) for view in record_queries.walked_elements(tx, "C-2")]
    assert stands == ["作出决定"]
    assert went == [
        ("已收到", "completed"),
        ("登记", "completed"),
        ("作出决定", "terminated"),
        ("将到期", "completed"),
        ("提醒", "completed"),
        ("已超时", "completed"),
        ("超时结束", "completed"),
    ]


def test_each_instance_shows_the_diagram_it_runs_on(told: Database) -> None:
    with told.read() as tx:
        (root,) = record_queries.process_tree(tx, "C-1")
        assert 'id="record-root"' in record_queries.diagram(tx, root.definition_key)
        with pytest.raises(NotFound):
            record_queries.diagram(tx, "12")


def test_unsettled_names_what_goes_on_by_itself(database: Database) -> None:
    apply_batch(
        database,
        [
            started_by_message(1, 7, "C-1"),
            instance(2, 7),
            element(3, 71, "SERVICE_TASK"),
            element(4, 72, "BUSINESS_RULE_TASK"),  # held by the incident below
            element(5, 73, "USER_TASK"),
            element(6, 74, "INTERMEDIATE_CATCH_EVENT"),
            incident(7, 80),
            timer(8, 90, NOON),
            timer(9, 91, NOON + timedelta(seconds=1)),
        ],
    )
    with database.begin() as tx:
        tx.add(
            Complaint(
                number="C-1",
                policy="petition",
                channel="phone",
                text="secret",
                customer_key="k",
                received_at=NOON,
            )
        )
        tx.flush()
        tx.add(EngineRequest(message_id="m", name="complaint-received", number="C-1", created_at=NOON))
        for key, due in (("due", NOON), ("later", NOON + timedelta(seconds=1))):
            facts = {
                "event": f"told-{key}",
                "recipient": "customer",
                "channel": "sms",
                "address": "1",
                "body": "x",
            }
            tx.add(OutboxMessage(number="C-1", next_attempt_at=due, created_at=NOON, dedupe_key=key, **facts))
    with database.read() as tx:
        assert record_queries.unsettled(tx, NOON) == [
            "service task Element_71 of C-1 is running",
            "timer Event_Due of C-1 is due since 2026-11-22T12:00:00+00:00",
            "message complaint-received of C-1 is not yet with the engine",
            "notification told-due of C-1 by sms is not yet sent",
        ]


def test_all_is_quiet_where_only_people_and_the_future_are_waited_for(told: Database) -> None:
    last = max(one.at for one in real_records())
    with told.read() as tx:
        assert record_queries.unsettled(tx, last) == []
        later = record_queries.unsettled(tx, last + timedelta(minutes=31))
    assert [line.split(" is due")[0] for line in later] == ["timer Event_Warning of C-6"]
