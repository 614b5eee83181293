"""The desk in a real browser over the real engine: each role's way, and a task that time takes away meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_deciding import sign_in, state
from tests.browser.watching import serious_problems, watched
from tests.desk.signing_in import PASSWORD
from tests.desk_server import CHEAP
from tests.stories.test_complaint_handling import NO_SIGNAL, RUDE_CLERK, UNCLEAR
from tests.stories.test_major_incident import Event
from tests.stories.world import Case, World
from workers.store import accounts, complaints

pytestmark = pytest.mark.parametrize("world", ["sqlite"], indirect=True)

CLERK, SERVICE, OPERATOR = "lin.qiantai", "he.kefu", "meng.yunwei"
BRANCH, CITY = "yin.fenzhang", "an.shigongsi"
REPLY = "我们已当面向您致歉，并对当事人进行了教育。"
_PATIENCE: Final = 120_000
"""Milliseconds: the engine has other stories to tell as well."""


@pytest.fixture
def desk(world: World) -> str:
    """The address of the desk; those who act in these stories have accounts."""
    with world.database.begin() as tx:
        known = {account.username for account, _ in accounts.everybody(tx)}
        for person in {CLERK, SERVICE, OPERATOR, BRANCH, CITY} - known:
            accounts.add(tx, person, CHEAP.hash(PASSWORD), datetime.now(UTC))
    return world.running.said.removeprefix("ready ").rstrip("/")


def open_task(page: Page, desk: str, case: Case, form: str) -> str:
    """Goes to the task with this form by the inbox; returns its key."""
    key = str(case.task(form)["task"])
    page.goto(f"{desk}/inbox?number={case.number}")
    expect(page.locator(f'[data-task="{key}"]')).to_be_visible(timeout=_PATIENCE)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/tasks/{key}")
    state(page, "ready")
    return key


def test_A1_A8_from_the_call_to_the_customers_answer(browser: Browser, world: World, desk: str) -> None:
    """A clerk registers and settles; the customer sees it by the link, answers, and the complaint is closed."""
    with watched(browser, desk) as seen:
        page = seen.open("/front-desk/register")
        sign_in(page, CLERK)
        page.get_by_label("客户电话").fill("139 1100 0001")
        page.get_by_label("姓名").fill("周晓岚")
        page.get_by_label("诉求").fill(RUDE_CLERK)
        page.keyboard.press("Control+Enter")
        page.wait_for_url("**/complaints/TS*said=registered", timeout=_PATIENCE)
        case = Case(world, page.url.rpartition("/")[2].partition("?")[0])
        open_task(page, desk, case, "settle-complaint")
        expect(page.get_by_text(RUDE_CLERK)).to_be_visible()
        page.get_by_label("已办结 Settled").check()
        page.get_by_label("答复客户").fill(REPLY)
        page.keyboard.press("Control+Enter")
        page.wait_for_url("**/inbox", timeout=_PATIENCE)
        case.wait(lambda: "satisfaction-survey" in case.events(), "the survey is sent")
        world.settle()
        seen.expect_nothing_wrong()
    with world.database.read() as tx:
        key = complaints.get(tx, case.number).progress_key
    with watched(browser, desk, width=390) as seen:
        page = seen.open(f"/progress/{case.number}?key={key}")
        expect(page.get_by_text(REPLY)).to_be_visible()
        page.get_by_label("已解决").check()
        page.get_by_label("满意", exact=False).first.check()
        page.get_by_role("button", name="提交").first.click()
        expect(page.get_by_text("感谢您的评价")).to_be_visible(timeout=_PATIENCE)
        seen.expect_nothing_wrong()
    case.wait_status("closed")
    assert case["satisfaction"] == "satisfied"


def test_A4_a_task_that_its_timer_takes_away_while_the_form_is_open(
    browser: Browser, world: World, desk: str
) -> None:
    """The time to classify passes while somebody writes: the page says so, and the case has gone on without them."""
    case = world.complain(UNCLEAR)
    with watched(browser, desk) as seen:
        page = seen.open("/inbox")
        sign_in(page, CLERK)
        open_task(page, desk, case, "classify-complaint")
        page.locator("[data-form] select").first.select_option(index=1)
        world.advance("PT31M")
        page.locator("button[data-submit]").click()
        state(page, "over")
    assert case["classified_by"] == "model"
    world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")


def test_E1_E3_an_event_is_reported_and_raised_in_the_room(browser: Browser, world: World, desk: str) -> None:
    """Customer service reports, the branch's manager is called and raises with a reason, the city has it."""
    with watched(browser, desk) as seen:
        page = seen.open("/events/report")
        sign_in(page, SERVICE)
        page.get_by_label("类型").select_option("network-outage")
        page.get_by_label("已中断").fill("40")
        page.get_by_role("button", name="报告").click()
        page.wait_for_url("**/events/SJ*")
        event = Event(world, page.url.rpartition("/")[2])
        event.wait(lambda: event["tier"] == "branch", "the branch has it")
    with watched(browser, desk) as seen:
        page = seen.open(f"/login?next=/events/{event.number}")
        sign_in(page, BRANCH)
        expect(page.locator(".ladder .here")).to_contain_text("分公司", timeout=_PATIENCE)
        page.locator("#event-acts summary").filter(has_text="升级至市公司").click()
        page.locator("#event-acts details[open]").get_by_label("理由").fill("超出分公司权限。")
        page.get_by_role("button", name="升级").dblclick()
        expect(page.locator(".ladder .here")).to_contain_text("市公司", timeout=_PATIENCE)
        seen.expect_nothing_wrong()
    assert event["tier"] == "city"
    codes = [entry["code"] for entry in event["timeline"]]
    assert codes.count("raise-asked") == 1
    event.complete_as_owner("acknowledge-incident")
    event.complete_as_owner("decide-incident", incident_decision="dismiss", decision_reason="监控误报。")
    event.wait_status("dismissed")


@pytest.mark.parametrize("width", [1280, 390])
def test_A11_managers_and_operations_see_how_it_goes(
    browser: Browser, world: World, desk: str, width: int
) -> None:
    """From a figure of the overview to the cases behind it; operations see the engine and workers that answer."""
    case = world.complain(NO_SIGNAL)
    case.task("investigate-complaint")
    with watched(browser, desk, width=width) as seen:
        page = seen.open("/login?next=/")
        sign_in(page, CITY)
        page.locator("#status-in-progress").click()
        expect(page.get_by_role("link", name=case.number)).to_be_visible(timeout=_PATIENCE)
        assert serious_problems(page, "body") == []
        seen.expect_nothing_wrong()
    with watched(browser, desk, width=width) as seen:
        page = seen.open("/login?next=/operations/workers")
        sign_in(page, OPERATOR)
        expect(page.get_by_text("Zeebe 8.5")).to_be_visible(timeout=_PATIENCE)
        expect(page.get_by_text("verify-complaint", exact=True)).to_be_visible(timeout=_PATIENCE)
        assert serious_problems(page, "body") == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        seen.expect_nothing_wrong()
    world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")
