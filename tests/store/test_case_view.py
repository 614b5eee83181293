"""The whole case as JSON, masked (rules A6, B10)."""

from __future__ import annotations

import json

import pytest

from tests.store.rows import HOUR, NOON, put
from workers.errors import NotFound
from workers.store import answers, case_view, complaints, deadlines, outbox, timeline, watchers
from workers.store.database import Database


class TestCaseView:
    def test_a6_has_everything_of_the_contract(self, database: Database) -> None:
        put(
            database,
            "N",
            customer_name="周晓岚",
            customer_phone="+8613900001001",
            customer_email="zhou@example.com",
            text="密语",
            owner_group="billing",
            owner_person="lin",
            province="浙江",
        )
        with database.begin() as tx:
            deadlines.put(tx, "N", "result", NOON + 48 * HOUR)
            timeline.add(tx, "N", NOON, "duban", "accepted", "k", owner="林账务")
            message = outbox.NewMessage(
                number="N",
                event="complaint-registered",
                recipient="customer",
                channel="sms",
                address="+8613900001001",
                subject=None,
                body="b",
                html=None,
            )
            outbox.add(tx, message, "1", NOON)
            answers.draft(tx, "N", "1", "propose-solution", {"solution": "密答"}, "lin", NOON)
            answers.finalise(tx, "1")
            watchers.add(tx, "N", "ann", "billing", NOON)
        with database.read() as tx:
            case = case_view.show(tx, "N")
            personal = case_view.show(tx, "N", with_text=True)["personal"]
        told = json.dumps(case, ensure_ascii=False)
        for secret in ("密语", "密答", "周晓岚", "13900001001", "zhou@"):
            assert secret not in told
        assert case["owner"] == {"group": "billing", "person": "lin"}
        assert case["deadlines"] == [
            {
                "kind": "result",
                "due_at": "2026-11-24T12:00:00+08:00",
                "met_at": None,
                "missed": False,
                "missed_by": None,
                "extended_from": None,
            }
        ]
        [entry] = case["timeline"]
        assert (entry["at"], entry["who"]) == ("2026-11-22T12:00:00+08:00", "duban")
        assert entry["what"] == "已受理，受理人：林账务 · Accepted; handled by 林账务"
        [sent] = case["messages"]
        assert (sent["event"], sent["channel"], sent["to"], sent["status"]) == (
            "complaint-registered",
            "sms",
            "139****1001",
            "pending",
        )
        assert (case["tasks"], case["refunds"], case["incident"], case["satisfaction"]) == (
            [],
            [],
            None,
            None,
        )
        assert {"number", "policy", "channel", "status", "category", "priority", "tier"} <= case.keys()
        assert personal["text"] == "密语"
        assert personal["answers"][0]["value"] == "密答"

    def test_a9_a_deadline_that_passed_is_missed_before_the_process_marks_it(
        self, database: Database
    ) -> None:
        """A tier's own clock may run longer than the statutory one."""
        put(database, "N")
        with database.begin() as tx:
            deadlines.put(tx, "N", "preliminary", NOON + 24 * HOUR)
            deadlines.put(tx, "N", "result", NOON + 48 * HOUR)
            deadlines.mark_met(tx, "N", "preliminary", NOON + HOUR)
        missed = {}
        for hour in (47, 48):
            with database.read() as tx:
                case = case_view.show(tx, "N", now=NOON + hour * HOUR)
            missed[hour] = [each["missed"] for each in case["deadlines"]]
        assert missed == {47: [False, False], 48: [False, True]}
        with database.begin() as tx:
            complaints.get(tx, "N").closed_at = NOON + 30 * HOUR
        with database.read() as tx:
            case = case_view.show(tx, "N", now=NOON + 50 * HOUR)
        assert not any(each["missed"] for each in case["deadlines"]), "a withdrawn complaint misses nothing"

    def test_an_unknown_number_is_refused(self, database: Database) -> None:
        with database.read() as tx, pytest.raises(NotFound):
            case_view.show(tx, "N")
