"""Pictures of every page of a running desk for docs/pictures: `python -m tests.browser.photograph DATA`.

DATA is the folder of an instance that runs with `--demo --samples`. Look at every picture before you commit
it. Pages that need a story of their own (task, customer, case, register, event, heat, overview) are not among them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, sync_playwright

from tests.browser.watching import ROOT, browser_program, launch, watched

PICTURES: Final = ROOT / "docs" / "pictures"
TALLEST: Final = 1100
PAGES: Final = {
    "me": ("yin.fenzhang", "/me"),
    "front-desk": ("lin.qiantai", "/front-desk"),
    "cases": ("fu.shenggongsi", "/complaints"),
    "events": ("fu.shenggongsi", "/events"),
    "report": ("he.kefu", "/events/report"),
    "outbox": ("meng.yunwei", "/operations/outbox"),
    "timers": ("meng.yunwei", "/operations/timers"),
    "versions": ("meng.yunwei", "/operations/versions"),
    "workers": ("meng.yunwei", "/operations/workers"),
}
"""Name of the picture -> who looks at which page."""


def photograph(browser: Browser, origin: str, password: str, folder: Path, width: int = 1280) -> None:
    """Takes every picture; says what is wrong with a page."""
    with watched(browser, origin, width=width) as seen:
        seen.open("/login").screenshot(path=folder / "login.png")
    for name, (person, path) in PAGES.items():
        with watched(browser, origin, width=width) as seen:
            page = seen.open(f"/login?next={path}")
            page.get_by_label("用户名").fill(person)
            page.get_by_label("密码").fill(password)
            page.keyboard.press("Enter")
            page.wait_for_url(lambda url: "/login" not in url)
            page.wait_for_load_state("load")
            height = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
            page.screenshot(
                path=folder / f"{name}.png",
                full_page=True,
                clip={"x": 0, "y": 0, "width": width, "height": height},
            )
            print(name, page.evaluate("document.documentElement.scrollWidth"), seen.wrong, flush=True)


def main() -> None:
    """Of the instance that DATA belongs to."""
    data, folder = Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else PICTURES
    width = int(sys.argv[3]) if len(sys.argv) > 3 else 1280
    origin = json.loads((data / "instance.json").read_text(encoding="utf-8"))["url"]
    password = (data / "demo-password").read_text(encoding="utf-8").strip()
    program = browser_program()
    if program is None:
        raise SystemExit("no Chromium: install one, or name it: CHROMIUM=/path/to/chrome")
    with sync_playwright() as playwright:
        browser = launch(playwright, program)
        photograph(browser, origin.rstrip("/"), password, folder, width)
        browser.close()


if __name__ == "__main__":
    main()
