"""What `duban tokens` does, straight in the store, as `duban users` does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from workers.bootstrap.users import users
from workers.cases.region import Region
from workers.cases.scopes import checked
from workers.clock import Clock
from workers.errors import Refused
from workers.names import SHANGHAI
from workers.settings import Settings
from workers.store import api_tokens, audit
from workers.store.api_tables import ApiToken
from workers.store.database import Database


@dataclass(frozen=True)
class Tokens:
    """The API tokens of one store."""

    database: Database
    clock: Clock

    def add(
        self,
        name: str,
        scopes: Sequence[str],
        *,
        days: int,
        username: str | None = None,
        place: Mapping[str, str | None] | None = None,
    ) -> dict[str, Any]:
        """A new token, as JSON with the token itself: the only time that it can be seen.

        Args:
            place: province, city, branch that it reaches; none: everywhere.

        Raises:
            Refused, NotFound, Conflict: see workers.store.api_tokens.add and workers.cases.scopes.checked.
        """
        wanted = checked(scopes)
        try:
            region = Region.model_validate(place or {})
        except ValidationError:
            raise Refused(
                "区域无效。 A province, city or branch is a word of 64 characters at most."
            ) from None
        with self.database.begin() as tx:
            now = self.clock.now()
            ends = now + timedelta(days=days)
            token = api_tokens.add(tx, name, wanted, now, expires_at=ends, username=username, region=region)
            facts = {scope.replace(":", "-"): True for scope in wanted}
            audit.add(tx, now, None, "token-added", name, way="command", facts=facts)
        return {"name": name, "scopes": wanted, "as": username, "expires_at": _iso(ends), "token": token}

    def revoke(self, name: str) -> bool:
        """The token works no more. False: that was so before. Raises NotFound."""
        with self.database.begin() as tx:
            now = self.clock.now()
            is_new = api_tokens.revoke(tx, name, now)
            if is_new:
                audit.add(tx, now, None, "token-revoked", name, way="command")
            return is_new

    def listing(self) -> list[dict[str, Any]]:
        """All tokens there are or were, as JSON; never the tokens themselves."""
        now = self.clock.now()
        with self.database.read() as tx:
            return [
                {
                    "name": each.name,
                    "state": _state(each, now),
                    "scopes": each.scopes,
                    "as": each.username,
                    "province": each.province,
                    "city": each.city,
                    "branch": each.branch,
                    "created_at": _iso(each.created_at),
                    "expires_at": _iso(each.expires_at),
                    "used_at": _iso(each.used_at),
                    "revoked_at": _iso(each.revoked_at),
                }
                for each in api_tokens.listing(tx)
            ]


@contextmanager
def tokens(settings: Settings) -> Iterator[Tokens]:
    """The API tokens of the instance's store. Raises as workers.bootstrap.users.users."""
    with users(settings) as found:
        yield Tokens(found.database, found.clock)


def _state(token: ApiToken, now: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "over" if token.expires_at <= now else "active"


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(SHANGHAI).isoformat(timespec="seconds") if at is not None else None
