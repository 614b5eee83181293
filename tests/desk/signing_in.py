"""People who sign in to a running desk, for tests."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx

from tests.desk_server import CHEAP, RunningDesk, add_person
from workers.desk.services import SigningIn
from workers.settings import LoginSettings
from workers.store import accounts

PASSWORD = "correct-horse-7"
LIMITS = LoginSettings(
    session_hours=12,
    idle_minutes=60,
    free_failures=3,
    free_failures_per_address=8,
    first_wait_seconds=10,
    longest_wait_seconds=600,
    forget_minutes=60,
)


def required(**more: Any) -> SigningIn:
    """Pages are for people who are signed in."""
    return SigningIn(CHEAP, LIMITS, **more)


def add_account(desk: RunningDesk, username: str, *groups: str, **more: Any) -> None:
    """Somebody of the staff who may sign in with PASSWORD."""
    place = {name: more.pop(name) for name in ("province", "city", "branch") if name in more}
    add_person(desk, username, *(groups or ("front-desk",)), **place)
    with desk.database.begin() as tx:
        accounts.add(tx, username, CHEAP.hash(PASSWORD), desk.clock.now(), **more)


class Browser:
    """A browser: keeps cookies, follows no redirect by itself."""

    def __init__(self, desk: RunningDesk, **headers: str) -> None:
        self.http = httpx.Client(base_url=desk.url, headers=headers, trust_env=False, timeout=60)

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_error: object) -> None:
        self.http.close()

    def get(self, path: str, **more: Any) -> httpx.Response:
        """Goes to a page."""
        return self.http.get(path, **more)

    def sign_in(self, username: str, password: str = PASSWORD, next_: str = "/") -> httpx.Response:
        """Opens the login page and sends its form."""
        page = self.http.get("/login", params={"next": next_})
        sent = {"username": username, "password": password}
        return self.http.post("/login", data={**hidden(page), **sent})

    def send(self, form_page: str, action: str, **fields: str) -> httpx.Response:
        """Opens a page and sends its form."""
        return self.http.post(action, data={**hidden(self.http.get(form_page)), **fields})

    @property
    def csrf(self) -> str:
        """What scripts of the page send along."""
        found = re.search(r'<meta name="csrf-token" content="([^"]+)"', self.http.get("/me").text)
        assert found, "nobody is signed in"
        return found[1]

    @property
    def token(self) -> str | None:
        """The session."""
        return self.http.cookies.get("duban")


def hidden(page: httpx.Response) -> dict[str, str]:
    """The hidden fields of the forms of a page, but the one that signs out everywhere."""
    found = {
        name: html.unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text)
    }
    found.pop("everywhere", None)
    return found
