"""A whole installation as separate real processes, as on a cluster: engine, PostgreSQL, records, desks, workers, …

Importable by whoever needs one: `with Rig(folder) as rig: …`; `rig.parts["desk-1"].kill()`.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.databases import Postgres
from tests.faults.brokers import Brokers
from tests.faults.front import Front
from tests.faults.parts import DUBAN, Keeper, Part, duban, surroundings
from tests.faults.witness import Witness
from tests.notifications.mail_servers import Gateway, Mailbox, sms_server, smtp_server
from workers.engine.broker_process import Ports
from workers.store.database import Database

START_SECONDS: Final = 180.0
REFUND_WORK: Final = (
    "register-refund",
    "verify-charge",
    "decide-refund",
    "request-approval",
    "record-approval",
    "raise-refund",
    "draw-agreement",
    "post-refund",
    "find-stuck-refunds",
    "record-posting",
)
"""Job types of the group workers-refunds in deploy/compose.yaml."""
SERVER_THINKS_SECONDS: Final = 0.2
"""How long mail server and SMS gateway take between taking a message and saying so: a sender dies in between, too."""
DISK: Final = "4g"
"""Size of a small disk. Zeebe wants two to be free."""
_SCOPES: Final = ("complaints:read", "complaints:write", "tasks:read", "tasks:write")


@contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    folder.mkdir()
    folder.parent.chmod(0o711)  # PostgreSQL runs as another user
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=755", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=False)


class Rig:
    """The parts of docs/operations.md, on free ports of this machine; a context manager.

    Every process is kept (tests.faults.parts): what ends is started again. The rest is real as well: an SMTP server,
    an SMS gateway, the billing in the store.

    Args:
        folder: for logs and data; of one rig only.
        brokers: 1, or 3 that replicate to each other.
        desks: how many.
        flush: whether the engine flushes to disk, as in production.
        small_disk: whose data are on a small file system of their own, `disks[…]`: "engine", "store". Needs root.
        has_movable_clock: whether `move_clocks` and `move_parts` move the time.
        told: more settings for all parts, DUBAN_….
        has_witness: whether the engine tells a second exporter, too, what it begins.
    """

    def __init__(
        self,
        folder: Path,
        *,
        brokers: int = 1,
        desks: int = 2,
        memory: str = "512m",
        flush: bool = True,
        small_disk: str | None = None,
        has_movable_clock: bool = False,
        told: Mapping[str, str] | None = None,
        has_witness: bool = True,
    ) -> None:
        self.folder = folder
        self.mails: Mailbox
        self.sms: Gateway
        self.witness = Witness()
        self.parts: dict[str, Part] = {}
        self.disks = {small_disk: folder / "disk"} if small_disk else {}
        self._stack = ExitStack()
        self._postgres: Postgres
        self._clock = folder / "clock" if has_movable_clock else None
        self._clock_is_off = 0
        ports = [Ports.free() for _ in range(1 + desks)]
        self._records_port, *self._desk_ports = (each.rest for each in ports)
        self._password = secrets.token_urlsafe(16)
        self._told = dict(told or {})
        records_url = f"http://duban:{self._password}@127.0.0.1:{self._records_port}"
        self.brokers = Brokers(
            self.disks.get("engine", folder),
            records_url,
            self.witness.url if has_witness else None,
            size=brokers,
            memory=memory,
            flush=flush,
            has_movable_clock=has_movable_clock,
        )
        self.gateways = Front(self.brokers.grpc)
        self.rest = Front(self.brokers.rest)

    @property
    def desks(self) -> list[str]:
        """Base URLs of the desks."""
        return [f"http://127.0.0.1:{port}" for port in self._desk_ports]

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def run(self, *arguments: str) -> str:
        """A `duban` command that ends by itself; what it printed. Raises RuntimeError with what it said."""
        command = [DUBAN, *arguments, "--data", self.folder / "commands"]
        done = subprocess.run(
            command, env=surroundings() | self.settings, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"duban {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    @property
    def settings(self) -> dict[str, str]:
        """What all parts are told."""
        return {
            "DUBAN_DATABASE_URL": self.database_url,
            "DUBAN_ENGINE__ADDRESS": self.gateways.address,
            "DUBAN_ENGINE__REST_URL": f"http://{self.rest.address}",
            "DUBAN_EVIDENCE__FOLDER": str(self.folder / "evidence"),
            "DUBAN_RECORDS__PASSWORD": self._password,
            "DUBAN_NOTIFICATIONS__CHANNELS": json.dumps({"sms": "sms-gateway", "email": "smtp"}),
            "DUBAN_NOTIFICATIONS__SMTP_PORT": str(self.mails.port),
            "DUBAN_NOTIFICATIONS__SMS_GATEWAY_URL": self.sms.url,
            **self._told,
        }

    def move_clocks(self, seconds: int) -> None:
        """The clocks of engine and parts go on so much later."""
        self._clock_is_off += seconds
        self.move_parts()
        self.brokers.move_clock(seconds)

    def move_parts(self, seconds: int = 0) -> None:
        """The clocks of the parts are off by so much from that of the engine."""
        assert self._clock is not None, "the rig was made without a clock that moves"
        new = self._clock.with_suffix(".new")
        new.write_text(f"{self._clock_is_off + seconds:+d}")
        new.rename(self._clock)

    def _start(self) -> None:
        if self._clock is not None:
            self.move_parts()
        for folder in self.disks.values():
            self._stack.enter_context(_small_disk(folder))
        self._postgres = Postgres(self.disks.get("store"), is_durable=True)
        enter = self._stack.enter_context
        enter(self.witness)
        enter(self.gateways)
        enter(self.rest)
        self.mails = enter(smtp_server())
        self.mails.thinks_seconds = SERVER_THINKS_SECONDS
        self.sms = enter(sms_server())
        self.sms.before = partial(time.sleep, SERVER_THINKS_SECONDS)
        self._stack.callback(self._postgres.stop)  # after its keeper has let go of it
        keeper = enter(Keeper())
        keeper.parts = list(self.brokers.parts)
        self.brokers.start()
        self._start_store(keeper)
        self.run("upgrade")
        self.database = Database(self.database_url)
        self._stack.callback(self.database.close)
        made = json.loads(
            self.run("tokens", "add", "load", *(word for scope in _SCOPES for word in ("--scope", scope)))
        )
        self.token = str(made["token"])
        self.brokers.wait_ready()
        enter(self.brokers.probed())
        self.run("deploy")
        self._start_parts(keeper)

    def _start_store(self, keeper: Keeper) -> None:
        self._postgres.start()
        self.database_url = self._postgres.new_empty_database()
        part = Part("postgres", self._postgres.serve, self.folder / "postgres.log")
        self._postgres.pause()
        part.start()
        self._postgres.wait_ready()
        self.parts["postgres"] = part
        keeper.parts.append(part)

    def _start_parts(self, keeper: Keeper) -> None:
        refunds = [f"--only={kind}" for kind in REFUND_WORK]
        rest = [f"--except={kind}" for kind in REFUND_WORK]
        ready = {
            "records": (["records", f"--port={self._records_port}"], "ready "),
            **{
                f"desk-{place}": (["desk", f"--port={port}"], "ready ")
                for place, port in enumerate(self._desk_ports, 1)
            },
            "work-refunds": (["work", *refunds], "working on"),
            "work-rest": (["work", *rest], "working on"),
            "send": (["send"], "sending"),
        }
        for name, (arguments, _) in ready.items():
            log = self.folder / f"{name}.log"
            data = ["--data", str(self.folder / name), "--verbose"]
            part = Part(name, partial(duban, [*arguments, *data], self.settings, log, self._clock), log)
            self.parts[name] = part
            keeper.parts.append(part)
            part.start()
        for node, part in enumerate(self.brokers.parts):
            self.parts[f"broker-{node}"] = part
        for name, (_, words) in ready.items():
            self.parts[name].wait_for(words, START_SECONDS)
