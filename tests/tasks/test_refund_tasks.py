"""What the tasks of refund-approval refuse, and what happens when the ledger's answer is lost (rules D1, D3, D5)."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from pydantic import SecretStr

from tests.billing.billing_service import TOKEN, BillingService
from tests.store.rows import NOON, put
from tests.tasks import refund_rows
from workers.billing.embedded import EmbeddedBilling
from workers.billing.http import HttpLedger
from workers.bootstrap.resources import templates_dir
from workers.clock import MovedClock
from workers.engine.jobs import Job
from workers.errors import Broken, BusinessError, RetryLater
from workers.notifications.agreements import Agreements
from workers.settings import LedgerSettings, Settings
from workers.store import billing, case_view, exclusions, refunds
from workers.store.database import Database
from workers.store.refund_tables import Refund
from workers.store.tables import Staff
from workers.tasks.close_complaint import archive_complaint, withdraw_complaint
from workers.tasks.post_refund import post_refund
from workers.tasks.raise_complaint import raise_complaint
from workers.tasks.refund import register_refund
from workers.tasks.refund_approval import record_approval

NUMBER = "TS20260301-000001"
CLOCK = MovedClock()


def job(key: str = "2002") -> Job:
    headers = {"form": "approve-refund", "asked_in": "propose-solution"}
    return Job(7, "any", "1001", "refund-approval", "Task_X", key, headers, 3, {})


def store_with(database: Database, task_type: str) -> str:
    """A refund as this task finds it; returns its number."""
    put(database, NUMBER)
    with database.begin() as tx:
        refund_rows.put(tx, NUMBER, task_type)
        tx.add(Staff(username="li.na", name="李娜", groups=["branch-management"]))
        tx.add(Staff(username="wang.fang", name="王芳", groups=["billing", "branch-management"]))
        tx.add(Staff(username="zhao.min", name="赵敏", groups=["billing"]))
        exclusions.add(tx, NUMBER, "approve-refund", ["wang.fang"], "asked", NOON, scope="1001")
    return refund_rows.refund_no(task_type)


def decide(
    database: Database, refund_no: str, person: str | None, key: str = "2002", **more: Any
) -> dict[str, Any]:
    given = {"approval": "approve", "refund_authority": refund_rows.AUTHORITY, "refund_tier": "branch"} | more
    return record_approval(
        database, CLOCK, number=NUMBER, refund_no=refund_no, job=job(key), decided_by=person, **given
    )


@pytest.mark.parametrize("person", ["wang.fang", "zhao.min", None, ""])
def test_D3_an_approval_by_who_may_not_is_thrown_back(database: Database, person: str | None) -> None:
    """Who asked, who is not of the group, nobody known: the engine's own API asks nobody, so the task does."""
    refund_no = store_with(database, "record-approval")
    with pytest.raises(BusinessError) as refusal:
        decide(database, refund_no, person)
    assert refusal.value.code == "FOUR_EYES"
    assert decide(database, refund_no, "li.na", "2003") == {"refund_tier": "branch"}
    with database.read() as tx:
        (shown,) = case_view.show(tx, NUMBER)["refunds"]
    assert [each["who"] for each in shown["approvals"]] == ["li.na"]
    assert shown["status"] == "approved"


def test_D3_who_approved_one_tier_cannot_approve_the_next(database: Database) -> None:
    """Not even with both groups."""
    refund_no = store_with(database, "record-approval")
    lower = refund_rows.AUTHORITY | {"is_final": False}
    assert decide(database, refund_no, "li.na", refund_authority=lower) == {"refund_tier": "city"}
    with pytest.raises(BusinessError, match="may not decide"):
        decide(database, refund_no, "li.na", "2003", refund_tier="city")


def test_D3_a_table_that_lets_a_tier_decide_above_its_limit_stops_the_refund(database: Database) -> None:
    """Never above authority, whatever a designer writes."""
    refund_no = store_with(database, "record-approval")
    with pytest.raises(Broken, match="above its limit"):
        decide(database, refund_no, "li.na", refund_authority=refund_rows.AUTHORITY | {"limit_fen": 7599})
    with database.read() as tx:
        assert tx.get_one(Refund, refund_no).status == "waiting"


def test_D3_a_lost_answer_of_the_ledger_is_asked_again_and_posted_once(database: Database) -> None:
    """The ledger did it, the line broke, the customer withdrew meanwhile: money has moved, and it is told so."""
    refund_no = store_with(database, "post-refund")
    with BillingService(database, CLOCK) as service:
        ledger = HttpLedger(LedgerSettings(url=service.url, token=SecretStr(TOKEN)))
        service.ways = ["silent"]
        with pytest.raises(RetryLater):
            post_refund(database, CLOCK, EmbeddedBilling(database), ledger, refund_no=refund_no)
        withdraw_complaint(database, CLOCK, number=NUMBER)
        for _ in range(2):
            done = post_refund(database, CLOCK, EmbeddedBilling(database), ledger, refund_no=refund_no)
            assert done == {"paid_fen": 7600}
        ledger.close()
    with database.read() as tx:
        refund = tx.get_one(Refund, refund_no)
        assert (refund.status, refund.reference) == ("paid", f"GL-{refund_no}")
        assert len(billing.entries(tx)) == 1


