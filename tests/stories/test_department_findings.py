"""Stories of department-handling: lead and assisting, findings, remedies, rectification (B5, B6, C4, C7, D7).

Each runs the process by itself, for a complaint that the front desk has settled.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.stories.world import Case, World

pytestmark = pytest.mark.parametrize("world", ["sqlite"], indirect=True)

RUDE = "营业厅排队很久，工作人员态度很差，希望你们改进服务。"


def handled(world: World, policy: str = "petition", **changed: Any) -> Case:
    """A department gets the case, with 24 h for the investigation and 96 h for the result."""
    case = world.complain(RUDE)
    case.complete("settle-complaint", is_settled=True, customer_reply="已向您说明。")
    case.wait(lambda: "satisfaction-survey" in case.events(), "the survey is sent")
    begun = datetime.fromisoformat(world.client.advance_clock("PT1S")["now"])
    instants = {
        f"{stage}_{what}_at": (begun + timedelta(hours=hours * share)).isoformat(timespec="seconds")
        for stage, hours in (("investigation", 24), ("result", 96))
        for what, share in (("first_warning", 0.5), ("second_warning", 0.75), ("due", 1))
    }
    given = {
        "tier": "department",
        "owner_group": "billing",
        "is_reopened": False,
        "is_investigated": False,
        "passed_over": None,
        "needs_coordination": False,
        "assisting_groups": [],
        "finding": None,
        "cause_code": None,
        "complaint_policy": {"warning_shares": [0.5, 0.75], "required_fields": [], "repeat_window": "P30D"},
    }
    world.start("department-handling", case.number, policy=policy, **given | instants | changed)
    return case


def investigate(case: Case, finding: str, cause_code: str) -> None:
    case.complete(
        "investigate-complaint", finding=finding, cause_code=cause_code, findings="已调取录像核查。"
    )


def carry_out(case: Case) -> None:
    case.complete("propose-solution", solution="向客户说明并改进。", customer_reply="我们已核查并改进。")
    case.complete("carry-out-solution", result="已落实。")


def is_done(case: Case) -> bool:
    return "Event_DepartmentDone" in case.walked()


def test_C4_lead_and_assisting_departments_work_side_by_side_and_a_late_part_does_not_hold_up(
    world: World,
) -> None:
    """The complaint group names a lead and two assisting departments; one is late, the lead goes on without it."""
    case = handled(world, needs_coordination=True)
    case.complete(
        "name-departments", owner_group="network-operations", assisting_groups=["billing", "business-support"]
    )
    assert case.task("investigate-complaint")["groups"] == ["network-operations"]
    world.settle()
    parts = {task["groups"][0]: task for task in case.tasks() if task["form"] == "assist-investigation"}
    assert set(parts) == {"billing", "business-support"}
    assert case.messages("assistance-requested")
    answers = {"assistance_findings": "账务无误。"}
    world.client.complete(parts["billing"]["task"], "desk.duty", answers)
    investigate(case, "disputed", "partner")
    world.settle()
    assert "propose-solution" not in [task["form"] for task in case.tasks()], "a part is still awaited"
    asked = {m["recipient"] for m in case.messages("assistance-requested")}
    world.advance("PT12H")
    warned = [m["recipient"] for m in case.messages("deadline-warning")]
    assert set(warned) & asked == {"cen.yewu"}, "only the part that is still missing is warned"
    world.advance("PT6H")
    late = {m["recipient"] for m in case.messages("assistance-late")}
    assert late == {case["owner"]["person"], "yuan.xiaozu"}, "the lead and the complaint group"
    assert case.walked() >= {"Event_PartDone", "Event_PartLate"}
    assert "assist-investigation" not in [task["form"] for task in case.tasks()], "too late now"
    case.complete("record-negotiation", negotiation_outcome="双方同意更换设备。")
    carry_out(case)
    case.wait(lambda: is_done(case), "the department is done")


def test_D7_departments_not_named_in_time_and_an_apology_in_person(world: World) -> None:
    """Nobody names departments: the suggested one goes on; its own staff was at fault and apologises."""
    case = handled(world, needs_coordination=True)
    case.task("name-departments")
    world.advance("PT2H5M")
    assert case.task("investigate-complaint")["groups"] == ["billing"]
    investigate(case, "upheld", "staff")
    carry_out(case)
    case.complete("apologise-in-person", apology_note="当事人已当面致歉，客户接受。")
    case.wait(lambda: is_done(case), "the department is done")
    assert case.messages("apology-overdue") == []
    assert "Task_RecordNegotiation" not in case.walked()


def test_D7_an_apology_that_is_not_made_in_time_is_told(world: World) -> None:
    """48 h pass: the complaint group is told, and the result does not wait."""
    case = handled(world)
    investigate(case, "upheld", "training")
    carry_out(case)
    case.task("apologise-in-person")
    world.advance("PT48H5M")
    assert case.messages("apology-overdue")
    assert is_done(case)


def test_B6_the_operators_own_process_at_fault_is_put_right(world: World) -> None:
    """A rectification runs on its own after the department is done."""
    case = handled(world)
    investigate(case, "upheld", "process")
    carry_out(case)
    case.wait(lambda: is_done(case), "the department is done")
    case.wait(lambda: "Event_RectificationOrdered" in case.walked(), "the rectification has begun")
    assert "Task_ApologiseInPerson" not in case.walked()


def test_D1_a_refund_is_asked_for_in_yuan_and_a_charge_that_was_never_made_is_not_paid_back(
    world: World,
) -> None:
    """The department asks for money: billing knows no such charge, the customer hears it, the department goes on."""
    case = handled(world)
    investigate(case, "not-upheld", "customer-side")
    case.complete(
        "propose-solution",
        solution="核对账单。",
        customer_reply="我们已核对账单。",
        is_refund_asked=True,
        refund_kind="wrong-charge",
        asked_yuan=38.5,
        charge_period="2026-10",
    )
    case.complete("carry-out-solution", result="已核对。")
    case.wait(lambda: is_done(case), "the department is done")
    assert {"Call_RefundApproval", "Event_RefundNotCharged"} <= case.walked()


def test_C7_the_result_goes_back_to_customer_service(world: World) -> None:
    """Network company: cause, measures and result are with customer service at once, well within the hour."""
    case = handled(world, policy="network-company")
    investigate(case, "not-upheld", "customer-side")
    carry_out(case)
    case.wait(lambda: bool(case.messages("result-reported")), "customer service has the result")
    case.wait(lambda: is_done(case), "the department is done")
