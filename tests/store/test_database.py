"""The connection: who waits for whom, and what errors tell."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, StatementError

from tests.store.rows import NOON, put
from workers.store import complaints, deadlines
from workers.store.database import Database
from workers.store.statements import next_value


def test_a_reader_waits_for_no_writer(database: Database) -> None:
    put(database, "N")

    def look() -> str:
        with database.read() as tx:
            return complaints.get(tx, "N").text

    with ThreadPoolExecutor(1) as pool, database.begin() as tx:
        complaints.get(tx, "N").text = "changed"
        tx.flush()
        assert pool.submit(look).result(timeout=20) == "N"
    assert look() == "changed"


def test_a_block_that_raises_leaves_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.begin() as tx:
        next_value(tx, "x")
        raise ZeroDivisionError
    with database.begin() as tx:
        assert next_value(tx, "x") == 1


def test_sixty_four_threads_find_a_connection(database: Database) -> None:
    def take(_index: int) -> int:
        with database.begin() as tx:
            return next_value(tx, "x")

    with ThreadPoolExecutor(64) as pool:
        assert sorted(pool.map(take, range(128))) == list(range(1, 129))


def test_instants_keep_their_place_in_time(database: Database) -> None:
    put(database, "N")
    with database.begin() as tx:
        deadlines.put(tx, "N", "result", NOON.astimezone(timezone(timedelta(hours=8))))
        [kept] = deadlines.of(tx, "N")
    assert kept.due_at == NOON and kept.due_at.tzinfo is UTC
    with pytest.raises(StatementError, match="needs a zone"), database.begin() as tx:
        deadlines.put(tx, "N", "preliminary", datetime(2026, 11, 22))  # noqa: DTZ001


def test_errors_show_no_values(database: Database) -> None:
    with pytest.raises(DatabaseError) as caught, database.begin() as tx:
        tx.execute(
            text("insert into complaints (number, text) values (:number, :text)"),
            {"number": "N", "text": "密语"},
        )
    for error in (caught.value, caught.value.orig):
        assert "null" in str(error).lower() and "密语" not in str(error)


def test_a_foreign_key_is_kept(database: Database) -> None:
    with pytest.raises(DatabaseError), database.begin() as tx:
        deadlines.put(tx, "nobody", "result", NOON)
