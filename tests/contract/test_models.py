"""Models, code, templates and dictionary say the same words; each rule that says so fires when it should."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.contract.probes import PROBES, Probe
from workers.engine.models import RULES, Models, TaskContract, contracts_of
from workers.engine.models.feel import Reference, references
from workers.errors import Broken
from workers.notifications.wording_of_texts import load_wording
from workers.tasks import TASKS

ROOT = Path(__file__).parents[2]
BPMN = ROOT / "bpmn"
WORDING = load_wording(ROOT / "templates")


@pytest.fixture(scope="module")
def tasks() -> dict[str, TaskContract]:
    """What every task promises."""
    return contracts_of(TASKS)


@pytest.fixture(scope="module")
def events() -> set[str]:
    """The notification templates."""
    return {each.name for each in (ROOT / "templates" / "notifications").iterdir() if each.is_dir()}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The shipped models, to be broken."""
    return Path(shutil.copytree(BPMN, tmp_path / "bpmn"))


def test_the_shipped_models_hold(tasks: dict[str, TaskContract], events: set[str]) -> None:
    """A designer who changed nothing is told nothing."""
    assert [str(found) for found in Models.load(BPMN).check(tasks, events, WORDING)] == []


@pytest.mark.parametrize("probe", PROBES, ids=lambda each: f"{each.rule}:{each.name or each.element}")
def test_a_broken_model_is_told(
    probe: Probe, copy: Path, tasks: dict[str, TaskContract], events: set[str]
) -> None:
    """Exactly the rule that the probe breaks fires, at the place that it breaks."""
    probe.apply(copy)
    found = Models.load(copy).check(tasks, events, WORDING)
    assert (probe.rule, probe.element) in {(each.rule, each.element) for each in found} or (
        not probe.element and probe.rule in {each.rule for each in found}
    ), [str(each) for each in found]
    assert {each.rule for each in found} <= {probe.rule} | probe.also, [str(each) for each in found]


def test_every_rule_has_a_probe() -> None:
    """A rule that nothing proves is a rule that may never fire."""
    assert {probe.rule for probe in PROBES} == set(RULES)


def test_findings_are_told_in_chinese_and_english(copy: Path) -> None:
    """What a designer reads before a deployment is refused."""
    file = copy / "complaint-handling" / "complaint-handling.bpmn"
    file.write_text(file.read_text("utf-8").replace('name="核实资料"', 'name="Verify"'), "utf-8")
    assert [str(each) for each in Models.load(copy).check()] == [
        "complaint-handling.bpmn Task_VerifyComplaint: 缺少中文标签。It needs a label in Chinese. [label]"
    ]


def test_deployables_and_policies() -> None:
    """What the engine is given, and which policies a complaint may name."""
    models = Models.load(BPMN)
    assert models.policies() == {"petition", "broadband", "network-company", "mobile-branch"}
    names = [each.name for each in models.deployables()]
    assert len(names) == len(set(names))
    assert {"complaint-handling.bpmn", "complaint-deadlines.dmn", "settle-complaint.form"} <= set(names)
    form = models.form_of("complaint-handling", "Task_SettleComplaint")
    assert form is not None
    assert (form.texts, form.answers) == ({"customer_reply"}, {"is_settled"})


def test_a_folder_without_processes_is_refused(tmp_path: Path) -> None:
    """A wrong --models folder is told, not deployed as nothing."""
    with pytest.raises(Broken, match="no process"):
        Models.load(tmp_path)


@pytest.mark.parametrize(
    ("expression", "read"),
    [
        ("=number", {("number", None)}),
        ("plain text", set()),
        ('="person"', set()),
        ('=["person:" + owner, "group:" + path.next_group]', {("owner", None), ("path", "next_group")}),
        ("=if a then b else null", {("a", None), ("b", None)}),
        ("=now() + duration(policy.time)", {("policy", "time")}),
        ('=list contains(flags, "media")', {("flags", None)}),
        ("=some x in rows satisfies x.kind = y", {("rows", None), ("y", None)}),
        ("={kind: a}", {("a", None)}),
        ("=is_solved = false and reopen_count < policy.limit", {("is_solved", None), ("reopen_count", None),
                                                                 ("policy", "limit")}),
    ],
)  # fmt: skip
def test_variables_of_an_expression(expression: str, read: set[tuple[str, str | None]]) -> None:
    """Names, first fields; no words, functions, texts or local names."""
    assert references(expression) == {Reference(name, field) for name, field in read}
