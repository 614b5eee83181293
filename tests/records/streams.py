"""Record streams for tests: one that a real Zeebe 8.5.8 sent, and records made by hand in its manner.

The real one tells six stories of the models in `models/`:

- C-1 goes the whole way: task assigned, changed, unassigned, completed; an incident two processes deep,
  resolved after a retry; waits a day; ends.
- C-2 is warned after 31 minutes and overdue after 25 hours.
- C-3 is withdrawn while its task is open. C-4 is cancelled. C-5 is cancelled with an incident.
- C-6 stays open, assigned to wang.fang.

At the end a second version of the middle process is deployed.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Table, select

from workers.records.apply import apply_batch
from workers.records.reading import Record, read_batch
from workers.store.database import Base, Database

HERE = Path(__file__).parent
ACTION = b'{"index":{"_index":"zeebe-record","_id":"1"}}'
RECORD_TABLES = (
    "record_positions",
    "process_instances",
    "elements",
    "user_tasks",
    "timers",
    "incidents",
    "process_versions",
    "form_versions",
    "decision_tables",
    "decision_rows",
    "process_variables",
    "element_times",
)
START = 1_795_332_000_000


def real_stream() -> bytes:
    """The body that the exporter would send if it sent all at once."""
    return gzip.decompress((HERE / "stream.ndjson.gz").read_bytes())


def real_records() -> list[Record]:
    """The events of the real stream."""
    return read_batch(real_stream())


def apply_in_bulks(database: Database, records: list[Record], size: int) -> None:
    """Applies the records in bulks of so many."""
    for start in range(0, len(records), size):
        apply_batch(database, records[start : start + size])


def tables(database: Database) -> dict[str, list[dict[str, Any]]]:
    """Everything that records wrote, in the order of the keys."""
    content = {}
    with database.read() as tx:
        for name in RECORD_TABLES:
            table = Base.metadata.tables[name]
            assert isinstance(table, Table)
            rows = tx.execute(select(table).order_by(*table.primary_key)).mappings()
            content[name] = [dict(row) for row in rows]
    return content


def record(position: int, kind: str, intent: str, key: int, value: dict[str, Any], **fields: Any) -> Record:
    """A record made by hand, a second after the one before it."""
    timestamp = fields.pop("timestamp", START + position * 1000)
    return Record(fields.pop("partition", 1), position, timestamp, kind, intent, key, value, **fields)


def instance(
    position: int, key: int, parent: int = -1, intent: str = "ELEMENT_ACTIVATING", **fields: Any
) -> Record:
    """A process instance begins, or whatever the intent says."""
    value = {
        "bpmnProcessId": f"process-{key}",
        "processDefinitionKey": 500,
        "processInstanceKey": key,
        "elementId": f"process-{key}",
        "bpmnElementType": "PROCESS",
        "parentProcessInstanceKey": parent,
        "version": 1,
    }
    return record(position, "PROCESS_INSTANCE", intent, key, value, **fields)


def element(position: int, key: int, kind: str, intent: str = "ELEMENT_ACTIVATED", **value: Any) -> Record:
    """An element of process instance 7."""
    whole = {
        "bpmnProcessId": "process-7",
        "processInstanceKey": 7,
        "elementId": f"Element_{key}",
        "bpmnElementType": kind,
    }
    return record(position, "PROCESS_INSTANCE", intent, key, whole | value)


def started_by_message(position: int, key: int, number: str) -> Record:
    """The start message of instance `key` was correlated."""
    value = {
        "bpmnProcessId": f"process-{key}",
        "processDefinitionKey": 500,
        "processInstanceKey": key,
        "correlationKey": number,
    }
    return record(position, "MESSAGE_START_EVENT_SUBSCRIPTION", "CORRELATED", 9, value)


def user_task(position: int, key: int, intent: str = "CREATED", **value: Any) -> Record:
    """Something about a user task of process instance 7."""
    whole = {
        "processInstanceKey": 7,
        "bpmnProcessId": "process-7",
        "processDefinitionKey": 500,
        "elementId": "Task_Decide",
        "elementInstanceKey": 71,
        "formKey": -1,
        "assignee": "",
        "candidateGroupsList": ["billing"],
        "dueDate": "",
        "creationTimestamp": START,
        "action": "",
    }
    return record(position, "USER_TASK", intent, key, whole | value)


def incident(position: int, key: int, intent: str = "CREATED", **value: Any) -> Record:
    """Something about an incident of process instance 7."""
    whole = {
        "processInstanceKey": 7,
        "bpmnProcessId": "process-7",
        "elementId": "Task_Broken",
        "elementInstanceKey": 72,
        "jobKey": -1,
        "errorType": "JOB_NO_RETRIES",
        "errorMessage": "no",
    }
    return record(position, "INCIDENT", intent, key, whole | value)


def timer(position: int, key: int, due_at: datetime, intent: str = "CREATED") -> Record:
    """Something about a timer of process instance 7."""
    milliseconds = round(due_at.timestamp() * 1000)
    value = {"processInstanceKey": 7, "targetElementId": "Event_Due", "dueDate": milliseconds}
    return record(position, "TIMER", intent, key, value)


def signal(position: int, name: str, partition: int = 1) -> Record:
    """A signal was broadcast."""
    return record(
        position, "SIGNAL", "BROADCASTED", 8, {"signalName": name, "variables": {}}, partition=partition
    )


def body(records: Iterable[Record]) -> bytes:
    """The bulk request that brings these records."""
    lines = []
    for one in records:
        document = {
            "partitionId": one.partition,
            "position": one.position,
            "timestamp": one.timestamp,
            "valueType": one.type,
            "intent": one.intent,
            "key": one.key,
            "value": one.value,
            "recordType": "EVENT",
        }
        lines += [ACTION, orjson.dumps(document)]
    return b"\n".join(lines) + b"\n"
