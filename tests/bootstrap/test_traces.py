"""Traces: told to a real collector by OTLP, one trace per case over all parts, nothing personal, nothing when off."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.bootstrap.collector import Collector, collecting
from tests.desk_server import running
from tests.engine.scripted_gateway import ScriptedGateway, until
from workers import tracing
from workers.bootstrap.traces import traced_to
from workers.clock import MovedClock, SystemClock
from workers.engine.gateway import Gateway
from workers.engine.host import WorkerHost
from workers.engine.jobs import Task, bind
from workers.engine.messages import Messages
from workers.engine.relay import Relay
from workers.errors import Broken
from workers.notifications.sender import Sender
from workers.settings import EngineSettings, NotificationSettings, TracingSettings
from workers.store import outbox
from workers.store.database import Database

CALLER = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
"""Trace and span of a system that hands in a complaint: the example of the W3C."""
PERSONAL = ("钱三三", "13955554444", "天目山路十八号楼")


def told_to(collector: Collector, **more: Any) -> TracingSettings:
    return TracingSettings(endpoint=collector.url, **more)


def hand_in(database: Database, ref: str = "1") -> str:
    """A complaint over HTTP, by a system that traces, too."""
    line = {
        "policy": "petition",
        "channel": "web",
        "text": f"没有信号，地址是{PERSONAL[2]}。",
        "customer": {"name": PERSONAL[0], "phone": PERSONAL[1]},
        "region": {"province": "江苏", "city": "南京"},
        "product": "mobile",
        "external_ref": ref,
    }
    with running(database) as desk, desk.client() as client:
        headers = {"traceparent": f"00-{CALLER[0]}-{CALLER[1]}-01"}
        answer = client.post("/api/v1/complaints", json=line, headers=headers)
        assert answer.status_code == 201, answer.text
        again = client.post("/api/v1/complaints", json=line, headers=headers)
        assert again.json()["number"] == answer.json()["number"]
        return str(answer.json()["number"])


def publish(database: Database) -> None:
    """The relay, for as long as something is owed."""

    async def story() -> None:
        async with ScriptedGateway() as script, Gateway(script.handle) as gateway:
            assert await Relay(database, Messages(gateway), SystemClock()).publish_pending() == 1

    asyncio.run(story())


def work(number: str, error: Exception | None = None) -> None:
    """A job of the case, done by a worker host."""

    def task(*, number: str) -> None:
        if error is not None:
            raise error

    async def story() -> None:
        async with ScriptedGateway() as gateway:
            host = WorkerHost(gateway.handle, [bind(Task("classify-complaint", task), {})], EngineSettings())
            stop = asyncio.Event()
            at_work = asyncio.create_task(host.run(stop))
            await gateway.offer("classify-complaint", {"number": number, "customer_name": PERSONAL[0]})
            await until(lambda: bool(host.status["classify-complaint"].outcomes))
            stop.set()
            await at_work

    asyncio.run(story())


class Taken:
    """A channel that takes everything."""

    def deliver(self, delivery: object) -> None:
        pass

    def close(self) -> None:
        pass


def send(database: Database, number: str) -> None:
    """A message to the customer, delivered."""
    clock = MovedClock()
    with database.begin() as tx:
        message = outbox.NewMessage(
            number, "complaint-accepted", "customer", "sms", PERSONAL[1], None, PERSONAL[2], None
        )
        outbox.add(tx, message, "1", clock.now())
    sender = Sender(database, {"sms": Taken()}, clock, NotificationSettings())

    async def story() -> None:
        stop = asyncio.Event()
        at_work = asyncio.create_task(sender.run(stop))
        await until(sender.is_settled)
        stop.set()
        await at_work

    asyncio.run(story())


def test_one_trace_shows_intake_job_and_message_of_a_case(sqlite_database: Database) -> None:
    """Four processes that tell each other nothing; the intake is the root, and knows the trace of who handed it in."""
    with collecting() as collector:
        with traced_to(told_to(collector), "desk"):
            number = hand_in(sqlite_database)
        with traced_to(told_to(collector), "send"):
            publish(sqlite_database)
            send(sqlite_database, number)
        with traced_to(told_to(collector), "work"):
            work(number)
    spans = {span.name: span for span in collector.spans}
    assert set(spans) == {
        "intake",
        "tell engine complaint-received",
        "job classify-complaint",
        "message complaint-accepted",
    }
    assert len(collector.spans) == 4, "what was handed in twice was taken in once"
    assert {span.trace_id for span in collector.spans} == {f"{tracing.ids(number, 'duban')[0]:032x}"}
    root = spans.pop("intake")
    assert root.parent_id == "" and {span.parent_id for span in spans.values()} == {root.span_id}
    assert root.links == (CALLER,)
    assert [spans[name].service for name in sorted(spans)] == ["duban-work", "duban-send", "duban-send"]
    job = spans["job classify-complaint"].attributes
    assert job["duban.number"] == number and job["duban.outcome"] == "completed"
    assert job["duban.job_type"] == "classify-complaint" and job["duban.job_key"].isdecimal()
    message = spans["message complaint-accepted"].attributes
    assert (message["duban.event"], message["duban.channel"]) == ("complaint-accepted", "sms")
    assert not [word for word in PERSONAL for sent in collector.bodies if word.encode() in sent]


def test_a_job_that_fails_says_why_in_our_words_only() -> None:
    """A sentence of ours, or class and place: the words of others may quote a value."""
    with collecting() as collector, traced_to(told_to(collector), "work"):
        work("TS20260101-000001", Broken("a row is missing"))
        work("TS20260101-000002", ValueError(PERSONAL[1]))
    ours, theirs = sorted(span.error for span in collector.spans)
    assert ours == "Broken: a row is missing"
    assert theirs.startswith("ValueError in task") and PERSONAL[1] not in theirs


def test_a_case_is_traced_wholly_or_not_at_all() -> None:
    """By the trace's id: every process decides alike without asking."""
    numbers = [f"TS20260101-{each:06}" for each in range(200)]
    with collecting() as collector:
        for part in ("desk", "work"):
            with traced_to(told_to(collector, share=0.3), part):
                for number in numbers:
                    with tracing.span("intake" if part == "desk" else "job x", number, "server") as told:
                        told.is_root = part == "desk"
    seen = {
        part: {span.trace_id for span in collector.spans if span.service == f"duban-{part}"}
        for part in ("desk", "work")
    }
    assert seen["desk"] == seen["work"] and 30 <= len(seen["desk"]) <= 90


