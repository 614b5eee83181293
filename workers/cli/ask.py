"""The commands that look at cases and tasks of a running instance, and act on them."""

from __future__ import annotations

from typing import Annotated

import typer

from workers.cli.answers import json_object
from workers.cli.options import AsJson, Data, Token, Url, connect, print_json


def register(app: typer.Typer) -> None:
    """Adds the commands, in this order."""
    app.command("show")(show)
    app.command("tasks")(tasks)
    app.command("complete")(complete)
    app.command("withdraw")(withdraw)
    app.command("extend")(extend)
    app.command("survey")(survey)
    clock = typer.Typer(
        help="The test clock of an instance started with --test-clock.", rich_markup_mode=None
    )
    clock.callback(no_args_is_help=True)(_clock)
    clock.command("advance")(advance)
    app.add_typer(clock, name="clock")


Number = Annotated[
    str, typer.Argument(metavar="NUMBER", help="The complaint's number, as `duban submit` printed it.")
]


def show(
    number: Number, as_json: AsJson = False, data: Data = None, url: Url = None, token: Token = None
) -> None:
    """Show a whole case.

    Status, owner, deadlines, timeline, messages, tasks.

    \b
    Example:
      duban show TS20260301-000001 --json
    """
    with connect(data, url, token) as client:
        case = client.show(number)
    if as_json:
        print_json(case)
    else:
        from workers.cli.tables import print_case

        print_case(case)


def tasks(
    person: Annotated[
        str | None, typer.Option("--as", metavar="USER", help="Only tasks that this person may complete.")
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """List open user tasks.

    Each with task, name, number, groups, due_at, form and the fields it asks for.

    \b
    Example:
      duban tasks --as zhangwei --json
    """
    with connect(data, url, token) as client:
        found = client.tasks(person)
    if as_json:
        print_json(found)
    else:
        from workers.cli.tables import print_tasks

        print_tasks(found)


def complete(
    task: Annotated[str, typer.Argument(metavar="TASK", help="The task's key, as `duban tasks` shows it.")],
    person: Annotated[str, typer.Option("--as", metavar="USER", help="Who completes it.")],
    answers: Annotated[
        str,
        typer.Option("--json", metavar="ANSWERS", help="A JSON object; @FILE reads a file, - reads stdin."),
    ] = "{}",
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Complete a user task with answers to its form.

    Answers that the form does not take are refused, and the task stays open.

    The keys are those of the form's fields, see `duban tasks --json`. Prints one line of JSON.

    \b
    Example:
      duban complete 2251799813685301 --as zhangwei --json '{"is_settled": true, "reply": "已恢复"}'
    """
    variables = json_object(answers, "--json", '{"is_settled": true}')
    with connect(data, url, token) as client:
        print_json(client.complete(task, person, variables))


def withdraw(
    number: Number,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why, in the customer's words.")
    ] = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Note that the customer takes the complaint back: handling ends.

    \b
    Example:
      duban withdraw TS20260301-000001 --reason 问题已自行解决
    """
    with connect(data, url, token) as client:
        print_json(client.withdraw(number, reason))


def extend(
    number: Number,
    person: Annotated[str, typer.Option("--as", metavar="USER", help="Who needs more time.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")],
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Ask the complaint group for more time, before the deadline.

    Only a decision in time moves the deadline.

    \b
    Example:
      duban extend TS20260301-000001 --as li.jing --reason 需厂家到场检测
    """
    with connect(data, url, token) as client:
        print_json(client.extend(number, person, reason))


def survey(
    number: Number,
    satisfaction: Annotated[
        str, typer.Option("--satisfaction", metavar="WORD", help="satisfied or dissatisfied.")
    ],
    is_solved: Annotated[
        bool, typer.Option("--solved/--not-solved", help="Is the problem solved?", show_default=False)
    ],
    comment: Annotated[
        str | None, typer.Option("--comment", metavar="TEXT", help="What the customer adds.")
    ] = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Note the customer's answer to the satisfaction survey.

    \b
    Example:
      duban survey TS20260301-000001 --satisfaction satisfied --solved
    """
    answer = {"satisfaction": satisfaction, "is_solved": is_solved, "comment": comment}
    with connect(data, url, token) as client:
        print_json(client.answer_survey(number, answer))


def _clock() -> None:
    """The test clock of an instance started with --test-clock."""


def advance(
    by: Annotated[str, typer.Argument(metavar="DURATION", help="An ISO 8601 duration: PT25H, P2D, PT90M.")],
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Move the clock forward, and wait until what that sets off has settled.

    \b
    Example:
      duban clock advance PT25H
    """
    with connect(data, url, token) as client:
        print_json(client.advance_clock(by))
