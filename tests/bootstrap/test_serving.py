"""Connections to the servers of `workers.serving`."""

from __future__ import annotations

import asyncio
from typing import Any

from workers.serving import IDLE_SECONDS, listen, served


async def application(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


class MovedLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock is moved by hand, besides going on by itself."""

    moved = 0.0

    def time(self) -> float:
        return super().time() + self.moved


def test_a_connection_outlives_the_idle_time_of_a_proxy_and_ends_after_its_own() -> None:
    """A proxy that keeps connections for a minute never sends a request on one that is being closed."""
    loop = MovedLoop()

    async def story() -> None:
        listener = listen("127.0.0.1", 0)
        port = listener.getsockname()[1]
        async with served(application, listener, name="served", grace_seconds=5):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)

            async def ask() -> bytes:
                writer.write(b"GET / HTTP/1.1\r\nhost: duban\r\n\r\n")
                return await reader.readuntil(b"\r\n\r\n")

            assert b"204" in await ask()
            loop.moved += 60
            await asyncio.sleep(0)
            assert b"204" in await ask()
            loop.moved += IDLE_SECONDS + 1
            assert await asyncio.wait_for(reader.read(), 2 * IDLE_SECONDS) == b""
            writer.close()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(story())
