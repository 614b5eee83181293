"""Stories of satisfaction-follow-up: answered, never answered, dissatisfied, followed up (rules A8, A10)."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.stories.world import World
from workers.names import SHANGHAI

pytestmark = pytest.mark.parametrize("world", ["postgresql"], indirect=True)

WRONG_BILL = "这个月账单被多扣费三十八元，我没有订购过这项增值业务，请核查。"


def test_A8_a_customer_who_never_answers_is_called_and_the_case_is_archived(world: World) -> None:
    """No answer to the survey, three calls that reach nobody: archived without an answer, not left open."""
    case = world.complain(WRONG_BILL)
    case.be_handled()
    case.wait(lambda: "satisfaction-survey" in case.events(), "the survey is sent")
    world.settle()
    world.advance("P2DT1M")
    for attempt in range(3):
        world.await_morning()
        assert case.task("callback-customer")["groups"] == ["callback"]
        case.complete("callback-customer", is_reached=False)
        world.settle()
        if attempt < 2:
            assert case.tasks() == []
            world.advance("P1DT1M")
    case.wait_status("closed")
    assert case["satisfaction"] == "no-answer"
    assert case["outcome"] == "no-answer"


def test_A8_calls_that_nobody_makes_are_attempts_too(world: World) -> None:
    """The callback team is silent: the case still comes to its end."""
    case = world.complain(WRONG_BILL)
    case.be_handled()
    case.wait(lambda: "satisfaction-survey" in case.events(), "the survey is sent")
    world.settle()
    for _ in range(12):
        world.advance("P1DT1H")
    case.wait_status("closed")
    assert case["satisfaction"] == "no-answer"


def test_A8_a_customer_is_reached_by_telephone(world: World) -> None:
    """The survey is not answered, the call is."""
    case = world.complain(WRONG_BILL)
    case.be_handled()
    case.wait(lambda: "satisfaction-survey" in case.events(), "the survey is sent")
    world.settle()
    world.advance("P2DT1M")
    world.await_morning()
    case.complete("callback-customer", is_reached=True, satisfaction="satisfied", is_solved=True)
    case.wait_status("closed")
    assert case["satisfaction"] == "satisfied"
    assert case["outcome"] == "solved"


def test_A8_an_answer_during_the_calls_ends_them(world: World) -> None:
    """The customer answers the survey late: nobody calls any more."""
    case = world.complain(WRONG_BILL)
    case.be_handled()
    case.wait(lambda: "satisfaction-survey" in case.events(), "the survey is sent")
    world.settle()
    world.advance("P2DT1M")
    world.await_morning()
    case.task("callback-customer")
    world.client.answer_survey(case.number, {"satisfaction": "satisfied", "is_solved": True})
    case.wait_status("closed")
    world.settle()
    assert case.tasks() == []


def test_C9_a_problem_that_is_not_solved_is_taken_up_again_then_appealed_then_guided(world: World) -> None:
    """Not solved: handled again as often as the policy allows, then by other people (B7), who do not solve it
    either: archived with the way to the authority."""
    case = world.complain(WRONG_BILL)
    for again in range(3):
        case.wait(lambda: case["status"] == "in-progress", "in progress")
        case.be_handled()
        surveys = again + 1
        case.wait(lambda n=surveys: len(case.messages("satisfaction-survey")) == n, "the survey is sent")  # type: ignore[misc]
        world.settle()
        world.client.answer_survey(case.number, {"satisfaction": "dissatisfied", "is_solved": False})
        world.settle()
    assert case.task("reassess-complaint")["groups"] == ["appeal-department"]
    case.complete(
        "reassess-complaint",
        "sheng.shensu",
        is_appeal_upheld=False,
        appeal_findings="再次核对了账单与开通记录。",
        customer_reply="经复核，维持原处理结果，理由已向您说明。",
    )
    case.wait(lambda: len(case.messages("satisfaction-survey")) == 4, "asked again after the appeal")
    world.settle()
    world.client.answer_survey(case.number, {"satisfaction": "dissatisfied", "is_solved": False})
    case.wait_status("closed")
    assert case["outcome"] == "unsolved"
    assert case["satisfaction"] == "dissatisfied"
    assert case["appeal"]["outcome"] == "guided"
    assert len(case.messages("authority-guidance")) == 1
    assert [entry["code"] for entry in case["timeline"]].count("reopened") == 2


def test_A10_an_important_complaint_is_followed_up_until_the_problem_stays_solved(world: World) -> None:
    """After 1, 7 and 30 days somebody asks again; only then the case is archived."""
    case = world.complain(WRONG_BILL, flags=["vip"])
    case.be_handled()
    case.answer_survey()
    for days in ("P1DT1M", "P7DT1M", "P30DT1M"):
        world.settle()
        assert case["status"] == "resolved"
        assert case.tasks() == []
        world.advance(days)
        world.await_morning()
        assert case.task("follow-up-visit")["groups"] == ["callback"]
        case.complete("follow-up-visit", is_solved=True)
    case.wait_status("closed")
    assert case["outcome"] == "solved"


def test_A10_a_problem_that_comes_back_is_taken_up_again(world: World) -> None:
    """At a follow-up the problem is back: the department has the case again."""
    case = world.complain(WRONG_BILL, flags=["vip"])
    case.be_handled()
    case.answer_survey()
    world.settle()
    world.advance("P1DT1M")
    world.await_morning()
    case.complete("follow-up-visit", is_solved=False)
    assert case.task("investigate-complaint")
    assert case["status"] == "in-progress"
    world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")


def test_A8_A10_nobody_is_called_at_night_and_a_visit_that_nobody_makes_is_no_end(world: World) -> None:
    """The days of asking again come at night: the call waits until nine. Nobody calls that day: the next visit is due
    all the same, and a problem that is back then is handled again."""
    case = world.complain(WRONG_BILL, flags=["vip"])
    case.be_handled()
    hour_of(world, 23)
    case.answer_survey()
    world.settle()
    world.advance("P1DT1M")
    assert case.tasks() == [], "it is eleven at night"
    world.advance("PT9H57M")
    assert case.tasks() == [], "it is a few minutes before nine"
    world.advance("PT5M")
    missed = case.task("follow-up-visit")
    world.advance("P1DT1M")
    assert missed["task"] not in [task["task"] for task in case.tasks()]
    assert "Event_VisitMissed" in case.walked()
    assert case["status"] == "resolved"
    world.advance("P7DT1M")
    case.complete("follow-up-visit", is_solved=False)
    assert case.task("investigate-complaint")["groups"] == ["billing"]
    assert [entry["code"] for entry in case["timeline"]].count("reopened") == 1
    world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")


def hour_of(world: World, hour: int) -> None:
    """Until this full hour in Shanghai."""
    now = datetime.fromisoformat(world.client.advance_clock("PT1S")["now"]).astimezone(SHANGHAI)
    seconds = (hour * 3600 - now.hour * 3600 - now.minute * 60 - now.second) % 86400
    world.advance(f"PT{seconds + 1}S")
