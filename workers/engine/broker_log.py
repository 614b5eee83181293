"""What the engine's output says about why it does not run."""

from __future__ import annotations

import os
from pathlib import Path

from workers.errors import Unavailable


class PortTakenError(Exception):
    """Somebody listens on one of the ports."""


def tail(file: Path, start: int = 0, size: int = 100_000) -> str:
    """The end of a file, from `start` on; all of it when it has become shorter than that (rolled over)."""
    try:
        with file.open("rb") as stream:
            end = os.fstat(stream.fileno()).st_size
            stream.seek(max(start if end >= start else 0, end - size))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""


def says_failed(said: str) -> bool:
    """Whether the broker has given up starting; its process does not always end then."""
    return _says_port_taken(said) or "Failed to start broker" in said


def why_it_ended(said: str, code: int, folder: Path, memory: str) -> PortTakenError | Unavailable:
    """The error for an engine that did not get ready: a sentence that says what to do.

    Args:
        said: what it wrote.
        code: its exit code, -1 when it still runs.
        folder: where its logs are.
        memory: its heap, as Java understands it.
    """
    if _says_port_taken(said):
        return PortTakenError(
            "端口被占用。 A port that the engine needs is taken by another program; start again."
        )
    if any(words in said for words in ("OutOfMemoryError", "Could not reserve enough space", "Too small")):
        return Unavailable(
            f"内存不足。 The engine does not start with {memory} of heap: set DUBAN_ENGINE__MEMORY (at least "
            "256m), or free memory."
        )
    if "Invalid maximum heap size" in said:
        return Unavailable(
            f"内存设置无效。 DUBAN_ENGINE__MEMORY={memory} is not a size that Java knows, e.g. 512m."
        )
    if "No space left on device" in said:
        return Unavailable(f"磁盘已满。 The disk of {folder} is full: make room.")
    return Unavailable(
        f"引擎启动失败（{code}）。 The engine ended with code {code} before it was ready; see "
        f"{folder}/engine.log and engine.out."
    )


def _says_port_taken(said: str) -> bool:
    return "Address already in use" in said or "BindException" in said
