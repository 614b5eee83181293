"""The verbs that run something: up, work, fetch; `workers.cli.cluster` has those of a cluster, `workers.cli.deploy`
puts models into an engine.

Slow imports are inside, so that other commands stay quick.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workers.cli.options import Data

if TYPE_CHECKING:
    from workers.bootstrap.up import Ready
    from workers.settings import Settings

Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say on stderr what the parts do.")]


def register(app: typer.Typer) -> None:
    """Adds the verbs, in the order of `duban --help`."""
    app.command()(up)
    app.command()(work)
    app.command()(fetch)


def up(
    data: Data = None,
    test_clock: Annotated[
        bool,
        typer.Option(
            "--test-clock", help="Let `duban clock advance` move the clock: for trying out and tests."
        ),
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port of the page; 0 takes a free one.", show_default="8700"),
    ] = None,
    samples: Annotated[bool, typer.Option("--samples", help="Hand in a few sample complaints.")] = False,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="Accounts for the sample staff, to try the pages; on this machine only."),
    ] = False,
    verbose: Verbose = False,
) -> None:
    """Start everything: engine, workers, store, messages, page. Ctrl-C stops it.

    Prints one line `ready http://…` when it is usable; progress goes to stderr. A second start on the same data
    folder goes on where the first stopped.

    Example: duban up --data ./trial --test-clock
    """
    from workers.bootstrap.resources import SAMPLE_COMPLAINTS, deploy_file
    from workers.bootstrap.up import up as run

    settings = settings_for(data, port)

    def ready(instance: Ready) -> None:
        typer.echo(f"ready {instance.url}")
        say(_where_to_look(settings.data, instance.url) + instance.sign_in)

    part = partial(
        run,
        settings,
        test_clock=test_clock,
        samples=deploy_file(SAMPLE_COMPLAINTS) if samples else None,
        say=say,
        ready=ready,
        demo=demo,
    )
    run_part(settings, part, settings.data, verbose=verbose)
    say("已停止 Stopped.")


def work(
    data: Data = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="TYPE", help="Only this job type; may be given several times."),
    ] = None,
    but: Annotated[
        list[str] | None,
        typer.Option(
            "--except", metavar="TYPE", help="All job types but this one; may be given several times."
        ),
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Run job workers for an engine and a store.

    They are those at DUBAN_ENGINE__ADDRESS and DUBAN_DATABASE_URL, or those of the instance running on --data.

    Without --only and --except also the relay (messages owed to the engine) and the sender (messages to people).

    Example: duban work --only classify-complaint --only notify-customer
    """
    from workers.bootstrap import cluster

    settings = settings_for(data, None)
    cluster.find_engine(settings)
    run_part(settings, partial(cluster.work, settings, only or [], say, but or []), verbose=verbose)


def run_part(
    settings: Settings,
    part: Callable[[], Coroutine[Any, Any, None]],
    log_folder: Path | None = None,
    *,
    verbose: bool,
) -> None:
    """Runs what runs until a signal comes. Files that it makes are its own user's alone.

    Args:
        log_folder: takes the log as a file; None: stderr only.
    """
    from workers.bootstrap.logs import log_to
    from workers.bootstrap.memory import keep_memory_small
    from workers.bootstrap.running import Stopped

    os.umask(0o077)
    keep_memory_small()
    with log_to(log_folder, verbose=verbose, form=settings.log.format):
        try:
            asyncio.run(part())
        except Stopped as stopped:
            raise typer.Exit(stopped.exit_code) from None


def fetch() -> None:
    """Fetch the engine into the user's cache folder, once.

    `make setup` and `duban up` call it.

    Example: duban fetch
    """
    from workers.engine.distribution import fetch as get

    say(f"引擎已就位 The engine is in {get(settings_for(None, None).engine, say)}")


def settings_for(data: Path | None, port: int | None = None) -> Settings:
    """The settings, with the data folder and the port of the command line. Raises Refused naming what is wrong."""
    from pydantic import ValidationError

    from workers.errors import Refused
    from workers.settings import Settings

    try:
        settings = Settings() if data is None else Settings(data=data)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        name = "__".join(str(part) for part in problem["loc"]).upper()
        raise Refused(f"the setting DUBAN_{name} cannot be used: {problem['msg']}") from None
    settings.data = settings.data.absolute()
    if port is not None:
        settings.web.port = port
    return settings


def _where_to_look(data: Path, url: str) -> str:
    named = f"--data {data}"
    return (
        f"\n  页面 Page          {url}\n"
        f"  投诉 Complaints    echo '{{\"policy\":…}}' | duban submit {named}\n"
        f"  任务 Tasks         duban tasks {named}\n"
        f"  短信邮件 Messages   {data / 'spool'}\n"
        f"  日志 Log           {data / 'duban.log'}\n"
        "  停止 Stop          Ctrl-C\n"
    )


def say(sentence: str) -> None:
    """Progress, on stderr."""
    typer.echo(sentence, err=True)
