"""The command of alerts: what operations were told, and a test."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final

import typer

from workers.cli.options import AsJson, Data, Person, Token, Url, connect, print_json
from workers.client import Client
from workers.errors import Refused, Unavailable

_LOOK_SECONDS: Final = 0.5
_TEST_SECONDS: Final = 60.0
"""A look every few seconds, and the longest time-outs of the channels."""


def alerts(
    action: Annotated[
        str | None,
        typer.Argument(metavar="[test]", help="Sends a test alert and waits for it.", show_default=False),
    ] = None,
    person: Person = None,
    as_json: AsJson = False,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """List the last alerts, to whom they went and whether they arrived, and what is not over.

    `duban alerts test` sends one to everybody who gets alerts, and says whether it arrived.

    \b
    Example:
      duban alerts test
    """
    if action not in (None, "test"):
        raise Refused(f"{action!a} is none of the actions of `duban alerts`: test")
    with connect(data, url, token) as client:
        found = _tested(client, person) if action else client.alerts()
    if as_json:
        print_json(found)
    else:
        from workers.cli.operation_tables import print_alerts

        print_alerts(found)
    if action and any(each["status"] != "sent" for each in found["alerts"][0]["messages"]):
        raise Unavailable("the test alert did not arrive everywhere; what it met is shown above")


def _tested(client: Client, person: str | None) -> dict[str, Any]:
    """What is told once the test alert arrived, failed once, or a minute is over; this alert is the only one told."""
    before = {each["number"] for each in client.alerts()["alerts"]}
    client.test_alert(person)
    until = time.monotonic() + _TEST_SECONDS
    while True:
        found = client.alerts()
        new = [each for each in found["alerts"] if each["number"] not in before and each["kind"] == "tested"]
        if new and all(one["status"] != "pending" or one["error"] for one in new[-1]["messages"]):
            return found | {"alerts": new[-1:]}
        if time.monotonic() > until:
            if new:
                return found | {"alerts": new[-1:]}
            raise Unavailable("nobody wrote the test alert within a minute: is `duban send` running?")
        time.sleep(_LOOK_SECONDS)
