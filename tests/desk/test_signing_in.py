"""Signing in and out: who gets a session, how long it holds, and what those get who guess."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from tests.desk.signing_in import PASSWORD, Browser, add_account, required
from tests.desk_server import CHEAP, RunningDesk, running
from workers.store import accounts, audit, sessions
from workers.store.account_tables import Account, LoginFailure, SignInSession
from workers.store.database import Database
from workers.store.tables import Staff

NEW = "another-word-9"


@pytest.fixture
def both(database: Database) -> Iterator[RunningDesk]:
    """A desk on SQLite and on PostgreSQL whose pages need a login; lin.qiantai has an account."""
    with running(database, signing_in=required()) as desk:
        add_account(desk, "lin.qiantai")
        yield desk


@pytest.fixture
def desk(sqlite_database: Database) -> Iterator[RunningDesk]:
    """The same where the database makes no difference."""
    with running(sqlite_database, signing_in=required()) as found:
        add_account(found, "lin.qiantai")
        yield found


def actions(desk: RunningDesk) -> list[str]:
    """What the audit says, in order."""
    with desk.database.read() as tx:
        return [each.action for each in reversed(audit.page(tx))]


def test_somebody_signs_in_and_out(both: RunningDesk) -> None:
    """Before: the login page and back to where one wanted to go; after: nothing is left of the session."""
    with Browser(both) as browser:
        asked = browser.get("/complaints/TS1?a=1&b=2")
        assert (asked.status_code, asked.headers["location"]) == (
            303,
            "/login?next=/complaints/TS1%3Fa%3D1%26b%3D2",
        )
        answer = browser.sign_in("Lin.Qiantai ", next_="/complaints/TS1?a=1&b=2")
        assert (answer.status_code, answer.headers["location"]) == (303, "/complaints/TS1?a=1&b=2")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie

        page = browser.get("/me")
        assert page.status_code == 200 and "员工lin.qiantai" in page.text and "前台" in page.text
        token = browser.token
        assert token is not None
        with both.database.read() as tx:
            row = tx.scalars(select(SignInSession)).one()
            assert token not in {row.token_hash, row.csrf}, "what the database knows is no use to anybody"
            assert row.token_hash == sessions.hash_of(token)

        out = browser.send("/me", "/logout")
        assert (out.status_code, out.headers["location"]) == (303, "/login")
        browser.http.cookies.set("duban", token)
        assert browser.get("/me").status_code == 303, "the token is worth nothing any more"
    assert actions(both) == ["signed-in", "signed-out"]


def test_a_wrong_name_a_wrong_password_and_a_disabled_account_look_alike(desk: RunningDesk) -> None:
    add_account(desk, "gone.person")
    add_account(desk, "left.person")
    with desk.database.begin() as tx:
        accounts.disable(tx, "gone.person", desk.clock.now())
        tx.get_one(Staff, "left.person").is_active = False
    said = set()
    with Browser(desk) as browser:
        for username, password in (
            ("nobody", PASSWORD),
            ("lin.qiantai", "wrong-password"),
            ("gone.person", PASSWORD),
            ("left.person", PASSWORD),
            ("", ""),
            ("x" * 5000, "y" * 5000),
            ("lin.qiantai\x00", PASSWORD),
        ):
            answer = browser.sign_in(username, password)
            assert answer.status_code == 401
            said.add(answer.text.partition('role="alert">')[2].partition("<")[0])
            assert "duban=" not in answer.headers.get("set-cookie", "")
            assert password not in answer.text or not password
    assert len(said) == 1


def test_an_unknown_name_costs_the_same_hash_as_a_known_one(
    desk: RunningDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[bool] = []
    is_right = CHEAP.is_right

    def counted(kept: str | None, password: str) -> bool:
        looked.append(kept is None)
        return is_right(kept, password)

    monkeypatch.setattr(CHEAP, "is_right", counted)
    with Browser(desk) as browser:
        browser.sign_in("nobody.at.all")
        browser.sign_in("lin.qiantai", "wrong-password")
    assert looked == [True, False]
    assert not CHEAP.is_right(None, PASSWORD), "no password is right where there is none"


def test_who_guesses_waits_longer_and_longer(both: RunningDesk) -> None:
    """Three tries are free; then 10 s, 20 s, … whether the password is right or not; others are not slowed."""
    add_account(both, "xu.qiantai")
    with Browser(both) as browser:
        for _ in range(3):
            assert browser.sign_in("lin.qiantai", "wrong-password").status_code == 401
        slowed = browser.sign_in("lin.qiantai")
        assert slowed.status_code == 429
        assert 1 <= int(slowed.headers["retry-after"]) <= 10
        assert "尝试次数过多" in slowed.text
        assert browser.sign_in("xu.qiantai").status_code == 303

    with Browser(both) as browser:
        both.clock.advance(timedelta(seconds=11))
        assert browser.sign_in("lin.qiantai", "wrong-password").status_code == 401
        both.clock.advance(timedelta(seconds=11))
        assert browser.sign_in("lin.qiantai").status_code == 429, "twice as long by now"
        both.clock.advance(timedelta(seconds=10))
        assert browser.sign_in("lin.qiantai").status_code == 303
        with both.database.read() as tx:
            assert tx.scalars(select(LoginFailure).filter_by(kind="account")).all() == [], "begins anew"


def test_an_unknown_name_is_slowed_like_a_known_one(desk: RunningDesk) -> None:
    """Else the wait would tell which names there are. What was typed as a name is not kept: it may be a password."""
    with Browser(desk) as browser:
        for _ in range(3):
            assert browser.sign_in("my-secret-password").status_code == 401
        assert browser.sign_in("my-secret-password").status_code == 429
    with desk.database.read() as tx:
        assert all("secret" not in row.whose for row in tx.scalars(select(LoginFailure)))
        assert all("secret" not in str(entry.subject) for entry in audit.page(tx))


def test_an_address_that_tries_many_names_waits_too(desk: RunningDesk) -> None:
    """Eight are free. A right password in between does not begin anew: it may be the guesser's own."""
    with Browser(desk) as browser:
        for number in range(7):
            assert browser.sign_in(f"name{number}", "wrong-password").status_code == 401
        assert browser.sign_in("lin.qiantai").status_code == 303
    with Browser(desk) as browser:
        assert browser.sign_in("name8", "wrong-password").status_code == 401
        assert browser.sign_in("name9", "wrong-password").status_code == 429
        desk.clock.advance(timedelta(minutes=61))
        assert browser.sign_in("name9", "wrong-password").status_code == 401, "forgotten after an hour"
    with Browser(desk, **{"X-Forwarded-For": "203.0.113.9"}) as browser:
        browser.sign_in("name10", "wrong-password")
    with desk.database.read() as tx:
        addresses = {row.whose for row in tx.scalars(select(LoginFailure).filter_by(kind="address"))}
    assert addresses == {"127.0.0.1"}, "what a browser says of its address is not believed"


