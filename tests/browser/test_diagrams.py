"""Every process of bpmn/ in the viewer, in a real Chromium, under the desk's own headers."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.stage import DIAGRAMS, Stage
from tests.browser.watching import eventually, serious_problems, watched

_TASK = re.compile(r'<bpmn:(?:userTask|serviceTask|callActivity|businessRuleTask)[^>]*\bid="([^"]+)"')


def _tasks(process_id: str) -> list[str]:
    return _TASK.findall(DIAGRAMS[process_id].read_text(encoding="utf-8"))


def _open(page: Page) -> None:
    expect(page.locator("[data-diagram]")).to_have_attribute("data-state", "ready")


def _fill(page: Page, element: str) -> str:
    shape = page.locator(f"g[data-element-id='{element}'] > .djs-visual > :first-child").first
    return str(shape.evaluate("(shape) => getComputedStyle(shape).fill"))


@pytest.mark.parametrize("process_id", sorted(DIAGRAMS))
def test_every_process_is_shown_with_the_places_of_a_case(
    browser: Browser, stage: Stage, process_id: str
) -> None:
    """What is done, under way and stuck has colours of its own; nothing is refused, nothing comes from elsewhere."""
    done, active, stuck, *_ = [*_tasks(process_id), None, None]
    marks = {
        "done": [done],
        "active": [active or "no-such"],
        "incident": [stuck or "no-such"],
        "flows": ["no-such"],
    }
    with watched(browser, stage.url) as seen:
        page = seen.open(stage.show_diagram(process_id, marks))
        _open(page)
        shown = [each for each in (done, active, stuck) if each]
        assert len({_fill(page, each) for each in shown}) == len(shown)
        entries = page.locator(".diagram-places li")
        assert entries.count() == len([each for each in (active, stuck) if each])
        seen.expect_nothing_wrong()


def test_the_keyboard_moves_and_zooms(browser: Browser, stage: Stage) -> None:
    """Arrows, plus, minus and nought; the places are buttons that lead there."""
    task = _tasks("complaint-handling")[-1]
    with watched(browser, stage.url) as seen:
        page = seen.open(stage.show_diagram("complaint-handling", {"active": [task]}))
        _open(page)
        page.locator(".diagram-canvas svg").first.focus()
        place = page.locator(f"g[data-element-id='{task}']").first

        def at() -> dict[str, float]:
            found = place.bounding_box()
            assert found is not None
            return dict(found)

        before = at()
        page.keyboard.press("ArrowRight")
        assert at()["x"] == pytest.approx(before["x"] - 80, abs=2)
        page.keyboard.press("+")
        assert at()["width"] == pytest.approx(before["width"] * 1.25, rel=0.02)
        page.keyboard.press("0")
        assert at()["width"] < before["width"]
        page.locator(".diagram-places button").first.focus()
        page.keyboard.press("Enter")
        canvas = page.locator(".diagram-canvas").bounding_box()
        assert canvas is not None
        assert canvas["x"] < at()["x"] < canvas["x"] + canvas["width"]
        seen.expect_nothing_wrong()


def test_the_wheel_belongs_to_the_page_until_the_diagram_has_the_focus(
    browser: Browser, stage: Stage
) -> None:
    """Whoever scrolls past a diagram is not caught in it."""
    with watched(browser, stage.url, height=300) as seen:
        path = stage.show_diagram("refund-approval")
        stage.pages[path] = stage.pages[path].replace("</main>", "<pre>" + "\n" * 200 + "</pre></main>")
        page = seen.open(path)
        _open(page)
        page.locator(".diagram-canvas").hover()
        page.mouse.wheel(0, 100)
        eventually(page, "scrollY > 50")


def test_heat_says_where_cases_spend_their_time(browser: Browser, stage: Stage) -> None:
    """Each level has a colour; what it means is written at the element and in the list, hottest first."""
    tasks = _tasks("complaint-handling")[:5]
    heat = {id_: {"level": level, "says": f"平均 {level} 小时"} for level, id_ in enumerate(tasks, 1)}
    with watched(browser, stage.url) as seen:
        page = seen.open(stage.show_diagram("complaint-handling", {"heat": heat}))
        _open(page)
        assert len({_fill(page, each) for each in tasks}) == 5
        expect(page.locator(".diagram-places li").first).to_contain_text("平均 5 小时")
        expect(page.locator(".diagram-note")).to_have_count(5)
        seen.expect_nothing_wrong()


def test_marks_change_without_loading_the_page_again(browser: Browser, stage: Stage) -> None:
    """A live page says `diagram:mark`; what was marked before is not any more."""
    first, second, *_ = _tasks("refund-approval")
    with watched(browser, stage.url) as seen:
        page = seen.open(stage.show_diagram("refund-approval", {"active": [first]}))
        _open(page)
        plain, marked = _fill(page, second), _fill(page, first)
        page.locator("[data-diagram]").evaluate(
            "(at, id) => at.dispatchEvent(new CustomEvent('diagram:mark', {detail: {active: [id]}}))", second
        )
        assert (_fill(page, first), _fill(page, second)) == (plain, marked)
        seen.expect_nothing_wrong()


def test_a_click_on_a_called_process_leads_to_its_diagram(browser: Browser, stage: Stage) -> None:
    """By the mouse on the element, and by the keyboard in the list."""
    stage.show("/page/called", "<main><h1>被调用的流程</h1></main>")
    task = _tasks("refund-approval")[0]
    with watched(browser, stage.url) as seen:
        page = seen.open(
            stage.show_diagram("refund-approval", {"active": [task], "links": {task: "/page/called"}})
        )
        _open(page)
        expect(page.locator(".diagram-places a")).to_have_attribute("href", "/page/called")
        page.locator(f"g[data-element-id='{task}'] .djs-hit").click()
        expect(page.get_by_role("heading", name="被调用的流程")).to_be_visible()


def test_a_missing_diagram_says_so(browser: Browser, stage: Stage) -> None:
    """In words, not as an empty box."""
    path = stage.show(
        "/page/none", '<main><div data-diagram="/xml-of-none"></div></main>', "diagram.css", "diagram.js"
    )
    with watched(browser, stage.url) as seen:
        page = seen.open(path)
        expect(page.get_by_text("流程图无法显示。")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_diagram_is_accessible_and_fits_its_screen(browser: Browser, stage: Stage, width: int) -> None:
    """axe finds nothing serious, nothing is wider than the screen, the mark of bpmn.io lies on top."""
    with watched(browser, stage.url, width=width) as seen:
        page = seen.open(
            stage.show_diagram("complaint-handling", {"active": _tasks("complaint-handling")[3:4]})
        )
        _open(page)
        assert serious_problems(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator(".bjs-powered-by").click(trial=True)
