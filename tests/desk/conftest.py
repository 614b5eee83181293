"""A running desk on each database."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

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


@pytest.fixture(scope="module")
def sqlite_desk_for_module(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningDesk]:
    """A desk for tests that change nothing."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copy(sqlite_template, folder / "duban.db")
    database = Database.in_folder(folder)
    with running(database) as found:
        yield found
    database.close()
