"""Other systems that call a running desk with a token of their own, for tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx

from tests.desk_server import RunningDesk
from workers.cases.region import Region
from workers.store import api_tokens


def add_token(
    desk: RunningDesk,
    *scopes: str,
    name: str = "crm",
    username: str | None = None,
    days: float = 90,
    **place: str,
) -> str:
    """What `duban tokens add` does; returns the token."""
    with desk.database.begin() as tx:
        now = desk.clock.now()
        return api_tokens.add(
            tx,
            name,
            list(scopes),
            now,
            expires_at=now + timedelta(days=days),
            username=username,
            region=Region(**place),
        )


def system(desk: RunningDesk, *scopes: str, **options: Any) -> httpx.Client:
    """A client with a token of its own; close it."""
    return desk.client(add_token(desk, *scopes, **options))
