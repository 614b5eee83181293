"""Who gets in: the guard asks `Gate` before a request is read, pages and API ask the functions below.

Every page but the open ones needs a session, every call of the API a session or the instance's token. A page that does
something is protected against forged requests without doing anything for it: its form has a field `csrf` (macro
`csrf` of templates/access.html), its script sends the header X-CSRF-Token.
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Callable
from typing import Final
from urllib.parse import quote, urlsplit

from fastapi import Request
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import Response

from workers.cases.rights import Right, Rights
from workers.desk.api_access import EVERY, ROUTES
from workers.desk.caller import Actor, Caller, SignedIn, current, sight
from workers.desk.cookies import SESSION, Cookies
from workers.desk.problems import OutOfScope, problem
from workers.desk.services import DeskServices
from workers.errors import Forbidden, NotFound, SignInNeeded
from workers.store import api_tokens, audit, sessions
from workers.store.outbox import Transaction

API: Final = "/api/"
OPEN: Final = frozenset({"/healthz", "/readyz", "/login"})
OPEN_BELOW: Final = ("/static/", "/login/", "/problems/", "/progress/", "/p/")
"""What needs no login, and where whoever is signed in is nobody in particular: static files, health, login, kinds of
problem, what customers see of their complaint."""
UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_WHILE_MUST_CHANGE: Final = frozenset({"/password", "/logout"})
_FOREIGN: Final = frozenset({"cross-site", "same-site"})


def signed_in(request: Request) -> Actor:
    """FastAPI dependency: the person who is signed in.

    Raises:
        SignInNeeded: nobody is; a page becomes the login page, a call is answered with 401.
    """
    return myself(request).actor


def myself(request: Request) -> SignedIn:
    """FastAPI dependency: the same with name and CSRF token. Raises SignInNeeded."""
    found = current().signed_in
    if found is None:
        raise SignInNeeded("请先登录。 Sign in first.")
    return found


def allowed(*groups: str) -> Callable[[Request], Actor]:
    """FastAPI dependency: the person who is signed in, if they are in one of these groups.

    Raises, when called for a request:
        SignInNeeded: nobody is signed in. Forbidden: they are in none of them.
    """

    def check(request: Request) -> Actor:
        who = signed_in(request)
        if who.groups is not None and not who.groups.intersection(groups):
            raise Forbidden(
                f"{who.name} 无权进行此操作。 {who.name} may not do this: it is for {', '.join(sorted(groups))}."
            )
        return who

    return check


def allowed_by(rights: Rights, right: Right) -> Callable[[Request], Actor]:
    """FastAPI dependency: the person who is signed in, if bpmn/rights.json gives them the right. Raises the same."""

    def check(request: Request) -> Actor:
        who = signed_in(request)
        rights.check(right, who.name, who.groups)
        return who

    return check


def refuse_unseen(tx: Transaction, number: str) -> None:
    """Raises Forbidden when the case belongs to another region than the caller's. For numbers that come in a body."""
    if not sight().allows(tx, number):
        raise Forbidden(
            f"工单 {number} 属于其他地区，您无权查看或办理。 Case {number} belongs to another region than yours."
        )


def local(address: str | None) -> str:
    """An address of this site to go to next; `/` for anything else, so that a link to the login leads nowhere else."""
    wanted = address or "/"
    if not wanted.startswith("/") or wanted.startswith("//") or "\\" in wanted or not wanted.isprintable():
        return "/"
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return "/"
    is_ours = not parts.scheme and not parts.netloc and not wanted.startswith((API, "/login", "/logout"))
    return wanted if is_ours else "/"


