"""Stories of major-incident and incident-report: tiers, reports, complaints, every end (rules E1 to E6)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.stories.test_complaint_handling import NO_SIGNAL
from tests.stories.world import WAIT_SECONDS, World
from workers.store import incidents, record_queries
from workers.store.tables import Complaint

pytestmark = pytest.mark.parametrize("world", ["postgresql"], indirect=True)

PLACE = {"province": "浙江", "city": "杭州", "branch": "西湖"}
ELSEWHERE = {"province": "浙江", "city": "温州"}
"""Where no other story complains: nothing is found in the data there."""
PLAN = {
    "incident_decision": "plan",
    "incident_plan": "更换设备，增派人手。",
    "customer_reply": "故障设备已更换，业务已恢复，感谢您的谅解。",
    "convened_groups": ["network-operations"],
}


class Event:
    """One event, as the outside sees it."""

    def __init__(self, world: World, number: str) -> None:
        self.world, self.number = world, number

    def __getitem__(self, key: str) -> Any:
        return self.world.client.event(self.number)[key]

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        pause = threading.Event()
        for _ in range(WAIT_SECONDS * 5):
            if condition():
                return
            pause.wait(0.2)
        raise AssertionError(f"{what}: {self.world.client.event(self.number)}")

    def wait_status(self, status: str) -> None:
        self.wait(lambda: self["status"] == status, f"status {status}")

    def wait_called(self, tier: str, person: str) -> None:
        """Until the tier's manager has it: between move and call, the tier is new and the owner is not yet."""

        def has_it() -> bool:
            shown = self.world.client.event(self.number)
            return bool(shown["tier"] == tier and shown["owner"]["person"] == person)

        self.wait(has_it, f"{person} of the {tier} is called")

    def task(self, form: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = []

        def offered() -> bool:
            tasks = self.world.client.tasks()
            found[:] = [each for each in tasks if each["number"] == self.number and each["form"] == form]
            return bool(found)

        self.wait(offered, f"a task with the form {form}")
        return found[0]

    def complete(self, form: str, /, person: str | None = None, **answers: Any) -> None:
        self.world.client.complete(self.task(form)["task"], person or "desk.duty", answers)

    def told(self, event: str) -> list[str]:
        return [each["recipient"] for each in self["messages"] if each["event"] == event]

    def walked(self) -> set[str]:
        with self.world.database.read() as tx:
            return {each.element_id for each in record_queries.walked_elements(tx, self.number)}

    def complete_as_owner(self, form: str, /, **answers: Any) -> None:
        """Whoever has the event completes the task, once it is offered to their group."""
        found: list[tuple[str, str]] = []

        def offered() -> bool:
            shown = self.world.client.event(self.number)
            owner = shown["owner"]
            tasks = [each for each in shown["tasks"] if each["form"] == form]
            found[:] = [
                (each["task"], owner["person"]) for each in tasks if each["groups"] == [owner["group"]]
            ]
            return bool(found)

        self.wait(offered, f"a task with the form {form} for whoever has the event")
        self.world.client.complete(*found[0], answers)

    def plan(self) -> None:
        """Acknowledged and decided by whoever has it."""
        self.complete_as_owner("acknowledge-incident")
        self.complete_as_owner("decide-incident", **PLAN)

    def carry_out(self, *groups: str) -> None:
        answers = {
            "plan_result": "已恢复并验证。",
            "cause_code": "network",
            "rectification_groups": list(groups),
        }
        self.complete("carry-out-plan", "he.kefu", **answers)

    def final_report_tasks(self) -> list[str]:
        """Told by its due time from a progress report's, which is being taken away meanwhile."""
        shown = self.world.client.event(self.number)
        due = {each["due_at"] for each in shown["reports"] if each["kind"] == "final"}
        reports = [each for each in shown["tasks"] if each["form"] == "submit-incident-report"]
        return [each["task"] for each in reports if each["due_at"] in due]

    def close(self) -> None:
        """Carried out, without rectification, and finally reported."""
        self.carry_out()
        self.wait_status("solved")
        self.wait(lambda: bool(self.final_report_tasks()), "the final report is asked for")
        self.world.client.complete(self.final_report_tasks()[0], "desk.duty", {"incident_report": "终报。"})
        self.wait_status("closed")


def report(world: World, kind: str, **fields: Any) -> Event:
    told = {"as": "lin.qiantai", "policy": "petition", "kind": kind, "region": PLACE} | fields
    return Event(world, world.client.report_event(told)["number"])


def test_E1_a_hall_that_is_down_for_ten_minutes_is_an_event_and_a_shorter_outage_is_kept(
    world: World,
) -> None:
    """Nine minutes: kept, and the reporter is told why not. Ten: the branch's duty manager is called."""
    short = report(world, "hall-outage", outage_minutes=9)
    short.wait_status("noted")
    assert (short["reason"], short["outcome"], short["tier"]) == ("short-outage", "below-threshold", None)
    short.wait(lambda: short.told("incident-noted") == ["lin.qiantai"], "the reporter is told")
    long = report(world, "hall-outage", outage_minutes=10)
    long.task("acknowledge-incident")
    assert (long["status"], long["tier"], long["reason"]) == ("declared", "branch", "hall-down")
    assert long.told("incident-called") == ["yin.fenzhang"]
    long.complete("acknowledge-incident", "yin.fenzhang")
    answers = {"incident_decision": "dismiss", "decision_reason": "监控误报。"}
    long.complete("decide-incident", "yin.fenzhang", **answers)
    long.wait_status("dismissed")
    world.settle()
    assert "Event_IncidentDismissed" in long.walked()
    assert "Event_IncidentNoted" in short.walked()


def test_E3_a_tier_raises_and_a_higher_one_hands_back_and_anybody_in_charge_may_call_the_next(
    world: World,
) -> None:
    """Branch raises with a reason, city hands back, the branch is called again; then the next tier by hand."""
    event = report(world, "network-outage", outage_minutes=40)
    event.complete("acknowledge-incident", "yin.fenzhang")
    answers = {"incident_decision": "raise", "decision_reason": "超出本级权限。"}
    event.complete("decide-incident", "yin.fenzhang", **answers)
    event.wait_called("city", "an.shigongsi")
    event.complete_as_owner("acknowledge-incident")
    answers = {"incident_decision": "hand-back", "decision_reason": "本级可处置。"}
    event.complete_as_owner("decide-incident", **answers)
    event.wait_called("branch", "yin.fenzhang")
    event.task("acknowledge-incident")
    assert set(event["watchers"]) == {"yin.fenzhang", "an.shigongsi"}
    world.client.raise_event(event.number, "yin.fenzhang")
    event.wait_called("city", "an.shigongsi")
    event.plan()
    event.close()


def test_E3_whoever_has_the_event_hands_it_back_from_whatever_step(world: World) -> None:
    """The city has decided a plan and finds that the branch can do it: handed back while the plan is carried out."""
    event = report(world, "network-outage", outage_minutes=40)
    event.task("acknowledge-incident")
    world.client.raise_event(event.number, "yin.fenzhang", "超出本级权限。")
    event.wait_called("city", "an.shigongsi")
    event.plan()
    event.task("carry-out-plan")
    world.client.hand_back_event(event.number, "an.shigongsi", "分公司可以处置。")
    event.wait_called("branch", "yin.fenzhang")
    event.complete_as_owner("acknowledge-incident")
    assert set(event.told("incident-moved")) >= {"yin.fenzhang", "an.shigongsi"}
    assert "carry-out-plan" not in [each["form"] for each in event["tasks"]]
    answers = {"incident_decision": "dismiss", "decision_reason": "监控误报。"}
    event.complete_as_owner("decide-incident", **answers)
    event.wait_status("dismissed")
    world.settle()
    assert "Event_IncidentHandedBack" in event.walked()


def test_E6_a_complaint_that_is_let_go_is_handled_by_itself_again(world: World) -> None:
    """Two are tied; one turns out to be something else: its department has it again, and hears nothing of the event."""
    kept, other = (world.complain(NO_SIGNAL, product="voice", region=ELSEWHERE) for _ in range(2))
    for case in (kept, other):
        case.task("investigate-complaint")
    event = report(world, "network-outage", outage_minutes=40)
    world.client.attach(event.number, "he.kefu", [kept.number, other.number])
    for case in (kept, other):
        case.wait(lambda case=case: bool(case.messages("incident-joined")), "the customer knows")
    world.settle()
    world.client.detach(event.number, "he.kefu", other.number, "终端故障。")
    other.task("investigate-complaint")
    assert event["complaints"] == [kept.number]
    assert world.client.tell_event(event.number, "he.kefu", "抢修人员已到场。")["told"] == 1
    assert len(kept.messages("incident-progress")) == 1
    assert other.messages("incident-progress") == []
    event.plan()
    event.close()
    kept.wait_status("resolved")
    assert other["status"] == "in-progress"
    for case in (kept, other):
        world.client.withdraw(case.number, None)


def test_E6_complaints_of_an_event_are_told_and_solved_together(world: World) -> None:
    """Tied by hand; news from a report; one answer for all; one that comes later joins, none after the solution."""
    cases = [world.complain(NO_SIGNAL, product="voice") for _ in range(2)]
    for case in cases:
        case.task("investigate-complaint")
    event = report(world, "network-outage", outage_minutes=40, affected_users=2000)
    world.client.attach(event.number, "he.kefu", [case.number for case in cases])
    for case in cases:
        case.wait(lambda case=case: bool(case.messages("incident-joined")), "the customer knows")
    news = {"incident_report": "首报。", "customer_news": "抢修人员已到场。"}
    event.complete("submit-incident-report", "he.kefu", **news)
    for case in cases:
        case.wait(lambda case=case: bool(case.messages("incident-progress")), "the customer hears news")
    event.plan()
    event.close()
    for case in cases:
        case.answer_survey()
        case.wait_status("closed")
        assert len(case.messages("incident-result-told")) == 1


def test_E1_E6_growth_raises_the_level(world: World) -> None:
    """The branch's event has fifty complaints now: the city is called, without waiting for anybody's time."""
    event = report(world, "network-outage", outage_minutes=40)
    event.task("acknowledge-incident")
    _grow(world, event, 50)
    world.publish("incident-grew", event.number, f"{event.number}:grew:story", {})
    event.wait_called("city", "an.shigongsi")
    assert event["reason"] == "many-complaints"
    assert "Event_GrowthRaised" in event.walked()
    event.complete_as_owner("acknowledge-incident")
    answers = {"incident_decision": "dismiss", "decision_reason": "系统误报。"}
    event.complete_as_owner("decide-incident", **answers)
    event.wait_status("dismissed")


def _grow(world: World, event: Event, count: int) -> None:
    """Complaints that are closed already: they count, and have no process."""
    with world.database.begin() as tx:
        incident = incidents.get(tx, event.number)
        now = incident.declared_at
        for each in range(count):
            complaint = Complaint(
                number=f"TS{event.number[2:]}-{each:03}",
                policy="petition",
                channel="web",
                text="小区断网。",
                customer_key=f"story:{each}",
                received_at=now,
                status="closed",
                closed_at=now,
            )
            tx.add(complaint)
            tx.flush()
            incidents.attach(tx, incident, complaint, "duban", now)
