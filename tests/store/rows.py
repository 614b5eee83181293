"""Rows for the store's tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from workers.store.database import Database
from workers.store.tables import Complaint

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
"""Noon in Shanghai."""

HOUR = timedelta(hours=1)


def put(database: Database, number: str, **columns: Any) -> None:
    """A complaint with what the test cares about."""
    row = {"policy": "petition", "channel": "web", "text": number, "customer_key": "phone:+8613900001001"}
    with database.begin() as tx:
        tx.add(Complaint(number=number, **row | {"received_at": NOON} | columns))
