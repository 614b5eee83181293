"""One complaint, pages of them, and whether a customer had the problem before (rules A2, A11)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DatabaseError

from tests.store.rows import HOUR, NOON, put
from workers.errors import Broken, NotFound
from workers.names import Category, Status
from workers.store import complaints
from workers.store.database import Database
from workers.store.statements import next_value


class TestComplaints:
    def test_an_unknown_number(self, database: Database) -> None:
        with database.read() as tx, pytest.raises(NotFound, match="no complaint 'TS1'"):
            complaints.get(tx, "TS1")

    def test_two_writers_of_one_complaint_take_turns(self, database: Database) -> None:
        put(database, "N")

        def add_flag(index: int) -> None:
            with database.begin() as tx:
                complaint = complaints.get(tx, "N")
                complaint.flags = [*complaint.flags, str(index)]

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(add_flag, range(24)))
        with database.read() as tx:
            assert sorted(complaints.get(tx, "N").flags, key=int) == [str(index) for index in range(24)]

    def test_getting_it_again_keeps_what_was_changed(self, database: Database) -> None:
        put(database, "N")
        with database.begin() as tx:
            complaints.get(tx, "N").impact = "new"
            assert complaints.get(tx, "N").impact == "new"

    def test_reading_cannot_write(self, postgres_database: Database) -> None:
        with postgres_database.read() as tx, pytest.raises(DatabaseError, match="read-only"):
            next_value(tx, "x")
        with postgres_database.begin() as tx:
            assert next_value(tx, "x") == 1

    def test_a2_missing_fields_are_named_in_the_policy_s_order(self, database: Database) -> None:
        put(database, "N", customer_email="a@example.com")
        with database.read() as tx:
            complaint = complaints.get(tx, "N")
            required = ["occurred_at", "customer_name", "contact", "text", "customer_phone"]
            assert complaints.missing_fields(complaint, required) == [
                "occurred_at",
                "customer_name",
                "customer_phone",
            ]
            with pytest.raises(Broken, match="shoe_size"):
                complaints.missing_fields(complaint, ["shoe_size"])

    @pytest.mark.parametrize(
        ("before", "now", "is_repeat"),
        [
            ({"text": "断网"}, {"text": "断网"}, True),
            ({"product": "broadband"}, {"product": "broadband"}, True),
            ({"product": "broadband"}, {"product": "mobile"}, False),
            ({}, {}, False),
            ({"category": Category.OTHER}, {"category": Category.OTHER}, True),
            ({"category": Category.OTHER}, {"category": Category.TARIFF_BILLING}, False),
            (
                {"category": Category.OTHER, "product": "a"},
                {"category": Category.OTHER, "product": "b"},
                False,
            ),
            ({"category": Category.OTHER}, {"category": Category.OTHER, "product": "b"}, True),
            ({"text": "断网", "status": Status.WITHDRAWN}, {"text": "断网"}, False),
            ({"text": "断网", "customer_key": "phone:1"}, {"text": "断网"}, False),
            ({"text": "断网", "received_at": NOON - timedelta(days=30)}, {"text": "断网"}, True),
            ({"text": "断网", "received_at": NOON - timedelta(days=30, seconds=1)}, {"text": "断网"}, False),
            ({"text": "断网", "received_at": NOON + HOUR}, {"text": "断网"}, False),
        ],
    )
    def test_a11_the_same_customer_with_the_same_problem(
        self, database: Database, before: dict[str, Any], now: dict[str, Any], is_repeat: bool
    ) -> None:
        put(database, "A", **{"text": "a", "received_at": NOON - HOUR} | before)
        put(database, "B", **{"text": "b"} | now)
        with database.read() as tx:
            found = complaints.is_repeat(tx, complaints.get(tx, "B"), within=timedelta(days=30))
        assert found is is_repeat

    def test_pages_show_every_complaint_once_newest_first(self, database: Database) -> None:
        for index in range(7):
            put(
                database,
                f"N{index}",
                received_at=NOON + HOUR * (index // 2),
                status=Status.CLOSED if index == 3 else Status.RECEIVED,
            )
        with database.read() as tx:
            seen, after = [], None
            while True:
                page = complaints.page(tx, after=after, limit=3)
                seen += [complaint.number for complaint in page.complaints]
                if page.next is None:
                    break
                after = page.next
            running = complaints.page(tx, status="open").complaints
            assert complaints.count_by_status(tx) == dict.fromkeys(Status, 0) | {"received": 6, "closed": 1}
        assert seen == ["N6", "N5", "N4", "N3", "N2", "N1", "N0"]
        assert "N3" not in [complaint.number for complaint in running] and len(running) == 6

    def test_an_exactly_full_last_page_has_no_next(self, database: Database) -> None:
        put(database, "A", owner_group="billing", category=Category.OTHER, owner_person="p")
        put(database, "B")
        with database.read() as tx:
            assert complaints.page(tx, limit=2).next is None
            only = complaints.page(
                tx, owner_group="billing", category="other", owner_person="p", after="gone"
            )
        assert [complaint.number for complaint in only.complaints] == ["A"]
