"""Accounts, failed tries and the audit, in the store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tests.store.rows import NOON
from workers.cases.passwords import Passwords, made
from workers.errors import Conflict, DubanError, NotFound
from workers.settings import LoginSettings
from workers.store import accounts, audit, login_failures, sessions, staff
from workers.store.account_tables import LoginFailure, SignInSession
from workers.store.database import Database
from workers.store.tables import Staff

LIMITS = LoginSettings(free_failures=2, first_wait_seconds=4, longest_wait_seconds=60)


@pytest.fixture
def store(database: Database) -> Database:
    """A store with somebody who has an account."""
    with database.begin() as tx:
        staff.load(tx, [staff.StaffMember(username="lin.qiantai", name="林前台", groups=["front-desk"])])
        accounts.add(tx, "lin.qiantai", "hash", NOON)
    return database


def test_two_who_make_the_same_account_at_once_make_one(database: Database) -> None:
    with database.begin() as tx:
        staff.load(tx, [staff.StaffMember(username="lin.qiantai", name="林前台", groups=["front-desk"])])

    def add(password: str) -> str:
        try:
            with database.begin() as tx:
                accounts.add(tx, "lin.qiantai", password, NOON)
        except DubanError as error:
            return type(error).__name__
        return "added"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(add, "abcd")) == ["Conflict", "Conflict", "Conflict", "added"]


def test_an_account_is_of_somebody_of_the_staff(store: Database) -> None:
    with pytest.raises(NotFound), store.begin() as tx:
        accounts.add(tx, "nobody", "hash", NOON)
    with pytest.raises(Conflict), store.begin() as tx:
        accounts.add(tx, "lin.qiantai", "hash", NOON)
    with store.begin() as tx:
        staff.load(tx, [])
    with pytest.raises(NotFound, match="no longer"), store.begin() as tx:
        accounts.add(tx, "lin.qiantai", "hash", NOON)
    with pytest.raises(IntegrityError), store.begin() as tx:
        sessions.open_(tx, "nobody", NOON, LIMITS, way="password")


def test_the_staff_file_leaves_those_alone_whom_the_provider_names(store: Database) -> None:
    with store.begin() as tx:
        tx.add(Staff(username="from.provider", name="外部", groups=["callback"], is_from_provider=True))
    with store.begin() as tx:
        staff.load(tx, [])
    with store.read() as tx:
        assert [person.username for person in staff.everybody(tx)] == ["from.provider"]


def test_waits_double_up_to_the_longest(store: Database) -> None:
    now, waits = NOON, []
    for _ in range(8):
        with store.begin() as tx:
            assert login_failures.reserve(tx, "lin.qiantai", "203.0.113.5", now, LIMITS) is None
            row = tx.scalars(select(LoginFailure).filter_by(kind="account")).one()
            until = row.wait_until
        if until is not None:
            waits.append((until - now).total_seconds())
            with store.begin() as tx:
                assert login_failures.reserve(tx, "lin.qiantai", "203.0.113.5", now, LIMITS) == until - now
            now = until
    assert waits == [4, 8, 16, 32, 60, 60, 60]


def test_a_network_of_ipv6_is_one_address_and_old_tries_are_swept_out(store: Database) -> None:
    with store.begin() as tx:
        for address in (
            "2001:db8:1:2::3",
            "2001:db8:1:2:ffff::9",
            "::ffff:192.0.2.1",
            "not an address",
            "fe80::1%eth0",
        ):
            login_failures.reserve(tx, address[-3:], address, NOON, LIMITS)
    with store.read() as tx:
        counts = {row.whose: row.count for row in tx.scalars(select(LoginFailure).filter_by(kind="address"))}
    assert counts == {"2001:db8:1:2::/64": 2, "192.0.2.1": 1, "not an address": 1, "fe80::/64": 1}
    with store.begin() as tx:
        login_failures.reserve(tx, "x", "192.0.2.9", NOON + timedelta(minutes=61), LIMITS)
    with store.read() as tx:
        assert len(tx.scalars(select(LoginFailure)).all()) == 2


def test_a_session_of_a_person_with_two_browsers(store: Database) -> None:
    with store.begin() as tx:
        first = sessions.open_(tx, "lin.qiantai", NOON, LIMITS, way="password")
        second = sessions.open_(tx, "lin.qiantai", NOON, LIMITS, way="password")
    later = NOON + timedelta(minutes=5)
    with store.begin() as tx:
        found = sessions.find(tx, first.token, later, LIMITS, is_demo=False)
        assert found is not None and found.csrf == first.csrf != second.csrf
        sessions.touch(tx, found.token_hash, later)
    with store.begin() as tx:
        assert [each.seen_at for each in sessions.of(tx, "lin.qiantai", later, LIMITS, is_demo=False)] == [
            later,
            NOON,
        ]
        assert sessions.end_all(tx, "lin.qiantai") == 2
        assert sessions.end_all(tx, "lin.qiantai") == 0
        assert tx.scalars(select(SignInSession)).all() == []


@pytest.mark.parametrize("value", ["王小明", "13800138000", "lost the bill", "a@example.com", "", "x" * 65])
def test_b10_the_audit_takes_no_text_that_somebody_wrote(store: Database, value: str) -> None:
    """It is kept for ever: nothing of a customer may get in (rule B10)."""
    with pytest.raises(ValueError, match="single words"), store.begin() as tx:
        audit.add(tx, NOON, "lin.qiantai", "task-completed", value, way="session")
    with pytest.raises(ValueError, match="single words"), store.begin() as tx:
        audit.add(tx, NOON, "lin.qiantai", "task-completed", way="session", facts={"why": value})
    with pytest.raises(ValueError, match="no action"), store.begin() as tx:
        audit.add(tx, NOON, "lin.qiantai", "Lost the bill", way="session")
    with store.begin() as tx:
        audit.add(
            tx, NOON, "lin.qiantai", "task-completed", "2251799813685301", way="session", facts={"n": 1}
        )
        audit.add(tx, NOON, None, "complaint-registered", "TS20261122-000001", way="token")
    with store.read() as tx:
        assert [each.subject for each in audit.page(tx, subject="TS20261122-000001")] == ["TS20261122-000001"]
        assert len(audit.page(tx)) == 2


def test_a_password_is_kept_as_argon2id_and_typed_on_any_keyboard() -> None:
    passwords = Passwords(time_cost=1, memory_kib=8, parallelism=1)
    kept = passwords.hash("ｐａｓｓ密码１２３４")
    assert kept.startswith("$argon2id$")
    assert passwords.hash("pass密码1234") != kept, "salted"
    assert passwords.is_right(kept, "pass密码1234"), "full width and half width are the same letters"
    assert not passwords.is_right(kept, "pass密码1235")
    assert not passwords.is_right("no hash", "x")
    assert Passwords(time_cost=2, memory_kib=16, parallelism=1).is_outdated(kept)
    assert len({made() for _ in range(100)}) == 100
