"""The verbs that run one part of an instance as a process of its own, for a cluster: upgrade, desk, records, send.

With `duban deploy` and `duban work` they are everything that `duban up` does, but the engine (docs/operations.md).
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from workers.cli.options import Data
from workers.cli.serve import Verbose, run_part, say, settings_for


def register(app: typer.Typer) -> None:
    """Adds the verbs, in the order of `duban --help`."""
    app.command()(upgrade)
    app.command()(desk)
    app.command()(records)
    app.command()(send)


def upgrade(data: Data = None) -> None:
    """Bring the store to this version.

    Every part does so when it starts; a cluster does it once, before. Prints the revisions as JSON.

    Example: DUBAN_DATABASE_URL=postgresql+psycopg://… duban upgrade
    """
    from dataclasses import asdict

    from workers.bootstrap.upgrade import upgrade as bring
    from workers.cli.options import print_json

    print_json(asdict(bring(settings_for(data))))


def desk(
    data: Data = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.", show_default="8700"),
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Serve pages and API, on an engine and a store that run elsewhere.

    Prints one line `ready http://…` when it answers. /healthz says that it lives, /readyz that the store answers.

    Example: DUBAN_ENGINE__ADDRESS=zeebe:26500 DUBAN_WEB__HOST=0.0.0.0 duban desk
    """
    from workers.bootstrap.desk_alone import desk as serve

    settings = settings_for(data, port)
    run_part(settings, partial(serve, settings, say, _ready), verbose=verbose)


def records(
    data: Data = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.", show_default="8710"),
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Take the engine's record stream into the store.

    The engine's exporter sends it there; docs/operations.md says how it is told to. Start one.

    Example: DUBAN_RECORDS__PASSWORD=… DUBAN_RECORDS__HOST=0.0.0.0 duban records
    """
    from workers.bootstrap import cluster

    settings = settings_for(data)
    if port is not None:
        settings.records.port = port
    run_part(settings, partial(cluster.records, settings, _ready), verbose=verbose)


def send(data: Data = None, verbose: Verbose = False) -> None:
    """Send what is owed: messages to people, and messages to the engine.

    Several on one store share the work.

    Example: DUBAN_ENGINE__ADDRESS=zeebe:26500 duban send
    """
    from workers.bootstrap import cluster

    settings = settings_for(data)
    cluster.find_engine(settings)
    run_part(settings, partial(cluster.send, settings, say), verbose=verbose)


def _ready(address: str) -> None:
    typer.echo(f"ready {address}")
