"""Keeps the times of elements (`time_tables`) and answers where cases spend their time."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Final, NamedTuple, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workers.names import SHANGHAI
from workers.store import statements
from workers.store.record_tables import Element
from workers.store.statements import KEYS, insert_into, table_of
from workers.store.time_tables import ElementTime

CONTAINERS: Final = ("SUB_PROCESS", "EVENT_SUB_PROCESS", "MULTI_INSTANCE_BODY")
"""What holds other elements: its time is theirs, so it is not counted again."""
_LAST_BUCKET: Final = 63


class Ended(NamedTuple):
    """An element that ended."""

    process_id: str
    element_id: str
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True)
class ElementHeat:
    """What cases spent at one element, in a period; and how many are there now.

    Attributes:
        ended: elements that ended in the period.
        mean, median: seconds; the median is known to half an octave. 0 when none ended.
        total: seconds.
        here: active now. oldest_at: since when the first of them is there.
    """

    element_id: str
    ended: int = 0
    mean: float = 0
    median: float = 0
    total: int = 0
    here: int = 0
    oldest_at: datetime | None = None


def bucket_of(seconds: float) -> int:
    """The bucket of a length of time."""
    return min(_LAST_BUCKET, max(0, math.floor(2 * math.log2(seconds)))) if seconds >= 1 else 0


_ENDED: Final = select(Element.process_id, Element.element_id, Element.started_at, Element.ended_at).where(
    Element.key.in_(KEYS),
    Element.element_type.not_in(CONTAINERS),
    Element.ended_at.is_not(None),
)


def add_ended(tx: Session, keys: Iterable[str]) -> None:
    """Counts elements, by key, that a batch of records says have ended. Each must be told once only."""
    add(
        tx,
        [
            Ended(*cast("Any", row))
            for chunk in statements.chunks(keys)
            for row in tx.execute(_ENDED, {"keys": chunk})
        ],
    )


def add(tx: Session, ended: Iterable[Ended]) -> None:
    """Counts elements that ended."""
    sums: dict[tuple[str, date, str, int], list[int]] = defaultdict(lambda: [0, 0])
    for each in ended:
        seconds = max(0.0, (each.ended_at - each.started_at).total_seconds())
        day = each.ended_at.astimezone(SHANGHAI).date()
        found = sums[(each.process_id, day, each.element_id, bucket_of(seconds))]
        found[0] += 1
        found[1] += round(seconds)
    if not sums:
        return
    names = ("process_id", "day", "element_id", "bucket")
    rows: list[dict[str, Any]] = [
        {**dict(zip(names, key, strict=True)), "count": count, "seconds": seconds}
        for key, (count, seconds) in sorted(
            sums.items()
        )  # in one order: two writers never wait for each other
    ]
    tx.execute(_counting(tx.get_bind().dialect.name), rows)


@cache
def _counting(dialect: str) -> Any:
    insert = insert_into(dialect, ElementTime)
    columns = table_of(ElementTime).c
    return insert.on_conflict_do_update(
        index_elements=["process_id", "day", "element_id", "bucket"],
        set_={name: columns[name] + insert.excluded[name] for name in ("count", "seconds")},
    )


def heat(tx: Session, process_id: str, first: date, last: date) -> list[ElementHeat]:
    """What cases spent at the elements of a process, most first.

    Args:
        first, last: days in Shanghai, both included: elements that ended then.
    """
    here = _here(tx, process_id)
    rows = (
        select(
            ElementTime.element_id,
            ElementTime.bucket,
            func.sum(ElementTime.count),
            func.sum(ElementTime.seconds),
        )
        .where(ElementTime.process_id == process_id, ElementTime.day >= first, ElementTime.day <= last)
        .group_by(ElementTime.element_id, ElementTime.bucket)
        .order_by(ElementTime.element_id, ElementTime.bucket)
    )
    buckets: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for element_id, bucket, count, seconds in tx.execute(rows):
        buckets[element_id].append((int(bucket), int(count), int(seconds)))
    found = [_summed(each, buckets.get(each, []), here.get(each)) for each in buckets.keys() | here.keys()]
    return sorted(found, key=lambda each: (-each.total, -each.here, each.element_id))


def _here(tx: Session, process_id: str) -> dict[str, tuple[int, datetime]]:
    rows = (
        select(Element.element_id, func.count(), func.min(Element.started_at))
        .where(
            Element.state == "active",
            Element.process_id == process_id,
            Element.element_type.not_in(CONTAINERS),
        )
        .group_by(Element.element_id)
    )
    return {element_id: (count, oldest) for element_id, count, oldest in tx.execute(rows)}


def _summed(
    element_id: str, buckets: Sequence[tuple[int, int, int]], here: tuple[int, datetime] | None
) -> ElementHeat:
    count = sum(each[1] for each in buckets)
    total = sum(each[2] for each in buckets)
    now, oldest = here or (0, None)
    return ElementHeat(
        element_id, count, total / count if count else 0, _median(buckets, count), total, now, oldest
    )


def _median(buckets: Sequence[tuple[int, int, int]], count: int) -> float:
    """The mean of the bucket in which the middle one lies."""
    seen = 0
    for _, number, seconds in buckets:
        seen += number
        if 2 * seen >= count:
            return seconds / number
    return 0
