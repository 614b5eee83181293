"""Rights by group, as bpmn/rights.json gives them (rules B9, B10)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workers.cases.rights import RIGHTS, Rights
from workers.errors import Refused

RULES = Rights.read(json.loads((Path(__file__).parents[2] / "bpmn" / "rights.json").read_bytes()))


@pytest.mark.parametrize(
    ("groups", "may"),
    [({"front-desk"}, True), ({"billing", "callback"}, True), ({"billing"}, False), (set(), False)],
)
def test_B10_a_right_is_had_by_any_of_its_groups(groups: set[str], may: bool) -> None:
    """Registering for a customer: one group of those named is enough; asking and checking say the same."""
    assert RULES.may("serve-customer", groups) is may
    if may:
        RULES.check("serve-customer", "li.na", groups)
    else:
        with pytest.raises(Refused, match="代客户"):
            RULES.check("serve-customer", "li.na", groups)


def test_duty_staff_may_everything() -> None:
    assert all(RULES.may(right, None) for right in RIGHTS)
