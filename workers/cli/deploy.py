"""`duban deploy`: says what would change, puts models into an engine, moves running instances to them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workers.cli.failures import Exit
from workers.cli.options import AsJson, Data, Person, print_json
from workers.cli.serve import say, settings_for

if TYPE_CHECKING:
    from workers.bootstrap.deploying import Done, Preview
    from workers.settings import Settings


def register(app: typer.Typer) -> None:
    """Adds the verb."""
    app.command()(deploy)


def deploy(
    data: Data = None,
    check_only: Annotated[
        bool, typer.Option("--check", help="Only check the models against the workers; nothing is sent.")
    ] = False,
    is_dry: Annotated[
        bool,
        typer.Option("--dry-run", help="Only say what would change: exit code 4 if something would, else 0."),
    ] = False,
    moving: Annotated[
        bool,
        typer.Option("--migrate", help="Move running instances of older versions to the newest, too."),
    ] = False,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Check the models, say what changes, and deploy them to an engine.

    `duban up` deploys by itself.

    The engine is the one at DUBAN_ENGINE__ADDRESS, or that of the instance running on --data. What it has is known from
    the store (DUBAN_DATABASE_URL, or that of --data).

    \b
    Example:
      duban deploy --dry-run --migrate
      DUBAN_ENGINE__ADDRESS=zeebe:26500 duban deploy
    """
    from workers.bootstrap import cluster, deploying
    from workers.bootstrap.contract import checked_models

    settings = settings_for(data, None)
    if check_only:
        checked_models(settings)
        say("模型检查通过 The models are in order.")
        return
    cluster.find_engine(settings)
    if is_dry:
        found = asyncio.run(deploying.preview(settings, say, moving=moving))
        if as_json:
            print_json(_changes(found))
        else:
            _show(found)
        raise typer.Exit(Exit.WOULD_CHANGE if found.would_change else Exit.DONE)
    _deploy(settings, moving=moving, person=person, as_json=as_json)


def _deploy(settings: Settings, *, moving: bool, person: str | None, as_json: bool) -> None:
    from workers.bootstrap import deploying

    shown: list[Preview] = []

    def show(found: Preview) -> None:
        shown.append(found)
        if not as_json:
            _show(found)

    done: Done = asyncio.run(deploying.deploy(settings, say, show, moving=moving, who=person))
    if as_json:
        deployed = [asdict(each) for each in done.deployed]
        print_json({**_changes(shown[0]), "deployed": deployed, "moved": done.moves})
        return
    for item in done.deployed:
        typer.echo(f"{item.kind} {item.id} version {item.version}")
    from workers.cli.operation_tables import print_migration

    for run in done.moves:
        print_migration(run)


def _changes(found: Preview) -> dict[str, Any]:
    return {
        "would_change": found.would_change,
        "not_known": found.not_known,
        "files": [{**asdict(each), "running": _running(found, each.kind, each.id)} for each in found.files],
        "migrations": found.moves,
    }


def _running(found: Preview, kind: str, id_: str) -> Mapping[int, int]:
    return found.running.get(id_, {}) if kind == "process" else {}


def _show(found: Preview) -> None:
    """On stderr: stdout is for what was done."""
    from workers.cli.operation_tables import print_changes

    rows = [
        {
            "change": each.change.value,
            "kind": each.kind,
            "id": each.id,
            "version": each.version,
            "running": "，".join(
                f"v{version}: {count}" for version, count in _running(found, each.kind, each.id).items()
            ),
        }
        for each in found.files
    ]
    print_changes(rows, found.not_known, found.moves)
