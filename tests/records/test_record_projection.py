"""What the tables say after records came in, whatever the order, the bulks and the repetitions."""

from __future__ import annotations

import base64
import random
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.records.streams import (
    START,
    apply_in_bulks,
    body,
    element,
    incident,
    instance,
    real_records,
    record,
    signal,
    started_by_message,
    tables,
    timer,
    user_task,
)
from workers.records.apply import ForeignRecords, apply_batch
from workers.records.projection import project
from workers.records.reading import MalformedBatch, Record, read_batch
from workers.store import record_queries, task_view
from workers.store.database import Database
from workers.store.record_tables import Incident, ProcessInstance, Timer, UserTask
from workers.store.tables import Answer, Complaint

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def numbers(database: Database) -> dict[str, str | None]:
    with database.read() as tx:
        return {row.key: row.number for row in tx.query(ProcessInstance)}


def test_the_real_stream_tells_who_ended_how(database: Database) -> None:
    apply_in_bulks(database, real_records(), 20)
    with database.read() as tx:
        roots = {
            number: [
                (node.process_id, node.state, [child.process_id for child in node.children])
                for node in record_queries.process_tree(tx, number)
            ]
            for number in ("C-1", "C-2", "C-3", "C-4", "C-5", "C-6")
        }
    assert roots == {
        "C-1": [("record-root", "completed", ["record-child"])],
        "C-2": [("record-root", "completed", [])],
        "C-3": [("record-root", "completed", [])],
        "C-4": [("record-root", "terminated", [])],
        "C-5": [("record-root", "terminated", ["record-child"])],
        "C-6": [("record-root", "active", [])],
    }


def test_a_number_reaches_the_process_called_by_the_called_process(database: Database) -> None:
    apply_in_bulks(database, real_records(), 20)
    with database.read() as tx:
        (root,) = record_queries.process_tree(tx, "C-1")
    (child,) = root.children
    assert [grandchild.process_id for grandchild in child.children] == ["record-grandchild"]
    assert None not in numbers(database).values()


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
def test_the_size_of_the_bulks_makes_no_difference(
    database: Database, sqlite_database: Database, size: int
) -> None:
    records = real_records()
    apply_in_bulks(sqlite_database, records, 20)
    apply_in_bulks(database, records, size)
    assert tables(database) == tables(sqlite_database)


@pytest.mark.parametrize("seed", range(3))
def test_a_restarted_broker_sends_again_and_nothing_changes(database: Database, seed: int) -> None:
    """After every restart the broker sends again what it exported since its last snapshot."""
    chance, records = random.Random(seed), real_records()
    apply_in_bulks(database, records, 20)
    expected = tables(database)
    for _ in range(3):
        from_here = chance.randrange(len(records))
        apply_in_bulks(database, records[from_here:], chance.choice([1, 20, 333]))
    assert tables(database) == expected


def test_a_restart_in_the_middle_loses_nothing(database: Database, sqlite_database: Database) -> None:
    records = real_records()
    apply_batch(sqlite_database, records)
    apply_in_bulks(database, records[:200], 20)
    apply_in_bulks(database, records[50:], 33)
    assert tables(database) == tables(sqlite_database)


def test_what_was_applied_is_told_apart_from_what_was_skipped(database: Database) -> None:
    first = apply_batch(database, [instance(1, 7), signal(2, "duban-mark-a"), signal(3, "somebody-elses")])
    again = apply_batch(database, [signal(2, "duban-mark-a"), instance(4, 8)])
    assert (first.applied, first.skipped, first.activity) == (3, 0, 1)
    assert first.marks == ((1, "duban-mark-a"),)
    assert (again.applied, again.skipped, again.activity, again.marks) == (1, 1, 1, ())


