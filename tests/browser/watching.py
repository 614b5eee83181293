"""Pages in a real Chromium that write down what went wrong in them, and every request that left for elsewhere."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Playwright

ROOT = Path(__file__).parents[2]
_AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
)
_LISTEN = """
document.addEventListener('securitypolicyviolation', (event) => console.error(
  `policy: ${event.violatedDirective} refused ${event.blockedURI} (${event.sourceFile}:${event.lineNumber})`));
"""


def browser_program() -> str | None:
    """The browser of this machine: what CHROMIUM names, or one of the usual names; None: there is none."""
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def launch(playwright: Playwright, program: str) -> Browser:
    """A headless browser that speaks to nobody by itself."""
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return playwright.chromium.launch(executable_path=program, args=[*_ARGUMENTS, *sandbox])


@dataclass
class Watched:
    """A page and what was seen of it.

    Attributes:
        page: Playwright's page.
        wrong: console errors, uncaught exceptions and refusals of the content security policy, in order.
        foreign: addresses of another origin that it asked for.
        answers: status by path of everything that it loaded.
    """

    page: Page
    origin: str
    wrong: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)

    def expect_nothing_wrong(self) -> None:
        """Fails with everything that was wrong."""
        assert self.wrong == []
        assert self.foreign == []

    def open(self, path: str) -> Page:
        """The page, loaded."""
        self.page.goto(self.origin + path)
        return self.page


def serious_problems(page: Page, where: str = "main") -> list[tuple[str, list[str]]]:
    """What axe finds serious or critical: its rule, and the elements.

    It is run over the debugging protocol: the policy is for what a page loads itself.
    """
    if not _AXE.exists():
        raise FileNotFoundError(f"{_AXE} is missing: run `npm ci` in frontend/")
    page.evaluate(_AXE.read_text(encoding="utf-8"))
    found = page.evaluate("(where) => axe.run(where, {resultTypes: ['violations']})", where)
    return [
        (each["id"], [node["html"] for node in each["nodes"]])
        for each in found["violations"]
        if each["impact"] in {"serious", "critical"}
    ]


def eventually(page: Page, script: str) -> None:
    """Waits until an expression is true in the page.

    Playwright's wait_for_function needs eval there, which the policy refuses.
    """
    for _ in range(300):
        if page.evaluate(script):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never true: {script}")


@contextmanager
def watched(
    browser: Browser, origin: str, *, width: int = 1280, height: int = 900, **options: Any
) -> Iterator[Watched]:
    """A fresh page, in Shanghai and in Chinese, with nothing remembered from before."""
    context: BrowserContext = browser.new_context(
        viewport={"width": width, "height": height},
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        **options,
    )
    context.set_default_timeout(30_000)
    try:
        yield watch(context, origin)
    finally:
        context.close()


def watch(context: BrowserContext, origin: str) -> Watched:
    """One more page of a context: a second tab."""
    page = context.new_page()
    page.add_init_script(_LISTEN)
    seen = Watched(page, origin)
    page.on("console", lambda message: seen.wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: seen.wrong.append(f"uncaught: {error}"))
    page.on("request", lambda request: _note_foreign(seen, request.url))
    page.on("response", lambda answer: seen.answers.__setitem__(urlsplit(answer.url).path, answer.status))
    return seen


def _note_foreign(seen: Watched, url: str) -> None:
    if not url.startswith((seen.origin + "/", "blob:", "data:", "about:")):
        seen.foreign.append(url)
