"""`duban users`: the first account is made before anybody can sign in, with the instance running or not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Duban
from tests.desk_server import CHEAP
from workers.store import audit, staff
from workers.store.account_tables import Account
from workers.store.database import Database


@pytest.fixture
def folder(sqlite_template: Path, tmp_path: Path) -> Path:
    """The data folder of an instance with two people."""
    data = tmp_path / "instance"
    data.mkdir()
    shutil.copy(sqlite_template, data / "duban.db")
    database = Database.in_folder(data)
    with database.begin() as tx:
        staff.load(
            tx,
            [
                staff.StaffMember(username="lin.qiantai", name="林前台", groups=["front-desk"], city="杭州"),
                staff.StaffMember(username="xu.qiantai", name="许前台", groups=["front-desk"]),
            ],
        )
    database.close()
    return data


@pytest.fixture
def users(bare: Duban, folder: Path) -> Callable[..., tuple[int, str, str]]:
    """Runs `duban users` on it: exit code, stdout, stderr."""

    def run(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        done = bare("users", *arguments, stdin=stdin, DUBAN_DATA=str(folder))
        return done.returncode, done.stdout, done.stderr

    return run


def kept(folder: Path, username: str) -> Account | None:
    database = Database.in_folder(folder)
    try:
        with database.read() as tx:
            return tx.get(Account, username)
    finally:
        database.close()


def test_an_account_is_made_listed_disabled_and_enabled(
    users: Callable[..., tuple[int, str, str]], folder: Path
) -> None:
    code, out, _ = users("add", "lin.qiantai", "--make")
    told = json.loads(out)
    assert code == 0 and told["must_change"] is True
    account = kept(folder, "lin.qiantai")
    assert account is not None and account.must_change
    assert CHEAP.is_right(account.password_hash, told["password"])
    assert str(account.password_hash).startswith("$argon2id$v=19$m=65536,t=3,p=4$")

    assert users("disable", "lin.qiantai")[0] == 0
    assert json.loads(users("list", "--json")[1])[0]["state"] == "disabled"
    assert users("disable", "lin.qiantai")[0] == 0, "twice is once"
    assert users("enable", "lin.qiantai")[0] == 0
    code, out, _ = users("list")
    assert code == 0 and "林前台" in out and "must-change" in out and "杭州" in out

    code, out, _ = users("password", "lin.qiantai", "--keep", stdin="a-word-of-mine-5\n")
    assert json.loads(out) == {"username": "lin.qiantai", "must_change": False}
    account = kept(folder, "lin.qiantai")
    assert account is not None and CHEAP.is_right(account.password_hash, "a-word-of-mine-5")

    database = Database.in_folder(folder)
    with database.read() as tx:
        said = [(each.action, each.way, each.who) for each in reversed(audit.page(tx))]
    database.close()
    assert said == [
        ("account-added", "command", None),
        ("account-disabled", "command", None),
        ("account-enabled", "command", None),
        ("password-set", "command", None),
    ]


def test_what_cannot_be_done_is_one_sentence_that_says_what_to_do(
    users: Callable[..., tuple[int, str, str]], bare: Duban, tmp_path: Path
) -> None:
    users("add", "lin.qiantai", "--make")
    for arguments, stdin, said in (
        (("add", "nobody", "--make"), "", "nobody called 'nobody' among the staff"),
        (("add", "lin.qiantai", "--make"), "", "`duban users password lin.qiantai`"),
        (("add", "xu.qiantai"), "short\n", "at least 10 characters"),
        (("add", "xu.qiantai"), "", "--make"),
        (("password", "xu.qiantai", "--make"), "", "`duban users add`"),
        (("disable", "nobody"), "", "`duban users list`"),
    ):
        code, out, errors = users(*arguments, stdin=stdin)
        assert (code, out) == (1, ""), arguments
        assert said in errors and len(errors.splitlines()) == 1, errors
    elsewhere = bare("users", "list", DUBAN_DATA=str(tmp_path / "nowhere"))
    assert elsewhere.returncode == 1 and "start `duban up`" in elsewhere.stderr
