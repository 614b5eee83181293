"""Is the event loop answering? Asked from a thread, which can still speak when the loop can't."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import Final

from workers.engine.places import place_of_thread

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 1.0
"""A loop that is later than this is blocked, and the log says where."""


class LoopWatch:
    """Measures how late the running loop is, for the length of a ``with`` block entered on it.

    Attributes:
        place: where the loop is blocked; empty when it is not.
    """

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        self.place = ""
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._asked_at: float | None = None
        self._last = 0.0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="loop-watch", daemon=True)

    def __enter__(self) -> LoopWatch:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ending.set()

    @property
    def lag_seconds(self) -> float:
        """How late the last answer was, or the one that is still missing."""
        asked_at = self._asked_at
        return max(self._last, 0.0 if asked_at is None else time.monotonic() - asked_at)

    def _watch(self) -> None:
        while not self._ending.wait(LOOK_SECONDS):
            answered = threading.Event()
            asked_at = self._asked_at = time.monotonic()
            try:
                self._loop.call_soon_threadsafe(answered.set)
            except RuntimeError:  # the loop is closed
                return
            if not answered.wait(self._patience):
                self._tell()
                while not answered.wait(LOOK_SECONDS):
                    if self._ending.is_set():
                        return
                log.warning(
                    "the event loop goes on after %.1f s",
                    time.monotonic() - asked_at,
                    extra={"action": "loop-free"},
                )
            self.place = ""
            self._last = time.monotonic() - asked_at
            self._asked_at = None

    def _tell(self) -> None:
        self.place = place_of_thread(self._loop_thread)
        log.error("the event loop is blocked at %s", self.place, extra={"action": "loop-blocked"})
