"""Where running code is, said in a few words and without any value."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from types import FrameType
from typing import Final

_OTHERS: Final = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_HOST: Final = str(Path(__file__).parent)
_PACKAGE: Final = str(Path(__file__).parents[1])


def place_of_thread(ident: int | None) -> str:
    """Where a thread is now: the function it is in, and the innermost one that is no library's."""
    frame = None if ident is None else sys._current_frames().get(ident)
    if frame is None:
        return "nowhere: its thread has ended"
    here, ours = _said(frame), _ours(frame)
    return here if ours is None or ours is frame else f"{here}, called by {_said(ours)}"


def _ours(frame: FrameType | None) -> FrameType | None:
    while frame is not None:
        if _is_ours(frame.f_code.co_filename):
            return frame
        frame = frame.f_back
    return None


def _is_ours(file: str) -> bool:
    """A task's own code, not that of a library or of the host that runs it."""
    if file.startswith(_PACKAGE):
        return not file.startswith(_HOST)
    return not file.startswith((*_OTHERS, "<"))


def _said(frame: FrameType) -> str:
    return f"{frame.f_code.co_name} ({Path(frame.f_code.co_filename).name}:{frame.f_lineno})"