def test_partitions_have_positions_of_their_own(database: Database) -> None:
    apply_batch(database, [instance(5, 7, partition=1)])
    applied = apply_batch(database, [instance(5, 8, partition=2), instance(5, 7, partition=1)])
    assert (applied.applied, applied.skipped) == (1, 1)
    with database.read() as tx:
        assert record_queries.partitions(tx) == {1, 2}


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 3, 0, 1), (1, 3, 2, 0)])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_a_number_is_inherited_whichever_record_comes_first(
    database: Database, order: tuple[int, ...], size: int
) -> None:
    """The start message may be told of before or after its instance, a called instance before its caller."""
    makers = [
        lambda position: started_by_message(position, 7, "C-1"),
        lambda position: instance(position, 7),
        lambda position: instance(position, 8, parent=7),
        lambda position: instance(position, 9, parent=8),
    ]
    apply_in_bulks(database, [makers[which](place) for place, which in enumerate(order, 1)], size)
    assert numbers(database) == {"7": "C-1", "8": "C-1", "9": "C-1"}


def test_a_late_number_does_not_bring_an_ended_instance_back(database: Database) -> None:
    apply_batch(database, [instance(1, 7), instance(2, 7, intent="ELEMENT_COMPLETED")])
    apply_batch(database, [started_by_message(3, 7, "C-1")])
    with database.read() as tx:
        (node,) = record_queries.process_tree(tx, "C-1")
    assert (node.state, node.version) == ("completed", 1)


def test_a_user_task_from_offer_to_answer(database: Database) -> None:
    apply_batch(database, [started_by_message(1, 7, "C-1"), instance(2, 7)])
    due = "2026-11-22T20:00:00+08:00[Asia/Shanghai]"
    apply_batch(database, [user_task(3, 70, dueDate=due)])
    with database.read() as tx:
        (offered,) = record_queries.open_tasks(tx, "C-1")
    assert (offered.groups, offered.assignee, offered.due_at) == (("billing",), None, NOON)

    apply_batch(database, [user_task(4, 70, "ASSIGNED", assignee="li.wei", dueDate=due)])
    changed = {"candidateGroupsList": ["front-desk"], "assignee": "li.wei"}
    apply_batch(database, [user_task(5, 70, "UPDATED", **changed)])
    with database.read() as tx:
        task = record_queries.task(tx, "70")
    assert (task.groups, task.assignee, task.due_at) == (("front-desk",), "li.wei", None)

    apply_batch(database, [user_task(6, 70, "COMPLETED", action="approve", variables={"ok": True})])
    with database.read() as tx:
        assert record_queries.open_tasks(tx) == []
        task = record_queries.task(tx, "70")
    assert (task.state, task.action, task.assignee, task.groups) == (
        "completed",
        "approve",
        "li.wei",
        ("front-desk",),
    )
    assert task.ended_at == datetime.fromtimestamp(START / 1000 + 6, UTC)


def test_an_answer_is_final_when_the_engine_took_it(database: Database) -> None:
    with database.begin() as tx:
        tx.add(
            Complaint(
                number="C-1", policy="petition", channel="phone", text="x", customer_key="k", received_at=NOON
            )
        )
        tx.flush()
        for key in ("70", "71"):
            tx.add(
                Answer(task_key=key, field="reply", number="C-1", form="f", value="v", author="a", at=NOON)
            )
    apply_batch(database, [user_task(1, 70), user_task(2, 71), user_task(3, 70, "COMPLETED")])
    apply_batch(database, [user_task(4, 71, "CANCELED")])
    with database.read() as tx:
        final = {answer.task_key: answer.is_final for answer in tx.query(Answer)}
        states = {task.key: task.state for task in tx.query(UserTask)}
    assert final == {"70": True, "71": False}
    assert states == {"70": "completed", "71": "cancelled"}


def test_text_that_one_database_would_refuse_is_made_to_fit(database: Database) -> None:
    """A record that can't be kept would stop the stream for ever."""
    message, long = "broken\0pipe", "Task_" + "x" * 200
    apply_batch(database, [incident(1, 80, errorMessage=message), incident(2, 81, elementId=long)])
    with database.read() as tx:
        first, second = tx.query(Incident).order_by(Incident.key)
    assert first.error_message == "brokenpipe"
    assert second.element_id == long[:128]


def test_a_timer_of_the_year_300000_is_kept_as_far_away(database: Database) -> None:
    value = {"processInstanceKey": -1, "targetElementId": "Event_Start", "dueDate": 9_400_000_000_000_000}
    apply_batch(database, [record(1, "TIMER", "CREATED", 90, value)])
    with database.read() as tx:
        (row,) = tx.query(Timer)
        assert (row.process_instance_key, row.due_at.year) == (None, 9999)