def test_D3_after_a_withdrawal_nothing_is_posted(database: Database) -> None:
    """The job may be under way already: the task looks."""
    refund_no = store_with(database, "post-refund")
    withdraw_complaint(database, CLOCK, number=NUMBER)
    services = refund_rows.services(database, CLOCK)
    port, ledger = list(services.values())[:2]
    with pytest.raises(BusinessError) as refusal:
        post_refund(database, CLOCK, port, ledger, refund_no=refund_no)  # type: ignore[arg-type]
    assert refusal.value.code == "REFUND_CANCELLED"
    with database.read() as tx:
        assert billing.entries(tx) == []
        assert tx.get_one(Refund, refund_no).claimed_charge is None, "the charge is free again"


@pytest.mark.parametrize("task_type", ["verify-charge", "decide-refund", "record-approval"])
def test_D3_what_nobody_approved_is_never_posted(database: Database, task_type: str) -> None:
    """Whatever called the task."""
    refund_no = store_with(database, task_type)
    port, ledger = list(refund_rows.services(database, CLOCK).values())[:2]
    with pytest.raises(Broken, match="not approved"):
        post_refund(database, CLOCK, port, ledger, refund_no=refund_no)  # type: ignore[arg-type]


def test_D1_a_newer_request_takes_the_place_of_one_that_waits(database: Database) -> None:
    """A case that is raised while its refund waits asks again: the first one can never be paid, too."""
    refund_no = store_with(database, "record-approval")
    asked = {"refund_kind": "wrong-charge", "asked_fen": 3800, "requested_by": "zhao.min"}
    newer = register_refund(database, CLOCK, number=NUMBER, job=job("3003"), **asked)["refund_no"]
    assert newer != refund_no
    with pytest.raises(BusinessError) as refusal:
        decide(database, refund_no, "li.na")
    assert refusal.value.code == "REFUND_CANCELLED"
    with database.read() as tx:
        assert [(each.status, each.reason) for each in refunds.of(tx, NUMBER)] == [
            ("cancelled", "replaced"),
            ("registered", None),
        ]


def test_A9_D3_a_refund_ends_with_the_work_that_asked_for_it(database: Database) -> None:
    """Raised one level: the approval is gone with the work, so the refund is over and its charge free again."""
    refund_no = store_with(database, "record-approval")
    given = {"tier": "department", "owner": "li.na", "owner_group": "billing"}
    for _ in range(2):
        path = {"next_tier": "branch"}
        raise_complaint(database, CLOCK, number=NUMBER, escalation_path=path, job=job("3003"), **given)
    with database.read() as tx:
        refund = tx.get_one(Refund, refund_no)
        assert (refund.status, refund.reason, refund.claimed_charge) == ("cancelled", "case-raised", None)
    with pytest.raises(BusinessError) as refusal:
        decide(database, refund_no, "li.na")
    assert refusal.value.code == "REFUND_CANCELLED"


def test_E6_no_refund_waits_on_in_the_archive(database: Database) -> None:
    """An incident took the case away from its department while the refund waited, and solved it."""
    refund_no = store_with(database, "record-approval")
    archive_complaint(database, CLOCK, number=NUMBER, satisfaction="satisfied", is_solved=True)
    with database.read() as tx:
        refund = tx.get_one(Refund, refund_no)
        assert (refund.status, refund.reason) == ("cancelled", "joined-incident")


def test_D3_a_refund_that_nobody_asked_for_is_stuck_work(database: Database) -> None:
    """Without an asker there are no four eyes."""
    store_with(database, "record-approval")
    with pytest.raises(Broken, match="nobody is known"):
        register_refund(
            database, CLOCK, number=NUMBER, job=job("3003"), refund_kind="wrong-charge", asked_fen=3800
        )


def test_D5_an_agreement_never_speaks_of_compensation(tmp_path: Path) -> None:
    """The shipped texts do not; a designer's text that does is told before deployment, and stops the refund."""
    settings = Settings(data=tmp_path)
    shipped = Agreements(templates_dir(settings), settings)
    assert list(shipped.check()) == []
    facts = {"number": NUMBER, "refund_no": "TF20260301-000001", "refund_kind": "regrant", "now": NOON}
    text = shipped.render("regrant", facts | {"refund_amount": "30.00"})
    assert "补赠" in text and "30.00" in text and "赔偿" not in text

    folder = Path(copytree(templates_dir(settings), tmp_path / "templates"))
    (folder / "agreements" / "gift.txt").write_text("双方同意赔 偿{{ refund_amount }}元。", encoding="utf-8")
    (folder / "agreements" / "refund.txt").write_text("{{ customer_name }}", encoding="utf-8")
    problems = list(Agreements(folder, settings).check())
    assert len(problems) == 2
    assert "refund.txt" in problems[0] and "gift.txt contains “赔偿”" in problems[1]
