"""What each record changes in the tables. Pure: records in, changes out; `apply` puts them into the store.

Only the value types and intents named in `_PROJECTORS` matter; all others are passed over in silence.
"""

from __future__ import annotations

import base64
import binascii
import logging
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from workers.records.diagram import UnreadableDiagramError, element_names, row_texts
from workers.records.reading import MalformedBatch, Record, instant
from workers.store.record_tables import (
    DecisionRow,
    DecisionTables,
    Element,
    FormVersion,
    Incident,
    ProcessInstance,
    ProcessVariable,
    ProcessVersion,
    Timer,
    UserTask,
)
from workers.store.record_writes import RecordChanges

log = logging.getLogger(__name__)

_ELEMENT_STATES: Final = {
    "ELEMENT_ACTIVATING": "active",
    "ELEMENT_ACTIVATED": "active",
    "ELEMENT_MIGRATED": "active",
    "ELEMENT_COMPLETED": "completed",
    "ELEMENT_TERMINATED": "terminated",
}
_TASK_CHANGES: Final = {
    "CREATED": None,
    "MIGRATED": ("process_id", "definition_key", "element_id"),
    "ASSIGNED": ("assignee",),
    "UPDATED": ("groups", "due_at"),
    "COMPLETED": ("state", "ended_at", "action"),
    "CANCELED": ("state", "ended_at"),
}
_TASK_STATES: Final = {"COMPLETED": "completed", "CANCELED": "cancelled"}
_TIMER_STATES: Final = {
    "CREATED": "waiting",
    "MIGRATED": "waiting",
    "TRIGGERED": "triggered",
    "CANCELED": "cancelled",
}
_INCIDENT_STATES: Final = {"CREATED": "open", "MIGRATED": "open", "RESOLVED": "resolved"}
_VARIABLE_CHANGES: Final = frozenset({"CREATED", "UPDATED", "MIGRATED"})
_ZONE_NAME: Final = re.compile(r"\[[^\]]*\]$")


def project(records: Iterable[Record]) -> RecordChanges:
    """What these records, in the order of their log, change in the tables.

    Raises:
        MalformedBatch: a record of a type that matters lacks a field it must have.
    """
    changes = RecordChanges()
    for record in records:
        projector = _PROJECTORS.get(record.type)
        if projector is None:
            continue
        try:
            projector(record, changes)
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedBatch(
                f"Record {record.position} of partition {record.partition} ({record.type} {record.intent}) "
                f"cannot be read: {type(error).__name__} {error}"
            ) from error
    return changes


def _process_instance(record: Record, changes: RecordChanges) -> None:
    state = _ELEMENT_STATES.get(record.intent)
    kind = record.value["bpmnElementType"]
    if state is None or kind == "SEQUENCE_FLOW":
        return
    if kind == "PROCESS":
        _instance(record, state, changes)
    else:
        _element(record, state, changes)


def _instance(record: Record, state: str, changes: RecordChanges) -> None:
    value = record.value
    row = {
        "process_id": value["bpmnProcessId"],
        "version": value["version"],
        "definition_key": str(value["processDefinitionKey"]),
        "parent_key": _key(value["parentProcessInstanceKey"]),
        "number": None,
        "state": state,
        "started_at": record.at,
        "ended_at": None if state == "active" else record.at,
    }
    changes.put(ProcessInstance, str(record.key), row, only=row.keys() - {"number", "started_at"})
    if record.intent == "ELEMENT_ACTIVATING":
        changes.relatives.add(str(record.key))


def _element(record: Record, state: str, changes: RecordChanges) -> None:
    value = record.value
    row = {
        "process_instance_key": str(value["processInstanceKey"]),
        "scope_key": _key(value.get("flowScopeKey", -1)),
        "process_id": value["bpmnProcessId"],
        "element_id": value["elementId"],
        "element_type": value["bpmnElementType"],
        "state": state,
        "started_at": record.at,
        "ended_at": None if state == "active" else record.at,
    }
    changes.put(Element, str(record.key), row, only=row.keys() - {"started_at"})


