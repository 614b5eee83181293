"""Stories of policy mobile-branch, from the complaint to its archive (rules B13, D7 to D10)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.stories.world import Case, World
from workers.store import billing, complaints

pytestmark = pytest.mark.parametrize("world", ["postgresql"], indirect=True)

PARTNER_FEE = "这个月被某增值业务多扣费三十八元，我没有订购过，请核查。"


def hours(case: Case) -> dict[str, float]:
    received = datetime.fromisoformat(case["received_at"])
    due = {each["kind"]: datetime.fromisoformat(each["due_at"]) for each in case["deadlines"]}
    return {kind: round((at - received) / timedelta(hours=1)) for kind, at in due.items()}


def investigated(case: Case, cause_code: str, **asked: Any) -> None:
    case.complete(
        "investigate-complaint", finding="upheld", cause_code=cause_code, findings="核查了订购记录。"
    )
    reply = "我们已取消该业务并改进。"
    case.complete("propose-solution", solution="取消该业务。", customer_reply=reply, **asked)


def charged(case: Case, fen: int) -> None:
    """Billing has charged the customer this."""
    with case.world.database.begin() as tx:
        line = {
            "customer_no": complaints.get(tx, case.number).customer_no,
            "charge_id": f"{case.number}-1",
            "kind": "charge",
            "period": "2025-12",
            "item": "增值业务",
            "amount_fen": fen,
        }
        billing.load(tx, [billing.ChargeLine.model_validate(line)])


def test_D1_D2_D7_D8_D9_D10_nobody_handles_before_the_level_above_has_said_how(world: World) -> None:
    """A complaint that skipped levels, with a threat to go to the media, about a partner's service: the province gives
    instruction, mediation is offered, the partner asked and its violation reported; then it is handled, the wrong
    charge paid back double, who was at fault apologises in person, and the result is reported upward."""
    flags = ["skips-levels", "threat-media"]
    case = world.complain(PARTNER_FEE, policy="mobile-branch", product="value-added-service", flags=flags)
    assert case.task("instruct-handling")["groups"] == ["province-management"]
    assert case.task("contact-partner")["groups"] == ["business-support"]
    world.settle()
    assert sorted(each["form"] for each in case.tasks()) == ["contact-partner", "instruct-handling"]
    assert [each["recipient"] for each in case.messages("mediation-offered")] == ["customer"]
    assert hours(case) == {"instruction": 4, "reply": 72, "result": 72, "report": 96}
    case.complete("contact-partner", is_partner_violation=True, partner_answer="承认未经确认即开通。")
    assert case.tasks(), "without an instruction nobody begins"
    case.wait(lambda: bool(case.messages("partner-violation-reported")), "the violation is reported")
    case.complete("instruct-handling", instruction="先行取消业务，两日内答复客户。")

    assert case.task("investigate-complaint")["groups"] == ["billing"]
    assert case.deadline("instruction")["met_at"] is not None
    charged(case, 3800)
    investigated(case, "process", is_refund_asked=True, refund_kind="wrong-charge", asked_yuan=38)
    assert case.task("approve-refund")["groups"] == ["branch-management"]
    case.complete("approve-refund", "yin.fenzhang", approval="approve")
    case.complete("carry-out-solution", result="已取消并退费。")
    assert [(each["status"], each["paid_fen"]) for each in case["refunds"]] == [("paid", 7600)]
    case.complete("apologise-in-person", apology_note="当事人已当面致歉。")
    case.wait(lambda: bool(case.messages("satisfaction-survey")), "the survey is sent")
    assert case.messages("escalated-reported"), "the level above has the report"
    assert all(each["met_at"] and not each["missed"] for each in case["deadlines"])
    case.answer_survey()
    for days in ("P1DT1M", "P7DT1M", "P30DT1M"):
        world.settle()
        world.advance(days)
        world.await_morning()
        case.complete("follow-up-visit", is_solved=True)
    case.wait_status("closed")
    assert case["outcome"] == "solved"


def test_D8_D10_B13_what_a_level_lets_pass_is_held_against_it_and_the_case_goes_on(world: World) -> None:
    """12345 sends an escalated complaint: no instruction in 4 h, no word of the partner in a day, no reply in 24 h and
    no report in 36 h. Each is held against its unit and told; the case is handled all the same."""
    case = world.complain(
        PARTNER_FEE,
        policy="mobile-branch",
        product="value-added-service",
        channel="12345",
        flags=["escalated"],
    )
    assert case.task("instruct-handling")["groups"] == ["city-management"]
    world.settle()
    assert case.messages("mediation-offered") == [], "no threat, no mediation"
    assert hours(case) == {"instruction": 4, "reply": 24, "report": 36, "result": 72}
    world.advance("PT4H1M")
    late = case.deadline("instruction")
    assert (late["missed"], late["missed_by"]) == (True, "city-management")
    assert {each["form"] for each in case.tasks()} == {"contact-partner"}
    world.advance("PT20H1M")
    assert case.messages("step-overdue"), "the complaint group hears that nobody asked the partner"
    assert case.task("investigate-complaint")["groups"] == ["billing"]
    world.advance("PT12H")
    for kind in ("reply", "report"):
        assert case.deadline(kind)["missed"], kind
        assert case.deadline(kind)["missed_by"], kind
    assert case.messages("deadline-missed")
    investigated(case, "partner")
    case.complete("carry-out-solution", result="已取消。")
    case.wait(lambda: bool(case.messages("hotline-answered")), "12345 is answered as well")
    assert "Task_ApologiseInPerson" not in case.walked()
    assert case.messages("result-told")
    assert case.messages("escalated-reported"), "late, but reported"
    world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")
