"""Messages about field work: the engineer's name and number, and the contact is told as well (rule B11)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from workers.notifications.messenger import Messenger
from workers.notifications.render import Templates
from workers.settings import Settings
from workers.store import complaints
from workers.store.database import Database
from workers.store.tables import Complaint, OutboxMessage, Staff
from workers.store.work_order_tables import WorkOrder

NUMBER = "TS20260301-000001"
NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
TEMPLATES = Path(__file__).parents[2] / "templates"


@pytest.fixture
def store(database: Database) -> Database:
    with database.begin() as tx:
        tx.add(
            Complaint(
                number=NUMBER,
                policy="petition",
                channel="phone",
                text="宽带断网。",
                customer_name="钱一一",
                customer_phone="+8613900001001",
                customer_key="+8613900001001",
                contact_name="孙二二",
                contact_phone="+8613900001002",
                received_at=NOW,
            )
        )
        tx.add(Staff(username="gong", name="龚上门", groups=["field-engineers"], phone="13900002050"))
        tx.flush()
        tx.add(
            WorkOrder(
                opened_by="1",
                number=NUMBER,
                engineer="gong",
                engineer_group="field-engineers",
                opened_at=NOW,
                contact_due_at=NOW + timedelta(minutes=30),
            )
        )
    return database


def told(store: Database, tmp_path: Path, event: str) -> dict[str, str]:
    """Recipient -> address and text."""
    messenger = Messenger(Templates(TEMPLATES), Settings(data=tmp_path))
    with store.begin() as tx:
        messenger.tell_customer(tx, complaints.get(tx, NUMBER), event, "once", NOW, {})
        messenger.tell_customer(tx, complaints.get(tx, NUMBER), event, "once", NOW, {})
    with store.read() as tx:
        return {each.recipient: f"{each.address} {each.body}" for each in tx.scalars(select(OutboxMessage))}


def test_B11_the_customer_learns_name_and_number(store: Database, tmp_path: Path) -> None:
    messages = told(store, tmp_path, "visit-arranged")
    assert set(messages) == {"customer"}
    assert "龚上门" in messages["customer"]
    assert "13900002050" in messages["customer"]


def test_B11_on_completion_account_holder_and_contact_are_both_told(store: Database, tmp_path: Path) -> None:
    messages = told(store, tmp_path, "service-completed")
    assert set(messages) == {"customer", "contact"}
    assert messages["customer"].startswith("+8613900001001")
    assert messages["contact"].startswith("+8613900001002")
    assert "孙二二" in messages["contact"]
    assert "钱一一" not in messages["contact"], "the contact is spoken to by the own name"


@pytest.mark.parametrize("phone", [None, "+8613900001001"])
def test_B11_a_contact_who_is_the_account_holder_is_told_once(
    store: Database, tmp_path: Path, phone: str | None
) -> None:
    with store.begin() as tx:
        tx.execute(update(Complaint).values(contact_phone=phone))
    assert set(told(store, tmp_path, "service-completed")) == {"customer"}
