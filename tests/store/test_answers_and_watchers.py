"""What people wrote, who stays informed, and counters."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.store.rows import HOUR, NOON, put
from workers.errors import Conflict
from workers.store import answers, watchers
from workers.store.database import Database
from workers.store.statements import next_value


class TestAnswers:
    def test_a_draft_becomes_final(self, database: Database) -> None:
        put(database, "N")
        with database.begin() as tx:
            answers.draft(tx, "N", "1", "investigate-complaint", {"findings": "a", "note": "b"}, "p", NOON)
            answers.draft(tx, "N", "1", "investigate-complaint", {"findings": "c"}, "q", NOON)
            assert answers.latest(tx, "N") == {}
            answers.finalise(tx, "1")
            answers.finalise(tx, "1")
            assert answers.latest(tx, "N") == {"findings": "c"}
            with pytest.raises(Conflict, match="completed already"):
                answers.draft(tx, "N", "1", "investigate-complaint", {"findings": "d"}, "p", NOON)
            answers.discard(tx, "1")
            assert answers.latest(tx, "N") == {"findings": "c"}

    def test_the_newest_final_text_of_each_field_counts(self, database: Database) -> None:
        put(database, "N")
        with database.begin() as tx:
            for key, at, text in (("2", NOON, "old"), ("1", NOON + HOUR, "new")):
                answers.draft(tx, "N", key, "propose-solution", {"solution": text}, "p", at)
                answers.finalise(tx, key)
            answers.draft(tx, "N", "3", "propose-solution", {"solution": "draft"}, "p", NOON + 2 * HOUR)
            assert answers.latest(tx, "N") == {"solution": "new"}
            answers.discard(tx, "3")
            assert len(answers.of(tx, "N")) == 2


def test_watchers_are_noted_once(database: Database) -> None:
    put(database, "N")
    with database.begin() as tx:
        watchers.add(tx, "N", "lin", "billing", NOON)
        watchers.add(tx, "N", "lin", "billing", NOON + HOUR)
        watchers.add(tx, "N", "ann", "billing", NOON + HOUR)
        assert watchers.usernames(tx, "N") == {"lin", "ann"}
        assert [(watcher.person, watcher.since) for watcher in watchers.of(tx, "N")] == [
            ("lin", NOON),
            ("ann", NOON + HOUR),
        ]


def test_a_counter_gives_every_number_once(database: Database) -> None:
    def take(_index: int) -> int:
        with database.begin() as tx:
            return next_value(tx, "x")

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(take, range(40))) == list(range(1, 41))
