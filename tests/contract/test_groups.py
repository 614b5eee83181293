"""Which groups of staff the models send work to, and that the sample staff has somebody in each."""

from __future__ import annotations

import json
from pathlib import Path

from workers.engine.models import Models

REPOSITORY = Path(__file__).parents[2]


def test_the_groups_are_those_of_user_tasks_and_decisions_and_each_is_staffed() -> None:
    groups = Models.load(REPOSITORY / "bpmn").groups()
    assert {"front-desk", "callback", "billing", "branch-management", "province-management"} <= groups
    assert all("=" not in group and " " not in group for group in groups)
    people = json.loads((REPOSITORY / "deploy" / "sample-staff.json").read_text(encoding="utf-8"))
    assert groups <= {group for person in people for group in person["groups"]}
