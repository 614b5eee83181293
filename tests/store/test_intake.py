"""A complaint is kept, and its process owed, exactly once, whoever sends it how often (rules A1, A2)."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from workers.cases.complaint import ComplaintLine, check
from workers.clock import MovedClock
from workers.errors import Conflict, NotFound
from workers.names import Message, Status
from workers.store import complaints, intake, requests, timeline
from workers.store.database import Database
from workers.store.tables import Complaint, EngineRequest, TimelineEntry

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)


class StoppedClock:
    """Stands at one instant."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def line(**fields: Any) -> ComplaintLine:
    """A complaint line, with what the test cares about."""
    document: dict[str, Any] = {"policy": "petition", "channel": "web", "text": "宽带断网"}
    return check(document | {"customer": {"name": "周晓岚", "phone": "13900001001"}} | fields)


def test_everything_is_there_when_intake_answers(database: Database) -> None:
    woken: list[str] = []
    sent = line(
        region={"province": "浙江", "city": "杭州", "branch": "西湖"},
        product="broadband",
        flags=["media"],
        external_ref="a-1",
        customer={
            "name": "周晓岚",
            "phone": "139 0000 1001",
            "customer_no": "HZ-1",
            "email": "zhou@example.com",
        },
    )
    accepted = intake.accept(database, StoppedClock(), sent, wake=lambda: woken.append("relay"))
    assert accepted == intake.Accepted("TS20261122-000001", is_new=True)
    assert woken == ["relay"]
    with database.read() as tx:
        complaint = complaints.get(tx, accepted.number)
        [request] = tx.scalars(select(EngineRequest))
        [entry] = timeline.of(tx, accepted.number)
    assert (complaint.customer_phone, complaint.customer_key) == ("+8613900001001", "no:HZ-1")
    assert (complaint.status, complaint.received_at) == (Status.RECEIVED, NOON)
    assert (request.message_id, request.name) == (
        f"{accepted.number}:complaint-received",
        Message.COMPLAINT_RECEIVED,
    )
    assert request.variables == {
        "number": accepted.number,
        "policy": "petition",
        "channel": "web",
        "product": "broadband",
        "province": "浙江",
        "city": "杭州",
        "branch": "西湖",
        "flags": ["media"],
        "received_at": "2026-11-22T12:00:00+08:00",
        "reopen_count": 0,
        "is_repeat": False,
    }
    assert (entry.code, entry.who, entry.at) == ("received", "customer", NOON)


def test_no_personal_data_goes_to_the_engine(database: Database) -> None:
    secret = {"name": "周晓岚", "phone": "13900001001", "email": "zhou@example.com", "customer_no": "HZ-77"}
    intake.accept(
        database, StoppedClock(), line(customer=secret, text="密语", impact="影响", external_ref="ref-9")
    )
    with database.read() as tx:
        [variables] = tx.scalars(select(EngineRequest.variables))
    told = json.dumps(variables, ensure_ascii=False)
    for word in ("周晓岚", "13900001001", "zhou", "HZ-77", "密语", "影响", "ref-9"):
        assert word not in told


def test_the_same_reference_of_a_channel_is_the_same_complaint(database: Database) -> None:
    woken: list[str] = []
    first = intake.accept(database, StoppedClock(), line(external_ref="a-1"))
    again = intake.accept(
        database, StoppedClock(), line(external_ref="a-1", text="x"), lambda: woken.append("x")
    )
    other = intake.accept(database, StoppedClock(), line(external_ref="a-1", channel="phone"))
    assert again == intake.Accepted(first.number, is_new=False)
    assert woken == []
    assert other.is_new and other.number != first.number
    assert count(database, EngineRequest) == 2


def test_the_number_has_the_day_in_shanghai(database: Database) -> None:
    before, after = datetime(2026, 11, 22, 15, 59, tzinfo=UTC), datetime(2026, 11, 22, 16, tzinfo=UTC)
    numbers = [intake.accept(database, StoppedClock(at), line()).number for at in (before, after, after)]
    assert numbers == ["TS20261122-000001", "TS20261123-000001", "TS20261123-000002"]


def test_eight_threads_with_the_same_twenty_complaints(database: Database) -> None:
    """Every thread gets the same number for the same reference, and one start request is owed for each."""
    together = Barrier(8)

    def send(_thread: int) -> list[intake.Accepted]:
        together.wait(30)
        return [intake.accept(database, MovedClock(), line(external_ref=f"r-{index}")) for index in range(20)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    for index in range(20):
        same = [answer[index] for answer in answers]
        assert len({accepted.number for accepted in same}) == 1
        assert sum(accepted.is_new for accepted in same) == 1
    assert (count(database, Complaint), count(database, EngineRequest), count(database, TimelineEntry)) == (
        20,
        20,
        20,
    )


def test_eight_threads_without_references_never_share_a_number(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: intake.accept(database, StoppedClock(), line()).number, range(80)))
    assert sorted(numbers) == [f"TS20261122-{index:06}" for index in range(1, 81)]


