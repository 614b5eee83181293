"""The decision table: the shipped one is sound and precise; a broken one is told row by row."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from workers.classification.corpus import TRAINING, read_examples
from workers.classification.rules import check_rules, load_rules
from workers.errors import Broken

SHIPPED = Path(__file__).parents[2] / "bpmn/complaint-handling/classification-rules.dmn"
DMN = "{https://www.omg.org/spec/DMN/20191111/MODEL/}"

FIRST_CELL = '<inputEntry id="Rule_NoSignal_In1"><text>'


def changed(tmp_path: Path, old: str, new: str) -> Path:
    """The shipped table with one thing changed."""
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "classification-rules.dmn"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_the_shipped_rules_can_be_used() -> None:
    assert check_rules(SHIPPED) == []
    assert load_rules(SHIPPED).rules


def test_a4_phrases_decide_the_category() -> None:
    table = load_rules(SHIPPED)
    for text, category in [
        ("家里没有信号", "service-quality"),
        ("你们乱扣费！", "tariff-billing"),
        ("携号转网不给办", "business-handling"),
        ("客服态度恶劣", "other"),
    ]:
        rule = table.first_match(text)
        assert rule is not None
        assert rule.category == category
    assert table.first_match("今天天气真好") is None


def test_width_case_and_blanks_do_not_matter(tmp_path: Path) -> None:
    path = changed(tmp_path, 'contains(?, "没有信号")', 'contains(?, "ＷiFi 断")')
    rule = load_rules(path).first_match("家里ＷＩＦＩ 断 了")
    assert rule is not None
    assert rule.id == "Rule_NoSignal"


def test_product_channel_and_flags_are_conditions_too(tmp_path: Path) -> None:
    path = changed(
        tmp_path,
        '<inputEntry id="Rule_Attitude_In4"><text>-</text>',
        '<inputEntry id="Rule_Attitude_In4"><text>list contains(?, "hall")</text>',
    )
    table = load_rules(path)
    assert table.first_match("态度恶劣") is None
    found = table.first_match("态度恶劣", flags=["hall"])
    assert found is not None
    assert found.id == "Rule_Attitude"


def test_the_rules_are_precise() -> None:
    """A rule passes the threshold by itself, so it must be right: 98 % of what the rules decide, at least.

    Not asked of the development and held-out texts: rules must not be fitted to them. The page shows what they
    do there.
    """
    table = load_rules(SHIPPED)
    right = [
        rule.category == one.category
        for one in read_examples(TRAINING, may_be_unclear=True)
        if (rule := table.first_match(one.text))
    ]
    assert len(right) > 100
    assert sum(right) / len(right) >= 0.98


PROBES = [
    ("outside the subset", FIRST_CELL, FIRST_CELL + 'matches(?, "x+") or ', "row 8 (Rule_NoSignal), text:"),
    ("an expression language", '<inputEntry id="Rule_NoSignal_In1">',
     '<inputEntry id="Rule_NoSignal_In1" expressionLanguage="juel">', "not FEEL"),
    ("hit policy", 'hitPolicy="FIRST"', 'hitPolicy="COLLECT"', "must be FIRST"),
    ("unknown input", "<text>product</text>", "<text>province</text>", "input »province« is not known"),
    ("input twice", "<text>product</text>", "<text>channel</text>", "twice"),
    ("unknown output", 'name="confidence"', 'name="priority"', "output »priority« is not known"),
    ("unknown category", '_Out1"><text>"other"</text>', '_Out1"><text>"others"</text>', "category »others«"),
    ("no quotes", '_Out1"><text>"other"</text>', '_Out1"><text>other</text>', "double quotes"),
    ("a confidence above 1", "<text>0.95</text>", "<text>95</text>", "not a number from 0 to 1"),
    ("a confidence in words", "<text>0.95</text>", "<text>high</text>", "not a number from 0 to 1"),
    ("another id", 'decision id="classification-rules"', 'decision id="rules"', "exactly one decision"),
    ("rule ids", 'rule id="Rule_Outage"', 'rule id="Rule_NoSignal"', "there twice"),
    ("an overlong id", 'rule id="Rule_Outage"', f'rule id="{"R" * 90}"', "longer than"),
    ("missing cell", '<outputEntry id="Rule_Outage_Out2"><text>0.95</text></outputEntry>', "", "do not fit"),
    ("XML", "</definitions>", "", "not well-formed"),
    ("a doctype", "<definitions ", '<!DOCTYPE x [<!ENTITY a "b">]><definitions ', "DOCTYPE"),
    ("DMN 1.2", 'xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/"',
     'xmlns="http://www.omg.org/spec/DMN/20180521/MODEL/"', "not DMN 1.3"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "told"), [probe[1:] for probe in PROBES], ids=[probe[0] for probe in PROBES]
)
def test_what_is_wrong_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = changed(tmp_path, old, new)
    problems = check_rules(path)
    assert any(told in problem for problem in problems), problems
    assert all(problem.startswith("classification-rules.dmn: ") for problem in problems)
    with pytest.raises(Broken):
        load_rules(path)


def test_a_row_that_fits_everything_is_told(tmp_path: Path) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    cell = text.split(FIRST_CELL)[1].split("</text>")[0]
    problems = check_rules(changed(tmp_path, FIRST_CELL + cell, FIRST_CELL + "-"))
    assert any("fits every complaint" in problem for problem in problems)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    path = changed(tmp_path, FIRST_CELL, FIRST_CELL + "bad(")
    path.write_text(
        path.read_text(encoding="utf-8").replace("<text>0.9</text>", "<text>2</text>"), encoding="utf-8"
    )
    assert len(check_rules(path)) == 2


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    assert "cannot be read" in check_rules(tmp_path / "classification-rules.dmn")[0]


def test_it_opens_in_modeler_like_the_other_tables() -> None:
    """DMN 1.3 for Camunda 8.5, unique ids, every requirement and shape points at something that is there."""
    root = ElementTree.parse(SHIPPED).getroot()
    modeler = "{http://camunda.org/schema/modeler/1.0}"
    assert root.get(modeler + "executionPlatform") == "Camunda Cloud"
    assert root.get(modeler + "executionPlatformVersion") == "8.5.0"
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    wanted = {e.get("href", "").removeprefix("#") for e in root.iter(DMN + "requiredInput")}
    drawn = {e.get("dmnElementRef") for e in root.iter() if e.get("dmnElementRef")}
    assert wanted | drawn <= set(ids)
    assert {e.get("id") for e in root.findall(DMN + "inputData")} == wanted
