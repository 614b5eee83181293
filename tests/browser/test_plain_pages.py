"""Pages that people fill in without a task: the customer's, and the report of an event."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.test_deciding import sign_in
from tests.browser.watching import serious_problems, watched
from tests.desk.signing_in import add_account, required
from tests.desk.test_progress import link, tell_result
from tests.desk_server import RunningDesk, add_complaint, running
from workers.store import incidents
from workers.store.database import Database


@pytest.fixture
def desk(sqlite_database: Database) -> Iterator[RunningDesk]:
    """He of the service office in Hangzhou."""
    with running(sqlite_database, is_sample_staff=False, signing_in=required()) as found:
        add_account(found, "lin.qiantai", "customer-service", province="浙江省", city="杭州市")
        yield found


@pytest.mark.parametrize("width", [1280, 390])
def test_A8_a_customer_answers_the_survey_by_the_link(
    browser: Browser, desk: RunningDesk, width: int
) -> None:
    """Two answers and a double click: thanked once, asked no more."""
    number = add_complaint(desk)
    tell_result(desk, number)
    with watched(browser, desk.url, width=width) as seen:
        page = seen.open(link(desk, number))
        assert serious_problems(page, "body") == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.get_by_label("未解决").check()
        page.get_by_label("不满意").check()
        page.get_by_role("button", name="提交").dblclick()
        expect(page.get_by_text("感谢您的评价")).to_be_visible()
        expect(page.get_by_text("请评价本次处理")).to_have_count(0)
        seen.expect_nothing_wrong()
    assert desk.woken == 1


@pytest.mark.parametrize("width", [1280, 390])
def test_E1_a_hall_that_is_down_is_reported(browser: Browser, desk: RunningDesk, width: int) -> None:
    """What is wrong is said beside what was written; then the event is shown."""
    with watched(browser, desk.url, width=width) as seen:
        page = seen.open("/events/report")
        sign_in(page)
        assert serious_problems(page, "body") == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.get_by_label("类型").select_option("hall-outage")
        page.get_by_label("已中断").fill("十二")
        page.get_by_role("button", name="报告").click()
        expect(page.get_by_role("alert")).to_contain_text("整数")
        page.get_by_label("已中断").fill("12")
        page.get_by_role("button", name="报告").click()
        page.wait_for_url("**/events/SJ*")
        expect(page.get_by_text("营业厅支撑系统中断").first).to_be_visible()
    with desk.database.read() as tx:
        assert [each.outage_minutes for each in incidents.page(tx)] == [12]
