"""`duban report-event`, `events`, `event`, `attach`, `raise-event`: major events."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final

import typer

from workers.cli.options import AsJson, Data, Token, Url, connect, print_json
from workers.client import Client

_LEVEL_SECONDS: Final = 20
"""How long to wait for the table to say whether a report is a major event."""
_ANSWERED: Final = ("number", "kind", "status", "tier", "reason", "outcome")


def register(app: typer.Typer) -> None:
    """Adds the commands, in this order."""
    app.command("report-event")(report_event)
    app.command("events")(events)
    app.command("event")(event)
    app.command("attach")(attach)
    app.command("raise-event")(raise_event)
    app.command("hand-back-event")(hand_back_event)
    app.command("detach")(detach)
    app.command("tell-event")(tell_event)


Number = Annotated[
    str, typer.Argument(metavar="NUMBER", help="The event's number, as `duban events` shows it.")
]
Person = Annotated[str, typer.Option("--as", metavar="USER", help="Who does it.")]


def report_event(
    kind: Annotated[
        str,
        typer.Option("--kind", help="hall-outage, network-outage, media-exposure, regulator, legal, …"),
    ],
    person: Person,
    policy: Annotated[str, typer.Option("--policy", help="The policy that applies.")] = "petition",
    province: Annotated[str | None, typer.Option("--province", help="Where: province.")] = None,
    city: Annotated[str | None, typer.Option("--city", help="Where: city.")] = None,
    branch: Annotated[str | None, typer.Option("--branch", help="Where: branch.")] = None,
    minutes: Annotated[int | None, typer.Option("--minutes", help="Minutes of outage so far.")] = None,
    users: Annotated[int | None, typer.Option("--users", help="Users affected.")] = None,
    product: Annotated[str | None, typer.Option("--product", help="Product concerned.")] = None,
    category: Annotated[
        str | None,
        typer.Option("--category", help="Complaints of this category from there join by themselves."),
    ] = None,
    flag: Annotated[
        list[str] | None, typer.Option("--flag", help="media, regulator, legal, privacy, …")
    ] = None,
    text: Annotated[str | None, typer.Option("--text", help="What happened; kept in the store.")] = None,
    ref: Annotated[
        str | None, typer.Option("--ref", help="Your reference: the same twice is one event.")
    ] = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Report a major event, or what may become one.

    The tables say whether it is one and of which level. Prints {number, kind, status, tier, reason, outcome}: status
    `noted` means that it is kept and no major event, for the reason given.

    \b
    Example:
      duban report-event --as lin.qiantai --kind hall-outage --minutes 15 --city 杭州 --branch 西湖
    """
    region = {"province": province, "city": city, "branch": branch}
    told: dict[str, Any] = {"as": person, "policy": policy, "kind": kind, "region": region}
    told |= {"product": product, "category": category, "text": text, "external_ref": ref, "flags": flag or []}
    told |= {"outage_minutes": minutes, "affected_users": users}
    with connect(data, url, token) as client:
        found = _answered(client, client.report_event(told)["number"])
    print_json({key: found[key] for key in _ANSWERED})


def _answered(client: Client, number: str) -> dict[str, Any]:
    """The event once it has its level; as it is, where the engine takes longer."""
    until = time.monotonic() + _LEVEL_SECONDS
    while (found := client.event(number))["status"] == "reported" and time.monotonic() < until:
        time.sleep(0.2)
    return found


def events(
    with_ended: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    as_json: AsJson = False,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """List major events that are open, the newest first.

    \b
    Example:
      duban events --json
    """
    with connect(data, url, token) as client:
        found = client.events(with_ended=with_ended)
    if as_json:
        print_json(found)
    else:
        from workers.cli.tables import print_events

        print_events(found)


def event(
    number: Number, as_json: AsJson = False, data: Data = None, url: Url = None, token: Token = None
) -> None:
    """Show a whole event: who has it, its complaints, reports, tasks, timeline, messages.

    \b
    Example:
      duban event SJ20260301-0001 --json
    """
    with connect(data, url, token) as client:
        found = client.event(number)
    if as_json:
        print_json(found)
    else:
        from workers.cli.tables import print_event

        print_event(found)


def attach(
    number: Number,
    complaints: Annotated[list[str], typer.Argument(metavar="COMPLAINT…", help="Numbers of complaints.")],
    person: Person,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Tie complaints to an event that they belong to: told together, solved together.

    \b
    Example:
      duban attach SJ20260301-0001 TS20260301-000001 TS20260301-000002 --as he.kefu
    """
    with connect(data, url, token) as client:
        print_json(client.attach(number, person, complaints))


def detach(
    number: Number,
    complaint: Annotated[str, typer.Argument(metavar="COMPLAINT", help="Number of the complaint.")],
    person: Person,
    reason: Annotated[str | None, typer.Option(help="Why it does not belong to the event.")] = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Let a complaint of an event go: it is handled by itself again, and joins no event any more.

    \b
    Example:
      duban detach SJ20260301-0001 TS20260301-000002 --as he.kefu --reason "another street"
    """
    with connect(data, url, token) as client:
        print_json(client.detach(number, person, complaint, reason))


def raise_event(
    number: Number,
    person: Person,
    reason: Annotated[str | None, typer.Option(help="Why; kept with the event.")] = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Call the next tier of an event at once; who has it now stays informed.

    \b
    Example:
      duban raise-event SJ20260301-0001 --as yin.fenzhang
    """
    with connect(data, url, token) as client:
        print_json(client.raise_event(number, person, reason))


def hand_back_event(
    number: Number,
    person: Person,
    reason: Annotated[str, typer.Option(help="Why; kept with the event.")],
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Call the lower tier of an event again, at whatever step it is; for whoever has it now.

    \b
    Example:
      duban hand-back-event SJ20260301-0001 --as an.shigongsi --reason "the branch can do it"
    """
    with connect(data, url, token) as client:
        print_json(client.hand_back_event(number, person, reason))


def tell_event(
    number: Number,
    news: Annotated[str, typer.Argument(metavar="TEXT", help="What the customers are told.")],
    person: Person,
    send: Annotated[bool, typer.Option("--send", help="Tell them; without it, only show it.")] = False,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Tell every customer whose complaint waits for an event how it stands, each once.

    \b
    Example:
      duban tell-event SJ20260301-0001 "The engineers are on site." --as he.kefu --send
    """
    with connect(data, url, token) as client:
        print_json(client.tell_event(number, person, news, preview=not send))
