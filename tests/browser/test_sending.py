"""What a person sees when sending a form does not go as it should: nothing written is lost, one decision counts."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.responses import JSONResponse, RedirectResponse, Response

from tests.browser.stage import Stage
from tests.browser.watching import eventually, watch, watched
from workers.desk.problems import problem

REASON = "客户未提供扣费凭证,无法核实。"


def _reject(page: Page, reason: str = REASON) -> None:
    page.get_by_label("驳回 Reject").check()
    page.get_by_label("驳回原因（将告知客户）").fill(reason)


def _submit(page: Page) -> None:
    page.get_by_role("button", name="提交").click()


def _state(page: Page, state: str) -> None:
    expect(page.locator("[data-form]")).to_have_attribute("data-state", state)


def test_a_double_click_is_one_decision(browser: Browser, stage: Stage) -> None:
    """The second click finds the form under way."""
    with watched(browser, stage.url) as seen:
        page = seen.open(stage.show_form("approve-refund"))
        page.get_by_label("同意 Approve").check()
        page.get_by_role("button", name="提交").dblclick()
        _state(page, "sent")
        assert len(stage.sent) == 1
        expect(page.get_by_role("button", name="提交")).to_be_disabled()
        seen.expect_nothing_wrong()


def test_a_lost_answer_is_sent_again_under_the_same_name(browser: Browser, stage: Stage) -> None:
    """The server can tell that it is the same attempt; with other answers it is another one."""
    stage.answer = lambda body: Response(status_code=503)
    with watched(browser, stage.url) as seen:
        page = seen.open(stage.show_form("approve-refund"))
        _reject(page)
        for _ in range(2):
            _submit(page)
            _state(page, "lost")
        expect(page.get_by_role("alert").filter(has_text="请再次提交,不会重复")).to_be_visible()
        page.get_by_label("驳回原因（将告知客户）").fill(REASON + "请补充。")
        stage.answer = None
        _submit(page)
        _state(page, "sent")
    first, second, third = [headers["idempotency-key"] for headers, _ in stage.sent]
    assert first == second != third


def test_no_connection_loses_nothing(browser: Browser, stage: Stage) -> None:
    """Offline, reloaded, and what was written is there again."""
    with watched(browser, stage.url) as seen:
        page = seen.open(stage.show_form("approve-refund"))
        _reject(page)
        page.context.set_offline(True)
        _submit(page)
        _state(page, "lost")
        page.context.set_offline(False)
        page.reload()
        _state(page, "ready")
        expect(page.get_by_label("驳回原因（将告知客户）")).to_have_value(REASON)
        expect(page.get_by_text("已恢复上次未提交的内容。")).to_be_visible()
        _submit(page)
        _state(page, "sent")
    assert [body for _, body in stage.sent] == [
        {"variables": {"approval": "reject", "reject_reason": REASON}}
    ]


@pytest.mark.parametrize("answer", [problem(401, "sign in"), RedirectResponse("/page/login", 303)])
def test_an_expired_session_says_so_and_keeps_the_text(
    browser: Browser, stage: Stage, answer: Response
) -> None:
    """Whether the server says 401 or leads to the sign-in page."""
    stage.answer = lambda body: answer
    with watched(browser, stage.url) as seen:
        page = seen.open(stage.show_form("approve-refund"))
        _reject(page)
        _submit(page)
        _state(page, "expired")
        expect(page.get_by_role("alert").filter(has_text="登录已过期")).to_be_visible()
        expect(page.get_by_label("驳回原因（将告知客户）")).to_have_value(REASON)
        expect(page.get_by_role("button", name="提交")).to_be_enabled()


def test_a_task_that_is_over_says_so_and_shows_the_text(browser: Browser, stage: Stage) -> None:
    """Completed by somebody else, or taken away by its timer, while the form was open: kindly said, nothing lost."""
    stage.answer = lambda body: problem(409, "“审批退费”已由 luo 完成。 luo completed it meanwhile.")
    with watched(browser, stage.url) as seen:
        page = seen.open(stage.show_form("approve-refund"))
        _reject(page)
        _submit(page)
        _state(page, "over")
        expect(page.get_by_role("alert").filter(has_text="“审批退费”已由 luo 完成。")).to_be_visible()
        text = page.get_by_label("驳回原因（将告知客户）")
        expect(text).to_have_value(REASON)
        expect(text).not_to_be_editable()
        expect(page.get_by_role("button", name="提交")).to_be_disabled()


def test_what_the_server_refuses_is_said_at_the_field(browser: Browser, stage: Stage) -> None:
    """Rule D6: the word is named, and the field with it has the focus."""
    said = "“系统故障”不得对客户使用。"
    body = {"detail": "有不得使用的词。 A word may not be used.", "fields": {"reject_reason": said}}
    stage.answer = lambda _: JSONResponse(body, 422)
    with watched(browser, stage.url) as seen:
        page = seen.open(stage.show_form("approve-refund"))
        _reject(page)
        _submit(page)
        _state(page, "refused")
        expect(page.get_by_text(said)).to_be_visible()
        expect(page.get_by_role("alert").filter(has_text="有不得使用的词。")).to_be_visible()


def test_two_tabs_are_one_decision(browser: Browser, stage: Stage) -> None:
    """When one is sent, the other closes its form and says why."""
    with watched(browser, stage.url) as seen:
        page = seen.open(stage.show_form("approve-refund"))
        second = watch(page.context, stage.url).open("/page/approve-refund")
        _state(second, "ready")
        page.get_by_label("同意 Approve").check()
        _submit(page)
        _state(page, "sent")
        _state(second, "over")
        expect(second.get_by_text("此任务已在另一窗口提交。")).to_be_visible()


def test_it_goes_on_to_where_the_page_says(browser: Browser, stage: Stage) -> None:
    """And the form is not what the back button leads to."""
    with watched(browser, stage.url) as seen:
        stage.show("/page/inbox", "<main><h1>待办</h1></main>")
        stage.show("/page/before", "<main><h1>之前</h1></main>")
        seen.open("/page/before")
        page = seen.open(stage.show_form("approve-refund", next="/page/inbox"))
        page.get_by_label("同意 Approve").check()
        page.keyboard.press("Control+Enter")
        expect(page.get_by_role("heading", name="待办")).to_be_visible()
        page.go_back()
        expect(page.get_by_role("heading", name="之前")).to_be_visible()


def test_a_draft_goes_to_the_server_and_comes_back(browser: Browser, stage: Stage) -> None:
    """A moment after it was written; thrown away by a button; the server's own draft is shown in a fresh window."""
    path = stage.show_form(
        "approve-refund", draft={"approval": "raise", "raise_reason": "超出权限"}, key="1 wang"
    )
    stage.pages[path] = stage.pages[path].replace("data-form ", 'data-form data-draft="/draft" ')
    with watched(browser, stage.url) as seen:
        page = seen.open(path)
        expect(page.get_by_label("上报原因（内部）")).to_have_value("超出权限")
        page.get_by_label("上报原因（内部）").fill("超出本级权限")
        expect(page.get_by_text("草稿已保存")).to_be_visible()
        assert stage.drafts == [{"variables": {"approval": "raise", "raise_reason": "超出本级权限"}}]
        page.reload()
        expect(page.get_by_label("上报原因（内部）")).to_have_value("超出本级权限")
        page.get_by_role("button", name="放弃草稿").click()
        expect(page.get_by_label("上报原因（内部）")).to_be_hidden()
        eventually(page, "Object.keys(sessionStorage).length === 0")
        expect(page.get_by_role("button", name="放弃草稿")).to_be_hidden()
    assert stage.drafts[-1] is None


def test_D6_words_are_looked_at_while_they_are_written(browser: Browser, stage: Stage) -> None:
    """What may not be written is said below the field, and is gone when it is gone."""
    with watched(browser, stage.url) as seen:
        page = seen.open(stage.show_form("approve-refund", wording="/wording"))
        _reject(page, "因系统故障无法退费")
        expect(page.get_by_role("status").filter(has_text="“系统故障”不得使用。")).to_be_visible()
        page.get_by_label("驳回原因（将告知客户）").fill(REASON)
        expect(page.get_by_text("“系统故障”不得使用。")).to_be_hidden()
        seen.expect_nothing_wrong()


def test_a_choice_keeps_its_json_value(browser: Browser, stage: Stage) -> None:
    """A chosen option is sent as the value that the form names, and can be taken back."""
    with watched(browser, stage.url) as seen:
        page = seen.open(stage.show_form("classify-complaint"))
        chosen = page.get_by_role("combobox").first
        chosen.select_option(index=2)
        expect(chosen).to_have_value("1")
        chosen.select_option(index=0)
        expect(page.get_by_text("请填写此项。").first).to_be_visible()
        seen.expect_nothing_wrong()
