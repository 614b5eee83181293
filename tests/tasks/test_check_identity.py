"""Billing is asked who complains; it says yes or no, and never holds a complaint up (rules B2, B10)."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tests.store.rows import put
from workers.billing.embedded import EmbeddedBilling
from workers.clock import MovedClock
from workers.engine.jobs import Job
from workers.errors import Broken, RetryLater
from workers.store import complaints, holders, timeline
from workers.store.database import Database
from workers.tasks.check_identity import check_identity

NUMBER = "TS20260301-000001"
WHO = {"customer_no": "C-1", "customer_phone": "+8613900001001", "customer_name": "王小明"}


class Away(EmbeddedBilling):
    """A billing that answers, or does not."""

    def __init__(self, database: Database, error: Exception | None = None) -> None:
        super().__init__(database)
        self.error, self.asked = error, 0

    def is_holder(self, customer_no: str, phone: str, name: str) -> bool:
        self.asked += 1
        if self.error:
            raise self.error
        return super().is_holder(customer_no, phone, name)


def store_with(database: Database, **who: Any) -> None:
    put(database, NUMBER)
    with database.begin() as tx:
        complaint = complaints.get(tx, NUMBER)
        for name, value in (WHO | who).items():
            setattr(complaint, name, value)
        row = {"customer_no": "C-1", "name": "王小明", "phone": "13900001001"}
        holders.load(tx, [holders.HolderLine.model_validate(row)])


def ask(database: Database, billing: Away, key: str = "2002") -> bool:
    job = Job(7, "check-identity", "1001", "special-measures", "Task_CheckIdentity", key, {}, 3, {})
    found = check_identity(database, MovedClock(), billing, number=NUMBER, job=job)
    assert set(found) == {"is_identity_known"}, "a yes or no, and nothing else"
    return bool(found["is_identity_known"])


@pytest.mark.parametrize(
    ("who", "is_known", "asked"),
    [
        ({}, True, 1),
        ({"customer_name": "李四"}, False, 1),
        ({"customer_no": None}, False, 0),
        ({"customer_phone": None}, False, 0),
        ({"customer_name": None}, False, 0),
    ],
)
def test_B2_billing_is_asked_where_there_is_something_to_ask(
    database: Database, who: dict[str, Any], is_known: bool, asked: int
) -> None:
    """Without number, telephone or name a person verifies at once."""
    store_with(database, **who)
    billing = Away(database)
    assert ask(database, billing) is is_known
    assert billing.asked == asked


@pytest.mark.parametrize("error", [RetryLater("the billing cannot be reached"), Broken("not understood")])
def test_B2_a_billing_that_does_not_answer_holds_nothing_up(
    database: Database, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """A person is asked, operations can read why, and no log names the customer. What was said then stays."""
    store_with(database)
    billing = Away(database, error)
    with caplog.at_level(logging.WARNING):
        assert ask(database, billing) is False
    assert "a person is asked" in caplog.text
    assert not any(str(value) in caplog.text for value in WHO.values())
    billing.error = None
    assert ask(database, billing) is False, "the same delivery, the same answer"
    assert ask(database, billing, "3003") is True
    with database.read() as tx:
        facts = [entry.facts for entry in timeline.of(tx, NUMBER) if entry.code == "identity-checked"]
    assert facts == [{"is_identity_known": False}, {"is_identity_known": True}]
