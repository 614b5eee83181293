"""Stories of record-retention: a month's look, a person's word, and what is left afterwards (rules C10, B10)."""

from __future__ import annotations

import json
import subprocess
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.stories.world import DUBAN, World
from workers.store import retention
from workers.store.retention_tables import RetentionRun
from workers.store.tables import Complaint, OutboxMessage

pytestmark = pytest.mark.parametrize("world", ["sqlite"], indirect=True)


def closed_long_ago(world: World) -> str:
    """A complaint that its customer withdrew; the store is told that this was four years ago."""
    case = world.complain("小区夜里没有信号，我住天目山路十八号。")
    world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")
    world.settle()
    with world.database.begin() as tx:
        closed_at = tx.scalars(select(Complaint.closed_at).where(Complaint.number == case.number)).one()
        assert closed_at is not None
        long_ago = closed_at - timedelta(days=4 * 366)
        tx.execute(update(Complaint).where(Complaint.number == case.number).values(closed_at=long_ago))
    return case.number


def state(world: World, number: str) -> dict[str, Any]:
    with world.database.read() as tx:
        return retention.described(tx, number)


def duban(world: World, *arguments: str) -> Any:
    """What the command says as JSON."""
    command = [str(DUBAN), *arguments, "--data", str(world.running.data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def open_run(world: World, *, confirmed: bool) -> str:
    """Somebody of operations asks for it; the relay hands it to the engine."""
    with world.database.begin() as tx:
        now = tx.scalars(select(Complaint.received_at).order_by(Complaint.received_at.desc())).first()
        assert now is not None
        number, _ = retention.open_run(tx, now, who="desk.duty", confirmed=confirmed)
    world.settle()
    return number


def test_C10_B10_a_person_confirms_and_nobody_can_be_recognised(world: World) -> None:
    """Counted first, nothing removed; confirmed, everything personal is gone, the figures are there."""
    number = closed_long_ago(world)
    run = open_run(world, confirmed=False)
    tasks = [task for task in world.client.tasks() if task["number"] == run]
    assert [task["form"] for task in tasks] == ["confirm-anonymisation"]
    assert state(world, run) | {"by_month": []} == {
        "number": run, "state": "open", "opened_by": "desk.duty", "counted": True,
        "expired": 1, "anonymised": 0, "kept": 0, "by_month": [],
    }  # fmt: skip
    world.client.complete(tasks[0]["task"], "desk.duty", {"is_anonymisation_confirmed": True})
    world.settle()
    assert (state(world, run)["state"], state(world, run)["anonymised"]) == ("done", 1)
    case = world.client.show(number)
    assert case["customer"] == {"name": None, "phone": None, "email": None}
    assert (case["status"], case["timeline"][-1]["code"]) == ("withdrawn", "anonymised")


def told(world: World, number: str) -> list[tuple[str, str]]:
    """Which messages about a run went to whom."""
    with world.database.read() as tx:
        mine = select(OutboxMessage.event, OutboxMessage.recipient).where(OutboxMessage.number == number)
        return sorted((event, recipient) for event, recipient in tx.execute(mine))


def test_C10_declined_or_nobody_answers_and_nothing_is_removed(world: World) -> None:
    """本期不处理: the next month looks again. By hand and confirmed, nobody is asked twice."""
    number = closed_long_ago(world)
    declined = open_run(world, confirmed=False)
    [task] = [task for task in world.client.tasks() if task["number"] == declined]
    world.client.complete(task["task"], "desk.duty", {"is_anonymisation_confirmed": False})
    waiting = open_run(world, confirmed=False)
    world.advance("P9DT23H")
    offered = [task["number"] for task in world.client.tasks()]
    assert (waiting in offered, declined in offered) == (True, False), "ten days to confirm, and asked once"
    world.advance("PT2H")
    assert waiting not in [task["number"] for task in world.client.tasks()]
    assert [state(world, each)["state"] for each in (declined, waiting)] == ["declined", "postponed"]
    assert told(world, declined) == []
    unconfirmed = told(world, waiting)
    assert {event for event, _ in unconfirmed} == {"retention-unconfirmed"}
    assert {"meng.yunwei", "bu.xiaozu"} <= {recipient for _, recipient in unconfirmed}
    assert world.client.show(number)["customer"]["name"] == "钱**"
    done = duban(world, "retention", "--run", "--as", "desk.duty", "--json")
    assert (done["state"], done["expired"], done["anonymised"]) == ("done", 1, 1)
    assert duban(world, "retention", "--dry-run", "--json") == {"expired": 0, "events": 0, "by_month": []}
    [found] = duban(world, "find", number, "--as", "desk.duty", "--json")
    assert (found["is_anonymised"], found["customer"]["phone"]) == (True, None)
    assert state(world, open_run(world, confirmed=True))["state"] == "nothing"
    assert world.client.show(number)["customer"]["name"] is None


def test_C10_a_clock_that_jumps_over_months_opens_few_runs(world: World) -> None:
    """The timer may fire for each month passed over; a month has one run, and it finds nothing. Runs of months that
    other stories passed over are not counted."""

    def runs() -> dict[str, str]:
        with world.database.read() as tx:
            mine = select(RetentionRun.number, RetentionRun.state).where(RetentionRun.opened_by == "duban")
            return dict(tx.execute(mine).all())

    before = runs()
    world.advance("P32D")
    opened = {number: state for number, state in runs().items() if number not in before}
    assert 1 <= len(opened) <= 2
    assert set(opened.values()) <= {"nothing", "postponed", "open"}
