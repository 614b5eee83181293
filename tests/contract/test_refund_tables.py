"""What the refund tables promise besides their rows (rule D3)."""

from __future__ import annotations

from pathlib import Path

from workers.engine.models import Models

MODELS = Models.load(Path(__file__).parents[2] / "bpmn")


def test_D3_the_department_that_executes_never_decides() -> None:
    """Billing carries refunds out: no tier of any policy is decided by it."""
    table = MODELS.decisions["refund-authority"]
    deciders = table.results("approver_group") | table.results("next_group")
    assert deciders == {"branch-management", "city-management", "province-management"}
    assert "billing" not in deciders


def test_D3_every_user_task_of_the_refund_goes_to_who_the_table_names() -> None:
    """Nobody else approves."""
    (task,) = MODELS.processes["refund-approval"].of("userTask")
    assert task.attribute("assignmentDefinition", "candidateGroups") == "=[refund_authority.approver_group]"
    assert MODELS.forms["approve-refund"].answers == {"approval", "decided_by"}
