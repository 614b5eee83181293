"""Who is signed in: sessions are opened, looked up by their token, and ended."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import Select, delete, select, update
from sqlalchemy.orm import Session

from workers.cases.region import Region
from workers.settings import LoginSettings
from workers.store.account_tables import Account, SignInSession
from workers.store.tables import Staff

Way = Literal["password", "oidc"]
SEEN_EVERY: Final = timedelta(minutes=1)
"""How exactly it is known when somebody was last there: a page costs no write each time."""


@dataclass(frozen=True)
class Opened:
    """A new session: what the browser gets, and nobody else."""

    token: str
    csrf: str
    expires_at: datetime


@dataclass(frozen=True)
class Found:
    """A session that holds, and whose it is."""

    token_hash: str
    username: str
    name: str
    groups: frozenset[str]
    region: Region
    csrf: str
    way: str
    must_change: bool
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


def open_(tx: Session, username: str, now: datetime, limits: LoginSettings, *, way: Way) -> Opened:
    """A new session with a token of its own; sweeps out those that are over."""
    tx.execute(delete(SignInSession).where(SignInSession.expires_at <= now))
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    expires_at = now + timedelta(hours=limits.session_hours)
    tx.add(
        SignInSession(
            token_hash=hash_of(token),
            username=username,
            csrf=csrf,
            way=way,
            created_at=now,
            seen_at=now,
            expires_at=expires_at,
        )
    )
    tx.flush()
    return Opened(token, csrf, expires_at)


def find(tx: Session, token: str, now: datetime, limits: LoginSettings, *, is_demo: bool) -> Found | None:
    """The session of this token; None when there is none, its time is over, or the person may not sign in any more.

    Args:
        is_demo: demo accounts work.
    """
    row = _holding(now, limits, is_demo=is_demo).where(SignInSession.token_hash == hash_of(token))
    found = tx.execute(row).first()
    return _found(*found) if found is not None else None


def of(tx: Session, username: str, now: datetime, limits: LoginSettings, *, is_demo: bool) -> list[Found]:
    """Everywhere this person is signed in, the latest first."""
    rows = _holding(now, limits, is_demo=is_demo).where(SignInSession.username == username)
    return [_found(*row) for row in tx.execute(rows.order_by(SignInSession.seen_at.desc()))]


def touch(tx: Session, token_hash: str, now: datetime) -> None:
    """Somebody is there."""
    mine = update(SignInSession).where(SignInSession.token_hash == token_hash)
    tx.execute(mine.where(SignInSession.seen_at < now).values(seen_at=now))


def end(tx: Session, token_hash: str) -> None:
    """Ends a session; one that has ended already stays so."""
    tx.execute(delete(SignInSession).where(SignInSession.token_hash == token_hash))


def end_all(tx: Session, username: str) -> int:
    """Ends every session of a person; returns how many there were."""
    gone = delete(SignInSession).where(SignInSession.username == username)
    return len(tx.scalars(gone.returning(SignInSession.token_hash)).all())


def hash_of(token: str) -> str:
    """What the store keeps of a token. It is random and long: no salt, and no slow hash, is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def _holding(now: datetime, limits: LoginSettings, *, is_demo: bool) -> Select[SignInSession, Account, Staff]:
    idle_since = now - timedelta(minutes=limits.idle_minutes)
    wanted = (
        select(SignInSession, Account, Staff)
        .join(Account, Account.username == SignInSession.username)
        .join(Staff, Staff.username == SignInSession.username)
        .where(
            SignInSession.expires_at > now,
            SignInSession.seen_at > idle_since,
            Account.disabled_at.is_(None),
            Staff.is_active,
        )
    )
    return wanted if is_demo else wanted.where(~Account.is_demo)


def _found(session: SignInSession, account: Account, person: Staff) -> Found:
    return Found(
        token_hash=session.token_hash,
        username=session.username,
        name=person.name,
        groups=frozenset(person.groups),
        region=Region(province=person.province, city=person.city, branch=person.branch),
        csrf=session.csrf,
        way=session.way,
        must_change=account.must_change,
        created_at=session.created_at,
        seen_at=session.seen_at,
        expires_at=session.expires_at,
    )