def _variable(record: Record, changes: RecordChanges) -> None:
    if record.intent not in _VARIABLE_CHANGES:
        return
    value = record.value
    row = {
        "process_instance_key": str(value["processInstanceKey"]),
        "scope_key": str(value["scopeKey"]),
        "name": value["name"],
        "value": value["value"],
    }
    changes.put(ProcessVariable, str(record.key), row)


def _message_start(record: Record, changes: RecordChanges) -> None:
    """The correlation key of the start message is the complaint number. The instance may not be known yet."""
    value = record.value
    instance = _key(value["processInstanceKey"])
    if record.intent != "CORRELATED" or instance is None or not value["correlationKey"]:
        return
    row = {
        "process_id": value["bpmnProcessId"],
        "version": 0,  # until the instance's own record says it
        "definition_key": str(value["processDefinitionKey"]),
        "parent_key": None,
        "number": value["correlationKey"],
        "state": "active",
        "started_at": record.at,
        "ended_at": None,
    }
    changes.put(ProcessInstance, instance, row, only=["number"])
    changes.relatives.add(instance)


def _user_task(record: Record, changes: RecordChanges) -> None:
    if record.intent not in _TASK_CHANGES:
        return
    value, state = record.value, _TASK_STATES.get(record.intent, "open")
    row = {
        "process_instance_key": str(value["processInstanceKey"]),
        "process_id": value["bpmnProcessId"],
        "definition_key": str(value["processDefinitionKey"]),
        "element_id": value["elementId"],
        "element_key": str(value["elementInstanceKey"]),
        "form_key": _key(value["formKey"]),
        "assignee": value["assignee"] or None,
        "groups": list(value["candidateGroupsList"]),
        "due_at": _date(value["dueDate"]),
        "state": state,
        "created_at": instant(value["creationTimestamp"]) if value.get("creationTimestamp") else record.at,
        "ended_at": None if state == "open" else record.at,
        "action": (value.get("action") or None) if state == "completed" else None,
    }
    changes.put(UserTask, str(record.key), row, only=_TASK_CHANGES[record.intent])
    if state == "completed":
        changes.completed_tasks.append(str(record.key))


def _timer(record: Record, changes: RecordChanges) -> None:
    state = _TIMER_STATES.get(record.intent)
    if state is None:
        return
    row = {
        "process_instance_key": _key(record.value["processInstanceKey"]),
        "element_id": record.value["targetElementId"],
        "due_at": instant(record.value["dueDate"]),
        "state": state,
    }
    changes.put(Timer, str(record.key), row)


def _incident(record: Record, changes: RecordChanges) -> None:
    state = _INCIDENT_STATES.get(record.intent)
    if state is None:
        return
    value = record.value
    row = {
        "process_instance_key": str(value["processInstanceKey"]),
        "process_id": value["bpmnProcessId"],
        "element_id": value["elementId"],
        "element_key": str(value["elementInstanceKey"]),
        "job_key": _key(value["jobKey"]),
        "error_type": value["errorType"],
        "error_message": value["errorMessage"],
        "state": state,
        "created_at": record.at,
        "resolved_at": record.at if state == "resolved" else None,
    }
    changes.put(Incident, str(record.key), row, only=row.keys() - {"created_at"})


def _process(record: Record, changes: RecordChanges) -> None:
    if record.intent != "CREATED":
        return
    value = record.value
    diagram = _decode(value["resource"])
    try:
        names = element_names(diagram)
    except UnreadableDiagramError as error:
        _unreadable("No labels for version %s of %s: %s.", value["version"], value["bpmnProcessId"], error)
        names = {}
    row = {
        "process_id": value["bpmnProcessId"],
        "version": value["version"],
        "resource_name": value["resourceName"],
        "checksum": value["checksum"],
        "resource": diagram.decode(errors="replace"),
        "element_names": names,
        "deployed_at": record.at,
    }
    changes.put(ProcessVersion, str(value["processDefinitionKey"]), row)


