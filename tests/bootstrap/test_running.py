"""A part that breaks stops the others and is told in a sentence."""

from __future__ import annotations

import asyncio
import logging

import pytest

from workers.bootstrap.running import RunUntil, Stopped
from workers.errors import Unavailable


def test_a_loop_that_breaks_stops_the_others_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    stopping = asyncio.Event()
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
        stopping = asyncio.Event()
        was_cancelled = False

        async def start() -> None:
            nonlocal was_cancelled
            stopping.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                was_cancelled = True
                raise

        with pytest.raises(Stopped):
            await RunUntil(stopping).first(start(), "start")
        return was_cancelled

    assert asyncio.run(story())
