"""Signing in with an identity provider: a real one, started by the suite."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.desk.signing_in import Browser, add_account, required
from tests.desk_server import RunningDesk, add_person
from tests.identity_provider import provider
from workers.clock import SystemClock
from workers.desk.provider import Provider, Started
from workers.desk.provider_login import groups_of
from workers.errors import Refused
from workers.settings import OidcSettings
from workers.store import accounts, audit, staff
from workers.store.database import Database
from workers.store.tables import Staff

PEOPLE = [
    {"sub": "1", "preferred_username": "Lin.Qiantai", "name": "林前台", "groups": ["boss"], "city": "上海"},
    {
        "sub": "2",
        "preferred_username": "new.person",
        "name": "新人",
        "groups": ["desk", "chess"],
        "city": "杭州",
    },
    {"sub": "3", "preferred_username": "no.group", "name": "无组", "groups": ["chess"]},
    {"sub": "4", "preferred_username": "../etc", "groups": ["desk"]},
    {"sub": "5", "groups": ["desk"]},
]
CLAIMED = {
    "groups_claim": "groups",
    "groups": {"desk": "front-desk", "boss": "province-management", "odd": "no-such-group"},
    "city_claim": "city",
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """The address of the provider."""
    with provider(PEOPLE) as address:
        yield address


def settings(issuer: str | None, **more: object) -> OidcSettings:
    return OidcSettings.model_validate(
        {"issuer": issuer, "client_id": "duban", "client_secret": "a-secret", **more}
    )


def start(database: Database, oidc: OidcSettings, **more: object) -> RunningDesk:
    """A desk with this provider; close it."""
    desk = RunningDesk(database, signing_in=required(**more))
    groups = frozenset({"front-desk", "province-management"})
    desk.signing_in = replace(desk.signing_in, provider=Provider(oidc, desk.clock), groups=groups)
    desk.start()
    return desk


@pytest.fixture
def desk(sqlite_database: Database, issuer: str) -> Iterator[RunningDesk]:
    """A desk where the provider says the groups of those who are not in the staff file."""
    found = start(sqlite_database, settings(issuer, **CLAIMED))
    yield found
    found.close()


def at_provider(address: str, sub: str, action: str = "authorize") -> str:
    """What the person does at the provider; where it sends the browser."""
    answer = httpx.post(address, data={"sub": sub, "action": action}, trust_env=False, timeout=60)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def sign_in(browser: Browser, sub: str, next_: str = "/") -> httpx.Response:
    """The whole way: to the provider and back."""
    out = browser.get("/login/provider", params={"next": next_})
    assert out.status_code == 303
    return browser.get(at_provider(out.headers["location"], sub))


def test_somebody_of_the_staff_signs_in_with_the_provider(database: Database, issuer: str) -> None:
    """Groups and region are those of the staff file, whatever the provider says; the account is made by itself."""
    desk = start(database, settings(issuer, **CLAIMED))
    try:
        add_person(desk, "lin.qiantai", "front-desk", city="杭州")
        with Browser(desk) as browser:
            login = browser.get("/login?next=/events%3Fa%3D1").text
            assert 'href="/login/provider?next=/events%3Fa%3D1"' in login
            done = sign_in(browser, "1", "/events?a=1")
            assert (done.status_code, done.headers["location"]) == (303, "/events?a=1")
            me = browser.get("/me").text
            assert "front-desk" in me and "province-management" not in me and "杭州" in me
            assert "/password" not in me, "there is no password to change"
            assert sign_in(browser, "1").status_code == 303, "twice is once"
        with desk.database.read() as tx:
            said = [(each.action, each.facts) for each in reversed(audit.page(tx, who="lin.qiantai"))]
        assert said == [
            ("account-added", {"by": "oidc"}),
            ("signed-in", {"by": "oidc"}),
            ("signed-in", {"by": "oidc"}),
        ]
    finally:
        desk.close()


def test_somebody_else_has_the_groups_and_the_region_of_the_claims(desk: RunningDesk) -> None:
    """And a password opens that account to nobody."""
    with Browser(desk) as browser:
        assert sign_in(browser, "2").status_code == 303
        with desk.database.read() as tx:
            person = staff.get(tx, "new.person")
            assert (person.name, person.groups, person.city) == ("新人", ["front-desk"], "杭州")
    with Browser(desk) as other:
        add_account(desk, "xu.qiantai")
        assert other.sign_in("new.person", "").status_code == 401


@pytest.mark.parametrize(("sub", "said"), [("3", "不属于任何业务组"), ("4", "用户名"), ("5", "用户名")])
def test_who_is_nobody_here_gets_no_session(desk: RunningDesk, sub: str, said: str) -> None:
    with Browser(desk) as browser:
        refused = sign_in(browser, sub)
        assert refused.status_code == 422 and said in refused.text
        assert browser.token is None


def test_without_a_claim_for_groups_only_the_staff_file_counts(
    sqlite_database: Database, issuer: str
) -> None:
    desk = start(sqlite_database, settings(issuer))
    try:
        with Browser(desk) as browser:
            assert "不在人员名单" in sign_in(browser, "2").text
            add_person(desk, "new.person", "front-desk")
            assert sign_in(browser, "2").status_code == 303
            with desk.database.begin() as tx:
                accounts.disable(tx, "new.person", desk.clock.now())
            assert "已停用" in sign_in(browser, "2").text
            with desk.database.begin() as tx:
                accounts.enable(tx, "new.person")
                tx.get_one(Staff, "new.person").is_active = False
            assert sign_in(browser, "2").status_code == 422, "left the staff file"
    finally:
        desk.close()


def test_an_answer_that_was_not_asked_for_is_refused(desk: RunningDesk) -> None:
    """Another browser's answer, a wrong state, another issuer, a denial, the same answer twice."""
    add_person(desk, "lin.qiantai", "front-desk")
    with Browser(desk) as browser, Browser(desk) as thief:
        out = browser.get("/login/provider").headers["location"]
        back = at_provider(out, "1")
        assert thief.get(back).status_code == 422, "no login began there"
        thief.get("/login/provider")
        assert thief.get(back).status_code == 422, "the state is another browser's"
        assert browser.get(back + "&iss=https://evil.example").status_code == 422
        assert browser.get("/login/provider/callback?code=x&state=wrong").status_code == 422
        denied = at_provider(browser.get("/login/provider").headers["location"], "1", "deny")
        assert browser.get(denied).status_code == 422

        out = browser.get("/login/provider").headers["location"]
        back = at_provider(out, "1")
        kept = browser.http.cookies.get("duban-provider") or ""
        assert browser.get(back).status_code == 303
        assert browser.http.cookies.get("duban-provider") is None
        browser.http.cookies.set("duban-provider", kept)
        assert browser.get(back).status_code == 422, "a code is taken once"


