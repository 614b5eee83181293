"""Documents that are made from the models: which rule is where (docs/rules.md), and the pictures of the processes."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import render  # noqa: E402
import write_rules_page  # noqa: E402

whole = pytest.mark.skipif(
    not write_rules_page.PAGE.exists(),
    reason="docs/rules.md is written once every rule has its model and test",
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("deadlines (rule A9)", {"A9"}),
        ("recorded (rules A7, A8)", {"A7", "A8"}),
        ("rules E2 to E4", {"E2", "E3", "E4"}),
        ("B10–B12", {"B10", "B11", "B12"}),
        ("tiers (E1…E3); B6", {"E1", "E2", "E3", "B6"}),
        ("TS20261122-A99 or GB2312", set()),
    ],
)
def test_rule_ids_in_a_text(text: str, found: set[str]) -> None:
    assert set(write_rules_page.ids(text)) == found


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the page is made of, to be changed."""
    for name in ("bpmn", "templates"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("workers", "tests"):
        (tmp_path / name).mkdir()
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "rules.json", tmp_path / "docs")
    shutil.copytree(ROOT / "docs" / "processes", tmp_path / "docs" / "processes")
    return tmp_path


def test_a_rule_is_found_where_it_is_named(copy: Path) -> None:
    """In a docstring of a worker, and in name, docstring and case name of a test; elsewhere it means nothing."""
    (copy / "workers" / "one.py").write_text('"""Counts (rules F1, F3 and F4). F2 score."""\nX = "rule E7"\n')
    lines = (
        "def test_F1_x():\n    pass\ndef test_a():\n    '''F3: said.'''\n",
        "def test_b():\n    '''Said (F4).'''\nCASES = ['E7 first', 'not D9']\n",
    )
    (copy / "tests" / "test_one.py").write_text("".join(lines))
    found = write_rules_page.named(copy)
    assert [
        rule for rule in ("F1", "F2", "F3", "F4", "E7", "D9") if "test" in {p.kind for p in found[rule]}
    ] == [
        "F1",
        "F3",
        "F4",
        "E7",
    ]
    worker = {rule for rule, places in found.items() if "worker" in {place.kind for place in places}}
    assert worker == {"F1", "F3", "F4"}


def test_what_is_missing_and_what_is_no_rule_is_told(copy: Path) -> None:
    stray = "C" + "99"  # written apart: this file is read for ids, too
    (copy / "tests" / "test_one.py").write_text(f"def test_{stray}_x():\n    pass\n")
    said = write_rules_page.missing(copy)
    assert f"{stray} is no rule: tests/test_one.py test_{stray}_x" in said
    assert any(each.startswith("A9: no test names it") for each in said)


def test_every_id_that_is_named_is_a_rule() -> None:
    """A typing mistake in a diagram or a test name would prove nothing."""
    assert [each for each in write_rules_page.missing(ROOT) if "is no rule" in each] == []


def test_a_picture_that_is_behind_its_model_is_told(copy: Path) -> None:
    model = copy / "bpmn" / "deadline-watch" / "deadline-watch.bpmn"
    model.write_text(model.read_text("utf-8") + "\n", "utf-8")
    shutil.copytree(model.parent, copy / "bpmn" / "late")
    (copy / "bpmn" / "late" / "deadline-watch.bpmn").rename(copy / "bpmn" / "late" / "late.bpmn")
    said = render.stale(copy)
    assert any(each.startswith("deadline-watch has no current picture") for each in said)
    assert "late is not in docs/processes/README.md" in said


@whole
def test_every_rule_has_what_runs_it_and_a_test() -> None:
    assert write_rules_page.missing(ROOT) == []


@whole
def test_the_page_of_rules_is_current() -> None:
    """If this fails: `python tools/write_rules_page.py`."""
    assert write_rules_page.PAGE.read_text("utf-8") == write_rules_page.page(ROOT)


@whole
def test_every_process_has_a_current_picture() -> None:
    """If this fails: `python tools/render.py`, and look at what it drew."""
    assert render.stale(ROOT) == []
