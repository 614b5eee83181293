"""The command `duban`: verbs only. `main` is the entry point; docs/cli.md lists every command and exit code.

Nothing here or in the client's modules may import what is slow to import (a test keeps it so): a command that
asks a running instance is there in the time Python needs to start.
"""

from __future__ import annotations

import typer

from workers.cli import (
    ask,
    bench,
    cluster,
    deploy,
    events,
    field,
    hand_in,
    improve,
    operate,
    records,
    rights,
    serve,
    tokens,
    users,
)
from workers.cli.failures import Commands


def application() -> typer.Typer:
    """All commands, in the order of `duban --help`."""
    app = typer.Typer(
        name="duban",
        cls=Commands,
        help="督办 Duban: complaint handling on a BPMN engine. 投诉督办:流程、任务、时限。\n\n"
        "Start with `duban up`; every other command finds the running instance by the same --data folder.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    serve.register(app)
    deploy.register(app)
    cluster.register(app)
    hand_in.register(app)
    ask.register(app)
    events.register(app)
    improve.register(app)
    rights.register(app)
    field.register(app)
    records.register(app)
    operate.register(app)
    users.register(app)
    tokens.register(app)
    bench.register(app)
    return app


def main() -> None:
    """Runs the command line; leaves by SystemExit with the exit codes of docs/cli.md."""
    application()()
