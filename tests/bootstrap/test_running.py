"""A part that breaks stops the others and is told in a sentence."""

from __future__ import annotations

import asyncio
import logging
import signal
import subprocess
import sys

import pytest

from workers.bootstrap.running import RunUntil, Stopped, Stopping, unless_it_fails
from workers.errors import Refused, Unavailable


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


def test_a_start_is_taken_back_when_what_is_checked_meanwhile_fails() -> None:
    """Models with faults are told at once, not after an engine has started for nothing."""

    async def story() -> bool:
        was_cancelled = False

        async def check() -> None:
            raise Refused("the models have faults")

        async def start() -> None:
            nonlocal was_cancelled
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                was_cancelled = True
                raise

        with pytest.raises(Refused, match="faults"):
            await unless_it_fails(asyncio.create_task(check()), start())
        return was_cancelled

    assert asyncio.run(story())


def test_a_start_waits_for_what_is_checked_meanwhile() -> None:
    """Whichever is slower: nothing goes on before both have ended, and a failed start is told as it is."""

    async def story() -> None:
        seen: list[str] = []

        async def check() -> None:
            await asyncio.sleep(0.02)
            seen.append("checked")

        async def start() -> str:
            return "started"

        assert await unless_it_fails(asyncio.create_task(check()), start()) == "started"
        assert seen == ["checked"]

        async def fail() -> str:
            raise Unavailable("no disk")

        with pytest.raises(Unavailable, match="no disk"):
            await unless_it_fails(asyncio.create_task(check()), fail())

    asyncio.run(story())
