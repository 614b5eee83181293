"""Fault guides at the desk: the next question, or what comes next, by the tables that the process asks (rule B12).

The tables `network-`, `content-` and `service-fault-guide` are read row by row: a question is asked when the first row
that may still fit needs its answer. Questions, their words and their options are those of the form `diagnose-fault`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from workers.cases.forms import Form
from workers.classification.feel import CellError, Test, parse_cell
from workers.engine.models import Models
from workers.errors import Broken, NotFound, Refused

KINDS: Final = ("network", "content", "service")
FORM: Final = "diagnose-fault"
KIND: Final = "guide_kind"
"""The question of the form that chooses the guide."""
STEPS: Final = "fault-guides.json"
_STEPS: Final = TypeAdapter(dict[str, list[dict[str, str]]])
_LITERALS: Final = {"true": True, "false": False, "null": None}


@dataclass(frozen=True)
class _Row:
    tests: tuple[tuple[str, Test], ...]
    """Only the cells that test something."""
    result: Mapping[str, Any]


class FaultGuides:
    """The three guides.

    Args:
        models: the models as deployed.
        templates: the folder that holds fault-guides.json, the steps.

    Raises:
        Broken: a table or the form is missing, a cell is beyond what can be read here, or steps are missing.
    """

    def __init__(self, models: Models, templates: Path) -> None:
        if FORM not in models.forms:
            raise Broken(f"there is no form {FORM}")
        schema = json.loads(models.forms[FORM].file.read_text("utf-8"))
        self._questions = {each["key"]: each for each in Form(schema).fields}
        self._steps = _read_steps(templates / STEPS)
        self._tables = {kind: self._read(models, f"{kind}-fault-guide") for kind in KINDS}

    def ask(self, kind: str, answers: Mapping[str, str]) -> dict[str, Any]:
        """The guide's next question, or its decision.

        Returns:
            `question` (key, label, options) and null for the rest; or `next_step`, `is_visit_needed`, `words` (zh, en)
            and `steps`.

        Raises:
            NotFound: no such guide. Refused: an answer is to no question of it, or is none of the options.
        """
        rows = self._tables.get(kind)
        if rows is None:
            raise NotFound(f"there is no fault guide {kind[:40]!r}; there are {', '.join(KINDS)}")
        self._check(kind, rows, answers)
        for row in rows:
            for key, test in row.tests:
                if key not in answers:
                    return {"kind": kind, "question": self._question(key), "next_step": None}
                if test(answers[key]) is not True:
                    break
            else:
                return {"kind": kind, "question": None, **row.result}
        raise Broken(f"the table {kind}-fault-guide has no row for these answers")

    @property
    def kinds(self) -> list[dict[str, Any]]:
        """The guides as people choose among them: value, label."""
        return list(self._questions[KIND]["options"])

    def in_words(self, kind: str, answers: Mapping[str, str]) -> str:
        """What was asked and answered, and what comes next: for whoever takes the case over. Raises as `ask` does."""
        found = self.ask(kind, answers)
        name = self._option(KIND, kind)
        lines = [f"故障引导 Fault guide: {name}"]
        lines += [
            f"{self._questions[key]['label']}：{self._option(key, value)}" for key, value in answers.items()
        ]
        if found["next_step"] is not None:
            lines.append(f"→ {found['words']['zh']}")
        return "\n".join(lines)

    def _option(self, key: str, value: str) -> str:
        return next(str(each["label"]) for each in self._questions[key]["options"] if each["value"] == value)

    def _question(self, key: str) -> dict[str, Any]:
        return {name: self._questions[key][name] for name in ("key", "label", "options")}

    def _check(self, kind: str, rows: tuple[_Row, ...], answers: Mapping[str, str]) -> None:
        asked = {key for row in rows for key, _ in row.tests}
        for key, value in answers.items():
            if key not in asked:
                raise Refused(
                    f"the {kind} guide does not ask {key[:40]!r}; it asks {', '.join(sorted(asked))}"
                )
            options = [option["value"] for option in self._questions[key]["options"]]
            if value not in options:
                raise Refused(f"{key} is one of {', '.join(options)}")

    def _read(self, models: Models, name: str) -> tuple[_Row, ...]:
        table = models.decisions.get(name)
        if table is None:
            raise Broken(f"there is no decision {name}")
        if unknown := set(table.inputs) - set(self._questions):
            raise Broken(f"{name} reads {sorted(unknown)}, which the form {FORM} does not ask")
        try:
            return tuple(
                _Row(
                    tuple(
                        (key, parse_cell(cell))
                        for key, cell in zip(table.inputs, cells, strict=True)
                        if cell.strip() not in {"", "-"}
                    ),
                    self._result(name, dict(zip(table.outputs, outputs, strict=True))),
                )
                for cells, outputs in table.rules
            )
        except CellError as error:
            raise Broken(f"a cell of {name} {error}") from error

    def _result(self, name: str, cells: Mapping[str, str]) -> dict[str, Any]:
        found = {key: _literal(cell) for key, cell in cells.items()}
        steps = found.get("steps")
        if steps is not None and steps not in self._steps:
            raise Broken(f"{name} names the steps {steps!r}, which {STEPS} does not have")
        return {
            "next_step": found["next_step"],
            "is_visit_needed": found["is_visit_needed"],
            "words": {"zh": found["words_zh"], "en": found["words_en"]},
            "steps": self._steps[steps] if steps else [],
        }


def _literal(cell: str) -> Any:
    text = cell.strip()
    return _LITERALS[text] if text in _LITERALS else text.removeprefix('"').removesuffix('"')


def _read_steps(path: Path) -> dict[str, list[dict[str, str]]]:
    try:
        return _STEPS.validate_json(path.read_bytes())
    except OSError as error:
        raise Broken(f"{path.name} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Broken(f"{path.name} is no table of steps with zh and en: {where} {first['msg']}") from None
