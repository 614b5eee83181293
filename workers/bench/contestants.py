"""Who works off the jobs: Duban as it is, its worker host with constant answers, bare pyzeebe, the Java client."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from workers.bench.java_client import java_command
from workers.bench.processes import DUBAN, Started
from workers.bench.rig import Rig, Say
from workers.errors import Unavailable

DUBAN_WHOLE: Final = "duban"
HOST: Final = "host"
BARE: Final = "bare"
JAVA: Final = "java"
UNUSED_TYPE: Final = "compile-case-file"
"""A job type that is not on the way: with `--except`, `duban work` leaves relay and sender to the other processes."""


@dataclass(frozen=True)
class Contestant:
    """Something that works as long as the block of `working` lasts; it yields the worker's process id."""

    name: str
    working: Callable[[], AbstractAsyncContextManager[int]]


def duban_work(rig: Rig) -> Contestant:
    """`duban work`: real tasks on the real store, started for each round."""

    @asynccontextmanager
    async def working() -> AsyncIterator[int]:
        command = (*DUBAN, "work", "--except", UNUSED_TYPE)
        async with rig.process("work", command) as process:
            await process.says("working on")
            yield process.pid

    return Contestant(DUBAN_WHOLE, working)


def _obedient(name: str, process: Started) -> Contestant:
    @asynccontextmanager
    async def working() -> AsyncIterator[int]:
        process.tell("go")
        await process.says("working")
        yield process.pid
        process.tell("rest")
        await process.says("resting")

    return Contestant(name, working)


async def no_op_contestants(
    stack: AsyncExitStack, rig: Rig, answers: Path, say: Say
) -> Mapping[str, Contestant | None]:
    """Host, bare pyzeebe and the Java client with constant answers; each process lives as long as the stack.

    The Java client is None where it cannot be built; `say` is told why.
    """
    python = (sys.executable, "-m", "workers.bench.constant")
    commands: dict[str, list[str]] = {name: [*python, name] for name in (HOST, BARE)}
    try:
        commands[JAVA] = await java_command(rig.parts.settings.engine.cache_dir)
    except Unavailable as error:
        say(f"没有 Java 客户端可比。 The Java client is left out: {error}")
    found: dict[str, Contestant | None] = {JAVA: None}
    for name, command in commands.items():
        whole = (*command, rig.handle.grpc_address, str(answers))
        process = await stack.enter_async_context(rig.process(name, whole))
        await process.says("ready")
        found[name] = _obedient(name, process)
    return found
