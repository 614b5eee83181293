"""The connection: who waits for whom, and what errors tell."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, StatementError

from tests.databases import Postgres
from tests.store.rows import NOON, put
from workers.errors import Refused
from workers.store import complaints, deadlines, schema
from workers.store.database import Database
from workers.store.statements import next_value

DUBAN = Path(sysconfig.get_path("scripts")) / "duban"


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


def test_a_transaction_inside_another_one_is_told_and_does_not_wait_for_itself(tmp_path: Path) -> None:
    with closing(Database.in_folder(tmp_path)) as database:
        schema.upgrade(database)
        with database.begin() as tx:
            assert next_value(tx, "x") == 1
            with pytest.raises(RuntimeError, match="would wait for itself"), database.begin():
                pass
        with database.begin() as tx:
            assert next_value(tx, "x") == 2


MINE = 100
_BUSY = """
import sys, threading
from sqlalchemy import text
from workers.store.database import Database

database, stop = Database(sys.argv[1]), threading.Event()

def work():
    while not stop.is_set():
        with database.begin() as tx:
            tx.execute(text("update counters set value = value + 1 where name = 'busy'"))

for _ in range(4):
    threading.Thread(target=work).start()
print("busy", flush=True)
sys.stdin.read()
stop.set()
"""


def test_a_busy_process_leaves_turns_to_another_one(tmp_path: Path) -> None:
    """SQLite's own waiting looks after 1, 2, 5 … 100 ms: beside a process that writes all the time it waits seconds."""
    with closing(Database.in_folder(tmp_path)) as database:
        schema.upgrade(database)
        with database.begin() as tx:
            next_value(tx, "busy")
        command = [sys.executable, "-c", _BUSY, database.url]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as busy:
            assert busy.stdout
            assert busy.stdout.readline() == b"busy\n"
            theirs = 0
            for _ in range(MINE):
                time.sleep(0.005)  # has other things to do: whoever asks all the time comes in between
                before = _count(database)
                with database.begin() as tx:
                    next_value(tx, "mine")
                    theirs += _count(database) - before
            busy.communicate()
    assert theirs < 15 * MINE, f"{theirs} turns of the busy one while {MINE} waited"


def _count(database: Database) -> int:
    with database.read() as tx:
        return int(tx.execute(text("select value from counters where name = 'busy'")).scalar_one())


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


@pytest.mark.postgres
@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_hold_chinese_is_refused_in_a_sentence(
    postgres: Postgres, encoding: str
) -> None:
    """Made without an encoding on an old server: every command says so at once, and how to make one that fits."""
    url = postgres.new_database_in(encoding)
    try:
        with (
            closing(Database(url)) as store,
            pytest.raises(Refused, match=f"in {encoding} and has to be in UTF8"),
        ):
            schema.upgrade(store)
        done = subprocess.run(
            [DUBAN, "upgrade"],
            env=os.environ | {"DUBAN_DATABASE_URL": url},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 1 and "UTF8" in done.stderr and "Traceback" not in done.stderr
        assert postgres.password not in done.stderr
    finally:
        postgres.drop(url)
