"""One address in front of several gateways, as a Service of Kubernetes is: TCP only, a connection at a time."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

Address = tuple[str, int]
_CONNECT_SECONDS: Final = 2.0
_CHUNK: Final = 65536


class Front:
    """Forwards each connection to the next gateway that takes one; a context manager, with a loop of its own.

    `hang` lets it go on taking connections and answer nothing: what is open stays open and silent for good, as behind
    a firewall that forgot it. `flow` forwards what comes from then on.
    """

    def __init__(self, gateways: Sequence[Address]) -> None:
        self.port = 0
        self._gateways = list(gateways)
        self._next = itertools.count()
        self._is_hanging = False
        self._flowing: set[_Pipe] = set()
        self._never = asyncio.Event()
        """What silent connections wait for. The loop alone would forget those who wait, and close their connections."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="front", daemon=True)

    def __enter__(self) -> Front:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *_error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def address(self) -> str:
        """host:port to connect to."""
        return f"127.0.0.1:{self.port}"

    def hang(self) -> None:
        """From now on nothing is answered."""
        asyncio.run_coroutine_threadsafe(self._stall(), self._loop).result(10)

    def flow(self) -> None:
        """New connections are forwarded again."""
        self._is_hanging = False

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stall(self) -> None:
        self._is_hanging = True
        for pipe in self._flowing:
            pipe.is_stalled = True

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.CancelledError):  # at the end of the front; streams would call it an error
                await self._serve(reader, writer)
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_hanging:
            await self._never.wait()  # until the front ends: nobody is told anything
        behind = await self._connected()
        if behind is None:
            return
        pipe = _Pipe((reader, writer), behind, self._never)
        self._flowing.add(pipe)
        try:
            await pipe.run()
        finally:
            self._flowing.discard(pipe)

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in self._gateways:
            host, port = self._gateways[next(self._next) % len(self._gateways)]
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_CONNECT_SECONDS):
                    return await asyncio.open_connection(host, port)
        return None

    async def _end(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class _Pipe:
    """One connection and the one behind it."""

    def __init__(
        self,
        ahead: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        behind: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        never: asyncio.Event,
    ) -> None:
        self.is_stalled = False
        self._never = never
        self._ahead, self._behind = ahead, behind

    async def run(self) -> None:
        """Until one side ends; a stalled one is never told of the end."""
        pumps = [
            asyncio.create_task(self._pump(self._ahead[0], self._behind[1])),
            asyncio.create_task(self._pump(self._behind[0], self._ahead[1])),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            for _, writer in (self._ahead, self._behind):
                writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                if self.is_stalled:
                    await self._never.wait()
                writer.write(data)
                await writer.drain()
        if self.is_stalled:
            await self._never.wait()
