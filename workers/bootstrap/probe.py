"""Tells an orchestrator how a process is (/healthz) and Prometheus what it measures (/metrics), on a port of its own.

Never on the port of the pages: that one is reached from outside, where nobody but staff shall know how much there is
to do and what is broken. This one is for the cluster; who may reach it is the network's business (networkPolicy).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from workers.bootstrap.telemetry import Exposition, InstanceFigures, Source, of_process
from workers.engine.loop_watch import LoopWatch
from workers.errors import Refused
from workers.serving import listen, served
from workers.settings import ProbeSettings
from workers.store.database import Database

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Told:
    """What a process tells of itself.

    Attributes:
        part: the command that it runs.
        trouble: a sentence that says why it does not work; None while it does.
        lag: how late its event loop answers, where something watches it already.
        sources: more figures.
        instance: figures of the whole instance, told by one part only.
    """

    part: str
    database: Database
    trouble: Callable[[], str | None] = lambda: None
    lag: Callable[[], float] | None = None
    sources: Sequence[Source] = ()
    instance: InstanceFigures | None = None


@asynccontextmanager
async def probed(settings: ProbeSettings, told: Told) -> AsyncIterator[str | None]:
    """Answers for the length of the block: GET /healthz with 200, or 503 and the sentence; GET /metrics.

    Yields the address; None where no port is set and nothing listens.

    Raises:
        Refused: the port is taken, or the address is not this machine's.
    """
    if settings.port is None:
        yield None
        return
    try:
        listener = listen(settings.host, settings.port)
    except OSError as error:
        raise Refused(
            f"{settings.host}:{settings.port} cannot be listened on ({error.strerror}): set DUBAN_PROBE__HOST and "
            "DUBAN_PROBE__PORT to an address that is free."
        ) from error
    host, port = listener.getsockname()[:2]
    log.info("health and metrics are told at port %d", port, extra={"action": "probe-listens"})
    with ExitStack() as stack:
        lag = told.lag
        if lag is None:
            watch = stack.enter_context(LoopWatch())
            lag = lambda: watch.lag_seconds  # noqa: E731
        async with served(_app(told, lag), listener, name="probe", grace_seconds=1):
            yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _app(told: Told, lag: Callable[[], float]) -> Starlette:
    sources = [of_process(told.part, told.database, lag), *told.sources]
    if told.instance is not None:
        sources.append(told.instance.told)
    exposition = Exposition(sources)

    async def healthz(_request: Request) -> JSONResponse:
        says = told.trouble()
        return JSONResponse({"ok": says is None, "says": says}, 200 if says is None else 503)

    async def metrics(_request: Request) -> Response:
        if told.instance is not None:
            await told.instance.refresh()
        text = await asyncio.to_thread(exposition.text)
        return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return Starlette(routes=[Route("/healthz", healthz), Route("/metrics", metrics)])
