"""What tasks of field work and rectification find: variables and rows for tests that run every task."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from workers.store.outbox import Transaction
from workers.store.rectification_tables import Rectification
from workers.store.tables import Staff
from workers.store.work_order_tables import WorkOrder

VARIABLES: Final[dict[str, Any]] = {
    "field_service_rule": {
        "engineer_group": "field-engineers",
        "contact_time": "PT30M",
        "contact_overdue_time": "PT60M",
        "contact_retry_time": "PT2H",
        "late_notice_time": "PT30M",
        "announce_time": "PT15M",
        "grace_time": "PT4H",
        "closing_hour": "20:00",
        "farthest_time": "P14D",
    },
    "guide_kind": "network",
    "network_fault_guide": {
        "next_step": "guide",
        "is_visit_needed": False,
        "steps": "basic-checks",
        "words_zh": "我们先一起做几步检查。",
        "words_en": "Let us go through a few checks.",
    },
    "visit_attempt": 0,
    "contact_count": 0,
    "contact_overdue_at": "2026-03-02T16:00:00+08:00",
    "is_reached": True,
    "appointment_from_at": "2026-03-03T09:00:00+08:00",
    "appointment_to_at": "2026-03-03T11:00:00+08:00",
    "expected_at": "2026-03-03T12:00:00+08:00",
    "is_visit_done": False,
    "reason_code": "part-missing",
    "rectification_group": "billing",
    "rectification_round": 1,
    "rectification_clock": {
        "time": "P5D",
        "calendar": "clock",
        "check_time": "P3D",
        "check_allowed_time": "P2D",
        "check_group": "customer-service",
        "check_raise_group": "city-management",
        "raise_group": "branch-management",
        "warning_share": 0.75,
    },
    "carried_out_by": "wang.fang",
    "is_effective": False,
}


def add(tx: Transaction, number: str, process_instance_key: str, at: datetime) -> None:
    """An engineer with a work order for the case, and a rectification that is under way."""
    tx.add(Staff(username="gong.ming", name="龚明", groups=["field-engineers"], phone="13900001010"))
    tx.flush()
    tx.add(
        WorkOrder(
            opened_by="1999",
            number=number,
            engineer="gong.ming",
            engineer_group="field-engineers",
            opened_at=at,
            contact_due_at=at + timedelta(minutes=30),
        )
    )
    tx.add(
        Rectification(
            id=process_instance_key,
            number=number,
            group="billing",
            owner="wang.fang",
            opened_at=at,
            due_at=at + timedelta(days=5),
        )
    )
