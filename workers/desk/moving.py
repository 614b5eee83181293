"""Moving running instances to the newest version of their process: a preview, then a run with progress."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from starlette.concurrency import run_in_threadpool

from workers.clock import Clock
from workers.desk.caller import current
from workers.desk.operating import way
from workers.desk.words import iso
from workers.engine.models import moves as rules
from workers.engine.models.moves import Obstacle, Version
from workers.engine.topology import Topology
from workers.errors import DubanError, NotFound, Refused, Unavailable
from workers.store import audit, moves
from workers.store.database import Database
from workers.store.moves import Deployed, Running
from workers.store.outbox import Transaction

log = logging.getLogger(__name__)
T = TypeVar("T")

_AT_ONCE: Final = 4
_BATCH: Final = 100
_SHOWN: Final = 500
_EXAMPLES: Final = 20
_PAUSE: Final = 5.0
"""Seconds until an engine that does not answer is asked again."""


@dataclass(frozen=True)
class MoverParts:
    """What moving needs.

    Attributes:
        move: moves one instance (workers.engine.moving).
        look: the engine's brokers and version (workers.engine.topology).
        way: how the wish came, for the audit.
    """

    database: Database
    clock: Clock
    move: Callable[[str, str, Mapping[str, str]], Awaitable[None]]
    look: Callable[[], Awaitable[Topology]]
    way: Callable[[], audit.Way] = way


@dataclass(frozen=True)
class _Plan:
    source: Deployed
    target: Deployed
    instances: list[tuple[Running, list[Obstacle]]]
    mapping: dict[str, str]
    engine: str | None


class Mover:
    """Previews and runs; a run that was interrupted goes on as soon as somebody looks at it."""

    def __init__(self, parts: MoverParts) -> None:
        self._parts = parts
        self._at_work: dict[int, asyncio.Task[None]] = {}

    async def preview(self, process: str, version: int, ahead: str | None = None) -> dict[str, Any]:
        """What would be moved and what would not, with the reasons; changes nothing.

        Args:
            ahead: a diagram (XML) that is not deployed yet; None: the newest that is.

        Raises:
            NotFound: no such version. Refused: it is the newest.
        """
        plan = await self._plan(process, version, ahead=ahead)
        return _told(process, plan)

    async def begin(self, process: str, version: int, who: str | None) -> int:
        """Begins a run. Returns its number. Raises: as `preview`."""
        plan = await self._plan(process, version)
        run_id = await run_in_threadpool(self._keep, process, plan, who)
        current().is_noted = True
        self._work_on(run_id, plan)
        return run_id

    async def progress(self, run_id: int) -> dict[str, Any]:
        """How far a run is, and what became of each instance. Raises NotFound."""
        found = await run_in_threadpool(self._progress, run_id)
        if found["ended_at"] is None and run_id not in self._at_work:
            plan = await self._plan(found["process"], found["from"], found["to"])
            self._work_on(run_id, plan)
        return found

    async def _plan(
        self, process: str, version: int, to: int | None = None, ahead: str | None = None
    ) -> _Plan:
        try:
            engine: str | None = (await self._parts.look()).version
        except Unavailable:
            engine = None
        return await run_in_threadpool(
            self._read, lambda tx: _planned(tx, process, version, to, engine, ahead)
        )

    def _read(self, read: Callable[[Transaction], T]) -> T:
        with self._parts.database.read() as tx:
            return read(tx)

    def _keep(self, process: str, plan: _Plan, who: str | None) -> int:
        items = [
            (each, "；".join(f"{one.element} {one.zh} {one.en}".strip() for one in found) or None)
            for each, found in plan.instances
        ]
        with self._parts.database.begin() as tx:
            now = self._parts.clock.now()
            run_id = moves.begin(tx, process, plan.source, plan.target, who, now, items)
            facts: dict[str, audit.Fact] = {
                "process": process,
                "from": plan.source.version,
                "to": plan.target.version,
                "count": sum(why is None for _, why in items),
            }
            audit.add(tx, now, who, "migration-begun", str(run_id), way=self._parts.way(), facts=facts)
        return run_id

    def _progress(self, run_id: int) -> dict[str, Any]:
        with self._parts.database.read() as tx:
            run = moves.get(tx, run_id)
            return {
                "id": run.id,
                "process": run.process_id,
                "from": run.from_version,
                "to": run.to_version,
                "asked_by": run.asked_by,
                "asked_at": iso(run.asked_at),
                "ended_at": iso(run.ended_at),
                "counts": dict(moves.counts(tx, run_id)),
                "instances": moves.items(tx, run_id, _SHOWN),
            }

    def _work_on(self, run_id: int, plan: _Plan) -> None:
        task = asyncio.create_task(self._run(run_id, plan), name=f"migration-{run_id}")
        self._at_work[run_id] = task
        task.add_done_callback(lambda _: self._at_work.pop(run_id, None))

    async def _run(self, run_id: int, plan: _Plan) -> None:
        try:
            while keys := await run_in_threadpool(self._read, lambda tx: moves.waiting(tx, run_id, _BATCH)):
                gate = asyncio.Semaphore(_AT_ONCE)
                await asyncio.gather(*(self._move(run_id, key, plan, gate) for key in keys))
            await run_in_threadpool(self._end, run_id)
        except Exception:
            log.exception("a migration stopped", extra={"action": "migration-stopped", "run": run_id})

    async def _move(self, run_id: int, key: str, plan: _Plan, gate: asyncio.Semaphore) -> None:
        async with gate:
            state, says = "moved", None
            try:
                await self._parts.move(key, plan.target.key, plan.mapping)
            except NotFound:
                state = "gone"
            except Unavailable as error:
                log.warning("the engine does not answer: %s", error, extra={"action": "migration-waits"})
                await asyncio.sleep(_PAUSE)
                return  # it still waits, and is taken up again
            except DubanError as error:
                state, says = "refused", str(error)
            await run_in_threadpool(self._settle, run_id, key, state, says)

    def _settle(self, run_id: int, key: str, state: str, says: str | None) -> None:
        with self._parts.database.begin() as tx:
            moves.settle(tx, run_id, key, state, says)

    def _end(self, run_id: int) -> None:
        with self._parts.database.begin() as tx:
            moves.end(tx, run_id, self._parts.clock.now())


def _planned(
    tx: Transaction, process: str, version: int, to: int | None, engine: str | None, ahead: str | None
) -> _Plan:
    known = moves.versions(tx, process)
    source = next((each for each in known if each.version == version), None)
    if source is None:
        raise NotFound(
            f"没有流程 {process[:60]} 的版本 {version}。 Version {version} of {process[:60]!a} is not deployed."
        )
    target = next((each for each in known if to in {None, each.version}), known[0])
    if ahead is not None:
        target = Deployed("", known[0].version + 1, ahead, known[0].names)
    if target.version == source.version:
        raise Refused("这已是最新版本。 This is the newest version: there is nothing to move to.")
    one, other = Version.read(source.diagram), Version.read(target.diagram)
    instances = [
        (each, rules.obstacles(one, other, each.active, engine)) for each in moves.running(tx, source.key)
    ]
    return _Plan(source, target, instances, rules.mapping(one, other), engine)


def _told(process: str, plan: _Plan) -> dict[str, Any]:
    names = {**plan.target.names, **plan.source.names}
    reasons: dict[Obstacle, list[Running]] = defaultdict(list)
    for each, obstacles in plan.instances:
        for obstacle in obstacles:
            reasons[obstacle].append(each)
    movable = [each for each, obstacles in plan.instances if not obstacles]
    return {
        "process": process,
        "name": names.get(process, process),
        "from": plan.source.version,
        "to": plan.target.version,
        "engine": plan.engine,
        "running": len(plan.instances),
        "movable": len(movable),
        "examples": [{"instance": each.key, "number": each.number} for each in movable[:_EXAMPLES]],
        "elements": _where(movable, names),
        "obstacles": [
            {
                "element": obstacle.element,
                "name": names.get(obstacle.element, obstacle.element),
                "zh": obstacle.zh,
                "en": obstacle.en,
                "count": len(found),
                "examples": [{"instance": one.key, "number": one.number} for one in found[:_EXAMPLES]],
            }
            for obstacle, found in sorted(reasons.items(), key=lambda one: (-len(one[1]), one[0]))
        ],
    }


def _where(movable: list[Running], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Where the instances stand that would be moved."""
    count: dict[str, int] = defaultdict(int)
    for each in movable:
        for element, _ in each.active:
            count[element] += 1
    return [
        {"element": element, "name": names.get(element, element), "count": number}
        for element, number in sorted(count.items(), key=lambda one: (-one[1], one[0]))
    ]
