"""A short round of three faults on the whole installation; all of them, ten times each, are `make faults`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.faults.kinds import FAULTS
from tests.faults.load import Accepted, Load
from tests.faults.rig import Rig
from tests.faults.rounds import one
from tests.faults.verdict import judge
from workers.store.refund_tables import LedgerEntry

pytestmark = [pytest.mark.engine, pytest.mark.postgres]


def test_what_is_killed_under_load_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    """Worker, records and desk are killed while customers complain: everything is there once and goes on by itself."""
    quick = {"DUBAN_ENGINE__JOB_TIMEOUT_SECONDS": "10"}
    with Rig(tmp_path, told=quick) as rig, Load(rig, 1).running() as load:
        verdict = None
        for name in ("kill-worker", "kill-records", "kill-desk"):
            verdict = one(rig, load, FAULTS[name], 1, verdict)
            assert verdict.problems == [], name
            assert verdict.new >= 3 and verdict.new_refunds >= 1 and verdict.new_messages >= 10, verdict
        _a_verdict_sees_what_is_wrong(rig, load)


def _a_verdict_sees_what_is_wrong(rig: Rig, load: Load) -> None:
    """A complaint that is not there, money that was paid twice, a message that nobody wrote: each is told."""
    paid = next(each for each in load.told.accepted.values() if each.is_refund)
    load.told.accepted["lost"] = Accepted("lost", "TS-LOST", is_refund=False, seconds=0)
    load.told.accepted["other"] = replace(paid, ref="other")
    with rig.database.begin() as tx:
        facts = {
            "number": paid.number,
            "kind": "wrong-charge",
            "amount_fen": 3800,
            "posted_at": datetime.now(UTC),
        }
        tx.add(LedgerEntry(refund_no="TF-TWICE", charge_id="CH-OTHER", **facts))
    strange = EmailMessage()
    strange["Message-ID"] = "<strange@localhost>"
    rig.mails.mails.append(strange)
    problems = "\n".join(judge(rig, load, 1).problems)
    assert "lost was answered TS-LOST, the store has None" in problems
    assert "two complaints have one number" in problems
    assert f"{paid.number} was paid 2 times" in problems
    assert "<strange@localhost> came, and nobody wrote it" in problems
