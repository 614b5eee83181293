"""Options that every client command has: how to find the running instance."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from workers.client import Client
from workers.connection import find_instance


def default_data() -> Path:
    """The data folder when none is named; the same as Settings().data, without importing pydantic."""
    import platformdirs

    return Path(os.environ.get("DUBAN_DATA") or platformdirs.user_data_dir("duban"))


Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", help="Data folder of the running instance (DUBAN_DATA).", show_default=False
    ),
]
Url = Annotated[
    str | None,
    typer.Option(
        "--url", envvar="DUBAN_URL", metavar="URL", help="Address of a running instance, instead of --data."
    ),
]
Token = Annotated[
    str | None,
    typer.Option("--token", envvar="DUBAN_TOKEN", metavar="TOKEN", help="The instance's token, with --url."),
]
Person = Annotated[
    str | None,
    typer.Option("--as", metavar="USER", help="Who does it; kept in the audit.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout, for scripts.")]


def connect(data: Path | None, url: str | None, token: str | None) -> Client:
    """A client of the instance that the options name; --data given by hand beats DUBAN_URL.

    Raises:
        NoInstance, Refused: as find_instance.
    """
    if data is not None:
        return Client(find_instance(data))
    return Client(find_instance(default_data(), url, token))


def print_json(value: Any) -> None:
    """One line of JSON on stdout."""
    import json

    typer.echo(json.dumps(value, ensure_ascii=False))
