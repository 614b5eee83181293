"""What is not documented does not exist: commands, options, settings, API calls."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.cli.conftest import Duban
from tests.desk_server import RunningDesk
from tools import write_settings_page
from workers.cli import application
from workers.cli.failures import Exit

DOCS = Path(__file__).parents[2] / "docs"


def commands(group: Any, *path: str) -> Iterator[tuple[str, Any]]:
    for name, found in group.commands.items():
        if hasattr(found, "commands"):
            yield from commands(found, *path, name)
        else:
            yield " ".join((*path, name)), found


COMMANDS = dict(commands(typer.main.get_command(application())))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    section = re.search(rf"^### `duban {name}\b.*?(?=^### |\Z)", page, re.MULTILINE | re.DOTALL)
    assert section, f"docs/cli.md has no heading for `duban {name}`"
    for parameter in COMMANDS[name].params:
        option = next((each for each in parameter.opts if each.startswith("--")), None)
        if option not in {None, "--data", "--url", "--token", "--help", "--verbose"}:
            assert str(option) in section.group(), f"{option} of `duban {name}` is not documented"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_enough_to_use_a_command(name: str) -> None:
    text = COMMANDS[name].help or ""
    assert "Example:" in text, f"the help of `duban {name}` has no example"
    assert f"duban {name}" in text


def test_no_command_hides_another() -> None:
    """Two commands of one name would be one, and nobody would see which is gone."""
    names = [
        each.name or each.callback.__name__ for each in application().registered_commands if each.callback
    ]
    assert sorted(names) == sorted(set(names))


def test_no_documented_command_is_missing() -> None:
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    documented = set(
        re.findall(
            r"^### `duban ([a-z-]+(?: (?:advance|add|list|get|password|disable|enable|revoke))?)",
            page,
            re.MULTILINE,
        )
    )
    assert documented == set(COMMANDS)


def test_exit_codes_are_documented() -> None:
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| (\d+) \|", page, re.MULTILINE)) == {str(code.value) for code in Exit}


def test_settings_are_documented() -> None:
    stale = "run `python tools/write_settings_page.py`"
    assert write_settings_page.PAGE.read_text(encoding="utf-8") == write_settings_page.page(), stale


def test_every_call_of_the_api_is_documented(desk: RunningDesk) -> None:
    with desk.client() as client:
        paths = client.get("/api/v1/openapi.json").json()["paths"]
    calls = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in paths.items()
        for method in methods
    }
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    documented = {
        each.partition("?")[0] for each in re.findall(r"^\| `((?:GET|POST|PATCH) [^`]+)`", page, re.MULTILINE)
    }
    assert documented == calls


def test_help_comes_at_once_and_imports_nothing_slow(bare: Duban) -> None:
    done = bare("tasks", "--help", PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    imported = {each.rpartition("|")[2].strip() for each in done.stderr.splitlines()}
    assert "workers.cli" in imported
    slow = ["sklearn", "sqlalchemy", "pyzeebe", "grpc", "fastapi", "httpx", "rich", "numpy", "jinja2"]
    assert [name for name in slow if name in imported] == []


@pytest.mark.parametrize("arguments", [(), ("--help",), ("clock",)])
def test_help_lists_the_commands(bare: Duban, arguments: tuple[str, ...]) -> None:
    done = bare(*arguments)
    said = done.stdout + done.stderr
    assert "advance" in said if arguments == ("clock",) else all(name.split()[0] in said for name in COMMANDS)
    assert "Traceback" not in said


def test_the_default_folder_is_the_one_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    from workers.cli.options import default_data
    from workers.settings import Settings

    monkeypatch.delenv("DUBAN_DATA", raising=False)
    assert default_data() == Settings().data
    monkeypatch.setenv("DUBAN_DATA", "/somewhere")
    assert default_data() == Settings().data == Path("/somewhere")
