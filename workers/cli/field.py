"""The commands of the front desk's fault guides and of rectification."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from workers.cli.options import AsJson, Data, Token, Url, connect, print_json
from workers.errors import Refused


def register(app: typer.Typer) -> None:
    """Adds the commands, in this order."""
    app.command("guide")(guide)
    app.command("rectifications")(rectifications)


def guide(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="network, content or service.")],
    answers: Annotated[
        list[str] | None,
        typer.Option("--answer", "-a", metavar="KEY=VALUE", help="An answer; may be given several times."),
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Find out what to do about a fault, question by question.

    Asks on a terminal; otherwise prints the next question or the decision for the answers given.

    \b
    Example:
      duban guide network -a is_cell_fault=no -a is_account_suspended=yes --json
    """
    given = _given(answers or [])
    with connect(data, url, token) as client:
        found = client.guide(kind, given)
        while not as_json and sys.stdin.isatty() and found["question"] is not None:
            key, value = _asked(found["question"])
            given[key] = value
            found = client.guide(kind, given)
    if as_json:
        print_json(found)
    else:
        _print(found)


def rectifications(
    status: Annotated[
        str,
        typer.Option("--status", metavar="STATUS", help="running, open, done, effective or reported."),
    ] = "running",
    number: Annotated[
        str | None, typer.Option("--number", metavar="NUMBER", help="Only of this complaint or incident.")
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """List what is to be put right, with owner, due date and state.

    \b
    Example:
      duban rectifications --status reported --json
    """
    with connect(data, url, token) as client:
        found = client.rectifications(status, number)
    if as_json:
        print_json(found)
        return
    for each in found:
        late = " 超时 overdue" if each["missed"] else ""
        typer.echo(
            f"{each['number']}  {each['status']}  {each['group']}  {each['owner']}  round {each['round']}"
            f"  due {each['due_at']}{late}"
        )
    if not found:
        typer.echo("没有整改任务。 No rectification.")


def _given(pairs: list[str]) -> dict[str, str]:
    given = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise Refused(f"an answer is KEY=VALUE, not {pair[:40]!r}")
        given[key.strip()] = value.strip()
    return given


def _asked(question: dict[str, Any]) -> tuple[str, str]:
    options = question["options"]
    typer.echo(question["label"])
    for place, option in enumerate(options, 1):
        typer.echo(f"  {place}  {option['label']}")
    chosen = 0
    while not 1 <= chosen <= len(options):
        chosen = typer.prompt("  选择 Choice", type=int)
    return question["key"], options[chosen - 1]["value"]


def _print(found: dict[str, Any]) -> None:
    if found["question"] is not None:
        options = " / ".join(str(option["value"]) for option in found["question"]["options"])
        typer.echo(f"{found['question']['label']}  ({found['question']['key']} = {options})")
        return
    visit = "，需要上门 visit needed" if found["is_visit_needed"] else ""
    typer.echo(f"下一步 Next: {found['next_step']}{visit}")
    typer.echo(f"对客户说：{found['words']['zh']}")
    typer.echo(f"  {found['words']['en']}")
    for place, step in enumerate(found["steps"], 1):
        typer.echo(f"  {place}. {step['zh']}  {step['en']}")
