"""deploy/compose.yaml: every part once, locked down, in an order that works, and no secret inside."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tools import write_exporter_env
from workers.cli import application
from workers.engine import broker_process
from workers.settings import Settings
from workers.tasks import TASKS

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
FILE: Final = DEPLOY / "compose.yaml"
OURS: Final = {"upgrade", "records", "deploy", "desk", "sender", "workers-refunds", "workers-rest"}
SECRETS: Final = {"POSTGRES_PASSWORD": "p", "RECORDS_PASSWORD": "r"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return dict(yaml.safe_load(FILE.read_text(encoding="utf-8"))["services"])


def test_every_part_is_there(services: dict[str, Any]) -> None:
    """Engine, store, mail and all parts of Duban."""
    assert set(services) == OURS | {"postgres", "zeebe", "mail", "evidence"}


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_part_is_locked_down_and_is_a_command_that_there_is(services: dict[str, Any], name: str) -> None:
    """Read-only, no capabilities; what it runs is a command of `duban`."""
    part = services[name]
    assert part["read_only"] and part["cap_drop"] == ["ALL"] and part["tmpfs"] == ["/tmp"]
    assert "user" not in part, "the image's own user is not root"
    assert part["command"][0] in {command.callback.__name__ for command in application().registered_commands}


def test_no_secret_is_in_the_file(services: dict[str, Any]) -> None:
    """Passwords come from the environment, and are asked for where they are missing."""
    for name, part in services.items():
        for key, value in part.get("environment", {}).items():
            if "PASSWORD" in key or "DATABASE_URL" in key:
                assert re.search(r"\$\{[A-Z_]+:\?", value), f"{key} of {name}"


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_setting_is_one_that_there_is(services: dict[str, Any], name: str) -> None:
    """A word that was mistyped would change nothing, and nobody would see it."""
    for key in services[name]["environment"]:
        found: Any = Settings
        for part in key.removeprefix("DUBAN_").lower().split("__"):
            field = found.model_fields[part]
            found = field.annotation


def test_every_job_type_is_worked_on_by_one_group(services: dict[str, Any]) -> None:
    """What the one group takes, the other leaves, and nothing else."""
    only = set(_options(services["workers-refunds"]["command"], "only"))
    but = set(_options(services["workers-rest"]["command"], "except"))
    assert only == but and only <= {task.type for task in TASKS}


def _options(command: list[str], name: str) -> list[str]:
    assert all(word.startswith(f"--{name}=") for word in command[1:])
    return [word.partition("=")[2] for word in command[1:]]


def test_what_is_waited_for_comes_to_an_end(services: dict[str, Any]) -> None:
    """Store, then migration, then records and models, then workers: no part waits for one that waits for it."""
    waits = {name: set(part.get("depends_on", {})) for name, part in services.items()}
    done: set[str] = set()
    while len(done) < len(waits):
        ready = {name for name, others in waits.items() if others <= done} - done
        assert ready, f"wait for each other: {sorted(set(waits) - done)}"
        done |= ready
    for name in ("desk", "sender", "workers-refunds", "workers-rest"):
        assert services[name]["depends_on"]["deploy"] == {"condition": "service_completed_successfully"}
    assert "healthcheck" in services["zeebe"] and "healthcheck" in services["postgres"]


def test_an_engine_elsewhere_is_told_what_our_own_is_told(services: dict[str, Any]) -> None:
    """deploy/zeebe-exporter.env and the engine of `duban up` send the same records."""
    stale = "run `python tools/write_exporter_env.py`"
    assert write_exporter_env.FILE.read_text(encoding="utf-8") == write_exporter_env.text(), stale
    told = services["zeebe"]["environment"]
    wanted = broker_process.exporter("http://duban:secret@records:8710")
    beside = {key for key in wanted if key.endswith("_URL") or "_AUTHENTICATION_" in key}
    assert beside <= set(told) and len(beside) == 3
    assert all(told[key] == wanted[key] for key in beside if not key.endswith("PASSWORD"))


def test_docker_compose_understands_it() -> None:
    """The tool itself reads the file; without a password it refuses."""
    command = _compose()
    if command is None:
        pytest.skip("there is no docker compose on this machine")
    fine = subprocess.run(
        [*command, "-f", FILE, "config", "--quiet"],
        env=os.environ | SECRETS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert fine.returncode == 0, fine.stderr
    bare = {key: value for key, value in os.environ.items() if key not in SECRETS}
    refused = subprocess.run(
        [*command, "-f", FILE, "config", "--quiet"], env=bare, capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0 and "POSTGRES_PASSWORD" in refused.stderr


def _compose() -> list[str] | None:
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) is None:
            continue
        if subprocess.run([*command, "version"], capture_output=True, check=False).returncode == 0:
            return command
    return None
