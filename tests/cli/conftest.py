"""The real command against a real desk."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.desk_server import TOKEN, RunningDesk, running
from workers.store.database import Database

Duban = Callable[..., "subprocess.CompletedProcess[str]"]


def command() -> str:
    """The installed `duban`."""
    return str(Path(sysconfig.get_path("scripts")) / "duban")


@pytest.fixture
def desk(sqlite_database: Database) -> Iterator[RunningDesk]:
    """A running desk."""
    with running(sqlite_database) as found:
        yield found


@pytest.fixture
def data(desk: RunningDesk, tmp_path: Path) -> Path:
    """The data folder of the running instance."""
    return write_instance(tmp_path / "data", desk.url, os.getpid())


def write_instance(folder: Path, url: str, pid: int) -> Path:
    """What `duban up` leaves in its data folder for the other commands."""
    folder.mkdir()
    told = {"url": url, "token": TOKEN, "pid": pid}
    (folder / "instance.json").write_text(json.dumps(told), encoding="utf-8")
    return folder


@pytest.fixture
def bare(tmp_path: Path) -> Duban:
    """Runs `duban` with nothing set that says where an instance is."""
    unset = {"DUBAN_DATA", "DUBAN_URL", "DUBAN_TOKEN"}
    kept = {name: value for name, value in os.environ.items() if name not in unset}

    def run(*arguments: str, stdin: str | bytes = "", **more: str) -> subprocess.CompletedProcess[str]:
        raw = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            [command(), *arguments],
            input=raw,
            capture_output=True,
            timeout=120,
            check=False,
            cwd=tmp_path,
            env={**kept, "COLUMNS": "200", "HOME": str(tmp_path), **more},
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    return run


@pytest.fixture
def duban(bare: Duban, data: Path) -> Duban:
    """Runs `duban`, which finds the running instance by its data folder."""

    def run(*arguments: str, stdin: str | bytes = "", **more: str) -> subprocess.CompletedProcess[str]:
        return bare(*arguments, stdin=stdin, DUBAN_DATA=str(data), **more)

    return run
