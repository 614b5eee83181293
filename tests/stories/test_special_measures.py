"""Stories of special-measures by itself: what the ways through complaint-handling leave out (rules D9, D10).

The others are told in the stories of the policies: identity, emergency, instruction, a partner at fault or silent.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.world import Case, World

pytestmark = pytest.mark.parametrize("world", ["sqlite"], indirect=True)

PARTNER_FEE = "这个月被某增值业务多扣费三十八元，我没有订购过，请核查。"


def begun(world: World, policy: str, **changed: Any) -> Case:
    """A complaint that is handled already, for which the measures of a policy begin."""
    case = world.complain(PARTNER_FEE)
    case.task("investigate-complaint")
    given = {
        "product": "value-added-service",
        "flags": [],
        "complaint_priority": "ordinary",
        "complaint_policy": {"identity_time": "PT4H", "partner_time": "P1D"},
        "instruction_level": None,
        "owner_group": "billing",
    }
    world.start("special-measures", case.number, policy=policy, **given | changed)
    return case


def end(case: Case) -> None:
    case.world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")


def test_D9_D10_a_partner_that_answers_without_a_violation_is_reported_to_nobody(world: World) -> None:
    """Mediation is offered and the partner asked, side by side: it has done nothing wrong, and no report is made."""
    case = begun(world, "mobile-branch", flags=["threat-regulator"])
    assert case.task("contact-partner")["groups"] == ["business-support"]
    case.complete("contact-partner", is_partner_violation=False, partner_answer="有二次确认短信记录。")
    case.wait(lambda: {"Event_PartnerAsked", "Event_MediationOffered"} <= case.walked(), "both are done")
    assert [each["recipient"] for each in case.messages("mediation-offered")] == ["customer"]
    assert case.messages("partner-violation-reported") == []
    assert case.messages("step-overdue") == []
    end(case)
