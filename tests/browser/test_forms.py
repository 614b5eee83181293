"""Every form of bpmn/ in a real Chromium, under the desk's own headers, answered with the keyboard alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.keyboard import fill_in, plans
from tests.browser.stage import FORMS, TOKEN, Stage
from tests.browser.watching import eventually, serious_problems, watched


@pytest.mark.parametrize("form_id", sorted(FORMS))
def test_every_form_can_be_answered_with_the_keyboard(browser: Browser, stage: Stage, form_id: str) -> None:
    """The keyboard comes to every required field, whichever answers it takes to show it, and to the button; the server
    takes what was answered; nothing is refused by the policy, and nothing is asked from elsewhere."""
    schema = FORMS[form_id]
    required = {
        each["id"]
        for each in schema["components"]
        if (each.get("validate") or {}).get("required") and not each.get("readonly")
    }
    reached: set[str] = set()
    path = stage.show_form(form_id)
    with watched(browser, stage.url) as seen:
        for done, plan in enumerate(plans(schema)):
            if done > 1 and required <= reached:
                break
            page = seen.open(path)
            expect(page.locator("[data-form]")).to_have_attribute("data-state", "ready")
            reached |= fill_in(page, schema, plan)
            expect(page.locator("[data-form]")).to_have_attribute("data-state", "sent", timeout=15_000)
        seen.expect_nothing_wrong()
    assert required <= reached, f"not reached: {sorted(required - reached)}"


def test_the_watch_sees_what_it_is_there_for(browser: Browser, stage: Stage) -> None:
    """A style attribute, an inline script and a picture from elsewhere are refused, and the watch says so."""
    path = stage.show(
        "/page/wrong",
        '<p style="color: red">x</p><script>1</script><img src="http://192.0.2.1/x.png" alt="">',
    )
    with watched(browser, stage.url) as seen:
        eventually(seen.open(path), "document.readyState === 'complete'")
        for directive in ("style-src", "script-src", "img-src"):
            assert any(directive in line for line in seen.wrong), directive


def test_missing_answers_are_named_in_chinese_first(browser: Browser, stage: Stage) -> None:
    """Nothing is sent; the first wrong field has the focus."""
    with watched(browser, stage.url) as seen:
        page = seen.open(stage.show_form("approve-refund"))
        page.get_by_role("button", name="提交").click()
        expect(page.get_by_role("alert").filter(has_text="有 1 项需要填写或更正")).to_be_visible()
        expect(page.get_by_text("请填写此项。 This is required.")).to_be_visible()
        expect(page.get_by_role("radio").first).to_be_focused()
        assert stage.sent == []
        seen.expect_nothing_wrong()


def test_answers_carry_the_token_and_only_what_was_asked(browser: Browser, stage: Stage) -> None:
    """Read-only fields and hidden ones are the server's; the token of the page goes with the answers."""
    with watched(browser, stage.url) as seen:
        page = seen.open(stage.show_form("approve-refund", data={"decided_by": "王主任"}))
        expect(page.get_by_label("审批人")).to_have_value("王主任")
        page.get_by_label("同意 Approve").check()
        page.get_by_role("button", name="提交").click()
        expect(page.get_by_text("已提交。")).to_be_visible()
    [(headers, body)] = stage.sent
    assert body == {"variables": {"approval": "approve"}}
    assert headers["x-csrf-token"] == TOKEN
    assert len(headers["idempotency-key"]) == 32


@pytest.mark.parametrize("pause", [0, 40, 80, 160])
def test_what_is_typed_right_after_a_number_is_not_taken_back(
    browser: Browser, stage: Stage, pause: int
) -> None:
    """form-js takes a number on once more a moment after it was left, and draws every field anew: the browser's clock
    is moved to moments before and after it, and the text that is being written then stays."""
    text = "已与客户商定，延长一天。"
    with watched(browser, stage.url) as seen:
        seen.page.clock.install()
        page = seen.open(stage.show_form("decide-extension"))
        page.clock.run_for(1000)
        expect(page.locator("[data-form]")).to_have_attribute("data-state", "ready")
        page.get_by_label("批准 Granted", exact=True).check()
        page.clock.run_for(500)
        page.get_by_role("textbox", name="延长多少").focus()
        page.keyboard.insert_text("1")
        page.keyboard.press("Tab")
        page.clock.run_for(pause)
        page.keyboard.insert_text(text)
        page.clock.run_for(500)
        assert page.get_by_role("textbox", name="向客户说明").input_value() == text


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_form_is_accessible_and_fits_its_screen(
    browser: Browser, stage: Stage, width: int, scheme: str
) -> None:
    """axe finds nothing serious, nothing is wider than the screen, and the mark of bpmn.io is on top and whole."""
    with watched(browser, stage.url, width=width, color_scheme=scheme) as seen:
        for form_id in (
            "approve-refund",
            "contact-customer-first",
            "complete-visit",
            "investigate-complaint",
        ):
            page = seen.open(stage.show_form(form_id, data={"decided_by": "王主任"}))
            page.get_by_role("button", name="提交").click()
            expect(page.get_by_role("alert").first).to_be_visible()
            assert serious_problems(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            mark = page.locator(".fjs-powered-by-link")
            mark.click(trial=True)  # fails when something lies over it
            assert mark.locator("svg").bounding_box()["width"] == pytest.approx(53, abs=1)  # type: ignore[index]
