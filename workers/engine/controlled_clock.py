"""The clock of `--test-clock`: the engine's controlled clock and this process's, moved together and kept."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from workers.errors import Refused, Unavailable

_NEAR = timedelta(seconds=1)  # reading the engine's clock takes a moment
_PATIENCE_SECONDS = 120.0


class EngineClock:
    """A `Clock` whose offset only grows, survives restarts and is the engine's too.

    The new offset is on disk before the engine hears of it: after a crash in between, the next start of the
    engine applies what the file says. `now()` follows once the engine has moved, so nobody here is ahead of
    it.

    Args:
        file: where the offset is kept, e.g. ``DATA/clock.json``.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._management_url: str | None = None
        self._lock = asyncio.Lock()
        self.offset = self._read()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    async def apply(self, management_url: str) -> None:
        """Move an engine that has just started to the kept offset. Raises Unavailable when it does not
        answer."""
        self._management_url = management_url
        async with self._client(management_url) as client:
            await self._move(client, timedelta(), self._read())

    async def advance(self, by: timedelta) -> datetime:
        """Move both clocks forward; returns the new time.

        Raises:
            Refused: `by` is not positive.
            Unavailable: no engine, or it did not answer for two minutes. The move then happens at its next
            start.
        """
        if by <= timedelta():
            raise Refused("时间只能向前。 The clock is only moved forward.")
        if self._management_url is None:
            raise Unavailable("引擎尚未启动。 The engine has not started yet; wait for `ready`.")
        async with self._lock, self._client(self._management_url) as client:
            before, target = self.offset, self.offset + by
            self._write(target)
            await self._move(client, before, target)
            self.offset = target
            return self.now()

    async def _move(self, client: httpx.AsyncClient, before: timedelta, target: timedelta) -> None:
        deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while True:
            try:
                at = await self._engine_offset(client)
                if abs(at - target) < _NEAR:
                    return
                # What is read is off by the time of a request; the exact difference is known but for odd
                # cases.
                exact = next((start for start in (before, timedelta()) if abs(at - start) < _NEAR), at)
                await self._add(client, target - exact)
            except (
                httpx.TransportError
            ) as error:  # it may be starting again; the supervisor applies the file then
                if asyncio.get_running_loop().time() > deadline:
                    raise Unavailable(
                        "引擎时钟无应答。 The engine's clock does not answer; it is moved when the engine is "
                        "back."
                    ) from error
                await asyncio.sleep(0.2)

    async def _engine_offset(self, client: httpx.AsyncClient) -> timedelta:
        answer = await client.get("/actuator/clock")
        self._check(answer)
        engine = datetime.fromtimestamp(answer.json()["epochMilli"] / 1000, UTC)
        return engine - datetime.now(UTC)

    async def _add(self, client: httpx.AsyncClient, by: timedelta) -> None:
        milliseconds = by // timedelta(milliseconds=1)
        self._check(await client.post("/actuator/clock/add", json={"offsetMilli": milliseconds}))

    @staticmethod
    def _check(answer: httpx.Response) -> None:
        if answer.is_success:
            return
        if answer.status_code in (httpx.codes.NOT_FOUND, httpx.codes.FORBIDDEN):
            raise Unavailable(
                "引擎时钟不可控。 This engine's clock is not controlled; start `duban up` with --test-clock."
            )
        raise httpx.RemoteProtocolError(f"HTTP {answer.status_code}")

    @staticmethod
    def _client(management_url: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=management_url, timeout=10, trust_env=False)

    def _read(self) -> timedelta:
        try:
            text = self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return timedelta()
        try:
            return timedelta(milliseconds=int(json.loads(text)["offset_ms"]))
        except (ValueError, KeyError, TypeError) as error:
            raise Unavailable(
                f"{self._file} 已损坏。 {self._file} is damaged; it holds the moved clock. Restore it, or "
                "start "
                "with a new data folder."
            ) from error

    def _write(self, offset: timedelta) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        new = self._file.with_name(self._file.name + ".new")
        with new.open("w", encoding="utf-8") as file:
            json.dump({"offset_ms": offset // timedelta(milliseconds=1)}, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._file)
        if os.name == "posix":
            folder = os.open(self._file.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
