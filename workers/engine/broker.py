"""The embedded engine: the real Zeebe as a child process, watched, started again when it dies, gone when we
go."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import filelock
import httpx

from workers.engine import broker_log, broker_process, liveness
from workers.engine.access import Access
from workers.engine.broker_log import PortTakenError
from workers.engine.broker_process import HOST, Ports
from workers.engine.controlled_clock import EngineClock
from workers.engine.distribution import fetch
from workers.engine.gateway import EngineHandle, Gateway, has_leaders
from workers.errors import Unavailable
from workers.settings import EngineSettings

log = logging.getLogger(__name__)

START_SECONDS: Final = 240.0
STOP_SECONDS: Final = 12.0


class EmbeddedBroker:
    """Zeebe on a data folder of ours, for the length of an ``async with`` block.

    Inside the block the engine is ready (every partition has a healthy leader), `handle` says where. One
    that dies is started again on the same ports, with growing pauses; whoever talks to it tries again
    meanwhile.

    Args:
        data_dir: the instance's data folder; everything of the engine is in ``data_dir/engine``.
        settings: release, memory, flush.
        exporter_url: where the record stream goes; None: nowhere.
        clock: a controlled clock that is applied at every start; None: the engine has the computer's time.
        progress: takes sentences for people.
    """

    def __init__(
        self,
        data_dir: Path,
        settings: EngineSettings,
        *,
        exporter_url: str | None = None,
        clock: EngineClock | None = None,
        progress: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.folder = data_dir.absolute() / "engine"
        self.restarts = 0
        self._settings = settings
        self._exporter_url = exporter_url
        self._clock = clock
        self._progress = progress
        self._ports = Ports.free()
        self._process: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._healthy = asyncio.Event()
        self._dead = asyncio.Event()
        self._home = Path()
        self._log_start = 0
        self._lock = filelock.FileLock(self.folder / "lock", blocking=False)

    @property
    def handle(self) -> EngineHandle:
        """Where the engine answers; the same over all restarts."""
        rest, management = self._ports.rest, self._ports.management
        return EngineHandle(
            f"{HOST}:{self._ports.grpc}", f"http://{HOST}:{rest}", f"http://{HOST}:{management}"
        )

    @property
    def is_healthy(self) -> bool:
        """Whether the engine was ready when last looked at."""
        return self._healthy.is_set()

    @property
    def pid(self) -> int | None:
        """The engine's process, if there is one now."""
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    @property
    def trouble(self) -> str | None:
        """A sentence when the engine cannot work now, though it may be running; None when nothing is
        known."""
        if not self.is_healthy:
            return "引擎正在重启。 The engine is starting again."
        return broker_process.disk_trouble(self.folder)

    async def __aenter__(self) -> EmbeddedBroker:
        self._home = await self._fetch()
        broker_process.prepare(self.folder)
        try:
            self._lock.acquire()
        except filelock.Timeout:
            raise Unavailable(
                f"该数据目录已有引擎在运行。 Another engine runs on {self.folder}: end it, or use another "
                "folder."
            ) from None
        try:
            await asyncio.to_thread(broker_process.end_leftover, self.folder)
            await self._start_somewhere()
        except BaseException:
            await self._stop()
            self._lock.release()
            raise
        self._supervisor = asyncio.create_task(self._supervise(), name="engine-supervisor")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._supervisor is not None:
            self._supervisor.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._supervisor
        await self._stop()
        self._lock.release()

    async def wait_dead(self) -> None:
        """Returns when the engine has died unexpectedly and is not ready again yet."""
        await self._dead.wait()

    async def wait_healthy(self) -> None:
        """Returns when the engine is ready, at once if it is."""
        await self._healthy.wait()

    async def _fetch(self) -> Path:
        abandoned = threading.Event()  # a thread can't be cancelled: Ctrl-C must not wait for the download
        try:
            return await asyncio.to_thread(fetch, self._settings, self._progress, abandoned)
        finally:
            abandoned.set()

    async def _start_somewhere(self) -> None:
        """The first start: other ports when somebody took one of ours in between."""
        for is_last in (False, False, True):
            try:
                await self._start()
                return
            except PortTakenError as error:
                await self._stop()
                if is_last:
                    raise Unavailable(str(error)) from error
                self._ports = Ports.free()

    async def _start(self) -> None:
        self._progress("正在启动引擎… Starting the engine…")
        arguments = broker_process.command(self._home, self.folder, self._settings)
        variables = broker_process.environment(
            self.folder, self._settings, self._ports, self._exporter_url, self._clock is not None
        )
        log_file = self.folder / "engine.log"
        self._log_start = log_file.stat().st_size if log_file.exists() else 0
        with (self.folder / "engine.out").open("wb") as output:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *arguments,
                    env=variables,
                    cwd=self.folder,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,  # Ctrl-C in a terminal is for us; we end the engine in order
                )
            except OSError as error:
                raise Unavailable(
                    f"Java 无法启动。 Java cannot be started: {error}; run `make setup` again."
                ) from error
        broker_process.remember(self.folder, self._process.pid)
        await self._wait_ready(self._process)

    async def _wait_ready(self, process: asyncio.subprocess.Process) -> None:
        loop = asyncio.get_running_loop()
        deadline, look_at = loop.time() + START_SECONDS, loop.time() + 2
        is_clock_set = self._clock is None
        assert self.handle.management_url  # noqa: S101 - for the type checker
        async with httpx.AsyncClient(
            base_url=self.handle.management_url, timeout=5, trust_env=False
        ) as client:
            while True:
                if process.returncode is not None:
                    raise self._why_it_ended(process.returncode)
                if loop.time() > look_at:  # a broker that fails to start does not always end
                    look_at = loop.time() + 2
                    if broker_log.says_failed(self._said()):
                        raise self._why_it_ended(-1)
                if loop.time() > deadline:
                    raise Unavailable(
                        f"引擎启动超时。 The engine was not ready after {START_SECONDS:.0f} s; see "
                        f"{self.folder}/engine.log."
                    )
                with contextlib.suppress(httpx.TransportError):
                    answer = await client.get(liveness.READY)
                    if not is_clock_set and self._clock is not None:
                        await self._clock.apply(self.handle.management_url)
                        is_clock_set = True
                    if answer.status_code == httpx.codes.OK:
                        break
                await asyncio.sleep(0.1)
        self._dead.clear()
        self._healthy.set()
        self._progress("引擎已就绪。 The engine is ready.")

    async def _supervise(self) -> None:
        pause = 1.0
        while True:
            if self._process is not None:
                await self._lost(self._process)
            try:
                self.restarts += 1
                broker_process.prepare(self.folder)
                await self._start()
                pause = 1.0
                log.info("engine is back", extra={"action": "engine-back", "restarts": self.restarts})
            except Exception as error:  # whatever it was: a supervisor goes on trying
                said = str(error) if isinstance(error, Unavailable | PortTakenError) else repr(error)
                log.error("engine did not start: %s", said, extra={"action": "engine-start-failed"})
                self._progress(said)
                await self._stop()
                await asyncio.sleep(pause)
                pause = min(pause * 2, 30.0)

    async def _lost(self, process: asyncio.subprocess.Process) -> None:
        """Returns when the engine has died, or was ended because it stood still."""
        ended = asyncio.ensure_future(process.wait())
        watches: set[asyncio.Future[Any]] = {ended}
        # A jump of its clock makes an engine look ill for a minute: one with a controlled clock is not watched.
        if self._clock is None and self.handle.management_url:
            watches.add(asyncio.ensure_future(liveness.until_stuck(self.handle.management_url, self.folder)))
        try:
            await asyncio.wait(watches, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for watch in watches:
                watch.cancel()
        self._healthy.clear()
        self._dead.set()
        if process.returncode is not None:
            log.error("engine died", extra={"action": "engine-died", "exit_code": process.returncode})
            self._progress("引擎意外停止，正在重启… The engine died, starting it again…")
        else:
            log.error("engine stands still", extra={"action": "engine-stuck"})
            self._progress("引擎长时间未就绪，正在重启… The engine stood still, starting it again…")
            await self._stop()

    async def _stop(self) -> None:
        self._healthy.clear()
        process, self._process = self._process, None
        if process is None:
            return
        for end, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5.0)):
            if process.returncode is not None:
                break
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(end)
            try:
                await asyncio.wait_for(process.wait(), seconds)
            except TimeoutError:
                continue
            except asyncio.CancelledError:  # no time for good manners
                process.kill()
                raise
        (self.folder / "engine.pid").unlink(missing_ok=True)

    def _said(self) -> str:
        """What this run of the engine has written."""
        return broker_log.tail(self.folder / "engine.out") + broker_log.tail(
            self.folder / "engine.log", self._log_start
        )

    def _why_it_ended(self, code: int) -> Exception:
        return broker_log.why_it_ended(self._said(), code, self.folder, self._settings.memory)