def test_many_guesses_at_once_are_not_many_guesses(both: RunningDesk) -> None:
    """Twelve tries at the same instant: three are looked at, the others are turned away unread."""
    pages = [Browser(both) for _ in range(12)]
    try:
        with ThreadPoolExecutor(12) as pool:
            answers = list(
                pool.map(lambda each: each.sign_in("lin.qiantai", "wrong-password").status_code, pages)
            )
    finally:
        for each in pages:
            each.http.close()
    assert answers.count(401) == 3
    assert answers.count(429) == 9


def test_a_session_ends_when_its_time_is_over(both: RunningDesk) -> None:
    """After an hour without anybody, and after twelve hours whatever happens."""
    with Browser(both) as browser:
        browser.sign_in("lin.qiantai")
        both.clock.advance(timedelta(minutes=59))
        assert browser.get("/me").status_code == 200
        both.clock.advance(timedelta(minutes=59))
        assert browser.get("/me").status_code == 200, "somebody was there in between"
        both.clock.advance(timedelta(minutes=61))
        assert browser.get("/me").status_code == 303
        assert browser.sign_in("lin.qiantai").status_code == 303
        for _ in range(15):
            both.clock.advance(timedelta(minutes=50))
            last = browser.get("/me").status_code
        assert last == 303, "twelve hours have passed"
        assert browser.sign_in("lin.qiantai").status_code == 303
        with both.database.read() as tx:
            assert len(tx.scalars(select(SignInSession)).all()) == 1, "what is over is swept out"


