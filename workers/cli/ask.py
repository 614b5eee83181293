"""The commands that look at cases and tasks of a running instance, and act on them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from workers.cli.options import AsJson, Data, Token, Url, connect, print_json
from workers.errors import Refused


def register(app: typer.Typer) -> None:
    """Adds the commands, in this order."""
    app.command("show")(show)
    app.command("tasks")(tasks)
    app.command("complete")(complete)
    app.command("incidents")(incidents)
    app.command("retry")(retry)
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
    variables = _answers(answers)
    with connect(data, url, token) as client:
        print_json(client.complete(task, person, variables))


def incidents(as_json: AsJson = False, data: Data = None, url: Url = None, token: Token = None) -> None:
    """List stuck work, with its cause and the key for `duban retry`.

    \b
    Example:
      duban incidents --json
    """
    with connect(data, url, token) as client:
        found = client.incidents()
    if as_json:
        print_json(found)
    else:
        from workers.cli.tables import print_incidents

        print_incidents(found)


def retry(
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="The incident's key, as `duban incidents` shows it.")
    ],
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Give stuck work another try, once its cause is removed.

    \b
    Example:
      duban retry 2251799813685402
    """
    with connect(data, url, token) as client:
        print_json(client.retry(key))


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


def _answers(given: str) -> Any:
    """The answers from the option, a file (@FILE) or stdin (-). Raises Refused when it is no JSON object."""
    try:
        if given == "-":
            given = sys.stdin.buffer.read().decode()
        elif given.startswith("@"):
            given = Path(given[1:]).read_text(encoding="utf-8")
        answers = json.loads(given)
    except OSError as error:
        raise Refused(f"{given[1:]} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise Refused(
            f"--json takes a JSON object like '{{\"is_settled\": true}}': {_reason(error)}"
        ) from error
    if not isinstance(answers, dict):
        raise Refused("--json takes a JSON object like '{\"is_settled\": true}'")
    return answers


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno} column {error.colno}"
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else "it is nested too deeply"
