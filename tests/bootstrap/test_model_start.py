"""When the models of a start go to the engine: before work begins, or, where nothing changed, when all runs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from workers.bootstrap import model_start
from workers.bootstrap.model_start import ModelStart
from workers.bootstrap.resources import models_dir
from workers.engine.gateway import EngineHandle
from workers.engine.models import Models
from workers.engine.models.changes import Change, Difference
from workers.errors import Unavailable
from workers.settings import Settings
from workers.store.database import Database

HANDLE = EngineHandle(grpc_address="127.0.0.1:1", rest_url="http://127.0.0.1:1")


class Engine:
    """Takes deployments, after as many refusals to answer as told."""

    def __init__(self, *, away: int = 0) -> None:
        self.deployments = 0
        self.is_deployed = asyncio.Event()
        self._away = away

    async def deploy(self, _handle: EngineHandle, files: list[Path]) -> list[Any]:
        if self._away:
            self._away -= 1
            raise Unavailable("the engine does not answer")
        assert files
        self.deployments += 1
        self.is_deployed.set()
        return []


def start(
    monkeypatch: pytest.MonkeyPatch,
    database: Database,
    engine: Engine,
    change: Change,
    *,
    is_own: bool = True,
) -> ModelStart:
    """A start whose models differ from the engine's as told."""
    found = [Difference("process", "complaint-handling", "complaint-handling.bpmn", change, 1)]
    monkeypatch.setattr(model_start, "deploy", engine.deploy)
    monkeypatch.setattr(model_start, "differences", lambda _models, _newest: found)
    monkeypatch.setattr(model_start, "PAUSE_SECONDS", 0.01)
    return ModelStart(database, Models.load(models_dir(Settings())), HANDLE, is_own=is_own)


async def until_deployed(starting: ModelStart, engine: Engine) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(starting.run(stop))
    async with asyncio.timeout(60):
        await engine.is_deployed.wait()
    assert not running.done(), "a loop that ends would end the instance"
    stop.set()
    await running


@pytest.mark.parametrize("change", [Change.CHANGED, Change.UNKNOWN])
def test_what_changed_is_there_before_work_begins(
    monkeypatch: pytest.MonkeyPatch, sqlite_database: Database, change: Change
) -> None:
    engine = Engine()
    starting = start(monkeypatch, sqlite_database, engine, change)
    asyncio.run(starting.before_work())
    assert engine.deployments == 1
    asyncio.run(until_deployed(starting, engine))
    assert engine.deployments == 1, "once is enough"


def test_what_is_unchanged_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, sqlite_database: Database
) -> None:
    """The engine looks all the same, when everything runs, however often it has to be asked."""
    engine = Engine(away=2)
    starting = start(monkeypatch, sqlite_database, engine, Change.UNCHANGED)
    asyncio.run(starting.before_work())
    assert engine.deployments == 0
    asyncio.run(until_deployed(starting, engine))
    assert engine.deployments == 1


def test_an_engine_of_others_is_asked_at_once(
    monkeypatch: pytest.MonkeyPatch, sqlite_database: Database
) -> None:
    """What this store knows of it may be late."""
    engine = Engine()
    asyncio.run(start(monkeypatch, sqlite_database, engine, Change.UNCHANGED, is_own=False).before_work())
    assert engine.deployments == 1
