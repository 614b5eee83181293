"""Stories of department-handling: warned, overdue, raised, level by level (rule A9)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.stories.world import Case, World

pytestmark = pytest.mark.parametrize("world", ["sqlite"], indirect=True)

WRONG_BILL = "这个月账单被多扣费三十八元，我没有订购过这项增值业务，请核查。"
NO_SIGNAL = "小区地下车库完全没有信号，手机一直显示无服务，电话打不进来。"


def end(case: Case) -> None:
    case.world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")


def test_A9_the_owner_is_warned_at_half_and_at_three_quarters_of_the_time(world: World) -> None:
    """36 h of 72: the owner is warned; 54 h: the owner and the level above; the work stays where it is."""
    case = world.complain(WRONG_BILL)
    owner_task = case.task("investigate-complaint")
    owner = case["owner"]["person"]
    world.advance("PT35H")
    assert case.messages("deadline-warning") == []
    world.advance("PT2H")
    assert [m["recipient"] for m in case.messages("deadline-warning")] == [owner]
    world.advance("PT18H")
    warned = [m["recipient"] for m in case.messages("deadline-warning")]
    assert warned.count(owner) == 2
    assert len(set(warned)) > 1, "the level above is warned, too"
    assert [task["task"] for task in case.tasks()] == [owner_task["task"]]
    assert case["tier"] == "department"
    end(case)


def test_A9_work_that_begins_late_is_warned_of_once_and_its_time_ends_all_the_same(world: World) -> None:
    """Both warnings passed before the watch began: only the second is given, to whom it is for; then it is over."""
    case = world.complain(WRONG_BILL)
    case.task("investigate-complaint")
    begun = datetime.fromisoformat(world.client.advance_clock("PT1S")["now"])
    at = [(begun + timedelta(hours=hours)).isoformat(timespec="seconds") for hours in (-3, -1, 2)]
    told = {"warn_first": ["group:billing"], "warn_second": ["group:complaint-group"]}
    instants = dict(zip(("first_warning_at", "second_warning_at", "due_at"), at, strict=True))
    world.start("deadline-watch", case.number, deadline_kind="assistance", **instants | told)
    case.wait(lambda: bool(case.messages("deadline-warning")), "warned")
    world.advance("PT1H55M")
    assert {m["recipient"] for m in case.messages("deadline-warning")} == {"yuan.xiaozu"}
    assert "Event_DeadlinePassed" not in case.walked()
    world.advance("PT10M")
    assert {"Event_NextInstantReached", "Event_DeadlinePassed"} <= case.walked()
    assert len(case.messages("deadline-warning")) == 1, "nothing more at the end"
    assert case.deadline("result")["missed"] is False, "a time of its own touches no statutory one"
    end(case)


def test_A9_a_late_investigation_is_raised_though_the_result_is_not_due(world: World) -> None:
    """Service quality: 24 h pass without an investigation; the branch takes over, the owner stays informed."""
    case = world.complain(NO_SIGNAL)
    first = case.task("investigate-complaint")
    owner = case["owner"]["person"]
    world.advance("PT24H5M")
    shown = case.show()
    assert shown["tier"] == "branch"
    assert shown["owner"]["group"] == "branch-management"
    assert shown["owner"]["person"] not in (None, owner)
    assert case.deadline("preliminary")["missed"] is True
    assert case.deadline("result")["missed"] is False
    assert [m["recipient"] for m in case.messages("complaint-passed-over")] == [owner]
    assert case.messages("complaint-raised"), "the customer is told who has it now"
    assert first["task"] not in [task["task"] for task in case.tasks()]
    end(case)


def test_A9_overdue_at_each_level_from_department_to_province(world: World) -> None:
    """Every level lets its time pass: department, branch, city, province; each is passed over and informed."""
    case = world.complain(WRONG_BILL)
    case.task("investigate-complaint")
    owners = [case["owner"]["person"]]
    tiers = [case["tier"]]
    for passing in ("PT72H5M", "PT24H5M", "PT24H5M"):
        world.advance(passing)
        shown = case.show()
        tiers.append(shown["tier"])
        owners.append(shown["owner"]["person"])
        assert [task["groups"] for task in case.tasks()] == [[shown["owner"]["group"]]]
    assert tiers == ["department", "branch", "city", "province"]
    assert len(set(owners)) == 4, "at each level somebody else owns it"
    assert set(case["watchers"]) == set(owners[:3])
    assert case.deadline("result")["missed"] is True

    world.advance("PT24H5M")
    assert case["tier"] == "province", "there is nobody above: the province is asked again, never silent"
    assert [task["form"] for task in case.tasks()] == ["investigate-complaint"]

    case.be_handled()
    case.wait(lambda: "result-told" in case.events(), "the result is told")
    world.settle()
    told = {message["recipient"] for message in case.messages("result-copied")}
    assert told >= set(owners[:3]), "who was passed over hears the result"
    assert case.deadline("result")["missed"] is True
    assert case.deadline("result")["met_at"] is not None
    end(case)


def test_A9_an_investigation_that_is_done_is_not_done_again_by_the_next_level(world: World) -> None:
    """The result is late, the investigation was not: the branch begins with the solution."""
    case = world.complain(NO_SIGNAL)
    case.complete("investigate-complaint", finding="upheld", cause_code="network", findings="基站故障。")
    case.task("propose-solution")
    assert case.deadline("preliminary")["met_at"] is not None
    world.advance("PT48H5M")
    assert case["tier"] == "branch"
    assert [task["form"] for task in case.tasks()] == ["propose-solution"]
    assert case.deadline("preliminary")["missed"] is False
    assert case.deadline("result")["missed"] is True
    end(case)
