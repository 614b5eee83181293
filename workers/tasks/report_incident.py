"""Reports on an event: asked for in time, of somebody by name, and never silently missed (rule E4).

Job type: ask-for-report
Reads: number, report_kind, tier, incident_clock (report_group, first_report_time, progress_interval,
    final_report_time).
Sets: report_owner, report_group, report_due_at.
Throws: nothing.
Effect: the report is due, with its owner.

Job type: pass-report
Reads: number, tier, report_owner, report_group, incident_clock (next_tier).
Sets: tier, passed_over.
Throws: nothing.
Effect: the report is noted as overdue; who did not write it watches the event from now on.

Job type: record-report
Reads: number.
Sets: has_customer_news.
Throws: nothing.
Effect: the report is submitted, by whom and when. The text stays with the answers.

Job type: tell-attached
Reads: number. Header `event`: the folder under templates/notifications.
Sets: nothing.
Throws: nothing.
Effect: one message to the customer of every complaint that waits for the end of the event (rule E6).
"""

from __future__ import annotations

from typing import Any, Final

from workers.cases.calendar import WorkingCalendar
from workers.clock import Clock
from workers.engine.jobs import Job
from workers.names import SHANGHAI
from workers.notifications.messenger import Messenger
from workers.store import incident_reports, incidents, staff, timeline, watchers
from workers.store.database import Database

_TIMES: Final = {"first": "first_report_time", "progress": "progress_interval", "final": "final_report_time"}
"""Kind of report -> column of decision `incident-clock`."""


def ask_for_report(
    database: Database,
    clock: Clock,
    calendar: WorkingCalendar,
    *,
    number: str,
    report_kind: str,
    tier: str,
    incident_clock: dict[str, Any],
    job: Job,
) -> dict[str, Any]:
    """Returns who writes it and until when; a second delivery finds it asked for."""
    group, key = incident_clock["report_group"], f"{number}:report-due:{job.element_instance_key}"
    with database.begin() as tx:
        incident = incidents.get(tx, number)
        noted = timeline.find(tx, key)
        if noted is None:
            person = staff.pick_owner(tx, group, incidents.region(incident))
            due_at = calendar.due_at(clock.now(), incident_clock[_TIMES[report_kind]], "clock")
            asked = incident_reports.Asked(job.process_instance_key, number, report_kind, group)
            incident_reports.ask(tx, asked, person.username, due_at)
            facts = {"kind": report_kind, "owner": person.username, "name": person.name, "group": group}
            facts |= {"due_at": due_at.astimezone(SHANGHAI).isoformat(timespec="seconds"), "tier": tier}
            timeline.add(tx, number, clock.now(), "duban", "report-due", key, **facts)
        else:
            facts = noted.facts
    return {"report_owner": facts["owner"], "report_group": group, "report_due_at": facts["due_at"]}


def pass_report(
    database: Database,
    clock: Clock,
    *,
    number: str,
    tier: str,
    report_owner: str,
    report_group: str,
    incident_clock: dict[str, Any],
    job: Job,
) -> dict[str, Any]:
    """Returns the tier that is asked next; the province is asked again."""
    key = f"{number}:report-overdue:{job.element_instance_key}"
    with database.begin() as tx:
        incidents.get(tx, number)
        incident_reports.mark_overdue(tx, job.process_instance_key, clock.now())
        watchers.add(tx, number, report_owner, report_group, clock.now())
        facts = {"owner": report_owner, "group": report_group, "tier": tier}
        timeline.add(tx, number, clock.now(), "duban", "report-overdue", key, **facts)
    return {"tier": incident_clock["next_tier"], "passed_over": report_owner}


def record_report(database: Database, clock: Clock, *, number: str, job: Job) -> dict[str, Any]:
    """Returns whether the report has words for the customers of the event."""
    key = f"{number}:report-submitted:{job.process_instance_key}"
    with database.begin() as tx:
        incidents.get(tx, number)
        noted = timeline.find(tx, key)
        if noted is None:
            written = incident_reports.written(tx, number)
            kind = incident_reports.submit(tx, job.process_instance_key, written.author, clock.now())
            facts = {"kind": kind, "author": written.author, "has_news": written.news is not None}
            timeline.add(tx, number, clock.now(), "duban", "report-submitted", key, **facts)
        else:
            facts = noted.facts
    return {"has_customer_news": facts["has_news"]}


def tell_attached(database: Database, clock: Clock, messenger: Messenger, *, number: str, job: Job) -> None:
    """Writes the message of header `event` to every customer who waits."""
    event, now = job.headers["event"], clock.now()
    key = f"{number}:attached-told:{event}:{job.element_instance_key}"
    with database.begin() as tx:
        incidents.get(tx, number)
        news = incident_reports.written(tx, number).news
        if news is None or timeline.find(tx, key) is not None:
            return
        waiting = [each for each in incidents.members(tx, number) if each.closed_at is None]
        for complaint in waiting:
            messenger.tell_customer(tx, complaint, event, key, now, {"news": news})
        timeline.add(tx, number, now, "duban", "attached-told", key, event=event, count=len(waiting))
