"""Stories of what nobody does in time in an event, what it puts right, and who belongs to it (rules E3 to E6)."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.stories.test_complaint_handling import NO_SIGNAL
from tests.stories.test_major_incident import PLAN, Event, report
from tests.stories.world import World
from workers.errors import Conflict
from workers.store import rectifications
from workers.store.rectification_tables import Rectification

pytestmark = pytest.mark.parametrize("world", ["postgresql"], indirect=True)

TIERS = ("branch", "city", "province")
PASSED = {
    "acknowledge-overdue": ("Event_NotAcknowledged", "PT31M", "PT31M", "PT31M"),
    "decide-overdue": ("Event_NotDecided", "PT2H1M", "PT4H1M", "PT4H1M"),
    "execute-overdue": ("Event_NotCarriedOut", "PT24H1M", "PT48H1M", "PT72H1M"),
}
"""What passes -> the end of a tier that lets it pass, and the time that each tier has."""
YUHANG = {"province": "浙江", "city": "杭州", "branch": "余杭"}
"""A place of these stories alone: its complaints join no event of another story."""


def codes(event: Event) -> list[str]:
    return [entry["code"] for entry in event["timeline"]]


def said(event: Event, code: str) -> list[str]:
    """What the timeline says under a code, in order."""
    return [entry["what"] for entry in event["timeline"] if entry["code"] == code]


def complete(event: Event, form: str, group: str, person: str, **answers: Any) -> None:
    """A person completes the task of their group; an event may have several with one form."""

    def mine() -> list[str]:
        tasks = [task for task in event["tasks"] if task["form"] == form]
        return [task["task"] for task in tasks if task["groups"] == [group]]

    event.wait(lambda: bool(mine()), f"a task with the form {form} for {group}")
    event.world.client.complete(mine()[0], person, answers)


def dismiss(event: Event) -> None:
    answers = {"incident_decision": "dismiss", "decision_reason": "演练误报。"}
    event.complete_as_owner("decide-incident", **answers)
    event.wait_status("dismissed")


def do_until(event: Event, missed: str) -> None:
    """The tier does what comes before that which it will miss; the task it leaves is offered."""
    if missed == "acknowledge-overdue":
        event.task("acknowledge-incident")
        return
    event.complete_as_owner("acknowledge-incident")
    if missed == "decide-overdue":
        event.task("decide-incident")
        return
    event.complete_as_owner("decide-incident", **PLAN)
    assert event.task("carry-out-plan")["groups"] == ["customer-service"]


@pytest.mark.parametrize("missed", PASSED)
def test_E3_every_tier_that_misses_a_time_is_passed_over_and_stays_informed(
    world: World, missed: str
) -> None:
    """Not acknowledged, not decided, not carried out: branch, city, province, each in its own time; the province is
    asked again, as nobody is above. Everybody passed over hears of each move, and how it ended."""
    end, *times = PASSED[missed]
    event = report(world, "hall-outage", outage_minutes=15)
    passed_over: list[str] = []
    for (tier, above), time in zip(itertools.pairwise((*TIERS, "province")), times, strict=True):
        do_until(event, missed)
        assert event["tier"] == tier
        passed_over.append(event["owner"]["person"])
        told_before, moves_before = event.told("incident-moved"), len(said(event, "incident-raised"))
        world.advance(time)
        assert event["tier"] == above
        assert len(said(event, "incident-raised")) == moves_before + 1, "one tier up, not two"
        told = event.told("incident-moved")[len(told_before) :]
        assert set(told) >= set(passed_over), "all whom it passed hear of every move"
        assert set(event["watchers"]) >= set(passed_over)
        assert event.told("incident-called").count(event["owner"]["person"]) >= 1
        assert event["status"] == "declared", "the new tier has to acknowledge for itself"
    assert len(set(passed_over)) == 3
    assert end in event.walked()
    event.complete_as_owner("acknowledge-incident")
    dismiss(event)
    world.settle()
    assert set(event.told("incident-dismissed")) >= set(passed_over)
    assert event["tasks"] == [], "the report that nobody wrote is asked of nobody any more"
    [first] = event["reports"]
    is_late = missed != "acknowledge-overdue"
    assert (first["lapsed"], first["overdue"]) == (True, is_late), "and its time runs no longer"
    assert ("he.kefu" in event.told("incident-report-overdue")) is is_late


def test_E4_reports_that_nobody_writes_are_asked_of_every_tier_above(world: World) -> None:
    """Progress and final report each pass service office, city and province; each keeps the time it was due first."""
    event = report(world, "network-outage", outage_minutes=40)
    event.plan()
    event.complete("submit-incident-report", "he.kefu", incident_report="首报：正在抢修。")
    event.wait(lambda: "report-submitted" in codes(event), "the first report is in")
    assert len(event["reports"]) == 1, (
        "the next one is asked for when this one was due, however early it came"
    )
    world.advance("PT2H1M")
    assert _asked(event, "progress") == (["customer-service"], False)
    due_at = _report(event, "progress")["due_at"]
    missed = ["he.kefu"]
    for passing, group in (("PT8H1M", "city-management"), ("PT4H1M", "province-management")):
        world.advance(passing)
        assert _asked(event, "progress") == ([group], True)
        assert set(event.told("incident-report-overdue")) >= set(missed)
        missed.append(_report(event, "progress")["owner"]["person"])
    assert set(missed) <= {*event["watchers"], missed[-1]}, "who did not write it watches"
    assert _report(event, "progress")["due_at"] == due_at
    assert (event["tier"], event["status"]) == ("branch", "decided"), "a late report does not move the event"
    event.complete("submit-incident-report", missed[-1], incident_report="续报：已定位故障点。")
    event.wait(lambda: _report(event, "progress")["submitted_at"] is not None, "the progress report is in")
    assert _report(event, "progress")["author"] == missed[-1]

    event.carry_out()
    event.wait_status("solved")
    assert _asked(event, "final") == (["customer-service"], False)
    before = len(event.told("incident-report-overdue"))
    for passing, group in (
        ("P3DT1M", "city-management"),
        ("P3DT1M", "province-management"),
        ("P5DT1M", "province-management"),
    ):
        world.advance(passing)
        assert _asked(event, "final") == ([group], True), "asked again where nobody is above, never silent"
        assert len(event.told("incident-report-overdue")) > before
        before = len(event.told("incident-report-overdue"))
    assert event["status"] == "solved", "an event is not closed without its final report"
    person = _report(event, "final")["owner"]["person"]
    event.complete("submit-incident-report", person, incident_report="终报。")
    event.wait_status("closed")
    world.settle()
    assert event["outcome"] == "solved"
    assert set(event.told("incident-closed")) >= {"he.kefu", *missed[1:]}
    assert codes(event).count("report-overdue") == 5
    assert {"Event_NextReportDue", "Event_ReportOverdue", "Event_ReportDone"} <= event.walked()


def _report(event: Event, kind: str) -> dict[str, Any]:
    [found] = [each for each in event["reports"] if each["kind"] == kind]
    return found


def _asked(event: Event, kind: str) -> tuple[list[str], bool]:
    """Of which group the report is asked now, and whether it is overdue."""
    task = event.task("submit-incident-report")
    found = _report(event, kind)
    assert task["groups"] == [found["owner"]["group"]]
    return task["groups"], found["overdue"]


def test_E5_B6_what_an_event_orders_is_followed_to_the_end(world: World) -> None:
    """Customer service's part works. That of network operations does not, is then late in its second round and goes to
    the branch, does not work again and is reported to the province. Only then the event is reported on and closed."""
    event = report(world, "network-outage", outage_minutes=40)
    event.plan()
    event.carry_out("network-operations", "customer-service")
    event.wait_status("solved")
    event.wait(lambda: len(event.told("rectification-assigned")) == 2, "both departments have their part")
    assert {row.cause_code for row in _rows(event)} == {"network"}
    assert set(event.told("rectification-assigned")) == {row.owner for row in _rows(event)}
    _carry_out(event, "network-operations", "luo.wangluo")
    _carry_out(event, "customer-service", "he.kefu")
    world.advance("P13DT23H")
    assert event["tasks"] == [], "the effect needs its time, and the final report tells how it ended"
    world.advance("PT2H")
    _check(event, "complaint-group", "yuan.xiaozu", is_effective=True)
    _check(event, "customer-service", "he.kefu", is_effective=False)
    event.wait(lambda: len(event.told("rectification-assigned")) == 3, "network operations once more")

    again = _row(event, "network-operations")
    assert (again.round, again.status) == (2, "open")
    world.advance("P7DT1H")
    assert again.owner in event.told("rectification-warning")
    assert again.owner in event.told("rectification-raised")
    assert _row(event, "branch-management").missed_at is not None
    assert event["status"] == "solved"
    _carry_out(event, "branch-management", "yin.fenzhang")
    world.advance("P14DT1H")
    _check(event, "customer-service", "he.kefu", is_effective=False)
    event.wait(lambda: bool(event.told("rectification-unsolved")), "reported")
    assert {row.status for row in _rows(event)} == {"effective", "reported"}
    assert set(event.told("rectification-unsolved")) >= {"yin.fenzhang", "fu.shenggongsi"}, (
        "the owner, and the province"
    )
    event.complete("submit-incident-report", "he.kefu", incident_report="终报：整改未达效，已上报。")
    event.wait_status("closed")
    world.settle()
    assert event.walked() >= {
        "Event_OwnerWarned",
        "Event_RectificationEffective",
        "Event_RectificationReported",
        "Event_IncidentClosed",
    }


def _rows(event: Event) -> list[Rectification]:
    with event.world.database.read() as tx:
        return rectifications.page(tx, number=event.number)


def _row(event: Event, group: str) -> Rectification:
    [found] = [row for row in _rows(event) if row.group == group]
    return found


def _carry_out(event: Event, group: str, person: str) -> None:
    complete(event, "carry-out-rectification", group, person, measures="更换板卡，核对配置。")


def _check(event: Event, group: str, person: str, *, is_effective: bool) -> None:
    complete(event, "check-effect", group, person, is_effective=is_effective, check_note="已复测。")


def test_E6_who_comes_late_joins_and_hears_the_same_once(world: World) -> None:
    """Tied by hand, the level stays; one that complains after the plan joins by itself; one after the solution does
    not. Both hear the one answer once, and the event counts two."""
    early = world.complain(NO_SIGNAL, product="voice", region=YUHANG)
    early.task("investigate-complaint")
    about = {"region": YUHANG, "category": "service-quality", "product": "voice", "outage_minutes": 40}
    event = report(world, "network-outage", **about)
    event.task("acknowledge-incident")
    world.client.attach(event.number, "he.kefu", [early.number])
    event.wait(lambda: "Event_GrowthNoted" in event.walked(), "looked at again")
    assert (event["tier"], event.told("incident-called")) == ("branch", ["luo.fenzhang"])
    event.plan()
    event.wait_status("decided")
    late = world.complain(NO_SIGNAL, product="voice", region=YUHANG)
    for case in (early, late):
        case.wait(lambda case=case: bool(case.messages("incident-joined")), "joined")  # type: ignore[misc]
    assert (event["complaints"], event["complaint_count"]) == ([early.number, late.number], 2)
    world.settle()
    assert late.tasks() == [] == early.tasks(), "nobody works on them by themselves"
    event.carry_out()
    event.wait_status("solved")
    after = world.complain(NO_SIGNAL, product="voice", region=YUHANG)
    assert after.task("investigate-complaint")["groups"] == ["network-operations"]
    event.complete("submit-incident-report", "he.kefu", incident_report="终报。")
    event.wait_status("closed")
    for case in (early, late):
        case.answer_survey()
        case.wait_status("closed")
        assert (len(case.messages("incident-result-told")), case["outcome"]) == (1, "solved")
    assert after.messages("incident-joined") == after.messages("incident-result-told") == []
    assert event["complaint_count"] == 2
    assert any("2 " in what for what in said(event, "incident-solved"))
    world.client.withdraw(after.number, None)
    after.wait_status("withdrawn")


def test_E6_A9_a_false_alarm_lets_its_complaints_go_with_their_clocks_as_they_were(world: World) -> None:
    """Dismissed: the department has both complaints again, due when they were before; no event counts them any more.
    A second start of the same event, which the engine held back meanwhile, finds nothing to do."""
    cases = [world.complain(NO_SIGNAL, product="voice", region=YUHANG) for _ in range(2)]
    for case in cases:
        case.task("investigate-complaint")
    due_at = [case.deadline("result")["due_at"] for case in cases]
    event = report(world, "network-outage", region=YUHANG, outage_minutes=40)
    event.task("acknowledge-incident")
    world.publish("incident-declared", event.number, f"{event.number}:again", {"number": event.number})
    world.client.attach(event.number, "he.kefu", [case.number for case in cases])
    for case in cases:
        case.wait(lambda case=case: bool(case.messages("incident-joined")), "joined")  # type: ignore[misc]
    world.settle()
    assert [case.tasks() for case in cases] == [[], []]
    event.complete("acknowledge-incident", "luo.fenzhang")
    dismiss(event)
    for case, due in zip(cases, due_at, strict=True):
        assert case.task("investigate-complaint")["groups"] == ["network-operations"]
        assert case.deadline("result")["due_at"] == due
        assert case.messages("incident-result-told") == []
        assert "detached" in [entry["code"] for entry in case["timeline"]]
    event.wait(lambda: "Event_NothingToDo" in event.walked(), "the second start")
    assert (event["status"], event["outcome"], event["complaint_count"]) == ("dismissed", "false-alarm", 0)
    assert event.told("incident-called") == ["luo.fenzhang"], "called once"
    assert event.told("incident-dismissed") == ["luo.fenzhang"]
    other = report(world, "network-outage", region=YUHANG, outage_minutes=40)
    other.task("acknowledge-incident")
    with pytest.raises(Conflict, match="joins none again"):
        world.client.attach(other.number, "he.kefu", [cases[0].number])
    other.complete("acknowledge-incident", "luo.fenzhang")
    dismiss(other)
    for case in cases:
        world.client.withdraw(case.number, None)
        case.wait_status("withdrawn")
