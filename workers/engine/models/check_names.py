"""The grammar of names: ids, labels and descriptions (docs/style: one word from diagram to code)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from workers.engine.models.bpmn import EVENTS, TASKS, Element, Process
from workers.engine.models.findings import Finding

if TYPE_CHECKING:
    from workers.engine.models.library import Models

_PASCAL = re.compile(r"(?:[A-Z][a-z0-9]*)+")
_KEBAB = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_ENGLISH = re.compile(r"[A-Za-z]{2}")
_PREFIXES: Final = {
    **dict.fromkeys(TASKS, "Task"),
    **dict.fromkeys(EVENTS, "Event"),
    "callActivity": "Call",
    "subProcess": "SubProcess",
}


def findings(models: Models, *_: object) -> Iterator[Finding]:
    """Findings of the rules process-id, decision-id, element-id, label, documentation."""
    for process in models.processes.values():
        yield from _file_id(process)
        yield from _ids(process)
        yield from _labels(process)
    for decision in models.decisions.values():
        if decision.id != decision.file.stem or not _KEBAB.fullmatch(decision.id):
            message = f"The decision {decision.id} must have the name of its file, in kebab-case."
            yield Finding(decision.file.name, decision.id, "decision-id", message)
    for form in models.forms.values():
        if form.id != form.file.stem or not _KEBAB.fullmatch(form.id):
            message = f"The form {form.id} must have the name of its file, in kebab-case."
            yield Finding(form.file.name, form.id, "process-id", message)


def _file_id(process: Process) -> Iterator[Finding]:
    file = process.file
    if not (process.id == file.stem == file.parent.name) or not _KEBAB.fullmatch(process.id):
        message = f"The process {process.id}, its file and its folder must have one name, in kebab-case."
        yield Finding(file.name, process.id, "process-id", message)
    if not process.is_executable:
        yield Finding(file.name, process.id, "process-id", "The process must be executable.")


def _prefix(element: Element) -> str:
    return _PREFIXES.get(element.tag) or ("Join" if element.is_join else "Gateway")


def _ids(process: Process) -> Iterator[Finding]:
    expected = [(each.id, _prefix(each)) for each in process.elements.values()]
    expected += [(flow, "Flow") for flow in process.flows]
    expected += [(message, "Message") for message in process.messages]
    expected += [(code, kind.capitalize()) for code, (kind, _) in process.codes.items()]
    for id_, prefix in expected:
        head, _, rest = id_.partition("_")
        if head != prefix or not _PASCAL.fullmatch(rest):
            yield Finding(
                process.file.name, id_, "element-id", f"Expected: {prefix}_ and words in PascalCase."
            )


def _labels(process: Process) -> Iterator[Finding]:
    file = process.file.name
    if not _CHINESE.search(process.name):
        yield Finding(file, process.id, "label", "The process needs a name in Chinese.")
    if not _ENGLISH.search(process.documentation):
        yield Finding(file, process.id, "documentation", "Describe the process in English.")
    for element in process.elements.values():
        if not element.is_join and not _CHINESE.search(element.name):
            yield Finding(file, element.id, "label", "It needs a label in Chinese.")
        if not _ENGLISH.search(element.documentation):
            yield Finding(file, element.id, "documentation", "Describe it in English, with its rule ids.")
        if element.tag == "exclusiveGateway" and not element.is_join:
            yield from _question(process, element)


def _question(process: Process, gateway: Element) -> Iterator[Finding]:
    if not gateway.name.endswith(("？", "?")):
        yield Finding(process.file.name, gateway.id, "label", "A gateway asks a question, ending with ？.")
    for flow in gateway.outgoing:
        if not _CHINESE.search(process.flows[flow].name):
            message = f"It leaves the question {gateway.name} and needs the answer as its label."
            yield Finding(process.file.name, flow, "label", message)
