"""A store that has grown: its queries find their rows by an index, whatever lies beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.databases import Postgres
from tests.store.grown import grow
from tests.store.measure_growth import Walker
from tests.store.plans import long_scans
from workers.bootstrap.parts import assembled
from workers.clock import SystemClock
from workers.settings import Settings
from workers.store.database import Database

COMPLAINTS = 3_000


@pytest.mark.postgres
def test_no_query_of_a_complaint_reads_a_large_table_from_end_to_end(
    postgres: Postgres, tmp_path: Path
) -> None:
    """Three thousand archived complaints: the next one is taken in, handled and archived by index alone."""
    settings = Settings(data=tmp_path, database_url=postgres.new_database())
    with assembled(settings, SystemClock()) as parts:
        grow(parts.database, COMPLAINTS, without=("elements",))  # most of the rows, and no task reads them
        walker = Walker(parts)
        walker.walk()
        assert long_scans(parts.database, walker.walk) == []
        assert _scans_of_a_bad_query(parts.database)


def _scans_of_a_bad_query(database: Database) -> list[str]:
    """What the test would say of a query that no index serves."""
    from sqlalchemy import text

    def act() -> None:
        with database.read() as tx:
            tx.execute(text("select count(*) from timeline where code = 'received' and who <> 'x'")).all()

    return long_scans(database, act)
