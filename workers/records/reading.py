"""The body of a bulk request: NDJSON, an action line before each record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from workers.errors import Refused

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9999, 12, 31, tzinfo=UTC)


class MalformedBatch(Refused):
    """The bulk request is not what Zeebe's exporter sends; the message says which line and why."""


@dataclass(frozen=True, slots=True)
class Record:
    """One event of the engine's log.

    Attributes:
        partition: partition id, from 1.
        position: place in that partition's log; grows, never repeats.
        timestamp: when it was written, milliseconds since 1970, by the engine's clock.
        type: Zeebe's value type, e.g. USER_TASK.
        intent: what happened, e.g. COMPLETED.
        key: what it happened to.
        value: Zeebe's record value, by its JSON names.
    """

    partition: int
    position: int
    timestamp: int
    type: str
    intent: str
    key: int
    value: dict[str, Any]

    @property
    def at(self) -> datetime:
        """When the engine wrote it, by the engine's clock."""
        return instant(self.timestamp)


def instant(milliseconds: int) -> datetime:
    """The instant of an epoch time stamp; one beyond the year 9999, Python's last, becomes its end."""
    try:
        return min(_EPOCH + timedelta(milliseconds=milliseconds), _LATEST)
    except OverflowError:
        return _LATEST


def read_batch(body: bytes) -> list[Record]:
    """The events of a bulk request, in the order sent; commands and rejections are left out.

    Raises:
        MalformedBatch: a line is not JSON or not a record, or an action line has no record.
    """
    lines = [(number, line) for number, line in enumerate(body.split(b"\n"), 1) if line.strip()]
    if len(lines) % 2:
        raise MalformedBatch(f"Line {lines[-1][0]} of the bulk request has no partner: was it cut off?")
    records = []
    for (_, action), (number, line) in zip(lines[::2], lines[1::2], strict=True):
        _check_action(number - 1, action)
        record = _record(number, line)
        if record is not None:
            records.append(record)
    return records


def _check_action(number: int, line: bytes) -> None:
    if b'"index"' not in line and b'"create"' not in line:
        raise MalformedBatch(f"Line {number} of the bulk request is not an action line.")


def _record(number: int, line: bytes) -> Record | None:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise MalformedBatch(f"Line {number} of the bulk request is not JSON: {error.msg}.") from error
    try:
        record = Record(
            partition=document["partitionId"],
            position=document["position"],
            timestamp=document["timestamp"],
            type=document["valueType"],
            intent=document["intent"],
            key=document["key"],
            value=document["value"],
        )
        kind = document["recordType"]
    except (KeyError, TypeError) as error:
        raise MalformedBatch(
            f"Line {number} of the bulk request is not a record: {error} is missing."
        ) from error
    numbers = (record.partition, record.position, record.timestamp, record.key)
    words = (record.type, record.intent)
    fits = all(type(item) is int for item in numbers) and all(type(item) is str for item in words)
    if not fits or not isinstance(record.value, dict):
        raise MalformedBatch(f"Line {number} of the bulk request is not a record: a field has another type.")
    return record if kind == "EVENT" else None
