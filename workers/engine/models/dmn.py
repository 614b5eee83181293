"""A DMN file as data: one decision table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from workers.engine.models.xml import DMN, read_xml
from workers.errors import Broken


@dataclass(frozen=True)
class Decision:
    """A decision table: input expressions, result columns, and the entries of its rules."""

    file: Path
    id: str
    name: str
    hit_policy: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    rules: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    input_values: tuple[str, ...] = ()
    """Per input the values that it is said to have, as the cell of a table; empty where none are listed."""

    @property
    def result_variable(self) -> str:
        """The process variable that takes its result."""
        return self.id.replace("-", "_")

    @classmethod
    def read(cls, file: Path) -> Decision:
        """Reads a file. Raises Broken when it is not XML or has not exactly one decision with a table."""
        found = read_xml(file).findall(f"{DMN}decision")
        tables = [each for each in found if each.find(f"{DMN}decisionTable") is not None]
        if len(found) != 1 or len(tables) != 1:
            raise Broken(f"{file.name} has {len(found)} decisions; a file has exactly one, with a table")
        table = tables[0].find(f"{DMN}decisionTable")
        assert table is not None  # noqa: S101 - looked at in the line above
        inputs = (each.findtext(f"{DMN}inputExpression/{DMN}text") for each in table.findall(f"{DMN}input"))
        listed = (each.findtext(f"{DMN}inputValues/{DMN}text") for each in table.findall(f"{DMN}input"))
        rules = tuple(
            (
                tuple(each.findtext(f"{DMN}text") or "" for each in rule.findall(f"{DMN}inputEntry")),
                tuple(each.findtext(f"{DMN}text") or "" for each in rule.findall(f"{DMN}outputEntry")),
            )
            for rule in table.findall(f"{DMN}rule")
        )
        return cls(
            file,
            tables[0].get("id", ""),
            tables[0].get("name", ""),
            table.get("hitPolicy", "UNIQUE"),
            tuple((each or "").strip() for each in inputs),
            tuple(each.get("name", "") for each in table.findall(f"{DMN}output")),
            rules,
            tuple((each or "").strip() for each in listed),
        )

    def gives(self, field: str) -> bool:
        """Whether its result has this field: a table with one result column gives the bare value."""
        return self.hit_policy != "COLLECT" and len(self.outputs) > 1 and field in self.outputs

    def words(self, variable: str) -> set[str]:
        """The texts in quotes that the rules compare an input with."""
        if variable not in self.inputs:
            return set()
        column = self.inputs.index(variable)
        return {word for inputs, _ in self.rules for word in re.findall(r'"([^"]*)"', inputs[column])}

    def results(self, column: str) -> set[str]:
        """The texts in quotes that the rules put into a result column."""
        if column not in self.outputs:
            return set()
        place = self.outputs.index(column)
        return {word for _, outputs in self.rules for word in re.findall(r'"([^"]*)"', outputs[place])}
