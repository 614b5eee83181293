"""The decision table `classification-rules.dmn`: rules that a designer writes, tried from the top down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from workers.classification.features import plain
from workers.classification.feel import CellError, Test, Value, parse_cell, read_string
from workers.errors import Broken
from workers.names import Category

DECISION: Final = "classification-rules"
INPUTS: Final = {"text": False, "product": False, "channel": False, "flags": True}
"""Inputs that a column may have, and whether each is a list."""
OUTPUTS: Final = ("category", "confidence")
MAX_BYTES: Final = 2_000_000
MAX_ID: Final = 80
"""The id is kept with the complaint, as `rule:<id>`."""
_DMN: Final = "{https://www.omg.org/spec/DMN/20191111/MODEL/}"


@dataclass(frozen=True)
class Rule:
    """One row: its id in the file, a test per column, and what it says."""

    id: str
    note: str
    tests: tuple[tuple[str, Test], ...]
    category: str
    confidence: float


@dataclass(frozen=True)
class RuleTable:
    """Rows in their order; the first that fits decides (hit policy FIRST)."""

    rules: tuple[Rule, ...]

    def first_match(
        self, text: str, product: str | None = None, channel: str | None = None, flags: Sequence[str] = ()
    ) -> Rule | None:
        """The first row that fits, or None. Strings are compared in plain form (see `features.plain`)."""
        values: Mapping[str, Value] = {
            "text": plain(text),
            "product": None if product is None else plain(product),
            "channel": None if channel is None else plain(channel),
            "flags": tuple(plain(flag) for flag in flags),
        }
        for rule in self.rules:
            if all(test(values[name]) is True for name, test in rule.tests):
                return rule
        return None


def load_rules(path: Path) -> RuleTable:
    """Read the table. Raises Broken that names every problem with its row."""
    rules, problems = _read(path)
    if problems:
        raise Broken(f"{path.name} cannot be used: " + " · ".join(problems))
    return RuleTable(tuple(rules))


def check_rules(path: Path) -> list[str]:
    """What is wrong with the table, one sentence each; empty when it can be used."""
    return [f"{path.name}: {problem}" for problem in _read(path)[1]]


def _read(path: Path) -> tuple[list[Rule], list[str]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        return [], [f"cannot be read ({error.strerror})"]
    if len(content) > MAX_BYTES:
        return [], [f"has {len(content)} bytes, at most {MAX_BYTES} are read"]
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        return [], ["contains a DOCTYPE, which a DMN file does not need"]
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 - a DOCTYPE is refused above
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        return [], [f"is not well-formed XML ({error})"]
    if root.tag != _DMN + "definitions":
        return [], ["is not DMN 1.3 (root element definitions of 20191111)"]
    decisions = root.findall(_DMN + "decision")
    if [decision.get("id") for decision in decisions] != [DECISION]:
        return [], [f"must hold exactly one decision, with the id {DECISION}"]
    table = decisions[0].find(_DMN + "decisionTable")
    if table is None:
        return [], [f"decision {DECISION} is not a decision table"]
    return _read_table(table)


def _read_table(table: ElementTree.Element) -> tuple[list[Rule], list[str]]:
    problems: list[str] = []
    if table.get("hitPolicy", "UNIQUE") != "FIRST":
        problems.append(f"hit policy is {table.get('hitPolicy', 'UNIQUE')}, must be FIRST")
    inputs = [
        (column.findtext(f"{_DMN}inputExpression/{_DMN}text") or "").strip()
        for column in table.findall(_DMN + "input")
    ]
    outputs = [column.get("name", "") for column in table.findall(_DMN + "output")]
    problems += [
        f"input »{name}« is not known; inputs are {', '.join(INPUTS)}"
        for name in inputs
        if name not in INPUTS
    ]
    problems += [
        f"output »{name}« is not known; outputs are {', '.join(OUTPUTS)}"
        for name in outputs
        if name not in OUTPUTS
    ]
    if len(set(inputs)) < len(inputs) or len(set(outputs)) < len(outputs):
        problems.append("a column is there twice")
    if "category" not in outputs:
        problems.append("output category is missing")
    for column in (*table.findall(_DMN + "input"), *table.findall(_DMN + "output")):
        if column.find(_DMN + "defaultOutputEntry") is not None:
            problems.append("a default output is not used here: what no rule decides is the model's")
    if problems:
        return [], problems
    rules: list[Rule] = []
    for number, row in enumerate(table.findall(_DMN + "rule"), start=1):
        rule, wrong = _read_row(row, number, inputs, outputs)
        problems += wrong
        if rule is not None:
            rules.append(rule)
    ids = [rule.id for rule in rules]
    problems += [f"row id {one} is there twice" for one in sorted({one for one in ids if ids.count(one) > 1})]
    return rules, problems


def _read_row(
    row: ElementTree.Element, number: int, inputs: list[str], outputs: list[str]
) -> tuple[Rule | None, list[str]]:
    identity = row.get("id", "")
    where = f"row {number} ({identity or 'without id'})"
    given = row.findall(_DMN + "inputEntry")
    said = row.findall(_DMN + "outputEntry")
    if len(identity) > MAX_ID:
        return None, [f"row {number}: its id is longer than {MAX_ID} characters"]
    if not identity or len(given) != len(inputs) or len(said) != len(outputs):
        return None, [f"{where} has no id, or its cells do not fit the columns"]
    problems: list[str] = []
    tests: list[tuple[str, Test]] = []
    for name, entry in zip(inputs, given, strict=True):
        cell = (entry.findtext(_DMN + "text") or "").strip()
        if cell in {"", "-"}:
            continue
        try:
            _speaks_feel(entry)
            tests.append((name, parse_cell(cell, is_list=INPUTS[name], prepare=plain)))
        except CellError as error:
            problems.append(f"{where}, {name}: {error}, in: {cell[:200]}")
    if not tests and not problems:
        problems.append(f"{where} fits every complaint; the model would never be asked")
    results = {"category": "", "confidence": "1"}
    for name, entry in zip(outputs, said, strict=True):
        results[name] = (entry.findtext(_DMN + "text") or "").strip() or results[name]
    category, confidence = "", 0.0
    try:
        category = _category(results["category"])
        confidence = _confidence(results["confidence"])
    except CellError as error:
        problems.append(f"{where}: {error}")
    note = (row.findtext(_DMN + "description") or "").strip()
    return (None if problems else Rule(identity, note, tuple(tests), category, confidence)), problems


def _speaks_feel(entry: ElementTree.Element) -> None:
    language = entry.get("expressionLanguage", "feel")
    if "feel" not in language.lower():
        raise CellError(f"the expression language {language} is not FEEL")


def _category(cell: str) -> str:
    name = read_string(cell)
    if name not in set(Category):
        raise CellError(f"category »{name[:40]}« is not one of {', '.join(Category)}")
    return name


def _confidence(cell: str) -> float:
    if not cell.isascii() or not cell.replace(".", "", 1).isdigit() or not 0 <= float(cell) <= 1:
        raise CellError(f"confidence »{cell[:40]}« is not a number from 0 to 1")
    return float(cell)
