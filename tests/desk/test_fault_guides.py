"""Fault guides: asked in the order that the rule spells, decided by the tables of the process (rule B12)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.desk_server import RunningDesk
from workers.bootstrap.resources import templates_dir
from workers.desk.fault_guides import KINDS, FaultGuides
from workers.engine.models import Models
from workers.errors import NotFound, Refused
from workers.settings import Settings

ROOT = Path(__file__).parents[2]
ORDER = {
    "network": ["is_cell_fault", "is_account_suspended", "has_authentication_error", "has_terminal_fault",
                "is_guided_before"],
    "content": ["is_site_blocked", "has_egress_fault", "is_speed_low", "has_local_cause"],
    "service": ["is_work_overdue"],
}  # fmt: skip


@pytest.fixture(scope="module")
def guides(tmp_path_factory: pytest.TempPathFactory) -> FaultGuides:
    settings = Settings(data=tmp_path_factory.mktemp("data"))
    return FaultGuides(Models.load(ROOT / "bpmn"), templates_dir(settings))


def walk(guides: FaultGuides, kind: str, said: dict[str, str]) -> tuple[list[str], dict[str, Any]]:
    """Answers every question (no, where nothing is said); returns what was asked and the decision."""
    given: dict[str, str] = {}
    while (found := guides.ask(kind, given))["question"] is not None:
        key = found["question"]["key"]
        assert key not in given, "nothing is asked twice"
        given[key] = said.get(key, "no")
    return list(given), found


@pytest.mark.parametrize(
    ("kind", "said", "asked", "next_step", "is_visit_needed"),
    [
        ("network", {"is_cell_fault": "yes"}, 1, "explain", False),
        ("network", {"is_account_suspended": "yes"}, 2, "explain", False),
        ("network", {"has_authentication_error": "yes"}, 4, "guide", False),
        ("network", {"has_terminal_fault": "yes"}, 5, "guide", False),
        ("network", {}, 5, "guide", False),
        ("network", {"is_guided_before": "yes"}, 5, "dispatch", True),
        ("network", {"is_guided_before": "yes", "has_terminal_fault": "yes"}, 5, "dispatch", True),
        ("content", {"is_site_blocked": "yes"}, 1, "explain", False),
        ("content", {"has_egress_fault": "yes"}, 2, "explain", False),
        ("content", {"is_speed_low": "yes"}, 3, "dispatch", True),
        ("content", {"has_local_cause": "yes"}, 4, "guide", False),
        ("content", {}, 4, "explain", False),
        ("service", {"is_work_overdue": "yes"}, 1, "expedite", False),
        ("service", {"is_work_overdue": "unknown"}, 1, "explain", False),
    ],
)
def test_B12_the_guide_asks_in_order_and_says_what_comes_next(
    guides: FaultGuides, kind: str, said: dict[str, str], asked: int, next_step: str, is_visit_needed: bool
) -> None:
    """What is decided already is not asked any more."""
    questions, decided = walk(guides, kind, said)
    assert decided["next_step"] == next_step
    assert decided["is_visit_needed"] is is_visit_needed
    assert len(questions) == asked
    assert questions == [key for key in ORDER[kind] if key in questions], "in the order of the rule"
    assert decided["words"]["zh"]
    assert decided["words"]["en"]
    assert bool(decided["steps"]) or next_step != "guide"


@pytest.mark.parametrize("kind", KINDS)
def test_B12_every_answer_leads_somewhere(guides: FaultGuides, kind: str) -> None:
    """No gap: each combination of answers, 'not known' included, has a row."""
    for values in product(("yes", "no", "unknown"), repeat=len(ORDER[kind])):
        decided = guides.ask(kind, dict(zip(ORDER[kind], values, strict=True)))
        assert decided["next_step"] in {"explain", "guide", "expedite", "dispatch"}


def test_B12_a_wrong_question_or_answer_is_refused(guides: FaultGuides) -> None:
    with pytest.raises(NotFound, match="network, content, service"):
        guides.ask("weather", {})
    with pytest.raises(Refused, match="does not ask"):
        guides.ask("service", {"is_cell_fault": "yes"})
    with pytest.raises(Refused, match="yes, no, unknown"):
        guides.ask("service", {"is_work_overdue": "perhaps"})


@pytest.fixture
def asked(desk: RunningDesk) -> Iterator[Any]:
    with desk.client() as client:
        yield client


def test_B12_the_page_can_ask_the_same_tables(asked: Any) -> None:
    """Over HTTP: the first questions, then a decision with words and steps."""
    assert [each["kind"] for each in asked.get("/api/v1/fault-guides").json()] == list(KINDS)
    found = asked.get("/api/v1/fault-guides/service?is_work_overdue=yes").json()
    assert found["next_step"] == "expedite"
    assert asked.get("/api/v1/fault-guides/service?is_work_overdue=perhaps").status_code == 422
    assert asked.get("/api/v1/fault-guides/weather").status_code == 404
    assert asked.get("/api/v1/rectifications?status=running").json() == []


def test_B12_every_set_of_steps_is_used_and_said_in_both_languages() -> None:
    steps = json.loads((ROOT / "templates" / "fault-guides.json").read_text("utf-8"))
    models = Models.load(ROOT / "bpmn")
    used = {word for kind in KINDS for word in models.decisions[f"{kind}-fault-guide"].results("steps")}
    assert set(steps) == used
