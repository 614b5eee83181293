"""The customer's own page, opened by the link of the message (rules A6, A8, B7, B10)."""

from __future__ import annotations

import html
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from tests.desk.signing_in import add_account, required
from tests.desk_server import RunningDesk, add_complaint, running
from workers.notifications.case_facts import for_customer
from workers.settings import Settings, WebSettings
from workers.store import answers, complaints, deadlines, timeline
from workers.store.database import Database
from workers.store.tables import Answer, Complaint, EngineRequest


@pytest.fixture
def desk(database: Database) -> Iterator[RunningDesk]:
    """A desk whose pages need a login."""
    with running(database, is_sample_staff=False, signing_in=required()) as found:
        add_account(found, "lin.qiantai", "front-desk")
        yield found


@pytest.fixture
def customer(desk: RunningDesk) -> Iterator[httpx.Client]:
    """A browser of somebody with no account."""
    with desk.client(None) as client:
        yield client


def link(desk: RunningDesk, number: str) -> str:
    """What the message says, but for the host."""
    settings = Settings(web=WebSettings(public_url="https://care.example.com/"))
    with desk.database.begin() as tx:
        url = str(
            for_customer(tx, complaints.get(tx, number), desk.clock.now(), settings, ())["progress_url"]
        )
    assert url.startswith("https://care.example.com/p/")
    with desk.client(None) as client:
        page = client.get(url.removeprefix("https://care.example.com"))
    address = page.headers.get("location", "")
    assert (page.status_code, address.partition("?")[0]) == (303, f"/progress/{number}")
    return str(address)


def tell_result(desk: RunningDesk, number: str, status: str = "resolved") -> None:
    """What the process does when the result is told."""
    now = desk.clock.now()
    with desk.database.begin() as tx:
        complaint = complaints.get(tx, number)
        complaint.status = status
        complaint.closed_at = now if status == "closed" else None
        answers.keep(
            tx,
            number,
            f"t-{number}",
            "settle-complaint",
            {"customer_reply": "已更换光猫。"},
            "lin.qiantai",
            now,
        )
        timeline.add(tx, number, now, "duban", "resolved", f"{number}:resolved")


def test_A6_the_link_of_the_message_shows_where_the_complaint_is(
    desk: RunningDesk, customer: httpx.Client
) -> None:
    """Steps in plain words and the expected time; no name, no telephone, nothing that staff wrote."""
    number = add_complaint(desk, text="营业员李明态度恶劣")
    with desk.database.begin() as tx:
        deadlines.put(tx, number, "result", desk.clock.now() + timedelta(days=2))
        answers.keep(
            tx,
            number,
            "t0",
            "investigate-complaint",
            {"findings": "内部意见"},
            "lin.qiantai",
            desk.clock.now(),
        )
    page = customer.get(link(desk, number))
    assert page.status_code == 200
    assert number in page.text and "已收到" in page.text and "预计" in page.text
    for hidden in ("王小明", "138", "内部意见", "李明", "lin.qiantai"):
        assert hidden not in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    desk.clock.advance(timedelta(days=3))
    assert "抱歉" in customer.get(link(desk, number)).text


def test_A8_the_survey_is_answered_by_the_link_once(desk: RunningDesk, customer: httpx.Client) -> None:
    """Before the result there is none; the answer reaches the process once, the comment stays in the store."""
    number = add_complaint(desk)
    address = link(desk, number)
    fields = {"key": address.partition("key=")[2], "is_solved": "false", "satisfaction": "dissatisfied"}
    assert "请评价" not in customer.get(address).text
    assert "survey-over" in customer.post(f"/progress/{number}/survey", data=fields).headers["location"]
    tell_result(desk, number)
    page = customer.get(address).text
    assert "请评价" in page and "已更换光猫。" in page
    first = customer.post(f"/progress/{number}/survey", data=fields | {"comment": "还是断"})
    assert "thanks" in first.headers["location"]
    assert "感谢" in customer.get(html.unescape(first.headers["location"])).text
    assert "请评价" not in customer.get(address).text
    assert "survey-over" in customer.post(f"/progress/{number}/survey", data=fields).headers["location"]
    with desk.database.read() as tx:
        (asked,) = [row for row in tx.query(EngineRequest) if row.name == "survey-answered"]
        assert asked.variables == {"satisfaction": "dissatisfied", "is_solved": False}
        assert [row.value for row in tx.query(Answer) if row.field == "survey_comment"] == ["还是断"]
    assert desk.woken == 1


def test_B7_who_does_not_accept_the_handling_says_so_on_the_page(
    desk: RunningDesk, customer: httpx.Client
) -> None:
    """After closing, once, within the time that the table gives."""
    number = add_complaint(desk)
    address = link(desk, number)
    fields = {"key": address.partition("key=")[2], "reason": "没有人来过"}
    assert "对处理有意见" not in customer.get(address).text
    tell_result(desk, number, "closed")
    assert "对处理有意见" in customer.get(address).text
    assert "appealed" in customer.post(f"/progress/{number}/appeal", data=fields).headers["location"]
    assert "appeal-over" in customer.post(f"/progress/{number}/appeal", data=fields).headers["location"]
    other = add_complaint(desk, text="另一件")
    tell_result(desk, other, "closed")
    desk.clock.advance(timedelta(days=400))
    assert "对处理有意见" not in customer.get(link(desk, other)).text


def test_B10_a_wrong_link_and_no_complaint_look_the_same_and_guessing_is_slow(
    desk: RunningDesk, customer: httpx.Client
) -> None:
    """Ten wrong ones and that address waits ten minutes, also with a right one; nothing is answered by a wrong one."""
    number = add_complaint(desk)
    right = link(desk, number)
    wrong = customer.get(f"/progress/{number}?key=AAAAAAAAAAAAAAAA")
    unknown = customer.get("/progress/TS20260101-999999?key=AAAAAAAAAAAAAAAA")
    assert wrong.status_code == unknown.status_code == 404
    assert wrong.text == unknown.text
    fields = {"key": "x", "is_solved": "true", "satisfaction": "satisfied"}
    assert customer.post(f"/progress/{number}/survey", data=fields).status_code == 404
    for _ in range(7):
        assert customer.get(f"/progress/{number}").status_code == 404
    late = customer.get(right)
    assert (late.status_code, late.headers["retry-after"]) == (429, "600")
    desk.clock.advance(timedelta(minutes=11))
    assert customer.get(right).status_code == 200


def test_C10_the_link_of_an_anonymised_complaint_is_dead(desk: RunningDesk, customer: httpx.Client) -> None:
    number = add_complaint(desk)
    address = link(desk, number)
    with desk.database.begin() as tx:
        tx.get_one(Complaint, number).anonymised_at = desk.clock.now()
    assert customer.get(address).status_code == 404


def test_an_older_complaint_gets_its_link_with_the_next_message(
    desk: RunningDesk, customer: httpx.Client
) -> None:
    """Handed in before there were such pages."""
    number = add_complaint(desk)
    with desk.database.begin() as tx:
        tx.get_one(Complaint, number).progress_key = None
    assert customer.get(f"/progress/{number}?key=None").status_code == 404
    first = link(desk, number)
    assert link(desk, number) == first
    assert customer.get(first).status_code == 200
