"""What a process is made of, and how it waits and stops."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from tests.databases import Postgres
from workers.bootstrap import cluster, ports
from workers.bootstrap.folder import InstanceFile
from workers.bootstrap.parts import assembled
from workers.bootstrap.resources import models_dir
from workers.bootstrap.up import Instance
from workers.cases.region import Region
from workers.clock import SystemClock
from workers.engine import broker_process
from workers.engine.broker import EmbeddedBroker
from workers.engine.host import WorkerHost
from workers.errors import Refused, Unavailable
from workers.settings import Settings, WebSettings
from workers.store import staff


def test_workers_without_a_staff_file_leave_the_staff_alone(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    with assembled(settings, SystemClock()) as parts, parts.database.begin() as tx:
        staff.load(tx, [staff.StaffMember(username="real.person", name="真人", groups=["billing"])])

    with assembled(settings, SystemClock(), owns_staff=False) as parts, parts.database.read() as tx:
        assert [person.username for person in staff.everybody(tx)] == ["real.person"]


def test_workers_on_a_new_store_begin_with_the_sample_staff(tmp_path: Path) -> None:
    with (
        assembled(Settings(data=tmp_path), SystemClock(), owns_staff=False) as parts,
        parts.database.read() as tx,
    ):
        assert len(staff.everybody(tx)) > 1


@pytest.mark.postgres
def test_parts_that_start_at_once_on_a_new_store_do_not_meet(tmp_path: Path, postgres: Postgres) -> None:
    """A cluster starts them together; each would load the sample staff that the others load."""
    url, parts = postgres.new_database(), 6
    together = Barrier(parts)

    def start(number: int) -> int:
        settings = Settings(data=tmp_path / str(number), database_url=url)
        together.wait()
        with assembled(settings, SystemClock(), owns_staff=False) as it, it.database.read() as tx:
            return len(staff.everybody(tx))

    with ThreadPoolExecutor(parts) as threads:
        found = list(threads.map(start, range(parts)))
    assert len(set(found)) == 1 and found[0] > 1
    postgres.drop(url)


def test_a_designer_adds_a_group_where_a_table_names_it_and_nowhere_else(tmp_path: Path) -> None:
    """A new group needs no change of Python: a row of a decision table sends work to it, the staff file fills it."""
    people = tmp_path / "staff.json"
    people.write_text('[{"username": "tan.yu", "name": "谭雨", "groups": ["tariff-desk"]}]')
    models = shutil.copytree(models_dir(Settings()), tmp_path / "models")
    settings = Settings(data=tmp_path / "data", staff_file=people, models_dir=models)
    with (
        pytest.raises(Refused, match="'tariff-desk', which no user task"),
        assembled(settings, SystemClock()),
    ):
        pass

    table = models / "complaint-handling" / "responsible-department.dmn"
    table.write_text(table.read_text().replace('"billing"', '"tariff-desk"'))
    with assembled(settings, SystemClock()) as parts, parts.database.read() as tx:
        assert staff.pick_owner(tx, "tariff-desk", Region()).username == "tan.yu"


def test_a_store_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "duban.db").write_bytes(b"no database at all" * 100)

    with (
        pytest.raises(Unavailable, match="cannot be written"),
        assembled(Settings(data=tmp_path), SystemClock()),
    ):
        pass


def test_the_page_s_socket_has_an_address_for_browsers_and_answers_without_waiting_for_an_ack() -> None:
    with ports.listening(WebSettings(host="::1", port=0)) as listener:
        assert ports.url_of(listener) == f"http://[::1]:{listener.getsockname()[1]}"
        assert listener.proto == socket.IPPROTO_TCP
    with ports.listening(WebSettings(port=0)) as listener:
        assert ports.url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_an_engine_without_room_on_its_disk_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def engine_health(parts_of: Settings) -> tuple[bool, str]:
        with assembled(parts_of, SystemClock()) as parts:
            instance = Instance(parts, "http://127.0.0.1:1", "token", lambda _said: None)
            broker = EmbeddedBroker(tmp_path, parts_of.engine)
            broker_process.prepare(broker.folder)
            broker._healthy.set()
            instance._broker = broker
            instance._host = WorkerHost(broker.handle, [], parts_of.engine)
            health = (await instance._health())["engine"]
            return health.is_ok, health.says

    assert asyncio.run(engine_health(Settings(data=tmp_path)))[0]
    free = shutil.disk_usage(tmp_path).free
    monkeypatch.setattr(broker_process, "FREE_DISK", free * 2)
    monkeypatch.setattr(broker_process, "prepare", lambda folder: folder)
    is_ok, says = asyncio.run(engine_health(Settings(data=tmp_path)))
    assert not is_ok and "make room" in says


def test_an_engine_that_ended_at_once_is_not_noted(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(60)

    broker_process.remember(tmp_path, ended.pid)

    assert not (tmp_path / "engine.pid").exists()


def test_workers_do_not_join_an_instance_whose_clock_they_cannot_follow(tmp_path: Path) -> None:
    InstanceFile("http://127.0.0.1:1", "token", os.getpid(), "127.0.0.1:2", "http://127.0.0.1:3").write(
        tmp_path
    )
    (tmp_path / "clock.json").write_text('{"offset_ms": 0}', encoding="utf-8")
    settings = Settings(data=tmp_path)
    cluster.find_engine(settings)

    with pytest.raises(Refused, match="--test-clock"):
        asyncio.run(cluster.work(settings, [], lambda _said: None))


def test_a_job_type_that_no_task_does_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with assembled(Settings(data=tmp_path), SystemClock()) as parts:
        assert [task.type for task in parts.bound_tasks(["assign-owner"])] == ["assign-owner"]
        with pytest.raises(Refused, match=r"no task does no-such-type; .*register-complaint"):
            parts.bound_tasks(["no-such-type"])
