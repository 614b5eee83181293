"""What Prometheus is told: by real parts, over HTTP, in the form that its own parser reads."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import event

from tests.bootstrap.prometheus_page import read, scrape, value
from tests.desk_server import add_complaint, add_incident, add_task, running
from tests.engine.scripted_gateway import ScriptedGateway, until
from tests.records.streams import body, instance
from workers import metrics
from workers.bootstrap import telemetry
from workers.bootstrap.probe import Told, probed
from workers.bootstrap.telemetry import Exposition, InstanceFigures
from workers.bootstrap.telling import instance_figures, told_of_host
from workers.clock import MovedClock
from workers.engine.host import WorkerHost
from workers.engine.jobs import Job, Task, bind
from workers.errors import Broken, BusinessError, RetryLater
from workers.records.endpoint import RecordsServer
from workers.settings import EngineSettings, ProbeSettings
from workers.store import beats, deadlines, outbox
from workers.store.beats import Beat
from workers.store.database import Database
from workers.tasks import TASKS

ANY_PORT = ProbeSettings(port=0)
DOCS = Path(__file__).parents[2] / "docs"


def test_workers_tell_what_became_of_jobs_and_how_long_it_took(sqlite_database: Database) -> None:
    """By job type and outcome; what is held, and since when the engine was asked."""
    errors = {"a-thrown": BusinessError("X", "x"), "a-later": RetryLater("x"), "a-broken": Broken("x")}

    def work(*, job: Job) -> None:
        if job.type in errors:
            raise errors[job.type]

    kinds = ["a-done", *errors]

    async def story() -> None:
        async with ScriptedGateway() as gateway:
            settings = EngineSettings(retry_seconds=60)
            host = WorkerHost(gateway.handle, [bind(Task(kind, work), {}) for kind in kinds], settings)
            stop = asyncio.Event()
            at_work = asyncio.create_task(host.run(stop))
            async with probed(ANY_PORT, told_of_host(host, sqlite_database)) as address:
                for kind in kinds:
                    await gateway.offer(kind)
                await gateway.wait(lambda: not gateway.open or len(gateway.named("FailJob")) == 2)
                await until(lambda: all(not each.running for each in host.report().types))
                page = await asyncio.to_thread(scrape, str(address))
            stop.set()
            await at_work
        for kind, outcome in zip(kinds, ("completed", "thrown", "failed", "failed"), strict=True):
            assert value(page, "duban_jobs_total", type=kind, outcome=outcome) == 1, kind
            assert value(page, "duban_job_duration_seconds_count", type=kind) == 1
            assert value(page, "duban_job_poll_age_seconds", type=kind) < 60
            assert value(page, "duban_jobs_held", type=kind) == 0
        assert value(page, "duban_worker_healthy") == 1
        assert value(page, "duban_engine_call_duration_seconds_count", call="complete-job") >= 1
        assert value(page, "duban_store_connections_limit") == 80
        assert value(page, "process_resident_memory_bytes") > 1_000_000
        (build,) = page["duban_build_info"]
        assert dict(build)["part"] == "work"
        assert "duban_store_up" not in page, "another part tells of the whole instance"

    asyncio.run(story())


def test_a_call_that_the_engine_refuses_is_counted_by_its_status(sqlite_database: Database) -> None:
    import grpc

    before = value(read(Exposition([]).text().decode()), "duban_engine_call_errors_total", **REFUSED)

    async def story() -> None:
        async with ScriptedGateway() as gateway:
            gateway.faults["CompleteJob"].append(grpc.StatusCode.RESOURCE_EXHAUSTED)
            host = WorkerHost(gateway.handle, [bind(Task("b-done", lambda: None), {})], EngineSettings())
            stop = asyncio.Event()
            at_work = asyncio.create_task(host.run(stop))
            key = await gateway.offer("b-done")
            await gateway.wait(lambda: len(gateway.named("CompleteJob", key)) == 2)
            stop.set()
            await at_work

    asyncio.run(story())
    after = value(read(Exposition([]).text().decode()), "duban_engine_call_errors_total", **REFUSED)
    assert after == before + 1


REFUSED = {"call": "complete-job", "code": "RESOURCE_EXHAUSTED"}


def test_one_part_tells_how_the_whole_instance_is(database: Database) -> None:
    """Overdue by level, tasks, what waits for delivery, stuck work, who works on what: from the store."""
    with running(database) as desk:
        clock = desk.clock
        late, fine = add_complaint(desk), add_complaint(desk, external_ref="2")
        add_task(desk, late)
        add_incident(desk, late)
    now = clock.now()
    with database.begin() as tx:
        deadlines.put(tx, late, "result", now - timedelta(hours=1))
        deadlines.put(tx, fine, "result", now + timedelta(hours=1))
        for each in range(3):
            message = outbox.NewMessage(
                late, "complaint-accepted", "customer", "sms", "+86138", None, "正文", None
            )
            assert outbox.add(tx, message, str(each), now - timedelta(seconds=90))
        (given_up,) = outbox.claim(tx, now, 1, timedelta(minutes=5), channel="sms")
        outbox.mark_failed(tx, given_up, "no such number", None)
        beat = Beat(TASKS[0].type, None, 0, 0, 0, None)
        beats.write(tx, "one:1:a", datetime.now(UTC), datetime.now(UTC), [beat])

    async def story() -> None:
        told = Told("records", database, instance=instance_figures(database, clock))
        async with probed(ANY_PORT, told) as address:
            page = await asyncio.to_thread(scrape, str(address))
        assert value(page, "duban_store_up") == 1
        assert {dict(labels)["tier"]: count for labels, count in page["duban_complaints_overdue"].items()} == {
            "front-desk": 1, "department": 0, "branch": 0, "city": 0, "province": 0,
        }  # fmt: skip
        assert value(page, "duban_complaints_open", status="received") == 2
        assert sum(page["duban_tasks_open"].values()) == 1
        assert value(page, "duban_outbox_messages", state="pending") == 2
        assert value(page, "duban_outbox_messages", state="dead") == 1
        assert value(page, "duban_outbox_oldest_seconds") >= 90
        assert value(page, "duban_engine_requests_waiting") == 2, "both starts"
        assert sum(page["duban_engine_incidents_open"].values()) == 1
        alive = {dict(labels)["type"]: count for labels, count in page["duban_workers_alive"].items()}
        assert set(alive) == {task.type for task in TASKS}, "also those that nobody works on"
        assert {kind for kind, count in alive.items() if count} == {TASKS[0].type}

    asyncio.run(story())


def test_a_store_that_is_away_costs_its_figures_and_nothing_else(
    sqlite_database: Database, tmp_path: Path
) -> None:
    """The probe answers at once and says so; when the store is back, so are the figures."""
    figures = instance_figures(sqlite_database)
    away = True

    def refuse(*_: object) -> None:
        if away:
            raise OSError("no route to the store")

    event.listen(sqlite_database.engine, "engine_connect", refuse)

    async def story() -> None:
        nonlocal away
        async with probed(ANY_PORT, Told("records", sqlite_database, instance=figures)) as address:
            page = await asyncio.to_thread(scrape, str(address))
            assert value(page, "duban_store_up") == 0 and "duban_store_up" in page
            assert "duban_outbox_messages" not in page and "duban_complaints_overdue" not in page
            assert "duban_event_loop_lag_seconds" in page
            away = False
            page = await asyncio.to_thread(scrape, str(address))
            assert value(page, "duban_store_up") == 1 and "duban_outbox_messages" in page

    asyncio.run(story())


def test_a_store_that_hangs_keeps_nobody_waiting_and_is_asked_once(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often Prometheus asks meanwhile: one question is under way, never a heap of them."""
    monkeypatch.setattr(telemetry, "PATIENCE_SECONDS", 0.2)
    gate, asked = threading.Event(), []

    def hang(*_: object) -> None:
        asked.append(1)
        assert gate.wait(60)

    event.listen(sqlite_database.engine, "engine_connect", hang)

    async def story() -> None:
        told = Told("records", sqlite_database, instance=instance_figures(sqlite_database))
        async with probed(ANY_PORT, told) as address:
            for _ in range(3):
                began = time.monotonic()
                page = await asyncio.to_thread(scrape, str(address))
                assert value(page, "duban_store_up") == 0
                assert time.monotonic() - began < 10
            assert len(asked) == 1
            gate.set()
            await until(lambda: figures_are_there(told))

    asyncio.run(story())


