"""Completing a task: whoever dies in the middle, the engine's record says whose attempt was taken."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import func, select

from tests.records.streams import instance, started_by_message, user_task
from tests.store.rows import HOUR, NOON, put
from workers.errors import Conflict
from workers.records.apply import apply_batch
from workers.store import answers, completions, timeline
from workers.store.attempt_tables import CompletionAttempt
from workers.store.completions import Attempt
from workers.store.database import Database
from workers.store.suggestion_tables import Suggestion
from workers.store.tables import Answer

KEY = "77"
AT = NOON + HOUR


def attempt(person: str, text: str, **more: str) -> Attempt:
    texts = {"customer_reply": text, **more}
    return Attempt(KEY, person, "N", f"by-{person}", "前台办理", "settle-complaint", texts)


def begin(database: Database, *attempts: Attempt) -> None:
    for index, each in enumerate(attempts):
        with database.begin() as tx:
            completions.begin(tx, each, NOON + index * HOUR / 60)


def ended(database: Database, action: str | None) -> None:
    with database.begin() as tx:
        completions.by_record(tx, {KEY: (action, AT)})


def texts(database: Database) -> dict[str, tuple[str, str, bool]]:
    with database.read() as tx:
        rows = tx.scalars(select(Answer).where(Answer.task_key == KEY))
        return {row.field: (row.value, row.author, row.is_final) for row in rows}


def who_did_it(database: Database) -> list[str]:
    with database.read() as tx:
        return [entry.who for entry in timeline.of(tx, "N") if entry.code == "task-completed"]


def attempts_left(database: Database) -> int:
    with database.read() as tx:
        return tx.scalar(select(func.count()).select_from(CompletionAttempt)) or 0


def test_a_desk_that_dies_after_the_engine_said_yes_loses_nothing(database: Database) -> None:
    """The record writes down who, when, the words, and the suggestion; the desk that says it again changes nothing."""
    put(database, "N")
    begin(database, attempt("li", "已修复", improvement_suggestion="换光猫"))
    for _ in range(2):
        ended(database, "by-li")
    assert texts(database)["customer_reply"] == ("已修复", "li", True)
    assert who_did_it(database) == ["li"] and attempts_left(database) == 0
    with database.begin() as tx:
        at = completions.complete(tx, "N", KEY, "li", AT + HOUR, name="前台办理", form="settle-complaint")
        assert at == AT, "the first time counts"
        assert len(tx.scalars(select(Suggestion)).all()) == 1
    assert who_did_it(database) == ["li"]


def test_the_engines_record_is_enough(database: Database) -> None:
    """The same through the record stream itself, with everything that tells of the task in one batch."""
    put(database, "N")
    begin(database, attempt("li", "已修复"))
    batch = [instance(1, 7), started_by_message(2, 7, "N"), user_task(3, int(KEY))]
    apply_batch(database, [*batch, user_task(4, int(KEY), "COMPLETED", action="by-li")])
    assert who_did_it(database) == ["li"] and texts(database)["customer_reply"] == ("已修复", "li", True)


def test_a_second_persons_words_never_replace_those_that_were_taken(database: Database) -> None:
    """Li's answer was lost, Wang tried, too; the engine had taken Li's: it is Li's words that stand, and only these."""
    put(database, "N")
    begin(database, attempt("li", "李的答复"), attempt("wang", "王的答复", note="王"))
    ended(database, "by-li")
    assert texts(database) == {"customer_reply": ("李的答复", "li", True)}
    assert who_did_it(database) == ["li"] and attempts_left(database) == 0


def test_who_is_refused_takes_only_his_own_words_away(database: Database) -> None:
    """At two desks at once: Wang is refused while nobody knows yet of Li; Li's words are back, and become final."""
    put(database, "N")
    begin(database, attempt("li", "李的答复"), attempt("wang", "王的答复", note="王"))
    with database.begin() as tx:
        completions.abandon(tx, KEY, "wang")
    assert texts(database) == {"customer_reply": ("李的答复", "li", False)}
    with database.begin() as tx:
        completions.abandon(tx, KEY, "wang")
        completions.complete(tx, "N", KEY, "li", AT, name="前台办理", form="settle-complaint")
    assert texts(database) == {"customer_reply": ("李的答复", "li", True)}
    with database.begin() as tx, pytest.raises(Conflict, match="completed already"):
        completions.begin(tx, attempt("wang", "王的答复"), AT)


@pytest.mark.parametrize("action", [None, "complete", "by-somebody"])
def test_a_task_that_ended_otherwise_is_nobodys(database: Database, action: str | None) -> None:
    """Its time was up, or somebody completed it beside the desk: no attempt is kept, nobody is said to have done it."""
    put(database, "N")
    begin(database, attempt("li", "已修复"))
    ended(database, action)
    assert who_did_it(database) == [] and attempts_left(database) == 0


def test_desk_and_record_at_the_same_moment_write_it_once(database: Database) -> None:
    put(database, "N")
    for index in range(5):
        key = str(100 + index)
        one = Attempt(key, "li", "N", "by-li", "前台办理", "settle-complaint", {"customer_reply": "已修复"})
        begin(database, one)
        start, failed = threading.Barrier(2), list[Exception]()

        def desk(key: str = key, start: threading.Barrier = start) -> None:
            start.wait(30)
            with database.begin() as tx:
                completions.complete(tx, "N", key, "li", AT, name="前台办理", form="settle-complaint")

        def record(key: str = key, start: threading.Barrier = start) -> None:
            start.wait(30)
            with database.begin() as tx:
                completions.by_record(tx, {key: ("by-li", AT)})

        def run(act: object, failed: list[Exception] = failed) -> None:
            try:
                act()  # type: ignore[operator]
            except Exception as error:
                failed.append(error)

        threads = [threading.Thread(target=run, args=(act,)) for act in (desk, record)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert failed == []
    assert who_did_it(database) == ["li"] * 5 and attempts_left(database) == 0
    with database.read() as tx:
        assert answers.latest(tx, "N") == {"customer_reply": "已修复"}
