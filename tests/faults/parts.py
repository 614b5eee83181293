"""The processes of a rig, kept as an orchestrator keeps them: one that ends is started again, with growing pauses."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

DUBAN: Final = Path(sys.executable).parent / "duban"
ROOT: Final = Path(__file__).parents[2]
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 5.0
"""Between two starts of a part that ends at once. Kubernetes waits longer (10 s to 5 min): that would only take time"""
STEADY_SECONDS: Final = 10.0
"""A part that ran so long begins with the first pause again."""
_LOOK: Final = 0.1


class Part:
    """One process. `hold` before killing it for a while, `let_go` when it may come back.

    Args:
        begin: starts the process.
        log: what it says.
    """

    def __init__(self, name: str, begin: Callable[[], subprocess.Popen[bytes]], log: Path) -> None:
        self.name = name
        self.log = log
        self.starts = 0
        self._begin = begin
        self._process: subprocess.Popen[bytes] | None = None
        self._is_held = True
        self._pause = FIRST_PAUSE
        self._begun_at = 0.0
        self._next_at = 0.0
        self._lock = threading.RLock()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The one that runs, or ran last. Fails where none was begun."""
        assert self._process is not None, f"{self.name} was not begun"
        return self._process

    @property
    def is_running(self) -> bool:
        """Whether there is a process now; it may be stopped (SIGSTOP)."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Begins it now, and has it kept."""
        with self._lock:
            self._is_held = False
            self._start()

    def hold(self) -> None:
        """It is not started again when it ends."""
        with self._lock:
            self._is_held = True

    def let_go(self) -> None:
        """It is kept again: started at once where it does not run."""
        with self._lock:
            self._is_held, self._next_at, self._pause = False, 0.0, FIRST_PAUSE

    def signal(self, number: int) -> None:
        """To the process and everything that it started: SIGKILL leaves nothing behind."""
        with suppress(psutil.NoSuchProcess):
            tree = psutil.Process(self.process.pid)
            for each in [tree, *tree.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    each.send_signal(number)

    def kill(self) -> None:
        """kill -9, and waits until it is gone."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        self.process.wait(30)

    def end(self, seconds: float = 30) -> None:
        """SIGTERM, and SIGKILL to what has not ended by then. For the end of the rig."""
        self.hold()
        if not self.is_running:
            return
        self.signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def look(self) -> None:
        """What the keeper does again and again."""
        with self._lock:
            now = time.monotonic()
            if self._is_held or self.is_running:
                if self.is_running and now - self._begun_at > STEADY_SECONDS:
                    self._pause = FIRST_PAUSE
                return
            if self._next_at == 0.0:
                self._next_at = now + self._pause
                self._pause = min(self._pause * 2, LONGEST_PAUSE)
            if now >= self._next_at:
                self._start()

    def wait_begun(self, seconds: float = 30) -> None:
        """Returns when its keeper has started it."""
        until = time.monotonic() + seconds
        while not self.is_running and time.monotonic() < until:
            time.sleep(_LOOK)

    def wait_for(self, words: str, seconds: float) -> str:
        """The rest of the line in which it says these words since its last start. Raises RuntimeError with its log."""
        until = time.monotonic() + seconds
        while True:
            said = self.log.read_text(errors="replace") if self.log.exists() else ""
            latest = said.rpartition(_mark(self.starts))[2]
            for line in latest.splitlines():
                if words in line:
                    return line.partition(words)[2].strip()
            if time.monotonic() > until:
                raise RuntimeError(f"{self.name} never said {words!r}: {said[-3000:]}")
            time.sleep(_LOOK)

    def _start(self) -> None:
        self.starts += 1
        with self.log.open("a") as log:
            log.write(_mark(self.starts))
        self._process = self._begin()
        self._begun_at, self._next_at = time.monotonic(), 0.0


class Keeper:
    """Keeps parts. A context manager; its thread lives as long as the parts, because they die with it (PDEATHSIG)."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def __enter__(self) -> Keeper:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        for part in self.parts:
            part.hold()
        stopping = [threading.Thread(target=part.end) for part in self.parts]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()
        self._end.set()
        self._thread.join()

    def _keep(self) -> None:
        while not self._end.wait(_LOOK):
            for part in list(self.parts):
                try:
                    part.look()
                except OSError as error:  # no room for its log, say: tried again
                    print(f"{part.name} could not be started: {error}", file=sys.stderr)


def duban(
    arguments: Sequence[str], told: Mapping[str, str], log: Path, clock: Path | None = None
) -> subprocess.Popen[bytes]:
    """A `duban` command as a process of its own, that the kernel ends with this one.

    Args:
        clock: the file that says by how many seconds its clock is off; None: the machine's clock.
        told: DUBAN_… variables; those of the machine are left out.
        log: takes stdout and stderr.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            [
                *([DUBAN] if clock is None else [sys.executable, "-m", "tests.faults.moved", clock]),
                *arguments,
            ],
            env=surroundings() | told,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent if sys.platform == "linux" else None,
        )


def surroundings() -> dict[str, str]:
    """This process's environment without settings of Duban."""
    return {name: value for name, value in os.environ.items() if not name.startswith("DUBAN_")}


def die_with_parent() -> None:
    """For `preexec_fn`: the kernel kills the process when the thread that began it ends."""
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def _mark(start: int) -> str:
    return f"==== start {start} ====\n"
