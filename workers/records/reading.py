"""The body of a bulk request: NDJSON, an action line before each record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final

import orjson

from workers.errors import Refused

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9999, 12, 31, tzinfo=UTC)
_FIELDS: Final = itemgetter(
    "partitionId", "position", "timestamp", "valueType", "intent", "key", "value", "recordType"
)
_TYPES: Final = (int, int, int, str, str, int, dict, str)
_INTENT: Final = b'"intent":"'
_OF_ELEMENT: Final = b'"valueType":"PROCESS_INSTANCE"'
_STEPS: Final = (b'ELEMENT_COMPLETING"', b'ELEMENT_TERMINATING"', b'SEQUENCE_FLOW_TAKEN"')
"""Steps on an element's way that no table tells of: three of ten records. They are not even parsed."""


class MalformedBatch(Refused):
    """The bulk request is not what Zeebe's exporter sends; the message says which line and why."""


@dataclass(slots=True)
class Record:
    """One event of the engine's log. Not frozen, though nobody changes it: there are a thousand for a complaint, and
    a frozen one takes eight times as long to make.

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


@lru_cache(maxsize=1024)
def instant(milliseconds: int) -> datetime:
    """The instant of an epoch time stamp; one beyond the year 9999, Python's last, becomes its end.

    The engine gives what it does at once the same time stamp, so it is asked for again and again.
    """
    try:
        return min(_EPOCH + timedelta(milliseconds=milliseconds), _LATEST)
    except OverflowError:
        return _LATEST


def read_batch(body: bytes) -> list[Record]:
    """The events of a bulk request, in the order sent; commands, rejections and steps are left out.

    Raises:
        MalformedBatch: a line is not JSON or not a record, or an action line has no record.
    """
    lines = [(number, line) for number, line in enumerate(body.split(b"\n"), 1) if line.strip()]
    if len(lines) % 2:
        raise MalformedBatch(f"Line {lines[-1][0]} of the bulk request has no partner: was it cut off?")
    records = []
    for (_, action), (number, line) in zip(lines[::2], lines[1::2], strict=True):
        _check_action(number - 1, action)
        if line.startswith(_STEPS, line.rfind(_INTENT) + len(_INTENT)) and _OF_ELEMENT in line:
            continue
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
        *fields, kind = _FIELDS(document)
    except (KeyError, TypeError) as error:
        raise MalformedBatch(
            f"Line {number} of the bulk request is not a record: {error} is missing."
        ) from error
    if (*map(type, fields), type(kind)) != _TYPES:
        raise MalformedBatch(f"Line {number} of the bulk request is not a record: a field has another type.")
    return Record(*fields) if kind == "EVENT" else None