def test_two_installations_on_one_collector_keep_their_cases_apart() -> None:
    """Both may have a complaint of the same number."""
    number = "TS20260101-000001"
    ids = [tracing.ids(number, name) for name in ("duban", "duban-test")]
    assert ids[0] == tracing.ids(number, "duban") != ids[1]
    assert all(0 < trace < 1 << 128 and 0 < span < 1 << 64 for trace, span in ids)


def test_a_collector_is_shown_the_headers_that_it_wants() -> None:
    with (
        collecting() as collector,
        traced_to(told_to(collector, headers={"Authorization": "Bearer x"}), "work"),
    ):
        work("TS20260101-000001")
    assert collector.headers and {each["authorization"] for each in collector.headers} == {"Bearer x"}


@pytest.mark.parametrize("trouble", ["refuses", "is away"])
def test_a_collector_that_is_away_costs_traces_and_no_work(trouble: str) -> None:
    """Jobs are done all the same, and the end is not held up."""
    with collecting() as collector:
        collector.status = 503
        settings = (
            told_to(collector) if trouble == "refuses" else TracingSettings(endpoint="http://127.0.0.1:1")
        )
        with traced_to(settings, "work"):
            work("TS20260101-000001")
            began = time.monotonic()
        assert time.monotonic() - began < 10
    assert collector.spans == []


def test_off_nothing_of_it_is_loaded_and_nothing_is_told() -> None:
    """The SDK takes memory and time; who has no collector has neither."""
    program = (
        "import sys\n"
        "from workers.bootstrap.traces import traced_to\n"
        "from workers.bootstrap import cluster, desk_alone, up\n"
        "from workers.settings import TracingSettings\n"
        "from workers import tracing\n"
        "with traced_to(TracingSettings(), 'work'), tracing.span('x', 'N', 'server'):\n"
        "    pass\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (f"00-{CALLER[0]}-{CALLER[1]}-01", True),
        (f"00-{'0' * 32}-{CALLER[1]}-01", False),
        (f"ff-{CALLER[0]}-{CALLER[1]}-01", False),
        ("nothing of the kind", False),
        ("00-" + "z" * 32 + "-" + "z" * 16 + "-01", False),
    ],
)
def test_what_is_no_traceparent_is_left_out(header: str, found: bool) -> None:
    assert (tracing.of_traceparent(header) is not None) is found
