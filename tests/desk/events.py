"""Events at some point of their life in a running desk, as workers and the record stream would have written them."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

from tests.desk_server import ROOT, RunningDesk, add_complaint
from workers.names import SHANGHAI
from workers.store import complaints, incident_reports, incidents, staff, task_offers, timeline
from workers.store.incident_reports import Asked
from workers.store.record_tables import Element, FormVersion, ProcessInstance, ProcessVersion, UserTask

_DEFINITIONS = {"major-incident": "2251799813685301", "incident-report": "2251799813685302"}
PLACE = {"province": "浙江省", "city": "杭州市", "branch": "西湖分公司"}
DUTY = {"branch": "branch-management", "city": "city-management", "province": "province-management"}


def add_event(desk: RunningDesk, *, owner: str = "an.shigongsi", tier: str = "city", **columns: Any) -> str:
    """An event that a tier has; nobody has acknowledged it. Returns its number."""
    now = desk.clock.now()
    values = {"policy": "petition", "kind": "network-outage", "flags": [], **PLACE, **columns}
    with desk.database.begin() as tx:
        number = incidents.declare(tx, now, who="lin.qiantai", count=0, **values)
        incident = incidents.get(tx, number)
        incident.status, incident.level, incident.reason = "declared", tier, "wide-outage"
    call(desk, number, tier, owner)
    return number


def call(desk: RunningDesk, number: str, tier: str, owner: str) -> None:
    """What calling a tier writes: its duty manager owns the event."""
    now = desk.clock.now()
    due_at = (now + timedelta(minutes=30)).astimezone(SHANGHAI).isoformat(timespec="seconds")
    with desk.database.begin() as tx:
        incident = incidents.get(tx, number)
        incident.tier, incident.owner_person, incident.owner_group = tier, owner, DUTY[tier]
        key = f"{number}:duty-called:{len(timeline.of(tx, number))}"
        name = staff.names(tx, {owner}).get(owner, owner)
        facts = {"owner": owner, "name": name, "group": DUTY[tier], "tier": tier, "due_at": due_at}
        timeline.add(tx, number, now, "duban", "duty-called", key, **facts)


def move(desk: RunningDesk, number: str, tier: str, owner: str, how: str = "called-up") -> None:
    """What the process does with a move that was asked for."""
    with desk.database.begin() as tx:
        incident = incidents.get(tx, number)
        facts = {"tier": tier, "from_tier": incident.tier, "owner": incident.owner_person, "how": how}
        code = "incident-raised" if how != "hand-back" else "incident-handed-back"
        key = f"{number}:{code}:{len(timeline.of(tx, number))}"
        timeline.add(tx, number, desk.clock.now(), "duban", code, key, **facts)
    call(desk, number, tier, owner)


def tie(desk: RunningDesk, number: str, count: int = 1, **more: Any) -> list[str]:
    """Complaints of as many customers that belong to the event; their numbers."""
    numbers = []
    for each in range(count):
        customer = {"name": "王小明", "phone": f"1390013{each:04}"}
        complaint = add_complaint(desk, **({"customer": customer} | more))
        numbers.append(complaint)
        with desk.database.begin() as tx:
            row, now = complaints.get(tx, complaint), desk.clock.now()
            row.status, row.category = "in-progress", "service-quality"
            incidents.attach(tx, incidents.get(tx, number), row, "duban", now)
    return numbers


def add_task(
    desk: RunningDesk, number: str, element: str, form: str, group: str, minutes: int, key: str
) -> str:
    """An open task of the event, due in so many minutes, an hour after it was created; its key."""
    now = desk.clock.now()
    due_at = now + timedelta(minutes=minutes)
    process = "incident-report" if form == "submit-incident-report" else "major-incident"
    instance = _process(desk, number, process)
    schema = json.loads(next(ROOT.glob(f"bpmn/*/{form}.form")).read_text(encoding="utf-8"))
    with desk.database.begin() as tx:
        tx.merge(
            FormVersion(form_key=f"form-{form}", form_id=form, version=1, schema=schema, deployed_at=now)
        )
        tx.merge(
            UserTask(
                key=key,
                process_instance_key=instance,
                process_id=process,
                definition_key=_DEFINITIONS[process],
                element_id=element,
                element_key=f"8{key[1:]}",
                form_key=f"form-{form}",
                state="open",
                groups=[group],
                created_at=due_at - timedelta(hours=1),
                due_at=due_at,
            )
        )
        tx.flush()
        task_offers.refresh(tx, [key])
    return key


def add_report(desk: RunningDesk, number: str, kind: str, owner: str, minutes: int) -> None:
    """A report that is due in so many minutes, asked of the customer service."""
    asked = Asked(_process(desk, number, "incident-report"), number, kind, "customer-service")
    with desk.database.begin() as tx:
        incidents.get(tx, number)
        incident_reports.ask(tx, asked, owner, desk.clock.now() + timedelta(minutes=minutes))


def stand(desk: RunningDesk, number: str, element: str) -> None:
    """The process of the event stands at this element."""
    instance, now = _process(desk, number, "major-incident"), desk.clock.now()
    with desk.database.begin() as tx:
        incidents.get(tx, number).process_instance_key = instance
        for at, (name, state) in enumerate((("Task_DeclareIncident", "completed"), (element, "active"))):
            tx.merge(
                Element(
                    key=f"{instance}{at}",
                    process_instance_key=instance,
                    process_id="major-incident",
                    element_id=name,
                    element_type="USER_TASK",
                    state=state,
                    started_at=now,
                )
            )


def _process(desk: RunningDesk, number: str, process: str) -> str:
    """The instance of a process for the event, deployed as it is in bpmn/."""
    resource = (ROOT / "bpmn" / process / f"{process}.bpmn").read_text(encoding="utf-8")
    names = dict(re.findall(r'<bpmn:\w+ id="(\w+)" name="([^"]*)"', resource))
    instance, now = f"7{_DEFINITIONS[process][-1]}{number[2:10]}{number[-4:]}", desk.clock.now()
    deployed = {"process_id": process, "version": 1, "definition_key": _DEFINITIONS[process]}
    with desk.database.begin() as tx:
        version = {"resource_name": f"{process}.bpmn", "checksum": "0", "resource": resource}
        tx.merge(ProcessVersion(**deployed, **version, element_names=names, deployed_at=now))
        tx.merge(ProcessInstance(key=instance, **deployed, number=number, state="active", started_at=now))
    return instance
