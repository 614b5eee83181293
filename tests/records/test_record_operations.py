"""What operations need of the records: current variables of what runs, and the times of what has ended."""

from __future__ import annotations

from datetime import date

from tests.records.streams import apply_in_bulks, real_records
from workers.records.apply import apply_batch
from workers.store import element_times, stuck
from workers.store.beats import lag
from workers.store.database import Database
from workers.store.record_tables import Element, Incident, ProcessInstance, ProcessVariable


def test_only_what_runs_has_variables(database: Database) -> None:
    """C-6 is open and keeps what it has; nothing is left of the others, in whatever bulks the records came."""
    for size in (7,):
        apply_in_bulks(database, real_records(), size)
    with database.read() as tx:
        running = {row.key for row in tx.query(ProcessInstance).filter_by(state="active")}
        kept = tx.query(ProcessVariable).all()
        assert {row.process_instance_key for row in kept} == running
        assert {row.name: row.value for row in kept if row.scope_key in running}["number"] == '"C-6"'


def test_stuck_work_sees_its_own_variables_before_those_of_its_process(database: Database) -> None:
    """While C-1 is stuck two processes deep, its variables are shown with the element that has them."""
    records = real_records()
    at = next(
        index for index, each in enumerate(records) if (each.type, each.intent) == ("INCIDENT", "CREATED")
    )
    apply_batch(database, records[: at + 1])
    with database.begin() as tx:
        incident = tx.query(Incident).one()
        element = tx.get_one(Element, incident.element_key)
        assert element.scope_key == incident.process_instance_key
        own = {"process_instance_key": incident.process_instance_key, "scope_key": element.key}
        tx.add(ProcessVariable(key="1", name="flag", value="false", **own))
    with database.read() as tx:
        found = stuck.one(tx, incident.key)
        seen = {each.name: (each.value, each.element_id) for each in stuck.variables(tx, found)}
    assert seen["number"] == ("C-1", None)
    assert seen["flag"] == (False, incident.element_id)


def test_times_are_added_up_once(database: Database) -> None:
    """However often the engine repeats itself: as many as have ended, as long as they took."""
    records = real_records()
    apply_in_bulks(database, records, 20)
    apply_in_bulks(database, records, 13)
    with database.read() as tx:
        heat = {each.element_id: each for each in element_times.heat(tx, "record-root", date.min, date.max)}
        ended = tx.query(Element).filter(
            Element.process_id == "record-root",
            Element.ended_at.is_not(None),
            Element.element_type.not_in(element_times.CONTAINERS),
        )
        rows = ended.all()
        assert sum(each.ended for each in heat.values()) == len(rows)
        took = sum(round((row.ended_at - row.started_at).total_seconds()) for row in rows if row.ended_at)
        assert sum(each.total for each in heat.values()) == took > 3600
        assert sum(each.here for each in heat.values()) >= 1


def test_the_lag_is_what_lies_between_record_and_table(database: Database) -> None:
    records = real_records()
    apply_batch(database, records, records[-1].at)
    with database.read() as tx:
        [(partition, newest, behind)] = lag(tx)
    assert (partition, newest) == (1, max(each.at for each in records))
    assert behind is not None and behind.total_seconds() == 0


def test_a_bucket_is_half_an_octave() -> None:
    assert [element_times.bucket_of(each) for each in (0, 0.5, 1, 1.42, 2, 3600, 10**9)] == [
        0,
        0,
        0,
        1,
        2,
        23,
        59,
    ]
