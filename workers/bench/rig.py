"""What every round runs on: one engine and one store, records, desk and sender as processes of their own."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from workers.bench.cores import SHARED, Cores, kept_to
from workers.bench.processes import DUBAN, Started, clean_environment, started
from workers.bootstrap.deploying import deploy
from workers.bootstrap.parts import Parts, assembled
from workers.bootstrap.tokens import Tokens
from workers.bootstrap.upgrade import upgrade
from workers.clock import SystemClock
from workers.engine.broker import EmbeddedBroker
from workers.engine.gateway import EngineHandle, Gateway
from workers.engine.user_tasks import UserTasks
from workers.errors import Refused
from workers.serving import listen
from workers.settings import Settings

Say = Callable[[str], None]
SCOPES: Final = ("complaints:write",)


@dataclass(frozen=True)
class Rig:
    """What runs, and how to speak to it.

    Attributes:
        fixed: engine, records, desk and sender: the processes that are there in every round, by name.
        environment: of every process of `duban` that is started beside them.
        cores: who is kept to which.
    """

    folder: Path
    parts: Parts
    handle: EngineHandle
    gateway: Gateway
    user_tasks: UserTasks
    desk_url: str
    token: str
    fixed: Mapping[str, int]
    environment: Mapping[str, str]
    cores: Cores

    def process(self, name: str, command: Sequence[str]) -> AbstractAsyncContextManager[Started]:
        """Another process of what is measured, for the length of the block."""
        return started(name, command, self.folder, self.environment, self.cores.duban)


def settings_of(folder: Path, database_url: str | None) -> Settings:
    """Settings of a measurement: the user's engine (release, cache, flush), nothing else of the environment."""
    engine = Settings().engine.model_copy(update={"address": None, "rest_url": None})
    return Settings(
        _env_prefix="DUBAN_BENCH_HAS_NONE_", data=folder / "data", database_url=database_url, engine=engine
    )


@asynccontextmanager
async def rig(folder: Path, database_url: str | None, say: Say, cores: Cores = SHARED) -> AsyncIterator[Rig]:
    """Everything but workers, for the length of the block. The engine and this process keep to cores of their own.

    Raises:
        Refused: the database is not empty. Unavailable: something needed is missing.
    """
    settings = settings_of(folder, database_url)
    if (await asyncio.to_thread(upgrade, settings)).before is not None:
        raise Refused(
            "数据库不是空的。 The measurement writes made-up complaints: give it a database without tables."
        )
    password, port = secrets.token_urlsafe(24), _free_port()
    environment = clean_environment() | {
        "DUBAN_DATA": str(settings.data),
        "DUBAN_RECORDS__PASSWORD": password,
        "DUBAN_RECORDS__PORT": str(port),
        "DUBAN_ENGINE__CACHE_DIR": str(settings.engine.cache_dir),
        **({"DUBAN_DATABASE_URL": database_url} if database_url else {}),
    }
    async with AsyncExitStack() as stack:
        stack.enter_context(kept_to(cores.engine))
        parts = stack.enter_context(assembled(settings, SystemClock()))

        async def start(name: str, *arguments: str) -> Started:
            command = (*DUBAN, *arguments)
            return await stack.enter_async_context(started(name, command, folder, environment, cores.duban))

        records = await start("records", "records")
        await records.says("ready")
        broker = EmbeddedBroker(
            settings.data,
            settings.engine,
            exporter_url=f"http://duban:{password}@127.0.0.1:{port}",
            progress=say,
        )
        handle = (await stack.enter_async_context(broker)).handle
        environment |= {
            "DUBAN_ENGINE__ADDRESS": handle.grpc_address,
            "DUBAN_ENGINE__REST_URL": handle.rest_url,
        }
        settings.engine.address, settings.engine.rest_url = handle.grpc_address, handle.rest_url
        await deploy(settings, say, lambda _: None, moving=False)
        desk, sender = await start("desk", "desk", "--port", "0"), await start("send", "send")
        url = (await desk.says("ready")).removeprefix("ready ")
        await sender.says("sending")
        yield Rig(
            folder=folder,
            parts=parts,
            handle=handle,
            gateway=await stack.enter_async_context(Gateway(handle)),
            user_tasks=await stack.enter_async_context(UserTasks(handle.rest_url)),
            desk_url=url,
            token=str(Tokens(parts.database, parts.clock).add("bench", SCOPES, days=1)["token"]),
            fixed={"engine": broker.pid or 0, "records": records.pid, "desk": desk.pid, "send": sender.pid},
            environment=environment,
            cores=cores,
        )


def _free_port() -> int:
    with closing(listen("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
