"""Stories of policy broadband, from the complaint to its archive (rules B1 to B5, B7, B8, B11 to B13, F3)."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import httpx
import pytest

from tests.stories.conftest import BPMN
from tests.stories.world import Case, World
from workers.cases.calendar import WorkingCalendar, is_workday, read_hours
from workers.connection import find_instance
from workers.store import complaints, holders, outbox

pytestmark = pytest.mark.parametrize("world", ["sqlite"], indirect=True)

NO_NETWORK = "家里宽带从昨天晚上开始一直断网，重启光猫也没有用。"
WRONG_BILL = "这个月账单被多扣费三十八元，我没有订购过这项增值业务，请核查。"
LATE_CHANGE = "上周申请宽带移机到现在还没有人联系我。"
REPLY = "已核对您的账单，多收的三十八元将在下期账单中返还。"
CALENDAR = WorkingCalendar(
    read_hours(json.loads((BPMN / "working-hours.json").read_text("utf-8"))),
    lambda day: is_workday(day) if day.year < 2027 else day.weekday() < 5,  # as models_with_later_years says
)


def due(case: Case) -> dict[str, datetime]:
    return {each["kind"]: datetime.fromisoformat(each["due_at"]) for each in case["deadlines"]}


def verify(case: Case, *, is_verified: bool = True) -> None:
    case.complete("verify-identity", is_identity_verified=is_verified, identity_note="核对了户名与编号。")


def told(case: Case, event: str) -> str:
    """The words of a message to the customer."""
    with case.world.database.read() as tx:
        return next(each.body for each in outbox.of_number(tx, case.number) if each.event == event)


def as_people_read(instant: datetime) -> str:
    return f"{instant.month}月{instant.day}日 {instant:%H:%M}"


def test_B1_B2_B3_a_fee_check_is_accepted_verified_and_settled_at_the_front_desk(world: World) -> None:
    """Accepted with a personal handler and the time of the result; nobody works on it before identity and content
    are verified; the front desk settles it."""
    case = world.complain(WRONG_BILL, policy="broadband")
    task = case.task("verify-identity")
    assert task["groups"] == ["front-desk"]
    world.settle()
    assert [each["form"] for each in case.tasks()] == ["verify-identity"], "no work before it is verified"
    dates = due(case)
    received = datetime.fromisoformat(case["received_at"])
    times = {"acceptance": "P2WD", "preliminary": "P5WD", "result": "P7WD"}
    assert dates == {kind: CALENDAR.due_at(received, time, "working") for kind, time in times.items()}
    assert case.deadline("acceptance")["met_at"] is not None, "accepted with the result of the acceptance"
    accepted = told(case, "complaint-accepted")
    assert "受理人" in accepted
    assert as_people_read(dates["result"]) in accepted

    verify(case)
    case.complete("settle-complaint", is_settled=True, customer_reply=REPLY)
    case.answer_survey()
    case.wait_status("closed")
    assert case["tier"] == "front-desk"
    assert REPLY in told(case, "result-told")
    assert "complaint-assigned" not in case.events()
    assert not [each for each in case["deadlines"] if each["missed"]]


def test_B1_B2_B4_B11_B12_F3_silent_desks_hold_nothing_up_and_an_engineer_comes(world: World) -> None:
    """Nobody verifies, nobody follows the fault guide: told and passed over. The customer hears of progress instead of
    silence, the same by SMS as on the page and by the interface; the department sends an engineer and closes."""
    case = world.complain(NO_NETWORK, policy="broadband", product="broadband", channel="web")
    case.task("verify-identity")
    world.advance("PT4H1M")
    assert case.messages("step-overdue"), "the complaint group hears that nobody verified"
    assert case.task("diagnose-fault")["groups"] == ["front-desk"]
    world.advance("PT31M")
    assert case.task("investigate-complaint")["groups"] == ["network-operations"]
    assert "Event_HandedOn" in case.walked()
    assert case.messages("progress-told") == []
    world.advance("P1DT20H")
    assert len(case.messages("progress-told")) == 1
    expected = as_people_read(due(case)["result"])
    shown = case.show()
    assert expected in told(case, "progress-told")
    address = f"{find_instance(world.running.data).url}/complaints/{case.number}"
    page = httpx.get(address, timeout=60, trust_env=False).text
    assert case.number in page
    assert shown["status"] == "in-progress"
    assert "处理中" in page
    assert f"{due(case)['result']:%m-%d %H:%M}" in page

    case.complete("investigate-complaint", finding="disputed", cause_code="network", findings="光衰偏大。")
    case.complete("record-negotiation", negotiation_outcome="双方同意更换光猫并减免一周费用。")
    case.complete(
        "propose-solution", solution="上门更换光猫。", customer_reply="已为您更换光猫。", needs_visit=True
    )
    case.task("contact-customer-first")
    now = datetime.fromisoformat(world.client.advance_clock("PT1S")["now"])
    begins = now + timedelta(hours=1)
    case.complete(
        "contact-customer-first",
        is_reached=True,
        appointment_from_at=begins.isoformat(timespec="minutes"),
        appointment_to_at=(begins + timedelta(hours=2)).isoformat(timespec="minutes"),
    )
    case.complete("confirm-arrival")
    day = (
        {"is_same_day": True}
        if begins.date() == now.date()
        else {"is_same_day": False, "reason_code": "other"}
    )
    case.complete("complete-visit", is_visit_done=True, visit_note="已更换并测速。", **day)
    case.complete("carry-out-solution", result="已更换并测速。")
    case.answer_survey()
    case.wait_status("closed")
    assert case.messages("visit-appointed")
    assert case.messages("service-completed")


def test_B8_B13_what_the_regulator_sends_has_its_own_clocks_and_is_answered(world: World) -> None:
    """Accepted within a day with the time limit told, 15 working days for the result; identity that cannot be verified
    is asked for; the regulator and the person are both answered. Dissatisfied: assessed again (B7)."""
    case = world.complain(LATE_CHANGE, policy="broadband", channel="regulator")
    verify(case, is_verified=False)
    case.wait(lambda: bool(case.messages("identity-requested")), "the customer is asked to help")
    dates = due(case)
    received = datetime.fromisoformat(case["received_at"])
    assert set(dates) == {"acceptance", "result"}
    assert abs(dates["acceptance"] - received - timedelta(hours=24)) < timedelta(seconds=2)
    assert dates["result"] == CALENDAR.due_at(received, "P15WD", "working")
    assert as_people_read(dates["result"]) in told(case, "complaint-accepted")
    case.complete("settle-complaint", is_settled=False)
    assert case.task("investigate-complaint")["groups"] == ["business-support"]
    case.be_handled()
    case.wait(lambda: bool(case.messages("hotline-answered")), "the regulator is answered")
    assert [each["recipient"] for each in case.messages("hotline-answered")] == ["authority"]
    assert [each["recipient"] for each in case.messages("result-told")] == ["customer"]
    case.answer_survey("dissatisfied", is_solved=True)
    case.task("investigate-complaint")
    assert [entry["code"] for entry in case["timeline"]].count("reopened") == 1
    world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")


def test_B7_C9_at_the_limit_a_solved_matter_is_archived_and_an_unsolved_one_appealed(world: World) -> None:
    """Dissatisfied is enough to be handled again, once. Then: who says it is solved is archived though dissatisfied;
    who says it is not comes before other people, with a time of its own, and may still withdraw."""
    solved, unsolved = (world.complain(WRONG_BILL, policy="broadband") for _ in range(2))
    for case, is_solved in ((solved, True), (unsolved, False)):
        verify(case)
        case.complete("settle-complaint", is_settled=True, customer_reply=REPLY)
        case.answer_survey("dissatisfied", is_solved=is_solved)
        assert case.task("investigate-complaint")["groups"] == ["billing"]
        case.be_handled()
        case.wait(lambda c=case: len(c.messages("satisfaction-survey")) == 2, "asked again")  # type: ignore[misc]
        world.settle()
        world.client.answer_survey(case.number, {"satisfaction": "dissatisfied", "is_solved": is_solved})
    solved.wait_status("closed")
    assert (solved["outcome"], solved["satisfaction"], solved["appeal"]) == ("solved", "dissatisfied", None)
    assert unsolved.task("reassess-complaint")["groups"] == ["appeal-department"]
    filed = datetime.fromisoformat(unsolved["appeal"]["filed_at"])
    assert due(unsolved)["appeal"] == CALENDAR.due_at(filed, "P7WD", "working")
    assert unsolved.messages("appeal-registered")
    world.client.withdraw(unsolved.number, None)
    unsolved.wait_status("withdrawn")
    world.settle()
    assert [each["form"] for each in unsolved.tasks()] == ["carry-out-rectification"], (
        "the operator's own (B6)"
    )
    assert unsolved["appeal"]["outcome"] == "withdrawn"
    assert unsolved.messages("authority-guidance") == []


def test_B3_B12_a_fault_that_the_desk_guides_away_is_settled_there_and_late_work_is_expedited(
    world: World,
) -> None:
    """Guided steps help: the front desk says so to the customer and no department is asked. Where installation is
    overdue the customer has an apology at once, those responsible hear of it, and the department goes on."""
    guided, late = (world.complain(NO_NETWORK, policy="broadband", product="broadband") for _ in range(2))
    for case in (guided, late):
        verify(case)
    found = ("is_cell_fault", "is_account_suspended", "has_authentication_error", "is_guided_before")
    said = dict.fromkeys(found, "no") | {"has_terminal_fault": "yes"}
    guided.complete("diagnose-fault", guide_kind="network", **said)
    guided.complete("guide-customer", is_fault_solved=True)
    assert guided.task("settle-complaint")["groups"] == ["front-desk"]
    guided.complete("settle-complaint", is_settled=True, customer_reply="已指导您重启光猫，网络恢复正常。")
    guided.answer_survey()
    guided.wait_status("closed")
    assert (guided["tier"], guided["outcome"]) == ("front-desk", "solved")
    assert guided.messages("complaint-assigned") == []
    assert "重启光猫" in told(guided, "result-told")

    late.complete("diagnose-fault", guide_kind="service", is_work_overdue="yes")
    assert late.task("investigate-complaint")["groups"] == ["network-operations"]
    assert [each["recipient"] for each in late.messages("service-expedited")] == ["customer"]
    assert late.messages("service-expedite")
    assert [each["form"] for each in late.tasks()] == ["investigate-complaint"], "the desk has done its part"
    world.client.withdraw(late.number, None)
    late.wait_status("withdrawn")


def test_B2_B10_a_customer_whom_billing_knows_is_not_verified_by_a_person(world: World) -> None:
    """Number, telephone and name are the holder's: work starts at once, and billing's yes is all that is kept."""
    measures = {
        "policy": "broadband", "product": None, "flags": [], "complaint_priority": "ordinary",
        "complaint_policy": {"identity_time": "PT4H", "partner_time": "P1D"}, "instruction_level": None,
        "owner_group": "network-operations",
    }  # fmt: skip
    known, stranger = world.complain(NO_NETWORK), world.complain(NO_NETWORK)
    with world.database.begin() as tx:
        of_known, of_stranger = complaints.get(tx, known.number), complaints.get(tx, stranger.number)
        for of, name in ((of_known, of_known.customer_name), (of_stranger, "别人")):
            row = {"customer_no": of.customer_no, "name": name, "phone": of.customer_phone}
            holders.load(tx, [holders.HolderLine.model_validate(row)])
    for case in (known, stranger):
        world.start("special-measures", case.number, **measures)
    assert stranger.task("verify-identity")["groups"] == ["front-desk"]
    known.wait(lambda: "Event_IdentityConfirmed" in known.walked(), "billing said yes")
    assert "verify-identity" not in [task["form"] for task in known.tasks()]
    checked = [entry for entry in known["timeline"] if entry["code"] == "identity-checked"]
    assert [entry["what"] for entry in checked] == ["账务已确认身份：是 · Identity known to billing: yes"]
