"""A clerk with a customer on the telephone, in a real browser on the real desk, with the keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from tests.browser.test_deciding import sign_in
from tests.browser.watching import serious_problems, watched
from tests.desk.signing_in import add_account, required
from tests.desk_server import RunningDesk, add_complaint, running
from workers.store import complaints, evidence, incidents, notes
from workers.store.database import Database
from workers.store.tables import Complaint

HANGZHOU = {"province": "浙江", "city": "杭州", "branch": "西湖"}
TEXT = "家里宽带晚上八点以后就断网，光猫红灯一直闪"


@pytest.fixture
def desk(sqlite_database: Database) -> Iterator[RunningDesk]:
    """Lin at the front desk of Hangzhou, where broadband is down for many."""
    with running(sqlite_database, is_sample_staff=False, signing_in=required()) as found:
        add_account(found, "lin.qiantai", "front-desk", **HANGZHOU)
        with found.database.begin() as tx:
            event = {
                "policy": "petition",
                "kind": "network-outage",
                "flags": [],
                "province": "浙江",
                "city": "杭州",
            }
            incidents.declare(tx, found.clock.now(), who="li.na", count=0, **event)
        yield found


def registered(desk: RunningDesk) -> list[Complaint]:
    with desk.database.read() as tx:
        return list(tx.scalars(select(Complaint).where(Complaint.submission.is_not(None))))


def is_fit(page: Page) -> None:
    """axe finds nothing serious, and nothing goes out of the window sideways."""
    assert serious_problems(page, "body") == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [1280, 390])
def test_B12_a_complaint_is_registered_with_the_keyboard_alone(
    browser: Browser, desk: RunningDesk, width: int
) -> None:
    """Not found, so registered: number carried over, duplicates and the event told, guide, wording, Ctrl+Enter."""
    known = add_complaint(desk, customer={"name": "周晓岚", "phone": "057188661234"}, region=HANGZHOU)
    with watched(browser, desk.url, width=width) as seen:
        page = seen.open("/front-desk")
        sign_in(page)
        is_fit(page)
        keys = page.keyboard
        keys.type("139 0000 1001")
        keys.press("Enter")
        expect(page.get_by_text("没有找到")).to_be_visible()
        is_fit(page)
        page.get_by_role("link", name="带此信息登记新投诉").press("Enter")
        expect(page.get_by_label("客户电话")).to_be_focused()
        expect(page.get_by_label("客户电话")).to_have_value("139 0000 1001")
        expect(page.get_by_label("地点")).to_have_value("浙江 杭州 西湖")
        expect(page.get_by_text("重大事件：大面积网络中断")).to_be_visible()
        keys.press("Tab")
        keys.type("周晓岚")
        keys.press("Tab")
        keys.type(TEXT)
        keys.press("Alt+1")
        for _ in range(2):
            expect(page.locator("[data-guide-steps] .options button").first).to_be_focused()
            before = page.locator("[data-guide-steps] .asked").inner_text()
            keys.press("2")
            expect(page.locator("[data-guide-steps] .asked")).not_to_have_text(before)
        keys.press("Escape")
        expect(page.get_by_label("诉求")).to_be_focused()
        page.get_by_label("前台备注").focus()
        keys.type("此人系无理客户")
        expect(page.get_by_text("不得指责客户").first).to_be_visible()
        keys.press("Control+Enter")
        expect(page.get_by_label("前台备注")).to_be_focused()
        expect(page.locator(".form-says.refused")).to_contain_text("需要修改")
        is_fit(page)
        assert registered(desk) == []
        keys.press("Control+a")
        keys.type("客户下午在家")
        page.get_by_label("客户电话").fill("0571 88661234")
        expect(page.get_by_text("该客户有未办结的投诉")).to_be_visible()
        expect(page.get_by_role("link", name=known)).to_be_visible()
        keys.press("Control+Enter")
        page.wait_for_url("**/complaints/TS*said=registered")
        expect(page.get_by_text("请把编号告诉客户")).to_be_visible()
        expect(page.get_by_text("客户下午在家")).to_be_visible()
        is_fit(page)
        assert seen.foreign == []
    [kept] = registered(desk)
    assert (kept.customer_name, kept.text, kept.city) == ("周晓岚", TEXT, "杭州")


def test_A1_a_lost_connection_and_an_ended_session_lose_no_word_and_count_once(
    browser: Browser, desk: RunningDesk
) -> None:
    """No network; then an answer that gets lost; then the session is over: one complaint, with what was written."""
    with watched(browser, desk.url) as seen:
        page = seen.open("/front-desk/register")
        sign_in(page)
        page.get_by_label("客户电话").fill("13900001001")
        page.get_by_label("诉求").fill(TEXT)
        page.context.set_offline(True)
        page.get_by_role("button", name="登记").click()
        expect(page.locator(".form-says.lost")).to_be_visible()
        page.context.set_offline(False)
        desk.clock.advance(timedelta(hours=13))
        page.get_by_role("button", name="登记").click()
        expect(page.locator(".form-says.expired")).to_be_visible()
        page.get_by_role("link", name="重新登录").click()
        sign_in(page)
        expect(page.get_by_label("诉求")).to_have_value(TEXT)
        expect(page.get_by_text("已恢复上次没有提交的内容")).to_be_visible()
        page.route("**/front-desk/register", lambda route: (route.fetch(), route.abort())[1])
        page.get_by_role("button", name="登记").click()
        expect(page.locator(".form-says.lost")).to_be_visible()
        assert len(registered(desk)) == 1, "it came in, only the answer did not come back"
        page.unroute("**/front-desk/register")
        page.get_by_role("button", name="登记").dblclick()
        page.wait_for_url("**/complaints/TS*said=registered-before")
    assert len(registered(desk)) == 1


def test_B9_evidence_comes_with_the_complaint_and_a_file_that_is_none_is_told(
    browser: Browser, desk: RunningDesk, tmp_path: Path
) -> None:
    """Too long is told before it is sent, a wrong type by the server; the complaint keeps its number and one file."""
    letter, picture, film = (tmp_path / name for name in ("letter.txt", "no-picture.png", "long.mp4"))
    letter.write_text("客户来信：多扣三十元，要求核查。", encoding="utf-8")
    picture.write_bytes(b"MZ" + bytes(100))
    film.write_bytes(bytes(4 * 1024 * 1024))
    with watched(browser, desk.url) as seen:
        page = seen.open("/front-desk/register")
        sign_in(page)
        page.get_by_label("客户电话").fill("13900001001")
        page.get_by_label("诉求").fill(TEXT)
        page.get_by_label("证据文件").set_input_files([letter, picture, film])
        expect(page.locator("[data-uploads]")).to_contain_text("文件过大")
        page.get_by_role("button", name="登记").click()
        expect(page.locator("[data-uploads]")).to_contain_text("文件类型不受理")
        expect(page.locator("[data-uploads]")).to_contain_text("已登记 Kept")
        page.get_by_role("link", name="打开这件投诉").click()
        expect(page.locator("#evidence")).to_contain_text("letter.txt")
        page.get_by_text("添加证据").click()
        page.get_by_label("文件 Files").set_input_files([picture])
        page.get_by_role("button", name="上传").click()
        expect(page.locator("#evidence")).to_contain_text("文件类型不受理")
    [kept] = registered(desk)
    with desk.database.read() as tx:
        assert [each.name for each in evidence.of(tx, kept.number)] == ["letter.txt"]


def test_F3_the_same_matter_becomes_a_note_and_the_customer_withdraws(
    browser: Browser, desk: RunningDesk
) -> None:
    """No second complaint: what was said stands with the first one; then the customer takes it back, once."""
    number = add_complaint(desk, customer={"name": "周晓岚", "phone": "13900001001"}, region=HANGZHOU)
    with watched(browser, desk.url, width=390) as seen:
        page = seen.open("/front-desk/register")
        sign_in(page)
        page.get_by_label("客户电话").fill("13900001001")
        page.get_by_label("诉求").fill("今天又断了两次")
        page.get_by_role("button", name="是同一件事").click()
        page.wait_for_url(f"**/complaints/{number}?said=noted")
        expect(page.get_by_text("今天又断了两次")).to_be_visible()
        page.get_by_text("客户撤诉").click()
        page.get_by_label("客户说的理由").fill("已经好了")
        is_fit(page)
        page.get_by_role("button", name="确认撤诉").dblclick()
        page.wait_for_url(f"**/complaints/{number}?said=withdrawn")
        expect(page.get_by_text("撤诉已提交")).to_be_visible()
        expect(page.get_by_role("button", name="确认撤诉")).to_have_count(0)
        seen.expect_nothing_wrong()
    assert registered(desk) == []
    assert desk.woken == 1
    with desk.database.read() as tx:
        assert [each.text for each in notes.of(tx, number)] == ["今天又断了两次"]
        assert complaints.get(tx, number).closed_at is None, "the engine ends it"
