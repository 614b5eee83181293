"""Statutory deadlines: from receipt, never reset (rule A9)."""

from __future__ import annotations

from tests.store.rows import HOUR, NOON, put
from workers.store import deadlines
from workers.store.database import Database


class TestDeadlines:
    def test_a9_is_never_reset(self, database: Database) -> None:
        put(database, "N")
        with database.begin() as tx:
            assert deadlines.put(tx, "N", "result", NOON + 48 * HOUR) == NOON + 48 * HOUR
            assert deadlines.put(tx, "N", "result", NOON + 99 * HOUR) == NOON + 48 * HOUR
            assert len(deadlines.of(tx, "N")) == 1

    def test_a9_met_in_time(self, database: Database) -> None:
        put(database, "N")
        with database.begin() as tx:
            deadlines.put(tx, "N", "result", NOON + HOUR)
            deadlines.mark_met(tx, "N", "result", NOON + HOUR)
            deadlines.mark_met(tx, "N", "result", NOON + 2 * HOUR)
            deadlines.mark_met(tx, "N", "preliminary", NOON)
            assert deadlines.mark_missed(tx, "N", NOON + 3 * HOUR) == []
            [kept] = deadlines.of(tx, "N")
        assert (kept.met_at, kept.missed_at) == (NOON + HOUR, None)

    def test_a9_missed_is_said_once_and_stays_when_done_late(self, database: Database) -> None:
        put(database, "N")
        with database.begin() as tx:
            deadlines.put(tx, "N", "result", NOON + 2 * HOUR)
            deadlines.put(tx, "N", "preliminary", NOON + HOUR)
            assert deadlines.mark_missed(tx, "N", NOON) == []
            assert deadlines.mark_missed(tx, "N", NOON + HOUR) == ["preliminary"]
            assert deadlines.mark_missed(tx, "N", NOON + 2 * HOUR) == ["result"]
            deadlines.mark_met(tx, "N", "preliminary", NOON + 3 * HOUR)
            first, second = deadlines.of(tx, "N")
        assert (first.kind, first.missed_at, first.met_at) == ("preliminary", NOON + HOUR, NOON + 3 * HOUR)
        assert (second.kind, second.missed_at, second.met_at) == ("result", NOON + 2 * HOUR, None)

    def test_a9_done_late_without_anybody_having_looked_is_missed(self, database: Database) -> None:
        put(database, "N")
        with database.begin() as tx:
            deadlines.put(tx, "N", "result", NOON)
            deadlines.mark_met(tx, "N", "result", NOON + HOUR)
            [kept] = deadlines.of(tx, "N")
        assert kept.met_at == kept.missed_at == NOON + HOUR
