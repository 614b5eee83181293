"""Stories of refund-watch: postings whose process and worker are gone (rules D1, D3, D4)."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.stories.test_refund_approval import ASKER, case_with, ledger, refund
from tests.stories.world import Case, World
from workers.cases.refund import Charge
from workers.store import billing, complaints, refunds

pytestmark = pytest.mark.parametrize("world", ["postgresql"], indirect=True)


def left_behind(world: World, kind: str, settled_as: str, charge: tuple[str, str, int] | None) -> Case:
    """A withdrawn complaint whose approved refund was posting when its worker died: nothing runs for it any more."""
    case = case_with(world, *([charge] if charge else []))
    world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")
    now = datetime.fromisoformat(world.client.advance_clock("PT1S")["now"])
    with world.database.begin() as tx:
        key = f"gone-{case.number}"
        lost = refunds.new(
            tx, case.number, now, element_instance_key=key, kind=kind, asked_fen=3000, asked_by=ASKER
        )
        lost.settled_as, lost.payable_fen, lost.tier = settled_as, 3000, "branch"
        lost.status, lost.posting_at = "posting", now
        if charge:
            assert refunds.claim(tx, lost, [Charge(charge[0], charge[1], "2025-12", "会员包", charge[2])])
    return case


def test_D3_a_posting_that_nobody_ended_is_told_once_and_settled_by_people_who_may(world: World) -> None:
    """The next morning billing and operations know: posted again, found in the ledger, or cancelled; paid once."""
    lost = left_behind(world, "wrong-charge", "refund", ("W1", "charge", 3000))
    found = left_behind(world, "regrant", "regrant", ("W2", "benefit", 3000))
    gift = left_behind(world, "indirect-loss", "gift", None)
    over = left_behind(world, "indirect-loss", "gift", None)
    world.advance("P2DT1H")

    with world.database.begin() as tx:
        refunds.end(
            refunds.locked(tx, refund(over)["number"]), "cancelled", datetime.now().astimezone(), "replaced"
        )
    task = lost.task("settle-refund")
    assert task["groups"] == ["billing", "operations"]
    with pytest.raises(Exception, match="提出人不得审批"):
        world.client.complete(task["task"], ASKER, {"posting_way": "again"})
    lost.complete("settle-refund", "yu.zhangwu", posting_way="again")
    found.complete("settle-refund", "meng.yunwei", posting_way="found", ledger_reference="BL-2026-0077")
    gift.complete("settle-refund", "yu.zhangwu", posting_way="again")
    over.complete("settle-refund", "yu.zhangwu", posting_way="again")
    for case, end, event in (
        (lost, "Event_RefundSettled", "refund-posted"),
        (found, "Event_RefundSettled", "benefit-regranted"),
        (gift, "Event_RefundSettled", "goodwill-given"),
        (over, "Event_NothingToPost", None),
    ):
        case.wait(lambda case=case, end=end: end in case.walked(), end)
        told = {"refund-posted", "benefit-regranted", "goodwill-given"} & set(case.events())
        assert told == ({event} if event else set())
    assert [refund(case)["status"] for case in (lost, found, gift, over)] == [
        "paid", "granted", "granted", "cancelled",
    ]  # fmt: skip
    assert ledger(lost) == [(refund(lost)["number"], "W1", 3000)]
    assert ledger(gift) == [(refund(gift)["number"], None, 3000)]
    assert ledger(found) == ledger(over) == [], "what the ledger has is not posted again"
    with world.database.read() as tx:
        (benefit,) = billing.find(tx, complaints.get(tx, found.number).customer_no or "", "benefit")
    assert not benefit.is_granted, "nobody asked billing a second time"

    world.advance("P2D")
    people = sorted(message["recipient"] for message in lost.messages("refund-stuck"))
    assert "meng.yunwei" in people and "yu.zhangwu" in people
    assert people == sorted(set(people)), "told once"
    assert not lost.tasks()