def test_a_timer_waits_fires_or_is_cancelled(database: Database) -> None:
    apply_batch(database, [timer(1, 90, NOON), timer(2, 91, NOON), timer(3, 92, NOON)])
    apply_batch(database, [timer(4, 91, NOON, "TRIGGERED"), timer(5, 92, NOON, "CANCELED")])
    with database.read() as tx:
        assert {row.key: row.state for row in tx.query(Timer)} == {
            "90": "waiting",
            "91": "triggered",
            "92": "cancelled",
        }


def test_sequence_flows_and_unknown_records_are_passed_over(database: Database) -> None:
    unknown = record(2, "TELEPORT", "ARRIVED", 1, {"whatever": 1})
    odd_intent = element(3, 32, "SERVICE_TASK", "ELEMENT_PONDERING")
    applied = apply_batch(
        database, [element(1, 31, "SEQUENCE_FLOW", "SEQUENCE_FLOW_TAKEN"), unknown, odd_intent]
    )
    assert applied.applied == 3
    assert tables(database)["elements"] == []


def test_steps_of_elements_change_nothing_and_are_not_even_read() -> None:
    """A text that looks like one is: a customer may have written what a record says."""
    steps = [
        element(1, 31, "SEQUENCE_FLOW", "SEQUENCE_FLOW_TAKEN"),
        element(2, 32, "SERVICE_TASK", "ELEMENT_COMPLETING"),
        element(3, 32, "SERVICE_TASK", "ELEMENT_TERMINATING"),
    ]
    said = '{"valueType":"PROCESS_INSTANCE","intent":"ELEMENT_COMPLETING"}'
    others = [
        element(4, 32, "SERVICE_TASK", "ELEMENT_COMPLETED"),
        record(5, "VARIABLE", "CREATED", 41, {"name": "text", "value": said}),
        record(6, "VARIABLE", "CREATED", 42, {"intent": "ELEMENT_COMPLETING"}),
    ]
    assert project(steps).rows == {}
    assert read_batch(body([*steps, *others])) == others


def test_a_migrated_instance_is_one_of_the_other_process(database: Database) -> None:
    apply_batch(database, [instance(1, 7), element(2, 71, "USER_TASK"), user_task(3, 70)])
    moved = {"bpmnProcessId": "process-new", "processDefinitionKey": 501, "version": 3}
    process = instance(4, 7, intent="ELEMENT_MIGRATED")
    task = element(5, 71, "USER_TASK", "ELEMENT_MIGRATED", elementId="Task_New", bpmnProcessId="process-new")
    known = user_task(6, 70, "MIGRATED", elementId="Task_New", **moved)
    apply_batch(
        database, [record(4, "PROCESS_INSTANCE", process.intent, 7, process.value | moved), task, known]
    )
    content = tables(database)
    assert content["process_instances"][0]["version"] == 3
    assert content["elements"][0]["element_id"] == "Task_New"
    assert content["user_tasks"][0]["definition_key"] == "501"


def test_a_record_that_cannot_be_read_stops_the_whole_batch(database: Database) -> None:
    broken = record(2, "USER_TASK", "CREATED", 70, {"elementId": "Task_Decide"})
    with pytest.raises(
        MalformedBatch, match=r"Record 2 of partition 1 \(USER_TASK CREATED\) cannot be read: KeyError"
    ):
        apply_batch(database, [instance(1, 7), broken])
    assert all(rows == [] for rows in tables(database).values())


def test_records_of_a_wiped_engine_are_refused(database: Database) -> None:
    """Its positions begin at 1 again: as repetitions they would be skipped in silence, for ever."""
    apply_batch(database, [instance(position, 100 + position) for position in range(1, 50)])
    later = START + 3_600_000
    with pytest.raises(ForeignRecords, match="belongs to other engine data"):
        apply_batch(database, [instance(1, 7, timestamp=later)])


