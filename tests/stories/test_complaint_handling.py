"""Stories of complaint-handling: one per end event and per way through it. Read these first."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.stories.world import World
from workers.names import Category

NO_SIGNAL = "小区地下车库完全没有信号，手机一直显示无服务，电话打不进来。"
WRONG_BILL = "这个月账单被多扣费三十八元，我没有订购过这项增值业务，请核查。"
LATE_CHANGE = "上周办理的套餐变更到现在还没有生效，去营业厅问了两次都让我等。"
RUDE_CLERK = "营业员服务态度恶劣，对客户大声呵斥，要求道歉。"
UNCLEAR = "流量用完了也没提醒就断了"


@pytest.mark.parametrize("channel", ["phone", "chat", "email", "social-media"])
def test_A1_A3_a_complaint_from_any_channel_is_acknowledged_at_once(world: World, channel: str) -> None:
    """Whichever channel a customer takes, the complaint is the same and its receipt is confirmed at once."""
    case = world.complain(WRONG_BILL, channel=channel)
    world.settle()
    assert case["channel"] == channel
    assert case["category"] == "tariff-billing"
    assert [m["status"] for m in case.messages("complaint-registered")] == ["sent"]
    world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")


def test_A2_missing_details_are_named_and_handling_goes_on(world: World) -> None:
    """A complaint without a name is not left lying: what is missing is named, and the department starts."""
    case = world.complain(NO_SIGNAL, customer={"phone": "13900009999"})
    case.task("investigate-complaint")
    assert "customer_name" in case["missing_fields"]
    assert case.messages("details-requested")
    world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")


@pytest.mark.parametrize(
    ("text", "category", "hours"),
    [
        (NO_SIGNAL, "service-quality", {"preliminary": 24, "result": 48}),
        (WRONG_BILL, "tariff-billing", {"result": 72}),
        (LATE_CHANGE, "business-handling", {"result": 48}),
        (RUDE_CLERK, "other", {"result": 72}),
    ],
    ids=lambda value: value if value in list(Category) else "",
)
def test_A4_A9_the_category_decides_the_deadlines_from_receipt(
    world: World, text: str, category: str, hours: dict[str, int]
) -> None:
    """Service quality 24 h and 48 h, bill 72 h, business handling 48 h, other 72 h, counted from receipt."""
    case = world.complain(text)
    case.wait(lambda: bool(case["deadlines"]), "deadlines")
    shown = case.show()
    assert shown["category"] == category
    assert {d["kind"]: _hours(shown["received_at"], d["due_at"]) for d in shown["deadlines"]} == hours
    world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")


def test_A5_A7_A8_a_complaint_is_investigated_solved_told_surveyed_and_archived(world: World) -> None:
    """The whole way: one named owner, each step recorded, the result told, the survey answered, archived."""
    case = world.complain(NO_SIGNAL)
    task = case.task("investigate-complaint")
    assert task["groups"] == ["network-operations"]
    assert case["owner"]["group"] == "network-operations"
    assert case["owner"]["person"]
    assert case["status"] == "in-progress"
    case.be_handled()
    case.answer_survey()
    case.wait_status("closed")
    shown = case.show()
    assert shown["satisfaction"] == "satisfied"
    assert shown["outcome"] == "solved"
    assert shown["tasks"] == []
    assert {d["kind"]: (d["missed"], d["met_at"] is not None) for d in shown["deadlines"]} == {
        "preliminary": (False, True),
        "result": (False, True),
    }
    codes = [entry["code"] for entry in shown["timeline"]]
    steps = ["received", "accepted", "classified", "assigned", "investigated", "resolved", "archived"]
    assert [code for code in codes if code in steps] == steps
    assert "result-told" in case.events()
    assert case["appeal"] is None
    assert "deadline-warning" not in case.events()


def test_A4_a_person_classifies_what_the_classifier_is_not_sure_of(world: World) -> None:
    """Below the confidence that the policy asks for, the front desk decides the category."""
    case = world.complain(UNCLEAR)
    task = case.complete("classify-complaint", category="business-handling")
    assert task["groups"] == ["front-desk"]
    case.task("investigate-complaint")
    assert case["category"] == "business-handling"
    assert case["classified_by"] == "person"
    world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")


def test_A4_an_unclassified_complaint_goes_on_with_the_suggestion(world: World) -> None:
    """Nobody classifies in time: the suggestion is taken, the complaint does not wait."""
    case = world.complain(UNCLEAR)
    case.task("classify-complaint")
    world.advance("PT31M")
    assert not [task for task in case.tasks() if task["form"] == "classify-complaint"]
    assert case["classified_by"] == "model"
    assert case["deadlines"]
    world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")


def test_B3_the_front_desk_settles_a_simple_matter(world: World) -> None:
    """An ordinary matter of category other is settled at the front desk; no department is asked."""
    case = world.complain(RUDE_CLERK)
    case.complete(
        "settle-complaint", is_settled=True, customer_reply="我们已当面向您致歉，并对当事人进行了教育。"
    )
    case.answer_survey()
    case.wait_status("closed")
    assert case["tier"] == "front-desk"
    assert "complaint-assigned" not in case.events()
    assert case["owner"]["group"] == "front-desk"


def test_B3_what_the_front_desk_cannot_settle_goes_to_the_department(world: World) -> None:
    """The front desk hands on: the department owns the complaint."""
    case = world.complain(RUDE_CLERK)
    case.complete("settle-complaint", is_settled=False)
    assert case.task("investigate-complaint")["groups"] == ["customer-service"]
    assert case["tier"] == "department"
    world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")


def test_A9_what_the_front_desk_leaves_lying_is_taken_away(world: World) -> None:
    """The front desk's time passes: the task is gone from the desk and with the department."""
    case = world.complain(RUDE_CLERK)
    case.task("settle-complaint")
    world.advance("PT2H1M")
    assert [task["form"] for task in case.tasks()] == ["investigate-complaint"]
    assert case["owner"]["group"] == "customer-service"
    world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")


