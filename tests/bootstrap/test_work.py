"""`duban work` as an orchestrator sees it: a process, signals, an exit code."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.engine.scripted_gateway import ScriptedGateway, until
from tests.engine_fixture import LoopThread

DUBAN = Path(sysconfig.get_path("scripts")) / "duban"
KIND = "register-complaint"


class Elsewhere:
    """A scripted gateway in a loop of its own."""

    def __init__(self, thread: LoopThread, script: ScriptedGateway) -> None:
        self._thread = thread
        self.script = script

    def give(self, number: str) -> int:
        """Offer a job, and wait until the worker has it; its key."""
        return self._thread.run(self._give(number), 60)

    async def _give(self, number: str) -> int:
        key = await self.script.offer(KIND, {"number": number}, retries=5)
        await until(lambda: self.script.activations[key] == 1)
        return key


@pytest.fixture
def gateway() -> Iterator[Elsewhere]:
    """A gateway in a loop of its own."""
    with LoopThread() as thread:

        async def started() -> ScriptedGateway:
            gateway = ScriptedGateway()
            await gateway.start()
            return gateway

        gateway = thread.run(started())
        yield Elsewhere(thread, gateway)
        thread.run(gateway.stop())


@contextmanager
def working(gateway: Elsewhere, data: Path, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """`duban work` at work."""
    told = {
        "DUBAN_ENGINE__ADDRESS": gateway.script.handle.grpc_address,
        **{f"DUBAN_ENGINE__{key.upper()}": value for key, value in settings.items()},
    }
    command = [DUBAN, "work", "--data", data, "--only", KIND]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | told) as process:
        try:
            assert process.stderr is not None
            assert any("working on" in line for line in process.stderr)
            yield process
        finally:
            process.kill()


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """Somebody writes into the store and does not come to an end."""
    with closing(sqlite3.connect(data / "duban.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def test_a_task_that_hangs_keeps_no_worker_from_ending(gateway: Elsewhere, tmp_path: Path) -> None:
    """A store that is locked: the task waits for it longer than the grace period. The job goes back, exit code 0."""
    with working(gateway, tmp_path, grace_seconds="1") as process, locked(tmp_path):
        key = gateway.give("TS20260101-000001")
        at = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
        assert time.monotonic() - at < 25, "the lock is waited for a minute"
    (returned,) = gateway.script.named("FailJob", key)
    assert returned.request.retries == 5 and "worker stops" in returned.request.errorMessage
    assert returned.request.retryBackOff == 0


def test_a_second_signal_ends_a_worker_at_once(gateway: Elsewhere, tmp_path: Path) -> None:
    """Who is in a hurry does not wait for the grace period."""
    with working(gateway, tmp_path, grace_seconds="60") as process, locked(tmp_path):
        gateway.give("TS20260101-000001")
        process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 128 + signal.SIGTERM