def handle_of(settings: EngineSettings) -> EngineHandle:
    """Where the engine at `settings.address` answers, whether it does or not.

    Raises:
        Unavailable: an address is missing in the settings. Refused: as `connect`.
    """
    if not settings.address:
        raise Unavailable("没有引擎地址。 Set DUBAN_ENGINE__ADDRESS to the gateway's host:port.")
    scheme = "https" if settings.tls else "http"
    rest_url = settings.rest_url or f"{scheme}://{settings.address.rpartition(':')[0]}:8080"
    return EngineHandle(settings.address, rest_url.rstrip("/"), access=Access.of(settings))


@asynccontextmanager
async def connect(
    settings: EngineSettings, progress: Callable[[str], None] = lambda _text: None
) -> AsyncIterator[EngineHandle]:
    """An engine that runs already, at `settings.address`; waits until every partition has a leader.

    Raises:
        Unavailable: it does not get ready in time, or an address is missing in the settings.
        Refused: the settings of TLS, OAuth or Basic do not fit together, or name a file that cannot be read.
    """
    handle = handle_of(settings)
    deadline = asyncio.get_running_loop().time() + START_SECONDS
    async with Gateway(handle) as gateway:
        progress(f"等待引擎 {settings.address}… Waiting for the engine at {settings.address}…")
        while True:
            try:
                if has_leaders(await gateway.topology()):
                    break
                why = Unavailable(
                    f"引擎 {settings.address} 尚无分区主节点。 The engine at {settings.address} has no "
                    "leader for "
                    "some partition; see its health."
                )
            except Unavailable as error:
                why = error
            if asyncio.get_running_loop().time() > deadline:
                raise why
            await asyncio.sleep(0.5)
    yield handle