def test_a_page_that_is_only_left_open_does_not_keep_its_session(desk: RunningDesk) -> None:
    """Its script asks every five seconds; that is nobody. At the end it is told so, and no login page is swapped in."""
    with Browser(desk) as browser:
        browser.sign_in("lin.qiantai")
        for _ in range(6):
            desk.clock.advance(timedelta(minutes=9))
            assert browser.get("/", headers={"X-Refresh": "yes"}).status_code == 200
        desk.clock.advance(timedelta(minutes=9))
        assert browser.get("/", headers={"X-Refresh": "yes"}).status_code == 401


def test_a_session_that_somebody_planted_is_not_the_one_that_is_opened(desk: RunningDesk) -> None:
    """Session fixation: the token is new at every login, and the one that the browser had before ends."""
    with Browser(desk) as browser:
        browser.http.cookies.set("duban", "planted-by-somebody")
        browser.sign_in("lin.qiantai")
        tokens = [value for value in browser.http.cookies.jar if value.name == "duban"]
        assert "planted-by-somebody" not in {each.value for each in tokens if each.domain}
    with Browser(desk) as browser, Browser(desk) as thief:
        browser.sign_in("lin.qiantai")
        first = browser.token
        browser.http.post("/login", data={})  # an old login page is still open in another tab
        page = browser.http.get("/login")
        assert page.status_code == 303, "who is signed in needs no login page"
        thief.http.cookies.set("duban", first or "")
        assert thief.get("/me").status_code == 200
    with Browser(desk) as browser, Browser(desk) as thief:
        form = browser.http.get("/login")
        secret = form.text.partition('name="secret" value="')[2].partition('"')[0]
        first = browser.http.post(
            "/login", data={"secret": secret, "username": "lin.qiantai", "password": PASSWORD}
        )
        token = browser.token or ""
        browser.http.cookies.set("duban-login", secret)
        browser.http.post("/login", data={"secret": secret, "username": "lin.qiantai", "password": PASSWORD})
        assert browser.token != token
        thief.http.cookies.set("duban", token)
        assert thief.get("/me").status_code == 303, "signing in again ended the session before"


def test_the_login_form_is_only_taken_from_the_browser_it_was_made_for(desk: RunningDesk) -> None:
    """Else another site could sign somebody in under a stranger's name (login CSRF)."""
    right = {"username": "lin.qiantai", "password": PASSWORD}
    with Browser(desk) as browser:
        assert browser.http.post("/login", data=right).status_code == 403
        assert browser.http.post("/login", data={**right, "secret": ""}).status_code == 403
        browser.get("/login")
        assert browser.http.post("/login", data={**right, "secret": "made-up"}).status_code == 403
        assert browser.token is None
        elsewhere = browser.http.post("/login", data=right, headers={"Sec-Fetch-Site": "cross-site"})
        assert elsewhere.status_code == 403


@pytest.mark.parametrize(
    "next_",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/%09/evil.example".replace("%09", "\t"),
        "javascript:alert(1)",
        "evil",
        "/login?next=/",
        "/logout",
        "/api/v1/tasks",
        "/x\r\nSet-Cookie: a=b",
        "///evil.example",
    ],
)
def test_a_link_to_the_login_leads_nowhere_else(desk: RunningDesk, next_: str) -> None:
    with Browser(desk) as browser:
        answer = browser.sign_in("lin.qiantai", next_=next_)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert browser.get("/login", params={"next": next_}).headers["location"] == "/"


def test_signing_out_everywhere_ends_every_session(both: RunningDesk) -> None:
    add_account(both, "xu.qiantai")
    with Browser(both) as office, Browser(both) as home, Browser(both) as other:
        office.sign_in("lin.qiantai")
        home.sign_in("lin.qiantai")
        other.sign_in("xu.qiantai")
        assert home.send("/me", "/logout", everywhere="yes").status_code == 303
        assert office.get("/me").status_code == 303
        assert home.get("/me").status_code == 303
        assert other.get("/me").status_code == 200, "only one's own"
    assert actions(both)[-1] == "signed-out-everywhere"


