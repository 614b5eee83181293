"""`duban tokens`: what other systems call the API with, made and taken back on the machine of the instance."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Duban
from workers.store import audit, staff
from workers.store.database import Database


@pytest.fixture
def folder(sqlite_template: Path, tmp_path: Path) -> Path:
    """The data folder of an instance with one person."""
    data = tmp_path / "instance"
    data.mkdir()
    shutil.copy(sqlite_template, data / "duban.db")
    database = Database.in_folder(data)
    with database.begin() as tx:
        people = [
            staff.StaffMember(username="lin.qiantai", name="林前台", groups=["front-desk"], province="浙江")
        ]
        staff.load(tx, people)
    database.close()
    return data


@pytest.fixture
def tokens(bare: Duban, folder: Path) -> Callable[..., tuple[int, str, str]]:
    """Runs `duban tokens` on it: exit code, stdout, stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        done = bare("tokens", *arguments, DUBAN_DATA=str(folder))
        return done.returncode, done.stdout, done.stderr

    return run


def test_a_token_is_made_listed_and_taken_back(
    tokens: Callable[..., tuple[int, str, str]], folder: Path
) -> None:
    code, out, _ = tokens(
        "add",
        "crm",
        "--scope",
        "tasks:read",
        "--scope",
        "complaints:read",
        "--as",
        "lin.qiantai",
        "--city",
        "杭州",
    )
    assert code == 1, "a city without its province lies in no province"
    code, out, _ = tokens(
        "add",
        "crm",
        "--scope",
        "tasks:read",
        "--scope",
        "complaints:read",
        "--as",
        "lin.qiantai",
        "--days",
        "7",
    )
    made = json.loads(out)
    assert (code, made["scopes"], made["as"]) == (0, ["complaints:read", "tasks:read"], "lin.qiantai")
    assert made["token"].startswith("duban_")
    (listed,) = json.loads(tokens("list", "--json")[1])
    assert (listed["name"], listed["state"], listed["used_at"]) == ("crm", "active", None)
    assert made["token"] not in json.dumps(listed)
    assert "crm" in tokens("list")[1]
    assert tokens("revoke", "crm")[0] == tokens("revoke", "crm")[0] == 0, "twice is once"
    assert json.loads(tokens("list", "--json")[1])[0]["state"] == "revoked"
    database = Database.in_folder(folder)
    with database.read() as tx:
        noted = [(each.action, each.subject, each.way) for each in audit.page(tx)]
    database.close()
    assert noted == [("token-revoked", "crm", "command"), ("token-added", "crm", "command")]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("add", "crm", "--scope", "everything"), "complaints:read"),
        (("add", "CRM", "--scope", "tasks:read"), "kebab"),
        (("add", "crm", "--scope", "tasks:read", "--as", "nobody"), "staff"),
        (("add", "crm", "--scope", "tasks:read", "--province", ""), "province"),
        (("revoke", "crm"), "`duban tokens list`"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    tokens: Callable[..., tuple[int, str, str]], arguments: tuple[str, ...], says: str
) -> None:
    code, out, errors = tokens(*arguments)
    assert (code, out) == (1, "")
    assert says in errors
    assert errors.startswith("duban: ")
