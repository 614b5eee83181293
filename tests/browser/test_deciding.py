"""A manager in a hurry, in a real browser on the real desk: inbox, decision page, and what goes wrong between."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.watching import eventually, serious_problems, watch, watched
from tests.desk.signing_in import PASSWORD, add_account, required
from tests.desk_server import RunningDesk, add_complaint, add_task, running
from workers.store.database import Database

REPLY = "已为您修复线路，网络恢复正常。"
HANGZHOU = {"province": "浙江省", "city": "杭州市"}


@pytest.fixture
def desk(sqlite_database: Database) -> Iterator[RunningDesk]:
    """Lin and Zhou at the front desk of Hangzhou."""
    with running(sqlite_database, is_sample_staff=False, signing_in=required()) as found:
        add_account(found, "lin.qiantai", "front-desk", "customer-service", **HANGZHOU)
        add_account(found, "zhou.qiantai", "front-desk", **HANGZHOU)
        yield found


def sign_in(page: Page, username: str = "lin.qiantai") -> None:
    page.get_by_label("用户名").fill(username)
    page.get_by_label("密码").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)


def state(page: Page, name: str) -> None:
    expect(page.locator("[data-form]")).to_have_attribute("data-state", name, timeout=30_000)


def answer(page: Page) -> None:
    page.get_by_label("已办结 Settled").check()
    page.get_by_label("答复客户").fill(REPLY)


@pytest.mark.parametrize("width", [1280, 390])
def test_from_signing_in_to_a_decision_with_the_keyboard(
    browser: Browser, desk: RunningDesk, width: int
) -> None:
    """What is due first is on top; j, Enter, the form, Ctrl+Enter: decided, and the inbox is empty."""
    now = desk.clock.now()
    add_task(
        desk, add_complaint(desk, text="账单有误"), key="2251799813685301", due_at=now + timedelta(hours=9)
    )
    key = add_task(desk, add_complaint(desk), key="2251799813685302", due_at=now + timedelta(minutes=20))
    with watched(browser, desk.url, width=width) as seen:
        page = seen.open("/inbox")
        sign_in(page)
        expect(page).to_have_url(desk.url + "/inbox")
        assert serious_problems(page, "body") == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/tasks/{key}")
        state(page, "ready")
        expect(page.get_by_text("宽带断网两天,没有人处理")).to_be_visible()
        assert serious_problems(page, "body") == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        answer(page)
        page.keyboard.press("Control+Enter")
        page.wait_for_url("**/inbox")
        expect(page.locator(f'[data-task="{key}"]')).to_have_count(0)
        expect(page.locator('[data-task="2251799813685301"]')).to_have_count(1)
        seen.expect_nothing_wrong()
    assert desk.engine.completions == [(key, {"is_settled": True})]


def test_two_tabs_make_one_decision_and_lose_no_text(browser: Browser, desk: RunningDesk) -> None:
    """The second tab says that it is done, kindly, and keeps what was written readable."""
    key = add_task(desk, add_complaint(desk))
    with watched(browser, desk.url) as seen:
        first = seen.open("/inbox")
        sign_in(first)
        other = watch(first.context, desk.url)
        pages = (first, other.page)
        for page in pages:
            page.goto(f"{desk.url}/tasks/{key}")
            state(page, "ready")
            answer(page)
        first.get_by_role("button", name="提交").dblclick()
        first.wait_for_url("**/inbox")
        second = pages[1]
        if second.locator("[data-form]").get_attribute("data-state") == "ready":
            second.get_by_role("button", name="提交").click()
        state(second, "over")
        expect(second.get_by_label("答复客户")).to_have_value(REPLY)
    assert desk.engine.completions == [(key, {"is_settled": True})]


def test_a_task_taken_away_by_its_timer_while_the_form_is_open(browser: Browser, desk: RunningDesk) -> None:
    """Its time was up: the page says so in a sentence; nothing reaches the engine, nothing written is gone."""
    key = add_task(desk, add_complaint(desk))
    with watched(browser, desk.url) as seen:
        page = seen.open(f"/tasks/{key}")
        sign_in(page)
        state(page, "ready")
        answer(page)
        desk.engine.end_task(key, "cancelled")
        page.get_by_role("button", name="提交").click()
        state(page, "over")
        expect(page.get_by_text("收回")).to_be_visible()
        expect(page.get_by_label("答复客户")).to_have_value(REPLY)
    assert desk.engine.completions == []


def test_an_expired_session_is_told_and_after_signing_in_the_text_is_there(
    browser: Browser, desk: RunningDesk
) -> None:
    """The session ends while somebody writes: they sign in again and go on where they were."""
    key = add_task(desk, add_complaint(desk), due_at=desk.clock.now() + timedelta(days=3))
    with watched(browser, desk.url) as seen:
        page = seen.open(f"/tasks/{key}")
        sign_in(page)
        state(page, "ready")
        answer(page)
        desk.clock.advance(timedelta(hours=13))
        page.get_by_role("button", name="提交").click()
        state(page, "expired")
        assert desk.engine.asked == []
        page.goto(f"{desk.url}/tasks/{key}")
        sign_in(page)
        state(page, "ready")
        expect(page.get_by_label("答复客户")).to_have_value(REPLY)
        page.get_by_role("button", name="提交").click()
        page.wait_for_url("**/inbox")
    assert desk.engine.completions == [(key, {"is_settled": True})]


def test_an_engine_that_is_down_loses_nothing_and_sending_again_counts_once(
    browser: Browser, desk: RunningDesk
) -> None:
    """No answer, then an answer that got lost, then the engine is back: one decision."""
    key = add_task(desk, add_complaint(desk))
    with watched(browser, desk.url) as seen:
        page = seen.open(f"/tasks/{key}")
        sign_in(page)
        state(page, "ready")
        answer(page)
        for way in ("broken", "take"):
            desk.engine.way = way
            page.get_by_role("button", name="提交").click()
            if way == "broken":
                state(page, "lost")
        page.wait_for_url("**/inbox")
    assert desk.engine.completions == [(key, {"is_settled": True})]


def test_the_list_is_fresh_without_a_click(browser: Browser, desk: RunningDesk) -> None:
    """A task that comes is there within seconds; what was chosen stays chosen."""
    first = add_task(desk, add_complaint(desk), key="2251799813685301")
    with watched(browser, desk.url) as seen:
        page = seen.open("/inbox")
        sign_in(page)
        page.locator(f'[data-task="{first}"] .pick input').check()
        eventually(page, "document.querySelector('[data-live-state]').classList.contains('live')")
        second = add_task(desk, add_complaint(desk, text="账单有误"), key="2251799813685302")
        desk.move_records()
        expect(page.locator(f'[data-task="{second}"]')).to_have_count(1, timeout=30_000)
        expect(page.locator(f'[data-task="{first}"] .pick input')).to_be_checked()
        expect(page.get_by_text("项已选")).to_be_visible()
        seen.expect_nothing_wrong()


def test_a_task_is_taken_handed_over_and_found_by_the_colleague(browser: Browser, desk: RunningDesk) -> None:
    """Claim with one key; hand over with a note that the colleague reads beside the form."""
    key = add_task(desk, add_complaint(desk))
    with watched(browser, desk.url) as seen:
        page = seen.open("/inbox")
        sign_in(page)
        page.keyboard.press("j")
        page.keyboard.press("c")
        expect(page.locator(f'[data-task="{key}"] .with')).to_contain_text("我")
        page.goto(f"{desk.url}/tasks/{key}")
        page.get_by_text("转交同事").click()
        page.get_by_label("附言").fill("客户下午才方便")
        page.get_by_role("button", name="转交", exact=False).last.click()
        page.wait_for_url("**/inbox")
        seen.expect_nothing_wrong()
    with watched(browser, desk.url) as seen:
        page = seen.open("/inbox?scope=mine")
        sign_in(page, "zhou.qiantai")
        page.locator(f'[data-task="{key}"] .what a').click()
        expect(page.get_by_text("客户下午才方便")).to_be_visible()
