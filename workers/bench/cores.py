"""Which cores who may use: as on a cluster, where the engine has machines of its own, and so do customers and staff.

Where all share all cores, the measurement says who takes them from whom: the engine keeps a core busy while it waits.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

import psutil


@dataclass(frozen=True)
class Cores:
    """Numbers of cores, without one that is in both; None: every core.

    Attributes:
        engine: for the engine and the load.
        duban: for what is measured: records, desk, sender, and whoever works.
    """

    engine: frozenset[int] | None = None
    duban: frozenset[int] | None = None


SHARED: Final = Cores()


def halves() -> Cores:
    """Half of the cores that this process may use for each, the odd one for what is measured; SHARED where there is
    one only, or the system keeps nobody to some."""
    if not hasattr(os, "sched_getaffinity"):
        return SHARED
    ours = sorted(os.sched_getaffinity(0))
    half = len(ours) // 2
    return Cores(frozenset(ours[:half]), frozenset(ours[half:])) if half else SHARED


@contextmanager
def kept_to(cores: Collection[int] | None) -> Iterator[None]:
    """Keeps this process, and what it starts meanwhile, to some cores for the length of the block; None: to none."""
    if cores is None:
        yield
        return
    before = os.sched_getaffinity(0)
    _use(cores)
    try:
        yield
    finally:
        _use(before)


def _use(cores: Collection[int]) -> None:
    for thread in psutil.Process().threads():
        with suppress(ProcessLookupError):  # it has just ended
            os.sched_setaffinity(thread.id, cores)
