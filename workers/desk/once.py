"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a write that comes again is answered, not done, again.

Answers of what was done are kept; a refusal changed nothing: the next try is looked at anew. A row of the store holds
nothing that can be read without the key, which only the client has (workers.store.once).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from workers.desk.caller import current
from workers.desk.problems import kind_of_problem
from workers.desk.services import DeskServices
from workers.errors import Conflict
from workers.store import once
from workers.store.outbox import Transaction

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_KEY: Final = re.compile(r'"([!#-\[\]-~]{16,255})"|([!#-\[\]-~]{16,255})')
"""A structured string, as the draft has it, or the bare word, as many clients send it."""
LOOKS: Final = frozenset({"/api/v1/search", "/api/v1/wording", "/api/v1/complaints/similar"})
"""Posted, but they change nothing: there is no answer to keep."""
_UPLOADS: Final = frozenset({"/api/v1/complaints/{number}/evidence"})
"""A long body is not read into memory: the call itself asks `Once`, with the digest of the file."""
_PLAIN: Final = "application/json"
_JSON: Final = re.compile(r"application/([a-z0-9.-]+\+)?json( *;.*)?", re.IGNORECASE)
_KEPT_HEADERS: Final = ("content-type", "location", "etag")
_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(frozen=True)
class Claim:
    """A key that this request has taken."""

    id: str
    key: str
    attempt: str

    def sealed(self, response: Response) -> bytes:
        """The answer, as only somebody with the key can read it."""
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        plain = json.dumps([headers, base64.b64encode(response.body).decode()]).encode()
        nonce = secrets.token_bytes(12)
        return nonce + AESGCM(_secret(self.key)).encrypt(nonce, plain, self.id.encode())

    def opened(self, status: int, sealed: bytes) -> Response:
        """The answer that was kept."""
        plain = AESGCM(_secret(self.key)).decrypt(sealed[:12], sealed[12:], self.id.encode())
        headers, body = json.loads(plain)
        return Response(base64.b64decode(body), status, headers | {REPLAYED: "true"})


_CLAIM: ContextVar[Claim | None] = ContextVar("claim", default=None)


def keep_with(tx: Transaction, response: Response) -> None:
    """Keeps the answer in the transaction that does the work: for work that would else be done twice after a crash.

    Raises:
        Conflict: another try of the same request has taken over meanwhile; roll back.
    """
    claim = _CLAIM.get()
    if claim is not None and not once.keep(
        tx, claim.id, claim.attempt, response.status_code, claim.sealed(response)
    ):
        raise Conflict("同一请求正在处理。 The same request is being handled; send it again in a moment.")


class Once:
    """Answers requests that bring a key."""

    def __init__(self, services: DeskServices, check: Callable[[Request], Awaitable[None]]) -> None:
        self._services = services
        self._check = check
        self._keep_for = timedelta(hours=services.api.idempotency_hours)

    async def answer(
        self, request: Request, content: bytes, act: Callable[[], Awaitable[Response]]
    ) -> Response:
        """What the request is answered: what it was answered before, or else what `act` answers.

        Args:
            content: the body, or a digest of it.
        """
        given = request.headers.getlist(HEADER)
        if not given:
            return await act()
        found = _KEY.fullmatch(given[0])
        if found is None or len(given) > 1:
            return kind_of_problem("invalid-idempotency-key")
        await self._check(request)  # an answer is for whoever may do what was asked
        key = found[1] or found[2]
        claim = Claim(_id(request, key), key, secrets.token_hex(16))
        return await self._answer(request, claim, _fingerprint(request, key, content), act)

    async def _answer(
        self, request: Request, claim: Claim, fingerprint: str, act: Callable[[], Awaitable[Response]]
    ) -> Response:
        earlier = await run_in_threadpool(self._claim, claim, fingerprint)
        if earlier is not None:
            return self._again(earlier, claim, fingerprint)
        before = _CLAIM.set(claim)
        try:
            response = await act()
            is_done = response.status_code < 400
            await run_in_threadpool(self._keep if is_done else self._forget, claim, response)
        except BaseException:
            await run_in_threadpool(self._forget, claim)
            raise
        finally:
            _CLAIM.reset(before)
        return response

    def _again(self, earlier: once.Earlier, claim: Claim, fingerprint: str) -> Response:
        if earlier.fingerprint != fingerprint:
            return kind_of_problem("idempotency-key-reused")
        if earlier.status is None or earlier.answer is None:
            return kind_of_problem("still-running", {"Retry-After": "1"})
        current().is_noted = True  # the audit has it from the first time
        return claim.opened(earlier.status, earlier.answer)

    def _claim(self, claim: Claim, fingerprint: str) -> once.Earlier | None:
        with self._services.database.begin() as tx:
            now = self._services.clock.now()
            return once.claim(tx, claim.id, fingerprint, claim.attempt, now, self._keep_for)

    def _keep(self, claim: Claim, response: Response) -> None:
        with self._services.database.begin() as tx:
            once.keep(tx, claim.id, claim.attempt, response.status_code, claim.sealed(response))

    def _forget(self, claim: Claim, response: Response | None = None) -> None:
        with self._services.database.begin() as tx:
            once.forget(tx, claim.id, claim.attempt)


class OnceRoute(APIRoute):
    """A route whose writes take JSON and an Idempotency-Key; for routers: `APIRouter(route_class=OnceRoute)`."""

    def get_route_handler(self) -> _Handler:
        """FastAPI's handler, behind the key."""
        act = super().get_route_handler()
        if not (self.methods or set()) & WRITES or self.path_format in _UPLOADS:
            return act

        async def handle(request: Request) -> Response:
            if not _JSON.fullmatch(request.headers.get("content-type", _PLAIN)) and await request.body():
                return kind_of_problem("unsupported-media-type", {"Accept-Post": _PLAIN})
            if HEADER not in request.headers or self.path_format in LOOKS:
                return await act(request)
            answers: Once = request.app.state.once
            return await answers.answer(request, await request.body(), lambda: act(request))

        return handle


def _secret(key: str) -> bytes:
    return hmac.digest(key.encode(), b"duban answer", "sha256")


def _id(request: Request, key: str) -> str:
    caller, route = current(), request.scope["route"].path
    named = caller.token.name if caller.token is not None else None
    who = [caller.way, caller.signed_in.username if caller.signed_in else named]
    return hashlib.sha256(json.dumps([who, request.method, route, key]).encode()).hexdigest()


def _fingerprint(request: Request, key: str, content: bytes) -> str:
    """Of everything that was asked; with the key in it, so that nobody finds a short text by trying."""
    asked = json.dumps([request.method, request.url.path, request.url.query]).encode()
    return hmac.new(key.encode(), asked + hashlib.sha256(content).digest(), "sha256").hexdigest()
