"""Lists that keep themselves fresh: what the server says happened makes htmx fetch the list again."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.browser.stage import Stage
from tests.browser.watching import eventually, watched

_LIST = (
    '<p><span data-live-state></span></p><main data-live="/live" data-live-names="tasks">'
    '<ul id="rows" hx-get="/rows" hx-trigger="load, live:tasks from:body, live:again from:body"></ul></main>'
)


def test_a_list_follows_what_happens(browser: Browser, stage: Stage) -> None:
    """Under the policy of the pages, without a word in the console, and without reloading."""
    stage.rows = ["TS20261122-000001"]
    with watched(browser, stage.url) as seen:
        page = seen.open(stage.show("/page/list", _LIST, "live.js"))
        expect(page.locator("#rows li")).to_have_count(1)
        expect(page.locator("[data-live-state].live")).to_have_attribute("title", "实时更新 Live")
        stage.rows.append("TS20261122-000002")
        stage.events.append("something-else")
        stage.events.append("tasks")
        expect(page.locator("#rows li")).to_have_count(2)
        assert page.evaluate("Object.keys(localStorage).length") == 0
        seen.expect_nothing_wrong()


def test_a_list_is_not_taken_away_under_somebody_who_writes_in_it(browser: Browser, stage: Stage) -> None:
    """It is fetched when they have left it."""
    stage.rows = ['<input aria-label="note">']
    with watched(browser, stage.url) as seen:
        page = seen.open(stage.show("/page/list", _LIST, "live.js"))
        note = page.get_by_label("note")
        note.fill("正在写")
        page.evaluate("document.body.addEventListener('htmx:afterRequest', () => (window.answered = true))")
        stage.rows.append("second")
        stage.events.append("tasks")
        eventually(page, "window.answered === true")
        expect(note).to_have_value("正在写")
        expect(page.locator("#rows li")).to_have_count(1)
        note.blur()
        expect(page.locator("#rows li")).to_have_count(2)


def test_a_lost_connection_is_said_and_made_up_for(browser: Browser, stage: Stage) -> None:
    """What happened meanwhile was not heard, so the list is fetched when the connection is there again."""
    with watched(browser, stage.url) as seen:
        page = seen.open(stage.show("/page/list", _LIST, "live.js"))
        expect(page.locator("[data-live-state].live")).to_be_attached()
        stage.rows = ["while away"]
        stage.is_cut = True
        expect(page.locator("[data-live-state].lost")).to_be_attached()
        stage.is_cut = False
        expect(page.locator("#rows li")).to_have_text("while away")
        eventually(page, "document.querySelector('[data-live-state]').className === 'live'")
