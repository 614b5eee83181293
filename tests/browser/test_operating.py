"""Somebody of operations in a real browser: stuck work goes on, dead letters go out, the heat map is coloured."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.test_deciding import sign_in
from tests.browser.watching import serious_problems, watched
from tests.desk.ops_rows import add_letter, add_stuck, add_times, add_version
from tests.desk.signing_in import add_account, required
from tests.desk_server import RunningDesk, running
from workers.store import outbox
from workers.store.database import Database

KEY = "2251799813685401"


@pytest.fixture
def desk(sqlite_database: Database) -> Iterator[RunningDesk]:
    """Wu of operations; a complaint is stuck, and a message of it was given up."""
    with running(sqlite_database, is_sample_staff=False, signing_in=required()) as found:
        add_account(found, "wu.yunwei", "operations")
        add_version(found)
        number = add_stuck(found, KEY, "Broken: asked_fen is zero", asked_fen="0", policy='"petition"')
        add_letter(found, number, "gateway: 403 template not approved")
        add_times(found)
        yield found


@pytest.mark.parametrize("width", [1280, 390])
def test_stuck_work_goes_on_with_a_changed_variable_and_a_dead_letter_is_sent_again(
    browser: Browser, desk: RunningDesk, width: int
) -> None:
    """From the cause to the case, a wrong value told, a right one taken; the letter owed again; the map shown."""
    with watched(browser, desk.url, width=width) as seen:
        page = seen.open("/operations")
        sign_in(page, "wu.yunwei")

        def is_well_made() -> None:
            assert serious_problems(page, "body") == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

        is_well_made()
        page.get_by_role("link", name="任务多次处理失败").click()
        page.get_by_role("link", name="处理 Open").click()
        page.get_by_text("更改变量后重试").click()
        variables = page.get_by_label("流程变量")
        expect(variables).to_have_value('{\n  "asked_fen": 0,\n  "policy": "petition"\n}')
        is_well_made()
        variables.fill('{"asked_fen": "viel", "policy": "petition"}')
        page.get_by_role("button", name="重试").click()
        expect(page.get_by_role("alert")).to_contain_text("asked_fen")
        page.get_by_label("流程变量").fill('{"asked_fen": 9900, "policy": "petition"}')
        page.get_by_role("button", name="重试").dblclick()
        expect(page.get_by_role("status")).to_contain_text("已重试 1 项")
        expect(page.get_by_text("没有卡住的工作")).to_be_visible()
        page.get_by_role("link", name="发送失败").click()
        is_well_made()
        expect(page.get_by_text("138****8000")).to_be_visible()
        page.locator("tr", has_text="138****8000").get_by_role("button", name="重发").click()
        expect(page.get_by_role("status")).to_contain_text("1 条消息重新排队发送")
        page.get_by_role("link", name="热力图").click()
        expect(page.locator("[data-diagram]")).to_have_attribute("data-state", "ready", timeout=60_000)
        assert page.locator(".djs-element[class*=heat-]").count() >= 2
        expect(page.locator(".diagram-places")).to_contain_text("3 件在此")
        is_well_made()
        assert [each for each in seen.wrong if "422" not in each] == []
    assert desk.engine.variables == [(f"6{KEY[1:]}", {"asked_fen": 9900})]
    assert [key for key, _ in desk.engine.resolved] == [KEY]
    with desk.database.read() as tx:
        assert outbox.counts(tx) == {"pending": 1, "sent": 0, "dead": 0}
