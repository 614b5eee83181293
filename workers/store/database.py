"""The connection to the store: SQLite (WAL) by default, PostgreSQL by URL."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import (
    DateTime,
    Dialect,
    Engine,
    ExceptionContext,
    MetaData,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.pool import QueuePool
from sqlalchemy.types import TypeDecorator

from workers.errors import Refused

BUSY_SECONDS: Final = 60
"""How long a connection waits for another one's write on SQLite."""
_SHORTEST_LOOK: Final = 0.0002
_LONGEST_LOOK: Final = 0.02
"""Seconds between two looks whether the other one has ended."""
_TURNS: Final = 0x44_55_42_41_4F
"""The advisory lock of `take_turns`; the schema's upgrade has one of its own."""

POOL_SIZE: Final = 20
MAX_OVERFLOW: Final = 60
"""Connections beyond the pool's that a process opens while it needs them."""

CACHE_KILOBYTES: Final = 512
"""Pages that each connection to SQLite keeps: there is one per busy thread, and the system caches the file anyway."""

_PATIENCE: Final = {
    "connect_timeout": 10,
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}
"""Seconds, the last one milliseconds: a PostgreSQL server whose machine is gone without a word is noticed within a
minute, where the operating system alone waits for hours. What the URL says goes before."""

NAMING = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


class Base(DeclarativeBase):
    """All tables of the store."""

    metadata = MetaData(naming_convention=NAMING)


class Instant(TypeDecorator[datetime]):
    """A zone-aware instant, kept in UTC; SQLite keeps no zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            return value.replace(tzinfo=UTC)  # type: ignore[no-any-return]
        return value.astimezone(UTC)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Connections:
    """Connections of this process to the store: at work, waiting for work, and how many there may be."""

    used: int
    idle: int
    limit: int


class Database:
    """One connection pool. `begin()` gives a session whose block is one transaction: the boundary commits.

    Args:
        url: SQLAlchemy URL, e.g. ``sqlite:////data/duban.db`` or ``postgresql+psycopg://user:pw@host/db``. On a
            database of PostgreSQL that is not in UTF8 the first connection raises Refused.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        # Task handlers and requests run in threads: more of them than SQLAlchemy expects by default.
        options: dict[str, Any] = {"pool_size": POOL_SIZE, "max_overflow": MAX_OVERFLOW}
        options["json_deserializer"] = _read_json
        if self.is_sqlite:
            options["connect_args"] = {"timeout": BUSY_SECONDS, "check_same_thread": False}
        else:
            options["pool_pre_ping"] = True
            chosen = make_url(url).query
            options["connect_args"] = {name: value for name, value in _PATIENCE.items() if name not in chosen}
        self.engine: Engine = create_engine(url, hide_parameters=True, **options)
        event.listen(self.engine, "handle_error", _hide_values)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            # First of all: what SQLAlchemy asks a new connection fails on an answer that it cannot read.
            event.listen(self.engine, "connect", _refuse_other_encoding, insert=True)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._turns = threading.Lock()
        self._has_turn: int | None = None
        """The thread whose transaction is open."""

    FILE: Final = "duban.db"
    """The SQLite store's name in a data folder."""

    @classmethod
    def in_folder(cls, folder: Path) -> Database:
        """The SQLite store of a data folder."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(f"sqlite:///{folder / cls.FILE}")

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """A session; commits when the block ends, rolls back when it raises.

        Raises:
            RuntimeError: On SQLite, if this thread has a transaction of this store open: it would wait for itself.
        """
        with self._turn(), self._sessions.begin() as session:
            yield session

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """On SQLite one transaction writes at a time. Threads wait here and are woken at once; other processes look
        again and again (`_has_begun`). After its patience it is SQLite that says so."""
        if not self.is_sqlite:
            yield
            return
        here = threading.get_ident()
        if self._has_turn == here:
            raise RuntimeError("a transaction inside another one of the same thread would wait for itself")
        has_turn = self._turns.acquire(timeout=BUSY_SECONDS)
        if has_turn:
            self._has_turn = here
        try:
            yield
        finally:
            if has_turn:
                self._has_turn = None
                self._turns.release()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only looks: takes no write lock and never commits. `info["read_only"]` says so."""
        option = "duban_read_only" if self.is_sqlite else "postgresql_readonly"
        with self._sessions(info={"read_only": True}) as session:
            session.connection(execution_options={option: True})
            yield session

    def connections(self) -> Connections:
        """How many connections this process has to the store. From any thread."""
        pool = self.engine.pool
        if not isinstance(pool, QueuePool):
            return Connections(0, 0, 0)
        return Connections(pool.checkedout(), pool.checkedin(), POOL_SIZE + MAX_OVERFLOW)

    def close(self) -> None:
        """Closes every pooled connection."""
        self.engine.dispose()


