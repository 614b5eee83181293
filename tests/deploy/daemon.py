"""Docker for tests: the daemon that answers, or one of our own for as long as the suite runs."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import platformdirs
from filelock import FileLock, Timeout

_START_SECONDS: Final = 90
_STOP_SECONDS: Final = 60
_KEPT: Final = "3GB"
"""How much of what was built is kept for the next time."""


class NoDockerError(Exception):
    """Nothing can be run in containers here; says why."""


@contextmanager
def docker_host() -> Iterator[str]:
    """What DOCKER_HOST has to be, so that client and testcontainers find a daemon.

    One that answers is used as it is. Otherwise, as root and with `dockerd` installed, one is started: on a socket of
    its own, with a data root in the user's cache so that images are built once per machine, without a bridge of its
    own (networks that tests make have theirs). It ends with the block, and with the process.

    Raises:
        NoDockerError: there is none, and none can be started.
    """
    if shutil.which("docker") is None:
        raise NoDockerError("there is no docker on this machine (Debian: apt-get install docker.io)")
    told = os.environ.get("DOCKER_HOST", "")
    if _answers(told):
        yield told
        return
    if shutil.which("dockerd") is None:
        raise NoDockerError("no Docker daemon answers, and dockerd is not installed (Debian: docker.io)")
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        raise NoDockerError("no Docker daemon answers, and only root can start one")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="duban-docker-", dir="/tmp")))
        yield stack.enter_context(_started(folder, stack.enter_context(_data_root(folder))))


@contextmanager
def _data_root(folder: Path) -> Iterator[Path]:
    """The kept one; where another suite has it, one for this time."""
    kept = Path(platformdirs.user_cache_dir("duban")) / "docker"
    kept.mkdir(parents=True, exist_ok=True)
    lock = FileLock(kept.with_suffix(".lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        yield folder / "root"
        return
    try:
        yield kept
    finally:
        lock.release()


@contextmanager
def _started(folder: Path, root: Path) -> Iterator[str]:
    host = f"unix://{folder / 'socket'}"
    command = ["dockerd", "--host", host, "--data-root", root, "--exec-root", folder / "exec"]
    command += ["--pidfile", folder / "pid", "--bridge", "none"]
    log = folder / "dockerd.log"
    with log.open("wb") as output:
        daemon = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for pytest, which ends the daemon when its tests are done
            preexec_fn=_end_with_parent,
        )
    try:
        until = time.monotonic() + _START_SECONDS
        while not _answers(host):
            if daemon.poll() is not None or time.monotonic() > until:
                said = log.read_text(errors="replace").strip().splitlines()[-3:]
                raise NoDockerError(f"dockerd does not start here: {' / '.join(said)}")
            time.sleep(0.2)
        _tidy(host)  # what an interrupted suite left
        yield host
        _tidy(host)
    finally:
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


def _tidy(host: str) -> None:
    """Of a daemon of our own: nothing runs on, and what was built does not grow for ever."""
    running = _client(host, "ps", "--all", "--quiet").stdout.split()
    if running:
        _client(host, "rm", "--force", "--volumes", *running)
    _client(host, "network", "prune", "--force")
    _client(host, "volume", "prune", "--force")
    _client(host, "image", "prune", "--force")
    _client(host, "builder", "prune", "--force", f"--keep-storage={_KEPT}")


def _answers(host: str) -> bool:
    try:
        return _client(host, "info", seconds=30).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _client(host: str, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    told = {"DOCKER_HOST": host} if host else {}
    return subprocess.run(
        ["docker", *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env=os.environ | told,
    )


def _end_with_parent() -> None:
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
