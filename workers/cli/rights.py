"""The commands for the rights around a case: to appeal, to add evidence, to mark (rules B4, B7, B9, D11)."""

from __future__ import annotations

from typing import Annotated

import typer

from workers.cli.ask import Number
from workers.cli.options import Data, Token, Url, connect, print_json


def register(app: typer.Typer) -> None:
    """Adds the commands, in this order."""
    app.command("appeal")(appeal)


def appeal(
    number: Number,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, in the customer's words.")],
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Note that the customer appeals against the result of a closed complaint.

    Other people than before handle it a second time. Prints the number of the appeal as JSON. Refused while the
    complaint is still open, and when it has been appealed against before.

    \b
    Example:
      duban appeal TS20260301-000001 --reason 退费金额仍然不对
    """
    with connect(data, url, token) as client:
        print_json(client.appeal(number, reason))
