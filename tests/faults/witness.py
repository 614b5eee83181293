"""What the engine itself says it did: a second exporter, that Duban has nothing to do with."""

from __future__ import annotations

import threading
from collections import defaultdict

from tests.record_sink import Record, RecordSink

STARTED = "messageStartEventSubscription"
EXPORTED = (STARTED, "incident")
"""Value types that the witness is sent."""


class Witness(RecordSink):
    """Keeps which process instances the engine began for which number, and the incidents it has open."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._started: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._incidents: dict[int, tuple[str, str]] = {}
        self._resolved: set[int] = set()

    def take(self, records: list[Record]) -> None:
        """What is sent again after a restart changes nothing: everything is kept by its key."""
        with self._lock:
            for record in records:
                value, key = record["value"], record["key"]
                if record["valueType"] == "INCIDENT":
                    if record["intent"] == "CREATED":
                        self._incidents[key] = (value["elementId"], value["errorMessage"])
                    elif record["intent"] == "RESOLVED":
                        self._resolved.add(key)
                elif record["intent"] == "CORRELATED":
                    case = (value["bpmnProcessId"], value["correlationKey"])
                    self._started[case].add(str(value["processInstanceKey"]))

    def instances(self, process_id: str) -> dict[str, set[str]]:
        """Per number the process instances that the engine began."""
        with self._lock:
            return {number: set(keys) for (id_, number), keys in self._started.items() if id_ == process_id}

    def incidents(self) -> list[tuple[str, str]]:
        """Element and message of every incident that there ever was: each one had needed a hand."""
        with self._lock:
            return list(self._incidents.values())
