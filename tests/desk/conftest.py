"""A running desk on each database."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.desk_server import RunningDesk, running
from workers.store.database import Database


@pytest.fixture
def desk(database: Database) -> Iterator[RunningDesk]:
    """A desk on SQLite and on PostgreSQL, with the sample staff and a test clock."""
    with running(database) as found:
        yield found


@pytest.fixture
def sqlite_desk(sqlite_database: Database) -> Iterator[RunningDesk]:
    """A desk where the database makes no difference."""
    with running(sqlite_database) as found:
        yield found


@pytest.fixture
def api(desk: RunningDesk) -> Iterator[httpx.Client]:
    """A client with the token."""
    with desk.client() as client:
        yield client
