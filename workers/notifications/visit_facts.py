"""Facts of field work, for the events that speak of it: those of the case's newest work order (rule B11)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from workers.store import staff, work_orders
from workers.store.outbox import Transaction

NAMES: Final = frozenset({"engineer_name", "engineer_phone", "visit_from_at", "visit_to_at", "expected_at"})
"""What an event may declare."""


def wanted(tx: Transaction, number: str, declared: Collection[str]) -> dict[str, Any]:
    """The facts; none where the event declares none of them. Raises NotFound where there is no work order."""
    if NAMES.isdisjoint(declared):
        return {}
    order = work_orders.present(tx, number)
    engineer = staff.get(tx, order.engineer)
    return {
        "engineer_name": engineer.name,
        "engineer_phone": engineer.phone,
        "visit_from_at": order.window_from,
        "visit_to_at": order.window_to,
        "expected_at": order.expected_at,
    }
