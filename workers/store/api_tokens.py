"""Tokens of the API for other systems: given, looked up, taken back."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from workers.cases.masking import numbers_in
from workers.cases.region import Region, contains
from workers.errors import Conflict, NotFound, Refused
from workers.store.account_tables import Account
from workers.store.api_tables import ApiToken
from workers.store.sessions import hash_of
from workers.store.tables import Staff

PREFIX: Final = "duban_"
"""What every token begins with, so that one that got into a repository or a log is found."""
LONGEST: Final = timedelta(days=3660)
SEEN_EVERY: Final = timedelta(minutes=1)
"""How exactly it is known when a token was last used: a call costs no write each time."""
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Holder:
    """A token that works, and what for.

    Attributes:
        name: of the token.
        region: all that it reaches; an empty one reaches everywhere.
        username, groups, own_region: of the person in whose name it acts; None: of nobody in particular.
    """

    name: str
    scopes: frozenset[str]
    region: Region
    username: str | None = None
    groups: frozenset[str] | None = None
    own_region: Region | None = None
    used_at: datetime | None = None


def add(
    tx: Session,
    name: str,
    scopes: Sequence[str],
    now: datetime,
    *,
    expires_at: datetime,
    username: str | None = None,
    region: Region,
) -> str:
    """A new token; returns it, the only time that it can be seen.

    Args:
        scopes: as workers.cases.scopes.checked gives them.
        region: all that it reaches; an empty one reaches everywhere.
        username: in whose name it acts.

    Raises:
        Refused: the name is none, or the time is. NotFound: nobody active is called so. Conflict: the name is taken.
    """
    if not _NAME.fullmatch(name) or len(name) > 64 or numbers_in(name) != name:
        raise Refused("名称须为小写单词加连字符。 The name of a token is kebab words such as crm-intake.")
    if not now < expires_at <= now + LONGEST:
        raise Refused(f"有效期须为 1 至 {LONGEST.days} 天。 A token is good for 1 to {LONGEST.days} days.")
    if username is not None:
        person = tx.get(Staff, username)
        if person is None or not person.is_active:
            raise NotFound(f"人员库中没有 {username[:64]!a}。 Nobody active among the staff is called so.")
        if not _reaches(person, region):
            raise Refused(
                f"令牌的区域须在 {username} 的区域之内。 The region of the token must lie in that of {username}."
            )
    if tx.get(ApiToken, name) is not None:
        raise Conflict(f"令牌 {name} 已存在。 There is, or was, a token {name}: choose another name.")
    token = PREFIX + secrets.token_urlsafe(32)
    tx.add(
        ApiToken(
            name=name,
            token_hash=hash_of(token),
            scopes=list(scopes),
            username=username,
            created_at=now,
            expires_at=expires_at,
            **region.model_dump(),
        )
    )
    tx.flush()
    return token


def find(tx: Session, token: str, now: datetime) -> Holder | None:
    """Whose token this is; None when there is none, its time is over, it was revoked, or its person is out."""
    holding = (
        ApiToken.token_hash == hash_of(token),
        ApiToken.revoked_at.is_(None),
        ApiToken.expires_at > now,
    )
    row = tx.scalars(select(ApiToken).where(*holding)).one_or_none()
    if row is None:
        return None
    region = Region(province=row.province, city=row.city, branch=row.branch)
    holder = Holder(row.name, frozenset(row.scopes), region, used_at=row.used_at)
    return holder if row.username is None else _of_person(tx, holder, row.username)


def _of_person(tx: Session, holder: Holder, username: str) -> Holder | None:
    """The token with the person as they are now; None when they are out, or work elsewhere now."""
    person, account = tx.get(Staff, username), tx.get(Account, username)
    is_out = (
        person is None or not person.is_active or (account is not None and account.disabled_at is not None)
    )
    if person is None or is_out or not _reaches(person, holder.region):
        return None
    place = Region(province=person.province, city=person.city, branch=person.branch)
    return replace(holder, username=username, groups=frozenset(person.groups), own_region=place)


def touch(tx: Session, name: str, now: datetime) -> None:
    """Somebody shows the token."""
    tx.execute(update(ApiToken).where(ApiToken.name == name).values(used_at=now))


def revoke(tx: Session, name: str, now: datetime) -> bool:
    """The token works no more. Returns False when that was so before.

    Raises:
        NotFound: no token has this name.
    """
    found = tx.get(ApiToken, name)
    if found is None:
        raise NotFound(
            f"没有令牌 {name[:64]!a}。 There is no such token; `duban tokens list` shows those there are."
        )
    if found.revoked_at is not None:
        return False
    found.revoked_at = now
    return True


def listing(tx: Session) -> list[ApiToken]:
    """All tokens there are or were, by name."""
    return list(tx.scalars(select(ApiToken).order_by(ApiToken.name)))


def _reaches(person: Staff, region: Region) -> bool:
    """Whether a token of this person may be bound to the region."""
    place = Region(province=person.province, city=person.city, branch=person.branch)
    return region == Region() or contains(place, region)
