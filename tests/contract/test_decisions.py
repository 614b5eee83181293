"""The shipped decision tables, as the real engine decides them (rules A5, A8, A9, A10, A11, E2)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyzeebe.proto.gateway_pb2 import EvaluateDecisionRequest

from tests.engine_fixture import running_engine
from workers.engine.deployment import deploy
from workers.engine.models import Models

pytestmark = pytest.mark.engine

BPMN = Path(__file__).parents[2] / "bpmn"
PETITION = {"policy": "petition"}
HOURS_24, HOURS_48, HOURS_72 = "PT24H", "PT48H", "PT72H"


def priority(category: str, *flags: str, is_repeat: bool = False) -> dict[str, Any]:
    return {**PETITION, "category": category, "flags": list(flags), "is_repeat": is_repeat}


def department(category: str, complaint_priority: str = "ordinary") -> dict[str, Any]:
    return {**PETITION, "category": category, "product": None, "complaint_priority": complaint_priority}


def handled_by(owner_group: str, *, is_simple: bool = False) -> dict[str, Any]:
    return {"owner_group": owner_group, "is_simple": is_simple}


def result(time: str) -> dict[str, str]:
    return {"kind": "result", "time": time, "calendar": "clock"}


def tier(name: str, *, is_reopened: bool = False) -> dict[str, Any]:
    return {**PETITION, "tier": name, "is_reopened": is_reopened}


def path(group: str | None, next_tier: str, time: str | None) -> dict[str, Any]:
    return {
        "owner_group": group,
        "next_tier": next_tier,
        "next_group": f"{next_tier}-management",
        "time_allowed": time,
    }


def visit(complaint_priority: str, count: int) -> dict[str, Any]:
    return {**PETITION, "complaint_priority": complaint_priority, "visit_count": count}


PRELIMINARY = {"kind": "preliminary", "time": HOURS_24, "calendar": "clock"}

CASES: list[tuple[str, str, dict[str, Any], Any]] = [
    ("A9 service quality", "complaint-deadlines", department("service-quality"),
     [PRELIMINARY, result(HOURS_48)]),
    ("A9 tariff and bill", "complaint-deadlines", department("tariff-billing"), [result(HOURS_72)]),
    ("A9 business handling", "complaint-deadlines", department("business-handling"), [result(HOURS_48)]),
    ("A9 other", "complaint-deadlines", department("other"), [result(HOURS_72)]),
    ("A9 urgent all the same", "complaint-deadlines", department("other", "urgent"), [result(HOURS_72)]),
    ("an unknown policy has no deadlines", "complaint-deadlines",
     {**department("other"), "policy": "unknown"}, None),
    ("A5 service quality", "responsible-department", department("service-quality"),
     handled_by("network-operations")),
    ("A5 tariff and bill", "responsible-department", department("tariff-billing"), handled_by("billing")),
    ("A5 business handling", "responsible-department", department("business-handling"),
     handled_by("business-support")),
    ("B3 other, ordinary: front desk", "responsible-department", department("other"),
     handled_by("customer-service", is_simple=True)),
    ("A5 other, important", "responsible-department", department("other", "important"),
     handled_by("customer-service")),
    ("A5 other, urgent", "responsible-department", department("other", "urgent"),
     handled_by("customer-service")),
    ("nothing special", "complaint-priority", priority("other"), "ordinary"),
    ("E1 media", "complaint-priority", priority("tariff-billing", "media"), "urgent"),
    ("E1 regulator", "complaint-priority", priority("other", "regulator"), "urgent"),
    ("E1 court", "complaint-priority", priority("other", "legal"), "urgent"),
    ("E1 personal data", "complaint-priority", priority("other", "privacy"), "urgent"),
    ("E1 safety before vip", "complaint-priority", priority("other", "vip", "safety"), "urgent"),
    ("A10 vulnerable", "complaint-priority", priority("other", "vulnerable"), "important"),
    ("E1 several customers", "complaint-priority", priority("service-quality", "group"), "important"),
    ("C5 asked for urgency", "complaint-priority", priority("other", "urgent"), "important"),
    ("A11 same problem again", "complaint-priority", priority("other", is_repeat=True), "important"),
    ("A11 only said to be a repeat", "complaint-priority", priority("other", "repeat"), "ordinary"),
    ("A9 department", "escalation-path", tier("department"), path(None, "branch", None)),
    ("A8 department, reopened", "escalation-path", tier("department", is_reopened=True),
     path(None, "branch", HOURS_48)),
    ("E2 branch", "escalation-path", tier("branch"), path("branch-management", "city", HOURS_24)),
    ("E2 branch, reopened", "escalation-path", tier("branch", is_reopened=True),
     path("branch-management", "city", HOURS_24)),
    ("E2 city", "escalation-path", tier("city"), path("city-management", "province", HOURS_24)),
    ("E2 province asks itself again", "escalation-path", tier("province"),
     path("province-management", "province", HOURS_24)),
    ("A10 ordinary: none", "callback-schedule", visit("ordinary", 0), None),
    ("A10 first", "callback-schedule", visit("important", 0), "P1D"),
    ("A10 second", "callback-schedule", visit("urgent", 1), "P7D"),
    ("A10 third", "callback-schedule", visit("important", 2), "P30D"),
    ("A10 finished", "callback-schedule", visit("urgent", 3), None),
    ("A10 long finished", "callback-schedule", visit("important", 9), None),
]  # fmt: skip


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What the engine decides in every case: one engine, all models deployed, case -> result."""
    yield asyncio.run(_decide_all(tmp_path_factory.mktemp("decisions")))


async def _decide_all(folder: Path) -> dict[str, Any]:
    asked = [
        ("policy", "complaint-policy", PETITION),
        *((case, table, given) for case, table, given, _ in CASES),
    ]
    async with running_engine(folder) as engine:
        deployed = await deploy(engine.handle, Models.load(BPMN).deployables())
        results: dict[str, Any] = {"deployed": {each.id for each in deployed}}
        for case, table, given in asked:
            answer = await engine.gateway.stub.EvaluateDecision(
                EvaluateDecisionRequest(decisionId=table, variables=json.dumps(given)), timeout=30
            )
            assert not answer.failureMessage, f"{case}: {answer.failureMessage}"
            results[case] = json.loads(answer.decisionOutput)
    return results


@pytest.mark.parametrize(("case", "expected"), [(case, expected) for case, _, _, expected in CASES])
def test_decision(decided: dict[str, Any], case: str, expected: Any) -> None:
    """One row of a table, by the rule it stands for."""
    assert decided[case] == expected


def test_the_policy_row_has_what_the_diagrams_read(decided: dict[str, Any]) -> None:
    """A2, A8, A9, A10, A11: one row per policy, complete."""
    row = decided["policy"]
    assert set(row) == set(Models.load(BPMN).decisions["complaint-policy"].outputs)
    assert None not in row.values()
    assert row["warning_shares"] == [0.5, 0.75]


def test_the_engine_takes_every_model(decided: dict[str, Any]) -> None:
    """All in one deployment."""
    models = Models.load(BPMN)
    assert decided["deployed"] >= {*models.processes, *models.decisions, *models.forms}