def test_an_engine_whose_clock_was_set_back_is_not_mistaken_for_another(database: Database) -> None:
    apply_batch(database, [instance(1, 7), instance(2, 8)])
    earlier = START - 3_600_000
    apply_batch(database, [instance(3, 9, timestamp=earlier)])
    assert apply_batch(database, [instance(2, 8), instance(3, 9, timestamp=earlier)]).skipped == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22T12:00:00Z", NOON),
        ("2026-11-22T12:00:00.5Z[Etc/UTC]", NOON + timedelta(milliseconds=500)),
        ("2026-11-22T20:00+08:00", NOON.astimezone(timezone(timedelta(hours=8)))),
        ("2026-11-22T12:00:00", NOON),
        ("", None),
        ("tomorrow", None),
    ],
)
def test_due_dates_as_the_engine_writes_them(
    sqlite_database: Database, text: str, expected: datetime | None
) -> None:
    apply_batch(sqlite_database, [user_task(1, 70, dueDate=text)])
    with sqlite_database.read() as tx:
        assert record_queries.task(tx, "70").due_at == expected


def test_a_decision_leaves_the_rows_that_said_so(database: Database) -> None:
    """Who asks why gets the row of the table, what it was asked with, and what it says of itself."""
    dmn = b"""<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="D">
      <decision id="authority" name="Authority"><description>of the table</description><decisionTable id="T">
        <rule id="Rule_Branch"><description>D3: up to
          &#165;200</description><inputEntry id="i"><description>no</description></inputEntry></rule>
        <rule id="Rule_City" /></decisionTable></decision></definitions>"""
    deployed = {
        "decisionRequirementsKey": 600,
        "resourceName": "refund-authority.dmn",
        "resource": base64.b64encode(dmn).decode(),
    }
    decision = {
        "decisionId": "authority",
        "decisionName": "退费权限",
        "evaluatedInputs": [{"inputId": "I", "inputName": "金额", "inputValue": "15000"}],
        "matchedRules": [
            {
                "ruleId": "Rule_Branch",
                "ruleIndex": 1,
                "evaluatedOutputs": [{"outputId": "O", "outputName": "tier", "outputValue": '"branch"'}],
            }
        ],
    }
    value = {
        "processInstanceKey": 7,
        "elementId": "Task_DecideAuthority",
        "decisionRequirementsKey": 600,
        "evaluatedDecisions": [decision],
    }
    by_itself = value | {"processInstanceKey": -1}
    broken = value | {"evaluatedDecisions": []}
    records = [
        record(1, "DECISION_REQUIREMENTS", "CREATED", 600, deployed),
        instance(2, 7),
        record(3, "DECISION_EVALUATION", "EVALUATED", 701, value),
        record(4, "DECISION_EVALUATION", "EVALUATED", 702, by_itself),
        record(5, "DECISION_EVALUATION", "FAILED", 703, broken),
    ]
    apply_batch(database, records)
    apply_batch(database, records)
    with database.read() as tx:
        (reason,) = task_view.reasons(tx, "7")
    assert (reason.decision, reason.rule_id, reason.says) == ("退费权限", "Rule_Branch", "D3: up to ¥200")
    assert (reason.inputs, reason.outputs) == ({"金额": 15000}, {"tier": "branch"})


def test_of_a_table_asked_twice_the_last_answer_counts(database: Database) -> None:
    """A tier later the same table says something else; the callers' tables count, too."""

    def evaluated(
        position: int, key: int, place: int, instance_key: int = 7, table: str = "authority"
    ) -> Record:
        rule = {"ruleId": f"Rule_{place}", "ruleIndex": place, "evaluatedOutputs": []}
        decision = {"decisionId": table, "decisionName": table, "evaluatedInputs": [], "matchedRules": [rule]}
        value = {
            "processInstanceKey": instance_key,
            "elementId": "Task",
            "decisionRequirementsKey": 600,
            "evaluatedDecisions": [decision],
        }
        return record(position, "DECISION_EVALUATION", "EVALUATED", key, value)

    records = [instance(1, 5), instance(2, 7, parent=5)]
    records += [evaluated(3, 700, 1), evaluated(4, 701, 2), evaluated(5, 702, 1, 5, "deadlines")]
    records += [evaluated(6, 703, 9, 8, "another-case")]
    apply_batch(database, records)
    with database.read() as tx:
        found = [(each.decision_id, each.rule_id) for each in task_view.reasons(tx, "7")]
    assert found == [("deadlines", "Rule_1"), ("authority", "Rule_2")]
