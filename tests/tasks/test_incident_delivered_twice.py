"""Every job about an event, delivered a second time, later, changes nothing and answers the same (rules E1 to E6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.tasks.test_delivered_twice import INCIDENT_TASKS, RECEIVED, everything
from workers.cases.calendar import WorkingCalendar
from workers.clock import Clock, MovedClock
from workers.engine.jobs import Job, Task, bind
from workers.errors import BusinessError
from workers.notifications.messenger import Messenger
from workers.store import answers, incident_reports, incidents
from workers.store.database import Database
from workers.store.incident_tables import MajorIncident
from workers.store.tables import Complaint, EngineRequest, OutboxMessage, Staff
from workers.tasks import TASKS

COMPLAINT = "TS20260301-000001"
NUMBER = "SJ20260301-0001"
CLOCK = {
    "rank": 1, "duty_group": "branch-management", "acknowledge_time": "PT30M", "decide_time": "PT2H",
    "execute_group": "customer-service", "execute_time": "PT24H", "next_tier": "city",
    "next_group": "city-management", "lower_tier": "branch", "report_group": "customer-service",
    "first_report_time": "PT2H", "progress_interval": "PT8H", "final_report_time": "P3D",
}  # fmt: skip
VARIABLES: dict[str, Any] = {
    "number": NUMBER,
    "tier": "branch",
    "owner": "li.na",
    "owner_group": "branch-management",
    "incident_level": {"tier": "branch", "rank": 1, "reason": "many-complaints"},
    "incident_clock": CLOCK,
    "incident_decision": "raise",
    "raised_to": None,
    "report_kind": "first",
    "report_owner": "wang.fang",
    "report_group": "customer-service",
}


@pytest.fixture
def store(database: Database) -> Database:
    """An event with one complaint, a report that is due, and what somebody wrote."""
    with database.begin() as tx:
        tx.add(
            Complaint(
                number=COMPLAINT,
                policy="petition",
                channel="phone",
                text="小区断网。",
                customer_phone="+8613900001001",
                customer_key="+8613900001001",
                received_at=RECEIVED,
                status="in-progress",
            )
        )
        for username, group in (("wang.fang", "customer-service"), ("li.na", "branch-management")):
            tx.add(Staff(username=username, name=username, groups=[group], email=f"{username}@example.com"))
        tx.flush()
        columns = {"policy": "petition", "kind": "network-outage", "city": "杭州", "flags": []}
        assert incidents.declare(tx, RECEIVED, who="li.na", count=0, **columns) == NUMBER
        incident = incidents.get(tx, NUMBER)
        incident.tier = "branch"
        incidents.attach(tx, incident, tx.get_one(Complaint, COMPLAINT), "li.na", RECEIVED)
        asked = incident_reports.Asked("1001", NUMBER, "first", "customer-service")
        incident_reports.ask(tx, asked, "wang.fang", RECEIVED + timedelta(hours=2))
        texts = {"incident_report": "抢修中。", "customer_news": "预计今晚恢复。"}
        answers.draft(tx, NUMBER, "5", incident_reports.FORM, texts, "wang.fang", RECEIVED)
    return database


def job_of(task: Task, instance: str = "1001") -> Job:
    headers = {"event": "incident-progress"}
    return Job(7, task.type, instance, "major-incident", "Task_X", "2002", headers, 3, VARIABLES)


@pytest.mark.parametrize("task", INCIDENT_TASKS, ids=lambda task: task.type)
def test_a_job_about_an_event_delivered_twice_changes_nothing(
    task: Task, store: Database, messenger: Messenger, calendar: WorkingCalendar
) -> None:
    clock = MovedClock(RECEIVED + timedelta(hours=3) - datetime.now(UTC))
    bound = bind(task, {Database: store, Clock: clock, Messenger: messenger, WorkingCalendar: calendar})
    before = everything(store)

    first = bound.call(job_of(task))
    after_first = everything(store)
    clock.advance(timedelta(hours=1))
    second = bound.call(job_of(task))

    assert second == first
    assert everything(store) == after_first
    assert after_first != before, "the job should have had an effect to repeat"


def call(store: Database, messenger: Messenger, job_type: str, instance: str = "1001") -> Any:
    task = next(each for each in TASKS if each.type == job_type)
    services = {
        Database: store,
        Clock: MovedClock(),
        Messenger: messenger,
        WorkingCalendar: WorkingCalendar(),
    }
    return bind(task, services).call(job_of(task, instance))


def test_E1_a_second_process_instance_of_an_event_is_refused(store: Database, messenger: Messenger) -> None:
    call(store, messenger, "register-incident")
    before = everything(store)
    with pytest.raises(BusinessError) as refusal:
        call(store, messenger, "register-incident", "9999")
    assert refusal.value.code == "ALREADY_REGISTERED"
    assert everything(store) == before


def test_E6_news_of_an_event_reaches_the_customers_of_its_complaints(
    store: Database, messenger: Messenger
) -> None:
    """The report's words for customers, and nothing of the report itself."""
    call(store, messenger, "tell-attached")
    with store.read() as tx:
        (message,) = tx.scalars(select(OutboxMessage))
    assert (message.number, message.recipient) == (COMPLAINT, "customer")
    assert "预计今晚恢复" in message.body and "抢修中" not in message.body


def test_E6_a_solved_event_answers_its_complaints_with_the_words_of_its_plan(
    store: Database, messenger: Messenger
) -> None:
    with store.begin() as tx:
        texts = {"incident_plan": "更换光模块。", "customer_reply": "故障已修复，感谢您的谅解。"}
        answers.draft(tx, NUMBER, "6", "decide-incident", texts, "li.na", RECEIVED)
        assert incidents.reply_for(tx, COMPLAINT) is None, "not before it is solved"
    call(store, messenger, "solve-incident")
    with store.read() as tx:
        assert incidents.reply_for(tx, COMPLAINT) == "故障已修复，感谢您的谅解。"
        owed = tx.scalars(select(EngineRequest.name).where(EngineRequest.number == COMPLAINT))
        assert sorted(owed) == ["complaint-attached", "incident-solved"]


def test_E6_a_false_alarm_lets_its_complaints_go(store: Database, messenger: Messenger) -> None:
    call(store, messenger, "dismiss-incident")
    with store.read() as tx:
        assert incidents.count(tx, NUMBER) == 0
        assert incidents.of_complaint(tx, COMPLAINT) is None
        assert tx.get_one(MajorIncident, NUMBER).outcome == "false-alarm"
        owed = tx.scalars(select(EngineRequest.name).where(EngineRequest.number == COMPLAINT))
        assert sorted(owed) == ["complaint-attached", "complaint-detached"]
