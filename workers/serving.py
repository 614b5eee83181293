"""HTTP servers in a process that has more to do: signals belong to whoever runs the process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

import uvicorn

IDLE_SECONDS: Final = 75
"""How long a connection may be idle: longer than proxies keep theirs (nginx 60 s, AWS 60 s). Where the server closes
first, a request that is sent just then is lost."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises OSError when the port is taken or the address is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio switches Nagle's algorithm off: else an answer may wait 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


@asynccontextmanager
async def served(
    app: Any,
    listener: socket.socket,
    *,
    name: str,
    grace_seconds: int,
    proxies: str = "",
    before_end: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[None]:
    """Serves an ASGI application on a listening socket for the length of the block.

    Args:
        name: of the task, for whoever looks at the loop.
        grace_seconds: how long requests that are under way may take at the end.
        before_end: called when the block ends: lets go of requests that would never end by themselves.
        proxies: addresses whose X-Forwarded-For and -Proto are believed, comma-separated.
    """
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=grace_seconds,
        timeout_keep_alive=IDLE_SECONDS,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name=name)
    await server.listening.wait()
    try:
        yield
    finally:
        server.should_exit = True
        if before_end is not None:
            await before_end()
        await serving


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