def _form(record: Record, changes: RecordChanges) -> None:
    if record.intent != "CREATED":
        return
    value = record.value
    schema: Any = None
    try:
        schema = orjson.loads(_decode(value["resource"]))
    except orjson.JSONDecodeError as error:
        _unreadable("Version %s of form %s is not JSON: %s.", value["version"], value["formId"], error)
    row = {
        "form_id": value["formId"],
        "version": value["version"],
        "form_schema": schema if isinstance(schema, dict) else {},
        "deployed_at": record.at,
        "resource_name": value.get("resourceName"),
        "checksum": value.get("checksum"),
    }
    changes.put(FormVersion, str(value["formKey"]), row)


def _decision_tables(record: Record, changes: RecordChanges) -> None:
    if record.intent != "CREATED":
        return
    value = record.value
    try:
        texts = row_texts(_decode(value["resource"]))
    except UnreadableDiagramError as error:
        _unreadable("The rows of %s stay without words: %s.", value["resourceName"], error)
        texts = {}
    row = {
        "resource_name": value["resourceName"],
        "version": value.get("decisionRequirementsVersion"),
        "row_texts": texts,
        "deployed_at": record.at,
        "checksum": value.get("checksum"),
    }
    changes.put(DecisionTables, str(value["decisionRequirementsKey"]), row)


def _decision(record: Record, changes: RecordChanges) -> None:
    value = record.value
    instance = _key(value["processInstanceKey"])
    if record.intent != "EVALUATED" or instance is None:
        return
    for place, decision in enumerate(value["evaluatedDecisions"]):
        inputs = {each["inputName"]: _json(each["inputValue"]) for each in decision["evaluatedInputs"]}
        for rule in decision["matchedRules"]:
            row = {
                "process_instance_key": instance,
                "element_id": value["elementId"],
                "decision_id": decision["decisionId"],
                "decision_name": decision["decisionName"],
                "requirements_key": str(value["decisionRequirementsKey"]),
                "rule_id": rule["ruleId"],
                "inputs": inputs,
                "outputs": {
                    each["outputName"]: _json(each["outputValue"]) for each in rule["evaluatedOutputs"]
                },
                "made_at": record.at,
            }
            changes.put(DecisionRow, f"{record.key}.{place}.{rule['ruleIndex']}", row)


_PROJECTORS: Final[dict[str, Callable[[Record, RecordChanges], None]]] = {
    "PROCESS_INSTANCE": _process_instance,
    "MESSAGE_START_EVENT_SUBSCRIPTION": _message_start,
    "USER_TASK": _user_task,
    "TIMER": _timer,
    "VARIABLE": _variable,
    "INCIDENT": _incident,
    "PROCESS": _process,
    "FORM": _form,
    "DECISION_REQUIREMENTS": _decision_tables,
    "DECISION_EVALUATION": _decision,
}


def _key(value: int) -> str | None:
    """Zeebe writes -1 where there is none."""
    return str(value) if value > 0 else None


def _date(text: str) -> datetime | None:
    """Zeebe's zoned date, e.g. ``2026-11-22T08:27:35.331Z[Etc/UTC]``; None where there is no date."""
    try:
        date = datetime.fromisoformat(_ZONE_NAME.sub("", text))
    except ValueError:
        return None
    return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)


def _json(text: Any) -> Any:
    """A value of a decision: the engine writes it as JSON in a string."""
    try:
        return orjson.loads(text) if isinstance(text, str) else text
    except orjson.JSONDecodeError:
        return text


def _decode(resource: str) -> bytes:
    try:
        return base64.b64decode(resource, validate=True)
    except binascii.Error as error:
        raise ValueError(f"the resource is not base64: {error}") from error


def _unreadable(sentence: str, *what: object) -> None:
    log.warning(sentence, *what, extra={"action": "model-unreadable"})
