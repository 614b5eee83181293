"""Stories of deadline-extension: granted, refused, asked late, decided late (rules B8, C6, D8)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.world import Case, World

pytestmark = pytest.mark.parametrize("world", ["sqlite"], indirect=True)

WRONG_BILL = "这个月账单被多扣费三十八元，我没有订购过这项增值业务，请核查。"
EXPLANATION = "需要向合作方调取订购记录，核对后即答复您。"


def ask(case: Case, policy: str = "petition", **changed: Any) -> None:
    """Somebody of the department asks for more time."""
    asked = {"category": "tariff-billing", "requested_by": case["owner"]["person"], "extension_count": 0}
    case.world.start("deadline-extension", case.number, policy=policy, **asked | changed)


def complain(world: World) -> Case:
    case = world.complain(WRONG_BILL)
    case.task("investigate-complaint")
    return case


def end(case: Case) -> None:
    case.world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")


def test_C6_an_extension_granted_in_time_moves_a_wait_that_runs_already(world: World) -> None:
    """24 h more: at the old instant nothing happens, at the new one it is raised; the group that missed it is noted."""
    case = complain(world)
    before = case.deadline("result")["due_at"]
    ask(case)
    case.complete("decide-extension", is_granted=True, extension_amount=24, extension_explanation=EXPLANATION)
    case.wait(lambda: "extension-granted" in case.events(), "the applicant is told")
    assert case.messages("deadline-extended"), "the customer is told"
    assert case.deadline("result")["extended_from"] == before
    assert case.deadline("result")["due_at"] > before
    world.advance("PT72H5M")
    assert case["tier"] == "department"
    assert case.deadline("result")["missed"] is False
    assert [task["form"] for task in case.tasks()] == ["investigate-complaint"]
    world.advance("PT24H")
    assert case["tier"] == "branch"
    assert case.deadline("result")["missed_by"] == "billing"
    end(case)


def test_C6_more_than_the_policy_allows_is_cut_and_the_limit_holds(world: World) -> None:
    """200 h are asked for and 48 granted; a second extension is refused because the policy allows one."""
    case = complain(world)
    ask(case)
    case.complete(
        "decide-extension", is_granted=True, extension_amount=200, extension_explanation=EXPLANATION
    )
    case.wait(lambda: "extension-granted" in case.events(), "the applicant is told")
    due = case.deadline("result")["due_at"]
    ask(case, extension_count=1)
    case.wait(lambda: "extension-refused" in case.events(), "the applicant is told")
    assert case.deadline("result")["due_at"] == due
    world.advance("PT119H")
    assert case["tier"] == "department"
    end(case)


def test_C6_a_refused_extension_changes_no_deadline(world: World) -> None:
    """The complaint group says no: the applicant is told, the customer is not."""
    case = complain(world)
    before = case.deadline("result")
    ask(case)
    case.complete("decide-extension", is_granted=False)
    case.wait(lambda: "extension-refused" in case.events(), "the applicant is told")
    assert case.deadline("result") == before
    assert case.messages("deadline-extended") == []
    end(case)


def test_C6_an_extension_asked_for_late_is_not_even_decided(world: World) -> None:
    """The result is overdue: nobody is asked to decide."""
    case = complain(world)
    world.advance("PT72H5M")
    ask(case)
    case.wait(lambda: "extension-refused" in case.events(), "the applicant is told")
    assert "decide-extension" not in [task["form"] for task in case.tasks()]
    assert case.deadline("result")["extended_from"] is None
    end(case)


def test_C6_nobody_decides_in_time(world: World) -> None:
    """Four hours pass without a decision: the task is gone, the deadline stays."""
    case = complain(world)
    ask(case)
    case.task("decide-extension")
    world.advance("PT4H5M")
    assert [task["form"] for task in case.tasks()] == ["investigate-complaint"]
    assert case.messages("extension-refused")
    assert case.deadline("result")["extended_from"] is None
    end(case)


def test_B8_an_extension_is_reported_to_the_authority_too(world: World) -> None:
    """Broadband: working days, the customer and the authority are both told."""
    case = complain(world)
    ask(case, policy="broadband")
    case.complete("decide-extension", is_granted=True, extension_amount=2, extension_explanation=EXPLANATION)
    case.wait(lambda: "extension-reported" in case.events(), "the authority is told")
    assert case.messages("deadline-extended")
    assert case.deadline("result")["extended_from"] is not None
    end(case)
