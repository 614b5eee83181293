"""A major event from its report to the word to its customers, in a real browser (rules E1, E3, E6)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from tests.browser.test_deciding import sign_in
from tests.browser.watching import serious_problems, watched
from tests.desk.events import add_event, add_report, add_task, call, move, stand, tie
from tests.desk.signing_in import add_account, required
from tests.desk_server import RunningDesk, running
from workers.store import incidents
from workers.store.database import Database
from workers.store.tables import EngineRequest, OutboxMessage

HANGZHOU = {"province": "浙江省", "city": "杭州市"}
NEWS = "抢修人员已到场，预计今晚恢复。"


@pytest.fixture
def desk(sqlite_database: Database) -> Iterator[RunningDesk]:
    """An of the city of Hangzhou, and He of its service office."""
    with running(sqlite_database, is_sample_staff=False, signing_in=required()) as found:
        add_account(found, "an.shigongsi", "city-management", **HANGZHOU)
        add_account(found, "he.kefu", "customer-service", **HANGZHOU)
        yield found


def open_action(page: Page, name: str) -> None:
    page.locator("#event-acts summary").filter(has_text=name).click()


def owed(desk: RunningDesk, number: str) -> list[str]:
    with desk.database.read() as tx:
        mine = select(EngineRequest.name).where(EngineRequest.number == number)
        return [name for name in tx.scalars(mine) if name != "incident-declared"]


def told(desk: RunningDesk) -> int:
    with desk.database.read() as tx:
        return len(
            list(tx.scalars(select(OutboxMessage.id).where(OutboxMessage.event == "incident-progress")))
        )


def fits(page: Page) -> None:
    """Nothing to complain of, and nothing to scroll sideways for."""
    assert serious_problems(page, "body") == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_from_the_report_over_two_tiers_to_the_customers(browser: Browser, desk: RunningDesk) -> None:
    """Reported; raised; the page follows by itself; handed back; every customer told, by a double click, once."""
    with watched(browser, desk.url) as seen:
        page = seen.open("/events")
        sign_in(page, "an.shigongsi")
        page.get_by_role("link", name="报告事件").click()
        page.get_by_label("类型").select_option("network-outage")
        page.get_by_label("已中断").fill("40")
        page.get_by_role("button", name="报告").click()
        page.wait_for_url("**/events/SJ*")
        number = page.url.rpartition("/")[2]
        with desk.database.begin() as tx:
            incidents.get(tx, number).status = "declared"
        call(desk, number, "branch", "he.kefu")
        desk.move_records()
        open_action(page, "升级至市公司")
        page.locator("#event-acts details[open]").get_by_label("理由").fill("超出分公司权限。")
        page.get_by_role("button", name="升级").dblclick()
        expect(page.locator("#event-acts .moving")).to_contain_text("要求升级")
        assert owed(desk, number) == ["incident-raised"]

        move(desk, number, "city", "an.shigongsi")
        desk.move_records()
        expect(page.locator(".ladder .here")).to_contain_text("市公司", timeout=30_000)
        open_action(page, "退回分公司")
        page.locator("#event-acts details[open]").get_by_label("理由").fill("分公司可以处置。")
        page.get_by_role("button", name="退回").click()
        expect(page.locator("#event-acts .moving")).to_contain_text("要求退回")
        assert owed(desk, number) == ["incident-raised", "incident-handed-back"]

        move(desk, number, "branch", "he.kefu", "hand-back")
        tie(desk, number, 3)
        page.reload()
        open_action(page, "告知全部客户")
        page.get_by_label("告诉客户什么").fill("系统故障，请等待。")
        expect(page.locator(".words-found")).to_contain_text("系统故障", timeout=30_000)
        page.get_by_label("告诉客户什么").fill(NEWS)
        page.get_by_role("button", name="预览").click()
        expect(page.get_by_role("status").filter(has_text="将告知 3 位客户")).to_contain_text(NEWS)
        assert told(desk) == 0
        page.get_by_role("button", name="确认告知 3 位客户").dblclick()
        page.wait_for_url(f"**/events/{number}")
        expect(page.locator("#event-timeline")).to_contain_text("已告知 3 位关联客户")
        seen.expect_nothing_wrong()
    assert told(desk) == 3


def test_E3_two_managers_press_at_once(browser: Browser, desk: RunningDesk) -> None:
    """One move; the second is told who was first, and keeps what they wrote."""
    number = add_event(desk)
    with watched(browser, desk.url) as first, watched(browser, desk.url) as second:
        pages = (first.open(f"/events/{number}"), second.open(f"/events/{number}"))
        for page, username in zip(pages, ("an.shigongsi", "he.kefu"), strict=True):
            sign_in(page, username)
            open_action(page, "升级至省公司")
            page.locator("#event-acts details[open]").get_by_label("理由").fill(f"{username} 的理由")
        for page in pages:
            page.get_by_role("button", name="升级").click()
        expect(pages[0].locator(".moving")).to_contain_text("员工an.shigongsi")
        expect(pages[1].get_by_role("alert")).to_contain_text("正在执行")
        expect(pages[1].locator("#event-acts")).to_contain_text("he.kefu 的理由")
    assert owed(desk, number) == ["incident-raised"]


@pytest.mark.parametrize("width", [1280, 390])
def test_the_pages_of_events_are_accessible_and_fit_their_screen(
    browser: Browser, desk: RunningDesk, width: int
) -> None:
    """The list, the room with all there is, an open action that a fresh list does not close, and the preview."""
    number = add_event(desk, text="西湖片区汇聚设备故障", affected_users=2300, flags=["media"])
    tie(desk, number, 9)
    tie(desk, number, customer={"name": "李梅", "email": "li.mei@example.com"})
    stand(desk, number, "Task_AcknowledgeIncident")
    add_report(desk, number, "first", "he.kefu", 5)
    add_task(desk, number, "Task_AcknowledgeIncident", "acknowledge-incident", "city-management", 5, "1501")
    add_task(
        desk, number, "Task_SubmitIncidentReport", "submit-incident-report", "customer-service", -3, "1502"
    )
    with watched(browser, desk.url, width=width) as seen:
        page = seen.open("/events")
        sign_in(page, "an.shigongsi")
        fits(page)
        page.get_by_role("link", name=number).click()
        expect(page.locator("[data-diagram] svg").first).to_be_visible(timeout=30_000)
        fits(page)
        open_action(page, "告知全部客户")
        page.get_by_label("告诉客户什么").fill(NEWS)
        tie(desk, number)  # another complaint of one who has one
        desk.move_records()
        expect(page.locator("#event-top")).to_contain_text("11", timeout=30_000)
        expect(page.get_by_label("告诉客户什么")).to_have_value(NEWS)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="确认告知 10 位客户")).to_be_visible(timeout=30_000)
        fits(page)
        seen.expect_nothing_wrong()
