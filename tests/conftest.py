"""Fixtures that every room's tests may use."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from tests.databases import NoPostgresError, Postgres, make_sqlite_template
from workers.store.database import Database

settings.register_profile(
    "duban",
    deadline=None,  # machines differ; a test that hangs is ended by pytest-timeout
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("duban")

os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")
"""Engines of tests live for minutes: what the second compiler takes (half of an engine's CPU) never comes back."""


_FIRST = ("tests/refunds/test_thousand_refunds.py", "tests/stories/")


class _TogetherScheduling(LoadScopeScheduling):
    """Of the processes of `make test`, one runs all stories of a world, one all of a file, one all with Docker."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        world = re.search(r"\[(sqlite|postgresql)\b", test) if "/stories/" in file else None
        if "/deploy/" in f"/{file}":
            return "deploy"
        return f"world-{world[1]}" if world else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> _TogetherScheduling:
    """How tests are handed to the processes of `make test`: in the order below, not by the number of tests."""
    config.option.loadscopereorder = False
    return _TogetherScheduling(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no process is left with it alone at the end."""

    def place(item: pytest.Item) -> int:
        path = item.path.as_posix()
        return next((each for each, name in enumerate(_FIRST) if name in path), len(_FIRST))

    items.sort(key=place)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the whole schema, to be copied."""
    return make_sqlite_template(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL server for the whole session. Missing on Linux is a failure, never a quiet skip."""
    server = Postgres()
    atexit.register(server.stop)
    try:
        try:
            server.start()
        except NoPostgresError as error:
            if sys.platform == "linux":
                raise
            pytest.skip(str(error))
        yield server
    finally:
        server.stop()
        atexit.unregister(server.stop)


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A fresh SQLite store in a file, schema complete."""
    folder = tmp_path / "store"
    folder.mkdir()
    shutil.copy(sqlite_template, folder / "duban.db")
    database = Database.in_folder(folder)
    yield database
    database.close()


@pytest.fixture
def postgres_database(postgres: Postgres) -> Iterator[Database]:
    """A fresh PostgreSQL store, schema complete."""
    url = postgres.new_database()
    database = Database(url)
    yield database
    database.close()
    postgres.drop(url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> Database:
    """A fresh store, schema complete; the test runs once on SQLite and once on PostgreSQL."""
    name = "sqlite_database" if request.param == "sqlite" else "postgres_database"
    found = request.getfixturevalue(name)
    assert isinstance(found, Database)
    return found
