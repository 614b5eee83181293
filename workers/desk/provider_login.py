"""Signing in with the identity provider: who of the staff it is, in which groups, and where."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from workers.desk.access import Gate, local
from workers.desk.cookies import PROVIDER
from workers.desk.login_pages import browser_of, with_session
from workers.desk.logins import Logins
from workers.desk.provider import Started
from workers.desk.services import DeskServices
from workers.errors import NotFound, Refused
from workers.settings import OidcSettings
from workers.store import accounts, audit, staff
from workers.store.outbox import Transaction

CALLBACK: Final = "/login/provider/callback"
_USERNAME: Final = re.compile(r"[a-z][a-z0-9._-]{0,63}")
_SECONDS: Final = 600
_LONGEST_NEXT: Final = 150
_LONGEST_WORD: Final = 64


def add_provider_login(pages: APIRouter, services: DeskServices, gate: Gate, logins: Logins) -> None:
    """The routes; none where no provider is set."""
    provider = services.signing_in.provider
    if provider is None:
        return

    def back(request: Request) -> str:
        public = urlsplit(services.signing_in.public_url or "")
        if public.hostname == request.url.hostname and public.scheme in {"http", "https"}:
            return f"{public.scheme}://{public.netloc}{CALLBACK}"
        return f"{request.url.scheme}://{request.url.netloc}{CALLBACK}"

    @pages.get("/login/provider", response_model=None)
    def to_provider(request: Request, next: str = "/") -> Response:
        wanted = local(next)
        started = Started.new(wanted if len(wanted.encode()) <= _LONGEST_NEXT else "/")
        answer = RedirectResponse(provider.address(started, back(request)), 303)
        gate.cookies.put(request, answer, PROVIDER, started.kept(), seconds=_SECONDS, same_site="lax")
        return answer

    @pages.get(CALLBACK, response_model=None)
    def from_provider(request: Request) -> Response:
        started = Started.read(gate.cookies.get(request, PROVIDER))
        if started is None:
            raise Refused("登录已超时，请重新登录。 The login took too long: begin again.")
        claims = provider.claims(dict(request.query_params), started, back(request))
        with services.database.begin() as tx:
            username = known(tx, services, provider.settings, claims)
            opened = logins.open(tx, username, browser_of(request, gate), way="oidc")
        answer = RedirectResponse(local(started.next), 303)
        gate.cookies.drop(request, answer, PROVIDER)
        return with_session(request, gate, services, answer, opened)


def known(tx: Transaction, services: DeskServices, settings: OidcSettings, claims: Mapping[str, Any]) -> str:
    """The username of somebody whom the provider vouches for; their account is made when they first come.

    Somebody in the staff file has the groups and the region of the file. Others have those of the claims, where a claim
    for groups is set, and are put into the directory.

    Raises:
        Refused: nobody of the staff, in no group, or disabled.
    """
    username = str(claims.get(settings.username_claim, "")).strip().lower()
    if not _USERNAME.fullmatch(username):
        raise Refused(
            _sentence("统一认证未提供可用的用户名", "The identity provider named no usable username")
        )
    try:
        person = staff.get(tx, username)
        is_from_file = not person.is_from_provider
    except NotFound:
        is_from_file = False
    if not is_from_file:
        _put(tx, services, settings, claims, username)
    now = services.clock.now()
    found = accounts.usable(tx, username, is_demo=services.signing_in.is_demo)
    if found is None:
        try:
            accounts.add(tx, username, None, now)
        except NotFound:
            raise Refused(_sentence("您不在人员名单中", "You are not in the staff directory")) from None
        audit.add(tx, now, username, "account-added", username, way="session", facts={"by": "oidc"})
    elif not found.may_sign_in:
        raise Refused(_sentence("账号已停用", "The account is disabled"))
    return username


def _put(
    tx: Transaction, services: DeskServices, settings: OidcSettings, claims: Mapping[str, Any], username: str
) -> None:
    if not settings.groups_claim:
        raise Refused(_sentence("您不在人员名单中", "You are not in the staff directory"))
    groups = groups_of(claims.get(settings.groups_claim), settings.groups, services.signing_in.groups)
    if not groups:
        raise Refused(_sentence("您不属于任何业务组", "You are in no group of this service"))
    place = {
        part: _word(claims.get(claim)) if claim else None
        for part, claim in (
            ("province", settings.province_claim),
            ("city", settings.city_claim),
            ("branch", settings.branch_claim),
        )
    }
    name = _word(claims.get(settings.name_claim)) or username
    staff.put_from_provider(tx, username, name=name, groups=groups, **place)


def groups_of(claimed: object, mapping: Mapping[str, str], groups: Collection[str]) -> list[str]:
    """Groups of Duban by what the provider calls them; ones that there are not are left out."""
    names = claimed if isinstance(claimed, list) else str(claimed or "").split()
    wanted = {mapping.get(str(name), "") if mapping else str(name) for name in names}
    return sorted(group for group in wanted if group in groups)


def _word(value: object) -> str | None:
    """A short printable text; None for anything else."""
    text = value.strip() if isinstance(value, str) else ""
    return text if text and len(text) <= _LONGEST_WORD and text.isprintable() else None


def _sentence(zh: str, en: str) -> str:
    return f"{zh}，请联系运维人员。 {en}: ask operations."
