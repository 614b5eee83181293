"""Stories of deadline-extension: granted, refused, asked late, decided late (rules B8, C6, D8).

The first ones run it by itself, the last ones as a complaint does that somebody asks more time for.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.test_scripts import duban
from tests.stories.world import Case, World
from workers.errors import Conflict, Refused
from workers.store import outbox

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


def test_C6_who_has_the_complaint_asks_by_command_and_closes_it_in_the_time_that_was_granted(
    world: World,
) -> None:
    """Nobody else may ask, nobody asks twice, and the complaint group grants 24 h: the customer reads why and until
    when. The work goes on meanwhile and is done in the added time. A second request finds the limit reached."""
    case = complain(world)
    before, owner = case.deadline("result"), case["owner"]["person"]
    reason = "需向合作方调取订购记录"
    with pytest.raises(Refused, match="is with billing"):
        world.client.extend(case.number, "luo.wangluo", reason)
    asked = ("extend", case.number, "--as", owner, "--reason", reason)
    duban(world, *asked)
    assert "already" in duban(world, *asked, code=1)
    task = case.task("decide-extension")
    assert task["groups"] == ["complaint-group"]
    assert len(case.tasks()) == 2, "the department works on"
    case.complete(
        "decide-extension",
        "yuan.xiaozu",
        is_granted=True,
        extension_amount=24,
        extension_explanation=EXPLANATION,
    )
    case.wait(lambda: "Event_ExtensionDecided" in case.walked(), "the request is answered")
    world.settle()
    assert [each["recipient"] for each in case.messages("extension-granted")] == [owner]
    moved = case.deadline("result")
    assert (moved["extended_from"], moved["missed"]) == (before["due_at"], False)
    with world.database.read() as tx:
        (told,) = [each for each in outbox.of_number(tx, case.number) if each.event == "deadline-extended"]
    assert f"{int(moved['due_at'][8:10])}日 {moved['due_at'][11:16]}" in told.body

    world.advance("PT72H5M")
    assert (case["tier"], case.deadline("result")["missed"]) == ("department", False)
    duban(world, *asked)
    case.wait(lambda: bool(case.messages("extension-refused")), "one is the limit")
    assert case.deadline("result")["due_at"] == moved["due_at"]
    case.be_handled()
    case.answer_survey()
    case.wait_status("closed")
    kept = case.deadline("result")
    assert (kept["missed"], kept["met_at"] is not None) == (False, True)
    codes = [entry["code"] for entry in case["timeline"]]
    assert [code for code in codes if code.startswith(("extension-", "deadline-"))] == [
        "extension-asked", "extension-registered", "deadline-extended",
        "extension-asked", "extension-registered", "extension-refused",
    ]  # fmt: skip
    with pytest.raises(Conflict, match="has ended"):
        world.client.extend(case.number, owner, reason)


def test_C6_a_request_is_decided_before_the_deadline_or_not_at_all(world: World) -> None:
    """Asked two hours before the result is due: with the deadline the question is over, and the branch has the case.
    It asks in its turn, too late; the customer withdraws, and nobody is asked to decide any more."""
    case = complain(world)
    world.advance("PT70H")
    world.client.extend(case.number, case["owner"]["person"], "需向合作方调取订购记录")
    case.task("decide-extension")
    world.advance("PT2H5M")
    assert [(task["form"], task["groups"]) for task in case.tasks()] == [
        ("investigate-complaint", ["branch-management"])
    ]
    assert case.deadline("result")["extended_from"] is None
    assert case.messages("extension-refused")
    assert case.messages("deadline-extended") == []
    world.client.extend(case.number, case["owner"]["person"], "还需一天核对")
    case.wait(lambda: len(case.messages("extension-refused")) == 2, "asked too late")
    end(case)

    asked = complain(world)
    world.client.extend(asked.number, asked["owner"]["person"], "需向合作方调取订购记录")
    asked.task("decide-extension")
    end(asked)
    world.settle()
    assert asked.tasks() == []
    assert asked.messages("extension-refused") == []
