"""The parts of an instance as processes of their own: each starts, answers probes, and stops on SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.bootstrap.prometheus_page import scrape, value
from tests.engine.scripted_gateway import ScriptedGateway
from tests.engine_fixture import LoopThread
from tests.records.streams import body, instance
from workers.bootstrap.parts import assembled
from workers.bootstrap.turns import RECORDS_STEP_BACK, SENDER_STEP_BACK
from workers.clock import SystemClock
from workers.errors import Refused
from workers.settings import Settings
from workers.store import schema
from workers.store.database import Database
from workers.tasks import TASKS

DUBAN = Path(sysconfig.get_path("scripts")) / "duban"
PASSWORD = "of-the-exporter"
COMPLAINT = Path(__file__).parents[2] / "deploy" / "sample-complaints.jsonl"


@pytest.fixture
def gateway() -> Iterator[str]:
    """The address of a scripted gateway that has a leader."""
    with LoopThread() as thread:

        async def started() -> ScriptedGateway:
            gateway = ScriptedGateway()
            await gateway.start()
            return gateway

        gateway = thread.run(started())
        yield gateway.handle.grpc_address
        thread.run(gateway.stop())


class Absent:
    """An engine that is away until it comes."""

    def __init__(self, thread: LoopThread) -> None:
        self._thread, self._gateway = thread, ScriptedGateway()
        thread.run(self._gateway.start())
        self.address = self._gateway.handle.grpc_address
        thread.run(self._gateway.stop())

    def come(self) -> None:
        """From now on it answers, at the same address."""
        self._thread.run(self._gateway.start())

    def calls(self) -> set[str]:
        """What it was asked so far."""
        return {call.name for call in self._gateway.calls}

    def go(self) -> None:
        self._thread.run(self._gateway.stop())


@pytest.fixture
def absent() -> Iterator[Absent]:
    with LoopThread() as thread:
        found = Absent(thread)
        yield found
        found.go()


def until(condition: Callable[[], bool]) -> None:
    """Waits for a condition, looking often."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.1)


