"""`duban up`: store, engine, workers, relay, sender, page and records in one process tree."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from workers.bootstrap import ports
from workers.bootstrap.contract import checked_models
from workers.bootstrap.demo import check_demo, how_to_sign_in, make_demo_accounts
from workers.bootstrap.folder import InstanceFile, held
from workers.bootstrap.heartbeat import Heartbeat
from workers.bootstrap.model_start import ModelStart
from workers.bootstrap.parts import Parts, assembled
from workers.bootstrap.probe import Told, probed
from workers.bootstrap.running import RunUntil, stop_on_signals, unless_it_fails
from workers.bootstrap.telling import instance_figures, told_of_host
from workers.bootstrap.traces import traced_to
from workers.cases.complaint import parse_line
from workers.cases.passwords import Passwords
from workers.clock import Clock, SystemClock
from workers.desk.health import Health
from workers.engine.broker import EmbeddedBroker, connect
from workers.engine.controlled_clock import EngineClock
from workers.engine.gateway import EngineHandle, Gateway
from workers.engine.host import WorkerHost, worker_name
from workers.engine.messages import Messages
from workers.engine.relay import Relay
from workers.engine.user_tasks import UserTasks
from workers.errors import Refused, Unavailable
from workers.records.belonging import check_belonging
from workers.records.endpoint import RecordsServer
from workers.records.settle import wait_settled
from workers.serving import served
from workers.settings import Settings
from workers.store import intake, staff

if TYPE_CHECKING:
    from fastapi import FastAPI

log = logging.getLogger(__name__)

QUIET_SECONDS: Final = 30
SETTLE_SECONDS: Final = 600
Say = Callable[[str], None]


@dataclass(frozen=True)
class Ready:
    """A running instance: what to tell people and scripts.

    Attributes:
        sign_in: how to sign in with a demo account; empty without --demo.
    """

    url: str
    token: str
    sign_in: str = ""


async def up(
    settings: Settings,
    *,
    test_clock: bool,
    samples: Path | None,
    say: Say,
    ready: Callable[[Ready], None],
    demo: bool = False,
) -> None:
    """Runs an instance on `settings.data` until a signal comes.

    Args:
        test_clock: the engine's clock can be moved by `duban clock advance`.
        samples: complaints to hand in once the instance is usable.
        say: takes progress sentences.
        ready: called once, when everything is usable.
        demo: makes accounts to try it out with; they work only while this is set.

    Raises:
        Refused: the folder is held by another instance, a port is taken, a model has faults, demo accounts could be
            reached from elsewhere.
        Unavailable: something needed is missing: network, disk, memory, database.
    """
    if demo:
        check_demo(settings)
    with held(settings.data), ports.listening(settings.web) as listener:
        clock: Clock = (
            EngineClock(settings.data / "clock.json") if test_clock else _plain_clock(settings.data)
        )
        with assembled(settings, clock) as parts, traced_to(settings.tracing, "up"):
            url = ports.url_of(listener)
            async with AsyncExitStack() as stack:
                stopping = stop_on_signals()
                instance = Instance(parts, url, secrets.token_urlsafe(24), say, is_demo=demo)
                run = RunUntil(stopping)
                await run.first(instance.start(stack), "start")
                await stack.enter_async_context(instance.web(listener))
                await stack.enter_async_context(probed(settings.probe, instance.told()))
                InstanceFile(
                    url, instance.token, os.getpid(), instance.engine.grpc_address, instance.engine.rest_url
                ).write(settings.data)
                if samples is not None:
                    await asyncio.to_thread(instance.hand_in, samples)
                told = await asyncio.to_thread(instance.demo_accounts)
                ready(Ready(url, instance.token, told))
                await run.all(instance.loops())
                say("正在停止… Stopping…")


class Instance:
    """The parts that need the engine, once `start` is through. `desk_alone` has the same with fewer of them."""

    def __init__(self, parts: Parts, url: str, token: str, say: Say, *, is_demo: bool = False) -> None:
        self.parts = parts
        self.url = url
        self.token = token
        self._say = say
        self._broker: EmbeddedBroker | None = None
        self._records = RecordsServer(parts.database, password=secrets.token_urlsafe(24), clock=parts.clock)
        self._passwords = Passwords(shortest=parts.settings.login.password_length)
        self._is_demo = is_demo
        self._clock = parts.clock if isinstance(parts.clock, EngineClock) else None

    async def start(self, stack: AsyncExitStack) -> None:
        """Records first (the engine sends to it), then the engine, the models, the workers.

        The models are checked while the engine starts: it takes ten seconds, and waits for its disk in between.
        """
        checking = asyncio.create_task(asyncio.to_thread(self._check_models))
        loading = asyncio.create_task(asyncio.to_thread(self._load))
        stack.callback(loading.cancel)
        await self._listen_to_records(stack)
        self.engine = handle = await unless_it_fails(checking, stack.enter_async_context(self._engine()))
        self._gateway = gateway = await stack.enter_async_context(Gateway(handle))
        self._user_tasks = await stack.enter_async_context(UserTasks(handle.rest_url, handle.access))
        self._messages = Messages(gateway)
        self._relay = Relay(self.parts.database, self._messages, self.parts.clock)
        await self._put_to_work(handle)
        await loading

    def _load(self) -> None:
        """What takes a second or two, and nobody needs before the engine is there."""
        import_module("workers.bootstrap.web")
        self.parts.classifier.prepare()

    def _check_models(self) -> None:
        self._models = checked_models(self.parts.settings, self.parts.settings.data / "checked-models")
        self._tell_empty_groups()

    async def _listen_to_records(self, stack: AsyncExitStack) -> None:
        engine_data = self.parts.settings.data / "engine"
        await asyncio.to_thread(check_belonging, self.parts.database, engine_data)
        await stack.enter_async_context(self._records)

    async def _put_to_work(self, handle: EngineHandle) -> None:
        is_own = self._broker is not None
        self._model_start = ModelStart(self.parts.database, self._models, handle, is_own=is_own)
        await self._model_start.before_work()
        settings = self.parts.settings.engine
        self._host = WorkerHost(handle, self.parts.bound_tasks(), settings, worker_name())

    def _tell_empty_groups(self) -> None:
        with self.parts.database.read() as tx:
            staffed = {group for person in staff.everybody(tx) for group in person.groups}
        for group in sorted(self._models.groups() - staffed):
            sentence = (
                f"{group} 组没有人员。 Nobody is in the group {group}: work that goes to it gets stuck. Add a person "
                "to the staff file and start again."
            )
            log.warning("%s", sentence, extra={"action": "group-empty", "group": group})
            self._say(sentence)

    @asynccontextmanager
    async def _engine(self) -> AsyncIterator[EngineHandle]:
        settings = self.parts.settings
        if settings.engine.address:
            async with connect(settings.engine, self._say) as handle:
                yield handle
            return
        async with EmbeddedBroker(
            settings.data,
            settings.engine,
            exporter_url=self._records.url,
            clock=self._clock,
            progress=self._say,
        ) as broker:
            self._broker = broker
            yield broker.handle

    def app(self) -> FastAPI:
        """The web page and API on the running parts."""
        from workers.bootstrap.web import Running, app_of

        loop = asyncio.get_running_loop()

        def wake_relay() -> None:
            loop.call_soon_threadsafe(self._relay.wake)

        running = Running(
            token=self.token,
            is_demo=self._is_demo,
            models=self._models,
            gateway=self._gateway,
            user_tasks=self._user_tasks,
            passwords=self._passwords,
            wake_relay=wake_relay,
            health=self._health,
            advance_clock=self._advance if self._clock is not None else None,
        )
        return app_of(self.parts, running)

    def web(self, listener: socket.socket) -> AbstractAsyncContextManager[None]:
        """Serves page and API for the length of the block."""
        proxies, app = self.parts.settings.web.trusted_proxies, self.app()
        end = app.state.live.stop
        return served(app, listener, name="web", grace_seconds=5, proxies=proxies, before_end=end)

    def told(self) -> Told:
        """What this process tells at its probe: as all parts together."""
        of_host = told_of_host(self._host, self.parts.database)
        figures = instance_figures(self.parts.database, self.parts.clock)
        return replace(of_host, part="up", instance=figures)

    def demo_accounts(self) -> str:
        """Makes them, and says how to sign in; nothing without --demo."""
        if not self._is_demo:
            return ""
        return how_to_sign_in(self.parts, self.url, make_demo_accounts(self.parts, self._passwords))

    def loops(self) -> Mapping[str, Callable[[asyncio.Event], Awaitable[None]]]:
        """What runs until the instance stops."""
        heartbeat = Heartbeat(self.parts.database, self._host.report)
        return {
            "workers": self._host.run,
            "heartbeat": heartbeat.run,
            "relay": self._relay.run,
            "sender": self.parts.sender.run,
            "alerts": self.parts.alerter.run,
            "models": self._model_start.run,
        }

    def hand_in(self, samples: Path) -> None:
        """Takes in a file of complaint lines; ones that are there already stay as they are."""
        for line in samples.read_bytes().splitlines():
            accepted = intake.accept(
                self.parts.database,
                self.parts.clock,
                parse_line(line, policies=self._models.policies(), now=self.parts.clock.now()),
            )
            self._say(f"样例投诉 sample complaint {accepted.number}: {self.url}/complaints/{accepted.number}")

    async def _advance(self, by: timedelta) -> datetime:
        """Moves the clock once all is quiet (a jump offers running jobs again); waits for what that sets off."""
        assert self._clock is not None  # noqa: S101 - for the type checker
        with contextlib.suppress(
            Unavailable
        ):  # a job that backs off is not waited for: the jump may be what it needs
            await self._settled(QUIET_SECONDS)
        now = await self._clock.advance(by)
        self.parts.sender.wake()
        self._relay.wake()
        await self._settled(SETTLE_SECONDS)
        return now

    async def _settled(self, within: float) -> None:
        await wait_settled(
            self.parts.database,
            self.parts.clock,
            within,
            progress=self._records.progress,
            mark=self._messages.mark,
        )

    async def _health(self) -> Mapping[str, Health]:
        engine_trouble = self._broker.trouble if self._broker is not None else None
        stopped = self._host.report().trouble
        trouble = self._records.trouble
        return {
            "engine": Health(engine_trouble is None, engine_trouble or "引擎正常 The engine is ready."),
            "workers": Health(stopped is None, stopped or "任务处理正常 Workers poll."),
            "records": Health(trouble is None, trouble or "记录流正常 The record stream is taken in."),
        }


def _plain_clock(data: Path) -> Clock:
    if (data / "clock.json").exists():
        raise Refused(
            f"the data in {data} was made with --test-clock: its times are moved. Start it with --test-clock, or give "
            "another --data."
        )
    return SystemClock()
