"""A folder of models, read whole: processes, decisions, forms, and the dictionary of variables."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from workers.cases.forms import Form
from workers.cases.wording import Wording
from workers.engine.models.bpmn import Process
from workers.engine.models.contracts import TaskContract
from workers.engine.models.dmn import Decision
from workers.engine.models.findings import Finding
from workers.errors import Broken

DICTIONARY: Final = "variables.schema.json"
POLICY_DECISION: Final = "complaint-policy"


@dataclass(frozen=True)
class FormFile:
    """A form. `texts`: keys of what people write, kept in the store; `answers`: keys of process variables."""

    file: Path
    id: str
    texts: frozenset[str]
    answers: frozenset[str]

    @classmethod
    def read(cls, file: Path) -> FormFile:
        """Reads a file. Raises Broken when the server could not check its answers."""
        try:
            schema = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise Broken(f"{file.name} is not a form: it is no JSON") from error
        if not isinstance(schema, dict):
            raise Broken(f"{file.name} is not a form: it is no JSON object")
        form = Form(schema)
        fields = form.fields
        texts = frozenset(each["key"] for each in fields if each["type"] in {"textfield", "textarea"})
        return cls(
            file,
            str(schema.get("id", "")),
            texts,
            frozenset(each["key"] for each in fields) - texts | form.person_keys,
        )


@dataclass
class Models:
    """Everything a folder of models holds. Files that cannot be read are in `unreadable`, with the reason."""

    folder: Path
    processes: dict[str, Process] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    forms: dict[str, FormFile] = field(default_factory=dict)
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    unreadable: list[Finding] = field(default_factory=list)

    @classmethod
    def load(cls, folder: Path) -> Models:
        """Reads a folder and the folders in it.

        Raises:
            Broken: there is no process in it.
        """
        models = cls(folder)
        for file in sorted(folder.rglob("*")):
            models._read(file)
        models._read_dictionary()
        if not models.processes and not any(folder.rglob("*.bpmn")):
            raise Broken(f"流程目录中没有流程。 There is no process (.bpmn) in {folder}.")
        return models

    def deployables(self) -> list[Path]:
        """Every file that the engine is given: processes, decisions, forms."""
        tables = (self.processes, self.decisions, self.forms)
        return sorted(found.file for table in tables for found in _files(table))

    def policies(self) -> set[str]:
        """The policies that exist: the rows of decision `complaint-policy`.

        Raises:
            Broken: there is no such table.
        """
        table = self.decisions.get(POLICY_DECISION)
        if table is None:
            raise Broken(f"缺少决策表。 There is no decision {POLICY_DECISION} in {self.folder}.")
        return table.words("policy")

    def groups(self) -> set[str]:
        """The groups of staff that work goes to: fixed ones of user tasks, and those that decisions choose."""
        chosen = {
            group
            for decision in self.decisions.values()
            for column in decision.outputs
            if column.endswith("_group")
            for group in decision.results(column)
        }
        named = (
            element.attribute("assignmentDefinition", "candidateGroups")
            for process in self.processes.values()
            for element in process.elements.values()
        )
        fixed = {group.strip() for names in named if not names.startswith("=") for group in names.split(",")}
        return (chosen | fixed) - {""}

    def form_of(self, process_id: str, element_id: str) -> FormFile | None:
        """The form of a user task."""
        process = self.processes.get(process_id)
        element = process.elements.get(element_id) if process else None
        return self.forms.get(element.attribute("formDefinition", "formId")) if element else None

    def check(
        self,
        tasks: Mapping[str, TaskContract] | None = None,
        events: Collection[str] | None = None,
        wording: Wording | None = None,
    ) -> list[Finding]:
        """The contract suite: models against each other, against code and against templates.

        Args:
            tasks: job type -> contract, see `contracts_of`; None leaves out what needs the code.
            events: names of the notification templates; None leaves out what needs them.
            wording: the words that may not be written; None leaves out that check.

        Returns:
            What is wrong, sorted by file; empty when everything holds.
        """
        from workers.engine.models import (
            check_decisions,
            check_drawing,
            check_names,
            check_order,
            check_variables,
            check_wording,
            check_work,
        )  # cyclic

        found = list(self.unreadable)
        for check in (
            check_names.findings,
            check_work.findings,
            check_variables.findings,
            check_order.findings,
            check_drawing.findings,
            check_decisions.findings,
        ):
            found += check(self, tasks, events)
        found += check_wording.findings(self, wording)
        return sorted(set(found))

    def _read(self, file: Path) -> None:
        try:
            match file.suffix:
                case ".bpmn":
                    process = Process.read(file)
                    self._keep(self.processes, process.id, process)
                case ".dmn":
                    decision = Decision.read(file)
                    self._keep(self.decisions, decision.id, decision)
                case ".form":
                    form = FormFile.read(file)
                    self._keep(self.forms, form.id, form)
        except Broken as error:
            rule = "form-unusable" if file.suffix == ".form" else "unreadable"
            self.unreadable.append(Finding(file.name, "", rule, str(error)))

    def _keep(self, kept: dict[str, Any], id_: str, found: Any) -> None:
        if id_ in kept:
            raise Broken(f"the id {id_} is also that of {kept[id_].file.name}")
        kept[id_] = found

    def _read_dictionary(self) -> None:
        try:
            schema = json.loads((self.folder / DICTIONARY).read_text("utf-8"))
            self.variables = dict(schema["properties"])
        except (OSError, ValueError, KeyError, TypeError):
            message = "There is no readable dictionary of process variables beside the processes."
            self.unreadable.append(Finding(DICTIONARY, "", "unreadable", message))


def _files(table: Mapping[str, Process | Decision | FormFile]) -> Collection[Process | Decision | FormFile]:
    return table.values()
