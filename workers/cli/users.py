"""`duban users`: who may sign in to the pages. Works on the store itself, whether the instance runs or not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workers.cli.options import AsJson, Data, print_json
from workers.errors import Refused

if TYPE_CHECKING:
    from workers.bootstrap.users import Users

Username = Annotated[str, typer.Argument(metavar="USERNAME", help="As in the staff file.")]
Make = Annotated[
    bool, typer.Option("--make", help="Make a password and print it, once, instead of asking for one.")
]
Keep = Annotated[
    bool,
    typer.Option("--keep", help="The person may keep it; else they choose another when they first sign in."),
]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    users = typer.Typer(help="Accounts: who of the staff may sign in to the pages.", rich_markup_mode=None)
    users.callback(no_args_is_help=True)(_users)
    users.command("add")(add)
    users.command("password")(password)
    users.command("disable")(disable)
    users.command("enable")(enable)
    users.command("list")(listing)
    app.add_typer(users, name="users")


def _users() -> None:
    """Accounts: who of the staff may sign in to the pages."""


def add(username: Username, make: Make = False, keep: Keep = False, data: Data = None) -> None:
    """Make an account for somebody of the staff.

    Groups and region are those of the staff file. Asks for a password on a terminal; elsewhere the first line of
    stdin is the password. Prints one line of JSON.

    \b
    Example:
      duban users add yin.fenzhang --make
    """
    _with_password(username, make=make, keep=keep, data=data, is_new=True)


def password(username: Username, make: Make = False, keep: Keep = False, data: Data = None) -> None:
    """Set a new password: it was forgotten, or somebody else knows it.

    The person is signed out everywhere, and need not wait any more after failed tries.

    \b
    Example:
      duban users password yin.fenzhang --make
    """
    _with_password(username, make=make, keep=keep, data=data, is_new=False)


def disable(username: Username, data: Data = None) -> None:
    """Let nobody sign in with an account any more, and sign them out everywhere at once.

    \b
    Example:
      duban users disable yin.fenzhang
    """
    with _store(data) as users:
        users.disable(username)
    print_json({"username": username, "state": "disabled"})


def enable(username: Username, data: Data = None) -> None:
    """Let a disabled account sign in again.

    \b
    Example:
      duban users enable yin.fenzhang
    """
    with _store(data) as users:
        users.enable(username)
    print_json({"username": username, "state": "enabled"})


def listing(as_json: AsJson = False, data: Data = None) -> None:
    """List the accounts: whose, in which groups, in which state.

    \b
    Example:
      duban users list --json
    """
    with _store(data) as users:
        found = users.listing()
    if as_json:
        print_json(found)
    else:
        from workers.cli.tables import print_users

        print_users(found)


def _with_password(username: str, *, make: bool, keep: bool, data: Path | None, is_new: bool) -> None:
    with _store(data) as users:
        users.check(username, is_new=is_new)
        told: dict[str, object] = {"username": username, "must_change": not keep}
        if make:
            from workers.cases.passwords import made

            told["password"] = secret = made()
        else:
            secret = _asked()
        if is_new:
            users.add(username, secret, must_change=not keep)
        else:
            users.set_password(username, secret, must_change=not keep)
    print_json(told)


def _asked() -> str:
    if sys.stdin.isatty():
        return str(
            typer.prompt("密码 Password", hide_input=True, confirmation_prompt="再输一次 Once more", err=True)
        )
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise Refused("no password came on stdin: give it there as one line, or use --make")
    return line


@contextmanager
def _store(data: Path | None) -> Iterator[Users]:
    from workers.bootstrap.users import users
    from workers.cli.serve import settings_for

    with users(settings_for(data)) as found:
        yield found
