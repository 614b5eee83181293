"""The parts of an instance as processes of their own, against an engine that runs elsewhere: `duban work`,
`duban send` and `duban records`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, closing
from typing import Final

from workers.bootstrap.engine_watch import EngineWatch
from workers.bootstrap.folder import InstanceFile
from workers.bootstrap.heartbeat import Heartbeat
from workers.bootstrap.parts import assembled, open_store
from workers.bootstrap.probe import Told, probed
from workers.bootstrap.running import RunUntil, stop_on_signals
from workers.bootstrap.telling import instance_figures, told_of_host
from workers.bootstrap.traces import traced_to
from workers.bootstrap.turns import RECORDS_STEP_BACK, SENDER_STEP_BACK, short_turns, step_back
from workers.clock import SystemClock
from workers.engine.broker import connect, handle_of
from workers.engine.gateway import Gateway
from workers.engine.host import WorkerHost, worker_name
from workers.engine.messages import Messages
from workers.engine.relay import Relay
from workers.errors import Refused
from workers.records.endpoint import RecordsServer
from workers.settings import Settings

Say = Callable[[str], None]

MARGIN_SECONDS: Final = 10.0
"""How long after the grace period everything else may take to end: the sender's deliveries, the store."""


def find_engine(settings: Settings) -> None:
    """Where no engine address is set, takes the one of the instance that runs on the data folder."""
    instance = InstanceFile.read(settings.data)
    if settings.engine.address is None and instance is not None:
        settings.engine.address = instance.engine_address
        settings.engine.rest_url = instance.engine_rest_url


async def work(settings: Settings, only: Sequence[str], say: Say, but: Sequence[str] = ()) -> None:
    """Runs job workers until a signal comes; without `only` and `but` the relay and the sender, too.

    Args:
        only: job types to work on; empty: all.
        but: job types to leave to others; those that a later version adds are not among them, so none is forgotten.

    Raises:
        Refused: no engine address, a job type that no task does, none left, or an instance with a test clock.
        Unavailable: engine or database do not answer.
        Stopped: the signal came while the engine was waited for.
    """
    _refuse_moved_clock(settings)
    stopping = stop_on_signals(no_later_than=settings.engine.grace_seconds + MARGIN_SECONDS)
    clock = SystemClock()
    short_turns()
    run = RunUntil(stopping)
    with assembled(settings, clock, owns_staff=False) as parts, traced_to(settings.tracing, "work"):
        tasks = parts.bound_tasks(only, but)
        async with AsyncExitStack() as stack:
            handle = await run.first(stack.enter_async_context(connect(settings.engine, say)), "connect")
            gateway = await stack.enter_async_context(Gateway(handle))
            host = WorkerHost(handle, tasks, settings.engine, worker_name())
            loops = {"workers": host.run, "heartbeat": Heartbeat(parts.database, host.report).run}
            if not only and not but:
                loops["relay"] = Relay(parts.database, Messages(gateway), clock).run
                loops["sender"] = parts.sender.run
                loops["alerts"] = parts.alerter.run
            await stack.enter_async_context(probed(settings.probe, told_of_host(host, parts.database)))
            say(f"working on {', '.join(task.type for task in tasks)}")
            await run.all(loops)


async def send(settings: Settings, say: Say) -> None:
    """Sends until a signal comes: messages to people, and to the engine what it is owed.

    An engine that is away keeps nobody from being told: what it is owed waits, messages and alerts do not.

    Raises:
        Refused: as `work`. Unavailable: no engine address, or the database does not answer.
    """
    _refuse_moved_clock(settings)
    step_back(SENDER_STEP_BACK)
    run = RunUntil(stop_on_signals())
    clock = SystemClock()
    with assembled(settings, clock, owns_staff=False) as parts, traced_to(settings.tracing, "send"):
        async with AsyncExitStack() as stack:
            gateway = await stack.enter_async_context(Gateway(handle_of(settings.engine)))
            relay = Relay(parts.database, Messages(gateway), clock)
            watch = EngineWatch(gateway, say)
            await stack.enter_async_context(probed(settings.probe, Told("send", parts.database)))
            say("sending")
            loops = {"relay": relay.run, "sender": parts.sender.run, "alerts": parts.alerter.run}
            await run.all(loops | {"engine-watch": watch.run})


async def records(settings: Settings, ready: Callable[[str], None]) -> None:
    """Takes the engine's record stream until a signal comes. One at a time: two would only wait for each other.

    Args:
        ready: called once with the address, without the password, when it listens.

    Raises:
        Refused: no password is set, or the store's URL is none.
        Unavailable: the port is taken, or the database does not answer.
    """
    told = settings.records
    if told.password is None or not told.password.get_secret_value():
        raise Refused(
            "记录端点没有密码。 Set DUBAN_RECORDS__PASSWORD, and the same in the engine's exporter: whoever "
            "reaches the port without one could forge records."
        )
    step_back(RECORDS_STEP_BACK)
    stopping = stop_on_signals()
    previous = told.previous_password.get_secret_value() if told.previous_password else None
    with closing(open_store(settings)) as database:
        password = told.password.get_secret_value()
        async with (
            RecordsServer(database, told.port, told.host, password, previous=previous) as server,
            probed(settings.probe, Told("records", database, instance=instance_figures(database))),
        ):
            ready(server.address)
            await stopping.wait()


def _refuse_moved_clock(settings: Settings) -> None:
    """The time of `--test-clock` is known to its own process only: other workers would date their work wrongly."""
    instance = InstanceFile.read(settings.data)
    is_its_engine = instance is not None and instance.engine_address == settings.engine.address
    if is_its_engine and (settings.data / "clock.json").exists():
        raise Refused(
            f"the instance on {settings.data} runs with --test-clock, whose time other processes cannot follow; start "
            "it without, or let it do its work itself."
        )
