"""Stories of fault-guide: explained, guided, expedited, handed on (rule B12)."""

from __future__ import annotations

import pytest

from tests.stories.world import Case, World

pytestmark = pytest.mark.parametrize("world", ["postgresql"], indirect=True)

NO_NETWORK = "家里宽带从昨天晚上开始一直断线，重启光猫也没有用。"
NETWORK = {
    "is_cell_fault": "no",
    "is_account_suspended": "no",
    "has_authentication_error": "no",
    "has_terminal_fault": "yes",
    "is_guided_before": "no",
}


def reported(world: World, policy: str = "broadband") -> Case:
    case = world.complain(NO_NETWORK, product="broadband")
    case.wait(lambda: case["category"] is not None, "classified")
    world.start("fault-guide", case.number, policy=policy, category="service-quality", product="broadband")
    return case


def come_to(case: Case, event: str) -> None:
    case.wait(lambda: event in case.walked(), event)
    case.world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")


def test_B12_guided_steps_help(world: World) -> None:
    """The terminal is faulty: the desk guides, and the fault is gone. Nobody is sent."""
    case = reported(world)
    case.complete("diagnose-fault", guide_kind="network", **NETWORK)
    assert case.task("guide-customer")["groups"] == ["front-desk"]
    case.complete("guide-customer", is_fault_solved=True)
    come_to(case, "Event_FaultRecovered")
    said = [entry["what"] for entry in case["timeline"]]
    assert any("重启" in what and "引导操作" in what for what in said), "the words to say are with the case"


def test_B12_steps_that_do_not_help_are_handed_on_and_work_that_is_not_overdue_is_explained(
    world: World,
) -> None:
    """Guided in vain: goes on as usual. Not overdue: the desk says when; nobody is hurried, nobody apologised to."""
    in_vain, waiting = reported(world), reported(world)
    in_vain.complete("diagnose-fault", guide_kind="network", **NETWORK)
    in_vain.complete("guide-customer", is_fault_solved=False)
    waiting.complete("diagnose-fault", guide_kind="service", is_work_overdue="no")
    for case in (in_vain, waiting):
        case.wait(lambda case=case: "Event_HandedOn" in case.walked(), "handed on")  # type: ignore[misc]
        assert not case.walked() & {"Event_FaultRecovered", "Event_ServiceExpedited"}
        assert {"diagnose-fault", "guide-customer"}.isdisjoint(task["form"] for task in case.tasks())
    assert "fault-recovered" not in [entry["code"] for entry in in_vain["timeline"]]
    assert waiting.messages("service-expedite") == waiting.messages("service-expedited") == []
    assert [entry["code"] for entry in waiting["timeline"]].count("fault-diagnosed") == 1
    come_to(in_vain, "Event_HandedOn")
    come_to(waiting, "Event_HandedOn")


def test_B12_overdue_work_is_apologised_for_and_expedited_at_once(world: World) -> None:
    """Installation is overdue: an apology to the customer, and the responsible people are told."""
    case = reported(world)
    case.complete("diagnose-fault", guide_kind="service", is_work_overdue="yes")
    come_to(case, "Event_ServiceExpedited")
    assert case.messages("service-expedite")
    assert len(case.messages("service-expedited")) == 1


def test_B12_a_silent_desk_holds_nothing_up(world: World) -> None:
    """Nobody asks, or nobody guides, within half an hour: goes on as usual. Petition wants no guide at all."""
    come_to(reported(world, "petition"), "Event_NotGuided")
    silent, unguided = reported(world), reported(world)
    silent.task("diagnose-fault")
    unguided.complete("diagnose-fault", guide_kind="network", **NETWORK)
    unguided.task("guide-customer")
    world.advance("PT31M")
    assert {"Event_DiagnosisLate", "Event_HandedOn"} <= silent.walked()
    assert {"Event_GuidanceLate", "Event_HandedOn"} <= unguided.walked()
    for case in (silent, unguided):
        offered = {task["form"] for task in case.tasks()}
        assert offered.isdisjoint({"diagnose-fault", "guide-customer"}), "the desk is no longer asked"
        assert "investigate-complaint" in offered, "the department works on it meanwhile"
    come_to(silent, "Event_HandedOn")
    come_to(unguided, "Event_HandedOn")
    explained = reported(world)
    said = {"is_site_blocked": "yes", "has_egress_fault": "no", "is_speed_low": "no", "has_local_cause": "no"}
    explained.complete("diagnose-fault", guide_kind="content", **said)
    come_to(explained, "Event_HandedOn")
