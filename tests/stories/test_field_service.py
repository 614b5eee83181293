"""Stories of field-service: called in time, an appointment, there when agreed or announced before (rule B11)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.stories.world import Case, World
from workers.store import work_orders
from workers.store.work_order_tables import WorkOrder

pytestmark = pytest.mark.parametrize("world", ["postgresql"], indirect=True)

NO_NETWORK = "家里宽带从昨天晚上开始一直断线，重启光猫也没有用。"


def visit_wanted(world: World) -> Case:
    """A complaint whose solution needs somebody on the spot."""
    case = world.complain(NO_NETWORK, product="broadband")
    case.wait(lambda: case["category"] is not None, "classified")
    world.start("field-service", case.number, policy="petition")
    case.task("contact-customer-first")
    return case


def now(world: World) -> datetime:
    return datetime.fromisoformat(world.client.advance_clock("PT1S")["now"])


def order_of(case: Case) -> WorkOrder:
    with case.world.database.read() as tx:
        return work_orders.present(tx, case.number)


def agree(case: Case, *, hours: int = 2) -> datetime:
    """The engineer calls; the window is tomorrow from nine, for some hours. Returns its end."""
    tomorrow = now(case.world) + timedelta(days=1)
    begins = tomorrow.replace(hour=9, minute=0, second=0, microsecond=0)
    ends = begins + timedelta(hours=hours)
    case.complete(
        "contact-customer-first",
        is_reached=True,
        appointment_from_at=begins.isoformat(timespec="minutes"),
        appointment_to_at=ends.isoformat(timespec="minutes"),
    )
    case.task("confirm-arrival")
    return ends


def advance_to(world: World, instant: datetime) -> None:
    world.advance(f"PT{int((instant - now(world)).total_seconds())}S")


def finish(case: Case, **answers: Any) -> None:
    case.complete("complete-visit", visit_note="更换了光猫，测速正常。", **answers)


def end(case: Case) -> None:
    case.world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")


def test_B11_called_in_time_there_when_agreed_and_done_on_the_day(world: World) -> None:
    """The customer learns name and number, then the window; the work is done on the day and both are told."""
    case = visit_wanted(world)
    arranged = case.messages("visit-arranged")
    engineer = order_of(case).engineer
    assert len(arranged) == 1
    assert [m["recipient"] for m in case.messages("work-order-assigned")] == [engineer]
    case.complete("contact-customer-first", is_reached=False)
    world.settle()
    wrong = now(world)
    case.complete(
        "contact-customer-first",
        is_reached=True,
        appointment_from_at=(wrong + timedelta(hours=3)).isoformat(timespec="minutes"),
        appointment_to_at=(wrong + timedelta(hours=1)).isoformat(timespec="minutes"),
    )
    world.settle()
    assert case.messages("visit-appointed") == [], "a window that ends before it begins is not kept"
    ends = agree(case)
    assert len(case.messages("visit-appointed")) == 1
    assert case.messages("first-contact-late") == []
    advance_to(world, ends - timedelta(minutes=50))
    case.complete("confirm-arrival")
    advance_to(world, ends)
    assert case.messages("visit-delayed") == [], "who is there already is not late"
    finish(case, is_visit_done=True, is_same_day=True)
    case.wait(lambda: "Event_VisitCompleted" in case.walked(), "the visit is done")
    assert len(case.messages("service-completed")) == 1
    order = order_of(case)
    assert (order.status, order.is_same_day, order.reason_code) == ("done", True, None)
    assert order.arrived_at is not None
    assert order.window_to is not None
    assert order.arrived_at <= order.window_to
    end(case)
    case.wait(lambda: "complaint-withdrawn" in case.events(), "the withdrawal is told")
    assert case.messages("work-order-withdrawn") == [], "nobody is on the way any more"


def test_B11_an_engineer_on_the_way_hears_that_the_customer_withdrew(world: World) -> None:
    """An appointment is made, the customer takes the complaint back: the engineer is told once, the order has ended."""
    case = visit_wanted(world)
    engineer = order_of(case).engineer
    agree(case)
    end(case)
    case.wait(lambda: "complaint-withdrawn" in case.events(), "the withdrawal is told")
    assert [message["recipient"] for message in case.messages("work-order-withdrawn")] == [engineer]
    assert order_of(case).status == "withdrawn"


def test_B11_a_late_first_contact_is_told_at_once_then_others_get_it_then_it_is_raised(world: World) -> None:
    """30 minutes: the supervisor knows; an hour: another engineer; three engineers: raised, and the customer told."""
    case = visit_wanted(world)
    engineers = [order_of(case).engineer]
    world.advance("PT29M")
    assert case.messages("first-contact-late") == []
    world.advance("PT2M")
    told = {m["recipient"] for m in case.messages("first-contact-late")}
    assert engineers[0] in told
    assert len(told) > 1, "the supervisor is told, too"
    for _ in range(2):
        world.advance("PT65M")
        engineers.append(order_of(case).engineer)
    assert len(set(engineers)) == 3, "who left the customer waiting does not get it again"
    assert len(case.messages("visit-arranged")) == 3, "the customer learns the new engineer"
    world.advance("PT65M")
    case.wait(lambda: "Event_VisitRaised" in case.walked(), "raised")
    assert case.messages("work-order-raised")
    assert len(case.messages("visit-raised")) == 1
    assert order_of(case).status == "raised"
    end(case)


def test_B11_a_late_visit_is_announced_before_it_is_late(world: World) -> None:
    """Half an hour before the window ends: the engineer is asked; silent, the customer is told all the same."""
    case = visit_wanted(world)
    ends = agree(case)
    advance_to(world, ends - timedelta(minutes=31))
    assert all(task["form"] != "announce-delay" for task in case.tasks())
    advance_to(world, ends - timedelta(minutes=29))
    case.task("announce-delay")
    advance_to(world, ends - timedelta(minutes=10))
    assert len(case.messages("visit-delayed")) == 1, "told before the window is over"
    assert case.messages("visit-late"), "the supervisor knows of the silence"
    late_told_at = order_of(case).late_told_at
    assert late_told_at is not None
    assert late_told_at < ends
    advance_to(world, ends + timedelta(hours=4, minutes=1))
    case.wait(lambda: len(case.messages("visit-not-done")) == 1, "nobody came: told, and called again")
    assert order_of(case).reason_code == "no-report"
    ends = agree(case)
    advance_to(world, ends - timedelta(minutes=29))
    again = (ends + timedelta(hours=1)).isoformat(timespec="minutes")
    case.complete("announce-delay", is_delayed=True, expected_at=again)
    case.wait(lambda: len(case.messages("visit-delayed")) == 2, "told again, with the new time")
    assert order_of(case).expected_at == ends + timedelta(hours=1)
    advance_to(world, ends + timedelta(hours=1))
    case.complete("confirm-arrival")
    finish(case, is_visit_done=True, is_same_day=True)
    case.wait(lambda: "Event_VisitCompleted" in case.walked(), "the visit is done")
    end(case)


def test_B11_not_on_the_day_needs_a_reason_and_visits_have_a_limit(world: World) -> None:
    """Closed the next day without a reason: asked again. Not done three times: raised."""
    case = visit_wanted(world)
    ends = agree(case)
    advance_to(world, ends - timedelta(minutes=60))
    case.complete("confirm-arrival")
    case.task("complete-visit")
    advance_to(world, ends.replace(hour=20, minute=1))
    assert case.messages("visit-late"), "the day is over without a result: the supervisor is told"
    advance_to(world, ends.replace(hour=0) + timedelta(days=1, minutes=5))
    case.wait(lambda: len(case.messages("visit-not-done")) == 1, "no result at all is not done")
    for visit in range(2):
        ends = agree(case)
        advance_to(world, ends - timedelta(minutes=60))
        case.complete("confirm-arrival")
        finish(case, is_visit_done=False, reason_code="part-missing")
        case.wait(lambda n=visit: len(case.messages("visit-not-done")) == n + 2, "not done")  # type: ignore[misc]
    case.wait(lambda: "Event_VisitRaised" in case.walked(), "raised")
    assert order_of(case).visits == 3
    end(case)


def test_B11_a_customer_who_is_never_reached_is_told_that_it_is_raised(world: World) -> None:
    """Three calls in time and nobody answers: the supervisor has it, the customer reads what comes next."""
    case = visit_wanted(world)
    for _ in range(3):
        case.complete("contact-customer-first", is_reached=False, contact_note="无人接听。")
        world.settle()
    case.wait(lambda: bool(case.messages("visit-raised")), "raised")
    assert {m["recipient"] for m in case.messages("work-order-raised")} == {"yin.fenzhang"}
    assert len(case.messages("visit-raised")) == 1
    assert case.messages("first-contact-late") == [], "the engineer called in time"
    assert case.messages("work-order-reassigned") == [], "another engineer would not reach anybody either"
    assert (order_of(case).status, order_of(case).visits) == ("raised", 0)
    assert "contact-customer-first" not in [task["form"] for task in case.tasks()]
    assert case.walked() >= {"Event_ContactLimit", "Event_VisitRaised"}
    end(case)


def test_B11_on_the_way_in_time_tells_nobody_and_a_withdrawal_ends_the_work_order(world: World) -> None:
    """Asked half an hour before the window ends, the engineer says in time: no word to the customer, nor to the
    supervisor. Then the customer withdraws: the work order is withdrawn, nobody is to go there any more."""
    case = world.complain(NO_NETWORK, product="broadband")
    case.complete("investigate-complaint", finding="upheld", cause_code="network", findings="光衰过大。")
    solution = {"solution": "上门更换光猫。", "customer_reply": "已为您更换光猫。"}
    case.complete("propose-solution", needs_visit=True, **solution)
    ends = agree(case)
    advance_to(world, ends - timedelta(minutes=29))
    case.complete("announce-delay", is_delayed=False)
    case.wait(lambda: "Event_OnTheWay" in case.walked(), "on the way")
    advance_to(world, ends - timedelta(minutes=5))
    assert case.messages("visit-delayed") == case.messages("visit-late") == []
    assert [task["form"] for task in case.tasks()] == ["confirm-arrival"]
    assert order_of(case).late_told_at is None
    end(case)
    world.settle()
    assert case.tasks() == []
    order = order_of(case)
    assert (order.status, order.arrived_at) == ("withdrawn", None)
    assert order.ended_at is not None
    advance_to(world, ends + timedelta(hours=5))
    assert case.messages("visit-not-done") == [], "its times are over with it"


def test_B11_dissatisfied_after_a_visit_is_traced_and_put_right_once(world: World) -> None:
    """The customer is dissatisfied after the visit: network operations have days to put it right; once per visit."""
    case = visit_wanted(world)
    ends = agree(case)
    advance_to(world, ends - timedelta(minutes=50))
    case.complete("confirm-arrival")
    finish(case, is_visit_done=True, is_same_day=True)
    case.wait(lambda: "Event_VisitCompleted" in case.walked(), "the visit is done")
    for surveys in (1, 2):
        case.be_handled()
        case.wait(lambda n=surveys: len(case.messages("satisfaction-survey")) == n, "asked")  # type: ignore[misc]
        world.settle()
        world.client.answer_survey(case.number, {"satisfaction": "dissatisfied", "is_solved": False})
        world.settle()
    codes = [entry["code"] for entry in case["timeline"]]
    assert codes.count("satisfaction-recorded") == 2
    assert codes.count("rectification-ordered") == 1
    assert case.task("carry-out-rectification")["groups"] == ["network-operations"]
    end(case)