def test_A1_a_complaint_is_withdrawn_in_the_middle(world: World) -> None:
    """The customer takes the complaint back: open work goes away, the customer is told, nothing else is sent."""
    case = world.complain(NO_SIGNAL)
    case.task("investigate-complaint")
    world.client.withdraw(case.number, "问题自行恢复")
    case.wait_status("withdrawn")
    world.settle()
    assert case.tasks() == []
    assert case.messages("complaint-withdrawn")
    assert case["outcome"] == "withdrawn"
    world.advance("P3D")
    assert "deadline-warning" not in case.events()
    assert "complaint-raised" not in case.events()


def test_A1_the_same_complaint_twice_is_one_case(world: World) -> None:
    """The same reference from the same channel is the same complaint, with one process."""
    first = world.complain(NO_SIGNAL, external_ref="crm-77")
    second = world.complain(NO_SIGNAL, external_ref="crm-77")
    other = world.complain(NO_SIGNAL, external_ref="crm-77", channel="web")
    world.settle()
    assert second.number == first.number
    assert other.number != first.number
    assert len(first.messages("complaint-registered")) == 1
    for case in (first, other):
        world.client.withdraw(case.number, None)
        case.wait_status("withdrawn")


def test_A1_a_second_start_of_the_same_complaint_is_intercepted(world: World) -> None:
    """A start message that comes through twice finds the complaint taken: it ends there and tells nobody."""
    case = world.complain(NO_SIGNAL)
    case.task("investigate-complaint")
    world.publish(
        "complaint-received", case.number, "a second start", {"number": case.number, "policy": "petition"}
    )
    world.client.withdraw(case.number, None)
    case.wait(lambda: "Event_DuplicateStopped" in case.walked(), "the second instance to be stopped")
    world.settle()
    assert "Event_WithdrawalDone" in case.walked()
    assert case["status"] == "withdrawn"
    assert len(case.messages("complaint-registered")) == 1
    assert world.client.incidents() == []


def test_A11_a_customer_with_the_same_problem_again_is_more_important(world: World) -> None:
    """A repeated complaint of the same customer is recognised and has a higher priority."""
    customer = {"name": "孙二二", "phone": "13911110000", "customer_no": "C-REPEAT"}
    first = world.complain(WRONG_BILL, customer=customer)
    first.wait(lambda: first["priority"] is not None, "a priority")
    assert first["priority"] == "ordinary"
    again = world.complain(WRONG_BILL, customer=customer)
    again.wait(lambda: again["priority"] is not None, "a priority")
    assert again["priority"] == "important"
    for case in (first, again):
        world.client.withdraw(case.number, None)
        case.wait_status("withdrawn")


def _hours(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() / 3600
