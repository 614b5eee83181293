"""Slowing down those who guess passwords: a try is counted before the password is looked at.

So a hundred tries at the same instant are no hundred guesses: each takes its turn at the row, and those over the limit
are turned away unread.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Final, Literal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from workers.settings import LoginSettings
from workers.store import statements
from workers.store.account_tables import LoginFailure

Kind = Literal["account", "address"]
_MOST_DOUBLINGS: Final = 30


def reserve(
    tx: Session, username: str, address: str, now: datetime, limits: LoginSettings
) -> timedelta | None:
    """Counts a try as failed; `forgive` takes that back. Returns None, or how long the next try has to wait.

    Args:
        username: as typed; an unknown one is slowed like a known one.
        address: where the try comes from.
    """
    tx.execute(
        delete(LoginFailure).where(LoginFailure.last_at < now - timedelta(minutes=limits.forget_minutes))
    )
    rows = [_row(tx, kind, whose, now) for kind, whose in sorted(_keys(username, address).items())]
    waits = [row.wait_until - now for row in rows if row.wait_until is not None and row.wait_until > now]
    if waits:
        return max(waits)
    for row in rows:
        row.count, row.last_at = row.count + 1, now
        free = limits.free_failures if row.kind == "account" else limits.free_failures_per_address
        if row.count >= free:
            doublings = min(row.count - free, _MOST_DOUBLINGS)
            seconds = min(limits.first_wait_seconds * 2**doublings, limits.longest_wait_seconds)
            row.wait_until = now + timedelta(seconds=seconds)
    return None


def forgive(tx: Session, username: str, address: str, now: datetime) -> None:
    """The try was right: the account begins anew; of the address only this one try is taken back."""
    keys = _keys(username, address)
    tx.execute(delete(LoginFailure).filter_by(kind="account", whose=keys["account"]))
    row = _row(tx, "address", keys["address"], now)
    row.count, row.wait_until = max(0, row.count - 1), None
    if row.count == 0:
        tx.delete(row)


def forget(tx: Session, username: str) -> None:
    """Lets an account try again at once: an operator says so."""
    whose = _keys(username, "")["account"]
    tx.execute(delete(LoginFailure).filter_by(kind="account", whose=whose))


def _row(tx: Session, kind: Kind, whose: str, now: datetime) -> LoginFailure:
    """The row, locked; made where there is none."""
    statements.insert_if_absent(
        tx, LoginFailure, ["kind", "whose"], kind=kind, whose=whose, count=0, last_at=now, wait_until=None
    )
    found = select(LoginFailure).filter_by(kind=kind, whose=whose).with_for_update()
    return tx.scalars(found.execution_options(populate_existing=True)).one()


def _keys(username: str, address: str) -> dict[Kind, str]:
    return {"account": hashlib.sha256(username.encode()).hexdigest(), "address": _network(address)}


def _network(address: str) -> str:
    """The address; of IPv6 the /64, which is what one household or office has."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped) if mapped else f"{IPv6Address(int(found) >> 64 << 64)}/64"
    return str(found)
