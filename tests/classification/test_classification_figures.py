"""docs/classification.md says what the command computes, and the classifier is as good as it promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from workers.classification.__main__ import main, section, tables
from workers.classification.evaluation import SHIPPED_THRESHOLD, Table

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
    assert percent(together[2]) >= 88
    above = row(figures["Coverage and accuracy by threshold"])
    assert percent(above[2]) >= 91
    assert percent(above[1]) >= 83


def test_it_does_well_enough_on_the_harder_texts_of_earlier_rounds(figures: dict[str, Table]) -> None:
    assert percent(figures["Development texts: Rules, model, both"][-1][2]) >= 82
    above = row(figures["Development texts: Coverage and accuracy by threshold"])
    assert percent(above[2]) >= 92


def test_vague_texts_are_left_to_a_person(figures: dict[str, Table]) -> None:
    """What says nothing of its category must not be decided by machine."""
    assert percent(row(figures["Vague texts"])[2]) >= 95
    assert percent(row(figures["Threshold by cross-validation"])[5]) >= 94


def test_the_tables_name_the_threshold_that_ships() -> None:
    assert _threshold() == str(SHIPPED_THRESHOLD)


def test_the_confidence_can_be_believed(figures: dict[str, Table]) -> None:
    assert percent(figures["Reliability of the model's confidence"][-1][-1]) <= 8


def test_the_way_that_ships_is_the_best_of_those_compared(figures: dict[str, Table]) -> None:
    from workers.classification.training import CHOSEN

    losses = {one[0]: float(one[3]) for one in figures["Ways to learn"][1:]}
    assert min(losses.values()) == losses[CHOSEN]


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


def percent(cell: str) -> float:
    return float(cell.rstrip("%"))


def row(table: Table) -> list[str]:
    """The row of the threshold that ships."""
    return {one[0]: one for one in table}[_threshold()]


def _threshold() -> str:
    """What the shipped policy says."""
    text = (RULES.parent / "complaint-policy.dmn").read_text(encoding="utf-8")
    names = re.findall(r'<output [^>]*name="(\w+)"', text)
    cells = re.findall(r"<outputEntry [^>]*><text>(.*?)</text>", text)
    return str(cells[names.index("classification_threshold")])
