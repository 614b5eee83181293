"""Deploying models: everything in one call, so that it is taken whole or refused whole."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc
from pyzeebe.proto.gateway_pb2 import Deployment, DeployResourceRequest, Resource

from workers.engine.gateway import TRANSIENT, EngineHandle, Gateway, unavailable
from workers.errors import Refused

DEPLOY_SECONDS: Final = 30.0
PATIENCE_SECONDS: Final = 180.0
"""After a restart the engine has a leader before it has replayed its log, and takes no deployment until then."""
SUFFIXES: Final = (".bpmn", ".dmn", ".form")


@dataclass(frozen=True)
class Deployed:
    """A definition that the engine now has. kind: process, decision or form."""

    kind: str
    id: str
    version: int
    key: str
    resource: str


async def deploy(handle: EngineHandle, files: Sequence[Path]) -> list[Deployed]:
    """Deploy BPMN, DMN and form files together; unchanged ones keep their version.

    Raises:
        Refused: the engine does not take a model; the message names file, element and reason.
        Unavailable: the engine does not answer.
    """
    contents = await asyncio.to_thread(lambda: [(file, file.read_bytes()) for file in files])
    names = [file.name for file in files]
    for name in names:
        if names.count(name) > 1:
            raise Refused(
                f"文件重名：{name}。 Two files are called {name}; the engine tells files by their names."
            )
    resources = [Resource(name=file.name, content=content) for file, content in contents]
    request = DeployResourceRequest(resources=resources, tenantId=handle.access.tenant)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_SECONDS
    async with Gateway(handle) as gateway:
        while True:
            try:
                answer = await gateway.stub.DeployResource(request, timeout=DEPLOY_SECONDS)
                return _deployed(answer.deployments)
            except grpc.aio.AioRpcError as error:
                if error.code() not in TRANSIENT:
                    raise Refused(rejection(error.details() or error.code().name)) from error
                if loop.time() > deadline:
                    raise unavailable(handle, error) from error
            await asyncio.sleep(1.0)


def _deployed(deployments: Iterable[Deployment]) -> list[Deployed]:
    tables: dict[int, str] = {}
    found: list[Deployed] = []
    for one in deployments:
        tables[one.decisionRequirements.decisionRequirementsKey] = one.decisionRequirements.resourceName
    for one in deployments:
        if one.HasField("process"):
            p = one.process
            key = str(p.processDefinitionKey)
            found.append(Deployed("process", p.bpmnProcessId, p.version, key, p.resourceName))
        elif one.HasField("decision"):
            d = one.decision
            resource = tables.get(d.decisionRequirementsKey, "")
            found.append(Deployed("decision", d.dmnDecisionId, d.version, str(d.decisionKey), resource))
        elif one.HasField("form"):
            f = one.form
            found.append(Deployed("form", f.formId, f.version, str(f.formKey), f.resourceName))
    return found


def rejection(details: str) -> str:
    """The engine's rejection text as one readable sentence per fault.

    It comes as ``Command 'CREATE' rejected with code 'INVALID_ARGUMENT': Expected to deploy new resources,
    but encountered the following errors:`` and then, per file, ``'x.bpmn': - Element: … - ERROR: …``.
    """
    _, found, faults = details.partition("encountered the following errors:")
    text = faults if found else re.sub(r"^Command '\w+' rejected with code '\w+':\s*", "", details)
    lines = []
    file = element = ""
    for line in (line.strip() for line in text.splitlines()):
        if match := re.match(r"'([^']+)'\s*:\s*(.*)", line):
            file, rest = match.groups()
            element = ""
            line = rest
        if match := re.match(r"-?\s*Element:\s*(.+)", line):
            element = match.group(1)
            continue
        line = re.sub(r"^-?\s*ERROR:\s*", "", line).strip()
        if line:
            where = " › ".join(part for part in (file, element) if part)
            lines.append(f"{where}: {line}" if where else line)
    listed = "\n".join(f"  {line}" for line in lines) or f"  {details.strip()}"
    return f"模型被引擎拒绝，未部署。 The engine refused the models; nothing was deployed:\n{listed}"