references = st.tuples(st.sampled_from(["web", "phone"]), st.sampled_from([None, "a", "b", "c"]))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(references, max_size=12))
def test_one_process_is_owed_for_each_complaint(
    database: Database, arrivals: list[tuple[str, str | None]]
) -> None:
    """A channel and reference seen before give the earlier number; anything else a new one."""
    with database.begin() as tx:
        round_ = tx.scalars(select(func.count()).select_from(Complaint)).one()
    known: dict[tuple[str, str], str] = {}
    before = round_
    for channel, reference in arrivals:
        ref = None if reference is None else f"{round_}-{reference}"
        accepted = intake.accept(database, StoppedClock(), line(channel=channel, external_ref=ref))
        if ref is not None:
            assert accepted.is_new == ((channel, ref) not in known)
            assert known.setdefault((channel, ref), accepted.number) == accepted.number
        before += accepted.is_new
    assert count(database, Complaint) == count(database, EngineRequest) == before


class TestWithdrawal:
    def test_is_owed_to_the_engine_once(self, database: Database) -> None:
        number = intake.accept(database, StoppedClock(), line()).number
        requests.withdraw(database, StoppedClock(), number)
        with pytest.raises(Conflict, match="under way"):
            requests.withdraw(database, StoppedClock(), number)
        assert names(database) == ["complaint-received", "complaint-withdrawn"]

    def test_of_an_ended_complaint_is_refused(self, database: Database) -> None:
        number = intake.accept(database, StoppedClock(), line()).number
        set_status(database, number, Status.CLOSED)
        with pytest.raises(Conflict, match="closed"):
            requests.withdraw(database, StoppedClock(), number)
        assert names(database) == ["complaint-received"]

    def test_of_nothing_is_refused(self, database: Database) -> None:
        with pytest.raises(NotFound, match="TS1"):
            requests.withdraw(database, StoppedClock(), "TS1")


class TestSurvey:
    def test_before_the_result_is_refused(self, database: Database) -> None:
        number = intake.accept(database, StoppedClock(), line()).number
        with pytest.raises(Conflict, match="no result yet"):
            answer(database, number)

    def test_one_answer_each_time_a_result_is_told(self, database: Database) -> None:
        number = intake.accept(database, StoppedClock(), line()).number
        tell_result(database, number, "1")
        answer(database, number)
        with pytest.raises(Conflict, match="answered already"):
            answer(database, number)
        record_satisfaction(database, number, "1")
        with pytest.raises(Conflict, match=r"over.*dissatisfied"):
            answer(database, number)
        tell_result(database, number, "2")
        answer(database, number)
        assert names(database) == ["complaint-received", "survey-answered", "survey-answered"]


def answer(database: Database, number: str) -> None:
    requests.answer_survey(database, StoppedClock(), number, satisfaction="dissatisfied", is_solved=False)


def tell_result(database: Database, number: str, occasion: str) -> None:
    set_status(database, number, Status.RESOLVED)
    with database.begin() as tx:
        timeline.add(
            tx, number, NOON + timedelta(hours=1), "duban", "resolved", f"{number}:resolved:{occasion}"
        )


def record_satisfaction(database: Database, number: str, occasion: str) -> None:
    with database.begin() as tx:
        key, facts = f"{number}:satisfaction:{occasion}", {"satisfaction": "dissatisfied", "is_solved": False}
        timeline.add(tx, number, NOON + timedelta(hours=2), "duban", "satisfaction-recorded", key, **facts)


def set_status(database: Database, number: str, status: Status) -> None:
    with database.begin() as tx:
        complaints.get(tx, number).status = status


def names(database: Database) -> list[str]:
    with database.read() as tx:
        return sorted(tx.scalars(select(EngineRequest.name)))


def count(database: Database, table: type[Any]) -> int:
    with database.read() as tx:
        return tx.scalars(select(func.count()).select_from(table)).one()


def test_A1_a_page_sent_twice_is_one_complaint_though_the_channel_was_changed(database: Database) -> None:
    """The answer got lost, the clerk corrects the channel and sends again: the same number; another page: another."""
    first, second = (line(channel=channel) for channel in ("phone", "hall"))
    clock = StoppedClock()
    numbers = [
        intake.accept(database, clock, sent, submission=page)
        for sent, page in ((first, "p1"), (second, "p1"), (first, "p2"))
    ]
    assert [each.is_new for each in numbers] == [True, False, True]
    assert numbers[0].number == numbers[1].number != numbers[2].number
