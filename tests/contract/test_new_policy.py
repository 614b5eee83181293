"""A fifth policy is a matter of files: rows in tables, no code (docs/new-policy.md)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from workers.engine.models import Models

ROOT = Path(__file__).parents[2]
DUBAN = Path(sys.executable).parent / "duban"


def add_policy(models: Path, policy: str, like: str) -> list[str]:
    """Gives a policy copies of another one's rows, as somebody does in the Modeler; returns the tables changed."""
    changed = []
    for file in sorted(models.rglob("*.dmn")):
        text = file.read_text("utf-8")
        column = re.search(r"<text>policy</text>", text)
        if column is None:
            continue
        rows = []
        for rule in re.findall(r"      <rule id=.*?</rule>\n", text, flags=re.DOTALL):
            cell = re.search(r"<inputEntry[^>]*><text>([^<]*)</text>", rule)
            if cell and f'"{like}"' in cell[1]:
                copy = rule.replace(cell[1], f'"{policy}"', 1)
                rows.append((rule, re.sub(r' id="(\w+)"', rf' id="{policy.capitalize()}_\1"', copy)))
        for rule, copy in rows:
            text = text.replace(rule, rule + copy, 1)
        if rows:
            file.write_text(text, "utf-8")
            changed.append(file.stem)
    return changed


def test_a_policy_added_by_rows_alone_holds_and_one_without_them_is_told(tmp_path: Path) -> None:
    """Rows in every table that names policies: nothing to complain of. A row in complaint-policy alone: refused."""
    models = Path(shutil.copytree(ROOT / "bpmn", tmp_path / "bpmn"))
    assert "complaint-policy" in add_policy(models, "campus", like="petition")
    assert "campus" in Models.load(models).policies()
    checked = subprocess.run(
        [DUBAN, "deploy", "--check"],
        env=os.environ | {"DUBAN_MODELS_DIR": str(models)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr

    lacking = Path(shutil.copytree(ROOT / "bpmn", tmp_path / "lacking"))
    shutil.copy(models / "complaint-handling" / "complaint-policy.dmn", lacking / "complaint-handling")
    found = [each for each in Models.load(lacking).check() if each.rule == "policy-row"]
    assert "complaint-deadlines" in {each.element for each in found}
    assert all("'campus'" in each.message for each in found)