def figures_are_there(told: Told) -> bool:
    assert told.instance is not None
    return len(list(told.instance.told())) > 1


def test_the_store_is_not_asked_again_for_some_seconds(sqlite_database: Database) -> None:
    """Two Prometheus servers cost the store no more than one."""
    asked: list[object] = []
    event.listen(sqlite_database.engine, "engine_connect", lambda *what: asked.append(what))
    figures = InstanceFigures(sqlite_database, MovedClock(), ())

    async def story() -> None:
        for _ in range(5):
            await figures.refresh()

    asyncio.run(story())
    assert len(asked) == 1


def test_what_the_store_said_long_ago_is_not_told_any_more(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = InstanceFigures(sqlite_database, MovedClock(), ())
    asyncio.run(figures.refresh())
    assert len(list(figures.told())) > 1
    monkeypatch.setattr(telemetry, "FORGOTTEN_SECONDS", -1.0)
    (alone,) = figures.told()
    assert alone.name == "duban_store_up"


def test_a_source_that_fails_costs_its_own_figures_only() -> None:
    """A page that is not there would hide everything else."""

    def broken() -> list[GaugeMetricFamily]:
        raise RuntimeError("13800000000")

    text = Exposition([broken, lambda: [metrics.STORE_UP.is_(1)]]).text().decode()
    assert value(read(text), "duban_store_up") == 1


def test_pages_are_counted_by_route_and_never_by_address(sqlite_database: Database) -> None:
    """A number in a label would be a series of its own for each case, and tell who looked at what."""
    with running(sqlite_database) as desk, desk.client() as client:
        number = add_complaint(desk)
        assert client.get(f"/api/v1/complaints/{number}").status_code == 200
        assert client.get("/api/v1/complaints/TS19990101-000001").status_code == 404
        assert client.get("/no/such/page/4711").status_code in {303, 404}
        assert client.get("/static/page.css").status_code == 200
        assert client.request("BREW", "/").status_code >= 400
        assert client.get("/", headers={"Host": "elsewhere.example"}).status_code == 421
        text = Exposition([]).text().decode()
        assert client.get("/metrics").status_code == 404, "never on the port of the pages"
    page = read(text)
    route = {"method": "GET", "route": "/api/v1/complaints/{number}"}
    assert value(page, "duban_http_requests_total", **route, status="200") >= 1
    assert value(page, "duban_http_requests_total", **route, status="404") >= 1
    assert value(page, "duban_http_request_duration_seconds_count", **route) >= 2
    assert number not in text and "4711" not in text and "TS1999" not in text and "BREW" not in text
    routes = {dict(labels)["route"] for labels in page["duban_http_requests_total"]}
    assert {"/static", "none"} <= routes, "none: refused before anybody looked where it leads"


def test_the_record_stream_is_counted(sqlite_database: Database) -> None:
    """How much came in, how long it took, and how far the tables are behind."""
    before = read(Exposition([]).text().decode())

    async def story() -> None:
        async with (
            RecordsServer(sqlite_database, password="p") as server,
            httpx.AsyncClient(trust_env=False) as client,
        ):
            for content in (body([instance(1, 7)]), body([instance(1, 7)]), b"no record"):
                await client.post(f"{server.address}/_bulk", content=content, auth=("duban", "p"))

    asyncio.run(story())
    after = read(Exposition([]).text().decode())

    def more(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert more("duban_records_total", outcome="applied") == 1
    assert more("duban_records_total", outcome="repeated") == 1
    assert more("duban_record_batches_total", outcome="taken") == 2
    assert more("duban_record_batches_total", outcome="refused") == 1
    assert more("duban_records_lag_seconds_count") == 1


def test_nothing_listens_where_no_port_is_set(sqlite_database: Database) -> None:
    async def story() -> None:
        async with probed(ProbeSettings(), Told("send", sqlite_database)) as address:
            assert address is None

    asyncio.run(story())


def test_every_metric_follows_the_conventions_of_prometheus() -> None:
    """Counters end in _total, times are seconds, help is a sentence; labels are few and none is a number of a case."""
    labels: set[str] = set()
    for each in metrics.COUNTED:
        assert each._name.startswith("duban_") and each._documentation
        labels |= set(each._labelnames)
    for looked_up in metrics.LOOKED_UP:
        assert looked_up.name.startswith("duban_") and looked_up.says
        labels |= set(looked_up.labels)
    assert labels <= {
        *("type", "outcome", "call", "code", "name", "policy", "channel", "method", "route", "status"),
        *("version", "part", "state", "tier", "group", "process", "partition"),
    }
    names = [each._name for each in metrics.COUNTED] + [each.name for each in metrics.LOOKED_UP]
    assert len(names) == len(set(names))
    declared = {name for name, found in vars(metrics).items() if isinstance(found, metrics.Gauge)}
    assert len(declared) == len(metrics.LOOKED_UP), "every gauge is listed"


def test_a_port_that_is_taken_is_told_in_a_sentence(sqlite_database: Database) -> None:
    from workers.errors import Refused

    async def story() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            settings = ProbeSettings(port=taken.getsockname()[1])
            with pytest.raises(Refused, match="DUBAN_PROBE__PORT"):
                async with probed(settings, Told("send", sqlite_database)):
                    pass

    asyncio.run(story())


def documented() -> Mapping[str, str]:
    """Metric -> its line of docs/metrics.md."""
    lines = (DOCS / "metrics.md").read_text(encoding="utf-8").splitlines()
    return {line.split("`")[1]: line for line in lines if line.startswith("| `duban_")}


def test_every_metric_is_documented_as_it_is() -> None:
    """If this fails: `python tools/write_metrics_page.py`."""
    from tools import write_metrics_page

    assert (DOCS / "metrics.md").read_text(encoding="utf-8") == write_metrics_page.page()
    assert len(documented()) == len(metrics.COUNTED) + len(metrics.LOOKED_UP)
