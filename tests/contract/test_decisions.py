"""The shipped decision tables, as the real engine decides them (rules A5, A8, A9, A10, A11, E2)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyzeebe.proto.gateway_pb2 import EvaluateDecisionRequest

from tests.contract import field_cases, refund_cases
from tests.engine_fixture import running_engine
from workers.engine.deployment import deploy
from workers.engine.models import Models

pytestmark = pytest.mark.engine

BPMN = Path(__file__).parents[2] / "bpmn"
PETITION = {"policy": "petition"}
POLICIES = ("petition", "broadband", "network-company", "mobile-branch")
HOURS_24, HOURS_48, HOURS_72 = "PT24H", "PT48H", "PT72H"


def priority(category: str, *flags: str, is_repeat: bool = False) -> dict[str, Any]:
    return {**PETITION, "category": category, "flags": list(flags), "is_repeat": is_repeat}


def department(
    category: str, complaint_priority: str = "ordinary", policy: str = "petition"
) -> dict[str, Any]:
    given = {"policy": policy, "category": category, "product": None}
    return {**given, "complaint_priority": complaint_priority}


def times(
    policy: str, category: str = "other", priority: str = "ordinary", channel: str = "phone", flags: str = ""
) -> dict[str, Any]:
    return {**department(category, priority, policy), "channel": channel, "flags": flags.split()}


def measures(
    policy: str, *, priority: str = "ordinary", product: str = "", flags: str = ""
) -> dict[str, Any]:
    given = {"policy": policy, "product": product or None, "complaint_priority": priority}
    return {**given, "flags": flags.split()}


def handled_by(owner_group: str, *, is_simple: bool = False, together: bool = False) -> dict[str, Any]:
    return {"owner_group": owner_group, "is_simple": is_simple, "needs_coordination": together}


def row(kind: str, time: str, calendar: str = "clock", start: str = "receipt") -> dict[str, str]:
    return {"kind": kind, "time": time, "calendar": calendar, "counted_from": start}


def result(time: str) -> dict[str, str]:
    return row("result", time)


def working(kind: str, time: str) -> dict[str, str]:
    return row(kind, time, "working")


def tier(name: str, *, is_reopened: bool = False) -> dict[str, Any]:
    return {**PETITION, "tier": name, "is_reopened": is_reopened}


def path(group: str | None, next_tier: str, time: str | None) -> dict[str, Any]:
    return {
        "owner_group": group,
        "next_tier": next_tier,
        "next_group": f"{next_tier}-management",
        "time_allowed": time,
    }


def appeal(window: str, time: str, calendar: str, authority: str) -> dict[str, str]:
    return {
        "window": window,
        "appeal_group": "appeal-department",
        "handle_time": time,
        "calendar": calendar,
        "authority": authority,
    }


def visit(complaint_priority: str, count: int) -> dict[str, Any]:
    return {**PETITION, "complaint_priority": complaint_priority, "visit_count": count}


PRELIMINARY = row("preliminary", HOURS_24)
NETWORK = [row("response", "PT10M"), row("assignment", "PT30M", start="acceptance"), result(HOURS_24)]


def found(policy: str, finding: str, cause_code: str) -> dict[str, Any]:
    return {"policy": policy, "finding": finding, "cause_code": cause_code}


def event(
    kind: str, *, complaints: int = 0, users: int = 0, minutes: int = 0, flags: tuple[str, ...] = ()
) -> Any:
    told = {"complaint_count": complaints, "affected_users": users, "outage_minutes": minutes}
    return {**PETITION, "incident_kind": kind, **told, "flags": list(flags)}


def level(tier_name: str | None, reason: str) -> dict[str, Any]:
    rank = [None, "branch", "city", "province"].index(tier_name)
    return {"tier": tier_name, "rank": rank, "reason": reason}


def kind_of(category: str, product: str | None = None) -> dict[str, Any]:
    return {**PETITION, "category": category, "product": product}


def cluster(window: str, count: int, place: str) -> dict[str, Any]:
    found = {"window": window, "count": count, "place_level": place}
    return {**found, "incident_kind": "cluster-complaints", "reassess_every": 10}


NO_CLUSTER = dict.fromkeys(cluster("", 0, ""))
INCIDENT_CASES: list[tuple[str, str, dict[str, Any], Any]] = [
    ("E1 hall down nine minutes", "incident-level", event("hall-outage", minutes=9), level(None, "short-outage")),
    ("E1 hall down ten minutes", "incident-level", event("hall-outage", minutes=10), level("branch", "hall-down")),
    ("E1 hall down an hour", "incident-level", event("hall-outage", minutes=60), level("city", "long-outage")),
    ("E1 media event", "incident-level", event("media-exposure"), level("city", "public-attention")),
    ("E1 regulator event", "incident-level", event("regulator"), level("city", "public-attention")),
    ("E1 court event", "incident-level", event("legal"), level("city", "public-attention")),
    ("E1 media and regulator at once", "incident-level",
     event("media-exposure", flags=("media", "regulator")), level("province", "public-attention")),
    ("E1 leak", "incident-level", event("privacy-leak", users=20), level("city", "personal-data")),
    ("E1 large leak", "incident-level", event("privacy-leak", users=500), level("province", "personal-data")),
    ("E1 group petition", "incident-level", event("group-petition"), level("city", "group-petition")),
    ("E1 small outage", "incident-level", event("network-outage", minutes=5, users=30),
     level(None, "below-threshold")),
    ("E1 outage of a thousand", "incident-level", event("network-outage", users=1000),
     level("branch", "wide-outage")),
    ("E1 outage of half an hour", "incident-level", event("network-outage", minutes=30),
     level("branch", "wide-outage")),
    ("E1 outage of ten thousand", "incident-level", event("network-outage", users=10000),
     level("city", "many-users")),
    ("E1 long and wide outage", "incident-level", event("network-outage", users=10000, minutes=240),
     level("province", "long-outage")),
    ("E7 cluster", "incident-level", event("cluster-complaints", complaints=15), level("branch", "many-complaints")),
    ("E1 cluster of fifty", "incident-level", event("cluster-complaints", complaints=50),
     level("city", "many-complaints")),
    ("E1 cluster of two hundred", "incident-level", event("cluster-complaints", complaints=200),
     level("province", "many-complaints")),
    ("E7 service quality", "cluster-threshold", kind_of("service-quality", "broadband"),
     cluster("PT1H", 15, "branch")),
    ("E7 bill", "cluster-threshold", kind_of("tariff-billing"), cluster("PT24H", 30, "city")),
    ("E7 business", "cluster-threshold", kind_of("business-handling"), cluster("PT24H", 30, "city")),
    ("E7 other matters: none", "cluster-threshold", kind_of("other"), NO_CLUSTER),
]  # fmt: skip
CASES: list[tuple[str, str, dict[str, Any], Any]] = [
    *INCIDENT_CASES,
    ("A9 service quality", "complaint-deadlines", times("petition", "service-quality"),
     [PRELIMINARY, result(HOURS_48)]),
    ("A9 tariff and bill", "complaint-deadlines", times("petition", "tariff-billing"), [result(HOURS_72)]),
    ("A9 business handling", "complaint-deadlines", times("petition", "business-handling"),
     [result(HOURS_48)]),
    ("A9 other", "complaint-deadlines", times("petition"), [result(HOURS_72)]),
    ("A9 urgent all the same", "complaint-deadlines", times("petition", priority="urgent"),
     [result(HOURS_72)]),
    ("an unknown policy has no deadlines", "complaint-deadlines", times("unknown"), None),
    ("B1 acceptance, investigation, solution", "complaint-deadlines", times("broadband"),
     [working("acceptance", "P2WD"), working("preliminary", "P5WD"), working("result", "P7WD")]),
    ("B8 regulation profile", "complaint-deadlines", times("broadband", channel="regulator"),
     [row("acceptance", HOURS_24), working("result", "P15WD")]),
    ("C1 C2 C5 ordinary", "complaint-deadlines", times("network-company"), NETWORK),
    ("C5 important", "complaint-deadlines", times("network-company", priority="important"),
     [*NETWORK, row("preliminary", "PT12H")]),
    ("C5 urgent", "complaint-deadlines", times("network-company", priority="urgent"),
     [*NETWORK, row("preliminary", "PT12H"), row("emergency", "PT1H")]),
    ("D8 neither escalated nor past the levels", "complaint-deadlines", times("mobile-branch"),
     [result(HOURS_72)]),
    ("D8 escalated", "complaint-deadlines", times("mobile-branch", flags="escalated"),
     [result(HOURS_72), row("instruction", "PT4H"), row("reply", HOURS_72), row("report", "PT96H")]),
    ("D8 escalated, by the hotline", "complaint-deadlines",
     times("mobile-branch", channel="12345", flags="skips-levels"),
     [result(HOURS_72), row("instruction", "PT4H"), row("reply", HOURS_24), row("report", "PT36H")]),
    ("D8 escalated, by the regulator", "complaint-deadlines",
     times("mobile-branch", channel="regulator", flags="escalated"),
     [result(HOURS_72), row("instruction", "PT4H"), row("reply", HOURS_48), row("report", "PT60H")]),
    ("D8 escalated: the city instructs", "instruction-level",
     {"policy": "mobile-branch", "flags": ["escalated"]}, "city-management"),
    ("D8 past the levels: the province instructs", "instruction-level",
     {"policy": "mobile-branch", "flags": ["escalated", "skips-levels"]}, "province-management"),
    ("D8 nobody instructs", "instruction-level", {"policy": "mobile-branch", "flags": []}, None),
    ("no measure", "special-measures", measures("petition"), ["none"]),
    ("B2 identity first", "special-measures", measures("broadband"), ["none", "identity"]),
    ("C5 emergency", "special-measures", measures("network-company", priority="urgent"),
     ["none", "emergency"]),
    ("D9 D10 mediation and partner", "special-measures",
     measures("mobile-branch", product="value-added-service", flags="threat-media"),
     ["none", "mediation", "partner"]),
    ("B3 a fee check", "responsible-department", department("tariff-billing", policy="broadband"),
     handled_by("billing", is_simple=True)),
    ("B3 a service record", "responsible-department", department("business-handling", policy="broadband"),
     handled_by("business-support", is_simple=True)),
    ("B3 complex: finance", "responsible-department",
     department("tariff-billing", "important", "broadband"), handled_by("billing")),
    ("B3 technical", "responsible-department", department("service-quality", policy="broadband"),
     handled_by("network-operations")),
    ("C2 always assigned", "responsible-department", department("other", policy="network-company"),
     handled_by("customer-service")),
    ("C4 urgent: several departments", "responsible-department",
     department("business-handling", "urgent", "network-company"),
     handled_by("business-support", together=True)),
    ("C5 urgent because the customer says so", "complaint-priority",
     {**priority("other", "urgent"), "policy": "network-company"}, "urgent"),
    ("D8 escalated is important", "complaint-priority", priority("other", "escalated"), "important"),
    ("D9 a threat is important", "complaint-priority", priority("other", "threat-media"), "important"),
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
    ("A9 broadband, reopened: days", "escalation-path",
     {**tier("department", is_reopened=True), "policy": "broadband"}, path(None, "branch", "P3D")),
    ("A10 broadband", "callback-schedule", {**visit("important", 0), "policy": "broadband"}, "P3D"),
    ("A10 ordinary: none", "callback-schedule", visit("ordinary", 0), None),
    ("A10 first", "callback-schedule", visit("important", 0), "P1D"),
    ("A10 second", "callback-schedule", visit("urgent", 1), "P7D"),
    ("A10 third", "callback-schedule", visit("important", 2), "P30D"),
    ("A10 finished", "callback-schedule", visit("urgent", 3), None),
    ("A10 long finished", "callback-schedule", visit("important", 9), None),
    *field_cases.CASES,
    *refund_cases.CASES,
    ("B7 petition: 72 hours", "appeal-rule", {**PETITION, "channel": "phone"},
     appeal("P60D", "PT72H", "clock", "telecom-complaint-centre")),
    ("B8 from the regulator: 15 working days", "appeal-rule", {"policy": "broadband", "channel": "regulator"},
     appeal("P90D", "P15WD", "working", "communications-administration")),
    ("B13 from a hotline: 5 working days", "appeal-rule", {"policy": "broadband", "channel": "12345"},
     appeal("P90D", "P5WD", "working", "communications-administration")),
    ("B7 broadband: 7 working days", "appeal-rule", {"policy": "broadband", "channel": "web"},
     appeal("P90D", "P7WD", "working", "communications-administration")),
    ("C9 network company: 72 hours", "appeal-rule", {"policy": "network-company", "channel": "web"},
     appeal("P30D", "PT72H", "clock", "communications-administration")),
    ("D8 escalated from outside: 48 hours", "appeal-rule", {"policy": "mobile-branch", "channel": "12315"},
     appeal("P60D", "PT48H", "clock", "communications-administration")),
    ("B7 mobile branch: 3 working days", "appeal-rule", {"policy": "mobile-branch", "channel": "hall"},
     appeal("P60D", "P3WD", "working", "communications-administration")),
    ("B7 the appeal department first", "appeal-path", {**PETITION, "tier": "department"},
     {"owner_group": None, "next_tier": "branch", "time_allowed": None, "calendar": "clock"}),
    ("E3 then the branch", "appeal-path", {"policy": "broadband", "tier": "branch"},
     {"owner_group": "branch-management", "next_tier": "city", "time_allowed": HOURS_24, "calendar": "clock"}),
    ("E3 then the city", "appeal-path", {"policy": "network-company", "tier": "city"},
     {"owner_group": "city-management", "next_tier": "province", "time_allowed": HOURS_24, "calendar": "clock"}),
    ("E3 the province is asked again", "appeal-path", {"policy": "mobile-branch", "tier": "province"},
     {"owner_group": "province-management", "next_tier": "province", "time_allowed": HOURS_24, "calendar": "clock"}),
    ("B13 a telephone call has no duties", "channel-duties", {**PETITION, "channel": "phone"}, ["none"]),
    ("B13 a hotline is answered", "channel-duties", {**PETITION, "channel": "12345"}, ["none", "answer-authority"]),
    ("B8 the regulator is answered, and told when unsolved", "channel-duties",
     {**PETITION, "channel": "regulator"}, ["none", "answer-authority", "report-unsolved"]),
    ("B13 a hotline is told when unsolved", "channel-duties", {"policy": "broadband", "channel": "12315"},
     ["none", "answer-authority", "report-unsolved"]),
    ("C6 petition: up to 48 h, once", "extension-rule", {"policy": "petition", "category": "other"},
     {"approver_group": "complaint-group", "decide_time": "PT4H", "longest": 48, "calendar": "clock", "limit": 1,
      "tells_authority": False}),
    ("B8 broadband fault: the authority is told", "extension-rule",
     {"policy": "broadband", "category": "service-quality"},
     {"approver_group": "complaint-group", "decide_time": "PT8H", "longest": 5, "calendar": "working", "limit": 1,
      "tells_authority": True}),
    ("C4 named within half an hour", "coordination-rule", {"policy": "network-company"},
     {"naming_group": "complaint-group", "naming_time": "PT30M"}),
    ("D7 the operator's own process: in person", "remedy-rule", found("mobile-branch", "upheld", "process"),
     {"needs_apology": True, "needs_personal_apology": True, "apology_time": "PT24H"}),
    ("B5 upheld: an apology", "remedy-rule", found("petition", "upheld", "network"),
     {"needs_apology": True, "needs_personal_apology": False, "apology_time": None}),
    ("B5 disputed: none", "remedy-rule", found("broadband", "disputed", "staff"),
     {"needs_apology": False, "needs_personal_apology": False, "apology_time": None}),
    ("B6 network at fault", "rectification-rule", found("broadband", "upheld", "network"),
     {"is_needed": True, "owner_group": "network-operations", "time": None, "check_time": None}),
    ("B6 a partner at fault", "rectification-rule", found("broadband", "upheld", "partner"),
     {"is_needed": False, "owner_group": None, "time": None, "check_time": None}),
    ("C7 back at customer service", "result-report", {"policy": "network-company"}, "customer-service"),
    ("C7 not asked for", "result-report", {"policy": "petition"}, None),
]  # fmt: skip


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What the engine decides in every case: one engine, all models deployed, case -> result."""
    yield asyncio.run(_decide_all(tmp_path_factory.mktemp("decisions")))


