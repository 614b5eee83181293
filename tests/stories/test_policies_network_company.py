"""Stories of policy network-company, from the complaint to its archive (rules C1 to C5, C7 to C9)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.stories.world import Case, World

pytestmark = pytest.mark.parametrize("world", ["sqlite"], indirect=True)

NO_SIGNAL = "整个厂区完全没有信号，生产调度电话打不进来。"
LATE_CHANGE = "上周办理的套餐变更到现在还没有生效，去营业厅问了两次都让我等。"


def handled(case: Case) -> None:
    case.complete("propose-solution", solution="已抢修。", customer_reply="您反映的问题已处理完毕。")
    case.complete("carry-out-solution", result="已抢修并验证。")


def test_C1_C2_C3_C7_C8_C9_an_ordinary_complaint_comes_back_to_the_customer_until_satisfied(
    world: World,
) -> None:
    """Responded to and assigned at once; the result goes to customer service, who contact the customer within half an
    hour. Late, that is told; dissatisfied, the opinion is kept and the department has the case again."""
    world.await_morning()
    case = world.complain(LATE_CHANGE, policy="network-company", impact="无法使用新套餐")
    case.task("investigate-complaint")
    received = datetime.fromisoformat(case["received_at"])
    for kind, time in (("response", timedelta(minutes=10)), ("result", timedelta(hours=24))):
        due_at = datetime.fromisoformat(case.deadline(kind)["due_at"])
        assert abs(due_at - received - time) < timedelta(seconds=2)
    assert {each["kind"] for each in case["deadlines"] if each["met_at"]} == {"response", "assignment"}
    assert case["missing_fields"] == []
    case.be_handled()
    case.wait(lambda: bool(case.messages("result-reported")), "customer service has the result")
    assert case.task("contact-customer")["groups"] == ["customer-service"]
    assert "satisfaction-survey" not in case.events()
    said = "答复太笼统，没有说明什么时候生效。"
    case.complete(
        "contact-customer", is_reached=True, satisfaction="dissatisfied", is_solved=True, opinion=said
    )
    case.task("investigate-complaint")
    assert [entry["code"] for entry in case["timeline"]].count("reopened") == 1
    case.be_handled()
    case.task("contact-customer")
    world.advance("PT31M")
    assert case.messages("step-overdue"), "half an hour has passed without a call"
    case.answer_survey()
    case.wait_status("closed")
    assert (case["outcome"], case["satisfaction"]) == ("solved", "satisfied")


def test_C2_C4_C5_urgent_an_emergency_at_once_a_lead_and_assisting_departments(world: World) -> None:
    """Urgent: emergency procedure at once. No response within the hour and no department within half an hour is held
    against the unit and told; then the complaint group names lead and assisting departments, side by side."""
    world.await_morning()
    case = world.complain(NO_SIGNAL, policy="network-company", flags=["urgent"], impact="停产")
    assert case.task("respond-emergency")["groups"] == ["network-operations"]
    assert case["priority"] == "urgent"
    assert case.messages("emergency-started")
    assert {each["kind"] for each in case["deadlines"]} == {
        "response",
        "assignment",
        "emergency",
        "preliminary",
        "result",
    }
    world.advance("PT31M")
    late = case.deadline("assignment")
    assert late["missed"]
    assert late["missed_by"] == "front-desk"
    told = len(case.messages("deadline-missed"))
    assert told, "nothing is missed in silence"
    world.advance("PT30M")
    assert len(case.messages("deadline-missed")) == 2 * told, "the emergency neither"
    assert case.deadline("emergency")["missed"]
    assert case.deadline("emergency")["missed_by"] == "network-operations"
    assert case.task("name-departments")["groups"] == ["complaint-group"]
    case.complete(
        "name-departments", owner_group="network-operations", assisting_groups=["billing", "business-support"]
    )
    case.complete("investigate-complaint", finding="upheld", cause_code="network", findings="基站传输中断。")
    world.settle()
    parts = [each for each in case.tasks() if each["form"] == "assist-investigation"]
    assert sorted(each["groups"][0] for each in parts) == ["billing", "business-support"]
    for part in parts:
        world.client.complete(part["task"], "desk.duty", {"assistance_findings": "无异常。"})
    handled(case)
    case.complete("contact-customer", is_reached=True, satisfaction="satisfied", is_solved=True)
    for days in ("P1DT1M", "P7DT1M"):
        world.settle()
        world.advance(days)
        world.await_morning()
        case.complete("follow-up-visit", is_solved=True)
    case.wait_status("closed")
    assert case["outcome"] == "solved"


def test_C5_who_responds_in_time_has_met_the_emergency(world: World) -> None:
    """The department responds within the hour: kept, and the work begins."""
    world.await_morning()
    case = world.complain(NO_SIGNAL, policy="network-company", flags=["safety"])
    case.complete("respond-emergency", emergency_measures="已派应急通信车。")
    case.task("name-departments")
    kept = case.deadline("emergency")
    assert kept["met_at"] is not None
    assert not kept["missed"]
    world.advance("PT31M")
    assert case.task("investigate-complaint")["groups"] == ["network-operations"], "the suggested one goes on"
    world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")