def _read_json(text: str) -> Any:
    """A complaint has five such columns and is read twenty times. What only Python's own reader takes (half of a
    surrogate pair, a number of more than 64 bits) was written by Python's own writer."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


def _hide_values(context: ExceptionContext) -> None:
    """PostgreSQL adds the whole row to some errors ("DETAIL: Failing row contains"): personal data."""
    error = context.original_exception
    sentence = getattr(getattr(error, "diag", None), "message_primary", None)
    if sentence is not None:
        error.args = (sentence,)
        if context.sqlalchemy_exception is not None:
            context.sqlalchemy_exception.args = (f"({type(error).__name__}) {sentence}",)


def _refuse_other_encoding(connection: Any, _record: object) -> None:
    found = connection.info.parameter_status("server_encoding")
    if found not in (None, "UTF8"):
        raise Refused(
            f"数据库的编码须为 UTF8。 The database is in {found} and has to be in UTF8: make one by `create database "
            "duban encoding 'UTF8' template template0`, and name it in DUBAN_DATABASE_URL."
        )


def take_turns(tx: Session) -> None:
    """Whoever calls this waits until everybody who called it before has ended the transaction.

    For what several processes do when they start, each for itself, on a store that is still empty. On SQLite one
    transaction writes at a time anyway.
    """
    if tx.get_bind().dialect.name == "postgresql":
        tx.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _TURNS})


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # BEGIN is ours: see _begin_sqlite
    cursor = connection.cursor()
    cache = f"cache_size=-{CACHE_KILOBYTES}"
    for pragma in (f"busy_timeout={BUSY_SECONDS * 1000}", "synchronous=FULL", "foreign_keys=ON", cache):
        cursor.execute(f"PRAGMA {pragma}")
    _use_wal(cursor)
    cursor.close()


def _use_wal(cursor: Any) -> None:
    """Switches the file to WAL, once in its life. SQLite does not wait for others there, whatever the time-out."""
    deadline = time.monotonic() + BUSY_SECONDS
    while cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _begin_sqlite(connection: Any) -> None:
    # A deferred transaction that reads and then writes can fail with "database is locked" without waiting.
    if connection.get_execution_options().get("duban_read_only"):
        connection.exec_driver_sql("BEGIN")
        return
    cursor = connection.connection.driver_connection.cursor()
    try:
        cursor.execute("PRAGMA busy_timeout=0")
        if not _has_begun(cursor):
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # says what is wrong
    finally:
        cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
        cursor.close()


def _has_begun(cursor: sqlite3.Cursor) -> bool:
    """Begins to write as soon as no other process does. SQLite itself would look again after ever longer sleeps, and
    beside a busy process that takes seconds: it hardly ever looks in the moment between two transactions."""
    start = time.monotonic()
    while True:
        try:
            cursor.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            waited = time.monotonic() - start
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or waited > BUSY_SECONDS:
                return False
            time.sleep(min(_LONGEST_LOOK, max(_SHORTEST_LOOK, waited / 100)))
        else:
            return True
