"""The commands for improvement work: figures and suggestions."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from workers.cli.options import AsJson, Data, Token, Url, connect, print_json
from workers.connection import NoInstance
from workers.errors import Refused


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("figures")(figures)
    app.command("suggest")(suggest)
    app.command("suggestions")(suggestions)
    app.command("suggestion")(suggestion)


Person = Annotated[str, typer.Option("--as", metavar="USER", help="Who says so.")]


def figures(
    first: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="First day, or a month: 2026-11-01, 2026-11.")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day, or a month.")] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            metavar="WORD",
            help="month, week, day, category, product, province, city, branch, owner, group, policy, channel or "
            "cause; may be given several times.",
        ),
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="The rows as CSV.")] = False,
    as_json: AsJson = False,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE", help="Also draw them: a page for the browser.")
    ] = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Show how complaints are handled: how many, in time, satisfied, repeated, how long.

    Also hot spots, causes, and complaints per million users. Without a running instance the store is read.

    \b
    Example:
      duban figures --from 2026-10 --to 2026-11 --by month --by category --picture figures.html
    """
    if as_csv and as_json:
        raise Refused("--csv or --json, not both")
    report = _report(first, last, by or [], data, url, token)
    if picture is not None:
        from workers.cli.picture import write

        write(report, picture)
    if as_json:
        print_json(report)
    elif as_csv:
        _print_csv(report["rows"])
    else:
        from workers.cli.figure_tables import print_figures

        print_figures(report)


def suggest(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What should be better.")],
    person: Person,
    number: Annotated[
        str | None, typer.Option("--number", metavar="NUMBER", help="The case that gave the idea.")
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group", metavar="GROUP", help="Who decides; else who owns the case, or complaint-group."
        ),
    ] = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Make a suggestion for improvement. Prints it as one line of JSON.

    \b
    Example:
      duban suggest 账单短信里写清减免到期日 --as yu.zhangwu --number TS20260301-000001
    """
    with connect(data, url, token) as client:
        print_json(client.suggest({"as": person, "text": text, "number": number, "group": group}))


def suggestions(
    status: Annotated[
        str | None, typer.Option("--status", metavar="WORD", help="open, accepted, done or rejected.")
    ] = None,
    group: Annotated[str | None, typer.Option("--group", metavar="GROUP", help="For this group.")] = None,
    number: Annotated[str | None, typer.Option("--number", metavar="NUMBER", help="Of this case.")] = None,
    as_json: AsJson = False,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """List suggestions for improvement, newest first.

    \b
    Example:
      duban suggestions --status open --json
    """
    with connect(data, url, token) as client:
        found = client.suggestions(status=status, group=group, number=number)
    if as_json:
        print_json(found)
    else:
        from workers.cli.figure_tables import print_suggestions

        print_suggestions(found)


def suggestion(
    id_: Annotated[int, typer.Argument(metavar="ID", help="As `duban suggestions` shows it.")],
    person: Person,
    status: Annotated[str, typer.Option("--status", metavar="WORD", help="accepted, done or rejected.")],
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why; needed when rejected.")
    ] = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Accept or reject a suggestion, or note that it is carried out. Prints it as one line of JSON.

    \b
    Example:
      duban suggestion 3 --as bao.zhangwu --status rejected --reason 系统已于上月改造
    """
    with connect(data, url, token) as client:
        print_json(client.decide_suggestion(id_, {"as": person, "status": status, "reason": reason}))


def _report(
    first: str | None, last: str | None, by: list[str], data: Path | None, url: str | None, token: str | None
) -> dict[str, Any]:
    try:
        with connect(data, url, token) as client:
            return client.figures(first, last, by)
    except NoInstance:
        if url is not None and data is None:
            raise
    from workers.bootstrap.figures import report_of_store
    from workers.cli.serve import settings_for

    return report_of_store(settings_for(data), first, last, by)


def _print_csv(rows: list[dict[str, Any]]) -> None:
    if rows:
        writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
