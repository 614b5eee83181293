"""How much memory a part takes."""

from __future__ import annotations

import contextlib
import ctypes
from typing import Final

_M_ARENA_MAX: Final = -8
"""glibc's number of the option, from malloc.h."""
_ARENAS: Final = 2


def keep_memory_small() -> None:
    """To be called before threads are started.

    glibc gives up to eight arenas per core to threads that allocate at once, and hardly ever gives one back. Threads of
    Python take turns anyway: two arenas do, and a busy worker has about ten megabytes less. Elsewhere (musl, macOS)
    nothing happens.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
