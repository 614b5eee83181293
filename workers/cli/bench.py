"""The verb that measures: bench. What it measures and how is in docs/performance.md."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from workers.cli.options import AsJson, print_json
from workers.cli.serve import say


def register(app: typer.Typer) -> None:
    """Adds the verb."""
    app.command()(bench)


def bench(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of each contestant, in turns.")] = 5,
    warm_ups: Annotated[
        int, typer.Option(min=0, help="Rounds of each before those: the engine's JVM compiles for minutes.")
    ] = 2,
    complaints: Annotated[int, typer.Option(min=1, help="Complaints per round.")] = 360,
    in_flight: Annotated[int, typer.Option(min=1, help="Complaints under way at once.")] = 60,
    seconds: Annotated[
        float, typer.Option(min=1, help="How long complaints come in at half of the peak.")
    ] = 60,
    starts: Annotated[int, typer.Option(min=0, help="Warm starts of `duban up`; 0: none.")] = 3,
    share_cores: Annotated[
        bool,
        typer.Option(
            "--share-cores",
            help="All processes on all cores; else the engine and the load have half of them.",
        ),
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="A few complaints: to see that all works.")] = False,
    database_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="An empty PostgreSQL database, instead of SQLite in a temporary folder."
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Keep data and logs in this new folder.", show_default="a temporary one"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure this machine: whole complaints, beside no-op workers.

    Made-up complaints go through desk, engine, workers, messages and record stream, all processes of their own. Duban,
    its worker host, bare pyzeebe and the official Java client (where there is Maven) take turns on one engine. Your
    instances are not touched. It takes about half an hour; docs/performance.md says what the figures mean.

    Example: duban bench --quick
    """
    from workers.bench.measure import QUICK, Plan, measure

    plan = QUICK if quick else Plan(rounds, warm_ups, complaints, in_flight, seconds, starts)
    plan = replace(plan, has_shared_cores=share_cores)
    os.umask(0o077)
    with _new_folder(folder) as where:
        found = asyncio.run(_unless_told_to_stop(measure(plan, where, database_url, say)))
    if as_json:
        print_json(found)
    else:
        typer.echo(_table(found))


async def _unless_told_to_stop(measuring: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """Its result. Ctrl-C and SIGTERM end it with everything that it started, and there is no result."""
    from workers.bootstrap.running import RunUntil, Stopped, stop_on_signals

    stopping = stop_on_signals()
    try:
        return await RunUntil(stopping).first(measuring, "bench")
    except Stopped:
        raise typer.Exit(128 + stopping.signal) from None


@contextmanager
def _new_folder(named: Path | None) -> Iterator[Path]:
    from workers.errors import Refused

    if named is None:
        with tempfile.TemporaryDirectory(prefix="duban-bench-") as made:
            yield Path(made)
        return
    try:
        named.mkdir(parents=True)
    except OSError as error:
        raise Refused(f"{named} is there already, or cannot be made: name a new folder") from error
    yield named.absolute()


def _table(found: dict[str, Any]) -> str:
    from workers.bench.measure import GOALS

    lines = []
    for name, value in found.items():
        how, limit = GOALS.get(name, ("", 0))
        goal = (
            f"   goal {how} {limit:g}" + ("  MISSED" if name in found["goals_missed"] else "") if how else ""
        )
        if name != "goals_missed":
            lines.append(f"{name:34} {'-' if value is None else value}{goal}")
    return "\n".join(lines)
