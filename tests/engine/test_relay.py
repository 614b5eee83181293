"""The relay: nothing owed is lost and nothing starts twice, engine up or down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.engine.conftest import Probe
from workers.clock import SystemClock
from workers.engine.gateway import EngineHandle, Gateway
from workers.engine.messages import Messages
from workers.engine.relay import Relay
from workers.errors import Refused, Unavailable
from workers.names import COMPLAINT_PROCESS, Message
from workers.store import engine_requests
from workers.store.database import Database
from workers.store.record_tables import ProcessInstance
from workers.store.tables import Complaint, EngineRequest

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def _owe(database: Database, number: str, name: str = Message.COMPLAINT_RECEIVED) -> bool:
    with database.begin() as tx:
        if tx.get(Complaint, number) is None:
            tx.add(
                Complaint(
                    number=number,
                    policy="petition",
                    channel="phone",
                    text="x",
                    customer_key="1",
                    received_at=NOW,
                )
            )
            tx.flush()
        return engine_requests.add(tx, name, number, f"{number}:{name}", {"number": number}, NOW)


def _states(database: Database) -> dict[str, tuple[str, int]]:
    with database.read() as tx:
        return {row.number: (row.state, row.attempts) for row in tx.query(EngineRequest)}


class FakeEngine(Messages):
    """Takes messages as the engine does, or fails as it is told."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.errors: list[Exception] = []
        self.is_answer_lost = False
        self.kept_for: dict[str, timedelta] = {}

    async def publish(
        self, name: str, correlation_key: str, message_id: str, ttl: timedelta, variables: Mapping[str, Any]
    ) -> bool:
        if self.errors:
            raise self.errors.pop(0)
        is_new = message_id not in self.taken
        if is_new:
            self.taken.append(message_id)
            self.kept_for[name] = ttl
        if self.is_answer_lost:
            raise Unavailable("the answer was lost")
        return is_new


def test_a_request_is_owed_once(database: Database) -> None:
    assert _owe(database, "N1") is True
    assert _owe(database, "N1") is False
    with database.read() as tx:
        (request,) = engine_requests.pending(tx, 10)
        assert (request.number, request.variables, request.attempts) == ("N1", {"number": "N1"}, 0)
        assert engine_requests.pending(tx, 10, besides=[request.message_id]) == []


def test_what_is_owed_is_sent_oldest_first_and_marked(database: Database) -> None:
    for number in ("N1", "N2", "N3"):
        _owe(database, number)
    engine = FakeEngine()
    assert asyncio.run(Relay(database, engine, SystemClock()).publish_pending()) == 3
    assert engine.taken == [f"N{n}:complaint-received" for n in (1, 2, 3)]
    assert set(_states(database).values()) == {("sent", 1)}


def test_a8_an_answer_that_found_no_survey_is_not_kept_for_the_next_round(database: Database) -> None:
    """A second round takes a department hours; a withdrawal waits a day for its process."""
    for name in Message:
        _owe(database, "N1", name)
    engine = FakeEngine()
    asyncio.run(Relay(database, engine, SystemClock()).publish_pending())
    assert engine.kept_for[Message.SURVEY_ANSWERED] <= timedelta(hours=1)
    assert engine.kept_for[Message.COMPLAINT_RECEIVED] == timedelta(hours=24)
    assert engine.kept_for[Message.COMPLAINT_WITHDRAWN] == timedelta(hours=24)


def test_a_lost_answer_is_asked_again_and_starts_nothing_twice(database: Database) -> None:
    _owe(database, "N1")
    engine = FakeEngine()
    relay = Relay(database, engine, SystemClock())
    engine.is_answer_lost = True
    with pytest.raises(Unavailable):
        asyncio.run(relay.publish_pending())
    assert _states(database) == {"N1": ("pending", 1)}
    engine.is_answer_lost = False
    asyncio.run(relay.publish_pending())
    assert engine.taken == ["N1:complaint-received"] and _states(database) == {"N1": ("sent", 2)}


def test_a_start_whose_instance_is_known_is_not_published_again(database: Database) -> None:
    """The message's time to live may be over: then only the records know."""
    _owe(database, "N1")
    with database.begin() as tx:
        engine_requests.mark_attempt(tx, ["N1:complaint-received"])
        tx.add(
            ProcessInstance(
                key="1",
                process_id=COMPLAINT_PROCESS,
                version=1,
                definition_key="2",
                number="N1",
                state="completed",
                started_at=NOW,
            )
        )
    engine = FakeEngine()
    asyncio.run(Relay(database, engine, SystemClock()).publish_pending())
    assert engine.taken == [] and _states(database) == {"N1": ("sent", 1)}


def test_one_that_the_engine_refuses_does_not_hold_up_the_others(database: Database) -> None:
    for number in ("N1", "N2"):
        _owe(database, number)
    engine = FakeEngine()
    engine.errors = [Refused("never")]
    relay = Relay(database, engine, SystemClock())
    asyncio.run(relay.publish_pending())
    assert _states(database) == {"N1": ("pending", 1), "N2": ("sent", 1)}
    assert asyncio.run(relay.publish_pending()) == 0, "the refused one rests for a while"


async def _until(
    database: Database, number: str, is_reached: Callable[[str, int], bool], relay: Relay
) -> None:
    """Wake the relay until the request has come so far. Fails the test after a minute."""
    async with asyncio.timeout(240):
        while not is_reached(*(await asyncio.to_thread(_states, database))[number]):
            relay.wake()
            await asyncio.sleep(0.05)


@pytest.mark.engine
def test_engine_down_then_up_starts_exactly_one(probe: Probe, sqlite_database: Database) -> None:
    """Two relays; the engine's address leads nowhere at first, then to the engine."""

    async def story(number: str) -> None:
        stop = asyncio.Event()
        nowhere = EngineHandle("127.0.0.1:9", "http://127.0.0.1:9")
        async with Gateway(nowhere) as dead:
            relay = Relay(sqlite_database, Messages(dead), SystemClock())
            running = asyncio.create_task(relay.run(stop))
            await _until(sqlite_database, number, lambda _state, attempts: attempts == 2, relay)
            assert not relay.is_engine_up
            stop.set()
            await running
        again = asyncio.Event()
        relays = [Relay(sqlite_database, Messages(probe.engine.gateway), SystemClock()) for _ in range(2)]
        runs = [asyncio.create_task(relay.run(again)) for relay in relays]
        await _until(sqlite_database, number, lambda state, _attempts: state == "sent", relays[0])
        again.set()
        await asyncio.gather(*runs)

    number = probe.start(message="unheard")  # only to have a handler under a number
    _owe(sqlite_database, number, "probe-started")
    probe.run(story(number))
    assert probe.wait_end(number) == ["Event_Done"]
    probe.wait_end(probe.start())
    started = probe.sink.find("MESSAGE_START_EVENT_SUBSCRIPTION", "CORRELATED", correlationKey=number)
    assert len(started) == 1 and probe.calls_of(number) == 1
