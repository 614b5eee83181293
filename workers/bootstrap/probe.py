"""Tells an orchestrator how a process without pages is: /healthz on a port of its own."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from workers.errors import Refused
from workers.serving import listen, served
from workers.settings import ProbeSettings

log = logging.getLogger(__name__)


@asynccontextmanager
async def probed(settings: ProbeSettings, trouble: Callable[[], str | None]) -> AsyncIterator[str | None]:
    """Answers GET /healthz for the length of the block: 200, or 503 with the sentence that `trouble` returns.

    Yields the address; None where no port is set and nothing listens.

    Raises:
        Refused: the port is taken, or the address is not this machine's.
    """
    if settings.port is None:
        yield None
        return

    async def healthz(_request: Request) -> JSONResponse:
        says = trouble()
        return JSONResponse({"ok": says is None, "says": says}, 200 if says is None else 503)

    try:
        listener = listen(settings.host, settings.port)
    except OSError as error:
        raise Refused(
            f"{settings.host}:{settings.port} cannot be listened on ({error.strerror}): set DUBAN_PROBE__HOST and "
            "DUBAN_PROBE__PORT to an address that is free."
        ) from error
    host, port = listener.getsockname()[:2]
    log.info("health is told at port %d", port, extra={"action": "probe-listens"})
    app = Starlette(routes=[Route("/healthz", healthz)])
    async with served(app, listener, name="probe", grace_seconds=1):
        yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
