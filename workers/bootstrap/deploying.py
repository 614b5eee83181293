"""`duban deploy`: what would change, the deployment itself, and running instances moved to what is new."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from workers.bootstrap.contract import checked_models
from workers.bootstrap.store_alone import store_alone
from workers.clock import SystemClock
from workers.desk.moving import Mover, MoverParts
from workers.engine import topology
from workers.engine.broker import connect
from workers.engine.deployment import Deployed
from workers.engine.deployment import deploy as deploy_to
from workers.engine.gateway import Gateway
from workers.engine.models import Models
from workers.engine.models.changes import Change, Difference, differences
from workers.engine.moving import Moving
from workers.engine.topology import Topology
from workers.errors import Refused, Unavailable
from workers.settings import Settings
from workers.store import deployed
from workers.store.database import Database

Say = Callable[[str], None]

_RECORDS_SECONDS: Final = 60.0
"""How long the records may take to tell of what was deployed, before instances are moved to it."""
_LOOK_SECONDS: Final = 0.3


@dataclass(frozen=True)
class Preview:
    """What a deployment would do.

    Attributes:
        files: every file, and what the engine has beside them; where that is not known, every file as unknown.
        running: how many instances run, by process id and version.
        not_known: why nothing is known of what the engine has; None: it is known.
        moves: what would be moved, one for each version that instances run on, as `duban migrate --dry-run` has it.
    """

    files: list[Difference]
    running: dict[str, dict[int, int]]
    not_known: str | None
    moves: list[dict[str, Any]]

    @property
    def would_change(self) -> bool:
        """The engine would be another afterwards, or that is not known."""
        return any(each.is_effective for each in self.files) or any(each["movable"] for each in self.moves)


@dataclass(frozen=True)
class Done:
    """What was deployed, and what became of the instances that were to be moved (as `duban migrate` has it)."""

    deployed: list[Deployed]
    moves: list[dict[str, Any]] = field(default_factory=list)


async def preview(settings: Settings, say: Say, *, moving: bool) -> Preview:
    """Checks the models and says what deploying them would change; changes nothing.

    Args:
        moving: say also which running instances would be moved.

    Raises:
        Refused: the models have faults (each is named); `moving`, and there is no store.
        Unavailable: `moving`, and the store does not answer.
    """
    models = checked_models(settings)
    async with AsyncExitStack() as stack:
        gateway = None
        if moving and settings.engine.address:
            handle = await stack.enter_async_context(connect(settings.engine, say))
            gateway = await stack.enter_async_context(Gateway(handle))
        return await _preview(settings, models, gateway, moving=moving)


async def deploy(
    settings: Settings, say: Say, show: Callable[[Preview], None], *, moving: bool, who: str | None = None
) -> Done:
    """Checks the models, shows what changes, deploys them together, and moves running instances.

    Args:
        show: is told what would change, before anything does.
        moving: move the running instances of older versions; those that cannot be moved stay.
        who: in whose name, for the audit.

    Raises:
        Refused: the models have faults (each is named), or the engine does not take them.
        Unavailable: the engine does not answer; or the records are too late for moving, and all is deployed.
    """
    models = checked_models(settings)
    async with AsyncExitStack() as stack:
        handle = await stack.enter_async_context(connect(settings.engine, say))
        gateway = await stack.enter_async_context(Gateway(handle))
        found = await _preview(settings, models, gateway, moving=moving)
        show(found)
        done = await deploy_to(handle, models.deployables())
        if not found.moves:
            return Done(done)
        with store_alone(settings) as database:
            await _told_of(database, done)
            return Done(done, await _moved(_mover(database, gateway), database, models, who))


async def _preview(settings: Settings, models: Models, gateway: Gateway | None, *, moving: bool) -> Preview:
    try:
        with _store(settings) as database:
            with database.read() as tx:
                files = differences(models, deployed.newest(tx))
                running = deployed.running(tx)
            plans: list[dict[str, Any]] = []
            if moving:
                plans = await _plans(_mover(database, gateway), models, files, running)
            return Preview(files, running, None, plans)
    except (Refused, Unavailable) as error:
        if moving:
            raise
        files = [
            Difference(each.kind, each.id, each.file, Change.UNKNOWN, None)
            for each in differences(models, [])
        ]
        return Preview(files, {}, str(error), [])


@contextmanager
def _store(settings: Settings) -> Iterator[Database]:
    """The store, where there is one: none is made."""
    if settings.database_url is None and not (settings.data / Database.FILE).exists():
        raise Refused(
            "没有数据库，无法得知引擎上已有什么。 There is no store here that knows what the engine has: set "
            "DUBAN_DATABASE_URL, or name the folder of a running instance with --data."
        )
    with store_alone(settings) as database:
        yield database


def _mover(database: Database, gateway: Gateway | None) -> Mover:
    async def look() -> Topology:
        if gateway is None:
            raise Unavailable("no engine is named: its version is not known")
        return await topology.look(gateway)

    async def nowhere(*_: object) -> None:
        raise Unavailable("no engine is named")

    move = Moving(gateway).move if gateway is not None else nowhere
    return Mover(MoverParts(database, SystemClock(), move, look, lambda: "command"))


async def _plans(
    mover: Mover, models: Models, files: list[Difference], running: dict[str, dict[int, int]]
) -> list[dict[str, Any]]:
    """A preview for every version that instances would be moved from."""
    wanted: list[tuple[str, int, str | None]] = []
    for each in files:
        if each.kind != "process" or each.change is Change.GONE:
            continue
        ahead = None
        if each.change is not Change.UNCHANGED:
            ahead = await asyncio.to_thread(_text, models.processes[each.id].file)
        versions = running.get(each.id, {})
        wanted += [(each.id, one, ahead) for one in versions if ahead is not None or one != each.version]
    return [await mover.preview(*one) for one in wanted]


def _text(file: Path) -> str:
    return file.read_text("utf-8")


async def _told_of(database: Database, done: list[Deployed]) -> None:
    """Waits until the records have told of what was deployed. Raises Unavailable."""
    wanted = {each.id: each.version for each in done if each.kind == "process"}
    loop = asyncio.get_running_loop()
    until = loop.time() + _RECORDS_SECONDS
    while True:
        with database.read() as tx:
            if deployed.has_versions(tx, wanted):
                return
        if loop.time() > until:
            raise Unavailable(
                "模型已部署，但记录流尚未送到，实例未迁移。 The models are deployed, but the records have not told of "
                "them, and nothing was moved: see that `duban records` runs, then run the same command again."
            )
        await asyncio.sleep(_LOOK_SECONDS)


async def _moved(mover: Mover, database: Database, models: Models, who: str | None) -> list[dict[str, Any]]:
    """Moves what runs on older versions, process by process. What was refused says why."""
    with database.read() as tx:
        running = deployed.running(tx)
        newest = {each.id: each.version for each in deployed.newest(tx) if each.kind == "process"}
    runs = []
    for process in sorted(models.processes):
        for version in running.get(process, {}):
            if version == newest[process]:
                continue
            runs.append(await _ended(mover, await mover.begin(process, version, who)))
    return runs


async def _ended(mover: Mover, run_id: int) -> dict[str, Any]:
    while True:
        run = await mover.progress(run_id)
        if run["ended_at"] is not None:
            return run
        await asyncio.sleep(_LOOK_SECONDS)
