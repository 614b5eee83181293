"""`duban find` and `duban retention`: look records up, and anonymise those whose time is over (rules B10, C10)."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer

from workers.cli.options import AsJson, Data, Token, Url, connect, print_json
from workers.client import Client
from workers.errors import Refused

_LOOK_SECONDS: Final = 1
_STILL_SECONDS: Final = 60
"""A run that gets no further for so long is left to itself."""


def register(app: typer.Typer) -> None:
    """Adds the commands, in this order."""
    app.command("find")(find)
    app.command("retention")(retention)


def find(
    wanted: Annotated[
        str,
        typer.Argument(metavar="NUMBER|PHONE|CUSTOMER-NO|NAME", help="Whole, in any spelling; or an e-mail."),
    ],
    person: Annotated[str, typer.Option("--as", metavar="USER", help="Who looks.")],
    as_json: AsJson = False,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Find complaints, open or archived, by number or by customer; personal data is masked.

    Takes the right find-complaint (bpmn/rights.json). Anonymised complaints are found by their number only.

    \b
    Example:
      duban find 13800138000 --as he.kefu
    """
    with connect(data, url, token) as client:
        found = client.find(wanted, person)
    if as_json:
        print_json(found)
    else:
        from workers.cli.tables import print_found

        print_found(found)


def retention(
    number: Annotated[
        str | None, typer.Argument(metavar="NUMBER", help="A run, to see how far it is.", show_default=False)
    ] = None,
    is_dry: Annotated[bool, typer.Option("--dry-run", help="Only say what is over; the default.")] = False,
    is_run: Annotated[bool, typer.Option("--run", help="Anonymise it, after a look at the figures.")] = False,
    person: Annotated[
        str | None, typer.Option("--as", metavar="USER", help="Who confirms; with --run.")
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Show which records have been kept long enough, and anonymise them.

    --run shows the figures first and asks on a terminal; elsewhere --run is the confirmation. Takes the right
    run-retention (bpmn/rights.json). Nothing can bring back what is removed.

    \b
    Example:
      duban retention --run --as yun.weiyi
    """
    if (number is not None) + is_dry + is_run > 1:
        raise Refused("one of NUMBER, --dry-run and --run, not several")
    if is_run and person is None:
        raise Refused("--run needs --as: who confirms")
    with connect(data, url, token) as client:
        found = client.retention_run(number) if number is not None else client.expired()
        if person is not None and is_run:
            found = _run(client, person, found, as_json)
    if as_json:
        print_json(found)
    else:
        from workers.cli.tables import print_retention

        print_retention(found)


def _run(client: Client, person: str, expired: dict[str, Any], as_json: bool) -> dict[str, Any]:
    if sys.stdin.isatty() and not as_json:
        from workers.cli.tables import print_retention

        print_retention(expired)
        if not typer.confirm("确认清除个人信息？ Remove everything personal for good?", err=True):
            raise Refused("未确认，未作任何更改。 Not confirmed; nothing was changed.")
    return _watched(client, client.run_retention(person), _say)


def _watched(client: Client, run: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """The run once it has ended; as it is, where it gets no further."""
    told, since = "", time.monotonic()
    while run["state"] == "open" and time.monotonic() - since < _STILL_SECONDS:
        progress = f"{run['number']}  {run['anonymised'] + run['kept']}/{run['expired']}"
        if progress != told:
            say(progress)
            told, since = progress, time.monotonic()
        time.sleep(_LOOK_SECONDS)
        run = client.retention_run(run["number"])
    return run


def _say(progress: str) -> None:
    sys.stderr.write(f"{progress}\n")
    sys.stderr.flush()