def test_the_request_has_state_nonce_and_a_challenge(desk: RunningDesk) -> None:
    """All new each time; without the verifier the provider gives nothing (tests/identity_provider.py enforces it)."""
    add_person(desk, "lin.qiantai", "front-desk")
    with Browser(desk) as browser:
        seen = []
        for _ in range(2):
            query = parse_qs(urlsplit(browser.get("/login/provider").headers["location"]).query)
            assert query["code_challenge_method"] == ["S256"] and query["scope"] == ["openid profile"]
            seen += [query[name][0] for name in ("state", "nonce", "code_challenge")]
        assert len(set(seen)) == 6
        for part in (1, 2):  # nonce, verifier
            back = at_provider(browser.get("/login/provider").headers["location"], "1")
            kept = (browser.http.cookies.get("duban-provider") or "").split(".")
            kept[part] = "somebody-elses"
            browser.http.cookies.clear()
            browser.http.cookies.set("duban-provider", ".".join(kept))
            assert browser.get(back).status_code == 422
            browser.http.cookies.clear()


def test_an_id_token_whose_time_is_over_is_refused(desk: RunningDesk) -> None:
    add_person(desk, "lin.qiantai", "front-desk")
    desk.clock.advance(timedelta(hours=3))
    with Browser(desk) as browser:
        assert sign_in(browser, "1").status_code == 422


def test_a_provider_that_does_not_answer_is_said_and_local_accounts_still_work(
    sqlite_database: Database,
) -> None:
    desk = start(sqlite_database, settings("http://127.0.0.1:9", timeout_seconds=2))
    try:
        add_account(desk, "lin.qiantai")
        with Browser(desk) as browser:
            answer = browser.get("/login/provider")
            assert answer.status_code == 503 and "统一认证暂不可用" in answer.text
            assert browser.sign_in("lin.qiantai").status_code == 303
    finally:
        desk.close()


@pytest.mark.parametrize(
    "wrong", [{"issuer": "http://id.example"}, {"issuer": "ftp://x"}, {"client_id": None}]
)
def test_settings_that_are_not_safe_are_refused(wrong: dict[str, str | None]) -> None:
    with pytest.raises(Refused, match="DUBAN_OIDC"):
        Provider(settings(**{"issuer": "https://id.example", **wrong}), SystemClock())


def test_groups_by_name_or_by_map() -> None:
    known = {"front-desk", "billing"}
    assert groups_of(["front-desk", "chess"], {}, known) == ["front-desk"]
    assert groups_of("front-desk billing", {}, known) == ["billing", "front-desk"]
    assert groups_of(["desk", "front-desk"], {"desk": "front-desk"}, known) == ["front-desk"]
    assert groups_of(["billing"], {"desk": "front-desk"}, known) == [], "only what the map names"
    assert groups_of(None, {}, known) == []


def test_what_the_cookie_remembers() -> None:
    started = Started.new("/complaints/TS1?a=1&b=投诉")
    assert Started.read(started.kept()) == started
    for odd in (None, "", "a.b.c", "a.b.c.____"):
        assert Started.read(odd) is None
