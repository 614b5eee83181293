"""docs/classification.md says what the command computes, and the classifier is as good as it promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from workers.classification.__main__ import main, section, tables
from workers.classification.evaluation import Table

ROOT = Path(__file__).parents[2]
RULES = ROOT / "bpmn/complaint-handling/classification-rules.dmn"
DOCUMENT = ROOT / "docs/classification.md"


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Table]:
    return dict(tables(RULES, tmp_path_factory.mktemp("classifier")))


def test_the_page_shows_what_the_command_computes(figures: dict[str, Table]) -> None:
    page = DOCUMENT.read_text(encoding="utf-8")
    stale = [title for title, table in figures.items() if section(title, table) not in page]
    assert stale == [], "run: python -m workers.classification --write"
    assert len(re.findall("<!-- figures:", page)) == len(figures)


def test_it_does_well_enough_on_held_out_texts(figures: dict[str, Table]) -> None:
    """Floors a little below what was found when the texts were fresh: a guard against getting worse, no promise."""
    together = figures["Rules, model, both"][-1]
    assert float(together[2].rstrip("%")) >= 65
    above = {row[0]: row for row in figures["Coverage and accuracy by threshold"]}[_threshold()]
    assert float(above[2].rstrip("%")) >= 77
    assert float(above[1].rstrip("%")) >= 45


def test_the_confidence_can_be_believed(figures: dict[str, Table]) -> None:
    assert float(figures["Reliability of the model's confidence"][-1][-1].rstrip("%")) <= 10


def test_the_way_that_ships_is_the_best_of_those_compared(figures: dict[str, Table]) -> None:
    from workers.classification.training import CHOSEN

    rows = figures["Ways to learn"][1:]
    assert min(rows, key=lambda row: float(row[3]))[3] == next(row[3] for row in rows if row[0] == CHOSEN)


def test_check_says_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "--rules", str(RULES)]) == 0
    assert "training.csv: " in capsys.readouterr().out


def test_check_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "--rules", str(tmp_path / "missing.dmn")]) == 1
    assert "missing.dmn: cannot be read" in capsys.readouterr().err
    wrong = tmp_path / "mine.csv"
    wrong.write_text("kind,category,text\nx,unknown,y\n", encoding="utf-8")
    assert main(["--check", "--rules", str(RULES), "--holdout", str(wrong)]) == 1
    assert "mine.csv, line 2" in capsys.readouterr().err


def _threshold() -> str:
    """What the shipped policy says."""
    text = (RULES.parent / "complaint-policy.dmn").read_text(encoding="utf-8")
    names = re.findall(r'<output [^>]*name="(\w+)"', text)
    row = re.findall(r"<outputEntry [^>]*><text>(.*?)</text>", text)
    return str(row[names.index("classification_threshold")])
