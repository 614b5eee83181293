"""Whose turn it is where there is more to do than cores: between the threads of a process, and between processes."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Final

TURN_SECONDS: Final = 0.0005
"""How long a thread may keep Python to itself while another one waits. A task that has the turn to write on SQLite
waits for Python after each statement; with Python's own 5 ms, everybody who wants to write waits with it."""
RECORDS_STEP_BACK: Final = 5
SENDER_STEP_BACK: Final = 10
"""By how much a process is nicer than workers and desk: where those want all of a core, the one gets a quarter of it,
the other a tenth. What people see of a case may be a moment behind, and what they are sent a little more."""


def short_turns() -> None:
    """For processes whose threads work on the store: they take shorter turns. Never longer ones than it was told."""
    sys.setswitchinterval(min(TURN_SECONDS, sys.getswitchinterval()))


def step_back(by: int) -> None:
    """This process leaves cores that others want to them; where it has its cores to itself, that changes nothing."""
    nice = getattr(os, "nice", None)  # Windows has none
    if nice is not None:
        with suppress(OSError):
            nice(by)
