"""The pages of access: login, password, who I am."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from workers.cases.passwords import LONGEST
from workers.desk.access import Gate, local, myself
from workers.desk.caller import SignedIn, current
from workers.desk.cookies import LOGIN, SESSION
from workers.desk.logins import Browser, Logins, TooSoon
from workers.desk.services import DeskServices
from workers.errors import Refused
from workers.store import accounts, sessions

Page = Callable[..., HTMLResponse]
Me = Annotated[SignedIn, Depends(myself)]
_FORM_SECONDS: Final = 12 * 3600
_OUT_OF_DATE: Final = "页面已过期，请再试一次。 The page was out of date: try again."


def router(services: DeskServices, gate: Gate, logins: Logins, page: Page) -> APIRouter:
    """The routes.

    Args:
        page: renders a template by name.
    """
    pages = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    _add_login(pages, services, gate, logins, page)
    _add_password(pages, services, gate, logins, page)

    @pages.get("/me")
    def me(who: Me) -> HTMLResponse:
        with_ = services.signing_in
        with services.database.read() as tx:
            now = services.clock.now()
            open_ = sessions.of(tx, who.username, now, with_.limits, is_demo=with_.is_demo)
        way = next((each.way for each in open_ if each.token_hash == who.session), "password")
        return page("me.html", who=who, sessions=open_, way=way)

    @pages.post("/logout", response_model=None)
    async def logout(request: Request, who: Me) -> Response:
        form = await request.form()
        current().is_noted = True
        await run_in_threadpool(logins.sign_out, who, everywhere=_text(form, "everywhere") == "yes")
        answer = RedirectResponse("/login", 303)
        gate.cookies.drop(request, answer, SESSION)
        return answer

    return pages


def _add_login(pages: APIRouter, services: DeskServices, gate: Gate, logins: Logins, page: Page) -> None:
    def form(request: Request, next_: str, status: int = 200, **said: Any) -> Response:
        """The login page with a form that only this browser can send."""
        secret = gate.cookies.get(request, LOGIN) or secrets.token_urlsafe(24)
        with services.database.read() as tx:
            has_accounts = accounts.has_any(tx, is_demo=services.signing_in.is_demo)
        provider = services.signing_in.provider
        shown = {"wrong": None, "username": "", "provider": provider and provider.settings.label, **said}
        answer = page("login.html", status, secret=secret, next=next_, has_accounts=has_accounts, **shown)
        gate.cookies.put(request, answer, LOGIN, secret, seconds=_FORM_SECONDS, same_site="strict")
        return answer

    @pages.get("/login", response_model=None)
    def login(request: Request, next: str = "/") -> Response:
        if gate.find(request) is not None:
            return RedirectResponse(local(next), 303)
        return form(request, local(next))

    @pages.post("/login", response_model=None)
    async def sign_in(request: Request) -> Response:
        sent = await request.form()
        next_, username = local(_text(sent, "next")), _text(sent, "username")[:LONGEST]
        secret = gate.cookies.get(request, LOGIN)
        if secret is None or not hmac.compare_digest(_text(sent, "secret").encode(), secret.encode()):
            return await run_in_threadpool(form, request, next_, 403, wrong=_OUT_OF_DATE, username=username)
        password = _text(sent, "password")[: LONGEST + 1]
        try:
            opened = await run_in_threadpool(logins.sign_in, username, password, browser_of(request, gate))
        except TooSoon as error:
            answer = await run_in_threadpool(form, request, next_, 429, wrong=str(error), username=username)
            answer.headers["Retry-After"] = str(error.seconds)
            return answer
        except Refused as error:
            return await run_in_threadpool(form, request, next_, 401, wrong=str(error), username=username)
        answer = RedirectResponse(next_, 303)
        gate.cookies.drop(request, answer, LOGIN)
        return with_session(request, gate, services, answer, opened)


def _add_password(pages: APIRouter, services: DeskServices, gate: Gate, logins: Logins, page: Page) -> None:
    def form(who: SignedIn, status: int = 200, wrong: str | None = None) -> HTMLResponse:
        return page(
            "password.html", status, who=who, wrong=wrong, shortest=services.signing_in.passwords.shortest
        )

    @pages.get("/password")
    def password(who: Me) -> HTMLResponse:
        return form(who)

    @pages.post("/password", response_model=None)
    async def change_password(request: Request, who: Me) -> Response:
        sent = await request.form()
        old, new = _text(sent, "old"), _text(sent, "new")
        current().is_noted = True
        try:
            if new != _text(sent, "again"):
                raise Refused("两次输入的新密码不一致。 The new password was not typed the same twice.")
            opened = await run_in_threadpool(
                logins.change_password, who, old[: LONGEST + 1], new, browser_of(request, gate)
            )
        except Refused as error:
            return form(who, 429 if isinstance(error, TooSoon) else 422, str(error))
        return with_session(request, gate, services, RedirectResponse("/me", 303), opened)


def with_session(
    request: Request, gate: Gate, services: DeskServices, answer: Response, opened: sessions.Opened
) -> Response:
    """The answer with the cookie of a new session."""
    seconds = int(services.signing_in.limits.session_hours * 3600)
    gate.cookies.put(request, answer, SESSION, opened.token, seconds=seconds, same_site="lax")
    return answer


def browser_of(request: Request, gate: Gate) -> Browser:
    """Where a login comes from."""
    address = request.client.host if request.client is not None else ""
    return Browser(address, gate.cookies.get(request, SESSION))


def _text(form: FormData, name: str) -> str:
    """A field of a form; empty where it is missing, or a file."""
    value = form.get(name)
    return value if isinstance(value, str) else ""
