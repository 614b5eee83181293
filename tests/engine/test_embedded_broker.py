"""The engine as a child process: two side by side, its clock over restarts, nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import httpx
import psutil
import pytest

from tests.engine_fixture import running_engine
from workers.engine import broker, broker_process, liveness
from workers.engine.broker import EmbeddedBroker, connect
from workers.engine.broker_process import Ports
from workers.engine.controlled_clock import EngineClock
from workers.engine.gateway import has_leaders
from workers.errors import Refused, Unavailable
from workers.settings import EngineSettings

pytestmark = pytest.mark.engine


def test_two_side_by_side_and_a_clock_that_survives_a_restart(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_engine(tmp_path / "a") as first, running_engine(tmp_path / "b") as second:
            assert has_leaders(await first.gateway.topology())
            assert has_leaders(await second.gateway.topology())
            with pytest.raises(Unavailable, match="Another engine runs"):
                async with running_engine(tmp_path / "a"):
                    pass
            async with connect(EngineSettings(address=second.handle.grpc_address)) as handle:
                assert handle.management_url is None
            await first.engine_clock.advance(timedelta(hours=25))
            await first.engine_clock.advance(timedelta(minutes=1))
            with pytest.raises(Refused):
                await first.engine_clock.advance(timedelta())
            pids = [first.broker.pid, second.broker.pid]
            ports = {
                c.laddr for pid in pids for c in psutil.Process(pid).net_connections() if c.status == "LISTEN"
            }
            assert len(ports) == 10 and {address.ip for address in ports} <= {"127.0.0.1", "::ffff:127.0.0.1"}
        assert not any(psutil.pid_exists(pid) for pid in pids if pid)
        async with running_engine(tmp_path / "a") as again:
            assert again.engine_clock.offset == timedelta(hours=25, minutes=1)
            assert abs(
                await _engine_offset(again.handle.management_url) - again.engine_clock.offset
            ) < timedelta(seconds=2)

    asyncio.run(story())


def test_an_engine_that_stands_still_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that stays without a leader: it runs, and answers nothing."""
    monkeypatch.setattr(liveness, "PROBE_SECONDS", 0.1)
    monkeypatch.setattr(liveness, "_ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(broker, "STOP_SECONDS", 0.5)
    looks, is_ready, is_patience_over = itertools.count(), liveness._is_ready, asyncio.Event()

    async def noted(client: httpx.AsyncClient) -> bool:
        if next(looks) > liveness.PATIENCE:
            is_patience_over.set()
        return await is_ready(client)

    monkeypatch.setattr(liveness, "_is_ready", noted)

    async def story() -> None:
        async with EmbeddedBroker(tmp_path, EngineSettings(flush=False)) as engine:
            await asyncio.wait_for(is_patience_over.wait(), 60)
            assert engine.restarts == 0, "one that works is left alone"
            first = engine.pid
            assert first
            os.kill(first, signal.SIGSTOP)
            await asyncio.wait_for(engine.wait_dead(), 120)
            await asyncio.wait_for(engine.wait_healthy(), 240)
            assert engine.restarts == 1
            assert engine.pid not in (None, first)
            assert not psutil.pid_exists(first)

    asyncio.run(story())


async def _engine_offset(management_url: str | None) -> timedelta:
    assert management_url
    clock = EngineClock(Path("/nonexistent/clock.json"))
    async with clock._client(management_url) as client:
        return await clock._engine_offset(client)


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_a_killed_parent_takes_the_engine_with_it(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys, pathlib\n"
        "from tests.engine_fixture import running_engine\n"
        "async def main():\n"
        "    async with running_engine(pathlib.Path(sys.argv[1])) as engine:\n"
        "        print(engine.broker.pid, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        engine = psutil.Process(int(parent.stdout.readline()))
        assert "StandaloneBroker" in engine.cmdline()[-1]
        parent.kill()
    with contextlib.suppress(psutil.NoSuchProcess):
        engine.wait(30)
    assert not engine.is_running() or engine.status() == psutil.STATUS_ZOMBIE


def test_an_engine_that_outlived_its_parent_is_ended_by_the_next_start(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as leftover:
        broker_process.remember(tmp_path, leftover.pid)
        broker_process.end_leftover(tmp_path)
        leftover.wait(10)
    note = tmp_path / "engine.pid"
    note.write_text(json.dumps({"pid": os.getpid(), "created": time.time() - 10_000}))
    broker_process.end_leftover(tmp_path)  # a pid that is somebody else's now: left alone
    assert not note.exists()


@pytest.mark.parametrize(
    ("memory", "sentence"), [("2m", "does not start with 2m"), ("lots", "not a size that Java knows")]
)
def test_memory_that_does_not_do_is_told(tmp_path: Path, memory: str, sentence: str) -> None:
    async def start() -> None:
        async with EmbeddedBroker(tmp_path, EngineSettings(flush=False, memory=memory)):
            pass

    with pytest.raises(Unavailable, match=sentence):
        asyncio.run(start())


def test_a_disk_that_is_nearly_full_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_process, "FREE_DISK", 1 << 60)
    with pytest.raises(Unavailable, match="the engine stops below"):
        broker_process.prepare(tmp_path)


def test_a_port_that_is_taken_leads_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = Ports.free()
        taken = Ports(other.getsockname()[1], taken.rest, taken.management, taken.command, taken.internal)
        free = Ports.free()
        offers = iter((taken, free))
        monkeypatch.setattr(Ports, "free", lambda: next(offers))

        async def story() -> None:
            async with running_engine(tmp_path) as engine:
                assert engine.handle.grpc_address == f"127.0.0.1:{free.grpc}"

        asyncio.run(story())


def test_a_damaged_clock_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "clock.json").write_text("{")
    with pytest.raises(Unavailable, match="is damaged"):
        EngineClock(tmp_path / "clock.json")
