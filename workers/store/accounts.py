"""Accounts: who of the staff may sign in, and with which password."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from workers.errors import Conflict, NotFound
from workers.store import login_failures, sessions, staff, statements
from workers.store.account_tables import Account
from workers.store.tables import Staff


@dataclass(frozen=True)
class Usable:
    """An account as a try to sign in sees it."""

    username: str
    password_hash: str | None
    may_sign_in: bool


def add(
    tx: Session,
    username: str,
    password_hash: str | None,
    now: datetime,
    *,
    must_change: bool = False,
    is_demo: bool = False,
) -> None:
    """A new account of a person of the staff.

    Raises:
        NotFound: the staff directory does not know the person, or no longer. Conflict: there is an account.
    """
    if not staff.get(tx, username).is_active:
        raise NotFound(
            f"{username} 已不在人员文件中。 {username} is no longer in the staff file: add them there first."
        )
    row: dict[str, Any] = {"password_hash": password_hash, "must_change": must_change, "is_demo": is_demo}
    is_new = statements.insert_if_absent(
        tx, Account, ["username"], username=username, created_at=now, changed_at=now,
        signed_in_at=None, disabled_at=None, **row,
    )  # fmt: skip
    if not is_new:
        raise Conflict(
            f"{username} 已有账号。 {username} has an account: `duban users password {username}` sets a new password."
        )


def get(tx: Session, username: str) -> Account:
    """An account, locked where the session may write. Raises NotFound."""
    found = tx.get(Account, username, with_for_update=not tx.info.get("read_only"), populate_existing=True)
    if found is None:
        raise NotFound(
            f"{username[:64]!a} 没有账号。 {username[:64]!a} has no account: `duban users list` shows who has one, "
            "`duban users add` makes one."
        )
    return found


def usable(tx: Session, username: str, *, is_demo: bool) -> Usable | None:
    """The account of somebody who tries to sign in; None when there is none.

    Args:
        is_demo: demo accounts work.
    """
    row = tx.execute(
        select(Account, Staff.is_active).join(Staff, Staff.username == Account.username)
        .where(Account.username == username).execution_options(populate_existing=True)
    ).first()  # fmt: skip
    if row is None:
        return None
    account, is_active = row
    may = account.disabled_at is None and is_active and (is_demo or not account.is_demo)
    return Usable(account.username, account.password_hash, may)


def set_password(
    tx: Session,
    username: str,
    password_hash: str,
    now: datetime,
    *,
    must_change: bool,
    was: str | None = None,
) -> bool:
    """A new password; every session of the person ends, and failed tries are forgotten.

    Args:
        was: the hash that must still be there, when people change their own: of two changes at once one wins. None:
            an operator sets it, whatever it was, and a demo account becomes a real one.

    Returns:
        False when `was` is no longer there, and nothing was changed.
    """
    mine = update(Account).where(Account.username == username)
    values: dict[str, Any] = {"password_hash": password_hash, "must_change": must_change, "changed_at": now}
    if was is not None:
        mine = mine.where(Account.password_hash == was)
    else:
        values["is_demo"] = False
    if tx.scalar(mine.values(values).returning(Account.username)) is None:
        return False
    sessions.end_all(tx, username)
    login_failures.forget(tx, username)
    return True


def disable(tx: Session, username: str, now: datetime) -> bool:
    """Nobody signs in with it any more, and every session ends. False when it was disabled before."""
    account = get(tx, username)
    is_new = account.disabled_at is None
    if is_new:
        account.disabled_at = now
    tx.flush()
    sessions.end_all(tx, username)
    return is_new


def enable(tx: Session, username: str) -> bool:
    """The account works again, and failed tries are forgotten. False when it worked before."""
    account = get(tx, username)
    is_new = account.disabled_at is not None
    account.disabled_at = None
    login_failures.forget(tx, username)
    return is_new


def everybody(tx: Session) -> list[tuple[Account, Staff]]:
    """All accounts and whose they are, by username."""
    both = select(Account, Staff).join(Staff, Staff.username == Account.username)
    return [(account, person) for account, person in tx.execute(both.order_by(Account.username))]


def has_any(tx: Session, *, is_demo: bool) -> bool:
    """Whether anybody can sign in at all."""
    wanted = select(Account).where(Account.disabled_at.is_(None))
    wanted = wanted if is_demo else wanted.where(~Account.is_demo)
    return bool(tx.scalar(select(exists(wanted.subquery().select()))))
