"""A part that breaks stops the others and is told in a sentence."""

from __future__ import annotations

import asyncio
import logging
import signal
import subprocess
import sys

import pytest

from workers.bootstrap.running import RunUntil, Stopped, Stopping
from workers.errors import Unavailable


def test_a_loop_that_breaks_stops_the_others_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    stopping = Stopping()
    ended: list[str] = []

    async def patient(stop: asyncio.Event) -> None:
        await stop.wait()
        ended.append("patient")

    async def broken(_stop: asyncio.Event) -> None:
        raise ZeroDivisionError("secret")

    with pytest.raises(Unavailable, match="ZeroDivisionError") as told:
        asyncio.run(RunUntil(stopping).all({"patient": patient, "broken": broken}))
    assert "secret" not in str(told.value)
    assert stopping.is_set()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_signal_ends_what_is_still_starting() -> None:
    async def story() -> bool:
        stopping = Stopping()
        was_cancelled = False

        async def start() -> None:
            nonlocal was_cancelled
            stopping.signal = signal.SIGTERM
            stopping.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                was_cancelled = True
                raise

        with pytest.raises(Stopped) as stopped:
            await RunUntil(stopping).first(start(), "start")
        assert stopped.value.exit_code == 0, "an orchestrator that ends a process meant to"
        return was_cancelled

    assert asyncio.run(story())


HANGING = """
import asyncio, os, signal, sys, time
from workers.bootstrap.running import stop_on_signals

async def work():
    stopping = stop_on_signals(no_later_than=1)
    os.kill(os.getpid(), signal.SIGTERM)
    await stopping.wait()
    print("told to stop", flush=True)
    if "again" in sys.argv:
        asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), signal.SIGTERM)
    await asyncio.to_thread(time.sleep, 300)

asyncio.run(work())
"""


@pytest.mark.parametrize(("how", "code"), [("once", 0), ("again", 143)])
def test_a_process_that_is_told_to_stop_ends_whatever_hangs_in_it(how: str, code: int) -> None:
    """A thread that never returns keeps Python from ending; the last moment does not wait for it, nor does a second
    signal."""
    done = subprocess.run(
        [sys.executable, "-c", HANGING, how], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code, done.stderr
    assert "told to stop" in done.stdout
