"""Stories of rectification: a named owner, a due date, a check by others, followed to the end (rules B6, E5)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.stories.world import Case, World
from workers.errors import Refused
from workers.store import rectifications
from workers.store.rectification_tables import Rectification

pytestmark = pytest.mark.parametrize("world", ["postgresql"], indirect=True)

NO_SIGNAL = "小区地下车库完全没有信号，手机一直显示无服务，电话打不进来。"


def ordered(world: World, *, by_message: bool = False) -> Case:
    """The operator's own fault is found."""
    case = world.complain(NO_SIGNAL)
    case.wait(lambda: case["category"] is not None, "classified")
    order = {
        "policy": "petition",
        "rectification_group": "network-operations",
        "rectification_time": "P3D",
        "check_time": None,
        "cause_code": "network",
    }
    if by_message:
        message = f"{case.number}:rectification-ordered:1"
        world.publish("rectification-ordered", case.number, message, {"number": case.number} | order)
    else:
        world.start("rectification", case.number, **order)
    case.task("carry-out-rectification")
    return case


def row_of(case: Case) -> Rectification:
    with case.world.database.read() as tx:
        [found] = rectifications.page(tx, number=case.number)
        return found


def carry_out(case: Case) -> None:
    case.complete("carry-out-rectification", "repair.duty", measures="更换基站板卡，调整天线方位。")


def check(case: Case, *, is_effective: bool) -> None:
    case.complete("check-effect", is_effective=is_effective, check_note="复测了车库信号。")


def end(case: Case) -> None:
    case.world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")


def test_B6_a_rectification_is_carried_out_and_checked_by_others(world: World) -> None:
    """Ordered by message: three days as ordered, the effect looked at three days later by customer service."""
    case = ordered(world, by_message=True)
    row = row_of(case)
    assert (row.group, row.status, row.cause_code) == ("network-operations", "open", "network")
    assert row.due_at == row.opened_at.replace(microsecond=0) + timedelta(days=3)
    assert [m["recipient"] for m in case.messages("rectification-assigned")] == [row.owner]
    carry_out(case)
    world.advance("P2DT23H")
    assert all(task["form"] != "check-effect" for task in case.tasks()), "the effect needs its time"
    world.advance("PT2H")
    task = case.task("check-effect")
    assert task["groups"] == ["customer-service"]
    with pytest.raises(Refused, match="worked on the case before"):
        world.client.complete(task["task"], "repair.duty", {"is_effective": True, "check_note": "正常。"})
    check(case, is_effective=True)
    case.wait(lambda: "Event_RectificationEffective" in case.walked(), "effective")
    assert (row_of(case).status, row_of(case).is_effective) == ("effective", True)
    end(case)


def test_B6_an_overdue_rectification_is_warned_of_then_raised_level_by_level(world: World) -> None:
    """Three quarters: the owner is warned. Over: the branch has it, then the city; it never falls silent."""
    case = ordered(world)
    owner = row_of(case).owner
    world.advance("P2DT7H")
    assert [m["recipient"] for m in case.messages("rectification-warning")] == [owner]
    world.advance("PT18H")
    assert case.task("carry-out-rectification")["groups"] == ["branch-management"]
    assert owner in {m["recipient"] for m in case.messages("rectification-raised")}
    assert row_of(case).missed_at is not None
    world.advance("P5DT1H")
    assert case.task("carry-out-rectification")["groups"] == ["city-management"]
    carry_out(case)
    world.advance("P3DT1H")
    assert case.task("check-effect")["groups"] == ["customer-service"]
    world.advance("P2DT1H")
    assert case.task("check-effect")["groups"] == ["province-management"], (
        "nobody looked: the level above does"
    )
    assert case.messages("rectification-check-raised")
    check(case, is_effective=True)
    case.wait(lambda: "Event_RectificationEffective" in case.walked(), "effective")
    end(case)


def test_E5_what_does_not_work_is_done_again_and_then_reported(world: World) -> None:
    """Not effective: another round; not effective again: the province is told, and that is its end."""
    case = ordered(world)
    for _ in range(2):
        carry_out(case)
        world.advance("P3DT1H")
        check(case, is_effective=False)
        world.settle()
    case.wait(lambda: "Event_RectificationReported" in case.walked(), "reported")
    assert case.messages("rectification-unsolved")
    row = row_of(case)
    assert (row.status, row.is_effective, row.round) == ("reported", False, 2)
    end(case)
