"""`duban tokens`: what other systems show when they call the API. Works on the store itself, as `duban users` does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workers.cli.options import AsJson, Data, print_json

if TYPE_CHECKING:
    from workers.bootstrap.tokens import Tokens

Name = Annotated[str, typer.Argument(metavar="NAME", help="What it is called, e.g. crm-intake.")]
Scopes = Annotated[
    list[str],
    typer.Option("--scope", help="What it opens, such as complaints:write; several times (docs/api.md)."),
]
Person = Annotated[
    str | None,
    typer.Option("--as", help="In whose name it acts, with this person's groups, rights and region."),
]
Days = Annotated[int, typer.Option("--days", min=1, max=3660, help="How many days it is good for.")]
Place = Annotated[str | None, typer.Option(help="It reaches no further than this.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    tokens = typer.Typer(help="API tokens: what other systems may call.", rich_markup_mode=None)
    tokens.callback(no_args_is_help=True)(_tokens)
    tokens.command("add")(add)
    tokens.command("list")(listing)
    tokens.command("revoke")(revoke)
    app.add_typer(tokens, name="tokens")


def _tokens() -> None:
    """API tokens: what other systems may call."""


def add(
    name: Name,
    scope: Scopes,
    person: Person = None,
    province: Place = None,
    city: Place = None,
    branch: Place = None,
    days: Days = 90,
    data: Data = None,
) -> None:
    """Make a token for another system and print it, once: the store keeps a hash only.

    Without --as the calls say in whose name something is done; with it they need not, and the person's rights count.
    Prints one line of JSON.

    \b
    Example:
      duban tokens add crm-intake --scope complaints:write --scope complaints:read --province 浙江省
    """
    place = {"province": province, "city": city, "branch": branch}
    with _store(data) as tokens:
        made = tokens.add(name, scope, days=days, username=person, place=place)
    print_json(made)


def listing(as_json: AsJson = False, data: Data = None) -> None:
    """List the tokens there are or were: what for, until when, when last used. Never the tokens themselves.

    \b
    Example:
      duban tokens list --json
    """
    with _store(data) as tokens:
        found = tokens.listing()
    if as_json:
        print_json(found)
    else:
        from workers.cli.tables import print_tokens

        print_tokens(found)


def revoke(name: Name, data: Data = None) -> None:
    """Take a token back: the next call that shows it is refused.

    \b
    Example:
      duban tokens revoke crm-intake
    """
    with _store(data) as tokens:
        tokens.revoke(name)
    print_json({"name": name, "state": "revoked"})


@contextmanager
def _store(data: Path | None) -> Iterator[Tokens]:
    from workers.bootstrap.tokens import tokens
    from workers.cli.serve import settings_for

    with tokens(settings_for(data)) as found:
        yield found
