"""Demo accounts: to try Duban out on one's own machine, and nowhere else."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.desk_server import CHEAP
from workers.bootstrap.demo import SHOWN, check_demo, how_to_sign_in, make_demo_accounts
from workers.bootstrap.parts import SAMPLE_STAFF, assembled
from workers.bootstrap.resources import deploy_file
from workers.clock import SystemClock
from workers.errors import Refused
from workers.settings import Settings, WebSettings
from workers.store import accounts
from workers.store.account_tables import Account


@pytest.mark.parametrize(
    "web",
    [
        {"host": "0.0.0.0"},  # noqa: S104
        {"host": "::"},
        {"host": "192.168.1.5"},
        {"host": "duban.example"},
        {"public_url": "https://duban.example/"},
    ],
)
def test_demo_refuses_an_address_that_others_reach(tmp_path: Path, web: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="duban users add"):
        check_demo(Settings(data=tmp_path, web=WebSettings(**web)))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_demo_takes_this_machine(tmp_path: Path, host: str) -> None:
    check_demo(Settings(data=tmp_path, web=WebSettings(host=host, public_url="http://localhost:8700")))


def test_demo_is_for_the_sample_staff(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="DUBAN_STAFF_FILE"):
        check_demo(Settings(data=tmp_path, staff_file=tmp_path / "staff.json"))


def test_demo_accounts_have_one_password_kept_for_the_owner_of_the_folder(tmp_path: Path) -> None:
    """The second start has the same one; whoever has an account of their own keeps it."""
    names = {person["username"] for person in json.loads(deploy_file(SAMPLE_STAFF).read_bytes())}
    with assembled(Settings(data=tmp_path), SystemClock()) as parts:
        with parts.database.begin() as tx:
            accounts.add(tx, "ping.shenji", CHEAP.hash("a-word-of-mine-5"), parts.clock.now())
        password = make_demo_accounts(parts, CHEAP)
        assert make_demo_accounts(parts, CHEAP) == password
        file = tmp_path / "demo-password"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        with parts.database.read() as tx:
            found = {account.username: account for account, _ in accounts.everybody(tx)}
            assert set(found) == names
            assert all(account.is_demo for name, account in found.items() if name != "ping.shenji")
            assert not found["ping.shenji"].is_demo
            assert not CHEAP.is_right(found["ping.shenji"].password_hash, password)
            assert CHEAP.is_right(found["lin.qiantai"].password_hash, password)
        said = how_to_sign_in(parts, "http://127.0.0.1:8700", password)
        assert password in said and all(name in said for name in SHOWN)

        with parts.database.begin() as tx:  # an operator gives somebody a real account
            accounts.set_password(
                tx, "lin.qiantai", CHEAP.hash("x" * 12), parts.clock.now(), must_change=False
            )
        make_demo_accounts(parts, CHEAP)
        with parts.database.read() as tx:
            assert not tx.get_one(Account, "lin.qiantai").is_demo
            assert CHEAP.is_right(tx.get_one(Account, "lin.qiantai").password_hash, "x" * 12)
