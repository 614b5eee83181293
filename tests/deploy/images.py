"""Docker for tests: is it there, and on which base images are built. Where no registry can be reached, on one of our
own making."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

LOCAL_BASE: Final = "local/duban-python:bookworm"
WANTED_BASE: Final = "python:3.12-slim-bookworm"
_CERTIFICATES: Final = Path("etc/ssl/certs/ca-certificates.crt")
_PACKAGES: Final = "python3,python3-venv,ca-certificates"
_UNUSED: Final = ("usr/share/doc", "usr/share/locale", "usr/share/man", "var/cache/apt", "var/lib/apt/lists")


def docker(*arguments: str, seconds: float = 600, check: bool = True) -> subprocess.CompletedProcess[str]:
    """One command of docker's client. Raises RuntimeError with what it said when it fails and `check` is set."""
    done = subprocess.run(
        ["docker", *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env=_environment(),
    )
    if check and done.returncode != 0:
        raise RuntimeError(f"docker {arguments[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


@cache
def _environment() -> dict[str, str]:
    """A client without its builder component can still build in the old way."""
    has_builder = subprocess.run(["docker", "buildx", "version"], capture_output=True, check=False)
    return dict(os.environ) if has_builder.returncode == 0 else os.environ | {"DOCKER_BUILDKIT": "0"}


@cache
def why_no_docker() -> str:
    """The reason why nothing can be built here; empty when it can."""
    if shutil.which("docker") is None:
        return "there is no docker on this machine"
    if docker("info", seconds=30, check=False).returncode != 0:
        return "no Docker daemon answers (start dockerd)"
    return ""


@cache
def base_image() -> str:
    """The base image to build on: the one named in DUBAN_TEST_PYTHON_IMAGE, Docker Hub's, or a local one.

    Empty when there is none and none can be made.
    """
    if named := os.environ.get("DUBAN_TEST_PYTHON_IMAGE"):
        return named
    for name in (LOCAL_BASE, WANTED_BASE):
        if docker("image", "inspect", name, check=False).returncode == 0:
            return name
    if docker("pull", "--quiet", WANTED_BASE, check=False).returncode == 0:
        return WANTED_BASE
    return _make_base()


def _make_base() -> str:
    """Debian with Python from Debian's packages, and with this machine's certificates and package settings."""
    if shutil.which("debootstrap") is None or os.geteuid() != 0:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        made = subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", "bookworm", root, *_mirror()],
            capture_output=True,
            check=False,
        )
        if made.returncode != 0:
            return ""
        for path in _UNUSED:
            shutil.rmtree(root / path, ignore_errors=True)
        _know_registries(root)
        with subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE) as packed:
            subprocess.run(
                ["docker", "import", "-", LOCAL_BASE], stdin=packed.stdout, capture_output=True, check=True
            )
    return LOCAL_BASE


def _know_registries(root: Path) -> None:
    """pip inside trusts what this machine trusts; the project's Dockerfile knows nothing of that."""
    if (certificates := Path("/") / _CERTIFICATES).exists():
        shutil.copy(certificates, root / _CERTIFICATES)
        (root / "etc" / "pip.conf").write_text(f"[global]\ncert = /{_CERTIFICATES}\n")


def _mirror() -> list[str]:
    """Where this machine has its Debian packages from, for debootstrap."""
    source = Path("/etc/apt/sources.list.d/debian.sources")
    if not source.exists():
        return []
    uris = [line.split()[1] for line in source.read_text().splitlines() if line.startswith("URIs:")]
    return uris[:1]
