"""Stories of a complaint that belongs to an incident: it waits for it, is solved with it, or is taken out again."""

from __future__ import annotations

import pytest

from tests.stories.test_complaint_handling import NO_SIGNAL
from tests.stories.world import Case, World

pytestmark = pytest.mark.parametrize("world", ["sqlite"], indirect=True)


def attached(world: World) -> Case:
    """A complaint in the department's hands that turns out to belong to an incident."""
    case = world.complain(NO_SIGNAL)
    case.task("investigate-complaint")
    tell(world, case, "complaint-attached")
    case.wait(lambda: "incident-joined" in case.events(), "the customer knows of the incident")
    world.settle()
    return case


def tell(world: World, case: Case, message: str) -> None:
    """What an incident tells a complaint."""
    world.publish(message, case.number, f"{case.number}:{message}:story", {})


def test_E6_a_complaint_is_solved_together_with_its_incident(world: World) -> None:
    """The department lays it down, the customer hears why; the incident is solved: told, asked, archived."""
    case = attached(world)
    assert case.tasks() == []
    tell(world, case, "incident-solved")
    case.answer_survey()
    case.wait_status("closed")
    assert case["outcome"] == "solved"
    assert len(case.messages("incident-result-told")) == 1
    assert case.messages("result-told") == []
    assert case.deadline("result")["met_at"] is not None
    assert "Event_SolvedTogether" in case.walked()


def test_E6_A9_a_complaint_that_waits_too_long_is_told_and_one_taken_out_is_dispatched(world: World) -> None:
    """Its own clock runs on inside the incident: the complaint group hears of it; taken out, the department has it."""
    case = attached(world)
    assert case.messages("attached-overdue") == []
    world.advance("PT49H")
    assert case.messages("attached-overdue")
    assert case.tasks() == []
    tell(world, case, "complaint-detached")
    case.task("investigate-complaint")
    assert "Event_TakenOut" in case.walked()
    assert case.messages("incident-result-told") == []
    world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")


def test_E6_C6_more_time_counts_inside_the_incident_too(world: World) -> None:
    """48 h more are granted while the complaint waits for its incident: it is overdue at the new instant, not at the
    old one. Solved, its result is told and no clock of it runs on."""
    case = attached(world)
    due = case.deadline("result")["due_at"]
    world.client.extend(case.number, case["owner"]["person"], "等待事件处理")
    case.complete(
        "decide-extension",
        "yuan.xiaozu",
        is_granted=True,
        extension_amount=48,
        extension_explanation="等待抢修。",
    )
    case.wait(lambda: bool(case.messages("deadline-extended")), "the customer knows")
    assert case.deadline("result")["due_at"] > due
    world.advance("PT49H")
    assert case.messages("attached-overdue") == []
    world.advance("PT48H")
    case.wait(lambda: bool(case.messages("attached-overdue")), "the complaint group hears of it")
    tell(world, case, "incident-solved")
    case.wait(lambda: bool(case.messages("incident-result-told")), "the result is told")
    world.advance("P3D")
    assert len(case.messages("attached-overdue")) == len(
        {m["recipient"] for m in case.messages("attached-overdue")}
    )
    world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")
