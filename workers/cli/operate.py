"""The commands of operations: stuck work, dead letters, timers, versions, where time goes, who works."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final

import typer

from workers.cli.alerts import alerts
from workers.cli.answers import json_object
from workers.cli.options import AsJson, Data, Person, Token, Url, connect, print_json
from workers.errors import Refused

_LOOK_SECONDS: Final = 0.5


def register(app: typer.Typer) -> None:
    """Adds the commands, in this order."""
    app.command("incidents")(incidents)
    app.command("retry")(retry)
    app.command("outbox")(outbox)
    app.command("resend")(resend)
    app.command("alerts")(alerts)
    app.command("timers")(timers)
    app.command("versions")(versions)
    app.command("migrate")(migrate)
    app.command("heat")(heat)
    app.command("workers")(workers)


def incidents(
    key: Annotated[
        str | None,
        typer.Argument(
            metavar="KEY", help="One of them, with the variables that it sees.", show_default=False
        ),
    ] = None,
    by_cause: Annotated[bool, typer.Option("--by-cause", help="Counted by cause.")] = False,
    as_json: AsJson = False,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """List stuck work, with its cause and the key for `duban retry`.

    \b
    Example:
      duban incidents --json
    """
    if key is not None and by_cause:
        raise Refused("one of KEY and --by-cause, not both")
    with connect(data, url, token) as client:
        found: Any = (
            client.incident(key) if key is not None else client.causes() if by_cause else client.incidents()
        )
    if as_json or key is not None:
        print_json(found)
        return
    from workers.cli.operation_tables import print_causes
    from workers.cli.tables import print_incidents

    (print_causes if by_cause else print_incidents)(found)


def retry(
    key: Annotated[
        str | None,
        typer.Argument(
            metavar="KEY", help="The incident's key, as `duban incidents` shows it.", show_default=False
        ),
    ] = None,
    cause: Annotated[
        str | None,
        typer.Option(
            "--cause", metavar="ID", help="Everything stuck by a cause, see `incidents --by-cause`."
        ),
    ] = None,
    variables: Annotated[
        str | None,
        typer.Option(
            "--variables", metavar="JSON", help="Change these first; @FILE reads a file, - reads stdin."
        ),
    ] = None,
    person: Person = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Give stuck work another try, once its cause is removed.

    Variables are checked against bpmn/variables.schema.json; changing them needs --as.

    \b
    Example:
      duban retry 2251799813685402
      duban retry 2251799813685402 --variables '{"asked_fen": 9900}' --as yun.weiyi
    """
    if (key is None) == (cause is None):
        raise Refused("one of KEY and --cause")
    changed = json_object(variables, "--variables", '{"asked_fen": 9900}') if variables is not None else {}
    if changed and cause is not None:
        raise Refused("--variables are those of one piece of stuck work: name its KEY")
    with connect(data, url, token) as client:
        if cause is not None:
            print_json(client.retry_cause(cause, person))
        else:
            print_json(client.retry(key or "", person, changed))


def outbox(
    state: Annotated[str, typer.Option("--state", metavar="WORD", help="dead or pending.")] = "dead",
    number: Annotated[
        str | None, typer.Option("--number", metavar="NUMBER", help="Only of this case.")
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """List messages that were given up, or are owed, and why; recipients are masked.

    \b
    Example:
      duban outbox --state pending
    """
    with connect(data, url, token) as client:
        found = client.outbox(state, number)
    if as_json:
        print_json(found)
    else:
        from workers.cli.operation_tables import print_outbox

        print_outbox(found)


def resend(
    id_: Annotated[
        int | None, typer.Argument(metavar="ID", help="As `duban outbox` shows it.", show_default=False)
    ] = None,
    is_all: Annotated[bool, typer.Option("--all", help="Every dead letter.")] = False,
    channel: Annotated[
        str | None, typer.Option("--channel", metavar="WORD", help="Every one of a channel: sms or email.")
    ] = None,
    error: Annotated[
        str | None, typer.Option("--error", metavar="TEXT", help="Every one of a reason, as shown.")
    ] = None,
    person: Person = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Send dead letters again, with all their attempts.

    \b
    Example:
      duban resend --channel sms --as yun.weiyi
    """
    if sum((id_ is not None, is_all, channel is not None or error is not None)) != 1:
        raise Refused("one of ID, --all, and --channel or --error")
    with connect(data, url, token) as client:
        print_json(client.resend(id_, channel, error, person))


def timers(
    number: Annotated[
        str | None, typer.Option("--number", metavar="NUMBER", help="Only of this case.")
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """List the timers that fire next, for which case and where.

    \b
    Example:
      duban timers --number TS20260301-000001
    """
    with connect(data, url, token) as client:
        found = client.timers(number)
    if as_json:
        print_json(found)
    else:
        from workers.cli.operation_tables import print_timers

        print_timers(found)


def versions(as_json: AsJson = False, data: Data = None, url: Url = None, token: Token = None) -> None:
    """List what is deployed in which version, and how many instances of it run.

    \b
    Example:
      duban versions
    """
    with connect(data, url, token) as client:
        found = client.versions()
    if as_json:
        print_json(found)
    else:
        from workers.cli.operation_tables import print_versions

        print_versions(found)


def migrate(
    process: Annotated[str, typer.Argument(metavar="PROCESS", help="A process, e.g. complaint-handling.")],
    version: Annotated[int, typer.Option("--from", metavar="N", min=1, help="The version that they run on.")],
    is_dry: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be moved, and what not.")
    ] = False,
    person: Person = None,
    as_json: AsJson = False,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Move running instances to the newest version of their process.

    Those that cannot be moved stay as they are, each with the reason. --dry-run changes nothing.

    \b
    Example:
      duban migrate rectification --from 3 --dry-run
    """
    from workers.cli.operation_tables import print_migration, print_preview

    with connect(data, url, token) as client:
        if is_dry:
            found = client.preview_migration(process, version)
            (print_json if as_json else print_preview)(found)
            return
        run = client.migrate(process, version, person)
        while run["ended_at"] is None:
            time.sleep(_LOOK_SECONDS)
            run = client.migration(run["id"])
    (print_json if as_json else print_migration)(run)


def heat(
    process: Annotated[str, typer.Argument(metavar="PROCESS", help="A process, e.g. complaint-handling.")],
    days: Annotated[int, typer.Option("--days", metavar="N", min=1, max=3660, help="How far back.")] = 30,
    as_json: AsJson = False,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Show where cases of a process spend their time, and how many are where now.

    \b
    Example:
      duban heat complaint-handling --days 7
    """
    with connect(data, url, token) as client:
        found = client.heat(process, days)
    if as_json:
        print_json(found)
    else:
        from workers.cli.operation_tables import print_heat

        print_heat(found)


def workers(as_json: AsJson = False, data: Data = None, url: Url = None, token: Token = None) -> None:
    """Show who works on which job types, how the engine is, and how far the records are behind.

    \b
    Example:
      duban workers
    """
    with connect(data, url, token) as client:
        found = client.workers()
    if as_json:
        print_json(found)
    else:
        from workers.cli.operation_tables import print_workers

        print_workers(found)
