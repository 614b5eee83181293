"""The revisions of the store: the one the database has, the one this program needs, the way there."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from sqlalchemy import Connection, inspect, text

from workers.errors import Refused
from workers.store import (  # noqa: F401  (they put their tables into the metadata)
    account_tables,
    alert_tables,
    api_tables,
    appeal_tables,
    attempt_tables,
    beat_tables,
    exclusion_tables,
    holder_tables,
    incident_tables,
    move_tables,
    note_tables,
    offer_tables,
    record_tables,
    rectification_tables,
    refund_tables,
    retention_tables,
    suggestion_tables,
    tables,
    time_tables,
    views,
    work_order_tables,
)
from workers.store.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS: Final = Path(__file__).parent / "migrations"

_UPGRADE_LOCK: Final = 0x44_55_42_41_4E  # "DUBAN": the advisory lock that PostgreSQL upgrades take


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration, made here instead of in an ini file so that it travels in the wheel.

    Alembic is imported where something is upgraded: a process that finds its store ready has ten megabytes less.

    Args:
        connection: the connection, already inside its transaction, that migrations run on.
    """
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


@cache
def head() -> str:
    """The revision that this program needs: the newest one, by the names of the files."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def current(database: Database) -> str | None:
    """The revision that the database has; None when it is empty."""
    with database.engine.connect().execution_options(duban_read_only=True) as connection:
        return _revision(connection)


def upgrade(database: Database) -> None:
    """Brings the database to `head()`, in one transaction; does nothing when it is there already.

    Safe when several processes start at once: the others wait, then find the work done.

    Raises:
        Refused: the database was written by a newer Duban.
    """
    with database.engine.begin() as connection:  # on SQLite this is BEGIN IMMEDIATE: the write lock
        if not database.is_sqlite:
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
        found = _revision(connection)
        if found == head():
            return
        if found is not None and found > head():
            raise Refused(
                f"The store has revision {found}, which this version of Duban does not know (it knows up to"
                f" {head()}): it was written by a newer version. Start that version, or use another store."
            )
        from alembic import command

        views.drop(connection)
        command.upgrade(configuration(connection), "head")
        views.create(connection)


def _revision(connection: Connection) -> str | None:
    """What Alembic keeps, read without it."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return cast("str | None", connection.scalar(text("select version_num from alembic_version")))
