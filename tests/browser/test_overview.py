"""The overview as a manager uses it: with the keyboard from the province to the cases, on a telephone, on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_deciding import sign_in
from tests.browser.watching import serious_problems, watched
from tests.desk.signing_in import add_account, required
from tests.desk_server import RunningDesk, add_complaint, running
from workers.store import deadlines
from workers.store.database import Database
from workers.store.tables import Complaint


@pytest.fixture
def desk(sqlite_database: Database) -> Iterator[RunningDesk]:
    """He manages Zhejiang; two cases of Hangzhou are late, one of Ningbo is not."""
    with running(sqlite_database, is_sample_staff=False, signing_in=required()) as found:
        add_account(found, "lin.qiantai", "province-management", province="浙江省")
        for city, hours in (("杭州市", -6), ("杭州", -1), ("宁波市", 40)):
            late(found, city, hours)
        yield found


def late(desk: RunningDesk, city: str, hours: int) -> str:
    """A case that is due in so many hours."""
    number = add_complaint(desk, region={"province": "浙江省", "city": city})
    with desk.database.begin() as tx:
        row = tx.get_one(Complaint, number)
        row.status, row.owner_group, row.category = "in-progress", "network-operations", "other"
        row.received_at = desk.clock.now() - timedelta(hours=20)
        tx.flush()
        deadlines.put(tx, number, "result", desk.clock.now() + timedelta(hours=hours))
    return number


def go_to(page: Page, link: str) -> None:
    """With the tabulator to the first link that is called so, and in."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == link:
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"the keyboard does not reach {link}")


@pytest.mark.parametrize("width", [1280, 390])
def test_A11_a_manager_drills_down_with_the_keyboard(browser: Browser, desk: RunningDesk, width: int) -> None:
    """Province, city, the late ones, one case; and the number follows what happens meanwhile."""
    with watched(browser, desk.url, width=width) as seen:
        page = seen.open("/")
        sign_in(page)
        page.goto(desk.url + "/")
        expect(page.get_by_text("各地市", exact=False).first).to_be_visible()
        expect(page.locator("#head-period")).to_contain_text("本期受理的投诉")
        expect(page.locator("#sheet-places")).to_be_visible()
        assert serious_problems(page, "body") == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        go_to(page, "杭州")
        page.wait_for_url("**city=*")
        overdue = page.locator("#tile-overdue strong")
        expect(overdue).to_have_text("2")
        expect(page.locator("[data-live-state].live")).to_be_attached()
        late(desk, "杭州", -2)
        desk.move_records()
        expect(overdue).to_have_text("3")
        overdue.focus()
        page.locator("#tile-overdue").press("Enter")
        page.wait_for_url("**/complaints?*urgency=overdue*")
        expect(page.get_by_role("status")).to_contain_text("3")
        assert serious_problems(page, "body") == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.locator("td.number a").first.press("Enter")
        page.wait_for_url("**/complaints/TS*")
        seen.expect_nothing_wrong()


def test_A11_what_is_handed_upwards(browser: Browser, desk: RunningDesk) -> None:
    """On paper without buttons, with who, where and when; and the three files."""
    with watched(browser, desk.url) as seen:
        page = seen.open("/")
        sign_in(page)
        page.goto(desk.url + "/?period=this-month")
        expect(page.locator("#sheet-places")).to_be_visible()
        for name, end in (("Excel", ".xlsx"), ("图片 PNG", ".png"), ("CSV", "-now-places.csv")):
            with page.expect_download() as waited:
                page.get_by_role("link", name=name).first.click()
            assert waited.value.suggested_filename.startswith("投诉督办-浙江-")
            assert waited.value.suggested_filename.endswith(end)
        page.emulate_media(media="print")
        expect(page.locator(".printed")).to_contain_text("客户服务中心")
        expect(page.locator(".printed")).to_contain_text("浙江")
        for hidden in (".top", ".downloads", ".periods", ".take >> nth=0"):
            expect(page.locator(hidden)).to_be_hidden()
        content = page.pdf(prefer_css_page_size=True)
        assert 1 <= len(re.findall(rb"/Type /Page\b(?!s)", content)) <= 2
        seen.expect_nothing_wrong()
