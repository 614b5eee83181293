"""Writes docs/rules.md: every rule of docs/rules.json with what runs it and what proves it.

Looks for rule ids in the documentation of BPMN elements, the descriptions of decision tables and their rows, forms,
comments of templates, docstrings of workers ("rule A9", "rules C6, C7"), and in names, docstrings and cases of tests.
Usage: python tools/write_rules_page.py            writes the page
       python tools/write_rules_page.py --missing  lists rules that nothing runs or proves, and ids of no rule; 1 if any
       python tools/write_rules_page.py --check    the same, and whether the page is stale
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workers.engine.models.xml import BPMN, DMN, read_xml

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "rules.md"
HEAD = """# 规则 · Rules

Which rule is run by what, and proved by what. Written by `python tools/write_rules_page.py` from the ids that models,
tables, forms, templates, workers and tests name; titles are in rules.json.

"""
KINDS = {
    "bpmn": "流程 BPMN",
    "dmn": "决策表 DMN",
    "form": "表单 forms",
    "template": "模板 templates",
    "worker": "程序 workers",
    "test": "测试 tests",
}
_ID = r"[A-F]\d{1,2}"
_SPAN = re.compile(rf"\b({_ID})\s*(?:to|–|—|…|\.\.|-|至|到)\s*({_ID})\b")
_ONE = re.compile(rf"(?<![\w-]){_ID}\b")
_SAID = re.compile(rf"\brules?\s+((?:{_ID})(?:(?:\s*[,;/·–—…-]\s*|\s+)(?:and\s+|to\s+|or\s+)?{_ID})*)")
_CASE = re.compile(rf"({_ID}(?:, {_ID})*)[ :]")
_NAME = re.compile(r"test_((?:[a-fA-F]\d{1,2}_)+)")


@dataclass(frozen=True, order=True)
class Place:
    """Where a rule is named: kind of KINDS, file from the root, and what in it."""

    kind: str
    file: str
    what: str


def ids(text: str) -> Iterator[str]:
    """The rule ids in a text; `E1 to E7` and `E1-E7` are all between."""
    for first, last in _SPAN.findall(text):
        if first[0] == last[0]:
            yield from (f"{first[0]}{number}" for number in range(int(first[1:]), int(last[1:]) + 1))
    yield from _ONE.findall(text)


def named(root: Path) -> dict[str, set[Place]]:
    """Rule id -> the places that name it; ids that are no rules included."""
    found: dict[str, set[Place]] = defaultdict(set)
    for scan in (_bpmn, _dmn, _forms, _templates, _workers, _tests):
        for place, text in scan(root):
            for each in ids(text):
                found[each].add(place)
    return found


def _bpmn(root: Path) -> Iterator[tuple[Place, str]]:
    for file in sorted(root.glob("bpmn/*/*.bpmn")):
        for node in read_xml(file).iter():
            said = node.findtext(f"{BPMN}documentation")
            if said:
                yield Place("bpmn", _short(file, root), node.get("id", "")), said


def _dmn(root: Path) -> Iterator[tuple[Place, str]]:
    for file in sorted(root.glob("bpmn/*/*.dmn")):
        for node in read_xml(file).iter():
            said = node.findtext(f"{DMN}description")
            if said:
                yield Place("dmn", _short(file, root), node.get("id", "")), said


def _forms(root: Path) -> Iterator[tuple[Place, str]]:
    for file in sorted(root.glob("bpmn/*/*.form")):
        yield Place("form", _short(file, root), file.stem), file.read_text("utf-8")


def _templates(root: Path) -> Iterator[tuple[Place, str]]:
    for file in sorted(root.glob("templates/notifications/*/*")):
        said = " ".join(re.findall(r"\{#(.*?)#\}", file.read_text("utf-8"), re.DOTALL))
        if said:
            yield Place("template", _short(file, root), file.parent.name), said


def _workers(root: Path) -> Iterator[tuple[Place, str]]:
    for file in sorted(root.glob("workers/**/*.py")):
        tree = ast.parse(file.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                said = node.value.value
                if isinstance(said, str):
                    yield Place("worker", _short(file, root), file.stem), " ".join(_SAID.findall(said))


def _tests(root: Path) -> Iterator[tuple[Place, str]]:
    for file in sorted(root.glob("tests/**/test_*.py")):
        short = _short(file, root)
        tree = ast.parse(file.read_text("utf-8"))
        yield Place("test", short, file.stem), " ".join(_SAID.findall(ast.get_docstring(tree) or ""))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                own = _NAME.match(node.name)
                said = ast.get_docstring(node) or ""
                start = _CASE.match(said)
                told = [own[1].replace("_", " ").upper() if own else "", *_SAID.findall(said)]
                told += re.findall(rf"\(({_ID}(?:, {_ID})*)\)", said)
                yield Place("test", short, node.name), " ".join([*told, start[1] if start else ""])
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                case = _CASE.match(node.value)
                if case and len(node.value) < 80:
                    yield Place("test", short, node.value), case[1]


def _short(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix()


def rules(root: Path) -> dict[str, dict[str, str]]:
    """Every rule and its title."""
    found: dict[str, dict[str, str]] = json.loads((root / "docs" / "rules.json").read_text("utf-8"))
    return found


def missing(root: Path) -> list[str]:
    """A sentence for each rule that nothing runs or nothing proves, and for each id that is no rule."""
    found, known = named(root), rules(root)
    said = []
    for rule in known:
        kinds = {place.kind for place in found.get(rule, ())}
        if not kinds - {"test"}:
            said.append(f"{rule}: no model, table, form, template or worker names it ({known[rule]['en']})")
        if "test" not in kinds:
            said.append(f"{rule}: no test names it ({known[rule]['en']})")
    for stray in sorted(found.keys() - known.keys()):
        where = min(found[stray])
        said.append(f"{stray} is no rule: {where.file} {where.what}")
    return said


def page(root: Path) -> str:
    """The whole page."""
    found, known = named(root), rules(root)
    parts = [HEAD, f"| rule | | {' | '.join(KINDS.values())} |\n| --- | --- |{' --- |' * len(KINDS)}\n"]
    for rule, title in known.items():
        counts = (sum(place.kind == kind for place in found.get(rule, ())) or "–" for kind in KINDS)
        parts.append(f"| [{rule}](#{rule.lower()}) | {title['zh']} | {' | '.join(map(str, counts))} |\n")
    for rule, title in known.items():
        parts.append(f"\n## {rule}\n\n{title['zh']} · {title['en']}\n\n")
        for kind, heading in KINDS.items():
            lines = list(_lines([each for each in found.get(rule, ()) if each.kind == kind]))
            parts += [f"**{heading}**\n", *lines, "\n"] if lines else []
    return "".join(parts).rstrip() + "\n"


def _lines(places: list[Place]) -> Iterator[str]:
    files: dict[str, list[str]] = defaultdict(list)
    for place in sorted(places):
        files[place.file].append(place.what)
    for file, what in files.items():
        name = file.split("/", 1)[1]
        own = [each for each in dict.fromkeys(what) if each != Path(file).stem]
        yield f"- [{name}](../{file})" + (": " + ", ".join(f"`{each}`" for each in own) if own else "") + "\n"


def main(arguments: list[str]) -> int:
    """The exit code."""
    if not arguments:
        PAGE.write_text(page(ROOT), "utf-8")
        return 0
    said = missing(ROOT)
    if "--check" in arguments and (not PAGE.exists() or PAGE.read_text("utf-8") != page(ROOT)):
        said.append("docs/rules.md is stale: run `python tools/write_rules_page.py`")
    for each in said:
        print(each)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
