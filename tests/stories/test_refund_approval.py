"""Stories of refund-approval: every end, every deadline, and four eyes (rules B5, D1 to D5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.world import Case, World
from workers.store import billing, complaints
from workers.store.refund_tables import Refund

pytestmark = pytest.mark.parametrize("world", ["postgresql"], indirect=True)

WRONG_BILL = "这个月账单被多扣费，我没有订购过这项增值业务，请核查。"
BRANCH, CITY, PROVINCE = "yin.fenzhang", "an.shigongsi", "fu.shenggongsi"
ASKER = "he.kefu"


def case_with(world: World, *charges: tuple[str, str, int]) -> Case:
    """A complaint of a customer for whom billing has these: id, kind, fen."""
    case = world.complain(WRONG_BILL)
    with world.database.begin() as tx:
        customer = complaints.get(tx, case.number).customer_no
        row = {"customer_no": customer, "period": "2025-12", "item": "会员包"}
        billing.load(
            tx,
            [
                billing.ChargeLine.model_validate(row | {"charge_id": id_, "kind": kind, "amount_fen": fen})
                for id_, kind, fen in charges
            ],
        )
    return case


def ask(case: Case, refund_kind: str, fen: int, policy: str = "petition", **more: Any) -> None:
    """Somebody asks for money back."""
    asked = {"policy": policy, "owner": ASKER, "cause_code": "system", "refund_kind": refund_kind}
    case.world.start(
        "refund-approval", case.number, **(asked | {"asked_fen": fen, "requested_by": ASKER} | more)
    )


def refund(case: Case) -> dict[str, Any]:
    found: dict[str, Any] = case["refunds"][-1]
    return found


def wait_refund(case: Case, status: str) -> dict[str, Any]:
    case.wait(lambda: bool(case["refunds"]) and refund(case)["status"] == status, f"refund {status}")
    return refund(case)


def wait_end(case: Case, end: str) -> None:
    case.wait(lambda: end in case.walked(), end)


def ledger(case: Case) -> list[tuple[str, str | None, int]]:
    with case.world.database.read() as tx:
        entries = [entry for entry in billing.entries(tx) if entry.number == case.number]
        return [(entry.refund_no, entry.charge_id, entry.amount_fen) for entry in entries]


def end(case: Case) -> None:
    """The complaint does not go on in the stories after this one."""
    case.world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")


def refused(case: Case, person: str) -> str:
    """What the desk says to this person, who wants to approve."""
    task = case.task("approve-refund")
    with pytest.raises(Exception) as error:
        case.world.client.complete(task["task"], person, {"approval": "approve"})
    return str(error.value)


def test_B5_D2_D5_a_wrong_charge_is_paid_back_double_once_and_in_writing(world: World) -> None:
    """38 yuan charged by the branch company: the branch approves 76, the ledger has it once, the customer knows."""
    case = case_with(world, ("S1-OLD", "charge", 9900), ("S1", "charge", 3800))
    ask(case, "wrong-charge", 3800, "mobile-branch")
    task = case.complete("approve-refund", BRANCH, approval="approve")
    assert task["groups"] == ["branch-management"]
    wait_end(case, "Event_RefundPaid")
    done = wait_refund(case, "paid")
    assert (done["charge"], done["charged_fen"], done["paid_fen"]) == ("S1", 3800, 7600)
    assert done["number"].startswith("TF") and done["asked_by"] == ASKER
    assert [(each["tier"], each["who"], each["decision"]) for each in done["approvals"]] == [
        ("branch", BRANCH, "approve")
    ]
    assert ledger(case) == [(done["number"], "S1", 7600)]
    with world.database.read() as tx:
        agreement = tx.get_one(Refund, done["number"]).agreement or ""
    assert "76.00" in agreement and "赔偿" not in agreement
    assert [message["recipient"] for message in case.messages("refund-requested")] == [BRANCH]
    assert len(case.messages("refund-posted")) == 1
    assert not case.messages("refund-rejected") and not case.messages("charge-not-found")

    ask(case, "wrong-charge", 3800, "mobile-branch")
    case.wait(
        lambda: len(case["refunds"]) == 2 and refund(case)["charge"] == "S1-OLD", "the other charge is taken"
    )
    end(case)


def test_D3_tier_by_tier_with_four_eyes_and_a_deadline_each(world: World) -> None:
    """1,500 yuan: the branch approves, the city lets its time pass, the province is asked twice and says no."""
    case = case_with(world, ("S2", "charge", 150_000))
    ask(case, "wrong-charge", 150_000, requested_by="duty.asker")
    assert "提出人不得审批" in refused(case, "duty.asker"), "who asks never approves, whatever their groups"
    assert "is for branch-management" in refused(case, "yu.zhangwu"), "billing executes and does not decide"
    case.complete("approve-refund", "duty.two", approval="approve")
    case.wait(lambda: case.task("approve-refund")["groups"] == ["city-management"], "the city is asked")
    assert "已审批过" in refused(case, "duty.two"), "who approved one tier can't approve the next"
    assert ledger(case) == [], "the branch alone pays nothing"

    world.advance("PT8H1M")
    case.wait(lambda: refund(case)["tier"] == "province", "the province is asked")
    assert [message["recipient"] for message in case.messages("refund-passed-over")] == [CITY]
    assert CITY in case["watchers"], "who was passed over watches"
    first = case.task("approve-refund")

    world.advance("PT24H1M")
    case.wait(lambda: case.task("approve-refund")["task"] != first["task"], "the province is asked again")
    assert PROVINCE in [message["recipient"] for message in case.messages("refund-passed-over")]
    case.complete(
        "approve-refund", PROVINCE, approval="reject", reject_reason="订购记录齐全，费用由本人确认订购。"
    )
    wait_end(case, "Event_RefundRejected")
    done = wait_refund(case, "rejected")
    assert [(each["tier"], each["who"], each["decision"]) for each in done["approvals"]] == [
        ("branch", "duty.two", "approve"),
        ("city", None, "overdue"),
        ("province", None, "overdue"),
        ("province", PROVINCE, "reject"),
    ]
    (told,) = case.messages("refund-rejected")
    assert told["recipient"] == "customer"
    assert ledger(case) == []
    end(case)


def test_D1_without_a_charge_nothing_is_paid_and_a_missing_benefit_is_granted(world: World) -> None:
    """Billing knows no charge: the customer hears why. The benefit that was promised is granted, not refunded."""
    case = case_with(world, ("S3-B", "benefit", 3000))
    ask(case, "wrong-charge", 3800)
    wait_end(case, "Event_RefundNotCharged")
    assert wait_refund(case, "not-charged")["reason"] == "no-such-charge"
    assert len(case.messages("charge-not-found")) == 1

    ask(case, "regrant", 3000)
    case.complete("approve-refund", BRANCH, approval="raise", raise_reason="金额核算复杂，请市公司定夺。")
    case.wait(lambda: case.task("approve-refund")["groups"] == ["city-management"], "raised by hand")
    case.complete("approve-refund", CITY, approval="approve")
    wait_end(case, "Event_BenefitRegranted")
    done = wait_refund(case, "granted")
    with world.database.read() as tx:
        (benefit,) = billing.find(tx, complaints.get(tx, case.number).customer_no or "", "benefit")
    assert benefit.is_granted and done["paid_fen"] == 3000
    assert ledger(case) == [], "a re-grant is no refund"
    assert case.messages("benefit-regranted") and not case.messages("refund-posted")
    end(case)


def test_D4_indirect_losses_are_not_paid_but_a_small_gift_may_be_given(world: World) -> None:
    """500 yuan of distress: a gift of 100, which the branch may not give alone."""
    case = case_with(world)
    ask(case, "indirect-loss", 50_000)
    case.complete("approve-refund", BRANCH, approval="approve")
    case.wait(lambda: case.task("approve-refund")["groups"] == ["city-management"], "the city is asked, too")
    case.complete("approve-refund", CITY, approval="approve")
    wait_end(case, "Event_GoodwillGiven")
    done = wait_refund(case, "granted")
    assert ledger(case) == [(done["number"], None, 10_000)]
    assert case.messages("goodwill-given") and not case.messages("refund-posted")
    end(case)


def test_D3_a_withdrawn_complaint_pays_nothing_any_more(world: World) -> None:
    """The customer withdraws while the branch thinks; the approval that comes after it posts nothing."""
    case = case_with(world, ("S5", "charge", 3800))
    ask(case, "wrong-charge", 3800)
    case.task("approve-refund")
    world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")
    assert (refund(case)["status"], refund(case)["reason"]) == ("cancelled", "withdrawn")
    case.complete("approve-refund", BRANCH, approval="approve")
    wait_end(case, "Event_RefundCancelled")
    assert ledger(case) == [] and not case.messages("refund-posted")
    assert refund(case)["status"] == "cancelled"


def test_D3_every_tier_that_lets_its_time_pass_is_passed_over_and_the_last_one_pays(world: World) -> None:
    """50 yuan: the branch could decide alone, but neither it nor the city does in 8 hours each. Each is told that it
    was passed over and watches the case; the province approves, and it is paid once."""
    case = case_with(world, ("S6", "charge", 5000))
    ask(case, "wrong-charge", 5000)
    asked = []
    for time, tier in (("PT8H1M", "city"), ("PT8H1M", "province")):
        asked.append(case.task("approve-refund")["groups"])
        world.advance(time)
        case.wait(lambda t=tier: refund(case)["tier"] == t, f"the {tier} is asked")  # type: ignore[misc]
    asked.append(case.task("approve-refund")["groups"])
    assert asked == [["branch-management"], ["city-management"], ["province-management"]]
    assert [each["recipient"] for each in case.messages("refund-passed-over")] == [BRANCH, CITY]
    assert {BRANCH, CITY} <= set(case["watchers"])
    assert not ledger(case)
    case.complete("approve-refund", PROVINCE, approval="approve")
    wait_end(case, "Event_RefundPaid")
    assert [(each["tier"], each["decision"]) for each in wait_refund(case, "paid")["approvals"]] == [
        ("branch", "overdue"),
        ("city", "overdue"),
        ("province", "approve"),
    ]
    assert [amount for *_, amount in ledger(case)] == [5000]
    end(case)
    assert refund(case)["status"] == "paid", "what has been paid stays paid"


def test_D3_an_approval_by_the_engines_own_api_passes_no_four_eyes(world: World) -> None:
    """Past the desk, who asked approves, then nobody who is known, then somebody of billing: none of them counts, no
    money moves, and the tier is asked again without more time."""
    case = case_with(world, ("S7", "charge", 3800))
    ask(case, "wrong-charge", 3800)
    due_at = case.task("approve-refund")["due_at"]
    for who in ({"decided_by": ASKER}, {}, {"decided_by": "yu.zhangwu"}):
        task = case.task("approve-refund")
        world.complete_beside_the_desk(task, approval="approve", **who)
        case.wait(lambda t=task: case.task("approve-refund")["task"] != t["task"], "asked again")  # type: ignore[misc]
    assert case.task("approve-refund")["due_at"] == due_at
    assert (refund(case)["status"], refund(case)["approvals"], ledger(case)) == ("waiting", [], [])
    assert world.client.incidents() == []
    case.complete("approve-refund", BRANCH, approval="reject", reject_reason="费用由本人确认订购。")
    wait_end(case, "Event_RefundRejected")
    (told,) = case.messages("refund-rejected")
    assert told["recipient"] == "customer"
    end(case)


def test_A9_D3_a_refund_does_not_outlive_the_handling_that_asked_for_it(world: World) -> None:
    """The result is overdue while the branch thinks about the money: the case is raised, the approval is taken away
    and the refund is over; whoever has the case now asks anew, or not at all."""
    case = case_with(world, ("S8", "charge", 3800))
    case.complete("investigate-complaint", finding="upheld", cause_code="system", findings="系统多计一次。")
    asked = {"is_refund_asked": True, "refund_kind": "wrong-charge", "asked_yuan": 38}
    said = {"solution": "退还三十八元。", "customer_reply": "多收的费用将退还给您。"}
    world.advance("PT71H")
    case.complete("propose-solution", **said, **asked)
    case.task("approve-refund")
    world.advance("PT1H5M")
    case.wait(lambda: case["tier"] == "branch", "the branch has the case")
    assert [task["form"] for task in case.tasks()] == ["propose-solution"]
    assert (refund(case)["status"], refund(case)["reason"]) == ("cancelled", "case-raised")
    case.complete("propose-solution", **said)
    case.complete("carry-out-solution", result="已说明。")
    case.wait(lambda: bool(case.messages("result-told")), "the result is told")
    assert len(case["refunds"]) == 1
    assert ledger(case) == []
    end(case)