def run(*arguments: str, data: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    return subprocess.run(
        [DUBAN, *arguments, "--data", data],
        capture_output=True,
        text=True,
        env=_environment(settings),
        timeout=120,
        check=False,
    )


@contextmanager
def running(
    *arguments: str, data: Path, said: str, **settings: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A part at work, and the line in which it said so; ended by SIGTERM with exit code 0."""
    command = [DUBAN, *arguments, "--data", data]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environment(settings)
    ) as process:
        try:
            assert process.stdout is not None
            lines: list[str] = []
            for line in process.stdout:
                lines.append(line)
                if said in line:
                    break
            else:
                pytest.fail("".join(lines))
            yield process, line
            process.send_signal(signal.SIGTERM)
            rest = process.communicate(timeout=60)[0]
            assert process.returncode == 0, rest
        finally:
            process.kill()


def _environment(settings: dict[str, str]) -> dict[str, str]:
    return os.environ | {f"DUBAN_{name.upper()}": value for name, value in settings.items()}


def steps_back(process: subprocess.Popen[str], by: int) -> bool:
    """Whether it is so much nicer than this process, as far as there is room for that."""
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    return os.getpriority(os.PRIO_PROCESS, process.pid) == min(ours + by, 19)


def get(address: str) -> tuple[int, dict[str, Any]]:
    answer = httpx.get(address, trust_env=False, timeout=30)
    return answer.status_code, answer.json()


def test_a_new_store_is_brought_to_this_version_once(tmp_path: Path) -> None:
    """The job before everything else: the second time there is nothing to do."""
    first, second = run("upgrade", data=tmp_path), run("upgrade", data=tmp_path)
    assert json.loads(first.stdout) == {"before": None, "after": schema.head()}, first.stderr
    assert json.loads(second.stdout) == {"before": schema.head(), "after": schema.head()}


def test_a_store_that_does_not_answer_is_tried_again_later(tmp_path: Path) -> None:
    """Exit code 3 tells a cluster to start the job again."""
    done = run("upgrade", data=tmp_path, database_url="postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert done.returncode == 3 and "database does not answer" in done.stderr


def test_the_record_stream_is_taken_at_a_fixed_port_by_whoever_knows_the_password(tmp_path: Path) -> None:
    """The exporter of an engine elsewhere can be told address and password."""
    port = str(_free_port())
    told = {"records__password": PASSWORD, "probe__port": port}
    with running("records", "--port", "0", data=tmp_path, said="ready", **told) as (process, line):
        assert steps_back(process, RECORDS_STEP_BACK)
        address = line.removeprefix("ready").strip()
        assert PASSWORD not in line
        assert get(f"{address}/healthz") == (200, {"ok": True})
        with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
            assert client.post("/_bulk", content=body([instance(1, 7)])).status_code == 401
            taken = client.post("/_bulk", content=body([instance(1, 7)]), auth=("duban", PASSWORD))
            assert taken.json()["errors"] is False
        page = scrape(f"http://127.0.0.1:{port}")
        assert value(page, "duban_store_up") == 1, "it tells how the whole instance is"
        assert value(page, "duban_records_total", outcome="applied") == 1
        assert httpx.get(f"{address}/metrics", trust_env=False, timeout=30).status_code in {404, 405}
    database = Database.in_folder(tmp_path)
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("select count(*) from process_instances").scalar() == 1
    database.close()


def test_the_password_of_the_record_stream_is_changed_without_a_gap(tmp_path: Path) -> None:
    """While the brokers are told the new one, one after the other, the old one is taken as well; then no more."""
    new, old = "the-new-password", "the-old-password"

    def answers(**settings: str) -> list[int]:
        with (
            running("records", "--port", "0", data=tmp_path, said="ready", **settings) as (_, line),
            httpx.Client(base_url=line.removeprefix("ready").strip(), trust_env=False, timeout=30) as client,
        ):
            shown = (new, old, "")
            return [client.put("/_index_template/x", auth=("duban", each)).status_code for each in shown]

    assert answers(records__password=new, records__previous_password=old) == [200, 200, 401]
    assert answers(records__password=new, records__previous_password="") == [200, 401, 401]


@pytest.mark.parametrize("settings", [{}, {"records__password": ""}])
def test_an_endpoint_without_a_password_is_refused(tmp_path: Path, settings: dict[str, str]) -> None:
    """Whoever reached the port could forge records."""
    done = run("records", data=tmp_path, **settings)
    assert done.returncode == 1 and "DUBAN_RECORDS__PASSWORD" in done.stderr


def test_the_desk_answers_without_workers_and_records_of_its_own(tmp_path: Path, gateway: str) -> None:
    """Its readiness is the store's: complaints are taken while other parts are away."""
    port = str(_free_port())
    told = {"engine__address": gateway, "probe__port": port}
    with running("desk", "--port", "0", data=tmp_path, said="ready", **told) as (_, line):
        address = line.removeprefix("ready").strip()
        assert get(f"{address}/healthz") == (200, {"ok": True})
        status, told = get(f"{address}/readyz")
        assert status == 200 and set(told["parts"]) == {"database", "engine"}
        assert httpx.get(f"{address}/login", trust_env=False, timeout=30).status_code == 200
        assert not (tmp_path / "instance.json").exists(), "nothing says that an instance runs on this folder"
        page = scrape(f"http://127.0.0.1:{port}")
        login = {"method": "GET", "route": "/login", "status": "200"}
        assert value(page, "duban_http_requests_total", **login) == 1
        assert "duban_store_up" not in page, (
            "records tells of the whole instance, so that nothing is told twice"
        )


def test_a_desk_takes_complaints_before_its_engine_is_there(tmp_path: Path, absent: Absent) -> None:
    """The engine is away when the desk starts: it is ready, takes a complaint; the engine comes and hears of it."""
    run("upgrade", data=tmp_path)
    made = run("tokens", "add", "crm", "--scope", "complaints:write", data=tmp_path)
    token = json.loads(made.stdout)["token"]
    with running("desk", "--port", "0", data=tmp_path, said="ready", engine__address=absent.address) as (
        _,
        line,
    ):
        address = line.removeprefix("ready").strip()
        until(lambda: "does not answer" in get(f"{address}/readyz")[1]["parts"]["engine"]["says"])
        status, told = get(f"{address}/readyz")
        assert (status, told["ok"], told["parts"]["engine"]["ok"]) == (200, True, False)
        answer = httpx.post(
            f"{address}/api/v1/complaints",
            content=COMPLAINT.read_bytes().splitlines()[0],
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            trust_env=False,
            timeout=60,
        )
        assert answer.status_code == 201, answer.text
        absent.come()
        until(lambda: "PublishMessage" in absent.calls())
        until(lambda: get(f"{address}/readyz")[1]["parts"]["engine"]["ok"])


def test_the_sender_sends_before_its_engine_is_there(tmp_path: Path, absent: Absent) -> None:
    """People are told, whether the engine is there or not."""
    port = str(_free_port())
    with running("send", data=tmp_path, said="sending", engine__address=absent.address, probe__port=port) as (
        process,
        _,
    ):
        assert get(f"http://127.0.0.1:{port}/healthz")[0] == 200
        assert steps_back(process, SENDER_STEP_BACK)


def test_the_desk_answers_by_the_name_of_its_service(tmp_path: Path, gateway: str) -> None:
    """Other systems of the cluster call it by that name; every other name is refused, and it says what to set."""
    with running(
        *("desk", "--port", "0"),
        data=tmp_path,
        said="ready",
        engine__address=gateway,
        web__allowed_hosts="duban-desk, duban-desk.complaints.svc",
    ) as (_, line):
        address = f"{line.removeprefix('ready').strip()}/healthz"

        def answer(host: str) -> httpx.Response:
            return httpx.get(address, headers={"Host": host}, trust_env=False, timeout=30)

        assert [answer(host).status_code for host in ("duban-desk:80", "duban-desk.complaints.svc")] == [
            200,
            200,
        ]
        refused = answer("duban-desk.elsewhere")
        assert refused.status_code == 421 and "DUBAN_WEB__ALLOWED_HOSTS" in refused.text


def test_a_desk_without_an_engine_address_is_refused(tmp_path: Path) -> None:
    """It never brings an engine of its own."""
    done = run("desk", "--port", "0", data=tmp_path)
    assert done.returncode == 1 and "DUBAN_ENGINE__ADDRESS" in done.stderr


def test_workers_tell_a_probe_how_they_are(tmp_path: Path, gateway: str) -> None:
    """Beside a group of job types another takes all the rest."""
    rest = [option for task in TASKS[2:] for option in ("--except", task.type)]
    port = str(_free_port())
    with running(
        "work", *rest, data=tmp_path, said="working on", engine__address=gateway, probe__port=port
    ) as (process, line):
        assert steps_back(process, 0)
        assert line.strip() == f"working on {TASKS[0].type}, {TASKS[1].type}"
        assert get(f"http://127.0.0.1:{port}/healthz") == (200, {"ok": True, "says": None})
        polled = scrape(f"http://127.0.0.1:{port}")["duban_jobs_held"]
        assert {dict(labels)["type"] for labels in polled} == {TASKS[0].type, TASKS[1].type}


def test_a_signal_ends_workers_that_still_wait_for_their_engine(tmp_path: Path) -> None:
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with running("work", data=tmp_path, said="Waiting for the engine", engine__address=address):
            pass


def test_the_sender_tells_a_probe_that_it_lives(tmp_path: Path, gateway: str) -> None:
    """Messages to people and to the engine, without workers."""
    port = str(_free_port())
    with running("send", data=tmp_path, said="sending", engine__address=gateway, probe__port=port):
        assert get(f"http://127.0.0.1:{port}/healthz")[0] == 200


def test_every_job_type_is_in_a_group_or_in_the_rest(tmp_path: Path) -> None:
    """Nothing is worked on twice, and nothing is forgotten, whatever the groups are."""
    types = [task.type for task in TASKS]
    with assembled(Settings(data=tmp_path), SystemClock()) as parts:
        group = [task.type for task in parts.bound_tasks(only=types[:3])]
        rest = [task.type for task in parts.bound_tasks(but=types[:3])]
        assert sorted(group + rest) == sorted(types)
        with pytest.raises(Refused, match="no task does clasify-complaint"):
            parts.bound_tasks(but=["clasify-complaint"])
        with pytest.raises(Refused, match="no job type is left"):
            parts.bound_tasks(only=types[:1], but=types[:1])


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