def test_a_disabled_account_is_out_at_once(both: RunningDesk) -> None:
    """And somebody who is no longer in the staff file, too."""
    add_account(both, "xu.qiantai")
    with Browser(both) as browser:
        browser.sign_in("lin.qiantai")
        with both.database.begin() as tx:
            assert accounts.disable(tx, "lin.qiantai", both.clock.now())
            assert not accounts.disable(tx, "lin.qiantai", both.clock.now()), "twice is once"
        assert browser.get("/me").status_code == 303
        assert browser.sign_in("lin.qiantai").status_code == 401
        with both.database.begin() as tx:
            assert accounts.enable(tx, "lin.qiantai")
        assert browser.get("/me").status_code == 303, "the old session does not come back"
        assert browser.sign_in("lin.qiantai").status_code == 303
        with both.database.begin() as tx:
            tx.get_one(Staff, "lin.qiantai").is_active = False
        assert browser.get("/me").status_code == 303


def test_a_changed_password_ends_every_other_session(both: RunningDesk) -> None:
    with Browser(both) as browser, Browser(both) as other:
        browser.sign_in("lin.qiantai")
        other.sign_in("lin.qiantai")
        before = browser.token
        changed = browser.send("/password", "/password", old=PASSWORD, new=NEW, again=NEW)
        assert (changed.status_code, changed.headers["location"]) == (303, "/me")
        assert browser.get("/me").status_code == 200 and browser.token != before
        assert other.get("/me").status_code == 303
        assert other.sign_in("lin.qiantai").status_code == 401
        assert other.sign_in("lin.qiantai", NEW).status_code == 303
    assert "password-changed" in actions(both)


@pytest.mark.parametrize(
    ("old", "new", "again", "said"),
    [
        ("wrong-password", NEW, NEW, "原密码不正确"),
        (PASSWORD, NEW, NEW + "x", "不一致"),
        (PASSWORD, "short-7", "short-7", "至少 10"),
        (PASSWORD, "a" * 12, "a" * 12, "太简单"),
        (PASSWORD, "lin.qiantai-1", "lin.qiantai-1", "不能包含用户名"),
        (PASSWORD, PASSWORD, PASSWORD, "与原密码相同"),
        (PASSWORD, "密码" + "x9" * 100, "密码" + "x9" * 100, "至多 200"),
    ],
)
def test_a_password_that_is_not_taken(desk: RunningDesk, old: str, new: str, again: str, said: str) -> None:
    with Browser(desk) as browser:
        browser.sign_in("lin.qiantai")
        answer = browser.send("/password", "/password", old=old, new=new, again=again)
        assert answer.status_code == 422
        assert said in answer.text
        assert new not in answer.text
        assert browser.get("/me").status_code == 200


def test_guessing_the_old_password_is_slowed_too(desk: RunningDesk) -> None:
    with Browser(desk) as browser:
        browser.sign_in("lin.qiantai")
        for _ in range(3):
            browser.send("/password", "/password", old="wrong-password", new=NEW, again=NEW)
        answer = browser.send("/password", "/password", old=PASSWORD, new=NEW, again=NEW)
        assert answer.status_code == 429


def test_of_two_changes_at_once_one_wins(both: RunningDesk) -> None:
    """The double click on “change”: one password holds, and one session is open."""
    with Browser(both) as browser:
        browser.sign_in("lin.qiantai")
        fields = {"csrf": browser.csrf, "old": PASSWORD}
        token = browser.token or ""

        def change(new: str) -> int:
            with httpx.Client(
                base_url=both.url, cookies={"duban": token}, trust_env=False, timeout=60
            ) as http:
                return http.post("/password", data={**fields, "new": new, "again": new}).status_code

        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(change, (NEW + "1", NEW + "2")))
    assert answers.count(303) >= 1
    assert set(answers) <= {303, 401, 422}  # the loser is signed out, or told that the old password is wrong
    with both.database.read() as tx:
        kept = tx.get_one(Account, "lin.qiantai").password_hash
        assert sum(CHEAP.is_right(kept, NEW + end) for end in "12") == 1
        assert len(tx.scalars(select(SignInSession)).all()) == 1


