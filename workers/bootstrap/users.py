"""What `duban users` does, straight in the store: the first account is made before anybody can sign in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from workers.bootstrap.store_alone import store_alone
from workers.cases.passwords import Passwords
from workers.clock import Clock, SystemClock
from workers.engine.controlled_clock import EngineClock
from workers.errors import Refused
from workers.names import SHANGHAI
from workers.settings import Settings
from workers.store import accounts, audit
from workers.store.database import Database


@dataclass(frozen=True)
class Users:
    """The accounts of one store."""

    database: Database
    clock: Clock
    passwords: Passwords

    def add(self, username: str, password: str, *, must_change: bool) -> None:
        """Raises Refused: not of the staff, has an account, or no such password."""
        self.passwords.check_new(username, password)
        kept = self.passwords.hash(password)
        with self.database.begin() as tx:
            now = self.clock.now()
            accounts.add(tx, username, kept, now, must_change=must_change)
            audit.add(tx, now, None, "account-added", username, way="command")

    def set_password(self, username: str, password: str, *, must_change: bool) -> None:
        """Every session of the person ends. Raises Refused: no account, or no such password."""
        self.passwords.check_new(username, password)
        kept = self.passwords.hash(password)
        with self.database.begin() as tx:
            now = self.clock.now()
            accounts.get(tx, username)
            accounts.set_password(tx, username, kept, now, must_change=must_change)
            audit.add(tx, now, None, "password-set", username, way="command")

    def check(self, username: str, *, is_new: bool) -> None:
        """Before somebody thinks up a password: can this be done? Raises Refused."""
        with self.database.begin() as tx:
            if is_new:
                accounts.add(tx, username, None, self.clock.now())
                tx.rollback()
            else:
                accounts.get(tx, username)

    def disable(self, username: str) -> bool:
        """Every session ends. False: it was disabled before. Raises NotFound."""
        with self.database.begin() as tx:
            now = self.clock.now()
            is_new = accounts.disable(tx, username, now)
            if is_new:
                audit.add(tx, now, None, "account-disabled", username, way="command")
            return is_new

    def enable(self, username: str) -> bool:
        """Failed tries are forgotten. False: it worked before. Raises NotFound."""
        with self.database.begin() as tx:
            is_new = accounts.enable(tx, username)
            if is_new:
                audit.add(tx, self.clock.now(), None, "account-enabled", username, way="command")
            return is_new

    def listing(self) -> list[dict[str, Any]]:
        """All accounts, as JSON."""
        with self.database.read() as tx:
            return [
                {
                    "username": account.username,
                    "name": person.name,
                    "groups": list(person.groups),
                    "province": person.province,
                    "city": person.city,
                    "branch": person.branch,
                    "state": _state(account.disabled_at is not None, person.is_active, account.must_change),
                    "is_demo": account.is_demo,
                    "signed_in_at": account.signed_in_at.astimezone(SHANGHAI).isoformat(timespec="seconds")
                    if account.signed_in_at
                    else None,
                }
                for account, person in accounts.everybody(tx)
            ]


@contextmanager
def users(settings: Settings) -> Iterator[Users]:
    """The accounts of the instance's store.

    Raises:
        Refused: no store there, or one of another version. Unavailable: the database does not answer.
    """
    if settings.database_url is None and not (settings.data / "duban.db").exists():
        raise Refused(
            f"there is no store in {settings.data}: name the folder of the instance with --data, or start `duban up` "
            "on it once"
        )
    with store_alone(settings) as database:
        moved = settings.data / "clock.json"
        clock: Clock = EngineClock(moved) if moved.exists() else SystemClock()
        yield Users(database, clock, Passwords(shortest=settings.login.password_length))


def _state(is_disabled: bool, is_active: bool, must_change: bool) -> str:
    if is_disabled:
        return "disabled"
    if not is_active:
        return "left"
    return "must-change" if must_change else "active"
