"""Keep records as long as the policy says, then take out what is personal (rule C10).

Job type: open-retention-run
Reads: nothing.
Sets: nothing.
Throws: nothing.
Effect: the run of this month is opened, once, and its process is owed to the engine.

Job type: find-expired
Reads: number, retention_rule (the rows of the decision, one per policy).
Sets: expired_count, confirm_due_at.
Throws: nothing.
Effect: the complaints whose time is over are listed with the run; nothing of them is changed.

Job type: anonymise-complaints
Reads: number, retention_rule.
Sets: expired_left.
Throws: nothing.
Effect: one batch of the list has no names, numbers and texts any more; the files of their messages, their evidence and
    their case files are gone, too. With the last batch, what people wrote about events whose time is over.

Job type: close-retention-run
Reads: number, optional is_anonymisation_confirmed (false: somebody said no; null: nobody answered).
Sets: nothing.
Throws: nothing.
Effect: the run ends without anything done; the next month looks again.
"""

from __future__ import annotations

from typing import Any

from workers.cases.retention import read_rules
from workers.clock import Clock
from workers.names import SHANGHAI
from workers.notifications.channels.spool import Spool
from workers.store import retention
from workers.store.database import Database
from workers.store.file_store import FileStore


def open_retention_run(database: Database, clock: Clock) -> None:
    """Opens it; a second one in the same month changes nothing, however often the timer fires."""
    with database.begin() as tx:
        retention.open_run(tx, clock.now(), who="duban")


def find_expired(
    database: Database, clock: Clock, *, number: str, retention_rule: list[dict[str, Any]]
) -> dict[str, Any]:
    """Returns how many there are, and by when a person is to confirm."""
    rules, now = read_rules(retention_rule), clock.now()
    with database.begin() as tx:
        found = retention.find_expired(tx, number, rules, now)
        since = retention.get(tx, number).counted_at or now
    due_at = min(rule.confirm_due_at(since) for rule in rules)
    return {
        "expired_count": found,
        "confirm_due_at": due_at.astimezone(SHANGHAI).isoformat(timespec="seconds"),
    }


def anonymise_complaints(
    database: Database,
    clock: Clock,
    spool: Spool,
    files: FileStore,
    *,
    number: str,
    retention_rule: list[dict[str, Any]],
) -> dict[str, Any]:
    """Does the next batch; a crash in it leaves all of it to be done again. Returns how many are left."""

    def forget(complaint: str, hashes: set[str]) -> None:
        spool.forget(complaint)
        for each in hashes:
            files.forget(each)

    rules = read_rules(retention_rule)
    size = min(rule.batch for rule in rules)
    with database.begin() as tx:
        left = retention.anonymise_batch(tx, number, size, clock.now(), forget, rules)
    return {"expired_left": left}


def close_retention_run(
    database: Database, clock: Clock, *, number: str, is_anonymisation_confirmed: bool | None = None
) -> None:
    """Ends it: declined or postponed."""
    state = "postponed" if is_anonymisation_confirmed is None else "declined"
    with database.begin() as tx:
        retention.end(tx, number, state, clock.now())
