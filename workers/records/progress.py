"""How far the record stream is applied, and a bell that rings right after each batch."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable

from workers.records.apply import Applied


class Progress:
    """Counts what was applied and wakes whoever waits. Belongs to one event loop.

    Attributes:
        changed: notified after each batch that brought something new; hold it to wait for it.
        batches: such batches so far.
        activity: records so far that told of work; marks don't count.
    """

    def __init__(self) -> None:
        self.changed = asyncio.Condition()
        self.batches = 0
        self.activity = 0
        self._awaited: dict[str, set[int]] = defaultdict(set)

    async def add(self, applied: Applied) -> None:
        """Notes a batch that is committed."""
        if not applied.applied:
            return
        async with self.changed:
            self.batches += 1
            self.activity += applied.activity
            for partition, name in applied.marks:
                if name in self._awaited:
                    self._awaited[name].add(partition)
            self.changed.notify_all()

    async def wait(self, until: Callable[[], bool], seconds: float) -> bool:
        """Waits until the condition holds, looking after each batch.

        Args:
            seconds: how long at most.

        Returns:
            False if the time was up first.
        """
        try:
            async with asyncio.timeout(seconds), self.changed:
                await self.changed.wait_for(until)
        except TimeoutError:
            return False
        return True

    async def wait_for_change(self, since: int, seconds: float) -> int:
        """Waits until there are more than `since` batches, or the time is up; returns how many there are."""
        await self.wait(lambda: self.batches > since, seconds)
        return self.batches

    def expect(self, name: str) -> None:
        """Look out for a mark of this name, from now on."""
        self._awaited[name] = set()

    def seen(self, name: str) -> frozenset[int]:
        """The partitions whose streams have brought this mark."""
        return frozenset(self._awaited.get(name, ()))

    def forget(self, name: str) -> None:
        """The mark is not awaited any more."""
        self._awaited.pop(name, None)
