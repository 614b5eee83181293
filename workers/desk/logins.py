"""Signing in with a password, changing it, signing out. Every step leaves a line in the audit."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from workers.desk.caller import SignedIn
from workers.desk.services import DeskServices
from workers.errors import Refused
from workers.store import accounts, audit, login_failures, sessions
from workers.store.outbox import Transaction

log = logging.getLogger(__name__)

_WRONG: Final = (
    "用户名或密码不正确，或账号已停用。 The username or the password is wrong, or the account is disabled."
)
_LONGEST_NAME: Final = 64


class TooSoon(Refused):
    """After failed tries the next one has to wait.

    Attributes:
        seconds: how long.
    """

    def __init__(self, wait: timedelta) -> None:
        self.seconds = math.ceil(wait.total_seconds())
        minutes = math.ceil(self.seconds / 60)
        zh = f"{minutes} 分钟" if self.seconds > 90 else f"{self.seconds} 秒"
        en = f"{minutes} minutes" if self.seconds > 90 else f"{self.seconds} seconds"
        super().__init__(f"尝试次数过多，请 {zh}后再试。 Too many failed tries: try again in {en}.")


@dataclass(frozen=True)
class Browser:
    """Where a try to sign in comes from.

    Attributes:
        address: network address.
        token: of the session that this browser had; it ends when a new one begins.
    """

    address: str
    token: str | None = None


class Logins:
    """What the login page and the page for passwords do. Blocking: call it in a thread."""

    def __init__(self, services: DeskServices) -> None:
        self._services = services
        self._database = services.database
        self._clock = services.clock
        self._with = services.signing_in

    def sign_in(self, username: str, password: str, browser: Browser) -> sessions.Opened:
        """A new session for whoever knows the password.

        Raises:
            TooSoon: after failed tries; the password was not looked at.
            Refused: there is no such account, the password is another one, or the account is disabled.
        """
        username = username.strip().lower()
        found = self._checked(username, password, browser.address)
        if found is None:
            raise Refused(_WRONG)
        with self._database.begin() as tx:
            now = self._clock.now()
            again = accounts.usable(tx, username, is_demo=self._with.is_demo)
            if again is None or not again.may_sign_in or again.password_hash != found.password_hash:
                raise Refused(_WRONG)  # disabled, or another password, since it was looked at
            login_failures.forgive(tx, username, browser.address, now)
            self._renew_hash(tx, found, password)
            return self.open(tx, username, browser, way="password")

    def open(self, tx: Transaction, username: str, browser: Browser, *, way: sessions.Way) -> sessions.Opened:
        """A new session with a new token; the one that the browser had before ends."""
        now = self._clock.now()
        if browser.token is not None:
            sessions.end(tx, sessions.hash_of(browser.token))
        accounts.get(tx, username).signed_in_at = now
        audit.add(tx, now, username, "signed-in", username, way="session", facts={"by": way})
        return sessions.open_(tx, username, now, self._with.limits, way=way)

    def change_password(self, who: SignedIn, old: str, new: str, browser: Browser) -> sessions.Opened:
        """A new password. Every session of the person ends; this browser gets a new one.

        Raises:
            TooSoon: after failed tries. Refused: the old password is another one, or the new one cannot be one.
        """
        self._with.passwords.check_new(who.username, new)
        if new == old:
            raise Refused("新密码与原密码相同。 The new password is the old one.")
        found = self._checked(who.username, old, browser.address)
        if found is None:
            raise Refused("原密码不正确。 The old password is wrong.")
        kept = self._with.passwords.hash(new)
        with self._database.begin() as tx:
            now = self._clock.now()
            accounts.get(tx, who.username)
            is_ours = accounts.set_password(
                tx, who.username, kept, now, must_change=False, was=found.password_hash
            )
            if not is_ours:
                raise Refused("密码刚刚已被修改。 The password was changed meanwhile: sign in again.")
            login_failures.forgive(tx, who.username, browser.address, now)
            audit.add(tx, now, who.username, "password-changed", who.username, way="session")
            return sessions.open_(tx, who.username, now, self._with.limits, way="password")

    def sign_out(self, who: SignedIn, *, everywhere: bool) -> None:
        """Ends the session, or every session of the person."""
        with self._database.begin() as tx:
            if everywhere:
                sessions.end_all(tx, who.username)
            else:
                sessions.end(tx, who.session)
            action = "signed-out-everywhere" if everywhere else "signed-out"
            audit.add(tx, self._clock.now(), who.username, action, who.username, way="session")

    def _checked(self, username: str, password: str, address: str) -> accounts.Usable | None:
        """The account, if this is its password and it may sign in. Counts the try before it looks."""
        with self._database.begin() as tx:
            wait = login_failures.reserve(tx, username, address, self._clock.now(), self._with.limits)
        if wait is not None:
            log.warning("sign-in slowed", extra={"action": "sign-in-slowed"})
            raise TooSoon(wait)
        with self._database.read() as tx:
            found = (
                accounts.usable(tx, username, is_demo=self._with.is_demo)
                if len(username) <= _LONGEST_NAME
                else None
            )
        is_right = self._with.passwords.is_right(found.password_hash if found else None, password)
        if found is not None and is_right and found.may_sign_in:
            return found
        if found is not None:
            with self._database.begin() as tx:
                audit.add(tx, self._clock.now(), username, "sign-in-failed", username, way="session")
        return None

    def _renew_hash(self, tx: Transaction, found: accounts.Usable, password: str) -> None:
        """After the parameters were made stronger the hash follows, the first time the password is there."""
        if found.password_hash is not None and self._with.passwords.is_outdated(found.password_hash):
            accounts.get(tx, found.username).password_hash = self._with.passwords.hash(password)
