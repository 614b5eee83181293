"""The faults: what strikes a rig, and how it is healed. Nobody mends anything else by hand."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.faults.rig import DISK, Rig

Strike = Callable[[Rig, int], None]
CLOCK_JUMP_SECONDS: Final = 3600
UNTIL_SOMEBODY_COMES_S: Final = 10


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes:
        name: as on the command line.
        strike: rig, number of the round (from 1).
        heal: the same; what an orchestrator or the world does, never a person who repairs data.
        away_s: seconds between both; complaints go on coming.
        rig: arguments of the rig that it needs, beside the usual ones.
        why_not: a reason why it cannot be tried here; empty when it can.
        patience_s: how long after `heal` everything may take until it is handled.
    """

    name: str
    strike: Strike
    heal: Strike
    says: str
    away_s: float = 0.0
    rig: dict[str, Any] = field(default_factory=dict)
    why_not: Callable[[], str] = lambda: ""
    patience_s: float = 180.0


def _parts(rig: Rig, names: str) -> list[Any]:
    return [rig.parts[name] for name in names.split()]


def _kill(*turns: str) -> tuple[Strike, Strike]:
    """kill -9 of the parts of this round's turn, together; then they may come back."""

    def strike(rig: Rig, number: int) -> None:
        parts = _parts(rig, turns[(number - 1) % len(turns)])
        for part in parts:
            part.hold()
        for part in parts:
            part.signal(signal.SIGKILL)
        for part in parts:
            part.process.wait(30)

    def heal(rig: Rig, number: int) -> None:
        for part in _parts(rig, turns[(number - 1) % len(turns)]):
            part.let_go()

    return strike, heal


def _stop(name: str) -> tuple[Strike, Strike]:
    """A process that stands still (SIGSTOP) and later goes on as if nothing had been."""
    return (
        lambda rig, _number: rig.parts[name].signal(signal.SIGSTOP),
        lambda rig, _number: rig.parts[name].signal(signal.SIGCONT),
    )


def _hang(rig: Rig, _number: int) -> None:
    rig.gateways.hang()
    rig.rest.hang()


def _flow(rig: Rig, _number: int) -> None:
    rig.gateways.flow()
    rig.rest.flow()


_lost: dict[int, int] = {}
"""Which broker was lost, per rig."""


def _lose_leader(rig: Rig, _number: int) -> None:
    node = _lost[id(rig)] = rig.brokers.leader()
    rig.parts[f"broker-{node}"].hold()
    rig.parts[f"broker-{node}"].kill()


def _return(rig: Rig, _number: int) -> None:
    rig.parts[f"broker-{_lost[id(rig)]}"].let_go()
    rig.brokers.parts[_lost[id(rig)]].wait_begun()
    rig.brokers.wait_ready()


def _jump_back(rig: Rig, _number: int) -> None:
    """What was planned while the clock was ahead waits as long, also what the engine plans for itself. Then somebody
    restarts it."""
    rig.move_clocks(-CLOCK_JUMP_SECONDS)
    time.sleep(UNTIL_SOMEBODY_COMES_S)
    rig.parts["broker-0"].signal(signal.SIGKILL)


def _part_from_engine(rig: Rig, number: int) -> None:
    rig.move_parts(CLOCK_JUMP_SECONDS if number % 2 else -CLOCK_JUMP_SECONDS)


def _fill(which: str) -> tuple[Strike, Strike]:
    def strike(rig: Rig, _number: int) -> None:
        folder = rig.disks[which]
        for _ in range(20):  # it is written to meanwhile
            used = os.statvfs(folder)
            blocks = used.f_blocks - used.f_bfree
            if _remount(folder, f"{blocks * used.f_frsize}"):
                return
        raise RuntimeError(f"{folder} could not be filled")

    def heal(rig: Rig, _number: int) -> None:
        assert _remount(rig.disks[which], DISK)

    return strike, heal


def _remount(folder: Path, size: str) -> bool:
    done = subprocess.run(["mount", "-o", f"remount,size={size}", folder], capture_output=True, check=False)
    return done.returncode == 0


def _no_mounts() -> str:
    return "" if os.geteuid() == 0 else "a small file system is mounted for it: that needs root"


def _made(name: str, says: str, how: tuple[Strike, Strike], **more: Any) -> Fault:
    return Fault(name, how[0], how[1], says, **more)


_EVERYTHING: Final = "broker-0 postgres records desk-1 desk-2 work-refunds work-rest send"

FAULTS: Final[dict[str, Fault]] = {
    fault.name: fault
    for fault in (
        _made(
            "kill-worker",
            "kill -9 of a worker, by turns of both",
            _kill("work-rest", "work-refunds", "work-rest work-refunds"),
        ),
        _made("kill-records", "kill -9 of the record stream's receiver", _kill("records"), away_s=3),
        _made(
            "kill-desk",
            "kill -9 of a desk, by turns of both at once",
            _kill("desk-1", "desk-2", "desk-1 desk-2"),
        ),
        _made("kill-sender", "kill -9 of the sender", _kill("send")),
        _made("kill-postgres", "kill -9 of PostgreSQL with all its processes", _kill("postgres")),
        _made("postgres-away", "kill -9 of PostgreSQL, back after 30 s", _kill("postgres"), away_s=30),
        _made("kill-broker", "kill -9 of the only broker", _kill("broker-0")),
        _made("kill-all", "kill -9 of everything at once, as when the power fails", _kill(_EVERYTHING)),
        _made("stop-broker", "the broker stands still for 30 s (SIGSTOP)", _stop("broker-0"), away_s=30),
        _made("stop-worker", "a worker stands still for 20 s (SIGSTOP)", _stop("work-rest"), away_s=20),
        _made(
            "hang-gateway",
            "the gateway takes connections and answers nothing for 30 s",
            (_hang, _flow),
            away_s=30,
        ),
        _made(
            "lose-broker",
            "of three brokers (replication 3) the leader is killed, back after 15 s",
            (_lose_leader, _return),
            away_s=15,
            rig={"brokers": 3, "memory": "320m"},
        ),
        _made(
            "clock-jump",
            "all clocks, the engine's, too, jump forward by an hour and stay there",
            (lambda rig, _number: rig.move_clocks(CLOCK_JUMP_SECONDS), lambda _rig, _number: None),
            rig={"has_movable_clock": True},
        ),
        _made(
            "clock-apart",
            "the clocks of all parts but the engine jump by an hour, by turns forward and back, and return after 15 s",
            (_part_from_engine, lambda rig, _number: rig.move_parts()),
            away_s=15,
            rig={"has_movable_clock": True},
        ),
        _made(
            "clock-back",
            "all clocks jump forward by an hour and after 15 s back; 10 s later somebody restarts the broker",
            (lambda rig, _number: rig.move_clocks(CLOCK_JUMP_SECONDS), _jump_back),
            away_s=15,
            rig={
                "has_movable_clock": True,
                "brokers": 1,
            },  # not that of the others: a restart forgets their jumps
        ),
        _made(
            "full-disk-engine",
            "the engine's disk is full for 20 s",
            _fill("engine"),
            away_s=20,
            rig={"small_disk": "engine"},
            why_not=_no_mounts,
            patience_s=300.0,
        ),
        _made(
            "full-disk-store",
            "PostgreSQL's disk is full for 20 s",
            _fill("store"),
            away_s=20,
            rig={"small_disk": "store"},
            why_not=_no_mounts,
        ),
    )
}
