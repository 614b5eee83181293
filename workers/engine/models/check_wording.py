"""What people read in diagrams, tables and forms has no forbidden word either (rules D5, D6).

Inputs of decision tables are what customers write, and documentation may speak about a rule: neither is checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from workers.cases.wording import Context, Wording
from workers.engine.models.findings import Finding

if TYPE_CHECKING:
    from workers.engine.models.library import FormFile, Models

_STRING = re.compile(r'"([^"]*)"')


def findings(models: Models, wording: Wording | None) -> Iterator[Finding]:
    """Findings of the rule wording; none without a list of words."""
    if wording is None:
        return
    for file, element, context, text in _texts(models):
        for found in wording.refused(text, context):
            yield Finding(file, element, "wording", wording.sentence(found, context))


def _texts(models: Models) -> Iterator[tuple[str, str, Context, str]]:
    for process in models.processes.values():
        yield process.file.name, process.id, "note", process.name
        for node in process.elements.values():
            yield process.file.name, node.id, "note", node.name
        for flow in process.flows.values():
            yield process.file.name, flow.id, "note", flow.name
    for decision in models.decisions.values():
        for _, outputs in decision.rules:
            for text in outputs:
                yield decision.file.name, decision.id, "message", " | ".join(_STRING.findall(text))
    for form in models.forms.values():
        for element, context, text in _form_texts(form):
            yield form.file.name, element, context, text


def _form_texts(form: FormFile) -> Iterator[tuple[str, Context, str]]:
    waiting: list[Mapping[str, Any]] = list(json.loads(form.file.read_text("utf-8")).get("components", []))
    while waiting:
        component = waiting.pop()
        waiting += component.get("components", [])
        element = str(component.get("id", ""))
        for name in ("label", "dateLabel", "timeLabel", "description", "text", "content"):
            if isinstance(text := component.get(name), str):
                yield element, "note", text
        for option in component.get("values") or ():
            yield element, "note", str(option.get("label", ""))
        if isinstance(default := component.get("defaultValue"), str):
            yield element, (component.get("properties") or {}).get("wording", "answer"), default
