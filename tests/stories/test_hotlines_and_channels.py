"""Stories of whoever sent a complaint on, and of every channel alike: the same answer for all (rules A1, B13, F3)."""

from __future__ import annotations

import json
from datetime import datetime

import httpx
import pytest

from tests.stories.test_scripts import duban
from tests.stories.world import Case, World
from workers.connection import find_instance
from workers.names import SHANGHAI
from workers.store import outbox, staff
from workers.store.tables import OutboxMessage

pytestmark = pytest.mark.parametrize("world", ["sqlite"], indirect=True)

WRONG_BILL = "这个月账单被多扣费三十八元，我没有订购过这项增值业务，请核查。"
REPLY = "已核对您的账单，多收的三十八元将在下期账单中返还。"


def written(case: Case, event: str) -> list[OutboxMessage]:
    with case.world.database.read() as tx:
        return [each for each in outbox.of_number(tx, case.number) if each.event == event]


def settle(case: Case) -> None:
    """The front desk verifies who it is, then settles the matter."""
    case.complete("verify-identity", is_identity_verified=True, identity_note="核对了户名与编号。")
    case.complete("settle-complaint", is_settled=True, customer_reply=REPLY)


def test_B13_the_hotline_and_the_person_are_both_answered_and_the_person_is_called(world: World) -> None:
    """12345 and 12315 send complaints on: verified, handled, the hotline hears the answer under its own reference and
    the person by SMS, or by e-mail where there is no telephone. Who says nothing is called; who is not satisfied is
    handled again, and the hotline hears that answer, too."""
    called = world.complain(WRONG_BILL, policy="broadband", channel="12345", external_ref="HZ-12345-8801")
    person = {"name": "钱一一", "email": "qian@example.com", "customer_no": "C-12315"}
    written_to = world.complain(
        WRONG_BILL, policy="broadband", channel="12315", external_ref="HZ-12315-8802", customer=person
    )
    for case, reference in ((called, "HZ-12345-8801"), (written_to, "HZ-12315-8802")):
        settle(case)
        case.wait(lambda c=case: bool(c.messages("hotline-answered")), "the hotline is answered")  # type: ignore[misc]
        (answer,) = written(case, "hotline-answered")
        assert (answer.recipient, answer.channel) == ("authority", "email")
        assert reference in answer.body
        assert REPLY in answer.body
        (told,) = written(case, "result-told")
        assert told.recipient == "customer"
        assert REPLY in told.body
    assert [each.channel for case in (called, written_to) for each in written(case, "result-told")] == [
        "sms",
        "email",
    ]
    written_to.answer_survey("dissatisfied", is_solved=True)
    written_to.task("investigate-complaint")
    written_to.be_handled()
    written_to.wait(lambda: len(written_to.messages("hotline-answered")) == 2, "the hotline hears it again")
    world.client.withdraw(written_to.number, None)
    written_to.wait_status("withdrawn")

    world.advance("P2DT1M")
    world.await_morning()
    assert called.task("callback-customer")["groups"] == ["callback"]
    called.complete("callback-customer", is_reached=True, satisfaction="satisfied", is_solved=True)
    called.wait_status("closed")
    assert (called["outcome"], called["satisfaction"]) == ("solved", "satisfied")
    assert "Event_AuthorityAnswered" in called.walked()


def test_F3_whichever_channel_a_customer_takes_progress_and_answer_are_the_same(world: World) -> None:
    """In the hall, in the app, in a chat and by e-mail: the same dates and the same words; by SMS and e-mail, on the
    page and by command."""
    by_mail = {"name": "钱一一", "email": "qian@example.com", "customer_no": "C-MAIL"}
    changed = [{"channel": channel} for channel in ("hall", "app", "chat")]
    cases = [
        world.complain(WRONG_BILL, policy="mobile-branch", **fields)
        for fields in [*changed, {"channel": "email", "customer": by_mail}]
    ]
    for case in cases:
        case.task("investigate-complaint")
    world.advance("P2DT1M")
    for event in ("complaint-accepted", "progress-told"):
        assert all(len(case.messages(event)) == 1 for case in cases), event
        texts = {plain(case, event) for case in cases[:3]}
        assert len(texts) == 1, f"{event}: one text for hall, app and chat"
        assert all(due(case) in written(case, event)[0].body for case in cases)
    for case in cases:
        at = datetime.fromisoformat(case.deadline("result")["due_at"])
        assert case["status"] == "in-progress"
        page = page_of(case)
        assert case.number in page
        assert "处理中" in page
        assert f"{at:%m-%d %H:%M}" in page
    mailed = cases[-1]
    assert json.loads(duban(world, "show", mailed.number, "--json")) == mailed.show()
    for case in cases:
        case.be_handled()
    for case in cases:
        case.wait(lambda c=case: bool(c.messages("result-told")), "the result is told")  # type: ignore[misc]
        (told,) = written(case, "result-told")
        assert "您反映的问题已处理完毕，谢谢您的监督。" in told.body
        world.client.withdraw(case.number, None)
        case.wait_status("withdrawn")
    assert [written(case, "result-told")[0].channel for case in cases] == ["sms", "sms", "sms", "email"]


def due(case: Case) -> str:
    """The day and hour of the result, as texts say it."""
    at = datetime.fromisoformat(case.deadline("result")["due_at"]).astimezone(SHANGHAI)
    return f"{at.month}月{at.day}日 {at:%H:%M}"


def plain(case: Case, event: str) -> str:
    """The words of a message, without what differs from case to case: number, hour, handler."""
    (message,) = written(case, event)
    owner = case["owner"]["person"]
    with case.world.database.read() as tx:
        name = staff.get(tx, owner).name
    return message.body.replace(case.number, "").replace(due(case), "").replace(name, "")


def page_of(case: Case) -> str:
    address = f"{find_instance(case.world.running.data).url}/complaints/{case.number}"
    return httpx.get(address, timeout=60, trust_env=False).text
