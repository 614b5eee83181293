"""Who does the work: jobs, user tasks, decisions, calls, messages, errors, templates, gateways."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from workers.engine.models.bpmn import Element, Process
from workers.engine.models.contracts import TaskContract
from workers.engine.models.findings import Finding
from workers.names import Message

if TYPE_CHECKING:
    from workers.engine.models.library import Models

_CODE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
_MESSAGES = frozenset(str(each) for each in Message)


def findings(
    models: Models, tasks: Mapping[str, TaskContract] | None, events: Collection[str] | None
) -> Iterator[Finding]:
    """Findings about who does the work."""
    for process in models.processes.values():
        yield from _user_tasks(process, models)
        yield from _decisions(process, models)
        yield from _messages(process)
        yield from _gateways(process)
        for call in process.of("callActivity"):
            if (called := call.attribute("calledElement", "processId")) not in models.processes:
                yield Finding(process.file.name, call.id, "call-missing", f"There is no process {called!r}.")
    yield from _unused_forms(models)
    yield from _codes(models, tasks or {}, is_complete=tasks is not None)
    if tasks is not None:
        yield from _jobs(models, tasks)
    if events is not None:
        yield from _templates(models, events)


def job_type(element: Element) -> str:
    """The job type of an element; empty when no worker does it."""
    return element.attribute("taskDefinition", "type")


def _jobs(models: Models, tasks: Mapping[str, TaskContract]) -> Iterator[Finding]:
    used = set()
    for process in models.processes.values():
        file = process.file.name
        for element in process.elements.values():
            kind = job_type(element)
            if not kind and element.tag not in {"serviceTask", "sendTask"}:
                continue
            used.add(kind)
            contract = tasks.get(kind)
            if contract is None:
                message = f"There is no task {kind!r}; there are: {', '.join(sorted(tasks))}."
                yield Finding(file, element.id, "job-unknown", message)
                continue
            for header in sorted(contract.headers - element.headers.keys()):
                yield Finding(file, element.id, "job-header", f"{kind} reads the header {header!r}.")
            for variable in sorted((contract.required | contract.optional) - models.variables.keys()):
                message = f"{kind} reads {variable!r}, which the dictionary does not know."
                yield Finding(file, element.id, "job-variable", message)
    for kind in sorted(tasks.keys() - used):
        yield Finding("workers.tasks", kind, "job-unused", "No process uses this job type.")


def _user_tasks(process: Process, models: Models) -> Iterator[Finding]:
    file = process.file.name
    for task in process.of("userTask"):
        form = task.attribute("formDefinition", "formId")
        lacks = [
            what
            for what, is_there in (
                ("zeebe:userTask", task.extension("userTask") is not None),
                ("a form", bool(form)),
                ("candidate groups", bool(task.attribute("assignmentDefinition", "candidateGroups"))),
                ("a due date", bool(task.attribute("taskSchedule", "dueDate"))),
            )
            if not is_there
        ]
        if lacks:
            yield Finding(file, task.id, "user-task", f"It lacks {', '.join(lacks)}.")
        groups = task.attribute("assignmentDefinition", "candidateGroups") or ""
        if groups.startswith("=") and not groups.startswith("=["):  # the engine stops at a single word
            yield Finding(file, task.id, "user-task", f"Its candidate groups {groups!r} are no list: =[…].")
        if form and form not in models.forms:
            yield Finding(file, task.id, "form-missing", f"There is no form {form!r}.")


def _unused_forms(models: Models) -> Iterator[Finding]:
    used = {
        task.attribute("formDefinition", "formId")
        for process in models.processes.values()
        for task in process.of("userTask")
    }
    for form in models.forms.values():
        if form.id not in used:
            yield Finding(form.file.name, form.id, "form-unused", "No user task has this form.")
        for key in sorted(form.answers - models.variables.keys()):
            message = f"Its answer {key!r} becomes a process variable that the dictionary does not know."
            yield Finding(form.file.name, form.id, "form-variable", message)


def _decisions(process: Process, models: Models) -> Iterator[Finding]:
    file = process.file.name
    for task in process.of("businessRuleTask"):
        decision = task.attribute("calledDecision", "decisionId")
        variable = task.attribute("calledDecision", "resultVariable")
        if decision not in models.decisions:
            yield Finding(file, task.id, "decision-missing", f"There is no decision {decision!r}.")
        elif variable != (expected := models.decisions[decision].result_variable):
            message = f"The result of {decision} goes into {expected!r}, not {variable!r}."
            yield Finding(file, task.id, "decision-result", message)


def _messages(process: Process) -> Iterator[Finding]:
    file = process.file.name
    for element in process.elements.values():
        definition = element.definition("message")
        if definition is None and element.tag != "receiveTask":
            continue
        node = definition if definition is not None else element.node
        message = process.messages.get(node.get("messageRef", ""))
        name = message.name if message else ""
        if name not in _MESSAGES:
            text = f"Nobody publishes the message {name!r}; known: {', '.join(sorted(_MESSAGES))}."
            yield Finding(file, element.id, "message-unknown", text)
        starts_process = element.tag == "startEvent" and element.parent == process.id
        if message is not None and not starts_process and message.key.replace(" ", "") != "=number":
            text = (
                f"{name} is published for a number: its correlation key must be =number, not {message.key!r}."
            )
            yield Finding(file, element.id, "message-correlation", text)


def _gateways(process: Process) -> Iterator[Finding]:
    for gateway in process.of("exclusiveGateway"):
        leaving = [process.flows[flow] for flow in gateway.outgoing]
        bare = [flow.id for flow in leaving if not flow.condition]
        default = gateway.node.get("default", "")
        if len(leaving) > 1 and bare != [default]:
            message = "Exactly one way out is the default, all others have a condition."
            yield Finding(process.file.name, gateway.id, "gateway-default", message)


def _codes(models: Models, tasks: Mapping[str, TaskContract], *, is_complete: bool) -> Iterator[Finding]:
    thrown: dict[str, set[str]] = {"error": set(), "escalation": set()}
    for process in models.processes.values():
        for id_, (_, code) in process.codes.items():
            if not _CODE.fullmatch(code):
                yield Finding(process.file.name, id_, "code-shape", f"{code!r} is not in UPPER_SNAKE.")
        for element in process.elements.values():
            for kind, code in _throws(process, element, tasks):
                thrown[kind].add(code)
                if not _is_caught(models, process, element, (kind, code)):
                    message = f"It throws the {kind} {code}, which nothing around it catches."
                    yield Finding(process.file.name, element.id, "code-uncaught", message)
    if is_complete:
        yield from _unthrown(models, thrown)


def _throws(
    process: Process, element: Element, tasks: Mapping[str, TaskContract]
) -> Iterator[tuple[str, str]]:
    """Kind and code of what an element throws: as an event, or by its job."""
    for code in tasks.get(job_type(element), TaskContract(frozenset())).throws:
        yield "error", code
    if element.tag not in {"boundaryEvent", "startEvent"}:
        yield from _codes_of(process, element)


def _codes_of(process: Process, element: Element) -> Iterator[tuple[str, str]]:
    for kind in ("error", "escalation"):
        definition = element.definition(kind)
        if definition is not None:
            yield kind, process.codes.get(definition.get(f"{kind}Ref", ""), ("", ""))[1]


def _is_caught(
    models: Models,
    process: Process,
    element: Element,
    what: tuple[str, str],
    seen: frozenset[str] = frozenset(),
) -> bool:
    """Whether something around the element catches this kind and code: outwards, scope by scope, and where the
    process is called, on the way up through every caller."""
    around: Element | None = element
    while around is not None:
        inside = process.elements.get(around.parent)
        catchers = [
            each
            for each in process.of("boundaryEvent", "startEvent")
            if each.node.get("attachedToRef") == around.id
            or (
                (home := process.elements.get(each.parent)) is not None
                and home.node.get("triggeredByEvent") == "true"
                and home.parent == around.parent
                and home.id != around.id
            )
        ]
        caught = {pair for each in catchers for pair in _codes_of(process, each)}
        if caught & {what, (what[0], "")}:
            return True
        around = inside
    calls = [
        (caller, call)
        for caller in models.processes.values()
        for call in caller.of("callActivity")
        if call.attribute("calledElement", "processId") == process.id and caller.id not in seen
    ]
    return bool(calls) and all(
        _is_caught(models, caller, call, what, seen | {process.id}) for caller, call in calls
    )


def _unthrown(models: Models, thrown: Mapping[str, set[str]]) -> Iterator[Finding]:
    for process in models.processes.values():
        for element in process.of("boundaryEvent", "startEvent"):
            for kind in ("error", "escalation"):
                definition = element.definition(kind)
                code = (
                    process.codes.get(definition.get(f"{kind}Ref", ""), ("", ""))[1]
                    if definition is not None
                    else ""
                )
                if code and code not in thrown[kind]:
                    message = f"It catches the {kind} {code}, which nothing throws."
                    yield Finding(process.file.name, element.id, "code-unthrown", message)


def _templates(models: Models, events: Collection[str]) -> Iterator[Finding]:
    used = set()
    for process in models.processes.values():
        for element in process.elements.values():
            if (event := element.headers.get("event")) is None:
                continue
            used.add(event)
            if event not in events:
                message = f"There is no template {event!r} under templates/notifications."
                yield Finding(process.file.name, element.id, "template-missing", message)
    for event in sorted(set(events) - used):
        yield Finding(f"templates/notifications/{event}", "", "template-unused", "No process sends it.")
