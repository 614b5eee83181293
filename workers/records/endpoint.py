"""Takes the engine's record stream: answers the few calls that Zeebe's Elasticsearch exporter makes.

The exporter sends a bulk again until it is told that all went well, and the engine keeps its log until then.
So a batch is committed before it is answered, and every failure is an answer, never a half batch.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import secrets
import socket
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Self
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from workers import metrics
from workers.clock import Clock, SystemClock
from workers.errors import Refused, Unavailable
from workers.records.apply import Applied, apply_batch
from workers.records.body import BodyTooLarge, read_body
from workers.records.progress import Progress
from workers.records.reading import read_batch
from workers.serving import listen, served
from workers.store.database import Database

log = logging.getLogger(__name__)


class RecordsServer:
    """The record stream's end: an async context manager that listens as long as its block lasts.

    Args:
        database: the store, its schema complete.
        port: port to listen on; 0 takes a free one.
        host: address to listen on.
        password: what the exporter must show (HTTP basic, user `duban`); None: a new one.
        clock: the engine's; None: the real one.
        previous: another password that is taken as well, while the engine is being told the new one.

    Attributes:
        progress: how far the stream is applied; wakes whoever waits for it, right after a batch is committed.
        trouble: the sentence why the last batch was refused; None when it was taken.
    """

    USER: Final = "duban"

    def __init__(
        self,
        database: Database,
        port: int = 0,
        host: str = "127.0.0.1",
        password: str | None = None,
        clock: Clock | None = None,
        previous: str | None = None,
    ) -> None:
        self.progress = Progress()
        self.trouble: str | None = None
        self.password = password or secrets.token_urlsafe(32)
        self._passwords = [self.password, *([previous] if previous else [])]
        self._database = database
        self._clock = clock or SystemClock()
        self._address = (host, port)
        self._one_at_a_time = asyncio.Lock()
        self._serving: AbstractAsyncContextManager[None] | None = None

    async def __aenter__(self) -> Self:
        listener = self._listen()
        self._serving = served(self.app(), listener, name="records", grace_seconds=10)
        await self._serving.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._serving is not None:
            await self._serving.__aexit__(None, None, None)
        # a batch that was cut off by the shutdown still commits or rolls back
        async with self._one_at_a_time:
            pass

    @property
    def url(self) -> str:
        """Where the exporter sends to, with what it must show: ``http://duban:SECRET@127.0.0.1:41234``.

        The exporter itself wants the credentials apart, as ``args.authentication``. Don't log this.
        """
        return self.address.replace("//", f"//{self.USER}:{quote(self.password, safe='')}@", 1)

    @property
    def address(self) -> str:
        """The same without what must be shown."""
        host, port = self._address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def app(self) -> Starlette:
        """The ASGI application, for whoever serves it otherwise."""
        return Starlette(
            routes=[
                Route("/_bulk", self._bulk, methods=["POST", "PUT"]),
                Route("/healthz", self._health, methods=["GET"]),
                Route("/{path:path}", self._acknowledge, methods=["PUT"]),
            ]
        )

    async def _health(self, _request: Request) -> Response:
        """For probes, without a password: the process answers. A batch that is refused no new start mends."""
        return JSONResponse({"ok": True})

    async def _acknowledge(self, request: Request) -> Response:
        """Templates and settings of an index: there is none, so all is well."""
        if not self._is_ours(request):
            return _refuse(401, "Who are you?")
        return JSONResponse({"acknowledged": True})

    async def _bulk(self, request: Request) -> Response:
        if not self._is_ours(request):
            return _refuse(401, "Who are you?")
        try:
            body = await read_body(request.stream(), request.headers.get("content-encoding", ""))
            # Shielded, so that a request that is cut off doesn't let the next one overtake the thread.
            applied = await asyncio.shield(self._take(body))
        except ClientDisconnect:
            return _refuse(400, "The request was cut off.")
        except BodyTooLarge as error:
            return self._trouble(413, str(error))
        except Refused as error:
            return self._trouble(200, str(error))
        except Exception as error:
            log.exception(
                "A batch of records could not be kept; the engine sends it again.",
                extra={"action": "records-not-kept"},
            )
            return self._trouble(503, f"The store did not take the batch: {type(error).__name__}.")
        self.trouble = None
        metrics.RECORD_BATCHES.labels("taken").inc()
        return JSONResponse({"took": 0, "errors": False, "items": [], "applied": applied.applied})

    async def _take(self, body: bytes) -> Applied:
        async with self._one_at_a_time:
            with metrics.RECORD_BATCH_DURATION.time():
                applied = await asyncio.to_thread(
                    lambda: apply_batch(self._database, read_batch(body), self._clock.now())
                )
            await self.progress.add(applied)
        metrics.RECORDS.labels("applied").inc(applied.applied)
        metrics.RECORDS.labels("repeated").inc(applied.skipped)
        if applied.newest is not None:
            lag = (self._clock.now() - applied.newest).total_seconds()
            metrics.RECORDS_LAG.observe(max(0.0, lag))
        return applied

    def _trouble(self, status: int, sentence: str) -> Response:
        log.error("A batch of records was refused: %s", sentence, extra={"action": "records-refused"})
        metrics.RECORD_BATCHES.labels("refused").inc()
        self.trouble = sentence
        return _refuse(status, sentence)

    def _is_ours(self, request: Request) -> bool:
        shown = request.headers.get("authorization", "").removeprefix("Basic ").encode()
        wanted = [base64.b64encode(f"{self.USER}:{each}".encode()) for each in self._passwords]
        return any(secrets.compare_digest(shown, each) for each in wanted)

    def _listen(self) -> socket.socket:
        host, port = self._address
        try:
            listener = listen(host, port)
        except OSError as error:
            raise Unavailable(
                f"Port {port} for the record stream is taken ({error.strerror}); choose another."
            ) from error
        self._address = (host, listener.getsockname()[1])
        return listener


def _refuse(status: int, sentence: str) -> Response:
    """An answer in the words of Elasticsearch's bulk API, so that the engine's log says why."""
    error: dict[str, Any] = {"type": "refused", "reason": sentence}
    items = [{"index": {"status": max(status, 400), "error": error}}]
    return JSONResponse({"took": 0, "errors": True, "items": items, "error": error}, status_code=status)
