"""A real Chromium for tests of pages. One per module; every test has pages of its own, with nothing remembered."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.watching import browser_program, launch


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser. None on the machine: skipped, but never in CI, which installs one.

    One per module, not per session: as long as Playwright is up, an event loop counts as running in this thread, and
    whatever else in the process calls `asyncio.run` is refused.
    """
    program = browser_program()
    if program is None:
        reason = (
            "no Chromium: install one (Debian: apt install chromium), or name it: CHROMIUM=/path/to/chrome"
        )
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        found = launch(playwright, program)
        yield found
        found.close()
