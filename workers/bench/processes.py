"""Processes of `duban` that the measurement starts, watches and ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import psutil

from workers.bench.cores import kept_to
from workers.errors import Unavailable

START_SECONDS: Final = 180.0
STOP_SECONDS: Final = 40.0
DUBAN: Final = (sys.executable, "-c", "from workers.cli import main; main()")
_PAUSE: Final = 0.05


class Started:
    """A process that runs; all it says goes to a file."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, said: Path) -> None:
        self.name = name
        self._process = process
        self._said = said
        self._seen = 0

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def says(self, words: str) -> str:
        """The next line that begins with these words. Raises Unavailable: it ended, or does not say it."""
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while True:
            said = self._said.read_text(encoding="utf-8", errors="replace")
            for line in said[self._seen :].splitlines(keepends=True):
                if not line.endswith("\n"):
                    break
                self._seen += len(line)
                if line.startswith(words):
                    return line.rstrip("\n")
            if self._process.returncode is not None or asyncio.get_running_loop().time() > deadline:
                raise Unavailable(f"{self.name} did not say {words!r}; it said: {said[-2000:]}")
            await asyncio.sleep(_PAUSE)

    def tell(self, line: str) -> None:
        """A line on its standard input."""
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        self._process.stdin.write(line.encode() + b"\n")

    async def end(self) -> None:
        """SIGTERM, then SIGKILL."""
        for how, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 10.0)):
            if self._process.returncode is not None:
                return
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(how)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), seconds)


@asynccontextmanager
async def started(
    name: str,
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    cores: Collection[int] | None = None,
) -> AsyncIterator[Started]:
    """A process for the length of the block; what it says is kept in `folder`.

    Args:
        cores: those that it may use; None: those of this process.
    """
    said = folder / f"{name}.log"
    with said.open("wb") as out, kept_to(cores):
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=out, stderr=out, env=environment, cwd=folder
        )
    running = Started(name, process, said)
    try:
        yield running
    finally:
        await running.end()


def clean_environment() -> dict[str, str]:
    """This process's environment without any setting of ours: no instance of the user's may be touched."""
    return {
        name: value for name, value in os.environ.items() if not name.upper().startswith(("DUBAN_", "ZEEBE_"))
    }


def cpu_seconds(pid: int) -> float:
    """What a process has used so far; 0 for one that is gone."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def rss_mb(pid: int) -> float:
    """The memory that a process has now, in millions of bytes."""
    try:
        return float(psutil.Process(pid).memory_info().rss) / 1e6
    except psutil.NoSuchProcess:
        return 0.0
