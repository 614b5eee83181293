"""What counts as an outage of the store: what a while later would have worked."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError, TimeoutError

from tests.databases import Postgres
from workers.errors import Broken
from workers.store.database import Database
from workers.store.outage import is_outage


def failing(database: Database, *statements: str) -> DBAPIError:
    """What the store says to these statements in one transaction."""
    with pytest.raises(DBAPIError) as caught, database.begin() as tx:
        for statement in statements:
            tx.execute(text(statement))
    return caught.value


def test_a_server_that_nobody_started_is_away() -> None:
    assert is_outage(failing(Database("postgresql+psycopg://duban@127.0.0.1:1/duban"), "select 1"))


@pytest.mark.postgres
def test_a_server_that_ends_the_connection_is_away(postgres_database: Database) -> None:
    """Restarted in the middle of a transaction; also where somebody wrapped the error."""
    error = failing(postgres_database, "select pg_terminate_backend(pg_backend_pid())")
    assert is_outage(error)
    with pytest.raises(Broken) as wrapped:
        raise Broken("no answer") from error
    assert is_outage(wrapped.value)


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("code", "expected"),
    [("53100", True), ("53300", True), ("57P03", True), ("40P01", False), ("57014", False), ("XX000", False)],
)
def test_what_the_server_says_decides(postgres_database: Database, code: str, expected: bool) -> None:
    """A full disk, too many connections, a server that starts; not a deadlock, a cancelled query, an internal error."""
    error = failing(postgres_database, f"do $$ begin raise exception 'x' using errcode = '{code}'; end $$")
    assert is_outage(error) is expected


@pytest.mark.postgres
def test_a_server_that_says_nothing_is_given_up(postgres: Postgres) -> None:
    """The settings are there, and what the URL says goes before them."""
    url = postgres.new_database()
    for address, seconds in ((url, "10"), (f"{url}?connect_timeout=3", "3")):
        database = Database(address)
        with database.engine.connect() as connection:
            raw = connection.connection.dbapi_connection
            assert raw is not None
            told = {each.keyword: each.val for each in raw.pgconn.info}
        database.close()
        assert told[b"connect_timeout"] == seconds.encode()
        assert told[b"tcp_user_timeout"] == b"30000"


def test_our_own_mistakes_are_no_outage(database: Database) -> None:
    """Neither a table that is not there nor a row that may not be: trying again for ever would hide it."""
    missing = failing(database, "select * from nowhere")
    assert isinstance(missing, OperationalError | ProgrammingError) and not is_outage(missing)
    row = "insert into cases (number, kind) values ('N', 'complaint')"
    twice = failing(database, row, row)
    assert isinstance(twice, IntegrityError) and not is_outage(twice)
    assert not is_outage(ValueError("x")) and not is_outage(None)


def test_no_free_connection_is_an_outage() -> None:
    assert is_outage(TimeoutError("QueuePool limit"))
