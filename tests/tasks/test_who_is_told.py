"""Who is told what: staff who have left are not, and whoever had the case before stays informed (rules A5, A9)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from workers.clock import Clock, SystemClock
from workers.engine.jobs import Job, bind
from workers.errors import Broken
from workers.notifications.messenger import Messenger
from workers.store import retention, watchers, work_orders
from workers.store.database import Database
from workers.store.tables import Complaint, OutboxMessage, Staff
from workers.tasks import TASKS

NUMBER = "TS20260301-000001"
RECEIVED = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)


@pytest.fixture
def store(database: Database) -> Database:
    with database.begin() as tx:
        tx.execute(
            insert(Complaint).values(
                number=NUMBER,
                policy="petition",
                channel="phone",
                text="网络中断。",
                customer_phone="+8613900001001",
                customer_key="phone:+8613900001001",
                received_at=RECEIVED,
                owner_group="billing",
                owner_person="left",
                flags=[],
                missing_fields=[],
            )
        )
        for username in ("left", "stays", "watches"):
            groups = ["branch-management"] if username == "watches" else ["billing"]
            tx.add(
                Staff(
                    username=username,
                    name=username,
                    groups=groups,
                    email=f"{username}@example.com",
                    is_active=username != "left",
                )
            )
        tx.flush()
        watchers.add(tx, NUMBER, "left", "billing", RECEIVED)
        watchers.add(tx, NUMBER, "watches", "branch-management", RECEIVED)
    return database


def told(store: Database, messenger: Messenger, to: list[str | None]) -> list[str]:
    """Whom a job of notify-staff writes to."""
    notify = next(task for task in TASKS if task.type == "notify-staff")
    variables: dict[str, Any] = {"number": NUMBER, "to": to}
    headers = {"event": "complaint-assigned"}
    job = Job(7, notify.type, "1001", "department-handling", "Task_X", "2002", headers, 3, variables)
    bind(notify, {Database: store, Clock: SystemClock(), Messenger: messenger}).call(job)
    with store.read() as tx:
        return sorted(tx.scalars(select(OutboxMessage.recipient)))


def test_who_has_left_is_not_told_and_the_group_of_the_case_is(store: Database, messenger: Messenger) -> None:
    assert told(store, messenger, ["person:left"]) == ["stays"]


def test_a_watcher_who_has_left_is_not_told(store: Database, messenger: Messenger) -> None:
    assert told(store, messenger, ["watchers"]) == ["watches"]


def test_the_owner_alone_is_told(store: Database, messenger: Messenger) -> None:
    with store.begin() as tx:
        tx.execute(update(Staff).values(is_active=True))
    assert told(store, messenger, ["person:left"]) == ["left"]


@pytest.mark.parametrize("word", [None, "", "person:", "everybody", "team:billing"])
def test_a_word_that_names_nobody_is_told_at_once(
    store: Database, messenger: Messenger, word: str | None
) -> None:
    """FEEL makes null of `"group:" + null`: the diagram is at fault, and trying again would not help."""
    with pytest.raises(Broken, match="none of person:NAME"):
        told(store, messenger, ["person:stays", word])


@pytest.mark.parametrize(
    ("passed_over", "watching"), [("desk", {"desk", "left", "watches"}), (None, {"left", "watches"})]
)
def test_a9_the_front_desk_that_had_the_case_stays_informed(
    store: Database, passed_over: str | None, watching: set[str]
) -> None:
    assign = next(task for task in TASKS if task.type == "assign-owner")
    variables: dict[str, Any] = {
        "number": NUMBER,
        "owner_group": "billing",
        "tier": "department",
        "escalation_path": {"owner_group": None},
        "passed_over": passed_over,
    }
    job = Job(8, assign.type, "1001", "department-handling", "Task_X", "2003", {}, 3, variables)

    assert bind(assign, {Database: store, Clock: SystemClock()}).call(job)["owner"] == "stays"

    with store.read() as tx:
        assert watchers.usernames(tx, NUMBER) == watching


def test_C10_of_a_run_of_retention_groups_are_told_wherever_they_are(
    store: Database, messenger: Messenger
) -> None:
    """A run has no customer, no place and no owner: its groups are told, and a person or owner means nothing."""
    with store.begin() as tx:
        run, _ = retention.open_run(tx, RECEIVED, who="duban")
    notify = next(task for task in TASKS if task.type == "notify-staff")
    bound = bind(notify, {Database: store, Clock: SystemClock(), Messenger: messenger})

    def tell(to: list[str], event: str = "retention-unconfirmed") -> None:
        variables: dict[str, Any] = {"number": run, "to": to}
        bound.call(
            Job(7, notify.type, "1001", "record-retention", "Task_X", "2002", {"event": event}, 3, variables)
        )

    tell(["group:billing", "group:branch-management"])
    tell(["group:billing"])
    with store.read() as tx:
        messages = list(tx.scalars(select(OutboxMessage).order_by(OutboxMessage.recipient)))
    assert [(each.number, each.recipient) for each in messages] == [(run, "stays"), (run, "watches")]
    assert run in messages[0].body
    with pytest.raises(Broken, match="none of person:NAME"):
        tell(["person:stays"])
    with pytest.raises(Broken, match="is about a complaint"):
        tell(["group:billing"], "complaint-assigned")


@pytest.mark.parametrize(
    ("status", "people"),
    [
        ("appointed", ["stays"]),
        ("not-done", ["stays"]),
        ("withdrawn", ["stays"]),
        ("done", []),
        ("raised", []),
        (None, []),
    ],
)
def test_B11_the_engineer_is_who_has_the_work_order(
    store: Database, messenger: Messenger, status: str | None, people: list[str]
) -> None:
    """One that runs, or that the withdrawal just ended; without one nobody is told, and that is fine."""
    if status is not None:
        with store.begin() as tx:
            order = work_orders.open_order(tx, NUMBER, "1", "stays", "field-engineers", RECEIVED, RECEIVED)
            order.status = status
    assert told(store, messenger, ["engineer"]) == people