def test_a_password_that_others_know_must_be_changed_first(desk: RunningDesk) -> None:
    add_account(desk, "new.person", must_change=True)
    with Browser(desk) as browser:
        browser.sign_in("new.person")
        for path in ("/", "/me", "/complaints/TS1"):
            answer = browser.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/password")
        assert browser.get("/api/v1/tasks").status_code == 403
        assert "临时密码" in browser.get("/password").text
        browser.send("/password", "/password", old=PASSWORD, new=NEW, again=NEW)
        assert browser.get("/").status_code == 200


def test_a_demo_account_works_only_with_demo(sqlite_database: Database) -> None:
    """An instance that was tried out, then opened to others: the password on the terminal is worth nothing."""
    with running(sqlite_database, signing_in=required(is_demo=True)) as demo:
        add_account(demo, "lin.qiantai", is_demo=True)
        with Browser(demo) as browser:
            assert browser.sign_in("lin.qiantai").status_code == 303
            token = browser.token or ""
            browser.send("/password", "/password", old=PASSWORD, new=NEW, again=NEW)
            assert browser.get("/me").status_code == 200
            token = browser.token or ""
    with running(sqlite_database, signing_in=required()) as real, Browser(real) as browser:
        browser.http.cookies.set("duban", token)
        assert browser.get("/me").status_code == 303
        assert "duban users add" in browser.get("/login").text, "nobody can sign in: it says what to do"
    with running(sqlite_database, signing_in=required(is_demo=True)) as demo, Browser(demo) as browser:
        assert browser.sign_in("lin.qiantai", NEW).status_code == 303


def test_behind_tls_the_cookie_is_secure_and_bound_to_the_host(sqlite_database: Database) -> None:
    """A proxy ends TLS: the public address says so. On the loopback address plain cookies go on working."""
    with running(sqlite_database, signing_in=required(public_url="https://duban.example")) as desk:
        add_account(desk, "lin.qiantai")
        with Browser(desk, Host="duban.example") as browser:
            page = browser.get("/login")
            set_ = page.headers["set-cookie"]
            assert set_.startswith("__Host-duban-login=") and "Secure" in set_ and "SameSite=strict" in set_
            secret = set_.partition("=")[2].partition(";")[0]
            sent = {"secret": secret, "username": "lin.qiantai", "password": PASSWORD}
            answer = browser.http.post(
                "/login", data=sent, headers={"Cookie": f"__Host-duban-login={secret}"}
            )
            cookie = next(
                each for each in answer.headers.get_list("set-cookie") if each.startswith("__Host-duban=")
            )
            assert "Secure" in cookie and "HttpOnly" in cookie and "Domain" not in cookie
            token = cookie.partition("=")[2].partition(";")[0]
            assert browser.get("/me", headers={"Cookie": f"__Host-duban={token}"}).status_code == 200
            assert browser.get("/me", headers={"Cookie": f"duban={token}"}).status_code == 303
        with Browser(desk) as browser:
            browser.sign_in("lin.qiantai")
            assert browser.get("/me").status_code == 200


def test_pages_without_a_login_are_for_looking_only(sqlite_database: Database) -> None:
    """DUBAN_WEB__LOGIN=off: the overview is open, what somebody does still takes a login."""
    with running(sqlite_database) as desk:
        add_account(desk, "lin.qiantai")
        with Browser(desk) as browser:
            assert browser.get("/").status_code == 200
            assert browser.get("/me").headers["location"] == "/login?next=/me"
            assert browser.http.post("/logout").status_code == 401
            browser.sign_in("lin.qiantai")
            assert browser.get("/me").status_code == 200


def test_health_and_static_files_need_no_login(desk: RunningDesk) -> None:
    with Browser(desk) as browser:
        for path in ("/healthz", "/readyz", "/static/page.css", "/login"):
            assert browser.get(path).status_code == 200, path
        for path in ("/", "/events", "/complaints/TS1", "/nothing", "/me", "/password"):
            assert browser.get(path).headers["location"].startswith("/login"), path
        for path in ("/healthz/", "/login.html", "//login", "/healthz%3Fx", "/static/../me"):
            assert browser.get(path).status_code != 200, path
