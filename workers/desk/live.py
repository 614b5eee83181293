"""What happens, as server-sent events, so that lists are fresh without asking all the time.

One look at the store a second for everybody, and only while somebody has a list open. An event says only that
something happened; the page then asks for its own list, with its own rights.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Final

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

log = logging.getLogger(__name__)

_EVERY: Final = 1.0
_ALIVE: Final = 15.0
"""Seconds without news after which a comment is sent: a connection that is gone is noticed then."""
_PAUSE: Final = 2.0
"""Seconds between two events of a listener: a list is not asked for more often."""


class Live:
    """Tells listeners that the engine's records or the timelines of cases moved on.

    Args:
        position: how far they are, an integer that grows; blocks, so it is called in a thread.
    """

    def __init__(self, position: Callable[[], int]) -> None:
        self._position = position
        self._seen: int | None = None
        self._news = asyncio.Condition()
        self._listeners = 0
        self._looking: asyncio.Task[None] | None = None
        self._is_stopped = False

    async def stop(self) -> None:
        """Ends every listener's stream: a server that shuts down does not wait for them."""
        self._is_stopped = True
        if self._looking is not None:
            self._looking.cancel()
        async with self._news:
            self._news.notify_all()

    async def events(self) -> AsyncIterator[str]:
        """The stream of one listener, until they leave or the server stops."""
        self._listeners += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="live")
        try:
            told = self._seen
            yield "retry: 3000\n\n"
            while not self._is_stopped:
                if await self._has_news(told):
                    told = self._seen
                    yield f"event: tasks\ndata: {told}\n\n"
                    await asyncio.sleep(_PAUSE)
                elif not self._is_stopped:
                    yield ": still here\n\n"
        finally:
            self._listeners -= 1

    async def _has_news(self, told: int | None) -> bool:
        try:
            async with asyncio.timeout(_ALIVE), self._news:
                await self._news.wait_for(lambda: self._seen != told or self._is_stopped)
        except TimeoutError:
            return False
        return not self._is_stopped

    async def _look(self) -> None:
        while self._listeners:
            try:
                position = await run_in_threadpool(self._position)
            except Exception:
                log.warning("the store was not read", extra={"action": "live-failed"}, exc_info=True)
            else:
                if position != self._seen:
                    async with self._news:
                        self._seen = position
                        self._news.notify_all()
            await asyncio.sleep(_EVERY)


def add_live(pages: APIRouter, live: Live) -> None:
    """The stream. As every page, for people who are signed in; it says nothing but that something happened."""

    @pages.get("/live")
    async def stream() -> StreamingResponse:
        return StreamingResponse(live.events(), media_type="text/event-stream")
