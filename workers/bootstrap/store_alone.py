"""The store without a running instance: for commands that work straight in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import ArgumentError, DBAPIError

from workers.errors import Refused, Unavailable
from workers.settings import Settings
from workers.store import schema
from workers.store.database import Database


@contextmanager
def store_alone(settings: Settings) -> Iterator[Database]:
    """The store of this version, closed at the end of the block.

    Raises:
        Refused: its URL is none, or it is of another version. Unavailable: the database does not answer.
    """
    try:
        url = settings.database_url
        database = Database(url) if url else Database.in_folder(settings.data)
    except (ArgumentError, ImportError) as error:
        raise Refused(f"DUBAN_DATABASE_URL is no URL that can be used: {type(error).__name__}") from error
    try:
        if schema.current(database) != schema.head():
            raise Refused("the store is of another version of Duban: start `duban up` on it once")
        yield database
    except DBAPIError as error:
        raise Unavailable(f"the database does not answer: {type(error.orig).__name__}") from error
    finally:
        database.close()
