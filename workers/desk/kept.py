"""Answers that are dear: made once for everybody who asks, and kept for a while."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_LEAST_SECONDS: Final = 20.0
_TIMES: Final = 10.0
"""An answer is kept ten times as long as it took: whatever is asked, a tenth of a processor is spent on it at most."""
_MOST: Final = 64


@dataclass
class _Slot(Generic[T]):
    lock: Lock
    answer: T | None = None
    good_until: float = 0.0


class Kept(Generic[T]):
    """Answers by what was asked; who asks for one that is being made waits for it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._slots: OrderedDict[Hashable, _Slot[T]] = OrderedDict()
        self._lock = Lock()

    def get(self, asked: Hashable, make: Callable[[], T]) -> T:
        """The answer. What `make` raises is raised, and not kept."""
        with self._lock:
            slot = self._slots.setdefault(asked, _Slot(Lock()))
            self._slots.move_to_end(asked)
            while len(self._slots) > _MOST:
                self._slots.popitem(last=False)
        with slot.lock:
            if slot.answer is None or self._clock() >= slot.good_until:
                began = self._clock()
                slot.answer = make()
                now = self._clock()
                slot.good_until = now + max(_LEAST_SECONDS, _TIMES * (now - began))
            return slot.answer