class Gate:
    """Tells who makes a request, and turns away who may not make it."""

    def __init__(self, services: DeskServices) -> None:
        self._services = services
        self._token = services.token.encode()
        self.cookies = Cookies(services.signing_in.public_url)

    async def admit(self, request: HTTPConnection) -> tuple[Caller, Response | None]:
        """Who makes the request, and what they are answered if it goes no further."""
        path, method = request.scope["path"], request.scope["method"]
        authorization = request.headers.get("authorization")
        if path.startswith(API) and authorization is not None:
            caller = await run_in_threadpool(self._of_token, _bearer(authorization))
            return caller, _no_token() if caller.way == "nobody" else None
        if method in UNSAFE and request.headers.get("sec-fetch-site") in _FOREIGN:
            return Caller(), _forged()
        if path in OPEN or path.startswith(OPEN_BELOW):
            return Caller(), None
        who = await run_in_threadpool(self.find, request)
        if who is None:
            return Caller(), self._unknown(request)
        return Caller("session", who, person=who.username), _check_session(request, who)

    def _of_token(self, token: str) -> Caller:
        """Whose token this is; nobody's, for a wrong one."""
        if hmac.compare_digest(token.encode(), self._token):
            return Caller("token")
        if not token.startswith(api_tokens.PREFIX):
            return Caller()
        now = self._services.clock.now()
        with self._services.database.read() as tx:
            holder = api_tokens.find(tx, token, now)
        if holder is None:
            return Caller()
        if holder.used_at is None or now - holder.used_at >= api_tokens.SEEN_EVERY:
            with self._services.database.begin() as tx:
                api_tokens.touch(tx, holder.name, now)
        return Caller("token", token=holder, person=holder.username)

    def find(self, request: HTTPConnection) -> SignedIn | None:
        """Who is signed in with this request's cookie, as the store says now."""
        token = self.cookies.get(request, SESSION)
        if token is None:
            return None
        services, signing_in = self._services, self._services.signing_in
        now = services.clock.now()
        with services.database.read() as tx:
            found = sessions.find(tx, token, now, signing_in.limits, is_demo=signing_in.is_demo)
        if found is None:
            return None
        if now - found.seen_at >= sessions.SEEN_EVERY and not _is_refresh(request):
            with services.database.begin() as tx:
                sessions.touch(tx, found.token_hash, now)
        actor = Actor(found.username, found.groups, found.region)
        return SignedIn(actor, found.name, found.csrf, found.token_hash, found.must_change)

    async def check(self, request: Request) -> AsyncIterator[None]:
        """Dependency of every route: forged forms, and calls of the API that take a right.

        Raises:
            Forbidden: it is one.
        """
        try:
            await self._check(request)
            yield
        finally:
            await request.close()  # files of a form

    async def authorise(self, request: Request) -> None:
        """Whether this caller may make this request, as far as workers.desk.api_access and their region say.

        Raises:
            Forbidden: they may not.
        """
        if request.scope["path"].startswith(API):
            self._check_call(request)
        number = request.path_params.get("number")
        if number is not None:
            await run_in_threadpool(self._check_region, str(number))

    def _check_call(self, request: Request) -> None:
        caller = current()
        if caller.signed_in is None and caller.token is None:
            return
        route = ROUTES.get((request.method, request.scope["route"].path))
        if route is None or (caller.token is not None and route.scope is None):
            raise Forbidden("此接口只供实例令牌调用。 This call takes the instance's own token.")
        if caller.token is not None and route.scope not in {EVERY, *caller.token.scopes}:
            raise OutOfScope(str(route.scope))
        if route.right is not None and (who := caller.actor) is not None:
            self._services.rights.check(route.right, who.name, who.groups)

    async def _check(self, request: Request) -> None:
        who, is_call = current().signed_in, request.scope["path"].startswith(API)
        if who is not None and not is_call and request.method in UNSAFE and not _has_csrf(request, who):
            form = await request.form()
            if not _is_same(form.get("csrf"), who.csrf):
                raise Forbidden(
                    "页面已过期，请返回并刷新后重试。 This page is out of date: go back, reload it and try again."
                )
        await self.authorise(request)

    def _check_region(self, number: str) -> None:
        """Every address with the number of a case is for people who may see that case."""
        if not number.isascii() or not number.isprintable():
            raise NotFound(f"There is no case {number[:40]!a}.")
        with self._services.database.read() as tx:
            refuse_unseen(tx, number)

    async def note(self, request: HTTPConnection, caller: Caller, status: int) -> None:
        """Keeps in the audit what was done, before anybody is told that it was."""
        if caller.way == "nobody" or caller.is_noted or status >= 400:
            return
        action = _action(request)
        if action is not None:
            caller.is_noted = True
            await run_in_threadpool(self._keep, request, caller, action)

    def _keep(self, request: HTTPConnection, caller: Caller, action: str) -> None:
        named = request.scope.get("path_params", {})
        subject = caller.subject or named.get("number") or named.get("key") or named.get("id_")
        way: audit.Way = "session" if caller.way == "session" else "token"
        with self._services.database.begin() as tx:
            subject = audit.word(None if subject is None else str(subject))
            facts = {"token": caller.token.name} if caller.token is not None else {}
            audit.add(tx, self._services.clock.now(), caller.person, action, subject, way=way, facts=facts)

    def _unknown(self, request: HTTPConnection) -> Response | None:
        if request.scope["path"].startswith(API):
            return _no_token()
        return to_login(request) if self._services.signing_in.is_required else None


def to_login(request: HTTPConnection) -> Response:
    """Where somebody goes who has to sign in: the login page and back here; a call of a script is told with 401."""
    if request.scope["method"] not in {"GET", "HEAD"} or _is_refresh(request):
        return problem(401, "请重新登录。 You are not signed in any more: sign in again.")
    asked = request.scope["query_string"].decode("latin-1")
    here = local(quote(request.scope["path"]) + (f"?{asked}" if asked else ""))
    return RedirectResponse("/login" if here == "/" else f"/login?next={quote(here, safe='/')}", 303)


def _check_session(request: HTTPConnection, who: SignedIn) -> Response | None:
    path = request.scope["path"]
    if path.startswith(API) and request.scope["method"] in UNSAFE and not _has_csrf(request, who):
        return problem(403, "the header X-CSRF-Token is missing or not the one of this session's pages")
    if who.must_change and path not in _WHILE_MUST_CHANGE:
        if path.startswith(API):
            return problem(403, "请先修改密码。 Change your password first.")
        return RedirectResponse("/password", 303)
    return None


def _action(request: HTTPConnection) -> str | None:
    """What the audit calls what this request did; None: nothing worth keeping."""
    method, route = request.scope["method"], request.scope.get("route")
    known = ROUTES.get((method, getattr(route, "path", "")))
    if known is not None:
        return known.action
    endpoint = getattr(request.scope.get("endpoint"), "__name__", None)
    return str(endpoint).strip("_").replace("_", "-") if method in UNSAFE and endpoint else None


def _is_refresh(request: HTTPConnection) -> bool:
    """Whether a page asks by itself, and nobody needs to be there."""
    return "x-refresh" in request.headers


def _has_csrf(request: HTTPConnection, who: SignedIn) -> bool:
    return _is_same(request.headers.get("x-csrf-token"), who.csrf)


def _is_same(given: object, wanted: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), wanted.encode())


def _bearer(authorization: str) -> str:
    """The token of a header; nothing, when it is of another kind."""
    kind, _, token = authorization.partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _no_token() -> Response:
    detail = (
        "the API needs the header `Authorization: Bearer TOKEN` (a token of `duban tokens add`, or the one in "
        "instance.json), or the session of somebody who is signed in"
    )
    return problem(401, detail, {"WWW-Authenticate": "Bearer"})


def _forged() -> Response:
    return problem(403, "此请求来自其他网站，已拒绝。 The request was made by another site and is refused.")
