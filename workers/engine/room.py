"""How many jobs of one type a worker may still take, and who waits for that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from workers.engine.report import TypeStatus


class Room:
    """The places for jobs of one type: what is held and what a request may still bring are never more than the cap.

    Args:
        cap: jobs of the type that are held at once.
        status: how many are held now.
        is_shared: whether a stream brings jobs beside the requests; each may fill half of the places then.

    Attributes:
        is_closing: told to take no more.
    """

    def __init__(self, cap: int, status: TypeStatus, *, is_shared: bool) -> None:
        self._cap = cap
        self._status = status
        self._asked = 0
        self._changed = asyncio.Event()
        self.is_shared = is_shared and cap > 1
        self.is_closing = False

    @property
    def held(self) -> int:
        """Jobs that are held now."""
        return self._status.running

    @property
    def free(self) -> int:
        """Places that nobody has, and no request may fill."""
        return self._cap - self._status.running - self._asked

    @property
    def request(self) -> int:
        """How many jobs a request may ask for now."""
        return min(self.free, (self._cap + 1) // 2 if self.is_shared else self._cap)

    @contextmanager
    def asking(self, count: int) -> Iterator[None]:
        """Keep these places for the answer of a request, as long as the block lasts."""
        self._asked = count
        try:
            yield
        finally:
            self._asked = 0
            self.changed()

    def alone(self) -> None:
        """There is no stream: requests may fill all places."""
        self.is_shared = False
        self.changed()

    def changed(self) -> None:
        """Whoever waits looks again."""
        self._changed.set()

    def close(self) -> None:
        """Take no more: nobody waits any longer."""
        self.is_closing = True
        self.changed()

    async def wait(self, is_so: Callable[[], bool]) -> None:
        """Until it is so, or the room is closed."""
        while not is_so() and not self.is_closing:
            self._changed.clear()
            await self._changed.wait()
