"""What records, workers and senders would have written, for the pages of operations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.desk_server import DEFINITION, PROCESS, ROOT, RunningDesk, add_complaint, add_incident
from workers.store import beats, element_times, outbox
from workers.store.beats import Beat
from workers.store.element_times import Ended
from workers.store.outbox import NewMessage
from workers.store.record_tables import (
    DecisionTables,
    Element,
    FormVersion,
    Incident,
    ProcessInstance,
    ProcessVariable,
    ProcessVersion,
    Timer,
)
from workers.store.tables import OutboxMessage

OLD_DEFINITION = "2251799813685200"
NAMES = {
    PROCESS: "投诉处理",
    "Task_VerifyComplaint": "核实投诉",
    "Task_SettleComplaint": "前台办理",
    "Task_ClassifyComplaint": "投诉分类",
    "Call_Department": "部门办理",
}


def add_version(desk: RunningDesk, key: str = DEFINITION, version: int = 1, xml: str | None = None) -> None:
    """A deployed version of complaint-handling."""
    model = ROOT / "bpmn" / PROCESS / f"{PROCESS}.bpmn"
    with desk.database.begin() as tx:
        tx.merge(
            ProcessVersion(
                definition_key=key,
                process_id=PROCESS,
                version=version,
                resource_name=f"{PROCESS}.bpmn",
                checksum="0",
                resource=xml or model.read_text(encoding="utf-8"),
                element_names=NAMES,
                deployed_at=desk.clock.now(),
            )
        )


def add_stuck(desk: RunningDesk, key: str, message: str, **variables: str) -> str:
    """Stuck work of a new complaint, in an element that sees these variables (JSON); returns its number."""
    number = add_complaint(desk)
    add_incident(desk, number, key=key, job_key=f"8{key[1:]}")
    with desk.database.begin() as tx:
        incident = tx.get_one(Incident, key)
        incident.element_key, incident.error_message = f"6{key[1:]}", message
        instance = incident.process_instance_key
        tx.add(
            Element(
                key=incident.element_key,
                process_instance_key=instance,
                scope_key=instance,
                process_id=PROCESS,
                element_id=incident.element_id,
                element_type="SERVICE_TASK",
                state="active",
                started_at=desk.clock.now(),
            )
        )
        for index, (name, value) in enumerate(variables.items()):
            variable = {"process_instance_key": instance, "scope_key": instance, "name": name, "value": value}
            tx.add(ProcessVariable(key=f"{key}{index}", **variable))
    return number


def add_letter(desk: RunningDesk, number: str, error: str | None, address: str = "13800138000") -> int:
    """A message that was given up for a reason, or, without one, is owed."""
    message = NewMessage(
        number=number,
        event="complaint-accepted",
        recipient="customer",
        channel="email" if "@" in address else "sms",
        address=address,
        subject=None,
        body="您的投诉已受理。",
        html=None,
    )
    with desk.database.begin() as tx:
        outbox.add(tx, message, f"test-{error}-{address}", desk.clock.now())
        tx.flush()
        row = tx.query(OutboxMessage).order_by(OutboxMessage.id.desc()).first()
        assert row is not None
        if error is not None:
            row.status, row.last_error, row.attempts = "dead", error, 8
        return row.id


def add_times(desk: RunningDesk) -> None:
    """Elements that ended in the last days, and some that are active."""
    now = desk.clock.now()
    spent = {"Task_VerifyComplaint": 0.4, "Task_SettleComplaint": 95, "Call_Department": 1900}
    ended = [
        Ended(
            PROCESS,
            element,
            now - timedelta(days=day, minutes=minutes * (1 + n / 7)),
            now - timedelta(days=day),
        )
        for element, minutes in spent.items()
        for day in range(1, 6)
        for n in range(6)
    ]
    with desk.database.begin() as tx:
        element_times.add(tx, ended)
        for n in range(3):
            tx.merge(
                Element(
                    key=f"400000000000{n}",
                    process_instance_key="9",
                    process_id=PROCESS,
                    element_id="Task_SettleComplaint",
                    element_type="USER_TASK",
                    state="active",
                    started_at=now - timedelta(hours=5 + n),
                )
            )


def add_beat(desk: RunningDesk, *beats_: Beat, seen_ago: timedelta = timedelta(seconds=3)) -> None:
    """A process that runs workers and said so a while ago."""
    now = datetime.now(UTC) - seen_ago
    with desk.database.begin() as tx:
        beats.write(tx, "duban-1:4711:9f3a", now - timedelta(hours=5), now, beats_)


def add_timer(desk: RunningDesk, number: str, key: str, due: timedelta) -> None:
    """A timer of the case's instance, due in that time from now."""
    with desk.database.begin() as tx:
        instance = tx.query(ProcessInstance).filter_by(number=number).first()
        tx.add(
            Timer(
                key=key,
                process_instance_key=instance.key if instance else None,
                element_id="Task_SettleComplaint",
                due_at=desk.clock.now() + due,
                state="waiting",
            )
        )


def add_others(desk: RunningDesk) -> None:
    """A decision file and a form."""
    with desk.database.begin() as tx:
        at = desk.clock.now()
        tx.merge(
            DecisionTables(
                requirements_key="1",
                resource_name="complaint-policy.dmn",
                version=3,
                row_texts={},
                deployed_at=at,
            )
        )
        tx.merge(FormVersion(form_key="1", form_id="settle-complaint", version=2, schema={}, deployed_at=at))