async def _decide_all(folder: Path) -> dict[str, Any]:
    asked = [
        *((f"policy {policy}", "complaint-policy", {"policy": policy}) for policy in POLICIES),
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


@pytest.mark.parametrize("policy", POLICIES)
def test_the_policy_row_has_what_the_diagrams_read(decided: dict[str, Any], policy: str) -> None:
    """A2, A8, A9, A10, A11: one row per policy, complete; only network-company calls before the survey (C8)."""
    found = decided[f"policy {policy}"]
    assert set(found) == set(Models.load(BPMN).decisions["complaint-policy"].outputs)
    assert {name for name, value in found.items() if value is None} <= {"contact_time"}
    assert (found["contact_time"] is None) == (policy != "network-company")
    assert found["warning_shares"] == [0.5, 0.75]


def test_C3_the_registration_form_is_complete(decided: dict[str, Any]) -> None:
    """Name, contact, customer number, description, when it happened, impact; the time is always kept."""
    required = decided["policy network-company"]["required_fields"]
    assert required == ["customer_name", "contact", "customer_no", "text", "occurred_at", "impact"]


def test_the_engine_takes_every_model(decided: dict[str, Any]) -> None:
    """All in one deployment."""
    models = Models.load(BPMN)
    assert decided["deployed"] >= {*models.processes, *models.decisions, *models.forms}
