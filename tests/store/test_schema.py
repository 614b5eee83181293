"""The migrations lead to what the models say, on both databases, however often and by many at once."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import DatabaseError

from tests.databases import Postgres
from workers.errors import Refused
from workers.store import schema
from workers.store.database import Base, Database
from workers.store.tables import Case, Complaint, TimelineEntry


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    server = request.getfixturevalue("postgres")
    assert isinstance(server, Postgres)
    url = server.new_empty_database()
    request.addfinalizer(lambda: server.drop(url))
    return url


def test_models_and_migrations_agree(database: Database) -> None:
    """If this fails: `python -m workers.store.migrations.draft` (docs/adr/0003-store.md)."""
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_a_fresh_store_is_at_head(database: Database) -> None:
    assert schema.current(database) == schema.head()


def test_upgrade_twice_changes_nothing(database: Database) -> None:
    before = inspect(database.engine).get_table_names()
    schema.upgrade(database)
    assert inspect(database.engine).get_table_names() == before
    assert schema.current(database) == schema.head()


def test_an_empty_store_has_no_revision(empty_url: str) -> None:
    database = Database(empty_url)
    assert schema.current(database) is None
    database.close()


UPGRADE = """
import sys
from workers.store import schema
from workers.store.database import Database
database = Database(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
schema.upgrade(database)
print(schema.current(database))
database.close()
"""


def test_four_processes_that_start_at_once_upgrade_once(empty_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", UPGRADE, empty_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    try:
        for process in processes:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
        answers = []
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            output, errors = process.communicate(timeout=120)
            answers.append((process.returncode, output.strip(), errors))
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert answers == [(0, schema.head(), "")] * 4


def test_a_store_of_a_newer_duban_is_refused(database: Database) -> None:
    with database.begin() as tx:
        tx.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(Refused, match=r"9999.*newer version"):
        schema.upgrade(database)
    assert schema.current(database) == "9999"


def test_a_failed_upgrade_leaves_nothing_behind(empty_url: str) -> None:
    database = Database(empty_url)
    with database.begin() as tx:
        tx.execute(text("create table watchers (a integer)"))  # in the way of the first migration
    with pytest.raises(DatabaseError):
        schema.upgrade(database)
    assert inspect(database.engine).get_table_names() == ["watchers"]
    database.close()


@pytest.mark.parametrize("deed", ["update timeline set who = 'x'", "delete from timeline"])
def test_the_timeline_is_append_only(database: Database, deed: str) -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    with database.begin() as tx:
        tx.add(
            Complaint(
                number="N", policy="petition", channel="web", text="t", customer_key="phone:1", received_at=at
            )
        )
        tx.flush()
        tx.add(TimelineEntry(number="N", at=at, who="w", code="complaint-received", dedupe_key="k"))
    with pytest.raises(DatabaseError, match="append-only"), database.begin() as tx:
        tx.execute(text(deed))
    with database.read() as tx:
        assert tx.execute(text("select who from timeline")).scalars().all() == ["w"]


@pytest.mark.postgres
def test_the_timeline_cannot_be_truncated(postgres_database: Database) -> None:
    with pytest.raises(DatabaseError, match="append-only"), postgres_database.begin() as tx:
        tx.execute(text("truncate timeline"))


def test_a_store_of_the_first_release_keeps_its_cases(empty_url: str) -> None:
    """What was written under revision 0001 has its number in `cases`; the timeline stays append-only."""
    database = Database(empty_url)
    with database.engine.begin() as connection:
        command.upgrade(schema.configuration(connection), "0001")
        connection.execute(
            text(
                "insert into complaints (number, policy, channel, text, customer_key, received_at, status, flags,"
                " missing_fields, tier) values ('TS1', 'petition', 'web', 'x', 'k', '2026-01-01 00:00:00+00:00',"
                " 'received', '[]', '[]', 'front-desk')"
            )
        )
        connection.execute(
            text(
                "insert into timeline (number, at, who, code, facts, dedupe_key)"
                " values ('TS1', '2026-01-01 00:00:00+00:00', 'duban', 'received', '{}', 'TS1:received')"
            )
        )
    schema.upgrade(database)
    with database.begin() as tx:
        assert tx.scalars(select(Case.number)).all() == ["TS1"]
        assert tx.scalars(select(TimelineEntry.dedupe_key)).all() == ["TS1:received"]
    with pytest.raises(DatabaseError, match="append-only"), database.begin() as tx:
        tx.execute(text("delete from timeline"))
    database.close()


def test_the_newest_file_is_the_head_of_the_migrations() -> None:
    """A process that finds its store ready need not load Alembic: file names say which revision is the newest."""
    from alembic.script import ScriptDirectory

    assert ScriptDirectory.from_config(schema.configuration()).get_current_head() == schema.head()
