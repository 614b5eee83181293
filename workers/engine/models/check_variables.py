"""Where variables come from and what reads them: one dictionary, nothing personal, nothing missing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from workers.engine.models.bpmn import Element, Process
from workers.engine.models.check_work import job_type
from workers.engine.models.contracts import TaskContract
from workers.engine.models.feel import names, references
from workers.engine.models.findings import Finding

if TYPE_CHECKING:
    from workers.engine.models.library import Models

POLICY_DECISION: Final = "complaint-policy"

PERSONAL: Final = frozenset(
    {"name", "phone", "mobile", "telephone", "email", "mail", "address", "id_card", "identity", "contact"}
    | {"customer", "customer_name", "customer_phone", "customer_email", "customer_no", "customer_key"}
    | {"complainant", "text", "content", "description", "comment", "remark", "reply", "findings", "solution"}
)
"""Words for what belongs to a person or is written by one. It stays in the store."""

_INSTANT = re.compile(r"=\s*([a-z][a-z0-9_]*_at)\s*")
_CRON = re.compile(r"[\d*/,-]+( [\d*/,LW?-]+){5}")
_DURATION = re.compile(
    r"=\s*(cycle\(\s*)?duration\(\s*([a-z][a-z0-9_]*)(?:\.[a-z][a-z0-9_]*)?\s*\)\s*(?(1)\)\s*)"
)
"""The time of a decision, once or (`cycle`) again and again."""


def findings(models: Models, tasks: Mapping[str, TaskContract] | None, *_: object) -> Iterator[Finding]:
    """Findings about variables."""
    yield from _dictionary(models)
    if POLICY_DECISION in models.decisions:
        yield from _policy_rows(models)
    for process in models.processes.values():
        yield from _expressions(process, models)
        yield from _timers(process, models)
        if tasks is not None:
            yield from _starts(process, models, tasks)
    for decision in models.decisions.values():
        if decision.id in _called(models):
            for name in sorted({each for text in decision.inputs for each in names("=" + text)}):
                yield from _known(models, decision.file.name, decision.id, name)


def _policy_rows(models: Models) -> Iterator[Finding]:
    """Every policy has a row of its own, or one for all, in each table that asks for the policy."""
    for decision in models.decisions.values():
        if "policy" not in decision.inputs or decision.id not in _called(models):
            continue
        column = decision.inputs.index("policy")
        cells = [inputs[column].strip() for inputs, _ in decision.rules]
        if any(cell in {"", "-"} or cell.startswith("not(") for cell in cells):
            continue
        for policy in sorted(models.policies() - decision.words("policy")):
            message = (
                f"The policy {policy!r} has no row in {decision.id}; add one, or write - for all policies."
            )
            yield Finding(decision.file.name, decision.id, "policy-row", message)


def _called(models: Models) -> set[str]:
    return {
        task.attribute("calledDecision", "decisionId")
        for process in models.processes.values()
        for task in process.of("businessRuleTask")
    }


def _dictionary(models: Models) -> Iterator[Finding]:
    for name, entry in models.variables.items():
        lacks = [part for part in ("type", "description", "examples") if not entry.get(part)]
        if lacks:
            yield Finding("variables.schema.json", name, "variable-entry", f"It lacks {', '.join(lacks)}.")
        if name in PERSONAL:
            yield Finding("variables.schema.json", name, "variable-personal", "Keep it in the store.")


def expressions(process: Process) -> Iterator[tuple[str, str]]:
    """Element id and text of every expression that the engine evaluates."""
    for flow in process.flows.values():
        yield flow.id, flow.condition
    for message in process.messages.values():
        yield message.id, message.key
    for element in process.elements.values():
        for kind in ("input", "output"):
            for source in element.mappings(kind).values():
                yield element.id, source
        for extension, name in (("assignmentDefinition", "candidateGroups"), ("taskSchedule", "dueDate")):
            yield element.id, element.attribute(extension, name)
        yield element.id, element.timer or ""
        for name in ("inputCollection", "outputElement"):
            yield element.id, element.loop.get(name, "")


def _expressions(process: Process, models: Models) -> Iterator[Finding]:
    file = process.file.name
    texts = {key for form in models.forms.values() for key in form.texts}
    tables = {each.result_variable: each for each in models.decisions.values()}
    used = [(id_, each.name) for id_, text in expressions(process) for each in references(text)]
    for element in process.elements.values():
        used += [(element.id, target) for kind in ("input", "output") for target in element.mappings(kind)]
        used += [(element.id, name) for name in _made_by_loop(element)]
    for id_, name in dict.fromkeys(used):
        if name in texts:
            message = f"{name!r} is what a person writes in a form; it never becomes a process variable."
            yield Finding(file, id_, "variable-text", message)
        else:
            yield from _known(models, file, id_, name)
    for id_, text in expressions(process):
        for each in references(text):
            table = tables.get(each.name)
            if each.field and table and not table.gives(each.field):
                message = f"The table {table.id} has no result {each.field!r}."
                yield Finding(file, id_, "decision-field", message)


def _known(models: Models, file: str, id_: str, name: str) -> Iterator[Finding]:
    if name in PERSONAL:
        yield Finding(file, id_, "variable-personal", f"{name!r} stays in the store.")
    elif name not in models.variables:
        yield Finding(file, id_, "variable-unknown", f"{name!r} is not in variables.schema.json.")


def _timers(process: Process, models: Models) -> Iterator[Finding]:
    results = {each.result_variable for each in models.decisions.values()}
    for element in process.elements.values():
        if (text := element.timer) is None:
            continue
        if element.tag == "startEvent" and element.parent == process.id and _CRON.fullmatch(text):
            continue  # there is nothing yet that it could read
        instant, duration = _INSTANT.fullmatch(text), _DURATION.fullmatch(text)
        if not instant and not (duration and duration.group(2) in results):
            message = (
                f"{text!r} must read an instant (=…_at) or the time of a decision: =duration(decision.time), "
                "or =cycle(duration(decision.time)) where it comes again and again."
            )
            yield Finding(process.file.name, element.id, "timer", message)


def _starts(process: Process, models: Models, tasks: Mapping[str, TaskContract]) -> Iterator[Finding]:
    needed = _reads(process, models, tasks) - makes(process, models, tasks)
    for caller in models.processes.values():
        for call in caller.of("callActivity"):
            if call.attribute("calledElement", "processId") == process.id:
                for name in sorted(needed - call.mappings("input").keys()):
                    message = f"{process.id} reads {name!r}, which it neither sets itself nor is given here."
                    yield Finding(caller.file.name, call.id, "call-inputs", message)
    start = next((each for each in process.of("startEvent") if each.parent == process.id), None)
    if start is not None and start.definition("message") is not None:
        for name in sorted(needed):
            message = f"The process reads {name!r}, which nothing in it sets and no message brings."
            yield Finding(process.file.name, start.id, "call-inputs", message)


def _reads(process: Process, models: Models, tasks: Mapping[str, TaskContract]) -> set[str]:
    found = {name for _, text in expressions(process) for name in names(text)}
    for element in process.elements.values():
        found |= tasks[kind].required if (kind := job_type(element)) in tasks else frozenset()
        decision = models.decisions.get(element.attribute("calledDecision", "decisionId"))
        found |= {name for text in decision.inputs for name in names("=" + text)} if decision else set()
    return found & models.variables.keys()


def makes(process: Process, models: Models, tasks: Mapping[str, TaskContract]) -> set[str]:
    """Every variable that something in the process sets."""
    found: set[str] = set()
    for element in process.elements.values():
        found |= element.mappings("input").keys() | element.mappings("output").keys()
        found |= _made_by_loop(element)
        found |= tasks[kind].sets if (kind := job_type(element)) in tasks else frozenset()
        found.add(element.attribute("calledDecision", "resultVariable"))
        form = models.forms.get(element.attribute("formDefinition", "formId"))
        found |= form.answers if form else frozenset()
        found |= brought_by(process, element, models)
    return found


def _made_by_loop(element: Element) -> set[str]:
    """The variables that a multi-instance element makes: one of each round, one of all together."""
    return {element.loop[name] for name in ("inputElement", "outputCollection") if name in element.loop}


def brought_by(process: Process, element: Element, models: Models) -> set[str]:
    """The variables that the message of an event brings, as the dictionary says."""
    definition = element.definition("message")
    message = process.messages.get(definition.get("messageRef", "")) if definition is not None else None
    source = f"message:{message.name}" if message else ""
    return {name for name, entry in models.variables.items() if source in entry.get("x-set-by", ())}
